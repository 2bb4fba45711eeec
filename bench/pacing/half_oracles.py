"""What more information would be worth: our pacer with one half of the future known.

* agents: the true end of every conversation and its after-call work;
* calls: of every call in flight, whether it brings a person and when. The next call is as uncertain as ever.

Source: the pacing study, section 6 (columns AO and CO).
"""

from collections.abc import Sequence

from bench.pacing.floor import Floor
from bench.pacing.ours import Ours
from outdial.core.risk import Sum, total
from outdial.core.units import Millis


class AgentsKnown(Ours):
    """Knows when busy agents will be free."""

    def coming_free(self, now: Millis, floor: Floor) -> Sum:
        """Agents whose time is up within each horizon."""
        ends = [agent.until - self._spare_ms - now for agent in floor.busy.values() if agent.leaves is None]
        return _known(ends, self.calls.horizons)


class CallsKnown(Ours):
    """Knows which calls in flight bring a person, and when."""

    def coming(self, now: Millis, floor: Floor) -> Sum:
        """Persons within each horizon."""
        verdicts = [call.verdict_at - now for call in floor.calls.values() if call.is_person]
        return _known(verdicts, self.calls.horizons)


def _known(instants: Sequence[Millis], horizons: Sequence[Millis]) -> Sum:
    return total((1, [1.0 if instant <= horizon else 0.0 for horizon in horizons]) for instant in instants)
