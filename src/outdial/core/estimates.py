"""Running statistics of one campaign group: what pacing and port demand are computed from.

Every mean is exponential with a warm-up: the first observations count in full, later ones with 1/`MEMORY`. Until there
are observations the priors stand; they lose their weight with the first few.

Port demand is Little's law: mean ports = attempts per second × mean time that an attempt holds its port.

With N agents at work, hit ratio p, handling time H (talk + after-call work), mean dialing hold h and M calls per free
agent:

    progressive   attempts per ms   λ = N / (p·H + h / M)          (an agent waits for h/M/p and then works for H)
    predictive    attempts per ms   λ = N·U / (p·H)                 U = share of time that agents are busy, measured
    dialing ports                   D = λ·h
    talking ports                   K = λ·p·T                       seizing: the customer's port lasts to the end
    engaging ports                  E = N

Floats stay inside this module; demand leaves it as integers in thousandths (determinism, decision 0003).

Source: pacing mathematics after Little (1961); formulas: docs/concepts/modes.md. Ours: constants (decision 0007).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from outdial.core.modes import DialingMode
from outdial.core.units import SECOND_MS, Millis

MEMORY = 200
"""Observations after which an old one has lost 63 % of its weight. Ours (0007)."""
HIT_MEMORY = 1_000
"""The same for the hit ratio: a big group multiplies its error by hundreds of calls. Ours (0007)."""
PRIOR_WEIGHT = 2
"""Observations that a prior counts for. Ours (0007)."""
RATIO_MIN = 0.02
"""A hit ratio below this is taken as this: one lucky list must not ask for all ports. Range: 0 … 1. Ours (0007)."""
UTILISATION_PRIOR = 0.85
"""Share of busy agents that predictive demand starts from. Range: 0 … 1. Ours (0007)."""
PORTS_PER_AGENT_MAX = 15
"""Dialing demand is never above this many ports per agent. Ours (0007)."""


@dataclass(slots=True)
class Mean:
    """A running mean that starts from a prior."""

    value: float
    weight: float = float(PRIOR_WEIGHT)
    """Observations seen, the prior's included, at most `memory`."""
    memory: int = MEMORY

    def add(self, observation: float) -> None:
        """Count one observation."""
        if self.weight < self.memory:
            self.weight += 1.0
        self.value += (observation - self.value) / self.weight


@dataclass(slots=True)
class Spells:
    """How fast agents come back: ends per time of being busy, spells that still run included.

    The mean of *finished* conversations is no estimate while a shift is young: short ones finish first, and agents
    would be expected back too early. Ends over exposure has no such bias.
    """

    ends: float = float(PRIOR_WEIGHT)
    exposure_ms: float = PRIOR_WEIGHT * 70.0 * SECOND_MS
    """Time in finished spells."""
    running: int = 0
    running_since_sum_ms: int = 0
    """Sum of the instants at which the running spells began."""

    def begin(self, at_ms: Millis) -> None:
        """An agent is busy from now on."""
        self.running += 1
        self.running_since_sum_ms += at_ms

    def end(self, began_at_ms: Millis, at_ms: Millis) -> None:
        """The agent is back."""
        self.running -= 1
        self.running_since_sum_ms -= began_at_ms
        if self.ends >= MEMORY:
            self.exposure_ms *= 1.0 - 1.0 / MEMORY
            self.ends *= 1.0 - 1.0 / MEMORY
        self.ends += 1.0
        self.exposure_ms += at_ms - began_at_ms

    def mean_ms(self, at_ms: Millis) -> float:
        """Mean length of a spell."""
        running_ms = self.running * at_ms - self.running_since_sum_ms
        return max(1.0, (self.exposure_ms + running_ms) / self.ends)


@dataclass(slots=True)
class Estimates:
    """What one campaign group has learned."""

    finished: int = 0
    """Attempts whose outcome is known: person or not."""
    persons: int = 0
    hold_ms: Mean = field(default_factory=lambda: Mean(15.0 * SECOND_MS))
    """Dialing port of one attempt: from the request to the end, or until somebody has the call."""
    person_ms: Mean = field(default_factory=lambda: Mean(12.0 * SECOND_MS))
    """Request to verdict, for persons."""
    hit_ratio: Mean = field(default_factory=lambda: Mean(0.3, memory=HIT_MEMORY))
    """Share of attempts that reach a person."""
    busy: Spells = field(default_factory=Spells)
    """Agents from conversation to ready again."""
    talk_ms: Mean = field(default_factory=lambda: Mean(60.0 * SECOND_MS))
    work_ms: Mean = field(default_factory=lambda: Mean(10.0 * SECOND_MS))
    """After-call work."""
    ivr_ms: Mean = field(default_factory=lambda: Mean(30.0 * SECOND_MS))
    utilisation: Mean = field(default_factory=lambda: Mean(UTILISATION_PRIOR))
    """Busy share of working agents, sampled at every port recalculation."""

    def attempt_resolved(self, *, elapsed_ms: Millis, person: bool) -> None:
        """The outcome of an attempt is known, `elapsed_ms` after the request."""
        self.finished += 1
        if person:
            self.persons += 1
            self.person_ms.add(elapsed_ms)
        self.hit_ratio.add(1.0 if person else 0.0)

    def dialing_ended(self, held_ms: Millis) -> None:
        """An attempt needs its port for dialing no more: it ended, or somebody has the call."""
        self.hold_ms.add(held_ms)

    @property
    def hit(self) -> float:
        """Hit ratio for decisions, never near 0."""
        return max(RATIO_MIN, self.hit_ratio.value)

    @property
    def handle_ms(self) -> float:
        """Mean time that a person keeps an agent: talk + after-call work."""
        return max(1.0, self.talk_ms.value + self.work_ms.value)


class Demand(NamedTuple):
    """Estimated average number of ports. Unit: thousandths of a port."""

    regular_millis: int
    engaging_millis: int


def demand(
    estimates: Estimates,
    *,
    mode: DialingMode,
    agents_millis: int,
    multiplier_millis: int,
    queue_size: int,
) -> Demand:
    """Average ports that a group needs to keep its agents busy, whatever it may use now.

    Args:
        estimates: the group's statistics.
        mode: as it dials now (predictive without history: the progressive form).
        agents_millis: agents at work, shared groups counted in part. Unit: thousandths of an agent.
        multiplier_millis: progressive multiplier. Unit: thousandths.
        queue_size: Power GVP: calls kept in progress.
    """
    if mode is DialingMode.POWER_GVP:
        return Demand(1_000 * queue_size, 0)
    if mode.is_preview or agents_millis <= 0:
        return Demand(0, 0)
    agents = agents_millis / 1_000
    hold_ms = max(1.0, estimates.hold_ms.value)
    hit = estimates.hit
    work = hit * estimates.handle_ms
    if mode.is_predictive:
        per_ms = agents * min(1.0, max(0.05, estimates.utilisation.value)) / work
    else:
        per_ms = agents / (work + hold_ms * 1_000 / multiplier_millis)
    dialing = min(per_ms * hold_ms, agents * PORTS_PER_AGENT_MAX)
    per_ms = dialing / hold_ms
    if mode.is_seizing:
        return Demand(round(1_000 * (dialing + per_ms * hit * estimates.talk_ms.value)), agents_millis)
    if mode.is_gvp:
        return Demand(round(1_000 * (dialing + per_ms * hit * estimates.ivr_ms.value)), 0)
    return Demand(round(1_000 * dialing), 0)
