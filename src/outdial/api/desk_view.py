"""What an agent's desktop shows, and whoever knows it.

A desk is small and always told as a whole: who has missed some of them is up to date with the latest, so nothing has to
be kept for slow readers, and a change of one agent is told to that agent's readers only.
"""

from collections.abc import Sequence
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

from outdial.core.units import AgentId, Millis

WATCHERS_MAX = 8
"""Streams that may be open on one desk at once: a few windows, and one that has not been noticed to be gone. Ours."""


class Shown(BaseModel):
    """Something that is shown: never changed, made anew."""

    model_config = ConfigDict(frozen=True)


class DeskGroup(Shown):
    """A campaign group that the agent works for."""

    dbid: int
    name: str
    mode: str = Field(description="Dialing mode.", examples=["preview"])
    state: str = Field(description="Whether it dials.", examples=["running"])


class DeskWord(Shown):
    """What an agent has said of a call."""

    call_result: str | None = Field(description="Name of a result; null: what the call itself came to.")
    callback_at_utc_ms: int | None = Field(default=None, description="When the customer wants to be called back.")
    callback_personal: bool = Field(default=False, description="By this agent.")
    callback_number: str = Field(default="", description="At another number; empty: at the one that was called.")
    note: str = ""
    agent: str = Field(default="", description="Login of who has said it; empty: the agent of this desk.")
    given_utc_ms: int | None = None


class DeskRecord(Shown):
    """Who is called."""

    record_id: int
    list: str = Field(description="Name of the calling list.")
    number: str
    attempts: int = Field(description="Calls to the record before this one.")
    type: str = Field(description="What it is dialed as.", examples=["personal callback"])
    due_utc_ms: int | None = Field(default=None, description="Personal callbacks: since when.")
    fields: dict[str, str] | None = Field(
        default=None, description="Columns of its file; null: not known yet, or the database does not answer."
    )
    said: tuple[DeskWord, ...] = Field(default=(), description="The last words of agents on earlier calls.")


class DeskCall(Shown):
    """The call that the agent is reserved for or on."""

    call_id: int
    group: DeskGroup
    phase: str = Field(
        description="`dialing`, `ringing`, `answered`, `connecting`, `connected`, `ending` or `lost`.",
        examples=["connected"],
    )
    dialed_utc_ms: int
    connected_utc_ms: int | None
    record: DeskRecord
    said: DeskWord | None = Field(default=None, description="What the agent has said of it so far.")


class DeskLastCall(Shown):
    """The call that ended last: something may still be said of it."""

    call_id: int
    group: DeskGroup
    call_result: str = Field(description="What it came to, by itself.")
    ended_utc_ms: int | None
    talk_ms: int | None
    record: DeskRecord
    said: DeskWord | None = None


class DeskOffer(Shown):
    """Preview: a record that the agent may have called."""

    group: DeskGroup
    until_utc_ms: int | None = Field(description="When it is taken back.")
    record: DeskRecord


class DeskNotice(Shown):
    """Something that the agent should know."""

    text: str
    at_utc_ms: int


class Desk(Shown):
    """Everything on one agent's desktop."""

    dbid: int
    login: str
    version: str = Field(description="Changes with every change. The `id` in the stream.")
    now_utc_ms: int = Field(description="The server's clock.")
    state: str = Field(description="What the agent is held for.", examples=["talking"])
    reason: str = Field(description="Why, when there is something to say.", examples=["lunch"])
    since_utc_ms: int
    next_state: str = Field(description="Where the agent goes when the call is over.", examples=["ready"])
    next_reason: str
    ends_utc_ms: int | None = Field(default=None, description="When after-call work ends by itself.")
    phone: str
    phone_state: str = Field(description="What the prime node says of the phone.", examples=["idle"])
    leaves_at_utc_ms: int | None = None
    groups: tuple[DeskGroup, ...]
    call: DeskCall | None = None
    last_call: DeskLastCall | None = None
    offer: DeskOffer | None = None
    notice: DeskNotice | None = None
    may: tuple[str, ...] = Field(
        description="What can be asked for now: `login`, `logout`, `ready`, `not-ready`, `leave`, `disposition`, "
        "`callback`, `dnc`, `hang-up`, `preview`, `accept`, `reject`."
    )


class DeskResult(Shown):
    """A result that an agent may give."""

    name: str = Field(examples=["WRONG_NUMBER"])
    label: str = Field(examples=["Wrong number"])


class DeskChoices(Shown):
    """What the agent may choose from. The same for everybody."""

    not_ready_reasons: tuple[str, ...]
    results: tuple[DeskResult, ...]
    callback_ahead_ms_max: int
    note_characters_max: int


class DeskName(Shown):
    """Whose desk it is."""

    dbid: int
    login: str
    state: str = Field(examples=["ready"])


class TooManyWatchers(Exception):
    """So many streams of one desk are open already."""


class DeskWatch(Protocol):
    """One open stream. The desk counts as looked at until it is closed."""

    async def next(self, after: str | None) -> Desk | None:
        """The desk as soon as it has another version. None: there is no such desktop any more."""
        ...

    def close(self) -> None:
        """Nobody looks through this one any more. A second time does nothing."""
        ...


class Desks(Protocol):
    """The desktops of all agents who have one."""

    def choices(self) -> DeskChoices:
        """What agents may choose from."""
        ...

    def names(self) -> Sequence[DeskName]:
        """Whose desks there are, by DBID."""
        ...

    def has(self, agent_id: AgentId) -> bool:
        """Whether the agent has a desktop: the others are signed in by the server."""
        ...

    def desk(self, agent_id: AgentId) -> Desk:
        """The desk as it is now. `has` must be true."""
        ...

    def touch(self, agent_id: AgentId) -> None:
        """Somebody has looked at the desk, or used it."""
        ...

    def watch(self, agent_id: AgentId) -> DeskWatch:
        """Open a stream.

        Raises:
            TooManyWatchers: see `WATCHERS_MAX`.
        """
        ...

    def is_crowded(self, agent_id: AgentId) -> bool:
        """Whether no further stream may be opened."""
        ...

    def mono_ms_at(self, utc_ms: int) -> Millis:
        """What the dialer's own clock will show at an instant."""
        ...

    def phone_of(self, agent_id: AgentId) -> str:
        """The configured phone of an agent."""
        ...

    def holders(self, phone: str) -> Sequence[AgentId]:
        """Who is logged in with a phone."""
        ...
