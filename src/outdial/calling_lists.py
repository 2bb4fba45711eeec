"""Calling lists as CSV or Parquet files: strict, streaming, and honest about what was left out.

The first line of a CSV file names the columns, in any order and case, separated by `,` or `;`:

| column | meaning |
|---|---|
| `phone`, `phone_number` or the vendor's `contact_info` | the number; needed |
| `phone_code` | only beside `phone_number`: the country's calling code, put before numbers without a + |
| `record_id` | number of the record in this list, 1 … 100,000,000; without the column they are counted |
| `chain_id` | records with one chain id are one customer; empty or 0: the record is alone |
| `chain_n` | place in the chain, ascending; otherwise by order in the file |
| `daily_from`, `daily_till` | calling hours of the record: "HH:MM" or seconds since midnight |
| `tz` or `time_zone` | IANA time zone of the record; without one: that of the list (`zone-by-number`, `time-zone`) |
| `consent`, `consent_utc` | on what ground the person may be called, and the day or instant (UTC) since when |
| `record_type` | the vendor's; 7 (No Call) keeps the record from being dialed |
| any other | kept beside the record, untouched |

One line is one record: a quoted field may hold the separator and doubled quotes, but no line break, so that one stray
quote cannot swallow the rest of a file. A line that is wrong is left out and written with its reason to
`FILE.rejects.csv`; the rest is loaded. A file without a single good record is an error.

A file that is called `….parquet` is a Parquet file with the same columns (the extra `parquet`). Its columns are texts,
whole numbers, dates or times of day; a value that is missing is an empty field; rows count as lines, from 1.

The column that the calling list's `customer-id` names has the customer's id, by which do-not-call lists of the database
may know the customer (`customer:ID`); it is kept like any other.

A calling list with `default-region` reads numbers without a + as national numbers of that region: 030 123456 in DE is
+4930123456, 0044 … is +44 …. Numbers are taken that are possible there (of a length that its numbers have); whether a
prefix is in use is not asked. Numbers with a + stay as they are. Without the option nothing is read into numbers.

Lead files for VICIdial can be taken as they are: `phone_code` and `phone_number` make the number, which is dialed as
VICIdial would (+1 and 5550100 are +15550100); `vendor_lead_code`, `first_name`, `gmt_offset_now` and the others are
kept. Columns with other names are given ours with `outdial list import --map`.

A further file can be read into a list with `outdial list import`: what has the number, the `record_id` or the place in
a chain of a record that the list has already is left out.

Record numbers are unique over all lists: the list's DBID decides the block of 100,000,000 that its records are in.

Ours: everything here but the column names, which are the vendor's where it has one.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from outdial.config.mistakes import suggest
from outdial.config.national_numbers import NationalNumbers, national_numbers
from outdial.config.numbers import NUMBER, normalise_number
from outdial.config.zones import load_zone
from outdial.consent_columns import CONSENT, consent_in
from outdial.core.records import Chain, Record
from outdial.core.settings import CallingList, Zone
from outdial.csv_lines import Rejected, WrongFile, time_in, whole_in
from outdial.present_records import Present

COLUMNS_MAX = 200
RECORD_IDS_PER_LIST = 100_000_000
"""Block of record numbers that belongs to one list."""
CHAIN_ID_MAX = 2**53 - 1
CHAIN_N_MAX = 1_000_000
CODE_DIGITS_MAX = 4
"""Longest calling code of a country or a part of one (+1 684). Unit: digits."""
NO_CALL = 7
"""Record type of a record that must not be dialed. Source: OCS record types."""

_SYNONYMS = {"contact_info": "phone", "phone_number": "phone", "time_zone": "tz"}
_KNOWN = ("phone", "record_id", "chain_id", "chain_n", "daily_from", "daily_till", "tz", "record_type", *CONSENT)
_REFUSED = {"tz_dbid": "numbers of time zones mean nothing here; name them in a column tz"}


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """One good line of a calling list."""

    record: Record
    custom: tuple[tuple[str, str], ...]
    """Fields of columns that mean nothing to the dialer. Shape: ((column, text), …)."""
    customer_id: str | None = None
    """What do-not-call lists may have instead of the number."""


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


class RecordReader:
    """Makes records of rows, whatever file they come from.

    Attributes:
        counts: what became of the rows so far; whoever has rejected one counts it here.
        custom_columns: names of the columns that mean nothing to the dialer; known once the columns are.
    """

    def __init__(self, calling_list: CallingList, columns: Mapping[str, str] | None = None) -> None:
        """Prepare to read.

        Args:
            calling_list: the list that the records belong to; its calling hours complete those of the records.
            columns: what columns of the file are called here. Shape: {column in the file: our name}.
        """
        self.counts = Counts()
        self.custom_columns: tuple[str, ...] = ()
        self._list = calling_list
        self._national: NationalNumbers | None = None
        if calling_list.default_region:
            self._national = national_numbers(calling_list.default_region)
        self._names = {_key(column): ours for column, ours in (columns or {}).items()}
        self._code_column: str | None = None
        self._customer_column: str | None = None
        self._has_windows = self._has_consent = self._has_chains = False
        """The file has columns of these."""
        self._present = Present()
        self._id_before = (calling_list.dbid - 1) * RECORD_IDS_PER_LIST
        """What a record's place in the file is added to."""

    def go_on(self, present: Present, rows_done: int) -> None:
        """Before reading: say what the list has, and how many rows of this file have been read before.

        Args:
            present: what the list has; it is taken over.
            rows_done: rows that are passed over.
        """
        self._present = present
        self._id_before = max(self._id_before, present.record_id_max - rows_done)

    # --- columns ------------------------------------------------------------------------------------------------

    def name_columns(self, names: list[str]) -> list[str]:
        """Our names of the columns of a file, by place.

        Raises:
            WrongFile: with these columns it is no calling list.
        """
        columns: list[str] = []
        mapped = dict(self._names)
        written: dict[str, str] = {}
        for place, name in enumerate(names, 1):
            name = mapped.pop(_key(name), name)
            if any(ord(c) < 32 for c in name):  # as in fields; of a Parquet file it may, and of a mapping
                raise WrongFile(f"the name of column {place} holds a control character")
            known = _SYNONYMS.get(_key(name), _key(name))
            if known in _REFUSED:
                raise WrongFile(f"column {known}: {_REFUSED[known]}")
            column = known if known in _KNOWN else name.strip() or f"column {place}"
            if column in columns:
                raise WrongFile(f"two columns are called {column}")
            columns.append(column)
            written[_key(name)] = column
        if mapped:
            raise WrongFile(f"the header names no column {', '.join(mapped)}, which is mapped")
        if len(columns) > COLUMNS_MAX:
            raise WrongFile(f"{len(columns):,} columns; allowed: at most {COLUMNS_MAX}")
        if "phone" not in columns:
            near = next((f"; {hint}" for column in columns if (hint := suggest(column, ["phone"]))), "")
            raise WrongFile(f"the header names no column phone (or contact_info){near}")
        self._code_column = written.get("phone_code") if "phone_number" in written else None
        wanted = self._list.customer_id
        self._customer_column = written.get(_key(wanted)) if wanted else None
        if wanted and self._customer_column is None:
            raise WrongFile(f"the header names no column {wanted}, which is the list's customer-id")
        self._has_windows = not {"daily_from", "daily_till", "tz"}.isdisjoint(columns)
        self._has_consent = not set(CONSENT).isdisjoint(columns)
        self._has_chains = not {"chain_id", "chain_n"}.isdisjoint(columns)
        used = (*_KNOWN, self._code_column)
        self.custom_columns = tuple(column for column in columns if column not in used)
        return columns

    # --- rows ---------------------------------------------------------------------------------------------------

    def read(self, fields: Mapping[str, str], place: int) -> ListedRecord:
        """Check one row and take in its numbers; nothing is taken in from a row that is rejected.

        Args:
            fields: by our names of the columns, all of them.
            place: which row of the file this is, from 1.

        Raises:
            Rejected: it is no record.
        """
        if fields.get("record_type", "").strip() == str(NO_CALL):
            raise Rejected("no call", f"record type {NO_CALL} (No Call)")
        number = self._number(fields)
        window_zone = self._window(fields) if self._has_windows else (None, None, None)
        consent = consent_in(fields) if self._has_consent else ("", None)
        own_id = whole_in(fields, "record_id", 1, RECORD_IDS_PER_LIST)
        if own_id is None and "record_id" in fields:
            raise Rejected("record_id missing", "record_id is empty, and the file has such a column")
        block = (self._list.dbid - 1) * RECORD_IDS_PER_LIST
        record_id = self._id_before + place if own_id is None else block + own_id
        if self._present.has_id(record_id):
            raise Rejected("record_id twice", f"record_id {own_id} is in the list already")
        if record_id > block + RECORD_IDS_PER_LIST:
            raise Rejected("no record_id left", "record numbers of the list are used up; give the file a record_id")
        chain_id, chain_n, is_new = self._chain(fields) if self._has_chains else (0, 0, True)
        if not self._present.add_number(number):
            raise Rejected("number twice", f"{number} is in the list already")
        if own_id is not None:
            self._present.add_id(record_id)
        if chain_id:
            self._present.add_place(chain_id, chain_n)
        self.counts.chains += is_new
        self.counts.loaded += 1
        record = Record(record_id, self._list.dbid, number, chain_id, chain_n, *window_zone)
        if consent[0]:
            record = replace(record, consent=consent[0], consent_utc_ms=consent[1])
        custom = tuple([(column, fields[column]) for column in self.custom_columns if fields[column]])
        customer_id = fields[self._customer_column].strip() or None if self._customer_column is not None else None
        return ListedRecord(record, custom, customer_id)

    def _number(self, fields: Mapping[str, str]) -> str:
        number = normalise_number(fields["phone"] if self._code_column is None else self._with_code(fields))
        if number is None:
            raise Rejected("not a number", f'phone "{fields["phone"][:40]}" is not a number; allowed: {NUMBER}')
        if self._national is None or number.startswith("+"):
            return number
        international = self._national.international(number)
        if international is None:
            where = self._list.default_region
            raise Rejected("no number there", f'phone "{fields["phone"][:40]}" is no possible number in {where}')
        return international

    def _with_code(self, fields: Mapping[str, str]) -> str:
        """The number behind its country's calling code."""
        text, code = fields["phone"].strip(), fields[self._code_column or ""].strip().removeprefix("+")
        if not text or not code or text.startswith("+"):
            return text
        if not (code.isascii() and code.isdigit() and len(code) <= CODE_DIGITS_MAX and code[0] != "0"):
            raise Rejected("phone_code", f'phone_code "{code[:40]}" is not the calling code of a country, such as 44')
        return f"+{code}{text}"

    def _window(self, fields: Mapping[str, str]) -> tuple[int | None, int | None, Zone | None]:
        start, end = time_in(fields, "daily_from"), time_in(fields, "daily_till")
        from_s = self._list.daily_from_s if start is None else start
        till_s = self._list.daily_till_s if end is None else end
        if (start is not None or end is not None) and from_s == till_s:
            raise Rejected("empty window", "daily_from and daily_till are the same: it could never be dialed")
        name = fields.get("tz", "").strip()
        zone = load_zone(name) if name else None
        if name and zone is None:
            raise Rejected("time zone", f'there is no time zone "{name[:40]}"; allowed: an IANA name')
        return start, end, zone

    def _chain(self, fields: Mapping[str, str]) -> tuple[int, int, bool]:
        """The chain, the place in it, and whether this is its first record."""
        chain_id = whole_in(fields, "chain_id", 0, CHAIN_ID_MAX) or 0
        chain_n = whole_in(fields, "chain_n", 0, CHAIN_N_MAX)
        if not chain_id:
            return 0, 0, True
        behind = self._present.next_place(chain_id)
        if chain_n is None:
            chain_n = behind
        elif chain_n < behind and self._present.has_place(chain_id, chain_n):
            raise Rejected("chain_n twice", f"chain {chain_id} has a record with chain_n {chain_n} already")
        return chain_id, chain_n, not behind


def check_columns(columns: Mapping[str, str]) -> list[str]:
    """What is wrong with names given to columns of a file. One of ours, or anything that is not nearly one.

    Args:
        columns: shape: {column in the file: our name}.
    """
    ours = (*_KNOWN, *_SYNONYMS, "phone_code")
    hints = {name: suggest(_key(name), ours) for name in columns.values() if _key(name) not in ours}
    return [f'there is no column "{name}" here; {hint}' for name, hint in hints.items() if hint]


def chains_of(records: list[Record]) -> tuple[Chain, ...]:
    """Group records by customer: chains stand where their first record stands, each in ascending order."""
    grouped: dict[tuple[int, int], list[Record]] = {}
    for place, record in enumerate(records):
        grouped.setdefault((record.chain_id, 0) if record.chain_id else (0, place), []).append(record)
    return tuple(Chain(tuple(sorted(chain, key=lambda record: record.chain_n))) for chain in grouped.values())


def _key(column: str) -> str:
    """A column's name as it is compared: `Phone Number` is `phone_number`."""
    return column.strip().lower().replace(" ", "_").replace("-", "_")
