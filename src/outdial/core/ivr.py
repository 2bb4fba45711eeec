"""IVR applications: those of GVP groups, which take persons, and those that treatments send machines to."""

from outdial.core.attempt import AttemptSignal
from outdial.core.calls import count_connected, given_up, late
from outdial.core.distribution import seek_agent
from outdial.core.events import IvrAgentRequested, IvrStarted
from outdial.core.flights import landed
from outdial.core.state import State


def started(state: State, event: IvrStarted) -> None:
    """The IVR application has the call."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if not (attempt.mode.is_gvp or attempt.is_routed) or attempt.agent_id is not None:
        state.late_events += 1
    elif state.move(attempt, AttemptSignal.IVR_STARTED) and not given_up(state, attempt):
        if attempt.connected_at_ms is None and not attempt.is_routed:
            attempt.connected_at_ms = state.mono_ms
            count_connected(state, attempt)
        state.arm_call(attempt, state.mono_ms + state.groups[attempt.group_id].settings.ivr_ms_max)
    return None


def agent_requested(state: State, event: IvrAgentRequested) -> None:
    """The application wants an agent; a group without agents leaves the caller where they are."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if attempt.agent_group_id is None or attempt.is_routed:
        state.late_events += 1
    elif state.move(attempt, AttemptSignal.AGENT_WANTED):
        if attempt.connected_at_ms is not None:
            state.groups[attempt.group_id].estimates.ivr_ms.add(state.mono_ms - attempt.connected_at_ms)
        attempt.wants_agent = True
        landed(state, attempt, person=True)
        seek_agent(state, attempt)
    return None
