"""VICIdial's adaptive dial level."""

import math
from collections import deque
from typing import Final, Literal

from bench.pacing.floor import Floor, Silent
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

Method = Literal["average", "hard", "tapered"]

LOOP_MS: Final = 2_500
"""Between two looks of the part that dials."""
SAMPLES: Final = 15
"""Samples of the averages. Unit: seconds."""
PERSONS_MIN: Final = 50
"""Answered persons of the day that the drop limit needs more than."""
PERSONS_PER_MINUTE_MIN: Final = 20
"""The same for the brake on the last minute."""


class VicidialAdaptive(Silent):
    """Lines per agent, raised while agents wait and lowered while callers do.

    Lines = round(level × (free agents + agents in a call)), less the calls that exist, those in conversation included;
    every 2.5 s. Agents in after-call work count for nothing. The level, every 15 s, from the means of the last 15
    seconds: level × (1 + (free − waiting) / agents), at least 1, at most the cap. Then the day's drops, looked up once
    a minute: above the limit, with more than 50 calls answered, the level is set to 1 (hard), halved (average), or
    multiplied by (last − now) / 1000 of the clock's digits hhmm (tapered; 1 when more than 1000 are left or, the other
    way round, level 1 when none are). More than 20 calls in the last minute of which more than half were dropped halve
    it as well.

    Source: study of peers, section 2.1, "Pacing, exactly"; pacing study, section 2, family D. Stock settings: cap 3.0,
    intensity 0, target difference 0, level 1.0 at the start.

    Left open by the sources: what the calls of the two minima are. Here: those that a person answered, which gives
    the study's abandonment for three agents (12 % of 3 agents × 180 s × 8 %; with attempts it is 4 %). The hour at
    which the day begins, on which only the digits of whole hours depend. Here: midnight. The two sources differ in
    the means: 15 seconds or a minute. Here: 15 seconds; with a minute, and after-call work among the agents,
    utilisation comes out a point lower and as in the study. Only 10 agents × 60 s × 8 % stay 4 points above the
    study, where single days lie between 40 and 49 %, as the limit is reached early or late.

    Args:
        limit: drops per answered person that are allowed. Range: 0 … 1.
        day_ms: when the shift ends.
        method: what to do beyond the limit.
        most: cap of the level.
        intensity: changes by so many per cent more upwards and less downwards.
        waiting_target: agents who should wait.
        agents_min: with fewer agents the level is 1; 0 is off.
    """

    tick_ms: Millis = 500
    by_event = False

    def __init__(
        self,
        limit: float,
        day_ms: Millis,
        method: Method = "tapered",
        *,
        most: float = 3.0,
        intensity: int = 0,
        waiting_target: int = 0,
        agents_min: int = 0,
    ) -> None:
        self.limit = limit
        self.method = method
        self.most = most
        self.intensity = intensity
        self.waiting_target = waiting_target
        self.agents_min = agents_min
        self.level = 1.0
        self._last_hhmm = hhmm(day_ms)
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES)
        self._persons = 0
        self._drops = 0
        self._known = (0, 0)
        """(persons, drops) of the day when they were last looked up."""
        self._minute = (0, 0)
        """The same of the minute before that."""

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Lines that are missing, if it is time to look."""
        if now % SECOND_MS and now % LOOP_MS:
            return 0
        talking = sum(agent.state == "talk" for agent in floor.busy.values())
        agents = len(floor.free) + talking
        if now % SECOND_MS == 0:
            self._samples.append((len(floor.free), len(floor.waiting), agents))
        if now % MINUTE_MS == 0:
            self._look_up()
        if now % (15 * SECOND_MS) == 0:
            self._adapt(now)
        if now % LOOP_MS:
            return 0
        level = 1.0 if agents < self.agents_min else self.level
        goal = math.floor(level * (agents + self.waiting_target) + 0.5) if agents else 0
        return max(0, goal - len(floor.calls) - len(floor.waiting) - talking)

    def fate(self, now: Millis, abandoned: bool) -> None:
        """Count a person."""
        self._persons += 1
        self._drops += abandoned

    def _look_up(self) -> None:
        persons, drops = self._known
        self._minute = (self._persons - persons, self._drops - drops)
        self._known = (self._persons, self._drops)

    def _adapt(self, now: Millis) -> None:
        free, waiting, agents = (sum(each) for each in zip(*self._samples, strict=True))
        if agents:
            change = (free - waiting + self.waiting_target * len(self._samples)) / agents
            change *= abs(self.intensity / 100 + (1 if change >= 0 else -1))
            self.level = min(self.most, max(1.0, self.level * (1 + change)))
        persons, drops = self._minute
        if persons > PERSONS_PER_MINUTE_MIN and drops > persons / 2:
            self.level /= 2
        persons, drops = self._known
        if persons > PERSONS_MIN and drops > self.limit * persons:
            self.level *= self._penalty(now)
        self.level = max(1.0, self.level)

    def _penalty(self, now: Millis) -> float:
        """Factor of the level beyond the limit."""
        if self.method == "hard":
            return 0.0
        if self.method == "average":
            return 0.5
        return min(1.0, max(0.0, (self._last_hhmm - hhmm(now)) / 1_000))


def hhmm(at_ms: Millis) -> int:
    """The clock as a decimal number: a quarter past nine is 915."""
    hours, minutes = divmod(at_ms // MINUTE_MS, 60)
    return 100 * hours + minutes
