"""Levels and windows of what is due in PostgreSQL: see `outdial.store.windows`."""

from collections.abc import Iterable

from outdial.core.records import Priority, RecordType
from outdial.core.units import ListId, Millis
from outdial.selection.sql import Dialect, Writer
from outdial.selection.terms import Selection, Value
from outdial.store.postgres_link import Connection
from outdial.store.postgres_statements import transposed
from outdial.store.windows import Place

IS_CALLABLE = f"record_type <> {RecordType.NO_CALL:d}"
BOUNDS = """
SELECT level.n, bound.due_utc_ms, bound.record_id
FROM unnest($3::integer[], $4::integer[], $5::bigint[], $6::bigint[]) WITH ORDINALITY
    AS level (group_id, priority, due_utc_ms, record_id, n)
CROSS JOIN LATERAL (
    SELECT r.due_utc_ms, r.record_id FROM records r
    WHERE r.list_id = $1 AND r.group_id = level.group_id AND r.priority = level.priority AND r.due_utc_ms <= $2
        AND (r.due_utc_ms, r.record_id) > (level.due_utc_ms, level.record_id)
    ORDER BY r.due_utc_ms, r.record_id OFFSET $7::bigint LIMIT 1
) AS bound
"""
"""Where windows of so many rows ($7, and one) end that begin behind places of levels. Missing: where the level does."""


async def window_ends(
    connection: Connection,
    list_id: ListId,
    utc_ms: Millis,
    begins: Iterable[tuple[tuple[int, int], Place]],
    rows: int,
) -> list[Place | None]:
    """Where windows of so many rows end. None: where the level does.

    Args:
        connection: in a transaction.
        list_id: of this list.
        utc_ms: what is due by then.
        begins: levels, and behind which place of each its window begins.
        rows: how many they have.
    """
    asked = [(*level, *place) for level, place in begins]
    found = await connection.fetch(BOUNDS, list_id, utc_ms, *transposed(asked), rows - 1)
    ends: list[Place | None] = [None] * len(asked)
    for n, due_utc_ms, record_id in found:
        ends[n - 1] = (due_utc_ms, record_id)
    return ends


def condition_of(selection: Selection, first: int) -> tuple[str, list[Value]]:
    """What a filter adds to a condition, with placeholders from a number on, and its values."""
    if selection.filter is None:
        return "", []
    writer = Writer(Dialect.POSTGRES, first)
    return f"AND (priority = {Priority.CALLBACK:d} OR {writer.condition(selection.filter)})", writer.parameters
