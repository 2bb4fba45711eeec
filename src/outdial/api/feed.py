"""Messages to many listeners who may be slow: numbered, kept for a while, never waited for.

Every message has a number. A listener who was away says which number it saw last, and gets what it missed as long as
that is still kept; otherwise it has to begin anew. A listener whose queue is full is let go: the dialer waits for
nobody. Numbers carry the start of the server, as another start counts from 1 again.

Source: `id`, `Last-Event-ID` and `retry` of server-sent events (WHATWG HTML, section 9.2). Ours: the bounds (0022).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

QUEUE_MAX = 64
"""Messages that wait for one listener. Unit: messages. Origin: 16 s of four updates per second."""
RING_MAX = 512
"""Messages that are kept for those who come back. Unit: messages."""
SLICE = 4
"""Listeners who get a message in one turn of the event loop: calls need not wait until hundreds have been written to.
Unit: listeners. Origin: each costs some 60 us."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message."""

    number: int
    kind: str
    """Name of the event, for example `change`."""
    encode: Callable[[frozenset[str] | None], str]
    """JSON for listeners of some campaigns (None: all), one line. Empty: there is nothing in it for them."""


class Listener:
    """One who listens.

    Attributes:
        key: tells it from others.
        is_dropped: the queue was full, or the feed has been closed: nothing more comes.
    """

    def __init__(self, key: int, queue_max: int) -> None:
        self.key = key
        self.is_dropped = False
        self._messages: deque[Message] = deque()
        self._queue_max = queue_max
        self._arrived = asyncio.Event()

    def put(self, message: Message) -> None:
        """A message has been published."""
        if len(self._messages) >= self._queue_max:
            self.drop()
        else:
            self._messages.append(message)
            self._arrived.set()

    def drop(self) -> None:
        """Nothing more will come."""
        self.is_dropped = True
        self._messages.clear()
        self._arrived.set()

    async def next(self, wait_s: float) -> Message | None:
        """The next message. None: none has come for so long, or `is_dropped`."""
        if not self._messages and not self.is_dropped:
            self._arrived.clear()
            try:
                async with asyncio.timeout(wait_s):  # unlike wait_for, makes no task
                    await self._arrived.wait()
            except TimeoutError:
                return None
        return self._messages.popleft() if self._messages else None


class Feed:
    """One stream of messages.

    Attributes:
        number: of the newest message; 0: there has been none.
    """

    def __init__(self, start: str, *, queue_max: int = QUEUE_MAX, ring_max: int = RING_MAX) -> None:
        """Nothing has been published.

        Args:
            start: tells this start of the server from others. Letters and digits.
            queue_max: messages that may wait for one listener. Range: ≥ 1.
            ring_max: messages that are kept. Range: ≥ 0.
        """
        self.number = 0
        self._start = start
        self._queue_max = queue_max
        self._ring: deque[Message] = deque(maxlen=ring_max)
        self._listeners: dict[int, Listener] = {}
        self._listener_n = 0
        self._undelivered: deque[tuple[Message, list[int]]] = deque()
        """Messages with those who have not got them yet, oldest first."""

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def publish(self, kind: str, encode: Callable[[frozenset[str] | None], str]) -> None:
        """Send a message to all who listen, and keep it for those who come back."""
        self.number += 1
        message = Message(self.number, kind, encode)
        self._ring.append(message)
        if self._listeners:
            self._undelivered.append((message, list(self._listeners)))
            if len(self._undelivered) == 1:
                self._deliver()

    @contextmanager
    def listen(self) -> Iterator[Listener]:
        """Take part from now on."""
        self._listener_n += 1
        listener = Listener(self._listener_n, self._queue_max)
        self._listeners[listener.key] = listener
        try:
            yield listener
        finally:
            self._listeners.pop(listener.key, None)

    def _deliver(self) -> None:
        """Hand the oldest message to some who have not got it, and to the others in the next turns of the loop."""
        message, keys = self._undelivered[0]
        for key in keys[:SLICE]:
            listener = self._listeners.get(key)
            if listener is not None:
                listener.put(message)
                if listener.is_dropped:
                    del self._listeners[key]
        del keys[:SLICE]
        if not keys:
            self._undelivered.popleft()
        if self._undelivered:
            asyncio.get_running_loop().call_soon(self._deliver)

    def missed(self, last_id: str) -> list[Message] | None:
        """What has been published since a message. None: that is not known any more.

        Args:
            last_id: `id_of` the last message seen.
        """
        start, _, text = last_id.rpartition("-")
        if start != self._start or not text.isascii() or not text.isdigit() or len(text) > 18:
            return None
        number = int(text)
        if number == self.number:
            return []
        if number > self.number or not self._ring or number + 1 < self._ring[0].number:
            return None
        return [message for message in self._ring if message.number > number]

    def id_of(self, number: int) -> str:
        """Name of a message towards listeners."""
        return f"{self._start}-{number}"

    def close(self) -> None:
        """Let everybody go: the server ends."""
        for listener in self._listeners.values():
            listener.drop()
        self._listeners.clear()
