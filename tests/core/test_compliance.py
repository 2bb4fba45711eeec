"""Compliance: do-not-call and calling hours, in zones whose clocks change, against zoneinfo."""

import functools
from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.compliance import Refusal, RefusalReason, may_dial
from outdial.core.dial_rules import DialRules, dial_rules
from outdial.core.errors import InvariantViolated
from outdial.core.openings import LOOK_AHEAD_MS, Hours, is_inside, local_second_of_day, next_opening
from outdial.core.records import Record
from outdial.core.rules import DAY_S
from outdial.core.settings import CallingList, Zone
from outdial.core.units import DAY_MS, MINUTE_MS

HOUR_S = 3_600
QUARTER_MS = 15 * MINUTE_MS
YEARS = 2008, 2031
RECORD = Record(record_id=1, list_id=1, number="+4930123456")

ZONES = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Africa/Casablanca",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Pyongyang",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Pacific/Honolulu",
]


def ms(text: str) -> int:
    """`2026-03-29T01:00` in UTC, as milliseconds."""
    moment = datetime.fromisoformat(text)
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def clock(text: str) -> int:
    """`09:30` as seconds since midnight."""
    hours, minutes = text.split(":")
    return int(hours) * HOUR_S + int(minutes) * 60


def offset_s(zone: ZoneInfo, utc_ms: int) -> int:
    return zone.utcoffset(datetime.fromtimestamp(utc_ms // 1_000, zone)) // timedelta(seconds=1)


@functools.cache
def zone_of(name: str) -> Zone:
    """Read a zone's table from zoneinfo: look week by week, then halve to the second."""
    zone = ZoneInfo(name)
    at_ms, end_ms = ms(f"{YEARS[0]}-01-01"), ms(f"{YEARS[1]}-01-01")
    offsets = [(at_ms, offset_s(zone, at_ms))]
    while at_ms < end_ms:
        low_ms, high_ms = at_ms, at_ms + 7 * DAY_MS
        if offset_s(zone, high_ms) != offsets[-1][1]:
            while high_ms - low_ms > 1_000:
                middle_ms = (low_ms + high_ms) // 2_000 * 1_000
                if offset_s(zone, middle_ms) == offsets[-1][1]:
                    low_ms = middle_ms
                else:
                    high_ms = middle_ms
            offsets.append((high_ms, offset_s(zone, high_ms)))
        at_ms = high_ms
    return Zone(name, tuple(offsets))


def hours(name: str, from_s: int, till_s: int) -> DialRules:
    return dial_rules(CallingList(1, "list", zone_of(name), from_s, till_s))


# --- the table of cases ----------------------------------------------------------------------

OPEN = None
CASES = [
    # plain days: the window is half open
    ("UTC", "2026-07-01T08:59:59.999", "09:00", "20:00", "2026-07-01T09:00"),
    ("UTC", "2026-07-01T09:00", "09:00", "20:00", OPEN),
    ("UTC", "2026-07-01T19:59:59.999", "09:00", "20:00", OPEN),
    ("UTC", "2026-07-01T20:00", "09:00", "20:00", "2026-07-02T09:00"),
    ("UTC", "2026-07-01T23:59:59.999", "18:00", "24:00", OPEN),
    ("UTC", "2026-07-02T00:00", "18:00", "24:00", "2026-07-02T18:00"),
    ("UTC", "2026-07-01T10:00", "00:00", "09:00", "2026-07-02T00:00"),
    # across midnight
    ("UTC", "2026-07-01T23:30", "22:00", "06:00", OPEN),
    ("UTC", "2026-07-01T05:59:59.999", "22:00", "06:00", OPEN),
    ("UTC", "2026-07-01T06:00", "22:00", "06:00", "2026-07-01T22:00"),
    ("UTC", "2026-07-01T21:59", "22:00", "06:00", "2026-07-01T22:00"),
    # the clock goes forward: Berlin, 29 March 2026, 01:00 UTC, 02:00 → 03:00
    ("Europe/Berlin", "2026-03-28T21:30", "09:00", "20:00", "2026-03-29T07:00"),
    ("Europe/Berlin", "2026-03-29T00:30", "02:30", "05:00", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-03-29T01:00", "02:30", "05:00", OPEN),
    ("Europe/Berlin", "2026-03-29T00:30", "03:00", "05:00", "2026-03-29T01:00"),
    ("Europe/Berlin", "2026-03-29T00:30", "02:10", "02:40", "2026-03-30T00:10"),
    ("Europe/Berlin", "2026-03-29T00:59:59.999", "01:00", "02:00", OPEN),
    ("Europe/Berlin", "2026-03-29T01:00", "01:00", "02:00", "2026-03-29T23:00"),
    # the clock goes back: Berlin, 25 October 2026, 01:00 UTC, 03:00 → 02:00; the hour after two comes twice
    ("Europe/Berlin", "2026-10-24T19:00", "09:00", "20:00", "2026-10-25T08:00"),
    ("Europe/Berlin", "2026-10-25T00:15", "02:00", "02:30", OPEN),
    ("Europe/Berlin", "2026-10-25T00:30", "02:00", "02:30", "2026-10-25T01:00"),
    ("Europe/Berlin", "2026-10-25T01:29:59.999", "02:00", "02:30", OPEN),
    ("Europe/Berlin", "2026-10-25T01:30", "02:00", "02:30", "2026-10-26T01:00"),
    ("Europe/Berlin", "2026-10-25T00:45", "02:15", "02:30", "2026-10-25T01:15"),
    # across midnight on the day of the change: New York, 8 March 2026, 07:00 UTC
    ("America/New_York", "2026-03-08T15:00", "22:00", "06:00", "2026-03-09T02:00"),
    ("America/New_York", "2026-03-08T09:59:59.999", "22:00", "06:00", OPEN),
    ("America/New_York", "2026-03-08T10:00", "22:00", "06:00", "2026-03-09T02:00"),
    # the day begins at 01:00: São Paulo, 4 November 2018, 03:00 UTC, 00:00 → 01:00
    ("America/Sao_Paulo", "2018-11-03T22:00", "00:00", "06:00", "2018-11-04T03:00"),
    ("America/Sao_Paulo", "2018-11-03T22:00", "00:15", "00:45", "2018-11-05T02:15"),
    # half and quarter hours; Lord Howe changes by half an hour, 3 October 2026, 15:30 UTC, 02:00 → 02:30
    ("Asia/Kolkata", "2026-07-01T03:29:59.999", "09:00", "18:00", "2026-07-01T03:30"),
    ("Asia/Kolkata", "2026-07-01T12:30", "09:00", "18:00", "2026-07-02T03:30"),
    ("Asia/Kathmandu", "2026-07-01T00:00", "09:00", "18:00", "2026-07-01T03:15"),
    ("America/St_Johns", "2026-01-15T12:00", "09:00", "18:00", "2026-01-15T12:30"),
    ("Australia/Lord_Howe", "2026-10-03T15:00", "02:15", "02:20", "2026-10-04T15:15"),
    ("Australia/Lord_Howe", "2026-10-03T15:00", "02:15", "03:00", "2026-10-03T15:30"),
    # the date line: east of it, west of it, and Samoa, which left out 30 December 2011
    ("Pacific/Kiritimati", "2026-01-01T04:00", "09:00", "18:00", "2026-01-01T19:00"),
    ("Pacific/Honolulu", "2026-01-01T04:00", "09:00", "18:00", "2026-01-01T19:00"),
    ("Pacific/Apia", "2011-12-30T05:00", "09:00", "18:00", "2011-12-30T19:00"),
    ("Pacific/Apia", "2011-12-30T11:00", "00:00", "02:00", OPEN),
    # the leap day, and none
    ("Europe/Berlin", "2028-02-28T20:00", "09:00", "20:00", "2028-02-29T08:00"),
    ("Europe/Berlin", "2028-02-29T20:00", "09:00", "20:00", "2028-03-01T08:00"),
    ("Europe/Berlin", "2027-02-28T20:00", "09:00", "20:00", "2027-03-01T08:00"),
]


@pytest.mark.parametrize("zone, now, daily_from, daily_till, opens", CASES)
def test_calling_hours(zone, now, daily_from, daily_till, opens):
    refusal = may_dial(RECORD, hours(zone, clock(daily_from), clock(daily_till)), ms(now), ())
    assert (None if opens is OPEN else ms(opens)) == (refusal and refusal.not_before_utc_ms)


@pytest.mark.parametrize("name", ZONES)
def test_whole_day_is_never_refused(name):
    start_ms = ms("2026-10-20")
    assert all(may_dial(RECORD, hours(name, 0, DAY_S), start_ms + k * QUARTER_MS, ()) is None for k in range(960))


def test_whole_day_needs_no_zone():
    assert may_dial(RECORD, dial_rules(CallingList(1, "list", Zone("nowhere", ()))), 0, ()) is None


def test_window_that_never_opens_is_refused_a_day_at_a_time():
    now = ms("2026-07-01T09:00")
    refusal = may_dial(RECORD, hours("UTC", 9 * HOUR_S, 9 * HOUR_S), now, ())
    assert refusal is not None
    assert now + DAY_MS == refusal.not_before_utc_ms


def test_refusal_speaks_in_local_time():
    refusal = may_dial(RECORD, hours("Europe/Berlin", 9 * HOUR_S, 20 * HOUR_S), ms("2026-07-01T19:14:03"), ())
    text = "calling hours 09:00:00 to 20:00:00, now 21:14:03 (Europe/Berlin)"
    assert Refusal(RefusalReason.OUTSIDE_CALLING_HOURS, text, ms("2026-07-02T07:00")) == refusal


@pytest.mark.parametrize(
    "own, now, allowed",
    [
        ({}, "2026-07-01T08:00", True),
        ({}, "2026-07-01T19:00", False),
        ({"daily_from_s": 11 * HOUR_S}, "2026-07-01T08:00", False),
        ({"daily_till_s": 22 * HOUR_S}, "2026-07-01T19:00", True),
        ({"daily_from_s": 0, "daily_till_s": DAY_S}, "2026-07-01T23:00", True),
        ({"daily_from_s": 0}, "2026-06-30T23:00", True),  # midnight is falsy, not missing
        ({"zone": "America/New_York"}, "2026-07-01T08:00", False),
        ({"zone": "America/New_York"}, "2026-07-01T19:00", True),
    ],
)
def test_record_overrides_each_part_of_its_list(own, now, allowed):
    own = own | ({"zone": zone_of(own["zone"])} if "zone" in own else {})
    calling_list = hours("Europe/Berlin", 9 * HOUR_S, 20 * HOUR_S)
    assert allowed == (may_dial(replace(RECORD, **own), calling_list, ms(now), ()) is None)


# --- several zones ---------------------------------------------------------------------------

COASTS = "America/New_York America/Los_Angeles"
ATLANTIC = "America/New_York Europe/Berlin"
SEVERAL = [
    # from the later opening to the earlier end
    (COASTS, "2026-07-01T13:00", "09:00", "21:00", "2026-07-01T16:00"),
    (COASTS, "2026-07-01T16:00", "09:00", "21:00", OPEN),
    (COASTS, "2026-07-02T00:59:59.999", "09:00", "21:00", OPEN),
    (COASTS, "2026-07-02T01:00", "09:00", "21:00", "2026-07-02T16:00"),
    (COASTS, "2026-07-01T03:00", "00:00", "24:00", OPEN),
    # across midnight
    (COASTS, "2026-07-01T10:00", "22:00", "06:00", "2026-07-02T05:00"),
    # half hours; the date line: a day apart, and the same time of day
    ("Europe/Berlin Asia/Kolkata", "2026-07-01T12:29:59.999", "09:00", "18:00", OPEN),
    ("Europe/Berlin Asia/Kolkata", "2026-07-01T12:30", "09:00", "18:00", "2026-07-02T07:00"),
    ("Pacific/Kiritimati Pacific/Honolulu", "2026-01-01T04:00", "09:00", "18:00", "2026-01-01T19:00"),
    ("Pacific/Kiritimati Pacific/Honolulu", "2026-01-01T19:00", "09:00", "18:00", OPEN),
    # forward on different days: New York 8 March, Berlin 29 March 2026
    (ATLANTIC, "2026-03-07T15:00", "09:00", "16:00", "2026-03-08T13:00"),
    (ATLANTIC, "2026-03-28T15:00", "09:00", "16:00", "2026-03-29T13:00"),
    (ATLANTIC, "2026-03-29T14:00", "09:00", "16:00", "2026-03-30T13:00"),
    # back on different days: Berlin 25 October, New York 1 November 2026
    (ATLANTIC, "2026-10-24T14:00", "09:00", "16:00", "2026-10-25T13:00"),
    (ATLANTIC, "2026-10-31T15:00", "09:00", "16:00", "2026-11-01T14:00"),
    # the leap day
    ("Europe/Berlin Europe/London", "2028-02-28T20:00", "09:00", "20:00", "2028-02-29T09:00"),
    ("Europe/Berlin Europe/London", "2028-02-29T19:00", "09:00", "20:00", "2028-03-01T09:00"),
    # nothing in common: until a clock changes, or for the week that is looked at
    (ATLANTIC, "2026-03-05T00:00", "09:00", "15:00", "2026-03-08T13:00"),
    (ATLANTIC, "2026-02-28T00:00", "09:00", "15:00", "2026-03-07T00:00"),
    ("Europe/Berlin Pacific/Honolulu", "2026-07-01T00:00", "09:00", "12:00", "2026-07-08T00:00"),
    (COASTS, "2026-07-01T00:00", "09:00", "09:00", "2026-07-02T00:00"),
]


def somewhere(zones: str) -> Record:
    """A record whose number may be in any of these zones."""
    return replace(RECORD, zones=tuple(zone_of(name) for name in zones.split()))


@pytest.mark.parametrize("zones, now, daily_from, daily_till, opens", SEVERAL)
def test_calling_hours_hold_in_every_zone_of_the_number(zones, now, daily_from, daily_till, opens):
    calling_list = hours("UTC", clock(daily_from), clock(daily_till))
    for names in (zones, " ".join(reversed(zones.split()))):
        refusal = may_dial(somewhere(names), calling_list, ms(now), ())
        assert (None if opens is OPEN else ms(opens)) == (refusal and refusal.not_before_utc_ms)


def test_refusal_names_the_zone_that_forbids_and_how_many_there_are():
    refusal = may_dial(somewhere(COASTS), hours("UTC", 9 * HOUR_S, 20 * HOUR_S), ms("2026-07-01T14:00"), ())
    assert refusal is not None
    text = "calling hours 09:00:00 to 20:00:00, now 07:00:00 (America/Los_Angeles, one of 2 zones of the number)"
    assert text == refusal.text


@pytest.mark.parametrize(
    "own, zones, allowed",
    [("", "", False), ("", "Europe/Berlin", True), ("UTC", "Europe/Berlin", False), ("Europe/Berlin", COASTS, True)],
)
def test_record_own_zone_comes_before_those_of_its_number_and_these_before_the_lists(own, zones, allowed):
    record = replace(somewhere(zones), zone=zone_of(own) if own else None)
    assert allowed == (may_dial(record, hours("UTC", 9 * HOUR_S, 20 * HOUR_S), ms("2026-07-01T08:00"), ()) is None)


# --- do-not-call -----------------------------------------------------------------------------


@pytest.mark.parametrize("window", [(0, DAY_S), (9 * HOUR_S, 20 * HOUR_S), (9 * HOUR_S, 9 * HOUR_S)])
def test_do_not_call_is_final_at_any_hour(window):
    refusal = may_dial(RECORD, hours("UTC", *window), ms("2026-07-01T03:00"), {"+4930123456"})
    assert Refusal(RefusalReason.DO_NOT_CALL, "+4930123456 is on the do-not-call list", None) == refusal


def test_do_not_call_means_the_whole_number():
    numbers = frozenset({"4930123456", "+493012345", "+49301234567"})
    assert may_dial(RECORD, hours("UTC", 0, DAY_S), 0, numbers) is None


# --- zones -----------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [Zone("late", ((1_000, 0),)), Zone("empty", ())])
def test_instant_before_the_table_is_a_bug(zone):
    with pytest.raises(InvariantViolated, match=zone.name):
        local_second_of_day(zone, 999)


def test_offset_holds_from_its_instant_on():
    zone = Zone("two", ((0, 0), (10_000, HOUR_S)))
    assert [9, HOUR_S + 10] == [local_second_of_day(zone, at_ms) for at_ms in (9_999, 10_000)]


SPREAD = st.integers(-3 * DAY_MS, 3 * DAY_MS)
INSTANTS = st.integers(ms(f"{YEARS[0]}-01-01"), ms(f"{YEARS[1] - 1}-12-25"))


def near_changes(name: str) -> st.SearchStrategy[int]:
    """Instants, most of them within three days of a change of the clock."""
    changes = [since_ms for since_ms, _ in zone_of(name).offsets[1:]]
    if not changes:
        return INSTANTS
    near = st.builds(lambda change, apart: change + apart, st.sampled_from(changes), st.integers(-3, 3) | SPREAD)
    return st.one_of(near, near, INSTANTS)


ZONES_AND_INSTANTS = st.sampled_from(ZONES).flatmap(lambda name: st.tuples(st.just(name), near_changes(name)))
QUARTERS = st.integers(0, 96).map(lambda quarter: quarter * 900)


def slow_second_of_day(zone: ZoneInfo, utc_ms: int) -> int:
    moment = datetime.fromtimestamp(utc_ms // 1_000, zone)
    return moment.hour * HOUR_S + moment.minute * 60 + moment.second


def slow_is_open(second: int, from_s: int, till_s: int) -> bool:
    """The window as the list of its seconds, walked from its start."""
    return (second - from_s) % DAY_S < (till_s - from_s) % DAY_S or (from_s, till_s) == (0, DAY_S)


@given(ZONES_AND_INSTANTS)
def test_local_time_is_zoneinfos(zone_and_instant):
    name, utc_ms = zone_and_instant
    assert slow_second_of_day(ZoneInfo(name), utc_ms) == local_second_of_day(zone_of(name), utc_ms)


@given(ZONES_AND_INSTANTS, QUARTERS.filter(lambda from_s: from_s < DAY_S), QUARTERS)
def test_hours_agree_with_a_walk_through_zoneinfo(zone_and_instant, from_s, till_s):
    """A window on quarter hours opens on one, or where the clock changes (St. John's did so at 00:01)."""
    name, utc_ms = zone_and_instant
    zone = ZoneInfo(name)
    refusal = may_dial(RECORD, hours(name, from_s, till_s), utc_ms, ())
    first_quarter_ms, end_ms = utc_ms - utc_ms % QUARTER_MS + QUARTER_MS, utc_ms + 3 * DAY_MS
    changes = [since_ms for since_ms, _ in zone_of(name).offsets if utc_ms < since_ms < end_ms]
    walk = sorted([utc_ms, *changes, *range(first_quarter_ms, end_ms, QUARTER_MS)])
    opens = (at_ms for at_ms in walk if slow_is_open(slow_second_of_day(zone, at_ms), from_s, till_s))
    expected = utc_ms + DAY_MS if from_s == till_s else next(opens)
    assert expected == (utc_ms if refusal is None else refusal.not_before_utc_ms)


@st.composite
def wild_zones(draw: st.DrawFn) -> Zone:
    """Clocks that jump by up to a day, at any second, several times in one day."""
    offset = st.integers(-DAY_S + 1, DAY_S - 1)
    instants = draw(st.lists(st.integers(1, 2 * DAY_S), unique=True, max_size=6))
    return Zone("wild", ((0, draw(offset)), *((at * 1_000, draw(offset)) for at in sorted(instants))))


@given(wild_zones(), st.integers(0, DAY_S - 1), st.integers(0, DAY_S), st.integers(0, 2 * DAY_MS))
def test_refusal_names_the_first_allowed_instant(zone, from_s, till_s, utc_ms):
    """Any zone, any second: open then, and shut at each of the instants before it at which a window can open."""
    calling_list = dial_rules(CallingList(1, "list", zone, from_s, till_s))
    refusal = may_dial(RECORD, calling_list, utc_ms, ())
    if refusal is None:
        assert slow_is_open(local_second_of_day(zone, utc_ms), from_s, till_s)
        return
    assert refusal.not_before_utc_ms is not None
    assert refusal.not_before_utc_ms > utc_ms
    if from_s == till_s:
        return
    assert may_dial(RECORD, calling_list, refusal.not_before_utc_ms, ()) is None
    changes = [since_ms for since_ms, _ in zone.offsets]
    openings = [
        day * DAY_MS + (from_s - offset) * 1_000
        for index, (_, offset) in enumerate(zone.offsets)
        for day in range(-2, 7)
        if index == bisect_right(changes, day * DAY_MS + (from_s - offset) * 1_000) - 1
    ]
    for at_ms in [utc_ms, *changes, *openings]:
        if utc_ms <= at_ms < refusal.not_before_utc_ms:
            assert may_dial(RECORD, calling_list, at_ms, ()) is not None


@given(
    st.lists(wild_zones(), min_size=2, max_size=4),
    st.integers(0, DAY_S - 1),
    st.integers(0, DAY_S),
    st.integers(0, 2 * DAY_MS),
)
def test_refusal_names_the_first_instant_that_all_zones_allow(zones, from_s, till_s, utc_ms):
    """Any zones, any second: never outside one of them; shut at each of the instants before at which one can open."""
    record, calling_list = replace(RECORD, zones=tuple(zones)), hours("UTC", from_s, till_s)
    refusal = may_dial(record, calling_list, utc_ms, ())
    if refusal is None:
        assert all(slow_is_open(local_second_of_day(zone, utc_ms), from_s, till_s) for zone in zones)
        return
    until_ms = refusal.not_before_utc_ms
    assert until_ms is not None
    assert utc_ms < until_ms <= utc_ms + LOOK_AHEAD_MS
    if from_s == till_s:
        return
    if until_ms < utc_ms + LOOK_AHEAD_MS:
        assert may_dial(record, calling_list, until_ms, ()) is None
    instants = {utc_ms}
    for zone in zones:
        instants |= {since_ms for since_ms, _ in zone.offsets}
        instants |= {day * DAY_MS + (from_s - offset) * 1_000 for day in range(-1, 11) for _, offset in zone.offsets}
    for at_ms in instants:
        if utc_ms <= at_ms < until_ms:
            assert not all(slow_is_open(local_second_of_day(zone, at_ms), from_s, till_s) for zone in zones)


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(ZONES), min_size=2, max_size=5, unique=True).flatmap(
        lambda names: st.tuples(st.just(names), st.sampled_from(names).flatmap(near_changes))
    ),
    QUARTERS.filter(lambda from_s: from_s < DAY_S),
    QUARTERS,
)
def test_hours_of_several_zones_agree_with_a_walk_through_zoneinfo(names_and_instant, from_s, till_s):
    names, utc_ms = names_and_instant
    zones = [ZoneInfo(name) for name in names]
    refusal = may_dial(somewhere(" ".join(names)), hours("UTC", from_s, till_s), utc_ms, ())
    end_ms = utc_ms + (DAY_MS if from_s == till_s else LOOK_AHEAD_MS)
    changes = [since_ms for name in names for since_ms, _ in zone_of(name).offsets if utc_ms < since_ms < end_ms]
    walk = sorted([utc_ms, *changes, *range(utc_ms - utc_ms % QUARTER_MS + QUARTER_MS, end_ms, QUARTER_MS)])
    opens = (at for at in walk if all(slow_is_open(slow_second_of_day(zone, at), from_s, till_s) for zone in zones))
    assert next(opens, end_ms) == (utc_ms if refusal is None else refusal.not_before_utc_ms)


@given(st.integers(0, DAY_S - 1), st.integers(0, DAY_S), st.integers(0, DAY_S - 1))
def test_window_is_what_one_walks_from_its_start(from_s, till_s, second):
    assert slow_is_open(second, from_s, till_s) == is_inside(second, from_s, till_s)


def test_next_opening_inside_the_window_is_now():
    now = ms("2026-07-01T10:00")
    assert now == next_opening((zone_of("UTC"),), Hours(9 * HOUR_S, 20 * HOUR_S), now)
