"""When and with what the shares of a pool are worked out: on a period, and at once when it matters.

At once: a group starts or stops, the pool changes, agents come or go. Many agents who sign in together cause one
calculation, not one each: changes within `SPACING_MS` of the last one are taken together.
"""

from outdial.core.allocation import PortUser, plan
from outdial.core.deadlines import Timer
from outdial.core.estimates import Demand, demand
from outdial.core.groups import Group, Hold
from outdial.core.nodes import Node
from outdial.core.ports import NOTHING, Limits, Pool
from outdial.core.settings import DialerId, DialerKind
from outdial.core.state import State
from outdial.core.units import Millis

SPACING_MS: Millis = 200
"""Shortest time between two calculations that nobody ordered. Unit: ms. Ours (0004)."""
AMPLE = 1.25
"""Below this multiple of its need a group's agents wait for ports. Source: the pacing study, section 8."""


def count_ports(state: State) -> None:
    """Count the pools' ports anew: what active nodes report, else what the configuration says."""
    for pool in state.pools.values():
        ports, source = _size(state, pool.dialer)
        if (ports, source) != (pool.ports, pool.source):
            pool.ports, pool.source = ports, source
            pool.recalculated_at_ms = -SPACING_MS
            state.stale_pools[pool.dialer] = None
            if pool.waiting:
                state.freed_pools[pool.dialer] = None


def _size(state: State, dialer: DialerId) -> tuple[int, str]:
    if dialer.kind is DialerKind.CPD_SERVER:
        server = state.nodes.get(dialer.dbid)
        return ((server.settings.ports or 0) if server is not None else 0, "cpd server")
    members = [node for node in state.connections if node.settings.switch == dialer.dbid]
    if any(node.has_reported_ports for node in members):
        return (sum(_reported(node) for node in members), "total-ports of active nodes")
    configuration = state.configuration
    switches = configuration.switches if configuration is not None else ()
    return (next((switch.channel_num for switch in switches if switch.dbid == dialer.dbid), 0), "channel_num")


def _reported(node: Node) -> int:
    return (node.total_ports or 0) if node.is_active else 0


def share_now(state: State, pool: Pool) -> None:
    """Mark a pool for calculation at the end of this step, whatever the spacing."""
    pool.recalculated_at_ms = -SPACING_MS
    state.stale_pools[pool.dialer] = None


def share_stale(state: State) -> None:
    """Work out the shares of every pool that something happened to."""
    while state.stale_pools:
        dialer = next(iter(state.stale_pools))
        del state.stale_pools[dialer]
        pool = state.pools.get(dialer)
        if pool is None:
            continue
        due_ms = pool.recalculated_at_ms + SPACING_MS
        if state.mono_ms < due_ms:
            state.deadlines.arm(_timer(dialer), due_ms)
        else:
            recalculate(state, pool)


def _timer(dialer: DialerId) -> tuple[Timer, int]:
    return (Timer.POOL, 2 * dialer.dbid + (dialer.kind is DialerKind.CPD_SERVER))


def deadline(state: State, key: int) -> None:
    """The period is over, or the spacing."""
    kind = DialerKind.CPD_SERVER if key % 2 else DialerKind.SWITCH
    pool = state.pools.get(DialerId(kind, key // 2))
    if pool is not None:
        recalculate(state, pool)


def recalculate(state: State, pool: Pool) -> None:
    """Work out the shares of one pool now, and look at every group whose maximum grew."""
    groups = [
        group
        for group in state.groups.values()
        if group.is_running and group.settings.dialer == pool.dialer and not group.mode.is_preview
    ]
    for group in groups:
        group.estimates.follow_turns(state.mono_ms)
        _sample_utilisation(state, group, pool)
    result = plan(
        ports=pool.ports,
        dynamic_allocation=pool.dynamic,
        users=[port_user(state, group, pool) for group in groups],
        before=pool.limits,
        mono_ms=state.mono_ms,
    )
    before = pool.limits
    pool.set_limits(result.limits, result.reserved_ports)
    pool.shortage = result.shortage
    pool.note = result.note
    pool.recalculated_at_ms = state.mono_ms
    for group_id, limits in result.limits.items():
        if _more(before.get(group_id), limits):
            state.touch(group_id)
    if pool.waiting:
        state.freed_pools[pool.dialer] = None
    if groups:
        state.deadlines.arm(_timer(pool.dialer), state.mono_ms + state.ocs.port_recalculation_ms)


def _more(before: Limits | None, after: Limits) -> bool:
    if before is None or after.maximum is None:
        return True
    return (
        before.maximum is None
        or after.maximum > before.maximum
        or (after.engaging_maximum or 0) > (before.engaging_maximum or 0)
        or (after.regular_maximum or 0) > (before.regular_maximum or 0)
    )


def _sample_utilisation(state: State, group: Group, pool: Pool) -> None:
    """Note how busy the agents are, unless ports are short: that must not make the group ask for fewer."""
    agents = state.agent_group_of(group)
    if agents is None or not agents.working or not group.pacing_mode.is_predictive:
        return
    if group.estimates.finished < group.settings.history_length:
        return
    if group.hold is not None and group.hold[0] in (Hold.WAITING_PORTS, Hold.PAUSED):
        return
    maximum = pool.limits.get(group.group_id, NOTHING).maximum
    need = group_demand(state, group)
    if maximum is not None and 1_000 * maximum < AMPLE * (need.regular_millis + need.engaging_millis):
        return
    group.estimates.utilisation.add(len(agents.busy) / len(agents.working))


def group_demand(state: State, group: Group) -> Demand:
    """Ports that the group needs; agents who work for several groups count in part."""
    agents = state.agent_group_of(group)
    agents_millis = team_millis = 0
    if agents is not None:
        team_millis = 1_000 * len(agents.working)
        agents_millis = team_millis // max(1, len(agents.running))
    return demand(
        group.estimates,
        mode=group.pacing_mode,
        agents_millis=agents_millis,
        team_millis=team_millis,
        multiplier_millis=group.settings.progressive_multiplier_millis,
        queue_size=group.settings.maximum_queue_size,
        target=group.settings.overdial_ratio_max,
        busy_max=group.aim.busy_max(group.estimates.handle_ms),
    )


def port_user(state: State, group: Group, pool: Pool) -> PortUser:
    """The group, as far as the ports of its dialer are concerned."""
    need = group_demand(state, group)
    agents = state.agent_group_of(group)
    settings = group.settings
    return PortUser(
        group_id=group.group_id,
        mode=group.mode,
        number_of_cpd_ports=settings.number_of_cpd_ports,
        asm_channel_num=settings.asm_channel_num,
        maximum_queue_size=settings.maximum_queue_size,
        started_order=group.started_order,
        has_agents=agents is not None and bool(agents.logged_in),
        need_regular_millis=need.regular_millis,
        need_engaging_millis=need.engaging_millis,
        held_ports=pool.used_by(group.group_id),
    )
