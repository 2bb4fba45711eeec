"""The board: everything that a dashboard shows, as JSON values.

Ports are numbers with fractions, rates are shares of 1, instants are UTC in ms. A number that a person may wonder about
comes with its reason.
"""

from pydantic import BaseModel, ConfigDict, Field


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
