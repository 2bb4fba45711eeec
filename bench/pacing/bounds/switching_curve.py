"""A switching curve in the memoryless model: what it earns, and what each state is worth, both exactly.

The model is `Cell.is_markov` of `bench.pacing.cells`: a state is (n busy agents, k calls in flight); each call ends
after an exponential ring, with probability p as a person; a person who finds no agent is abandoned; handling is
exponential. A *switching curve* says how many calls there shall be in flight with n busy agents: fewer are raised to
`levels[n]`, more are left alone, since a call in flight is never cancelled. It never rises with n.

The relative values of the states satisfy, for each, 0 = reward + sum of rate x (value after - value here). Three things
make them cheap:

* calls in flight only ever fall, except where the curve raises them; so the values with k calls follow from those with
  k - 1, once those on the curve are known;
* within one k, busy agents only ever fall; so each value follows from that with one busy agent fewer;
* the equation of a state on the curve gives the value of the next one on the curve, with one busy agent fewer.

So one sweep through the states, from everybody busy to nobody, gives all but the mean reward, and that follows from the
equation that is left over at the end. With rewards of one sign, all terms have one sign, and rounding costs nothing. So
few busy agents that it practically never happens are left out: nobody finishes there.

Source: the pacing study, section 4, item 4. Ours: the sweep; the study iterates values.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

RING_S = 14.0
"""Mean ring time of an attempt. Unit: s. Source: the study, section 3, "Markov mode"."""
HANDLING_S = 75.0
"""Mean conversation with after-call work. Unit: s. Source: the same."""
RARE = 1e10
"""The lowest number of busy agents that is looked at is so many times less frequent than all others together."""

TIE = 1e-9
"""A difference of values, relative to them, that is none."""

Levels: TypeAlias = tuple[int, ...]
"""A switching curve: calls in flight by number of busy agents, from none to all. Never rises."""
Row: TypeAlias = list[float]
"""Values with one number of calls in flight, by number of busy agents."""


@dataclass(frozen=True, slots=True)
class Memoryless:
    """The memoryless model."""

    agents: int
    hit: float
    """Share of attempts that reach a person. Range: 0 … 1."""
    ring_s: float = RING_S
    handling_s: float = HANDLING_S

    def progressive(self) -> Levels:
        """The curve with one call for each free agent: nobody is ever abandoned."""
        return tuple(range(self.agents, -1, -1))


@dataclass(frozen=True, slots=True)
class Gains:
    """What a curve earns in the long run."""

    busy: float
    """Mean number of busy agents."""
    abandoned: float
    """Persons abandoned. Unit: 1/s."""

    def worth(self, price: float) -> float:
        """Busy agents less a price for the abandoned. Unit: agents."""
        return self.busy - price * self.abandoned

    def excess(self, target: float, handling_s: float) -> float:
        """Persons abandoned beyond a target share of all answered persons. Unit: 1/s."""
        return self.abandoned - target / (1.0 - target) * self.busy / handling_s


@dataclass(frozen=True, slots=True)
class Reward:
    """What is earned while time passes: a linear function of three things. Unit: 1/s, if the factors have none."""

    time: float = 0.0
    busy: float = 0.0
    """For each busy agent."""
    abandoned: float = 0.0
    """For each abandoned person. Unit: s."""


class Sweep:
    """The relative values of all states under a curve, for one reward.

    Attributes:
        lowest: fewest busy agents that are looked at.
        left_over: what the last equation lacks; proportional to the mean reward.
        first: calls in flight of the first row: those with everybody busy.
        rows: the values, one row for each number of calls in flight. Nothing is known of states below the curve, nor of
            those below `lowest`.
    """

    def __init__(self, model: Memoryless, levels: Levels, reward: Reward, lowest: int, spare: int = 0) -> None:
        """Sweep.

        Args:
            model: the model.
            levels: the curve.
            reward: the reward.
            lowest: fewest busy agents to look at; -1: down to where they are too rare, and the reward must be time.
            spare: rows beyond the curve's highest.
        """
        self.model, self.levels, self.reward, self.lowest = model, levels, reward, lowest
        self.first = levels[-1]
        self.rows: list[Row] = []
        self.left_over = 0.0
        self._low = model.agents + 1
        self._curve = [0.0] * (model.agents + 1)
        calls = self.first
        while spare >= 0:
            self._admit(calls)
            self.rows.append(self._row(calls))
            calls += 1
            spare -= self._low == self.lowest

    def _admit(self, calls: int) -> None:
        """Let in the states on the curve with so many calls; each gives the value of its neighbour on the curve."""
        model, reward, levels, curve = self.model, self.reward, self.levels, self._curve
        while self._low != max(self.lowest, 0) and levels[self._low - 1] == calls:
            self._low = low = self._low - 1
            persons = calls * model.hit / model.ring_s
            earned = reward.time + reward.busy * low
            if low == model.agents:
                earned += reward.abandoned * persons
            else:
                is_flat = levels[low + 1] == calls
                after = curve[low + 1] if is_flat else self.rows[-1][low + 1]
                earned += persons * (after - curve[low])
            if low == self.lowest or low == 0 or (self.lowest < 0 and earned > RARE):
                self.lowest, self.left_over = low, earned
            else:
                curve[low - 1] = curve[low] - earned * model.handling_s / low

    def _row(self, calls: int) -> Row:
        """The values with so many calls in flight."""
        model, low, curve = self.model, self._low, self._curve
        agents, before = model.agents, self.rows[-1] if self.rows else []
        row = [0.0] * (agents + 1)
        ended = calls / model.ring_s
        persons, nobody = ended * model.hit, ended * (1.0 - model.hit)
        constant, per_busy, finish = self.reward.time, self.reward.busy, 1.0 / model.handling_s
        busy = low
        while busy <= agents and self.levels[busy] == calls:
            row[busy] = curve[busy]
            busy += 1
        below = row[busy - 1] if busy > low else curve[low - 1] if low > self.lowest else 0.0
        if busy == low == self.lowest:  # nobody finishes here
            earned = constant + per_busy * low + nobody * before[low] + persons * before[min(low + 1, agents)]
            row[low] = below = earned / ended
            busy += 1
        for each in range(busy, agents):
            done = each * finish
            below = (constant + per_busy * each + nobody * before[each] + persons * before[each + 1] + done * below) / (
                ended + done
            )
            row[each] = below
        if busy <= agents:
            done = agents * finish
            earned = constant + per_busy * agents + self.reward.abandoned * persons
            row[agents] = (earned + ended * before[agents] + done * below) / (ended + done)
        return row


class Curve:
    """A switching curve, evaluated.

    Attributes:
        gains: what it earns.
        lowest: fewest busy agents that are looked at.
    """

    def __init__(self, model: Memoryless, levels: Sequence[int]) -> None:
        """Evaluate a curve.

        Raises:
            ValueError: the curve rises, or does not fit the agents, or calls nobody when all are free.
        """
        rises = any(levels[busy] < levels[busy + 1] for busy in range(len(levels) - 1))
        if rises or len(levels) != model.agents + 1 or levels[-1] < 0 or levels[0] < 1:
            raise ValueError(f"not a switching curve of {model.agents} agents: {levels}")
        self.model = model
        self.levels: Levels = tuple(levels)
        time = Sweep(model, self.levels, Reward(time=1.0), lowest=-1)
        self.lowest = time.lowest
        busy, abandoned = (self._left_over(reward) for reward in (Reward(busy=1.0), Reward(abandoned=1.0)))
        self.gains = Gains(busy / time.left_over, abandoned / time.left_over)

    def _left_over(self, reward: Reward) -> float:
        return Sweep(self.model, self.levels, reward, self.lowest).left_over


class Priced:
    """What each state is worth under a curve when an abandoned person has a price, and what would be worth more."""

    def __init__(self, curve: Curve, price: float, spare: int = 25) -> None:
        """Evaluate.

        Args:
            curve: the curve.
            price: of an abandoned person. Unit: seconds of an agent.
            spare: look at so many more calls in flight than the curve asks for.
        """
        self.curve = curve
        self.price = price
        self.gain = curve.gains.worth(price)
        reward = Reward(time=-self.gain, busy=1.0, abandoned=-price)
        sweep = Sweep(curve.model, curve.levels, reward, curve.lowest, spare)
        self._rows, self._first = sweep.rows, sweep.first
        self.calls_max = sweep.first + len(sweep.rows) - 1

    def value(self, busy: int, calls: int) -> float:
        """Of a state in which the curve is followed at once."""
        return self._rows[max(calls, self.curve.levels[busy]) - self._first][busy]

    def held(self, busy: int, calls: int) -> float:
        """Of a state in which no call is added until something happens, and the curve is followed then."""
        curve, model = self.curve, self.curve.model
        if calls >= curve.levels[busy]:
            return self._rows[calls - self._first][busy]
        ended = calls / model.ring_s
        finished = busy / model.handling_s if busy > curve.lowest else 0.0
        if ended + finished == 0.0:
            return -math.inf  # nothing will ever happen
        earned = busy - self.gain
        if busy > curve.lowest:
            earned += finished * self.value(busy - 1, calls)
        if calls:
            person = (
                self.value(busy + 1, calls - 1) if busy < model.agents else self.value(busy, calls - 1) - self.price
            )
            earned += ended * (model.hit * person + (1.0 - model.hit) * self.value(busy, calls - 1))
        return earned / (ended + finished)

    def improved(self) -> Levels:
        """The curve, moved at each number of busy agents as far as its worth rises."""
        curve = self.curve
        levels = list(curve.levels)
        floor = 0
        for busy in range(curve.model.agents, -1, -1):
            if busy >= curve.lowest:
                levels[busy] = self._summit(busy, levels[busy])
            floor = levels[busy] = max(levels[busy], floor)
        return tuple(levels)

    def _summit(self, busy: int, calls: int) -> int:
        """Where the climb ends that begins at `calls`."""
        here = self.held(busy, calls)
        for step in (1, -1):
            start = calls
            while 0 <= calls + step <= self.calls_max:
                there = self.held(busy, calls + step)
                if there <= here + TIE * (1.0 + abs(here)):
                    break
                calls, here = calls + step, there
            if calls != start:
                break
        return calls

    def regret(self) -> float:
        """The most that any other decision in any state, followed by the curve, earns beyond the curve.

        Nothing, up to rounding: then no policy of whatever shape earns more. Unit: seconds of an agent.
        """
        curve, most = self.curve, 0.0
        for busy in range(curve.lowest, curve.model.agents + 1):
            best = -math.inf
            for calls in range(self.calls_max, -1, -1):
                best = max(best, self.held(busy, calls))
                most = max(most, best - self.value(busy, calls))
        return most
