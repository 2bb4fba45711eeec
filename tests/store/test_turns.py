"""Whose turn it is: shares by weight, without bursts, and nothing left over."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.sim.lists import Lists, SyntheticSource
from outdial.sim.settings import ListShape
from outdial.store.turns import Claim, Credit

WEIGHTS = st.lists(st.integers(1, 100), min_size=1, max_size=5)


def claimed(credit: Credit, lists, stock: dict[int, int], chains_max: int) -> tuple[list[int], Claim[int]]:
    """Claim from lists with so many chains. Returns the list of each chain, in order; `stock` shrinks."""
    claim: Claim[int] = Claim(credit, lists, chains_max)
    while asked := claim.asked():
        for list_id, count in asked.items():
            given = min(count, stock.get(list_id, 0))
            stock[list_id] = stock.get(list_id, 0) - given
            claim.gave(list_id, [list_id] * given)
    return claim.in_turn(), claim


@given(WEIGHTS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_turns_are_those_of_the_simulated_lists(weights, claims):
    lists = list(enumerate(weights, 1))
    simulated = Lists([SyntheticSource(ListShape(list_id, 1_000)) for list_id, _ in lists])
    credit: Credit = {}
    for chains_max in claims:
        chains, _, _ = simulated.claim(0, lists, chains_max)
        turns, _ = claimed(credit, lists, {list_id: 1_000 for list_id, _ in lists}, chains_max)
        assert turns == [chain.records[0].list_id for chain in chains]


@given(WEIGHTS, st.lists(st.integers(0, 30), min_size=5, max_size=5), st.integers(1, 60))
def test_a_claim_takes_what_there_is(weights, stock, chains_max):
    lists = list(enumerate(weights, 1))
    left = dict(enumerate(stock[: len(lists)], 1))
    before = dict(left)
    turns, claim = claimed({}, lists, left, chains_max)
    assert len(turns) == min(chains_max, sum(before.values()))
    assert all(left[list_id] == count - turns.count(list_id) for list_id, count in before.items())
    assert all(not left[list_id] for list_id, _ in lists if list_id not in dict(claim.open_lists))


@given(WEIGHTS, st.integers(1, 7))
def test_a_full_round_gives_each_list_its_weight_however_small_the_claims(weights, chains_max):
    lists = list(enumerate(weights, 1))
    credit: Credit = {}
    turns: list[int] = []
    while len(turns) < sum(weights):
        turns += claimed(credit, lists, dict.fromkeys(dict(lists), 1_000), min(chains_max, sum(weights) - len(turns)))[
            0
        ]
    assert Counter(turns) == Counter(dict(lists))


def test_the_heads_of_a_list_keep_their_order():
    claim: Claim[str] = Claim({}, [(1, 2), (2, 1)], 6)
    assert claim.asked() == {1: 4, 2: 2}
    claim.gave(1, ["a", "b", "c", "d"])
    claim.gave(2, ["x"])
    assert claim.asked() == {1: 1}
    claim.gave(1, ["e"])
    assert claim.asked() == {}
    assert claim.in_turn() == ["a", "x", "b", "c", "d", "e"]
    assert claim.open_lists == [(1, 2)]


@pytest.mark.parametrize("lists", [[], [(1, 5)]])
def test_without_lists_or_stock_the_claim_is_over_at_once(lists):
    assert claimed({}, lists, {}, 10)[0] == []


def test_a_list_that_was_empty_is_not_paid_back():
    credit: Credit = {}
    lists = [(1, 1), (2, 1)]
    claimed(credit, lists, {1: 0, 2: 1_000}, 100)
    turns, _ = claimed(credit, lists, {1: 1_000, 2: 1_000}, 10)
    assert Counter(turns) == {1: 5, 2: 5}
