"""How fast is the core: complete attempts per second on one core, by groups and ports.

A run is driven once by `FarSide`, which keeps the journal; then the journal is replayed into a fresh core in a tight
loop, so that the figure is the core's alone. Rows are measured in one process, one after the other; the machine's own
noise is shown as the spread of three replays.
"""

import gc
import time
from dataclasses import dataclass

from bench.far_side import FarSide, configuration
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.units import Now

ROWS = (
    (1, 10),
    (1, 100),
    (1, 1_000),
    (10, 10),
    (10, 100),
    (10, 1_000),
    (10, 10_000),
    (100, 100),
    (100, 1_000),
    (100, 10_000),
    (1_000, 1_000),
    (1_000, 10_000),
)
"""(groups, ports)."""
ATTEMPTS_MIN = 8_000
ATTEMPTS_PER_PORT = 3
WARM_UP_PER_PORT = 1
"""Attempts before the measurement: agents sign in, estimates settle."""
REPLAYS = 3


def run() -> dict[str, object]:
    """Measure all rows, print a table, return it."""
    print("core: complete attempts per second, one core, virtual time")
    print(" groups   ports  agents  attempts steps/att   us/att    att/s  spread")
    rows = [_measure(groups, ports) for groups, ports in ROWS]
    ratio = _ratio()
    print(f"cost per attempt at 1,000 groups over that at 10, replays in turn (10,000 ports): {ratio:.2f}")
    return {"rows": rows, "ratio_1000_to_10_groups": ratio}


@dataclass(frozen=True, slots=True)
class Recording:
    """A journal: what comes before the measurement, and what is measured."""

    agents: int
    warm_up: list[tuple[Now, Event]]
    journal: list[tuple[Now, Event]]
    settled: int

    def replay_s(self) -> float:
        """Seconds that a fresh core takes for the measured part."""
        step = Dialer().step
        for now, event in self.warm_up:
            step(now, event)
        gc.collect()
        gc.freeze()  # the journal itself must not be walked by the collector while the core is timed
        started = time.perf_counter()
        for now, event in self.journal:
            step(now, event)
        elapsed = time.perf_counter() - started
        gc.unfreeze()
        return elapsed


def _record(groups: int, ports: int) -> Recording:
    agents = max(groups, ports // 2)
    far_side = FarSide(configuration(groups=groups, ports=ports, agents=agents))
    far_side.run(WARM_UP_PER_PORT * ports)
    steps, settled = len(far_side.journal), far_side.settled
    far_side.go_on(settled + max(ATTEMPTS_MIN, ATTEMPTS_PER_PORT * ports))
    return Recording(agents, far_side.journal[:steps], far_side.journal[steps:], far_side.settled - settled)


def _measure(groups: int, ports: int) -> dict[str, float]:
    recording = _record(groups, ports)
    times = [recording.replay_s() for _ in range(REPLAYS)]
    best, settled = min(times), recording.settled
    row = {
        "groups": groups,
        "ports": ports,
        "agents": recording.agents,
        "attempts": settled,
        "steps_per_attempt": len(recording.journal) / settled,
        "us_per_attempt": 1e6 * best / settled,
        "attempts_per_second": settled / best,
        "spread": max(times) / best,
    }
    print(
        f"{groups:>7,} {ports:>7,} {recording.agents:>7,} {settled:>9,} {row['steps_per_attempt']:>9.1f} "
        f"{row['us_per_attempt']:>8.1f} {row['attempts_per_second']:>8,.0f} {row['spread']:>7.2f}"
    )
    return row


def _ratio() -> float:
    """Cost per attempt at 1,000 groups over that at 10, measured in turn so that the machine's noise hits both."""
    few, many = _record(10, 10_000), _record(1_000, 10_000)
    pairs = [(few.replay_s() / few.settled, many.replay_s() / many.settled) for _ in range(REPLAYS)]
    return min(cost for _, cost in pairs) / min(cost for cost, _ in pairs)
