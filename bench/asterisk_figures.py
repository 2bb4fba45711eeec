"""Arithmetic of the benchmark with servers: percentiles, spread, CPU time of processes, outcomes against behaviour."""

import math
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from outdial.core.results import CallResult

EXPECTED: Mapping[str, CallResult] = {
    "2000": CallResult.ANSWER,
    "2001": CallResult.ANSWER,
    "2010": CallResult.ANSWER,
    "2180": CallResult.NO_ANSWER,
    "2486": CallResult.BUSY,
}
"""What the first four digits of a called number must come to: the callees of the lab and of the fake do as told."""

MIX = ("2486", "2001", "2180", "2180", "2486", "2001", "2180", "2486", "2001", "2180")
"""30 % busy, 30 % answer and are released after 300 ms, 40 % ring until our limit; in turn."""

_TICKS = os.sysconf("SC_CLK_TCK")
_IDLE = (3, 4)
"""Places of idle and iowait in the first line of /proc/stat."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt as the dialer saw it. Unit of times: ns since 1970; 0: it never came."""

    number: str
    group_id: int
    dialed_ns: int
    accepted_ns: int = 0
    answered_ns: int = 0
    connecting_ns: int = 0
    """The order to join or to transfer."""
    connected_ns: int = 0
    results: tuple[int, ...] = ()
    """Every call result that it was settled with. Once is right."""


def numbers(count: int, run: int, prefixes: Sequence[str] = MIX) -> list[str]:
    """So many different numbers, their behaviours in turn; those of different runs differ."""
    return [f"{prefixes[place % len(prefixes)]}{run:03}{place:06}" for place in range(count)]


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many percent of all do not exceed (nearest rank); NaN when there are none.

    Args:
        values: in any order.
        percent: Range: above 0, up to 100.
    """
    ordered = sorted(values)
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1] if ordered else math.nan


def per_second(tried: Iterable[Tried]) -> float:
    """Attempts per second, between the first and the last; 0 when there are fewer than two."""
    times = [each.dialed_ns for each in tried]
    return (len(times) - 1) * 1e9 / (max(times) - min(times)) if len(times) > 1 else 0.0


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, smallest and largest of repeated measurements."""
    if not values:
        return {"median": math.nan, "min": math.nan, "max": math.nan}
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def shown(figures: Mapping[str, float], digits: int = 2) -> str:
    """`0.41 (0.40-0.45)`."""
    return f"{figures['median']:.{digits}f} ({figures['min']:.{digits}f}-{figures['max']:.{digits}f})"


def disagreements(tried: Sequence[Tried], invited: Mapping[str, int]) -> Counter[str]:
    """Attempts whose outcome is not what the callee did, by kind. Empty: all agree.

    Args:
        tried: every attempt.
        invited: how often each number was called, by the called side's own count.
    """
    wrong: Counter[str] = Counter()
    known = {each.number for each in tried}
    for each in tried:
        if len(each.results) != 1:
            wrong[f"settled {len(each.results)} times"] += 1
        elif each.results[0] != EXPECTED.get(each.number[:4]):
            wrong[f"{each.number[:4]} became {CallResult(each.results[0]).name.lower()}"] += 1
        elif invited.get(each.number, 0) != 1:
            wrong[f"called {invited.get(each.number, 0)} times"] += 1
    wrong["called, never dialed"] = sum(count for number, count in invited.items() if number not in known)
    return +wrong


def waits_ms(tried: Iterable[Tried], since: str, until: str) -> list[float]:
    """Times between two instants of each attempt that has both."""
    pairs = [(getattr(each, since), getattr(each, until)) for each in tried]
    return [(end - begin) / 1e6 for begin, end in pairs if begin and end]


def cpu_s(pids: Iterable[int]) -> float:
    """CPU time that processes have used so far, user and system, all threads. Unit: s, in steps of 10 ms."""
    ticks = 0
    for pid in pids:
        # the name in brackets may hold anything; what follows it does not
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def busy_s() -> float:
    """CPU time that the whole machine has spent busy so far. Unit: s."""
    with open("/proc/stat", encoding="ascii") as stream:
        fields = [int(field) for field in stream.readline().split()[1:9]]
    return sum(ticks for place, ticks in enumerate(fields) if place not in _IDLE) / _TICKS
