"""What agents do: signing in, being ready, and what the prime node says of their phones."""

from outdial.core import callbacks
from outdial.core.agents import Agent, AgentSignal, AgentState
from outdial.core.answers import done, known_agent, late, present_agent
from outdial.core.attempt import AttemptState
from outdial.core.availability import refile, signal
from outdial.core.commands import AgentStateChanged, SubscribePhones
from outdial.core.distribution import offer_agent
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLoggedIn,
    AgentLoggedOut,
    HangUpRequested,
    PhoneState,
    PhoneStateChanged,
)
from outdial.core.leaving import expect_leave
from outdial.core.preview import offer_expired, withdraw_offer
from outdial.core.results import Ending
from outdial.core.settlement import apply_intent, drop_unwilling_leg, end_after_call_work, end_call
from outdial.core.state import State
from outdial.core.units import AgentId


def logged_in(state: State, event: AgentLoggedIn) -> None:
    """An agent signs in with a phone; who had that phone before has it no more."""
    agent = known_agent(state, event)
    if agent is None:
        return
    if agent.is_logged_in:
        late(state, event, f"agent {agent.agent_id} is logged in already, with phone {agent.phone}")
        return
    signal(state, agent, AgentSignal.LOG_IN)
    agent.intent, agent.intent_reason = AgentState.NOT_READY, ""
    leave_phone(state, agent)
    agent.phone = event.phone or agent.settings.phone
    before = state.phones.get(agent.phone)
    if before is not None and before != agent.agent_id:
        state.agents[before].phone_state = PhoneState.UNKNOWN
        refile(state, state.agents[before])
    state.phones[agent.phone] = agent.agent_id
    subscribe(state, (agent.phone,))
    callbacks.came(state, agent.agent_id)
    done(state, event)


def leave_phone(state: State, agent: Agent) -> None:
    """The agent's phone does not speak for the agent any more."""
    if state.phones.get(agent.phone) == agent.agent_id:
        del state.phones[agent.phone]
    agent.phone_state = PhoneState.UNKNOWN
    refile(state, agent)


def subscribe(state: State, phones: tuple[str, ...]) -> None:
    """Ask the prime node for the state of phones."""
    prime = state.nodes.get(state.prime_id) if state.prime_id is not None else None
    if prime is not None and prime.server_id is not None and phones:
        state.emit(SubscribePhones(prime.node_id, prime.server_id, phones))


def logged_out(state: State, event: AgentLoggedOut) -> None:
    """An agent signs out; during a call it takes effect at its end."""
    agent = present_agent(state, event)
    if agent is None:
        return
    log_out(state, agent)
    done(state, event)


def log_out(state: State, agent: Agent) -> None:
    """Sign an agent out, now or when the current call is over."""
    agent.intent = AgentState.LOGGED_OUT
    withdraw_offer(state, agent, "logged out")
    signal(state, agent, AgentSignal.LOG_OUT)
    drop_unwilling_leg(state, agent)
    expect_leave(state, agent, None)


def became_ready(state: State, event: AgentBecameReady) -> None:
    """An agent takes calls; also ends after-call work."""
    agent = present_agent(state, event)
    if agent is None:
        return
    agent.intent, agent.intent_reason = AgentState.READY, ""
    done(state, event)
    if agent.state is AgentState.AFTER_CALL_WORK:
        end_after_call_work(state, agent)
        return
    signal(state, agent, AgentSignal.BECOME_READY)
    offer_agent(state, agent)


def became_not_ready(state: State, event: AgentBecameNotReady) -> None:
    """An agent takes no calls; during a call it takes effect at its end."""
    agent = present_agent(state, event)
    if agent is None:
        return
    reason_before, agent.intent_reason = agent.intent_reason, event.reason
    agent.intent = AgentState.NOT_READY
    done(state, event)
    withdraw_offer(state, agent, event.reason or "not ready")
    if agent.state is AgentState.AFTER_CALL_WORK:
        end_after_call_work(state, agent)
    elif agent.state is AgentState.NOT_READY and event.reason not in ("", reason_before):
        state.emit(AgentStateChanged(agent.agent_id, agent.state.value, event.reason))  # for another reason from now on
    else:
        signal(state, agent, AgentSignal.BECOME_NOT_READY, event.reason)
        drop_unwilling_leg(state, agent)
    expect_leave(state, agent, None)


def hang_up(state: State, event: HangUpRequested) -> None:
    """An agent ends the call that they are on: as if they had put the phone down, but who is held on the line stays."""
    agent = present_agent(state, event)
    if agent is None:
        return
    attempt = state.attempts.get(agent.call_id) if agent.call_id is not None else None
    if attempt is None or agent.state is not AgentState.TALKING:
        late(state, event, f"agent {agent.agent_id} is in no call")
    elif event.call_id not in (None, attempt.call_id):
        late(state, event, f"call {event.call_id} is over; agent {agent.agent_id} is in another one")
    else:
        done(state, event)
        end_call(state, attempt, Ending.STOPPED)


def phone_changed(state: State, event: PhoneStateChanged) -> None:
    """A DN event. Only the prime node's word counts."""
    if event.node_id != state.prime_id:
        state.ignored_dn_events += 1
        return
    agent_id = state.phones.get(event.phone)
    if agent_id is None:
        state.ignored_dn_events += 1
        return
    agent = state.agents[agent_id]
    before = agent.phone_state
    if before is event.state:
        return
    agent.phone_state = event.state
    refile(state, agent)
    _watch_conversation(state, agent, before)
    offer_agent(state, agent)


def _watch_conversation(state: State, agent: Agent, before: PhoneState) -> None:
    """A phone that falls silent during a conversation: its end was missed, unless the phone comes back at once."""
    attempt = state.attempts.get(agent.call_id) if agent.call_id is not None else None
    if attempt is None or attempt.state is not AttemptState.CONNECTED or agent.engaging_id is not None:
        return
    if before is PhoneState.BUSY:
        state.arm_call(attempt, state.mono_ms + state.ocs.release_ms_max)
    elif agent.phone_state is PhoneState.BUSY:
        state.arm_call(attempt, state.mono_ms + state.ocs.talk_ms_max)


def forget_phones(state: State) -> None:
    """The prime node is gone, and with it everything it said."""
    for agent_id in state.phones.values():
        agent = state.agents[agent_id]
        agent.phone_state = PhoneState.UNKNOWN
        refile(state, agent)


def deadline(state: State, agent_id: AgentId) -> None:
    """The time limit of after-call work or of a record on offer."""
    agent = state.agents[agent_id]
    if agent.state is AgentState.AFTER_CALL_WORK:
        end_after_call_work(state, agent)
    elif agent.offer is not None:
        offer_expired(state, agent)
        apply_intent(state, agent)
