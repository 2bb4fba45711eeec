"""Virtual time: the calendar of a run, and the agenda of everything that is going to happen.

Nothing here moves time. Whoever drives the world (the virtual-time loop of `outdial.sim.run`, or a real clock) says how
far monotonic time has come; the calendar turns that into UTC, which faults may step.

Entries of the agenda are ordered by (time, serial): what was noted first happens first. An entry is an *action* on a
*subject*; most actions change only the world. What the core is to hear of is `emit`ted and waits in line, so one action
may tell it several things, and in order.

Entries are never taken out. Whoever notes one and may think better of it keeps the serial and compares it when the
entry's time has come.
"""

from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, TypeAlias

from outdial.core.events import Event
from outdial.core.units import Millis, Now

Action: TypeAlias = Callable[[Millis, int, Any], None]
"""Called as `action(at_ms, serial, subject)`."""


class Calendar:
    """UTC as a function of monotonic time: an offset that faults may step."""

    def __init__(self, start_utc_ms: Millis) -> None:
        """Monotonic time 0 is `start_utc_ms`."""
        self._offset_ms = start_utc_ms

    def utc_ms(self, mono_ms: Millis) -> Millis:
        """UTC at an instant of monotonic time."""
        return mono_ms + self._offset_ms

    def reading(self, mono_ms: Millis) -> Now:
        """Both clocks."""
        return Now(mono_ms, mono_ms + self._offset_ms)

    def step(self, by_ms: Millis) -> None:
        """Put UTC forward (or back, when negative), as NTP or an operator does."""
        self._offset_ms += by_ms


class Agenda:
    """What is going to happen, and what the core is about to hear."""

    def __init__(self) -> None:
        self._entries: list[tuple[Millis, int, Action, Any]] = []
        self._serial = 0
        self._events: deque[Event] = deque()
        self._events_at_ms: Millis = 0
        self.emit = self._events.append
        """`emit(event)`: the core hears of it as soon as it listens."""

    def __len__(self) -> int:
        return len(self._entries) + len(self._events)

    def add(self, at_ms: Millis, action: Action, subject: Any) -> int:
        """Note that `action(at_ms, serial, subject)` happens at `at_ms`. Returns the serial. Range: ≥ 1."""
        self._serial = serial = self._serial + 1
        heappush(self._entries, (at_ms, serial, action, subject))
        return serial

    def next_due(self) -> Millis | None:
        """When the next event or action is due. None: nothing is going to happen."""
        if self._events:
            return self._events_at_ms
        return self._entries[0][0] if self._entries else None

    def pop_due(self, mono_ms: Millis) -> Event | None:
        """Let everything happen up to the next event that the core is to hear of, and return that event.

        Returns:
            None: nothing more at or before `mono_ms`.
        """
        events = self._events
        entries = self._entries
        while not events:
            if not entries or entries[0][0] > mono_ms:
                return None
            at_ms, serial, action, subject = heappop(entries)
            self._events_at_ms = at_ms
            action(at_ms, serial, subject)
        return events.popleft()
