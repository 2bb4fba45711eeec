"""What a request may cost before anybody looks at it: names, sizes, time.

Ours: the numbers (decision 0027).
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from outdial.api.origins import Origins
from outdial.api.problems import Problem, answer

BODY_BYTES_MAX: Final = 2**20
HEADER_BYTES_MAX: Final = 32_768
HEADERS_MAX: Final = 100
TARGET_BYTES_MAX: Final = 8_192
"""Path and query together."""
ANSWER_S_MAX: Final = 30.0
"""Longest time until an answer begins, reading the body included. Unit: seconds."""
UPLOAD_S_MAX: Final = 3_600.0
UPLOADS: Final[Mapping[str, int]] = {
    r"/v1/lists/[0-9]+/(imports|consents)": 2**31,
    r"/v1/dnc/[^/]+/imports": 2**31,
    "/v1/configuration": 2**22,
}
"""Routes that take files. Shape: {pattern of the path: bytes}. They read as they go and never keep the whole."""
COMMAS_MAX: Final = 1_100
"""Values of a body in JSON, less one. Origin: each wrong one costs the event loop 20 us, and all of them are named."""
COMMAS: Final[Mapping[str, int]] = {"/v1/session": 10, r"/v1/dnc/[^/]+/numbers": 10_050}
"""Routes of which that is not true. Shape: {pattern of the path: values}. Strangers may sign in."""
_TEXT_OR_COMMA = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|,', re.DOTALL)


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """The limits of one application."""

    origins: Origins = field(default_factory=lambda: Origins(is_loopback=False))
    body_bytes_max: int = BODY_BYTES_MAX
    uploads: Mapping[str, int] = field(default_factory=lambda: UPLOADS)
    commas: Mapping[str, int] = field(default_factory=lambda: COMMAS)
    answer_s_max: float = ANSWER_S_MAX
    upload_s_max: float = UPLOAD_S_MAX

    def upload_bytes_max(self, path: str) -> int | None:
        """How much may be uploaded to a route. None: it takes no files."""
        return _of_path(self.uploads, path)

    def commas_max(self, path: str) -> int:
        """How many values, less one, a body may have that is read as a whole."""
        found = _of_path(self.commas, path)
        return COMMAS_MAX if found is None else found


def _of_path(limits: Mapping[str, int], path: str) -> int | None:
    return next((count for pattern, count in limits.items() if re.fullmatch(pattern, path)), None)


class LimitRequests:
    """Refuses requests that cost too much."""

    def __init__(self, app: ASGIApp, *, limits: RequestLimits) -> None:
        """Prepare.

        Args:
            app: what answers.
            limits: how much may be.
        """
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload_bytes_max = self._limits.upload_bytes_max(scope["path"])
        bytes_max = self._limits.body_bytes_max if upload_bytes_max is None else upload_bytes_max
        seconds_max = self._limits.answer_s_max if upload_bytes_max is None else self._limits.upload_s_max
        problem = self._refusal(scope, bytes_max)
        if problem is not None:
            await answer(problem)(scope, receive, send)
            return
        has_begun, taken, body = False, 0, bytearray()
        commas_max = self._limits.commas_max(scope["path"])

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            piece = message.get("body", b"")
            taken += len(piece)
            if taken > bytes_max:
                raise HTTPException(413, _too_large(bytes_max))
            if upload_bytes_max is None and message["type"] == "http.request":
                body.extend(piece)
                if not message.get("more_body", False) and has_more_commas(body, commas_max):
                    raise HTTPException(413, f"the body has too many values; allowed: at most {commas_max + 1:,}")
            return message

        try:
            async with asyncio.timeout(seconds_max) as limit:

                async def timed(message: Message) -> None:
                    nonlocal has_begun
                    has_begun = True
                    limit.reschedule(None)  # a stream may go on for hours
                    await send(message)

                await self._app(scope, counted, timed)
        except TimeoutError:
            if has_begun or not limit.expired():
                raise
            late = Problem(503, "timeout", f"no answer within {seconds_max:g} s", headers={"Retry-After": "1"})
            await answer(late)(scope, receive, send)
        except HTTPException as error:
            if has_begun:
                raise
            await answer(Problem(error.status_code, "content_too_large", error.detail))(scope, receive, send)

    def _refusal(self, scope: Scope, bytes_max: int) -> Problem | None:
        """What is wrong with a request before its body is read."""
        given = scope["headers"]
        if len(given) > HEADERS_MAX or sum(len(name) + len(value) for name, value in given) > HEADER_BYTES_MAX:
            allowed = f"at most {HEADERS_MAX} of them and {HEADER_BYTES_MAX:,} bytes"
            return Problem(431, "headers_too_large", f"the headers are too large; allowed: {allowed}")
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > TARGET_BYTES_MAX:
            return Problem(414, "uri_too_long", f"the address is too long; allowed: at most {TARGET_BYTES_MAX:,} bytes")
        headers = Headers(raw=given)
        if not self._limits.origins.is_our_name(headers.get("host", "")):
            return Problem(421, "wrong_host", "Host does not name this machine; trusted-origins may have more names")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            return Problem(400, "bad_request", "Content-Length is no number")
        if int(length[:20]) > bytes_max:
            return Problem(413, "content_too_large", _too_large(bytes_max))
        return None


def has_more_commas(body: bytes | bytearray, commas_max: int) -> bool:
    """Whether a body in JSON has more commas than it may, those in texts left out. Looks no further than it must."""
    if body.count(b",") <= commas_max:
        return False
    found = 0
    for match in _TEXT_OR_COMMA.finditer(body):
        found += match[0] == b","
        if found > commas_max:
            return True
    return False


def _too_large(bytes_max: int) -> str:
    return f"the body is too large; allowed: at most {bytes_max:,} bytes"
