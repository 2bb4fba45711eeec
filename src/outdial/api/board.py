"""The board: everything that a dashboard shows, as JSON values.

Ports are numbers with fractions, rates are shares of 1, instants are UTC in ms. A number that a person may wonder about
comes with its reason.
"""

from collections.abc import Callable, Mapping

from pydantic import BaseModel, ConfigDict, Field

from outdial.core.settings import Configuration, DialerId
from outdial.core.snapshot import AgentView, GroupView, NodeView, PoolView, Snapshot, WindowView
from outdial.core.units import Millis, Now

MILLION = 1_000_000
THOUSAND = 1_000
OFFSET_MS_MAX: Millis = 1_000
"""By how much the clocks may drift apart before instants are worked out anew. Ours."""


class View(BaseModel):
    """An object of the board: compared with its earlier self, so it must not change."""

    model_config = ConfigDict(frozen=True)


class NamedView(View):
    """An object that another one names."""

    dbid: int
    name: str


class PortsView(View):
    """Ports of a campaign group: docs/concepts/ports.md."""

    maximum: int | None
    """None: only the pool limits it."""
    used: int
    regular: int
    engaging: int
    engaging_maximum: int | None
    need: float
    need_engaging: float
    peak: float
    """Enough for 99 % of the time."""
    reserved: int
    rule: str
    reason: str
    since_utc_ms: int


class AgentCountsView(View):
    """Agents of a campaign group."""

    logged_in: int
    ready: int
    busy: int


class CallCountsView(View):
    """Calls of a campaign group now. No call is counted twice."""

    dialing: int = Field(description="On their way, not ringing yet.")
    ringing: int = Field(description="Ringing at the customer.")
    answered: int = Field(description="Answered, and not yet told from a machine.")
    waiting: int = Field(description="Persons who wait for an agent.")
    connected: int = Field(description="Conversations, or sessions of an IVR application.")


class TotalsView(View):
    """Attempts since the server started."""

    attempts: int
    answered: int
    connected: int
    abandoned: int
    dropped: int
    node_faults: int
    results: dict[str, int]


class RatesView(View):
    """The last minutes."""

    window_ms: int
    attempts_per_hour: int
    hit_ratio: float | None
    """Persons who answered per attempt. None: no attempt has ended."""
    calls_per_agent_hour: float | None
    """Persons connected per agent logged in and hour. None: no agent is."""


class WindowBoard(View):
    """Abandoned calls over one window of the campaign's ledger."""

    window: str
    abandoned: int
    calls: int
    ratio: float
    is_limited: bool
    """The dialer keeps the limit in this window."""


class AbandonmentView(View):
    """Abandoned calls of a campaign group, and of its campaign."""

    limit: float
    recent: float
    """Of the group, over the window of its pacing."""
    windows: tuple[WindowBoard, ...]
    """Of the campaign. Empty: its ledger is not known."""


class GroupBoard(View):
    """One campaign group."""

    dbid: int
    name: str
    campaign: NamedView
    agent_group: int | None
    state: str
    mode: str
    pacing: str
    dialer: str
    """Whose ports it uses: `dialer` of a pool."""
    node: int | None
    ports: PortsView
    agents: AgentCountsView
    calls: CallCountsView
    totals: TotalsView
    rates: RatesView
    abandonment: AbandonmentView
    buffered_records: int
    holds: tuple[str, ...]
    """Why it does not dial more right now."""


class PoolBoard(View):
    """The ports of one dialer."""

    dialer: str
    name: str
    ports: int
    source: str
    used: int
    reserved: int
    dynamic: bool
    shortage: bool
    note: str


class NodeBoard(View):
    """One SIP cluster node."""

    dbid: int
    name: str
    state: str
    admin: str
    is_prime: bool
    server: NamedView | None
    """The application in use. None while inactive."""
    is_backup: bool
    """The backup application is in use."""
    has_backup: bool
    calls: int
    requests: int
    faults: int
    note: str
    since_utc_ms: int


class AgentBoard(View):
    """One agent."""

    dbid: int
    login: str
    state: str
    reason: str
    phone: str
    phone_state: str
    engaged: bool
    group: int | None
    agent_groups: tuple[int, ...]
    since_utc_ms: int


class AlarmView(View):
    """Something that an operator must know."""

    key: str
    severity: str
    """`critical` or `warning`."""
    text: str
    since_utc_ms: int
    campaign: str | None = None
    """Whose it is. None: everybody's."""


class Board(View):
    """The whole board at one instant."""

    utc_ms: int
    groups: tuple[GroupBoard, ...]
    pools: tuple[PoolBoard, ...]
    nodes: tuple[NodeBoard, ...]
    agents: tuple[AgentBoard, ...]
    alarms: tuple[AlarmView, ...]
    stops: tuple[str, ...]
    """Reasons that stop all dialing."""

    def seen_by(self, campaigns: frozenset[str] | None) -> "Board":
        """The same, without what belongs to other campaigns. None: everything."""
        if campaigns is None:
            return self
        groups = tuple(group for group in self.groups if group.campaign.name in campaigns)
        teams = {group.agent_group for group in groups}
        dialers = {group.dialer for group in groups}
        return self.model_copy(
            update={
                "groups": groups,
                "pools": tuple(pool for pool in self.pools if pool.dialer in dialers),
                "agents": tuple(agent for agent in self.agents if not teams.isdisjoint(agent.agent_groups)),
                "alarms": tuple(
                    alarm for alarm in self.alarms if alarm.campaign is None or alarm.campaign in campaigns
                ),
            }
        )


RatesOf = Callable[[GroupView], RatesView]


class BoardMaker:
    """Turns snapshots into boards; remembers what the configuration says."""

    def __init__(self, configuration: Configuration) -> None:
        """Read names and memberships."""
        self._campaigns = {each.dbid: NamedView(dbid=each.dbid, name=each.name) for each in configuration.campaigns}
        self._groups = {each.dbid: each for each in configuration.campaign_groups}
        self._teams: dict[int, list[int]] = {}
        for team in configuration.agent_groups:
            for agent_id in team.agents:
                self._teams.setdefault(agent_id, []).append(team.dbid)
        self._nodes = {node.dbid: node for node in configuration.nodes}
        self._offset_ms: Millis | None = None
        """UTC less monotonic time. Kept while it holds roughly, or every instant would change with each reading."""
        self._drawn: dict[int, tuple[AgentView, AgentBoard]] = {}
        """What was made of each agent the last time: most have not changed since."""

    def board(self, snapshot: Snapshot, rates_of: RatesOf, alarms: tuple[AlarmView, ...]) -> Board:
        """The board of one instant. Objects that the configuration does not have any more are left out."""
        windows = {campaign.campaign_id: campaign.windows for campaign in snapshot.campaigns}
        self.follow(Now(snapshot.mono_ms, snapshot.utc_ms))
        return Board(
            utc_ms=snapshot.utc_ms,
            groups=tuple(
                self.group(group, rates_of(group), windows)
                for group in snapshot.groups
                if group.group_id in self._groups
            ),
            pools=tuple(map(_pool, snapshot.pools)),
            nodes=tuple(self.node(node) for node in snapshot.nodes if node.node_id in self._nodes),
            agents=tuple(self.agent(agent) for agent in snapshot.agents),
            alarms=alarms,
            stops=snapshot.stops,
        )

    def follow(self, now: Now) -> None:
        """Tell instants by these clocks from now on: before anything is drawn."""
        offset_ms = now.utc_ms - now.mono_ms
        if self._offset_ms is None or abs(offset_ms - self._offset_ms) > OFFSET_MS_MAX:
            self._offset_ms = offset_ms
            self._drawn.clear()

    def group(self, group: GroupView, rates: RatesView, windows: Mapping[int, tuple[WindowView, ...]]) -> GroupBoard:
        """One campaign group, which the configuration has. Shape of `windows`: {campaign: its windows}."""
        settings = self._groups[group.group_id]
        ports = group.ports
        return GroupBoard(
            dbid=group.group_id,
            name=group.name,
            campaign=self._campaigns[settings.campaign],
            agent_group=settings.agent_group,
            state=group.state,
            mode=group.mode.value,
            pacing=group.pacing,
            dialer=dialer_text(group.dialer),
            node=group.node_id,
            ports=PortsView(
                maximum=ports.maximum_ports,
                used=ports.used_ports,
                regular=ports.regular_ports,
                engaging=ports.engaging_ports,
                engaging_maximum=ports.engaging_maximum_ports,
                need=ports.need_millis / THOUSAND,
                need_engaging=ports.need_engaging_millis / THOUSAND,
                peak=ports.peak_millis / THOUSAND,
                reserved=ports.reserved_ports,
                rule=ports.rule,
                reason=ports.reason,
                since_utc_ms=self._utc_ms(ports.since_mono_ms),
            ),
            agents=AgentCountsView(logged_in=group.agents_logged_in, ready=group.agents_ready, busy=group.agents_busy),
            calls=CallCountsView(
                dialing=group.dialing - group.ringing,
                ringing=group.ringing,
                answered=group.answered,
                waiting=group.waiting,
                connected=group.connected,
            ),
            totals=TotalsView(
                attempts=group.counts.attempts,
                answered=group.counts.answered,
                connected=group.counts.connected,
                abandoned=group.counts.abandoned,
                dropped=group.counts.dropped,
                node_faults=group.counts.node_faults,
                results=dict(group.counts.results),
            ),
            rates=rates,
            abandonment=AbandonmentView(
                limit=group.abandonment_limit_ppm / MILLION,
                recent=group.abandon_millis / THOUSAND,
                windows=tuple(
                    WindowBoard(
                        window=each.window.value,
                        abandoned=each.abandoned,
                        calls=each.calls,
                        ratio=each.ppm / MILLION,
                        is_limited=each.is_limited,
                    )
                    for each in windows.get(settings.campaign, ())
                ),
            ),
            buffered_records=group.buffered_chains,
            holds=group.holds,
        )

    def node(self, node: NodeView) -> NodeBoard:
        """One node, which the configuration has."""
        settings = self._nodes[node.node_id]
        is_backup = node.server_id is not None and node.server_id == settings.backup
        name = settings.backup_name or f"backup of {settings.name}" if is_backup else settings.name
        return NodeBoard(
            dbid=node.node_id,
            name=node.name,
            state=node.state,
            admin=node.admin,
            is_prime=node.is_prime,
            server=None if node.server_id is None else NamedView(dbid=node.server_id, name=name),
            is_backup=is_backup,
            has_backup=settings.backup is not None,
            calls=node.calls,
            requests=node.requests,
            faults=node.faults,
            note=node.note,
            since_utc_ms=self._utc_ms(node.since_mono_ms),
        )

    def agent(self, agent: AgentView) -> AgentBoard:
        """One agent."""
        drawn = self._drawn.get(agent.agent_id)
        if drawn is not None and drawn[0] == agent:
            return drawn[1]
        board = AgentBoard(
            dbid=agent.agent_id,
            login=agent.login,
            state=agent.state,
            reason=agent.reason,
            phone=agent.phone,
            phone_state=agent.phone_state,
            engaged=agent.engaged,
            group=agent.group_id,
            agent_groups=tuple(self._teams.get(agent.agent_id, ())),
            since_utc_ms=self._utc_ms(agent.since_mono_ms),
        )
        self._drawn[agent.agent_id] = (agent, board)
        return board

    def _utc_ms(self, mono_ms: Millis) -> int:
        """What the calendar says of a monotonic instant."""
        assert self._offset_ms is not None  # set by `follow`
        return mono_ms + self._offset_ms


def _pool(pool: PoolView) -> PoolBoard:
    return PoolBoard(
        dialer=dialer_text(pool.dialer),
        name=pool.name,
        ports=pool.ports,
        source=pool.source,
        used=pool.used_ports,
        reserved=pool.reserved_ports,
        dynamic=pool.dynamic,
        shortage=pool.shortage,
        note=pool.note,
    )


def dialer_text(dialer: DialerId) -> str:
    """A dialer's name in the API, for example `switch-101`."""
    return f"{dialer.kind.value}-{dialer.dbid}"
