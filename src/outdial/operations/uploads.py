"""A file that is being sent: written to the disk piece by piece, beside the loop."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from typing import IO

from outdial.api.imports import ImportView
from outdial.api.problems import Problem
from outdial.operations.import_job import Job, JobFiles


class FileUpload:
    """See `outdial.api.imports.Upload`."""

    def __init__(
        self,
        job: Job,
        files: JobFiles,
        queue: Callable[[Job], Awaitable[ImportView]],
        forget: Callable[[Job], None],
    ) -> None:
        """Nothing is on the disk yet.

        Args:
            job: what the file is for; gets its size and its digest.
            files: where it is written.
            queue: given the job when the file is here.
            forget: given the job when it will not be.
        """
        self._job = job
        self._files = files
        self._queue = queue
        self._forget = forget
        self._stream: IO[bytes] | None = None
        self._digest = hashlib.sha256()
        self._is_over = False

    async def write(self, chunk: bytes) -> None:
        """See `Upload.write`."""
        try:
            await asyncio.to_thread(self._write, chunk)
        except OSError as error:
            detail = f"the file cannot be written to the disk: {error.strerror or error}"
            raise Problem(507, "insufficient_storage", detail) from error

    async def done(self) -> ImportView:
        """See `Upload.done`."""
        try:
            await asyncio.to_thread(self._finish)
        except OSError as error:
            detail = f"the file cannot be written to the disk: {error.strerror or error}"
            raise Problem(507, "insufficient_storage", detail) from error
        self._job.digest = self._digest.hexdigest()
        view = await self._queue(self._job)
        self._is_over = True
        return view

    async def discard(self) -> None:
        """See `Upload.discard`."""
        if self._is_over:
            return
        self._is_over = True
        self._forget(self._job)
        await asyncio.to_thread(self._remove)

    def _write(self, chunk: bytes) -> None:
        if self._stream is None:
            self._files.make_folder()
            path = self._files.sent(self._job)
            self._stream = open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")  # noqa: SIM115
        self._stream.write(chunk)
        self._digest.update(chunk)
        self._job.bytes += len(chunk)

    def _finish(self) -> None:
        assert self._stream is not None
        self._stream.flush()
        os.fsync(self._stream.fileno())  # the job promises that it is here
        self._stream.close()

    def _remove(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._files.forget_sent(self._job)
