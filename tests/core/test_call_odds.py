"""What calls in flight will bring: learned from a made-up population whose truth is known."""

import heapq
import math
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.call_odds import (
    DELAY_BIN_MS,
    DELAY_BINS,
    DOUBT,
    MEMORY,
    RING_BIN_MS,
    RING_BINS,
    SHAPES_MS,
    CallOdds,
)
from outdial.core.groups import IVR_DELAY_BIN_MS
from outdial.core.ring_chances import CERTAIN
from outdial.core.risk import HORIZONS
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

UPDATE_MS = 5 * SECOND_MS
PER_SECOND = 10


class Call(NamedTuple):
    """What will become of a call."""

    ring_ms: Millis
    """From the request to the pick-up, or to the end."""
    delay_ms: Millis | None
    """From the pick-up to the verdict; None: nobody picks up."""
    is_person: bool

    @property
    def person_at_ms(self) -> float:
        """When a person is recognised; infinity: never."""
        return self.ring_ms + self.delay_ms if self.is_person and self.delay_ms is not None else float("inf")


Population = Callable[[random.Random], Call]


def households(hit: float = 0.25) -> Population:
    """People pick up early, machines late; some lines are busy at once, the rest rings for 22 s."""

    def call(luck: random.Random) -> Call:
        kind = luck.random()
        if kind < hit:
            ring_ms = round(1_000 * min(22.0, 2.0 + luck.gammavariate(3.0, 3.0)))
            return Call(ring_ms, luck.randrange(600, 1_600), True)
        kind = (kind - hit) / (1.0 - hit)
        if kind < 0.4:
            return Call(round(1_000 * min(22.0, max(7.0, luck.gauss(17.0, 3.0)))), luck.randrange(2_200, 4_200), False)
        return Call(1_500, None, False) if kind < 0.55 else Call(22_000, None, False)

    return call


def waves(per_second: int, *parts: tuple[Millis, Population]) -> Iterator[tuple[Millis, Population]]:
    """Requests at an even rate, from one population after the other."""
    at_ms = 0
    for lasts_ms, population in parts:
        until_ms = at_ms + lasts_ms
        while at_ms < until_ms:
            yield at_ms, population
            at_ms += SECOND_MS // per_second


def live(
    odds: CallOdds,
    *parts: tuple[Millis, Population],
    looks: Callable[[Millis], None] = lambda now_ms: None,
    is_over: bool = True,
    seed: int = 5,
    per_second: int = PER_SECOND,
) -> Millis:
    """Everything that happens to the calls, in its order, with the regular updates. Returns the time of the end."""
    luck, heap, number = random.Random(seed), [], 0

    def plan(at_ms: Millis, what: str, *rest: object) -> None:
        nonlocal number
        number += 1
        heapq.heappush(heap, (at_ms, number, what, rest))

    end_ms = sum(lasts_ms for lasts_ms, _ in parts)
    for at_ms, population in waves(per_second, *parts):
        plan(at_ms, "dial", population(luck))
    for at_ms in range(0, end_ms, UPDATE_MS):
        plan(at_ms, "update")
    now_ms = 0
    while heap and (is_over or heap[0][0] < end_ms):
        now_ms, _, what, rest = heapq.heappop(heap)
        match what, rest:
            case "dial", (Call() as call,):
                odds.dialed(now_ms)
                plan(now_ms + call.ring_ms, "end" if call.delay_ms is None else "pick up", now_ms, call)
            case "pick up", (dialed_ms, call):
                odds.picked_up(dialed_ms, now_ms)
                plan(now_ms + call.delay_ms, "verdict", dialed_ms, call)
            case "end", (dialed_ms, call):
                odds.ended(dialed_ms, now_ms)
            case "verdict", (dialed_ms, call):
                odds.judged_after(dialed_ms, dialed_ms + call.ring_ms, now_ms, person=call.is_person)
            case "update", _:
                odds.update(now_ms)
                looks(now_ms)
    now_ms = max(now_ms, end_ms) + SHAPES_MS
    if is_over:
        odds.update(now_ms)
    return now_ms


def truth(population: Population, *, age_ms: Millis = 0) -> list[Call]:
    """A large sample of the calls that still ring at an age."""
    luck = random.Random(99)
    return [call for call in (population(luck) for _ in range(20_000)) if call.ring_ms > age_ms]


def share_within(sample: list[Call], until_ms: float) -> float:
    """Of a sample, the calls with a person's verdict by then."""
    return sum(call.person_at_ms <= until_ms for call in sample) / len(sample)


LEARNED = CallOdds()
END_MS = live(LEARNED, (6 * MINUTE_MS, households()))
"""A group that has made a few thousand calls, all over."""


def learned() -> CallOdds:
    """A copy of what that group knows."""
    return deepcopy(LEARNED)


def without_level(odds: CallOdds) -> list[float]:
    """Chances of a fresh call as the shapes say, before level and doubt."""
    factor = odds.level * (1.0 + DOUBT / math.sqrt(odds.persons_seen + 1.0))
    return [chance / factor for chance in odds.fresh]


def flight(odds: CallOdds, now_ms: Millis) -> tuple[float, ...]:
    """Chances of the one call in flight."""
    [(count, chances)] = odds.flights(now_ms)
    assert 1 == count
    return chances


# --- ringing ------------------------------------------------------------------------------------------------------


def test_fresh_call_has_the_true_chances() -> None:
    sample = truth(households())
    expected = [share_within(sample, horizon_ms) for horizon_ms in LEARNED.horizons]
    assert expected == pytest.approx(LEARNED.fresh, rel=0.15)
    assert expected == pytest.approx(without_level(LEARNED), rel=0.1)


@pytest.mark.parametrize("age_ms", [4_000, 10_000, 15_000])
def test_call_that_has_rung_for_a_while_has_the_true_chances_of_those(age_ms: Millis) -> None:
    odds = learned()
    odds.dialed(END_MS)
    sample = truth(households(), age_ms=age_ms)
    expected = [share_within(sample, age_ms + horizon_ms) for horizon_ms in odds.horizons]
    assert expected == pytest.approx(flight(odds, END_MS + age_ms), rel=0.2, abs=0.015)


def test_chances_rise_while_it_rings_and_fall_when_people_would_have_answered() -> None:
    odds = learned()
    odds.dialed(END_MS)
    soon = [flight(odds, END_MS + age_ms)[1] for age_ms in (0, 5_000, 18_000)]
    assert soon[0] < soon[1] > soon[2]


def test_horizons_are_the_quantiles_of_the_time_to_a_person() -> None:
    times = sorted(call.person_at_ms for call in truth(households()) if call.is_person)
    expected = [times[int((place + 0.5) / HORIZONS * len(times))] for place in range(HORIZONS)]
    assert expected == pytest.approx(LEARNED.horizons, abs=700)
    assert sorted(LEARNED.horizons) == list(LEARNED.horizons)


def test_early_outcomes_do_not_pass_for_all() -> None:
    """After 20 s: the busy ones and the quick people are over, everything else rings. No ring has timed out yet."""
    odds = CallOdds()
    live(odds, (20 * SECOND_MS, households()), is_over=False, per_second=10 * PER_SECOND)
    odds.update(20 * SECOND_MS)
    assert odds.persons_seen / odds.resolved > 0.4, "what a count of finished calls would say"
    within = share_within(truth(households()), odds.horizons[-1])
    assert 0.7 * within < without_level(odds)[-1] < 1.25 * within


def test_busy_lines_do_not_make_the_others_look_bad() -> None:
    """The other way round: nobody has answered yet, and half of all calls have ended."""
    odds = CallOdds()
    for number in range(100):
        odds.dialed(0)
        if number < 50:
            odds.ended(0, 1_000)
    for _ in range(10):
        odds.picked_up(0, 8_000)
        odds.judged_after(0, 8_000, 9_000, person=True)
    odds.update(9_000)
    assert 0.1 == pytest.approx(without_level(odds)[-1], rel=0.1), "10 of 100"


def test_group_without_history_expects_nothing_of_ringing_calls() -> None:
    odds = CallOdds()
    odds.dialed(0)
    odds.update(1_000)
    assert (0.0,) * HORIZONS == odds.fresh
    assert all(0.0 == chance for _, chances in odds.flights(2_000) for chance in chances)
    assert sorted(odds.horizons) == list(odds.horizons) and odds.horizons[0] > 0


def test_calls_older_than_the_last_bin_count_as_the_last() -> None:
    odds = learned()
    odds.dialed(END_MS)
    late_ms = END_MS + 2 * RING_BINS * RING_BIN_MS
    odds.update(late_ms)
    assert all(0.0 == chance for _, chances in odds.flights(late_ms) for chance in chances)
    odds.picked_up(END_MS, late_ms)
    odds.judged_after(END_MS, late_ms, late_ms + SECOND_MS, person=True)
    odds.update(late_ms + SHAPES_MS)
    assert (0, []) == (odds.in_flight, odds.flights(late_ms + SHAPES_MS))


def test_young_group_takes_its_calls_for_better_than_they_look() -> None:
    young, old = CallOdds(), CallOdds()
    for odds, calls in ((young, 20), (old, 2_000)):
        for number in range(calls):
            odds.dialed(0)
            odds.picked_up(0, 5_000)
            odds.judged_after(0, 5_000, 6_000, person=number % 4 == 0)
        odds.update(SHAPES_MS)
    assert young.fresh[-1] > 1.05 * old.fresh[-1]


# --- detection ----------------------------------------------------------------------------------------------------


def in_detection(odds: CallOdds, ring_ms: Millis, elapsed_ms: Millis) -> tuple[float, ...]:
    """Chances of a call that was picked up after so long, so long ago."""
    odds.dialed(END_MS)
    odds.picked_up(END_MS, END_MS + ring_ms)
    return flight(odds, END_MS + ring_ms + elapsed_ms)


def test_pick_up_is_a_person_with_the_share_of_its_age() -> None:
    """People pick up first, machines later."""
    for ring_ms, least, most in ((4_000, 0.85, 1.0), (17_000, 0.0, 0.2)):
        assert least < in_detection(learned(), ring_ms, 0)[-1] < most


def test_detection_that_takes_longer_than_people_do_is_no_person() -> None:
    """People: 0.6 … 1.6 s; machines: 2.2 … 4.2 s."""
    early, late = (in_detection(learned(), 14_000, elapsed_ms)[-1] for elapsed_ms in (300, 1_900))
    assert early > 0.1
    assert late < 0.3 * early


def test_chance_rises_when_machines_would_have_been_recognised() -> None:
    def quick_machines(luck: random.Random) -> Call:
        is_person = luck.random() < 0.4
        return Call(5_000, luck.randrange(2_500, 4_000) if is_person else luck.randrange(500, 2_000), is_person)

    odds = CallOdds()
    end_ms = live(odds, (2 * MINUTE_MS, quick_machines))
    odds.dialed(end_ms)
    odds.picked_up(end_ms, end_ms + 5_000)
    at = [flight(odds, end_ms + 5_000 + elapsed_ms)[-1] for elapsed_ms in (0, 1_300, 2_300)]
    assert 0.4 == pytest.approx(at[0], rel=0.2)
    assert at[0] < at[1] < at[2]
    assert at[2] > 0.85


def test_nobody_is_taken_for_certain() -> None:
    odds = CallOdds()
    live(odds, (MINUTE_MS, lambda luck: Call(3_000, 1_000, True)))
    assert odds.fresh[-1] == CERTAIN
    assert 1.0 > in_detection(odds, 3_000, 100)[-1]


def test_slow_verdicts_of_ivr_applications_have_wider_bins() -> None:
    """The caller asks for an agent 30 … 90 s after the answer; longer than the bins for detection reach."""

    def survey(luck: random.Random) -> Call:
        is_person = luck.random() < 0.3
        return Call(luck.randrange(3_000, 9_000), luck.randrange(30_000, 90_000) if is_person else 20_000, is_person)

    assert 30_000 > DELAY_BINS * DELAY_BIN_MS
    odds = CallOdds(IVR_DELAY_BIN_MS)
    end_ms = live(odds, (8 * MINUTE_MS, survey))
    assert 66_000 == pytest.approx(sum(odds.horizons) / HORIZONS, abs=6_000)
    odds.dialed(end_ms)
    odds.picked_up(end_ms, end_ms + 5_000)
    at = [flight(odds, end_ms + 5_000 + elapsed_ms)[-1] for elapsed_ms in (0, 25_000, 99_000)]
    assert 0.9 < at[1] <= CERTAIN, "who is still there after 25 s wants an agent"
    assert at[0] < at[1] > at[2]


# --- the level ----------------------------------------------------------------------------------------------------


def test_doubled_hit_rate_is_followed_within_two_minutes_and_back_again() -> None:
    seen: dict[Millis, float] = {}
    odds = CallOdds()
    good_ms, back_ms = 6 * MINUTE_MS, 10 * MINUTE_MS
    live(
        odds,
        (good_ms, households(0.2)),
        (back_ms - good_ms, households(0.4)),
        (4 * MINUTE_MS, households(0.2)),
        looks=lambda now_ms: seen.__setitem__(now_ms, odds.fresh[-1]),
    )
    before = seen[good_ms]
    within_ms = 140 * SECOND_MS  # calls of the new kind have to ring first
    assert seen[good_ms + within_ms] > 1.5 * before
    assert max(seen[at_ms] for at_ms in range(good_ms, back_ms, UPDATE_MS)) < 2.8 * before
    assert seen[back_ms + within_ms] < 1.5 * before
    assert seen[max(seen)] < 1.35 * before


def test_level_of_steady_calls_is_one() -> None:
    """The mean over many looks: one look sees few persons."""
    levels = []
    odds = CallOdds()
    live(odds, (10 * MINUTE_MS, households()), looks=lambda now_ms: levels.append(odds.level), seed=6)
    settled = levels[len(levels) // 4 :]
    assert 1.0 == pytest.approx(sum(settled) / len(settled), abs=0.06)


def test_group_that_was_not_looked_at_for_long_has_forgotten_nothing() -> None:
    """It dialed progressively, and now dials ahead."""
    odds = CallOdds()
    for number in range(20_000):
        odds.dialed(number)
        if number % 4 == 0:
            odds.picked_up(number, number + 5_000)
            odds.judged_after(number, number + 5_000, number + 6_000, person=True)
        else:
            odds.ended(number, number + 22_000)
    odds.update(50_000)
    assert 1.0 == odds.level
    assert 0.25 == pytest.approx(odds.fresh[-1], rel=0.05)
    assert sum(odds.left) > MEMORY


@pytest.mark.slow
def test_large_group_learns_the_same_as_a_small_one() -> None:
    """200 requests a second: more calls in flight than the shapes remember of a small group."""
    odds = CallOdds()
    live(odds, (2 * MINUTE_MS, households()), is_over=False, per_second=20 * PER_SECOND)
    assert odds.in_flight > MEMORY
    odds.update(2 * MINUTE_MS)
    assert 1.0 == pytest.approx(odds.level, abs=0.15)
    expected = [share_within(truth(households()), horizon_ms) for horizon_ms in odds.horizons]
    assert expected == pytest.approx(odds.fresh, rel=0.15)


def test_lost_node_does_not_change_the_level() -> None:
    """A third of all calls in flight vanishes; the rest goes on as before."""
    odds = CallOdds()
    live(odds, (5 * MINUTE_MS, households()), is_over=False)
    lost, now_ms = deepcopy(odds), 5 * MINUTE_MS
    lost.update(now_ms)
    odds.update(now_ms)
    for slot, count in list(lost._ringing.items()):
        for _ in range(count // 3):
            lost.forgotten(slot * RING_BIN_MS, None, now_ms + 1)
    for each in (lost, odds):
        each.update(now_ms + 2)
    assert lost.in_flight < 0.85 * odds.in_flight
    assert odds.level == pytest.approx(lost.level, abs=0.005)


# --- what is kept -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("picked_at_ms", [None, 4_000], ids=["ringing", "in detection"])
def test_forgotten_call_leaves_nothing_behind(picked_at_ms: Millis | None) -> None:
    odds, other = CallOdds(), CallOdds()
    for each in (odds, other):
        each.dialed(0)
    odds.dialed(500)
    if picked_at_ms is not None:
        odds.picked_up(500, picked_at_ms)
    odds.forgotten(500, picked_at_ms, 5_000)
    assert 1 == odds.in_flight
    assert (other.left, other.persons, other.judged, 0, 0) == (
        odds.left,
        odds.persons,
        odds.judged,
        odds.resolved,
        odds.persons_seen,
    )
    assert other.flights(6_000) == odds.flights(6_000)


def test_forgotten_calls_leave_their_slot_to_the_others() -> None:
    odds = learned()
    for _ in range(3):
        odds.dialed(END_MS)
        odds.picked_up(END_MS, END_MS + 4_000)
    before = odds.flights(END_MS + 4_100)
    odds.forgotten(END_MS, END_MS + 4_000, END_MS + 4_050)
    [(count, chances)] = odds.flights(END_MS + 4_100)
    assert 2 == count
    assert before[0][1] == pytest.approx(chances)


def test_nothing_is_in_flight_when_all_calls_are_over() -> None:
    assert (0, []) == (LEARNED.in_flight, LEARNED.flights(END_MS))


def test_every_call_is_counted_once() -> None:
    assert 6 * 60 * PER_SECOND == LEARNED.resolved
    assert 0.25 == pytest.approx(LEARNED.persons_seen / LEARNED.resolved, rel=0.1)


@pytest.mark.parametrize("calls", [100, 10_000])
def test_memory_does_not_grow_with_the_calls_in_flight(calls: int) -> None:
    """Ten seconds of requests and one second of pick-ups: so many slots, however many calls."""
    odds = learned()
    for number in range(calls):
        odds.dialed(END_MS + 10_000 * number // calls)
    for number in range(calls // 10):
        odds.picked_up(END_MS + 10_000 * number // calls, END_MS + 12_000 + 1_000 * number // calls)
    rows = odds.flights(END_MS + 13_000)
    assert calls == odds.in_flight == sum(count for count, _ in rows)
    assert len(rows) <= 10_000 // RING_BIN_MS + 1_000 // (2 * DELAY_BIN_MS) + 2


@given(
    st.lists(
        st.tuples(
            st.integers(0, 200_000),
            st.integers(0, 100_000),
            st.none() | st.integers(0, 400_000),
            st.booleans(),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_whatever_happens_chances_are_chances(calls: list[tuple[int, int, int | None, bool, bool]]) -> None:
    """In the order of the requests, not of time: also for drivers that deliver late."""
    odds = CallOdds()
    for at_ms, ring_ms, delay_ms, is_person, is_lost in sorted(calls, key=lambda call: call[0]):
        picked_ms = at_ms + ring_ms if delay_ms is not None else None
        odds.dialed(at_ms)
        if picked_ms is not None:
            odds.picked_up(at_ms, picked_ms)
        odds.update(at_ms + ring_ms)
        for _, chances in [(1, odds.fresh), *odds.flights(at_ms + ring_ms)]:
            assert all(0.0 <= chance <= 1.0 for chance in chances)
            assert sorted(chances) == list(chances)
        if is_lost:
            odds.forgotten(at_ms, picked_ms, at_ms + ring_ms)
        elif picked_ms is None:
            odds.ended(at_ms, at_ms + ring_ms)
        else:
            odds.judged_after(at_ms, picked_ms, picked_ms + delay_ms, person=is_person)
    odds.update(10**6)
    assert (0, []) == (odds.in_flight, odds.flights(10**6))
    assert odds.level > 0.0
