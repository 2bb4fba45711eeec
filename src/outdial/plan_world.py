"""The world of one point of a plan: the scenario with what the point says changed, and nothing else.

Agents who are added get new numbers, so that those of the scenario keep their own luck; agents who are left out stay at
work if they belong to another agent group too.
"""

from dataclasses import replace
from decimal import Decimal

from outdial.config.loaded import Loaded
from outdial.core.modes import DialingMode
from outdial.core.settings import Agent, CampaignGroup, Configuration, DialerKind
from outdial.core.units import SECOND_MS, GroupId, Millis
from outdial.plan_sweep import Point, value_text
from outdial.sim.settings import CalleeKind, CalleeSettings, WorldSettings


def group_to_plan(configuration: Configuration, name: str | None) -> CampaignGroup | None:
    """The campaign group of that name; without a name the first predictive one, or the only one."""
    groups = configuration.campaign_groups
    if name is not None:
        return next((group for group in groups if group.name == name), None)
    predictive = [group for group in groups if group.dialing_mode.is_predictive]
    return predictive[0] if predictive else groups[0] if len(groups) == 1 else None


def refusals(loaded: Loaded, settings: WorldSettings, group: CampaignGroup, names: list[str]) -> list[str]:
    """Why some names cannot be varied for a campaign group; empty: all of them can."""
    mode, found = group.dialing_mode, []
    if "agents" in names and group.agent_group is None:
        found.append(f"--vary agents: {group.name} has no agent group")
    if "abandonment" in names and not mode.is_predictive:
        found.append(f"--vary abandonment: {group.name} dials {mode}, and only predictive modes steer by abandonment")
    if "talk-s" in names and (mode is DialingMode.POWER_GVP and group.agent_group is None):
        found.append(f"--vary talk-s: {group.name} has no agents to talk with")
    if "ports" in names and group.dialer.kind is DialerKind.SWITCH and _reports_ports(loaded, settings, group):
        found.append("--vary ports: servers report their own `total-ports`, so `channel_num` has no effect")
    return found


def _reports_ports(loaded: Loaded, settings: WorldSettings, group: CampaignGroup) -> bool:
    named = dict(settings.nodes)
    return any(
        named.get(node.dbid, settings.node).reports_total_ports
        for node in loaded.configuration.nodes
        if node.switch == group.dialer.dbid
    )


def world_of(
    configuration: Configuration, settings: WorldSettings, group: CampaignGroup, point: Point, duration_ms: Millis
) -> tuple[Configuration, WorldSettings]:
    """The configuration and the world of one point.

    Args:
        configuration: that of the scenario.
        settings: the world of the scenario.
        group: the campaign group that is planned; it is started whatever the scenario says.
        point: what is changed.
        duration_ms: how long it dials.
    """
    started = settings.groups_to_start
    if started is not None and group.dbid not in started:
        settings = replace(settings, groups_to_start=(*started, group.dbid))
    settings = replace(settings, duration_ms=duration_ms, cool_down_ms=0)
    for name, value in point:
        if name == "agents":
            configuration = _with_agents(configuration, group, int(value))
        elif name == "ports":
            configuration = _with_ports(configuration, group, int(value))
        elif name == "abandonment":
            configuration = _with_group(configuration, replace(group, overdial_ratio_max=float(value / 100)))
        elif name == "hit-rate":
            settings = replace(settings, callees=_with_hit_rate(settings.callees, float(value / 100)))
        else:
            settings = replace(settings, callees=_with_talk(settings.callees, group.dbid, value))
    return configuration, settings


def _with_agents(configuration: Configuration, group: CampaignGroup, count: int) -> Configuration:
    [team] = [team for team in configuration.agent_groups if team.dbid == group.agent_group]
    others = {agent_id for other in configuration.agent_groups if other is not team for agent_id in other.agents}
    kept = team.agents[:count]
    left_out = set(team.agents[count:]) - others
    free = max((agent.dbid for agent in configuration.agents), default=0) + 1
    added = tuple(Agent(free + n, f"plan-{n + 1}", f"plan-{n + 1}") for n in range(count - len(kept)))
    return replace(
        configuration,
        agents=tuple(agent for agent in configuration.agents if agent.dbid not in left_out) + added,
        agent_groups=tuple(
            replace(team, agents=kept + tuple(agent.dbid for agent in added)) if other is team else other
            for other in configuration.agent_groups
        ),
    )


def _with_ports(configuration: Configuration, group: CampaignGroup, ports: int) -> Configuration:
    dialer = group.dialer
    if dialer.kind is DialerKind.SWITCH:
        switches = tuple(
            replace(switch, channel_num=ports) if switch.dbid == dialer.dbid else switch
            for switch in configuration.switches
        )
        return replace(configuration, switches=switches)
    nodes = tuple(replace(node, ports=ports) if node.dbid == dialer.dbid else node for node in configuration.nodes)
    return replace(configuration, nodes=nodes)


def _with_group(configuration: Configuration, group: CampaignGroup) -> Configuration:
    groups = tuple(group if other.dbid == group.dbid else other for other in configuration.campaign_groups)
    return replace(configuration, campaign_groups=groups)


def _with_hit_rate(callees: CalleeSettings, ratio: float) -> CalleeSettings:
    """Persons get this share; the other kinds keep their proportions, and nobody answers if there are none."""
    others = [(kind, weight) for kind, weight in callees.shares if kind is not CalleeKind.PERSON and weight > 0]
    others = others or [(CalleeKind.NO_ANSWER, 1.0)]
    total = sum(weight for _, weight in others)
    rest = tuple((kind, (1 - ratio) * weight / total) for kind, weight in others)
    return replace(callees, shares=((CalleeKind.PERSON, ratio), *(share for share in rest if share[1] > 0)))


def _with_talk(callees: CalleeSettings, group_id: GroupId, talk_s: Decimal) -> CalleeSettings:
    others = tuple(entry for entry in callees.talk_ms_mean_by_group if entry[0] != group_id)
    talk = (group_id, round(talk_s * SECOND_MS))
    return replace(callees, talk_ms_mean_by_group=(*others, talk))


def port_limit_note(group: CampaignGroup, point: Point) -> str:
    """What else limits the ports of a group whose pool is varied; empty: nothing."""
    pool = next((value for name, value in point if name == "ports"), None)
    limit = group.number_of_cpd_ports
    if pool is None or not 0 < limit < pool:
        return ""
    return f"{group.name} has a limit of its own, number-of-cpd-ports = {limit}, below {value_text(pool)} ports"
