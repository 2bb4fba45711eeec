"""Where requests go: all nodes in turn, or the group's dialer node.

Checkers:

* `rotation`: our own replay of strict round robin. Each request that is balanced must go to the next node in turn that
  could take it (active, not drained, not left out, not full, below its call rate); so over a full turn every node that
  can take requests gets the same number, ±1.
* `least loaded`: no node that could take the request has a larger share of free ports.
* `dialer node`: calls of a seizing group, customers and agents alike, are all on its dialer node: the one that the
  agent group names, or the prime node when that is missing or not among the connections. The same for preview
  groups (the prime node), groups on a CPD server (that server) and unbalanced groups (the prime node).
* `links`: nodes are active, and the prime node elected, as the connections say.

Source: design section 5 and section 7, items 5 and 6.
"""

from collections.abc import Sequence

from outdial.core.nodes import PROBE_MS
from outdial.core.settings import DialerKind, LoadBalancing
from outdial.core.units import NodeId
from outdial.sim.checks_dialing import DialingChecks
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_seen import Leg


class ClusterChecks:
    """Watches the choice of nodes."""

    def __init__(self, picture: Picture, dialing: DialingChecks) -> None:
        self._picture = picture
        self._dialing = dialing
        self._connections: tuple[NodeId, ...] = ()
        self._cursor: int | None = None
        """Place of the node whose turn it is. None: not known."""

    def load(self) -> None:
        """The configuration has changed: with other nodes, whoever comes next begins."""
        configuration = self._picture.configuration
        if configuration is None:
            return
        connections = configuration.ocs.connections
        if connections != self._connections:
            self._cursor = None if self._connections else 0
            self._connections = connections

    def placed(self, leg: Leg) -> None:
        """A call is being ordered on a node; it is not in the picture yet."""
        picture = self._picture
        settings, configuration = picture.groups[leg.group_id], picture.configuration
        if configuration is None:
            return
        dialer, mode = settings.dialer, configuration.ocs.sip_cluster_lb_mode
        if leg.mode.is_preview:
            self._must_be(leg, picture.prime_id, "the prime node, where agents' phones are followed")
        elif dialer.kind is DialerKind.CPD_SERVER:
            self._must_be(leg, dialer.dbid, "its CPD server")
        elif mode is LoadBalancing.NONE:
            self._must_be(leg, picture.prime_id, "the prime node")
        elif leg.mode.is_seizing:
            group = None if settings.agent_group is None else picture.agent_groups[settings.agent_group]
            wanted = None if group is None else group.sip_cluster_asm_dial_node
            if wanted in configuration.ocs.connections:
                self._must_be(leg, wanted, "its dialer node")
            else:
                self._must_be(leg, picture.prime_id, "the prime node: it has no dialer node of its own")
        elif mode is LoadBalancing.ROUND_ROBIN:
            self._in_turn(leg)
        else:
            self._least_loaded(leg)

    def _must_be(self, leg: Leg, node_id: NodeId | None, what: str) -> None:
        if leg.node_id != node_id:
            self._picture.fail(
                "dialer node",
                f"call {leg.call_id} of group {leg.group_id} is on node {leg.node_id}, not {node_id}: {what}",
            )

    def _turn(self) -> Sequence[int]:
        """Places from the cursor on."""
        count = len(self._connections)
        return [((self._cursor or 0) + step) % count for step in range(count)]

    def _can_take(self, node_id: NodeId) -> bool:
        """Whether a node can take one more request now."""
        picture = self._picture
        if picture.in_use[node_id] is None or node_id in picture.draining:
            return False
        node, calls = picture.state.nodes[node_id], picture.on_node[node_id]
        if picture.mono_ms < node.left_out_until_ms:
            return False
        ports = picture.node_ports(node_id)
        if ports is not None and calls >= ports:
            return False
        if node.learned_ports is not None:  # it has refused calls for want of ports, and is probed
            if calls >= node.learned_ports + (picture.mono_ms - node.learned_at_ms) // PROBE_MS:
                return False
        rate = self._dialing.rates.get(node_id)
        return rate is None or rate.earned_millis(picture.nodes[node_id], picture.mono_ms) >= 1_000

    def _in_turn(self, leg: Leg) -> None:
        connections = self._connections
        if leg.node_id not in connections:
            self._picture.fail("rotation", f"call {leg.call_id} on node {leg.node_id}, not among {connections}")
        if self._cursor is not None:
            for place in self._turn():
                if connections[place] == leg.node_id:
                    break
                if self._can_take(connections[place]):
                    self._picture.fail(
                        "rotation",
                        f"call {leg.call_id} goes to node {leg.node_id}; it was the turn of node {connections[place]}",
                    )
        self._cursor = (connections.index(leg.node_id) + 1) % len(connections)

    def _least_loaded(self, leg: Leg) -> None:
        picture = self._picture
        if leg.dialer is None or leg.node_id not in self._connections:
            picture.fail("least loaded", f"call {leg.call_id} on node {leg.node_id}, not among {self._connections}")
        even = max(1, picture.state.pools[leg.dialer].ports // len(self._connections))

        def load(node_id: NodeId) -> tuple[int, int]:
            total = picture.node_ports(node_id) or even
            return total - picture.on_node[node_id], total

        free, total = load(leg.node_id)
        for place in self._turn():
            node_id = self._connections[place]
            if node_id == leg.node_id:
                continue
            other_free, other_total = load(node_id)
            if other_free * total > free * other_total and self._can_take(node_id):
                picture.fail(
                    "least loaded",
                    f"call {leg.call_id} goes to node {leg.node_id} with {free} of {total} ports free; "
                    f"node {node_id} has {other_free} of {other_total}",
                )
        self._cursor = (self._connections.index(leg.node_id) + 1) % len(self._connections)

    def check_links(self) -> None:
        """After connections or the configuration changed."""
        picture = self._picture
        for node_id, node in picture.state.nodes.items():
            if node.server_id != picture.in_use[node_id]:
                picture.fail("links", f"node {node_id} uses {node.server_id}, connected is {picture.in_use[node_id]}")
        if picture.state.prime_id != picture.prime_id:
            picture.fail("links", f"prime node is {picture.state.prime_id}, should be {picture.prime_id}")
