"""Messages to the service manager, against a real datagram socket in its place."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.drivers.sd_notify import STATUS_MAX, Systemd


@pytest.fixture(params=["path", "abstract"])
def listening(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """NOTIFY_SOCKET and the socket behind it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@outdial-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(name.replace("@", "\0", 1))
        ear.settimeout(5)
        yield name, ear


def test_each_message_is_one_datagram(listening: tuple[str, socket.socket]):
    name, ear = listening
    systemd = Systemd({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "10000000"})
    systemd.status("connecting 3 servers")
    systemd.ready()
    systemd.watchdog()
    systemd.stopping()
    systemd.close()
    heard = [ear.recv(4_096) for _ in range(4)]
    assert heard == [b"STATUS=connecting 3 servers", b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]
    assert systemd.failure == ""


def test_a_reload_tells_the_time_it_began(listening: tuple[str, socket.socket]):
    name, ear = listening
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    Systemd({"NOTIFY_SOCKET": name}).reloading()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
    first, second = ear.recv(4_096).decode().split("\n")
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    assert before <= int(second.removeprefix("MONOTONIC_USEC=")) <= after


def test_a_status_is_one_bounded_line(listening: tuple[str, socket.socket]):
    name, ear = listening
    systemd = Systemd({"NOTIFY_SOCKET": name})
    systemd.status("lost\nREADY=1\r\n" + "ä" * 10_000 + "\ud800")
    text = ear.recv(65_536).decode()
    assert text.startswith("STATUS=lost READY=1 ää")
    assert len(text) == len("STATUS=") + STATUS_MAX


def test_the_watchdog_wants_to_hear_twice_as_often_as_it_waits():
    assert Systemd({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "10000000"}).watchdog_s == 5.0
    ours = {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
    assert Systemd(ours).watchdog_s == 1.5


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-5"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "²"},
        {"WATCHDOG_USEC": "9" * 5_000},
        {"WATCHDOG_USEC": "10000000", "NOTIFY_SOCKET": ""},
    ],
)
def test_a_watchdog_that_is_not_wanted_is_not_fed(listening: tuple[str, socket.socket], environ: dict[str, str]):
    name, ear = listening
    systemd = Systemd({"NOTIFY_SOCKET": name, **environ})
    assert systemd.watchdog_s is None
    systemd.watchdog()
    ear.setblocking(False)
    with pytest.raises(BlockingIOError):
        ear.recv(1)


def test_without_a_service_manager_nothing_happens():
    systemd = Systemd({})
    say_everything(systemd)
    assert (systemd.failure, systemd.watchdog_s) == ("", None)


@pytest.mark.parametrize("name", ["/nobody/listens/here", "relative/path", "vsock:2:1", "@", "/" + "x" * 200, "/a\0b"])
def test_a_service_manager_that_cannot_be_reached_does_no_harm(name: str):
    systemd = Systemd({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "1000000"})
    say_everything(systemd)
    assert systemd.failure != ""


def test_a_service_manager_that_does_not_read_is_not_waited_for(listening: tuple[str, socket.socket]):
    name, ear = listening
    systemd = Systemd({"NOTIFY_SOCKET": name})
    for _ in range(1_000):  # the kernel keeps far fewer
        systemd.status("x")
    assert systemd.failure.startswith("cannot tell the service manager: ")
    ear.recv(4_096)
    systemd.status("y")
    assert systemd.failure == ""


def test_after_the_end_nothing_is_said(listening: tuple[str, socket.socket]):
    name, ear = listening
    systemd = Systemd({"NOTIFY_SOCKET": name})
    systemd.close()
    systemd.close()
    say_everything(systemd)
    ear.setblocking(False)
    with pytest.raises(BlockingIOError):
        ear.recv(1)


def say_everything(systemd: Systemd) -> None:
    systemd.ready()
    systemd.reloading()
    systemd.status("x")
    systemd.watchdog()
    systemd.stopping()
    systemd.close()
