"""What leaves the server: one outlet per connection, which batches messages and commits the faults asked for."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Faults:
    """What goes wrong with events on their way out. Responses are only ever late. May be changed while running.

    The server itself behaves: these are faults of a network of proxies, of overload, and of one's worst expectations.
    """

    late_ms: int = 0
    """Every message is up to this late (evenly drawn); the order stays."""
    duplicate_ratio: float = 0.0
    """Share of events that are sent twice. Range: 0 … 1."""
    swap_ratio: float = 0.0
    """Share of events that the next event of the same connection overtakes. Range: 0 … 1."""
    drop_ratio: float = 0.0
    """Share of events that are never sent. Range: 0 … 1."""
    swap_wait_ms: int = 50
    """An event that waits to be overtaken is sent after this time at the latest."""

    def touch_events(self) -> bool:
        return bool(self.duplicate_ratio or self.swap_ratio or self.drop_ratio)


class Outlet:
    """Messages in, batches out. The batch of one turn of the event loop is written at once.

    Args:
        write: takes a batch, oldest first.
        faults: shared with the server, read for every message.
        draw: the source of luck, seeded by the server.
        is_hung: while true nothing leaves.
    """

    __slots__ = ("_draw", "_due_s", "_faults", "_is_hung", "_late", "_loop", "_overtaken", "_ready", "_write", "closed")

    def __init__(
        self,
        write: Callable[[list[str]], None],
        faults: Faults,
        draw: random.Random,
        is_hung: Callable[[], bool],
    ) -> None:
        self._write = write
        self._faults = faults
        self._draw = draw
        self._is_hung = is_hung
        self._loop = asyncio.get_running_loop()
        self._ready: list[str] = []
        self._late: deque[str] = deque()
        self._due_s = 0.0
        self._overtaken: str | None = None
        self.closed = False

    def send(self, message: str) -> None:
        """A response, or an event that no fault may touch (but lateness)."""
        if self.closed:
            return
        if self._faults.late_ms or self._late:
            self._send_late(message)
            return
        if not self._ready:
            self._loop.call_soon(self.flush)
        self._ready.append(message)

    def send_event(self, event: str) -> None:
        """An event: it may be dropped, doubled or overtaken."""
        faults = self._faults
        if not faults.touch_events() and self._overtaken is None:
            self.send(event)
            return
        if self._draw.random() < faults.drop_ratio:
            return
        if self._overtaken is None and self._draw.random() < faults.swap_ratio:
            self._overtaken = event
            self._loop.call_later(faults.swap_wait_ms / 1_000, self._release, event)
            return
        self.send(event)
        if self._draw.random() < faults.duplicate_ratio:
            self.send(event)
        if self._overtaken is not None:
            self._release(self._overtaken)

    def flush(self) -> None:
        """Write what is ready, unless the server hangs: then it stays until it wakes."""
        if not self._ready or self.closed or self._is_hung():
            return
        batch, self._ready = self._ready, []
        self._write(batch)

    def close(self) -> None:
        """Nothing leaves any more."""
        self.closed = True
        self._ready.clear()
        self._late.clear()

    def _release(self, event: str) -> None:
        if self._overtaken is event:
            self._overtaken = None
            self.send(event)

    def _send_late(self, message: str) -> None:
        due_s = self._loop.time() + self._draw.random() * self._faults.late_ms / 1_000
        self._due_s = max(self._due_s, due_s)
        self._late.append(message)
        self._loop.call_at(self._due_s, self._send_oldest_late)

    def _send_oldest_late(self) -> None:
        if self._late and not self.closed:
            self._ready.append(self._late.popleft())
            self.flush()
