"""Why a campaign group does not dial, an agent gets no calls, a node gets no requests; and what would end that.

From a snapshot and the configuration alone. Every reason that holds is told, the one that has to end first comes first.
"""

from collections import Counter
from dataclasses import dataclass

from outdial.core.agents import AgentState
from outdial.core.groups import GroupState, Hold
from outdial.core.nodes import Admin, NoNodeReason
from outdial.core.reported_states import PhoneState
from outdial.core.settings import AgentGroup, CampaignGroup, Configuration, LoadBalancing
from outdial.core.snapshot import AgentView, GroupView, NodeView, PoolView, Snapshot


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that keeps something from happening."""

    code: str
    """Stable, for programs."""
    text: str
    ends_when: str
    """What would end it."""
    since_utc_ms: int | None = None
    """Since when it holds; None: not known."""


class Reasons:
    """Looks for reasons in one snapshot.

    Attributes:
        snapshot: that one.
    """

    def __init__(self, snapshot: Snapshot, configuration: Configuration) -> None:
        """Look things up later."""
        self.snapshot = snapshot
        self._configuration = configuration
        self._offset_ms = snapshot.utc_ms - snapshot.mono_ms
        self._nodes = {node.node_id: node for node in snapshot.nodes}
        self._agents = {agent.agent_id: agent for agent in snapshot.agents}
        self._groups = {group.group_id: group for group in snapshot.groups}
        self._teams = {team.dbid: team for team in configuration.agent_groups}

    # --- campaign groups ------------------------------------------------------------------------------------------

    def of_group(self, settings: CampaignGroup) -> list[Reason]:
        """Why a campaign group does not dial more now. Empty: it dials as it likes."""
        group = self._groups.get(settings.dbid)
        if group is None:
            return [Reason("not_loaded", "the dialer does not know it yet", "the configuration has taken effect")]
        if group.state == GroupState.STOPPED:
            return [Reason("stopped", "it is stopped", "somebody starts it")]
        if group.state == GroupState.STOPPING:
            calls = group.dialing + group.answered + group.waiting + group.connected
            return [Reason("stopping", f"it was stopped; {calls} calls go on to their end", "somebody starts it")]
        found = []
        for hold in group.holds:
            kind, _, detail = hold.partition(": ")
            found += self._of_hold(Hold(kind), detail, group, settings)
        if not found:
            found = self._of_pacing(group)
        return found

    def _of_hold(self, hold: Hold, detail: str, group: GroupView, settings: CampaignGroup) -> list[Reason]:
        if hold is Hold.PAUSED:
            return [Reason("paused", "an operator has paused it", "somebody resumes it")]
        if hold is Hold.PRIME_LOST:
            text = f"prime node {detail or 'none'} is lost, and with it the word on agents' phones"
            ends = "the prime node is back, or another node is promoted"
            return [Reason("prime_lost", text, ends, self._since_lost(detail))]
        if hold is Hold.DIALER_LOST:
            text = f"all its calls go on node {detail}, which is lost"
            return [Reason("dialer_lost", text, "the node is back", self._since_lost(detail))]
        if hold is Hold.NO_NODE:
            return self._no_node(detail, group)
        if hold is Hold.NO_AGENTS:
            text = f"no agent of {self._team_name(settings)} is logged in"
            return [Reason("no_agents", text, "an agent logs in")]
        if hold is Hold.WAITING_AGENTS:
            return self._no_agent(detail, group, settings)
        if hold is Hold.WAITING_PORTS:
            return self._no_port(detail, group)
        if hold is Hold.WAITING_RECORDS:
            ends = "the store answers" if "store" in detail else "a record becomes due, or more are imported"
            return [Reason("no_records", detail or "no record is in memory", ends)]
        return self._of_pacing(group)

    def _since_lost(self, name: str) -> int | None:
        return next((self._utc(node.since_mono_ms) for node in self._nodes.values() if node.name == name), None)

    def _no_node(self, detail: str, group: GroupView) -> list[Reason]:
        found = [
            reason
            for node in self._nodes.values()
            if group.node_id in (None, node.node_id)
            for reason in self._of_note(node)
        ]
        return found or [Reason("no_node", detail, "a node takes requests again")]

    def _no_agent(self, detail: str, group: GroupView, settings: CampaignGroup) -> list[Reason]:
        if group.mode.is_preview:
            return [Reason("agents_decide", "agents decide when to call", "an agent accepts a record")]
        states = Counter(self._doing(agent) for agent in self._members(settings))
        text = ", ".join(f"{count} {what}" for what, count in states.most_common()) or "none"
        if detail:
            text = f"{detail}; {text}"
        found = [Reason("no_free_agent", f"no agent is free: {text}", "an agent becomes free")]
        return found + (self._of_pacing(group) if group.mode.is_predictive else [])

    def _doing(self, agent: AgentView) -> str:
        """What an agent does, in words; of those who are ready, what their phones say."""
        if agent.state == AgentState.READY and not agent.engaged and agent.phone_state != PhoneState.IDLE:
            return f"ready with the phone {agent.phone_state}"
        return agent.state

    def _members(self, settings: CampaignGroup) -> list[AgentView]:
        team = self._teams.get(settings.agent_group or 0)
        members = team.agents if team is not None else ()
        return [self._agents[agent_id] for agent_id in members if agent_id in self._agents]

    def _team_name(self, settings: CampaignGroup) -> str:
        team = self._teams.get(settings.agent_group or 0)
        return team.name if team is not None else "any agent group"

    def _no_port(self, detail: str, group: GroupView) -> list[Reason]:
        ports, pool = group.ports, self._pool(group)
        text = detail or "there is no port for it"
        limit = "no limit of its own" if ports.maximum_ports is None else f"{ports.maximum_ports} at most"
        text += f"; it uses {ports.used_ports}, {limit}"
        if pool is not None:
            text += f"; pool {pool.name} uses {pool.used_ports} of {pool.ports}"
            if pool.reserved_ports:
                text += f", {pool.reserved_ports} are reserved"
        if ports.reason:
            text += f" ({ports.reason})"
        return [Reason("no_port", text, "a call ends, or its share grows")]

    def _pool(self, group: GroupView) -> PoolView | None:
        return next((pool for pool in self.snapshot.pools if pool.dialer == group.dialer), None)

    def _of_pacing(self, group: GroupView) -> list[Reason]:
        """Enough calls are in flight: what says so."""
        if group.mode.is_preview:
            return []
        if group.mode.is_predictive and group.pacing.startswith("predictive"):
            if not group.decisions:
                return []
            last = group.decisions[-1]
            text = (
                f"{last.pending} calls in flight are expected to bring {last.persons_millis / 1_000:.1f} persons to "
                f"{last.available + last.agents_millis / 1_000:.1f} free agents; one more would find nobody with "
                f"{last.risk_ppm / 10_000:.1f} %, allowed are {last.threshold_ppm / 10_000:.1f} % ({last.why})"
            )
            _, _, note = group.pacing.partition(": ")
            text += f"; {note}" if note else ""
            return [Reason("pacing", text, "a call or a conversation ends", last.at_mono_ms + self._offset_ms)]
        if group.mode.is_predictive:
            why = group.pacing.partition(": ")[2]
            text = f"it does not dial ahead ({why}): each free agent has a call"
            return [Reason("not_ahead", text, "an agent becomes free, or that is over")]
        text = f"{group.dialing + group.answered} calls are in flight for {group.agents_ready} free agents"
        return [Reason("pacing", text, "a call ends, or an agent becomes free")]

    # --- agents ---------------------------------------------------------------------------------------------------

    def of_agent(self, agent: AgentView, groups: list[CampaignGroup]) -> list[Reason]:
        """Why an agent gets no call now.

        Args:
            agent: of the snapshot.
            groups: campaign groups that send their calls to the agent's groups, as far as the asker may know them.
        """
        found = self._of_state(agent)
        if not any(self._is_member(agent, team) for team in self._teams.values()):
            found.append(Reason("no_team", "the agent is in no agent group", "the configuration changes"))
        elif not groups:
            found.append(Reason("no_group", "no campaign group works with the agent's groups", "there is one"))
        running = [group for group in groups if self._is_running(group)]
        if groups and not running:
            names = ", ".join(group.name for group in groups)
            found.append(Reason("not_running", f"no campaign group of the agent's runs ({names})", "one is started"))
        for group in running:
            found += [
                Reason(reason.code, f"{group.name}: {reason.text}", reason.ends_when, reason.since_utc_ms)
                for reason in self.of_group(group)
                if reason.code not in ("no_free_agent", "no_agents")
            ]
        return found

    def groups_of(self, agent: AgentView) -> list[CampaignGroup]:
        """Campaign groups that send calls to an agent."""
        teams = [team.dbid for team in self._teams.values() if self._is_member(agent, team)]
        return [group for group in self._configuration.campaign_groups if group.agent_group in teams]

    def _is_member(self, agent: AgentView, team: AgentGroup) -> bool:
        return agent.agent_id in team.agents

    def _is_running(self, settings: CampaignGroup) -> bool:
        group = self._groups.get(settings.dbid)
        return group is not None and group.state in (GroupState.RUNNING, GroupState.PAUSED)

    def _of_state(self, agent: AgentView) -> list[Reason]:
        since = self._utc(agent.since_mono_ms)
        ends = {
            AgentState.LOGGED_OUT: "the agent logs in",
            AgentState.NOT_READY: "the agent becomes ready",
            AgentState.RESERVED: "the call that is on its way has come to something",
            AgentState.TALKING: "the conversation ends",
            AgentState.AFTER_CALL_WORK: "the agent becomes ready, or the time for it is over",
        }
        state = AgentState(agent.state)
        found = []
        if state in ends:
            code = state.value.replace(" ", "_").replace("-", "_")
            found.append(Reason(code, f"the agent is {state.value}", ends[state], since))
        is_there = state is not AgentState.LOGGED_OUT and state is not AgentState.TALKING
        if is_there and not agent.engaged and agent.phone_state != PhoneState.IDLE:
            found.append(self._of_phone(agent))
        return found

    def _of_phone(self, agent: AgentView) -> Reason:
        text = f"phone {agent.phone or 'none'} is {agent.phone_state}"
        if agent.phone_state == PhoneState.UNKNOWN:
            prime = self.snapshot.prime_node_id
            if prime is None:
                return Reason("phone_unknown", f"{text}: there is no prime node to tell", "the prime node is back")
            text += f": prime node {self._nodes[prime].name} has said nothing of it"
            return Reason("phone_unknown", text, "the prime node tells; does it know this phone?")
        return Reason(f"phone_{agent.phone_state}", text, "the phone is idle")

    # --- nodes ----------------------------------------------------------------------------------------------------

    def of_node(self, node: NodeView) -> list[Reason]:
        """Why a node gets no new requests now. Empty: it gets its part."""
        found = self._of_note(node)
        found += [Reason("all_stopped", stop, "the prime node is back") for stop in self.snapshot.stops]
        ocs = self._configuration.ocs
        settings = next((each for each in self._configuration.nodes if each.dbid == node.node_id), None)
        is_member = node.node_id in ocs.connections
        if settings is not None and not settings.is_cpd_server and not is_member:
            found.append(Reason("not_connected", "it is not among the connections", "the configuration changes"))
        elif is_member and ocs.sip_cluster_lb_mode is LoadBalancing.NONE and not node.is_prime:
            text = "sip-cluster-lb-mode is none: all requests go to the prime node"
            found.append(Reason("not_balanced", text, "the mode changes, or this node is promoted"))
        if not any(self._is_running(group) for group in self._configuration.campaign_groups):
            found.append(Reason("not_running", "no campaign group runs", "one is started"))
        return found

    def _of_note(self, node: NodeView) -> list[Reason]:
        """What the node itself says."""
        if not node.note:
            return []
        name = f"node {node.name}"
        known = {
            "inactive": ("inactive", f"{name} is not connected", "its server answers"),
            NoNodeReason.DRAINING.value: ("draining", f"{name} is drained", "somebody enables it"),
            NoNodeReason.CALL_RATE.value: ("call_rate", f"{name} has had its requests for now", "a moment passes"),
            NoNodeReason.NO_CAPACITY.value: ("full", f"{name} is full with {node.calls} calls", "one of them ends"),
            NoNodeReason.LEFT_OUT.value: ("left_out", f"{name} is left out for its failures", "half a minute passes"),
        }
        code, text, ends = known.get(node.note, ("no_requests", f"{name}: {node.note}", "that changes"))
        since = self._utc(node.since_mono_ms) if code == "inactive" else None
        if node.admin == Admin.DRAINING and code == "inactive":
            ends += ", and somebody enables it"
        return [Reason(code, text, ends, since)]

    def _utc(self, mono_ms: int) -> int:
        return mono_ms + self._offset_ms
