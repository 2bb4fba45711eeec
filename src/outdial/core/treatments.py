"""Treatments: what becomes of a record after a call result.

The treatments of one call result form a *sequence*, ordered by their number. Each is applied `cycle_attempts` times
before the next one takes over. The record's history counts how often treatments were applied for each result, so the
place in the sequence is a number, not a state: after 3 applications the fourth is next, whatever happened in between.

    NO_ANSWER:   1 retry-in (2 times)     2 next-in-chain (1 time)
    history:     0          1             2                         3 and more: done

Interval and increment: repetition k of a treatment (from 0) waits `interval + k × increment`. A date that has passed
is no date: such a treatment is passed over, as if it had been applied.

A result without treatments ends the record; so does a sequence that is used up. No result is special: a treatment that
redials a person who was reached is followed, as the operator wrote it.

Invariant: however often a record is disposed of, its history grows by at most the sum of `cycle_attempts` over all
    treatments, so no record is redialed for ever.

Source: actions, sequences, cycle attempts, interval, increment and dates: OCS treatments. No treatment: the record is
    finished.
Ours (decision 0019): progress is counted per record and result rather than once per chain; a sequence ends at a final
    action; REDIAL and NEXT_IN_CHAIN do not wait, whatever their interval says; a chain is run through once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from outdial.core.commands import Disposition
from outdial.core.openings import Hours, next_opening
from outdial.core.records import Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import Treatment, TreatmentAction
from outdial.core.units import SECOND_MS, Millis


class Stage(NamedTuple):
    """One treatment in its sequence."""

    treatment: Treatment
    applied_min: int
    """Applications of the sequence before it is this treatment's turn."""
    applied_max: int
    """Applications of the sequence when its turn is over (exclusive)."""


DONE = TreatmentAction.DONE
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""

TreatmentTable: TypeAlias = Mapping[CallResult, tuple[Stage, ...]]
"""A calling list's treatments, ready for use. Shape: {result: stages in number order}."""


def by_result(treatments: Iterable[Treatment]) -> TreatmentTable:
    """Sort treatments into sequences; once per calling list.

    Args:
        treatments: in any order. Equal numbers within one result keep the order given; nothing follows a final action.

    Returns:
        The table for `dispose`. Results without treatments are missing.
    """
    sequences: dict[CallResult, list[Stage]] = {}
    for treatment in sorted(treatments, key=_number_in_sequence):
        stages = sequences.setdefault(treatment.call_result, [])
        if stages and stages[-1].treatment.action.is_final:
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
        The action and, where it waits, its instant; with the next-in-chain actions, the next record, if there is one;
        with ASSIGN_TO_GROUP, the group. The history includes this application. It is the record's own where no
        treatment was applied.

    Invariant: repeated with the history it returned, it gives each treatment `cycle_attempts` times, in order, then
        DONE for ever.
    """
    found = next_stage(record, call_result, table, utc_ms)
    if found is None:
        return Disposition(DONE, 0, None, record.history)
    stage, applied = found
    treatment = stage.treatment
    action = treatment.action
    due_utc_ms = 0
    if action.waits:
        due_utc_ms = utc_ms + treatment.interval_ms + (applied - stage.applied_min) * treatment.increment_ms
    elif action.has_date:
        due_utc_ms = _date(treatment, utc_ms) or utc_ms
    elif record.record_type.is_owned:
        due_utc_ms = utc_ms  # since when it waits for its agent, or its group
    record_type = None
    if action is TreatmentAction.RESCHEDULE:
        personal = record.record_type.is_personal
        record_type = RecordType.PERSONAL_RESCHEDULED if personal else RecordType.CAMPAIGN_RESCHEDULED
    return Disposition(
        action,
        due_utc_ms,
        rest_of_chain[0].record_id if action.goes_on and rest_of_chain else None,
        _with_application(record.history, call_result, applied),
        treatment.group_id,
        record_type,
    )


def next_stage(
    record: Record, call_result: CallResult, table: TreatmentTable, utc_ms: Millis
) -> tuple[Stage, int] | None:
    """Whose turn it is, and how many applications come before. None: there is no treatment, or none is left."""
    applied = applied_count(record, call_result)
    for stage in table.get(call_result, ()):
        if applied >= stage.applied_max:
            continue
        if not stage.treatment.action.has_date or _date(stage.treatment, utc_ms) is not None:
            return stage, applied
        applied = stage.applied_max
    return None


def _date(treatment: Treatment, utc_ms: Millis) -> Millis | None:
    """When the record of an at-date action is dialed. None: the date has passed."""
    if treatment.daily_at_s is not None and treatment.zone is not None:
        second = treatment.daily_at_s
        return next_opening((treatment.zone,), Hours(second, second + 1), utc_ms + SECOND_MS)
    date_utc_ms = treatment.date_utc_ms
    return None if date_utc_ms is None or date_utc_ms < utc_ms else date_utc_ms


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
    if all(old[0] != call_result for old in history):
        return (*history, entry)
    return tuple(entry if old[0] == call_result else old for old in history)


def _number_in_sequence(treatment: Treatment) -> int:
    return treatment.number_in_sequence
