"""All servers of the configuration: every command finds its way to the one that it is for.

Commands about connections, dial and engage requests name their server. The others name a call, and go to the server
that has its leg; when none has, the call is over, and that is what the core is told.

A server that a new configuration does not have any more is *leaving*: the core still has calls to end there, and says
`Disconnect` when it has said everything. Its connections are reset a moment later, as a reset throws away what has not
left the socket.
"""

import asyncio
import secrets
import string
from collections.abc import Callable, Sequence

from outdial.core.commands import (
    Command,
    Connect,
    Dial,
    Disconnect,
    Engage,
    Join,
    PlayMessage,
    QueryCalls,
    Release,
    ReleaseEngaging,
    StartIvr,
    SubscribePhones,
    Transfer,
)
from outdial.core.events import CallReleased, EngagingReleased, Event, ServerLost
from outdial.core.settings import Configuration
from outdial.core.units import ServerId
from outdial.drivers.asterisk import AsteriskServer, AsteriskSettings

RUN_CHARACTERS = 8
LEAVE_S = 1.0
"""Pause between the last word to a server that leaves and the reset of its connections. Unit: seconds. Ours."""

TO_SERVER = (Connect, Disconnect, QueryCalls, SubscribePhones, Dial, Engage)
"""Commands that name their server."""
TO_CALL = (Transfer, Join, StartIvr, PlayMessage, Release, ReleaseEngaging)
"""Commands that name a call."""


class Servers:
    """The SIP side of a running outdial.

    Attributes:
        by_id: every server, those that are leaving included.
    """

    def __init__(self, emit: Callable[[Event], None], run: str | None = None) -> None:
        """No servers yet.

        Args:
            emit: takes every event, from the event loop's own thread.
            run: marks the channels of this process; None: drawn. Shape: 8 lower-case letters or digits.
        """
        self.by_id: dict[ServerId, AsteriskServer] = {}
        self._emit = emit
        self._run = run if run is not None else draw_run()
        self._leaving: dict[ServerId, asyncio.TimerHandle | None] = {}
        """Servers that are not in the configuration any more; the timer runs from the core's last word on."""

    def configure(self, configuration: Configuration, servers: Sequence[AsteriskSettings]) -> None:
        """Take in a configuration, the first one or a changed one.

        A server whose settings changed is let go and made anew; the core connects to it when it wants to. So is one
        that comes back while it is leaving.
        """
        groups = {group.dbid: group for group in configuration.campaign_groups}
        wanted = {settings.server_id: settings for settings in servers}
        before: dict[ServerId, AsteriskServer] = {}
        for server_id, server in list(self.by_id.items()):
            if server_id not in wanted:
                self._leaving.setdefault(server_id, None)
            elif server_id in self._leaving or wanted[server_id] != server.settings:
                before[server_id] = server
                self._let_go(server_id)
                self._emit(ServerLost(server_id, "its configuration changed"))
        for server_id, settings in wanted.items():
            if server_id not in self.by_id:
                self.by_id[server_id] = made = AsteriskServer(settings, self._run, self._emit)
                old = before.get(server_id)
                if old is not None and (old.settings.host, old.settings.port) == (settings.host, settings.port):
                    made.take_over(old)  # the same Asterisk: its calls live on
            self.by_id[server_id].configure(groups)

    def carry_out(self, command: Command) -> bool:
        """Carry out a command if it is one to a server. Returns whether it was."""
        if isinstance(command, Disconnect) and command.server_id in self._leaving:
            self._leave_soon(command.server_id)
            return True
        if isinstance(command, TO_SERVER):
            server = self.by_id.get(command.server_id)
            if server is not None:
                server.carry_out(command)
            elif isinstance(command, Connect):
                self._emit(ServerLost(command.server_id, "it is not in the configuration"))
            return True
        if not isinstance(command, TO_CALL):
            return False
        server = next((each for each in self.by_id.values() if each.has_call(command.call_id)), None)
        if server is not None:
            server.carry_out(command)
        else:
            engaging = isinstance(command, ReleaseEngaging)
            self._emit(EngagingReleased(command.call_id) if engaging else CallReleased(command.call_id))
        return True

    async def close(self) -> None:
        """Reset every connection."""
        for server_id in list(self._leaving):
            self._let_go(server_id)
        for server in self.by_id.values():
            server.abort()

    def _leave_soon(self, server_id: ServerId) -> None:
        if self._leaving[server_id] is None:
            loop = asyncio.get_running_loop()
            self._leaving[server_id] = loop.call_later(LEAVE_S, self._let_go, server_id)

    def _let_go(self, server_id: ServerId) -> None:
        """Reset a server's connections and forget it."""
        timer = self._leaving.pop(server_id, None)
        if timer is not None:
            timer.cancel()
        self.by_id.pop(server_id).abort()


def draw_run() -> str:
    """A mark for the channels of one process."""
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(RUN_CHARACTERS))
