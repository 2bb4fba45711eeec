"""The end of an attempt: ending it, letting its agent go, and settling it exactly once.

`end_call` orders a release and waits for the server's word (or for the moment at which the call cannot be alive any
more). `settle` turns the signs into a call result and a disposition, brings the port home and writes the attempt down.
"""

from outdial.core import safe_harbour
from outdial.core.agents import Agent, AgentSignal, AgentState, EndedCall
from outdial.core.attempt import UNSERVED, Attempt, AttemptSignal, AttemptState
from outdial.core.availability import signal
from outdial.core.campaign_accounts import count
from outdial.core.commands import Release, ReleaseEngaging, SettleAttempt
from outdial.core.deadlines import Timer
from outdial.core.dispositions import fate_of, write_word
from outdial.core.distribution import offer_agent, stop_waiting
from outdial.core.engaging import Engaging, EngagingSignal, EngagingState
from outdial.core.flights import landed
from outdial.core.groups import Group, GroupSignal
from outdial.core.nodes import Node
from outdial.core.placement import fixed_node, leave_out_outlier
from outdial.core.results import (
    CallResult,
    Ending,
    Fault,
    Outcome,
    classify,
    is_person,
    is_unknown_combination,
)
from outdial.core.seizing_moves import move_engaging
from outdial.core.state import State
from outdial.core.units import Millis, ServerId

ABANDONED, DROPPED = CallResult.ABANDONED, CallResult.DROPPED
NODE_FAULT = Fault.NODE
CALL = Timer.CALL
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""
CONGESTED = (CallResult.NO_FREE_PORT, CallResult.ALL_TRUNKS_BUSY)
"""Results that say that the node has no room."""


def end_call(state: State, attempt: Attempt, ending: Ending) -> None:
    """Order the release of a live call; the first reason given is the one that counts."""
    if attempt.ending is None:
        attempt.ending = ending
    if attempt.ended_at_ms is None:
        attempt.ended_at_ms = state.mono_ms
    stop_waiting(state, attempt)
    landed(state, attempt, person=False)
    resolve(state, attempt, person=False)
    let_agent_go(state, attempt)
    if attempt.state is AttemptState.LOST:
        return  # its node cannot be told; it is released if the node returns with it
    if state.move(attempt, AttemptSignal.RELEASE):
        state.emit(Release(attempt.call_id))
        state.arm_call(attempt, state.mono_ms + state.ocs.release_ms_max)


def resolve(state: State, attempt: Attempt, *, person: bool) -> None:
    """Tell the statistics, once, whether the attempt reached a person."""
    if attempt.is_resolved or attempt.mode.is_preview:
        return
    attempt.is_resolved = True
    group = state.groups[attempt.group_id]
    group.estimates.attempt_resolved(attempt.dialed_at_ms, state.mono_ms, person=person)


def let_agent_go(state: State, attempt: Attempt) -> None:
    """The agent's part in the call is over: after-call work after a conversation, else free again."""
    if attempt.agent_id is None:
        return
    agent = state.agents[attempt.agent_id]
    if agent.call_id != attempt.call_id:
        return
    agent.call_id = None
    if agent.engaging_id is not None:
        part_from_customer(state, state.engagings[agent.engaging_id])
    if agent.state is AgentState.TALKING:
        agent.ending_id = attempt.call_id
        _end_talk(state, agent, state.groups[attempt.group_id])
    else:
        free_reserved(state, agent)


def free_reserved(state: State, agent: Agent) -> None:
    """What the agent was reserved for came to nothing."""
    signal(state, agent, AgentSignal.FREE)
    apply_intent(state, agent)
    offer_agent(state, agent)


def agent_missed(state: State, agent: Agent, reason: str) -> None:
    """The agent did not take what was brought: not ready until they say otherwise."""
    if agent.intent is AgentState.READY:
        agent.intent, agent.intent_reason = AgentState.NOT_READY, reason
    signal(state, agent, AgentSignal.NO_ANSWER, reason)
    apply_intent(state, agent)


def part_from_customer(state: State, engaging: Engaging) -> None:
    """The engaging call goes on without its customer."""
    engaging.customer_call_id = None
    if engaging.state is EngagingState.JOINED:
        move_engaging(state, engaging, EngagingSignal.PARTED)


def apply_intent(state: State, agent: Agent) -> None:
    """A free agent who asked for a break or to leave during a call gets it now."""
    if agent.state is AgentState.READY and agent.intent is AgentState.NOT_READY:
        signal(state, agent, AgentSignal.BECOME_NOT_READY, agent.intent_reason)
    elif agent.state is not AgentState.LOGGED_OUT and agent.intent is AgentState.LOGGED_OUT:
        signal(state, agent, AgentSignal.LOG_OUT)
    drop_unwilling_leg(state, agent)


def drop_unwilling_leg(state: State, agent: Agent) -> None:
    """An agent is held on the line only while ready for a running group of theirs, on a server where it has use for it.

    That is the server on which it dials now, and, as long as calls there may bring a person, the one on which it did
    before a failover: only legs on one server can be joined.
    """
    if agent.engaging_id is None:
        return
    engaging = state.engagings[agent.engaging_id]
    if engaging.customer_call_id is not None:
        return
    willing = agent.state in (AgentState.READY, AgentState.RESERVED) or (
        agent.state is AgentState.AFTER_CALL_WORK and agent.intent is AgentState.READY
    )
    group = state.groups[engaging.group_id]
    if not (willing and group.is_running and group.settings.agent_group in agent.group_ids):
        release_engaging(state, engaging)
        return
    node = fixed_node(state, group)
    if node is not None and node.server_id == engaging.server_id:
        group.kept_legs.pop(engaging.call_id, None)
    elif _are_calls_unserved(group, engaging.server_id):
        group.kept_legs[engaging.call_id] = None
    else:
        release_engaging(state, engaging)


def _are_calls_unserved(group: Group, server_id: ServerId) -> bool:
    """Whether the group has calls on a server that may still need an agent."""
    return any(call.server_id == server_id for state in UNSERVED for call in group.calls[state].values())


def release_engaging(state: State, engaging: Engaging) -> None:
    """Order the release of an engaging call."""
    if engaging.state in (EngagingState.RELEASING, EngagingState.LOST, EngagingState.RELEASED):
        return
    move_engaging(state, engaging, EngagingSignal.RELEASE)
    state.emit(ReleaseEngaging(engaging.call_id))
    state.deadlines.arm((Timer.ENGAGING, engaging.call_id), state.mono_ms + state.ocs.release_ms_max)


def _end_talk(state: State, agent: Agent, group: Group) -> None:
    group.estimates.talk_ms.add(state.mono_ms - agent.since_ms)
    signal(state, agent, AgentSignal.END_TALK)
    if agent.intent is AgentState.LOGGED_OUT:
        apply_intent(state, agent)
        return
    limit_ms = group.settings.after_call_work_ms_max
    if limit_ms:
        state.deadlines.arm((Timer.AGENT, agent.agent_id), state.mono_ms + limit_ms)
    drop_unwilling_leg(state, agent)


def end_after_call_work(state: State, agent: Agent) -> None:
    """After-call work is over: by the agent's word or by the time limit."""
    group = state.groups.get(agent.call_group_id) if agent.call_group_id is not None else None
    if group is not None:
        group.estimates.work_ms.add(state.mono_ms - agent.since_ms)
    ready = agent.intent is AgentState.READY
    if ready:
        signal(state, agent, AgentSignal.BECOME_READY)
    else:
        signal(state, agent, AgentSignal.BECOME_NOT_READY, agent.intent_reason)
    drop_unwilling_leg(state, agent)
    offer_agent(state, agent)


def settle(state: State, attempt: Attempt, last: AttemptSignal) -> None:
    """The call is over (or never was): classify, treat, free everything, write it down.

    Args:
        state: the dialer's memory.
        attempt: the attempt; unknown to the dialer afterwards.
        last: the signal that ends it: RELEASED or GONE.
    """
    if not state.move(attempt, last):
        return
    if attempt.ended_at_ms is None:
        attempt.ended_at_ms = state.mono_ms
    stop_waiting(state, attempt)
    landed(state, attempt, person=False)
    resolve(state, attempt, person=False)
    group = state.groups[attempt.group_id]
    let_agent_go(state, attempt)
    outcome = classify(attempt.signs())
    _count(state, group, attempt, outcome)
    call_id = attempt.call_id
    del state.attempts[call_id]
    del state.numbers[attempt.record.number]
    state.deadlines.disarm((CALL, call_id))
    state.release_lease(call_id, attempt.pool, attempt.node_id)
    settlement = _settlement(state, group, attempt, outcome)
    state.emit(settlement)
    count(state, settlement)
    state.recent.settled(settlement, state.mono_ms)
    if attempt.word is not None:
        write_word(state, call_id, attempt.chain, attempt.word, outcome.call_result, settlement.disposition)
    agent = state.agents.get(attempt.agent_id) if attempt.agent_id is not None else None
    if agent is not None and agent.ending_id == call_id:
        agent.ending_id = None
    if agent is not None and (attempt.connected_at_ms is not None or attempt.mode.is_preview):
        agent.ended = EndedCall(call_id, group.group_id, attempt.chain, outcome.call_result)
    finish_if_drained(state, group)


def finish_if_drained(state: State, group: Group) -> None:
    """A stopping group is stopped when nothing of it is left."""
    if not group.is_running and not group.live and not group.engagings:
        group.move(GroupSignal.DRAINED)
        if group.next_mode is not None:
            group.change_mode(group.next_mode)
            group.next_mode = None
        if group.is_removed:
            state.forget_group(group)


def _count(state: State, group: Group, attempt: Attempt, outcome: Outcome) -> None:
    totals = group.totals
    totals.attempts += 1
    totals.results[outcome.call_result] = totals.results.get(outcome.call_result, 0) + 1
    if is_unknown_combination(outcome):
        state.unknown_results += 1
    if outcome.call_result is ABANDONED:
        totals.abandoned += 1
    elif outcome.call_result is DROPPED:
        totals.dropped += 1
    never_served = attempt.wants_agent or (attempt.person_at_ms is not None and attempt.connected_at_ms is None)
    if never_served and is_person(attempt.verdict) and not attempt.mode.is_preview:
        group.budget.person(lost=True, mono_ms=state.mono_ms)
    if attempt.connected_at_ms is not None and attempt.mode.is_gvp and attempt.agent_id is None:
        group.estimates.ivr_ms.add(state.mono_ms - attempt.connected_at_ms)
    if attempt.connected_at_ms is None and not attempt.mode.is_preview:
        group.estimates.dialing_ended(state.mono_ms - attempt.dialed_at_ms)
    if outcome.fault is NODE_FAULT:
        totals.node_faults += 1
    node = state.nodes.get(attempt.node_id)
    if node is not None and attempt.lost_at_ms is None:
        fault = outcome.fault is NODE_FAULT
        node.faults += fault
        accepted_at_ms = attempt.accepted_at_ms or state.mono_ms
        node.window.add(fault=fault, accept_ms=accepted_at_ms - attempt.dialed_at_ms)
        leave_out_outlier(state)
        if outcome.call_result in CONGESTED:
            node.learn_capacity(_carried(state, node), state.mono_ms)


def _carried(state: State, node: Node) -> int:
    """Calls that the node has taken; requests without an answer are not counted."""
    calls = (state.attempts.get(call_id) for call_id in node.calls)
    return sum(call is None or call.accepted_at_ms is not None for call in calls)


def _settlement(state: State, group: Group, attempt: Attempt, outcome: Outcome) -> SettleAttempt:
    record = attempt.record
    disposition = fate_of(state, attempt, outcome.call_result)
    ended_at_ms = attempt.ended_at_ms or state.mono_ms
    answered_at_ms = attempt.answered_at_ms or ended_at_ms
    campaign = state.campaigns.get(group.settings.campaign)
    fate = safe_harbour.fate_of(attempt, group.settings)
    return SettleAttempt(
        call_id=attempt.call_id,
        group_id=attempt.group_id,
        node_id=attempt.node_id,
        list_id=record.list_id,
        record_id=record.record_id,
        number=record.number,
        mode=attempt.mode,
        call_result=outcome.call_result,
        fault=outcome.fault,
        verdict=attempt.verdict,
        sip_status=attempt.sip_status,
        q850_cause=attempt.q850_cause,
        agent_id=attempt.agent_id,
        attempt_n=record.attempts + 1,
        dialed_utc_ms=attempt.dialed_utc_ms,
        ring_ms=answered_at_ms - attempt.dialed_at_ms,
        wait_ms=attempt.wait_ms,
        talk_ms=_since(attempt.connected_at_ms, ended_at_ms),
        disposition=disposition,
        campaign_id=group.settings.campaign,
        seller=campaign.seller if campaign is not None else "",
        message_played=attempt.message_played,
        person=fate.person,
        abandoned=fate.abandoned,
        clock=fate.clock,
        clock_ms=fate.clock_ms,
    )


def _since(start_ms: Millis | None, end_ms: Millis) -> Millis:
    return max(0, end_ms - start_ms) if start_ms is not None else 0
