"""The benchmark's cells: what one is, which there are, their seeds and goals.

Source: the pacing study, sections 3 (grid), 7 (drift) and 9 (goals).
"""

from dataclasses import dataclass, replace

from outdial.core.units import MINUTE_MS, SECOND_MS, Millis


@dataclass(frozen=True, slots=True)
class Break:
    """A share of the agents leaves at once when idle, the others when they finish."""

    at_ms: Millis
    for_ms: Millis
    share: float
    is_announced: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One setting of the model."""

    agents: int
    hit: float
    """Share of attempts that reach a person. Range: 0 … 1."""
    talk_ms_mean: Millis = 60_000
    work_ms_mean: Millis = 15_000
    target: float = 0.03
    """Share of answered persons who may be abandoned in a day."""
    patience_ms: Millis = 2_000
    day_ms: Millis = 480 * MINUTE_MS
    hit_factors: tuple[tuple[Millis, float], ...] = ()
    """Drift of the hit ratio. Shape: ((from, factor), …)."""
    talk_factor: tuple[Millis, float] | None = None
    """Drift of the conversations: (from, factor)."""
    ring_more: tuple[Millis, Millis] | None = None
    """Drift of the ring time: (from, longer by)."""
    breaks: tuple[Break, ...] = ()
    ports_max: int | None = None
    """Calls in flight that there are ports for."""
    is_markov: bool = False
    """The memoryless version: rings exponential with mean 14 s, verdict at the answer, handling exponential."""

    def with_talk(self, talk_ms: Millis) -> "Cell":
        """The same cell with another mean conversation and the after-call work that goes with it."""
        return replace(self, talk_ms_mean=talk_ms, work_ms_mean=15_000 if talk_ms < 120_000 else 30_000)


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
