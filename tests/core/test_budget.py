"""The account of abandoned persons, and the threshold that it steers."""

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.budget import (
    BUNCH_MS,
    BURST_CALLS,
    BURST_FACTOR,
    LEAST,
    MARGIN,
    MARGIN_MS,
    MOST,
    PROJECTION_MS_MIN,
    SPENT_CALLS,
    START,
    THRESHOLD_MAX,
    THRESHOLD_MIN,
    WINDOW_MS,
    Budget,
)
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

TARGET = 0.03


def served(budget: Budget, persons: int, *, from_ms: Millis = 0, every_ms: Millis = SECOND_MS) -> Millis:
    """Persons who find an agent, one after the other. Returns when the next would."""
    for number in range(persons):
        budget.person(lost=False, mono_ms=from_ms + number * every_ms)
    return from_ms + persons * every_ms


def day(
    budget: Budget, loses: Callable[[float], float], *, every_ms: Millis, hours: float = 8.0, seed: int = 1
) -> list[float]:
    """A day in which a person is lost with a chance that follows the threshold. Returns the thresholds."""
    luck, thresholds = random.Random(seed), []
    for at_ms in range(0, round(hours * 60 * MINUTE_MS), every_ms):
        thresholds.append(budget.threshold)
        budget.person(lost=luck.random() < min(1.0, loses(budget.threshold)), mono_ms=at_ms)
    return thresholds


# --- what it comes to ---------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("bias", [0.3, 1.0, 3.0], ids=["forecasts too dark", "right", "too bright"])
@pytest.mark.parametrize("target", [0.01, TARGET, 0.1])
def test_day_ends_on_target_whatever_the_forecasts_get_wrong(target: float, bias: float) -> None:
    """Three persons every two seconds."""
    budget = Budget(target)
    day(budget, lambda threshold: bias * threshold, every_ms=667)
    assert budget.lost / budget.persons == pytest.approx(target, rel=0.12)
    assert budget.lost / budget.persons < target * 1.02


@pytest.mark.parametrize("seed", range(4))
def test_small_group_ends_its_day_on_target_too(seed: int) -> None:
    """A person every 20 s: 43 may be lost in a day."""
    budget = Budget(TARGET)
    day(budget, lambda threshold: threshold, every_ms=20 * SECOND_MS, seed=seed)
    assert 0.6 * TARGET < budget.lost / budget.persons <= 1.05 * TARGET


def test_threshold_rests_where_the_target_is_met() -> None:
    """It neither drifts nor swings: the second half of a day is like the last quarter."""
    thresholds = day(Budget(TARGET), lambda threshold: threshold / 2.0, every_ms=SECOND_MS)
    half, quarter = thresholds[len(thresholds) // 2 :], thresholds[3 * len(thresholds) // 4 :]
    assert 2.0 * TARGET == pytest.approx(sum(half) / len(half), rel=0.2)
    assert 2.0 * TARGET == pytest.approx(sum(quarter) / len(quarter), rel=0.25)


def test_steps_balance_where_the_share_is_met() -> None:
    """One lost in 1 / target moves the threshold nowhere, once the account is even."""
    budget = Budget(TARGET)
    now_ms = served(budget, 20_000)
    kept = MARGIN * math.sqrt(TARGET * MARGIN_MS / SECOND_MS * math.sqrt(BUNCH_MS / SECOND_MS))
    budget.lost = round(TARGET * budget.persons - kept)
    before = budget.threshold
    for number in range(100):
        budget.person(lost=number in (10, 40, 70), mono_ms=now_ms + number * SECOND_MS)
    assert before == pytest.approx(budget.threshold, rel=0.05)


# --- steps --------------------------------------------------------------------------------------------------------


def test_new_group_begins_below_its_target() -> None:
    assert START * TARGET == pytest.approx(Budget(TARGET).threshold)
    assert (0, 0, 0) == (Budget(TARGET).persons, Budget(TARGET).lost, Budget(TARGET).recent_millis)


def test_lost_person_lowers_the_threshold_by_far_more_than_a_served_one_raises_it() -> None:
    budget = Budget(TARGET)
    now_ms = served(budget, 100)
    before = budget.threshold
    budget.person(lost=False, mono_ms=now_ms)
    up = math.log(budget.threshold / before)
    before = budget.threshold
    budget.person(lost=True, mono_ms=now_ms + SECOND_MS)
    down = math.log(budget.threshold / before)
    assert down < 0.0 < up
    assert -down > up * (1.0 / (MOST * TARGET) - 1.0) * 0.9


def test_one_person_of_many_a_second_moves_the_threshold_little() -> None:
    """A big group sees the effect of a change only hundreds of persons later."""
    moves = []
    for every_ms in (100, 10 * SECOND_MS):
        budget = Budget(TARGET)
        now_ms = served(budget, 600, every_ms=every_ms)
        before = budget.threshold
        budget.person(lost=True, mono_ms=now_ms)
        moves.append(-math.log(budget.threshold / before))
    assert moves[0] < 0.2 * moves[1]


@pytest.mark.parametrize("lost_before, least, most", [(0, 1.0, MOST), (60, LEAST, 1.0)], ids=["surplus", "debt"])
def test_surplus_raises_and_debt_lowers_what_is_steered_for(lost_before: int, least: float, most: float) -> None:
    """At which share of lost persons from here on does the threshold rest? Between bounds of the target."""
    budget = Budget(TARGET)
    now_ms = served(budget, 1_000)
    budget.lost = lost_before
    per_ms = 1 / SECOND_MS
    share = budget._allowed(now_ms, per_ms) / TARGET
    assert least <= share <= most
    assert share != pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    "persons_per_hour, parts", [(20, 4), (150, 6), (400, 10), (1_500, 10), (4_000, 20), (40_000, 200)]
)
def test_lost_person_moves_the_threshold_further_where_few_are_lost(persons_per_hour: int, parts: int) -> None:
    budget = Budget(TARGET, persons=8 * persons_per_hour, lost=0, began_at_ms=0)
    before, now_ms = budget.log_factor, 8 * 60 * MINUTE_MS - 1
    budget.lost = round(TARGET * budget.persons)
    budget.person(lost=True, mono_ms=now_ms)
    assert 1 / parts == pytest.approx(before - budget.log_factor, rel=0.05)


@pytest.mark.parametrize("persons_per_hour, kept", [(40, 1.0), (300, 2.449), (800, 5.112), (20_000, 57.14)])
def test_more_is_kept_back_where_more_is_lost(persons_per_hour: int, kept: float) -> None:
    """The account is even: what is steered for is below the target by what is kept back, over the next two hours.

    300 an hour: 1.5 lost in ten minutes, one at a time. 20,000: 100, in bunches of eight.
    """
    budget = Budget(TARGET, persons=100_000, lost=3_000, began_at_ms=0)
    per_ms = persons_per_hour / (60 * MINUTE_MS)
    assert kept == pytest.approx((TARGET - budget._allowed(0, per_ms)) * 2 * persons_per_hour, rel=1e-3)


@given(st.integers(0, 2_000), st.integers(0, 2_000), st.integers(0, WINDOW_MS - 1), st.floats(0.001, 1.0))
def test_what_is_steered_for_has_bounds(persons: int, lost: int, now_ms: Millis, target: float) -> None:
    budget = Budget(target, persons=persons, lost=min(lost, persons), began_at_ms=0)
    assert LEAST * target * 0.999 <= budget._allowed(now_ms, 0.001) <= MOST * target * 1.001


@given(
    st.just(0.0) | st.floats(0.001, 1.0), st.lists(st.tuples(st.booleans(), st.integers(0, MINUTE_MS)), max_size=200)
)
def test_threshold_stays_in_its_range(target: float, fates: list[tuple[bool, int]]) -> None:
    budget, now_ms = Budget(target), 0
    for lost, wait_ms in fates:
        now_ms += wait_ms
        budget.person(lost=lost, mono_ms=now_ms)
        assert target == 0.0 or 0.999 * min(THRESHOLD_MIN, START * target) <= budget.threshold
        assert budget.threshold <= max(1.001 * THRESHOLD_MAX, START * target)
        assert 0 <= budget.lost <= budget.persons
        assert 0 <= budget.recent_millis <= 1_000


def test_ends_of_the_range() -> None:
    low, high = Budget(TARGET), Budget(TARGET)
    for number in range(6_000):
        low.person(lost=True, mono_ms=number * MINUTE_MS)
        high.person(lost=False, mono_ms=number * MINUTE_MS)
    assert THRESHOLD_MIN == pytest.approx(low.threshold)
    assert THRESHOLD_MAX == pytest.approx(high.threshold)


# --- the account --------------------------------------------------------------------------------------------------


def test_budget_is_spent_when_one_more_would_break_the_target() -> None:
    budget = Budget(TARGET)
    now_ms = served(budget, 1_000, every_ms=WINDOW_MS // 2_000)  # half a window: 2 000 are expected, 60 may be lost
    for lost, is_spent in [(0, False), (58, False), (61, True), (100, True)]:
        budget.lost = lost
        assert is_spent == budget.is_spent(now_ms)


def test_persons_expected_later_lend_what_they_allow() -> None:
    """100 persons in ten minutes: 4 800 in the window."""
    budget = Budget(TARGET, persons=100, lost=10, began_at_ms=0)
    assert not budget.is_spent(10 * MINUTE_MS)
    assert budget.is_spent(3 * 60 * MINUTE_MS), "but fewer came than that"


def test_persons_expected_later_do_not_lend_without_limit() -> None:
    budget = Budget(TARGET, persons=100, lost=0, began_at_ms=0)
    limit = int(BURST_FACTOR * TARGET * 100) + BURST_CALLS
    for lost, is_overrun in [(limit, False), (limit + 1, True)]:
        budget.lost = lost
        assert is_overrun == budget.is_overrun
        assert not budget.is_spent(10 * MINUTE_MS), "not by what is expected"


@pytest.mark.parametrize("persons, lost", [(1_000, 60), (8_000, 480)])
def test_spent_budget_risks_half_a_call_in_a_whole_window(persons: int, lost: int) -> None:
    budget = Budget(TARGET, persons=persons, lost=lost - 2, began_at_ms=0)
    half_ms = WINDOW_MS // 2  # twice the persons are expected
    assert budget.threshold == budget.risk_max(half_ms)
    budget.lost = lost
    assert SPENT_CALLS == pytest.approx(budget.risk_max(half_ms) * 2 * persons)
    assert budget.risk_max(half_ms) < 0.02 * budget.threshold


def test_spent_budget_never_risks_more_than_it_did() -> None:
    """Five persons an hour: half a call on forty of them would be more than is steered for."""
    budget = Budget(TARGET, persons=20, lost=1, began_at_ms=0)
    budget.resume(math.log(0.1))
    assert budget.is_spent(WINDOW_MS // 2) and budget.threshold == budget.risk_max(WINDOW_MS // 2)


def test_first_persons_are_not_taken_for_thousands() -> None:
    budget = Budget(TARGET, persons=2, lost=2, began_at_ms=0)
    assert budget.is_spent(100) == budget.is_spent(PROJECTION_MS_MIN)


@pytest.mark.parametrize("target, persons", [(TARGET, 0), (0.02, 2), (0.01, 3)])
def test_group_that_knows_its_calls_need_not_wait_for_answers(target: float, persons: int) -> None:
    """Nobody yet is taken for one person in ten minutes: under a lower target that is not enough to lose one."""
    budget = Budget(target)
    for number in range(persons):
        assert budget.is_spent(number)
        budget.person(lost=False, mono_ms=number)
    assert not budget.is_spent(persons)


def test_window_begins_anew_when_it_is_over() -> None:
    budget = Budget(TARGET)
    for number in range(50):
        budget.person(lost=number % 2 == 0, mono_ms=1_000 + number)
    assert budget.is_spent(WINDOW_MS)
    threshold = budget.threshold
    budget.person(lost=False, mono_ms=1_000 + WINDOW_MS)
    assert (1, 0, 1_000 + WINDOW_MS) == (budget.persons, budget.lost, budget.began_at_ms)
    assert not budget.is_spent(1_000 + WINDOW_MS)
    assert threshold == pytest.approx(budget.threshold, rel=0.1), "what was learned about the forecasts is kept"


def test_window_begins_with_the_first_person_and_not_with_the_clock() -> None:
    budget = Budget(TARGET)
    budget.person(lost=False, mono_ms=7 * WINDOW_MS)
    budget.person(lost=True, mono_ms=8 * WINDOW_MS - 1)
    assert (2, 1) == (budget.persons, budget.lost)


def test_recent_share_forgets() -> None:
    budget = Budget(TARGET)
    for _ in range(10):
        budget.person(lost=True, mono_ms=0)
    assert 1_000 == budget.recent_millis
    served(budget, 2_000)
    assert budget.recent_millis < 10


# --- not steered --------------------------------------------------------------------------------------------------


def test_threshold_does_not_rise_while_something_else_holds_the_group_back() -> None:
    """Nobody is lost when nobody is called: that says nothing about the forecasts."""
    budget = Budget(TARGET)
    budget.is_held_back = True
    before = budget.threshold
    now_ms = served(budget, 500)
    assert before == budget.threshold
    budget.person(lost=True, mono_ms=now_ms)
    assert budget.threshold < before, "a lost person counts all the same"
    budget.is_held_back = False
    held = budget.threshold
    served(budget, 50, from_ms=now_ms)
    assert budget.threshold > held
    assert (551, 1) == (budget.persons, budget.lost)


def test_threshold_does_not_rise_above_the_target_while_the_budget_is_spent() -> None:
    """It is not what limits the risk then; the next window would begin with one that was never tried."""
    budget = Budget(TARGET, persons=1_000, lost=60, began_at_ms=0)
    served(budget, 900, from_ms=WINDOW_MS - 1_000 * SECOND_MS)
    assert TARGET == pytest.approx(budget.threshold, rel=0.01)
    budget.lost = 0
    served(budget, 50, from_ms=WINDOW_MS - 100 * SECOND_MS)
    assert budget.threshold > 1.1 * TARGET


def test_target_of_nobody_allows_no_risk() -> None:
    budget = Budget(0.0)
    served(budget, 100)
    assert (0.0, True) == (budget.threshold, budget.is_spent(10**6))
    budget.person(lost=True, mono_ms=0)
    assert (0.0, 101, 1) == (budget.threshold, budget.persons, budget.lost)


def test_new_target_counts_at_once() -> None:
    budget = Budget(0.01)
    served(budget, 10)
    factor = budget.threshold / 0.01
    budget.target = 0.05
    assert 0.05 * factor == pytest.approx(budget.threshold)
