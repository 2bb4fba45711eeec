"""Queries of reports in SQLite, and samples for them. Rows come as they come; one SELECT sees one moment."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence

from outdial.store.read_limit import ReadTooLong
from outdial.store.rows import Row
from outdial.store.sample_rows import DELETED_AT_ONCE, PORT_SAMPLE_COLUMNS, port_sample_values
from outdial.store.stored import PortSample

ROWS = 2_000
"""Rows that are handed over at once. Unit: rows."""
STEPS = 10_000
"""Steps of SQLite's machine after which a limited query is asked for the time: a fraction of a millisecond."""

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


class Limit:
    """How long a query may keep the connection, over all of its parts."""

    def __init__(self, seconds: float | None) -> None:
        """None: it is not limited."""
        self._limit_s = seconds
        self._spent_s = 0.0

    @contextlib.contextmanager
    def within(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Do a part of the query.

        Raises:
            ReadTooLong: time was up.
        """
        if self._limit_s is None:
            yield
            return
        began_s = time.monotonic()
        until_s = began_s + self._limit_s - self._spent_s
        connection.set_progress_handler(lambda: time.monotonic() > until_s, STEPS)
        try:
            yield
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
                raise ReadTooLong(self._limit_s) from error
            raise
        finally:
            connection.set_progress_handler(None, 0)
            self._spent_s += time.monotonic() - began_s


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
