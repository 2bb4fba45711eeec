"""How fast is PostgreSQL as a store: `bench.store` on a real server, with one claimant and with four at the same time.

    python -m bench.store_postgres                     the wheel's PostgreSQL, synced to the disk, a million records
    python -m bench.store_postgres --installed         the newest PostgreSQL of this machine instead
    python -m bench.store_postgres --records 10000000  ten million

Each claimant is a process and a server of its own. Settings are PostgreSQL's own defaults; the table is filled directly
and never analysed before the claims, as after an import.
"""

import argparse
import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import asyncpg

from bench.store import BATCHES, CHAINS_MAX, CLAIMS, LISTS, NOW_MS, at, attempts, claims, not_called, rows
from outdial.lab.postgres import Postgres, make_postgres, other_installations, wheel_installation
from outdial.store.claims import ClaimRequest
from outdial.store.postgres import PostgresStore

SLOW = True
CLAIMANTS = 4
ENTRY_COLUMNS = ("seq", "number", "list_name", "reason", "added_by", "added_utc_ms", "seen_utc_ms")
COLUMNS = ("record_id", "list_id", "number", "priority", "due_utc_ms")


async def fill(url: str, password: str, records: int) -> float:
    """Put records into the table. Returns how long it took, in seconds."""
    connection = await asyncpg.connect(url, password=password)
    started = time.perf_counter()
    await connection.copy_records_to_table("records", records=rows(records), columns=COLUMNS)
    entries = ((*entry[:2], "national", "", "bench", *entry[2:]) for entry in not_called(records))
    await connection.copy_records_to_table("do_not_call", records=entries, columns=ENTRY_COLUMNS)
    took_s = time.perf_counter() - started
    await connection.close()
    return took_s


def claimant(url: str, password: str, number: int) -> tuple[list[float], int]:
    """One of several servers: claims its part. Returns milliseconds per claim and how many chains came."""

    async def claim() -> tuple[list[float], int]:
        store = PostgresStore(url, password)
        await store.open(f"claimant {number}", NOW_MS, 0)
        request = ClaimRequest(1, tuple((list_id, 10) for list_id in range(1, LISTS + 1)), CHAINS_MAX, NOW_MS)
        times_ms, chains = [], 0
        for _ in range(CLAIMS // CLAIMANTS):
            started = time.perf_counter()
            chains += len((await store.claim(request)).chains)
            times_ms.append((time.perf_counter() - started) * 1_000)
        await store.close()
        return times_ms, chains

    return asyncio.run(claim())


def claimants(url: str, password: str) -> dict[str, float]:
    """Several servers claim at the same time."""
    with ProcessPoolExecutor(CLAIMANTS, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(str, range(CLAIMANTS)))  # started, before the clock runs
        started = time.perf_counter()
        done = list(pool.map(claimant, [url] * CLAIMANTS, [password] * CLAIMANTS, range(CLAIMANTS)))
        took_s = time.perf_counter() - started
    times_ms = [took for times, _ in done for took in times]
    return {
        "p50_ms": at(times_ms, 0.5),
        "p99_ms": at(times_ms, 0.99),
        "records_per_s": sum(chains for _, chains in done) / took_s,
    }


async def settle(store: PostgresStore) -> dict[str, object]:
    """One claimant, then its attempts in batches."""
    chains, times_ms = await claims(store)
    figures: dict[str, object] = {"claim_p50_ms": at(times_ms, 0.5), "claim_p99_ms": at(times_ms, 0.99)}
    print(
        f"claim of {CHAINS_MAX}: p50 {at(times_ms, 0.5):.1f} ms, p99 {at(times_ms, 0.99):.1f} ms, "
        f"{1_000 * len(chains) / sum(times_ms):,.0f} records/s"
    )
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
    return figures


def measure(server: Postgres, records: int) -> dict[str, object]:
    """Everything, in one new database."""
    url, password = server.url(), server.password

    async def alone() -> dict[str, object]:
        store = PostgresStore(url, password)
        started = time.perf_counter()
        await store.open("bench", NOW_MS, 0)
        make_s = time.perf_counter() - started
        fill_s = await fill(url, password, records)
        started = time.perf_counter()
        await store.open("bench", NOW_MS, 0)
        open_s = time.perf_counter() - started
        print(f"{records:,} records in PostgreSQL {server.installation.name}")
        print(f"tables made in {make_s:.1f} s, filled in {fill_s:.1f} s; opened in {open_s * 1_000:.0f} ms")
        figures = await settle(store)
        await store.close()
        return {"make_s": make_s, "fill_s": fill_s, "open_s": open_s, **figures}

    figures = asyncio.run(alone())
    together = claimants(url, password)
    print(
        f"{CLAIMANTS} claimants at once: p50 {together['p50_ms']:.1f} ms, p99 {together['p99_ms']:.1f} ms, "
        f"{together['records_per_s']:,.0f} records/s together"
    )
    return {**figures, "claimants": together}


def run(
    records: int = 1_000_000, *, installed: bool = False, durable: bool = True, folder: Path | None = None
) -> dict[str, object]:
    """Measure on a new server, print a table, return it."""
    installation = other_installations()[-1] if installed else wheel_installation()
    with make_postgres(installation, durable=durable, parent=folder) as server:
        server.start()
        return measure(server, records)


def main(arguments: Sequence[str]) -> int:
    """Read the command line, measure, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.store_postgres", description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--records", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--installed", action="store_true", help="the newest PostgreSQL of this machine")
    parser.add_argument("--normal", action="store_true", help="commits that a power cut may undo")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="on the disk that is to be measured")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file")
    options = parser.parse_args(arguments)
    figures = run(options.records, installed=options.installed, durable=not options.normal, folder=options.folder)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
