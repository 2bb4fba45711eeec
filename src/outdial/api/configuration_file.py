"""The configuration file of a running server, handed to the API: read, checked, replaced."""

from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from outdial.api.entity_tags import CheckTag


@dataclass(frozen=True, slots=True)
class FileNow:
    """The file as it lies there."""

    text: str
    tag: str
    """Entity tag of its content."""
    is_in_effect: bool
    """The server runs with just this text. False: it was changed and not reloaded."""


class DifferenceView(BaseModel):
    """One object that is not the same in two configurations."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(examples=["campaign-group"])
    dbid: int = Field(description="0: there is only one.", examples=[1])
    name: str = Field(examples=["east"])
    change: str = Field(description="`added`, `removed` or `changed`.", examples=["changed"])
    fields: dict[str, list[Any]] = Field(
        default_factory=dict,
        description="Of a changed object: what it was and what it is, by field of the dialer's settings.",
        examples=[{"ring_ms_max": [25_000, 20_000]}],
    )


class ConfigurationChanges(BaseModel):
    """What a configuration changes against the one in effect."""

    differences: list[DifferenceView]
    notes: list[str] = Field(description="What is allowed, but may not be what was meant.")
    tag: str = Field(description="Entity tag of the text.", examples=['"5f1d7a84c2b9e0d3"'])


class ConfigurationFile(Protocol):
    """The file and what is made of it."""

    async def read(self) -> FileNow:
        """The file as it lies there.

        Raises:
            ConfigError: it cannot be read.
        """
        ...

    async def check(self, text: str) -> ConfigurationChanges:
        """What a text would change; nothing happens.

        Raises:
            ConfigError: mistakes: all of them.
        """
        ...

    async def replace(self, text: str, check_tag: CheckTag) -> ConfigurationChanges:
        """Check a text, put it in the place of the file, keep the old one beside it, and have it take effect.

        Raises:
            ConfigError: mistakes: all of them.
            Problem: what `check_tag` raises.
            OutdialError: nothing has changed.
        """
        ...
