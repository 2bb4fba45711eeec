"""When busy agents will be free, from conversations and after-call work whose distributions are known."""

import heapq
import math
import random
from collections.abc import Callable
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.agent_odds import EDGES, SLOT_MS, UPDATE_MS, AgentOdds, Spells
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

HORIZONS = (2_000, 5_000, 12_000, 22_000)
TALK_MS, WORK_MS = 60_000, 15_000
SHORT_MS = EDGES[1] // 10

Lengths = Callable[[random.Random], float]


def exponential(mean_ms: float) -> Lengths:
    """Without memory."""
    return lambda luck: luck.expovariate(1.0 / mean_ms)


def lognormal(median_ms: float, sigma: float) -> Lengths:
    """Most are short, a few go on and on."""
    return lambda luck: median_ms * math.exp(luck.gauss(0.0, sigma))


AFTER_CALL_WORK = exponential(WORK_MS)


def taught(talk: Lengths, work: Lengths = AFTER_CALL_WORK, *, calls: int = 3_000) -> tuple[AgentOdds, Millis]:
    """An agent who has had so many calls, one after the other, and when they were over."""
    odds, luck, now_ms = AgentOdds(), random.Random(3), 0
    for number in range(calls):
        for spells, length in ((odds.talk, talk), (odds.work, work)):
            began_ms, now_ms = now_ms, now_ms + round(length(luck))
            spells.begin(began_ms)
            spells.end(began_ms, now_ms)
        odds.finished(ready=True)
        if number % 20 == 0:
            odds.update(now_ms)
    odds.update(now_ms + UPDATE_MS)
    return odds, now_ms + UPDATE_MS


EXPONENTIAL, AFTER_EXPONENTIAL_MS = taught(exponential(TALK_MS))
LOGNORMAL, AFTER_LOGNORMAL_MS = taught(lognormal(40_000, 0.8))


def talking(odds: AgentOdds, now_ms: Millis, age_ms: Millis, horizons: tuple[Millis, ...] = HORIZONS) -> list[float]:
    """Chances of one agent who has talked for so long."""
    odds = deepcopy(odds)
    odds.talk.begin(now_ms - age_ms)
    [(count, chances)] = odds.spells(now_ms, horizons)
    assert 1 == count
    return list(chances)


def working(odds: AgentOdds, now_ms: Millis, age_ms: Millis) -> list[float]:
    """Chances of one agent who has been in after-call work for so long."""
    odds = deepcopy(odds)
    odds.work.begin(now_ms - age_ms)
    [(_, chances)] = odds.spells(now_ms, HORIZONS)
    return list(chances)


def survival(spells: Spells, from_ms: float, to_ms: float) -> float:
    """Chance that a spell which has lasted `from_ms` lasts `to_ms`."""
    return math.exp(spells.hazard_to(from_ms) - spells.hazard_to(to_ms))


# --- what is learned ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("age_ms", [1_000, 10_000, 25_000])
def test_exponential_after_call_work_has_no_memory(age_ms: Millis) -> None:
    expected = [1.0 - math.exp(-horizon_ms / WORK_MS) for horizon_ms in HORIZONS]
    assert expected == pytest.approx(working(EXPONENTIAL, AFTER_EXPONENTIAL_MS, age_ms), rel=0.3, abs=0.03)


@pytest.mark.parametrize("age_ms", [1_000, 20_000, 60_000, 150_000])
def test_exponential_conversation_has_no_memory(age_ms: Millis) -> None:
    """Conversation and work both have to end: the sum of two exponentials."""
    a, b = 1.0 / TALK_MS, 1.0 / WORK_MS
    expected = [1.0 - (b * math.exp(-a * h) - a * math.exp(-b * h)) / (b - a) for h in HORIZONS]
    assert expected == pytest.approx(talking(EXPONENTIAL, AFTER_EXPONENTIAL_MS, age_ms), rel=0.3, abs=0.01)


@pytest.mark.parametrize("age_ms, off", [(10_000, 0.1), (40_000, 0.1), (90_000, 0.1), (160_000, 0.2)])
def test_remaining_time_of_a_conversation_is_the_true_one_at_every_age(age_ms: Millis, off: float) -> None:
    """Few conversations are so long that the last ages are known well."""
    luck, length = random.Random(11), lognormal(40_000, 0.8)
    lengths = [each for each in (length(luck) for _ in range(60_000)) if each > age_ms]
    for later_ms in (10_000, 30_000, 60_000):
        expected = sum(each > age_ms + later_ms for each in lengths) / len(lengths)
        assert expected == pytest.approx(survival(LOGNORMAL.talk, age_ms, age_ms + later_ms), abs=off)


def test_long_conversation_is_not_expected_to_end_because_it_is_overdue() -> None:
    """The mean is 55 s. After four minutes it goes on for longer than after one."""
    soon = [talking(LOGNORMAL, AFTER_LOGNORMAL_MS, age_ms)[-1] for age_ms in (40_000, 120_000, 240_000)]
    assert soon[0] > soon[1] > soon[2]
    assert soon[2] < 0.7 * soon[0]


def test_chances_rise_with_the_horizon() -> None:
    for age_ms in (0, 30_000, 300_000, 10**8):
        for chances in (
            talking(LOGNORMAL, AFTER_LOGNORMAL_MS, age_ms),
            working(LOGNORMAL, AFTER_LOGNORMAL_MS, age_ms),
        ):
            assert all(0.0 <= chance <= 1.0 for chance in chances)
            assert sorted(chances) == chances


def test_conversation_is_behind_after_call_work() -> None:
    """An agent in conversation has the work still to come."""
    now_ms = AFTER_EXPONENTIAL_MS
    pairs = zip(talking(EXPONENTIAL, now_ms, 5_000), working(EXPONENTIAL, now_ms, 5_000), strict=True)
    assert all(talk < work for talk, work in pairs)


def test_work_of_no_length_adds_nothing_to_a_conversation() -> None:
    odds, now_ms = taught(exponential(TALK_MS), lambda luck: SHORT_MS)
    expected = 1.0 - math.exp(-HORIZONS[-1] / TALK_MS)
    assert expected == pytest.approx(talking(odds, now_ms, 5_000)[-1], rel=0.25)


def test_new_ways_are_learned() -> None:
    """Conversations become four times as long."""
    odds, now_ms = deepcopy(EXPONENTIAL), AFTER_EXPONENTIAL_MS
    luck = random.Random(5)
    for _ in range(1_500):
        began_ms, now_ms = now_ms, now_ms + round(luck.expovariate(1.0 / (4 * TALK_MS)))
        odds.talk.begin(began_ms)
        odds.talk.end(began_ms, now_ms)
        odds.update(now_ms)
    assert math.exp(-60_000 / (4 * TALK_MS)) == pytest.approx(survival(odds.talk, 20_000, 80_000), abs=0.08)


# --- spells that run ----------------------------------------------------------------------------------------------


def test_young_shift_does_not_take_its_first_ends_for_all() -> None:
    """60 conversations of a minute each begin together. Only the short ones have ended when one looks."""
    luck, odds = random.Random(2), AgentOdds()
    lengths = [round(luck.expovariate(1.0 / TALK_MS)) for _ in range(300)]
    now_ms = 20_000
    for length_ms in lengths:
        odds.talk.begin(0)
        if length_ms <= now_ms:
            odds.talk.end(0, length_ms)
    ended = [length_ms for length_ms in lengths if length_ms <= now_ms]
    assert sum(ended) / len(ended) < 12_000, "what a mean of ended spells would say"
    odds.update(now_ms)
    assert math.exp(-15_000 / TALK_MS) == pytest.approx(survival(odds.talk, 0, 15_000), abs=0.06)
    assert len(lengths) - len(ended) == odds.count()


def test_before_anything_has_ended_the_prior_counts() -> None:
    odds = AgentOdds()
    odds.update(0)
    assert math.exp(-1.0) == pytest.approx(survival(odds.talk, 0.0, odds.talk.mean_ms), rel=0.05)
    assert math.exp(-1.0) == pytest.approx(survival(odds.work, 0.0, odds.work.mean_ms), rel=0.05)


def test_spell_that_was_dropped_was_never_there() -> None:
    odds, other = AgentOdds(), AgentOdds()
    odds.talk.begin(1_000)
    odds.talk.drop(1_000)
    for each in (odds, other):
        each.update(MINUTE_MS)
    assert (0, []) == (odds.count(), odds.spells(MINUTE_MS, HORIZONS))
    assert other.talk.rate == odds.talk.rate


def test_all_spells_of_one_time_are_one_row() -> None:
    odds = AgentOdds()
    odds.update(0)
    for number in range(1_000):
        odds.talk.begin(2 * SLOT_MS * number // 1_000)
    rows = odds.spells(MINUTE_MS, HORIZONS)
    assert len(rows) <= 2
    assert 1_000 == odds.count() == sum(count for count, _ in rows)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**8), st.sampled_from(["end", "drop"]))))
def test_nobody_is_left_when_all_spells_are_over(spells: list[tuple[int, int, str]]) -> None:
    odds = AgentOdds()
    for began_ms, _, _ in spells:
        odds.talk.begin(began_ms)
    assert len(spells) == odds.count()
    for began_ms, length_ms, how in spells:
        odds.talk.end(began_ms, began_ms + length_ms) if how == "end" else odds.talk.drop(began_ms)
    odds.update(10**9)
    assert (0, []) == (odds.count(), odds.spells(10**9, HORIZONS))
    assert all(rate > 0.0 for rate in odds.talk.rate)


def test_agents_who_were_not_looked_at_for_long_are_known_all_the_same() -> None:
    """Their group dialed progressively, and now dials ahead."""
    odds, luck = AgentOdds(), random.Random(6)
    for _ in range(20_000):
        odds.talk.begin(0)
        odds.talk.end(0, round(luck.expovariate(1.0 / (4 * TALK_MS))))
    odds.update(UPDATE_MS)
    assert math.exp(-0.5) == pytest.approx(survival(odds.talk, 10_000, 10_000 + 2 * TALK_MS), abs=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("agents", [10, 100, 1_000])
def test_size_of_the_group_does_not_matter(agents: int) -> None:
    """All talk without a pause: there are always as many conversations that run as there are agents."""
    luck, odds, heap = random.Random(4), AgentOdds(), []
    for number in range(agents):
        odds.talk.begin(0)
        heapq.heappush(heap, (luck.expovariate(1.0 / TALK_MS), number, 0))
    looks = []
    for look_ms in range(0, 10 * TALK_MS, TALK_MS // 2):
        while heap[0][0] <= look_ms:
            end_ms, number, began_ms = heapq.heappop(heap)
            odds.talk.end(began_ms, round(end_ms))
            odds.talk.begin(round(end_ms))
            heapq.heappush(heap, (end_ms + luck.expovariate(1.0 / TALK_MS), number, round(end_ms)))
        odds.update(look_ms)
        looks.append(survival(odds.talk, 10_000, 30_000))
    settled = looks[len(looks) // 2 :]
    assert math.exp(-20_000 / TALK_MS) == pytest.approx(sum(settled) / len(settled), abs=0.06)


# --- who comes back -----------------------------------------------------------------------------------------------


def test_share_of_those_who_are_ready_again_follows_a_break_that_nobody_announced() -> None:
    odds = deepcopy(EXPONENTIAL)
    everybody = talking(odds, AFTER_EXPONENTIAL_MS, 30_000)
    for number in range(60):
        odds.finished(ready=number % 2 == 0)
    half = talking(odds, AFTER_EXPONENTIAL_MS, 30_000)
    assert [0.5 * chance for chance in everybody] == pytest.approx(half, rel=0.25)
    for _ in range(150):
        odds.finished(ready=True)
    assert everybody == pytest.approx(talking(odds, AFTER_EXPONENTIAL_MS, 30_000), rel=0.05)


def test_one_who_leaves_is_no_strike() -> None:
    odds = AgentOdds()
    for _ in range(50):
        odds.finished(ready=True)
    odds.finished(ready=False)
    assert 0.9 < odds.ready < 1.0


def test_busy_agents_come_back_as_often_as_forecast() -> None:
    """100 agents at work: the forecast at a moment against what really happens, over many moments."""
    luck, odds = random.Random(8), deepcopy(EXPONENTIAL)
    horizons = (*HORIZONS[:3], 20 * SECOND_MS)
    expected = came = 0.0
    for _ in range(400):
        age_ms = round(luck.expovariate(1.0 / TALK_MS))
        expected += talking(odds, AFTER_EXPONENTIAL_MS, age_ms, horizons)[-1]
        came += luck.expovariate(1.0 / TALK_MS) + luck.expovariate(1.0 / WORK_MS) < horizons[-1]
    assert came == pytest.approx(expected, rel=0.2)
