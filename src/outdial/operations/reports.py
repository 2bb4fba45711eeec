"""Reports of a running server: the same as `outdial report`, counted beside the dialer and held in memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from outdial.api.problems import Problem, not_found
from outdial.api.reports import ROWS_MAX, ColumnView, ReportKindView, ReportView, WantedReport
from outdial.operations.running_store import RunningStore, mistakes_of_request
from outdial.operations.visible import seen_configuration
from outdial.reports.columns import Value
from outdial.reports.query import Kind, Query
from outdial.reports.report import KINDS, RowWriter, Wanted, heading_of, query_of, totals_statement
from outdial.results_files import csv_text
from outdial.store.interface import Store
from outdial.store.rows import Row


class RunningReports:
    """See `outdial.api.reports.Reports`."""

    def __init__(self, running: RunningStore) -> None:
        self._running = running

    def kinds(self) -> list[ReportKindView]:
        """See `Reports.kinds`."""
        return [_kind_view(kind) for kind in KINDS.values()]

    async def report(self, wanted: WantedReport, campaigns: frozenset[str] | None) -> ReportView:
        """See `Reports.report`."""
        if wanted.name not in KINDS:
            raise not_found(f"report {wanted.name}")
        query = self._query(wanted, campaigns)
        async with self._running.long_work():
            return await _counted(self._running.looks, query, self._running.read_s_max)

    def csv_of(self, report: ReportView) -> str:
        """See `Reports.csv_of`."""
        columns = [one.name for one in KINDS[report.report].columns]
        header = [*(name.replace("-", "_") for name in report.by), *columns]
        return csv_text([header, *(row.values() for row in report.rows)])

    def _query(self, wanted: WantedReport, campaigns: frozenset[str] | None) -> Query:
        loaded = self._running.loaded
        if campaigns is not None:
            seen = seen_configuration(loaded.configuration, campaigns)
            loaded = replace(loaded, configuration=seen)  # other names do not exist, in limits or in rows
        with mistakes_of_request():
            meant = Wanted(wanted.name, wanted.period, wanted.only, wanted.by, wanted.zone)
            query = query_of(meant, loaded, self._running.utc_now_ms())
            return query if campaigns is None else _bound(query)


def _bound(query: Query) -> Query:
    """The same about nothing but what the caller may see.

    A DBID that was asked for need not be one of these, so both limits hold.
    """
    what = "group" if "group" in query.kind.filters else "list"
    seen = query.configuration.campaign_groups if what == "group" else query.configuration.calling_lists
    dbids = tuple(one.dbid for one in seen)
    asked = query.only.get(what)
    only = dbids if asked is None else tuple(dbid for dbid in asked if dbid in dbids)
    return replace(query, only={**query.only, what: only})


async def _counted(store: Store, query: Query, limit_s: float) -> ReportView:
    """Ask the database; bring what it says into words beside the loop."""
    rows: list[Row] = []
    totals: list[Row] = []

    def take(some: Sequence[Row]) -> None:
        rows.extend(some)
        if len(rows) > ROWS_MAX:
            mistake = f"query.by: more than {ROWS_MAX:,} rows; ask for fewer kinds of them, or for a shorter period"
            raise Problem(422, "report_too_long", "the report is too long", mistakes=[mistake])

    await store.read(query.kind.statement(query), take, limit_s)
    if separately := totals_statement(query):
        await store.read(separately, totals.extend, limit_s)
    return await asyncio.to_thread(_in_words, query, rows, totals[0] if totals else None)


def _in_words(query: Query, rows: list[Row], totals: Row | None) -> ReportView:
    collected = _Rows(query)
    writer = RowWriter(query, collected)
    writer.take(rows)
    writer.finish(totals)
    period = query.period
    return ReportView(
        report=query.kind.name,
        from_utc_ms=period.from_utc_ms,
        until_utc_ms=period.until_utc_ms,
        zone=query.clock.zone.name,
        by=[one.name for one in query.by],
        rows=collected.rows,
        totals=collected.sums,
    )


class _Rows:
    """An `Out` that keeps everything."""

    def __init__(self, query: Query) -> None:
        self.rows: list[dict[str, Any]] = []
        self.sums: dict[str, Any] | None = None
        self._names = heading_of(query).names()
        self._by = len(query.by)

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        """See `Out`."""
        self.rows.append(dict(zip(self._names, (*labels, *values), strict=True)))

    def totals(self, values: Sequence[Value]) -> None:
        """See `Out`."""
        self.sums = dict(zip(self._names[self._by :], values, strict=True))


def _kind_view(kind: Kind) -> ReportKindView:
    return ReportKindView(
        name=kind.name,
        about=kind.about,
        by=[ColumnView(name=one.name, meaning=one.meaning) for one in kind.dimensions],
        by_default=list(kind.default_by),
        limits=list(kind.filters),
        columns=[ColumnView(name=one.name, meaning=one.meaning) for one in kind.columns],
    )
