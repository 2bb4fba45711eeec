"""Events: every fact that the outside may report to the core.

Past tense, frozen. `now` says when the core learned of it. Calls go by the core's numbers; one it forgot is *late*.
"""

from dataclasses import dataclass

from outdial.core.abandonment_events import AbandonmentFound as AbandonmentFound
from outdial.core.abandonment_events import MessageEnded as MessageEnded
from outdial.core.abandonment_events import MessageStarted as MessageStarted
from outdial.core.agent_events import AgentBecameNotReady as AgentBecameNotReady
from outdial.core.agent_events import AgentBecameReady as AgentBecameReady
from outdial.core.agent_events import AgentEvent
from outdial.core.agent_events import AgentLeaveAnnounced as AgentLeaveAnnounced
from outdial.core.agent_events import AgentLoggedIn as AgentLoggedIn
from outdial.core.agent_events import AgentLoggedOut as AgentLoggedOut
from outdial.core.agent_events import HangUpRequested as HangUpRequested
from outdial.core.agent_events import PreviewAccepted as PreviewAccepted
from outdial.core.agent_events import PreviewRejected as PreviewRejected
from outdial.core.agent_events import PreviewRequested as PreviewRequested
from outdial.core.callback_events import CallbackEvent
from outdial.core.learned import Learned
from outdial.core.operator_events import GroupModeChangeRequested as GroupModeChangeRequested
from outdial.core.operator_events import GroupPauseRequested as GroupPauseRequested
from outdial.core.operator_events import GroupResumeRequested as GroupResumeRequested
from outdial.core.operator_events import GroupStartRequested as GroupStartRequested
from outdial.core.operator_events import GroupStopRequested as GroupStopRequested
from outdial.core.operator_events import NodeDrainRequested as NodeDrainRequested
from outdial.core.operator_events import NodeEnableRequested as NodeEnableRequested
from outdial.core.operator_events import NodePromoteRequested as NodePromoteRequested
from outdial.core.operator_events import OperatorRequest
from outdial.core.records import Chain
from outdial.core.reported_states import CallPhase as CallPhase
from outdial.core.reported_states import PhoneState as PhoneState
from outdial.core.results import Verdict
from outdial.core.settings import Configuration
from outdial.core.units import CallId, GroupId, ListId, Millis, NodeId, RecordId, RequestId, ServerId

# --- time and configuration -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The core's `next_deadline` has passed. Late is normal, early never."""


@dataclass(frozen=True, slots=True)
class ConfigurationLoaded:
    """A checked configuration takes effect; the first one starts the core. Running calls go on."""

    configuration: Configuration


# --- what earlier runs have taught -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatisticsFound:
    """What a campaign group had learned in an earlier run of the server, and is to begin with in this one.

    Counts for some hundred calls at most, so that a changed list takes over soon. Refused once the group has dialed.
    """

    request_id: RequestId
    group_id: GroupId
    learned: Learned


# --- servers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServerConnected:
    """A connection is up: connect + banner + login + fully booted."""

    server_id: ServerId
    total_ports: int | None = None
    """Ports that the server reports for the node (EventResourceInfo `total-ports`). None: it reports none."""


@dataclass(frozen=True, slots=True)
class ServerLost:
    """A connection attempt failed, or a connection ended or missed its ping and was reset."""

    server_id: ServerId
    reason: str


@dataclass(frozen=True, slots=True)
class CallsReported:
    """A server's answer to `QueryCalls`: the calls of ours that it still has."""

    node_id: NodeId
    server_id: ServerId
    query_id: int
    """Number from the `QueryCalls` command."""
    calls: tuple[tuple[CallId, CallPhase], ...]


# --- calls to customers -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DialAccepted:
    """The server took the dial request (EventDialing); SIP 100 or a first sign of the call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CalleeAlerting:
    """The far end rings (SIP 180/183)."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CalleeAnswered:
    """The far end answered (SIP 200). Not yet a person."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """Call progress detection has decided."""

    call_id: CallId
    verdict: Verdict
    greeting_began_ms_ago: Millis | None = None
    """How long before the verdict the callee began to speak. None: the server does not tell."""
    greeting_ended_ms_ago: Millis | None = None
    """How long before the verdict the callee stopped speaking. None: the server does not tell."""


@dataclass(frozen=True, slots=True)
class CallConnected:
    """`Transfer` or `Join` is done: customer and agent hear each other."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """`Transfer` or `Join` failed; the customer is still there."""

    call_id: CallId
    reason: str


@dataclass(frozen=True, slots=True)
class IvrStarted:
    """The IVR application has the call."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class IvrAgentRequested:
    """The IVR application wants an agent for the caller."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class CallReleased:
    """The call has ended, whoever ended it; also the answer to `Release` for a call the server does not know."""

    call_id: CallId
    sip_status: int | None = None
    """Final SIP status when the call was refused. Range: 300 … 699."""
    q850_cause: int | None = None
    """Range: 0 … 127."""


@dataclass(frozen=True, slots=True)
class DialRejected:
    """The server refused the request (dial or engage): there never was a call."""

    call_id: CallId
    reason: str
    congested: bool = False
    """The server had no free port or trunk."""


# --- engaging calls (seizing modes) -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngagingAccepted:
    """The server took the engage request."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class AgentEngaged:
    """The agent answered the engaging call and waits on it."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class EngagingReleased:
    """The engaging call has ended, whoever ended it."""

    call_id: CallId


# --- phones of agents -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PhoneStateChanged:
    """A DN event: a phone's state on a node. Only the prime node's word counts; others are ignored and counted."""

    node_id: NodeId
    phone: str
    state: PhoneState


# --- records ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordsFetched:
    """The store's answer to `FetchRecords`: chains, now marked as in use by this server."""

    group_id: GroupId
    fetch_id: int
    chains: tuple[Chain, ...]
    exhausted: bool = False
    """True: the lists have nothing else that is due now."""
    next_due_utc_ms: int | None = None
    """Earliest instant at which a further record becomes due; None: none is waiting. With `exhausted` only."""


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """The store could not answer. The core asks again after a pause."""

    group_id: GroupId
    fetch_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class RecordsAdded:
    """A calling list has got records that may be due: groups that had found nothing due ask again."""

    list_id: ListId


@dataclass(frozen=True, slots=True)
class DoNotCallAdded:
    """A number must not be dialed from now on."""

    number: str


@dataclass(frozen=True, slots=True)
class RecordCancelled:
    """A record must not be dialed any more; ignored once it is being dialed."""

    list_id: ListId
    record_id: RecordId
    forbidden_by: str = ""
    """Name of the do-not-call list that has it now; campaigns that do not heed the list go on. Empty: cancelled."""


@dataclass(frozen=True, slots=True)
class NumberCalled:
    """Another server calls a number, or has just called it: what is known here of earlier calls to it is too old."""

    number: str


Event = (
    DeadlineReached
    | ConfigurationLoaded
    | OperatorRequest
    | StatisticsFound
    | AbandonmentFound
    | ServerConnected
    | ServerLost
    | CallsReported
    | DialAccepted
    | CalleeAlerting
    | CalleeAnswered
    | VerdictReached
    | CallConnected
    | ConnectFailed
    | IvrStarted
    | IvrAgentRequested
    | MessageStarted
    | MessageEnded
    | CallReleased
    | DialRejected
    | EngagingAccepted
    | AgentEngaged
    | EngagingReleased
    | AgentEvent
    | PhoneStateChanged
    | CallbackEvent
    | RecordsFetched
    | FetchFailed
    | RecordsAdded
    | DoNotCallAdded
    | RecordCancelled
    | NumberCalled
)
