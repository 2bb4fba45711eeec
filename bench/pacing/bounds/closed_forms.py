"""Two bounds that fit on a line each: dialing without prediction, and prediction without looking.

Source: the pacing study, section 4, items 2 and 3.
"""

from bench.pacing.floor import Floor, Silent
from outdial.core.units import Millis

PERSON_S = 11.9
"""Mean time from dialing to the verdict "person". Unit: s. Source: the study, section 3, "Validation"."""
OTHER_S = 17.5
"""Mean time that an attempt takes which reaches no person. Unit: s. Source: the same."""


def progressive_floor(hit: float, handling_s: float, person_s: float = PERSON_S, other_s: float = OTHER_S) -> float:
    """Utilisation with one call for each free agent, which abandons nobody.

    Args:
        hit: share of attempts that reach a person. Range: above 0 … 1.
        handling_s: mean conversation with after-call work. Unit: s.
        person_s: mean time from dialing to a person's verdict. Unit: s.
        other_s: mean time that an attempt takes which reaches nobody. Unit: s.
    """
    return handling_s / (handling_s + person_s + (1.0 - hit) / hit * other_s)


def erlang_b(agents: int, load: float) -> float:
    """Share of the answered persons who find all agents busy, if they come at random.

    Args:
        agents: number of agents.
        load: persons that would be served at once if there were agents for all. Unit: agents.
    """
    blocked = 1.0
    for count in range(1, agents + 1):
        blocked = load * blocked / (count + load * blocked)
    return blocked


def open_loop_bound(agents: int, target: float) -> float:
    """Utilisation if persons come at random at the highest rate that keeps the target.

    What comes of it in the model is about a point more, since persons wait a little and launches are evenly spaced.

    Args:
        agents: number of agents.
        target: share of the answered persons who may be abandoned. Range: above 0, below 1.
    """
    low, high = 0.0, agents / (1.0 - target)
    for _ in range(60):
        load = (low + high) / 2.0
        low, high = (load, high) if erlang_b(agents, load) < target else (low, load)
    return low * (1.0 - target) / agents


class Progressive(Silent):
    """One call for each free agent."""

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Calls for the free agents that have none yet."""
        return max(0, len(floor.free) - len(floor.calls))
