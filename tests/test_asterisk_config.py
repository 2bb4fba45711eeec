"""`outdial asterisk-config`: which files are written, for whom, and what is never in them."""

import json
import stat
from dataclasses import replace

import pytest

from config_samples import text_with
from outdial.asterisk_files.texts import EVENTS, Wanted, check_user, secret_line, server_files
from outdial.asterisk_files.writing import permits_of, write_all
from outdial.cli import run_command_line
from outdial.config import loads
from outdial.core.errors import ConfigError
from outdial.drivers.ami import calls, phones

SECRET = "x7-not-in-any-file"
AMI = 'driver = "asterisk-ami"\nhost = "192.0.2.1"\nuser = "dialer"\npassword-env = "ASTERISK_PASSWORD"\n'
ARI = AMI.replace("asterisk-ami", "asterisk-ari").replace("192.0.2.1", "127.0.0.1")
SIM = 'driver = "sim"\n'


def text_of(*drivers: str) -> str:
    """The sample with these servers in place of its simulated ones, in order: north, north-b, south."""
    parts = text_with().split(SIM)
    assert len(parts) == len(drivers) + 1
    return "".join(part + driver for part, driver in zip(parts, [*drivers, ""], strict=True))


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("ASTERISK_PASSWORD", SECRET)


@pytest.fixture
def run(tmp_path, capsys):
    """Write the files of a configuration; returns exit code, standard output and standard error."""

    def run(text: str, *options: str):
        (tmp_path / "a.toml").write_text(text)
        code = run_command_line(["asterisk-config", str(tmp_path / "a.toml"), "--out", str(tmp_path / "out"), *options])
        return code, *capsys.readouterr()

    return run


def modes(folder):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_each_application_has_a_folder_with_what_its_driver_needs(run, tmp_path):
    code, said, _ = run(text_of(AMI, ARI, SIM))
    assert code == 0
    assert said.splitlines() == [
        f"north: {tmp_path / 'out' / 'north'}: 6 files",
        f"north-b: {tmp_path / 'out' / 'north-b'}: 7 files",
        "What to do with them is in each README.txt.",
    ]
    assert not (tmp_path / "out" / "south").exists()
    only_ari = modes(tmp_path / "out" / "north-b").keys() - modes(tmp_path / "out" / "north").keys()
    assert only_ari == {"ari-outdial.conf"}


def test_without_being_asked_no_password_is_written_and_nobody_can_log_in(run, tmp_path):
    code, _, _ = run(text_of(AMI, ARI, SIM), "--from", "192.0.2.7")
    assert code == 0
    for path in (tmp_path / "out").rglob("*.*"):
        assert SECRET not in path.read_text()
    manager = (tmp_path / "out" / "north" / "manager-outdial.conf").read_text()
    assert "\nsecret" not in manager and "\n; secret = FILL IN\n" in manager
    assert "\npassword =" not in (tmp_path / "out" / "north-b" / "ari-outdial.conf").read_text()


def test_passwords_are_for_the_owner_only(run, tmp_path):
    run(text_of(AMI, ARI, SIM))  # readable files of an earlier run do not stay readable
    code, said, _ = run(text_of(AMI, ARI, SIM), "--with-secrets", "--json")
    assert code == 0
    north_b = json.loads(said)["servers"][1]
    assert (north_b["name"], north_b["secret_files"]) == ("north-b", ["manager-outdial.conf", "ari-outdial.conf"])
    for name, mode in modes(tmp_path / "out" / "north-b").items():
        text = (tmp_path / "out" / "north-b" / name).read_text()
        assert (SECRET in text) == (mode == 0o600) == (name in north_b["secret_files"]), name


def test_a_missing_password_stops_everything_before_the_first_file(run, tmp_path, monkeypatch):
    monkeypatch.delenv("ASTERISK_PASSWORD")
    code, _, said = run(text_of(AMI, SIM, SIM), "--with-secrets")
    assert (code, said) == (2, "outdial: environment variable ASTERISK_PASSWORD: holds no password\n")
    assert not (tmp_path / "out").exists()


def test_only_named_addresses_get_in_and_loopback_where_the_server_is_on_loopback(run, tmp_path):
    run(text_of(AMI, ARI, SIM))

    def permits(server):
        lines = (tmp_path / "out" / server / "manager-outdial.conf").read_text().splitlines()
        return [line for line in lines if line.startswith(("deny", "permit"))]

    nobody = ["deny = 0.0.0.0/0.0.0.0", "deny = ::/0"]
    assert permits("north") == nobody
    assert permits("north-b") == [*nobody, "permit = 127.0.0.0/8", "permit = ::1/128"]
    run(text_of(AMI, ARI, SIM), "--from", "192.0.2.7", "--from", "2001:db8::/32")
    assert permits("north") == [*nobody, "permit = 192.0.2.7/32", "permit = 2001:db8::/32"]


def test_every_wrong_address_is_told(run):
    code, _, said = run(text_of(AMI, SIM, SIM), "--from", "here", "--from", "192.0.2.7/24")
    assert code == 2
    assert [line.split(":")[1] for line in said.splitlines()] == [" --from here", " --from 192.0.2.7/24"]


def test_a_configuration_without_asterisk_is_told_so(run):
    code, _, said = run(text_with())
    assert code == 2 and "no server is an Asterisk" in said


def test_the_readme_names_the_steps_that_are_left(run, tmp_path):
    run(text_of(AMI, ARI, SIM))
    readme = (tmp_path / "out" / "north" / "README.txt").read_text()
    assert "outdial on this Asterisk: north\n" in readme and f"outdial doctor {tmp_path / 'a.toml'}\n" in readme
    assert "fill in permit" in readme and "fill in the password" in readme and "ari.conf" not in readme
    run(text_of(AMI, ARI, SIM), "--with-secrets")
    readme = (tmp_path / "out" / "north-b" / "README.txt").read_text()
    assert "fill in" not in readme and "ari.conf" in readme and "bindport = 8088" in readme


def test_the_readme_names_the_sounds_of_drop_messages(run, tmp_path):
    text = text_of(AMI, ARI, SIM).replace(
        "[[campaign-group]]\n", '[[campaign-group]]\ndrop-message = "beep&custom/sorry"\n', 1
    )
    assert run(text)[0] == 0
    readme = (tmp_path / "out" / "north" / "README.txt").read_text()
    assert "The sound beep is a drop message" in readme and "The sound custom/sorry is a drop message" in readme


def test_the_sample_shows_the_trunk_and_phones_of_this_configuration(run, tmp_path):
    strings = 'dial-string = "PJSIP/{number}@carrier"\nphone-string = "PJSIP/desk-{phone}"\n'
    run(text_of(AMI + strings, SIM, SIM))
    sample = (tmp_path / "out" / "north" / "pjsip-outdial-sample.conf").read_text()
    sections = [line.strip("[]") for line in sample.splitlines() if line.startswith("[")]
    assert sections == ["carrier"] * 3 + ["desk-1007"] * 3 + ["desk-10101"] * 3
    assert "and 3 more phones" in sample


def test_servers_with_names_that_a_file_system_mixes_up_have_folders_of_their_own(tmp_path):
    loaded = loads(text_of(AMI, AMI.replace("192.0.2.1", "192.0.2.2"), SIM))
    names = {1: "../a b", 11: ".._a:b"}
    edge = {dbid: replace(server, name=names.get(dbid, server.name)) for dbid, server in loaded.edge.items()}
    written = write_all(replace(loaded, edge=edge), tmp_path, with_secrets=False, permits=())
    assert [entry.folder.name for entry in written] == ["_a_b-1", "_a_b-11"]
    assert {path.parent for path in tmp_path.rglob("README.txt")} == {entry.folder for entry in written}


@pytest.mark.parametrize("user", ["a]", "a\n[b", "a;b", "a(!)", "general", "", "ü", "a b", "x" * 81])
def test_a_user_that_would_break_the_file_is_refused(user):
    with pytest.raises(ConfigError, match="cannot be the name of a user"):
        check_user(user)


@pytest.mark.parametrize("secret", ["q7\nz9", "q7z9\x00", " q7z9", "q7z9 ", "q7\tz9"])
def test_a_password_that_no_file_can_hold_is_refused(secret):
    with pytest.raises(ConfigError, match="Asterisk cannot read it") as caught:
        secret_line("secret", secret)
    assert secret not in str(caught.value)


def test_a_semicolon_in_a_password_begins_no_comment():
    assert secret_line("secret", "a;b") == "secret = a\\;b"


def test_permits_have_their_bits():
    assert permits_of(["192.0.2.1", "192.0.2.0/24", "::1"]) == ("192.0.2.1/32", "192.0.2.0/24", "::1/128")


def test_the_filter_lets_through_what_the_driver_listens_to():
    wanted = calls.WANTED | phones.WANTED
    answers_to_lists = {event for event in wanted if event.endswith(("Complete", "CoreShowChannel"))}
    assert wanted - answers_to_lists - set(EVENTS) == set()


def test_every_mark_of_every_file_is_filled_in():
    for text in server_files(Wanted("u", "s", ari_port=8088)).values():
        assert "@" not in text
