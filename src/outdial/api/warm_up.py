"""What an application puts off until somebody asks first, done beforehand: half a second that calls must not wait for.

It is done beside the event loop. Before that, the first request at all, and the first with a wrong method, each held
up every call; both may be a stranger's.
"""

import asyncio

from fastapi import FastAPI
from starlette.types import Message

PATH = "/v1/health/live"
"""Asks for nothing, and nobody is told of it."""


async def warm_up(app: FastAPI) -> None:
    """Have an application ready for its first request."""
    await asyncio.to_thread(_warm_up, app)


def _warm_up(app: FastAPI) -> None:
    app.openapi()
    asyncio.run(_ask(app))


async def _ask(app: FastAPI) -> None:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": PATH,
        "raw_path": PATH.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": None,
        "server": None,
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        pass

    await app(scope, receive, send)
