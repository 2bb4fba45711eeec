"""Names of configuration objects by number: the core speaks in numbers, people in names."""

from outdial.core.settings import Configuration, DialerId, DialerKind
from outdial.core.units import AgentId, GroupId, ListId, NodeId, ServerId


class Names:
    """Looks names up; what the configuration no longer has is named by its kind and number.

    Attributes:
        teams: agents by their agent groups. Shape: ((name of the group, or names with a plus between, agents), …).
    """

    def __init__(self, configuration: Configuration) -> None:
        """Read the names of one configuration."""
        self._groups = {group.dbid: group.name for group in configuration.campaign_groups}
        self._campaigns = {campaign.dbid: campaign.name for campaign in configuration.campaigns}
        self._lists = {calling_list.dbid: calling_list.name for calling_list in configuration.calling_lists}
        self._nodes = {node.dbid: node.name for node in configuration.nodes}
        self._agents = {agent.dbid: agent.login for agent in configuration.agents}
        self.teams = _teams(configuration)
        self._switches = {switch.dbid: switch.name for switch in configuration.switches}
        self._servers = dict(self._nodes)
        self._node_of_server = {node.dbid: node.dbid for node in configuration.nodes}
        for node in configuration.nodes:
            if node.backup is not None:
                self._servers[node.backup] = node.backup_name or f"backup of {node.name}"
                self._node_of_server[node.backup] = node.dbid

    def group(self, group_id: GroupId) -> str:
        """Name of a campaign group."""
        return self._groups.get(group_id, f"group {group_id}")

    def campaign(self, campaign_id: int) -> str:
        """Name of a campaign."""
        return self._campaigns.get(campaign_id, f"campaign {campaign_id}")

    def calling_list(self, list_id: ListId) -> str:
        """Name of a calling list."""
        return self._lists.get(list_id, f"list {list_id}")

    def node(self, node_id: NodeId) -> str:
        """Name of a node: that of its primary application."""
        return self._nodes.get(node_id, f"node {node_id}")

    def server(self, server_id: ServerId) -> str:
        """Name of an application, primary or backup."""
        return self._servers.get(server_id, f"server {server_id}")

    def node_of_server(self, server_id: ServerId) -> NodeId | None:
        """Node that an application belongs to."""
        return self._node_of_server.get(server_id)

    def agent(self, agent_id: AgentId | None) -> str:
        """Login of an agent; empty for nobody."""
        return "" if agent_id is None else self._agents.get(agent_id, f"agent {agent_id}")

    def dialer(self, dialer: DialerId) -> str:
        """Name of the switch or CPD server that owns a pool."""
        names = self._switches if dialer.kind is DialerKind.SWITCH else self._nodes
        return names.get(dialer.dbid, f"{dialer.kind.value} {dialer.dbid}")


def _teams(configuration: Configuration) -> tuple[tuple[str, tuple[AgentId, ...]], ...]:
    """Who is in which agent group; those who are in several form a team of their own."""
    groups: dict[AgentId, list[str]] = {}
    for group in configuration.agent_groups:
        for agent_id in group.agents:
            groups.setdefault(agent_id, []).append(group.name)
    teams: dict[str, list[AgentId]] = {}
    for agent_id, names in groups.items():
        teams.setdefault("+".join(names), []).append(agent_id)
    return tuple((name, tuple(agents)) for name, agents in teams.items())
