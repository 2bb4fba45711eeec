"""Taking a snapshot: from the dialer's memory to the immutable views of `snapshot.py`, of all objects or of one."""

from outdial.core.abandonment import MILLION, Ledger, share_of
from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.agents import Agent, AgentState
from outdial.core.attempt import AttemptState
from outdial.core.campaign_accounts import limit_ppm
from outdial.core.groups import Group, Hold
from outdial.core.modes import DialingMode
from outdial.core.nodes import Node, NoNodeReason
from outdial.core.placement import configured_prime, fixed_node, unreachable
from outdial.core.port_shares import group_demand
from outdial.core.ports import NOTHING, Pool, PortKind
from outdial.core.settings import Campaign, PrimeNodeLoss
from outdial.core.snapshot import (
    AgentView,
    CampaignView,
    GroupCounts,
    GroupPorts,
    GroupView,
    NodeView,
    PoolView,
    Snapshot,
    WindowView,
)
from outdial.core.state import State
from outdial.core.units import AgentId, GroupId, NodeId, Now


def take_snapshot(state: State) -> Snapshot:
    """Everything at this instant."""
    return Snapshot(
        mono_ms=state.mono_ms,
        utc_ms=state.utc_ms,
        groups=tuple(_group(state, group) for group in state.groups.values()),
        pools=tuple(_pool(pool) for pool in state.pools.values()),
        nodes=tuple(_node(state, node) for node in state.nodes.values()),
        agents=tuple(_agent(agent) for agent in state.agents.values()),
        prime_node_id=state.prime_id,
        stops=_stops(state),
        late_events=state.late_events,
        ignored_dn_events=state.ignored_dn_events,
        unknown_results=state.unknown_results,
        agent_groups=tuple((group_id, len(group.waiting)) for group_id, group in state.agent_groups.items()),
        campaigns=tuple(_campaign(state, campaign) for campaign in state.campaigns.values()),
    )


class Views:
    """One object at a time, as a snapshot of the same instant shows it: who asks about one need not look at all."""

    def __init__(self, state: State) -> None:
        self._state = state

    @property
    def now(self) -> Now:
        """The instant: that of the last step."""
        return Now(self._state.mono_ms, self._state.utc_ms)

    def group(self, group_id: GroupId) -> GroupView | None:
        """A campaign group. None: there is none."""
        group = self._state.groups.get(group_id)
        return None if group is None else _group(self._state, group)

    def node(self, node_id: NodeId) -> NodeView | None:
        """A node. None: there is none."""
        node = self._state.nodes.get(node_id)
        return None if node is None else _node(self._state, node)

    def agent(self, agent_id: AgentId) -> AgentView | None:
        """An agent. None: there is none."""
        agent = self._state.agents.get(agent_id)
        return None if agent is None else _agent(agent)

    def campaign(self, campaign_id: int) -> CampaignView | None:
        """A campaign. None: there is none."""
        campaign = self._state.campaigns.get(campaign_id)
        return None if campaign is None else _campaign(self._state, campaign)


def _stops(state: State) -> tuple[str, ...]:
    if state.prime_id is not None:
        return ()
    prime = configured_prime(state)
    name = prime.settings.name if prime is not None else "none configured"
    if state.ocs.prime_node_loss is PrimeNodeLoss.PROMOTE:
        return (f"no active node can take the place of prime node {name}: all dialing is stopped",)
    return (f"prime node {name} is lost: all dialing is stopped",)


def _group(state: State, group: Group) -> GroupView:
    agents = state.agent_group_of(group)
    node = fixed_node(state, group)
    seizing = group.mode.is_seizing
    ready = len(group.engaged_idle) if seizing else len(agents.free) if agents is not None else 0
    calls = group.calls
    return GroupView(
        group_id=group.group_id,
        name=group.settings.name,
        state=group.state.value,
        mode=group.mode,
        pacing=_pacing(state, group),
        dialer=group.settings.dialer,
        node_id=node.node_id if node is not None else None,
        ports=_ports(state, group),
        agents_logged_in=len(agents.logged_in) if agents is not None else 0,
        agents_ready=ready,
        agents_busy=len(agents.busy) if agents is not None else 0,
        dialing=group.dialing,
        ringing=len(calls[AttemptState.ALERTING]),
        answered=len(calls[AttemptState.ANSWERED]),
        waiting=len(calls[AttemptState.WAITING]) + len(calls[AttemptState.CONNECTING]),
        connected=len(calls[AttemptState.CONNECTED]) + len(calls[AttemptState.IN_IVR]),
        buffered_chains=len(group.buffer),
        counts=_counts(group),
        abandon_millis=group.budget.recent_millis,
        decisions=tuple(group.pace.decisions),
        holds=_holds(state, group),
        abandonment_limit_ppm=limit_ppm(state.campaigns.get(group.settings.campaign), group),
    )


def _pacing(state: State, group: Group) -> str:
    if group.mode is DialingMode.POWER_GVP:
        return "power"
    if group.mode.is_preview:
        return "preview"
    if group.pace.note:
        return f"progressive: {group.pace.note}"
    if not group.mode.is_predictive:
        return "progressive"
    if group.budget.is_spent(state.mono_ms):
        return "predictive: the budget of abandoned calls is spent, nearly nothing is risked"
    return "predictive"


def _holds(state: State, group: Group) -> tuple[str, ...]:
    if not group.is_running:
        return ()
    pause = (Hold.PAUSED, "") if group.is_paused else None
    holds = [pause, unreachable(state, group) or (None if pause else group.hold)]
    found = [hold for hold in holds if hold is not None and hold[0] is not Hold.PACING]
    return tuple(f"{reason.value}: {detail}" if detail else reason.value for reason, detail in found)


def _counts(group: Group) -> GroupCounts:
    totals = group.totals
    return GroupCounts(
        attempts=totals.attempts,
        answered=totals.persons,
        connected=totals.connected,
        abandoned=totals.abandoned,
        dropped=totals.dropped,
        results=tuple((result.name.lower(), count) for result, count in sorted(totals.results.items())),
        node_faults=totals.node_faults,
    )


def _ports(state: State, group: Group) -> GroupPorts:
    pool = state.pools.get(group.settings.dialer)
    limits = pool.limits.get(group.group_id, NOTHING) if pool is not None else NOTHING
    need = group_demand(state, group)
    regular = pool.count(group.group_id, PortKind.REGULAR) if pool is not None else 0
    engaging = pool.count(group.group_id, PortKind.ENGAGING) if pool is not None else 0
    return GroupPorts(
        maximum_ports=limits.maximum,
        used_ports=regular + engaging,
        regular_ports=regular,
        engaging_ports=engaging,
        engaging_maximum_ports=limits.engaging_maximum,
        need_millis=need.regular_millis + need.engaging_millis,
        need_engaging_millis=need.engaging_millis,
        peak_millis=need.peak_millis,
        peak_engaging_millis=need.engaging_peak_millis,
        reserved_ports=limits.reserved,
        rule=limits.rule,
        reason=limits.reason,
        since_mono_ms=limits.since_ms,
    )


def _pool(pool: Pool) -> PoolView:
    return PoolView(
        dialer=pool.dialer,
        name=pool.name,
        ports=pool.ports,
        source=pool.source,
        used_ports=pool.used_ports,
        reserved_ports=pool.reserved_ports,
        dynamic=pool.dynamic,
        shortage=pool.shortage,
        recalculated_at_mono_ms=pool.recalculated_at_ms,
        note=pool.note,
    )


def _node(state: State, node: Node) -> NodeView:
    refusal = node.refusal(state.mono_ms)
    note = ""
    if refusal is not None:
        note = "inactive" if refusal.reason is NoNodeReason.NONE_ACTIVE else refusal.reason.value
    return NodeView(
        node_id=node.node_id,
        name=node.settings.name,
        state=node.state.value,
        admin=node.admin.value,
        is_prime=node.node_id == state.prime_id,
        server_id=node.server_id,
        calls=len(node.calls),
        requests=node.requests,
        faults=node.faults,
        note=note,
        since_mono_ms=node.since_ms,
    )


def _agent(agent: Agent) -> AgentView:
    return AgentView(
        agent_id=agent.agent_id,
        login=agent.settings.login,
        state=agent.state.value,
        phone=agent.phone,
        phone_state=agent.phone_state.value,
        engaged=agent.engaging_id is not None,
        group_id=agent.call_group_id if agent.call_id is not None else None,
        since_mono_ms=agent.since_ms,
        reason=agent.intent_reason if agent.state is AgentState.NOT_READY else "",
    )


def _campaign(state: State, campaign: Campaign) -> CampaignView:
    ledger = state.ledgers.get(campaign.dbid)
    windows = () if ledger is None else tuple(_window(state, campaign, ledger, window) for window in AbandonmentWindow)
    return CampaignView(campaign.dbid, campaign.name, _limit_ppm(state, campaign), windows)


def _window(state: State, campaign: Campaign, ledger: Ledger, window: AbandonmentWindow) -> WindowView:
    share = share_of(ledger.counts(window, state.utc_ms, campaign.zone), campaign)
    return WindowView(window, share.abandoned, share.calls, share.ppm, window in campaign.abandonment_windows)


def _limit_ppm(state: State, campaign: Campaign) -> int:
    """Its own limit, or the strictest of its groups. Without either nothing is dialed for it, and all is allowed."""
    if campaign.abandonment_limit_ppm is not None:
        return campaign.abandonment_limit_ppm
    groups = (group.settings for group in state.groups.values() if group.settings.campaign == campaign.dbid)
    return min((round(MILLION * settings.overdial_ratio_max) for settings in groups), default=MILLION)
