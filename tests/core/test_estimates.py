"""Running statistics and the port demand that follows from them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.estimates import (
    MEMORY,
    PORTS_PER_AGENT_MAX,
    PRIOR_WEIGHT,
    RATIO_MIN,
    Demand,
    Estimates,
    Mean,
    Spells,
    demand,
)
from outdial.core.modes import DialingMode as Mode


def estimates(
    hold_s: float = 15, hit: float = 0.3, talk_s: float = 60, work_s: float = 10, busy: float = 0.85
) -> Estimates:
    """What a group has learned."""
    return Estimates(
        hold_ms=Mean(1_000.0 * hold_s),
        hit_ratio=Mean(hit),
        talk_ms=Mean(1_000.0 * talk_s),
        work_ms=Mean(1_000.0 * work_s),
        utilisation=Mean(busy),
    )


def ports(of: Estimates, mode: Mode, agents: float, multiplier: float = 1.0, queue: int = 0) -> tuple[float, float]:
    """Demand in ports: (regular, engaging)."""
    found = demand(
        of,
        mode=mode,
        agents_millis=round(1_000 * agents),
        multiplier_millis=round(1_000 * multiplier),
        queue_size=queue,
    )
    return found.regular_millis / 1_000, found.engaging_millis / 1_000


# --- means --------------------------------------------------------------------------------------------------------


def test_mean_starts_at_its_prior_and_leaves_it_soon() -> None:
    mean = Mean(0.3)
    mean.add(1.0)
    assert 0.3 + 0.7 / (PRIOR_WEIGHT + 1) == pytest.approx(mean.value)
    for _ in range(1_000):
        mean.add(1.0)
    assert 1.0 == pytest.approx(mean.value, abs=0.01)


def test_mean_of_few_observations_counts_them_in_full() -> None:
    mean = Mean(10.0)
    for _ in range(50):
        mean.add(20.0)
    assert (10.0 * PRIOR_WEIGHT + 20.0 * 50) / (PRIOR_WEIGHT + 50) == pytest.approx(mean.value)


def test_old_observations_fade() -> None:
    mean = Mean(0.0, weight=float(MEMORY))
    for _ in range(MEMORY):
        mean.add(1.0)
    assert 1 - 1 / math.e == pytest.approx(mean.value, abs=0.01)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_mean_stays_within_what_it_saw(seen: list[float]) -> None:
    mean = Mean(0.5)
    for each in seen:
        mean.add(each)
    assert min([0.5, *seen]) - 1e-9 <= mean.value <= max([0.5, *seen]) + 1e-9


def test_outcomes_are_counted() -> None:
    learned = Estimates()
    learned.attempt_resolved(elapsed_ms=30_000, person=False)
    learned.attempt_resolved(elapsed_ms=12_000, person=True)
    learned.dialing_ended(20_000)
    assert (2, 1) == (learned.finished, learned.persons)
    assert 12_000 == pytest.approx(learned.person_ms.value), "only persons count here"
    assert 15_000 < learned.hold_ms.value < 20_000
    assert (0.3 * PRIOR_WEIGHT + 1) / (PRIOR_WEIGHT + 2) == pytest.approx(learned.hit_ratio.value)


def test_hit_ratio_for_decisions_is_never_near_zero() -> None:
    assert RATIO_MIN == estimates(hit=0.0).hit


# --- how fast agents come back ------------------------------------------------------------------------------------


def test_finished_spells_have_a_mean() -> None:
    spells = Spells(ends=0.0, exposure_ms=0.0)
    for length_ms in (10_000, 20_000, 60_000):
        spells.begin(0)
        spells.end(0, length_ms)
    assert 30_000 == spells.mean_ms(10**9)


def test_spells_that_still_run_count_with_the_time_they_have_lasted() -> None:
    """After 30 s of a shift only the short conversations are over; the long ones are no news of quick agents."""
    spells = Spells(ends=0.0, exposure_ms=0.0)
    for _ in range(10):
        spells.begin(0)
    for _ in range(2):
        spells.end(0, 15_000)
    assert (2 * 15_000 + 8 * 30_000) / 2 == spells.mean_ms(30_000)


def test_spells_start_from_a_prior_and_leave_it_soon() -> None:
    spells = Spells()
    assert 70_000 == spells.mean_ms(0)
    for _ in range(50):
        spells.begin(0)
        spells.end(0, 10_000)
    assert spells.mean_ms(0) < 13_000


def test_old_spells_fade() -> None:
    spells = Spells()
    for length_ms in [100_000] * 1_000 + [10_000] * 2_000:
        spells.begin(0)
        spells.end(0, length_ms)
    assert 10_000 == pytest.approx(spells.mean_ms(0), rel=0.01)
    assert spells.ends <= MEMORY + 1


# --- demand: Little's law -----------------------------------------------------------------------------------------


def test_progressive_agent_waits_for_a_call_and_then_works() -> None:
    """20 agents; a cycle is 1 / 0.3 calls of 15 s one after the other (50 s), then 70 s of work: 20 × 50 / 120."""
    assert (20 * 50 / 120, 0) == pytest.approx(ports(estimates(), Mode.PROGRESSIVE, 20), abs=1e-3)


def test_progressive_multiplier_dials_side_by_side() -> None:
    """Twice the calls at a time halve the wait: 20 agents × (50 s of dialing) / (25 s + 70 s)."""
    assert (20 * 50 / 95, 0) == pytest.approx(ports(estimates(), Mode.PROGRESSIVE, 20, multiplier=2), abs=1e-3)


def test_predictive_keeps_agents_busy() -> None:
    """20 agents busy for 85 % of the time take 20 × 0.85 / 70 persons a second; each costs 50 s of dialing."""
    assert (20 * 0.85 / 70 * 50, 0) == pytest.approx(ports(estimates(), Mode.PREDICTIVE, 20), abs=1e-3)


def test_seizing_holds_the_customer_through_the_conversation_and_a_leg_per_agent() -> None:
    dialing = 20 * 50 / 120
    talking = 20 * 60 / 120
    assert (dialing + talking, 20) == pytest.approx(ports(estimates(), Mode.PROGRESSIVE_SEIZING, 20), abs=1e-3)


def test_seizing_legs_of_shared_agents_count_in_part() -> None:
    assert 2.5 == ports(estimates(), Mode.PREDICTIVE_SEIZING, 2.5)[1]


def test_gvp_holds_the_port_through_the_session() -> None:
    dialing = 20 * 50 / 120
    assert dialing + 20 / 120 * 30 == pytest.approx(ports(estimates(), Mode.PROGRESSIVE_GVP, 20)[0], abs=1e-3)


def test_power_needs_its_queue() -> None:
    assert (12, 0) == ports(estimates(), Mode.POWER_GVP, 0, queue=12)


@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.PUSH_PREVIEW])
def test_preview_needs_nothing(mode: Mode) -> None:
    assert (0, 0) == ports(estimates(), mode, 20)


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.POWER_GVP])
def test_nobody_at_work_needs_nothing(mode: Mode) -> None:
    assert (0, 0) == ports(estimates(), mode, 0)


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREDICTIVE])
def test_bad_list_does_not_ask_for_all_ports(mode: Mode) -> None:
    hopeless = estimates(hit=0.0, talk_s=0, work_s=0)
    assert 4 * PORTS_PER_AGENT_MAX >= ports(hopeless, mode, 4, multiplier=15)[0]


LEARNED = st.builds(
    estimates,
    hold_s=st.floats(0, 60),
    hit=st.floats(0, 1),
    talk_s=st.floats(0, 600),
    work_s=st.floats(0, 120),
    busy=st.floats(0, 1),
)


@given(LEARNED, st.sampled_from(Mode), st.integers(0, 50_000), st.integers(0, 5_000), st.integers(100, 15_000))
def test_more_agents_never_need_less(of: Estimates, mode: Mode, agents: int, more: int, multiplier: int) -> None:
    less, greater = (
        demand(of, mode=mode, agents_millis=millis, multiplier_millis=multiplier, queue_size=3)
        for millis in (agents, agents + more)
    )
    assert less.regular_millis <= greater.regular_millis
    assert less.engaging_millis <= greater.engaging_millis


@given(LEARNED, st.sampled_from(Mode), st.integers(-5, 50_000), st.integers(100, 15_000))
def test_demand_is_whole_and_never_negative(of: Estimates, mode: Mode, agents: int, multiplier: int) -> None:
    found = demand(of, mode=mode, agents_millis=agents, multiplier_millis=multiplier, queue_size=3)
    assert isinstance(found, Demand)
    assert all(isinstance(each, int) and each >= 0 for each in (found.regular_millis, found.engaging_millis))
