"""Results as CSV files that people open in a spreadsheet.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and text from a calling list may come
from anybody. Such a cell gets a leading apostrophe (`'`), which spreadsheets read as "this is text". The exception is
a phone number, a plus and digits only: it stays as it was dialed. Files are UTF-8, comma separated, with a header line
and CR LF line ends (RFC 4180).
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TextIO

from outdial.core.commands import SettleAttempt
from outdial.core.errors import OutdialError
from outdial.names import Names
from outdial.sim.lists import Lists, RecordFate

ATTEMPT_COLUMNS = (
    "call_id",
    "dialed_utc",
    "group",
    "list",
    "record_id",
    "number",
    "attempt_n",
    "dialing_mode",
    "node",
    "call_result",
    "fault",
    "verdict",
    "sip_status",
    "q850_cause",
    "agent",
    "ring_ms",
    "wait_ms",
    "talk_ms",
    "disposition",
    "not_before_utc",
)

RECORD_COLUMNS = (
    "record_id",
    "list",
    "number",
    "chain_id",
    "chain_n",
    "status",
    "attempts",
    "call_result",
    "agent",
    "last_attempt_utc",
)

_PHONE_NUMBER = re.compile(r"\+?[0-9]+")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class ResultsError(OutdialError):
    """A results file cannot be written."""

    code = "results"


def safe_cell(value: object) -> str:
    """One cell as text that no spreadsheet takes for a formula. None is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    if text.startswith(_FORMULA_STARTS) and not _PHONE_NUMBER.fullmatch(text):
        return "'" + text
    return text


def utc_text(utc_ms: int) -> str:
    """An instant as `2026-11-21T21:50:00.123Z`; empty for 0, which stands for none."""
    if utc_ms == 0:
        return ""
    whole = datetime.fromtimestamp(utc_ms // 1_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{utc_ms % 1_000:03}Z"


class CsvFile:
    """One CSV file being written.

    Attributes:
        path: where it is.
        rows: rows written so far, without the header.
    """

    def __init__(self, path: Path | None, columns: Sequence[str], *, stream: TextIO | None = None) -> None:
        """Create the file with its header line; what was there is replaced.

        Args:
            path: the file.
            columns: the header.
            stream: written instead of a file, and left open.

        Raises:
            ResultsError: the file cannot be created.
        """
        self.path = path or Path("standard output")
        self.rows = 0
        self._is_ours = stream is None
        try:
            self._file = stream or open(path or "", "w", encoding="utf-8", newline="")  # noqa: SIM115 closed by close()
        except OSError as error:
            raise ResultsError(f"{path}: cannot be created: {error.strerror}") from error
        self._writer = csv.writer(self._file)
        self._writer.writerow(columns)

    def add(self, row: Iterable[object]) -> None:
        """Write one row."""
        try:
            self._writer.writerow([safe_cell(value) for value in row])
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be written: {error.strerror}") from error
        self.rows += 1

    def flush(self) -> None:
        """Hand every row to the operating system.

        Raises:
            ResultsError: it does not take them.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Flush and close. Closing twice does no harm."""
        try:
            self._file.close() if self._is_ours else self._file.flush()
        except OSError as error:
            raise ResultsError(f"{self.path}: cannot be written: {error.strerror}") from error

    def __enter__(self) -> "CsvFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines of such a file."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([safe_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def attempt_row(attempt: SettleAttempt, names: Names) -> tuple[object, ...]:
    """One attempt in the order of `ATTEMPT_COLUMNS`."""
    return (
        attempt.call_id,
        utc_text(attempt.dialed_utc_ms),
        names.group(attempt.group_id),
        names.calling_list(attempt.list_id),
        attempt.record_id,
        attempt.number,
        attempt.attempt_n,
        attempt.mode.value,
        names.node(attempt.node_id),
        attempt.call_result.name.lower(),
        attempt.fault.value,
        attempt.verdict and attempt.verdict.value,
        attempt.sip_status,
        attempt.q850_cause,
        names.agent(attempt.agent_id),
        attempt.ring_ms,
        attempt.wait_ms,
        attempt.talk_ms,
        attempt.disposition.action.value,
        utc_text(attempt.disposition.not_before_utc_ms),
    )


def record_row(fate: RecordFate, names: Names) -> tuple[object, ...]:
    """One record in the order of `RECORD_COLUMNS`."""
    return (
        fate.record_id,
        names.calling_list(fate.list_id),
        fate.number,
        fate.chain_id or None,
        fate.chain_n if fate.chain_id else None,
        fate.status.label,
        fate.attempts,
        None if fate.call_result is None else fate.call_result.name.lower(),
        names.agent(fate.agent_id),
        utc_text(fate.last_attempt_utc_ms or 0),
    )


def write_records(path: Path, lists: Lists, names: Names) -> int:
    """Write what has become of every record.

    Returns:
        Attempts of all records together.

    Raises:
        ResultsError: the file cannot be written.
    """
    attempts = 0
    with CsvFile(path, RECORD_COLUMNS) as file:
        for state in lists.by_id.values():
            for fate in state.fates():
                attempts += fate.attempts
                file.add(record_row(fate, names))
    return attempts


def make_folder(path: Path) -> Path:
    """The folder for results, made if it is missing.

    Raises:
        ResultsError: it cannot be made, or something else has its name.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be made: {error.strerror}") from error
    return path
