"""Rule profiles: those of outdial and of a file, who refers to them, whether campaigns and groups keep their limits."""

import datetime
import functools
import hashlib
import importlib.resources
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from outdial.config.document import Document
from outdial.config.groups import CampaignGroupTable
from outdial.config.lists import CallingListTable, CampaignListTable, CampaignTable
from outdial.config.lists_check import Lists
from outdial.config.mistakes import Mistakes, show_names, suggest
from outdial.config.options import Table
from outdial.config.rows import Row, read_row
from outdial.config.rules import ClosedDaysTable, RuleHoursTable, RuleProfileTable, Weekday
from outdial.config.zones import FIRST_YEAR, LAST_YEAR
from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.aims import AimKind
from outdial.core.modes import DialingMode
from outdial.core.rules import ClosedDays, RuleProfile, Week
from outdial.core.units import HOUR_MS, SECOND_MS

EPOCH = datetime.date(1970, 1, 1).toordinal()
ProfileRow = Row[RuleProfileTable]
WINDOW_DAYS = {AbandonmentWindow.DAY: 1, AbandonmentWindow.HOURS_24: 1, AbandonmentWindow.DAYS_30: 30}
"""What windows keep: who keeps a share in each of them keeps it over so many days, and over more. A campaign's life
keeps nothing but itself: a good first year would pay for a bad month."""
T = TypeVar("T", bound=Table)


@functools.cache
def own_profiles() -> dict[str, ProfileRow]:
    """The profiles that come with outdial, by name."""
    mistakes = Mistakes("outdial/rules")
    found = {}
    for file in sorted(importlib.resources.files("outdial.rules").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            name = file.name.removesuffix(".toml")
            raw = {"name": name, **tomllib.loads(file.read_text(encoding="utf-8"))}
            found[name] = read_row(RuleProfileTable, raw, f"rule-profile[{name}]", mistakes)
    mistakes.raise_any()
    return found


class RuleBook:
    """All profiles and closed days that a file may refer to."""

    def __init__(self, document: Document, mistakes: Mistakes) -> None:
        """Take in the tables of a file; note what is wrong with them."""
        self._mistakes = mistakes
        self._profiles = dict(own_profiles())
        self._closed: dict[str, ClosedDays] = {}
        for days in document.closed_days:
            self._add_closed(days)
        for row in document.rule_profiles:
            self._add_profile(row)
        for row in document.rule_profiles:
            self._check_profile(row)

    def _add_closed(self, row: Row[ClosedDaysTable]) -> None:
        if not row.has("name"):
            return
        if row.table.name in self._closed:
            self._mistakes.add(row.key("name"), "used twice", "a name of its own", value=row.shown("name"))
            return
        days = tuple(sorted({day for text in row.table.dates for day in _days(text)})) if row.has("dates") else ()
        self._closed[row.table.name] = ClosedDays(row.table.name, days)

    def _add_profile(self, row: ProfileRow) -> None:
        if not row.has("name"):
            return
        holder = self._profiles.get(row.table.name)
        if holder is not None:
            wrong = "one of outdial's own" if row.table.name in own_profiles() else "used twice"
            self._mistakes.add(row.key("name"), wrong, "a name of its own", value=row.shown("name"))
            return
        self._profiles[row.table.name] = row

    def _check_profile(self, row: ProfileRow) -> None:
        self.check_names(row, "on_top_of")
        self.check_closed(row)
        seen: set[str] = set()
        for hours in row.child_rows(RuleHoursTable, "hours"):
            if hours.has("starts", "ends") and hours.table.starts >= hours.table.ends:
                wrong = "not later than from"
                self._mistakes.add(hours.key("ends"), wrong, "a later time of day", value=hours.shown("ends"))
            for day in hours.table.days if hours.has("days") else ():
                if day in seen:
                    self._mistakes.add(hours.key("days"), f"{day} is named twice", "each day once")
                seen.add(day)
        if row.has("name") and self._goes_round(row.table.name):
            self._mistakes.add(row.key("on_top_of"), "builds on itself", "profiles that do not build on this one")

    def _goes_round(self, name: str) -> bool:
        below, at = {name: None}, [name]
        for each in at:
            row = self._profiles.get(each)
            for other in row.table.on_top_of if row is not None and row.has("on_top_of") else ():
                if other == name:
                    return True
                if other not in below:
                    below[other] = None
                    at.append(other)
        return False

    # --- references ----------------------------------------------------------------------------------------------

    def check_names(self, row: Row[RuleProfileTable] | Row[CallingListTable] | Row[CampaignTable], field: str) -> None:
        """Note names of profiles that there are not."""
        for n, name in enumerate(getattr(row.table, field) if row.has(field) else (), 1):
            if name not in self._profiles:
                hint = suggest(name, self._profiles)
                wrong = "there is no such rule profile" + (f"; {hint}" if hint else "")
                self._mistakes.add(f"{row.key(field)}[#{n}]", wrong, show_names(self._profiles), value=name)

    def check_closed(self, row: Row[RuleProfileTable] | Row[CallingListTable]) -> None:
        """Note names of closed days that there are not."""
        for n, name in enumerate(row.table.closed_days if row.has("closed_days") else (), 1):
            if name not in self._closed:
                allowed = show_names(self._closed) or "none, as the file has no [[closed-days]]"
                self._mistakes.add(f"{row.key('closed_days')}[#{n}]", "there are no such days", allowed, value=name)

    def check_lists(self, lists: list[Row[CallingListTable]], campaigns: list[Row[CampaignTable]]) -> None:
        """Check what lists and campaigns refer to."""
        for row in lists:
            self.check_names(row, "rules")
            self.check_closed(row)
        for campaign in campaigns:
            self.check_names(campaign, "rules")

    # --- campaigns and groups ------------------------------------------------------------------------------------

    def check_campaigns(self, rows: list[Row[CampaignTable]], lists: Lists, notes: Mistakes) -> None:
        """Whether the limits of campaigns are those of the rules for what they dial."""
        for row in rows:
            for profile in self._rules_of(row, lists):
                self._check_share(row, "abandonment_limit", profile, notes)

    def check_windows(
        self, rows: list[Row[CampaignTable]], groups: list[Row[CampaignGroupTable]], lists: Lists, notes: Mistakes
    ) -> None:
        """Whether campaigns whose groups may abandon calls keep the limit over the time that the rules name."""
        for row in rows:
            modes = [
                group.table.dialing_mode
                for group in groups
                if group.has("campaign", "dialing_mode")
                and (found := lists.campaigns.get(group.table.campaign)) is not None
                and found.item is row
            ]
            if row.has("abandonment_windows") and not all(mode.is_preview for mode in modes):
                for profile in self._rules_of(row, lists):
                    self._check_windows(row, profile, notes)

    def _check_windows(self, row: Row[CampaignTable], profile: ProfileRow, notes: Mistakes) -> None:
        limits, windows = profile.table, row.table.abandonment_windows
        is_limit = limits.abandonment_percent_max is not None
        if not limits.abandonment_days or not (is_limit or limits.abandonment_percent_aim is not None):
            return
        if any(WINDOW_DAYS.get(window, 367) <= limits.abandonment_days for window in windows):
            return
        over = "a day" if limits.abandonment_days == 1 else f"{limits.abandonment_days} days"
        wrong = f"none keeps the share of abandoned persons over {over}, as {_by(profile)} takes it"
        allowed = show_names(f'"{name}"' for name, days in WINDOW_DAYS.items() if days <= limits.abandonment_days)
        where = self._mistakes if is_limit else notes
        where.add(row.key("abandonment_windows"), wrong, f"with one of {allowed}")

    def check_groups(self, rows: list[Row[CampaignGroupTable]], lists: Lists, notes: Mistakes) -> None:
        """Whether the limits of campaign groups are those of the rules for what they dial."""
        for row in rows:
            campaign = lists.campaigns.get(row.table.campaign) if row.has("campaign") else None
            if campaign is None or not row.has("dialing_mode"):
                continue
            for profile in self._rules_of(campaign.item, lists):
                self._check_group(row, profile, notes)

    def _rules_of(self, campaign: Row[CampaignTable], lists: Lists) -> list[ProfileRow]:
        """Every profile for what a campaign dials."""
        names = dict.fromkeys(campaign.table.rules if campaign.has("rules") else ())
        for child in campaign.child_rows(CampaignListTable, "lists"):
            entry = lists.lists.get(child.table.calling_list) if child.has("calling_list") else None
            if entry is not None and entry.item.has("rules"):
                names.update(dict.fromkeys(entry.item.table.rules))
        return self._with_below(names)

    def _check_group(self, row: Row[CampaignGroupTable], profile: ProfileRow, notes: Mistakes) -> None:
        table, limits, mode = row.table, profile.table, row.table.dialing_mode
        by = _by(profile)
        if row.has("ring_timeout_s") and table.ring_timeout_s < limits.ring_s_min:
            wrong, allowed = f"shorter than {by} allows", f"at least {limits.ring_s_min:g}"
            self._mistakes.add(row.key("ring_timeout_s"), wrong, allowed, value=row.shown("ring_timeout_s"))
        most = limits.connect_s_max
        for wait in ("call_wait_in_queue_timeout", "abandonment_s_max"):
            if most is not None and not mode.is_preview and row.has(wait) and getattr(table, wait) > most:
                wrong = f"longer than {by} allows"
                self._mistakes.add(row.key(wait), wrong, f"at most {most:g}", value=row.shown(wait))
        if mode.is_preview or mode is DialingMode.POWER_GVP or not row.has("optimization_target"):
            return
        is_target = table.optimization_target is AimKind.OVERDIAL_RATE
        self._check_share(row, "optimization_value" if is_target else "overdial_rate_max", profile, notes)

    def _check_share(self, row: Row[T], field: str, profile: ProfileRow, notes: Mistakes) -> None:
        """A share of abandoned persons. Unit: percent. None: there is no limit here."""
        share = getattr(row.table, field) if row.has(field) else None
        for limit, where in (
            (profile.table.abandonment_percent_max, self._mistakes),
            (profile.table.abandonment_percent_aim, notes),
        ):
            if limit is not None and share is not None and share > limit:
                verb = "allows" if where is self._mistakes else "aims at"
                wrong = f"more abandoned persons than {_by(profile)} {verb}"
                where.add(row.key(field), wrong, f"at most {limit:g}", value=row.shown(field))

    # --- what the core gets ---------------------------------------------------------------------------------------

    def profiles(self, names: Iterable[str], closed: Sequence[str] = ()) -> tuple[RuleProfile, ...]:
        """The profiles of a list or a campaign, without mistakes, with those that they build on."""
        found = [self._profile(row) for row in self._with_below(names)]
        if closed:
            days = tuple(self._closed[name] for name in closed)
            found.append(RuleProfile(f"closed-days {', '.join(closed)}", _digest(days), closed_days=days))
        return tuple(found)

    def _with_below(self, names: Iterable[str]) -> list[ProfileRow]:
        found: dict[str, ProfileRow] = {}
        wanted = list(names)
        for name in wanted:
            row = self._profiles.get(name)
            if row is not None and name not in found:
                found[name] = row
                wanted += row.table.on_top_of if row.has("on_top_of") else []
        return list(found.values())

    def _profile(self, row: ProfileRow) -> RuleProfile:
        table = row.table
        share = table.abandonment_percent_max
        profile = RuleProfile(
            name=table.name,
            version=table.version,
            week=_week(row.child_rows(RuleHoursTable, "hours")),
            closed_days=tuple(self._closed[name] for name in table.closed_days),
            attempts_life_max=table.attempts_life_max,
            attempts_day_max=table.attempts_day_max,
            attempts_24h_max=table.attempts_24h_max,
            attempts_7d_max=table.attempts_7d_max,
            after_abandoned_ms=round(table.after_abandoned_hours * HOUR_MS),
            machine_ends_day=table.machine_ends_day,
            after_conversation_ms=round(table.after_conversation_hours * HOUR_MS),
            lifted_by_agent=table.lifted_by_agent,
            consent_required=table.consent_required,
            ring_ms_min=round(table.ring_s_min * SECOND_MS),
            connect_ms_max=round((table.connect_s_max or 0) * SECOND_MS),
            abandonment_ratio_max=None if share is None else share / 100,
            abandonment_days=table.abandonment_days,
        )
        if table.name in own_profiles():
            return profile
        return replace(profile, version=f"{table.version}.{_digest(profile)}")


def _by(profile: ProfileRow) -> str:
    table = profile.table
    return f"{table.name} ({'; '.join(table.sources[:1]) or table.title or 'a profile of this file'})"


def _digest(value: object) -> str:
    """Eight characters that change with the value: the date of an operator's profile may have been forgotten."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def _week(rows: list[Row[RuleHoursTable]]) -> Week:
    hours = {day: (row.table.starts, row.table.ends) for row in rows for day in row.table.days}
    return tuple(hours.get(day, (0, 0)) for day in Weekday) if hours else ()


def _days(text: str) -> list[int]:
    """A date as days since 1970-01-01; one without a year, as often as it comes."""
    if len(text) == len("2026-12-25"):
        return [datetime.date.fromisoformat(text).toordinal() - EPOCH]
    month, day = int(text[:2]), int(text[3:])
    years = range(FIRST_YEAR, LAST_YEAR + 1)
    leap = (month, day) == (2, 29)
    return [datetime.date(year, month, day).toordinal() - EPOCH for year in years if not leap or year % 4 == 0]
