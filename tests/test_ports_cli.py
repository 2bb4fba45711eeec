"""`outdial ports share`: output, JSON, and every mistake at once."""

import json

import pytest
from typer.testing import CliRunner, Result

from outdial import ports_cli


def share(*arguments: str) -> Result:
    return CliRunner().invoke(ports_cli.app, ["share", *arguments], env={"COLUMNS": "160"})


def share_json(*arguments: str) -> dict[str, object]:
    result = share(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def mistakes(*arguments: str) -> list[str]:
    result = share(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    return result.stderr.splitlines()


def test_json_of_the_small_group_example() -> None:
    assert share_json("--pool", "50", "--need", "5", "--need", "100") == {
        "pool": 50,
        "maxima": [5, 45],
        "needs": [5, 100],
        "reasons": [
            "needs 5, less than 0.3 × 50 / 2 = 7.5: gets its need",
            "needs 100 of the 100 ports that all groups above the small limit need: 45 of 45 ports in proportion",
        ],
        "rules": ["small group", "proportion"],
    }


def test_needs_may_be_decimals() -> None:
    answer = share_json("--pool", "50", "--need", "7.5", "--need", "100.125", "--need", "0.001", "--need", "20.0")
    assert answer["needs"] == [7.5, 100.125, 0.001, 20]


def test_caps_and_minimum() -> None:
    needs = ("--need", "0", "--need", "20", "--need", "30", "--need", "50")
    assert share_json("--pool", "100", *needs)["maxima"] == [0, 20, 30, 50]
    assert share_json("--pool", "100", *needs, "--cap", "4=10")["maxima"] == [0, 36, 54, 10]
    assert share_json("--pool", "100", *needs, "--cap", "4=10", "--cap", "2=1")["maxima"] == [0, 1, 89, 10]
    assert share_json("--pool", "100", *needs, "--minimum-one")["maxima"] == [1, 20, 30, 49]


def test_table_shows_maximum_exact_share_and_reason() -> None:
    result = share("--pool", "50", "--need", "8", "--need", "100")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines() if line.split()[:1] in (["1"], ["2"])]
    assert [row[:4] for row in rows] == [["1", "8", "3.704", "4"], ["2", "100", "46.296", "46"]]
    assert "8 of the 108 ports" in result.stdout


def test_table_says_what_is_left_over() -> None:
    result = share("--pool", "50", "--need", "8", "--cap", "1=9")
    assert "41 of 50 ports are left over" in result.stdout


def test_a_long_table_is_cut_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_cli, "ROWS_MAX", 10)
    result = share("--pool", "50", *["--need", "1"] * 15)
    assert "The first 10 of 15 groups" in result.stdout
    assert "needs 1 of the 15 ports" in result.stdout and result.stdout.count("needs 1 of") == 10


def test_help_names_the_command() -> None:
    result = CliRunner().invoke(ports_cli.app, ["--help"])
    assert result.exit_code == 0 and "share" in result.stdout


def test_all_mistakes_at_once() -> None:
    lines = mistakes("--pool", "many", "--need", "5", "--need", "-1", "--need", "7.5555", "--cap", "9=3", "--cap", "x")
    assert lines == [
        "--pool: 'many' is wrong; allowed: a whole number from 0 to 10000000",
        "--need number 2: '-1' is wrong; allowed: a number from 0 to 10000000 with at most three decimals, such as 7.5",
        "--need number 3: '7.5555' is wrong; allowed: a number from 0 to 10000000 with at most three decimals, "
        "such as 7.5",
        "--cap: '9=3' is wrong; allowed: i from 1 to 3, the number of needs",
        "--cap: 'x' is wrong; allowed: i=N, such as 2=40: the i-th need gets at most N ports, "
        "N a whole number from 1 to 10000000",
    ]


def test_missing_options() -> None:
    assert [line.split(":")[0] for line in mistakes()] == [
        "--pool is missing",
        "--need is missing, once for each group",
    ]


@pytest.mark.parametrize(
    "value", ["", " 5", "5 ", "1_000", "+5", "-5", "5.0", "1e3", "٣", "0x10", "10000001", "9" * 5000]
)
def test_pool_is_strict(value: str) -> None:
    (line,) = mistakes("--pool", value, "--need", "1")
    assert line.startswith("--pool: ") and len(line) < 120


@pytest.mark.parametrize(
    "value", ["", " 5", "1,5", ".5", "5.", "1e3", "nan", "Infinity", "٣", "10000000.001", "1.0000", "9" * 5000, "1\n"]
)
def test_needs_are_strict(value: str) -> None:
    (line,) = mistakes("--pool", "10", "--need", value)
    assert line.startswith("--need number 1: ") and len(line) < 160


@pytest.mark.parametrize(
    "value", ["1=0", "0=5", "2=5", "1=", "=5", "1", "1=5=6", "1=-5", "1=1.5", "1 = 5", "1=10000001"]
)
def test_caps_are_strict(value: str) -> None:
    (line,) = mistakes("--pool", "10", "--need", "1", "--cap", value)
    assert line.startswith(f"--cap: '{value}' is wrong")


def test_two_caps_for_one_need() -> None:
    (line,) = mistakes("--pool", "10", "--need", "1", "--cap", "1=5", "--cap", "1=6")
    assert line == "--cap: '1=6' is wrong; allowed: one cap for each need, and need 1 has 5"


def test_many_mistakes_are_counted() -> None:
    lines = mistakes("--pool", "10", *["--need", "x"] * 50)
    assert len(lines) == ports_cli.MISTAKES_MAX + 1
    assert lines[-1] == "… and 30 more"


def test_bounds() -> None:
    answer = share_json("--pool", "10000000", "--need", "10000000", "--need", "10000000.000", "--cap", "1=10000000")
    assert answer["maxima"] == [5_000_000, 5_000_000]
    assert share_json("--pool", "0", "--need", "0")["maxima"] == [0]


def test_too_many_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_cli, "NEEDS_MAX", 3)
    assert mistakes("--pool", "10", *["--need", "1"] * 4) == ["--need is given 4 times; allowed: at most 3"]
