"""The estimate of needed ports for a group that knows its cell: what the core's formula gives for true parameters."""

from bench.pacing.bounds.closed_forms import OTHER_S, PERSON_S
from bench.pacing.cells import Cell
from outdial.core.estimates import Demand, Estimates, Mean, demand
from outdial.core.modes import DialingMode


def true_estimates(cell: Cell, hit: float | None = None) -> Estimates:
    """What a group would have learned that knew the cell. Its agents have not been measured."""
    share = cell.hit if hit is None else hit
    hold_s = share * PERSON_S + (1.0 - share) * OTHER_S
    return Estimates(
        hold_ms=Mean(1_000.0 * hold_s),
        person_ms=Mean(1_000.0 * PERSON_S),
        hit_ratio=Mean(share),
        talk_ms=Mean(float(cell.talk_ms_mean)),
        work_ms=Mean(float(cell.work_ms_mean)),
    )


def demand_of(estimates: Estimates, cell: Cell, mode: DialingMode) -> Demand:
    """Ports that the cell's agents need."""
    agents_millis = 1_000 * cell.agents
    return demand(
        estimates,
        mode=mode,
        agents_millis=agents_millis,
        team_millis=agents_millis,
        multiplier_millis=1_000,
        queue_size=0,
        target=cell.target,
    )
