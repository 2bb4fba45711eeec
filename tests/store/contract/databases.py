"""What a store test needs of a database, and the SQLite one; PostgreSQL's is in `store.postgres_server`."""

import sqlite3
from pathlib import Path
from typing import Any, Protocol

from outdial.store.interface import Store
from outdial.store.sqlite import SqliteStore


class Database(Protocol):
    """A database with outdial's tables in it, empty."""

    def store(self) -> Store:
        """A store in it, not open."""

    async def ask(self, statement: str) -> list[Any]:
        """Run a statement past every store, as an operator would. Returns the rows."""


class SqliteDatabase:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def store(self) -> SqliteStore:
        return SqliteStore(self.path)

    async def ask(self, statement: str) -> list[Any]:
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            return connection.execute(statement).fetchall()
        finally:
            connection.close()
