"""When it is open: calling hours by the local clock and calendar of every zone that a number may be in.

A window is half open: dialing starts at `from` and stops before `till`. `from` > `till` crosses midnight; 0 … 86,400 is
the whole day and needs no zone. `from` = `till` is a mistake that the configuration refuses; here it means never. Rules
add hours by weekday, which do not cross midnight, and closed days; a day is the local calendar day.

Zones are tables of offsets (`settings.Zone`), so the local time jumps where the offset changes. Within one offset it
runs evenly and an opening is arithmetic; at each change the clock may jump into the window. A window that the clock
jumps over opens a day later.

Invariant: an opening that is found is the first at or after the instant asked for. Zones far apart may have no common
opening for months, or ever, and closed days may come in a row: it is looked for over a week, then the answer is the end
of that week. So it is never later than the first opening, and the work is bounded.

Ours: what `from` > `till` and `from` = `till` mean.
"""

from bisect import bisect_right
from dataclasses import dataclass

from outdial.core.errors import InvariantViolated
from outdial.core.rules import DAY_S, Week
from outdial.core.settings import Zone
from outdial.core.units import DAY_MS, SECOND_MS, Millis

LOOK_AHEAD_MS: Millis = 7 * DAY_MS
"""How far ahead an opening is looked for. Unit: ms. Ours."""
THURSDAY = 3
"""Weekday of 1970-01-01, Monday being 0."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a record may be dialed, by the local clock and calendar."""

    from_s: int
    till_s: int
    week: Week = ()
    closed: frozenset[int] = frozenset()

    def is_open(self, day: int, second: int) -> bool:
        """Whether it is open at a local time of a local day."""
        if not is_inside(second, self.from_s, self.till_s):
            return False
        if not self.week:
            return True
        from_s, till_s = self.week[(day + THURSDAY) % 7]
        return from_s <= second < till_s and day not in self.closed

    def are_daily(self, utc_ms: Millis) -> bool:
        """Whether all days that are looked at have the same hours, wherever it is."""
        today = utc_ms // DAY_MS
        days = range(today - 1, today + LOOK_AHEAD_MS // DAY_MS + 2)
        return len(set(self.week)) <= 1 and not any(day in self.closed for day in days)

    def of_day(self, day: int) -> tuple[int, int]:
        """Hours of the rules on a local day. Equal: closed."""
        return (0, 0) if day in self.closed else self.week[(day + THURSDAY) % 7] if self.week else (0, DAY_S)

    def pieces(self, day: int) -> list[tuple[int, int]]:
        """Open parts of a local day. Unit: seconds since local midnight, half open; ascending."""
        first, last = self.of_day(day)
        if self.from_s <= self.till_s:
            windows = [(self.from_s, self.till_s)]
        else:
            windows = [(0, self.till_s), (self.from_s, DAY_S)]
        clipped = [(max(first, from_s), min(last, till_s)) for from_s, till_s in windows]
        return [piece for piece in clipped if piece[0] < piece[1]]


# --- local time -------------------------------------------------------------------------------------------------


def offset_at(zone: Zone, utc_ms: int) -> int:
    """The zone's offset. Unit: seconds east."""
    return zone.offsets[_offset_index(zone, utc_ms)][1]


def local_second_of_day(zone: Zone, utc_ms: int) -> int:
    """Local time of day in a zone. Unit: seconds since local midnight. Range: 0 … 86,399.

    On a day on which the clock changes this is what the clock shows, not the seconds that have passed.
    """
    return (utc_ms // SECOND_MS + zone.offsets[_offset_index(zone, utc_ms)][1]) % DAY_S


def local_day(zone: Zone, utc_ms: int) -> int:
    """Local calendar day in a zone. Unit: days since 1970-01-01."""
    return (utc_ms // SECOND_MS + offset_at(zone, utc_ms)) // DAY_S


def next_day(zone: Zone, utc_ms: Millis) -> Millis:
    """First instant after `utc_ms` at which the local date is another one."""
    index = _offset_index(zone, utc_ms)
    day = local_day(zone, utc_ms)
    while True:
        midnight_ms = ((day + 1) * DAY_S - zone.offsets[index][1]) * SECOND_MS
        index += 1
        if index == len(zone.offsets) or midnight_ms < zone.offsets[index][0]:
            return midnight_ms
        if local_day(zone, zone.offsets[index][0]) != day:
            return zone.offsets[index][0]


def local_midnight(zone: Zone | None, utc_ms: Millis) -> Millis:
    """Beginning of the calendar day that an instant is in. UTC; without a zone the day is UTC's.

    Where the clock changes at midnight itself, the first instant of the day counts.
    """
    if zone is None:
        return utc_ms - utc_ms % DAY_MS
    index = _offset_index(zone, utc_ms)
    day = (utc_ms + zone.offsets[index][1] * SECOND_MS) // DAY_MS
    while True:
        since_ms, offset_s = zone.offsets[index]
        midnight_ms = day * DAY_MS - offset_s * SECOND_MS
        if midnight_ms >= since_ms or index == 0:
            return midnight_ms
        before_ms = since_ms - 1
        index -= 1
        if (before_ms + zone.offsets[index][1] * SECOND_MS) // DAY_MS < day:
            return since_ms


def is_inside(second: int, from_s: int, till_s: int) -> bool:
    """Whether a time of day is inside a window. Units: seconds since local midnight; `till_s` is exclusive."""
    if from_s <= till_s:
        return from_s <= second < till_s
    return second >= from_s or second < till_s


# --- openings ---------------------------------------------------------------------------------------------------


def next_opening(zones: tuple[Zone, ...], hours: Hours, utc_ms: Millis) -> Millis:
    """First instant at or after `utc_ms` at which it is open in all zones; without one within a week, its end. UTC.

    A window that never opens is answered for a day, so that a corrected one is noticed. From opening to opening:
    nothing before the latest of the zones' next openings can be common. A day without a common opening repeats itself
    until a clock changes, if all days have the same hours.
    """
    if hours.from_s == hours.till_s:
        return utc_ms + DAY_MS
    since_ms = at_ms = utc_ms
    last_ms = utc_ms + LOOK_AHEAD_MS
    repeats = len(zones) > 1 and hours.are_daily(utc_ms)
    while at_ms < last_ms:
        opening_ms = max(_next_opening(zone, hours, at_ms, last_ms) for zone in zones)
        if opening_ms == at_ms:
            return at_ms
        at_ms = opening_ms
        while repeats and since_ms + DAY_MS <= at_ms < last_ms:
            since_ms = min(_next_change(zone, since_ms, last_ms) for zone in zones)
            at_ms = max(at_ms, since_ms)
    return last_ms


def _next_opening(zone: Zone, hours: Hours, at_ms: Millis, last_ms: Millis) -> Millis:
    """First instant at or after `at_ms` at which it is open in one zone; at most `last_ms`."""
    index = _offset_index(zone, at_ms)
    while at_ms < last_ms:
        day, local_ms = divmod(at_ms + zone.offsets[index][1] * SECOND_MS, DAY_MS)
        change_ms = zone.offsets[index + 1][0] if index + 1 < len(zone.offsets) else last_ms
        for from_s, till_s in hours.pieces(day):
            if local_ms < till_s * SECOND_MS:
                opening_ms = at_ms + max(0, from_s * SECOND_MS - local_ms)
                if opening_ms < change_ms:
                    return opening_ms
                break
        at_ms += DAY_MS - local_ms
        if at_ms >= change_ms:
            at_ms = change_ms
            index += 1
    return last_ms


def _next_change(zone: Zone, utc_ms: Millis, last_ms: Millis) -> Millis:
    """When the zone's clock changes next after `utc_ms`, at most `last_ms`."""
    index = _offset_index(zone, utc_ms) + 1
    return min(last_ms, zone.offsets[index][0]) if index < len(zone.offsets) else last_ms


def _offset_index(zone: Zone, utc_ms: int) -> int:
    """Which entry of the zone's table holds at an instant."""
    index = bisect_right(zone.offsets, (utc_ms, DAY_S)) - 1  # no offset reaches a day, so equal instants are included
    if index < 0:
        raise InvariantViolated(f"zone {zone.name} has no offset at {utc_ms}")
    return index
