"""Settings that an operator has changed at run time, on top of the configuration file.

They are in the database, apart for every server, and are laid over the file each time it is read: at the start, at
every reload, when the file is replaced. So a change outlives both, until somebody takes it back. Ours (decision 0028).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Value = str | int | float | bool

CAMPAIGN_GROUP = "campaign-group"
CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Which setting of which object."""

    kind: str
    """`campaign-group` or `campaign`: a table of the configuration file."""
    dbid: int
    name: str
    """The option, with `_`; the weight of a calling list in a campaign is `weights.` and the list's DBID."""


@dataclass(frozen=True, slots=True)
class Override:
    """One setting, what it is to be, and whose word that is."""

    place: Place
    value: Value
    changed_by: str
    changed_utc_ms: int


class OverrideStore(Protocol):
    """What every store does for settings that are changed at run time."""

    async def setting_overrides(self, server: str) -> tuple[Override, ...]:
        """Changed settings of one server, by kind, DBID and name."""
        ...

    async def change_settings(self, server: str, kept: Sequence[Override], taken_back: Sequence[Place]) -> None:
        """Keep changed settings, in the place of earlier ones, and forget others; all in one transaction."""
        ...
