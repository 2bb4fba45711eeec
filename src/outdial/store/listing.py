"""Reading the files of calling lists into a store, a batch at a time: what was cut off goes on where it stopped."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from outdial.calling_lists import CallingListFile, Counts, ListedRecord
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.core.units import ListId
from outdial.store.interface import Import, Store

BATCH = 2_000
"""Records of one transaction: some hundredths of a second. Unit: records."""


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


async def read_into(store: Store, calling_list: CallingList, path: Path, begun: Import, utc_ms: int) -> Counts:
    """Read a file into a calling list.

    Args:
        store: an open store.
        calling_list: the list.
        path: the CSV file.
        begun: how far it has been read before; its lines are passed over.
        utc_ms: now.

    Returns:
        What became of the file's lines.

    Raises:
        ConfigError: the file is not usable.
        StoreUnavailable: the store does not answer; to be begun again with what `Store.imports` says then.
    """
    file = CallingListFile(path, calling_list)
    records = _not_done(file, begun.lines_done)
    progress = begun
    while batch := await asyncio.to_thread(_batch_of, records):
        progress = replace(progress, lines_done=file.counts.rows, records=progress.records + len(batch))
        await store.add_records(progress, batch)
    await store.add_records(replace(progress, lines_done=file.counts.rows, finished_utc_ms=utc_ms), ())
    return file.counts


async def add_records(store: Store, list_id: ListId, records: Sequence[ListedRecord], utc_ms: int) -> None:
    """Add records that are in no file to a list which has none yet.

    Args:
        store: an open store.
        list_id: the list.
        records: all of it.
        utc_ms: now.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    progress = Import(list_id, "", "")
    rest = iter(records)
    while batch := list(islice(rest, BATCH)):
        done = progress.records + len(batch)
        progress = replace(progress, lines_done=done, records=done)
        await store.add_records(progress, batch)
    await store.add_records(replace(progress, finished_utc_ms=utc_ms), ())


def _not_done(file: CallingListFile, lines_done: int) -> Iterator[ListedRecord]:
    """Records of a file behind those lines. They are read all the same: a number must not come twice."""
    return (listed for listed in file if file.counts.rows > lines_done)


def _batch_of(records: Iterator[ListedRecord]) -> list[ListedRecord]:
    return list(islice(records, BATCH))
