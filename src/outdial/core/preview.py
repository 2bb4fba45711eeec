"""Preview modes: an agent looks at a record before it is called, and is on the call from its start.

In Preview the agent asks for a record; in Push Preview the group offers one to the longest idle agent. In every mode a
personal callback is offered to its agent (`callbacks.py`). No port is held: the call is placed on the agent's behalf,
on the prime node, where the agent's phone is followed.

Source: OCS preview flow; the guide's load balancing names neither mode. Ours: the prime node places the calls (0005).
"""

from outdial.core.agents import Agent, AgentSignal, AgentState
from outdial.core.answers import done, known_agent, late, refused
from outdial.core.attempt import Attempt
from outdial.core.availability import signal
from outdial.core.callable_records import (
    does_concern,
    fetch_if_low,
    finish_first,
    give_back,
    result_of,
    rules_of,
    take_next,
    up_to_date,
)
from outdial.core.callbacks import agent_error, ready_callbacks
from outdial.core.commands import Dial, OfferRecord, WithdrawOffer
from outdial.core.compliance import may_dial
from outdial.core.deadlines import Timer
from outdial.core.dispositions import look_for_callbacks_at
from outdial.core.events import PreviewAccepted, PreviewRejected, PreviewRequested, RecordCancelled
from outdial.core.evidence import Evidence, evidence_of
from outdial.core.groups import Group
from outdial.core.modes import DialingMode
from outdial.core.nodes import Node
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult
from outdial.core.settlement import agent_missed, free_reserved, release_engaging
from outdial.core.state import State
from outdial.core.units import Millis

RING_ADDED_MS: Millis = 1_000
"""Slack between the agent's and the callee's ring limits of a preview call. Unit: ms. Ours."""


NO_OFFER = "no record is on offer"
OFFER_AGAIN_MS: Millis = 5_000
"""Pause before a record that waits for its agent is offered again. Unit: ms. Ours."""


def requested(state: State, event: PreviewRequested) -> None:
    """An agent asks for a record."""
    agent = known_agent(state, event)
    group = state.groups.get(event.group_id)
    if agent is None:
        return
    if group is None:
        late(state, event, f"there is no campaign group {event.group_id}")
        return
    refusal = _refusal(state, agent, group)
    if refusal is None and not offer_next(state, group, agent):
        refusal = "no record is due"
    if refusal is not None:
        state.emit(WithdrawOffer(agent.agent_id, refusal))
        refused(state, event, refusal)
    else:
        done(state, event)


def _refusal(state: State, agent: Agent, group: Group) -> str | None:
    if not group.is_running:
        return f"group {group.settings.name} is not running"
    if group.is_paused:
        return f"group {group.settings.name} is paused"
    if group.mode is not DialingMode.PREVIEW:
        return f"group {group.settings.name} dials in {group.mode.value} mode"
    if group.settings.agent_group not in agent.group_ids:
        return f"agent {agent.settings.login} does not work for group {group.settings.name}"
    if state.prime_id is None:
        return "the prime node is lost"
    if not agent.is_free:
        return "the agent is not free"
    return None


def push_offers(state: State, group: Group) -> bool:
    """Push Preview: offer records to free agents. Returns whether records lasted."""
    agents = state.agent_group_of(group)
    if agents is None or state.prime_id is None:
        return True
    free = [state.agents[agent_id] for agent_id in agents.free]
    return all(offer_next(state, group, agent) for agent in free if not agent.callbacks)


def offer_callbacks(state: State, group: Group) -> None:
    """Every mode: offer records to the agents for whom they wait. Who is held on the line is let go first."""
    if not group.callbacks:
        return
    for agent, chain in ready_callbacks(state, group):
        offer(state, group, agent, chain)
    for chain in group.callbacks.values():
        waited_for = state.agents.get(chain.records[0].agent_id or 0)
        if waited_for is not None and waited_for.state is AgentState.READY and waited_for.engaging_id is not None:
            engaging = state.engagings[waited_for.engaging_id]
            if engaging.customer_call_id is None:
                release_engaging(state, engaging)


def offer_next(state: State, group: Group, agent: Agent) -> bool:
    """Offer the next record to a free agent. False: there is none in memory."""
    chain = take_next(state, group)
    fetch_if_low(state, group)
    if chain is None:
        return False
    offer(state, group, agent, chain)
    return True


def offer(state: State, group: Group, agent: Agent, chain: Chain) -> None:
    """Offer a chain to a free agent."""
    agent.offer = (group.group_id, chain)
    agent.call_group_id = group.group_id
    # its number is taken while an agent looks at it, so that nobody else dials it
    state.numbers[chain.records[0].number] = 0
    signal(state, agent, AgentSignal.RESERVE)
    state.emit(OfferRecord(agent.agent_id, group.group_id, chain.records[0]))
    state.deadlines.arm((Timer.AGENT, agent.agent_id), state.mono_ms + group.settings.preview_ms_max)


def _not_taken(state: State, group: Group, chain: Chain, reason: str) -> None:
    """The record goes back to its list; one that waits for its agent is asked for soon."""
    give_back(state, chain.records[0], 0, reason)
    if chain.records[0].record_type.is_personal:
        look_for_callbacks_at(state, group, state.mono_ms + OFFER_AGAIN_MS)


def _take_offer(state: State, agent: Agent) -> tuple[Group, Chain] | None:
    if agent.offer is None:
        return None
    group_id, chain = agent.offer
    agent.offer = None
    del state.numbers[chain.records[0].number]
    state.deadlines.disarm((Timer.AGENT, agent.agent_id))
    return state.groups[group_id], chain


def withdraw_offer(state: State, agent: Agent, reason: str) -> None:
    """Take back what an agent was offered, if anything; the record returns to its list."""
    offer = _take_offer(state, agent)
    if offer is None:
        return
    _not_taken(state, *offer, reason)
    state.emit(WithdrawOffer(agent.agent_id, reason))
    free_reserved(state, agent)


def offer_expired(state: State, agent: Agent) -> None:
    """The agent did not decide in time."""
    offer = _take_offer(state, agent)
    if offer is None:
        return
    _not_taken(state, *offer, "the agent did not decide")
    state.emit(WithdrawOffer(agent.agent_id, "no decision in time"))
    agent_missed(state, agent, "no decision on the offered record")


def rejected(state: State, event: PreviewRejected) -> None:
    """The agent declines: back to the list for somebody else, or finished."""
    agent = state.agents.get(event.agent_id)
    offer = _take_offer(state, agent) if agent is not None else None
    if agent is None or offer is None:
        late(state, event, NO_OFFER)
        return
    if event.cancel_record:
        finish_first(state, offer[1], CallResult.CANCEL_RECORD)
    elif offer[1].records[0].record_type.is_personal:
        agent_error(state, *offer)
    else:
        give_back(state, offer[1].records[0], 0, "declined by the agent")
    free_reserved(state, agent)
    done(state, event)


def _too_late(state: State, group: Group, chain: Chain, prime: Node | None) -> str | None:
    """Why an offered record must not be called any more; None: it may."""
    rules = rules_of(state, group, chain.records[0].list_id)
    if rules is None:
        return "its calling list left the configuration"
    record = up_to_date(state, chain.records[0], rules)
    forbidden = may_dial(record, rules, state.utc_ms, state.do_not_call)
    if forbidden is not None:
        return forbidden.text
    refusal = prime.refusal(state.mono_ms) if prime is not None else None
    return refusal.reason.value if refusal is not None else None


def _evidence(state: State, group: Group, record: Record) -> Evidence | None:
    rules = rules_of(state, group, record.list_id)
    return None if rules is None else evidence_of(up_to_date(state, record, rules), rules, state.utc_ms)


def cancel_offered(state: State, event: RecordCancelled) -> bool:
    """A record on offer is cancelled: withdraw it, finish it, return the rest of its chain. False: not on offer."""
    for agent in state.agents.values():
        if agent.offer is not None and agent.offer[1].records[0].record_id == event.record_id:
            if not does_concern(state, state.groups[agent.offer[0]], event):
                return True
            offer = _take_offer(state, agent)
            assert offer is not None
            finish_first(state, offer[1], result_of(event))
            state.emit(WithdrawOffer(agent.agent_id, "the record was cancelled"))
            free_reserved(state, agent)
            return True
    return False


def accepted(state: State, event: PreviewAccepted) -> None:
    """The agent wants the record called: the agent's phone first, then the callee's."""
    agent = state.agents.get(event.agent_id)
    prime = state.nodes.get(state.prime_id) if state.prime_id is not None else None
    if agent is None or agent.offer is None:
        late(state, event, NO_OFFER)
        return
    refusal = _too_late(state, state.groups[agent.offer[0]], agent.offer[1], prime)
    if refusal is not None or prime is None or prime.server_id is None:
        refusal = refusal or "the prime node is lost"
        withdraw_offer(state, agent, refusal)
        refused(state, event, refusal)
        return
    offer = _take_offer(state, agent)
    if offer is None or agent.state is not AgentState.RESERVED:
        late(state, event, NO_OFFER)
        return
    group, chain = offer
    settings = group.settings
    call_id = state.new_call_id()
    record = chain.records[0]
    ring_ms_max = settings.call_wait_agent_connected_ms_max + RING_ADDED_MS + settings.ring_ms_max
    attempt = Attempt(
        call_id=call_id,
        group_id=group.group_id,
        mode=group.mode if group.mode.is_preview else DialingMode.PUSH_PREVIEW,
        node_id=prime.node_id,
        server_id=prime.server_id,
        chain=chain,
        pool=None,
        agent_group_id=None,
        dialed_at_ms=state.mono_ms,
        dialed_utc_ms=state.utc_ms,
        ring_ms_max=ring_ms_max,
        agent_id=agent.agent_id,
    )
    evidence = _evidence(state, group, record)
    state.enter(attempt)
    prime.book_request(state.mono_ms)
    agent.call_id = call_id
    signal(state, agent, AgentSignal.CONNECT)
    state.emit(
        Dial(
            call_id=call_id,
            node_id=attempt.node_id,
            server_id=attempt.server_id,
            group_id=group.group_id,
            list_id=record.list_id,
            record_id=record.record_id,
            number=record.number,
            ring_ms_max=settings.ring_ms_max,
            call_progress_detection=False,
            agent_id=agent.agent_id,
            phone=agent.phone,
            evidence=evidence,
        )
    )
    done(state, event)
