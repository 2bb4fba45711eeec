"""Immutable views of the whole dialer, for boards, API and reports.

A snapshot is made on request and costs time in proportion to groups, pools, nodes and agents; no step makes one.
Every number that a person may wonder about comes with its reason.
"""

from dataclasses import dataclass

from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.modes import DialingMode
from outdial.core.pacing import Decision
from outdial.core.settings import DialerId
from outdial.core.units import AgentGroupId, AgentId, GroupId, Millis, NodeId, ServerId


@dataclass(frozen=True, slots=True)
class GroupPorts:
    """What a campaign group may use of its pool, and why."""

    maximum_ports: int | None
    """Ports up to which the group may take new leases. None: only the pool limits it."""
    used_ports: int
    """Leases held now, regular + engaging."""
    regular_ports: int
    engaging_ports: int
    engaging_maximum_ports: int | None
    """Part of the maximum that engaging calls may use (seizing modes); None: no separate limit."""
    need_millis: int
    """Estimated average number of ports needed. Unit: thousandths of a port."""
    need_engaging_millis: int
    """Part of the need that is engaging calls."""
    peak_millis: int
    """Estimated number of ports that is enough for 99 % of the time. Unit: thousandths of a port."""
    peak_engaging_millis: int
    reserved_ports: int
    """Ports set aside for the group (static groups, GVP groups)."""
    rule: str
    """Which rule gave the maximum: a short stable name."""
    reason: str
    """One sentence: need, share, rule, cap."""
    since_mono_ms: Millis
    """When the maximum last changed."""


@dataclass(frozen=True, slots=True)
class GroupCounts:
    """Totals of a campaign group since it was first loaded."""

    attempts: int
    """Attempts settled."""
    answered: int
    """Attempts answered by a person."""
    connected: int
    """Persons connected with an agent or an IVR application."""
    abandoned: int
    """Persons who left while waiting for an agent."""
    dropped: int
    """Persons we released because no agent came."""
    results: tuple[tuple[str, int], ...]
    """Attempts by call result. Shape: ((result name in lower case, count), …) in order of the vendor's numbers."""
    node_faults: int
    """Attempts that ended through the node's fault."""


@dataclass(frozen=True, slots=True)
class GroupView:
    """One campaign group."""

    group_id: GroupId
    name: str
    state: str
    """A value of `outdial.core.groups.GroupState`."""
    mode: DialingMode
    pacing: str
    """How it dials now: `progressive`, `predictive`, `power`, `preview`; a predictive group that dials ahead
    little or not at all says why."""
    dialer: DialerId
    node_id: NodeId | None
    """Dialer node in seizing modes; None when requests are balanced over all nodes."""
    ports: GroupPorts
    agents_logged_in: int
    agents_ready: int
    """Ready and available (seizing modes: engaged and waiting)."""
    agents_busy: int
    """Reserved, talking or in after-call work."""
    dialing: int
    """Calls not yet answered: those that ring among them."""
    ringing: int
    """Calls of which the customer's end has said that it rings: a part of `dialing`."""
    answered: int
    """Calls answered, in call progress detection."""
    waiting: int
    """Persons waiting for an agent."""
    connected: int
    """Conversations (or IVR sessions) now."""
    buffered_chains: int
    counts: GroupCounts
    abandon_millis: int
    """Abandoned and dropped per answered person over the pacing window. Unit: thousandths."""
    decisions: tuple[Decision, ...]
    """What a predictive group decided lately and what on, oldest first: at most `pacing.DECISIONS_KEPT`."""
    holds: tuple[str, ...]
    """Every reason why the group does not dial more right now; empty while it dials as it likes."""
    abandonment_limit_ppm: int = 0
    """Largest share of abandoned persons: the campaign's, or the group's own. Unit: millionths."""


@dataclass(frozen=True, slots=True)
class PoolView:
    """The ports of one dialer."""

    dialer: DialerId
    name: str
    ports: int
    """Size of the pool now."""
    source: str
    """Where the size comes from: `channel_num`, `total-ports of active nodes` or `cpd server`."""
    used_ports: int
    reserved_ports: int
    dynamic: bool
    shortage: bool
    """The dynamic groups need more than there is."""
    recalculated_at_mono_ms: Millis
    note: str
    """Something the operator should know, for example reservations that exceed the pool. Empty: nothing."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """One SIP cluster node or CPD server."""

    node_id: NodeId
    name: str
    state: str
    """A value of `outdial.core.nodes.NodeState`."""
    admin: str
    """`enabled` or `draining`."""
    is_prime: bool
    server_id: ServerId | None
    """The application in use; None while inactive."""
    calls: int
    """Calls that hold a port on the node."""
    requests: int
    """Dial and engage requests sent since start."""
    faults: int
    """Requests that failed through the node's fault."""
    note: str
    """Why no new requests go there; empty: they do."""
    since_mono_ms: Millis
    """When the state last changed."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent."""

    agent_id: AgentId
    login: str
    state: str
    """A value of `outdial.core.agents.AgentState`."""
    phone: str
    phone_state: str
    engaged: bool
    """Held by an engaging call (seizing modes)."""
    group_id: GroupId | None
    """Campaign group of the current call."""
    since_mono_ms: Millis
    reason: str = ""
    """Why not ready."""


@dataclass(frozen=True, slots=True)
class WindowView:
    """Abandoned calls of one campaign over one window of its account."""

    window: AbandonmentWindow
    abandoned: int
    """Numerator of the rate, by the campaign's method."""
    calls: int
    """Denominator."""
    ppm: int
    """The rate, rounded up. Unit: millionths."""
    is_limited: bool
    """The dialer keeps the limit in this window."""


@dataclass(frozen=True, slots=True)
class CampaignView:
    """One campaign: what of its abandoned calls is spent."""

    campaign_id: int
    name: str
    limit_ppm: int
    """Largest share of abandoned calls: its own limit, or the strictest of its groups. Unit: millionths."""
    windows: tuple[WindowView, ...]
    """Every window. Empty: the store has not told what it knows, and each group has an account of its own."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole dialer at one instant."""

    mono_ms: Millis
    utc_ms: Millis
    groups: tuple[GroupView, ...]
    pools: tuple[PoolView, ...]
    nodes: tuple[NodeView, ...]
    agents: tuple[AgentView, ...]
    prime_node_id: NodeId | None
    """The node whose agent events count; None while there is none."""
    stops: tuple[str, ...]
    """Reasons that stop all dialing, for example the loss of the prime node."""
    late_events: int
    """Events that came too late to matter, since start."""
    ignored_dn_events: int
    """Agent events from nodes that are not the prime node, since start."""
    unknown_results: int
    """Attempts whose signs fitted no row of the result table, since start."""
    agent_groups: tuple[tuple[AgentGroupId, int], ...]
    """Waiting persons per agent group. Shape: ((agent group, count), …)."""
    campaigns: tuple[CampaignView, ...] = ()
