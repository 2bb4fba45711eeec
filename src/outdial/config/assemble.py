"""From checked tables to the core's frozen settings. Nothing can go wrong here any more."""

from collections.abc import Iterator
from pathlib import Path

from outdial.config.document import Document
from outdial.config.groups import CampaignGroupTable
from outdial.config.groups_check import Groups
from outdial.config.lists import CallingListTable, CampaignListTable, CampaignTable, DoNotCallTable
from outdial.config.lists_check import Lists
from outdial.config.loaded import ARI_PORT, TCP_PORTS, Password, Server, ShiftEnd
from outdial.config.people import SignIn
from outdial.config.people_check import People
from outdial.config.rows import Row
from outdial.config.rules_check import RuleBook
from outdial.config.servers import (
    DIAL_STRING,
    PHONE_STRING,
    REQUESTS_IN_FLIGHT_MAX,
    STASIS_APP,
    CpdServerTable,
    Driver,
    OcsTable,
    ServerTable,
    SipServerTable,
)
from outdial.config.servers_check import Servers
from outdial.config.treatments import TreatmentTable, date_utc_ms
from outdial.config.zones import load_zone
from outdial.core.aims import AimKind
from outdial.core.settings import (
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    Node,
    Ocs,
    Switch,
    Treatment,
    Zone,
)
from outdial.core.units import HOUR_MS, MINUTE_MS, SECOND_MS, Millis

PERCENT_PPM = 10_000
"""Millionths in a percent."""


def configuration_of(
    document: Document,
    servers: Servers,
    people: People,
    lists: Lists,
    groups: Groups,
    rules: RuleBook,
    do_not_call: tuple[str, ...],
) -> Configuration:
    """Everything that the core is told.

    Args:
        document: the tables; without mistakes.
        servers: references between servers.
        people: agents and the members of agent groups.
        lists: references to lists and campaigns.
        groups: references of campaign groups.
        rules: rule profiles and closed days.
        do_not_call: numbers that are never dialed.
    """
    assert document.ocs is not None
    return Configuration(
        ocs=_ocs(document.ocs.table, servers),
        switches=tuple(
            Switch(s.table.dbid, s.table.name, s.table.channel_num, s.table.dynamic_port_allocation)
            for s in document.switches
        ),
        nodes=tuple(_nodes(servers)),
        agents=tuple(entry.item for entry in people.agents),
        agent_groups=tuple(
            AgentGroup(
                row.table.dbid,
                row.table.name,
                members,
                _dbid_or_none(servers, row.table.sip_cluster_asm_dial_node),
            )
            for row, members in zip(document.agent_groups, people.members, strict=True)
        ),
        calling_lists=tuple(_calling_list(row, groups, rules) for row in document.calling_lists),
        campaigns=tuple(_campaign(row, lists, rules) for row in document.campaigns),
        campaign_groups=tuple(_campaign_group(row.table, people, lists, groups) for row in document.campaign_groups),
        do_not_call=do_not_call,
    )


def edge_of(document: Document, servers: Servers) -> dict[int, Server]:
    """Every application, with its address and the place of its password."""
    edge = {}
    for row in servers.rows:
        table, primary = row.table, servers.primary_of(row)
        owner: ServerTable | None = None if primary is None else primary.table
        total_ports = table.total_ports if isinstance(table, SipServerTable) else None
        if total_ports is None and primary is not None and isinstance(primary.table, SipServerTable):
            total_ports = primary.table.total_ports
        edge[table.dbid] = Server(
            dbid=table.dbid,
            name=table.name,
            node=table.dbid if primary is None else primary.table.dbid,
            driver=table.driver,
            host=table.host or "",
            port=table.port or TCP_PORTS.get(table.driver, 0),
            user=table.user or "",
            password=_password(table.password_file, table.password_env, document.folder),
            total_ports=total_ports,
            ari_port=(table.ari_port or ARI_PORT) if table.driver is Driver.ASTERISK_ARI else None,
            dial_string=table.dial_string or (owner and owner.dial_string) or DIAL_STRING,
            phone_string=table.phone_string or (owner and owner.phone_string) or PHONE_STRING,
            auto_answer_header=table.auto_answer_header or (owner and owner.auto_answer_header) or "",
            stasis_app=table.stasis_app or (owner and owner.stasis_app) or STASIS_APP,
            requests_in_flight_max=(
                table.requests_in_flight_max or (owner and owner.requests_in_flight_max) or REQUESTS_IN_FLIGHT_MAX
            ),
        )
    return edge


def list_files_of(document: Document, lists: Lists) -> dict[int, Path | int]:
    """Where each calling list's records are."""
    found: dict[int, Path | int] = {}
    for row in document.calling_lists:
        table = row.table
        found[table.dbid] = lists.path(table.file) if table.file is not None else table.synthetic or 0
    return found


def registries_of(document: Document) -> dict[str, int]:
    """Do-not-call lists that are copies of a registry, and how old those may be. Unit: days."""
    table = document.do_not_call.table if document.do_not_call else DoNotCallTable()
    return dict.fromkeys(table.registries, table.registry_days_max)


def statistics_of(document: Document) -> dict[int, Millis]:
    """Campaign groups that begin with the statistics of an earlier run, and how old these may be."""
    hours = {row.table.dbid: row.table.statistics_carry_over_hours for row in document.campaign_groups}
    return {group_id: round(each * HOUR_MS) for group_id, each in hours.items() if each}


def shift_ends_of(document: Document, people: People) -> dict[int, tuple[ShiftEnd, ...]]:
    """When the shifts of agents end; their own word comes before that of their groups."""
    own = {row.table.dbid: row.table.shift_end for row in document.agents}
    found: dict[int, dict[ShiftEnd, None]] = {}
    for row, members in zip(document.agent_groups, people.members, strict=True):
        for agent_id in members:
            second = own.get(agent_id)
            second = row.table.shift_end if second is None else second
            if second is not None:
                found.setdefault(agent_id, {})[ShiftEnd(second, row.table.time_zone)] = None
    return {agent_id: tuple(ends) for agent_id, ends in found.items()}


def desktop_groups_of(document: Document) -> frozenset[int]:
    """Agent groups whose agents sign in by themselves."""
    return frozenset(row.table.dbid for row in document.agent_groups if row.table.sign_in is SignIn.DESKTOP)


def desktop_agents_of(document: Document, people: People) -> frozenset[int]:
    """Agents of one of these groups."""
    groups = zip(document.agent_groups, people.members, strict=True)
    return frozenset(agent for row, members in groups for agent in members if row.table.sign_in is SignIn.DESKTOP)


def _password(file: str | None, variable: str | None, folder: Path) -> Password | None:
    if file is None and variable is None:
        return None
    return Password(folder / file if file is not None else None, variable)


def _ocs(table: OcsTable, servers: Servers) -> Ocs:
    return Ocs(
        connections=tuple(_dbid(servers, reference) for reference in table.connections),
        sip_cluster_lb_mode=table.sip_cluster_lb_mode,
        sip_cluster_prime_node=_dbid_or_none(servers, table.sip_cluster_prime_node),
        prime_node_loss=table.prime_node_loss,
        node_outlier_ejection=table.node_outlier_ejection,
        port_recalculation_ms=_ms(table.port_recalculation_s),
        accept_ms_max=_ms(table.accept_timeout_s),
        release_ms_max=_ms(table.release_timeout_s),
        reconnect_ms=_ms(table.reconnect_s),
        audit_ms=_ms(table.audit_s),
        talk_ms_max=_ms(table.talk_s_max),
        lost_call_ms_max=_ms(table.lost_call_s_max),
    )


def _nodes(servers: Servers) -> Iterator[Node]:
    for row in servers.rows:
        if servers.primary_of(row) is not None:
            continue
        table, backup, switch = row.table, servers.backup_of(row), servers.switch_of(row)
        yield Node(
            dbid=table.dbid,
            name=table.name,
            switch=switch.table.dbid if switch else None,
            backup=backup.table.dbid if backup else None,
            backup_name=backup.table.name if backup else None,
            ports=table.ports if isinstance(table, CpdServerTable) else None,
            dynamic_port_allocation=isinstance(table, CpdServerTable) and table.dynamic_port_allocation,
            call_rate_max=table.call_rate_max,
            slow_start_ms=_ms(table.slow_start_s),
        )


def _calling_list(row: Row[CallingListTable], groups: Groups, rules: RuleBook) -> CallingList:
    table, zone = row.table, load_zone(row.table.time_zone)
    assert zone is not None
    return CallingList(
        dbid=table.dbid,
        name=table.name,
        zone=zone,
        daily_from_s=table.daily_from,
        daily_till_s=table.daily_till,
        treatments=tuple(
            _treatment(child.table, zone, groups) for child in row.child_rows(TreatmentTable, "treatment")
        ),
        zone_by_number=table.zone_by_number,
        default_region=table.default_region,
        customer_id=table.customer_id,
        rules=rules.profiles(table.rules, table.closed_days),
    )


def _treatment(table: TreatmentTable, zone: Zone, groups: Groups) -> Treatment:
    group = groups.groups.get(table.group)
    is_daily = isinstance(table.date, int)
    return Treatment(
        call_result=table.call_result,
        number_in_sequence=table.number_in_sequence,
        action=table.action,
        cycle_attempts=table.cycle_attempt,
        interval_ms=round(table.interval_min * MINUTE_MS),
        increment_ms=round(table.increment_min * MINUTE_MS),
        date_utc_ms=None if table.date is None or isinstance(table.date, int) else date_utc_ms(table.date, zone.name),
        daily_at_s=table.date if isinstance(table.date, int) else None,
        zone=zone if is_daily else None,
        group_id=group.item.table.dbid if group else None,
        call_action=table.apply_to_call,
        destination=table.destination,
    )


def _campaign(row: Row[CampaignTable], lists: Lists, rules: RuleBook) -> Campaign:
    weights = []
    for child in row.child_rows(CampaignListTable, "lists"):
        entry = lists.lists.get(child.table.calling_list)
        assert entry is not None
        weights.append((entry.item.table.dbid, child.table.weight))
    table, zone = row.table, load_zone(row.table.abandonment_time_zone)
    assert zone is not None
    limit = table.abandonment_limit
    return Campaign(
        table.dbid,
        table.name,
        tuple(weights),
        tuple(table.do_not_call_lists),
        rules=rules.profiles(table.rules),
        seller=table.seller or table.name,
        zone=zone,
        abandonment_method=table.abandonment_method,
        abandonment_limit_ppm=None if limit is None else round(limit * PERCENT_PPM),
        abandonment_windows=tuple(dict.fromkeys(table.abandonment_windows)),
        false_positives_ppm=round(table.machine_false_positive_ratio * 100 * PERCENT_PPM),
    )


def _campaign_group(table: CampaignGroupTable, people: People, lists: Lists, groups: Groups) -> CampaignGroup:
    campaign, agent_group = lists.campaigns.get(table.campaign), people.groups.get(table.agent_group)
    [(dialer, _)] = groups.dialer_of(table.dialer)
    assert campaign is not None and dialer is not None
    return CampaignGroup(
        dbid=table.dbid,
        name=table.name,
        campaign=campaign.item.table.dbid,
        agent_group=agent_group.item.table.dbid if agent_group else None,
        dialing_mode=table.dialing_mode,
        dialer=dialer,
        number_of_cpd_ports=table.number_of_cpd_ports,
        asm_channel_num=table.asm_channel_num,
        maximum_queue_size=table.maximum_queue_size,
        overdial_ratio_max=_overdial_rate(table) / 100,
        aim=table.optimization_target,
        aim_value=_aim_value(table),
        history_length=table.history_length,
        progressive_multiplier_millis=round(table.progressive_multiplier * 1_000),
        calls_per_agent_max_millis=round(table.maximum_calls_per_agent * 1_000),
        ring_ms_max=_ms(table.ring_timeout_s),
        call_progress_detection=table.call_progress_detection,
        cpd_ms_max=_ms(table.cpd_timeout_s),
        call_wait_in_queue_ms_max=_ms(table.call_wait_in_queue_timeout),
        abandonment_clock=table.abandonment_clock,
        abandonment_ms_max=_ms(table.abandonment_s_max),
        drop_message=table.drop_message,
        drop_message_ms_max=_ms(table.drop_message_s_max),
        call_wait_agent_connected_ms_max=_ms(table.call_wait_agent_connected_timeout),
        after_call_work_ms_max=_ms(table.after_call_work_s),
        preview_ms_max=_ms(table.preview_timeout_s),
        ivr_application=table.ivr_application,
        ivr_ms_max=_ms(table.ivr_timeout_s),
        minimum_record_buffer=table.minimum_record_buffer,
        optimal_record_buffer=table.optimal_record_buffer,
        general_priority=table.general_priority,
        campaign_rescheduled_priority=table.campaign_rescheduled_priority,
        campaign_callback_priority=table.campaign_callback_priority,
        callback_agent_wait_ms=round(table.callback_agent_wait * MINUTE_MS),
        callback_group_wait_ms=round(table.callback_group_wait * MINUTE_MS),
        caller_id=table.caller_id,
    )


def _dbid(servers: Servers, reference: str | int) -> int:
    entry = servers.applications.get(reference)
    assert entry is not None and entry.dbid is not None
    return entry.dbid


def _dbid_or_none(servers: Servers, reference: str | int | None) -> int | None:
    """A DBID that need not exist stays what it is; the core decides what it means."""
    return _dbid(servers, reference) if isinstance(reference, str) else reference


def _overdial_rate(table: CampaignGroupTable) -> float:
    """The limit on abandoned persons. Unit: percent."""
    is_target = table.optimization_target is AimKind.OVERDIAL_RATE
    return table.optimization_value if is_target else table.overdial_rate_max


def _aim_value(table: CampaignGroupTable) -> float:
    """What another target is steered for: a share of 1, or ms."""
    if table.optimization_target is AimKind.OVERDIAL_RATE:
        return 0.0
    if table.optimization_target is AimKind.BUSY_FACTOR:
        return table.optimization_value / 100
    return table.optimization_value * SECOND_MS


def _ms(seconds: float) -> Millis:
    return round(seconds * SECOND_MS)
