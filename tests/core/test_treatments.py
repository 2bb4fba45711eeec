"""Treatments: call result + history → what becomes of the record."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.commands import Disposition
from outdial.core.records import Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import Treatment, TreatmentAction
from outdial.core.treatments import applied_count, by_result, dispose
from outdial.core.units import MINUTE_MS

R, A = CallResult, TreatmentAction
UTC_MS = 1_795_000_000_000
RECORD = Record(record_id=1, list_id=1, number="+4930123456")
SECOND, THIRD = Record(2, 1, "+4930123457", chain_n=1), Record(3, 1, "+4930123458", chain_n=2)

# Deliberately not in number order.
TABLE = by_result(
    [
        Treatment(R.NO_ANSWER, 2, A.NEXT_IN_CHAIN),
        Treatment(R.NO_ANSWER, 1, A.RETRY_IN, 3, 10 * MINUTE_MS, 5 * MINUTE_MS),
        Treatment(R.NO_ANSWER, 3, A.RETRY_IN, 2, 60 * MINUTE_MS, 30 * MINUTE_MS),
        Treatment(R.BUSY, 1, A.REDIAL, 2, 7 * MINUTE_MS),
        Treatment(R.FAX, 1, A.NEXT_IN_CHAIN),
        Treatment(R.SILENCE, 1, A.RETRY_IN, 1, MINUTE_MS),
        Treatment(R.SILENCE, 2, A.DONE),
        Treatment(R.SILENCE, 3, A.REDIAL, 9),
        Treatment(R.ABANDONED, 1, A.RETRY_IN, 1, 72 * 60 * MINUTE_MS),
    ]
)


def at(minutes: int) -> int:
    return UTC_MS + minutes * MINUTE_MS


@pytest.mark.parametrize(
    "call_result, applied, action, not_before_utc_ms, next_record_id, applied_after",
    [
        # first treatment: 10, 15, 20 minutes
        (R.NO_ANSWER, 0, A.RETRY_IN, at(10), None, 1),
        (R.NO_ANSWER, 1, A.RETRY_IN, at(15), None, 2),
        (R.NO_ANSWER, 2, A.RETRY_IN, at(20), None, 3),
        # second, once; third: its own repetitions count, not the sequence's
        (R.NO_ANSWER, 3, A.NEXT_IN_CHAIN, 0, 2, 4),
        (R.NO_ANSWER, 4, A.RETRY_IN, at(60), None, 5),
        (R.NO_ANSWER, 5, A.RETRY_IN, at(90), None, 6),
        # used up, and it stays so
        (R.NO_ANSWER, 6, A.DONE, 0, None, 6),
        (R.NO_ANSWER, 99, A.DONE, 0, None, 99),
        # redial is at once, whatever the interval says, and bounded
        (R.BUSY, 0, A.REDIAL, 0, None, 1),
        (R.BUSY, 1, A.REDIAL, 0, None, 2),
        (R.BUSY, 2, A.DONE, 0, None, 2),
        # nothing follows a DONE
        (R.SILENCE, 0, A.RETRY_IN, at(1), None, 1),
        (R.SILENCE, 1, A.DONE, 0, None, 2),
        (R.SILENCE, 2, A.DONE, 0, None, 2),
        # a person who was reached is treated as the operator wrote it
        (R.ABANDONED, 0, A.RETRY_IN, at(72 * 60), None, 1),
        # no treatment
        (R.ANSWER, 0, A.DONE, 0, None, 0),
        (R.DROPPED, 0, A.DONE, 0, None, 0),
    ],
)
def test_sequence(call_result, applied, action, not_before_utc_ms, next_record_id, applied_after):
    record = replace(RECORD, history=((call_result, applied),) if applied else ())
    history = ((call_result, applied_after),) if applied_after else ()
    expected = Disposition(action, not_before_utc_ms, next_record_id, history)
    assert expected == dispose(record, call_result, TABLE, [SECOND, THIRD], UTC_MS)


def test_treatment_for_an_answer_is_followed():
    table = by_result([Treatment(R.ANSWER, 1, A.RETRY_IN, 1, MINUTE_MS)])
    expected = Disposition(A.RETRY_IN, at(1), None, ((R.ANSWER, 1),))
    assert expected == dispose(RECORD, R.ANSWER, table, [], UTC_MS)


def test_chain_without_a_further_record_is_finished():
    expected = Disposition(A.NEXT_IN_CHAIN, 0, None, ((R.FAX, 1),))
    assert expected == dispose(RECORD, R.FAX, TABLE, [], UTC_MS)


def test_results_are_counted_apart():
    record = replace(RECORD, history=((R.BUSY, 1), (R.NO_ANSWER, 2), (R.FAX, 1)))
    disposition = dispose(record, R.NO_ANSWER, TABLE, [], UTC_MS)
    assert at(20) == disposition.not_before_utc_ms
    assert ((R.BUSY, 1), (R.NO_ANSWER, 3), (R.FAX, 1)) == disposition.history


def test_new_result_joins_the_history_at_its_end():
    record = replace(RECORD, history=((R.FAX, 1),))
    assert ((R.FAX, 1), (R.BUSY, 1)) == dispose(record, R.BUSY, TABLE, [], UTC_MS).history


def test_history_with_plain_numbers_is_understood():
    """A store may hand back 7 where it was given NO_ANSWER; taking it for another result would redial for ever."""
    record = replace(RECORD, history=((7, 6),))
    assert A.DONE is dispose(record, R.NO_ANSWER, TABLE, [], UTC_MS).action
    assert 6 == applied_count(record, R.NO_ANSWER)


def test_no_treatments_at_all():
    assert Disposition(A.DONE) == dispose(RECORD, R.BUSY, by_result([]), [SECOND], UTC_MS)


def test_equal_numbers_keep_the_order_given():
    table = by_result([Treatment(R.BUSY, 1, A.RETRY_IN), Treatment(R.BUSY, 1, A.REDIAL)])
    assert [A.RETRY_IN, A.REDIAL] == [stage.treatment.action for stage in table[R.BUSY]]


LATER_MS = UTC_MS + 90 * MINUTE_MS

TREATMENTS = st.lists(
    st.builds(
        Treatment,
        call_result=st.sampled_from([R.BUSY, R.NO_ANSWER, R.ANSWER]),
        number_in_sequence=st.integers(1, 9),
        action=st.sampled_from(A),
        cycle_attempts=st.integers(1, 4),
        interval_ms=st.integers(0, MINUTE_MS),
        increment_ms=st.integers(0, MINUTE_MS),
        date_utc_ms=st.just(LATER_MS),
        group_id=st.sampled_from([None, 7]),
    ),
    max_size=6,
)


@given(TREATMENTS, st.lists(st.sampled_from([R.BUSY, R.NO_ANSWER, R.ANSWER, R.FAX]), max_size=40))
def test_repeated_it_is_the_sequence_written_out(treatments, call_results):
    """Against the slow way: every treatment written out `cycle_attempts` times, then DONE for ever."""
    written_out = {}
    for treatment in sorted(treatments, key=lambda treatment: treatment.number_in_sequence):
        entries = written_out.setdefault(treatment.call_result, [])
        if not entries or not entries[-1][0].is_final:
            entries += [(treatment.action, treatment, k) for k in range(treatment.cycle_attempts)]
    table, record, counts = by_result(treatments), RECORD, {}
    for call_result in call_results:
        entries = written_out.get(call_result, [])
        action, treatment, k = entries.pop(0) if entries else (A.DONE, None, 0)
        if treatment is not None:
            counts[call_result] = counts.get(call_result, 0) + 1
        due_utc_ms = UTC_MS + treatment.interval_ms + k * treatment.increment_ms if action.waits else 0
        if action.has_date:
            due_utc_ms = LATER_MS
        next_record_id = SECOND.record_id if action.goes_on else None
        record_type = RecordType.CAMPAIGN_RESCHEDULED if action is A.RESCHEDULE else None
        expected = Disposition(
            action, due_utc_ms, next_record_id, tuple(counts.items()), treatment and treatment.group_id, record_type
        )
        disposition = dispose(record, call_result, table, [SECOND, THIRD], UTC_MS)
        assert expected == disposition
        record = replace(record, history=disposition.history, attempts=record.attempts + 1)
