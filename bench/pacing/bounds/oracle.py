"""The clairvoyant: who knows what every record will do keeps the agents busy, and abandons nobody.

Two of them. The one that may dial records in any order loses the first ring of the day and nothing else: it dials each
person so long before the moment at which an agent will be free as that person takes to answer. It is the study's.

The other one dials the list in its order, as a dialer has to. That costs some tenths of a percent: a person who answers
late cannot be dialed before one who answers soon, and the latter cannot be dialed before there is an agent for him.
When to dial whom is a search: to the best plans so far, the next person is added, dialed at once, or so early before
the end of some conversation as patience allows; plans in which anybody is abandoned are dropped, and of the others
those are kept that leave agents idle the least. So it is a figure that can be reached, not a proven maximum.

Records that reach nobody are dialed together with the next person.

Source: the pacing study, section 4, item 1. Ours: the second one.
"""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import count
from typing import NamedTuple

from bench.pacing.cells import Cell
from bench.pacing.floor import Call, Floor, Silent
from bench.pacing.model import _TICK, Day, Simulation
from outdial.core.units import Millis

PLANS = 20
"""Plans that are pursued at once. Utilisation with 1 is lower by 0.1 … 0.4 points, with 50 higher by less than 0.1."""
CHOICES = 3
"""Moments at which the next person is dialed in continuing a plan."""
FUTURE_WEIGHT = 0.5
"""Of idle time that the next persons cannot avoid, compared with idle time that has been."""
FUTURE_PERSONS = 4
"""Persons looked ahead to for it."""


class Person(NamedTuple):
    """A record that reaches a person, as the oracle knows it."""

    record: int
    setup_ms: Millis
    """From dialing to the verdict."""
    handling_ms: Millis


class Nobody(Silent):
    """A pacer that dials nothing."""

    def wanted(self, now: Millis, floor: Floor) -> int:
        """None."""
        return 0


class Foresight(Simulation):
    """Draws records without dialing them."""

    def __init__(self, cell: Cell, seed: int) -> None:
        """Take the cell and the seed of the list."""
        super().__init__(cell, Nobody(), seed)

    def _push(self, at: Millis, kind: int, what: object) -> None:
        """Nothing happens."""

    def call(self, record: int) -> Call:
        """What dialing the record at the start of the day would come to."""
        call = Call(record, 0)
        self._draw(call)
        return call

    def persons(self) -> Iterator[Person]:
        """The persons of the list, in its order."""
        for record in count(1):
            call = self.call(record)
            if call.is_person:
                yield Person(record, call.verdict_at, call.talk_ms + call.work_ms)


class Dialing(NamedTuple):
    """An entry of the oracle's timetable."""

    at_ms: Millis
    record: int


# --- in any order ----------------------------------------------------------------------------


def plan_in_any_order(cell: Cell, persons: Iterator[Person]) -> list[Dialing]:
    """Dial each person for the agent who is free first."""
    late_ms = 0 if cell.patience_ms else 1  # without patience, the agent must be free before the verdict
    free_at = [-late_ms] * cell.agents
    plan: list[Dialing] = []
    while free_at[0] < cell.day_ms:
        person = next(persons)
        verdict_at = max(free_at[0] + late_ms, person.setup_ms)
        heapq.heapreplace(free_at, verdict_at + person.handling_ms)
        plan.append(Dialing(verdict_at - person.setup_ms, person.record))
    return sorted(plan)


# --- in the order of the list ----------------------------------------------------------------


class Branch(NamedTuple):
    """A plan so far."""

    score: float
    """Idle time: what has been, and a part of what cannot be avoided. Unit: ms, summed over agents."""
    dialed_at: Millis
    """When the last person was dialed: the next one is not before."""
    idle_ms: Millis
    """Idle time of agents before their persons came, those of `pending` left out."""
    free_at: list[Millis]
    """When each agent will be free, before `pending`. A heap."""
    pending: list[tuple[Millis, Millis]]
    """Persons dialed whose turn a person dialed later may still take: (verdict, handling), by verdict."""
    before: "Branch | None"
    """The plan without the last person."""


def serve(free_at: list[Millis], pending: list[tuple[Millis, Millis]], slack_ms: Millis) -> Millis | None:
    """Let persons take the agents in the order of their verdicts.

    Args:
        free_at: when each agent will be free, a heap; is changed.
        pending: the persons: (verdict, handling), by verdict.
        slack_ms: how long a person may wait.

    Returns:
        Idle time of the agents before their persons came; None if somebody waited too long.
    """
    idle_ms = 0
    for verdict_at, handling_ms in pending:
        free = free_at[0]
        if free > verdict_at:
            if free - verdict_at > slack_ms:
                return None
            heapq.heapreplace(free_at, free + handling_ms)
        else:
            if slack_ms < 0 and free == verdict_at:
                return None
            idle_ms += verdict_at - free
            heapq.heapreplace(free_at, verdict_at + handling_ms)
    return idle_ms


class Search:
    """The search for a plan in the order of the list."""

    def __init__(self, cell: Cell, persons: Iterator[Person], plans: int) -> None:
        """Search on behalf of a cell.

        Args:
            cell: the cell.
            persons: of its list.
            plans: how many plans to pursue at once.
        """
        self._cell = cell
        self._persons = persons
        self._plans = plans
        self._slack_ms = cell.patience_ms - 1
        # of two things in the same millisecond the simulation may take either first: patience ends 1 ms early
        self._setup_ms_min = 0 if cell.is_markov else 1_600

    def plan(self) -> list[Dialing]:
        """When to dial whom."""
        branches = [Branch(0.0, 0, 0, [0] * self._cell.agents, [], None)]
        ahead = [next(self._persons) for _ in range(FUTURE_PERSONS)]
        records = []
        while branches[0].dialed_at < self._cell.day_ms:
            person = ahead.pop(0)
            ahead.append(next(self._persons))
            records.append(person.record)
            setups = [each.setup_ms for each in ahead]
            grown = [child for branch in branches for child in self._children(branch, person, setups)]
            branches = self._best(grown)
        dialed = []
        last: Branch | None = branches[0]
        while last is not None and last.before is not None:
            dialed.append(last.dialed_at)
            last = last.before
        return [Dialing(at_ms, record) for at_ms, record in zip(reversed(dialed), records, strict=True)]

    def _children(self, branch: Branch, person: Person, setups: list[Millis]) -> Iterator[Branch]:
        """The plan with one more person, who is dialed at the first few moments that abandon nobody."""
        verdict_min = branch.dialed_at + person.setup_ms
        free_at = branch.free_at[:]
        serve(free_at, branch.pending, 1 << 60)
        ends = {end for end in (*free_at, *branch.free_at) if end > verdict_min}
        moments = {verdict_min, *(end - self._slack_ms for end in ends)}
        found_n = 0
        for verdict_at in sorted(moment for moment in moments if moment >= verdict_min):
            child = self._child(branch, person, verdict_at, setups)
            if child is not None:
                yield child
                found_n += 1
                if found_n == CHOICES:
                    return

    def _child(self, branch: Branch, person: Person, verdict_at: Millis, setups: list[Millis]) -> Branch | None:
        """The plan with one more person whose verdict comes at that moment; None if somebody is abandoned."""
        pending = branch.pending[:]
        place = bisect_left(pending, (verdict_at, 0))
        if place < len(pending) and pending[place][0] == verdict_at:
            return None  # a tie
        insort(pending, (verdict_at, person.handling_ms))
        free_at = branch.free_at[:]
        open_ms = serve(free_at, pending, self._slack_ms)
        if open_ms is None:
            return None
        dialed_at = verdict_at - person.setup_ms
        future_ms, later_ms = 0, 0
        for free, setup_ms in zip(heapq.nsmallest(len(setups), free_at), setups):  # noqa: B905
            later_ms = max(later_ms, dialed_at + setup_ms - free)
            future_ms += later_ms
        score = branch.idle_ms + open_ms + FUTURE_WEIGHT * future_ms
        settled = bisect_left(pending, (dialed_at + self._setup_ms_min, 0))
        base, idle_ms = branch.free_at, branch.idle_ms
        if settled:
            base = base[:]
            idle_ms += serve(base, pending[:settled], self._slack_ms) or 0
        return Branch(score, dialed_at, idle_ms, base, pending[settled:], branch)

    def _best(self, grown: list[Branch]) -> list[Branch]:
        """The best plans, without those that come to the same."""
        best: list[Branch] = []
        seen = set()
        for branch in sorted(grown, key=lambda each: each[:3]):
            key = branch.dialed_at, branch.idle_ms, tuple(branch.pending)
            if key not in seen:
                seen.add(key)
                best.append(branch)
                if len(best) == self._plans:
                    break
        return best


# --- the day ---------------------------------------------------------------------------------


class Timetable(Silent):
    """A pacer that has decided everything beforehand."""

    tick_ms: Millis = 1
    by_event = False

    def __init__(self, plan: list[Dialing]) -> None:
        """Take the plan, by time."""
        self.plan = plan
        self.dialed_n = 0

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Records whose time has come."""
        return self.due(now) - self.dialed_n

    def due(self, now: Millis) -> int:
        """The place of the first record whose time has not come."""
        place = self.dialed_n
        while place < len(self.plan) and self.plan[place].at_ms <= now:
            place += 1
        return place


class OracleDay(Simulation):
    """A day by timetable."""

    def __init__(self, cell: Cell, plan: list[Dialing], seed: int) -> None:
        """Take the timetable made for the same cell and seed."""
        self._timetable = Timetable(plan)
        super().__init__(cell, self._timetable, seed)

    def _tick(self, now: Millis, _: object) -> None:
        """Come back when there is something to dial again."""
        place = self._timetable.due(now)
        if place < len(self._timetable.plan):
            self._push(self._timetable.plan[place].at_ms, _TICK, None)

    def _dial(self, now: Millis) -> None:
        """Dial the next record of the timetable, wherever it is in the list."""
        self._record = self._timetable.plan[self._timetable.dialed_n].record - 1
        self._timetable.dialed_n += 1
        super()._dial(now)


def with_others(plan: list[Dialing]) -> list[Dialing]:
    """A plan for persons, completed by the other records: each is dialed with the next person of the list."""
    complete = []
    record = 0
    for dialing in sorted(plan, key=lambda each: each.record):
        for other in range(record + 1, dialing.record + 1):
            complete.append(Dialing(dialing.at_ms, other))
        record = dialing.record
    return sorted(complete)


def run_oracle(cell: Cell, seed: int, *, in_order: bool = True, plans: int = PLANS) -> Day:
    """A day of the clairvoyant.

    Args:
        cell: a cell without drift, breaks and port limit.
        seed: of the list.
        in_order: dial records in the order of the list.
        plans: how many plans to pursue at once, in order.

    Raises:
        ValueError: the cell is not as steady as that.
    """
    if cell.hit_factors or cell.talk_factor or cell.ring_more or cell.breaks or cell.ports_max is not None:
        raise ValueError(f"the oracle plans steady days only, not {cell}")
    persons = Foresight(cell, seed).persons()
    plan = Search(cell, persons, plans).plan() if in_order else plan_in_any_order(cell, persons)
    return OracleDay(cell, with_others(plan), seed).run()
