"""The front door: one event in, commands out. It routes and never decides.

A step does, in this order: the event itself, then the shares of pools that something happened to, then dialing for
groups that may be able to dial. It ends with everything worked out, and the next one starts from a settled state.

    >>> dialer = Dialer()
    >>> commands = dialer.step(Now(0, 0), ConfigurationLoaded(configuration))

An empty dialer plus a journal of `(now, event)` *is* the state: replaying it gives the same commands.
"""

from collections.abc import Callable
from typing import Any

from outdial.core import (
    callable_records,
    callbacks,
    calls,
    campaign_accounts,
    cluster,
    desks,
    dropping,
    group_control,
    ivr,
    port_shares,
    preview,
    roster,
    seizing,
    words,
)
from outdial.core import events as e
from outdial.core.callback_events import CallbackRequested, CallbacksFetched, DispositionGiven
from outdial.core.commands import Command
from outdial.core.deadlines import Timer
from outdial.core.dialing import dial_dirty
from outdial.core.errors import InvariantViolated
from outdial.core.leaving import leave_announced, leave_due
from outdial.core.snapshot import Snapshot
from outdial.core.state import State
from outdial.core.units import GroupId, Millis, Now
from outdial.core.views import Views, take_snapshot

DEADLINES_PER_STEP_MAX = 100
"""Deadlines that one step handles; the rest are due at once in the next. Ours: bounds the work of a step."""


class Dialer:
    """The outbound contact server without its outside."""

    def __init__(self) -> None:
        self.state = State()

    def step(self, now: Now, event: e.Event) -> list[Command]:
        """Take in one fact and say what is to be done.

        Args:
            now: both clocks. `mono_ms` must not be before that of the last step.
            event: the fact.

        Returns:
            Commands in the order in which they are to be carried out.

        Raises:
            InvariantViolated: a bug; the dialer must not be used any more.
        """
        state = self.state
        if now.mono_ms < state.mono_ms:
            raise InvariantViolated(f"time runs backwards: {now.mono_ms} after {state.mono_ms}")
        state.start_step(now)
        _HANDLERS[type(event)](state, event)
        if state.stale_pools:
            port_shares.share_stale(state)
        if state.dirty or state.freed_pools:
            dial_dirty(state)
        return state.commands

    def next_deadline(self) -> Millis | None:
        """When the core wants a `DeadlineReached` at the latest. Monotonic ms; None: no deadline is armed."""
        return self.state.deadlines.next_at()

    def snapshot(self) -> Snapshot:
        """Everything that people may want to see, with reasons."""
        return take_snapshot(self.state)

    @property
    def views(self) -> Views:
        """The same, one object at a time."""
        return Views(self.state)


def _deadline_reached(state: State, event: e.DeadlineReached) -> None:
    for _ in range(DEADLINES_PER_STEP_MAX):
        key = state.deadlines.pop_due(state.mono_ms)
        if key is None:
            return
        _TIMERS[key[0]](state, key[1])


def _look_again(state: State, group_id: GroupId) -> None:
    if group_id in state.groups:
        state.touch(group_id)


def _rejected(state: State, event: e.DialRejected) -> None:
    if event.call_id in state.engagings:
        seizing.rejected(state, event)
    else:
        calls.rejected(state, event)


def _record_cancelled(state: State, event: e.RecordCancelled) -> None:
    if not (callbacks.cancelled(state, event) or preview.cancel_offered(state, event)):
        callable_records.cancelled(state, event)


def _do_not_call(state: State, event: e.DoNotCallAdded) -> None:
    state.do_not_call[event.number] = None


_TIMERS: dict[Timer, Callable[[State, int], None]] = {
    Timer.CALL: calls.deadline,
    Timer.ENGAGING: seizing.deadline,
    Timer.AGENT: desks.deadline,
    Timer.GROUP: _look_again,
    Timer.FETCH: callable_records.deadline,
    Timer.SERVER: cluster.deadline,
    Timer.NODE: cluster.audit,
    Timer.POOL: port_shares.deadline,
    Timer.LEAVE: leave_due,
    Timer.CALLBACKS: callbacks.deadline,
}

_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    e.DeadlineReached: _deadline_reached,
    e.ConfigurationLoaded: roster.apply,
    e.GroupStartRequested: group_control.start_requested,
    e.GroupStopRequested: group_control.stop_requested,
    e.GroupPauseRequested: group_control.pause_requested,
    e.GroupResumeRequested: group_control.resume_requested,
    e.GroupModeChangeRequested: group_control.mode_change_requested,
    e.NodeDrainRequested: group_control.drain_requested,
    e.NodeEnableRequested: group_control.enable_requested,
    e.NodePromoteRequested: group_control.promote_requested,
    e.StatisticsFound: group_control.statistics_found,
    e.AbandonmentFound: campaign_accounts.abandonment_found,
    e.ServerConnected: cluster.connected,
    e.ServerLost: cluster.lost,
    e.CallsReported: cluster.reported,
    e.DialAccepted: calls.accepted,
    e.CalleeAlerting: calls.alerting,
    e.CalleeAnswered: calls.answered,
    e.VerdictReached: calls.verdict_reached,
    e.CallConnected: calls.connected,
    e.ConnectFailed: calls.connect_failed,
    e.IvrStarted: ivr.started,
    e.IvrAgentRequested: ivr.agent_requested,
    e.MessageStarted: dropping.message_started,
    e.MessageEnded: dropping.message_ended,
    e.CallReleased: calls.released,
    e.DialRejected: _rejected,
    e.EngagingAccepted: seizing.accepted,
    e.AgentEngaged: seizing.engaged,
    e.EngagingReleased: seizing.released,
    e.AgentLoggedIn: desks.logged_in,
    e.AgentLoggedOut: desks.logged_out,
    e.AgentBecameReady: desks.became_ready,
    e.AgentBecameNotReady: desks.became_not_ready,
    e.AgentLeaveAnnounced: leave_announced,
    e.HangUpRequested: desks.hang_up,
    e.PhoneStateChanged: desks.phone_changed,
    e.PreviewRequested: preview.requested,
    e.PreviewAccepted: preview.accepted,
    e.PreviewRejected: preview.rejected,
    DispositionGiven: words.disposition_given,
    CallbackRequested: words.callback_requested,
    CallbacksFetched: callbacks.fetched,
    e.RecordsFetched: callable_records.fetched,
    e.FetchFailed: callable_records.fetch_failed,
    e.RecordsAdded: callable_records.added,
    e.DoNotCallAdded: _do_not_call,
    e.RecordCancelled: _record_cancelled,
    e.NumberCalled: callable_records.called_elsewhere,
}
