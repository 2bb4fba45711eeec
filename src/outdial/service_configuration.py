"""The configuration of a running server: what is in effect, and every way in which it becomes another one.

The file is read again (SIGHUP), it is replaced over the API, or settings are changed on top of it. All of that comes
one after the other: each is read and checked beside the loop, as calls go on, kept where it has to be kept, and takes
effect in the service's own loop, between two looks. With mistakes everything stays as it is.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from structlog.typing import FilteringBoundLogger

from outdial.api.credentials import AuditEntry
from outdial.core.errors import ConfigError, OutdialError
from outdial.serve_access import utc_ms
from outdial.serve_records import ServeRecords
from outdial.serve_setup import Setup, read_setup, read_setup_with, unchanged_notes
from outdial.setting_overrides import Override, Place

WAITING_MAX = 100
"""Changes that may wait for each other. Ours: people make them."""


class ServerEnds(OutdialError):
    """The server comes to its end and takes no changes any more."""

    code = "server_ends"


class TooManyChanges(OutdialError):
    """So many changes wait already that this one is not taken."""

    code = "busy"
    retriable = True


class Told(Protocol):
    """Who is told that the configuration is being read."""

    def reloading(self) -> None:
        """It begins."""
        ...

    def reloaded(self) -> None:
        """It is over, with whatever result."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Wanted:
    """A change that waits, or is being read."""

    read: Callable[[], Coroutine[Any, Any, Setup]]
    answer: "asyncio.Future[Setup] | None"
    """Who waits for it; None: nobody, and the log is told."""


class ServiceConfiguration:
    """What is in effect, and what waits to be.

    Attributes:
        path: the configuration file.
        server: name of this server in the database.
        setup: what is in effect.
        records: the database, which has what was changed at run time, too.
    """

    def __init__(
        self,
        path: Path,
        setup: Setup,
        records: ServeRecords,
        log: FilteringBoundLogger,
        told: Told,
        wake: Callable[[], None],
    ) -> None:
        """Nothing waits. `wake` is called when there is something for `follow`."""
        self.path = path
        self.setup = setup
        self.server = setup.loaded.serve.server_name
        self.records = records
        self._log = log
        self._told = told
        self._waiting: deque[_Wanted] = deque()
        self._current: tuple[_Wanted, asyncio.Task[Setup]] | None = None
        self._is_reload_wanted = False
        self._is_closed = False
        self._noting: asyncio.Task[None] | None = None
        self._wake = wake

    def reload(self) -> None:
        """Read the file again. Said several times before that has begun, it is read once."""
        self._is_reload_wanted = True
        self._wake()

    async def change(self, read: Callable[[], Coroutine[Any, Any, Setup]]) -> Setup:
        """Have another configuration take effect, when its turn has come.

        Args:
            read: reads and checks it, and keeps what has to be kept. Nothing else changes meanwhile.

        Raises:
            OutdialError: what `read` raises, or the server ends: nothing has changed.
        """
        if self._is_closed:
            raise ServerEnds("the server comes to its end")
        if len(self._waiting) >= WAITING_MAX:
            raise TooManyChanges(f"{WAITING_MAX} changes wait already")
        answer: asyncio.Future[Setup] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Wanted(read, answer))
        self._wake()
        return await answer

    async def follow(self, take_effect: Callable[[Setup], Awaitable[None]]) -> None:
        """One step of whatever waits: begin to read, or take effect. Call it again and again."""
        if self._current is None:
            wanted = self._next()
            if wanted is not None:
                self._told.reloading()
                task = asyncio.create_task(wanted.read())
                task.add_done_callback(lambda _: self._wake())
                self._current = wanted, task
            return
        wanted, task = self._current
        if not task.done():
            return
        self._current = None
        try:
            setup = task.result()
            before, self.setup = self.setup, setup
            await take_effect(before)
            for note in (*setup.notes, *unchanged_notes(before, setup)):
                self._log.warning("note", text=note)
            if wanted.answer is None:
                self._log.info("reloaded", configuration=str(self.path))
                self._noting = asyncio.create_task(self._note_reload())
            elif not wanted.answer.done():
                wanted.answer.set_result(setup)
        except OutdialError as error:
            self._refused(wanted, error)
        except BaseException as error:
            if wanted.answer is not None and not wanted.answer.done():
                wanted.answer.set_exception(ServerEnds(f"the server ends by a bug: {error!r}"))
            raise
        finally:
            self._told.reloaded()

    async def read_changed(
        self, overrides: Sequence[Override], kept: Sequence[Override], taken_back: Sequence[Place]
    ) -> Setup:
        """See `outdial.changed_settings.Changing.read_changed`.

        What was left out of other objects stays so; what the operator has been told of the file is not news.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        before = self.setup
        objects = {(each.kind, each.dbid) for each in (*taken_back, *(override.place for override in kept))}
        left_out = tuple(each for each in before.left_out if (each[0].place.kind, each[0].place.dbid) not in objects)
        setup = await asyncio.to_thread(read_setup, self.path, before.text, overrides)
        await self.records.store.change_settings(self.server, kept, taken_back)
        return replace(setup, left_out=left_out, notes=())

    def close(self) -> None:
        """Nothing more takes effect."""
        self._is_closed = True
        waiting = [*self._waiting]
        self._waiting.clear()
        if self._current is not None:
            waiting.append(self._current[0])
            self._current[1].cancel()
            self._current = None
        for wanted in waiting:
            if wanted.answer is not None and not wanted.answer.done():
                wanted.answer.set_exception(ServerEnds("the server comes to its end"))

    async def _note_reload(self) -> None:
        """Have the audit know of a reload that nobody asked for over the API. Calls do not wait for it."""
        entry = AuditEntry(utc_ms(), "signal", "signal", "configuration.reload", "configuration", None, None, "")
        with contextlib.suppress(OutdialError):
            await self.records.access.add_audit([entry])

    def _next(self) -> _Wanted | None:
        if self._waiting:
            return self._waiting.popleft()
        if self._is_reload_wanted:
            self._is_reload_wanted = False
            return _Wanted(self.read_again, None)
        return None

    def _refused(self, wanted: _Wanted, error: OutdialError) -> None:
        if wanted.answer is not None:
            if not wanted.answer.done():
                wanted.answer.set_exception(error)
            return
        mistakes = error.mistakes if isinstance(error, ConfigError) else [str(error)]
        self._log.error("not reloaded", configuration=str(self.path), mistakes=mistakes)

    async def read_again(self, text: str | None = None) -> Setup:
        """Read the file, or a text that is to take its place, with what was changed at run time and still fits.

        Raises:
            ConfigError: mistakes: all of them.
            StoreUnavailable: the database does not answer.
        """
        overrides = await self.records.store.setting_overrides(self.server)
        setup = await asyncio.to_thread(read_setup_with, self.path, overrides, text)
        return replace(setup, notes=(*setup.notes, *await self.records.add_lists(setup.loaded)))
