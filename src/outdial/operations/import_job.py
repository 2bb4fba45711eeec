"""One import job: what was asked for, how far it is, and the files that remember it.

    ID.csv               what was sent; removed when the job has ended
    ID.csv.rejects.csv   the lines that were left out
    ID.json              the job itself, so that the next start goes on with it

Ours: files beside the results and no table, because the sent file is on this machine alone (decision 0025).
"""

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from outdial.api.imports import ImportState, ImportView

ENDED = (ImportState.FINISHED, ImportState.FAILED, ImportState.CANCELLED)
JOB_BYTES_MAX = 1_000_000
"""Largest file of a job. Unit: bytes."""


class Unwanted(Exception):
    """Somebody has cancelled the job."""


@dataclass(slots=True)
class Job:
    """A file that is, was or will be read."""

    id: str
    list_dbid: int | None
    """None: a do-not-call list."""
    list_name: str
    file: str
    """What the caller called it."""
    form: str
    """`csv` or `parquet`."""
    by: str
    created_utc_ms: int
    columns: dict[str, str] = field(default_factory=dict)
    default_region: str | None = None
    dry_run: bool = False
    replace: bool = False
    bytes: int = 0
    digest: str = ""
    state: ImportState = ImportState.QUEUED
    ended_utc_ms: int | None = None
    bytes_read: int = 0
    rows_read: int = 0
    accepted: int = 0
    added: int = 0
    rejected: int = 0
    removed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str | None = None
    finished_before_utc_ms: int | None = None
    has_rejects: bool = False
    ready: bool = False
    """Consents: records that were cancelled are ready again."""
    consents: dict[str, int] | None = None
    """What has become of the consents of a file so far. None: it is a file of records or of numbers."""
    goes_on: bool = False
    """The same file was read into the list before, but not to its end."""
    is_unwanted: bool = False
    """Somebody wants it to end."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be read."""
        return self.state in ENDED

    def view(self) -> ImportView:
        """As the API shows it."""
        shown = ImportView.model_fields
        return ImportView(**{name: value for name, value in asdict(self).items() if name in shown})


class JobFiles:
    """The folder of all jobs."""

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first job."""
        self._folder = folder

    def sent(self, job: Job) -> Path:
        """What was sent."""
        return self._folder / f"{job.id}.{job.form}"

    def rejects(self, job: Job) -> Path:
        """Lines that were left out."""
        return self._folder / f"{job.id}.{job.form}.rejects.csv"

    def make_folder(self) -> None:
        """Make the folder; nobody else may look into what people have sent.

        Raises:
            OSError: it cannot be made.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def save(self, job: Job) -> None:
        """Remember a job.

        Raises:
            OSError: it cannot be written.
        """
        path = self._folder / f"{job.id}.json"
        beside = path.with_suffix(".json.new")
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(job), file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def forget_sent(self, job: Job) -> None:
        """Remove what was sent: it has telephone numbers in it."""
        self.sent(job).unlink(missing_ok=True)

    def forget(self, job: Job) -> None:
        """Remove everything about a job."""
        for path in (self.sent(job), self.rejects(job), self._folder / f"{job.id}.json"):
            path.unlink(missing_ok=True)

    def clear_up(self, before_utc_ms: int) -> None:
        """Remove what was begun to be sent before an instant and never became a job.

        Raises:
            OSError: it cannot be removed.
        """
        for path in self._folder.glob("*-*.*"):
            job_id = path.name.partition(".")[0]
            created = job_id.partition("-")[0]
            is_old = created.isdigit() and int(created) < before_utc_ms
            if is_old and not (self._folder / f"{job_id}.json").exists():
                path.unlink(missing_ok=True)

    def load(self) -> tuple[list[Job], list[str]]:
        """The jobs that are remembered, the oldest first; and what could not be read."""
        jobs, wrong = [], []
        for path in sorted(self._folder.glob("*.json")):
            try:
                jobs.append(_job_in(path))
            except (OSError, ValueError, TypeError, KeyError) as error:
                wrong.append(f"{path}: is no import job: {error}")
        return sorted(jobs, key=lambda job: (job.created_utc_ms, job.id)), wrong


def _job_in(path: Path) -> Job:
    with path.open(encoding="utf-8") as file:
        said: dict[str, Any] = json.loads(file.read(JOB_BYTES_MAX))
    known = {one.name for one in fields(Job)}
    job = Job(**{name: value for name, value in said.items() if name in known})
    if job.id != path.stem:
        raise ValueError(f"its id is {job.id}")
    job.state = ImportState(job.state)
    return job
