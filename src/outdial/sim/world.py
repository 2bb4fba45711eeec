"""The simulated world: takes commands, gives events.

A world has no clock of its own. Whoever drives it asks when the next thing is due, lets it happen at its time, and
hands the core's commands over as they come: `outdial.sim.run` in virtual time, the demonstration by a real clock.

    world.start()
    while (due := world.next_due()) is not None:
        while (event := world.pop_due(due)) is not None:
            for command in dialer.step(world.reading(due), event):
                world.carry_out(world.reading(due), command)

The parts: `Cluster` carries requests and reports, `Exchange` keeps the calls, `Callees` and `Workforce` are the people
at either end, `Lists` the records, `Faults` what goes wrong. Nothing here looks into the core.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import (
    AgentStateChanged,
    CancelRecord,
    Command,
    Connect,
    Dial,
    Disconnect,
    DisposeRecord,
    Engage,
    FetchCallbacks,
    FetchRecords,
    ForbidNumber,
    Join,
    OfferRecord,
    PlayMessage,
    QueryCalls,
    Release,
    ReleaseEngaging,
    Reply,
    ReturnRecord,
    SettleAttempt,
    StartIvr,
    SubscribePhones,
    Transfer,
    TreatRecord,
    WithdrawOffer,
)
from outdial.core.events import CallPhase, ConfigurationLoaded, Event, FetchFailed, RecordsFetched
from outdial.core.modes import DialingMode
from outdial.core.rules import RuleProfile
from outdial.core.settings import Agent, Configuration, Node
from outdial.core.units import SECOND_MS, AgentId, CallId, GroupId, ListId, Millis, NodeId, Now, RecordId, ServerId
from outdial.sim.callees import Callees
from outdial.sim.calls import DoubleDial, Exchange
from outdial.sim.clock import Agenda, Calendar
from outdial.sim.cluster import Cluster
from outdial.sim.draws import Stream, uniform
from outdial.sim.faults import Faults
from outdial.sim.lists import Lists, SyntheticSource
from outdial.sim.messages import Messages
from outdial.sim.servers import Call, Handler, Link
from outdial.sim.settings import ListShape, WorldSettings
from outdial.sim.workforce import Workforce

STORE_PATIENCE_MS: Millis = SECOND_MS
"""How long the driver waits for a record store that does not answer. Unit: ms."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call that is really alive, whatever the core thinks."""

    call_id: CallId
    group_id: GroupId
    node_id: NodeId
    server_id: ServerId
    number: str
    is_engaging: bool
    record_id: RecordId
    """0 for an engaging call."""
    phase: CallPhase


@dataclass(frozen=True, slots=True)
class GroundTruth:
    """What is really so, for checkers."""

    calls: tuple[LiveCall, ...]
    """In the order in which they began."""
    links_up: tuple[ServerId, ...]
    """Servers that the core's driver is connected to."""
    ports_used: Mapping[ServerId, int]
    """Ports in use per server."""
    claimed: Mapping[ListId, int]
    """Chains handed out to the core per list."""
    strays: tuple[str, ...]
    """Orders about records that nobody had claimed. Anything here is a bug."""
    double_dials: tuple[DoubleDial, ...]
    """Numbers dialed while a call to them was alive."""


class World:
    """Everything outside of the core, simulated.

    Attributes:
        calendar: UTC.
        cluster: nodes and links.
        exchange: calls.
        messages: what callees hear who found nobody.
        workforce: agents and phones.
        lists: records.
        faults: what goes wrong.
        replies: answers to operator's requests that were refusals; bounded.
        next_due: `next_due()` is when the next thing happens. Unit: monotonic ms. None: nothing ever will.
        pop_due: `pop_due(mono_ms)` lets things happen up to the next one that the core is to hear of, and returns that
            event. None: nothing more until then.
    """

    def __init__(
        self, configuration: Configuration, settings: WorldSettings, seed: int, lists: Lists | None = None
    ) -> None:
        """Build the world; nothing happens yet.

        Args:
            configuration: nodes, agents, groups and lists. Those of later `ConfigurationLoaded` operator acts exist
                from the start as well.
            settings: every knob.
            seed: all luck.
            lists: records to dial. None: synthetic ones of the shapes in `settings`.
        """
        configurations = [configuration] + [
            act.event.configuration for act in settings.operator_acts if isinstance(act.event, ConfigurationLoaded)
        ]
        nodes = {node.dbid: node for each in configurations for node in each.nodes}
        agents = {agent.dbid: agent for each in configurations for agent in each.agents}
        self.configuration = configuration
        self.settings = settings
        self.calendar = Calendar(settings.start_utc_ms)
        self.replies: list[Reply] = []
        self._agenda = Agenda()
        self.lists = lists if lists is not None else _synthetic(configurations, settings)
        if any(profile.needs_facts for each in configurations for profile in _profiles(each)):
            self.lists.keep_history()
        self._build(tuple(nodes.values()), tuple(agents.values()), seed)
        self._store_ms = uniform(*settings.store_ms)
        self._store_luck = Stream(seed, "store")
        self._preview_groups = _preview_groups(configurations)
        self._handlers = self._table()
        self.next_due = self._agenda.next_due
        self.pop_due = self._agenda.pop_due

    def _build(self, nodes: tuple[Node, ...], agents: tuple[Agent, ...], seed: int) -> None:
        settings, agenda = self.settings, self._agenda
        self.cluster = Cluster(nodes, settings, agenda, seed)
        self.workforce = Workforce(agents, settings.workforce, agenda, seed)
        self.workforce.words.utc_ms = self.calendar.utc_ms
        callees = Callees(settings.callees, settings.ivr, seed)
        self.exchange = Exchange(agenda, self.cluster, self.workforce, callees, self.lists)
        self.messages = Messages(self.exchange, agenda)
        self.faults = Faults(settings.faults, self.cluster, self.workforce, self.calendar, agenda, seed)

    # --- driving ------------------------------------------------------------------------------

    def start(self) -> None:
        """Note when agents come, what operators do, and what goes wrong."""
        self.workforce.start(self._preview_groups)
        self.faults.start()
        for act in self.settings.operator_acts:
            self._agenda.add(act.at_ms, self._operate, act.event)

    def stop_faults(self, at_ms: Millis) -> None:
        """Put everything right; from now on nothing goes wrong."""
        self.faults.stop(at_ms)

    def utc_ms(self, mono_ms: Millis) -> Millis:
        """UTC at an instant of monotonic time."""
        return self.calendar.utc_ms(mono_ms)

    def reading(self, mono_ms: Millis) -> Now:
        """Both clocks, as the core wants them."""
        return self.calendar.reading(mono_ms)

    def carry_out(self, now: Now, command: Command) -> None:
        """Act on a command; its answers become due later."""
        self._handlers[type(command)](now.mono_ms, command)

    def tell(self, event: Event) -> None:
        """Let the core hear something at once: an operator's request from outside of the script."""
        self._agenda.emit(event)

    def _operate(self, _at_ms: Millis, _serial: int, event: Event) -> None:
        self._agenda.emit(event)

    # --- what is really so --------------------------------------------------------------------

    @property
    def live_calls(self) -> Mapping[CallId, Call]:
        """Calls alive now. A view, cheap enough for every step."""
        return self.exchange.calls

    def ground_truth(self) -> GroundTruth:
        """Everything that a checker may want to compare with, copied."""
        servers = self.cluster.servers.values()
        return GroundTruth(
            calls=tuple(
                LiveCall(
                    call.call_id,
                    call.group_id,
                    call.server.node.node_id,
                    call.server.server_id,
                    call.number,
                    call.is_engaging,
                    call.record_id,
                    call.phase,
                )
                for call in self.exchange.calls.values()
            ),
            links_up=tuple(server.server_id for server in servers if server.link is Link.UP),
            ports_used={server.server_id: server.ports_used for server in servers},
            claimed=self.lists.claimed_counts(),
            strays=tuple(self.lists.strays),
            double_dials=tuple(self.exchange.double_dials),
        )

    # --- commands -----------------------------------------------------------------------------

    def _table(self) -> dict[type, Callable[[Millis, Any], None]]:
        exchange = self.exchange
        return {
            Connect: self._connect,
            Disconnect: self._disconnect,
            QueryCalls: self._to_server(exchange.query),
            SubscribePhones: self._to_server(self.cluster.subscribe),
            Dial: self._new_call,
            Engage: self._new_call,
            Transfer: self._about_call(exchange.transfer),
            Join: self._about_call(exchange.join),
            StartIvr: self._about_call(exchange.start_ivr),
            PlayMessage: self._about_call(self.messages.play),
            Release: self._about_call(exchange.release),
            ReleaseEngaging: self._about_call(exchange.release),
            OfferRecord: self._offer,
            WithdrawOffer: self._withdraw,
            AgentStateChanged: self._show_agent,
            FetchRecords: self._fetch,
            FetchCallbacks: self._fetch_callbacks,
            ForbidNumber: self._forbid,
            ReturnRecord: self._return,
            CancelRecord: self._cancel,
            TreatRecord: self._treat,
            DisposeRecord: self._dispose,
            SettleAttempt: self._settle,
            Reply: self._reply,
        }

    def _connect(self, now_ms: Millis, command: Connect) -> None:
        self.cluster.connect(now_ms, self.cluster.servers[command.server_id])

    def _disconnect(self, now_ms: Millis, command: Disconnect) -> None:
        self.cluster.disconnect(now_ms, self.cluster.servers[command.server_id])

    def _new_call(self, now_ms: Millis, command: Dial | Engage) -> None:
        self.exchange.send(now_ms, self.cluster.servers[command.server_id], command)

    def _to_server(self, handler: Handler) -> Callable[[Millis, Any], None]:
        """Commands that name their server."""
        send, servers = self.cluster.send, self.cluster.servers

        def carry_out(now_ms: Millis, command: Any) -> None:
            send(now_ms, servers[command.server_id], handler, command)

        return carry_out

    def _about_call(self, handler: Handler) -> Callable[[Millis, Any], None]:
        """Commands about a call: they go to the server that has it."""
        exchange, send = self.exchange, self.cluster.send

        def carry_out(now_ms: Millis, command: Any) -> None:
            server = exchange.server_of(command.call_id)
            if server is not None:
                send(now_ms, server, handler, command)
            else:
                exchange.answer_unknown(now_ms, command)

        return carry_out

    def _offer(self, now_ms: Millis, command: OfferRecord) -> None:
        self.workforce.offer(now_ms, command.agent_id)

    def _withdraw(self, now_ms: Millis, command: WithdrawOffer) -> None:
        self.workforce.withdraw(now_ms, command.agent_id)

    def _show_agent(self, now_ms: Millis, command: AgentStateChanged) -> None:
        self.workforce.see(now_ms, command.agent_id, command.state)

    def _fetch(self, now_ms: Millis, command: FetchRecords) -> None:
        self._agenda.add(now_ms + self._store_luck.draw(self._store_ms), self._claim, command)

    def _claim(self, at_ms: Millis, serial: int, command: FetchRecords) -> None:
        if at_ms < self.faults.store_down_until_ms:
            self._agenda.add(at_ms + STORE_PATIENCE_MS, self._fail_fetch, command)
            return
        chains, exhausted, next_due = self.lists.claim(
            self.calendar.utc_ms(at_ms),
            command.lists,
            command.chains_max,
            command.group_id,
            command.priorities,
            with_facts=command.with_facts,
        )
        self._agenda.emit(RecordsFetched(command.group_id, command.fetch_id, chains, exhausted, next_due))

    def _fetch_callbacks(self, now_ms: Millis, command: FetchCallbacks) -> None:
        self._agenda.add(now_ms + self._store_luck.draw(self._store_ms), self._claim_callbacks, command)

    def _claim_callbacks(self, at_ms: Millis, serial: int, command: FetchCallbacks) -> None:
        if at_ms < self.faults.store_down_until_ms:
            self._agenda.add(at_ms + STORE_PATIENCE_MS, self._fail_fetch, command)
            return
        chains, next_due = self.lists.claim_callbacks(self.calendar.utc_ms(at_ms), command)
        self._agenda.emit(CallbacksFetched(command.group_id, command.fetch_id, chains, next_due))

    def _fail_fetch(self, _at_ms: Millis, _serial: int, command: FetchRecords | FetchCallbacks) -> None:
        self._agenda.emit(FetchFailed(command.group_id, command.fetch_id, "the record store does not answer"))

    def _return(self, _now_ms: Millis, command: ReturnRecord) -> None:
        self.lists.put_back(command.list_id, command.record_id, command.not_before_utc_ms)

    def _cancel(self, _now_ms: Millis, command: CancelRecord) -> None:
        self.lists.cancel(command.list_id, command.record_id, command.call_result)

    def _treat(self, _now_ms: Millis, command: TreatRecord) -> None:
        self.lists.treat(command)

    def _dispose(self, _now_ms: Millis, command: DisposeRecord) -> None:
        self.lists.dispose(command)

    def _settle(self, _now_ms: Millis, command: SettleAttempt) -> None:
        self.lists.settle(command)

    def _forbid(self, _now_ms: Millis, _command: ForbidNumber) -> None:
        """The dialer remembers the number itself, for as long as a world lasts."""

    def _reply(self, _now_ms: Millis, command: Reply) -> None:
        if not command.ok and len(self.replies) < REPLIES_MAX:
            self.replies.append(command)


REPLIES_MAX = 100
"""Refused operator's requests that are remembered."""


def _synthetic(configurations: list[Configuration], settings: WorldSettings) -> Lists:
    shapes = {shape.list_id: shape for shape in settings.lists}
    ids = {calling_list.dbid: None for each in configurations for calling_list in each.calling_lists}
    return Lists([SyntheticSource(shapes.get(list_id, ListShape(list_id))) for list_id in ids])


def _profiles(configuration: Configuration) -> list[RuleProfile]:
    found = [profile for calling_list in configuration.calling_lists for profile in calling_list.rules]
    return found + [profile for campaign in configuration.campaigns for profile in campaign.rules]


def _preview_groups(configurations: list[Configuration]) -> dict[AgentId, list[GroupId]]:
    """Groups whose agents ask for records (preview, not push preview), by agent."""
    found: dict[AgentId, list[GroupId]] = {}
    for each in configurations:
        members = {group.dbid: group.agents for group in each.agent_groups}
        for group in each.campaign_groups:
            if group.dialing_mode is DialingMode.PREVIEW and group.agent_group is not None:
                for agent_id in members.get(group.agent_group, ()):
                    groups = found.setdefault(agent_id, [])
                    if group.dbid not in groups:
                        groups.append(group.dbid)
    return found
