"""What observers have seen so far: their own account of links, calls, ports, agents and records.

A `Picture` is built from events and commands alone, the way somebody would who stands beside the dialer and writes
everything down. The dialer's memory is asked only for what nobody outside can know: the mode in which a group dials,
whether a late word of the server still counted, and which agents' legs the dialer has given up.

It files and never judges; the checkers (`checks_*.py`) compare it with the dialer's memory and with the world.
"""

from typing import NoReturn

from outdial.core.commands import Dial, Engage
from outdial.core.dialer import Dialer
from outdial.core.events import Event, PhoneState, ServerConnected, ServerLost
from outdial.core.modes import DialingMode
from outdial.core.records import Record
from outdial.core.rules import RuleProfile
from outdial.core.settings import (
    AgentGroup,
    CallingList,
    CampaignGroup,
    Configuration,
    DialerId,
    Node,
    PrimeNodeLoss,
)
from outdial.core.units import AgentGroupId, AgentId, CallId, GroupId, ListId, Millis, NodeId, RecordId, ServerId
from outdial.sim.checks_seen import LOGGED_OUT, Book, Leg, SeenAgent, Violation
from outdial.sim.world import World


class Picture:
    """Everything that was seen.

    Attributes:
        legs: calls that were ordered and have not ended.
        engaging: those to agents.
        numbers: numbers of customers' calls that have not ended.
        up: servers with a connection. Shape: {server: since when}.
        in_use: the server of each node that requests go to; None: the node is inactive.
        claims: records in the dialer's hands.
        logged_in: agents who are signed in, per agent group.
        touched_calls, touched_agents: what this step was about.
    """

    def __init__(self, dialer: Dialer, world: World) -> None:
        self.dialer = dialer
        self.state = dialer.state
        self.world = world
        self.mono_ms: Millis = 0
        self.utc_ms: Millis = 0
        self.event: Event | None = None

        self.configuration: Configuration | None = None
        self.groups: dict[GroupId, CampaignGroup] = {}
        self.lists: dict[ListId, CallingList] = {}
        self.agent_groups: dict[AgentGroupId, AgentGroup] = {}
        self.groups_of: dict[AgentId, tuple[AgentGroupId, ...]] = {}
        self.nodes: dict[NodeId, Node] = {}
        self.do_not_call: dict[str, None] = {}
        self.running: dict[GroupId, Millis] = {}
        """Running groups in start order, paused ones among them, and since when they run without a pause. Monotonic."""
        self.paused: dict[GroupId, None] = {}

        self.node_of: dict[ServerId, NodeId] = {}
        self.up: dict[ServerId, Millis] = {}
        self.in_use: dict[NodeId, ServerId | None] = {}
        self.active_since: dict[NodeId, Millis] = {}
        self.total_ports: dict[ServerId, int | None] = {}
        self.reporting: dict[NodeId, None] = {}
        """Nodes that have reported their ports."""
        self.queries: dict[ServerId, int] = {}
        """Questions for calls that are under way. Shape: {server: number}."""
        self.draining: dict[NodeId, None] = {}
        self.prime_id: NodeId | None = None
        self.promoted_id: NodeId | None = None
        """Prime node by an operator's word."""

        self.legs: dict[CallId, Leg] = {}
        self.engaging: dict[CallId, Leg] = {}
        self.numbers: dict[str, CallId] = {}
        self.last_call_id: CallId = 0
        self.books: dict[DialerId, Book] = {}
        self.on_node: dict[NodeId, int] = {}
        """Calls per node that hold a port."""
        self.claims: dict[RecordId, Record] = {}

        self.agents: dict[AgentId, SeenAgent] = {}
        self.phones: dict[str, AgentId] = {}
        self.logged_in: dict[AgentGroupId, int] = {}
        self.touched_calls: dict[CallId, None] = {}
        self.touched_agents: dict[AgentId, None] = {}
        self.has_log_in_out = False
        """Somebody signed in or out in this step."""

    def fail(self, checker: str, finding: str) -> NoReturn:
        """Raise a violation."""
        raise Violation(checker, finding, self.mono_ms, self.event)

    def rules_of_group(self, group_id: GroupId) -> tuple[RuleProfile, ...]:
        """Rule profiles of the campaign that a group dials."""
        campaign = self.groups[group_id].campaign
        campaigns = () if self.configuration is None else self.configuration.campaigns
        return next((each.rules for each in campaigns if each.dbid == campaign), ())

    # --- configuration and links ----------------------------------------------------------------

    def load(self, configuration: Configuration) -> None:
        """A configuration takes effect."""
        before = self.configuration.ocs.sip_cluster_prime_node if self.configuration is not None else None
        if before != configuration.ocs.sip_cluster_prime_node or self.promoted_id not in configuration.ocs.connections:
            self.promoted_id = None
        self.configuration = configuration
        self.groups.update({group.dbid: group for group in configuration.campaign_groups})
        wanted = {group.dbid for group in configuration.campaign_groups}
        self.running = {group_id: since_ms for group_id, since_ms in self.running.items() if group_id in wanted}
        self.paused = {group_id: None for group_id in self.paused if group_id in wanted}
        self.lists = {calling_list.dbid: calling_list for calling_list in configuration.calling_lists}
        self.agent_groups.update({group.dbid: group for group in configuration.agent_groups})
        self.do_not_call.update(dict.fromkeys(configuration.do_not_call))
        self._load_nodes({node.dbid: node for node in configuration.nodes})
        dialers = self.state.pools
        self.books = {dialer: self.books.get(dialer, Book()) for dialer in dialers}
        for leg in self.legs.values():
            if leg.dialer not in dialers:
                leg.dialer = None
        members: dict[AgentId, list[AgentGroupId]] = {agent.dbid: [] for agent in configuration.agents}
        for agent_group in configuration.agent_groups:
            for agent_id in agent_group.agents:
                members[agent_id].append(agent_group.dbid)
        self.groups_of = {agent_id: tuple(group_ids) for agent_id, group_ids in members.items()}
        for agent in configuration.agents:
            self.agents.setdefault(agent.dbid, SeenAgent(agent.dbid, phone=agent.phone))
        self.agents = {agent_id: seen for agent_id, seen in self.agents.items() if agent_id in self.state.agents}
        self.logged_in = dict.fromkeys(self.agent_groups, 0)
        for agent_id, seen in self.agents.items():
            self._count_logged_in(agent_id, int(seen.state != LOGGED_OUT))
        self.phones = {phone: agent_id for phone, agent_id in self.phones.items() if agent_id in self.agents}
        self._elect()
        self.touched_agents.update(dict.fromkeys(self.agents))

    def _load_nodes(self, wanted: dict[NodeId, Node]) -> None:
        for node_id, node in self.nodes.items():
            new = wanted.get(node_id)
            if node.backup is not None and (new is None or new.backup != node.backup):
                self._drop_server(node_id, node.backup)
                del self.node_of[node.backup]
            if new is None:
                self._drop_server(node_id, node_id)
                del self.node_of[node_id]
                self.draining.pop(node_id, None)
                self.reporting.pop(node_id, None)
                for leg in self.legs.values():
                    if leg.node_id == node_id:
                        leg.is_on_node = False
        for node_id, node in wanted.items():
            self.node_of[node_id] = node_id
            if node.backup is not None:
                self.node_of[node.backup] = node_id
        self.nodes = wanted
        self.in_use = {node_id: self.in_use.get(node_id) for node_id in wanted}
        self.on_node = {node_id: self.on_node.get(node_id, 0) for node_id in wanted}

    def connected(self, event: ServerConnected) -> None:
        """A connection is up: it is used if its node had none."""
        node_id = self.node_of.get(event.server_id)
        if node_id is None:
            return
        self.up.setdefault(event.server_id, self.mono_ms)
        self.total_ports[event.server_id] = event.total_ports
        if self.in_use[node_id] is None:
            self.in_use[node_id] = event.server_id
            self.active_since[node_id] = self.mono_ms
            self._elect()
        if self.in_use[node_id] == event.server_id:
            self.reporting.pop(node_id, None)
            if event.total_ports is not None:
                self.reporting[node_id] = None

    def node_ports(self, node_id: NodeId) -> int | None:
        """Ports that the node reports; None: it reports none, or is inactive."""
        server_id = self.in_use[node_id]
        return self.total_ports.get(server_id) if server_id is not None else None

    def lost(self, event: ServerLost) -> None:
        """A connection is gone: the node goes on with its other one, if that is up."""
        node_id = self.node_of.get(event.server_id)
        if node_id is not None:
            self._drop_server(node_id, event.server_id)
            self._elect()

    def _drop_server(self, node_id: NodeId, server_id: ServerId) -> None:
        self.queries.pop(server_id, None)
        if self.up.pop(server_id, None) is None:
            return
        for leg in self.legs.values():
            if leg.server_id == server_id and leg.lost_at_ms is None:
                leg.lost_at_ms = self.mono_ms
                self.touched_calls[leg.call_id] = None
                if leg.is_engaging and leg.agent_id is not None:
                    self.touched_agents[leg.agent_id] = None
        if self.in_use[node_id] == server_id:
            node = self.nodes[node_id]
            self.in_use[node_id] = next((other for other in (node_id, node.backup) if other in self.up), None)

    def _elect(self) -> None:
        """Which node's word on phones counts. The phones of a new one are not known yet."""
        configuration = self.configuration
        if configuration is None:
            return
        ocs = configuration.ocs
        configured = ocs.sip_cluster_prime_node if self.promoted_id is None else self.promoted_id
        if configured is None and ocs.connections:
            configured = ocs.connections[0]
        chosen = configured if configured is not None and self.in_use.get(configured) is not None else None
        if ocs.prime_node_loss is PrimeNodeLoss.PROMOTE:
            active = [node_id for node_id in ocs.connections if self.in_use.get(node_id) is not None]
            if self.prime_id in active:
                return
            chosen = chosen if chosen is not None else active[0] if active else None
        if chosen != self.prime_id:
            self._become_prime(chosen)

    def promoted(self, node_id: NodeId) -> None:
        """An operator wants this node to be the prime node."""
        ocs = self.configuration.ocs if self.configuration is not None else None
        if ocs is None or node_id not in ocs.connections or self.in_use[node_id] is None or node_id == self.prime_id:
            return
        self.promoted_id = node_id
        self._become_prime(node_id)

    def _become_prime(self, node_id: NodeId | None) -> None:
        self.prime_id = node_id
        for agent_id in self.phones.values():
            self.agents[agent_id].phone_state = PhoneState.UNKNOWN
            self.touched_agents[agent_id] = None

    # --- calls ------------------------------------------------------------------------------------

    def customer_leg(self, command: Dial) -> Leg:
        """The leg that a `Dial` orders; not filed yet."""
        settings = self.groups[command.group_id]
        mode = self.state.groups[command.group_id].mode
        if command.agent_id is not None and not mode.is_preview:
            mode = DialingMode.PUSH_PREVIEW  # a callback, offered to its agent
        return Leg(
            command.call_id,
            command.group_id,
            mode,
            command.node_id,
            command.server_id,
            command.number,
            self.mono_ms,
            None if mode.is_preview else settings.dialer,
            settings.agent_group,
            command.record_id,
            command.list_id,
            command.agent_id,
        )

    def engaging_leg(self, command: Engage) -> Leg:
        """The leg that an `Engage` orders; not filed yet."""
        settings = self.groups[command.group_id]
        return Leg(
            command.call_id,
            command.group_id,
            self.state.groups[command.group_id].mode,
            command.node_id,
            command.server_id,
            command.phone,
            self.mono_ms,
            settings.dialer,
            settings.agent_group,
            agent_id=command.agent_id,
            is_engaging=True,
        )

    def file(self, leg: Leg) -> None:
        """The leg was ordered."""
        call_id = leg.call_id
        self.last_call_id = call_id
        self.legs[call_id] = leg
        self.touched_calls[call_id] = None
        if leg.is_engaging:
            self.engaging[call_id] = leg
        else:
            self.numbers[leg.number] = call_id
        if leg.dialer is None:
            leg.is_on_node = False
            return
        book = self.books[leg.dialer]
        book.held[call_id] = leg
        key = (leg.group_id, leg.is_engaging)
        book.counts[key] = book.counts.get(key, 0) + 1
        book.taken.append(leg)
        self.on_node[leg.node_id] += 1

    def port_home(self, leg: Leg) -> None:
        """The leg occupies no port any more."""
        if leg.dialer is not None:
            book = self.books[leg.dialer]
            del book.held[leg.call_id]
            book.counts[leg.group_id, leg.is_engaging] -= 1
            book.released.append(leg)
            leg.dialer = None
        if leg.is_on_node:
            leg.is_on_node = False
            self.on_node[leg.node_id] -= 1

    def end(self, leg: Leg) -> None:
        """The leg is over."""
        call_id = leg.call_id
        del self.legs[call_id]
        self.touched_calls[call_id] = None
        self.port_home(leg)
        if not leg.is_engaging:
            self.numbers.pop(leg.number, None)
            return
        del self.engaging[call_id]
        if leg.agent_id is not None:
            seen = self.agents[leg.agent_id]
            self.touched_agents[leg.agent_id] = None
            if seen.leg_id == call_id:
                seen.leg_id = None

    # --- agents -----------------------------------------------------------------------------------

    def sign_in(self, agent_id: AgentId, phone: str) -> None:
        """An agent signs in with a phone, if the agent may; the phone belongs to nobody else from now on."""
        seen = self.agents.get(agent_id)
        if seen is None or seen.state != LOGGED_OUT or agent_id not in self.groups_of:
            return
        if self.phones.get(seen.phone) == agent_id:
            del self.phones[seen.phone]
        seen.phone = phone or self.state.agents[agent_id].settings.phone
        seen.phone_state = PhoneState.UNKNOWN
        before = self.phones.get(seen.phone)
        if before is not None:
            self.agents[before].phone_state = PhoneState.UNKNOWN
            self.touched_agents[before] = None
        self.phones[seen.phone] = agent_id

    def show(self, seen: SeenAgent, state: str) -> None:
        """The desktop shows a new state."""
        before, seen.state = seen.state, state
        self.touched_agents[seen.agent_id] = None
        if (before == LOGGED_OUT) != (state == LOGGED_OUT):
            self.has_log_in_out = True
            self._count_logged_in(seen.agent_id, -1 if state == LOGGED_OUT else 1)
        if state not in ("reserved", "talking"):
            seen.call_id = seen.offer = None
            if seen.leg_id is not None:
                self.legs[seen.leg_id].customer_id = None

    def _count_logged_in(self, agent_id: AgentId, by: int) -> None:
        for agent_group_id in self.groups_of.get(agent_id, ()):
            self.logged_in[agent_group_id] += by
