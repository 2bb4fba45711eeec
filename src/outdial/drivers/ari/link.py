"""A link to one Asterisk over ARI: a websocket for events, keep-alive HTTP for requests.

One `open()` makes one connection: a session of its own, its websocket, its requests, its tasks. When any part of it
fails, all of it ends: first every socket is reset, then requests without an answer get status 0, then `on_down` is
called with the reason; after that nothing of it is heard again. A reset instead of an orderly end matters with a server
that hangs: whatever still waits in its sockets is thrown away, and is not carried out minutes later when it wakes.

The websocket is what tells a frozen server: TCP to it stays up and even new connections are accepted. So a ping goes
out every `heartbeat_s`, and when nothing at all is heard for `limit_s` after one, the server is lost.
"""

import asyncio
import random as dice
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import aiohttp

from outdial.core.errors import OutdialError
from outdial.drivers.ari.lanes import Lanes, OnReply
from outdial.drivers.ari.session import AriAddress, make_session, url_of, why_not
from outdial.drivers.ari.wire import (
    NO_ANSWER,
    ApplicationReplaced,
    AriEvent,
    AriGarbled,
    AriReply,
    AriRequest,
    decode,
    path_of,
)
from outdial.drivers.backoff import LATE_S, STEADY_S, longest_pause_s

# Longest wait for one reply. Unit: s. Origin: twice the limit of a ping; answers take 3 ms, at overload up to 4 s.
REQUEST_LIMIT_S = 2.0

# Requests in a row without a reply after which a server whose websocket lives counts as lost. Unit: requests.
UNANSWERED_MAX = 3

# Largest event and largest reply. Unit: bytes. Origin: an event has 1 kB; a list of 1,000 bridges 300 kB.
MESSAGE_BYTES_MAX = 1_048_576

# Sockets are closed in the next turns of the event loop; nothing may hold up the news of a loss longer. Unit: s.
CLOSE_LIMIT_S = 0.1


class AriLink:
    """The link. Callbacks are called from the event loop, never from within `open` or `abort`.

    Attributes:
        garbled: messages that could not be read, and were skipped, since the making of the link.
    """

    def __init__(
        self,
        address: AriAddress,
        *,
        on_up: Callable[[], None],
        on_event: Callable[[AriEvent], None],
        on_down: Callable[[str], None],
        heartbeat_s: float = 0.4,
        limit_s: float = 1.0,
        open_s: float = 3.0,
        random: Callable[[], float] = dice.random,
    ) -> None:
        """Nothing is connected yet.

        Args:
            address: of the server.
            on_up: the websocket is open and the application known; requests may be made.
            on_event: what happened. Never before `on_up`, never after `on_down`.
            on_down: the link is lost or could not be made, and why. Call `open` to try again.
            heartbeat_s: time from ping to ping. Unit: s.
            limit_s: longest silence after a ping. A frozen server is found within `heartbeat_s + limit_s`. Unit: s.
            open_s: longest time from connecting to up. Unit: s.
            random: draws from 0 up to 1, for the pause after a failure.
        """
        self.garbled = 0
        self.address = address
        self.heartbeat_s = heartbeat_s
        self.limit_s = limit_s
        self.open_s = open_s
        self.on_up = on_up
        self.on_event = on_event
        self.on_down = on_down
        self._random = random
        self._failures = 0
        self._connection: _Connection | None = None

    @property
    def is_up(self) -> bool:
        """Whether requests can be made."""
        return self._connection is not None and self._connection.is_up

    def open(self) -> None:
        """Connect, after a random pause when the last attempts failed; `on_up` or `on_down` follows.

        Does nothing when the link is open or opening.
        """
        if self._connection is None:
            self._connection = _Connection(self, longest_pause_s(self._failures) * self._random())

    def abort(self) -> None:
        """Reset everything at once; no callback follows, neither for the link nor for requests."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    def request(self, request: AriRequest, on_reply: OnReply | None = None) -> None:
        """Send a request when its lane is free; never raises, never waits.

        Args:
            request: what to ask.
            on_reply: called once with the answer; with status 0 when none came, or at once, before this returns,
                when the link is not up or too many requests wait.
        """
        connection = self._connection
        sent = connection is not None and connection.is_up and connection.lanes.put(request, on_reply)
        if not sent and on_reply is not None:
            on_reply(NO_ANSWER)

    def is_current(self, connection: "_Connection") -> bool:
        """Whether a connection may still speak for this link."""
        return self._connection is connection

    def lost(self, *, steady: bool) -> None:
        """The connection has ended by itself: `open` may be called again."""
        self._connection = None
        self._failures = 0 if steady else self._failures + 1


class _Connection:
    """One attempt to connect and, if it succeeds, the connection until its end."""

    def __init__(self, link: AriLink, pause_s: float) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        """Gets the reason for the end."""
        self._up_at: float | None = None
        self._orphans: list[OnReply] = []
        self._unanswered = 0
        self._pinged_at: float | None = None
        """When the ping that waits for its answer was sent."""
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: dict[asyncio.Task[None], None] = {}
        self._session: aiohttp.ClientSession | None = None
        self._websocket: aiohttp.ClientWebSocketResponse | None = None
        self.lanes = Lanes(self._send, self._bug)
        self._main = self._loop.create_task(self._run(pause_s))
        self._main.add_done_callback(self._report)

    @property
    def is_up(self) -> bool:
        return self._up_at is not None and not self._ended.done()

    def abort(self) -> None:
        self._ended.cancel()
        self.lanes.stop()
        self._main.cancel()

    def _fail(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)
            self._orphans = self.lanes.stop()

    def _bug(self, error: BaseException) -> None:
        """A callback raised: say it loudly and end, as nobody knows what it left half done."""
        self._loop.call_exception_handler({"message": "a callback of an ARI link raised", "exception": error})
        self._fail(f"a bug in outdial: {error!r}")

    def _report(self, task: asyncio.Task[None]) -> None:
        self._tasks.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._bug(error)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(coroutine)
        self._tasks[task] = None
        task.add_done_callback(self._report)

    # --- from the first to the last moment ---------------------------------------------------------------------------

    async def _run(self, pause_s: float) -> None:
        try:
            if pause_s > 0:
                await asyncio.sleep(pause_s)
            websocket = await self._connect()
            if websocket is not None:
                self._up_at = self._loop.time()
                self._timer = self._loop.call_later(self._link.heartbeat_s, self._beat, websocket)
                self._link.on_up()
                self._spawn(self._read(websocket))
            reason = await self._ended
        except Exception as error:
            self._bug(error)
            reason = self._ended.result()
        finally:
            await self._reset()
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        """Requesters first, the owner last. Any of them may abort the link."""
        for on_reply in self._orphans:
            if self._link.is_current(self):
                try:
                    on_reply(NO_ANSWER)
                except Exception as error:
                    self._bug(error)
        if self._link.is_current(self):
            self._link.lost(steady=self._up_at is not None and self._loop.time() - self._up_at >= STEADY_S)
            self._link.on_down(reason)

    async def _reset(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._session is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._session.close()
                    if self._websocket is not None:
                        await self._websocket.close()  # nothing is left to send it on: this only tidies up

    # --- connecting --------------------------------------------------------------------------------------------------

    async def _connect(self) -> aiohttp.ClientWebSocketResponse | None:
        """Open the websocket and see that the server knows the application. None: failed, and said why."""
        address = self._link.address
        try:
            async with asyncio.timeout(self._link.open_s):
                self._session = make_session(address)
                self._websocket = await self._session.ws_connect(
                    url_of(address, "/events", (("app", address.app), ("subscribeAll", "false"))),
                    autoping=False,  # pongs are wanted
                    autoclose=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_LIMIT_S),
                    max_msg_size=MESSAGE_BYTES_MAX,
                )
                reply = await self._ask(AriRequest("GET", path_of("applications", address.app)), self._link.open_s)
        except TimeoutError:
            self._fail(f"no answer from ARI within {self._link.open_s:g} s")
        except (OutdialError, aiohttp.ClientError, OSError, ValueError) as error:
            self._fail(why_not(error, address))
        else:
            if reply.is_done:
                return self._websocket
            self._fail(f"ARI refuses GET /applications/{address.app} with HTTP {reply.status}")
        return None

    # --- events ------------------------------------------------------------------------------------------------------

    async def _read(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        while not self._ended.done():
            message = await websocket.receive()
            self._heard(websocket)
            if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._hear(message.data)
            elif message.type is aiohttp.WSMsgType.PING:
                await self._quietly(websocket.pong, message.data)
            elif message.type is not aiohttp.WSMsgType.PONG:
                self._fail(_why_closed(message, websocket))

    def _hear(self, text: str | bytes) -> None:
        if self._ended.done():
            return
        try:
            event = decode(text)
        except AriGarbled:
            self._link.garbled += 1
            return
        if isinstance(event, ApplicationReplaced):
            self._fail(f"another outdial took over the application {self._link.address.app!r}")
        elif event is not None:
            self._link.on_event(event)

    def _beat(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """Time for a ping."""
        self._pinged_at = self._loop.time()
        self._spawn(self._quietly(websocket.ping))
        self._judge_at(self._pinged_at + self._link.limit_s, may_wait=True)

    def _heard(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        """A sign of life: whatever comes after a ping is as good as its answer."""
        if self._pinged_at is not None and self._timer is not None:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._pinged_at + self._link.heartbeat_s, self._beat, websocket)
            self._pinged_at = None

    def _judge_at(self, due: float, *, may_wait: bool) -> None:
        self._timer = self._loop.call_at(due, self._judge, due, may_wait)

    def _judge(self, due: float, may_wait: bool) -> None:
        """Nothing was heard since the ping, or nothing was read yet."""
        now = self._loop.time()
        if may_wait and now - due > LATE_S:
            self._judge_at(now + LATE_S, may_wait=False)
        else:
            self._fail(f"no answer to ping for {self._link.limit_s:.1f} s")

    async def _quietly(self, send: Callable[..., Coroutine[Any, Any, None]], *payload: bytes) -> None:
        """Send a frame; a websocket that cannot is reported by its reader."""
        with suppress(aiohttp.ClientError, OSError):
            await send(*payload)

    # --- requests ----------------------------------------------------------------------------------------------------

    async def _ask(self, request: AriRequest, limit_s: float) -> AriReply:
        """One request. Raises what aiohttp raises, and ValueError for a reply that is too long."""
        assert self._session is not None
        url = url_of(self._link.address, request.path, request.query)
        limit = aiohttp.ClientTimeout(total=limit_s)
        async with self._session.request(request.method, url, timeout=limit, allow_redirects=False) as response:
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > MESSAGE_BYTES_MAX:
                    raise ValueError(f"a reply of more than {MESSAGE_BYTES_MAX} bytes")
            return AriReply(response.status, bytes(body))

    async def _send(self, request: AriRequest) -> AriReply:
        try:
            reply = await self._ask(request, REQUEST_LIMIT_S)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self._unanswered += 1
            if self._unanswered >= UNANSWERED_MAX:
                self._fail(f"{self._unanswered} requests in a row without an answer; the last: {error or 'timeout'}")
            return NO_ANSWER
        self._unanswered = 0
        return reply


def _why_closed(message: aiohttp.WSMessage, websocket: aiohttp.ClientWebSocketResponse) -> str:
    if message.type is aiohttp.WSMsgType.ERROR:
        return f"the websocket failed: {message.data}"
    if message.type is aiohttp.WSMsgType.CLOSE:
        return f"the server closed the websocket (code {message.data})"
    return f"the websocket was cut off (code {websocket.close_code})"
