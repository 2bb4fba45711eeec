"""The table `[serve]`: what `outdial serve` needs to know beside the objects of the configuration."""

from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import StringConstraints

from outdial.config.loaded import DATABASE_FILE, RESULTS_DIR, Database, Password, Serve
from outdial.config.mistakes import Mistakes
from outdial.config.options import Table, core_default, option, seconds_default
from outdial.config.rows import Row
from outdial.core.units import DAY_MS, SECOND_MS

DATABASE = 'a path, "sqlite:///path", or "postgresql://user@host:port/name"'
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql", "postgres")


REASON_CHARACTERS_MAX = 64
DESKTOP_AWAY = "desktop away"
"""Reason that the server gives for agents whose desktop is gone."""
NotReadyReason = Annotated[
    str, StringConstraints(min_length=1, max_length=REASON_CHARACTERS_MAX, pattern=r"^[^\p{Cc}]+$", strict=True)
]


class ServeTable(Table):
    """`[serve]`: how the server runs. Read by `outdial serve` only."""

    drain_s_max: float = option(
        "drain-s-max",
        "How long running calls may end by themselves after SIGTERM or SIGINT; those that are left are released.",
        default=seconds_default(Serve, "drain_ms_max"),
        unit="seconds",
        ge=0,
        le=86_400,
    )
    results_dir: str = option(
        "results-dir",
        "Folder for `attempts.csv`, `records.csv` and `statistics.json`, relative to the configuration file; made if "
        "it is missing.",
        default=RESULTS_DIR,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    ready_again_s: float = option(
        "ready-again-s",
        "Pause before an agent without a desktop is ready again after a missed call.",
        default=seconds_default(Serve, "ready_again_ms"),
        unit="seconds",
        ge=1,
        le=86_400,
    )
    after_call_work_s: float = option(
        "after-call-work-s",
        "After-call work of agents without a desktop, who cannot end it themselves, in campaign groups whose own "
        "`after-call-work-s` is 0.",
        default=seconds_default(Serve, "after_call_work_ms"),
        unit="seconds",
        ge=0.1,
        le=86_400,
    )
    desktop_away_s: float = option(
        "desktop-away-s",
        "How long the page of an agent with a desktop may be gone (closed, or cut off) before the agent is not ready, "
        'with the reason "desktop away". A call that is going on goes on.',
        default=seconds_default(Serve, "desktop_away_ms"),
        unit="seconds",
        ge=5,
        le=3_600,
    )
    not_ready_reasons: list[NotReadyReason] = option(
        "not-ready-reasons",
        "Reasons that agents with a desktop may give for being not ready, in the order in which they are shown.",
        default=list(core_default(Serve, "not_ready_reasons")),
        allowed=f"an array of 1 … 50 texts of up to {REASON_CHARACTERS_MAX} characters, each once",
        min_length=1,
        max_length=50,
    )
    database: str | None = option(
        "database",
        "Where records and attempts are kept from one start to the next: a SQLite file, relative to the configuration "
        f"file and made if it is missing, or a PostgreSQL database. Left out: `{DATABASE_FILE}` in `results-dir`.",
        default=None,
        allowed=DATABASE,
        min_length=1,
        max_length=4_096,
    )
    database_password_file: str | None = option(
        "database-password-file",
        "File whose first line is the password for PostgreSQL, relative to the configuration file. Read when "
        "connecting.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    database_password_env: str | None = option(
        "database-password-env",
        "Environment variable that holds the password for PostgreSQL. Read when connecting.",
        default=None,
        allowed="the name of an environment variable",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$",
    )
    server_name: str = option(
        "server-name",
        "Name of this server in the database. Servers that share a database need different names; a start under the "
        "same name takes over from the earlier one, which then stops dialing.",
        default=core_default(Serve, "server_name"),
        allowed="text of 1 … 64 letters, digits and . _ -, beginning with a letter or digit",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    )
    stale_clean_timeout: float = option(
        "stale-clean-timeout",
        "After a crash: how long a record waits whose call nobody has seen the end of, as it may still be up.",
        default=seconds_default(Serve, "stale_ms"),
        source="vendor",
        unit="seconds",
        ge=1,
        le=604_800,
    )
    samples_days: int = option(
        "samples-days",
        "How long the samples of ports are kept that the server takes once a minute, for `outdial report ports`: a row "
        "for each pool and each running campaign group.",
        default=Serve(Path()).samples_ms // DAY_MS,
        unit="days",
        ge=1,
        le=3_650,
    )
    records_csv_max: int = option(
        "records-csv-max",
        "Most records in the lists of a run for which `records.csv` is written at its end: 100,000 take some seconds. "
        "With more the file is left out: `outdial list export` writes a list at any time.",
        default=core_default(Serve, "records_csv_max"),
        unit="records",
        ge=0,
        le=100_000_000,
    )
    journal: str | None = option(
        "journal",
        "File that every step is recorded in, for `outdial replay`, relative to the configuration file. It must not "
        "exist yet. Left out: no journal.",
        default=None,
        allowed="a path",
        min_length=1,
        max_length=4_096,
    )
    tracing: bool = option(
        "tracing",
        "Whether each attempt is traced with OpenTelemetry: needs the extra `otel`, or a start under "
        "`opentelemetry-instrument`. Where the traces go is said by the environment of OpenTelemetry's SDK.",
        default=core_default(Serve, "tracing"),
    )


def check_serve(row: Row[ServeTable], mistakes: Mistakes) -> None:
    """What the values of the table have to do with each other."""
    table = row.table
    if row.given("database_password_file") and row.given("database_password_env"):
        wrong = "two places for one password: database-password-file and database-password-env"
        mistakes.add(row.key("database_password_env"), wrong, "one of them")
    if row.has("not_ready_reasons"):
        _check_reasons(row, mistakes)
    if not row.has("database"):
        return
    key, text = row.key("database"), table.database or ""
    if _is_postgres(text):
        wrong = _wrong_address(text)
        if wrong:  # which is not shown, as it may hold a password
            mistakes.add(key, wrong, "postgresql://user@host:port/name; the password in database-password-file or -env")
        return
    if "://" in text and text.removeprefix(_SQLITE) in ("", text):
        mistakes.add(key, "no such kind of database, or no path", DATABASE, value=text)
    for name in ("database_password_file", "database_password_env"):
        if row.given(name):
            mistakes.add(row.key(name), "has no effect with a SQLite file", "left out, or a PostgreSQL database")


def _check_reasons(row: Row[ServeTable], mistakes: Mistakes) -> None:
    known: dict[str, int] = {}
    for n, reason in enumerate(row.table.not_ready_reasons, 1):
        key = f"{row.key('not_ready_reasons')}[#{n}]"
        if reason in known:
            mistakes.add(key, f"is there already, as #{known[reason]}", "each reason once", value=reason)
        elif reason == DESKTOP_AWAY:
            mistakes.add(key, "is what the server itself says", "another text", value=reason)
        known.setdefault(reason, n)


def serve_of(table: ServeTable, folder: Path) -> Serve:
    """The table as the server reads it.

    Args:
        table: checked values.
        folder: what paths are relative to.
    """
    results_dir = folder / table.results_dir
    return Serve(
        results_dir=results_dir,
        database=_database_of(table, folder, results_dir),
        server_name=table.server_name,
        stale_ms=round(table.stale_clean_timeout * SECOND_MS),
        samples_ms=table.samples_days * DAY_MS,
        records_csv_max=table.records_csv_max,
        journal=None if table.journal is None else folder / table.journal,
        drain_ms_max=round(table.drain_s_max * SECOND_MS),
        ready_again_ms=round(table.ready_again_s * SECOND_MS),
        after_call_work_ms=round(table.after_call_work_s * SECOND_MS),
        desktop_away_ms=round(table.desktop_away_s * SECOND_MS),
        not_ready_reasons=tuple(table.not_ready_reasons),
        tracing=table.tracing,
    )


def may_have_records(row: Row[ServeTable] | None, folder: Path) -> bool:
    """Whether there is a database that may have the records of calling lists. Nothing is opened."""
    if row is not None and not row.has("results_dir", "database"):
        return False
    table = ServeTable() if row is None else row.table
    database = _database_of(table, folder, folder / table.results_dir)
    return database.file is None or database.file.is_file()


def _database_of(table: ServeTable, folder: Path, results_dir: Path) -> Database:
    text = table.database
    if text is None:
        return Database(results_dir / DATABASE_FILE)
    if not _is_postgres(text):
        return Database(folder / text.removeprefix(_SQLITE))
    file, variable = table.database_password_file, table.database_password_env
    if file is None and variable is None:
        return Database(url=text)
    return Database(url=text, password=Password(folder / file if file is not None else None, variable))


def _is_postgres(text: str) -> bool:
    return text.partition("://")[0] in _POSTGRES and "://" in text


def _wrong_address(url: str) -> str:
    """What is wrong with the address of a PostgreSQL database; empty: nothing."""
    try:
        parts = urlsplit(url)
        is_secret = parts.password is not None or "password" in parse_qs(parts.query)
        parts.port  # noqa: B018 raises when it is no port
    except ValueError as error:
        return f"cannot be read: {error}"
    if is_secret:
        return "holds a password, and a secret is not written into the configuration"
    return "" if parts.path.strip("/") else "names no database"
