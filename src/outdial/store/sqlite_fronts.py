"""What comes first in an order by columns, in SQLite: see `outdial.store.fronts`."""

import sqlite3

from outdial.core.records import RecordType
from outdial.core.units import ListId
from outdial.selection.sql import Dialect, Writer
from outdial.store import windows
from outdial.store.claims import ClaimRequest
from outdial.store.fronts import Candidate, Front, Fronts
from outdial.store.rows import RECORD_COLUMNS, Row
from outdial.store.sqlite_windows import LEVEL, condition_of, parts, window_end
from outdial.store.windows import END, Place, levels_of

_PICK = (
    f"SELECT {', '.join(RECORD_COLUMNS)} FROM records WHERE record_id = ? AND list_id = ? AND due_utc_ms <= ? "
    f"AND group_id IN (0, ?) AND record_type <> {RecordType.NO_CALL:d} AND priority IN "
)


def look_for_fronts(
    connection: sqlite3.Connection, fronts: Fronts, request: ClaimRequest
) -> dict[ListId, Front] | None:
    """Look at the next window of one list that has an order. Returns all fronts; None: they are not complete yet."""
    begun = fronts.taken_out(request, lambda selection: Writer(Dialect.SQLITE).keys(selection.order))
    for list_id, front in fronts.incomplete(begun)[:1]:
        while _look(connection, list_id, request, front) is None and not front.is_complete:
            pass
    if fronts.incomplete(begun):
        fronts.put_back(request, begun)
        return None
    return begun


def _look(connection: sqlite3.Connection, list_id: ListId, request: ClaimRequest, front: Front) -> Place | None:
    """Look at one window. Returns where it ends; None: where the level does."""
    selection, writer = request.selections[list_id], Writer(Dialect.SQLITE)
    keys = writer.keys(selection.order)
    columns = "".join(f", {key}" for key, _ in keys)
    order = "".join(f"{n}{direction}, " for n, (_, direction) in enumerate(keys, 3))
    level = (list_id, *levels_of(request)[front.level])
    where, filter_values = condition_of(selection)
    till = window_end(connection, level, front.place, request.utc_ms, windows.ROWS)
    found: list[Candidate] = []
    for part, bounds in parts(front.place, till or (request.utc_ms, END[1])):
        statement = (
            f"SELECT due_utc_ms, record_id{columns} FROM records WHERE {LEVEL} AND {part}{where} "
            f"ORDER BY {order}1, 2 LIMIT ?"
        )
        found += connection.execute(statement, (*writer.parameters, *level, *bounds, *filter_values, front.room))
    front.saw(found, till)
    return till


def pick(
    connection: sqlite3.Connection, list_id: ListId, request: ClaimRequest, front: Front, count: int
) -> tuple[list[Row], bool]:
    """The first records of a front that are still due. True: there may be more behind it."""
    where, values = condition_of(request.selections[list_id])
    statement = f"{_PICK} ({', '.join('?' * len(request.priorities))}){where}"
    heads: list[Row] = []
    for record_id in front.record_ids:
        if len(heads) == count:
            break
        asked = (record_id, list_id, request.utc_ms, request.group_id, *request.priorities, *values)
        heads += connection.execute(statement, asked)
    return heads, front.is_full and len(heads) < count
