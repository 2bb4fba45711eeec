"""How many attempts to start now: one pure function per way of dialing.

* *progressive*: calls only for agents who are there: floor(M × (available − waiting − ceil(dialed / M))), M = calls per
  available agent.
* *predictive*: calls ahead of agents. The calls in flight may bring A persons within the time that a call takes to
  become one; in the same time F agents are or become free. Both are sums of independent yes/no outcomes, so with
  normal tails P(A > F) stays under a bound while

      E[F] − E[A] − ½  ≥  z · sqrt(Var[A] + Var[F])

  and the largest k of calls in flight that satisfies it is a root of a quadratic. `z` is not a constant: the brake
  (`Brake`) raises it with every person who finds no agent and lowers it with every one who does, in such proportion
  that it rests only where the share of the former meets the target. Beyond twice the target the group falls back to
  progressive until the share is back.
* *power*: keep the configured number of calls in progress.
* *preview*: never; agents ask for records.

The functions decide; ports, nodes, records and compliance may still allow less.

Source: progressive formula: OCS progressive dialing, worked example M = 0.7, 4 ready, 0 queued, 1 dialed → 1.
Ours: the predictive bound and its brake (decision 0007).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from outdial.core.modes import DialingMode

Z_START = 2.0
"""Safety at start, in standard deviations. Ours (0007)."""
Z_MIN = -2.0
Z_MAX = 4.0
Z_GAIN = 0.5
"""Standard deviations that one abandoned person adds. Ours (0007)."""
BRAKE_MEMORY = 300
"""Answered persons over which the share of abandoned ones is averaged. Ours (0007)."""
BRAKE_PERSONS_MIN = 20
"""Persons before the share is believed. Ours (0007)."""
STARTS_PER_DECISION_MAX = 1_000
"""No single decision starts more. Unit: attempts. Ours: bounds the work of one step."""


class Situation(NamedTuple):
    """What pacing looks at."""

    available: int
    """Agents free now (seizing modes: engaged and waiting)."""
    busy: int
    """Agents reserved, talking or in after-call work who can be expected back."""
    waiting: int
    """Persons waiting for an agent."""
    pending: int
    """Calls in flight that may still become a person."""
    in_progress: int
    """All calls of the group that hold a port (power)."""
    multiplier_millis: int
    queue_size: int
    hit: float
    """Share of attempts that reach a person. Range: 0 … 1, above 0."""
    horizon_ms: float
    """Mean time from request to verdict, for persons."""
    handle_ms: float
    """Mean time that a person keeps an agent."""
    z: float
    """The brake's safety."""


@dataclass(slots=True)
class Brake:
    """Keeps the share of abandoned persons at the target."""

    target: float
    """Overdial ratio allowed. Range: 0 … 1."""
    z: float = Z_START
    persons: int = 0
    share: float = 0.0
    """Recent share of persons who found no agent. Range: 0 … 1."""

    def person(self, *, lost: bool) -> None:
        """The fate of an answered person is known."""
        self.persons += 1
        weight = min(self.persons, BRAKE_MEMORY)
        self.share += ((1.0 if lost else 0.0) - self.share) / weight
        step = Z_GAIN * (1.0 - self.target) if lost else -Z_GAIN * self.target
        self.z = min(Z_MAX, max(Z_MIN, self.z + step))

    @property
    def is_on(self) -> bool:
        """Predictive dialing is suspended."""
        return self.persons >= BRAKE_PERSONS_MIN and self.share > 2 * self.target

    @property
    def share_millis(self) -> int:
        """The recent share. Unit: thousandths."""
        return round(1_000 * self.share)


def progressive(situation: Situation) -> int:
    """Calls for the agents who are free, at `multiplier_millis` calls each."""
    m = situation.multiplier_millis
    covered = -(-1_000 * situation.pending // m)
    return max(0, m * (situation.available - situation.waiting - covered) // 1_000)


def predictive(situation: Situation) -> int:
    """Calls ahead of agents, within the brake's safety; never fewer than progressive with one call an agent."""
    if situation.available + situation.busy == 0:
        return 0
    soon = 1.0 - math.exp(-situation.horizon_ms / situation.handle_ms)
    free = situation.available - situation.waiting + situation.busy * soon - 0.5
    var_free = situation.busy * soon * (1.0 - soon)
    hit, z = situation.hit, situation.z
    # k·hit + z·sqrt(k·hit·(1 − hit) + var_free) = free: the smaller root for z > 0, the larger for z < 0
    b = 2.0 * free * hit + z * z * hit * (1.0 - hit)
    # b² − 4·hit²·(free² − z²·var_free), written so that it is exact at z = 0
    root = z * z * hit * hit * (1.0 - hit) * (z * z * (1.0 - hit) + 4.0 * free) + 4.0 * hit * hit * z * z * var_free
    allowed = 0.0
    if root >= 0.0 and (free > 0.0 or z < 0.0):
        allowed = (b - math.copysign(math.sqrt(root), z)) / (2.0 * hit * hit)
    safe = situation.available - situation.waiting
    return max(0, max(math.floor(allowed), safe) - situation.pending)


def power(situation: Situation) -> int:
    """Keep `queue_size` calls in progress."""
    return max(0, situation.queue_size - situation.in_progress)


def preview(situation: Situation) -> int:
    """Agents start calls, pacing does not."""
    return 0


PACERS = {
    DialingMode.PROGRESSIVE: progressive,
    DialingMode.PROGRESSIVE_SEIZING: progressive,
    DialingMode.PROGRESSIVE_GVP: progressive,
    DialingMode.PREDICTIVE: predictive,
    DialingMode.PREDICTIVE_SEIZING: predictive,
    DialingMode.PREDICTIVE_GVP: predictive,
    DialingMode.POWER_GVP: power,
    DialingMode.PREVIEW: preview,
    DialingMode.PUSH_PREVIEW: preview,
}


def attempts_to_start(mode: DialingMode, situation: Situation) -> int:
    """Attempts to start now. Range: 0 … `STARTS_PER_DECISION_MAX`.

    Args:
        mode: how the group dials now; a predictive group without history or under its brake comes as progressive.
        situation: what there is.
    """
    return min(STARTS_PER_DECISION_MAX, PACERS[mode](situation))


def progressive_form(mode: DialingMode) -> DialingMode:
    """The progressive member of a predictive mode's family; other modes as they are."""
    return _PROGRESSIVE_FORM.get(mode, mode)


_PROGRESSIVE_FORM = {
    DialingMode.PREDICTIVE: DialingMode.PROGRESSIVE,
    DialingMode.PREDICTIVE_SEIZING: DialingMode.PROGRESSIVE_SEIZING,
    DialingMode.PREDICTIVE_GVP: DialingMode.PROGRESSIVE_GVP,
}
