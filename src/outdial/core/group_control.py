"""What operators ask of campaign groups and nodes, and the replies: start, stop, pause, change, drain, promote."""

from outdial.core import callbacks
from outdial.core.agents import Agent
from outdial.core.callable_records import empty_buffer
from outdial.core.carry_over import take_over
from outdial.core.cluster import make_prime
from outdial.core.commands import Reply
from outdial.core.deadlines import Timer
from outdial.core.events import (
    GroupModeChangeRequested,
    GroupPauseRequested,
    GroupResumeRequested,
    GroupStartRequested,
    GroupStopRequested,
    NodeDrainRequested,
    NodeEnableRequested,
    NodePromoteRequested,
    StatisticsFound,
)
from outdial.core.groups import Group, GroupSignal, GroupState
from outdial.core.modes import DialingMode
from outdial.core.nodes import Admin
from outdial.core.placement import configured_prime
from outdial.core.port_shares import share_now
from outdial.core.preview import withdraw_offer
from outdial.core.settlement import finish_if_drained, release_engaging
from outdial.core.state import State
from outdial.core.units import GroupId


def _refuse(state: State, request_id: int, code: str, message: str) -> None:
    state.emit(Reply(request_id, ok=False, code=code, message=message))


def _known(state: State, group_id: GroupId) -> Group | None:
    """A group of the configuration; one that left it is only finishing its calls."""
    group = state.groups.get(group_id)
    return None if group is None or group.is_removed else group


def start_requested(state: State, event: GroupStartRequested) -> None:
    """Start a group; a running one is not started twice."""
    group = _known(state, event.group_id)
    if group is None:
        _refuse(state, event.request_id, "not_found", f"there is no campaign group {event.group_id}")
    elif group.is_running:
        how = "paused: resume it" if group.is_paused else "already running"
        message = f"campaign group {group.settings.name} (dbid {group.group_id}) is {how}"
        _refuse(state, event.request_id, "conflict", message)
    else:
        start(state, group)
        state.emit(Reply(event.request_id, ok=True))


def start(state: State, group: Group) -> None:
    """The group dials from now on."""
    group.move(GroupSignal.START)
    state.last_start += 1
    group.started_order = state.last_start
    group.fetch_at_ms = state.mono_ms
    agents = state.agent_group_of(group)
    if agents is not None:
        agents.running[group.group_id] = None
    callbacks.begin(state, group)
    share_now(state, state.pool_of(group.settings))
    state.touch(group.group_id)


def stop_requested(state: State, event: GroupStopRequested) -> None:
    """Stop a group; a stopped one is not stopped twice."""
    group = state.groups.get(event.group_id)
    if group is None:
        _refuse(state, event.request_id, "not_found", f"there is no campaign group {event.group_id}")
    elif not group.is_running:
        message = f"campaign group {group.settings.name} (dbid {group.group_id}) is not running"
        _refuse(state, event.request_id, "conflict", message)
    else:
        stop(state, group)
        state.emit(Reply(event.request_id, ok=True))


def stop(state: State, group: Group) -> None:
    """No new dialing; records go back, idle engaged agents are let go, calls in progress end by themselves."""
    group.move(GroupSignal.STOP)
    agents = state.agent_group_of(group)
    if agents is not None:
        agents.running.pop(group.group_id, None)
        for other_id in agents.running:
            state.touch(other_id)  # their part of the agents has grown
    group.hold = None
    group.is_fetching = False
    for timer in (Timer.GROUP, Timer.FETCH):
        state.deadlines.disarm((timer, group.group_id))
    empty_buffer(state, group, "the group was stopped")
    callbacks.end(state, group, "the group was stopped")
    for agent in offered_by(state, group):
        withdraw_offer(state, agent, "the group was stopped")
    for call_id in list(group.engagings):
        engaging = state.engagings[call_id]
        if engaging.customer_call_id is None:
            release_engaging(state, engaging)
    pool = state.pool_of(group.settings)
    pool.waiting.pop(group.group_id, None)
    share_now(state, pool)
    finish_if_drained(state, group)


def pause_requested(state: State, event: GroupPauseRequested) -> None:
    """Let a running group dial nothing new."""
    group = _known(state, event.group_id)
    if group is None:
        _refuse(state, event.request_id, "not_found", f"there is no campaign group {event.group_id}")
    elif not group.is_running or group.is_paused:
        how = "already paused" if group.is_paused else "not running"
        message = f"campaign group {group.settings.name} (dbid {group.group_id}) is {how}"
        _refuse(state, event.request_id, "conflict", message)
    else:
        pause(state, group)
        state.emit(Reply(event.request_id, ok=True))


def pause(state: State, group: Group) -> None:
    """No new dialing: what is on offer or waits for one agent goes back, all else stays as it is."""
    group.move(GroupSignal.PAUSE)
    state.deadlines.disarm((Timer.GROUP, group.group_id))
    callbacks.end(state, group, "the group was paused")
    for agent in offered_by(state, group):
        withdraw_offer(state, agent, "the group was paused")
    state.pool_of(group.settings).waiting.pop(group.group_id, None)
    state.touch(group.group_id)


def resume_requested(state: State, event: GroupResumeRequested) -> None:
    """A paused group dials again."""
    group = _known(state, event.group_id)
    if group is None:
        _refuse(state, event.request_id, "not_found", f"there is no campaign group {event.group_id}")
    elif not group.is_paused:
        message = f"campaign group {group.settings.name} (dbid {group.group_id}) is not paused"
        _refuse(state, event.request_id, "conflict", message)
    else:
        group.move(GroupSignal.RESUME)
        callbacks.begin(state, group)
        state.touch(group.group_id)
        state.emit(Reply(event.request_id, ok=True))


def offered_by(state: State, group: Group) -> list[Agent]:
    """Agents who look at a record of the group."""
    return [agent for agent in state.agents.values() if agent.offer is not None and agent.offer[0] == group.group_id]


def mode_change_requested(state: State, event: GroupModeChangeRequested) -> None:
    """Change the dialing mode: within the family while running, freely while stopped."""
    group = _known(state, event.group_id)
    if group is None:
        _refuse(state, event.request_id, "not_found", f"there is no campaign group {event.group_id}")
        return
    refusal = change_mode(state, group, event.mode)
    if refusal is not None:
        _refuse(state, event.request_id, "conflict", refusal)
    else:
        state.emit(Reply(event.request_id, ok=True))


def change_mode(state: State, group: Group, mode: DialingMode) -> str | None:
    """Change a group's mode now. Returns why it must not; None: it is changed."""
    if mode is group.mode:
        return None
    name = group.settings.name
    if group.state is not GroupState.STOPPED and not group.mode.may_change_to(mode):
        return (
            f"campaign group {name} cannot change from {group.mode.value} to {mode.value} while it runs: stop it "
            "first; a running group may change between the progressive and predictive form of its family"
        )
    if mode.needs_agents and group.settings.agent_group is None:
        return f"campaign group {name} has no agent group, which {mode.value} needs"
    if mode is DialingMode.POWER_GVP and group.settings.maximum_queue_size < 1:
        return f"campaign group {name} has no maximum-queue-size, which {mode.value} needs"
    group.change_mode(mode)
    if group.is_running:
        share_now(state, state.pool_of(group.settings))
        state.touch(group.group_id)
    return None


def statistics_found(state: State, event: StatisticsFound) -> None:
    """A group begins with what it learned in an earlier run."""
    group = _known(state, event.group_id)
    if group is None:
        _refuse(state, event.request_id, "not_found", f"there is no campaign group {event.group_id}")
        return
    refusal = take_over(state, group, event.learned)
    if refusal is not None:
        message = f"campaign group {group.settings.name} (dbid {group.group_id}) {refusal}"
        _refuse(state, event.request_id, "conflict", message)
    else:
        state.emit(Reply(event.request_id, ok=True))


def drain_requested(state: State, event: NodeDrainRequested) -> None:
    """No new requests to a node."""
    _set_admin(state, event.request_id, event.node_id, Admin.DRAINING)


def enable_requested(state: State, event: NodeEnableRequested) -> None:
    """Requests to a node again."""
    _set_admin(state, event.request_id, event.node_id, Admin.ENABLED)


def _set_admin(state: State, request_id: int, node_id: int, admin: Admin) -> None:
    node = state.nodes.get(node_id)
    if node is None:
        _refuse(state, request_id, "not_found", f"there is no node {node_id}")
    elif node.admin is admin:
        _refuse(state, request_id, "conflict", f"node {node.settings.name} is already {admin.value}")
    else:
        node.admin = admin
        state.touch_all()
        state.emit(Reply(request_id, ok=True))


def promote_requested(state: State, event: NodePromoteRequested) -> None:
    """Make an active node the prime node. What was stopped by the loss of another one goes on. Ours (0028)."""
    node = state.nodes.get(event.node_id)
    if node is None:
        _refuse(state, event.request_id, "not_found", f"there is no node {event.node_id}")
        return
    refusal = None
    if node not in state.connections:
        refusal = "is not among the connections of this server, so it cannot be the prime node"
    elif node.node_id == state.prime_id:
        refusal = "is the prime node already"
    elif not node.is_active:
        refusal = "is not connected: as the prime node it would stop all dialing"
    if refusal is not None:
        _refuse(state, event.request_id, "conflict", f"node {node.settings.name} {refusal}")
        return
    state.promoted_id = None
    if configured_prime(state) is not node:
        state.promoted_id = node.node_id
    make_prime(state, node.node_id)
    state.emit(Reply(event.request_id, ok=True))
