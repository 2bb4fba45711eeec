"""Records that are added and cancelled one by one, beside whoever dials."""

import pytest

from outdial.calling_lists import ListedRecord
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.store.single_records import Cancelling, Consent, Consenting, NewRecord, RecordRefused
from outdial.store.stored import Import
from store.contract.story import (
    CANCELLED,
    CHAIN_UPDATED,
    DONE,
    NEXT_IN_CHAIN,
    NOW,
    READY,
    RETRIEVED,
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
    returned,
    settled,
    states,
    write,
)

LAST_ID = 100_000_000


def new(number: str, list_id: int = 1, *, record_id: int = 0, chain: tuple[int, int] = (0, 0), **wishes) -> NewRecord:
    record = Record(record_id or 1, list_id, number, *chain)
    return NewRecord(ListedRecord(record, (("name", "Ann"),), "C-1"), bool(record_id), **wishes)


async def refusal(store, record: NewRecord) -> str:
    with pytest.raises(RecordRefused) as refused:
        await store.add_record(record)
    return str(refused.value)


async def cancel(store, record_id: int) -> Cancelling:
    return await store.cancel_record(record_id, NOW)


async def statuses(database) -> dict[int, tuple]:
    return {record_id: (state.status, state.due_utc_ms) for record_id, state in (await states(database)).items()}


# --- adding ------------------------------------------------------------------------------------------------------


async def test_a_record_is_added_behind_the_others_and_claimed(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        assert await store.add_record(new("+15559999999")) == 4
        assert ids(await claim(store)) == [[1], [2], [3], [4]]
        [stored] = await store.find_records(4, ())
        assert (stored.fate.number, stored.custom) == ("+15559999999", {"name": "Ann"})
        assert await database.ask("SELECT customer_id FROM records WHERE record_id = 4") == [("C-1",)]


async def test_the_first_record_of_a_list_begins_its_block(database):
    async with opened(database) as store:
        assert await store.add_record(new("+15559999999", 3)) == 2 * LAST_ID + 1
        assert await store.add_record(new("+15559999998", 3, record_id=2 * LAST_ID + 700)) == 2 * LAST_ID + 700
        assert await store.add_record(new("+15559999997", 3)) == 2 * LAST_ID + 701


async def test_a_record_waits_until_it_is_due(database):
    async with opened(database) as store:
        await store.add_record(new("+15559999999", due_utc_ms=NOW + 5))
        assert (await claim(store)).next_due_utc_ms == NOW + 5
        assert ids(await claim(store, utc_ms=NOW + 5)) == [[1]]


async def test_what_the_list_has_is_refused(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        assert await refusal(store, new("+15550000002")) == "+15550000002 is in the list already: record 2"
        assert await refusal(store, new("+15559999999", record_id=3)) == "record_id 3 is in the list already"
        await store.add_record(new("+15550000002", 2))


async def test_used_up_numbers_are_refused(database):
    async with opened(database) as store:
        await add(store, listed(LAST_ID))
        assert "used up" in await refusal(store, new("+15559999999"))


async def test_a_list_whose_file_was_not_read_to_its_end_is_refused(database):
    async with opened(database) as store:
        await store.add_records(Import(1, "leads.csv", "digest", 1, 1), [listed(1)])
        assert await refusal(store, new("+15559999999")) == "leads.csv was not read to its end; do that first"


async def test_a_number_is_added_to_a_customer_who_waits(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        assert await store.add_record(new("+15559999999", chain=(7, 0))) == 3
        assert ids(await claim(store)) == [[1, 2, 3]]
        [stored] = await store.find_records(3, ())
        assert stored.fate.chain_n == 2


async def test_a_number_is_added_to_a_customer_who_is_done(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        await write(store, settled(1, (await claim_one(store))[0], DONE))
        await store.add_record(new("+15559999999", chain=(7, 0), due_utc_ms=NOW))
        assert ids(await claim(store)) == [[3]]


async def test_a_customer_with_a_server_is_left_alone(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        await claim(store)
        assert "a server has chain 7 at the moment" in await refusal(store, new("+15559999999", chain=(7, 0)))


async def test_places_in_a_chain_ascend(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        wrong = new("+15559999999", chain=(7, 1), has_place=True)
        assert await refusal(store, wrong) == "chain 7 has records up to chain_n 1; a new one comes behind them"
        assert "waits already" in await refusal(store, new("+15559999999", chain=(7, 0), due_utc_ms=NOW))
        await store.add_record(new("+15559999999", chain=(7, 9), has_place=True))
        await store.add_record(new("+15559999998", chain=(8, 0)))
        assert ids(await claim(store)) == [[1, 2, 3], [4]]


# --- cancelling --------------------------------------------------------------------------------------------------


async def test_a_record_that_waits_is_cancelled_at_once(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        assert await cancel(store, 1) is Cancelling.DONE
        assert await cancel(store, 1) is Cancelling.OVER
        assert await cancel(store, 77) is Cancelling.OVER
        assert ids(await claim(store)) == [[2]]
        state = (await states(database))[1]
        assert (state.status, state.call_result) == (CANCELLED, CallResult.CANCEL_RECORD)


@pytest.mark.parametrize("which, rest", [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])])
async def test_the_rest_of_the_chain_waits_on(database, which, rest):
    async with opened(database) as store:
        await add_chain(store, 3)
        assert await cancel(store, which) is Cancelling.DONE
        assert ids(await claim(store)) == [rest]


async def test_a_chain_without_any_record_left_is_over(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        for record_id in (2, 1):
            await cancel(store, record_id)
        claimed = await claim(store)
        assert (claimed.chains, claimed.next_due_utc_ms) == ((), None)


async def test_a_claimed_record_is_told_of_and_cancelled_when_it_comes_back(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        [record] = await claim_one(store)
        assert await cancel(store, 1) is Cancelling.CLAIMED
        assert (await store.objections(0, NOW)).cancelled == ((1, 1),)
        await write(store, returned(record))
        assert (await statuses(database))[1] == (CANCELLED, None)
        assert (await store.objections(0, NOW)).cancelled == ()


async def test_a_call_goes_on_and_is_the_last_one(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, begun(1, record))
        assert await cancel(store, 1) is Cancelling.CLAIMED
        await write(store, settled(1, record, RETRY_IN, not_before=NOW + 5))
        state = (await states(database))[1]
        assert (state.status, state.attempts, state.call_result) == (CANCELLED, 1, CallResult.CANCEL_RECORD)
        assert state.due_utc_ms is None


async def test_a_call_that_reached_somebody_is_what_counts(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await cancel(store, 1)
        await write(store, settled(1, record, DONE, result=CallResult.ANSWER))
        state = (await states(database))[1]
        assert (state.status, state.call_result) == (UPDATED, CallResult.ANSWER)


@pytest.mark.parametrize(
    "action, found",
    [
        (RETRY_IN, {1: (READY, NOW + 5), 2: (CANCELLED, None), 3: (READY, None)}),
        (NEXT_IN_CHAIN, {1: (UPDATED, None), 2: (CANCELLED, None), 3: (READY, NOW + 5)}),
        (DONE, {1: (UPDATED, None), 2: (CHAIN_UPDATED, None), 3: (CHAIN_UPDATED, None)}),
    ],
)
async def test_another_record_of_a_claimed_chain(database, action, found):
    async with opened(database) as store:
        await add_chain(store, 3)
        [record, *_] = await claim_one(store)
        assert await cancel(store, 2) is Cancelling.CLAIMED
        await write(store, settled(1, record, action, not_before=NOW + 5, next_id=2))
        assert await statuses(database) == found


async def test_what_a_crash_leaves_is_cancelled_by_the_next_start(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await claim(store)
        await cancel(store, 1)
        assert (await statuses(database))[1] == (RETRIEVED, None)
    async with opened(database, utc_ms=NOW + 1) as store:
        assert (await statuses(database))[1] == (CANCELLED, None)
        assert ids(await claim(store)) == [[2]]


async def test_a_record_that_is_made_ready_again_is_wanted_again(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await cancel(store, 1)
        await write(store, returned(record))
        assert await store.reset(1, (CANCELLED,)) == 1
        await write(store, returned(await first_claimed(store)))
        assert (await statuses(database))[1] == (READY, 0)


async def first_claimed(store) -> Record:
    return (await claim_one(store))[0]


# --- consents ----------------------------------------------------------------------------------------------------

C = Consenting


async def consents(store, *record_ids: int, ready: bool = True) -> list[Consenting]:
    given = [Consent(record_id, f"form {record_id}", NOW, ready) for record_id in record_ids]
    return list(await store.consent(given))


async def refused(store, count: int) -> list[Record]:
    """Claim chains and cancel all their records, as rules do."""
    found = [record for chain in (await claim(store, count)).chains for record in chain.records]
    await write(store, *(cancelled(record, CallResult.CANCEL_RECORD) for record in found))
    return found


async def test_a_consent_that_comes_later_counts_from_then_on(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        assert await consents(store, 2, 9) == [C.SET, C.MISSING]
        given = {chain.records[0].record_id: chain.records[0] for chain in (await claim(store)).chains}
        assert [(each.consent, each.consent_utc_ms) for each in given.values()] == [("", None), ("form 2", NOW)]
        assert await consents(store, 1) == [C.CLAIMED]
        await write(store, returned(given[1]))
        assert (await claim_one(store))[0].consent == "form 1"
        assert await store.consent([Consent(1, "letter", None), Consent(1, "newer", NOW + 1)]) == (C.CLAIMED,) * 2
        [stored] = await store.find_records(1, ())
        assert (stored.consent, stored.consent_utc_ms) == ("newer", NOW + 1)


async def test_a_record_that_was_refused_for_want_of_one_is_ready_again_if_that_is_wanted(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        await refused(store, 3)
        await store.cancel_record(3, NOW)
        assert await consents(store, 1, ready=False) == [C.OVER]
        assert ids(await claim(store)) == []
        assert await consents(store, 1, 2) == [C.READY, C.READY]
        assert sorted(ids(await claim(store))) == [[1], [2]]


async def test_who_was_cancelled_or_forbidden_by_others_stays_so(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        await cancel(store, 1)
        [[two], [three]] = [chain.records for chain in (await claim(store)).chains]
        await write(store, cancelled(two, CallResult.DO_NOT_CALL), settled(1, three, DONE))
        assert await consents(store, 1, 2, 3) == [C.OVER] * 3
        assert ids(await claim(store)) == []


async def test_in_a_chain_it_takes_its_place_again(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await refused(store, 1)
        assert await consents(store, 2) == [C.READY]
        assert await consents(store, 3, 1) == [C.READY, C.READY]
        assert await statuses(database) == {1: (READY, 0), 2: (READY, None), 3: (READY, None)}
        [chain] = ids(await claim(store))
        assert chain == [1, 2, 3]
        assert await consents(store, 2) == [C.CLAIMED]


async def test_a_customer_who_was_reached_is_not_called_again(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        [first, second, _] = (await claim(store)).chains[0].records
        await write(store, cancelled(first, CallResult.CANCEL_RECORD), settled(1, second, DONE))
        assert await consents(store, 1) == [C.OVER]
        assert await statuses(database) == {1: (CANCELLED, None), 2: (UPDATED, None), 3: (CHAIN_UPDATED, None)}
