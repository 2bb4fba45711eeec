"""One AMI connection: bytes to actions, login, and what becomes of requests when the server hangs."""

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable
from dataclasses import dataclass

from outdial.drivers.fake_asterisk.outlet import Faults, Outlet
from outdial.drivers.fake_asterisk.sockets import reset

REQUEST_BYTES_MAX = 64 * 1024
"""One request; a longer one ends the connection."""
UNREAD_BYTES_MAX = 64 * 1024 * 1024
"""What a client may leave unread before its connection is reset (Asterisk gives up after its `writetimeout`)."""
HUNG_BYTES_MAX = 4 * 1024 * 1024
"""What a hung server's kernel takes before the client's writes block."""
LOGIN_FAILED_S = 1.0
"""From a refused login to the answer, as measured; then the connection is closed."""
STALE_AFTER_FIN, STALE_AFTER_RESET = 2, 1
"""Requests that still come to life when a hung server wakes whose client closed or reset the connection meanwhile.

Measured with 20 Originates written to a stopped Asterisk: 20 with the connection open, 2 after close, 1 after reset.
"""


@dataclass(frozen=True, slots=True)
class Action:
    """One request: last value of each header, and every `Variable`."""

    name: str
    """Lower case."""
    fields: dict[str, str]
    """By lower-case key."""
    variables: list[tuple[str, str]]

    def get(self, key: str) -> str:
        return self.fields.get(key, "")


def parse_action(block: str) -> Action:
    """Headers of one request. Lines without a colon are skipped, as Asterisk does."""
    fields: dict[str, str] = {}
    variables = []
    for line in block.split("\r\n"):
        key, colon, value = line.partition(":")
        if not colon:
            continue
        key, value = key.strip().lower(), value.strip()
        if key == "variable" and "=" in value:
            name, _, content = value.partition("=")
            variables.append((name.lstrip("_"), content))
        fields[key] = value
    return Action(fields.get("action", "").lower(), fields, variables)


@dataclass(frozen=True, slots=True)
class Door:
    """What a session needs of its server."""

    user: str
    password: str
    banner: str
    on_login: Callable[["AmiSession"], None]
    """A login succeeded: events from now on."""
    on_action: Callable[["AmiSession", Action], None]
    on_lost: Callable[["AmiSession"], None]
    is_hung: Callable[[], bool]
    refuses_logins: Callable[[], bool]
    faults: Faults
    draw: random.Random


class AmiSession(asyncio.Protocol):
    """A client of the manager port. Tells the actions of a logged-in client to the server, in order."""

    def __init__(self, door: Door) -> None:
        self.wants_events = True
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._outlet = Outlet(self._write, door.faults, door.draw, door.is_hung)
        self._buffer = b""
        self._greeted = False
        self._logged_in = False
        self._challenge = ""
        self._closing = False

    # --- connection -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._door.is_hung():
            self._greet()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._door.is_hung():
            self._work(None)
        elif len(self._buffer) > HUNG_BYTES_MAX and self._transport is not None:
            self._transport.pause_reading()  # the kernel's buffers are full

    def eof_received(self) -> bool:
        """The client closed its side. A hung server does not notice before it wakes."""
        if self._door.is_hung():
            self._closing = True
            return True
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._outlet.close()
        self._transport = None
        if not self._door.is_hung():
            self._door.on_lost(self)
        elif exc is not None or not self._closing:
            self._closing = True
            self._keep(STALE_AFTER_RESET)

    def wake(self) -> None:
        """The server goes on after hanging."""
        if self._transport is None:
            self._work(STALE_AFTER_FIN)  # of a reset connection not more than its one request is left
            self._door.on_lost(self)
            return
        self._transport.resume_reading()
        if not self._greeted:
            self._greet()
        self._work(STALE_AFTER_FIN if self._closing else None)
        self._outlet.flush()
        if self._closing:
            self._transport.close()

    def reset(self) -> None:
        """End the connection at once, with RST; nobody is told here."""
        self._outlet.close()
        if self._transport is not None:
            reset(self._transport)
            self._transport = None

    def _greet(self) -> None:
        self._greeted = True
        self._outlet.send(self._door.banner + "\r\n")

    def _write(self, batch: list[str]) -> None:
        if self._transport is None:
            return
        self._transport.write("".join(batch).encode())
        if self._transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            self.reset()
            self._door.on_lost(self)

    # --- messages ---------------------------------------------------------------------------------------------

    def send_event(self, event: str) -> None:
        if self._logged_in and self.wants_events:
            self._outlet.send_event(event)

    def send(self, text: str) -> None:
        """A message that belongs to a response; complete with its empty line."""
        self._outlet.send(text)

    def respond(self, action: Action, response: str, *fields: tuple[str, str]) -> None:
        """`Response`, the request's ActionID, then these headers."""
        action_id = action.get("actionid")
        head = f"Response: {response}\r\n" + (f"ActionID: {action_id}\r\n" if action_id else "")
        self._outlet.send(head + "".join(f"{key}: {value}\r\n" for key, value in fields) + "\r\n")

    def fail(self, action: Action, message: str) -> None:
        self.respond(action, "Error", ("Message", message))

    def log_off(self) -> None:
        """Close in order, after what is still to be said."""
        self._outlet.flush()
        self._outlet.close()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _keep(self, requests: int) -> None:
        """Only the first few of the waiting requests survive."""
        self._buffer = b"".join(block + b"\r\n\r\n" for block in self._buffer.split(b"\r\n\r\n")[:-1][:requests])

    def _work(self, requests_max: int | None) -> None:
        if requests_max is not None:
            self._keep(requests_max)
        *blocks, self._buffer = self._buffer.split(b"\r\n\r\n")
        if len(self._buffer) > REQUEST_BYTES_MAX:
            self.reset()
            self._door.on_lost(self)
            return
        for n, block in enumerate(blocks):
            if self._door.is_hung():  # hung by an action of this very batch
                self._buffer = b"\r\n\r\n".join([*blocks[n:], self._buffer])
                return
            if block.strip(b"\r\n"):
                self._act(parse_action(block.decode("utf-8", "replace").strip("\r\n")))

    def _act(self, action: Action) -> None:
        if action.name == "login":
            self._log_in(action)
        elif action.name == "challenge":
            if action.get("authtype").lower() == "md5":
                self._challenge = str(self._door.draw.randrange(100_000_000, 1_000_000_000))
                self.respond(action, "Success", ("Challenge", self._challenge))
            else:
                self.fail(action, "Must specify AuthType")
        elif not self._logged_in:
            self.fail(action, "Permission denied" if action.name else "Missing action in request")
        else:
            self._door.on_action(self, action)

    def _log_in(self, action: Action) -> None:
        if self._door.refuses_logins():
            self.fail(action, "Asterisk is shutting down")
            self.log_off()
        elif action.get("username") == self._door.user and self._knows_secret(action):
            self._logged_in = True
            self.wants_events = action.get("events").lower() not in ("off", "false", "no")
            self.respond(action, "Success", ("Message", "Authentication accepted"))
            self._door.on_login(self)
        else:
            asyncio.get_running_loop().call_later(LOGIN_FAILED_S, self._refuse_login, action)

    def _knows_secret(self, action: Action) -> bool:
        if action.get("authtype").lower() == "md5":
            text = (self._challenge + self._door.password).encode()
            expected = hashlib.md5(text, usedforsecurity=False).hexdigest()
            return bool(self._challenge) and hmac.compare_digest(expected, action.get("key").lower())
        return hmac.compare_digest(self._door.password.encode(), action.get("secret").encode())

    def _refuse_login(self, action: Action) -> None:
        if self._transport is not None and not self._door.is_hung():
            self.fail(action, "Authentication failed")
            self.log_off()
