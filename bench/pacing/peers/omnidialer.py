"""OMniLeads' OMniDialer."""

import math
from typing import Final

from bench.pacing.floor import Agent, Call, Floor, Silent
from bench.pacing.peers.averages import Ewma
from outdial.core.units import SECOND_MS, Millis

ALPHA: Final = 0.1
"""Weight of a new observation in every average."""
HIT_MIN: Final = 0.05
GAMMA_MIN: Final = 0.2
"""Aggressiveness at the limit and beyond."""
WARM_UP_CALLS: Final = 50
"""Handled calls before it predicts."""
LATCH_TICKS: Final = 5
"""Seconds in a row at the limit after which it dials one to one."""
RELEASE: Final = 0.8
"""Share of the limit below which it predicts again."""
HIT_START: Final = 0.25
HANDLE_START_MS: Final = 60 * SECOND_MS
WORK_START_MS: Final = 10 * SECOND_MS
VERDICT_START_MS: Final = 1 * SECOND_MS


class OmniDialer(Silent):
    """Free agents plus expected ones, less the persons already on their way, divided by the hit ratio.

    Every second: floor((free + expected − ringing × hit) / hit × gamma). A busy agent is expected with probability 1
    − exp(−t / (mean − elapsed)), t = mean ring time + time of the verdict, the difference at least a second. gamma is
    the aggressiveness up to half the limit of abandonment, falls to 0.2 at the limit, and stays there. Every estimate
    is an average of weight 0.1, the abandonment too. One call per free agent until 50 calls are handled, and again
    after 5 seconds in a row at the limit, until 0.8 of it.

    Without a limit to the calls per second every release of the latch is a burst, the worse the larger the group; with
    the 3 per second of the code as it comes, a group of 100 is slower than progressive.

    Source: study of peers, section 2.2, "Pacing, exactly".

    Left open by the source: the values before anything is known (of no consequence after the warm-up); whether calls
    whose verdict is pending count as ringing (here: yes); the unit of the mean and of elapsed (here: seconds of the
    whole call for who talks, of after-call work for who is in it).

    Args:
        limit: abandonment allowed. Range: 0 … 1.
        aggressiveness: factor of the calls. Range: 0.1 … 5.
        starts_per_s: calls started in a second at most; 3 in the code as it comes. None: no limit.
    """

    tick_ms: Millis = SECOND_MS
    by_event = False

    def __init__(self, limit: float, aggressiveness: float = 1.0, starts_per_s: int | None = 3) -> None:
        self.limit = limit
        self.aggressiveness = aggressiveness
        self.starts_per_s = starts_per_s
        self.hit = Ewma(HIT_START, ALPHA)
        self.lost = Ewma(0.0, ALPHA)
        self.ring_ms = Ewma(15.0 * SECOND_MS, ALPHA)
        self.verdict_ms = Ewma(float(VERDICT_START_MS), ALPHA)
        self.handle_ms = Ewma(float(HANDLE_START_MS), ALPHA)
        self.work_ms = Ewma(float(WORK_START_MS), ALPHA)
        self.handled = 0
        self.is_latched = False
        self._ticks = 0
        self._talk_since: dict[int, Millis] = {}

    def wanted(self, now: Millis, floor: Floor) -> int:
        """One to one while it must be, else the formula; never faster than allowed."""
        self._latch()
        calls = self.formula(now, floor)
        return calls if self.starts_per_s is None else min(calls, self.starts_per_s)

    def formula(self, now: Millis, floor: Floor) -> int:
        """Calls wished for."""
        free, in_flight = len(floor.free), len(floor.calls)
        if self.handled < WARM_UP_CALLS or self.is_latched:
            return max(0, free - in_flight - len(floor.waiting))
        if not free and not floor.busy:
            return 0
        hit = max(HIT_MIN, self.hit.value)
        calls = (free + self.expected(now, floor) - in_flight * hit) / hit * self.gamma()
        return max(0, math.floor(calls))

    def expected(self, now: Millis, floor: Floor) -> float:
        """Busy agents, each by its chance to be free when a call dialed now is a person."""
        ahead_ms = self.ring_ms.value + self.verdict_ms.value
        mean_ms = {"talk": self.handle_ms.value, "work": self.work_ms.value}
        return sum(
            1.0 - math.exp(-ahead_ms / max(SECOND_MS, mean_ms[agent.state] - (now - agent.since)))
            for agent in floor.busy.values()
        )

    def gamma(self) -> float:
        """Aggressiveness at the abandonment of the moment."""
        share = self.lost.value / self.limit
        if share <= 0.5:
            return self.aggressiveness
        slope = (self.aggressiveness - GAMMA_MIN) * 2
        return self.aggressiveness - slope * (min(1.0, share) - 0.5)

    def _latch(self) -> None:
        self._ticks = self._ticks + 1 if self.lost.value >= self.limit else 0
        if self._ticks >= LATCH_TICKS:
            self.is_latched = True
        elif self.lost.value < RELEASE * self.limit:
            self.is_latched = False

    def picked_up(self, now: Millis, call: Call) -> None:
        """Learn how long it rang."""
        self.ring_ms.add(now - call.dialed_at)

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Learn the outcome and how long the verdict took."""
        self.hit.add(1.0 if person else 0.0)
        if call.picked_at is not None:
            self.verdict_ms.add(now - call.picked_at)

    def fate(self, now: Millis, abandoned: bool) -> None:
        """Learn whether an agent came."""
        self.lost.add(1.0 if abandoned else 0.0)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """Learn how long agents are busy."""
        if agent.state == "talk" and before == "free":
            self._talk_since[agent.number] = now
        elif before == "work" and agent.state != "work":
            self.work_ms.add(now - since)
            self.handle_ms.add(now - self._talk_since.pop(agent.number))
            self.handled += 1
