"""What a plan came to: a table for people, JSON and CSV for programs, curves for slides.

Files say nothing about time spent or about processes: the same scenario, options and version give the same bytes.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console

from outdial.core.settings import CampaignGroup
from outdial.plan_figures import Figures
from outdial.plan_sweep import Axis, Point, value_text
from outdial.results_files import CsvFile, ResultsError
from outdial.summary import new_table, print_whole

HEADINGS = (
    "utili-\nsation",
    "agents\nwait",
    "persons\nwait",
    "aban-\ndoned",
    "calls per\nagent-hour",
    "ports\nmean",
    "ports\np99",
)
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Plan:
    """A finished plan."""

    scenario: str
    group: CampaignGroup
    hours: float
    """Virtual time of each run."""
    seeds: tuple[int, ...]
    axes: tuple[Axis, ...]
    rows: tuple[tuple[Point, Figures], ...]


def print_plan(console: Console, plan: Plan, *, runs: int, took_s: float, files: Sequence[Path | None]) -> None:
    """Print the table, and where the files are."""
    seeds = f"seed {plan.seeds[0]}" if len(plan.seeds) == 1 else f"seeds {plan.seeds[0]} to {plan.seeds[-1]}"
    title = f"{plan.group.name}, {plan.group.dialing_mode}: {plan.hours:g} h from a cold start, {seeds}"
    console.print(title, style="bold", markup=False, highlight=False)
    if plan.axes:
        first, *others = [axis.knob.heading for axis in plan.axes]
        table = new_table(first, *others, *HEADINGS)
        table.columns[0].justify = "right"
    else:
        table = new_table("", *HEADINGS)
    for point, figures in plan.rows:
        table.add_row(*([value_text(value) for _, value in point] or ["as it is"]), *cells(figures))
    print_whole(console, table)
    lines = [f"{runs} simulation{'s' if runs != 1 else ''} in {took_s:.1f} s"]
    written = [str(path) for path in files if path is not None]
    if written:
        lines.append(f"files: {', '.join(written)}")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def cells(figures: Figures) -> tuple[str, ...]:
    """One line of the table behind the point: as many cells as there are headings."""
    return (
        _percent(figures.utilisation),
        NOTHING if figures.agent_wait_s is None else f"{figures.agent_wait_s:,.1f} s",
        f"{figures.person_wait_s:.2f} s",
        _percent(figures.lost_ratio),
        NOTHING if figures.calls_per_agent_hour is None else f"{figures.calls_per_agent_hour:.1f}",
        f"{figures.ports_mean:,.1f}",
        f"{figures.ports_p99:,}",
    )


def _percent(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.1%}"


# --- files -------------------------------------------------------------------------------------------------------


def as_dict(plan: Plan) -> dict[str, Any]:
    """Plain values, ready for JSON. Shape: docs/reference/command-line.md."""
    return {
        "scenario": plan.scenario,
        "group": plan.group.name,
        "mode": plan.group.dialing_mode.value,
        "hours": plan.hours,
        "seeds": list(plan.seeds),
        "vary": {axis.knob.name: [_plain(value) for value in axis.values] for axis in plan.axes},
        "points": [
            {**{name: _plain(value) for name, value in point}, **asdict(figures)} for point, figures in plan.rows
        ],
    }


def write_json(path: Path, plan: Plan, stdout: Console) -> None:
    """Write the plan as one JSON object; `-` is standard output.

    Raises:
        ResultsError: the file cannot be written.
    """
    if path == Path("-"):
        stdout.file.write(json.dumps(as_dict(plan), ensure_ascii=False) + "\n")
        return
    try:
        path.write_text(json.dumps(as_dict(plan), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror}") from error


def write_csv(path: Path, plan: Plan) -> None:
    """Write one line per point.

    Raises:
        ResultsError: the file cannot be written.
    """
    names = [axis.knob.name for axis in plan.axes]
    with CsvFile(path, [*names, *(item.name for item in fields(Figures))]) as file:
        for point, figures in plan.rows:
            file.add([*(_plain(value) for _, value in point), *asdict(figures).values()])


def write_plot(path: Path, plan: Plan) -> None:
    """Draw utilisation and abandonment over the first name, one line per value of the second.

    Raises:
        ResultsError: the file cannot be written.
    """
    from outdial.plan_plot import draw

    try:
        draw(path, plan)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror or error}") from error


def _plain(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
