"""Do-not-call lists in PostgreSQL, inside transactions of the caller's.

Who adds entries does so alone, under a lock that readers do not notice: so the numbers of entries grow in the order of
the commits, and nobody who asks for what is new can miss one that was numbered early and committed late.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from outdial.core.units import CallId, ListId, RecordId
from outdial.sim.lists import RecordStatus
from outdial.store.do_not_call import (
    ADDED_COLUMNS,
    CALLED_MS,
    FORBIDDEN_COLUMNS,
    Addition,
    Forbidden,
    ForbiddenList,
    Found,
    Objections,
    added_rows,
    counting,
    entries_for,
)
from outdial.store.postgres_link import Connection
from outdial.store.postgres_statements import arrays, transposed

ROWS_AT_ONCE = 20_000
"""Entries that are passed over at once in search of those of one list. Unit: entries. Ours."""
ADDED_AT_ONCE = 2_000
"""Entries of one statement, so that no statement is long. Unit: entries. Ours."""

_LOCK: Final = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'dnclist', 'big')})"
_LAST: Final = "SELECT coalesce(max(seq), 0) FROM do_not_call"
_EXPIRE: Final = """
UPDATE do_not_call SET removed_utc_ms = expires_utc_ms, removed_by = 'expired'
WHERE expires_utc_ms <= $1 AND expires_utc_ms IS NOT NULL AND removed_utc_ms IS NULL
"""
_ADD: Final = f"""
INSERT INTO do_not_call ({", ".join(ADDED_COLUMNS)}) SELECT * FROM {arrays(ADDED_COLUMNS)}
ON CONFLICT (number, list_name) WHERE removed_utc_ms IS NULL DO UPDATE SET seen_utc_ms = excluded.seen_utc_ms,
    expires_utc_ms = CASE WHEN do_not_call.expires_utc_ms IS NULL OR excluded.expires_utc_ms IS NULL THEN NULL
        ELSE greatest(do_not_call.expires_utc_ms, excluded.expires_utc_ms) END
"""
_REMOVE: Final = """
UPDATE do_not_call SET removed_by = $1, removed_utc_ms = $2
WHERE number = ANY ($3::text[]) AND removed_utc_ms IS NULL AND ($4::text IS NULL OR list_name = $4)
RETURNING seq
"""
_REMOVE_UNSEEN: Final = """
UPDATE do_not_call SET removed_by = $1, removed_utc_ms = $2
WHERE seq > $3 AND seq <= $4 AND list_name = $5 AND removed_utc_ms IS NULL AND seen_utc_ms < $6
RETURNING seq
"""
_LOOK_UP: Final = """
SELECT number, list_name FROM do_not_call
WHERE number = ANY ($1::text[]) AND removed_utc_ms IS NULL AND (expires_utc_ms IS NULL OR expires_utc_ms > $2)
    AND seq > $3
ORDER BY list_name
"""
_HISTORY: Final = " UNION ALL ".join(
    f"SELECT {', '.join(FORBIDDEN_COLUMNS)} FROM do_not_call WHERE number = $1 AND removed_utc_ms IS {where}"
    for where in ("NULL", "NOT NULL")
)
_LISTS: Final = """
SELECT list_name, count(*), min(seen_utc_ms), max(seen_utc_ms) FROM do_not_call
WHERE removed_utc_ms IS NULL AND (expires_utc_ms IS NULL OR expires_utc_ms > $1) GROUP BY list_name
"""
_CLAIMED: Final = f"""
SELECT list_id, record_id, coalesce(callback_number, number), customer_id FROM records WHERE claim_epoch = $1
UNION SELECT other.list_id, other.record_id, coalesce(other.callback_number, other.number), other.customer_id
FROM records AS head JOIN records AS other
    ON other.list_id = head.list_id AND other.chain_id = head.chain_id AND other.chain_id > 0
WHERE head.claim_epoch = $1 AND head.chain_id > 0 AND other.status = {RecordStatus.RETRIEVED:d}
"""
_HAS_OTHERS: Final = "SELECT EXISTS (SELECT FROM servers WHERE epoch <> $1)"
_CALLED: Final = """
SELECT epoch, call_id, number FROM open_attempts WHERE number = ANY ($1::text[]) AND epoch <> $2
UNION SELECT epoch, call_id, number FROM attempts
WHERE number = ANY ($1::text[]) AND dialed_utc_ms > $3 AND epoch <> $2
ORDER BY epoch, call_id
"""
_CANCELLED: Final = f"""
SELECT list_id, record_id FROM records
WHERE cancel_utc_ms IS NOT NULL AND status = {RecordStatus.RETRIEVED:d} ORDER BY record_id
"""


async def forbid(connection: Connection, addition: Addition, entries: Iterable[str]) -> int:
    """Put entries on a list. Returns how many were not on it."""
    await connection.execute(_LOCK)
    before: int = await connection.fetchval(_LAST)
    await connection.execute(_EXPIRE, addition.utc_ms)
    rows = added_rows(addition, entries, before)
    for first in range(0, len(rows), ADDED_AT_ONCE):
        await connection.execute(_ADD, *transposed(rows[first : first + ADDED_AT_ONCE]))
    count: int = await connection.fetchval("SELECT count(*) FROM do_not_call WHERE seq > $1", before)
    return count


async def allow(
    connection: Connection, list_name: str | None, entries: Sequence[str], removed_by: str, utc_ms: int
) -> int:
    """Take entries off a list, or off all. Returns how many there were."""
    await connection.execute(_EXPIRE, utc_ms)
    return len(await connection.fetch(_REMOVE, removed_by, utc_ms, entries, list_name))


async def allow_unseen(
    connection: Connection, list_name: str, before_utc_ms: int, removed_by: str, utc_ms: int, after: int
) -> tuple[int, int | None]:
    """Take some entries off a list that nothing has had lately.

    Returns:
        How many; and after which to go on, None: that was all.
    """
    last, till = await connection.fetchval(_LAST), after + ROWS_AT_ONCE
    removed = await connection.fetch(_REMOVE_UNSEEN, removed_by, utc_ms, after, till, list_name, before_utc_ms)
    return len(removed), till if till < last else None


async def look_up(connection: Connection, entries: Sequence[str], list_names: Collection[str], utc_ms: int) -> Found:
    """Which entries are on lists that count."""
    return counting(await connection.fetch(_LOOK_UP, entries, utc_ms, 0), list_names)


async def history(connection: Connection, entries: Iterable[str]) -> tuple[Forbidden, ...]:
    """Everything that is known of entries."""
    found: list[Forbidden] = []
    for entry in entries:
        rows = [Forbidden(*row) for row in await connection.fetch(_HISTORY, entry)]
        found += sorted(rows, key=lambda one: (one.list_name, one.added_utc_ms))
    return tuple(found)


async def lists(connection: Connection, utc_ms: int) -> tuple[ForbiddenList, ...]:
    """Every list that has something on it."""
    rows = [ForbiddenList(*row) for row in await connection.fetch(_LISTS, utc_ms)]
    return tuple(sorted(rows, key=lambda one: one.name))


async def objections(connection: Connection, epoch: int, seq: int, utc_ms: int) -> Objections:
    """What has come between an epoch's claimed records and their calls: on lists since an entry, by other servers."""
    cancelled = tuple((row[0], row[1]) for row in await connection.fetch(_CANCELLED))
    last: int = await connection.fetchval(_LAST)
    found: list[tuple[ListId, RecordId, str]] = []
    has_others = await connection.fetchval(_HAS_OTHERS, epoch)
    claimed = await connection.fetch(_CLAIMED, epoch) if last > seq or has_others else ()
    called: tuple[tuple[int, CallId, str], ...] = ()
    if has_others and claimed:
        numbers = list(dict.fromkeys(row[2] for row in claimed))
        called = tuple(map(tuple, await connection.fetch(_CALLED, numbers, epoch, utc_ms - CALLED_MS)))
    if last > seq:
        records: dict[str, list[tuple[ListId, RecordId]]] = {}
        for list_id, record_id, number, customer_id in claimed:
            for entry in entries_for(number, customer_id):
                records.setdefault(entry, []).append((list_id, record_id))
        for entry, list_name in await connection.fetch(_LOOK_UP, list(records), utc_ms, seq):
            found += [(*record, list_name) for record in records[entry]]
    return Objections(last, tuple(sorted(found)), cancelled, called)
