"""Starting attempts: the one place that lists the steps from "may this group dial?" to `Dial`.

1. the group runs and is not paused, the prime node is there, a node takes the group's requests, an agent is logged in;
2. seizing modes: free agents are engaged first;
3. pacing says how many attempts to start (`pacing.py`);
4. for each: a record (`callable_records.py`), a node (`nodes.py`), a port (`ports.py`), and `Dial`.

Every step that ends it leaves a reason in `group.hold`, which is what an operator sees.
"""

from outdial.core.attempt import Attempt
from outdial.core.callable_records import fetch_if_low, rules_of, take_next, why_none
from outdial.core.commands import Dial
from outdial.core.evidence import evidence_of
from outdial.core.flights import taken_off
from outdial.core.groups import Group, Hold
from outdial.core.leaving import available_leavers
from outdial.core.modes import DialingMode
from outdial.core.nodes import Node, NoNode, NoNodeReason
from outdial.core.pacing import attempts_to_start
from outdial.core.placement import choose_node, fixed_node, unreachable
from outdial.core.ports import Lease, NoPort, Pool, PortKind
from outdial.core.predictive import available_agents, calls_ahead, situation
from outdial.core.preview import offer_callbacks, push_offers
from outdial.core.records import Chain
from outdial.core.seizing import engage_agents, recall_kept_legs, trim_engaged
from outdial.core.state import State
from outdial.core.units import NodeId

NOT_HELD_BACK = (Hold.PACING, Hold.WAITING_AGENTS)
"""Nothing but pacing and agents ended the look."""
POWER_GVP = DialingMode.POWER_GVP
REGULAR = PortKind.REGULAR
ENOUGH = (Hold.PACING, "")
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


def dial_dirty(state: State) -> None:
    """Look at every group that something happened to, then at groups waiting for ports that came home."""
    while state.dirty:
        group_id = next(iter(state.dirty))
        del state.dirty[group_id]
        _look_at(state, group_id)
    while state.freed_pools:
        dialer = next(iter(state.freed_pools))
        del state.freed_pools[dialer]
        pool = state.pools.get(dialer)
        if pool is not None:
            _serve_waiting(state, pool)


def _serve_waiting(state: State, pool: Pool) -> None:
    """Look once at each group that waits for a port, in order, while the pool has one.

    A group that is back in line found its node full, or what reservations leave; the same holds for those behind it
    that dial on the same node and from the same part of the pool, and for no others.
    """
    in_vain: set[tuple[NodeId | None, bool]] = set()
    for group_id in list(pool.waiting):
        if pool.used_ports >= pool.ports:
            return
        node = fixed_node(state, state.groups[group_id])
        place = (None if node is None else node.node_id, pool.has_reservation(group_id))
        if place in in_vain:
            continue
        del pool.waiting[group_id]
        _look_at(state, group_id)
        if group_id in pool.waiting:
            in_vain.add(place)


def _look_at(state: State, group_id: int) -> None:
    group = state.groups.get(group_id)
    if group is None or not group.is_running:
        return
    group.hold = _start_attempts(state, group)
    group.budget.is_held_back = group.hold[0] not in NOT_HELD_BACK
    fetch_if_low(state, group)


def _start_attempts(state: State, group: Group) -> tuple[Hold, str]:
    """Start as many attempts as everything allows. Returns what ended it."""
    if group.kept_legs:
        recall_kept_legs(state, group)
    if group.is_paused:
        return (Hold.PAUSED, "")
    if group.callbacks:
        offer_callbacks(state, group)
    lost = unreachable(state, group)
    if lost is not None:
        return lost
    agents = state.agent_group_of(group)
    if group.mode.needs_agents and (agents is None or not agents.logged_in):
        return (Hold.NO_AGENTS, "")
    if group.mode.is_preview:
        return _preview(state, group)
    no_port: NoPort | None = None
    if group.mode.is_seizing:
        node = fixed_node(state, group)
        if node is not None:
            trim_engaged(state, group)
            no_port = engage_agents(state, group, node)
    mode = group.mode
    free = available_agents(state, group)
    if mode.is_predictive:
        wanted = calls_ahead(state, group)
    elif not free and mode is not POWER_GVP:  # nobody is there to dial for; most looks end here
        wanted = 0
    else:
        wanted = attempts_to_start(mode, situation(state, group))
    if wanted:
        return _start(state, group, wanted)
    if no_port is not None:
        return (Hold.WAITING_PORTS, no_port.value)
    if mode is not POWER_GVP and available_leavers(state, group) == free:
        return (Hold.WAITING_AGENTS, "those who are free are due to leave" if free else "")
    return ENOUGH


def _preview(state: State, group: Group) -> tuple[Hold, str]:
    if group.mode is DialingMode.PUSH_PREVIEW and not push_offers(state, group):
        return (Hold.WAITING_RECORDS, "")
    return (Hold.WAITING_AGENTS, "agents decide when to call")


def _start(state: State, group: Group, wanted: int) -> tuple[Hold, str]:
    """Steps for each attempt: port to be had, record, node, lease, Dial."""
    pool = state.pool_of(group.settings)
    room = pool.room(group.group_id, REGULAR)
    for _ in range(0 if isinstance(room, NoPort) else min(wanted, room)):
        chain = take_next(state, group)
        if chain is None:
            return (Hold.WAITING_RECORDS, why_none(group))
        node = choose_node(state, group, pool)
        if isinstance(node, NoNode):
            group.buffer.appendleft(chain)
            if node.retry_at_ms is not None:
                state.wake_group_at(group, node.retry_at_ms)
            if node.reason is NoNodeReason.NO_CAPACITY:
                pool.waiting[group.group_id] = None
            return (Hold.NO_NODE, node.reason.value)
        _dial(state, group, chain, node)
    if not isinstance(room, NoPort):
        if wanted <= room:
            return ENOUGH
        room = pool.room(group.group_id, REGULAR)
    if room is NoPort.POOL_FULL:
        pool.waiting[group.group_id] = None
    return (Hold.WAITING_PORTS, room.value if isinstance(room, NoPort) else "")


def _dial(state: State, group: Group, chain: Chain, node: Node) -> None:
    """One attempt is born: port leased, node booked, `Dial` sent."""
    settings = group.settings
    pool = state.pool_of(settings)
    call_id = state.new_call_id()
    record = chain.records[0]
    server_id = node.server_id or node.node_id
    pool.lease(Lease(call_id, group.group_id, REGULAR, node.node_id, state.mono_ms))
    agents = state.agent_group_of(group)
    if agents is not None and len(agents.running) > 1:
        agents.running[group.group_id] = agents.running.pop(group.group_id)  # who dialed last is asked last
    node.take_request(call_id, state.mono_ms)
    attempt = Attempt(
        call_id=call_id,
        group_id=group.group_id,
        mode=group.mode,
        node_id=node.node_id,
        server_id=server_id,
        chain=chain,
        pool=pool,
        agent_group_id=None if group.mode.is_seizing else settings.agent_group,
        dialed_at_ms=state.mono_ms,
        dialed_utc_ms=state.utc_ms,
        ring_ms_max=settings.ring_ms_max,
    )
    rules = rules_of(state, group, record.list_id)
    state.enter(attempt)
    taken_off(state, attempt)
    state.emit(
        Dial(
            call_id,
            node.node_id,
            server_id,
            group.group_id,
            record.list_id,
            record.record_id,
            record.number,
            settings.ring_ms_max,
            settings.call_progress_detection,
            evidence=None if rules is None else evidence_of(record, rules, state.utc_ms),
        )
    )
