"""The knobs of a simulated world, as frozen values with their units and ranges.

The defaults are an ordinary day: the outcome model of the pacing study (a fifth of the attempts reach a person), agents
who talk a minute and need a quarter of one afterwards, healthy nodes, and no faults.

Names: a share of something is a `_ratio` (0 … 1), `_mean` and `_cv` (standard deviation ÷ mean) go last. All instants
are monotonic milliseconds from the start of the run.
"""

import enum
from dataclasses import dataclass, field

from outdial.core.events import Event
from outdial.core.units import MINUTE_MS, SECOND_MS, GroupId, ListId, Millis, NodeId


class CalleeKind(enum.StrEnum):
    """What is at the far end of an attempt."""

    PERSON = "person"
    MACHINE = "machine"
    NO_ANSWER = "no answer"
    BUSY = "busy"
    FAX = "fax"
    SIT = "sit"
    """Special information tones, heard by call progress detection."""
    INVALID = "invalid"
    """The network refuses the number (404)."""
    SILENCE = "silence"
    """Answered, and nothing to be heard."""
    CONGESTION = "congestion"
    """The carrier refuses the call (503)."""


@dataclass(frozen=True, slots=True)
class CalleeSettings:
    """Who answers, when, as what.

    Source of the defaults: pacing study, section 3 (outcome model).
    """

    shares: tuple[tuple[CalleeKind, float], ...] = (
        (CalleeKind.PERSON, 0.20),
        (CalleeKind.MACHINE, 0.33),
        (CalleeKind.NO_ANSWER, 0.30),
        (CalleeKind.BUSY, 0.06),
        (CalleeKind.FAX, 0.01),
        (CalleeKind.SIT, 0.02),
        (CalleeKind.INVALID, 0.06),
        (CalleeKind.SILENCE, 0.01),
        (CalleeKind.CONGESTION, 0.01),
    )
    """Kinds with their weights. Range of a weight: ≥ 0."""
    person_factors: tuple[tuple[Millis, float], ...] = ()
    """Drift: from an instant on, the share of persons is multiplied. Shape: ((from, factor ≥ 0), …) ascending."""
    post_dial_ms: tuple[Millis, Millis] = (1_000, 3_000)
    """From the request to the first ringing or to a refusal: uniform between the two."""
    person_ring_ms_mean: Millis = 9_000
    """How long a phone rings before a person answers (gamma)."""
    person_ring_ms_cv: float = 0.577
    person_ring_ms_max: Millis = 22_000
    machine_early_ratio: float = 0.25
    """Share of machines that answer at once (phone switched off)."""
    machine_early_ms_max: Millis = 4_000
    machine_ring_ms_mean: Millis = 17_000
    """How long a phone rings before the other machines answer (normal)."""
    machine_ring_ms_deviation: Millis = 3_000
    verdict_person_ms: tuple[Millis, Millis] = (600, 1_600)
    """From the answer to the verdict on a person: uniform between the two."""
    verdict_machine_ms: tuple[Millis, Millis] = (2_200, 4_200)
    """The same for everything else."""
    person_as_machine_ratio: float = 0.02
    """Share of persons whom call progress detection takes for machines."""
    machine_as_person_ratio: float = 0.05
    """Share of machines that it takes for persons."""
    verdict_missing_ratio: float = 0.005
    """Share of answers on which it never decides."""
    talk_ms_mean: Millis = 60_000
    """Conversation of an agent with a person (lognormal)."""
    talk_ms_cv: float = 0.9
    talk_ms_mean_by_group: tuple[tuple[GroupId, Millis], ...] = ()
    """Campaign groups whose conversations have another mean. Shape: ((group, mean), …)."""
    machine_talk_ms_mean: Millis = 6_000
    """How long an agent listens to what is no person (exponential)."""
    patience_ms_mean: Millis = 20_000
    """How long a person waits on the line, from the answer (exponential)."""
    machine_stays_ms: Millis = 40_000
    """When anything else that answered hangs up by itself."""


@dataclass(frozen=True, slots=True)
class IvrSettings:
    """IVR applications of the GVP modes."""

    session_ms_mean: Millis = 45_000
    """Length of a session (lognormal)."""
    session_ms_cv: float = 0.6
    agent_ratio: float = 0.3
    """Share of callers who ask for an agent, half way through the session."""


@dataclass(frozen=True, slots=True)
class WorkforceSettings:
    """Agents: what they do between and around calls."""

    shift_start_ms: Millis = 0
    """When the first agent signs in."""
    login_spread_ms: Millis = 30 * SECOND_MS
    """The others follow, uniformly, within this time."""
    shift_end_ms: Millis | None = None
    """When agents begin to sign out. None: they stay."""
    logout_spread_ms: Millis = 5 * SECOND_MS
    late_ready_ms_mean: Millis = 3 * SECOND_MS
    """From signing in to being ready (exponential)."""
    after_call_work_ms_mean: Millis = 15 * SECOND_MS
    """After-call work (gamma)."""
    after_call_work_ms_cv: float = 0.7
    """Range: 0 … 1."""
    answer_ms_mean: Millis = 300
    """How long an agent's phone rings before it is answered (exponential)."""
    no_answer_ratio: float = 0.002
    """Chance of not answering a transfer, engaging or preview call."""
    missed_call_pause_ms_mean: Millis = 10 * SECOND_MS
    """From missing a call to being ready again (exponential)."""
    break_ratio: float = 0.005
    """Chance of a break after a call."""
    break_ms_mean: Millis = 5 * MINUTE_MS
    """Length of a break (exponential)."""
    leave_announce_ms: Millis = 0
    """Breaks and ends of shift are announced so long before they begin; work goes on until then. 0: they are not."""
    drop_engaging_ratio: float = 0.002
    """Chance, after a conversation on an engaging call, that the agent hangs up."""
    phone_loss_interval_ms_mean: Millis = 0
    """Mean time between losses of one agent's phone. 0: never."""
    phone_loss_ms_mean: Millis = 20 * SECOND_MS
    """How long a lost phone stays away (exponential)."""
    preview_ms_mean: Millis = 8 * SECOND_MS
    """How long an agent looks at an offered record (exponential)."""
    preview_reject_ratio: float = 0.1
    """Share of offered records that are declined."""
    preview_cancel_ratio: float = 0.3
    """Share of the declined records that are cancelled for good."""
    preview_ask_ms: Millis = 15 * SECOND_MS
    """Preview mode: an agent without an offer asks again after this time."""
    callback_ratio: float = 0.0
    """Share of conversations after which, or in which, the customer wants to be called back."""
    callback_personal_ratio: float = 0.5
    """Share of those by the same agent."""
    callback_ms_mean: Millis = 30 * MINUTE_MS
    """How far ahead (exponential)."""
    disposition_ratio: float = 0.0
    """Share of conversations of which the agent says something else than what was heard."""


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """How one simulated node behaves, both of its servers alike."""

    capacity_ports: int | None = None
    """Legs that one server can carry. None: any number."""
    reports_total_ports: bool = False
    """The server reports its capacity when it is connected. False: the core finds out by refusals."""
    refuses_by_release: bool = False
    """A full server takes the request and then releases the call with 503, instead of rejecting the request."""
    latency_ms_mean: Millis = 4
    """From a command to the server acting on it (exponential). Requests never overtake each other."""
    connect_ms: Millis = 300
    """From the connection attempt to being logged in and fully booted."""
    ha_calls: bool = False
    """Hot standby: calls live on when the server dies, on the node's other server."""


class FaultKind(enum.StrEnum):
    """What can go wrong."""

    LOSE_PRIMARY = "lose primary"
    LOSE_BACKUP = "lose backup"
    LOSE_BOTH = "lose both"
    HANG = "hang"
    """The server in use is frozen: connected, silent."""
    PARTITION = "partition"
    """No network between the core and the node; calls on the node go on."""
    LATE_REPLIES = "late replies"
    DUPLICATE_REPLIES = "duplicate replies"
    LOST_REPLIES = "lost replies"
    CLOCK_STEP = "clock step"
    """UTC jumps; the `duration_ms` of the fault is the largest step, forward or back."""
    STORE_DOWN = "store down"
    """The record store cannot answer."""
    MASS_BREAK = "mass break"
    """A share of the agents goes on a break as soon as each is free."""


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """One fault at a stated instant."""

    at_ms: Millis
    kind: FaultKind
    duration_ms: Millis = 10 * SECOND_MS
    """How long it lasts; of a clock step: its size, negative to go back."""
    node_id: NodeId | None = None
    """The node. None: one by chance, for the kinds that concern one."""
    intensity: float = 0.5
    """Share of replies that are late, duplicated or lost; share of agents who leave. Range: 0 … 1."""


@dataclass(frozen=True, slots=True)
class FaultRate:
    """Faults of one kind, at random."""

    kind: FaultKind
    interval_ms_mean: Millis
    """Mean time between two of them (exponential). Range: ≥ 1."""
    duration_ms_mean: Millis = 10 * SECOND_MS
    """Mean length (exponential)."""
    intensity: float = 0.2
    """As for `ScriptedFault`."""


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """Everything that goes wrong. Faults stop when the run's `duration_ms` is over."""

    scripted: tuple[ScriptedFault, ...] = ()
    rates: tuple[FaultRate, ...] = ()
    late_ms_mean: Millis = 2 * SECOND_MS
    """How late a late reply is (exponential). What the same server says after it waits behind it."""
    stale_request_ratio: float = 0.5
    """Chance that one request, sent to a hung server before its connection was reset, comes to life when it wakes."""


@dataclass(frozen=True, slots=True)
class ListShape:
    """A synthetic calling list."""

    list_id: ListId
    records: int = 10_000
    """Range: 0 … 10,000,000."""
    chain_length: int = 1
    """Records of one customer. Range: ≥ 1."""
    repeated_ratio: float = 0.0
    """Share of records with the number of the record before them."""
    forbidden_ratio: float = 0.0
    """Share of records that a do-not-call list of the store has."""


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """Something that an operator asks for during the run."""

    at_ms: Millis
    event: Event
    """One of the operator's requests, or a configuration loaded anew."""


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Every knob of a simulated world except the configuration and the seed."""

    start_utc_ms: Millis = 1_781_082_000_000
    """UTC at the start of the run. Default: 2026-06-10, 09:00."""
    duration_ms: Millis = 10 * MINUTE_MS
    """How long faults go on and agents come and go. Range: > 0."""
    cool_down_ms: Millis = 2 * MINUTE_MS
    """How long groups dial on after the faults have stopped, before they are stopped too."""
    settle_ms_max: Millis = 30 * MINUTE_MS
    """Bound for the end: when groups have been stopped for this long and calls are left, something hangs."""
    groups_to_start: tuple[GroupId, ...] | None = None
    """Campaign groups to start at once. None: all."""
    operator_acts: tuple[OperatorAct, ...] = ()
    callees: CalleeSettings = field(default_factory=CalleeSettings)
    ivr: IvrSettings = field(default_factory=IvrSettings)
    workforce: WorkforceSettings = field(default_factory=WorkforceSettings)
    node: NodeSettings = field(default_factory=NodeSettings)
    """Nodes that `nodes` does not name."""
    nodes: tuple[tuple[NodeId, NodeSettings], ...] = ()
    lists: tuple[ListShape, ...] = ()
    """Synthetic calling lists; those of the configuration that are not named get the default shape."""
    store_ms: tuple[Millis, Millis] = (2, 20)
    """How long the record store takes to answer: uniform between the two."""
    faults: FaultSettings = field(default_factory=FaultSettings)
    dn_events_from_all_nodes: bool = False
    """Every connected node reports phones, not only the one that was asked to. The core must ignore the others."""
