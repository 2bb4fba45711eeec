"""The SQLite store: one file, one process, one connection, one thread.

All statements run one after the other in a thread of their own, so the dialer never waits for the disk. A transaction
is on the disk when its method returns.

    sqlite_file          lock, connection, version, errors
    sqlite_claim         claiming
    sqlite_write         changes, and clearing up after earlier starts
    sqlite_lists         imports and results
    sqlite_looks         what operators look at, lists that begin anew
    sqlite_singles       records that are added and cancelled one by one
    sqlite_do_not_call   numbers that are not called
    sqlite_reports       queries of reports, samples for them
    sqlite_steps         statements for the tables that are not the dialer's own
    sqlite_overrides     settings that were changed at run time
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, TypeVarTuple

from outdial.calling_lists import ListedRecord
from outdial.core.records import NumberFacts
from outdial.core.units import ListId, Millis, RecordId
from outdial.setting_overrides import Override, Place
from outdial.sim.lists import RecordFate, RecordStatus
from outdial.store import (
    sqlite_claim,
    sqlite_do_not_call,
    sqlite_lists,
    sqlite_looks,
    sqlite_overrides,
    sqlite_reports,
    sqlite_singles,
    sqlite_steps,
    sqlite_write,
)
from outdial.store.between_claims import BetweenClaims
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest
from outdial.store.do_not_call import Addition, Forbidden, ForbiddenList, Found, Objections, together
from outdial.store.facts import facts_by_number
from outdial.store.interface import Change, EpochLost, LeftBehind, StoreUnavailable
from outdial.store.rows import Row, counts_of
from outdial.store.single_records import Cancelling, Consent, Consenting, NewRecord
from outdial.store.sqlite_file import FileLock, connect, errors_of, transaction
from outdial.store.sqlite_outbox import SqliteOutbox
from outdial.store.steps import Step
from outdial.store.stored import (
    AttemptPlace,
    Import,
    LedgerRow,
    ListCounts,
    Opened,
    PortSample,
    StoredAttempt,
    StoredRecord,
    StoredWord,
)

_Answer = TypeVar("_Answer")
_Arguments = TypeVarTuple("_Arguments")


class SqliteStore:
    """A `Store` in a SQLite file.

    Attributes:
        path: the file, with links followed: the lock lies beside it.
        outbox: see `Store.outbox`.
    """

    def __init__(self, path: Path) -> None:
        """Prepare; nothing is opened yet.

        Args:
            path: the file. It is made by `open`; its folder must be there.
        """
        self.path = path.resolve()
        self._thread: ThreadPoolExecutor | None = None
        self._lock: FileLock | None = None
        self._connection: sqlite3.Connection | None = None
        self._server = ""
        self._epoch = 0
        self._between = BetweenClaims()
        self.outbox = SqliteOutbox(self._in_transaction)

    async def open(self, server: str, utc_ms: int, stale_ms: Millis, left: LeftBehind = ()) -> Opened:
        """See `Store.open`."""
        await self.look()
        try:
            return await self._in_thread(self._start, server, utc_ms, stale_ms, left)
        except BaseException:
            await self.close()
            raise

    async def look(self) -> None:
        """See `Store.look`."""
        await self.close()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outdial-sqlite")
        try:
            await self._in_thread(self._connect)
        except BaseException:
            await self.close()
            raise

    async def claim(self, request: ClaimRequest | CallbackRequest) -> Claimed:
        """See `Store.claim`."""
        return await self._in_thread(self._claim, request)

    async def write(self, changes: Sequence[Change]) -> None:
        """See `Store.write`."""
        if changes:
            await self._in_thread(self._write, changes)

    async def objections(self, seq: int, utc_ms: int) -> Objections:
        """See `Store.objections`."""
        return await self._in_transaction(sqlite_do_not_call.objections, self._epoch, seq, utc_ms)

    async def add_port_samples(self, samples: Sequence[PortSample], before_utc_ms: int) -> None:
        """See `Store.add_port_samples`."""
        await self._in_transaction(sqlite_reports.add_samples, self._epoch, samples, before_utc_ms)

    async def imports(self) -> tuple[Import, ...]:
        """See `Store.imports`."""
        return await self._in_transaction(sqlite_lists.imports)

    async def add_records(self, progress: Import, records: Sequence[ListedRecord]) -> None:
        """See `Store.add_records`.

        Chains are released some at a time, so that calls need not wait for a million of them, and the import is
        finished after that. What a crash cuts off is done again when the import goes on.
        """
        if progress.finished_utc_ms is None:
            await self._in_transaction(sqlite_lists.add, progress, records)
            return
        await self._in_transaction(sqlite_lists.add, replace(progress, finished_utc_ms=None), records)
        chain_id: int | None = 0
        while chain_id is not None:
            chain_id = await self._in_transaction(sqlite_lists.release_chains, progress.list_id, chain_id)
        await self._in_transaction(sqlite_lists.add, progress, ())

    async def fates(self, list_id: ListId, after: RecordId, count_max: int) -> tuple[RecordFate, ...]:
        """See `Store.fates`."""
        found: list[RecordFate] = []
        place: RecordId | None = after
        while place is not None and len(found) < count_max:
            page, place = await self._in_transaction(sqlite_lists.fates, list_id, place, count_max - len(found))
            found += page
        return tuple(found)

    async def list_counts(self, list_id: ListId, utc_ms: int) -> ListCounts:
        """See `Store.list_counts`."""
        rows: list[Row] = []
        place: RecordId | None = 0
        while place is not None:
            part, place = await self._in_transaction(sqlite_looks.list_counts, list_id, utc_ms, place)
            rows += part
        return counts_of(rows)

    async def records(self, list_id: ListId, after: RecordId, count_max: int) -> tuple[StoredRecord, ...]:
        """See `Store.records`."""
        found: list[StoredRecord] = []
        place: RecordId | None = after
        while place is not None and len(found) < count_max:
            page, place = await self._in_transaction(sqlite_looks.records, list_id, place, count_max - len(found))
            found += page
        return tuple(found)

    async def find_records(self, record_id: RecordId, numbers: Sequence[str]) -> tuple[StoredRecord, ...]:
        """See `Store.find_records`."""
        return await self._in_transaction(sqlite_looks.find_records, record_id, numbers)

    async def chain(self, list_id: ListId, chain_id: int, count_max: int) -> tuple[StoredRecord, ...]:
        """See `Store.chain`."""
        return await self._in_transaction(sqlite_looks.chain, list_id, chain_id, count_max)

    async def attempts(self, record_id: RecordId) -> tuple[StoredAttempt, ...]:
        """See `Store.attempts`."""
        return await self._in_transaction(sqlite_looks.attempts, record_id)

    async def words(self, record_id: RecordId) -> tuple[StoredWord, ...]:
        """See `Store.words`."""
        return await self._in_transaction(sqlite_looks.words, record_id)

    async def read(self, statement: str, take: Callable[[Sequence[Row]], None], limit_s: float | None = None) -> None:
        """See `Store.read`."""
        limit = sqlite_reports.Limit(limit_s)
        cursor = await self._in_thread(self._begin_reading, statement, limit)
        try:
            while rows := await self._in_thread(self._some, cursor, limit):
                take(rows)
        finally:
            await self._in_thread(cursor.close)

    async def settled(
        self, from_utc_ms: int, till_utc_ms: int, after: AttemptPlace, count_max: int
    ) -> tuple[StoredAttempt, ...]:
        """See `Store.settled`."""
        return await self._in_transaction(sqlite_looks.settled, from_utc_ms, till_utc_ms, after, count_max)

    async def abandonment(self, since_utc_ms: int) -> tuple[LedgerRow, ...]:
        """See `Store.abandonment`."""
        return await self._in_transaction(sqlite_looks.abandonment, since_utc_ms)

    async def facts(self, numbers: Sequence[str], utc_ms: int) -> Mapping[str, NumberFacts]:
        """See `Store.facts`."""
        return facts_by_number(await self._in_transaction(sqlite_claim.facts, list(numbers), utc_ms), utc_ms)

    async def reset(self, list_id: ListId, statuses: Collection[RecordStatus]) -> int:
        """See `Store.reset`."""
        total = 0
        for part in (sqlite_looks.reset_singles, sqlite_looks.reset_chains):
            after: int | None = 0
            while after is not None:
                count, after = await self._in_transaction(part, list_id, statuses, after)
                total += count
        return total

    async def add_record(self, new: NewRecord) -> RecordId:
        """See `Store.add_record`."""
        return await self._in_transaction(sqlite_singles.add_record, new)

    async def cancel_record(self, record_id: RecordId, utc_ms: int) -> Cancelling:
        """See `Store.cancel_record`."""
        return await self._in_transaction(sqlite_singles.cancel_record, record_id, utc_ms)

    async def consent(self, given: Sequence[Consent]) -> tuple[Consenting, ...]:
        """See `Store.consent`."""
        return await self._in_transaction(sqlite_singles.consent, given)

    async def forbid(self, addition: Addition, entries: Sequence[str]) -> int:
        """See `Store.forbid`."""
        return await self._in_transaction(sqlite_do_not_call.forbid, addition, entries)

    async def allow(self, list_name: str | None, entries: Sequence[str], removed_by: str, utc_ms: int) -> int:
        """See `Store.allow`."""
        return await self._in_transaction(sqlite_do_not_call.allow, list_name, entries, removed_by, utc_ms)

    async def allow_unseen(self, list_name: str, before_utc_ms: int, removed_by: str, utc_ms: int) -> int:
        """See `Store.allow_unseen`."""
        total = 0
        after: int | None = 0
        while after is not None:
            count, after = await self._in_transaction(
                sqlite_do_not_call.allow_unseen, list_name, before_utc_ms, removed_by, utc_ms, after
            )
            total += count
        return total

    async def forbidden(self, entries: Sequence[str]) -> tuple[Forbidden, ...]:
        """See `Store.forbidden`."""
        return await self._in_transaction(sqlite_do_not_call.history, entries)

    async def forbidding(self, entries: Sequence[str], list_names: Collection[str], utc_ms: int) -> Found:
        """See `Store.forbidding`."""
        return await self._in_transaction(sqlite_do_not_call.look_up, entries, list_names, utc_ms)

    async def forbidden_lists(self, utc_ms: int) -> tuple[ForbiddenList, ...]:
        """See `Store.forbidden_lists`."""
        parts: list[ForbiddenList] = []
        place: int | None = 0
        while place is not None:
            part, place = await self._in_transaction(sqlite_do_not_call.lists, utc_ms, place)
            parts += part
        return together(parts)

    async def carry_out(self, steps: Sequence[Step]) -> list[list[Row]]:
        """See `Steps.carry_out`."""
        return await self._in_transaction(sqlite_steps.carry_out, steps)

    async def setting_overrides(self, server: str) -> tuple[Override, ...]:
        """See `OverrideStore.setting_overrides`."""
        return await self._in_transaction(sqlite_overrides.setting_overrides, server)

    async def change_settings(self, server: str, kept: Sequence[Override], taken_back: Sequence[Place]) -> None:
        """See `OverrideStore.change_settings`."""
        await self._in_transaction(sqlite_overrides.change_settings, server, kept, taken_back)

    async def close(self) -> None:
        """See `Store.close`."""
        thread, self._thread = self._thread, None
        if thread is not None:
            try:
                await asyncio.get_running_loop().run_in_executor(thread, self._close)
            finally:
                thread.shutdown(wait=False)

    async def _in_transaction(
        self, work: Callable[[sqlite3.Connection, *_Arguments], _Answer], *arguments: *_Arguments
    ) -> _Answer:
        """Do some work in the thread, in a transaction of its own."""

        def in_transaction() -> _Answer:
            with self._transaction() as connection:
                return work(connection, *arguments)

        return await self._in_thread(in_transaction)

    async def _in_thread(self, work: Callable[[*_Arguments], _Answer], *arguments: *_Arguments) -> _Answer:
        def in_our_words() -> _Answer:
            with errors_of(self.path):
                return work(*arguments)

        if self._thread is None:
            raise StoreUnavailable(f"{self.path}: is not open")
        return await asyncio.get_running_loop().run_in_executor(self._thread, in_our_words)

    # --- in the thread -------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        assert self._connection is not None
        with transaction(self._connection):
            yield self._connection

    def _connect(self) -> None:
        self._server, self._epoch = "", 0
        self._lock = FileLock(self.path)
        self._connection = connect(self.path)

    def _start(self, server: str, utc_ms: int, stale_ms: Millis, left: LeftBehind) -> Opened:
        for earlier, changes in left:
            with self._transaction() as connection:
                sqlite_write.write(connection, server, earlier, changes)
        with self._transaction() as connection:
            epoch = sqlite_write.take_epoch(connection, server, utc_ms)
            returned, stale = sqlite_write.clear_up(connection, epoch, utc_ms + stale_ms)
        self._server, self._epoch, self._between = server, epoch, BetweenClaims()
        return Opened(epoch, returned, stale)

    def _begin_reading(self, statement: str, limit: sqlite_reports.Limit) -> sqlite3.Cursor:
        assert self._connection is not None
        with limit.within(self._connection):
            return sqlite_reports.begin(self._connection, statement)

    def _some(self, cursor: sqlite3.Cursor, limit: sqlite_reports.Limit) -> list[Row]:
        assert self._connection is not None
        with limit.within(self._connection):
            return sqlite_reports.some(cursor)

    def _claim(self, request: ClaimRequest | CallbackRequest) -> Claimed:
        between = self._between.copy()
        with self._transaction() as connection:
            if not sqlite_write.is_current(connection, self._server, self._epoch):
                raise self._epoch_lost()
            if isinstance(request, CallbackRequest):
                return sqlite_claim.claim_callbacks(connection, self._epoch, request)
            claimed = sqlite_claim.claim(connection, self._epoch, between, request)
        self._between = between
        return claimed

    def _write(self, changes: Sequence[Change]) -> None:
        with self._transaction() as connection:
            is_ours = sqlite_write.write(connection, self._server, self._epoch, changes)
        if not is_ours:
            raise self._epoch_lost()

    def _epoch_lost(self) -> EpochLost:
        return EpochLost(f"{self.path}: another start of server {self._server} has taken over")

    def _close(self) -> None:
        try:
            if self._connection is not None:
                self._connection.close()
        finally:
            self._connection = None
            if self._lock is not None:
                self._lock.release()
            self._lock = None
