"""Databases for the tests of stores."""

from collections.abc import Iterator

import pytest

from store.postgres_server import INSTALLATIONS, Database, PostgresServers, new_database


@pytest.fixture(scope="session")
def postgres_servers() -> Iterator[PostgresServers]:
    """Real PostgreSQL servers of this test process."""
    servers = PostgresServers()
    yield servers
    servers.close()


@pytest.fixture(params=INSTALLATIONS)
def database(request: pytest.FixtureRequest, postgres_servers: PostgresServers) -> Iterator[Database]:
    """A database of one test, with outdial's tables in it, on every PostgreSQL that is here."""
    yield from new_database(postgres_servers.server(request.param))


@pytest.fixture(params=INSTALLATIONS)
def empty_database(request: pytest.FixtureRequest, postgres_servers: PostgresServers) -> Iterator[Database]:
    """A database of one test, without tables."""
    yield from new_database(postgres_servers.server(request.param), empty=True)
