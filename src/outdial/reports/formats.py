"""How reports are written: a table for people, CSV and JSON for programs. Parquet is in `parquet`.

Rows are written as they come. Only a table looks ahead: it makes its columns as wide as its first rows want them.
"""

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TextIO

from outdial.reports.columns import Column, Value
from outdial.reports.local_time import LocalTime
from outdial.reports.period import Period
from outdial.results_files import CsvFile, ResultsError, utc_text

FORMATS = ("text", "csv", "json", "parquet")
LOOK_AHEAD = 1_000
"""Rows whose widths are looked at. Unit: rows. Ours."""
WIDTH = 100
"""Width that tables keep to by putting their columns closer together. Unit: characters."""
_NOTHING = "-"
_TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above the rows."""

    kind: str
    period: Period
    clock: LocalTime
    by: tuple[str, ...]
    columns: tuple[Column, ...]

    def names(self) -> list[str]:
        """Of all columns, those of the dimensions first; a dash in one becomes an underscore."""
        return [*(name.replace("-", "_") for name in self.by), *(column.name for column in self.columns)]


class Out(Protocol):
    """Takes a report, row by row."""

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """Write one row.

        Args:
            labels: of its dimensions.
            values: in the order of the columns.
        """

    def totals(self, values: Sequence[Value]) -> None:
        """Write the totals, behind the last row."""


class Writer(Out, AbstractContextManager["Writer"], Protocol):
    """An `Out` that is closed at the end of its block; what it could not finish there is no report."""


def writer_of(form: str, output: Path | None, heading: Heading) -> Writer:
    """What writes a format.

    Args:
        form: of `FORMATS`.
        output: the file; None: standard output.
        heading: of the report.

    Raises:
        ResultsError: the file cannot be created, or a library is missing.
    """
    if form == "parquet":
        from outdial.reports.parquet import ParquetReport

        assert output is not None
        return ParquetReport(output, heading)
    writers: dict[str, type[TextReport] | type[CsvReport] | type[JsonReport]]
    writers = {"text": TextReport, "csv": CsvReport, "json": JsonReport}
    return writers[form](output, heading)


class _Lines:
    """A text file, or standard output."""

    def __init__(self, output: Path | None) -> None:
        self._output = output
        try:
            self._file: TextIO = sys.stdout if output is None else open(output, "w", encoding="utf-8")  # noqa: SIM115
        except OSError as error:
            raise ResultsError(f"{output}: cannot be created: {error.strerror}") from error

    def write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            raise ResultsError(f"{self._output or 'standard output'}: cannot be written: {error.strerror}") from error

    def close(self) -> None:
        try:
            self._file.flush() if self._output is None else self._file.close()
        except OSError as error:
            raise ResultsError(f"{self._output or 'standard output'}: cannot be written: {error.strerror}") from error


class _Closing(ABC):
    """The end of the block: what is no whole report is removed."""

    def __init__(self, output: Path | None) -> None:
        self._output = output

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(is_whole=error is None)
        if error is not None and self._output is not None:
            with suppress(OSError):
                self._output.unlink()

    @abstractmethod
    def close(self, *, is_whole: bool) -> None:
        """Finish the file."""


class TextReport(_Closing):
    """A table: what it is about, headings, rows, a line, totals."""

    def __init__(self, output: Path | None, heading: Heading) -> None:
        super().__init__(output)
        self._lines = _Lines(output)
        self._heading = heading
        self._shown = [place for place, column in enumerate(heading.columns) if column.heading]
        self._ahead: list[list[str]] = []
        self._widths: list[int] = []
        self._left_out: list[int] = []
        self._gap = "  "

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """See `Out`."""
        shown = [
            label[:16].replace("T", " ") if name == "hour" else label or _NOTHING
            for name, label in zip(self._heading.by, labels, strict=True)
        ]
        self._add(shown + self._cells(values))

    def totals(self, values: Sequence[Value]) -> None:
        """See `Out`."""
        labels = [_TOTAL, *[""] * (len(self._heading.by) - 1)] if self._heading.by else []
        total = labels + self._cells(values)
        if not self._widths:
            self._begin(total)
        if self._heading.by:
            self._lines.write("-" * self._width() + "\n")
        self._write(total)

    def close(self, *, is_whole: bool) -> None:
        """See `_Closing`."""
        if is_whole and not self._widths:
            self._begin()
        self._lines.close()

    def _cells(self, values: Sequence[Value]) -> list[str]:
        return [_cell(values[place], self._heading.columns[place]) for place in self._shown]

    def _add(self, cells: list[str]) -> None:
        if self._widths:
            self._write(cells)
            return
        self._ahead.append(cells)
        if len(self._ahead) >= LOOK_AHEAD:
            self._begin()

    def _begin(self, *further: Sequence[str]) -> None:
        """Everything above the rows, then those that have been waiting; `further` ones are still to come."""
        headings = [name.split("|") for name in self._heading.by]
        headings += [self._heading.columns[place].heading.split("|") for place in self._shown]
        height = max(map(len, headings))
        self._widths = [
            max([*map(len, words), *(len(row[place]) for row in (*self._ahead, *further))])
            for place, words in enumerate(headings)
        ]
        self._leave_out()
        period, clock = self._heading.period, self._heading.clock
        self._lines.write(
            f"{self._heading.kind}, {_local_text(clock, period.from_utc_ms)} to "
            f"{_local_text(clock, period.until_utc_ms)}, {clock.zone.name}\n\n"
        )
        for line in range(height):
            self._write([([""] * (height - len(words)) + words)[line] for words in headings])
        for row in self._ahead:
            self._write(row)
        self._ahead = []

    def _leave_out(self) -> None:
        """Bring columns closer together, then leave out as many extra ones, the last first, as it takes."""
        by = len(self._heading.by)
        extras = [by + n for n, place in enumerate(self._shown) if self._heading.columns[place].is_extra]
        if self._width() > WIDTH:
            self._gap = " "
        while self._width() > WIDTH and extras:
            self._left_out.append(extras.pop())

    def _width(self) -> int:
        kept = [width for place, width in enumerate(self._widths) if place not in self._left_out]
        return sum(kept) + len(self._gap) * (len(kept) - 1)

    def _write(self, cells: Sequence[str]) -> None:
        by = len(self._heading.by)
        padded = [
            cell.ljust(width) if place < by else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, self._widths, strict=True))
            if place not in self._left_out
        ]
        self._lines.write(self._gap.join(padded).rstrip() + "\n")


class CsvReport(_Closing):
    """CSV as of `results_files`: a header, rows, no totals."""

    def __init__(self, output: Path | None, heading: Heading) -> None:
        super().__init__(output)
        self._file = CsvFile(output, heading.names(), stream=sys.stdout if output is None else None)

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """See `Out`."""
        self._file.add((*labels, *values))

    def totals(self, values: Sequence[Value]) -> None:
        """Not in the file: whoever adds a column up would count everything twice."""

    def close(self, *, is_whole: bool) -> None:
        """See `_Closing`."""
        self._file.close()


class JsonReport(_Closing):
    """One JSON object with a line for each row."""

    def __init__(self, output: Path | None, heading: Heading) -> None:
        super().__init__(output)
        self._lines = _Lines(output)
        self._names = heading.names()
        self._by = len(heading.by)
        self._totals = "null"
        self._rows = 0
        head = {
            "report": heading.kind,
            "from_utc": utc_text(heading.period.from_utc_ms),
            "until_utc": utc_text(heading.period.until_utc_ms),
            "zone": heading.clock.zone.name,
            "by": list(heading.by),
        }
        self._lines.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "rows": [')

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """See `Out`."""
        row = dict(zip(self._names, (*labels, *values), strict=True))
        self._lines.write(("," if self._rows else "") + "\n" + json.dumps(row, ensure_ascii=False))
        self._rows += 1

    def totals(self, values: Sequence[Value]) -> None:
        """See `Out`."""
        self._totals = json.dumps(dict(zip(self._names[self._by :], values, strict=True)), ensure_ascii=False)

    def close(self, *, is_whole: bool) -> None:
        """See `_Closing`."""
        if is_whole:
            self._lines.write(f'], "totals": {self._totals}}}\n')
        self._lines.close()


def _cell(value: Value, column: Column) -> str:
    if value is None:
        return _NOTHING
    if isinstance(value, str):
        return value
    digits = column.digits if column.text_digits is None else column.text_digits
    return f"{value:,.{digits}f}"


def _local_text(clock: LocalTime, utc_ms: int) -> str:
    return utc_text(utc_ms + clock.offset_ms(utc_ms))[:16].replace("T", " ")
