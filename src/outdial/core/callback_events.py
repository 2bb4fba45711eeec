"""Events about what becomes of records besides their calls: what agents say of calls, and what waits for one agent."""

from dataclasses import dataclass

from outdial.core.records import Chain
from outdial.core.results import CallResult
from outdial.core.units import AgentId, CallId, GroupId, RequestId

# --- what agents say of calls -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DispositionGiven:
    """An agent says what a call came to, during it or after it. Answered by one `Reply`; the last word counts.

    The record gets this result in place of the call's own, and the treatments of this result. The attempt keeps what
    was heard. DO_NOT_CALL finishes the record and forbids its number from now on.
    """

    request_id: RequestId
    agent_id: AgentId
    call_result: CallResult
    """One of `outdial.core.words.AGENT_RESULTS`."""
    call_id: CallId | None = None
    """The agent's current call, or the last one that ended. None: whichever of them there is."""
    note: str = ""
    """For people. At most 1,000 characters."""


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """The customer wants to be called back, an agent says, during the call or after it. Answered by one `Reply`."""

    request_id: RequestId
    agent_id: AgentId
    at_utc_ms: int
    """When. Range: now … a year ahead. What forbids calls at that instant puts it off."""
    personal: bool
    """By this agent; False: by anybody of the campaign group."""
    call_id: CallId | None = None
    """As with `DispositionGiven`."""
    number: str = ""
    """At another number: 3 … 20 digits, optionally a leading +. Empty: the one that was called."""
    note: str = ""


# --- records that wait for one agent ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CallbacksFetched:
    """The store's answer to `FetchCallbacks`: chains, now marked as in use by this server."""

    group_id: GroupId
    fetch_id: int
    chains: tuple[Chain, ...]
    next_due_utc_ms: int | None = None
    """When the next such record of the group becomes due; None: none waits."""


CallbackEvent = DispositionGiven | CallbackRequested | CallbacksFetched
