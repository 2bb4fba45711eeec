"""What comes first in an order by columns, in PostgreSQL: see `outdial.store.fronts`."""

from outdial.core.units import ListId
from outdial.selection.sql import Dialect, Writer
from outdial.sim.lists import RecordStatus
from outdial.store import windows
from outdial.store.claims import ClaimRequest
from outdial.store.fronts import Front, Fronts
from outdial.store.postgres_link import Connection
from outdial.store.postgres_statements import listed
from outdial.store.postgres_windows import IS_CALLABLE, condition_of, window_ends
from outdial.store.rows import RECORD_COLUMNS, Row
from outdial.store.windows import END, Place, levels_of

_BY_INDEX = "SET LOCAL enable_seqscan = off"
"""A window is a small part of the table, which the planner does not know."""
_LOOK_VALUES = 9
_TAKE_VALUES = 7


async def look_for_fronts(connection: Connection, fronts: Fronts, request: ClaimRequest) -> dict[ListId, Front] | None:
    """Look at the next window of one list that has an order. Returns all fronts; None: they are not complete yet."""
    begun = fronts.taken_out(request, lambda selection: Writer(Dialect.POSTGRES).keys(selection.order))
    for list_id, front in fronts.incomplete(begun)[:1]:
        await connection.execute(_BY_INDEX)
        while await _look(connection, list_id, request, front) is None and not front.is_complete:
            pass
    if fronts.incomplete(begun):
        fronts.put_back(request, begun)
        return None
    return begun


async def _look(connection: Connection, list_id: ListId, request: ClaimRequest, front: Front) -> Place | None:
    """Look at one window. Returns where it ends; None: where the level does."""
    selection, level = request.selections[list_id], levels_of(request)[front.level]
    where, values = condition_of(selection, _LOOK_VALUES + 1)
    writer = Writer(Dialect.POSTGRES, _LOOK_VALUES + 1 + len(values))
    keys = writer.keys(selection.order)
    columns = "".join(f", {key}" for key, _ in keys)
    order = "".join(f"{n}{direction}, " for n, (_, direction) in enumerate(keys, 3))
    [till] = await window_ends(connection, list_id, request.utc_ms, [(level, front.place)], windows.ROWS)
    found = await connection.fetch(
        f"""
SELECT due_utc_ms, record_id{columns} FROM records
WHERE list_id = $1 AND due_utc_ms <= $2 AND group_id = $3 AND priority = $4 AND {IS_CALLABLE}
    AND (due_utc_ms, record_id) > ($5, $6) AND (due_utc_ms, record_id) <= ($7, $8) {where}
ORDER BY {order}1, 2 LIMIT $9
""",
        *(list_id, request.utc_ms, *level, *front.place, *(till or END), front.room),
        *values,
        *writer.parameters,
    )
    front.saw(found, till)
    return till


async def take(
    connection: Connection, epoch: int, list_id: ListId, request: ClaimRequest, front: Front, count: int
) -> tuple[list[Row], bool]:
    """Claim the first records of a front that are still due. True: there may be more behind it.

    They are looked up one by one: `+ 0` keeps the planner from reading all that is due instead.
    """
    where, values = condition_of(request.selections[list_id], _TAKE_VALUES + 1)
    heads = await connection.fetch(
        f"""
WITH heads AS MATERIALIZED (
    SELECT {listed(RECORD_COLUMNS, "records")}, wanted.n
    FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (record_id, n) JOIN records USING (record_id)
    WHERE list_id + 0 = $2 AND due_utc_ms + 0 <= $3 AND group_id + 0 IN (0, $4) AND priority = ANY ($5::smallint[])
        AND {IS_CALLABLE} {where}
    ORDER BY wanted.n LIMIT $6 FOR UPDATE OF records SKIP LOCKED
), claimed AS (
    UPDATE records SET due_utc_ms = NULL, claim_epoch = $7, status = {RecordStatus.RETRIEVED:d}
    WHERE record_id = ANY (ARRAY(SELECT record_id FROM heads))
)
SELECT {listed(RECORD_COLUMNS)} FROM heads ORDER BY n
""",
        *(front.record_ids, list_id, request.utc_ms, request.group_id, list(request.priorities), count, epoch),
        *values,
    )
    return list(heads), front.is_full and len(heads) < count
