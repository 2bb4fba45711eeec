"""The benchmark's cells, seeds and goals.

Source: the pacing study, sections 3 (grid), 7 (drift) and 9 (goals).
"""

from dataclasses import dataclass, replace

from bench.pacing.model import Break, Cell
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

AGENTS = (3, 10, 30, 100, 300, 1_000)
HITS = (0.08, 0.20, 0.40)
TALKS_MS = (60_000, 180_000)
SEEDS = {3: 12, 10: 8, 30: 4, 100: 2, 300: 1, 1_000: 1}
"""Seeds 1, 2, … of a cell, by agents: small groups need more days for the same certainty."""
HALF_MS: Millis = 240 * MINUTE_MS
"""When a drift begins."""

WORLD_CLASS: dict[tuple[Millis, int], tuple[float, float, float]] = {
    (60_000, 3): (53.7, 62.0, 71.8),
    (60_000, 10): (75.5, 78.1, 81.3),
    (60_000, 30): (87.8, 88.5, 89.7),
    (60_000, 100): (95.2, 95.6, 96.1),
    (60_000, 300): (98.6, 98.6, 99.0),
    (60_000, 1_000): (99.7, 99.8, 99.9),
    (180_000, 3): (69.0, 77.9, 86.1),
    (180_000, 10): (81.0, 85.8, 88.9),
    (180_000, 30): (90.7, 91.7, 92.7),
    (180_000, 100): (95.8, 96.0, 96.5),
    (180_000, 300): (98.3, 98.4, 98.6),
    (180_000, 1_000): (99.4, 99.5, 99.6),
}
"""Goal at 3 %. Shape: {(mean conversation, agents): utilisation in % at each of HITS}."""


def grid(target: float, agents: tuple[int, ...] = AGENTS) -> list[Cell]:
    """Every cell of the grid at one limit of abandonment."""
    return [
        Cell(count, hit, target=target).with_talk(talk_ms) for talk_ms in TALKS_MS for count in agents for hit in HITS
    ]


def goal(cell: Cell) -> float:
    """Goal for the utilisation of a cell at 3 %. Unit: %."""
    return WORLD_CLASS[cell.talk_ms_mean, cell.agents][HITS.index(cell.hit)]


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that changes in the middle of the day."""

    name: str
    cell: Cell

    def of(self, agents: int) -> Cell:
        """The same with other agents."""
        return replace(self.cell, agents=agents)


_BASE = Cell(10, 0.20)
DRIFTS = (
    Drift("hit ratio doubles", replace(_BASE, hit_factors=((HALF_MS, 2.0),))),
    Drift("hit ratio halves", replace(_BASE, hit_factors=((HALF_MS, 0.5),))),
    Drift("30 % leave", replace(_BASE, breaks=(Break(HALF_MS, 30 * MINUTE_MS, 0.3),))),
    Drift("30 % leave, announced", replace(_BASE, breaks=(Break(HALF_MS, 30 * MINUTE_MS, 0.3, is_announced=True),))),
    Drift("conversations twice as long", replace(_BASE, talk_factor=(HALF_MS, 2.0))),
    Drift("rings 3 s longer", replace(_BASE, ring_more=(HALF_MS, 3 * SECOND_MS))),
    Drift(
        "list runs from fresh to retried",
        replace(_BASE, hit_factors=tuple((HALF_MS + n * 10 * MINUTE_MS, 1.0 - 0.05 * (n + 1)) for n in range(10))),
    ),
)
DRIFT_AGENTS = (10, 30, 100)


def markov(target: float) -> list[Cell]:
    """The memoryless version."""
    return [
        Cell(agents, hit, target=target, patience_ms=0, is_markov=True) for agents in (3, 10, 30, 100) for hit in HITS
    ]
