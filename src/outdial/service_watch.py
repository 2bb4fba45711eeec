"""Who looks on while the server runs: the log with its summary, and systemd with readiness, status and watchdog.

Looking means a snapshot, which costs time in proportion to the configuration; a large one is looked at less often.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import Event, ServerConnected, ServerLost
from outdial.core.snapshot import Snapshot
from outdial.core.units import Now, ServerId
from outdial.drivers.sd_notify import Systemd
from outdial.service_log import ServiceLog, status_text

LOOK_S = 1.0
"""Shortest time between two looks. Unit: seconds."""
LOOK_SHARE_MAX = 0.02
"""Largest share of the time that looking may take."""
SUMMARY_S = 60.0
"""Period of the summary line. Unit: seconds."""
READY_S_MAX = 15.0
"""When the service counts as started although servers have not answered. Unit: seconds. Origin: above the core's own
wait for a connection."""


class Watch:
    """Tells the log and systemd how things stand.

    Attributes:
        is_ready: a server is up, or all have been tried.
    """

    def __init__(
        self,
        core: Dialer,
        lines: ServiceLog,
        systemd: Systemd,
        servers: Iterable[ServerId],
        counts: Callable[[], dict[str, Any]],
        *on_look: Callable[[Snapshot], None],
    ) -> None:
        """Nothing is watched yet.

        Args:
            core: the dialer.
            lines: takes what has changed.
            systemd: the service manager, if there is one.
            servers: primary servers, whose first answers make the service ready.
            counts: further figures for the summary.
            on_look: told at each look.
        """
        self._core = core
        self._lines = lines
        self._systemd = systemd
        self._unanswered = dict.fromkeys(servers)
        self._counts = counts
        self._on_look = on_look
        self.is_ready = False
        self._began_s = self._next_look_s = self._next_summary_s = 0.0
        self._status = ""
        self._watchdog: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The service starts now."""
        self._began_s = asyncio.get_running_loop().time()
        self._next_summary_s = self._began_s + SUMMARY_S
        self._keep_watchdog()

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """The service has started once a server is up, or every primary server has been tried."""
        if self.is_ready:
            return
        if isinstance(event, ServerConnected):
            self._ready()
        elif isinstance(event, ServerLost):
            self._unanswered.pop(event.server_id, None)
            if not self._unanswered:
                self._ready()

    def look(self) -> None:
        """Compare with the last look, if it is time for another."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._next_look_s:
            return
        if not self.is_ready and now_s - self._began_s >= READY_S_MAX:
            self._ready()
        started_s = time.perf_counter()
        snapshot = self._core.snapshot()
        for look in self._on_look:
            look(snapshot)
        if self.is_ready:  # before that, nothing has been lost yet
            self._lines.compare(snapshot)
        if now_s >= self._next_summary_s:
            self._next_summary_s = now_s + SUMMARY_S
            self._lines.summary(snapshot, **self._counts())
        status = status_text(snapshot)
        if status != self._status:
            self._status = status
            self._systemd.status(status)
        took_s = time.perf_counter() - started_s
        self._next_look_s = now_s + max(LOOK_S, took_s / LOOK_SHARE_MAX)

    def reloading(self) -> None:
        """The configuration is being read anew."""
        self._systemd.reloading()

    def reloaded(self) -> None:
        """It has been, with whatever result."""
        self._systemd.ready()

    def stopping(self) -> None:
        """The service comes to its end."""
        self._systemd.stopping()

    def close(self) -> None:
        """Nobody looks any more."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._systemd.close()

    def _ready(self) -> None:
        self.is_ready = True
        self._systemd.ready()

    def _keep_watchdog(self) -> None:
        """The loop that steps the core is alive as long as this is called."""
        if self._systemd.watchdog_s is not None:
            self._systemd.watchdog()
            loop = asyncio.get_running_loop()
            self._watchdog = loop.call_later(self._systemd.watchdog_s, self._keep_watchdog)
