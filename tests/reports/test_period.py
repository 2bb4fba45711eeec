"""What `--period` may say."""

from datetime import UTC, datetime

import pytest

from outdial.config.zones import load_zone
from outdial.reports.local_time import LocalTime
from outdial.reports.period import PeriodMistake, read_period
from reports_asked import NOON


def read(text: str, zone: str = "UTC") -> list[str]:
    rules = load_zone(zone)
    assert rules is not None
    period = read_period(text, LocalTime(rules), NOON)
    ends = (period.from_utc_ms, period.until_utc_ms)
    return [f"{datetime.fromtimestamp(end / 1_000, UTC):%Y-%m-%dT%H:%M:%S}" for end in ends]


@pytest.mark.parametrize(
    "text, zone, first, last",
    [
        ("today", "UTC", "2026-11-21T00:00:00", "2026-11-22T00:00:00"),
        ("yesterday", "UTC", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        ("last-7-days", "UTC", "2026-11-14T00:00:00", "2026-11-21T00:00:00"),
        ("last-1-day", "Europe/Berlin", "2026-11-19T23:00:00", "2026-11-20T23:00:00"),
        ("2026-11-20", "UTC", "2026-11-20T00:00:00", "2026-11-21T00:00:00"),
        ("2026-11-20", "America/New_York", "2026-11-20T05:00:00", "2026-11-21T05:00:00"),
        ("2026-10-25", "Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
        ("2026-11-01..2026-11-30", "UTC", "2026-11-01T00:00:00", "2026-12-01T00:00:00"),
        ("2026-11-20T08:00..2026-11-20T12:30", "Europe/Berlin", "2026-11-20T07:00:00", "2026-11-20T11:30:00"),
        ("2026-11-20T07:00Z..2026-11-20T12:30:15+01:00", "Asia/Tokyo", "2026-11-20T07:00:00", "2026-11-20T11:30:15"),
        ("2026-11-20T08:00..2026-11-20", "UTC", "2026-11-20T08:00:00", "2026-11-21T00:00:00"),
    ],
)
def test_periods(text, zone, first, last):
    assert read(text, zone) == [first, last]


@pytest.mark.parametrize(
    "text, wrong",
    [
        ("tomorrow", "neither a day nor an instant"),
        ("2026-11-31", "neither a day nor an instant"),
        ("2026-11-20T08:00", "one instant is no period"),
        ("2026-11-20..2026-11-19", "ends before it begins"),
        ("last-0-days", "ends before it begins"),
        ("..", "neither a day"),
        ("2026-11-20..", "neither a day"),
        ("1950-01-01..2026-01-01", "the year 1950 is out of range"),
        ("2001-01-01..2026-01-01", "longer than 3,700 days"),
        ("x" * 1_000, "too long"),
    ],
)
def test_what_is_no_period(text, wrong):
    with pytest.raises(PeriodMistake, match=wrong):
        read(text)
