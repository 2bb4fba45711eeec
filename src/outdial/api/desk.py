"""An agent's desktop over HTTP: what it shows, once or as it changes.

Who acts as an agent has that agent's desk; operators have those of agents who work for campaigns that exist for them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from outdial.api.access import Caller, Scope, needs
from outdial.api.desk_view import WATCHERS_MAX, Desk, DeskChoices, DeskName, Desks, TooManyWatchers
from outdial.api.event_stream import HEADERS, LAST_ID_CHARACTERS_MAX, RETRY_MS, silence_s
from outdial.api.parts import ApiParts
from outdial.api.problems import MEDIA_TYPE, Problem, ProblemView, not_found
from outdial.core.settings import Configuration
from outdial.core.units import AgentId

HEARTBEAT_S = 10.0
"""Longest silence. Unit: seconds. Origin: a page that is cut off is noticed by what it does not acknowledge."""
ABOUT_RECORDS = frozenset({"disposition", "callback", "dnc", "hang-up", "accept", "reject"})
"""Acts that are about a record on the desk."""
RETRY_AFTER_S = 10
"""When somebody with too many streams may try again. Unit: seconds."""

AtDesk = Annotated[Caller, Depends(needs(Scope.AGENT, Scope.OPERATE))]
AgentDbid = Annotated[AgentId, Path(ge=1, le=2**31 - 1, description="DBID of the agent.", examples=[1])]


class DeskPage(BaseModel):
    """A desk, and what its agent may choose from."""

    desk: Desk
    choices: DeskChoices


class DesksView(BaseModel):
    """Whose desks there are."""

    desks: list[DeskName]


class DeskDoor:
    """Says who may sit at which desk."""

    def __init__(self, parts: ApiParts) -> None:
        """Nobody has asked yet."""
        self._parts = parts
        self._configuration: Configuration | None = None
        self._campaigns: dict[AgentId, frozenset[str]] = {}
        """Campaigns that agents work for."""

    def desks(self, caller: Caller, dbid: AgentId) -> Desks:
        """The desks, one of which the caller may see and use.

        Raises:
            Problem: 404, there is no such agent for the caller; 409, the agent has no desktop.
        """
        configuration = self._follow()
        if not self._may_use(caller, dbid):
            raise not_found(f"agent {dbid}")
        desks = self._parts.desks
        if desks is not None and desks.has(dbid):
            return desks
        if not any(agent.dbid == dbid for agent in configuration.agents):
            raise not_found(f"agent {dbid}")
        wrong = f"agent {dbid} has no desktop: the server signs them in, as their agent groups have sign-in phone"
        raise Problem(409, "no_desktop", wrong)

    def shown(self, caller: Caller, desk: Desk) -> Desk:
        """A desk as the caller may see it: of an agent who works for others, too, without what belongs to those."""
        visible = self.visible_groups(caller, desk.dbid)
        if visible is None:
            return desk
        hidden: dict[str, object] = {
            name: None
            for name, each in (("call", desk.call), ("last_call", desk.last_call), ("offer", desk.offer))
            if each is not None and each.group.dbid not in visible
        }
        groups = tuple(group for group in desk.groups if group.dbid in visible)
        may = tuple(act for act in desk.may if not hidden or act not in ABOUT_RECORDS)
        return desk.model_copy(update={"groups": groups, "may": may, **hidden})

    def visible_groups(self, caller: Caller, dbid: AgentId) -> set[int] | None:
        """Campaign groups of which somebody may see an agent's calls. None: all; so may agents their own."""
        configuration = self._follow()
        if caller.campaigns is None or self._is_own(caller, dbid):
            return None
        visible = {campaign.dbid for campaign in configuration.campaigns if caller.may_see(campaign.name)}
        return {group.dbid for group in configuration.campaign_groups if group.campaign in visible}

    def names(self, caller: Caller) -> list[DeskName]:
        """Desks that exist for the caller."""
        self._follow()
        desks = self._parts.desks
        names = () if desks is None else desks.names()
        return [name for name in names if self._may_use(caller, name.dbid)]

    def _follow(self) -> Configuration:
        configuration = self._parts.dialer.configuration
        if configuration is not self._configuration:
            self._configuration, self._campaigns = configuration, _campaigns_of(configuration)
        return configuration

    def _may_use(self, caller: Caller, dbid: AgentId) -> bool:
        return self._is_own(caller, dbid) or self._may_operate(caller, dbid)

    def _is_own(self, caller: Caller, dbid: AgentId) -> bool:
        return Scope.AGENT in caller.scopes and caller.agent_id == dbid

    def _may_operate(self, caller: Caller, dbid: AgentId) -> bool:
        if Scope.OPERATE not in caller.scopes:
            return False
        if caller.campaigns is None:
            return True
        return not caller.campaigns.isdisjoint(self._campaigns.get(dbid, frozenset()))


def _campaigns_of(configuration: Configuration) -> dict[AgentId, frozenset[str]]:
    names = {campaign.dbid: campaign.name for campaign in configuration.campaigns}
    teams: dict[int, set[str]] = {}
    for group in configuration.campaign_groups:
        if group.agent_group is not None and group.campaign in names:
            teams.setdefault(group.agent_group, set()).add(names[group.campaign])
    found: dict[AgentId, frozenset[str]] = {}
    for team in configuration.agent_groups:
        for agent_id in team.agents:
            found[agent_id] = found.get(agent_id, frozenset()) | teams.get(team.dbid, set())
    return found


def router(parts: ApiParts) -> APIRouter:
    """Routes `/desks`, `/agents/{dbid}/desk` and `/agents/{dbid}/stream`."""
    routes = APIRouter(tags=["desktops"])
    door = DeskDoor(parts)

    @routes.get("/desks", summary="Agents who have a desktop")
    async def list_desks(caller: AtDesk) -> DesksView:
        return DesksView(desks=door.names(caller))

    @routes.get("/agents/{dbid}/desk", summary="What an agent's desktop shows now")
    async def get_desk(dbid: AgentDbid, caller: AtDesk) -> DeskPage:
        desks = door.desks(caller, dbid)
        desks.touch(dbid)
        return DeskPage(desk=door.shown(caller, desks.desk(dbid)), choices=desks.choices())

    @routes.get(
        "/agents/{dbid}/stream",
        summary="An agent's desktop as it changes, as server-sent events",
        response_class=StreamingResponse,
        responses={
            200: {"content": {"text/event-stream": {}}, "description": _STREAM},
            429: {
                "model": ProblemView,
                "content": {MEDIA_TYPE: {}},
                "description": f"{WATCHERS_MAX} streams of this desk are open.",
            },
        },
    )
    async def get_desk_stream(request: Request, dbid: AgentDbid, caller: AtDesk) -> StreamingResponse:
        desks = door.desks(caller, dbid)
        if desks.is_crowded(dbid):
            wrong = f"{WATCHERS_MAX} streams of this desk are open already: close some of its windows"
            raise Problem(429, "too_many_streams", wrong, headers={"Retry-After": str(RETRY_AFTER_S)})
        last_id = request.headers.get("last-event-id", "")[:LAST_ID_CHARACTERS_MAX]
        messages = desk_messages(desks, dbid, last_id or None, lambda desk: door.shown(caller, desk))
        return StreamingResponse(messages, media_type="text/event-stream", headers=HEADERS)

    return routes


async def desk_messages(
    desks: Desks, agent_id: AgentId, seen: str | None, shown: Callable[[Desk], Desk] = lambda desk: desk
) -> AsyncIterator[str]:
    """One open stream, as text.

    Args:
        desks: where the desk is.
        agent_id: whose it is.
        seen: the version that the reader has. None: none.
        shown: what the reader may see of it.
    """
    try:
        watch = desks.watch(agent_id)
    except TooManyWatchers:
        return
    try:
        yield f"retry: {RETRY_MS}\n\n"
        while True:
            try:
                async with asyncio.timeout(silence_s(agent_id, HEARTBEAT_S)):
                    desk = await watch.next(seen)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if desk is None:
                return
            seen = desk.version
            yield f"event: desk\nid: {seen}\ndata: {shown(desk).model_dump_json()}\n\n"
    finally:
        watch.close()


_STREAM = (
    "Each event `desk` is the whole desk. Who was away gets the latest one; with `Last-Event-ID` only if it is another "
    "than the one that they have. While a stream is open the agent counts as being there."
)
