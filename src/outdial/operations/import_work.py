"""Reading the file of an import job into its list, a small batch at a time, until it ends or is not wanted any more."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from outdial.calling_list_files import CallingListFile
from outdial.calling_lists import Counts
from outdial.config import Loaded
from outdial.config.selections import unknown_columns
from outdial.core.settings import CallingList
from outdial.dnc_change import national_of
from outdial.dnc_import import read_numbers
from outdial.list_import import import_begun, try_file
from outdial.number_files import NumberFile
from outdial.operations.import_job import Job, JobFiles, Unwanted
from outdial.operations.running_store import RunningStore
from outdial.store.do_not_call import REASON_CHARACTERS_MAX, Addition
from outdial.store.interface import Store
from outdial.store.listing import present_in, read_into
from outdial.store.stored import Import

BATCH = 1_000
"""Records of one transaction: a fiftieth of a second, in which the dialer waits. Unit: records. Ours."""
RECORDS_LOOKED_AT = 1_000
"""Records of a list in which the columns are looked for that a filter names. Unit: records."""


async def read_list_file(job: Job, calling_list: CallingList, files: JobFiles, running: RunningStore) -> None:
    """Read a file into a calling list, from where it was cut off.

    Raises:
        Unwanted: it was cancelled; what was read by then stays.
        ConfigError: the file is not usable.
        StoreUnavailable: the database does not answer; to be done again.
    """
    store, path = running.jobs, files.sent(job)
    if job.default_region is not None:
        calling_list = replace(calling_list, default_region=job.default_region)

    def on_batch(file: CallingListFile) -> None:
        _take_counts(job, file.counts, begun)
        job.bytes_read = file.bytes_read
        if not job.dry_run:
            running.on_records(calling_list.dbid)
        if job.is_unwanted:
            raise Unwanted

    begun = await _begun(job, calling_list, store)
    if begun.finished_utc_ms is not None:
        job.rows_read, job.accepted, job.bytes_read = begun.lines_done, begun.records, job.bytes
        job.rejected = begun.lines_done - begun.records
        job.finished_before_utc_ms = begun.finished_utc_ms
        job.notes.append("this file was read into the list before; nothing to do")
        return
    if job.dry_run:
        present = await present_in(store, calling_list.dbid)
        counts = await asyncio.to_thread(try_file, path, calling_list, job.columns, begun, present, on_batch)
    else:
        counts = await read_into(
            store,
            calling_list,
            path,
            begun,
            running.utc_now_ms(),
            columns=job.columns,
            on_batch=on_batch,
            batch=BATCH,
        )
        job.notes += await _column_notes(running.loaded, calling_list, store)
    _take_counts(job, counts, begun)
    job.bytes_read = job.bytes


async def _begun(job: Job, calling_list: CallingList, store: Store) -> Import:
    begun = await import_begun(store, calling_list, job.file, job.digest)
    return replace(begun, finished_utc_ms=None) if job.goes_on else begun


async def close_import(job: Job, store: Store, utc_ms: int) -> None:
    """What was read of a file that ends in its middle stays: let its chains be dialed, and other files be read."""
    for each in await store.imports():
        if each.list_id == job.list_dbid and each.digest == job.digest and each.finished_utc_ms is None:
            await store.add_records(replace(each, finished_utc_ms=utc_ms), ())


async def read_number_file(job: Job, files: JobFiles, running: RunningStore) -> None:
    """Read a file into a do-not-call list, from its beginning: what is on the list already stays.

    Raises:
        Unwanted: it was cancelled; what was read by then stays.
        ConfigError: the file is not usable.
        StoreUnavailable: the database does not answer; to be done again.
    """
    reason = f"import of {job.file}"[:REASON_CHARACTERS_MAX]
    addition = Addition(job.list_name, job.by, job.created_utc_ms, reason)
    file = NumberFile(files.sent(job), national_of(running.loaded))

    def on_batch() -> None:
        job.rows_read, job.accepted, job.rejected = file.rows, file.good, file.rows - file.good
        if job.is_unwanted:
            raise Unwanted

    added, removed = await read_numbers(
        running.jobs, file, addition, is_whole=job.replace, batch=BATCH, on_batch=on_batch
    )
    on_batch()
    job.added, job.removed, job.bytes_read = added, removed, job.bytes
    job.reasons, job.examples = dict(file.reasons), list(file.examples)


def _take_counts(job: Job, counts: Counts, begun: Import) -> None:
    job.added = counts.loaded - begun.records
    job.rows_read, job.accepted, job.rejected = counts.rows, counts.loaded, counts.rejected
    job.reasons, job.examples = dict(counts.reasons), list(counts.examples)


async def _column_notes(loaded: Loaded, calling_list: CallingList, store: Store) -> Collection[str]:
    """What campaigns ask of the list that its records do not have: the next start would refuse it."""
    found = await store.records(calling_list.dbid, 0, RECORDS_LOOKED_AT)
    columns = dict.fromkeys(column for record in found for column in record.custom)
    names = {campaign.dbid: campaign.name for campaign in loaded.configuration.campaigns}
    return unknown_columns(loaded.selections, names, calling_list.dbid, columns) if found else ()
