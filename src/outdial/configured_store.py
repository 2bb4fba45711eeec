"""The database of a configuration, for commands that look at it or change its lists."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from outdial.config import Loaded
from outdial.config.loaded import Database
from outdial.config.mistakes import show_value, suggest
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.store.interface import Store, StoreError

T = TypeVar("T")


def in_store(loaded: Loaded, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """Do some work in the database, which must be there.

    Raises:
        ConfigError: there is none yet.
        StoreError: it cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    if not is_there(loaded):
        raise ConfigError(
            [f"{loaded.serve.database.file}: there is no database yet; outdial serve and outdial list import make it"]
        )
    return in_new_store(loaded, work)


def in_new_store(loaded: Loaded, work: Callable[[Store], Coroutine[Any, Any, T]]) -> T:
    """As `in_store`, in a database that is made if there is none."""

    async def course() -> T:
        async with _looking(loaded) as store:
            return await work(store)

    return asyncio.run(course())


def is_there(loaded: Loaded) -> bool:
    """Whether there is a database to ask."""
    return loaded.serve.database.file is None or loaded.serve.database.file.exists()


def list_named(loaded: Loaded, name: str) -> CallingList:
    """A calling list of the configuration.

    Raises:
        ConfigError: it has none with this name.
    """
    lists = {calling_list.name: calling_list for calling_list in loaded.configuration.calling_lists}
    if name in lists:
        return lists[name]
    hint = suggest(name, lists) or f"there are {', '.join(map(show_value, lists)) or 'none'}"
    raise ConfigError([f"{loaded.file}: there is no calling list {show_value(name)}; {hint}"])


def utc_now_ms() -> int:
    """The present instant."""
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def _looking(loaded: Loaded) -> AsyncIterator[Store]:
    store = make_store(loaded.serve.database)
    await store.look()
    try:
        yield store
    finally:
        await store.close()


def make_store(database: Database) -> Store:
    """The store for a database; not open.

    Raises:
        StoreError: its driver is not installed, or its address is none.
    """
    if database.file is not None:
        with contextlib.suppress(OSError):
            database.file.parent.mkdir(parents=True, exist_ok=True)  # else opening says what is wrong
        from outdial.store.sqlite import SqliteStore

        return SqliteStore(database.file)
    try:
        from outdial.store.postgres import PostgresStore
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise StoreError('PostgreSQL needs the driver asyncpg: pip install "outdial[postgres]"') from error
    return PostgresStore(database.url, database.password)
