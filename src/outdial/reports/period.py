"""What `--period` may say: days, instants, and words for the usual ones, on the clock of a time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from outdial.core.units import DAY_MS, SECOND_MS
from outdial.reports.local_time import LocalTime

ALLOWED = (
    "today, yesterday, last-7-days (any number of whole days, up to yesterday), a day (2026-11-20), days with both "
    "ends (2026-11-01..2026-11-30), instants (2026-11-20T08:00..2026-11-20T12:30, 2026-11-20T07:00Z..2026-11-20T11:30Z)"
)
DAYS_MAX = 3_700
"""Longest period: ten years. Unit: days. Ours."""
_CHARACTERS_MAX = 100
_EPOCH_DAY = date(1970, 1, 1)
_YEARS = range(1971, 9_000)


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant up to another one, which is not in it any more."""

    from_utc_ms: int
    until_utc_ms: int


class PeriodMistake(ValueError):
    """What was written is no period; says why."""


def read_period(text: str, clock: LocalTime, now_utc_ms: int) -> Period:
    """What a text means.

    Args:
        text: see `ALLOWED`.
        clock: whose days and times are meant, unless an instant brings its own offset.
        now_utc_ms: for today and the like.

    Raises:
        PeriodMistake: it means nothing, or nothing that can be asked for.
    """
    if len(text) > _CHARACTERS_MAX:
        raise PeriodMistake("too long")
    first, last = _ends(text.strip(), clock, now_utc_ms)
    if last <= first:
        raise PeriodMistake("ends before it begins")
    if last - first > DAYS_MAX * DAY_MS:
        raise PeriodMistake(f"longer than {DAYS_MAX:,} days")
    return Period(first, last)


def _ends(text: str, clock: LocalTime, now_utc_ms: int) -> tuple[int, int]:
    today = clock.day(now_utc_ms)
    if text == "today":
        return _days(clock, today, 1)
    if text == "yesterday":
        return _days(clock, today - 1, 1)
    if match := re.fullmatch(r"last-([0-9]{1,4})-days?", text):
        return _days(clock, today - int(match[1]), int(match[1]))
    first, dots, last = text.partition("..")
    return _instant(first, clock, is_end=False), _instant(last if dots else first, clock, is_end=True, is_day=not dots)


def _days(clock: LocalTime, first: int, count: int) -> tuple[int, int]:
    return clock.day_begins_utc_ms(first), clock.day_begins_utc_ms(first + count)


def _instant(text: str, clock: LocalTime, *, is_end: bool, is_day: bool = False) -> int:
    """One end. A day that is an end belongs to the period."""
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            day = date.fromisoformat(text)
            _check_year(day.year)
            return clock.day_begins_utc_ms((day - _EPOCH_DAY).days + is_end)
        if is_day:
            raise PeriodMistake("one instant is no period")
        found = datetime.fromisoformat(text)
    except PeriodMistake:
        raise
    except ValueError:
        raise PeriodMistake(f'"{text[:40]}" is neither a day nor an instant') from None
    _check_year(found.year)
    if found.tzinfo is None:
        return clock.utc_ms(_ms(found.replace(tzinfo=UTC)))
    return _ms(found)


def _check_year(year: int) -> None:
    if year not in _YEARS:
        raise PeriodMistake(f"the year {year} is out of range")


def _ms(instant: datetime) -> int:
    whole = int(instant.replace(microsecond=0).timestamp())
    return whole * SECOND_MS + instant.microsecond // 1_000
