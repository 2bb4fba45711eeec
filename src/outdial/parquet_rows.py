"""The rows of a Parquet file, a batch at a time, as if they were lines of text. The extra `outdial[parquet]` reads it.

A value becomes the text that a CSV file would have: a number without a point if it has no fraction (programs that know
no missing whole numbers write them so), dates and times as ISO 8601, a missing value as an empty field.
"""

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, TypeAlias

from outdial.csv_lines import FIELD_CHARACTERS_MAX, Rejected, WrongFile

BATCH = 2_000
"""Rows that are in memory at once. Unit: rows."""
SUFFIX = ".parquet"
WHOLE_MAX = 10**18
"""Numbers from here on are not written out: nothing that is meant has so many digits."""

Row: TypeAlias = tuple[object, ...]
"""Values by place."""

_TEXTS = (str, int, float, decimal.Decimal, datetime.date, datetime.time, bytes)


def is_parquet(path: Path) -> bool:
    """Whether a file is to be read as Parquet: by its name."""
    return path.suffix.lower() == SUFFIX


class ParquetRows:
    """One file.

    Attributes:
        names: names of the columns, in order.
        where: where they are, for messages.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        """Read what the file says of itself.

        Raises:
            WrongFile: it is damaged or no such file, a column holds more than single values, or there is no reader.
        """
        try:
            import pyarrow  # type: ignore[import-untyped]
            from pyarrow import parquet
        except ModuleNotFoundError as error:
            if error.name is None or not error.name.startswith("pyarrow"):
                raise
            raise WrongFile('Parquet files need pyarrow: pip install "outdial[parquet]"') from error
        self.where = ""
        self._damage: type[Exception] = pyarrow.ArrowException
        self._bytes = stream.seek(0, 2)
        stream.seek(0)
        try:
            self._file = parquet.ParquetFile(stream)
        except (pyarrow.ArrowException, OSError) as error:
            raise WrongFile(f"is no Parquet file: {_first_line(error)}") from error
        schema = self._file.schema_arrow
        nested = [column.name for column in schema if pyarrow.types.is_nested(column.type)]
        if nested:
            raise WrongFile(f"columns hold more than one value each: {', '.join(nested)[:200]}")
        self.names: list[str] = list(schema.names)
        self._rows = max(1, self._file.metadata.num_rows)
        self._done = 0

    @property
    def bytes_read(self) -> int:
        """How much of the file has been read, as far as its rows tell."""
        return int(self._bytes * self._done // self._rows)

    def __iter__(self) -> Iterator[tuple[int, Row]]:
        """Numbered rows that are not empty."""
        try:
            for batch in self._file.iter_batches(BATCH):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    self._done += 1
                    if any(value is not None and value != "" for value in row):
                        yield self._done, row
        except (self._damage, OSError) as error:
            raise WrongFile(f"row {self._done + 1:,} or later is damaged: {_first_line(error)}") from error

    def fields(self, row: Row, columns: list[str]) -> dict[str, str]:
        """The fields of a row, as texts."""
        return {column: _text(column, value) for column, value in zip(columns, row, strict=True)}

    def raw(self, row: Row) -> str:
        """A row as Python shows it, cut off where it gets long."""
        return ", ".join(repr(value)[:FIELD_CHARACTERS_MAX] for value in row)


def _text(column: str, value: Any) -> str:
    """A value as a CSV file would have it.

    Raises:
        Rejected: it is no text, number, date or time, or no good one.
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, _TEXTS):
        raise Rejected("type", f"{column} is {type(value).__name__}; allowed: text, a number, a date or a time of day")
    if isinstance(value, float | decimal.Decimal):
        value = _number(value)
        if column == "phone" and not value.isdigit() and value:
            raise Rejected("not a number", f"phone {value[:40]} is not a whole number")
    elif isinstance(value, datetime.date | datetime.time):
        value = value.isoformat()
    elif isinstance(value, bytes):
        try:
            value = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Rejected("not UTF-8", f"{column}: byte {value[error.start]:#04x} is not UTF-8") from error
    text = str(value)
    if len(text) > FIELD_CHARACTERS_MAX:
        raise Rejected("field too long", f"a field is longer than {FIELD_CHARACTERS_MAX:,} characters")
    if not text.isprintable() and any(ord(c) < 32 and c != "\t" for c in text):
        raise Rejected("control character", "holds a control character")
    return text


def _number(value: Any) -> str:
    if value != value:  # not a number: what some programs write for a missing one
        return ""
    is_whole = -WHOLE_MAX < value < WHOLE_MAX and value == int(value)
    return str(int(value)) if is_whole else str(value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
