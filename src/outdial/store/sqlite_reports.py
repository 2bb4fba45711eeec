"""Queries of reports in SQLite, and samples for them. Rows come as they come; one SELECT sees one moment."""

import sqlite3
from collections.abc import Sequence

from outdial.store.rows import Row
from outdial.store.sample_rows import DELETED_AT_ONCE, PORT_SAMPLE_COLUMNS, port_sample_values
from outdial.store.stored import PortSample

ROWS = 2_000
"""Rows that are handed over at once. Unit: rows."""

_ADD_SAMPLE = (
    f"INSERT INTO port_samples ({', '.join(PORT_SAMPLE_COLUMNS)}) "
    f"VALUES ({', '.join('?' for _ in PORT_SAMPLE_COLUMNS)}) ON CONFLICT DO NOTHING"
)
_DELETE_SAMPLES = """
DELETE FROM port_samples WHERE (epoch, utc_ms, pool_kind, pool_id, group_id) IN (
    SELECT epoch, utc_ms, pool_kind, pool_id, group_id FROM port_samples WHERE utc_ms < ? ORDER BY utc_ms LIMIT ?)
"""


def add_samples(connection: sqlite3.Connection, epoch: int, samples: Sequence[PortSample], before_utc_ms: int) -> None:
    """Add samples and delete some old ones, inside a transaction that the caller has begun."""
    connection.executemany(_ADD_SAMPLE, [port_sample_values(epoch, sample) for sample in samples])
    connection.execute(_DELETE_SAMPLES, (before_utc_ms, DELETED_AT_ONCE))


def begin(connection: sqlite3.Connection, statement: str) -> sqlite3.Cursor:
    """Begin a query."""
    connection.create_collation("C", _by_bytes)  # what PostgreSQL calls the order of bytes
    return connection.execute(statement)


def some(cursor: sqlite3.Cursor) -> list[Row]:
    """The next rows; empty: there are no more."""
    rows: list[Row] = cursor.fetchmany(ROWS)
    return rows


def _by_bytes(one: str, other: str) -> int:
    first, second = one.encode(), other.encode()
    return (first > second) - (first < second)
