"""How many attempts to start now: one pure function per way of dialing.

* *progressive*: calls only for agents who are there: floor(M × (available − waiting − ceil(dialed / M))), M = calls
  per available agent.
* *predictive*: one call more as long as its own risk is below the threshold: the chance that its person, if it brings
  one, finds no agent. The calls in flight may bring persons until then, and busy agents may come free; both are sums
  of independent yes/no outcomes (`risk`), with chances that the group has learned from its own calls (`call_odds`)
  and agents (`agent_odds`). The threshold is steered by the account of abandoned persons (`budget`). Free agents
  always get a call each: predictive is never slower than progressive with one call per agent. Who is about to leave
  gets none (`leaving`).
* *power*: keep the configured number of calls in progress.
* *preview*: never; agents ask for records.

The functions decide; ports, nodes, records and compliance may still allow less.

Source: progressive formula: OCS progressive dialing, worked example M = 0.7, 4 ready, 0 queued, 1 dialed → 1. Ours:
the risk of the next call as the measure (decision 0014).
"""

from typing import NamedTuple

from outdial.core.modes import DialingMode
from outdial.core.risk import Forecast
from outdial.core.units import Millis

STARTS_PER_DECISION_MAX = 1_000
"""No single decision starts more. Unit: attempts. Ours: bounds the work of one step."""
PACE_MS: Millis = 1_000
PACE_AGENTS = 50
"""Shortest time between two forecasts of a group with so many agents at work or more; with fewer as their square, as a
late call is a great part of what a small group has in flight. Free agents without a call do not wait for it. Ours
(0014)."""
TICK_MS: Millis = 1_000
"""A group that dials ahead looks again after this time, as calls and conversations age. Ours (0014)."""
DECISIONS_KEPT = 50
"""Decisions that a group remembers, for those who ask why."""


def pause_ms(agents: int) -> Millis:
    """Shortest time between two forecasts of a group with so many agents at work."""
    return PACE_MS * min(agents, PACE_AGENTS) ** 2 // PACE_AGENTS**2


class Situation(NamedTuple):
    """What everything but predictive pacing looks at."""

    available: int
    """Agents free now (seizing modes: engaged and waiting)."""
    waiting: int
    """Persons waiting for an agent."""
    pending: int
    """Calls in flight that may still become a person."""
    in_progress: int
    """All calls of the group that hold a port (power)."""
    multiplier_millis: int
    queue_size: int
    leaving: int = 0
    """Agents free now who have said that they leave while a call that is started now may still ring."""


class Decision(NamedTuple):
    """One predictive decision with what it rests on."""

    at_mono_ms: Millis
    started: int
    """Calls that were wanted."""
    why: str
    """What ended it."""
    available: int
    """Free agents less persons waiting."""
    busy: int
    """Agents expected back."""
    pending: int
    """Calls in flight."""
    persons_millis: int
    """Persons that the calls in flight are expected to bring within the middle horizon. Unit: thousandths."""
    agents_millis: int
    """Busy agents expected to be free by then, less those who leave before. Unit: thousandths."""
    horizon_ms: Millis
    """The middle horizon: half of the persons are there by then."""
    level_millis: int
    """Persons seen lately per person expected. Unit: thousandths."""
    risk_ppm: int
    """Risk of the call that was not started, or of the last one that was. Unit: millionths."""
    threshold_ppm: int
    """Most risk that was allowed. Unit: millionths."""


def progressive(situation: Situation) -> int:
    """Calls for the agents who are free and stay, at `multiplier_millis` calls each."""
    m = situation.multiplier_millis
    covered = -(-1_000 * situation.pending // m)
    return max(0, m * (situation.available - situation.leaving - situation.waiting - covered) // 1_000)


def power(situation: Situation) -> int:
    """Keep `queue_size` calls in progress."""
    return max(0, situation.queue_size - situation.in_progress)


def preview(situation: Situation) -> int:
    """Agents start calls, pacing does not."""
    return 0


PACERS = {
    DialingMode.PROGRESSIVE: progressive,
    DialingMode.PROGRESSIVE_SEIZING: progressive,
    DialingMode.PROGRESSIVE_GVP: progressive,
    DialingMode.POWER_GVP: power,
    DialingMode.PREVIEW: preview,
    DialingMode.PUSH_PREVIEW: preview,
}


def attempts_to_start(mode: DialingMode, situation: Situation) -> int:
    """Attempts to start now in a mode that does not dial ahead. Range: 0 … `STARTS_PER_DECISION_MAX`.

    Args:
        mode: how the group dials now; a predictive group that cannot predict comes as progressive.
        situation: what there is.
    """
    return min(STARTS_PER_DECISION_MAX, PACERS[mode](situation))


def predictive(forecast: Forecast, threshold: float, least: int, most: int) -> tuple[int, float]:
    """Attempts to start now, and the risk at which that ended. Range: `least` … `most`.

    The risk grows with every call. So the first call that is too much is looked for by doubled steps, then by halved
    ones: a group that may start hundreds weighs twenty of them.

    Args:
        forecast: what calls in flight, busy agents and the calls started now will bring.
        threshold: most risk that a call may take. Range: 0 … 1.
        least: free agents without a call in flight: they get one whatever the risk.
        most: no more than this, whatever the risk.
    """
    low, high = max(0, min(least, most)), most
    step, taken, refused = 1, 0.0, 0.0
    while low < high:
        probe = min(low + step, high) - 1
        risk = forecast.risk(probe)
        if risk <= threshold:
            low, taken = probe + 1, risk
        else:
            high, refused = probe, risk
        step = 2 * step if high == most else max(1, (high - low) // 2)
    return low, refused if high < most else taken


def progressive_form(mode: DialingMode) -> DialingMode:
    """The progressive member of a predictive mode's family; other modes as they are."""
    return _PROGRESSIVE_FORM.get(mode, mode)


_PROGRESSIVE_FORM = {
    DialingMode.PREDICTIVE: DialingMode.PROGRESSIVE,
    DialingMode.PREDICTIVE_SEIZING: DialingMode.PROGRESSIVE_SEIZING,
    DialingMode.PREDICTIVE_GVP: DialingMode.PROGRESSIVE_GVP,
}
