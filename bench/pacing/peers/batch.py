"""One batch of calls at a time."""

import math
from collections.abc import Iterator
from typing import Final

from bench.pacing.floor import Call, Floor, Silent
from outdial.core.units import Millis

ATTEMPTS_MIN: Final = 25
"""Attempts whose outcome is known before it predicts."""
CALLS_PER_AGENT_MAX: Final = 50
"""No batch is larger, whatever the hit ratio."""
NEGLIGIBLE: Final = 1e-15


def overflow(calls: int, hit: float, free: int) -> float:
    """Persons that so many calls are expected to bring beyond the free agents: E[max(0, X − free)], X binomial.

    Args:
        calls: the batch.
        hit: chance of a person. Range: 0 … 1, both excluded.
        free: free agents.
    """
    mean = calls * hit
    if calls <= free:
        return 0.0
    if mean > free:  # what is missing on the other side is the smaller sum
        return mean - free + sum((free - persons) * term for persons, term in _tail(calls, hit, free - 1, -1))
    return sum((persons - free) * term for persons, term in _tail(calls, hit, free + 1, 1))


def _tail(calls: int, hit: float, persons: int, step: int) -> Iterator[tuple[int, float]]:
    """(number of persons, its probability), from `persons` away from the mean, as long as it matters."""
    if persons < 0:
        return
    term = math.lgamma(calls + 1) - math.lgamma(persons + 1) - math.lgamma(calls - persons + 1)
    term = math.exp(term + persons * math.log(hit) + (calls - persons) * math.log1p(-hit))
    odds = hit / (1.0 - hit)
    while 0 <= persons <= calls and term > NEGLIGIBLE:
        yield persons, term
        term *= (calls - persons) / (persons + 1) * odds if step > 0 else persons / (calls - persons + 1) / odds
        persons += step


def batch_size(hit: float, free: int, target: float) -> int:
    """The largest batch whose expected overflow is at most the target's share of its expected persons.

    Args:
        hit: chance of a person. Range: 0 … 1, both excluded.
        free: free agents.
        target: share of persons that may be lost. Range: 0 … 1.
    """
    low, high = free, free * CALLS_PER_AGENT_MAX + 1
    while high - low > 1:
        middle = (low + high) // 2
        if overflow(middle, hit, free) <= target * middle * hit:
            low = middle
        else:
            high = middle
    return low


class Batch(Silent):
    """Waits until every call is resolved, then dials the largest batch that is expected to meet the target.

    Nobody who is free beyond the first call of a batch gets another before its last call ends: that costs a ring
    time-out each time.

    Source: pacing study, section 2, family F; fact sheet on the vendor, section 5.2, `small_group`.

    Left open by the sources: how the vendor weighs overflow (here: expected number, binomial), the group size above
    which it changes to another rule (here: none), and the hit ratio (here: of the whole day; one call per free agent
    until 25 attempts are resolved).

    Args:
        target: share of persons that may be lost. Range: 0 … 1.
    """

    def __init__(self, target: float) -> None:
        self.target = target
        self._attempts = 0
        self._persons = 0

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Nothing while a call is in flight."""
        free = len(floor.free) - len(floor.waiting)
        if floor.calls or free <= 0:
            return 0
        if self._attempts < ATTEMPTS_MIN:
            return free
        return batch_size((self._persons + 1) / (self._attempts + 2), free, self.target)

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Learn the outcome."""
        self._attempts += 1
        self._persons += person
