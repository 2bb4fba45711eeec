"""Rows of `dispositions`: what agents have said."""

from collections.abc import Sequence
from typing import Any

from outdial.core.commands import DisposeRecord
from outdial.core.records import RecordType
from outdial.core.results import CallResult
from outdial.store.stored import StoredWord

DISPOSITION_COLUMNS = (
    "epoch",
    "disposition_n",
    "call_id",
    "list_id",
    "record_id",
    "attempt_n",
    "agent_id",
    "call_result",
    "disposition",
    "not_before_utc_ms",
    "record_type",
    "callback_number",
    "note",
    "given_utc_ms",
)
"""What `disposition_values` gives, in its order."""


def disposition_values(epoch: int, given: DisposeRecord) -> tuple[Any, ...]:
    """A row of `dispositions`."""
    disposition = given.disposition
    return (
        epoch,
        given.disposition_n,
        given.call_id,
        given.list_id,
        given.record_id,
        given.attempt_n,
        given.agent_id,
        int(given.call_result),
        disposition.action.value,
        disposition.not_before_utc_ms,
        None if disposition.record_type is None else int(disposition.record_type),
        disposition.number or None,
        given.note,
        given.given_utc_ms,
    )


WORD_COLUMNS = (
    "epoch",
    "call_id",
    "attempt_n",
    "agent_id",
    "call_result",
    "disposition",
    "not_before_utc_ms",
    "record_type",
    "callback_number",
    "note",
    "given_utc_ms",
)
"""What `word_of` takes, in its order."""
WORD_ORDER = "given_utc_ms, epoch, disposition_n"


def word_of(row: Sequence[Any]) -> StoredWord:
    """A row of `dispositions`, read again."""
    epoch, call_id, attempt_n, agent_id, call_result, disposition, not_before_utc_ms, record_type, number, *rest = row
    note, given_utc_ms = rest
    return StoredWord(
        epoch,
        call_id,
        attempt_n,
        agent_id,
        CallResult(call_result),
        disposition,
        not_before_utc_ms,
        None if record_type is None else RecordType(record_type),
        number or "",
        note,
        given_utc_ms,
    )
