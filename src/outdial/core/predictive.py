"""Dialing ahead of agents: from the dialer's memory to one predictive decision.

Agents are one pool for all groups that send them calls: each of these groups counts all calls in flight for them. The
account of abandoned persons is each group's own, unless the ledger knows that of its campaign.

A group does not dial ahead before it has learned something: the configured number of finished attempts, at least
`RESOLVED_MIN`, and one full ring limit since its first call, as busy tones and quick answers come back first; and a
person must have answered, as calls that never bring anybody would be taken for no risk at all. A young group never has
more calls in flight than it has seen end. And it stops when its budget is spent. Until then, and in all these cases, it
dials progressively.
"""

from collections.abc import Iterable, Sequence
from itertools import chain

from outdial.core.agent_odds import AgentOdds
from outdial.core.campaign_accounts import follow_account
from outdial.core.groups import Group
from outdial.core.leaving import available_leavers, take_out
from outdial.core.modes import DialingMode
from outdial.core.pacing import (
    STARTS_PER_DECISION_MAX,
    TICK_MS,
    Decision,
    Situation,
    attempts_to_start,
    pause_ms,
    predictive,
    progressive_form,
)
from outdial.core.ring_chances import Chances
from outdial.core.risk import HORIZONS, Forecast, total
from outdial.core.state import State
from outdial.core.units import SECOND_MS, Millis

RESOLVED_MIN = 25
"""Attempts that must have ended before anything is predicted, whatever the history length says. Ours (0014)."""
PILOT_SLACK_MS: Millis = 2 * SECOND_MS
"""Post-dial delay on top of the ring limit, for the first calls to end. Unit: ms. Ours (0014)."""
UPDATE_MS: Millis = 5 * SECOND_MS
"""Period at which what was learned is worked out anew. Ours (0014)."""
PATIENCE_PART = 0.85
"""Part of the time a person may wait that agents are expected to use. Ours (0014)."""
SPARE_STEP_MS: Millis = 100
"""What is left of a person's patience is taken in whole steps of this. Ours (0014)."""
MIDDLE = HORIZONS // 2
CERTAIN_MILLIS = 1_000
"""Calls per free agent of whom none can find nobody, unless the agent does not answer. Unit: thousandths."""


def available_agents(state: State, group: Group) -> int:
    """Agents who could be given a person of the group now."""
    if group.mode.is_seizing:
        kept = sum(group.engagings[call_id] in group.engaged_idle for call_id in group.kept_legs)
        return len(group.engaged_idle) - kept
    agents = state.agent_group_of(group)
    return len(agents.free) if agents is not None else 0


def situation(state: State, group: Group) -> Situation:
    """What pacing looks at. Groups that share agents share the calls in flight for them, too."""
    multiplier_millis = group.settings.progressive_multiplier_millis
    if multiplier_millis > CERTAIN_MILLIS:
        why = follow_account(state, group)
        multiplier_millis = CERTAIN_MILLIS if why else multiplier_millis
        if not group.mode.is_predictive:
            group.pace.note = why
    return Situation(
        available=available_agents(state, group),
        waiting=_waiting(state, group),
        pending=_pending(state, group),
        in_progress=group.live if group.mode is DialingMode.POWER_GVP else 0,
        multiplier_millis=multiplier_millis,
        queue_size=group.settings.maximum_queue_size,
        leaving=available_leavers(state, group),
    )


def _waiting(state: State, group: Group) -> int:
    agents = state.agent_group_of(group)
    return len(group.waiting) if group.mode.is_seizing else 0 if agents is None else len(agents.waiting)


def _pending(state: State, group: Group) -> int:
    agents = state.agent_group_of(group)
    return group.pending if group.mode.is_seizing or agents is None else len(agents.pending)


def calls_ahead(state: State, group: Group) -> int:
    """Attempts that a predictive group should start now, and when to look again."""
    pace, now_ms = group.pace, state.mono_ms
    agents = state.agent_group_of(group)
    assert agents is not None, "predictive modes need agents"
    if pace.decided_at_ms is not None:
        again_at_ms = pace.decided_at_ms + pause_ms(len(agents.working))
        if now_ms < again_at_ms:
            state.wake_group_at(group, again_at_ms)
            return _least(state, group)
    forecasts = group.held_odds if group.mode.is_seizing else agents.odds
    sharing = _sharing(state, group)
    _update(state, sharing, forecasts)
    pace.note = follow_account(state, group) or _why_not(group, now_ms)
    if pace.note:
        if group.estimates.finished >= group.settings.history_length:
            state.wake_group_at(group, now_ms + TICK_MS)
        return attempts_to_start(progressive_form(group.mode), situation(state, group))
    there = situation(state, group)
    if not there.available and not forecasts.count():
        return 0  # nobody at work, nobody called
    state.wake_group_at(group, now_ms + TICK_MS)
    pace.decided_at_ms = now_ms
    flights = chain.from_iterable(other.odds.flights(now_ms) for other in sharing)
    return _decide(state, group, there, forecasts, flights)


def _least(state: State, group: Group) -> int:
    """Free agents without a call: they get one whatever the risk. Most looks find none."""
    agents = state.agent_group_of(group)
    if agents is None or group.mode.is_seizing:
        uncovered = available_agents(state, group) - _pending(state, group)
    else:
        uncovered = len(agents.free) - len(agents.pending)  # the same, without asking for the agents twice
    if uncovered <= 0:
        return 0
    return max(0, uncovered - _waiting(state, group) - available_leavers(state, group))


def _decide(
    state: State, group: Group, there: Situation, forecasts: AgentOdds, flights: Iterable[tuple[int, Chances]]
) -> int:
    now_ms, odds = state.mono_ms, group.odds
    persons = total(flights)
    spare_ms = _spare_ms(group)
    agents = total(forecasts.spells(now_ms, tuple([horizon_ms + spare_ms for horizon_ms in odds.horizons])))
    take_out(state, group, agents, forecasts, spare_ms)
    expected, coming = persons.expected(MIDDLE), agents.expected(MIDDLE)
    busy = forecasts.count()
    most = _most(group, there, busy)
    threshold = group.aim.threshold(group.budget.risk_max(now_ms))
    forecast = Forecast(there.available - there.waiting, agents, persons, odds.fresh)
    wanted, risk = predictive(forecast, threshold, _least(state, group), most)
    group.pace.decisions.append(
        Decision(
            at_mono_ms=now_ms,
            started=wanted,
            why="risk of the next call" if risk > threshold else "limit of calls in flight",
            available=there.available - there.waiting,
            busy=busy,
            pending=there.pending,
            persons_millis=round(1_000 * expected),
            agents_millis=round(1_000 * coming),
            horizon_ms=odds.horizons[MIDDLE],
            level_millis=round(1_000 * odds.level),
            risk_ppm=round(1_000_000 * risk),
            threshold_ppm=round(1_000_000 * threshold),
        )
    )
    return wanted


def _spare_ms(group: Group) -> Millis:
    """Time from the verdict on that a person may wait, rounded, as agents' chances are worked out for each one."""
    left_ms = PATIENCE_PART * group.settings.call_wait_in_queue_ms_max - group.clock_lead_ms.value
    return SPARE_STEP_MS * max(0, round(left_ms / SPARE_STEP_MS))


def _update(state: State, sharing: Sequence[Group], forecasts: AgentOdds) -> None:
    """Of all groups whose calls are counted: those that do not dial ahead never ask for it themselves."""
    now_ms = state.mono_ms
    for other in sharing:
        if other.pace.updated_at_ms is None or now_ms - other.pace.updated_at_ms >= UPDATE_MS:
            other.pace.updated_at_ms = now_ms
            other.aim.sample(available_agents(state, other), forecasts.count(), now_ms)
            other.odds.update(now_ms)
            forecasts.update(now_ms)


def _why_not(group: Group, now_ms: Millis) -> str:
    """Why the group cannot dial ahead; empty: it can."""
    settings, odds = group.settings, group.odds
    finished, needed = group.estimates.finished, max(settings.history_length, RESOLVED_MIN)
    if finished < needed or odds.resolved < RESOLVED_MIN:
        return f"{min(finished, odds.resolved)} of {needed} attempts of history"
    if odds.first_at_ms is None or now_ms - odds.first_at_ms < settings.ring_ms_max + PILOT_SLACK_MS:
        return "the first calls have not rung out yet"
    if not odds.persons_seen:
        return "nobody has answered yet"
    if group.budget.is_overrun:
        return "the budget of abandoned calls is overrun"
    return ""


def _most(group: Group, there: Situation, busy: int) -> int:
    """Attempts that may be started at most, whatever the risk."""
    limit = max(there.available, group.odds.resolved)
    if group.settings.calls_per_agent_max_millis:
        limit = min(limit, group.settings.calls_per_agent_max_millis * (there.available + busy) // 1_000)
    return min(STARTS_PER_DECISION_MAX, max(0, limit - there.pending))


def _sharing(state: State, group: Group) -> list[Group]:
    """Groups whose calls in flight are for the same agents."""
    agents = state.agent_group_of(group)
    if group.mode.is_seizing or agents is None or len(agents.running) == 1:
        return [group]
    others = [state.groups[group_id] for group_id in agents.running]
    return [other for other in others if not other.mode.is_seizing]
