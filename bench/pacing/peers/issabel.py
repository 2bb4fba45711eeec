"""Issabel's (Elastix') call center daemon."""

import math
from typing import Final

from bench.pacing.floor import Agent, Call, Floor, Silent
from bench.pacing.peers.averages import Recent
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

QUALITY: Final = 0.97
"""Least probability at which a busy agent counts as free."""
SAMPLES_MIN: Final = 10
"""Conversations before busy agents are looked at."""
CALLS_MIN: Final = 10
"""Calls before the share of answered ones is believed."""
ANSWERED_MIN: Final = 0.20


class Issabel(Silent):
    """One call per agent who is free or in a conversation more than three times as long as the mean.

    Every 5 s: free + soon free − waiting − in flight; divided, with overcommit, by the share of attempts answered
    within the last 30 minutes, taken as 20 % at least. Soon free: 1 − exp(−(elapsed + mean time to answer) / mean
    conversation) ≥ 0.97, once 10 conversations are known. No abandonment in it.

    Source: study of peers, section 2.3, "Pacing, exactly".

    Left open by the source: whether answered means by a person. The share is called ASR, which is answered by anybody;
    so it is here. Only conversations can be long: after-call work is a pause to this dialer.

    Args:
        overcommit: divide by the share of answered attempts.
    """

    tick_ms: Millis = 5 * SECOND_MS
    by_event = False

    def __init__(self, *, overcommit: bool = True) -> None:
        self.overcommit = overcommit
        self._answered = Recent(30 * MINUTE_MS)
        self._ring_ms_sum = 0
        self._rings = 0
        self._talk_ms_sum = 0
        self._talks = 0

    def wanted(self, now: Millis, floor: Floor) -> int:
        """The formula."""
        calls = len(floor.free) + self.soon_free(now, floor) - len(floor.waiting) - len(floor.calls)
        if calls <= 0:
            return 0
        answered, attempts = self._answered.total(now)
        if self.overcommit and attempts >= CALLS_MIN:
            calls = math.floor(calls / max(ANSWERED_MIN, answered / attempts) + 0.5)
        return calls

    def soon_free(self, now: Millis, floor: Floor) -> int:
        """Agents whose conversation is about to end, as this dialer sees it."""
        if self._talks < SAMPLES_MIN:
            return 0
        mean_ms = self._talk_ms_sum / self._talks
        ring_ms = self._ring_ms_sum / max(1, self._rings)
        return sum(
            agent.state == "talk" and 1.0 - math.exp(-(now - agent.since + ring_ms) / mean_ms) >= QUALITY
            for agent in floor.busy.values()
        )

    def picked_up(self, now: Millis, call: Call) -> None:
        """Learn how long it rang."""
        self._rings += 1
        self._ring_ms_sum += now - call.dialed_at

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Learn whether anybody answered."""
        self._answered.add(now, call.picked_at is not None)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """Learn how long a conversation was."""
        if before == "talk" and agent.state != "talk":
            self._talks += 1
            self._talk_ms_sum += now - since
