"""Nodes: primary/backup pairs, which of them are active, and which one gets the next request.

A node is one member of the SIP cluster: a primary and a backup application, counted as one. It is *active* while the
link to either is up. Health (what the links say) and admin (what the operator wants) are two questions and two fields.

The link table keeps what is in use and what stands by. On loss of the primary the backup is connected and used; the
primary is tried again, and when it answers it stands by: going back at once would drop calls for nothing. The guide
asks only for the reconnection to the backup; staying there until the backup is lost is ours (decision 0005).

Choice of a node for a dial request:

* strict round robin over the connections: the cursor moves past the node it found; one that cannot take the request
  (inactive, draining, at its call rate, full, left out) is passed over and looked at again on the next round;
* `least-loaded` (ours): the largest share of free ports, ties by the same cursor.

A group in a seizing mode never comes here: it dials on its dialer node or not at all.

Invariants: a node that is not active is never chosen; over a full turn in which all nodes could take requests each is
chosen once.

Source: guide "OCS Load Balancing in SIP Cluster", headings "Regular (non-ASM) Dialing Modes" and "ASM Dialing Modes".
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from outdial.core.settings import Node as NodeSettings
from outdial.core.tables import Table
from outdial.core.units import SECOND_MS, CallId, Millis, NodeId, ServerId


class NodeState(enum.StrEnum):
    """Which application of a node is in use, and whether the other one's link is up too."""

    INACTIVE = "inactive"
    PRIMARY = "on primary"
    BACKUP = "on backup"
    PRIMARY_STANDBY = "on primary, backup stands by"
    BACKUP_STANDBY = "on backup, primary stands by"


class LinkSignal(enum.IntEnum):
    """What happened to a link of the node."""

    PRIMARY_UP = enum.auto()
    PRIMARY_DOWN = enum.auto()
    BACKUP_UP = enum.auto()
    BACKUP_DOWN = enum.auto()


LINK_TABLE = Table(
    "node",
    NodeState,
    LinkSignal,
    """
    state            primary_up       primary_down  backup_up        backup_down
    inactive         primary          .             backup           .
    primary          .                inactive      primary_standby  .
    backup           backup_standby   .             .                inactive
    primary_standby  .                backup        .                primary
    backup_standby   .                backup        .                primary
    """,
)


class Admin(enum.StrEnum):
    """What the operator wants of a node."""

    ENABLED = "enabled"
    DRAINING = "draining"


INACTIVE, DRAINING = NodeState.INACTIVE, Admin.DRAINING
ON_PRIMARY = (NodeState.PRIMARY, NodeState.PRIMARY_STANDBY)
ON_BACKUP = (NodeState.BACKUP, NodeState.BACKUP_STANDBY)
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


class NoNodeReason(enum.StrEnum):
    """Why no node can take a request now."""

    NONE_ACTIVE = "no active node"
    DRAINING = "node is draining"
    CALL_RATE = "call rate limit of the nodes"
    NO_CAPACITY = "nodes are full"
    LEFT_OUT = "nodes are left out for failures"


class NoNode(NamedTuple):
    """No node can take the request."""

    reason: NoNodeReason
    retry_at_ms: Millis | None = None
    """When a call rate allows the next request; None: an event will tell."""


OUTLIER_REQUESTS_MIN = 20
"""Answered requests in the window before a node may be judged. Ours (0005)."""
OUTLIER_WINDOW = 100
"""Requests after which a node's window is halved, so that old failures fade. Ours (0005)."""
OUTLIER_FAULTS_MILLIS = 300
"""A node is far off when its share of failures exceeds that of the others by this. Unit: thousandths. Ours (0005)."""
OUTLIER_LATENCY_FACTOR = 5
"""… or its mean time to accept a request is this many times that of the others and above the floor. Ours (0005)."""
OUTLIER_LATENCY_FLOOR_MS = 500
"""Latency below which a node is never far off. Unit: ms. Ours (0005)."""
OUTLIER_PAUSE_MS = 30 * SECOND_MS
"""How long a node is left out. Ours (0005)."""
PROBE_MS: Millis = 2 * SECOND_MS
"""After a refusal for want of ports, one call more is tried each time this has passed. Unit: ms. Ours (0005)."""
SLOW_START_FLOOR_MILLIS = 100
"""Share of the call rate at which a returned node starts. Unit: thousandths. Ours (0005)."""


@dataclass(slots=True)
class Window:
    """Recent requests of a node, fading: what outlier ejection judges."""

    requests: int = 0
    faults: int = 0
    accept_ms: int = 0
    """Sum of the times to accept. Unit: ms."""

    def add(self, *, fault: bool, accept_ms: Millis) -> None:
        """Count one finished request."""
        if self.requests >= OUTLIER_WINDOW:
            self.requests //= 2
            self.faults //= 2
            self.accept_ms //= 2
        self.requests += 1
        self.faults += fault
        self.accept_ms += accept_ms

    @property
    def fault_millis(self) -> int:
        """Share of failures. Unit: thousandths."""
        return 1_000 * self.faults // max(1, self.requests)

    @property
    def accept_ms_mean(self) -> Millis:
        """Mean time to accept a request."""
        return self.accept_ms // max(1, self.requests)


@dataclass(slots=True)
class Node:
    """One node while the server runs."""

    settings: NodeSettings
    state: NodeState = NodeState.INACTIVE
    admin: Admin = Admin.ENABLED
    since_ms: Millis = 0
    """When `state` last changed."""
    total_ports: int | None = None
    """As the application in use reports it."""
    has_reported_ports: bool = False
    calls: dict[CallId, None] = field(default_factory=dict)
    """Calls that hold a port on the node, attempts and engaging calls."""
    requests: int = 0
    faults: int = 0
    window: Window = field(default_factory=Window)
    left_out_until_ms: Millis = 0
    returned_at_ms: Millis | None = None
    """When it last became active; start of the slow start."""
    learned_ports: int | None = None
    """Calls that it carried when it last refused one for want of ports; None: it never did."""
    learned_at_ms: Millis = 0
    allowance_millis: int = 1_000
    """Requests that the call rate allowed at `allowance_at_ms`. Unit: thousandths of a request."""
    allowance_at_ms: Millis = 0

    @property
    def node_id(self) -> NodeId:
        """DBID of the primary application."""
        return self.settings.dbid

    @property
    def is_active(self) -> bool:
        """Connected to its primary or its backup."""
        return self.state is not INACTIVE

    @property
    def server_id(self) -> ServerId | None:
        """The application in use; None while inactive."""
        if self.state in ON_PRIMARY:
            return self.settings.dbid
        if self.state in ON_BACKUP:
            return self.settings.backup
        return None

    def move(self, signal: LinkSignal, mono_ms: Millis) -> bool:
        """Follow the link table. Returns whether the state changed."""
        target = LINK_TABLE.next_state(self.state, signal)
        if target is None:
            return False
        if not self.is_active:
            self.returned_at_ms = mono_ms
            self.allowance_millis = 1_000
            self.allowance_at_ms = mono_ms
            self.window = Window()
            self.learned_ports = None
        self.state = target
        self.since_ms = mono_ms
        return True

    def call_rate(self, mono_ms: Millis) -> int | None:
        """Requests per second that the node may be sent now; None: no limit. Never below 1."""
        rate = self.settings.call_rate_max
        ramp_ms = self.settings.slow_start_ms
        if rate is None or not ramp_ms or self.returned_at_ms is None:
            return rate
        elapsed_ms = mono_ms - self.returned_at_ms
        if elapsed_ms >= ramp_ms:
            return rate
        share_millis = max(SLOW_START_FLOOR_MILLIS, 1_000 * elapsed_ms // ramp_ms)
        return max(1, rate * share_millis // 1_000)

    def refusal(self, mono_ms: Millis) -> NoNode | None:
        """Why the node can take no request now; None: it can."""
        if not self.is_active:
            return NoNode(NoNodeReason.NONE_ACTIVE)
        if self.admin is DRAINING:
            return NoNode(NoNodeReason.DRAINING)
        if mono_ms < self.left_out_until_ms:
            return NoNode(NoNodeReason.LEFT_OUT, self.left_out_until_ms)
        if self.total_ports is not None and len(self.calls) >= self.total_ports:
            return NoNode(NoNodeReason.NO_CAPACITY)
        if self.learned_ports is not None:
            beyond = len(self.calls) + 1 - self.learned_ports
            retry_at_ms = self.learned_at_ms + beyond * PROBE_MS
            if beyond > 0 and mono_ms < retry_at_ms:
                return NoNode(NoNodeReason.NO_CAPACITY, retry_at_ms)
        return self._over_call_rate(mono_ms)

    def _over_call_rate(self, mono_ms: Millis) -> NoNode | None:
        rate = self.call_rate(mono_ms)
        if rate is None:
            return None
        missing = 1_000 - self._earned_millis(rate, mono_ms)
        return NoNode(NoNodeReason.CALL_RATE, mono_ms + -(-missing // rate)) if missing > 0 else None

    def _earned_millis(self, rate: int, mono_ms: Millis) -> int:
        # a tenth of a second's worth may come at once, so that a batch of idle agents is not served one by one
        burst_millis = max(1_000, 100 * rate)
        return min(burst_millis, self.allowance_millis + rate * (mono_ms - self.allowance_at_ms))

    def learn_capacity(self, carried: int, mono_ms: Millis) -> None:
        """It refused a call for want of ports: it can carry about what it carries now."""
        self.learned_ports = max(1, carried)
        self.learned_at_ms = mono_ms

    def take_request(self, call_id: CallId, mono_ms: Millis) -> None:
        """Book a request for a call that holds a port here."""
        self.calls[call_id] = None
        self.book_request(mono_ms)

    def book_request(self, mono_ms: Millis) -> None:
        """Book one request that is being sent."""
        self.requests += 1
        rate = self.call_rate(mono_ms)
        if rate is not None:
            self.allowance_millis = self._earned_millis(rate, mono_ms) - 1_000
            self.allowance_at_ms = mono_ms


class Rotation:
    """Whose turn it is: the connections in order, and a cursor."""

    def __init__(self) -> None:
        self.cursor = 0

    def choose(self, nodes: Sequence[Node], mono_ms: Millis) -> Node | NoNode:
        """Strict round robin: the next node in turn that can take a request."""
        refusals: list[NoNode] = []
        for turn in range(len(nodes)):
            place = (self.cursor + turn) % len(nodes)
            refusal = nodes[place].refusal(mono_ms)
            if refusal is None:
                self.cursor = (place + 1) % len(nodes)
                return nodes[place]
            refusals.append(refusal)
        return most_hopeful(refusals)

    def choose_least_loaded(self, nodes: Sequence[Node], ports: int, mono_ms: Millis) -> Node | NoNode:
        """The node with the largest share of free ports; ties go to the next in turn.

        Args:
            nodes: the connections in order.
            ports: size of the switch's pool, split evenly for nodes that report no ports of their own.
            mono_ms: now.
        """
        best: tuple[int, int] | None = None
        best_place = -1
        refusals: list[NoNode] = []
        even = max(1, ports // max(1, len(nodes)))
        for turn in range(len(nodes)):
            place = (self.cursor + turn) % len(nodes)
            node = nodes[place]
            refusal = node.refusal(mono_ms)
            if refusal is not None:
                refusals.append(refusal)
                continue
            total = node.total_ports or even
            free = (total - len(node.calls), total)
            # compared as fractions: free / total without a division
            if best is None or free[0] * best[1] > best[0] * free[1]:
                best, best_place = free, place
        if best is None:
            return most_hopeful(refusals)
        self.cursor = (best_place + 1) % len(nodes)
        return nodes[best_place]


_HOPE = (
    NoNodeReason.CALL_RATE,
    NoNodeReason.NO_CAPACITY,
    NoNodeReason.LEFT_OUT,
    NoNodeReason.DRAINING,
    NoNodeReason.NONE_ACTIVE,
)


def most_hopeful(refusals: Sequence[NoNode]) -> NoNode:
    """The reason that ends first is the one to show; the earliest instant of any is when to look again."""
    if not refusals:
        return NoNode(NoNodeReason.NONE_ACTIVE)
    reason = min((refusal.reason for refusal in refusals), key=_HOPE.index)
    return NoNode(reason, min((at for _, at in refusals if at is not None), default=None))


def find_outlier(nodes: Sequence[Node], mono_ms: Millis) -> Node | None:
    """The node to leave out, if one is far off the others.

    Judged against the mean of the other nodes in use; at least half of the active nodes always stay.

    Source: *ours*, decision 0005.
    """
    in_use = [node for node in nodes if node.is_active and mono_ms >= node.left_out_until_ms]
    active_count = sum(node.is_active for node in nodes)
    if 2 * (len(in_use) - 1) < active_count or len(in_use) < 2:
        return None
    for node in in_use:
        if node.window.requests < OUTLIER_REQUESTS_MIN:
            continue
        others = [other.window for other in in_use if other is not node]
        faults_millis = sum(window.fault_millis for window in others) // len(others)
        accept_ms = sum(window.accept_ms_mean for window in others) // len(others)
        slow = max(OUTLIER_LATENCY_FLOOR_MS, OUTLIER_LATENCY_FACTOR * accept_ms)
        if node.window.fault_millis > faults_millis + OUTLIER_FAULTS_MILLIS or node.window.accept_ms_mean > slow:
            return node
    return None
