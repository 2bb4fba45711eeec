"""How good the estimate of needed ports is, and what sharing by it is worth.

    python -m bench.pacing.demand [a-priori | steps | pools …]

* *a-priori*: the formulas with true parameters, before the first call, against days of the model: ports on average and
  for 99 % of the time, dialing alone and with the customers' ports of the seizing modes. Engaging ports are one for
  each agent at work by construction and have no table.
* *steps*: the hit rate doubles or halves at once: how long until the estimate of a group that learns from its own
  calls is within 10 % of where it comes to rest. Beside it what else was tried: the mean alone, and the mean times the
  pacer's level of the last minutes.
* *pools*: groups of unlike size and talk on one pool that is too small for all, in the whole engine: shares by need,
  fixed shares in equal parts, and fixed shares by agents.
"""

import argparse
import math
import multiprocessing
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from bench.pacing.bounds.closed_forms import OTHER_S, PERSON_S, Progressive
from bench.pacing.engine import configuration, world
from bench.pacing.model import Agent, Call, Cell, Floor, Simulation
from bench.pacing.ours import Ours
from outdial.core.estimates import Demand, Estimates, Mean, demand
from outdial.core.events import GroupStartRequested, GroupStopRequested
from outdial.core.modes import DialingMode
from outdial.core.settings import Agent as AgentSettings
from outdial.core.settings import AgentGroup, CampaignGroup, Configuration, Switch
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis
from outdial.sim.run import Simulation as Engine
from outdial.sim.settings import ListShape, OperatorAct, WorldSettings

SLOW = True
JOBS = 2

HITS = (0.08, 0.20, 0.40)
TALKS_MS = (60_000, 180_000)
SEEDS = {10: 4, 30: 3, 100: 1}
"""Days per cell. Shape: {agents: days}."""
GOALS = {10: 0.08, 30: 0.03, 100: 0.03}
"""Error of the mean that is aimed at. Source: the pacing study, section 9."""
PEAK_GOAL = 0.10

STEP_AT_MS: Millis = 60 * MINUTE_MS
STEP_DAY_MS: Millis = 100 * MINUTE_MS
STEP_SEEDS = {10: 6, 30: 4, 100: 2}
STEP_MS: Millis = 5 * SECOND_MS
WITHIN = 0.10
FAST_MEMORY = 1_000

POOL_DAY_MS: Millis = 40 * MINUTE_MS
POOL_GROUPS = (2, 5, 20)
POOL_PART = 0.8
"""Size of the pool, as a part of what all groups together need."""
SIZES = (12, 6, 9, 4, 15)
POOL_TALKS_MS = (60_000, 180_000, 120_000, 60_000, 240_000)
"""Agents and mean conversations of the groups, over and over."""


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


# --- a priori -----------------------------------------------------------------------------------------------------


class Watched(Simulation):
    """A day with the customers in conversation counted beside the calls in flight."""

    def __init__(self, cell: Cell, pacer: Ours | Progressive, seed: int) -> None:
        """A fresh day."""
        super().__init__(cell, pacer, seed)
        self.talking: list[int] = []

    def _sample(self, now: Millis, what: object) -> None:
        super()._sample(now, what)
        if len(self.day.port_samples) > len(self.talking):
            self.talking.append(sum(agent.state == "talk" for agent in self.floor.busy.values()))


class Legs(NamedTuple):
    """Ports of one day, on average and for 99 % of the time: dialing, and with the customers in conversation."""

    dialing: float
    dialing_peak: float
    regular: float
    regular_peak: float
    persons: int
    attempts: int


def watch(task: tuple[Cell, bool, int]) -> Legs:
    """Live through a day. The task: (cell, whether it is predictive, seed)."""
    cell, predictive, seed = task
    simulation = Watched(cell, Ours(cell) if predictive else Progressive(), seed)
    day = simulation.run()
    legs = [calls + talking for calls, talking in zip(day.port_samples, simulation.talking, strict=True)]
    return Legs(
        statistics.fmean(day.port_samples),
        _p99(day.port_samples),
        statistics.fmean(legs),
        _p99(legs),
        day.persons,
        day.attempts,
    )


def _p99(samples: Sequence[int]) -> float:
    return float(sorted(samples)[99 * len(samples) // 100])


def a_priori(pool: "multiprocessing.pool.Pool") -> list[dict[str, float | str]]:
    """Formula against days: a table for each mode."""
    rows: list[dict[str, float | str]] = []
    for predictive in (True, False):
        name = "predictive" if predictive else "progressive"
        plain = DialingMode.PREDICTIVE if predictive else DialingMode.PROGRESSIVE
        seizing = DialingMode.PREDICTIVE_SEIZING if predictive else DialingMode.PROGRESSIVE_SEIZING
        print(f"\n{name}: formula / days, error; * misses its goal; 'own p': with the hit rate that the days had\n")
        print("|  hit | talk |   N | dialing mean | own p | dialing p99 | seizing mean | seizing p99 |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for agents, seeds in SEEDS.items():
            for talk_ms in TALKS_MS:
                for hit in HITS:
                    cell = Cell(agents, hit).with_talk(talk_ms)
                    days = pool.map(watch, [(cell, predictive, seed) for seed in range(1, seeds + 1)], 1)
                    legs = [statistics.fmean(column) for column in zip(*days, strict=True)]
                    dialed, held = (demand_of(true_estimates(cell), cell, mode) for mode in (plain, seizing))
                    own = demand_of(true_estimates(cell, legs[4] / legs[5]), cell, plain).regular_millis
                    guesses = [
                        dialed.regular_millis,
                        dialed.regular_peak_millis,
                        held.regular_millis,
                        held.regular_peak_millis,
                    ]
                    errors = [guess / 1_000 / actual - 1.0 for guess, actual in zip(guesses, legs[:4], strict=True)]
                    goals = (GOALS[agents], PEAK_GOAL) * 2
                    cells = [
                        f"{guess / 1_000:.1f} / {actual:.1f} {error:+.1%}{'*' if abs(error) > goal else ''}"
                        for guess, actual, error, goal in zip(guesses, legs[:4], errors, goals, strict=True)
                    ]
                    own_error = own / 1_000 / legs[0] - 1.0
                    cells.insert(1, f"{own_error:+.1%}")
                    print(f"| {hit:.0%} | {talk_ms // 1_000} | {agents} | {' | '.join(cells)} |", flush=True)
                    names = ("mean", "peak", "seizing_mean", "seizing_peak")
                    rows.append(
                        {"mode": name, "hit": hit, "talk_s": talk_ms / 1_000, "agents": agents, "own": own_error}
                        | dict(zip(names, errors, strict=True))
                    )
    _summarise(rows)
    return rows


def _summarise(rows: Sequence[dict[str, float | str]]) -> None:
    print()
    for mode in ("predictive", "progressive"):
        for size, sizes in (("N = 10", (10,)), ("N ≥ 30", (30, 100))):
            of_size = [row for row in rows if row["mode"] == mode and row["agents"] in sizes]
            errors = []
            for what in ("mean", "own", "peak", "seizing_mean", "seizing_peak"):
                found = [abs(float(row[what])) for row in of_size]
                errors.append(f"{what.replace('_', ' ')} {statistics.fmean(found):.1%} ({max(found):.1%})")
            print(f"{mode}, {size}, mean error (largest): {', '.join(errors)}")


# --- steps of the hit rate ----------------------------------------------------------------------------------------


class Learning(Ours):
    """Our pacer, with the group's statistics beside it, and what they say every five seconds."""

    def __init__(self, cell: Cell) -> None:
        """A cold start."""
        super().__init__(cell)
        self.cell = cell
        self.estimates = Estimates()
        self.mean_alone = Mean(0.3, memory=FAST_MEMORY)
        self.said: dict[str, dict[Millis, float]] = {"turns": {}, "mean × level": {}, "mean alone": {}}
        """Dialing ports. Shape: {way: {when: ports}}."""
        self._at: Millis = 0

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """The outcome is known."""
        super().resolved(now, call, person)
        held_ms = now - call.dialed_at
        self.estimates.attempt_resolved(elapsed_ms=held_ms, person=person)
        self.estimates.dialing_ended(held_ms)
        self.mean_alone.add(1.0 if person else 0.0)

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """An agent's state changed."""
        super().agent(now, agent, before, since)
        if before == "talk" != agent.state:
            self.estimates.talk_ms.add(now - since)
        elif before == "work" != agent.state:
            self.estimates.work_ms.add(now - since)

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Calls to start now."""
        found = super().wanted(now, floor)
        if now >= self._at:
            at = now // STEP_MS * STEP_MS
            self._at = at + STEP_MS
            if self.estimates.persons:
                self.estimates.utilisation.add(len(floor.busy) / self.cell.agents)
            ports = demand_of(self.estimates, self.cell, DialingMode.PREDICTIVE).regular_millis / 1_000
            self.said["turns"][at] = ports
            self.said["mean alone"][at] = ports * self.estimates.hit / self.mean_alone.value
            self.said["mean × level"][at] = self.said["mean alone"][at] / self.calls.level
        return found


def learn(task: tuple[Cell, int]) -> dict[str, dict[Millis, float]]:
    """A day with a group that learns. The task: (cell, seed)."""
    cell, seed = task
    pacer = Learning(cell)
    Simulation(cell, pacer, seed).run()
    return pacer.said


def steps(pool: "multiprocessing.pool.Pool") -> list[dict[str, float | str]]:
    """Seconds from a step of the hit rate until the estimate is where it will stay."""
    rows: list[dict[str, float | str]] = []
    print(
        "\nseconds until within 10 % of the new value: median and last of the days; their mean; noise before the step\n"
    )
    print("| N | step | estimate | median | last | mean of days | after 60 s | noise |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for agents, seeds in STEP_SEEDS.items():
        for factor in (2.0, 0.5):
            cell = Cell(agents, 0.20, day_ms=STEP_DAY_MS, hit_factors=((STEP_AT_MS, factor),))
            days = pool.map(learn, [(cell, seed) for seed in range(1, seeds + 1)], 1)
            instants = sorted(set.intersection(*(set(day["turns"]) for day in days)))
            last = [at for at in instants if at >= STEP_DAY_MS - 15 * MINUTE_MS]
            rest = _geometric(day["turns"][at] for day in days for at in last)
            for way in days[0]:
                paths = [day[way] for day in days]
                mean = {at: _geometric(path[at] for path in paths) for at in instants}
                times = [_arrival(path, rest) for path in paths]
                before = [math.log(path[at]) for path in paths for at in instants if _is_before(at)]
                median, latest, of_mean = statistics.median(times), max(times), _arrival(mean, rest)
                after, noise = mean[STEP_AT_MS + 60 * SECOND_MS] / rest, statistics.pstdev(before)
                rows.append(
                    {"agents": agents, "factor": factor, "estimate": way, "median_s": median, "last_s": latest}
                    | {"mean_s": of_mean, "after_60_s": after, "noise": noise}
                )
                numbers = f"{median:.0f} | {latest:.0f} | {of_mean:.0f} | {after:.2f} | {noise:.3f}"
                print(f"| {agents} | × {factor:g} | {way} | {numbers} |", flush=True)
    return rows


def _is_before(at: Millis) -> bool:
    return STEP_AT_MS - 20 * MINUTE_MS <= at < STEP_AT_MS


def _geometric(values: Iterable[float]) -> float:
    return math.exp(statistics.fmean(math.log(max(1e-9, value)) for value in values))


def _arrival(path: dict[Millis, float], rest: float) -> float:
    """Seconds from the step until the estimate is first within 10 % of its rest; infinite: never."""
    for at in sorted(path):
        if at >= STEP_AT_MS and 1.0 - WITHIN <= path[at] / rest <= 1.0 + WITHIN:
            return (at - STEP_AT_MS) / SECOND_MS
    return math.inf


# --- one pool for many groups -------------------------------------------------------------------------------------

SHARES = ("by need", "equal parts", "by agents")


class Share(NamedTuple):
    """What came of one way of sharing."""

    talk_h: float
    """Conversations of all groups. Unit: hours."""
    lost: float
    """Share of answered persons who found no agent."""
    least: float
    """Utilisation of the worst group."""


def share(task: tuple[str, int, bool, int]) -> Share:
    """Run the engine. The task: (way of sharing, groups, whether groups pause by turns, seed)."""
    way, count, pausing, seed = task
    settings = _pool_world(count, pausing)
    report = Engine(_pool_configuration(way, count), settings, seed).run(settings.duration_ms)
    persons = sum(group.persons for group in report.groups)
    return Share(
        sum(work.by_state_ms.get("talking", 0) for work in report.work) / (60 * MINUTE_MS),
        sum(group.lost_ratio * group.persons for group in report.groups) / max(1, persons),
        min(work.utilisation for work in report.work),
    )


def _pool_cells(count: int) -> list[Cell]:
    return [
        Cell(SIZES[place % len(SIZES)], 0.20, POOL_TALKS_MS[place % len(POOL_TALKS_MS)], day_ms=POOL_DAY_MS)
        for place in range(count)
    ]


def _pool_ports(cells: Iterable[Cell]) -> int:
    needs = [demand_of(true_estimates(cell), cell, DialingMode.PREDICTIVE).regular_millis for cell in cells]
    return round(POOL_PART * sum(needs) / 1_000)


def _pool_configuration(way: str, count: int) -> Configuration:
    cells = _pool_cells(count)
    ports = _pool_ports(cells)
    weights = {"by need": [0] * count, "equal parts": [1] * count, "by agents": [cell.agents for cell in cells]}[way]
    parts = _whole(ports, weights) if any(weights) else weights
    plain = configuration(cells[0], DialingMode.PREDICTIVE)
    agents, teams, groups = [], [], []
    for number, (cell, part) in enumerate(zip(cells, parts, strict=True), 1):
        members = range(len(agents) + 1, len(agents) + cell.agents + 1)
        agents += [AgentSettings(agent, f"agent{agent}", str(7_000 + agent)) for agent in members]
        teams.append(AgentGroup(number, f"team{number}", tuple(members), None))
        groups.append(_group(plain.campaign_groups[0], number, cell, part))
    return replace(
        plain,
        switches=(Switch(1, "switch", ports, way == "by need"),),
        agents=tuple(agents),
        agent_groups=tuple(teams),
        campaign_groups=tuple(groups),
    )


def _group(like: CampaignGroup, number: int, cell: Cell, part: int) -> CampaignGroup:
    return replace(like, dbid=number, name=f"group{number}", agent_group=number, number_of_cpd_ports=part)


def _whole(ports: int, weights: Sequence[int]) -> list[int]:
    """Parts in proportion, at least one port each, the largest remainders rounded up."""
    exact = [ports * weight / sum(weights) for weight in weights]
    parts = [max(1, math.floor(each)) for each in exact]
    for place in sorted(range(len(parts)), key=lambda place: math.floor(exact[place]) - exact[place]):
        if sum(parts) >= ports:
            break
        parts[place] += 1
    return parts


def _pool_world(count: int, pausing: bool) -> WorldSettings:
    cells = _pool_cells(count)
    plain = world(cells[0])
    acts = []
    for number in range(1, count + 1) if pausing else ():
        half = POOL_DAY_MS // 2
        stop_ms, start_ms = (half, POOL_DAY_MS) if number % 2 else (SECOND_MS, half)
        acts.append(OperatorAct(stop_ms, GroupStopRequested(2 * number, number)))
        if start_ms < POOL_DAY_MS:
            acts.append(OperatorAct(start_ms, GroupStartRequested(2 * number + 1, number)))
    talks = tuple((number, cell.talk_ms_mean) for number, cell in enumerate(cells, 1))
    records = round(1_000 * sum(cell.agents for cell in cells) * POOL_DAY_MS / (60 * MINUTE_MS)) + 1_000
    return replace(
        plain,
        operator_acts=tuple(sorted(acts, key=lambda act: act.at_ms)),
        callees=replace(plain.callees, talk_ms_mean_by_group=talks),
        lists=(ListShape(1, records, 1),),
    )


def pools(pool: "multiprocessing.pool.Pool") -> list[dict[str, float | str]]:
    """What sharing by need is worth."""
    rows: list[dict[str, float | str]] = []
    print(
        "\none pool for 0.8 of the need; talk: hours of conversation of all groups; half: odd groups dial in the first"
    )
    print("half of the time, even groups in the second\n")
    print("| groups | agents | ports | dialing | shares | talk | against by need | abandoned | least busy group |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for count in POOL_GROUPS:
        cells = _pool_cells(count)
        seeds = 2 if count <= 5 else 1
        for pausing in (False, True):
            tasks = [(way, count, pausing, seed) for way in SHARES for seed in range(1, seeds + 1)]
            runs = pool.map(share, tasks, 1)
            dynamic_h = 0.0
            for place, way in enumerate(SHARES):
                of_way = runs[place * seeds : (place + 1) * seeds]
                talk_h, lost, least = (statistics.fmean(column) for column in zip(*of_way, strict=True))
                dynamic_h = dynamic_h or talk_h
                row = {"groups": count, "pausing": float(pausing), "shares": way, "talk_h": talk_h, "lost": lost}
                rows.append(row | {"least": least})
                print(
                    f"| {count} | {sum(cell.agents for cell in cells)} | {_pool_ports(cells)} "
                    f"| {'half' if pausing else 'all'} | {way} | {talk_h:.2f} h | {talk_h / dynamic_h - 1:+.1%} "
                    f"| {lost:.2%} | {least:.1%} |",
                    flush=True,
                )
    return rows


PARTS = {"a-priori": a_priori, "steps": steps, "pools": pools}


def run(names: Sequence[str] = ()) -> dict[str, list[dict[str, float | str]]]:
    """Measure, print tables, and return their rows. Shape: {part: rows}."""
    found = {}
    with multiprocessing.get_context("spawn").Pool(JOBS) as pool:
        for name in names or PARTS:
            started = time.perf_counter()
            found[name] = PARTS[name](pool)
            print(f"\n({name}: {time.perf_counter() - started:.0f} s)", flush=True)
    return found


def main(arguments: Sequence[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.pacing.demand", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.parts if name not in PARTS]
    if unknown:
        print(f"no part named {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    run(options.parts)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
