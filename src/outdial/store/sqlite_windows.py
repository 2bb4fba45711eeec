"""Levels and windows of what is due in SQLite, as the index finds them: see `outdial.store.windows`."""

import sqlite3

from outdial.core.records import Priority, RecordType
from outdial.selection.sql import Dialect, Writer
from outdial.selection.terms import Selection, Value
from outdial.store.windows import END, START, Place

LEVEL = f"list_id = ? AND group_id = ? AND priority = ? AND record_type <> {RecordType.NO_CALL:d}"
_INDEXED = "FROM records WHERE list_id = ? AND group_id = ? AND priority = ?"
AT = "due_utc_ms = ? AND record_id > ? AND record_id <= ?"
BETWEEN = "due_utc_ms > ? AND due_utc_ms < ?"
"""Parts of a window, as the index can find them: it does not for a comparison of pairs."""
BOUND_AT = f"SELECT due_utc_ms, record_id {_INDEXED} AND {AT} ORDER BY record_id LIMIT 1 OFFSET ?"
_COUNT_AT = f"SELECT count(*) {_INDEXED} AND {AT}"
_BOUND = (
    f"SELECT due_utc_ms, record_id {_INDEXED} AND due_utc_ms > ? AND due_utc_ms <= ? "
    "ORDER BY due_utc_ms, record_id LIMIT 1 OFFSET ?"
)


def parts(after: Place, till: Place) -> list[tuple[str, tuple[int, ...]]]:
    """A window in parts, in order. Shape: (condition, its values)."""
    if after[0] == till[0]:
        return [(AT, (*after, till[1]))]
    return [(AT, (*after, END[1])), (BETWEEN, (after[0], till[0])), (AT, (till[0], START[1], till[1]))]


def window_end(
    connection: sqlite3.Connection, level: tuple[int, int, int], after: Place, utc_ms: int, rows: int
) -> Place | None:
    """Where a window of so many rows ends that begins behind a place. None: where the level does."""
    at = (*level, *after, END[1])
    found: Place | None = connection.execute(BOUND_AT, (*at, rows - 1)).fetchone()
    if found is None:
        rows -= connection.execute(_COUNT_AT, at).fetchone()[0]
        found = connection.execute(_BOUND, (*level, after[0], utc_ms, rows - 1)).fetchone()
    return found


def condition_of(selection: Selection) -> tuple[str, list[Value]]:
    """What a filter adds to a condition, and its values."""
    if selection.filter is None:
        return "", []
    writer = Writer(Dialect.SQLITE)
    return f" AND (priority = {Priority.CALLBACK:d} OR {writer.condition(selection.filter)})", writer.parameters
