"""`outdial report ports`: how ports were used, from a sample a minute."""

from outdial.core.settings import DialerId
from outdial.reports.columns import Column, Counted, counted, mean, percent
from outdial.reports.dimensions import campaign, group, of_time
from outdial.reports.percentiles import percentiles
from outdial.reports.query import Dimension, Kind, Query
from outdial.store.sample_rows import POOL_KINDS

_POOLS = 10**10
"""A pool's key is its kind times this, plus its DBID."""
_KINDS = {number: kind for kind, number in POOL_KINDS.items()}
_SHARES = {"p95": 95}
_FURTHER = {
    "minutes": ("count(*)", "sum"),
    "looks": ("sum(looks)", "sum"),
    "used": ("sum(used_sum)", "sum"),
    "engaging": ("sum(engaging_sum)", "sum"),
    "peak": ("max(used_peak)", "max"),
    "maximum": ("sum(maximum_ports)", "sum"),
    "limited": ("count(maximum_ports)", "sum"),
    "at_maximum": ("sum(at_maximum_looks)", "sum"),
    "waiting": ("sum(waiting_looks)", "sum"),
    "need": ("sum(need_millis)", "sum"),
    "ready": ("sum(ready_agents)", "sum"),
}


def _p95(row: Counted) -> float | None:
    return None if row["p95"] is None else row["p95"] / 1_000


_COLUMNS = (
    Column("minutes", "Minutes of which there is a sample.", counted("minutes"), heading="minutes"),
    Column("used_mean", "Ports used: mean over all looks.", mean("used", "looks"), 2, "used|mean", 1),
    Column("used_p95", "Ports used: what the means of 95 % of the minutes did not exceed.", _p95, 3, "used|p95", 1),
    Column("used_peak", "Ports used: most at one look.", counted("peak"), heading="used|peak"),
    Column("engaging_mean", "Ports used by engaging calls to agents: mean.", mean("engaging", "looks"), 2),
    Column("maximum_mean", "Ports up to which the group might take new ones, of a pool its size: mean over the minutes "
           "that had such a limit.", mean("maximum", "limited"), 2, "maximum|mean", 1),
    Column("at_maximum_pct", "Share of the looks at which it used that many or more.",
           percent("at_maximum", "looks"), 2, "at|max. (%)", 1),
    Column("waiting_pct", "Share of the looks at which the group (of a pool: one of its groups) waited for ports.",
           percent("waiting", "looks"), 2, "waiting for|ports (%)", 1),
    Column("need_mean", "Ports that it was estimated to need on average: mean over the minutes.",
           mean("need", "minutes", 1_000), 2, "need|mean", 1),
    Column("ready_mean", "Ready agents of the group: mean over the minutes; 0 for pools.",
           mean("ready", "minutes"), 2, "agents|ready", 1),
)  # fmt: skip


def _is_of_groups(query: Query) -> bool:
    return "group" in query.only or any(one.name in ("group", "campaign") for one in query.by)


def _statement(query: Query) -> str:
    of_whom = "group_id > 0" if _is_of_groups(query) else "group_id = 0"
    limits = query.limited_to(group="group_id")
    source = f"FROM port_samples WHERE {query.within('utc_ms')} AND looks > 0 AND {of_whom}{limits}"
    used = "CAST(used_sum AS bigint) * 1000 / looks"
    order = query.order()
    return percentiles(source, used, query.keys(), _SHARES, _FURTHER) + (f" ORDER BY {order}" if order else "")


def _pool_name(query: Query, key: int) -> str:
    return query.names.dialer(DialerId(_KINDS[key // _POOLS], key % _POOLS))


PORTS = Kind(
    name="ports",
    about="How ports were used, from what a running server sees of itself about once a second and writes down once a "
    "minute. Told by pool alone, the figures are those of whole pools; told by group or campaign, those of the groups "
    "that ran or held ports. Several groups in one row (a campaign) are averages over the groups, not sums. There are "
    "no totals. Minutes in which the database was away are missing, and so are those before `samples-days`.",
    dimensions=(
        Dimension(
            "pool",
            "Name of the switch or CPD server that owns the ports.",
            lambda query: f"CAST(pool_kind AS bigint) * {_POOLS} + pool_id",
            _pool_name,
        ),
        campaign(),
        group("Name of the campaign group."),
        *of_time("utc_ms"),
    ),
    default_by=("pool", "group", "hour"),
    filters=("group", "campaign"),
    measures=(*_FURTHER, *_SHARES),
    columns=_COLUMNS,
    statement=_statement,
    totals=lambda query: None,
    has_totals=False,
    refusal=lambda query: "" if query.by else "--by total: the report ports has no totals; ask for it by pool",
)
