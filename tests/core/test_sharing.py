"""The port sharing rule: tables, properties, and a slow reference that deals ports out one by one."""

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from outdial.core.errors import InvariantViolated
from outdial.core.sharing import Claim, Rule, Share, share_ports

# --- a slow reference, straight from the rules ------------------------------------------------------------------------


class Regime(NamedTuple):
    """What must stay the same for a larger pool to take nothing from anybody."""

    pinned_ids: frozenset[int]
    has_minimum: bool


def ceiling(claim: Claim, pool: int) -> int:
    return pool if claim.cap_ports is None else min(claim.cap_ports, pool)


def pins_of(pool: int, claims: Sequence[Claim]) -> dict[int, int]:
    if sum(Fraction(c.need_millis, 1000) for c in claims) <= pool:
        return {}
    limit = Fraction(3, 10) * pool / len(claims)
    small = [c for c in claims if 0 < c.need_millis and Fraction(c.need_millis, 1000) < limit]
    pins = {c.group_id: min(ceiling(c, pool), math.ceil(Fraction(c.need_millis, 1000))) for c in small}
    return pins if sum(pins.values()) <= pool else {}


def regime_of(pool: int, claims: Sequence[Claim]) -> Regime:
    return Regime(frozenset(pins_of(pool, claims)), pool >= len(claims))


def deal_one_by_one(pool: int, claims: Sequence[Claim]) -> dict[int, int]:
    """Maximum per group. Every port goes to the group with the highest need / (2 × ports + 1), exact fractions."""
    pins = pins_of(pool, claims)
    ports = {c.group_id: min(c.minimum_ports, ceiling(c, pool)) if pool >= len(claims) else 0 for c in claims}
    ports |= pins
    tiers = (
        [c for c in claims if c.need_millis and c.group_id not in pins],
        [c for c in claims if c.group_id in pins],
        [c for c in claims if not c.need_millis],
    )
    left = pool - sum(ports.values())
    assert left >= 0
    for tier in tiers:
        while left:
            takers = [c for c in tier if ports[c.group_id] < ceiling(c, pool)]
            if not takers:
                break
            prices = {c.group_id: Fraction(c.need_millis or 1, 2 * ports[c.group_id] + 1) for c in takers}
            ports[max(prices, key=lambda group_id: (prices[group_id], -group_id))] += 1
            left -= 1
    return ports


# --- shorthand --------------------------------------------------------------------------------------------------------


def claims_of(*needs: float, caps: dict[int, int] | None = None, minimum: int = 0) -> list[Claim]:
    """Claims with ids 1, 2, …; `caps` by id; needs in ports."""
    return [Claim(i, round(need * 1000), (caps or {}).get(i), minimum) for i, need in enumerate(needs, 1)]


def maxima_of(shares: Sequence[Share]) -> list[int]:
    return [share.maximum_ports for share in shares]


def by_id(shares: Sequence[Share]) -> dict[int, int]:
    return {share.group_id: share.maximum_ports for share in shares}


NEEDS_MILLIS = st.one_of(
    st.sampled_from([0, 0, 1, 333, 500, 999, 1000, 1001, 1500, 3000, 3001, 7000, 10_000]),
    st.integers(0, 2_000),
    st.integers(0, 40_000),
    st.integers(0, 10**10),
)
POOLS = st.integers(0, 90)


@st.composite
def claim_lists(
    draw: st.DrawFn, max_size: int = 9, with_caps: bool = True, need: st.SearchStrategy[int] = NEEDS_MILLIS
):
    ids = draw(st.lists(st.integers(1, 50), min_size=1, max_size=max_size, unique=True))
    caps = st.one_of(st.none(), st.integers(1, 30)) if with_caps else st.none()
    equal = draw(st.booleans()) and draw(need)
    return [Claim(i, draw(need) if equal is False else equal, draw(caps), draw(st.integers(0, 1))) for i in ids]


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pool, needs, maxima",
    [
        (100, (20, 30), [40, 60]),
        (25, (20, 30), [10, 15]),
        (50, (5, 100), [5, 45]),
        (50, (7, 100), [7, 43]),
        (50, (8, 100), [4, 46]),
        (30, (1, 1, 100), [1, 1, 28]),
        (100, (5, 20), [20, 80]),
        (100, (0, 0), [50, 50]),
        (10, (1, 1, 1), [4, 3, 3]),
        (100, (0, 50), [0, 100]),
        (50, (7.4, 100), [8, 42]),
        (50, (7.5, 100), [3, 47]),  # exactly 0.3 × 50 / 2 is not small
        (50, (7.499, 100), [8, 42]),
        (10, (0.428, 5, 5, 5, 5, 5, 5), [1, 2, 2, 2, 1, 1, 1]),  # 0.3 × 10 / 7 = 0.42857…
        (10, (0.429, 5, 5, 5, 5, 5, 5), [0, 2, 2, 2, 2, 1, 1]),
        (0, (1, 2), [0, 0]),
        (0, (0, 0), [0, 0]),
        (1, (0, 0), [1, 0]),
        (1, (5, 5), [1, 0]),
        (7, (0, 0, 0), [3, 2, 2]),
        (50, (50,), [50]),
        (50, (500,), [50]),
        (50, (0,), [50]),
    ],
)
def test_maxima_without_caps(pool: int, needs: tuple[float, ...], maxima: list[int]) -> None:
    assert maxima_of(share_ports(pool, claims_of(*needs))) == maxima


@pytest.mark.parametrize(
    "pool, needs, caps, maxima",
    [
        (100, (20, 30, 50), {3: 10}, [36, 54, 10]),  # what a cap frees goes to the others in proportion
        (100, (20, 30), {1: 10, 2: 20}, [10, 20]),  # every group capped: the pool is not used up
        (100, (20, 30), {1: 40, 2: 60}, [40, 60]),  # caps that just fit
        (100, (20, 30), {1: 200, 2: 300}, [40, 60]),  # caps above the pool
        (50, (5, 100), {2: 10}, [40, 10]),  # only the small group can take the rest
        (50, (5, 100), {1: 3}, [3, 47]),  # a small group's need does not lift its cap
        (50, (5, 100), {1: 8, 2: 10}, [8, 10]),
        (50, (2, 4, 100), {3: 20}, [10, 20, 20]),  # pinned groups: in proportion above their pins
        (40, (1, 3, 100), {2: 4, 3: 20}, [16, 4, 20]),
        (50, (0, 0, 100), {3: 10}, [20, 20, 10]),  # last, groups without need, in equal parts
        (50, (0, 5, 100), {3: 10}, [0, 40, 10]),  # … after pinned groups
        (50, (0, 5, 100), {2: 6, 3: 10}, [34, 6, 10]),
        (50, (0, 0, 20), {1: 3, 3: 10}, [3, 37, 10]),
        (100, (0, 0), {1: 10}, [10, 90]),
        (100, (0, 0), {1: 10, 2: 20}, [10, 20]),
        (10, (5, 5), {1: 0}, [0, 10]),
    ],
)
def test_maxima_with_caps(pool: int, needs: tuple[float, ...], caps: dict[int, int], maxima: list[int]) -> None:
    assert maxima_of(share_ports(pool, claims_of(*needs, caps=caps))) == maxima


@pytest.mark.parametrize(
    "pool, needs, without, with_minimum",
    [
        (100, (0.4, 99.6), [0, 100], [1, 99]),
        (100, (0, 50), [0, 100], [1, 99]),
        (3, (100, 0, 0), [3, 0, 0], [1, 1, 1]),  # T = n: the minimum is in force
        (2, (100, 0, 0), [2, 0, 0], [2, 0, 0]),  # T < n: it is not
        (100, (0, 0), [50, 50], [50, 50]),
        (5, (0, 0, 100), [0, 0, 5], [1, 1, 3]),
        (30, (1, 1, 100), [1, 1, 28], [1, 1, 28]),
        (0, (1, 1), [0, 0], [0, 0]),
    ],
)
def test_minimum_of_one(pool: int, needs: tuple[float, ...], without: list[int], with_minimum: list[int]) -> None:
    assert maxima_of(share_ports(pool, claims_of(*needs))) == without
    assert maxima_of(share_ports(pool, claims_of(*needs, minimum=1))) == with_minimum


def test_minimum_is_for_those_who_claim_it() -> None:
    claims = [Claim(1, 0, None, 1), Claim(2, 0, None, 0), Claim(3, 50_000, None, 0)]
    assert maxima_of(share_ports(10, claims)) == [1, 0, 9]


def test_minimum_does_not_lift_a_cap_of_zero() -> None:
    assert maxima_of(share_ports(10, [Claim(1, 5_000, 0, 1), Claim(2, 5_000, None, 1)])) == [0, 10]


def test_nobody_is_pinned_when_the_pins_do_not_fit() -> None:
    """Needs of 0.05 round up to four ports, and there are three."""
    shares = share_ports(3, claims_of(0.05, 0.05, 0.05, 0.05, 100))
    assert maxima_of(shares) == [0, 0, 0, 0, 3]
    assert {share.rule for share in shares} == {Rule.PROPORTION}


def test_pins_that_just_fit_below_one_port_each_leave_nothing() -> None:
    """An edge of the rule as it stands: with fewer ports than groups the large group may get none."""
    assert maxima_of(share_ports(2, claims_of(0.1, 0.1, 100))) == [1, 1, 0]


def test_smallness_counts_every_group() -> None:
    """Groups without need make the equal part smaller, and so the limit: 0.3 × 50 / 3 = 5."""
    assert maxima_of(share_ports(50, claims_of(5, 100))) == [5, 45]
    assert maxima_of(share_ports(50, claims_of(5, 100, 0))) == [2, 48, 0]


def test_no_claims() -> None:
    assert share_ports(100, []) == []


# --- bad input is a bug of the caller ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pool, claims",
    [
        (-1, []),
        (-1, [Claim(1, 0)]),
        (10, [Claim(1, -1)]),
        (10, [Claim(1, 1, -1)]),
        (10, [Claim(1, 1, None, 2)]),
        (10, [Claim(1, 1, None, -1)]),
        (10, [Claim(1, 1), Claim(2, 1), Claim(1, 1)]),
    ],
)
def test_impossible_input_is_a_bug(pool: int, claims: list[Claim]) -> None:
    with pytest.raises(InvariantViolated):
        share_ports(pool, claims)


# --- properties -------------------------------------------------------------------------------------------------------


@given(POOLS, claim_lists())
def test_agrees_with_dealing_one_by_one(pool: int, claims: list[Claim]) -> None:
    assert by_id(share_ports(pool, claims)) == deal_one_by_one(pool, claims)


@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_dealing_one_by_one_for_many_groups(seed: int) -> None:
    """Enough groups that the search for the rate has work to do."""
    dice = random.Random(seed)
    shapes = (
        lambda: dice.choice([1, 1000, 1001]),
        lambda: int(1000 * dice.paretovariate(0.4)),
        lambda: 2 ** dice.randrange(40),
        lambda: dice.randrange(0, 30_000),
    )
    shape = shapes[seed % len(shapes)]
    claims = [Claim(i, shape(), dice.choice([None, dice.randrange(1, 20)]), dice.randrange(2)) for i in range(1, 60)]
    pool = dice.choice([30, 59, 150, 400])
    assert by_id(share_ports(pool, claims)) == deal_one_by_one(pool, claims)


@given(POOLS, claim_lists())
def test_maxima_add_up_to_the_pool_unless_all_are_capped(pool: int, claims: list[Claim]) -> None:
    shares = share_ports(pool, claims)
    assert sum(maxima_of(shares)) == min(pool, sum(ceiling(claim, pool) for claim in claims))
    assert all(share.maximum_ports <= ceiling(claim, pool) for share, claim in zip(shares, claims, strict=True))


@given(POOLS, claim_lists())
def test_a_minimum_of_one_holds_while_there_is_a_port_for_each(pool: int, claims: list[Claim]) -> None:
    assume(pool >= len(claims))
    shares = share_ports(pool, claims)
    assert all(share.maximum_ports >= claim.minimum_ports for share, claim in zip(shares, claims, strict=True))


@given(POOLS, claim_lists(), st.randoms(use_true_random=False))
def test_the_order_of_claims_never_matters(pool: int, claims: list[Claim], dice: random.Random) -> None:
    other = list(claims)
    dice.shuffle(other)
    shares, others = share_ports(pool, claims), share_ports(pool, other)
    assert [share.group_id for share in shares] == [claim.group_id for claim in claims]
    assert {share.group_id: share for share in shares} == {share.group_id: share for share in others}


@given(POOLS, claim_lists(with_caps=False))
@example(50, claims_of(5, 100))
@example(30, claims_of(0.2, 1.5, 100))
def test_small_groups_get_exactly_their_need_rounded_up(pool: int, claims: list[Claim]) -> None:
    maxima, pins = by_id(share_ports(pool, claims)), pins_of(pool, claims)
    assert {group_id: maxima[group_id] for group_id in pins} == pins


@given(POOLS, claim_lists(), st.integers(1, 20))
def test_a_larger_pool_takes_nothing_within_one_regime(pool: int, claims: list[Claim], more: int) -> None:
    assume(regime_of(pool, claims) == regime_of(pool + more, claims))
    before, after = share_ports(pool, claims), share_ports(pool + more, claims)
    assert all(a.maximum_ports <= b.maximum_ports for a, b in zip(before, after, strict=True))


@given(POOLS, claim_lists(), st.integers(1, 20_000), st.data())
def test_a_larger_need_costs_its_group_nothing_within_one_regime(
    pool: int, claims: list[Claim], more: int, data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, len(claims) - 1))
    old = claims[k]
    assume(old.need_millis > 0)
    greedy = [
        *claims[:k],
        Claim(old.group_id, old.need_millis + more, old.cap_ports, old.minimum_ports),
        *claims[k + 1 :],
    ]
    assume(regime_of(pool, claims) == regime_of(pool, greedy))
    assert share_ports(pool, claims)[k].maximum_ports <= share_ports(pool, greedy)[k].maximum_ports


@pytest.mark.parametrize(
    "pool, needs, minimum, before, after",
    [
        (53, (8, 100), 0, [4, 49], [8, 46]),  # a growing pool makes a group small
        (99, (0.4, 99.6), 0, [1, 98], [0, 100]),  # the shortage ends, and the pins with it
        (2, (100, 0, 0), 1, [2, 0, 0], [1, 1, 1]),  # the minimum starts
        (2, (0.05, 0.05, 0.05, 100), 0, [0, 0, 0, 2], [1, 1, 1, 0]),  # the pins begin to fit
    ],
)
def test_the_four_edges_at_which_a_larger_pool_takes_ports(
    pool: int, needs: tuple[float, ...], minimum: int, before: list[int], after: list[int]
) -> None:
    claims = claims_of(*needs, minimum=minimum)
    assert maxima_of(share_ports(pool, claims)) == before
    assert maxima_of(share_ports(pool + 1, claims)) == after
    assert regime_of(pool, claims) != regime_of(pool + 1, claims)


# --- exactness --------------------------------------------------------------------------------------------------------


def test_ties_go_to_the_lowest_group_id() -> None:
    claims = [Claim(9, 1_000), Claim(4, 1_000), Claim(7, 1_000)]
    assert by_id(share_ports(2, claims)) == {9: 0, 4: 1, 7: 1}
    assert by_id(share_ports(4, claims)) == {9: 1, 4: 2, 7: 1}


def test_ties_across_different_needs_are_exact() -> None:
    """Needs 1, 3, 5, …: the last port of every group costs exactly the same, and floats would disagree about it."""
    needs = [2 * k + 1 for k in range(30)]
    claims = [Claim(100 - k, 10**12 * need) for k, need in enumerate(needs)]
    pool = sum(range(30)) + 7  # every group has (need - 1) / 2 ports; seven of thirty equal offers are left to take
    maxima = by_id(share_ports(pool, claims))
    lowest = sorted(claim.group_id for claim in claims)[:7]
    assert maxima == {100 - k: k + (100 - k in lowest) for k in range(30)}


def test_a_thousandth_of_a_port_among_huge_needs_decides() -> None:
    huge = 10**18
    assert maxima_of(share_ports(1, [Claim(1, huge), Claim(2, huge + 1)])) == [0, 1]
    assert maxima_of(share_ports(3, [Claim(1, huge), Claim(2, huge + 1)])) == [1, 2]


def test_tiny_and_huge_needs_together() -> None:
    claims = [Claim(1, 1), Claim(2, 10**15), Claim(3, 1)]
    assert maxima_of(share_ports(10, claims)) == [1, 8, 1]  # the tiny ones are small groups
    assert maxima_of(share_ports(2, claims)) == [1, 0, 1]


def assert_no_better_offer_was_refused(pool: int, claims: Sequence[Claim], shares: Sequence[Share]) -> None:
    """Highest averages, checked from its result: the worst port given is better than the best one refused."""
    taken = [
        (Fraction(c.need_millis, 2 * s.maximum_ports - 1), -c.group_id)
        for c, s in zip(claims, shares, strict=True)
        if s.maximum_ports > c.minimum_ports
    ]
    refused = [
        (Fraction(c.need_millis, 2 * s.maximum_ports + 1), -c.group_id)
        for c, s in zip(claims, shares, strict=True)
        if s.maximum_ports < ceiling(c, pool)
    ]
    assert sum(maxima_of(shares)) == pool
    assert min(taken) > max(refused)


@pytest.mark.parametrize("pool", [1_500, 2_000, 7_777, 10_000_000])
@pytest.mark.parametrize("shape", ["equal", "uniform", "heavy tail", "doubling"])
def test_large_pools_are_exact(shape: str, pool: int) -> None:
    dice = random.Random(pool)
    draws = {
        "equal": lambda: 10**9,
        "uniform": lambda: dice.randrange(10**9, 10**10),
        "heavy tail": lambda: 10**9 + int(10**9 * dice.paretovariate(0.5)),
        "doubling": lambda: 10**9 * 2 ** dice.randrange(30),
    }
    claims = [
        Claim(i, draws[shape](), dice.choice([None, None, 2, 9, 100]), dice.randrange(2)) for i in range(1, 1_000)
    ]
    assert not pins_of(pool, claims)
    assert_no_better_offer_was_refused(pool, claims, share_ports(pool, claims))


# --- rules and reasons ------------------------------------------------------------------------------------------------


@given(POOLS, claim_lists(), st.data())
def test_capped_means_that_without_the_cap_there_would_be_more(
    pool: int, claims: list[Claim], data: st.DataObject
) -> None:
    k = data.draw(st.integers(0, len(claims) - 1))
    old = claims[k]
    freed = [*claims[:k], Claim(old.group_id, old.need_millis, None, old.minimum_ports), *claims[k + 1 :]]
    share, share_freed = share_ports(pool, claims)[k], share_ports(pool, freed)[k]
    assert (share.rule is Rule.CAPPED) == (share_freed.maximum_ports > share.maximum_ports)


@given(POOLS, claim_lists(), st.data())
def test_minimum_means_that_without_it_there_would_be_none(pool: int, claims: list[Claim], data: st.DataObject) -> None:
    k = data.draw(st.integers(0, len(claims) - 1))
    old = claims[k]
    assume(old.need_millis > 0)
    bare = [*claims[:k], Claim(old.group_id, old.need_millis, old.cap_ports, 0), *claims[k + 1 :]]
    share, share_bare = share_ports(pool, claims)[k], share_ports(pool, bare)[k]
    assert (share.rule is Rule.MINIMUM_ONE) == (share.maximum_ports == 1 and share_bare.maximum_ports == 0)


@given(POOLS, claim_lists())
def test_small_group_means_pinned(pool: int, claims: list[Claim]) -> None:
    pins = pins_of(pool, claims)
    for share in share_ports(pool, claims):
        assert share.is_small == (share.group_id in pins)
        assert share.rule is not Rule.SMALL_GROUP or share.is_small
        assert share.rule is not Rule.PROPORTION or not share.is_small
        assert share.rule is not Rule.EQUAL_PARTS or share.need_millis == 0


@given(POOLS, claim_lists())
def test_every_share_has_a_readable_reason(pool: int, claims: list[Claim]) -> None:
    for share in share_ports(pool, claims):
        assert share.reason and "\n" not in share.reason and len(share.reason) < 250


@pytest.mark.parametrize(
    "pool, claims, rules, reasons",
    [
        (
            50,
            claims_of(5, 100),
            [Rule.SMALL_GROUP, Rule.PROPORTION],
            [
                "needs 5, less than 0.3 × 50 / 2 = 7.5: gets its need",
                "needs 100 of the 100 ports that all groups above the small limit need: 45 of 45 ports in proportion",
            ],
        ),
        (
            50,
            claims_of(6.25, 100),
            [Rule.SMALL_GROUP, Rule.PROPORTION],
            [
                "needs 6.25, less than 0.3 × 50 / 2 = 7.5: gets its need, rounded up to 7",
                "needs 100 of the 100 ports that all groups above the small limit need: 43 of 43 ports in proportion",
            ],
        ),
        (
            50,
            claims_of(8, 100),
            [Rule.PROPORTION, Rule.PROPORTION],
            [
                "needs 8 of the 108 ports that all groups need: 3.704 of 50 ports in proportion, 4 in whole ports",
                "needs 100 of the 108 ports that all groups need: 46.296 of 50 ports in proportion, 46 in whole ports",
            ],
        ),
        (
            50,
            claims_of(5, 100, caps={2: 10}),
            [Rule.SMALL_GROUP, Rule.CAPPED],
            [
                "needs 5, less than 0.3 × 50 / 2 = 7.5: gets its need, and 35 that caps of other groups leave",
                "capped at 10; its part would be 45",
            ],
        ),
        (
            50,
            claims_of(10, 100, caps={1: 6, 2: 5}),
            [Rule.CAPPED, Rule.CAPPED],
            [
                "capped at 6; its part would be 4.545, and more that caps of other groups leave",
                "capped at 5; its part would be 45.455",
            ],
        ),
        (
            50,
            claims_of(5, 100, 0, 0, caps={1: 2, 2: 10, 3: 3}),
            [Rule.CAPPED, Rule.CAPPED, Rule.CAPPED, Rule.EQUAL_PARTS],
            [
                "capped at 2; its part would be 2.381",
                "capped at 10; its part would be 47.619",
                "capped at 3; needs no ports, and has a part in 38 that caps of other groups leave",
                "needs no ports: an equal part of 38 that caps of other groups leave",
            ],
        ),
        (
            50,
            claims_of(5, 100, caps={1: 2}),
            [Rule.CAPPED, Rule.PROPORTION],
            [
                "capped at 2; needs 5",
                "needs 100 of the 100 ports that all groups above the small limit need: 48 of 48 ports in proportion",
            ],
        ),
        (
            7,
            claims_of(0, 0),
            [Rule.EQUAL_PARTS, Rule.EQUAL_PARTS],
            ["no group needs ports: 3.5 of 7 in equal parts", "no group needs ports: 3.5 of 7 in equal parts"],
        ),
        (
            100,
            claims_of(0.4, 99.6, 0, minimum=1),
            [Rule.MINIMUM_ONE, Rule.PROPORTION, Rule.MINIMUM_ONE],
            [
                "needs 0.4: 0.396 of 99 ports in proportion, but never gets less than one port",
                "needs 99.6 of the 100 ports that all groups need: 98.604 of 99 ports in proportion, "
                "98 after caps and minimums of other groups",
                "needs 0, but never gets less than one port",
            ],
        ),
        (
            1,
            claims_of(5, 0, minimum=1),
            [Rule.PROPORTION, Rule.PROPORTION],
            [
                "needs 5 of the 5 ports that all groups need: 1 of 1 ports in proportion",
                "needs no ports, and the others may use them all; a pool of 1 has no port for each of 2 groups",
            ],
        ),
    ],
)
def test_rules_and_reasons(pool: int, claims: list[Claim], rules: list[Rule], reasons: list[str]) -> None:
    shares = share_ports(pool, claims)
    assert [share.rule for share in shares] == rules
    assert [share.reason for share in shares] == reasons


def test_exact_share_in_thousandths() -> None:
    shares = share_ports(50, claims_of(8, 100))
    assert [share.share_millis for share in shares] == [3_704, 46_296]
    assert [share.share_millis for share in share_ports(50, claims_of(5, 100))] == [5_000, 45_000]
    assert [share.share_millis for share in share_ports(7, claims_of(0, 0))] == [3_500, 3_500]
    assert [share.share_millis for share in share_ports(7, claims_of(0, 3))] == [0, 7_000]
