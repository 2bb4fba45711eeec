"""The queue of deadlines: one per owner, earliest first, never growing beyond what is armed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.deadlines import STALE_SLACK, Deadlines, Key, Timer

FIRST, SECOND, THIRD = ((Timer.CALL, number) for number in (1, 2, 3))


def armed(*pairs: tuple[Key, int]) -> Deadlines:
    """A queue with deadlines set in this order."""
    deadlines = Deadlines()
    for key, at_ms in pairs:
        deadlines.arm(key, at_ms)
    return deadlines


def popped(deadlines: Deadlines, mono_ms: int) -> list[Key]:
    """Everything that is due, in order."""
    keys = []
    while (key := deadlines.pop_due(mono_ms)) is not None:
        keys.append(key)
    return keys


def test_nothing_is_due_in_an_empty_queue() -> None:
    assert (None, None, 0) == (Deadlines().next_at(), Deadlines().pop_due(10**9), len(Deadlines()))


def test_earliest_deadline_comes_first() -> None:
    deadlines = armed((FIRST, 30), (SECOND, 10), (THIRD, 20))
    assert 10 == deadlines.next_at()
    assert [SECOND, THIRD, FIRST] == popped(deadlines, 30)


def test_equal_deadlines_come_in_the_order_in_which_they_were_set() -> None:
    assert [SECOND, FIRST, THIRD] == popped(armed((SECOND, 10), (FIRST, 10), (THIRD, 10)), 10)


def test_deadline_is_due_at_its_instant_and_not_before() -> None:
    deadlines = armed((FIRST, 10))
    assert deadlines.pop_due(9) is None
    assert FIRST == deadlines.pop_due(10)
    assert deadlines.pop_due(10) is None


@pytest.mark.parametrize("second", [5, 50])
def test_setting_it_again_moves_it(second: int) -> None:
    deadlines = armed((FIRST, 10), (FIRST, second))
    assert (1, second, second) == (len(deadlines), deadlines.at(FIRST), deadlines.next_at())
    assert [FIRST] == popped(deadlines, 100)


def test_setting_it_to_the_same_instant_again_keeps_its_place() -> None:
    assert [FIRST, SECOND] == popped(armed((FIRST, 10), (SECOND, 10), (FIRST, 10)), 10)


def test_moving_it_away_and_back_puts_it_behind_its_equals() -> None:
    assert [SECOND, FIRST] == popped(armed((FIRST, 10), (SECOND, 10), (FIRST, 20), (FIRST, 10)), 10)


def test_disarmed_deadline_never_comes() -> None:
    deadlines = armed((FIRST, 10), (SECOND, 20))
    deadlines.disarm(FIRST)
    deadlines.disarm(THIRD)
    assert (None, 20) == (deadlines.at(FIRST), deadlines.next_at())
    assert [SECOND] == popped(deadlines, 100)


def test_owners_of_different_kinds_do_not_meet() -> None:
    deadlines = armed(((Timer.CALL, 1), 10), ((Timer.AGENT, 1), 20))
    deadlines.disarm((Timer.CALL, 1))
    assert [(Timer.AGENT, 1)] == popped(deadlines, 100)


def test_queue_does_not_grow_with_moves() -> None:
    deadlines = armed((FIRST, 10**9))
    for at_ms in range(5_000):
        deadlines.arm(SECOND, 10**6 + at_ms)
        deadlines.arm(THIRD, 10**6 + at_ms)
        deadlines.disarm(THIRD)
    assert 2 == len(deadlines)
    assert 2 * 3 + STALE_SLACK >= len(deadlines._heap)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("arm"), st.integers(1, 6), st.integers(0, 40)),
        st.tuples(st.just("disarm"), st.integers(1, 6), st.just(0)),
        st.tuples(st.just("pop"), st.just(0), st.integers(0, 40)),
    ),
    max_size=50,
)


@given(ACTS)
def test_queue_is_a_sorted_dictionary(acts: list[tuple[str, int, int]]) -> None:
    deadlines = Deadlines()
    model: dict[Key, tuple[int, int]] = {}
    for serial, (act, number, at_ms) in enumerate(acts):
        key = (Timer.GROUP, number)
        if act == "arm":
            deadlines.arm(key, at_ms)
            if key not in model or model[key][0] != at_ms:  # set to what it is already, it keeps its place
                model[key] = (at_ms, serial)
        elif act == "disarm":
            deadlines.disarm(key)
            model.pop(key, None)
        else:
            due = sorted((when, owner) for owner, when in model.items() if when[0] <= at_ms)
            expected = due[0][1] if due else None
            assert expected == deadlines.pop_due(at_ms)
            model.pop(expected, None)
        assert min((when[0] for when in model.values()), default=None) == deadlines.next_at()
        assert len(model) == len(deadlines)
