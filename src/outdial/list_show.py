"""`outdial list show`: calling lists at a glance."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from outdial.config import load
from outdial.configured_store import in_store, list_named, utc_now_ms
from outdial.core.settings import CallingList
from outdial.results_files import utc_text
from outdial.store.interface import Store
from outdial.store.stored import Import, ListCounts


class ListLook(NamedTuple):
    """One calling list."""

    calling_list: CallingList
    counts: ListCounts
    imports: tuple[Import, ...]
    """Files that were read into it."""


async def look_at_lists(store: Store, lists: Sequence[CallingList], utc_ms: int) -> list[ListLook]:
    """Count the records of calling lists. Reads all of them."""
    imports = await store.imports()
    return [
        ListLook(
            one, await store.list_counts(one.dbid, utc_ms), tuple(each for each in imports if each.list_id == one.dbid)
        )
        for one in lists
    ]


def run_show(config: Path, list_name: str | None, *, as_json: bool) -> str:
    """Tell what calling lists have. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    lists = loaded.configuration.calling_lists if list_name is None else (list_named(loaded, list_name),)

    async def work(store: Store) -> list[ListLook]:
        return await look_at_lists(store, lists, utc_now_ms())

    return lists_text([_to_json(*each) for each in in_store(loaded, work)], as_json=as_json)


def lists_text(found: Sequence[Mapping[str, Any]], *, as_json: bool) -> str:
    """Calling lists, as they are printed. Shape of one: docs/reference/command-line.md."""
    if as_json:
        return json.dumps({"lists": found}, ensure_ascii=False)
    return "\n".join(line for each in found for line in _to_text(each))


def _to_text(one: Mapping[str, Any]) -> list[str]:
    statuses = ", ".join(f"{count:,} {label}" for label, count in one["by_status"].items())
    waiting = f"{one['waiting']:,} later"
    if one["next_due_utc"] is not None:
        waiting += f", the next at {one['next_due_utc']}"
    lines = [
        f"{one['name']}: {one['records']:,} records{f' ({statuses})' if one['records'] else ''}",
        f"  customers: {one['due']:,} due now, {waiting}; {one['claimed']:,} claimed by a server",
    ]
    return lines + [f"  {_import_text(each)}" for each in one["imports"]]


def _import_text(each: Mapping[str, Any]) -> str:
    what = f"{each['file'] or 'records without a file'}: {each['records']:,} records of {each['lines']:,} lines"
    if each["finished_utc"] is None:
        return f"{what} so far, not read to its end"
    return f"{what}, {each['finished_utc']}"


def _to_json(calling_list: CallingList, counts: ListCounts, imports: Sequence[Import]) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    return {
        "name": calling_list.name,
        "records": sum(counts.by_status.values()),
        "by_status": {status.label: count for status, count in counts.by_status.items()},
        "due": counts.due,
        "waiting": counts.waiting,
        "next_due_utc": _time(counts.next_due_utc_ms),
        "claimed": counts.claimed,
        "imports": [
            {
                "file": each.file,
                "lines": each.lines_done,
                "records": each.records,
                "finished_utc": _time(each.finished_utc_ms),
            }
            for each in imports
        ],
    }


def _time(utc_ms: int | None) -> str | None:
    return None if utc_ms is None else utc_text(utc_ms)
