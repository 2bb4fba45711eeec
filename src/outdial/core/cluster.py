"""The SIP cluster: connections, failover, the prime node, and the calls of lost nodes.

A lost connection:

1. calls that were dialed through it are *lost*: nobody knows whether they live;
2. the other application of the node is used, at once if its link is up, else as soon as it answers;
3. when the node is back, it is asked which of our calls it has (`QueryCalls`): those are taken back. A call that is not
   there is over if the server asked is the one that dialed it; the other one of the pair may simply not know it, so
   such a call keeps its record and its port until it cannot be ringing any more.

The prime node is the one source of agent (DN) events. While it is inactive nothing is dialed anywhere. With
`prime-node-loss = promote` (ours) the first active node in connection order takes its place and keeps it.

Every `audit_ms` an active node is asked for its calls as well: a call that it does not know twice in a row has ended
without our hearing of it.

Source: guide "OCS Load Balancing in SIP Cluster"; settling of calls on a lost node: ours (decision 0005).
"""

from collections.abc import Mapping

from outdial.core.attempt import DIALING, Attempt, AttemptSignal, AttemptState
from outdial.core.calls import answered, answered_again, end_found, lost_timeout
from outdial.core.commands import Connect, Disconnect, QueryCalls, Release
from outdial.core.deadlines import Timer
from outdial.core.desks import forget_phones, subscribe
from outdial.core.distribution import offer_agent, stop_waiting
from outdial.core.engaging import Engaging, EngagingSignal, EngagingState
from outdial.core.events import (
    AgentEngaged,
    CalleeAnswered,
    CallPhase,
    CallsReported,
    ServerConnected,
    ServerLost,
)
from outdial.core.flights import vanished
from outdial.core.nodes import LinkSignal, Node, NodeState
from outdial.core.placement import configured_prime
from outdial.core.port_shares import count_ports
from outdial.core.results import Ending
from outdial.core.seizing import engaged, finish
from outdial.core.seizing_moves import move_engaging
from outdial.core.settings import PrimeNodeLoss
from outdial.core.settlement import drop_unwilling_leg, let_agent_go, settle
from outdial.core.state import Link, State
from outdial.core.units import SECOND_MS, CallId, Millis, NodeId, ServerId

CONNECT_MS_MAX: Millis = 10 * SECOND_MS
"""Longest wait for a connection before it is tried anew. Unit: ms. Ours."""
AUDITS_MISSED_MAX = 2
"""Audits in a row that may miss a call before it counts as over. Ours (0005)."""


def connect(state: State, link: Link) -> None:
    """Try a connection now."""
    link.is_connecting = True
    state.emit(Connect(link.server_id))
    state.deadlines.arm((Timer.SERVER, link.server_id), state.mono_ms + CONNECT_MS_MAX)


def connected(state: State, event: ServerConnected) -> None:
    """A connection is up."""
    link = state.links.get(event.server_id)
    if link is None:
        state.late_events += 1
        return
    link.is_connecting = False
    link.is_up = True
    state.deadlines.disarm((Timer.SERVER, link.server_id))
    node = state.nodes[link.node_id]
    before = node.server_id
    if not node.move(_UP[link.is_primary], state.mono_ms):
        state.late_events += 1
        return
    query(state, link)
    if node.server_id == event.server_id:
        node.total_ports = event.total_ports
        node.has_reported_ports = event.total_ports is not None
    if node.server_id != before:
        _in_use(state, node)


def lost(state: State, event: ServerLost) -> None:
    """A connection failed or ended."""
    link = state.links.get(event.server_id)
    if link is None:
        state.late_events += 1
        return
    state.deadlines.arm((Timer.SERVER, link.server_id), state.mono_ms + state.ocs.reconnect_ms)
    node = state.nodes[link.node_id]
    link_down(state, node, link)
    if not node.is_active:
        _try_other(state, node, link)


def link_down(state: State, node: Node, link: Link) -> None:
    """A link is down: its calls are lost, and the node goes on with the other one or not at all."""
    was_up = link.is_up
    link.is_connecting = False
    link.is_up = False
    link.query_id = 0
    before = node.server_id
    if not was_up or not node.move(_DOWN[link.is_primary], state.mono_ms):
        return
    if not node.is_active and node.node_id == state.prime_id:
        forget_phones(state)  # first: nobody's call goes to a phone of which nobody knows any more
    lose_calls(state, link)
    if not node.is_active:
        _strand(state, node)
        _gone(state, node)
    elif node.server_id != before:
        now_in_use = state.links[node.server_id] if node.server_id is not None else link
        query(state, now_in_use)  # a pair that mirrors calls has ours there as well
        _in_use(state, node)


_DOWN = {True: LinkSignal.PRIMARY_DOWN, False: LinkSignal.BACKUP_DOWN}
_UP = {True: LinkSignal.PRIMARY_UP, False: LinkSignal.BACKUP_UP}


def _try_other(state: State, node: Node, link: Link) -> None:
    other_id = node.settings.backup if link.is_primary else node.node_id
    other = state.links.get(other_id) if other_id is not None else None
    if other is not None and not other.is_connecting and not other.is_up and link.is_primary:
        connect(state, other)


def deadline(state: State, server_id: ServerId) -> None:
    """Time to try a connection again (or a connection attempt that never answered)."""
    link = state.links.get(server_id)
    if link is None or link.is_up:
        return
    if link.is_connecting:
        state.emit(Disconnect(server_id))
    node = state.nodes[link.node_id]
    if link.is_primary or link.may_have_calls or node.state in (NodeState.INACTIVE, NodeState.BACKUP):
        connect(state, link)


def _in_use(state: State, node: Node) -> None:
    """The node is active on a (new) server: its ports are back in the pool, follow the phones, go on."""
    for pool in state.pools.values():
        pool.unstrand(node.node_id)
    if state.ocs.audit_ms:
        state.deadlines.arm((Timer.NODE, node.node_id), state.mono_ms + state.ocs.audit_ms)
    elect_prime(state)
    if state.prime_id == node.node_id:
        subscribe(state, tuple(state.phones))
    count_ports(state)
    state.touch_all()


def _gone(state: State, node: Node) -> None:
    """Both connections are lost."""
    state.deadlines.disarm((Timer.NODE, node.node_id))
    elect_prime(state)
    count_ports(state)
    state.touch_all()


def elect_prime(state: State) -> None:
    """Decide which node's agent events count now."""
    configured = configured_prime(state)
    current = state.nodes.get(state.prime_id) if state.prime_id is not None else None
    if state.ocs.prime_node_loss is PrimeNodeLoss.PROMOTE:
        if current is not None and current.is_active and current in state.connections:
            return
        candidates = [configured, *state.connections] if configured is not None else state.connections
        chosen = next((node for node in candidates if node.is_active), None)
    else:
        chosen = configured if configured is not None and configured.is_active else None
    prime_id: NodeId | None = chosen.node_id if chosen is not None else None
    if prime_id != state.prime_id:
        make_prime(state, prime_id)


def make_prime(state: State, prime_id: NodeId | None) -> None:
    """Another node's agent events count from now on: what the last one said of phones is forgotten, and asked anew."""
    state.prime_id = prime_id
    forget_phones(state)
    subscribe(state, tuple(state.phones))
    for engaging in list(state.engagings.values()):  # the prime node is the dialer node of some groups
        drop_unwilling_leg(state, state.agents[engaging.agent_id])
    state.touch_all()


# --- calls of lost nodes --------------------------------------------------------------------------------------------


def lose_calls(state: State, link: Link) -> None:
    """The server that had these calls cannot be asked. Agents' legs first: nobody is joined to a lost one."""
    server_id = link.server_id
    for engaging in [engaging for engaging in state.engagings.values() if engaging.server_id == server_id]:
        if engaging.state is not EngagingState.LOST and move_engaging(state, engaging, EngagingSignal.NODE_LOST):
            link.may_have_calls = True
            until_ms = state.mono_ms + state.ocs.lost_call_ms_max
            state.deadlines.arm((Timer.ENGAGING, engaging.call_id), until_ms)
    theirs = [attempt for attempt in state.attempts.values() if attempt.server_id == server_id]
    lost_now = [attempt for attempt in theirs if attempt.state is not AttemptState.LOST]
    in_conversation = (AttemptState.CONNECTED, AttemptState.IN_IVR)
    let_go = [attempt for attempt in lost_now if attempt.state not in in_conversation]
    for attempt in lost_now:
        link.may_have_calls = True
        _lose_attempt(state, attempt)
    for attempt in let_go:  # only now, so that no agent is given another person of the same server
        let_agent_go(state, attempt)
        if not attempt.mode.is_preview and attempt.connected_at_ms is None:
            attempt.agent_id = None


def _lose_attempt(state: State, attempt: Attempt) -> None:
    stop_waiting(state, attempt)
    vanished(state, attempt)
    state.move(attempt, AttemptSignal.NODE_LOST)
    attempt.lost_at_ms = state.mono_ms
    if attempt.answered_at_ms is None:
        state.arm_call(attempt, max(state.mono_ms, attempt.rings_until_ms))
    else:
        state.arm_call(attempt, state.mono_ms + state.ocs.lost_call_ms_max)


def _strand(state: State, node: Node) -> None:
    """The ports that the node reported have left their pool, and so has what its calls hold of them."""
    if node.total_ports is not None and not node.settings.is_cpd_server:
        for pool in state.pools.values():
            for call_id in node.calls:
                pool.strand(call_id)


def query(state: State, link: Link) -> None:
    """Ask a server which of our calls it has."""
    state.last_query_id += 1
    link.query_id = state.last_query_id
    link.query_at_ms = state.mono_ms
    state.emit(QueryCalls(link.node_id, link.server_id, link.query_id))


def audit(state: State, node_id: NodeId) -> None:
    """The audit period is over: ask every server of the node for calls, on the prime node also for phones."""
    node = state.nodes.get(node_id)
    if node is None or not node.is_active or not state.ocs.audit_ms:
        return
    for server_id in (node.settings.dbid, node.settings.backup):
        link = state.links.get(server_id) if server_id is not None else None
        if link is not None and link.is_up:
            query(state, link)
    state.deadlines.arm((Timer.NODE, node_id), state.mono_ms + state.ocs.audit_ms)
    if state.prime_id == node_id:
        subscribe(state, tuple(state.phones))


def reported(state: State, event: CallsReported) -> None:
    """A server says which of our calls it has, whether it is in use or stands by."""
    link = state.links.get(event.server_id)
    if link is None or event.query_id != link.query_id:
        state.late_events += 1
        return
    link.query_id = 0
    link.may_have_calls = False
    phases = dict(event.calls)
    _belong_to(state, link, phases)
    for attempt in [attempt for attempt in state.attempts.values() if attempt.node_id == link.node_id]:
        phase = phases.get(attempt.call_id)
        if phase is not None:
            _attempt_there(state, attempt, phase, link)
        elif attempt.server_id == link.server_id:
            _attempt_missing(state, attempt, link)
    for engaging in [engaging for engaging in state.engagings.values() if engaging.node_id == link.node_id]:
        phase = phases.get(engaging.call_id)
        if phase is not None:
            _engaging_there(state, engaging, phase, link)
        elif engaging.server_id == link.server_id:
            _engaging_missing(state, engaging, link)
    for call_id in phases:
        if call_id not in state.attempts and call_id not in state.engagings:
            state.emit(Release(call_id))


def _belong_to(state: State, link: Link, phases: Mapping[CallId, CallPhase]) -> None:
    """Calls belong to the server that reports them, unless the one that they are known on is up and not lost to them.

    Both servers of a pair that mirrors calls report the same ones.
    """
    known = {server_id for server_id, other in state.links.items() if other.is_up}
    for call_id in phases:
        attempt, engaging = state.attempts.get(call_id), state.engagings.get(call_id)
        if attempt is not None and (attempt.state is AttemptState.LOST or attempt.server_id not in known):
            attempt.server_id = link.server_id
        if engaging is not None and (engaging.state is EngagingState.LOST or engaging.server_id not in known):
            engaging.server_id = link.server_id


def _attempt_missing(state: State, attempt: Attempt, link: Link) -> None:
    if attempt.state is AttemptState.LOST:
        lost_timeout(state, attempt)
    elif attempt.state is not AttemptState.REQUESTED and attempt.dialed_at_ms < link.query_at_ms:
        attempt.audits_missed += 1
        if attempt.audits_missed >= AUDITS_MISSED_MAX:
            attempt.ending = attempt.ending or Ending.LOST
            settle(state, attempt, AttemptSignal.GONE)


def _engaging_missing(state: State, engaging: Engaging, link: Link) -> None:
    if engaging.state is EngagingState.LOST:
        finish(state, engaging, EngagingSignal.GONE)
    elif engaging.state is not EngagingState.REQUESTED and engaging.requested_at_ms < link.query_at_ms:
        engaging.audits_missed += 1
        if engaging.audits_missed >= AUDITS_MISSED_MAX:
            finish(state, engaging, EngagingSignal.GONE)


_FOUND = {
    CallPhase.DIALING: AttemptSignal.FOUND_DIALING,
    CallPhase.ALERTING: AttemptSignal.FOUND_ALERTING,
    CallPhase.ANSWERED: AttemptSignal.FOUND_ANSWERED,
    CallPhase.CONNECTED: AttemptSignal.FOUND_CONNECTED,
}


def _attempt_there(state: State, attempt: Attempt, phase: CallPhase, link: Link) -> None:
    """The call is alive; a lost one goes on where it is, or ends where nobody would go on with it."""
    attempt.audits_missed = 0
    if attempt.state is not AttemptState.LOST:
        if attempt.state in DIALING and phase in (CallPhase.ANSWERED, CallPhase.CONNECTED):
            answered(state, CalleeAnswered(attempt.call_id))  # the event was lost, or is right behind this report
        return
    with_ivr = attempt.mode.is_gvp or attempt.is_routed
    in_ivr = phase is CallPhase.CONNECTED and with_ivr and attempt.agent_id is None
    state.move(attempt, AttemptSignal.IVR_STARTED if in_ivr else _FOUND[phase])
    if attempt.ending is not None:
        end_found(state, attempt)
    elif phase in (CallPhase.DIALING, CallPhase.ALERTING) and attempt.answered_at_ms is not None:
        end_found(state, attempt)  # the server contradicts itself: nobody is left in a conversation that is none
    elif phase in (CallPhase.DIALING, CallPhase.ALERTING):
        state.arm_call(attempt, max(state.mono_ms, attempt.rings_until_ms))
    elif phase is CallPhase.ANSWERED:
        answered_again(state, attempt)
    elif attempt.connected_at_ms is None:
        end_found(state, attempt)
    else:
        limit_ms = state.ocs.talk_ms_max
        if attempt.agent_id is None:
            limit_ms = state.groups[attempt.group_id].settings.ivr_ms_max
        state.arm_call(attempt, state.mono_ms + limit_ms)


def _engaging_there(state: State, engaging: Engaging, phase: CallPhase, link: Link) -> None:
    engaging.audits_missed = 0
    if engaging.state is not EngagingState.LOST:
        unanswered = (EngagingState.REQUESTED, EngagingState.PROCEEDING)
        if engaging.state in unanswered and phase in (CallPhase.ANSWERED, CallPhase.CONNECTED):
            engaged(state, AgentEngaged(engaging.call_id))
        return
    if phase in (CallPhase.DIALING, CallPhase.ALERTING):
        move_engaging(state, engaging, EngagingSignal.FOUND_DIALING)
        state.deadlines.arm((Timer.ENGAGING, engaging.call_id), state.mono_ms + engaging.ring_ms_max)
        return
    move_engaging(state, engaging, EngagingSignal.FOUND_ENGAGED)
    state.deadlines.disarm((Timer.ENGAGING, engaging.call_id))
    customer = state.attempts.get(engaging.customer_call_id) if engaging.customer_call_id is not None else None
    if customer is not None and customer.state is AttemptState.CONNECTED:
        move_engaging(state, engaging, EngagingSignal.JOIN)
        return
    agent = state.agents[engaging.agent_id]
    if customer is not None:
        let_agent_go(state, customer)  # the leg is there without its customer: the conversation is over
    engaging.customer_call_id = None
    drop_unwilling_leg(state, agent)
    offer_agent(state, agent)
