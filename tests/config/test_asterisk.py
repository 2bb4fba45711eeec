"""Asterisk servers in a configuration: their options, what the drivers can do, and the table [serve]."""

from pathlib import Path

import pytest

from config_samples import CPD_SERVER, PIECES, load_text, mistakes_in, text_with
from outdial.config import Driver

ACCESS = 'host = "10.0.0.2"\nuser = "outdial"\npassword-env = "OUTDIAL_TEST"\n'
IVR = PIECES["group"].replace('"predictive"', '"predictive-gvp"') + 'ivr-application = "{}"\n'
SEIZING = PIECES["group"].replace('"predictive"', '"predictive-with-seizing"')


def asterisk(piece: str, driver: str = "asterisk-ari") -> str:
    """A server of the good configuration, as an Asterisk."""
    return PIECES[piece].replace('"sim"', f'"{driver}"') + ACCESS


def cluster(more: str = "", **pieces: str) -> str:
    """The good configuration on Asterisk."""
    names = {"north": "north", "north_b": "north-b", "south": "south"}
    return text_with(more, **{**{key: asterisk(name) for key, name in names.items()}, **pieces})


def south_with(line: str, driver: str = "asterisk-ari") -> str:
    """The good configuration with one more option on an Asterisk."""
    return text_with(south=asterisk("south", driver) + line + "\n")


def only(text: str) -> str:
    [mistake] = mistakes_in(text)
    return mistake


# --- servers ----------------------------------------------------------------------------------------------------


def test_ari_comes_on_top_of_ami():
    server = load_text(south_with("")).edge[2]
    assert (server.driver, server.port, server.ari_port) == (Driver.ASTERISK_ARI, 5038, 8088)
    assert load_text(south_with("ari-port = 8089\nport = 15038")).edge[2].ari_port == 8089


def test_ami_alone_has_no_ari_port():
    server = load_text(south_with("", "asterisk-ami")).edge[2]
    assert (server.port, server.ari_port) == (5038, None)


def test_what_is_left_out_has_a_default():
    server = load_text(south_with("")).edge[2]
    assert (server.dial_string, server.phone_string) == ("PJSIP/{number}@trunk", "PJSIP/{phone}")
    assert (server.auto_answer_header, server.stasis_app, server.requests_in_flight_max) == ("", "outdial", 50)


OPTIONS = """
dial-string = "PJSIP/carrier/sip:{number}@10.0.0.9:5060;user=phone"
phone-string = "SIP/{phone}"
auto-answer-header = "Call-Info: <sip:outdial>;answer-after=0"
stasis-app = "outdial-2"
requests-in-flight-max = 8
"""


def test_options_of_an_asterisk():
    server = load_text(south_with(OPTIONS)).edge[2]
    assert server.dial_string == "PJSIP/carrier/sip:{number}@10.0.0.9:5060;user=phone"
    assert (server.phone_string, server.auto_answer_header) == (
        "SIP/{phone}",
        "Call-Info: <sip:outdial>;answer-after=0",
    )
    assert (server.stasis_app, server.requests_in_flight_max) == ("outdial-2", 8)


def test_backup_has_what_its_primary_has_unless_it_says_otherwise():
    north_b = asterisk("north-b") + 'stasis-app = "mine"\n'
    edge = load_text(cluster(north=asterisk("north") + OPTIONS, north_b=north_b)).edge
    assert (edge[11].dial_string, edge[11].phone_string) == (edge[1].dial_string, "SIP/{phone}")
    assert (edge[11].auto_answer_header, edge[11].requests_in_flight_max) == (edge[1].auto_answer_header, 8)
    assert (edge[11].stasis_app, edge[1].stasis_app, edge[2].stasis_app) == ("mine", "outdial-2", "outdial")


@pytest.mark.parametrize("line", ["ari-port = 8088", 'stasis-app = "outdial"'])
def test_option_for_ari_with_a_driver_that_does_not_use_it(line):
    assert only(south_with(line, "asterisk-ami")) == (
        f"sip-server[south].{line}: has no effect with driver asterisk-ami; allowed: only with driver asterisk-ari"
    )


@pytest.mark.parametrize("line", ['dial-string = "A/{number}"', "requests-in-flight-max = 5"])
def test_option_for_asterisk_with_another_server(line):
    assert only(south_with(line, "freeswitch-esl")) == (
        f"sip-server[south].{line}: has no effect with driver freeswitch-esl; allowed: only with driver asterisk-ami "
        "or asterisk-ari"
    )


def test_a_real_file_can_be_simulated_by_changing_its_drivers_alone():
    assert load_text(text_with(south=PIECES["south"] + ACCESS + "ari-port = 8088" + OPTIONS)).edge[2].ari_port is None


CHANNEL = 'technology/resource with the placeholder once, such as "{}"; letters, digits and _ . : @ / + * # = ; -'
DIAL = CHANNEL.format("PJSIP/{number}@trunk")


@pytest.mark.parametrize(
    "value, wrong",
    [
        ("PJSIP/{phone}@trunk", "holds {number} 0 times"),
        ("PJSIP/{number}@{number}", "holds {number} 2 times"),
        ("{number}@trunk", "not the name of a channel"),
        ("PJSIP/{number},30", "not the name of a channel"),
        ("PJSIP/{number}&PJSIP/100", "not the name of a channel"),
        ("PJSIP/${EXTEN}{number}", "not the name of a channel"),
        ("PJSIP/{number}\\r\\nAction: Hangup", "not the name of a channel"),
        ("PJSIP/{number}@" + "a" * 200, "too long"),
    ],
)
def test_dial_string_that_reaches_nobody(value, wrong):
    mistake = only(south_with(f'dial-string = "{value}"'))
    assert mistake.startswith('sip-server[south].dial-string = "') and mistake.endswith(f": {wrong}; allowed: {DIAL}")


def test_phone_string_without_the_phone():
    assert only(south_with('phone-string = "PJSIP/{number}"')) == (
        'sip-server[south].phone-string = "PJSIP/{number}": holds {phone} 0 times; allowed: '
        + CHANNEL.format("PJSIP/{phone}")
    )


@pytest.mark.parametrize("value", ["PJSIP/{phone}@proxy", "PJSIP/proxy/sip:{phone}@host", "Local/{phone}@agents"])
def test_phone_whose_state_could_not_be_followed(value):
    mistake = only(south_with(f'phone-string = "{value}"'))
    assert f'"{value}": not one endpoint of the server: outdial follows its state; allowed: ' in mistake


@pytest.mark.parametrize("value", ["5", "true", "['PJSIP/{number}']"])
def test_dial_string_that_is_no_text(value):
    assert f": not text; allowed: {DIAL}" in only(south_with(f"dial-string = {value}"))


@pytest.mark.parametrize(
    "value, wrong",
    [
        ("", "not a SIP header"),
        ("Call-Info", "not a SIP header"),
        ("Call-Info:x", "not a SIP header"),
        ("Call-Info: ", "not a SIP header"),
        ("Call Info: x", "not a SIP header"),
        ("Call-Info: x ", "not a SIP header"),
        ("Call-Info: x\\r\\nRoute: y", "not a SIP header"),
        ("Call-Info: a, b", "not a SIP header"),
        ("Call-Info: ${SHELL(id)}", "not a SIP header"),
        ("Call-Info: " + "x" * 200, "too long"),
    ],
)
def test_auto_answer_header_that_is_none(value, wrong):
    mistake = only(south_with(f'auto-answer-header = "{value}"'))
    assert f": {wrong}; allowed: `Name: value` on one line" in mistake


@pytest.mark.parametrize("value", ['"a b"', '""', '"a,b"', f'"{"a" * 65}"'])
def test_name_of_an_application_that_is_none(value):
    assert only(south_with(f"stasis-app = {value}")).endswith("; allowed: text of 1 … 64 letters, digits and - _")


@pytest.mark.parametrize("value", [0, 1_001])
def test_requests_in_flight_out_of_range(value):
    assert only(south_with(f"requests-in-flight-max = {value}")) == (
        f"sip-server[south].requests-in-flight-max = {value}: out of range; allowed: a whole number 1 … 1,000"
    )


# --- caller id --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ['"Spring, Ltd." <+4930123>', '"Frühling" <100>', "+4930123", "100"])
def test_caller_id_is_a_name_and_a_number_or_a_number(value):
    text = text_with(group=PIECES["group"] + f"caller-id = '{value}'\n")
    assert load_text(text).configuration.campaign_groups[0].caller_id == value


@pytest.mark.parametrize(
    "value",
    [
        "''",
        "'Spring <100>'",
        "'\"Spring\" <>'",
        '\'"Sp"ring" <100>\'',
        "'\"Spring\" <100> '",
        "'\"Spring\" <sip:100>'",
        '"100\\r\\nAction: Hangup"',
        '"\\"a\\nb\\" <100>"',
        f'"{"1" * 21}"',
    ],
)
def test_caller_id_that_is_none(value):
    mistake = only(text_with(group=PIECES["group"] + f"caller-id = {value}\n"))
    assert mistake.startswith("campaign-group[east].caller-id = ") and "\n" not in mistake


def test_caller_id_is_left_to_the_trunk_by_default():
    assert load_text(text_with()).configuration.campaign_groups[0].caller_id == ""


# --- modes with seizing -----------------------------------------------------------------------------------------


def dials_on(label: str) -> str:
    return (
        f'campaign-group[east].dialing-mode = "predictive-with-seizing": dials on {label}, whose driver asterisk-ami '
        "cannot join calls; allowed: driver asterisk-ari there, or a mode without seizing"
    )


def test_seizing_on_a_dialer_node_with_ari():
    assert load_text(cluster(north=asterisk("north", "asterisk-ami"), group=SEIZING)).notes == ()


def test_seizing_on_a_dialer_node_without_ari():
    text = cluster(south=asterisk("south", "asterisk-ami"), group=SEIZING)
    assert only(text) == dials_on("sip-server[south]")


@pytest.mark.parametrize("dial_node", ["", "sip-cluster-asm-dial-node = 99"])
def test_seizing_that_falls_back_to_a_prime_node_without_ari(dial_node):
    agents = PIECES["agent-group"].replace("sip-cluster-asm-dial-node = 2", dial_node)
    north = {key: asterisk(key.replace("_", "-"), "asterisk-ami") for key in ("north", "north_b")}
    assert mistakes_in(cluster(group=SEIZING, agent_group=agents, **north)) == [
        dials_on("sip-server[north]"),
        dials_on("sip-server[north-b]"),
    ]


def test_seizing_without_load_balancing_dials_on_the_prime_node():
    ocs = PIECES["ocs"].replace('sip-cluster-lb-mode = "round-robin"', "")
    assert only(cluster(ocs=ocs, group=SEIZING, north_b=asterisk("north-b", "asterisk-ami"))) == (
        dials_on("sip-server[north-b]")
    )


def test_seizing_on_a_cpd_server_without_ari():
    board = CPD_SERVER.replace('"sim"', '"asterisk-ami"') + ACCESS
    text = cluster(board, group=SEIZING.replace('dialer = "main"', 'dialer = "board"'))
    assert only(text) == dials_on("cpd-server[board]")


def test_seizing_that_would_stop_after_a_promotion_is_noted():
    agents = PIECES["agent-group"].replace("sip-cluster-asm-dial-node = 2", "sip-cluster-asm-dial-node = 1")
    south = asterisk("south", "asterisk-ami")
    promote = PIECES["ocs"] + 'prime-node-loss = "promote"\n'
    assert load_text(cluster(ocs=promote, group=SEIZING, agent_group=agents, south=south)).notes == ()
    agents = PIECES["agent-group"].replace("sip-cluster-asm-dial-node = 2", "sip-cluster-asm-dial-node = 99")
    notes = load_text(cluster(ocs=promote, group=SEIZING, agent_group=agents, south=south)).notes
    assert notes[1] == (
        'test.toml: campaign-group[east].dialing-mode = "predictive-with-seizing": would stop if sip-server[south] '
        "became the prime node: its driver asterisk-ami cannot join calls; allowed: driver asterisk-ari there, or a "
        "mode without seizing"
    )


# --- IVR applications -------------------------------------------------------------------------------------------


def test_application_is_a_context():
    assert load_text(cluster(group=IVR.format("press-1.menu_a"))).configuration.campaign_groups[0].ivr_application


@pytest.mark.parametrize("application", ["press/1", "ivr@home", "a,b", "x" * 80])
def test_application_that_cannot_be_a_context(application):
    assert only(cluster(group=IVR.format(application))) == (
        f'campaign-group[east].ivr-application = "{application if len(application) < 60 else "x" * 59 + "…"}": '
        "sip-server[north] is an Asterisk, where an IVR application is a dialplan context; allowed: a dialplan "
        "context: 1 … 79 letters, digits and _ . -"
    )


def test_application_in_the_context_of_outdial():
    assert only(cluster(group=IVR.format("outdial"))) == (
        'campaign-group[east].ivr-application = "outdial": this is outdial\'s own context on sip-server[north]; '
        "allowed: a context of your own"
    )


def test_application_of_a_simulated_server_may_be_called_anything():
    assert load_text(text_with(group=IVR.format("press/1"))).configuration.campaign_groups[0].ivr_application


# --- [serve] ----------------------------------------------------------------------------------------------------


def test_serve_has_defaults():
    serve = load_text(text_with(), Path("conf")).serve
    assert (serve.results_dir, serve.journal) == (Path("conf/results"), None)
    assert (serve.drain_ms_max, serve.ready_again_ms, serve.after_call_work_ms) == (60_000, 30_000, 10_000)


def test_serve_says_where_files_go_and_how_long_things_take():
    text = text_with(
        """
        [serve]
        drain-s-max = 0.5
        results-dir = "/var/lib/outdial"
        ready-again-s = 45
        after-call-work-s = 2.5
        journal = "outdial.journal"
        """
    )
    serve = load_text(text, Path("conf")).serve
    assert (serve.results_dir, serve.journal) == (Path("/var/lib/outdial"), Path("conf/outdial.journal"))
    assert (serve.drain_ms_max, serve.ready_again_ms, serve.after_call_work_ms) == (500, 45_000, 2_500)


def test_mistakes_in_serve():
    assert mistakes_in(text_with("[serve]\ndrain-s-max = -1\nready-again-s = 0\nport = 80\n")) == [
        "serve.port = 80: unknown key; allowed: drain-s-max, results-dir, ready-again-s, after-call-work-s, "
        "desktop-away-s, not-ready-reasons, database, database-password-file, database-password-env, server-name, "
        "stale-clean-timeout, samples-days, records-csv-max, journal, tracing",
        "serve.drain-s-max = -1: out of range; allowed: a number 0 … 86,400",
        "serve.ready-again-s = 0: out of range; allowed: a number 1 … 86,400",
    ]


def test_all_mistakes_about_asterisk_at_once():
    south = asterisk("south", "asterisk-ami") + 'ari-port = 8088\ndial-string = "PJSIP/trunk"\n'
    more = "caller-id = 'nobody'\n"
    assert [m.partition(" = ")[0] for m in mistakes_in(cluster(south=south, group=SEIZING + more))] == [
        "sip-server[south].dial-string",
        "campaign-group[east].caller-id",
        "sip-server[south].ari-port",
        "campaign-group[east].dialing-mode",
    ]


# --- abandoned calls ---------------------------------------------------------------------------------------------


def test_a_clock_that_asterisk_cannot_start_is_noted():
    group = PIECES["group"] + 'abandonment-clock = "greeting-start"\n'
    [note] = [note for note in load_text(cluster(group=group)).notes if "abandonment-clock" in note]
    assert "Asterisk does not tell when a greeting begins" in note
    assert not [note for note in load_text(text_with(group=group)).notes if "abandonment-clock" in note]


def test_options_of_abandoned_calls_reach_the_core():
    group = PIECES["group"] + (
        'abandonment-clock = "answer"\nabandonment-s-max = 1.5\ndrop-message = "custom/sorry&beep"\n'
        "drop-message-s-max = 12\n"
    )
    settings = load_text(cluster(group=group)).configuration.campaign_groups[0]
    assert (settings.abandonment_clock, settings.abandonment_ms_max) == ("answer", 1_500)
    assert (settings.drop_message, settings.drop_message_ms_max) == ("custom/sorry&beep", 12_000)
    assert "drop-message" in only(cluster(group=PIECES["group"] + 'drop-message = "a,b)"\n'))


def test_a_campaign_says_for_whom_it_calls_and_what_may_be_abandoned():
    campaign = PIECES["campaign"].replace(
        "[[campaign]]\n",
        '[[campaign]]\nseller = "acme"\nabandonment-limit = 2.5\nabandonment-windows = ["day", "30-days", "day"]\n'
        'abandonment-time-zone = "Europe/London"\nabandonment-method = "uk"\nmachine-false-positive-ratio = 0.015\n',
    )
    [settings] = load_text(cluster(campaign=campaign)).configuration.campaigns
    assert (settings.seller, settings.abandonment_limit_ppm, settings.false_positives_ppm) == ("acme", 25_000, 15_000)
    assert settings.abandonment_windows == ("day", "30-days") and settings.zone.name == "Europe/London"
