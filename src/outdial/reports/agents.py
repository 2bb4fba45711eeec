"""`outdial report agents`: what agents did with their time.

A stretch that crosses the edge of the period, an hour or a day is cut there. Most do not, and are added up as they are.
The others are cut by going from bucket to bucket; the statement holds the buckets as a table.
"""

from itertools import groupby

from outdial.core.agents import AgentState
from outdial.core.units import SECOND_MS
from outdial.reports.columns import Column, counted, mean, percent, seconds
from outdial.reports.dimensions import campaign, of_column, of_time
from outdial.reports.local_time import Bucket
from outdial.reports.query import Dimension, Kind, Query
from outdial.store.agent_rows import LAST_SIGN

BUCKETS_MAX = 10_000
"""Most hours or days of one report: more than a year of hours. Ours."""
_BY_HOUR = ("hour", "hour-of-day")
_BY_DAY = ("day", "weekday")


def _time(*states: AgentState) -> str:
    names = ", ".join(f"'{state.value}'" for state in states)
    return f"CAST(coalesce(sum(CASE WHEN state IN ({names}) THEN till - since ELSE 0 END), 0) AS bigint)"


_BUSY = (AgentState.RESERVED, AgentState.TALKING, AgentState.AFTER_CALL_WORK)
_MEASURES = {
    "logged_in": "CAST(coalesce(sum(till - since), 0) AS bigint)",
    "ready": _time(AgentState.READY),
    "reserved": _time(AgentState.RESERVED),
    "talking": _time(AgentState.TALKING),
    "after_call_work": _time(AgentState.AFTER_CALL_WORK),
    "not_ready": _time(AgentState.NOT_READY),
    "busy": _time(*_BUSY),
    "able": _time(*_BUSY, AgentState.READY),
    "handling": _time(AgentState.TALKING, AgentState.AFTER_CALL_WORK),
    "calls": f"count(*) FILTER (WHERE state = '{AgentState.TALKING.value}' AND since = from_utc_ms)",
}

_COLUMNS = (
    Column("logged_in_s", "Time logged in: the five that follow.", seconds("logged_in"), 3, "logged|in (s)", 0),
    Column("ready_s", "Ready for a call.", seconds("ready"), 3, "ready|(s)", 0),
    Column("reserved_s", "A call or a record is on its way to the agent: the phone rings.", seconds("reserved"), 3,
           "reserved|(s)", 0),
    Column("talking_s", "In a conversation.", seconds("talking"), 3, "talking|(s)", 0),
    Column("after_call_work_s", "In after-call work.", seconds("after_call_work"), 3, "after-call|work (s)", 0),
    Column("not_ready_s", "Not ready.", seconds("not_ready"), 3, "not|ready (s)", 0),
    Column("calls", "Conversations that began.", counted("calls"), heading="calls"),
    Column("handling_s", "Mean handling time: conversation and after-call work per call.",
           mean("handling", "calls", SECOND_MS), 2, "handling|(s)", 1),
    Column("occupancy_pct", "Reserved, talking and in after-call work, of all time but not ready.",
           percent("busy", "able"), 2, "occupied|(%)", 1),
)  # fmt: skip


def _statement(query: Query) -> str:
    """With what is called a piece: a stretch as far as it is in the period and in one bucket."""
    period, names = query.period, {one.name for one in query.by}
    first, last = period.from_utc_ms, period.until_utc_ms
    limits = query.limited_to(group="group_id", agent="agent_id")
    stretches = f"""stretch AS (
SELECT agent_id, state, reason, group_id, from_utc_ms,
    CASE WHEN from_utc_ms < {first} THEN {first} ELSE from_utc_ms END AS since,
    CASE WHEN until_utc_ms > {last} THEN {last} ELSE until_utc_ms END AS till
FROM (
    SELECT agent_id, state, reason, group_id, from_utc_ms, until_utc_ms FROM agent_states
    WHERE until_utc_ms >= {first} AND from_utc_ms < {last}{limits}
    UNION ALL
    SELECT agent_id, state, reason, group_id, from_utc_ms, {LAST_SIGN.format(epoch="going_on.epoch")}
    FROM agent_states AS going_on WHERE until_utc_ms IS NULL AND from_utc_ms < {last}{limits}
) AS known WHERE until_utc_ms > {first} OR from_utc_ms >= {first}
)"""
    if names & {*_BY_HOUR, *_BY_DAY}:
        part = "hour" if names & {*_BY_HOUR} else "day"
        with_, source = f"WITH RECURSIVE {stretches}, {_cut(query, part)}", "piece"
    else:
        with_, source = f"WITH {stretches}", "stretch"
    measures = [f"{sql} AS {name}" for name, sql in _MEASURES.items()]
    return f"{with_} SELECT {', '.join([*query.keys(), *measures])} FROM {source}{query.grouped()}"


def _cut(query: Query, part: str) -> str:
    """Cut the stretches at the edges of hours or days."""
    period = query.period
    make = query.clock.hour_sql if part == "hour" else query.clock.day_sql

    def key(instant: str) -> str:
        return make(instant, period.from_utc_ms, period.until_utc_ms)

    edges = ", ".join(f"({n}, {bucket.key}, {bucket.until_utc_ms})" for n, bucket in enumerate(_buckets(query, part)))
    columns = "agent_id, state, reason, group_id, from_utc_ms"
    return f"""bucket (n, key, edge) AS (VALUES {edges}),
cut ({columns}, since, till, ends, n) AS (
SELECT {columns}, since, edge, till, n FROM stretch JOIN bucket ON key = {key("since")}
WHERE till > since AND {key("since")} <> {key("(till - 1)")}
UNION ALL
SELECT {columns}, cut.till, CASE WHEN ends < edge THEN ends ELSE edge END, ends, bucket.n
FROM cut JOIN bucket ON bucket.n = cut.n + 1 WHERE cut.till < ends
),
piece AS (
SELECT {columns}, since, till FROM cut
UNION ALL
SELECT {columns}, since, till FROM stretch WHERE till <= since OR {key("since")} = {key("(till - 1)")}
)"""


def _buckets(query: Query, part: str) -> list[Bucket]:
    """Those of one key (a day on which clocks change) as one."""
    period = query.period
    make = query.clock.hours if part == "hour" else query.clock.days
    found: list[Bucket] = []
    for key, same in groupby(make(period.from_utc_ms, period.until_utc_ms), key=lambda bucket: bucket.key):
        parts = list(same)
        found.append(Bucket(key, parts[0].from_utc_ms, parts[-1].until_utc_ms))
    return found


def _team_sql(query: Query) -> str:
    cases = [
        f"WHEN agent_id IN ({', '.join(map(str, agents))}) THEN {number}"
        for number, (_, agents) in enumerate(query.names.teams, 1)
    ]
    return f"CASE {' '.join(cases)} ELSE 0 END" if cases else "0"


def _refusal(query: Query) -> str:
    names = {one.name for one in query.by}
    hours = (query.period.until_utc_ms - query.period.from_utc_ms) // 3_600_000
    if names & {*_BY_HOUR} and hours > BUCKETS_MAX:
        return f"{hours:,} hours, and at most {BUCKETS_MAX:,} can be told apart: ask for a shorter period, or by day"
    return ""


AGENTS = Kind(
    name="agents",
    about="What agents did while they were logged in. Stretches are cut at the edges of the period, of hours and of "
    "days; a call belongs to the instant when the conversation began. What goes on now is counted up to the server's "
    "last sign of life, at most some two minutes ago; so is what went on when a server crashed.",
    dimensions=(
        of_column("agent", "Login of the agent.", "agent_id", lambda query, key: query.names.agent(key)),
        Dimension(
            "agent-group",
            "Name of the agent group that the agent is in now; of one in several, all their names with `+` between; "
            "empty for agents who are in none.",
            _team_sql,
            lambda query, key: query.names.teams[key - 1][0] if key else "",
        ),
        campaign(),
        of_column(
            "group",
            "Name of the campaign group of the call; empty for time without one: ready and not ready.",
            "group_id",
            lambda query, key: query.names.group(key) if key else "",
        ),
        *of_time("since"),
        Dimension(
            "reason",
            "Why the agent was not ready, where a reason is known; empty for all other time.",
            lambda query: f"CASE WHEN state = '{AgentState.NOT_READY.value}' THEN coalesce(reason, '') ELSE '' END",
            lambda query, key: str(key),
            is_text=True,
        ),
    ),
    default_by=("agent", "day"),
    filters=("agent", "group", "campaign"),
    measures=tuple(_MEASURES),
    columns=_COLUMNS,
    statement=_statement,
    totals=lambda query: None,
    refusal=_refusal,
)
