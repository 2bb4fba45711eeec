"""Bringing a database up to date: alembic's migrations, run by the store that opens it.

Each store first reads `VERSION_QUERY`; alembic and SQLAlchemy, which take a second to import, are needed only when the
answer is not `VERSION`. PostgreSQL calls `upgrade` through `run_sync`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from outdial.store.interface import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

VERSION = "0011"
"""The latest migration. A test compares it with the files."""
VERSION_QUERY = "SELECT version_num FROM alembic_version"
"""What a database is at. The table is missing in a new one."""

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = int.from_bytes(b"outdial", "big")
"""Number of the lock that servers take which come to one PostgreSQL at the same time."""


def upgrade(connection: "Connection") -> None:
    """Make the tables, or change those of an older outdial, in the transaction that the connection is in.

    Args:
        connection: of SQLAlchemy. The caller commits.

    Raises:
        StoreError: the database is of a newer outdial, or holds tables of others under our names.
    """
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    config = migration_config()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = MigrationContext.configure(connection).get_current_heads()
    for version in found:
        if version not in known:
            raise StoreError(newer(version))
    if not found:
        _refuse_foreign_tables(connection)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def newer(version: str) -> str:
    """What to say about a database whose version is not known here."""
    return f"the database is of a newer outdial (version {version} of its tables; this one knows up to {VERSION})"


def migration_config() -> "Config":
    """Where alembic finds the migrations."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


def _refuse_foreign_tables(connection: "Connection") -> None:
    from sqlalchemy import inspect

    from outdial.store.schema import METADATA

    foreign = sorted(set(METADATA.tables) & set(inspect(connection).get_table_names()))
    if foreign:
        raise StoreError(f"the database has tables that outdial did not make: {', '.join(foreign)}")
