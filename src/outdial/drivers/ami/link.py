"""A link to one Asterisk over AMI: connect, log in, supervise, lose.

    open -> pause -> connect -> banner -> challenge -> login -> fully booted -> up
                         any of these -> reset -> on_down(reason)

A connection says little: the kernel of a frozen server accepts it, keeps it and takes in what is written. So only a
server that sent its banner, let us in and says that it is fully booted is up, and while it is, it has to answer a ping
every `ping_s` within `ping_limit_s`. Only the answer to the ping counts, not just any event: it shows that *requests*
are carried out.

Every end is a reset (`SO_LINGER` 0), sent before anybody hears of the loss. A server that hangs may wake up minutes
later and carry out what it finds in its socket; measured with 20 requests to originate, 20 late calls went out when
the connection was kept, 2 when it was closed in order, 1 when it was reset.
"""

import asyncio
import hashlib
import random as dice
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

from outdial.core.errors import OutdialError
from outdial.drivers.ami.tcp import reach, why_not, words
from outdial.drivers.ami.wire import Decoder, Message, WireError, encode
from outdial.drivers.backoff import LATE_S, STEADY_S, longest_pause_s

# Most bytes that may wait for a server that does not read. Unit: bytes. Origin: 600 requests to originate.
UNSENT_BYTES_MAX = 262_144

# Longest text of the server's that is passed on in a reason. Unit: characters.
TEXT_MAX = 200

EVENT_CLASSES = "system,call,user,reporting"
"""What is asked for at login. Leaves out the classes with most events, `dialplan` among them, of a user who may read
them all."""

# Our own requests; their answers are not passed on.
_OWN = "outdial-link-"
_CHALLENGE, _LOGIN, _SETTINGS, _PING = (_OWN + name for name in ("challenge", "login", "settings", "ping-"))


@dataclass(frozen=True, slots=True)
class AmiAddress:
    """Where a manager interface is and as whom to speak to it."""

    host: str
    port: int
    user: str
    password: Callable[[], str] = field(repr=False)
    """Called at each login; may raise OutdialError."""


class AmiLink:
    """The link. Callbacks are called from the event loop, never from within `open`, `send` or `abort`.

    Attributes:
        address: of the server.
        garbled: messages that made no sense, and were skipped, since the making of the link.
    """

    def __init__(
        self,
        address: AmiAddress,
        *,
        wanted: frozenset[str],
        on_up: Callable[[str], None],
        on_message: Callable[[Message], None],
        on_down: Callable[[str], None],
        ping_s: float = 0.4,
        ping_limit_s: float = 1.0,
        login_s: float = 3.0,
        plain_login: bool = False,
        random: Callable[[], float] = dice.random,
    ) -> None:
        """Nothing is connected yet.

        Args:
            address: of the server.
            wanted: names of the events that `on_message` gets.
            on_up: the server is fully booted and takes requests; gets its version, for people.
            on_message: an event, or the response to a request. Never before `on_up`, never after `on_down`.
            on_down: the link is lost or could not be made, and why. Call `open` to try again.
            ping_s: time from ping to ping. Unit: s.
            ping_limit_s: longest wait for its answer. A frozen server is found within the sum of both. Unit: s.
            login_s: longest time from connecting to up. Unit: s.
            plain_login: send the password as it is when the server refuses to give a challenge. Asterisk gives one;
                some proxies do not. Off by default: whoever sits on the path could ask for the password that way.
            random: draws from 0 up to 1, for the pause after a failure.
        """
        self.address = address
        self.garbled = 0
        self.wanted = wanted
        self.on_up = on_up
        self.on_message = on_message
        self.on_down = on_down
        self.ping_s = ping_s
        self.ping_limit_s = ping_limit_s
        self.login_s = login_s
        self.plain_login = plain_login
        self._random = random
        self._failures = 0
        self._connection: _Connection | None = None

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self._connection is not None and self._connection.is_up

    def open(self) -> None:
        """Connect, after a random pause when the last attempts failed; `on_up` or `on_down` follows.

        Does nothing when the link is open or opening.
        """
        if self._connection is None:
            self._connection = _Connection(self, longest_pause_s(self._failures) * self._random())

    def send(self, action: str, fields: Iterable[tuple[str, str]]) -> bool:
        """Write a request at once. Returns False, and the server will not carry it out, when the link is not up.

        Raises:
            WireError: a value cannot be sent (see `wire.encode`).
        """
        connection = self._connection
        return connection is not None and connection.is_up and connection.write(encode(action, fields))

    def abort(self) -> None:
        """Reset the connection before this returns; no callback follows."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.end()

    def is_current(self, connection: "_Connection") -> bool:
        """Whether a connection may still speak for this link."""
        return self._connection is connection

    def lost(self, *, steady: bool) -> None:
        """The connection has ended by itself: `open` may be called again."""
        self._connection = None
        self._failures = 0 if steady else self._failures + 1


class _Stage(Enum):
    """How far a connection has come, with the words for not getting any further."""

    PAUSE = ""
    CONNECT = "no connection"
    BANNER = "no banner"
    CHALLENGE = "no answer to the request to log in"
    LOGIN = "no answer to the login"
    BOOT = "not fully booted"
    SETTINGS = "no answer to CoreSettings"
    UP = "up"


class _Connection(asyncio.Protocol):
    """One attempt to connect and, if it succeeds, the connection until its end."""

    def __init__(self, link: AmiLink, pause_s: float) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(link.wanted | {"FullyBooted", "Shutdown"})
        self._stage = _Stage.PAUSE
        self._has_ended = False
        self._up_at = 0.0
        self._pings = 0
        self._pinged_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._socket: socket.socket | None = None
        """The transport's socket."""
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle = self._loop.call_later(pause_s, self._begin)
        """The only timer: the pause, then the limit of the login, then the next ping or the limit of the last one."""

    @property
    def is_up(self) -> bool:
        return self._stage is _Stage.UP and not self._has_ended

    # --- the end -----------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Reset the connection, now: the next statement may send the same requests to another server."""
        self._has_ended = True
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None and self._socket is not None:
            self._transport.abort()  # stops reading and writing, and would close the socket in the loop's next turn
            self._socket.close()

    def _fail(self, reason: str) -> None:
        if not self._has_ended:
            self.end()
            self._loop.call_soon(self._tell, reason)

    def _tell(self, reason: str) -> None:
        if self._link.is_current(self):
            steady = self._stage is _Stage.UP and self._loop.time() - self._up_at >= STEADY_S
            self._link.lost(steady=steady)
            self._link.on_down(reason)

    def _call(self, callback: Callable[..., None], argument: object) -> None:
        try:
            callback(argument)
        except Exception as error:
            self._bug(error)

    def _bug(self, error: BaseException) -> None:
        """A callback raised: say it loudly and end, as nobody knows what it left half done."""
        self._loop.call_exception_handler({"message": "a callback of an AMI link raised", "exception": error})
        self._fail(f"a bug in outdial: {error!r}")

    # --- connecting --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._stage = _Stage.CONNECT
        self._timer = self._loop.call_later(self._link.login_s, self._too_late)
        self._task = self._loop.create_task(self._connect())

    def _too_late(self) -> None:
        hint = " (or the manager user may not hear of it: it needs read = system)" if self._stage is _Stage.BOOT else ""
        self._fail(f"{self._stage.value} within {self._link.login_s:.1f} s{hint}")

    async def _connect(self) -> None:
        address = self._link.address
        try:
            self._socket = await reach(address.host, address.port)
            # From here on the transport has the socket, and closes it even when this task is cancelled.
            await self._loop.create_connection(lambda: self, sock=self._socket)
        except OSError as error:
            self._fail(why_not(error))
        except Exception as error:
            self._bug(error)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._has_ended:
            transport.abort()
        else:
            self._stage = _Stage.BANNER

    def connection_lost(self, exc: Exception | None) -> None:
        how = "closed the connection" if exc is None else f"cut the connection off ({words(exc)})"
        when = {
            _Stage.BANNER: " before its banner",
            _Stage.CHALLENGE: " at the login",
            _Stage.LOGIN: " at the login",
            _Stage.BOOT: " before it was fully booted",
        }
        self._fail(f"the server {how}{when.get(self._stage, '')}")

    # --- talking -----------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> bool:
        """Write at once; False when it did not get out."""
        assert self._transport is not None
        self._transport.write(data)
        unsent = self._transport.get_write_buffer_size()
        if unsent > UNSENT_BYTES_MAX:
            self._fail(f"the server does not read: {unsent} bytes wait for it")
        return not self._transport.is_closing()

    def data_received(self, data: bytes) -> None:
        garbled = self._decoder.garbled
        try:
            messages = self._decoder.feed(data)
        except WireError as error:
            self._fail(str(error))
            return
        self._link.garbled += self._decoder.garbled - garbled
        if self._stage is _Stage.BANNER and self._decoder.banner is not None:
            self._stage = _Stage.CHALLENGE
            self.write(encode("Challenge", (("ActionID", _CHALLENGE), ("AuthType", "MD5"))))
        for message in messages:
            if self._has_ended:  # a callback may abort the link
                return
            self._hear(message)

    def _hear(self, message: Message) -> None:
        if message.event == "Shutdown":
            self._fail("server is shutting down")
        elif message.event == "FullyBooted":
            if self._stage is _Stage.BOOT:
                self._stage = _Stage.SETTINGS
                self.write(encode("CoreSettings", (("ActionID", _SETTINGS),)))
        elif message.fields.get("ActionID", "").startswith(_OWN):
            self._answered(message)
        elif self._stage is _Stage.UP:
            self._call(self._link.on_message, message)
        elif message.response == "Error":
            self._refused(message)

    def _answered(self, message: Message) -> None:
        """The answer to a request of the link's own."""
        action_id = message.fields["ActionID"]
        succeeded = message.response == "Success"
        if action_id == _CHALLENGE and self._stage is _Stage.CHALLENGE:
            if succeeded or self._link.plain_login:
                self._log_in(message.fields.get("Challenge", ""))
            else:
                self._refused(message)
        elif action_id == _LOGIN and self._stage is _Stage.LOGIN:
            if succeeded:
                self._stage = _Stage.BOOT
            else:
                self._refused(message)
        elif action_id == _SETTINGS and self._stage is _Stage.SETTINGS:
            version = message.fields.get("AsteriskVersion", "")[:TEXT_MAX]
            self._up(f"Asterisk {version}" if version else self._decoder.banner or "")
        elif action_id == f"{_PING}{self._pings}" and self._stage is _Stage.UP:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._pinged_at + self._link.ping_s, self._ping)
            if not succeeded:  # during `core stop gracefully` Asterisk refuses every request, also those to hang up
                self._fail(f"server refuses requests: {_reason(message)}")

    def _refused(self, message: Message) -> None:
        self._fail(f"login refused: {_reason(message)}")

    def _log_in(self, challenge: str) -> None:
        self._stage = _Stage.LOGIN
        address = self._link.address
        try:
            password = address.password()
            proof = [("Secret", password)]
            if challenge:
                key = hashlib.md5(
                    (challenge + password).encode("utf-8", "surrogatepass"), usedforsecurity=False
                ).hexdigest()
                proof = [("AuthType", "MD5"), ("Key", key)]
            user = ("Username", address.user)
            self.write(encode("Login", (("ActionID", _LOGIN), user, *proof, ("Events", EVENT_CLASSES))))
        except OutdialError as error:
            self._fail(f"cannot log in: {error}")
        except Exception as error:
            self._bug(error)

    def _up(self, version: str) -> None:
        self._stage = _Stage.UP
        self._up_at = self._loop.time()
        self._timer.cancel()
        self._timer = self._loop.call_later(self._link.ping_s, self._ping)
        self._call(self._link.on_up, version)

    # --- supervision -------------------------------------------------------------------------------------------------

    def _ping(self) -> None:
        self._pings += 1
        self._pinged_at = self._loop.time()
        self._judge_at(self._pinged_at + self._link.ping_limit_s, may_wait=True)
        self.write(encode("Ping", (("ActionID", f"{_PING}{self._pings}"),)))

    def _judge_at(self, due: float, *, may_wait: bool) -> None:
        self._timer = self._loop.call_at(due, self._judge, due, may_wait)

    def _judge(self, due: float, may_wait: bool) -> None:
        """The time for the answer is over: lost, unless it is us who slept and have not read it yet."""
        now = self._loop.time()
        if may_wait and now - due > LATE_S:
            self._judge_at(now + LATE_S, may_wait=False)
        else:
            self._fail(f"no answer to ping for {self._link.ping_limit_s:.1f} s")


def _reason(message: Message) -> str:
    return message.fields.get("Message", "no reason given")[:TEXT_MAX]
