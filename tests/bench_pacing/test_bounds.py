"""The bounds of the pacing benchmark: a bound that is wrong makes every pacer look good, or bad."""

import importlib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HOUR_MS = 3_600_000

STUDY = {
    (3, 0.03): (57.3, 64.2, 72.8),
    (3, 0.01): (48.9, 58.8, 70.1),
    (10, 0.03): (77.1, 78.6, 81.0),
    (10, 0.01): (71.2, 73.4, 76.8),
    (30, 0.03): (88.3, 88.7, 89.3),
    (30, 0.01): (84.9, 85.5, 86.5),
    (100, 0.03): (94.8, 94.9, 95.0),
    (100, 0.01): (93.1, 93.2, 93.5),
}
"""Optima of the memoryless model in %, at 8, 20 and 40 % hits. Source: the pacing study, section 4, item 4."""
HITS = (0.08, 0.2, 0.4)


def module(name):
    """A module; the folder bench is not installed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        return importlib.import_module(f"bench.pacing.{name}")


@pytest.fixture(scope="module")
def model():
    return module("model")


@pytest.fixture(scope="module")
def forms():
    return module("bounds.closed_forms")


@pytest.fixture(scope="module")
def curves():
    return module("bounds.switching_curve")


@pytest.fixture(scope="module")
def markov():
    return module("bounds.markov_optimum")


@pytest.fixture(scope="module")
def oracle():
    return module("bounds.oracle")


# --- closed forms ----------------------------------------------------------------------------


@pytest.mark.parametrize("agents, percent", [(10, 53.6), (30, 74.6), (100, 88.1), (300, 94.5), (1_000, 97.8)])
def test_open_loop_bound_is_the_study_s(forms, agents, percent):
    assert percent == pytest.approx(100 * forms.open_loop_bound(agents, 0.03), abs=0.051)


def test_erlang_b_at_a_load_that_is_known(forms):
    assert forms.erlang_b(1, 1.0) == pytest.approx(1 / 2)
    assert forms.erlang_b(2, 1.0) == pytest.approx(1 / 5)


@pytest.mark.slow
@pytest.mark.parametrize("agents, hit, within", [(3, 0.2, 0.02), (10, 0.08, 0.015), (30, 0.4, 0.01)])
def test_progressive_floor_is_what_the_model_gives(forms, model, agents, hit, within):
    day = model.run_day(model.Cell(agents, hit), forms.Progressive(), seed=1)
    assert day.abandoned == 0
    assert forms.progressive_floor(hit, 75.0) == pytest.approx(day.utilisation, abs=within)


@pytest.mark.slow
def test_mean_times_of_attempts_are_those_of_the_model(forms, model, oracle):
    ahead = oracle.Foresight(model.Cell(1, 0.2), seed=1)
    calls = [ahead.call(record) for record in range(1, 20_001)]
    persons = [call.verdict_at for call in calls if call.is_person]
    others = [call.verdict_at for call in calls if not call.is_person]
    assert 1_000 * forms.PERSON_S == pytest.approx(sum(persons) / len(persons), rel=0.01)
    assert 1_000 * forms.OTHER_S == pytest.approx(sum(others) / len(others), rel=0.02)


# --- the memoryless model --------------------------------------------------------------------


@pytest.mark.parametrize("agents", [1, 3, 30])
@pytest.mark.parametrize("hit", HITS)
def test_progressive_curve_has_a_closed_form(curves, agents, hit):
    """Each agent alternates between waiting for a person, 14 s / p, and handling one."""
    memoryless = curves.Memoryless(agents, hit)
    gains = curves.Curve(memoryless, memoryless.progressive()).gains
    assert gains.busy / agents == pytest.approx(75.0 / (75.0 + 14.0 / hit), rel=1e-10)
    assert gains.abandoned == 0.0


def test_one_agent_can_be_solved_by_hand(curves):
    """Two calls while free; then one is left, which is answered during the conversation, or not."""
    hit, ring, handling = 0.2, 14.0, 75.0
    gains = curves.Curve(curves.Memoryless(1, hit), (2, 0)).gains
    meets_agent = (1 / handling) / (1 / handling + 1 / ring)  # the conversation ends before the other call does
    # while the agent is free there are always two calls: a person comes after ring / (2 x hit) on average
    assert gains.busy == pytest.approx(handling / (handling + ring / (2 * hit)), rel=1e-12)
    assert gains.abandoned == pytest.approx(gains.busy / handling * (1 - meets_agent) * hit, rel=1e-12)


def test_values_satisfy_the_equations_that_define_them(curves):
    """Held against the definition state by state, with a curve that is flat in places."""
    memoryless = curves.Memoryless(5, 0.3)
    curve = curves.Curve(memoryless, (12, 7, 7, 2, 1, 1))
    priced = curves.Priced(curve, 150.0)
    for busy in range(6):
        for calls in range(curve.levels[busy], priced.calls_max):
            ended, finished = calls / memoryless.ring_s, busy / memoryless.handling_s
            here = priced.value(busy, calls)
            change = busy - priced.gain
            if busy:
                change += finished * (priced.value(busy - 1, calls) - here)
            if calls and busy < 5:
                change += ended * 0.3 * (priced.value(busy + 1, calls - 1) - here)
            elif calls:
                change += ended * 0.3 * (priced.value(busy, calls - 1) - 150.0 - here)
            if calls:
                change += ended * 0.7 * (priced.value(busy, calls - 1) - here)
            assert change == pytest.approx(0.0, abs=1e-9), (busy, calls)


@pytest.mark.parametrize("levels", [(1, 2, 0), (2, 1), (0, 0, 0), (2, 1, -1)])
def test_what_is_no_switching_curve_is_refused(curves, levels):
    with pytest.raises(ValueError, match="not a switching curve"):
        curves.Curve(curves.Memoryless(2, 0.2), levels)


@pytest.mark.parametrize("agents", [3, 10])
@pytest.mark.parametrize("target", [0.03, 0.01])
def test_optimum_is_the_stored_one_and_the_study_s(curves, markov, agents, target):
    for hit, percent in zip(HITS, STUDY[agents, target], strict=True):
        fresh = markov.optimum(curves.Memoryless(agents, hit), target)
        [stored] = [row for row in markov.stored() if (row.agents, row.hit, row.target) == (agents, hit, target)]
        assert stored.utilisation == pytest.approx(fresh.utilisation, abs=1e-6)
        assert (stored.careful, stored.bold) == (fresh.careful, fresh.bold)
        assert percent == pytest.approx(100 * fresh.utilisation, abs=0.15)


@pytest.mark.parametrize("agents", [3, 10])
@pytest.mark.parametrize("share", [0.027, 0.0294, 0.0303])
def test_optimum_at_another_share_of_abandoned_persons_is_not_put_too_low(curves, markov, agents, share):
    for row in [row for row in markov.stored() if (row.agents, row.target) == (agents, 0.03)]:
        exact = markov.optimum(curves.Memoryless(agents, row.hit), share).utilisation
        assert exact - 2e-6 <= row.at(share) <= exact + 1e-3


def test_stored_optima_are_the_study_s(markov):
    rows = {(row.agents, row.hit, row.target): row for row in markov.stored()}
    for (agents, target), percents in STUDY.items():
        for hit, percent in zip(HITS, percents, strict=True):
            assert percent == pytest.approx(100 * rows[agents, hit, target].utilisation, abs=0.15)
    assert len(rows) == len(markov.AGENTS) * len(markov.HITS) * len(markov.TARGETS)


@pytest.mark.parametrize("agents", [3, 10])
def test_no_decision_in_any_state_beats_the_ends_of_the_edge(curves, markov, agents):
    """So no policy of whatever shape does, and the optimum is one. What is left is in states that hardly ever occur."""
    for hit in HITS:
        careful, bold, price = markov.hull_edge(curves.Memoryless(agents, hit), 0.03)
        assert careful.gains.excess(0.03, 75.0) <= 0.0 < bold.gains.excess(0.03, 75.0)
        for curve in (careful, bold):
            assert curves.Priced(curve, price, spare=60).regret() < 1e-4 * price


def test_regret_sees_a_curve_that_is_not_the_best(curves, markov):
    memoryless = curves.Memoryless(10, 0.2)
    careful, _, price = markov.hull_edge(memoryless, 0.03)
    for busy in (5, 8, 9):
        worse = list(careful.levels)
        worse[busy] = worse[busy - 1]
        assert curves.Priced(curves.Curve(memoryless, worse), price).regret() > 1e-3 * price


def test_each_bound_is_above_the_one_that_knows_less(forms, markov):
    for row in markov.stored():
        assert row.utilisation > 75.0 / (75.0 + 14.0 / row.hit)
        assert row.utilisation > forms.open_loop_bound(row.agents, row.target)
    at_ten = {row.hit: row.utilisation for row in markov.stored() if row.agents == 10 and row.target == 0.03}
    assert all(at_ten[low] < at_ten[high] for low, high in pairwise(HITS))


@pytest.mark.slow
def test_the_model_s_memoryless_version_gives_what_the_curve_earns(curves, markov, model):
    row = markov.optimum(curves.Memoryless(10, 0.2), 0.03)
    cell = model.Cell(10, 0.2, is_markov=True, patience_ms=0)
    days = [model.run_day(cell, markov.OnCurve(row.bold), seed) for seed in range(6)]
    gains = curves.Curve(curves.Memoryless(10, 0.2), row.bold[::-1]).gains
    assert gains.busy / 10 == pytest.approx(sum(day.utilisation for day in days) / 6, abs=0.01)
    abandonment = gains.abandoned / (gains.abandoned + gains.busy / 75.0)
    assert abandonment == pytest.approx(
        sum(day.abandoned for day in days) / sum(day.persons for day in days), abs=0.006
    )


# --- the oracle ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("agents, hit", [(3, 0.4), (10, 0.2)])
def test_oracle_in_any_order_loses_the_first_ring_only(oracle, model, agents, hit):
    """The study's figure."""
    day = oracle.run_oracle(model.Cell(agents, hit), seed=1, in_order=False)
    assert day.abandoned == 0
    assert 0.9994 < day.utilisation < 0.9998


@pytest.mark.slow
@pytest.mark.parametrize("agents, hit, at_least", [(3, 0.2, 0.995), (10, 0.4, 0.993)])
def test_oracle_in_the_list_s_order_abandons_nobody_either(oracle, model, agents, hit, at_least):
    day = oracle.run_oracle(model.Cell(agents, hit, day_ms=HOUR_MS), seed=1)
    free = oracle.run_oracle(model.Cell(agents, hit, day_ms=HOUR_MS), seed=1, in_order=False)
    assert day.abandoned == 0
    assert at_least < day.utilisation < free.utilisation


def test_oracle_dials_the_list_in_its_order(oracle, model):
    cell = model.Cell(3, 0.2, day_ms=HOUR_MS // 4)
    persons = oracle.Foresight(cell, seed=1).persons()
    plan = oracle.with_others(oracle.Search(cell, persons, plans=3).plan())
    assert [dialing.record for dialing in plan] == list(range(1, len(plan) + 1))
    assert all(first.at_ms <= second.at_ms for first, second in pairwise(plan))


@pytest.mark.parametrize("in_order", [True, False])
def test_oracle_needs_no_patience(oracle, model, in_order):
    cell = model.Cell(3, 0.4, day_ms=HOUR_MS // 2, patience_ms=0, is_markov=True)
    day = oracle.run_oracle(cell, seed=1, in_order=in_order)
    assert day.abandoned == 0
    assert day.utilisation > 0.95


def test_oracle_refuses_a_day_that_changes(oracle, model):
    with pytest.raises(ValueError, match="steady days only"):
        oracle.run_oracle(model.Cell(3, 0.2, ports_max=10), seed=1)
