"""How the campaign groups on one dialer share its ports.

Theory. Every dynamic group needs some mean number of ports: an estimate. Maxima are proportional to needs and add up to
the pool, so groups are scaled up when there is plenty and down when there is not. Two things disturb that: a group that
needs very little would starve in a shortage, so it is given its need; and a group may carry a cap. Ports are whole, and
how a proportion is rounded matters: "largest remainder" can take a port from a group because the pool *grew*.

The rules. T = ports of the pool, n = number of claims, needs in ports.

1. *Proportion.* While the needs fit into T, every group gets its proportion of T. No need at all: equal parts.
2. *Small groups.* In a shortage (needs > T) a group with need < 0.3 × T / n is small and is pinned to its need, rounded
   up; the others share the rest. Decided once, against n and T as they are. If the pins do not fit into T, which takes
   T < n, nobody is pinned.
3. *Caps.* A cap is never exceeded. What it frees goes to the others of the same kind in proportion; when all of those
   are at their caps, to the pinned groups above their pins in proportion; last, to groups without need in equal parts.
4. *Whole ports.* Highest averages with the divisors 1, 3, 5, … (Sainte-Laguë): the next port goes to the group whose
   need / (2 × ports so far + 1) is highest; ties go to the lowest group id. Integers decide, never floats.
5. *Minimum of one.* A claim with `minimum_ports` 1 gets at least one port while T >= n.

Source: Outbound Contact Deployment Guide, "Dynamic Port Allocation Between Campaign Groups", Examples 1-3 (pool; needs
-> maxima): (100; 20, 30) -> 40, 60. (25; 20, 30) -> 10, 15. (50; 5, 100) -> 5, 45. Example 3 prints its inequality the
other way round; only "<" gives the numbers of all three.
Ours: small groups only in a shortage, "<" at equality, the rounding, the minimum, who takes what caps free. Reasons:
decision 0004.

Invariants, each tested against random claims:

* the maxima add up to T, or to the sum of the caps when every group is capped and the caps do not reach T;
* no maximum exceeds its cap; with T >= n no maximum is below its minimum;
* the order of the claims never matters;
* a larger pool takes no port from anyone *while the same groups are pinned and the minimum stays in or out of force*.

The last one has edges, all of them in the rules themselves and none in the rounding:

* 0.3 × T / n grows with T, so a growing pool may make a group small; it gains, the others pay: (53; 8, 100) -> 4, 49,
  (54; 8, 100) -> 8, 46. For the same reason a group that needs more can get less: compare (50; 7, 100) -> 7, 43 with
  (50; 8, 100) -> 4, 46.
* With the shortage the pins end, and a need that was rounded up is rounded like all others: (99; 0.4, 99.6) -> 1, 98,
  (100; 0.4, 99.6) -> 0, 100.
* The minimum starts at T = n: (2; 100, 0, 0) -> 2, 0, 0, (3; 100, 0, 0) -> 1, 1, 1. Below, pins may begin to fit.
"""

import enum
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat
from operator import attrgetter
from typing import NamedTuple

from outdial.core.errors import InvariantViolated
from outdial.core.units import GroupId

PORT_MILLIS = 1_000
"""Needs are counted in thousandths of a port."""

SMALL_NUMERATOR, SMALL_DENOMINATOR = 3, 10
"""A group is small below this part of an equal part of the pool: 0.3. Source: the guide, Example 3."""


class Rule(enum.StrEnum):
    """What decided a group's number."""

    PROPORTION = "proportion"
    """In proportion to its need."""
    SMALL_GROUP = "small group"
    """Pinned to its need in a shortage."""
    CAPPED = "capped"
    """Its cap: without it the group would have more."""
    EQUAL_PARTS = "equal parts"
    """Needs nothing, and takes an equal part of what nobody with a need may have."""
    MINIMUM_ONE = "minimum of one"
    """Without the minimum the group would have none."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one dynamic group claims of the pool."""

    group_id: GroupId
    """Unique among the claims of one pool."""
    need_millis: int
    """Estimated mean ports. Unit: thousandths of a port. Range: ≥ 0."""
    cap_ports: int | None = None
    """Never more than this. Unit: ports. Range: ≥ 0; None: no cap."""
    minimum_ports: int = 0
    """Never less than this while the pool has a port for every claim. Unit: ports. Range: 0 or 1."""


class Terms(NamedTuple):
    """What all shares of one pool have in common: the numbers that their reasons quote."""

    pool_ports: int
    group_count: int
    need_millis: int
    """Sum of all needs. Unit: thousandths of a port."""
    small_limit_millis: int
    """Groups with a need below this are pinned. 0: nobody is. Unit: thousandths of a port, rounded up."""
    main_ports: int
    """Ports shared in proportion, after pins and the minimum of groups without need."""
    main_need_millis: int
    """Sum of the needs that share `main_ports`. Unit: thousandths of a port."""
    idle_ports: int
    """Ports shared in equal parts by the groups without need."""
    is_bent: bool
    """A cap or a minimum among the groups that share in proportion moved ports from or to the others."""


class Share(NamedTuple):
    """One group's part of the pool, and why. A tuple, because ten thousand of them are made at a time."""

    group_id: GroupId
    maximum_ports: int
    """Ports up to which the group may take new leases. Unit: ports. Range: 0 … pool."""
    need_millis: int
    """As claimed. Unit: thousandths of a port."""
    rule: Rule
    cap_ports: int | None
    """As claimed."""
    terms: Terms

    @property
    def is_small(self) -> bool:
        """Whether the group was pinned to its need."""
        return 0 < self.need_millis < self.terms.small_limit_millis

    @property
    def share_millis(self) -> int:
        """The group's exact part before caps, minimum and whole ports. Unit: thousandths of a port, half up."""
        terms = self.terms
        if self.need_millis == 0:
            return 0 if terms.need_millis else _ratio_millis(terms.pool_ports, terms.group_count)
        if self.is_small:
            return self.need_millis
        return _ratio_millis(terms.main_ports * self.need_millis, terms.main_need_millis)

    @property
    def reason(self) -> str:
        """One sentence for people, with the numbers."""
        text = _REASONS[self.rule](self)
        if self.maximum_ports == 0 and self.terms.pool_ports < self.terms.group_count:
            text += f"; a pool of {self.terms.pool_ports} has no port for each of {self.terms.group_count} groups"
        return text


def share_ports(pool_ports: int, claims: Sequence[Claim]) -> list[Share]:
    """Split a pool among dynamic campaign groups by the rules at the top of this file.

    Args:
        pool_ports: ports to share, reservations already taken off. Unit: ports. Range: ≥ 0.
        claims: one per running dynamic group, in any order.

    Returns:
        One share per claim, in the order of the claims.

    Raises:
        InvariantViolated: negative numbers, a minimum above 1, a group id given twice; a bug in the caller.
    """
    ordered = sorted(claims, key=attrgetter("group_id"))
    _check(pool_ports, ordered)
    if not ordered:
        return []
    count = len(ordered)
    needs = [claim.need_millis for claim in ordered]
    caps = [claim.cap_ports for claim in ordered]
    highs = [pool_ports if cap is None or cap > pool_ports else cap for cap in caps]
    fits = pool_ports >= count
    lows = [1 if fits and claim.minimum_ports and high else 0 for claim, high in zip(ordered, highs, strict=True)]
    pins = _pins(pool_ports, needs, highs)
    main = _Tier([i for i, need in enumerate(needs) if need and i not in pins], needs, lows, highs)
    small = _Tier(list(pins), needs, pins, highs)
    idle = _Tier([i for i, need in enumerate(needs) if not need], [1] * count, lows, highs)

    main_ports = pool_ports - sum(small.lows) - sum(idle.lows)
    spare_ports = main.fill(main_ports)
    spare_ports = small.fill(sum(small.lows) + spare_ports)
    idle_ports = sum(idle.lows) + spare_ports
    idle.fill(idle_ports)

    bent = dict.fromkeys(main.capped(), Rule.CAPPED) | dict.fromkeys(main.propped(), Rule.MINIMUM_ONE)
    rules = dict.fromkeys(range(count), Rule.PROPORTION) | bent | dict.fromkeys(pins, Rule.SMALL_GROUP)
    if spare_ports or not main.positions:
        rules |= dict.fromkeys(idle.positions, Rule.EQUAL_PARTS)
    else:
        rules |= {i: Rule.MINIMUM_ONE for i in idle.positions if lows[i]}
    cut = [i for i, pin in pins.items() if pin < _whole_ports(needs[i])]
    rules |= dict.fromkeys(cut + small.capped() + idle.capped(), Rule.CAPPED)
    maxima = [0] * count
    for tier in (main, small, idle):
        for i, ports in zip(tier.positions, tier.ports, strict=True):
            maxima[i] = ports
    limit = _small_limit_millis(pool_ports, count) if pins else 0
    terms = Terms(pool_ports, count, sum(needs), limit, main_ports, sum(main.weights), idle_ports, bool(bent))
    ids = [claim.group_id for claim in ordered]
    rows = zip(ids, maxima, needs, rules.values(), caps, repeat(terms, count), strict=True)
    shares = {row[0]: Share._make(row) for row in rows}
    return [shares[claim.group_id] for claim in claims]


def _check(pool_ports: int, ordered: Sequence[Claim]) -> None:
    if pool_ports < 0:
        raise InvariantViolated(f"pool of {pool_ports} ports")
    for claim in ordered:
        if claim.need_millis < 0 or (claim.cap_ports or 0) < 0 or claim.minimum_ports not in (0, 1):
            raise InvariantViolated(f"impossible claim: {claim}")
    for before, after in pairwise(ordered):
        if before.group_id == after.group_id:
            raise InvariantViolated(f"two claims of group {after.group_id}")


def _small_limit_millis(pool_ports: int, group_count: int) -> int:
    """0.3 × T / n, rounded up: a whole number of thousandths is below it exactly when it is below 0.3 × T / n."""
    return -(-SMALL_NUMERATOR * PORT_MILLIS * pool_ports // (SMALL_DENOMINATOR * group_count))


def _whole_ports(millis: int) -> int:
    return -(-millis // PORT_MILLIS)


def _pins(pool_ports: int, needs: list[int], highs: list[int]) -> dict[int, int]:
    """Rule 2. Shape: {position: ports}, empty when nobody is pinned. Groups without need are not among them."""
    if sum(needs) <= pool_ports * PORT_MILLIS:
        return {}
    limit_millis = _small_limit_millis(pool_ports, len(needs))
    pins = {i: min(highs[i], _whole_ports(need)) for i, need in enumerate(needs) if 0 < need < limit_millis}
    return pins if sum(pins.values()) <= pool_ports else {}


# --- highest averages ------------------------------------------------------------------------------------------------
#
# Port number s (from 0) of a group with weight w is an *offer* at the price w / (2s + 1); a tier takes the highest
# offers until its budget is used up. Taking them one by one would cost a heap operation per port. Instead: at a rate of
# x ports per unit of weight a group holds floor(w × x + 1/2) ports, which are exactly its offers with a price of at
# least 1 / 2x. Two rates are found, one just short of the budget and one not; only the offers between them are sorted.
#
# Prices are compared as integers: with divisors up to b, unequal prices differ by at least 1 / b², so scaled by b² they
# keep their order when cut to integers, and equal prices stay equal.


class _Tier:
    """Groups that share one budget by highest averages, in the order of their ids."""

    def __init__(self, at: list[int], weights: list[int], lows: list[int] | dict[int, int], highs: list[int]) -> None:
        self.positions = at
        self.weights = [weights[i] for i in at]
        self.lows = [lows[i] for i in at]
        self.highs = [highs[i] for i in at]
        self.scale = (2 * max(self.highs, default=0) + 1) ** 2
        self.ports = self.lows
        self.worst_taken: tuple[int, int] | None = None
        self.best_refused: tuple[int, int] | None = None  # offers; None: not known
        self.is_exhausted = False  # the budget was larger than all caps together

    def fill(self, budget: int) -> int:
        """Share out `budget` ports, which cover the lower bounds, and return what nobody may take."""
        granted, allowed = sum(self.lows), sum(self.highs)
        if budget < granted:
            raise InvariantViolated(f"{budget} ports do not cover lower bounds of {granted}")
        if budget > allowed:
            self.ports, self.is_exhausted = self.highs, True
            return budget - allowed
        if budget > granted:
            below, above = self._bracket(budget)
            gaps = enumerate(zip(below, above, strict=True))
            offers = sorted([self._offer(k, taken) for k, (a, b) in gaps for taken in range(a, b)], reverse=True)
            taken_count = budget - sum(below)
            self.ports = list(below)
            for _, k in offers[:taken_count]:
                self.ports[-k] += 1
            self.worst_taken = offers[taken_count - 1]
            if taken_count < len(offers):
                self.best_refused = offers[taken_count]
        return 0

    def capped(self) -> list[int]:
        """Positions that would have more without their cap."""
        if self.is_exhausted:
            return self.positions
        full = [k for k, (ports, high) in enumerate(zip(self.ports, self.highs, strict=True)) if ports == high]
        worst = self.worst_taken
        return [self.positions[k] for k in full if worst and self._offer(k, self.ports[k]) > worst]

    def propped(self) -> list[int]:
        """Positions that would have nothing without their minimum: a better offer of another group was refused."""
        held = [k for k, (ports, low) in enumerate(zip(self.ports, self.lows, strict=True)) if ports == low == 1]
        refused = self.best_refused
        if held and refused is None:
            open_offers = [self._offer(k, ports) for k, ports in enumerate(self.ports) if ports < self.highs[k]]
            refused = max(open_offers, default=None)
        return [self.positions[k] for k in held if refused and self._offer(k, 0) < refused]

    def _offer(self, k: int, taken: int) -> tuple[int, int]:
        """Scaled price and negative index: the better offer is the greater tuple."""
        return self.weights[k] * self.scale // (2 * taken + 1), -k

    def _bracket(self, budget: int) -> tuple[list[int], list[int]]:
        """Ports at two rates: the first add up to less than `budget`, the second do not. Few offers lie between."""
        weights, lows, highs = self.weights, self.lows, self.highs
        count, slope = len(weights), sum(weights)
        # Rates are integers / 2**shift, fine enough that one step of the rate moves a group by one port at most.
        shift = slope.bit_length() + budget.bit_length() + 8
        half = 1 << (shift - 1)
        low, low_ports, low_sum = 0, lows, sum(lows)
        high, high_ports, high_sum = (max(highs) + 1) << shift, highs, sum(highs)
        rate, reach, few, probes = (budget << shift) // slope, math.isqrt(count) + 1, count // 8 + 8, 0
        while high - low > 1 and high_sum - low_sum > (few if probes < 4 else count):
            rate = min(max(rate, low + 1), high - 1)
            raw = [(w * rate + half) >> shift for w in weights]
            ports = [a if p < a else b if p > b else p for p, a, b in zip(raw, lows, highs, strict=True)]
            total, probes = sum(ports), probes + 1
            few = count if total in (low_sum, high_sum) else few  # equal needs stay together: settle for them
            if total < budget:
                low, low_ports, low_sum = rate, ports, total
                if budget - total > count:  # groups at their caps do not grow with the rate
                    slope = sum([w for w, p, b in zip(weights, ports, highs, strict=True) if p < b])
            else:
                high, high_ports, high_sum = rate, ports, total
            if high_ports is highs:
                rate += ((budget - total + reach) << shift) // slope
            elif low_ports is lows:
                rate -= ((total - budget + reach) << shift) // slope
            elif probes % 3 == 1:
                rate = (low + high) // 2
            else:
                aim = budget + (few // 2 if high_sum - budget > budget - low_sum else -(few // 2))
                rate = low + (aim - low_sum) * (high - low) // (high_sum - low_sum)
            reach = max(count, 2 * reach)
        return low_ports, high_ports


# --- reasons ---------------------------------------------------------------------------------------------------------


def _ratio_millis(numerator: int, denominator: int) -> int:
    return (2 * PORT_MILLIS * numerator + denominator) // (2 * denominator)  # half up


def _text(millis: int) -> str:
    whole, rest = divmod(millis, PORT_MILLIS)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def _proportion_reason(share: Share) -> str:
    terms = share.terms
    if share.need_millis == 0:
        return "needs no ports, and the others may use them all"
    whose = "groups above the small limit" if terms.small_limit_millis else "groups"
    text = f"needs {_text(share.need_millis)} of the {_text(terms.main_need_millis)} ports that all {whose} need: "
    text += f"{_text(share.share_millis)} of {terms.main_ports} ports in proportion"
    if share.maximum_ports * PORT_MILLIS == share.share_millis:
        return text
    cause = "after caps and minimums of other groups" if terms.is_bent else "in whole ports"
    return f"{text}, {share.maximum_ports} {cause}"


def _small_reason(share: Share) -> str:
    pool, count, pin_ports = share.terms.pool_ports, share.terms.group_count, _whole_ports(share.need_millis)
    limit = _text(_ratio_millis(SMALL_NUMERATOR * pool, SMALL_DENOMINATOR * count))
    text = f"needs {_text(share.need_millis)}, less than 0.3 × {pool} / {count} = {limit}: gets its need"
    if pin_ports * PORT_MILLIS > share.need_millis:
        text += f", rounded up to {pin_ports}"
    if share.maximum_ports > pin_ports:
        text += f", and {share.maximum_ports - pin_ports} that caps of other groups leave"
    return text


def _capped_reason(share: Share) -> str:
    if share.need_millis == 0 and share.terms.need_millis:
        part = f"needs no ports, and has a part in {share.terms.idle_ports} that caps of other groups leave"
    elif share.is_small:
        part = f"needs {_text(share.need_millis)}"
    else:
        part = f"its part would be {_text(share.share_millis)}"
    if 0 < share.share_millis <= share.maximum_ports * PORT_MILLIS:
        part += ", and more that caps of other groups leave"
    return f"capped at {share.cap_ports}; {part}"


def _equal_reason(share: Share) -> str:
    terms = share.terms
    if terms.need_millis == 0:
        return f"no group needs ports: {_text(share.share_millis)} of {terms.pool_ports} in equal parts"
    return f"needs no ports: an equal part of {terms.idle_ports} that caps of other groups leave"


def _minimum_reason(share: Share) -> str:
    text = f"needs {_text(share.need_millis)}"
    if share.need_millis:
        text += f": {_text(share.share_millis)} of {share.terms.main_ports} ports in proportion"
    return f"{text}, but never gets less than one port"


_REASONS: dict[Rule, Callable[[Share], str]] = {
    Rule.PROPORTION: _proportion_reason,
    Rule.SMALL_GROUP: _small_reason,
    Rule.CAPPED: _capped_reason,
    Rule.EQUAL_PARTS: _equal_reason,
    Rule.MINIMUM_ONE: _minimum_reason,
}
