"""Whether a calling list has turned better or worse, from calls that have ended and from those on their way.

Page's test: how much likelier is what was seen if the odds of reaching a person have changed by a factor? Of a call
that has ended the answer is q / p or (1 − q) / (1 − p), with p the share of persons before and q after the change. Of
one that has been on its way for a ms it is (1 − q·F(a)) / (1 − p·F(a)), F(a) the share of persons whose verdict is
there by then: half a minute of ringing tells a list that has gone bad. Without those calls the test would take a burst
for a better list, as its persons are there before the others have rung out. The logarithms are added up, and what was
seen while they were at their lowest, or before, says nothing.

A change is believed by degrees: the share of persons is a mean of what it was before and what was seen since, weighted
by how likely the change is (`belief`). Once it is beyond doubt, what was before is forgotten.

Source: Page (1954); censored observations after Kaplan, Meier (1958). Ours: constants, belief by degrees (0007).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from outdial.core.units import SECOND_MS, Millis

ODDS = 2.5
"""A list whose odds of reaching a person are this many times better, or worse, has turned. Ours (0007)."""
BELIEVED = 2.5
"""Evidence at which a change is as likely as not, e to this power. Ours (0007)."""
SURE = 10.0
"""Evidence at which what was before is forgotten. Ours (0007)."""
SURE_WEIGHT = 0.5
"""What made a list turn counts for this part of it: it was picked for being unlike the rest. Ours (0007)."""
PRIOR_CALLS = 5.0
"""Calls that the share before the change counts for in the share since. Ours (0007)."""
BIN_MS: Millis = SECOND_MS
BINS = 60
"""Ages up to a minute: any person has a verdict then."""
BINS_UNKNOWN = range(5, 20)
"""Where two persons are taken to have had their verdicts before any has been seen. Ours (0007)."""
VERDICTS_MAX = 1_000.0
"""Persons whose verdicts are remembered; with more of them all count for half. Ours (0007)."""

Waiting = Sequence[tuple[int, float]]
"""Calls on their way. Shape: ((calls, share of persons who have a verdict at that age), …)."""


@dataclass(slots=True)
class Turn:
    """One change that may have happened, and what was seen since it may have.

    Attributes:
        factor: odds after the change over those before.
        evidence: logarithm of how much likelier the change has made what was seen. Range: ≥ 0.
        attempts: seen since; one on its way counts for the share of persons who have a verdict at its age.
        persons: among them.
    """

    factor: float
    evidence: float = 0.0
    attempts: float = 0.0
    persons: int = 0
    _ended_sum: float = -math.inf
    """Evidence of calls that have ended, less that of those on their way when it was at its lowest: now, at first."""
    _ended: float = 0.0
    """The same for attempts."""

    def look(self, share: float, persons: int, others: int, waiting: Waiting) -> None:
        """Count calls that have ended since the last look, and those that have not.

        Args:
            share: of persons, before the change. Range: 0 … 1, both excluded.
            persons: calls that have ended with a person.
            others: all other calls that have ended.
            waiting: calls on their way.
        """
        after = self.factor * share / (1.0 - share + self.factor * share)
        self._ended_sum += persons * math.log(after / share) + others * math.log((1.0 - after) / (1.0 - share))
        self._ended += persons + others
        self.persons += persons
        waiting_sum = waiting_for = 0.0
        for count, known in waiting:
            waiting_sum += count * math.log((1.0 - after * known) / (1.0 - share * known))
            waiting_for += count * known
        self.evidence, self.attempts = self._ended_sum + waiting_sum, self._ended + waiting_for
        if self.evidence <= 0.0 or self.attempts <= 0.0:
            self._ended_sum, self._ended = -waiting_sum, -waiting_for
            self.evidence, self.attempts, self.persons = 0.0, 0.0, 0

    @property
    def belief(self) -> float:
        """How likely the change is; without evidence not at all. Range: 0 … 1."""
        odds = math.expm1(self.evidence)
        return odds / (odds + math.exp(BELIEVED))

    def share(self, before: float) -> float:
        """Share of persons as far as the change is believed, given what it was before."""
        return before + self.belief * (self.since(PRIOR_CALLS, before) - before)

    def since(self, calls: float = 0.0, share: float = 0.0) -> float:
        """Share of persons since the change, with so many calls of another share before. Range: 0 … 1.

        Calls that were nearly known when it may have happened count for little, and all the same may be persons.
        """
        return min(1.0, (self.persons + calls * share) / (self.attempts + calls))


def _before_any() -> list[float]:
    return [2.0 / len(BINS_UNKNOWN) if place in BINS_UNKNOWN else 0.0 for place in range(BINS)]


@dataclass(slots=True)
class Turns:
    """What one campaign group has seen of turns."""

    better: Turn = field(default_factory=lambda: Turn(ODDS))
    worse: Turn = field(default_factory=lambda: Turn(1.0 / ODDS))
    _persons: int = 0
    """Ended since the last look."""
    _others: int = 0
    _waiting: dict[int, int] = field(default_factory=dict)
    """Calls on their way. Shape: {slot of the request: calls}."""
    _verdicts: list[float] = field(default_factory=_before_any)
    """Persons by the time from the request to the verdict."""
    _known: list[float] = field(default_factory=list)
    """Share of them below each bin's beginning; empty: to be worked out."""

    def dialed(self, at_ms: Millis) -> None:
        """A call was requested."""
        slot = at_ms // BIN_MS
        self._waiting[slot] = self._waiting.get(slot, 0) + 1

    def ended(self, dialed_at_ms: Millis, at_ms: Millis, *, person: bool) -> None:
        """The outcome of a call is known."""
        self._leave(dialed_at_ms)
        if person:
            self._persons += 1
            self._verdicts[min(BINS - 1, (at_ms - dialed_at_ms) // BIN_MS)] += 1.0
            self._known = []
        else:
            self._others += 1

    def lost(self, dialed_at_ms: Millis) -> None:
        """A call on its way says nothing, as its node is lost. What it has said until now is in no sum of its own."""
        self._leave(dialed_at_ms)
        self._begin()

    def _leave(self, dialed_at_ms: Millis) -> None:
        slot = dialed_at_ms // BIN_MS
        self._waiting[slot] -= 1
        if not self._waiting[slot]:
            del self._waiting[slot]

    def look(self, share: float, now_ms: Millis) -> Turn | None:
        """Weigh what has been seen since the last look. To be called every few seconds.

        Args:
            share: of persons, as far as is known for long. Range: 0 … 1, both excluded.
            now_ms: the instant.

        Returns:
            A turn that is beyond doubt; everything starts anew then.
        """
        waiting = self._on_their_way(now_ms)
        persons, others, self._persons, self._others = self._persons, self._others, 0, 0
        for turn in (self.better, self.worse):
            turn.look(share, persons, others, waiting)
            if turn.evidence > SURE:
                self._begin()
                return turn
        return None

    def _begin(self) -> None:
        self.better, self.worse = Turn(ODDS), Turn(1.0 / ODDS)

    def share(self, before: float) -> float:
        """Share of persons as far as turns are believed, given what it was before."""
        return self.worse.share(self.better.share(before))

    def _on_their_way(self, now_ms: Millis) -> Waiting:
        if not self._known:
            total = sum(self._verdicts)
            if total > VERDICTS_MAX:
                self._verdicts = [count / 2.0 for count in self._verdicts]
                total /= 2.0
            self._known = [0.0, *accumulate(count / total for count in self._verdicts)]
        newest = now_ms // BIN_MS
        return [(count, self._known[min(BINS, newest - slot)]) for slot, count in self._waiting.items()]
