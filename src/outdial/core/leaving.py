"""Agents who have said when they will leave: for a break, or because their shift ends.

No call is started for an agent who would be gone when the person answers. Until it comes to that the agent is counted
like everybody else: gets calls, needs ports. Three things follow from the announced instant:

* *free agents* get no call of their own from the ring limit before it on, and are not engaged any more;
* *the forecast* has one agent less at every horizon at or beyond it: a free one is certain to be missing there, a busy
  one does not come free there;
* *when it has passed* the agent is not expected back at all, and whether they come back says nothing about the others.

Nobody is made not ready by it: that is for the agent to say, and then the announcement is forgotten.

Source: "stop launching ring-time before agents are due to leave", a rule of predictive dialers. Ours: the rest (0014).
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from operator import itemgetter

from outdial.core.agent_odds import SLOT_MS, AgentOdds
from outdial.core.agents import Agent, AgentState
from outdial.core.answers import done, late, present_agent
from outdial.core.availability import follow_odds, touch_groups
from outdial.core.deadlines import Timer
from outdial.core.events import AgentLeaveAnnounced
from outdial.core.groups import Group
from outdial.core.risk import Sum
from outdial.core.state import State
from outdial.core.units import SECOND_MS, AgentId, Millis

SLACK_MS: Millis = 2 * SECOND_MS
"""From the request to the first ringing and from the answer to the verdict, on top of the ring limit. Ours (0014)."""


def leave_announced(state: State, event: AgentLeaveAnnounced) -> None:
    """An agent says when they will leave, or that they stay."""
    agent = present_agent(state, event)
    if agent is None:
        return
    if agent.intent is AgentState.LOGGED_OUT:
        late(state, event, f"agent {agent.agent_id} leaves when the call is over")
        return
    expect_leave(state, agent, event.leaves_at_mono_ms)
    done(state, event)


def expect_leave(state: State, agent: Agent, at_ms: Millis | None) -> None:
    """Note when the agent will leave. None: nothing is known of it (any more)."""
    before = agent.leaves_at_ms
    if at_ms == before:
        return
    agent.leaves_at_ms = at_ms
    for group_id in agent.group_ids:
        leaving = state.agent_groups[group_id].leaving
        if before is not None:
            del leaving[bisect_left(leaving, (before, agent.agent_id))]
        if at_ms is not None:
            insort(leaving, (at_ms, agent.agent_id))
    key = (Timer.LEAVE, agent.agent_id)
    if at_ms is not None and at_ms > state.mono_ms:
        state.deadlines.arm(key, at_ms)
    else:
        state.deadlines.disarm(key)
    follow_odds(state, agent)
    if before is not None and (at_ms is None or at_ms > before):
        touch_groups(state, agent)  # they are counted on for longer


def leave_due(state: State, agent_id: AgentId) -> None:
    """The instant has come: who is still in a call is not expected back from it."""
    follow_odds(state, state.agents[agent_id])


def leaves_soon(state: State, group: Group, agent: Agent) -> bool:
    """Whether a call of the group that is started now might bring a person to an agent who has left."""
    return agent.should_be_gone(state.mono_ms + _lead_ms(group))


def available_leavers(state: State, group: Group) -> int:
    """Agents who could be given a person now and leave soon."""
    agents = state.agent_group_of(group)
    if agents is None or not agents.leaving or not _leaving_within(state, group, _lead_ms(group)):
        return 0
    queue = group.engaged_idle if group.mode.is_seizing else agents.free
    free = [state.agents[agent_id] for agent_id in queue]
    return sum(_is_available(group, agent) and leaves_soon(state, group, agent) for agent in free)


def take_out(state: State, group: Group, agents: Sum, forecasts: AgentOdds, spare_ms: Millis) -> None:
    """Take those who leave out of the sum of agents who come free, at every horizon at or beyond their instant.

    Args:
        state: the dialer's memory.
        group: whose horizons count.
        agents: busy agents who come free within each horizon and the spare time. Below nothing where more of the free
            ones leave.
        forecasts: where `agents` comes from.
        spare_ms: what a person waits.
    """
    horizons = group.odds.horizons
    leaving = _leaving_within(state, group, horizons[-1] + spare_ms)
    if not leaving:
        return
    ends = tuple(horizon_ms + spare_ms for horizon_ms in horizons)
    free: Counter[Millis] = Counter()
    busy: Counter[tuple[Millis, bool, int]] = Counter()
    for at_ms, agent_id in leaving:
        agent = state.agents[agent_id]
        if _is_available(group, agent):
            free[at_ms] += 1
        elif agent.expected is not None and any(odds is forecasts for odds in agent.expected_by):
            what, since_ms = agent.expected
            busy[at_ms, what is AgentState.TALKING, since_ms // SLOT_MS] += 1
    for at_ms, count in free.items():
        agents.add([(-count, [float(state.mono_ms + horizon_ms >= at_ms) for horizon_ms in horizons])])
    for (at_ms, in_talk, slot), count in busy.items():
        chances = zip(ends, forecasts.chances(state.mono_ms, ends, in_talk=in_talk, slot=slot), strict=True)
        agents.add([(-count, [chance * (state.mono_ms + end_ms >= at_ms) for end_ms, chance in chances])])


def _lead_ms(group: Group) -> Millis:
    """How long a call of the group may take to bring a person."""
    return group.settings.ring_ms_max + SLACK_MS


def _leaving_within(state: State, group: Group, ms: Millis) -> list[tuple[Millis, AgentId]]:
    agents = state.agent_group_of(group)
    if agents is None or not agents.leaving:
        return []
    return agents.leaving[: bisect_right(agents.leaving, state.mono_ms + ms, key=itemgetter(0))]


def _is_available(group: Group, agent: Agent) -> bool:
    if group.mode.is_seizing:
        return agent.agent_id in group.engaged_idle and agent.engaging_id not in group.kept_legs
    return agent.is_free
