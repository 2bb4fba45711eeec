"""The formulas of needed ports with true parameters, before the first call, against days of the model.

Ports on average and for 99 % of the time, dialing alone and with the customers' ports of the seizing modes. Engaging
ports are one for each agent at work by construction and have no table.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench.pacing.bounds.closed_forms import Progressive
from bench.pacing.cells import HITS, TALKS_MS, Cell
from bench.pacing.demand.truth import demand_of, true_estimates
from bench.pacing.measure import Workers
from bench.pacing.model import Simulation
from bench.pacing.ours import Ours
from bench.pacing.tables import table
from outdial.core.modes import DialingMode
from outdial.core.units import Millis

SEEDS = {10: 4, 30: 3, 100: 1}
"""Days per cell. Shape: {agents: days}."""
GOALS = {10: 0.08, 30: 0.03, 100: 0.03}
"""Error of the mean that is aimed at. Source: the pacing study, section 9."""
PEAK_GOAL = 0.10
MODES = {
    "predictive": (DialingMode.PREDICTIVE, DialingMode.PREDICTIVE_SEIZING),
    "progressive": (DialingMode.PROGRESSIVE, DialingMode.PROGRESSIVE_SEIZING),
}
"""Shape: {name: (dialing alone, with the customers' ports)}."""


class Watched(Simulation):
    """A day with the customers in conversation counted beside the calls in flight."""

    def __init__(self, cell: Cell, pacer: Ours | Progressive, seed: int) -> None:
        """A fresh day."""
        super().__init__(cell, pacer, seed)
        self.talking: list[int] = []

    def _sample(self, now: Millis, what: object) -> None:
        super()._sample(now, what)
        if len(self.day.port_samples) > len(self.talking):
            self.talking.append(sum(agent.state == "talk" for agent in self.floor.busy.values()))


class Legs(NamedTuple):
    """Ports of one day, on average and for 99 % of the time: dialing, and with the customers in conversation."""

    dialing: float
    dialing_peak: float
    seizing: float
    seizing_peak: float
    persons: float
    attempts: float


def watch(task: tuple[Cell, bool, int]) -> Legs:
    """Live through a day. The task: (cell, whether it is predictive, seed)."""
    cell, predictive, seed = task
    simulation = Watched(cell, Ours(cell) if predictive else Progressive(), seed)
    day = simulation.run()
    legs = [calls + talking for calls, talking in zip(day.port_samples, simulation.talking, strict=True)]
    return Legs(
        statistics.fmean(day.port_samples),
        _p99(day.port_samples),
        statistics.fmean(legs),
        _p99(legs),
        day.persons,
        day.attempts,
    )


def _p99(samples: Sequence[int]) -> float:
    return float(sorted(samples)[99 * len(samples) // 100])


class Guess(NamedTuple):
    """Ports by the formula, and those of the days."""

    ports: float
    actual: float

    @property
    def error(self) -> float:
        """Of the formula. Range: -1 and above; 0 is none."""
        return self.ports / self.actual - 1.0


@dataclass(frozen=True, slots=True)
class Prior:
    """One cell in one way of dialing."""

    mode: str
    hit: float
    talk_ms_mean: int
    agents: int
    days: int
    dialing: Guess
    dialing_own: Guess
    """The same with the share of persons that the days had: without the luck of the list."""
    dialing_peak: Guess
    seizing: Guess
    seizing_peak: Guess


def part(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Prior]]:
    """Formula against days: a table for each way of dialing."""
    cells = [
        Cell(count, hit).with_talk(talk_ms)
        for count in SEEDS
        if count in agents
        for talk_ms in TALKS_MS
        for hit in HITS
    ]
    days = {cell: max(1, round(factor * SEEDS[cell.agents])) for cell in cells}
    keys = [(cell, mode == "predictive", seed) for mode in MODES for cell in cells for seed in range(1, days[cell] + 1)]
    legs: dict[tuple[str, Cell], list[Legs]] = {}
    for (cell, predictive, _), found in zip(keys, workers.each(watch, keys), strict=True):
        legs.setdefault(("predictive" if predictive else "progressive", cell), []).append(found)
    rows = [_row(mode, cell, of_days) for (mode, cell), of_days in legs.items()]
    texts = [f"{mode.capitalize()}:\n\n{_table([row for row in rows if row.mode == mode])}" for mode in MODES]
    return "## Ports before the first call\n\n" + "\n".join([*texts, _summary(rows)]), rows


def _row(mode: str, cell: Cell, days: Sequence[Legs]) -> Prior:
    mean = Legs(*(statistics.fmean(column) for column in zip(*days, strict=True)))
    plain, seizing = (demand_of(true_estimates(cell), cell, each) for each in MODES[mode])
    own = demand_of(true_estimates(cell, mean.persons / mean.attempts), cell, MODES[mode][0])
    return Prior(
        mode,
        cell.hit,
        cell.talk_ms_mean,
        cell.agents,
        len(days),
        Guess(plain.regular_millis / 1_000, mean.dialing),
        Guess(own.regular_millis / 1_000, mean.dialing),
        Guess(plain.regular_peak_millis / 1_000, mean.dialing_peak),
        Guess(seizing.regular_millis / 1_000, mean.seizing),
        Guess(seizing.regular_peak_millis / 1_000, mean.seizing_peak),
    )


def _table(rows: Sequence[Prior]) -> str:
    head = ["hit", "talk s", "agents", "dialing: formula / days", "with the days' hit ratio"]
    head += ["dialing, 99 %", "with seizing", "with seizing, 99 %"]
    lines = []
    for row in rows:
        goal = GOALS[row.agents]
        line = [f"{row.hit:.0%}", f"{row.talk_ms_mean // 1_000}", f"{row.agents}", _pair(row.dialing, goal)]
        line += [f"{row.dialing_own.error:+.1%}", _pair(row.dialing_peak, PEAK_GOAL)]
        lines.append([*line, _pair(row.seizing, goal), _pair(row.seizing_peak, PEAK_GOAL)])
    return table(head, lines)


def _pair(guess: Guess, goal: float) -> str:
    missed = "*" if abs(guess.error) > goal else ""
    return f"{guess.ports:.1f} / {guess.actual:.1f} {guess.error:+.1%}{missed}"


def _summary(rows: Sequence[Prior]) -> str:
    lines = ["`*`: the error is above its goal.\n"]
    for mode in MODES:
        for name, sizes in (("10 agents", (10,)), ("30 and more", (30, 100))):
            chosen = [row for row in rows if row.mode == mode and row.agents in sizes]
            if not chosen:
                continue
            errors = []
            for what in ("dialing", "dialing_own", "dialing_peak", "seizing", "seizing_peak"):
                found = [abs(getattr(row, what).error) for row in chosen]
                errors.append(f"{what.replace('_', ' ')} {statistics.fmean(found):.1%} ({max(found):.1%})")
            lines.append(f"* {mode}, {name}: mean error (largest): {', '.join(errors)}")
    return "\n".join(lines) + "\n"
