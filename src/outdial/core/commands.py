"""Commands: every order that the core may give to the outside.

Imperative, frozen. A command that expects an answer has a deadline inside the core: a lost answer is a timeout, never
a hang. Carrying out a command twice must do no harm; carrying it out late is what the driver must prevent.
"""

from dataclasses import dataclass

from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.evidence import Evidence
from outdial.core.modes import DialingMode
from outdial.core.records import PRIORITIES, Priority, Record, RecordType
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.core.units import AgentId, CallId, GroupId, ListId, Millis, NodeId, RecordId, RequestId, ServerId

# --- servers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection to a server and log in. Answer: `ServerConnected` or `ServerLost`."""

    server_id: ServerId


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Abort the connection to a server (removed from the configuration). No answer."""

    server_id: ServerId


@dataclass(frozen=True, slots=True)
class QueryCalls:
    """Ask a server which of our calls it still has. Answer: `CallsReported`."""

    node_id: NodeId
    server_id: ServerId
    query_id: int


@dataclass(frozen=True, slots=True)
class SubscribePhones:
    """Subscribe to the state of agents' phones on the prime node. Answer: `PhoneStateChanged` for each, then changes.

    Subscribing again to a phone only reports its state once more.
    """

    node_id: NodeId
    server_id: ServerId
    phones: tuple[str, ...]


# --- calls ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial a customer (TMakePredictiveCall). Answer: `DialAccepted` or `DialRejected`, then the call's events."""

    call_id: CallId
    node_id: NodeId
    server_id: ServerId
    """The application of the node that is in use."""
    group_id: GroupId
    list_id: ListId
    record_id: RecordId
    number: str
    ring_ms_max: Millis
    call_progress_detection: bool
    agent_id: AgentId | None = None
    """Preview modes: the agent who is on the call from its start. None otherwise."""
    phone: str = ""
    """Preview modes: the agent's phone."""
    evidence: Evidence | None = None
    """What allowed the call."""


@dataclass(frozen=True, slots=True)
class Engage:
    """Call an agent's phone and hold the agent there (TMakeCall). Answer: `AgentEngaged` or `EngagingReleased`."""

    call_id: CallId
    node_id: NodeId
    server_id: ServerId
    group_id: GroupId
    agent_id: AgentId
    phone: str
    ring_ms_max: Millis


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand an answered customer to an agent's phone. Answer: `CallConnected`, `ConnectFailed` or `CallReleased`."""

    call_id: CallId
    agent_id: AgentId
    phone: str
    ring_ms_max: Millis


@dataclass(frozen=True, slots=True)
class Join:
    """Join an answered customer to an engaged agent (TMergeCalls). Answer: as for `Transfer`."""

    call_id: CallId
    engaging_call_id: CallId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class StartIvr:
    """Hand an answered customer to an IVR application. Answer: `IvrStarted` or `CallReleased`."""

    call_id: CallId
    application: str


@dataclass(frozen=True, slots=True)
class PlayMessage:
    """Let an answered person hear a message. Answer: `MessageStarted`, `MessageEnded`, or `CallReleased`."""

    call_id: CallId
    message: str
    """Name of a sound of the server."""


@dataclass(frozen=True, slots=True)
class Release:
    """End a customer's call. Answer: `CallReleased`, also when the server knows no such call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class ReleaseEngaging:
    """End an engaging call. Answer: `EngagingReleased`, also when the server knows no such call."""

    call_id: CallId


# --- agents -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OfferRecord:
    """Show a record to an agent (preview modes). Answer: `PreviewAccepted` or `PreviewRejected`."""

    agent_id: AgentId
    group_id: GroupId
    record: Record


@dataclass(frozen=True, slots=True)
class WithdrawOffer:
    """The offered record is no longer on offer; `reason` is for the agent's eyes."""

    agent_id: AgentId
    reason: str


@dataclass(frozen=True, slots=True)
class AgentStateChanged:
    """Tell the agent's desktop what the core holds the agent for. No answer."""

    agent_id: AgentId
    state: str
    """A value of `outdial.core.agents.AgentState`."""
    reason: str = ""
    group_id: GroupId | None = None
    """Campaign group of the call that the agent is reserved for, talks on or works after; None: there is none."""


# --- records ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchRecords:
    """Claim the next due chains of a group's lists. Answer: `RecordsFetched` or `FetchFailed`."""

    group_id: GroupId
    fetch_id: int
    chains_max: int
    lists: tuple[tuple[ListId, int], ...]
    """Lists with their weights."""
    do_not_call_lists: tuple[str, ...] = ()
    """Do-not-call lists that count beside the internal one. Empty: all do."""
    priorities: tuple[Priority, ...] = PRIORITIES
    """What goes first, to last."""
    with_facts: bool = False
    """Records come with what earlier calls to their numbers have come to (`Record.facts`), everything included that was
    ordered or settled before this command."""


@dataclass(frozen=True, slots=True)
class FetchCallbacks:
    """Claim due records of a group that wait for one agent, and callbacks that their own group has left.

    Answer: `CallbacksFetched` or `FetchFailed`.
    """

    group_id: GroupId
    fetch_id: int
    chains_max: int
    lists: tuple[ListId, ...]
    agent_ids: tuple[AgentId, ...]
    """Agents who are logged in."""
    overdue_utc_ms: int
    """What has been due since before this is claimed whoever it waits for."""
    left_utc_ms: int = 0
    """Callbacks of other groups, personal and campaign, that have been due since before this. 0: none."""
    running_ids: tuple[GroupId, ...] = ()
    """Groups that look after their own callbacks: those of others count as left."""
    do_not_call_lists: tuple[str, ...] = ()
    """Do-not-call lists that count beside the internal one. Empty: all do."""
    with_facts: bool = False
    """Records come with what earlier calls to their numbers have come to (`Record.facts`)."""


@dataclass(frozen=True, slots=True)
class ReturnRecord:
    """Give a claimed record, with the rest of its chain, back to its list, undialed."""

    list_id: ListId
    record_id: RecordId
    not_before_utc_ms: int
    """Earliest instant at which it may be claimed again. 0: at once."""
    reason: str


@dataclass(frozen=True, slots=True)
class CancelRecord:
    """Finish a claimed record without dialing it (do-not-call, cancelled). The rest of its chain stays claimed."""

    list_id: ListId
    record_id: RecordId
    call_result: CallResult


@dataclass(frozen=True, slots=True)
class Disposition:
    """What becomes of a record after an attempt. The claim on its chain ends with every action."""

    action: TreatmentAction
    not_before_utc_ms: int = 0
    """Actions that wait: earliest instant of the next attempt. UTC."""
    next_record_id: RecordId | None = None
    """Next-in-chain actions: the record that is tried next; None: the chain has no further one and is finished."""
    history: tuple[tuple[CallResult, int], ...] = ()
    """The record's treatment history, this attempt included."""
    group_id: GroupId | None = None
    """ASSIGN_TO_GROUP and callbacks: the campaign group that alone may have the record from now on."""
    record_type: RecordType | None = None
    """RESCHEDULE: what the record is from now on."""
    agent_id: AgentId | None = None
    """Personal callbacks: the agent whom the record waits for."""
    number: str = ""
    """Callbacks: the number that the customer wants to be called at; empty: the record's own."""


@dataclass(frozen=True, slots=True)
class TreatRecord:
    """A claimed record has come to a result without a call; the claim on its chain ends."""

    list_id: ListId
    record_id: RecordId
    call_result: CallResult
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class DisposeRecord:
    """An agent has said what a call came to. Written down; the record follows if nobody has claimed it since."""

    disposition_n: int
    """Number of the word, over all calls, from 1."""
    call_id: CallId
    list_id: ListId
    record_id: RecordId
    attempt_n: int
    """The attempt that it is about: after a further one it changes the record no more."""
    agent_id: AgentId
    call_result: CallResult
    disposition: Disposition
    """What becomes of the record, as if the attempt had ended with it."""
    note: str
    given_utc_ms: int


@dataclass(frozen=True, slots=True)
class ForbidNumber:
    """Put a number on the internal do-not-call list: the person has said so to an agent. No answer."""

    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class SettleAttempt:
    """One attempt is over: write it down and free its record. Exactly one per attempt."""

    call_id: CallId
    group_id: GroupId
    node_id: NodeId
    list_id: ListId
    record_id: RecordId
    number: str
    mode: DialingMode
    call_result: CallResult
    fault: Fault
    verdict: Verdict | None
    sip_status: int | None
    q850_cause: int | None
    agent_id: AgentId | None
    attempt_n: int
    """Which attempt of the record this was, from 1."""
    dialed_utc_ms: int
    ring_ms: Millis
    """From the request to the answer, or to the end of an unanswered call."""
    wait_ms: Millis
    """From the verdict to the agent (or to the drop). 0 when nobody waited."""
    talk_ms: Millis
    """From the connection with agent or IVR to the end."""
    disposition: Disposition
    campaign_id: int = 0
    seller: str = ""
    """For whom the campaign calls."""
    person: bool = False
    """A person answered; previews aside."""
    abandoned: bool = False
    """And found nobody within the limit that the rules set: dropped, tired of waiting, or connected too late."""
    clock: AbandonmentClock | None = None
    """What that time was counted from. None: no person answered."""
    clock_ms: Millis = 0
    """From then to the connection, or to the end of the wait."""
    message_played: bool = False
    """The person heard the drop message, or its beginning."""


# --- operator ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer to an operator's request."""

    request_id: RequestId
    ok: bool
    code: str = ""
    """Stable error code when not ok: `not_found`, `invalid_request`, `conflict`."""
    message: str = ""


Command = (
    Connect
    | Disconnect
    | QueryCalls
    | SubscribePhones
    | Dial
    | Engage
    | Transfer
    | Join
    | StartIvr
    | PlayMessage
    | Release
    | ReleaseEngaging
    | OfferRecord
    | WithdrawOffer
    | AgentStateChanged
    | FetchRecords
    | FetchCallbacks
    | ReturnRecord
    | CancelRecord
    | TreatRecord
    | DisposeRecord
    | SettleAttempt
    | ForbidNumber
    | Reply
)
