"""Requests over HTTP, one at a time, and what goes wrong with them."""

import http.client
import ipaddress
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from outdial.core.errors import OutdialError

TIMEOUT_S = 15.0
"""Longest silence of the server. Unit: seconds."""
BYTES_MAX = 64 * 2**20
"""Longest answer that is read. Unit: bytes."""
PIECE_BYTES = 2**16
"""What is read of a long answer at once. Unit: bytes."""
PREFIX = "/v1"


class NotReached(OutdialError):
    """The server does not answer, or what answers is none."""

    code = "not_reached"
    retriable = True


class NotSent(OutdialError):
    """The file that should be sent cannot be read."""

    code = "not_sent"


class Refused(OutdialError):
    """The server has refused a request (RFC 9457).

    Attributes:
        status: HTTP status.
        code: its stable code.
        mistakes: wrong values, one line each.
    """

    def __init__(self, status: int, code: str, detail: str, mistakes: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join([detail, *mistakes]))
        self.status = status
        self.code = code
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server has answered."""

    body: bytes
    tag: str = ""
    """Entity tag; empty: it has none."""


@dataclass(frozen=True, slots=True)
class FileToSend:
    """A body that is read while it is sent."""

    path: Path


Body: TypeAlias = bytes | FileToSend | None


class Transport(Protocol):
    """Carries requests to one server."""

    def send(self, method: str, path: str, body: Body = None, headers: Mapping[str, str] | None = None) -> Answer:
        """One request; `path` without the version.

        Raises:
            NotReached: there is no answer.
            NotSent: the body is a file that cannot be read.
            Refused: it is a refusal.
        """
        ...

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """An answer that has no end, line by line.

        Raises:
            NotReached: it has ended.
            Refused: it is a refusal.
        """
        ...

    def pieces(self, path: str) -> Iterator[bytes]:
        """A long answer, piece by piece.

        Raises:
            NotReached: it is cut off.
            Refused: it is a refusal.
        """
        ...


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A token is for one server only, so nobody is sent elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Http:
    """Requests with the standard library."""

    server: str
    """`http://host:port` or `https://host:port`."""
    token: str = field(default="", repr=False)
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        """Refuse addresses that are none, and tokens that anybody on the way could read."""
        parts = urllib.parse.urlsplit(self.server)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
            raise NotReached(f"{self.server}: no address of a server; allowed: http://host:port or https://host:port")
        if parts.scheme == "http" and self.token and not _is_loopback(parts.hostname):
            raise NotReached(f"{self.server}: a token is sent over https only, unless the server is on this machine")

    def send(self, method: str, path: str, body: Body = None, headers: Mapping[str, str] | None = None) -> Answer:
        """See `Transport.send`."""
        if isinstance(body, FileToSend):
            return self._send_file(method, path, body.path, headers or {})
        with self._open(method, path, body, headers or {}) as response:
            return self._answer(response)

    def _send_file(self, method: str, path: str, file: Path, headers: Mapping[str, str]) -> Answer:
        try:
            opened = file.open("rb")
        except OSError as error:
            raise NotSent(f"{file}: cannot be read: {error.strerror}") from error
        with opened:
            length = {"Content-Length": str(os.fstat(opened.fileno()).st_size)}
            with self._open(method, path, opened, {**headers, **length}) as response:
                return self._answer(response)

    def _answer(self, response: Any) -> Answer:
        content = response.read(BYTES_MAX + 1)
        if len(content) > BYTES_MAX:
            raise NotReached(f"{self.server}: the answer is longer than {BYTES_MAX:,} bytes")
        return Answer(content, response.headers.get("ETag", ""))

    def pieces(self, path: str) -> Iterator[bytes]:
        """See `Transport.pieces`."""
        with self._open("GET", path, None, {}) as response:
            while piece := response.read(PIECE_BYTES):
                yield piece

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        """See `Transport.lines`."""
        with self._open("GET", path, None, headers) as response:
            for line in response:
                yield line.decode().rstrip("\r\n")
        raise NotReached(f"{self.server}: the stream has ended")

    @contextmanager
    def _open(self, method: str, path: str, body: bytes | BinaryIO | None, headers: Mapping[str, str]) -> Iterator[Any]:
        named = {"Accept": "*/*", **headers}
        if self.token:
            named["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.server.rstrip("/") + PREFIX + path, body, named, method=method)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        try:
            with opener.open(request, timeout=self.timeout_s) as response:
                yield response
        except urllib.error.HTTPError as error:
            raise refusal_of(error.code, error.read(BYTES_MAX)) from error
        except (OSError, http.client.HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise NotReached(f"{self.server}: does not answer: {reason or type(error).__name__}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal_of(status: int, body: bytes) -> Refused:
    """A refusal as the server has told it, or in our words when it is not ours."""
    try:
        told = json.loads(body)
        mistakes = tuple(str(each) for each in told.get("mistakes") or ())
        return Refused(status, str(told["code"]), str(told["detail"]), mistakes)
    except (ValueError, KeyError, AttributeError, TypeError):
        return Refused(status, "http", f"the server answers with status {status}")
