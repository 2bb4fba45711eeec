"""What may not be ordered: every rule that forbids a call, looked up on our own at the moment of each order.

Checkers:

* `inactive node`, `draining node`, `prime lost`: no request to a node that is not connected, to the wrong one of its
  two servers, to one that is being drained, or anywhere while the prime node is lost;
* `calling hours`, `do not call`: worked out from the record, its list and the zone's table, not by the core's code;
* `stopped group`, `no agents`: only running groups dial, and in agent modes only while an agent is logged in;
* `agent not free`: an engaging call, a transfer, a join or an offer goes to an agent who is ready, whose phone is idle
  (or who waits on the engaging call) and who has nothing else;
* `call rate`: no more requests than a node's limit allows.

Source: design section 7, item 4.
"""

from outdial.core.commands import Dial, Engage, Join, OfferRecord, Transfer
from outdial.core.events import PhoneState
from outdial.core.modes import DialingMode
from outdial.core.records import Record
from outdial.core.settings import CallingList, Node
from outdial.core.units import SECOND_MS, CallId, Millis, NodeId
from outdial.sim.checks_calls import CallChecks
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_rules import RuleChecks
from outdial.sim.checks_seen import Leg, SeenAgent

DAY_S = 86_400


def is_open(record: Record, calling_list: CallingList, utc_ms: Millis) -> bool:
    """Whether the local time of day is inside the record's window, wherever its number may be."""
    from_s = calling_list.daily_from_s if record.daily_from_s is None else record.daily_from_s
    till_s = calling_list.daily_till_s if record.daily_till_s is None else record.daily_till_s
    if (from_s, till_s) == (0, DAY_S):
        return True
    zones = [record.zone] if record.zone else record.zones or [calling_list.zone]
    offsets = [[offset for since_ms, offset in zone.offsets if since_ms <= utc_ms][-1] for zone in zones]
    seconds = [(utc_ms // SECOND_MS + offset_s) % DAY_S for offset_s in offsets]
    if from_s <= till_s:
        return all(from_s <= second < till_s for second in seconds)
    return not any(till_s <= second < from_s for second in seconds)


class DialingChecks:
    """Watches orders."""

    def __init__(self, picture: Picture, calls: CallChecks) -> None:
        self._picture = picture
        self._calls = calls
        self.rules = RuleChecks(picture)
        self.rates: dict[NodeId, CallRate] = {}
        """Nodes with a call rate limit."""

    def load(self) -> None:
        """The configuration has changed."""
        nodes = self._picture.nodes
        limited = {node_id: node for node_id, node in nodes.items() if node.call_rate_max is not None}
        since = self._picture.active_since
        self.rates = {node_id: self.rates.get(node_id, CallRate(since.get(node_id))) for node_id in limited}

    def activated(self, node_id: NodeId) -> None:
        """A node is back."""
        rate = self.rates.get(node_id)
        if rate is not None:
            rate.restart(self._picture.mono_ms)

    # --- customers --------------------------------------------------------------------------------

    def dialed(self, command: Dial, leg: Leg) -> None:
        """A customer is being called."""
        picture = self._picture
        self._check_place(leg)
        if leg.mode is not DialingMode.POWER_GVP and not self._has_agents(leg):
            picture.fail("no agents", f"call {leg.call_id} of group {leg.group_id}, and nobody is logged in")
        if command.number in picture.do_not_call:
            picture.fail("do not call", f"{command.number} is on the list, and is dialed as call {command.call_id}")
        record, calling_list = self._calls.record(command.record_id), picture.lists.get(command.list_id)
        if record is not None and record.do_not_call:
            picture.fail("do not call", f"{command.number} is on {record.do_not_call}, and is call {command.call_id}")
        if record is None or calling_list is None or record.number != command.number:
            picture.fail("calling hours", f"call {command.call_id} does not belong to a record: {command}")
        if not is_open(record, calling_list, picture.utc_ms):
            picture.fail(
                "calling hours",
                f"{record} is dialed at {picture.utc_ms} ms UTC; list {calling_list.name} calls from "
                f"{calling_list.daily_from_s} to {calling_list.daily_till_s} s",
            )
        self.rules.dialed(command, leg, record, calling_list)
        if command.agent_id is not None:
            seen = picture.agents[command.agent_id]
            if seen.offer != command.record_id or seen.state != "talking" or seen.call_id is not None:
                picture.fail("agent not free", f"preview call {command.call_id} for {seen}")

    def engaged(self, command: Engage, leg: Leg) -> None:
        """An agent is being called."""
        self._check_place(leg)
        seen = self._picture.agents[command.agent_id]
        if not seen.is_free or seen.call_id is not None or command.phone != seen.phone:
            self._picture.fail("agent not free", f"engaging call {command.call_id} to {seen}")
        self._check_member(seen, leg)

    def _check_place(self, leg: Leg) -> None:
        """The group runs, the prime node is there, and the node takes requests."""
        picture = self._picture
        if leg.group_id not in picture.running:
            picture.fail("stopped group", f"call {leg.call_id} of group {leg.group_id}")
        if leg.group_id in picture.paused:
            picture.fail("paused group", f"call {leg.call_id} of group {leg.group_id}")
        if picture.prime_id is None:
            picture.fail("prime lost", f"call {leg.call_id} on node {leg.node_id}, and there is no prime node")
        server_id = picture.in_use.get(leg.node_id)
        if server_id is None or server_id not in picture.up:
            picture.fail("inactive node", f"call {leg.call_id} on node {leg.node_id}, which is not active")
        if server_id != leg.server_id:
            picture.fail("inactive node", f"call {leg.call_id} to server {leg.server_id}; in use is {server_id}")
        if leg.node_id in picture.draining:
            picture.fail("draining node", f"call {leg.call_id} on node {leg.node_id}")
        rate = self.rates.get(leg.node_id)
        if rate is not None and not rate.take(picture.nodes[leg.node_id], picture.mono_ms):
            picture.fail("call rate", f"call {leg.call_id}: node {leg.node_id} has had its requests: {rate}")

    def _has_agents(self, leg: Leg) -> bool:
        return leg.agent_group_id is not None and self._picture.logged_in[leg.agent_group_id] > 0

    # --- agents -----------------------------------------------------------------------------------

    def transferred(self, command: Transfer) -> None:
        """A customer goes to an agent's phone."""
        seen, leg = self._picture.agents[command.agent_id], self._customer(command.call_id)
        is_idle = seen.phone_state is PhoneState.IDLE and seen.leg_id is None and command.phone == seen.phone
        if not self._is_reserved_for_nothing(seen) or not is_idle:
            self._picture.fail("agent not free", f"transfer of call {command.call_id} to {seen}")
        self._check_member(seen, leg)

    def joined(self, command: Join) -> None:
        """A customer is joined to an agent who waits on the line."""
        picture = self._picture
        seen, leg = picture.agents[command.agent_id], self._customer(command.call_id)
        engaging = picture.engaging.get(command.engaging_call_id)
        if not self._is_reserved_for_nothing(seen) or engaging is None or seen.leg_id != command.engaging_call_id:
            picture.fail("agent not free", f"call {command.call_id} is joined to {seen}, on {engaging}")
        is_waiting = engaging.is_engaged and engaging.lost_at_ms is None and engaging.released_at_ms is None
        if not is_waiting or engaging.customer_id is not None:
            picture.fail("agent not free", f"call {command.call_id} is joined to engaging call {engaging}")
        if (engaging.server_id, engaging.group_id) != (leg.server_id, leg.group_id):
            picture.fail("agent not free", f"call {leg} is joined to engaging call {engaging}, which is elsewhere")

    def offered(self, command: OfferRecord) -> None:
        """A record is shown to an agent."""
        seen = self._picture.agents[command.agent_id]
        if (
            not self._is_reserved_for_nothing(seen)
            or seen.phone_state is not PhoneState.IDLE
            or seen.leg_id is not None
        ):
            self._picture.fail("agent not free", f"record {command.record.record_id} is offered to {seen}")
        if command.group_id not in self._picture.running:
            self._picture.fail("stopped group", f"group {command.group_id} offers record {command.record.record_id}")
        if command.group_id in self._picture.paused:
            self._picture.fail("paused group", f"group {command.group_id} offers record {command.record.record_id}")

    def _customer(self, call_id: CallId) -> Leg:
        """The customer's leg, which must be alive and not on its way out."""
        leg = self._picture.legs.get(call_id)
        if leg is None or leg.is_engaging or leg.released_at_ms is not None or leg.lost_at_ms is not None:
            self._picture.fail("agent not free", f"an agent is wasted on call {call_id}: {leg}")
        return leg

    def _is_reserved_for_nothing(self, seen: SeenAgent) -> bool:
        """Reserved in this step, and for this."""
        return seen.state == "reserved" and seen.call_id is None and seen.offer is None

    def _check_member(self, seen: SeenAgent, leg: Leg) -> None:
        if leg.agent_group_id not in self._picture.groups_of.get(seen.agent_id, ()):
            self._picture.fail("agent not free", f"call {leg.call_id} of group {leg.group_id}: no work of {seen}")


class CallRate:
    """Requests that a node's limit allows: a bucket that fills with time. Unit: thousandths of a request."""

    def __init__(self, since_ms: Millis | None) -> None:
        self._since_ms = since_ms
        """Start of the slow start."""
        self._millis = 1_000
        self._at_ms: Millis = 0

    def __str__(self) -> str:
        return f"{self._millis} thousandths of a request at {self._at_ms} ms"

    def restart(self, mono_ms: Millis) -> None:
        """The node is back: its slow start begins."""
        self._since_ms = self._at_ms = mono_ms
        self._millis = 1_000

    def earned_millis(self, node: Node, mono_ms: Millis) -> int:
        """What may be sent now."""
        rate = most = node.call_rate_max or 1
        if node.slow_start_ms and self._since_ms is not None and mono_ms < self._since_ms + node.slow_start_ms:
            rate = max(1, most * max(100, 1_000 * (mono_ms - self._since_ms) // node.slow_start_ms) // 1_000)
        return min(max(1_000, 100 * rate), self._millis + rate * (mono_ms - self._at_ms))

    def take(self, node: Node, mono_ms: Millis) -> bool:
        """Book one request. Returns whether it was allowed."""
        earned = self.earned_millis(node, mono_ms)
        self._millis, self._at_ms = earned - 1_000, mono_ms
        return earned >= 1_000
