"""What operators look at in SQLite, and lists that begin anew; inside transactions that the caller has begun."""

import sqlite3
from collections.abc import Collection, Sequence

from outdial.core.results import CallResult
from outdial.core.units import ListId, RecordId
from outdial.sim.lists import RecordStatus
from outdial.store.attempt_rows import STORED_ATTEMPT_COLUMNS, STORED_OPEN_COLUMNS, stored_attempt_of
from outdial.store.disposition_rows import WORD_COLUMNS, WORD_ORDER, word_of
from outdial.store.ledger_rows import LEDGER_COUNTS, ledger_row_of
from outdial.store.rows import ANEW, STORED_COLUMNS, Row, stored_of
from outdial.store.sqlite_lists import last_chain, page_end, release_chains
from outdial.store.stored import AttemptPlace, LedgerRow, StoredAttempt, StoredRecord, StoredWord

_COUNT = """
SELECT status, count(*), coalesce(sum(due_utc_ms <= ?2), 0), coalesce(sum(due_utc_ms > ?2), 0),
    min(CASE WHEN due_utc_ms > ?2 THEN due_utc_ms END), count(claim_epoch)
FROM records WHERE record_id > ?3 AND (?4 IS NULL OR record_id <= ?4) AND list_id = ?1 GROUP BY status
"""
_FIND = f"SELECT {', '.join(STORED_COLUMNS)} FROM records WHERE "
_EVIDENCE = "(SELECT evidence FROM evidence AS e WHERE e.epoch = a.epoch AND e.call_id = a.call_id)"
_WORDS = f"SELECT {', '.join(WORD_COLUMNS)} FROM dispositions WHERE record_id = ? ORDER BY {WORD_ORDER}"
_READY = (
    f"UPDATE records SET status = {RecordStatus.READY:d}, {ANEW}"
    "{due} WHERE list_id = ?1 AND status IN ({statuses})"
    f" AND call_result <> {CallResult.DO_NOT_CALL:d}"
)
_SETTLED = f"""
SELECT {", ".join(STORED_ATTEMPT_COLUMNS)} FROM attempts
WHERE dialed_utc_ms >= max(?1, ?3) AND dialed_utc_ms < ?2 AND (dialed_utc_ms, epoch, call_id) > (?3, ?4, ?5)
ORDER BY dialed_utc_ms, epoch, call_id LIMIT ?6
"""
_LEDGER = f"""
SELECT campaign_id, seller, CASE WHEN bucket_utc_ms < ?1 THEN 0 ELSE bucket_utc_ms END AS bucket,
    {", ".join(f"sum({name})" for name in LEDGER_COUNTS)}
FROM abandonment GROUP BY campaign_id, seller, bucket ORDER BY campaign_id, seller, bucket
"""
_SINGLES = " AND chain_id = 0 AND record_id > ?2 AND (?3 IS NULL OR record_id <= ?3)"
_CHAINS = """ AND chain_id > ?2 AND chain_id <= ?3 AND chain_id > 0 AND NOT EXISTS (
    SELECT 1 FROM records AS other
    WHERE other.list_id = ?1 AND other.chain_id = records.chain_id AND likely(other.chain_id > 0)
      AND (other.due_utc_ms IS NOT NULL OR other.claim_epoch IS NOT NULL))"""


def list_counts(
    connection: sqlite3.Connection, list_id: ListId, utc_ms: int, after: RecordId
) -> tuple[list[Row], RecordId | None]:
    """Count some records of a list. Returns rows for `counts_of`, and behind which record to go on; None: nowhere."""
    till = page_end(connection, after)
    return connection.execute(_COUNT, (list_id, utc_ms, after, till)).fetchall(), till


def records(
    connection: sqlite3.Connection, list_id: ListId, after: RecordId, count_max: int
) -> tuple[list[StoredRecord], RecordId | None]:
    """Some records of a list; and after which record to go on looking for more, None: there are no more."""
    till = page_end(connection, after)
    found = connection.execute(
        f"{_FIND} record_id > ?1 AND (?2 IS NULL OR record_id <= ?2) AND list_id = ?3 ORDER BY record_id LIMIT ?4",
        (after, till, list_id, count_max),
    )
    page = [stored_of(row) for row in found]
    return page, page[-1].fate.record_id if len(page) == count_max else till


def find_records(
    connection: sqlite3.Connection, record_id: RecordId, numbers: Sequence[str]
) -> tuple[StoredRecord, ...]:
    """The record with this id, and those with one of these numbers, their own or that of a callback."""
    rows = connection.execute(f"{_FIND} record_id = ?", (record_id,)).fetchall()
    for number in numbers:
        rows += connection.execute(f"{_FIND} number = ?", (number,)).fetchall()
        rows += connection.execute(f"{_FIND} callback_number = ?", (number,)).fetchall()
    return tuple(stored_of(row) for row in sorted(dict.fromkeys(rows)))


def chain(connection: sqlite3.Connection, list_id: ListId, chain_id: int, count_max: int) -> tuple[StoredRecord, ...]:
    """The first records of a chain."""
    rows = connection.execute(
        f"{_FIND} list_id = ? AND chain_id = ? AND chain_id > 0 ORDER BY chain_n, record_id LIMIT ?",
        (list_id, chain_id, count_max),
    )
    return tuple(stored_of(row) for row in rows)


def attempts(connection: sqlite3.Connection, record_id: RecordId) -> tuple[StoredAttempt, ...]:
    """Every attempt on a record."""
    rows: list[Row] = []
    for table, columns in (("attempts", STORED_ATTEMPT_COLUMNS), ("open_attempts", STORED_OPEN_COLUMNS)):
        rows += connection.execute(
            f"SELECT {', '.join(columns)}, {_EVIDENCE} FROM {table} AS a WHERE record_id = ?", (record_id,)
        )
    found = [stored_attempt_of(row[:-1], row[-1]) for row in rows]
    return tuple(sorted(found, key=lambda one: (one.dialed_utc_ms, one.epoch, one.call_id)))


def words(connection: sqlite3.Connection, record_id: RecordId) -> tuple[StoredWord, ...]:
    """What agents have said of calls to a record."""
    return tuple(word_of(row) for row in connection.execute(_WORDS, (record_id,)))


def settled(
    connection: sqlite3.Connection, from_utc_ms: int, till_utc_ms: int, after: AttemptPlace, count_max: int
) -> tuple[StoredAttempt, ...]:
    """Some attempts that are over, in the order of dialing."""
    rows = connection.execute(_SETTLED, (from_utc_ms, till_utc_ms, *after, count_max))
    return tuple(stored_attempt_of(row) for row in rows)


def abandonment(connection: sqlite3.Connection, since_utc_ms: int) -> tuple[LedgerRow, ...]:
    """The ledger of abandoned calls."""
    return tuple(ledger_row_of(row) for row in connection.execute(_LEDGER, (since_utc_ms,)))


def reset_singles(
    connection: sqlite3.Connection, list_id: ListId, statuses: Collection[RecordStatus], after: RecordId
) -> tuple[int, RecordId | None]:
    """Make some records that are alone ready again. Returns how many; and after which to go on, None: that was all."""
    till = page_end(connection, after)
    statement = _READY.format(due=", due_utc_ms = 0", statuses=_listed(statuses)) + _SINGLES
    return connection.execute(statement, (list_id, after, till)).rowcount, till


def reset_chains(
    connection: sqlite3.Connection, list_id: ListId, statuses: Collection[RecordStatus], after: int
) -> tuple[int, int | None]:
    """As `reset_singles`, for some chains."""
    last = last_chain(connection, list_id, after)
    if last is None:
        return 0, None
    statement = _READY.format(due="", statuses=_listed(statuses)) + _CHAINS
    count = connection.execute(statement, (list_id, after, last)).rowcount
    release_chains(connection, list_id, after)
    return count, last


def _listed(statuses: Collection[RecordStatus]) -> str:
    return ", ".join(str(int(status)) for status in statuses)
