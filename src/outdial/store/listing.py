"""Reading the files of calling lists into a store, a batch at a time: what was cut off goes on where it stopped."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from outdial.calling_list_files import CallingListFile
from outdial.calling_lists import Counts, ListedRecord
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.core.units import ListId
from outdial.present_records import Present
from outdial.sim.lists import RecordFate
from outdial.store.interface import Store
from outdial.store.stored import Import

BATCH = 20_000
"""Records of one transaction: half a second, so that a slow disk's sync is a small part of it. Unit: records."""
PAGE = 5_000
"""Records of a list that are looked at at once. Unit: records."""


def digest_of(path: Path) -> str:
    """What tells a file's content from any other.

    Raises:
        ConfigError: the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from error


async def read_into(
    store: Store,
    calling_list: CallingList,
    path: Path,
    begun: Import,
    utc_ms: int,
    *,
    columns: Mapping[str, str] | None = None,
    on_batch: Callable[[CallingListFile], None] | None = None,
    batch: int | None = None,
) -> Counts:
    """Read a file into a calling list. What the list has already is left out.

    Args:
        store: an open store.
        calling_list: the list. Nobody else reads a file into it meanwhile.
        path: the CSV file.
        begun: how far it has been read before; its lines are passed over.
        utc_ms: now.
        columns: see `CallingListFile`.
        on_batch: told after each batch that is in the store; what it raises ends the reading.
        batch: records of one transaction. None: as many as do well when nobody dials.

    Returns:
        What became of the file's lines.

    Raises:
        ConfigError: the file is not usable.
        StoreUnavailable: the store does not answer; to be begun again with what `Store.imports` says then.
    """
    file = CallingListFile(path, calling_list, columns=columns)
    file.go_on(await present_in(store, calling_list.dbid), begun.lines_done, begun.records)
    records = iter(file)
    progress = begun
    while found := await asyncio.to_thread(lines_of, path, records, batch or BATCH):
        file.flush_rejects()
        progress = replace(progress, lines_done=file.counts.rows, records=progress.records + len(found))
        await store.add_records(progress, found)
        if on_batch is not None:
            on_batch(file)
    await store.add_records(replace(progress, lines_done=file.counts.rows, finished_utc_ms=utc_ms), ())
    return file.counts


async def present_in(store: Store, list_id: ListId) -> Present:
    """What a list has.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    present, after = Present(), 0
    while page := await store.fates(list_id, after, PAGE):
        await asyncio.to_thread(_take_in, present, page)
        after = page[-1].record_id
    return present


def _take_in(present: Present, page: Sequence[RecordFate]) -> None:
    for fate in page:
        present.add(fate.record_id, fate.number, fate.chain_id, fate.chain_n)


async def add_records(
    store: Store, list_id: ListId, records: Sequence[ListedRecord], utc_ms: int, digest: str = ""
) -> None:
    """Add records that are in no file to a list which has none yet.

    Args:
        store: an open store.
        list_id: the list.
        records: all of it.
        utc_ms: now.
        digest: what tells them from any others.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    progress = Import(list_id, "", digest)
    rest = iter(records)
    while batch := list(islice(rest, BATCH)):
        done = progress.records + len(batch)
        progress = replace(progress, lines_done=done, records=done)
        await store.add_records(progress, batch)
    await store.add_records(replace(progress, finished_utc_ms=utc_ms), ())


def lines_of(path: Path, records: Iterator[ListedRecord], count: int) -> list[ListedRecord]:
    """The next records of a file, at most so many. Reads and parses: for a thread.

    Raises:
        ConfigError: the file is not usable.
    """
    try:
        return list(islice(records, count))
    except sqlite3.Error as error:
        wrong = f"what has been read of it finds no room in the folder for temporary files: {error}"
        raise ConfigError([f"{path}: {wrong}"]) from error
