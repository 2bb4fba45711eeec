"""Our pacer on the benchmark model: the core's own objects, told what the model does."""

from bench.pacing.cells import Cell
from bench.pacing.floor import Agent, Call, Floor
from outdial.core.agent_odds import AgentOdds
from outdial.core.budget import Budget
from outdial.core.call_odds import CallOdds
from outdial.core.pacing import PACE_MS, STARTS_PER_DECISION_MAX, TICK_MS, pause_ms, predictive
from outdial.core.predictive import PATIENCE_PART, PILOT_SLACK_MS, RESOLVED_MIN, UPDATE_MS
from outdial.core.risk import Forecast, Sum, total
from outdial.core.units import SECOND_MS, Millis

RING_MS_MAX: Millis = 25 * SECOND_MS


class Ours:
    """What `outdial.core.predictive` does, without ports, groups that share agents, and records."""

    tick_ms: Millis = TICK_MS
    by_event = True

    def __init__(self, cell: Cell) -> None:
        """A cold start."""
        self.calls = CallOdds()
        self.agents = AgentOdds()
        self.budget = Budget(cell.target)
        self._spare_ms = round(PATIENCE_PART * cell.patience_ms)
        self._updated_at: Millis | None = None
        self._decided_at: Millis = -PACE_MS

    # --- what happens ----------------------------------------------------------------------------

    def dialed(self, now: Millis, call: Call) -> None:
        """A call was started."""
        self.calls.dialed(now)

    def picked_up(self, now: Millis, call: Call) -> None:
        """Somebody or something answered."""
        self.calls.picked_up(call.dialed_at, now)

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """The outcome is known."""
        if call.picked_at is None:
            self.calls.ended(call.dialed_at, now)
        else:
            self.calls.judged_after(call.dialed_at, call.picked_at, now, person=person)

    def fate(self, now: Millis, abandoned: bool) -> None:
        """An answered person got an agent, or did not."""
        self.budget.person(lost=abandoned, mono_ms=now)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """An agent's state changed, or is announced to end in a break."""
        kinds = {"talk": self.agents.talk, "work": self.agents.work}
        if agent.state == before:
            kinds[before].drop(since)
            return
        if before in kinds:
            kinds[before].end(since, now)
        if before == "work":
            self.agents.finished(ready=agent.state == "free")
        if agent.state in kinds and not (agent.leaves is not None and agent.leaves.is_announced):
            kinds[agent.state].begin(now)

    # --- decisions -------------------------------------------------------------------------------

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Calls to start now."""
        free, in_flight = len(floor.free) - len(floor.waiting), len(floor.calls)
        least = max(0, free - in_flight)
        if self._updated_at is None or now - self._updated_at >= UPDATE_MS:
            self._updated_at = now
            self.calls.update(now)
            self.agents.update(now)
        is_pilot = self.calls.resolved < RESOLVED_MIN or now < RING_MS_MAX + PILOT_SLACK_MS
        if is_pilot or self.budget.is_overrun:
            return least
        if not floor.free and not floor.busy:
            return 0
        if now - self._decided_at < pause_ms(len(floor.free) + len(floor.busy)):
            return least
        self._decided_at = now
        most = min(STARTS_PER_DECISION_MAX, max(0, max(len(floor.free), self.calls.resolved) - in_flight))
        forecast = Forecast(free, self.coming_free(now, floor), self.coming(now, floor), self.calls.fresh)
        return predictive(forecast, self.budget.risk_max(now), least, most)[0]

    def coming(self, now: Millis, floor: Floor) -> Sum:
        """Persons whom the calls in flight will bring."""
        return total(self.calls.flights(now))

    def coming_free(self, now: Millis, floor: Floor) -> Sum:
        """Busy agents who will be free."""
        return total(self.agents.spells(now, tuple(at + self._spare_ms for at in self.calls.horizons)))
