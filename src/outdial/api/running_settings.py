"""Settings of a running server, handed to the API: what may be changed, who changed it, and changing it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from outdial.api.entity_tags import CheckTag

Kind = Literal["campaign-group", "campaign"]
Value = str | int | float | bool


class SettingView(BaseModel):
    """One setting."""

    model_config = ConfigDict(frozen=True)

    name: str = Field(examples=["ring_timeout_s"])
    value: Value | None = Field(description="In effect. null: left out.", examples=[20])
    file_value: Value | None = Field(description="What the configuration file says, or the default.", examples=[25])
    unit: str = Field(examples=["seconds"])
    allowed: str = Field(description="What may be written.", examples=["a number 5 … 180"])
    choices: tuple[str, ...] = Field(default=(), description="All that may be written. Empty: `allowed` says what.")
    text: str = Field(description="What it does.")
    overridden_by: str | None = Field(default=None, description="Who changed it. null: nobody.", examples=["user ada"])
    since_utc_ms: int | None = None
    left_out: str | None = Field(
        default=None, description="Why the change has no effect: what the file says now does not allow it."
    )


@dataclass(frozen=True, slots=True)
class ObjectSettings:
    """Settings of one object, and which version of them."""

    tag: str
    """An entity tag."""
    settings: tuple[SettingView, ...]


class RunningSettings(Protocol):
    """The settings of a running server."""

    async def of(self, kind: Kind, dbid: int) -> ObjectSettings | None:
        """What may be changed of an object. None: the configuration file has no such object."""
        ...

    async def change(
        self, kind: Kind, dbid: int, values: Mapping[str, Value | None], by: str, check_tag: CheckTag
    ) -> ObjectSettings:
        """Change settings, or take changes back (None), and have them take effect.

        Raises:
            ConfigError: wrong names or values: all mistakes.
            Problem: what `check_tag` raises, or there is no such object.
            OutdialError: nothing has changed; retriable if the database does not answer.
        """
        ...
