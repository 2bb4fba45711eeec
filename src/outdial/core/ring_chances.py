"""From what is known by ring age to the chances of a call that rings: the arithmetic of `call_odds`.

Ages are counted in bins, all rows are as long as there are bins.

Source: discrete-time hazards with exposure after Cox (1972) and Kaplan, Meier (1958).
"""

from collections.abc import Sequence

from outdial.core.risk import HORIZONS

CERTAIN = 0.98
"""No call in flight is taken for a person with more than this chance. Ours (0014)."""

Chances = tuple[float, ...]
"""Chance of a person's verdict within each horizon. Shape: HORIZONS floats, ascending."""


def reached(left: Sequence[float], running: Sequence[int]) -> list[float]:
    """Calls that reached each bin: those that left there or later, and those that are there or further."""
    found, count = [0.0] * len(left), 0.0
    for age in range(len(left) - 1, -1, -1):
        count += left[age] + running[age]
        found[age] = count
    return found


def chances_at(
    age: int,
    alive: float,
    density: Sequence[float],
    sums: Sequence[float],
    in_time: Sequence[tuple[int, Sequence[float]]],
) -> Chances:
    """Chance that a call which has rung for `age` bins has a person's verdict within each horizon.

    Args:
        age: unit: bins.
        alive: chance that a call rings for so long.
        density: chance of a person picking up, by age, for a call that is started now.
        sums: sums of these below each age.
        in_time: for each horizon, which pick-ups have their verdict in time (worked out by `call_odds`).
    """
    if alive <= 1e-9:
        return (0.0,) * HORIZONS
    chances = []
    for sure, perhaps in in_time:
        first = min(len(density), age + sure)
        chance = sums[first] - sums[age]
        for here, weight in zip(density[first : first + len(perhaps)], perhaps, strict=False):
            chance += here * weight
        chances.append(min(CERTAIN, chance / alive))
    return tuple(chances)


def lifted(factor: float, row: Chances) -> Chances:
    """Chances times a factor, none of them certain."""
    a, b, c, d = row
    if factor * d < CERTAIN:  # they ascend
        return (factor * a, factor * b, factor * c, factor * d)
    return (min(CERTAIN, factor * a), min(CERTAIN, factor * b), min(CERTAIN, factor * c), CERTAIN)
