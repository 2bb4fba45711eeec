"""Alarms: what somebody should look at now, as a comparison of snapshots. Pure: values in, a board out.

    board = alarms_of(snapshot, outside, board)      # once a second or so
    raised, cleared = changes(before, board)

An alarm has a *cause* that each snapshot shows or does not show. Causes come and go from one second to the next, alarms
must not: for each cause the board keeps how long it has been there. The time grows while the cause shows, falls while
it does not, and stays between nothing and the `steady_ms` of its kind; the alarm is raised at the top and cleared at
the bottom. Shares and rates have a second threshold below the first besides, which holds while the alarm is up.

Ours: kinds, thresholds and times (decision 0026).
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from outdial.core.groups import GroupState, Hold
from outdial.core.nodes import Admin, NodeState
from outdial.core.snapshot import CampaignView, GroupView, NodeView, Snapshot, WindowView
from outdial.core.units import MINUTE_MS, SECOND_MS, GroupId, Millis, NodeId

NEAR_MILLIS = 800
"""Share of the abandonment limit at which it is near. Unit: thousandths of the limit."""
NEAR_STILL_MILLIS = 750
"""And below which it is not any more."""
OVER_STILL_MILLIS = 950
"""Share of the limit below which it counts as kept again, once it was broken. Unit: thousandths of the limit."""
ABANDONED_MIN = 2
"""Fewest abandoned calls of a window that say something: the first one of a day breaks every limit."""
FAULTS_MIN = 10
"""Fewest requests that must have failed through a node's fault, within `FAULTS_SPAN_MS`. Unit: requests."""
FAULTS_MILLIS = 200
"""Share of a node's requests that fail through its fault, from which it is too much. Unit: thousandths."""
FAULTS_STILL_MILLIS = 100
FAULTS_SPAN_MS: Millis = MINUTE_MS
STORE_AWAY = "does not answer"
"""What the hold of a group says that has nothing to dial because of the database: that is another alarm."""
MARK_MS: Millis = 10 * SECOND_MS
"""Time between two marks of a node's counts. Unit: ms."""


class Severity(enum.StrEnum):
    """How much it matters."""

    CRITICAL = "critical"
    """Nothing is dialed, or a limit is broken."""
    WARNING = "warning"


class AlarmKind(enum.StrEnum):
    """What is wrong; see `RULES`. The value is the name in API, log and documents."""

    PRIME_LOST = "prime-lost"
    LIMIT_BROKEN = "limit-broken"
    DATABASE_AWAY = "database-away"
    NODE_LOST = "node-lost"
    NODE_FAULTS = "node-faults"
    LIMIT_NEAR = "limit-near"
    PORTS_STARVED = "ports-starved"
    NO_AGENTS = "no-agents"
    LIST_EMPTY = "list-empty"


@dataclass(frozen=True, slots=True)
class Rule:
    """How alarms of one kind come and go."""

    severity: Severity
    steady_ms: Millis
    """How long the cause must have been there. Unit: ms."""
    meaning: str


RULES = {
    AlarmKind.PRIME_LOST: Rule(Severity.CRITICAL, 2 * SECOND_MS, "No node is prime: all dialing is stopped."),
    AlarmKind.LIMIT_BROKEN: Rule(
        Severity.CRITICAL,
        0,
        "A campaign has abandoned more calls than its limit allows, in a window that the limit holds for. "
        "Cleared below 95 % of the limit.",
    ),
    AlarmKind.DATABASE_AWAY: Rule(
        Severity.CRITICAL, 2 * SECOND_MS, "The database does not answer; what happens is kept in the spool."
    ),
    AlarmKind.NODE_LOST: Rule(Severity.WARNING, 5 * SECOND_MS, "A node is inactive that nobody drains."),
    AlarmKind.NODE_FAULTS: Rule(
        Severity.WARNING,
        5 * SECOND_MS,
        "Within a minute at least 10 requests of a node, and a fifth of all, have failed through its fault. "
        "Cleared below a tenth.",
    ),
    AlarmKind.LIMIT_NEAR: Rule(
        Severity.WARNING,
        0,
        "A campaign has spent at least 80 % of its limit of abandoned calls. Cleared below 75 %.",
    ),
    AlarmKind.PORTS_STARVED: Rule(
        Severity.WARNING, 30 * SECOND_MS, "A group waits for ports, and needs more than it may have."
    ),
    AlarmKind.NO_AGENTS: Rule(
        Severity.WARNING, 30 * SECOND_MS, "A group runs that needs agents, and none of its agents is logged in."
    ),
    AlarmKind.LIST_EMPTY: Rule(Severity.WARNING, 30 * SECOND_MS, "A group runs, and its lists have nothing due."),
}
"""Every kind, the worst first. `steady_ms`: a backup takes over within seconds; ports, agents and records are awaited
for a while all day long."""
_RANK = {kind: rank for rank, kind in enumerate(RULES)}

Marks: TypeAlias = tuple[tuple[Millis, int, int], ...]
"""A node's counts within the last `FAULTS_SPAN_MS`, oldest first. Shape: ((mono_ms, requests, faults), …)."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What no snapshot of the dialer knows."""

    database_away: str = ""
    """Why the database counts as away; empty: it does not."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that somebody should look at."""

    key: str
    """Which one it is, as long as it is up: kind and number of what it is about, such as `node-lost:12`."""
    kind: AlarmKind
    severity: Severity
    text: str
    """One sentence. Numbers in it follow the snapshots."""
    since_utc_ms: int
    """When its cause was seen first."""
    node_id: NodeId | None = None
    group_id: GroupId | None = None
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """A cause that shows, or has shown lately."""

    alarm: Alarm
    present_ms: Millis
    """How long it has been there, less how long it has not. Range: 0 … its kind's `steady_ms`."""
    is_up: bool
    """The alarm is raised."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that one comparison hands on to the next."""

    mono_ms: Millis | None = None
    """Of the last snapshot. None: there was none."""
    watched: dict[str, Watched] = field(default_factory=dict)
    """By key."""
    marks: dict[NodeId, Marks] = field(default_factory=dict)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Alarms that are up: the worst first, then the oldest."""
        up = [watched.alarm for watched in self.watched.values() if watched.is_up]
        return tuple(sorted(up, key=lambda alarm: (_RANK[alarm.kind], alarm.since_utc_ms, alarm.key)))


EMPTY = Board()
NOTHING_ELSE = Outside()


def alarms_of(snapshot: Snapshot, outside: Outside = NOTHING_ELSE, before: Board = EMPTY) -> Board:
    """Compare a snapshot with what was on the board before.

    Args:
        snapshot: of now.
        outside: what else is to be looked at.
        before: the board of the last comparison.
    """
    elapsed_ms = 0 if before.mono_ms is None else max(0, snapshot.mono_ms - before.mono_ms)
    marks = {node.node_id: _marked(before.marks.get(node.node_id, ()), snapshot, node) for node in snapshot.nodes}
    causes = {cause.key: cause for cause in _causes(snapshot, outside, before, marks)}
    watched: dict[str, Watched] = {}
    for key, cause in causes.items():
        watched[key] = _present(cause, before.watched.get(key), elapsed_ms)
    for key, earlier in before.watched.items():
        if key not in causes and (left_ms := earlier.present_ms - elapsed_ms) > 0:
            watched[key] = Watched(earlier.alarm, left_ms, earlier.is_up)
    return Board(snapshot.mono_ms, watched, marks)


def changes(before: Board, after: Board) -> tuple[tuple[Alarm, ...], tuple[Alarm, ...]]:
    """Alarms that were raised and alarms that were cleared between two boards. Shape: (raised, cleared)."""
    was, now = ({alarm.key: alarm for alarm in board.alarms} for board in (before, after))
    raised = tuple(alarm for key, alarm in now.items() if key not in was)
    return raised, tuple(alarm for key, alarm in was.items() if key not in now)


def _present(cause: Alarm, earlier: Watched | None, elapsed_ms: Millis) -> Watched:
    """A cause that shows: it is the older for it, and its words are those of now."""
    steady_ms = RULES[cause.kind].steady_ms
    if earlier is None:
        return Watched(cause, 0, steady_ms == 0)
    alarm = replace(cause, since_utc_ms=earlier.alarm.since_utc_ms)
    present_ms = min(steady_ms, earlier.present_ms + elapsed_ms)
    return Watched(alarm, present_ms, earlier.is_up or present_ms >= steady_ms)


# --- causes -----------------------------------------------------------------------------------------------------


def _causes(snapshot: Snapshot, outside: Outside, before: Board, marks: dict[NodeId, Marks]) -> Iterator[Alarm]:
    """Everything that is wrong in this snapshot."""
    utc_ms = snapshot.utc_ms
    if outside.database_away:
        yield _alarm(AlarmKind.DATABASE_AWAY, 0, f"the database does not answer: {outside.database_away}", utc_ms)
    if snapshot.stops:
        yield _alarm(AlarmKind.PRIME_LOST, 0, snapshot.stops[0], utc_ms)
    for node in snapshot.nodes:
        yield from _node_causes(node, marks[node.node_id], before, utc_ms)
    for campaign in snapshot.campaigns:
        yield from _campaign_causes(campaign, before, utc_ms)
    for group in snapshot.groups:
        if group.state == GroupState.RUNNING.value:
            yield from _group_causes(group, utc_ms)


def _alarm(
    kind: AlarmKind,
    number: int,
    text: str,
    utc_ms: int,
    *,
    node_id: NodeId | None = None,
    group_id: GroupId | None = None,
    campaign_id: int | None = None,
) -> Alarm:
    key = f"{kind}:{number}" if number else kind.value
    return Alarm(key, kind, RULES[kind].severity, text, utc_ms, node_id, group_id, campaign_id)


def _was_up(before: Board, kind: AlarmKind, number: int) -> bool:
    watched = before.watched.get(f"{kind}:{number}")
    return watched is not None and watched.is_up


def _node_causes(node: NodeView, marks: Marks, before: Board, utc_ms: int) -> Iterator[Alarm]:
    if node.state == NodeState.INACTIVE.value:
        if node.admin != Admin.DRAINING.value:  # somebody has taken it out
            yield _alarm(AlarmKind.NODE_LOST, node.node_id, f"node {node.name} is lost", utc_ms, node_id=node.node_id)
        return
    requests, faults = node.requests - marks[0][1], node.faults - marks[0][2]
    share_millis = FAULTS_STILL_MILLIS if _was_up(before, AlarmKind.NODE_FAULTS, node.node_id) else FAULTS_MILLIS
    if faults >= FAULTS_MIN and 1_000 * faults >= share_millis * requests:
        text = f"node {node.name}: {faults} of {requests} requests have failed through its fault within a minute"
        yield _alarm(AlarmKind.NODE_FAULTS, node.node_id, text, utc_ms, node_id=node.node_id)


def _marked(earlier: Marks, snapshot: Snapshot, node: NodeView) -> Marks:
    """Counts of the last minute with those of now, if it is time for them. Counts that fall begin anew."""
    if earlier and (node.requests < earlier[-1][1] or node.faults < earlier[-1][2]):
        earlier = ()
    if earlier and snapshot.mono_ms - earlier[-1][0] < MARK_MS:
        return earlier
    kept = tuple(mark for mark in earlier if snapshot.mono_ms - mark[0] <= FAULTS_SPAN_MS)
    return (*kept, (snapshot.mono_ms, node.requests, node.faults))


def _campaign_causes(campaign: CampaignView, before: Board, utc_ms: int) -> Iterator[Alarm]:
    """The worst of the windows that the campaign's limit holds for."""
    windows = [window for window in campaign.windows if window.is_limited and window.abandoned >= ABANDONED_MIN]
    if not windows:
        return
    worst = max(windows, key=lambda window: window.ppm)
    number, text = campaign.campaign_id, _spent_text(campaign, worst)
    over_millis = OVER_STILL_MILLIS if _was_up(before, AlarmKind.LIMIT_BROKEN, number) else 1_000
    near_millis = NEAR_STILL_MILLIS if _was_up(before, AlarmKind.LIMIT_NEAR, number) else NEAR_MILLIS
    if 1_000 * worst.ppm > over_millis * campaign.limit_ppm:
        text = f"campaign {campaign.name} is above its limit: {text}"
        yield _alarm(AlarmKind.LIMIT_BROKEN, number, text, utc_ms, campaign_id=number)
    elif 1_000 * worst.ppm >= near_millis * campaign.limit_ppm:
        text = f"campaign {campaign.name} is near its limit: {text}"
        yield _alarm(AlarmKind.LIMIT_NEAR, number, text, utc_ms, campaign_id=number)


def _spent_text(campaign: CampaignView, window: WindowView) -> str:
    counted = f"{window.abandoned:,} of {window.calls:,} calls abandoned ({window.window})"
    return f"{counted}, {window.ppm / 10_000:.2f} % of {campaign.limit_ppm / 10_000:.2f} %"


def _group_causes(group: GroupView, utc_ms: int) -> Iterator[Alarm]:
    number, held = group.group_id, {hold.partition(":")[0] for hold in group.holds}
    maximum, need = group.ports.maximum_ports, group.ports.need_millis
    if Hold.WAITING_PORTS.value in held and (maximum is None or need > 1_000 * maximum):
        allowed = "more than its pool has" if maximum is None else f"{maximum} are allowed"
        text = f"group {group.name} waits for ports: it needs {need / 1_000:.1f}, {allowed}"
        yield _alarm(AlarmKind.PORTS_STARVED, number, text, utc_ms, group_id=number)
    if Hold.NO_AGENTS.value in held or (group.mode.needs_agents and not group.agents_logged_in):
        text = f"group {group.name} runs, and none of its agents is logged in"
        yield _alarm(AlarmKind.NO_AGENTS, number, text, utc_ms, group_id=number)
    if Hold.WAITING_RECORDS.value in held and not group.buffered_chains and STORE_AWAY not in group.holds[0]:
        text = f"group {group.name} has nothing to dial: {group.holds[0]}"
        yield _alarm(AlarmKind.LIST_EMPTY, number, text, utc_ms, group_id=number)
