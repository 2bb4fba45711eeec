"""The dialer under measurement, in a process of its own: job on standard input, report on standard output.

Engine, AMI, ARI and records in memory, as `outdial serve` runs them, without journal and files. What is not outdial's
(servers, callees, phones) runs in other processes, so the CPU time of this one is outdial's alone.
"""

import asyncio
import cProfile
import pstats
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec

from bench.asterisk_figures import Tried, busy_s, cpu_s
from outdial.core import commands as c
from outdial.core import events as e
from outdial.core.dialer import Dialer
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

PORTS = 10_000
LOOK_S = 0.01
"""Pause between two looks at something that is waited for. Unit: s."""
PATIENCE_S = 30.0
FIRST_AGENT = 1_001
HOTTEST = 10
"""Functions that are shown of a profile."""


@dataclass(frozen=True, slots=True)
class Place:
    """One server."""

    node_id: int
    host: str
    port: int
    ari_port: int


@dataclass(frozen=True, slots=True)
class Load:
    """A group that calls its numbers."""

    mode: str
    numbers: list[str]
    queue: int = 0
    """Power GVP: calls kept in progress."""
    agents: int = 0
    ring_ms_max: int = 1_000


@dataclass(frozen=True, slots=True)
class Job:
    """What to do and to measure."""

    servers: list[Place]
    user: str
    password: str
    loads: list[Load]
    """Groups 1, 2, …; the first one dials by itself, a second one for an agent at a time (`ready_pauses_s`)."""
    seconds: float = 0.0
    """How long group 1 dials. 0: until its numbers are used up."""
    call_rate_max: int | None = None
    """Of each node. Unit: calls per second."""
    ready_pauses_s: list[float] = field(default_factory=list)
    """An agent of group 2 becomes ready after each of these pauses, and is not ready any more once it dials."""
    talk_ms_max: int = 60_000
    """After this time outdial ends a conversation. Unit: ms."""
    watched: dict[str, list[int]] = field(default_factory=dict)
    """Processes whose CPU time is measured, too."""
    profiled: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What came out."""

    cpu_s: float
    """Of this process, from the start of the first group until every attempt is settled."""
    watched_cpu_s: dict[str, float]
    others_cores: float
    """CPU time that neither this process nor the watched ones used, per second."""
    steps: int
    tried: list[Tried]
    ready_ns: dict[str, int]
    """When the agent became ready for whom this number was dialed."""
    refused: list[str]
    """Servers that were lost on the way and calls that were refused, with the reasons; there should be none."""
    hottest: list[tuple[str, int, float, float]]
    """Of a profiled run: function, calls, its own time, its time with all that it called. Unit: s."""


def configuration(job: Job) -> Configuration:
    """One campaign, list, group and team for each load."""
    members: dict[int, tuple[int, ...]] = {}
    for dbid, load in enumerate(job.loads, start=1):
        first = FIRST_AGENT + sum(map(len, members.values()))
        members[dbid] = tuple(range(first, first + load.agents))
    nodes = tuple(place.node_id for place in job.servers)
    return Configuration(
        ocs=Ocs(nodes, LoadBalancing.ROUND_ROBIN, nodes[0], talk_ms_max=job.talk_ms_max),
        switches=(Switch(1, "switch", PORTS, dynamic_port_allocation=True),),
        nodes=tuple(Node(dbid, f"node{dbid}", 1, call_rate_max=job.call_rate_max) for dbid in nodes),
        agents=tuple(Agent(n, f"agent{n}", f"agent{n}") for ids in members.values() for n in ids),
        agent_groups=tuple(AgentGroup(dbid, f"team{dbid}", ids, nodes[0]) for dbid, ids in members.items() if ids),
        calling_lists=tuple(CallingList(dbid, f"list{dbid}", Zone("UTC", ((0, 0),))) for dbid in members),
        campaigns=tuple(Campaign(dbid, f"campaign{dbid}", ((dbid, 10),)) for dbid in members),
        campaign_groups=tuple(_group(dbid, load) for dbid, load in enumerate(job.loads, start=1)),
    )


def _group(dbid: int, load: Load) -> CampaignGroup:
    mode = DialingMode(load.mode)
    return CampaignGroup(
        dbid=dbid,
        name=f"group{dbid}",
        campaign=dbid,
        agent_group=dbid if load.agents else None,
        dialing_mode=mode,
        dialer=DialerId(DialerKind.SWITCH, 1),
        asm_channel_num=0 if mode.is_seizing else None,
        maximum_queue_size=load.queue,
        call_progress_detection=False,
        ring_ms_max=load.ring_ms_max,
        after_call_work_ms_max=100,
        minimum_record_buffer=500,
        optimal_record_buffer=2_000,
        ivr_application="ivr-end" if mode.is_gvp else "",
    )


class Engine:
    """The dialer on its servers, with a note of when everything happened."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.configuration = configuration(job)
        self.core = Dialer()
        self.runner = Runner(self.core, SystemClock(), carry_out=self._carry_out, inbox_max=100_000)
        self.servers = Servers(self._emit)
        self.agents = PhoneAgents(self.runner.submit, ready_again_ms=500)
        self.on_dial: Callable[[c.Dial], None] = lambda _: None
        self.dialed: dict[int, tuple[c.Dial, int]] = {}
        self.settled: dict[int, list[int]] = {}
        self.connecting: dict[int, int] = {}
        self.heard: dict[type, dict[int, int]] = {e.DialAccepted: {}, e.CalleeAnswered: {}, e.CallConnected: {}}
        self.refused: list[str] = []
        sources = []
        record_id = 0
        for list_id, load in enumerate(job.loads, start=1):
            records = [Record(record_id + place, list_id, number) for place, number in enumerate(load.numbers, start=1)]
            record_id += len(records)
            sources.append(StoredSource(list_id, records))
        self._store = RecordStore(sources, self.runner.submit)

    async def connect(self) -> None:
        """Connect to every server, and sign in the agents that group 1 has."""
        job = self.job
        settings = [
            AsteriskSettings(p.node_id, p.node_id, p.host, job.user, lambda: job.password, p.port, p.ari_port)
            for p in job.servers
        ]
        self.servers.configure(self.configuration, settings)
        self.runner.submit(e.ConfigurationLoaded(self.configuration))
        nodes = self.core.state.nodes
        await self.until(lambda: bool(nodes) and all(node.is_active for node in nodes.values()))
        if not job.ready_pauses_s:
            for event in self.agents.follow(self.configuration):
                self.runner.submit(event)

    def start(self, group_id: int) -> None:
        """Start a group."""
        self.runner.submit(e.GroupStartRequested(group_id, group_id))

    async def stop(self) -> None:
        """Stop every group, and wait until nothing is left of them."""
        for group in self.configuration.campaign_groups:
            self.runner.submit(e.GroupStopRequested(100 + group.dbid, group.dbid))
        await self.until(lambda: not self.core.state.attempts and not self.core.state.engagings)

    def is_settled(self, call_id: int) -> bool:
        """Whether an attempt is over."""
        return call_id in self.settled

    async def until(self, holds: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        """Wait until something holds."""
        give_up = time.monotonic() + within_s
        while not holds():
            if time.monotonic() > give_up:
                groups = [(group.name, group.holds) for group in self.core.snapshot().groups]
                raise TimeoutError(
                    f"waited {within_s:.0f} s; {groups}, {len(self.core.state.attempts)} calls, {self.refused[:5]}"
                )
            await asyncio.sleep(LOOK_S)

    def tried(self) -> list[Tried]:
        """Every attempt."""
        accepted, answered, connected = (
            self.heard[kind] for kind in (e.DialAccepted, e.CalleeAnswered, e.CallConnected)
        )
        return [
            Tried(
                dial.number,
                dial.group_id,
                at_ns,
                accepted.get(call_id, 0),
                answered.get(call_id, 0),
                self.connecting.get(call_id, 0),
                connected.get(call_id, 0),
                tuple(self.settled.get(call_id, ())),
            )
            for call_id, (dial, at_ns) in self.dialed.items()
        ]

    def _emit(self, event: e.Event) -> None:
        times = self.heard.get(type(event))
        if times is not None:
            times[event.call_id] = time.time_ns()  # type: ignore[union-attr]
        elif isinstance(event, e.ServerLost | e.DialRejected):
            self.refused.append(f"{type(event).__name__}: {event.reason}")
        self.runner.submit(event)

    def _carry_out(self, now: Now, command: c.Command) -> None:
        if isinstance(command, c.Dial):
            self.dialed[command.call_id] = command, time.time_ns()
            self.on_dial(command)
        elif isinstance(command, c.SettleAttempt):
            self.settled.setdefault(command.call_id, []).append(command.call_result)
        elif isinstance(command, c.Transfer | c.Join):
            self.connecting[command.call_id] = time.time_ns()
        _ = (
            self.servers.carry_out(command)
            or self._store.carry_out(now, command)
            or (not self.job.ready_pauses_s and self.agents.carry_out(command))
        )


async def _play(engine: Engine) -> dict[str, int]:
    """Do what the job says. Returns when agents became ready, by the number that was dialed for them."""
    job = engine.job
    ready_ns: dict[str, int] = {}
    if job.loads[0].numbers:
        engine.start(1)
    if job.ready_pauses_s:
        await asyncio.sleep(1.0)  # until the load is even
        ready_ns = await _become_ready(engine)
    elif job.seconds:
        await asyncio.sleep(job.seconds)
    else:
        count = len(job.loads[0].numbers)
        await engine.until(lambda: len(engine.settled) >= count)
    await engine.stop()
    return ready_ns


async def _become_ready(engine: Engine) -> dict[str, int]:
    """One agent at a time becomes ready in group 2, where nothing else happens."""
    [agent, *_] = engine.configuration.agents
    submit = engine.runner.submit
    dials: asyncio.Queue[c.Dial] = asyncio.Queue()

    def note(dial: c.Dial) -> None:
        if dial.group_id == 2:
            submit(e.AgentBecameNotReady(agent.dbid))
            dials.put_nowait(dial)

    engine.on_dial = note
    submit(e.AgentLoggedIn(agent.dbid, agent.phone))
    engine.start(2)
    ready_ns = {}
    for pause_s in engine.job.ready_pauses_s:
        await asyncio.sleep(pause_s)
        at_ns = time.time_ns()
        submit(e.AgentBecameReady(agent.dbid))
        dial = await asyncio.wait_for(dials.get(), PATIENCE_S)
        ready_ns[dial.number] = at_ns
        await engine.until(partial(engine.is_settled, dial.call_id))
    return ready_ns


async def measure(job: Job) -> Report:
    """Run a job."""
    engine = Engine(job)
    running = asyncio.create_task(engine.runner.run())
    await engine.connect()
    profile = cProfile.Profile()
    began = time.monotonic(), time.process_time(), busy_s()
    others = {name: cpu_s(pids) for name, pids in job.watched.items()}
    if job.profiled:
        profile.enable()
    playing = asyncio.create_task(_play(engine))
    await asyncio.wait({playing, running}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    ready_ns = await playing
    profile.disable()
    own_s = time.process_time() - began[1]
    watched = {name: cpu_s(pids) - others[name] for name, pids in job.watched.items()}
    elapsed_s, all_s = time.monotonic() - began[0], busy_s() - began[2]
    refused = list(engine.refused)
    engine.agents.close()
    await engine.servers.close()
    engine.runner.stop()
    await running
    return Report(
        own_s,
        watched,
        max(0.0, all_s - own_s - sum(watched.values())) / elapsed_s,
        engine.runner.steps,
        engine.tried(),
        ready_ns,
        refused,
        _hottest(profile) if job.profiled else [],
    )


def _hottest(profile: cProfile.Profile) -> list[tuple[str, int, float, float]]:
    rows = []
    for (path, line, name), (_, calls, own_s, total_s, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if "'poll'" in name:
            continue  # where it waits
        where = "" if path in ("", "~") else f"{Path(path).parent.name}/{Path(path).name}:{line} "
        rows.append((f"{where}{name}", calls, own_s, total_s))
    return sorted(rows, key=lambda row: -row[2])[:HOTTEST]


if __name__ == "__main__":
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(measure(wanted))))
