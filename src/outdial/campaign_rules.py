"""Campaigns as the ledger of abandoned calls knows them: also those that the configuration has no more."""

from outdial.config import Loaded
from outdial.config.mistakes import show_value, suggest
from outdial.core.errors import ConfigError
from outdial.core.settings import Campaign, Configuration

LIMIT_PPM = 30_000
"""Limit of a campaign that names none and has no campaign group. Unit: millionths. Source: 16 CFR 310.4(b)(4)(i)."""


class CampaignRules:
    """How each campaign's abandoned calls are counted, and its limit."""

    def __init__(self, configuration: Configuration) -> None:
        """Take in the campaigns of a configuration."""
        self.campaigns = {campaign.dbid: campaign for campaign in configuration.campaigns}
        self._of_group = {group.dbid: group.campaign for group in configuration.campaign_groups}
        self._limits = {campaign.dbid: _limit_ppm(campaign, configuration) for campaign in configuration.campaigns}

    def campaign(self, campaign_id: int) -> Campaign:
        """A campaign; one that the configuration lacks is known by its number."""
        return self.campaigns.get(campaign_id) or Campaign(campaign_id, f"campaign {campaign_id}", ())

    def campaign_of(self, campaign_id: int | None, group_id: int) -> Campaign:
        """The campaign of an attempt; where an older version has not written it down, that of its group now."""
        return self.campaign(campaign_id or self._of_group.get(group_id, 0))

    def limit_ppm(self, campaign_id: int) -> int:
        """Largest share of abandoned calls that is allowed. Unit: millionths."""
        return self._limits.get(campaign_id, LIMIT_PPM)


def campaign_named(loaded: Loaded, name: str) -> Campaign:
    """A campaign of the configuration.

    Raises:
        ConfigError: it has none with this name.
    """
    campaigns = {campaign.name: campaign for campaign in loaded.configuration.campaigns}
    if name in campaigns:
        return campaigns[name]
    hint = suggest(name, campaigns) or f"there are {', '.join(map(show_value, campaigns)) or 'none'}"
    raise ConfigError([f"{loaded.file}: there is no campaign {show_value(name)}; {hint}"])


def _limit_ppm(campaign: Campaign, configuration: Configuration) -> int:
    """Its own, or the strictest of its campaign groups."""
    if campaign.abandonment_limit_ppm is not None:
        return campaign.abandonment_limit_ppm
    groups = (group for group in configuration.campaign_groups if group.campaign == campaign.dbid)
    return min((round(1_000_000 * group.overdial_ratio_max) for group in groups), default=LIMIT_PPM)
