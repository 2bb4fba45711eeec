"""What a store has, as operators and reports read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from outdial.core.abandonment import Counts
from outdial.core.records import RecordType
from outdial.core.results import CallResult
from outdial.core.settings import DialerId
from outdial.core.units import AgentId, CallId, GroupId, ListId, Millis, NodeId
from outdial.sim.lists import RecordFate, RecordStatus


@dataclass(frozen=True, slots=True)
class Import:
    """How far one file has been read into one list."""

    list_id: ListId
    file: str
    digest: str
    """Of the file's content."""
    lines_done: int = 0
    records: int = 0
    """Records that it has brought so far."""
    finished_utc_ms: int | None = None
    """When it was read to its end; None: it was not yet."""


@dataclass(frozen=True, slots=True)
class ListCounts:
    """A list at a glance."""

    by_status: Mapping[RecordStatus, int]
    """Records by status, those there are."""
    due: int
    """Chains that are due; a record that is alone is a chain."""
    waiting: int
    """Chains that become due later."""
    next_due_utc_ms: int | None
    """When the next of them becomes due. None: none waits."""
    claimed: int
    """Chains that a server has."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """All that is known of a record."""

    fate: RecordFate
    due_utc_ms: int | None
    """From when on it is due. None: it does not wait."""
    claim_epoch: int | None
    """Start of the server that has claimed its chain from it on."""
    daily_from_s: int | None
    daily_till_s: int | None
    zone: str | None
    custom: Mapping[str, str]
    """Columns of its file that mean nothing to the dialer."""
    record_type: RecordType = RecordType.GENERAL
    group_id: GroupId | None = None
    """Campaign group that alone dials it. None: any."""
    callback_agent_id: AgentId | None = None
    """Agent whom it waits for."""
    callback_number: str | None = None
    """Number that is dialed instead of its own."""
    consent: str = ""
    consent_utc_ms: int | None = None
    customer_id: str | None = None

    @property
    def dialed_number(self) -> str:
        """The number that a call goes to."""
        return self.callback_number or self.fate.number


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """Calls of one campaign for one seller, in one bucket of the ledger of abandoned calls."""

    campaign_id: int
    seller: str
    bucket_utc_ms: int
    """Start of the bucket. 0: of all that are older than those asked for."""
    counts: Counts


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """An attempt as it was written down."""

    epoch: int
    call_id: CallId
    group_id: GroupId
    node_id: NodeId
    attempt_n: int
    number: str
    dialed_utc_ms: int
    call_result: CallResult | None = None
    """None: its end was not seen yet; what follows is nothing then."""
    mode: str = ""
    fault: str = ""
    verdict: str | None = None
    sip_status: int | None = None
    q850_cause: int | None = None
    agent_id: AgentId | None = None
    ring_ms: Millis = 0
    wait_ms: Millis = 0
    talk_ms: Millis = 0
    disposition: str = ""
    not_before_utc_ms: int = 0
    campaign_id: int | None = None
    """None: written by an older version."""
    seller: str | None = None
    person: bool = False
    abandoned: bool = False
    clock: str | None = None
    clock_ms: Millis = 0
    message_played: bool = False
    evidence: str = ""
    """What allowed it, as JSON; empty: nothing was written down."""


@dataclass(frozen=True, slots=True)
class StoredWord:
    """What an agent has said of a call: a row of `dispositions`."""

    epoch: int
    call_id: CallId
    attempt_n: int
    """Which attempt on the record it was about, from 1."""
    agent_id: AgentId
    call_result: CallResult
    disposition: str
    """A value of `outdial.core.settings.TreatmentAction`."""
    not_before_utc_ms: int
    record_type: RecordType | None
    """What the record became by it; None: it stayed what it was."""
    callback_number: str
    """Number that the customer wants to be called at; empty: the record's own."""
    note: str
    given_utc_ms: int


@dataclass(frozen=True, slots=True)
class PortSample:
    """How a campaign group, or a whole pool, used ports within a minute. What the fields are: `schema.PORT_SAMPLES`."""

    utc_ms: int
    pool: DialerId
    group_id: GroupId
    """0: the whole pool."""
    span_ms: Millis
    looks: int
    """Range: ≥ 1."""
    used_sum: int
    used_peak: int
    engaging_sum: int
    maximum_ports: int | None
    at_maximum_looks: int
    waiting_looks: int
    need_millis: int
    ready_agents: int
    hold: str


AttemptPlace: TypeAlias = tuple[int, int, int]
"""Where an attempt stands in the order of dialing. Shape: (dialed_utc_ms, epoch, call_id)."""
FIRST: AttemptPlace = (0, 0, 0)
FINISHED = (
    RecordStatus.UPDATED,
    RecordStatus.CANCELLED,
    RecordStatus.CHAIN_UPDATED,
    RecordStatus.AGENT_ERROR,
    RecordStatus.MISSED_CALLBACK,
)
"""Records that are not tried any more."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a store has found."""

    epoch: int
    """Number of this start."""
    returned: int
    """Chains that an earlier start had claimed and not dialed: they are ready again."""
    stale: int
    """Attempts of an earlier start whose end nobody has seen: written down as Stale, their records wait."""
