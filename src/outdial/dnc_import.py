"""`outdial dnc import`: a file of numbers into a do-not-call list, some thousands in each transaction."""

import asyncio
import json
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from outdial.config import load
from outdial.configured_store import in_new_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.dnc_change import list_name_mistakes, national_of, who
from outdial.list_import import left_out_text
from outdial.number_files import NumberFile
from outdial.store.do_not_call import REASON_CHARACTERS_MAX, Addition
from outdial.store.interface import Store

BATCH = 10_000
"""Numbers of one transaction: a tenth or two of a second, in which nobody else can add numbers. Unit: numbers."""


def run_import(config: Path, path: Path, list_name: str, *, is_whole: bool, as_json: bool) -> str:
    """Read a file into a do-not-call list.

    Args:
        config: the configuration file.
        path: the file of numbers.
        list_name: the list.
        is_whole: the file is all that the list shall have: what it lacks is taken off.
        as_json: give JSON instead of text.

    Returns:
        What is printed.

    Raises:
        ConfigError: the configuration, the arguments or the file have mistakes.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer; the same command makes good what was cut off.
    """
    loaded = load(config)
    mistakes = list_name_mistakes(list_name)
    if mistakes:
        raise ConfigError(mistakes)
    by = who()
    addition = Addition(list_name, by, utc_now_ms(), f"import of {path.name}"[:REASON_CHARACTERS_MAX])
    file = NumberFile(path, national_of(loaded))

    async def work(store: Store) -> tuple[int, int]:
        return await read_numbers(store, file, addition, is_whole=is_whole)

    added, removed = in_new_store(loaded, work)
    return numbers_text(path, _to_json(file, list_name, added, removed), as_json=as_json)


async def read_numbers(
    store: Store,
    file: NumberFile,
    addition: Addition,
    *,
    is_whole: bool,
    batch: int = BATCH,
    on_batch: Callable[[], None] = lambda: None,
) -> tuple[int, int]:
    """Read a file into a do-not-call list.

    Args:
        store: an open store.
        file: the file, not read yet.
        addition: what is said of its numbers.
        is_whole: what the file lacks is taken off the list.
        batch: numbers of one transaction.
        on_batch: told after each; what it raises ends the reading, before anything is taken off the list.

    Returns:
        Numbers that were added, and that were taken off.

    Raises:
        ConfigError: the file is not usable.
        StoreUnavailable: the store does not answer; to be done again.
    """
    entries, added = iter(file), 0
    while numbers := await asyncio.to_thread(lambda: list(islice(entries, batch))):
        added += await store.forbid(addition, numbers)
        on_batch()
    if not is_whole:
        return added, 0
    return added, await store.allow_unseen(addition.list_name, addition.utc_ms, addition.added_by, utc_now_ms())


def numbers_text(path: Path, outcome: Mapping[str, Any], *, as_json: bool) -> str:
    """What is printed of an import of numbers. Shape: docs/reference/command-line.md."""
    if as_json:
        return json.dumps(outcome)
    numbers, new = outcome["numbers"], outcome["added"]
    what = f"{path}: {numbers:,} numbers, {new:,} of them new; {outcome['removed']:,} removed"
    return "\n".join([f"{what}, {outcome['rejected']:,} lines left out", *left_out_text(outcome)])


def _to_json(file: NumberFile, list_name: str, added: int, removed: int) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    return {
        "list": list_name,
        "lines": file.rows,
        "numbers": file.good,
        "added": added,
        "removed": removed,
        "rejected": file.rows - file.good,
        "reasons": dict(file.reasons),
        "examples": file.examples,
        "rejects_file": None if file.rejects_file is None else str(file.rejects_file),
    }
