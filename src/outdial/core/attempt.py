"""One call attempt: from the port lease to the settlement, as a total table.

States follow RFC 4235 and Q.931 where they fit:

* `requested → proceeding → alerting → answered` is the network's part;
* `waiting` is an answered person without an agent, `connecting` a person whose agent or IVR application is on the way;
* `connected` is a conversation, `in_ivr` an IVR session;
* `playing` is a person who found no agent and hears the drop message;
* `releasing` is ours to end it; `lost` means that the node is gone and nobody knows; `settled` is the end.

A reordered network may skip states forward (a verdict proves the answer), never back. In `lost` every sign of life
takes the call back. `settled` attempts leave the dialer's memory, so what arrives for them later is late by definition.

Who gives a signal: facts from the server are never *never*. The core's own signals (`agent_found`, `ivr_found`,
`routed`, `release`, `play`, `node_lost`) have *never* cells: they are given only where the flow has looked at the state
first.

Invariants: an attempt is settled exactly once; its port comes home when it is connected to an agent outside of the
dialer (regular modes) or settled, whichever is first.
"""

import enum
from dataclasses import dataclass

from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.commands import Disposition
from outdial.core.modes import DialingMode
from outdial.core.ports import Pool
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult, Ending, Signs, Verdict
from outdial.core.tables import Table
from outdial.core.units import AgentGroupId, AgentId, CallId, GroupId, Millis, NodeId, ServerId


class AttemptState(enum.StrEnum):
    """Where an attempt is."""

    REQUESTED = "requested"
    PROCEEDING = "proceeding"
    ALERTING = "alerting"
    ANSWERED = "answered"
    WAITING = "waiting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    IN_IVR = "in ivr"
    PLAYING = "playing"
    RELEASING = "releasing"
    LOST = "lost"
    SETTLED = "settled"


class AttemptSignal(enum.IntEnum):
    """What can happen to an attempt."""

    ACCEPTED = enum.auto()
    ALERTING = enum.auto()
    ANSWERED = enum.auto()
    PERSON = enum.auto()
    """The verdict is a person, or counts as one."""
    AGENT_FOUND = enum.auto()
    """An agent is reserved; transfer or join is on the way."""
    IVR_FOUND = enum.auto()
    """The IVR application is on the way."""
    ROUTED = enum.auto()
    """No person was heard, and an IVR application is on the way that a treatment names."""
    CONNECTED = enum.auto()
    CONNECT_FAILED = enum.auto()
    IVR_STARTED = enum.auto()
    AGENT_WANTED = enum.auto()
    """The IVR application wants an agent."""
    PLAY = enum.auto()
    """The drop message is on the way."""
    MESSAGE_STARTED = enum.auto()
    MESSAGE_ENDED = enum.auto()
    RELEASE = enum.auto()
    """We end it: time limit, verdict, drop."""
    RELEASED = enum.auto()
    """It has ended (or never was)."""
    NODE_LOST = enum.auto()
    FOUND_DIALING = enum.auto()
    """The server was asked and still has it, not yet ringing."""
    FOUND_ALERTING = enum.auto()
    FOUND_ANSWERED = enum.auto()
    FOUND_CONNECTED = enum.auto()
    GONE = enum.auto()
    """It cannot be alive any more: the server does not know it, or its time is over."""


S = AttemptState
ATTEMPT_TABLE = Table(
    "attempt",
    AttemptState,
    AttemptSignal,
    """
    state      accepted   alerting answered person  agent_found ivr_found  routed     connected connect_failed ivr_started agent_wanted play    message_started message_ended release   released node_lost found_dialing found_alerting found_answered found_connected gone
    requested  proceeding alerting answered waiting !           !          connecting connected .              .           .            !       .               .             releasing settled  lost      .             .              .              .               settled
    proceeding .          alerting answered waiting !           !          connecting connected .              .           .            !       .               .             releasing settled  lost      .             .              .              .               settled
    alerting   .          .        answered waiting !           !          connecting connected .              .           .            !       .               .             releasing settled  lost      .             .              .              .               settled
    answered   .          .        .        waiting !           !          connecting connected .              .           .            !       .               .             releasing settled  lost      .             .              .              .               settled
    waiting    .          .        .        .       connecting  connecting !          .         .              .           .            playing .               .             releasing settled  lost      .             .              .              .               settled
    connecting .          .        .        .       !           !          !          connected waiting        in_ivr      .            !       .               .             releasing settled  lost      .             .              .              .               settled
    connected  .          .        .        .       !           !          !          .         .              .           .            !       .               .             releasing settled  lost      .             .              .              .               settled
    in_ivr     .          .        .        .       !           !          !          .         .              .           waiting      !       .               .             releasing settled  lost      .             .              .              .               settled
    playing    .          .        .        .       !           !          !          .         .              .           .            !       playing         playing       releasing settled  lost      .             .              .              .               settled
    releasing  .          .        .        .       !           !          !          .         .              .           .            !       .               .             releasing settled  lost      .             .              .              .               settled
    lost       proceeding alerting answered waiting !           !          !          connected .              in_ivr      .            !       .               .             !         settled  lost      proceeding    alerting       answered       connected       settled
    settled    .          .        .        .       !           !          !          .         .              .           .            !       .               .             !         .        !         .             .              .              .               .
    """,  # noqa: E501  (one row per state is worth the width)
)

DIALING = (S.REQUESTED, S.PROCEEDING, S.ALERTING)
"""Not yet answered."""
PENDING = (S.REQUESTED, S.PROCEEDING, S.ALERTING, S.ANSWERED)
"""May still turn out to be a person: what pacing calls calls in flight."""
UNSERVED = (*PENDING, S.WAITING, S.CONNECTING)
"""May still need an agent."""
WITH_IVR = (S.CONNECTING, S.IN_IVR)
"""On the way to the IVR application or in it (GVP modes, as long as no agent is reserved)."""


WE_DID_NOT = Ending.RELEASED
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


@dataclass(frozen=True, slots=True)
class Word:
    """What an agent says of a call."""

    agent_id: AgentId
    call_result: CallResult | None
    """None: what the call itself came to."""
    callback: Disposition | None
    """The customer wants to be called back."""
    note: str


@dataclass(slots=True, eq=False)
class Attempt:
    """One try to reach one record. Instants are monotonic milliseconds unless the name says UTC."""

    call_id: CallId
    group_id: GroupId
    mode: DialingMode
    """The group's mode when it was dialed; PUSH_PREVIEW for what waited for one agent."""
    node_id: NodeId
    server_id: ServerId
    chain: Chain
    pool: Pool | None
    """Whose port it holds; None in preview modes."""
    agent_group_id: AgentGroupId | None
    """Agents who share the calls in flight of regular and GVP modes; None in seizing and agentless modes."""
    dialed_at_ms: Millis
    dialed_utc_ms: int
    ring_ms_max: Millis
    state: AttemptState = AttemptState.REQUESTED
    accepted_at_ms: Millis | None = None
    answered_at_ms: Millis | None = None
    person_at_ms: Millis | None = None
    """When it was recognised as a person."""
    waiting_since_ms: Millis | None = None
    wait_ms: Millis = 0
    clock: AbandonmentClock | None = None
    """What the time of an answered person is counted from (`safe_harbour`)."""
    clock_at_ms: Millis | None = None
    """When it began to count. None: nobody has been recognised as a person, or an agent was there first."""
    message_played: bool = False
    """The drop message began to play."""
    connected_at_ms: Millis | None = None
    ended_at_ms: Millis | None = None
    """When it was over for us: our release, or the server's word if that came first."""
    lost_at_ms: Millis | None = None
    agent_id: AgentId | None = None
    """Reserved for it, or talking on it; kept for the report after the conversation."""
    verdict: Verdict | None = None
    ending: Ending | None = None
    """Why we ended it; None while nobody did."""
    sip_status: int | None = None
    q850_cause: int | None = None
    congested: bool = False
    joins_failed: int = 0
    """Agents held on the line whom the person could not be joined to."""
    is_in_flight: bool = False
    """The forecasts count with it: it may still bring somebody who needs an agent."""
    wants_agent: bool = False
    """GVP modes: the caller has asked for an agent, and none has come yet."""
    is_routed: bool = False
    """A treatment has sent it, not being a person, to an IVR application."""
    word: "Word | None" = None
    """What its agent has said of it."""
    is_resolved: bool = False
    """Whether the statistics know its outcome."""
    audits_missed: int = 0
    """Audits in a row in which its server did not know it."""

    @property
    def record(self) -> Record:
        """The record that is being tried: the first of its chain."""
        return self.chain.records[0]

    @property
    def rings_until_ms(self) -> Millis:
        """Instant after which an unanswered call cannot be ringing any more, whatever became of its node."""
        return self.dialed_at_ms + self.ring_ms_max + RING_GRACE_MS

    def signs(self) -> Signs:
        """Everything that is known about the finished call."""
        return Signs(
            self.ending or WE_DID_NOT,
            self.answered_at_ms is not None,
            self.connected_at_ms is not None,
            self.verdict,
            self.sip_status,
            self.q850_cause,
            self.congested,
        )


RING_GRACE_MS: Millis = 5_000
"""Time beyond the ring limit that a server may take to give a call up. Unit: ms. Ours: covers a slow network (0005)."""
