"""Running statistics of a campaign group."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.estimates import (
    HIT_MEMORY,
    MEMORY,
    PRIOR_WEIGHT,
    RATIO_MIN,
    Estimates,
    Mean,
)

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
    learned.attempt_dialed(1_000)
    learned.attempt_dialed(2_000)
    learned.attempt_resolved(2_000, 14_000, person=True)
    learned.attempt_resolved(1_000, 31_000, person=False)
    learned.dialing_ended(20_000)
    assert (2, 1) == (learned.finished, learned.persons)
    assert 12_000 == pytest.approx(learned.person_ms.value), "only persons count here"
    assert 15_000 < learned.hold_ms.value < 20_000
    assert (0.3 * PRIOR_WEIGHT + 1) / (PRIOR_WEIGHT + 2) == pytest.approx(learned.hit_ratio.value)


def test_hit_ratio_is_never_near_zero() -> None:
    assert RATIO_MIN == Estimates(hit_ratio=Mean(0.0)).hit


# --- a list that turns --------------------------------------------------------------------------------------------


def attempts(learned: Estimates, count: int, one_in: int) -> Estimates:
    """Attempts, one after the other, of which every n-th reaches a person."""
    for number in range(1, count + 1):
        at_ms = 12_000 * learned.finished
        learned.attempt_dialed(at_ms)
        learned.attempt_resolved(at_ms, at_ms + 12_000, person=number % one_in == 0)
        learned.follow_turns(at_ms + 12_000)
    return learned


@pytest.mark.parametrize("before, after", [(5, 2), (10, 5), (5, 10), (4, 10)])
def test_list_that_turns_is_followed_within_attempts_not_hours(before: int, after: int) -> None:
    learned = attempts(attempts(Estimates(), 5_000, before), 400 + after // 2, after)
    assert 1 / after == pytest.approx(learned.hit, rel=0.08)
    assert learned.hit_ratio.weight <= 410, "what was before is forgotten"


def test_list_that_stays_is_averaged_for_long() -> None:
    learned = attempts(Estimates(), 20_002, 5)
    assert 0.2 == pytest.approx(learned.hit_ratio.value, rel=0.01)
    assert 0.2 == pytest.approx(learned.hit, rel=0.03), "luck is believed a little"
    assert HIT_MEMORY == learned.hit_ratio.weight
