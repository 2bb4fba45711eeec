"""What an ARI link is made of: its address, its HTTP session, and the words for why there is none."""

import base64
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

# An idle connection is dropped before the server does it: Asterisk's default `session_keep_alive` is 15 s. Unit: s.
KEEP_ALIVE_S = 10.0

# l_onoff, l_linger: closing resets the connection and throws away what is unsent.
LINGER_RESET = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class AriAddress:
    """Where ARI is and as whom to speak to it."""

    host: str
    port: int
    user: str
    password: Callable[[], str]
    """Called at each attempt to connect; may raise OutdialError."""
    app: str
    """Name of the Stasis application. A second link with the same one takes it over."""


def make_session(address: AriAddress) -> aiohttp.ClientSession:
    """A session that carries the login and resets its connections when it is closed.

    Raises:
        OutdialError: the password cannot be had.
    """
    login = base64.b64encode(f"{address.user}:{address.password()}".encode()).decode("ascii")
    return aiohttp.ClientSession(
        # As many connections as requests may run, which the lanes see to, and the websocket.
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, socket_factory=_resetting_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Authorization": f"Basic {login}", "Accept-Encoding": "identity"},
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,
    )


def url_of(address: AriAddress, path: str, query: tuple[tuple[str, str], ...] = ()) -> URL:
    """The address of a resource; `path` is quoted already, `query` is not."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    tail = "?" + urlencode(query, quote_via=quote) if query else ""
    return URL(f"http://{host}:{address.port}/ari{path}{tail}", encoded=True)


def why_not(error: Exception, address: AriAddress) -> str:
    """Why a connection could not be made, in words that tell what to do."""
    if isinstance(error, aiohttp.WSServerHandshakeError):
        known = {
            401: f"login refused: ARI knows no user {address.user!r} with this password (ari.conf)",
            403: f"login refused: ARI user {address.user!r} may not do this (ari.conf)",
            404: "there is no ARI: load res_ari and res_ari_events and enable them (http.conf, ari.conf)",
            503: "the server is not fully booted yet",
        }
        return known.get(error.status, f"the websocket was refused with HTTP {error.status}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {address.host} port {address.port}: {_words(error.os_error)}"
    return f"cannot open ARI: {error or type(error).__name__}"


def _words(error: OSError) -> str:
    """What the system says; asyncio puts words of its own in the place of `strerror`."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)  # name resolution


def _resetting_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that resets its connection whenever it is closed."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    return made
