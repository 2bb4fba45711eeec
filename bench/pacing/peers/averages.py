"""Running averages of the dialers compared with."""

import math
from collections import deque

from outdial.core.units import Millis


class Ewma:
    """An exponentially weighted average: every observation moves it by the same share of the difference."""

    __slots__ = ("alpha", "value")

    def __init__(self, value: float, alpha: float) -> None:
        self.value = value
        self.alpha = alpha

    def add(self, observation: float) -> None:
        """Count one observation."""
        self.value += self.alpha * (observation - self.value)


class Recent:
    """The mean of what was observed within a time that slides."""

    __slots__ = ("_seen", "_sum", "window_ms")

    def __init__(self, window_ms: Millis) -> None:
        self.window_ms = window_ms
        self._seen: deque[tuple[Millis, int]] = deque()
        self._sum = 0

    def add(self, now: Millis, observation: int) -> None:
        """Count one observation. Whole numbers, so that the sum never drifts."""
        self._seen.append((now, observation))
        self._sum += observation

    def total(self, now: Millis) -> tuple[int, int]:
        """(sum, number) of the observations within the time."""
        seen = self._seen
        while seen and seen[0][0] < now - self.window_ms:
            self._sum -= seen.popleft()[1]
        return self._sum, len(seen)


class Fading:
    """A mean whose observations lose weight with time: after `constant_ms` one counts for 37 %."""

    __slots__ = ("_at", "_number", "_sum", "constant_ms")

    def __init__(self, constant_ms: Millis) -> None:
        self.constant_ms = constant_ms
        self._sum = 0.0
        self._number = 0.0
        self._at: Millis = 0

    def add(self, now: Millis, observation: float) -> None:
        """Count one observation."""
        weight = math.exp((self._at - now) / self.constant_ms)
        self._sum = self._sum * weight + observation
        self._number = self._number * weight + 1.0
        self._at = now

    @property
    def mean(self) -> float:
        """The mean. It stays as it is while nothing is observed."""
        return self._sum / self._number if self._number else 0.0
