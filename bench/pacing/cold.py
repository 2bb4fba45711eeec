"""The first minutes of a group that knows nothing yet: how soon agents are busy, and how many persons it costs."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.pacing.cells import Cell
from bench.pacing.measure import Workers
from bench.pacing.model import run_day
from bench.pacing.ours import Ours
from bench.pacing.tables import table
from outdial.core.units import MINUTE_MS

HOUR_MS = 60 * MINUTE_MS
DAYS = {10: 60, 30: 24, 100: 10}
"""First hours of each size. Shape: {agents: hours}."""


@dataclass(frozen=True, slots=True)
class Start:
    """The first hour of one seed, or the mean of many. Shares are of 1."""

    agents: int
    first: float
    """U in the first five minutes."""
    second: float
    """U in minutes 5 to 10."""
    later: float
    """U in minutes 30 to 60."""
    persons: float
    """Who answered in the first ten minutes."""
    lost: float
    """Those of them who found no agent."""


def start(task: tuple[int, int]) -> Start:
    """One first hour. Args: task: (agents, seed)."""
    agents, seed = task
    cell = replace(Cell(agents, 0.20), day_ms=HOUR_MS)
    day = run_day(cell, Ours(cell), seed)
    parts = [day.between(at * MINUTE_MS, to * MINUTE_MS)[0] for at, to in ((0, 5), (5, 10), (30, 60))]
    fates = [lost for at_ms, lost in day.fates if at_ms < 10 * MINUTE_MS]
    return Start(agents, *parts, persons=len(fates), lost=sum(fates))


def part(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Start]]:
    """Hit ratio 20 %, conversations of 60 s, limit 3 %."""
    tasks = [
        (n, seed) for n, days in DAYS.items() if n in agents for seed in range(1, max(1, round(factor * days)) + 1)
    ]
    starts = workers.each(start, tasks)
    rows = [_mean([each for each in starts if each.agents == n]) for n in DAYS if n in agents]
    head = ["agents", "U % in minutes 0–5", "5–10", "30–60", "abandoned in 10 min %"]
    lines = [
        [
            f"{row.agents}",
            *(f"{100 * share:.1f}" for share in (row.first, row.second, row.later)),
            f"{100 * row.lost / max(1.0, row.persons):.1f}",
        ]
        for row in rows
    ]
    return f"## The first minutes\n\n{table(head, lines)}", rows


def _mean(starts: Sequence[Start]) -> Start:
    names = ("first", "second", "later", "persons", "lost")
    return Start(starts[0].agents, *(statistics.fmean(getattr(each, name) for each in starts) for name in names))
