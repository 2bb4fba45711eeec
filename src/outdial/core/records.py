"""Records: one number to reach each, in chains of the numbers of one person."""

import enum
from dataclasses import dataclass, replace

from outdial.core.results import CallResult
from outdial.core.settings import Zone
from outdial.core.units import AgentId, GroupId, ListId, Millis, RecordId


class RecordType(enum.IntEnum):
    """What a record is to be dialed as, with the vendor's number."""

    UNKNOWN = 1
    GENERAL = 2
    """As its list has it."""
    CAMPAIGN_RESCHEDULED = 3
    """A treatment has put it off."""
    PERSONAL_RESCHEDULED = 4
    """A treatment has put a personal callback off."""
    PERSONAL_CALLBACK = 5
    """The customer wants to be called back, by one agent."""
    CAMPAIGN_CALLBACK = 6
    """The customer wants to be called back, by anybody of a campaign group."""
    NO_CALL = 7
    """Never handed out."""

    @property
    def is_personal(self) -> bool:
        """Whether it waits for one agent."""
        return self in (RecordType.PERSONAL_RESCHEDULED, RecordType.PERSONAL_CALLBACK)

    @property
    def is_callback(self) -> bool:
        """Whether the customer has asked for it."""
        return self in CALLBACKS

    @property
    def is_owned(self) -> bool:
        """Whether it waits for one agent, or for one campaign group, since an instant."""
        return self.is_personal or self is RecordType.CAMPAIGN_CALLBACK

    @property
    def for_group(self) -> "RecordType":
        """What it is when it waits for no agent any more."""
        if self is RecordType.PERSONAL_CALLBACK:
            return RecordType.CAMPAIGN_CALLBACK
        return RecordType.CAMPAIGN_RESCHEDULED if self is RecordType.PERSONAL_RESCHEDULED else self


CALLBACKS = (RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK)
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


class Priority(enum.IntEnum):
    """Among which records one waits to be handed out. The numbers are the store's and say nothing of the order."""

    NEW = 0
    CAME_BACK = 1
    CALLBACK = 2
    RESCHEDULED = 3
    PERSONAL = 4
    """For one agent; never handed out with the others."""


PRIORITIES = (Priority.CALLBACK, Priority.RESCHEDULED, Priority.CAME_BACK, Priority.NEW)
"""What a group is handed out, first to last, unless its settings say otherwise."""


def priority_of(record_type: RecordType, *, is_new: bool = False) -> Priority:
    """Among which records one of this type waits; `is_new`: it was never tried."""
    if record_type.is_personal:
        return Priority.PERSONAL
    if record_type is RecordType.CAMPAIGN_CALLBACK:
        return Priority.CALLBACK
    if record_type is RecordType.CAMPAIGN_RESCHEDULED:
        return Priority.RESCHEDULED
    return Priority.NEW if is_new else Priority.CAME_BACK


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What calls to a number have come to, over all campaigns and lists. Attempts that never rang do not count."""

    as_of_utc_ms: int
    """Instant up to which the store has counted."""
    total: int = 0
    """Attempts ever."""
    dialed_utc_ms: tuple[int, ...] = ()
    """Attempts of the last week, newest first, at most `rules.ATTEMPTS_MAX`."""
    abandoned_utc_ms: int | None = None
    """When the last call ended on which a person found no agent."""
    machine_utc_ms: int | None = None
    """When the last call ended that an answering machine took."""
    conversation_utc_ms: int | None = None
    """When the last conversation ended."""
    asked_ms: Millis = -1
    """When the core asked the store for them: what happened since then it has to add itself. Monotonic."""


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
    record_type: RecordType = RecordType.GENERAL
    group_id: GroupId | None = None
    """Campaign group that alone may have it; None: any."""
    agent_id: AgentId | None = None
    """Personal types: the agent whom it waits for."""
    scheduled_utc_ms: int = 0
    """Personal types and campaign callbacks: since when it has been due. 0: not said."""
    consent: str = ""
    """On what ground the person may be called, in the operator's words. Empty: none is known."""
    consent_utc_ms: int | None = None
    """When that was given."""
    facts: NumberFacts | None = None
    """What earlier calls to the number have come to; None: nobody has asked for it."""

    def called_at(self, number: str) -> "Record":
        """The record when the customer wants to be called at another number. Its own zone is then one of several that
        the customer may be in."""
        if number in ("", self.number):
            return self
        return replace(self, number=number, zone=None, zones=self.zones if self.zone is None else (self.zone,))


@dataclass(frozen=True, slots=True)
class Chain:
    """The records of one customer that are still to be tried, next one first. Never empty."""

    records: tuple[Record, ...]
