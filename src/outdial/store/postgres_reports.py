"""Queries of reports in PostgreSQL, rows as they come, in a transaction that reads only; and samples for reports."""

from collections.abc import Callable, Sequence

from outdial.store import postgres_statements as sql
from outdial.store.interface import StoreUnavailable
from outdial.store.postgres_link import Connection
from outdial.store.rows import Row
from outdial.store.sample_rows import DELETED_AT_ONCE, port_sample_values
from outdial.store.stored import PortSample

ROWS = 2_000
"""Rows that are handed over at once. Unit: rows."""
_BEGIN = (
    "SET TRANSACTION READ ONLY",
    # a report reads much of a table, so the planner may do what `begin` keeps it from, and all rows are wanted
    *(
        f"SET LOCAL {name} = on"
        for name in ("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin")
    ),
    "SET LOCAL cursor_tuple_fraction = 1",
)


async def add_samples(connection: Connection, epoch: int, samples: Sequence[PortSample], before_utc_ms: int) -> None:
    """Add samples and delete some old ones, inside a transaction of the caller's."""
    if samples:
        rows = [port_sample_values(epoch, sample) for sample in samples]
        await connection.execute(sql.ADD_PORT_SAMPLES, *sql.transposed(rows))
    await connection.execute(sql.DELETE_PORT_SAMPLES, before_utc_ms, DELETED_AT_ONCE)


class Reading:
    """One query; `work` is given to `Link.transaction`."""

    def __init__(self, statement: str, take: Callable[[Sequence[Row]], None]) -> None:
        """Nothing has been asked yet."""
        self._statement = statement
        self._take = take
        self._has_given = False

    async def work(self, connection: Connection) -> None:
        """Ask and hand over.

        Raises:
            StoreUnavailable: it was interrupted when rows had been handed over, which cannot be taken back.
        """
        if self._has_given:
            raise StoreUnavailable("the query was interrupted in its middle")
        for setting in _BEGIN:
            await connection.execute(setting)
        await connection.execute(f"DECLARE report NO SCROLL CURSOR FOR {self._statement}")
        fetch = await connection.prepare(f"FETCH {ROWS} FROM report")  # anew: each report has columns of its own
        while rows := await fetch.fetch():
            self._has_given = True
            self._take(rows)
