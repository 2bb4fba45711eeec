"""Records that come one by one, without a file: where they belong, what speaks against them. Every store asks here."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from outdial.calling_lists import RECORD_IDS_PER_LIST, ListedRecord
from outdial.core.errors import OutdialError
from outdial.core.units import RecordId
from outdial.sim.lists import RecordStatus


class RecordRefused(OutdialError):
    """A record cannot be added; says why. What the list has stays as it is."""

    code = "record_refused"


class Cancelling(enum.StrEnum):
    """What has become of the wish to cancel a record."""

    DONE = "cancelled"
    CLAIMED = "claimed"
    """A server has it: it is cancelled when it comes back."""
    OVER = "over"
    """It was finished before, or is not there."""


class Consenting(enum.StrEnum):
    """What has become of a record that a consent was added to. The consent is there in any case but the last."""

    SET = "set"
    """It counts from now on."""
    READY = "ready"
    """The record had been cancelled, and is ready again."""
    CLAIMED = "claimed"
    """A server has the record, as it was before."""
    OVER = "over"
    """The record is finished and stays so."""
    MISSING = "missing"
    """There is no such record."""


@dataclass(frozen=True, slots=True)
class Consent:
    """On what ground a person may be called."""

    record_id: RecordId
    ground: str
    utc_ms: int | None
    """Since when. None: not said."""
    ready: bool = False
    """A record that was cancelled (Cancel Record) is to be called after all, unless an operator has cancelled it or
    its customer was dealt with otherwise."""


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record that is to be added."""

    listed: ListedRecord
    has_id: bool = False
    """Whether its `record_id` is meant; otherwise it gets the next one of its list."""
    has_place: bool = False
    """Whether its place in the chain is meant; otherwise it comes last."""
    due_utc_ms: int = 0
    """From when on it may be called. 0: at once."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the list has."""

    with_number: RecordId | None
    """Record that has the number."""
    with_id: RecordId | None
    """Record that has the wanted id."""
    last_id: RecordId
    """Highest record number of the list. 0: it has no record."""
    chain: Sequence[Sequence[Any]]
    """Records of the chain. Shape: (chain_n, status, due_utc_ms, claim_epoch)."""
    unfinished: str | None
    """File that was not read to its end."""


def placed(new: NewRecord, found: Surroundings) -> tuple[ListedRecord, int | None]:
    """Say how a record is to be added.

    Returns:
        The record with its number and its place, and from when on it is due. None: another record of its chain waits.

    Raises:
        RecordRefused: it must not be.
    """
    record = new.listed.record
    block = (record.list_id - 1) * RECORD_IDS_PER_LIST
    if found.unfinished is not None:
        raise RecordRefused(f"{found.unfinished or 'a file'} was not read to its end; do that first")
    if found.with_number is not None:
        raise RecordRefused(f"{record.number} is in the list already: record {found.with_number}")
    if new.has_id and found.with_id is not None:
        raise RecordRefused(f"record_id {record.record_id - block} is in the list already")
    record_id = record.record_id if new.has_id else max(block, found.last_id) + 1
    if record_id > block + RECORD_IDS_PER_LIST:
        raise RecordRefused("record numbers of the list are used up; give the record a record_id")
    chain_n, waits = _place_in_chain(new, found.chain) if record.chain_id else (0, False)
    listed = replace(new.listed, record=replace(record, record_id=record_id, chain_n=chain_n))
    return listed, None if waits else new.due_utc_ms


def _place_in_chain(new: NewRecord, chain: Sequence[Sequence[Any]]) -> tuple[int, bool]:
    """Place of the record in its chain, and whether another record of it waits to be called first."""
    chain_id = new.listed.record.chain_id
    if any(row[3] is not None or row[1] == RecordStatus.RETRIEVED for row in chain):
        raise RecordRefused(f"a server has chain {chain_id} at the moment; try again when it has come back")
    last = max((row[0] for row in chain), default=-1)
    chain_n = new.listed.record.chain_n if new.has_place else last + 1
    if chain_n <= last:
        raise RecordRefused(f"chain {chain_id} has records up to chain_n {last}; a new one comes behind them")
    waits = any(row[2] is not None for row in chain)
    if waits and new.due_utc_ms:
        raise RecordRefused(f"chain {chain_id} waits already; its next record says from when on it is called")
    return chain_n, waits
