"""The level: a steady list leaves it alone, a list that turns moves it soon."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.level import Level

STEP = 0.5
"""Persons expected from one look to the next."""


def follow(level: Level, factor: float, looks: int, luck: random.Random) -> Level:
    """Persons come by chance, `factor` for each one expected."""
    for _ in range(looks):
        level.add(sum(luck.random() < factor * STEP / 20 for _ in range(20)), STEP)
    return level


@pytest.mark.parametrize("seed", range(5))
def test_steady_list_leaves_it_near_one(seed: int) -> None:
    level, luck = Level(), random.Random(seed)
    values = [follow(level, 1.0, 100, luck).value for _ in range(40)]
    assert 0.95 < sum(values) / len(values) < 1.05
    assert 30 <= sum(0.9 < value < 1.1 for value in values), "what is luck is left alone"


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("factor, low, high, persons", [(2.0, 1.4, 2.8, 30), (0.5, 0.3, 0.8, 40), (3.0, 1.7, 4.5, 20)])
def test_turn_is_noticed_after_some_persons(factor: float, low: float, high: float, persons: int, seed: int) -> None:
    luck = random.Random(100 + seed)
    level = follow(Level(), 1.0, 1_000, luck)
    assert low < follow(level, factor, round(persons / STEP), luck).value < high


def test_slow_change_is_followed_without_a_turn() -> None:
    luck = random.Random(7)
    level = follow(Level(), 1.0, 1_000, luck)
    for part in range(20):
        follow(level, 1.0 + 0.01 * part, 100, luck)
    follow(level, 1.2, 1_500, luck)
    assert 1.1 < level.value < 1.3


def test_few_persons_move_it_little() -> None:
    level = Level()
    level.add(3, 1.0)
    assert 1.0 < level.value < 1.2


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.0, 50.0)), max_size=60))
def test_it_is_never_nothing_and_never_without_bound(looks: list[tuple[int, float]]) -> None:
    level = Level()
    for seen, expected in looks:
        level.add(seen, expected)
        assert 0.0 < level.value < 1_000.0
