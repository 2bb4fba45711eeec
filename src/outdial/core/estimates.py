"""Running statistics of one campaign group, and the ports that follow from them.

Every mean is exponential with a warm-up: the first observations count in full, later ones with 1/`MEMORY`. Until there
are observations the priors stand; they lose their weight with the first few.

Port demand is Little's law: mean ports = attempts per second × mean time that an attempt holds its port.

With N agents at work, hit ratio p, handling time H (talk T + after-call work), mean dialing hold h, M calls per free
agent, and the share ε of persons who may find no agent:

    progressive   attempts per ms   λ = N / (p·H + h / M)          (an agent waits for h/M/p and then works for H)
    predictive    attempts per ms   λ = N·U / (p·H·(1 − ε))        U = share of time that agents are busy
    dialing ports                   D = λ·h
    talking ports                   K = λ·p·(1 − ε)·T              seizing: the customer's port lasts to the end
    engaging ports                  E = N                          an agent is held through after-call work, too

p has a long memory, and none beyond the instant at which the list turned better or worse (`turns.py`). U is measured
once 100 persons have answered; until then it is worked out (`utilisation`).

The peak is what calls stay under for 99 % of the time, mean + 2.33 standard deviations:

    progressive   each agent is free (M ports), in conversation (seizing: one port), or neither, apart from the others
    predictive    deviation 1.25 · U · √(D / p): an agent who is free too long, or not long enough, is made up for by
                  1 / p calls, and the fewer agents there are, the less they swing. Seizing: a free agent has no
                  customer's port, so regular ports swing by the part 1 − p·T/H of that
    GVP           sessions come on top as by chance: their variance is their mean

Floats stay inside this module; demand leaves it as integers in thousandths (determinism, decision 0003).

Source: Little (1961); the pacing study, sections 4 and 8; formulas: docs/concepts/modes.md. Ours:
constants (0007), the peaks of progressive, seizing and GVP modes, the variance of agents who come free.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

from outdial.core.modes import DialingMode
from outdial.core.turns import SURE_WEIGHT, Turns
from outdial.core.units import SECOND_MS, Millis

MEMORY = 200
"""Observations after which an old one has lost 63 % of its weight. Ours (0007)."""
HIT_MEMORY = 3_000
"""The same for the hit ratio: a big group multiplies its error by hundreds of calls. Ours (0007)."""
TURN_ATTEMPTS_MIN = 100
"""Attempts that the hit ratio must rest on before it can turn. Ours."""
PRIOR_WEIGHT = 2
"""Observations that a prior counts for. Ours (0007)."""
RATIO_MIN = 0.02
"""A hit ratio below this is taken as this: one lucky list must not ask for all ports. Range: 0 … 1. Ours (0007)."""
UTILISATION_PRIOR = 0.85
"""Share of busy agents that the measurement starts from; it loses its weight at once. Range: 0 … 1. Ours (0007)."""
PERSONS_MEASURED = 100
"""Persons after whom the measured share of busy agents is believed. Source: the pacing study, section 8."""
SAMPLES_MEASURED = 24
"""And samples of it: a hundred persons answer a thousand agents within seconds. Ours."""
BUSY_MIN = 0.05
"""Agents are never taken for less busy than this."""
TARGET_MAX = 0.5
"""Not more than this part of the persons is ever taken for lost. Ours."""
DEVIATIONS = 2.33
"""A normal quantity stays below its mean + this many standard deviations for 99 % of the time."""
SWING = 1.25
"""Calls in flight of a predictive group swing by this multiple of U · √(D / p). Ours: fits the model's days."""
BISECTIONS = 40
"""Halvings in working out a share: exact to a millionth of a millionth."""
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
    """Share of attempts that reach a person, since it last turned."""
    turns: Turns = field(default_factory=Turns)
    talk_ms: Mean = field(default_factory=lambda: Mean(60.0 * SECOND_MS))
    work_ms: Mean = field(default_factory=lambda: Mean(10.0 * SECOND_MS))
    """After-call work."""
    ivr_ms: Mean = field(default_factory=lambda: Mean(30.0 * SECOND_MS))
    utilisation: Mean = field(default_factory=lambda: Mean(UTILISATION_PRIOR))
    """Busy share of working agents, sampled at every port recalculation while nothing but pacing limits the group."""

    def attempt_dialed(self, at_ms: Millis) -> None:
        """An attempt was requested."""
        self.turns.dialed(at_ms)

    def attempt_resolved(self, dialed_at_ms: Millis, at_ms: Millis, *, person: bool) -> None:
        """The outcome of an attempt is known."""
        self.finished += 1
        self.turns.ended(dialed_at_ms, at_ms, person=person)
        self.hit_ratio.add(1.0 if person else 0.0)
        if person:
            self.persons += 1
            self.person_ms.add(at_ms - dialed_at_ms)

    def attempt_lost(self, dialed_at_ms: Millis) -> None:
        """The node of an attempt is lost: what becomes of it says nothing about the list."""
        self.turns.lost(dialed_at_ms)

    def follow_turns(self, now_ms: Millis) -> None:
        """See whether the list has turned. To be called every few seconds."""
        if self.hit_ratio.weight < TURN_ATTEMPTS_MIN:
            return
        turn = self.turns.look(min(1.0 - RATIO_MIN, max(RATIO_MIN, self.hit_ratio.value)), now_ms)
        if turn is not None:  # all of the hit ratio is forgotten but what was seen since
            self.hit_ratio = Mean(turn.since(), SURE_WEIGHT * turn.attempts, HIT_MEMORY)

    def dialing_ended(self, held_ms: Millis) -> None:
        """An attempt needs its port for dialing no more: it ended, or somebody has the call."""
        self.hold_ms.add(held_ms)

    @property
    def hit(self) -> float:
        """Hit ratio for estimates, never near 0; a turn of the list counts as far as it is believed."""
        return max(RATIO_MIN, self.turns.share(self.hit_ratio.value))

    @property
    def has_measured(self) -> bool:
        """Whether the measured share of busy agents is to be believed."""
        return self.persons >= PERSONS_MEASURED and self.utilisation.weight >= PRIOR_WEIGHT + SAMPLES_MEASURED

    @property
    def handle_ms(self) -> float:
        """Mean time that a person keeps an agent: talk + after-call work."""
        return max(1.0, self.talk_ms.value + self.work_ms.value)


class Demand(NamedTuple):
    """Estimated ports. Unit: thousandths of a port."""

    regular_millis: int
    """On average."""
    engaging_millis: int
    regular_peak_millis: int = 0
    """What 99 % of the time stays under."""
    engaging_peak_millis: int = 0

    @property
    def peak_millis(self) -> int:
        """Peak of both kinds together."""
        return self.regular_peak_millis + self.engaging_peak_millis


NOTHING_NEEDED = Demand(0, 0)


def demand(
    estimates: Estimates,
    *,
    mode: DialingMode,
    agents_millis: int,
    team_millis: int,
    multiplier_millis: int,
    queue_size: int,
    target: float,
    busy_max: float = 1.0,
) -> Demand:
    """Ports that a group needs to keep its agents busy, whatever it may use now.

    Args:
        estimates: the group's statistics.
        mode: as it dials now (predictive without history: the progressive form).
        agents_millis: agents at work, shared groups counted in part. Unit: thousandths of an agent.
        team_millis: the same agents counted in full: who waits for calls together.
        multiplier_millis: progressive multiplier. Unit: thousandths.
        queue_size: Power GVP: calls kept in progress.
        target: predictive: share of answered persons who may find no agent. Range: 0 … 1.
        busy_max: predictive: share of their time that agents are to be busy at most. Range: 0 … 1.
    """
    if mode is DialingMode.POWER_GVP:
        return Demand(1_000 * queue_size, 0, 1_000 * queue_size, 0)
    if mode.is_preview or agents_millis <= 0:
        return NOTHING_NEEDED
    agents = agents_millis / 1_000
    team = max(agents, team_millis / 1_000)
    hold_ms = max(1.0, estimates.hold_ms.value)
    hit = estimates.hit
    handle_ms = estimates.handle_ms
    multiplier = multiplier_millis / 1_000
    busy, served = 0.0, 1.0
    if mode.is_predictive:
        busy, served = busy_share(estimates, team, hit, target, busy_max), 1.0 - min(TARGET_MAX, target)
        dialing = agents * busy / (hit * handle_ms * served) * hold_ms
    else:
        dialing = agents / (hit * handle_ms + hold_ms / multiplier) * hold_ms
    dialing = min(dialing, agents * PORTS_PER_AGENT_MAX)
    persons_per_ms = dialing / hold_ms * hit
    talking = persons_per_ms * served * estimates.talk_ms.value if mode.is_seizing else 0.0
    in_ivr = persons_per_ms * estimates.ivr_ms.value if mode.is_gvp else 0.0
    mean = dialing + talking + in_ivr
    if mode.is_predictive:
        moved = hit * min(1.0, estimates.talk_ms.value / handle_ms) if mode.is_seizing else 0.0
        variance = dialing / hit * (SWING * busy * (1.0 - moved)) ** 2
        most = math.inf
    else:
        variance = _free_or_talking(agents, dialing, talking, multiplier)
        most = team * max(multiplier, 1.0 if talking else 0.0) if not in_ivr else math.inf
    peak = min(mean + DEVIATIONS * math.sqrt(variance + in_ivr), most)
    engaging = agents_millis if mode.is_seizing else 0
    regular = round(1_000 * mean)
    return Demand(regular, engaging, max(regular, round(1_000 * peak)), engaging)


def _free_or_talking(agents: float, dialing: float, talking: float, multiplier: float) -> float:
    """Variance of the regular ports of agents who each have `multiplier` ports, one, or none, apart from the others."""
    mean = (dialing + talking) / agents
    return agents * max(0.0, (multiplier * dialing + talking) / agents - mean * mean)


def busy_share(estimates: Estimates, agents: float, hit: float, target: float, busy_max: float) -> float:
    """Share of their time that agents of a predictive group are busy: measured, or worked out as long as it is not."""
    if estimates.has_measured:
        return min(1.0, max(BUSY_MIN, estimates.utilisation.value))
    most = utilisation(
        agents,
        handle_ms=estimates.handle_ms,
        hold_ms=estimates.hold_ms.value,
        person_ms=estimates.person_ms.value,
        hit=hit,
        target=target,
    )
    return max(BUSY_MIN, min(busy_max, most))


def utilisation(
    agents: float, *, handle_ms: float, hold_ms: float, person_ms: float, hit: float, target: float
) -> float:
    """Share of their time that agents are busy if calls are dialed ahead of them as far as the target allows.

    While a call is on its way to a person, for L ms, A other persons answer and F agents come free. Persons are left
    over by E[(A − F − idle)⁺], the normal loss: with as many idle agents as make it the target's share of A, the rest
    are busy.

        A = N·U·L / H   of variance  A·(1 − p)         F: of N·U busy agents each with s = 1 − exp(−L / H)
        σ² = A·(1 − p) + N·U·s·(1 − s)                  idle = z·σ + target·A,  with  σ·G(z) = target·A
        G(z) = φ(z) − z·(1 − Φ(z))

    It is never below what one call for each free agent gives: p·H / (p·H + h).

    Args:
        agents: who wait for calls together.
        handle_ms: mean conversation with after-call work, H.
        hold_ms: mean time that an attempt takes, h.
        person_ms: mean time from the request to a person's verdict, L.
        hit: share of attempts that reach a person, p.
        target: share of answered persons who may find no agent. Range: 0 … 1.
    """
    floor = hit * handle_ms / (hit * handle_ms + max(1.0, hold_ms))
    if agents <= 0.0 or target <= 0.0:
        return floor
    back = 1.0 - math.exp(-person_ms / handle_ms)
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        busy = (low + high) / 2.0
        persons = agents * busy * person_ms / handle_ms
        deviation = math.sqrt(persons * (1.0 - hit) + agents * busy * back * (1.0 - back))
        lost = target * persons
        z = (agents * (1.0 - busy) - lost) / max(1e-9, deviation)
        if deviation * _normal_loss(z) <= lost:
            low = busy
        else:
            high = busy
    return max(floor, low)


def _normal_loss(z: float) -> float:
    """Mean excess of a standard normal quantity over z."""
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return density - z * 0.5 * math.erfc(z / math.sqrt(2.0))
