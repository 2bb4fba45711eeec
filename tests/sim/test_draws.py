"""Luck: named, reproducible, and of the right size."""

import random
import statistics

import pytest

from outdial.sim.draws import (
    CHOICE_BITS,
    QUANTILES,
    Choice,
    Stream,
    clipped,
    constant,
    exponential,
    gamma,
    lognormal,
    mixture,
    normal,
    seed_of,
    uniform,
    word,
)


def test_a_seed_of_one_purpose_says_nothing_about_another():
    assert seed_of(1, "callees") != seed_of(1, "agents")
    assert seed_of(1, "callees") != seed_of(2, "callees")


def test_seeds_are_the_same_on_every_machine():
    assert seed_of(7, "callees") == 495_549_147_578_492_733


def test_streams_of_one_name_agree_and_do_not_disturb_each_other():
    first, second, other = Stream(1, "breaks"), Stream(1, "breaks"), Stream(1, "faults")
    drawn = []
    for _ in range(5):
        drawn.append(first.between(1, 1_000_000))
        other.between(1, 1_000_000)
    assert [second.between(1, 1_000_000) for _ in range(5)] == drawn


def test_luck_of_an_attempt_depends_on_record_and_attempt_only():
    key = seed_of(1, "callees")
    words = {word(key, record_id, attempt_n) for record_id in range(1, 500) for attempt_n in (1, 2, 3)}
    assert len(words) == 3 * 499
    assert word(key, 17, 2) == word(key, 17, 2)


def test_every_bit_of_a_word_is_a_fair_coin():
    key = seed_of(1, "callees")
    words = [word(key, record_id, 1) for record_id in range(1, 4_001)]
    for bit in range(64):
        assert sum(value >> bit & 1 for value in words) == pytest.approx(2_000, abs=160)


@pytest.mark.parametrize(
    "quantiles, mean, cv",
    [
        (uniform(1_000, 3_000), 2_000, 0.289),
        (exponential(20_000), 20_000, 1.0),
        (lognormal(60_000, 0.9), 60_000, 0.9),
        (gamma(9_000, 0.577), 9_000, 0.577),
        (gamma(15_000, 1.0), 15_000, 1.0),
        (normal(17_000, 3_000), 17_000, 0.176),
        (constant(500), 500, 0.0),
    ],
)
def test_distributions_have_the_mean_and_spread_asked_for(quantiles, mean, cv):
    assert len(quantiles) == QUANTILES
    assert list(quantiles) == sorted(quantiles)
    assert statistics.fmean(quantiles) == pytest.approx(mean, rel=0.001)
    assert statistics.pstdev(quantiles) / mean == pytest.approx(cv, rel=0.07, abs=0.001)


def test_clipping_moves_the_tail_to_the_end():
    quantiles = clipped(gamma(9_000, 0.577), 0, 22_000)
    assert max(quantiles) == 22_000
    assert quantiles.count(22_000) > 1


def test_a_mixture_takes_its_share_of_each():
    quantiles = mixture(constant(1), constant(100), 0.25)
    assert quantiles.count(1) == QUANTILES // 4
    assert mixture(constant(1), constant(100), 0.0).count(1) == 0
    assert mixture(constant(1), constant(100), 1.0).count(1) == QUANTILES


def test_a_choice_follows_its_weights():
    choice = Choice([("a", 1.0), ("never", 0.0), ("b", 3.0)])
    luck = random.Random(1)
    drawn = [choice.of(luck.getrandbits(CHOICE_BITS)) for _ in range(4_000)]
    assert drawn.count("a") == pytest.approx(1_000, abs=120)
    assert drawn.count("never") == 0


@pytest.mark.parametrize("weights", [[], [("a", 0.0)], [("a", 2.0), ("b", -1.0)]])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(ValueError):
        Choice(weights)


def test_something_of_chance_zero_never_happens():
    stream = Stream(1, "never")
    assert not any(stream.chance(0.0) for _ in range(100))
    assert all(stream.chance(1.0) for _ in range(100))
