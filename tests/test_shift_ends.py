"""Ends of shifts: which one is the next, over all changes of the clock, and who is told when."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config_samples import added, changed, load_text, mistakes_in, text_with
from outdial.config.loaded import ShiftEnd
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    ConfigurationLoaded,
    Event,
    PhoneState,
    PhoneStateChanged,
)
from outdial.core.units import DAY_MS, MINUTE_MS, SECOND_MS, Millis, Now
from outdial.shift_ends import ShiftEnds, next_end_utc_ms

HOUR_MS = 60 * MINUTE_MS
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
ADA, BOB = 7, 101
CONFIGURATION = load_text(text_with()).configuration


def utc(text: str) -> Millis:
    """An instant, as "2026-03-28 16:00"."""
    return round(datetime.datetime.fromisoformat(f"{text}+00:00").timestamp()) * SECOND_MS


def at(hours: int, minutes: int = 0, zone: str = BERLIN) -> ShiftEnd:
    return ShiftEnd(3_600 * hours + 60 * minutes, zone)


# --- which end is the next ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "end, now, expected",
    [
        (at(17), "2026-06-10 09:00", "2026-06-10 15:00"),
        (at(17), "2026-06-10 14:59", "2026-06-10 15:00"),
        (at(17), "2026-06-10 15:00", "2026-06-11 15:00"),
        (at(17), "2026-06-10 22:30", "2026-06-11 15:00"),  # past midnight there
        (at(17, zone="UTC"), "2026-06-10 15:00", "2026-06-10 17:00"),
        (at(17, zone=NEW_YORK), "2026-06-10 03:00", "2026-06-10 21:00"),
        (at(0), "2026-06-10 12:00", "2026-06-10 22:00"),
        (at(24), "2026-06-10 12:00", "2026-06-10 22:00"),
        (at(24), "2026-06-10 22:00", "2026-06-11 22:00"),
        # clocks go forward on 29 March, at 02:00 there: a day of 23 hours
        (at(17), "2026-03-28 16:00", "2026-03-29 15:00"),
        (at(17), "2026-03-27 16:00", "2026-03-28 16:00"),
        (at(1, 59), "2026-03-28 12:00", "2026-03-29 00:59"),
        (at(2, 30), "2026-03-28 12:00", "2026-03-29 01:30"),  # 03:30, as there is no 02:30
        (at(2, 30), "2026-03-29 01:30", "2026-03-30 00:30"),
        (at(24), "2026-03-29 12:00", "2026-03-29 22:00"),
        # and back on 25 October, at 03:00: a day of 25 hours
        (at(17), "2026-10-24 15:00", "2026-10-25 16:00"),
        (at(2, 30), "2026-10-24 12:00", "2026-10-25 00:30"),  # the first of two
        (at(2, 30), "2026-10-25 00:30", "2026-10-26 01:30"),
        (at(2, 30), "2026-10-25 01:00", "2026-10-26 01:30"),
        # other zones: half an hour, at midnight, a day that was left out
        (at(17, zone="Australia/Lord_Howe"), "2026-10-03 12:00", "2026-10-04 06:00"),
        (at(0, zone="America/Havana"), "2026-03-07 12:00", "2026-03-08 05:00"),
        (at(12, zone="Pacific/Apia"), "2011-12-29 23:00", "2011-12-30 22:00"),
    ],
)
def test_next_end_of_a_shift(end: ShiftEnd, now: str, expected: str) -> None:
    found = datetime.datetime.fromtimestamp(next_end_utc_ms([end], utc(now)) / SECOND_MS, datetime.UTC)
    assert expected == f"{found:%Y-%m-%d %H:%M}"


def test_earliest_of_several_ends_counts() -> None:
    ends = [at(17), at(16, zone="UTC"), at(22)]
    assert utc("2026-06-10 15:00") == next_end_utc_ms(ends, utc("2026-06-10 09:00"))
    assert utc("2026-06-10 16:00") == next_end_utc_ms(ends, utc("2026-06-10 15:30"))


@given(
    st.integers(0, 86_400),
    st.sampled_from([BERLIN, NEW_YORK, "UTC", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"]),
    st.integers(utc("2021-01-01 00:00"), utc("2039-01-01 00:00")),
)
def test_there_is_an_end_within_a_day(second: int, zone: str, utc_ms: Millis) -> None:
    found = next_end_utc_ms([ShiftEnd(second, zone)], utc_ms)
    assert utc_ms < found <= utc_ms + DAY_MS + HOUR_MS
    assert found == next_end_utc_ms([ShiftEnd(second, zone)], found - 1)


# --- who is told when ---------------------------------------------------------------------------------------------


class Watch:
    """Shifts that end at five in Berlin, a clock, and what the core is told."""

    def __init__(self, *agents: int, now: str = "2026-06-10 09:00") -> None:
        self.told: list[Event] = []
        self.shifts = ShiftEnds(dict.fromkeys(agents, (at(17),)), self.told.append)
        self.start_ms = self.utc_ms = utc(now)

    def see(self, *events: Event) -> list[str]:
        """Steps of the core: what they lead to, as times of day in UTC; empty: stays."""
        self.told.clear()
        for event in events:
            self.shifts.observe(Now(self.utc_ms - self.start_ms + 500, self.utc_ms), event, [])
        return [self._time(event) for event in self.told]

    def later(self, ms: Millis) -> None:
        self.utc_ms += ms

    def _time(self, event: Event) -> str:
        assert isinstance(event, AgentLeaveAnnounced)
        if event.leaves_at_mono_ms is None:
            return f"{event.agent_id} stays"
        utc_ms = self.start_ms + event.leaves_at_mono_ms - 500
        return f"{event.agent_id} {datetime.datetime.fromtimestamp(utc_ms / SECOND_MS, datetime.UTC):%d %H:%M}"


def phone(state: PhoneState, dn: str = "1007") -> PhoneStateChanged:
    return PhoneStateChanged(1, dn, state)


def test_end_is_announced_when_an_agent_signs_in() -> None:
    watch = Watch(ADA)
    assert ["7 10 15:00"] == watch.see(AgentLoggedIn(ADA, "1007"), AgentBecameReady(ADA), AgentLoggedIn(BOB, "10101"))


def test_next_day_is_announced_at_the_next_sign_in() -> None:
    watch = Watch(ADA)
    watch.see(AgentLoggedIn(ADA, "1007"))
    watch.later(7 * HOUR_MS)
    assert [] == watch.see(AgentBecameReady(ADA), phone(PhoneState.BUSY), phone(PhoneState.IDLE))
    assert ["7 11 15:00"] == watch.see(AgentLoggedOut(ADA), AgentLoggedIn(ADA, "1007"))


def test_phone_that_comes_back_is_an_agent_who_comes_to_work() -> None:
    watch = Watch(ADA)
    watch.see(AgentLoggedIn(ADA, "1007"), phone(PhoneState.UNREACHABLE))
    watch.later(DAY_MS)
    assert ["7 11 15:00"] == watch.see(phone(PhoneState.IDLE), phone(PhoneState.IDLE), phone(PhoneState.IDLE, "9"))


def test_announcement_is_renewed_for_a_break_as_it_was() -> None:
    """The core has forgotten it, and is to know it when the agent comes back."""
    watch = Watch(ADA)
    watch.see(AgentLoggedIn(ADA, "1007"))
    watch.later(7 * HOUR_MS)
    assert ["7 10 15:00"] == watch.see(AgentBecameNotReady(ADA), AgentBecameReady(ADA), AgentBecameNotReady(BOB))


def test_reload_announces_what_has_changed_to_those_who_are_there() -> None:
    watch = Watch(ADA)
    watch.see(AgentLoggedIn(ADA, "1007"), AgentLoggedIn(BOB, "10101"))
    watch.shifts.ends = {ADA: (at(16),), BOB: (at(18),), 102: (at(19),)}
    assert ["7 10 14:00", "101 10 16:00"] == watch.see(ConfigurationLoaded(CONFIGURATION))
    watch.shifts.ends = {BOB: (at(18),)}
    assert ["7 stays", "101 10 16:00"] == watch.see(ConfigurationLoaded(CONFIGURATION))
    watch.see(AgentLoggedOut(BOB))
    assert [] == watch.see(ConfigurationLoaded(CONFIGURATION))


# --- the options --------------------------------------------------------------------------------------------------


def test_shift_ends_of_groups_and_agents() -> None:
    """Everybody of the group; Ada leaves earlier; who is in two groups has both ends."""
    text = (
        text_with()
        .replace('phone = "1007"', 'phone = "1007"\nshift-end = "15:30"')
        .replace(
            'agents = ["ada", "101..104"]', 'agents = ["ada", 101]\nshift-end = "17:00"\ntime-zone = "Europe/Berlin"'
        )
    )
    second = '[[agent-group]]\ndbid = 2\nname = "others"\nagents = ["ada", "101..102"]\nshift-end = 64800\n'
    third = '[[agent-group]]\ndbid = 3\nname = "night"\nagents = [103]\n'
    assert load_text(text + second + third).shift_ends == {
        ADA: (at(15, 30), at(15, 30, "UTC")),
        101: (at(17), at(18, zone="UTC")),
        102: (at(18, zone="UTC"),),
    }
    assert load_text(text_with()).shift_ends == {}


@pytest.mark.parametrize(
    "line, said",
    [
        ('shift-end = "25:00"', 'agent-group[sales].shift-end = "25:00": not a time of day; allowed: "HH:MM" up to'),
        ("shift-end = true", "agent-group[sales].shift-end = true: not a time of day; allowed:"),
        (
            'time-zone = "europe/berlin"',
            'agent-group[sales].time-zone = "europe/berlin": there is no such time zone; did you mean "Europe/Berlin"?',
        ),
    ],
)
def test_wrong_shift_ends_are_told(line: str, said: str) -> None:
    [mistake] = mistakes_in(added("agent-group", line))
    assert mistake.startswith(said)


def test_wrong_shift_end_of_an_agent_is_told() -> None:
    [mistake] = mistakes_in(changed("agents", 'phone = "1007"', 'phone = "1007"\nshift-end = "noon"'))
    assert mistake.startswith('agent[ada].shift-end = "noon": not a time of day; allowed: "HH:MM" up to "24:00"')
