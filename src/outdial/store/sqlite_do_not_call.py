"""Do-not-call lists in SQLite, inside transactions that the caller has begun."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence

from outdial.core.units import ListId, RecordId
from outdial.sim.lists import RecordStatus
from outdial.store.do_not_call import (
    ADDED_COLUMNS,
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

ROWS_AT_ONCE = 50_000
"""Entries that are passed over at once in search of those of one list. Unit: entries. Ours."""

_LAST = "SELECT coalesce(max(seq), 0) FROM do_not_call"
_EXPIRE = (
    "UPDATE do_not_call SET removed_utc_ms = expires_utc_ms, removed_by = 'expired' "
    "WHERE expires_utc_ms <= ? AND expires_utc_ms IS NOT NULL AND removed_utc_ms IS NULL"
)
_ADD = (
    f"INSERT INTO do_not_call ({', '.join(ADDED_COLUMNS)}) VALUES ({', '.join('?' for _ in ADDED_COLUMNS)}) "
    "ON CONFLICT (number, list_name) WHERE removed_utc_ms IS NULL DO UPDATE SET seen_utc_ms = excluded.seen_utc_ms, "
    "expires_utc_ms = CASE WHEN do_not_call.expires_utc_ms IS NULL OR excluded.expires_utc_ms IS NULL THEN NULL "
    "ELSE max(do_not_call.expires_utc_ms, excluded.expires_utc_ms) END"
)
_REMOVE = (
    "UPDATE do_not_call SET removed_by = ?, removed_utc_ms = ? "
    "WHERE number = ? AND removed_utc_ms IS NULL AND (?4 IS NULL OR list_name = ?4)"
)
_REMOVE_UNSEEN = (
    "UPDATE do_not_call SET removed_by = ?1, removed_utc_ms = ?2 WHERE seq > ?3 AND seq <= ?4 AND list_name = ?5 "
    "AND removed_utc_ms IS NULL AND seen_utc_ms < ?6"
)
_LOOK_UP = """
SELECT entry.number, entry.list_name
FROM json_each(?1) AS asked CROSS JOIN do_not_call AS entry ON entry.number = asked.value
WHERE entry.removed_utc_ms IS NULL AND (entry.expires_utc_ms IS NULL OR entry.expires_utc_ms > ?2) AND entry.seq > ?3
ORDER BY entry.list_name
"""
_HISTORY = (
    f"SELECT {', '.join(FORBIDDEN_COLUMNS)} FROM do_not_call WHERE number = ?1 AND removed_utc_ms IS NULL UNION ALL "
    f"SELECT {', '.join(FORBIDDEN_COLUMNS)} FROM do_not_call WHERE number = ?1 AND removed_utc_ms IS NOT NULL "
    "ORDER BY list_name, added_utc_ms"
)
_LISTS = """
SELECT list_name, count(*), min(seen_utc_ms), max(seen_utc_ms) FROM do_not_call
WHERE seq > ?2 AND seq <= ?3 AND removed_utc_ms IS NULL AND (expires_utc_ms IS NULL OR expires_utc_ms > ?1)
GROUP BY list_name
"""
_CLAIMED = f"""
SELECT list_id, record_id, coalesce(callback_number, number), customer_id FROM records WHERE claim_epoch = ?1
UNION SELECT other.list_id, other.record_id, coalesce(other.callback_number, other.number), other.customer_id
FROM records AS head CROSS JOIN records AS other
    ON other.list_id = head.list_id AND other.chain_id = head.chain_id AND likely(other.chain_id > 0)
WHERE head.claim_epoch = ?1 AND head.chain_id > 0 AND other.status = {RecordStatus.RETRIEVED:d}
"""
_CANCELLED = (
    "SELECT list_id, record_id FROM records "
    f"WHERE cancel_utc_ms IS NOT NULL AND status = {RecordStatus.RETRIEVED:d} ORDER BY record_id"
)


def last_seq(connection: sqlite3.Connection) -> int:
    """Number of the latest entry. 0: there is none."""
    seq: int = connection.execute(_LAST).fetchone()[0]
    return seq


def forbid(connection: sqlite3.Connection, addition: Addition, entries: Iterable[str]) -> int:
    """Put entries on a list. Returns how many were not on it."""
    before = last_seq(connection)
    connection.execute(_EXPIRE, (addition.utc_ms,))
    connection.executemany(_ADD, added_rows(addition, entries, before))
    count: int = connection.execute("SELECT count(*) FROM do_not_call WHERE seq > ?", (before,)).fetchone()[0]
    return count


def allow(
    connection: sqlite3.Connection, list_name: str | None, entries: Collection[str], removed_by: str, utc_ms: int
) -> int:
    """Take entries off a list, or off all. Returns how many there were."""
    connection.execute(_EXPIRE, (utc_ms,))
    rows = [(removed_by, utc_ms, entry, list_name) for entry in entries]
    return connection.executemany(_REMOVE, rows).rowcount


def allow_unseen(
    connection: sqlite3.Connection, list_name: str, before_utc_ms: int, removed_by: str, utc_ms: int, after: int
) -> tuple[int, int | None]:
    """Take some entries off a list that nothing has had lately.

    Returns:
        How many; and after which to go on, None: that was all.
    """
    last, till = last_seq(connection), after + ROWS_AT_ONCE
    values = (removed_by, utc_ms, after, till, list_name, before_utc_ms)
    return connection.execute(_REMOVE_UNSEEN, values).rowcount, till if till < last else None


def look_up(connection: sqlite3.Connection, entries: Sequence[str], list_names: Collection[str], utc_ms: int) -> Found:
    """Which entries are on lists that count."""
    return counting(connection.execute(_LOOK_UP, (json.dumps(entries), utc_ms, 0)), list_names)


def history(connection: sqlite3.Connection, entries: Iterable[str]) -> tuple[Forbidden, ...]:
    """Everything that is known of entries."""
    return tuple(Forbidden(*row) for entry in entries for row in connection.execute(_HISTORY, (entry,)))


def lists(connection: sqlite3.Connection, utc_ms: int, after: int) -> tuple[list[ForbiddenList], int | None]:
    """Lists that have something on them, counted over some entries.

    Returns:
        The lists, and behind which entry to go on; None: that were all.
    """
    till = after + ROWS_AT_ONCE
    found = [ForbiddenList(*row) for row in connection.execute(_LISTS, (utc_ms, after, till))]
    return found, till if till < last_seq(connection) else None


def objections(connection: sqlite3.Connection, epoch: int, seq: int, utc_ms: int) -> Objections:
    """What has come between an epoch's claimed records and their calls, on lists since an entry. No other server can
    have called: a file serves one process."""
    cancelled = tuple(connection.execute(_CANCELLED).fetchall())
    last = last_seq(connection)
    found: list[tuple[ListId, RecordId, str]] = []
    if last > seq:
        records: dict[str, list[tuple[ListId, RecordId]]] = {}
        for list_id, record_id, number, customer_id in connection.execute(_CLAIMED, (epoch,)):
            for entry in entries_for(number, customer_id):
                records.setdefault(entry, []).append((list_id, record_id))
        for entry, list_name in connection.execute(_LOOK_UP, (json.dumps(list(records)), utc_ms, seq)):
            found += [(*record, list_name) for record in records[entry]]
    return Objections(last, tuple(sorted(found)), cancelled)
