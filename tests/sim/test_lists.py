"""Calling lists: what is claimed is claimed once, and every record has a fate."""

from dataclasses import replace

import pytest

from outdial.core.commands import Disposition, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.records import Record
from outdial.core.results import CallResult, Fault
from outdial.core.settings import TreatmentAction, Zone
from outdial.sim.lists import Lists, RecordStatus, StoredSource, SyntheticSource
from outdial.sim.settings import ListShape

HERE = Zone("Here", ((0, 0),))


def synthetic(records=10, **shape):
    return Lists([SyntheticSource(ListShape(1, records, **shape))])


def ids(chains):
    return [[record.record_id for record in chain.records] for chain in chains]


def settle(lists, record, action, *, result=CallResult.NO_ANSWER, not_before=0, next_id=None, history=()):
    lists.settle(
        SettleAttempt(
            call_id=1,
            group_id=1,
            node_id=101,
            list_id=record.list_id,
            record_id=record.record_id,
            number=record.number,
            mode=DialingMode.PROGRESSIVE,
            call_result=result,
            fault=Fault.NONE,
            verdict=None,
            sip_status=None,
            q850_cause=None,
            agent_id=5,
            attempt_n=record.attempts + 1,
            dialed_utc_ms=1_234,
            ring_ms=0,
            wait_ms=0,
            talk_ms=0,
            disposition=Disposition(action, not_before, next_id, history),
        )
    )


def claim(lists, count=100, utc_ms=0, weights=((1, 10),)):
    return lists.claim(utc_ms, weights, count)[0]


def test_a_record_is_never_handed_out_twice():
    lists = synthetic(10)
    assert ids(claim(lists, 4)) == [[1], [2], [3], [4]]
    assert ids(claim(lists)) == [[5], [6], [7], [8], [9], [10]]
    assert claim(lists) == ()


def test_a_finished_record_does_not_come_back():
    lists = synthetic(1)
    [chain] = claim(lists)
    settle(lists, chain.records[0], TreatmentAction.DONE, result=CallResult.ANSWER)
    assert claim(lists, utc_ms=10**15) == ()
    [fate] = lists.by_id[1].fates()
    assert (fate.status, fate.call_result, fate.attempts) == (RecordStatus.UPDATED, CallResult.ANSWER, 1)
    assert (fate.agent_id, fate.last_attempt_utc_ms) == (5, 1_234)
    assert lists.claimed_counts() == {1: 0}


def test_a_retry_waits_for_its_instant_and_remembers_its_history():
    lists = synthetic(1)
    [chain] = claim(lists)
    history = ((CallResult.NO_ANSWER, 1),)
    settle(lists, chain.records[0], TreatmentAction.RETRY_IN, not_before=5_000, history=history)
    assert lists.claim(4_999, ((1, 1),), 5) == ((), True, 5_000)
    [again] = claim(lists, utc_ms=5_000)
    assert again.records[0].attempts == 1
    assert again.records[0].history == history


def test_due_retries_go_before_records_never_tried():
    lists = synthetic(3)
    [chain] = claim(lists, 1)
    settle(lists, chain.records[0], TreatmentAction.REDIAL)
    assert ids(claim(lists)) == [[1], [2], [3]]


def test_the_chain_goes_on_with_its_next_record():
    lists = synthetic(6, chain_length=3)
    [chain] = claim(lists, 1)
    assert [record.chain_n for record in chain.records] == [0, 1, 2]
    settle(lists, chain.records[0], TreatmentAction.NEXT_IN_CHAIN, next_id=2)
    assert ids(claim(lists, 1)) == [[2, 3]]


def test_a_chain_that_reached_somebody_is_finished():
    lists = synthetic(3, chain_length=3)
    [chain] = claim(lists)
    settle(lists, chain.records[0], TreatmentAction.DONE, result=CallResult.ANSWER)
    labels = [fate.status.label for fate in lists.by_id[1].fates()]
    assert labels == ["updated", "chain updated", "chain updated"]
    assert claim(lists) == ()


def test_what_is_returned_can_be_claimed_again():
    lists = synthetic(2, chain_length=2)
    [chain] = claim(lists)
    lists.put_back(1, 1, 700)
    assert claim(lists, utc_ms=699) == ()
    assert claim(lists, utc_ms=700) == (chain,)
    assert lists.strays == []


def test_a_cancelled_record_leaves_the_rest_of_its_chain_in_the_core():
    lists = synthetic(3, chain_length=3)
    claim(lists)
    lists.cancel(1, 1, CallResult.DO_NOT_CALL)
    assert lists.claimed_counts() == {1: 1}
    assert claim(lists) == ()
    lists.put_back(1, 2, 0)
    assert ids(claim(lists)) == [[2, 3]]
    lists.cancel(1, 2, CallResult.CANCEL_RECORD)
    lists.cancel(1, 3, CallResult.CANCEL_RECORD)
    assert lists.claimed_counts() == {1: 0}
    assert [fate.status for fate in lists.by_id[1].fates()] == [RecordStatus.CANCELLED] * 3


def test_orders_about_records_that_nobody_has_are_noticed():
    lists = synthetic(2)
    lists.put_back(1, 1, 0)
    [chain, _] = claim(lists)
    settle(lists, chain.records[0], TreatmentAction.DONE)
    settle(lists, chain.records[0], TreatmentAction.DONE)
    assert [stray.split(",")[0] for stray in lists.strays] == [
        "record 1 of list 1 was returned",
        "record 1 of list 1 was settled",
    ]


@pytest.mark.parametrize("weights, expected", [((10, 20), (20, 40)), ((1, 1), (30, 30)), ((1, 0), (60, 0))])
def test_lists_are_asked_by_weight(weights, expected):
    lists = Lists([SyntheticSource(ListShape(list_id, 100)) for list_id in (1, 2)])
    chains, exhausted, next_due = lists.claim(0, ((1, weights[0]), (2, weights[1])), 60)
    found = [chain.records[0].list_id for chain in chains]
    assert (found.count(1), found.count(2)) == expected
    assert not exhausted and next_due is None


def test_an_exhausted_list_leaves_its_turn_to_the_others():
    lists = Lists([SyntheticSource(ListShape(1, 2)), SyntheticSource(ListShape(2, 50))])
    assert len(claim(lists, 40, weights=((1, 100), (2, 1)))) == 40


def test_stored_records_are_brought_together_in_chain_order():
    records = [
        Record(11, 1, "+15550001", 5, 2),
        Record(12, 1, "+15550002"),
        Record(13, 1, "+15550003", 5, 1),
    ]
    lists = Lists([StoredSource(1, records)])
    assert ids(claim(lists)) == [[13, 11], [12]]
    assert lists.attempt_n(1, 12) == 1


def test_a_million_records_cost_nothing_until_they_are_dialed():
    lists = synthetic(1_000_000)
    chains = claim(lists, 3)
    assert [chain.records[0].number for chain in chains] == ["15550000000001", "15550000000002", "15550000000003"]


def test_numbers_may_repeat():
    lists = synthetic(1_000, repeated_ratio=0.3)
    numbers = [chain.records[0].number for chain in claim(lists, 1_000)]
    assert 600 < len(set(numbers)) < 800


def test_a_record_that_comes_back_is_the_same_but_for_its_attempts():
    record = Record(1, 1, "5551", 7, 2, 60, 120, HERE, zones=(HERE, HERE))
    lists = Lists([StoredSource(1, [record])])
    settle(lists, claimed_record(lists), TreatmentAction.RETRY_IN, history=((CallResult.BUSY, 1),))
    assert claimed_record(lists) == replace(record, attempts=1, history=((CallResult.BUSY, 1),))


def claimed_record(lists):
    [chain], _, _ = lists.claim(0, ((1, 1),), 1)
    return chain.records[0]
