"""`outdial serve`: everything around the service: its configuration, its folder, its journal, its log."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

from outdial.drivers.journal import JournalWriter
from outdial.log_lines import LibraryLines, LineWriter, make_log
from outdial.serve_results import folder_of_this_start
from outdial.serve_setup import Setup, read_setup
from outdial.service import Parts, Service

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
    start = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    folder = folder_of_this_start(setup.loaded.serve.results_dir, start)
    journal_path = setup.loaded.serve.journal
    journal = None
    if journal_path is not None:
        journal = JournalWriter(journal_path.with_name(journal_path.name.replace(START_MARK, start)))
    writer = LineWriter(sys.stderr)
    log = make_log(writer, as_json=not sys.stderr.isatty() if json_logs is None else json_logs)
    libraries = LibraryLines(log)
    logging.getLogger().addHandler(libraries)
    try:
        service = Service(path, setup, folder, log, journal, parts or Parts())
        return asyncio.run(service.run())
    finally:
        if journal is not None:
            journal.close()
        logging.getLogger().removeHandler(libraries)
        writer.close()


def check_serve(path: Path) -> str:
    """Look at everything that `run_serve` would need, without writing or connecting.

    Returns:
        A summary and notes, as lines.

    Raises:
        ConfigError: mistakes: all of them.
    """
    setup = read_setup(path, rejects=False)
    return "\n".join([f"ok: {_totals(setup)}", *(f"note: {note}" for note in setup.notes)])


def _totals(setup: Setup) -> str:
    counts = {
        "servers": len(setup.servers),
        "agents": len(setup.configuration.agents),
        "calling lists": len(setup.sources),
        "records": sum(source.count for source in setup.sources),
        "campaign groups to start": len(setup.loaded.start_groups),
    }
    return ", ".join(f"{count:,} {what}" for what, count in counts.items())
