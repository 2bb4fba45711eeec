"""The demonstration: the real dialer in real time, on simulated SIP cluster nodes, callees and agents.

Everything is as in production except the far side: the same core, the same runner, the same journal, the same database.
Ctrl-C ends it as well as time does: groups are stopped, calls end or are hung up, files are written, and the totals are
compared.

The far side of this module is the simulated one, `Scene`; `demo_asterisk` has another, of real servers. The course of a
demonstration, `Demo`, is the same for both.
"""

import asyncio
import signal
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from outdial.api_dialer import ApiDialer
from outdial.board import Frame
from outdial.core.abandonment_events import AbandonmentFound
from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.errors import InvariantViolated
from outdial.core.events import (
    CallReleased,
    ConfigurationLoaded,
    EngagingReleased,
    Event,
    GroupStartRequested,
    GroupStopRequested,
)
from outdial.core.units import CallId, Now
from outdial.dashboard_files import lacking
from outdial.demo_api import DemoApiLog, demo_api
from outdial.demo_records import DATABASE, DemoRecords
from outdial.demo_scene import DemoOptions, load_scene
from outdial.demo_settings import settings_of_demo
from outdial.display import FRAMES_PER_S, Display, Nowhere, choose_display
from outdial.drivers.clock import Clock, SystemClock
from outdial.drivers.journal import JournalWriter
from outdial.drivers.runner import Runner
from outdial.far_side import FarSide
from outdial.happenings import Happenings
from outdial.observation import Observation
from outdial.results_files import ATTEMPT_COLUMNS, CsvFile, make_folder
from outdial.store.interface import Store
from outdial.summary import print_demo_summary
from outdial.tally import Tally, group_totals, node_totals

RECORDS_FILE = "records.csv"
# How long calls may end by themselves once the groups are stopped. Unit: seconds. Origin: longer than a person may
# wait for an agent, so that nobody counts as abandoned because the demo ended.
SETTLE_S = 3.0
# How long the calls that are hung up then may take to settle. Unit: seconds. Origin: a release takes milliseconds.
HANG_UP_S = 2.0
# Longest wait for what the core makes of calls whose end nobody reported. Unit: seconds.
LAST_S = 1.0


def run_demo(options: DemoOptions, *, as_json: bool, stdout: Console, stderr: Console) -> dict[str, Any]:
    """Run the demonstration, print its summary unless the output is JSON, and return its report.

    Raises:
        OutdialError: the list, the journal or the folder is not usable.
        InvariantViolated: a bug, for example totals that do not agree.
    """
    clock = SystemClock()
    scene = load_scene(options, clock)
    for note in scene.notes:
        stderr.print(note, markup=False, highlight=False, soft_wrap=True)
    return play(scene, clock, options, as_json=as_json, stdout=stdout, stderr=stderr)


def play(
    scene: FarSide, clock: Clock, options: DemoOptions, *, as_json: bool, stdout: Console, stderr: Console
) -> dict[str, Any]:
    """Run a demonstration with any far side; arguments and errors as of `run_demo`."""
    folder = make_folder(options.out or Path(f"outdial-demo-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
    journal = JournalWriter(options.journal, seed=scene.seed) if options.journal is not None else None
    try:
        with CsvFile(folder / "attempts.csv", ATTEMPT_COLUMNS) as attempts_file:
            demo = Demo(scene, clock, options, attempts_file, journal)
            if demo.api is not None:
                lines = [f"Dashboard: {demo.api.link}", *filter(None, [lacking()])]
                (stderr if as_json else stdout).print(*lines, sep="\n", markup=False, highlight=False, soft_wrap=True)
            display = choose_display(as_json=as_json, stdout=stdout, stderr=stderr)
            try:
                asyncio.run(demo.run(folder, display))
            finally:
                display.close()
    finally:
        if journal is not None:
            journal.close()
    demo.check()
    report = demo_report(demo, attempts_file.path, folder, options.journal) | scene.check()
    if not as_json:
        print_demo_summary(stdout, demo.core.snapshot(), report)
    return report


def demo_report(demo: "Demo", results_file: Path, folder: Path, journal: Path | None) -> dict[str, Any]:
    """What `outdial demo --json` prints. Shape: docs/reference/command-line.md."""
    snapshot = demo.core.snapshot()
    return {
        "seed": demo.scene.seed,
        "seconds": round(demo.dialed_s, 1),
        "attempts": demo.tally.attempts,
        "groups": [group_totals(group) for group in snapshot.groups],
        "nodes": [node_totals(node) for node in snapshot.nodes],
        "port_moves": demo.happenings.port_moves,
        "node_failures": demo.happenings.node_failures,
        "results_file": str(results_file),
        "records_file": str(folder / RECORDS_FILE),
        "database": str(folder / DATABASE),
        "dashboard": None if demo.api is None else demo.api.address,
        "journal": None if journal is None else str(journal),
    }


class Demo:
    """One demonstration.

    Attributes:
        scene: whom it plays with.
        core: the dialer.
        tally: what was dialed and settled.
        happenings: what happened.
        dialed_s: how long groups were dialing. Unit: seconds.
        api: the API and the dashboard. None: there is none.
    """

    def __init__(
        self,
        scene: FarSide,
        clock: Clock,
        options: DemoOptions,
        attempts_file: CsvFile,
        journal: JournalWriter | None,
    ) -> None:
        """Put the parts together; nothing runs yet.

        Raises:
            ApiError: the address of the dashboard cannot be had.
        """
        self.scene = scene
        self.core = Dialer()
        self.tally = Tally(scene.names, attempts_file)
        self.happenings = Happenings(scene.names)
        self.dialed_s = 0.0
        self._clock = clock
        self._seconds = options.seconds
        self._display: Display = Nowhere()
        self._interrupts = 0
        self._request_id = 0
        self._records: DemoRecords | None = None
        self._record_attempts = 0
        """What the records say at the end."""
        dialer = ApiDialer(self.core, self._submit)
        self._desks = scene.desktops.open(self.core, self._submit, clock, scene.configuration, self._store)
        own = (self.tally.observe, self.happenings.observe, dialer.observe, self._desks.observe)
        api_log = DemoApiLog(self._say)
        observation = Observation(
            self.core,
            scene.names,
            figures=lambda: {"outdial_inbox_events": self._runner.waiting},
            on_alarm=(api_log.alarms,),
        )
        self._runner = Runner(
            observation.core,
            clock,
            carry_out=self._carry_out,
            source=scene.source,
            observers=(*own, *observation.observers),
            journal=journal,
        )
        changing = settings_of_demo(scene, self._submit)
        listen, desks = options.listen, self._desks
        self.api = None if listen is None else demo_api(listen, dialer, api_log, observation, desks, changing)
        self._running: asyncio.Task[None] | None = None

    # --- the course of it ------------------------------------------------------------------------------------------

    async def run(self, folder: Path, display: Display) -> None:
        """Dial for the given time or until Ctrl-C, then come to an end.

        Args:
            display: where it is shown.
            folder: where the database is, and a file with what has become of every record.

        Raises:
            OutdialError: the database cannot be used, or the file not be written.
            InvariantViolated: a bug.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._interrupt)
        self._display = display
        self._records = DemoRecords(folder, self.scene.lists)
        try:
            await self._records.begin(submit=self._submit, pass_on=self._pass_on, attempt_n=self._attempt_n)
            self.scene.know_attempts(self._records.attempt_n)
            await self._play()
            await self._records.finish()
            if self._records.failure is not None:
                raise self._records.failure
            self._record_attempts = await self._records.write(folder / RECORDS_FILE, self.scene.names)
        finally:
            await self._records.close()
        self._show("ended")

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._records is not None
        ledgers = await self._records.ledgers(self.scene.configuration, self._request_id + 1)
        began_at_s = loop.time()
        self._start(ledgers)
        self._running = asyncio.create_task(self._runner.run())
        if self.api is not None:
            self.api.begin(self._records.shared(self.scene.loaded))
        try:
            await self._watch(self._seconds, lambda: self._interrupts > 0)
            self.dialed_s = loop.time() - began_at_s
            if not self._running.done():
                await self._end()
        finally:
            self._desks.close()
            if self.api is not None:
                await self.api.close()
            self._runner.stop()
            try:
                await self._running
            finally:
                await self.scene.close()

    def _carry_out(self, now: Now, command: Command) -> None:
        """To the database, or to the far side."""
        assert self._records is not None
        if not self._records.carry_out(now, command):
            self.scene.carry_out(now, command)

    def _pass_on(self, command: Command) -> None:
        """A call whose beginning is written down leaves."""
        self.scene.carry_out(self._clock.read(), command)
        self._runner.wake()

    def _store(self) -> Store | None:
        return None if self._records is None else self._records.store

    def _submit(self, event: Event) -> None:
        self._runner.submit(event)

    def _attempt_n(self, call_id: CallId) -> int:
        return self.core.state.attempts[call_id].chain.records[0].attempts + 1

    def _start(self, ledgers: Sequence[AbandonmentFound]) -> None:
        self._runner.submit(ConfigurationLoaded(self.scene.configuration))
        for ledger in ledgers:
            self._request_id = ledger.request_id
            self._runner.submit(ledger)
        self.scene.begin(self._runner.submit, self._say)
        for group_id in self.scene.groups_to_start:
            self._request_id += 1
            self._runner.submit(GroupStartRequested(self._request_id, group_id))

    async def _end(self) -> None:
        """Stop the groups, let calls end, hang up the rest: within `SETTLE_S` + `HANG_UP_S` + `LAST_S`."""
        self.scene.calm_down()
        for group in self.core.state.groups.values():
            if group.is_running:
                self._request_id += 1
                self._runner.submit(GroupStopRequested(self._request_id, group.group_id))
        await self._watch(SETTLE_S, lambda: self._is_quiet() or self._interrupts > 1)
        self.scene.hang_up(list(self.tally.dialing), list(self.tally.engaging))
        await self._watch(HANG_UP_S, self._is_quiet)
        for call_id in self.tally.dialing:  # of servers that are gone, for example
            self._runner.submit(CallReleased(call_id))
        for call_id in self.tally.engaging:
            self._runner.submit(EngagingReleased(call_id))
        await self._watch(LAST_S, self._is_quiet)

    def _interrupt(self) -> None:
        self._interrupts += 1

    def _is_quiet(self) -> bool:
        return not self.tally.dialing and not self.tally.engaging

    # --- what is shown ---------------------------------------------------------------------------------------------

    async def _watch(self, seconds: float, is_over: Callable[[], bool]) -> None:
        """Keep the display fresh until `is_over`, time is up, or the runner has stopped."""
        assert self._running is not None
        loop = asyncio.get_running_loop()
        until_s = loop.time() + seconds
        while not (is_over() or self._running.done()) and (left_s := until_s - loop.time()) > 0:
            self._show("Ctrl-C ends it" if self._interrupts == 0 and not self.dialed_s else "coming to an end …")
            await asyncio.wait({self._running}, timeout=min(left_s, 1 / FRAMES_PER_S))

    def _say(self, kind: str, text: str) -> None:
        self.happenings.say(self._clock.read().mono_ms, kind, text)

    def _show(self, note: str) -> None:
        if not self._runner.steps:  # the first step loads the configuration: without it there is nothing to show
            return
        snapshot = self.core.snapshot()
        self.happenings.compare(snapshot)
        elapsed_s = self._clock.read().mono_ms / 1_000  # as the lines of the log say it
        title = self.scene.title if self.api is None else f"{self.scene.title} · {self.api.address}"
        self._display.show(snapshot, Frame(title, elapsed_s, self._seconds, note, self.happenings.lines))

    # --- what must hold --------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Compare the totals of the board, of the files and of the records.

        Raises:
            InvariantViolated: they differ, or an attempt never ended.
        """
        if self.tally.dialing:
            raise InvariantViolated(f"attempts that never ended: calls {list(self.tally.dialing)}")
        self.tally.check(self.core.snapshot())
        if self._record_attempts != self.tally.attempts:
            raise InvariantViolated(
                f"{self._record_attempts} attempts in records, {self.tally.attempts} attempts settled"
            )
