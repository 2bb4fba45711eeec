"""Connections to the API: how many there may be, and how long one may be open without asking for anything.

Whoever reaches the port may open connections before saying who they are. Each is an open file of the server, which the
dialer needs, too, to reach its nodes and its database.

Ours: the numbers (decision 0027).
"""

import asyncio
import contextlib
import resource
from typing import Any

CONNECTIONS_MAX = 10_000
"""More are closed at once. Unit: connections. Ours: 1,200 pages in browsers that open six each, and some."""
OTHER_FILES = 400
"""Open files that are left for the dialer. Ours: nodes with some connections each, the database, files being read."""
HEAD_S_MAX = 30
"""How long a connection may be open until the head of its first request is here, or that of its next. Unit: seconds."""


def connections_max() -> int:
    """How many connections there may be; the limit of open files is raised for them, as far as that may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + OTHER_FILES
    if soft == resource.RLIM_INFINITY:
        return CONNECTIONS_MAX
    if soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = max(soft, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return max(min(CONNECTIONS_MAX, soft - OTHER_FILES), soft // 2)


def impatient(count_max: int, head_s_max: float = HEAD_S_MAX) -> type[asyncio.Protocol]:
    """uvicorn's HTTP, with limits for those who connect and say nothing.

    Args:
        count_max: connections that there may be.
        head_s_max: see `HEAD_S_MAX`.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        _head_due: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > count_max:
                transport.abort()
            else:
                self._expect_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def on_response_complete(self) -> None:
            self._expect_head()
            super().on_response_complete()

        def _expect_head(self) -> None:
            self._stop_waiting()
            if not self.transport.is_closing():
                self._head_due = self.loop.call_later(head_s_max, self._give_up)

        def _give_up(self) -> None:
            self._head_due = None
            if self.cycle is None or self.cycle.response_complete:
                self.transport.close()

        def _stop_waiting(self) -> None:
            if self._head_due is not None:
                self._head_due.cancel()
                self._head_due = None

    return Impatient
