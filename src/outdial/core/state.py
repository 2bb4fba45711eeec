"""Everything that the core knows, in one place, and the few moves that keep its registries in step.

The flow modules (`calls`, `agents_flow`, `cluster`, …) decide; this module only files. Every registry is a ledger: a
count is the length of a dictionary, kept in insertion order, so that nothing depends on hashing.
"""

from dataclasses import dataclass, field

from outdial.core.abandonment import Ledger
from outdial.core.agents import Agent, AgentGroup
from outdial.core.attempt import ATTEMPT_TABLE, PENDING, WITH_IVR, Attempt, AttemptSignal, AttemptState
from outdial.core.commands import Command
from outdial.core.deadlines import Deadlines, Timer
from outdial.core.engaging import Engaging
from outdial.core.groups import Group, Hold
from outdial.core.modes import DialingMode
from outdial.core.nodes import Node, Rotation
from outdial.core.ports import Pool
from outdial.core.recent_calls import RecentNumbers
from outdial.core.settings import CallingList, Campaign, CampaignGroup, Configuration, DialerId, Ocs
from outdial.core.tables import LATE, NEVER
from outdial.core.treatments import TreatmentTable
from outdial.core.units import AgentGroupId, AgentId, CallId, GroupId, ListId, Millis, NodeId, Now, ServerId

SETTLED, POWER_GVP = AttemptState.SETTLED, DialingMode.POWER_GVP
CALL, GROUP = Timer.CALL, Timer.GROUP
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""
SHORT = (Hold.WAITING_PORTS, Hold.NO_NODE)
"""A group that was held for one of these may dial when a call ends."""
FETCH_POLL_MS: Millis = 30_000
"""Exhausted lists are asked again after this time at the latest. Unit: ms. Ours."""


@dataclass(slots=True, eq=False)
class Link:
    """The connection to one application, as far as the core ordered it."""

    server_id: ServerId
    node_id: NodeId
    is_primary: bool
    is_up: bool = False
    is_connecting: bool = False
    may_have_calls: bool = False
    """Lost with calls of ours on it: they must be asked for, whatever server is in use by now."""
    query_id: int = 0
    """Number of the last `QueryCalls`; 0: none is under way."""
    query_at_ms: Millis = 0


@dataclass(frozen=True, slots=True)
class ListRules:
    """A calling list and its treatments, ready for use."""

    settings: CallingList
    treatments: TreatmentTable


@dataclass(slots=True, eq=False)
class State:
    """The dialer's memory."""

    mono_ms: Millis = 0
    """Monotonic time of the current step."""
    utc_ms: int = 0
    commands: list[Command] = field(default_factory=list)
    """Commands of the current step."""
    ocs: Ocs = field(default_factory=lambda: Ocs(connections=()))
    configuration: Configuration | None = None
    lists: dict[ListId, ListRules] = field(default_factory=dict)
    campaigns: dict[int, Campaign] = field(default_factory=dict)
    ledgers: dict[int, Ledger] = field(default_factory=dict)
    """Abandoned calls by campaign, of those of which the store has told what it knows."""
    do_not_call: dict[str, None] = field(default_factory=dict)

    groups: dict[GroupId, Group] = field(default_factory=dict)
    agents: dict[AgentId, Agent] = field(default_factory=dict)
    agent_groups: dict[AgentGroupId, AgentGroup] = field(default_factory=dict)
    phones: dict[str, AgentId] = field(default_factory=dict)
    """Agents by the phone that they logged in with."""

    nodes: dict[NodeId, Node] = field(default_factory=dict)
    connections: list[Node] = field(default_factory=list)
    """SIP cluster nodes in connection order."""
    links: dict[ServerId, Link] = field(default_factory=dict)
    prime_id: NodeId | None = None
    """The node whose agent events count now; None: there is none and nothing is dialed."""
    promoted_id: NodeId | None = None
    """The node that an operator has made the prime one; None: the configuration says which."""
    rotation: Rotation = field(default_factory=Rotation)
    pools: dict[DialerId, Pool] = field(default_factory=dict)
    stale_pools: dict[DialerId, None] = field(default_factory=dict)
    """Pools whose shares must be worked out anew at the end of this step."""
    freed_pools: dict[DialerId, None] = field(default_factory=dict)
    """Pools that got a port back in this step while groups wait for one."""

    attempts: dict[CallId, Attempt] = field(default_factory=dict)
    """Attempts that are not settled."""
    engagings: dict[CallId, Engaging] = field(default_factory=dict)
    numbers: dict[str, CallId] = field(default_factory=dict)
    """Numbers in a call now."""
    recent: RecentNumbers = field(default_factory=RecentNumbers)
    """Recent calls by number, as far as rules ask for them."""

    deadlines: Deadlines = field(default_factory=Deadlines)
    dirty: dict[GroupId, None] = field(default_factory=dict)
    """Groups that may be able to dial after this step."""
    last_call_id: CallId = 0
    last_query_id: int = 0
    last_fetch_id: int = 0
    last_disposition_n: int = 0
    last_start: int = 0

    late_events: int = 0
    ignored_dn_events: int = 0
    unknown_results: int = 0

    def start_step(self, now: Now) -> None:
        """Begin a step: new time, no commands yet."""
        self.mono_ms, self.utc_ms = now
        self.commands = []

    def emit(self, command: Command) -> None:
        """Give one order to the outside."""
        self.commands.append(command)

    def touch(self, group_id: GroupId) -> None:
        """The group may be able to dial now."""
        self.dirty[group_id] = None

    def touch_all(self) -> None:
        """Something changed for everybody."""
        for group_id, group in self.groups.items():
            if group.is_running:
                self.dirty[group_id] = None

    def wake_group_at(self, group: Group, at_ms: Millis) -> None:
        """Look at the group again at `at_ms` at the latest."""
        key = (GROUP, group.settings.dbid)
        armed = self.deadlines.at(key)
        if armed is None or armed > at_ms:
            self.deadlines.arm(key, at_ms)

    def arm_call(self, attempt: Attempt, at_ms: Millis) -> None:
        """Set the attempt's one deadline."""
        self.deadlines.arm((CALL, attempt.call_id), at_ms)

    def new_call_id(self) -> CallId:
        """The next number for an attempt or engaging call."""
        self.last_call_id += 1
        return self.last_call_id

    def pool_of(self, settings: CampaignGroup) -> Pool:
        """The pool whose ports a group uses."""
        return self.pools[settings.dialer]

    def agent_group_of(self, group: Group) -> AgentGroup | None:
        """The group's agents; None in Power GVP without agents."""
        agent_group_id = group.settings.agent_group
        return self.agent_groups[agent_group_id] if agent_group_id is not None else None

    def forget_group(self, group: Group) -> None:
        """A group that left the configuration has ended its last call."""
        for pool in self.pools.values():
            pool.forget(group.group_id)
        del self.groups[group.group_id]

    def enter(self, attempt: Attempt) -> None:
        """File a new attempt; the accept limit runs from now."""
        call_id = attempt.call_id
        self.attempts[call_id] = attempt
        self.numbers[attempt.record.number] = call_id
        self.groups[attempt.group_id].calls[attempt.state][call_id] = attempt
        if attempt.agent_group_id is not None:
            self.agent_groups[attempt.agent_group_id].pending[call_id] = None
        self.recent.dialed(attempt.record.number, attempt.dialed_utc_ms, self.mono_ms)
        self.arm_call(attempt, self.mono_ms + self.ocs.accept_ms_max)

    def move(self, attempt: Attempt, signal: AttemptSignal) -> bool:
        """Follow the attempt table and file the attempt under its new state. False: the signal is late."""
        state = attempt.state
        target = ATTEMPT_TABLE.cells[state][signal]
        if target is LATE:
            self.late_events += 1
            return False
        if target is NEVER:
            ATTEMPT_TABLE.next_state(state, signal)
        assert isinstance(target, AttemptState)
        group = self.groups[attempt.group_id]
        call_id = attempt.call_id
        del group.calls[state][call_id]
        attempt.state = target
        if target is not SETTLED:
            group.calls[target][call_id] = attempt
        if attempt.agent_group_id is not None:
            self._count_pending(attempt, self.agent_groups[attempt.agent_group_id])
        if (state in PENDING and target not in PENDING) or group.kept_legs:
            self.dirty[group.group_id] = None
        elif target is SETTLED:
            self.port_came_home(group)
        return True

    def port_came_home(self, group: Group) -> None:
        """A call of the group holds its port no more: that matters to a group that was short of them."""
        if group.mode is POWER_GVP or group.hold is None or group.hold[0] in SHORT:
            self.dirty[group.group_id] = None

    def _count_pending(self, attempt: Attempt, agents: AgentGroup) -> None:
        """Keep the calls in flight for these agents; one fewer lets any group that shares them dial."""
        target = attempt.state
        # an IVR session may still ask for an agent: it counts like a call in flight
        with_ivr = attempt.mode.is_gvp and attempt.agent_id is None and not attempt.is_routed and target in WITH_IVR
        if target in PENDING or with_ivr:
            agents.pending[attempt.call_id] = None
            return
        if attempt.call_id in agents.pending:
            del agents.pending[attempt.call_id]
            for group_id in agents.running:
                self.dirty[group_id] = None

    def release_lease(self, call_id: CallId, pool: Pool | None, node_id: NodeId) -> None:
        """Take a port back, if the call holds one; groups that wait for one are looked at when the step ends."""
        if pool is not None and pool.release(call_id) and pool.waiting:
            self.freed_pools[pool.dialer] = None
        node = self.nodes.get(node_id)
        if node is not None:
            node.calls.pop(call_id, None)
