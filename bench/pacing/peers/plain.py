"""The project's own rule before it forecast each call: one closed-form bound with a brake."""

import math
from typing import Final

from bench.pacing.floor import Agent, Call, Floor, Silent
from outdial.core.units import SECOND_MS, Millis

HISTORY: Final = 50
"""Attempts whose outcome is known before it predicts."""
Z_START: Final = 2.0
Z_MIN: Final = -2.0
Z_MAX: Final = 4.0
Z_LOSSES: Final = 10
"""Losses in a row that raise the safety by one standard deviation, at least."""
Z_HORIZON_MS: Final = 600_000
"""At the target's share of losses it takes this long."""
BRAKE_MEMORY: Final = 300
"""Persons over which the share of abandoned ones is averaged."""
BRAKE_PERSONS_MIN: Final = 20
MIN_CURVATURE: Final = 0.05
MEMORY: Final = 200
HIT_MEMORY: Final = 1_000
PRIOR_WEIGHT: Final = 2
HIT_MIN: Final = 0.02
STARTS_MAX: Final = 1_000
"""Calls of one decision."""


class Mean:
    """A running mean that starts from a prior: first observations count in full, later ones with 1/memory."""

    __slots__ = ("memory", "value", "weight")

    def __init__(self, value: float, memory: int = MEMORY) -> None:
        self.value = value
        self.memory = memory
        self.weight = float(PRIOR_WEIGHT)

    def add(self, observation: float) -> None:
        """Count one observation."""
        if self.weight < self.memory:
            self.weight += 1.0
        self.value += (observation - self.value) / self.weight


class Spells:
    """Mean length of being busy: time over ends, spells that still run included."""

    def __init__(self) -> None:
        self.ends = float(PRIOR_WEIGHT)
        self.exposure_ms = PRIOR_WEIGHT * 70.0 * SECOND_MS
        self.running: dict[int, Millis] = {}
        """Shape: {agent: busy since}."""
        self.since_sum_ms = 0

    def begin(self, agent: int, now: Millis) -> None:
        """The agent is busy from now on."""
        self.running[agent] = now
        self.since_sum_ms += now

    def end(self, agent: int, now: Millis) -> None:
        """The agent is back."""
        since = self.running.pop(agent)
        self.since_sum_ms -= since
        if self.ends >= MEMORY:
            self.exposure_ms *= 1.0 - 1.0 / MEMORY
            self.ends *= 1.0 - 1.0 / MEMORY
        self.ends += 1.0
        self.exposure_ms += now - since

    def mean_ms(self, now: Millis) -> float:
        """The mean as of now."""
        running_ms = len(self.running) * now - self.since_sum_ms
        return max(1.0, (self.exposure_ms + running_ms) / self.ends)


class Brake:
    """Moves the safety z so that it rests where the share of abandoned persons is the target."""

    def __init__(self, target: float) -> None:
        self.target = target
        self.z = Z_START
        self.persons = 0
        self.share = 0.0
        self.interval_ms = 10_000.0
        self.last_at: Millis | None = None

    def person(self, now: Millis, *, lost: bool) -> None:
        """The fate of an answered person is known."""
        self.persons += 1
        weight = min(self.persons, BRAKE_MEMORY)
        self.share += (lost - self.share) / weight
        if self.last_at is not None:
            self.interval_ms += (now - self.last_at - self.interval_ms) / weight
        self.last_at = now
        losses = max(Z_LOSSES, self.target * Z_HORIZON_MS / max(1.0, self.interval_ms))
        self.z = min(Z_MAX, max(Z_MIN, self.z + (lost - self.target) / losses))

    @property
    def is_on(self) -> bool:
        """One call per free agent until the share is back."""
        return self.persons >= BRAKE_PERSONS_MIN and self.share > 2 * self.target


def persons_allowed(*, free: float, var_free: float, hit: float, hit_persons: float, z: float) -> float:
    """Expected persons A in flight at which A + z·sqrt(A·(1 − hit) + A²/n + var_free) = free: a quadratic in A.

    Args:
        free: agents expected to be free, less a half.
        var_free: variance of that.
        hit: chance of a person. Range: above 0 … 1.
        hit_persons: persons n that it rests on.
        z: safety. Unit: standard deviations.
    """
    doubt = 1.0 / max(1.0, hit_persons) if z > 0.0 else 0.0
    a = max(MIN_CURVATURE, 1.0 - z * z * doubt)
    b = 2.0 * free + z * z * (1.0 - hit)
    root = (1.0 - hit) * (z * z * (1.0 - hit) + 4.0 * free) + 4.0 * free * free * doubt + 4.0 * a * var_free
    if root < 0.0 or (free <= 0.0 and z >= 0.0):
        return 0.0
    return (b - z * math.sqrt(root)) / (2.0 * a)


class Plain(Silent):
    """As many calls in flight as bring more persons than agents with a probability below a bound.

    Persons A that calls in flight become, and agents F free by then, as normal sums: E[F] − E[A] − ½ ≥ z ·
    sqrt(Var[A] + Var[F]), Var[A] with the doubt about the hit ratio. A busy agent is free after one call's time with
    1 − exp(−time / mean handling). z goes up with every person lost, down with every other; beyond twice the target,
    and until 50 attempts are resolved, one call per free agent.

    Source: the project's decision 0007 and `outdial.core.pacing` with `outdial.core.estimates` as they were when this
    was written; kept here because the core has moved on.

    Args:
        target: share of persons that may be lost. Range: 0 … 1.
    """

    def __init__(self, target: float) -> None:
        self.brake = Brake(target)
        self.finished = 0
        self.person_ms = Mean(12.0 * SECOND_MS)
        self.hit = Mean(0.3, memory=HIT_MEMORY)
        self.busy = Spells()

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Up to the bound; never fewer than one call per free agent."""
        free = len(floor.free) - len(floor.waiting)
        in_flight = len(floor.calls)
        if not floor.free and not floor.busy:
            return 0
        if self.finished < HISTORY or self.brake.is_on:
            return max(0, free - in_flight)
        soon = 1.0 - math.exp(-self.person_ms.value / self.busy.mean_ms(now))
        hit = max(HIT_MIN, self.hit.value)
        persons = persons_allowed(
            free=free + len(floor.busy) * soon - 0.5,
            var_free=len(floor.busy) * soon * (1.0 - soon),
            hit=hit,
            hit_persons=self.hit.weight * hit,
            z=self.brake.z,
        )
        # a young group must not stake everything on its first outcomes: calls in flight at most double what is known
        allowed = min(math.floor(max(0.0, persons) / hit), max(free, self.finished))
        return min(STARTS_MAX, max(0, max(allowed, free) - in_flight))

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Learn the outcome."""
        self.finished += 1
        if person:
            self.person_ms.add(now - call.dialed_at)
        self.hit.add(1.0 if person else 0.0)

    def fate(self, now: Millis, abandoned: bool) -> None:
        """Move the brake."""
        self.brake.person(now, lost=abandoned)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """Learn how long agents are busy."""
        busy = agent.state in ("talk", "work")
        if busy and before not in ("talk", "work"):
            self.busy.begin(agent.number, now)
        elif not busy and before in ("talk", "work"):
            self.busy.end(agent.number, now)
