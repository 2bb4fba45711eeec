"""The database of `outdial serve` in the configuration: where it is, who logs in, and what is refused."""

from pathlib import Path

import pytest

from config_samples import load_text, mistakes_in, text_with
from outdial.config.loaded import Password, Serve

ADDRESS = "postgresql://outdial@db.example:5432/outdial"


def serve(*lines: str) -> Serve:
    return load_text(text_with("\n".join(["[serve]", *lines, ""])), Path("conf")).serve


def wrong(*lines: str) -> list[str]:
    return mistakes_in(text_with("\n".join(["[serve]", *lines, ""])))


def test_without_a_word_it_is_a_file_among_the_results():
    assert serve().database.file == Path("conf/results/outdial.sqlite3")
    assert serve('results-dir = "/var/lib/outdial"').database.file == Path("/var/lib/outdial/outdial.sqlite3")
    assert (serve().server_name, serve().stale_ms) == ("outdial", 600_000)


@pytest.mark.parametrize(
    "text, file",
    [
        ("outdial.db", "conf/outdial.db"),
        ("sqlite:///outdial.db", "conf/outdial.db"),
        ("sqlite:////var/lib/outdial.db", "/var/lib/outdial.db"),
        ("/var/lib/outdial.db", "/var/lib/outdial.db"),
    ],
)
def test_a_sqlite_file_is_relative_to_the_configuration(text, file):
    database = serve(f'database = "{text}"').database
    assert (database.file, str(database)) == (Path(file), f"sqlite:///{file}")


def test_a_postgresql_database_is_named_without_its_password():
    found = serve(f'database = "{ADDRESS}"', 'database-password-file = "db.secret"', 'server-name = "east-1"')
    assert (found.database.file, str(found.database), found.server_name) == (None, ADDRESS, "east-1")
    assert found.database.password == Password(Path("conf/db.secret"))
    by_variable = serve(f'database = "{ADDRESS}"', 'database-password-env = "DB"', "stale-clean-timeout = 90")
    assert by_variable.database.password == Password(variable="DB") and by_variable.stale_ms == 90_000
    assert serve(f'database = "{ADDRESS}"').database.password is None


def test_two_places_for_one_password():
    assert wrong(f'database = "{ADDRESS}"', 'database-password-file = "a"', 'database-password-env = "B"') == [
        "serve.database-password-env: two places for one password: database-password-file and database-password-env; "
        "allowed: one of them"
    ]


def test_a_file_needs_no_password():
    assert wrong('database = "outdial.db"', 'database-password-env = "B"') == [
        "serve.database-password-env: has no effect with a SQLite file; allowed: left out, or a PostgreSQL database"
    ]


@pytest.mark.parametrize("secret", ["postgresql://u:hunter2@db/outdial", "postgres://db/outdial?password=hunter2"])
def test_a_password_in_the_address_is_refused_and_not_shown(secret):
    [mistake] = wrong(f'database = "{secret}"')
    assert mistake.startswith("serve.database: holds a password, and a secret is not written into the configuration")
    assert "hunter2" not in mistake


@pytest.mark.parametrize(
    "text, said",
    [
        ("mysql://db/outdial", "no such kind of database, or no path"),
        ("sqlite:///", "no such kind of database, or no path"),
        ("sqlite://outdial.db", "no such kind of database, or no path"),
        ("postgresql://db:5432/", "names no database"),
        ("postgresql://db:many/outdial", "cannot be read: Port could not be cast"),
    ],
)
def test_addresses_that_cannot_be(text, said):
    [mistake] = wrong(f'database = "{text}"')
    assert mistake.startswith("serve.database") and said in mistake


def test_names_and_times_have_limits():
    assert [mistake.partition(";")[0] for mistake in wrong('server-name = "a b"', "stale-clean-timeout = 0")] == [
        'serve.server-name = "a b": not in this form',
        "serve.stale-clean-timeout = 0: out of range",
    ]
