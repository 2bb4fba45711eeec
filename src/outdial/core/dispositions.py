"""What becomes of records: by the treatments of their lists, after a call or without one.

Source: OCS treatments. Ours: a record whose phone never rang is not used up (0011).
"""

from dataclasses import replace

from outdial.core.attempt import Attempt
from outdial.core.commands import Disposition
from outdial.core.groups import Group
from outdial.core.results import CallResult
from outdial.core.settings import Treatment, TreatmentAction
from outdial.core.state import State
from outdial.core.treatments import dispose, next_stage
from outdial.core.units import SECOND_MS, Millis

NEVER_DIALED = (CallResult.NO_FREE_PORT, CallResult.ALL_TRUNKS_BUSY, CallResult.DIAL_ERROR)
"""Results of attempts that never reached the callee."""
NEVER_DIALED_RETRY_MS: Millis = 60 * SECOND_MS
"""When they are tried again unless a treatment says otherwise. Unit: ms. Ours (0011)."""


def fate_of(state: State, attempt: Attempt, call_result: CallResult) -> Disposition:
    """Decide what becomes of an attempt's record, and have those look for it who may have it next."""
    record = attempt.record
    rules = state.lists.get(record.list_id)
    disposition = dispose(
        record, call_result, rules.treatments if rules else {}, attempt.chain.records[1:], state.utc_ms
    )
    if call_result in NEVER_DIALED and (rules is None or call_result not in rules.treatments):
        # the callee's phone never rang: without a treatment of its own the record is not used up
        disposition = replace(
            disposition, action=TreatmentAction.RETRY_IN, not_before_utc_ms=state.utc_ms + NEVER_DIALED_RETRY_MS
        )
    wake(state, state.groups[attempt.group_id], disposition)
    return disposition


def wake(state: State, group: Group, disposition: Disposition) -> None:
    """The group, and the one that the record is given to, look for records when this one is due."""
    if disposition.action.is_final:
        return
    given_to = state.groups.get(disposition.group_id) if disposition.group_id is not None else None
    wait_ms = max(0, disposition.not_before_utc_ms - state.utc_ms)
    for each in dict.fromkeys((group, given_to or group)):
        each.fetch_at_ms = min(each.fetch_at_ms, state.mono_ms + wait_ms)
        if each.is_running:
            state.wake_group_at(each, each.fetch_at_ms)


def treatment_of(state: State, attempt: Attempt, call_result: CallResult) -> Treatment | None:
    """Whose turn it is if the attempt comes to this result. None: nobody's."""
    rules = state.lists.get(attempt.record.list_id)
    found = next_stage(attempt.record, call_result, rules.treatments, state.utc_ms) if rules is not None else None
    return found[0].treatment if found is not None else None
