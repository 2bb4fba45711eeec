"""Files of numbers that are not called: one number per line, or CSV with a column for it. Strict and streaming.

A file whose first line is a number has one per line; `#` begins a comment. Otherwise the first line names the columns,
and one of them is `phone` (or `phone_number`, `contact_info`, `number`) or `customer_id`; others are passed over.
A line that is wrong is left out and written with its reason to `FILE.rejects.csv`; without a good one it is an error.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from outdial.config.national_numbers import NationalNumbers
from outdial.core.errors import ConfigError
from outdial.csv_lines import LINE_BYTES_MAX, Rejected, RejectsFile, decode, fields_of, lines, split
from outdial.store.do_not_call import CUSTOMER, ENTRY, entry_of

ROWS_MAX = 300_000_000
"""Lines of one file: more than any country's registry has. Unit: lines."""
EXAMPLES_MAX = 10
"""Reasons for rejection that are kept in memory."""

_PHONE = ("phone", "phone_number", "contact_info", "number")
_CUSTOMER = "customer_id"


class NumberFile:
    """One file, read once from front to end.

    Attributes:
        rows: lines that are neither the header nor blank, so far.
        good: those of them that are entries.
        reasons: the others, by kind of reason.
        examples: the first of them: "line 7: …".
        rejects_file: where they are; None: there were none, or it could not be written. Known at the end.
    """

    def __init__(self, path: Path, national: NationalNumbers | None = None) -> None:
        """Prepare to read.

        Args:
            path: the file.
            national: how numbers without a + are read. None: they are taken as they are.
        """
        self._national = national
        self.rows = 0
        self.good = 0
        self.reasons: Counter[str] = Counter()
        self.examples: list[str] = []
        self.rejects_file: Path | None = None
        self._path = path
        self._rejects = RejectsFile(path.with_name(path.name + ".rejects.csv"))

    def __iter__(self) -> Iterator[str]:
        """Read entries, as `do_not_call.entry_of` gives them.

        Raises:
            ConfigError: the file cannot be read, its header is wrong, it is too long, or it has no good line.
        """
        try:
            with self._path.open("rb") as stream:
                yield from self._entries(stream)
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror or error}") from error
        finally:
            self.rejects_file = self._rejects.close()
        if not self.good:
            first = f"; {self.examples[0]}" if self.examples else ""
            raise self._error(f"no number in {self.rows:,} lines{first}")

    def _entries(self, stream: IO[bytes]) -> Iterator[str]:
        read: Callable[[bytes], str | None] | None = None
        for number, line in lines(stream):
            if number == 1 and line is not None:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line is not None and not line.strip(b" \t\r\n,;"):
                continue
            if read is None:
                read, is_header = self._reader(number, line)
                if is_header:
                    continue
            self.rows += 1
            if self.rows > ROWS_MAX:
                raise self._error(f"more than {ROWS_MAX:,} lines; split the file")
            try:
                if line is None:
                    raise Rejected("line too long", f"longer than {LINE_BYTES_MAX:,} bytes")
                entry = read(line)
            except Rejected as rejected:
                self._reject(number, rejected, line)
                continue
            if entry is None:  # nothing but a comment
                self.rows -= 1
                continue
            self.good += 1
            yield entry

    def _reader(self, number: int, line: bytes | None) -> tuple[Callable[[bytes], str | None], bool]:
        """How to read lines, and whether this one names the columns."""
        if line is None:
            raise self._error(f"line {number}: the first line is longer than {LINE_BYTES_MAX:,} bytes")
        if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise self._error("the file is UTF-16; save it as UTF-8")
        try:
            text = decode(line)
        except Rejected as rejected:
            raise self._error(f"line {number}: {rejected}") from rejected
        if text.lstrip().startswith("#") or entry_of(text.partition("#")[0].strip()) is not None:
            return self._plain, False
        delimiter = ";" if text.count(";") > text.count(",") else ","
        try:
            columns = [_key(name) for name in split(text, delimiter)]
        except Rejected as rejected:
            raise self._error(f"line {number}: {rejected}") from rejected
        wanted = [column for column in columns if column in _PHONE or column == _CUSTOMER]
        if len(wanted) != 1:
            what = "names more than one column of numbers" if wanted else "is no number and names no column phone"
            raise self._error(f"line {number}: the first line {what} ({', '.join(wanted or columns)[:80]})")
        [column] = wanted
        prefix = CUSTOMER if column == _CUSTOMER else ""

        def from_columns(line: bytes) -> str:
            return self._entry(prefix + fields_of(line, delimiter, columns)[column].strip())

        return from_columns, True

    def _plain(self, line: bytes) -> str | None:
        text = decode(line).partition("#")[0].strip()
        return self._entry(text) if text else None

    def _entry(self, text: str) -> str:
        entry = entry_of(text, self._national)
        if entry is None:
            raise Rejected("not a number", f'"{text[:40]}" is not {ENTRY}')
        return entry

    def _reject(self, number: int, rejected: Rejected, line: bytes | None) -> None:
        self.reasons[rejected.kind] += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(f"line {number}: {rejected}")
        raw = "" if line is None else line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        self._rejects.write(number, str(rejected), raw)

    def _error(self, wrong: str) -> ConfigError:
        return ConfigError([f"{self._path}: {wrong}"])


def _key(column: str) -> str:
    return column.strip().lower().replace(" ", "_").replace("-", "_")
