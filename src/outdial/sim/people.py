"""Agents whom people play, at a desktop of their own: of these only the phones are simulated.

The phones are answered as those of simulated agents are. Everything else (signing in, being ready, after-call work,
what is said of calls) comes from outside of the world, as in a real one.
"""

from collections.abc import Iterable

from outdial.core.units import AgentId
from outdial.sim.workforce import Workforce


def hand_over(workforce: Workforce, agent_ids: Iterable[AgentId]) -> None:
    """Before the world starts: let people play these agents."""
    for agent_id in agent_ids:
        agent = workforce.agents.pop(agent_id, None)
        if agent is not None:
            agent.phone.is_attended = True
