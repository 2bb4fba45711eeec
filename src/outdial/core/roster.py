"""A configuration takes effect: objects appear, change and go while calls are in progress.

Objects are matched by DBID. What is new is added, what has changed takes its new values at once, what is gone stops
taking part and is forgotten when the last call that needs it is over:

* a node that left: its connections are closed and its calls are lost calls;
* a group that left is stopped; an agent who left is logged out at the end of the call;
* a group's mode changes at once where a running group may change, else when it is stopped.
"""

from outdial.core.agents import Agent, AgentGroup, AgentState
from outdial.core.attempt import AttemptState
from outdial.core.availability import refile
from outdial.core.callbacks import begin
from outdial.core.cluster import connect, elect_prime, link_down
from outdial.core.commands import Disconnect
from outdial.core.deadlines import Timer
from outdial.core.desks import leave_phone, log_out
from outdial.core.distribution import offer_agent
from outdial.core.events import ConfigurationLoaded
from outdial.core.group_control import change_mode, stop
from outdial.core.groups import Group, GroupState
from outdial.core.leaving import expect_leave
from outdial.core.nodes import Node
from outdial.core.port_shares import count_ports, share_now
from outdial.core.ports import Pool
from outdial.core.results import Ending
from outdial.core.settings import CampaignGroup, Configuration, DialerId, DialerKind
from outdial.core.settings import Node as NodeSettings
from outdial.core.settlement import drop_unwilling_leg, end_call, finish_if_drained, release_engaging
from outdial.core.state import Link, ListRules, State
from outdial.core.treatments import by_result
from outdial.core.units import NodeId, ServerId


def apply(state: State, event: ConfigurationLoaded) -> None:
    """Bring everything in step with a checked configuration."""
    configuration = event.configuration
    state.configuration = configuration
    if configuration.ocs.sip_cluster_prime_node != state.ocs.sip_cluster_prime_node:
        state.promoted_id = None
    if state.promoted_id not in configuration.ocs.connections:
        state.promoted_id = None
    state.ocs = configuration.ocs
    state.lists = {rules.dbid: ListRules(rules, by_result(rules.treatments)) for rules in configuration.calling_lists}
    calling = dict.fromkeys(group.settings.campaign for group in state.groups.values() if group.live)
    still = {number: state.campaigns[number] for number in calling}  # the last calls of one that leaves are its own
    state.campaigns = still | {campaign.dbid: campaign for campaign in configuration.campaigns}
    profiles = [profile for calling_list in configuration.calling_lists for profile in calling_list.rules]
    profiles += [profile for campaign in state.campaigns.values() for profile in campaign.rules]
    state.recent.keep(any(profile.needs_facts for profile in profiles), state.mono_ms)
    state.do_not_call = dict.fromkeys([*state.do_not_call, *configuration.do_not_call])
    _apply_nodes(state, configuration)
    _apply_pools(state, configuration)
    _apply_agents(state, configuration)
    _apply_groups(state, configuration)
    _forget_pools(state, configuration)
    elect_prime(state)
    count_ports(state)
    for pool in state.pools.values():
        share_now(state, pool)
    _place_agents_anew(state)
    state.touch_all()


# --- nodes and pools --------------------------------------------------------------------------------------------


def _apply_nodes(state: State, configuration: Configuration) -> None:
    wanted = {settings.dbid: settings for settings in configuration.nodes}
    # first, so that whoever becomes prime node while others leave is elected from the new connections
    state.connections = [state.nodes[node_id] for node_id in configuration.ocs.connections if node_id in state.nodes]
    for node_id in [node_id for node_id in state.nodes if node_id not in wanted]:
        _remove_node(state, node_id)
    for settings in wanted.values():
        node = state.nodes.get(settings.dbid)
        if node is None:
            node = state.nodes[settings.dbid] = Node(settings)
            _add_link(state, node, is_primary=True)
        elif node.settings.backup != settings.backup and node.settings.backup is not None:
            _remove_link(state, node, node.settings.backup)
        node.settings = settings
        if settings.backup is not None and settings.backup not in state.links:
            _add_link(state, node, is_primary=False)
    state.connections = [state.nodes[node_id] for node_id in configuration.ocs.connections]
    for node in state.nodes.values():
        primary = state.links[node.node_id]
        if not primary.is_up and not primary.is_connecting:
            connect(state, primary)


def _add_link(state: State, node: Node, *, is_primary: bool) -> None:
    server_id = node.settings.dbid if is_primary else node.settings.backup
    if server_id is not None:
        state.links[server_id] = Link(server_id, node.node_id, is_primary)


def _remove_link(state: State, node: Node, server_id: ServerId) -> None:
    link = state.links.pop(server_id)
    for engaging in [engaging for engaging in state.engagings.values() if engaging.server_id == server_id]:
        if engaging.customer_call_id is None:
            release_engaging(state, engaging)  # the last words on this connection: nobody is left waiting on it
    for attempt in [attempt for attempt in state.attempts.values() if attempt.server_id == server_id]:
        if attempt.connected_at_ms is None and attempt.state not in (AttemptState.RELEASING, AttemptState.LOST):
            end_call(state, attempt, Ending.STOPPED)
    link_down(state, node, link)
    state.deadlines.disarm((Timer.SERVER, server_id))
    state.emit(Disconnect(server_id))


def _remove_node(state: State, node_id: NodeId) -> None:
    node = state.nodes[node_id]
    for server_id in (node.settings.backup, node.settings.dbid):
        if server_id is not None and server_id in state.links:
            _remove_link(state, node, server_id)
    state.deadlines.disarm((Timer.NODE, node_id))
    del state.nodes[node_id]


def _apply_pools(state: State, configuration: Configuration) -> None:
    wanted: dict[DialerId, tuple[str, bool]] = {
        DialerId(DialerKind.SWITCH, switch.dbid): (switch.name, switch.dynamic_port_allocation)
        for switch in configuration.switches
    }
    cpd_servers: list[NodeSettings] = [node for node in configuration.nodes if node.is_cpd_server]
    for node in cpd_servers:
        wanted[DialerId(DialerKind.CPD_SERVER, node.dbid)] = (node.name, node.dynamic_port_allocation)
    for dialer, (name, dynamic) in wanted.items():
        pool = state.pools.setdefault(dialer, Pool(dialer, name))
        pool.name, pool.dynamic = name, dynamic


def _forget_pools(state: State, configuration: Configuration) -> None:
    """Pools whose dialer left go when no group and no call needs them any more."""
    dialers = [DialerId(DialerKind.SWITCH, switch.dbid) for switch in configuration.switches]
    dialers += [DialerId(DialerKind.CPD_SERVER, node.dbid) for node in configuration.nodes if node.is_cpd_server]
    dialers += [group.settings.dialer for group in state.groups.values()]
    for dialer, pool in list(state.pools.items()):
        if dialer not in dialers and not pool.used_ports and not pool.stranded:
            del state.pools[dialer]


# --- agents -----------------------------------------------------------------------------------------------------


def _apply_agents(state: State, configuration: Configuration) -> None:
    wanted = {settings.dbid: settings for settings in configuration.agents}
    for settings in wanted.values():
        agent = state.agents.get(settings.dbid)
        if agent is None:
            state.agents[settings.dbid] = Agent(settings, phone=settings.phone)
        else:
            agent.settings = settings
            agent.is_removed = False
    for group_settings in configuration.agent_groups:
        known = state.agent_groups.get(group_settings.dbid)
        if known is None:
            state.agent_groups[group_settings.dbid] = AgentGroup(group_settings)
        else:
            known.settings = group_settings
    members: dict[int, list[int]] = {}
    for group_settings in configuration.agent_groups:
        for agent_id in group_settings.agents:
            members.setdefault(agent_id, []).append(group_settings.dbid)
    for agent_id, agent in state.agents.items():
        _assign_groups(state, agent, tuple(members.get(agent_id, ())))
        if agent_id not in wanted and not agent.is_removed:
            agent.is_removed = True
            log_out(state, agent)
    for agent in [agent for agent in state.agents.values() if _is_forgettable(state, agent)]:
        leave_phone(state, agent)
        del state.agents[agent.agent_id]


def _assign_groups(state: State, agent: Agent, group_ids: tuple[int, ...]) -> None:
    if agent.group_ids == group_ids:
        return
    for group_id in agent.group_ids:
        if group_id not in group_ids:
            group = state.agent_groups[group_id]
            for queue in (group.logged_in, group.working, group.busy, group.free):
                queue.pop(agent.agent_id, None)
    leaves_at_ms = agent.leaves_at_ms
    expect_leave(state, agent, None)
    agent.group_ids = group_ids
    expect_leave(state, agent, leaves_at_ms)
    refile(state, agent)


def _is_forgettable(state: State, agent: Agent) -> bool:
    return (
        agent.is_removed
        and agent.state is AgentState.LOGGED_OUT
        and agent.engaging_id is None
        and agent.call_id is None
        and all(attempt.agent_id != agent.agent_id for attempt in state.attempts.values())
    )


# --- campaign groups --------------------------------------------------------------------------------------------


def _apply_groups(state: State, configuration: Configuration) -> None:
    wanted = {settings.dbid: settings for settings in configuration.campaign_groups}
    for settings in wanted.values():
        group = state.groups.get(settings.dbid)
        if group is None:
            state.groups[settings.dbid] = Group(settings, settings.dialing_mode)
        else:
            _change_group(state, group, settings)
    for group in list(state.groups.values()):
        group.rules.clear()
        if group.group_id not in wanted:
            group.is_removed = True
            if group.is_running:
                stop(state, group)  # which forgets it when it has no calls
            elif group.state is GroupState.STOPPED:
                state.forget_group(group)


def _change_group(state: State, group: Group, settings: CampaignGroup) -> None:
    old = group.settings
    if old.agent_group != settings.agent_group and group.is_running:
        if old.agent_group is not None:
            state.agent_groups[old.agent_group].running.pop(group.group_id, None)
        if settings.agent_group is not None:
            state.agent_groups[settings.agent_group].running[group.group_id] = None
    if old.dialer != settings.dialer:
        state.pools[old.dialer].waiting.pop(group.group_id, None)
    group.settings = settings
    if group.is_running and not group.is_paused and state.deadlines.at((Timer.CALLBACKS, group.group_id)) is None:
        begin(state, group)
    group.is_removed = False
    group.budget.target = settings.overdial_ratio_max
    group.aim.change(settings.aim, settings.aim_value)
    if old.dialing_mode is not settings.dialing_mode:
        group.next_mode = settings.dialing_mode if change_mode(state, group, settings.dialing_mode) else None


def _place_agents_anew(state: State) -> None:
    """Agents held for a group or on a node that is not theirs any more are let go, free ones given who waits."""
    for engaging in list(state.engagings.values()):
        drop_unwilling_leg(state, state.agents[engaging.agent_id])
    for agent in state.agents.values():
        offer_agent(state, agent)
    for group in list(state.groups.values()):
        finish_if_drained(state, group)
