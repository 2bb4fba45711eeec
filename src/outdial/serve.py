"""`outdial serve`: everything around the service: its configuration, database, folder, journal and log."""

import asyncio
import logging
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from outdial.drivers.journal import JournalWriter
from outdial.log_lines import LibraryLines, LineWriter, make_log
from outdial.serve_access import Door
from outdial.serve_records import open_records
from outdial.serve_results import folder_of_this_start
from outdial.serve_setup import Setup, look_at_lists, read_setup, read_setup_with
from outdial.service import Service
from outdial.service_parts import Parts

START_MARK = "{start}"
"""Stands for the time of the start in the name of the journal."""


def run_serve(path: Path, *, json_logs: bool | None = None, parts: Parts | None = None) -> int:
    """Serve until a signal ends it.

    Args:
        path: the configuration file.
        json_logs: log lines as JSON; None: unless standard error is a terminal.
        parts: what the service is made of; None: the real things.

    Returns:
        The exit code.

    Raises:
        OutdialError: it cannot start; says why.
    """
    setup = read_setup(path)
    writer = LineWriter(sys.stderr)
    log = make_log(writer, as_json=not sys.stderr.isatty() if json_logs is None else json_logs)
    libraries = LibraryLines(log)
    logging.getLogger().addHandler(libraries)
    try:
        return asyncio.run(_serve(path, setup, log, parts or Parts()))
    finally:
        logging.getLogger().removeHandler(libraries)
        writer.close()


async def _serve(path: Path, setup: Setup, log: FilteringBoundLogger, parts: Parts) -> int:
    """Open what the service needs, and let it run."""
    serve = setup.loaded.serve
    start = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    records = await open_records(serve, log)
    journal = None
    try:
        overrides = await records.store.setting_overrides(serve.server_name)
        if overrides:
            setup = await asyncio.to_thread(read_setup_with, path, overrides, setup.text)
        if setup.loaded.api is not None:
            note = await Door(setup.loaded.api, records.access, lambda change: None).check()
            setup = replace(setup, notes=(*setup.notes, *filter(None, [note])))
        notes = await records.add_lists(setup.loaded)
        setup = replace(setup, notes=(*setup.notes, *notes))
        folder = folder_of_this_start(serve.results_dir, start)
        if serve.journal is not None:
            journal = JournalWriter(serve.journal.with_name(serve.journal.name.replace(START_MARK, start)))
        return await Service(path, setup, folder, log, journal, parts, records).run()
    finally:
        if journal is not None:
            journal.close()
        await records.close()


def check_serve(path: Path) -> str:
    """Look at everything that `run_serve` would need, without writing or connecting.

    Returns:
        A summary and notes, as lines.

    Raises:
        ConfigError: mistakes: all of them.
    """
    setup = read_setup(path)
    records, notes = look_at_lists(setup.loaded)
    return "\n".join([f"ok: {_totals(setup, records)}", *(f"note: {note}" for note in (*setup.notes, *notes))])


def _totals(setup: Setup, records: int) -> str:
    counts = {
        "servers": len(setup.servers),
        "agents": len(setup.configuration.agents),
        "calling lists": len(setup.configuration.calling_lists),
        "records": records,
        "campaign groups to start": len(setup.loaded.start_groups),
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())
