"""The import jobs of a running server: one is read at a time, the others wait in a short queue.

A job is on the disk before its request is answered. What a crash or an end cuts off is queued again by the next start,
and goes on where it stopped.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace as changed
from pathlib import Path

from outdial.api.access import Caller
from outdial.api.do_not_call import sees_everything
from outdial.api.imports import ImportState, ImportView
from outdial.api.problems import Problem, not_found
from outdial.config.national_numbers import REGION, is_region
from outdial.config.selections import WHERE, where_of
from outdial.core.errors import ConfigError, OutdialError
from outdial.dnc_change import list_name_mistakes
from outdial.list_import import columns_of
from outdial.operations.consent_work import read_consent_file
from outdial.operations.do_not_call import counts_for
from outdial.operations.import_job import Job, JobFiles, Unwanted
from outdial.operations.import_work import close_import, read_list_file, read_number_file
from outdial.operations.lists import RunningLists
from outdial.operations.running_store import RunningStore, mistakes_of_request
from outdial.operations.uploads import FileUpload
from outdial.operations.visible import list_for
from outdial.store.interface import StoreUnavailable
from outdial.store.steady import pause

QUEUE_MAX = 10
"""Jobs that wait, those that are being sent included. Unit: jobs. Ours."""
REMEMBERED_MAX = 100
"""Jobs that have ended and are remembered. Unit: jobs. Ours."""
AGAIN_S = 5.0
"""Pause before a job goes on whose database was away. Unit: seconds."""
PIECE_CHARACTERS = 65_536


class RunningImports:
    """See `outdial.api.imports.Imports`."""

    def __init__(self, running: RunningStore, lists: RunningLists) -> None:
        """Prepare; `run` works. `lists` are told of what changes them."""
        self._running = running
        self._lists = lists
        self._files = JobFiles(running.shared.folder)
        self._log = running.shared.log
        self._jobs: dict[str, Job] = {}
        self._coming = 0
        """Files that are being sent."""
        self._queue: deque[Job] = deque()
        self._filled = asyncio.Event()
        self._numbers = itertools.count(1)
        self._began_utc_ms = running.utc_now_ms()

    # --- requests ------------------------------------------------------------------------------------------------

    async def into_list(
        self,
        dbid: int,
        caller: Caller,
        *,
        file: str,
        form: str,
        columns: tuple[str, ...],
        default_region: str | None,
        dry_run: bool,
    ) -> FileUpload | None:
        """See `Imports.into_list`."""
        calling_list = list_for(self._running.loaded.configuration, dbid, caller.campaigns)
        if calling_list is None:
            return None
        with mistakes_of_request():
            mapped = columns_of(columns, "query.map")
            if default_region is not None and not await asyncio.to_thread(is_region, default_region):
                raise ConfigError([f"query.default_region: {default_region!r}: allowed: {REGION}"])
        job = self._new_job(calling_list.name, file, form, caller)
        job.list_dbid, job.columns, job.default_region, job.dry_run = dbid, mapped, default_region, dry_run
        return self._upload(job)

    async def consents(
        self, dbid: int, caller: Caller, *, file: str, form: str, columns: tuple[str, ...], ready: bool
    ) -> FileUpload | None:
        """See `Imports.consents`."""
        calling_list = list_for(self._running.loaded.configuration, dbid, caller.campaigns)
        if calling_list is None:
            return None
        with mistakes_of_request():
            mapped = columns_of(columns, "query.map")
        job = self._new_job(calling_list.name, file, form, caller)
        job.list_dbid, job.columns, job.ready, job.consents = dbid, mapped, ready, {}
        return self._upload(job)

    async def into_do_not_call(self, name: str, caller: Caller, *, file: str, replace: bool) -> FileUpload:
        """See `Imports.into_do_not_call`."""
        with mistakes_of_request():
            if mistakes := list_name_mistakes(name):
                raise ConfigError(mistakes)
        if not counts_for(self._running.loaded, name, caller.campaigns):
            raise not_found(f"do-not-call list {name}")
        if replace:
            sees_everything(caller)
        job = self._new_job(name, file, "csv", caller)
        job.replace = replace
        return self._upload(job)

    def jobs(self, campaigns: frozenset[str] | None) -> list[ImportView]:
        """See `Imports.jobs`."""
        return [_shown(job, campaigns) for job in reversed(self._jobs.values()) if self._is_visible(job, campaigns)]

    def job(self, job_id: str, campaigns: frozenset[str] | None) -> ImportView | None:
        """See `Imports.job`."""
        job = self._visible(job_id, campaigns)
        return None if job is None else _shown(job, campaigns)

    async def cancel(self, job_id: str, campaigns: frozenset[str] | None) -> ImportView | None:
        """See `Imports.cancel`."""
        job = self._visible(job_id, campaigns)
        if job is None:
            return None
        if not job.has_ended:
            job.is_unwanted = True
            if job in self._queue:
                self._queue.remove(job)
                await self._end(job, ImportState.CANCELLED)
        return _shown(job, campaigns)

    def rejects(self, job_id: str, campaigns: frozenset[str] | None) -> AsyncIterator[str] | None:
        """See `Imports.rejects`."""
        job = self._visible(job_id, campaigns)
        return None if job is None or not job.has_rejects else _text_of(self._files.rejects(job))

    def _new_job(self, name: str, file: str, form: str, caller: Caller) -> Job:
        self._running.check_room()
        if self._coming + len(self._queue) >= QUEUE_MAX:
            detail = f"{QUEUE_MAX} imports wait already"
            raise Problem(429, "queue_full", detail, headers={"Retry-After": "10"})
        now = self._running.utc_now_ms()
        job_id = next(job_id for number in self._numbers if (job_id := f"{now}-{number}") not in self._jobs)
        return Job(job_id, None, name, file, form, caller.name, now)

    def _upload(self, job: Job) -> FileUpload:
        self._coming += 1
        return FileUpload(job, self._files, self._accept, self._refuse)

    async def _accept(self, job: Job) -> ImportView:
        """The file is here."""
        job.goes_on = not job.dry_run and any(
            (one.list_dbid, one.digest, one.consents) == (job.list_dbid, job.digest, None)
            and one.state in (ImportState.CANCELLED, ImportState.FAILED)
            and not one.dry_run
            for one in self._jobs.values()
        )
        try:
            await asyncio.to_thread(self._files.save, job)
        except OSError as error:
            detail = f"the job cannot be written to the disk: {error.strerror or error}"
            raise Problem(507, "insufficient_storage", detail) from error
        self._coming -= 1
        self._jobs[job.id] = job
        self._queue.append(job)
        self._filled.set()
        return job.view()

    def _refuse(self, job: Job) -> None:
        self._coming -= 1

    def _visible(self, job_id: str, campaigns: frozenset[str] | None) -> Job | None:
        job = self._jobs.get(job_id)
        return job if job is not None and self._is_visible(job, campaigns) else None

    def _is_visible(self, job: Job, campaigns: frozenset[str] | None) -> bool:
        loaded = self._running.loaded
        if job.list_dbid is None:
            return counts_for(loaded, job.list_name, campaigns)
        return campaigns is None or list_for(loaded.configuration, job.list_dbid, campaigns) is not None

    # --- work ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read one file after the other, until the task is cancelled; first those that an earlier start has left."""
        await self._recall()
        while True:
            while self._queue:
                await self._read(self._queue.popleft())
            self._filled.clear()
            await self._filled.wait()

    async def _recall(self) -> None:
        try:
            await asyncio.to_thread(self._files.clear_up, self._began_utc_ms)
        except OSError as error:
            self._log.error("failure", text=f"imports: {error}")
        jobs, wrong = await asyncio.to_thread(self._files.load)
        for sentence in wrong:
            self._log.warning("note", text=sentence)
        for job in jobs:
            if job.id in self._jobs:  # it came while the others were looked for
                continue
            self._jobs[job.id] = job
            if not job.has_ended:
                job.state, job.is_unwanted = ImportState.QUEUED, False
                self._queue.append(job)
        self._jobs = dict(sorted(self._jobs.items(), key=lambda item: (item[1].created_utc_ms, item[0])))

    async def _read(self, job: Job) -> None:
        job.state = ImportState.READING
        try:
            while True:
                try:
                    await self._read_once(job)
                    break
                except StoreUnavailable as error:
                    job.notes = [f"the database is away, reading goes on when it is back: {error}"]
                    await pause(AGAIN_S)
                    job.notes.clear()
                    if job.is_unwanted:
                        raise Unwanted from error
        except Unwanted:
            await self._close(job)
            await self._end(job, ImportState.CANCELLED)
        except OutdialError as error:
            job.error = str(error).replace(str(self._files.sent(job)), job.file)
            await self._close(job)
            await self._end(job, ImportState.FAILED)
        except asyncio.CancelledError:
            job.is_unwanted = True  # a thread that reads for nothing hears of it
            raise
        except Exception as error:  # a bug in the reading of one file must not end the reading of all others
            job.error = f"a bug in outdial: {error!r}"[:500]
            self._log.error("failure", text=f"import {job.id}", exc_info=error)
            await self._end(job, ImportState.FAILED)
        else:
            await self._end(job, ImportState.FINISHED)

    async def _read_once(self, job: Job) -> None:
        if job.list_dbid is None:
            await read_number_file(job, self._files, self._running)
            return
        calling_list = list_for(self._running.loaded.configuration, job.list_dbid, None)
        if calling_list is None:
            raise ConfigError([f"the configuration has no calling list {job.list_name} any more"])
        if job.consents is not None:
            try:
                await read_consent_file(job, calling_list, self._files, self._running)
            finally:
                self._lists.changed(job.list_dbid, has_more=job.ready)
            return
        being_read = self._running.shared.being_read
        if job.list_dbid in being_read:
            raise ConfigError([f"{job.list_name}: the file of the configuration is being read; send this one again"])
        being_read.add(job.list_dbid)
        try:
            await read_list_file(job, calling_list, self._files, self._running)
        finally:
            being_read.discard(job.list_dbid)
            self._lists.changed(job.list_dbid, has_more=not job.dry_run)

    async def _close(self, job: Job) -> None:
        """What was read of a file that was not read to its end stays in the list."""
        if job.list_dbid is not None and job.consents is None and not job.dry_run:
            with contextlib.suppress(OutdialError):  # then the list says of the file that it was not read to its end
                await close_import(job, self._running.jobs, self._running.utc_now_ms())
            self._lists.changed(job.list_dbid, has_more=True)

    async def _end(self, job: Job, state: ImportState) -> None:
        job.has_rejects = await asyncio.to_thread(self._files.rejects(job).exists)
        now = self._running.utc_now_ms()
        try:
            await asyncio.to_thread(self._clear_up, changed(job, state=state, ended_utc_ms=now))
        except OSError as error:
            self._log.error("failure", text=f"import {job.id}: {error}")
        job.ended_utc_ms, job.state = now, state
        ended = [one for one in self._jobs.values() if one.has_ended]
        for old in ended[: max(0, len(ended) - REMEMBERED_MAX)]:
            del self._jobs[old.id]
            await asyncio.to_thread(self._files.forget, old)
        self._log.info(
            "import ended",
            id=job.id,
            list=job.list_name,
            file=job.file,
            by=job.by,
            state=state.value,
            accepted=job.accepted,
            rejected=job.rejected,
            error=job.error,
        )

    def _clear_up(self, job: Job) -> None:
        self._files.save(job)
        self._files.forget_sent(job)


def _shown(job: Job, campaigns: frozenset[str] | None) -> ImportView:
    """A job as somebody may see it: what other campaigns ask of a list that they share is not told."""
    view = job.view()
    if campaigns is None:
        return view
    mine = tuple(where_of(name) for name in campaigns)
    notes = [note for note in view.notes if not note.startswith(WHERE) or note.startswith(mine)]
    return view.model_copy(update={"notes": notes})


async def _text_of(path: Path) -> AsyncIterator[str]:
    """A text file, some of it at a time."""
    file = await asyncio.to_thread(path.open, encoding="utf-8", newline="")
    with file:
        while piece := await asyncio.to_thread(file.read, PIECE_CHARACTERS):
            yield piece
