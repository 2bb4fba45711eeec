"""`outdial serve` and its database: a crash in the middle, an outage, another start, and what is there afterwards."""

import json
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from outdial.cli import run_command_line
from outdial.core.results import CallResult
from outdial.sim.lists import RecordStatus
from serve_samples import PASSWORD, WAIT_S, serving, write_configuration

pytestmark = pytest.mark.slow

STALE_S = 2
FINISHED = f"SELECT record_id FROM records WHERE status = {RecordStatus.UPDATED.value}"


@contextmanager
def database(folder: Path):
    connection = sqlite3.connect(folder / "results" / "outdial.sqlite3", isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def rows(folder: Path, statement: str) -> list[Any]:
    with database(folder) as connection:
        return connection.execute(statement).fetchall()


def calls(folder: Path) -> dict[str, list[float]]:
    """When each number was called, as the callees know it."""
    found: dict[str, list[float]] = {}
    for line in (folder / "callees.log").read_text().splitlines():
        at_s, number = line.split()
        found.setdefault(number, []).append(float(at_s))
    return found


def until_another_is_called(folder: Path) -> None:
    """Wait until a call leaves."""
    log, until_s = folder / "callees.log", time.monotonic() + WAIT_S
    before = log.stat().st_size
    while log.stat().st_size == before:
        assert time.monotonic() < until_s, "nobody is called any more"
        time.sleep(0.01)


def test_a_restart_after_a_crash_goes_on_where_it_was(tmp_path):
    """Killed in the middle of calls: nothing is lost, and no number is called again while its call may be up."""
    path = write_configuration(tmp_path, f"stale-clean-timeout = {STALE_S}", records=60)
    with serving(path, talk_s=1) as server:
        server.until("attempt settled", 20)
        until_another_is_called(tmp_path)  # who is talking when it is killed
        server.process.kill()
        server.process.wait()
    first, killed_s = calls(tmp_path), time.time()
    open_calls = {number for (number,) in rows(tmp_path, "SELECT number FROM open_attempts")}
    known = {number for (number,) in rows(tmp_path, "SELECT number FROM attempts")} | open_calls
    assert open_calls and set(first) <= known, "every call was written down before it left"
    left = 60 - len(rows(tmp_path, FINISHED))
    with serving(path) as server:
        opened = server.until("database opened")
        assert (opened["epoch"], opened["stale_attempts"]) == (2, len(open_calls))
        server.until("attempt settled", left)
        server.process.terminate()
        assert server.ended() == 0
    both = calls(tmp_path)
    assert len(both) == len(rows(tmp_path, FINISHED)) == 60, "everybody was called, and every record has come to an end"
    twice = {number: at_s for number, at_s in both.items() if len(at_s) > 1}
    assert set(twice) <= open_calls and all(at_s[-1] >= killed_s + STALE_S - 0.5 for at_s in twice.values())
    assert max(map(len, both.values())) <= 2
    stale = rows(tmp_path, f"SELECT number FROM attempts WHERE call_result = {CallResult.STALE.value}")
    assert {number for (number,) in stale} == open_calls
    assert rows(tmp_path, "SELECT * FROM open_attempts") == []
    assert rows(tmp_path, "SELECT sum(attempts) FROM records") == rows(tmp_path, "SELECT count(*) FROM attempts")


def test_reports_tell_what_a_run_has_done(tmp_path, capsys):
    path = write_configuration(tmp_path, records=60)
    with serving(path, talk_s=0.3) as server:
        server.until("attempt settled", 20)
        server.process.terminate()
        assert server.ended() == 0

    def report(kind: str, by: str) -> Any:
        capsys.readouterr()
        period = "2020-01-01..2029-12-31"
        assert run_command_line(["report", kind, str(path), "--period", period, "--by", by, "--format", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    attempts = report("attempts", "group")["totals"]
    assert attempts["attempts"] >= 20
    agents = report("agents", "agent,group")
    assert {row["agent"] for row in agents["rows"]} == {"ada", "agent101", "agent102", "agent103", "agent104"}
    talked = [row for row in agents["rows"] if row["group"] == "east"]
    assert sum(row["calls"] for row in talked) == agents["totals"]["calls"] == attempts["connected"] > 0
    assert sum(row["talking_s"] for row in talked) == pytest.approx(agents["totals"]["talking_s"])
    assert all(row["ready_s"] == row["not_ready_s"] == 0 for row in talked)
    assert rows(tmp_path, "SELECT count(*) FROM agent_states WHERE until_utc_ms IS NULL") == [(0,)]
    waits = report("waits", "group")["totals"]
    assert waits["persons"] == attempts["persons"]
    [ports] = report("ports", "pool,group")["rows"]
    assert (ports["pool"], ports["group"]) == ("main", "east") and ports["minutes"] >= 1
    assert report("lists", "list")["totals"]["attempts"] == attempts["attempts"]


def test_calls_go_on_while_the_database_is_away(tmp_path):
    """Another program holds the file: what happens is kept in the spool, and written when the file is free."""
    path = write_configuration(tmp_path)
    with serving(path) as server:
        server.until("attempt settled", 5)
        with database(tmp_path) as other:
            other.execute("BEGIN IMMEDIATE")
            away = server.until("database away")
            server.until("attempt settled", len(server.of("attempt settled")) + 10)
            assert Path(away["spool"]).read_text().count("SettleAttempt") >= 5
            other.execute("ROLLBACK")
        server.until("spool written")
        server.until("attempt settled", len(server.of("attempt settled")) + 5)
        server.process.terminate()
        assert server.ended() == 0
    ended = server.of("ended")[0]["attempts"]
    assert rows(tmp_path, "SELECT count(*) FROM attempts") == rows(tmp_path, "SELECT sum(attempts) FROM records")
    assert rows(tmp_path, "SELECT count(*) FROM attempts") == [(ended,)] and server.of("database back")


def test_a_start_that_is_followed_by_another_stops_dialing_and_says_so(tmp_path):
    path = write_configuration(tmp_path)
    with serving(path) as server:
        server.until("attempt settled", 5)
        with database(tmp_path) as other:
            other.execute("UPDATE servers SET epoch = epoch + 1")
        failure = server.until("failure")
        assert "another start of server outdial has taken over" in failure["text"]
        assert failure["consequence"] == "dialing stops"
        assert server.ended() == 2


def test_a_database_that_cannot_be_used_ends_with_2(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OUTDIAL_TEST_PASSWORD", PASSWORD)
    path = write_configuration(tmp_path)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "outdial.sqlite3").write_text("a letter to my aunt, long enough to be looked at closely")
    assert run_command_line(["serve", str(path)]) == 2
    assert "outdial.sqlite3: file is not a database" in capsys.readouterr().err
    assert not list((tmp_path / "results").glob("*/attempts.csv"))
