"""The ledger: windows, edges, methods, and how much may still be spent."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.config.zones import load_zone
from outdial.core.abandonment import (
    BUCKET_MS,
    MILLION,
    NOTHING,
    Counts,
    Ledger,
    Share,
    breaking_window,
    bucket_of,
    counts_of,
    false_positives,
    share_of,
)
from outdial.core.abandonment_settings import AbandonmentMethod, AbandonmentWindow
from outdial.core.openings import local_midnight, local_second_of_day
from outdial.core.results import Verdict
from outdial.core.settings import Campaign, Zone
from outdial.core.units import DAY_MS, HOUR_MS, MINUTE_MS

NOW = 1_700_049_600_000
"""A Wednesday, 12:00 UTC."""
Window = AbandonmentWindow
UK = Campaign(1, "uk", (), abandonment_method=AbandonmentMethod.UK, false_positives_ppm=20_000)
US = Campaign(1, "us", ())


def ledger_of(*calls: tuple[int, Counts]) -> Ledger:
    """A ledger with calls at instants."""
    ledger = Ledger()
    for utc_ms, counts in calls:
        ledger.add(bucket_of(utc_ms), counts)
    return ledger


SERVED, LOST = Counts(1, 1), Counts(1, 0, 1)


# --- what counts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts, counts",
    [
        ({}, NOTHING),
        ({"verdict": Verdict.MACHINE}, Counts(machines=1)),
        ({"verdict": "silence"}, Counts(machines=1)),
        ({"verdict": Verdict.FAX}, NOTHING),
        ({"person": True, "with_agent": True}, SERVED),
        ({"person": True}, Counts(1)),
        ({"person": True, "abandoned": True}, LOST),
        ({"person": True, "abandoned": True, "with_agent": True}, LOST),
        ({"person": True, "abandoned": True, "message_played": True}, Counts(1, 0, 1, 0, 1)),
        ({"person": True, "abandoned": True, "verdict": Verdict.PERSON}, LOST),
    ],
)
def test_what_an_attempt_adds(facts, counts):
    values = {"person": False, "abandoned": False, "with_agent": False, "verdict": None, "message_played": False}
    assert counts_of(**(values | facts)) == counts


def test_the_two_methods():
    counts = Counts(persons=1_000, live=900, abandoned=30, machines=2_001)
    assert share_of(counts, US) == Share(30, 1_000)
    assert share_of(counts, UK) == Share(30 + 41, 30 + 41 + 900)
    assert false_positives(0, MILLION) == 0


# --- windows -------------------------------------------------------------------------------------------------------


def test_a_bucket_at_the_edge_of_a_rolling_window_counts_with_what_is_bad_in_it():
    ledger = ledger_of((NOW - DAY_MS + MINUTE_MS, Counts(50, 48, 2, 5)), (NOW, SERVED))
    assert ledger.counts(Window.HOURS_24, NOW + MINUTE_MS, None) == Counts(3, 1, 2, 5)
    assert ledger.counts(Window.HOURS_24, NOW + BUCKET_MS, None) == SERVED


def test_a_rolling_window_forgets_and_life_does_not():
    ledger = ledger_of((NOW, LOST), (NOW + 20 * DAY_MS, SERVED))
    assert ledger.counts(Window.DAYS_30, NOW + 20 * DAY_MS, None) == LOST.plus(SERVED)
    assert ledger.counts(Window.DAYS_30, NOW + 40 * DAY_MS, None) == SERVED
    ledger.add(bucket_of(NOW + 90 * DAY_MS), SERVED)
    assert len(ledger.buckets) == 1
    assert ledger.counts(Window.LIFE, NOW + 90 * DAY_MS, None) == Counts(3, 2, 1)


def test_what_is_older_than_the_buckets_is_part_of_life():
    ledger = ledger_of((NOW, SERVED))
    ledger.add_earlier(Counts(100, 97, 3))
    assert ledger.counts(Window.LIFE, NOW, None) == Counts(101, 98, 3)
    assert ledger.counts(Window.DAYS_30, NOW, None) == SERVED


@pytest.mark.parametrize("name, minutes", [("UTC", 0), ("Asia/Kathmandu", 345), ("America/St_Johns", -210)])
def test_a_day_begins_at_the_midnight_of_its_zone(name, minutes):
    zone = load_zone(name)
    midnight = NOW - NOW % DAY_MS - minutes * MINUTE_MS + (DAY_MS if minutes < -12 * 60 else 0)
    ledger = ledger_of((midnight - 1, LOST), (midnight, SERVED), (midnight + BUCKET_MS, SERVED))
    assert ledger.counts(Window.DAY, midnight + 5 * HOUR_MS, zone) == SERVED.plus(SERVED)
    assert ledger.first_of_day(midnight + 5 * HOUR_MS, zone) == midnight
    assert ledger.counts(Window.DAY, midnight + DAY_MS, zone) == NOTHING
    assert ledger.first_of_day(midnight + DAY_MS, zone) is None


@given(
    st.sampled_from(["Europe/Berlin", "America/Havana", "Asia/Beirut", "Pacific/Apia", "UTC"]), st.integers(0, 10**7)
)
def test_midnight_is_the_first_instant_of_the_day(name, minutes):
    zone, utc_ms = load_zone(name), minutes * 100 * 1_000 + 1_000_000_000_000
    midnight = local_midnight(zone, utc_ms)
    assert midnight <= utc_ms and midnight % BUCKET_MS == 0
    assert day_of(zone, midnight) == day_of(zone, utc_ms)
    assert day_of(zone, midnight - 1) != day_of(zone, utc_ms) or local_second_of_day(zone, midnight) == 0


def day_of(zone: Zone, utc_ms: int) -> int:
    offset_s = [offset for since, offset in zone.offsets if since <= utc_ms][-1]
    return (utc_ms + offset_s * 1_000) // DAY_MS


class Naive:
    """The same, by adding up everything each time."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, Counts]] = []

    def since(self, first: int) -> Counts:
        total = NOTHING
        for bucket, counts in self.calls:
            if bucket >= first:
                total = total.plus(counts)
        return total


@given(
    st.lists(
        st.tuples(st.integers(0, 40 * 96), st.integers(0, 3), st.sampled_from([SERVED, LOST, Counts(machines=1)])),
        max_size=20,
    )
)
@settings(max_examples=30)
def test_running_sums_are_those_of_the_buckets(steps):
    ledger, naive, now = Ledger(), Naive(), NOW
    for quarters, late, counts in steps:
        now += quarters * BUCKET_MS // 7
        bucket = bucket_of(now) - late * BUCKET_MS
        ledger.add(bucket, counts)
        naive.calls.append((bucket, counts))
        assert ledger.counts(Window.DAY, now, None) == naive.since(now - now % DAY_MS)
        for window, length in ((Window.HOURS_24, DAY_MS), (Window.DAYS_30, 30 * DAY_MS)):
            edge = bucket_of(now - length)
            inside = naive.since(edge + BUCKET_MS)
            at_edge = naive.since(edge).plus(inside, -1)
            found = ledger.counts(window, now, None)
            assert found == inside.plus(Counts(at_edge.abandoned, 0, at_edge.abandoned, at_edge.machines))
        assert ledger.life == naive.since(0)


def test_a_month_of_buckets_is_taken_in_quickly_and_no_more_is_kept():
    ledger = Ledger()
    for n in range(4 * 2_976):
        ledger.add(bucket_of(NOW) + n * BUCKET_MS, LOST)
    assert 2_976 <= len(ledger.buckets) <= 2_976 + 97 and ledger.life.abandoned == 4 * 2_976


# --- what may still be spent ---------------------------------------------------------------------------------------


@given(st.integers(0, 5_000), st.integers(0, 5_000), st.integers(0, MILLION))
def test_what_may_be_abandoned_and_what_is_needed(abandoned, served, limit_ppm):
    share = Share(abandoned, abandoned + served)
    limit = Fraction(limit_ppm, MILLION)

    def is_over(more_abandoned: int, more_served: int) -> bool:
        return abandoned + more_abandoned > limit * (share.calls + more_abandoned + more_served)

    left = share.may_abandon(limit_ppm)
    if limit_ppm < MILLION and left >= 0:
        assert not is_over(left, 0) and is_over(left + 1, 0)
    if left < 0:
        assert is_over(0, 0)
    needed = share.needed(limit_ppm)
    if needed is None:
        assert limit_ppm == 0 and abandoned
    else:
        assert not is_over(0, needed) and (needed == 0 or is_over(0, needed - 1))


def test_the_window_that_one_more_call_would_break_is_named():
    campaign = Campaign(1, "us", (), abandonment_windows=(Window.DAY, Window.DAYS_30))
    yesterday, today = NOW - DAY_MS, NOW
    assert breaking_window(Ledger(), campaign, 30_000, NOW) is Window.DAY
    plenty = ledger_of((yesterday, Counts(1_000, 995, 5)), (today, Counts(100, 99, 1)))
    assert breaking_window(plenty, campaign, 30_000, NOW) is None
    assert breaking_window(ledger_of((today, Counts(100, 97, 3))), campaign, 30_000, NOW) is Window.DAY
    bad_month = ledger_of((yesterday, Counts(1_000, 960, 40)), (today, Counts(100, 100, 0)))
    assert breaking_window(bad_month, campaign, 30_000, NOW) is Window.DAYS_30
    assert breaking_window(bad_month, campaign, 30_000, NOW, expected=10_000) is None
    assert breaking_window(Ledger(), campaign, 30_000, NOW, expected=10_000) is Window.DAY, "a day counts as it is"
