"""Time `share_ports` from ten groups to ten thousand, over shapes of need that are each hard in their own way.

The interesting column is the worst: a pool is shared again whenever a group starts or stops, and the dialer waits.
"""

import random
import statistics
import time
from collections.abc import Callable

from outdial.core.sharing import Claim, share_ports

SIZES = ((10, 100), (100, 1_000), (1_000, 10_000), (10_000, 100_000))
"""Shape: (groups, ports)."""

SEEDS = range(5)
REPEATS = 5
"""Runs per seed and shape."""

Shape = Callable[[random.Random, int], Claim]


def _capped(dice: random.Random, group_id: int) -> Claim:
    return Claim(group_id, dice.randrange(1, 40_000), 1 + dice.randrange(8) if group_id % 2 else None, 1)


SHAPES: dict[str, Shape] = {
    "uniform, surplus": lambda dice, group_id: Claim(group_id, dice.randrange(10_000), None, 1),
    "uniform, shortage": lambda dice, group_id: Claim(group_id, dice.randrange(50_000), None, 1),
    "heavy-tailed": lambda dice, group_id: Claim(group_id, int(1_000 * dice.paretovariate(0.8)), None, 1),
    "all equal": lambda dice, group_id: Claim(group_id, 7_300, None, 1),
    "half capped": _capped,
    "no need": lambda dice, group_id: Claim(group_id, 0, None, 1),
}


def _times_ms(shape: Shape, group_count: int, pool_ports: int) -> list[float]:
    times = []
    for seed in SEEDS:
        dice = random.Random(seed)
        claims = [shape(dice, group_id) for group_id in range(1, group_count + 1)]
        for _ in range(REPEATS):
            started = time.perf_counter()
            share_ports(pool_ports + group_count // 3, claims)  # not a multiple of the groups: ties have to be broken
            times.append((time.perf_counter() - started) * 1_000)
    return times


def run() -> dict[str, dict[str, dict[str, float]]]:
    """Measure, print a table, and return it. Shape: {"10 groups, 100 ports": {shape: {"median_ms", "worst_ms"}}}."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    print(f"share_ports: milliseconds, {len(SEEDS)} seeds x {REPEATS} runs")
    print(f"{'groups':>8} {'ports':>8}  {'needs':<18} {'median':>9} {'worst':>9}")
    for group_count, pool_ports in SIZES:
        rows = figures[f"{group_count} groups, {pool_ports} ports"] = {}
        for name, shape in SHAPES.items():
            times = _times_ms(shape, group_count, pool_ports)
            rows[name] = {"median_ms": statistics.median(times), "worst_ms": max(times)}
            median, worst = rows[name]["median_ms"], rows[name]["worst_ms"]
            print(f"{group_count:>8,} {pool_ports:>8,}  {name:<18} {median:>9.3f} {worst:>9.3f}")
    return figures
