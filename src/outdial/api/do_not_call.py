"""Do-not-call lists: what they have, whether somebody is on one, who is put on and taken off.

A caller who may see only some campaigns sees the lists that count for these, and may put numbers on them. Taking
numbers off could have people called by others, so that needs a caller who sees everything. Who has put which number on
a list, and who has taken it off, is in the list itself; the audit has how many.
"""

from typing import Annotated, Protocol

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Caller, Operator, Reader
from outdial.api.audit import Audit
from outdial.api.imports import ListName
from outdial.api.problems import Problem

NUMBERS_MAX = 10_000
"""Numbers of one request; more come as a file."""
CHECKED_MAX = 100
ENTRY = "A telephone number, or a customer as `customer:ID`."
Entry = Annotated[str, Field(min_length=1, max_length=120)]
Numbers = Annotated[
    list[Entry], Query(alias="number", min_length=1, max_length=CHECKED_MAX, description=f"{ENTRY} Repeatable.")
]


class DoNotCallListView(BaseModel):
    """A do-not-call list of the database."""

    name: str = Field(examples=["internal"])
    numbers: int = Field(examples=[1_200])
    oldest_utc_ms: int = Field(description="When a file or a command last had the number of which that is longest ago.")
    latest_utc_ms: int = Field(description="When one last had any of them.")
    age_days: int = Field(description="Days since the former.", examples=[3])
    days_max: int | None = Field(description="How old the copy of a registry may be. Null: it is none.", examples=[31])
    too_old: bool = Field(description="It is the copy of a registry, and older than that may be.")


class DoNotCallView(BaseModel):
    """All do-not-call lists."""

    lists: list[DoNotCallListView]
    in_configuration: int = Field(description="Numbers that the configuration itself has.")
    notes: list[str] = Field(description="What the operator should know.")
    next_cursor: None = Field(default=None, description="Always null: all lists are on one page.")


class EntryView(BaseModel):
    """One entry of a list, as it is or was."""

    list_name: str = Field(examples=["internal"])
    on: bool = Field(description="Whether it counts now.")
    reason: str
    added_by: str
    added_utc_ms: int
    seen_utc_ms: int = Field(description="When a file or a command had it last.")
    expires_utc_ms: int | None
    removed_by: str | None
    removed_utc_ms: int | None


class CheckedView(BaseModel):
    """Whether somebody is on a do-not-call list."""

    number: str = Field(description="As lists have it, without a +.", examples=["15550100"])
    on_a_list: bool
    in_configuration: bool
    entries: list[EntryView]


class ChecksView(BaseModel):
    """Whether numbers are on do-not-call lists, in the order in which they were asked for."""

    numbers: list[CheckedView]


class NewNumbers(BaseModel):
    """Numbers that are to come onto a list."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"numbers": ["+15550100"], "reason": "asked by letter"}]},
    )

    numbers: list[Entry] = Field(min_length=1, max_length=NUMBERS_MAX, description=f"{ENTRY} More: as a file.")
    reason: str = Field(default="", max_length=200, description="Why, for whoever asks later.")
    until_utc_ms: int | None = Field(
        default=None, ge=1, le=2**53 - 1, description="They may be called again from then on. Null: never."
    )


class AddedNumbersView(BaseModel):
    """What was put on a list."""

    list_name: str
    numbers: int = Field(description="Different numbers of the request.")
    added: int = Field(description="Those that were not on it.")


class RemovedNumbersView(BaseModel):
    """What was taken off a list."""

    list_name: str
    numbers: int = Field(description="Different numbers of the request.")
    removed: int = Field(description="Those that were on it.")


class DoNotCall(Protocol):
    """The do-not-call lists of a running server. `campaigns`: what the caller may see; None: everything."""

    async def lists(self, campaigns: frozenset[str] | None) -> DoNotCallView:
        """All lists that count for the caller's campaigns."""
        ...

    async def check(self, numbers: list[str], campaigns: frozenset[str] | None) -> ChecksView:
        """Look numbers up.

        Raises:
            Problem: 422, what is no number: all of it.
        """
        ...

    async def add(self, name: str, new: NewNumbers, caller: Caller) -> AddedNumbersView:
        """Put numbers on a list.

        Raises:
            Problem: as above.
        """
        ...

    async def remove(self, name: str, numbers: list[str], caller: Caller) -> RemovedNumbersView:
        """Take numbers off a list.

        Raises:
            Problem: as above.
        """
        ...


def sees_everything(caller: Caller) -> None:
    """Refuse callers who may see only some campaigns.

    Raises:
        Problem: 403.
    """
    if caller.campaigns is not None:
        raise Problem(403, "forbidden", f"{caller.name} may see some campaigns only; this concerns them all")


def router(do_not_call: DoNotCall, audit: Audit) -> APIRouter:
    """Routes under `/dnc`."""
    routes = APIRouter(prefix="/dnc", tags=["do-not-call lists"])

    @routes.get("", summary="All do-not-call lists, and how old they are")
    async def list_do_not_call(caller: Reader) -> DoNotCallView:
        return await do_not_call.lists(caller.campaigns)

    @routes.get("/check", summary="Whether numbers are on a do-not-call list, since when and why")
    async def check_numbers(numbers: Numbers, caller: Reader) -> ChecksView:
        return await do_not_call.check(numbers, caller.campaigns)

    @routes.post("/{name}/numbers", summary="Put numbers on a list; calls to them stop within about a second")
    async def add_numbers(name: ListName, new: NewNumbers, caller: Operator) -> AddedNumbersView:
        added = await do_not_call.add(name, new, caller)
        said = {"numbers": added.numbers, "added": added.added, "until_utc_ms": new.until_utc_ms}
        await audit.note(caller, "do-not-call.add", f"do-not-call list {name}", None, said)
        return added

    @routes.delete("/{name}/numbers", summary="Take numbers off a list; that they were on it is kept")
    async def remove_numbers(name: ListName, numbers: Numbers, caller: Operator) -> RemovedNumbersView:
        sees_everything(caller)
        removed = await do_not_call.remove(name, numbers, caller)
        said = {"numbers": removed.numbers, "removed": removed.removed}
        await audit.note(caller, "do-not-call.remove", f"do-not-call list {name}", said, None)
        return removed

    return routes
