"""`outdial token`, `outdial user`, `outdial audit`: stories of an operator who lets programs and people in."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from outdial import cli
from outdial.api.credentials import Session, digest_of
from outdial.api.passwords import is_right
from outdial.store.access_rows import StoredAccess
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import FileLock
from serve_samples import write_configuration

pytestmark = pytest.mark.slow

SECRET = "correct horse battery staple"


class Operator:
    """Types commands and reads what they say."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = write_configuration(folder, records=3)
        self.database = folder / "results" / "outdial.sqlite3"
        self._capsys = capsys
        self.password = folder / "password"
        self.password.write_text(SECRET + "\n")

    def types(self, *words: object, code: int = 0) -> str:
        """A command with the configuration behind its name. Returns its output."""
        count = 1 if words[0] == "audit" else 2
        typed = [*map(str, words[:count]), str(self.config), *map(str, words[count:])]
        assert cli.run_command_line(typed) == code, self._capsys.readouterr().err
        out, self.err = self._capsys.readouterr()
        return out

    def fails(self, *words: object) -> list[str]:
        """A command that ends with 2. Returns what it says, line by line."""
        assert self.types(*words, code=2) == ""
        return [line.removeprefix("outdial: ") for line in self.err.splitlines()]

    def asks(self, question) -> Any:
        """What the database has."""

        async def work():
            store = SqliteStore(self.database)
            await store.look()
            try:
                return await question(StoredAccess(store))
            finally:
                await store.close()

        return asyncio.run(work())


@pytest.fixture
def operator(tmp_path, capsys) -> Operator:
    return Operator(tmp_path, capsys)


def test_a_token_is_shown_once_listed_and_revoked(operator):
    secret, line = operator.types("token", "create", "crm robot", "--scope", "operate,read").splitlines()
    token = operator.asks(lambda records: records.token_of(digest_of(secret)))
    assert secret.startswith("outdial_") and len(secret) == 51
    assert line == f"crm robot ({token.token_id}): read, operate; all campaigns; shown only this once"
    assert operator.fails("token", "create", "crm robot", "--scope", "read") == [
        'NAME "crm robot": there is a token with this name; revoke it first'
    ]
    listed = operator.types("token", "list")
    assert "crm robot: read, operate; all campaigns; counts for ever, last used never" in listed
    assert secret not in listed
    assert operator.types("token", "revoke", "crm robot") == f"crm robot ({token.token_id}): revoked\n"
    assert operator.fails("token", "revoke", token.token_id)[0].endswith("that could be revoked")
    assert "revoked 20" in operator.types("token", "list")


def test_a_token_has_limits(operator):
    typed = ("token", "create", "desk", "--scope", "agent", "--campaign", "spring", "--agent", "ada")
    made = json.loads(operator.types(*typed, "--expires-days", 30, "--json"))
    token = operator.asks(lambda records: records.token_of(digest_of(made["token"])))
    assert (token.campaigns, token.agent_id) == (frozenset({"spring"}), made["agent_id"])
    assert token.expires_utc_ms - token.created_utc_ms == 30 * 86_400_000
    [listed] = json.loads(operator.types("token", "list", "--json"))["tokens"]
    assert listed == {name: value for name, value in made.items() if name != "token"}


def test_all_mistakes_of_a_token_are_told_at_once(operator):
    typed = ("token", "create", " x", "--scope", "read,write", "--campaign", "c9", "--agent", "nobody")
    mistakes = operator.fails(*typed)
    assert [line.split(" ", 1)[0] for line in mistakes] == ["NAME", "--scope", "--campaign", "--agent"]
    assert "allowed: read, operate, agent, admin" in mistakes[1]


def test_a_person_comes_gets_a_new_password_and_goes(operator):
    line = operator.types("user", "add", "anna", "--role", "operator", "--password-file", operator.password)
    assert line == "anna: operator; all campaigns: added\n"
    assert is_right(SECRET, operator.asks(lambda records: records.user("anna")).password)
    assert operator.fails("user", "add", "anna", "--role", "admin", "--password-file", operator.password) == [
        'LOGIN "anna": there is a person with this login'
    ]
    tab = Session("user:anna", "", 1, 1, 2)
    operator.asks(lambda records: records.add_session("tab", tab))
    operator.password.write_text("something else entirely")
    assert operator.types("user", "password", "anna", "--password-file", operator.password) == (
        "anna: has a new password\n"
    )
    assert operator.asks(lambda records: records.session("tab")) is None
    assert not is_right(SECRET, operator.asks(lambda records: records.user("anna")).password)
    assert operator.types("user", "list") == "anna: operator; all campaigns\n"
    assert operator.types("user", "remove", "anna") == "anna: removed\n"
    assert operator.types("user", "list") == "nobody\n"
    assert operator.fails("user", "remove", "anna") == ['LOGIN "anna": there is nobody with this login']
    assert operator.fails("user", "password", "anna", "--password-file", operator.password)


def test_an_agent_is_one_of_the_configuration(operator):
    assert operator.fails("user", "add", "-x", "--role", "agnt", "--password-file", operator.password)
    mistakes = operator.fails("user", "add", "anna", "--role", "agent", "--password-file", operator.password)
    assert mistakes == ["--agent: missing: a person with the role agent works as an agent of the configuration"]
    typed = ("user", "add", "anna", "--role", "agent", "--agent", "ada", "--password-file", operator.password)
    assert operator.types(*typed) == "anna: agent; all campaigns, as agent ada: added\n"


def test_a_password_is_long_enough_and_comes_from_somewhere(operator, monkeypatch):
    operator.password.write_text("short")
    typed = ("user", "add", "anna", "--role", "viewer")
    assert operator.fails(*typed, "--password-file", operator.password) == [
        "the password has 5 characters; allowed: 12 … 256 characters"
    ]
    assert operator.fails(*typed) == ["--password-file: missing: there is no terminal to ask for a password"]
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    answers = iter([SECRET, "a typing mistake", SECRET, SECRET])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    assert operator.fails(*typed) == ["the two passwords differ"]
    assert operator.types(*typed) == "anna: viewer; all campaigns: added\n"


def test_every_change_is_in_the_audit(operator):
    operator.types("user", "add", "anna", "--role", "viewer", "--password-file", operator.password)
    operator.types("token", "create", "crm", "--scope", "read")
    operator.types("user", "password", "anna", "--password-file", operator.password)
    entries = json.loads(operator.types("audit", "--json"))["audit"]
    assert [entry["action"] for entry in entries] == ["user.password", "token.create", "user.create"]
    assert {entry["how"] for entry in entries} == {"cli"}
    assert entries[1]["before"] is None and entries[1]["after"]["scopes"] == ["read"]
    text = operator.types("audit", "--period", "today")
    assert len(text.splitlines()) == 3 and "user.create user:anna: nothing → {" in text
    assert operator.types("audit", "--period", "yesterday") == "no changes\n"
    assert len(operator.types("audit", "--limit", 1).splitlines()) == 1
    assert "allowed: today" in operator.fails("audit", "--period", "soon")[0]
    assert SECRET not in text and "scrypt" not in text


def test_beside_a_server_on_sqlite_the_command_says_why_not(operator):
    operator.types("token", "create", "crm", "--scope", "read")
    lock = FileLock(operator.database)
    try:
        assert "in use by another process" in operator.fails("token", "list")[0]
    finally:
        lock.release()


def test_without_a_database_there_is_nothing_to_list(operator):
    for words in (("token", "list"), ("user", "list"), ("audit",), ("token", "revoke", "x")):
        assert "there is no database yet" in operator.fails(*words)[0]
