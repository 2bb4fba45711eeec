"""Open loop by Erlang's loss formula."""

from functools import lru_cache
from typing import Final

from bench.pacing.floor import Agent, Call, Floor, Silent
from bench.pacing.peers.averages import Fading
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

AVERAGE_MS: Final = 15 * MINUTE_MS
ATTEMPTS_MIN: Final = 25
"""Attempts whose outcome is known before it predicts."""
RING_LIMIT_MS: Final = 27 * SECOND_MS
"""Early outcomes are biased: nothing is predicted before the longest attempt can have ended."""
HIT_MIN: Final = 0.02


def erlang_b(servers: int, traffic: float) -> float:
    """Share of arrivals that find all servers busy.

    Args:
        servers: number of servers.
        traffic: offered. Unit: Erlang.

    Source: the usual recursion over the number of servers, from B = 1 without any.
    """
    blocking = 1.0
    for server in range(1, servers + 1):
        blocking = traffic * blocking / (server + traffic * blocking)
    return blocking


@lru_cache(maxsize=4_096)
def traffic_at(servers: int, blocking: float) -> float:
    """The traffic that so many servers take at this share of losses. Unit: Erlang."""
    low, high = 0.0, 2.0 * servers + 2.0
    for _ in range(50):
        middle = (low + high) / 2
        if erlang_b(servers, middle) < blocking:
            low = middle
        else:
            high = middle
    return low


class ErlangB(Silent):
    """Calls at an even rate: as many as bring persons at the traffic that loses the target.

    Traffic A with B(agents logged in, A) = target; A / (hit ratio × handling time) calls per ms, whoever is free. Both
    are averages that forget with a time constant of 15 minutes; one call per free agent until 25 attempts are resolved
    and one full ring time-out has passed.

    Source: pacing study, section 2, family E; section 4(3); section 7 (15-min average).

    Left open by the source: the kind of the average. A sliding window of 15 minutes forgets a doubled hit ratio too
    soon (100 agents: 15 % abandoned within half an hour; the study has 21.2 %, this has 21.5 %). And the handlings:
    here those that ended; short ones end first, so a day with long conversations begins too fast, as the study's
    does. And the beginning: here that of the study's own algorithm.

    Args:
        target: share of persons that may be lost. Range: 0 … 1.
    """

    tick_ms: Millis = 100
    """Short, so that the calls come evenly."""
    by_event = False

    def __init__(self, target: float) -> None:
        self.target = target
        self._hits = Fading(AVERAGE_MS)
        self._handle_ms = Fading(AVERAGE_MS)
        self._attempts = 0
        self._talk_since: dict[int, Millis] = {}
        self._due = 0.0
        """Calls that the rate owes."""
        self._at: Millis = 0

    def wanted(self, now: Millis, floor: Floor) -> int:
        """What the rate brought since the last time."""
        elapsed, self._at = now - self._at, now
        agents = len(floor.free) + len(floor.busy)
        handle_ms = self._handle_ms.mean
        if not agents:
            self._due = 0.0
            return 0
        if self._attempts < ATTEMPTS_MIN or now < RING_LIMIT_MS or not handle_ms:
            return max(0, len(floor.free) - len(floor.waiting) - len(floor.calls))
        per_ms = traffic_at(agents, self.target) / (max(HIT_MIN, self._hits.mean) * handle_ms)
        self._due += per_ms * elapsed
        calls = int(self._due)
        self._due -= calls
        return calls

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Learn the outcome."""
        self._attempts += 1
        self._hits.add(now, person)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """Learn how long an agent was busy."""
        if agent.state == "talk" and before == "free":
            self._talk_since[agent.number] = now
        elif before == "work" and agent.state != "work":
            self._handle_ms.add(now, now - self._talk_since.pop(agent.number))
