"""How a claim finds what comes first in an order by columns: a part of the list at a time, over several claims.

No index has such an order, so all that is due has to be read, and while one claim did that, everything else would have
to wait. So each claim looks at one window of one list (`windows.ROWS` records of a level) and keeps the first ones in
the order: the *front*. As long as it has not come to the end, it gives nothing and says that there is more; whoever
asks again, at once, has what came meanwhile done in between. The claim that comes to the end of the list takes the
front, each record of it as far as it is still due and still meant.

So the order is exact for what was due while it was looked at. What has come to a place that had been gone past waits
for the next front: each is used once.

Ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, TypeAlias

from outdial.core.units import GroupId, ListId, RecordId
from outdial.selection.terms import EVERYTHING, Selection
from outdial.store.claims import ClaimRequest
from outdial.store.windows import START, Place

Candidate: TypeAlias = Sequence[Any]
"""A record that may be among the first. Shape: (due_utc_ms, record_id, key, …)."""
SPARE = 2
"""A front has so many times what is wanted: other servers may claim a part of it meanwhile. Ours."""
AGE_MS_MAX = 10_000
"""After a longer pause a front is begun anew. Ours."""


@dataclass(slots=True)
class Front:
    """The first records of one list in an order.

    Attributes:
        level: number of the level that is looked at.
        place: up to where it has been looked at.
        is_full: there may be more records behind the front.
    """

    levels: int
    """How many there are, one before the other."""
    count_max: int
    """How many records the front has at most."""
    directions: Sequence[str]
    """Of each key, as `selection.sql.Writer.keys` gives it."""
    level: int = 0
    place: Place = START
    is_full: bool = False
    _first: dict[RecordId, None] = field(default_factory=dict)
    _of_level: list[Candidate] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Nothing else has to be looked at."""
        return self.level >= self.levels or len(self._first) >= self.count_max

    @property
    def record_ids(self) -> list[RecordId]:
        """The first records, in order."""
        return list(self._first)

    @property
    def room(self) -> int:
        """How many candidates of the next window count."""
        return self.count_max - len(self._first)

    def saw(self, candidates: Sequence[Candidate], till: Place | None) -> None:
        """A window of the level has been looked at. What stands further behind than before counts as it is now:
        nothing is in a front twice.

        Args:
            candidates: its first ones in the order, `room` of them if there are so many.
            till: where it ends. None: where the level does.
        """
        again = {candidate[1] for candidate in candidates}
        before = [candidate for candidate in self._of_level if candidate[1] not in again]
        merged = in_order([*before, *candidates], self.directions)
        self.is_full = self.is_full or len(merged) >= self.room
        self._of_level = merged[: self.room]
        if till is not None:
            self.place = till
            return
        self._first |= dict.fromkeys(candidate[1] for candidate in self._of_level)
        self._of_level, self.place = [], START
        self.level += 1


def in_order(candidates: Sequence[Candidate], directions: Sequence[str]) -> list[Candidate]:
    """Candidates as a database orders them: by their keys, then by when they are due, then by number.

    Args:
        candidates: in any order.
        directions: as in `Front`. What is NULLS LAST is a number or nothing, what is not is a text.
    """
    found = sorted(candidates, key=itemgetter(0, 1))
    for n, direction in reversed(list(enumerate(directions, 2))):
        is_descending = direction.startswith(" DESC")
        if direction.endswith("NULLS LAST"):
            found.sort(key=lambda candidate: candidate[n] or 0, reverse=is_descending)
            found.sort(key=lambda candidate: candidate[n] is None)
        else:
            found.sort(key=itemgetter(n), reverse=is_descending)
    return found


@dataclass(slots=True)
class Fronts:
    """The fronts that claims have begun, by group; a claim takes them out, and puts them back to be gone on with."""

    _begun: dict[GroupId, "_Begun"] = field(default_factory=dict)

    def taken_out(
        self, request: ClaimRequest, keys_of: Callable[[Selection], Sequence[tuple[str, str]]]
    ) -> dict[ListId, Front]:
        """The fronts that a claim goes on with, or begins: of the lists that have an order.

        Args:
            request: the claim.
            keys_of: what `selection.sql.Writer.keys` says of the order.
        """
        begun = self._begun.pop(request.group_id, None)
        if begun is not None and begun.goes_on(request):
            return begun.fronts
        levels, count_max = 2 * len(request.priorities), SPARE * request.chains_max
        return {
            list_id: Front(levels, count_max, [direction for _, direction in keys_of(selection)])
            for list_id, _ in request.lists
            if (selection := request.selections.get(list_id, EVERYTHING)).order
        }

    @staticmethod
    def incomplete(fronts: Mapping[ListId, Front]) -> list[tuple[ListId, Front]]:
        """Those of which more has to be looked at."""
        return [(list_id, front) for list_id, front in fronts.items() if not front.is_complete]

    def put_back(self, request: ClaimRequest, fronts: dict[ListId, Front]) -> None:
        """They are not complete yet."""
        self._begun[request.group_id] = _Begun(request, fronts)


@dataclass(slots=True)
class _Begun:
    """The fronts of a claim, and the one that looked after them last."""

    request: ClaimRequest
    fronts: dict[ListId, Front]

    def goes_on(self, request: ClaimRequest) -> bool:
        """Whether a later claim wants the same."""
        mine = self.request
        is_same = (mine.lists, mine.priorities) == (request.lists, request.priorities)
        return is_same and mine.selections == request.selections and request.utc_ms - mine.utc_ms <= AGE_MS_MAX
