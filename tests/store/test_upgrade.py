"""Migrations: they make the tables of `schema`, from nothing and from every earlier version, all or none."""

import asyncio
import re
import sqlite3

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from outdial.core.records import RecordType
from outdial.core.results import CallResult
from outdial.store import upgrade
from outdial.store.attempt_rows import ATTEMPT_COLUMNS
from outdial.store.claims import ClaimRequest
from outdial.store.interface import StoreError
from outdial.store.schema import METADATA
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import connect


@pytest.fixture
def engine(tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'outdial.sqlite'}")
    yield engine
    engine.dispose()


def differences(connection: sqlalchemy.Connection) -> list:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), METADATA))


def tables_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Statements by the name of what they make, with white space and the order of columns evened out."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'alembic%'")
    return {name: evened_out(sql) for name, sql in rows}


def evened_out(statement: str) -> str:
    """A statement with one blank between words. What a table consists of is sorted: a column that was added stands
    behind the constraints."""
    text = " ".join(statement.split())
    if not text.startswith("CREATE TABLE"):
        return text
    head, _, rest = text.partition("(")
    body, _, tail = rest.rpartition(")")
    parts = re.split(r", ?(?![^(]*\))", body)
    return f"{head}({', '.join(sorted(part.strip() for part in parts))}){tail}"


def test_migrations_make_the_tables_of_the_schema(engine):
    with engine.begin() as connection:
        upgrade.upgrade(connection)
    with engine.begin() as connection:
        assert differences(connection) == []


def test_the_comparison_sees_a_difference(engine):
    with engine.begin() as connection:
        upgrade.upgrade(connection)
        connection.exec_driver_sql("ALTER TABLE records DROP COLUMN custom")
        connection.exec_driver_sql("DROP INDEX ix_records_number")
        assert len(differences(connection)) == 2


def test_what_the_comparison_does_not_look_at_is_the_same_too(tmp_path):
    """Conditions of partial indices, checks, names of keys, tables without row numbers."""
    migrated = connect(tmp_path / "migrated.sqlite")
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'made.sqlite'}")
    METADATA.create_all(engine)
    engine.dispose()
    made = sqlite3.connect(tmp_path / "made.sqlite")
    assert tables_of(migrated) == tables_of(made)
    migrated.close()
    made.close()


def test_the_version_is_that_of_the_latest_migration():
    assert ScriptDirectory.from_config(upgrade.migration_config()).get_heads() == [upgrade.VERSION]


def test_records_of_the_first_version_survive(tmp_path):
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'outdial.sqlite'}")
    with engine.begin() as connection:
        config = upgrade.migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO records (record_id, list_id, number) VALUES (7, 1, '+15550100')")
    engine.dispose()
    migrated = connect(tmp_path / "outdial.sqlite")
    rows = migrated.execute("SELECT record_id, number, status, customer_id, cancel_utc_ms FROM records").fetchall()
    assert rows == [(7, "+15550100", 1, None, None)]
    migrated.close()


def test_a_database_of_the_first_version_keeps_what_is_in_it(engine):
    config = upgrade.migration_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO records (record_id, list_id, number) VALUES (1, 1, '5550100')")
        connection.exec_driver_sql(
            "INSERT INTO attempts VALUES (1, 9, 1, 1, 1, 1, '5550100', 1, 'progressive', 33, 'none', 'person', 200, "
            "NULL, 7, 1800000000000, 900, 0, 61500, 'done', 0)"
        )
    with engine.begin() as connection:
        upgrade.upgrade(connection)
        assert differences(connection) == []
        assert connection.exec_driver_sql("SELECT record_id, number FROM records").all() == [(1, "5550100")]
        assert connection.exec_driver_sql("SELECT call_id, talk_ms FROM attempts").all() == [(9, 61_500)]
        assert connection.exec_driver_sql("SELECT count(*) FROM agent_states").scalar() == 0


def test_upgrading_twice_does_no_harm(engine):
    for _ in range(2):
        with engine.begin() as connection:
            upgrade.upgrade(connection)
            assert connection.exec_driver_sql(upgrade.VERSION_QUERY).scalars().all() == [upgrade.VERSION]


def test_attempts_of_the_first_version_are_kept_and_told_by_their_results(engine):
    columns = ", ".join(ATTEMPT_COLUMNS[:21])
    rest = "'none', NULL, NULL, NULL, NULL, 1800000000000, 900, 0, 61500, 'done', 0"
    config = upgrade.migration_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for call_id, mode, result in ((1, "predictive", 33), (2, "progressive", 26), (3, "preview", 33), (4, "x", 7)):
            values = f"5, {call_id}, 1, 1, 1, 1, '+15550100', 1, '{mode}', {result}, {rest}"
            connection.exec_driver_sql(f"INSERT INTO attempts ({columns}) VALUES ({values})")
    with engine.begin() as connection:
        upgrade.upgrade(connection)
        found = connection.exec_driver_sql("SELECT call_id, person, abandoned, campaign_id, talk_ms FROM attempts")
        assert [tuple(row) for row in found] == [
            (1, 1, 0, None, 61_500),
            (2, 1, 1, None, 61_500),
            (3, 0, 0, None, 61_500),
            (4, 0, 0, None, 61_500),
        ]


def test_an_upgrade_keeps_the_data_of_the_first_version(engine):
    with engine.begin() as connection:
        config = upgrade.migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql("INSERT INTO records (record_id, list_id, number, due_utc_ms) VALUES (1, 1, '1', 0)")
        connection.exec_driver_sql(
            "INSERT INTO attempts VALUES (1, 2, 1, 101, 1, 1, '1', 1, 'power-gvp', 7, 'callee', NULL, NULL, NULL, "
            "NULL, 5, 6, 0, 0, 'done', 0)"
        )
    with engine.begin() as connection:
        upgrade.upgrade(connection)
        [record] = connection.exec_driver_sql("SELECT number, consent, consent_utc_ms FROM records").all()
        assert tuple(record) == ("1", None, None)
        assert connection.exec_driver_sql("SELECT count(*) FROM attempts").scalar() == 1
        assert connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar() == 0


def test_an_upgrade_to_accounts_lets_nobody_in_and_keeps_what_was_there(engine):
    with engine.begin() as connection:
        config = upgrade.migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0006")
        connection.exec_driver_sql("INSERT INTO records (record_id, list_id, number) VALUES (7, 1, '+15550100')")
        connection.exec_driver_sql("INSERT INTO evidence VALUES (1, 2, '{}')")
    with engine.begin() as connection:
        upgrade.upgrade(connection)
        assert connection.exec_driver_sql("SELECT record_id, number FROM records").all() == [(7, "+15550100")]
        assert connection.exec_driver_sql("SELECT count(*) FROM evidence").scalar() == 1
        for table in ("api_tokens", "api_users", "api_sessions", "api_answers", "audit"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0


def test_a_newer_version_is_refused_by_name(engine):
    with engine.begin() as connection:
        upgrade.upgrade(connection)
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '4711'")
    with pytest.raises(StoreError, match=r"newer outdial \(version 4711"), engine.begin() as connection:
        upgrade.upgrade(connection)


def test_an_upgrade_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    path = tmp_path / "outdial.sqlite"

    def broken(connection: sqlalchemy.Connection) -> None:
        upgrade.upgrade(connection)
        raise StoreError("the last of the migrations failed")

    monkeypatch.setattr("outdial.store.sqlite_file.upgrade", broken)
    with pytest.raises(StoreError, match=r"outdial\.sqlite: the last of the migrations failed"):
        connect(path)
    bare = sqlite3.connect(path)
    assert bare.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    bare.close()


def test_a_percent_sign_in_the_path_of_the_package_does_no_harm(monkeypatch, tmp_path):
    monkeypatch.setattr(upgrade, "_MIGRATIONS", tmp_path / "100% sure")
    assert upgrade.migration_config().get_main_option("script_location") == str(tmp_path / "100% sure")


def test_what_an_operator_has_survives_the_upgrade(tmp_path):
    """Records of the first version, one of each kind, keep what they are and are claimed as before."""
    path = tmp_path / "outdial.sqlite"
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config = upgrade.migration_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = "record_id, list_id, number, chain_id, chain_n, status, priority, due_utc_ms, attempts"
        columns += ", treatments, custom"
        for values in (
            "1, 1, '+15550001', 0, 0, 1, 0, 0, 0, NULL, '{\"a\":\"b\"}'",
            "2, 1, '+15550002', 0, 0, 1, 1, 5, 2, '[[6,2]]', NULL",
            "3, 1, '+15550003', 7, 0, 3, 0, NULL, 1, NULL, NULL",
            "4, 1, '+15550004', 7, 1, 1, 1, 9, 0, NULL, NULL",
            "5, 1, '+15550005', 0, 0, 1, 1, 9000, 1, NULL, NULL",
        ):
            connection.exec_driver_sql(f"INSERT INTO records ({columns}) VALUES ({values})")
    engine.dispose()

    async def story():
        store = SqliteStore(path)
        await store.open("one", 100, 1)
        claimed = await store.claim(ClaimRequest(1, ((1, 10),), 10, 100))
        stored = await store.records(1, 0, 10)
        await store.close()
        return claimed, stored

    claimed, stored = asyncio.run(story())
    assert [chain.records[0].record_id for chain in claimed.chains] == [2, 4, 1]
    assert (claimed.chains[0].records[0].attempts, claimed.chains[0].records[0].history) == (2, ((CallResult.BUSY, 2),))
    assert claimed.next_due_utc_ms == 9_000
    assert [(each.fate.record_id, each.record_type, each.group_id) for each in stored] == [
        (n, RecordType.GENERAL, None) for n in range(1, 6)
    ]
    assert stored[0].custom == {"a": "b"}
