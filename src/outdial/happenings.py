"""What happened, in sentences: node failures and returns, port moves, groups that start, stop or change their mode.

Fed with every step (exact counts) and, a few times a second, with a snapshot (states that no event announces).
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from outdial.core.commands import Command, Reply
from outdial.core.events import (
    ConfigurationLoaded,
    Event,
    GroupModeChangeRequested,
    GroupPauseRequested,
    GroupResumeRequested,
    GroupStartRequested,
    GroupStopRequested,
    NodeDrainRequested,
    NodeEnableRequested,
    NodePromoteRequested,
    ServerConnected,
    ServerLost,
)
from outdial.core.groups import GroupState
from outdial.core.nodes import NodeState
from outdial.core.snapshot import GroupView, NodeView, Snapshot
from outdial.core.units import GroupId, Millis, NodeId, Now, ServerId
from outdial.names import Names

# Lines kept for a board. Unit: lines. Range: ≥ 1. Origin: more than any terminal is high.
LINES_MAX = 200


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence of the log."""

    mono_ms: Millis
    kind: str
    """`bad`, `good`, `ports` or `plain`: how much it matters."""
    text: str


class Happenings:
    """Turns steps and snapshots into log lines and counts.

    Attributes:
        lines: the newest lines, oldest first.
        node_failures: connections to servers that were up and were lost.
        port_moves: times that the maximum of a running group changed.
    """

    def __init__(self, names: Names, *, lines_max: int = LINES_MAX) -> None:
        """Nothing has happened yet."""
        self.lines: deque[Line] = deque(maxlen=lines_max)
        self.node_failures = 0
        self.port_moves = 0
        self._names = names
        self._up: dict[ServerId, None] = {}
        self._maxima: dict[GroupId, int | None] = {}
        self._node_states: dict[NodeId, str] = {}
        self._stops: tuple[str, ...] | None = None
        """None: dialing has not been possible yet, so nothing has stopped."""

    # --- steps: an observer of the runner ------------------------------------------------------------------------

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Take note of one step."""
        if isinstance(event, ServerConnected):
            if event.server_id not in self._up:
                self._up[event.server_id] = None
                self.say(now.mono_ms, "good", f"{self._names.server(event.server_id)} connected")
        elif isinstance(event, ServerLost):
            if event.server_id in self._up:
                del self._up[event.server_id]
                self.node_failures += 1
                self.say(now.mono_ms, "bad", f"{self._names.server(event.server_id)} lost: {event.reason}")
        elif isinstance(event, ConfigurationLoaded):
            self._names = Names(event.configuration)
        else:
            self._observe_request(now, event, commands)

    def _observe_request(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        match event:
            case GroupStartRequested(_, group_id):
                text = f"{self._names.group(group_id)} started"
            case GroupStopRequested(_, group_id):
                text = f"{self._names.group(group_id)} stopped"
            case GroupPauseRequested(_, group_id):
                text = f"{self._names.group(group_id)} paused"
            case GroupResumeRequested(_, group_id):
                text = f"{self._names.group(group_id)} goes on"
            case GroupModeChangeRequested(_, group_id, mode):
                text = f"{self._names.group(group_id)} changed to {mode.value}"
            case NodeDrainRequested(_, node_id):
                text = f"{self._names.node(node_id)} is drained"
            case NodeEnableRequested(_, node_id):
                text = f"{self._names.node(node_id)} is enabled again"
            case NodePromoteRequested(_, node_id):
                text = f"{self._names.node(node_id)} is the prime node now"
            case _:
                return
        refused = next((command for command in commands if isinstance(command, Reply) and not command.ok), None)
        if refused is None:
            self.say(now.mono_ms, "plain", text)
        else:
            self.say(now.mono_ms, "bad", f"refused: {text}: {refused.message}")

    # --- snapshots -----------------------------------------------------------------------------------------------

    def compare(self, snapshot: Snapshot) -> None:
        """Take note of what differs from the snapshot before."""
        for node in snapshot.nodes:
            self._compare_node(snapshot.mono_ms, node)
        moves = [move for group in snapshot.groups if (move := self._compare_group(group)) is not None]
        if moves:
            self.port_moves += len(moves)
            self.say(snapshot.mono_ms, "ports", "ports: " + ", ".join(moves))
        self._compare_stops(snapshot)

    def _compare_stops(self, snapshot: Snapshot) -> None:
        if self._stops is None:
            if any(node.state != NodeState.INACTIVE.value for node in snapshot.nodes) and not snapshot.stops:
                self._stops = ()
            return
        for stop in snapshot.stops:
            if stop not in self._stops:
                self.say(snapshot.mono_ms, "bad", f"all dialing stopped: {stop}")
        if self._stops and not snapshot.stops:
            self.say(snapshot.mono_ms, "good", "dialing goes on")
        self._stops = snapshot.stops

    def _compare_node(self, mono_ms: Millis, node: NodeView) -> None:
        before = self._node_states.get(node.node_id)
        if before == node.state or (before is None and node.state == NodeState.INACTIVE.value):
            return
        self._node_states[node.node_id] = node.state
        if before is None:  # its first connection speaks for itself
            return
        kind = "bad" if node.state == NodeState.INACTIVE.value else "plain"
        prime = " (prime node)" if node.is_prime else ""
        self.say(mono_ms, kind, f"node {node.name}{prime}: {before} → {node.state}")

    def _compare_group(self, group: GroupView) -> str | None:
        """The move of a running group's maximum in words; None: there was none."""
        if group.state not in (GroupState.RUNNING.value, GroupState.PAUSED.value):
            self._maxima.pop(group.group_id, None)
            return None
        maximum = group.ports.maximum_ports
        before = self._maxima.get(group.group_id, maximum)
        self._maxima[group.group_id] = maximum
        return None if before == maximum else f"{group.name} {_ports_text(before)} → {_ports_text(maximum)}"

    def say(self, mono_ms: Millis, kind: str, text: str) -> None:
        """Add a line. `kind`: see `Line`."""
        self.lines.append(Line(mono_ms, kind, text))


def _ports_text(ports: int | None) -> str:
    return "no limit" if ports is None else str(ports)
