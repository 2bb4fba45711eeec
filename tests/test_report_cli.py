"""`outdial report`: what an operator types, and what comes out."""

import csv
import io
import json
import sqlite3
import sys

import pytest

from outdial import cli
from outdial.reports import formats
from serve_samples import write_configuration

pytestmark = pytest.mark.slow
COLUMNS = (
    "epoch, call_id, group_id, node_id, list_id, record_id, number, attempt_n, mode, call_result, fault, verdict, "
    "sip_status, q850_cause, agent_id, dialed_utc_ms, ring_ms, wait_ms, talk_ms, disposition, not_before_utc_ms"
)
ATTEMPT = "(1, {n}, 1, 1, 1, {n}, '+1555{n}', 1, 'progressive', {result}, 'none', NULL, 200, NULL, 7, {at}, 9000, {wait}, {talk}, 'done', 0)"  # noqa: E501
NOON = 1_795_262_400_000
"""2026-11-21T12:00Z."""


TABLE = """\
attempts, 2026-11-21 00:00 to 2026-11-22 00:00, Europe/Berlin

                                        persons                              lost          no talk
group hour             attempts persons     (%) connected abandoned dropped   (%) busy answer  (s)
east  2026-11-21 13:00        3       3   100.0         2         1       0 33.33    0      0 45.0
east  2026-11-21 14:00        1       0     0.0         0         0       0     -    1      0    -
--------------------------------------------------------------------------------------------------
total                         4       3    75.0         2         1       0 33.33    1      0 45.0
"""


@pytest.fixture
def types(tmp_path, capsys):
    """Types a command; returns its exit code and what it has said."""
    config = write_configuration(tmp_path, records=3)
    assert cli.run_command_line(["list", "import", str(tmp_path / "list.csv"), str(config), "--list", "customers"]) == 0
    connection = sqlite3.connect(tmp_path / "results" / "outdial.sqlite3", isolation_level=None)
    for n, (result, wait, talk) in enumerate([(33, 0, 60_000), (33, 1_250, 30_000), (21, 3_000, 0), (6, 0, 0)], 1):
        at = NOON + n * 900_000
        connection.execute(
            f"INSERT INTO attempts ({COLUMNS}) VALUES "
            + ATTEMPT.format(n=n, result=result, at=at, wait=wait, talk=talk)
        )
    connection.close()
    capsys.readouterr()

    def run(*arguments: object) -> tuple[int, str, str]:
        kind, *rest = map(str, arguments)
        code = cli.run_command_line(["report", kind, str(config), *rest])
        return (code, *capsys.readouterr())

    return run


def test_a_table(types):
    code, said, _ = types("attempts", "--period", "2026-11-21", "--by", "group,hour", "--zone", "Europe/Berlin")
    assert code == 0
    lines = said.splitlines()
    assert lines == TABLE.splitlines()
    assert max(map(len, lines)) <= formats.WIDTH


def test_all_formats_have_the_same_columns(types, tmp_path):
    arguments = ("waits", "--period", "2026-11-21", "--by", "group,hour-of-day")
    _, said, _ = types(*arguments, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said)))
    _, said, _ = types(*arguments, "--format", "json")
    found = json.loads(said)
    assert (found["report"], found["zone"], found["by"]) == ("waits", "UTC", ["group", "hour-of-day"])
    assert found["from_utc"] == "2026-11-21T00:00:00.000Z"
    assert found["rows"] == [
        {
            "group": "east",
            "hour_of_day": "12",
            "persons": 3,
            "lost": 1,
            "within_2s": 2,
            "within_2s_pct": 66.67,
            "mean_s": 1.417,
            "p50_s": 1.25,
            "p90_s": 3.0,
            "p95_s": 3.0,
            "p99_s": 3.0,
            "longest_s": 3.0,
        }
    ]
    assert [{name: str(value) for name, value in row.items()} for row in found["rows"]] == rows
    assert found["totals"] == {name: found["rows"][0][name] for name in found["totals"]}
    parquet = pytest.importorskip("pyarrow.parquet")
    assert types(*arguments, "--output", tmp_path / "waits.parquet")[:2] == (0, "")
    table = parquet.read_table(tmp_path / "waits.parquet")
    assert table.to_pylist() == found["rows"]
    assert table.schema.metadata[b"outdial.report"] == b"waits"


def test_a_file_instead_of_standard_output(types, tmp_path):
    for name in ("a.csv", "a.json", "a.txt"):
        assert types("lists", "--period", "2026-11-21", "--output", tmp_path / name)[:2] == (0, "")
    assert (tmp_path / "a.csv").read_text().startswith("list,records,")
    assert json.loads((tmp_path / "a.json").read_text())["totals"]["records"] == 3
    assert (tmp_path / "a.txt").read_text().startswith("lists, 2026-11-21 00:00 to ")
    code, _, said = types("lists", "--period", "2026-11-21", "--output", tmp_path / "no" / "a.csv")
    assert code == 2 and "cannot be created" in said


def test_what_is_no_whole_report_is_no_file(types, tmp_path):
    (tmp_path / "results" / "outdial.sqlite3").unlink()
    for name in ("a.csv", "a.json", "a.txt", "a.parquet"):
        code, _, said = types("lists", "--period", "2026-11-21", "--output", tmp_path / name)
        assert code == 2 and "there is no database yet" in said
        assert not (tmp_path / name).exists()


def test_totals_alone_and_limits(types):
    assert json.loads(types("attempts", "--period", "2026-11-21", "--by", "total", "--format", "json")[1])["rows"] == []
    for limits, count in [
        (("--campaign", "spring"), 4),
        (("--campaign", "spring", "--group", "2"), 0),
        (("--agent", "ada", "--node", "north", "--list", "1"), 4),
        (("--agent", "agent101"), 0),
    ]:
        _, said, _ = types("attempts", "--period", "2026-11-21", "--format", "json", *limits)
        assert json.loads(said)["totals"]["attempts"] == count, limits


def test_all_mistakes_at_once(types):
    code, out, said = types(
        *("attempts", "--period", "tomorow", "--by", "hou,group,group", "--list", "custmers", "--zone", "Europe/Berln"),
        *("--format", "excel"),
    )
    assert (code, out) == (2, "")
    for wrong in (
        '--zone: there is no time zone "Europe/Berln"; did you mean "Europe/Berlin"?',
        '--period "tomorow": "tomorow" is neither a day nor an instant; allowed: today',
        '--by: the report attempts cannot be told by "hou"; did you mean "hour"?',
        "--by: group stands there twice",
        'has no list "custmers"; did you mean "customers"?',
        '--format: there is no "excel"; allowed: text, csv, json, parquet',
    ):
        assert wrong in said
    assert 'there is no report "attemts"; did you mean "attempts"?' in types("attemts", "--period", "today")[2]
    assert (
        "the report lists has no such limit; allowed: --list" in types("lists", "--period", "today", "--node", "1")[2]
    )
    assert "goes into a file" in types("lists", "--period", "today", "--format", "parquet")[2]


def test_parquet_without_its_library_says_what_to_do(types, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    code, _, said = types("lists", "--period", "today", "--output", tmp_path / "a.parquet")
    assert code == 2 and 'Parquet needs pyarrow: pip install "outdial[parquet]"' in said


def test_text_from_elsewhere_is_no_formula(tmp_path):
    query = formats.Heading("attempts", None, None, ("agent",), ())  # type: ignore[arg-type]
    with formats.CsvReport(tmp_path / "a.csv", query) as out:
        out.row(["=1+1"], [])
    assert (tmp_path / "a.csv").read_text().splitlines() == ["agent", "'=1+1"]
