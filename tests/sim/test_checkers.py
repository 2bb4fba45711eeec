"""Every checker catches the bugs that are planted for it, and says nothing where nothing is planted."""

import pytest

from outdial.core.errors import InvariantViolated
from outdial.sim.checkers import Violation
from sim.plants import PLANTS, Plant
from sim.trials import TRIALS, watch

CHECKERS = {
    *("pool", "lease", "node ledger", "pool size", "maximum", "shares"),
    *("call", "number", "settlement", "record"),
    *("inactive node", "draining node", "prime lost", "calling hours", "do not call", "stopped group", "no agents"),
    *("agent not free", "call rate", "rotation", "least loaded", "dialer node", "links"),
    *("idle", "no progress", "hang", "at rest", "work", "growth", "agent", "registry", "longest idle"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRIALS)
def test_nothing_is_found_where_nothing_is_planted(name):
    checkers = watch(TRIALS[name], sweep_every=20)
    assert checkers.steps > 200


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_planted_bug_is_caught(plant: Plant, monkeypatch):
    plant.put(monkeypatch)
    with pytest.raises(Violation) as caught:
        watch(TRIALS[plant.trial], sweep_every=plant.sweep_every)
    assert caught.value.checker == plant.checker
    print(caught.value)


def test_every_checker_has_a_plant():
    assert {plant.checker for plant in PLANTS} == CHECKERS


def test_a_violation_is_a_bug():
    assert issubclass(Violation, InvariantViolated)
