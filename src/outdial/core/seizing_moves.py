"""The one place where an engaging call changes its state, and the agent's queues follow."""

from outdial.core.availability import refile
from outdial.core.engaging import ENGAGING_TABLE, Engaging, EngagingSignal
from outdial.core.state import State


def move_engaging(state: State, engaging: Engaging, signal: EngagingSignal) -> bool:
    """Follow the engaging table. False: the signal is late."""
    target = ENGAGING_TABLE.next_state(engaging.state, signal)
    if target is None:
        state.late_events += 1
        return False
    engaging.state = target
    refile(state, state.agents[engaging.agent_id])
    return True
