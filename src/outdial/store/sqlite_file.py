"""One SQLite file: its lock, its one connection, its version, and its errors in our words.

A file belongs to one process: SQLite would let several in, but claims are only made and changes only written by the one
that dials, and older SQLite libraries can lose rows when two connections meet (see `sqlite_warning`). So the process
holds a lock on `FILE.lock` for as long as it has the file open. The system lets go of the lock when the process ends,
however it ends.

Source: SQLite, "Write-Ahead Logging" and "PRAGMA synchronous". With `FULL` a commit has been synced to the disk before
it returns.
"""

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from outdial.core.errors import OutdialError
from outdial.store.interface import StoreError, StoreUnavailable
from outdial.store.upgrade import VERSION, VERSION_QUERY, upgrade

BUSY_S = 5.0
"""Longest wait for somebody else's lock on the database, such as that of a shell's. Unit: s. Ours."""
CACHE_KIB = 32_768
"""Pages that SQLite keeps in memory. Unit: KiB. Ours."""
WAL_BYTES_MAX = 64 * 2**20
"""To which the write-ahead log is cut after a checkpoint. Unit: bytes. Ours."""

_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_PROTOCOL,
}
"""What may pass: a lock, a full disk, a disk that fails."""
_UNUSABLE = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_AUTH,
    sqlite3.SQLITE_NOTADB,
}
"""What does not: rights, damage, tables that are not ours."""


class FileLock:
    """The right to use a database file, held until `release`."""

    def __init__(self, path: Path) -> None:
        """Take it.

        Raises:
            StoreError: another process has it, or the lock file cannot be made.
        """
        lock_path = path.with_name(path.name + ".lock")
        try:
            self._file = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"{lock_path}: cannot be opened: {error.strerror or error}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise StoreError(
                f"{path}: in use by another process{f' (number {holder})' if holder else ''}: a SQLite file serves one "
                "process; several servers share a PostgreSQL database"
            ) from error
        except OSError as error:
            os.close(self._file)
            raise StoreError(f"{lock_path}: cannot be locked: {error.strerror or error}") from error
        with contextlib.suppress(OSError):  # the number is for people; a full disk must not keep it from being locked
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let go of it. The file stays: removing it could pull it away from under the next process."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def connect(path: Path) -> sqlite3.Connection:
    """Open the connection and bring the tables up to date. The caller has the lock.

    Raises:
        StoreError: the file cannot be used.
        StoreUnavailable: the disk is full or fails, or a shell has the file locked.
    """
    with errors_of(path, opening=True):
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreError(f"{path}: cannot be opened: {error.strerror or error}") from error
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES_MAX}")
            if _version(connection) != VERSION:
                _migrate(connection)
        except StoreError as error:
            connection.close()
            raise StoreError(f"{path}: {error}") from error
        except BaseException:
            connection.close()
            raise
    return connection


def _version(connection: sqlite3.Connection) -> str | None:
    """What the tables are at. None: there are none of ours."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute(VERSION_QUERY).fetchone()
    return None if row is None else str(row[0])


def _migrate(connection: sqlite3.Connection) -> None:
    """Let SQLAlchemy work on our connection, for it must remain the only one."""
    import sqlalchemy
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import StaticPool

    engine = sqlalchemy.create_engine("sqlite://", creator=lambda: connection, poolclass=StaticPool)

    @sqlalchemy.event.listens_for(engine, "begin")
    def begin(migrating: sqlalchemy.Connection) -> None:
        migrating.exec_driver_sql("BEGIN IMMEDIATE")  # tables are made in a transaction, too: all or none

    try:
        with engine.begin() as migrating:
            upgrade(migrating)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise error.orig from error
        raise


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; committed when the block ends, unless it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def errors_of(path: Path, *, opening: bool = False) -> Iterator[None]:
    """Turn SQLite's errors into those of a store. What is none of them is a bug and passes."""
    try:
        yield
    except sqlite3.Error as error:
        ours = _in_our_words(path, error, opening)
        if ours is None:
            raise
        raise ours from error


def _in_our_words(path: Path, error: sqlite3.Error, opening: bool) -> OutdialError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_CANTOPEN:
        return StoreError(f"{path}: {error}") if opening else StoreUnavailable(f"{path}: {error}")
    if primary in _UNAVAILABLE:
        return StoreUnavailable(f"{path}: {error}")
    if primary in _UNUSABLE:
        return StoreError(f"{path}: {error}")
    return None


def sqlite_warning() -> str | None:
    """What an operator should know about the SQLite library of this Python; None: nothing."""
    return warning_of(sqlite3.sqlite_version_info)


def warning_of(version: tuple[int, int, int]) -> str | None:
    """As `sqlite_warning`, for any version.

    Source: SQLite, "Write-Ahead Logging", the WAL-reset bug: 3.7.0 … 3.51.2, mended in 3.44.6 and 3.50.7 as well.
    """
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)
    if mended or version < (3, 7, 0):
        return None
    name = ".".join(map(str, version))
    return (
        f"SQLite {name} can lose rows that were written when a second program writes to the same file (mended in "
        "3.51.3, 3.50.7 and 3.44.6). outdial opens the file once; do not write to it with another program meanwhile"
    )
