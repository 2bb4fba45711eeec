"""Calling lists: what they have, making their finished records ready again, exporting them."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Operator, Reader
from outdial.api.audit import Audit
from outdial.api.problems import not_found
from outdial.core.units import ListId

ListDbid = Annotated[ListId, Path(ge=1, le=2**31 - 1, description="DBID of the calling list.", examples=[1])]

FinishedStatus = Literal["updated", "cancelled", "chain-updated", "agent-error", "missed-callback"]


class FileRead(BaseModel):
    """A file that was read into a list."""

    file: str = Field(description="Its name; empty: records without a file.", examples=["leads.csv"])
    lines: int = Field(description="Lines that were read.", examples=[10_000])
    records: int = Field(description="Records that they brought.", examples=[9_950])
    finished_utc_ms: int | None = Field(description="When it was read to its end. Null: not yet.")


class ListView(BaseModel):
    """A calling list at a glance."""

    dbid: int = Field(examples=[1])
    name: str = Field(examples=["customers"])
    campaigns: list[str] = Field(description="Campaigns that dial it.", examples=[["spring"]])
    records: int = Field(description="All of its records.", examples=[9_950])
    by_status: dict[str, int] = Field(
        description="Records by status, those there are.", examples=[{"ready": 9_000, "updated": 950}]
    )
    due: int = Field(description="Customers that are due now; a record without a chain is one.", examples=[8_990])
    waiting: int = Field(description="Customers that become due later.", examples=[10])
    next_due_utc_ms: int | None = Field(description="When the next of these becomes due. Null: none waits.")
    claimed: int = Field(description="Customers that a server has at the moment.", examples=[40])
    counted_utc_ms: int = Field(description="When this was counted; it may be some seconds old.")
    files: list[FileRead]


class ListsView(BaseModel):
    """Calling lists."""

    lists: list[ListView]
    next_cursor: None = Field(default=None, description="Always null: all lists are on one page.")


class ResetWanted(BaseModel):
    """Which finished records are to be called again."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"sure": True, "statuses": ["updated"]}]}
    )

    sure: Literal[True] = Field(description="Yes, these people will be called again.")
    statuses: list[FinishedStatus] | None = Field(
        default=None, min_length=1, max_length=5, description="Only records of these statuses. Null: all finished ones."
    )


class ResetView(BaseModel):
    """What a reset has done."""

    list_dbid: int
    records: int = Field(description="Records that are ready again.", examples=[950])


class Lists(Protocol):
    """The calling lists of a running server. `campaigns`: what the caller may see; None: everything."""

    async def all(self, campaigns: frozenset[str] | None) -> list[ListView]:
        """Those that the caller may see."""
        ...

    async def one(self, dbid: ListId, campaigns: frozenset[str] | None) -> ListView | None:
        """One of them. None: there is none."""
        ...

    async def reset(
        self, dbid: ListId, campaigns: frozenset[str] | None, statuses: list[FinishedStatus] | None
    ) -> int | None:
        """Make finished records ready again. Returns how many. None: there is no such list.

        Raises:
            OutdialError: it cannot be done now.
        """
        ...

    async def export(self, dbid: ListId, campaigns: frozenset[str] | None) -> AsyncIterator[str] | None:
        """The list as CSV, some lines at a time. None: there is no such list."""
        ...


CSV_RESPONSE = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "CSV, UTF-8."}}


def csv_response(content: AsyncIterator[str], name: str) -> StreamingResponse:
    """An answer as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(content, media_type="text/csv; charset=utf-8", headers=headers)


def router(lists: Lists, audit: Audit) -> APIRouter:
    """Routes under `/lists` about lists as a whole."""
    routes = APIRouter(prefix="/lists", tags=["calling lists"])

    @routes.get("", summary="All calling lists")
    async def list_lists(caller: Reader) -> ListsView:
        return ListsView(lists=await lists.all(caller.campaigns))

    @routes.get("/{dbid}", summary="One calling list")
    async def get_list(dbid: ListDbid, caller: Reader) -> ListView:
        found = await lists.one(dbid, caller.campaigns)
        if found is None:
            raise not_found(f"calling list {dbid}")
        return found

    @routes.post("/{dbid}/reset", summary="Make finished records ready again; they keep the count of their attempts")
    async def reset_list(dbid: ListDbid, wanted: ResetWanted, caller: Operator) -> ResetView:
        count = await lists.reset(dbid, caller.campaigns, wanted.statuses)
        if count is None:
            raise not_found(f"calling list {dbid}")
        said = {"statuses": wanted.statuses, "records": count}
        await audit.note(caller, "list.reset", f"calling-list {dbid}", None, said)
        return ResetView(list_dbid=dbid, records=count)

    @routes.get(
        "/{dbid}/export",
        summary="Every record of a list, as CSV",
        response_class=StreamingResponse,
        responses=CSV_RESPONSE,  # type: ignore[arg-type]
    )
    async def export_list(dbid: ListDbid, caller: Reader) -> StreamingResponse:
        content = await lists.export(dbid, caller.campaigns)
        if content is None:
            raise not_found(f"calling list {dbid}")
        return csv_response(content, f"list-{dbid}.csv")

    return routes
