"""Single records in PostgreSQL: added, cancelled, consented to; inside transactions of the caller's."""

from collections.abc import Sequence
from typing import Final

from outdial.calling_lists import RECORD_IDS_PER_LIST
from outdial.core.units import RecordId
from outdial.store.fates import Fates
from outdial.store.postgres_changes import hold, write_changed
from outdial.store.postgres_link import Connection
from outdial.store.postgres_statements import ADD_RECORDS, transposed
from outdial.store.rows import single_record_values
from outdial.store.single_records import Cancelling, Consent, Consenting, NewRecord, Surroundings, placed

_LOCK: Final = f"SELECT pg_advisory_xact_lock({int.from_bytes(b'records', 'big')})"
"""One record at a time, so that two commands do not add the same number."""
_CONSENT: Final = """
UPDATE records r SET consent = given.ground, consent_utc_ms = given.utc_ms
FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS given (record_id, ground, utc_ms)
WHERE r.record_id = given.record_id
"""


async def add_record(connection: Connection, new: NewRecord) -> RecordId:
    """Add one record."""
    await connection.execute(_LOCK)
    listed, due_utc_ms = placed(new, await _surroundings(connection, new))
    await connection.execute(ADD_RECORDS, *transposed([single_record_values(listed, due_utc_ms)]))
    return listed.record.record_id


async def cancel_record(connection: Connection, record_id: RecordId, utc_ms: int) -> Cancelling:
    """Cancel a record, or see to it that it is when its claim ends."""
    fates = Fates(0, await hold(connection, [record_id]))
    outcome = fates.cancel(record_id)
    if outcome is not Cancelling.OVER:
        await connection.execute(
            "UPDATE records SET cancel_utc_ms = coalesce(cancel_utc_ms, $1) WHERE record_id = $2", utc_ms, record_id
        )
    await write_changed(connection, fates)
    return outcome


async def consent(connection: Connection, given: Sequence[Consent]) -> tuple[Consenting, ...]:
    """Add consents to records."""
    last = {each.record_id: each for each in given}
    fates = Fates(0, await hold(connection, last))
    rows = [(each.record_id, each.ground, each.utc_ms) for each in last.values()]
    await connection.execute(_CONSENT, *transposed(rows))
    outcomes = tuple(fates.consent(each.record_id, ready=each.ready) for each in given)
    await write_changed(connection, fates)
    return outcomes


async def _surroundings(connection: Connection, new: NewRecord) -> Surroundings:
    record = new.listed.record
    block = (record.list_id - 1) * RECORD_IDS_PER_LIST
    one = connection.fetchval
    return Surroundings(
        with_number=await one(
            "SELECT record_id FROM records WHERE number = $1 AND list_id = $2", record.number, record.list_id
        ),
        with_id=await one("SELECT record_id FROM records WHERE record_id = $1", record.record_id)
        if new.has_id
        else None,
        last_id=await one(
            "SELECT coalesce(max(record_id), 0) FROM records WHERE record_id > $1 AND record_id <= $2",
            block,
            block + RECORD_IDS_PER_LIST,
        ),
        chain=await connection.fetch(
            "SELECT chain_n, status, due_utc_ms, claim_epoch FROM records "
            "WHERE list_id = $1 AND chain_id = $2 AND chain_id > 0 ORDER BY record_id FOR UPDATE",
            record.list_id,
            record.chain_id,
        ),
        unfinished=await one("SELECT file FROM imports WHERE list_id = $1 AND finished_utc_ms IS NULL", record.list_id),
    )
