"""The benchmark model: a day of one campaign group, cut down to what pacing decides about.

Records, rings, verdicts and conversations are those of the simulated world (`outdial.sim.callees`), drawn from seed
and record alone, so that every pacer meets the same list. There are no nodes, ports or faults: a day of
a thousand agents takes a minute instead of an hour. That the whole engine agrees is measured beside it (`engine.py`).

A person at the verdict gets the agent who is free the longest; else waits `patience_ms`, then counts as abandoned.

Source: the pacing study, section 3.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.pacing.cells import Break, Cell
from bench.pacing.floor import Agent, Call, Floor, Pacer
from outdial.core.units import MINUTE_MS, Millis
from outdial.sim.callees import BUSY_MS, Callees
from outdial.sim.draws import QUANTILE_BITS, QUANTILES, Quantiles, exponential, gamma, seed_of, word
from outdial.sim.settings import CalleeKind, CalleeSettings, IvrSettings

NO_ANSWER_RING_MS: Millis = 22_000
"""How long a phone rings that nobody answers. Unit: ms."""
PATIENT_MS: Millis = 600_000
"""Callees wait longer than any dialer lets them."""
SAMPLE_MS: Millis = 997
"""Time between two looks at the calls in flight. Pacers that decide once a second would otherwise be seen right after
they did, each time. Unit: ms."""
WINDOW_MS: Millis = 30 * MINUTE_MS
WINDOW_STEP_MS: Millis = 5 * MINUTE_MS
WINDOW_PERSONS_MIN = 10
"""Answered persons in a window that counts."""


@dataclass(slots=True)
class Day:
    """What came of it."""

    agent_ms: int = 0
    """Time that agents were there."""
    busy_ms: int = 0
    attempts: int = 0
    persons: int = 0
    abandoned: int = 0
    handled: int = 0
    wait_ms: int = 0
    """Of agents for calls, summed."""
    calls_ms: int = 0
    """Sum of the times that attempts held a dialing port."""
    port_samples: list[int] = field(default_factory=list)
    """Calls in flight about once a second, the first half hour left out."""
    fates: list[tuple[Millis, bool]] = field(default_factory=list)
    """Answered persons: (when, abandoned)."""
    busy_by_minute: list[int] = field(default_factory=list)
    there_by_minute: list[int] = field(default_factory=list)
    decisions: int = 0

    @property
    def utilisation(self) -> float:
        """Share of the agents' time in conversation and after-call work."""
        return self.busy_ms / max(1, self.agent_ms)

    @property
    def abandonment(self) -> float:
        """Abandoned persons per answered person."""
        return self.abandoned / max(1, self.persons)

    def between(self, from_ms: Millis, to_ms: Millis) -> tuple[float, float]:
        """(utilisation, abandonment) of a part of the day."""
        first, last = from_ms // MINUTE_MS, to_ms // MINUTE_MS
        there = sum(self.there_by_minute[first:last])
        fates = [lost for at, lost in self.fates if from_ms <= at < to_ms]
        return sum(self.busy_by_minute[first:last]) / max(1, there), sum(fates) / max(1, len(fates))

    def worst_window(self) -> float:
        """Highest abandonment of any half hour with enough answers."""
        worst = 0.0
        last = self.fates[-1][0] if self.fates else 0
        for start in range(0, max(1, last - WINDOW_MS + 1), WINDOW_STEP_MS):
            fates = [lost for at, lost in self.fates if start <= at < start + WINDOW_MS]
            if len(fates) >= WINDOW_PERSONS_MIN:
                worst = max(worst, sum(fates) / len(fates))
        return worst


def callee_settings(cell: Cell) -> CalleeSettings:
    """The population of a cell: outcomes and times of the study, without errors of detection."""
    rest = 1.0 - cell.hit
    return CalleeSettings(
        shares=(
            (CalleeKind.PERSON, cell.hit),
            (CalleeKind.MACHINE, 0.42 * rest),
            (CalleeKind.NO_ANSWER, 0.38 * rest),
            (CalleeKind.BUSY, 0.07 * rest),
            (CalleeKind.INVALID, 0.13 * rest),
        ),
        person_factors=cell.hit_factors,
        person_as_machine_ratio=0.0,
        machine_as_person_ratio=0.0,
        verdict_missing_ratio=0.0,
        talk_ms_mean=cell.talk_ms_mean,
        patience_ms_mean=PATIENT_MS,
    )


def callees_of(cell: Cell, seed: int) -> Callees:
    """The same, with its luck."""
    return Callees(callee_settings(cell), IvrSettings(), seed)


# kinds of events, in the order in which those of one instant happen
_PICK, _RESOLVE, _TALK_END, _WORK_END, _PATIENCE, _BREAK, _BACK, _TICK, _SAMPLE = range(9)


class Simulation:
    """One day of one cell with one pacer."""

    def __init__(self, cell: Cell, pacer: Pacer, seed: int) -> None:
        """A fresh day.

        Args:
            cell: the setting.
            pacer: decides; must be new.
            seed: of the list.
        """
        self.cell = cell
        self.pacer = pacer
        self.floor = Floor(cell)
        self.day = Day()
        self._callees = callees_of(cell, seed)
        self._work_key = seed_of(seed, "after-call work")
        self._work: Quantiles = gamma(cell.work_ms_mean, 0.707)
        self._draw: Callable[[Call], None] = self._markov if cell.is_markov else self._plan
        if cell.is_markov:
            self._ring: Quantiles = exponential(14_000)
            self._handle: Quantiles = exponential(cell.talk_ms_mean + cell.work_ms_mean)
        self._heap: list[tuple[Millis, int, int, object]] = []
        self._serial = 0
        self._record = 0
        self._away = 0
        minutes = -(-cell.day_ms // MINUTE_MS)
        self.day.busy_by_minute = [0] * minutes
        self.day.there_by_minute = [0] * minutes
        self._accounted = 0

    def run(self) -> Day:
        """Live through the day."""
        cell, heap, floor = self.cell, self._heap, self.floor
        for number in range(cell.agents):
            floor.free.append(Agent(number))
        for each in cell.breaks:
            self._push(each.at_ms, _BREAK, each)
        if self.pacer.tick_ms:
            self._push(self.pacer.tick_ms, _TICK, None)
        self._push(SAMPLE_MS, _SAMPLE, None)
        handlers = (
            self._picked,
            self._resolved,
            self._talk_ended,
            self._work_ended,
            self._gave_up,
            self._break,
            self._back,
            self._tick,
            self._sample,
        )
        self._decide(0)
        by_event = self.pacer.by_event
        while heap:
            now, _, kind, what = heapq.heappop(heap)
            if now >= cell.day_ms:
                break
            handlers[kind](now, what)  # type: ignore[operator]
            if kind == _TICK or (by_event and kind < _SAMPLE and kind != _PICK):
                self._decide(now)
        self._account(cell.day_ms)
        return self.day

    # --- time ------------------------------------------------------------------------------------

    def _push(self, at: Millis, kind: int, what: object) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at, self._serial, kind, what))

    def _account(self, now: Millis) -> None:
        """Book the time since the last change of who is busy and who is there."""
        day, at = self.day, self._accounted
        busy, there = len(self.floor.busy), self.cell.agents - self._away
        day.busy_ms += busy * (now - at)
        day.agent_ms += there * (now - at)
        while at < now:
            minute = at // MINUTE_MS
            end = min(now, (minute + 1) * MINUTE_MS)
            day.busy_by_minute[minute] += busy * (end - at)
            day.there_by_minute[minute] += there * (end - at)
            at = end
        self._accounted = now

    def _tick(self, now: Millis, _: object) -> None:
        self._push(now + self.pacer.tick_ms, _TICK, None)

    def _sample(self, now: Millis, _: object) -> None:
        if now > 30 * MINUTE_MS:
            self.day.port_samples.append(len(self.floor.calls))
        self._push(now + SAMPLE_MS, _SAMPLE, None)

    # --- calls -----------------------------------------------------------------------------------

    def _decide(self, now: Millis) -> None:
        self.day.decisions += 1
        floor = self.floor
        wanted = self.pacer.wanted(now, floor)
        if self.cell.ports_max is not None:
            wanted = min(wanted, self.cell.ports_max - len(floor.calls))
        for _ in range(wanted):
            self._dial(now)

    def _dial(self, now: Millis) -> None:
        self._record += 1
        call = Call(self._record, now)
        self.floor.calls[call.record] = call
        self.day.attempts += 1
        self._draw(call)
        self.pacer.dialed(now, call)

    def _plan(self, call: Call) -> None:
        now, cell = call.dialed_at, self.cell
        plan = self._callees.plan(now, call.record, 1, 1)
        kind = plan.kind
        if kind is CalleeKind.BUSY or kind is CalleeKind.INVALID:
            call.verdict_at = now + plan.first_ms + (1_500 if kind is CalleeKind.INVALID else 0)
            self._push(call.verdict_at, _RESOLVE, call)
            return
        more = cell.ring_more[1] if cell.ring_more is not None and now >= cell.ring_more[0] else 0
        if kind is CalleeKind.NO_ANSWER:
            call.verdict_at = now + plan.first_ms + NO_ANSWER_RING_MS + more
            self._push(call.verdict_at, _RESOLVE, call)
            return
        call.picked_at = None
        pick = now + plan.first_ms + plan.ring_ms + more
        call.verdict_at = pick + plan.verdict_ms
        call.is_person = kind is CalleeKind.PERSON
        if call.is_person:
            call.talk_ms = max(1, plan.talk_ms)
            if cell.talk_factor is not None and now >= cell.talk_factor[0]:
                call.talk_ms = round(call.talk_ms * cell.talk_factor[1])
            call.work_ms = self._work[word(self._work_key, call.record, 1) & (QUANTILES - 1)]
        self._push(pick, _PICK, call)

    def _markov(self, call: Call) -> None:
        bits = word(self._work_key, call.record, 1)
        call.verdict_at = call.dialed_at + self._ring[bits & (QUANTILES - 1)]
        bits >>= QUANTILE_BITS
        call.talk_ms = max(1, self._handle[bits & (QUANTILES - 1)])
        call.is_person = (bits >> QUANTILE_BITS & 0xFFFFF) < self.cell.hit * (1 << 20)
        self._push(call.verdict_at, _PICK, call)

    def _picked(self, now: Millis, call: Call) -> None:
        call.picked_at = now
        self.pacer.picked_up(now, call)
        self._push(call.verdict_at, _RESOLVE, call)

    def _resolved(self, now: Millis, call: Call) -> None:
        floor = self.floor
        del floor.calls[call.record]
        self.day.calls_ms += now - call.dialed_at
        self.pacer.resolved(now, call, call.is_person)
        if not call.is_person:
            return
        self.day.persons += 1
        floor.persons += 1
        if floor.free:
            self._connect(now, call, floor.free.popleft())
        elif self.cell.patience_ms:
            call.waiting_since = now
            floor.waiting.append(call)
            self._push(now + self.cell.patience_ms, _PATIENCE, call)
        else:
            self._abandon(now)

    def _connect(self, now: Millis, call: Call, agent: Agent) -> None:
        self._account(now)
        self.day.handled += 1
        self.day.wait_ms += now - agent.since
        self.day.fates.append((now, False))
        self.floor.busy[agent.number] = agent
        self._move(now, agent, "talk")
        agent.until = now + call.talk_ms + call.work_ms
        self.pacer.fate(now, False)
        self._push(now + call.talk_ms, _TALK_END, (agent, call.work_ms))

    def _gave_up(self, now: Millis, call: Call) -> None:
        if call.waiting_since is not None:
            self.floor.waiting.remove(call)
            self._abandon(now)

    def _abandon(self, now: Millis) -> None:
        self.day.abandoned += 1
        self.floor.abandoned += 1
        self.day.fates.append((now, True))
        self.pacer.fate(now, True)

    # --- agents ----------------------------------------------------------------------------------

    def _move(self, now: Millis, agent: Agent, state: str) -> None:
        before, since = agent.state, agent.since
        agent.state, agent.since = state, now
        self.pacer.agent(now, agent, before, since)

    def _talk_ended(self, now: Millis, what: tuple[Agent, Millis]) -> None:
        agent, work_ms = what
        self._move(now, agent, "work")
        self._push(now + work_ms, _WORK_END, agent)

    def _work_ended(self, now: Millis, agent: Agent) -> None:
        self._account(now)
        del self.floor.busy[agent.number]
        if agent.leaves is not None:
            self._leave(now, agent, agent.leaves)
        else:
            self._free(now, agent)

    def _free(self, now: Millis, agent: Agent) -> None:
        self._move(now, agent, "free")
        if self.floor.waiting:
            call = self.floor.waiting.popleft()
            call.waiting_since = None
            self._connect(now, call, agent)
        else:
            self.floor.free.append(agent)

    def _break(self, now: Millis, what: Break) -> None:
        count = round(what.share * self.cell.agents)
        everybody = sorted([*self.floor.free, *self.floor.busy.values()], key=lambda agent: agent.number)
        for agent in everybody[:count]:
            if agent.state == "free":
                self.floor.free.remove(agent)
                self._account(now)
                self._leave(now, agent, what)
            else:
                agent.leaves = what
                if what.is_announced:
                    self.pacer.agent(now, agent, agent.state, agent.since)

    def _leave(self, now: Millis, agent: Agent, what: Break) -> None:
        agent.leaves = None
        self._move(now, agent, "away")
        self._away += 1
        self._push(max(now + 1, what.at_ms + what.for_ms), _BACK, agent)

    def _back(self, now: Millis, agent: Agent) -> None:
        self._account(now)
        self._away -= 1
        self._free(now, agent)


def run_day(cell: Cell, pacer: Pacer, seed: int) -> Day:
    """One day of one cell with one pacer."""
    return Simulation(cell, pacer, seed).run()


assert BUSY_MS == 500  # the study's; see `Callees`
