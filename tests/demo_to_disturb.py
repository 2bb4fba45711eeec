"""`outdial demo`, of which a test may take the prime node: SIGUSR1 kills both its servers, SIGUSR2 brings them back.

Twice as many people as in the demo answer, so that nobody waits long for a call.

Run it as a program: demo_to_disturb.py FOLDER SECONDS. It listens on any free port of 127.0.0.1 and says where.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from outdial.config.api import Listen
from outdial.demo import play
from outdial.demo_scene import DemoOptions, Scene, load_scene
from outdial.drivers.clock import SystemClock
from outdial.sim.people import hand_over
from outdial.sim.settings import CalleeKind
from outdial.sim.world import World


def main(folder: Path, seconds: float) -> None:
    """Play until somebody ends it."""
    clock = SystemClock()
    options = DemoOptions(seconds=seconds, out=folder, listen=Listen("127.0.0.1", 0))
    scene = with_more_people(load_scene(options, clock))
    cluster = scene.world.cluster
    prime = cluster.nodes[scene.configuration.ocs.sip_cluster_prime_node]

    def to_each_server(act: Callable) -> Callable:
        def act_on_all() -> None:
            for server in prime.servers:
                act(clock.read().mono_ms, server)

        return lambda *_: asyncio.get_running_loop().call_soon_threadsafe(act_on_all)

    signal.signal(signal.SIGUSR1, to_each_server(cluster.kill))
    signal.signal(signal.SIGUSR2, to_each_server(cluster.restart))
    play(scene, clock, options, as_json=True, stdout=Console(stderr=True), stderr=Console(stderr=True))


def with_more_people(scene: Scene) -> Scene:
    """The same scene in a world with fewer unanswered calls."""
    settings = scene.world.settings
    shares = tuple(
        (kind, 2 * weight if kind is CalleeKind.PERSON else weight / 2) for kind, weight in settings.callees.shares
    )
    settings = replace(settings, callees=replace(settings.callees, shares=shares))
    world = World(scene.configuration, settings, scene.seed, scene.world.lists)
    hand_over(world.workforce, scene.loaded.desktop_agents)
    return replace(scene, world=world)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
