"""`outdial record consent` and `outdial list consent`: people consent after their records were read.

A consent counts from the next claim of its record on, and is part of the evidence of each call from then on. Who added
it, and what was there before, is in the audit.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from outdial.access_wishes import by_command
from outdial.calling_list_files import CallingListFile
from outdial.calling_lists import ListedRecord
from outdial.config import load
from outdial.configured_store import in_store, list_named, utc_now_ms
from outdial.consent_columns import consent_in
from outdial.core.errors import ConfigError
from outdial.csv_lines import Rejected
from outdial.list_import import columns_of
from outdial.record_change import number_or_id
from outdial.record_show import find_stored
from outdial.results_files import utc_text
from outdial.store.access_rows import StoredAccess
from outdial.store.interface import Store
from outdial.store.listing import digest_of, lines_of
from outdial.store.single_records import Consent, Consenting
from outdial.store.stored import StoredRecord

BATCH = 2_000
"""Lines of one transaction. Unit: lines."""
SAID = {
    Consenting.SET: "counts from now on",
    Consenting.READY: "counts from now on; the record is ready again",
    Consenting.CLAIMED: "is there; a server has the record as it was, and the consent counts when it has come back",
    Consenting.OVER: "is there; the record is finished and stays so",
}


def run_record_consent(
    config: Path, which: str, ground: str, since: str | None, list_name: str | None, *, ready: bool, as_json: bool
) -> str:
    """Add a consent to records. Returns what is printed.

    Args:
        config: the configuration file.
        which: number of a record, or a telephone number.
        ground: on what ground the person may be called.
        since: day or instant since when. None: not said.
        list_name: this calling list alone. None: all.
        ready: records that were cancelled are to be called after all.
        as_json: give JSON instead of text.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, there is no database yet, or no such record.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()
    list_id = None if list_name is None else list_named(loaded, list_name).dbid
    text, utc_ms = read_consent(ground, since)

    async def work(store: Store) -> list[tuple[StoredRecord, Consenting]]:
        found = [
            each
            for each in await find_stored(store, which)
            if list_id in (None, each.fate.list_id) and is_meant(which, each.fate.record_id, each.fate.number)
        ]
        outcomes = await store.consent([Consent(each.fate.record_id, text, utc_ms, ready) for each in found])
        entries = [
            by_command(now, "record.consent", f"record {each.fate.record_id}", shown(each), consent_shown(text, utc_ms))
            for each in found
        ]
        if entries:
            await StoredAccess(store).add_audit(entries)
        return list(zip(found, outcomes, strict=True))

    changed = [(record.fate.record_id, record.fate.number, outcome) for record, outcome in in_store(loaded, work)]
    return consent_text(which, changed, as_json=as_json)


def is_meant(which: str, record_id: int, number: str) -> bool:
    """Whether a record has this id or this number of its own. One that is only called back at it is not meant: calls
    to its own number, which follow, would go out on a consent for another."""
    phone, wanted_id = number_or_id(which)
    return record_id == wanted_id or number.removeprefix("+") == (phone or "").removeprefix("+")


def consent_text(which: str, changed: Sequence[tuple[int, str, Consenting]], *, as_json: bool) -> str:
    """What is printed of records that got a consent.

    Args:
        which: what was asked for.
        changed: shape: [(record, its number, what has become of it), …].
        as_json: give JSON instead of text.

    Raises:
        ConfigError: there is no such record.
    """
    if not changed:
        raise ConfigError([f"no record has the number {which}"])
    if as_json:
        records = [
            {"record_id": record_id, "number": number, "outcome": outcome.value}
            for record_id, number, outcome in changed
        ]
        return json.dumps({"records": records}, ensure_ascii=False)
    lines = [f"record {record_id}, {number}: the consent {SAID[outcome]}" for record_id, number, outcome in changed]
    return "\n".join(lines)


def read_consent(ground: str, since: str | None) -> tuple[str, int | None]:
    """Read a consent as a line of a file would have it.

    Raises:
        ConfigError: it is none.
    """
    try:
        text, utc_ms = consent_in({"consent": ground, "consent_utc": since or ""})
    except Rejected as rejected:
        raise ConfigError([str(rejected)]) from rejected
    if not text:
        raise ConfigError(["GROUND: missing; who takes a consent back: outdial dnc add, or outdial record cancel"])
    return text, utc_ms


def shown(record: StoredRecord) -> dict[str, Any]:
    """A record's consent, for the audit."""
    return consent_shown(record.consent, record.consent_utc_ms)


def consent_shown(ground: str, utc_ms: int | None) -> dict[str, Any]:
    """A consent, for the audit."""
    return {"consent": ground or None, "consent_utc": None if utc_ms is None else utc_text(utc_ms)}


# --- files -------------------------------------------------------------------------------------------------------


def run_list_consent(
    config: Path, path: Path, list_name: str, columns: Sequence[str], *, ready: bool, as_json: bool
) -> str:
    """Add the consents of a file to the records of a calling list that have its numbers. Returns what is printed.

    Args:
        config: the configuration file.
        path: a file as `outdial list import` reads it.
        list_name: the calling list.
        columns: see `list_import.columns_of`.
        ready: records that were cancelled are to be called after all.
        as_json: give JSON instead of text.

    Raises:
        ConfigError: the configuration, the arguments or the file have mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer; the same command makes good what was cut off.
    """
    loaded, now = load(config), utc_now_ms()
    calling_list = list_named(loaded, list_name)
    file = CallingListFile(path, calling_list, columns=columns_of(columns))
    digest = digest_of(path)

    async def work(store: Store) -> Counter[str]:
        counts = Counter[str]()
        records = iter(file)
        while lines := lines_of(path, records, BATCH):
            counts += await add_consents(store, calling_list.dbid, lines, ready=ready)
        file.flush_rejects()
        after = {"file": str(path), "digest": digest, **counts}
        await StoredAccess(store).add_audit(
            [by_command(now, "list.consent", f"calling-list {calling_list.name}", None, after)]
        )
        return counts

    counts = in_store(loaded, work)
    outcome = {
        "file": str(path),
        "list": list_name,
        "lines": file.counts.rows,
        "consents": counts,
        "rejected": file.counts.rows - file.counts.loaded,
        "examples": file.counts.examples,
    }
    return consents_text(outcome, as_json=as_json)


def consents_text(outcome: Mapping[str, Any], *, as_json: bool) -> str:
    """What is printed of a file of consents.

    Args:
        outcome: `file`, `list`, `lines`, `rejected`, `examples` (the first rejected lines), `consents` (what has become
            of them: how many by outcome, `none` of lines that have none).
        as_json: give JSON instead of text.
    """
    counts: Mapping[str, int] = outcome["consents"]
    found = {name: counts.get(name, 0) for name in (*(each.value for each in Consenting), "none")}
    if as_json:
        said = {"list": outcome["list"], "lines": outcome["lines"], **found, "rejected": outcome["rejected"]}
        return json.dumps(said, ensure_ascii=False)
    words = {
        "set": "consents count from now on",
        "ready": "records that were cancelled are ready again",
        "claimed": "of records that a server has now",
        "over": "of records that are finished",
        "missing": "lines with numbers that the list does not have",
        "none": "lines without a consent",
    }
    lines = [f"{outcome['file']}: {outcome['lines']:,} lines, {outcome['rejected']:,} left out"]
    lines += [f"  {count:>9,}  {words[name]}" for name, count in found.items() if count]
    return "\n".join(lines + [f"  {example}" for example in outcome["examples"]])


async def add_consents(store: Store, list_id: int, lines: Sequence[ListedRecord], *, ready: bool) -> Counter[str]:
    """Add the consents of some lines to the records of a list. Returns how many lines by what has become of them."""
    given = {line.record.number: line.record for line in lines if line.record.consent}
    counts = Counter({"none": len(lines) - len(given)})
    stored = await store.find_records(0, list(given))
    found = [each for each in stored if each.fate.list_id == list_id and each.fate.number in given]
    consents = [
        Consent(each.fate.record_id, line.consent, line.consent_utc_ms, ready)
        for each in found
        for line in (given[each.fate.number],)
    ]
    counts[Consenting.MISSING.value] = len(given.keys() - {each.fate.number for each in found})
    if consents:
        counts.update(outcome.value for outcome in await store.consent(consents))
    return counts
