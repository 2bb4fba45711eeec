"""`outdial dnc …`: stories of an operator who keeps do-not-call lists in a database that no server uses."""

import json
from pathlib import Path
from typing import Any

import pytest

from outdial import cli
from outdial.store.sqlite_file import FileLock
from serve_samples import write_configuration

pytestmark = pytest.mark.slow

DAY_MS = 86_400_000


class Keeper:
    """Types commands and reads what they say."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = write_configuration(folder, records=3)
        self._capsys = capsys

    def file(self, text: str | bytes, name: str = "registry.txt") -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def types(self, command: str, *arguments: object, code: int = 0) -> str:
        """A command. Returns its output."""
        typed = ["dnc", command, str(self.config), *map(str, arguments)]
        assert cli.run_command_line(typed) == code, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def fails(self, command: str, *arguments: object) -> list[str]:
        """A command that ends with 2. Returns what it says, line by line."""
        assert cli.run_command_line(["dnc", command, str(self.config), *map(str, arguments)]) == 2
        out, err = self._capsys.readouterr()
        assert out == ""
        return err.splitlines()

    def imports(self, path: Path, *options: object) -> dict[str, Any]:
        return json.loads(self.types("import", path, "--list", "national", "--json", *options))

    def shows(self) -> dict[str, int]:
        return {each["name"]: each["numbers"] for each in json.loads(self.types("show", "--json"))["lists"]}


@pytest.fixture
def keeper(tmp_path, capsys) -> Keeper:
    return Keeper(tmp_path, capsys)


# --- add, check, remove ------------------------------------------------------------------------------------------


def test_a_number_is_put_on_a_list_found_and_taken_off_again(keeper):
    assert keeper.types("add", "+1 (555) 0100", "--reason", "asked by letter") == "internal: 1 added\n"
    said = keeper.types("check", "15550100", code=1)
    assert said.startswith("15550100: on a do-not-call list\n  internal, since 20")
    assert said.endswith(": asked by letter\n")
    assert keeper.types("remove", "+15550100") == "all lists: 1 removed\n"
    said = keeper.types("check", "+15550100")
    assert said.startswith("15550100: on no do-not-call list\n  no longer: internal, since")


def test_adding_twice_is_said(keeper):
    keeper.types("add", "5550100", "5550101")
    assert keeper.types("add", "5550101", "5550102") == "internal: 1 added, 1 were there already\n"


def test_customers_have_lists_too(keeper):
    keeper.types("add", "customer:C 77", "--list", "letters")
    shown = json.loads(keeper.types("check", "customer:C 77", "customer:C 78", "--json", code=1))["numbers"]
    assert [(each["number"], each["on_a_list"]) for each in shown] == [
        ("customer:C 77", True),
        ("customer:C 78", False),
    ]
    assert shown[0]["entries"][0]["list"] == "letters"
    assert "@" in shown[0]["entries"][0]["added_by"]


def test_numbers_of_the_configuration_are_found(keeper):
    with keeper.config.open("a") as stream:
        stream.write('\n[do-not-call]\nnumbers = ["+15550199"]\n')
    said = keeper.types("check", "15550199", code=1)
    assert said.splitlines() == ["15550199: on a do-not-call list", f"  in {keeper.config}: do-not-call"]


def test_a_number_may_come_off_by_itself(keeper):
    keeper.types("add", "5550100", "--until", "2999-01-01")
    assert "; until 2999-01-01T00:00:00" in keeper.types("check", "5550100", code=1)
    [line] = keeper.fails("add", "5550100", "--until", "2020-01-01")
    assert line.startswith('outdial: --until "2020-01-01": allowed: a date or an instant such as 2027-03-01')


def test_all_mistakes_are_told_at_once(keeper):
    lines = keeper.fails("add", "none", "12", "customer:", "--list", " x", "--reason", "y" * 201)
    assert [line.partition(": ")[2][:12] for line in lines] == [
        '"none" is no',
        '"12" is not ',
        '"customer:" ',
        '--list " x":',
        "--reason: al",
    ]


def test_a_server_that_has_the_file_is_named(keeper):
    keeper.types("add", "5550100")
    lock = FileLock(keeper.folder / "results" / "outdial.sqlite3")
    [line] = keeper.fails("add", "5550101")
    lock.release()
    assert "in use by another process" in line


# --- files -------------------------------------------------------------------------------------------------------


def test_one_number_per_line(keeper):
    path = keeper.file("# copy of 1 March\n+1 555 0100\n\n15550101 # a comment\nnobody\n15550101\n12\n")
    said = keeper.imports(path)
    assert (said["lines"], said["numbers"], said["added"], said["rejected"]) == (5, 3, 2, 2)
    assert said["reasons"] == {"not a number": 2}
    assert said["examples"][0].startswith('line 5: "nobody" is not a telephone number')
    assert Path(said["rejects_file"]).read_text().splitlines()[2].startswith("7,")
    assert keeper.shows() == {"national": 2}
    assert keeper.imports(path)["added"] == 0


def test_national_numbers_of_a_registry(keeper):
    with keeper.config.open("a") as stream:
        stream.write('\n[do-not-call]\ndefault-region = "US"\n')
    said = keeper.imports(keeper.file("2015550123\n12015550124\n+49 30 123456\n5550123\n"))
    assert (said["numbers"], said["reasons"]) == (3, {"not a number": 1})
    keeper.types("check", "+12015550123", "201-555-0124", "4930123456", code=1)
    assert "4930123456: on" in keeper.types("check", "+4930123456", code=1)
    [line] = keeper.fails("add", "5550123")
    assert line.endswith("characters possible in US")


@pytest.mark.parametrize(
    "text, entries",
    [
        ("name;Phone Number\nAnn;+15550100\nBob;x\n", ["15550100"]),
        ("\ufeffcontact_info,since\n5550100,2020\n5550101\n", ["5550100"]),
        ("customer_id\nC-1\n\nC-2\n", ["customer:C-1", "customer:C-2"]),
    ],
)
def test_columns(keeper, text, entries):
    keeper.imports(keeper.file(text))
    assert keeper.shows() == {"national": len(entries)}
    keeper.types("check", *entries, code=1)


def test_a_whole_list_replaces_what_it_lacks(keeper):
    keeper.types("add", "5550109", "--list", "other")
    keeper.imports(keeper.file("5550100\n5550101\n5550109\n"))
    said = keeper.imports(keeper.file("5550101\n5550102\n"), "--replace")
    assert (said["added"], said["removed"]) == (1, 2)
    assert keeper.shows() == {"national": 2, "other": 1}
    assert "removed" not in keeper.types("check", "5550102", code=1)
    assert "no longer: national" in keeper.types("check", "5550100")


@pytest.mark.parametrize(
    "content, wrong",
    [
        (b"", "no number in 0 lines"),
        (b"name,city\nAnn,Rome\n", "line 1: the first line is no number and names no column phone (name, city)"),
        (b"phone,number\n1,2\n", "line 1: the first line names more than one column of numbers (phone, number)"),
        (b"phone\nx\n", 'no number in 1 lines; line 2: "x" is not a telephone number'),
        ("phone\n1".encode("utf-16"), "the file is UTF-16"),
    ],
)
def test_files_that_are_none(keeper, content, wrong):
    keeper.types("add", "5550100", "--list", "national")
    [line] = keeper.fails("import", keeper.file(content), "--list", "national", "--replace")
    assert wrong in line
    assert keeper.shows() == {"national": 1}, "nothing is taken off"


def test_bad_lines_are_named(keeper):
    path = keeper.file(b"5550100\n55\xff50101\n5550\x00102\n" + b"5" * 70_000 + b"\n")
    said = keeper.imports(path)
    assert (said["numbers"], sorted(said["reasons"])) == (1, ["control character", "line too long", "not UTF-8"])


# --- show --------------------------------------------------------------------------------------------------------


def test_an_old_copy_of_a_registry_is_warned_of(keeper, monkeypatch):
    keeper.imports(keeper.file("5550100\n"))
    keeper.types("add", "5550101", "--list", "other")
    said = keeper.types("show")
    assert said.startswith("national: 1 numbers, last seen 20") and "warning" not in said
    now = __import__("time").time_ns() // 1_000_000
    monkeypatch.setattr("outdial.dnc_show.utc_now_ms", lambda: now + 32 * DAY_MS)
    [warning] = [line for line in keeper.types("show").splitlines() if line.startswith("warning")]
    assert "national is 32 days old, and a registry's copy may have 31" in warning
    keeper.types("add", "5550102", "--list", "national")
    assert "warning" in keeper.types("show"), "one new number does not make a copy new"
    keeper.config.write_text(keeper.config.read_text() + "\n[do-not-call]\nregistry-days-max = 60\n")
    assert "warning" not in keeper.types("show")


def test_a_list_that_only_a_campaign_knows_is_noted(keeper):
    text = keeper.config.read_text()
    keeper.config.write_text(
        text.replace('name = "spring"', 'name = "spring"\ndo-not-call-lists = ["natonal", "national"]')
    )
    keeper.imports(keeper.file("5550100\n"))
    assert keeper.types("show").splitlines()[-1] == (
        'note: campaign spring names the list "natonal", which has nothing on it; did you mean "national"?'
    )


def test_without_a_database_there_is_nothing_to_show(keeper):
    [line] = keeper.fails("show")
    assert "there is no database yet" in line
    assert keeper.types("check", "5550100") == "5550100: on no do-not-call list\n"
