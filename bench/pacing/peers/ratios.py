"""Lines per free agent: one, a fixed number, a number that follows the abandonment."""

from functools import lru_cache
from typing import Final

from bench.pacing.cells import Cell
from bench.pacing.floor import Floor, Silent
from bench.pacing.model import run_day
from outdial.core.units import Millis

RATIOS: Final = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.25, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 17.0, 20.0)
"""Where the best ratio is looked for. Source: the ratios that the pacing study's table 1 prints, and what lies between
them; 1: no ratio above qualifies."""


def lines(ratio: float, free: int, dialed: int) -> int:
    """Calls to add so that those in flight are at most `ratio` for each free agent."""
    return max(0, int(ratio * max(0, free) + 1e-9) - dialed)


def lines_in_whole_agents(ratio: float, free: int, dialed: int) -> int:
    """The same as the vendor counts: calls in flight occupy whole agents.

    floor(r × (free − ceil(dialed / r))), in thousandths, so that 2.1 / 0.7 is 3.
    """
    millis = round(1_000 * ratio)
    covered = -(-1_000 * dialed // millis)
    return max(0, millis * (free - covered) // 1_000)


class Progressive(Silent):
    """Calls in flight never exceed the agents who are free.

    Source: pacing study, section 2, family A.
    """

    def wanted(self, now: Millis, floor: Floor) -> int:
        """A call for every free agent who has none."""
        return max(0, len(floor.free) - len(floor.waiting) - len(floor.calls))


class FixedRatio(Silent):
    """So many calls in flight for every free agent, whatever comes of it.

    Source: pacing study, section 2, family B; fact sheet on the vendor, section 5.3: floor(M × (agents − queued −
    ceil(dialed / M))), printed check M = 0.7, 4 ready, 0 queued, 1 dialed → 1.

    Args:
        ratio: lines per free agent. Range: > 0.
        in_whole_agents: with the vendor's ceiling. Without it, as in the study's table, the first calls that end are
            replaced at once; with it, not before as many have ended as make one agent.
    """

    def __init__(self, ratio: float, *, in_whole_agents: bool = False) -> None:
        self.ratio = ratio
        self.lines = lines_in_whole_agents if in_whole_agents else lines

    def wanted(self, now: Millis, floor: Floor) -> int:
        """What is missing to the ratio."""
        return self.lines(self.ratio, len(floor.free) - len(floor.waiting), len(floor.calls))


@lru_cache(maxsize=256)
def best_ratio(cell: Cell, seeds: tuple[int, ...] = (1, 2, 3), *, in_whole_agents: bool = False) -> float:
    """The highest ratio of `RATIOS` whose mean abandonment over days of these seeds meets the target.

    That is hindsight: no dialer has it. More lines keep agents busier and lose more persons, so the grid is halved
    until the edge is found. One process finds it once for a cell.
    """
    low, high = 0, len(RATIOS)
    while high - low > 1:
        middle = (low + high) // 2
        days = [run_day(cell, FixedRatio(RATIOS[middle], in_whole_agents=in_whole_agents), seed) for seed in seeds]
        if sum(day.abandonment for day in days) / len(days) <= cell.target:
            low = middle
        else:
            high = middle
    return RATIOS[low]


class RatioWithFeedback(Silent):
    """Lines per free agent, corrected after every so many answered persons.

    The abandonment among these persons is compared with the limit. The lines change by the gain times the relative
    difference, at most by the gain either way: nobody lost multiplies them by 1 + gain, twice the limit by 1 − gain.

    Source: pacing study, section 2, family C. The defaults are the vendor's: UCCX developer pages, "Data Structure for
    Outbound Agent - Predictive Campaign" (predictiveCorrection 100, range 10 … 1000; predictiveGain 1.0, 0 … 1;
    maxLinesPerAgent 3.0, 1 … 3) and "Common Data Structure …" (linesPerAgent 1.0).

    Left open by the source: how the gain enters ("controls the size of the corrections"). Ours: as above. With a gain
    of 0.25 and a cap that is never reached this gives the study's column "fb" within 2 points; added instead of
    multiplied, no gain does.

    Args:
        limit: abandonment aimed at. Range: 0 … 1.
        persons: answered persons between corrections.
        gain: largest correction. Range: 0 … 1.
        start, most: lines per agent at first and at most. Range: ≥ 1.
    """

    def __init__(
        self, limit: float, *, persons: int = 100, gain: float = 1.0, start: float = 1.0, most: float = 3.0
    ) -> None:
        self.limit = limit
        self.persons = persons
        self.gain = gain
        self.most = most
        self.ratio = start
        self._seen = 0
        self._lost = 0

    def wanted(self, now: Millis, floor: Floor) -> int:
        """What is missing to the ratio of the moment."""
        return lines(self.ratio, len(floor.free) - len(floor.waiting), len(floor.calls))

    def fate(self, now: Millis, abandoned: bool) -> None:
        """Count a person; correct when enough are in."""
        self._seen += 1
        self._lost += abandoned
        if self._seen < self.persons:
            return
        relative = 1.0 - self._lost / self._seen / self.limit
        self.ratio *= 1.0 + self.gain * min(1.0, max(-1.0, relative))
        self.ratio = min(self.most, max(1.0, self.ratio))
        self._seen = self._lost = 0
