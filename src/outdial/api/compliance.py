"""What the rules ask for: the budget of abandoned calls, the report on them, and when customers may be called."""

import enum
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from outdial.api.access import Reader
from outdial.api.lists import CSV_RESPONSE
from outdial.api.problems import not_found
from outdial.core.units import GroupId

GroupDbid = Annotated[GroupId, Path(ge=1, le=2**31 - 1, description="DBID of the campaign group.", examples=[1])]
CampaignName = Annotated[
    str | None, Query(min_length=1, max_length=200, description="One campaign, by its name. Default: all.")
]
Days = Annotated[
    str, Query(max_length=100, description="The first and the last day.", examples=["2026-11-01..2026-11-30"])
]


class FileFormat(enum.StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"


class Form(enum.StrEnum):
    """Whose rules a report follows."""

    SAFE_HARBOUR = "safe-harbour"
    """The United States: 16 CFR 310.4(b)(4)."""
    UK = "uk"
    """Ofcom, statement of policy on persistent misuse."""


class WindowView(BaseModel):
    """What of a budget is spent within a window."""

    window: str = Field(description="`day`, `24h`, `30-days` or `life`.", examples=["30-days"])
    persons: int = Field(description="Calls that a person answered.", examples=[4_000])
    abandoned: int = Field(examples=[96])
    calls: int = Field(description="What the share is taken of.", examples=[4_000])
    rate: float = Field(description="The share.", examples=[0.024])
    limit: float = Field(description="Largest share that is allowed.", examples=[0.03])
    is_limited: bool = Field(description="The dialer keeps the limit in this window.")
    may_be_abandoned: int = Field(description="Further calls that may be abandoned now.", examples=[24])
    served_needed: int | None = Field(
        description="Persons who must be served to be at the limit again; 0: the limit is kept. Null: nothing helps."
    )


class BudgetView(BaseModel):
    """The budget of a campaign, or of a seller over all campaigns."""

    kind: str = Field(description="`campaign` or `seller`.", examples=["campaign"])
    name: str = Field(examples=["spring"])
    method: str = Field(description="How abandoned calls are counted.", examples=["us"])
    time_zone: str = Field(description="Whose days count.", examples=["UTC"])
    windows: list[WindowView]


class BudgetsView(BaseModel):
    """Budgets of abandoned calls."""

    budgets: list[BudgetView]


class AbandonmentReport(BaseModel):
    """A row for each campaign and day, and one for the period."""

    form: Form
    rules: dict[str, str] = Field(description="The rule that asks for a column.")
    rows: list[dict[str, Any]]


class PreflightView(BaseModel):
    """When the customers of a campaign group may be called, if nobody is called."""

    group_dbid: int
    group: str = Field(examples=["east"])
    at_utc_ms: int
    lists: int = Field(description="Lists that it dials.", examples=[1])
    now: int = Field(description="Customers who may be called now.", examples=[3_100])
    later_today: dict[str, int] = Field(description="Those who may be called later today, by what keeps them.")
    tomorrow: dict[str, int]
    later: dict[str, int]
    never: dict[str, int] = Field(examples=[{"do-not-call": 12}])
    claimed: int = Field(description="Customers that a server has.")
    behind: int = Field(description="Records that wait behind another one of their customer.")
    finished: int = Field(description="Records that are not tried any more.")


class Compliance(Protocol):
    """What a running server knows of the rules. `campaigns`: what the caller may see; None: everything."""

    async def budgets(self, campaigns: frozenset[str] | None, campaign: str | None) -> BudgetsView:
        """What is spent and left, of one campaign or of all.

        Raises:
            Problem: 404, there is no such campaign.
        """
        ...

    async def report(
        self, campaigns: frozenset[str] | None, campaign: str | None, period: str, form: Form
    ) -> AbandonmentReport:
        """What the rules ask for.

        Raises:
            Problem: as above; 422, that is no period; 429, 503: not now.
        """
        ...

    def csv_of(self, report: AbandonmentReport) -> str:
        """A report as CSV: a header with the rules, a line for each row."""
        ...

    async def preflight(self, dbid: GroupId, campaigns: frozenset[str] | None) -> PreflightView | None:
        """Look at every record that a campaign group may dial. None: there is no such group.

        Raises:
            OutdialError: not now.
        """
        ...


def router(compliance: Compliance) -> APIRouter:
    """Routes under `/compliance`, and the preflight of a group."""
    routes = APIRouter(tags=["compliance"])

    @routes.get("/compliance/budget", summary="Abandoned calls: what is spent, and how many more there may be")
    async def get_budget(caller: Reader, campaign: CampaignName = None) -> BudgetsView:
        return await compliance.budgets(caller.campaigns, campaign)

    @routes.get(
        "/compliance/report",
        summary="Abandoned calls, as the rules want them reported",
        response_model=AbandonmentReport,
        responses=CSV_RESPONSE,  # type: ignore[arg-type]
    )
    async def get_report(
        caller: Reader,
        period: Days,
        form: Form,
        campaign: CampaignName = None,
        format: FileFormat = FileFormat.JSON,
    ) -> AbandonmentReport | Response:
        report = await compliance.report(caller.campaigns, campaign, period, form)
        return report if format is FileFormat.JSON else csv_file(compliance.csv_of(report), f"compliance-{form}.csv")

    @routes.get("/groups/{dbid}/preflight", summary="When the customers of a campaign group may be called")
    async def get_preflight(dbid: GroupDbid, caller: Reader) -> PreflightView:
        found = await compliance.preflight(dbid, caller.campaigns)
        if found is None:
            raise not_found(f"campaign group {dbid}")
        return found

    return routes


def csv_file(text: str, name: str) -> Response:
    """A CSV file that is complete."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
