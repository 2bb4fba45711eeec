"""`outdial compliance …`: stories of an operator who is asked how many calls were abandoned."""

import asyncio
import contextlib
import csv
import io
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from outdial import cli
from outdial.abandonment_report import Period
from outdial.campaign_rules import CampaignRules
from outdial.config import load
from outdial.core.abandonment import NOTHING
from outdial.core.commands import SettleAttempt
from outdial.core.results import CallResult, Verdict
from outdial.core.units import DAY_MS, MINUTE_MS
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import FileLock
from serve_samples import write_configuration
from store.contract.story import listed, settled

pytestmark = pytest.mark.slow

NOON = 1_795_262_400_000
"""2026-11-21 12:00 UTC."""
RECORD = listed(1).record


def call(call_id: int, utc_ms: int = NOON, **facts: Any) -> SettleAttempt:
    """A settled attempt of the campaign `spring`."""
    facts = {"campaign_id": 1, "seller": "acme", "dialed_utc_ms": utc_ms} | facts
    return replace(settled(call_id, RECORD), **facts)


def served(call_id: int, utc_ms: int = NOON, **facts: Any) -> SettleAttempt:
    return call(call_id, utc_ms, **({"person": True, "agent_id": 7, "call_result": CallResult.ANSWER} | facts))


def lost(call_id: int, utc_ms: int = NOON, **facts: Any) -> SettleAttempt:
    facts = {"person": True, "abandoned": True, "call_result": CallResult.DROPPED} | facts
    return call(call_id, utc_ms, **facts)


def machine(call_id: int, utc_ms: int = NOON) -> SettleAttempt:
    return call(call_id, utc_ms, verdict=Verdict.MACHINE, call_result=CallResult.ANSWERING_MACHINE)


class Operator:
    """Types commands about calls that were made before."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.config = write_configuration(folder)
        self.database = folder / "results" / "outdial.sqlite3"
        self.capsys = capsys
        self._patch = monkeypatch

    def campaign(self, *lines: str) -> None:
        """Options of the campaign."""
        text = self.config.read_text()
        assert text.count("[[campaign]]") == 1
        self.config.write_text(text.replace("[[campaign]]\n", "[[campaign]]\n" + "".join(f"{one}\n" for one in lines)))

    def called(self, *calls: SettleAttempt) -> None:
        """A server has made these calls."""

        async def work() -> None:
            store = SqliteStore(self.database)
            await store.open("outdial", NOON, 0)
            await store.write(calls)
            await store.close()

        self.database.parent.mkdir(exist_ok=True)
        asyncio.run(work())

    def types(self, *arguments: object) -> str:
        """A command that goes well. Returns its output."""
        assert cli.run_command_line([str(argument) for argument in arguments]) == 0, self.capsys.readouterr().err
        return self.capsys.readouterr().out

    def fails(self, *arguments: object) -> str:
        """A command that ends with 2. Returns what it says."""
        assert cli.run_command_line([str(argument) for argument in arguments]) == 2
        return self.capsys.readouterr().err

    def budget(self, *options: object, at_ms: int = NOON) -> list[Any]:
        self._patch.setattr("outdial.abandonment_budget.utc_now_ms", lambda: at_ms)
        return json.loads(self.types("compliance", "budget", self.config, "--json", *options))["budgets"]

    def report(self, form: str, period: str = "2026-11-01..2026-11-30", *options: object) -> list[dict[str, Any]]:
        wanted = ("--period", period, "--form", form, "--format", "json", *options)
        return json.loads(self.types("compliance", "report", self.config, *wanted))["rows"]


@pytest.fixture
def operator(tmp_path, capsys, monkeypatch) -> Operator:
    return Operator(tmp_path, capsys, monkeypatch)


# --- budget --------------------------------------------------------------------------------------------------------


def test_a_budget_tells_what_is_left_in_each_window(operator):
    old = [served(n, NOON - 10 * DAY_MS) for n in range(100)]
    operator.called(*old, *(served(200 + n) for n in range(99)), lost(300), lost(301, NOON - 40 * DAY_MS))
    campaign, seller = operator.budget()
    assert (campaign["campaign"], campaign["method"], campaign["time_zone"]) == ("spring", "us", "UTC")
    facts = {one["window"]: (one["persons"], one["abandoned"], one["may_be_abandoned"]) for one in campaign["windows"]}
    assert facts == {"day": (100, 1, 2), "24-hours": (100, 1, 2), "30-days": (200, 1, 5), "life": (201, 2, 4)}
    assert [one["is_limited"] for one in campaign["windows"]] == [False, False, True, False]
    assert (seller["seller"], seller["windows"][3]["persons"]) == ("acme", 201)
    said = operator.types("compliance", "budget", operator.config, "--campaign", "spring")
    assert "campaign spring: method us, days of UTC" in said and "seller" not in said


def test_a_budget_tells_how_much_traffic_brings_the_rate_back(operator):
    operator.called(*(served(n) for n in range(90)), *(lost(100 + n) for n in range(10)))
    day = operator.budget()[0]["windows"][0]
    assert (day["rate"], day["may_be_abandoned"], day["served_needed"]) == (0.1, 0, 234)
    operator.called(*(served(1_000 + n) for n in range(234)))
    assert operator.budget()[0]["windows"][0]["served_needed"] == 0


def test_the_british_method_adds_an_estimate_of_persons_taken_for_machines(operator):
    operator.campaign('abandonment-method = "uk"', "machine-false-positive-ratio = 0.05", "abandonment-limit = 4")
    operator.campaign('abandonment-windows = ["day"]', 'abandonment-time-zone = "Europe/London"', 'seller = "acme"')
    operator.called(*(served(n) for n in range(95)), *(machine(200 + n) for n in range(61)), lost(300))
    day = operator.budget("--campaign", "spring")[0]["windows"][0]
    assert (day["persons"], day["abandoned"], day["calls"], day["is_limited"]) == (96, 5, 100, True)
    assert (day["rate"], day["limit"]) == (0.05, 0.04)


def test_who_asks_wrongly_is_told(operator):
    assert "there is no database yet" in operator.fails("compliance", "budget", operator.config)
    operator.called(served(1))
    said = operator.fails("compliance", "budget", operator.config, "--campaign", "sprig")
    assert 'there is no campaign "sprig"; did you mean "spring"?' in said
    lock = FileLock(operator.database)
    try:
        assert "in use by another process" in operator.fails("compliance", "budget", operator.config)
    finally:
        lock.release()
    wrong = ("--period", "2026-11-30..2026-11-01", "--form", "french", "--format", "xml")
    said = operator.fails("compliance", "report", operator.config, *wrong)
    assert "allowed: safe-harbour, uk" in said and "allowed: csv, json" in said and "ends before it begins" in said
    assert "is no period" in operator.fails(
        "compliance", "report", operator.config, "--period", "today", "--form", "uk"
    )


def test_wrong_options_of_a_campaign_are_told(operator):
    operator.campaign('abandonment-time-zone = "Europe/Lodnon"', "machine-false-positive-ratio = 0.1")
    said = operator.fails("compliance", "budget", operator.config)
    assert 'did you mean "Europe/London"' in said and 'only with abandonment-method = "uk"' in said


# --- report --------------------------------------------------------------------------------------------------------


def test_the_safe_harbour_form_has_a_row_for_each_day_and_the_period(operator):
    operator.campaign('abandonment-time-zone = "America/New_York"')
    evening = NOON + 15 * 60 * MINUTE_MS  # the next day in UTC, still the same in New York
    late = served(5, abandoned=True, clock_ms=2_700)
    operator.called(
        *(served(1), served(2, evening), lost(3, message_played=True), machine(4), late),
        *(call(6, ring_ms=14_999, call_result=CallResult.NO_ANSWER), call(7, ring_ms=15_000)),
        *(
            call(8, call_result=CallResult.BUSY, ring_ms=10),
            served(9, NOON + 2 * DAY_MS),
            served(10, NOON + 90 * DAY_MS),
        ),
    )
    first, second, total = operator.report("safe-harbour")
    assert [row["date"] for row in (first, second, total)] == ["2026-11-21", "2026-11-23", "total"]
    assert first == {
        **{"campaign": "spring", "seller": "acme", "date": "2026-11-21", "calls_dialed": 8},
        **{"answered_by_persons": 4, "connected_in_time": 2, "abandoned": 2, "messages_played": 1},
        **{"unanswered": 2, "unanswered_below_15_s": 1, "rate_percent": 50.0, "limit_percent": 3.0},
        "method": "abandoned / answered by persons",
    }
    assert (total["calls_dialed"], total["answered_by_persons"], total["rate_percent"]) == (9, 5, 40.0)


def test_the_british_form_states_its_estimate(operator):
    operator.campaign('abandonment-method = "uk"', "machine-false-positive-ratio = 0.02")
    operator.called(*(served(n) for n in range(96)), lost(100), lost(101), *(machine(200 + n) for n in range(75)))
    row = operator.report("uk")[0]
    assert (row["live_calls"], row["abandoned_known"], row["taken_for_machines"]) == (96, 2, 75)
    assert (row["false_positive_ratio"], row["abandoned_estimated"], row["abandoned"]) == (0.02, 2, 4)
    assert row["rate_percent"] == 4.0


def test_a_report_is_a_file_with_the_rules_in_its_header(operator, tmp_path):
    operator.called(served(1), lost(2))
    out = tmp_path / "november.csv"
    wanted = ("--period", "2026-11-21..2026-11-21", "--form", "safe-harbour", "--output", out)
    assert operator.types("compliance", "report", operator.config, *wanted) == ""
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert rows[0]["abandoned [16 CFR 310.4(b)(1)(iv)]"] == "1" and rows[1]["date"] == "total"
    assert "cannot be" in operator.fails("compliance", "report", operator.config, *wanted[:-1], tmp_path / "no" / "x")


def test_attempts_of_an_older_version_belong_to_the_campaign_of_their_group(operator):
    operator.called(served(1), served(2, campaign_id=77, seller="gone"))
    with contextlib.closing(sqlite3.connect(operator.database, isolation_level=None)) as connection:
        connection.execute("UPDATE attempts SET campaign_id = NULL, seller = NULL WHERE call_id = 1")
    assert {row["campaign"] for row in operator.report("uk")} == {"spring", "campaign 77"}
    assert {row["campaign"] for row in operator.report("uk", "2026-11-01..2026-11-30", "--campaign", "spring")} == {
        "spring"
    }


def test_report_and_ledger_agree(operator):
    calls = []
    for n in range(400):
        kind = (served, lost, machine, call)[n * 7 % 4]
        calls.append(kind(n, NOON - n * 11 * MINUTE_MS))
    operator.called(*calls, *calls[:50])

    async def both() -> tuple[Any, Any]:
        store = SqliteStore(operator.database)
        await store.look()
        period = Period(day("2026-10-01"), day("2026-12-31"), CampaignRules(load(operator.config).configuration))
        await period.read(store)
        rows = await store.abandonment(0)
        await store.close()
        return period, rows

    period, rows = asyncio.run(both())
    from_attempts, from_ledger = NOTHING, NOTHING
    for sums in period.sums.values():
        from_attempts = from_attempts.plus(sums.counts)
    for row in rows:
        from_ledger = from_ledger.plus(row.counts)
    assert from_attempts == from_ledger and from_ledger.persons > 150
    assert sum(sums.dialed for sums in period.sums.values()) == 400


def day(text: str) -> Any:
    import datetime

    return datetime.date.fromisoformat(text)
