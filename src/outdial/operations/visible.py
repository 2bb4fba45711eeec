"""What exists for a caller who may see only some campaigns. `campaigns`: their names; None: everything exists."""

from dataclasses import replace

from outdial.core.settings import CallingList, Campaign, CampaignGroup, Configuration
from outdial.core.units import GroupId, ListId


def campaigns_for(configuration: Configuration, campaigns: frozenset[str] | None) -> list[Campaign]:
    """Campaigns that the caller may see."""
    return [one for one in configuration.campaigns if campaigns is None or one.name in campaigns]


def groups_for(configuration: Configuration, campaigns: frozenset[str] | None) -> list[CampaignGroup]:
    """Campaign groups of these."""
    dbids = [one.dbid for one in campaigns_for(configuration, campaigns)]
    return [group for group in configuration.campaign_groups if group.campaign in dbids]


def lists_for(configuration: Configuration, campaigns: frozenset[str] | None) -> list[CallingList]:
    """Calling lists that these dial."""
    if campaigns is None:
        return list(configuration.calling_lists)
    dialed = {list_id for one in campaigns_for(configuration, campaigns) for list_id, _ in one.lists}
    return [one for one in configuration.calling_lists if one.dbid in dialed]


def list_for(configuration: Configuration, dbid: ListId, campaigns: frozenset[str] | None) -> CallingList | None:
    """One of them. None: it does not exist for the caller."""
    return next((one for one in lists_for(configuration, campaigns) if one.dbid == dbid), None)


def group_for(configuration: Configuration, dbid: GroupId, campaigns: frozenset[str] | None) -> CampaignGroup | None:
    """One of the groups. None: it does not exist for the caller."""
    return next((one for one in groups_for(configuration, campaigns) if one.dbid == dbid), None)


def seen_configuration(configuration: Configuration, campaigns: frozenset[str] | None) -> Configuration:
    """The configuration without what belongs to other campaigns: nobody is told names that do not exist for them."""
    if campaigns is None:
        return configuration
    groups = groups_for(configuration, campaigns)
    teams = {group.agent_group for group in groups}
    agent_groups = tuple(one for one in configuration.agent_groups if one.dbid in teams)
    agents = {agent_id for one in agent_groups for agent_id in one.agents}
    return replace(
        configuration,
        campaigns=tuple(campaigns_for(configuration, campaigns)),
        campaign_groups=tuple(groups),
        calling_lists=tuple(lists_for(configuration, campaigns)),
        agent_groups=agent_groups,
        agents=tuple(one for one in configuration.agents if one.dbid in agents),
    )
