"""Invariants, watched after every step of a simulation: the observer that puts all checkers together.

A checker is an independent observer. It keeps its own account of what events and commands have said
(`checks_picture.py`), and compares it with the dialer's memory, which it only reads, and with what is really so in the
world. What is broken is raised as a `Violation`: the name of the checker, the numbers, the event.

| what must hold (design, section 7)    | checkers                                       | module          |
|---------------------------------------|------------------------------------------------|-----------------|
| 1 leases in a pool; each leg has one  | pool, lease, node ledger, pool size            | checks_ports    |
| 2 no lease beyond a maximum           | maximum, shares                                | checks_ports    |
| 3 nothing twice, nothing lost         | call, number, settlement, record               | checks_calls    |
|                                       | callback                                       | checks_callbacks|
| 4 nothing dialed that may not be      | inactive node, draining node, prime lost,      | checks_dialing  |
|                                       | calling hours, do not call, stopped group,     |                 |
|                                       | no agents, agent not free, call rate           |                 |
|                                       | attempts, left alone, calling hours            | checks_rules    |
| 5 every node in turn                  | rotation, least loaded                         | checks_cluster  |
| 6 seizing groups on their dialer node | dialer node, links                             | checks_cluster  |
| 7 progress, and rest in the end       | idle, no progress, hang, at rest               | checks_liveness |
|                                       | connection, orphan                             | checks_world    |
| 8 bounded work, bounded memory        | work, growth                                   | checks_work     |
| abandoned calls: as the callee saw it | abandonment                                    | checks_abandon… |
| agents: one call each, in turn        | agent, registry, longest idle                  | checks_agents   |

After every step only what the step was about is looked at, and counts; every `sweep_every` steps everything is.

A checker counts only after it has caught a planted bug: `tests/sim/test_checkers.py`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from outdial.core import commands as c
from outdial.core import events as e
from outdial.core.callback_events import CallbackRequested, CallbacksFetched, DispositionGiven
from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.core.units import Now
from outdial.sim.checks_abandonment import AbandonmentChecks
from outdial.sim.checks_agents import AgentChecks
from outdial.sim.checks_callbacks import CallbackChecks
from outdial.sim.checks_calls import CallChecks
from outdial.sim.checks_cluster import ClusterChecks
from outdial.sim.checks_dialing import DialingChecks
from outdial.sim.checks_liveness import LivenessChecks
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_ports import PortChecks
from outdial.sim.checks_requests import RequestsSeen
from outdial.sim.checks_seen import LOGGED_OUT, Violation
from outdial.sim.checks_work import WorkChecks
from outdial.sim.checks_world import WorldChecks
from outdial.sim.world import World

__all__ = ["Checkers", "Violation"]

SWEEP_EVERY = 500
"""Steps between two sweeps, unless somebody asks for others. Ours: a sweep costs as much as some hundred steps."""


class Checkers:
    """All checkers, as one observer of a simulation."""

    def __init__(
        self, dialer: Dialer, world: World, configuration: Configuration, *, sweep_every: int = SWEEP_EVERY
    ) -> None:
        """Watch from before the first step.

        Args:
            dialer: the core; only read.
            world: everything else; only read.
            configuration: what will be loaded first (it is read when its event comes).
            sweep_every: steps between two sweeps over everything. Range: ≥ 1.
        """
        self.steps = 0
        self._sweep_every = sweep_every
        self._picture = picture = Picture(dialer, world)
        self._ports = PortChecks(picture)
        self._calls = CallChecks(picture)
        self._abandonment = AbandonmentChecks(picture)
        self._dialing = DialingChecks(picture, self._calls)
        self._callbacks = CallbackChecks(picture, self._calls, self._dialing.rules)
        self._cluster = ClusterChecks(picture, self._dialing)
        self._requests = RequestsSeen(picture, self._cluster)
        self._agents = AgentChecks(picture)
        self._liveness = LivenessChecks(picture, self._calls)
        self._work = WorkChecks(picture)
        self._world = WorldChecks(picture)
        self._on_event = self._event_table()
        self._on_command = self._command_table()

    def after_step(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step is done: take it in, and compare.

        Raises:
            Violation: an invariant is broken.
        """
        picture = self._picture
        picture.mono_ms, picture.utc_ms = now
        picture.event = event
        kind = type(event)
        on_event = self._on_event.get(kind)
        if on_event is not None:
            on_event(event)
        if kind is e.DeadlineReached or kind is e.CallsReported:
            self._calls.find_ended(sum(type(command) is c.Engage for command in commands))
        on_command = self._on_command
        for command in commands:
            handler = on_command.get(type(command))
            if handler is not None:
                handler(command)
        self._calls.after_step()
        self._ports.after_step()
        self._work.after_step(event, commands)
        self._look_at_touched()
        self._liveness.after_step()
        self._world.after_step()
        self.steps += 1
        if self.steps % self._sweep_every == 0:
            self.sweep()

    def at_end(self, now: Now) -> None:
        """The run is over and everything should be at rest.

        Raises:
            Violation: an invariant is broken.
        """
        picture = self._picture
        picture.mono_ms, picture.utc_ms = now
        self.sweep()
        self._liveness.at_end()

    def sweep(self) -> None:
        """Compare everything."""
        self._ports.sweep()
        self._calls.sweep()
        self._callbacks.sweep()
        self._agents.sweep()
        self._work.sweep()
        for leg in self._picture.legs.values():
            self._ports.look(leg)

    def _look_at_touched(self) -> None:
        picture = self._picture
        if picture.touched_calls:
            for call_id in picture.touched_calls:
                self._calls.look(call_id)
                leg = picture.legs.get(call_id)
                if leg is not None:
                    self._ports.look(leg)
            picture.touched_calls.clear()
        if picture.touched_agents:
            for agent_id in picture.touched_agents:
                self._agents.look(agent_id)
            picture.touched_agents.clear()
        picture.has_log_in_out = False

    # --- events -----------------------------------------------------------------------------------

    def _event_table(self) -> dict[type, Callable[[Any], None]]:
        return {
            e.ConfigurationLoaded: self._configuration_loaded,
            e.GroupStartRequested: self._requests.group_started,
            e.GroupStopRequested: self._requests.group_stopped,
            e.GroupPauseRequested: self._requests.group_paused,
            e.GroupResumeRequested: self._requests.group_resumed,
            e.NodeDrainRequested: self._requests.node_drained,
            e.NodePromoteRequested: self._requests.node_promoted,
            e.NodeEnableRequested: self._requests.node_enabled,
            e.ServerConnected: self._server_connected,
            e.ServerLost: self._server_lost,
            e.CallsReported: self._calls.reported,
            e.DialAccepted: self._sign_of_life,
            e.CalleeAlerting: self._sign_of_life,
            e.CalleeAnswered: _each(self._abandonment.answered, self._sign_of_life),
            e.VerdictReached: _each(self._abandonment.judged, self._sign_of_life),
            e.IvrStarted: _each(self._abandonment.met, self._sign_of_life),
            e.MessageStarted: _each(self._abandonment.message_started, self._sign_of_life),
            e.MessageEnded: _each(self._abandonment.message_ended, self._sign_of_life),
            e.AbandonmentFound: self._abandonment.found,
            e.CallConnected: _each(self._sign_of_life, self._calls.connected, self._abandonment.met),
            e.ConnectFailed: self._touch_call,
            e.CallReleased: self._touch_call,
            e.DialRejected: self._leg_ended,
            e.EngagingAccepted: self._sign_of_life,
            e.AgentEngaged: self._agent_engaged,
            e.EngagingReleased: self._leg_ended,
            e.AgentLoggedIn: self._agent_logged_in,
            e.AgentLoggedOut: self._agent_left,
            e.AgentBecameReady: self._touch_agent,
            e.AgentBecameNotReady: self._agent_left,
            e.AgentLeaveAnnounced: self._leave_announced,
            e.HangUpRequested: self._touch_agent,
            e.PhoneStateChanged: self._phone_changed,
            DispositionGiven: self._callbacks.said,
            CallbackRequested: self._callbacks.said,
            e.RecordsFetched: _each(self._callbacks.fetched, self._calls.fetched),
            CallbacksFetched: _each(self._callbacks.callbacks_fetched, self._calls.fetched),
            e.DoNotCallAdded: self._do_not_call,
            e.RecordCancelled: self._calls.forbidden,
        }

    def _configuration_loaded(self, event: e.ConfigurationLoaded) -> None:
        self._picture.load(event.configuration)
        self._dialing.load()
        self._cluster.load()
        self._agents.load()
        self._work.load()
        self._ports.check_sizes()
        self._cluster.check_links()

    def _server_connected(self, event: e.ServerConnected) -> None:
        picture = self._picture
        node_id = picture.node_of.get(event.server_id)
        was_active = node_id is None or picture.in_use[node_id] is not None
        picture.connected(event)
        if node_id is not None and not was_active:
            self._dialing.activated(node_id)
        self._ports.check_sizes()
        self._cluster.check_links()

    def _server_lost(self, event: e.ServerLost) -> None:
        self._picture.lost(event)
        self._ports.check_sizes()
        self._cluster.check_links()

    def _touch_call(self, event: e.CallReleased | e.ConnectFailed) -> None:
        self._picture.touched_calls[event.call_id] = None

    def _sign_of_life(self, event: Any) -> None:
        """The server knows the call that the event is about."""
        picture = self._picture
        picture.touched_calls[event.call_id] = None
        leg = picture.legs.get(event.call_id)
        if leg is not None:
            leg.lost_at_ms = None

    def _agent_engaged(self, event: e.AgentEngaged) -> None:
        self._sign_of_life(event)
        leg = self._picture.engaging.get(event.call_id)
        if leg is not None:
            leg.is_engaged = True
            if leg.agent_id is not None:
                self._picture.touched_agents[leg.agent_id] = None

    def _leg_ended(self, event: e.EngagingReleased | e.DialRejected) -> None:
        picture = self._picture
        picture.touched_calls[event.call_id] = None
        leg = picture.engaging.get(event.call_id)
        if leg is not None and event.call_id not in picture.state.engagings:
            picture.end(leg)

    def _agent_logged_in(self, event: e.AgentLoggedIn) -> None:
        self._picture.sign_in(event.agent_id, event.phone)
        self._picture.touched_agents[event.agent_id] = None

    def _touch_agent(
        self, event: e.AgentLoggedOut | e.AgentBecameReady | e.AgentBecameNotReady | e.HangUpRequested
    ) -> None:
        self._picture.touched_agents[event.agent_id] = None

    def _agent_left(self, event: e.AgentLoggedOut | e.AgentBecameNotReady) -> None:
        """What was announced has come, or come to nothing."""
        self._touch_agent(event)
        seen = self._picture.agents.get(event.agent_id)
        if seen is not None:
            seen.leaves_at_ms = None

    def _leave_announced(self, event: e.AgentLeaveAnnounced) -> None:
        seen = self._picture.agents.get(event.agent_id)
        if seen is not None and seen.state != LOGGED_OUT:
            seen.leaves_at_ms = event.leaves_at_mono_ms

    def _phone_changed(self, event: e.PhoneStateChanged) -> None:
        picture = self._picture
        agent_id = picture.phones.get(event.phone)
        if agent_id is not None and event.node_id == picture.prime_id:
            picture.agents[agent_id].phone_state = event.state
            picture.touched_agents[agent_id] = None
            self._agents.changed(agent_id)

    def _do_not_call(self, event: e.DoNotCallAdded | c.ForbidNumber) -> None:
        self._picture.do_not_call[event.number] = None

    # --- commands ---------------------------------------------------------------------------------

    def _command_table(self) -> dict[type, Callable[[Any], None]]:
        return {
            c.QueryCalls: self._calls.asked,
            c.Dial: self._dial,
            c.Engage: self._engage,
            c.Transfer: self._transfer,
            c.Join: self._join,
            c.StartIvr: self._start_ivr,
            c.PlayMessage: self._start_ivr,
            c.Release: self._release,
            c.ReleaseEngaging: self._release,
            c.OfferRecord: self._offer,
            c.AgentStateChanged: self._agent_state_changed,
            c.ReturnRecord: self._calls.returned,
            c.CancelRecord: _each(self._calls.cancelled, self._callbacks.treated),
            c.TreatRecord: _each(self._calls.treated, self._callbacks.treated),
            c.DisposeRecord: self._callbacks.disposed,
            c.ForbidNumber: self._do_not_call,
            c.SettleAttempt: _each(
                self._calls.settled,
                self._callbacks.settled,
                self._abandonment.settled,
                self._dialing.rules.settled,
            ),
            c.Reply: self._callbacks.replied,
        }

    def _dial(self, command: c.Dial) -> None:
        picture = self._picture
        leg = picture.customer_leg(command)
        self._callbacks.dialed(command)
        self._dialing.dialed(command, leg)
        self._cluster.placed(leg)
        self._ports.leased(leg)
        self._calls.dialed(command, leg)
        self._liveness.progressed(command.group_id)
        picture.file(leg)
        if command.agent_id is not None:
            seen = picture.agents[command.agent_id]
            seen.offer, seen.call_id = None, command.call_id
            picture.touched_agents[command.agent_id] = None

    def _engage(self, command: c.Engage) -> None:
        picture = self._picture
        leg = picture.engaging_leg(command)
        self._dialing.engaged(command, leg)
        self._cluster.placed(leg)
        self._ports.leased(leg)
        self._calls.numbered(leg)
        self._liveness.progressed(command.group_id)
        picture.file(leg)
        picture.agents[command.agent_id].leg_id = command.call_id
        picture.touched_agents[command.agent_id] = None
        self._agents.changed(command.agent_id)

    def _transfer(self, command: c.Transfer) -> None:
        self._dialing.transferred(command)
        self._agents.transferred(command)
        self._picture.touched_calls[command.call_id] = None

    def _join(self, command: c.Join) -> None:
        self._dialing.joined(command)
        self._agents.joined(command)
        self._picture.touched_calls[command.call_id] = None

    def _start_ivr(self, command: c.StartIvr | c.PlayMessage) -> None:
        self._picture.touched_calls[command.call_id] = None

    def _release(self, command: c.Release | c.ReleaseEngaging) -> None:
        picture = self._picture
        picture.touched_calls[command.call_id] = None
        leg = picture.legs.get(command.call_id)
        if leg is None:
            return
        if leg.released_at_ms is None:
            leg.released_at_ms = picture.mono_ms
        if leg.is_engaging and leg.agent_id is not None:
            picture.touched_agents[leg.agent_id] = None

    def _offer(self, command: c.OfferRecord) -> None:
        self._callbacks.offered(command)
        self._dialing.offered(command)
        self._calls.offered(command)
        self._agents.offered(command)
        self._liveness.progressed(command.group_id)
        self._picture.touched_agents[command.agent_id] = None

    def _agent_state_changed(self, command: c.AgentStateChanged) -> None:
        picture = self._picture
        seen = picture.agents.get(command.agent_id)
        if seen is not None:
            picture.show(seen, command.state)
            self._agents.told(command)
            self._agents.changed(command.agent_id)


def _each(*notes: Callable[[Any], None]) -> Callable[[Any], None]:
    """Several checks that look at the same thing, in this order."""

    def take_in(what: Any) -> None:
        for note in notes:
            note(what)

    return take_in
