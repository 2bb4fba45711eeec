"""What one run of a plan came to, as sums that several runs of the same point may be added up in.

Ports are not sampled: after every step the time since the last one is booked on the number of ports that the group has
held, so that mean and percentile are those of time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.groups import Hold
from outdial.core.ports import PortKind
from outdial.core.settings import CampaignGroup
from outdial.core.units import Millis, Now
from outdial.sim.report import RunReport

HOUR_MS: Millis = 3_600_000
P99 = 0.99


@dataclass(slots=True)
class Sums:
    """One run of one point, or several of them together."""

    attempts: int = 0
    persons: int = 0
    connected: int = 0
    wait_ms: float = 0
    """Waiting of persons for an agent."""
    conversations: int = 0
    """Of the agents of the group's agent group."""
    logged_in_ms: Millis = 0
    busy_ms: Millis = 0
    """Agents: conversation and after-call work."""
    idle_ms: Millis = 0
    """Agents: ready or reserved."""
    ports_ms: dict[int, Millis] = field(default_factory=dict)
    """Shape: {ports held: time}."""
    short_of_ports_ms: Millis = 0
    out_of_records_ms: Millis = 0

    def add(self, other: "Sums") -> None:
        """Another run of the same point."""
        self.attempts += other.attempts
        self.persons += other.persons
        self.connected += other.connected
        self.wait_ms += other.wait_ms
        self.conversations += other.conversations
        self.logged_in_ms += other.logged_in_ms
        self.busy_ms += other.busy_ms
        self.idle_ms += other.idle_ms
        for ports, ms in other.ports_ms.items():
            self.ports_ms[ports] = self.ports_ms.get(ports, 0) + ms
        self.short_of_ports_ms += other.short_of_ports_ms
        self.out_of_records_ms += other.out_of_records_ms


@dataclass(frozen=True, slots=True)
class Figures:
    """What a plan shows of a point. The names are those of its JSON and CSV."""

    utilisation: float | None
    """Conversation and after-call work per time logged in. Range: 0 … 1. None: the group has no agents."""
    agent_wait_s: float | None
    """Time ready or reserved per conversation. None: nobody talked."""
    person_wait_s: float
    """Waiting of persons for an agent, over all persons."""
    lost_ratio: float
    """Persons who never came to an agent or IVR application, per person. Range: 0 … 1."""
    calls_per_agent_hour: float | None
    """Conversations per hour that an agent is logged in."""
    ports_mean: float
    ports_p99: int
    """Ports that are enough 99 % of the time."""
    attempts: int
    persons: int
    connected: int
    short_of_ports: float
    """Share of the time in which the group waited for ports. Range: 0 … 1."""
    out_of_records: float
    """Share of the time in which the lists had nothing to dial. Range: 0 … 1."""


def figures_of(sums: Sums) -> Figures:
    """Means and shares of what was added up."""
    watched_ms = sum(sums.ports_ms.values())
    return Figures(
        utilisation=_part(sums.busy_ms, sums.logged_in_ms, 4),
        agent_wait_s=_part(sums.idle_ms / 1_000, sums.conversations, 3),
        person_wait_s=_part(sums.wait_ms / 1_000, sums.persons, 3) or 0.0,
        lost_ratio=_part(sums.persons - sums.connected, sums.persons, 4) or 0.0,
        calls_per_agent_hour=_part(sums.conversations * HOUR_MS, sums.logged_in_ms, 3),
        ports_mean=_part(sum(ports * ms for ports, ms in sums.ports_ms.items()), watched_ms, 2) or 0.0,
        ports_p99=quantile(sums.ports_ms, P99),
        attempts=sums.attempts,
        persons=sums.persons,
        connected=sums.connected,
        short_of_ports=_part(sums.short_of_ports_ms, watched_ms, 4) or 0.0,
        out_of_records=_part(sums.out_of_records_ms, watched_ms, 4) or 0.0,
    )


def quantile(time_ms: dict[int, Millis], ratio: float) -> int:
    """The least number that is enough for this part of the time. 0 without any time."""
    left_ms = ratio * sum(time_ms.values())
    for number in sorted(time_ms):
        left_ms -= time_ms[number]
        if left_ms <= 0:
            return number
    return 0


def sums_of(report: RunReport, group: CampaignGroup, watch: "GroupWatch") -> Sums:
    """What one run came to for one campaign group."""
    sums = Sums(
        ports_ms=watch.ports_ms,
        short_of_ports_ms=watch.short_of_ports_ms,
        out_of_records_ms=watch.out_of_records_ms,
    )
    [of_group] = [entry for entry in report.groups if entry.group_id == group.dbid]
    sums.attempts, sums.persons, sums.connected = of_group.attempts, of_group.persons, of_group.connected
    sums.wait_ms = of_group.wait_ms_mean * of_group.persons
    for work in report.work:
        if work.agent_group_id == group.agent_group:
            spent = work.by_state_ms
            sums.conversations, sums.logged_in_ms = work.conversations, work.logged_in_ms
            sums.busy_ms = spent.get("talking", 0) + spent.get("after-call work", 0)
            sums.idle_ms = spent.get("ready", 0) + spent.get("reserved", 0)
    return sums


class GroupWatch:
    """Books time on what a campaign group holds and waits for: an observer of every step.

    Attributes:
        ports_ms: time by ports held.
        short_of_ports_ms: time in which it waited for ports.
        out_of_records_ms: time in which the lists had nothing to dial.
    """

    def __init__(self, dialer: Dialer, group: CampaignGroup) -> None:
        self.ports_ms: dict[int, Millis] = {}
        self.short_of_ports_ms: Millis = 0
        self.out_of_records_ms: Millis = 0
        self._state = dialer.state
        self._group = group
        self._since_ms: Millis = 0
        self._ports = 0
        self._hold: Hold | None = None

    def after_step(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step is done."""
        self.until(now.mono_ms)
        group_id = self._group.dbid
        pool = self._state.pools.get(self._group.dialer)
        if pool is not None:
            self._ports = pool.count(group_id, PortKind.REGULAR) + pool.count(group_id, PortKind.ENGAGING)
        group = self._state.groups.get(group_id)
        self._hold = group.hold[0] if group is not None and group.is_running and group.hold else None

    def until(self, mono_ms: Millis) -> None:
        """Book the time up to an instant."""
        spent_ms = mono_ms - self._since_ms
        if spent_ms <= 0:
            return
        self._since_ms = mono_ms
        self.ports_ms[self._ports] = self.ports_ms.get(self._ports, 0) + spent_ms
        if self._hold is Hold.WAITING_PORTS:
            self.short_of_ports_ms += spent_ms
        elif self._hold is Hold.WAITING_RECORDS:
            self.out_of_records_ms += spent_ms

    def at_end(self, now: Now) -> None:
        """Nothing is left to do."""


def _part(part: float, whole: float, decimals: int) -> float | None:
    return round(part / whole, decimals) if whole else None
