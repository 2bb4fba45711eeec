"""Treatments: what becomes of a record after a call result.

The treatments of one call result form a *sequence*, ordered by their number. Each is applied `cycle_attempts` times
before the next one takes over. The record's history counts how often treatments were applied for each result, so the
place in the sequence is a number, not a state: after 3 applications the fourth is next, whatever happened in between.

    NO_ANSWER:   1 retry-in (2 times)     2 next-in-chain (1 time)
    history:     0          1             2                         3 and more: done

Interval and increment: repetition k of a treatment (from 0) waits `interval + k × increment`.

A result without treatments ends the record; so does a sequence that is used up. No result is special: a treatment that
redials a person who was reached is followed, as the operator wrote it.

Invariant: however often a record is disposed of, its history grows by at most the sum of `cycle_attempts` over all
    treatments, so no record is redialed for ever.

Source: sequences, cycle attempts, interval and increment: OCS treatments. No treatment: the record is finished.
Ours: progress is counted per record and result rather than once per chain; a sequence ends at a DONE; REDIAL and
    NEXT_IN_CHAIN do not wait, whatever their interval says.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from outdial.core.commands import Disposition
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.core.settings import Treatment, TreatmentAction
from outdial.core.units import Millis


class Stage(NamedTuple):
    """One treatment in its sequence."""

    treatment: Treatment
    applied_min: int
    """Applications of the sequence before it is this treatment's turn."""
    applied_max: int
    """Applications of the sequence when its turn is over (exclusive)."""


TreatmentTable: TypeAlias = Mapping[CallResult, tuple[Stage, ...]]
"""A calling list's treatments, ready for use. Shape: {result: stages in number order}."""


def by_result(treatments: Iterable[Treatment]) -> TreatmentTable:
    """Sort treatments into sequences; once per calling list.

    Args:
        treatments: in any order. Equal numbers within one result keep the order given; nothing follows a DONE.

    Returns:
        The table for `dispose`. Results without treatments are missing.
    """
    sequences: dict[CallResult, list[Stage]] = {}
    for treatment in sorted(treatments, key=_number_in_sequence):
        stages = sequences.setdefault(treatment.call_result, [])
        if stages and stages[-1].treatment.action is TreatmentAction.DONE:
            continue
        applied_min = stages[-1].applied_max if stages else 0
        stages.append(Stage(treatment, applied_min, applied_min + treatment.cycle_attempts))
    return {call_result: tuple(stages) for call_result, stages in sequences.items()}


def dispose(
    record: Record,
    call_result: CallResult,
    table: TreatmentTable,
    rest_of_chain: Sequence[Record],
    utc_ms: Millis,
) -> Disposition:
    """Decide what becomes of a record after an attempt.

    Args:
        record: as it was when it was dialed; its history does not yet include this attempt.
        call_result: what the attempt came to.
        table: the treatments of the record's calling list, from `by_result`.
        rest_of_chain: records of the same customer still to be tried, next one first, without `record`.
        utc_ms: the instant of the decision. Unit: milliseconds UTC.

    Returns:
        The action and, with RETRY_IN, its instant; with NEXT_IN_CHAIN, the next record, if there is one. The history
        includes this application. It is the record's own where no treatment was applied.

    Invariant: repeated with the history it returned, it gives each treatment `cycle_attempts` times, in order, then
        DONE for ever.
    """
    stages = table.get(call_result)
    if stages is None:
        return Disposition(TreatmentAction.DONE, 0, None, record.history)
    applied = applied_count(record, call_result)
    for stage in stages:
        if applied < stage.applied_max:
            break
    else:
        return Disposition(TreatmentAction.DONE, 0, None, record.history)

    treatment = stage.treatment
    history = _with_application(record.history, call_result, applied)
    action = treatment.action
    if action is TreatmentAction.RETRY_IN:
        wait_ms = treatment.interval_ms + (applied - stage.applied_min) * treatment.increment_ms
        return Disposition(action, utc_ms + wait_ms, None, history)
    if action is TreatmentAction.NEXT_IN_CHAIN and rest_of_chain:
        return Disposition(action, 0, rest_of_chain[0].record_id, history)
    return Disposition(action, 0, None, history)


def applied_count(record: Record, call_result: CallResult) -> int:
    """How often a treatment was applied to the record for this result."""
    for result, count in record.history:
        if result == call_result:
            return count
    return 0


def _with_application(
    history: tuple[tuple[CallResult, int], ...], call_result: CallResult, applied: int
) -> tuple[tuple[CallResult, int], ...]:
    """The history with one more application; results stay in the order of their first application."""
    entry = (call_result, applied + 1)
    if not applied:
        return (*(old for old in history if old[0] != call_result), entry)
    return tuple(entry if old[0] == call_result else old for old in history)


def _number_in_sequence(treatment: Treatment) -> int:
    return treatment.number_in_sequence
