"""The demonstration on real servers: six Asterisks on this machine, customers and agents' phones made with sipp.

Nobody is called: all of it is on loopback addresses. The numbers are made up, and say what the callee does; the called
side counts for itself who was called. One node is killed and comes back, later the primary server of the prime node.
"""

import asyncio
import contextlib
import importlib.resources
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console

from outdial.calling_lists import RECORD_IDS_PER_LIST
from outdial.config import Loaded, loads
from outdial.core.commands import Command, Dial, Release, ReleaseEngaging
from outdial.core.errors import InvariantViolated
from outdial.core.events import Event
from outdial.core.records import Record
from outdial.core.units import CallId, GroupId, ListId, Now, RecordId, ServerId
from outdial.demo import play
from outdial.demo_desks import Desktops
from outdial.demo_scene import DemoOptions
from outdial.drivers.clock import SystemClock
from outdial.drivers.runner import InboxFull
from outdial.drivers.servers import Servers
from outdial.lab.cluster import NETWORKS, Cluster
from outdial.lab.node import SECRET, Node
from outdial.names import Names
from outdial.phone_agents import PhoneAgents, with_after_call_work
from outdial.record_shares import share_records
from outdial.serve_setup import asterisk_settings
from outdial.sim.lists import Lists, StoredSource

SEED_DEFAULT = 7
SCENARIO = "demo_asterisk.toml"

Mix = Sequence[tuple[str, int]]
"""What callees do, with weights. Shape: [(first four digits of the number, weight), …]."""
HOUSEHOLDS: Mix = (
    *(("2014", 37), ("2015", 18), ("2012", 1), ("2180", 19)),  # persons, machines, a fax, nobody at home
    *(("2486", 13), ("2404", 6), ("2480", 4), ("2603", 1), ("2503", 1)),  # refusals at once
)
CUSTOMERS: Mix = (
    *(("2004", 55), ("2180", 20)),  # persons, nobody at home
    *(("2486", 15), ("2480", 4), ("2404", 3), ("2603", 2), ("2503", 1)),  # refusals at once
)
MIXES: dict[ListId, Mix] = {1: HOUSEHOLDS, 2: CUSTOMERS}
RING_DIGITS = "01234567"
"""Callees who answer ring 1 s and half a second for each unit: less than the groups' ring limit."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Servers that are killed, as by a power cut, and started again."""

    at: float
    """When. Unit: part of the time; of `SECONDS_OF_FAILURES` in longer runs."""
    back_at: float
    servers: tuple[ServerId, ...]


FAILURES = (Failure(0.33, 0.5, (3, 13)), Failure(0.64, 0.8, (1,)))
SECONDS_OF_FAILURES = 75.0


def run_asterisk_demo(options: DemoOptions, *, as_json: bool, stdout: Console, stderr: Console) -> dict[str, Any]:
    """Get what is needed, run the demonstration, and leave nothing behind but its result files.

    Arguments and result as of `demo.run_demo`.

    Raises:
        LabUnavailable: real servers cannot be had on this machine.
        OutdialError: the journal or the folder is not usable.
        InvariantViolated: a bug, for example totals that do not agree.
    """

    def say(text: str) -> None:
        stderr.print(text, markup=False, highlight=False, soft_wrap=True)

    with _told_to_end():
        cluster = Cluster(say)
        try:
            began_s = time.monotonic()
            cluster.start()
            took_s = time.monotonic() - began_s
            say(f"six servers, {cluster.version}, on {cluster.network}.0, sipp around them: ready in {took_s:.1f} s")
            scene = AsteriskScene(cluster, options)
            return play(scene, SystemClock(), options, as_json=as_json, stdout=stdout, stderr=stderr)
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):  # the rest takes less than a second, and must be done
                signal.signal(number, signal.SIG_IGN)
            cluster.close()


@contextlib.contextmanager
def _told_to_end() -> Iterator[None]:
    """SIGTERM is taken for Ctrl-C, as long as no event loop sees to both."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class AsteriskScene:
    """The far side of real servers.

    Attributes:
        title, configuration, loaded, names, seed, groups_to_start, lists, source, desktops, scenario: see
            `far_side.FarSide`.
        dialed: dial requests per number.
    """

    def __init__(self, cluster: Cluster, options: DemoOptions) -> None:
        """Read the scenario and make up the numbers.

        Args:
            cluster: runs already.
            options: of the command line.
        """
        loaded = load_scenario(cluster.network)
        self.title = f"outdial demo on {cluster.version}"
        self.seed = options.seed if options.seed is not None else SEED_DEFAULT
        self.groups_to_start: Sequence[GroupId] = loaded.start_groups
        self.source = None
        self.scenario = None
        self.dialed: Counter[str] = Counter()
        self._cluster = cluster
        self._seconds = min(options.seconds, SECONDS_OF_FAILURES)
        sources = made_up_lists(loaded, self.seed)
        self.lists = Lists(sources)
        records = sum(source.count for source in sources)
        with_pauses = with_after_call_work(loaded.configuration, loaded.serve.after_call_work_ms)
        self.configuration = share_records(with_pauses, records)
        self.loaded = replace(loaded, configuration=self.configuration)
        self.names = Names(self.configuration)
        self._servers = Servers(self._emit)
        self.desktops = Desktops()
        self._agents = PhoneAgents(self._emit, loaded.serve.ready_again_ms)
        self._submit: Callable[[Event], None] | None = None
        self._say: Callable[[str, str], None] | None = None
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self, submit: Callable[[Event], None], say: Callable[[str, str], None]) -> None:
        """Connect servers, sign agents in, and see to it that things go wrong in time."""
        self._submit, self._say = submit, say
        settings = [replace(asterisk_settings(server), password=lambda: SECRET) for server in self.loaded.edge.values()]
        self._servers.configure(self.configuration, settings)
        for event in self._agents.follow(self.configuration):
            submit(event)
        loop = asyncio.get_running_loop()
        for failure in FAILURES:
            self._timers.append(loop.call_later(failure.at * self._seconds, self._kill, failure.servers))
            self._timers.append(loop.call_later(failure.back_at * self._seconds, self._launch, failure.servers))

    def carry_out(self, now: Now, command: Command) -> None:
        """To whom it concerns; replies concern nobody."""
        if isinstance(command, Dial):
            self.dialed[command.number] += 1
        if not self._servers.carry_out(command):
            self._agents.carry_out(command)

    def know_attempts(self, attempt_n: Callable[[ListId, RecordId], int]) -> None:
        """Numbers say what callees do, every time."""

    def calm_down(self) -> None:
        """Kill nobody any more."""
        for timer in self._timers:
            timer.cancel()

    def hang_up(self, calls: Sequence[CallId], engagings: Sequence[CallId]) -> None:
        """Order the servers to end calls."""
        for call_id in calls:
            self._servers.carry_out(Release(call_id))
        for call_id in engagings:
            self._servers.carry_out(ReleaseEngaging(call_id))

    async def close(self) -> None:
        """Reset connections; the servers themselves belong to the cluster."""
        self.calm_down()
        self._agents.close()
        await self._servers.close()

    def check(self) -> dict[str, Any]:
        """Compare with the called side: nobody was called more often than we dialed."""
        seen = self._cluster.callees.counts()
        if often := {number: count for number, count in seen.items() if count > self.dialed[number]}:
            raise InvariantViolated(f"called more often than dialed: {often}")
        return {"servers": self._cluster.version, "calls_seen": seen.total()}

    def _emit(self, event: Event) -> None:
        """Give the core a fact. What it has no room for is found by audits and time limits."""
        if self._submit is not None:
            with contextlib.suppress(InboxFull):
                self._submit(event)

    # --- failures --------------------------------------------------------------------------------------------------

    def _kill(self, servers: Sequence[ServerId]) -> None:
        for server_id in servers:
            self._node(server_id).kill9()
        self._tell("bad", f"kill -9: {self._named(servers)}")

    def _launch(self, servers: Sequence[ServerId]) -> None:
        for server_id in servers:
            self._node(server_id).launch()
        self._tell("plain", f"started again: {self._named(servers)}")

    def _node(self, server_id: ServerId) -> Node:
        return self._cluster.node_at(self.loaded.edge[server_id].host)

    def _named(self, servers: Sequence[ServerId]) -> str:
        return " and ".join(map(self.names.server, servers))

    def _tell(self, kind: str, text: str) -> None:
        if self._say is not None:
            self._say(kind, text)


def load_scenario(network: str) -> Loaded:
    """Read the shipped scenario and move it to a network.

    Args:
        network: the first three parts of all addresses.
    """
    text = (importlib.resources.files("outdial") / "data" / SCENARIO).read_text(encoding="utf-8")
    return loads(text.replace(f"{NETWORKS[0]}.", f"{network}."), SCENARIO)


def made_up_lists(loaded: Loaded, seed: int) -> list[StoredSource]:
    """Calling lists whose numbers say what the callees do: four digits, how long they talk and ring, and a count."""
    luck = random.Random(seed)
    sources = []
    for list_id, count in loaded.list_files.items():
        assert isinstance(count, int)  # the scenario names no files
        kinds, weights = zip(*MIXES[list_id], strict=True)
        numbers = [
            f"{kind}{luck.choice('0123456789')}{luck.choice(RING_DIGITS)}{list_id}{place:05}"
            for place, kind in enumerate(luck.choices(kinds, weights, k=count))
        ]
        first = (list_id - 1) * RECORD_IDS_PER_LIST + 1
        records = [Record(record_id, list_id, number) for record_id, number in enumerate(numbers, start=first)]
        sources.append(StoredSource(list_id, records))
    return sources
