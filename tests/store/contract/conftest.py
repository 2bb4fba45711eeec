"""The databases that every store test runs on, and what lets a test be a coroutine."""

import asyncio
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from outdial.store.sqlite_file import connect
from store.contract.databases import Database, SqliteDatabase
from store.postgres_server import INSTALLATIONS, new_database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    """A file with the tables, to be copied: making them takes ten times as long."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    connect(path).close()
    return path


@pytest.fixture(params=["sqlite", *INSTALLATIONS], ids=lambda name: None if name == "sqlite" else f"postgres-{name}")
def database(request, tmp_path, sqlite_template) -> Iterator[Database]:
    """A database of one test, of every kind that is here."""
    if request.param == "sqlite":
        yield SqliteDatabase(Path(shutil.copy(sqlite_template, tmp_path / "outdial.sqlite")))
    else:
        yield from new_database(request.getfixturevalue("postgres_servers").server(request.param))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(pyfuncitem.obj(**arguments))
    return True
