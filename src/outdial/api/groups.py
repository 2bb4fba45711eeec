"""Campaign groups: how they stand, starting, stopping, dialing modes."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Caller, Operator, Reader
from outdial.api.board import GroupBoard
from outdial.api.dialer import demand
from outdial.api.parts import ApiParts
from outdial.api.problems import not_found
from outdial.core.events import (
    GroupModeChangeRequested,
    GroupPauseRequested,
    GroupResumeRequested,
    GroupStartRequested,
    GroupStopRequested,
)
from outdial.core.modes import DialingMode
from outdial.core.units import GroupId

GroupDbid = Annotated[GroupId, Path(ge=1, le=2**31 - 1, description="DBID of the campaign group.", examples=[1])]


class GroupsView(BaseModel):
    """Campaign groups."""

    groups: list[GroupBoard]


class ModeChange(BaseModel):
    """Another dialing mode."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"mode": "progressive"}]})

    mode: DialingMode = Field(
        description="A running group may change within its family only: between progressive and predictive."
    )


def visible_group(parts: ApiParts, caller: Caller, dbid: GroupId) -> GroupBoard:
    """A campaign group that exists for the caller.

    Raises:
        Problem: there is none.
    """
    group = parts.board.group(dbid)
    if group is None or not caller.may_see(group.campaign.name):
        raise not_found(f"campaign group {dbid}")
    return group


def router(parts: ApiParts) -> APIRouter:
    """Routes under `/groups`."""
    routes = APIRouter(prefix="/groups", tags=["campaign groups"])

    async def changed(caller: Caller, action: str, before: GroupBoard) -> GroupBoard:
        after = visible_group(parts, caller, before.dbid)
        told = {"state", "mode"}
        await parts.audit.note(
            caller,
            action,
            f"campaign-group {before.dbid}",
            before.model_dump(include=told),
            after.model_dump(include=told),
        )
        return after

    @routes.get("", summary="All campaign groups")
    async def list_groups(caller: Reader) -> GroupsView:
        return GroupsView(groups=list(parts.board.current().seen_by(caller.campaigns).groups))

    @routes.get("/{dbid}", summary="One campaign group")
    async def get_group(dbid: GroupDbid, caller: Reader) -> GroupBoard:
        return visible_group(parts, caller, dbid)

    @routes.post("/{dbid}/start", summary="Start dialing")
    async def start_group(dbid: GroupDbid, caller: Operator) -> GroupBoard:
        before = visible_group(parts, caller, dbid)
        await demand(parts.dialer, lambda number: GroupStartRequested(number, dbid))
        return await changed(caller, "group.start", before)

    @routes.post("/{dbid}/stop", summary="Stop dialing; calls in progress end by themselves")
    async def stop_group(dbid: GroupDbid, caller: Operator) -> GroupBoard:
        before = visible_group(parts, caller, dbid)
        await demand(parts.dialer, lambda number: GroupStopRequested(number, dbid))
        return await changed(caller, "group.stop", before)

    @routes.post(
        "/{dbid}/pause", summary="Dial nothing new for a while; calls in progress go on, ports and agents stay"
    )
    async def pause_group(dbid: GroupDbid, caller: Operator) -> GroupBoard:
        before = visible_group(parts, caller, dbid)
        await demand(parts.dialer, lambda number: GroupPauseRequested(number, dbid))
        return await changed(caller, "group.pause", before)

    @routes.post("/{dbid}/resume", summary="Take back a pause")
    async def resume_group(dbid: GroupDbid, caller: Operator) -> GroupBoard:
        before = visible_group(parts, caller, dbid)
        await demand(parts.dialer, lambda number: GroupResumeRequested(number, dbid))
        return await changed(caller, "group.resume", before)

    @routes.post("/{dbid}/mode", summary="Change the dialing mode")
    async def change_mode(dbid: GroupDbid, change: ModeChange, caller: Operator) -> GroupBoard:
        before = visible_group(parts, caller, dbid)
        await demand(parts.dialer, lambda number: GroupModeChangeRequested(number, dbid, change.mode))
        return await changed(caller, "group.mode", before)

    return routes
