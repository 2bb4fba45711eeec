"""Campaign groups while the server runs: run state, calls by state, records in memory, totals.

A group that is stopped with calls in progress is `stopping` until the last one is settled: those calls end by
themselves, nothing new is dialed. Starting it again in the meantime is allowed; starting a running group is not.

A paused group is a running one that dials nothing new: it keeps its agents, their engaged legs, its ports and its
records in memory, so that it goes on at once. Ours (decision 0028).
"""

import enum
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from outdial.core.agent_odds import AgentOdds
from outdial.core.aims import Aim
from outdial.core.attempt import DIALING, PENDING, Attempt, AttemptState
from outdial.core.budget import Budget
from outdial.core.call_odds import DELAY_BIN_MS, CallOdds
from outdial.core.dial_rules import DialRules
from outdial.core.estimates import Estimates, Mean
from outdial.core.modes import DialingMode
from outdial.core.pacing import DECISIONS_KEPT, Decision, progressive_form
from outdial.core.records import Chain
from outdial.core.results import CallResult
from outdial.core.settings import CampaignGroup
from outdial.core.tables import Table
from outdial.core.units import SECOND_MS, AgentId, CallId, GroupId, ListId, Millis, RecordId

IVR_DELAY_BIN_MS: Millis = 3 * SECOND_MS
"""Delays of GVP modes reach from the answer to the caller asking for an agent: up to five minutes. Ours (0014)."""


class GroupState(enum.StrEnum):
    """Run state of a campaign group."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"


class GroupSignal(enum.IntEnum):
    """What can happen to a campaign group."""

    START = enum.auto()
    STOP = enum.auto()
    PAUSE = enum.auto()
    RESUME = enum.auto()
    DRAINED = enum.auto()
    """Its last call is over."""


GROUP_TABLE = Table(
    "campaign group",
    GroupState,
    GroupSignal,
    """
    state    start   stop     pause  resume  drained
    stopped  running .        .      .       .
    running  .       stopping paused .       .
    paused   .       stopping .      running .
    stopping running .        .      .       stopped
    """,
)


PAUSED = GroupState.PAUSED
STARTED = (GroupState.RUNNING, PAUSED)
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


class Hold(enum.StrEnum):
    """Why a running group does not dial more right now."""

    PAUSED = "paused by operator"
    PRIME_LOST = "prime node lost"
    DIALER_LOST = "dialer node lost"
    NO_NODE = "no node takes requests"
    NO_AGENTS = "no agent logged in"
    WAITING_AGENTS = "waiting for agents"
    WAITING_PORTS = "waiting for ports"
    WAITING_RECORDS = "waiting for records"
    PACING = "pacing: enough calls in flight"


@dataclass(slots=True)
class Totals:
    """Counts since the group was first loaded. They only ever grow; nothing is decided from them."""

    attempts: int = 0
    persons: int = 0
    connected: int = 0
    abandoned: int = 0
    dropped: int = 0
    node_faults: int = 0
    results: dict[CallResult, int] = field(default_factory=dict)


@dataclass(slots=True)
class Pace:
    """How a predictive group dials now, and how it came to that."""

    note: str = ""
    """Why it does not dial ahead; empty: it does."""
    decided_at_ms: Millis | None = None
    updated_at_ms: Millis | None = None
    """When shapes and level were worked out."""
    decisions: deque[Decision] = field(default_factory=lambda: deque(maxlen=DECISIONS_KEPT))


@dataclass(slots=True, eq=False)
class Group:
    """One campaign group while the server runs."""

    settings: CampaignGroup
    mode: DialingMode
    estimates: Estimates = field(default_factory=Estimates)
    budget: Budget = field(default_factory=lambda: Budget(0.0))
    aim: Aim = field(default_factory=Aim)
    odds: CallOdds = field(default_factory=CallOdds)
    """What its calls in flight will bring."""
    held_odds: AgentOdds = field(default_factory=AgentOdds)
    """Seizing modes: when its engaged agents will be free."""
    clock_lead_ms: Mean = field(default_factory=lambda: Mean(0.0))
    """How long a person's clock has run when the verdict comes: so much less is left to wait."""
    pace: "Pace" = field(default_factory=lambda: Pace())
    state: GroupState = GroupState.STOPPED
    next_mode: DialingMode | None = None
    """A configured mode that takes effect when the group is stopped; None: none waits."""
    is_removed: bool = False
    """No longer in the configuration; forgotten once stopped."""
    started_order: int = 0
    """Rank by start, for reservations."""
    calls: dict[AttemptState, dict[CallId, Attempt]] = field(
        default_factory=lambda: {state: {} for state in AttemptState}
    )
    """Attempts by state: counts are lengths."""
    waiting: OrderedDict[CallId, None] = field(default_factory=OrderedDict)
    """Seizing modes: answered persons without an agent, longest waiting first."""
    engagings: dict[CallId, AgentId] = field(default_factory=dict)
    """Engaging calls in any state."""
    engaged_idle: OrderedDict[AgentId, None] = field(default_factory=OrderedDict)
    """Engaged agents who wait for a customer, longest idle first."""
    kept_legs: dict[CallId, None] = field(default_factory=dict)
    """Engaging calls on another server than the group dials on now, kept for the calls that it still has there."""
    buffer: deque[Chain] = field(default_factory=deque)
    fetch_id: int = 0
    is_fetching: bool = False
    fetch_asked_ms: Millis = 0
    """When the fetch that is under way was asked for."""
    fetch_at_ms: Millis = 0
    """No fetch before this: the lists had nothing due."""
    lists_grew: bool = False
    """A list has got records since the store was asked."""
    callbacks: dict[RecordId, Chain] = field(default_factory=dict)
    """Due records that wait for one agent each, longest due first."""
    callbacks_fetch_id: int = 0
    """Number of the last `FetchCallbacks`; 0: none is under way."""
    callbacks_asked_ms: Millis = 0
    """When that was asked for."""
    started_at_ms: Millis = 0
    """When it was started last."""
    is_store_away: bool = False
    """The store has not answered the last fetch."""
    rules: dict[ListId, DialRules] = field(default_factory=dict)
    """Rules for the records of each list in this mode, worked out when they are needed first."""
    hold: tuple[Hold, str] | None = None
    """Why the last look ended without dialing more, with a detail; None: nobody has looked."""
    totals: Totals = field(default_factory=Totals)

    def __post_init__(self) -> None:
        """What follows from settings and mode."""
        self.budget.target = self.settings.overdial_ratio_max
        self.aim.change(self.settings.aim, self.settings.aim_value)
        self.change_mode(self.mode)

    def change_mode(self, mode: DialingMode) -> None:
        """Dial in another mode from now on. What was learned is kept, unless calls need agents in another way there."""
        delay_bin_ms = IVR_DELAY_BIN_MS if mode.is_gvp else DELAY_BIN_MS
        if delay_bin_ms != self.odds.delay_bin_ms:
            self.odds = CallOdds(delay_bin_ms)
        self.rules.clear()
        if mode is not self.mode or not mode.is_predictive:
            self.pace.note = ""
        self.mode = mode

    @property
    def group_id(self) -> GroupId:
        """DBID."""
        return self.settings.dbid

    @property
    def is_running(self) -> bool:
        """Started and not stopped: dials when it can, unless it is paused."""
        return self.state in STARTED

    @property
    def is_paused(self) -> bool:
        """An operator lets it dial nothing new for a while."""
        return self.state is PAUSED

    @property
    def live(self) -> int:
        """Attempts that are not settled."""
        return sum(len(calls) for calls in self.calls.values())

    @property
    def dialing(self) -> int:
        """Attempts not yet answered."""
        return sum(len(self.calls[state]) for state in DIALING)

    @property
    def pending(self) -> int:
        """Attempts that may still turn out to be a person."""
        return sum(len(self.calls[state]) for state in PENDING)

    @property
    def pacing_mode(self) -> DialingMode:
        """How it dials now: predictive needs history, and a budget that is not overrun."""
        return progressive_form(self.mode) if self.pace.note else self.mode

    def move(self, signal: GroupSignal) -> bool:
        """Follow the group table. Returns whether the cell was a state."""
        target = GROUP_TABLE.next_state(self.state, signal)
        if target is None:
            return False
        self.state = target
        return True
