"""Events: what an operator asks of campaign groups and nodes. Each is answered by one `Reply`."""

from dataclasses import dataclass

from outdial.core.modes import DialingMode
from outdial.core.units import GroupId, NodeId, RequestId


@dataclass(frozen=True, slots=True)
class GroupStartRequested:
    """An operator wants a campaign group to dial."""

    request_id: RequestId
    group_id: GroupId


@dataclass(frozen=True, slots=True)
class GroupStopRequested:
    """An operator wants a campaign group to stop dialing. Calls in progress end by themselves."""

    request_id: RequestId
    group_id: GroupId


@dataclass(frozen=True, slots=True)
class GroupPauseRequested:
    """An operator wants a running group to dial nothing new for a while.

    It keeps its agents, their engaged legs, its ports and its records in memory; calls in progress go on.
    """

    request_id: RequestId
    group_id: GroupId


@dataclass(frozen=True, slots=True)
class GroupResumeRequested:
    """An operator takes back a pause."""

    request_id: RequestId
    group_id: GroupId


@dataclass(frozen=True, slots=True)
class GroupModeChangeRequested:
    """An operator wants another dialing mode. A running group may change within its family only."""

    request_id: RequestId
    group_id: GroupId
    mode: DialingMode


@dataclass(frozen=True, slots=True)
class NodeDrainRequested:
    """An operator wants no new requests sent to a node. Its calls go on."""

    request_id: RequestId
    node_id: NodeId


@dataclass(frozen=True, slots=True)
class NodeEnableRequested:
    """An operator takes back a drain."""

    request_id: RequestId
    node_id: NodeId


@dataclass(frozen=True, slots=True)
class NodePromoteRequested:
    """An operator wants an active node of the SIP cluster to be the prime node from now on.

    It stays so until another one is promoted, the configuration names another one, or the server starts again.
    """

    request_id: RequestId
    node_id: NodeId


OperatorRequest = (
    GroupStartRequested
    | GroupStopRequested
    | GroupPauseRequested
    | GroupResumeRequested
    | GroupModeChangeRequested
    | NodeDrainRequested
    | NodeEnableRequested
    | NodePromoteRequested
)
