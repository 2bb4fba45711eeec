"""How far a claim looks for records that a filter lets pass: in windows, so that none reads a whole list.

Records of a level (a priority, and there what only the group may have or what anybody may) are due in an order. A
claim looks at the first `HEAD_ROWS` of them, and if it does not find enough there, at `ROWS` further ones, from where
the last claim with this filter has stopped. Behind the last record it begins again behind the head. So what comes to a
place that a claim has gone past is found in the next round, and nothing has to be told of changes, whoever makes them.

A claim that has not come to the end says that there may be more: at once, if it has found some; if it has found none,
in a moment. An order by other columns needs all that is due, and has no windows.

Ours.
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TypeAlias

from outdial.store.turns import Credit

HEAD_ROWS = 10_000
"""Records at the head of a level that each claim looks at: about 10 ms. Ours."""
ROWS = 50_000
"""Further ones: about 60 ms in SQLite, in which nobody else can write. Ours."""
FILTERS_MAX = 10_000
"""Levels of filters whose places are remembered; then all begin anew. Bounds the memory. Ours."""

Place: TypeAlias = tuple[int, int]
"""Where a record stands in its level. Shape: (due_utc_ms, record_id)."""
START: Place = (-1, -1)
END: Place = (2**62, 2**62)


@dataclass(slots=True)
class BetweenClaims:
    """What a store remembers between claims.

    Attributes:
        credit: see `outdial.store.turns`.
    """

    credit: Credit = field(default_factory=dict)
    _places: dict[Hashable, Place] = field(default_factory=dict)

    def copy(self) -> "BetweenClaims":
        """For a claim that may fail. Where claims have looked is no matter of that: it is the same for both."""
        return BetweenClaims(dict(self.credit), self._places)

    def goes_on(self, level: Hashable, head: Place) -> Place:
        """Where the second look at a level begins: behind its head (`head`), or where the last one has stopped."""
        return max(head, self._places.get(level, head))

    def stopped(self, level: Hashable, till: Place | None) -> None:
        """The second look at a level has found less than was wanted up to a place. None: up to the level's end."""
        if till is None:
            self._places.pop(level, None)
            return
        if len(self._places) >= FILTERS_MAX:
            self._places.clear()
        self._places[level] = till
