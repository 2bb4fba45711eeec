"""Agents: who is there, and what they do."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from outdial.api.access import Caller, Reader
from outdial.api.board import AgentBoard
from outdial.api.parts import ApiParts
from outdial.api.problems import not_found
from outdial.api.why import visible_groups
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
    agent = parts.board.agent(dbid)
    configuration = parts.dialer.configuration
    groups = visible_groups(configuration.campaign_groups, configuration, caller)
    if agent is None or (
        caller.campaigns is not None and {each.agent_group for each in groups}.isdisjoint(agent.agent_groups)
    ):
        raise not_found(f"agent {dbid}")
    return agent


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
