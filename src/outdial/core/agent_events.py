"""Events of agents: signing in, being ready, and records on offer.

Each may ask for an answer: with a `request_id` it is answered by one `Reply`, which says why when nothing came of it.
"""

from dataclasses import dataclass

from outdial.core.units import AgentId, CallId, GroupId, Millis, RequestId

# --- agents -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentLoggedIn:
    """An agent signed in with a phone. Starts not ready."""

    agent_id: AgentId
    phone: str
    """Empty: the configured one."""
    request_id: RequestId | None = None
    """Whoever waits for a `Reply`. None: nobody does."""


@dataclass(frozen=True, slots=True)
class AgentLoggedOut:
    """An agent signed out."""

    agent_id: AgentId
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class AgentBecameReady:
    """An agent takes calls from now on; also ends after-call work."""

    agent_id: AgentId
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class AgentBecameNotReady:
    """An agent takes no calls (break, training); during a call it takes effect at the call's end."""

    agent_id: AgentId
    reason: str = ""
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class AgentLeaveAnnounced:
    """An agent will leave (break, end of shift). A promise for pacing: it changes no state; not ready ends it."""

    agent_id: AgentId
    leaves_at_mono_ms: Millis | None
    """When. Past: counted on no more. None: the agent stays after all."""
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class HangUpRequested:
    """An agent ends the conversation from the desktop; of a preview call also the attempt to reach the customer."""

    agent_id: AgentId
    call_id: CallId | None = None
    """Which call: another one is left alone. None: the one that the agent is on."""
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class PreviewRequested:
    """Preview mode: an agent asks for a record."""

    agent_id: AgentId
    group_id: GroupId
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class PreviewAccepted:
    """The agent wants the offered record called."""

    agent_id: AgentId
    request_id: RequestId | None = None


@dataclass(frozen=True, slots=True)
class PreviewRejected:
    """The agent declines the offered record."""

    agent_id: AgentId
    cancel_record: bool = False
    """True: the record is finished. False: it goes back to the list for another agent."""
    request_id: RequestId | None = None


AgentEvent = (
    AgentLoggedIn
    | AgentLoggedOut
    | AgentBecameReady
    | AgentBecameNotReady
    | AgentLeaveAnnounced
    | HangUpRequested
    | PreviewRequested
    | PreviewAccepted
    | PreviewRejected
)
