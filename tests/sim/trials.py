"""Trials: small, quick worlds in which planted bugs can show. Without a plant every one of them is clean.

Worlds are made of three nodes (1, 2, 3 with backups 11, 12, 13), four agents per campaign group, and one list; node 1
is the prime node. Everything is quick: rings of a second, conversations of three.
"""

from dataclasses import dataclass, replace
from typing import Any

from outdial.core.abandonment import BUCKET_MS, Counts
from outdial.core.errors import InvariantViolated
from outdial.core.events import (
    AbandonmentFound,
    DoNotCallAdded,
    Event,
    GroupModeChangeRequested,
    GroupPauseRequested,
    GroupResumeRequested,
    GroupStartRequested,
    GroupStopRequested,
    NodeDrainRequested,
    NodeEnableRequested,
    NodePromoteRequested,
    RecordCancelled,
)
from outdial.core.modes import DialingMode as M
from outdial.core.results import CallResult
from outdial.core.rules import RuleProfile
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    DialerId,
    DialerKind,
    LoadBalancing,
    Node,
    Ocs,
    PrimeNodeLoss,
    Switch,
    Treatment,
    TreatmentAction,
    Zone,
)
from outdial.core.units import SECOND_MS
from outdial.sim.checkers import Checkers, Violation
from outdial.sim.lists import NUMBERS_FROM
from outdial.sim.run import Simulation
from outdial.sim.settings import (
    CalleeKind,
    CalleeSettings,
    FaultKind,
    FaultSettings,
    IvrSettings,
    ListShape,
    NodeSettings,
    OperatorAct,
    ScriptedFault,
    WorkforceSettings,
    WorldSettings,
)

SWITCH = DialerId(DialerKind.SWITCH, 1)
UTC = Zone("UTC", ((0, 0),))
AGENTS = 4

CALLEES = CalleeSettings(
    shares=((CalleeKind.PERSON, 0.5), (CalleeKind.MACHINE, 0.2), (CalleeKind.NO_ANSWER, 0.1), (CalleeKind.BUSY, 0.2)),
    post_dial_ms=(50, 300),
    person_ring_ms_mean=800,
    person_ring_ms_max=3_000,
    machine_early_ms_max=500,
    machine_ring_ms_mean=1_500,
    machine_ring_ms_deviation=200,
    verdict_person_ms=(100, 400),
    verdict_machine_ms=(300, 900),
    talk_ms_mean=3_000,
    machine_talk_ms_mean=500,
    patience_ms_mean=8_000,
    machine_stays_ms=5_000,
)
WORKFORCE = WorkforceSettings(
    login_spread_ms=2_000,
    late_ready_ms_mean=300,
    after_call_work_ms_mean=800,
    answer_ms_mean=100,
    missed_call_pause_ms_mean=1_000,
    break_ms_mean=3_000,
    preview_ms_mean=700,
    preview_ask_ms=1_000,
)


@dataclass(frozen=True)
class Trial:
    """A world with its configuration and its seed."""

    configuration: Configuration
    settings: WorldSettings
    seed: int


def group(number: int, mode: M, **changes: Any) -> CampaignGroup:
    """A campaign group with its own agents."""
    defaults: dict[str, Any] = {
        "asm_channel_num": 0 if mode.is_seizing else None,
        "maximum_queue_size": 4 if mode is M.POWER_GVP else 0,
        "history_length": 10,
        "ring_ms_max": 5_000,
        "call_wait_agent_connected_ms_max": 5_000,
        "preview_ms_max": 5_000,
        "ivr_application": "survey" if mode.is_gvp else "",
        "minimum_record_buffer": 5,
        "optimal_record_buffer": 20,
    }
    return CampaignGroup(number, f"group{number}", 1, number, mode, SWITCH, **(defaults | changes))


def trial(
    *campaign_groups: CampaignGroup,
    ports: int = 40,
    ocs: dict[str, Any] | None = None,
    node_options: dict[str, Any] | None = None,
    calling_list: dict[str, Any] | None = None,
    do_not_call: tuple[str, ...] = (),
    faults: tuple[ScriptedFault, ...] = (),
    seed: int = 7,
    **settings: Any,
) -> Trial:
    """A quick world around some campaign groups. Their dialer nodes, in turn: 2, none, one that is not connected."""
    numbers = [each.dbid for each in campaign_groups]
    members = {number: tuple(range(number * 10, number * 10 + AGENTS)) for number in numbers}
    treatments = (
        Treatment(CallResult.BUSY, 1, TreatmentAction.RETRY_IN, 2, 3_000),
        Treatment(CallResult.NO_ANSWER, 1, TreatmentAction.NEXT_IN_CHAIN),
    )
    configuration = Configuration(
        ocs=replace(
            Ocs((1, 2, 3), LoadBalancing.ROUND_ROBIN, 1, audit_ms=5_000, reconnect_ms=500, lost_call_ms_max=8_000),
            **(ocs or {}),
        ),
        switches=(Switch(1, "switch", ports, dynamic_port_allocation=True),),
        nodes=tuple(Node(n, f"node{n}", 1, n + 10, f"node{n}-backup", **(node_options or {})) for n in (1, 2, 3)),
        agents=tuple(Agent(dbid, f"agent{dbid}", str(7_000 + dbid)) for ids in members.values() for dbid in ids),
        agent_groups=tuple(
            AgentGroup(number, f"team{number}", members[number], (99, 2, None)[number % 3]) for number in numbers
        ),
        calling_lists=(CallingList(1, "list", UTC, **({"treatments": treatments} | (calling_list or {}))),),
        campaigns=(Campaign(1, "campaign", ((1, 10),)),),
        campaign_groups=campaign_groups,
        do_not_call=do_not_call,
    )
    defaults: dict[str, Any] = {
        "duration_ms": 20 * SECOND_MS,
        "cool_down_ms": 5 * SECOND_MS,
        "settle_ms_max": 60 * SECOND_MS,
        "callees": CALLEES,
        "ivr": IvrSettings(2_000, 0.5, 0.4),
        "workforce": WORKFORCE,
        "lists": (ListShape(1, 5_000, 2),),
    }
    return Trial(configuration, WorldSettings(**(defaults | settings), faults=FaultSettings(scripted=faults)), seed)


def fault(at_s: float, kind: FaultKind, node_id: int, for_s: float) -> ScriptedFault:
    """A fault of one node."""
    return ScriptedFault(round(at_s * SECOND_MS), kind, round(for_s * SECOND_MS), node_id)


def act(at_s: float, event: Event) -> OperatorAct:
    """Something that an operator asks for."""
    return OperatorAct(round(at_s * SECOND_MS), event)


def watch(world: Trial, *, sweep_every: int) -> Checkers:
    """Run a trial to its end with all checkers watching, and return them."""
    watching: list[Checkers] = []

    def observer(dialer, outside, configuration):
        watching.append(Checkers(dialer, outside, configuration, sweep_every=sweep_every))
        return watching[0]

    simulation = Simulation(world.configuration, world.settings, world.seed, observers=(observer,))
    try:
        simulation.run()
    except Violation:
        raise
    except InvariantViolated:  # no rest: the checkers have to say what is left
        watching[0].at_end(simulation.world.reading(simulation.mono_ms))
        raise
    return watching[0]


ALL_MODES = tuple(group(number, mode) for number, mode in enumerate(M, start=1))
FAULTS = (
    fault(4, FaultKind.LOSE_BOTH, 2, 3),
    fault(6, FaultKind.LOSE_PRIMARY, 1, 3),
    fault(8, FaultKind.HANG, 3, 3),
    fault(11, FaultKind.PARTITION, 2, 2),
    fault(13, FaultKind.LATE_REPLIES, 1, 3),
    fault(16, FaultKind.LOSE_BOTH, 1, 2),
)
LEDGER_MODES = (M.PROGRESSIVE, M.PREDICTIVE, M.PROGRESSIVE_SEIZING, M.PREDICTIVE_GVP)
LATE = {
    "progressive_multiplier_millis": 3_000,
    "call_wait_in_queue_ms_max": 300,
    "abandonment_ms_max": 500,
    "drop_message": "sorry",
}
"""Persons find nobody in time, and hear so."""
OF_THIS_RUN = WorldSettings().start_utc_ms // BUCKET_MS * BUCKET_MS
"""The quarter of an hour in which trials are."""
NUMBERS = [str(NUMBERS_FROM + place) for place in range(1, 5_000)]

TRIALS: dict[str, Trial] = {
    "mixed": trial(*ALL_MODES),
    "tight": trial(*ALL_MODES, ports=14),
    "regular": trial(group(1, M.PROGRESSIVE), group(2, M.PREDICTIVE)),
    "seizing": trial(group(1, M.PREDICTIVE_SEIZING), group(2, M.PROGRESSIVE_SEIZING), group(3, M.PREDICTIVE_SEIZING)),
    "dialer lost": trial(
        group(1, M.PREDICTIVE_SEIZING), group(2, M.PROGRESSIVE), faults=(fault(0.1, FaultKind.LOSE_BOTH, 2, 10),)
    ),
    "unlimited": trial(group(1, M.POWER_GVP), group(2, M.PREDICTIVE_GVP), group(3, M.PROGRESSIVE), ports=8),
    "capped": trial(group(1, M.PREDICTIVE, number_of_cpd_ports=2), group(2, M.PROGRESSIVE)),
    "reserved": trial(
        group(1, M.PREDICTIVE, number_of_cpd_ports=6),
        group(2, M.PROGRESSIVE),
        group(3, M.PROGRESSIVE_SEIZING, number_of_cpd_ports=3, asm_channel_num=2),
        group(4, M.PREDICTIVE_SEIZING, asm_channel_num=2),
        group(5, M.PREDICTIVE_GVP),
        ports=18,
    ),
    "faults": trial(*ALL_MODES, faults=FAULTS, dn_events_from_all_nodes=True),
    "promotion": trial(*ALL_MODES, ocs={"prime_node_loss": PrimeNodeLoss.PROMOTE}, faults=FAULTS),
    "reporting": trial(
        *ALL_MODES, node=NodeSettings(capacity_ports=14, reports_total_ports=True, ha_calls=True), faults=FAULTS
    ),
    "standby": trial(
        group(1, M.PROGRESSIVE),
        group(2, M.PREDICTIVE),
        ocs={"lost_call_ms_max": 4_000},
        settle_ms_max=300 * SECOND_MS,
        callees=replace(CALLEES, talk_ms_mean=20_000),
        faults=(fault(8, FaultKind.PARTITION, 2, 2),),
    ),
    "repeated": trial(group(1, M.PROGRESSIVE), group(2, M.POWER_GVP), lists=(ListShape(1, 5_000, 1, 0.5),)),
    "operator": trial(
        *ALL_MODES,
        operator_acts=(
            act(4, NodeDrainRequested(1, 2)),
            act(6, GroupStopRequested(2, 1)),
            act(6.5, GroupStopRequested(3, 5)),
            act(7, GroupModeChangeRequested(4, 2, M.PREDICTIVE)),
            act(8, DoNotCallAdded(NUMBERS[900])),
            *(act(9, RecordCancelled(1, record_id)) for record_id in range(500, 600, 3)),
            *(act(9, RecordCancelled(1, record_id, "registry")) for record_id in range(201, 2_000, 9)),
            act(10, NodeEnableRequested(5, 2)),
            act(11, NodeDrainRequested(6, 1)),
            act(12, GroupStartRequested(7, 1)),
            act(13, NodeEnableRequested(8, 1)),
            act(14, GroupStartRequested(9, 5)),
        ),
    ),
    "pauses": trial(
        *ALL_MODES,
        operator_acts=(
            *(act(4 + number / 10, GroupPauseRequested(number, number)) for number in range(1, 8)),
            act(6, NodePromoteRequested(11, 2)),
            *(act(10 + number / 10, GroupResumeRequested(20 + number, number)) for number in range(1, 8)),
            act(14, GroupPauseRequested(40, 1)),
            act(15, GroupStopRequested(41, 1)),
            act(16, GroupStartRequested(42, 1)),
            act(17, NodePromoteRequested(43, 1)),
        ),
    ),
    "hours": trial(*ALL_MODES, calling_list={"daily_from_s": 30_000, "daily_till_s": 9 * 3_600 + 10}),
    "forbidden": trial(
        *ALL_MODES, do_not_call=tuple(NUMBERS[::5]), lists=(ListShape(1, 5_000, 2, forbidden_ratio=0.2),)
    ),
    "rules": trial(
        group(1, M.PROGRESSIVE, progressive_multiplier_millis=2_000, call_wait_in_queue_ms_max=500),
        group(2, M.POWER_GVP),
        group(3, M.PREVIEW),
        lists=(ListShape(1, 400, 1, 0.5),),
        duration_ms=40 * SECOND_MS,
        calling_list={
            "rules": (
                RuleProfile("caps", attempts_24h_max=2, attempts_day_max=3),
                RuleProfile("pauses", after_abandoned_ms=3_600_000, machine_ends_day=True, after_conversation_ms=9_000),
            ),
            "treatments": tuple(
                Treatment(result, 1, TreatmentAction.RETRY_IN, 9, 500)
                for result in (CallResult.BUSY, CallResult.NO_ANSWER, CallResult.DROPPED, CallResult.ABANDONED)
            ),
        },
    ),
    "weekday": trial(
        *ALL_MODES,
        calling_list={"rules": (RuleProfile("week", week=((30_000, 9 * 3_600 + 10),) * 7),)},
    ),
    "phones": trial(
        group(1, M.PROGRESSIVE),
        group(2, M.PREDICTIVE, progressive_multiplier_millis=2_000),
        workforce=replace(WORKFORCE, phone_loss_interval_ms_mean=6_000, phone_loss_ms_mean=2_000),
    ),
    "rates": trial(*ALL_MODES, node_options={"call_rate_max": 3, "slow_start_ms": 4_000}, faults=FAULTS),
    "least loaded": trial(*ALL_MODES, ocs={"sip_cluster_lb_mode": LoadBalancing.LEAST_LOADED}, faults=FAULTS[:2]),
    "unbalanced": trial(*ALL_MODES, ocs={"sip_cluster_lb_mode": LoadBalancing.NONE}, faults=FAULTS),
    "patience": trial(
        group(1, M.PROGRESSIVE),
        duration_ms=2 * SECOND_MS,
        cool_down_ms=120 * SECOND_MS,
        lists=(ListShape(1, 100),),
        calling_list={"treatments": (Treatment(CallResult.ANSWER, 1, TreatmentAction.RETRY_IN, 50, 5_000),)},
    ),
    "slow store": trial(
        group(1, M.PROGRESSIVE),
        group(2, M.POWER_GVP),
        store_ms=(1_500, 1_600),
        operator_acts=(act(1, GroupStopRequested(1, 2)), act(5, GroupStartRequested(2, 2))),
    ),
    "partition": trial(
        group(1, M.PREDICTIVE_SEIZING),
        group(2, M.PROGRESSIVE),
        faults=(fault(4, FaultKind.PARTITION, 2, 12),),
        cool_down_ms=30 * SECOND_MS,
    ),
    "failover": trial(
        group(1, M.PREDICTIVE_SEIZING),
        group(2, M.PROGRESSIVE),
        faults=(fault(5, FaultKind.LOSE_PRIMARY, 2, 5), fault(12, FaultKind.HANG, 2, 5)),
        cool_down_ms=30 * SECOND_MS,
    ),
    "both servers": trial(
        group(1, M.PREDICTIVE_SEIZING, progressive_multiplier_millis=3_000, ring_ms_max=20_000),
        callees=replace(
            CALLEES,
            shares=((CalleeKind.PERSON, 0.6), (CalleeKind.BUSY, 0.4)),
            person_ring_ms_mean=8_000,
            person_ring_ms_max=16_000,
            patience_ms_mean=20_000,
        ),
        faults=tuple(fault(at_s, FaultKind.HANG, 2, 3) for at_s in (8, 18, 28)),
        duration_ms=35 * SECOND_MS,
        cool_down_ms=30 * SECOND_MS,
    ),
    "outage": trial(
        group(1, M.PREDICTIVE_SEIZING),
        group(2, M.PROGRESSIVE),
        faults=(fault(3, FaultKind.LOSE_PRIMARY, 3, 19),),
        duration_ms=24 * SECOND_MS,
    ),
    "handover": trial(
        group(1, M.PROGRESSIVE_SEIZING),
        group(2, M.PROGRESSIVE),
        ports=8,
        groups_to_start=(1,),
        operator_acts=(act(8, GroupStartRequested(1, 2)),),
        callees=replace(CALLEES, talk_ms_mean=15_000),
        settle_ms_max=300 * SECOND_MS,
    ),
    "ledger": trial(
        *(group(number, mode, **LATE) for number, mode in enumerate(LEDGER_MODES, start=1)),
        groups_to_start=(),
        operator_acts=(
            act(0.5, AbandonmentFound(1, 1, Counts(500, 490, 8), ((1_800_000_000_000, Counts(50, 49, 1)),))),
            *(act(1, GroupStartRequested(number + 1, number)) for number, _ in enumerate(LEDGER_MODES, start=1)),
            *(act(at_s, AbandonmentFound(9, 1, Counts(), ((OF_THIS_RUN, Counts(200, 190, 9)),))) for at_s in (8, 14)),
        ),
        workforce=replace(WORKFORCE, answer_ms_mean=400),
    ),
    "callbacks": trial(
        group(1, M.PROGRESSIVE),
        group(2, M.PREDICTIVE_SEIZING),
        group(3, M.PREVIEW),
        callees=replace(CALLEES, shares=((CalleeKind.PERSON, 1.0),)),
        workforce=replace(WORKFORCE, callback_ratio=0.3, callback_ms_mean=20_000, disposition_ratio=0.2),
        lists=(ListShape(1, 150),),
        duration_ms=180 * SECOND_MS,
    ),
    "waiting": trial(
        group(1, M.PROGRESSIVE, progressive_multiplier_millis=4_000, call_wait_in_queue_ms_max=10_000),
        group(2, M.PROGRESSIVE_SEIZING, progressive_multiplier_millis=4_000, call_wait_in_queue_ms_max=10_000),
    ),
}
