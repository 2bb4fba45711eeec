"""The rules of others, for comparison only, each written anew from a description of its behaviour.

`PEERS` makes a new pacer for a day of a cell. `ratio` looks for its ratio in hindsight on the cell itself, which
takes a dozen days the first time in a process. `feedback-uncapped` has the study's settings instead of the vendor's,
`omnidialer-uncapped` no limit of 3 calls per second.
"""

from collections.abc import Callable
from typing import Final

from bench.pacing.cells import Cell
from bench.pacing.floor import Pacer
from bench.pacing.peers.batch import Batch
from bench.pacing.peers.erlang import ErlangB
from bench.pacing.peers.impactdialing import ImpactDialing
from bench.pacing.peers.issabel import Issabel
from bench.pacing.peers.omnidialer import OmniDialer
from bench.pacing.peers.plain import Plain
from bench.pacing.peers.ratios import FixedRatio, Progressive, RatioWithFeedback, best_ratio
from bench.pacing.peers.vicidial import VicidialAdaptive

PEERS: Final[dict[str, Callable[[Cell], Pacer]]] = {
    "progressive": lambda cell: Progressive(),
    "ratio": lambda cell: FixedRatio(best_ratio(cell)),
    "feedback": lambda cell: RatioWithFeedback(cell.target),
    "feedback-uncapped": lambda cell: RatioWithFeedback(cell.target, gain=0.25, most=60.0),
    "vicidial-average": lambda cell: VicidialAdaptive(cell.target, cell.day_ms, "average"),
    "vicidial-hard": lambda cell: VicidialAdaptive(cell.target, cell.day_ms, "hard"),
    "vicidial-tapered": lambda cell: VicidialAdaptive(cell.target, cell.day_ms, "tapered"),
    "omnidialer": lambda cell: OmniDialer(cell.target),
    "omnidialer-uncapped": lambda cell: OmniDialer(cell.target, starts_per_s=None),
    "issabel": lambda cell: Issabel(),
    "impactdialing": lambda cell: ImpactDialing(cell.target, cell.patience_ms),
    "erlang-b": lambda cell: ErlangB(cell.target),
    "batch": lambda cell: Batch(cell.target),
    "plain": lambda cell: Plain(cell.target),
}
"""Shape: {name: maker}."""
