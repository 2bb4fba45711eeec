"""Bringing answered persons and free agents together.

Persons wait in one line per agent group (regular and GVP modes) or per campaign group (seizing modes: only agents held
on the same server can be joined). The longest waiting person meets the longest idle agent.
"""

from collections import OrderedDict

from outdial.core.agents import Agent, AgentSignal
from outdial.core.attempt import Attempt, AttemptSignal
from outdial.core.availability import refile, signal
from outdial.core.commands import Join, Transfer
from outdial.core.engaging import ENGAGING_TABLE, EngagingSignal, EngagingState
from outdial.core.errors import InvariantViolated
from outdial.core.state import State
from outdial.core.units import AgentId, CallId


def line_of(state: State, attempt: Attempt) -> OrderedDict[CallId, None]:
    """The line in which this call's person waits."""
    group = state.groups[attempt.group_id]
    if attempt.mode.is_seizing:
        return group.waiting
    if attempt.agent_group_id is None:
        raise InvariantViolated(f"call {attempt.call_id} waits for an agent in a group without agents")
    return state.agent_groups[attempt.agent_group_id].waiting


def agents_for(state: State, attempt: Attempt) -> OrderedDict[AgentId, None]:
    """Agents who could take this call, longest idle first."""
    if attempt.mode.is_seizing:
        return state.groups[attempt.group_id].engaged_idle
    if attempt.agent_group_id is None:
        return OrderedDict()
    return state.agent_groups[attempt.agent_group_id].free


def seek_agent(state: State, attempt: Attempt) -> None:
    """A person has just been recognised (or lost the agent): find one, or wait in line."""
    line = line_of(state, attempt)
    if attempt.waiting_since_ms is None:
        attempt.waiting_since_ms = state.mono_ms
    agent = _first_agent_for(state, attempt)
    if agent is not None and not _others_first(state, attempt, agent):
        _assign(state, attempt, agent)
        return
    line[attempt.call_id] = None
    if attempt.waiting_since_ms < state.mono_ms:  # came back from an agent who did not answer: to their old place
        for call_id in [other for other in line if _came_after(state.attempts[other], attempt)]:
            line.move_to_end(call_id)
    group = state.groups[attempt.group_id]
    since_ms = attempt.waiting_since_ms
    if attempt.clock_at_ms is not None and not attempt.mode.is_gvp:
        since_ms = attempt.clock_at_ms  # the time that detection took is part of the wait
    drop_at_ms = since_ms + group.settings.call_wait_in_queue_ms_max
    state.arm_call(attempt, max(drop_at_ms, state.mono_ms))


def offer_agent(state: State, agent: Agent) -> None:
    """The agent may have become available: give them the longest waiting person, else wake the groups."""
    if agent.engaging_id is not None:
        engaging = state.engagings[agent.engaging_id]
        group = state.groups[engaging.group_id]
        if agent.agent_id in group.engaged_idle:
            waiting = (state.attempts[call_id] for call_id in group.waiting)
            attempt = next((each for each in waiting if each.server_id == engaging.server_id), None)
            if attempt is not None:
                _assign(state, attempt, agent)
            else:
                state.touch(group.group_id)
        return
    if not agent.is_free:
        return
    heads = [
        state.attempts[next(iter(state.agent_groups[group_id].waiting))]
        for group_id in agent.group_ids
        if state.agent_groups[group_id].waiting
    ]
    if heads:
        _assign(state, min(heads, key=_waiting_longest), agent)
        return
    for agent_group_id in agent.group_ids:
        for group_id in state.agent_groups[agent_group_id].running:
            state.touch(group_id)


def stop_waiting(state: State, attempt: Attempt) -> None:
    """The person waits no more, for whatever reason: leave the line and book the time."""
    if attempt.waiting_since_ms is not None:
        line_of(state, attempt).pop(attempt.call_id, None)
        attempt.wait_ms += state.mono_ms - attempt.waiting_since_ms
        attempt.waiting_since_ms = None


def _first_agent_for(state: State, attempt: Attempt) -> Agent | None:
    """The longest idle agent who can take the call; an engaged one must be held on the call's server."""
    for agent_id in agents_for(state, attempt):
        agent = state.agents[agent_id]
        if agent.engaging_id is None or state.engagings[agent.engaging_id].server_id == attempt.server_id:
            return agent
    return None


def _others_first(state: State, attempt: Attempt, agent: Agent) -> bool:
    """Whether somebody whom the agent could take is in line already."""
    line = line_of(state, attempt)
    if agent.engaging_id is None:
        return bool(line)
    return any(state.attempts[call_id].server_id == attempt.server_id for call_id in line)


def _came_after(other: Attempt, attempt: Attempt) -> bool:
    return _waiting_longest(other) > _waiting_longest(attempt)


def _waiting_longest(attempt: Attempt) -> tuple[int, int]:
    return (attempt.waiting_since_ms or 0, attempt.call_id)


def _assign(state: State, attempt: Attempt, agent: Agent) -> None:
    """Reserve the agent and have the two connected."""
    line_of(state, attempt).pop(attempt.call_id, None)
    agent.call_id = attempt.call_id
    agent.call_group_id = attempt.group_id
    attempt.agent_id = agent.agent_id
    signal(state, agent, AgentSignal.RESERVE)
    state.move(attempt, AttemptSignal.AGENT_FOUND)
    settings = state.groups[attempt.group_id].settings
    if agent.engaging_id is not None:
        engaging = state.engagings[agent.engaging_id]
        target = ENGAGING_TABLE.next_state(engaging.state, EngagingSignal.JOIN)
        engaging.state = target or EngagingState.JOINED
        engaging.customer_call_id = attempt.call_id
        refile(state, agent)
        state.emit(Join(attempt.call_id, engaging.call_id, agent.agent_id))
        state.arm_call(attempt, state.mono_ms + state.ocs.accept_ms_max)
        return
    ring_ms_max = settings.call_wait_agent_connected_ms_max
    state.emit(Transfer(attempt.call_id, agent.agent_id, agent.phone, ring_ms_max))
    state.arm_call(attempt, state.mono_ms + ring_ms_max + state.ocs.accept_ms_max)
