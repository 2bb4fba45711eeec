"""How fast is the core: complete attempts per second on one core, by groups and ports.

A run is driven once by `FarSide`, which keeps the journal; then the journal is replayed into a fresh core in a tight
loop, so that the figure is the core's alone. Rows are measured in one process, one after the other; the machine's own
noise is shown as the spread of three replays.
"""

import gc
import time

from bench.far_side import FarSide, configuration
from outdial.core.dialer import Dialer

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
    at_10 = next(row for row in rows if (row["groups"], row["ports"]) == (10, 10_000))
    at_1000 = next(row for row in rows if (row["groups"], row["ports"]) == (1_000, 10_000))
    ratio = at_1000["us_per_attempt"] / at_10["us_per_attempt"]
    print(f"cost per attempt at 1,000 groups over that at 10 (10,000 ports): {ratio:.2f}")
    return {"rows": rows, "ratio_1000_to_10_groups": ratio}


def _measure(groups: int, ports: int) -> dict[str, float]:
    agents = max(groups, ports // 2)
    far_side = FarSide(configuration(groups=groups, ports=ports, agents=agents))
    far_side.run(WARM_UP_PER_PORT * ports)
    warm_steps, warm_settled = len(far_side.journal), far_side.settled
    far_side.go_on(warm_settled + max(ATTEMPTS_MIN, ATTEMPTS_PER_PORT * ports))
    warm_up, journal = far_side.journal[:warm_steps], far_side.journal[warm_steps:]
    settled = far_side.settled - warm_settled
    times: list[float] = []
    for _ in range(REPLAYS):
        dialer = Dialer()
        step = dialer.step
        for now, event in warm_up:
            step(now, event)
        gc.collect()
        gc.freeze()  # the journal itself must not be walked by the collector while the core is timed
        started = time.perf_counter()
        for now, event in journal:
            step(now, event)
        times.append(time.perf_counter() - started)
        gc.unfreeze()
    best = min(times)
    row = {
        "groups": groups,
        "ports": ports,
        "agents": agents,
        "attempts": settled,
        "steps_per_attempt": len(journal) / settled,
        "us_per_attempt": 1e6 * best / settled,
        "attempts_per_second": settled / best,
        "spread": max(times) / best,
    }
    print(
        f"{groups:>7,} {ports:>7,} {agents:>7,} {settled:>9,} {row['steps_per_attempt']:>9.1f} "
        f"{row['us_per_attempt']:>8.1f} {row['attempts_per_second']:>8,.0f} {row['spread']:>7.2f}"
    )
    return row
