"""Agents: who is there, and what they do."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from outdial.api.access import Caller, Reader
from outdial.api.board import AgentBoard
from outdial.api.parts import ApiParts
from outdial.api.problems import not_found
from outdial.core.units import AgentId

AgentDbid = Annotated[AgentId, Path(ge=1, le=2**31 - 1, description="DBID of the agent.", examples=[1])]


class AgentsView(BaseModel):
    """Agents."""

    agents: list[AgentBoard]


def visible_agent(parts: ApiParts, caller: Caller, dbid: AgentId) -> AgentBoard:
    """An agent who works for a campaign that exists for the caller.

    Raises:
        Problem: there is none.
    """
    for agent in parts.board.current().seen_by(caller.campaigns).agents:
        if agent.dbid == dbid:
            return agent
    raise not_found(f"agent {dbid}")


def router(parts: ApiParts) -> APIRouter:
    """Routes under `/agents`."""
    routes = APIRouter(prefix="/agents", tags=["agents"])

    @routes.get("", summary="All agents")
    async def list_agents(caller: Reader) -> AgentsView:
        return AgentsView(agents=list(parts.board.current().seen_by(caller.campaigns).agents))

    @routes.get("/{dbid}", summary="One agent")
    async def get_agent(dbid: AgentDbid, caller: Reader) -> AgentBoard:
        return visible_agent(parts, caller, dbid)

    return routes
