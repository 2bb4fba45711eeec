"""What forecasts cost: the core with predictive pacing against the same core with the plain bound of decision 0007.

One predictive group of the pacing benchmark in the simulated world. Each side dials as it sees fit; its journal is kept
and replayed into fresh cores, the two sides in turn, so that the machine's noise hits both alike. Counted is the
processor time of the core, per attempt; and that of the whole simulated engine, which has a world around the core.

The plain side has what the project had before it forecast each call: a closed-form bound with a brake, evaluated at
every event, and a mean time of being busy. It learns nothing by age.
"""

import gc
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import ModuleType

from bench.pacing.cells import Cell
from bench.pacing.engine import configuration, world
from bench.pacing.peers.plain import HISTORY, HIT_MEMORY, HIT_MIN, Brake, Mean, persons_allowed
from bench.pacing.peers.plain import Spells as PlainSpells
from outdial.core import availability, calls, dialing, settlement
from outdial.core.agents import Agent, AgentState
from outdial.core.attempt import Attempt
from outdial.core.budget import Budget
from outdial.core.commands import Command, SettleAttempt
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.groups import Group
from outdial.core.modes import DialingMode
from outdial.core.pacing import STARTS_PER_DECISION_MAX, attempts_to_start, progressive_form
from outdial.core.predictive import situation
from outdial.core.state import State
from outdial.core.units import MINUTE_MS, Millis, Now
from outdial.sim.run import Simulation

CELL = Cell(100, 0.20)
SEED = 1
WARM_UP_MS = 20 * MINUTE_MS
MEASURED_MS = 20 * MINUTE_MS
TURNS = 5
BUSY = (AgentState.TALKING, AgentState.AFTER_CALL_WORK)


class PlainBudget(Budget):
    """The brake in the place of a group's account."""

    def __init__(self, target: float) -> None:
        super().__init__(target)
        self.brake = Brake(target)

    def person(self, *, lost: bool, mono_ms: Millis) -> None:
        """The fate of an answered person is known."""
        self.brake.person(mono_ms, lost=lost)


class PlainPacing:
    """The plain bound of one group in the core."""

    def __init__(self) -> None:
        self.busy = PlainSpells()
        self.hit = Mean(0.3, memory=HIT_MEMORY)

    def calls_ahead(self, state: State, group: Group) -> int:
        """Attempts that the group should start now."""
        budget = group.budget
        if not isinstance(budget, PlainBudget):
            group.budget = budget = PlainBudget(group.settings.overdial_ratio_max)
        brake, estimates = budget.brake, group.estimates
        there = situation(state, group)
        if estimates.finished < HISTORY or brake.is_on:
            return attempts_to_start(progressive_form(group.mode), there)
        busy = len(self.busy.running)
        free = there.available - there.waiting
        if not there.available and not busy:
            return 0
        soon = 1.0 - math.exp(-estimates.person_ms.value / self.busy.mean_ms(state.mono_ms))
        hit = max(HIT_MIN, self.hit.value)
        persons = persons_allowed(
            free=free + busy * soon - 0.5,
            var_free=busy * soon * (1.0 - soon),
            hit=hit,
            hit_persons=self.hit.weight * hit,
            z=brake.z,
        )
        allowed = min(math.floor(max(0.0, persons) / hit), max(free, estimates.finished))
        return min(STARTS_PER_DECISION_MAX, max(0, max(allowed, free) - there.pending))

    def landed(self, state: State, attempt: Attempt, *, person: bool) -> None:
        """The outcome of a call is known. The group's own hit ratio forgets when a list turns; this rule's does not."""
        if attempt.is_in_flight:
            attempt.is_in_flight = False
            self.hit.add(1.0 if person else 0.0)

    def follow(self, state: State, agent: Agent) -> None:
        """An agent's state may have changed."""
        busy, agent_id = agent.state in BUSY, agent.agent_id
        if busy and agent_id not in self.busy.running:
            self.busy.begin(agent_id, state.mono_ms)
        elif not busy and agent_id in self.busy.running:
            self.busy.end(agent_id, state.mono_ms)


def _in_flight(state: State, attempt: Attempt) -> None:
    """A call was requested: needed ports are all that is learned from that."""
    attempt.is_in_flight = True
    state.groups[attempt.group_id].estimates.attempt_dialed(state.mono_ms)


def _nothing(state: State, attempt: Attempt) -> None:
    """A call was answered: nothing is learned from that."""


@contextmanager
def _plain() -> Iterator[None]:
    """The core paces plainly inside of this."""
    pacing = PlainPacing()
    changes: list[tuple[ModuleType, str, object]] = [
        (dialing, "calls_ahead", pacing.calls_ahead),
        (dialing, "taken_off", _in_flight),
        (calls, "picked_up", _nothing),
        (calls, "landed", pacing.landed),
        (settlement, "landed", pacing.landed),
        (availability, "follow_odds", pacing.follow),
    ]
    before = [(module, name, getattr(module, name)) for module, name, _ in changes]
    for module, name, value in changes:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


class Journal:
    """What a simulated dialer is told, as an observer sees it."""

    def __init__(self) -> None:
        self.steps: list[tuple[Now, Event]] = []
        self.settled = 0
        """Attempts that are over, among the measured steps."""

    def after_step(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step is done."""
        self.steps.append((now, event))
        if now.mono_ms >= WARM_UP_MS:
            self.settled += sum(isinstance(command, SettleAttempt) for command in commands)

    def at_end(self, now: Now) -> None:
        """The run is over."""


@dataclass(frozen=True, slots=True)
class Side:
    """One way of pacing, and what it made of the cell."""

    name: str
    pacing: Callable[[], AbstractContextManager[None]]
    journal: Journal
    utilisation: float
    abandoned: float
    """Shares of 1."""

    def replay_s(self) -> float:
        """Processor time of a fresh core for the measured part. Unit: s."""
        steps = self.journal.steps
        first = next(place for place, (now, _) in enumerate(steps) if now.mono_ms >= WARM_UP_MS)
        with self.pacing():
            step = Dialer().step
            for now, event in steps[:first]:
                step(now, event)
            measured = steps[first:]
            gc.collect()
            gc.freeze()  # the journal itself must not be walked by the collector while the core is timed
            started = time.process_time()
            for now, event in measured:
                step(now, event)
            elapsed = time.process_time() - started
            gc.unfreeze()
        return elapsed

    def engine_s(self) -> float:
        """Processor time of the whole engine, world and calls included, for an attempt. Unit: s."""
        with self.pacing():
            simulation = Simulation(configuration(CELL, DialingMode.PREDICTIVE), world(CELL), SEED)
            started = time.process_time()
            report = simulation.run(WARM_UP_MS + MEASURED_MS)
            return (time.process_time() - started) / report.attempts


def _record(name: str, pacing: Callable[[], AbstractContextManager[None]]) -> Side:
    journal = Journal()
    with pacing():
        simulation = Simulation(
            configuration(CELL, DialingMode.PREDICTIVE), world(CELL), SEED, observers=[lambda *_: journal]
        )
        report = simulation.run(WARM_UP_MS + MEASURED_MS)
    return Side(name, pacing, journal, report.work[0].utilisation, report.groups[0].lost_ratio)


def run() -> dict[str, object]:
    """Measure both sides, print a table, return it."""
    plain, predictive = _record("plain", _plain), _record("predictive", nullcontext)
    turns = [
        (plain.replay_s() / plain.journal.settled, predictive.replay_s() / predictive.journal.settled)
        for _ in range(TURNS)
    ]
    print(f"cost: processor time of the core for an attempt, {CELL.agents} agents in one predictive group")
    rows = []
    for side, costs in ((plain, [cost for cost, _ in turns]), (predictive, [cost for _, cost in turns])):
        microseconds, spread = 1e6 * min(costs), max(costs) / min(costs)
        rows.append({"pacing": side.name, "us_per_attempt": microseconds, "spread": spread})
        made = f"{side.journal.settled:,} attempts, {100 * side.utilisation:.1f} % @ {100 * side.abandoned:.2f} %"
        print(f"  {side.name:<10} {microseconds:>6.1f} us, spread {spread:.2f}; {made}")
    least = rows[1]["us_per_attempt"] / rows[0]["us_per_attempt"]
    ratios = sorted(own / other for other, own in turns)
    median = ratios[TURNS // 2]
    print(f"  predictive over plain: {least:.3f} by the least of {TURNS} replays in turn, {median:.3f} in the median")
    whole = sorted(predictive.engine_s() / plain.engine_s() for _ in range(TURNS))
    print(f"  the whole engine: {whole[TURNS // 2]:.3f} in the median of {TURNS} pairs of runs")
    return {"rows": rows, "ratio": least, "ratio_median": median, "ratio_engine": whole[TURNS // 2]}
