"""The two clocks of the machine as one reading, `Now`.

A step reads the clock once, so that everything in it happens at one instant. The monotonic part counts from the
making of the clock: journals then begin near zero and read like a stopwatch.
"""

import time
from collections.abc import Callable
from typing import Protocol

from outdial.core.units import Now

NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Something that tells the time; tests bring their own."""

    def read(self) -> Now:
        """Both clocks at this instant. `mono_ms` never decreases from one reading to the next."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(
        self,
        *,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Start the stopwatch.

        Args:
            monotonic_ns: a clock that never steps back. Unit: nanoseconds.
            utc_ns: time since 1970 in UTC. Unit: nanoseconds.
        """
        self._monotonic_ns = monotonic_ns
        self._utc_ns = utc_ns
        self._origin_ns = monotonic_ns()

    def read(self) -> Now:
        """Both clocks, rounded down to whole milliseconds: a deadline is met late, never early."""
        return Now((self._monotonic_ns() - self._origin_ns) // NS_PER_MS, self._utc_ns() // NS_PER_MS)
