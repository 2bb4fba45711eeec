"""How many persons come for each one expected: whether the list has turned better or worse than it was.

What was learned about calls has a long memory. The level corrects it, with a shorter one, and only as far as it is
more than luck. When persons come in such numbers, or stay away for so long, that luck does not explain it at all,
everything before the turn is forgotten. So a steady list is not dialed up and down with its luck, and a list that is
suddenly twice as good is noticed after some fifteen persons.

Source: Page (1954), two one-sided tests of a Poisson rate; James and Stein (1961), positive part. Ours: memory,
luck, factor, evidence (decision 0014).
"""

import math
from dataclasses import dataclass, field

PRIOR = 12.0
"""Persons that the long memory counts for against the level's own. Ours (0014)."""
MEMORY = 300.0
"""Expected persons after which old ones have lost 63 % of their weight. Ours (0014)."""
LUCK = 1.5
"""A difference whose square is below this many times its variance is taken for luck; a greater one counts the more,
the greater it is. Ours (0014)."""
FACTOR = 1.6
"""Turns for the better and for the worse that are looked for. Ours (0014)."""
EVIDENCE = 5.0
"""A turn is believed when it is e to this power times likelier than none. Ours (0014)."""


@dataclass(slots=True)
class Turn:
    """Evidence that the rate has changed by a factor, and what was seen since it may have."""

    factor: float
    evidence: float = 0.0
    seen: int = 0
    expected: float = 0.0

    def add(self, seen: int, expected: float, level: float) -> bool:
        """Count persons against those expected at a level. Returns whether the turn is to be believed."""
        self.evidence += seen * math.log(self.factor) - (self.factor - 1.0) * expected * level
        self.seen += seen
        self.expected += expected
        if self.evidence <= 0.0:
            self.evidence, self.seen, self.expected = 0.0, 0, 0.0
        return self.evidence > EVIDENCE


def _turns() -> tuple[Turn, Turn]:
    return Turn(FACTOR), Turn(1.0 / FACTOR)


@dataclass(slots=True)
class Level:
    """Persons seen per person expected of late."""

    value: float = 1.0
    _seen: float = 0.0
    _expected: float = 0.0
    _turns: tuple[Turn, Turn] = field(default_factory=_turns)

    def add(self, seen: int, expected: float) -> None:
        """Count what came since the last call.

        Args:
            seen: persons.
            expected: persons that the long memory expected in the same time.
        """
        keep = math.exp(-expected / MEMORY)
        self._seen = keep * self._seen + seen
        self._expected = keep * self._expected + expected
        turned = [turn for turn in self._turns if turn.add(seen, expected, self.value)]
        if turned:
            self._seen, self._expected = turned[0].seen, turned[0].expected
            self._turns = _turns()
        surprise = (self._seen - self._expected) ** 2 / max(1.0, self._expected)
        known = max(0.0, 1.0 - LUCK / max(LUCK, surprise))
        self.value = 1.0 + known * ((PRIOR + self._seen) / (PRIOR + self._expected) - 1.0)
