"""The database of a running server, for others than its dialer.

They share it with the dialer, which must not wait for them: of SQLite there is one connection, and what has been begun
on it is ended first. So they take turns, one of them at a time has something under way, in small pieces; whoever finds
too many waiting is told to come again. PostgreSQL has connections of its own for them, so several take their turns at
once.

Ours (decision 0025).
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast

from outdial.api.problems import Problem
from outdial.config import Loaded
from outdial.core.errors import ConfigError
from outdial.core.units import ListId
from outdial.shared_store import SharedStore
from outdial.store.interface import Store
from outdial.store.read_limit import ReadTooLong

WAITING_MAX = 100
"""Requests that wait for their turn. Unit: requests. Ours: some seconds of work."""
SQLITE_TURNS = 1
POSTGRES_TURNS = 3
"""Of the connections that the store has, without those of the dialer. Unit: connections."""
SQLITE_READ_S_MAX = 1.0
"""Longest query of a report on SQLite: half of the silence after which the database would count as away. Unit: s."""
POSTGRES_READ_S_MAX = 25.0
"""The same on PostgreSQL, where nobody waits: less than an answer may take to begin. Unit: seconds."""
CHANGES_MAX = 2_000
"""Changes that the dialer has not written down yet, above which nobody adds anything. Unit: changes. Ours: a second."""
_OPTION = re.compile(r"(?<![\w-])--(?=[a-z])")
"""What an option of a command begins with."""
_ALLOWED = frozenset(
    (
        *(
            "imports",
            "add_records",
            "fates",
            "list_counts",
            "records",
            "find_records",
            "chain",
            "attempts",
            "words",
            "read",
        ),
        *("settled", "abandonment", "facts", "reset", "add_record", "cancel_record", "forbid", "allow", "allow_unseen"),
        *("consent", "forbidden", "forbidding", "forbidden_lists"),
    )
)
"""What others than the dialer may do."""


class RunningStore:
    """The database, and the configuration that is in effect.

    Attributes:
        shared: what it was made of.
        on_records: told of lists that have got records which may be due.
        looks: the store for requests: a turn for each call, refused when too many wait.
        jobs: the store for what works through a file: a turn for each call, however many wait.
        read_s_max: longest query of a report. Unit: seconds.
    """

    def __init__(
        self,
        shared: SharedStore,
        on_records: Callable[[ListId], None],
        utc_now_ms: Callable[[], int],
    ) -> None:
        """Share a store; its owner closes it.

        Args:
            shared: the store.
            on_records: told of lists that have got records which may be due.
            utc_now_ms: the present instant.
        """
        self.shared = shared
        self.on_records = on_records
        self.utc_now_ms = utc_now_ms
        self.read_s_max = SQLITE_READ_S_MAX if shared.is_single else POSTGRES_READ_S_MAX
        self._turns = asyncio.Semaphore(SQLITE_TURNS if shared.is_single else POSTGRES_TURNS)
        self._waiting = 0
        self._long = asyncio.Lock()
        self.looks = cast("Store", _InTurns(shared.store, self._turn))
        self.jobs = cast("Store", _InTurns(shared.store, self._patient_turn))

    @property
    def loaded(self) -> Loaded:
        """The configuration that is in effect."""
        return self.shared.loaded()

    def check_room(self) -> None:
        """Whether somebody may add something.

        Raises:
            Problem: 503, the database is away; 429, the dialer is behind with its own writing.
        """
        self._check_there()
        if (waiting := self.shared.waiting()) > CHANGES_MAX:
            detail = f"{waiting:,} changes of the dialer are not in the database yet"
            raise Problem(429, "writer_behind", detail, headers={"Retry-After": "2"})

    def _check_there(self) -> None:
        if why := self.shared.why_away():
            detail = f"the database is away: {why}"
            raise Problem(503, "store_unavailable", detail, headers={"Retry-After": "5"})

    @contextlib.asynccontextmanager
    async def long_work(self) -> AsyncIterator[None]:
        """Something that reads much: one at a time.

        Raises:
            Problem: 429, another one is under way; 503, the database is away; 422, it would take too long.
        """
        self._check_there()
        if self._long.locked():
            detail = "another report or preflight is under way; one at a time"
            raise Problem(429, "busy", detail, headers={"Retry-After": "2"})
        async with self._long:
            try:
                yield
            except ReadTooLong as error:
                detail = f"{error}, while calls wait for the same database: choose a shorter period, or use PostgreSQL"
                raise Problem(422, error.code, detail) from error

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise Problem(429, "busy", "too many requests wait for the database", headers={"Retry-After": "2"})
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    @contextlib.asynccontextmanager
    async def _patient_turn(self) -> AsyncIterator[None]:
        async with self._turns:
            yield


class _InTurns:
    """A store whose methods wait for their turn."""

    def __init__(self, store: Store, turn: Callable[[], contextlib.AbstractAsyncContextManager[None]]) -> None:
        self._store = store
        self._turn = turn

    def __getattr__(self, name: str) -> Any:
        if name not in _ALLOWED:
            raise AttributeError(f"{name}: the dialer's alone")
        method = getattr(self._store, name)

        async def in_turn(*arguments: Any, **named: Any) -> Any:
            async with self._turn():
                return await method(*arguments, **named)

        return in_turn


@contextlib.contextmanager
def mistakes_of_request() -> Iterator[None]:
    """What is no configuration's mistake here, but the request's: options of commands are parameters.

    Raises:
        Problem: 422, with the mistakes.
    """
    try:
        yield
    except ConfigError as error:
        mistakes = [_OPTION.sub("", mistake) for mistake in error.mistakes]
        raise Problem(422, "invalid_request", "the request has mistakes", mistakes=mistakes) from error
