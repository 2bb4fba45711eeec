"""How many attempts to start: the progressive formula to the letter, and what predictive pacing must never do."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.budget import THRESHOLD_MAX, THRESHOLD_MIN
from outdial.core.modes import DialingMode as Mode
from outdial.core.pacing import (
    PACE_MS,
    PACERS,
    STARTS_PER_DECISION_MAX,
    Situation,
    attempts_to_start,
    pause_ms,
    predictive,
    progressive_form,
)
from outdial.core.risk import HORIZONS, Forecast, Sum, total

PREDICTIVE = [Mode.PREDICTIVE, Mode.PREDICTIVE_SEIZING, Mode.PREDICTIVE_GVP]
PROGRESSIVE = [Mode.PROGRESSIVE, Mode.PROGRESSIVE_SEIZING, Mode.PROGRESSIVE_GVP]


def situation(**changes: int) -> Situation:
    """Nothing and nobody, unless said otherwise."""
    values = {
        "available": 0,
        "waiting": 0,
        "pending": 0,
        "in_progress": 0,
        "multiplier_millis": 1_000,
        "queue_size": 0,
    }
    return Situation(**{**values, **changes})


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

RINGING = (0.03, 0.09, 0.17, 0.24)
"""A call that reaches a person three times in ten."""
TALKING = (0.09, 0.14, 0.19, 0.26)
"""An agent in conversation."""

ROWS = st.lists(
    st.tuples(
        st.integers(1, 15), st.lists(st.floats(0.0, 0.98), min_size=HORIZONS, max_size=HORIZONS).map(sorted).map(tuple)
    ),
    max_size=6,
)
SITUATIONS = st.fixed_dictionaries(
    {
        "free": st.integers(-5, 30),
        "agents": ROWS,
        "persons": ROWS,
        "fresh": st.lists(st.floats(0.0, 0.98), min_size=HORIZONS, max_size=HORIZONS).map(sorted).map(tuple),
        "threshold": st.floats(THRESHOLD_MIN, THRESHOLD_MAX),
        "least": st.integers(0, 20),
        "most": st.integers(0, 40),
    }
)


def started(**changes: object) -> int:
    """Calls of a predictive group with 40 agents in conversation, unless said otherwise."""
    return decided(**changes)[0]


def decided(**changes: object) -> tuple[int, float]:
    """The same, with the risk at which it ended."""
    values = {
        "free": 0,
        "agents": [(40, TALKING)],
        "persons": [],
        "fresh": RINGING,
        "threshold": 0.05,
        "least": 0,
        "most": 200,
        **changes,
    }
    forecast = Forecast(values["free"], total(values["agents"]), total(values["persons"]), values["fresh"])
    return predictive(forecast, values["threshold"], values["least"], values["most"])


def test_predictive_dials_while_agents_talk() -> None:
    assert 10 < started() < 40


def test_predictive_dials_nothing_when_nobody_can_be_free() -> None:
    assert 0 == started(agents=[])
    assert 0 == started(agents=[], free=-3)


def test_predictive_counts_what_is_in_flight() -> None:
    wanted = started()
    assert wanted - 4 == started(persons=[(4, RINGING)])
    assert 0 == started(persons=[(wanted, RINGING)])
    assert 0 == started(persons=[(wanted + 50, RINGING)])


def test_predictive_stops_at_the_first_call_that_risks_too_much() -> None:
    """The call that was not started is the first beyond the threshold."""
    wanted, risk = decided()
    assert risk > 0.05
    before = Forecast(0, total([(40, TALKING)]), total([(wanted - 1, RINGING)]))
    assert before.risk() <= 0.05
    assert risk == pytest.approx(Forecast(0, total([(40, TALKING)]), total([(wanted, RINGING)])).risk())


def test_predictive_is_bolder_with_many_agents() -> None:
    """Calls per agent grow with the group: large sums are more certain."""
    assert started(agents=[(400, TALKING)]) > 1.2 * 10 * started()


def test_free_agents_get_their_calls_whatever_the_risk() -> None:
    hopeless = {"free": -5, "agents": [], "persons": [(50, RINGING)], "threshold": 0.0}
    assert 3 == started(**hopeless, least=3)
    assert 2 == started(**hopeless, least=3, most=2)


def test_risk_is_told_only_if_it_was_asked_for() -> None:
    assert (3, 0.0) == decided(least=3, most=3)
    assert (0, 0.0) == decided(most=0)


@given(SITUATIONS)
def test_predictive_stays_within_least_and_most(values: dict[str, object]) -> None:
    found, risk = decided(**values)
    least, most = values["least"], values["most"]
    assert min(least, most) <= found <= most
    assert 0.0 <= risk <= 1.0
    assert found == most or risk > values["threshold"], "it ends for a reason"


@given(SITUATIONS)
def test_predictive_decides_the_same_again(values: dict[str, object]) -> None:
    assert decided(**values) == decided(**values)


@given(SITUATIONS, st.floats(0.0, 0.4))
def test_predictive_never_dials_less_when_more_risk_is_allowed(values: dict[str, object], more: float) -> None:
    assert started(**values) <= started(**{**values, "threshold": values["threshold"] + more})


@given(SITUATIONS, st.integers(1, 10))
def test_predictive_never_dials_less_for_more_free_agents(values: dict[str, object], more: int) -> None:
    assert started(**values) <= started(**{**values, "free": values["free"] + more})


@given(SITUATIONS, st.integers(1, 10))
def test_predictive_never_dials_less_than_it_must(values: dict[str, object], more: int) -> None:
    assert started(**values) <= started(**{**values, "least": values["least"] + more})
    assert started(**values) <= started(**{**values, "most": values["most"] + more})


@given(SITUATIONS)
def test_started_calls_are_in_the_forecast(values: dict[str, object]) -> None:
    """Who asks twice is not given the same calls twice."""
    values["least"] = 0
    first = started(**values)
    if first < values["most"]:
        assert 0 == started(**{**values, "persons": [*values["persons"], (first, values["fresh"])]})


def test_hundreds_of_calls_are_found_in_twenty_looks() -> None:
    class Counted(Forecast):
        looks = 0

        def risk(self, calls: int = 0) -> float:
            self.looks += 1
            return super().risk(calls)

    forecast = Counted(0, total([(400, TALKING)]), Sum(), tuple(0.1 * chance for chance in RINGING))
    wanted, _ = predictive(forecast, 0.05, 0, 5_000)
    assert 1_000 < wanted < 5_000
    assert forecast.looks <= 25
    assert forecast.risk(wanted - 1) <= 0.05 < forecast.risk(wanted)


def test_nobody_to_wait_for_and_nobody_in_flight() -> None:
    assert 1.0 == Forecast(0, Sum(), Sum()).risk()
    assert 0.0 == Forecast(1, Sum(), Sum()).risk()


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
    assert set(Mode) == {*PACERS, *PREDICTIVE}
    assert PROGRESSIVE == [mode for mode in PACERS if mode in PROGRESSIVE], "what a predictive group falls back to"


def test_predictive_modes_fall_back_to_the_progressive_form_of_their_family() -> None:
    assert PROGRESSIVE == [progressive_form(mode) for mode in PREDICTIVE]
    assert [mode for mode in Mode if mode not in PREDICTIVE] == [
        progressive_form(mode) for mode in Mode if mode not in PREDICTIVE
    ]


@pytest.mark.parametrize("agents, pause", [(0, 0), (3, 3), (10, 40), (30, 360), (50, PACE_MS), (51, PACE_MS)])
def test_forecasts_of_small_groups_follow_every_event(agents: int, pause: int) -> None:
    assert pause == pause_ms(agents)


@given(st.integers(0, 10_000))
def test_bigger_groups_wait_longer_for_a_forecast_and_a_second_at_most(agents: int) -> None:
    assert 0 <= pause_ms(agents) <= pause_ms(agents + 1) <= PACE_MS
