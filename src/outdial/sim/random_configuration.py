"""Random configurations for random worlds: every mode, every way to give out ports, every kind of cluster."""

from dataclasses import replace

from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult
from outdial.core.rules import ALWAYS, RuleProfile
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallAction,
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
from outdial.sim.draws import Stream
from outdial.sim.lists import NUMBERS_FROM, RECORDS_MAX

SWITCH_ID = 1
NODE_IDS = range(101, 105)
CPD_SERVER_IDS = range(301, 303)
BACKUP_ADDED = 100
"""DBID of a backup application: that of its primary plus this. Ours."""

_SIMPLE = (
    TreatmentAction.DONE,
    TreatmentAction.REDIAL,
    TreatmentAction.RETRY_IN,
    TreatmentAction.NEXT_IN_CHAIN,
)
_RETRIED = (
    CallResult.NO_ANSWER,
    CallResult.BUSY,
    CallResult.ANSWERING_MACHINE,
    CallResult.DROPPED,
    CallResult.ABANDONED,
    CallResult.STALE,
    CallResult.SWITCH_ERROR,
    CallResult.ALL_TRUNKS_BUSY,
    CallResult.NO_FREE_PORT,
    CallResult.DIAL_ERROR,
)


def random_configuration(seed: int) -> Configuration:
    """Draw a configuration. The same seed gives the same one, always."""
    dice = Stream(seed, "configuration")
    nodes = _nodes(dice)
    cpd_servers = _cpd_servers(dice)
    connections = tuple(node.dbid for node in nodes)
    agents = tuple(
        Agent(agent_id, f"agent{agent_id}", str(7_000 + agent_id))
        for agent_id in range(1, round(dice.log_between(3, 40)) + 1)
    )
    agent_groups = _agent_groups(agents, connections, dice)
    calling_lists = tuple(_calling_list(list_id, dice) for list_id in range(1, dice.between(1, 3) + 1))
    campaigns = tuple(_campaign(dbid, calling_lists, dice) for dbid in range(1, dice.between(1, 3) + 1))
    modes = dice.pick_some(tuple(DialingMode), dice.between(1, len(DialingMode)))
    groups = tuple(
        _campaign_group(group_id, dice.pick(modes), campaigns, agent_groups, cpd_servers, dice)
        for group_id in range(1, dice.between(1, 8) + 1)
    )
    calling_lists, campaigns = _with_rules(calling_lists, campaigns, Stream(seed, "rules"))
    return Configuration(
        ocs=_ocs(connections, dice),
        switches=(
            Switch(SWITCH_ID, "switch", round(dice.log_between(4, 300)), dynamic_port_allocation=dice.chance(0.7)),
        ),
        nodes=(*nodes, *cpd_servers),
        agents=agents,
        agent_groups=agent_groups,
        calling_lists=tuple(_with_more(each, campaigns, groups, Stream(seed, "treatments")) for each in calling_lists),
        campaigns=campaigns,
        campaign_groups=groups,
        do_not_call=_do_not_call(calling_lists, dice),
    )


def _nodes(dice: Stream) -> tuple[Node, ...]:
    has_rates = dice.chance(0.2)
    return tuple(
        Node(
            dbid=dbid,
            name=f"node{dbid}",
            switch=SWITCH_ID,
            backup=dbid + BACKUP_ADDED if dice.chance(0.6) else None,
            backup_name=f"node{dbid}-backup",
            call_rate_max=dice.between(1, 40) if has_rates else None,
            slow_start_ms=dice.pick((0, 10_000)) if has_rates else 0,
        )
        for dbid in NODE_IDS[: dice.between(1, 4)]
    )


def _cpd_servers(dice: Stream) -> tuple[Node, ...]:
    return tuple(
        Node(
            dbid=dbid,
            name=f"cpd{dbid}",
            switch=None,
            backup=dbid + BACKUP_ADDED if dice.chance(0.5) else None,
            backup_name=f"cpd{dbid}-backup",
            ports=round(dice.log_between(2, 60)),
            dynamic_port_allocation=dice.chance(0.7),
        )
        for dbid in CPD_SERVER_IDS[: dice.pick((0, 0, 1, 2))]
    )


def _ocs(connections: tuple[int, ...], dice: Stream) -> Ocs:
    return Ocs(
        connections=connections,
        sip_cluster_lb_mode=dice.pick(
            (LoadBalancing.NONE, *[LoadBalancing.ROUND_ROBIN] * 3, LoadBalancing.LEAST_LOADED)
        ),
        sip_cluster_prime_node=dice.pick((None, *connections)),
        prime_node_loss=PrimeNodeLoss.PROMOTE if dice.chance(0.3) else PrimeNodeLoss.STOP,
        node_outlier_ejection=dice.chance(0.3),
        port_recalculation_ms=dice.pick((200, 1_000, 5_000)),
        accept_ms_max=dice.between(1_000, 6_000),
        release_ms_max=dice.between(1_000, 6_000),
        reconnect_ms=dice.between(100, 4_000),
        audit_ms=dice.pick((3_000, 10_000, 10_000, 30_000, 0)),
        talk_ms_max=dice.between(30, 120) * SECOND_MS,
        lost_call_ms_max=dice.between(2, 60) * SECOND_MS,
    )


def _agent_groups(agents: tuple[Agent, ...], connections: tuple[int, ...], dice: Stream) -> tuple[AgentGroup, ...]:
    count = dice.between(1, min(4, len(agents)))
    shared = dice.pick((0.0, 0.0, 0.3))
    members: list[list[int]] = [[] for _ in range(count)]
    for place, agent in enumerate(agents):
        home = place % count
        members[home].append(agent.dbid)
        for other in range(count):
            if other != home and dice.chance(shared):
                members[other].append(agent.dbid)
    return tuple(
        AgentGroup(
            dbid=place + 1,
            name=f"team{place + 1}",
            agents=tuple(ids),
            sip_cluster_asm_dial_node=dice.pick((None, 999, *connections, *connections)),
        )
        for place, ids in enumerate(members)
    )


def _calling_list(list_id: int, dice: Stream) -> CallingList:
    """Mostly open all day; some lists open or close at nine, which is about when a random run begins."""
    opens, closes = dice.pick(((0, 86_400), (0, 86_400), (0, 86_400), (32_400, 86_400), (0, 32_460)))
    return CallingList(
        dbid=list_id,
        name=f"list{list_id}",
        zone=Zone("Test/Zone", ((0, 0),)),
        daily_from_s=opens,
        daily_till_s=closes,
        treatments=tuple(_treatments(dice)),
    )


def _with_rules(
    calling_lists: tuple[CallingList, ...], campaigns: tuple[Campaign, ...], dice: Stream
) -> tuple[tuple[CallingList, ...], tuple[Campaign, ...]]:
    """Some lists and campaigns have rules that a run of minutes can come up against."""
    if not dice.chance(0.4):
        return calling_lists, campaigns
    return (
        tuple(replace(each, rules=(_profile(dice),)) if dice.chance(0.5) else each for each in calling_lists),
        tuple(replace(each, rules=(_profile(dice),)) if dice.chance(0.3) else each for each in campaigns),
    )


def _profile(dice: Stream) -> RuleProfile:
    return RuleProfile(
        name=f"rules{dice.between(1, 1_000_000)}",
        week=ALWAYS if dice.chance(0.7) else ((dice.pick((0, 32_400)), dice.pick((32_460, 86_400))),) * 7,
        attempts_life_max=dice.pick((0, 0, 4)),
        attempts_day_max=dice.pick((0, 0, 3)),
        attempts_24h_max=dice.pick((0, 1, 2)),
        attempts_7d_max=dice.pick((0, 0, 2)),
        after_abandoned_ms=dice.pick((0, 5_000, 3_600_000)),
        machine_ends_day=dice.chance(0.3),
        after_conversation_ms=dice.pick((0, 5_000, 3_600_000)),
        lifted_by_agent=dice.chance(0.5),
    )


def _treatments(dice: Stream) -> list[Treatment]:
    found = []
    for result in _RETRIED:
        for number in range(1, dice.pick((0, 1, 1, 2)) + 1):
            found.append(
                Treatment(
                    call_result=result,
                    number_in_sequence=number,
                    action=dice.pick(_SIMPLE),
                    cycle_attempts=dice.between(1, 4),
                    interval_ms=dice.between(0, 60_000),
                    increment_ms=dice.between(0, 10_000),
                )
            )
    return found


def _with_more(
    calling_list: CallingList, campaigns: tuple[Campaign, ...], groups: tuple[CampaignGroup, ...], dice: Stream
) -> CallingList:
    """Some treatments become those that name dates, groups and applications."""
    having = [campaign.dbid for campaign in campaigns if calling_list.dbid in dict(campaign.lists)]
    theirs = [group.dbid for group in groups if group.campaign in having]
    found = []
    for treatment in calling_list.treatments:
        if dice.chance(0.4):
            action = dice.pick(tuple(TreatmentAction))
            treatment = replace(
                treatment,
                action=action,
                daily_at_s=dice.between(32_400, 32_520) if action.has_date else None,
                zone=calling_list.zone,
                group_id=dice.pick(theirs) if action is TreatmentAction.ASSIGN_TO_GROUP and theirs else None,
            )
        if treatment.call_result is CallResult.ANSWERING_MACHINE and dice.chance(0.5):
            treatment = replace(treatment, call_action=dice.pick(tuple(CallAction)), destination="message")
        found.append(treatment)
    return replace(calling_list, treatments=tuple(found))


def _campaign(dbid: int, calling_lists: tuple[CallingList, ...], dice: Stream) -> Campaign:
    chosen = dice.pick_some(calling_lists, dice.between(1, len(calling_lists)))
    return Campaign(dbid, f"campaign{dbid}", tuple((entry.dbid, dice.between(1, 20)) for entry in chosen))


def _campaign_group(
    group_id: int,
    mode: DialingMode,
    campaigns: tuple[Campaign, ...],
    agent_groups: tuple[AgentGroup, ...],
    cpd_servers: tuple[Node, ...],
    dice: Stream,
) -> CampaignGroup:
    dialer = DialerId(DialerKind.SWITCH, SWITCH_ID)
    if cpd_servers and dice.chance(0.5):
        dialer = DialerId(DialerKind.CPD_SERVER, dice.pick(cpd_servers).dbid)
    # the four rows of the port option table, and one counter for both kinds of legs
    ports, engaging = dice.pick(((0, None), (0, 0), (0, dice.between(1, 10)), (dice.between(1, 20), 0)))
    if dice.chance(0.2):
        ports, engaging = dice.between(1, 20), dice.between(1, 10)
    needs_agents = mode.needs_agents
    return CampaignGroup(
        dbid=group_id,
        name=f"group{group_id}",
        campaign=dice.pick(campaigns).dbid,
        agent_group=dice.pick(agent_groups).dbid if needs_agents or dice.chance(0.3) else None,
        dialing_mode=mode,
        dialer=dialer,
        number_of_cpd_ports=ports,
        asm_channel_num=engaging if mode.is_seizing else None,
        maximum_queue_size=dice.between(1, 15) if mode is DialingMode.POWER_GVP else 0,
        overdial_ratio_max=dice.pick((0.01, 0.03, 0.2, 0.5)),
        history_length=dice.pick((5, 20, 50)),
        progressive_multiplier_millis=dice.pick((1_000, 1_000, 2_500)),
        ring_ms_max=dice.between(5_000, 9_000),
        call_progress_detection=dice.chance(0.8),
        cpd_ms_max=dice.between(1_000, 6_000),
        call_wait_in_queue_ms_max=dice.pick((0, 500, 2_000, 10_000)),
        abandonment_clock=tuple(AbandonmentClock)[group_id % 3],  # not drawn: worlds of old seeds stay what they are
        drop_message="sorry" if group_id % 2 else "",
        call_wait_agent_connected_ms_max=dice.between(5_000, 10_000),
        after_call_work_ms_max=dice.pick((0, 2_000)),
        preview_ms_max=dice.between(2_000, 10_000),
        ivr_application="survey" if mode.is_gvp else "",
        ivr_ms_max=dice.between(3, 60) * SECOND_MS,
        minimum_record_buffer=dice.between(1, 20),
        optimal_record_buffer=dice.between(21, 80),
    )


def _do_not_call(calling_lists: tuple[CallingList, ...], dice: Stream) -> tuple[str, ...]:
    """Some numbers of the synthetic lists."""
    numbers = []
    for calling_list in calling_lists:
        first = NUMBERS_FROM + (calling_list.dbid - 1) * RECORDS_MAX
        numbers += [str(first + place) for place in range(1, 2_000) if dice.chance(0.03)]
    return tuple(numbers) if dice.chance(0.5) else ()
