"""The records of a running server: its database, its spool, and the files that fill its calling lists.

Records are in the database alone; of a list of millions the server has in memory what its groups will dial next. A file
is read into its list once. Then what is in the database counts, and the next start goes on with it.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from structlog.typing import FilteringBoundLogger

from outdial.api.credentials import AccessRecords
from outdial.config import Loaded
from outdial.config.loaded import Database, Serve
from outdial.config.number_zones import chains_with_zones, load_all_zones
from outdial.config.selections import unknown_columns
from outdial.configured_store import make_store
from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import Command
from outdial.core.errors import ConfigError
from outdial.core.events import Event, RecordsFetched
from outdial.core.settings import CallingList
from outdial.core.snapshot import Snapshot
from outdial.core.units import CallId, GroupId, ListId, Millis, Now
from outdial.drivers.backoff import longest_pause_s
from outdial.port_sampling import PortSampler
from outdial.results_files import make_folder
from outdial.selection.terms import Selection
from outdial.shared_store import SharedStore
from outdial.store.access_rows import StoredAccess
from outdial.store.interface import Store, StoreUnavailable
from outdial.store.listing import digest_of, read_into
from outdial.store.outbox import MessageDue
from outdial.store.spool import Spool
from outdial.store.steady import pause
from outdial.store.stored import Import, LedgerRow, Opened, PortSample
from outdial.store.writer import StoreWriter
from outdial.world_lists import rejection_notes

OPEN_S_MAX = 60.0
"""Longest wait for a database that does not answer at the start. Unit: seconds. Origin: both machines boot at once."""
LAST_S_MAX = 10.0
"""Longest wait at the end for what has to be written down. Unit: seconds."""
LOOK_S = 1.0
"""Pause between two looks for records that must not be dialed any more. Unit: seconds."""
RECORDS_LOOKED_AT = 1_000
"""Records of a list in which the columns are looked for that a filter names. Unit: records."""


class ServeRecords:
    """The database of a running server.

    Attributes:
        epoch: number of this start.
        count: records of the lists in the configuration.
        lists: every list that this run has had; the keys.
        store: the database itself, for those who only look at it.
        on_answer: told how long the database took; see `SteadyStore`. None: nobody is.
        announce: whom else a command concerns; see `StoreWriter`.
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        opened: Opened,
        log: FilteringBoundLogger,
        samples_ms: Millis,
    ) -> None:
        """Take over an open store and its spool; both are closed by `close`. Samples are kept for `samples_ms`."""
        self.epoch = opened.epoch
        self.count = 0
        self.store = store
        self._spool = spool
        self._log = log
        self.lists: dict[ListId, None] = {}
        self._by_number: frozenset[ListId] = frozenset()
        """Lists whose records get the zones of their numbers: on their way to the core, the database has none."""
        self._selections: Mapping[GroupId, Mapping[ListId, Selection]] = {}
        """Which records each campaign group wants."""
        self._writer: StoreWriter | None = None
        self._sampler = PortSampler()
        self._samples_ms = samples_ms
        self._being_read: set[ListId] = set()
        """Lists that a file is being read into."""
        self._writing: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self.on_answer: Callable[[str, float], None] | None = None
        self.announce: Callable[[Now, Command], Sequence[MessageDue]] = lambda now, command: ()

    # --- calling lists -------------------------------------------------------------------------------------------

    @property
    def access(self) -> AccessRecords:
        """Who may use the API, and the audit, in the same database."""
        return StoredAccess(self.store)

    async def add_lists(self, loaded: Loaded) -> list[str]:
        """Read the files of lists that are new in the database. Returns notes for the operator.

        Raises:
            ConfigError: files that are not usable: all of them.
            StoreUnavailable: the database does not answer.
        """
        known = await self.store.imports()
        notes: list[str] = []
        mistakes: list[str] = []
        for calling_list in loaded.configuration.calling_lists:
            file = loaded.list_files[calling_list.dbid]
            imports = [each for each in known if each.list_id == calling_list.dbid]
            if isinstance(file, Path):
                try:
                    notes += await self._add_list(loaded, calling_list, file, imports)
                except ConfigError as error:
                    mistakes += error.mistakes
        if mistakes:
            raise ConfigError(mistakes)
        wanted = dict.fromkeys(calling_list.dbid for calling_list in loaded.configuration.calling_lists)
        self.lists |= wanted
        await self._check_selections(loaded)
        await self._find_zones(loaded)
        self.count = sum(each.records for each in await self.store.imports() if each.list_id in wanted)
        return notes

    async def _check_selections(self, loaded: Loaded) -> None:
        """Campaigns ask for columns that the records of their lists have."""
        names = {campaign.dbid: campaign.name for campaign in loaded.configuration.campaigns}
        wrong: list[str] = []
        for list_id in dict.fromkeys(list_id for by_list in loaded.selections.values() for list_id in by_list):
            found = await self.store.records(list_id, 0, RECORDS_LOOKED_AT)
            columns = dict.fromkeys(column for record in found for column in record.custom)
            if found:
                wrong += unknown_columns(loaded.selections, names, list_id, columns)
        if wrong:
            raise ConfigError([f"{loaded.file}: {each}" for each in wrong])
        groups = loaded.configuration.campaign_groups
        self._selections = {group.dbid: loaded.selections.get(group.campaign, {}) for group in groups}

    async def _find_zones(self, loaded: Loaded) -> None:
        lists = loaded.configuration.calling_lists
        by_number = frozenset(calling_list.dbid for calling_list in lists if calling_list.zone_by_number)
        if by_number:
            await asyncio.to_thread(load_all_zones)
        self._by_number = by_number

    async def _add_list(
        self, loaded: Loaded, calling_list: CallingList, file: Path, imports: list[Import]
    ) -> list[str]:
        list_id, began_s = calling_list.dbid, time.monotonic()
        if any(each.finished_utc_ms for each in imports) and not file.exists():
            return []  # the configuration's notes say that it is not there, and nobody needs it
        digest = await asyncio.to_thread(digest_of, file)
        same = [each for each in imports if each.digest == digest]
        if any(each.finished_utc_ms for each in imports):
            where = f"{loaded.file}: calling-list[{calling_list.name}].file"
            changed = f"{where}: {file} is not what was read into the list; the list stays as it is in the database"
            return [] if same else [changed]
        begun = same[0] if same else Import(list_id, str(file), digest)
        if list_id in self._being_read:
            raise ConfigError([f"{file}: another file is being read into {calling_list.name}; wait for its end"])
        self._being_read.add(list_id)
        try:
            counts = await read_into(self.store, calling_list, file, begun, _utc_ms())
        finally:
            self._being_read.discard(list_id)
        seconds = round(time.monotonic() - began_s, 1)
        self._log.info("list read", list=calling_list.name, file=str(file), records=counts.loaded, seconds=seconds)
        return rejection_notes(file, counts)

    async def abandonment(self, since_utc_ms: int) -> tuple[LedgerRow, ...]:
        """The ledger of abandoned calls: see `Store.abandonment`."""
        return await self.store.abandonment(since_utc_ms)

    def shared(self, loaded: Callable[[], Loaded]) -> SharedStore:
        """The database for others than the dialer. `loaded`: gives the configuration that is in effect."""
        serve = loaded().serve
        return SharedStore(
            store=self.store,
            is_single=serve.database.file is not None,
            loaded=loaded,
            why_away=self.why_away,
            waiting=lambda: 0 if self._writer is None else self._writer.waiting,
            folder=serve.results_dir / "imports",
            log=self._log,
            being_read=self._being_read,
        )

    # --- while it runs -------------------------------------------------------------------------------------------

    def begin(
        self,
        *,
        submit: Callable[[Event], None],
        pass_on: Callable[[Command], object],
        attempt_n: Callable[[CallId], int],
        on_failure: Callable[[Exception], None],
        on_crash: Callable[[], None],
    ) -> None:
        """Start to write. Arguments: see `StoreWriter`; `on_crash` is told of a bug, which `raise_crash` raises."""

        def tell(event: Event) -> None:
            if self._by_number and isinstance(event, RecordsFetched | CallbacksFetched):
                event = replace(event, chains=chains_with_zones(event.chains, self._by_number))
            submit(event)

        self._writer = StoreWriter(
            self.store,
            self._spool,
            self.epoch,
            self._log,
            submit=tell,
            pass_on=pass_on,
            attempt_n=attempt_n,
            on_failure=on_failure,
            selections=lambda group_id: self._selections.get(group_id, {}),
            on_answer=self.on_answer,
            announce=self.announce,
        )
        self._writing = asyncio.create_task(self._writer.run())
        self._writing.add_done_callback(lambda _: on_crash())
        self._looking = asyncio.create_task(self._look_again_and_again(self._writer))

    async def _look_again_and_again(self, writer: StoreWriter) -> None:
        """Numbers may come onto do-not-call lists, and records may be cancelled, by others than this server."""
        while True:
            writer.look(_utc_ms())
            await pause(LOOK_S)

    def carry_out(self, now: Now, command: Command) -> bool:
        """Carry out a command if it is one to the database, or waits for it. Returns whether it is."""
        assert self._writer is not None
        return self._writer.carry_out(now, command)

    def tell(self, messages: Sequence[MessageDue]) -> None:
        """Have messages to other systems written down."""
        if self._writer is not None:
            self._writer.tell(messages)

    def look(self, snapshot: Snapshot) -> None:
        """Take a look at the dialer for the samples of ports."""
        self._sample(self._sampler.look(snapshot))

    def _sample(self, samples: tuple[PortSample, ...]) -> None:
        if self._writer is not None and samples:
            self._writer.sample(samples, samples[0].utc_ms - self._samples_ms)

    def stop_dialing(self) -> None:
        """No call leaves any more: the core has gone."""
        if self._writer is not None:
            self._writer.stop_dialing()

    @property
    def has_crashed(self) -> bool:
        """Whether a bug has ended the writing."""
        return self._writing is not None and self._writing.done() and self._writing.exception() is not None

    def raise_crash(self) -> None:
        """Raise the bug that has ended the writing, if there is one."""
        if self._writing is not None and self._writing.done():
            self._writing.result()

    def why_away(self) -> str:
        """Why the database counts as away; empty: it does not."""
        return self._writer.why_away if self._writer is not None else ""

    def counts(self) -> dict[str, Any]:
        """Figures for the summary."""
        return {
            "database_away": self.why_away() or None,
            "samples_left_out": (self._writer and self._writer.samples_left_out) or None,
        }

    def figures(self) -> dict[str, float]:
        """Metrics of the database, without labels."""
        return {
            "outdial_store_up": not self.why_away(),
            "outdial_store_waiting_changes": 0 if self._writer is None else self._writer.waiting,
            "outdial_spool_bytes": self._spool.bytes_kept,
        }

    # --- the end -------------------------------------------------------------------------------------------------

    async def finish(self) -> None:
        """Let no further call go, write down everything that is left."""
        if self._writer is None or self._writing is None:
            return
        self.stop_dialing()
        if self._looking is not None:
            self._looking.cancel()
        self._writer.log_agents_out(_utc_ms())
        self._sample(self._sampler.rest())
        self._writer.close()
        if self._writing.done():
            self._writing = asyncio.create_task(self._writer.run())
        await asyncio.wait({self._writing}, timeout=LAST_S_MAX)
        if self._writer.waiting:
            self._log.error(
                "changes lost", changes=self._writer.waiting, consequence="the next start takes them for stale"
            )
        if not self._writing.done():
            self._writing.cancel()
        if not await self._writer.caught_up(LAST_S_MAX):
            self._log.warning(
                "database lacks changes", spool=str(self._spool.path), consequence="the next start writes them"
            )

    async def close(self) -> None:
        """Let go of database and spool."""
        await self.store.close()
        self._spool.close()


async def open_records(serve: Serve, log: FilteringBoundLogger) -> ServeRecords:
    """Open the database of the configuration; write what an earlier process has left in the spool.

    Raises:
        ResultsError: the folder for results cannot be made.
        StoreError: the database cannot be used.
        StoreUnavailable: it does not answer for a minute.
        SpoolError: the spool cannot be used.
    """
    store = make_store(serve.database)
    make_folder(serve.results_dir)
    folder = serve.results_dir / "spool"
    spool = Spool(folder / f"{serve.server_name}.jsonl", serve.server_name, _identity(serve.database, folder))
    try:
        is_left = not spool.is_empty
        opened = await _open(store, spool, serve, log)
        if is_left:
            spool.clear()
            log.info("spool written", spool=str(spool.path))
    except BaseException:
        spool.close()
        raise
    tell = log.warning if opened.stale else log.info
    tell(
        "database opened",
        database=str(serve.database),
        server_name=serve.server_name,
        epoch=opened.epoch,
        returned_records=opened.returned,
        stale_attempts=opened.stale,
    )
    return ServeRecords(store, spool, opened, log, serve.samples_ms)


async def _open(store: Store, spool: Spool, serve: Serve, log: FilteringBoundLogger) -> Opened:
    """Open a store, however long it does not answer within reason."""
    failures, until_s = 0, time.monotonic() + OPEN_S_MAX
    while True:
        try:
            return await store.open(serve.server_name, _utc_ms(), serve.stale_ms, spool.batches())
        except StoreUnavailable as error:
            failures += 1
            if time.monotonic() > until_s:
                raise
            if failures == 1:
                log.warning("database away", why=str(error))
        await pause(longest_pause_s(failures) * random.random())


def _identity(database: Database, folder: Path) -> str:
    """What the spool calls the database: the same as long as both stay where they are to each other."""
    if database.file is None:
        return database.url
    return f"sqlite:///{os.path.relpath(database.file.resolve(), folder.resolve())}"


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000
