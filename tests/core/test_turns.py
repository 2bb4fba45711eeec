"""Whether a list has turned better or worse: by hand, as a rule, and in long runs of luck."""

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.estimates import HIT_MEMORY, RATIO_MIN, Estimates, Mean
from outdial.core.turns import BELIEVED, BINS, ODDS, PRIOR_CALLS, SURE, Turn, Turns

KNOWN = 0.2
AFTER = 2.5 * 0.2 / (0.8 + 2.5 * 0.2)
"""Share of persons if the odds are 2.5 times those of one in five."""


def started(factor: float = ODDS, waiting=()) -> Turn:
    turn = Turn(factor)
    turn.look(KNOWN, 0, 0, waiting)
    return turn


# --- one change -----------------------------------------------------------------------------------------------------


def test_evidence_of_calls_that_have_ended_by_hand() -> None:
    turn = started()
    turn.look(KNOWN, 0, 1, ())
    assert (0.0, 0.0, 0) == (turn.evidence, turn.attempts, turn.persons), "nothing speaks for it: from here on"
    turn.look(KNOWN, 1, 1, ())
    assert math.log(AFTER / KNOWN * (1 - AFTER) / (1 - KNOWN)) == pytest.approx(turn.evidence)
    assert (2, 1) == (turn.attempts, turn.persons)


def test_first_look_only_begins() -> None:
    turn = Turn(ODDS)
    turn.look(KNOWN, 50, 0, [(3, 0.5)])
    assert (0.0, 0.0, 0) == (turn.evidence, turn.attempts, turn.persons)


def test_calls_that_ring_on_say_that_the_list_has_gone_bad() -> None:
    """Ten calls at an age at which half of the persons had a verdict: of each (1 − q/2) / (1 − p/2)."""
    after = 0.4 * 0.2 / (0.8 + 0.4 * 0.2)
    turn = started(0.4, [(10, 0.0)])
    turn.look(KNOWN, 0, 0, [(10, 0.5)])
    assert 10 * math.log((1 - after / 2) / (1 - KNOWN / 2)) == pytest.approx(turn.evidence)
    assert (5.0, 0) == (turn.attempts, turn.persons)
    turn.look(KNOWN, 0, 10, ())
    assert 10 * math.log((1 - after) / (1 - KNOWN)) == pytest.approx(turn.evidence), "as if they had ended at once"
    assert 10.0 == pytest.approx(turn.attempts)


def test_what_is_on_its_way_when_a_turn_may_begin_does_not_count_twice() -> None:
    turn = started(0.4, [(10, 0.9)])
    turn.look(KNOWN, 0, 10, ())
    assert 1.0 == pytest.approx(turn.attempts), "nine tenths of it were known before"


def test_burst_is_not_a_better_list() -> None:
    """A hundred calls at once, twenty of them persons after 5 s, the others end after 25 s."""
    turn = started()
    turn.look(KNOWN, 20, 0, [(80, 1.0)])
    assert turn.evidence < 0.5
    fooled = started()
    fooled.look(KNOWN, 20, 0, ())
    assert fooled.evidence > SURE, "planted: without the calls on their way it would be one"


@pytest.mark.parametrize("evidence, belief", [(0.0, 0.0), (math.log(1 + math.exp(BELIEVED)), 0.5), (SURE, 0.9994)])
def test_belief_grows_with_evidence(evidence: float, belief: float) -> None:
    assert belief == pytest.approx(Turn(ODDS, evidence=evidence).belief, abs=1e-4)


def test_share_is_weighted_by_belief() -> None:
    turn = Turn(ODDS, evidence=math.log(1 + math.exp(BELIEVED)), attempts=15.0, persons=9)
    assert (0.2 + (9 + PRIOR_CALLS * 0.2) / 20) / 2 == pytest.approx(turn.share(0.2))


LOOKS = st.lists(
    st.tuples(
        st.integers(0, 9), st.integers(0, 9), st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=4)
    ),
    max_size=60,
)


@given(st.floats(RATIO_MIN, 1 - RATIO_MIN), st.sampled_from([ODDS, 1 / ODDS]), LOOKS)
def test_turns_are_of_what_was_seen(share: float, factor: float, looks) -> None:
    turn = Turn(factor)
    for persons, others, waiting in looks:
        turn.look(share, persons, others, waiting)
        assert turn.evidence >= 0.0 and turn.attempts >= 0.0 and turn.persons >= 0
        assert 0.0 <= turn.share(share) <= 1.0


# --- a group's --------------------------------------------------------------------------------------------------------


def test_calls_are_on_their_way_until_they_end_or_their_node_is_lost() -> None:
    turns = Turns()
    for at_ms in (1_000, 1_500, 9_000):
        turns.dialed(at_ms)
    turns.ended(1_500, 12_000, person=True)
    turns.lost(9_000)
    assert {1: 1} == turns._waiting
    turns.ended(1_000, 26_000, person=False)
    assert {} == turns._waiting


def test_verdicts_of_persons_are_learned_and_bounded() -> None:
    turns = Turns()
    for _ in range(5_000):
        turns.dialed(0)
        turns.ended(0, 3_000, person=True)
        turns.look(KNOWN, 10_000)
    turns.dialed(0)
    [(count, known)] = turns._on_their_way(4_000)
    assert (1, 1.0) == (count, pytest.approx(known, abs=0.01))
    assert sum(turns._verdicts) < 1_100 and BINS == len(turns._verdicts)


def test_turn_beyond_doubt_starts_everything_anew() -> None:
    turns = Turns()
    turns.look(KNOWN, 0)
    for _ in range(30):
        turns.dialed(0)
        turns.ended(0, 5_000, person=True)
    turns.dialed(1_000)
    turn = turns.look(KNOWN, 30_000)
    assert turn is not None and (30, ODDS) == (turn.persons, turn.factor)
    assert turns.look(0.9, 31_000) is None
    assert 0.0 == turns.better.evidence == turns.worse.evidence


def test_late_persons_make_no_share_beyond_one() -> None:
    """Forty calls that were nearly given up, and all of them are persons."""
    learned = Estimates(hit_ratio=Mean(KNOWN, weight=float(HIT_MEMORY), memory=HIT_MEMORY))
    for _ in range(40):
        learned.attempt_dialed(0)
    learned.follow_turns(19_000)
    for _ in range(40):
        learned.attempt_resolved(0, 19_500, person=True)
    learned.follow_turns(20_000)
    assert learned.hit_ratio.weight < HIT_MEMORY, "that is a turn"
    assert 1.0 == learned.hit_ratio.value


def test_lost_node_turns_no_list() -> None:
    turns = Turns()
    for _ in range(200):
        turns.dialed(0)
    turns.look(KNOWN, 12_000)
    turns.look(KNOWN, 14_000)
    for _ in range(200):
        turns.lost(0)
    turns.look(KNOWN, 15_000)
    turns.look(KNOWN, 60_000)
    assert 0.0 == turns.better.evidence == turns.worse.evidence


# --- long runs --------------------------------------------------------------------------------------------------------


def dial(learned: Estimates, random: Random, minutes: int, hit: float, per_look: int = 10) -> list[float]:
    """Calls as they are: persons after 4 to 20 s, others after 25; a look every 5 s. Returns the hit ratio at each."""
    begun_ms = 100_000 * learned.finished
    fates, said = [], []
    for look in range(12 * minutes):
        now_ms = begun_ms + 5_000 * look
        for _ in range(per_look):
            is_person = random.random() < hit
            fates.append(
                (now_ms + random.randrange(4_000, 20_000) if is_person else now_ms + 25_000, now_ms, is_person)
            )
            learned.attempt_dialed(now_ms)
        fates.sort()
        while fates and fates[0][0] <= now_ms:
            at_ms, dialed_at_ms, is_person = fates.pop(0)
            learned.attempt_resolved(dialed_at_ms, at_ms, person=is_person)
        learned.follow_turns(now_ms)
        said.append(learned.hit)
    for at_ms, dialed_at_ms, is_person in fates:
        learned.attempt_resolved(dialed_at_ms, at_ms, person=is_person)
    return said


def known() -> Estimates:
    return Estimates(hit_ratio=Mean(KNOWN, weight=float(HIT_MEMORY), memory=HIT_MEMORY))


@pytest.mark.parametrize("after, within", [(0.4, 60), (0.1, 90)])
def test_thirty_agents_follow_a_step_within_a_minute_or_two(after: float, within: int) -> None:
    """At 120 calls a minute: median of 40 lists."""
    seconds = []
    for seed in range(40):
        said = dial(known(), Random(seed), 8, after)
        seconds.append(next((5 * place for place, hit in enumerate(said) if abs(hit / after - 1) < 0.1), 999))
    assert sorted(seconds)[20] <= within


@pytest.mark.slow
def test_steady_list_is_seldom_taken_for_another() -> None:
    said = dial(known(), Random(1), 2_000, KNOWN)
    assert sum(abs(math.log(hit / KNOWN)) > 0.4 for hit in said) < 0.06 * len(said)
    assert 0.2 == pytest.approx(sum(said) / len(said), rel=0.02)
    assert 1 / 0.2 == pytest.approx(sum(1 / hit for hit in said) / len(said), rel=0.04), "ports go with it"
