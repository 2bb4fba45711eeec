"""PostgreSQL alone: several servers on one database, outages, errors that an operator reads.

What every store does is tested in `contract`.
"""

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import pytest

from outdial.calling_lists import ListedRecord
from outdial.core.commands import Disposition, ReturnRecord, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult, Fault
from outdial.core.settings import TreatmentAction
from outdial.lab.postgres import Postgres
from outdial.store import postgres_link, postgres_statements, upgrade
from outdial.store.claims import Claimed, ClaimRequest
from outdial.store.interface import AttemptBegun, EpochLost, StoreError, StoreUnavailable
from outdial.store.postgres import PostgresStore
from outdial.store.postgres_statements import column_type
from outdial.store.schema import METADATA
from outdial.store.stored import Import
from store.postgres_server import INSTALLATIONS, Database, start_server

NOW = 1_800_000_000_000
LIST = 7
LIMIT_S = 60


def run(story: Any) -> Any:
    """Run a story, for a minute at most."""

    async def limited() -> Any:
        async with asyncio.timeout(LIMIT_S):
            return await story

    return asyncio.run(limited())


def listed(count: int, chain_length: int = 1) -> list[ListedRecord]:
    """Records 1 … count, in chains or alone."""
    return [
        ListedRecord(
            Record(n + 1, LIST, f"+1555{n:07}", n // chain_length + 1 if chain_length > 1 else 0, n % chain_length), ()
        )
        for n in range(count)
    ]


async def opened(database: Database, server: str = "east", **options: Any) -> PostgresStore:
    """An open store."""
    store = database.store(**options)
    await store.open(server, NOW, 60_000)
    return store


async def fill(store: PostgresStore, records: Sequence[ListedRecord]) -> None:
    """Read records into the list, in one batch."""
    await store.add_records(Import(LIST, "list.csv", "d1", len(records), len(records), NOW), records)


def wanted(chains_max: int = 10, utc_ms: int = NOW) -> ClaimRequest:
    """A claim of the list."""
    return ClaimRequest(1, ((LIST, 1),), chains_max, utc_ms)


def ids(claimed: Claimed) -> list[int]:
    """Numbers of all claimed records."""
    return [record.record_id for chain in claimed.chains for record in chain.records]


def begun(call_id: int, chain: Chain) -> AttemptBegun:
    """A call to the first number of a chain begins."""
    record = chain.records[0]
    return AttemptBegun(call_id, 1, 1, record.list_id, record.record_id, record.number, 1, NOW)


def settled(call_id: int, chain: Chain, action: TreatmentAction = TreatmentAction.DONE) -> SettleAttempt:
    """It ends busy."""
    record = chain.records[0]
    return SettleAttempt(
        call_id=call_id,
        group_id=1,
        node_id=1,
        list_id=record.list_id,
        record_id=record.record_id,
        number=record.number,
        mode=DialingMode.PROGRESSIVE,
        call_result=CallResult.BUSY,
        fault=Fault.CALLEE,
        verdict=None,
        sip_status=486,
        q850_cause=17,
        agent_id=None,
        attempt_n=record.attempts + 1,
        dialed_utc_ms=NOW,
        ring_ms=2_000,
        wait_ms=0,
        talk_ms=0,
        disposition=Disposition(action, NOW + 1_000 if action is TreatmentAction.RETRY_IN else 0),
    )


# --- several servers on one database -------------------------------------------------------------------------


@pytest.mark.parametrize("chain_length", [1, 3])
def test_four_claimants_of_two_servers_share_a_list_and_no_chain_twice(database, chain_length):
    """East and west ask at the same time, twice each, until nothing is left."""

    async def story() -> None:
        east, west = await opened(database, "east"), await opened(database, "west")
        await fill(east, listed(240, chain_length))
        claims: list[list[int]] = []

        async def ask_again_and_again(store: PostgresStore) -> None:
            while True:
                claimed = await store.claim(wanted(7))
                claims.append(ids(claimed))
                if claimed.exhausted and claimed.next_due_utc_ms is None:
                    return

        async with asyncio.TaskGroup() as group:
            for store in (east, west, east, west):
                group.create_task(ask_again_and_again(store))
        every = [record_id for claim in claims for record_id in claim]
        assert sorted(every) == list(range(1, 241))
        epochs = await database.ask("SELECT claim_epoch, count(*) FROM records GROUP BY claim_epoch ORDER BY 1")
        heads = {row[0]: row[1] for row in epochs if row[0] is not None}
        assert set(heads) == {1, 2} and sum(heads.values()) == 240 // chain_length
        for one in (east, west):
            await one.close()

    run(story())


def test_two_servers_that_open_a_new_database_together_make_its_tables_once(empty_database):
    async def story() -> None:
        stores = [empty_database.store() for _ in range(3)]
        found = await asyncio.gather(*(store.open(f"s{n}", NOW, 0) for n, store in enumerate(stores)))
        assert sorted(one.epoch for one in found) == [1, 2, 3]
        assert await empty_database.ask("SELECT version_num FROM alembic_version") == [(upgrade.VERSION,)]
        for store in stores:
            await store.close()

    run(story())


def test_what_another_server_has_claimed_is_not_cleared_up(database):
    """West starts again and again while east has two chains and a call."""

    async def story() -> None:
        east = await opened(database, "east")
        await fill(east, listed(4))
        claimed = await east.claim(wanted(2))
        await east.write([begun(1, claimed.chains[0])])
        west = await opened(database, "west")
        assert len((await west.claim(wanted(1))).chains) == 1
        found = await west.open("west", NOW, 60_000)
        assert (found.returned, found.stale) == (1, 0)
        await east.write(
            [settled(1, claimed.chains[0]), ReturnRecord(LIST, claimed.chains[1].records[0].record_id, 0, "")]
        )
        assert sorted(ids(await west.claim(wanted()))) == [2, 3, 4]

    run(story())


def test_a_server_that_is_replaced_in_the_middle_of_its_work_loses_no_attempt_and_changes_no_record(database):
    """East is started a second time while the first east claims and settles: at every moment one of them is right."""

    async def story() -> None:
        first = await opened(database, "east")
        await fill(first, listed(200))
        calls = 0

        async def dial_until_replaced() -> None:
            nonlocal calls
            with contextlib.suppress(EpochLost):
                while True:
                    chains = (await first.claim(wanted(4))).chains
                    begins = [begun(calls + n, chain) for n, chain in enumerate(chains, start=1)]
                    ends = [settled(calls + n, chain) for n, chain in enumerate(chains, start=1)]
                    calls += len(chains)
                    await first.write(begins)
                    await first.write(ends)

        dialing = asyncio.create_task(dial_until_replaced())
        second = database.store()
        while calls < 20:
            await asyncio.sleep(0)
        found = await second.open("east", NOW, 60_000)
        await dialing
        assert len(await database.ask("SELECT FROM attempts WHERE epoch = 1")) + found.returned >= calls - 4
        assert await database.ask("SELECT FROM records WHERE claim_epoch = 1") == []
        rest = ids(await second.claim(wanted(200)))
        done = [row[0] for row in await database.ask("SELECT record_id FROM records WHERE status = 3")]
        stale = [row[0] for row in await database.ask("SELECT record_id FROM records WHERE call_result = 46")]
        assert sorted(rest + done + stale) == list(range(1, 201))

    run(story())


# --- outages -------------------------------------------------------------------------------------------------


@pytest.fixture(params=INSTALLATIONS)
def own_server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    """A server of one test, to be killed; what is committed there is on the disk."""
    server = start_server(request.param, durable=True)
    yield server
    server.close()


@pytest.mark.slow
def test_a_killed_database_is_unavailable_until_it_is_back_and_nothing_is_written_twice(own_server):
    async def story() -> None:
        database = Database(own_server, "postgres")
        store = await opened(database)
        await fill(store, listed(20))
        chains = (await store.claim(wanted(10))).chains
        await store.write([begun(n, chain) for n, chain in enumerate(chains)])
        ends = [settled(n, chain, TreatmentAction.RETRY_IN) for n, chain in enumerate(chains)]
        await store.write(ends[:5])
        own_server.kill9()
        with pytest.raises(StoreUnavailable, match=rf"127\.0\.0\.1:{own_server.port}"):
            await store.write(ends)
        with pytest.raises(StoreUnavailable, match="Connection refused") as refused:
            await store.claim(wanted())
        assert refused.value.chains == ()
        own_server.start()
        await store.write(ends)
        await store.write(ends)
        assert await database.ask("SELECT count(*), sum(attempt_n) FROM attempts") == [(10, 10)]
        assert await database.ask("SELECT sum(attempts), count(due_utc_ms) FROM records") == [(10, 20)]
        assert await database.ask("SELECT FROM open_attempts") == []
        assert len((await store.claim(wanted(20, NOW + 1_000))).chains) == 20
        await store.close()

    run(story())


@pytest.mark.slow
def test_a_database_killed_between_and_during_writes_has_everything_that_was_acknowledged(own_server):
    """Writes go on while the server is killed five times; each is repeated until it is acknowledged."""

    async def story() -> None:
        database = Database(own_server, "postgres")
        store = await opened(database)
        await fill(store, listed(2_000))
        over = asyncio.Event()
        written = outages = 0

        async def keep_on_writing() -> None:
            nonlocal written, outages
            while not over.is_set():
                chains: tuple[Chain, ...] = ()
                with contextlib.suppress(StoreUnavailable):
                    chains = (await store.claim(wanted(5))).chains
                batch = [settled(written + n, chain, TreatmentAction.RETRY_IN) for n, chain in enumerate(chains)]
                while batch:
                    try:
                        await store.write(batch)
                    except StoreUnavailable:
                        outages += 1
                        await asyncio.sleep(0.01)
                    else:
                        written += len(batch)
                        break

        writing = asyncio.create_task(keep_on_writing())
        for killed in range(1, 6):
            while written < 100 * killed:
                await asyncio.sleep(0.001)
            own_server.kill9()
            await asyncio.to_thread(own_server.start)
        over.set()
        await writing
        assert await database.ask("SELECT count(*) FROM attempts") == [(written,)]
        assert await database.ask("SELECT sum(attempts), max(attempts) FROM records") == [(written, 1)]
        await store.close()

    run(story())


@pytest.mark.slow
def test_a_frozen_database_is_unavailable_within_the_limit_and_back_when_it_wakes(own_server):
    async def story() -> None:
        store = await opened(Database(own_server, "postgres"), answer_s=2.0, connect_s=2.0)
        await fill(store, listed(3))
        own_server.hang()
        for _ in range(4):  # more than there are connections
            with pytest.raises(StoreUnavailable, match="does not answer in time"):
                await store.claim(wanted(1))
        async with asyncio.timeout(4):
            await store.close()
        own_server.wake()
        patient = Database(own_server, "postgres").store()
        found = await patient.open("east", NOW, 0)
        assert ids(await patient.claim(wanted())) == [1, 2, 3] and found.stale == 0
        await patient.close()
        await store.close()

    run(story())


def test_a_claim_whose_commit_got_no_answer_says_what_it_may_have_taken(database):
    """The connection breaks at the commit; the chains are returned, whether they were claimed or not."""

    async def story() -> None:
        store = await opened(database)
        await fill(store, listed(3))
        await database.ask(
            "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        await database.ask(
            "CREATE CONSTRAINT TRIGGER cut AFTER UPDATE ON records DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION cut()"
        )
        with pytest.raises(StoreUnavailable) as cut:
            await store.claim(wanted(2))
        assert [chain.records[0].record_id for chain in cut.value.chains] == [1, 2]
        await database.ask("DROP TRIGGER cut ON records")
        await store.write([ReturnRecord(LIST, chain.records[0].record_id, 0, "") for chain in cut.value.chains])
        assert ids(await store.claim(wanted())) == [1, 2, 3]
        await store.close()

    run(story())


def test_connections_that_an_administrator_ends_are_made_anew(database):
    async def story() -> None:
        store = await opened(database)
        await fill(store, listed(2))
        end_all = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()"
        )
        assert await database.ask(end_all, database.name)
        with contextlib.suppress(StoreUnavailable):  # unless the connection is known to be closed already
            await store.imports()
        assert ids(await store.claim(wanted())) == [1, 2]
        await store.close()

    run(story())


def test_a_closed_store_is_unavailable_and_may_be_closed_twice_and_opened_again(database):
    async def story() -> None:
        store = await opened(database)
        await store.close()
        await store.close()
        with pytest.raises(StoreUnavailable, match="is not open"):
            await store.claim(wanted())
        assert (await store.open("east", NOW, 0)).epoch == 2
        await store.close()

    run(story())


# --- others in the way ---------------------------------------------------------------------------------------


def test_a_victim_of_others_is_tried_again_and_gives_up_after_some_times(database):
    async def story() -> None:
        store = await opened(database)
        tries = 0

        async def fall_victim(connection: Any, times: int) -> int:
            nonlocal tries
            tries += 1
            if tries <= times:
                await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'others' USING ERRCODE = '40001'; END $$")
            return tries

        assert await store._link.transaction(lambda connection: fall_victim(connection, 2)) == 3
        tries = 0
        with pytest.raises(StoreUnavailable, match="changed by others 5 times"):
            await store._link.transaction(lambda connection: fall_victim(connection, 99))
        assert tries == postgres_link.TRIES
        await store.close()

    run(story())


def test_of_two_transactions_that_lock_each_other_out_both_are_done_in_the_end(database):
    async def story() -> None:
        await database.ask(f"ALTER DATABASE {database.name} SET deadlock_timeout = '5ms'")
        store = await opened(database)
        await fill(store, listed(2))
        both_hold_one = asyncio.Barrier(2)
        first_try = {1, 2}

        async def hold(connection: Any, mine: int, other: int) -> None:
            lock = "UPDATE records SET attempts = attempts + 1 WHERE record_id = $1"
            await connection.execute(lock, mine)
            if mine in first_try:
                first_try.discard(mine)
                await both_hold_one.wait()
            await connection.execute(lock, other)

        await asyncio.gather(
            store._link.transaction(lambda connection: hold(connection, 1, 2)),
            store._link.transaction(lambda connection: hold(connection, 2, 1)),
        )
        assert await database.ask("SELECT attempts FROM records") == [(2,), (2,)]
        await store.close()

    run(story())


def test_a_table_that_is_altered_while_the_store_is_open_does_not_trouble_it(database):
    """As when a newer server migrates the database: prepared statements do not fit any more."""

    async def story() -> None:
        store = await opened(database)
        await fill(store, listed(4))
        assert ids(await store.claim(wanted(2))) == [1, 2]
        await database.ask("ALTER TABLE records ALTER number TYPE varchar(40), ADD COLUMN further text")
        assert ids(await store.claim(wanted(2))) == [3, 4]
        await store.close()

    run(story())


# --- errors that an operator reads ---------------------------------------------------------------------------


def refusal(error: type[Exception], store: PostgresStore, *, of: Database) -> str:
    """What opening a store says, which never holds the password."""

    async def story() -> str:
        with pytest.raises(error) as refused:
            await store.open("east", NOW, 0)
        await store.close()
        said = f"{refused.value} {refused.value!r} {refused.value.__cause__!r}"
        assert of.password not in said
        return str(refused.value)

    return run(story())


def test_a_wrong_password_is_said_with_host_and_database(database):
    said = refusal(StoreError, PostgresStore(database.url, "not the password"), of=database)
    assert said.startswith(f'database "{database.name}" on 127.0.0.1:{database.server.port} refuses this user')
    assert "not the password" not in said


def test_a_database_that_is_not_there_is_said(database):
    store = PostgresStore(database.server.url("nowhere"), database.password)
    said = refusal(StoreError, store, of=database)
    assert said.startswith(f'database "nowhere" on 127.0.0.1:{database.server.port} is not there')


def test_a_user_who_may_not_make_tables_is_said(empty_database):
    async def make_user() -> None:
        await empty_database.ask("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        await empty_database.ask("DROP ROLE IF EXISTS guest")
        await empty_database.ask("CREATE ROLE guest LOGIN PASSWORD 'guest-secret'")

    run(make_user())
    store = PostgresStore(empty_database.server.url(empty_database.name, "guest"), "guest-secret")
    said = refusal(StoreError, store, of=empty_database)
    assert "does not give this user the rights that outdial needs: permission denied for schema public" in said


def test_a_host_that_is_not_known_is_said(database, monkeypatch):
    async def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    store = PostgresStore("postgresql://outdial@no-such-host/outdial", database.password)
    with monkeypatch.context() as patched:
        patched.setattr(asyncpg, "connect", fail)
        said = refusal(StoreError, store, of=database)
    assert said.startswith('database "outdial" on no-such-host does not answer: ') and "not known" in said


def test_a_server_that_is_not_there_is_unavailable(database):
    store = PostgresStore("postgresql://outdial@127.0.0.1:9/outdial", database.password)
    said = refusal(StoreUnavailable, store, of=database)
    assert said == 'database "outdial" on 127.0.0.1:9 does not answer: Connection refused'


def test_a_server_without_a_free_connection_is_unavailable(database):
    async def make_user() -> None:
        await database.ask("DROP ROLE IF EXISTS crowded")
        await database.ask("CREATE ROLE crowded LOGIN PASSWORD 'x' CONNECTION LIMIT 0")

    run(make_user())
    store = PostgresStore(database.server.url(database.name, "crowded"), "x")
    assert "has too many connections" in refusal(StoreUnavailable, store, of=database)


def test_a_server_that_is_too_old_is_said(database, monkeypatch):
    monkeypatch.setattr(postgres_link, "VERSION_MIN", 99)
    said = refusal(StoreError, database.store(), of=database)
    assert said.endswith(f"is PostgreSQL {database.server.installation.major}; outdial needs 99 or newer")


def test_a_database_of_a_newer_outdial_is_said(database):
    run(database.ask("UPDATE alembic_version SET version_num = '9999'"))
    said = refusal(StoreError, database.store(), of=database)
    assert said.startswith(f'database "{database.name}"') and "of a newer outdial (version 9999" in said


def test_a_database_with_foreign_tables_is_left_alone(empty_database):
    run(empty_database.ask("CREATE TABLE records (mine text)"))
    assert "tables that outdial did not make: records" in refusal(StoreError, empty_database.store(), of=empty_database)


@pytest.mark.parametrize(
    "url, said",
    [
        ("sqlite:///x.db", "has to look like postgresql://"),
        ("postgresql://outdial:hunter2@db/outdial", 'the address of database "outdial" on db holds a password'),
        ("postgresql://outdial@db/outdial?password=hunter2", "holds a password"),
        ("postgresql://outdial@[::1/outdial", "cannot be read"),
    ],
)
def test_an_address_that_cannot_be_used_is_said_at_once(url, said):
    with pytest.raises(StoreError) as refused:
        PostgresStore(url)
    assert said in str(refused.value) and "hunter2" not in str(refused.value)


def test_what_was_refused_after_it_had_worked_is_an_outage(database):
    """An administrator takes a right away by mistake: a server with calls on its lines waits for its return."""

    async def story() -> None:
        store = await opened(database)
        await database.ask("ALTER TABLE imports RENAME TO elsewhere")
        with pytest.raises(StoreUnavailable, match=r'lacks a table: relation "imports" does not exist'):
            await store.imports()
        await database.ask("ALTER TABLE elsewhere RENAME TO imports")
        assert await store.imports() == ()
        await store.close()

    run(story())


def test_values_that_no_column_takes_are_an_error_and_no_outage(database):
    async def story() -> None:
        store = await opened(database)
        with pytest.raises(StoreError, match="does not do what it is asked for"):
            await fill(store, [ListedRecord(Record(2**70, LIST, "1"), ())])
        await store.close()

    run(story())


def test_the_password_is_asked_for_at_every_new_connection(database):
    """So it may be changed while the server runs."""

    async def story() -> None:
        passwords = iter(["wrong", database.password, database.password])
        store = PostgresStore(database.url, lambda: next(passwords))
        with pytest.raises(StoreError):
            await store.open("east", NOW, 0)
        assert (await store.open("east", NOW, 0)).epoch == 1
        await store.close()

    run(story())


# --- statements ----------------------------------------------------------------------------------------------


def test_arrays_have_the_types_of_the_tables():
    """Accounts, the audit and settings are written row by row, without arrays."""
    for table in METADATA.tables.values():
        if table.name.startswith("api_") or table.name in ("audit", "setting_overrides"):
            continue
        for column in table.columns:
            assert column_type(column.name) == str(column.type).lower(), f"{table.name}.{column.name}"


def test_no_statement_reads_a_whole_table(database):
    """Even with a plan that was made while the tables were empty and is kept for ever. Open attempts are few.

    Counting a list reads it, on behalf of an operator who asks for that.
    """
    statements = {
        name: text
        for name, text in vars(postgres_statements).items()
        if name.isupper()
        and not name.startswith("_")
        and isinstance(text, str)
        and " " in text
        and name
        not in ("LOCK_SERVERS", "IMPORTS", "TAKE_LEFT_ATTEMPTS", "COUNT_LIST", "OPEN_ATTEMPTS_ON", "WORD_ORDER")
    }

    async def story() -> None:
        connection = await asyncpg.connect(database.url, password=database.password)
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        await connection.execute(postgres_link.begin(10))
        for name, text in statements.items():
            await connection.execute(f"PREPARE {name} AS {text}")
            values = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", text))))
            lines = [
                row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE {name}" + (f" ({values})" if values else ""))
            ]
            big = "records|attempts|agent_states|port_samples" + ("" if name == "FACTS" else "|open_attempts")
            assert not any(re.search(f"Seq Scan on ({big})\\b|Join Filter", line) for line in lines), lines
        await connection.close()

    assert len(statements) > 15
    run(story())
