"""When busy agents will be free: learned from their own conversations and after-call work.

Ends over exposure, by age: for every age a rate at which conversations (or after-call work) end, from the ends seen
at that age and the time spent there, spells that still run included. So a long conversation is expected to go on as
long ones do, and not to end because it is overdue. An agent in conversation has the after-call work still to come.

Not every agent who finishes is ready again: the share of those who are has a short memory, which is how a break that
nobody announced is noticed.

Source: piecewise exponential hazards, ends over exposure. Ours: bins, priors, memory (decision 0014).
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, field

from outdial.core.units import SECOND_MS, Millis

GROWTH = 1.15
EDGES: tuple[Millis, ...] = (0, *(round(SECOND_MS * 1.5 * GROWTH**power) for power in range(66)))
"""Lower ends of the age bins: 1.5 s and from there growing by 15 % to over three hours. Unit: ms."""
LOWER = tuple(map(float, EDGES))
UPPER = (*LOWER[1:], math.inf)
"""Lower and upper ends for the arithmetic, which is quicker among floats. Unit: ms."""
BINS = len(EDGES)
MEMORY = 400.0
"""Spells after which an old one has lost 63 % of its weight. Ours (0014)."""
MEMORY_RUNNING = 20.0
"""Or this many times the spells that run, if that is more: a window that is short against the spells counts time that
they have lasted before it began, and agents would seem to take for ever. Ours (0014)."""
PRIOR_ENDS = 1.0
"""Ends at the mean rate that every bin starts with. Ours (0014)."""
STEPS = 8
"""Steps in which the end of a conversation is looked for within a horizon."""
READY_MEMORY = 30.0
"""Agents who finish, for the share that is ready again. Ours (0014)."""
SLOT_MS: Millis = SECOND_MS
UPDATE_MS: Millis = 60 * SECOND_MS
NEWS = 0.05

Row = tuple[float, ...]
"""Chance of being free within each horizon. Shape: one float per horizon, ascending."""


@dataclass(slots=True)
class Spells:
    """One kind of spell: conversation, or after-call work."""

    mean_ms: float
    """Prior of the mean length; used until there are ends."""
    left: list[float] = field(default_factory=lambda: [0.0] * BINS)
    partial_ms: list[float] = field(default_factory=lambda: [0.0] * BINS)
    """Time that those who left in a bin spent in it."""
    running: dict[int, int] = field(default_factory=dict)
    """Spells that run. Shape: {slot of the beginning: spells}."""
    cumulative: list[float] = field(default_factory=list)
    """Cumulative hazard at the bins' lower ends."""
    rate: list[float] = field(default_factory=list)
    """Hazard in each bin. Unit: 1/ms."""
    _new: int = 0
    _ends: int = 0
    _updated_at: Millis = -UPDATE_MS

    def is_old(self, now_ms: Millis) -> bool:
        """Whether the rates should be worked out anew."""
        return self._new >= max(2.0, NEWS * self._ends) or now_ms - self._updated_at >= UPDATE_MS

    def begin(self, at_ms: Millis) -> None:
        """A spell begins."""
        slot = at_ms // SLOT_MS
        self.running[slot] = self.running.get(slot, 0) + 1

    def end(self, began_at_ms: Millis, at_ms: Millis) -> None:
        """It has ended."""
        self.drop(began_at_ms)
        age = at_ms - began_at_ms
        place = _bin(age)
        self.left[place] += 1.0
        self.partial_ms[place] += age - EDGES[place]
        self._new += 1

    def drop(self, began_at_ms: Millis) -> None:
        """It counts no more: cut off by something else."""
        slot = began_at_ms // SLOT_MS
        count = self.running.get(slot, 0) - 1
        if count > 0:
            self.running[slot] = count
        else:
            self.running.pop(slot, None)

    def update(self, now_ms: Millis) -> None:
        """Work out the rates anew."""
        fade = math.exp(-min(1.0, self._new / max(MEMORY, MEMORY_RUNNING * sum(self.running.values()))))
        self._updated_at = now_ms
        self._ends += self._new
        self._new = 0
        if fade < 1.0:
            self.left[:] = [fade * count for count in self.left]
            self.partial_ms[:] = [fade * spent for spent in self.partial_ms]
        spent = list(self.partial_ms)
        beyond = [0.0] * (BINS + 1)
        running = [0.0] * BINS
        for slot, count in self.running.items():
            age = max(0, now_ms - slot * SLOT_MS - SLOT_MS // 2)
            place = _bin(age)
            running[place] += count
            spent[place] += count * (age - EDGES[place])
        for place in range(BINS - 1, -1, -1):
            beyond[place] = beyond[place + 1] + self.left[place] + running[place]
        for place in range(BINS - 1):
            spent[place] += beyond[place + 1] * (EDGES[place + 1] - EDGES[place])
        ends, exposure = sum(self.left) + 1.0, sum(spent) + self.mean_ms
        mean_rate = ends / exposure
        self.rate = [(self.left[place] + PRIOR_ENDS) / (spent[place] + PRIOR_ENDS / mean_rate) for place in range(BINS)]
        self.cumulative = [0.0]
        for place in range(BINS - 1):
            self.cumulative.append(self.cumulative[-1] + self.rate[place] * (EDGES[place + 1] - EDGES[place]))

    def hazard_to(self, age_ms: float) -> float:
        """Cumulative hazard up to an age."""
        place = _bin(age_ms)
        return self.cumulative[place] + self.rate[place] * (age_ms - EDGES[place])


@dataclass(slots=True)
class AgentOdds:
    """What has been learned about the agents of one agent group."""

    talk: Spells = field(default_factory=lambda: Spells(60.0 * SECOND_MS))
    work: Spells = field(default_factory=lambda: Spells(12.0 * SECOND_MS))
    ready: float = 1.0
    """Share of the agents who finish and are ready again."""
    _ready_weight: float = 5.0
    _rows: dict[tuple[Millis, ...], tuple["_Talking", "_Working"]] = field(default_factory=dict)
    """Chances worked out since the last update, by horizons."""

    def count(self) -> int:
        """Agents who are expected back."""
        return sum(self.talk.running.values()) + sum(self.work.running.values())

    def finished(self, *, ready: bool) -> None:
        """An agent is done with a call, and ready again or not."""
        self._ready_weight = min(READY_MEMORY, self._ready_weight + 1.0)
        self.ready += ((1.0 if ready else 0.0) - self.ready) / self._ready_weight

    def update(self, now_ms: Millis) -> None:
        """Work out the rates anew. To be called every few seconds."""
        if self.talk.is_old(now_ms) or self.work.is_old(now_ms):
            self.talk.update(now_ms)
            self.work.update(now_ms)
            self._rows = {}

    def spells(self, now_ms: Millis, horizons: tuple[Millis, ...]) -> list[tuple[int, Row]]:
        """Busy agents now, those of like chances together, and their chances of being free within each horizon."""
        talking, working = self._rows_within(horizons)
        talk, work = _count_by_bin(now_ms, self.talk.running), _count_by_bin(now_ms, self.work.running)
        found = [
            *zip(talk.values(), map(talking.__getitem__, talk), strict=True),
            *zip(work.values(), map(working.__getitem__, work), strict=True),
        ]
        ready = self.ready
        if ready < 1.0:
            found = [(count, tuple([ready * chance for chance in row])) for count, row in found]
        return found

    def chances(self, now_ms: Millis, horizons: tuple[Millis, ...], *, in_talk: bool, slot: int) -> Row:
        """Chances of one busy agent whose spell began in a slot, as `spells` counts them."""
        talking, working = self._rows_within(horizons)
        [place] = _count_by_bin(now_ms, {slot: 1})
        return tuple([self.ready * chance for chance in (talking if in_talk else working)[place]])

    def _rows_within(self, horizons: tuple[Millis, ...]) -> tuple["_Talking", "_Working"]:
        rows = self._rows.get(horizons)
        if rows is None:
            rows = self._rows[horizons] = _Talking(self.talk, self.work, horizons), _Working(self.work, horizons)
        return rows


class _Working(dict[int, Row]):
    """Chances of agents in after-call work, by age bin; worked out as they are asked for."""

    def __init__(self, work: Spells, horizons: tuple[Millis, ...]) -> None:
        super().__init__()
        self._work = work
        self._horizons = horizons

    def __missing__(self, place: int) -> Row:
        age, work = _middle(place), self._work
        passed = work.hazard_to(age)
        row = self[place] = tuple([-math.expm1(passed - work.hazard_to(age + ms)) for ms in self._horizons])
        return row


class _Talking(dict[int, Row]):
    """Chances that a conversation ends, and its after-call work too, by age bin; worked out as they are asked for."""

    def __init__(self, talk: Spells, work: Spells, horizons: tuple[Millis, ...]) -> None:
        super().__init__()
        self._talk = talk
        self._horizons = horizons
        self._worked = [
            [-math.expm1(-work.hazard_to((STEPS - number - 0.5) * horizon_ms / STEPS)) for number in range(STEPS)]
            for horizon_ms in horizons
        ]
        """Chance that after-call work which begins in the middle of a step is over by the horizon."""

    def __missing__(self, place: int) -> Row:
        row = self[place] = self._at_age(_middle(place))
        return row

    def _at_age(self, age: float) -> Row:
        cumulative, rate, exp, found = self._talk.cumulative, self._talk.rate, math.exp, []
        first = _bin(age)
        passed = cumulative[first] + rate[first] * (age - LOWER[first])
        for horizon_ms, worked in zip(self._horizons, self._worked, strict=True):
            step, at_ms, place = horizon_ms / STEPS, age, first
            chance, alive = 0.0, 1.0
            for done in worked:
                at_ms += step
                while at_ms >= UPPER[place]:
                    place += 1
                still = exp(passed - (cumulative[place] + rate[place] * (at_ms - LOWER[place])))
                chance += (alive - still) * done
                alive = still
            found.append(chance)
        return tuple(found)


def _middle(place: int) -> float:
    """Age that stands for all of a bin."""
    return 0.5 * (EDGES[place] + (EDGES[place + 1] if place + 1 < BINS else 2 * EDGES[place]))


def _count_by_bin(now_ms: Millis, running: dict[int, int]) -> dict[int, int]:
    """Spells by age bin. Shape of both: {slot, or bin: spells}."""
    counts: dict[int, int] = {}
    bins = _BIN_OF_AGE
    now = (now_ms - SLOT_MS // 2) // SLOT_MS + 1
    for slot, count in running.items():
        try:
            place = bins[now - slot]
        except IndexError:
            place = BINS - 1
        counts[place] = counts.get(place, 0) + count
    return counts


def _bin(age_ms: float) -> int:
    return bisect_right(EDGES, age_ms) - 1


_BIN_OF_AGE = [0, *(_bin(age * SLOT_MS + SLOT_MS // 2) for age in range(EDGES[-1] // SLOT_MS + 2))]
"""Age bins by age in whole slots, from the slot that begins next; all beyond are in the last bin."""
