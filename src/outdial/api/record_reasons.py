"""What keeps something from happening, as the API tells it; of records by whoever knows the database."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field


class ReasonView(BaseModel):
    """One thing that keeps something from happening."""

    model_config = ConfigDict(frozen=True)

    code: str = Field(description="Stable, for programs.", examples=["prime_lost"])
    text: str = Field(examples=["prime node north is lost, and with it the word on agents' phones"])
    ends_when: str = Field(
        description="What would end it.", examples=["the prime node is back, or another node is promoted"]
    )
    since_utc_ms: int | None = Field(default=None, description="Since when it holds. null: not known.")
    until_utc_ms: int | None = Field(default=None, description="When it ends by itself. null: not known, or never.")
    group: str | None = Field(default=None, description="Campaign group whose rules say so. null: whoever dials.")


class WhyView(BaseModel):
    """Every reason about one thing. None: nothing keeps it."""

    model_config = ConfigDict(frozen=True)

    kind: str = Field(description="`group`, `agent`, `node` or `record`.", examples=["group"])
    dbid: int = Field(description="DBID; of a record its number.", examples=[1])
    name: str = Field(description="Of a record: its telephone number.", examples=["east"])
    state: str = Field(examples=["running"])
    reasons: list[ReasonView]


class RecordReasons(Protocol):
    """What is known of records, handed to the API."""

    async def why(self, which: str, campaigns: frozenset[str] | None) -> list[WhyView]:
        """Why records are not dialed now.

        Args:
            which: a record's number, or a telephone number.
            campaigns: names of those that exist for the asker; None: all. Records of other lists do not exist.

        Raises:
            OutdialError: the database does not answer.
        """
        ...
