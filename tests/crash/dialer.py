"""A dialer without a core, made to be killed: it claims, calls and settles at random until no record is left.

    python tests/crash/dialer.py FOLDER SEED [DATABASE]

Its callees write down what they hear in `FOLDER/callees.log`, one line at once, so that it is there whenever the dialer
is killed:

    open EPOCH BEGAN UTC              the dialer has started, at which it began some time ago
    call EPOCH CALL RECORD NUMBER UTC a call has left for the network
    end EPOCH CALL RESULT UTC         it has ended, and its settlement is about to be given to the writer

The database goes away for moments, sometimes after it has done what it was asked for and before it could say so.
"""

import asyncio
import contextlib
import os
import random
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from outdial.config.loaded import Database, Serve
from outdial.core.commands import (
    AgentStateChanged,
    CancelRecord,
    Command,
    Dial,
    Disposition,
    FetchRecords,
    ReturnRecord,
    SettleAttempt,
)
from outdial.core.errors import OutdialError
from outdial.core.events import DialRejected, Event, FetchFailed, RecordsFetched
from outdial.core.modes import DialingMode
from outdial.core.records import Chain
from outdial.core.results import CallResult, Fault
from outdial.core.settings import TreatmentAction
from outdial.core.units import CallId, Now
from outdial.serve_records import ServeRecords, open_records
from outdial.store.interface import Store, StoreUnavailable

LISTS = ((1, 10), (2, 30))
STALE_MS = 300
"""How long a record waits whose call may still be up."""
CALLS = 30
"""Calls at a time."""
AGENTS = 5
FETCH = 60
ATTEMPTS_MAX = 4
"""Attempts after which a record is done."""
GIVEN_UP, RETURNED, CANCELLED = 0.02, 0.04, 0.02
"""Shares of chains that are given up while their call waits to leave, given back, and cancelled."""


def utc_ms() -> int:
    return time.time_ns() // 1_000_000


class Moody:
    """A store that goes away for moments."""

    def __init__(self, store: Store, dice: random.Random) -> None:
        self._store = store
        self._dice = dice
        self._away_s = (0.0, 0.0)

    async def write(self, changes: Any) -> None:
        if not self._is_away():
            await self._store.write(changes)
            if not self._goes():
                return
        raise StoreUnavailable("a moment")

    async def claim(self, request: Any) -> Any:
        if self._is_away():
            raise StoreUnavailable("a moment")
        claimed = await self._store.claim(request)
        if self._goes():
            raise StoreUnavailable("a moment", claimed.chains)
        return claimed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def _is_away(self) -> bool:
        now_s = time.monotonic()
        if now_s > self._away_s[1]:
            starts_s = now_s + self._dice.expovariate(1 / 0.15)
            self._away_s = (starts_s, starts_s + self._dice.uniform(0.0, 0.05))
        return now_s >= self._away_s[0]

    def _goes(self) -> bool:
        """Whether it goes away after it has done its work and before it has said so."""
        return self._dice.random() < 0.02


class Dialer:
    """Commands to the writer, answers of the callees."""

    def __init__(self, records: ServeRecords, log: int, dice: random.Random) -> None:
        self._records = records
        self._log = log
        self._dice = dice
        self._buffer: deque[Chain] = deque()
        self._live: dict[CallId, Chain] = {}
        self._dialed_ms: dict[CallId, int] = {}
        self._numbers: set[str] = set()
        self._call_id = 0
        self._is_fetching = False
        self._fetch_at_ms = 0
        self._is_exhausted = False
        """Nothing is due or waits, as far as the last answer and what was said since then tell."""
        self._is_answer_old = False
        """Something was said after the last question."""
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        records.begin(
            submit=self._hear,
            pass_on=self._leaves,
            attempt_n=lambda call_id: self._live[call_id].records[0].attempts + 1,
            on_failure=self._failed,
            on_crash=self._changed.set,
        )

    async def run(self) -> None:
        """Dial until nothing is left."""
        for agent_id in range(AGENTS):
            self._agent(agent_id, "ready")
        while not (self._is_exhausted and not self._live and not self._buffer):
            if self._failure is not None:
                raise self._failure
            self._records.raise_crash()
            self._changed.clear()
            if not self._is_fetching and len(self._buffer) < FETCH // 2 and utc_ms() >= self._fetch_at_ms:
                self._is_fetching = True
                self._give(FetchRecords(1, 1, FETCH, LISTS))
            while self._buffer and len(self._live) < CALLS:
                self._next(self._buffer.popleft())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 0.01)

    def _give(self, command: Command) -> None:
        self._is_exhausted = False
        self._is_answer_old = not isinstance(command, FetchRecords)
        assert self._records.carry_out(Now(0, utc_ms()), command)

    def _next(self, chain: Chain) -> None:
        record, luck = chain.records[0], self._dice.random()
        if record.number in self._numbers or luck < RETURNED:
            self._give(ReturnRecord(record.list_id, record.record_id, utc_ms() + 30, "not now"))
        elif luck < RETURNED + CANCELLED:
            self._give(CancelRecord(record.list_id, record.record_id, CallResult.DO_NOT_CALL))
            if len(chain.records) > 1:
                self._buffer.appendleft(Chain(chain.records[1:]))
        else:
            self._dial(chain)

    def _dial(self, chain: Chain) -> None:
        record = chain.records[0]
        self._call_id += 1
        self._live[self._call_id] = chain
        self._dialed_ms[self._call_id] = utc_ms()
        self._numbers.add(record.number)
        self._give(
            Dial(
                self._call_id,
                1,
                1,
                1,
                record.list_id,
                record.record_id,
                record.number,
                20_000,
                call_progress_detection=True,
            )
        )
        if self._dice.random() < GIVEN_UP:
            self._settle(self._call_id, CallResult.DIAL_ERROR)

    def _leaves(self, command: Command) -> None:
        """The network has a call."""
        assert isinstance(command, Dial)
        self._agent(command.call_id, "talking")
        self._write(f"call {self._records.epoch} {command.call_id} {command.record_id} {command.number} {utc_ms()}")
        asyncio.get_running_loop().call_later(self._dice.uniform(0.002, 0.03), self._ends, command.call_id)

    def _ends(self, call_id: CallId) -> None:
        result = self._dice.choice([CallResult.ANSWER, CallResult.BUSY, CallResult.NO_ANSWER])
        self._agent(call_id, "ready")
        self._write(f"end {self._records.epoch} {call_id} {int(result)} {utc_ms()}")
        self._settle(call_id, result)

    def _settle(self, call_id: CallId, result: CallResult) -> None:
        chain = self._live.pop(call_id)
        record = chain.records[0]
        self._numbers.discard(record.number)
        disposition = Disposition(TreatmentAction.DONE)
        if record.attempts + 1 < ATTEMPTS_MAX and result in (CallResult.BUSY, CallResult.DIAL_ERROR):
            again_ms = utc_ms() + self._dice.randrange(20, 200)
            disposition = Disposition(TreatmentAction.RETRY_IN, again_ms, None, ((result, record.attempts + 1),))
        elif result is CallResult.NO_ANSWER:
            following = chain.records[1].record_id if len(chain.records) > 1 else None
            disposition = Disposition(TreatmentAction.NEXT_IN_CHAIN, 0, following)
        self._give(
            SettleAttempt(
                *(call_id, 1, 1, record.list_id, record.record_id, record.number, DialingMode.PROGRESSIVE, result),
                *(Fault.NONE, None, None, None, None, record.attempts + 1, self._dialed_ms.pop(call_id), 5, 0, 0),
                disposition,
            )
        )
        self._changed.set()

    def _agent(self, number: int, state: str) -> None:
        """Some agent does something else."""
        command = AgentStateChanged(1 + number % AGENTS, state, "", 1 if state == "talking" else None)
        assert not self._records.carry_out(Now(0, utc_ms()), command)

    def _hear(self, event: Event) -> None:
        self._changed.set()
        match event:
            case RecordsFetched():
                self._is_fetching = False
                self._buffer.extend(event.chains)
                nothing_waits = event.exhausted and event.next_due_utc_ms is None and not event.chains
                self._is_exhausted = nothing_waits and not self._is_answer_old
                self._fetch_at_ms = utc_ms() + 5 if event.exhausted else 0
            case FetchFailed():
                self._is_fetching = False
                self._fetch_at_ms = utc_ms() + 5
            case DialRejected():
                if event.call_id in self._live:
                    self._settle(event.call_id, CallResult.DIAL_ERROR)

    def _failed(self, error: Exception) -> None:
        self._failure = error

    def _write(self, line: str) -> None:
        os.write(self._log, f"{line}\n".encode())


class Silence:
    """A log that nobody reads."""

    def info(self, event: str, **_: Any) -> None:
        pass

    warning = error = info


async def main(folder: Path, seed: int, url: str) -> None:
    dice = random.Random(seed)
    log = os.open(folder / "callees.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    database = Database(url=url) if url else Database(folder / "outdial.sqlite3")
    serve = Serve(folder, database=database, stale_ms=STALE_MS)
    began_ms = utc_ms()
    records = await open_records(serve, Silence())  # type: ignore[arg-type]
    os.write(log, f"open {records.epoch} {began_ms} {utc_ms()}\n".encode())
    print("open", flush=True)
    records.store = Moody(records.store, dice)  # type: ignore[assignment]
    try:
        await Dialer(records, log, dice).run()
    finally:
        await records.finish()
        await records.close()


if __name__ == "__main__":
    try:
        asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
    except OutdialError as error:
        sys.exit(f"{type(error).__name__}: {error}")
