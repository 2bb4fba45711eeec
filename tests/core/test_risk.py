"""The chance of finding nobody, against the exact convolution of all yes/no outcomes."""

import itertools
import math
import random
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from outdial.core.risk import HALF, HORIZONS, MANY, Forecast, Sum, binomial, nobody_free, nobody_free_of_many, total

FEW = 0.03
"""Largest error of a risk, whatever the chances: of a handful of very unequal ones."""
SEVERAL = 0.015
"""Largest error when agents and persons together vary by at least one (variance 1)."""
OF_INTEREST = 0.005, 0.2
"""Range of the risk in which thresholds lie: there its share counts, too."""
RELATIVE = 0.2
"""Largest relative error there, for a variance of at least two."""
OF_MANY = 0.003
"""Largest error of the normal form, for a variance above `MANY`."""
OF_MANY_RELATIVE = 0.12
"""The same relative to a risk where thresholds lie."""

CHANCES = st.lists(st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 0.02, 0.5, 0.95, 1.0])), max_size=30)
FREE = st.integers(-3, 8)


def exact(chances: Sequence[float]) -> list[float]:
    """Chances of 0, 1, 2, … successes: the convolution of all outcomes."""
    found = [1.0]
    for chance in chances:
        found = [(1.0 - chance) * a + chance * b for a, b in zip([*found, 0.0], [0.0, *found], strict=True)]
    return found


def exact_risk(free: int, agents: Sequence[float], persons: Sequence[float]) -> float:
    """P(persons − agents ≥ free)."""
    of_agents, of_persons = exact(agents), exact(persons)
    return sum(chance * sum(of_persons[max(0, free + number) :]) for number, chance in enumerate(of_agents))


def sum_of(chances: Sequence[float]) -> Sum:
    """Outcomes whose chances are the same at every horizon."""
    return total((1, [chance] * HORIZONS) for chance in chances)


def risk(free: int, agents: Sequence[float], persons: Sequence[float]) -> float:
    """As the pacer asks for it."""
    return Forecast(free, sum_of(agents), sum_of(persons)).risk()


def variance(*chances: float) -> float:
    """Of the sum of independent outcomes."""
    return sum(chance * (1.0 - chance) for chance in chances)


# --- few ----------------------------------------------------------------------------------------------------------


@given(FREE, CHANCES, CHANCES)
def test_risk_is_near_the_exact_convolution(free: int, agents: list[float], persons: list[float]) -> None:
    expected, found = exact_risk(free, agents, persons), risk(free, agents, persons)
    assert expected == pytest.approx(found, abs=SEVERAL if variance(*agents, *persons) >= 1.0 else FEW)


@given(FREE, CHANCES, CHANCES)
def test_risk_has_the_right_size_where_thresholds_lie(free: int, agents: list[float], persons: list[float]) -> None:
    expected = exact_risk(free, agents, persons)
    if variance(*agents, *persons) >= 2.0 and OF_INTEREST[0] <= expected <= OF_INTEREST[1]:
        assert expected == pytest.approx(risk(free, agents, persons), rel=RELATIVE)


def test_risk_of_ordinary_groups_is_within_a_few_hundredths_of_itself() -> None:
    """30 busy agents and 60 calls, most of which ring and some of which are in detection."""
    luck = random.Random(5)
    seen = 0
    for _ in range(200):
        agents = [0.6 * luck.random() for _ in range(30)]
        persons = [0.35 * luck.random() for _ in range(55)] + [luck.uniform(0.3, 0.98) for _ in range(5)]
        free = round(sum(persons) - sum(agents) + 5.0 * luck.random())
        expected = exact_risk(free, agents, persons)
        if OF_INTEREST[0] <= expected <= OF_INTEREST[1]:
            seen += 1
            assert expected == pytest.approx(risk(free, agents, persons), rel=0.05)
    assert seen > 50


@given(st.integers(0, 40), st.floats(0.01, HALF), st.integers(0, 40), st.floats(0.01, HALF), FREE)
def test_equal_chances_are_exact(agents: int, soon: float, calls: int, hit: float, free: int) -> None:
    assume(variance(*[soon] * agents, *[hit] * calls) < MANY)
    assert exact_risk(free, [soon] * agents, [hit] * calls) == pytest.approx(
        risk(free, [soon] * agents, [hit] * calls), abs=1e-6
    )


@given(st.integers(0, 60), st.floats(0.001, HALF))
def test_binomial_of_equal_chances_is_the_binomial(count: int, chance: float) -> None:
    found, expected = binomial(count * chance, count * chance * chance), exact([chance] * count)
    assert expected[: len(found)] == pytest.approx(found, abs=1e-9)
    assert sum(expected[len(found) :]) < 1e-8, "what is beyond is negligible"


@given(st.lists(st.floats(0.0, HALF), max_size=60))
def test_binomial_has_the_mean_of_the_sum(chances: list[float]) -> None:
    found = binomial(sum(chances), sum(chance * chance for chance in chances))
    assert 1.0 == pytest.approx(sum(found), abs=0.02)
    assert sum(chances) == pytest.approx(sum(number * chance for number, chance in enumerate(found)), abs=0.05)


@given(FREE, st.lists(st.sampled_from([0.0, 1.0]), max_size=12), st.lists(st.sampled_from([0.0, 1.0]), max_size=12))
def test_what_is_certain_is_counted(free: int, agents: list[float], persons: list[float]) -> None:
    assert float(sum(persons) - sum(agents) >= free) == pytest.approx(risk(free, agents, persons), abs=1e-6)


@pytest.mark.parametrize("agents, persons", [([], []), ([0.5], []), ([], [0.5]), ([0.4] * 20, [0.4] * 20)])
def test_somebody_waits_already(agents: list[float], persons: list[float]) -> None:
    """Nobody is free and a call more: the newcomer finds nobody unless an agent comes first."""
    assert exact_risk(0, agents, persons) == pytest.approx(risk(0, agents, persons), abs=1e-6)
    assert exact_risk(-1, agents, persons) == pytest.approx(risk(-1, agents, persons), abs=1e-6)


def test_nothing_and_nobody() -> None:
    assert 1.0 == risk(0, [], [])
    assert 0.0 == risk(1, [], [])
    assert [1.0] == binomial(0.0, 0.0)


@pytest.mark.parametrize("count, chance", [(100, 0.98), (250, 0.95), (120, 0.9), (60, 0.999), (300, 0.97)])
def test_many_who_are_almost_sure_count(count: int, chance: float) -> None:
    """Their variance is small, the chance of none of them is no float any more."""
    assert variance(*[chance] * count) < MANY
    for free in (-count, 5 - round(count * chance)):
        expected = exact_risk(free, [chance] * count, [0.2] * 20)
        assert expected == pytest.approx(risk(free, [chance] * count, [0.2] * 20), abs=SEVERAL)
    assert exact_risk(count, [], [chance] * count) == pytest.approx(risk(count, [], [chance] * count), abs=SEVERAL)


# --- many ---------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**32), st.floats(-1.0, 3.0))
def test_sums_of_many_are_near_the_exact_convolution(seed: int, deviations: float) -> None:
    """From just above the variance at which the normal form takes over."""
    luck = random.Random(seed)
    highest = luck.choice([0.25, 0.5, 1.0])
    agents = [highest * luck.random() for _ in range(luck.randrange(100))]
    persons: list[float] = []
    while variance(*agents, *persons) <= MANY:
        persons.append(highest * luck.random())
    free = round(sum(persons) - sum(agents) + deviations * math.sqrt(MANY))
    expected, found = exact_risk(free, agents, persons), risk(free, agents, persons)
    assert expected == pytest.approx(found, abs=OF_MANY)
    if OF_INTEREST[0] <= expected <= OF_INTEREST[1]:
        assert expected == pytest.approx(found, rel=OF_MANY_RELATIVE)


@given(st.floats(-50.0, 50.0), st.floats(MANY, 1e5), st.floats(-1e3, 1e3), st.integers(-(10**4), 10**4))
def test_normal_form_is_a_chance(mean: float, var: float, third: float, free: int) -> None:
    assert 0.0 <= nobody_free_of_many(free, mean, var, third) <= 1.0


def test_both_forms_agree_where_one_takes_over() -> None:
    """No jump that a decision could fall into."""
    agents, persons = [0.2] * 120, [0.3] * 110
    assert variance(*agents, *persons) > MANY
    for free in range(5, 25):
        few = nobody_free(free, binomial(24.0, 4.8), binomial(33.0, 9.9))
        assert few == pytest.approx(risk(free, agents, persons), abs=OF_MANY)


# --- order --------------------------------------------------------------------------------------------------------


@given(FREE, CHANCES, CHANCES)
def test_risk_falls_with_free_agents(free: int, agents: list[float], persons: list[float]) -> None:
    risks = [risk(free + more, agents, persons) for more in range(4)]
    assert all(0.0 <= each <= 1.0 for each in risks)
    assert all(later <= earlier + 1e-9 for earlier, later in itertools.pairwise(risks))


@given(FREE, CHANCES, CHANCES, st.floats(0.01, 0.9))
def test_risk_rises_with_a_call(free: int, agents: list[float], persons: list[float], chance: float) -> None:
    """Within what the matched binomial gets wrong."""
    assert risk(free, agents, [*persons, chance]) >= risk(free, agents, persons) - FEW


@given(FREE, CHANCES, CHANCES, st.floats(0.01, 0.9))
def test_risk_falls_with_a_busy_agent(free: int, agents: list[float], persons: list[float], chance: float) -> None:
    assert risk(free, [*agents, chance], persons) <= risk(free, agents, persons) + FEW


@given(st.integers(0, 5), st.lists(st.floats(0.0, HALF), max_size=8), st.floats(0.01, 1.0), st.integers(1, 20))
def test_calls_that_are_started_count_like_calls_that_are_there(
    free: int, agents: list[float], chance: float, calls: int
) -> None:
    forecast = Forecast(free, sum_of(agents), sum_of([]), [chance] * HORIZONS)
    forecast.risk()
    assert risk(free, agents, [chance] * calls) == pytest.approx(forecast.risk(calls), abs=1e-9)


def test_risk_is_the_mean_over_the_horizons() -> None:
    agents, persons = [0.0, 0.1, 0.4, 0.8], [0.1, 0.3, 0.4, 0.6]
    mean = sum(exact_risk(1, [a] * 3, [b] * 4) for a, b in zip(agents, persons, strict=True)) / HORIZONS
    assert mean == pytest.approx(Forecast(1, total([(3, agents)]), total([(4, persons)])).risk(), abs=0.001)


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0.0, 1.0)), max_size=12))
def test_sum_knows_its_mean(rows: list[tuple[int, float]]) -> None:
    found = total((count, [chance] * HORIZONS) for count, chance in rows)
    mean = sum(count * chance for count, chance in rows)
    assert [mean] * HORIZONS == pytest.approx([found.expected(place) for place in range(HORIZONS)])
