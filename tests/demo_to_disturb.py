"""`outdial demo`, of which a test may take the prime node: SIGUSR1 kills both its servers, SIGUSR2 brings them back.

Run it as a program: demo_to_disturb.py FOLDER SECONDS. It listens on any free port of 127.0.0.1 and says where.
"""

import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from outdial.config.api import Listen
from outdial.demo import play
from outdial.demo_scene import DemoOptions, load_scene
from outdial.drivers.clock import SystemClock


def main(folder: Path, seconds: float) -> None:
    """Play until somebody ends it."""
    clock = SystemClock()
    options = DemoOptions(seconds=seconds, out=folder, listen=Listen("127.0.0.1", 0))
    scene = load_scene(options, clock)
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


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
