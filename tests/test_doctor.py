"""`outdial doctor` against a scripted Asterisk: what it says of a good one, and of every fault it knows."""

import asyncio
import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest
from aiohttp import web
from typer.testing import CliRunner

from config_samples import PIECES, load_text, text_with
from outdial import cli, doctor_talk
from outdial.config.loaded import Password, Server
from outdial.config.servers import Driver
from outdial.doctor import Diagnosis, is_healthy, look_at_database, needs_of, print_report
from outdial.doctor_asterisk import ARI_EXTENSIONS, ARI_MODULES, EXTENSIONS, MODULES, endpoint_of, examine
from outdial.doctor_findings import Finding, Level, Needs

CHALLENGE = "840415273"
EASY = ("Originate", "Hangup", "Redirect", "Setvar", "CoreShowChannels", "DeviceStateList", "ShowDialPlan")

Block = list[tuple[str, str]]


class Asterisk:
    """Everything that the doctor may ask about, healthy until a test changes it. Remembers what it was asked."""

    def __init__(self) -> None:
        self.banner = "Asterisk Call Manager/11.0.0"
        self.password = "geheim"
        self.version = "22.10.1"
        self.clock_ahead_s: float | None = 0.0
        self.commands = [*EASY, "ModuleCheck"]
        self.modules = {*MODULES, *ARI_MODULES}
        self.dialplan = {"outdial": [*EXTENSIONS, *ARI_EXTENSIONS], "menu": ["s", "1"]}
        self.devices = {"PJSIP/trunk": "NOT_INUSE", "PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "INUSE"}
        self.quiet_about = ""
        """An action that gets no answer."""
        self.ari_password = self.password
        self.ari_trial_status = 404
        self.ari_in_use = False
        self.asked: list[str] = []

    # --- AMI ---------------------------------------------------------------------------------------------------------

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(f"{self.banner}\r\n".encode())
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                fields = dict(line.split(": ", 1) for line in text.strip().split("\r\n"))
                if fields["Action"] == self.quiet_about:
                    continue
                for block in self.answer(fields):
                    lines = [*block, ("ActionID", fields["ActionID"])] if block[0][1] != "FullyBooted" else block
                    writer.write("".join(f"{key}: {value}\r\n" for key, value in lines).encode() + b"\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def answer(self, fields: dict[str, str]) -> list[Block]:
        action = fields["Action"]
        if action not in ("Ping", "Challenge", "Login"):
            self.asked.append(action)
        good, bad = ("Response", "Success"), ("Response", "Error")
        if action == "Challenge":
            return [[good, ("Challenge", CHALLENGE)]]
        if action == "Login":
            key = hashlib.md5((CHALLENGE + self.password).encode()).hexdigest()
            if fields["Key"] != key:
                return [[bad, ("Message", "Authentication failed")]]
            return [[good], [("Event", "FullyBooted"), ("Status", "Fully Booted")]]
        if action == "CoreSettings":
            return [[good, ("AsteriskVersion", self.version)]]
        if action == "Ping":
            told = [] if self.clock_ahead_s is None else [("Timestamp", f"{time.time() + self.clock_ahead_s:.6f}")]
            return [[good, ("Ping", "Pong"), *told]]
        if action == "ListCommands":
            return [[good, *((name, f"Does it.  (Priv: {name})") for name in self.commands)]]
        if action == "ModuleCheck":
            return [[good if fields["Module"] in self.modules else bad, ("Message", "")]]
        if action == "ShowDialPlan":
            return self.list_dialplan(fields["Context"])
        assert action == "DeviceStateList", f"the doctor asked for {action}"
        states = self.devices.items()
        listed = [[("Event", "DeviceStateChange"), ("Device", name), ("State", state)] for name, state in states]
        return [[good, ("EventList", "start")], *listed, [("Event", "DeviceStateListComplete")]]

    def list_dialplan(self, context: str) -> list[Block]:
        if context not in self.dialplan:
            return [[("Response", "Error"), ("Message", f"Did not find context {context}")]]
        steps = [
            [("Event", "ListDialplan"), ("Context", context), ("Extension", name), ("Priority", "1")]
            for name in self.dialplan[context]
        ]
        return [[("Response", "Success"), ("EventList", "start")], *steps, [("Event", "ShowDialPlanComplete")]]

    # --- ARI ---------------------------------------------------------------------------------------------------------

    async def serve_ari(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if request.headers["Authorization"] != web_login("dialer", self.ari_password):
            return web.Response(status=401)
        kind, _, rest = request.path.removeprefix("/ari/").partition("/")
        if kind == "events":
            websocket = web.WebSocketResponse(timeout=0.1)
            await websocket.prepare(request)
            await websocket.receive()
            return websocket
        if kind == "applications":
            return web.json_response({}, status=200 if self.ari_in_use or rest.endswith("-doctor") else 404)
        if kind == "bridges":
            return web.Response(status=self.ari_trial_status)
        assert rest.startswith("modules/"), f"the doctor asked for {request.path}"
        if rest.removeprefix("modules/").removesuffix(".so") in self.modules:
            return web.json_response({"status": "Running"})
        return web.json_response({"message": "Module could not be found in running modules"}, status=404)


def web_login(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@asynccontextmanager
async def running(asterisk: Asterisk):
    """Both of its ports."""
    manager = await asyncio.start_server(asterisk.talk, "127.0.0.1", 0)
    app = web.Application()
    app.router.add_route("*", "/ari/{rest:.*}", asterisk.serve_ari)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield manager.sockets[0].getsockname()[1], runner.addresses[0][1]
    finally:
        await runner.cleanup()
        manager.close()


@pytest.fixture
def asterisk(monkeypatch) -> Asterisk:
    monkeypatch.setenv("DOCTOR_TEST_PASSWORD", "geheim")
    return Asterisk()


NEEDS = Needs(phones=("1001", "1002"), applications={"menu": "east"})


def server_at(port: int, ari_port: int | None, **options) -> Server:
    driver = Driver.ASTERISK_AMI if ari_port is None else Driver.ASTERISK_ARI
    password = Password(variable="DOCTOR_TEST_PASSWORD")
    options = {"host": "127.0.0.1", "user": "dialer", "password": password} | options
    return Server(1, "north", 1, driver, port=port, ari_port=ari_port, **options)


def findings_of(asterisk: Asterisk, needs: Needs = NEEDS, *, ari: bool = True, **options) -> list[Finding]:
    async def look() -> list[Finding]:
        async with running(asterisk) as (port, ari_port):
            return await examine(server_at(port, ari_port if ari else None, **options), needs)

    return asyncio.run(look())


def faults(found: list[Finding]) -> list[tuple[str, Level, str]]:
    return [(one.check, one.level, one.text) for one in found if one.level is not Level.OK]


# --- a good server -------------------------------------------------------------------------------------------------


def test_a_good_server_has_no_faults_and_is_looked_at_in_order(asterisk):
    found = findings_of(asterisk)
    assert faults(found) == []
    expected = ["manager", "version", "clock", "rights", "dialplan", "ivr", "trunk", "phones", "ari", "modules"]
    assert [one.check for one in found] == expected
    assert all(one.text and not one.advice for one in found)


def test_without_ari_nothing_of_ari_is_asked_or_wanted(asterisk):
    asterisk.modules -= ARI_MODULES.keys()
    asterisk.dialplan["outdial"] = list(EXTENSIONS)
    assert faults(findings_of(asterisk, ari=False)) == []
    assert not any("/ari/" in asked for asked in asterisk.asked)


def test_nothing_on_the_server_is_changed_and_a_running_outdial_keeps_its_application(asterisk):
    findings_of(asterisk)
    websockets = [asked for asked in asterisk.asked if "/events" in asked]
    assert websockets == ["GET /ari/events?app=outdial-doctor&subscribeAll=false"]
    deleted = [asked for asked in asterisk.asked if asked.startswith(("POST", "PUT", "DELETE"))]
    assert deleted == ["DELETE /ari/bridges/outdial-doctor-none"]
    questions = {"CoreSettings", "ListCommands", "ShowDialPlan", "DeviceStateList", "ModuleCheck"}
    assert {asked for asked in asterisk.asked if "/" not in asked} == questions


# --- faults, one at a time -----------------------------------------------------------------------------------------

FAULTS = {
    "an old version": (
        {"version": "13.38.3"},
        ("version", Level.WARNING, "Asterisk 13.38.3"),
    ),
    "a clock that is ahead": (
        {"clock_ahead_s": 60.0},
        ("clock", Level.WARNING, "60.0 s ahead of ours"),
    ),
    "a clock that is behind": (
        {"clock_ahead_s": -7_200.0},
        ("clock", Level.WARNING, "7200.0 s behind ours"),
    ),
    "no clock": (
        {"clock_ahead_s": None},
        ("clock", Level.NOTE, "the server does not tell its time"),
    ),
    "no right to originate": (
        {"commands": [name for name in EASY if name != "Originate"] + ["ModuleCheck"]},
        ("rights", Level.ERROR, "the user may not Originate"),
    ),
    "no dialplan": (
        {"dialplan": {"menu": ["s"]}},
        ("dialplan", Level.ERROR, "there is no context [outdial]"),
    ),
    "half a dialplan": (
        {"dialplan": {"menu": ["s"], "outdial": [*EXTENSIONS]}},
        ("dialplan", Level.ERROR, "context [outdial] lacks join, detect-join, engaged"),
    ),
    "no IVR context": (
        {"dialplan": {"outdial": [*EXTENSIONS, *ARI_EXTENSIONS]}},
        ("ivr", Level.ERROR, "context [menu] does not exist"),
    ),
    "an IVR context that cannot be entered": (
        {"dialplan": {"menu": ["start"], "outdial": [*EXTENSIONS, *ARI_EXTENSIONS]}},
        ("ivr", Level.ERROR, "context [menu] has no extension s"),
    ),
    "no trunk": (
        {"devices": {"PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "RINGING"}},
        ("trunk", Level.ERROR, "PJSIP/{number}@trunk: there is no endpoint 'trunk'"),
    ),
    "a trunk out of reach": (
        {"devices": {"PJSIP/trunk": "UNAVAILABLE", "PJSIP/1001": "NOT_INUSE", "PJSIP/1002": "RINGING"}},
        ("trunk", Level.ERROR, "PJSIP/{number}@trunk: endpoint 'trunk' cannot be reached"),
    ),
    "an unknown phone": (
        {"devices": {"PJSIP/trunk": "UNKNOWN", "PJSIP/1001": "NOT_INUSE"}},
        ("phones", Level.ERROR, "unknown: 1 of 2 phones: 1002"),
    ),
    "a phone that is switched off": (
        {"devices": {"PJSIP/trunk": "INUSE", "PJSIP/1001": "UNAVAILABLE", "PJSIP/1002": "BUSY"}},
        ("phones", Level.WARNING, "out of reach: 1 of 2 phones: 1001"),
    ),
    "a missing module": (
        {"modules": {*MODULES, *ARI_MODULES} - {"app_amd"}},
        ("modules", Level.ERROR, "app_amd is not loaded"),
    ),
    "a missing module that only ARI may tell of": (
        {"modules": {*MODULES, *ARI_MODULES} - {"res_ari_bridges"}, "commands": [*EASY]},
        ("modules", Level.ERROR, "res_ari_bridges is not loaded"),
    ),
    "an ARI password of its own": (
        {"ari_password": "other"},
        ("ari", Level.ERROR, "login refused: ARI knows no user 'dialer' with this password (ari.conf)"),
    ),
    "an ARI user who may only read": (
        {"ari_trial_status": 403},
        ("ari", Level.ERROR, "user 'dialer' may only read"),
    ),
    "an ARI without bridges": (
        {"ari_trial_status": 500},
        ("ari", Level.ERROR, "no bridges: HTTP 500"),
    ),
    "an application in use": (
        {"ari_in_use": True},
        ("ari", Level.NOTE, "application 'outdial' is in use now; only one outdial can have it"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_fault_is_told_in_one_line_with_advice(asterisk, name):
    changes, expected = FAULTS[name]
    for key, value in changes.items():
        setattr(asterisk, key, value)
    found = findings_of(asterisk)
    assert faults(found) == [expected]
    [fault] = [one for one in found if one.level is not Level.OK]
    assert fault.advice or fault.level is Level.NOTE


def test_what_the_user_may_not_ask_is_said_and_left_out(asterisk):
    asterisk.commands = [name for name in EASY if name not in ("DeviceStateList", "ShowDialPlan")]
    assert faults(findings_of(asterisk, ari=False)) == [
        ("rights", Level.ERROR, "the user may not DeviceStateList"),
        ("dialplan", Level.NOTE, "not looked at: the user may not ask (write = reporting)"),
        ("trunk", Level.NOTE, "PJSIP/{number}@trunk: not looked at: the user may not ask"),
        ("modules", Level.NOTE, "not looked at: the user may not ask (write = system)"),
    ]


def test_many_phones_are_counted_and_a_few_named(asterisk):
    needs = Needs(phones=tuple(str(phone) for phone in range(1_001, 1_101)))
    text = "unknown: 98 of 100 phones: 1003, 1004, 1005, 1006, 1007 and 93 more"
    assert faults(findings_of(asterisk, needs)) == [("phones", Level.ERROR, text)]


def test_channels_of_another_technology_are_not_judged(asterisk):
    found = findings_of(asterisk, dial_string="DAHDI/g1/{number}", phone_string="SIP/{phone}")
    assert faults(found) == [
        ("trunk", Level.NOTE, "DAHDI/g1/{number}: not looked at: its technology is not PJSIP"),
        ("phones", Level.NOTE, "SIP/{phone}: not looked at: its technology is not PJSIP"),
    ]


@pytest.mark.parametrize(
    "channel, endpoint",
    [
        ("PJSIP/1@trunk", "trunk"),
        ("PJSIP/trunk/sip:1@carrier.example", "trunk"),
        ("PJSIP/1001", "1001"),
        ("pjsip/1001", "1001"),
        ("SIP/1001", None),
        ("PJSIP", None),
        ("", None),
    ],
)
def test_the_endpoint_of_a_channel(channel, endpoint):
    assert endpoint_of(channel) == endpoint


# --- not getting in ------------------------------------------------------------------------------------------------


def only(found: list[Finding]) -> tuple[str, str]:
    assert found[-1].level is Level.ERROR and found[-1].advice
    assert faults(found) == [(found[-1].check, Level.ERROR, found[-1].text)]
    return found[-1].check, found[-1].text


def test_a_refused_login_ends_the_look(asterisk):
    asterisk.password = "changed"
    assert only(findings_of(asterisk)) == ("manager", "login refused: Authentication failed")


def test_a_closed_port_ends_the_look(asterisk):
    async def look() -> list[Finding]:
        async with running(asterisk) as (port, _):
            pass
        return await examine(server_at(port, None), NEEDS)

    check, text = only(asyncio.run(look()))
    assert check == "manager" and "refused" in text


def test_another_service_on_the_port_ends_the_look(asterisk):
    asterisk.banner = "SSH-2.0-OpenSSH_9.2"
    check, text = only(findings_of(asterisk))
    assert check == "manager" and "banner" in text


def test_a_missing_password_ends_the_look_before_anything_is_connected(asterisk, monkeypatch):
    monkeypatch.delenv("DOCTOR_TEST_PASSWORD")
    assert only(findings_of(asterisk))[0] == "password"
    assert asterisk.asked == []


def test_an_unknown_name_ends_the_look(asterisk):
    check, text = only(findings_of(asterisk, host="no-such-host.invalid"))
    assert check == "name" and text.startswith("no-such-host.invalid: ")


def test_a_server_that_stops_answering_ends_the_look(asterisk, monkeypatch):
    monkeypatch.setattr(doctor_talk, "ANSWER_LIMIT_S", 0.2)
    asterisk.quiet_about = "ShowDialPlan"
    assert only(findings_of(asterisk)) == ("manager", "no answer to ShowDialPlan within 0.2 s")


# --- the command ---------------------------------------------------------------------------------------------------


def test_phones_and_applications_come_from_the_configuration():
    group = PIECES["group"].replace("predictive", "predictive-gvp") + 'ivr-application = "menu"\n'
    needs = needs_of(load_text(text_with(group=group)))
    assert needs.phones == ("1007", "10101", "10102", "10103", "10104") and needs.applications == {"menu": "east"}


def test_simulated_servers_are_healthy_and_unbuilt_drivers_are_not(tmp_path):
    file = tmp_path / "outdial.toml"
    file.write_text(text_with())
    result = CliRunner().invoke(cli.app, ["doctor", str(file), "--json"])
    answer = json.loads(result.stdout)
    assert (result.exit_code, answer["ok"]) == (0, True)
    assert [server["findings"][0]["text"] for server in answer["servers"]] == [
        "simulated: there is nothing to look at"
    ] * 3
    login = 'driver = "freeswitch-esl"\nhost = "127.0.0.1"\npassword-env = "X"\n'
    file.write_text(text_with(south=PIECES["south"].replace('driver = "sim"\n', login)))
    result = CliRunner().invoke(cli.app, ["doctor", str(file)])
    assert result.exit_code == 1
    assert "driver freeswitch-esl is not built" in result.stdout and "3 servers: 1 error, 0 warnings" in result.stdout


def test_a_file_with_mistakes_is_told_as_by_check(tmp_path, capsys):
    file = tmp_path / "outdial.toml"
    file.write_text("[ocs]\nnonsense = 1\n")
    assert cli.run_command_line(["doctor", str(file)]) == 2
    assert "nonsense" in capsys.readouterr().err


@contextmanager
def background(asterisk: Asterisk) -> Iterator[int]:
    """An Asterisk on an event loop of its own, for the command brings its own loop too."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    manager = asyncio.run_coroutine_threadsafe(asyncio.start_server(asterisk.talk, "127.0.0.1", 0), loop).result(5)
    try:
        yield manager.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(manager.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def test_a_real_server_is_looked_at_and_described(asterisk, tmp_path):
    asterisk.devices |= {"PJSIP/1007": "NOT_INUSE"} | {f"PJSIP/1010{n}": "NOT_INUSE" for n in range(1, 5)}
    file = tmp_path / "outdial.toml"
    with background(asterisk) as port:
        login = f'driver = "asterisk-ami"\nhost = "127.0.0.1"\nport = {port}\nuser = "dialer"\n'
        south = PIECES["south"].replace('driver = "sim"\n', login + 'password-env = "DOCTOR_TEST_PASSWORD"\n')
        agents = PIECES["agent-group"].replace("sip-cluster-asm-dial-node = 2\n", "")
        file.write_text(text_with(south=south, agent_group=agents))
        result = CliRunner().invoke(cli.app, ["doctor", str(file)])
        assert (result.exit_code, result.stderr) == (0, "")
        assert "Asterisk 22.10.1" in result.stdout and "3 servers: 0 errors, 0 warnings" in result.stdout
        answer = json.loads(CliRunner().invoke(cli.app, ["doctor", str(file), "--json"]).stdout)
    south = answer["servers"][-1]
    assert (south["server_id"], south["name"], south["driver"], south["port"]) == (2, "south", "asterisk-ami", port)
    assert {finding["level"] for finding in south["findings"]} == {"ok"}


def test_what_a_server_says_is_printed_as_text_and_nothing_else(capsys):
    from rich.console import Console

    finding = Finding("manager", Level.ERROR, "[red]boo[/red] \x1b[2J", "do [this]")
    diagnosis = Diagnosis(Server(1, "north", 1, Driver.ASTERISK_AMI, "host", 5038), (finding,))
    print_report(Console(width=100), [diagnosis])
    printed = capsys.readouterr().out
    assert "[red]boo[/red] �[2J" in printed and "→ do [this]" in printed and "\x1b" not in printed
    assert not is_healthy([diagnosis])


# --- the database -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "database, warning, levels",
    [
        ("", None, ["ok"]),
        ("", "SQLite 3.40.1 can lose rows", ["warning"]),
        ('[serve]\ndatabase = "postgresql://outdial@db/outdial"\n', "SQLite 3.40.1 can lose rows", []),
    ],
)
def test_the_database_of_the_configuration(tmp_path, monkeypatch, database, warning, levels):
    path = tmp_path / "outdial.toml"
    path.write_text("".join(PIECES.values()) + database)
    monkeypatch.setattr("outdial.doctor.sqlite_warning", lambda: warning)
    found = look_at_database(path)
    assert [finding.level for finding in found] == levels
    shown = CliRunner().invoke(cli.app, ["doctor", str(path), "--json"])
    assert [each["level"] for each in json.loads(shown.output)["database"]] == levels
    shown = CliRunner().invoke(cli.app, ["doctor", str(path)])
    assert ("can lose rows" in shown.output) == ("warning" in levels)
