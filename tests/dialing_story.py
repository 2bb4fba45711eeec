"""A dialer in a nutshell for tests: configurations in one line, a clock, and events in plain words.

    story = Story(configuration(group(1, DialingMode.PROGRESSIVE, agents=2)))
    story.start(1)
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial)
    transfer = story.the(Transfer)

Numbers follow one pattern, so that tests need no look-ups: node 2 has the backup 102, agent 101 is the first agent of
group 1 and has phone "7101", and record 5 has the number "+15550000005".

A story answers what any healthy outside would answer at once: connections come up, phones are idle, the store has
records. Each of these can be switched off. Calls answer only when the test says so. After every step the dialer's
memory is checked for what must always hold (`check_sound`), so every test of a story is also a test of that.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

from outdial.core import events as e
from outdial.core.agents import AgentState
from outdial.core.attempt import PENDING, WITH_IVR, Attempt, AttemptState
from outdial.core.commands import (
    Command,
    Connect,
    Dial,
    Engage,
    FetchRecords,
    Join,
    QueryCalls,
    SettleAttempt,
    StartIvr,
    SubscribePhones,
    Transfer,
)
from outdial.core.deadlines import Timer
from outdial.core.dialer import Dialer
from outdial.core.engaging import EngagingState
from outdial.core.groups import GroupState
from outdial.core.modes import DialingMode
from outdial.core.nodes import Admin
from outdial.core.ports import NOTHING, PortKind
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult, Verdict
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    DialerId,
    DialerKind,
    LoadBalancing,
    Node,
    Ocs,
    Switch,
    Treatment,
    TreatmentAction,
    Zone,
)
from outdial.core.snapshot import AgentView, GroupView, NodeView, PoolView
from outdial.core.state import State
from outdial.core.units import SECOND_MS, AgentId, CallId, GroupId, Millis, NodeId, Now, ServerId

UTC = Zone("UTC", ((0, 0),))
NOON_MS = 1_700_049_600_000
"""A Wednesday, 12:00 UTC."""
SWITCH = DialerId(DialerKind.SWITCH, 1)
BACKUP = 100
"""The backup of node n has the number n + 100."""
FAST_MS: Millis = 100
"""What a story takes between two signs of one call."""

C = TypeVar("C", bound=Command)
CallLike = CallId | Dial | Engage | Transfer | Join | StartIvr


# --- configurations in one line -----------------------------------------------------------------------------------


def group(
    number: GroupId = 1,
    mode: DialingMode = DialingMode.PROGRESSIVE,
    *,
    agents: int = 1,
    cpd_server: NodeId | None = None,
    dial_node: NodeId | None = None,
    agents_of: GroupId | None = None,
    **settings: Any,
) -> tuple[CampaignGroup, AgentGroup]:
    """A campaign group and its agents 101, 102, … (of group 1), or those of the group `agents_of`."""
    dialer = SWITCH if cpd_server is None else DialerId(DialerKind.CPD_SERVER, cpd_server)
    if mode.is_gvp:
        settings.setdefault("ivr_application", "survey")
    if mode is DialingMode.POWER_GVP:
        settings.setdefault("maximum_queue_size", 2)
    agent_group_id = None if mode is DialingMode.POWER_GVP and not agents else agents_of or number
    members = tuple(range(100 * number + 1, 100 * number + agents + 1)) if agents_of is None else ()
    return (
        CampaignGroup(number, f"group {number}", 1, agent_group_id, mode, dialer, **settings),
        AgentGroup(number, f"agents {number}", members, dial_node),
    )


def node(number: NodeId, **settings: Any) -> Node:
    """A SIP cluster node with a backup."""
    settings.setdefault("backup", number + BACKUP)
    return Node(number, f"node {number}", 1, backup_name=f"node {number} backup", **settings)


def cpd_server(number: NodeId, ports: int, *, dynamic: bool = True, **settings: Any) -> Node:
    """A CPD server with ports of its own."""
    settings.setdefault("backup", number + BACKUP)
    return Node(number, f"cpd {number}", None, ports=ports, dynamic_port_allocation=dynamic, **settings)


def treatment(call_result: CallResult, action: TreatmentAction, interval_ms: Millis = 0, **rest: Any) -> Treatment:
    """The first treatment of a call result."""
    return Treatment(call_result, rest.pop("number", 1), action, interval_ms=interval_ms, **rest)


def configuration(
    *groups: tuple[CampaignGroup, AgentGroup],
    nodes: Sequence[Node] | int = 3,
    ports: int = 100,
    dynamic: bool = True,
    balancing: LoadBalancing = LoadBalancing.ROUND_ROBIN,
    prime: NodeId | None = 1,
    treatments: Sequence[Treatment] = (),
    calling_list: CallingList | None = None,
    do_not_call: Sequence[str] = (),
    **ocs: Any,
) -> Configuration:
    """Nodes 1, 2, 3 on one switch, node 1 prime; groups as given."""
    members = tuple(node(number) for number in range(1, nodes + 1)) if isinstance(nodes, int) else tuple(nodes)
    connections = ocs.pop("connections", tuple(each.dbid for each in members if not each.is_cpd_server))
    agent_ids = sorted({agent_id for _, agents in groups for agent_id in agents.agents})
    return Configuration(
        ocs=Ocs(connections, balancing, prime, **ocs),
        switches=(Switch(1, "switch", ports, dynamic),),
        nodes=members,
        agents=tuple(Agent(agent_id, f"agent{agent_id}", phone_of(agent_id)) for agent_id in agent_ids),
        agent_groups=tuple(agents for _, agents in groups),
        calling_lists=(calling_list or CallingList(1, "list", UTC, treatments=tuple(treatments)),),
        campaigns=(Campaign(1, "campaign", ((1, 10),)),),
        campaign_groups=tuple(settings for settings, _ in groups),
        do_not_call=tuple(do_not_call),
    )


def without_group(old: Configuration, number: GroupId) -> Configuration:
    """The same configuration with one campaign group less."""
    return replace(old, campaign_groups=tuple(each for each in old.campaign_groups if each.dbid != number))


def with_group(old: Configuration, number: GroupId, **changes: Any) -> Configuration:
    """The same configuration with one campaign group changed."""
    groups = tuple(replace(each, **changes) if each.dbid == number else each for each in old.campaign_groups)
    return replace(old, campaign_groups=groups)


def phone_of(agent_id: AgentId) -> str:
    """The phone that an agent logs in with."""
    return f"7{agent_id}"


def number_of(record_id: int) -> str:
    """The number in a record."""
    return f"+1555{record_id:07}"


def record(record_id: int, **changes: Any) -> Record:
    """A record of list 1."""
    changes.setdefault("number", number_of(record_id))
    return Record(record_id, changes.pop("list_id", 1), **changes)


def chain(*record_ids: int, **changes: Any) -> Chain:
    """A chain of records of list 1."""
    return Chain(tuple(record(record_id, **changes) for record_id in record_ids))


# --- the story ----------------------------------------------------------------------------------------------------


class Story:
    """One dialer, its clock and its outside.

    Attributes:
        commands: what the dialer ordered since the last thing that the test did.
        all_commands: what it ever ordered.
        unreachable: servers that do not answer; all others connect at once.
        total_ports: what servers report when they connect, by server. Missing: nothing.
        has_records: the store answers every fetch with fresh records at once.
        phones_answer: phones report idle when subscribed to.
        answers: whether the outside answers anything by itself.
        check: whether memory is checked after every step.
    """

    def __init__(
        self,
        settings: Configuration,
        *,
        unreachable: Iterable[ServerId] = (),
        total_ports: dict[ServerId, int] | None = None,
        has_records: bool = True,
        answers: bool = True,
        load: bool = True,
    ) -> None:
        self.dialer = Dialer()
        self.configuration = settings
        self.mono_ms: Millis = 0
        self.utc_ms = NOON_MS
        self.commands: list[Command] = []
        self.all_commands: list[Command] = []
        self.unreachable = set(unreachable)
        self.total_ports = dict(total_ports or {})
        self.has_records = has_records
        self.phones_answer = True
        self.answers = answers
        self.check = True
        self.last_record_id = 0
        self.last_request_id = 0
        self.queries: dict[ServerId, QueryCalls] = {}
        self.dials: dict[CallId, Dial] = {}
        self.engages: dict[CallId, Engage] = {}
        self._leases_before: dict[DialerId, set[CallId]] = {}
        if load:
            self.load(settings)

    # --- steps ---

    @property
    def now(self) -> Now:
        """Both clocks."""
        return Now(self.mono_ms, self.utc_ms)

    @property
    def state(self) -> State:
        """The dialer's memory, for what snapshots do not show."""
        return self.dialer.state

    def tell(self, *events: e.Event) -> Self:
        """Something happens: one step for each event, then for each answer of the outside."""
        self.commands = []
        for event in events:
            self._step(event)
        return self

    def advance(self, ms: Millis) -> Self:
        """Time passes; every deadline is reported when it is due."""
        self.commands = []
        end_ms = self.mono_ms + ms
        while (at_ms := self.dialer.next_deadline()) is not None and at_ms <= end_ms:
            self.set_clock(max(self.mono_ms, at_ms))
            self._step(e.DeadlineReached())
        self.set_clock(end_ms)
        return self

    def set_clock(self, mono_ms: Millis) -> None:
        """It is later now; nobody has told the dialer yet."""
        self.utc_ms += mono_ms - self.mono_ms
        self.mono_ms = mono_ms

    def _step(self, event: e.Event) -> None:
        commands = self.dialer.step(self.now, event)
        self.commands += commands
        self.all_commands += commands
        for command in commands:
            if isinstance(command, Dial):
                self.dials[command.call_id] = command
            elif isinstance(command, Engage):
                self.engages[command.call_id] = command
            elif isinstance(command, QueryCalls):
                self.queries[command.server_id] = command
        if self.check:
            check_sound(self.state, commands)
            self._check_ports()
        for command in commands:
            for answer in self._answer(command) if self.answers else []:
                self._step(answer)

    def _answer(self, command: Command) -> list[e.Event]:
        match command:
            case Connect(server_id) if server_id in self.unreachable:
                return [e.ServerLost(server_id, "connection refused")]
            case Connect(server_id):
                return [e.ServerConnected(server_id, self.total_ports.get(server_id))]
            case SubscribePhones(node_id, _, phones) if self.phones_answer:
                return [
                    e.PhoneStateChanged(node_id, phone, e.PhoneState.IDLE)
                    for phone in phones
                    if self.agent_of(phone).phone_state is e.PhoneState.UNKNOWN
                ]
            case FetchRecords(group_id, fetch_id, chains_max) if self.has_records:
                return [e.RecordsFetched(group_id, fetch_id, self.fresh_chains(chains_max))]
        return []

    def _check_ports(self) -> None:
        """No new lease over-commits a pool or takes a group beyond its maximum, not for one step."""
        for dialer, pool in self.state.pools.items():
            leases = {**pool.common, **pool.charged}
            new = [lease for call_id, lease in leases.items() if call_id not in self._leases_before.get(dialer, ())]
            if new:
                assert pool.used_ports <= pool.ports, f"{pool.name}: {pool.used_ports} of {pool.ports}"
            for lease in new:
                held, maximum = pool.used_by(lease.group_id), pool.limits.get(lease.group_id, NOTHING).maximum
                assert maximum is None or held <= maximum, f"group {lease.group_id} took port {held} of {maximum}"
            self._leases_before[dialer] = leases.keys() | pool.stranded.keys()

    # --- what was ordered ---

    def said(self, kind: type[C]) -> list[C]:
        """Commands of one kind since the last thing that happened."""
        return [command for command in self.commands if isinstance(command, kind)]

    def ever(self, kind: type[C]) -> list[C]:
        """Commands of one kind since the beginning."""
        return [command for command in self.all_commands if isinstance(command, kind)]

    def the(self, kind: type[C]) -> C:
        """The one command of its kind since the last thing that happened."""
        [command] = self.said(kind)
        return command

    def nodes_dialed(self) -> list[NodeId]:
        """Nodes of the dial requests since the last thing that happened, in order."""
        return [dial.node_id for dial in self.said(Dial)]

    # --- views ---

    def group(self, number: GroupId = 1) -> GroupView:
        """A campaign group as the operator sees it."""
        return next(view for view in self.dialer.snapshot().groups if view.group_id == number)

    def pool(self, dialer: DialerId = SWITCH) -> PoolView:
        """A pool as the operator sees it."""
        return next(view for view in self.dialer.snapshot().pools if view.dialer == dialer)

    def node(self, number: NodeId) -> NodeView:
        """A node as the operator sees it."""
        return next(view for view in self.dialer.snapshot().nodes if view.node_id == number)

    def agent(self, number: AgentId) -> AgentView:
        """An agent as the operator sees them."""
        return next(view for view in self.dialer.snapshot().agents if view.agent_id == number)

    def agent_of(self, phone: str) -> Any:
        """The agent who is signed in with a phone, from memory."""
        return self.state.agents[self.state.phones[phone]]

    def maxima(self) -> dict[GroupId, int | None]:
        """Maximum ports of every group."""
        return {view.group_id: view.ports.maximum_ports for view in self.dialer.snapshot().groups}

    def call_state(self, call: CallLike) -> str:
        """Where an attempt is; `settled` when the dialer does not know it any more."""
        attempt = self.state.attempts.get(call_id_of(call))
        return attempt.state.value if attempt is not None else AttemptState.SETTLED.value

    # --- configuration, servers, operators ---

    def load(self, settings: Configuration) -> Self:
        """A configuration takes effect."""
        self.configuration = settings
        return self.tell(e.ConfigurationLoaded(settings))

    def server_down(self, *servers: ServerId) -> Self:
        """Connections end and do not come back."""
        self.unreachable.update(servers)
        return self.tell(*(e.ServerLost(server_id, "ping missed") for server_id in servers))

    def node_down(self, number: NodeId) -> Self:
        """Primary and backup are gone."""
        return self.server_down(number, number + BACKUP)

    def server_up(self, server_id: ServerId) -> Self:
        """A server can be reached again; it is, at the next try."""
        self.unreachable.discard(server_id)
        return self.tell(e.ServerConnected(server_id, self.total_ports.get(server_id)))

    def report(self, server_id: ServerId, *calls: tuple[CallLike, e.CallPhase]) -> Self:
        """A server answers the last question for our calls."""
        query = self.queries[server_id]
        pairs = tuple((call_id_of(call), phase) for call, phase in calls)
        return self.tell(e.CallsReported(query.node_id, server_id, query.query_id, pairs))

    def start(self, *groups: GroupId) -> Self:
        """An operator starts groups."""
        return self.tell(*(e.GroupStartRequested(self._request_id(), group_id) for group_id in groups or (1,)))

    def stop(self, *groups: GroupId) -> Self:
        """An operator stops groups."""
        return self.tell(*(e.GroupStopRequested(self._request_id(), group_id) for group_id in groups or (1,)))

    def pause(self, number: GroupId = 1) -> Self:
        """An operator pauses a group."""
        return self.tell(e.GroupPauseRequested(self._request_id(), number))

    def resume(self, number: GroupId = 1) -> Self:
        """An operator takes back a pause."""
        return self.tell(e.GroupResumeRequested(self._request_id(), number))

    def promote(self, number: NodeId) -> Self:
        """An operator makes a node the prime node."""
        return self.tell(e.NodePromoteRequested(self._request_id(), number))

    def change_mode(self, mode: DialingMode, number: GroupId = 1) -> Self:
        """An operator changes a group's mode."""
        return self.tell(e.GroupModeChangeRequested(self._request_id(), number, mode))

    def drain(self, number: NodeId) -> Self:
        """An operator drains a node."""
        return self.tell(e.NodeDrainRequested(self._request_id(), number))

    def enable(self, number: NodeId) -> Self:
        """An operator takes back a drain."""
        return self.tell(e.NodeEnableRequested(self._request_id(), number))

    def _request_id(self) -> int:
        self.last_request_id += 1
        return self.last_request_id

    # --- agents ---

    def log_in(self, *agents: AgentId) -> Self:
        """Agents sign in with their phones."""
        return self.tell(*(e.AgentLoggedIn(agent_id, "") for agent_id in agents))

    def agent_ready(self, *agents: AgentId) -> Self:
        """Agents sign in if they have not, and become ready."""
        events: list[e.Event] = []
        for agent_id in agents:
            agent = self.state.agents.get(agent_id)
            if agent is None or not agent.is_logged_in:
                events.append(e.AgentLoggedIn(agent_id, ""))
            events.append(e.AgentBecameReady(agent_id))
        return self.tell(*events)

    def agent_not_ready(self, *agents: AgentId) -> Self:
        """Agents take a break."""
        return self.tell(*(e.AgentBecameNotReady(agent_id) for agent_id in agents))

    def log_out(self, *agents: AgentId) -> Self:
        """Agents sign out."""
        return self.tell(*(e.AgentLoggedOut(agent_id) for agent_id in agents))

    def phone(self, agent_id: AgentId, state: e.PhoneState, node_id: NodeId = 1) -> Self:
        """A node says something about an agent's phone."""
        return self.tell(e.PhoneStateChanged(node_id, phone_of(agent_id), state))

    # --- calls ---

    def accepted(self, *calls: CallLike) -> Self:
        """The node takes the requests."""
        return self._each(e.DialAccepted, calls)

    def rings(self, *calls: CallLike) -> Self:
        """The far ends ring."""
        return self._each(e.CalleeAlerting, calls)

    def answered(self, *calls: CallLike) -> Self:
        """The far ends answer; nobody knows who."""
        return self._each(e.CalleeAnswered, calls)

    def verdict(self, verdict: Verdict, *calls: CallLike) -> Self:
        """Call progress detection decides."""
        return self.tell(*(e.VerdictReached(call_id_of(call), verdict) for call in calls))

    def person_answers(self, *calls: CallLike) -> Self:
        """From the request to a person on the line, quickly."""
        return self.picked_up(Verdict.PERSON, *calls)

    def picked_up(self, verdict: Verdict, *calls: CallLike) -> Self:
        """From the request to a verdict, quickly."""
        self.accepted(*calls)
        self.advance(FAST_MS)
        self.rings(*calls)
        self.advance(FAST_MS)
        self.answered(*calls)
        return self.verdict(verdict, *calls)

    def agent_takes(self, *calls: CallLike) -> Self:
        """Customer and agent hear each other."""
        return self._each(e.CallConnected, calls)

    def agent_misses(self, call: CallLike) -> Self:
        """The agent's phone is not answered."""
        return self.tell(e.ConnectFailed(call_id_of(call), "no answer"))

    def ivr_takes(self, *calls: CallLike) -> Self:
        """The IVR application has the calls."""
        return self._each(e.IvrStarted, calls)

    def ivr_wants_agent(self, call: CallLike) -> Self:
        """The IVR application asks for an agent."""
        return self.tell(e.IvrAgentRequested(call_id_of(call)))

    def ended(self, *calls: CallLike, sip: int | None = None, cause: int | None = None) -> Self:
        """The calls are over."""
        return self.tell(*(e.CallReleased(call_id_of(call), sip, cause) for call in calls))

    def rejected(self, call: CallLike, *, congested: bool = False) -> Self:
        """The server refuses a request."""
        return self.tell(e.DialRejected(call_id_of(call), "no", congested))

    def engaged(self, *calls: CallLike) -> Self:
        """Agents answer their engaging calls."""
        return self._each(e.AgentEngaged, calls)

    def leg_ended(self, *calls: CallLike) -> Self:
        """Engaging calls are over."""
        return self._each(e.EngagingReleased, calls)

    def _each(self, event: Callable[[CallId], e.Event], calls: Sequence[CallLike]) -> Self:
        return self.tell(*(event(call_id_of(call)) for call in calls))

    # --- records ---

    def fresh_chains(self, count: int) -> tuple[Chain, ...]:
        """Chains of one new record each."""
        first = self.last_record_id + 1
        self.last_record_id += count
        return tuple(chain(record_id) for record_id in range(first, first + count))

    def fetched(self, *chains: Chain, number: GroupId = 1, **rest: Any) -> Self:
        """The store answers a group's last question."""
        fetch_id = rest.pop("fetch_id", self.state.groups[number].fetch_id)
        return self.tell(e.RecordsFetched(number, fetch_id, chains, **rest))


def call_id_of(call: CallLike) -> CallId:
    """The number of a call, or of the call that a command is about."""
    return call if isinstance(call, int) else call.call_id


def dialing_story(
    *groups: tuple[CampaignGroup, AgentGroup], ready: Iterable[AgentId] | None = None, **rest: Any
) -> Story:
    """A story with all groups started and all agents ready (or those in `ready`).

    `unreachable`, `total_ports` and `has_records` go to the story, all other names to `configuration`.
    """
    of_story = {name: rest.pop(name) for name in ("unreachable", "total_ports", "has_records") if name in rest}
    story = Story(configuration(*groups, **rest), **of_story)
    before = len(story.all_commands)
    story.start(*(settings.dbid for settings, _ in groups))
    agents = [agent_id for _, members in groups for agent_id in members.agents] if ready is None else list(ready)
    story.agent_ready(*agents)
    story.advance(SECOND_MS)  # past the spacing of port calculations
    story.commands = story.all_commands[before:]
    return story


# --- what must always hold ----------------------------------------------------------------------------------------


def check_sound(state: State, commands: Sequence[Command]) -> None:
    """The dialer's memory fits together, and what it ordered in this step was allowed."""
    check_attempts(state)
    check_engagings(state)
    check_leases(state)
    check_agents(state)
    check_forecasts(state)
    check_commands(state, commands)


def check_attempts(state: State) -> None:
    """Every attempt is filed once, has its number to itself, and has a deadline: nothing can hang."""
    filed = [call_id for each in state.groups.values() for calls in each.calls.values() for call_id in calls]
    assert sorted(state.attempts) == sorted(filed)
    numbers = {number: call_id for number, call_id in state.numbers.items() if call_id}
    assert numbers == {attempt.record.number: call_id for call_id, attempt in state.attempts.items()}
    for call_id, attempt in state.attempts.items():
        assert state.groups[attempt.group_id].calls[attempt.state][call_id] is attempt
        assert state.deadlines.at((Timer.CALL, call_id)) is not None, f"{attempt.state} attempt without a deadline"
    for agents in state.agent_groups.values():
        expected = {
            call_id
            for call_id, attempt in state.attempts.items()
            if attempt.agent_group_id == agents.settings.dbid and may_need_agent(attempt)
        }
        assert expected == set(agents.pending)
        for call_id in agents.waiting:
            assert AttemptState.WAITING is state.attempts[call_id].state
    for each in state.groups.values():
        for call_id in each.waiting:
            assert AttemptState.WAITING is state.attempts[call_id].state


def may_need_agent(attempt: Attempt) -> bool:
    """In flight, or with an IVR application that may still ask for an agent."""
    with_ivr = attempt.mode.is_gvp and attempt.agent_id is None and attempt.state in WITH_IVR and not attempt.is_routed
    return attempt.state in PENDING or with_ivr


def check_engagings(state: State) -> None:
    """Every engaging call belongs to one agent and one group, and cannot hang."""
    for call_id, engaging in state.engagings.items():
        assert state.agents[engaging.agent_id].engaging_id == call_id
        assert state.groups[engaging.group_id].engagings[call_id] == engaging.agent_id
        if engaging.state not in (EngagingState.ENGAGED, EngagingState.JOINED):
            assert state.deadlines.at((Timer.ENGAGING, call_id)) is not None, f"{engaging.state} leg without a deadline"
        if engaging.customer_call_id is not None:
            customer = state.attempts[engaging.customer_call_id]
            assert customer.node_id == engaging.node_id, "agent and customer are on different nodes"
    filed = [call_id for each in state.groups.values() for call_id in each.engagings]
    assert sorted(state.engagings) == sorted(filed)


def check_leases(state: State) -> None:
    """Every leg that occupies a port has one lease, and no lease is without a leg."""
    expected: dict[DialerId, list[CallId]] = {dialer: [] for dialer in state.pools}
    for call_id, attempt in state.attempts.items():
        left_dialer = attempt.connected_at_ms is not None and not (attempt.mode.is_seizing or attempt.mode.is_gvp)
        if attempt.pool is not None and not left_dialer:
            expected.setdefault(attempt.pool.dialer, []).append(call_id)
    for call_id, engaging in state.engagings.items():
        expected.setdefault(engaging.pool.dialer, []).append(call_id)
    for dialer, pool in state.pools.items():
        leases = [*pool.common, *pool.charged, *pool.stranded]
        assert sorted(expected[dialer]) == sorted(leases), pool.name
        held = [call_id for calls in pool.held.values() for call_id in calls]
        assert sorted([*pool.common, *pool.charged]) == sorted(held), pool.name
        for (group_id, kind), calls in pool.held.items():
            assert all((lease.group_id, lease.kind) == (group_id, kind) for lease in calls.values())
            if kind is PortKind.ENGAGING and calls:
                assert group_id in state.groups


def check_agents(state: State) -> None:
    """Agents stand in the queues that their own fields say, and in nobody's call by accident."""
    for agent_id, agent in state.agents.items():
        if agent.call_id is not None:
            assert state.attempts[agent.call_id].agent_id == agent_id
            assert agent.state in (AgentState.RESERVED, AgentState.TALKING)
        assert agent.ending_id is None or agent.ending_id in state.attempts
        if agent.state in (AgentState.RESERVED, AgentState.TALKING):
            assert agent.call_id is not None or agent.offer is not None, f"agent {agent_id} is held for nothing"
        if agent.engaging_id is not None:
            assert state.engagings[agent.engaging_id].agent_id == agent_id
        for group_id in agent.group_ids:
            agents = state.agent_groups[group_id]
            assert agent.is_free == (agent_id in agents.free)
            assert agent.is_logged_in == (agent_id in agents.logged_in)
    for group_id, agents in state.agent_groups.items():
        for queue in (agents.logged_in, agents.working, agents.busy, agents.free):
            assert all(group_id in state.agents[agent_id].group_ids for agent_id in queue)
        members = [agent for agent in state.agents.values() if group_id in agent.group_ids]
        leaving = [(each.leaves_at_ms, each.agent_id) for each in members if each.leaves_at_ms is not None]
        assert agents.leaving == sorted(leaving)
        assert all(state.agents[agent_id].is_logged_in for _, agent_id in leaving)
        assert all(state.groups[number].is_running for number in agents.running)
    assert all(agent_id in state.agents for agent_id in state.phones.values())


def check_forecasts(state: State) -> None:
    """The forecasts count every call in flight and every agent who is expected back once, and nobody else."""
    for group_id, each in state.groups.items():
        calls = [call for call in state.attempts.values() if call.group_id == group_id and call.is_in_flight]
        assert len(calls) == each.odds.in_flight, f"group {group_id} waits for calls that are not in flight"
    forecasts = [agents.odds for agents in state.agent_groups.values()]
    forecasts += [each.held_odds for each in state.groups.values()]
    for odds in forecasts:
        back = [agent for agent in state.agents.values() if agent.expected]
        count = sum(each is odds for agent in back for each in agent.expected_by)
        assert count == odds.count(), "agents are expected back who are not away"


def check_commands(state: State, commands: Sequence[Command]) -> None:
    """Nothing is dialed that must not be; every settlement is the last word on its attempt."""
    for command in commands:
        if isinstance(command, Dial | Engage):
            each, member = state.groups[command.group_id], state.nodes[command.node_id]
            assert state.prime_id is not None, "dialed with the prime node lost"
            assert member.is_active and member.server_id == command.server_id, "dialed on an inactive node"
            assert member.admin is Admin.ENABLED, "dialed on a draining node"
            assert each.state is GroupState.RUNNING, "dialed for a group that does not run, or is paused"
            agents = state.agent_group_of(each)
            assert not each.mode.needs_agents or (agents is not None and agents.logged_in), "dialed without agents"
        if isinstance(command, Dial):
            assert command.number not in state.do_not_call, "dialed a do-not-call number"
        if isinstance(command, Join):
            customer, leg = state.attempts[command.call_id], state.engagings[command.engaging_call_id]
            assert customer.node_id == leg.node_id, "joined calls on different nodes"
        if isinstance(command, SettleAttempt):
            assert command.call_id not in state.attempts
