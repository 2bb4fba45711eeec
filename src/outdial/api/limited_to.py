"""Limits of tokens and people: the campaigns and agents that they name, and who may give them."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends

from outdial.api.access import Caller, Scope, needs
from outdial.api.problems import Problem
from outdial.core.settings import Configuration
from outdial.core.units import AgentId


async def needs_all_campaigns(caller: Annotated[Caller, Depends(needs(Scope.ADMIN))]) -> Caller:
    """A dependency for routes that say who may do what: a caller with scope `admin` who is bound to no campaign.

    Who may see some campaigns only must not let anybody see the others.
    """
    if caller.campaigns is not None:
        raise Problem(403, "forbidden", f"{caller.name} is bound to some campaigns, and this is about all of them")
    return caller


def demand_known(configuration: Configuration, campaigns: Sequence[str] | None, agent_id: AgentId | None) -> list[str]:
    """What is wrong with the campaigns and the agent of a token or a person: one line each."""
    known = {campaign.name for campaign in configuration.campaigns}
    mistakes = [f"body.campaigns: there is no campaign {name!r}" for name in campaigns or () if name not in known]
    if agent_id is not None and all(agent.dbid != agent_id for agent in configuration.agents):
        mistakes.append(f"body.agent_id: there is no agent {agent_id}")
    return mistakes
