"""How soon the estimate of needed ports follows a hit rate that doubles or halves at once.

Measured is the time until the estimate of a group that learns from its own calls is within 10 % of where it comes to
rest. Beside it what else was tried: turns that count for nothing until they are beyond doubt, and a shorter mean times
the pacer's level of the last minutes.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.pacing.cells import Cell
from bench.pacing.demand.truth import demand_of
from bench.pacing.floor import Agent, Call, Floor
from bench.pacing.measure import Workers
from bench.pacing.model import Simulation
from bench.pacing.ours import Ours
from bench.pacing.tables import table
from outdial.core.estimates import Estimates, Mean
from outdial.core.modes import DialingMode
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

STEP_AT_MS: Millis = 60 * MINUTE_MS
DAY_MS: Millis = 100 * MINUTE_MS
REST_MS: Millis = 15 * MINUTE_MS
"""The end of the day, where the estimate has come to rest."""
FACTORS = (2.0, 0.5)
SEEDS = {10: 36, 30: 32, 100: 18}
"""Days of each step. Shape: {agents: days}."""
SAMPLE_MS: Millis = 5 * SECOND_MS
WITHIN = 0.10
FAST_MEMORY = 1_000

Path = dict[Millis, float]
"""Dialing ports. Shape: {when: ports}."""


class Learning(Ours):
    """Our pacer, with the group's statistics beside it, and what they say every five seconds."""

    def __init__(self, cell: Cell) -> None:
        """A cold start."""
        super().__init__(cell)
        self.cell = cell
        self.estimates = Estimates()
        self.mean = Mean(0.3, memory=FAST_MEMORY)
        self.said: dict[str, Path] = {"turns": {}, "beyond doubt": {}, "mean × level": {}}
        """Shape: {way: {when: ports}}."""
        self._at: Millis = 0

    def dialed(self, now: Millis, call: Call) -> None:
        """A call was started."""
        super().dialed(now, call)
        self.estimates.attempt_dialed(now)

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """The outcome is known."""
        super().resolved(now, call, person)
        held_ms = now - call.dialed_at
        self.estimates.attempt_resolved(call.dialed_at, now, person=person)
        self.estimates.dialing_ended(held_ms)
        self.mean.add(1.0 if person else 0.0)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """An agent's state changed."""
        super().agent(now, agent, before, since)
        if before == "talk" != agent.state:
            self.estimates.talk_ms.add(now - since)
        elif before == "work" != agent.state:
            self.estimates.work_ms.add(now - since)

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Calls to start now."""
        found = super().wanted(now, floor)
        if now >= self._at:
            at = now // SAMPLE_MS * SAMPLE_MS
            self._at = at + SAMPLE_MS
            if self.estimates.persons:
                self.estimates.utilisation.add(len(floor.busy) / self.cell.agents)
            self.estimates.follow_turns(now)
            ports = demand_of(self.estimates, self.cell, DialingMode.PREDICTIVE).regular_millis / 1_000
            self.said["turns"][at] = ports
            for_persons = ports * self.estimates.hit
            self.said["beyond doubt"][at] = for_persons / self.estimates.hit_ratio.value
            self.said["mean × level"][at] = for_persons / (self.mean.value * self.calls.level)
        return found


def learn(task: tuple[Cell, int]) -> dict[str, Path]:
    """A day with a group that learns. The task: (cell, seed)."""
    cell, seed = task
    pacer = Learning(cell)
    Simulation(cell, pacer, seed).run()
    return pacer.said


@dataclass(frozen=True, slots=True)
class Step:
    """One way to estimate, after one step. Seconds until within 10 % of the new value; None: never."""

    agents: int
    factor: float
    estimate: str
    days: int
    median_s: float | None
    last_s: float | None
    """Of the slowest day."""
    mean_s: float | None
    """Of the mean of the days."""
    after_60_s: float
    """Mean of the days a minute after the step, as a part of the new value."""
    noise: float
    """Standard deviation of the logarithm in the twenty minutes before the step."""


def part(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Step]]:
    """Seconds from a step of the hit rate until the estimate is where it will stay."""
    cells = [
        Cell(count, 0.20, day_ms=DAY_MS, hit_factors=((STEP_AT_MS, by),))
        for count in SEEDS
        if count in agents
        for by in FACTORS
    ]
    tasks = [(cell, seed) for cell in cells for seed in range(1, max(1, round(factor * SEEDS[cell.agents])) + 1)]
    days: dict[Cell, list[dict[str, Path]]] = {}
    for (cell, _), said in zip(tasks, workers.each(learn, tasks), strict=True):
        days.setdefault(cell, []).append(said)
    rows = [row for cell, of_cell in days.items() for row in _rows(cell, of_cell)]
    text = "Seconds until within 10 % of the new value: median and last of the days, and their mean.\n"
    return f"## Ports after a step of the hit ratio\n\n{text}\n{_table(rows)}", rows


def _rows(cell: Cell, days: Sequence[dict[str, Path]]) -> list[Step]:
    instants = sorted(set.intersection(*(set(day["turns"]) for day in days)))
    last = [at for at in instants if at >= DAY_MS - REST_MS]
    rest = _geometric(day["turns"][at] for day in days for at in last)
    rows = []
    for way in days[0]:
        paths = [day[way] for day in days]
        mean = {at: _geometric(path[at] for path in paths) for at in instants}
        times = [_arrival(path, rest) for path in paths]
        before = [math.log(path[at]) for path in paths for at in instants if _is_before(at)]
        rows.append(
            Step(
                cell.agents,
                cell.hit_factors[0][1],
                way,
                len(days),
                _ever(statistics.median(times)),
                _ever(max(times)),
                _ever(_arrival(mean, rest)),
                mean[STEP_AT_MS + 60 * SECOND_MS] / rest,
                statistics.pstdev(before),
            )
        )
    return rows


def _is_before(at: Millis) -> bool:
    return STEP_AT_MS - 20 * MINUTE_MS <= at < STEP_AT_MS


def _geometric(values: Iterable[float]) -> float:
    return math.exp(statistics.fmean(math.log(max(1e-9, value)) for value in values))


def _arrival(path: Path, rest: float) -> float:
    """Seconds from the step until the estimate is first within 10 % of its rest; infinite: never."""
    for at in sorted(path):
        if at >= STEP_AT_MS and 1.0 - WITHIN <= path[at] / rest <= 1.0 + WITHIN:
            return (at - STEP_AT_MS) / SECOND_MS
    return math.inf


def _ever(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None


def _seconds(found: float | None) -> str:
    return "never" if found is None else f"{found:.0f}"


def _table(rows: Sequence[Step]) -> str:
    head = ["agents", "hit ratio", "estimate", "days", "median s", "last s", "mean of days s", "after 60 s", "noise"]
    lines = []
    for row in rows:
        line = [f"{row.agents}", f"× {row.factor:g}", row.estimate, f"{row.days}"]
        line += [_seconds(found) for found in (row.median_s, row.last_s, row.mean_s)]
        lines.append([*line, f"{row.after_60_s:.2f}", f"{row.noise:.3f}"])
    return table(head, lines)
