"""One report from the arguments to its last row: what was asked for, what the database says, what people read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from outdial.config import Loaded, load
from outdial.config.mistakes import show_names, show_value, suggest
from outdial.config.zones import load_zone, near_zone
from outdial.configured_store import in_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.names import Names
from outdial.reports.agents import AGENTS
from outdial.reports.attempts import ATTEMPTS
from outdial.reports.columns import Value
from outdial.reports.formats import FORMATS, Heading, Out, writer_of
from outdial.reports.lists import LISTS
from outdial.reports.local_time import LocalTime
from outdial.reports.period import ALLOWED, Period, PeriodMistake, read_period
from outdial.reports.ports import PORTS
from outdial.reports.query import Dimension, Kind, Query
from outdial.reports.waits import WAITS
from outdial.store.interface import Store
from outdial.store.rows import Row

KINDS = {kind.name: kind for kind in (ATTEMPTS, AGENTS, WAITS, LISTS, PORTS)}
"""Every kind of report."""
SHORTHANDS = {"cause": ("result", "fault", "sip-status", "q850-cause")}
"""Words of `--by` that stand for several."""
TOTAL = "total"
"""Word of `--by` for no dimension at all."""
DIMENSIONS_MAX = 8
"""Most dimensions of one report. Ours."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The report that is asked for, as people write it."""

    kind: str
    period: str
    only: tuple[tuple[str, str], ...] = ()
    """Shape: ((`group`, `campaign`, `list`, `node` or `agent`, name or DBID), …)."""
    by: tuple[str, ...] = ()
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What the command line says."""

    wanted: Wanted
    config: Path
    format: str | None = None
    """None: by the name of the file; text on standard output."""
    output: Path | None = None


def run_report(options: ReportOptions) -> None:
    """Make a report and write it.

    Raises:
        ConfigError: the configuration or the arguments have mistakes: all of them; or there is no database yet.
        ResultsError: the file cannot be written.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(options.config)
    query, form = _read(options, loaded, utc_now_ms())
    heading = heading_of(query)
    with writer_of(form, options.output, heading) as out:

        async def work(store: Store) -> None:
            await write_report(store, query, out)

        in_store(loaded, work)


def heading_of(query: Query) -> Heading:
    """What stands above a report."""
    return Heading(
        query.kind.name,
        query.period,
        query.clock,
        tuple(one.name for one in query.by),
        query.kind.columns,
    )


class RowWriter:
    """Brings what a database says into words, and adds it up."""

    def __init__(self, query: Query, out: Out) -> None:
        """Nothing has been read yet."""
        self._query = query
        self._out = out
        self._sums = [0] * len(query.kind.measures)

    def take(self, rows: Sequence[Row]) -> None:
        """Write the next rows."""
        query, sums = self._query, self._sums
        kind, keys = query.kind, len(query.by)
        for row in rows:
            labels = [
                str(key) if one.is_text else one.label(query, key) for one, key in zip(query.by, row, strict=False)
            ]
            counts = row[keys:]
            if keys:
                self._out.row(labels, _values(kind, counts))
            for place, count in enumerate(counts):
                sums[place] += count or 0

    def finish(self, totals: Row | None) -> None:
        """Write the totals, if there are any. None: they are the sums of the rows."""
        kind = self._query.kind
        if kind.has_totals:
            self._out.totals(_values(kind, self._sums if totals is None else totals))


async def write_report(store: Store, query: Query, out: Out) -> None:
    """Ask a database and write what it says, row by row."""
    writer = RowWriter(query, out)
    await store.read(query.kind.statement(query), writer.take)
    found: list[Row] = []
    if separately := totals_statement(query):
        await store.read(separately, found.extend)
    writer.finish(found[0] if found else None)


def totals_statement(query: Query) -> str | None:
    """What to ask for the totals. None: there are none, or they are the sums of the rows."""
    return query.kind.totals(query) if query.kind.has_totals else None


def _values(kind: Kind, counts: Sequence[int | None]) -> list[Value]:
    row = dict(zip(kind.measures, counts, strict=True))
    return [column.value(row) for column in kind.columns]


# --- arguments ---------------------------------------------------------------------------------------------------


def _read(options: ReportOptions, loaded: Loaded, now_utc_ms: int) -> tuple[Query, str]:
    """What the arguments mean: the query and the format.

    Raises:
        ConfigError: mistakes: all of them.
    """
    mistakes: list[str] = []
    form = format_of(options.format, options.output, mistakes)
    return query_of(options.wanted, loaded, now_utc_ms, mistakes), form


def query_of(options: Wanted, loaded: Loaded, now_utc_ms: int, further: Sequence[str] = ()) -> Query:
    """The query that is meant.

    Args:
        options: as people write it.
        loaded: the configuration.
        now_utc_ms: for today and the like.
        further: mistakes that were made beside it.

    Raises:
        ConfigError: mistakes: all of them.
    """
    mistakes: list[str] = []
    kind = KINDS.get(options.kind)
    if kind is None:
        raise ConfigError([f"there is no report {_choice(options.kind, KINDS)}", *further])
    zone = load_zone(options.zone)
    if zone is None:
        hint = near_zone(options.zone)
        mistakes.append(f"--zone: there is no time zone {show_value(options.zone)}{f'; {hint}' if hint else ''}")
    clock = LocalTime(zone or load_zone("UTC"))  # type: ignore[arg-type]  # which there is
    period = Period(0, 1)
    try:
        period = read_period(options.period, clock, now_utc_ms)
    except PeriodMistake as error:
        mistakes.append(f"--period {show_value(options.period)}: {error}; allowed: {ALLOWED}")
    by = _dimensions(kind, options.by, mistakes)
    only = _filters(kind, options, loaded, mistakes)
    if mistakes or further:
        raise ConfigError([*mistakes, *further])
    configuration = loaded.configuration
    query = Query(kind, period, clock, configuration, Names(configuration), by, only)
    if refusal := kind.refusal(query):
        raise ConfigError([refusal])
    return query


def _choice(written: str, known: Sequence[str] | dict[str, Kind]) -> str:
    names = list(known)
    return f"{show_value(written)}; {suggest(written, names) or 'allowed: ' + ', '.join(names)}"


def _dimensions(kind: Kind, written: Sequence[str], mistakes: list[str]) -> tuple[Dimension, ...]:
    words = [word.strip() for text in written for word in text.split(",")] or list(kind.default_by)
    if words == [TOTAL]:
        return ()
    names = [name for word in words for name in SHORTHANDS.get(word, (word,))]
    known = [one.name for one in kind.dimensions]
    allowed = [*known, *(word for word, names in SHORTHANDS.items() if set(names) <= set(known)), TOTAL]
    found: dict[str, Dimension] = {}
    for name in names:
        dimension = kind.dimension(name)
        if dimension is None:
            mistakes.append(f"--by: the report {kind.name} cannot be told by {_choice(name, allowed)}")
        elif name in found:
            mistakes.append(f"--by: {name} stands there twice")
        else:
            found[name] = dimension
    if len(found) > DIMENSIONS_MAX:
        mistakes.append(f"--by: {len(found)} dimensions, at most {DIMENSIONS_MAX}")
    return tuple(found.values())


def _filters(kind: Kind, options: Wanted, loaded: Loaded, mistakes: list[str]) -> dict[str, tuple[int, ...]]:
    """The DBIDs of what a report is limited to; of campaigns, those of their groups."""
    configuration = loaded.configuration
    objects: dict[str, dict[str, int]] = {
        "group": {one.name: one.dbid for one in configuration.campaign_groups},
        "campaign": {one.name: one.dbid for one in configuration.campaigns},
        "list": {one.name: one.dbid for one in configuration.calling_lists},
        "node": {one.name: one.dbid for one in configuration.nodes},
        "agent": {one.login: one.dbid for one in configuration.agents},
    }
    found: dict[str, list[int]] = {}
    for what, name in options.only:
        dbid = objects[what].get(name, int(name) if name.isascii() and name.isdigit() and len(name) < 10 else None)
        if what not in kind.filters:
            allowed = ", ".join(f"--{each}" for each in kind.filters)
            mistakes.append(f"--{what}: the report {kind.name} has no such limit; allowed: {allowed}")
        elif dbid is None:
            hint = suggest(name, objects[what]) or f"there are {show_names(objects[what]) or 'none'}"
            mistakes.append(f"--{what}: {loaded.file} has no {what} {show_value(name)}; {hint}")
        else:
            found.setdefault(what, []).append(dbid)
    campaigns = found.pop("campaign", None)
    if campaigns is not None:
        groups = [one.dbid for one in configuration.campaign_groups if one.campaign in campaigns]
        named = found.get("group")
        found["group"] = groups if named is None else [dbid for dbid in named if dbid in groups]
    return {what: tuple(dbids) for what, dbids in found.items()}


def format_of(wanted: str | None, output: Path | None, mistakes: list[str]) -> str:
    """The format of a report that goes into a file, or to standard output. Adds what is wrong with it."""
    suffix = "" if output is None else output.suffix.removeprefix(".")
    form = wanted or (suffix if suffix in FORMATS else "text")
    if form not in FORMATS:
        mistakes.append(f"--format: there is no {_choice(form, list(FORMATS))}")
    elif form == "parquet" and output is None:
        mistakes.append("--format parquet: goes into a file: --output FILE")
    return form
