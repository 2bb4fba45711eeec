"""Work shared by all processors: days of cells, and what is kept of each."""

import multiprocessing
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from bench.pacing.cells import HALF_MS, Cell
from bench.pacing.engine import run_engine
from bench.pacing.floor import Pacer
from bench.pacing.half_oracles import AgentsKnown, CallsKnown
from bench.pacing.model import Day, run_day
from bench.pacing.ours import Ours
from bench.pacing.peers import PEERS
from outdial.core.modes import DialingMode
from outdial.core.units import MINUTE_MS

Given = TypeVar("Given")
Found = TypeVar("Found")

PACERS: Final[dict[str, Callable[[Cell], Pacer]]] = {
    "outdial": Ours,
    "agents known": AgentsKnown,
    "calls known": CallsKnown,
    **PEERS,
}
"""Shape: {name: maker}."""
ENGINE: Final[dict[str, DialingMode]] = {
    "engine": DialingMode.PREDICTIVE,
    "engine, seizing": DialingMode.PREDICTIVE_SEIZING,
}
"""Runs of the whole engine, by name."""


@dataclass(frozen=True, slots=True)
class Task:
    """One day to run."""

    cell: Cell
    pacer: str
    seed: int


@dataclass(frozen=True, slots=True)
class Row:
    """A cell with one pacer: means over its days. Shares are of 1."""

    agents: int
    hit: float
    talk_ms_mean: int
    target: float
    pacer: str
    days: int
    utilisation: float
    abandonment: float
    abandonment_max: float
    """Of the worst day."""
    compliant: float
    """Share of the days with at most one abandoned call more than the target allows."""
    worst_window: float
    """Worst half hour, mean over the days."""
    idle_s: float
    """Wait of an agent for a call."""
    attempts_per_agent_hour: float
    ports_mean: float
    ports_p99: float
    seconds: float
    """To compute one day."""
    drift: tuple[float, ...] = ()
    """(U before, U in the first 30 min, U in minutes 30 to 60, abandonment in 10 min, in 30 min) of the second half."""


def _summary(task: Task) -> tuple[Task, dict[str, float], tuple[float, ...]]:
    """Run one day. Everything that is averaged, by name."""
    cell = task.cell
    if task.pacer in ENGINE:
        of_engine = run_engine(cell, task.seed, ENGINE[task.pacer])
        found = {
            "utilisation": of_engine.utilisation,
            "abandonment": of_engine.abandonment,
            "over": of_engine.abandonment * of_engine.persons - cell.target * of_engine.persons,
            "attempts": of_engine.attempts,
            "seconds": of_engine.seconds,
        }
        return task, found, ()
    started = time.perf_counter()
    day = run_day(cell, PACERS[task.pacer](cell), task.seed)
    seconds = time.perf_counter() - started
    ports = sorted(day.port_samples) or [0]
    found = {
        "utilisation": day.utilisation,
        "abandonment": day.abandonment,
        "over": day.abandoned - cell.target * day.persons,
        "attempts": day.attempts,
        "worst_window": day.worst_window(),
        "idle_s": day.wait_ms / max(1, day.handled) / 1_000,
        "ports_mean": sum(ports) / len(ports),
        "ports_p99": ports[len(ports) * 99 // 100],
        "seconds": seconds,
    }
    return task, found, _drift(day) if _drifts(cell) else ()


def _drifts(cell: Cell) -> bool:
    return bool(cell.hit_factors or cell.breaks or cell.talk_factor or cell.ring_more)


def _drift(day: Day) -> tuple[float, ...]:
    before, _ = day.between(HALF_MS - 180 * MINUTE_MS, HALF_MS)
    _, first = day.between(HALF_MS, HALF_MS + 10 * MINUTE_MS)
    half, lost = day.between(HALF_MS, HALF_MS + 30 * MINUTE_MS)
    later, _ = day.between(HALF_MS + 30 * MINUTE_MS, HALF_MS + 60 * MINUTE_MS)
    return before, half, later, first, lost


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes that share work."""

    jobs: int | None
    """How many. None: one for each processor."""
    say: Callable[[str], None]
    """Told how far they are."""

    def days(self, tasks: Iterable[Task]) -> list[Row]:
        """Run days and average them by cell and pacer, in the order of the tasks."""
        wanted = list(tasks)
        order = {(task.cell, task.pacer): place for place, task in reversed(list(enumerate(wanted)))}
        found: dict[tuple[Cell, str], list[tuple[int, dict[str, float], tuple[float, ...]]]] = {}
        longest_first = sorted(wanted, key=lambda task: -task.cell.agents / task.cell.hit / task.cell.talk_ms_mean)
        for task, values, drift in self.each(_summary, longest_first):
            found.setdefault((task.cell, task.pacer), []).append((task.seed, values, drift))
        rows = {key: _row(*key, sorted(days)) for key, days in found.items()}
        return [rows[key] for key in sorted(rows, key=order.__getitem__)]

    def each(self, work: Callable[[Given], Found], tasks: Sequence[Given]) -> list[Found]:
        """What a function makes of each task, begun and returned in their order."""
        found = []
        with multiprocessing.Pool(self.jobs) as pool:
            for number, one in enumerate(pool.imap(work, tasks), start=1):
                found.append(one)
                if number % 25 == 0 or number == len(tasks):
                    self.say(f"{number} of {len(tasks)} runs")
        return found


def _row(cell: Cell, pacer: str, days: Sequence[tuple[int, dict[str, float], tuple[float, ...]]]) -> Row:
    def mean(name: str) -> float:
        return sum(values.get(name, 0.0) for _, values, _ in days) / len(days)

    hours = cell.day_ms / (60 * MINUTE_MS)
    drifts = [drift for _, _, drift in days if drift]
    return Row(
        agents=cell.agents,
        hit=cell.hit,
        talk_ms_mean=cell.talk_ms_mean,
        target=cell.target,
        pacer=pacer,
        days=len(days),
        utilisation=mean("utilisation"),
        abandonment=mean("abandonment"),
        abandonment_max=max(values["abandonment"] for _, values, _ in days),
        compliant=sum(values["over"] <= 1.0 for _, values, _ in days) / len(days),
        worst_window=mean("worst_window"),
        idle_s=mean("idle_s"),
        attempts_per_agent_hour=mean("attempts") / cell.agents / hours,
        ports_mean=mean("ports_mean"),
        ports_p99=mean("ports_p99"),
        seconds=mean("seconds"),
        drift=tuple(sum(each) / len(drifts) for each in zip(*drifts, strict=True)) if drifts else (),
    )


def as_json(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Rows of any part, which are dataclasses, for a file."""
    return [asdict(row) for row in rows]
