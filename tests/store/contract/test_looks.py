"""What operators look at, and lists that begin anew, beside servers that go on undisturbed."""

import pytest

from outdial.core.results import CallResult
from outdial.store.interface import EpochLost
from outdial.store.stored import FINISHED, Import
from store.contract.story import (
    CANCELLED,
    DONE,
    NEXT_IN_CHAIN,
    NOW,
    READY,
    RETRY_IN,
    UPDATED,
    add,
    add_chain,
    add_singles,
    begun,
    cancelled,
    claim,
    claim_one,
    ids,
    listed,
    opened,
    settled,
    states,
    write,
)


async def test_a_look_counts_no_start_and_clears_nothing_up(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        record = await claim_one(store)
        await write(store, begun(1, record[0]))
    before = await states(database)
    looker = database.store()
    await looker.look()
    try:
        assert (await looker.list_counts(1, NOW)).claimed == 1
        with pytest.raises(EpochLost):
            await claim(looker)
    finally:
        await looker.close()
    assert await states(database) == before
    async with opened(database) as store:
        assert (store.found.epoch, store.found.stale) == (2, 1)


async def test_the_records_of_one_customer_come_in_their_order(database):
    async with opened(database) as store:
        await add_chain(store, 3, chain_id=7, first=11)
        await add_chain(store, 2, chain_id=8, first=1)
        await add_singles(store, 2, first=50)
        assert [record.fate.record_id for record in await store.chain(1, 7, 10)] == [11, 12, 13]
        assert [record.fate.chain_n for record in await store.chain(1, 7, 2)] == [0, 1]
        for list_id, chain_id in ((2, 7), (1, 9), (1, 0)):
            assert await store.chain(list_id, chain_id, 10) == ()


async def test_a_list_at_a_glance(database):
    async with opened(database) as store:
        await add_singles(store, 5)
        await add_singles(store, 1, 2, first=50)
        one, two, *_ = [chain.records[0] for chain in (await claim(store, 3)).chains]
        await write(store, settled(1, one, DONE), settled(2, two, RETRY_IN, not_before=NOW + 60_000))
        counts = await store.list_counts(1, NOW)
        assert {status.label: count for status, count in counts.by_status.items()} == {
            "ready": 3,
            "retrieved": 1,
            "updated": 1,
        }
        assert (counts.due, counts.waiting, counts.next_due_utc_ms, counts.claimed) == (2, 1, NOW + 60_000, 1)
        nothing = await store.list_counts(3, NOW)
        assert (nothing.by_status, nothing.due, nothing.next_due_utc_ms, nothing.claimed) == ({}, 0, None, 0)


async def test_records_come_a_page_at_a_time_with_all_that_is_known(database):
    async with opened(database) as store:
        await add(store, listed(1, hours=(3_600, 7_200), zone="Europe/Rome", custom=(("first_name", "Zoë"),)))
        await add_singles(store, 1, 2, first=2)
        await store.add_records(Import(1, "b.csv", "another", 1, 1, NOW), [listed(3, chain=(7, 2))])
        [one] = await store.records(1, 0, 1)
        [three] = await store.records(1, 1, 9)
        assert await store.records(1, 3, 9) == ()
        assert (one.fate.number, one.daily_from_s, one.daily_till_s, one.zone) == (
            "+15550000001",
            3_600,
            7_200,
            "Europe/Rome",
        )
        assert (one.custom, one.due_utc_ms, one.claim_epoch) == ({"first_name": "Zoë"}, 0, None)
        assert (three.fate.record_id, three.fate.chain_n, three.custom) == (3, 2, {})


async def test_records_are_found_by_id_and_by_number(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        found = await store.find_records(2, ["+15550000001", "15550000001", "+15550000002"])
        assert [record.fate.record_id for record in found] == [1, 2]
        assert await store.find_records(99, []) == ()


async def test_attempts_on_a_record_with_the_one_under_way(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        [record] = await claim_one(store)
        await write(store, begun(1, record), settled(1, record, RETRY_IN, not_before=NOW, agent_id=7))
        [again] = await claim_one(store)
        assert again.record_id == record.record_id
        await write(store, begun(2, again, NOW + 1))
        first, second = await store.attempts(record.record_id)
        assert (first.call_id, first.call_result, first.agent_id, first.ring_ms, first.disposition) == (
            1,
            CallResult.NO_ANSWER,
            7,
            11_000,
            "retry-in",
        )
        assert (second.call_id, second.call_result, second.attempt_n) == (2, None, 2)
        assert await store.attempts(2) == ()


# --- beginning anew ----------------------------------------------------------------------------------------------


async def test_finished_records_are_ready_again_and_remember_their_attempts(database):
    async with opened(database) as store:
        await add_singles(store, 6)
        one, two, three, *_ = [chain.records[0] for chain in (await claim(store, 5)).chains]
        await write(
            store,
            settled(1, one, DONE),
            cancelled(two),
            settled(3, three, RETRY_IN, not_before=NOW + 60_000, history=((CallResult.NO_ANSWER, 1),)),
        )
        before = await states(database)
        assert await store.reset(2, FINISHED) == 0
        await store.reset(1, FINISHED)
        after = await states(database)
        assert (after[1].status, after[1].attempts, after[1].priority, after[1].due_utc_ms) == (READY, 1, 0, 0)
        assert after[1].call_result == CallResult.NO_ANSWER
        assert {n: after[n] for n in (3, 5, 6)} == {n: before[n] for n in (3, 5, 6)}, "waits, claimed, never dialed"
        [again] = [chain.records[0] for chain in (await claim(store, 1)).chains]
        assert (again.record_id, again.attempts, again.history) == (1, 1, ())


async def test_who_must_not_be_called_stays_so(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        one, two = [chain.records[0] for chain in (await claim(store)).chains]
        await write(store, cancelled(one, CallResult.DO_NOT_CALL), cancelled(two, CallResult.WRONG_NUMBER))
        assert await store.reset(1, FINISHED) == 1
        after = await states(database)
        assert (after[1].status, after[2].status) == (CANCELLED, READY)


async def test_only_the_wanted_statuses(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        one, two = [chain.records[0] for chain in (await claim(store)).chains]
        await write(store, settled(1, one, DONE), cancelled(two, CallResult.WRONG_NUMBER))
        assert await store.reset(1, [CANCELLED]) == 1
        after = await states(database)
        assert (after[1].status, after[2].status) == (UPDATED, READY)


async def test_a_finished_chain_waits_from_its_first_record_again(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, second, _ = await claim_one(store)
        await write(store, settled(1, first, NEXT_IN_CHAIN, next_id=2))
        [second, _] = await claim_one(store)
        await write(store, settled(2, second, DONE))
        assert await store.reset(1, FINISHED) == 3
        assert ids(await claim(store)) == [[1, 2, 3]]


async def test_a_chain_that_waits_or_is_claimed_stays_as_it_is(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        await add_chain(store, 2, chain_id=8, first=11)
        [one, eleven] = [chain.records[0] for chain in (await claim(store)).chains]
        await write(store, settled(1, one, NEXT_IN_CHAIN, next_id=2), settled(2, eleven, NEXT_IN_CHAIN, next_id=12))
        assert ids(await claim(store, 1)) == [[2]]
        before = await states(database)
        assert await store.reset(1, FINISHED) == 0
        assert await states(database) == before


async def test_a_list_is_counted_in_parts(database, monkeypatch):
    monkeypatch.setattr("outdial.store.sqlite_lists.RECORDS_AT_ONCE", 3)
    async with opened(database) as store:
        await add_singles(store, 8)
        await add_singles(store, 4, 2, first=20)
        records = [chain.records[0] for chain in (await claim(store, 3)).chains]
        await write(store, settled(1, records[0], DONE), settled(2, records[1], RETRY_IN, not_before=NOW + 60_000))
        counts = await store.list_counts(1, NOW)
        assert sum(counts.by_status.values()) == 8 and counts.by_status[UPDATED] == 1
        assert (counts.due, counts.waiting, counts.next_due_utc_ms, counts.claimed) == (5, 1, NOW + 60_000, 1)
        assert sum((await store.list_counts(2, NOW)).by_status.values()) == 4


async def test_many_records_are_ready_again(database):
    async with opened(database) as store:
        await add_singles(store, 5_500)
    await database.ask("UPDATE records SET status = 3, due_utc_ms = NULL, attempts = 1")
    async with opened(database) as store:
        assert await store.reset(1, FINISHED) == 5_500
        assert (await store.list_counts(1, NOW)).due == 5_500
