"""Budgets, reports and forecasts of the rules, of a running server."""

import datetime

from outdial.abandonment_budget import Budget, Spent, budgets_in
from outdial.abandonment_report import Period, days_in, header_of, rules_of
from outdial.api.compliance import AbandonmentReport, BudgetsView, BudgetView, Form, PreflightView, WindowView
from outdial.api.problems import not_found
from outdial.campaign_rules import CampaignRules
from outdial.core.abandonment import MILLION
from outdial.core.errors import ConfigError
from outdial.core.units import GroupId
from outdial.operations.running_store import RunningStore, mistakes_of_request
from outdial.operations.visible import campaigns_for, group_for
from outdial.preflight import Forecast, forecast_of
from outdial.results_files import csv_text

ATTEMPTS = 500
"""Attempts that are read in one turn: some milliseconds. Unit: attempts."""
RECORDS = 500
"""Records that are looked at in one turn. Unit: records."""


class RunningCompliance:
    """See `outdial.api.compliance.Compliance`."""

    def __init__(self, running: RunningStore) -> None:
        self._running = running

    async def budgets(self, campaigns: frozenset[str] | None, campaign: str | None) -> BudgetsView:
        """See `Compliance.budgets`."""
        only, now = self._only(campaigns, campaign), self._running.utc_now_ms()
        found = await budgets_in(self._running.looks, self._running.loaded.configuration, only, now)
        return BudgetsView(budgets=[_budget_view(budget) for budget in found])

    async def report(
        self, campaigns: frozenset[str] | None, campaign: str | None, period: str, form: Form
    ) -> AbandonmentReport:
        """See `Compliance.report`."""
        only = self._only(campaigns, campaign)
        first, last = self._days(period)
        counting = Period(first, last, CampaignRules(self._running.loaded.configuration), only)
        async with self._running.long_work():
            await counting.read(self._running.looks, ATTEMPTS)
        return AbandonmentReport(form=form, rules=rules_of(form.value), rows=counting.rows(form.value))

    def csv_of(self, report: AbandonmentReport) -> str:
        """See `Compliance.csv_of`."""
        return csv_text([header_of(report.form.value), *(row.values() for row in report.rows)])

    async def preflight(self, dbid: GroupId, campaigns: frozenset[str] | None) -> PreflightView | None:
        """See `Compliance.preflight`."""
        loaded, now = self._running.loaded, self._running.utc_now_ms()
        group = group_for(loaded.configuration, dbid, campaigns)
        if group is None:
            return None
        async with self._running.long_work():
            forecast = await forecast_of(self._running.looks, loaded, group, now, RECORDS)
        return _preflight_view(dbid, group.name, now, forecast)

    def _only(self, campaigns: frozenset[str] | None, campaign: str | None) -> frozenset[int] | None:
        """DBIDs of the campaigns that it is about. None: all, and the sellers."""
        if campaigns is None and campaign is None:
            return None
        visible = campaigns_for(self._running.loaded.configuration, campaigns)
        found = frozenset(one.dbid for one in visible if campaign is None or one.name == campaign)
        if campaign is not None and not found:
            raise not_found(f"campaign {campaign!r}")
        return found

    def _days(self, period: str) -> tuple[datetime.date, datetime.date]:
        mistakes: list[str] = []
        days = days_in(period, mistakes)
        with mistakes_of_request():
            if mistakes:
                raise ConfigError(mistakes)
        return days


def _budget_view(budget: Budget) -> BudgetView:
    campaign = budget.campaign
    return BudgetView(
        kind=budget.kind,
        name=budget.name,
        method=campaign.abandonment_method.value,
        time_zone="UTC" if campaign.zone is None else campaign.zone.name,
        windows=[_window_view(spent) for spent in budget.windows],
    )


def _window_view(spent: Spent) -> WindowView:
    return WindowView(
        window=spent.window.value,
        persons=spent.persons,
        abandoned=spent.share.abandoned,
        calls=spent.share.calls,
        rate=spent.share.ppm / MILLION,
        limit=spent.limit_ppm / MILLION,
        is_limited=spent.is_limited,
        may_be_abandoned=max(0, spent.share.may_abandon(spent.limit_ppm)),
        served_needed=spent.share.needed(spent.limit_ppm),
    )


def _preflight_view(dbid: GroupId, name: str, now: int, forecast: Forecast) -> PreflightView:
    times = forecast.by_time
    return PreflightView(
        group_dbid=dbid,
        group=name,
        at_utc_ms=now,
        lists=forecast.lists,
        now=times["now"].total(),
        later_today=dict(times["later today"]),
        tomorrow=dict(times["tomorrow"]),
        later=dict(times["later"]),
        never=dict(times["never"]),
        claimed=forecast.claimed,
        behind=forecast.behind,
        finished=forecast.finished,
    )
