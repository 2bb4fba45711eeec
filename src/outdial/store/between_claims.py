"""What a store remembers from one claim to the next: whose turn it is, and how far it has looked."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from outdial.store.fronts import Fronts
from outdial.store.turns import Credit
from outdial.store.windows import Place

FILTERS_MAX = 10_000
"""Levels of filters whose places are remembered; then all begin anew. Bounds the memory. Ours."""


@dataclass(slots=True)
class BetweenClaims:
    """What a store remembers between claims.

    Attributes:
        credit: see `outdial.store.turns`.
        fronts: see `outdial.store.fronts`.
    """

    credit: Credit = field(default_factory=dict)
    fronts: Fronts = field(default_factory=Fronts)
    _places: dict[Hashable, Place] = field(default_factory=dict)

    def copy(self) -> "BetweenClaims":
        """For a claim that may fail. Where claims have looked is no matter of that: it is the same for both."""
        return BetweenClaims(dict(self.credit), self.fronts, self._places)

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
