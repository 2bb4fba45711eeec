"""Starts: epochs, what an earlier start has left open, and what one may still do whose place has been taken."""

import pytest

from outdial.core.results import CallResult
from outdial.store.interface import EpochLost, StoreError, StoreUnavailable
from store.contract.story import (
    DONE,
    NEXT_IN_CHAIN,
    NOW,
    READY,
    RETRIEVED,
    RETRY_IN,
    STALE_MS,
    UPDATED,
    State,
    add_chain,
    add_singles,
    begun,
    cancelled,
    claim,
    claim_one,
    ids,
    listed,
    opened,
    returned,
    settled,
    states,
    write,
)

LATER = NOW + 60_000
"""When the next start is."""
STALE_UNTIL = LATER + STALE_MS


async def attempts(database):
    rows = await database.ask("SELECT epoch, call_id, call_result, fault, mode, not_before_utc_ms FROM attempts")
    return sorted(map(tuple, rows))


async def open_calls(database):
    return sorted(row[0] for row in await database.ask("SELECT call_id FROM open_attempts"))


# --- epochs ------------------------------------------------------------------------------------------------------


async def test_every_start_has_a_higher_epoch(database):
    epochs = []
    for server in ("one", "one", "two", "one"):
        async with opened(database, server) as store:
            epochs.append(store.found.epoch)
    assert epochs == sorted(set(epochs))
    rows = await database.ask("SELECT name, epoch, started_utc_ms FROM servers ORDER BY name")
    assert list(map(tuple, rows)) == [("one", epochs[3], NOW), ("two", epochs[2], NOW)]


async def test_an_epoch_is_never_used_again_even_if_the_server_is_forgotten(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, settled(1, record))
        first = store.found.epoch
    await database.ask("DELETE FROM servers")
    async with opened(database) as store:
        assert store.found.epoch > first


async def test_the_first_start_finds_nothing(database):
    async with opened(database) as store:
        assert (store.found.returned, store.found.stale) == (0, 0)
        assert await store.imports() == ()


async def test_closing_twice_does_no_harm_and_a_closed_store_does_not_answer(database):
    async with opened(database) as store:
        pass
    await store.close()
    with pytest.raises(StoreUnavailable):
        await claim(store)
    with pytest.raises(StoreUnavailable):
        await write(store, begun(1, listed(1).record))


async def test_a_store_may_be_opened_again(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await claim(store, 1)
        again = await store.open("one", LATER, STALE_MS)
        assert (again.epoch, again.returned) == (store.found.epoch + 1, 1)
        assert ids(await claim(store)) == [[1], [2]]


async def test_tables_of_a_newer_outdial_are_left_alone(database):
    await database.ask("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer outdial"):
        async with opened(database):
            pass
    assert list(map(tuple, await database.ask("SELECT version_num FROM alembic_version"))) == [("9999",)]


async def test_tables_that_others_made_are_left_alone(database):
    await database.ask("DROP TABLE alembic_version")
    with pytest.raises(StoreError, match=r"outdial did not make.*records"):
        async with opened(database):
            pass


# --- what an earlier start has left ------------------------------------------------------------------------------


async def test_what_was_claimed_and_not_dialed_is_ready_at_once(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await add_chain(store, 3, first=11)
        before = await states(database)
        assert len((await claim(store)).chains) == 3
    async with opened(database, utc_ms=LATER) as store:
        assert (store.found.returned, store.found.stale) == (3, 0)
        assert await states(database) == before
        assert ids(await claim(store)) == [[1], [2], [11, 12, 13]]


async def test_what_was_being_dialed_is_stale_and_waits(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, begun(6, record))
        first = store.found.epoch
    async with opened(database, utc_ms=LATER) as store:
        assert (store.found.returned, store.found.stale) == (0, 1)
        assert await states(database) == {1: State(READY, 1, CallResult.STALE, 1, STALE_UNTIL, False)}
        assert (await claim(store, utc_ms=STALE_UNTIL - 1)).next_due_utc_ms == STALE_UNTIL
        [again] = await claim_one(store, STALE_UNTIL)
        assert again.attempts == 1
        [fate] = await store.fates(1, 0, 10)
        assert (fate.call_result, fate.last_attempt_utc_ms) == (CallResult.STALE, NOW)
    assert await attempts(database) == [(first, 6, 46, "ours", "unknown", STALE_UNTIL)]
    assert await open_calls(database) == []


async def test_a_chain_whose_call_may_be_up_waits_from_that_record_on(database):
    async with opened(database) as store:
        await add_chain(store, 4)
        first, second, *_ = await claim_one(store)
        await write(store, cancelled(first), begun(6, second))
    async with opened(database, utc_ms=LATER) as store:
        assert (store.found.returned, store.found.stale) == (0, 1)
        assert (await claim(store)).chains == ()
        assert ids(await claim(store, utc_ms=STALE_UNTIL)) == [[2, 3, 4]]


async def test_what_was_settled_stays_settled(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        await add_singles(store, 2, first=11)
        chains = {chain.records[0].record_id: chain.records for chain in (await claim(store)).chains}
        await write(store, *(begun(n, chains[n][0]) for n in (1, 11)))
        await write(
            store,
            settled(1, chains[1][0], NEXT_IN_CHAIN, next_id=2),
            settled(11, chains[11][0], DONE),
            returned(chains[12][0], LATER),
        )
        before = await states(database)
    async with opened(database, utc_ms=LATER) as store:
        assert (store.found.returned, store.found.stale) == (0, 0)
        assert await states(database) == before


async def test_leftovers_are_cleared_up_once(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        [record] = await claim_one(store)
        await write(store, begun(1, record))
        await claim_one(store)
    async with opened(database) as store:
        assert (store.found.returned, store.found.stale) == (1, 1)
    async with opened(database) as store:
        assert (store.found.returned, store.found.stale) == (0, 0)
    assert (await states(database))[1].attempts == 1


async def test_an_open_attempt_whose_record_has_gone_on_is_written_down_and_its_number_waits(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, begun(1, record), returned(record))
        before = await states(database)
    async with opened(database) as store:
        assert (store.found.returned, store.found.stale) == (0, 1)
        assert await states(database) == {1: before[1]._replace(due_utc_ms=NOW + STALE_MS)}


# --- what an earlier start could not write -----------------------------------------------------------------------


async def test_what_was_left_behind_is_written_before_anything_is_called_stale(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        one, two, three = (chain.records[0] for chain in (await claim(store)).chains)
        await write(store, begun(1, one))
        first = store.found.epoch
    left = [(first, [settled(1, one, RETRY_IN, not_before=NOW + 5), begun(2, two)]), (first, [cancelled(three)])]
    async with opened(database, utc_ms=LATER, left=iter(left)) as store:
        assert (store.found.returned, store.found.stale) == (0, 1)
    found = await states(database)
    assert found[1] == State(READY, 1, CallResult.NO_ANSWER, 1, NOW + 5, False)
    assert found[2] == State(READY, 1, CallResult.STALE, 1, STALE_UNTIL, False)
    assert found[3].call_result == CallResult.DO_NOT_CALL
    assert [row[:3] for row in await attempts(database)] == [(first, 1, 7), (first, 2, 46)]


async def test_what_was_left_behind_may_be_written_twice(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        one, two = (chain.records[0] for chain in (await claim(store)).chains)
        first = store.found.epoch
    left = [(first, [begun(1, one), settled(1, one, RETRY_IN, not_before=NOW + 5), returned(two, NOW + 6)])]
    async with opened(database, left=left):
        once = await states(database)
    async with opened(database, left=left) as store:
        assert (store.found.returned, store.found.stale) == (0, 0)
        assert await states(database) == once
    assert len(await attempts(database)) == 1


async def test_a_settlement_that_comes_late_takes_the_place_of_the_stale_one(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, begun(1, record))
        first = store.found.epoch
    async with opened(database, utc_ms=LATER) as store:
        before = await states(database)
    left = [(first, [settled(1, record, DONE, result=CallResult.ANSWER), begun(1, record)])]
    async with opened(database, utc_ms=LATER, left=left) as store:
        assert store.found.stale == 0
        assert await states(database) == before  # the record stays as the start before left it
    assert await attempts(database) == [(first, 1, 33, "callee", "predictive", 0)]
    async with opened(database, left=[(first, [settled(1, record, DONE)])]):
        pass
    assert [row[2] for row in await attempts(database)] == [33]  # the first word counts


# --- a place that was taken --------------------------------------------------------------------------------------


async def test_who_has_lost_its_epoch_claims_nothing(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await database.ask("UPDATE servers SET epoch = epoch + 1")
        with pytest.raises(EpochLost):
            await claim(store)
    assert (await states(database))[1].status is READY


async def test_who_has_lost_its_epoch_writes_its_attempts_down_and_changes_no_record(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        one, two, three = (chain.records[0] for chain in (await claim(store)).chains)
        await write(store, begun(1, one))
        before = await states(database)
        await database.ask("UPDATE servers SET epoch = epoch + 1")
        with pytest.raises(EpochLost):
            await write(store, settled(1, one, DONE), begun(2, two), returned(three))
        assert await states(database) == before
        assert [row[1:3] for row in await attempts(database)] == [(1, 7)]
        assert await open_calls(database) == [2]
        with pytest.raises(EpochLost):
            await write(store, settled(1, one, DONE), begun(2, two), returned(three))
    assert len(await attempts(database)) == 1


async def test_claims_of_an_epoch_that_was_lost_are_ended_by_the_next_start(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        one, two = (chain.records[0] for chain in (await claim(store)).chains)
        await write(store, begun(1, one), settled(1, one, DONE), begun(2, two))
    async with opened(database) as store:
        assert (store.found.returned, store.found.stale) == (0, 1)
    found = await states(database)
    assert [found[n].status for n in (1, 2)] == [UPDATED, READY]
    assert RETRIEVED not in {state.status for state in found.values()}
