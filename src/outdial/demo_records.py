"""The records of a demonstration: in a SQLite file in the folder of its results, as in production.

The same store and the same writer as `outdial serve` has: calls wait until their beginning is on the disk, and a second
demonstration in the same folder goes on with what the first one has left.
"""

import asyncio
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import structlog
from structlog.typing import FilteringBoundLogger

from outdial.calling_lists import ListedRecord
from outdial.config import Loaded
from outdial.core.abandonment import KEPT_MS, bucket_of
from outdial.core.abandonment_events import AbandonmentFound
from outdial.core.commands import Command, SettleAttempt
from outdial.core.errors import ConfigError, InvariantViolated
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.core.units import CallId, ListId, Now, RecordId
from outdial.names import Names
from outdial.results_files import RECORD_COLUMNS, CsvFile, record_row
from outdial.serve_abandonment import found_of
from outdial.shared_store import SharedStore
from outdial.sim.lists import Lists
from outdial.store.listing import PAGE, add_records
from outdial.store.spool import Spool
from outdial.store.sqlite import SqliteStore
from outdial.store.steady import pause
from outdial.store.writer import StoreWriter

DATABASE = "outdial.sqlite3"
SERVER = "demo"
"""Name of the server in the database."""
STALE_MS = 0
"""Calls of a demonstration that was killed are not up any more."""
LOOK_S = 1.0
"""Pause between two looks for records that must not be dialed any more. Unit: seconds."""
LAST_S_MAX = 10.0
"""Longest wait at the end for what has to be written down. Unit: seconds."""


class DemoRecords:
    """The database of one demonstration.

    Attributes:
        path: the SQLite file.
        attempts_before: attempts that earlier demonstrations have made.
        store: the database itself, for those who only look at it.
        failure: why no further call could be made; None: nothing was wrong.
    """

    def __init__(self, folder: Path, lists: Lists) -> None:
        """Prepare; nothing is opened yet.

        Args:
            folder: where the files are. It must be there.
            lists: the records to begin with.
        """
        self.path = folder / DATABASE
        self.attempts_before = 0
        self.failure: Exception | None = None
        self._lists = lists
        self._attempts: Counter[RecordId] = Counter()
        """Attempts on each record, settled ones."""
        self.store = SqliteStore(self.path)
        self._spool = Spool(folder / "spool" / f"{SERVER}.jsonl", SERVER, DATABASE)
        self._writer: StoreWriter | None = None
        self._writing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    def attempt_n(self, list_id: ListId, record_id: RecordId) -> int:
        """Which attempt of its record a call would be, from 1."""
        return self._attempts[record_id] + 1

    async def begin(
        self,
        *,
        submit: Callable[[Event], None],
        pass_on: Callable[[Command], object],
        attempt_n: Callable[[CallId], int],
    ) -> None:
        """Open the database, fill it if it is new, and start to write. Arguments: see `StoreWriter`.

        Raises:
            ConfigError: it has other lists than these.
            StoreError: it cannot be used.
            StoreUnavailable: the disk is full or fails.
        """
        opened = await self.store.open(SERVER, _utc_ms(), STALE_MS, self._spool.batches())
        self._spool.clear()
        await self._fill()
        self._writer = StoreWriter(
            self.store,
            self._spool,
            opened.epoch,
            _quiet(),
            submit=submit,
            pass_on=pass_on,
            attempt_n=attempt_n,
            on_failure=self._failed,
        )
        self._writing = asyncio.create_task(self._writer.run())
        self._looking = asyncio.create_task(self._look_again_and_again(self._writer))

    async def _look_again_and_again(self, writer: StoreWriter) -> None:
        """Numbers may come onto do-not-call lists, and records may be cancelled, over the API."""
        while True:
            writer.look(_utc_ms())
            await pause(LOOK_S)

    async def _fill(self) -> None:
        known = await self.store.imports()
        for list_id, state in self._lists.by_id.items():
            records = [ListedRecord(state.source.record(place), ()) for place in range(state.source.count)]
            digest = hashlib.sha256("\n".join(listed.record.number for listed in records).encode()).hexdigest()
            own = [each for each in known if each.list_id == list_id]
            if not own:
                await add_records(self.store, list_id, records, _utc_ms(), digest)
            elif not any(each.digest == digest and each.finished_utc_ms is not None for each in own):
                raise ConfigError([f"{self.path}: has the records of another list; choose another folder with --out"])
            if await self._count(list_id) < len(records):  # more have been read in
                raise InvariantViolated(f"list {list_id}: the database has not all of its {len(records)} records")
        self.attempts_before = self._attempts.total()

    async def _count(self, list_id: ListId) -> int:
        """Take in what has been made of a list. Returns how many records it has."""
        after = count = 0
        while page := await self.store.fates(list_id, after, PAGE):
            self._attempts.update({fate.record_id: fate.attempts for fate in page if fate.attempts})
            after, count = page[-1].record_id, count + len(page)
        return count

    async def ledgers(self, configuration: Configuration, request_id: int) -> list[AbandonmentFound]:
        """What campaigns go on with: what earlier demonstrations in the folder have called, or nothing.

        Args:
            configuration: in effect.
            request_id: of the first event; those of the others follow.
        """
        rows = await self.store.abandonment(bucket_of(_utc_ms() - KEPT_MS))
        return [found_of(request_id + n, campaign.dbid, rows) for n, campaign in enumerate(configuration.campaigns)]

    def carry_out(self, now: Now, command: Command) -> bool:
        """Carry out a command if it is one to the database, or waits for it. Returns whether it is."""
        assert self._writer is not None
        if isinstance(command, SettleAttempt):
            self._attempts[command.record_id] += 1
        return self._writer.carry_out(now, command)

    def shared(self, loaded: Loaded) -> SharedStore:
        """The database for others than the dialer."""
        return SharedStore(
            store=self.store,
            is_single=True,
            loaded=lambda: loaded,
            why_away=lambda: "" if self._writer is None else self._writer.why_away,
            waiting=lambda: 0 if self._writer is None else self._writer.waiting,
            folder=self.path.parent / "imports",
            log=_quiet(),
            being_read=set(),
        )

    async def finish(self) -> None:
        """Write down everything that is left."""
        if self._writer is not None and self._writing is not None:
            self._stop_looking()
            self._writer.stop_dialing()
            self._writer.close()
            await asyncio.wait({self._writing}, timeout=LAST_S_MAX)
            if self._writing.done():
                self._writing.result()
            await self._writer.caught_up(LAST_S_MAX)

    async def write(self, path: Path, names: Names) -> int:
        """Write what has become of every record.

        Returns:
            Attempts that this demonstration has made on all records together.

        Raises:
            ResultsError: the file cannot be written.
        """
        attempts = -self.attempts_before
        with CsvFile(path, RECORD_COLUMNS) as file:
            for list_id in self._lists.by_id:
                after = 0
                while page := await self.store.fates(list_id, after, PAGE):
                    for fate in page:
                        attempts += fate.attempts
                        file.add(record_row(fate, names))
                    after = page[-1].record_id
        return attempts

    async def close(self) -> None:
        """Let go of the database. Closing twice does no harm."""
        self._stop_looking()
        if self._writing is not None:
            self._writing.cancel()
        await self.store.close()
        self._spool.close()

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    def _failed(self, error: Exception) -> None:
        self.failure = error


def _quiet() -> FilteringBoundLogger:
    """A logger that says nothing below `critical`: the demonstration's own output is all there is."""
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    return log


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000
