"""Simulated nodes: server processes, the links to them, and how both fail.

A node is a pair of servers, primary and backup. Each server is a process (running or not, perhaps frozen) with the
calls that are alive on it, and one link as the core's driver would see it:

* *down* until `Connect`, then *connecting*, and *up* once connected, logged in and fully booted;
* requests travel along it in order and take some milliseconds; what the server says arrives in order;
* a dead server resets it at once; a hung server or a partition is noticed by a missed ping within `PING_MS`, and the
  driver aborts the connection.

What happens to what is under way (measured on real servers): a request that reaches a frozen server waits in its
socket. If the server wakes before the ping is missed, everything goes on late. If the connection was reset first, the
queue is gone, except that one request may still come to life. Calls on a partitioned or frozen server live on; what
happens to them while the link is down is never told, and `QueryCalls` afterwards shows who is left.

*Plain* is the state of nearly every server nearly all the time: link up, nothing in the way. Only then may
`report` take the short cut.
"""

from collections.abc import Callable
from typing import Any

from outdial.core.commands import SubscribePhones
from outdial.core.errors import InvariantViolated
from outdial.core.events import Event, PhoneState, PhoneStateChanged, ServerConnected, ServerLost
from outdial.core.settings import Node as NodeConfiguration
from outdial.core.units import Millis
from outdial.sim.clock import Agenda
from outdial.sim.draws import Stream, exponential
from outdial.sim.servers import Call, Handler, Link, Noise, Server, SimulatedNode
from outdial.sim.settings import WorldSettings

REFUSED_MS: Millis = 1
"""How fast a dead server's machine refuses a connection. Unit: ms. Source: measured, below 13 ms."""
PING_MS: tuple[Millis, Millis] = (500, 1_500)
"""How long a silent server goes unnoticed: uniform between the two. Unit: ms. Source: measured with pings of 1 s."""
LOGIN_MS_MAX: Millis = 1_500
"""How long the driver waits for a banner and a login. Unit: ms."""


class Cluster:
    """All nodes, SIP servers and CPD servers alike, and the transport to and from them."""

    def __init__(
        self, nodes: tuple[NodeConfiguration, ...], settings: WorldSettings, agenda: Agenda, seed: int
    ) -> None:
        special = dict(settings.nodes)
        self.nodes = {node.dbid: SimulatedNode(node, special.get(node.dbid, settings.node)) for node in nodes}
        self.servers = {server.server_id: server for node in self.nodes.values() for server in node.servers}
        self.undeliverable = 0
        """Requests that had no link to travel on."""
        self.drop_call: Callable[[Millis, Call], None] = _nobody
        """What to do with a call whose server has died; set by who keeps the calls."""
        self.phone_state: Callable[[str], PhoneState] = _no_phones
        """What a phone is doing; set by who keeps the phones."""
        self.is_waking = False
        """The request that is being acted on comes from the socket of a server that had hung."""
        self._agenda = agenda
        self._faults = settings.faults
        self._late = exponential(settings.faults.late_ms_mean)
        self._phones_everywhere = settings.dn_events_from_all_nodes
        self._latency = Stream(seed, "latency")
        self._luck = Stream(seed, "links")

    # --- transport ----------------------------------------------------------------------------

    def send(self, now_ms: Millis, server: Server, handler: Handler, command: Any) -> None:
        """Send a request: `handler(at, server, command)` runs when the server acts on it, if it ever does."""
        if server.link is not Link.UP:
            self.undeliverable += 1
            return
        at_ms = now_ms + self._latency.draw(server.latency)
        if at_ms < server.requests_done_at_ms:
            at_ms = server.requests_done_at_ms
        server.requests_done_at_ms = at_ms
        self._agenda.add(at_ms, self._arrive, (server, server.epoch, handler, command))

    def _arrive(self, at_ms: Millis, _serial: int, subject: tuple[Server, int, Handler, Any]) -> None:
        server, epoch, handler, command = subject
        if server.epoch != epoch or not server.is_running:
            return
        if server.is_hung or server.is_cut:
            server.held_requests.append((handler, command))
            return
        server.requests += 1
        handler(at_ms, server, command)

    def report(self, at_ms: Millis, server: Server, event: Event) -> None:
        """The server says something about a call."""
        if server.is_plain:
            self._agenda.emit(event)
        else:
            self._report_with_trouble(at_ms, server, event, may_be_lost=True)

    def _report_with_trouble(self, at_ms: Millis, server: Server, event: Event, *, may_be_lost: bool) -> None:
        if server.link is not Link.UP or not server.is_running:
            return
        if server.is_cut or server.is_hung:
            server.held_events.append(event)
            return
        noise = server.noise
        if noise is not None and may_be_lost and self._luck.chance(noise.lost_ratio):
            return
        due_ms = max(at_ms, server.clear_at_ms)
        if noise is not None and self._luck.chance(noise.late_ratio):
            due_ms += self._luck.draw(self._late)
        self._deliver_at(at_ms, due_ms, server, event)
        if noise is not None and may_be_lost and self._luck.chance(noise.duplicate_ratio):
            self._deliver_at(at_ms, due_ms + self._luck.between(0, 50), server, event)
        if noise is None:
            server.look_again(at_ms)

    def _deliver_at(self, at_ms: Millis, due_ms: Millis, server: Server, event: Event) -> None:
        if due_ms <= at_ms:
            self._agenda.emit(event)
            return
        server.clear_at_ms = max(server.clear_at_ms, due_ms)
        self._agenda.add(due_ms, self._deliver, (server, server.epoch, event))

    def _deliver(self, _at_ms: Millis, _serial: int, subject: tuple[Server, int, Event]) -> None:
        server, epoch, event = subject
        if server.epoch == epoch and server.link is Link.UP:
            self._agenda.emit(event)

    def report_phone(self, at_ms: Millis, phone: str, state: PhoneState) -> None:
        """A phone's state has changed: every server that was asked to tell says so."""
        for server in self.servers.values():
            if phone in server.phones or (self._phones_everywhere and server.link is Link.UP):
                self._report_phone(at_ms, server, phone, state)

    def subscribe(self, at_ms: Millis, server: Server, command: SubscribePhones) -> None:
        """Handler of `SubscribePhones`: the phones' states now, then changes."""
        for phone in command.phones:
            server.phones[phone] = None
            self._report_phone(at_ms, server, phone, self.phone_state(phone))

    def _report_phone(self, at_ms: Millis, server: Server, phone: str, state: PhoneState) -> None:
        event = PhoneStateChanged(server.node.node_id, phone, state)
        if server.is_plain:
            self._agenda.emit(event)
        else:
            self._report_with_trouble(at_ms, server, event, may_be_lost=False)

    # --- links --------------------------------------------------------------------------------

    def connect(self, now_ms: Millis, server: Server) -> None:
        """Carry out `Connect`. Asking again while it is under way changes nothing."""
        if server.link is Link.CONNECTING:
            return
        if server.link is Link.UP:
            self._agenda.emit(self._connected(server))
            return
        server.link = Link.CONNECTING
        server.epoch += 1
        after_ms = server.settings.connect_ms if server.is_running else REFUSED_MS
        self._agenda.add(now_ms + after_ms, self._log_in, (server, server.epoch))

    def _log_in(self, at_ms: Millis, _serial: int, subject: tuple[Server, int]) -> None:
        server, epoch = subject
        if server.epoch != epoch or server.link is not Link.CONNECTING:
            return
        if not server.is_running:
            self._lose_link(at_ms, server, "connection refused")
        elif server.is_hung or server.is_cut:
            self._agenda.add(at_ms + LOGIN_MS_MAX, self._give_up_login, subject)
        else:
            server.link = Link.UP
            server.clear_at_ms = server.requests_done_at_ms = at_ms
            server.look_again(at_ms)
            self._agenda.emit(self._connected(server))

    def _give_up_login(self, at_ms: Millis, _serial: int, subject: tuple[Server, int]) -> None:
        server, epoch = subject
        if server.epoch != epoch or server.link is not Link.CONNECTING:
            return
        if server.is_hung or server.is_cut:
            self._lose_link(at_ms, server, "no banner")
        else:
            self._log_in(at_ms, 0, subject)

    def disconnect(self, now_ms: Millis, server: Server) -> None:
        """Carry out `Disconnect`."""
        self._close_link(now_ms, server)

    def _connected(self, server: Server) -> ServerConnected:
        return ServerConnected(server.server_id, server.capacity_ports if server.settings.reports_total_ports else None)

    def _lose_link(self, at_ms: Millis, server: Server, reason: str) -> None:
        if server.link is not Link.DOWN:
            self._close_link(at_ms, server)
            self._agenda.emit(ServerLost(server.server_id, reason))

    def _close_link(self, at_ms: Millis, server: Server) -> None:
        server.link = Link.DOWN
        server.epoch += 1
        server.phones = {}
        if server.is_hung and server.held_requests and self._luck.chance(self._faults.stale_request_ratio):
            server.stale_request = server.held_requests[0]
        server.held_requests = []
        server.held_events = []
        server.look_again(at_ms)

    # --- faults -------------------------------------------------------------------------------

    def kill(self, at_ms: Millis, server: Server) -> None:
        """The process dies: its calls are gone, or live on where the node has a hot standby."""
        if not server.is_running:
            return
        server.is_running = server.is_hung = False
        server.stale_request = None
        self._lose_link(at_ms, server, "connection reset")
        standby = [other for other in server.node.servers if other is not server and other.is_running]
        for call in list(server.calls.values()):
            if server.settings.ha_calls and standby:
                call.move_to(standby[0])
            else:
                self.drop_call(at_ms, call)

    def restart(self, at_ms: Millis, server: Server) -> None:
        """A dead process is back, without any call."""
        server.is_running = True
        server.look_again(at_ms)

    def hang(self, at_ms: Millis, server: Server, until_ms: Millis) -> None:
        """The process freezes. Its driver finds out by a missed ping, if it does not wake before."""
        if not server.is_running:
            return
        server.is_hung = True
        server.wakes_at_ms = max(server.wakes_at_ms, until_ms)
        server.look_again(at_ms)
        self._agenda.add(at_ms + self._luck.between(*PING_MS), self._miss_ping, (server, server.epoch))

    def wake(self, at_ms: Millis, server: Server) -> None:
        """A frozen process goes on."""
        if not server.is_hung:
            return
        server.is_hung = False
        server.wakes_at_ms = at_ms
        server.look_again(at_ms)
        if server.stale_request is not None:
            handler, command = server.stale_request
            server.stale_request = None
            self.is_waking = True
            handler(at_ms, server, command)
            self.is_waking = False
        self._go_on(at_ms, server)

    def cut(self, at_ms: Millis, server: Server) -> None:
        """The network between core and server is gone."""
        server.is_cut = True
        server.look_again(at_ms)
        self._agenda.add(at_ms + self._luck.between(*PING_MS), self._miss_ping, (server, server.epoch))

    def heal(self, at_ms: Millis, server: Server) -> None:
        """The network is back."""
        if not server.is_cut:
            return
        server.is_cut = False
        server.look_again(at_ms)
        self._go_on(at_ms, server)

    def set_noise(self, at_ms: Millis, server: Server, noise: Noise | None) -> None:
        """Replies begin, or cease, to come late, twice or never."""
        server.noise = noise
        server.look_again(at_ms)

    def _miss_ping(self, at_ms: Millis, _serial: int, subject: tuple[Server, int]) -> None:
        server, epoch = subject
        if server.epoch == epoch and (server.is_hung or server.is_cut):
            self._lose_link(at_ms, server, "no answer to ping")

    def _go_on(self, at_ms: Millis, server: Server) -> None:
        """What waited in a connection that was never reset arrives and is acted upon now, in order."""
        if server.is_hung or server.is_cut:
            return
        for event in server.held_events:
            self._agenda.emit(event)
        server.held_events = []
        held, server.held_requests = server.held_requests, []
        for handler, command in held:
            server.requests += 1
            handler(at_ms, server, command)


def _no_phones(_phone: str) -> PhoneState:
    return PhoneState.UNKNOWN


def _nobody(_at_ms: Millis, _call: Call) -> None:
    raise InvariantViolated("nobody keeps the calls: the world was not put together")
