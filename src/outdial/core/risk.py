"""The chance that one more person would find no agent.

A call that is started now brings a person, if it does, at one of four equally likely instants. At each of them the
persons whom the other calls in flight have brought and the agents who have come free are two sums of independent
yes/no outcomes; the newcomer finds nobody when the first is not smaller than the second and those who are free now
together.

Sums of few outcomes are taken for binomials with the same mean and variance: exact for equal chances, within three
hundredths for a handful of unequal ones and within thousandths for more (tests compare with the exact convolution).
That holds for chances up to one half, so what is likelier than not is counted the other way round: a call that
probably brings a person counts for one person, and for an agent more with the chance that it does not. Sums of many:
normal, with the third moment.

Source: Poisson's binomial distribution; the matched binomial after Ehm (1991); Edgeworth's first correction. Ours:
the rule.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

HORIZONS = 4
"""Instants at which a call's verdict is looked at: the middles of four equally likely parts. Ours (0014)."""
MANY = 12.0
"""Variance above which a sum is taken for normal: two hundredths of the risk too much there, and ever less. Ours
(0014)."""
SMALL = 1e-9
NEARLY_ALL = 1.0 - SMALL
TINY = 1e-12
ROOT_2, ROOT_2_PI = math.sqrt(2.0), math.sqrt(2.0 * math.pi)
HALF = 0.5
"""What is likelier than this is counted by what it lacks."""


class Sum:
    """A sum of independent yes/no outcomes, at each horizon.

    Attributes:
        mean: sums of the chances, of outcomes with chances up to one half. Shape: one float per horizon.
        squares: sums of their squares.
        sure: number of the other outcomes. Shape: one int per horizon.
        missing: sums of the chances that these do not come true.
        missing_squares: sums of the squares of those.
    """

    __slots__ = ("mean", "missing", "missing_squares", "squares", "sure")

    def __init__(self) -> None:
        self.mean = [0.0] * HORIZONS
        self.squares = [0.0] * HORIZONS
        self.sure = [0] * HORIZONS
        self.missing = [0.0] * HORIZONS
        self.missing_squares = [0.0] * HORIZONS

    def add(self, rows: Iterable[tuple[int, Sequence[float]]]) -> None:
        """Count outcomes. The loop over the horizons is written out: it is the pacer's innermost.

        Args:
            rows: how many outcomes, and their chance within each horizon, ascending.
        """
        m0, m1, m2, m3 = self.mean
        s0, s1, s2, s3 = self.squares
        likely = []
        for count, chances in rows:
            a, b, c, d = chances
            n = float(count)  # once: a float times a float is the quicker
            if d > HALF:
                likely.append((count, n, chances))
                continue
            x = n * a
            m0 += x
            s0 += x * a
            x = n * b
            m1 += x
            s1 += x * b
            x = n * c
            m2 += x
            s2 += x * c
            x = n * d
            m3 += x
            s3 += x * d
        self.mean = [m0, m1, m2, m3]
        self.squares = [s0, s1, s2, s3]
        if likely:
            self._add_likely(likely)

    def _add_likely(self, rows: Iterable[tuple[int, float, Sequence[float]]]) -> None:
        """Count outcomes likelier than not at the last horizon. Rows: count, the same as a float, chances."""
        for place in range(HORIZONS):
            mean, squares, sure = self.mean[place], self.squares[place], self.sure[place]
            missing, missing_squares = self.missing[place], self.missing_squares[place]
            for count, n, chances in rows:
                chance = chances[place]
                if chance <= HALF:
                    x = n * chance
                    mean += x
                    squares += x * chance
                else:
                    lack = 1.0 - chance
                    x = n * lack
                    sure += count
                    missing += x
                    missing_squares += x * lack
            self.mean[place], self.squares[place], self.sure[place] = mean, squares, sure
            self.missing[place], self.missing_squares[place] = missing, missing_squares

    def expected(self, place: int) -> float:
        """Mean of the sum at one horizon."""
        return self.mean[place] + self.sure[place] - self.missing[place]


def binomial(mean: float, squares: float) -> list[float]:
    """Chances of 0, 1, 2, …, of a sum with this mean and sum of squared chances; what is beyond is negligible."""
    if mean <= SMALL:
        return [1.0]
    chance = min(0.999999, max(SMALL, squares / mean))
    count = mean / chance
    term = math.exp(count * math.log1p(-chance))
    odds = chance / (1.0 - chance)
    found = [term]
    append = found.append
    total, number = term, 0.0
    while total < NEARLY_ALL and number < count:
        after = number + 1.0
        term *= (count - number) / after * odds
        if term < TINY:
            if term <= 0.0:
                break
            if after > mean:
                append(term)
                break
        append(term)
        total += term
        number = after
    return found


def nobody_free(free: int, agents: Sequence[float], persons: Sequence[float]) -> float:
    """P(persons − agents ≥ free), from the chances of each number. Range: 0 … 1."""
    risk = 0.0
    if free <= 0:
        for chance in agents[: 1 - free]:
            risk += chance  # somebody waits already
        agents, free = agents[1 - free :], 1
    tail = list(accumulate(reversed(persons[free:])))  # chances of at least as many persons, the fewest last
    for chance, as_many in zip(agents, reversed(tail), strict=False):
        risk += chance * as_many
    return min(1.0, risk)


def nobody_free_of_many(free: int, mean: float, variance: float, third: float) -> float:
    """The same for the difference persons − agents of many, by its first three cumulants."""
    deviation = math.sqrt(variance)
    x = (free - 0.5 - mean) / deviation
    skewness = third / (variance * deviation)
    density = math.exp(-0.5 * x * x) / ROOT_2_PI
    risk = 0.5 * math.erfc(x / ROOT_2) + density * skewness / 6.0 * (x * x - 1.0)
    return 0.0 if risk < 0.0 else 1.0 if risk > 1.0 else risk


def total(rows: Iterable[tuple[int, Sequence[float]]]) -> Sum:
    """The sum of (count, chances) rows."""
    found = Sum()
    found.add(rows)
    return found


class Forecast:
    """The risk of the next call, and of those after it."""

    __slots__ = ("_places", "_pmfs")

    def __init__(self, free: int, agents: Sum, persons: Sum, fresh: Sequence[float] = (0.0,) * HORIZONS) -> None:
        """Take what there is.

        Args:
            free: agents free now less persons waiting; may be negative.
            agents: busy agents who come free within each horizon.
            persons: calls in flight that bring a person within each horizon.
            fresh: chance of a call that is started now, within each horizon.
        """
        self._places = []
        for place in range(HORIZONS):
            more = agents.mean[place] + persons.missing[place]
            more2 = agents.squares[place] + persons.missing_squares[place]
            less = persons.mean[place] + agents.missing[place]
            less2 = persons.squares[place] + agents.missing_squares[place]
            sure = free + agents.sure[place] - persons.sure[place]
            self._places.append((place, sure, more, more2, less, less2, fresh[place], _third(more, more2)))
        """At each horizon: agents who are sure to be there, mean and squares of those who may come, of the persons who
        may, chance of a new call, third cumulant of those who may come."""
        self._pmfs: list[list[float] | None] = [None] * HORIZONS

    def risk(self, started: int = 0) -> float:
        """Chance that the person of one more call finds nobody, once so many are started: mean over the horizons."""
        found, n = 0.0, float(started)
        for place, free, more, more2, less, less2, chance, third in self._places:
            if chance > HALF:
                lack = 1.0 - chance
                free -= started
                more += n * lack
                more2 += n * lack * lack
                third = _third(more, more2)
            else:
                x = n * chance
                less += x
                less2 += x * chance
            variance = more - more2 + less - less2
            if variance > MANY:
                of_persons = (less - less2) * (1.0 - 2.0 * less2 / less) if less > SMALL else 0.0  # as `_third`
                found += nobody_free_of_many(free, less - more, variance, of_persons - third)
            else:
                pmf = None if chance > HALF else self._pmfs[place]
                if pmf is None:
                    pmf = self._pmfs[place] = binomial(more, more2)
                found += nobody_free(free, pmf, binomial(less, less2))
        return found / HORIZONS


def _third(mean: float, squares: float) -> float:
    """Third cumulant of the matched binomial."""
    return (mean - squares) * (1.0 - 2.0 * squares / mean) if mean > SMALL else 0.0
