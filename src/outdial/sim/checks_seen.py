"""What observers write down: violations, legs, ports held, agents. Data only; `checks_picture.py` keeps it."""

from dataclasses import dataclass, field

from outdial.core.errors import InvariantViolated
from outdial.core.events import Event, PhoneState
from outdial.core.modes import DialingMode
from outdial.core.settings import DialerId
from outdial.core.units import AgentGroupId, AgentId, CallId, GroupId, ListId, Millis, NodeId, RecordId, ServerId

EVENT_TEXT_MAX = 300
"""Characters of an event that a violation quotes."""
LOGGED_OUT = "logged out"


class Violation(InvariantViolated):
    """A broken invariant, found by a checker.

    Attributes:
        checker: name of the checker.
    """

    def __init__(self, checker: str, finding: str, mono_ms: Millis, event: Event | None) -> None:
        super().__init__(f"{checker}: {finding} [{mono_ms} ms, {str(event)[:EVENT_TEXT_MAX]}]")
        self.checker = checker


@dataclass(slots=True, eq=False)
class Leg:
    """One call that was ordered and has not ended, as far as the dialer has said."""

    call_id: CallId
    group_id: GroupId
    mode: DialingMode
    node_id: NodeId
    server_id: ServerId
    number: str
    at_ms: Millis
    dialer: DialerId | None
    """Whose port it holds; None: it holds none."""
    agent_group_id: AgentGroupId | None
    record_id: RecordId = 0
    """0 for an engaging call."""
    list_id: ListId = 0
    agent_id: AgentId | None = None
    """The agent of an engaging or preview call."""
    is_engaging: bool = False
    is_engaged: bool = False
    """The agent has answered the engaging call."""
    customer_id: CallId | None = None
    """The attempt that was joined to the engaging call."""
    released_at_ms: Millis | None = None
    """When its release was first ordered."""
    lost_at_ms: Millis | None = None
    """When the connection to its node was lost; None: it is not, or the call has been found since."""
    is_on_node: bool = True
    """It counts among the calls of its node."""


@dataclass(slots=True, eq=False)
class Book:
    """Ports of one pool that are held, by our own account."""

    held: dict[CallId, Leg] = field(default_factory=dict)
    counts: dict[tuple[GroupId, bool], int] = field(default_factory=dict)
    """Shape: {(group, is engaging): ports}."""
    taken: list[Leg] = field(default_factory=list)
    """In this step."""
    released: list[Leg] = field(default_factory=list)
    """In this step."""

    def used_by(self, group_id: GroupId) -> int:
        """Ports that a group holds."""
        return self.counts.get((group_id, False), 0) + self.counts.get((group_id, True), 0)


@dataclass(slots=True, eq=False)
class SeenAgent:
    """One agent, as desktop, phone and calls show them."""

    agent_id: AgentId
    state: str = LOGGED_OUT
    """The last word on the desktop: a value of `outdial.core.agents.AgentState`."""
    call_id: CallId | None = None
    """The attempt that the agent was given last, until it is over for the agent."""
    leg_id: CallId | None = None
    """The agent's engaging call."""
    offer: RecordId | None = None
    phone: str = ""
    phone_state: PhoneState = PhoneState.UNKNOWN
    leaves_at_ms: Millis | None = None
    """When the agent said that they would leave."""

    @property
    def is_free(self) -> bool:
        """Can be given a call."""
        return self.state == "ready" and self.phone_state is PhoneState.IDLE and self.leg_id is None
