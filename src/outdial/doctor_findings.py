"""What `outdial doctor` looks for and what it finds, as values."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field


class Level(enum.StrEnum):
    """How a finding is meant."""

    OK = "ok"
    NOTE = "note"
    """Could not be looked at, or is good to know."""
    WARNING = "warning"
    """Dialing works, but not as well as it should."""
    ERROR = "error"
    """Dialing does not work, wholly or in part."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found."""

    check: str
    level: Level
    text: str
    advice: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the rest of the configuration wants from every server."""

    phones: tuple[str, ...] = ()
    """DNs of the agents' phones."""
    applications: Mapping[str, str] = field(default_factory=dict)
    """IVR applications. Shape: {dialplan context: name of a group that uses it}."""
    plays_messages: bool = False
    """A campaign group has a drop message."""
