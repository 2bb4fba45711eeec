"""Rules: hours by weekday, closed days, caps of attempts and pauses, in zones whose clocks change."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.config.zones import load_zone, zone_rules
from outdial.core.compliance import FACTS_WAIT_MS, Refusal, RefusalReason, may_dial, refusals
from outdial.core.dial_rules import DialRules, dial_rules
from outdial.core.openings import LOOK_AHEAD_MS
from outdial.core.records import NumberFacts, Record, RecordType
from outdial.core.rules import ATTEMPTS_MAX, ClosedDays, RuleProfile, Week
from outdial.core.settings import CallingList, Zone
from outdial.core.units import DAY_MS, HOUR_MS, MINUTE_MS

R = RefusalReason
HOUR_S = 3_600
EIGHT_TO_NINE: Week = ((8 * HOUR_S, 21 * HOUR_S),) * 7
NO_SUNDAY: Week = (*EIGHT_TO_NINE[:6], (0, 0))
OPEN = None


def ms(text: str) -> int:
    """`2026-03-29T01:00` in UTC, as milliseconds."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )


def zone_of(name: str) -> Zone:
    zone = load_zone(name)
    assert zone is not None
    return zone


def closed(*days: str) -> tuple[ClosedDays, ...]:
    return (ClosedDays("holidays", tuple(date.fromisoformat(day).toordinal() - EPOCH for day in days)),)


EPOCH = date(1970, 1, 1).toordinal()


def rules(zone: str = "UTC", from_s: int = 0, till_s: int = 24 * HOUR_S, /, **limits: object) -> DialRules:
    """A list whose records are dialed all day, unless something else is said, with one profile."""
    profile = RuleProfile("house", "2026-01-01", **limits)  # type: ignore[arg-type]
    return dial_rules(CallingList(1, "list", zone_of(zone), from_s, till_s, rules=(profile,)))


def record(zones: str = "", **facts: object) -> Record:
    names = zones.split()
    known = NumberFacts(0, **facts) if facts else None  # type: ignore[arg-type]
    return Record(1, 1, "+15550100", zones=tuple(map(zone_of, names)), facts=known)


# --- weekdays and closed days --------------------------------------------------------------------------------------

HOURS = [
    # Saturday evening, Sunday closed, Monday morning; 4 July 2026 is a Saturday
    ("Europe/Berlin", NO_SUNDAY, (), "2026-07-04T18:59:59.999", OPEN, None),
    ("Europe/Berlin", NO_SUNDAY, (), "2026-07-04T19:00", "2026-07-06T06:00", R.OUTSIDE_CALLING_HOURS),
    ("Europe/Berlin", NO_SUNDAY, (), "2026-07-05T10:00", "2026-07-06T06:00", R.CLOSED_DAY),
    # a holiday, and the whole time between the years: longer than it is looked ahead
    ("Europe/Berlin", EIGHT_TO_NINE, ("2026-12-25",), "2026-12-25T10:00", "2026-12-26T07:00", R.CLOSED_DAY),
    ("Europe/Berlin", EIGHT_TO_NINE, ("2026-12-25",), "2026-12-24T20:00", "2026-12-26T07:00", R.OUTSIDE_CALLING_HOURS),
    (
        "UTC",
        EIGHT_TO_NINE,
        tuple(f"2026-12-{day}" for day in range(20, 32)),
        "2026-12-20T00:00",
        "2026-12-27T00:00",
        R.CLOSED_DAY,
    ),
    # a closed day without hours: the day alone counts
    ("Asia/Kolkata", (), ("2026-01-26",), "2026-01-25T18:29:59.999", OPEN, None),
    ("Asia/Kolkata", (), ("2026-01-26",), "2026-01-25T18:30", "2026-01-26T18:30", R.CLOSED_DAY),
    # the spring gap: Berlin, Sunday 29 March 2026; Monday is not a minute early
    ("Europe/Berlin", NO_SUNDAY, (), "2026-03-28T22:00", "2026-03-30T06:00", R.OUTSIDE_CALLING_HOURS),
    ("Europe/Berlin", NO_SUNDAY, (), "2026-03-28T23:00", "2026-03-30T06:00", R.CLOSED_DAY),
    # the autumn fold: 25 hours of Sunday
    ("Europe/Berlin", NO_SUNDAY, (), "2026-10-24T22:00", "2026-10-26T07:00", R.CLOSED_DAY),
    ("America/New_York", NO_SUNDAY, (), "2026-11-02T04:59:59.999", "2026-11-02T13:00", R.CLOSED_DAY),
    # half hours; Lord Howe changes by half an hour
    ("America/St_Johns", NO_SUNDAY, (), "2026-07-05T12:00", "2026-07-06T10:30", R.CLOSED_DAY),
    ("Australia/Lord_Howe", NO_SUNDAY, (), "2026-10-03T14:00", "2026-10-04T21:00", R.CLOSED_DAY),
    # the date line: it is Monday in Kiritimati while it is Sunday in Honolulu
    ("Pacific/Kiritimati", NO_SUNDAY, (), "2026-07-05T18:00", OPEN, None),
    ("Pacific/Honolulu", NO_SUNDAY, (), "2026-07-05T18:00", "2026-07-06T18:00", R.CLOSED_DAY),
    ("Pacific/Kiritimati Pacific/Honolulu", NO_SUNDAY, (), "2026-07-05T18:00", "2026-07-06T18:00", R.CLOSED_DAY),
    ("Pacific/Apia", NO_SUNDAY, (), "2026-07-04T19:00", "2026-07-05T19:00", R.CLOSED_DAY),
    # the leap day
    ("Europe/Berlin", EIGHT_TO_NINE, ("2028-02-29",), "2028-02-28T20:00", "2028-03-01T07:00", R.OUTSIDE_CALLING_HOURS),
    ("Europe/Berlin", EIGHT_TO_NINE, ("2028-02-29",), "2028-02-29T12:00", "2028-03-01T07:00", R.CLOSED_DAY),
]


@pytest.mark.parametrize("zones, week, days, now, opens, reason", HOURS)
def test_hours_by_weekday_and_closed_days(zones, week, days, now, opens, reason):
    refusal = may_dial(record(zones), rules(week=week, closed_days=closed(*days)), ms(now), ())
    assert (None if opens is OPEN else ms(opens)) == (refusal and refusal.not_before_utc_ms)
    assert reason == (refusal and refusal.reason)


def test_window_of_the_list_and_hours_of_the_rules_both_hold():
    own = rules("UTC", 9 * HOUR_S, 23 * HOUR_S, week=EIGHT_TO_NINE)
    assert [may_dial(record(), own, ms(f"2026-07-01T{hour:02}:00"), ()) is None for hour in (8, 9, 20, 21, 22)] == [
        *(False, True, True, False, False)
    ]


def test_window_across_midnight_ends_where_a_closed_day_begins():
    own = rules("UTC", 20 * HOUR_S, 2 * HOUR_S, closed_days=closed("2026-07-05"))
    assert may_dial(record(), own, ms("2026-07-04T23:59"), ()) is None
    refusal = may_dial(record(), own, ms("2026-07-05T00:00"), ())
    assert refusal is not None and refusal.not_before_utc_ms == ms("2026-07-06T00:00")


def test_text_names_the_rule_and_the_zone():
    [refusal] = refusals(record("America/New_York"), rules(week=NO_SUNDAY), ms("2026-07-05T16:00"), ())
    assert refusal.text == "closed all day (house), now 12:00:00 (America/New_York)"
    [refusal] = refusals(record("America/New_York"), rules(week=NO_SUNDAY), ms("2026-07-06T03:00"), ())
    assert refusal.text == "closed all day (house), now 23:00:00 (America/New_York)"
    [refusal] = refusals(record("America/New_York"), rules(week=NO_SUNDAY), ms("2026-07-07T03:00"), ())
    assert refusal.text == "calling hours 08:00:00 to 21:00:00 (house), now 23:00:00 (America/New_York)"


# --- attempts and pauses -------------------------------------------------------------------------------------------

NOW = ms("2026-07-01T12:00")


def dialed(*hours_ago: float) -> tuple[int, ...]:
    return tuple(round(NOW - hours * HOUR_MS) for hours in hours_ago)


CAPS = [
    ({"attempts_24h_max": 3}, {"dialed_utc_ms": dialed(1, 2)}, OPEN),
    ({"attempts_24h_max": 3}, {"dialed_utc_ms": dialed(1, 2, 23)}, NOW + HOUR_MS),
    ({"attempts_24h_max": 3}, {"dialed_utc_ms": dialed(1, 2, 24)}, OPEN),
    ({"attempts_24h_max": 2}, {"dialed_utc_ms": dialed(1, 2, 23)}, NOW + 22 * HOUR_MS),
    ({"attempts_7d_max": 1}, {"dialed_utc_ms": dialed(1)}, NOW + 167 * HOUR_MS),
    ({"attempts_7d_max": 2, "attempts_24h_max": 1}, {"dialed_utc_ms": dialed(1, 30)}, NOW + 138 * HOUR_MS),
    ({"attempts_day_max": 2}, {"dialed_utc_ms": dialed(1, 11.9)}, NOW + 12 * HOUR_MS),
    ({"attempts_day_max": 2}, {"dialed_utc_ms": dialed(1, 12.1)}, OPEN),
    ({"attempts_life_max": 3}, {"total": 2}, OPEN),
    ({"attempts_life_max": 3}, {"total": 3}, "never"),
    ({"after_abandoned_ms": 72 * HOUR_MS}, {"abandoned_utc_ms": NOW - 71 * HOUR_MS}, NOW + HOUR_MS),
    ({"after_abandoned_ms": 72 * HOUR_MS}, {"abandoned_utc_ms": NOW - 72 * HOUR_MS}, OPEN),
    ({"after_abandoned_ms": 72 * HOUR_MS}, {"total": 9}, OPEN),
    ({"machine_ends_day": True}, {"machine_utc_ms": NOW - HOUR_MS}, NOW + 12 * HOUR_MS),
    ({"machine_ends_day": True}, {"machine_utc_ms": NOW - 13 * HOUR_MS}, OPEN),
    ({"after_conversation_ms": 7 * DAY_MS}, {"conversation_utc_ms": NOW - DAY_MS}, NOW + 6 * DAY_MS),
    # the longest lasts
    (
        {"machine_ends_day": True, "after_conversation_ms": 7 * DAY_MS},
        {"machine_utc_ms": NOW, "conversation_utc_ms": NOW - 5 * DAY_MS},
        NOW + 2 * DAY_MS,
    ),
    ({"attempts_life_max": 1, "attempts_24h_max": 1}, {"total": 1, "dialed_utc_ms": dialed(1)}, "never"),
]


@pytest.mark.parametrize("limits, facts, until", CAPS)
def test_earlier_calls(limits, facts, until):
    refusal = may_dial(record(**facts), rules(**limits), NOW, ())
    assert (refusal is None) == (until is OPEN)
    if refusal is not None:
        assert refusal.not_before_utc_ms == (None if until == "never" else until)


def test_the_day_is_that_of_every_zone_where_the_number_may_be():
    """Two attempts on 1 July in Honolulu, of which the second was on 2 July in New York."""
    calls = (ms("2026-07-02T05:00"), ms("2026-07-02T03:00"))
    found = record("America/New_York Pacific/Honolulu", dialed_utc_ms=calls)
    refusal = may_dial(found, rules(attempts_day_max=2), ms("2026-07-02T06:00"), ())
    assert refusal is not None and refusal.not_before_utc_ms == ms("2026-07-02T10:00")
    assert may_dial(record("America/New_York", dialed_utc_ms=calls), rules(attempts_day_max=2), NOW, ()) is None


def test_number_that_nobody_has_asked_about_is_asked_about_soon():
    refusal = may_dial(record(), rules(attempts_24h_max=3), NOW, ())
    assert refusal is not None
    assert (refusal.reason, refusal.not_before_utc_ms) == (R.FACTS_UNKNOWN, NOW + FACTS_WAIT_MS)


@pytest.mark.parametrize("consent, reason", [("", R.NO_CONSENT), ("form of 2026-05-02", None)])
def test_consent(consent, reason):
    refusal = may_dial(replace(record(), consent=consent), rules(consent_required=True), NOW, ())
    assert (refusal and refusal.reason) == reason
    assert refusal is None or refusal.not_before_utc_ms is None


def test_a_consent_counts_from_its_instant_on():
    given = replace(record(), consent="form", consent_utc_ms=NOW + DAY_MS)
    limits = rules(consent_required=True)
    refusal = may_dial(given, limits, NOW, ())
    assert refusal is not None
    assert (refusal.reason, refusal.not_before_utc_ms) == (R.NO_CONSENT, NOW + DAY_MS)
    assert "does not count yet" in refusal.text
    assert may_dial(given, limits, NOW + DAY_MS - 1, ()) is not None
    assert may_dial(given, limits, NOW + DAY_MS, ()) is None
    assert may_dial(given, rules(), NOW, ()) is None


ASKED_FOR = [RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK]


@pytest.mark.parametrize("kind", RecordType)
def test_customer_who_asked_for_a_callback_has_consented_and_does_not_wait_out_a_pause(kind):
    limits = rules(consent_required=True, after_conversation_ms=7 * DAY_MS)
    found = replace(record(conversation_utc_ms=NOW - HOUR_MS), record_type=kind)
    reasons = [refusal.reason for refusal in refusals(found, limits, NOW, ())]
    assert reasons == ([] if kind in ASKED_FOR else [R.NO_CONSENT, R.AFTER_CONVERSATION])


@pytest.mark.parametrize("kind", ASKED_FOR)
def test_callback_heeds_hours_do_not_call_limits_and_other_pauses(kind):
    sunday = ms("2026-07-05T12:00")
    limits = rules(week=NO_SUNDAY, attempts_24h_max=1, after_abandoned_ms=DAY_MS, machine_ends_day=True)
    facts = {"abandoned_utc_ms": sunday - HOUR_MS, "machine_utc_ms": sunday - HOUR_MS}
    found = replace(record(dialed_utc_ms=(sunday - HOUR_MS,), **facts), record_type=kind)
    reasons = [refusal.reason for refusal in refusals(found, limits, sunday, {"+15550100"})]
    assert reasons == [R.DO_NOT_CALL, R.CLOSED_DAY, R.TOO_MANY_ATTEMPTS, R.AFTER_ABANDONED, R.AFTER_MACHINE]


def test_every_reason_is_told_and_what_is_final_comes_first():
    everything = rules(
        week=NO_SUNDAY,
        consent_required=True,
        attempts_life_max=4,
        attempts_day_max=1,
        attempts_24h_max=1,
        attempts_7d_max=1,
        after_abandoned_ms=DAY_MS,
        machine_ends_day=True,
        after_conversation_ms=DAY_MS,
    )
    sunday = ms("2026-07-05T12:00")
    facts = {"total": 4, "dialed_utc_ms": (sunday - HOUR_MS,), "abandoned_utc_ms": sunday - HOUR_MS}
    found = record(**facts, machine_utc_ms=sunday - 2 * HOUR_MS, conversation_utc_ms=sunday - HOUR_MS)
    reasons = [refusal.reason for refusal in refusals(found, everything, sunday, {"+15550100"})]
    caps = [R.TOO_MANY_ATTEMPTS] * 4
    pauses = [R.AFTER_ABANDONED, R.AFTER_CONVERSATION, R.AFTER_MACHINE]
    assert reasons == [R.DO_NOT_CALL, R.NO_CONSENT, R.CLOSED_DAY, *caps, *pauses]
    strictest = may_dial(found, everything, sunday, ())
    assert strictest is not None and strictest.not_before_utc_ms is None


def test_texts_name_numbers_and_the_profile():
    told = refusals(
        record(total=5, dialed_utc_ms=dialed(1, 2)), rules(attempts_life_max=5, attempts_24h_max=2), NOW, ()
    )
    assert [refusal.text for refusal in told] == [
        "5 attempts to the number, house allows 5",
        "2 attempts in 24 hours to the number, house allows 2",
    ]


# --- what must always hold -----------------------------------------------------------------------------------------

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe"]
ZONES += ["Asia/Kathmandu", "Pacific/Kiritimati", "Pacific/Apia", "Pacific/Honolulu", "Pacific/Chatham"]
QUARTERS = st.integers(0, 96).map(lambda quarter: quarter * 900)
CHANGES = [since_ms for name in ZONES for since_ms, _ in zone_of(name).offsets[1:9]]
NEAR = st.builds(lambda at, apart: at + apart, st.sampled_from(CHANGES), st.integers(-3 * DAY_MS, 3 * DAY_MS))


@st.composite
def weeks(draw: st.DrawFn) -> Week:
    days = []
    for _ in range(7):
        from_s, till_s = sorted((draw(QUARTERS), draw(QUARTERS)))
        days.append((from_s, till_s) if from_s < till_s else (0, 0))
    return tuple(days)


def slow_is_open(zone: ZoneInfo, window: tuple[int, int], week: Week, days: set[date], utc_ms: int) -> bool:
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=utc_ms)).astimezone(zone)
    second = local.hour * HOUR_S + local.minute * 60 + local.second
    from_s, till_s = window
    if window != (0, 24 * HOUR_S) and not (second - from_s) % (24 * HOUR_S) < (till_s - from_s) % (24 * HOUR_S):
        return False
    first, last = week[local.weekday()]
    return local.date() not in days and first <= second < last


@given(
    names=st.lists(st.sampled_from(ZONES), min_size=1, max_size=4, unique=True),
    window=st.tuples(QUARTERS.filter(lambda from_s: from_s < 24 * HOUR_S), QUARTERS).filter(lambda w: w[0] != w[1]),
    week=weeks(),
    now=NEAR,
    offsets=st.sets(st.integers(-2, 9), max_size=4),
)
def test_hours_are_kept_in_every_zone_and_refusals_end_when_all_open(names, window, week, now, offsets):
    days = {date.fromordinal(EPOCH + now // DAY_MS + apart) for apart in offsets}
    own = rules("UTC", *window, week=week, closed_days=closed(*map(str, days)))
    zones = [zone_rules(name) for name in names]

    def is_open(utc_ms: int) -> bool:
        return all(slow_is_open(zone, window, week, days, utc_ms) for zone in zones)

    refusal = may_dial(record(" ".join(names)), own, now, ())
    assert is_open(now) == (refusal is None)
    if refusal is None:
        return
    until = refusal.not_before_utc_ms
    assert until is not None and now < until <= now + LOOK_AHEAD_MS
    if until < now + LOOK_AHEAD_MS:
        assert is_open(until)
    quarter = 15 * MINUTE_MS
    changes = [since_ms for name in names for since_ms, _ in zone_of(name).offsets]
    instants = [*range(now - now % quarter + quarter, until, quarter), *changes]
    assert not any(is_open(at) for at in instants if now <= at < until)


def without_count(refusal: Refusal) -> str:
    return re.sub(r"^\d+ attempts?", "", refusal.text)


INSTANTS = st.integers(0, 20 * 24).map(lambda half_hours: NOW - 10 * DAY_MS + half_hours * 60 * MINUTE_MS)
MAYBE = st.none() | INSTANTS
LIMITS = st.integers(0, 3)


@given(
    names=st.lists(st.sampled_from(ZONES), min_size=1, max_size=3, unique=True),
    calls=st.lists(INSTANTS, max_size=8, unique=True).map(lambda found: tuple(sorted(found, reverse=True))),
    lasts=st.tuples(MAYBE, MAYBE, MAYBE),
    caps=st.tuples(LIMITS, LIMITS, LIMITS),
    pauses=st.tuples(st.sampled_from([0, HOUR_MS, 72 * HOUR_MS]), st.booleans(), st.sampled_from([0, 7 * DAY_MS])),
    now=INSTANTS,
)
def test_refusals_end_when_their_reason_does_and_never_later_than_the_first_allowed_instant(
    names, calls, lasts, caps, pauses, now
):
    own = rules(
        week=EIGHT_TO_NINE,
        attempts_day_max=caps[0],
        attempts_24h_max=caps[1],
        attempts_7d_max=caps[2],
        after_abandoned_ms=pauses[0],
        machine_ends_day=pauses[1],
        after_conversation_ms=pauses[2],
    )
    abandoned, machine, conversation = lasts
    found = record(
        " ".join(names),
        dialed_utc_ms=calls,
        abandoned_utc_ms=abandoned,
        machine_utc_ms=machine,
        conversation_utc_ms=conversation,
    )

    told = refusals(found, own, now, ())
    strictest = may_dial(found, own, now, ())
    assert (strictest is None) == (not told)
    if strictest is None:
        return
    until = strictest.not_before_utc_ms
    assert until == max(each.not_before_utc_ms or 0 for each in told) > now
    for each in told:
        assert each.not_before_utc_ms is not None and each.not_before_utc_ms > now
        if each.not_before_utc_ms < now + LOOK_AHEAD_MS and each.reason not in (R.CLOSED_DAY, R.OUTSIDE_CALLING_HOURS):
            then = refusals(found, own, each.not_before_utc_ms, ())
            assert without_count(each) not in map(without_count, then), "that reason is over"
    for at in range(now - now % (30 * MINUTE_MS) + 30 * MINUTE_MS, until, 30 * MINUTE_MS):
        assert refusals(found, own, at, ()), "nothing was allowed before"


def test_limits_do_not_exceed_what_is_remembered():
    assert ATTEMPTS_MAX == 100
