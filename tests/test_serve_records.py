"""The records of a running server: files are read into the database once, and what was left is written down first."""

import asyncio
import csv
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fake_store import NOW, dial, settled
from outdial.config import Loaded
from outdial.config.loaded import Database
from outdial.configured_store import make_store
from outdial.core.commands import CancelRecord, Dial, FetchRecords, ReturnRecord
from outdial.core.errors import ConfigError
from outdial.core.events import Event, RecordsFetched
from outdial.core.results import CallResult
from outdial.core.units import Now
from outdial.names import Names
from outdial.results_files import ResultsError
from outdial.serve_records import ServeRecords, open_records
from outdial.serve_results import ServeResults, write_records
from outdial.serve_setup import read_setup
from outdial.store import listing
from outdial.store.interface import AttemptBegun, StoreError, StoreUnavailable
from outdial.store.spool import Spool, SpoolError
from outdial.store.stored import Opened
from serve_samples import PASSWORD, write_configuration

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def password(monkeypatch):
    monkeypatch.setenv("OUTDIAL_TEST_PASSWORD", PASSWORD)


class Lines:
    """A log that is listened to."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, event: str, **line: Any) -> None:
        self.lines.append({"event": event, **line})

    warning = error = info

    def of(self, event: str) -> dict[str, Any]:
        [line] = [line for line in self.lines if line["event"] == event]
        return line


def open_and(path: Path, story: Callable[[ServeRecords, Loaded, Lines], Awaitable[None]]) -> None:
    """Open the records of a configuration, tell a story with them, close them."""

    async def course() -> None:
        loaded, log = read_setup(path).loaded, Lines()
        records = await open_records(loaded.serve, log)  # type: ignore[arg-type]
        try:
            await story(records, loaded, log)
        finally:
            await records.close()

    asyncio.run(asyncio.wait_for(course(), 20))


def rows(path: Path, statement: str) -> list[Any]:
    connection = sqlite3.connect(path.parent / "results" / "outdial.sqlite3")
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


# --- files and lists --------------------------------------------------------------------------------------------


def test_a_file_is_read_into_its_list_once(tmp_path):
    path = write_configuration(tmp_path, records=30)

    async def first(records, loaded, log):
        assert await records.add_lists(loaded) == [] and records.count == 30
        assert (log.of("list read")["list"], log.of("list read")["records"]) == ("customers", 30)

    async def second(records, loaded, log):
        assert await records.add_lists(loaded) == [] and records.count == 30
        assert not any(line["event"] == "list read" for line in log.lines)
        assert log.of("database opened")["epoch"] == 2

    open_and(path, first)
    open_and(path, second)


def test_a_file_that_has_changed_is_told_and_the_list_stays(tmp_path):
    path = write_configuration(tmp_path, records=30)
    told: list[str] = []

    async def story(records, loaded, log):
        told.extend(await records.add_lists(loaded))
        assert records.count == 30

    open_and(path, story)
    (tmp_path / "list.csv").write_text("phone\n5550100\n")
    open_and(path, story)
    [changed] = (note.removeprefix(f"{path}: calling-list[customers].file: ") for note in told)
    assert changed.endswith("list.csv is not what was read into the list; the list stays as it is in the database")


def test_a_filter_asks_for_columns_that_the_records_have_and_reaches_the_claim(tmp_path):
    path = write_configuration(tmp_path, records=6)
    lines = (tmp_path / "list.csv").read_text().split()
    rows_with_state = [f"{line},{'TX' if n % 2 else 'FL'}" for n, line in enumerate(lines[1:])]
    (tmp_path / "list.csv").write_text("\n".join([f"{lines[0]},state", *rows_with_state]))
    text = path.read_text()
    assert 'lists = ["customers"]' in text

    def filtered(column):
        lists = f'lists = [{{ calling-list = "customers", filter = \'{column} = "TX"\' }}]'
        path.write_text(text.replace('lists = ["customers"]', lists))

    async def refused(records, loaded, log):
        with pytest.raises(ConfigError) as caught:
            await records.add_lists(loaded)
        [wrong] = caught.value.mistakes
        assert 'campaign[spring].lists: there is no column "stat"; did you mean "state"?; there are: ' in wrong

    async def claimed(records, loaded, log):
        await records.add_lists(loaded)
        told = []
        records.begin(
            submit=told.append,
            pass_on=lambda command: None,
            attempt_n=lambda call_id: 1,
            on_failure=told.append,
            on_crash=lambda: None,
        )
        records.carry_out(Now(0, 1_800_000_000_000), FetchRecords(1, 1, 10, ((1, 10),)))
        while not told:
            await asyncio.sleep(0.001)
        assert [chain.records[0].record_id for chain in told[0].chains] == [2, 4, 6]
        assert told[0].exhausted
        await records.finish()

    filtered("stat")
    open_and(path, refused)
    filtered("state")
    open_and(path, claimed)


def test_an_import_that_was_cut_off_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "BATCH", 10)
    path = write_configuration(tmp_path, records=35)
    (tmp_path / "list.csv").write_text((tmp_path / "list.csv").read_text().replace("phone\n", "phone\nnonsense\n"))

    async def cut_off(records, loaded, log):
        add, batches = records.store.add_records, []

        async def add_two(progress, batch):
            if len(batches) == 2:
                raise StoreUnavailable("connection refused")
            batches.append(batch)
            await add(progress, batch)

        records.store.add_records = add_two
        with pytest.raises(StoreUnavailable):
            await records.add_lists(loaded)

    async def goes_on(records, loaded, log):
        [begun] = await records.store.imports()
        assert (begun.lines_done, begun.records, begun.finished_utc_ms) == (21, 20, None)
        [note, *_] = await records.add_lists(loaded)
        assert "1 of 36 lines are left out" in note and records.count == 35

    open_and(path, cut_off)
    open_and(path, goes_on)
    assert rows(path, "SELECT count(*), count(DISTINCT number) FROM records") == [(35, 35)]
    assert (tmp_path / "list.csv.rejects.csv").is_file()


def test_files_that_are_not_usable_are_told_all_at_once(tmp_path):
    path = write_configuration(tmp_path)
    path.write_text(path.read_text() + '[[calling-list]]\ndbid = 2\nname = "others"\nfile = "others.csv"\n')
    (tmp_path / "list.csv").write_text("phone\nnonsense\n")
    (tmp_path / "others.csv").write_text("name\nAnn\n")

    async def story(records, loaded, log):
        with pytest.raises(ConfigError) as caught:
            await records.add_lists(loaded)
        one, other = caught.value.mistakes
        assert "list.csv: no record to dial" in one and "others.csv: line 1: the header names no column phone" in other

    open_and(path, story)
    assert rows(path, "SELECT * FROM imports") == []


def test_records_that_are_in_no_file(tmp_path):
    path = write_configuration(tmp_path)

    async def story(records, loaded, log):
        from outdial.calling_list_files import CallingListFile

        listed = list(CallingListFile(tmp_path / "list.csv", loaded.configuration.calling_lists[0]))
        await listing.add_records(records.store, 1, listed, NOW.utc_ms)
        [done] = await records.store.imports()
        assert (done.records, done.finished_utc_ms) == (200, NOW.utc_ms)

    open_and(path, story)


# --- while it runs ----------------------------------------------------------------------------------------------


class Core:
    """Who gives commands and hears of what comes of them."""

    def __init__(self, records: ServeRecords) -> None:
        self.told: asyncio.Queue[Event] = asyncio.Queue()
        self.dialed: asyncio.Queue[Dial] = asyncio.Queue()
        self.failures: list[Exception] = []
        records.begin(
            submit=self.told.put_nowait,
            pass_on=self.dialed.put_nowait,
            attempt_n=lambda call_id: 1,
            on_failure=self.failures.append,
            on_crash=lambda: None,
        )


def test_what_has_become_of_records_is_in_the_file_at_the_end(tmp_path):
    path = write_configuration(tmp_path, records=6)

    async def story(records, loaded, log):
        await records.add_lists(loaded)
        core = Core(records)
        records.carry_out(NOW, FetchRecords(1, 1, 4, ((1, 10),)))
        fetched = await core.told.get()
        assert isinstance(fetched, RecordsFetched)
        assert [chain.records[0].record_id for chain in fetched.chains] == [1, 2, 3, 4]
        records.carry_out(NOW, dial(1))
        assert (await core.dialed.get()).call_id == 1
        records.carry_out(NOW, settled(1))
        records.carry_out(NOW, CancelRecord(1, 2, CallResult.DO_NOT_CALL))
        records.carry_out(NOW, ReturnRecord(1, 3, 0, "the group was stopped"))
        assert records.counts() == {"database_away": None, "samples_left_out": None} and not records.has_crashed
        await records.finish()
        assert await write_records(records, tmp_path / "records.csv", Names(loaded.configuration), 6) == 6

    open_and(path, story)
    with open(tmp_path / "records.csv", newline="", encoding="utf-8") as file:
        found = [(row["record_id"], row["status"], row["attempts"], row["call_result"]) for row in csv.DictReader(file)]
    assert found == [
        ("1", "ready", "1", "busy"),
        ("2", "cancelled", "0", "do_not_call"),
        ("3", "ready", "0", ""),
        ("4", "retrieved", "0", ""),
        ("5", "ready", "0", ""),
        ("6", "ready", "0", ""),
    ]


def test_records_get_the_zones_of_their_numbers_when_their_list_says_so_after_a_reload_too(tmp_path):
    path = write_configuration(tmp_path, records=1)
    (tmp_path / "list.csv").write_text("phone,tz\n+12085551234,\n+12085551235,UTC\n2001,\n")

    async def zones_of(records, core):
        records.carry_out(NOW, FetchRecords(1, 1, 9, ((1, 10),)))
        fetched = await core.told.get()
        heads = [chain.records[0] for chain in fetched.chains]
        for head in heads:
            records.carry_out(NOW, ReturnRecord(1, head.record_id, 0, "looked at"))
        return {head.record_id: [zone.name for zone in head.zones] for head in heads}

    async def story(records, loaded, log):
        await records.add_lists(loaded)
        core = Core(records)
        assert await zones_of(records, core) == {1: [], 2: [], 3: []}
        path.write_text(path.read_text().replace("[[calling-list]]\n", "[[calling-list]]\nzone-by-number = true\n"))
        await records.add_lists(read_setup(path).loaded)
        assert await zones_of(records, core) == {1: ["America/Boise", "America/Los_Angeles"], 2: [], 3: []}
        await records.finish()

    open_and(path, story)


def test_so_many_records_that_the_end_would_wait_for_them_are_left_out(tmp_path):
    path = write_configuration(tmp_path, records=6)

    async def story(records, loaded, log):
        await records.add_lists(loaded)
        results = ServeResults(tmp_path, Names(loaded.configuration), lambda error: None)
        assert await results.finish(records, log, 5)
        assert log.of("records not written")["records"] == 6

    open_and(path, story)
    assert not (tmp_path / "records.csv").exists()


def test_results_that_the_database_does_not_give_are_no_file(tmp_path):
    path = write_configuration(tmp_path, records=6)

    async def story(records, loaded, log):
        await records.add_lists(loaded)

        async def away(*_):
            raise StoreUnavailable("connection refused")

        records.store.fates = away
        with pytest.raises(ResultsError, match=r"records.csv: cannot be written: connection refused"):
            await write_records(records, tmp_path / "records.csv", Names(loaded.configuration), 6)

    open_and(path, story)
    assert not (tmp_path / "records.csv").exists()


def test_a_bug_while_a_call_is_passed_on_is_a_crash_and_nothing_is_lost(tmp_path):
    path = write_configuration(tmp_path, records=6)

    async def story(records, loaded, log):
        def broken(command):
            raise RuntimeError("planted")

        await records.add_lists(loaded)
        crashed = asyncio.Event()
        records.begin(
            submit=lambda event: None,
            pass_on=broken,
            attempt_n=lambda call_id: 1,
            on_failure=lambda error: None,
            on_crash=crashed.set,
        )
        records.carry_out(NOW, dial(1))
        await crashed.wait()
        assert records.has_crashed
        with pytest.raises(RuntimeError, match="planted"):
            records.raise_crash()
        records.carry_out(NOW, settled(1))
        await records.finish()

    open_and(path, story)
    assert rows(path, "SELECT call_id, call_result FROM attempts") == [(1, 6)]


# --- what an earlier process has left ---------------------------------------------------------------------------


def test_a_spool_that_was_left_is_written_before_anything_is_cleared_up(tmp_path):
    """The process was killed in an outage: one call had ended by then, of the other nobody knows."""
    path = write_configuration(tmp_path, records=6)
    spool_path = tmp_path / "results" / "spool" / "outdial.jsonl"

    def begun(call_id: int) -> AttemptBegun:
        return AttemptBegun(call_id, 1, 1, 1, call_id, f"5550{call_id:03}", 1, NOW.utc_ms)

    async def killed(records, loaded, log):
        await records.add_lists(loaded)
        core = Core(records)
        records.carry_out(NOW, FetchRecords(1, 1, 2, ((1, 10),)))
        await core.told.get()
        await records.finish()
        records._spool.append(1, [begun(1), begun(2), settled(1)])

    async def next_start(records, loaded, log):
        opened = log.of("database opened")
        assert (opened["epoch"], opened["stale_attempts"], opened["returned_records"]) == (2, 1, 0)
        assert log.of("spool written")["spool"] == str(spool_path)
        assert records._spool.is_empty

    open_and(path, killed)
    open_and(path, next_start)
    attempts = "SELECT epoch, call_id, call_result FROM attempts ORDER BY call_id"
    assert rows(path, attempts) == [(1, 1, CallResult.BUSY), (1, 2, CallResult.STALE)]
    [(_, due_busy), (_, due_stale)] = rows(path, "SELECT record_id, due_utc_ms FROM records WHERE attempts = 1")
    assert due_busy == NOW.utc_ms + 60_000 and due_stale > due_busy


def test_a_spool_of_another_database_is_not_written_to_this_one(tmp_path):
    path = write_configuration(tmp_path)
    spool = Spool(tmp_path / "results" / "spool" / "outdial.jsonl", "outdial", "postgresql://db/outdial")
    spool.append(1, [settled(1)])
    spool.close()

    async def story(records, loaded, log):
        pytest.fail("it has started")

    with pytest.raises(SpoolError, match="holds changes of server outdial for postgresql://db/outdial"):
        open_and(path, story)


def test_two_starts_at_the_same_time_are_refused(tmp_path):
    path = write_configuration(tmp_path)

    async def story(records, loaded, log):
        with pytest.raises(SpoolError, match="does an outdial with this server-name run already"):
            await open_records(loaded.serve, log)
        with pytest.raises(StoreError, match="in use by another process"):
            await open_records(replace(loaded.serve, server_name="other"), log)

    open_and(path, story)


class Booting:
    """A database whose machine still boots."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals

    async def open(self, server, utc_ms, stale_ms, left):
        if self.refusals:
            self.refusals -= 1
            raise StoreUnavailable("connection refused")
        return Opened(1, 0, 0)

    async def close(self):
        pass


def test_a_database_that_boots_is_waited_for(tmp_path, monkeypatch):
    path = write_configuration(tmp_path)
    monkeypatch.setattr("outdial.serve_records.random.random", lambda: 0.0)
    monkeypatch.setattr("outdial.serve_records.make_store", lambda database: Booting(3))

    async def story(records, loaded, log):
        assert [line["event"] for line in log.lines] == ["database away", "database opened"]

    open_and(path, story)


def test_a_database_that_does_not_answer_for_a_minute(tmp_path, monkeypatch):
    path = write_configuration(tmp_path)
    monkeypatch.setattr("outdial.serve_records.OPEN_S_MAX", -1.0)
    monkeypatch.setattr("outdial.serve_records.make_store", lambda database: Booting(3))

    async def story(records, loaded, log):
        pytest.fail("it has started")

    with pytest.raises(StoreUnavailable, match="connection refused"):
        open_and(path, story)


def test_postgresql_without_its_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    monkeypatch.delitem(sys.modules, "outdial.store.postgres", raising=False)
    monkeypatch.delitem(sys.modules, "outdial.store.postgres_changes", raising=False)
    monkeypatch.delitem(sys.modules, "outdial.store.postgres_link", raising=False)
    monkeypatch.delitem(sys.modules, "outdial.store.postgres_statements", raising=False)
    with pytest.raises(StoreError, match=r'pip install "outdial\[postgres\]"'):
        make_store(Database(url="postgresql://db/outdial"))
