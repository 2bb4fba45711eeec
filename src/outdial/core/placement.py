"""Where a group's requests go: all nodes in turn, its dialer node, or its CPD server.

| group                | lb mode none   | round-robin / least-loaded                                   |
|----------------------|----------------|--------------------------------------------------------------|
| regular and GVP      | the prime node | each request to the next node that takes it                  |
| seizing              | the prime node | always the agent group's dialer node; none configured, or not |
|                      |                | among the connections: the prime node                        |
| on a CPD server      | that server    | that server                                                  |
| preview              | the prime node | the prime node                                               |

The fall-back to the prime node is decided by configuration only: a lost dialer node does not fail over to it.

Source: guide "OCS Load Balancing in SIP Cluster". Ours: CPD servers and preview calls (decision 0005).
"""

from outdial.core.groups import Group, Hold
from outdial.core.nodes import OUTLIER_PAUSE_MS, Node, NoNode, NoNodeReason, Window, find_outlier
from outdial.core.ports import Pool
from outdial.core.settings import DialerKind, LoadBalancing
from outdial.core.state import State

CPD_SERVER = DialerKind.CPD_SERVER
NO_BALANCING, LEAST_LOADED = LoadBalancing.NONE, LoadBalancing.LEAST_LOADED
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


def configured_prime(state: State) -> Node | None:
    """The prime node that an operator or the configuration names (the first connection when neither does)."""
    prime_id = state.promoted_id if state.promoted_id is not None else state.ocs.sip_cluster_prime_node
    if prime_id is not None:
        return state.nodes.get(prime_id)
    return state.connections[0] if state.connections else None


def prime_for_dialing(state: State) -> Node | None:
    """The prime node now; while there is none, the one that everybody waits for."""
    if state.prime_id is not None:
        return state.nodes[state.prime_id]
    return configured_prime(state)


def fixed_node(state: State, group: Group) -> Node | None:
    """The one node on which all the group's calls go; None: requests are balanced."""
    dialer = group.settings.dialer
    if dialer.kind is CPD_SERVER and not group.mode.is_preview:
        # a group whose CPD server left the configuration is stopping and never dials again
        return state.nodes.get(dialer.dbid) or prime_for_dialing(state)
    if group.mode.is_preview or state.ocs.sip_cluster_lb_mode is NO_BALANCING:
        return prime_for_dialing(state)
    if not group.mode.is_seizing:
        return None
    agents = state.agent_group_of(group)
    wanted = agents.settings.sip_cluster_asm_dial_node if agents is not None else None
    node = state.nodes.get(wanted) if wanted is not None else None
    if node is not None and node in state.connections:
        return node
    return prime_for_dialing(state)


def unreachable(state: State, group: Group) -> tuple[Hold, str] | None:
    """Why the group must not dial because of the cluster; None: it may."""
    if state.prime_id is None:
        prime = configured_prime(state)
        return (Hold.PRIME_LOST, prime.settings.name if prime is not None else "")
    node = fixed_node(state, group)
    if node is None:
        if any(member.is_active for member in state.connections):
            return None
        return (Hold.NO_NODE, NoNodeReason.NONE_ACTIVE.value)
    if not node.is_active:
        return (Hold.DIALER_LOST, node.settings.name)
    return None


def leave_out_outlier(state: State) -> None:
    """Leave out a node that is far off the others for a while, if the option is on."""
    if not state.ocs.node_outlier_ejection:
        return
    outlier = find_outlier(state.connections, state.mono_ms)
    if outlier is not None:
        outlier.left_out_until_ms = state.mono_ms + OUTLIER_PAUSE_MS
        outlier.window = Window()


def choose_node(state: State, group: Group, pool: Pool) -> Node | NoNode:
    """The node for the next dial request."""
    node = fixed_node(state, group)
    if node is not None:
        return node.refusal(state.mono_ms) or node
    if state.ocs.sip_cluster_lb_mode is LEAST_LOADED:
        return state.rotation.choose_least_loaded(state.connections, pool.ports, state.mono_ms)
    return state.rotation.choose(state.connections, state.mono_ms)
