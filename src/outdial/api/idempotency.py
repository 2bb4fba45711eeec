"""Requests that come twice: a POST with an `Idempotency-Key` is carried out once, and its answer given again.

Who has not heard the answer (a connection broke, a proxy gave up) asks again with the same key. Kept are answers to
what was done; what was refused may be tried again. What hands out or takes secrets is left out, as answers are kept in
the database: names are unique there, so a second try is a conflict.

Source: IETF draft "The Idempotency-Key HTTP Header Field". Ours: 24 hours, the limits (decision 0027).
"""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.access import Access
from outdial.api.credentials import AccessRecords, AnswerKey, KeptAnswer
from outdial.api.problems import Problem, answer
from outdial.core.errors import OutdialError

HEADER: Final = "idempotency-key"
REPLAYED: Final = "idempotency-replayed"
KEY_PATTERN: Final = r"^[\x21-\x7e]{1,200}$"
KEY: Final = "1 … 200 printable ASCII characters without blanks"
LEFT_OUT: Final = ("/v1/session", "/v1/tokens", "/v1/users")
KEPT_CHARACTERS_MAX: Final = 262_144
"""Longest answer that is given again as a whole; of a longer one, the status. Unit: characters."""


class Idempotency:
    """Carries requests with a key out once."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        access: Access,
        records: AccessRecords,
        utc_ms: Callable[[], int],
        is_upload: Callable[[str], bool],
    ) -> None:
        """Prepare.

        Args:
            app: what answers.
            access: recognises callers; a key is the caller's own.
            records: where answers are kept.
            utc_ms: the present instant.
            is_upload: whether a path takes files, whose content is not part of what is compared.
        """
        self._app = app
        self._access = access
        self._records = records
        self._utc_ms = utc_ms
        self._is_upload = is_upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or give an answer again."""
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" and scope["method"] == "POST" else None
        path = scope.get("path", "")
        if key is None or any(path == route or path.startswith(f"{route}/") for route in LEFT_OUT):
            await self._app(scope, receive, send)
            return
        try:
            found = await self._begin(scope, receive, key)
        except OutdialError as error:
            await answer(_as_problem(error))(scope, receive, send)
            return
        if found is None:  # nobody asks: the route says so
            await self._app(scope, receive, send)
            return
        place, kept, again = found
        if kept is None:
            await self._carry_out(scope, again, send, place)
        else:
            await _again(kept)(scope, receive, send)

    async def _begin(
        self, scope: Scope, receive: Receive, key: str
    ) -> tuple[AnswerKey, KeptAnswer | None, Receive] | None:
        """Look whether the request has come before.

        Returns:
            What it is known by, its answer (None: it comes for the first time), and what reads its body. None: the
            caller is not known.

        Raises:
            Problem: the key is none, was used for something else, or is being answered at the moment.
            OutdialError: the database cannot be reached, so nothing can be promised.
        """
        if re.fullmatch(KEY_PATTERN, key) is None:
            raise Problem(422, "invalid_request", f"Idempotency-Key: allowed: {KEY}")
        try:
            caller = await self._access.identify(HTTPConnection(scope))
        except Problem:
            return None
        query = scope["query_string"].decode("latin-1")
        route = f"{scope['method']} {scope['path']}" + (f"?{query}" if query else "")
        again = receive if self._is_upload(scope["path"]) else _Reread(await _body_of(receive), receive)
        headers = Headers(scope=scope)
        said = [headers.get("content-type", ""), headers.get("content-length", "") if again is receive else ""]
        body = again.body if isinstance(again, _Reread) else b""
        fingerprint = hashlib.sha256("\n".join(said).encode("latin-1", "replace") + b"\n\n" + body).hexdigest()
        place = AnswerKey(caller.name, key, route)
        kept = await self._records.begin_answer(place, fingerprint, self._utc_ms())
        if kept is not None and kept.fingerprint != fingerprint:
            raise Problem(422, "idempotency_key_reused", "this Idempotency-Key was used for another request")
        if kept is not None and kept.status is None:
            raise Problem(
                409, "in_progress", "the first request with this key is being answered", headers={"Retry-After": "1"}
            )
        return place, kept, again

    async def _carry_out(self, scope: Scope, receive: Receive, send: Send, place: AnswerKey) -> None:
        """Let the application answer, and keep what it says before it is sent."""
        messages: list[Message] = []

        async def hold(message: Message) -> None:
            messages.append(message)

        try:
            await self._app(scope, receive, hold)
        except asyncio.CancelledError:
            raise  # nobody knows how far it came: until it counts as lost, it is not tried again
        except BaseException:
            await self._records.drop_answer(place)
            raise
        with contextlib.suppress(OutdialError):  # what was done is done, and has to be told
            await self._keep(place, messages)
        for message in messages:
            await send(message)

    async def _keep(self, place: AnswerKey, messages: list[Message]) -> None:
        status = next((message["status"] for message in messages if message["type"] == "http.response.start"), 500)
        if status >= 400:
            await self._records.drop_answer(place)
            return
        headers = Headers(raw=messages[0]["headers"])
        body = b"".join(message.get("body", b"") for message in messages[1:]).decode("utf-8", "replace")
        if len(body) > KEPT_CHARACTERS_MAX or "\0" in body:
            body = ""
        await self._records.keep_answer(place, status, headers.get("content-type", ""), body)


class _Reread:
    """A body that has been read, to be read again."""

    def __init__(self, body: bytes, rest: Receive) -> None:
        self.body = body
        self._rest = rest
        self._is_read = False

    async def __call__(self) -> Message:
        if self._is_read:
            return await self._rest()
        self._is_read = True
        return {"type": "http.request", "body": self.body, "more_body": False}


async def _body_of(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Problem(400, "bad_request", "the request was broken off")
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(kept: KeptAnswer) -> Response:
    assert kept.status is not None
    headers = {REPLAYED: "true"} | ({"content-type": kept.media_type} if kept.media_type else {})
    return Response(kept.body, kept.status, headers)


def _as_problem(error: OutdialError) -> Problem:
    if isinstance(error, Problem):
        return error
    return Problem(503, error.code, str(error), headers={"Retry-After": "1"})
