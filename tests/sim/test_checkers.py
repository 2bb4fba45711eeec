"""Every checker catches the bugs that are planted for it, and says nothing where nothing is planted."""

from dataclasses import replace

import pytest

from outdial.core import recent_calls
from outdial.core.compliance import may_dial
from outdial.core.dial_rules import dial_rules
from outdial.core.errors import InvariantViolated
from outdial.core.events import DoNotCallAdded
from outdial.core.records import Record
from outdial.core.settings import CallingList, Node, Zone
from outdial.core.units import SECOND_MS
from outdial.sim.calls import DoubleDial
from outdial.sim.checkers import Checkers, Violation
from outdial.sim.checks_dialing import CallRate, is_open
from outdial.sim.run import Simulation
from outdial.sim.scenario import random_scenario
from sim.plants import PLANTS, Plant
from sim.trials import TRIALS, watch

CHECKERS = {
    *("pool", "lease", "node ledger", "pool size", "maximum", "shares"),
    *("call", "number", "settlement", "record", "callback"),
    *("inactive node", "draining node", "prime lost", "calling hours", "do not call", "stopped group", "no agents"),
    *("attempts", "left alone", "paused group"),
    *("agent not free", "call rate", "rotation", "least loaded", "dialer node", "links"),
    *(
        "idle",
        "no progress",
        "hang",
        "connection",
        "orphan",
        "at rest",
        "work",
        "growth",
        "agent",
        "registry",
        "longest idle",
        "abandonment",
    ),
}


# --- plants -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIALS)
def test_nothing_is_found_where_nothing_is_planted(name):
    checkers = watch(TRIALS[name], sweep_every=10)
    assert checkers.steps > 200


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_planted_bug_is_caught(plant: Plant, monkeypatch):
    plant.put(monkeypatch)
    with pytest.raises(Violation) as caught:
        watch(TRIALS[plant.trial], sweep_every=plant.sweep_every)
    print(caught.value)
    assert plant.checker == caught.value.checker


@pytest.mark.slow
def test_rules_hold_when_few_numbers_can_be_remembered(monkeypatch):
    monkeypatch.setattr(recent_calls, "NUMBERS_MAX", 5)
    assert watch(TRIALS["rules"], sweep_every=100_000).steps > 400


def test_every_checker_has_a_plant():
    assert {plant.checker for plant in PLANTS} == CHECKERS


def test_every_trial_is_used_or_stands_for_an_option():
    options = {"promotion", "unbalanced", "tight"}
    assert set(TRIALS) == {plant.trial for plant in PLANTS} | options


@pytest.mark.slow
@pytest.mark.parametrize("first_seed", range(1, 5))
def test_random_worlds_are_clean_when_everything_is_swept_after_every_step(first_seed):
    scenario = random_scenario(first_seed)

    def observer(dialer, world, configuration):
        return Checkers(dialer, world, configuration, sweep_every=1)

    Simulation(scenario.configuration, scenario.settings, first_seed, observers=(observer,)).run(40 * SECOND_MS)


# --- what a checker says ------------------------------------------------------------------------


def test_a_violation_is_a_bug_and_names_checker_numbers_and_event():
    violation = Violation("pool", "41 leases in pool switch of 40 ports", 1_234, DoNotCallAdded("5" * 500))
    assert isinstance(violation, InvariantViolated)
    assert violation.checker == "pool"
    assert str(violation).startswith("pool: 41 leases in pool switch of 40 ports [1234 ms, DoNotCallAdded(number='555")
    assert len(str(violation)) < 400


def test_a_number_that_is_really_in_two_calls_is_found_whatever_the_dialer_thinks():
    trial = TRIALS["regular"]
    simulation = Simulation(trial.configuration, trial.settings, trial.seed, observers=(Checkers,))
    simulation.run(10 * SECOND_MS)
    double_dials = simulation.world.exchange.double_dials
    double_dials.append(DoubleDial(10_000, "stale", 1, 2, is_stale=True))
    simulation.step(DoNotCallAdded("1"))
    double_dials.append(DoubleDial(10_000, "5551", 3, 4, is_stale=False))
    with pytest.raises(Violation, match="number: 5551 is really in two calls"):
        simulation.step(DoNotCallAdded("2"))


def test_the_end_is_not_reached_while_groups_run():
    trial = TRIALS["regular"]
    simulation = Simulation(trial.configuration, trial.settings, trial.seed)
    checkers = Checkers(simulation.dialer, simulation.world, trial.configuration)
    checkers.at_end(simulation.world.reading(0))


# --- rules that are worked out anew -------------------------------------------------------------


@pytest.mark.parametrize("window", [(0, 86_400), (32_400, 61_200), (79_200, 21_600), (3_600, 3_600)])
@pytest.mark.parametrize("hour", range(0, 30))
def test_windows_are_read_as_the_core_reads_them(window, hour):
    """Two ways to work it out, one answer, on a day on which the clock changes."""
    change_ms = 1_774_746_000_000
    zone = Zone("Europe/Somewhere", ((0, 3_600), (change_ms, 7_200)))
    calling_list = CallingList(1, "list", zone, *window)
    utc_ms = change_ms + (hour - 12) * 3_600 * SECOND_MS + 1_799_999
    record, elsewhere = Record(1, 1, "5551"), Zone("Elsewhere", ((0, -18_000),))
    for each in (record, replace(record, zones=(zone, elsewhere)), replace(record, zones=(elsewhere,), zone=zone)):
        assert (may_dial(each, dial_rules(calling_list), utc_ms, ()) is None) == is_open(each, calling_list, utc_ms)


def test_a_call_rate_is_a_bucket_that_fills_with_time():
    node = Node(1, "node", 1, call_rate_max=4)
    rate = CallRate(None)
    rate.restart(1_000)
    assert [rate.take(node, at_ms) for at_ms in (1_000, 1_249, 1_500, 1_501)] == [True, False, True, False]


def test_a_call_rate_grows_after_a_return():
    node = Node(1, "node", 1, call_rate_max=50, slow_start_ms=1_000)
    rate = CallRate(None)
    rate.restart(0)
    slowly = sum(rate.take(node, at_ms) for at_ms in range(1, 200, 20))
    fully = sum(rate.take(node, at_ms) for at_ms in range(2_000, 2_200, 20))
    assert slowly < fully == 10
