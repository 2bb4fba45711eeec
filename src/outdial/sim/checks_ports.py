"""Ports: the pool is never over-committed, every live leg has its lease, no group goes beyond its maximum.

Checkers:

* `pool`: leases fit into the pool. A pool that has just shrunk may hold more, but takes no new lease and does not grow.
* `lease`: every leg that occupies a port has exactly one lease, in the right pool, for the right group and kind, and no
  lease is without a leg; common, charged, stranded and per-group ledgers agree.
* `node ledger`: the calls of a node are the legs that hold a port on it.
* `maximum`: at every new lease, against the maximum of that moment, its regular or engaging part, the ports that others
  have reserved, and the group's own options.
* `shares`: after every recalculation, the maxima of dynamic groups add up to T = pool - reservations - what unreserved
  GVP groups hold, unless every group is capped; caps, minimum of one, reservations in start order.
* `pool size`: the pool is what active nodes report, else what the configuration says.

Source: design sections 4 and 7, items 1 and 2.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from outdial.core.modes import DialingMode
from outdial.core.ports import Lease, Pool, PortKind
from outdial.core.settings import CampaignGroup, DialerId, DialerKind
from outdial.core.units import CallId, GroupId
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_seen import Book, Leg


@dataclass(frozen=True, slots=True)
class OptionLimits:
    """What a group's own options allow, whatever the others do. None: no limit."""

    total: int | None
    regular: int | None = None
    engaging: int | None = None
    reserves: bool = False
    """The limit is a reservation: always, or with dynamic allocation."""
    is_dynamic: bool = False
    is_loose: bool = False
    """GVP without a number: what it holds comes off the shares."""


def option_limits(settings: CampaignGroup, mode: DialingMode, dynamic_allocation: bool) -> OptionLimits:
    """Read the guide's table of number of CPD ports (N) and `asm_channel_num` (E) once more, on our own."""
    n, e = settings.number_of_cpd_ports, settings.asm_channel_num
    if mode is DialingMode.POWER_GVP:
        n = settings.maximum_queue_size
    if mode.is_seizing and e is not None:
        if n and e:
            return OptionLimits(n + e, n, e, reserves=True)
        return OptionLimits(n or None, None, e or None, is_dynamic=dynamic_allocation)
    if n:
        return OptionLimits(n, reserves=dynamic_allocation)
    return OptionLimits(None, is_dynamic=dynamic_allocation and mode.shares_ports, is_loose=mode.is_gvp)


class PortChecks:
    """Watches pools, leases and maxima."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._state = picture.state
        self._before: dict[DialerId, tuple[int, int]] = {}
        """Ports and leases after the step before."""
        self._limits: dict[DialerId, object] = {}

    # --- new leases -------------------------------------------------------------------------------

    def leased(self, leg: Leg) -> None:
        """A call is being ordered that takes a port; it is not in the picture yet."""
        picture = self._picture
        if leg.dialer is None:
            return
        pool, book = self._state.pools[leg.dialer], picture.books[leg.dialer]
        used = len(book.held) - len(pool.stranded)
        if used >= pool.ports:
            picture.fail("pool", f"call {leg.call_id} takes a port of {pool.name}: {used} of {pool.ports} are in use")
        group_id = leg.group_id
        limits = pool.limits.get(group_id)
        if limits is None:
            picture.fail("maximum", f"call {leg.call_id}: group {group_id} has no part in pool {pool.name}")
        engaging, regular = book.counts.get((group_id, True), 0), book.counts.get((group_id, False), 0)
        if pool.stranded:
            engaging -= _stranded(pool, group_id, PortKind.ENGAGING)
            regular -= _stranded(pool, group_id, PortKind.REGULAR)
        own = option_limits(picture.groups[group_id], leg.mode, pool.dynamic)
        total, of_kind = regular + engaging, engaging if leg.is_engaging else regular
        for what, held, most in (
            ("maximum", total, limits.maximum),
            ("part", of_kind, limits.engaging_maximum if leg.is_engaging else limits.regular_maximum),
            ("own limit", total, own.total),
            ("own limit of the kind", of_kind, own.engaging if leg.is_engaging else own.regular),
        ):
            if most is not None and held >= most:
                kind = "engaging" if leg.is_engaging else "regular"
                picture.fail(
                    "maximum", f"{kind} call {leg.call_id} of group {group_id}: {what} {most}, {held} held already"
                )
        if pool.reserved_ports and not limits.reserved:
            charged = sum(book.used_by(other) for other, limit in pool.limits.items() if limit.reserved)
            if used - charged >= pool.ports - pool.reserved_ports:
                picture.fail(
                    "maximum",
                    f"call {leg.call_id} of group {group_id} takes a reserved port: {used} of {pool.ports} in use, "
                    f"{charged} of them by groups that have reserved {pool.reserved_ports}",
                )

    # --- after every step ---------------------------------------------------------------------------

    def after_step(self) -> None:
        """Counts of all pools and nodes, and the shares of those that were worked out anew."""
        picture = self._picture
        books = picture.books
        for dialer, pool in self._state.pools.items():
            book = books[dialer]
            used, ports = len(pool.common) + len(pool.charged), pool.ports
            if used + len(pool.stranded) != len(book.held):
                self._differ(pool, book)
            if used > ports:
                ports_before, used_before = self._before.get(dialer, (ports, 0))
                if ports >= ports_before and used > used_before:
                    picture.fail("pool", f"{used} leases in pool {pool.name} of {ports} ports, {used_before} before")
            self._before[dialer] = (ports, used)
            if pool.limits is not self._limits.get(dialer):
                self._limits[dialer] = pool.limits
                self._check_shares(dialer, pool, book)
            if book.taken or book.released:
                book.taken.clear()
                book.released.clear()
        on_node = picture.on_node
        for node_id, node in self._state.nodes.items():
            if len(node.calls) != on_node[node_id]:
                own = [leg.call_id for leg in picture.legs.values() if leg.is_on_node and leg.node_id == node_id]
                picture.fail("node ledger", f"node {node_id}: calls {_difference(node.calls, own)}")

    def look(self, leg: Leg) -> None:
        """One leg that the step was about, or all of them in a sweep."""
        call_id = leg.call_id
        found = [pool for pool in self._state.pools.values() if pool.has_lease(call_id)]
        if leg.dialer is None:
            if found:
                self._picture.fail("lease", f"call {call_id} holds a port of {found[0].name} that it does not need")
            return
        if len(found) != 1 or found[0].dialer != leg.dialer:
            names = [pool.name for pool in found]
            self._picture.fail("lease", f"call {call_id} should hold one port of {leg.dialer}, holds {names}")
        picture, node_id = self._picture, leg.node_id
        if call_id in found[0].stranded:
            if picture.in_use.get(node_id) is not None:
                picture.fail("lease", f"node {node_id} is active, and the lease of call {call_id} is stranded")
        elif (
            node_id in picture.reporting
            and picture.in_use[node_id] is None
            and not picture.nodes[node_id].is_cpd_server
        ):
            picture.fail("lease", f"node {node_id} and its ports are gone, and call {call_id} holds one of the others'")

    def _differ(self, pool: Pool, book: Book) -> None:
        leases = {**pool.common, **pool.charged, **pool.stranded}
        self._picture.fail("lease", f"pool {pool.name}: leases {_difference(leases, book.held)}")

    # --- shares -----------------------------------------------------------------------------------

    def _check_shares(self, dialer: DialerId, pool: Pool, book: Book) -> None:
        """The maxima that were worked out in this step."""
        picture, groups = self._picture, self._state.groups
        users: dict[GroupId, OptionLimits] = {}
        for group_id in picture.running:
            settings, mode = picture.groups[group_id], groups[group_id].mode
            if settings.dialer == dialer and not mode.is_preview:
                users[group_id] = option_limits(settings, mode, pool.dynamic)
        if set(users) != set(pool.limits):
            picture.fail("shares", f"pool {pool.name} is shared by {sorted(pool.limits)}, running: {sorted(users)}")
        left = pool.ports
        for group_id, own in users.items():
            limits = pool.limits[group_id]
            reserved = min(left, own.total or 0) if own.reserves else 0
            left -= reserved
            maximum = reserved if own.reserves else own.total
            if limits.reserved != reserved or (not own.is_dynamic and limits.maximum != maximum):
                picture.fail(
                    "shares",
                    f"group {group_id} of pool {pool.name} ({pool.ports} ports): reserved {limits.reserved}, maximum "
                    f"{limits.maximum}; by its options {reserved} and {maximum}",
                )
        if pool.reserved_ports != pool.ports - left:
            picture.fail(
                "shares", f"pool {pool.name} has {pool.reserved_ports} reserved ports, not {pool.ports - left}"
            )
        self._check_dynamic(
            pool, book, {group_id: own for group_id, own in users.items() if own.is_dynamic}, users, left
        )

    def _check_dynamic(
        self,
        pool: Pool,
        book: Book,
        dynamic: dict[GroupId, OptionLimits],
        users: dict[GroupId, OptionLimits],
        left: int,
    ) -> None:
        if not dynamic:
            return
        picture = self._picture
        # shares are worked out after most releases and before all new leases of a step
        least = most = 0
        for group_id in (group_id for group_id, own in users.items() if own.is_loose):
            held = book.used_by(group_id) - sum(leg.group_id == group_id for leg in book.taken)
            most += held + sum(leg.group_id == group_id for leg in book.released)
            least += held - _stranded(pool, group_id, PortKind.REGULAR)
        low, high = max(0, left - most), max(0, left - least)
        caps = [own.total for own in dynamic.values() if own.total is not None]
        if len(caps) == len(dynamic):
            low, high = min(low, sum(caps)), min(high, sum(caps))
        maxima = {group_id: pool.limits[group_id].maximum or 0 for group_id in dynamic}
        if not low <= sum(maxima.values()) <= high:
            picture.fail("shares", f"pool {pool.name}: maxima {maxima} do not add up to {low}…{high}")
        agents = picture.logged_in
        for group_id, own in dynamic.items():
            limits = pool.limits[group_id]
            maximum, engaging = limits.maximum or 0, limits.engaging_maximum
            agent_group_id = picture.groups[group_id].agent_group
            has_agents = agent_group_id is not None and agents[agent_group_id] and not picture.has_log_in_out
            if own.total is not None and maximum > own.total:
                picture.fail("shares", f"group {group_id} may use {maximum} ports, its cap is {own.total}")
            if maximum < 1 and low >= len(dynamic) and has_agents:
                picture.fail("shares", f"group {group_id} has agents and no port; T = {low}, {len(dynamic)} groups")
            if own.engaging is not None and (engaging is None or engaging > own.engaging):
                picture.fail("shares", f"group {group_id}: {engaging} engaging ports, its cap is {own.engaging}")
            if self._state.groups[group_id].mode.is_seizing:
                parts = (limits.regular_maximum or 0) + (engaging or 0)
                if parts != maximum:
                    picture.fail("shares", f"group {group_id}: parts of {parts} ports in a maximum of {maximum}")

    def check_sizes(self) -> None:
        """After connections or the configuration changed."""
        picture = self._picture
        configuration = picture.configuration
        if configuration is None:
            return
        switches = {switch.dbid: switch.channel_num for switch in configuration.switches}
        for dialer, pool in self._state.pools.items():
            if dialer.dbid not in (picture.nodes if dialer.kind is DialerKind.CPD_SERVER else switches):
                continue  # it has left the configuration, and still has calls
            if dialer.kind is DialerKind.CPD_SERVER:
                ports = picture.nodes[dialer.dbid].ports or 0
            else:
                members = [node for node in configuration.ocs.connections if picture.nodes[node].switch == dialer.dbid]
                ports = switches[dialer.dbid]
                if any(node_id in picture.reporting for node_id in members):
                    ports = sum(picture.node_ports(node_id) or 0 for node_id in members)
            if pool.ports != ports:
                picture.fail("pool size", f"pool {pool.name} has {pool.ports} ports, should have {ports}")

    # --- everything -------------------------------------------------------------------------------

    def sweep(self) -> None:
        """All ledgers against each other."""
        picture = self._picture
        for pool in self._state.pools.values():
            leases = {**pool.common, **pool.charged, **pool.stranded}
            if len(leases) != len(pool.common) + len(pool.charged) + len(pool.stranded):
                picture.fail("lease", f"pool {pool.name}: a call is in two ledgers")
            book = picture.books[pool.dialer]
            if list(leases) != list(book.held) and set(leases) != set(book.held):
                self._differ(pool, book)
            by_group = {call_id: lease for part in pool.held.values() for call_id, lease in part.items()}
            if by_group != {**pool.common, **pool.charged}:
                picture.fail("lease", f"pool {pool.name}: ledger by group {_difference(by_group, leases)}")
            for (group_id, kind), part in pool.held.items():
                for lease in part.values():
                    if (lease.group_id, lease.kind) != (group_id, kind):
                        picture.fail("lease", f"pool {pool.name}: {lease} is filed under group {group_id}, {kind}")
            self._sweep_leases(pool, book, leases)
        for node_id, node in self._state.nodes.items():
            own = [leg.call_id for leg in picture.legs.values() if leg.is_on_node and leg.node_id == node_id]
            if set(own) != set(node.calls):
                picture.fail("node ledger", f"node {node_id}: calls {_difference(node.calls, own)}")

    def _sweep_leases(self, pool: Pool, book: Book, leases: dict[CallId, Lease]) -> None:
        for call_id, lease in leases.items():
            leg = book.held[call_id]
            kind = PortKind.ENGAGING if leg.is_engaging else PortKind.REGULAR
            if (lease.call_id, lease.group_id, lease.kind, lease.node_id) != (call_id, leg.group_id, kind, leg.node_id):
                self._picture.fail("lease", f"pool {pool.name}: {lease} does not belong to {leg}")
            reserves = bool(pool.limits[leg.group_id].reserved) if leg.group_id in pool.limits else False
            if call_id not in pool.stranded and (call_id in pool.charged) != reserves:
                self._picture.fail("lease", f"pool {pool.name}: lease of call {call_id} is on the wrong side")


def _stranded(pool: Pool, group_id: GroupId, kind: PortKind) -> int:
    return sum(lease.group_id == group_id and lease.kind is kind for lease in pool.stranded.values())


def _difference(theirs: Iterable[CallId], own: Iterable[CallId]) -> str:
    first, second = set(theirs), set(own)
    return f"too many: {sorted(first - second)[:9]}, missing: {sorted(second - first)[:9]}"
