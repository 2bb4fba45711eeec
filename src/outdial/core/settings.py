"""Configuration objects as frozen values: what the outside world decided.

The vocabulary is the guide's. Every object has a `dbid` (positive integer, unique per kind) and a `name`. Field names
are our spelling of the guide's option names (`channel_num` stays, `dynamic-port-allocation` becomes
`dynamic_port_allocation`); `outdial.config` accepts the guide's spelling letter for letter and checks every value, so
the core may rely on the ranges stated here.

A whole `Configuration` enters the core as one event (`ConfigurationLoaded`), at start and at every reload.
"""

import enum
from collections.abc import Collection
from dataclasses import dataclass, field

from outdial.core.abandonment_settings import AbandonmentClock, AbandonmentMethod, AbandonmentWindow
from outdial.core.aims import AimKind
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult
from outdial.core.rules import RuleProfile
from outdial.core.units import (
    MINUTE_MS,
    SECOND_MS,
    AgentGroupId,
    AgentId,
    GroupId,
    ListId,
    Millis,
    NodeId,
    ServerId,
)


class LoadBalancing(enum.StrEnum):
    """Option `sip-cluster-lb-mode`. Source: guide, "Enabling Load Balancing Mode"; LEAST_LOADED is ours (0005)."""

    NONE = "none"
    ROUND_ROBIN = "round-robin"
    LEAST_LOADED = "least-loaded"


class PrimeNodeLoss(enum.StrEnum):
    """Option `prime-node-loss`. STOP is the guide's behaviour, PROMOTE is ours (0005)."""

    STOP = "stop"
    PROMOTE = "promote"


class DialerKind(enum.StrEnum):
    """Whose ports a campaign group uses."""

    SWITCH = "switch"
    CPD_SERVER = "cpd-server"


class CallAction(enum.StrEnum):
    """Apply-to-call action of a treatment, for a call on which no person was heard. Source: OCS treatments (subset)."""

    DROP = "drop"
    CONNECT = "connect"
    """As a person is: to an agent, or to the group's IVR application."""
    ROUTE = "route"
    """To an IVR application of its own."""


class TreatmentAction(enum.StrEnum):
    """Apply-to-record action of a treatment. Source: OCS treatments."""

    DONE = "done"
    MARK_CHAIN = "mark-chain"
    REDIAL = "redial"
    RETRY_IN = "retry-in"
    RETRY_AT_DATE = "retry-at-date"
    NEXT_IN_CHAIN = "next-in-chain"
    NEXT_IN_CHAIN_AFTER = "next-in-chain-after"
    NEXT_IN_CHAIN_AT_DATE = "next-in-chain-at-date"
    ASSIGN_TO_GROUP = "assign-to-group"
    MARK_AGENT_ERROR = "mark-agent-error"
    RESCHEDULE = "reschedule"

    @property
    def is_final(self) -> bool:
        """Whether the record's chain is over."""
        return self in FINAL_ACTIONS

    @property
    def waits(self) -> bool:
        """Whether it has an interval."""
        return self in (TreatmentAction.RETRY_IN, TreatmentAction.NEXT_IN_CHAIN_AFTER, TreatmentAction.RESCHEDULE)

    @property
    def has_date(self) -> bool:
        """Whether it has a date."""
        return self in (TreatmentAction.RETRY_AT_DATE, TreatmentAction.NEXT_IN_CHAIN_AT_DATE)

    @property
    def goes_on(self) -> bool:
        """Whether the next record of the chain is tried."""
        return self in (
            TreatmentAction.NEXT_IN_CHAIN,
            TreatmentAction.NEXT_IN_CHAIN_AFTER,
            TreatmentAction.NEXT_IN_CHAIN_AT_DATE,
        )


FINAL_ACTIONS = (TreatmentAction.DONE, TreatmentAction.MARK_CHAIN, TreatmentAction.MARK_AGENT_ERROR)
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


@dataclass(frozen=True, slots=True, order=True)
class DialerId:
    """Names one port pool: the dialer that owns it."""

    kind: DialerKind
    dbid: int


@dataclass(frozen=True, slots=True)
class Switch:
    """A SIP switch, shared by all nodes of one SIP cluster."""

    dbid: int
    name: str
    channel_num: int
    """Total dialing ports. Unit: ports. Range: 0 … 1,000,000. Used unless active nodes report `total-ports`."""
    dynamic_port_allocation: bool = False
    """Share the ports between campaign groups as demand moves."""


@dataclass(frozen=True, slots=True)
class Node:
    """One SIP cluster node or CPD server: a primary application and, when it has one, its backup."""

    dbid: NodeId
    """DBID of the primary application."""
    name: str
    switch: int | None
    """DBID of the switch whose ports the node's calls use; None on a CPD server, which has its own."""
    backup: ServerId | None = None
    """DBID of the backup application."""
    backup_name: str | None = None
    ports: int | None = None
    """CPD server: total ports of the dialer. Unit: ports. None on a SIP server."""
    dynamic_port_allocation: bool = False
    """CPD server only: share its ports between campaign groups."""
    call_rate_max: int | None = None
    """Most dial requests that the node may be sent. Unit: requests per second. None: no limit."""
    slow_start_ms: Millis = 0
    """After a return, the call rate grows from a tenth to `call_rate_max` over this time. 0: at once."""

    @property
    def is_cpd_server(self) -> bool:
        """Whether this is a CPD server: a dialer of its own outside the SIP cluster."""
        return self.switch is None


@dataclass(frozen=True, slots=True)
class Ocs:
    """This server's own options."""

    connections: tuple[NodeId, ...]
    """Primary SIP server applications included in load balancing, in connection order (the round-robin order)."""
    sip_cluster_lb_mode: LoadBalancing = LoadBalancing.NONE
    sip_cluster_prime_node: NodeId | None = None
    """DBID of the prime node's primary application. None: the first connection."""
    prime_node_loss: PrimeNodeLoss = PrimeNodeLoss.STOP
    node_outlier_ejection: bool = False
    """Leave out a node while its share of server failures or its answer latency is far off the others'."""
    port_recalculation_ms: Millis = 5 * SECOND_MS
    """Period of the port recalculation. Range: 100 … 3,600,000."""
    accept_ms_max: Millis = 5 * SECOND_MS
    """Longest wait for a server to accept a request before it counts as lost."""
    release_ms_max: Millis = 5 * SECOND_MS
    """Longest wait for a server to confirm a release."""
    reconnect_ms: Millis = 2 * SECOND_MS
    """Pause before a lost connection is tried again."""
    audit_ms: Millis = 30 * SECOND_MS
    """Period at which each active node is asked which of our calls it still has. 0: never."""
    talk_ms_max: Millis = 240 * MINUTE_MS
    """Longest conversation; a call beyond it is released (its end was missed)."""
    lost_call_ms_max: Millis = 60 * SECOND_MS
    """How long an answered call on a lost node is kept, in case the node returns with it."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A person who takes calls."""

    dbid: AgentId
    login: str
    phone: str
    """DN of the phone that the agent logs in with unless the login names another."""


@dataclass(frozen=True, slots=True)
class AgentGroup:
    """Agents who work together."""

    dbid: AgentGroupId
    name: str
    agents: tuple[AgentId, ...]
    sip_cluster_asm_dial_node: NodeId | None = None
    """Dialer node for seizing modes. Missing or not among the connections: the prime node."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A time zone's rules as data: the offsets that hold from given instants on."""

    name: str
    offsets: tuple[tuple[int, int], ...]
    """Shape: ((from UTC, offset), …) ascending, first entry at or before any instant used. Unit: ms, seconds east."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """One rule: on this call result, do that with the record."""

    call_result: CallResult
    number_in_sequence: int
    """Order among the treatments of the same call result, from 1."""
    action: TreatmentAction
    cycle_attempts: int = 1
    """How often the treatment is applied before the next in sequence. Range: ≥ 1."""
    interval_ms: Millis = 0
    """Wait before the next attempt."""
    increment_ms: Millis = 0
    """Added to the interval at each repetition."""
    date_utc_ms: int | None = None
    """At-date actions: the instant, unless it is `daily_at_s`."""
    daily_at_s: int | None = None
    """At-date actions: the next such time of day. Unit: seconds since midnight in `zone`. Range: 0 … 86,399."""
    zone: Zone | None = None
    group_id: GroupId | None = None
    """ASSIGN_TO_GROUP: the campaign group."""
    call_action: CallAction = CallAction.DROP
    """What is done with the call itself; looked at when a machine, a fax or silence is heard."""
    destination: str = ""
    """ROUTE: the IVR application."""


@dataclass(frozen=True, slots=True)
class CallingList:
    """An ordered store of records."""

    dbid: ListId
    name: str
    zone: Zone
    """Zone of records that name none and whose number says none."""
    daily_from_s: int = 0
    """Earliest time of day for records that name none. Unit: seconds since local midnight."""
    daily_till_s: int = 86_400
    """Latest time of day (exclusive)."""
    treatments: tuple[Treatment, ...] = ()
    zone_by_number: bool = False
    """Records that name no zone get those of their number (`Record.zones`). No decision depends on it: it is here
    because whoever hands out records reads it."""
    default_region: str = ""
    """Numbers without a + are national numbers of this region. As above: for whoever reads records."""
    customer_id: str = ""
    """Column with the id that do-not-call lists may have of a customer. As above: for whoever reads records."""
    rules: tuple[RuleProfile, ...] = ()
    """Rule profiles for its records, whoever dials them, those that others build on included."""


INTERNAL_LIST = "internal"
"""Do-not-call list of those who have said so themselves. Ours (decision 0020): it counts for every campaign."""


def does_count(list_name: str, named: Collection[str]) -> bool:
    """Whether a do-not-call list counts for who has named these. Empty: all do."""
    return not named or list_name == INTERNAL_LIST or list_name in named


@dataclass(frozen=True, slots=True)
class Campaign:
    """Calling lists with their weights."""

    dbid: int
    name: str
    lists: tuple[tuple[ListId, int], ...]
    """Shape: ((list, weight), …). A list of weight 20 is asked for twice as many records as one of weight 10."""
    do_not_call_lists: tuple[str, ...] = ()
    """Do-not-call lists of the store that count beside the internal one. Empty: all do."""
    seller: str = ""
    """For whom it is called: whose ledger its calls are in, too."""
    zone: Zone | None = None
    """Whose calendar day counts. None: UTC's."""
    abandonment_method: AbandonmentMethod = AbandonmentMethod.US
    abandonment_limit_ppm: int | None = None
    """Largest share of abandoned calls in each of the windows. Unit: millionths. None: each group's own limit."""
    abandonment_windows: tuple[AbandonmentWindow, ...] = (AbandonmentWindow.DAYS_30,)
    """Windows that the limit holds for."""
    false_positives_ppm: int = 0
    """Method `uk`: persons among the calls that were taken for machines. Unit: millionths."""
    rules: tuple[RuleProfile, ...] = ()
    """Rule profiles for what it dials, besides those of its lists."""

    def heeds(self, list_name: str) -> bool:
        """Whether a do-not-call list of the store counts for it."""
        return does_count(list_name, self.do_not_call_lists)


@dataclass(frozen=True, slots=True)
class CampaignGroup:
    """Campaign × agent group: the unit that is started, stopped and dials."""

    dbid: GroupId
    name: str
    campaign: int
    agent_group: AgentGroupId | None
    """None only in Power GVP mode."""
    dialing_mode: DialingMode
    dialer: DialerId
    number_of_cpd_ports: int = 0
    """0: dynamic share (or no limit of its own). >0: see docs/concepts/ports.md. Unit: ports."""
    asm_channel_num: int | None = None
    """Seizing modes: limit on engaging ports, tracked apart from regular ones; 0 = not limited; None = one counter."""
    maximum_queue_size: int = 0
    """Power GVP: calls kept in progress. Unit: calls."""
    overdial_ratio_max: float = 0.03
    """Predictive modes: largest share of people who answer and find no agent. Range: 0 … 1."""
    aim: AimKind = AimKind.OVERDIAL_RATE
    """Predictive modes: what the group steers by, under the limit of abandoned persons."""
    aim_value: float = 0.0
    """Busy factor: share of 1; waiting and distribution time: ms. Not used by the overdial rate."""
    calls_per_agent_max_millis: int = 0
    """Predictive modes: most calls in flight per agent at work. Unit: thousandths. 0: no limit of its own."""
    history_length: int = 50
    """Finished attempts before a predictive mode takes effect; until then the group dials progressively."""
    progressive_multiplier_millis: int = 1_000
    """Progressive modes: calls per available agent. Unit: thousandths. Range: 100 … 15,000."""
    ring_ms_max: Millis = 25 * SECOND_MS
    """Longest ringing before an attempt ends as no answer. Range: 5,000 … 180,000."""
    call_progress_detection: bool = True
    """Ask for a verdict (person, machine, fax, silence) after the answer. False: every answer is a person."""
    cpd_ms_max: Millis = 6 * SECOND_MS
    """Longest wait for the verdict; without one the answer counts as a person."""
    call_wait_in_queue_ms_max: Millis = 2 * SECOND_MS
    """How long an answered person waits for an agent before the call is dropped, from the clock's start on."""
    abandonment_clock: AbandonmentClock = AbandonmentClock.GREETING_END
    abandonment_ms_max: Millis = 2 * SECOND_MS
    """A person who has found nobody so long after the clock's start counts as abandoned."""
    drop_message: str = ""
    """What a person hears who found no agent, before the call ends: a sound of the server. Empty: nothing."""
    drop_message_ms_max: Millis = 30 * SECOND_MS
    """Longest time for the drop message; then the call is released."""
    call_wait_agent_connected_ms_max: Millis = 20 * SECOND_MS
    """How long an agent's phone may ring (transfer, engaging and preview calls)."""
    after_call_work_ms_max: Millis = 0
    """After-call work ends by itself after this time. 0: the agent ends it."""
    preview_ms_max: Millis = 120 * SECOND_MS
    """Preview modes: how long an offered record waits for the agent's decision."""
    ivr_application: str = ""
    """GVP modes: the application that takes answered calls."""
    ivr_ms_max: Millis = 10 * MINUTE_MS
    """GVP modes: longest IVR session; a call beyond it is released."""
    minimum_record_buffer: int = 50
    """More records are fetched when fewer are in memory. Unit: chains."""
    optimal_record_buffer: int = 200
    """Records are fetched up to this number. Unit: chains. Range: > minimum, ≤ 10,000."""
    general_priority: int = 1
    """Order of General records among the others: the highest goes first."""
    campaign_rescheduled_priority: int = 2
    campaign_callback_priority: int = 3
    callback_agent_wait_ms: Millis = 30 * MINUTE_MS
    """How long a due record waits for its agent before it comes to AGENT_CALLBACK_ERROR. Range: 0 … a week."""
    callback_group_wait_ms: Millis = 24 * 60 * MINUTE_MS
    """How long a due callback of a group that does not run here waits for it before this group takes it, with
    GROUP_CALLBACK_ERROR. Range: a minute … a week."""
    caller_id: str = ""
    """What the callee sees: `"name" <number>` or a number; empty: what the trunk shows. No decision depends on it: it
    is here because the driver that dials reads it from the configuration that is in effect."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that the configuration says, as one value. Tuples are in file order."""

    ocs: Ocs
    switches: tuple[Switch, ...] = ()
    nodes: tuple[Node, ...] = ()
    agents: tuple[Agent, ...] = ()
    agent_groups: tuple[AgentGroup, ...] = ()
    calling_lists: tuple[CallingList, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    campaign_groups: tuple[CampaignGroup, ...] = ()
    do_not_call: tuple[str, ...] = field(default=())
    """Numbers that are never dialed."""
