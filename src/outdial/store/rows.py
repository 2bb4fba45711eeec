"""Rows of the tables and what the core calls them: both ways, for every store.

Each kind of row has the names of its columns here, and its values in that order. A row is anything that can be indexed:
tuples of sqlite3, records of asyncpg.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import msgspec

from outdial.calling_lists import ListedRecord
from outdial.config.zones import load_zone
from outdial.core.records import Chain, Priority, Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import Zone
from outdial.sim.lists import RecordFate, RecordStatus
from outdial.store.do_not_call import Found, entries_for, list_that_has
from outdial.store.interface import StoreError
from outdial.store.stored import Import, ListCounts, StoredRecord

Row: TypeAlias = Sequence[Any]
"""Values in the order of one of the tuples of names below. asyncpg's records do, too, though not by their type."""

RECORD_COLUMNS = (
    "record_id",
    "list_id",
    "number",
    "chain_id",
    "chain_n",
    "daily_from_s",
    "daily_till_s",
    "zone",
    "attempts",
    "treatments",
    "customer_id",
    "record_type",
    "group_id",
    "callback_agent_id",
    "callback_number",
    "scheduled_utc_ms",
    "consent",
    "consent_utc_ms",
)
"""What `record_of` reads, in its order."""


NEW_RECORD_COLUMNS = (
    "record_id",
    "list_id",
    "number",
    "chain_id",
    "chain_n",
    "due_utc_ms",
    "daily_from_s",
    "daily_till_s",
    "zone",
    "custom",
    "customer_id",
    "consent",
    "consent_utc_ms",
)
"""What `new_record_values` gives, in its order; the other columns have their defaults."""

FATE_COLUMNS = (
    "record_id",
    "list_id",
    "number",
    "chain_id",
    "chain_n",
    "status",
    "attempts",
    "call_result",
    "agent_id",
    "last_attempt_utc_ms",
)
"""What `fate_of` reads, in its order."""

STORED_COLUMNS = (
    *FATE_COLUMNS,
    "due_utc_ms",
    "claim_epoch",
    "daily_from_s",
    "daily_till_s",
    "zone",
    "custom",
    "record_type",
    "group_id",
    "callback_agent_id",
    "callback_number",
    "consent",
    "consent_utc_ms",
    "customer_id",
)
"""What `stored_of` reads, in its order."""


IMPORT_COLUMNS = ("list_id", "file", "digest", "lines_done", "records", "finished_utc_ms")
"""The fields of `Import`."""


ANEW = (
    f"priority = {Priority.NEW:d}, record_type = {RecordType.GENERAL:d}, group_id = 0, treatments = NULL, "
    "scheduled_utc_ms = NULL, callback_agent_id = NULL, callback_number = NULL, cancel_utc_ms = NULL"
)
"""What a record is set to that begins anew, in SQL."""

_JSON = msgspec.json.Encoder()
"""A tenth of the time that `json.dumps` takes, and the same text."""


def record_of(row: Row, found: Found) -> Record:
    """A record for the core, from the columns of `RECORD_COLUMNS` and what do-not-call lists have.

    Raises:
        StoreError: its time zone does not exist. So build records before the claim is committed.
    """
    record_id, list_id, number, chain_id, chain_n, daily_from_s, daily_till_s, zone, attempts, treatments = row[:10]
    customer_id, record_type, group_id, agent_id, callback_number, scheduled_utc_ms = row[10:16]
    consent, consent_utc_ms = row[16:18]
    return Record(
        record_id,
        list_id,
        number,
        chain_id,
        chain_n,
        daily_from_s,
        daily_till_s,
        None if zone is None else _zone(zone, record_id),
        attempts,
        () if treatments is None else history_of(treatments),
        record_type=RecordType(record_type),
        group_id=group_id or None,
        agent_id=agent_id,
        scheduled_utc_ms=scheduled_utc_ms or 0,
        do_not_call=list_that_has(callback_number or number, customer_id, found) if found else "",
        consent=consent or "",
        consent_utc_ms=consent_utc_ms,
    ).called_at(callback_number or "")


def _zone(name: str, record_id: int) -> Zone:
    zone = load_zone(name)
    if zone is None:
        raise StoreError(f'record {record_id}: there is no time zone "{name}"')
    return zone


def chains_of(rows_by_head: Iterable[Sequence[Row]], found: Found) -> tuple[Chain, ...]:
    """Chains for the core.

    Args:
        rows_by_head: the rows of each chain, its head first; see `with_rest`.
        found: what do-not-call lists have of them; see `entries_in`.
    """
    return tuple(Chain(tuple(record_of(row, found) for row in rows)) for rows in rows_by_head)


def entries_in(rows_by_head: Iterable[Sequence[Row]]) -> list[str]:
    """What has to be looked up in do-not-call lists for these chains."""
    return [entry for rows in rows_by_head for row in rows for entry in entries_for(row[14] or row[2], row[10])]


def with_rest(heads: Sequence[Row], rest: Iterable[Row]) -> list[list[Row]]:
    """Bring each head together with the other records of its chain, in chain order.

    Args:
        heads: rows of the records that are due, in the order in which their chains are wanted.
        rest: rows of other records of these chains, in any order.
    """
    others: dict[tuple[int, int], list[Row]] = {}
    for row in rest:
        others.setdefault((row[1], row[3]), []).append(row)
    return [[head, *sorted(others.get((head[1], head[3]), ()), key=_chain_order)] for head in heads]


def _chain_order(row: Row) -> tuple[int, int]:
    return row[4], row[0]


def history_text(history: Sequence[tuple[CallResult, int]]) -> str | None:
    """A record's treatment history as the column `treatments` holds it. None: there is none."""
    return json.dumps([[int(result), count] for result, count in history], separators=(",", ":")) if history else None


def history_of(text: str | None) -> tuple[tuple[CallResult, int], ...]:
    """The way back from `history_text`."""
    return tuple((CallResult(result), count) for result, count in json.loads(text)) if text else ()


def new_record_values(listed: ListedRecord) -> tuple[Any, ...]:
    """A row of `records` for `NEW_RECORD_COLUMNS`. A single record is due at once, one of a chain is not due yet."""
    record = listed.record
    return (
        record.record_id,
        record.list_id,
        record.number,
        record.chain_id,
        record.chain_n,
        None if record.chain_id else 0,
        record.daily_from_s,
        record.daily_till_s,
        None if record.zone is None else record.zone.name,
        _JSON.encode(dict(listed.custom)).decode() if listed.custom else None,
        listed.customer_id,
        record.consent or None,
        record.consent_utc_ms,
    )


def single_record_values(listed: ListedRecord, due_utc_ms: int | None) -> tuple[Any, ...]:
    """The same for a record that comes without a file, and is due when somebody says."""
    values = dict(zip(NEW_RECORD_COLUMNS, new_record_values(listed), strict=True))
    return tuple((values | {"due_utc_ms": due_utc_ms}).values())


def fate_of(row: Row) -> RecordFate:
    """What has become of a record, from the columns of `FATE_COLUMNS`."""
    record_id, list_id, number, chain_id, chain_n, status, attempts, result, agent_id, last_attempt_utc_ms = row
    return RecordFate(
        record_id,
        list_id,
        number,
        chain_id,
        chain_n,
        RecordStatus(status),
        attempts,
        None if result == CallResult.UNKNOWN and not attempts else CallResult(result),
        agent_id,
        last_attempt_utc_ms,
    )


def stored_of(row: Row) -> StoredRecord:
    """All that is known of a record, from the columns of `STORED_COLUMNS`."""
    due_utc_ms, claim_epoch, daily_from_s, daily_till_s, zone, custom, *bound = row[len(FATE_COLUMNS) :]
    record_type, group_id, callback_agent_id, callback_number, consent, consent_utc_ms, customer_id = bound
    return StoredRecord(
        fate_of(row[: len(FATE_COLUMNS)]),
        due_utc_ms,
        claim_epoch,
        daily_from_s,
        daily_till_s,
        zone,
        json.loads(custom) if custom else {},
        RecordType(record_type),
        group_id or None,
        callback_agent_id,
        callback_number,
        consent or "",
        consent_utc_ms,
        customer_id,
    )


def counts_of(rows: Iterable[Row]) -> ListCounts:
    """A list at a glance. Shape of `rows`: (status, records, due, waiting, next due, claimed), of all parts."""
    rows = list(rows)
    by_status = Counter[int]()
    for row in rows:
        by_status[row[0]] += row[1]
    return ListCounts(
        by_status={RecordStatus(status): count for status, count in sorted(by_status.items())},
        due=sum(row[2] for row in rows),
        waiting=sum(row[3] for row in rows),
        next_due_utc_ms=min((row[4] for row in rows if row[4] is not None), default=None),
        claimed=sum(row[5] for row in rows),
    )


def import_values(progress: Import) -> tuple[Any, ...]:
    """A row of `imports`."""
    return (
        progress.list_id,
        progress.file,
        progress.digest,
        progress.lines_done,
        progress.records,
        progress.finished_utc_ms,
    )
