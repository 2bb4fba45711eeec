"""How many attempts to start: the progressive formula to the letter, and what predictive pacing must never do."""

import math
import random
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outdial.core.modes import DialingMode as Mode
from outdial.core.pacing import (
    BRAKE_PERSONS_MIN,
    PACERS,
    STARTS_PER_DECISION_MAX,
    Z_LOSSES,
    Z_MAX,
    Z_MIN,
    Z_START,
    Brake,
    Situation,
    attempts_to_start,
    progressive_form,
)

PREDICTIVE = [Mode.PREDICTIVE, Mode.PREDICTIVE_SEIZING, Mode.PREDICTIVE_GVP]
PROGRESSIVE = [Mode.PROGRESSIVE, Mode.PROGRESSIVE_SEIZING, Mode.PROGRESSIVE_GVP]


def situation(**changes: float) -> Situation:
    """Nothing and nobody, unless said otherwise: three of ten calls surely reach a person, after 12 s; 70 s each."""
    values: dict[str, float] = {
        "available": 0,
        "busy": 0,
        "waiting": 0,
        "pending": 0,
        "in_progress": 0,
        "multiplier_millis": 1_000,
        "queue_size": 0,
        "finished": 1_000_000,
        "hit": 0.3,
        "hit_persons": 1e12,
        "horizon_ms": 12_000.0,
        "handle_ms": 70_000.0,
        "z": Z_START,
    }
    return Situation(**{**values, **changes})  # type: ignore[arg-type]


def predictive(**changes: float) -> int:
    """Attempts of a predictive group."""
    return attempts_to_start(Mode.PREDICTIVE, situation(**changes))


# --- progressive --------------------------------------------------------------------------------------------------


def test_printed_example() -> None:
    """M = 0.7, 4 ready, 0 queued, 1 dialed: 0.7 × (4 − 2) = 1.4, so 1."""
    assert 1 == attempts_to_start(Mode.PROGRESSIVE, situation(multiplier_millis=700, available=4, pending=1))


@pytest.mark.parametrize(
    "multiplier_millis, available, waiting, pending, expected",
    [
        (1_000, 0, 0, 0, 0),
        (1_000, 5, 0, 0, 5),
        (1_000, 5, 2, 0, 3),
        (1_000, 5, 0, 5, 0),
        (1_000, 5, 3, 4, 0),
        (1_000, 0, 9, 9, 0),
        (2_000, 5, 0, 0, 10),
        (2_000, 5, 0, 1, 8),
        (2_000, 5, 0, 2, 8),
        (2_000, 5, 0, 3, 6),
        (500, 5, 0, 0, 2),
        (500, 5, 0, 1, 1),
        (500, 5, 0, 2, 0),
        (100, 9, 0, 0, 0),
        (100, 10, 0, 0, 1),
        (1_500, 3, 0, 0, 4),
        (1_500, 3, 0, 1, 3),
        (15_000, 2, 0, 0, 30),
    ],
)
def test_progressive_formula(multiplier_millis: int, available: int, waiting: int, pending: int, expected: int) -> None:
    for mode in PROGRESSIVE:
        assert expected == attempts_to_start(
            mode,
            situation(multiplier_millis=multiplier_millis, available=available, waiting=waiting, pending=pending),
        )


@given(st.integers(100, 15_000), st.integers(0, 200), st.integers(0, 50), st.integers(0, 400))
def test_progressive_formula_in_fractions(multiplier_millis: int, available: int, waiting: int, pending: int) -> None:
    m = Fraction(multiplier_millis, 1_000)
    expected = max(0, math.floor(m * (available - waiting - math.ceil(pending / m))))
    found = attempts_to_start(
        Mode.PROGRESSIVE,
        situation(multiplier_millis=multiplier_millis, available=available, waiting=waiting, pending=pending),
    )
    assert min(expected, STARTS_PER_DECISION_MAX) == found


@given(st.integers(100, 15_000), st.integers(0, 50))
def test_progressive_never_has_more_calls_in_flight_than_the_multiplier_allows(
    multiplier_millis: int, available: int
) -> None:
    pending = 0
    for _ in range(3):
        pending += attempts_to_start(
            Mode.PROGRESSIVE, situation(multiplier_millis=multiplier_millis, available=available, pending=pending)
        )
    assert 1_000 * pending <= multiplier_millis * available


# --- predictive ---------------------------------------------------------------------------------------------------


def test_predictive_dials_more_than_progressive_when_agents_come_free() -> None:
    assert predictive(available=5, busy=40) > 5


@pytest.mark.parametrize("mode", PREDICTIVE)
def test_predictive_dials_at_least_one_call_per_free_agent(mode: Mode) -> None:
    assert attempts_to_start(mode, situation(available=3, hit=1.0, z=Z_MAX)) == 3


def test_first_calls_in_flight_count_against_the_next() -> None:
    all_at_once = predictive(available=10, busy=30)
    assert all_at_once - 4 == predictive(available=10, busy=30, pending=4)
    assert 0 == predictive(available=10, busy=30, pending=all_at_once)
    assert 0 == predictive(available=10, busy=30, pending=all_at_once + 50)


SITUATIONS = st.fixed_dictionaries(
    {
        "available": st.integers(0, 200),
        "busy": st.integers(0, 500),
        "waiting": st.integers(0, 20),
        "pending": st.integers(0, 500),
        "finished": st.integers(50, 10_000),
        "hit": st.floats(0.02, 1.0),
        "hit_persons": st.floats(1, 1e6),
        "horizon_ms": st.floats(0, 60_000),
        "handle_ms": st.floats(1, 600_000),
        "z": st.one_of(st.floats(Z_MIN, Z_MAX), st.sampled_from([Z_MIN, 0.0, Z_START, Z_MAX])),
    }
)


ROUNDING = {
    "available": 0,
    "busy": 20,
    "waiting": 0,
    "pending": 0,
    "hit": 0.3,
    "horizon_ms": 12_000.0,
    "handle_ms": 70_000.0,
    "z": 0.0,
}
"""With z = 0 the discriminant is 0 in theory and just below in floats."""


@given(SITUATIONS)
def test_predictive_is_never_negative_and_bounded(values: dict[str, float]) -> None:
    assert 0 <= predictive(**values) <= STARTS_PER_DECISION_MAX


@pytest.mark.parametrize("z", [Z_MIN, -1.0, 0.0, 1.0, Z_MAX])
@pytest.mark.parametrize("hit", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("waiting", [0, 3])
def test_predictive_dials_nothing_when_nobody_can_be_free(z: float, hit: float, waiting: int) -> None:
    assert 0 == predictive(available=0, busy=0, waiting=waiting, z=z, hit=hit)


@given(SITUATIONS, st.integers(1, 20))
@example(ROUNDING, 1)
def test_predictive_never_dials_less_for_more_available_agents(values: dict[str, float], more: int) -> None:
    assert predictive(**values) <= predictive(**{**values, "available": values["available"] + more})


@given(SITUATIONS, st.floats(0, 3))
def test_predictive_never_dials_more_when_the_brake_is_tighter(values: dict[str, float], tighter: float) -> None:
    assert predictive(**values) >= predictive(**{**values, "z": min(Z_MAX, values["z"] + tighter)})


@given(SITUATIONS, st.integers(1, 20))
def test_predictive_never_dials_more_when_more_persons_wait(values: dict[str, float], more: int) -> None:
    assert predictive(**values) >= predictive(**{**values, "waiting": values["waiting"] + more})


@pytest.mark.parametrize("available, busy, hit", [(20, 100, 0.2), (5, 40, 0.4), (50, 300, 0.1), (0, 80, 0.3)])
def test_predictive_bound_keeps_persons_without_an_agent_rare(available: int, busy: int, hit: float) -> None:
    """P(A > F) with z = 2, in 400 draws of both sums: about 2 %, never 6."""
    luck = random.Random(7)
    calls = predictive(available=available, busy=busy, hit=hit, z=2.0)
    soon = 1.0 - math.exp(-12_000 / 70_000)
    over = 0
    for _ in range(400):
        persons = sum(luck.random() < hit for _ in range(calls))
        free = available + sum(luck.random() < soon for _ in range(busy))
        over += persons > free
    assert over / 400 < 0.06


def test_predictive_is_bolder_with_many_agents() -> None:
    """Calls per agent grow with the group: large sums are more certain."""
    small, large = predictive(available=2, busy=8), predictive(available=20, busy=80)
    assert large > 10 * small


def test_predictive_is_careful_while_the_hit_ratio_rests_on_few_persons() -> None:
    counts = [predictive(available=50, busy=200, hit_persons=persons) for persons in (5.0, 20.0, 100.0, 1e6)]
    assert sorted(counts) == counts
    assert counts[0] < counts[-1]


def test_calls_in_flight_at_most_double_what_is_known() -> None:
    assert 60 == predictive(available=20, busy=200, finished=60)
    assert 20 == predictive(available=20, busy=200, finished=5), "a call for every free agent is safe"


@pytest.mark.parametrize("persons, fewer", [(1e6, 100), (100, 20), (20, 5), (5, 2)])
def test_predictive_is_careful_about_a_hit_ratio_that_rests_on_few_persons(persons: float, fewer: float) -> None:
    sure, doubtful = (predictive(available=20, busy=200, hit_persons=number) for number in (persons, fewer))
    assert sure > doubtful


@given(SITUATIONS, st.floats(0.1, 1.0))
def test_doubt_never_makes_predictive_bolder(values: dict[str, float], share: float) -> None:
    less = {**values, "hit_persons": max(1.0, share * values["hit_persons"])}
    assert predictive(**values) >= predictive(**less)


def test_free_agents_get_their_calls_however_little_is_known() -> None:
    assert 40 == predictive(available=40, busy=0, finished=10, hit_persons=1.0)


# --- the brake ----------------------------------------------------------------------------------------------------


def test_lost_person_tightens_the_brake_more_than_a_served_one_loosens_it() -> None:
    brake = Brake(0.03)
    brake.person(lost=True, mono_ms=0)
    assert Z_START + 0.97 / Z_LOSSES == pytest.approx(brake.z)
    brake.person(lost=False, mono_ms=60_000)
    assert Z_START + (0.97 - 0.03) / Z_LOSSES == pytest.approx(brake.z)


def test_one_person_of_many_a_second_moves_the_brake_little() -> None:
    """A big group sees the effect of a change only hundreds of persons later."""
    brake = Brake(0.03)
    for second in range(600):
        for _ in range(10):
            brake.person(lost=False, mono_ms=1_000 * second)
    before = brake.z
    brake.person(lost=True, mono_ms=600_000)
    assert brake.z - before == pytest.approx(0.97 / (0.03 * 600_000 / 100), rel=0.1)


@pytest.mark.parametrize("target", [0.01, 0.04, 0.1, 0.5])
def test_brake_rests_where_the_share_meets_the_target(target: float) -> None:
    """One lost person in 1 / target moves it nowhere."""
    brake = Brake(target)
    brake.person(lost=True, mono_ms=0)
    for number in range(1, round(1 / target)):
        brake.person(lost=False, mono_ms=10_000 * number)
    assert Z_START == pytest.approx(brake.z)


def test_brake_stays_in_its_range() -> None:
    tight, loose = Brake(0.03), Brake(0.03)
    for number in range(3_000):
        tight.person(lost=True, mono_ms=60_000 * number)
        loose.person(lost=False, mono_ms=60_000 * number)
    assert (Z_MAX, Z_MIN) == (tight.z, loose.z)


def test_brake_suspends_predictive_dialing_beyond_twice_the_target() -> None:
    brake = Brake(0.05)
    for number in range(BRAKE_PERSONS_MIN - 1):
        brake.person(lost=number < 3, mono_ms=1_000 * number)
        assert not brake.is_on, "too few persons to judge"
    brake.person(lost=False, mono_ms=100_000)
    assert (True, 150) == (brake.is_on, brake.share_millis)
    while brake.is_on:
        brake.person(lost=False, mono_ms=100_000)
    assert brake.share <= 0.1


def test_tighter_brake_dials_less() -> None:
    counts = [predictive(available=10, busy=50, z=z) for z in (-1.0, 0.5, 1.0, 2.0, 3.0)]
    assert sorted(counts, reverse=True) == counts
    assert counts[0] > counts[-1]


# --- the others ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_progress, expected", [(0, 8), (3, 5), (8, 0), (12, 0)])
def test_power_fills_its_queue(in_progress: int, expected: int) -> None:
    assert expected == attempts_to_start(Mode.POWER_GVP, situation(queue_size=8, in_progress=in_progress))


@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.PUSH_PREVIEW])
def test_preview_leaves_it_to_the_agents(mode: Mode) -> None:
    assert 0 == attempts_to_start(mode, situation(available=99))


def test_one_decision_has_a_bound() -> None:
    assert STARTS_PER_DECISION_MAX == attempts_to_start(Mode.POWER_GVP, situation(queue_size=10**6))


def test_every_mode_has_its_pacing() -> None:
    assert set(Mode) == set(PACERS)


def test_predictive_modes_fall_back_to_the_progressive_form_of_their_family() -> None:
    assert PROGRESSIVE == [progressive_form(mode) for mode in PREDICTIVE]
    assert [mode for mode in Mode if mode not in PREDICTIVE] == [
        progressive_form(mode) for mode in Mode if mode not in PREDICTIVE
    ]
