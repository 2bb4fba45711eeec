"""`outdial record add` and `outdial record cancel`: single records, without a file."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from outdial.calling_lists import ListedRecord, RecordReader, check_columns
from outdial.config import load
from outdial.config.mistakes import show_value
from outdial.config.numbers import NUMBER, normalise_number
from outdial.configured_store import in_new_store, in_store, list_named, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.csv_lines import Rejected, WrongFile, decode
from outdial.instants import INSTANT, parse_instant
from outdial.store.do_not_call import entries_for
from outdial.store.interface import Store
from outdial.store.single_records import Cancelling, NewRecord, RecordRefused
from outdial.store.stored import StoredRecord

SAID = {
    Cancelling.DONE: "is cancelled",
    Cancelling.CLAIMED: "is in the hands of a server: it is cancelled there within a second or two",
    Cancelling.OVER: "was finished before",
}
IN_A_CALL = "is in a call, which goes on; it is cancelled when the call is over"


class Added(NamedTuple):
    """A record that was added."""

    record_id: int
    number: str
    do_not_call: tuple[str, ...]
    """Do-not-call lists that have it, so that it will not be called."""


class Cancelled(NamedTuple):
    """What has become of the wish to cancel a record."""

    record: StoredRecord
    outcome: Cancelling
    is_in_call: bool


def run_add_record(
    config: Path,
    list_name: str,
    phone: str,
    fields: Sequence[str],
    *,
    chain: str | None,
    zone: str | None,
    at: str | None,
    as_json: bool,
) -> str:
    """Add one record to a calling list. Returns what is printed.

    Args:
        config: the configuration file.
        list_name: the calling list.
        phone: its number.
        fields: columns of a file with their values. Shape: ("name=Ann", …).
        chain: number of its chain. None: it is alone.
        zone: its time zone. None: its list says.
        at: from when on it may be called. None: at once.
        as_json: give JSON instead of text.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or the list does not take the record.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    calling_list = list_named(loaded, list_name)
    mistakes: list[str] = []
    values, due_utc_ms = values_of(phone, fields, chain, zone, at, mistakes)
    new = None if mistakes else new_record(calling_list, values, due_utc_ms, mistakes)
    if new is None:
        raise ConfigError(mistakes)

    async def work(store: Store) -> Added:
        try:
            return await add_to_list(store, new, utc_now_ms())
        except RecordRefused as error:
            raise ConfigError([f"{list_name}: {error}"]) from error

    return added_text(list_name, in_new_store(loaded, work), as_json=as_json)


def added_text(list_name: str, added: Added, *, as_json: bool) -> str:
    """What is printed of a record that was added."""
    if as_json:
        shown = {"list": list_name, **added._asdict()}
        return json.dumps(shown, ensure_ascii=False)
    notes = [f"note: {added.number} is on the do-not-call list {name}" for name in added.do_not_call]
    return "\n".join([f"{list_name}: record {added.record_id}, {added.number}", *notes])


async def add_to_list(store: Store, new: NewRecord, utc_ms: int) -> Added:
    """Add one record to its list.

    Raises:
        RecordRefused: the list has its number, or has no place for it.
        StoreUnavailable: the store does not answer.
    """
    listed = new.listed
    record_id = await store.add_record(new)
    found = await store.forbidden(entries_for(listed.record.number, listed.customer_id))
    return Added(record_id, listed.record.number, tuple(one.list_name for one in found if one.counts_at(utc_ms)))


def run_cancel_record(config: Path, which: str, list_name: str | None, *, as_json: bool) -> str:
    """See to it that records are not called any more. Returns what is printed.

    Args:
        config: the configuration file.
        which: number of a record, or a telephone number.
        list_name: this calling list alone. None: all.
        as_json: give JSON instead of text.

    Raises:
        ConfigError: the configuration has mistakes, there is no database yet, or no such record.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    list_id = None if list_name is None else list_named(loaded, list_name).dbid
    number, record_id = number_or_id(which)
    bare = (number or "").removeprefix("+")

    async def work(store: Store) -> list[Cancelled]:
        found = await store.find_records(record_id, (bare, f"+{bare}") if bare else ())
        wanted = [record for record in found if list_id is None or record.fate.list_id == list_id]
        return [await cancel_stored(store, record, utc_now_ms()) for record in wanted]

    outcomes = [
        {
            "record_id": record.fate.record_id,
            "number": record.fate.number,
            "outcome": outcome.value,
            "in_a_call": is_in_call,
        }
        for record, outcome, is_in_call in in_store(loaded, work)
    ]
    return cancelled_text(which, outcomes, as_json=as_json)


def cancelled_text(which: str, outcomes: Sequence[Mapping[str, Any]], *, as_json: bool) -> str:
    """What is printed of records that were cancelled. Shape of one: docs/reference/command-line.md.

    Raises:
        ConfigError: there are none.
    """
    if not outcomes:
        raise ConfigError([f"no record has the number {which}"])
    if as_json:
        return json.dumps({"records": outcomes}, ensure_ascii=False)
    said = [IN_A_CALL if one["in_a_call"] else SAID[Cancelling(one["outcome"])] for one in outcomes]
    return "\n".join(
        f"record {one['record_id']}, {one['number']}, {what}" for one, what in zip(outcomes, said, strict=True)
    )


async def cancel_stored(store: Store, record: StoredRecord, utc_ms: int) -> Cancelled:
    """See to it that a record is not called any more."""
    outcome = await store.cancel_record(record.fate.record_id, utc_ms)
    calls = await store.attempts(record.fate.record_id) if outcome is Cancelling.CLAIMED else ()
    return Cancelled(record, outcome, any(call.call_result is None for call in calls))


def number_or_id(which: str) -> tuple[str | None, int]:
    """Read what names records. Returns a telephone number and a number of a record; 0: it cannot be one.

    Raises:
        ConfigError: it is neither.
    """
    number = normalise_number(which)
    record_id = int(which) if which.isascii() and which.isdigit() and len(which) <= 18 else 0
    if number is None and not record_id:
        raise ConfigError([f'"{which[:40]}" is neither the number of a record nor a telephone number ({NUMBER})'])
    return number, record_id


def values_of(
    phone: str, fields: Sequence[str], chain: str | None, zone: str | None, at: str | None, mistakes: list[str]
) -> tuple[dict[str, str], int]:
    """A record as the columns of a file, and from when on it may be called; 0: at once. Adds what is wrong with it."""
    given = {"phone": phone, "chain_id": chain, "tz": zone}
    values = {name: value for name, value in given.items() if value is not None}
    mistakes += _take_in(fields, values)
    due_utc_ms = 0 if at is None else parse_instant(at)
    if due_utc_ms is None:
        mistakes.append(f"--at {show_value(at)}: allowed: {INSTANT}")
    return values, due_utc_ms or 0


def _take_in(texts: Sequence[str], values: dict[str, str]) -> list[str]:
    """Add fields to those that have options of their own. Returns what is wrong with them."""
    mistakes: list[str] = []
    for text in texts:
        column, equals, value = text.partition("=")
        column = column.strip()
        if not equals or not column:
            mistakes.append(f"{show_value(text)}: allowed: FIELD=VALUE, such as name=Ann")
        elif column in values:
            mistakes.append(f"{show_value(text)}: {column} is given twice")
        else:
            values[column] = value
    return mistakes + check_columns({column: column for column in values})


def new_record(
    calling_list: CallingList, values: Mapping[str, str], due_utc_ms: int, mistakes: list[str]
) -> NewRecord | None:
    """A record, checked as a line of a file would be.

    Args:
        calling_list: its list.
        values: by column; a column that is missing is an empty field.
        due_utc_ms: from when on it may be called. 0: at once.
        mistakes: what is wrong with it is added here.

    Returns:
        None: it has mistakes.
    """
    listed = _listed(calling_list, values, mistakes)
    if listed is None:
        return None
    return NewRecord(listed, bool(values.get("record_id")), bool(values.get("chain_n")), due_utc_ms)


def _listed(calling_list: CallingList, values: Mapping[str, str], mistakes: list[str]) -> ListedRecord | None:
    """The record alone."""
    if calling_list.customer_id and calling_list.customer_id not in values:
        values = {**values, calling_list.customer_id: ""}
    reader = RecordReader(calling_list)
    try:
        for text in (*values, *values.values()):
            decode(text.encode("utf-8", "surrogateescape"))
        columns = reader.name_columns(list(values))
        fields = dict(zip(columns, values.values(), strict=True))
        if "record_id" in fields and not fields["record_id"]:
            del fields["record_id"]
        return reader.read(fields, 1)
    except (Rejected, WrongFile) as error:
        mistakes.append(str(error))
        return None
