"""Hours and days of time zones: what the expressions say is what the standard library says."""

import sqlite3
from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.config.zones import load_zone
from outdial.core.units import DAY_MS, HOUR_MS
from outdial.reports.local_time import LocalTime

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo")
SPAN = (1_600_000_000_000, 2_200_000_000_000)


def clock_of(name: str) -> LocalTime:
    zone = load_zone(name)
    assert zone is not None
    return LocalTime(zone)


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


@given(
    name=st.sampled_from(ZONES),
    instants=st.lists(st.integers(*SPAN), min_size=3, max_size=12).map(sorted),
)
def test_the_database_reads_the_clock_as_python_does(name, instants):
    clock, connection = clock_of(name), sqlite3.connect(":memory:")
    first, last = instants[0], instants[-1] + 1
    expressions = ("hour_sql", "day_sql", "hour_of_day_sql", "weekday_sql")
    sql = ", ".join(getattr(clock, one)("t", first, last) for one in expressions)
    values = ", ".join(f"({instant})" for instant in instants)
    rows = connection.execute(f"WITH x(t) AS (VALUES {values}) SELECT t, {sql} FROM x ORDER BY t").fetchall()
    connection.close()
    for instant, hour, day, hour_of_day, weekday in rows:
        local = datetime.fromtimestamp(instant / 1_000, ZoneInfo(name))
        assert (hour_of_day, weekday) == (local.hour, local.weekday())
        assert clock.day_text(day) == local.date().isoformat() == clock.day_text(clock.day(instant))
        assert 0 <= instant - hour < HOUR_MS
        assert clock.offset_ms(instant) == local.utcoffset().total_seconds() * 1_000


@given(
    name=st.sampled_from(ZONES),
    first=st.integers(*SPAN),
    length=st.integers(1, 500 * HOUR_MS),
    part=st.sampled_from(["hour", "day"]),
)
def test_the_parts_of_a_period_are_the_period(name, first, length, part):
    clock = clock_of(name)
    buckets = list(getattr(clock, f"{part}s")(first, first + length))
    assert buckets[0].from_utc_ms == first and buckets[-1].until_utc_ms == first + length
    for one, other in pairwise(buckets):
        assert one.from_utc_ms < one.until_utc_ms == other.from_utc_ms and one.key <= other.key
    connection = sqlite3.connect(":memory:")
    key = getattr(clock, f"{part}_sql")
    for bucket in buckets[:3] + buckets[-3:]:
        for instant in (bucket.from_utc_ms, bucket.until_utc_ms - 1):
            [(found,)] = connection.execute(f"SELECT {key(str(instant), first, first + length)}")
            assert found == bucket.key
    connection.close()


def test_the_hour_that_comes_twice_is_two_and_the_one_that_is_skipped_is_none():
    clock = clock_of("Europe/Berlin")
    autumn = [clock.hour_text(b.key) for b in clock.hours(at("2026-10-25T00:00+02:00"), at("2026-10-25T04:00+01:00"))]
    assert [text[11:] for text in autumn] == ["00:00+02:00", "01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"]
    spring = [clock.hour_text(b.key) for b in clock.hours(at("2026-03-29T01:00+01:00"), at("2026-03-29T04:00+02:00"))]
    assert [text[11:] for text in spring] == ["01:00+01:00", "03:00+02:00"]
    [day] = {bucket.key for bucket in clock.days(at("2026-10-25T00:00+02:00"), at("2026-10-26T00:00+01:00"))}
    assert clock.day_text(day) == "2026-10-25"
    assert clock.day_begins_utc_ms(day + 1) - clock.day_begins_utc_ms(day) == 25 * HOUR_MS
    assert clock_of("UTC").hour_text(at("2026-10-25T09:00+00:00")) == "2026-10-25T09:00Z"


@pytest.mark.parametrize("name", ZONES)
def test_every_day_begins_where_the_one_before_ends(name):
    clock = clock_of(name)
    day = clock.day(SPAN[0])
    for each in range(day, day + 2_000):
        begins = clock.day_begins_utc_ms(each)
        assert clock.day(begins) == each and clock.day(begins - 1) == each - 1
        assert 22 * HOUR_MS < clock.day_begins_utc_ms(each + 1) - begins < DAY_MS + 2 * HOUR_MS
