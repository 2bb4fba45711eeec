"""Calls in flight, as the forecasts see them: from the request until it is known whether an agent is needed.

That is the verdict, and in GVP modes the moment at which the caller asks the IVR application for an agent, or leaves
it.
"""

from outdial.core.attempt import Attempt
from outdial.core.state import State


def taken_off(state: State, attempt: Attempt) -> None:
    """The call is requested. Preview calls are not forecast: they have their agent already."""
    if not attempt.mode.is_preview:
        attempt.is_in_flight = True
        group = state.groups[attempt.group_id]
        group.odds.dialed(state.mono_ms)
        group.estimates.attempt_dialed(state.mono_ms)


def picked_up(state: State, attempt: Attempt) -> None:
    """It was answered just now."""
    if attempt.is_in_flight:
        state.groups[attempt.group_id].odds.picked_up(attempt.dialed_at_ms, state.mono_ms)


def landed(state: State, attempt: Attempt, *, person: bool) -> None:
    """It is known whether it needs an agent. Once; what comes later says nothing new."""
    if not attempt.is_in_flight:
        return
    attempt.is_in_flight = False
    odds = state.groups[attempt.group_id].odds
    if attempt.answered_at_ms is None:
        odds.ended(attempt.dialed_at_ms, state.mono_ms)
    else:
        odds.judged_after(attempt.dialed_at_ms, attempt.answered_at_ms, state.mono_ms, person=person)


def vanished(state: State, attempt: Attempt) -> None:
    """Its node is lost: what becomes of it says nothing about calls."""
    group = state.groups[attempt.group_id]
    if attempt.is_in_flight:
        attempt.is_in_flight = False
        group.odds.forgotten(attempt.dialed_at_ms, attempt.answered_at_ms, state.mono_ms)
    if not attempt.is_resolved and not attempt.mode.is_preview:
        attempt.is_resolved = True
        group.estimates.attempt_lost(attempt.dialed_at_ms)
