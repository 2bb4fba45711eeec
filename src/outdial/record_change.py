"""`outdial record add` and `outdial record cancel`: single records, without a file."""

import json
from collections.abc import Sequence
from pathlib import Path

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
    given = {"phone": phone, "chain_id": chain, "tz": zone}
    values = {name: value for name, value in given.items() if value is not None}
    mistakes = _take_in(fields, values)
    due_utc_ms = 0 if at is None else parse_instant(at)
    if due_utc_ms is None:
        mistakes.append(f"--at {show_value(at)}: allowed: {INSTANT}")
    listed = None if mistakes else _listed(calling_list, values, mistakes)
    if listed is None:
        raise ConfigError(mistakes)
    new = NewRecord(listed, bool(values.get("record_id")), bool(values.get("chain_n")), due_utc_ms or 0)

    async def work(store: Store) -> tuple[int, list[str]]:
        try:
            record_id = await store.add_record(new)
        except RecordRefused as error:
            raise ConfigError([f"{list_name}: {error}"]) from error
        now = utc_now_ms()
        found = await store.forbidden(entries_for(listed.record.number, listed.customer_id))
        return record_id, [one.list_name for one in found if one.counts_at(now)]

    record_id, forbidden = in_new_store(loaded, work)
    if as_json:
        shown = {"list": list_name, "record_id": record_id, "number": listed.record.number, "do_not_call": forbidden}
        return json.dumps(shown, ensure_ascii=False)
    notes = [f"note: {listed.record.number} is on the do-not-call list {name}" for name in forbidden]
    return "\n".join([f"{list_name}: record {record_id}, {listed.record.number}", *notes])


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

    async def work(store: Store) -> list[tuple[StoredRecord, Cancelling, bool]]:
        found = await store.find_records(record_id, (bare, f"+{bare}") if bare else ())
        wanted = [record for record in found if list_id is None or record.fate.list_id == list_id]
        outcomes = []
        for record in wanted:
            outcome = await store.cancel_record(record.fate.record_id, utc_now_ms())
            calls = await store.attempts(record.fate.record_id) if outcome is Cancelling.CLAIMED else ()
            outcomes.append((record, outcome, any(call.call_result is None for call in calls)))
        return outcomes

    outcomes = in_store(loaded, work)
    if not outcomes:
        raise ConfigError([f"no record has the number {which}"])
    if as_json:
        shown = [
            {
                "record_id": record.fate.record_id,
                "number": record.fate.number,
                "outcome": outcome.value,
                "in_a_call": is_in_call,
            }
            for record, outcome, is_in_call in outcomes
        ]
        return json.dumps({"records": shown}, ensure_ascii=False)
    return "\n".join(
        f"record {record.fate.record_id}, {record.fate.number}, {IN_A_CALL if is_in_call else SAID[outcome]}"
        for record, outcome, is_in_call in outcomes
    )


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


def _listed(calling_list: CallingList, values: dict[str, str], mistakes: list[str]) -> ListedRecord | None:
    """The record, checked as a line of a file would be. None: it has mistakes, which are added."""
    if calling_list.customer_id and calling_list.customer_id not in values:
        values = values | {calling_list.customer_id: ""}
    reader = RecordReader(calling_list)
    try:
        for value in values.values():
            decode(value.encode("utf-8", "surrogateescape"))
        columns = reader.name_columns(list(values))
        fields = dict(zip(columns, values.values(), strict=True))
        if "record_id" in fields and not fields["record_id"]:
            del fields["record_id"]
        return reader.read(fields, 1)
    except (Rejected, WrongFile) as error:
        mistakes.append(str(error))
        return None
