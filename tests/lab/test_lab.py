"""The lab itself: real Asterisks boot with the shipped files, callees and phones do what their names say."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from lab_of_tests import Lab
from outdial.asterisk_files.texts import Wanted, server_files
from outdial.lab import LabUnavailable, fetch
from outdial.lab.children import Child
from outdial.lab.node import AMI_PORT, SECRET, USER, Node
from outdial.lab.sipp import STATUSES, Callees
from outdial.lab.sounds import RATE, SOUNDS, ulaw
from raw_manager import Manager

LIMIT_S = 20
NUMBERS = {"asterisk22": 122, "asterisk16": 116}
HEADER = {"OUTDIAL_HEADER_NAME": "Call-Info", "OUTDIAL_HEADER_VALUE": "<sip:outdial>;answer-after=0"}


@pytest.fixture(params=["asterisk22", "asterisk16"])
def node(request: pytest.FixtureRequest, lab: Lab) -> Node:
    """A booted node, shared by the stories here."""
    version = request.param
    node = lab.node(version, f"lab-{version}", NUMBERS[version])
    node.start()
    return node


def talk(node: Node, story: Callable[[Manager], Awaitable[None]], user: str = USER, secret: str = SECRET) -> None:
    """Run a story as a client of the manager interface."""

    async def run() -> None:
        async with asyncio.timeout(LIMIT_S):
            manager = Manager(*await asyncio.open_connection(node.address, AMI_PORT))
            manager.send(Action="Login", Username=user, Secret=secret)
            await manager.until(Event="FullyBooted")
            await story(manager)
            manager.close()

    asyncio.run(run())


async def transfer(manager: Manager, call: str, phone: str, ring_s: str) -> None:
    """Ring an agent's phone for a customer who waits, as outdial does."""
    for name, value in {"OUTDIAL_PHONE": f"PJSIP/{phone}", "OUTDIAL_RING_S": ring_s}.items():
        manager.send(Action="Setvar", Channel=call, Variable=name, Value=value)
    manager.send(Action="Redirect", Channel=call, Context="outdial", Exten="agent", Priority="1")


# --- getting programs ------------------------------------------------------------------------


def test_a_machine_without_the_tools_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabUnavailable, match="sipp cannot be fetched"):
        fetch("sipp", tmp_path)


def test_a_machine_whose_apt_knows_no_archive_is_told_so(tmp_path, monkeypatch):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "apt-get").write_text("#!/bin/sh\n")
    for tool in ("apt-cache", "apt-config", "dpkg-deb"):
        (tools / tool).write_text("#!/bin/sh\n")
    (tools / "dpkg").write_text("#!/bin/sh\necho amd64\n")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    monkeypatch.delenv("DEBIAN_ARCHIVE", raising=False)
    with pytest.raises(LabUnavailable, match=r"no archive|no keys of the Debian archive"):
        fetch("sipp", tmp_path / "cache")


@pytest.mark.slow
def test_what_is_there_is_not_fetched_again(lab, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert (fetch("sipp") / "bin" / "sipp").exists()


# --- children --------------------------------------------------------------------------------


@pytest.mark.slow
def test_children_do_not_outlive_a_process_that_is_killed(tmp_path):
    program = (
        "import pathlib, sys, time\nfrom outdial.lab.children import Child\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "child = Child(['sleep', 60], cwd=folder, output=folder / 'out')\n"
        "print(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        wait_until(lambda: name_of(child) == "sleep")
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: name_of(child) == "")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def name_of(pid: int) -> str:
    """The program that a process runs; empty when it has ended."""
    try:
        name, state = Path(f"/proc/{pid}/stat").read_text().split("(", 1)[1].rsplit(")", 1)
    except OSError:
        return ""
    return "" if state.split()[0] == "Z" else name


def test_waiting_for_a_child_ends_when_the_child_ends(tmp_path):
    child = Child(["true"], cwd=tmp_path, output=tmp_path / "out")
    assert not child.wait_until(lambda: False, limit_s=30)
    assert child.code == 0


# --- sounds ----------------------------------------------------------------------------------


def test_sounds_are_mu_law():
    # the points of G.711 where silence, both ends of the range and a step of the middle lie
    assert {sample: ulaw(sample) for sample in (0, -1, 32_767, -32_768, 1_000)} == {
        0: 0xFF,
        -1: 0x7F,
        32_767: 0x80,
        -32_768: 0x00,
        1_000: 0xCE,
    }
    assert {name: round(len(make()) / RATE, 1) for name, make in SOUNDS.items()} == {
        "person.ulaw": 10.6,
        "machine.ulaw": 10.0,
        "fax.ulaw": 10.5,
    }


# --- nodes -----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_node_boots_with_the_shipped_files_and_complains_of_nothing(node):
    dialplan = node.cli("dialplan show outdial")
    for exten in (
        "wait",
        "detect",
        "join",
        "detect-join",
        "engaged",
        "agent",
        "auto-answer",
        "message",
        "preview",
        "fax",
    ):
        assert f"'{exten}'" in dialplan
    errors = [line for line in node.log().splitlines() if "ERROR[" in line and "websocket_client.conf" not in line]
    assert errors == []
    for module in ("app_amd", "res_ari", "res_manager_devicestate", "chan_pjsip", "res_pjsip_header_funcs"):
        assert "1 modules loaded" in node.cli(f"module show like {module}.so")


@pytest.mark.slow
def test_the_shipped_user_hears_what_dialing_needs_and_nothing_else(node):
    async def story(manager: Manager) -> None:
        manager.originate("only-1", "PJSIP/20001@trunk")
        await manager.until(Event="Hangup", Uniqueid="only-1")
        heard = {message["Event"] for message in manager.messages if "Event" in message}
        assert heard == {
            *("FullyBooted", "DialBegin", "DialState", "DialEnd"),
            *("Newstate", "OriginateResponse", "UserEvent", "DeviceStateChange", "Hangup"),
        }
        for action, fields in {
            "Command": {"Command": "core show version"},
            "Reload": {},
            "UpdateConfig": {"SrcFilename": "a.conf", "DstFilename": "a.conf"},
            "GetVar": {"Variable": "SHELL(id)"},
        }.items():
            manager.send(Action=action, ActionID=action, **fields)
            assert (await manager.until(ActionID=action))["Response"] == "Error", action

    talk(node, story)


@pytest.mark.slow
def test_a_password_with_the_characters_of_comments_works(node):
    secret = 'a;b\\c"d;-- e'
    files = server_files(Wanted("odd.user@x", secret, permits=("127.0.0.0/8",)))
    text = (node.folder / "etc" / "manager.conf").read_text()
    (node.folder / "etc" / "manager-odd.conf").write_text(files["manager-outdial.conf"])
    (node.folder / "etc" / "manager.conf").write_text(text + '\n#include "manager-odd.conf"\n')
    node.cli("manager reload")

    async def story(manager: Manager) -> None:
        manager.send(Action="Ping", ActionID="here")
        assert (await manager.until(ActionID="here"))["Response"] == "Success"

    talk(node, story, "odd.user@x", secret)


@pytest.mark.slow
def test_a_node_hangs_wakes_dies_and_comes_back(node):
    node.hang()
    assert node.is_running and node.cli("core show version", limit_s=0.3) == ""
    node.wake()
    assert "Asterisk" in node.cli("core show version")
    node.kill9()
    assert not node.is_running
    node.start()
    node.stop()
    assert not node.is_running
    node.start()


# --- callees and phones ----------------------------------------------------------------------


@pytest.mark.slow
def test_callees_do_what_the_number_says(node, lab):
    refusals = ("2486", "2603", "2404", "2503", "2302", "2699")
    tail = f"9{node.address.split('.')[-1]}"

    async def story(manager: Manager) -> None:
        for number in (*refusals, "2000", "2001", "2002", "2180", "2999"):
            manager.originate(f"does-{number}", f"PJSIP/{number}{tail}@trunk", timeout_ms=600)
        for number in refusals:
            await manager.until(Event="OriginateResponse", Uniqueid=f"does-{number}", Response="Failure", Reason="0")
        for number in ("2180", "2999"):
            await manager.until(Event="OriginateResponse", Uniqueid=f"does-{number}", Response="Failure", Reason="3")
        await manager.until(Event="Hangup", Uniqueid="does-2000")
        ups = {m["Uniqueid"] for m in manager.messages if m.get("Event") == "Newstate" and m["ChannelState"] == "6"}
        assert ups == {"does-2000", "does-2001", "does-2002"}
        rang = {m["Uniqueid"] for m in manager.messages if m.get("Event") == "Newstate" and m["ChannelState"] == "5"}
        assert rang == {"does-2000", "does-2001", "does-2180"}
        for number in ("2001", "2002"):
            manager.send(Action="Hangup", Channel=f"does-{number}", Cause="16")
            await manager.until(Event="Hangup", Uniqueid=f"does-{number}", Cause="16")

    talk(node, story)
    counts = lab.callees.counts()
    assert {number: counts[f"{number}{tail}"] for number in ("2000", "2486", "2999")} == {
        "2000": 1,
        "2486": 1,
        "2999": 1,
    }
    seen = next(seen for seen in lab.callees.calls() if seen.number == f"2000{tail}")
    assert abs(seen.at_s - time.time()) < 60


@pytest.mark.slow
def test_persons_machines_and_faxes_are_told_apart(node):
    async def story(manager: Manager) -> None:
        for number in ("2010", "2011", "2012"):
            manager.originate(f"hears-{number}", f"PJSIP/{number}@trunk", "detect")
        for number, status in {"2012": "FAX", "2010": "HUMAN", "2011": "MACHINE"}.items():
            verdict = await manager.until(Event="UserEvent", UserEvent="OutdialVerdict", Uniqueid=f"hears-{number}")
            assert verdict["Status"] == status
            manager.send(Action="Hangup", Channel=f"hears-{number}", Cause="16")

    talk(node, story)


@pytest.mark.slow
def test_phones_answer_refuse_and_ring_and_are_asked_to_answer_by_themselves(node, lab):
    before = len(lab.phones.calls())

    async def story(manager: Manager) -> None:
        await manager.answered("meets", "PJSIP/2002@trunk", **HEADER)
        for phone, status in {"agent1801": "BUSY", "agent1901": "NOANSWER", "phone2002": "CHANUNAVAIL"}.items():
            # Asterisk 16 takes 0.2 for no limit at all; the dialplan rounds up
            await transfer(manager, "meets", phone, "0.2")
            await manager.until(Event="UserEvent", UserEvent="OutdialNotConnected", Uniqueid="meets", Status=status)
        await transfer(manager, "meets", "agent1001", "5")
        await manager.until(Event="DialEnd", Uniqueid="meets", DialStatus="ANSWER")
        manager.send(Action="Hangup", Channel="meets", Cause="16")
        await manager.until(Event="Hangup", Uniqueid="meets")

    talk(node, story)
    rung = lab.phones.calls()[before:]
    assert [seen.number for seen in rung] == ["agent1801", "agent1901", "agent1001"]
    assert {seen.call_info for seen in rung} == {HEADER["OUTDIAL_HEADER_VALUE"]}


@pytest.mark.slow
def test_a_phone_registers_and_leaves(node, lab):
    async def story(manager: Manager) -> None:
        lab.phones.register("phone2001", node.address)
        await manager.until(Event="DeviceStateChange", Device="PJSIP/phone2001", State="NOT_INUSE")
        lab.phones.register("phone2001", node.address, expires_s=0)
        await manager.until(Event="DeviceStateChange", Device="PJSIP/phone2001", State="UNAVAILABLE")

    talk(node, story)


@pytest.mark.slow
def test_a_preview_call_ends_with_the_cause_of_the_customer(node):
    async def story(manager: Manager) -> None:
        for number, cause in {"2486": "17", "2404": "1", "2180": "19"}.items():
            call = f"preview-{number}"
            values = {"OUTDIAL_DIAL": f"PJSIP/{number}@trunk", "OUTDIAL_RING_S": "0.3"}
            manager.originate(call, "PJSIP/agent1002", "preview", **values)
            assert (await manager.until(Event="Hangup", Uniqueid=call))["Cause"] == cause

    talk(node, story)


@pytest.mark.slow
def test_a_repeated_invite_is_one_call(lab):
    invite = (
        "INVITE sip:24861234@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {me};branch=z9hG4bK-one\r\nFrom: <sip:a@{me}>;tag=1\r\n"
        "To: <sip:24861234@{to}>\r\nCall-ID: one@{me}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@{me}>\r\n"
        "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5)
        phone.connect((lab.callees.address, 5060))
        me = "{}:{}".format(*phone.getsockname())
        for _ in range(3):
            phone.send(invite.format(to=lab.callees.contact, me=me).encode())
            assert phone.recv(4_096).startswith(b"SIP/2.0 486 ")
    assert lab.callees.counts()["24861234"] == 1


@pytest.mark.slow
def test_every_status_is_answered_with_itself(lab):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.settimeout(5)
        phone.connect((lab.callees.address, 5060))
        me = "{}:{}".format(*phone.getsockname())
        for status in STATUSES:
            lines = [
                *(f"INVITE sip:2{status}77@{lab.callees.contact} SIP/2.0", f"Via: SIP/2.0/UDP {me};branch=z9{status}"),
                *(f"From: <sip:a@{me}>;tag=1", f"To: <sip:2{status}77@x>", f"Call-ID: {status}@{me}"),
                *("CSeq: 1 INVITE", f"Contact: <sip:a@{me}>", "Max-Forwards: 70", "Content-Length: 0"),
            ]
            phone.send("\r\n".join([*lines, "", ""]).encode())
            while not (answer := phone.recv(4_096)).decode().count(f"Call-ID: {status}@"):
                pass  # a repetition of an answer that nobody acknowledged
            assert answer.startswith(f"SIP/2.0 {status} ".encode())


@pytest.mark.slow
def test_callees_that_cannot_listen_say_so(lab, tmp_path):
    second = Callees(fetch("sipp"), tmp_path, lab.callees.address)
    with pytest.raises(LabUnavailable, match="does not listen"):
        second.start()
