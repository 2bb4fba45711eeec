"""`outdial check`: a summary or every mistake, and an exit code."""

import json

import pytest
import typer
from typer.testing import CliRunner

from config_samples import changed, text_with
from outdial.check_cli import check

app = typer.Typer()
app.command()(check)


@pytest.fixture
def run(tmp_path):
    """Check a text; with `list.csv` beside it when one is given."""

    def run(text: str, *options: str, calling_list: str = ""):
        (tmp_path / "a.toml").write_text(text)
        if calling_list:
            (tmp_path / "list.csv").write_text(calling_list)
        return CliRunner().invoke(app, [str(tmp_path / "a.toml"), *options])

    return run


FROM_FILE = changed("list", "synthetic = 100", 'file = "list.csv"')


def test_good_file(run):
    result = run(text_with())
    assert (result.exit_code, result.stdout) == (
        0,
        "ok: 1 campaign group, 2 nodes, 5 agents, 1 calling list, 100 records, 0 do-not-call numbers\n",
    )


def test_mistakes_are_all_printed(run, tmp_path):
    result = run(text_with("[[switch]]\ndbid = 2\nname = 'x'\n[[switch]]\ndbid = 3\nname = 'y'\n"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.partition("toml: ")[2] for line in result.stderr.splitlines()[:2]] == [
        "switch[x].channel_num: missing; allowed: a whole number 0 … 1,000,000",
        "switch[y].channel_num: missing; allowed: a whole number 0 … 1,000,000",
    ]
    assert result.stderr.splitlines()[2] == f"2 mistakes in {tmp_path / 'a.toml'}"


def test_lists_are_read_to_their_end(run, tmp_path):
    result = run(FROM_FILE, calling_list="phone\n5550100\nnobody\n")
    assert result.exit_code == 0
    assert "1 record," in result.stdout
    assert "note: calling-list[customers]: 1 lines will be left out (not a number: 1); line 3: phone" in result.stdout
    assert not (tmp_path / "list.csv.rejects.csv").exists()


def test_list_without_a_good_record(run):
    result = run(FROM_FILE, calling_list="phone\nnobody\n")
    assert result.exit_code == 2
    assert "no record to dial in 1 lines" in result.stderr


def test_json(run, tmp_path):
    answer = json.loads(run(FROM_FILE, "--json", calling_list="phone\n5550100\n").stdout)
    assert (answer["ok"], answer["errors"], answer["totals"]["records"]) == (True, [], 1)
    assert answer["calling_lists"][0]["rejected"] == 0
    broken = run("x = 1", "--json")
    answer = json.loads(broken.stdout)
    assert (broken.exit_code, answer["ok"], len(answer["errors"])) == (2, False, 2)
    assert answer["file"] == str(tmp_path / "a.toml")


def test_a_filter_by_a_column_that_the_file_does_not_have(run):
    records = "phone,state,balance\n+15550100,TX,5\n"
    text = FROM_FILE.replace(
        'lists = ["customers"]', 'lists = [{ calling-list = "customers", filter = \'stat = "TX"\' }]'
    )
    assert run(text.replace("stat =", "state ="), calling_list=records).exit_code == 0
    result = run(text, calling_list=records)
    assert result.exit_code == 2
    assert 'campaign[spring].lists: there is no column "stat"; did you mean "state"?' in result.stderr
