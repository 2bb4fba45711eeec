"""Letting a person go who found no agent in time: with the drop message, where the group has one.

The person hears it at once, on the line, which keeps its port. The call is released when the message has ended, when it
cannot be played, or when its time is over. Whatever ends it, the call was dropped.

Source: 16 CFR 310.4(b)(4)(iii); Ofcom: information message. Ours: the rest (decision 0018).
"""

from outdial.core.abandonment_events import MessageEnded, MessageStarted
from outdial.core.attempt import Attempt, AttemptSignal, AttemptState
from outdial.core.commands import PlayMessage
from outdial.core.distribution import stop_waiting
from outdial.core.flights import landed
from outdial.core.results import Ending
from outdial.core.settlement import end_call, let_agent_go, resolve
from outdial.core.state import State


def drop(state: State, attempt: Attempt) -> None:
    """No agent came for a person who waits."""
    settings = state.groups[attempt.group_id].settings
    if not settings.drop_message:
        end_call(state, attempt, Ending.DROPPED)
        return
    attempt.ending = attempt.ending or Ending.DROPPED
    attempt.ended_at_ms = state.mono_ms
    stop_waiting(state, attempt)
    landed(state, attempt, person=False)
    resolve(state, attempt, person=False)
    let_agent_go(state, attempt)
    state.move(attempt, AttemptSignal.PLAY)
    state.emit(PlayMessage(attempt.call_id, settings.drop_message))
    state.arm_call(attempt, state.mono_ms + settings.drop_message_ms_max)


def message_started(state: State, event: MessageStarted) -> None:
    """The person hears the message."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        state.late_events += 1
    elif state.move(attempt, AttemptSignal.MESSAGE_STARTED):
        attempt.message_played = True


def message_ended(state: State, event: MessageEnded) -> None:
    """There is no more to hear."""
    attempt = state.attempts.get(event.call_id)
    if attempt is None:
        state.late_events += 1
    elif state.move(attempt, AttemptSignal.MESSAGE_ENDED):
        attempt.message_played = event.played
        end_call(state, attempt, Ending.DROPPED)


def message_timeout(state: State, attempt: Attempt) -> None:
    """The message has not ended in time."""
    assert attempt.state is AttemptState.PLAYING
    end_call(state, attempt, Ending.DROPPED)
