"""Which agents can be given a call: the one place where an agent's state changes and the queues follow.

An agent is filed under up to five headings of each agent group (logged in, working, busy, free) and, in seizing modes,
under the campaign group that holds the agent's leg (engaged and idle). All of them follow from the agent's own fields,
so they are worked out anew after every change; the two queues keep the order in which agents became available.
"""

from collections.abc import MutableMapping

from outdial.core.agent_odds import AgentOdds
from outdial.core.agents import BUSY_STATES, Agent, AgentSignal, AgentState
from outdial.core.commands import AgentStateChanged
from outdial.core.deadlines import Timer
from outdial.core.engaging import EngagingState
from outdial.core.state import State
from outdial.core.units import AgentId

LOGGED_OUT, NOT_READY, READY = AgentState.LOGGED_OUT, AgentState.NOT_READY, AgentState.READY
TALKING, AFTER_CALL_WORK = AgentState.TALKING, AgentState.AFTER_CALL_WORK
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""
COMING_BACK = (TALKING, AFTER_CALL_WORK)


def signal(state: State, agent: Agent, what: AgentSignal, reason: str = "") -> bool:
    """Move an agent along the table, file it anew and tell the desktop. False: the signal is late."""
    before = agent.state
    if not agent.move(what, state.mono_ms):
        state.late_events += 1
        return False
    follow_odds(state, agent)
    if agent.state is not before:
        group_id = agent.call_group_id if agent.state in BUSY_STATES else None
        state.emit(AgentStateChanged(agent.agent_id, agent.state.value, reason, group_id))
        if before is AFTER_CALL_WORK:
            state.deadlines.disarm((Timer.AGENT, agent.agent_id))
        refile(state, agent)
        if (before is LOGGED_OUT) != (agent.state is LOGGED_OUT):
            _agents_came_or_went(state, agent)
        elif before is NOT_READY or agent.state is NOT_READY:
            touch_groups(state, agent)  # each group's part of the agents has changed
    return True


def follow_odds(state: State, agent: Agent) -> None:
    """Tell the forecasts whom they may expect back: who is busy and wants to go on afterwards."""
    before, expected, current = agent.expected, None, agent.state
    if current in COMING_BACK and agent.intent is READY and not agent.should_be_gone(state.mono_ms):
        expected = (current, agent.since_ms)
    if expected == before:
        return
    if before is not None:
        what, since_ms = before
        for odds in agent.expected_by:
            spells = odds.talk if what is TALKING else odds.work
            if current is what:  # said that they leave, ahead of time
                spells.drop(since_ms)
                continue
            spells.end(since_ms, state.mono_ms)
            if expected is None and not agent.should_be_gone(state.mono_ms):
                odds.finished(ready=current is READY)
    agent.expected = expected
    if expected is not None:
        what, since_ms = expected
        agent.expected_by = _forecasts_of(state, agent)
        for odds in agent.expected_by:
            (odds.talk if what is TALKING else odds.work).begin(since_ms)


def _forecasts_of(state: State, agent: Agent) -> tuple[AgentOdds, ...]:
    """An agent who is held on the line comes back to the group that holds them, others to all their groups."""
    if agent.engaging_id is not None:
        return (state.groups[state.engagings[agent.engaging_id].group_id].held_odds,)
    return tuple([state.agent_groups[group_id].odds for group_id in agent.group_ids])


def refile(state: State, agent: Agent) -> None:
    """Bring every queue in step with the agent's fields."""
    agent_id = agent.agent_id
    current = agent.state
    logged_in = current is not LOGGED_OUT
    busy = current in BUSY_STATES
    free = agent.is_free
    for group_id in agent.group_ids:
        group = state.agent_groups[group_id]
        _file(group.logged_in, agent_id, logged_in)
        _file(group.working, agent_id, logged_in and current is not NOT_READY)
        _file(group.busy, agent_id, busy)
        _file(group.free, agent_id, free)
    if agent.engaging_id is not None:
        engaging = state.engagings[agent.engaging_id]
        idle = engaging.state is EngagingState.ENGAGED and current is AgentState.READY
        _file(state.groups[engaging.group_id].engaged_idle, agent_id, idle)


def _file(queue: MutableMapping[AgentId, None], agent_id: AgentId, belongs: bool) -> None:
    if belongs:
        queue.setdefault(agent_id, None)
    else:
        queue.pop(agent_id, None)


def _agents_came_or_went(state: State, agent: Agent) -> None:
    for agent_group_id in agent.group_ids:
        for group_id in state.agent_groups[agent_group_id].running:
            state.stale_pools[state.groups[group_id].settings.dialer] = None
    touch_groups(state, agent)


def touch_groups(state: State, agent: Agent) -> None:
    """The groups of the agent may be able to dial now."""
    for agent_group_id in agent.group_ids:
        for group_id in state.agent_groups[agent_group_id].running:
            state.touch(group_id)
