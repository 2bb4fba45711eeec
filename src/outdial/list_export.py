"""`outdial list export`: every record of a calling list as CSV, a page at a time.

The list is read twice: first for the names of its own columns, then for its records. What is added in between is not
in the file.
"""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

from outdial.config import load
from outdial.configured_store import in_store, list_named
from outdial.core.units import ListId
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
    list_id, names = list_named(loaded, list_name).dbid, Names(loaded.configuration)

    async def work(store: Store) -> None:
        custom: dict[str, str] = {}
        last = 0
        async for page in _pages(store, list_id):
            last = page[-1].fate.record_id
            for record in page:
                for column in record.custom:
                    if column not in custom:
                        custom[column] = f"file_{column}" if column in COLUMNS else column
        with CsvFile(out, (*COLUMNS, *custom.values()), stream=sys.stdout if out is None else None) as file:
            async for page in _pages(store, list_id):
                for record in page:
                    if record.fate.record_id <= last:
                        own = (record.custom.get(column) for column in custom)
                        file.add((*record_row(record.fate, names), _due(record), *_consent(record), *own))

    in_store(loaded, work)


def _due(record: StoredRecord) -> str | None:
    """When a record is due; 0 is "at once", which is not an instant."""
    return None if record.due_utc_ms is None else utc_text(record.due_utc_ms) or "now"


def _consent(record: StoredRecord) -> tuple[str, str | None]:
    return record.consent, None if record.consent_utc_ms is None else utc_text(record.consent_utc_ms)


async def _pages(store: Store, list_id: ListId) -> AsyncIterator[tuple[StoredRecord, ...]]:
    after = 0
    while page := await store.records(list_id, after, PAGE):
        yield page
        after = page[-1].fate.record_id
