"""Other aims than the overdial rate: each steers its own threshold, and never above what the budget allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.aims import LOG_MAX, LOG_MIN, STEP, Aim, AimKind
from outdial.core.units import SECOND_MS

CEILING = 1.0


def watched(aim: Aim, free: int, busy: int, minutes: int = 10) -> float:
    """The threshold after some minutes with the same agents free and busy."""
    for number in range(minutes * 12):
        aim.sample(free, busy, number * 5 * SECOND_MS)
    return aim.threshold(CEILING)


def test_overdial_rate_takes_what_the_budget_allows():
    assert 0.05 == Aim().threshold(0.05)


@pytest.mark.parametrize("kind", [kind for kind in AimKind if kind is not AimKind.OVERDIAL_RATE])
def test_no_aim_goes_beyond_the_budget(kind):
    assert 0.001 == Aim(kind, 1.0).threshold(0.001)


@pytest.mark.parametrize(
    "kind, value, busy",
    [
        (AimKind.OVERDIAL_RATE, 0.0, 1.0),
        (AimKind.BUSY_FACTOR, 0.7, 0.7),
        (AimKind.WAITING_TIME, 30_000.0, 0.7),
        (AimKind.DISTRIBUTION_TIME, 1_000.0, 1.0),
    ],
)
def test_aim_says_how_busy_agents_are_to_be(kind, value, busy):
    """With conversations of 70 s, after-call work included."""
    assert busy == pytest.approx(Aim(kind, value).busy_max(70_000.0))


def test_busy_factor_dials_more_while_agents_are_idle_and_less_while_they_are_too_busy():
    start = Aim(AimKind.BUSY_FACTOR, 0.8).threshold(CEILING)
    assert watched(Aim(AimKind.BUSY_FACTOR, 0.8), free=5, busy=5) > start
    assert watched(Aim(AimKind.BUSY_FACTOR, 0.8), free=0, busy=10) < start
    assert start == pytest.approx(watched(Aim(AimKind.BUSY_FACTOR, 0.8), free=2, busy=8))


@pytest.mark.parametrize("free, is_more", [(4, True), (1, False)])
def test_waiting_time_is_idle_time_per_conversation(free, is_more):
    aim = Aim(AimKind.WAITING_TIME, 20.0 * SECOND_MS)
    start = aim.threshold(CEILING)
    for number in range(200):  # a conversation every ten seconds: one agent free is a wait of 10 s, four are 40 s
        aim.sample(free, 10, number * 10 * SECOND_MS)
        aim.served(0)
    assert is_more is (aim.threshold(CEILING) > start)


@pytest.mark.parametrize("wait_ms, is_more", [(0, True), (2_000, False)])
def test_distribution_time_is_the_persons_wait(wait_ms, is_more):
    aim = Aim(AimKind.DISTRIBUTION_TIME, 500.0)
    start = aim.threshold(CEILING)
    for _ in range(20):
        aim.served(wait_ms)
    assert is_more is (aim.threshold(CEILING) > start)


def test_changed_aim_goes_on_from_where_the_threshold_is():
    aim = Aim(AimKind.DISTRIBUTION_TIME, 500.0)
    for _ in range(20):
        aim.served(0)
    before = aim.threshold(CEILING)
    aim.change(AimKind.BUSY_FACTOR, 0.7)
    assert before == aim.threshold(CEILING)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 10_000)), max_size=200))
def test_steps_and_range_are_bounded(happenings):
    for kind in AimKind:
        aim, now_ms = Aim(kind, 0.5), 0
        for free, busy, wait_ms in happenings:
            before = aim._log
            now_ms += 5 * SECOND_MS
            aim.sample(free, busy, now_ms)
            aim.served(wait_ms)
            assert abs(aim._log - before) <= 2 * STEP + 1e-12
            assert LOG_MIN <= aim._log <= LOG_MAX
