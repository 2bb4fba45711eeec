"""`outdial dnc add` and `outdial dnc remove`; and what all of these commands read from their arguments."""

import getpass
import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from outdial.config import Loaded, load
from outdial.config.mistakes import show_value
from outdial.config.national_numbers import NationalNumbers, national_numbers
from outdial.config.options import NAME_CHARACTERS_MAX
from outdial.configured_store import in_new_store, in_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.instants import INSTANT, parse_instant
from outdial.store.do_not_call import ENTRY, REASON_CHARACTERS_MAX, Addition, entry_of
from outdial.store.interface import Store

LIST_NAME = f"1 … {NAME_CHARACTERS_MAX} printable characters, no blank at either end"


def run_add(
    config: Path, numbers: Sequence[str], list_name: str, reason: str, until: str | None, *, as_json: bool
) -> str:
    """Put numbers on a list. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    now = utc_now_ms()
    entries, mistakes = entries_in(loaded, numbers)
    mistakes += list_name_mistakes(list_name) + reason_mistakes(reason)
    expires_utc_ms = expiry_of(until, now, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    addition = Addition(list_name, who(), now, reason, expires_utc_ms)

    async def work(store: Store) -> int:
        return await store.forbid(addition, entries)

    return added_text(list_name, len(entries), in_new_store(loaded, work), as_json=as_json)


def added_text(list_name: str, numbers: int, added: int, *, as_json: bool) -> str:
    """What is printed of numbers that were put on a list. `numbers`: different ones."""
    if as_json:
        return json.dumps({"list": list_name, "numbers": numbers, "added": added}, ensure_ascii=False)
    there = f", {numbers - added:,} were there already" if added < numbers else ""
    return f"{list_name}: {added:,} added{there}"


def run_remove(config: Path, numbers: Sequence[str], list_name: str | None, *, as_json: bool) -> str:
    """Take numbers off a list, or off all. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    entries, mistakes = entries_in(loaded, numbers)
    if list_name is not None:
        mistakes += list_name_mistakes(list_name)
    if mistakes:
        raise ConfigError(mistakes)

    async def work(store: Store) -> int:
        return await store.allow(list_name, entries, who(), utc_now_ms())

    return removed_text(list_name, len(entries), in_store(loaded, work), as_json=as_json)


def removed_text(list_name: str | None, numbers: int, removed: int, *, as_json: bool) -> str:
    """What is printed of numbers that were taken off. None: of all lists."""
    if as_json:
        return json.dumps({"list": list_name, "numbers": numbers, "removed": removed}, ensure_ascii=False)
    return f"{list_name or 'all lists'}: {removed:,} removed"


def expiry_of(until: str | None, now_utc_ms: int, mistakes: list[str]) -> int | None:
    """From when on numbers may be called again; None: never. Adds what is wrong with the text."""
    expires_utc_ms = None if until is None else parse_instant(until)
    if until is not None and (expires_utc_ms is None or expires_utc_ms <= now_utc_ms):
        mistakes.append(f"--until {show_value(until)}: allowed: {INSTANT}; not past")
    return expires_utc_ms


def national_of(loaded: Loaded) -> NationalNumbers | None:
    """How the configuration reads numbers without a + in do-not-call lists."""
    return national_numbers(loaded.do_not_call_region) if loaded.do_not_call_region else None


def entries_in(loaded: Loaded, texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """Entries, each once, and what is wrong with the texts."""
    national = national_of(loaded)
    found = {text: entry_of(text, national) for text in texts}
    where = f" possible in {loaded.do_not_call_region}" if national else ""
    wrong = [f"{show_value(text)} is not {ENTRY}{where}" for text, entry in found.items() if entry is None]
    return list(dict.fromkeys(entry for entry in found.values() if entry is not None)), wrong


def list_name_mistakes(name: str) -> list[str]:
    """What is wrong with the name of a do-not-call list."""
    is_good = 0 < len(name) <= NAME_CHARACTERS_MAX and name.isprintable() and name == name.strip()
    return [] if is_good else [f"--list {show_value(name)}: allowed: {LIST_NAME}"]


def reason_mistakes(reason: str) -> list[str]:
    """What is wrong with the reason why somebody is on a list."""
    is_good = len(reason) <= REASON_CHARACTERS_MAX and reason.isprintable()
    return [] if is_good else [f"--reason: allowed: at most {REASON_CHARACTERS_MAX} printable characters"]


def who() -> str:
    """Who gives the command, for later."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without a name for the user
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
