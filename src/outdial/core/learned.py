"""What a campaign group has learned, as plain values: what outlives the process, and how (`carry_over`).

Tuples have the shapes of the lists that they are taken from: `call_odds` and `agent_odds` say what they mean.
"""

from dataclasses import dataclass

from outdial.core.units import Millis


@dataclass(frozen=True, slots=True)
class LearnedCalls:
    """What a group's calls have shown: see `CallOdds`."""

    delay_bin_ms: Millis
    resolved: int
    persons_seen: int
    left: tuple[float, ...]
    persons: tuple[float, ...]
    judged: tuple[float, ...]
    person_delays: tuple[float, ...]
    other_delays: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LearnedSpells:
    """Conversations, or after-call work: see `agent_odds.Spells`."""

    left: tuple[float, ...]
    partial_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LearnedAgents:
    """What agents have shown: see `AgentOdds`."""

    talk: LearnedSpells
    work: LearnedSpells
    ready: float
    """Share of those who finish and are ready again. Range: 0 … 1."""


@dataclass(frozen=True, slots=True)
class LearnedMean:
    """A running mean."""

    value: float
    weight: float
    """Observations that it rests on."""


@dataclass(frozen=True, slots=True)
class LearnedEstimates:
    """What port demand follows from: see `Estimates`."""

    finished: int
    hit_ratio: LearnedMean
    hold_ms: LearnedMean
    person_ms: LearnedMean
    talk_ms: LearnedMean
    work_ms: LearnedMean
    ivr_ms: LearnedMean


@dataclass(frozen=True, slots=True)
class Learned:
    """Everything that one campaign group has learned."""

    calls: LearnedCalls
    agents: LearnedAgents | None
    """Of its agent group, which may work for other campaign groups too; None: the group has no agents."""
    held: LearnedAgents
    """Of the agents that it held on the line (modes with seizing)."""
    estimates: LearnedEstimates
    log_factor: float
    """Threshold of the budget as a multiple of the target. Unit: natural logarithm."""
