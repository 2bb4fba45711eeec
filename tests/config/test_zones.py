"""Time zones as tables of offsets agree with the zone database."""

import datetime
import importlib.resources
import re
import zoneinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.config.zones import FIRST_YEAR, LAST_YEAR, TZDATA_VERSION, load_zone, near_zone, zone_names, zone_rules
from outdial.core.openings import local_second_of_day

NAMES = zone_names()
START = datetime.datetime(FIRST_YEAR, 1, 1, tzinfo=datetime.UTC)
SPAN_S = round((datetime.datetime(LAST_YEAR + 1, 1, 1, tzinfo=datetime.UTC) - START).total_seconds())


@pytest.mark.slow
@given(st.sampled_from(NAMES), st.integers(0, SPAN_S - 1))
def test_local_time_is_what_the_database_says(name, second):
    zone = load_zone(name)
    assert zone is not None
    instant = START + datetime.timedelta(seconds=second)
    local = instant.astimezone(zone_rules(name))
    expected = local.hour * 3_600 + local.minute * 60 + local.second
    assert local_second_of_day(zone, round(instant.timestamp()) * 1_000) == expected


def test_zone_without_changes_has_one_entry():
    zone = load_zone("Asia/Kolkata")
    assert zone is not None and zone.offsets == ((0, 19_800),)


def test_names_that_are_no_zone():
    for name in ("", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America", "a\0b", "x" * 1_000):
        assert load_zone(name) is None


def test_zones_are_those_of_the_package_whatever_the_system_has(tmp_path, monkeypatch):
    berlin = tmp_path / "Europe" / "Berlin"
    berlin.parent.mkdir()
    berlin.write_bytes((importlib.resources.files("tzdata") / "zoneinfo" / "Asia" / "Kolkata").read_bytes())
    expected = load_zone("Europe/Berlin")
    load_zone.cache_clear()
    zone_rules.cache_clear()
    zoneinfo.reset_tzpath([tmp_path])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        assert zoneinfo.ZoneInfo("Europe/Berlin").utcoffset(START) == datetime.timedelta(hours=5, minutes=30)
        assert load_zone("Europe/Berlin") == expected
    finally:
        zoneinfo.reset_tzpath()
        zoneinfo.ZoneInfo.clear_cache()


def test_version_of_the_zones_is_that_of_the_package():
    assert re.fullmatch(r"20\d\d[a-z]", TZDATA_VERSION)


def test_near_zone_ignores_case():
    assert near_zone("europe/berlin") == 'did you mean "Europe/Berlin"?'
