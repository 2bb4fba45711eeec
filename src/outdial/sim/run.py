"""The virtual-time loop: seed in, verdict out.

A run has four parts:

1. *start*: the configuration is loaded and groups are told to start; agents sign in;
2. *duration*: people come and go, faults happen;
3. *cool-down*: everything is repaired, groups dial on;
4. *settle*: groups are stopped, and everything has to come to rest within a bound, or something hangs.

    python -m outdial.sim.run --seeds 200

runs random worlds with every checker watching every step, on all processors. A failure names its seed and prints every
knob; `--first SEED --seeds 1` runs it again, step for step the same.
"""

import argparse
import multiprocessing
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.errors import InvariantViolated
from outdial.core.events import ConfigurationLoaded, DeadlineReached, Event, GroupStartRequested, GroupStopRequested
from outdial.core.settings import Configuration
from outdial.core.units import SECOND_MS, Millis, Now
from outdial.sim.checkers import Checkers
from outdial.sim.lists import Lists
from outdial.sim.report import SAMPLES_MAX, RunReport, Statistics
from outdial.sim.scenario import knobs, random_scenario
from outdial.sim.settings import WorldSettings
from outdial.sim.world import World

STEPS_PER_INSTANT_MAX = 200_000
"""Steps within one millisecond after which time is said to stand still. Ours: a pool of 100,000 ports at once."""
FIRST_REQUEST_ID = 1_000_000
"""Request numbers of the loop's own requests begin here, above those of scripted operators."""
ATTEMPTS_MIN = 500
"""Attempts that one seed of a swarm makes at least, if its worlds can."""
WORLDS_MAX = 8
WORLD_STRIDE = 1_000_000_007
"""Distance between the worlds of one seed: far beyond any range of seeds that is run."""
SAMPLE_MS_MIN: Millis = 5 * SECOND_MS
"""Shortest time between two samples of ports. Unit: ms."""


class Observer(Protocol):
    """Looks at every step of a run; complains by raising."""

    def after_step(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step is done, and its commands are carried out."""
        ...

    def at_end(self, now: Now) -> None:
        """The run is over and everything is at rest."""
        ...


ObserverFactory = Callable[[Dialer, World, Configuration], Observer]
Progress = Callable[[Millis, Millis], None]
"""Called now and then as `progress(mono_ms, duration_ms)`."""


class Simulation:
    """One world and one dialer in virtual time.

    Attributes:
        dialer: the core.
        world: everything else.
        statistics: what has been gathered so far.
        mono_ms: virtual time.
    """

    def __init__(
        self,
        configuration: Configuration,
        settings: WorldSettings,
        seed: int,
        *,
        observers: Sequence[ObserverFactory] = (),
        lists: Lists | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Put the parts together; nothing happens yet."""
        self.configuration = configuration
        self.settings = settings
        self.seed = seed
        self.dialer = Dialer()
        self.world = World(configuration, settings, seed, lists)
        self.statistics = Statistics(configuration)
        self.mono_ms: Millis = 0
        self._observers = [factory(self.dialer, self.world, configuration) for factory in observers]
        self._progress = progress
        total_ms = settings.duration_ms + settings.cool_down_ms
        self._sample_ms = max(SAMPLE_MS_MIN, total_ms // (SAMPLES_MAX // 2))
        self._sample_at_ms = 0
        self._request_id = FIRST_REQUEST_ID
        self._steps_now = 0

    def run(self, until_ms: Millis | None = None) -> RunReport:
        """Go through all four parts, or through the first ones up to an instant.

        Raises:
            InvariantViolated: a bug, found by the core, by an observer, or by calls that never come to rest.
        """
        self.start()
        settings = self.settings
        for end_ms, then in (
            (settings.duration_ms, self._repair),
            (settings.duration_ms + settings.cool_down_ms, self._stop_groups),
        ):
            self.advance(end_ms if until_ms is None else min(end_ms, until_ms))
            if until_ms is not None and until_ms <= end_ms:
                return self.report()
            then()
        self._settle(until_ms)
        return self.report()

    def start(self) -> None:
        """Load the configuration and start groups."""
        self.step(ConfigurationLoaded(self.configuration))
        self.world.start()
        wanted = self.settings.groups_to_start
        for group in self.configuration.campaign_groups:
            if wanted is None or group.dbid in wanted:
                self.step(GroupStartRequested(self._next_request(), group.dbid))

    def advance(self, until_ms: Millis) -> None:
        """Let everything happen up to and including an instant."""
        next_due, pop_due, next_deadline = self.world.next_due, self.world.pop_due, self.dialer.next_deadline
        while True:
            due_ms, deadline_ms = next_due(), next_deadline()
            if due_ms is None or (deadline_ms is not None and deadline_ms < due_ms):
                due_ms = deadline_ms
            if due_ms is None or due_ms > until_ms:
                break
            if due_ms > self.mono_ms:
                self.mono_ms = due_ms
                self._steps_now = 0
            event = pop_due(self.mono_ms)
            if event is not None:
                self.step(event)
            elif deadline_ms is not None and deadline_ms <= self.mono_ms:
                self.step(DeadlineReached())
        self.mono_ms = max(self.mono_ms, until_ms)

    def step(self, event: Event) -> None:
        """One step of the core now: its commands are carried out, then observers look."""
        now = self.world.reading(self.mono_ms)
        commands = self.dialer.step(now, event)
        for command in commands:
            self.world.carry_out(now, command)
        self.statistics.after_step(now, event, commands)
        for observer in self._observers:
            observer.after_step(now, event, commands)
        self._steps_now += 1
        if self._steps_now > STEPS_PER_INSTANT_MAX:
            raise InvariantViolated(f"time stands still at {self.mono_ms} ms: {event} after {self._steps_now} steps")
        if self.mono_ms >= self._sample_at_ms:
            self._sample_at_ms = self.mono_ms + self._sample_ms
            self.statistics.sample(self.dialer.snapshot())
            if self._progress is not None:
                self._progress(self.mono_ms, self.settings.duration_ms)

    def report(self) -> RunReport:
        """The report as of now."""
        faults = {kind.value: count for kind, count in sorted(self.world.faults.counts.items())}
        return self.statistics.report(self.seed, self.mono_ms, self.dialer.snapshot(), faults)

    def _repair(self) -> None:
        self.world.stop_faults(self.mono_ms)

    def _stop_groups(self) -> None:
        for group in self.dialer.snapshot().groups:
            if group.state == "running":
                self.step(GroupStopRequested(self._next_request(), group.group_id))

    def _settle(self, until_ms: Millis | None) -> None:
        """Wait for rest, second by second."""
        end_ms = self.mono_ms + self.settings.settle_ms_max
        while self.mono_ms < end_ms and (until_ms is None or self.mono_ms < until_ms):
            self.advance(self.mono_ms + SECOND_MS)
            unrest = self._unrest()
            if not unrest:
                now = self.world.reading(self.mono_ms)
                for observer in self._observers:
                    observer.at_end(now)
                return
        if until_ms is None:
            raise InvariantViolated(f"no rest {self.settings.settle_ms_max} ms after the groups stopped: {unrest}")

    def _unrest(self) -> str:
        """What still goes on; empty when all is at rest."""
        if self.world.live_calls:
            return "alive: " + ", ".join(str(call) for call in list(self.world.live_calls.values())[:5])
        claimed = {list_id: count for list_id, count in self.world.lists.claimed_counts().items() if count}
        if claimed:
            return f"chains of lists not given back: {claimed}"
        snapshot = self.dialer.snapshot()
        for group in snapshot.groups:
            if group.state != "stopped":
                return f"group {group.name} is {group.state}"
        for pool in snapshot.pools:
            if pool.used_ports:
                return f"{pool.used_ports} ports of {pool.name} in use"
        return ""

    def _next_request(self) -> int:
        self._request_id += 1
        return self._request_id


def run(
    configuration: Configuration,
    settings: WorldSettings,
    seed: int,
    *,
    observers: Sequence[ObserverFactory] = (),
    lists: Lists | None = None,
    until: Millis | None = None,
    progress: Progress | None = None,
) -> RunReport:
    """Run one world from start to rest.

    Args:
        configuration: what the core is told.
        settings: every knob of the world.
        seed: all luck.
        observers: made for this run and shown every step, e.g. `outdial.sim.checkers.Checkers`.
        lists: records to dial. None: synthetic ones.
        until: stop at this instant instead, whatever is going on. Unit: monotonic ms.
        progress: told now and then how far the run is.

    Raises:
        InvariantViolated: a bug.
    """
    simulation = Simulation(configuration, settings, seed, observers=observers, lists=lists, progress=progress)
    return simulation.run(until)


# --- many seeds -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one seed went."""

    seed: int
    attempts: int = 0
    steps: int = 0
    virtual_ms: Millis = 0
    faults: dict[str, int] = field(default_factory=dict)
    error: str = ""
    """Traceback of the failure; empty: none."""
    world: int = 0
    """The last world that was run: the one that failed, if any did."""


def try_seed(seed: int) -> Verdict:
    """Run random worlds of one seed with all checkers until `ATTEMPTS_MIN` attempts were made.

    Most seeds need one world; one whose lists are closed or whose agents stay at home is followed by another.
    """
    attempts = steps = virtual_ms = 0
    faults: dict[str, int] = {}
    error = ""
    world = seed
    for turn in range(WORLDS_MAX):
        world = seed + turn * WORLD_STRIDE
        scenario = random_scenario(world)
        simulation = Simulation(scenario.configuration, scenario.settings, world, observers=(Checkers,))
        try:
            report = simulation.run()
        except Exception:  # whatever it is, it is a finding: it belongs to this seed, and the others go on
            report = simulation.report()
            error = f"in world {world} at {simulation.mono_ms} ms, step {report.steps}\n{traceback.format_exc()}"
        attempts += report.attempts
        steps += report.steps
        virtual_ms += report.virtual_ms
        for kind, count in report.faults.items():
            faults[kind] = faults.get(kind, 0) + count
        if error or attempts >= ATTEMPTS_MIN:
            break
    return Verdict(seed, attempts, steps, virtual_ms, faults, error, world)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command. Returns 1 when any seed failed."""
    parser = argparse.ArgumentParser(prog="python -m outdial.sim.run", description="Simulate random worlds and check.")
    parser.add_argument("--seeds", type=int, default=100, help="how many seeds (default 100)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default 1)")
    parser.add_argument("--jobs", type=int, default=None, help="processes (default: all processors)")
    parser.add_argument("--knobs", action="store_true", help="only print every knob of the first seed")
    options = parser.parse_args(arguments)
    if options.knobs:
        print(knobs(random_scenario(options.first)))
        return 0
    seeds = range(options.first, options.first + options.seeds)
    verdicts: list[Verdict] = []
    with multiprocessing.Pool(options.jobs) as pool:
        for verdict in pool.imap_unordered(try_seed, seeds):
            verdicts.append(verdict)
            if verdict.error:
                print(f"\nseed {verdict.seed} failed {verdict.error}", file=sys.stderr)
            if len(verdicts) % 20 == 0:
                print(f"{len(verdicts)} of {len(seeds)} seeds", file=sys.stderr)
    return _summary(verdicts)


def _summary(verdicts: Sequence[Verdict]) -> int:
    faults: dict[str, int] = {}
    for verdict in verdicts:
        for kind, count in verdict.faults.items():
            faults[kind] = faults.get(kind, 0) + count
    failed = sorted((verdict for verdict in verdicts if verdict.error), key=lambda verdict: verdict.seed)
    print(
        f"{len(verdicts)} seeds, {sum(verdict.attempts for verdict in verdicts):,} attempts, "
        f"{sum(verdict.steps for verdict in verdicts):,} steps, "
        f"{sum(verdict.virtual_ms for verdict in verdicts) / 3_600_000:,.1f} h of virtual time"
    )
    print("faults: " + (", ".join(f"{kind} {count:,}" for kind, count in sorted(faults.items())) or "none"))
    if not failed:
        print("all passed")
        return 0
    first = failed[0]
    print(f"\n{knobs(random_scenario(first.world))}")
    print(f"\nseed {first.seed} failed {first.error}")
    print(f"{len(failed)} failed: {', '.join(str(verdict.seed) for verdict in failed)}")
    print(f"reproduce with: python -m outdial.sim.run --first {first.seed} --seeds 1 --jobs 1")
    return 1


if __name__ == "__main__":
    sys.exit(main())
