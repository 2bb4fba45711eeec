"""Seizing modes: engaging agents ahead of customers, and everything that happens to engaging calls.

Agents are engaged while they are free and there is a port for the engaging call; groups that share agents take no more
than their part of them, so that the first one to start does not seize all.
"""

from outdial.core.agents import Agent
from outdial.core.availability import refile
from outdial.core.commands import Engage, ReleaseEngaging
from outdial.core.deadlines import Timer
from outdial.core.distribution import offer_agent
from outdial.core.engaging import Engaging, EngagingSignal, EngagingState
from outdial.core.events import AgentEngaged, DialRejected, EngagingAccepted, EngagingReleased
from outdial.core.groups import Group
from outdial.core.leaving import leaves_soon
from outdial.core.nodes import Node, NoNodeReason
from outdial.core.ports import Lease, NoPort, PortKind
from outdial.core.results import Ending
from outdial.core.seizing_moves import move_engaging
from outdial.core.settlement import (
    agent_missed,
    apply_intent,
    drop_unwilling_leg,
    end_call,
    finish_if_drained,
    free_reserved,
    part_from_customer,
    release_engaging,
)
from outdial.core.state import State
from outdial.core.units import SECOND_MS, AgentId, CallId, Millis

ENGAGE_PAUSE_MS: Millis = 5 * SECOND_MS
"""Pause before an agent is engaged again after the server failed to. Unit: ms. Ours."""
NO_ANSWER = "did not answer the engaging call"


def engage_agents(state: State, group: Group, node: Node) -> NoPort | None:
    """Engage free agents while there is room. Returns why there is none for the next; None: nobody is left out."""
    agents = state.agent_group_of(group)
    if agents is None:
        return None
    pool = state.pool_of(group.settings)
    part = -(-len(agents.working) // max(1, len(agents.running)))
    for agent_id in list(agents.free):
        if len(group.engagings) >= part:
            return None
        agent = state.agents[agent_id]
        if agent.callbacks or leaves_soon(state, group, agent):
            continue
        if state.mono_ms < agent.engage_after_ms:
            state.wake_group_at(group, agent.engage_after_ms)
            continue
        room = pool.room(group.group_id, PortKind.ENGAGING)
        if isinstance(room, NoPort):
            if room is NoPort.POOL_FULL:
                pool.waiting[group.group_id] = None
            return room
        refusal = node.refusal(state.mono_ms)
        if refusal is not None:
            state.wake_group_at(group, refusal.retry_at_ms or state.mono_ms + SECOND_MS)
            if refusal.reason is NoNodeReason.NO_CAPACITY:
                pool.waiting[group.group_id] = None
            return None
        _engage(state, group, node, agent_id)
    return None


def trim_engaged(state: State, group: Group) -> None:
    """Let idle engaged agents go when their ports leave none to dial with.

    A maximum that shrinks takes no port from a conversation, but a leg on which an agent merely waits would keep the
    group from dialing for ever: it holds what the regular calls need. Ours (0004).
    """
    pool = state.pool_of(group.settings)
    limits = pool.limits.get(group.group_id)
    if limits is None or limits.engaging_maximum is None or not group.engaged_idle:
        return
    surplus = pool.count(group.group_id, PortKind.ENGAGING) - limits.engaging_maximum
    if surplus < 1 or not isinstance(pool.room(group.group_id, PortKind.REGULAR), NoPort):
        return
    for agent_id in list(group.engaged_idle)[-surplus:]:
        engaging_id = state.agents[agent_id].engaging_id
        if engaging_id is not None:
            release_engaging(state, state.engagings[engaging_id])


def recall_kept_legs(state: State, group: Group) -> None:
    """Let go of agents on another server than the group dials on, as soon as its calls there need nobody any more."""
    for call_id in list(group.kept_legs):
        drop_unwilling_leg(state, state.agents[group.engagings[call_id]])


def give_up_leg(state: State, agent: Agent) -> None:
    """A customer could not be joined to the agent's leg: the server's doing. The agent is called anew after a pause."""
    if agent.engaging_id is not None:
        engaging = state.engagings[agent.engaging_id]
        part_from_customer(state, engaging)
        _release_for_now(state, engaging)
    free_reserved(state, agent)


def _release_for_now(state: State, engaging: Engaging) -> None:
    state.agents[engaging.agent_id].engage_after_ms = state.mono_ms + ENGAGE_PAUSE_MS
    release_engaging(state, engaging)


def _engage(state: State, group: Group, node: Node, agent_id: AgentId) -> None:
    agent = state.agents[agent_id]
    pool = state.pool_of(group.settings)
    call_id = state.new_call_id()
    pool.lease(Lease(call_id, group.group_id, PortKind.ENGAGING, node.node_id, state.mono_ms))
    node.take_request(call_id, state.mono_ms)
    server_id = node.server_id or node.node_id
    ring_ms_max = group.settings.call_wait_agent_connected_ms_max
    state.engagings[call_id] = Engaging(
        call_id, group.group_id, agent_id, node.node_id, server_id, pool, state.mono_ms, ring_ms_max
    )
    group.engagings[call_id] = agent_id
    agent.engaging_id = call_id
    agent.call_group_id = group.group_id
    refile(state, agent)
    state.emit(Engage(call_id, node.node_id, server_id, group.group_id, agent_id, agent.phone, ring_ms_max))
    state.deadlines.arm((Timer.ENGAGING, call_id), state.mono_ms + state.ocs.accept_ms_max)


def accepted(state: State, event: EngagingAccepted) -> None:
    """The server took the engage request; from now on the agent's ring limit counts."""
    engaging = state.engagings.get(event.call_id)
    if engaging is None:
        _late_life(state, event.call_id)
    elif move_engaging(state, engaging, EngagingSignal.ACCEPTED):
        limit_ms = engaging.ring_ms_max + state.ocs.accept_ms_max
        state.deadlines.arm((Timer.ENGAGING, engaging.call_id), engaging.requested_at_ms + limit_ms)


def _late_life(state: State, call_id: CallId) -> None:
    """A leg that the dialer has given up is alive: nobody would talk on it."""
    state.late_events += 1
    state.emit(ReleaseEngaging(call_id))


def engaged(state: State, event: AgentEngaged) -> None:
    """The agent waits on the line."""
    engaging = state.engagings.get(event.call_id)
    if engaging is None:
        _late_life(state, event.call_id)
        return
    if not move_engaging(state, engaging, EngagingSignal.ANSWERED):
        return
    state.deadlines.disarm((Timer.ENGAGING, engaging.call_id))
    agent = state.agents[engaging.agent_id]
    if not state.groups[engaging.group_id].is_running:
        release_engaging(state, engaging)
        return
    drop_unwilling_leg(state, agent)
    offer_agent(state, agent)


def released(state: State, event: EngagingReleased) -> None:
    """The engaging call has ended, whoever ended it."""
    engaging = state.engagings.get(event.call_id)
    if engaging is None:
        state.late_events += 1
        return
    unanswered = engaging.state in (EngagingState.REQUESTED, EngagingState.PROCEEDING)
    finish(state, engaging, EngagingSignal.RELEASED, missed=unanswered)


def rejected(state: State, event: DialRejected) -> None:
    """The server refused the engage request: not the agent's fault."""
    engaging = state.engagings[event.call_id]
    if engaging.state is EngagingState.REQUESTED:
        state.agents[engaging.agent_id].engage_after_ms = state.mono_ms + ENGAGE_PAUSE_MS
        finish(state, engaging, EngagingSignal.RELEASED)
    else:
        state.late_events += 1


def deadline(state: State, call_id: CallId) -> None:
    """The engaging call's deadline: the agent did not answer, or the server did not."""
    engaging = state.engagings[call_id]
    if engaging.state is EngagingState.PROCEEDING:
        release_engaging(state, engaging)
        agent_missed(state, state.agents[engaging.agent_id], NO_ANSWER)
    elif engaging.state is EngagingState.REQUESTED:
        _release_for_now(state, engaging)
    else:
        finish(state, engaging, EngagingSignal.GONE)


def finish(state: State, engaging: Engaging, last: EngagingSignal, *, missed: bool = False) -> None:
    """The engaging call is over: everything it held comes home; a customer on it is let go.

    Args:
        state: the dialer's memory.
        engaging: the call; unknown to the dialer afterwards.
        last: the signal that ends it: RELEASED or GONE.
        missed: the agent did not answer it, and is offered nothing else until ready again.
    """
    customer_id = engaging.customer_call_id
    if not move_engaging(state, engaging, last):
        return
    agent = state.agents[engaging.agent_id]
    group = state.groups[engaging.group_id]
    group.engaged_idle.pop(agent.agent_id, None)
    group.kept_legs.pop(engaging.call_id, None)
    agent.engaging_id = None
    del state.engagings[engaging.call_id]
    del group.engagings[engaging.call_id]
    state.deadlines.disarm((Timer.ENGAGING, engaging.call_id))
    state.release_lease(engaging.call_id, engaging.pool, engaging.node_id)
    refile(state, agent)
    customer = state.attempts.get(customer_id) if customer_id is not None else None
    if customer is not None and customer.agent_id == agent.agent_id:
        end_call(state, customer, Ending.STOPPED)
    if missed:
        agent_missed(state, agent, NO_ANSWER)
    apply_intent(state, agent)
    offer_agent(state, agent)
    state.touch(group.group_id)
    finish_if_drained(state, group)
