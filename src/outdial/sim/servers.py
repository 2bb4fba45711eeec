"""Server processes, the nodes they form, and the legs of calls that are alive on them.

Only what is: `outdial.sim.cluster` makes servers fail and come back, `outdial.sim.calls` gives calls their course.

Every leg holds one of its server's ports; a customer's call gives its port back when a transfer is done, as the dialer
counts it.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from outdial.core.commands import Join, PlayMessage, Release, ReleaseEngaging, StartIvr, Transfer
from outdial.core.events import CallPhase, Event
from outdial.core.settings import Node as NodeConfiguration
from outdial.core.units import CallId, GroupId, Millis, NodeId, RecordId, ServerId
from outdial.sim.callees import Plan
from outdial.sim.draws import exponential
from outdial.sim.settings import NodeSettings

if TYPE_CHECKING:
    from outdial.sim.workforce import Phone

Handler: TypeAlias = Callable[[Millis, "Server", Any], None]
"""Called as `handler(at_ms, server, command)` when a request has reached its server."""
AboutCall: TypeAlias = Transfer | Join | StartIvr | PlayMessage | Release | ReleaseEngaging
"""Commands that name a call."""


class Link(enum.Enum):
    """A connection as the core's driver sees it."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"


@dataclass(frozen=True, slots=True)
class Noise:
    """Replies of a server that come late, twice or never. Ranges: 0 … 1."""

    late_ratio: float = 0.0
    duplicate_ratio: float = 0.0
    lost_ratio: float = 0.0


class Call:
    """One leg alive on a server.

    Attributes:
        number: what was dialed; the agent's DN for an engaging call.
        record_id: 0 for an engaging call.
        detects: call progress detection was asked for.
        with_agent: in conversation with an agent.
        phone: the agent's phone that rings for it or is on it; a joined customer has none of its own.
        partner: the leg it is joined to.
        is_stale: its request came to life late, from the socket of a server that had hung.
        limit_ms: when the server stops ringing the callee; in preview modes the agent comes first.
        ring_ms_max: how long it rings the callee. Unit: ms.
        timer: serial of the call's next act. 0: none.
    """

    __slots__ = (
        "answered_at_ms",
        "call_id",
        "detects",
        "group_id",
        "holds_port",
        "is_engaging",
        "is_preview",
        "is_stale",
        "limit_ms",
        "number",
        "partner",
        "phase",
        "phone",
        "plan",
        "record_id",
        "ring_ms_max",
        "server",
        "timer",
        "with_agent",
    )

    def __init__(self, call_id: CallId, server: "Server", group_id: GroupId, number: str, record_id: RecordId) -> None:
        self.call_id = call_id
        self.server = server
        self.group_id = group_id
        self.number = number
        self.record_id = record_id
        self.phase = CallPhase.DIALING
        self.plan: Plan | None = None
        self.is_engaging = self.is_preview = self.is_stale = self.detects = self.with_agent = False
        self.holds_port = True
        self.phone: Phone | None = None
        self.partner: Call | None = None
        self.answered_at_ms: Millis = 0
        self.limit_ms: Millis = 0
        self.ring_ms_max: Millis = 0
        self.timer = 0
        server.calls[call_id] = self
        server.ports_used += 1

    def __repr__(self) -> str:
        kind = "engaging call" if self.is_engaging else "call"
        return f"{kind} {self.call_id} ({self.phase.value}, {self.number}, server {self.server.server_id})"

    def give_port_back(self) -> None:
        """The leg no longer counts as one of the dialer's."""
        if self.holds_port:
            self.holds_port = False
            self.server.ports_used -= 1

    def move_to(self, server: "Server") -> None:
        """Hot standby: the call goes on, on another server."""
        del self.server.calls[self.call_id]
        server.calls[self.call_id] = self
        if self.holds_port:
            self.server.ports_used -= 1
            server.ports_used += 1
        self.server = server


class Server:
    """One server process and the link to it.

    Attributes:
        calls: calls alive on it.
        ports_used: of those, the legs that hold one of its ports.
        is_running: the process exists.
        is_hung: it exists and does nothing.
        is_cut: no network between it and the core.
        epoch: number of the connection; what belongs to an earlier one is lost.
        is_plain: link up and nothing in the way of what it says.
        phones: phones whose states it was asked to tell.
    """

    __slots__ = (
        "calls",
        "capacity_ports",
        "clear_at_ms",
        "epoch",
        "held_events",
        "held_requests",
        "is_cut",
        "is_hung",
        "is_plain",
        "is_running",
        "latency",
        "link",
        "node",
        "noise",
        "phones",
        "ports_used",
        "requests",
        "requests_done_at_ms",
        "server_id",
        "settings",
        "stale_request",
        "wakes_at_ms",
    )

    def __init__(self, server_id: ServerId, node: "SimulatedNode", settings: NodeSettings) -> None:
        self.server_id = server_id
        self.node = node
        self.settings = settings
        self.capacity_ports = settings.capacity_ports
        self.latency = tuple(max(1, value) for value in exponential(settings.latency_ms_mean))
        self.calls: dict[CallId, Call] = {}
        self.ports_used = 0
        self.requests = 0
        self.is_running = True
        self.is_hung = False
        self.is_cut = False
        self.is_plain = False
        self.phones: dict[str, None] = {}
        self.link = Link.DOWN
        self.epoch = 0
        self.noise: Noise | None = None
        self.wakes_at_ms: Millis = 0
        self.clear_at_ms: Millis = 0
        self.requests_done_at_ms: Millis = 0
        self.held_requests: list[tuple[Handler, Any]] = []
        self.held_events: list[Event] = []
        self.stale_request: tuple[Handler, Any] | None = None

    def __repr__(self) -> str:
        process = "hung" if self.is_hung else "running" if self.is_running else "dead"
        cut = ", cut off" if self.is_cut else ""
        return f"Server({self.server_id}, {process}{cut}, link {self.link.value}, {len(self.calls)} calls)"

    def look_again(self, at_ms: Millis) -> None:
        """Work out `is_plain` after anything about the server or its link has changed."""
        self.is_plain = (
            self.link is Link.UP
            and not self.is_cut
            and not self.is_hung
            and self.noise is None
            and self.clear_at_ms <= at_ms
        )


class SimulatedNode:
    """A primary and perhaps a backup server."""

    __slots__ = ("node_id", "servers", "settings")

    def __init__(self, configuration: NodeConfiguration, settings: NodeSettings) -> None:
        self.node_id: NodeId = configuration.dbid
        self.settings = settings
        ids = [configuration.dbid] + ([configuration.backup] if configuration.backup is not None else [])
        self.servers = tuple(Server(server_id, self, settings) for server_id in ids)

    def in_use(self) -> Server:
        """The server that carries most calls: the one that a fault of "the node" is about. Ties go to the primary."""
        return max(self.servers, key=lambda server: (len(server.calls), server.link is Link.UP))
