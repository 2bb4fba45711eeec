"""Single records in SQLite: added, cancelled, consented to; inside transactions that the caller has begun."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from outdial.calling_lists import RECORD_IDS_PER_LIST
from outdial.core.units import RecordId
from outdial.store.fates import Fates
from outdial.store.rows import NEW_RECORD_COLUMNS, single_record_values
from outdial.store.single_records import Cancelling, Consent, Consenting, NewRecord, Surroundings, placed
from outdial.store.sqlite_write import read_held, write_changed

_ADD = f"INSERT INTO records ({', '.join(NEW_RECORD_COLUMNS)}) VALUES ({', '.join('?' for _ in NEW_RECORD_COLUMNS)})"
_MARK = "UPDATE records SET cancel_utc_ms = coalesce(cancel_utc_ms, ?) WHERE record_id = ?"
_CONSENT = "UPDATE records SET consent = ?, consent_utc_ms = ? WHERE record_id = ?"


def add_record(connection: sqlite3.Connection, new: NewRecord) -> RecordId:
    """Add one record."""
    listed, due_utc_ms = placed(new, _surroundings(connection, new))
    connection.execute(_ADD, single_record_values(listed, due_utc_ms))
    return listed.record.record_id


def cancel_record(connection: sqlite3.Connection, record_id: RecordId, utc_ms: int) -> Cancelling:
    """Cancel a record, or see to it that it is when its claim ends."""
    fates = Fates(0, read_held(connection, [record_id]))
    outcome = fates.cancel(record_id)
    if outcome is not Cancelling.OVER:
        connection.execute(_MARK, (utc_ms, record_id))
    write_changed(connection, fates)
    return outcome


def consent(connection: sqlite3.Connection, given: Sequence[Consent]) -> tuple[Consenting, ...]:
    """Add consents to records."""
    fates = Fates(0, read_held(connection, [each.record_id for each in given]))
    connection.executemany(_CONSENT, [(each.ground, each.utc_ms, each.record_id) for each in given])
    outcomes = tuple(fates.consent(each.record_id, ready=each.ready) for each in given)
    write_changed(connection, fates)
    return outcomes


def _surroundings(connection: sqlite3.Connection, new: NewRecord) -> Surroundings:
    record = new.listed.record
    block = (record.list_id - 1) * RECORD_IDS_PER_LIST

    def one(statement: str, *values: object) -> Any:
        row = connection.execute(statement, values).fetchone()
        return None if row is None else row[0]

    return Surroundings(
        with_number=one(
            "SELECT record_id FROM records WHERE number = ? AND list_id = ?", record.number, record.list_id
        ),
        with_id=one("SELECT record_id FROM records WHERE record_id = ?", record.record_id) if new.has_id else None,
        last_id=one(
            "SELECT coalesce(max(record_id), 0) FROM records WHERE record_id > ? AND record_id <= ?",
            block,
            block + RECORD_IDS_PER_LIST,
        ),
        chain=connection.execute(
            "SELECT chain_n, status, due_utc_ms, claim_epoch FROM records "
            "WHERE list_id = ? AND chain_id = ? AND likely(chain_id > 0)",
            (record.list_id, record.chain_id),
        ).fetchall(),
        unfinished=one("SELECT file FROM imports WHERE list_id = ? AND finished_utc_ms IS NULL", record.list_id),
    )
