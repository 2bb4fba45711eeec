"""What counting costs: a recorded run is played through a core that only hands out its commands again.

So the figure is that of the meter alone, not the difference of two large ones. Writing the text is measured apart: it
happens in a thread, once a second at most.
"""

import gc
import time
from collections.abc import Iterable

from bench.far_side import FarSide, configuration
from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.units import Millis, Now
from outdial.metrics import Meter
from outdial.metrics_text import written
from outdial.names import Names

GROUPS, PORTS, AGENTS = 100, 2_000, 1_000
ATTEMPTS = 20_000
ROUNDS = 7


def run() -> dict[str, object]:
    """Measure, print, return the figures."""
    far_side = FarSide(configuration(groups=GROUPS, ports=PORTS, agents=AGENTS))
    far_side.run(ATTEMPTS)
    dialer = Dialer()
    began = time.perf_counter()
    steps = [(now, event, dialer.step(now, event)) for now, event in far_side.journal]
    core_us = 1e6 * (time.perf_counter() - began) / len(steps)
    gc.collect()
    gc.freeze()
    meters = [Meter(Names(configuration(groups=GROUPS, ports=PORTS, agents=AGENTS))) for _ in range(ROUNDS)]
    bare = min(_bare(steps) for _ in range(ROUNDS))
    us = 1e6 * (min(_metered(steps, meter) for meter in meters) - bare) / len(steps)
    began = time.perf_counter()
    reading = meters[-1].read(dialer.snapshot())
    read_ms = 1e3 * (time.perf_counter() - began)
    began = time.perf_counter()
    text = written(reading)
    written_ms = 1e3 * (time.perf_counter() - began)
    gc.unfreeze()
    print(f"metrics: {us:.2f} us a step of {core_us:.0f} us ({len(steps):,} steps, {GROUPS} groups, {AGENTS:,} agents)")
    print(f"metrics: reading {read_ms:.1f} ms on the loop, text {written_ms:.1f} ms in a thread, {len(text):,} bytes")
    return {"us_per_step": us, "core_us": core_us, "read_ms": read_ms, "written_ms": written_ms, "bytes": len(text)}


class Player:
    """Hands out the commands of a recorded run, step by step."""

    def __init__(self, commands: Iterable[list[Command]]) -> None:
        self._next = iter(commands).__next__

    def step(self, now: Now, event: Event) -> list[Command]:
        """The commands of the next recorded step."""
        return self._next()

    def next_deadline(self) -> Millis | None:
        """None: nothing is due."""
        return None


def _bare(steps: list[tuple[Now, Event, list[Command]]]) -> float:
    step = Player(commands for _, _, commands in steps).step
    began = time.perf_counter()
    for now, event, _ in steps:
        step(now, event)
    return time.perf_counter() - began


def _metered(steps: list[tuple[Now, Event, list[Command]]], meter: Meter) -> float:
    step, observe = meter.timed(Player(commands for _, _, commands in steps)).step, meter.observe
    began = time.perf_counter()
    for now, event, _ in steps:
        observe(now, event, step(now, event))
    return time.perf_counter() - began
