"""Lines of CSV files as people and programs write them, and the file of lines that were left out."""

import contextlib
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TextIO

from outdial.config.options import DAY_S, parse_time_of_day

LINE_BYTES_MAX = 65_536
"""Longest line. Unit: bytes."""
FIELD_CHARACTERS_MAX = 4_096
"""Longest field."""


class Rejected(Exception):
    """A line is left out.

    Attributes:
        kind: what it is counted under.
    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class WrongFile(Exception):
    """A file cannot be read at all: it is damaged, or it has not the columns that it needs."""


def lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines; None stands for one that is too long."""
    number = 0
    while line := stream.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) <= LINE_BYTES_MAX or line.endswith(b"\n"):
            yield number, line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LINE_BYTES_MAX)
        yield number, None


def decode(line: bytes) -> str:
    """A line as text, without its end.

    Raises:
        Rejected: it is not UTF-8, or holds control characters.
    """
    try:
        text = line.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise Rejected("not UTF-8", f"byte {line[error.start]:#04x} is not UTF-8") from error
    if not text.isprintable() and any(ord(c) < 32 and c != "\t" for c in text):
        raise Rejected("control character", "holds a control character")
    return text


def split(text: str, delimiter: str) -> list[str]:
    """The fields of a line.

    Raises:
        Rejected: quotes do not match.
    """
    if '"' not in text:
        return text.split(delimiter)
    try:
        [fields] = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise Rejected("quotes", f"quotes do not match: {error}") from error
    return fields


def fields_of(line: bytes, delimiter: str, columns: list[str]) -> dict[str, str]:
    """The fields of a line by column.

    Raises:
        Rejected: it has other columns, or is not text.
    """
    fields = split(decode(line), delimiter)
    if len(fields) != len(columns):
        raise Rejected("columns", f"{len(fields)} fields, but the header names {len(columns)}")
    if max(map(len, fields)) > FIELD_CHARACTERS_MAX:
        raise Rejected("field too long", f"a field is longer than {FIELD_CHARACTERS_MAX:,} characters")
    return dict(zip(columns, fields, strict=True))


def whole_in(fields: Mapping[str, str], column: str, low: int, high: int) -> int | None:
    """A whole number in a field; None: the field is empty, or there is none.

    Raises:
        Rejected: it is none in this range.
    """
    text = fields.get(column, "").strip()
    if not text:
        return None
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    if not low <= value <= high:
        raise Rejected(column, f'{column} "{text[:40]}": allowed: a whole number {low:,} … {high:,}')
    return value


def time_in(fields: Mapping[str, str], column: str) -> int | None:
    """A time of day in a field, as seconds since midnight; None: the field is empty, or there is none.

    Raises:
        Rejected: it is none.
    """
    text = fields.get(column, "").strip()
    if not text:
        return None
    seconds = parse_time_of_day(text)
    if seconds is None:
        raise Rejected(column, f'{column} "{text[:40]}": allowed: "HH:MM" or seconds since midnight 0 … {DAY_S:,}')
    return seconds


class RejectsFile:
    """The file of rejected lines, made when there is a first one."""

    def __init__(self, path: Path) -> None:
        """Prepare; nothing is opened yet."""
        self._path = path
        self._stream: TextIO | None = None
        self._is_broken = False

    def keep(self, before: int) -> None:
        """Go on with the file that an earlier reading has left: keep what it says of lines before this one."""
        try:
            with self._path.open(encoding="utf-8", newline="") as stream:
                kept = [row for row in csv.reader(stream) if row and row[0].isdigit() and int(row[0]) < before]
        except (OSError, csv.Error, UnicodeDecodeError):
            return
        for row in kept:
            self._write(row)

    def write(self, number: int, reason: str, raw: str) -> None:
        """Add a line. A file that cannot be written is given up; the lines are still counted."""
        self._write([str(number), reason, raw])

    def flush(self) -> None:
        """Hand every line to the operating system."""
        if self._stream is not None and not self._stream.closed and not self._is_broken:
            try:
                self._stream.flush()
            except OSError:
                self._is_broken = True

    def close(self) -> Path | None:
        """Finish; an old file is removed when there was nothing to write."""
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError:
                self._is_broken = True
            return None if self._is_broken else self._path
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        return None

    def _write(self, row: list[str]) -> None:
        if self._is_broken:
            return
        try:
            if self._stream is None:
                self._stream = self._path.open("w", encoding="utf-8", newline="")
                csv.writer(self._stream).writerow(["line", "reason", "raw"])
            csv.writer(self._stream).writerow(row)
        except OSError:
            self._is_broken = True
