"""`outdial serve` on a PostgreSQL database that several servers could share, and that freezes for a while."""

import asyncio
import time

import pytest

from outdial import cli
from outdial.core.results import CallResult
from outdial.sim.lists import RecordStatus
from serve_samples import WAIT_S, serving, write_configuration

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


def test_numbers_that_come_onto_a_list_beside_the_server_are_not_dialed(tmp_path, empty_database, monkeypatch):
    """Those in memory are finished without a call; the one that is being dialed goes on."""
    database = empty_database
    options = f'''database = "{database.url}"
        database-password-env = "OUTDIAL_TEST_DATABASE"'''
    path = write_configuration(tmp_path, options, records=3_000)
    monkeypatch.setenv("OUTDIAL_TEST_DATABASE", database.password)
    with serving(path, env={"OUTDIAL_TEST_DATABASE": database.password}) as server:
        dialed = server.until("attempt settled", 3)["record_id"]
        forbidden = [f"2001{n:05}" for n in range(dialed + 40, dialed + 100)] + ["200102999"]
        assert cli.run_command_line(["dnc", "add", str(path), *forbidden, "--list", "national"]) == 0
        until(server, lambda: finished(database) >= 20)
        server.process.terminate()
        assert server.ended() == 0
    assert rows(database, "SELECT count(*) FROM attempts WHERE number IN ('" + "','".join(forbidden) + "')") == [(0,)]


def test_records_are_added_and_cancelled_beside_the_server(tmp_path, empty_database, monkeypatch):
    database = empty_database
    options = f'''database = "{database.url}"
        database-password-env = "OUTDIAL_TEST_DATABASE"'''
    path = write_configuration(tmp_path, options, records=400)
    monkeypatch.setenv("OUTDIAL_TEST_DATABASE", database.password)
    with serving(path, env={"OUTDIAL_TEST_DATABASE": database.password}) as server:
        dialed = server.until("attempt settled")["record_id"]
        cancelled = (dialed + 170, 399)  # the first one is in the server's memory, the other one waits
        for record_id in cancelled:
            assert cli.run_command_line(["record", "cancel", str(path), f"2001{record_id - 1:05}"]) == 0
        assert cli.run_command_line(["record", "add", str(path), "200199999", "--list", "customers"]) == 0
        until(server, lambda: rows(database, "SELECT count(*) FROM attempts WHERE number = '200199999'") == [(1,)])
        server.process.terminate()
        assert server.ended() == 0
    ids = ", ".join(map(str, cancelled))
    found = rows(database, f"SELECT status, call_result, attempts FROM records WHERE record_id IN ({ids})")
    assert found == [(RecordStatus.CANCELLED, CallResult.CANCEL_RECORD, 0)] * 2


def finished(database) -> int:
    """Records that were finished because of a do-not-call list."""
    [(count,)] = rows(database, f"SELECT count(*) FROM records WHERE call_result = {CallResult.DO_NOT_CALL:d}")
    return int(count)


def until(server, is_so) -> None:
    """Wait for something in the database, and read what the server says: a full pipe would hold it up."""
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, server.lines
        server.read()
