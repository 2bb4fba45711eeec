"""How fast is a store: claims of 500 chains out of a full table, and attempts written down, one by one and in batches.

    python -m bench.store                         a million records in SQLite
    python -m bench.store --records 10000000      ten million
    python -m bench.store --normal                commits that a power cut may undo (PRAGMA synchronous = NORMAL)
    python -m bench.store --postgres              PostgreSQL instead; see bench/store_postgres.py
    python -m bench.store --all                   both, with imports and the memory of a server; bench/store_commands.py

The tables are filled directly; a do-not-call list has as many entries as there are records. A fifth of the records have
come back and wait for later, as on an afternoon: claims have to get past them. An attempt is two changes: its
beginning, in one transaction, and its settlement, in a later one.
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

from outdial.core.commands import Disposition, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.records import Chain
from outdial.core.results import CallResult, Fault
from outdial.core.settings import TreatmentAction
from outdial.store.claims import ClaimRequest
from outdial.store.interface import AttemptBegun, Store
from outdial.store.sqlite import SqliteStore

SLOW = True
LISTS = 4
CHAINS_MAX = 500
CLAIMS = 200
BATCHES = ((1, 3_000), (20, 20_000), (100, 40_000), (1_000, 40_000))
"""(changes in a transaction, attempts measured)."""
NOW_MS = 1_800_000_000_000
ON_A_LIST = (
    "INSERT INTO do_not_call (seq, number, list_name, reason, added_by, added_utc_ms, seen_utc_ms) "
    "VALUES ({}, {}, 'national', '', 'bench', {}, {})"
)
WAITING = 5
"""One record in so many waits for later."""


def rows(records: int) -> Iterator[tuple[int, int, str, int, int]]:
    """Records for the table: their lists one after the other."""
    for record_id in range(1, records + 1):
        waits = not record_id % WAITING
        list_id = 1 + record_id * LISTS // (records + 1)
        yield record_id, list_id, str(10**10 + record_id), int(waits), NOW_MS + record_id * 1_000 if waits else 0


def not_called(records: int) -> Iterator[tuple[int, str, int, int]]:
    """As many entries of a do-not-call list; one record in a thousand is on it."""
    for seq in range(1, records + 1):
        number = 10**10 + seq if not seq % 1_000 else 2 * 10**10 + seq * 7_919 % 10**9
        yield seq, str(number), NOW_MS, NOW_MS


def fill(path: Path, records: int) -> float:
    """Put records into a new database. Returns how long it took, in seconds."""
    started = time.perf_counter()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO records (record_id, list_id, number, priority, due_utc_ms) VALUES (?, ?, ?, ?, ?)", rows(records)
    )
    connection.executemany(ON_A_LIST.format("?", "?", "?", "?"), not_called(records))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return time.perf_counter() - started


async def claims(store: Store) -> tuple[list[Chain], list[float]]:
    """Claim again and again. Returns the chains, and how long each claim took in milliseconds."""
    request = ClaimRequest(1, tuple((list_id, 10) for list_id in range(1, LISTS + 1)), CHAINS_MAX, NOW_MS)
    chains: list[Chain] = []
    times_ms: list[float] = []
    for _ in range(CLAIMS):
        started = time.perf_counter()
        claimed = await store.claim(request)
        times_ms.append((time.perf_counter() - started) * 1_000)
        chains += claimed.chains
    return chains, times_ms


async def attempts(store: Store, chains: Sequence[Chain], first_call: int, batch: int) -> dict[str, float]:
    """Write attempts down and return how many in a second, and how long a transaction took."""
    dice = random.Random(1)
    calls = list(enumerate((chain.records[0] for chain in chains), first_call))
    begun = [AttemptBegun(n, 1, 101, r.list_id, r.record_id, r.number, r.attempts + 1, NOW_MS) for n, r in calls]
    settled = []
    for n, r in calls:
        done = dice.random() < 0.5
        result = CallResult.ANSWER if done else CallResult.NO_ANSWER
        disposition = (
            Disposition(TreatmentAction.DONE)
            if done
            else Disposition(TreatmentAction.RETRY_IN, NOW_MS + n * 100, None, ((CallResult.NO_ANSWER, 1),))
        )
        settled.append(
            SettleAttempt(
                *(n, 1, 101, r.list_id, r.record_id, r.number, DialingMode.PREDICTIVE, result, Fault.NONE, None),
                *(200, 16, 7 if done else None, r.attempts + 1, NOW_MS, 11_000, 120, 95_000, disposition),
            )
        )
    took_s: dict[str, list[float]] = {"begin": [], "settle": []}
    for name, changes in (("begin", begun), ("settle", settled)):
        for place in range(0, len(changes), batch):
            started = time.perf_counter()
            await store.write(changes[place : place + batch])
            took_s[name].append(time.perf_counter() - started)
    return {
        "begun_per_s": len(calls) / sum(took_s["begin"]),
        "settled_per_s": len(calls) / sum(took_s["settle"]),
        "attempts_per_s": len(calls) / (sum(took_s["begin"]) + sum(took_s["settle"])),
        "settle_p50_ms": at(took_s["settle"], 0.5) * 1_000,
        "settle_p99_ms": at(took_s["settle"], 0.99) * 1_000,
    }


def at(times: Sequence[float], part: float) -> float:
    """A percentile."""
    return sorted(times)[int(len(times) * part)]


async def measure(folder: Path, records: int, *, normal: bool) -> dict[str, object]:
    """Everything, on one new file."""
    store = SqliteStore(folder / "bench.sqlite")
    await store.open("bench", NOW_MS, 0)
    await store.close()
    fill_s = fill(store.path, records)
    started = time.perf_counter()
    await store.open("bench", NOW_MS, 0)
    open_s = time.perf_counter() - started
    if normal:
        await store._in_thread(lambda: store._connection.execute("PRAGMA synchronous = NORMAL"))
    chains, times_ms = await claims(store)
    print(f"{records:,} records in SQLite {sqlite3.sqlite_version}, synchronous = {'NORMAL' if normal else 'FULL'}")
    print(f"filled in {fill_s:.1f} s, {store.path.stat().st_size / 2**20:,.0f} MiB; opened in {open_s * 1_000:.0f} ms")
    print(
        f"claim of {CHAINS_MAX}: p50 {at(times_ms, 0.5):.1f} ms, p99 {at(times_ms, 0.99):.1f} ms, "
        f"{1_000 * len(chains) / sum(times_ms):,.0f} records/s"
    )
    figures: dict[str, object] = {
        "fill_s": fill_s,
        "open_s": open_s,
        "claim_p50_ms": at(times_ms, 0.5),
        "claim_p99_ms": at(times_ms, 0.99),
    }
    print(f"{'batch':>6} {'begun/s':>9} {'settled/s':>10} {'attempts/s':>11} {'p50 ms':>8} {'p99 ms':>8}")
    first = 0
    for batch, count in BATCHES:
        count = min(count, (len(chains) - first) // 2 if batch < BATCHES[-1][0] else len(chains) - first)
        row = await attempts(store, chains[first : first + count], 1 + first, batch)
        figures[f"batch {batch}"] = row
        print(
            f"{batch:>6} {row['begun_per_s']:>9,.0f} {row['settled_per_s']:>10,.0f} {row['attempts_per_s']:>11,.0f} "
            f"{row['settle_p50_ms']:>8.2f} {row['settle_p99_ms']:>8.2f}"
        )
        first += count
    await store.close()
    figures["rss_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(f"memory at most: {figures['rss_mib']:,.0f} MiB")
    return figures


def run(records: int = 1_000_000, *, normal: bool = False, folder: Path | None = None) -> dict[str, object]:
    """Measure in a new folder, print a table, return it."""
    with tempfile.TemporaryDirectory(prefix="outdial-bench-", dir=folder) as made:
        return asyncio.run(measure(Path(made), records, normal=normal))


def main(arguments: Sequence[str]) -> int:
    """Read the command line, measure, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.store", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--normal", action="store_true", help="commits that a power cut may undo")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="on the disk that is to be measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    parser.add_argument("--postgres", action="store_true", help="a real PostgreSQL instead of SQLite")
    parser.add_argument("--all", action="store_true", help="both, with imports and the memory of a server")
    options = parser.parse_args(arguments)
    if options.all:
        from bench import store_commands, store_postgres

        figures: dict[str, object] = {
            "commands": store_commands.run(options.records, folder=options.folder),
            "sqlite": run(options.records, normal=options.normal, folder=options.folder),
            "postgres": store_postgres.run(options.records, durable=not options.normal, folder=options.folder),
        }
    elif options.postgres:
        from bench import store_postgres

        figures = store_postgres.run(options.records, durable=not options.normal, folder=options.folder)
    else:
        figures = run(options.records, normal=options.normal, folder=options.folder)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
