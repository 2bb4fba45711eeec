"""Whose turn it is: how many chains each calling list gives to a claim, and in which order.

Lists take turns by smooth weighted round robin: at each turn every list gains its weight in credit, the richest one
has the turn and pays the sum of the weights. Credit is kept between claims, so that small claims are fair, too. A list
that runs dry leaves its turns to the others and is not paid back.

Nothing here touches a database:

    claim = Claim(credit, request.lists, request.chains_max)
    while asked := claim.asked():
        for list_id, count in asked.items():
            claim.gave(list_id, due heads of the list, at most `count`)
    heads = claim.in_turn()

Source: smooth weighted round robin: nginx (Sysoev, 2012). Same rule: `outdial.sim.lists.Lists`.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import Generic, TypeAlias, TypeVar

from outdial.core.units import ListId

Credit: TypeAlias = dict[ListId, int]
"""What a store keeps between claims. Starts empty."""

Head = TypeVar("Head")


def next_turn(credit: Credit, lists: Sequence[tuple[ListId, int]]) -> ListId:
    """The list that has the next turn; changes `credit`. Ties: the list that comes first.

    Args:
        credit: what each list has saved up.
        lists: those that take part, at least one, with their weights.
    """
    if len(lists) == 1:
        return lists[0][0]
    for list_id, weight in lists:
        credit[list_id] = credit.get(list_id, 0) + weight
    turn = max(lists, key=lambda entry: credit[entry[0]])[0]
    credit[turn] -= sum(weight for _, weight in lists)
    return turn


class Claim(Generic[Head]):
    """The turns of one claim. `Head` is whatever stands for a due chain: a row, a number.

    Attributes:
        open_lists: lists that have given all they were asked for, so may have more. Shape: ((list, weight), …).
    """

    def __init__(self, credit: Credit, lists: Sequence[tuple[ListId, int]], chains_max: int) -> None:
        """Begin a claim of at most `chains_max` chains."""
        self.open_lists = list(lists)
        self._credit = credit
        self._chains_max = chains_max
        self._turns: list[ListId] = []
        self._given: dict[ListId, list[Head]] = {}
        self._asked: dict[ListId, int] = {}

    def asked(self) -> dict[ListId, int]:
        """How many further chains each list is asked for, in the order of their first turns; empty: that was all."""
        missing = self._chains_max - sum(len(heads) for heads in self._given.values())
        if missing <= 0 or not self.open_lists:
            return {}
        turns = [next_turn(self._credit, self.open_lists) for _ in range(missing)]
        self._turns += turns
        self._asked = dict(Counter(turns))
        return self._asked

    def gave(self, list_id: ListId, heads: Sequence[Head]) -> None:
        """What a list has given, in its own order. Fewer than asked for: it has run dry."""
        self._given.setdefault(list_id, []).extend(heads)
        if len(heads) < self._asked[list_id]:
            self.open_lists = [entry for entry in self.open_lists if entry[0] != list_id]

    def in_turn(self) -> list[Head]:
        """Everything that was given, in the order of the turns; turns of a list that had run dry are passed over."""
        rest = {list_id: iter(heads) for list_id, heads in self._given.items()}
        ordered: list[Head] = []
        for turn in self._turns:
            ordered.extend(itertools.islice(rest.get(turn, ()), 1))
        return ordered
