"""Calling lists as CSV files: strict, streaming, and honest about what was left out.

The first line names the columns, in any order and case, separated by `,` or `;`:

| column | meaning |
|---|---|
| `phone` (or the vendor's `contact_info`) | the number; needed |
| `record_id` | number of the record in this list, 1 … 100,000,000; without the column: its place in the file |
| `chain_id` | records with one chain id are one customer; empty or 0: the record is alone |
| `chain_n` | place in the chain, ascending; otherwise by order in the file |
| `daily_from`, `daily_till` | calling hours of the record: "HH:MM" or seconds since midnight |
| `tz` or `time_zone` | IANA time zone of the record; without one: that of the list (`zone-by-number`, `time-zone`) |
| `record_type` | the vendor's; 7 (No Call) keeps the record from being dialed |
| any other | kept beside the record, untouched |

One line is one record: a quoted field may hold the separator and doubled quotes, but no line break, so that one stray
quote cannot swallow the rest of a file. A line that is wrong is left out and written with its reason to
`FILE.rejects.csv`; the rest is loaded. A file without a single good record is an error.

Record numbers are unique over all lists: the list's DBID decides the block of 100,000,000 that its records are in.

Ours: everything here but the column names, which are the vendor's where it has one.
"""

import contextlib
import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TextIO

from outdial.config.mistakes import suggest
from outdial.config.number_zones import with_zones
from outdial.config.numbers import NUMBER, normalise_number
from outdial.config.options import DAY_S, parse_time_of_day
from outdial.config.zones import load_zone
from outdial.core.errors import ConfigError
from outdial.core.records import Chain, Record
from outdial.core.settings import CallingList, Zone

ROWS_MAX = 10_000_000
"""Records of one list. Unit: lines."""
LINE_BYTES_MAX = 65_536
"""Longest line. Unit: bytes."""
FIELD_CHARACTERS_MAX = 4_096
"""Longest field."""
COLUMNS_MAX = 200
RECORD_IDS_PER_LIST = 100_000_000
"""Block of record numbers that belongs to one list."""
CHAIN_ID_MAX = 2**53 - 1
CHAIN_N_MAX = 1_000_000
NO_CALL = 7
"""Record type of a record that must not be dialed. Source: OCS record types."""
EXAMPLES_MAX = 10
"""Reasons for rejection that are kept in memory."""

_SYNONYMS = {"contact_info": "phone", "phone_number": "phone", "time_zone": "tz"}
_KNOWN = ("phone", "record_id", "chain_id", "chain_n", "daily_from", "daily_till", "tz", "record_type")
_REFUSED = {"tz_dbid": "numbers of time zones mean nothing here; name them in a column tz"}


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """One good line of a calling list."""

    record: Record
    custom: tuple[tuple[str, str], ...]
    """Fields of columns that mean nothing to the dialer. Shape: ((column, text), …)."""


@dataclass(slots=True)
class Counts:
    """What became of a file's lines. Complete once the file has been read to its end."""

    rows: int = 0
    """Lines that are neither the header nor blank."""
    loaded: int = 0
    chains: int = 0
    """Customers: chains, and records that are alone."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Rejected lines by kind of reason."""
    examples: list[str] = field(default_factory=list)
    """The first rejections: "line 7: …"."""
    rejects_file: Path | None = None
    """Where rejected lines were written; None: there were none, or the file could not be written."""

    @property
    def rejected(self) -> int:
        """Lines that were left out."""
        return self.reasons.total()


class _Rejected(Exception):
    """A line is left out."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind


class CallingListFile:
    """One CSV file, read once from front to end.

    Attributes:
        counts: what became of the lines so far.
        custom_columns: names of the columns that mean nothing to the dialer; known once the first record was read.
    """

    def __init__(self, path: Path, calling_list: CallingList, *, rejects: bool = True) -> None:
        """Prepare to read.

        Args:
            path: the file.
            calling_list: the list that the records belong to; its calling hours complete those of the records.
            rejects: write rejected lines to `FILE.rejects.csv` beside the file. An older one is replaced, or removed
                when no line is rejected.
        """
        self.counts = Counts()
        self.custom_columns: tuple[str, ...] = ()
        self._path = path
        self._list = calling_list
        self._rejects = _Rejects(path.with_name(path.name + ".rejects.csv")) if rejects else None
        self._numbers: set[str] = set()
        self._ids: set[int] = set()
        self._chain_counts: dict[int, int] = {}
        self._chain_places: set[tuple[int, int]] = set()

    def __iter__(self) -> Iterator[ListedRecord]:
        """Read the good records.

        Raises:
            ConfigError: the file cannot be read, its header is wrong, it is too long, or it has no good record.
        """
        try:
            with self._path.open("rb") as stream:
                yield from self._records(stream)
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror or error}") from error
        finally:
            if self._rejects is not None:
                self.counts.rejects_file = self._rejects.close()
        if not self.counts.loaded:
            first = f"; {self.counts.examples[0]}" if self.counts.examples else ""
            raise self._error(f"no record to dial in {self.counts.rows:,} lines{first}")

    def _records(self, stream: IO[bytes]) -> Iterator[ListedRecord]:
        lines = _lines(stream)
        columns, delimiter = self._header(lines)
        for number, line in lines:
            if line is not None and not line.strip(b" \t\r\n,;"):
                continue
            self.counts.rows += 1
            if self.counts.rows > ROWS_MAX:
                raise self._error(f"more than {ROWS_MAX:,} records; split the list")
            try:
                if line is None:
                    raise _Rejected("line too long", f"longer than {LINE_BYTES_MAX:,} bytes")
                yield self._record(_fields(line, delimiter, columns), self.counts.rows)
            except _Rejected as rejected:
                self._reject(number, rejected, line)

    # --- header -------------------------------------------------------------------------------------------------

    def _header(self, lines: Iterator[tuple[int, bytes | None]]) -> tuple[list[str], str]:
        """Columns by place, and the delimiter."""
        for number, line in lines:
            if line is None:
                raise self._error(f"line {number}: the header is longer than {LINE_BYTES_MAX:,} bytes")
            if line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise self._error("the file is UTF-16; save it as CSV UTF-8")
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if not line.strip(b" \t\r\n,;"):
                continue
            delimiter = ";" if line.count(b";") > line.count(b",") else ","
            try:
                names = _split(_decode(line), delimiter)
            except _Rejected as rejected:
                raise self._error(f"line {number}: the header: {rejected}") from rejected
            return self._columns(number, names), delimiter
        raise self._error("the file is empty")

    def _columns(self, line: int, names: list[str]) -> list[str]:
        columns: list[str] = []
        for place, name in enumerate(names, 1):
            known = name.strip().lower().replace(" ", "_").replace("-", "_")
            known = _SYNONYMS.get(known, known)
            if known in _REFUSED:
                raise self._error(f"line {line}: column {known}: {_REFUSED[known]}")
            column = known if known in _KNOWN else name.strip() or f"column {place}"
            if column in columns:
                raise self._error(f"line {line}: two columns are called {column}")
            columns.append(column)
        if len(columns) > COLUMNS_MAX:
            raise self._error(f"line {line}: {len(columns):,} columns; allowed: at most {COLUMNS_MAX}")
        if "phone" not in columns:
            near = next((f"; {hint}" for column in columns if (hint := suggest(column, ["phone"]))), "")
            raise self._error(f"line {line}: the header names no column phone (or contact_info){near}")
        self.custom_columns = tuple(column for column in columns if column not in _KNOWN)
        return columns

    # --- lines --------------------------------------------------------------------------------------------------

    def _record(self, fields: dict[str, str], place: int) -> ListedRecord:
        """Check one line and take in its numbers; nothing is taken in from a line that is rejected."""
        if fields.get("record_type", "").strip() == str(NO_CALL):
            raise _Rejected("no call", f"record type {NO_CALL} (No Call)")
        number = normalise_number(fields["phone"])
        if number is None:
            raise _Rejected("not a number", f'phone "{fields["phone"][:40]}" is not a number; allowed: {NUMBER}')
        if number in self._numbers:
            raise _Rejected("number twice", f"{number} is in the list already")
        window_zone = self._window(fields)
        own_id = _whole(fields, "record_id", 1, RECORD_IDS_PER_LIST)
        if own_id is None and "record_id" in fields:
            raise _Rejected("record_id missing", "record_id is empty, and the file has such a column")
        record_id = (self._list.dbid - 1) * RECORD_IDS_PER_LIST + (place if own_id is None else own_id)
        if record_id in self._ids:
            raise _Rejected("record_id twice", f"record_id {own_id} is in the list already")
        chain_id, chain_n = self._chain(fields)
        if "record_id" in fields:
            self._ids.add(record_id)
        self._numbers.add(number)
        self.counts.loaded += 1
        record = Record(record_id, self._list.dbid, number, chain_id, chain_n, *window_zone)
        custom = tuple((column, fields[column]) for column in self.custom_columns if fields.get(column))
        return ListedRecord(record, custom)

    def _window(self, fields: dict[str, str]) -> tuple[int | None, int | None, Zone | None]:
        start, end = _time(fields, "daily_from"), _time(fields, "daily_till")
        from_s = self._list.daily_from_s if start is None else start
        till_s = self._list.daily_till_s if end is None else end
        if (start is not None or end is not None) and from_s == till_s:
            raise _Rejected("empty window", "daily_from and daily_till are the same: it could never be dialed")
        name = fields.get("tz", "").strip()
        zone = load_zone(name) if name else None
        if name and zone is None:
            raise _Rejected("time zone", f'there is no time zone "{name[:40]}"; allowed: an IANA name')
        return start, end, zone

    def _chain(self, fields: dict[str, str]) -> tuple[int, int]:
        chain_id = _whole(fields, "chain_id", 0, CHAIN_ID_MAX) or 0
        chain_n = _whole(fields, "chain_n", 0, CHAIN_N_MAX)
        if not chain_id:
            self.counts.chains += 1
            return 0, 0
        if chain_n is None:
            chain_n = self._chain_counts.get(chain_id, 0)
        if (chain_id, chain_n) in self._chain_places:
            raise _Rejected("chain_n twice", f"chain {chain_id} has a record with chain_n {chain_n} already")
        if chain_id not in self._chain_counts:
            self.counts.chains += 1
        self._chain_places.add((chain_id, chain_n))
        self._chain_counts[chain_id] = max(chain_n + 1, self._chain_counts.get(chain_id, 0))
        return chain_id, chain_n

    def _reject(self, number: int, rejected: _Rejected, line: bytes | None) -> None:
        self.counts.reasons[rejected.kind] += 1
        if len(self.counts.examples) < EXAMPLES_MAX:
            self.counts.examples.append(f"line {number}: {rejected}")
        if self._rejects is not None:
            raw = "" if line is None else line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
            self._rejects.write(number, str(rejected), raw)

    def _error(self, wrong: str) -> ConfigError:
        return ConfigError([f"{self._path}: {wrong}"])


def read_records(path: Path, calling_list: CallingList, *, rejects: bool = True) -> tuple[list[Record], Counts]:
    """Read a whole list into memory.

    Args:
        path: the CSV file.
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


def chains_of(records: list[Record]) -> tuple[Chain, ...]:
    """Group records by customer: chains stand where their first record stands, each in ascending order."""
    grouped: dict[tuple[int, int], list[Record]] = {}
    for place, record in enumerate(records):
        grouped.setdefault((record.chain_id, 0) if record.chain_id else (0, place), []).append(record)
    return tuple(Chain(tuple(sorted(chain, key=lambda record: record.chain_n))) for chain in grouped.values())


# --- text --------------------------------------------------------------------------------------------------------


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
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


def _decode(line: bytes) -> str:
    try:
        text = line.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Rejected("not UTF-8", f"byte {line[error.start]:#04x} is not UTF-8") from error
    if not text.isprintable() and any(ord(c) < 32 and c != "\t" for c in text):
        raise _Rejected("control character", "holds a control character")
    return text


def _split(text: str, delimiter: str) -> list[str]:
    if '"' not in text:
        return text.split(delimiter)
    try:
        [fields] = csv.reader([text], delimiter=delimiter, strict=True)
    except (csv.Error, ValueError) as error:
        raise _Rejected("quotes", f"quotes do not match: {error}") from error
    return fields


def _fields(line: bytes, delimiter: str, columns: list[str]) -> dict[str, str]:
    fields = _split(_decode(line), delimiter)
    if len(fields) != len(columns):
        raise _Rejected("columns", f"{len(fields)} fields, but the header names {len(columns)}")
    if max(map(len, fields)) > FIELD_CHARACTERS_MAX:
        raise _Rejected("field too long", f"a field is longer than {FIELD_CHARACTERS_MAX:,} characters")
    return dict(zip(columns, fields, strict=True))


def _whole(fields: dict[str, str], column: str, low: int, high: int) -> int | None:
    text = fields.get(column, "").strip()
    if not text:
        return None
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    if not low <= value <= high:
        raise _Rejected(column, f'{column} "{text[:40]}": allowed: a whole number {low:,} … {high:,}')
    return value


def _time(fields: dict[str, str], column: str) -> int | None:
    text = fields.get(column, "").strip()
    if not text:
        return None
    seconds = parse_time_of_day(text)
    if seconds is None:
        raise _Rejected(column, f'{column} "{text[:40]}": allowed: "HH:MM" or seconds since midnight 0 … {DAY_S:,}')
    return seconds


class _Rejects:
    """The file of rejected lines, made when there is a first one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: TextIO | None = None
        self._broken = False

    def write(self, number: int, reason: str, raw: str) -> None:
        """Add a line. A file that cannot be written is given up; the lines are still counted."""
        if self._broken:
            return
        try:
            if self._stream is None:
                self._stream = self._path.open("w", encoding="utf-8", newline="")
                csv.writer(self._stream).writerow(["line", "reason", "raw"])
            csv.writer(self._stream).writerow([number, reason, raw])
        except OSError:
            self._broken = True

    def close(self) -> Path | None:
        """Finish; an old file is removed when there was nothing to write."""
        if self._stream is not None:
            try:
                self._stream.close()
            except OSError:
                self._broken = True
            return None if self._broken else self._path
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)
        return None
