"""A receiver of webhooks on loopback, whose moods a test decides, and which believes nobody without a signature."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from outdial.config.secrets import Secret
from outdial.config.webhooks import Webhook, WebhookEvent
from outdial.store.outbox import MessageDue

KEY = b"a secret of more than 24 bytes"
WITHIN_S = 10.0
NOW = 1_800_000_000_000


class GivenSecret(Secret):
    """A secret that needs no file."""

    __slots__ = ()

    def read(self) -> bytes:
        return KEY


def verified(headers: Any, body: bytes) -> bool:
    """Whether a message is from somebody who knows the secret: written from the specification, with nothing of ours."""
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    expected = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    return any(
        hmac.compare_digest(one.partition(",")[2], expected)
        for one in headers["webhook-signature"].split(" ")
        if one.startswith("v1,")
    )


class Receiving:
    """What came, and how it is answered.

    Attributes:
        came: every request. Shape: [(id, body)].
        accepted: those that were answered well.
        answers: status codes for the next requests; then 204.
        is_free: cleared, it thinks before it answers.
        headers: of its answers.
    """

    def __init__(self) -> None:
        self.came: list[tuple[str, dict[str, Any]]] = []
        self.accepted: list[str] = []
        self.answers: list[int] = []
        self.headers: dict[str, str] = {}
        self.is_free = asyncio.Event()
        self.is_free.set()
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; on the same port as before."""
        app = web.Application()
        app.router.add_post("/hook", self._take)
        app.router.add_post("/elsewhere", self._take)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Be gone."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def webhook(self, name: str = "crm", timeout_ms: int = 5_000, **changes: Any) -> Webhook:
        events = changes.pop("events", tuple(WebhookEvent))
        return Webhook(name, f"http://127.0.0.1:{self.port}/hook?key=1", GivenSecret(), events, (), timeout_ms)

    @property
    def ids(self) -> list[str]:
        return [one for one, _ in self.came]

    async def until(self, is_so) -> None:
        async def look() -> None:
            while not is_so():
                await asyncio.sleep(0.002)

        await asyncio.wait_for(look(), WITHIN_S)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert verified(request.headers, body), "nobody would believe this"
        message_id = request.headers["webhook-id"]
        self.came.append((message_id, json.loads(body)))
        await self.is_free.wait()
        status = self.answers.pop(0) if self.answers else 204
        if 200 <= status < 300:
            self.accepted.append(message_id)
        return web.Response(status=status, headers=self.headers)


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiving]:
    one = Receiving()
    await one.start()
    try:
        yield one
    finally:
        one.is_free.set()
        await one.stop()


def message(n: int, lane: str = "", webhook: str = "crm") -> MessageDue:
    return MessageDue(f"att_1-{n}", webhook, "attempt.settled", lane or f"record:{n}", f'{{"n":{n}}}', NOW)
