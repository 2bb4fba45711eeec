"""What exists for a caller who may see only some campaigns. `campaigns`: their names; None: everything exists."""

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
