"""Every request has a name, which its answer and its line in the log have too."""

import re
import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.origins import SAFE_METHODS
from outdial.api.problems import answer, bug

HEADER: Final = b"x-request-id"
_GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
PATH_CHARACTERS_MAX: Final = 200

Tell = Callable[[dict[str, Any]], None]
"""Takes a line for the log: `request_id`, `method`, `path`, `status`, `ms`, `by`."""


class RequestLog:
    """Names requests, and tells of those that change something or are refused. Queries and bodies are not told."""

    def __init__(self, app: ASGIApp, *, tell: Tell | None = None) -> None:
        """Prepare.

        Args:
            app: what answers.
            tell: takes lines; None: nobody does.
        """
        self._app = app
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the name."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER.decode(), "")
        name = given if _GIVEN.fullmatch(given) else secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = name
        status, began_s, has_begun = 500, time.perf_counter(), False

        async def with_name(message: Message) -> None:
            nonlocal status, has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), (HEADER, name.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, with_name)
        except Exception:
            if not has_begun:
                await answer(bug())(scope, receive, with_name)
            raise  # the server logs it
        finally:
            if self._tell is not None and (status >= 400 or scope["method"] not in SAFE_METHODS):
                self._tell(
                    {
                        "request_id": name,
                        "method": scope["method"],
                        "path": scope["path"][:PATH_CHARACTERS_MAX],
                        "status": status,
                        "ms": round((time.perf_counter() - began_s) * 1_000),
                        "by": state.get("caller", ""),
                    }
                )
