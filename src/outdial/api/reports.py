"""Reports out of the database: attempts, agents' time, waits, lists, ports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from outdial.api.access import Reader
from outdial.api.compliance import FileFormat, csv_file
from outdial.api.lists import CSV_RESPONSE

Name = Annotated[str, Path(pattern="^[a-z-]{1,40}$", description="Kind of report.", examples=["attempts"])]
Word = Annotated[str, Field(min_length=1, max_length=200)]

ROWS_MAX = 20_000
"""Rows of one report; `outdial report` writes longer ones."""
NAMES_MAX = 50


@dataclass(frozen=True, slots=True)
class WantedReport:
    """What is asked for, as people write it."""

    name: str
    period: str
    by: tuple[str, ...]
    zone: str
    only: tuple[tuple[str, str], ...]
    """Shape: ((`group`, `campaign`, `list`, `node` or `agent`, name or DBID), …)."""


class ColumnView(BaseModel):
    """A column of a report."""

    name: str = Field(examples=["persons"])
    meaning: str


class ReportKindView(BaseModel):
    """A kind of report."""

    name: str = Field(examples=["attempts"])
    about: str
    by: list[ColumnView] = Field(description="What rows can be told apart by.")
    by_default: list[str] = Field(examples=[["group", "day"]])
    limits: list[str] = Field(description="What it can be limited to.", examples=[["group", "campaign"]])
    columns: list[ColumnView]


class ReportKindsView(BaseModel):
    """All kinds of reports."""

    reports: list[ReportKindView]


class ReportView(BaseModel):
    """A report."""

    report: str = Field(examples=["attempts"])
    from_utc_ms: int
    until_utc_ms: int = Field(description="The first instant that is not in it.")
    zone: str = Field(examples=["UTC"])
    by: list[str] = Field(examples=[["group", "day"]])
    rows: list[dict[str, Any]] = Field(description="By column: those of `by` first, then those of the report.")
    totals: dict[str, Any] | None = Field(description="Over all rows. Null: they would mean nothing.")


class Reports(Protocol):
    """The reports of a running server."""

    def kinds(self) -> list[ReportKindView]:
        """What there is."""
        ...

    async def report(self, wanted: WantedReport, campaigns: frozenset[str] | None) -> ReportView:
        """Count.

        Args:
            wanted: what is asked for.
            campaigns: what the caller may see; None: everything.

        Raises:
            Problem: 404, there is no such report; 422, mistakes, all of them, or too many rows; 403, the caller sees
                some campaigns only and it is about them all; 429, 503: not now.
        """
        ...

    def csv_of(self, report: ReportView) -> str:
        """A report as CSV: a header and a line for each row."""
        ...


def _limit(what: str) -> Any:
    return Query(alias=what, max_length=NAMES_MAX, description=f"Only this {what}: name or DBID. Repeatable.")


def router(reports: Reports) -> APIRouter:
    """Routes under `/reports`."""
    routes = APIRouter(prefix="/reports", tags=["reports"])

    @routes.get("", summary="What reports there are")
    async def list_reports(caller: Reader) -> ReportKindsView:
        return ReportKindsView(reports=reports.kinds())

    @routes.get(
        "/{name}",
        summary="One report",
        response_model=ReportView,
        responses=CSV_RESPONSE,  # type: ignore[arg-type]
    )
    async def get_report(
        name: Name,
        caller: Reader,
        period: Annotated[
            str,
            Query(
                max_length=100,
                description="`today`, `yesterday`, `last-7-days`, a day, days `2026-11-01..2026-11-30`, or instants "
                "`2026-11-20T08:00..2026-11-20T12:30`.",
                examples=["yesterday"],
            ),
        ],
        by: Annotated[
            Sequence[Word] | None,
            Query(max_length=NAMES_MAX, description="What rows are told apart by, or `total`. Repeatable."),
        ] = None,
        zone: Annotated[str, Query(max_length=100, description="Time zone of days and hours.")] = "UTC",
        group: Annotated[list[Word] | None, _limit("group")] = None,
        campaign: Annotated[list[Word] | None, _limit("campaign")] = None,
        list_name: Annotated[list[Word] | None, _limit("list")] = None,
        node: Annotated[list[Word] | None, _limit("node")] = None,
        agent: Annotated[list[Word] | None, _limit("agent")] = None,
        format: FileFormat = FileFormat.JSON,
    ) -> ReportView | Response:
        named = {"group": group, "campaign": campaign, "list": list_name, "node": node, "agent": agent}
        only = tuple((what, text) for what, texts in named.items() for text in texts or ())
        wanted = WantedReport(name, period, tuple(by or ()), zone, only)
        report = await reports.report(wanted, caller.campaigns)
        return report if format is FileFormat.JSON else csv_file(reports.csv_of(report), f"report-{name}.csv")

    return routes
