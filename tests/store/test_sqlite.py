"""The SQLite file: its lock, its version, its errors, and what is true after a process was killed."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from outdial.store import sqlite_claim, sqlite_file, sqlite_lists, sqlite_windows, sqlite_write
from outdial.store.claims import ClaimRequest
from outdial.store.interface import AttemptBegun, StoreError, StoreUnavailable
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import connect, errors_of, sqlite_warning, transaction, warning_of
from store.contract.story import NOW, STALE_MS, add_singles, claim, opened

BEGUN = AttemptBegun(1, 1, 101, 1, 1, "+15550000001", 1, NOW)


def run(*code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "\n".join(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


class File:
    """A database of a file that is not there yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def store(self) -> SqliteStore:
        return SqliteStore(self.path)


@pytest.fixture
def file(tmp_path) -> File:
    return File(tmp_path / "outdial.sqlite")


async def open_and_close(file: File) -> None:
    async with opened(file):
        pass


# --- the file ----------------------------------------------------------------------------------------------------


def test_the_first_start_makes_the_file_and_nobody_else_may_read_it(file):
    asyncio.run(open_and_close(file))
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.with_name("outdial.sqlite.lock").stat().st_mode & 0o777 == 0o600


def test_a_commit_has_reached_the_disk(file):
    connection = connect(file.path)
    settings = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    connection.close()
    assert settings == ["wal", 2]  # 2: FULL


def test_links_to_one_file_share_its_lock(file, tmp_path):
    link = File(tmp_path / "link.sqlite")
    link.path.symlink_to(file.path)

    async def story():
        async with opened(file):
            with pytest.raises(StoreError, match="in use by another process"):
                await open_and_close(link)

    asyncio.run(story())


def test_the_lock_names_its_holder_and_goes_with_the_store(file):
    async def story():
        async with opened(file):
            with pytest.raises(StoreError, match=rf"another process \(number {os.getpid()}\)"):
                await open_and_close(file)
        await open_and_close(file)

    asyncio.run(story())


def test_a_store_that_could_not_be_opened_holds_nothing(file):
    file.path.write_bytes(b"these are not the pages of a database" * 100)
    store = file.store()

    async def story():
        for _ in range(2):
            with pytest.raises(StoreError, match=r"outdial\.sqlite: file is not a database"):
                await store.open("one", NOW, STALE_MS)
        file.path.unlink()
        await store.open("one", NOW, STALE_MS)
        await store.close()

    asyncio.run(story())


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere/outdial\.sqlite.*No such file"):
        asyncio.run(open_and_close(File(tmp_path / "nowhere" / "outdial.sqlite")))


def test_a_folder_is_no_database(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be opened: Is a directory"):
        asyncio.run(open_and_close(File(tmp_path)))


def test_a_damaged_file_is_not_used(file):
    asyncio.run(open_and_close(file))
    content = bytearray(file.path.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    file.path.write_bytes(content)
    with pytest.raises(StoreError, match=r"outdial\.sqlite: "):
        asyncio.run(open_and_close(file))


def test_a_file_that_a_shell_has_locked_is_unavailable_for_now(file, monkeypatch):
    monkeypatch.setattr(sqlite_file, "BUSY_S", 0.01)

    async def story():
        async with opened(file) as store:
            await add_singles(store, 1)
            shell = sqlite3.connect(file.path, isolation_level=None)
            shell.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="database is locked"):
                await store.write([BEGUN])
            with pytest.raises(StoreUnavailable):
                await claim(store)
            shell.execute("ROLLBACK")
            shell.close()
            await store.write([BEGUN])
            assert len((await claim(store)).chains) == 1

    asyncio.run(story())


def test_a_full_disk_is_unavailable_for_now_and_nothing_is_half_written(file):
    connection = connect(file.path)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    rows = [(n, 1, "5" * 100, 0) for n in range(1_000)]
    add = "INSERT INTO records (record_id, list_id, number, due_utc_ms) VALUES (?, ?, ?, ?)"
    with pytest.raises(StoreUnavailable, match="full"), errors_of(file.path), transaction(connection):
        connection.executemany(add, rows)
    assert connection.execute("SELECT count(*) FROM records").fetchone() == (0,)
    connection.execute("PRAGMA max_page_count = 100000")
    with errors_of(file.path), transaction(connection):
        connection.executemany(add, rows)
    assert connection.execute("SELECT count(*) FROM records").fetchone() == (1_000,)
    connection.close()


def test_a_bug_stays_a_bug(file):
    connection = connect(file.path)
    with pytest.raises(sqlite3.IntegrityError), errors_of(file.path), transaction(connection):
        connection.execute("INSERT INTO records (record_id, list_id) VALUES (1, 1)")
    connection.close()


def test_a_claim_that_fails_takes_nothing(file):
    async def story():
        async with opened(file) as store:
            await add_singles(store, 3)
            outside = sqlite3.connect(file.path, isolation_level=None)
            outside.execute("UPDATE records SET zone = 'Europe/Atlantis' WHERE record_id = 2")
            with pytest.raises(StoreError, match="record 2"):
                await claim(store)
            assert outside.execute("SELECT count(*) FROM records WHERE due_utc_ms = 0").fetchone() == (3,)
            outside.close()

    asyncio.run(story())


# --- processes ---------------------------------------------------------------------------------------------------

CHILD = """
import asyncio, sys
from pathlib import Path
from outdial.store.interface import AttemptBegun, ClaimRequest
from outdial.store.sqlite import SqliteStore

async def live():
    store = SqliteStore(Path(sys.argv[1]))
    await store.open("one", {now}, 0)
    chains = (await store.claim(ClaimRequest(1, ((1, 1),), 100, {now}))).chains
    for call_id, chain in enumerate(chains, 1):
        record = chain.records[0]
        await store.write([AttemptBegun(call_id, 1, 101, 1, record.record_id, record.number, 1, {now})])
        print(call_id, flush=True)
    await asyncio.Event().wait()

asyncio.run(live())
"""


@pytest.mark.slow
def test_what_a_killed_process_has_acknowledged_is_there(file):
    async def fill():
        async with opened(file) as store:
            await add_singles(store, 200)

    asyncio.run(fill())
    command = [sys.executable, "-c", textwrap.dedent(CHILD).replace("{now}", str(NOW)), str(file.path)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for _ in range(30):
        acknowledged = int(child.stdout.readline())
    with pytest.raises(StoreError, match=rf"another process \(number {child.pid}\)"):
        asyncio.run(open_and_close(file))
    child.send_signal(signal.SIGKILL)
    acknowledged = max([acknowledged, *map(int, child.stdout.read().split())])
    child.wait()
    child.stdout.close()

    async def look():
        async with opened(file) as store:
            return store.found

    found = asyncio.run(look())
    assert found.stale in (acknowledged, acknowledged + 1)  # one may have been written and not yet acknowledged
    assert found.returned + found.stale == 100


@pytest.mark.slow
def test_nothing_heavy_is_imported_for_a_file_that_is_up_to_date(file):
    asyncio.run(open_and_close(file))
    done = run(
        "import asyncio, sys; from pathlib import Path; from outdial.store.sqlite import SqliteStore",
        f"store = SqliteStore(Path({str(file.path)!r}))",
        "async def story(): await store.open('one', 1, 1); await store.close()",
        "asyncio.run(story())",
        "print(sorted({'sqlalchemy', 'alembic', 'asyncpg'} & set(sys.modules)))",
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


DUE = "(list_id=? AND group_id=? AND priority=? AND due_utc_ms"

# --- speed -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement, values, index, equal",
    [
        (sqlite_claim._DUE, 5, "ix_records_due", DUE + "<?)"),
        (sqlite_claim.is_due_statement(), 4, "ix_records_due", DUE + "<?)"),
        (sqlite_claim.within_statement(sqlite_windows.AT, ""), 7, "ix_records_due", DUE + "=? AND record_id>?"),
        (sqlite_claim.within_statement(sqlite_windows.BETWEEN, ""), 6, "ix_records_due", DUE + ">? AND due_utc_ms<?)"),
        (sqlite_windows.BOUND_AT, 7, "ix_records_due", DUE + "=? AND record_id>?"),
        (sqlite_claim._NEXT_DUE, 4, "ix_records_due", DUE + ">?)"),
        (sqlite_claim._CALLBACKS, 4, "ix_records_due", DUE + "<?)"),
        (sqlite_claim._REST, 4, "ix_records_chain", "(list_id=? AND chain_id=?"),
        (sqlite_write._CHAIN, 2, "ix_records_chain", "(list_id=? AND chain_id=?"),
        (sqlite_write._CLAIMED, 1, "ix_records_claimed", "(claim_epoch<?)"),
        (sqlite_write._LAST_EPOCH, 0, "ix_records_claimed", "(claim_epoch>?)"),
        (sqlite_lists._RELEASE, 3, "ix_records_chain", "(list_id=? AND chain_id=?)"),
    ],
)
def test_statements_find_their_rows_by_index_and_sort_nothing(file, statement, values, index, equal):
    connection = connect(file.path)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", (1,) * values)]
    connection.close()
    assert any(f"INDEX {index} {equal}" in step for step in plan), plan
    assert not [step for step in plan if "TEMP B-TREE" in step or step.startswith("SCAN records")]


def test_earlier_calls_are_found_by_their_number(file):
    connection = connect(file.path)
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sqlite_claim._FACTS}", ('["1"]', 0))]
    connection.close()
    assert "SEARCH attempts USING INDEX ix_attempts_number (number=?)" in plan
    assert "SCAN attempts" not in plan, "those under way are few and are all looked at"


# --- the library -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "version, has_race",
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_a_library_that_can_lose_rows_is_named(version, has_race):
    warning = warning_of(version)
    assert (warning is not None) == has_race
    assert warning is None or ".".join(map(str, version)) in warning


def test_the_warning_is_about_this_library():
    assert sqlite_warning() == warning_of(sqlite3.sqlite_version_info)


def test_a_claim_request_may_name_no_list(file):
    async def story():
        async with opened(file) as store:
            return await store.claim(ClaimRequest(1, (), 5, NOW))

    assert asyncio.run(story()).exhausted
