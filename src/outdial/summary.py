"""The end of a demonstration or of a simulation in tables."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from outdial.board import abandoned_text, clock_text, mode_name
from outdial.core.snapshot import GroupView, Snapshot
from outdial.sim.report import GroupReport, RunReport

BLOCKS = "▁▂▃▄▅▆▇█"
# Width of the little plots. Unit: characters. Range: ≥ 1. Origin: with its label and numbers it fits 100 columns.
PLOT_WIDTH = 48
# Widest table. Unit: characters. Origin: far beyond what any table here needs.
TABLE_COLUMNS_MAX = 1_000


def print_demo_summary(console: Console, snapshot: Snapshot, report: dict[str, Any]) -> None:
    """Print groups, nodes and where the files are.

    Args:
        console: where to.
        snapshot: the dialer at the end.
        report: what `outdial demo --json` prints.
    """
    console.print(f"{report['attempts']:,} attempts in {report['seconds']:.0f} seconds", style="bold", highlight=False)
    table = new_table("group", "attempts", "persons", "connected", "abandoned", "mode")
    for group in snapshot.groups:
        table.add_row(
            group.name,
            f"{group.counts.attempts:,}",
            f"{group.counts.answered:,}",
            f"{group.counts.connected:,}",
            abandoned_text(group),
            mode_name(group.mode),
        )
    console.print(table)
    nodes = new_table("node", "requests", "faults", "at the end")
    for node in snapshot.nodes:
        nodes.add_row(node.name, f"{node.requests:,}", f"{node.faults:,}", node.state)
    console.print(nodes)
    lines = [f"{group.name}: {results_text(group)}" for group in snapshot.groups if group.counts.results]
    if "calls_seen" in report:
        lines.append(f"{report['servers']} made {report['calls_seen']:,} calls to customers, as their side counted")
    lines += [
        f"connections lost: {report['node_failures']}, port maxima changed: {report['port_moves']} times, "
        f"seed {report['seed']}",
        f"every attempt: {report['results_file']}",
        f"every record:  {report['records_file']}",
    ]
    if report["journal"] is not None:
        lines.append(f"journal:       {report['journal']} (try: outdial replay {report['journal']})")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def results_text(group: GroupView) -> str:
    """A group's call results, the most frequent first."""
    return _results(group.counts.results)


def _results(counts: Sequence[tuple[str, int]]) -> str:
    results = sorted(counts, key=lambda entry: -entry[1])
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in results)


def print_run_summary(
    console: Console, report: RunReport, *, took_s: float, checked: bool, folder: Path | None
) -> None:
    """Print groups, agents, nodes and ports over time of a simulation."""
    virtual_s = report.virtual_ms / 1_000
    console.print(
        f"{report.attempts:,} attempts in {clock_text(virtual_s)} of virtual time, seed {report.seed}",
        style="bold",
        highlight=False,
    )
    console.print(_group_table(report))
    console.print(_work_table(report))
    console.print(_node_table(report))
    lines = ["ports in use over time, each plot from 0 to its own highest:", *_plots(report), ""]
    lines += [f"{group.name}: {_results(list(group.results.items()))}" for group in report.groups if group.results]
    if report.faults:
        lines.append("faults: " + ", ".join(f"{kind} {count:,}" for kind, count in report.faults.items()))
    checks = "invariants checked after every step" if checked else "invariants not checked"
    lines += [
        f"{report.steps:,} steps in {took_s:.1f} s ({virtual_s / max(took_s, 0.001):,.0f} × real time), {checks}",
        f"late events {report.late_events:,}, ignored agent events {report.ignored_dn_events:,}, "
        f"unknown results {report.unknown_results:,}",
        f"digest {report.digest}",
    ]
    if folder is not None:
        lines.append(f"files: {folder}/report.json, attempts.csv, records.csv, ports.csv")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=not console.is_terminal)


def new_table(name: str, *numbers: str) -> Table:
    """A table whose first column is a name and whose others are numbers."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(name, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def print_whole(console: Console, table: Table) -> None:
    """Print a table at the width that it needs, however narrow the console is."""
    needed = Measurement.get(console, console.options.update(max_width=TABLE_COLUMNS_MAX), table).maximum
    width = max(console.width, needed)
    Console(file=console.file, width=width, force_terminal=console.is_terminal).print(table)


def _group_table(report: RunReport) -> Table:
    table = new_table("group", "attempts", "persons", "connected", "lost", "wait", "longest", "talk")
    for group in report.groups:
        table.add_row(
            group.name,
            f"{group.attempts:,}",
            f"{group.persons:,}",
            f"{group.connected:,}",
            f"{group.lost_ratio:.1%}",
            f"{group.wait_ms_mean / 1_000:.2f} s",
            f"{group.wait_ms_max / 1_000:.2f} s",
            f"{group.talk_ms_mean / 1_000:.1f} s",
        )
    return table


def _work_table(report: RunReport) -> Table:
    table = new_table("agents", "people", "logged in", "utilisation", "talks", "idle per talk")
    for work in report.work:
        table.add_row(
            work.name,
            f"{work.agents:,}",
            f"{work.logged_in_ms / 3_600_000:,.2f} h",
            f"{work.utilisation:.1%}",
            f"{work.conversations:,}",
            f"{work.idle_ms_mean / 1_000:,.1f} s",
        )
    return table


def _node_table(report: RunReport) -> Table:
    table = new_table("node", "requests", "faults", "at the end")
    for node in report.nodes:
        table.add_row(node.name, f"{node.requests:,}", f"{node.faults:,}", node.state)
    return table


def _plots(report: RunReport) -> list[str]:
    """One line per pool and per group: name, plot, numbers."""
    names = list(dict.fromkeys(name for sample in report.samples for name, _, _ in sample.pools))
    series = [
        (f"pool {name}", [used for sample in report.samples for pool, used, _ in sample.pools if pool == name])
        for name in names
    ]
    series += [(group.name, _used(report, group)) for group in report.groups]
    width = max((len(label) for label, _ in series), default=0)
    return [
        f"  {label:{width}}  {sparkline(used, PLOT_WIDTH)}  mean {sum(used) / len(used):,.1f}, most {max(used):,}"
        for label, used in series
        if used
    ]


def _used(report: RunReport, group: GroupReport) -> list[int]:
    return [used for sample in report.samples for dbid, used, _ in sample.groups if dbid == group.group_id]


def sparkline(values: Sequence[int], width: int) -> str:
    """A plot of one line: each character is the mean of its part of the values, from 0 to the highest mean."""
    if not values:
        return ""
    width = min(width, len(values))
    edges = [len(values) * place // width for place in range(width + 1)]
    means = [sum(values[start:end]) / (end - start) for start, end in pairwise(edges)]
    top = max(means)
    return "".join(BLOCKS[round((len(BLOCKS) - 1) * mean / top)] if top > 0 else BLOCKS[0] for mean in means)
