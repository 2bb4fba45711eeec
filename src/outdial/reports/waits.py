"""`outdial report waits`: how long persons who answered waited for an agent."""

from outdial.reports.attempts import DIMENSIONS, limits
from outdial.reports.columns import Column, counted, mean, percent, seconds
from outdial.reports.percentiles import percentiles
from outdial.reports.persons import ABANDONED, DROPPED, PERSON
from outdial.reports.query import Kind, Query

SHORT_MS = 2_000
"""A wait that nobody objects to. Source: 16 CFR 310.4(b)(4)(ii) and 47 CFR 64.1200(a)(7): two seconds."""

_FURTHER = {
    "persons": ("count(*)", "sum"),
    "short": (f"count(*) FILTER (WHERE wait_ms <= {SHORT_MS})", "sum"),
    "lost": (f"count(*) FILTER (WHERE {ABANDONED} OR {DROPPED})", "sum"),
    "wait_ms": ("sum(wait_ms)", "sum"),
}
_SHARES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99, "longest": 100}


def _percentile(name: str, share: int) -> Column:
    meaning = f"Wait that {share} % of them did not exceed: an exact percentile, by nearest rank."
    return Column(f"{name}_s", meaning, seconds(name), 3, f"{name}|(s)", 2)


_COLUMNS = (
    Column("persons", "Persons who answered.", counted("persons"), heading="persons"),
    Column("lost", "Of these, abandoned and dropped.", counted("lost"), heading="lost"),
    Column("within_2s", "Persons who waited two seconds or less for an agent.", counted("short"), heading="within|2 s"),
    Column("within_2s_pct", "Their share.", percent("short", "persons"), 2, "within|2 s (%)"),
    Column("mean_s", "Mean wait.", mean("wait_ms", "persons", 1_000, 3), 3, "mean|(s)", 2),
    *(_percentile(name, share) for name, share in _SHARES.items() if share < 100),
    Column("longest_s", "Longest wait.", seconds("longest"), 3, "longest|(s)", 2),
)


def _rows(query: Query, keys: list[str]) -> str:
    source = f"FROM attempts WHERE {query.within('dialed_utc_ms')} AND {PERSON}{limits(query)}"
    return percentiles(source, "wait_ms", keys, _SHARES, _FURTHER)


def _statement(query: Query) -> str:
    order = query.order()
    return _rows(query, query.keys()) + (f" ORDER BY {order}" if order else "")


WAITS = Kind(
    name="waits",
    about="How long persons waited between their answer (where answering machines are detected: the end of the "
    "detection) and an agent, or the end of the call if none came. Conversations that began at once waited 0 s. A call "
    "belongs to the instant when it was dialed.",
    dimensions=tuple(one for one in DIMENSIONS if one.name not in ("fault", "sip-status", "q850-cause")),
    default_by=("group", "day"),
    filters=("group", "campaign", "list", "node", "agent"),
    measures=(*_FURTHER, *_SHARES),
    columns=_COLUMNS,
    statement=_statement,
    totals=lambda query: _rows(query, []),
)
