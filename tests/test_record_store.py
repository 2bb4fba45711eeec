"""Calling lists of a server: claims, what comes back, and lists that come later."""

from outdial.core.commands import CancelRecord, Connect, FetchRecords, ReturnRecord
from outdial.core.events import Event, RecordsFetched
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.core.units import Now
from outdial.drivers.runner import InboxFull
from outdial.record_store import RecordStore
from outdial.sim.lists import StoredSource

NOW = Now(0, 1_000)


def source(list_id: int, count: int = 4) -> StoredSource:
    return StoredSource(list_id, [Record(100 * list_id + n, list_id, f"55501{n:02}") for n in range(count)])


def fetch(chains_max: int = 2, *lists: int) -> FetchRecords:
    return FetchRecords(1, 5, chains_max, tuple((list_id, 10) for list_id in lists or (1,)))


def test_a_claim_is_answered_at_once():
    told: list[Event] = []
    store = RecordStore([source(1)], told.append)
    assert store.carry_out(NOW, fetch(3)) and store.carry_out(NOW, fetch(3))
    assert all(isinstance(event, RecordsFetched) and event.fetch_id == 5 for event in told)
    assert [[chain.records[0].record_id for chain in event.chains] for event in told] == [[100, 101, 102], [103]]
    assert [event.exhausted for event in told] == [False, True]


def test_what_the_core_has_no_room_for_goes_back():
    def full(event: Event) -> None:
        raise InboxFull("full")

    store = RecordStore([source(1)], full)
    assert store.carry_out(NOW, fetch(3))
    assert store.lists.claimed_counts() == {1: 0} and store.lists.strays == []


def test_records_come_back_or_are_finished():
    told: list[Event] = []
    store = RecordStore([source(1)], told.append)
    store.carry_out(NOW, fetch(2))
    assert store.carry_out(NOW, ReturnRecord(1, 100, 0, "the group was stopped"))
    assert store.carry_out(NOW, CancelRecord(1, 101, CallResult.DO_NOT_CALL))
    assert store.lists.claimed_counts() == {1: 0}
    assert not store.carry_out(NOW, Connect(1))
