"""The ledger of abandoned calls goes from one start of `outdial serve` into the next."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from outdial.config.loaded import Database
from outdial.core.abandonment import BUCKET_MS, Counts
from outdial.core.events import AbandonmentFound
from outdial.core.settings import Campaign, Configuration, Ocs
from outdial.core.units import Now
from outdial.drivers.journal import JournalReader
from outdial.replay import replay
from outdial.serve_abandonment import LOOK_MS, ServeLedgers, found_of
from outdial.store.interface import StoreUnavailable
from outdial.store.stored import LedgerRow
from serve_samples import serving, write_configuration

ROWS = (
    LedgerRow(1, "acme", 0, Counts(100, 97, 3)),
    LedgerRow(1, "acme", 2 * BUCKET_MS, Counts(2, 1, 1)),
    LedgerRow(1, "zenith", BUCKET_MS, Counts(4, 4)),
    LedgerRow(1, "zenith", 2 * BUCKET_MS, Counts(5, 5)),
    LedgerRow(2, "acme", BUCKET_MS, Counts(7, 7)),
)


class Records:
    """A database that says what it has, or nothing."""

    def __init__(self) -> None:
        self.is_away = False

    async def abandonment(self, since_utc_ms: int) -> tuple[LedgerRow, ...]:
        if self.is_away:
            raise StoreUnavailable("connection refused")
        return ROWS


class Clock:
    def __init__(self) -> None:
        self.mono_ms = 0

    def read(self) -> Now:
        return Now(self.mono_ms, 1_800_000_000_000)


class Log:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def warning(self, event: str, **values: Any) -> None:
        self.lines.append(f"{event}: {values}")


def ledgers_of(records: Any, log: Any = None, *, clock: Any = None, told: Any = None, url: str = "") -> ServeLedgers:
    database = Database(None, url) if url else Database(Path("a.sqlite3"))
    tell = [].append if told is None else told.append
    return ServeLedgers(records, clock or Clock(), log or Log(), tell, database)


def configured(*campaigns: int) -> Configuration:
    return Configuration(Ocs(()), campaigns=tuple(Campaign(number, f"c{number}", ()) for number in campaigns))


def test_a_campaign_is_told_of_everybody_it_has_called_for():
    buckets = ((BUCKET_MS, Counts(4, 4)), (2 * BUCKET_MS, Counts(7, 6, 1)))
    assert found_of(5, 1, ROWS) == AbandonmentFound(5, 1, Counts(100, 97, 3), buckets)
    assert found_of(5, 3, ROWS) == AbandonmentFound(5, 3, Counts(), ())


def test_each_campaign_is_told_once():
    ledgers = ledgers_of(Records())
    first = asyncio.run(ledgers.found(configured(1, 2), 10))
    assert [(event.request_id, event.campaign_id) for event in first] == [(10, 1), (11, 2)]
    assert [event.campaign_id for event in asyncio.run(ledgers.found(configured(1, 2, 3), 20))] == [3]
    assert asyncio.run(ledgers.found(configured(1, 3), 30)) == []


def test_a_database_that_is_away_stops_a_start_and_not_a_reload():
    records, log = Records(), Log()
    ledgers = ledgers_of(records, log)
    records.is_away = True
    with pytest.raises(StoreUnavailable):
        asyncio.run(ledgers.found(configured(1), 1))
    records.is_away = False
    asyncio.run(ledgers.found(configured(1), 1))
    records.is_away = True
    assert asyncio.run(ledgers.found(configured(1, 2), 1)) == []
    assert "their groups begin with accounts of their own" in log.lines[0]


@pytest.mark.parametrize("url, looks", [("", 0), ("postgresql://db/outdial", 2)])
def test_what_other_servers_have_called_is_told_every_few_minutes(url, looks):
    async def story() -> None:
        await ledgers.found(configured(1, 2), 1)
        for _ in range(3):
            ledgers.look()
            await asyncio.sleep(0)
        clock.mono_ms = LOOK_MS
        for _ in range(3):
            ledgers.look()
            await asyncio.sleep(0)
        records.is_away = True
        clock.mono_ms = 2 * LOOK_MS
        ledgers.look()
        await asyncio.sleep(0)

    records, clock, told = Records(), Clock(), list[AbandonmentFound]()
    ledgers = ledgers_of(records, clock=clock, told=told, url=url)
    asyncio.run(story())
    assert [(event.campaign_id, event.earlier) for event in told] == [(1, Counts()), (2, Counts())][:looks]


@pytest.mark.slow
def test_a_restart_goes_on_with_the_account_of_the_campaign(tmp_path):
    path = write_configuration(tmp_path, 'journal = "run-{start}.journal"', records=40)
    for _ in range(2):
        with serving(path, talk_s=0.1) as server:
            server.until("attempt settled", 12)
            server.process.terminate()
            assert server.ended() == 0
    journal = max(tmp_path.glob("run-*.journal"))
    with JournalReader(journal) as steps:
        [found] = [step.event for step in steps if isinstance(step.event, AbandonmentFound)]
    assert replay(journal).identical
    total = found.earlier
    for _, counts in found.buckets:
        total = total.plus(counts)
    assert total.persons >= 12 and found.campaign_id == 1
