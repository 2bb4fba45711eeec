"""Luck: every random number of a simulated run, derived from one seed.

Two kinds of source, both named, so that one purpose never disturbs another:

* a `Stream` per purpose ("breaks", "faults", ...): draws follow each other in the order in which things happen;
* `word(key, record_id, attempt_n)` for callees: 64 bits that depend on nothing but the seed, the record and the number
  of the attempt. A record is therefore answered alike under every pacer, every node and every order of dialing.

A distribution is its *quantiles*: 1,024 equally likely values in ascending order, scaled so that their mean is the mean
asked for. A draw is then one table look-up with 10 random bits, and one 64-bit word pays for six of them.
"""

import hashlib
import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from statistics import NormalDist
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")

Quantiles: TypeAlias = tuple[int, ...]
"""A distribution: `QUANTILES` equally likely values, ascending."""

QUANTILE_BITS = 10
QUANTILES = 1 << QUANTILE_BITS
CHOICE_BITS = 24
MASK = (1 << 64) - 1

_LEVELS = tuple((place + 0.5) / QUANTILES for place in range(QUANTILES))


# --- sources ----------------------------------------------------------------------------------


def seed_of(seed: int, name: str) -> int:
    """A 64-bit seed of its own for one purpose. The same on every machine and in every process."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big")


def mix(value: int) -> int:
    """Scramble 64 bits.

    Source: the finaliser of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
    """
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def word(key: int, record_id: int, attempt_n: int) -> int:
    """64 random bits that belong to one attempt of one record.

    Args:
        key: seed of the purpose, from `seed_of`.
        record_id: the record. Range: ≥ 1.
        attempt_n: which attempt of the record, from 1.
    """
    return mix((key + record_id * 0x9E3779B97F4A7C15 + attempt_n * 0xD1B54A32D192ED03) & MASK)


class Stream:
    """Draws for one purpose, in the order in which they are asked for."""

    def __init__(self, seed: int, name: str) -> None:
        self._random = random.Random(seed_of(seed, name))
        self._bits = self._random.getrandbits
        self._unit = self._random.random

    def draw(self, quantiles: Quantiles) -> int:
        """One value of a distribution."""
        return quantiles[self._bits(QUANTILE_BITS)]

    def chance(self, ratio: float) -> bool:
        """True with probability `ratio`. Range: 0 … 1."""
        return ratio > 0 and self._unit() < ratio

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return self._random.randint(low, high)

    def ratio(self, low: float = 0.0, high: float = 1.0) -> float:
        """A real number from `low` to `high`."""
        return low + (high - low) * self._unit()

    def log_between(self, low: float, high: float) -> float:
        """A positive number whose logarithm is uniform: every order of magnitude is equally likely."""
        return low * math.exp(self._unit() * math.log(high / low))

    def exponential(self, mean: float) -> int:
        """Time to the next of events that come at random. Unit: that of `mean`. Range: ≥ 1."""
        return max(1, round(-mean * math.log(1.0 - self._unit())))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, all equally likely."""
        return values[self._random.randrange(len(values))]

    def pick_some(self, values: Sequence[T], count: int) -> list[T]:
        """`count` different values, in random order."""
        return self._random.sample(list(values), count)


class Choice(Generic[T]):
    """One of several values by weight, drawn with `CHOICE_BITS` random bits."""

    def __init__(self, weights: Sequence[tuple[T, float]]) -> None:
        """Take ((value, weight), …).

        Raises:
            ValueError: a weight below 0, or none above.
        """
        total = sum(weight for _, weight in weights)
        if total <= 0 or any(weight < 0 for _, weight in weights):
            raise ValueError(f"weights must be ≥ 0 and not all 0: {weights}")
        self._values = tuple(value for value, weight in weights if weight > 0)
        bounds: list[int] = []
        running = 0.0
        for _, weight in weights:
            running += weight
            if weight > 0:
                bounds.append(round(running / total * (1 << CHOICE_BITS)))
        self._bounds = tuple(bounds[:-1])

    def of(self, bits: int) -> T:
        """The value for `CHOICE_BITS` random bits."""
        return self._values[bisect_right(self._bounds, bits)]


# --- distributions ----------------------------------------------------------------------------


def constant(value: int) -> Quantiles:
    """Always the same."""
    return (value,) * QUANTILES


def uniform(low: int, high: int) -> Quantiles:
    """Every value from `low` to `high` equally likely."""
    return tuple(round(low + (high - low) * level) for level in _LEVELS)


def exponential(mean: float) -> Quantiles:
    """Waits between events that come at random."""
    return _with_mean([-math.log(1.0 - level) for level in _LEVELS], mean)


def lognormal(mean: float, cv: float) -> Quantiles:
    """Durations of human doings.

    Args:
        mean: mean of the values. Range: ≥ 0.
        cv: standard deviation ÷ mean. Range: ≥ 0.
    """
    sigma = math.sqrt(math.log(1.0 + cv * cv))
    standard = NormalDist()
    return _with_mean([math.exp(sigma * standard.inv_cdf(level)) for level in _LEVELS], mean)


def gamma(mean: float, cv: float) -> Quantiles:
    """Durations of several steps, one after the other.

    Args:
        mean: mean of the values. Range: ≥ 0.
        cv: standard deviation ÷ mean. Range: 0 … 1.

    Source: quantiles after Wilson and Hilferty, "The distribution of chi-square" (1931): the cube root of a gamma
        variable is nearly normal. Good to about 1 % for a shape 1 / cv² of 1 and more.
    """
    shape = 1.0 / (cv * cv) if cv > 0 else 1e9
    third = 1.0 / (9.0 * shape)
    standard = NormalDist()
    cubes = (1.0 - third + math.sqrt(third) * standard.inv_cdf(level) for level in _LEVELS)
    return _with_mean([max(0.0, cube) ** 3 for cube in cubes], mean)


def normal(mean: float, deviation: float) -> Quantiles:
    """The bell curve; negative values become 0."""
    shape = NormalDist(mean, max(deviation, 1e-9))
    return tuple(max(0, round(shape.inv_cdf(level))) for level in _LEVELS)


def clipped(quantiles: Quantiles, low: int, high: int) -> Quantiles:
    """The same distribution with everything outside of `low` … `high` moved to the nearer end."""
    return tuple(min(high, max(low, value)) for value in quantiles)


def mixture(first: Quantiles, second: Quantiles, first_ratio: float) -> Quantiles:
    """A draw from `first` with probability `first_ratio`, else from `second`."""
    count = round(first_ratio * QUANTILES)
    return tuple(sorted(_thinned(first, count) + _thinned(second, QUANTILES - count)))


def _thinned(quantiles: Quantiles, count: int) -> Quantiles:
    return tuple(quantiles[(2 * place + 1) * QUANTILES // (2 * count)] for place in range(count))


def _with_mean(values: list[float], mean: float) -> Quantiles:
    factor = mean * len(values) / sum(values) if mean > 0 else 0.0
    return tuple(round(value * factor) for value in values)
