"""Records: one number to reach each, in chains of the numbers of one person."""

from dataclasses import dataclass

from outdial.core.results import CallResult
from outdial.core.settings import Zone
from outdial.core.units import ListId, RecordId


@dataclass(frozen=True, slots=True)
class Record:
    """One number to reach, with its limits and its history."""

    record_id: RecordId
    list_id: ListId
    number: str
    """As it is dialed: digits, optionally a leading +."""
    chain_id: int = 0
    """Records with one chain id are one customer. 0: the record is alone."""
    chain_n: int = 0
    """Place in the chain, ascending from 0."""
    daily_from_s: int | None = None
    """Earliest local time of day; None: the calling list's. Unit: seconds since local midnight."""
    daily_till_s: int | None = None
    """Latest local time of day, exclusive; None: the calling list's."""
    zone: Zone | None = None
    """None: those of `zones`, or without any the calling list's."""
    attempts: int = 0
    """Attempts made so far."""
    history: tuple[tuple[CallResult, int], ...] = ()
    """How often a treatment was applied per call result. Shape: ((result, count), …)."""
    zones: tuple[Zone, ...] = ()
    """Where the number may be, when `zone` is None: it is dialed only while all of them allow it. Empty: not known."""
    do_not_call: str = ""
    """Name of a do-not-call list of the store that has the number or the customer. Empty: none that counts here."""


@dataclass(frozen=True, slots=True)
class Chain:
    """The records of one customer that are still to be tried, next one first. Never empty."""

    records: tuple[Record, ...]
