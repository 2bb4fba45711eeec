"""What a run came to: statistics gathered step by step, in bounded memory, and the report made of them.

Sources: `SettleAttempt` (results, persons, waits), `AgentStateChanged` (how agents spend their time), and a snapshot
now and then (ports, nodes). *Persons* are answers that call progress detection took for a person, or could not tell
from one; *lost* persons are those who never came to an agent or IVR application. Preview calls count as attempts only.

Ports over time are samples: when there are `SAMPLES_MAX` of them every second one is dropped and the step doubles.
"""

from dataclasses import asdict, dataclass
from typing import Any

from outdial.core.commands import AgentStateChanged, SettleAttempt
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import Configuration
from outdial.core.snapshot import NodeView, Snapshot
from outdial.core.units import AgentGroupId, AgentId, GroupId, Millis
from outdial.sim.trace import TraceDigest

SAMPLES_MAX = 256
"""Samples kept per run. Range: ≥ 2."""
LATE_MS: Millis = 2_000
"""A person who waited longer than this for an agent was connected late. Unit: ms. Source: US rules, 2 s."""


@dataclass(frozen=True, slots=True)
class GroupReport:
    """One campaign group."""

    group_id: GroupId
    name: str
    attempts: int
    results: dict[str, int]
    """Attempts by call result, in the order of the vendor's numbers."""
    persons: int
    connected: int
    lost_ratio: float
    """Persons who never came to an agent or IVR application, per person. Range: 0 … 1."""
    wait_ms_mean: float
    """Waiting of persons for an agent, over all persons."""
    wait_ms_max: Millis
    late_connects: int
    """Persons connected after more than `LATE_MS`."""
    talk_ms_mean: float
    node_faults: int


@dataclass(frozen=True, slots=True)
class WorkReport:
    """Agents of one agent group, all together."""

    agent_group_id: AgentGroupId
    name: str
    agents: int
    logged_in_ms: Millis
    utilisation: float
    """Talking and after-call work per time logged in. Range: 0 … 1."""
    conversations: int
    idle_ms_mean: float
    """Time ready or reserved per conversation."""
    by_state_ms: dict[str, Millis]


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node."""

    node_id: int
    name: str
    requests: int
    faults: int
    state: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Ports at one instant."""

    mono_ms: Millis
    pools: tuple[tuple[str, int, int], ...]
    """Shape: ((name, used, size), …)."""
    groups: tuple[tuple[GroupId, int, int], ...]
    """Shape: ((group, used ports, maximum or -1), …)."""


@dataclass(frozen=True, slots=True)
class RunReport:
    """Everything worth knowing about a run."""

    seed: int
    virtual_ms: Millis
    steps: int
    commands: int
    digest: str
    """Trace digest: equal exactly when the steps were equal."""
    attempts: int
    groups: tuple[GroupReport, ...]
    work: tuple[WorkReport, ...]
    nodes: tuple[NodeReport, ...]
    faults: dict[str, int]
    """Faults by kind."""
    late_events: int
    ignored_dn_events: int
    unknown_results: int
    samples: tuple[Sample, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    def text(self) -> str:
        """A page for people."""
        return "\n".join(_lines(self))


_NODE, _ANSWER, _PERSON, _UNKNOWN = Fault.NODE, CallResult.ANSWER, Verdict.PERSON, Verdict.UNKNOWN


class _GroupTally:
    __slots__ = (
        "attempts",
        "connected",
        "late_connects",
        "node_faults",
        "persons",
        "results",
        "talk_ms",
        "wait_ms",
        "wait_ms_max",
    )

    def __init__(self) -> None:
        self.attempts = self.persons = self.connected = self.late_connects = self.node_faults = 0
        self.wait_ms = self.wait_ms_max = self.talk_ms = 0
        self.results = [0] * (max(CallResult) + 1)

    def add(self, attempt: SettleAttempt) -> None:
        self.attempts += 1
        self.results[attempt.call_result] += 1
        if attempt.fault is _NODE:
            self.node_faults += 1
        verdict = attempt.verdict
        if (verdict is not _PERSON and verdict is not _UNKNOWN) or attempt.mode.is_preview:
            return
        self.persons += 1
        self.wait_ms += attempt.wait_ms
        self.wait_ms_max = max(self.wait_ms_max, attempt.wait_ms)
        if attempt.talk_ms > 0 or attempt.call_result is _ANSWER:
            self.connected += 1
            self.talk_ms += attempt.talk_ms
            if attempt.wait_ms > LATE_MS:
                self.late_connects += 1


class Statistics:
    """Gathers while a run goes on: an observer of every step."""

    def __init__(self, configuration: Configuration) -> None:
        self.trace = TraceDigest({SettleAttempt: self._settled, AgentStateChanged: self._agent_changed})
        self.after_step = self.trace.add
        """Looks at one finished step: `after_step(now, event, commands)`."""
        self._configuration = configuration
        self._groups: dict[GroupId, _GroupTally] = {}
        self._agent_group: dict[AgentId, AgentGroupId] = {}
        for group in reversed(configuration.agent_groups):
            self._agent_group.update(dict.fromkeys(group.agents, group.dbid))
        self._doing: dict[AgentId, tuple[str, Millis]] = {}
        self._time_ms: dict[AgentGroupId, dict[str, Millis]] = {}
        self._talks: dict[AgentGroupId, int] = {}
        self._samples: list[Sample] = []
        self._sample_every = 1
        self._sample_count = 0

    def _settled(self, _mono_ms: Millis, attempt: SettleAttempt) -> None:
        tally = self._groups.get(attempt.group_id)
        if tally is None:
            tally = self._groups[attempt.group_id] = _GroupTally()
        tally.add(attempt)

    def _agent_changed(self, mono_ms: Millis, command: AgentStateChanged) -> None:
        agent_id = command.agent_id
        self._book(agent_id, mono_ms)
        self._doing[agent_id] = (command.state, mono_ms)
        if command.state == "talking":
            group_id = self._agent_group.get(agent_id, 0)
            self._talks[group_id] = self._talks.get(group_id, 0) + 1

    def _book(self, agent_id: AgentId, mono_ms: Millis) -> None:
        before = self._doing.get(agent_id)
        if before is not None:
            spent = self._time_ms.setdefault(self._agent_group.get(agent_id, 0), {})
            spent[before[0]] = spent.get(before[0], 0) + mono_ms - before[1]

    def sample(self, snapshot: Snapshot) -> None:
        """Note the ports, perhaps: call this as often as samples are wanted at most."""
        self._sample_count += 1
        if self._sample_count % self._sample_every:
            return
        self._samples.append(
            Sample(
                snapshot.mono_ms,
                tuple((pool.name, pool.used_ports, pool.ports) for pool in snapshot.pools),
                tuple(
                    (group.group_id, group.ports.used_ports, _or_minus_one(group.ports.maximum_ports))
                    for group in snapshot.groups
                ),
            )
        )
        if len(self._samples) >= SAMPLES_MAX:
            self._samples = self._samples[1::2]
            self._sample_every *= 2

    def report(self, seed: int, mono_ms: Millis, snapshot: Snapshot, faults: dict[str, int]) -> RunReport:
        """The report as of now; the snapshot's own instant is that of the last step."""
        for agent_id, (state, _) in list(self._doing.items()):
            self._book(agent_id, mono_ms)
            self._doing[agent_id] = (state, mono_ms)
        return RunReport(
            seed=seed,
            virtual_ms=mono_ms,
            steps=self.trace.steps,
            commands=self.trace.command_count,
            digest=self.trace.hexdigest(),
            attempts=sum(tally.attempts for tally in self._groups.values()),
            groups=tuple(self._group(group.dbid, group.name) for group in self._configuration.campaign_groups),
            work=tuple(self._work(group.dbid, group.name, group.agents) for group in self._configuration.agent_groups),
            nodes=tuple(_node(view) for view in snapshot.nodes),
            faults=faults,
            late_events=snapshot.late_events,
            ignored_dn_events=snapshot.ignored_dn_events,
            unknown_results=snapshot.unknown_results,
            samples=tuple(self._samples),
        )

    def _group(self, group_id: GroupId, name: str) -> GroupReport:
        tally = self._groups.get(group_id) or _GroupTally()
        return GroupReport(
            group_id=group_id,
            name=name,
            attempts=tally.attempts,
            results={result.name.lower(): tally.results[result] for result in CallResult if tally.results[result]},
            persons=tally.persons,
            connected=tally.connected,
            lost_ratio=_ratio(tally.persons - tally.connected, tally.persons),
            wait_ms_mean=_ratio(tally.wait_ms, tally.persons),
            wait_ms_max=tally.wait_ms_max,
            late_connects=tally.late_connects,
            talk_ms_mean=_ratio(tally.talk_ms, tally.connected),
            node_faults=tally.node_faults,
        )

    def _work(self, group_id: AgentGroupId, name: str, agents: tuple[AgentId, ...]) -> WorkReport:
        spent = self._time_ms.get(group_id, {})
        logged_in_ms = sum(ms for state, ms in spent.items() if state != "logged out")
        busy_ms = spent.get("talking", 0) + spent.get("after-call work", 0)
        talks = self._talks.get(group_id, 0)
        return WorkReport(
            agent_group_id=group_id,
            name=name,
            agents=sum(self._agent_group[agent_id] == group_id for agent_id in agents),
            logged_in_ms=logged_in_ms,
            utilisation=_ratio(busy_ms, logged_in_ms),
            conversations=talks,
            idle_ms_mean=_ratio(spent.get("ready", 0) + spent.get("reserved", 0), talks),
            by_state_ms=dict(sorted(spent.items())),
        )


def _node(view: NodeView) -> NodeReport:
    return NodeReport(view.node_id, view.name, view.requests, view.faults, view.state)


def _or_minus_one(maximum: int | None) -> int:
    return -1 if maximum is None else maximum


def _ratio(part: float, whole: float) -> float:
    return round(part / whole, 6) if whole else 0.0


def _lines(report: RunReport) -> list[str]:
    minutes = report.virtual_ms / 60_000
    lines = [
        f"seed {report.seed}: {report.attempts:,} attempts in {minutes:,.1f} minutes, {report.steps:,} steps, "
        f"digest {report.digest[:16]}"
    ]
    for group in report.groups:
        results = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in group.results.items())
        lines.append(
            f"  group {group.name}: {group.attempts:,} attempts, {group.persons:,} persons, "
            f"{group.connected:,} connected, {group.lost_ratio:.2%} lost, "
            f"wait {group.wait_ms_mean:,.0f} ms on average, {group.wait_ms_max:,} ms at most"
        )
        lines.append(f"    {results}" if results else "    nothing dialed")
    for work in report.work:
        hours = work.logged_in_ms / 3_600_000
        lines.append(
            f"  agents {work.name}: {work.agents} agents, {hours:,.2f} h logged in, {work.utilisation:.1%} busy, "
            f"{work.conversations:,} conversations, {work.idle_ms_mean / 1_000:,.1f} s idle for each"
        )
    for node in report.nodes:
        lines.append(f"  node {node.name}: {node.requests:,} requests, {node.faults:,} faults, {node.state}")
    if report.faults:
        lines.append("  faults: " + ", ".join(f"{kind} {count}" for kind, count in report.faults.items()))
    lines.append(
        f"  late events {report.late_events:,}, ignored agent events {report.ignored_dn_events:,}, "
        f"unknown results {report.unknown_results:,}"
    )
    return lines
