"""A store that takes changes even while the database is away.

Changes go to the database, or into the spool while it does not answer; either way they are durable when `write`
returns. When the database is back, the spool is written in order, then emptied; only then changes go to the database
again, and only then records are claimed.

Invariant: the database is asked for one thing at a time. What has an uncertain fate (the connection broke during a
    commit) is in the spool and is written again before anything else, in particular before a claim could take what it
    gives back.
"""

import asyncio
import contextlib
import random as dice
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from structlog.typing import FilteringBoundLogger

from outdial.core.errors import OutdialError
from outdial.core.records import Chain
from outdial.drivers.backoff import longest_pause_s
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest
from outdial.store.do_not_call import Objections
from outdial.store.interface import Change, EpochLost, Store, StoreUnavailable
from outdial.store.spool import Spool, SpoolError

PATIENCE_S = 2.0
"""Silence that makes the database count as away. Unit: seconds. Ours: well below the core's `accept-timeout-s`."""

SELECTION_PATIENCE = 5
"""How many times as long as for others is waited for a claim that filters or orders: it looks at many records. Ours."""

T = TypeVar("T")


class SpoolFull(OutdialError):
    """The database has been away for so long that there is no room for what further calls would bring."""

    code = "spool_full"


class SteadyStore:
    """One database and its spool.

    Attributes:
        why_away: why the database counts as away; empty: it does not.
        failure: why no further call may be made; None: nothing is wrong.
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        epoch: int,
        log: FilteringBoundLogger,
        *,
        on_failure: Callable[[Exception], None],
        on_unclaimed: Callable[[tuple[Chain, ...]], None],
        random: Callable[[], float] = dice.random,
        patience_s: float = PATIENCE_S,
        on_answer: Callable[[str, float], None] | None = None,
    ) -> None:
        """Nothing is asked yet.

        Args:
            store: an open store; its owner closes it.
            spool: an open, empty spool; its owner closes it.
            epoch: number of this start.
            log: told when the database goes and when it is back.
            on_failure: told once, when no further call may be made.
            on_unclaimed: told of chains that may have been claimed for nobody; they have to be returned.
            random: draws from 0 up to 1, for the pauses between tries.
            patience_s: silence that makes the database count as away. Unit: seconds.
            on_answer: told what was asked (`write`, `claim`, `look`, `sample`) and how long the answer took, also when
                it was no good, or none. Unit: seconds.
        """
        self.why_away = ""
        self.failure: Exception | None = None
        self._store = store
        self._spool = spool
        self._epoch = epoch
        self._log = log
        self._on_failure = on_failure
        self._on_unclaimed = on_unclaimed
        self._random = random
        self._patience_s = patience_s
        self._on_answer = on_answer
        self._asked: asyncio.Task[object] | None = None
        """What the database has not answered in time and may still do."""
        self._is_broken = False
        """The database refuses, and trying again does not help: everything is kept for the next start."""
        self._file_lock = asyncio.Lock()
        self._catching_up: asyncio.Task[None] | None = None

    @property
    def is_direct(self) -> bool:
        """Whether the database may be asked: it is not busy with an earlier question, and nothing waits before."""
        return self._spool.is_empty and not self._is_broken and (self._asked is None or self._asked.done())

    # --- asking --------------------------------------------------------------------------------------------------

    async def write(self, changes: Sequence[Change]) -> bool:
        """Make changes durable. Returns whether they are; if not, `failure` says why: they have to be given again."""
        if self.is_direct and await self._try(changes):
            return True
        return await self._keep(changes)

    async def claim(self, request: ClaimRequest | CallbackRequest) -> Claimed:
        """Claim chains.

        Raises:
            StoreUnavailable: the database is away, or has not taken everything yet that came before.
            Exception: no further call may be made; `failure` says so.
        """
        if not self.is_direct:
            raise StoreUnavailable(self.why_away or "the database has not taken everything yet")
        task = asyncio.ensure_future(self._store.claim(request))
        try:
            is_selecting = isinstance(request, ClaimRequest) and bool(request.selections)
            claimed = await self._answer("claim", task, SELECTION_PATIENCE if is_selecting else 1)
        except StoreUnavailable as error:
            self._gone(str(error))
            if task.done():
                self._on_unclaimed(error.chains)
            else:
                task.add_done_callback(self._claimed_late)
            raise
        except Exception as error:
            self._fail(error)
            raise
        self._there()
        return claimed

    async def objections(self, seq: int, utc_ms: int) -> Objections:
        """Ask for claimed records that must not be dialed any more. Arguments: see `Store.objections`.

        Raises:
            StoreUnavailable: the database is away, or has not taken everything yet that came before.
            Exception: no further call may be made; `failure` says so.
        """
        if not self.is_direct:
            raise StoreUnavailable(self.why_away or "the database has not taken everything yet")
        try:
            found = await self._answer("look", asyncio.ensure_future(self._store.objections(seq, utc_ms)))
        except StoreUnavailable as error:
            self._gone(str(error))
            raise
        except Exception as error:
            self._fail(error)
            raise
        self._there()
        return found

    async def offer(self, work: Callable[[Store], Awaitable[object]]) -> bool:
        """Ask the database for something that may be left out: it is never kept for later. Returns whether it was done.

        Failures are no reason to stop dialing.
        """
        if not self.is_direct:
            return False
        try:
            await self._answer("sample", asyncio.ensure_future(work(self._store)))
        except StoreUnavailable as error:
            self._gone(str(error))
            return False
        except Exception as error:  # wrong rights, a bug: the next change will tell
            self._log.warning("left out", what=repr(error))
            return False
        self._there()
        return True

    def _claimed_late(self, task: "asyncio.Future[Claimed]") -> None:
        """Nobody waits for these chains any more."""
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._on_unclaimed(task.result().chains)
        elif isinstance(error, StoreUnavailable):
            self._on_unclaimed(error.chains)

    async def _try(self, changes: Sequence[Change]) -> bool:
        """Ask the database to write. Returns whether it has, for certain."""
        try:
            await self._answer("write", asyncio.ensure_future(self._store.write(changes)))
        except StoreUnavailable as error:
            self._gone(str(error))
            return False
        except EpochLost as error:  # what may be written has been
            self._fail(error)
        except Exception as error:  # wrong rights, a full disk, a bug: nothing is lost, nothing is tried again
            self._is_broken = True
            self._gone(str(error))
            self._fail(error)
            return False
        self._there()
        return True

    async def _answer(self, what: str, task: "asyncio.Task[T]", times: int = 1) -> T:
        """Wait for the database, but not forever; what it is still busy with is not disturbed."""
        began_s = time.perf_counter()
        await asyncio.wait({task}, timeout=times * self._patience_s)
        if self._on_answer is not None:
            self._on_answer(what, time.perf_counter() - began_s)
        if not task.done():
            self._asked = task
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            raise StoreUnavailable(f"no answer within {times * self._patience_s:g} s")
        return task.result()

    # --- being away ----------------------------------------------------------------------------------------------

    async def _keep(self, changes: Sequence[Change]) -> bool:
        """Put changes into the spool. Returns whether they are there."""
        try:
            async with self._file_lock:
                await asyncio.to_thread(self._spool.append, self._epoch, changes)
        except SpoolError as error:
            self._fail(error)
            return False
        if self._spool.is_full:
            away = f"the database is away ({self.why_away})"
            self._fail(SpoolFull(f"{self._spool.path}: {self._spool.bytes_max:,} bytes are reached, and {away}"))
        if self._catching_up is None and not self._is_broken:
            self._catching_up = asyncio.ensure_future(self._catch_up())
        return True

    async def _catch_up(self) -> None:
        """Try to write what the spool holds until the database has taken it all."""
        failures, written = 1, 0
        try:
            while not self._is_broken:
                await pause(longest_pause_s(failures) * self._random())
                if self._asked is not None:
                    await asyncio.wait({self._asked})
                failures += 1
                while changes := await self._first_kept():
                    if not await self._try(changes):
                        break
                    failures, written = 1, written + len(changes)
                    self._spool.advance()
                if self._spool.is_empty:
                    self._log.info("spool written", changes=written)
                    return
        except SpoolError as error:
            self._is_broken = True
            self._fail(error)
        finally:
            self._catching_up = None

    async def _first_kept(self) -> Sequence[Change]:
        """The first changes in the spool; when there are none, it is emptied."""
        async with self._file_lock:
            changes = await asyncio.to_thread(self._spool.read)
            if not changes:
                await asyncio.to_thread(self._spool.clear)
            return changes

    async def caught_up(self, seconds: float) -> bool:
        """Wait until the spool has been written, at most so long, then stop trying. Returns whether it has."""
        task = self._catching_up
        if task is not None:
            await asyncio.wait({task}, timeout=seconds)
            task.cancel()
        if self._asked is not None:
            self._asked.cancel()
        return self._spool.is_empty

    def _gone(self, why: str) -> None:
        if not self.why_away:
            self._log.warning("database away", why=why, spool=str(self._spool.path))
        self.why_away = why

    def _there(self) -> None:
        if self.why_away:
            self._log.info("database back")
        self.why_away = ""

    def _fail(self, error: Exception) -> None:
        if self.failure is None:
            self.failure = error
            self._on_failure(error)


async def pause(seconds: float) -> None:
    """Wait for nothing else than time."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.Event().wait(), seconds)
