"""What becomes of records: by the treatments of their lists and by the word of an agent.

Source: OCS treatments. Ours: a record whose phone never rang is not used up (0011).
"""

from dataclasses import replace

from outdial.core.attempt import Attempt, Word
from outdial.core.commands import DisposeRecord, Disposition
from outdial.core.deadlines import Timer
from outdial.core.groups import Group
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult
from outdial.core.settings import Treatment, TreatmentAction
from outdial.core.state import State
from outdial.core.treatments import dispose, next_stage
from outdial.core.units import SECOND_MS, CallId, Millis

NEVER_DIALED = (CallResult.NO_FREE_PORT, CallResult.ALL_TRUNKS_BUSY, CallResult.DIAL_ERROR)
"""Results of attempts that never reached the callee."""
NEVER_DIALED_RETRY_MS: Millis = 60 * SECOND_MS
"""When they are tried again unless a treatment says otherwise. Unit: ms. Ours (0011)."""
LOOK_PAUSE_MS: Millis = SECOND_MS
"""Shortest pause before the store is asked for records that wait for one agent. Unit: ms. Ours."""


def fate_of(state: State, attempt: Attempt, call_result: CallResult) -> Disposition:
    """Decide what becomes of an attempt's record, and have those look for it who may have it next."""
    record = attempt.record
    if attempt.word is not None:
        disposition = follow_word(state, attempt.chain, attempt.word, call_result)
    else:
        disposition = by_treatments(state, attempt.chain, call_result)
        rules = state.lists.get(record.list_id)
        if call_result in NEVER_DIALED and (rules is None or call_result not in rules.treatments):
            # the callee's phone never rang: without a treatment of its own the record is not used up
            again_utc_ms = state.utc_ms + NEVER_DIALED_RETRY_MS
            disposition = replace(disposition, action=TreatmentAction.RETRY_IN, not_before_utc_ms=again_utc_ms)
    wake(state, record, state.groups[attempt.group_id], disposition)
    return disposition


def by_treatments(state: State, chain: Chain, call_result: CallResult) -> Disposition:
    """What the treatments of its list make of the first record of a chain."""
    record = chain.records[0]
    rules = state.lists.get(record.list_id)
    return dispose(record, call_result, rules.treatments if rules else {}, chain.records[1:], state.utc_ms)


def follow_word(state: State, chain: Chain, word: Word, call_result: CallResult) -> Disposition:
    """What an agent's word makes of the first record of a chain; `call_result` is what the call itself came to."""
    if word.callback is not None:
        return word.callback
    if word.call_result is CallResult.DO_NOT_CALL:
        return Disposition(TreatmentAction.DONE)
    return by_treatments(state, chain, call_result if word.call_result is None else word.call_result)


def write_word(
    state: State, call_id: CallId, chain: Chain, word: Word, call_result: CallResult, disposition: Disposition
) -> None:
    """Have an agent's word written down, and the record changed by it."""
    record = chain.records[0]
    state.last_disposition_n += 1
    state.emit(
        DisposeRecord(
            disposition_n=state.last_disposition_n,
            call_id=call_id,
            list_id=record.list_id,
            record_id=record.record_id,
            attempt_n=record.attempts + 1,
            agent_id=word.agent_id,
            call_result=call_result if word.call_result is None else word.call_result,
            disposition=disposition,
            note=word.note,
            given_utc_ms=state.utc_ms,
        )
    )


def wake(state: State, record: Record, group: Group, disposition: Disposition) -> None:
    """Whoever may have the record next looks for it when it is due: the group, and the one that it is given to."""
    action = disposition.action
    if action.is_final:
        return
    due_at_ms = state.mono_ms + max(0, disposition.not_before_utc_ms - state.utc_ms)
    record_type = disposition.record_type or record.record_type
    if record_type.is_personal and not action.goes_on and action is not TreatmentAction.ASSIGN_TO_GROUP:
        look_for_callbacks_at(state, group, max(due_at_ms, state.mono_ms + LOOK_PAUSE_MS))
        return
    given_to = state.groups.get(disposition.group_id) if disposition.group_id is not None else None
    for each in dict.fromkeys((group, given_to or group)):
        each.fetch_at_ms = min(each.fetch_at_ms, due_at_ms)
        if each.is_running:
            state.wake_group_at(each, each.fetch_at_ms)


def look_for_callbacks_at(state: State, group: Group, at_ms: Millis) -> None:
    """Ask the store at `at_ms` at the latest for records that wait for one agent."""
    key = (Timer.CALLBACKS, group.group_id)
    armed = state.deadlines.at(key)
    if armed is not None and armed > at_ms:
        state.deadlines.arm(key, at_ms)


def treatment_of(state: State, attempt: Attempt, call_result: CallResult) -> Treatment | None:
    """Whose turn it is if the attempt comes to this result. None: nobody's."""
    rules = state.lists.get(attempt.record.list_id)
    found = next_stage(attempt.record, call_result, rules.treatments, state.utc_ms) if rules is not None else None
    return found[0].treatment if found is not None else None
