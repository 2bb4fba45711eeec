"""`outdial simulate`: one scenario in virtual time, with every checker watching, and a report.

The same core as everywhere; the world, its clock and its luck come from the scenario and the seed, so a run can be had
again: same scenario, same seed, same digest.
"""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from outdial.config import Loaded, load
from outdial.config.world import world_seed, world_settings
from outdial.core.commands import Command
from outdial.core.errors import InvariantViolated
from outdial.core.events import Event
from outdial.core.units import Millis, Now
from outdial.drivers.journal import JournalWriter
from outdial.explain import check_name, decisions_json, print_decisions
from outdial.names import Names
from outdial.results_files import ATTEMPT_COLUMNS, CsvFile, make_folder, utc_text, write_records
from outdial.sim.checkers import Checkers
from outdial.sim.report import RunReport
from outdial.sim.run import ObserverFactory, Simulation
from outdial.sim.settings import WorldSettings
from outdial.sim.world import World
from outdial.summary import print_run_summary
from outdial.tally import Tally
from outdial.world_lists import read_lists

PORT_COLUMNS = ("seconds", "time_utc", "kind", "name", "used_ports", "maximum_ports")


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """What the command line asks for."""

    scenario: Path
    seed: int | None = None
    """None: the scenario's."""
    out: Path | None = None
    """None: no files."""
    journal: Path | None = None
    until_s: float | None = None
    """Virtual time to run. Unit: seconds. None: until everything has come to rest."""
    check: bool = True
    """Check the invariants after every step."""
    explain: str | None = None
    """Name of a campaign group whose last predictive decisions are told. None: nobody's."""


def run_simulate(options: SimulateOptions, *, as_json: bool, stdout: Console, stderr: Console) -> dict[str, Any]:
    """Run the scenario, print its report unless the output is JSON, and return it.

    Raises:
        OutdialError: the scenario, the journal or the folder is not usable.
        InvariantViolated: a bug, found by the core, by a checker, or by calls that never come to rest.
    """
    loaded = load(options.scenario)
    if options.explain is not None:
        check_name(loaded.configuration, options.explain)
    settings = world_settings(loaded)
    lists, notes = read_lists(loaded, settings)
    for note in (*loaded.notes, *notes):
        stderr.print(note, markup=False, highlight=False, soft_wrap=True)
    seed = options.seed if options.seed is not None else world_seed(loaded) or 0
    names = Names(loaded.configuration)
    folder = make_folder(options.out) if options.out is not None else None
    with contextlib.ExitStack() as files:
        journal = attempts_file = None
        if options.journal is not None:
            journal = files.enter_context(JournalWriter(options.journal, seed=seed))
        if folder is not None:
            attempts_file = files.enter_context(CsvFile(folder / "attempts.csv", ATTEMPT_COLUMNS))
        tally = Tally(names, attempts_file)
        progress = files.enter_context(_progress(stderr, settings, options.until_s, tally))
        observers: list[ObserverFactory] = [lambda *_: _Recorder(tally, journal)]
        if options.check:
            observers.append(Checkers)
        simulation = _Recorded(
            loaded.configuration, settings, seed, observers=observers, lists=lists, progress=progress, journal=journal
        )
        began_s = time.perf_counter()
        report = simulation.run(None if options.until_s is None else round(options.until_s * 1_000))
        took_s = time.perf_counter() - began_s
    snapshot = simulation.dialer.snapshot()
    tally.check(snapshot)
    answer = _to_json(options, loaded, report, took_s)
    explained = next((group for group in snapshot.groups if group.name == options.explain), None)
    if explained is not None:
        answer["explain"] = decisions_json(explained, settings.start_utc_ms)
    if folder is not None:
        _write_files(folder, answer, report, simulation.world, names)
    if not as_json:
        print_run_summary(stdout, report, took_s=took_s, checked=options.check, folder=folder)
        if explained is not None:
            print_decisions(stdout, explained, settings.start_utc_ms)
    return answer


class _Recorder:
    """Writes the journal and counts attempts, before any checker can object."""

    def __init__(self, tally: Tally, journal: JournalWriter | None) -> None:
        self._tally = tally
        self._journal = journal

    def after_step(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        if self._journal is not None:
            self._journal.append(now, event, commands)
        self._tally.observe(now, event, commands)

    def at_end(self, now: Now) -> None:
        pass


class _Recorded(Simulation):
    """A simulation whose fatal step is in the journal too, and whose bugs say where they are."""

    def __init__(self, *arguments: Any, journal: JournalWriter | None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._journal = journal

    def step(self, event: Event) -> None:
        journal = self._journal
        lines = 0 if journal is None else journal.lines
        try:
            super().step(event)
        except InvariantViolated as error:
            error.add_note(f"seed {self.seed}, {self.mono_ms} ms of virtual time, fatal event: {event}")
            if journal is not None:
                if journal.lines == lines:  # the core itself failed; a checker objects to a step that was written
                    journal.append_failure(self.world.reading(self.mono_ms), event, str(error))
                error.add_note(f"journal: {journal.path}, line {journal.lines}")
            raise


@contextlib.contextmanager
def _progress(console: Console, settings: WorldSettings, until_s: float | None, tally: Tally) -> Iterator[Any]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not console.is_terminal:
        yield None
        return
    total_ms = settings.duration_ms + settings.cool_down_ms
    if until_s is not None:
        total_ms = min(total_ms, round(until_s * 1_000))
    columns = (
        TextColumn("{task.fields[clock]}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[attempts]:,} attempts"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total_ms, clock="", attempts=0)

        def show(mono_ms: Millis, _duration_ms: Millis) -> None:
            time_of_day = datetime.fromtimestamp((settings.start_utc_ms + mono_ms) / 1_000, UTC)
            bar.update(
                task, completed=min(mono_ms, total_ms), clock=f"{time_of_day:%H:%M:%S} UTC", attempts=tally.attempts
            )

        yield show


def _to_json(options: SimulateOptions, loaded: Loaded, report: RunReport, took_s: float) -> dict[str, Any]:
    """What `outdial simulate --json` prints. Shape: docs/reference/command-line.md."""
    answer = report.as_dict()
    answer.pop("samples")
    answer["scenario"] = str(options.scenario)
    answer["checked"] = options.check
    answer["took_s"] = round(took_s, 3)
    for group, summary in zip(report.groups, answer["groups"], strict=True):
        used = [ports for sample in report.samples for dbid, ports, _ in sample.groups if dbid == group.group_id]
        summary["ports_mean"] = round(sum(used) / len(used), 2) if used else 0.0
        summary["ports_max"] = max(used, default=0)
    return answer


def _write_files(folder: Path, answer: dict[str, Any], report: RunReport, world: World, names: Names) -> None:
    (folder / "report.json").write_text(json.dumps(answer, indent=2) + "\n", encoding="utf-8")
    write_records(folder / "records.csv", world.lists, names)
    with CsvFile(folder / "ports.csv", PORT_COLUMNS) as file:
        for sample in report.samples:
            instant = (sample.mono_ms / 1_000, utc_text(world.settings.start_utc_ms + sample.mono_ms))
            for name, used, size in sample.pools:
                file.add((*instant, "pool", name, used, size))
            for group_id, used, maximum in sample.groups:
                file.add((*instant, "group", names.group(group_id), used, None if maximum < 0 else maximum))
