"""Do-not-call lists of the database: what an entry is, and what it means for a record. Every store shares these rules.

An entry is a telephone number or a customer, on a list that has a name. Numbers are kept without a leading +: a list
that was made elsewhere often has none, and who is on it must not be called because of a sign. `customer:ID` is a
customer, by the id that a calling list's `customer-id` column gives its records.

A record is looked up when it is claimed, and again when something is added to a list while it is claimed. So no server
has a list in memory, however long it is.

Source: the number is looked up first, then the customer: OCS pre-dial check. Ours: the rest (decision 0020).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from outdial.config.national_numbers import NationalNumbers
from outdial.config.numbers import NUMBER, normalise_number
from outdial.core.settings import does_count
from outdial.core.units import CallId, ListId, RecordId

CUSTOMER = "customer:"
"""What an entry begins with that is a customer."""
CUSTOMER_CHARACTERS_MAX = 100
ENTRY = f"a telephone number ({NUMBER}), or {CUSTOMER}ID with an id of 1 … {CUSTOMER_CHARACTERS_MAX} characters"
REASON_CHARACTERS_MAX = 200

Found: TypeAlias = Mapping[str, str]
"""Entries that are on a list that counts. Shape: {entry: name of the list}."""


@dataclass(frozen=True, slots=True)
class NumberForbidden:
    """Somebody must not be called again: written like what happens to records, so that it cannot be lost."""

    number: str
    list_name: str
    reason: str
    utc_ms: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What is said of numbers that come onto a list."""

    list_name: str
    added_by: str
    utc_ms: int
    """Now."""
    reason: str = ""
    expires_utc_ms: int | None = None
    """From when on they may be called again. None: never."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """One entry of a list, as it is or was."""

    number: str
    """Without a leading +; or `customer:ID`."""
    list_name: str
    reason: str
    added_by: str
    added_utc_ms: int
    seen_utc_ms: int
    """When a file or a command had it last."""
    expires_utc_ms: int | None
    removed_by: str | None
    removed_utc_ms: int | None

    def counts_at(self, utc_ms: int) -> bool:
        """Whether it is on the list at an instant that is not past."""
        return self.removed_utc_ms is None and (self.expires_utc_ms is None or self.expires_utc_ms > utc_ms)


@dataclass(frozen=True, slots=True)
class ForbiddenList:
    """One list at a glance."""

    name: str
    numbers: int
    oldest_utc_ms: int
    """When a file or a command last had the number of which that is longest ago."""
    latest_utc_ms: int
    """When one last had any of them."""


CALLED_MS = 10_000
"""How long calls of other servers are told of that are over: for longer than the clocks of servers differ. Ours."""


@dataclass(frozen=True, slots=True)
class Objections:
    """What others have done since an epoch has claimed its records: they must not be dialed any more, or not so."""

    seq: int
    """Up to which entry lists were looked at."""
    forbidden: tuple[tuple[ListId, RecordId, str], ...] = ()
    """On a do-not-call list. Shape: ((calling list, record, name of the do-not-call list), …)."""
    cancelled: tuple[tuple[ListId, RecordId], ...] = ()
    """Somebody wants them cancelled."""
    called: tuple[tuple[int, CallId, str], ...] = ()
    """Other servers call their numbers, or did within `CALLED_MS`. Shape: ((epoch, call, number), …)."""


def together(parts: Iterable[ForbiddenList]) -> tuple[ForbiddenList, ...]:
    """Lists that were counted in parts, by name."""
    found: dict[str, ForbiddenList] = {}
    for part in parts:
        known = found.get(part.name)
        if known is not None:
            part = ForbiddenList(
                part.name,
                known.numbers + part.numbers,
                min(known.oldest_utc_ms, part.oldest_utc_ms),
                max(known.latest_utc_ms, part.latest_utc_ms),
            )
        found[part.name] = part
    return tuple(found[name] for name in sorted(found))


FORBIDDEN_COLUMNS = tuple(Forbidden.__dataclass_fields__)
"""What a `Forbidden` is read from, in its order."""
ADDED_COLUMNS = (
    "seq",
    "number",
    "list_name",
    "reason",
    "added_by",
    "added_utc_ms",
    "seen_utc_ms",
    "expires_utc_ms",
)
"""What `added_rows` gives, in its order."""


def entry_of(text: str, national: NationalNumbers | None = None) -> str | None:
    """What people write, as an entry of a list.

    Args:
        text: a telephone number, or `customer:ID`.
        national: how numbers without a + are read. None: they are taken as they are.

    Returns:
        The entry; None: it is neither a number nor a customer.
    """
    if text.startswith(CUSTOMER):
        customer_id = text.removeprefix(CUSTOMER).strip()
        is_good = 0 < len(customer_id) <= CUSTOMER_CHARACTERS_MAX and customer_id.isprintable()
        return CUSTOMER + customer_id if is_good else None
    number = normalise_number(text)
    if number is not None and national is not None and not number.startswith("+"):
        number = national.international(number)
    return None if number is None else number.removeprefix("+")


def entries_for(number: str, customer_id: str | None) -> tuple[str, ...]:
    """Entries that forbid a record, the one that decides first at the front."""
    bare = number.removeprefix("+")
    return (bare,) if customer_id is None else (bare, CUSTOMER + customer_id)


def list_that_has(number: str, customer_id: str | None, found: Found) -> str:
    """Name of the do-not-call list that has a record; empty: none has."""
    return next((found[entry] for entry in entries_for(number, customer_id) if entry in found), "")


def counting(rows: Iterable[Sequence[str]], list_names: Collection[str]) -> Found:
    """What is left of entries when only some lists count.

    Args:
        rows: entry and list name, by list name.
        list_names: lists that count beside the internal one. Empty: all do.
    """
    found: dict[str, str] = {}
    for number, list_name in rows:
        if does_count(list_name, list_names):
            found.setdefault(number, list_name)
    return found


def added_rows(addition: Addition, entries: Iterable[str], seq: int) -> list[tuple[object, ...]]:
    """Rows of `do_not_call`, each entry once.

    Args:
        addition: what is said of them.
        entries: see `entry_of`.
        seq: of the last row that is there.
    """
    said = (
        addition.list_name,
        addition.reason,
        addition.added_by,
        addition.utc_ms,
        addition.utc_ms,
        addition.expires_utc_ms,
    )
    return [(place, entry, *said) for place, entry in enumerate(dict.fromkeys(entries), seq + 1)]


def addition_of(change: NumberForbidden, added_by: str) -> Addition:
    """What is said of a number that a server puts on a list."""
    return Addition(change.list_name, added_by, change.utc_ms, change.reason[:REASON_CHARACTERS_MAX])
