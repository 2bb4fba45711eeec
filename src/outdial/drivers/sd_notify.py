"""Tells the service manager how this process is: starting, ready, reloading, stopping, alive.

The protocol of `sd_notify(3)`: datagrams of lines `NAME=value` to the Unix socket that `NOTIFY_SOCKET` names. Without
systemd there is no such variable, and nothing is sent. Nor does it ever matter to a call whether the service manager
listens: nothing here waits, and nothing raises.

    [Service]
    Type=notify-reload
    WatchdogSec=10
"""

import os
import socket
import time
from collections.abc import Mapping

# Longest text of a status. Unit: characters.
STATUS_MAX = 500

USEC = 1_000_000
"""Microseconds in a second."""


class Systemd:
    """The service manager's ear.

    Attributes:
        watchdog_s: how often `watchdog()` has to be called: half of what the service manager waits. None: it does not
            want to hear of it. Unit: s.
        failure: why the last message could not be sent; "" when it was, or when nobody listens. For people.
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        """Nothing is sent yet.

        Args:
            environ: holds NOTIFY_SOCKET, and for the watchdog WATCHDOG_USEC and WATCHDOG_PID.
        """
        self.failure = ""
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._socket: socket.socket | None = None
        self.watchdog_s = _watchdog_s(environ) if self._address else None
        if self._address:
            self._open()
        elif environ.get("NOTIFY_SOCKET"):
            self.failure = f"NOTIFY_SOCKET is {environ['NOTIFY_SOCKET']!r}: allowed are /path and @name"

    def ready(self) -> None:
        """Everything is up; after `reloading()`: the new configuration is in use."""
        self._send("READY=1")

    def reloading(self) -> None:
        """A new configuration is being read. `ready()` has to follow, also when the old one stays."""
        # systemd tells by the time that this answers its request; hence its clock, and not the loop's.
        now_usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now_usec}")

    def stopping(self) -> None:
        """The end has begun; no more dialing."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """What `systemctl status` shows. Line breaks become blanks, a long text is cut."""
        self._send("STATUS=" + " ".join(text.split())[:STATUS_MAX])

    def watchdog(self) -> None:
        """Still alive. To be called every `watchdog_s` by what must not hang."""
        if self.watchdog_s is not None:
            self._send("WATCHDOG=1")

    def close(self) -> None:
        """Say no more. May be called again."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        try:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            self._socket.setblocking(False)
        except OSError as error:
            self.failure = f"cannot tell the service manager: {error}"

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            # Not connected: the service manager may come back under the same name after an upgrade of itself.
            self._socket.sendto(message.encode("utf-8", "replace"), self._address)
        except (OSError, ValueError) as error:
            self.failure = f"cannot tell the service manager: {error}"
        else:
            self.failure = ""


def _address(text: str) -> str:
    """The socket's address for the kernel; "" for one that is none. A leading @ stands for the abstract namespace."""
    if "\0" in text or len(text) < 2:
        return ""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else ""


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Half of what the service manager waits, if it is us it waits for."""
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if pid and pid != str(os.getpid()):
        return None
    if not (usec.isascii() and usec.isdigit() and len(usec) <= 18 and int(usec) > 0):
        return None
    return int(usec) / 2 / USEC
