"""Carrying over what a campaign group has learned: out of one run of the server and into the next.

The old run is a beginning, not the truth: the list, the hour and the agents may be others. So it counts for a few
hundred calls at most, and what the new run shows takes over within as many. Shares, hazards and means stay as they
were. What says how it goes right now begins anew: the level of the calls, the share of time that agents are busy, and
the account of abandoned persons, of which only the threshold is kept.

Agents may work for several campaign groups, each of which has kept what they have shown: the first one to be taken
over counts, and only while they have shown nothing in this run.
"""

import math
from collections.abc import Sequence

from outdial.core.agent_odds import BINS, AgentOdds, Spells
from outdial.core.call_odds import DELAY_BINS, RING_BINS, CallOdds
from outdial.core.estimates import Estimates, Mean
from outdial.core.groups import Group
from outdial.core.learned import Learned, LearnedAgents, LearnedCalls, LearnedEstimates, LearnedMean, LearnedSpells
from outdial.core.predictive import PILOT_SLACK_MS, RESOLVED_MIN
from outdial.core.state import State

CALLS_MAX = 500
"""Calls that an earlier run counts for at most. Ours (0014)."""
SPELLS_MAX = 100
"""Conversations, and times of after-call work, that it counts for at most. Ours (0014)."""
MEAN_MAX = 50
"""Observations that each of its means counts for at most; those of the hit ratio are calls. Ours (0014)."""
FACTOR_MAX = 1.0
"""The threshold begins at most at this multiple of the target: by its end the old run may have had a surplus to spend,
which the new one has not. Ours (0014)."""


def has_dialed(group: Group) -> bool:
    """Whether the group has called anybody in this run."""
    return group.totals.attempts > 0 or group.live > 0


def learned(state: State, group: Group) -> Learned:
    """What the group and its agents have shown so far, what was taken over included."""
    agents, means = state.agent_group_of(group), _means(group.estimates)
    return Learned(
        calls=learned_calls(group.odds),
        agents=learned_agents(agents.odds) if agents is not None else None,
        held=learned_agents(group.held_odds),
        estimates=LearnedEstimates(group.estimates.finished, *[LearnedMean(m.value, m.weight) for m in means]),
        log_factor=group.budget.log_factor,
    )


def take_over(state: State, group: Group, found: Learned) -> str | None:
    """Begin with what an earlier run has shown. Returns why it cannot be used; None: it was taken over."""
    if has_dialed(group):
        return "has dialed already"
    if group.odds.resolved or group.estimates.finished:
        return "has statistics already"
    if not _fits(group.odds, found):
        return "cannot use these statistics: they were made in another kind of mode"
    take_calls(group.odds, found.calls)
    take_agents(group.held_odds, found.held)
    agents = state.agent_group_of(group)
    if agents is not None and found.agents is not None:
        take_agents(agents.odds, found.agents)
    needed = max(group.settings.history_length, RESOLVED_MIN)
    _take_estimates(group.estimates, found.estimates, max(CALLS_MAX, needed))
    if found.estimates.finished >= needed and found.calls.resolved >= RESOLVED_MIN:
        group.odds.first_at_ms = state.mono_ms - group.settings.ring_ms_max - PILOT_SLACK_MS  # they have rung out
    group.budget.resume(min(math.log(FACTOR_MAX), found.log_factor))
    return None


def _fits(odds: CallOdds, found: Learned) -> bool:
    calls, spells = found.calls, [found.held.talk, found.held.work]
    if found.agents is not None:
        spells += [found.agents.talk, found.agents.work]
    return (
        calls.delay_bin_ms == odds.delay_bin_ms
        and len(calls.left) == len(calls.persons) == len(calls.judged) == RING_BINS
        and len(calls.person_delays) == len(calls.other_delays) == DELAY_BINS
        and min(sum(calls.person_delays), sum(calls.other_delays)) > 0.0
        and all(len(each.left) == len(each.partial_ms) == BINS for each in spells)
    )


# --- calls ----------------------------------------------------------------------------------------------------------


def learned_calls(odds: CallOdds) -> LearnedCalls:
    """What calls have shown."""
    counts = (odds.left, odds.persons, odds.judged, odds.person_delays, odds.other_delays)
    return LearnedCalls(odds.delay_bin_ms, odds.resolved, odds.persons_seen, *[tuple(each) for each in counts])


def take_calls(odds: CallOdds, found: LearnedCalls) -> None:
    """Begin with what the calls of an earlier run have shown."""
    part = _part(sum(found.left), CALLS_MAX)
    odds.left[:] = _scaled(found.left, part)
    odds.persons[:] = _scaled(found.persons, part)
    odds.judged[:] = _scaled(found.judged, part)
    odds.person_delays[:] = _scaled(found.person_delays, part)
    odds.other_delays[:] = _scaled(found.other_delays, part)
    odds.resolved = min(found.resolved, CALLS_MAX)
    odds.persons_seen = math.ceil(found.persons_seen * _part(found.resolved, CALLS_MAX))


# --- agents ---------------------------------------------------------------------------------------------------------


def learned_agents(odds: AgentOdds) -> LearnedAgents:
    """What agents have shown."""
    talk, work = [LearnedSpells(tuple(each.left), tuple(each.partial_ms)) for each in (odds.talk, odds.work)]
    return LearnedAgents(talk, work, odds.ready)


def take_agents(odds: AgentOdds, found: LearnedAgents) -> None:
    """Begin with what agents have shown in an earlier run, unless they have shown something in this one."""
    if not any(odds.talk.left) and not any(odds.work.left):
        _take_spells(odds.talk, found.talk)
        _take_spells(odds.work, found.work)
        odds.ready = found.ready


def _take_spells(spells: Spells, found: LearnedSpells) -> None:
    part = _part(sum(found.left), SPELLS_MAX)
    spells.left[:] = _scaled(found.left, part)
    spells.partial_ms[:] = _scaled(found.partial_ms, part)


# --- estimates ------------------------------------------------------------------------------------------------------


def _means(estimates: Estimates) -> tuple[Mean, ...]:
    """In the order of `LearnedEstimates`."""
    ports = (estimates.hit_ratio, estimates.hold_ms, estimates.person_ms)
    return (*ports, estimates.talk_ms, estimates.work_ms, estimates.ivr_ms)


def _take_estimates(estimates: Estimates, found: LearnedEstimates, finished_max: int) -> None:
    estimates.finished = min(found.finished, finished_max)
    means = (found.hit_ratio, found.hold_ms, found.person_ms, found.talk_ms, found.work_ms, found.ivr_ms)
    for mean, old in zip(_means(estimates), means, strict=True):
        most = CALLS_MAX if mean is estimates.hit_ratio else MEAN_MAX
        mean.value, mean.weight = old.value, min(old.weight, most)


# --- counts ---------------------------------------------------------------------------------------------------------


def _part(count: float, most: float) -> float:
    """What a count is multiplied by so that it is at most so much."""
    return min(1.0, most / count) if count > 0 else 1.0


def _scaled(counts: Sequence[float], part: float) -> list[float]:
    return [part * count for count in counts]
