"""The ledger of abandoned calls: every settled attempt is in it once, in the bucket in which it was dialed."""

from dataclasses import replace
from typing import Any

import pytest

from outdial.core.abandonment import BUCKET_MS, NOTHING, Counts, bucket_of
from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.results import CallResult, Verdict
from outdial.store.interface import EpochLost
from outdial.store.ledger_rows import attempt_counts
from outdial.store.stored import FIRST, LedgerRow
from store.contract.story import NOW, add_singles, begun, claim, listed, opened, settled, write

BUCKET = bucket_of(NOW)
RECORD = listed(1).record


def person(call_id: int, *, utc_ms: int = NOW, campaign_id: int = 1, seller: str = "acme", **values: Any) -> Any:
    """A call that a person answered."""
    values = {"person": True, "clock": AbandonmentClock.GREETING_END, "clock_ms": 900, "agent_id": 7} | values
    call = settled(call_id, RECORD, result=CallResult.ANSWER)
    return replace(call, dialed_utc_ms=utc_ms, campaign_id=campaign_id, seller=seller, **values)


def lost(call_id: int, **values: Any) -> Any:
    """A call whose person found nobody."""
    return person(call_id, abandoned=True, clock_ms=2_000, **({"agent_id": None} | values))


async def total(store: Any) -> Counts:
    counts = NOTHING
    for row in await store.abandonment(0):
        counts = counts.plus(row.counts)
    return counts


async def test_an_attempt_is_counted_once_however_often_it_is_written(database):
    async with opened(database) as store:
        for _ in range(2):
            await write(store, person(1), lost(2, message_played=True), person(3), person(3))
        await write(store, settled(4, RECORD, verdict=Verdict.MACHINE), settled(5, RECORD))
        counts = Counts(persons=3, live=2, abandoned=1, machines=1, messages=1)
        assert await total(store) == counts
        assert len(await store.abandonment(0)) == 2  # the machine's campaign is not named


async def test_buckets_are_apart_by_campaign_seller_and_quarter_of_an_hour(database):
    async with opened(database) as store:
        await write(store, person(1), person(2, utc_ms=BUCKET + BUCKET_MS), lost(3, utc_ms=BUCKET + BUCKET_MS - 1))
        await write(store, person(4, campaign_id=2), person(5, seller="zenith"))
        assert await store.abandonment(BUCKET) == (
            LedgerRow(1, "acme", BUCKET, Counts(2, 1, 1)),
            LedgerRow(1, "acme", BUCKET + BUCKET_MS, Counts(1, 1)),
            LedgerRow(1, "zenith", BUCKET, Counts(1, 1)),
            LedgerRow(2, "acme", BUCKET, Counts(1, 1)),
        )


async def test_what_is_older_than_asked_for_comes_in_one_row(database):
    async with opened(database) as store:
        await write(store, *(person(n, utc_ms=BUCKET + n * BUCKET_MS) for n in range(4)))
        assert await store.abandonment(BUCKET + 2 * BUCKET_MS) == (
            LedgerRow(1, "acme", 0, Counts(2, 2)),
            LedgerRow(1, "acme", BUCKET + 2 * BUCKET_MS, Counts(1, 1)),
            LedgerRow(1, "acme", BUCKET + 3 * BUCKET_MS, Counts(1, 1)),
        )


async def test_a_settlement_that_takes_the_place_of_a_stale_one_is_counted(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await claim(store)
        await write(store, begun(1, RECORD))
        epoch = store.found.epoch
    async with opened(database) as store:
        assert store.found.stale == 1 and await total(store) == NOTHING
    for _ in range(2):
        async with opened(database, left=[(epoch, [lost(1)])]) as store:
            assert await total(store) == Counts(1, 0, 1)


async def test_a_server_that_has_lost_its_place_still_counts_its_calls(database):
    first = database.store()
    if hasattr(database, "path"):
        pytest.skip("two servers have no SQLite file together")
    await first.open("one", NOW, 0)
    async with opened(database) as second:
        with pytest.raises(EpochLost):
            await write(first, lost(1))
        assert await total(second) == Counts(1, 0, 1)
    await first.close()


async def test_attempts_come_in_the_order_of_dialing_page_by_page(database):
    calls = [person(1, utc_ms=NOW + 5), lost(2, utc_ms=NOW), person(3, utc_ms=NOW), settled(4, RECORD)]
    async with opened(database) as store:
        await write(store, *calls, person(5, utc_ms=NOW + 60_000))
        found, after = [], FIRST
        while page := await store.settled(NOW, NOW + 60_000, after, 2):
            found += page
            after = (page[-1].dialed_utc_ms, page[-1].epoch, page[-1].call_id)
        assert [one.call_id for one in found] == [2, 3, 4, 1]
        first, machine = found[0], found[2]
        assert (first.person, first.abandoned, first.clock, first.clock_ms) == (True, True, "greeting-end", 2_000)
        assert (first.campaign_id, first.seller, first.message_played) == (1, "acme", False)
        assert (machine.person, machine.abandoned, machine.clock) == (False, False, None)


async def test_the_ledger_and_the_attempts_agree(database):
    async with opened(database) as store:
        await write(store, *(lost(n) if n % 3 else person(n, message_played=n % 2 == 0) for n in range(1, 30)))
        counts = NOTHING
        for attempt in await store.settled(0, NOW * 2, FIRST, 100):
            counts = counts.plus(attempt_counts(attempt))
        assert counts == await total(store)
