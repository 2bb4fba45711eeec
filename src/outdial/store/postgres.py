"""The PostgreSQL store: several servers may share one database.

    postgres_link         connections, time limits, errors
    postgres_statements   what is said to the server
    postgres_claim        claiming
    postgres_changes      changes, and clearing up after earlier starts
    postgres_reports      queries of reports, samples for them
    postgres_steps        statements for the tables that are not the dialer's own
    postgres_singles      records that are added and cancelled one by one
    postgres_do_not_call  numbers that are not called
    postgres_overrides    settings that were changed at run time
    postgres_outbox       messages to other systems

Every transaction that claims or changes records first reads the server's epoch and locks it against change, so no later
start can slip in between. Claims pass over rows that others are claiming (`SKIP LOCKED`): they neither wait for each
other nor get the same chain.

PostgreSQL 14 or newer. The extra `outdial[postgres]` brings the driver, asyncpg.
"""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import asyncpg  # type: ignore[import-untyped]

from outdial.calling_lists import ListedRecord
from outdial.core.records import Chain, NumberFacts
from outdial.core.units import ListId, Millis, RecordId
from outdial.setting_overrides import Override, Place
from outdial.sim.lists import RecordFate, RecordStatus
from outdial.store import postgres_do_not_call as dnc
from outdial.store import postgres_overrides, postgres_singles, postgres_steps
from outdial.store import postgres_statements as sql
from outdial.store.attempt_rows import stored_attempt_of
from outdial.store.between_claims import BetweenClaims
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest
from outdial.store.disposition_rows import word_of
from outdial.store.do_not_call import Addition, Forbidden, ForbiddenList, Found, Objections
from outdial.store.facts import RECENT_MS, facts_by_number
from outdial.store.interface import Change, EpochLost, LeftBehind, StoreError, StoreUnavailable
from outdial.store.ledger_rows import ledger_row_of
from outdial.store.postgres_changes import start, write
from outdial.store.postgres_claim import FACTS, claim, claim_callbacks
from outdial.store.postgres_link import ANSWER_S, CONNECT_S, CONNECTIONS, Connection, Link, Password
from outdial.store.postgres_outbox import PostgresOutbox
from outdial.store.postgres_reports import Reading, add_samples
from outdial.store.read_limit import ReadTooLong
from outdial.store.rows import Row, counts_of, fate_of, import_values, new_record_values, stored_of
from outdial.store.single_records import Cancelling, Consent, Consenting, NewRecord
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
from outdial.store.upgrade import VERSION, VERSION_QUERY, upgrade

OPEN_S = 600.0
"""Longest wait for a step of opening: for tables that are changed, also by another server. Unit: seconds."""
LIST_S = 60.0
"""Longest wait for a page of a list: the table may have many other lists. Unit: seconds."""
REPORT_S = 900.0
"""Longest wait for a query of a report. Unit: seconds."""
SELECT_S = 10.0
"""Longest wait for a claim that filters or orders: it looks at many records. Unit: seconds."""
RESET_AT_ONCE = 5_000
"""Records that are made ready again in one transaction. Unit: records. Ours."""
CHAIN_RECORDS_AT_ONCE = 5_000
"""Records of chains that are looked at in one transaction when an import is finished. Unit: records. Ours."""


class PostgresStore:
    """A `Store` in a PostgreSQL database.

    Attributes:
        where: names database and host, for messages.
        outbox: see `Store.outbox`.
    """

    def __init__(
        self,
        url: str,
        password: Password = None,
        *,
        connections: int = CONNECTIONS,
        connect_s: float = CONNECT_S,
        answer_s: float = ANSWER_S,
    ) -> None:
        """Prepare; nothing is opened yet. Arguments: see `Link`.

        Raises:
            StoreError: the address is none, or holds a password.
        """
        self._link = Link(url, password, connections, connect_s, answer_s)
        self.where = self._link.where
        self._server = ""
        self._epoch = 0
        self._between = BetweenClaims()
        self.outbox = PostgresOutbox(self._link)

    async def open(self, server: str, utc_ms: int, stale_ms: Millis, left: LeftBehind = ()) -> Opened:
        """See `Store.open`."""
        await self.look()
        try:
            for epoch, changes in left:
                await self._link.transaction(partial(write, server=server, epoch=epoch, changes=changes))
            opened: Opened = await self._link.transaction(
                partial(start, server=server, utc_ms=utc_ms, not_before_utc_ms=utc_ms + stale_ms), OPEN_S
            )
        except BaseException:
            await self._link.close()
            raise
        self._link.opened()
        self._server, self._epoch, self._between = server, opened.epoch, BetweenClaims()
        return opened

    async def look(self) -> None:
        """See `Store.look`."""
        self._server, self._epoch = "", 0
        await self._link.open()
        try:
            if await self._link.transaction(_found_version) != VERSION:
                await self._migrate()
        except BaseException:
            await self._link.close()
            raise

    async def _migrate(self) -> None:
        """Let SQLAlchemy make or change the tables, on a connection of its own."""
        from sqlalchemy.exc import DBAPIError
        from sqlalchemy.ext.asyncio import create_async_engine
        from sqlalchemy.pool import NullPool

        engine = create_async_engine("postgresql+asyncpg://", async_creator=self._link.connect, poolclass=NullPool)
        with self._link.translated():
            try:
                async with asyncio.timeout(OPEN_S), engine.begin() as connection:
                    # if this process dies in the middle, another one need not wait for the lock for ever
                    await connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 60000")
                    await connection.run_sync(upgrade)
            except DBAPIError as error:
                raise _driver_error(error) from error
            except StoreError as error:
                raise StoreError(f"{self.where}: {error}") from error

    async def claim(self, request: ClaimRequest | CallbackRequest) -> Claimed:
        """See `Store.claim`."""
        between = self._between
        chains: tuple[Chain, ...] = ()

        async def work(connection: Connection) -> Claimed:
            nonlocal between, chains
            between, chains = self._between.copy(), ()
            if await connection.fetchval(sql.OWN_EPOCH, self._server) != self._epoch:
                raise self._epoch_lost()
            if isinstance(request, CallbackRequest):
                claimed = await claim_callbacks(connection, self._epoch, request)
            else:
                claimed = await claim(connection, self._epoch, between, request)
            chains = claimed.chains
            return claimed

        try:
            selects = isinstance(request, ClaimRequest) and bool(request.selections)
            claimed = await self._link.transaction(work, SELECT_S if selects else None)
        except StoreUnavailable as error:
            raise StoreUnavailable(str(error), chains) from error
        self._between = between
        return claimed

    async def write(self, changes: Sequence[Change]) -> None:
        """See `Store.write`."""
        if changes and not await self._link.transaction(
            partial(write, server=self._server, epoch=self._epoch, changes=changes)
        ):
            raise self._epoch_lost()

    async def objections(self, seq: int, utc_ms: int) -> Objections:
        """See `Store.objections`."""
        return await self._link.transaction(partial(dnc.objections, epoch=self._epoch, seq=seq, utc_ms=utc_ms))

    async def add_port_samples(self, samples: Sequence[PortSample], before_utc_ms: int) -> None:
        """See `Store.add_port_samples`."""
        await self._link.transaction(
            partial(add_samples, epoch=self._epoch, samples=samples, before_utc_ms=before_utc_ms)
        )

    async def imports(self) -> tuple[Import, ...]:
        """See `Store.imports`."""
        rows = await self._link.transaction(lambda connection: connection.fetch(sql.IMPORTS))
        return tuple(Import(*row) for row in rows)

    async def add_records(self, progress: Import, records: Sequence[ListedRecord]) -> None:
        """See `Store.add_records`. Chains are released bit by bit; the import is finished with the last of them."""
        if progress.finished_utc_ms is not None:
            await self._add(dataclasses.replace(progress, finished_utc_ms=None), records)
            after: int | None = 0
            while after is not None:
                after = await self._release_chains(progress.list_id, after)
            records = ()
        await self._add(progress, records)

    async def fates(self, list_id: ListId, after: RecordId, count_max: int) -> tuple[RecordFate, ...]:
        """See `Store.fates`."""
        rows = await self._link.transaction(
            lambda connection: connection.fetch(sql.FATES, list_id, after, count_max), LIST_S
        )
        return tuple(fate_of(row) for row in rows)

    async def list_counts(self, list_id: ListId, utc_ms: int) -> ListCounts:
        """See `Store.list_counts`."""
        return counts_of(await self._fetch(sql.COUNT_LIST, list_id, utc_ms))

    async def records(self, list_id: ListId, after: RecordId, count_max: int) -> tuple[StoredRecord, ...]:
        """See `Store.records`."""
        return tuple(stored_of(row) for row in await self._fetch(sql.RECORDS_OF_LIST, list_id, after, count_max))

    async def find_records(self, record_id: RecordId, numbers: Sequence[str]) -> tuple[StoredRecord, ...]:
        """See `Store.find_records`."""
        return tuple(stored_of(row) for row in await self._fetch(sql.FIND_RECORDS, record_id, numbers))

    async def chain(self, list_id: ListId, chain_id: int, count_max: int) -> tuple[StoredRecord, ...]:
        """See `Store.chain`."""
        return tuple(stored_of(row) for row in await self._fetch(sql.CHAIN, list_id, chain_id, count_max))

    async def attempts(self, record_id: RecordId) -> tuple[StoredAttempt, ...]:
        """See `Store.attempts`."""
        rows = [*await self._fetch(sql.ATTEMPTS_ON, record_id), *await self._fetch(sql.OPEN_ATTEMPTS_ON, record_id)]
        attempts = [stored_attempt_of(row[:-1], row[-1]) for row in reversed(rows)]
        found = {(one.epoch, one.call_id): one for one in attempts}  # one may just have ended
        return tuple(sorted(found.values(), key=lambda one: (one.dialed_utc_ms, one.epoch, one.call_id)))

    async def words(self, record_id: RecordId) -> tuple[StoredWord, ...]:
        """See `Store.words`."""
        return tuple(word_of(row) for row in await self._fetch(sql.WORDS, record_id))

    async def read(self, statement: str, take: Callable[[Sequence[Row]], None], limit_s: float | None = None) -> None:
        """See `Store.read`."""
        began_s = time.monotonic()
        try:
            await self._link.transaction(Reading(statement, take).work, REPORT_S if limit_s is None else limit_s)
        except StoreUnavailable as error:
            if limit_s is not None and time.monotonic() - began_s >= limit_s:
                raise ReadTooLong(limit_s) from error
            raise

    async def settled(
        self, from_utc_ms: int, till_utc_ms: int, after: AttemptPlace, count_max: int
    ) -> tuple[StoredAttempt, ...]:
        """See `Store.settled`."""
        rows = await self._fetch(sql.SETTLED, from_utc_ms, till_utc_ms, *after, count_max)
        return tuple(stored_attempt_of(row) for row in rows)

    async def abandonment(self, since_utc_ms: int) -> tuple[LedgerRow, ...]:
        """See `Store.abandonment`."""
        return tuple(ledger_row_of(row) for row in await self._fetch(sql.LEDGER, since_utc_ms))

    async def facts(self, numbers: Sequence[str], utc_ms: int) -> Mapping[str, NumberFacts]:
        """See `Store.facts`."""
        return facts_by_number(await self._fetch(FACTS, list(numbers), utc_ms - RECENT_MS), utc_ms)

    async def reset(self, list_id: ListId, statuses: Collection[RecordStatus]) -> int:
        """See `Store.reset`."""
        wanted, total, after = [int(status) for status in statuses], 0, 0
        while rows := await self._fetch(sql.RESET_SINGLES, list_id, after, RESET_AT_ONCE, wanted):
            total += len(rows)
            after = max(row[0] for row in rows)
        chain: int | None = 0
        while chain is not None:
            count, chain = await self._reset_chains(list_id, wanted, chain)
            total += count
        return total

    async def _reset_chains(self, list_id: ListId, wanted: list[int], after: int) -> tuple[int, int | None]:
        """Make the next chains of a list ready again. Returns how many records, and the last of the chains."""

        async def work(connection: Connection) -> tuple[int, int | None]:
            last: int | None = await connection.fetchval(sql.LAST_CHAIN, list_id, after, CHAIN_RECORDS_AT_ONCE)
            if last is None:
                return 0, None
            rows = await connection.fetch(sql.RESET_CHAINS, list_id, after, last, wanted)
            await connection.execute(sql.RELEASE_CHAINS, list_id, after, last)
            return len(rows), last

        return await self._link.transaction(work, LIST_S)

    async def _fetch(self, statement: str, *values: object) -> list[Row]:
        """Ask for rows of lists."""
        rows: list[Row] = await self._link.transaction(lambda connection: connection.fetch(statement, *values), LIST_S)
        return rows

    async def add_record(self, new: NewRecord) -> RecordId:
        """See `Store.add_record`."""
        return await self._link.transaction(partial(postgres_singles.add_record, new=new), LIST_S)

    async def cancel_record(self, record_id: RecordId, utc_ms: int) -> Cancelling:
        """See `Store.cancel_record`."""
        return await self._link.transaction(partial(postgres_singles.cancel_record, record_id=record_id, utc_ms=utc_ms))

    async def consent(self, given: Sequence[Consent]) -> tuple[Consenting, ...]:
        """See `Store.consent`."""
        return await self._link.transaction(partial(postgres_singles.consent, given=given), LIST_S)

    async def forbid(self, addition: Addition, entries: Sequence[str]) -> int:
        """See `Store.forbid`."""
        return await self._link.transaction(partial(dnc.forbid, addition=addition, entries=entries), LIST_S)

    async def allow(self, list_name: str | None, entries: Sequence[str], removed_by: str, utc_ms: int) -> int:
        """See `Store.allow`."""
        work = partial(dnc.allow, list_name=list_name, entries=entries, removed_by=removed_by, utc_ms=utc_ms)
        return await self._link.transaction(work, LIST_S)

    async def allow_unseen(self, list_name: str, before_utc_ms: int, removed_by: str, utc_ms: int) -> int:
        """See `Store.allow_unseen`."""
        work = partial(
            dnc.allow_unseen, list_name=list_name, before_utc_ms=before_utc_ms, removed_by=removed_by, utc_ms=utc_ms
        )
        total = 0
        after: int | None = 0
        while after is not None:
            count, after = await self._link.transaction(partial(work, after=after), LIST_S)
            total += count
        return total

    async def forbidden(self, entries: Sequence[str]) -> tuple[Forbidden, ...]:
        """See `Store.forbidden`."""
        return await self._link.transaction(partial(dnc.history, entries=entries), LIST_S)

    async def forbidding(self, entries: Sequence[str], list_names: Collection[str], utc_ms: int) -> Found:
        """See `Store.forbidding`."""
        work = partial(dnc.look_up, entries=entries, list_names=list_names, utc_ms=utc_ms)
        return await self._link.transaction(work, LIST_S)

    async def forbidden_lists(self, utc_ms: int) -> tuple[ForbiddenList, ...]:
        """See `Store.forbidden_lists`."""
        return await self._link.transaction(partial(dnc.lists, utc_ms=utc_ms), LIST_S)

    async def carry_out(self, steps: Sequence[Step]) -> list[list[Row]]:
        """See `Steps.carry_out`."""
        return await self._link.transaction(partial(postgres_steps.carry_out, steps=steps))

    async def setting_overrides(self, server: str) -> tuple[Override, ...]:
        """See `OverrideStore.setting_overrides`."""
        return await self._link.transaction(partial(postgres_overrides.setting_overrides, server=server))

    async def change_settings(self, server: str, kept: Sequence[Override], taken_back: Sequence[Place]) -> None:
        """See `OverrideStore.change_settings`."""
        work = partial(postgres_overrides.change_settings, server=server, kept=kept, taken_back=taken_back)
        await self._link.transaction(work)

    async def close(self) -> None:
        """See `Store.close`."""
        await self._link.close()

    async def _add(self, progress: Import, records: Sequence[ListedRecord]) -> None:
        async def work(connection: Connection) -> None:
            if records:
                await connection.execute(sql.ADD_RECORDS, *sql.transposed(map(new_record_values, records)))
            await connection.execute(sql.SAVE_IMPORT, *import_values(progress))

        await self._link.transaction(work, LIST_S)

    async def _release_chains(self, list_id: ListId, after: int) -> int | None:
        """Release the next chains of a list. Returns the last of them; None: there are no more."""

        async def work(connection: Connection) -> int | None:
            last: int | None = await connection.fetchval(sql.LAST_CHAIN, list_id, after, CHAIN_RECORDS_AT_ONCE)
            if last is not None:
                await connection.execute(sql.RELEASE_CHAINS, list_id, after, last)
            return last

        return await self._link.transaction(work, LIST_S)

    def _epoch_lost(self) -> EpochLost:
        return EpochLost(f"{self.where}: another start of server {self._server} has taken over")


async def _found_version(connection: Connection) -> str | None:
    """The version of the tables that are there. None: there are none, or not one version."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    versions = [row[0] for row in await connection.fetch(VERSION_QUERY)]
    return versions[0] if len(versions) == 1 else None


def _driver_error(error: BaseException) -> BaseException:
    """What asyncpg has said, out of what SQLAlchemy has wrapped around it."""
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, asyncpg.PostgresError | asyncpg.InterfaceError | OSError):
        inner = inner.__cause__
    return inner or error
