"""`outdial list export`: every record of a calling list as CSV, a page at a time.

The list is read twice: first for the names of its own columns, then for its records. What is added in between is not
in the file.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from outdial.config import load
from outdial.configured_store import in_store, list_named
from outdial.core.units import ListId, RecordId
from outdial.names import Names
from outdial.results_files import RECORD_COLUMNS, CsvFile, record_row, utc_text
from outdial.store.interface import Store
from outdial.store.stored import StoredRecord

PAGE = 5_000
"""Records that are in memory at once. Unit: records."""
COLUMNS = (*RECORD_COLUMNS, "due_utc", "consent", "consent_utc")


def run_export(config: Path, list_name: str, out: Path | None) -> None:
    """Write the records of a list.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        ResultsError: the file cannot be written.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    calling_list = list_named(loaded, list_name)

    async def work(store: Store) -> None:
        export = await export_of(store, calling_list.dbid, Names(loaded.configuration))
        with CsvFile(out, export.columns, stream=sys.stdout if out is None else None) as file:
            async for rows in export.pages(store):
                for row in rows:
                    file.add(row)

    in_store(loaded, work)


@dataclass(frozen=True, slots=True)
class Export:
    """A list that is to be written."""

    list_id: ListId
    names: Names
    last: RecordId
    """The last of its records."""
    custom: Mapping[str, str]
    """Its own columns. Shape: {name in its files: name in the export}."""
    page: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The header."""
        return (*COLUMNS, *self.custom.values())

    async def pages(self, store: Store) -> AsyncIterator[list[tuple[object, ...]]]:
        """Rows, a page of records at a time."""
        async for page in _pages(store, self.list_id, self.page):
            yield await asyncio.to_thread(self._rows, page)

    def _rows(self, page: Sequence[StoredRecord]) -> list[tuple[object, ...]]:
        return [
            (
                *record_row(record.fate, self.names),
                _due(record),
                *_consent(record),
                *(record.custom.get(column) for column in self.custom),
            )
            for record in page
            if record.fate.record_id <= self.last
        ]


async def export_of(store: Store, list_id: ListId, names: Names, page: int = PAGE) -> Export:
    """Look through a list for its own columns.

    Args:
        store: an open store.
        list_id: the list.
        names: of what the configuration has.
        page: records that are in memory at once.
    """
    custom: dict[str, str] = {}
    last = 0
    async for records in _pages(store, list_id, page):
        last = records[-1].fate.record_id
        for column in await asyncio.to_thread(_own_columns, records):
            if column not in custom:
                custom[column] = f"file_{column}" if column in COLUMNS else column
    return Export(list_id, names, last, custom, page)


def _own_columns(page: Sequence[StoredRecord]) -> dict[str, None]:
    return dict.fromkeys(column for record in page for column in record.custom)


def _due(record: StoredRecord) -> str | None:
    """When a record is due; 0 is "at once", which is not an instant."""
    return None if record.due_utc_ms is None else utc_text(record.due_utc_ms) or "now"


def _consent(record: StoredRecord) -> tuple[str, str | None]:
    return record.consent, None if record.consent_utc_ms is None else utc_text(record.consent_utc_ms)


async def _pages(store: Store, list_id: ListId, count: int) -> AsyncIterator[tuple[StoredRecord, ...]]:
    after = 0
    while page := await store.records(list_id, after, count):
        yield page
        after = page[-1].fate.record_id
