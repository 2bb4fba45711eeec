"""`outdial doctor`: look at every server of a configuration, and say what is wrong and what to do.

Each application, primary or backup, is looked at by itself, all of them side by side. Nothing is changed anywhere.
"""

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from outdial.config import Loaded, load
from outdial.config.loaded import Server
from outdial.config.servers import Driver
from outdial.doctor_asterisk import examine
from outdial.doctor_findings import Finding, Level, Needs
from outdial.store.sqlite_file import sqlite_warning

if TYPE_CHECKING:
    from rich.console import Console

# Servers that are looked at side by side.
SIDE_BY_SIDE_MAX = 16

STYLES: Mapping[Level, str] = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "bold red"}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found on one server."""

    server: Server
    findings: tuple[Finding, ...]


def diagnose(config: Path) -> list[Diagnosis]:
    """Load a configuration file and look at its servers, in the order of the file.

    Raises:
        ConfigError: the file has mistakes.
    """
    loaded = load(config)
    return asyncio.run(_examine_all(loaded))


def look_at_database(config: Path) -> list[Finding]:
    """What an operator should know about the database of a configuration, without opening it.

    Raises:
        ConfigError: the file has mistakes.
    """
    if load(config).serve.database.file is None:
        return []
    warning = sqlite_warning()
    if warning is None:
        return [Finding("sqlite", Level.OK, f"SQLite {sqlite3.sqlite_version}")]
    return [Finding("sqlite", Level.WARNING, warning)]


def is_healthy(diagnoses: list[Diagnosis]) -> bool:
    """Whether no error was found."""
    return all(finding.level is not Level.ERROR for diagnosis in diagnoses for finding in diagnosis.findings)


def needs_of(loaded: Loaded) -> Needs:
    """What the configuration wants from its servers."""
    settings = loaded.configuration
    return Needs(
        phones=tuple(dict.fromkeys(agent.phone for agent in settings.agents)),
        applications={
            group.ivr_application: group.name
            for group in settings.campaign_groups
            if group.dialing_mode.is_gvp and group.ivr_application
        },
        plays_messages=any(group.drop_message for group in settings.campaign_groups),
    )


async def _examine_all(loaded: Loaded) -> list[Diagnosis]:
    places = asyncio.Semaphore(SIDE_BY_SIDE_MAX)
    needs = needs_of(loaded)

    async def look(server: Server) -> Diagnosis:
        async with places:
            return Diagnosis(server, tuple(await _examine(server, needs)))

    return list(await asyncio.gather(*(look(server) for server in loaded.edge.values())))


async def _examine(server: Server, needs: Needs) -> list[Finding]:
    if server.driver is Driver.SIM:
        return [Finding("driver", Level.OK, "simulated: there is nothing to look at")]
    if not server.driver.is_asterisk:
        return [
            Finding("driver", Level.ERROR, f"driver {server.driver} is not built", "use asterisk-ami or asterisk-ari")
        ]
    return await examine(server, needs)


def to_json(config: Path, diagnoses: list[Diagnosis], database: Sequence[Finding] = ()) -> dict[str, Any]:
    """The result as one JSON object: see docs/reference/command-line.md."""
    return {
        "ok": is_healthy(diagnoses),
        "file": str(config),
        "servers": [
            {
                "server_id": diagnosis.server.dbid,
                "name": diagnosis.server.name,
                "driver": diagnosis.server.driver.value,
                "host": diagnosis.server.host,
                "port": diagnosis.server.port,
                "findings": [_finding_to_json(found) for found in diagnosis.findings],
            }
            for diagnosis in diagnoses
        ],
        "database": [_finding_to_json(found) for found in database],
    }


def _finding_to_json(found: Finding) -> dict[str, str]:
    return {"check": found.check, "level": found.level.value, "text": found.text, "advice": found.advice}


def print_report(console: "Console", diagnoses: list[Diagnosis], database: Sequence[Finding] = ()) -> None:
    """Print one table for each server and one for the database, and the sum."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    parts = [(_title(diagnosis.server), diagnosis.findings) for diagnosis in diagnoses]
    if database:
        parts.append(("database", tuple(database)))
    for name, findings in parts:
        title = Text(name, style="bold")
        table = Table(title=title, title_justify="left", box=box.SIMPLE, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column()
        for found in findings:
            text = Text(_shown(found.text))
            if found.advice:
                text.append(f"\n→ {_shown(found.advice)}", style="dim")
            table.add_row(Text(found.level.value, style=STYLES[found.level]), found.check, text)
        console.print(table)
    levels = [found.level for diagnosis in diagnoses for found in diagnosis.findings]
    errors, warnings = levels.count(Level.ERROR), levels.count(Level.WARNING)
    counts = f"{_count(errors, 'error')}, {_count(warnings, 'warning')}"
    console.print(f"{_count(len(diagnoses), 'server')}: {counts}", highlight=False)


def _title(server: Server) -> str:
    where = f", {server.host} port {server.port}" if server.host else ""
    return f"{server.name} ({server.driver}{where})"


def _count(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")


def _shown(text: str) -> str:
    """What a server says may hold anything; a terminal gets printable characters only."""
    return "".join(character if character.isprintable() else "�" for character in text)
