"""How many ports a group needs: tables worked out by hand, and what must hold for every group.

Where a number is worked out, the working is beside it. What a group learns is in test_estimates.py; how good the
estimate is, is measured in bench/pacing/demand.
"""

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialing_story import SWITCH, Story, dialing_story, group
from outdial.core import port_shares
from outdial.core.estimates import (
    HIT_MEMORY,
    PERSONS_MEASURED,
    PORTS_PER_AGENT_MAX,
    PRIOR_WEIGHT,
    SAMPLES_MEASURED,
    Demand,
    Estimates,
    Mean,
    demand,
    utilisation,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.units import SECOND_MS

PERIOD_MS = 5 * SECOND_MS


def estimates(
    hold_s: float = 15,
    hit: float = 0.3,
    talk_s: float = 60,
    work_s: float = 10,
    busy: float | None = 0.85,
    person_s: float = 12,
) -> Estimates:
    """What a group has learned. `busy` None: its agents have not been measured yet."""
    return Estimates(
        finished=1_000,
        persons=1_000 if busy is not None else 0,
        hold_ms=Mean(1_000.0 * hold_s),
        person_ms=Mean(1_000.0 * person_s),
        hit_ratio=Mean(hit, memory=HIT_MEMORY),
        talk_ms=Mean(1_000.0 * talk_s),
        work_ms=Mean(1_000.0 * work_s),
        ivr_ms=Mean(30_000.0),
        utilisation=Mean(busy if busy is not None else 0.1, weight=200.0),
    )


def needed(of: Estimates, mode: Mode, agents: float, **rest: float) -> Demand:
    """Demand with the plainest settings: multiplier 1, nobody may be lost."""
    return demand(
        of,
        mode=mode,
        agents_millis=round(1_000 * agents),
        team_millis=round(1_000 * rest.get("team", agents)),
        multiplier_millis=round(1_000 * rest.get("multiplier", 1.0)),
        queue_size=round(rest.get("queue", 0)),
        target=rest.get("target", 0.0),
        busy_max=rest.get("busy_max", 1.0),
    )


def mean(of: Estimates, mode: Mode, agents: float, **rest: float) -> tuple[float, float]:
    """Ports on average: (regular, engaging)."""
    found = needed(of, mode, agents, **rest)
    return found.regular_millis / 1_000, found.engaging_millis / 1_000


def peak(of: Estimates, mode: Mode, agents: float, **rest: float) -> tuple[float, float]:
    """Ports for 99 % of the time: (regular, engaging)."""
    found = needed(of, mode, agents, **rest)
    return found.regular_peak_millis / 1_000, found.engaging_peak_millis / 1_000


# --- on average: Little's law -------------------------------------------------------------------------------------


def test_progressive_agent_waits_for_a_call_and_then_works() -> None:
    """20 agents; a cycle is 1 / 0.3 calls of 15 s one after the other (50 s), then 70 s of work: 20 × 50 / 120."""
    assert (20 * 50 / 120, 0) == pytest.approx(mean(estimates(), Mode.PROGRESSIVE, 20), abs=1e-3)


def test_progressive_multiplier_dials_side_by_side() -> None:
    """Twice the calls at a time halve the wait: 20 agents × (50 s of dialing) / (25 s + 70 s)."""
    assert (20 * 50 / 95, 0) == pytest.approx(mean(estimates(), Mode.PROGRESSIVE, 20, multiplier=2), abs=1e-3)


def test_predictive_keeps_agents_busy() -> None:
    """20 agents busy for 85 % of the time take 20 × 0.85 / 70 persons a second; each costs 50 s of dialing."""
    assert (20 * 0.85 / 70 * 50, 0) == pytest.approx(mean(estimates(), Mode.PREDICTIVE, 20), abs=1e-3)


def test_predictive_calls_those_whom_it_loses_too() -> None:
    """Of 100 persons 3 find no agent: 97 must do for the agents."""
    assert 20 * 0.85 / 70 * 50 / 0.97 == pytest.approx(mean(estimates(), Mode.PREDICTIVE, 20, target=0.03)[0], abs=1e-3)


def test_seizing_holds_the_customer_through_the_conversation_and_a_leg_per_agent() -> None:
    dialing, talking = 20 * 50 / 120, 20 * 60 / 120
    assert (dialing + talking, 20) == pytest.approx(mean(estimates(), Mode.PROGRESSIVE_SEIZING, 20), abs=1e-3)


def test_predictive_seizing_talks_for_the_part_of_the_work_that_is_conversation() -> None:
    """85 % of 20 agents are busy, 60 of 70 s of it in conversation; nobody else's port is in the talk path."""
    dialing, talking = 20 * 0.85 / 70 * 50 / 0.97, 20 * 0.85 * 60 / 70
    found = mean(estimates(), Mode.PREDICTIVE_SEIZING, 20, target=0.03)
    assert (dialing + talking, 20) == pytest.approx(found, abs=1e-3)


def test_seizing_legs_of_shared_agents_count_in_part() -> None:
    assert 2.5 == mean(estimates(), Mode.PREDICTIVE_SEIZING, 2.5)[1]


def test_gvp_holds_the_port_through_the_session() -> None:
    dialing = 20 * 50 / 120
    assert dialing + 20 / 120 * 30 == pytest.approx(mean(estimates(), Mode.PROGRESSIVE_GVP, 20)[0], abs=1e-3)


def test_power_needs_its_queue() -> None:
    assert Demand(12_000, 0, 12_000, 0) == needed(estimates(), Mode.POWER_GVP, 0, queue=12)


@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.PUSH_PREVIEW])
def test_preview_needs_nothing(mode: Mode) -> None:
    assert Demand(0, 0) == needed(estimates(), mode, 20)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.POWER_GVP])
def test_nobody_at_work_needs_nothing(mode: Mode) -> None:
    assert Demand(0, 0) == needed(estimates(), mode, 0)


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREDICTIVE])
def test_bad_list_does_not_ask_for_all_ports(mode: Mode) -> None:
    hopeless = estimates(hit=0.0, talk_s=0, work_s=0)
    assert 4 * PORTS_PER_AGENT_MAX >= mean(hopeless, mode, 4, multiplier=15)[0]


# --- the share of busy agents -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "agents, hit, talk_s, work_s, busy",
    [
        (10, 0.20, 60, 15, 0.780),
        (30, 0.08, 60, 15, 0.881),
        (30, 0.20, 60, 15, 0.886),
        (30, 0.40, 180, 30, 0.922),
        (100, 0.20, 60, 15, 0.949),
        (1_000, 0.20, 60, 15, 0.992),
    ],
)
def test_busy_share_worked_out_before_anything_is_measured(
    agents: int, hit: float, talk_s: float, work_s: float, busy: float
) -> None:
    """The study's populations; the numbers were worked out apart from this code, by iteration on z."""
    hold_ms = 1_000 * (hit * 12 + (1 - hit) * 17.5)
    handle_ms = 1_000 * (talk_s + work_s)
    found = utilisation(agents, handle_ms=handle_ms, hold_ms=hold_ms, person_ms=12_000.0, hit=hit, target=0.03)
    assert busy == pytest.approx(found, abs=1.5e-3)


def test_two_agents_lose_as_many_persons_as_the_target_allows() -> None:
    """By hand, in the formula's own terms: H = 100 s, L = 10 s, p = 1, so that only agents vary.

    With busy agents x = N·U: A = x / 10, s = 1 − e^−0.1 = 0.09516, σ² = x · s · (1 − s) = 0.08611 x. At U = 0.7514:
    x = 1.5029, σ = 0.3597, and 10 % of A is 0.01503 = σ · G(z): G = 0.04178, which the table has at z = 1.340. Idle
    agents: 0.3597 · 1.340 + 0.0150 = 0.4971, which are the 2 − 1.5029 that there are.
    """
    found = utilisation(2, handle_ms=100_000.0, hold_ms=300_000.0, person_ms=10_000.0, hit=1.0, target=0.1)
    assert 0.7514 == pytest.approx(found, abs=1e-4)


def test_busy_share_is_never_below_one_call_for_each_free_agent() -> None:
    """Nobody may be lost: an agent waits for 15 / 0.3 = 50 s and works for 70 s."""
    found = utilisation(20, handle_ms=70_000.0, hold_ms=15_000.0, person_ms=12_000.0, hit=0.3, target=0.0)
    assert 70 / 120 == pytest.approx(found)


def test_group_that_steers_for_less_needs_less_before_it_is_measured() -> None:
    """Ports go with the time that agents are busy: half of it, half of them."""
    before = estimates(busy=None)
    full, _ = mean(before, Mode.PREDICTIVE, 100, target=0.03)
    half, _ = mean(before, Mode.PREDICTIVE, 100, target=0.03, busy_max=0.45)
    busy = utilisation(100, handle_ms=70_000.0, hold_ms=15_000.0, person_ms=12_000.0, hit=0.3, target=0.03)
    assert half == pytest.approx(full * 0.45 / busy, rel=1e-3)


def test_predictive_group_is_worked_out_until_it_is_measured() -> None:
    young, old = estimates(busy=None), estimates()
    assert mean(young, Mode.PREDICTIVE, 20)[0] == pytest.approx(20 * 50 / 120, abs=1e-3), "the floor: target 0"
    for persons, weight, measured in [
        (PERSONS_MEASURED - 1, 200.0, False),
        (PERSONS_MEASURED, PRIOR_WEIGHT + SAMPLES_MEASURED - 1.0, False),
        (PERSONS_MEASURED, PRIOR_WEIGHT + SAMPLES_MEASURED + 0.0, True),
    ]:
        young.persons, young.utilisation = persons, Mean(0.85, weight=weight)
        assert measured == (mean(young, Mode.PREDICTIVE, 20) == mean(old, Mode.PREDICTIVE, 20))


def test_agents_who_are_shared_wait_together() -> None:
    """Two groups with half of 20 agents each need as much as one with all of them."""
    learned = estimates(busy=None)
    halves = mean(learned, Mode.PREDICTIVE, 10, team=20, target=0.03)[0]
    assert mean(learned, Mode.PREDICTIVE, 20, target=0.03)[0] == pytest.approx(2 * halves, abs=2e-3)
    assert mean(learned, Mode.PREDICTIVE, 10, target=0.03)[0] < halves, "ten agents alone are less busy"


# --- the peak -----------------------------------------------------------------------------------------------------


def test_progressive_peak_is_that_of_free_agents() -> None:
    """20 agents, each free for 50 of 120 s: 8.333 on average, variance 20 · 5/12 · 7/12 = 4.861."""
    assert 20 * 5 / 12 + 2.33 * sqrt(4.8611) == pytest.approx(peak(estimates(), Mode.PROGRESSIVE, 20)[0], abs=1e-3)


def test_progressive_peak_with_a_multiplier() -> None:
    """Free for 25 of 95 s with two calls: 20 · 2 · 0.26316 = 10.526, variance 2² · 20 · 0.26316 · 0.73684 = 15.512."""
    found = peak(estimates(), Mode.PROGRESSIVE, 20, multiplier=2)[0]
    assert 10.5263 + 2.33 * sqrt(15.5125) == pytest.approx(found, abs=1e-3)


def test_progressive_never_has_more_calls_than_agents() -> None:
    """Two agents who wait nearly all the time."""
    assert 2.0 == peak(estimates(hit=0.02, talk_s=5, work_s=0), Mode.PROGRESSIVE, 2)[0]


def test_progressive_seizing_peak_counts_agents_who_have_a_port() -> None:
    """Free or in conversation for 110 of 120 s: 18.333 on average, variance 20 · 11/12 · 1/12 = 1.5278; at most 20."""
    assert (20.0, 20.0) == peak(estimates(), Mode.PROGRESSIVE_SEIZING, 20)
    found = peak(estimates(work_s=60), Mode.PROGRESSIVE_SEIZING, 100)[0]
    share = 110 / 170
    assert 100 * share + 2.33 * sqrt(100 * share * (1 - share)) == pytest.approx(found, abs=1e-3)


def test_predictive_peak() -> None:
    """D = 12.143, p = 0.3, busy for 85 %: 12.143 + 2.33 · 1.25 · 0.85 · √40.476."""
    found = peak(estimates(), Mode.PREDICTIVE, 20)[0]
    assert 12.1429 + 2.33 * 1.0625 * sqrt(12.1429 / 0.3) == pytest.approx(found, abs=1e-3)


def test_predictive_seizing_peak_swings_less_than_its_dialing() -> None:
    """An agent more who is free: 1 / 0.3 calls more, and 60 / 70 of a customer's port less."""
    dialing, talking = 20 * 0.85 / 70 * 50, 20 * 0.85 * 60 / 70
    expected = dialing + talking + 2.33 * 1.0625 * sqrt(dialing / 0.3) * (1 - 0.3 * 60 / 70)
    assert (expected, 20) == pytest.approx(peak(estimates(), Mode.PREDICTIVE_SEIZING, 20), abs=1e-3)


def test_gvp_peak_counts_sessions_that_come_by_chance() -> None:
    dialing, sessions = 20 * 50 / 120, 20 / 120 * 30
    expected = dialing + sessions + 2.33 * sqrt(20 * 5 / 12 * 7 / 12 + sessions)
    assert expected == pytest.approx(peak(estimates(), Mode.PROGRESSIVE_GVP, 20)[0], abs=1e-3)


# --- a list that turns --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREDICTIVE])
@pytest.mark.parametrize("after", [2, 10])
def test_list_that_turns_is_dialed_for_as_it_is_now(mode: Mode, after: int) -> None:
    """From one person in five calls to one in two, or in ten: the need of a group that never knew anything else."""
    learned = estimates()
    for count, one_in in [(5_000, 5), (500 + after // 2, after)]:
        for number in range(1, count + 1):
            at_ms = 12_000 * learned.finished
            learned.attempt_dialed(at_ms)
            learned.attempt_resolved(at_ms, at_ms + 12_000, person=number % one_in == 0)
            learned.follow_turns(at_ms + 12_000)
    assert mean(estimates(hit=1 / after), mode, 20)[0] == pytest.approx(mean(learned, mode, 20)[0], rel=0.08)


# --- what must hold for everybody ---------------------------------------------------------------------------------

LEARNED = st.builds(
    estimates,
    hold_s=st.floats(0, 60),
    hit=st.floats(0, 1),
    talk_s=st.floats(0, 600),
    work_s=st.floats(0, 120),
    busy=st.none() | st.floats(0, 1),
    person_s=st.floats(0, 40),
)
SETTINGS = st.fixed_dictionaries(
    {"multiplier": st.floats(0.1, 15), "queue": st.integers(0, 50), "target": st.floats(0, 1)}
)
AGENTS = st.integers(0, 50_000)


@given(LEARNED, st.sampled_from(Mode), AGENTS, st.integers(0, 5_000), SETTINGS)
def test_more_agents_never_need_less(of: Estimates, mode: Mode, agents: int, more: int, rest: dict[str, float]) -> None:
    less, greater = needed(of, mode, agents / 1_000, **rest), needed(of, mode, (agents + more) / 1_000, **rest)
    assert less.regular_millis <= greater.regular_millis + 1
    assert less.engaging_millis <= greater.engaging_millis


@given(LEARNED, st.sampled_from(Mode), st.integers(-5, 50_000), SETTINGS)
def test_demand_is_whole_and_peaks_are_above_means(
    of: Estimates, mode: Mode, agents: int, rest: dict[str, float]
) -> None:
    found = needed(of, mode, agents / 1_000, **rest)
    assert all(isinstance(each, int) and each >= 0 for each in found)
    assert found.regular_millis <= found.regular_peak_millis
    assert found.engaging_millis <= found.engaging_peak_millis
    assert found.peak_millis == found.regular_peak_millis + found.engaging_peak_millis


@given(st.sampled_from([Mode.PROGRESSIVE, Mode.PREDICTIVE]), AGENTS, st.floats(0, 1), st.floats(0, 1), SETTINGS)
def test_a_better_list_never_needs_more_calls(
    mode: Mode, agents: int, one: float, other: float, rest: dict[str, float]
) -> None:
    worse, better = (estimates(hit=hit) for hit in sorted((one, other)))
    assert needed(better, mode, agents / 1_000, **rest)[0] <= needed(worse, mode, agents / 1_000, **rest)[0]


@given(st.integers(1, 500), st.floats(0.02, 1), st.floats(10, 600), st.floats(1, 30), st.floats(0.001, 0.5))
def test_busy_share_is_a_share(agents: int, hit: float, handle_s: float, person_s: float, target: float) -> None:
    times = {"handle_ms": 1_000 * handle_s, "hold_ms": 17_000.0, "person_ms": 1_000 * person_s}
    found = utilisation(agents, **times, hit=hit, target=target)
    assert 0.0 < found <= 1.0
    assert found <= utilisation(agents + 1, **times, hit=hit, target=target) + 1e-9, "more agents wait less"


# --- in a running dialer ------------------------------------------------------------------------------------------


@pytest.fixture
def ahead() -> Story:
    """A predictive group that dials ahead as soon as it has records. Four agents are ready, none is busy."""
    story = dialing_story(group(1, Mode.PREDICTIVE, agents=4), ports=100, has_records=False)
    learned, odds, budget = story.state.groups[1].estimates, story.state.groups[1].odds, story.state.groups[1].budget
    learned.finished = learned.persons = odds.resolved = odds.persons_seen = 1_000
    odds.first_at_ms, budget.began_at_ms, budget.persons = -1_000_000, 0, 1_000_000
    story.advance(2 * PERIOD_MS)
    assert "" == story.state.groups[1].pace.note
    return story


def samples(story: Story, periods: int = 3) -> float:
    """How often its agents were looked at."""
    learned = story.state.groups[1].estimates
    before = learned.utilisation.weight
    story.advance(periods * PERIOD_MS)
    return learned.utilisation.weight - before


def test_agents_are_looked_at_every_period(ahead: Story) -> None:
    assert 3 == samples(ahead)


def test_waiting_for_ports_is_not_taken_for_less_work(ahead: Story) -> None:
    """Agents idle for want of ports must not make the group ask for fewer."""
    ahead.state.groups[1].estimates.hit_ratio = Mean(0.02, weight=1e9)  # needs more than there is
    need_millis = ahead.group(1).ports.need_millis
    assert need_millis > 1_000 * 4
    ahead.state.pools[SWITCH].ports = 4
    port_shares.share_now(ahead.state, ahead.state.pools[SWITCH])
    ahead.advance(PERIOD_MS)
    assert (0, need_millis) == (samples(ahead), ahead.group(1).ports.need_millis)


def test_progressive_time_of_a_predictive_group_is_not_its_measure(ahead: Story) -> None:
    ahead.state.groups[1].budget.persons = ahead.state.groups[1].budget.lost = 10
    ahead.advance(PERIOD_MS)
    assert ahead.state.groups[1].pace.note
    assert 0 == samples(ahead)


def test_views_show_mean_and_peak(ahead: Story) -> None:
    found = ahead.group(1).ports
    learned = ahead.state.groups[1].estimates
    expected = needed(learned, Mode.PREDICTIVE, 4, target=0.03)
    assert (expected.regular_millis, 0) == (found.need_millis, found.need_engaging_millis)
    assert (expected.peak_millis, 0) == (found.peak_millis, found.peak_engaging_millis)
    assert found.need_millis < found.peak_millis


def test_shared_agents_count_in_part_and_wait_together() -> None:
    groups = group(1, Mode.PROGRESSIVE, agents=4), group(2, Mode.PROGRESSIVE, agents_of=1)
    story = dialing_story(*groups, ports=100, has_records=False)
    both = sum(story.group(number).ports.need_millis for number in (1, 2))
    assert needed(story.state.groups[1].estimates, Mode.PROGRESSIVE, 4).regular_millis == pytest.approx(both, abs=2)
