"""What happens to calls: every event and every deadline of an attempt.

Each function looks up the attempt, lets the table decide whether the fact still matters, and then does what follows.
A call that the dialer no longer knows is late; when it shows a sign of life, it is released: nobody would talk to it.
"""

from collections.abc import Callable

from outdial.core.agents import AgentSignal
from outdial.core.attempt import Attempt, AttemptSignal, AttemptState
from outdial.core.availability import signal
from outdial.core.commands import Release, StartIvr
from outdial.core.dispositions import treatment_of
from outdial.core.distribution import seek_agent, stop_waiting
from outdial.core.dropping import drop, message_timeout
from outdial.core.events import (
    CallConnected,
    CalleeAlerting,
    CalleeAnswered,
    CallReleased,
    ConnectFailed,
    DialAccepted,
    DialRejected,
    Event,
    VerdictReached,
)
from outdial.core.flights import landed, picked_up
from outdial.core.results import Ending, Verdict, classify, is_person
from outdial.core.safe_harbour import start_clock
from outdial.core.seizing import give_up_leg
from outdial.core.settings import CallAction
from outdial.core.settlement import agent_missed, end_call, resolve, settle
from outdial.core.state import State
from outdial.core.units import CallId, Millis

LOST = AttemptState.LOST
ACCEPTED, ALERTING, ANSWERED = AttemptSignal.ACCEPTED, AttemptSignal.ALERTING, AttemptSignal.ANSWERED
RELEASED = AttemptSignal.RELEASED
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""
LIVE_SIGNS = (DialAccepted, CalleeAlerting, CalleeAnswered)
"""Events that show that a call is alive."""
JOINS_FAILED_MAX = 2
"""Agents whose legs one person may cost, when they cannot be joined. Ours (0005)."""


def late(state: State, event: Event, call_id: CallId) -> None:
    """An event for a call that the dialer does not know (any more)."""
    state.late_events += 1
    if isinstance(event, LIVE_SIGNS):
        state.emit(Release(call_id))


def accepted(state: State, event: DialAccepted) -> None:
    """The server took the request: from now on the ring limit counts."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if _was_past(state, attempt, attempt.answered_at_ms):
        return None
    if state.move(attempt, ACCEPTED) and not given_up(state, attempt):
        _note_accepted(state, attempt)
        state.arm_call(attempt, attempt.rings_until_ms)
    return None


def alerting(state: State, event: CalleeAlerting) -> None:
    """The far end rings."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if _was_past(state, attempt, attempt.answered_at_ms):
        return None
    if state.move(attempt, ALERTING) and not given_up(state, attempt):
        _note_accepted(state, attempt)
        state.arm_call(attempt, attempt.rings_until_ms)
    return None


def answered(state: State, event: CalleeAnswered) -> None:
    """The far end answered: wait for the verdict, unless there is none to wait for."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if _was_past(state, attempt, attempt.person_at_ms or attempt.connected_at_ms):
        return None
    if not state.move(attempt, ANSWERED) or given_up(state, attempt):
        return None
    _note_accepted(state, attempt)
    attempt.answered_at_ms = state.mono_ms
    picked_up(state, attempt)
    settings = state.groups[attempt.group_id].settings
    if attempt.mode.is_preview:
        _connect(state, attempt)
    elif settings.call_progress_detection:
        state.arm_call(attempt, state.mono_ms + settings.cpd_ms_max)
    else:
        _person(state, attempt, Verdict.PERSON, None)
    return None


def verdict_reached(state: State, event: VerdictReached) -> None:
    """Call progress detection has decided."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if attempt.verdict is not None or attempt.connected_at_ms is not None or attempt.mode.is_preview:
        state.late_events += 1
    elif is_person(event.verdict):
        _person(state, attempt, event.verdict, event)
    elif attempt.state is AttemptState.RELEASING:
        state.late_events += 1
    elif attempt.state is not LOST or _is_found_answered(state, attempt):
        attempt.verdict = event.verdict
        _no_person(state, attempt)
    return None


def _no_person(state: State, attempt: Attempt) -> None:
    """A machine, a fax or silence: a treatment may want more of the call than its end."""
    treatment = treatment_of(state, attempt, classify(attempt.signs()).call_result)
    action = treatment.call_action if treatment is not None else CallAction.DROP
    if treatment is None or action is CallAction.DROP or attempt.state is LOST:
        end_call(state, attempt, Ending.VERDICT)
        return
    _note_accepted(state, attempt)
    if attempt.answered_at_ms is None:
        attempt.answered_at_ms = state.mono_ms
        picked_up(state, attempt)
    if action is CallAction.CONNECT:
        assert attempt.verdict is not None
        _person(state, attempt, attempt.verdict, None)
        return
    attempt.is_routed = True
    landed(state, attempt, person=False)
    resolve(state, attempt, person=False)
    state.move(attempt, AttemptSignal.ROUTED)
    state.emit(StartIvr(attempt.call_id, treatment.destination))
    state.arm_call(attempt, state.mono_ms + state.ocs.accept_ms_max)


def _is_found_answered(state: State, attempt: Attempt) -> bool:
    """A lost call was judged, so it is alive and answered. False: and was given up long ago, so it has been ended."""
    state.move(attempt, ANSWERED)
    if given_up(state, attempt):
        return False
    _note_accepted(state, attempt)
    if attempt.answered_at_ms is None:
        attempt.answered_at_ms = state.mono_ms
    return True


def _person(state: State, attempt: Attempt, verdict: Verdict, told: VerdictReached | None) -> None:
    """A person is on the line, or what a treatment has treated as one: to the IVR application, an agent, or in line."""
    if not state.move(attempt, AttemptSignal.PERSON) or given_up(state, attempt):
        return
    _note_accepted(state, attempt)
    attempt.verdict = verdict
    attempt.person_at_ms = state.mono_ms
    if attempt.answered_at_ms is None:
        attempt.answered_at_ms = state.mono_ms
        picked_up(state, attempt)
    resolve(state, attempt, person=True)
    group = state.groups[attempt.group_id]
    if is_person(verdict):
        group.clock_lead_ms.add(start_clock(attempt, group.settings, told, state.mono_ms))
        group.totals.persons += 1
    if attempt.mode.is_gvp:
        state.move(attempt, AttemptSignal.IVR_FOUND)
        state.emit(StartIvr(attempt.call_id, group.settings.ivr_application))
        state.arm_call(attempt, state.mono_ms + state.ocs.accept_ms_max)
    else:
        landed(state, attempt, person=True)
        seek_agent(state, attempt)


def connected(state: State, event: CallConnected) -> None:
    """Customer and agent hear each other."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if attempt.agent_id is None:
        state.late_events += 1  # the agent was given up before the server's word came
        return None
    _connect(state, attempt)
    return None


def _connect(state: State, attempt: Attempt) -> None:
    if not state.move(attempt, AttemptSignal.CONNECTED) or given_up(state, attempt):
        return
    stop_waiting(state, attempt)
    group = state.groups[attempt.group_id]
    had_ivr = attempt.connected_at_ms is not None
    if not had_ivr:
        attempt.connected_at_ms = state.mono_ms
        count_connected(state, attempt)
    if attempt.wants_agent:
        attempt.wants_agent = False
        if is_person(attempt.verdict):
            group.budget.person(lost=False, mono_ms=state.mono_ms)
    if attempt.agent_id is not None and not attempt.mode.is_preview:
        signal(state, state.agents[attempt.agent_id], AgentSignal.CONNECT)
    if not (attempt.mode.is_seizing or attempt.mode.is_gvp):
        # the transfer took the call off the dialer: its port is free while the two talk
        state.release_lease(attempt.call_id, attempt.pool, attempt.node_id)
        state.port_came_home(group)
    state.arm_call(attempt, state.mono_ms + state.ocs.talk_ms_max)


def count_connected(state: State, attempt: Attempt) -> None:
    """An agent or the IVR application has the person."""
    group = state.groups[attempt.group_id]
    group.totals.connected += 1
    if not attempt.mode.is_preview:
        if not attempt.mode.is_gvp:
            if is_person(attempt.verdict):
                group.budget.person(lost=False, mono_ms=state.mono_ms)
            group.aim.served(attempt.wait_ms)
        group.estimates.dialing_ended(state.mono_ms - attempt.dialed_at_ms)


def connect_failed(state: State, event: ConnectFailed) -> None:
    """The agent did not take the call; the person is still there."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if attempt.state is AttemptState.CONNECTING and attempt.agent_id is not None:
        _not_connected(state, attempt, event.reason)
    else:
        state.late_events += 1
    return None


def _not_connected(state: State, attempt: Attempt, reason: str) -> None:
    """Give the person back to the line; who did not answer the phone is taken out of it.

    An agent who was held on the line did nothing wrong: only the leg is given up. It may be the customer's that cannot
    be joined, and one call must not cost a whole team their legs.
    """
    assert attempt.agent_id is not None
    agent = state.agents[attempt.agent_id]
    attempt.agent_id = None
    if agent.call_id == attempt.call_id:
        agent.call_id = None
        if attempt.mode.is_seizing:
            attempt.joins_failed += 1
            give_up_leg(state, agent)
        else:
            agent_missed(state, agent, reason)
    state.move(attempt, AttemptSignal.CONNECT_FAILED)
    if attempt.joins_failed < JOINS_FAILED_MAX:
        seek_agent(state, attempt)
    else:
        drop(state, attempt)


def released(state: State, event: CallReleased) -> None:
    """The call has ended."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if attempt.sip_status is None:
        attempt.sip_status = event.sip_status
        attempt.q850_cause = event.q850_cause
    settle(state, attempt, RELEASED)
    return None


def rejected(state: State, event: DialRejected) -> None:
    """The server refused the dial request."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        return late(state, event, event.call_id)
    if attempt.state is AttemptState.REQUESTED:
        attempt.ending = Ending.REJECTED
        attempt.congested = event.congested
        settle(state, attempt, RELEASED)
    else:
        state.late_events += 1
    return None


def _was_past(state: State, attempt: Attempt, since_ms: Millis | None) -> bool:
    """A repeated sign of what a lost call had left behind says nothing: it does not take the call back there."""
    if attempt.state is not LOST or since_ms is None:
        return False
    state.late_events += 1
    return True


def given_up(state: State, attempt: Attempt) -> bool:
    """A lost call shows a sign of life after everybody has left it: it is ended. True: it was."""
    agent = state.agents.get(attempt.agent_id) if attempt.agent_id is not None else None
    abandoned = agent is not None and agent.call_id != attempt.call_id
    if attempt.ending is None and not abandoned:
        return False
    end_found(state, attempt)
    return True


def _note_accepted(state: State, attempt: Attempt) -> None:
    if attempt.accepted_at_ms is None:
        attempt.accepted_at_ms = state.mono_ms


def answered_again(state: State, attempt: Attempt) -> None:
    """A lost call was found answered: wait for its verdict, unless a person has been waiting in silence."""
    if attempt.person_at_ms is not None or attempt.connected_at_ms is not None or attempt.is_routed:
        end_found(state, attempt)
        return
    if attempt.answered_at_ms is None:
        attempt.answered_at_ms = state.mono_ms
    if attempt.mode.is_preview:
        _connect(state, attempt)
    else:
        state.arm_call(attempt, state.mono_ms + state.groups[attempt.group_id].settings.cpd_ms_max)


def end_found(state: State, attempt: Attempt) -> None:
    """A lost call was found where nobody would go on with it."""
    end_call(state, attempt, attempt.ending or Ending.LOST)


# --- deadlines ----------------------------------------------------------------------------------------------------


def deadline(state: State, call_id: CallId) -> None:
    """The attempt's deadline has passed; what that means depends on where it is."""
    attempt = state.attempts[call_id]
    _ON_DEADLINE[attempt.state](state, attempt)


def _ring_timeout(state: State, attempt: Attempt) -> None:
    end_call(state, attempt, Ending.RING_TIMEOUT)


def _not_accepted(state: State, attempt: Attempt) -> None:
    end_call(state, attempt, Ending.NOT_ACCEPTED)


def _verdict_timeout(state: State, attempt: Attempt) -> None:
    _person(state, attempt, Verdict.UNKNOWN, None)


def _connect_timeout(state: State, attempt: Attempt) -> None:
    if attempt.agent_id is not None:
        _not_connected(state, attempt, "no answer from the phone")
    else:
        end_call(state, attempt, Ending.STOPPED)


def _too_long(state: State, attempt: Attempt) -> None:
    end_call(state, attempt, Ending.STOPPED)


def _release_timeout(state: State, attempt: Attempt) -> None:
    """No word of the release: a call that was never answered may be ringing until its limit, others are over."""
    if attempt.answered_at_ms is None and state.mono_ms < attempt.rings_until_ms:
        state.emit(Release(attempt.call_id))
        state.arm_call(attempt, attempt.rings_until_ms)
    else:
        settle(state, attempt, AttemptSignal.GONE)


def lost_timeout(state: State, attempt: Attempt) -> None:
    """The node did not return with the call in time."""
    if attempt.ending is None:
        attempt.ending = Ending.LOST
    settle(state, attempt, AttemptSignal.GONE)


def _impossible(state: State, attempt: Attempt) -> None:
    state.move(attempt, AttemptSignal.AGENT_FOUND)  # never: settled attempts have no deadline


_ON_DEADLINE: dict[AttemptState, Callable[[State, Attempt], None]] = {
    AttemptState.REQUESTED: _not_accepted,
    AttemptState.PROCEEDING: _ring_timeout,
    AttemptState.ALERTING: _ring_timeout,
    AttemptState.ANSWERED: _verdict_timeout,
    AttemptState.WAITING: drop,
    AttemptState.CONNECTING: _connect_timeout,
    AttemptState.CONNECTED: _too_long,
    AttemptState.IN_IVR: _too_long,
    AttemptState.PLAYING: message_timeout,
    AttemptState.RELEASING: _release_timeout,
    LOST: lost_timeout,
    AttemptState.SETTLED: _impossible,
}
