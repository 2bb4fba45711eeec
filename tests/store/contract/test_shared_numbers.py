"""One number in several records: while a call to it may still be up, none of them is dialed."""

import dataclasses

from outdial.calling_lists import ListedRecord
from store.contract.story import NOW, STALE_MS, add, begun, claim, claim_one, ids, listed, opened, states, write

LATER = NOW + 60_000
STALE_UNTIL = LATER + STALE_MS


def with_number_of(record_id: int, other: ListedRecord) -> ListedRecord:
    """A record with the number of another one."""
    own = listed(record_id)
    return ListedRecord(dataclasses.replace(own.record, number=other.record.number), ())


async def test_other_records_with_the_number_of_a_stale_call_wait_as_well(database):
    first = listed(1)
    async with opened(database) as store:
        await add(store, first, with_number_of(2, first), with_number_of(3, first), listed(4))
        record, _ = (*(await claim_one(store)), *(await claim_one(store)))
        await write(store, begun(1, record))
    async with opened(database, utc_ms=LATER) as store:
        assert (store.found.returned, store.found.stale) == (1, 1)
        claimed = await claim(store, utc_ms=LATER)
        assert ids(claimed) == [[4]] and claimed.next_due_utc_ms == STALE_UNTIL
        assert sorted(ids(await claim(store, utc_ms=STALE_UNTIL))) == [[1], [2], [3]]


async def test_a_record_that_waits_for_longer_anyway_is_left_alone(database):
    first, second = listed(1), with_number_of(2, listed(1))
    async with opened(database) as store:
        await add(store, first, second)
        await database.ask(f"UPDATE records SET due_utc_ms = {STALE_UNTIL + 5} WHERE record_id = 2")
        [record] = await claim_one(store)
        await write(store, begun(1, record))
    async with opened(database, utc_ms=LATER):
        due = {record_id: state.due_utc_ms for record_id, state in (await states(database)).items()}
        assert due == {1: STALE_UNTIL, 2: STALE_UNTIL + 5}
