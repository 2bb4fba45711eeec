"""How many attempts to start now: one pure function per way of dialing.

* *progressive*: calls only for agents who are there: floor(M × (available − waiting − ceil(dialed / M))), M = calls per
  available agent.
* *predictive*: calls ahead of agents. The calls in flight may bring A persons within the time that a call takes to
  become one; in the same time F agents are or become free. Both are sums of independent yes/no outcomes, so with
  normal tails P(A > F) stays under a bound while

      E[F] − E[A] − ½  ≥  z · sqrt(Var[A] + Var[F])

  and the largest k of calls in flight that satisfies it is a root of a quadratic. Var[A] includes what is not known
  about the hit ratio itself: E[A]²/n for a ratio that rests on n persons. `z` is not a constant: the brake
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
from outdial.core.units import Millis

Z_START = 2.0
"""Safety at start, in standard deviations. Ours (0007)."""
Z_MIN = -2.0
Z_MAX = 4.0
Z_LOSSES = 10
"""Losses in a row that raise the safety by one standard deviation, at least. Ours (0007)."""
Z_HORIZON_MS = 600_000
"""… and at the target's share it takes this long: a big group sees the effect of a change long after many persons, so
each of them may count for little only. Unit: ms. Ours (0007)."""
BRAKE_MEMORY = 300
"""Answered persons over which the share of abandoned ones is averaged. Ours (0007)."""
BRAKE_PERSONS_MIN = 20
"""Persons before the share is believed. Ours (0007)."""
MIN_CURVATURE = 0.05
"""Floor of 1 − z²/n: with very few persons known the bound would have no solution. Ours (0007)."""
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
    finished: int
    """Attempts whose outcome is known, ever."""
    hit: float
    """Share of attempts that reach a person. Range: 0 … 1, above 0."""
    hit_persons: float
    """Persons that `hit` rests on: its relative variance is one over this. Range: ≥ 0, less than 1 counts as 1."""
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
    interval_ms: float = 10_000.0
    """Mean time between two persons."""
    last_at_ms: Millis | None = None

    def person(self, *, lost: bool, mono_ms: Millis) -> None:
        """The fate of an answered person is known."""
        self.persons += 1
        weight = min(self.persons, BRAKE_MEMORY)
        self.share += ((1.0 if lost else 0.0) - self.share) / weight
        if self.last_at_ms is not None:
            self.interval_ms += (mono_ms - self.last_at_ms - self.interval_ms) / weight
        self.last_at_ms = mono_ms
        losses = max(Z_LOSSES, self.target * Z_HORIZON_MS / max(1.0, self.interval_ms))
        step = ((1.0 if lost else 0.0) - self.target) / losses
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
    # with A = k·hit: A + z·sqrt(A·(1 − hit) + A²/n + var_free) = free, a quadratic in A with these coefficients:
    doubt = 1.0 / max(1.0, situation.hit_persons) if z > 0.0 else 0.0  # a doubt makes nobody bolder
    a = max(MIN_CURVATURE, 1.0 - z * z * doubt)
    b = 2.0 * free + z * z * (1.0 - hit)
    # (b² − 4·a·(free² − z²·var_free)) / z², so that nothing is lost to rounding at z = 0
    root = (1.0 - hit) * (z * z * (1.0 - hit) + 4.0 * free) + 4.0 * free * free * doubt + 4.0 * a * var_free
    persons = 0.0
    if root >= 0.0 and (free > 0.0 or z < 0.0):
        persons = (b - z * math.sqrt(root)) / (2.0 * a)
    safe = situation.available - situation.waiting
    # a young group must not stake everything on its first outcomes: calls in flight at most double what is known
    allowed = min(math.floor(max(0.0, persons) / hit), max(safe, situation.finished))
    return max(0, max(allowed, safe) - situation.pending)


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
