"""Connections to one PostgreSQL database: a few, made when they are needed, and what their failures mean.

Work is done in transactions, each within a time limit. A transaction that fell victim to another one (a deadlock, a
table that has just been changed) is tried again. A connection on which anything else went wrong than the server's own
word is thrown away: what it may still answer belongs to nobody. The next transaction makes a new one.

Failures become `StoreError`, which an operator must repair, or `StoreUnavailable`. What is refused while the store is
opened is of the first kind. The same refusal later is of the second: it has worked before, so it may again, and a
server with calls on its lines waits for that. Neither text ever holds the password.
"""

import asyncio
import contextlib
import enum
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg  # type: ignore[import-untyped]

from outdial.core.errors import OutdialError
from outdial.store.interface import StoreError, StoreUnavailable

VERSION_MIN = 14
"""Oldest PostgreSQL that has everything the statements need, and that its makers still knew when this was written."""
CONNECTIONS = 6
"""For the dialer, an import, a report, somebody who looks, and two to spare. Unit: connections."""
CONNECT_S = 5.0
"""Longest wait for a connection. Unit: seconds."""
ANSWER_S = 10.0
"""Longest wait for one transaction. Unit: seconds."""
TRIES = 5
"""How often a transaction is tried that falls victim to others."""
CLOSE_S = 2.0
"""Longest wait for connections to be closed in order. Unit: seconds."""

Connection: TypeAlias = Any
"""asyncpg's, which has no types."""
Password: TypeAlias = str | Callable[[], str] | None
"""A callable is asked at each new connection, so a password may change. None: what PostgreSQL's own clients would take
(PGPASSWORD, ~/.pgpass)."""

T = TypeVar("T")

_SCHEMES = ("postgresql", "postgres")
_OPTIONS: Final[dict[str, Any]] = {"server_settings": {"application_name": "outdial"}}
_WORDS: Final = {
    "25006": "may only be read, as on a standby",
    "28000": "refuses this user",
    "28P01": "refuses this user with this password",
    "3D000": "is not there",
    "42501": "does not give this user the rights that outdial needs",
    "42P01": "lacks a table",
    "53300": "has too many connections",
}


class _Kind(enum.Enum):
    VICTIM = enum.auto()
    """Others were in the way: the same again may succeed at once."""
    AWAY = enum.auto()
    """The same again may succeed later."""
    REFUSED = enum.auto()
    """An operator has to do something first."""
    WRONG = enum.auto()
    """Not with these values, ever."""


# By SQLSTATE, else by its first two characters: PostgreSQL's manual, appendix A.
_KINDS: Final = {
    "0A000": _Kind.VICTIM,  # a statement was prepared before a table was changed
    "40001": _Kind.VICTIM,  # serialization failure
    "40P01": _Kind.VICTIM,  # deadlock
    "08": _Kind.AWAY,  # connection
    "25": _Kind.AWAY,  # transaction state: a standby, the server's own time limits
    "53": _Kind.AWAY,  # resources
    "55": _Kind.AWAY,  # locks
    "57": _Kind.AWAY,  # an operator stops the server or the statement
    "58": _Kind.AWAY,  # system
    "XX": _Kind.AWAY,  # internal
    "28": _Kind.REFUSED,  # user
    "3D": _Kind.REFUSED,  # database
    "3F": _Kind.REFUSED,  # schema
    "42": _Kind.REFUSED,  # rights, tables
    "57P04": _Kind.REFUSED,  # the database was dropped
}


class _Victim(Exception):
    """The transaction was rolled back because of others."""


class Link:
    """Connections to one database.

    Attributes:
        where: names database and host in messages: `database "outdial" on db.example:5432`.
    """

    def __init__(self, url: str, password: Password, connections: int, connect_s: float, answer_s: float) -> None:
        """Nothing is connected yet.

        Args:
            url: `postgresql://user@host:port/database`, with what PostgreSQL's own clients know behind a `?`, such as
                `sslmode=verify-full`.
            password: not in the address, where it would end up in logs.
            connections: how many at most.
            connect_s: longest wait for a new connection.
            answer_s: longest wait for a transaction, a new connection included.

        Raises:
            StoreError: the address is none, or holds a password.
        """
        self.where = _where(url)
        self._url = url
        self._password = password
        self._connections = connections
        self._connect_s = connect_s
        self._answer_s = answer_s
        self._pool: Any = None
        self._was_open = False

    async def open(self) -> None:
        """Connect.

        Raises:
            StoreError: refused, or PostgreSQL is too old.
            StoreUnavailable: it does not answer.
        """
        await self.close()
        self._was_open = False
        with self.translated():
            connection = await self.connect()
            version = connection.get_server_version()
            connection.terminate()
            if version.major < VERSION_MIN:
                raise StoreError(f"{self.where} is PostgreSQL {version.major}; outdial needs {VERSION_MIN} or newer")
            # connections are made when they are needed, and left as they are: transactions leave nothing in them
            self._pool = await asyncpg.create_pool(
                self._url,
                password=self._password,
                timeout=self._connect_s,
                min_size=0,
                max_size=self._connections,
                reset=_leave_as_it_is,
                **_OPTIONS,
            )

    def opened(self) -> None:
        """Everything has worked once: what is refused from now on counts as an outage."""
        self._was_open = True

    async def connect(self) -> Connection:
        """A new connection, for the caller to close."""
        return await asyncpg.connect(self._url, password=self._password, timeout=self._connect_s, **_OPTIONS)

    async def transaction(self, work: Callable[[Connection], Awaitable[T]], limit_s: float | None = None) -> T:
        """Do work in a transaction and commit it.

        Args:
            work: may be called several times, each time with nothing done yet.
            limit_s: longest wait. Default: what the constructor was told.

        Raises:
            StoreUnavailable: it does not answer. Whether anything was committed is not known.
            StoreError: the server will never do what the statements say.
            OutdialError: what `work` raises; then nothing was done.
        """
        if self._pool is None:
            raise StoreUnavailable(f"{self.where} is not open")
        limit_s = self._answer_s if limit_s is None else limit_s
        with self.translated():
            async with asyncio.timeout(limit_s):
                for _ in range(TRIES - 1):
                    with contextlib.suppress(_Victim):
                        return await self._try(work, limit_s)
                return await self._try(work, limit_s)

    async def _try(self, work: Callable[[Connection], Awaitable[T]], limit_s: float) -> T:
        pool = self._pool
        connection = await pool.acquire()
        try:
            await connection.execute(begin(limit_s))
            done = await work(connection)
            await connection.execute("COMMIT")
        except BaseException as error:
            if not await _rolled_back(connection, error):
                connection.terminate()
            if isinstance(error, asyncpg.PostgresError) and _kind_of(error) is _Kind.VICTIM:
                raise _Victim(error) from error
            raise
        finally:
            await pool.release(connection)
        return done

    async def close(self) -> None:
        """Close all connections; work that is under way fails."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), CLOSE_S)
            except _FAILURES:
                pool.terminate()

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        """Make failures of asyncpg and of the network the store's own."""
        try:
            yield
        except _FAILURES as error:
            kind, text = _kind_of(error), f"{self.where} {_said(error)}"
            if kind is _Kind.WRONG or (kind is _Kind.REFUSED and not self._was_open):
                raise StoreError(text) from error
            raise StoreUnavailable(text) from error


_FAILURES: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, _Victim)


def begin(limit_s: float) -> str:
    """What a transaction starts with.

    Whatever the defaults are, a claim has to see what others have claimed while it waited for them; and a server that
    has gone without a word, in the middle of a transaction, must not hold its locks for long.

    Every statement finds its rows by an index, one after the other. A planner who has met the tables when they were
    nearly empty, or just filled, thinks otherwise, and may keep that plan for an hour in which they have grown.
    Compiling statements (jit) takes longer than any of them.
    """
    limit_ms = round(limit_s * 1_000)
    settings = {
        "statement_timeout": limit_ms,
        "idle_in_transaction_session_timeout": limit_ms,
        **dict.fromkeys(("enable_seqscan", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off"),
    }
    sets = "".join(f"; SET LOCAL {name} = {value}" for name, value in settings.items())
    return f"BEGIN ISOLATION LEVEL READ COMMITTED, READ WRITE{sets}"


async def _leave_as_it_is(connection: Connection) -> None:
    """What is done with a connection after a transaction."""


async def _rolled_back(connection: Connection, error: BaseException) -> bool:
    """End a transaction that failed. False: the connection cannot be used any more."""
    if not isinstance(error, asyncpg.PostgresError | OutdialError) or connection.is_closed():
        return False
    try:
        await connection.execute("ROLLBACK")
    except _FAILURES:
        return False
    except BaseException:
        connection.terminate()
        raise
    return True


def _kind_of(error: Exception) -> _Kind:
    match error:
        case asyncpg.PostgresError():
            state = str(error.sqlstate)
            return _KINDS.get(state) or _KINDS.get(state[:2]) or _Kind.WRONG
        case asyncpg.ClientConfigurationError() | ssl.SSLCertVerificationError():
            return _Kind.REFUSED
        case socket.gaierror(errno=socket.EAI_NONAME):
            return _Kind.REFUSED
        case _:
            return _Kind.AWAY


def _said(error: Exception) -> str:
    """What a failure says, to stand behind the name of the database."""
    match error:
        case asyncpg.PostgresError():
            words = _WORDS.get(str(error.sqlstate), "does not do what it is asked for")
        case asyncpg.ClientConfigurationError():
            words = "has an address that cannot be used"
        case TimeoutError():
            return "does not answer in time"
        case _Victim():
            words = f"was changed by others {TRIES} times in the same moment"
        case _:
            words = "does not answer"
    said = os.strerror(error.errno) if type(error) is ConnectionRefusedError and error.errno else str(error)
    return f"{words}: {said.splitlines()[0] if said else type(error).__name__}"


def _where(url: str) -> str:
    """Names a database in messages.

    Raises:
        StoreError: the address is none, or holds a password.
    """
    try:
        parts = urlsplit(url)
        holds_password = parts.password is not None or "password" in parse_qs(parts.query)
    except ValueError as error:
        raise StoreError(f"the address of the database cannot be read: {error}") from None
    if parts.scheme not in _SCHEMES:
        raise StoreError("the address of the database has to look like postgresql://user@host:5432/database")
    host = parts.netloc.rpartition("@")[2] or "this machine"
    where = f'database "{unquote(parts.path[1:]) or parts.username or ""}" on {host}'
    if holds_password:
        raise StoreError(f"the address of {where} holds a password, which would end up in logs: give it apart from it")
    return where
