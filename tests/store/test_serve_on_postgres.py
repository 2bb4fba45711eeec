"""`outdial serve` on a PostgreSQL database that several servers could share, and that freezes for a while."""

import asyncio

import pytest

from serve_samples import serving, write_configuration

pytestmark = pytest.mark.slow


def rows(database, statement):
    return [tuple(row) for row in asyncio.run(database.ask(statement))]


def test_calls_go_on_while_the_server_is_frozen_and_the_next_start_goes_on(tmp_path, empty_database):
    database = empty_database
    options = f'''database = "{database.url}"
        database-password-env = "OUTDIAL_TEST_DATABASE"
        server-name = "east-1"'''
    path = write_configuration(tmp_path, options, records=300)
    env = {"OUTDIAL_TEST_DATABASE": database.password}
    with serving(path, env=env) as server:
        opened = server.until("database opened")
        assert (opened["server_name"], opened["database"]) == ("east-1", database.url)
        server.until("attempt settled", 5)
        database.server.hang()
        server.until("database away")
        server.until("attempt settled", len(server.of("attempt settled")) + 10)
        database.server.wake()
        server.until("spool written")
        server.process.terminate()
        assert server.ended() == 0
    assert database.password not in str(server.lines)
    attempts = server.of("ended")[0]["attempts"]
    assert rows(database, "SELECT count(*) FROM attempts") == [(attempts,)]
    assert rows(database, "SELECT count(*) FROM records WHERE claim_epoch IS NOT NULL") == [(0,)]
    with serving(path, env=env) as server:
        opened = server.until("database opened")
        assert (opened["returned_records"], opened["stale_attempts"]) == (0, 0)
        assert server.until("attempt settled")["record_id"] > attempts
        server.process.terminate()
        assert server.ended() == 0
