"""How far a claim looks for records that a filter lets pass: in windows, so that none reads a whole list.

Records of a level (a priority, and there what only the group may have or what anybody may) are due in an order. A
claim looks at the first `HEAD_ROWS` of them, and if it does not find enough there, at `ROWS` further ones, from where
the last claim with this filter has stopped. Behind the last record it begins again behind the head. So what comes to a
place that a claim has gone past is found in the next round, and nothing has to be told of changes, whoever makes them.

A claim that has not come to the end says that there may be more: at once, if it has found some; if it has found none,
in a moment. An order by other columns needs all that is due: `outdial.store.fronts`.

Ours.
"""

from typing import TypeAlias

from outdial.store.claims import ClaimRequest

HEAD_ROWS = 10_000
"""Records at the head of a level that each claim looks at: about 10 ms. Ours."""
ROWS = 50_000
"""Further ones: about 60 ms in SQLite, in which nobody else can write. Ours."""

Place: TypeAlias = tuple[int, int]
"""Where a record stands in its level. Shape: (due_utc_ms, record_id)."""
START: Place = (-1, -1)
END: Place = (2**62, 2**62)


def levels_of(request: ClaimRequest) -> list[tuple[int, int]]:
    """Where to look, one after the other. Shape: (group, priority)."""
    return [(group_id, priority) for priority in request.priorities for group_id in (request.group_id, 0)]
