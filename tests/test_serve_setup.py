"""What `outdial serve` refuses, and what it makes of a configuration."""

import pytest

from config_samples import CPD_SERVER, PIECES, text_with
from outdial.core.errors import ConfigError
from outdial.serve_setup import look_at_lists, read_setup, unchanged_notes
from serve_samples import PASSWORD, SERVER, write_configuration


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("OUTDIAL_TEST_PASSWORD", PASSWORD)


def mistakes_in(path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_setup(path)
    return [line.removeprefix(f"{path}: ") for line in caught.value.mistakes]


def test_every_application_becomes_a_server(tmp_path):
    south = PIECES["south"].replace('driver = "sim"\n', SERVER) + 'stasis-app = "od2"\ntotal-ports = 30\n'
    setup = read_setup(write_configuration(tmp_path, south=south + "requests-in-flight-max = 7\n"))
    by_id = {server.server_id: server for server in setup.servers}
    assert {server_id: server.node_id for server_id, server in by_id.items()} == {1: 1, 11: 1, 2: 2}
    assert (by_id[2].strings.stasis_app, by_id[2].total_ports, by_id[2].requests_max) == ("od2", 30, 7)
    assert (by_id[1].host, by_id[1].port, by_id[1].ari_port, by_id[1].user) == ("127.0.0.1", 5038, 8088, "outdial")
    assert by_id[1].password() == PASSWORD and PASSWORD not in repr(setup)


def test_after_call_work_ends_by_itself(tmp_path):
    group = PIECES["group"]
    setup = read_setup(write_configuration(tmp_path, "after-call-work-s = 4", group=group))
    assert setup.configuration.campaign_groups[0].after_call_work_ms_max == 4_000
    assert setup.loaded.configuration.campaign_groups[0].after_call_work_ms_max == 0


def test_simulated_servers_and_made_up_numbers_are_not_dialed_for_real(tmp_path):
    path = tmp_path / "sim.toml"
    path.write_text(text_with(CPD_SERVER))
    wrong = "a simulated server, and outdial serve dials for real; outdial simulate and outdial demo use it"
    allowed = 'allowed: "asterisk-ami" or "asterisk-ari"'
    assert mistakes_in(path) == [
        f'sip-server[north].driver = "sim": {wrong}; {allowed}',
        f'sip-server[north-b].driver = "sim": {wrong}; {allowed}',
        f'sip-server[south].driver = "sim": {wrong}; {allowed}',
        f'cpd-server[board].driver = "sim": {wrong}; {allowed}',
        "calling-list[customers].synthetic = 100: made-up numbers are not dialed for real; allowed: a file instead",
    ]


def test_a_driver_that_is_not_built(tmp_path):
    south = PIECES["south"].replace('driver = "sim"\n', SERVER.replace("asterisk-ari", "freeswitch-esl"))
    assert mistakes_in(write_configuration(tmp_path, south=south)) == [
        'sip-server[south].driver = "freeswitch-esl": not built; allowed: "asterisk-ami" or "asterisk-ari"'
    ]


def test_a_password_that_is_not_there_is_told_once(tmp_path, monkeypatch):
    monkeypatch.delenv("OUTDIAL_TEST_PASSWORD")
    assert mistakes_in(write_configuration(tmp_path)) == [
        "environment variable OUTDIAL_TEST_PASSWORD: holds no password"
    ]


def test_a_look_names_lines_that_are_left_out_and_writes_nothing(tmp_path):
    path = write_configuration(tmp_path)
    (tmp_path / "list.csv").write_text("phone\n+4930123456\nnonsense\n")
    records, notes = look_at_lists(read_setup(path).loaded)
    assert records == 1 and "1 of 2 lines are left out" in notes[0]
    assert not (tmp_path / "list.csv.rejects.csv").exists()


def test_a_calling_list_without_a_good_line(tmp_path):
    path = write_configuration(tmp_path)
    (tmp_path / "list.csv").write_text("phone\nnonsense\n")
    with pytest.raises(ConfigError, match="no record to dial"):
        look_at_lists(read_setup(path).loaded)


def test_preview_is_noted_because_nobody_can_ask_for_records(tmp_path):
    setup = read_setup(write_configuration(tmp_path, group=PIECES["group"].replace("predictive", "preview")))
    assert setup.notes[0].endswith(
        'campaign-group[east].dialing-mode = "preview": nothing is dialed, because agents without a desktop cannot ask '
        "for records; push-preview needs no asking"
    )


def test_desktops_without_an_api_are_noted_and_previews_with_desktops_are_not(tmp_path):
    group = PIECES["group"].replace("predictive", "preview")
    agents = PIECES["agent-group"] + 'sign-in = "desktop"\n'
    [note] = read_setup(write_configuration(tmp_path, group=group, agent_group=agents)).notes
    assert note.endswith(
        'agent-group[sales].sign-in = "desktop": its agents cannot sign in, because there is no table [api] and so no '
        "agent page"
    )
    setup = read_setup(write_configuration(tmp_path, "\n[api]\n", group=group, agent_group=agents))
    assert setup.notes == ()
    assert setup.configuration == setup.loaded.configuration  # agents end their after-call work


def test_a_database_password_that_is_not_there(tmp_path, monkeypatch):
    serve = 'database = "postgresql://db/outdial"\ndatabase-password-env = "OUTDIAL_TEST_DATABASE_PASSWORD"'
    path = write_configuration(tmp_path, serve)
    assert mistakes_in(path) == ["environment variable OUTDIAL_TEST_DATABASE_PASSWORD: holds no password"]
    monkeypatch.setenv("OUTDIAL_TEST_DATABASE_PASSWORD", PASSWORD)
    assert PASSWORD not in repr(read_setup(path))


def test_what_a_reload_leaves_as_it_is_until_the_next_start(tmp_path):
    path = write_configuration(tmp_path)
    before = read_setup(path)
    path.write_text(path.read_text() + 'results-dir = "elsewhere"\nserver-name = "east"\nstale-clean-timeout = 60\n')
    assert [note.removeprefix(f"{path}: ") for note in unchanged_notes(before, read_setup(path))] == [
        f"serve.{name}: takes effect at the next start"
        for name in ("results-dir", "database", "server-name", "stale-clean-timeout")
    ]


def test_where_the_api_listens_is_settled_at_the_start(tmp_path):
    path = write_configuration(tmp_path, '\n[api]\nlisten = "127.0.0.1:8042"')
    before = read_setup(path)
    path.write_text(path.read_text().replace("8042", "8043"))
    assert unchanged_notes(before, read_setup(path)) == [f"{path}: api: takes effect at the next start"]
