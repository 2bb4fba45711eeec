"""Kill a dialer again and again in the middle of everything, start it again, and compare the database with the callees.

    make crash KILLS=200
    python tests/crash/kills.py --kills 20 --seed 7
    make crash ARGS=--postgres                  on a PostgreSQL server, which is killed now and then as well

What must hold, whenever it was killed:

1. every call that left is in the table of attempts, once; no call is there that a callee knows to have ended otherwise;
2. no number is called while another call to it may be up: until it has ended, or, when the dialer was killed, until
   `stale-clean-timeout` after the next start;
3. a call that was given up before it could leave never left;
4. in the end every record has come to its end, nothing is claimed, no attempt is open;
5. each record counts its attempts, and was not dialed again after its last one;
6. what agents did is written down without gaps or overlaps, and has ended when its start ended.
"""

import argparse
import asyncio
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import asyncpg

from outdial.calling_lists import RECORD_IDS_PER_LIST, ListedRecord
from outdial.config.loaded import Database
from outdial.configured_store import make_store
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.lab.postgres import Postgres, make_postgres, wheel_installation
from outdial.sim.lists import RecordStatus
from outdial.store.listing import add_records

DIALER = Path(__file__).with_name("dialer.py")
RECORDS_PER_KILL = 250
RUN_S = (0.0, 0.5)
"""How long a start may live once it is up."""
SILENCE_S = 30.0
"""Longest silence of the last start, which has much to do. Unit: s."""
STALE_MS = 300
"""As in `dialer`."""
FINAL = {RecordStatus.UPDATED, RecordStatus.CANCELLED, RecordStatus.CHAIN_UPDATED}
DATABASE = "crash"
POWER_CUTS = 0.3
"""Share of starts during which the database is killed as well."""
SHARED = 40
"""One record in so many has the number of the one before it."""


@dataclass
class Call:
    """What a callee knows of a call."""

    epoch: int
    call_id: int
    record_id: int
    number: str
    from_ms: int
    ended_ms: int | None = None
    result: int | None = None


@dataclass
class Heard:
    """What all callees know."""

    calls: dict[tuple[int, int], Call] = field(default_factory=dict)
    began_ms: dict[int, int] = field(default_factory=dict)
    """When each start began to open its database: from then on it waits for calls that may still be up."""
    opened_ms: dict[int, int] = field(default_factory=dict)
    """When each start was up."""


def records(list_id: int, count: int) -> Iterator[ListedRecord]:
    """A list: single records and chains of three, some numbers twice."""
    first = (list_id - 1) * RECORD_IDS_PER_LIST
    for n in range(1, count + 1):
        is_shared = n > 1 and n % SHARED == SHARED - 1
        number = f"555{list_id}{n - is_shared:07}"
        chain = (1 + n // 10, n % 10) if n % 10 < 3 else (0, 0)
        yield ListedRecord(Record(first + n, list_id, number, *chain), ())


def read_log(folder: Path) -> Heard:
    heard = Heard()
    for line in (folder / "callees.log").read_text().splitlines():
        match line.split():
            case ["open", epoch, began_ms, at_ms]:
                heard.began_ms[int(epoch)] = int(began_ms)
                heard.opened_ms[int(epoch)] = int(at_ms)
            case ["call", epoch, call_id, record_id, number, at_ms]:
                key = (int(epoch), int(call_id))
                assert key not in heard.calls, f"call {key} left twice"
                heard.calls[key] = Call(*key, int(record_id), number, int(at_ms))
            case ["end", epoch, call_id, result, at_ms]:
                call = heard.calls[int(epoch), int(call_id)]
                call.ended_ms, call.result = int(at_ms), int(result)
    return heard


class Kills:
    """One course of kills.

    Attributes:
        wrong: what did not hold, one sentence each.
        figures: what happened, in numbers.
    """

    def __init__(self, folder: Path, kills: int, seed: int, server: Postgres | None = None) -> None:
        self.wrong: list[str] = []
        self.figures: Counter[str] = Counter()
        self._folder = folder
        self._kills = kills
        self._dice = random.Random(seed)
        self._server = server
        self._url = ""
        if server is not None:
            os.environ["PGPASSWORD"] = server.password
            asyncio.run(_ask_postgres(server.url("postgres"), f"CREATE DATABASE {DATABASE}"))
            self._url = server.url(DATABASE)

    def run(self) -> None:
        """Fill the lists, kill, let the last start come to its end, look."""
        asyncio.run(self._fill())
        for n in range(self._kills):
            process = self._start(n)
            try:
                if self._server is not None and self._dice.random() < POWER_CUTS:
                    self._cut_power(process, self._server)
                process.wait(self._dice.uniform(*RUN_S))
                break  # nothing is left to dial
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self.figures["kills"] += 1
        else:
            process = self._start(self._kills)
        code = self._wait_while_it_dials(process)
        if code:
            self.wrong.append(f"the last start ended with {code}")
        self._look()

    def _start(self, n: int) -> "subprocess.Popen[str]":
        """Start the dialer and wait until it is up."""
        command = [sys.executable, str(DIALER), str(self._folder), str(self._dice.getrandbits(32)), self._url]
        began_s = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process.stdout as stdout:
            said = stdout.readline()
        if said != "open\n":
            self.wrong.append(f"start {n + 1} did not come up and ended with {process.wait()}")
        self.figures["start_ms_max"] = max(self.figures["start_ms_max"], round((time.monotonic() - began_s) * 1_000))
        return process

    def _wait_while_it_dials(self, process: "subprocess.Popen[str]") -> int:
        """Wait for the end of the last start; one that falls silent is killed. Returns its exit status."""
        log = self._folder / "callees.log"
        heard = -1
        while (now_heard := log.stat().st_size) > heard:
            heard = now_heard
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(SILENCE_S)
        process.kill()
        return process.wait()

    def _cut_power(self, process: "subprocess.Popen[str]", server: Postgres) -> None:
        """Kill the database, too, and start it again."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(self._dice.uniform(*RUN_S))
        server.kill9()
        server.start()
        self.figures["power_cuts"] += 1

    async def _fill(self) -> None:
        database = Database(url=self._url) if self._url else Database(self._folder / "outdial.sqlite3")
        store = make_store(database)
        await store.open("outdial", 0, 0)
        try:
            count = RECORDS_PER_KILL * (self._kills + 1) // 2
            for list_id in (1, 2):
                await add_records(store, list_id, list(records(list_id, count)), 0)
        finally:
            await store.close()

    # --- what must hold ------------------------------------------------------------------------------------------

    def _look(self) -> None:
        heard = read_log(self._folder)
        attempts = self._rows(
            "SELECT epoch, call_id, record_id, number, attempt_n, call_result, disposition FROM attempts "
            "ORDER BY epoch, call_id"
        )
        rows = self._rows("SELECT record_id, status, attempts, due_utc_ms, claim_epoch FROM records")
        open_attempts = self._rows("SELECT epoch, call_id FROM open_attempts")
        self._check_attempts(heard, attempts)
        self._check_numbers(heard)
        self._check_records(attempts, rows)
        states = self._rows(
            "SELECT epoch, change_n, agent_id, from_utc_ms, until_utc_ms FROM agent_states ORDER BY epoch, change_n"
        )
        self._check_agents(heard, states)
        self.figures["agent_states"] = len(states)
        if open_attempts:
            self.wrong.append(f"{len(open_attempts)} attempts are still open, such as {open_attempts[0]}")
        self.figures.update(records=len(rows), calls=len(heard.calls), attempts=len(attempts))

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask the database past every store, which would clear up."""
        if self._url:
            return asyncio.run(_ask_postgres(self._url, statement))
        connection = sqlite3.connect(self._folder / "outdial.sqlite3")
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()

    def _check_attempts(self, heard: Heard, attempts: list[tuple[Any, ...]]) -> None:
        known = {(row[0], row[1]): row for row in attempts}
        last_epoch = max(heard.opened_ms)
        for key, call in heard.calls.items():
            row = known.get(key)
            if row is None:
                self.wrong.append(f"call {key} left and is not written down")
            elif (row[2], row[3]) != (call.record_id, call.number):
                self.wrong.append(f"call {key} is written down for another record: {row}")
            elif row[5] == CallResult.STALE:
                self.figures["stale_ended" if call.result is not None else "stale_up"] += 1
                if call.epoch == last_epoch:
                    self.wrong.append(f"call {key} is stale, and nobody was killed")
            elif row[5] != call.result:
                self.wrong.append(f"call {key} ended with {call.result} and is written down with {row[5]}")
        for key, row in known.items():
            if row[5] == CallResult.DIAL_ERROR:
                self.figures["given_up"] += 1
                if key in heard.calls:
                    self.wrong.append(f"call {key} was given up and left all the same")
            elif key not in heard.calls:
                self.figures["stale_never_left"] += 1
                if row[5] != CallResult.STALE:
                    self.wrong.append(f"attempt {row} has a result and no callee")

    def _check_numbers(self, heard: Heard) -> None:
        by_number: dict[str, list[Call]] = defaultdict(list)
        for call in heard.calls.values():
            by_number[call.number].append(call)
        for number, calls in by_number.items():
            calls.sort(key=lambda call: (call.epoch, call.from_ms))
            for before, after in pairwise(calls):
                until_ms = before.ended_ms
                if until_ms is None:
                    next_start = min((epoch for epoch in heard.opened_ms if epoch > before.epoch), default=0)
                    until_ms = heard.began_ms.get(next_start, before.from_ms) + STALE_MS
                if after.from_ms < until_ms:
                    self.wrong.append(f"number {number} was called while its call may have been up: {before} {after}")

    def _check_records(self, attempts: list[tuple[Any, ...]], rows: list[tuple[Any, ...]]) -> None:
        by_record: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
        for row in attempts:
            by_record[row[2]].append(row)
        for record_id, status, count, due_utc_ms, claim_epoch in rows:
            if status not in FINAL or due_utc_ms is not None or claim_epoch is not None:
                self.wrong.append(
                    f"record {record_id} is {RecordStatus(status).label}, due {due_utc_ms}, {claim_epoch}"
                )
            tried = by_record[record_id]
            if [row[4] for row in tried] != list(range(1, count + 1)):
                self.wrong.append(f"record {record_id} counts {count} attempts: {tried}")
            if any(row[6] != "retry-in" for row in tried[:-1]):
                self.wrong.append(f"record {record_id} was dialed after its end: {tried}")

    def _check_agents(self, heard: Heard, states: list[tuple[Any, ...]]) -> None:
        by_agent: dict[tuple[int, int], list[tuple[Any, ...]]] = defaultdict(list)
        numbers: dict[int, list[int]] = defaultdict(list)
        for row in states:
            by_agent[row[0], row[2]].append(row)
            numbers[row[0]].append(row[1])
        for epoch, found in numbers.items():
            if found != list(range(1, len(found) + 1)):
                self.wrong.append(f"start {epoch} lacks changes of agents: {found}")
        for (epoch, agent_id), rows in by_agent.items():
            next_start_ms = heard.opened_ms.get(epoch + 1)
            if any(row[4] is None or row[4] < row[3] for row in rows):
                self.wrong.append(f"agent {agent_id} of start {epoch} has no end: {rows[-1]}")
            elif next_start_ms is not None and rows[-1][4] > next_start_ms:
                self.wrong.append(f"agent {agent_id} of start {epoch} goes on after it: {rows[-1]}")
            if any(before[4] != after[3] for before, after in pairwise(rows)):
                self.wrong.append(f"agent {agent_id} of start {epoch} has a gap")


async def _ask_postgres(url: str, statement: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill a dialer again and again.")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--postgres", action="store_true", help="on a PostgreSQL server of our own; default: SQLite")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="outdial-crash-"))
        server = None
        if options.postgres:
            server = stack.enter_context(make_postgres(wheel_installation(), durable=True))
            server.start()
        kills = Kills(Path(folder), options.kills, options.seed, server)
        kills.run()
    for sentence in kills.wrong[:20]:
        print(f"WRONG: {sentence}")
    print(", ".join(f"{name} {count:,}" for name, count in sorted(kills.figures.items())))
    print(f"{len(kills.wrong)} wrong" if kills.wrong else "nothing lost, nothing doubled")
    return 1 if kills.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
