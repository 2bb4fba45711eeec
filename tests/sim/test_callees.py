"""Callees: the same list is answered alike by everybody who dials it."""

from collections import Counter

import pytest

from outdial.core.results import Verdict
from outdial.sim.callees import RINGS_FOREVER, Callees
from outdial.sim.settings import CalleeKind, CalleeSettings, IvrSettings


def callees(seed=1, **changes):
    return Callees(CalleeSettings(**changes), IvrSettings(), seed)


def fields(plan):
    return [getattr(plan, name) for name in plan.__slots__]


def test_an_attempt_is_answered_alike_whoever_asks_and_when():
    one, other = callees(), callees()
    for record_id in range(1, 50):
        other.plan(0, record_id + 1_000, 1, 1)
        assert fields(one.plan(0, record_id, 1, 1)) == fields(other.plan(9_999, record_id, 1, 1))


def test_another_attempt_and_another_seed_are_another_draw():
    kinds = [
        [population.plan(0, record_id, attempt_n, 1).kind for record_id in range(1, 200)]
        for population, attempt_n in ((callees(), 1), (callees(), 2), (callees(seed=2), 1))
    ]
    assert kinds[0] != kinds[1]
    assert kinds[0] != kinds[2]


def test_shares_are_as_configured():
    population = callees()
    found = Counter(population.plan(0, record_id, 1, 1).kind for record_id in range(1, 5_001))
    for kind, share in CalleeSettings().shares:
        assert found[kind] / 5_000 == pytest.approx(share, abs=0.02)


def test_a_number_that_does_not_exist_never_will():
    population = callees()
    invalid = [n for n in range(1, 500) if population.plan(0, n, 1, 1).kind is CalleeKind.INVALID]
    assert invalid
    for attempt_n in (2, 3, 9):
        assert all(population.plan(0, n, attempt_n, 1).kind is CalleeKind.INVALID for n in invalid)


def test_drift_changes_the_share_of_persons_from_its_instant_on():
    population = callees(person_factors=((1_000, 2.0), (2_000, 0.0)))

    def persons(at_ms):
        return sum(population.plan(at_ms, n, 1, 1).kind is CalleeKind.PERSON for n in range(1, 3_001)) / 3_000

    assert persons(999) == pytest.approx(0.2, abs=0.025)
    assert persons(1_000) == pytest.approx(0.4, abs=0.03)
    assert persons(2_000) == 0


def test_times_follow_the_outcome_model():
    population = callees()
    plans = [population.plan(0, record_id, 1, 1) for record_id in range(1, 5_001)]
    persons = [plan for plan in plans if plan.kind is CalleeKind.PERSON]
    assert all(1_000 <= plan.first_ms <= 3_500 for plan in plans)
    assert all(plan.ring_ms <= 22_000 and 600 <= plan.verdict_ms <= 1_600 for plan in persons)
    assert sum(plan.talk_ms for plan in persons) / len(persons) == pytest.approx(60_000, rel=0.1)
    assert all(plan.ring_ms == RINGS_FOREVER for plan in plans if plan.kind is CalleeKind.NO_ANSWER)


def test_detection_errs_as_often_as_configured():
    population = callees(
        shares=((CalleeKind.PERSON, 1.0), (CalleeKind.MACHINE, 1.0)),
        person_as_machine_ratio=0.1,
        machine_as_person_ratio=0.3,
        verdict_missing_ratio=0.05,
    )
    verdicts = Counter((plan.kind, plan.verdict) for plan in (population.plan(0, n, 1, 1) for n in range(1, 8_001)))
    assert verdicts[CalleeKind.PERSON, Verdict.MACHINE] / 4_000 == pytest.approx(0.1, abs=0.02)
    assert verdicts[CalleeKind.MACHINE, Verdict.PERSON] / 4_000 == pytest.approx(0.3, abs=0.03)
    assert verdicts[CalleeKind.PERSON, None] / 4_000 == pytest.approx(0.05, abs=0.015)


def test_groups_may_have_conversations_of_their_own_length():
    population = callees(talk_ms_mean_by_group=((7, 1_000),), shares=((CalleeKind.PERSON, 1.0),))
    mine = sum(population.plan(0, n, 1, 7).talk_ms for n in range(1, 1_001)) / 1_000
    others = sum(population.plan(0, n, 1, 1).talk_ms for n in range(1, 1_001)) / 1_000
    assert mine == pytest.approx(1_000, rel=0.1)
    assert others == pytest.approx(60_000, rel=0.1)
