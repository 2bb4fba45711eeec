"""One queue of all deadlines of the core.

Each deadline has an owner key, and a key has at most one deadline: setting it again moves it. Replaced and cancelled
entries stay in the heap until they surface; the heap is rebuilt when they outnumber the live ones, so that it stays
within a constant factor of what is armed.
"""

import enum
import heapq

from outdial.core.units import Millis


class Timer(enum.IntEnum):
    """What a deadline is for."""

    CALL = 1
    ENGAGING = 2
    AGENT = 3
    GROUP = 4
    FETCH = 5
    SERVER = 6
    NODE = 7
    POOL = 8
    LEAVE = 9
    CALLBACKS = 10


Key = tuple[Timer, int]
"""Owner of a deadline: kind and number of the object."""

STALE_SLACK = 64
"""Entries that the heap may hold beyond twice the armed ones before it is rebuilt. Ours."""


Entry = tuple[Millis, int, Key]
"""A deadline: when, its place among equals, and whose."""


class Deadlines:
    """Armed deadlines by owner, earliest first; ties in the order in which they were set."""

    def __init__(self) -> None:
        self._armed: dict[Key, Entry] = {}
        self._heap: list[Entry] = []
        self._serial = 0

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, key: Key, at_ms: Millis) -> None:
        """Set or move the deadline of `key`; to the instant that it has already changes nothing."""
        armed = self._armed.get(key)
        if armed is not None and armed[0] == at_ms:
            return
        self._serial += 1
        self._armed[key] = entry = (at_ms, self._serial, key)
        heap = self._heap
        heapq.heappush(heap, entry)
        if len(heap) > 2 * len(self._armed) + STALE_SLACK:
            self._rebuild()

    def disarm(self, key: Key) -> None:
        """Forget the deadline of `key`, if it has one."""
        if self._armed.pop(key, None) is not None and len(self._heap) > 2 * len(self._armed) + STALE_SLACK:
            self._rebuild()

    def _rebuild(self) -> None:
        """Stale entries outnumber the armed ones: they go."""
        self._heap = list(self._armed.values())
        heapq.heapify(self._heap)

    def at(self, key: Key) -> Millis | None:
        """When `key` is due; None: it has no deadline."""
        armed = self._armed.get(key)
        return armed[0] if armed else None

    def next_at(self) -> Millis | None:
        """The earliest deadline; None: nothing is armed."""
        heap = self._heap
        while heap:
            entry = heap[0]
            if self._armed.get(entry[2]) is entry:
                return entry[0]
            heapq.heappop(heap)
        return None

    def pop_due(self, mono_ms: Millis) -> Key | None:
        """Take the earliest deadline that has passed; None: none has."""
        at_ms = self.next_at()
        if at_ms is None or at_ms > mono_ms:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._armed[key]
        return key
