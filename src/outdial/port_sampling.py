"""Samples of ports for reports: what the looks at the running dialer add up to, minute by minute.

Somebody looks about once a second anyway (`service_watch`), so mean, peak and share of the time cost next to nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from outdial.core.groups import GroupState, Hold
from outdial.core.settings import DialerId
from outdial.core.snapshot import GroupView, PoolView, Snapshot
from outdial.core.units import MINUTE_MS, GroupId, Millis
from outdial.store.stored import PortSample

WHOLE_POOL = 0
"""Stands for the group in the sample of a whole pool."""


@dataclass(slots=True)
class _Tally:
    """One group, or one pool, within a minute."""

    looks: int = 0
    used_sum: int = 0
    used_peak: int = 0
    engaging_sum: int = 0
    maximum_ports: int | None = None
    at_maximum_looks: int = 0
    waiting_looks: int = 0
    need_millis: int = 0
    ready_agents: int = 0
    hold: str = ""

    def count(self, used: int, maximum: int | None, *, is_waiting: bool) -> None:
        """One look."""
        self.looks += 1
        self.used_sum += used
        self.used_peak = max(self.used_peak, used)
        self.maximum_ports = maximum
        self.at_maximum_looks += maximum is not None and used >= maximum
        self.waiting_looks += is_waiting


class PortSampler:
    """Adds looks up, and gives the samples of a minute when the next one begins."""

    def __init__(self) -> None:
        """Nobody has looked yet."""
        self._minute: int | None = None
        self._first_utc_ms = self._last_utc_ms = 0
        self._tallies: dict[tuple[DialerId, GroupId], _Tally] = {}

    def look(self, snapshot: Snapshot) -> tuple[PortSample, ...]:
        """Take a look. Returns the samples of the minute before, if this is the first look of another one."""
        done: tuple[PortSample, ...] = ()
        minute = snapshot.utc_ms // MINUTE_MS
        if minute != self._minute:
            done = self.rest()
            self._minute, self._first_utc_ms = minute, snapshot.utc_ms
        self._last_utc_ms = max(self._first_utc_ms, snapshot.utc_ms)
        for pool in snapshot.pools:
            self._count_pool(pool, [group for group in snapshot.groups if group.dialer == pool.dialer])
        for group in snapshot.groups:
            if group.state != GroupState.STOPPED.value or group.ports.used_ports:
                self._count_group(group)
        return done

    def rest(self) -> tuple[PortSample, ...]:
        """The samples of the minute so far, which begins anew."""
        span_ms: Millis = self._last_utc_ms - self._first_utc_ms
        samples = tuple(self._samples(span_ms))
        self._minute = None
        self._tallies.clear()
        return samples

    def _count_pool(self, pool: PoolView, groups: list[GroupView]) -> None:
        tally = self._tallies.setdefault((pool.dialer, WHOLE_POOL), _Tally())
        tally.count(pool.used_ports, pool.ports, is_waiting=any(map(_is_waiting, groups)))
        tally.engaging_sum += sum(group.ports.engaging_ports for group in groups)
        tally.need_millis = sum(group.ports.need_millis for group in groups)

    def _count_group(self, group: GroupView) -> None:
        tally = self._tallies.setdefault((group.dialer, group.group_id), _Tally())
        tally.count(group.ports.used_ports, group.ports.maximum_ports, is_waiting=_is_waiting(group))
        tally.engaging_sum += group.ports.engaging_ports
        tally.need_millis = group.ports.need_millis
        tally.ready_agents = group.agents_ready
        tally.hold = "; ".join(group.holds)

    def _samples(self, span_ms: Millis) -> Iterator[PortSample]:
        for (dialer, group_id), tally in self._tallies.items():
            yield PortSample(
                utc_ms=self._first_utc_ms,
                pool=dialer,
                group_id=group_id,
                span_ms=span_ms,
                looks=tally.looks,
                used_sum=tally.used_sum,
                used_peak=tally.used_peak,
                engaging_sum=tally.engaging_sum,
                maximum_ports=tally.maximum_ports,
                at_maximum_looks=tally.at_maximum_looks,
                waiting_looks=tally.waiting_looks,
                need_millis=tally.need_millis,
                ready_agents=tally.ready_agents,
                hold=tally.hold,
            )


def _is_waiting(group: GroupView) -> bool:
    return any(hold.startswith(Hold.WAITING_PORTS.value) for hold in group.holds)
