"""`outdial webhook`: what waits, and another try."""

import asyncio
import json

import pytest

from config_samples import text_with
from outdial.cli import run_command_line
from outdial.config import load
from outdial.serve_records import make_store
from outdial.store.outbox import MessageDue, NotDelivered

TABLES = """
[[webhook]]
name = "crm"
url = "https://crm.example/in?key=abc"
secret-env = "CRM_SECRET"
events = ["attempt.settled"]
"""
NOW = 1_700_000_000_000


@pytest.fixture
def path(tmp_path):
    """A configuration with a database in which one message waits and one was given up."""
    path = tmp_path / "outdial.toml"
    path.write_text(text_with(TABLES))

    async def fill() -> None:
        (tmp_path / "results").mkdir()
        store = make_store(load(path).serve.database)
        await store.open("outdial", NOW, 1_000)
        names = ("att_1-1", "att_1-2")
        await store.write([MessageDue(name, "crm", "attempt.settled", name, "{}", NOW) for name in names])
        [one] = await store.outbox.take("crm", NOW, NOW + 1, 1)
        await store.outbox.finish([], [NotDelivered(one.seq, None, "answered 410")])
        await store.close()

    asyncio.run(fill())
    return path


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = run_command_line(["webhook", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


def test_what_waits_and_what_was_given_up_is_shown(path, capsys):
    code, out, _ = run(capsys, "list", path)
    assert 0 == code
    assert out.splitlines() == [
        "crm: 1 waiting, 1 given up",
        "  2023-11-14T22:13:20.000Z  attempt.settled  att_1-1  1 tries: answered 410",
    ]
    _, out, _ = run(capsys, "list", path, "--webhook", "crm", "--json")
    [crm] = json.loads(out)["webhooks"]
    assert (1, 1, "att_1-1") == (crm["waiting"], crm["parked"], crm["last_parked"][0]["id"])


def test_what_was_given_up_is_tried_again(path, capsys):
    assert "1 messages are tried again\n" == run(capsys, "retry", path, "--webhook", "crm")[1]
    assert {"messages": 0} == json.loads(run(capsys, "retry", path, "--json")[1])
    assert "crm: 2 waiting, 0 given up\n" == run(capsys, "list", path)[1]


def test_mistakes(path, capsys):
    code, _, err = run(capsys, "list", path, "--webhook", "crn")
    assert 2 == code and 'there is no webhook "crn"; did you mean "crm"?' in err


def test_without_a_database(tmp_path, capsys):
    path = tmp_path / "outdial.toml"
    path.write_text(text_with(TABLES))
    code, _, err = run(capsys, "retry", path)
    assert 2 == code and "there is no database yet" in err
