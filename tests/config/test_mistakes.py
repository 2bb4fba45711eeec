"""Every message about a wrong file, one by one, letter for letter."""

import pytest

from config_samples import CPD_SERVER, PIECES, added, changed, load_text, mistakes_in, text_with
from outdial.config import load
from outdial.config.document import FILE_BYTES_MAX
from outdial.config.mistakes import MISTAKES_MAX
from outdial.core.errors import ConfigError

APPLICATIONS = '"north" (1), "north-b" (11), "south" (2)'


def only(text: str, folder=None) -> str:
    """The one mistake of a text."""
    [mistake] = mistakes_in(text, folder) if folder else mistakes_in(text)
    return mistake


# --- the file ---------------------------------------------------------------------------------------------------


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "no.toml")
    assert caught.value.mistakes == [f"{tmp_path / 'no.toml'}: cannot be read: No such file or directory"]


def test_toml_syntax_error_names_the_line():
    assert only("[ocs]\nconnections = [1,,2]\n") == "not TOML: Invalid value (at line 2, column 18)"


def test_time_without_quotes_is_a_syntax_error():
    assert only(added("list", "daily-from = 09:00")).startswith("not TOML: ")


def test_file_that_is_not_utf8(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"[ocs]\nname = '\xff'\n")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "a.toml")
    assert caught.value.mistakes == [f"{tmp_path / 'a.toml'}: line 2: byte 0xff is not UTF-8; allowed: UTF-8 text"]


@pytest.mark.parametrize(
    "text, mistake",
    [
        ("a = " + "9" * 5_000, "not usable: Exceeds the limit"),
        ("a = " + "[" * 50_000, "not usable: tables or arrays nested too deeply"),
        ("a = 2026-02-30", "not TOML: Invalid date or datetime"),
    ],
    ids=["digits", "nesting", "date"],
)
def test_text_that_breaks_the_parser(text, mistake):
    assert only(text).startswith(mistake)


def test_file_that_is_too_large(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "a.toml")
    assert caught.value.mistakes == [f"{tmp_path / 'a.toml'}: too large; allowed: at most 10,000,000 bytes"]


def test_empty_file():
    assert only("") == "ocs: missing; allowed: a table [ocs] with at least the option connections"


def test_unknown_table_suggests_the_nearest():
    assert only(text_with("[[campain-group]]\n")) == (
        'campain-group: unknown table; did you mean "campaign-group"?; allowed: ocs, switch, sip-server, cpd-server, '
        "agent, agent-range, agent-group, calling-list, campaign, campaign-group, rule-profile, closed-days, "
        "do-not-call, serve, api, webhook, world"
    )


def test_single_table_where_an_array_is_meant():
    assert "switch: wrong type (a table); allowed: [[switch]], once per object" in mistakes_in(
        text_with(switch="[switch]\ndbid = 1\n")
    )


def test_too_many_mistakes_are_cut_off():
    mistakes = mistakes_in(text_with(*["[[switch]]\n" * 900]))
    assert len(mistakes) == MISTAKES_MAX + 1
    assert mistakes[-1] == f"and {900 * 3 - MISTAKES_MAX:,} more"


# --- keys and values --------------------------------------------------------------------------------------------


def test_unknown_key_suggests_the_nearest():
    assert only(added("switch", "chanel_num = 5")) == (
        'switch[main].chanel_num = 5: unknown key; did you mean "channel_num"?; allowed: dbid, name, channel_num, '
        "dynamic-port-allocation"
    )


def test_option_in_two_spellings():
    assert only(added("switch", "dynamic_port_allocation = true")) == (
        "switch[main].dynamic_port_allocation = true: given twice: dynamic-port-allocation and dynamic_port_allocation "
        "are the same option; allowed: one of them"
    )


def test_missing_option():
    assert only(changed("switch", "channel_num = 60", "")) == (
        "switch[main].channel_num: missing; allowed: a whole number 0 … 1,000,000"
    )


def test_text_for_a_whole_number():
    assert only(changed("switch", "60", '"60"')) == (
        'switch[main].channel_num = "60": wrong type (text); allowed: a whole number 0 … 1,000,000'
    )


def test_true_for_a_whole_number():
    assert only(changed("switch", "60", "true")) == (
        "switch[main].channel_num = true: wrong type (a boolean); allowed: a whole number 0 … 1,000,000"
    )


def test_decimal_number_for_a_whole_number():
    assert only(changed("switch", "60", "60.0")) == (
        "switch[main].channel_num = 60.0: wrong type (a decimal number); allowed: a whole number 0 … 1,000,000"
    )


def test_one_for_true():
    assert only(changed("switch", "allocation = true", "allocation = 1")) == (
        "switch[main].dynamic-port-allocation = 1: wrong type (a whole number); allowed: true or false"
    )


def test_out_of_range():
    assert only(added("group", "ring-timeout-s = 4")) == (
        "campaign-group[east].ring-timeout-s = 4: out of range; allowed: a number 5 … 180"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_not_a_finite_number(value):
    assert only(added("group", f"ring-timeout-s = {value}")) == (
        f"campaign-group[east].ring-timeout-s = {value}: out of range; allowed: a number 5 … 180"
    )


def test_unknown_word_suggests_the_nearest():
    assert only(changed("group", '"predictive"', '"predictiv"')) == (
        'campaign-group[east].dialing-mode = "predictiv": unknown value; did you mean "predictive"?; allowed: one of '
        '"predictive", "progressive", "preview", "progressive-with-seizing", "predictive-with-seizing", '
        '"push-preview", "progressive-gvp", "predictive-gvp", "power-gvp"'
    )


def test_empty_name():
    assert only(text_with('[[switch]]\ndbid = 2\nname = ""\nchannel_num = 1\n')) == (
        'switch[#2].name = "": empty; allowed: text of 1 … 255 printable characters, no blank at either end'
    )


def test_secret_in_the_file_is_refused_and_not_repeated():
    assert only(added("south", 'password = "hunter2"')) == (
        "sip-server[south].password = ***: a secret is not written into the configuration; allowed: password-file, "
        "password-env"
    )


def test_time_of_day():
    assert only(added("list", 'daily-from = "25:00"')) == (
        'calling-list[customers].daily-from = "25:00": not a time of day; allowed: "HH:MM" up to "24:00", or seconds '
        "since midnight 0 … 86,400"
    )


def test_all_mistakes_at_once():
    text = text_with(
        switch="[[switch]]\ndbid = 1\nname = 'main'\nchannel_num = -1\n",
        group=PIECES["group"].replace('"spring"', '"autumn"') + "history_length = 'x'\n",
        list="[[calling-list]]\ndbid = 1\nname = 'customers'\nsynthetic = 1\ntime-zone = 'Mars/Olympus'\n",
    )
    assert [mistake.partition(" = ")[0] for mistake in mistakes_in(text)] == [
        "switch[main].channel_num",
        "campaign-group[east].history_length",
        "calling-list[customers].time-zone",
        "campaign-group[east].campaign",
    ]


# --- names, DBIDs, references -----------------------------------------------------------------------------------


def test_dbid_used_twice():
    assert only(text_with('[[switch]]\ndbid = 1\nname = "second"\nchannel_num = 1\n')) == (
        "switch[second].dbid = 1: DBID used twice; it is switch[main]'s; allowed: a DBID of its own for each switch"
    )


def test_dbids_of_sip_and_cpd_servers_are_one_series():
    assert only(text_with(CPD_SERVER.replace("21", "2"))) == (
        "cpd-server[board].dbid = 2: DBID used twice; it is sip-server[south]'s; allowed: a DBID "
        "of its own for each SIP "
        "or CPD server"
    )


def test_name_used_twice():
    assert only(text_with('[[switch]]\ndbid = 2\nname = "main"\nchannel_num = 1\n')) == (
        'switch[main, #2].name = "main": name used twice; DBID 1 has it; allowed: a name of its own for each switch'
    )


def test_agent_used_twice_by_a_range():
    text = text_with('[[agent-range]]\nfirst-dbid = 104\ncount = 50\nlogin = "agent{n}"\nphone = "2{n:03}"\n')
    assert mistakes_in(text) == [
        "agent-range[#2][agent104].first-dbid = 104: DBID used twice; it is "
        "agent-range[#1][agent104]'s; allowed: a DBID "
        "of its own for each agent",
        'agent-range[#2][agent104].login = "agent104": login used twice; DBID 104 has it; allowed: a login of its own '
        "for each agent",
    ]


@pytest.mark.parametrize(
    "piece, old, new, mistake",
    [
        (
            "south",
            '"main"',
            '"mian"',
            'sip-server[south].switch = "mian": there is no such switch; did you mean "main"?; allowed: "main" (1)',
        ),
        (
            "north",
            'backup = "north-b"',
            'backup = "nirgends"',
            f'sip-server[north].backup = "nirgends": there is no such SIP or CPD server; allowed: {APPLICATIONS}',
        ),
        (
            "agent-group",
            '"ada"',
            '"bob"',
            'agent-group[sales].agents[#1] = "bob": there is no such agent; allowed: "ada" (7), "agent101" (101), '
            '"agent102" (102), "agent103" (103), "agent104" (104)',
        ),
        (
            "campaign",
            '"customers"',
            "9",
            'campaign[spring].lists[#1].calling-list = 9: there is no such calling-list; allowed: "customers" (1)',
        ),
        (
            "group",
            '"spring"',
            '"sprung"',
            'campaign-group[east].campaign = "sprung": there is no such campaign; did you mean "spring"?; allowed: '
            '"spring" (1)',
        ),
        (
            "group",
            '"sales"',
            "3",
            'campaign-group[east].agent-group = 3: there is no such agent-group; allowed: "sales" (1)',
        ),
        (
            "group",
            '"main"',
            '"north"',
            'campaign-group[east].dialer = "north": there is no such switch or CPD server; allowed: "main" (switch 1)',
        ),
        (
            "agent-group",
            "dial-node = 2",
            'dial-node = "west"',
            f'agent-group[sales].sip-cluster-asm-dial-node = "west": there is no such SIP or CPD server; allowed: '
            f"{APPLICATIONS}",
        ),
        (
            "agent-group",
            "dial-node = 2",
            'dial-node = "north-b"',
            'agent-group[sales].sip-cluster-asm-dial-node = "north-b": sip-server[north-b] is not a primary SIP server '
            "among the connections; allowed: one of the connections",
        ),
        (
            "group",
            '"main"',
            "true",
            "campaign-group[east].dialer = true: neither a name nor a DBID; allowed: a name (text) or a DBID (whole "
            "number) of a switch or of a primary CPD server",
        ),
    ],
)
def test_reference_to_nothing_lists_what_exists(piece, old, new, mistake):
    assert mistake in mistakes_in(changed(piece, old, new))


def test_dialer_that_could_be_a_switch_or_a_cpd_server():
    text = text_with(
        CPD_SERVER.replace("21", "3"),
        switch=PIECES["switch"].replace("dbid = 1", "dbid = 3"),
        group=PIECES["group"].replace('"main"', "3"),
    )
    assert only(text) == (
        "campaign-group[east].dialer = 3: could mean switch[main] or cpd-server[board]; allowed: "
        "the name of one of them"
    )


# --- servers ----------------------------------------------------------------------------------------------------


def test_backup_of_two_primaries():
    assert only(added("south", 'backup = "north-b"')) == (
        'sip-server[south].backup = "north-b": used as a backup twice; it is the backup of sip-server[north]; allowed: '
        "another application of the same kind that is nobody else's backup"
    )


def test_backup_of_itself():
    assert only(added("south", 'backup = "south"')) == (
        'sip-server[south].backup = "south": an application cannot be its own backup; allowed: another application of '
        "the same kind that is nobody else's backup"
    )


def test_backup_of_another_kind():
    assert only(text_with(CPD_SERVER, south=PIECES["south"] + 'backup = "board"\n')) == (
        'sip-server[south].backup = "board": cpd-server[board] is of another kind; allowed: another application of the '
        "same kind that is nobody else's backup"
    )


def test_backup_that_has_a_backup():
    text = text_with(
        '[[sip-server]]\ndbid = 12\nname = "third"\ndriver = "sim"\n',
        north_b=PIECES["north-b"] + 'backup = "third"\n',
    )
    assert only(text) == (
        'sip-server[north-b].backup = "third": this is itself the backup of sip-server[north], and a node is one pair; '
        "allowed: no backup here"
    )


def test_backup_that_is_a_connection():
    assert only(changed("ocs", '"south"]', '"south", "north-b"]')) == (
        'ocs.connections[#3] = "north-b": sip-server[north-b] is the backup of sip-server[north] and is found through '
        "it; allowed: a primary SIP server, once"
    )


def test_backup_on_another_switch():
    text = text_with(
        '[[switch]]\ndbid = 2\nname = "other"\nchannel_num = 1\n', north_b=PIECES["north-b"] + 'switch = "other"\n'
    )
    assert only(text) == (
        'sip-server[north-b].switch = "other": this is the backup of sip-server[north], which is on switch[main]; '
        "allowed: the same switch, or left out"
    )


def test_node_option_on_a_backup():
    assert only(added("north-b", "call-rate-max = 5")) == (
        "sip-server[north-b].call-rate-max = 5: belongs to the node: this is the backup of sip-server[north]; allowed: "
        "set it there"
    )


def test_primary_without_a_switch():
    assert 'sip-server[south].switch: missing; allowed: "main" (1)' in mistakes_in(
        changed("south", 'switch = "main"', "")
    )


def test_cpd_server_without_ports():
    assert only(text_with(CPD_SERVER.replace("ports = 25", ""))) == (
        "cpd-server[board].ports: missing; allowed: a whole number 0 … 1,000,000"
    )


def test_slow_start_without_a_call_rate():
    assert only(added("south", "slow-start-s = 10")) == (
        "sip-server[south].slow-start-s = 10: has no effect without a call rate; allowed: 0, or set call-rate-max too"
    )
    load_text(added("south", "slow-start-s = 10\ncall-rate-max = 5"))


def test_real_server_without_address_and_login():
    assert mistakes_in(changed("south", '"sim"', '"asterisk-ami"')) == [
        "sip-server[south].host: missing; driver asterisk-ami needs it; allowed: a host name or an IP address",
        "sip-server[south].user: missing; driver asterisk-ami needs it; allowed: text of 1 … 128 characters",
        "sip-server[south].password-file: missing; driver asterisk-ami logs in; allowed: password-file or password-env",
    ]


def test_two_places_for_one_password():
    assert only(added("south", 'password-file = "a"\npassword-env = "B"')) == (
        "sip-server[south].password-env: two places for one password: password-file and password-env; allowed: one of "
        "them"
    )


# --- this server ------------------------------------------------------------------------------------------------


def test_no_connections():
    assert (
        "ocs.connections = []: empty; allowed: an array of 1 … 1,000 entries, each a name (text) "
        "or a DBID (whole number)"
    ) in mistakes_in(changed("ocs", '["north", "south"]', "[]"))


def test_connection_listed_twice():
    assert only(changed("ocs", '"south"]', '"south", 1]')) == (
        "ocs.connections[#3] = 1: listed twice; allowed: a primary SIP server, once"
    )


def test_cpd_server_as_a_connection():
    assert only(text_with(CPD_SERVER, ocs=PIECES["ocs"].replace('"south"]', '"south", "board"]'))) == (
        'ocs.connections[#3] = "board": cpd-server[board] is a CPD server; campaign groups reach it as their dialer; '
        "allowed: a primary SIP server, once"
    )


def test_prime_node_that_is_no_connection():
    assert only(changed("ocs", '["north", "south"]', '["south"]')) == (
        'ocs.sip-cluster-prime-node = 1: not among the connections; allowed: "south" (2)'
    )


def test_prime_node_that_is_a_backup():
    assert only(changed("ocs", "prime-node = 1", "prime-node = 11")) == (
        "ocs.sip-cluster-prime-node = 11: sip-server[north-b] is a backup; its primary is sip-server[north]; allowed: "
        '"north" (1), "south" (2)'
    )


def test_prime_node_that_does_not_exist():
    assert only(changed("ocs", "prime-node = 1", "prime-node = 5")) == (
        'ocs.sip-cluster-prime-node = 5: there is no such SIP server; allowed: "north" (1), "south" (2)'
    )


@pytest.mark.parametrize("mode", ["round-robin", "least-loaded"])
def test_load_balancing_without_a_prime_node(mode):
    ocs = PIECES["ocs"].replace("sip-cluster-prime-node = 1", "").replace("round-robin", mode)
    assert only(text_with(ocs=ocs)) == (
        f"ocs.sip-cluster-prime-node: missing; sip-cluster-lb-mode = {mode} needs a prime node; allowed: "
        '"north" (1), "south" (2)'
    )


def test_connections_of_two_switches():
    text = text_with(
        '[[switch]]\ndbid = 2\nname = "other"\nchannel_num = 1\n', south=PIECES["south"].replace("main", "other")
    )
    assert only(text) == (
        "ocs.connections: nodes of 2 switches (switch[main], switch[other]), but the connections are one SIP "
        "cluster; allowed: nodes that share one switch"
    )


# --- people -----------------------------------------------------------------------------------------------------


def test_agent_in_a_group_twice():
    assert only(changed("agent-group", '"ada"', "102")) == (
        'agent-group[sales].agents[#2] = "101..104": agent 102 is in this group already, by agents[#1]; allowed: each '
        "agent once"
    )


def test_range_backwards():
    assert only(changed("agent-group", "101..104", "104..101")) == (
        'agent-group[sales].agents[#2] = "104..101": DBID 104 comes after 101; allowed: first..last, by DBID'
    )


def test_range_template_without_a_number():
    assert (
        'agent-range[#1].login = "agent": not in this form; allowed: text with {n} or {n:03} in it, such as "agent{n}"'
    ) in mistakes_in(changed("agents", '"agent{n}"', '"agent"'))


def test_range_that_makes_impossible_phones():
    assert (
        'agent-range[#1].phone = "a b{n}": "a b101" cannot be a phone; allowed: text of 1 … 128 letters, digits and '
        "+ * # _ . / @ : -"
    ) in mistakes_in(changed("agents", '"1{n:04}"', '"a b{n}"'))


# --- lists and campaigns ----------------------------------------------------------------------------------------


def test_list_without_a_source():
    assert only(changed("list", "synthetic = 100", "")) == (
        "calling-list[customers].file: missing; allowed: either file or synthetic"
    )


def test_list_with_two_sources():
    assert only(added("list", 'file = "a.csv"')) == (
        "calling-list[customers].synthetic: given together with file; allowed: either file or synthetic"
    )


@pytest.mark.parametrize(
    "content, wrong",
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "the file is empty"),
        (b"\n \n;;\n", "the file is empty"),
        (b"phone,name\n\n", "the file has a header and no record"),
    ],
)
def test_calling_list_file_that_cannot_be_used(tmp_path, content, wrong):
    if content is not None:
        (tmp_path / "a.csv").write_bytes(content)
    assert only(changed("list", "synthetic = 100", 'file = "a.csv"'), tmp_path) == (
        f'calling-list[customers].file = "a.csv": {wrong}; allowed: a CSV file with a header and at least one record'
    )


def test_calling_list_file_that_the_database_may_have_read(tmp_path):
    """A server goes on without the file; what needs it will say so."""
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "outdial.sqlite3").touch()
    text = changed("list", "synthetic = 100", 'file = "a.csv"')
    loaded = load_text(text, tmp_path)
    assert loaded.notes[0].endswith(
        'calling-list[customers].file = "a.csv": cannot be read: No such file or directory; '
        "allowed: a CSV file with a header and at least one record"
    )
    assert mistakes_in(text + '[serve]\ndatabase = "other.sqlite3"\n', tmp_path)


def test_window_that_never_opens():
    assert only(added("list", 'daily-from = "09:00"\ndaily-till = 32400')) == (
        "calling-list[customers].daily-till = 32400: the same as daily-from, so that nothing could ever be dialed; "
        "allowed: another time of day; earlier than daily-from crosses midnight"
    )


def test_unknown_time_zone():
    assert only(added("list", 'time-zone = "Europe/Berln"')) == (
        'calling-list[customers].time-zone = "Europe/Berln": there is no such time zone; did you '
        'mean "Europe/Berlin"?; '
        "allowed: an IANA time zone"
    )


def test_unknown_call_result():
    line = 'treatment = [{ call-result = "Nobody", action = "done" }]'
    assert only(added("list", line)) == (
        'calling-list[customers].treatment[#1].call-result = "Nobody": no such call result; allowed: a call result by '
        'name, such as "Busy", "No Answer" or "Answering Machine", or by its number 0 … 53; all of them: '
        "docs/reference/call-results.md"
    )


def test_retry_without_an_interval():
    assert only(added("list", 'treatment = [{ call-result = 6, action = "retry-in" }]')) == (
        "calling-list[customers].treatment[#1].interval-min: missing; retry-in needs it; allowed: minutes above 0"
    )


@pytest.mark.parametrize("action", ["done", "redial", "next-in-chain"])
def test_interval_without_a_retry(action):
    assert only(added("list", f'treatment = [{{ call-result = 6, action = "{action}", interval-min = 3 }}]')) == (
        f"calling-list[customers].treatment[#1].interval-min = 3: has no effect with action {action}; allowed: left out"
    )


def test_number_in_sequence_used_twice():
    treatment = '{ call-result = "Busy", action = "redial" }'
    assert only(added("list", f"treatment = [{treatment}, {treatment}]")) == (
        "calling-list[customers].treatment[#2].number-in-sequence = 1: used twice for this call result; "
        "calling-list[customers].treatment[#1] has it; allowed: a number of its own for each treatment of a call result"
    )


def test_campaign_without_lists():
    assert (
        only(changed("campaign", 'lists = ["customers"]', "")) == "campaign[spring].lists: missing; allowed: at least 1"
    )
    assert only(changed("campaign", '["customers"]', "[]")) == "campaign[spring].lists: empty; allowed: at least 1"


@pytest.mark.parametrize("region, near", [("de", '; did you mean "DE"?'), ("XX", ""), ("1", "")])
def test_region_that_does_not_exist(region, near):
    assert only(added("list", f'default-region = "{region}"')) == (
        f'calling-list[customers].default-region = "{region}": there is no such region{near}; allowed: '
        'a region as ISO 3166 spells it, such as "US" or "DE"'
    )


def test_list_named_twice_in_a_campaign():
    assert only(changed("campaign", '["customers"]', '["customers", 1]')) == (
        "campaign[spring].lists[#2].calling-list = 1: named twice; campaign[spring].lists[#1] has "
        "it; allowed: each list "
        "once"
    )


def test_do_not_call_number_that_is_none(tmp_path):
    (tmp_path / "dnc.txt").write_text("112\nnobody\n")
    number = "3 … 20 digits, optionally a leading +; blanks, dashes, parentheses and dots are dropped"
    assert mistakes_in(text_with('[do-not-call]\nnumbers = ["12"]\nfile = "dnc.txt"\n'), tmp_path) == [
        f'do-not-call.numbers[#1] = "12": not a telephone number; allowed: {number}',
        f'do-not-call.file "dnc.txt" line 2 = "nobody": not a telephone number; allowed: {number}',
    ]


# --- campaign groups --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["predictive", "progressive-with-seizing", "predictive-gvp", "preview"])
def test_mode_that_needs_agents(mode):
    group = PIECES["group"].replace('agent-group = "sales"', "").replace("predictive", mode)
    assert f'campaign-group[east].agent-group: missing; dialing mode {mode} needs agents; allowed: "sales" (1)' in (
        mistakes_in(text_with(group=group))
    )


def test_power_gvp_without_maximum_queue_size():
    group = PIECES["group"].replace('"predictive"', '"power-gvp"') + 'ivr-application = "reminder"\n'
    assert only(text_with(group=group)) == (
        "campaign-group[east].maximum-queue-size: missing; Power GVP keeps this many calls in "
        "progress; allowed: a whole "
        "number 1 … 1,000,000"
    )


def test_gvp_without_an_application():
    assert only(changed("group", '"predictive"', '"predictive-gvp"')) == (
        "campaign-group[east].ivr-application: missing; dialing mode predictive-gvp hands answered "
        "calls to it; allowed: "
        "the name of an IVR application"
    )


@pytest.mark.parametrize(
    "mode, line, modes",
    [
        ("predictive", "asm_channel_num = 5", "the modes with seizing"),
        ("predictive-gvp", "asm_channel_num = 0", "the modes with seizing"),
        ("predictive", "maximum-queue-size = 5", "power-gvp"),
        ("predictive", 'ivr-application = "x"', "the GVP modes"),
        ("predictive", "preview-timeout-s = 5", "preview and push-preview"),
        ("preview", "number-of-cpd-ports = 5", "every mode but preview, push-preview and power-gvp"),
        ("preview", "optimization-value = 5", "the progressive and predictive modes"),
        ("push-preview", "maximum-calls-per-agent = 2.5", "the progressive and predictive modes"),
        ("power-gvp", "statistics-carry-over-hours = 12", "the progressive and predictive modes"),
    ],
)
def test_option_that_means_nothing_in_the_mode(mode, line, modes):
    text = text_with(group=PIECES["group"].replace("predictive", mode) + line + "\n")
    assert f"campaign-group[east].{line}: has no effect in dialing mode {mode}; allowed: only in {modes}" in (
        mistakes_in(text)
    )


TARGETS = 'one of "overdial-rate", "busy-factor", "waiting-time", "distribution-time"'


@pytest.mark.parametrize("target", ["Maximum Gain", "maximum_gain"])
def test_optimization_target_that_is_not_built(target):
    assert only(added("group", f'optimization-target = "{target}"')) == (
        f'campaign-group[east].optimization-target = "{target}": not built; allowed: {TARGETS}'
    )


@pytest.mark.parametrize("target, unit", [("busy-factor", "percent"), ("waiting-time", "seconds")])
def test_target_without_its_value(target, unit):
    assert only(added("group", f'optimization-target = "{target}"')) == (
        f"campaign-group[east].optimization-value: missing; {target} is steered for it; allowed: a number of {unit}"
    )


def test_second_limit_beside_the_overdial_rate():
    assert only(added("group", "overdial-rate-max = 5")) == (
        "campaign-group[east].overdial-rate-max = 5: has no effect with optimization-target overdial-rate, whose limit "
        "is optimization-value; allowed: only with another optimization target"
    )


@pytest.mark.parametrize(
    "value, wrong",
    [
        ("2.0625", "more than 3 decimals"),
        ("100.5", "out of range"),
        ("-1", "out of range"),
        ("inf", "out of range"),
        ("nan", ""),
        ('"2"', "wrong type (text)"),
    ],
)
def test_maximum_calls_per_agent(value, wrong):
    mistake = only(added("group", f"maximum-calls-per-agent = {value}"))
    assert mistake.startswith(f"campaign-group[east].maximum-calls-per-agent = {value}: {wrong}")
    assert mistake.endswith("; allowed: a number 0 … 100 with at most 3 decimals")


@pytest.mark.parametrize("value", ["-1", "8_761", "inf"])
def test_statistics_are_at_most_a_year_old(value):
    mistake = only(added("group", f"statistics-carry-over-hours = {value}"))
    assert mistake.startswith("campaign-group[east].statistics-carry-over-hours = ")
    assert mistake.endswith(": out of range; allowed: a number 0 … 8,760")


def test_unknown_optimization_target():
    assert only(added("group", 'optimization-target = "profit"')) == (
        f'campaign-group[east].optimization-target = "profit": there is no such optimization target; allowed: {TARGETS}'
    )


def test_optimal_buffer_not_above_the_minimum():
    assert only(added("group", "minimum-record-buffer = 200")) == (
        "campaign-group[east].optimal-record-buffer = 200: not greater than minimum-record-buffer (200); allowed: a "
        "whole number 201 … 10,000"
    )


def test_dialer_without_a_connected_node():
    text = text_with(
        '[[switch]]\ndbid = 2\nname = "empty"\nchannel_num = 1\n', group=PIECES["group"].replace("main", "empty")
    )
    assert only(text) == (
        'campaign-group[east].dialer = "empty": no SIP server among the connections is on this '
        "switch, so nothing could "
        "be dialed; allowed: a switch of a connected SIP server"
    )
