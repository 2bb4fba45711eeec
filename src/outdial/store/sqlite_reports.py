"""Queries of reports in SQLite: rows as they come. One SELECT sees what there was at one moment."""

import sqlite3

from outdial.store.rows import Row

ROWS = 2_000
"""Rows that are handed over at once. Unit: rows."""


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
