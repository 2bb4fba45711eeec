"""The attempts of one start of the server as a file, in a folder of its own below `results-dir`, and its records.

Each attempt is handed to the operating system as soon as it is over: a crash of the process loses none. A file that
cannot be written stops the dialing, because calls that nobody writes down must not be made. Records are written at the
end, unless there are so many that the end would wait for them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from outdial.core.commands import Command, SettleAttempt
from outdial.core.events import Event
from outdial.core.units import Now
from outdial.names import Names
from outdial.results_files import (
    ATTEMPT_COLUMNS,
    RECORD_COLUMNS,
    CsvFile,
    ResultsError,
    attempt_row,
    make_folder,
    record_row,
)
from outdial.serve_records import ServeRecords
from outdial.store.interface import StoreError, StoreUnavailable

STARTS_MAX = 100
"""Starts in the same second that find a folder of their own."""
PAGE = 5_000
"""Records that are read at once for `records.csv`. Unit: records."""


class ServeResults:
    """`attempts.csv` while the server runs.

    Attributes:
        folder: where it is.
        names: of the configuration in effect.
        failure: why attempts are not written any more; None: they are.
    """

    def __init__(self, folder: Path, names: Names, on_failure: Callable[[ResultsError], None]) -> None:
        """Create `attempts.csv`.

        Args:
            folder: an existing folder.
            names: for the columns with names.
            on_failure: told once, when a row cannot be written.

        Raises:
            ResultsError: the file cannot be created.
        """
        self.folder = folder
        self.names = names
        self.failure: ResultsError | None = None
        self._on_failure = on_failure
        self._attempts = CsvFile(folder / "attempts.csv", ATTEMPT_COLUMNS)
        self._attempts.flush()

    @property
    def rows(self) -> int:
        """Attempts written."""
        return self._attempts.rows

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Write down the attempts that ended in a step."""
        settled = [command for command in commands if isinstance(command, SettleAttempt)]
        if not settled:
            return
        try:
            for attempt in settled:
                self._attempts.add(attempt_row(attempt, self.names))
            self._attempts.flush()
        except ResultsError as error:
            if self.failure is None:
                self.failure = error
                self._on_failure(error)

    async def finish(self, records: ServeRecords, log: FilteringBoundLogger, records_max: int) -> bool:
        """Close the file and write `records.csv` beside it, unless it is too long. Returns whether all went well."""
        path = self.folder / "records.csv"
        try:
            self._attempts.close()
            count = await write_records(records, path, self.names, records_max)
        except ResultsError as error:
            log.error("failure", text=str(error))
            return False
        if count > records_max:
            log.info("records not written", records=count, records_csv_max=records_max, instead="outdial list export")
        else:
            log.info("records written", file=str(path))
        return True


async def write_records(records: ServeRecords, path: Path, names: Names, records_max: int) -> int:
    """Write what has become of every record of the lists that this run has had, if they are not too many.

    Returns:
        How many there are. More than `records_max`: nothing was written.

    Raises:
        ResultsError: the file cannot be written, or the database does not answer.
    """
    try:
        count = sum(each.records for each in await records.store.imports() if each.list_id in records.lists)
        if count > records_max:
            return count
        with CsvFile(path, RECORD_COLUMNS) as file:
            for list_id in records.lists:
                after = 0
                while page := await records.store.fates(list_id, after, PAGE):
                    for fate in page:
                        file.add(record_row(fate, names))
                    after = page[-1].record_id
    except (StoreError, StoreUnavailable) as error:
        path.unlink(missing_ok=True)
        raise ResultsError(f"{path}: cannot be written: {error}") from error
    return count


def folder_of_this_start(results_dir: Path, start: str) -> Path:
    """Make a folder that no other start has.

    Args:
        results_dir: where it goes.
        start: time of the start, for its name.

    Raises:
        ResultsError: it cannot be made.
    """
    make_folder(results_dir)
    for n in range(1, STARTS_MAX + 1):
        path = results_dir / (start if n == 1 else f"{start}-{n}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        except OSError as error:
            raise ResultsError(f"{path}: cannot be made: {error.strerror}") from error
        return path
    raise ResultsError(f"{results_dir / start}: {STARTS_MAX} starts in one second")
