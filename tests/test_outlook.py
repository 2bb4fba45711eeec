"""`outdial preflight` and `outdial why`: when records may be dialed, and what keeps them."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from outdial import cli, preflight, why
from outdial.core.compliance import RefusalReason
from outdial.core.dial_rules import dial_rules
from outdial.core.records import NumberFacts, Record
from outdial.core.rules import RuleProfile
from outdial.core.settings import CallingList, Zone
from outdial.core.units import DAY_MS, HOUR_MS
from outdial.outlook import DUE_LATER, Outlook, outlook_of
from outdial.store.attempt_rows import ATTEMPT_COLUMNS
from serve_samples import write_configuration

NOON = 1_782_907_200_000
"""Wednesday 1 July 2026, 12:00 UTC."""
UTC = Zone("UTC", ((0, 0),))


# --- the outlook of a record ---------------------------------------------------------------------------------------


def outlook(due: int = 0, facts: NumberFacts | None = None, **limits: Any) -> Outlook:
    rules = dial_rules(CallingList(1, "list", UTC, 9 * 3_600, 20 * 3_600, rules=(RuleProfile("a", "1", **limits),)))
    return outlook_of(Record(1, 1, "5550100", facts=facts), due, rules, NOON, ())


def test_record_that_may_be_dialed_now():
    assert outlook() == Outlook(NOON, "")


def test_record_that_is_due_in_the_night_is_dialed_in_the_morning():
    assert outlook(NOON + 10 * HOUR_MS) == Outlook(NOON + 21 * HOUR_MS, RefusalReason.OUTSIDE_CALLING_HOURS)
    assert outlook(NOON + 13 * HOUR_MS) == Outlook(NOON + 21 * HOUR_MS, DUE_LATER)


def test_record_whose_number_rests():
    facts = NumberFacts(NOON, conversation_utc_ms=NOON - HOUR_MS)
    assert outlook(0, facts, after_conversation_ms=7 * DAY_MS) == Outlook(
        NOON + 7 * DAY_MS - HOUR_MS, RefusalReason.AFTER_CONVERSATION
    )


def test_record_that_may_never_be_dialed():
    assert outlook(consent_required=True) == Outlook(None, RefusalReason.NO_CONSENT)


# --- commands ------------------------------------------------------------------------------------------------------

RULES = """
[[rule-profile]]
name = "house"
version = "2026-01-01"
attempts-24h-max = 1
"""


class Desk:
    """Types commands beside a database that no server uses."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config = write_configuration(folder, records=3)
        text = self.config.read_text()
        place = text.index("[[calling-list]]") + len("[[calling-list]]")
        self.config.write_text(text[:place] + '\nrules = ["house"]' + text[place:] + RULES)
        self._database = folder / "results" / "outdial.sqlite3"
        self._capsys = capsys
        leads = folder / "leads.csv"
        leads.write_text("phone,chain_id\n5550101,\n5550102,\n5550103,\n5550104,7\n5550105,7\n")
        self.types("list", "import", leads, self.config, "--list", "customers")

    def types(self, *arguments: object) -> str:
        assert cli.run_command_line([str(argument) for argument in arguments]) == 0, self._capsys.readouterr().err
        return self._capsys.readouterr().out

    def fails(self, *arguments: object) -> str:
        assert cli.run_command_line([str(argument) for argument in arguments]) == 2
        return self._capsys.readouterr().err

    def asks(self, statement: str) -> None:
        connection = sqlite3.connect(self._database, isolation_level=None)
        connection.execute(statement)
        connection.close()

    def attempt(self, number: str, dialed: int) -> None:
        columns = ", ".join(ATTEMPT_COLUMNS[:21])
        self.asks(
            f"INSERT INTO attempts ({columns}) VALUES (1, 9, 1, 1, 1, 1, '{number}', 1, 'progressive', 7, 'callee', "
            f"NULL, 480, NULL, NULL, {dialed}, 900, 0, 0, 'done', 0)"
        )


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Desk:
    for module in (preflight, why):
        monkeypatch.setattr(module, "utc_now_ms", lambda: NOON)
    return Desk(tmp_path, capsys)


@pytest.mark.slow
def test_preflight_counts_customers_by_time_and_reason(desk):
    desk.attempt("5550101", NOON - HOUR_MS)
    desk.asks(f"UPDATE records SET due_utc_ms = {NOON + HOUR_MS} WHERE number = '5550102'")
    desk.asks("UPDATE records SET due_utc_ms = NULL, status = 3 WHERE number = '5550103'")
    found = json.loads(desk.types("preflight", desk.config, "east", "--json"))
    assert found == {
        "group": "east",
        "at_utc": "2026-07-01T12:00:00.000Z",
        "now": 1,
        "later_today": {"due later": 1},
        "tomorrow": {"too many attempts": 1},
        "later": {},
        "never": {},
        "claimed": 0,
        "behind": 1,
        "finished": 1,
    }
    desk.types("dnc", "add", desk.config, "5550102", "--list", "national")
    assert json.loads(desk.types("preflight", desk.config, "east", "--json"))["never"] == {"do-not-call": 1}
    desk.types("dnc", "remove", desk.config, "5550102")
    said = desk.types("preflight", desk.config, "east")
    assert said.startswith("east: 3 customers wait in 1 list\n  now                    1\n")
    assert "  tomorrow               1   too many attempts 1\n" in said
    assert "there is no campaign group" in desk.fails("preflight", desk.config, "eats")


@pytest.mark.slow
def test_why_tells_every_reason(desk):
    desk.attempt("5550101", NOON - HOUR_MS)
    desk.asks(f"UPDATE records SET due_utc_ms = {NOON + HOUR_MS} WHERE number = '5550101'")
    said = desk.types("why", desk.config, "5550101")
    assert ", 5550101 in customers: 2 reasons\n" in said
    assert "  it waits for a retry, or was given back till then; ends 2026-07-01T13:00:00.000Z\n" in said
    cap = "east: too many attempts: 1 attempt in 24 hours to the number, house allows 1"
    assert f"{cap}; ends 2026-07-02T11:00:00.000Z" in said
    assert "nothing keeps it" in desk.types("why", desk.config, "5550102")
    desk.types("dnc", "add", desk.config, "5550102", "--list", "national")
    said = desk.types("why", desk.config, "5550102")
    assert "east: do-not-call: 5550102 is on the list national; does not end by itself" in said
    desk.config.write_text(
        desk.config.read_text().replace("[[campaign]]", '[[campaign]]\ndo-not-call-lists = ["other"]')
    )
    assert "nothing keeps it" in desk.types("why", desk.config, "5550102")
    desk.asks("UPDATE records SET callback_number = '5550199', record_type = 6 WHERE number = '5550102'")
    assert "nothing keeps it" in desk.types("why", desk.config, "5550102"), "its own number is not dialed"
    desk.types("dnc", "add", desk.config, "5550199")
    assert "east: do-not-call: 5550199 is on the list internal" in desk.types("why", desk.config, "5550102")
    assert ", 5550102, called at 5550199 in customers: 1 reason\n" in desk.types("why", desk.config, "+5550199")
    [record] = json.loads(desk.types("why", desk.config, "5550199", "--json"))["records"]
    assert (record["number"], record["callback_number"]) == ("5550102", "5550199")
    desk.asks(f"UPDATE records SET call_result = 46, due_utc_ms = {NOON + HOUR_MS} WHERE number = '5550104'")
    said = desk.types("why", desk.config, "5550104")
    assert "  nobody saw the end of its last call, which may still be up; ends 2026-07-01T13:00:00.000Z\n" in said
    assert "another record of its customer is tried first" in desk.types("why", desk.config, "5550105")
    desk.asks("UPDATE records SET due_utc_ms = NULL, status = 3, call_result = 33 WHERE number = '5550103'")
    [record] = json.loads(desk.types("why", desk.config, "5550103", "--json"))["records"]
    assert (record["status"], record["reasons"][0]["until_utc"]) == ("updated", None)
    assert "neither the number of a record" in desk.fails("why", desk.config, "Ann")
