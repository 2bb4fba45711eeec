"""Streams end when their caller's right does: a session is signed out, a token revoked, a campaign taken away.

A stream may go on for days; who asked was known when it began. So it is looked again whenever it has something to say,
a heartbeat at the latest, but not more often than `LOOK_MS`. That the page is open also keeps its session from being
idle.
"""

from collections.abc import Callable
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.access import Access, Caller
from outdial.api.problems import Problem
from outdial.core.errors import OutdialError
from outdial.core.units import SECOND_MS, Millis

LOOK_MS: Final = 30 * SECOND_MS
"""Shortest time between two looks. Ours."""
_STREAM: Final = b"text/event-stream"


class StreamEnded(OutdialError):
    """Nobody has a right to the stream any more."""

    code = "stream_ended"


class StreamWatch:
    """Looks whether a stream still has a caller."""

    def __init__(self, app: ASGIApp, *, access: Access, mono_ms: Callable[[], Millis]) -> None:
        """Prepare.

        Args:
            app: what answers.
            access: recognises callers.
            mono_ms: a clock that only goes forward.
        """
        self._app = app
        self._access = access
        self._mono_ms = mono_ms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        is_stream, looked_ms, caller = False, 0, None

        async def watched(message: Message) -> None:
            nonlocal is_stream, looked_ms, caller
            if message["type"] == "http.response.start":
                is_stream = any(name == b"content-type" and _STREAM in value for name, value in message["headers"])
                if is_stream:
                    looked_ms, caller = self._mono_ms(), await self._caller(scope, None)
            elif is_stream and self._mono_ms() - looked_ms >= LOOK_MS:
                looked_ms = self._mono_ms()
                if await self._caller(scope, caller) != caller:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    raise StreamEnded("the caller's right has ended or changed")
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except StreamEnded:
            return

    async def _caller(self, scope: Scope, before: Caller | None) -> Caller | None:
        """Who asks. None: nobody any more. While nobody can tell, it is who it was before."""
        try:
            return await self._access.identify(HTTPConnection(scope))
        except Problem as problem:
            return None if problem.status in (401, 403) else before
        except OutdialError:
            return before
