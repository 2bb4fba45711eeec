"""Records of one group or one agent, what comes of agents' words, and the order of types."""

from dataclasses import replace
from typing import Any

from outdial.core.commands import DisposeRecord, Disposition, TreatRecord
from outdial.core.records import Priority, Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.sim.lists import RecordStatus
from outdial.store.claims import CallbackRequest
from outdial.store.interface import Store
from store.contract.story import (
    CHAIN_UPDATED,
    DONE,
    NEXT_IN_CHAIN,
    NOW,
    READY,
    RETRY_IN,
    UPDATED,
    add_chain,
    add_singles,
    claim,
    claim_one,
    ids,
    opened,
    returned,
    settled,
    states,
    write,
)

A, R, T = TreatmentAction, CallResult, RecordType
HOUR_MS = 3_600_000


def callback(agent_id: int | None = 5, not_before: int = NOW + HOUR_MS, group_id: int = 1, **rest: Any) -> Disposition:
    """The customer wants to be called back."""
    record_type = T.CAMPAIGN_CALLBACK if agent_id is None else T.PERSONAL_CALLBACK
    return Disposition(A.RESCHEDULE, not_before, None, (), group_id, record_type, agent_id, **rest)


def word(
    record: Record, disposition: Disposition, n: int = 1, call_id: int = 1, result: CallResult = R.ANSWER
) -> DisposeRecord:
    """An agent says something of the call that was settled."""
    attempt_n = record.attempts + 1
    return DisposeRecord(n, call_id, record.list_id, record.record_id, attempt_n, 5, result, disposition, "a note", NOW)


async def callbacks(
    store: Store, *agent_ids: int, utc_ms: int = NOW + HOUR_MS, overdue: int = 0, group_id: int = 1, count: int = 10
) -> Any:
    """Claim what waits for agents."""
    return await store.claim(CallbackRequest(group_id, (1,), agent_ids, overdue, count, utc_ms))


async def settled_with(store: Store, disposition: Disposition, call_id: int = 1) -> Record:
    """Claim one record and settle it so."""
    [record, *_] = await claim_one(store)
    await write(store, replace(settled(call_id, record, result=R.ANSWER), disposition=disposition))
    return record


# --- groups and order ---------------------------------------------------------------------------------------------


async def test_a_record_given_to_a_group_is_claimed_by_that_one_alone(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await settled_with(store, Disposition(A.ASSIGN_TO_GROUP, group_id=7))
        assert ids(await claim(store)) == [[2]]
        assert (await claim(store)).next_due_utc_ms is None
        assert ids(await claim(store, group_id=7)) == [[1]]


async def test_the_customers_other_numbers_go_with_it(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await settled_with(store, Disposition(A.ASSIGN_TO_GROUP, group_id=7))
        [chain] = (await claim(store, group_id=7)).chains
        assert [each.record_id for each in chain.records] == [1, 2, 3]
        await write(store, settled(2, chain.records[0], NEXT_IN_CHAIN, next_id=2))
        assert ids(await claim(store)) == []
        assert ids(await claim(store, group_id=7)) == [[2, 3]]


async def test_what_goes_first_is_the_claims_affair(database):
    orders = [
        ((Priority.CALLBACK, Priority.RESCHEDULED, Priority.CAME_BACK, Priority.NEW), [2, 1, 3, 4]),
        ((Priority.NEW, Priority.CAME_BACK, Priority.RESCHEDULED, Priority.CALLBACK), [4, 3, 1, 2]),
    ]
    async with opened(database) as store:
        await add_singles(store, 4)
        rescheduled = Disposition(A.RESCHEDULE, record_type=T.CAMPAIGN_RESCHEDULED)
        for call_id, disposition in enumerate((rescheduled, callback(None, NOW), Disposition(A.REDIAL)), 1):
            [chain] = (await claim(store, 1, priorities=orders[1][0])).chains
            await write(store, replace(settled(call_id, chain.records[0]), disposition=disposition))
        for order, expected in orders:
            claimed = await claim(store, priorities=order)
            assert ids(claimed) == [[record_id] for record_id in expected]
            await write(store, *(returned(chain.records[0]) for chain in claimed.chains))


# --- callbacks ----------------------------------------------------------------------------------------------------


async def test_a_campaign_callback_is_claimed_by_its_group_when_it_is_due_and_at_its_number(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback(None, number="+15559999"))
        assert ids(await claim(store)) == []
        assert ids(await claim(store, utc_ms=NOW + HOUR_MS, group_id=2)) == []
        [record] = (await claim(store, utc_ms=NOW + HOUR_MS)).chains[0].records
        assert (record.number, record.record_type, record.group_id) == ("+15559999", T.CAMPAIGN_CALLBACK, 1)


async def test_a_callback_is_found_by_its_number_wherever_it_is(database):
    async def found(*numbers: str) -> list[tuple[int, str | None]]:
        return [(each.fate.record_id, each.callback_number) for each in await store.find_records(0, numbers)]

    async with opened(database) as store:
        await add_singles(store, 3)
        await settled_with(store, callback(None, number="+15559999"))
        assert await found("15559999", "+15559999") == [(1, "+15559999")]
        assert await found("+15550000001") == [(1, "+15559999")], "by its own, too"
        assert await found("+15559999", "+15550000001", "+15550000003") == [(1, "+15559999"), (3, None)]
        [record] = (await claim(store, 1, utc_ms=NOW + HOUR_MS)).chains[0].records
        assert await found("+15559999") == [(1, "+15559999")], "a server has it"
        await write(store, settled(2, record, DONE))
        assert await found("+15559999") == [(1, "+15559999")], "it is over, and says so"


async def test_a_personal_callback_is_claimed_for_its_agent_alone(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback())
        early = await callbacks(store, 5, utc_ms=NOW)
        assert (early.chains, early.next_due_utc_ms) == ((), NOW + HOUR_MS)
        assert ids(await claim(store, utc_ms=NOW + 9 * HOUR_MS)) == []
        assert ids(await callbacks(store, 6)) == []
        assert ids(await callbacks(store, 5, group_id=2)) == []
        [record] = (await callbacks(store, 4, 5)).chains[0].records
        assert (record.agent_id, record.record_type, record.scheduled_utc_ms) == (5, T.PERSONAL_CALLBACK, NOW + HOUR_MS)


async def test_an_overdue_one_is_claimed_whoever_it_waits_for(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback())
        later = NOW + 2 * HOUR_MS
        assert ids(await callbacks(store, utc_ms=later, overdue=NOW + HOUR_MS - 1)) == []
        assert ids(await callbacks(store, utc_ms=later, overdue=NOW + HOUR_MS)) == [[1]]


async def test_the_longest_due_come_first_and_no_more_than_wanted(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        for call_id, minutes in enumerate((3, 1, 2), 1):
            await settled_with(store, callback(not_before=NOW + minutes * 60_000), call_id)
        assert ids(await callbacks(store, 5, count=2)) == [[2], [3]]
        assert ids(await callbacks(store, 5)) == [[1]]


async def test_one_that_is_given_back_waits_since_it_was_due_unless_it_is_put_off(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback())
        [record] = (await callbacks(store, 5)).chains[0].records
        await write(store, returned(record))
        [record] = (await callbacks(store, 5)).chains[0].records
        assert record.scheduled_utc_ms == NOW + HOUR_MS
        await write(store, returned(record, NOW + 2 * HOUR_MS))
        assert ids(await callbacks(store, 5)) == []
        [record] = (await callbacks(store, 5, utc_ms=NOW + 3 * HOUR_MS)).chains[0].records
        assert record.scheduled_utc_ms == NOW + 2 * HOUR_MS


async def test_a_start_ends_the_claim_and_keeps_the_callback(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback())
        await callbacks(store, 5)
    async with opened(database) as store:
        [record] = (await callbacks(store, 5)).chains[0].records
        assert record.scheduled_utc_ms == NOW + HOUR_MS


async def test_a_callback_that_is_not_reached_is_still_one(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback())
        [record] = (await callbacks(store, 5)).chains[0].records
        await write(store, settled(2, record, RETRY_IN, not_before=NOW + 2 * HOUR_MS))
        assert ids(await claim(store, utc_ms=NOW + 9 * HOUR_MS)) == []
        assert ids(await callbacks(store, 5, utc_ms=NOW + 2 * HOUR_MS)) == [[1]]


async def test_a_missed_callback_becomes_its_groups_or_is_marked_as_missed(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        for call_id in (1, 2):
            await settled_with(store, callback(), call_id)
        [first, second] = [chain.records[0] for chain in (await callbacks(store, 5)).chains]
        error = R.AGENT_CALLBACK_ERROR
        await write(
            store,
            TreatRecord(1, first.record_id, error, Disposition(A.ASSIGN_TO_GROUP, group_id=1)),
            TreatRecord(1, second.record_id, error, Disposition(A.DONE)),
        )
        [record] = (await claim(store)).chains[0].records
        assert (record.record_type, record.agent_id) == (T.CAMPAIGN_CALLBACK, None)
    state = (await states(database))[second.record_id]
    assert (state.status, state.call_result, state.attempts) == (RecordStatus.MISSED_CALLBACK, error, 1)


async def test_callbacks_that_their_own_group_leaves_alone_are_for_whoever_asks(database):
    """Records 1 to 5: personal and campaign callbacks of group 7, a campaign one of group 8, one of the group that
    asks, and one that is no callback and is kept for group 7."""
    of_groups = [callback(5, NOW, 7), callback(None, NOW + 1, 7), callback(None, NOW, 8), callback(None, NOW, 1)]
    async with opened(database) as store:
        await add_singles(store, 6)
        for chain in (await claim(store, 5)).chains:
            [record] = chain.records
            disposition = [*of_groups, Disposition(A.ASSIGN_TO_GROUP, group_id=7)][record.record_id - 1]
            await write(store, replace(settled(record.record_id, record), disposition=disposition))

        async def left(since: int, *running: int, count: int = 9, lists: tuple[int, ...] = (1,)) -> list[list[int]]:
            found = await store.claim(CallbackRequest(1, lists, (), 0, count, NOW + HOUR_MS, since, running))
            for chain in found.chains:
                await write(store, returned(chain.records[0]))
            return ids(found)

        assert await left(0) == await left(NOW - 1) == await left(NOW + 9, 7, 8) == await left(NOW, lists=(2,)) == []
        assert await left(NOW, 1) == [[1], [3]]
        assert await left(NOW + 1, 8) == [[1], [2]], "returning it to be claimed at once has not made it younger"
        assert await left(NOW + 9, count=1) == [[1]]
        [one, two, three] = (await store.claim(CallbackRequest(1, (1,), (), 0, 9, NOW, NOW + 9, (1,)))).chains
        give, error = Disposition(A.ASSIGN_TO_GROUP, NOW, group_id=1), R.GROUP_CALLBACK_ERROR
        await write(
            store,
            *[TreatRecord(1, chain.records[0].record_id, error, give) for chain in (one, two)],
            TreatRecord(1, three.records[0].record_id, error, Disposition(A.DONE)),
        )
        given = [chain.records[0] for chain in (await claim(store, 3)).chains]
        assert {each.record_id for each in given} == {1, 2, 4}
        assert {each.record_type for each in given} == {T.CAMPAIGN_CALLBACK}
        assert ids(await claim(store, group_id=7)) == [[5], [6]]
    state = (await states(database))[3]
    assert (state.status, state.call_result, state.attempts) == (RecordStatus.MISSED_CALLBACK, error, 1)


async def test_a_treatment_puts_a_personal_one_off_for_its_agent(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, callback())
        [record] = (await callbacks(store, 5)).chains[0].records
        put_off = Disposition(A.RESCHEDULE, NOW + 3 * HOUR_MS, record_type=T.PERSONAL_RESCHEDULED)
        await write(store, replace(settled(2, record), disposition=put_off))
        [record] = (await callbacks(store, 5, utc_ms=NOW + 3 * HOUR_MS)).chains[0].records
        assert (record.record_type, record.agent_id) == (T.PERSONAL_RESCHEDULED, 5)


async def test_a_record_that_must_not_be_called_is_not_handed_out(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await database.ask("UPDATE records SET record_type = 7 WHERE record_id = 1")
        assert ids(await claim(store)) == [[2]]
        assert (await claim(store)).next_due_utc_ms is None


async def test_a_list_that_begins_anew_forgets_callbacks_and_groups(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await settled_with(store, Disposition(A.ASSIGN_TO_GROUP, group_id=7))
        [chain] = (await claim(store, group_id=7)).chains
        await write(store, settled(2, chain.records[0], DONE))
        assert await store.reset(1, [UPDATED]) == 1
        assert ids(await claim(store)) == [[1]]


# --- agents' words ------------------------------------------------------------------------------------------------


async def test_a_word_after_the_call_changes_the_record(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        record = await settled_with(store, Disposition(A.DONE))
        await write(store, word(record, callback(), result=R.WRONG_PARTY))
        state = (await states(database))[1]
        assert (state.status, state.call_result, state.attempts) == (READY, R.WRONG_PARTY, 1)
        assert ids(await callbacks(store, 5)) == [[1]]
    [row] = await database.ask("SELECT call_id, agent_id, call_result, disposition, note FROM dispositions")
    assert tuple(row) == (1, 5, R.WRONG_PARTY, "reschedule", "a note")


async def test_words_are_read_in_the_order_in_which_they_were_given(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        record = await settled_with(store, Disposition(A.DONE))
        wanted = replace(callback(number="+15550111"), not_before_utc_ms=NOW + HOUR_MS)
        await write(store, replace(word(record, Disposition(A.DONE), 2), given_utc_ms=NOW + 5, note=""))
        await write(store, word(record, wanted, 1, result=R.WRONG_PARTY))
        first, second = await store.words(record.record_id)
        assert await store.words(2) == ()
    assert (first.agent_id, first.call_result, first.note, first.given_utc_ms) == (5, R.WRONG_PARTY, "a note", NOW)
    assert (first.record_type, first.callback_number) == (T.PERSONAL_CALLBACK, "+15550111")
    assert (first.disposition, first.not_before_utc_ms) == ("reschedule", NOW + HOUR_MS)
    assert (second.disposition, second.record_type, second.callback_number, second.note) == ("done", None, "", "")


async def test_a_word_wakes_the_chain_that_its_call_had_ended(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        record = await settled_with(store, Disposition(A.DONE))
        assert {state.status for state in (await states(database)).values()} == {UPDATED, CHAIN_UPDATED}
        await write(store, word(record, Disposition(NEXT_IN_CHAIN, next_record_id=2), result=R.WRONG_NUMBER))
        assert ids(await claim(store)) == [[2, 3]]


async def test_a_word_ends_the_chain_that_its_call_had_sent_on(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        record = await settled_with(store, Disposition(NEXT_IN_CHAIN, next_record_id=2))
        await write(store, word(record, Disposition(DONE), result=R.DO_NOT_CALL))
        assert ids(await claim(store)) == []
        assert {record_id: state.status for record_id, state in (await states(database)).items()} == {
            1: UPDATED,
            2: CHAIN_UPDATED,
            3: CHAIN_UPDATED,
        }


async def test_a_word_that_comes_too_late_is_kept_and_changes_nothing(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        record = await settled_with(store, Disposition(RETRY_IN))
        [chain] = (await claim(store)).chains
        await write(store, word(record, Disposition(DONE)))
        before = await states(database)
        await write(store, settled(2, chain.records[0], RETRY_IN))
        await write(store, word(record, Disposition(DONE), 2))
        after = await states(database)
    assert all(state.status is RecordStatus.RETRIEVED for state in before.values())
    assert after[1].status is READY
    assert [tuple(row) for row in await database.ask("SELECT disposition_n FROM dispositions")] == [(1,), (2,)]


async def test_a_word_that_is_written_twice_is_followed_once(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        record = await settled_with(store, Disposition(A.DONE))
        await write(store, word(record, Disposition(A.REDIAL)))
        [chain] = (await claim(store)).chains
        await write(store, returned(chain.records[0], NOW + HOUR_MS))
        await write(store, word(record, Disposition(A.REDIAL)))
        assert ids(await claim(store)) == []


async def test_the_settlement_and_the_word_in_one_go(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        wanted = callback()
        await write(store, replace(settled(1, record, result=R.ANSWER), disposition=wanted), word(record, wanted))
        assert ids(await callbacks(store, 5)) == [[1]]
