"""Who may use how many ports of a pool, and why: static and dynamic groups, reservations, the shares.

`basis` reads one group's options and decides what it is on its dialer, by the table of the guide's chapter:

| mode                        | N  | E  | dynamic allocation on                      | off              |
|-----------------------------|----|----|--------------------------------------------|------------------|
| regular                     | 0  | -  | dynamic                                    | pool alone       |
| regular                     | >0 | -  | static, reserves N                         | limit N          |
| seizing, tracked apart      | 0  | 0  | dynamic                                    | pool alone       |
| seizing, tracked apart      | 0  | >0 | dynamic, engaging ≤ E                      | engaging ≤ E     |
| seizing, tracked apart      | >0 | 0  | dynamic, regular + engaging ≤ N            | total ≤ N        |
| seizing, tracked apart      | >0 | >0 | static, reserves N + E, either way         | the same         |
| seizing, one counter        | 0  | -  | dynamic                                    | pool alone       |
| seizing, one counter        | >0 | -  | static, reserves N                         | limit N          |
| GVP                         | 0  | -  | what is free; its use comes off the shares | pool alone       |
| GVP                         | >0 | -  | static, reserves N                         | limit N          |
| Power GVP                   |    |    | reserves its maximum queue size            | limit            |
| preview                     |    |    | no ports                                   | no ports         |

N = number of CPD ports, E = `asm_channel_num` (absent = one counter for both kinds).

`plan` then works out one pool: reservations of the running groups first, in start order while they last; what is left,
less what unreserved GVP groups hold, is shared among the dynamic groups by `share_ports`; in seizing modes each share
is split between regular and engaging calls in proportion to their two estimates.

Source: guide "Dynamic Port Allocation Between Campaign Groups", heading "Dynamic Port Allocation with CPD Server".
Ours (decision 0004): the reading of row 4, GVP groups, the column *off*, reservations in start order.
"""

from collections.abc import Sequence
from typing import NamedTuple

from outdial.core.modes import DialingMode
from outdial.core.ports import Limits
from outdial.core.sharing import Claim, Share, share_ports
from outdial.core.units import GroupId, Millis


class PortUser(NamedTuple):
    """A running campaign group, as far as the ports of its dialer are concerned."""

    group_id: GroupId
    mode: DialingMode
    number_of_cpd_ports: int
    asm_channel_num: int | None
    maximum_queue_size: int
    started_order: int
    """Rank among the running groups by start."""
    has_agents: bool
    """At least one agent is logged in."""
    need_regular_millis: int
    """Estimated average of regular ports. Unit: thousandths."""
    need_engaging_millis: int
    held_ports: int
    """Leases that the group holds now."""

    @property
    def need_millis(self) -> int:
        """Estimated average of all ports."""
        return self.need_regular_millis + self.need_engaging_millis


class Basis(NamedTuple):
    """What a group is on its dialer."""

    is_dynamic: bool
    rule: str
    """Short stable name of the table row."""
    reserved: int = 0
    maximum: int | None = None
    """Fixed limit of a group that is not dynamic; None: the pool alone."""
    total_cap: int | None = None
    """Dynamic: limit on regular + engaging ports."""
    engaging_cap: int | None = None
    """Limit on engaging ports."""
    regular_cap: int | None = None


class Plan(NamedTuple):
    """The limits of all running groups of one pool."""

    limits: dict[GroupId, Limits]
    reserved_ports: int
    shortage: bool
    note: str


def basis(user: PortUser, dynamic_allocation: bool) -> Basis:
    """Find the group's row of the table above."""
    n = user.number_of_cpd_ports
    e = user.asm_channel_num
    if user.mode.is_preview:
        return Basis(is_dynamic=False, rule="preview", maximum=0)
    if user.mode.is_gvp:
        if user.mode is DialingMode.POWER_GVP:
            n = user.maximum_queue_size
        if not n:
            return Basis(is_dynamic=False, rule="what is free")
        return Basis(is_dynamic=False, rule="fixed", maximum=n, reserved=n if dynamic_allocation else 0)
    if user.mode.is_seizing and e is not None:
        if n and e:
            return Basis(is_dynamic=False, rule="fixed", maximum=n + e, reserved=n + e, engaging_cap=e, regular_cap=n)
        return Basis(
            is_dynamic=dynamic_allocation,
            rule="dynamic" if dynamic_allocation else "limits",
            maximum=n or None,
            total_cap=n or None,
            engaging_cap=e or None,
        )
    if n:
        return Basis(is_dynamic=False, rule="fixed", maximum=n, reserved=n if dynamic_allocation else 0)
    return Basis(is_dynamic=dynamic_allocation, rule="dynamic" if dynamic_allocation else "what is free")


def plan(
    *,
    ports: int,
    dynamic_allocation: bool,
    users: Sequence[PortUser],
    before: dict[GroupId, Limits],
    mono_ms: Millis,
) -> Plan:
    """Work out the limits of every running group of one pool.

    Args:
        ports: size of the pool. Unit: ports. Range: ≥ 0.
        dynamic_allocation: option `dynamic-port-allocation` of the dialer.
        users: the running groups of the pool, any order; the result does not depend on it.
        before: limits until now; a maximum that does not change keeps its `since_ms`.
        mono_ms: now.
    """
    bases = {user.group_id: basis(user, dynamic_allocation) for user in users}
    limits: dict[GroupId, Limits] = {}
    left = ports
    short: list[str] = []
    for user in sorted(users, key=lambda user: user.started_order):
        row = bases[user.group_id]
        if not row.is_dynamic:
            reserved = min(row.reserved, left)
            left -= reserved
            if reserved < row.reserved:
                short.append(f"group {user.group_id} reserves {row.reserved} ports and gets {reserved}")
            limits[user.group_id] = _fixed(user, row, reserved)
    reserved_ports = ports - left
    loose = sum(user.held_ports for user in users if bases[user.group_id].rule == "what is free")
    dynamic = [user for user in users if bases[user.group_id].is_dynamic]
    shared = max(0, left - loose) if dynamic else left
    claims = [_claim(user, bases[user.group_id]) for user in dynamic]
    for user, share in zip(dynamic, share_ports(shared, claims), strict=True):
        limits[user.group_id] = _dynamic(user, bases[user.group_id], share)
    for group_id, limit in limits.items():
        old = before.get(group_id)
        same = old is not None and old.maximum == limit.maximum
        limits[group_id] = limit._replace(since_ms=old.since_ms if old is not None and same else mono_ms)
    return Plan(
        limits=limits,
        reserved_ports=reserved_ports,
        shortage=sum(user.need_millis for user in dynamic) > 1_000 * shared,
        note="reservations exceed the pool: " + "; ".join(short) if short else "",
    )


def _claim(user: PortUser, row: Basis) -> Claim:
    return Claim(
        group_id=user.group_id,
        need_millis=user.need_millis,
        cap_ports=row.total_cap,
        minimum_ports=1 if user.has_agents and row.total_cap != 0 else 0,
    )


def _fixed(user: PortUser, row: Basis, reserved: int) -> Limits:
    # what a reservation could not get must not be taken from what others share
    maximum = min(row.maximum, reserved) if row.reserved and row.maximum is not None else row.maximum
    return Limits(
        maximum=maximum,
        regular_maximum=row.regular_cap,
        engaging_maximum=row.engaging_cap,
        reserved=reserved,
        need_millis=user.need_millis,
        need_engaging_millis=user.need_engaging_millis,
        fixed_rule=row.rule,
        reserved_wanted=row.reserved,
    )


def _dynamic(user: PortUser, row: Basis, share: Share) -> Limits:
    regular, engaging = None, row.engaging_cap
    if user.mode.is_seizing:
        regular, engaging = split(user, share.maximum_ports, row.engaging_cap)
    return Limits(
        maximum=share.maximum_ports,
        regular_maximum=regular,
        engaging_maximum=engaging,
        is_dynamic=True,
        need_millis=user.need_millis,
        need_engaging_millis=user.need_engaging_millis,
        share=share,
    )


def split(user: PortUser, maximum: int, engaging_cap: int | None) -> tuple[int, int]:
    """Divide a seizing group's maximum into regular and engaging ports by its two estimates, to the nearest port.

    Each kind gets at least one port while there are two: one kind alone reaches nobody.

    Returns:
        (regular, engaging). Their sum is `maximum`; what the cap on engaging ports leaves goes to regular calls.
    """
    need = user.need_millis
    engaging = maximum // 2 if not need else (2 * maximum * user.need_engaging_millis + need) // (2 * need)
    engaging = max(min(engaging, maximum - 1), min(1, maximum // 2))
    if engaging_cap is not None:
        engaging = min(engaging, engaging_cap)
    return maximum - engaging, engaging
