"""Groups on one pool of ports that is too small for all, in the whole engine: what sharing by need is worth.

Three ways to give out the ports: shares by need as the dialer computes them, fixed shares in equal parts, and fixed
shares by agents. The groups are of unlike size and talk, and either all dial the whole time, or load moves: odd groups
dial in the first half of the time, even groups in the second.

Everybody's limit of abandonment is the same. Too few ports keep calls far below it, one way more than another, so
where sharing by need abandons more than a split does it runs at lower limits, too. Compared is its talk at the split's
abandonment, on the straight line between the limits above and below: some of the time at one, the rest at the other.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bench.pacing.cells import Cell
from bench.pacing.demand.truth import demand_of, true_estimates
from bench.pacing.engine import configuration, world
from bench.pacing.measure import Workers
from bench.pacing.tables import table
from outdial.core.events import GroupStartRequested, GroupStopRequested
from outdial.core.modes import DialingMode
from outdial.core.settings import Agent, AgentGroup, CampaignGroup, Configuration, Switch
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis
from outdial.sim.run import Simulation
from outdial.sim.settings import ListShape, OperatorAct, WorldSettings

TIME_MS: Millis = 40 * MINUTE_MS
SEEDS = {2: 8, 5: 6, 10: 4, 20: 3}
"""Runs of each way. Shape: {groups: runs}."""
PART = 0.8
"""Size of the pool, as a part of what all groups together need."""
SIZES = (12, 6, 9, 4, 15)
TALKS_MS = (60_000, 180_000, 120_000, 60_000, 240_000)
"""Agents and mean conversations of the groups, over and over."""
NEED, EQUAL, AGENTS = SHARES = ("by need", "equal parts", "by agents")
LIMIT = 0.03
"""Share of answered persons who may be abandoned."""
LOWER = (0.01, 0.003, 0.0)
"""What sharing by need is tried with where it abandons more than a split. The last abandons nobody."""


class Way(NamedTuple):
    """What is run."""

    shares: str
    groups: int
    moves: bool
    """Load moves: half of the groups dial at a time."""
    limit: float


class Share(NamedTuple):
    """What came of one run."""

    talk_h: float
    """Conversations of all groups. Unit: hours."""
    lost: float
    """Share of answered persons who found no agent."""
    least: float
    """Utilisation of the worst group."""


def share(task: tuple[Way, int]) -> Share:
    """Run the engine. The task: (way, seed)."""
    way, seed = task
    settings = _world(way)
    report = Simulation(_configuration(way), settings, seed).run(settings.duration_ms)
    persons = sum(group.persons for group in report.groups)
    return Share(
        sum(work.by_state_ms.get("talking", 0) for work in report.work) / (60 * MINUTE_MS),
        sum(group.lost_ratio * group.persons for group in report.groups) / max(1, persons),
        min(work.utilisation for work in report.work),
    )


def _cells(count: int, limit: float = LIMIT) -> list[Cell]:
    return [
        Cell(SIZES[place % len(SIZES)], 0.20, TALKS_MS[place % len(TALKS_MS)], target=limit, day_ms=TIME_MS)
        for place in range(count)
    ]


def _ports(cells: Iterable[Cell]) -> int:
    needs = [demand_of(true_estimates(cell), cell, DialingMode.PREDICTIVE).regular_millis for cell in cells]
    return round(PART * sum(needs) / 1_000)


def _configuration(way: Way) -> Configuration:
    cells = _cells(way.groups, way.limit)
    ports = _ports(_cells(way.groups))
    weights = {NEED: [0] * way.groups, EQUAL: [1] * way.groups, AGENTS: [cell.agents for cell in cells]}[way.shares]
    parts = _whole(ports, weights) if any(weights) else weights
    plain = configuration(cells[0], DialingMode.PREDICTIVE)
    agents, teams, groups = [], [], []
    for number, (cell, part_of_it) in enumerate(zip(cells, parts, strict=True), 1):
        members = range(len(agents) + 1, len(agents) + cell.agents + 1)
        agents += [Agent(agent, f"agent{agent}", str(7_000 + agent)) for agent in members]
        teams.append(AgentGroup(number, f"team{number}", tuple(members), None))
        groups.append(_group(plain.campaign_groups[0], number, part_of_it))
    return replace(
        plain,
        switches=(Switch(1, "switch", ports, way.shares == NEED),),
        agents=tuple(agents),
        agent_groups=tuple(teams),
        campaign_groups=tuple(groups),
    )


def _group(like: CampaignGroup, number: int, ports: int) -> CampaignGroup:
    return replace(like, dbid=number, name=f"group{number}", agent_group=number, number_of_cpd_ports=ports)


def _whole(ports: int, weights: Sequence[int]) -> list[int]:
    """Parts in proportion, at least one port each, the largest remainders rounded up."""
    exact = [ports * weight / sum(weights) for weight in weights]
    parts = [max(1, math.floor(each)) for each in exact]
    for place in sorted(range(len(parts)), key=lambda place: math.floor(exact[place]) - exact[place]):
        if sum(parts) >= ports:
            break
        parts[place] += 1
    return parts


def _world(way: Way) -> WorldSettings:
    cells = _cells(way.groups)
    plain = world(cells[0])
    acts = []
    for number in range(1, way.groups + 1) if way.moves else ():
        half = TIME_MS // 2
        stop_ms, start_ms = (half, TIME_MS) if number % 2 else (SECOND_MS, half)
        acts.append(OperatorAct(stop_ms, GroupStopRequested(2 * number, number)))
        if start_ms < TIME_MS:
            acts.append(OperatorAct(start_ms, GroupStartRequested(2 * number + 1, number)))
    talks = tuple((number, cell.talk_ms_mean) for number, cell in enumerate(cells, 1))
    records = round(1_000 * sum(cell.agents for cell in cells) * TIME_MS / (60 * MINUTE_MS)) + 1_000
    return replace(
        plain,
        operator_acts=tuple(sorted(acts, key=lambda act: act.at_ms)),
        callees=replace(plain.callees, talk_ms_mean_by_group=talks),
        lists=(ListShape(1, records, 1),),
    )


@dataclass(frozen=True, slots=True)
class Sharing:
    """One way at one limit: means over its runs."""

    groups: int
    agents: int
    ports: int
    moves: bool
    shares: str
    limit: float
    runs: int
    talk_h: float
    lost: float
    least: float
    ahead: float = 0.0
    """Talk of sharing by need above this way's, at no more than its abandonment. Range: above -1; 0: the same."""
    ahead_error: float | None = None
    """Standard error of that, over the runs. None: of one run."""
    ahead_lost: float = 0.0
    """What sharing by need abandons there."""


def part(workers: Workers, agents: Sequence[int], factor: float) -> tuple[str, list[Sharing]]:
    """What sharing by need is worth. There is no group of exactly so many agents: all sizes are run."""
    places = [(groups, moves) for groups in SEEDS for moves in (False, True)]
    runs: dict[Way, list[Share]] = {}
    _run([Way(shares, *place, LIMIT) for place in places for shares in SHARES], workers, factor, runs)
    for limit in LOWER:
        _run([Way(NEED, *place, limit) for place in places if _abandons_more(place, runs)], workers, factor, runs)
    ways = [Way(shares, *place, limit) for place in places for shares in SHARES for limit in (LIMIT, *LOWER)]
    rows = [_row(way, runs) for way in ways if way in runs]
    text = "A pool of 0.8 of what all groups need; talk: hours of conversation of all groups together."
    return f"## One pool for many groups\n\n{text}\n\n{_table(rows)}", rows


def _run(ways: Sequence[Way], workers: Workers, factor: float, runs: dict[Way, list[Share]]) -> None:
    """Run these ways, too."""
    tasks = [(way, seed) for way in ways for seed in range(1, max(1, round(factor * SEEDS[way.groups])) + 1)]
    for (way, _), found in zip(tasks, workers.each(share, tasks), strict=True):
        runs.setdefault(way, []).append(found)


def _abandons_more(place: tuple[int, bool], runs: dict[Way, list[Share]]) -> bool:
    """Whether there is a split that abandons less than sharing by need at each limit so far."""
    own = [_lost(found) for way, found in runs.items() if way.shares == NEED and (way.groups, way.moves) == place]
    return any(_lost(runs[Way(split, *place, LIMIT)]) < min(own) for split in (EQUAL, AGENTS))


def _matched(split: Way, runs: dict[Way, list[Share]]) -> list[tuple[float, float]]:
    """Sharing by need with a split's abandonment, or less if it never has as much. Shape: [(talk, lost) of a run]."""
    ways = [split._replace(shares=NEED, limit=limit) for limit in (LIMIT, *LOWER)]
    own = [runs[way] for way in ways if way in runs]
    wanted = _lost(runs[split])
    below = next((place for place, found in enumerate(own) if _lost(found) <= wanted), len(own) - 1)
    less, more = own[below], own[max(0, below - 1)]
    span = _lost(more) - _lost(less)
    part_of_more = min(1.0, max(0.0, (wanted - _lost(less)) / span)) if span > 0.0 else 0.0
    return [
        (low.talk_h + part_of_more * (high.talk_h - low.talk_h), low.lost + part_of_more * (high.lost - low.lost))
        for low, high in zip(less, more, strict=True)
    ]


def _lost(runs: Sequence[Share]) -> float:
    return statistics.fmean(run.lost for run in runs)


def _row(way: Way, runs: dict[Way, list[Share]]) -> Sharing:
    mean = Share(*(statistics.fmean(column) for column in zip(*runs[way], strict=True)))
    cells = _cells(way.groups)
    total = sum(cell.agents for cell in cells)
    row = Sharing(way.groups, total, _ports(cells), way.moves, way.shares, way.limit, len(runs[way]), *mean)
    if way.shares == NEED:
        return row
    matched = _matched(way, runs)
    gains = [talk_h / found.talk_h - 1.0 for (talk_h, _), found in zip(matched, runs[way], strict=True)]
    return replace(
        row,
        ahead=statistics.fmean(talk_h for talk_h, _ in matched) / mean.talk_h - 1.0,
        ahead_error=statistics.stdev(gains) / math.sqrt(len(gains)) if len(gains) > 1 else None,
        ahead_lost=statistics.fmean(lost for _, lost in matched),
    )


def _table(rows: Sequence[Sharing]) -> str:
    head = ["groups", "agents", "ports", "dialing", "shares", "limit", "runs", "talk h @ abandoned %"]
    head += ["least busy group", "by need is ahead", "at abandoned %"]
    lines = []
    for row in rows:
        line = [f"{row.groups}", f"{row.agents}", f"{row.ports}", "half" if row.moves else "all", row.shares]
        line += [f"{100 * row.limit:g} %", f"{row.runs}", f"{row.talk_h:.2f} @ {100 * row.lost:.2f}"]
        line.append(f"{row.least:.1%}")
        fair = ["", ""]
        if row.shares != NEED:
            error = "" if row.ahead_error is None else f" ± {100 * row.ahead_error:.1f}"
            fair = [f"{100 * row.ahead:+.1f}{error} %", f"{100 * row.ahead_lost:.2f}"]
        lines.append([*line, *fair])
    return table(head, lines)
