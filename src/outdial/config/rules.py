"""Tables for compliance: `[[rule-profile]]` with its hours, and `[[closed-days]]`."""

import datetime
import enum
import re
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from outdial.config.lists import CLOSED_DAYS, PROFILES
from outdial.config.options import NAME, TIME_OF_DAY, Child, Name, Table, TimeOfDay, option
from outdial.core.rules import ATTEMPTS_MAX

TEXTS_MAX = 100
"""Sources or remarks of a profile."""
DAYS_MAX = 1_000
"""Dates of one table of closed days."""
PROFILE_NAME = "text of 1 … 100 lower-case letters, digits and -"
DATE = 'a date: "2026-12-25"'
DAY = 'dates: "2026-12-25", or "12-25" for every year'


def _date(value: str) -> str:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        raise ValueError("not a date")
    try:
        datetime.date.fromisoformat(value)
    except ValueError as error:
        raise ValueError("there is no such day") from error
    return value


def _day(value: str) -> str:
    if re.fullmatch(r"\d\d-\d\d", value, re.ASCII):
        _date(f"2024-{value}")  # which has a 29 February
        return value
    return _date(value)


Date = Annotated[str, AfterValidator(_date)]
Day = Annotated[str, AfterValidator(_day)]
Text = Annotated[str, Field(min_length=1, max_length=1_000)]
ProfileName = Annotated[str, Field(max_length=100, pattern=r"^[a-z0-9][a-z0-9-]*$")]


class Weekday(enum.StrEnum):
    """Days of the week, Monday first."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class RuleHoursTable(Table):
    """`[[rule-profile.hours]]`: calling hours on days of the week. On days that no table names nobody is called."""

    days: list[Annotated[Weekday, Field(strict=False)]] = option(
        "days",
        "The days of the week.",
        default=list(Weekday),
        allowed="an array of " + ", ".join(f'"{day}"' for day in Weekday),
        min_length=1,
        max_length=7,
    )
    starts: TimeOfDay = option("from", "Earliest local time of day.", allowed=TIME_OF_DAY, core="RuleProfile.week")
    ends: TimeOfDay = option(
        "till", "End of the hours (exclusive), later than from.", allowed=TIME_OF_DAY, core="RuleProfile.week"
    )


class RuleProfileTable(Table):
    """`[[rule-profile]]`: limits of a law or of your own, for `rules` of calling lists and campaigns."""

    CHILDREN: ClassVar = {
        "hours": Child(RuleHoursTable, "Calling hours by day of the week; without any, every hour.", count_max=20)
    }

    name: ProfileName = option(
        "name", "What lists and campaigns call it.", allowed=PROFILE_NAME, core="RuleProfile.name"
    )
    title: str = option(
        "title", "What it is, for people.", default="", allowed="text of up to 255 characters", max_length=255
    )
    version: Date = option(
        "version",
        "When it was written or last changed. Every attempt is written down with it.",
        allowed=DATE,
        core="RuleProfile.version",
    )
    in_force_from: Date | None = option(
        "in-force-from", "Since when the law holds. It is kept before that, too.", default=None, allowed=DATE
    )
    sources: list[Text] = option(
        "sources", "Laws with their sections.", default=[], allowed="an array of texts", max_length=TEXTS_MAX
    )
    remarks: list[Text] = option(
        "remarks",
        "What it does not cover, and what somebody should check.",
        default=[],
        allowed="an array of texts",
        max_length=TEXTS_MAX,
    )
    on_top_of: list[str] = option(
        "on-top-of", "Profiles that hold as well.", default=[], allowed=PROFILES, max_length=TEXTS_MAX
    )
    closed_days: list[str] = option(
        "closed-days",
        "Days on which nobody is called.",
        default=[],
        allowed=CLOSED_DAYS,
        core="RuleProfile.closed_days",
        max_length=TEXTS_MAX,
    )
    attempts_life_max: int = option(
        "attempts-life-max",
        "Most attempts to a number, ever, whoever makes them. 0: no limit.",
        default=0,
        unit="attempts",
        core="RuleProfile.attempts_life_max",
        ge=0,
        le=ATTEMPTS_MAX,
    )
    attempts_day_max: int = option(
        "attempts-day-max",
        "Most attempts to a number on one calendar day, wherever it may be. 0: no limit.",
        default=0,
        unit="attempts",
        core="RuleProfile.attempts_day_max",
        ge=0,
        le=ATTEMPTS_MAX,
    )
    attempts_24h_max: int = option(
        "attempts-24h-max",
        "Most attempts to a number within any 24 hours. 0: no limit.",
        default=0,
        unit="attempts",
        core="RuleProfile.attempts_24h_max",
        ge=0,
        le=ATTEMPTS_MAX,
    )
    attempts_7d_max: int = option(
        "attempts-7d-max",
        "Most attempts to a number within any 7 days of 24 hours. 0: no limit.",
        default=0,
        unit="attempts",
        core="RuleProfile.attempts_7d_max",
        ge=0,
        le=ATTEMPTS_MAX,
    )
    after_abandoned_hours: float = option(
        "after-abandoned-hours",
        "How long a number is left alone after a person there found no agent.",
        default=0,
        unit="hours",
        core="RuleProfile.after_abandoned_ms",
        ge=0,
        le=8_760,
    )
    machine_ends_day: bool = option(
        "machine-ends-day",
        "After an answering machine a number is left alone for the rest of the day.",
        default=False,
        core="RuleProfile.machine_ends_day",
    )
    after_conversation_hours: float = option(
        "after-conversation-hours",
        "How long a number is left alone after a conversation.",
        default=0,
        unit="hours",
        core="RuleProfile.after_conversation_ms",
        ge=0,
        le=8_760,
    )
    lifted_by_agent: bool = option(
        "lifted-by-agent",
        "after-abandoned-hours and machine-ends-day do not hold in preview modes, where an agent is there first.",
        default=False,
        core="RuleProfile.lifted_by_agent",
    )
    consent_required: bool = option(
        "consent-required",
        "Only records with a consent are dialed; others are cancelled.",
        default=False,
        core="RuleProfile.consent_required",
    )
    ring_s_min: float = option(
        "ring-s-min",
        "Shortest `ring-timeout-s` of campaign groups.",
        default=0,
        unit="seconds",
        core="RuleProfile.ring_ms_min",
        ge=0,
        le=180,
    )
    connect_s_max: float | None = option(
        "connect-s-max",
        "Longest `call_wait_in_queue_timeout` and `abandonment-s-max` of campaign groups: how long a person waits for "
        "an agent.",
        default=None,
        unit="seconds",
        core="RuleProfile.connect_ms_max",
        ge=0.1,
        le=600,
    )
    abandonment_percent_max: float | None = option(
        "abandonment-percent-max",
        "Highest limit of abandoned persons of campaign groups (`optimization-value` or `overdial-rate-max`) and of "
        "campaigns (`abandonment-limit`).",
        default=None,
        unit="percent",
        core="RuleProfile.abandonment_ratio_max",
        ge=0,
        le=100,
    )
    abandonment_percent_aim: float | None = option(
        "abandonment-percent-aim",
        "The same as an aim: a higher limit is allowed, and noted by `outdial check`.",
        default=None,
        unit="percent",
        ge=0,
        le=100,
    )
    abandonment_days: int = option(
        "abandonment-days",
        "Over how many days that share is taken. One of the `abandonment-windows` of campaigns must be so long, or "
        "shorter.",
        default=0,
        unit="days",
        core="RuleProfile.abandonment_days",
        ge=0,
        le=366,
    )


class ClosedDaysTable(Table):
    """`[[closed-days]]`: days on which nobody is called, by the calendar of wherever the number is."""

    name: Name = option("name", "What lists and profiles call them.", allowed=NAME, core="ClosedDays.name")
    dates: list[Day] = option(
        "dates", "The days.", allowed=f"an array of {DAY}", core="ClosedDays.days", min_length=1, max_length=DAYS_MAX
    )
