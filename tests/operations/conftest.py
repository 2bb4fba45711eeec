"""The API over real databases: every kind that is here, without a socket."""

import shutil
from pathlib import Path

import pytest

from store.conftest import postgres_servers
from store.contract.conftest import database, pytest_pyfunc_call, sqlite_template
from store.contract.databases import SqliteDatabase

__all__ = ["database", "postgres_servers", "pytest_pyfunc_call", "sqlite_template"]


@pytest.fixture
def sqlite(tmp_path, sqlite_template) -> SqliteDatabase:
    """The quicker one, where the database makes no difference."""
    return SqliteDatabase(Path(shutil.copy(sqlite_template, tmp_path / "outdial.sqlite")))
