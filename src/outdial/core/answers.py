"""Answers to agents' requests, for those who asked for one."""

from outdial.core.agent_events import AgentEvent
from outdial.core.agents import Agent
from outdial.core.commands import Reply
from outdial.core.state import State
from outdial.core.units import AgentId


def done(state: State, event: AgentEvent) -> None:
    """What the agent asked for has taken effect, or will when the call is over."""
    if event.request_id is not None:
        state.emit(Reply(event.request_id, ok=True))


def refused(state: State, event: AgentEvent, why: str) -> None:
    """What the agent asked for cannot be done now."""
    if event.request_id is not None:
        state.emit(Reply(event.request_id, ok=False, code="conflict", message=why))


def late(state: State, event: AgentEvent, why: str) -> None:
    """What the agent asked for does not fit what the agent does: it crossed something else on its way."""
    state.late_events += 1
    refused(state, event, why)


def known_agent(state: State, event: AgentEvent) -> Agent | None:
    """The agent who asks. None: there is no such agent (any more), which has been answered."""
    agent = state.agents.get(event.agent_id)
    if agent is not None and not agent.is_removed:
        return agent
    _unknown(state, event)
    return None


def present_agent(state: State, event: AgentEvent) -> Agent | None:
    """The agent who asks, if logged in. None: not so, which has been answered."""
    agent = state.agents.get(event.agent_id)
    if agent is None:
        _unknown(state, event)
    elif not agent.is_logged_in:
        late(state, event, not_there(agent.agent_id))
    else:
        return agent
    return None


def not_there(agent_id: AgentId) -> str:
    """Why an agent who is logged out can do nothing."""
    return f"agent {agent_id} is not logged in"


def _unknown(state: State, event: AgentEvent) -> None:
    state.late_events += 1
    if event.request_id is not None:
        state.emit(Reply(event.request_id, ok=False, code="not_found", message=f"there is no agent {event.agent_id}"))
