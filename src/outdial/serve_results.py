"""The attempts of one start of the server as a file, in a folder of its own below `results-dir`.

Each attempt is handed to the operating system as soon as it is over: a crash of the process loses none. A file that
cannot be written stops the dialing, because calls that nobody writes down must not be made.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from outdial.core.commands import Command, SettleAttempt
from outdial.core.events import Event
from outdial.core.units import Now
from outdial.names import Names
from outdial.results_files import ATTEMPT_COLUMNS, CsvFile, ResultsError, attempt_row, make_folder
from outdial.serve_records import ServeRecords

STARTS_MAX = 100
"""Starts in the same second that find a folder of their own."""


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

    async def finish(self, records: ServeRecords, log: FilteringBoundLogger) -> bool:
        """Close the file and write `records.csv` beside it. Returns whether both are whole."""
        path = self.folder / "records.csv"
        try:
            self._attempts.close()
            await records.write_results(path, self.names)
        except ResultsError as error:
            log.error("failure", text=str(error))
            return False
        log.info("records written", file=str(path))
        return True


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
