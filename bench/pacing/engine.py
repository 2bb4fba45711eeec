"""The benchmark model's cells in the whole engine: core, simulated cluster, ports, records, phones."""

import time
from typing import NamedTuple

from bench.pacing.cells import Cell
from bench.pacing.model import callee_settings
from outdial.core.modes import DialingMode
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    DialerId,
    DialerKind,
    LoadBalancing,
    Node,
    Ocs,
    Switch,
    Zone,
)
from outdial.core.units import MINUTE_MS, SECOND_MS
from outdial.sim.run import Simulation
from outdial.sim.settings import IvrSettings, ListShape, NodeSettings, WorkforceSettings, WorldSettings

NODES = 3
RING_MS_MAX = 24_000
"""The model's 22 s of ringing and the mean post-dial delay."""


class EngineDay(NamedTuple):
    """What the engine made of a cell."""

    utilisation: float
    abandonment: float
    persons: int
    attempts: int
    seconds: float


def configuration(cell: Cell, mode: DialingMode) -> Configuration:
    """One campaign group on three nodes, with ports for everybody."""
    switch = DialerId(DialerKind.SWITCH, 1)
    ports = cell.ports_max or 40 * cell.agents + 100
    return Configuration(
        ocs=Ocs(tuple(range(1, NODES + 1)), LoadBalancing.ROUND_ROBIN, 1, audit_ms=0),
        switches=(Switch(1, "switch", ports),),
        nodes=tuple(Node(n, f"node{n}", 1, n + 10, f"node{n}-backup") for n in range(1, NODES + 1)),
        agents=tuple(Agent(n, f"agent{n}", str(7_000 + n)) for n in range(1, cell.agents + 1)),
        agent_groups=(AgentGroup(1, "team", tuple(range(1, cell.agents + 1)), None),),
        calling_lists=(CallingList(1, "list", Zone("UTC", ((0, 0),))),),
        campaigns=(Campaign(1, "campaign", ((1, 10),)),),
        campaign_groups=(
            CampaignGroup(
                1,
                "group",
                1,
                1,
                mode,
                switch,
                asm_channel_num=0 if mode.is_seizing else None,
                overdial_ratio_max=cell.target,
                history_length=25,
                ring_ms_max=RING_MS_MAX,
                call_wait_in_queue_ms_max=cell.patience_ms,
                minimum_record_buffer=200 + 10 * cell.agents // 2,
                optimal_record_buffer=400 + 10 * cell.agents // 2 * 2,
            ),
        ),
    )


def world(cell: Cell) -> WorldSettings:
    """The model's outcomes and times; nothing fails, nobody dawdles."""
    settings = callee_settings(cell)
    return WorldSettings(
        duration_ms=cell.day_ms,
        cool_down_ms=SECOND_MS,
        settle_ms_max=60 * MINUTE_MS,
        callees=settings,
        ivr=IvrSettings(),
        workforce=WorkforceSettings(
            login_spread_ms=0,
            late_ready_ms_mean=1,
            after_call_work_ms_mean=cell.work_ms_mean,
            after_call_work_ms_cv=0.707,
            answer_ms_mean=1,
            no_answer_ratio=0.0,
            break_ratio=0.0,
            drop_engaging_ratio=0.0,
        ),
        node=NodeSettings(latency_ms_mean=1),
        lists=(ListShape(1, round(1_000 * cell.agents * cell.day_ms / (60 * MINUTE_MS)) + 1_000, 1),),
    )


def run_engine(cell: Cell, seed: int, mode: DialingMode = DialingMode.PREDICTIVE) -> EngineDay:
    """One day of a cell in the engine."""
    started = time.perf_counter()
    report = Simulation(configuration(cell, mode), world(cell), seed).run(cell.day_ms)
    group, work = report.groups[0], report.work[0]
    seconds = time.perf_counter() - started
    return EngineDay(work.utilisation, group.lost_ratio, group.persons, report.attempts, seconds)
