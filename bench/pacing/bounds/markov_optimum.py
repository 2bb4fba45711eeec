"""The best that any pacer can do in the memoryless model: the exact optimum of a constrained Markov decision process.

Wanted is the highest mean number of busy agents among all policies that abandon no more than a share of the answered
persons. With a price for each abandoned person the limit is gone, and the best policy is a switching curve, found by
improving a curve until no decision in any state can be improved. Over all prices, the best curves are the corners of a
convex hull in the plane (abandoned, busy); the optimum lies where the hull's edge crosses the limit. The edge is found
between a curve that keeps the limit and one that does not: at the price that makes these two equal, either some third
curve is better, and takes the place of one of them, or there is none, and they are the two ends of the edge. The
optimum then plays the one curve for a share of the time, and the other one for the rest.

`python -m bench.pacing.bounds.markov_optimum` writes the table anew, `optimum.json` beside this file: two minutes, most
of them for a thousand agents.

Source: the pacing study, section 4, item 4, and its table.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.pacing.bounds.switching_curve import HANDLING_S, RING_S, Curve, Levels, Memoryless, Priced
from bench.pacing.floor import Floor, Silent
from outdial.core.units import Millis

FILE = Path(__file__).with_name("optimum.json")
AGENTS = (3, 10, 30, 100, 300, 1_000)
HITS = (0.08, 0.2, 0.4)
TARGETS = (0.03, 0.01)

STEPS_MAX = 200
"""Improvements of a curve, or corners of the hull, until the search is given up. About 20 are needed."""
PRICE_FIRST = 200.0
"""Where the search for a price begins; any price will do. Unit: seconds of an agent."""
GAIN_STEP = 1e-10
"""An improvement of the mean number of busy agents, relative to all agents, that is none."""
EDGE = 1e-9
"""The same between corners of the hull."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """The optimum of one cell."""

    agents: int
    hit: float
    target: float
    """Share of the answered persons who may be abandoned."""
    utilisation: float
    """Mean share of busy agents."""
    price: float
    """What one more abandoned person would be worth. Unit: seconds of an agent."""
    careful_share: float
    """Share of the optimum that lies with the careful curve."""
    careful: tuple[int, ...]
    """The corner of the hull that keeps the limit: calls in flight by free agents, from none. Ends where free agents
    are too many to ever happen."""
    bold: tuple[int, ...]
    """The corner that does not. The same shape."""

    def at(self, share: float) -> float:
        """Mean share of busy agents if another share of persons near the target were abandoned.

        Along the line through the hull's edge: beyond the edge's end the hull is lower, never higher.
        """
        at_target, at_share = (HANDLING_S - self.price * each / (1.0 - each) for each in (self.target, share))
        return self.utilisation * at_target / at_share


def best_curve(model: Memoryless, price: float, start: Sequence[int]) -> Priced:
    """The curve that earns most when an abandoned person has a price.

    Args:
        model: the model.
        price: of an abandoned person. Unit: seconds of an agent.
        start: a curve near it.

    Raises:
        ArithmeticError: no end of improvements.
    """
    best = Priced(Curve(model, start), price)
    for _ in range(STEPS_MAX):
        better = Priced(Curve(model, best.improved()), price)
        if better.gain <= best.gain + GAIN_STEP * model.agents:
            return best
        best = better
    raise ArithmeticError(f"no best curve at price {price} of {model}")


def hull_edge(model: Memoryless, target: float) -> tuple[Curve, Curve, float]:
    """The edge of the hull that crosses the limit: its careful end, its bold end, and the price along it."""
    careful, price = Curve(model, model.progressive()), PRICE_FIRST
    bold = best_curve(model, price, [round(0.9 * free / model.hit) for free in range(model.agents, -1, -1)]).curve
    while bold.gains.excess(target, model.handling_s) <= 0.0:
        careful, price = bold, price / 4.0
        bold = best_curve(model, price, bold.levels).curve
    for _ in range(STEPS_MAX):
        ends = careful.gains, bold.gains
        price = (ends[1].busy - ends[0].busy) / (ends[1].abandoned - ends[0].abandoned)
        between = best_curve(model, price, bold.levels)
        if between.gain <= ends[1].worth(price) + EDGE * model.agents:
            return careful, bold, price
        if between.curve.gains.excess(target, model.handling_s) > 0.0:
            bold = between.curve
        else:
            careful = between.curve
    raise ArithmeticError(f"no edge at {target} of {model}")


def optimum(model: Memoryless, target: float) -> Optimum:
    """The optimum of a model for a target, 0 excluded."""
    careful, bold, price = hull_edge(model, target)
    short, over = (-curve.gains.excess(target, model.handling_s) for curve in (careful, bold))
    share = -over / (short - over)
    busy = share * careful.gains.busy + (1.0 - share) * bold.gains.busy
    return Optimum(
        agents=model.agents,
        hit=model.hit,
        target=target,
        utilisation=busy / model.agents,
        price=price,
        careful_share=share,
        careful=_by_free(careful),
        bold=_by_free(bold),
    )


def _by_free(curve: Curve) -> tuple[int, ...]:
    return curve.levels[curve.lowest :][::-1]


class OnCurve(Silent):
    """A pacer that follows a switching curve."""

    def __init__(self, by_free: Levels) -> None:
        """Take calls in flight by free agents, from none; the last holds for more free agents, too."""
        self._levels = by_free

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Calls that the curve asks for beyond those in flight."""
        return max(0, self._levels[min(len(floor.free), len(self._levels) - 1)] - len(floor.calls))


# --- the table -------------------------------------------------------------------------------


def stored() -> list[Optimum]:
    """The table as it was computed last."""
    rows = json.loads(FILE.read_text(encoding="utf-8"))["rows"]
    return [Optimum(**{**row, "careful": tuple(row["careful"]), "bold": tuple(row["bold"])}) for row in rows]


def write(rows: Sequence[Optimum]) -> None:
    """Store a table with what it was computed from; a line for each row."""
    rounded = [{name: _rounded(value) for name, value in asdict(row).items()} for row in rows]
    parameters = json.dumps({"ring_s": RING_S, "handling_s": HANDLING_S, "patience_s": 0.0})
    lines = ",\n".join(json.dumps(row) for row in rounded)
    FILE.write_text(f'{{"parameters": {parameters},\n"rows": [\n{lines}\n]}}\n', encoding="utf-8")


def _rounded(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


def main(arguments: Sequence[str]) -> int:
    """Compute the table, print it and store it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.pacing.bounds.markov_optimum", description=main.__doc__)
    parser.add_argument("--agents", type=int, nargs="+", metavar="N", help="only print these, store nothing")
    options = parser.parse_args(arguments)
    rows = []
    print("utilisation in %; in flight by free agents, from none; seconds to compute")
    for agents in options.agents or AGENTS:
        for target in TARGETS:
            for hit in HITS:
                started = time.perf_counter()
                row = optimum(Memoryless(agents, hit), target)
                took = time.perf_counter() - started
                rows.append(row)
                shape = " ".join(str(calls) for calls in row.bold[:8])
                cell = f"{agents:>5} agents, {100 * hit:2.0f} % hit, {100 * target:.0f} %"
                print(f"{cell}: {100 * row.utilisation:6.2f}   {shape:<35} {took:6.2f}", flush=True)
    if not options.agents:
        write(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
