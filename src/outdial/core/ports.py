"""Port pools and leases.

A pool is the ports of one dialer: a switch's, or a CPD server's. Every live leg that occupies a port of the dialer
holds one lease, and every lease has one owner: counts are lengths of this ledger, there is no counter to drift.

Two limits hold for every new lease, and both are needed:

1. the group's *maximum* (what the sharing says it may use; `allocation.py`), in seizing modes also the part of it that
   engaging or regular calls may use;
2. a *free port in the pool*. When a maximum shrinks, calls in progress keep their leases, so the maxima alone would
   over-commit the pool: 100 ports, A holds 60, demand moves, B may now use 60, and 120 would be in use.

Reserved ports come off the pool first. A lease of a group with a reservation is *charged* to it; all others share what
is left (`common`). When a group's reservation changes, its leases are filed anew.

When the pool is counted from what active nodes report, the ports of a lost node leave the pool, and so do the leases
of calls that may still be alive there: they are *stranded* until their fate is known.

Invariants: leases ≤ ports (unless the pool itself has just shrunk, and then no new lease); one lease per call.

Source: guide "Dynamic Port Allocation Between Campaign Groups". Ours: charged and stranded leases (decision 0004).
"""

import enum
from dataclasses import dataclass, field
from typing import NamedTuple

from outdial.core.errors import InvariantViolated
from outdial.core.settings import DialerId
from outdial.core.sharing import Share
from outdial.core.units import CallId, GroupId, Millis, NodeId


class PortKind(enum.StrEnum):
    """What a port is used for."""

    REGULAR = "regular"
    ENGAGING = "engaging"


REGULAR, ENGAGING = PortKind.REGULAR, PortKind.ENGAGING
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


class NoPort(enum.StrEnum):
    """Why there is no port for a new call."""

    GROUP_MAXIMUM = "group is at its maximum of ports"
    REGULAR_LIMIT = "group is at its limit of regular ports"
    ENGAGING_LIMIT = "group is at its limit of engaging ports"
    POOL_FULL = "all ports of the pool are in use"


class Limits(NamedTuple):
    """What one group may use of its pool, and why."""

    maximum: int | None
    """Ports up to which new leases are allowed; None: only the pool limits the group."""
    regular_maximum: int | None = None
    engaging_maximum: int | None = None
    reserved: int = 0
    """Ports set aside for the group; its leases are charged to them."""
    is_dynamic: bool = False
    need_millis: int = 0
    need_engaging_millis: int = 0
    share: Share | None = None
    """Where the maximum of a dynamic group comes from."""
    fixed_rule: str = "none"
    """Short stable name of the rule of a group that is not dynamic."""
    reserved_wanted: int = 0
    """Ports that the group should have set aside; more than `reserved` when the reservations exceed the pool."""
    since_ms: Millis = 0
    """When `maximum` last changed."""

    @property
    def rule(self) -> str:
        """Short stable name of the rule that gave the maximum."""
        return self.fixed_rule if self.share is None else self.share.rule.value

    @property
    def reason(self) -> str:
        """One sentence for people, with the numbers."""
        if self.share is not None:
            return self.share.reason
        if self.fixed_rule == "none":
            return "the group is not running"
        if self.fixed_rule == "preview":
            return "preview modes hold no ports"
        if self.maximum is None:
            return "no limit of its own: the group may use what is free in the pool"
        if self.reserved_wanted:
            return f"fixed by configuration: {self.reserved_wanted} ports, {self.reserved} of them reserved"
        return f"fixed by configuration: at most {self.maximum} ports, none reserved"


class Lease(NamedTuple):
    """One port held by one call."""

    call_id: CallId
    group_id: GroupId
    kind: PortKind
    node_id: NodeId
    taken_at_ms: Millis


NOTHING = Limits(maximum=0)
"""What a group that does not run may use."""


@dataclass(slots=True, eq=False)
class Pool:
    """The ports of one dialer."""

    dialer: DialerId
    name: str
    ports: int = 0
    source: str = "channel_num"
    dynamic: bool = False
    common: dict[CallId, Lease] = field(default_factory=dict)
    """Leases that are not charged to a reservation."""
    charged: dict[CallId, Lease] = field(default_factory=dict)
    """Leases charged to a reservation."""
    stranded: dict[CallId, Lease] = field(default_factory=dict)
    """Leases of calls on lost nodes whose ports have left the pool."""
    held: dict[tuple[GroupId, PortKind], dict[CallId, Lease]] = field(default_factory=dict)
    """The same leases (but for stranded ones) by group and kind."""
    limits: dict[GroupId, Limits] = field(default_factory=dict)
    reserved_ports: int = 0
    waiting: dict[GroupId, None] = field(default_factory=dict)
    """Groups that found the pool full, in the order in which they asked."""
    shortage: bool = False
    recalculated_at_ms: Millis = 0
    note: str = ""

    @property
    def used_ports(self) -> int:
        """Leases that occupy a port of the pool."""
        return len(self.common) + len(self.charged)

    def count(self, group_id: GroupId, kind: PortKind) -> int:
        """Leases that a group holds of one kind."""
        leases = self.held.get((group_id, kind))
        return len(leases) if leases else 0

    def used_by(self, group_id: GroupId) -> int:
        """Leases that a group holds."""
        return self.count(group_id, REGULAR) + self.count(group_id, ENGAGING)

    def has_reservation(self, group_id: GroupId) -> bool:
        """Whether ports of the pool are kept for the group."""
        return bool(self.limits.get(group_id, NOTHING).reserved)

    def room(self, group_id: GroupId, kind: PortKind) -> NoPort | int:
        """How many more leases the group may take now, at least 1, or why none."""
        limits = self.limits.get(group_id, NOTHING)
        rooms = []
        of_kind = self.count(group_id, kind)
        if limits.maximum is not None:
            other = ENGAGING if kind is REGULAR else REGULAR
            rooms.append(limits.maximum - of_kind - self.count(group_id, other))
            if rooms[-1] < 1:
                return NoPort.GROUP_MAXIMUM
        part = limits.regular_maximum if kind is REGULAR else limits.engaging_maximum
        if part is not None:
            rooms.append(part - of_kind)
            if rooms[-1] < 1:
                return NoPort.REGULAR_LIMIT if kind is REGULAR else NoPort.ENGAGING_LIMIT
        rooms.append(self.ports - self.used_ports)
        if not limits.reserved:
            rooms.append(self.ports - self.reserved_ports - len(self.common))
        room = min(rooms)
        return room if room > 0 else NoPort.POOL_FULL

    def lease(self, lease: Lease) -> NoPort | None:
        """Take a port. Returns why there is none; None: it is taken.

        Raises:
            InvariantViolated: the call has a lease already.
        """
        room = self.room(lease.group_id, lease.kind)
        if isinstance(room, NoPort):
            return room
        if lease.call_id in self.common or lease.call_id in self.charged:
            raise InvariantViolated(f"call {lease.call_id} leases a second port")
        self._file(lease)
        return None

    def release(self, call_id: CallId) -> bool:
        """Take a lease back, if the call holds one. Returns whether it did."""
        lease = self.common.pop(call_id, None) or self.charged.pop(call_id, None)
        if lease is None:
            return self.stranded.pop(call_id, None) is not None
        del self.held[lease.group_id, lease.kind][call_id]
        return True

    def strand(self, call_id: CallId) -> None:
        """The call's node took its ports out of the pool: keep the lease aside."""
        lease = self.common.pop(call_id, None) or self.charged.pop(call_id, None)
        if lease is not None:
            del self.held[lease.group_id, lease.kind][call_id]
            self.stranded[call_id] = lease

    def unstrand(self, node_id: NodeId) -> None:
        """A node is back with its ports: the leases of calls that may be alive there count again."""
        for call_id in [call_id for call_id, lease in self.stranded.items() if lease.node_id == node_id]:
            self._file(self.stranded.pop(call_id))

    def set_limits(self, limits: dict[GroupId, Limits], reserved_ports: int) -> None:
        """New limits for all groups of the pool; leases are filed anew where a reservation changed."""
        refile = [
            group_id
            for group_id in {**self.limits, **limits}
            if self.has_reservation(group_id) != bool(limits.get(group_id, NOTHING).reserved)
        ]
        self.limits = limits
        self.reserved_ports = reserved_ports
        for group_id in refile:
            for kind in PortKind:
                for call_id, lease in self.held.get((group_id, kind), {}).items():
                    self.common.pop(call_id, None)
                    self.charged.pop(call_id, None)
                    self._file_as(lease)

    def forget(self, group_id: GroupId) -> None:
        """The group has left the configuration and holds nothing any more."""
        for kind in PortKind:
            self.held.pop((group_id, kind), None)
        self.waiting.pop(group_id, None)

    def has_lease(self, call_id: CallId) -> bool:
        """Whether the call holds a lease, stranded or not."""
        return call_id in self.common or call_id in self.charged or call_id in self.stranded

    def _file(self, lease: Lease) -> None:
        self._file_as(lease)
        self.held.setdefault((lease.group_id, lease.kind), {})[lease.call_id] = lease

    def _file_as(self, lease: Lease) -> None:
        (self.charged if self.has_reservation(lease.group_id) else self.common)[lease.call_id] = lease
