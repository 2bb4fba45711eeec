"""Filling calling lists in SQLite and reading what has become of them."""

import sqlite3
from collections.abc import Sequence

from outdial.calling_lists import ListedRecord
from outdial.core.units import ListId, RecordId
from outdial.sim.lists import RecordFate, RecordStatus
from outdial.store.rows import (
    FATE_COLUMNS,
    IMPORT_COLUMNS,
    NEW_RECORD_COLUMNS,
    fate_of,
    import_values,
    new_record_values,
)
from outdial.store.stored import Import

CHAIN_RECORDS_AT_ONCE = 5_000
"""Records of chains that are looked at in one transaction when an import is finished. Unit: records. Ours."""
RECORDS_AT_ONCE = 50_000
"""Records, of any list, that are passed over at once in search of those of one list. Unit: records. Ours."""

_ADD = (
    f"INSERT INTO records ({', '.join(NEW_RECORD_COLUMNS)}) VALUES ({', '.join('?' for _ in NEW_RECORD_COLUMNS)}) "
    "ON CONFLICT (record_id) DO NOTHING"
)
_PROGRESS = (
    f"INSERT INTO imports ({', '.join(IMPORT_COLUMNS)}) VALUES ({', '.join('?' for _ in IMPORT_COLUMNS)}) "
    f"ON CONFLICT (list_id, digest) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in IMPORT_COLUMNS)}"
)
_RELEASE = f"""
UPDATE records SET due_utc_ms = 0
WHERE list_id = ?1 AND chain_id > ?2 AND chain_id <= ?3 AND chain_id > 0 AND status = {RecordStatus.READY}
  AND NOT EXISTS (
    SELECT 1 FROM records AS other
    WHERE other.list_id = ?1 AND other.chain_id = records.chain_id AND likely(other.chain_id > 0)
      AND (other.due_utc_ms IS NOT NULL OR other.claim_epoch IS NOT NULL
           OR (other.status = {RecordStatus.READY}
               AND (other.chain_n, other.record_id) < (records.chain_n, records.record_id))))
"""


def imports(connection: sqlite3.Connection) -> tuple[Import, ...]:
    """Every file that has been read into a list, and how far."""
    rows = connection.execute(f"SELECT {', '.join(IMPORT_COLUMNS)} FROM imports ORDER BY list_id, file, digest")
    return tuple(Import(*row) for row in rows)


def add(connection: sqlite3.Connection, progress: Import, records: Sequence[ListedRecord]) -> None:
    """Add records and write the progress down, inside a transaction that the caller has begun."""
    connection.executemany(_ADD, [new_record_values(listed) for listed in records])
    connection.execute(_PROGRESS, import_values(progress))


def release_chains(connection: sqlite3.Connection, list_id: ListId, after: int) -> int | None:
    """Let chains of a list that neither wait nor are claimed wait from now on, from their first record that is ready.

    A part of them at a time, each in a transaction that the caller has begun.

    Args:
        list_id: the list.
        after: chain up to which this was done. 0: none.

    Returns:
        Chain up to which it is done now. None: that were all.
    """
    last = last_chain(connection, list_id, after)
    if last is not None:
        connection.execute(_RELEASE, (list_id, after, last))
    return last


def last_chain(connection: sqlite3.Connection, list_id: ListId, after: int) -> int | None:
    """Up to which chain of a list to go at once. None: there are no more behind that one."""
    (last,) = connection.execute(
        "SELECT max(chain_id) FROM (SELECT chain_id FROM records WHERE list_id = ? AND chain_id > ? AND chain_id > 0 "
        "ORDER BY chain_id LIMIT ?)",
        (list_id, after, CHAIN_RECORDS_AT_ONCE),
    ).fetchone()
    return None if last is None else int(last)


def page_end(connection: sqlite3.Connection, after: RecordId) -> RecordId | None:
    """Up to which record, of any list, to go at once. None: there are no more behind those."""
    row = connection.execute(
        "SELECT record_id FROM records WHERE record_id > ? ORDER BY record_id LIMIT 1 OFFSET ?",
        (after, RECORDS_AT_ONCE - 1),
    ).fetchone()
    return None if row is None else int(row[0])


def fates(
    connection: sqlite3.Connection, list_id: ListId, after: RecordId, count_max: int
) -> tuple[list[RecordFate], RecordId | None]:
    """What has become of some records of a list, by record number.

    Args:
        list_id: the list.
        after: record up to which this is known. 0: none.
        count_max: how many at most.

    Returns:
        The records; and after which record to go on looking for more, None: there are no more.
    """
    till = page_end(connection, after)
    found = connection.execute(
        f"SELECT {', '.join(FATE_COLUMNS)} FROM records WHERE record_id > ?1 AND (?2 IS NULL OR record_id <= ?2) "
        "AND list_id = ?3 ORDER BY record_id LIMIT ?4",
        (after, till, list_id, count_max),
    )
    page = [fate_of(fate) for fate in found]
    return page, page[-1].record_id if len(page) == count_max else till
