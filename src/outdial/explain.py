"""Why a predictive group dialed what it dialed: its last decisions, for people and as plain values.

A decision weighs the persons that calls in flight are expected to bring against the agents who are expected to be free
by then. The risk of one call more, that its person finds nobody, is compared with what the budget of abandoned persons
allows. What the words mean: docs/reference/command-line.md.
"""

from datetime import UTC, datetime
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from outdial.config.mistakes import show_names, show_value, suggest
from outdial.core.errors import ConfigError
from outdial.core.pacing import Decision
from outdial.core.settings import Configuration
from outdial.core.snapshot import GroupView
from outdial.core.units import Millis
from outdial.results_files import utc_text
from outdial.summary import print_whole

HEADINGS = (
    "time,\nUTC",
    "avail-\nable",
    "\nbusy",
    "in\nflight",
    "persons\nexpected",
    "agents\nexpected",
    "\nhorizon",
    "\nlevel",
    "\nrisk",
    "thresh-\nold",
    "\nstarted",
)


def check_name(configuration: Configuration, name: str) -> None:
    """Whether there is a campaign group of that name.

    Raises:
        ConfigError: there is none; it names those that there are.
    """
    names = [group.name for group in configuration.campaign_groups]
    if name not in names:
        near = suggest(name, names)
        wrong = "there is no such campaign group" + (f"; {near}" if near else "")
        allowed = show_names(show_value(known) for known in names) or "none"
        raise ConfigError([f"--explain {show_value(name)}: {wrong}; allowed: {allowed}"])


def print_decisions(console: Console, group: GroupView, start_utc_ms: Millis) -> None:
    """Print the last decisions as a table, oldest first, or why there are none.

    Args:
        console: where to; the table is as wide as it needs to be.
        group: the campaign group at the end of the run.
        start_utc_ms: time of day when the run began.
    """
    console.print()
    note = _note(group)
    if note:
        console.print(note, markup=False, highlight=False, soft_wrap=not console.is_terminal)
        return
    title = f"predictive decisions of {group.name}, the last {len(group.decisions)} (pacing at the end: {group.pacing})"
    console.print(title, style="bold", markup=False, highlight=False, soft_wrap=not console.is_terminal)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("\nwhy not more", no_wrap=True)
    for decision in group.decisions:
        table.add_row(*_cells(decision, start_utc_ms))
    print_whole(console, table)


def decisions_json(group: GroupView, start_utc_ms: Millis) -> dict[str, Any]:
    """The same as plain values. Shape: docs/reference/command-line.md."""
    return {
        "group": group.name,
        "mode": group.mode.value,
        "pacing": group.pacing,
        "note": _note(group),
        "decisions": [
            {"time_utc": utc_text(start_utc_ms + decision.at_mono_ms), **decision._asdict()}
            for decision in group.decisions
        ],
    }


def _note(group: GroupView) -> str:
    """Why there is nothing to tell; empty: there is."""
    if group.decisions:
        return ""
    if not group.mode.is_predictive:
        return f"{group.name} dials {group.mode}: only predictive modes weigh risks, so there is nothing to explain"
    return f"{group.name} has made no predictive decision (pacing at the end: {group.pacing})"


def _cells(decision: Decision, start_utc_ms: Millis) -> tuple[str, ...]:
    utc_ms = start_utc_ms + decision.at_mono_ms
    return (
        f"{datetime.fromtimestamp(utc_ms // 1_000, UTC):%H:%M:%S}.{utc_ms % 1_000 // 100}",
        f"{decision.available:,}",
        f"{decision.busy:,}",
        f"{decision.pending:,}",
        f"{decision.persons_millis / 1_000:.1f}",
        f"{decision.agents_millis / 1_000:.1f}",
        f"{decision.horizon_ms / 1_000:.1f} s",
        f"{decision.level_millis / 1_000:.2f}",
        f"{decision.risk_ppm / 1_000_000:.2%}",
        f"{decision.threshold_ppm / 1_000_000:.2%}",
        f"{decision.started:,}",
        decision.why,
    )
