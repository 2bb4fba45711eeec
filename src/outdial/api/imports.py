"""Files into calling lists and do-not-call lists, as jobs: the request ends when the file is here, its reading goes on.

The body is the file itself. It is written to the disk as it comes and read later, one job after the other, beside the
dialer. Where reading was cut off, the next start of the server goes on.
"""

import enum
from collections.abc import AsyncIterator
from typing import Annotated, Protocol

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from outdial.api.access import Caller, Operator, Reader
from outdial.api.audit import Audit
from outdial.api.lists import CSV_RESPONSE, ListDbid, csv_response
from outdial.api.problems import MEDIA_TYPE, Problem, ProblemView, not_found

JobId = Annotated[str, Path(pattern="^[0-9a-z-]{1,40}$", description="Id of the import.", examples=["17637-1"])]
ListName = Annotated[
    str, Path(min_length=1, max_length=200, description="Name of the do-not-call list.", examples=["internal"])
]

FILE_BYTES_MAX = 2**30
"""Largest file. Unit: bytes. Ours: ten million numbers, the longest list, take a quarter of it."""
CHUNK_BYTES = 2**20
"""What is written to the disk at once. Unit: bytes."""
COLUMNS_MAX = 200
FORMATS = {
    "text/csv": "csv",
    "text/plain": "csv",
    "application/octet-stream": "csv",
    "application/vnd.apache.parquet": "parquet",
}
"""What the body may be, by its media type."""


class ImportState(enum.StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    READING = "reading"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """What was read by then stays; the same file, imported again, goes on from there."""


class ImportView(BaseModel):
    """A job that reads a file."""

    id: str = Field(examples=["17637-1"])
    list_dbid: int | None = Field(description="The calling list. Null: it is a do-not-call list.", examples=[1])
    list_name: str = Field(description="Name of the list.", examples=["customers"])
    file: str = Field(description="What the caller called the file.", examples=["leads.csv"])
    by: str = Field(description="Who sent it.", examples=["user alice"])
    dry_run: bool = Field(description="Nothing is written: only looked at.")
    replace: bool = Field(description="Do-not-call list: what the file lacks is taken off.")
    state: ImportState
    created_utc_ms: int
    ended_utc_ms: int | None
    bytes: int = Field(description="Size of the file.", examples=[1_048_576])
    bytes_read: int
    rows_read: int = Field(description="Lines so far, those of an earlier reading included.", examples=[10_000])
    accepted: int = Field(description="Lines that are, or would be, in the list.", examples=[9_950])
    added: int = Field(description="Those of them that no earlier reading or file had brought.", examples=[9_950])
    rejected: int = Field(description="Lines that were left out.", examples=[50])
    removed: int = Field(description="Do-not-call list: numbers that were taken off.", examples=[0])
    reasons: dict[str, int] = Field(description="Rejected lines by reason.", examples=[{"not a number": 50}])
    examples: list[str] = Field(description="The first rejected lines.")
    notes: list[str] = Field(description="What the operator should know.")
    error: str | None = Field(description="Why it failed.")
    finished_before_utc_ms: int | None = Field(
        description="Calling list: when the same file was read to its end before, so that nothing was to do."
    )
    has_rejects: bool = Field(description="Whether `rejects` has all rejected lines.")
    digest: str = Field(description="SHA-256 of the file, in hexadecimal.")
    ready: bool = Field(description="Consents: records that were cancelled for want of one are ready again.")
    consents: dict[str, int] | None = Field(
        description="What has become of the consents of a file: `set`, `ready`, `claimed`, `over`, `missing` (numbers "
        "that the list does not have), `none` (lines without one). Null: it is no file of consents.",
        examples=[{"set": 90, "none": 10}],
    )


class ImportsView(BaseModel):
    """Jobs, the newest first."""

    imports: list[ImportView]
    next_cursor: None = Field(default=None, description="Always null: what is remembered is on one page.")


class Upload(Protocol):
    """A file that is being received."""

    async def write(self, chunk: bytes) -> None:
        """Write the next piece to the disk.

        Raises:
            OutdialError: it cannot be written.
        """
        ...

    async def done(self) -> ImportView:
        """It is here as a whole: queue the job."""
        ...

    async def discard(self) -> None:
        """It will not be here as a whole: forget it. After `done`: nothing."""
        ...


class Imports(Protocol):
    """The import jobs of a running server. `campaigns`: what the caller may see; None: everything."""

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
    ) -> Upload | None:
        """Begin to receive a file for a calling list. None: there is no such list.

        Raises:
            Problem: 422, wrong columns or region; 429, too many jobs wait; 503, the database is away.
        """
        ...

    async def consents(
        self, dbid: int, caller: Caller, *, file: str, form: str, columns: tuple[str, ...], ready: bool
    ) -> Upload | None:
        """Begin to receive a file of consents for the records of a calling list. None: there is no such list.

        Raises:
            Problem: as above.
        """
        ...

    async def into_do_not_call(self, name: str, caller: Caller, *, file: str, replace: bool) -> Upload:
        """Begin to receive a file of numbers.

        Raises:
            Problem: as above.
        """
        ...

    def jobs(self, campaigns: frozenset[str] | None) -> list[ImportView]:
        """The jobs that are remembered, the newest first."""
        ...

    def job(self, job_id: str, campaigns: frozenset[str] | None) -> ImportView | None:
        """One of them. None: there is none."""
        ...

    async def cancel(self, job_id: str, campaigns: frozenset[str] | None) -> ImportView | None:
        """End a job, if it has not ended. None: there is none."""
        ...

    def rejects(self, job_id: str, campaigns: frozenset[str] | None) -> AsyncIterator[str] | None:
        """All rejected lines of a job as CSV. None: there is no such job, or it has none."""
        ...


BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {}, "example": "phone,name\n+15550100,Ann\n"},
            "application/vnd.apache.parquet": {"schema": {}},
        },
    }
}
NUMBERS_BODY = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {}, "example": "phone\n+15550100\n"}},
    }
}


REFUSALS = {
    status: {"model": ProblemView, "content": {MEDIA_TYPE: {}}, "description": text}
    for status, text in (
        (413, "The file is too large."),
        (415, "It is no CSV and no Parquet file."),
        (507, "The server's disk takes no more."),
    )
}


def format_of(request: Request) -> str:
    """How the body is to be read: `csv` or `parquet`.

    Raises:
        Problem: 415; 413, it is too large by its own account.
    """
    media_type = request.headers.get("content-type", "text/csv").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding != "identity":
        raise Problem(415, "unsupported_media_type", f"content-encoding {encoding[:40]!r}: allowed: none")
    if media_type not in FORMATS:
        allowed = ", ".join(FORMATS)
        raise Problem(415, "unsupported_media_type", f"content-type {media_type[:80]!r}: allowed: {allowed}")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > FILE_BYTES_MAX):
        raise too_large()
    return FORMATS[media_type]


def too_large() -> Problem:
    """The file is larger than one may be."""
    return Problem(413, "too_large", f"the file is larger than {FILE_BYTES_MAX:,} bytes; split it")


async def receive(request: Request, upload: Upload) -> ImportView:
    """Take a body in, piece by piece.

    Raises:
        Problem: 413, it is too large; 422, it is empty.
        OutdialError: it cannot be written.
    """
    try:
        total, waiting = 0, bytearray()
        async for chunk in request.stream():
            total += len(chunk)
            if total > FILE_BYTES_MAX:
                raise too_large()
            waiting += chunk
            if len(waiting) >= CHUNK_BYTES:
                await upload.write(bytes(waiting))
                waiting.clear()
        if not total:
            raise Problem(422, "invalid_request", "the request has mistakes", mistakes=["body: the file is empty"])
        await upload.write(bytes(waiting))
        return await upload.done()
    finally:
        await upload.discard()


FileName = Annotated[
    str,
    Query(
        alias="name",
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="What to call the file, for people.",
        examples=["leads.csv"],
    ),
]
Columns = Annotated[
    list[str] | None,
    Query(
        alias="map",
        max_length=COLUMNS_MAX,
        description="What a column of the file is called here: `COLUMN=OURS`. Repeatable.",
        examples=[["Mobile=phone"]],
    ),
]
Region = Annotated[
    str | None,
    Query(
        pattern="^[A-Z]{2}$",
        description="Region of numbers without a +. Default: what the calling list says.",
        examples=["DE"],
    ),
]


def router(imports: Imports, audit: Audit) -> APIRouter:
    """Routes of imports."""
    routes = APIRouter(tags=["imports"])
    _add_sending(routes, imports, audit)
    _add_following(routes, imports, audit)
    return routes


async def queued(audit: Audit, caller: Caller, response: Response, job: ImportView) -> ImportView:
    """A job has been queued: the audit knows, and the response says where it is."""
    what, told = "import.begin", {"dry_run", "replace"}
    if job.consents is not None:
        what, told = "list.consent", {"ready", "digest"}
    where = f"do-not-call list {job.list_name}" if job.list_dbid is None else f"calling-list {job.list_dbid}"
    await audit.note(caller, what, where, None, job.model_dump(include={"id", "file", "bytes", *told}))
    response.headers["Location"] = f"/v1/imports/{job.id}"
    return job


def _add_sending(routes: APIRouter, imports: Imports, audit: Audit) -> None:
    """Routes that take a file."""

    @routes.post(
        "/lists/{dbid}/imports",
        status_code=202,
        summary="Read a CSV or Parquet file into a calling list",
        openapi_extra=BODY,
        responses=dict(REFUSALS),  # type: ignore[arg-type]
    )
    async def import_list(
        request: Request,
        response: Response,
        dbid: ListDbid,
        caller: Operator,
        file: FileName = "import.csv",
        columns: Columns = None,
        default_region: Region = None,
        dry_run: Annotated[bool, Query(description="Say what would be read, and write nothing.")] = False,
    ) -> ImportView:
        upload = await imports.into_list(
            dbid,
            caller,
            file=file,
            form=format_of(request),
            columns=tuple(columns or ()),
            default_region=default_region,
            dry_run=dry_run,
        )
        if upload is None:
            raise not_found(f"calling list {dbid}")
        return await queued(audit, caller, response, await receive(request, upload))

    @routes.post(
        "/dnc/{name}/imports",
        status_code=202,
        summary="Read a file of numbers into a do-not-call list",
        openapi_extra=NUMBERS_BODY,
        responses=dict(REFUSALS),  # type: ignore[arg-type]
    )
    async def import_do_not_call(
        request: Request,
        response: Response,
        name: ListName,
        caller: Operator,
        file: FileName = "numbers.csv",
        replace: Annotated[
            bool, Query(description="Take everything off the list that the file does not have.")
        ] = False,
    ) -> ImportView:
        if format_of(request) != "csv":
            raise Problem(415, "unsupported_media_type", "content-type: allowed: text/csv")
        upload = await imports.into_do_not_call(name, caller, file=file, replace=replace)
        return await queued(audit, caller, response, await receive(request, upload))


def _add_following(routes: APIRouter, imports: Imports, audit: Audit) -> None:
    """Routes that follow a job."""

    @routes.get("/imports", summary="Import jobs, the newest first")
    async def list_imports(caller: Reader) -> ImportsView:
        return ImportsView(imports=imports.jobs(caller.campaigns))

    @routes.get("/imports/{job_id}", summary="One import job: its progress")
    async def get_import(job_id: JobId, caller: Reader) -> ImportView:
        return _found(imports.job(job_id, caller.campaigns), job_id)

    @routes.get(
        "/imports/{job_id}/rejects",
        summary="Every rejected line of an import, with the reason",
        response_class=StreamingResponse,
        responses=CSV_RESPONSE,  # type: ignore[arg-type]
    )
    async def get_rejects(job_id: JobId, caller: Reader) -> StreamingResponse:
        content = imports.rejects(job_id, caller.campaigns)
        if content is None:
            raise not_found(f"file of rejected lines of import {job_id}")
        return csv_response(content, f"import-{job_id}-rejects.csv")

    @routes.post("/imports/{job_id}/cancel", summary="End an import; what was read stays")
    async def cancel_import(job_id: JobId, caller: Operator) -> ImportView:
        job = _found(await imports.cancel(job_id, caller.campaigns), job_id)
        await audit.note(caller, "import.cancel", f"import {job_id}", None, {"state": job.state.value})
        return job


def _found(job: ImportView | None, job_id: str) -> ImportView:
    if job is None:
        raise not_found(f"import {job_id}")
    return job
