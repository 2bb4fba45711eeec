"""Run the pacing benchmark: `python -m bench.pacing [part …]`, all parts when none is named.

Writes `pacing.md`, `pacing.json` and, when matplotlib is installed, plots into a folder. `pools.svg` is the picture of
`docs/concepts/ports.md`.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.pacing import cold, tables
from bench.pacing.cells import AGENTS, DRIFT_AGENTS, DRIFTS, SEEDS, Cell, grid, markov
from bench.pacing.demand import a_priori, pools, steps
from bench.pacing.measure import ENGINE, Row, Task, Workers, as_json
from bench.pacing.peers import PEERS
from bench.pacing.plots import draw

Part = Callable[[Workers, Sequence[int], float], tuple[str, Sequence[Any]]]
"""Given: who works, the sizes that are wanted, and how many days of each. Returns: (Markdown, rows)."""
COMPLIANCE_DAYS = 40
PEER_AGENTS = (3, 10, 30, 100)


def _days(cells: Iterable[Cell], pacers: Sequence[str], factor: float) -> list[Task]:
    found = []
    for cell in cells:
        days = max(1, round(factor * SEEDS.get(cell.agents, 2)))
        found += [Task(cell, pacer, seed) for pacer in pacers for seed in range(1, days + 1)]
    return found


def part_grid(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Row]]:
    """Every cell at 3 % and at 1 %."""
    chosen = tuple(agents)
    three = workers.days(_days(grid(0.03, chosen), ["outdial"], factor))
    one = workers.days(_days(grid(0.01, chosen), ["outdial"], factor / 2))
    return f"## At 3 %\n\n{tables.grid(three)}\n## At 1 %\n\n{tables.grid(one)}", three + one


def part_peers(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Row]]:
    """Everybody on the same records."""
    names = ["outdial", *PEERS, "agents known", "calls known"]
    rows = workers.days(_days(grid(0.03, tuple(n for n in PEER_AGENTS if n in agents)), names, factor / 3))
    compared = [row for row in rows if row.pacer not in ("agents known", "calls known")]
    ahead = tables.behind(compared)
    verdict = "\n".join(f"* {line}" for line in ahead) if ahead else "Nobody is ahead of us at no more abandonment."
    return f"## Side by side\n\n{tables.side_by_side(rows)}\n{verdict}\n", rows


def part_markov(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Row]]:
    """Against the proven optimum."""
    cells = [cell for target in (0.03, 0.01) for cell in markov(target) if cell.agents in agents]
    rows = workers.days(_days(cells, ["outdial"], factor))
    return f"## Against the exact optimum of the memoryless version\n\n{tables.markov(rows)}", rows


def part_drift(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Row]]:
    """What happens when something changes."""
    named: list[tuple[str, Row]] = []
    for drift in DRIFTS:
        for count in DRIFT_AGENTS:
            if count in agents:
                rows = workers.days(_days([drift.of(count)], ["outdial"], factor))
                named += [(drift.name, row) for row in rows]
    return f"## Drift\n\n{tables.drift(named)}", [row for _, row in named]


def part_days(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Row]]:
    """Many days of three cells: how many keep the limit."""
    cells = [Cell(count, 0.20) for count in (3, 10, 30) if count in agents]
    days = max(2, round(factor * COMPLIANCE_DAYS))
    rows = workers.days(Task(cell, "outdial", seed) for cell in cells for seed in range(101, 101 + days))
    return f"## Many days\n\n{tables.grid(rows)}", rows


def part_engine(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Row]]:
    """The same cells in the whole engine."""
    cells = [Cell(count, 0.20) for count in (3, 10, 30, 100) if count in agents]
    cells += [replace(Cell(count, 0.08)).with_talk(180_000) for count in (10, 30) if count in agents]
    rows = workers.days(_days(cells, ["outdial", *ENGINE], factor / 2))
    seconds = {(row.agents, row.pacer): row.seconds for row in rows if row.pacer in ENGINE}
    cost = ", ".join(f"{pacer} with {count} agents {value:.0f} s" for (count, pacer), value in seconds.items())
    return f"## The whole engine\n\n{tables.side_by_side(rows)}\nA day takes: {cost}.\n", rows


PARTS: dict[str, Part] = {
    "grid": part_grid,
    "markov": part_markov,
    "drift": part_drift,
    "cold": cold.part,
    "days": part_days,
    "engine": part_engine,
    "a-priori": a_priori.part,
    "steps": steps.part,
    "pools": pools.part,
    "peers": part_peers,
}


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.pacing", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--agents", type=int, nargs="+", default=list(AGENTS), help="only these sizes")
    parser.add_argument("--days", type=float, default=1.0, metavar="FACTOR", help="more or fewer days per cell")
    parser.add_argument("--jobs", type=int, default=None, help="processes (default: all processors)")
    parser.add_argument("--out", type=Path, default=Path("build/pacing"), help="folder for the results")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        print(f"no part named {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2

    workers = Workers(options.jobs, lambda text: print(text, file=sys.stderr))
    options.out.mkdir(parents=True, exist_ok=True)
    texts, results = ["# Pacing benchmark\n"], {}
    for name in options.parts or PARTS:
        started = time.perf_counter()
        text, rows = PARTS[name](workers, options.agents, options.days)
        print(f"{text}\n({name}: {time.perf_counter() - started:.0f} s)\n", flush=True)
        texts.append(text)
        results[name] = as_json(rows)
    (options.out / "pacing.md").write_text("\n".join(texts), encoding="utf-8")
    (options.out / "pacing.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for line in draw(results, options.out):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
