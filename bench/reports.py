"""How long do reports take: a month with a million attempts, 200 agents, and a sample of ports a minute.

    python -m bench.reports                       a million attempts in SQLite
    python -m bench.reports --attempts 10000000   ten million
    python -m bench.reports --postgres            the wheel's PostgreSQL instead

The tables are filled directly. PostgreSQL has its own default settings and has analysed the tables, as it does by
itself after a while.
"""

import argparse
import asyncio
import json
import random
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg

from outdial.config import loads
from outdial.config.zones import load_zone
from outdial.core.results import CallResult
from outdial.core.units import DAY_MS, MINUTE_MS
from outdial.lab.postgres import make_postgres, wheel_installation
from outdial.names import Names
from outdial.reports.columns import Value
from outdial.reports.local_time import LocalTime
from outdial.reports.period import Period
from outdial.reports.query import Query
from outdial.reports.report import KINDS, write_report
from outdial.store.agent_rows import AGENT_STATE_COLUMNS
from outdial.store.interface import Store
from outdial.store.postgres import PostgresStore
from outdial.store.sample_rows import PORT_SAMPLE_COLUMNS
from outdial.store.sqlite import SqliteStore

SLOW = True
FROM_MS = 1_793_491_200_000
"""2026-11-01, a Sunday."""
DAYS, GROUPS, LISTS, AGENTS = 30, 10, 5, 200
ASKED = (
    ("attempts", ("group",)),
    ("attempts", ("group", "hour")),
    ("attempts", ("group", "hour", "result", "fault", "sip-status", "q850-cause")),
    ("waits", ("group", "day")),
    ("lists", ("list", "status")),
    ("agents", ("agent",)),
    ("agents", ("agent", "hour")),
    ("ports", ("pool", "group", "hour")),
)
ATTEMPT_COLUMNS = (
    *("epoch", "call_id", "group_id", "node_id", "list_id", "record_id", "number", "attempt_n", "mode", "call_result"),
    *("fault", "verdict", "sip_status", "q850_cause", "agent_id", "dialed_utc_ms", "ring_ms", "wait_ms", "talk_ms"),
    *("disposition", "not_before_utc_ms"),
)
_CONFIGURATION = """
[ocs]
connections = ["north"]
sip-cluster-prime-node = 1
[[switch]]
dbid = 1
name = "main"
channel_num = 60
[[sip-server]]
dbid = 1
name = "north"
driver = "sim"
switch = "main"
"""


def attempts(count: int) -> Iterator[tuple[object, ...]]:
    """Calls, spread over the month, in the order of `ATTEMPT_COLUMNS`."""
    dice = random.Random(1)
    results = [CallResult.ANSWER] * 24 + [CallResult.ABANDONED, CallResult.ANSWERING_MACHINE] + [CallResult.BUSY] * 14
    results += [CallResult.NO_ANSWER] * 60
    for n in range(1, count + 1):
        result = dice.choice(results)
        talked = result is CallResult.ANSWER
        wait_ms = dice.randrange(3_000) if talked else 0
        yield (
            *(1, n, 1 + n % GROUPS, 1, 1 + n % LISTS, 1 + n // 3, "4930000000", 1, "predictive", int(result), "callee"),
            *("person" if talked else None, 486 if result is CallResult.BUSY else None, 16),
            *(1 + dice.randrange(AGENTS) if talked else None, FROM_MS + n * (DAYS * DAY_MS // (count + 1))),
            *(dice.randrange(20_000), wait_ms, dice.randrange(120_000) if talked else 0, "done", 0),
        )


def states(count: int) -> Iterator[tuple[object, ...]]:
    """What agents did, one after the other without a pause, in the order of `AGENT_STATE_COLUMNS`."""
    length_ms = DAYS * DAY_MS * AGENTS // count
    names = ("ready", "reserved", "talking", "after-call work")
    for n in range(count):
        agent, place = n % AGENTS, n // AGENTS
        since = FROM_MS + place * length_ms
        yield 1, n + 1, 1 + agent, names[place % 4], None, 1 if place % 4 else None, since, since + length_ms


def samples() -> Iterator[tuple[object, ...]]:
    """A sample a minute of each group and the pool, in the order of `PORT_SAMPLE_COLUMNS`."""
    dice = random.Random(2)
    for minute in range(DAYS * 24 * 60):
        for group in range(GROUPS + 1):
            used = dice.randrange(50)
            yield (
                *(1, FROM_MS + minute * MINUTE_MS, 1, 1, group, 59_000, 60, used * 60, used + 5, 0, 50, 0, 0, 1_000),
                *(3, None),
            )


def records(count: int) -> Iterator[tuple[object, ...]]:
    """The records that were called."""
    for n in range(1, 2 + count // 3):
        yield n, 1 + n % LISTS, "4930000000", 3 if n % 4 else 1, 33, n % 5


RECORD_COLUMNS = ("record_id", "list_id", "number", "status", "call_result", "attempts")


def tables(count: int) -> list[tuple[str, Sequence[str], Iterator[tuple[object, ...]]]]:
    """Everything there is."""
    return [
        ("records", RECORD_COLUMNS, records(count)),
        ("attempts", ATTEMPT_COLUMNS, attempts(count)),
        ("agent_states", AGENT_STATE_COLUMNS, states(count)),
        ("port_samples", PORT_SAMPLE_COLUMNS, samples()),
    ]


def fill_sqlite(path: Path, count: int) -> None:
    """Fill a file that has the tables."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for table, columns, rows in tables(count):
        marks = ", ".join("?" for _ in columns)
        connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


async def fill_postgres(url: str, password: str, count: int) -> None:
    """Fill a database that has the tables."""
    connection = await asyncpg.connect(url, password=password)
    for table, columns, rows in tables(count):
        await connection.copy_records_to_table(table, records=rows, columns=columns)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


class Counting:
    """Counts the rows of a report."""

    def __init__(self) -> None:
        """None so far."""
        self.rows = 0

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """One more."""
        self.rows += 1

    def totals(self, values: Sequence[Value]) -> None:
        """Not counted."""


def query_of(kind: str, by: Sequence[str]) -> Query:
    """A report of the month."""
    zone, configuration = load_zone("Europe/Berlin"), loads(_CONFIGURATION).configuration
    assert zone is not None
    dimensions = [one for name in by for one in KINDS[kind].dimensions if one.name == name]
    period = Period(FROM_MS, FROM_MS + DAYS * DAY_MS)
    return Query(KINDS[kind], period, LocalTime(zone), configuration, Names(configuration), tuple(dimensions))


async def ask(store: Store) -> dict[str, float]:
    """Ask for every report, and print how long it took."""
    took_s: dict[str, float] = {}
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    for kind, by in ASKED:
        counting, started = Counting(), time.perf_counter()
        await write_report(store, query_of(kind, by), counting)
        name = f"{kind} by {','.join(by)}"
        took_s[name] = time.perf_counter() - started
        print(f"{name:<70} {counting.rows:>8,} rows {took_s[name]:>7.2f} s")
    after_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"memory of this process at most: {after_mib:,.0f} MiB, {before_mib:,.0f} before")
    return took_s


async def on_sqlite(folder: Path, count: int) -> dict[str, float]:
    """Everything, on one new file."""
    store = SqliteStore(folder / "bench.sqlite")
    await store.look()
    await store.close()
    fill_sqlite(store.path, count)
    print(f"{count:,} attempts in SQLite {sqlite3.sqlite_version}, {store.path.stat().st_size / 2**20:,.0f} MiB")
    await store.look()
    try:
        return await ask(store)
    finally:
        await store.close()


async def on_postgres(url: str, password: str, count: int) -> dict[str, float]:
    """Everything, on one new server."""
    store = PostgresStore(url, password)
    await store.look()
    await fill_postgres(url, password, count)
    print(f"{count:,} attempts in PostgreSQL")
    try:
        return await ask(store)
    finally:
        await store.close()


def run(attempts: int = 1_000_000, *, postgres: bool = False, folder: Path | None = None) -> dict[str, float]:
    """Measure, print a table, return it. Unit: seconds."""
    if not postgres:
        with tempfile.TemporaryDirectory(prefix="outdial-bench-", dir=folder) as made:
            return asyncio.run(on_sqlite(Path(made), attempts))
    with make_postgres(wheel_installation(), durable=False, parent=folder) as server:
        server.start()
        return asyncio.run(on_postgres(server.url(), server.password, attempts))


def main(arguments: Sequence[str]) -> int:
    """Read the command line, measure, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--attempts", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--postgres", action="store_true", help="a real PostgreSQL instead of SQLite")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="on the disk that is to be measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    options = parser.parse_args(arguments)
    figures = run(options.attempts, postgres=options.postgres, folder=options.folder)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
