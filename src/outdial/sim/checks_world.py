"""The world beside the dialer: servers that could be connected and are not, calls that nobody knows of.

Checkers:

* `connection`: a primary server that can be reached is connected before long, and so is the backup while the primary is
  not; whoever says "nothing can be done, the node is lost" must have tried.
* `orphan`: no call lives on for long on a server that can be reached, unless the dialer knows it. A customer would talk
  to nobody, an agent's phone would be busy for ever.

Source: design section 5 (reconnection; calls of lost nodes) and section 7, item 7.
"""

from outdial.core.units import SECOND_MS, CallId, Millis, ServerId
from outdial.sim.checks_picture import Picture
from outdial.sim.servers import Link, Server

LOOK_MS: Millis = SECOND_MS
"""Time between two looks. Unit: ms of virtual time. Ours."""
CONNECT_MS_MAX: Millis = 15 * SECOND_MS
"""How long a server that can be reached may be without a connection, beyond the pause between tries; how long a call
may live that nobody knows of, beyond that and the time between two audits. Unit: ms. Ours: two tries."""


class WorldChecks:
    """Watches what is really so, once a second."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._servers = picture.world.cluster.servers
        self._look_at_ms: Millis = 0
        self._apart_since: dict[ServerId, Millis] = {}
        self._unknown_since: dict[CallId, Millis] = {}

    def after_step(self) -> None:
        """Look, when it is time."""
        now_ms = self._picture.mono_ms
        if now_ms >= self._look_at_ms:
            self._look_at_ms = now_ms + LOOK_MS
            self._check_connections(now_ms)
            self._check_orphans(now_ms)

    def _check_connections(self, now_ms: Millis) -> None:
        picture = self._picture
        limit_ms = CONNECT_MS_MAX + picture.state.ocs.reconnect_ms
        for node_id, node in picture.nodes.items():
            wanted = [node_id] if node.backup is None or node_id in picture.up else [node_id, node.backup]
            for server_id in (node_id, node.backup):
                if server_id is None:
                    continue
                server = self._servers[server_id]
                if server_id not in wanted or server.link is Link.UP or not _can_be_reached(server):
                    self._apart_since.pop(server_id, None)
                elif now_ms - self._apart_since.setdefault(server_id, now_ms) >= limit_ms:
                    since_ms = self._apart_since[server_id]
                    picture.fail("connection", f"{server} could be connected since {since_ms} ms, and is not")

    def _check_orphans(self, now_ms: Millis) -> None:
        picture = self._picture
        ocs, known = picture.state.ocs, self._unknown_since
        if not ocs.audit_ms:
            return  # servers are asked once, and what comes to life later is not seen
        unknown: dict[CallId, Millis] = {}
        for call_id, call in picture.world.live_calls.items():
            server = call.server
            can_tell = _can_be_reached(server) and server.noise is None and server.server_id in picture.node_of
            if call_id not in picture.legs and can_tell:
                unknown[call_id] = since_ms = known.get(call_id, now_ms)
                if now_ms - since_ms >= CONNECT_MS_MAX + ocs.reconnect_ms + ocs.audit_ms:
                    picture.fail("orphan", f"nobody knows of {call}, which could be found since {since_ms} ms")
        self._unknown_since = unknown


def _can_be_reached(server: Server) -> bool:
    return server.is_running and not server.is_hung and not server.is_cut
