"""`outdial dnc check` and `outdial dnc show`: who is not called, since when and why; how old lists are."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

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
    is_any = any(each.is_on for each in found)
    if as_json:
        shown: list[object] = [
            {
                "number": each.entry,
                "on_a_list": each.is_on,
                "in_configuration": each.is_configured,
                "entries": [_to_json(one, now) for one in each.known],
            }
            for each in found
        ]
        return json.dumps({"numbers": shown}, ensure_ascii=False), is_any
    lines: list[str] = []
    for each in found:
        lines.append(f"{each.entry}: {'on a do-not-call list' if each.is_on else 'on no do-not-call list'}")
        if each.is_configured:
            lines.append(f"  in {loaded.file}: do-not-call")
        lines += [f"  {_to_text(one, now)}" for one in each.known]
    return "\n".join(lines), is_any


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
    configured = len(loaded.configuration.do_not_call)
    if as_json:
        shown = [
            {
                "name": each.name,
                "numbers": each.numbers,
                "oldest_utc": utc_text(each.oldest_utc_ms),
                "latest_utc": utc_text(each.latest_utc_ms),
                "age_days": age_days(each, now),
                "too_old": is_too_old(each, loaded.registries, now),
            }
            for each in lists
        ]
        notes = empty_list_notes(loaded, lists)
        return json.dumps({"lists": shown, "in_configuration": configured, "notes": notes}, ensure_ascii=False)
    lines = [
        f"{each.name}: {each.numbers:,} numbers, last seen {utc_text(each.oldest_utc_ms)} or later" for each in lists
    ]
    if configured or not lists:
        lines.append(f"{loaded.file}: {configured:,} numbers")
    notes = [f"note: {note}" for note in empty_list_notes(loaded, lists)]
    return "\n".join([*lines, *registry_warnings(loaded, lists, now), *notes])


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
        f"warning: {each.name} is {age_days(each, utc_ms)} days old, and a registry's copy may have "
        f"{loaded.registries[each.name]}: outdial dnc import FILE --list {each.name} --replace"
        for each in lists
        if is_too_old(each, loaded.registries, utc_ms)
    ]


def is_too_old(each: ForbiddenList, registries: Mapping[str, int], utc_ms: int) -> bool:
    """Whether a list is a copy of a registry, and older than that may be."""
    return each.name in registries and utc_ms - each.oldest_utc_ms > registries[each.name] * DAY_MS


def age_days(each: ForbiddenList, utc_ms: int) -> int:
    """Days since a file or a command last had the number of which that is longest ago."""
    return max(0, utc_ms - each.oldest_utc_ms) // DAY_MS


def _to_text(one: Forbidden, now: int) -> str:
    why = f": {one.reason}" if one.reason else ""
    since = f"{one.list_name}, since {utc_text(one.added_utc_ms)}, by {one.added_by}{why}"
    if one.counts_at(now):
        return f"{since}; until {utc_text(one.expires_utc_ms)}" if one.expires_utc_ms else since
    ended = one.expires_utc_ms if one.removed_utc_ms is None else one.removed_utc_ms
    by = "" if one.removed_by is None else f" by {one.removed_by}"
    return f"no longer: {since}; until {utc_text(ended or 0)}{by}"


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
