"""A good file becomes what the core and the edge need."""

import pytest

from config_samples import CPD_SERVER, PIECES, added, changed, load_text, text_with
from outdial.config import Driver, load
from outdial.config.zones import load_zone
from outdial.core.aims import AimKind
from outdial.core.errors import ConfigError
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult
from outdial.core.settings import (
    Agent,
    AgentGroup,
    Campaign,
    CampaignGroup,
    DialerId,
    DialerKind,
    LoadBalancing,
    Node,
    Ocs,
    PrimeNodeLoss,
    Switch,
    Treatment,
    TreatmentAction,
)

GOOD = text_with()


def group_of(text: str) -> CampaignGroup:
    [group] = load_text(text).configuration.campaign_groups
    return group


def test_objects_of_a_good_file():
    settings = load_text(GOOD).configuration
    assert settings.ocs == Ocs((1, 2), LoadBalancing.ROUND_ROBIN, 1)
    assert settings.switches == (Switch(1, "main", 60, True),)
    assert settings.nodes == (Node(1, "north", 1, 11, "north-b"), Node(2, "south", 1))
    assert settings.agents[:2] == (Agent(7, "ada", "1007"), Agent(101, "agent101", "10101"))
    assert settings.agent_groups == (AgentGroup(1, "sales", (7, 101, 102, 103, 104), 2),)
    assert settings.campaigns == (Campaign(1, "spring", ((1, 10),), seller="spring", zone=load_zone("UTC")),)
    assert settings.campaign_groups == (
        CampaignGroup(1, "east", 1, 1, DialingMode.PREDICTIVE, DialerId(DialerKind.SWITCH, 1)),
    )


def test_what_is_left_out_has_the_default_of_the_core():
    calling_list = load_text(GOOD).configuration.calling_lists[0]
    assert (calling_list.daily_from_s, calling_list.daily_till_s, calling_list.treatments) == (0, 86_400, ())
    assert calling_list.zone.offsets == ((0, 0),)
    assert load_text(GOOD).configuration.do_not_call == ()


def test_edge_has_every_application_of_a_node():
    edge = load_text(GOOD).edge
    assert {dbid: server.node for dbid, server in edge.items()} == {1: 1, 11: 1, 2: 2}


def test_real_server_has_an_address_and_the_place_of_its_password(tmp_path, monkeypatch):
    south = PIECES["south"].replace("sim", "asterisk-ami") + 'host = "10.0.0.2"\nuser = "outdial"\n'
    loaded = load_text(text_with(south=south + 'password-file = "secret.txt"\n'), tmp_path)
    server = loaded.edge[2]
    assert (server.driver, server.host, server.port, server.user) == (Driver.ASTERISK_AMI, "10.0.0.2", 5038, "outdial")
    assert server.password is not None
    with pytest.raises(ConfigError, match="cannot be read"):
        server.password.read()
    (tmp_path / "secret.txt").write_text("hunter2\n")
    assert server.password.read() == "hunter2"
    assert "hunter2" not in repr(loaded)
    by_variable = load_text(text_with(south=south + 'password-env = "OUTDIAL_TEST"\nport = 15038\n')).edge[2]
    assert by_variable.password is not None and by_variable.port == 15038
    with pytest.raises(ConfigError, match="holds no password"):
        by_variable.password.read()
    monkeypatch.setenv("OUTDIAL_TEST", "hunter3")
    assert by_variable.password.read() == "hunter3"


def test_references_may_be_names_or_dbids():
    by_name = load_text(changed("ocs", "sip-cluster-prime-node = 1", 'sip-cluster-prime-node = "north"'))
    by_dbid = load_text(changed("ocs", '["north", "south"]', "[1, 2]"))
    assert by_name.configuration == by_dbid.configuration == load_text(GOOD).configuration
    assert group_of(changed("group", '"spring"', "1")) == group_of(changed("group", '"main"', "1")) == group_of(GOOD)


@pytest.mark.parametrize(
    "spelling",
    ["number-of-cpd-ports", "number_of_cpd_ports", '"Number of CPD Ports"', '"Number of CPD ports"'],
)
def test_spellings_of_an_option(spelling):
    assert group_of(added("group", f"{spelling} = 5")).number_of_cpd_ports == 5


def test_vendor_spellings_with_dashes_and_underscores():
    seizing = PIECES["group"].replace("predictive", "predictive-with-seizing")
    for line in ("asm_channel_num = 3", "asm-channel-num = 3"):
        assert group_of(text_with(group=seizing + line)).asm_channel_num == 3
    ocs = PIECES["ocs"].replace("sip-cluster-lb-mode", "sip_cluster_lb_mode")
    assert load_text(text_with(ocs=ocs)).configuration.ocs == Ocs((1, 2), LoadBalancing.ROUND_ROBIN, 1)
    assert load_text(changed("switch", "channel_num", "channel-num")).configuration.switches[0].channel_num == 60


def test_seconds_and_percents_become_milliseconds_and_ratios():
    group = group_of(
        added(
            "group",
            """
            ring-timeout-s = 18.5
            optimization-value = 2.5
            progressive-multiplier = 1.5
            maximum-calls-per-agent = 2.125
            history_length = 80
            call_wait_in_queue_timeout = 1.75
            call_wait_agent_connected_timeout = 12
            after-call-work-s = 30
            minimum-record-buffer = 10
            optimal-record-buffer = 40
            """,
        )
    )
    assert (group.ring_ms_max, group.overdial_ratio_max, group.progressive_multiplier_millis) == (18_500, 0.025, 1_500)
    assert group.calls_per_agent_max_millis == 2_125
    assert (group.history_length, group.call_wait_in_queue_ms_max) == (80, 1_750)
    assert (group.call_wait_agent_connected_ms_max, group.after_call_work_ms_max) == (12_000, 30_000)
    assert (group.minimum_record_buffer, group.optimal_record_buffer) == (10, 40)


def test_statistics_are_carried_over_only_if_somebody_says_so():
    assert load_text(added("group", "")).statistics_ms_max == {}
    assert load_text(added("group", "statistics-carry-over-hours = 0")).statistics_ms_max == {}
    assert load_text(added("group", "statistics-carry-over-hours = 13.5")).statistics_ms_max == {1: 48_600_000}


@pytest.mark.parametrize(
    "target, value, kind, aim_value",
    [
        ("Busy Factor", 85, AimKind.BUSY_FACTOR, 0.85),
        ("waiting-time", 20, AimKind.WAITING_TIME, 20_000),
        ("distribution_time", 0.5, AimKind.DISTRIBUTION_TIME, 500),
    ],
)
def test_other_targets_keep_a_limit_of_their_own(target, value, kind, aim_value):
    lines = f'optimization-target = "{target}"\noptimization-value = {value}\noverdial-rate-max = 4\n'
    group = group_of(added("group", lines))
    assert (group.aim, group.aim_value, group.overdial_ratio_max) == (kind, aim_value, 0.04)


def test_options_of_this_server():
    ocs = load_text(
        added("ocs", 'prime-node-loss = "promote"\naudit-s = 0\nport-recalculation-s = 0.5')
    ).configuration.ocs
    assert (ocs.prime_node_loss, ocs.audit_ms, ocs.port_recalculation_ms) == (PrimeNodeLoss.PROMOTE, 0, 500)


def test_cpd_server_is_a_dialer_of_its_own():
    settings = load_text(text_with(CPD_SERVER, group=PIECES["group"].replace('"main"', '"board"'))).configuration
    assert settings.nodes[-1] == Node(21, "board", None, ports=25, dynamic_port_allocation=True)
    assert settings.campaign_groups[0].dialer == DialerId(DialerKind.CPD_SERVER, 21)


def test_power_gvp_needs_no_agents():
    group = group_of(
        text_with(
            group="""
            [[campaign-group]]
            dbid = 1
            name = "reminders"
            campaign = "spring"
            dialing-mode = "power-gvp"
            dialer = "main"
            "Maximum Queue Size" = 8
            ivr-application = "reminder"
            start = false
            """
        )
    )
    assert (group.agent_group, group.maximum_queue_size, group.ivr_application) == (None, 8, "reminder")


def test_groups_start_with_the_server_unless_told_otherwise():
    assert load_text(GOOD).start_groups == (1,)
    assert load_text(added("group", "start = false")).start_groups == ()


@pytest.mark.parametrize("result", ['"No Answer"', '"no-answer"', '"NO_ANSWER"', "7"])
def test_treatment_by_the_vendors_name_or_number(result):
    line = f'treatment = [{{ call-result = {result}, action = "retry-in", cycle-attempt = 2, interval-min = 1.5 }}]'
    [calling_list] = load_text(added("list", line)).configuration.calling_lists
    assert calling_list.treatments == (
        Treatment(CallResult.NO_ANSWER, 1, TreatmentAction.RETRY_IN, cycle_attempts=2, interval_ms=90_000),
    )


def test_every_call_result_has_a_name_in_treatments():
    for result in CallResult:
        name = result.name.replace("_", " ").title()
        line = f'treatment = [{{ call-result = "{name}", action = "redial" }}]'
        [calling_list] = load_text(added("list", line)).configuration.calling_lists
        assert calling_list.treatments[0].call_result is result


@pytest.mark.parametrize("window", ['daily-from = "09:30"\ndaily-till = "17:00"', "daily-from=34200\ndaily-till=61200"])
def test_window_in_clock_time_or_seconds(window):
    [calling_list] = load_text(added("list", window)).configuration.calling_lists
    assert (calling_list.daily_from_s, calling_list.daily_till_s) == (34_200, 61_200)


def test_window_across_midnight_is_allowed():
    [calling_list] = load_text(added("list", 'daily-from = "22:00"\ndaily-till = "06:00"')).configuration.calling_lists
    assert (calling_list.daily_from_s, calling_list.daily_till_s) == (79_200, 21_600)


def test_time_zone_becomes_a_table_of_offsets():
    [calling_list] = load_text(added("list", 'time-zone = "Europe/Berlin"')).configuration.calling_lists
    offsets = calling_list.zone.offsets
    assert offsets[0] == (0, 3_600)
    assert (1_774_746_000_000, 7_200) in offsets  # 2026-03-29, 01:00 UTC
    assert (1_792_890_000_000, 3_600) in offsets  # 2026-10-25, 01:00 UTC


@pytest.mark.parametrize(
    "written, meant", [("", False), ("zone-by-number = false", False), ("zone-by-number=true", True)]
)
def test_zones_follow_from_numbers_when_the_list_says_so(written, meant):
    [calling_list] = load_text(added("list", written)).configuration.calling_lists
    assert calling_list.zone_by_number is meant


def test_lists_have_weights():
    campaign = PIECES["campaign"].replace('["customers"]', '[{ calling-list = "customers", weight = 20 }]')
    assert load_text(text_with(campaign=campaign)).configuration.campaigns[0].lists == ((1, 20),)


def test_do_not_call_numbers_are_brought_into_one_form(tmp_path):
    (tmp_path / "dnc.txt").write_text("# suppressed\n+44 7700 900-001  # asked\n\n(0171) 555.0100\n")
    text = text_with('[do-not-call]\nnumbers = ["+44 (7700) 900001", "112"]\nfile = "dnc.txt"\n')
    assert load_text(text, tmp_path).configuration.do_not_call == ("+447700900001", "112", "01715550100")


def test_list_files_are_relative_to_the_configuration(tmp_path):
    (tmp_path / "list.csv").write_text("phone\n5550100\n")
    (tmp_path / "conf.toml").write_text(changed("list", "synthetic = 100", 'file = "list.csv"'), encoding="utf-8-sig")
    assert load(tmp_path / "conf.toml").list_files == {1: tmp_path / "list.csv"}
    assert load_text(GOOD).list_files == {1: 100}


def test_agents_by_range_of_logins():
    group = PIECES["agent-group"].replace('["ada", "101..104"]', '["agent102..agent104", 7]')
    assert load_text(text_with(agent_group=group)).configuration.agent_groups[0].agents == (102, 103, 104, 7)


def test_dial_node_that_is_no_connection_is_allowed_and_noted():
    """The guide: such a group dials on the prime node."""
    loaded = load_text(changed("agent-group", "dial-node = 2", "dial-node = 99"))
    assert loaded.configuration.agent_groups[0].sip_cluster_asm_dial_node == 99
    assert loaded.notes == (
        "test.toml: agent-group[sales].sip-cluster-asm-dial-node = 99: not among the connections, so that its campaign "
        "groups with seizing dial on the prime node",
    )


def test_dial_node_left_out_is_noted_for_groups_with_seizing():
    text = text_with(
        agent_group=PIECES["agent-group"].replace("sip-cluster-asm-dial-node = 2", ""),
        group=PIECES["group"].replace("predictive", "progressive-with-seizing"),
    )
    assert load_text(text).notes == (
        "test.toml: agent-group[sales].sip-cluster-asm-dial-node: left out, so that campaign-group[east] dials on the "
        "prime node",
    )


def test_loading_twice_gives_the_same():
    first, second = load_text(GOOD), load_text(GOOD)
    assert first == second
