"""The whole dialer on a cluster of servers, real or fake, driven in real time: what `outdial serve` does, in a test.

Three nodes, each a primary (1, 2, 3) and a backup (11, 12, 13); node 1 is the prime node and node 2 the dialer node of
seizing groups. Everybody who is called is counted on the called side. Every record is dialed at most once (no
treatments), so a number that was called twice was dialed twice.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from outdial.core.commands import Command, Dial, SettleAttempt
from outdial.core.dialer import Dialer
from outdial.core.events import ConfigurationLoaded, Event, GroupStartRequested, GroupStopRequested
from outdial.core.modes import DialingMode
from outdial.core.records import Record
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    DialerId,
    DialerKind,
    LoadBalancing,
    Node,
    Ocs,
    Switch,
    Zone,
)
from outdial.core.units import Now
from outdial.drivers.asterisk import AsteriskSettings
from outdial.drivers.clock import SystemClock
from outdial.drivers.runner import Runner
from outdial.drivers.servers import Servers
from outdial.phone_agents import PhoneAgents
from outdial.record_store import RecordStore
from outdial.sim.lists import StoredSource

SWITCH = DialerId(DialerKind.SWITCH, 1)
NODES = (1, 2, 3)
BACKUP = 10
WITHIN_S = 30.0


class Cluster(Protocol):
    """Three pairs of servers with callees and phones around them."""

    settings: Sequence[AsteriskSettings]

    def invited(self) -> Counter[str]:
        """How often each number was called, counted by the called side."""

    def callers(self) -> Counter[int]:
        """Calls to customers by the server that made them."""

    async def kill(self, server_id: int) -> None:
        """Kill a server."""

    async def restart(self, server_id: int) -> None:
        """Start a killed server."""

    def hang(self, server_id: int) -> None:
        """Freeze a server."""

    def wake(self, server_id: int) -> None:
        """Let a frozen server go on."""

    def cut(self, server_id: int) -> None:
        """Reset the connections of a server, whose calls live on."""

    def describe(self) -> str:
        """What the servers are doing, for failures."""


def group(number: int, mode: DialingMode, **changes: object) -> CampaignGroup:
    """A campaign group with agents of its own."""
    settings = CampaignGroup(
        dbid=number,
        name=f"group{number}",
        campaign=1,
        agent_group=None if mode is DialingMode.POWER_GVP else number,
        dialing_mode=mode,
        dialer=SWITCH,
        asm_channel_num=0 if mode.is_seizing else None,
        call_progress_detection=False,
        ring_ms_max=5_000,
        after_call_work_ms_max=100,
        minimum_record_buffer=100,
        optimal_record_buffer=400,
        ivr_application="ivr-end" if mode.is_gvp else "",
    )
    return replace(settings, **changes)  # type: ignore[arg-type]


def configuration(groups: Sequence[CampaignGroup], *, agents: int, ports: int, **ocs: object) -> Configuration:
    """A cluster of three nodes; agents' phones are agent1001 and following.

    Conversations last 15 s at most: a callee of sipp that waited 10 s for a frozen server says nothing any more, and
    nobody else would end its call.
    """
    members = {
        each.dbid: tuple(range(1_001 + place * agents, 1_001 + (place + 1) * agents))
        for place, each in enumerate(groups)
        if each.agent_group is not None
    }
    return Configuration(
        ocs=replace(
            Ocs(
                NODES,
                LoadBalancing.ROUND_ROBIN,
                1,
                reconnect_ms=300,
                lost_call_ms_max=3_000,
                audit_ms=5_000,
                talk_ms_max=15_000,
            ),
            **ocs,  # type: ignore[arg-type]
        ),
        switches=(Switch(1, "switch", ports, dynamic_port_allocation=True),),
        nodes=tuple(Node(n, f"node{n}", 1, n + BACKUP, f"node{n}-backup") for n in NODES),
        agents=tuple(Agent(n, f"agent{n}", f"agent{n}") for ids in members.values() for n in ids),
        agent_groups=tuple(AgentGroup(number, f"team{number}", ids, 2) for number, ids in members.items()),
        calling_lists=(CallingList(1, "list", Zone("UTC", ((0, 0),))),),
        campaigns=(Campaign(1, "campaign", ((1, 10),)),),
        campaign_groups=tuple(groups),
    )


class Engine:
    """The dialer on a cluster.

    Attributes:
        dialed: every dial request, in order.
        settled: every settled attempt, in order.
        events: what the servers said, with the time. Shape: [(loop time in s, event), …].
    """

    def __init__(self, cluster: Cluster, config: Configuration, numbers: Sequence[str]) -> None:
        self.cluster, self.config = cluster, config
        self.core = Dialer()
        self.dialed: list[Dial] = []
        self.settled: list[SettleAttempt] = []
        self.events: list[tuple[float, Event]] = []
        self.runner = Runner(
            self.core, SystemClock(), carry_out=self._carry_out, observers=(self._observe,), inbox_max=100_000
        )
        records = [Record(place, 1, number) for place, number in enumerate(numbers, start=1)]
        self._store = RecordStore([StoredSource(1, records)], self.runner.submit)
        self.servers = Servers(self._emit)
        self._agents = PhoneAgents(self.runner.submit, ready_again_ms=500)
        self._request_id = 0
        self._news = asyncio.Event()

    async def __aenter__(self) -> "Engine":
        self._running = asyncio.create_task(self.runner.run())
        self.servers.configure(self.config, self.cluster.settings)
        self.runner.submit(ConfigurationLoaded(self.config))
        await self.until(lambda: bool(self.core.state.nodes) and all(map(self.is_active, self.core.state.nodes)))
        for event in self._agents.follow(self.config):
            self.runner.submit(event)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._agents.close()
        self.runner.stop()
        await self._running
        await self.servers.close()

    def _emit(self, event: Event) -> None:
        self.events.append((asyncio.get_running_loop().time(), event))
        self.runner.submit(event)

    def _carry_out(self, now: Now, command: Command) -> None:
        if isinstance(command, Dial):
            self.dialed.append(command)
        elif isinstance(command, SettleAttempt):
            self.settled.append(command)
        _ = self.servers.carry_out(command) or self._store.carry_out(now, command) or self._agents.carry_out(command)

    def _observe(self, _now: Now, _event: Event, _commands: Sequence[Command]) -> None:
        self._news.set()

    # --- doing and waiting ---------------------------------------------------------------------------------------

    async def until(self, holds: Callable[[], bool], *, within_s: float = WITHIN_S) -> None:
        """Wait until something holds; it is looked at after every step."""

        async def look() -> None:
            while not holds():
                self._news.clear()
                await self._news.wait()

        watch = asyncio.ensure_future(look())
        await asyncio.wait({watch, self._running}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if self._running.done():
            watch.cancel()
            self._running.result()
        if not watch.done():
            watch.cancel()
            raise AssertionError(f"waited {within_s} s; {self.picture()}")

    def picture(self) -> str:
        """Where things are, for failures."""
        snapshot = self.core.snapshot()
        holds = [f"{each.name}: {each.state} {each.holds}" for each in snapshot.groups]
        nodes = [f"{node.name} {node.state}" for node in snapshot.nodes]
        live = [(call.call_id, call.state.value) for call in self.core.state.attempts.values()][:20]
        totals = f"dialed {len(self.dialed)}, settled {len(self.settled)}"
        return f"{holds} {nodes} {totals}, live {live}; {self.cluster.describe()}"

    def start(self, *group_ids: int) -> None:
        """Start groups."""
        for group_id in group_ids:
            self._request_id += 1
            self.runner.submit(GroupStartRequested(self._request_id, group_id))

    async def stop(self) -> None:
        """Stop all groups and wait until every attempt is settled."""
        for each in self.config.campaign_groups:
            self._request_id += 1
            self.runner.submit(GroupStopRequested(self._request_id, each.dbid))
        await self.until(lambda: not self.core.state.attempts and not self.core.state.engagings)

    async def dials(self, count: int, *, group_id: int | None = None) -> None:
        """Wait for so many further dial requests (of a group)."""

        def made() -> int:
            return sum(group_id in (None, dial.group_id) for dial in self.dialed)

        wanted = made() + count
        await self.until(lambda: made() >= wanted)

    def is_active(self, node_id: int) -> bool:
        """Whether a node is in use."""
        return self.core.state.nodes[node_id].is_active

    # --- what must be so afterwards ------------------------------------------------------------------------------

    def check(self) -> None:
        """Every attempt settled once, every port home, nobody called twice."""
        assert sorted(each.call_id for each in self.settled) == sorted(each.call_id for each in self.dialed)
        assert [pool.used_ports for pool in self.core.state.pools.values()] == [0]
        assert not any(pool.stranded for pool in self.core.state.pools.values())
        called = {number: count for number, count in self.cluster.invited().items() if number in self._numbers()}
        assert {number: count for number, count in called.items() if count > 1} == {}
        assert not any(server.calls.legs for server in self.servers.by_id.values())

    def _numbers(self) -> set[str]:
        return {dial.number for dial in self.dialed}
