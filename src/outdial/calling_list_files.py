"""Files of calling lists, read once from front to end: CSV, or Parquet by its name. What they hold: `calling_lists`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

from outdial.calling_lists import Counts, ListedRecord, RecordReader
from outdial.config.number_zones import with_zones
from outdial.core.errors import ConfigError
from outdial.core.records import Record
from outdial.core.settings import CallingList
from outdial.csv_lines import LINE_BYTES_MAX, Rejected, RejectsFile, WrongFile, decode, fields_of, lines, split
from outdial.parquet_rows import ParquetRows, is_parquet
from outdial.present_records import Present

ROWS_MAX = 10_000_000
"""Records of one list. Unit: rows."""
EXAMPLES_MAX = 10
"""Reasons for rejection that are kept in memory."""


class Rows(Protocol):
    """A file of rows below columns that have names."""

    @property
    def names(self) -> list[str]:
        """Names of the columns, in order.

        Raises:
            WrongFile: it has none that can be read.
        """

    @property
    def where(self) -> str:
        """Where the names are, for messages: "line 1: "."""

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read."""

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Rows with their numbers, those that are empty left out. What a row is only the other methods know."""

    def fields(self, row: Any, columns: list[str]) -> dict[str, str]:
        """The fields of a row, by names for the columns.

        Raises:
            Rejected: it is none.
        """

    def raw(self, row: Any) -> str:
        """A row as it stands in the file, as far as it can be shown."""


class CsvRows:
    """The lines of a CSV file."""

    def __init__(self, stream: IO[bytes]) -> None:
        """Read the header.

        Raises:
            WrongFile: there is none.
        """
        self.where = ""
        self._stream = stream
        self._numbered = lines(stream)
        self.names, self._delimiter = self._header()

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read."""
        return self._stream.tell()

    def __iter__(self) -> Iterator[tuple[int, bytes | None]]:
        """Numbered lines that are not blank; None stands for one that is too long."""
        for number, line in self._numbered:
            if line is None or line.strip(b" \t\r\n,;"):
                yield number, line

    def fields(self, row: bytes | None, columns: list[str]) -> dict[str, str]:
        """The fields of a line."""
        if row is None:
            raise Rejected("line too long", f"longer than {LINE_BYTES_MAX:,} bytes")
        return fields_of(row, self._delimiter, columns)

    def raw(self, row: bytes | None) -> str:
        """A line without its end."""
        return "" if row is None else row.rstrip(b"\r\n").decode("utf-8", "backslashreplace")

    def _header(self) -> tuple[list[str], str]:
        """Names by place, and the delimiter."""
        for number, line in self._numbered:
            if line is None:
                raise WrongFile(f"line {number}: the header is longer than {LINE_BYTES_MAX:,} bytes")
            if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise WrongFile("the file is UTF-16; save it as CSV UTF-8")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip(b" \t\r\n,;"):
                continue
            delimiter = ";" if line.count(b";") > line.count(b",") else ","
            self.where = f"line {number}: "
            try:
                return split(decode(line), delimiter), delimiter
            except Rejected as rejected:
                raise WrongFile(f"line {number}: the header: {rejected}") from rejected
        raise WrongFile("the file is empty")


class CallingListFile:
    """One file.

    Attributes:
        counts: what became of the rows so far.
    """

    def __init__(
        self,
        path: Path,
        calling_list: CallingList,
        *,
        rejects: bool = True,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare to read.

        Args:
            path: the file.
            calling_list: the list that the records belong to; its calling hours complete those of the records.
            rejects: write rejected lines to `FILE.rejects.csv` beside the file. An older one is replaced, or removed
                when no line is rejected.
            columns: what columns of the file are called here. Shape: {column in the file: our name}.
        """
        self._path = path
        self._rejects = RejectsFile(path.with_name(path.name + ".rejects.csv")) if rejects else None
        self._reader = RecordReader(calling_list, columns)
        self.counts: Counts = self._reader.counts
        self._rows: Rows | None = None
        self._rows_done = 0

    @property
    def custom_columns(self) -> tuple[str, ...]:
        """Names of the columns that mean nothing to the dialer; known once the first record was read."""
        return self._reader.custom_columns

    def go_on(self, present: Present, rows_done: int, records_done: int) -> None:
        """Before reading: say what the list has, and how much of this file is in it.

        Args:
            present: what the list has, these records included; it is taken over.
            rows_done: lines that were read before; they are passed over.
            records_done: how many of them were good.
        """
        self._reader.go_on(present, rows_done)
        self._rows_done = rows_done
        self.counts.loaded = records_done
        if rows_done > records_done:
            self.counts.reasons["left out before"] = rows_done - records_done

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read."""
        return 0 if self._rows is None else self._rows.bytes_read

    def flush_rejects(self) -> None:
        """Hand the lines that were left out so far to the operating system."""
        if self._rejects is not None:
            self._rejects.flush()

    def __iter__(self) -> Iterator[ListedRecord]:
        """Read the good records.

        Raises:
            ConfigError: the file cannot be read, its header is wrong, it is too long, or it has no good record.
        """
        try:
            with self._path.open("rb") as stream:
                self._rows = ParquetRows(stream) if is_parquet(self._path) else CsvRows(stream)
                yield from self._records(self._rows)
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror or error}") from error
        except WrongFile as error:
            raise self._error(str(error)) from error
        finally:
            self._rows = None
            if self._rejects is not None:
                self.counts.rejects_file = self._rejects.close()
        if not self.counts.loaded:
            first = f"; {self.counts.examples[0]}" if self.counts.examples else ""
            raise self._error(f"no record to dial in {self.counts.rows:,} lines{first}")

    def _records(self, rows: Rows) -> Iterator[ListedRecord]:
        try:
            columns = self._reader.name_columns(rows.names)
        except WrongFile as error:
            raise WrongFile(f"{rows.where}{error}") from error
        for number, row in rows:
            self.counts.rows += 1
            if self.counts.rows <= self._rows_done:
                if self._rejects is not None and self.counts.rows == self._rows_done:
                    self._rejects.keep(number + 1)
                continue
            if self.counts.rows > ROWS_MAX:
                raise self._error(f"more than {ROWS_MAX:,} records; split the list")
            try:
                yield self._reader.read(rows.fields(row, columns), self.counts.rows)
            except Rejected as rejected:
                self._reject(number, rejected, rows.raw(row))

    def _reject(self, number: int, rejected: Rejected, raw: str) -> None:
        self.counts.reasons[rejected.kind] += 1
        if len(self.counts.examples) < EXAMPLES_MAX:
            self.counts.examples.append(f"line {number}: {rejected}")
        if self._rejects is not None:
            self._rejects.write(number, str(rejected), raw)

    def _error(self, wrong: str) -> ConfigError:
        return ConfigError([f"{self._path}: {wrong}"])


def read_records(path: Path, calling_list: CallingList, *, rejects: bool = True) -> tuple[list[Record], Counts]:
    """Read a whole list into memory.

    Args:
        path: the file.
        calling_list: the list that the records belong to; when it says so, they get the zones of their numbers.
        rejects: write rejected lines beside the file.

    Returns:
        The records in file order, and what became of the lines.

    Raises:
        ConfigError: the file is not usable.
    """
    file = CallingListFile(path, calling_list, rejects=rejects)
    records = [with_zones(listed.record) if calling_list.zone_by_number else listed.record for listed in file]
    return records, file.counts
