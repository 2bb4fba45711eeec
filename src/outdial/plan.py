"""`outdial plan`: what if there were more agents, fewer ports, another hit rate? One simulation for each answer.

The scenario runs in virtual time, cold start included, once for every point of the grid and every seed. Points use the
same seeds, so that they differ by what is varied and by nothing else. Runs are independent of each other: any number of
processes gives the same figures.
"""

import functools
import importlib.util
import itertools
import multiprocessing
import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from outdial.config import Loaded, load
from outdial.config.mistakes import show_names, show_value
from outdial.config.world import world_seed, world_settings
from outdial.core.errors import ConfigError, InvariantViolated
from outdial.core.settings import CampaignGroup
from outdial.core.units import Millis
from outdial.plan_figures import HOUR_MS, Figures, GroupWatch, Sums, figures_of, sums_of
from outdial.plan_report import Plan, print_plan, write_csv, write_json, write_plot
from outdial.plan_sweep import Axis, Point, point_text, points_of, read_axes
from outdial.plan_world import group_to_plan, port_limit_note, refusals, world_of
from outdial.sim.run import Simulation
from outdial.world_lists import read_lists

HOURS_MAX = 24 * 7
SEEDS_MAX = 100
JOBS_MAX = 256
PLOT_SUFFIXES = (".svg", ".png")
NO_PLOTS = "--plot needs matplotlib, which is not installed; install it: pip install 'outdial[plots]'"
OUT_OF_RECORDS_NOTED = 0.05
"""A point whose lists had nothing to dial for more than this part of the time is named."""

Task: TypeAlias = tuple[Point, int]
"""One run: point and seed."""


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What the command line asks for; numbers as they were written."""

    scenario: Path
    group: str | None = None
    """None: the first predictive campaign group, or the only one."""
    vary: tuple[str, ...] = ()
    hours: str = "2"
    seeds: str = "1"
    jobs: str | None = None
    """None: as many as there are processors."""
    json: Path | None = None
    """`-`: standard output, and nothing else goes there."""
    csv: Path | None = None
    plot: Path | None = None


@dataclass(frozen=True, slots=True)
class _Request:
    """The options, read."""

    axes: tuple[Axis, ...]
    duration_ms: Millis
    seeds: int
    jobs: int


def run_plan(options: PlanOptions, *, stdout: Console, stderr: Console) -> None:
    """Run every point, print the table, write the files.

    Raises:
        ConfigError: every mistake of the options and of the scenario.
        OutdialError: a file cannot be written.
        InvariantViolated: a bug, found by the core.
    """
    mistakes: list[str] = []
    request = _read(options, mistakes)
    try:
        loaded = load(options.scenario)
    except ConfigError as error:
        raise ConfigError([*mistakes, *error.mistakes]) from error
    group = _group(options, loaded, request.axes, mistakes)
    if mistakes or group is None:
        raise ConfigError(mistakes)
    points = points_of(request.axes)
    notes = [*loaded.notes, *read_lists(loaded, world_settings(loaded))[1]]
    notes += dict.fromkeys(filter(None, (port_limit_note(group, point) for point in points)))
    first_seed = world_seed(loaded) or 0
    seeds = range(first_seed, first_seed + request.seeds)
    began_s = time.perf_counter()
    sums = _run_all(loaded, group, request, list(itertools.product(points, seeds)), stderr)
    took_s = time.perf_counter() - began_s
    per_point = [functools.reduce(_added, sums[n : n + len(seeds)]) for n in range(0, len(sums), len(seeds))]
    plan = Plan(
        scenario=str(options.scenario),
        group=group,
        hours=request.duration_ms / HOUR_MS,
        seeds=tuple(seeds),
        axes=request.axes,
        rows=tuple((point, figures_of(entry)) for point, entry in zip(points, per_point, strict=True)),
    )
    notes += _records_notes(plan.rows)
    for note in notes:
        stderr.print(note, markup=False, highlight=False, soft_wrap=True)
    _write(options, plan, stdout)
    if options.json != Path("-"):
        print_plan(stdout, plan, runs=len(sums), took_s=took_s, files=[options.json, options.csv, options.plot])


def _write(options: PlanOptions, plan: Plan, stdout: Console) -> None:
    if options.json is not None:
        write_json(options.json, plan, stdout)
    if options.csv is not None:
        write_csv(options.csv, plan)
    if options.plot is not None:
        write_plot(options.plot, plan)


# --- options -----------------------------------------------------------------------------------------------------


def _read(options: PlanOptions, mistakes: list[str]) -> _Request:
    axes = read_axes(options.vary, mistakes)
    jobs = options.jobs if options.jobs is not None else str(min(JOBS_MAX, os.cpu_count() or 1))
    request = _Request(
        axes,
        round(_number("--hours", options.hours, Decimal("0.01"), HOURS_MAX, 3, mistakes) * HOUR_MS),
        int(_number("--seeds", options.seeds, Decimal(1), SEEDS_MAX, 0, mistakes)),
        int(_number("--jobs", jobs, Decimal(1), JOBS_MAX, 0, mistakes)),
    )
    for name, path in (("--json", options.json), ("--csv", options.csv), ("--plot", options.plot)):
        if path is None or (name == "--json" and path == Path("-")):
            continue
        if path.is_dir():
            mistakes.append(f'{name} "{path}": is a folder; allowed: a file, which is replaced')
        elif not path.parent.is_dir():
            mistakes.append(f'{name} "{path}": there is no folder {path.parent}')
    if options.plot is not None:
        if options.plot.suffix.lower() not in PLOT_SUFFIXES:
            allowed = " or ".join(PLOT_SUFFIXES)
            mistakes.append(f'--plot "{options.plot}": unknown kind of picture; allowed: {allowed}')
        if not options.vary:
            mistakes.append("--plot draws curves over what is varied; allowed: with --vary only")
        if importlib.util.find_spec("matplotlib") is None:
            mistakes.append(NO_PLOTS)
    return request


def _number(name: str, text: str, least: Decimal, most: int, decimals: int, mistakes: list[str]) -> Decimal:
    pattern = rf"[0-9]{{1,6}}(\.[0-9]{{1,{decimals}}})?" if decimals else "[0-9]{1,6}"
    if re.fullmatch(pattern, text) and least <= Decimal(text) <= most:
        return Decimal(text)
    kind = f"a number with at most {decimals} decimals" if decimals else "a whole number"
    mistakes.append(f"{name} {show_value(text)} is wrong; allowed: {kind} {least} … {most}")
    return least


def _group(options: PlanOptions, loaded: Loaded, axes: Sequence[Axis], mistakes: list[str]) -> CampaignGroup | None:
    """The campaign group to plan, with every reason against it or against what is varied."""
    group = group_to_plan(loaded.configuration, options.group)
    if group is None:
        names = show_names(show_value(entry.name) for entry in loaded.configuration.campaign_groups) or "none"
        wrong = "missing, and no group is predictive" if options.group is None else "there is no such campaign group"
        shown = "" if options.group is None else f" {show_value(options.group)}"
        mistakes.append(f"--group{shown}: {wrong}; allowed: {names}")
        return None
    mistakes += refusals(loaded, world_settings(loaded), group, [axis.knob.name for axis in axes])
    return group


# --- runs --------------------------------------------------------------------------------------------------------


def run_task(loaded: Loaded, group: CampaignGroup, duration_ms: Millis, task: Task) -> Sums:
    """Simulate one point with one seed.

    Raises:
        InvariantViolated: a bug, with the point and the seed in a note.
    """
    point, seed = task
    configuration, settings = world_of(loaded.configuration, world_settings(loaded), group, point, duration_ms)
    lists, _ = read_lists(loaded, settings)
    watches: list[GroupWatch] = []

    def watch(dialer: Any, *_: object) -> GroupWatch:
        watches.append(GroupWatch(dialer, group))
        return watches[-1]

    simulation = Simulation(configuration, settings, seed, observers=[watch], lists=lists)
    try:
        report = simulation.run(duration_ms)
    except InvariantViolated as error:
        error.add_note(f"{point_text(point)}, seed {seed}, {simulation.mono_ms} ms of virtual time")
        raise
    watches[0].until(simulation.mono_ms)
    return sums_of(report, group, watches[0])


def _run_all(loaded: Loaded, group: CampaignGroup, request: _Request, tasks: list[Task], stderr: Console) -> list[Sums]:
    """Every run, in the order of the tasks."""
    work = functools.partial(run_task, loaded, group, request.duration_ms)
    jobs = min(request.jobs, len(tasks))
    if jobs == 1:
        with _progress(stderr, len(tasks)) as advance:
            return [advance(work(task)) for task in tasks]
    # Processes first: none of them may inherit the thread that draws the progress bar.
    with multiprocessing.Pool(jobs, _leave_interrupts) as pool, _progress(stderr, len(tasks)) as advance:
        return [advance(sums) for sums in pool.imap(work, tasks)]


def _leave_interrupts() -> None:
    """Ctrl-C is for the process that waits; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Any]:
    """Gives a function that passes its argument on and moves a bar on a terminal."""
    if not console.is_terminal:
        yield lambda sums: sums
        return
    columns = (TextColumn("simulations"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)

        def advance(sums: Sums) -> Sums:
            bar.advance(task)
            return sums

        yield advance


def _added(first: Sums, second: Sums) -> Sums:
    first.add(second)
    return first


def _records_notes(rows: Sequence[tuple[Point, Figures]]) -> list[str]:
    """Which points ran out of records, so that their figures say little."""
    dry = [point_text(point) for point, figures in rows if figures.out_of_records > OUT_OF_RECORDS_NOTED]
    if not dry:
        return []
    more = f" and {len(dry) - 3} more" if len(dry) > 3 else ""
    return [f"the lists had nothing to dial for part of the time: {'; '.join(dry[:3])}{more}"]
