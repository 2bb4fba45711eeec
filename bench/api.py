"""What those who look on cost the dialer: 200 dashboards and 1,000 agent pages while it makes 200 attempts a second.

The dialer runs in real time on embedded simulated nodes (`outdial.sim.world`), with the API in its event loop, as
`outdial demo` does. Those who look on are a process of their own that reads every stream. Stretches with them and
without them take turns in one run, so that the machine's other work hits both. Lateness is how long after the instant
at which something was due the step with it was over: what calls and agents feel. Takes about three minutes, so it runs
only when it is named: `make bench-api`.
"""

import asyncio
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from outdial.api_dialer import ApiDialer
from outdial.config import Loaded, loads
from outdial.config.api import Api, Listen
from outdial.config.world import world_settings
from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import ConfigurationLoaded, Event, GroupStartRequested
from outdial.core.snapshot import Snapshot
from outdial.core.units import Millis, Now
from outdial.desk_agents import DeskAgents
from outdial.drivers.clock import SystemClock
from outdial.drivers.runner import Runner
from outdial.names import Names
from outdial.observation import Observation
from outdial.serve_api import Host, ServeApi
from outdial.sim.world import World
from outdial.world_lists import read_lists

SLOW = True

DASHBOARDS = 200
AGENTS = 1_000
STRETCHES = 6
"""With those who look on and without them in turn, without first."""
STRETCH_S = 20.0
WARM_UP_S = 75.0
SETTLE_S = 4.0
"""Time for everybody to come or to go, which is measured in no stretch. Unit: seconds."""
WORSE_MAX = 0.05
"""Largest part by which the dialer may be worse off."""

SCENARIO = f"""
[ocs]
connections = ["n1", "n2", "n3", "n4"]
sip-cluster-prime-node = 1

[[switch]]
dbid = 1
name = "cluster"
channel_num = 4000
dynamic-port-allocation = true

{
    "".join(
        f'''
[[sip-server]]
dbid = {n}
name = "n{n}"
driver = "sim"
switch = "cluster"
'''
        for n in range(1, 5)
    )
}

[[agent-range]]
first-dbid = 1
count = {AGENTS}
login = "agent{{n:04}}"
phone = "1{{n:04}}"

{
    "".join(
        f'''
[[agent-group]]
dbid = {n}
name = "team{n}"
agents = ["{(n - 1) * AGENTS // 4 + 1}..{n * AGENTS // 4}"]

[[campaign-group]]
dbid = {n}
name = "group{n}"
campaign = "spring"
agent-group = "team{n}"
dialing-mode = "predictive"
dialer = "cluster"
'''
        for n in range(1, 5)
    )
}

[[calling-list]]
dbid = 1
name = "customers"
synthetic = 200000

[[campaign]]
dbid = 1
name = "spring"
lists = ["customers"]

[world]
duration-s = 3600

[world.callees]
shares = {{ person = 0.3, "no answer" = 0.3, busy = 0.3, machine = 0.1 }}
talk-s-mean = 12
talk-ms-cv = 0.6

[world.workforce]
login-spread-s = 5
after-call-work-s-mean = 2
break-ratio = 0.0
"""


def run() -> dict[str, object]:
    """Measure, print a table, return the figures."""
    print(
        f"{DASHBOARDS} dashboards and {AGENTS:,} agent pages; {STRETCHES} stretches of {STRETCH_S:.0f} s, "
        f"{os.cpu_count()} cores"
    )
    rows = asyncio.run(_measure())
    print("\nlook on  attempts/s  late ms p50    p99    max  step us p50    p99  process CPU  talking  abandoned")
    for row in rows:
        print(
            f"{'yes' if row['watched'] else 'no':>7} {row['attempts_per_second']:>11.1f} {row['late_ms_p50']:>12.1f} "
            f"{row['late_ms_p99']:>6.1f} {row['late_ms_max']:>6.1f} {row['step_us_p50']:>12.0f} "
            f"{row['step_us_p99']:>6.0f} {row['cpu']:>11.1%} {row['talking']:>8.1%} {row['abandoned']:>10.2%}"
        )
    names = ("attempts_per_second", "late_ms_p50", "late_ms_p99", "step_us_p99", "cpu", "talking", "abandoned")
    with_them, without = ({name: _median(rows, name, who) for name in names} for who in (True, False))
    print(f"\nthe API's share of a core: {with_them['cpu'] - without['cpu']:.1%}")
    ratios = {name: with_them[name] / without[name] if without[name] else 1.0 for name in names[:4] + names[5:6]}
    for name, ratio in ratios.items():
        print(f"{name}: {without[name]:,.2f} without, {with_them[name]:,.2f} with them, ratio {ratio:.3f}")
    told = [row["heard"] for row in rows if row["watched"]]
    print(f"heard: {statistics.median(told) / STRETCH_S / 1e6:.2f} MB/s by all of them")
    return {"rows": rows, "ratios": ratios, "worse_max": WORSE_MAX, "api_cores": with_them["cpu"] - without["cpu"]}


def _median(rows: Sequence[dict[str, Any]], name: str, watched: bool) -> float:
    return statistics.median(row[name] for row in rows if row["watched"] == watched)


# --- the dialer --------------------------------------------------------------------------------------------------


class Timed:
    """A world whose events are timed: how late their steps are, and how long these take."""

    def __init__(self, world: World, began_ns: int) -> None:
        self.world = world
        self._began_s = began_ns / 1e9
        self.late_ms: list[float] = []
        self.step_us: list[float] = []
        self._due_ms: float | None = None
        self._popped_s = 0.0

    def next_due(self) -> Millis | None:
        return self.world.next_due()

    def pop_due(self, mono_ms: Millis) -> Event | None:
        self._due_ms, self._popped_s = self.world.next_due(), time.monotonic()
        return self.world.pop_due(mono_ms)

    def carry_out(self, now: Now, command: Command) -> None:
        self.world.carry_out(now, command)

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Last of the observers: the step is over."""
        if self._due_ms is not None:
            over_s = time.monotonic()
            self.late_ms.append(1e3 * (over_s - self._began_s) - self._due_ms)
            self.step_us.append(1e6 * (over_s - self._popped_s))
            self._due_ms = None


class NoLog:
    """Nothing is told."""

    def changed(self, change: dict[str, Any]) -> None: ...

    def requested(self, line: dict[str, Any]) -> None: ...

    def api_ended(self, error: Exception) -> None:
        raise SystemExit(f"the API has ended: {error!r}")


async def _measure() -> list[dict[str, Any]]:
    from outdial.api.memory_access import MemoryAccess

    loaded, core, began_ns = loads(SCENARIO, "bench.toml"), Dialer(), time.monotonic_ns()
    clock = SystemClock()
    timed = Timed(_world(loaded, clock), began_ns)
    dialer = ApiDialer(core, lambda event: runner.submit(event))
    desks = DeskAgents(core, lambda event: runner.submit(event), clock, _no_card, away_ms=10**9, reasons=("break",))
    seen = Observation(core, Names(loaded.configuration))
    observers = (dialer.observe, desks.observe, *seen.observers, timed.observe)
    runner = Runner(seen.core, clock, source=timed, observers=observers)
    api = ServeApi(Api(Listen("127.0.0.1", 0)), Host(dialer, seen, NoLog(), MemoryAccess(), desks=desks))
    running = asyncio.create_task(runner.run())
    runner.submit(ConfigurationLoaded(loaded.configuration))
    list(desks.follow(loaded.configuration, frozenset(agent.dbid for agent in loaded.configuration.agents)))
    timed.world.start()
    for group in loaded.configuration.campaign_groups:
        runner.submit(GroupStartRequested(group.dbid, group.dbid))
    api.begin()
    try:
        await asyncio.sleep(WARM_UP_S)
        return [await _stretch(core, timed, api.address, watched=bool(number % 2)) for number in range(STRETCHES)]
    finally:
        await api.close()
        runner.stop()
        await running


def _world(loaded: Loaded, clock: SystemClock) -> World:
    from dataclasses import replace

    now = clock.read()
    settings = replace(world_settings(loaded), start_utc_ms=now.utc_ms - now.mono_ms)
    lists, _ = read_lists(loaded, settings, {})
    return World(loaded.configuration, settings, 7, lists)


async def _no_card(record_id: int) -> None:
    return None


async def _stretch(core: Dialer, timed: Timed, address: str, *, watched: bool) -> dict[str, Any]:
    """One stretch of time."""
    process = None
    if watched:
        command = [sys.executable, "-m", "bench.api_watchers", address, str(DASHBOARDS), str(AGENTS)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)  # everybody has heard something
    await asyncio.sleep(SETTLE_S)
    before, began_s, cpu_s = core.snapshot(), time.monotonic(), _cpu_s()
    timed.late_ms.clear()
    timed.step_us.clear()
    talking = []
    while (left_s := began_s + STRETCH_S - time.monotonic()) > 0:
        await asyncio.sleep(min(1.0, left_s))
        talking.append(sum(group.connected for group in core.snapshot().groups) / AGENTS)
    took_s, used_s, after = time.monotonic() - began_s, _cpu_s() - cpu_s, core.snapshot()
    late_ms, step_us = sorted(timed.late_ms), sorted(timed.step_us)
    heard = 0
    if process is not None:
        with contextlib.suppress(BrokenPipeError):
            heard = int((await asyncio.to_thread(process.communicate, "\n"))[0].split()[-1])
        await asyncio.sleep(SETTLE_S)
    return {
        "watched": watched,
        "attempts_per_second": (_sum(after, "attempts") - _sum(before, "attempts")) / took_s,
        "late_ms_p50": late_ms[len(late_ms) // 2],
        "late_ms_p99": late_ms[len(late_ms) * 99 // 100],
        "late_ms_max": late_ms[-1],
        "step_us_p50": step_us[len(step_us) // 2],
        "step_us_p99": step_us[len(step_us) * 99 // 100],
        "cpu": used_s / took_s,
        "talking": statistics.mean(talking),
        "abandoned": _abandoned(before, after),
        "heard": heard,
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _sum(snapshot: Snapshot, name: str) -> int:
    return sum(getattr(group.counts, name) for group in snapshot.groups)


def _abandoned(before: Snapshot, after: Snapshot) -> float:
    lost, answered = (
        sum(_sum(after, name) - _sum(before, name) for name in names)
        for names in (("abandoned", "dropped"), ("answered",))
    )
    return lost / answered if answered else 0.0
