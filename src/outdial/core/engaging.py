"""The engaging call of the seizing modes: the agent's leg, dialed first and held across conversations.

`engaged` is an agent who waits on the line, `joined` one who talks to a customer. When the customer leaves, the leg
stays (`parted`) and the agent can be joined to the next one. It is released when the agent stops being ready, when the
group stops, or by the agent.

Port: taken at the request, home when the leg is released (it spans conversations).

Source: design section 6 after OCS "Progressive/Predictive with Seizing": TMakeCall → leg released.
"""

import enum
from dataclasses import dataclass

from outdial.core.ports import Pool
from outdial.core.tables import Table
from outdial.core.units import AgentId, CallId, GroupId, Millis, NodeId, ServerId


class EngagingState(enum.StrEnum):
    """Where an engaging call is."""

    REQUESTED = "requested"
    PROCEEDING = "proceeding"
    ENGAGED = "engaged"
    JOINED = "joined"
    RELEASING = "releasing"
    LOST = "lost"
    RELEASED = "released"


class EngagingSignal(enum.IntEnum):
    """What can happen to an engaging call."""

    ACCEPTED = enum.auto()
    ANSWERED = enum.auto()
    JOIN = enum.auto()
    """A customer is being joined to it."""
    PARTED = enum.auto()
    """The customer is gone (or the join failed); the agent is still there."""
    RELEASE = enum.auto()
    """We end it."""
    RELEASED = enum.auto()
    NODE_LOST = enum.auto()
    FOUND_DIALING = enum.auto()
    FOUND_ENGAGED = enum.auto()
    GONE = enum.auto()


ENGAGING_TABLE = Table(
    "engaging call",
    EngagingState,
    EngagingSignal,
    """
    state      accepted   answered join   parted  release   released node_lost found_dialing found_engaged gone
    requested  proceeding engaged  !      !       releasing released lost      .             .             released
    proceeding .          engaged  !      !       releasing released lost      .             .             released
    engaged    .          .        joined !       releasing released lost      .             .             released
    joined     .          .        !      engaged releasing released lost      .             .             released
    releasing  .          .        !      .       releasing released lost      .             .             released
    lost       proceeding engaged  !      .       !         released lost      proceeding    engaged       released
    released   .          .        !      .       !         .        !         .             .             .
    """,
)


@dataclass(slots=True, eq=False)
class Engaging:
    """One engaging call."""

    call_id: CallId
    group_id: GroupId
    agent_id: AgentId
    node_id: NodeId
    server_id: ServerId
    pool: Pool
    requested_at_ms: Millis
    ring_ms_max: Millis
    state: EngagingState = EngagingState.REQUESTED
    audits_missed: int = 0
    """Audits in a row in which its server did not know it."""
    customer_call_id: CallId | None = None
    """The attempt joined to it."""
