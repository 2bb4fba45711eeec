"""Impact Dialing: a rehearsal of the next minutes chooses the rate."""

from collections import deque
from dataclasses import dataclass
from typing import Final

from bench.pacing.floor import Agent, Call, Floor, Silent
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis
from outdial.sim.draws import Stream

REHEARSED_S: Final = 240
"""Length of a rehearsal. Unit: s."""
LOOP_S: Final = 3
"""Between two decisions. Unit: s."""
MEMORY: Final = 100
"""Attempts, and conversations, that a rehearsal draws from."""
RATES: Final = 6
AGENTS_MIN: Final = 5
ATTEMPTS_MIN: Final = 50
SLOWER: Final = 0.75
"""Factor of the rate while the abandonment of the day is above the limit."""
CHOSEN_EVERY_MS: Final = 1 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class Past:
    """What a rehearsal draws from.

    Attributes:
        outcomes: recent attempts. Shape: ((seconds to the outcome, person), …).
        handles: recent conversations with after-call work. Unit: s.
        patience_s: how long a person waits.
    """

    outcomes: tuple[tuple[int, bool], ...]
    handles: tuple[int, ...]
    patience_s: int


@dataclass(frozen=True, slots=True)
class Choice:
    """How to dial: `rate` calls for each agent who is free or whose call is older than `expected_s`."""

    rate: float
    expected_s: int


def rehearse(choice: Choice, agents: int, past: Past, dice: Stream) -> tuple[float, float]:
    """Four minutes in steps of a second, from the moment at which everybody is free.

    Args:
        choice: how to dial.
        agents: logged in.
        past: attempts and conversations to draw from.
        dice: draws.

    Returns:
        (utilisation, abandonment).
    """
    longest = REHEARSED_S + 1
    outcomes: list[list[bool]] = [[] for _ in range(longest)]
    back = [0] * longest
    expected = [0] * longest
    waiting: deque[int] = deque()
    free, older, in_flight, busy_s, persons, lost = agents, 0, 0, 0, 0, 0
    for second in range(REHEARSED_S):
        free += back[second]
        older += expected[second]
        for person in outcomes[second]:
            in_flight -= 1
            persons += person
            if person:
                waiting.append(second)
        while waiting and free:
            waiting.popleft()
            free -= 1
            handle = dice.pick(past.handles)
            back[min(REHEARSED_S, second + handle)] += 1
            if choice.expected_s < handle:
                expected[min(REHEARSED_S, second + choice.expected_s)] += 1
                expected[min(REHEARSED_S, second + handle)] -= 1
        while waiting and second - waiting[0] >= past.patience_s:
            waiting.popleft()
            lost += 1
        busy_s += agents - free
        if second % LOOP_S == 0:
            calls = max(0, int(choice.rate * (free + older)) - in_flight - len(waiting))
            in_flight += calls
            for _ in range(calls):
                elapsed, person = dice.pick(past.outcomes)
                outcomes[min(REHEARSED_S, second + max(1, elapsed))].append(person)
    return busy_s / (agents * REHEARSED_S), lost / max(1, persons)


def choose(agents: int, past: Past, limit: float, dice: Stream) -> Choice:
    """The way of dialing with the best rehearsal of those within the limit; one to one if none is.

    Candidates: `RATES` rates from 1 to attempts per person, each with calls expected to end from half the mean, the
    mean and twice the mean on.
    """
    most = len(past.outcomes) / max(1, sum(person for _, person in past.outcomes))
    mean_s = max(1, round(sum(past.handles) / len(past.handles)))
    best, best_busy = Choice(1.0, REHEARSED_S), -1.0
    for place in range(RATES):
        for expected_s in (2 * mean_s, mean_s, mean_s // 2):
            choice = Choice(1.0 + (most - 1.0) * place / (RATES - 1), expected_s)
            busy, lost = rehearse(choice, agents, past, dice)
            if lost <= limit and busy > best_busy:
                best, best_busy = choice, busy
    return best


class ImpactDialing(Silent):
    """Rehearses the next four minutes with several rates and takes the best.

    Every 3 s: rate × (free agents + agents whose call is older than the expected length) − in flight − waiting. Rate
    and length are chosen once a minute: recent attempts and conversations are drawn again, and of six rates up to
    attempts per person the one with the best utilisation is taken among those whose rehearsed abandonment is
    acceptable. Three quarters of the rate while the abandonment of the day is above the limit; one call per free
    agent below 5 agents or 50 attempts.

    Source: study of peers, section 2.6; pacing study, section 2, row I.

    Left open by the sources: how often it rehearses (here: once a minute), which lengths it tries and whether they
    include after-call work (here: half, once and twice the mean of both together), how a rehearsal begins (here:
    everybody free, nobody called, so the first launch is the boldest), and the patience of the rehearsed (here: that
    of the model).

    Args:
        limit: abandonment allowed. Range: 0 … 1.
        patience_ms: how long a person waits.
    """

    tick_ms: Millis = LOOP_S * SECOND_MS
    by_event = False

    def __init__(self, limit: float, patience_ms: Millis) -> None:
        self.limit = limit
        self.patience_s = round(patience_ms / SECOND_MS)
        self.choice = Choice(1.0, REHEARSED_S)
        self._outcomes: deque[tuple[int, bool]] = deque(maxlen=MEMORY)
        self._handles: deque[int] = deque(maxlen=MEMORY)
        self._talk_since: dict[int, Millis] = {}
        self._attempts = 0
        self.chosen_at = -CHOSEN_EVERY_MS
        self._dice = Stream(1, "rehearsals")

    def wanted(self, now: Millis, floor: Floor) -> int:
        """The formula, with a choice not older than a minute."""
        agents = len(floor.free) + len(floor.busy)
        in_flight = len(floor.calls) + len(floor.waiting)
        if agents < AGENTS_MIN or self._attempts < ATTEMPTS_MIN or not self._handles:
            return max(0, len(floor.free) - in_flight)
        if now - self.chosen_at >= CHOSEN_EVERY_MS:
            self.chosen_at = now
            past = Past(tuple(self._outcomes), tuple(self._handles), self.patience_s)
            self.choice = choose(agents, past, self.limit, self._dice)
        expected_ms = self.choice.expected_s * SECOND_MS
        older = sum(now - since > expected_ms for since in self._talk_since.values())
        rate = self.choice.rate
        if floor.abandoned > self.limit * floor.persons:
            rate *= SLOWER
        return max(0, int(rate * (len(floor.free) + older)) - in_flight)

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Remember the attempt."""
        self._attempts += 1
        self._outcomes.append(((now - call.dialed_at) // SECOND_MS, person))

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """Remember how long an agent was busy."""
        if agent.state == "talk" and before == "free":
            self._talk_since[agent.number] = now
        elif before == "work" and agent.state != "work":
            self._handles.append((now - self._talk_since.pop(agent.number)) // SECOND_MS)
