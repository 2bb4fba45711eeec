"""`outdial dnc check` and `outdial dnc show`: who is not called, since when and why; how old lists are."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from outdial.config import Loaded, load
from outdial.config.mistakes import show_value, suggest
from outdial.configured_store import in_store, is_there, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.core.units import DAY_MS
from outdial.dnc_change import entries_in
from outdial.results_files import utc_text
from outdial.store.do_not_call import Forbidden, ForbiddenList, entry_of
from outdial.store.interface import Store


class Checked(NamedTuple):
    """One entry, and whether it is on a list."""

    entry: str
    is_on: bool
    is_configured: bool
    """The configuration has it."""
    known: list[Forbidden]
    """Everything that the database has, also what counts no more."""


def run_check(config: Path, numbers: Sequence[str], *, as_json: bool) -> tuple[str, bool]:
    """Say on which lists numbers are.

    Returns:
        What is printed, and whether any number is on a list.

    Raises:
        ConfigError: the configuration or the arguments have mistakes.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()
    entries, mistakes = entries_in(loaded, numbers)
    if mistakes:
        raise ConfigError(mistakes)

    async def work(store: Store) -> tuple[Forbidden, ...]:
        return await store.forbidden(entries)

    found = checked(loaded, entries, in_store(loaded, work) if is_there(loaded) else (), now)
    shown = [
        {
            "number": each.entry,
            "on_a_list": each.is_on,
            "in_configuration": each.is_configured,
            "entries": [_to_json(one, now) for one in each.known],
        }
        for each in found
    ]
    return checked_text(shown, str(loaded.file), as_json=as_json), any(each.is_on for each in found)


def checked_text(found: Sequence[Mapping[str, Any]], file: str, *, as_json: bool) -> str:
    """What is printed of numbers. Shape of one: docs/reference/command-line.md. `file`: the configuration."""
    if as_json:
        return json.dumps({"numbers": found}, ensure_ascii=False)
    lines: list[str] = []
    for each in found:
        lines.append(f"{each['number']}: {'on a do-not-call list' if each['on_a_list'] else 'on no do-not-call list'}")
        if each["in_configuration"]:
            lines.append(f"  in {file}: do-not-call")
        lines += [f"  {_to_text(one)}" for one in each["entries"]]
    return "\n".join(lines)


def checked(loaded: Loaded, entries: Sequence[str], found: Sequence[Forbidden], utc_ms: int) -> list[Checked]:
    """Say of entries whether they are on a list.

    Args:
        loaded: has numbers of its own.
        entries: see `entry_of`.
        found: what the database has of them.
        utc_ms: now.
    """
    known: dict[str, list[Forbidden]] = {entry: [] for entry in entries}
    for each in found:
        known[each.number].append(each)
    configured = {entry_of(number) for number in loaded.configuration.do_not_call}
    return [
        Checked(entry, entry in configured or any(one.counts_at(utc_ms) for one in ones), entry in configured, ones)
        for entry, ones in known.items()
    ]


def run_show(config: Path, *, as_json: bool) -> str:
    """Tell what lists there are. Returns what is printed.

    Raises:
        ConfigError: the configuration has mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()

    async def work(store: Store) -> tuple[ForbiddenList, ...]:
        return await store.forbidden_lists(now)

    lists = in_store(loaded, work)
    shown = [
        {
            "name": each.name,
            "numbers": each.numbers,
            "oldest_utc": utc_text(each.oldest_utc_ms),
            "latest_utc": utc_text(each.latest_utc_ms),
            "age_days": age_days(each, now),
            "days_max": loaded.registries.get(each.name),
            "too_old": is_too_old(each, loaded.registries, now),
        }
        for each in lists
    ]
    known = {
        "lists": shown,
        "in_configuration": len(loaded.configuration.do_not_call),
        "notes": empty_list_notes(loaded, lists),
    }
    return known_lists_text(known, str(loaded.file), as_json=as_json)


def known_lists_text(known: Mapping[str, Any], file: str, *, as_json: bool) -> str:
    """What is printed of all lists. Shape: docs/reference/command-line.md. `file`: the configuration."""
    if as_json:
        return json.dumps(known, ensure_ascii=False)
    lists = known["lists"]
    lines = [f"{each['name']}: {each['numbers']:,} numbers, last seen {each['oldest_utc']} or later" for each in lists]
    if known["in_configuration"] or not lists:
        lines.append(f"{file}: {known['in_configuration']:,} numbers")
    return "\n".join([*lines, *_registry_warnings(lists), *(f"note: {note}" for note in known["notes"])])


def empty_list_notes(loaded: Loaded, lists: Sequence[ForbiddenList]) -> list[str]:
    """What to say about lists that a campaign names and that have nothing on them, by mistake perhaps."""
    there = [each.name for each in lists]
    notes = []
    for campaign in loaded.configuration.campaigns:
        for name in campaign.do_not_call_lists:
            if name not in there:
                near = suggest(name, there)
                wrong = f"campaign {campaign.name} names the list {show_value(name)}, which has nothing on it"
                notes.append(wrong + (f"; {near}" if near else ""))
    return notes


def registry_warnings(loaded: Loaded, lists: Sequence[ForbiddenList], utc_ms: int) -> list[str]:
    """What to say about copies of registries that are too old."""
    return [
        _warning(each.name, age_days(each, utc_ms), loaded.registries[each.name])
        for each in lists
        if is_too_old(each, loaded.registries, utc_ms)
    ]


def _registry_warnings(lists: Sequence[Mapping[str, Any]]) -> list[str]:
    return [_warning(each["name"], each["age_days"], each["days_max"]) for each in lists if each["too_old"]]


def _warning(name: str, age: int, days_max: int) -> str:
    return (
        f"warning: {name} is {age} days old, and a registry's copy may have {days_max}: "
        f"outdial dnc import FILE --list {name} --replace"
    )


def is_too_old(each: ForbiddenList, registries: Mapping[str, int], utc_ms: int) -> bool:
    """Whether a list is a copy of a registry, and older than that may be."""
    return each.name in registries and utc_ms - each.oldest_utc_ms > registries[each.name] * DAY_MS


def age_days(each: ForbiddenList, utc_ms: int) -> int:
    """Days since a file or a command last had the number of which that is longest ago."""
    return max(0, utc_ms - each.oldest_utc_ms) // DAY_MS


def _to_text(one: Mapping[str, Any]) -> str:
    why = f": {one['reason']}" if one["reason"] else ""
    since = f"{one['list']}, since {one['added_utc']}, by {one['added_by']}{why}"
    if one["on"]:
        return f"{since}; until {one['expires_utc']}" if one["expires_utc"] else since
    by = "" if one["removed_by"] is None else f" by {one['removed_by']}"
    return f"no longer: {since}; until {one['removed_utc'] or one['expires_utc'] or ''}{by}"


def _to_json(one: Forbidden, now: int) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    return {
        "list": one.list_name,
        "on": one.counts_at(now),
        "reason": one.reason,
        "added_by": one.added_by,
        "added_utc": utc_text(one.added_utc_ms),
        "seen_utc": utc_text(one.seen_utc_ms),
        "expires_utc": None if one.expires_utc_ms is None else utc_text(one.expires_utc_ms),
        "removed_by": one.removed_by,
        "removed_utc": None if one.removed_utc_ms is None else utc_text(one.removed_utc_ms),
    }
