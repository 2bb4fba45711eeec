"""`outdial list …` and `outdial record …`: stories of an operator with lists in a database that no server uses."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from outdial import cli
from outdial.store import listing
from outdial.store.attempt_rows import ATTEMPT_COLUMNS
from outdial.store.disposition_rows import DISPOSITION_COLUMNS
from outdial.store.interface import StoreUnavailable
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import FileLock
from serve_samples import write_configuration

pytestmark = pytest.mark.slow


class Operator:
    """Types commands and reads what they say."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = write_configuration(folder, records=3)
        self.database = folder / "results" / "outdial.sqlite3"
        self._capsys = capsys

    def file(self, text: str, name: str = "leads.csv") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def types(self, *arguments: object) -> str:
        """A command that goes well. Returns its output."""
        assert cli.run_command_line([str(argument) for argument in arguments]) == 0, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def fails(self, *arguments: object) -> str:
        """A command that ends with 2. Returns what it says."""
        assert cli.run_command_line([str(argument) for argument in arguments]) == 2
        out, err = self._capsys.readouterr()
        assert out == ""
        return err

    def imports(self, path: Path, *options: object) -> dict[str, Any]:
        said = self.types("list", "import", path, self.config, "--list", "customers", "--json", *options)
        return json.loads(said)

    def shows(self) -> dict[str, Any]:
        [shown] = json.loads(self.types("list", "show", self.config, "--json"))["lists"]
        return shown

    def exports(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.types("list", "export", self.config, "--list", "customers"))))

    def asks(self, statement: str) -> None:
        """Change something with another program."""
        import sqlite3

        connection = sqlite3.connect(self.database, isolation_level=None)
        connection.execute(statement)
        connection.close()


@pytest.fixture
def operator(tmp_path, capsys) -> Operator:
    return Operator(tmp_path, capsys)


# --- import ------------------------------------------------------------------------------------------------------


def test_two_files_are_read_into_a_list(operator):
    first = operator.imports(operator.file("phone,name\n5550100,Ann\nbad,Bob\n5550101,Cy\n"))
    assert (first["lines"], first["added"], first["rejected"], first["reasons"]) == (3, 2, 1, {"not a number": 1})
    second = operator.imports(operator.file("phone,city\n5550101,Rome\n5550102,Oslo\n", "more.csv"))
    assert (second["added"], second["reasons"]) == (1, {"number twice": 1})
    assert second["examples"] == ["line 2: 5550101 is in the list already"]
    rows = operator.exports()
    assert [(row["record_id"], row["number"], row["name"], row["city"]) for row in rows] == [
        ("1", "5550100", "Ann", ""),
        ("3", "5550101", "Cy", ""),
        ("5", "5550102", "", "Oslo"),
    ]
    assert [each["records"] for each in operator.shows()["imports"]] == [2, 1]


def test_a_file_that_was_read_is_not_read_again(operator):
    path = operator.file("phone\n5550100\n")
    operator.imports(path)
    again = operator.imports(path)
    assert (again["added"], again["read_before"]) == (0, 1)
    assert "nothing to do" in operator.types("list", "import", path, operator.config, "--list", "customers")


def test_a_dry_run_writes_nothing(operator):
    path = operator.file("phone\n5550100\nbad\n")
    tried = operator.imports(path, "--dry-run")
    assert (tried["added"], tried["rejected"], tried["dry_run"]) == (1, 1, True)
    assert not operator.database.exists() and not list(operator.folder.glob("*.rejects.csv"))
    operator.imports(path)
    more = operator.file("phone\n5550100\n5550101\n", "more.csv")
    said = operator.types("list", "import", more, operator.config, "--list", "customers", "--dry-run")
    assert "1 records would be added to customers, 1 lines left out" in said
    assert "line 2: 5550100 is in the list already" in said
    assert operator.shows()["records"] == 1


def test_columns_are_mapped(operator):
    path = operator.file("Mobile;Name\n555 0100;Ann\n")
    assert operator.imports(path, "--map", "Mobile=phone", "--map", "Name=first_name")["added"] == 1
    assert operator.exports()[0]["first_name"] == "Ann"
    options = ("--map", "x", "--map", "a=phnoe", "--map", "b=phone", "--map", "b=tz")
    wrong = operator.fails("list", "import", path, operator.config, "--list", "customers", *options).splitlines()
    assert len(wrong) == 3 and 'did you mean "phone"?' in wrong[2]


def test_an_import_that_was_cut_off_goes_on(operator, monkeypatch):
    monkeypatch.setattr(listing, "BATCH", 10)
    path = operator.file("phone\nbad\n" + "".join(f"55501{n:02}\n" for n in range(35)))
    add, batches = SqliteStore.add_records, []

    async def add_two(store, progress, batch):
        batches.append(batch)
        if len(batches) == 3:
            raise StoreUnavailable("the disk is full")
        await add(store, progress, batch)

    monkeypatch.setattr(SqliteStore, "add_records", add_two)
    assert "the disk is full" in operator.fails("list", "import", path, operator.config, "--list", "customers")
    monkeypatch.setattr(SqliteStore, "add_records", add)
    other = operator.file("phone\n5559999\n", "other.csv")
    said = operator.fails("list", "import", other, operator.config, "--list", "customers")
    assert "has been read up to line 21 only; import it to its end first" in said
    assert "not read to its end" in operator.types("list", "show", operator.config)
    assert "not read to its end" in operator.fails("list", "reset", operator.config, "--list", "customers", "--yes")
    done = operator.imports(path)
    assert (done["read_before"], done["added"], done["rejected"]) == (20, 15, 1)
    assert operator.shows()["records"] == 35
    assert len((operator.folder / "leads.csv.rejects.csv").read_text().splitlines()) == 2


def test_a_list_that_is_not_there(operator):
    said = operator.fails("list", "import", operator.file("phone\n1234\n"), operator.config, "--list", "custmers")
    assert 'there is no calling list "custmers"; did you mean "customers"?' in said
    assert "there is no database yet" in operator.fails("list", "show", operator.config)


def test_a_database_that_a_server_uses(operator):
    path = operator.file("phone\n5550100\n")
    operator.imports(path)
    lock = FileLock(operator.database)
    try:
        assert "in use by another process" in operator.fails("list", "show", operator.config)
    finally:
        lock.release()


# --- show, export, reset -----------------------------------------------------------------------------------------


def test_a_list_is_shown(operator):
    operator.imports(operator.file("phone\n5550100\n5550101\n5550102\n"))
    operator.asks("UPDATE records SET status = 3, due_utc_ms = NULL WHERE record_id = 1")
    operator.asks("UPDATE records SET due_utc_ms = 4102444800000 WHERE record_id = 2")
    said = operator.types("list", "show", operator.config, "--list", "customers").splitlines()
    assert said[0] == "customers: 3 records (2 ready, 1 updated)"
    assert said[1] == "  customers: 1 due now, 1 later, the next at 2100-01-01T00:00:00.000Z; 0 claimed by a server"
    assert "leads.csv: 3 records of 3 lines, " in said[2]


def test_an_export_goes_to_a_file_and_own_columns_keep_their_names_apart(operator):
    operator.imports(operator.file("phone,status,note,consent\n5550100,NEW,=1+1,form 7\n"))
    out = operator.folder / "out.csv"
    assert operator.types("list", "export", operator.config, "--list", "customers", "--out", out) == ""
    [row] = csv.DictReader(out.open(newline=""))
    assert (row["status"], row["file_status"], row["note"], row["due_utc"]) == ("ready", "NEW", "'=1+1", "now")
    assert (row["consent"], row["consent_utc"]) == ("form 7", "")


def test_a_list_is_dialed_once_more(operator):
    operator.imports(operator.file("phone\n5550100\n5550101\n"))
    operator.asks("UPDATE records SET status = 3, due_utc_ms = NULL, attempts = 2")
    assert "say --yes" in operator.fails("list", "reset", operator.config, "--list", "customers")
    wrong = operator.fails("list", "reset", operator.config, "--list", "customers", "--yes", "--status", "ready")
    assert "allowed: updated, cancelled, chain-updated" in wrong
    assert operator.shows()["due"] == 0
    options = ("--list", "customers", "--yes", "--status", "updated")
    assert operator.types("list", "reset", operator.config, *options) == "customers: 2 records are ready again\n"
    assert (operator.shows()["due"], operator.exports()[0]["attempts"]) == (2, "2")


# --- record ------------------------------------------------------------------------------------------------------


def test_a_record_is_shown_by_its_number_and_its_id(operator):
    operator.imports(operator.file("phone,first_name,consent\n+1 555 0100,Ann,form 7\n"))
    operator.asks(
        f"INSERT INTO attempts ({', '.join(ATTEMPT_COLUMNS[:21])}) VALUES (1, 9, 1, 1, 1, 1, '+15550100', 1, "
        "'progressive', 33, 'none', 'person', 200, NULL, 7, 1800000000000, 900, 0, 61500, 'done', 0)"
    )
    text = '{"rules":["us-fl 1"],"clocks":{"America/New_York":"2027-01-15T03:00:00-05:00"}}'
    operator.asks(f"INSERT INTO evidence VALUES (1, 9, '{text}')")
    operator.asks(
        f"INSERT INTO dispositions ({', '.join(DISPOSITION_COLUMNS)}) VALUES (1, 1, 9, 1, 1, 1, 7, 33, "
        "'reschedule', 1800003600000, 6, '+15550111', 'after \"lunch\"', 1800000000500)"
    )
    for which in ("1", "+1 (555) 0100", "15550100"):
        said = operator.types("record", "show", operator.config, which)
        assert "number:           +15550100" in said and "first_name:       Ann" in said
        assert "1 attempt\n  2027-01-15T08:00:00.000Z  " in said
        assert ": answer, agent ada, talked 61.5 s; then done" in said
        assert "\n    allowed by us-fl 1; America/New_York 03:00:00" in said
        assert "\n    2027-01-15T08:00:00.500Z  agent ada says: answer; then campaign callback at " in said
        assert '2027-01-15T09:00:00.000Z to +15550111; note: "after \\"lunch\\""' in said
        assert "consent:          form 7" in said
    [record] = json.loads(operator.types("record", "show", operator.config, "1", "--json"))["records"]
    assert (record["custom"], record["made"][0]["call_result"]) == ({"first_name": "Ann"}, "answer")
    assert (record["consent"], record["made"][0]["evidence"]) == ("form 7", json.loads(text))
    assert (record["said"][0]["agent"], record["said"][0]["note"]) == ("ada", 'after "lunch"')
    assert "no record has the number 77" in operator.fails("record", "show", operator.config, "77")
    assert "neither the number of a record nor" in operator.fails("record", "show", operator.config, "Ann")


# --- single records ----------------------------------------------------------------------------------------------


def test_a_record_is_added_shown_and_cancelled(operator):
    said = operator.types(
        *("record", "add", operator.config, "+1 555 0199", "--list", "customers", "--tz", "America/New_York"),
        *("--at", "2999-01-01", "name=Ann", "daily_from=09:00"),
    )
    assert said == "customers: record 1, +15550199\n"
    [shown] = json.loads(operator.types("record", "show", operator.config, "15550199", "--json"))["records"]
    assert (shown["time_zone"], shown["daily_from"], shown["custom"]) == ("America/New_York", "09:00", {"name": "Ann"})
    assert shown["due_utc"].startswith("2999-01-01T00:00:00")
    assert operator.types("record", "cancel", operator.config, "+15550199") == "record 1, +15550199, is cancelled\n"
    assert operator.types("record", "cancel", operator.config, "1") == "record 1, +15550199, was finished before\n"


def test_a_record_that_the_list_has_is_refused(operator):
    add = ("record", "add", operator.config, "5550100", "--list", "customers")
    operator.types(*add)
    assert operator.fails(*add) == "outdial: customers: 5550100 is in the list already: record 1\n"
    assert "chain 7" not in operator.types(*add[:3], "5550101", "--list", "customers", "--chain", "7")


def test_all_that_is_wrong_with_a_record_is_said(operator):
    add = ("record", "add", operator.config)
    assert operator.fails(
        *add, "5550100", "--list", "customers", "name", "a=1", "a=2", "--at", "soon"
    ).splitlines() == [
        'outdial: "name": allowed: FIELD=VALUE, such as name=Ann',
        'outdial: "a=2": a is given twice',
        'outdial: --at "soon": allowed: a date or an instant such as 2027-03-01, 2027-03-01T09:30Z or '
        "2027-03-01T09:30+02:00; without a zone: UTC",
    ]
    for number, option, wrong in (
        ("none", "x=1", 'phone "none" is not a number'),
        ("5550100", "tz=Mars/Base", 'there is no time zone "Mars/Base"'),
        ("5550100", "daily_form=9:00", 'there is no column "daily_form" here; did you mean "daily_from"?'),
        ("5550100", "note=a\nb", "holds a control character"),
        ("5550100", "record_id=0", 'record_id "0": allowed: a whole number'),
    ):
        assert wrong in operator.fails(*add, number, "--list", "customers", option)


def test_a_record_whose_number_must_not_be_called_is_noted(operator):
    operator.types("dnc", "add", operator.config, "5550100")
    said = operator.types("record", "add", operator.config, "5550100", "--list", "customers")
    assert said.splitlines()[1] == "note: 5550100 is on the do-not-call list internal"


def test_records_of_one_list_alone_are_cancelled(operator):
    operator.types("record", "add", operator.config, "5550100", "--list", "customers")
    [shown] = json.loads(
        operator.types("record", "cancel", operator.config, "5550100", "--list", "customers", "--json")
    )["records"]
    assert shown == {"record_id": 1, "number": "5550100", "outcome": "cancelled", "in_a_call": False}
    assert operator.fails("record", "cancel", operator.config, "5550177") == (
        "outdial: no record has the number 5550177\n"
    )


# --- consents that come later ------------------------------------------------------------------------------------


def refuse_all(operator: Operator) -> None:
    """As a server does whose rules ask for a consent."""
    operator.asks("UPDATE records SET status = 5, call_result = 52, due_utc_ms = NULL")


def test_a_consent_that_comes_later_counts_and_is_in_the_audit(operator):
    operator.types("record", "add", operator.config, "+15550100", "--list", "customers", "consent=old letter")
    give = ("record", "consent", operator.config, "15550100")
    said = operator.types(*give, "form of 2 May", "--since", "2026-05-02")
    assert said == "record 1, +15550100: the consent counts from now on\n"
    refuse_all(operator)
    assert operator.types(*give, "form").endswith("is there; the record is finished and stays so\n")
    [shown] = json.loads(operator.types(*give, "form", "--ready", "--list", "customers", "--json"))["records"]
    assert shown == {"record_id": 1, "number": "+15550100", "outcome": "ready"}
    [record] = operator.exports()
    assert (record["status"], record["due_utc"], record["consent"], record["consent_utc"]) == (
        "ready",
        "now",
        "form",
        "",
    )
    last, *_, first = json.loads(operator.types("audit", operator.config, "--json"))["audit"]
    assert (last["action"], last["subject"]) == ("record.consent", "record 1")
    assert (first["before"], first["after"]) == (
        {"consent": "old letter", "consent_utc": None},
        {"consent": "form of 2 May", "consent_utc": "2026-05-02T00:00:00.000Z"},
    )
    assert "no instant" in operator.fails(*give, "form", "--since", "soon")
    assert "outdial dnc add" in operator.fails(*give, " ")
    assert "at most 500" in operator.fails(*give, "x" * 501)
    assert "no record has the number 77" in operator.fails("record", "consent", operator.config, "77", "form")


def test_a_file_of_consents_goes_to_the_records_that_have_its_numbers(operator):
    operator.imports(operator.file("phone\n5550100\n5550101\n5550102\n5550103\n"))
    refuse_all(operator)
    operator.types("record", "cancel", operator.config, "5550103")
    operator.asks("UPDATE records SET call_result = 51 WHERE number = '5550103'")
    operator.asks("UPDATE records SET callback_number = '5550999' WHERE number = '5550102'")
    forms = operator.file("Tel,consent\n5550100,form A\n5550101,\n555 0103,form D\n5550999,form Z\nx,form\n", "f.csv")
    give = ("list", "consent", forms, operator.config, "--list", "customers", "--map", "Tel=phone", "--ready")
    found = json.loads(operator.types(*give, "--json"))
    expected = {"set": 0, "ready": 1, "claimed": 0, "over": 1, "missing": 1, "none": 1}
    assert found == {"list": "customers", "lines": 5, **expected, "rejected": 1}
    said = operator.types(*give).splitlines()
    assert said[0] == f"{forms}: 5 lines, 1 left out"
    assert "          1  consents count from now on" in said
    assert {row["number"]: (row["status"], row["consent"]) for row in operator.exports()} == {
        "5550100": ("ready", "form A"),
        "5550101": ("cancelled", ""),
        "5550102": ("cancelled", ""),
        "5550103": ("cancelled", "form D"),
    }
    whose_number = operator.fails("record", "consent", operator.config, "5550999", "form")
    assert "no record has the number 5550999" in whose_number, "it is only called back there"
    [entry, _] = json.loads(operator.types("audit", operator.config, "--json"))["audit"]
    assert (entry["action"], entry["subject"], entry["after"]["set"]) == ("list.consent", "calling-list customers", 1)


def test_a_list_that_was_read_does_not_need_its_file_any_more(operator):
    operator.imports(operator.config.parent / "list.csv")
    (operator.config.parent / "list.csv").unlink()
    assert operator.shows()["records"] == 3
    said = operator.types("check", operator.config)
    assert 'outdial.toml: calling-list[customers].file = "list.csv": cannot be read: No such file' in said
