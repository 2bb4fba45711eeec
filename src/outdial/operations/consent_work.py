"""Reading a file of consents, a small batch at a time, until it ends or is not wanted any more."""

import asyncio
from collections import Counter

from outdial.calling_list_files import CallingListFile
from outdial.consent_change import add_consents
from outdial.core.settings import CallingList
from outdial.operations.import_job import Job, JobFiles, Unwanted
from outdial.operations.running_store import RunningStore
from outdial.store.listing import lines_of
from outdial.store.single_records import Consenting

BATCH = 500
"""Lines of one transaction: a fiftieth of a second, in which the dialer waits. Unit: lines. Ours."""
ADDED = (Consenting.SET, Consenting.READY, Consenting.CLAIMED, Consenting.OVER)


async def read_consent_file(job: Job, calling_list: CallingList, files: JobFiles, running: RunningStore) -> None:
    """Add the consents of a file to the records of a calling list that have its numbers, from its beginning: what was
    added before is added again, which changes nothing.

    Raises:
        Unwanted: it was cancelled; what was added by then stays.
        ConfigError: the file is not usable.
        StoreUnavailable: the database does not answer; to be done again.
    """
    path = files.sent(job)
    file = CallingListFile(path, calling_list, columns=job.columns)
    records, found = iter(file), Counter[str]()
    while lines := await asyncio.to_thread(lines_of, path, records, BATCH):
        found += await add_consents(running.jobs, calling_list.dbid, lines, ready=job.ready)
        file.flush_rejects()
        _take_counts(job, file, found)
        if job.ready:
            running.on_records(calling_list.dbid)
        if job.is_unwanted:
            raise Unwanted
    _take_counts(job, file, found)
    job.bytes_read = job.bytes


def _take_counts(job: Job, file: CallingListFile, found: Counter[str]) -> None:
    counts = file.counts
    job.consents, job.added = dict(found), sum(found[outcome.value] for outcome in ADDED)
    job.rows_read, job.accepted, job.rejected = counts.rows, counts.loaded, counts.rejected
    job.reasons, job.examples, job.bytes_read = dict(counts.reasons), list(counts.examples), file.bytes_read
