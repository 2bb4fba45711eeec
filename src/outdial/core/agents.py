"""Agents: what each one is doing, what they want next, and what their phone says.

Three questions, three fields:

* `state`: what the dialer holds the agent for (the table below);
* `intent`: what the agent asked for last (ready, not ready, logged out); during a call it waits for the call's end;
* `phone_state`: what the prime node says about the phone. An agent whose phone is not known to be idle is not free,
  whatever the desktop says.

`reserved` covers the ringing of a transfer and a record on offer; `talking` the conversation; `after_call_work` ends
when the agent becomes ready or not ready, or by the group's time limit.

Longest idle first: free agents stand in a queue in the order in which they became free.
"""

import enum
from collections import OrderedDict
from dataclasses import dataclass, field

from outdial.core.agent_odds import AgentOdds
from outdial.core.events import PhoneState
from outdial.core.records import Chain
from outdial.core.results import CallResult
from outdial.core.settings import Agent as AgentSettings
from outdial.core.settings import AgentGroup as AgentGroupSettings
from outdial.core.tables import Table
from outdial.core.units import AgentGroupId, AgentId, CallId, GroupId, Millis, RecordId


class AgentState(enum.StrEnum):
    """What the dialer holds an agent for."""

    LOGGED_OUT = "logged out"
    NOT_READY = "not ready"
    READY = "ready"
    RESERVED = "reserved"
    TALKING = "talking"
    AFTER_CALL_WORK = "after-call work"


class AgentSignal(enum.IntEnum):
    """What can happen to an agent."""

    LOG_IN = enum.auto()
    LOG_OUT = enum.auto()
    BECOME_READY = enum.auto()
    BECOME_NOT_READY = enum.auto()
    RESERVE = enum.auto()
    """A call or a record is on its way to the agent."""
    FREE = enum.auto()
    """It came to nothing, through no fault of the agent."""
    NO_ANSWER = enum.auto()
    """The agent did not take it."""
    CONNECT = enum.auto()
    END_TALK = enum.auto()


AGENT_TABLE = Table(
    "agent",
    AgentState,
    AgentSignal,
    """
    state           log_in          log_out         become_ready    become_not_ready reserve  free      no_answer connect end_talk
    logged_out      not_ready       .               .               .                !        .         .         !       .
    not_ready       .               logged_out      ready           .                !        .         .         talking .
    ready           .               logged_out      .               not_ready        reserved .         not_ready talking .
    reserved        .               reserved        reserved        reserved         !        ready     not_ready talking .
    talking         .               talking         talking         talking          !        .         .         .       after_call_work
    after_call_work .               logged_out      ready           not_ready        !        .         .         talking .
    """,  # noqa: E501  (one row per state is worth the width)
)

READY, IDLE = AgentState.READY, PhoneState.IDLE
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""
BUSY_STATES = (AgentState.RESERVED, AgentState.TALKING, AgentState.AFTER_CALL_WORK)


@dataclass(frozen=True, slots=True)
class EndedCall:
    """A call of which its agent may still say something."""

    call_id: CallId
    group_id: GroupId
    chain: Chain
    """As it was when it was dialed."""
    call_result: CallResult


@dataclass(slots=True, eq=False)
class Agent:
    """One agent while the server runs."""

    settings: AgentSettings
    group_ids: tuple[AgentGroupId, ...] = ()
    """Agent groups that the agent belongs to."""
    state: AgentState = AgentState.LOGGED_OUT
    intent: AgentState = AgentState.LOGGED_OUT
    """READY, NOT_READY or LOGGED_OUT: where the agent goes when the current call is over."""
    intent_reason: str = ""
    """Why not ready, when that is what the agent asked for."""
    phone: str = ""
    phone_state: PhoneState = PhoneState.UNKNOWN
    since_ms: Millis = 0
    """When `state` last changed."""
    call_id: CallId | None = None
    """The attempt that the agent is reserved for or talks on."""
    engaging_id: CallId | None = None
    """The agent's engaging call, in whatever state it is."""
    offer: tuple[GroupId, Chain] | None = None
    """Preview modes: the record on offer, and for which group."""
    engage_after_ms: Millis = 0
    """Not engaged before this: the last engaging call failed."""
    is_removed: bool = False
    """No longer in the configuration; forgotten once logged out."""
    expected: tuple[AgentState, Millis] | None = None
    """TALKING or AFTER_CALL_WORK and since when, while the forecasts count on the agent to come back."""
    expected_by: tuple[AgentOdds, ...] = ()
    """Whose forecasts those are."""
    leaves_at_ms: Millis | None = None
    """When the agent will leave, by their own word; None: they have said nothing."""
    ending_id: CallId | None = None
    """The conversation that the agent was in last, until it is settled: of a lost node that may take minutes."""
    ended: "EndedCall | None" = None
    """The last call that the agent was on, once it is settled."""
    callbacks: dict[RecordId, GroupId] = field(default_factory=dict)
    """Due records in memory that wait for this agent, and which campaign group has them."""
    call_group_id: GroupId | None = None
    """Campaign group of the current or last call: whose after-call work limit counts."""

    @property
    def agent_id(self) -> AgentId:
        """DBID."""
        return self.settings.dbid

    @property
    def is_logged_in(self) -> bool:
        """Signed in, whatever the agent does."""
        return self.state is not AgentState.LOGGED_OUT

    @property
    def is_free(self) -> bool:
        """Ready, phone idle and not held by an engaging call: can be given a call now."""
        return self.state is READY and self.phone_state is IDLE and self.engaging_id is None

    def should_be_gone(self, mono_ms: Millis) -> bool:
        """Whether the agent would have left by then."""
        return self.leaves_at_ms is not None and self.leaves_at_ms <= mono_ms

    def move(self, signal: AgentSignal, mono_ms: Millis) -> bool:
        """Follow the agent table. Returns whether the cell was a state (False: late)."""
        target = AGENT_TABLE.next_state(self.state, signal)
        if target is None:
            return False
        if target is not self.state:
            self.state = target
            self.since_ms = mono_ms
        return True


@dataclass(slots=True, eq=False)
class AgentGroup:
    """Agents who work together, and the persons who wait for one of them."""

    settings: AgentGroupSettings
    odds: AgentOdds = field(default_factory=AgentOdds)
    """When its busy agents will be free."""
    logged_in: dict[AgentId, None] = field(default_factory=dict)
    working: dict[AgentId, None] = field(default_factory=dict)
    """Logged in and neither not ready nor gone: ready, reserved, talking or in after-call work."""
    busy: dict[AgentId, None] = field(default_factory=dict)
    """Reserved, talking or in after-call work."""
    free: OrderedDict[AgentId, None] = field(default_factory=OrderedDict)
    """Free agents, longest idle first."""
    leaving: list[tuple[Millis, AgentId]] = field(default_factory=list)
    """Agents who have said when they will leave, the first to go first."""
    waiting: OrderedDict[CallId, None] = field(default_factory=OrderedDict)
    """Answered persons of regular and GVP modes without an agent, longest waiting first."""
    pending: dict[CallId, None] = field(default_factory=dict)
    """Calls in flight of all campaign groups that send theirs to these agents (regular and GVP modes)."""
    running: dict[GroupId, None] = field(default_factory=dict)
    """Running campaign groups of this agent group."""
