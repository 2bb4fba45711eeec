"""What a configuration file becomes: the core's configuration, and what the edge needs beside it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outdial.config.api import Api
from outdial.config.servers import DIAL_STRING, PHONE_STRING, REQUESTS_IN_FLIGHT_MAX, STASIS_APP, Driver
from outdial.config.webhooks import Webhook
from outdial.core.errors import ConfigError
from outdial.core.settings import Configuration
from outdial.core.units import DAY_MS, SECOND_MS, AgentGroupId, AgentId, GroupId, ListId, Millis, NodeId, ServerId
from outdial.selection.terms import Selection

PASSWORD_BYTES_MAX = 4_096
RESULTS_DIR = "results"
DATABASE_FILE = "outdial.sqlite3"
"""SQLite file in the folder for results, unless the configuration names a database."""

TCP_PORTS: Mapping[Driver, int] = {
    Driver.ASTERISK_AMI: 5038,
    Driver.ASTERISK_ARI: 5038,
    Driver.FREESWITCH_ESL: 8021,
}
"""The servers' own default ports. Both drivers for Asterisk speak AMI there."""
ARI_PORT = 8088
"""Asterisk's own default port for HTTP."""


@dataclass(frozen=True, slots=True)
class Password:
    """Where a password is. The password itself is read when connecting and kept nowhere."""

    file: Path | None = None
    variable: str | None = None
    """Name of an environment variable."""

    def __call__(self) -> str:
        """Fetch the password; unlike the method `read`, two of these compare."""
        return self.read()

    def read(self) -> str:
        """Fetch the password.

        Raises:
            ConfigError: the file or the variable is missing or empty.
        """
        if self.file is None:
            secret = os.environ.get(self.variable or "", "")
            place = f"environment variable {self.variable}"
        else:
            place = str(self.file)
            try:
                with self.file.open("rb") as stream:
                    lines = stream.read(PASSWORD_BYTES_MAX).decode("utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError([f"{place}: the password cannot be read: {error}"]) from error
            secret = lines[0].strip() if lines else ""
        if not secret:
            raise ConfigError([f"{place}: holds no password"])
        return secret


@dataclass(frozen=True, slots=True)
class Server:
    """One application, primary or backup, as the edge sees it: where it is and how it is spoken to."""

    dbid: ServerId
    name: str
    node: NodeId
    """DBID of the node: that of the primary application."""
    driver: Driver
    host: str
    """Empty with driver `sim`."""
    port: int
    """TCP port. 0 with driver `sim`."""
    user: str = ""
    password: Password | None = None
    total_ports: int | None = None
    """What the server reports as its ports; None: it reports none. Unit: ports."""
    ari_port: int | None = None
    """TCP port of ARI; None unless the driver is `asterisk-ari`."""
    dial_string: str = DIAL_STRING
    """Asterisk channel that reaches a customer; holds `{number}` once."""
    phone_string: str = PHONE_STRING
    """Asterisk channel that reaches an agent; holds `{phone}` once."""
    auto_answer_header: str = ""
    """SIP header for calls to agents' phones, as `Name: value`; empty: none."""
    stasis_app: str = STASIS_APP
    """Name of our ARI application."""
    requests_in_flight_max: int = REQUESTS_IN_FLIGHT_MAX
    """Most requests without a first sign of their call. Range: ≥ 1."""


@dataclass(frozen=True, slots=True)
class ShiftEnd:
    """When a shift ends, every day."""

    second_of_day: int
    """Unit: seconds after local midnight. Range: 0 … 86,400."""
    zone: str
    """IANA name of the time zone."""


@dataclass(frozen=True, slots=True)
class Database:
    """Where records and attempts are kept."""

    file: Path | None = None
    """A SQLite file; None: PostgreSQL."""
    url: str = ""
    """Address of a PostgreSQL database, without a password."""
    password: Password | None = None

    def __str__(self) -> str:
        return self.url if self.file is None else f"sqlite:///{self.file}"


@dataclass(frozen=True, slots=True)
class Serve:
    """How `outdial serve` runs: the table `[serve]`."""

    results_dir: Path
    """Folder for attempts.csv, records.csv and statistics.json."""
    database: Database = Database(Path(RESULTS_DIR) / DATABASE_FILE)
    server_name: str = "outdial"
    """What this server is called in the database."""
    stale_ms: Millis = 600 * SECOND_MS
    """How long a record waits after a crash whose call may still be up."""
    samples_ms: Millis = 90 * DAY_MS
    """How long samples of ports are kept."""
    records_csv_max: int = 100_000
    """Most records that `records.csv` is written for at the end."""
    journal: Path | None = None
    """File that every step is recorded in; None: none."""
    drain_ms_max: Millis = 60 * SECOND_MS
    """Longest wait for running calls once the server is told to end."""
    ready_again_ms: Millis = 30 * SECOND_MS
    """Pause before an agent without a desktop is ready again after a missed call."""
    after_call_work_ms: Millis = 10 * SECOND_MS
    """After-call work of agents without a desktop in groups that set no time for it."""
    desktop_away_ms: Millis = 30 * SECOND_MS
    """How long nobody may look at an agent's desktop before the agent is not ready."""
    not_ready_reasons: tuple[str, ...] = ("break", "lunch", "meeting", "training", "other work")
    """What agents with a desktop may give as their reason."""
    tracing: bool = False
    """Each attempt is traced with OpenTelemetry."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration file that has no mistakes."""

    file: str
    """Name of the file, for messages."""
    configuration: Configuration
    edge: Mapping[ServerId, Server]
    """Every application by its DBID."""
    list_files: Mapping[ListId, Path | int]
    """Where each calling list's records are: a CSV file, or the number of synthetic records."""
    start_groups: tuple[GroupId, ...] = ()
    """Campaign groups that start together with the server."""
    statistics_ms_max: Mapping[GroupId, Millis] = field(default_factory=dict)
    """Campaign groups that begin with the statistics of an earlier run, and how old these may be."""
    shift_ends: Mapping[AgentId, tuple[ShiftEnd, ...]] = field(default_factory=dict)
    """Agents whose shift ends, and when: once for every agent group that says so."""
    desktop_groups: frozenset[AgentGroupId] = frozenset()
    """Agent groups whose agents sign in by themselves."""
    desktop_agents: frozenset[AgentId] = frozenset()
    """Agents of one of these."""
    selections: Mapping[int, Mapping[ListId, Selection]] = field(default_factory=dict)
    """Which records of a list a campaign dials, and in which order. Shape: {campaign: {list: selection}}."""
    serve: Serve = field(default_factory=lambda: Serve(Path(RESULTS_DIR)))
    """The table `[serve]`."""
    api: Api | None = None
    """The table `[api]`. None: no API is served."""
    webhooks: tuple[Webhook, ...] = ()
    """Other systems that are told of what happens."""
    world: Mapping[str, Any] = field(default_factory=dict)
    """The table `[world]` as it stands in the file; `outdial.config.world` reads it."""
    do_not_call_region: str = ""
    """Region of numbers without a + in do-not-call lists of the database. Empty: they are taken as they are."""
    registries: Mapping[str, int] = field(default_factory=dict)
    """Do-not-call lists that are copies of a public registry. Shape: {name: oldest copy in days}."""
    notes: tuple[str, ...] = ()
    """What is allowed, but may not be what was meant. One line each, in the form of mistakes."""
