"""Peak memory and speed of a simulated day: 1,000 agents, 8 hours, about a million attempts.

The whole thing: core, simulated world, streaming statistics; without the invariant checkers. Takes minutes, so it runs
only when it is named: `make bench ARGS=day`.
"""

import resource
import time

from bench.far_side import configuration
from outdial.core.units import MINUTE_MS
from outdial.sim.run import Simulation
from outdial.sim.settings import ListShape, WorkforceSettings, WorldSettings

SLOW = True
AGENTS = 1_000
GROUPS = 10
PORTS = 3_000
HOURS = 8
RECORDS = 2_000_000
SEED = 1


def run(hours: float = HOURS) -> dict[str, float]:
    """Simulate the day, print the figures, return them."""
    settings = WorldSettings(
        duration_ms=int(hours * 60 * MINUTE_MS),
        cool_down_ms=MINUTE_MS,
        workforce=WorkforceSettings(login_spread_ms=MINUTE_MS),
        lists=(ListShape(list_id=1, records=RECORDS),),
    )
    day = Simulation(configuration(groups=GROUPS, ports=PORTS, agents=AGENTS), settings, SEED)
    started = time.perf_counter()
    report = day.run()
    seconds = time.perf_counter() - started
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    row = {
        "agents": AGENTS,
        "hours": hours,
        "attempts": report.attempts,
        "steps": report.steps,
        "seconds": seconds,
        "attempts_per_second": report.attempts / seconds,
        "peak_mib": peak_mib,
    }
    print(f"a simulated day: {AGENTS:,} agents, {hours} h, {report.attempts:,} attempts, {report.steps:,} steps")
    print(f"  {seconds:,.0f} s, {row['attempts_per_second']:,.0f} attempts/s, peak memory {peak_mib:,.0f} MiB")
    print(f"  digest {report.digest}")
    return row
