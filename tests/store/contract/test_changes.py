"""What comes of claimed records: settled, returned, cancelled, each exactly once."""

from outdial.core.results import CallResult, Verdict
from outdial.store.interface import AttemptBegun
from store.contract.story import (
    CANCELLED,
    CHAIN_UPDATED,
    DONE,
    NEXT_IN_CHAIN,
    NOW,
    READY,
    REDIAL,
    RETRIEVED,
    RETRY_IN,
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

CALLED = CallResult.NO_ANSWER
NEW = CallResult.UNKNOWN
FOREVER = NOW * 2


async def calls(database, table="attempts"):
    return sorted(row[0] for row in await database.ask(f"SELECT call_id FROM {table}"))


# --- settled -----------------------------------------------------------------------------------------------------


async def test_a_finished_record_does_not_come_back(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, settled(1, record, DONE, result=CallResult.ANSWER, agent_id=5))
        assert (await claim(store, utc_ms=FOREVER)).chains == ()
        [fate] = await store.fates(1, 0, 10)
    assert (fate.status, fate.call_result, fate.attempts) == (UPDATED, CallResult.ANSWER, 1)
    assert (fate.agent_id, fate.last_attempt_utc_ms) == (5, NOW)
    assert await states(database) == {1: State(UPDATED, 1, CallResult.ANSWER, 0, None, False)}


async def test_a_retry_waits_and_remembers_its_history(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        history = ((CALLED, 1),)
        await write(store, settled(1, record, RETRY_IN, not_before=NOW + 700, history=history, agent_id=5))
        assert await states(database) == {1: State(READY, 1, CALLED, 1, NOW + 700, False)}
        [again] = await claim_one(store, NOW + 700)
        assert (again.attempts, again.history) == (1, history)
        await write(store, settled(2, again, DONE))
    rows = await database.ask("SELECT attempts, treatments, agent_id FROM records")
    assert list(map(tuple, rows)) == [(2, None, None)]  # an agent is that of the last attempt


async def test_a_redial_goes_before_what_is_new(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        [record] = await claim_one(store)
        await write(store, settled(1, record, REDIAL))
        assert ids(await claim(store)) == [[1], [2], [3]]


async def test_the_chain_goes_on_with_its_next_record(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await add_singles(store, 1, first=9)
        first, second, _ = await claim_one(store)
        await write(store, settled(1, first, NEXT_IN_CHAIN, next_id=second.record_id))
        found = await states(database)
        assert found[1] == State(UPDATED, 1, CALLED, 0, None, False)
        assert found[2] == State(READY, 0, NEW, 1, 0, False)
        assert found[3] == State(READY, 0, NEW, 0, None, False)
        assert ids(await claim(store)) == [[2, 3], [9]]


async def test_the_chain_ends_behind_its_last_record(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        first, second = await claim_one(store)
        await write(store, settled(1, first, NEXT_IN_CHAIN, next_id=2))
        await claim(store)
        await write(store, settled(2, second, NEXT_IN_CHAIN))
        assert (await claim(store, utc_ms=FOREVER)).chains == ()
    assert [state.status for state in (await states(database)).values()] == [UPDATED, UPDATED]


async def test_a_chain_that_reached_somebody_is_finished(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, *_ = await claim_one(store)
        await write(store, settled(1, first, DONE, result=CallResult.ANSWER))
        assert (await claim(store, utc_ms=FOREVER)).chains == ()
    found = await states(database)
    assert [found[n].status for n in (1, 2, 3)] == [UPDATED, CHAIN_UPDATED, CHAIN_UPDATED]


async def test_a_retry_in_the_middle_of_a_chain_comes_with_the_rest(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, second, _ = await claim_one(store)
        await write(store, settled(1, first, NEXT_IN_CHAIN, next_id=2))
        await claim(store)
        await write(store, settled(2, second, RETRY_IN, not_before=NOW + 5))
        assert ids(await claim(store, utc_ms=NOW + 5)) == [[2, 3]]


async def test_an_attempt_is_written_down_with_everything_about_it(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, begun(4, record))
        assert await calls(database, "open_attempts") == [4]
        change = settled(4, record, RETRY_IN, not_before=NOW + 9, verdict=Verdict.MACHINE, agent_id=3)
        await write(store, change)
        rows = await database.ask(
            "SELECT epoch, call_id, group_id, node_id, list_id, record_id, number, attempt_n, mode, call_result, fault,"
            " verdict, sip_status, q850_cause, agent_id, dialed_utc_ms, ring_ms, wait_ms, talk_ms, disposition,"
            " not_before_utc_ms FROM attempts"
        )
        assert list(map(tuple, rows)) == [
            (store.found.epoch, 4, 1, 101, 1, 1, record.number, 1, "predictive", 7, "callee")
            + ("machine", 486, None, 3, NOW, 11_000, 120, 0, "retry-in", NOW + 9)
        ]
    assert await calls(database, "open_attempts") == []


# --- returned ----------------------------------------------------------------------------------------------------


async def test_what_is_returned_can_be_claimed_again_as_if_nothing_had_been(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        before = await states(database)
        records = [chain.records[0] for chain in (await claim(store)).chains]
        await write(store, *map(returned, records))
        assert await states(database) == before
        assert ids(await claim(store)) == [[1], [2]]


async def test_what_is_returned_may_have_to_wait_and_keeps_its_priority(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await database.ask("UPDATE records SET priority = 2 WHERE record_id = 2")
        records = [chain.records[0] for chain in (await claim(store)).chains]
        await write(store, *(returned(record, NOW + 40) for record in records))
        assert (await claim(store, utc_ms=NOW + 39)).chains == ()
        assert ids(await claim(store, utc_ms=NOW + 40)) == [[2], [1]]


async def test_a_chain_is_returned_whole(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, *_ = await claim_one(store)
        await write(store, returned(first))
        assert {state.status for state in (await states(database)).values()} == {READY}
        assert ids(await claim(store)) == [[1, 2, 3]]


# --- cancelled ---------------------------------------------------------------------------------------------------


async def test_a_cancelled_record_does_not_come_back(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, cancelled(record))
        assert (await claim(store, utc_ms=FOREVER)).chains == ()
        [fate] = await store.fates(1, 0, 10)
    assert (fate.status, fate.call_result, fate.attempts) == (CANCELLED, CallResult.DO_NOT_CALL, 0)
    assert await states(database) == {1: State(CANCELLED, 0, CallResult.DO_NOT_CALL, 0, None, False)}


async def test_a_cancelled_head_leaves_the_rest_of_its_chain_claimed(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, second, _ = await claim_one(store)
        await write(store, cancelled(first))
        found = await states(database)
        assert found[2] == State(RETRIEVED, 0, NEW, 0, None, True)
        assert (await claim(store)).chains == ()
        await write(store, returned(second))
        assert ids(await claim(store)) == [[2, 3]]


async def test_after_a_cancelled_head_the_next_record_may_be_dialed(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, second, third = await claim_one(store)
        await write(store, cancelled(first))
        await write(store, begun(1, second))
        await write(store, settled(1, second, NEXT_IN_CHAIN, next_id=third.record_id))
        assert ids(await claim(store)) == [[3]]
    found = await states(database)
    assert [found[n].status for n in (1, 2, 3)] == [CANCELLED, UPDATED, RETRIEVED]


async def test_a_cancelled_record_in_the_middle_is_passed_over(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        first, second, _ = await claim_one(store)
        await write(store, cancelled(second))
        await write(store, settled(1, first, NEXT_IN_CHAIN, next_id=3))
        assert ids(await claim(store)) == [[3]]


async def test_a_chain_all_of_whose_records_are_cancelled_is_over(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        first, second = await claim_one(store)
        await write(store, cancelled(second), cancelled(first))
        assert not any(state.is_claimed for state in (await states(database)).values())
        assert (await claim(store, utc_ms=FOREVER)).chains == ()


# --- order, repetition, strays -----------------------------------------------------------------------------------


async def test_changes_to_one_chain_are_made_in_their_order(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await add_singles(store, 1, first=9)
        chains = (await claim(store)).chains
        first, second, _ = chains[0].records
        [single] = chains[1].records
        await write(
            store,
            begun(1, single),
            cancelled(first),
            begun(2, second),
            settled(1, single, RETRY_IN, not_before=NOW + 3),
            settled(2, second, NEXT_IN_CHAIN, next_id=3),
        )
        assert await calls(database, "open_attempts") == []
        assert ids(await claim(store, utc_ms=NOW + 3)) == [[3], [9]]


async def test_writing_again_changes_nothing(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await add_singles(store, 4, first=11)
        records = {chain.records[0].record_id: chain.records for chain in (await claim(store)).chains}
        changes = [
            begun(1, records[1][0]),
            settled(1, records[1][0], NEXT_IN_CHAIN, next_id=2),
            begun(2, records[11][0]),
            settled(2, records[11][0], RETRY_IN, not_before=NOW + 3),
            returned(records[12][0], NOW + 4),
            cancelled(records[13][0]),
            begun(3, records[14][0]),
        ]
        await write(store, *changes)
        once = await states(database)
        await write(store, *changes)
        assert await states(database) == once
        await write(store, *changes, *changes)
    assert await states(database) == once
    assert await calls(database) == [1, 2]
    assert await calls(database, "open_attempts") == [3]
    assert once[11].attempts == 1


async def test_an_attempt_that_has_been_settled_does_not_begin_again(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, begun(1, record))
        await write(store, settled(1, record))
        await write(store, begun(1, record))
    assert await calls(database, "open_attempts") == []


async def test_nothing_to_write_is_nothing(database):
    async with opened(database) as store:
        await store.write([])


async def test_strays_change_no_record(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await add_chain(store, 2, first=5)
        before = await states(database)
        one, two = listed(1).record, listed(2).record
        unknown = listed(99).record
        await write(store, returned(one, NOW + 5), cancelled(two), settled(1, one), settled(2, unknown))
        await write(store, returned(unknown), cancelled(unknown), returned(listed(5, chain=(7, 0)).record))
        assert await states(database) == before
    assert await calls(database) == [1, 2]  # what was dialed was dialed


async def test_a_record_that_is_finished_is_no_longer_changed(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        first, second = await claim_one(store)
        await write(store, settled(1, first, DONE))
        finished = await states(database)
        await write(store, returned(first), cancelled(second), settled(2, first, RETRY_IN, not_before=NOW))
        assert await states(database) == finished


async def test_a_thousand_changes_in_one_transaction(database):
    async with opened(database) as store:
        await add_singles(store, 500)
        records = [chain.records[0] for chain in (await claim(store, 500)).chains]
        changes: list = [begun(n, record) for n, record in enumerate(records)]
        changes += [settled(n, record, RETRY_IN, not_before=NOW + n) for n, record in enumerate(records)]
        assert isinstance(changes[0], AttemptBegun)
        await store.write(changes)
        assert len((await claim(store, 1_000, NOW + 499)).chains) == 500
    assert len(await calls(database)) == 500
