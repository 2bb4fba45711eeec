"""Compliance: whether a record may be dialed now, and if not, from when on.

Two rules, in this order:

1. a number on the do-not-call list is never dialed;
2. the local time of day, in the record's zone, must be inside the record's window.

What the record leaves open (from, till, zone), its calling list says, each on its own. A record that names no zone, but
whose number may be in several, may be dialed only while the local time of every one of them is inside the window.

A window is half open: dialing starts at `from` and stops before `till`. `from` > `till` crosses midnight; 0 … 86,400 is
the whole day and needs no zone. `from` = `till` is a mistake that the configuration refuses; here it means never.

Zones are tables of offsets (`settings.Zone`), so the local time jumps where the offset changes. The next opening is
found offset by offset: within one offset local time runs evenly and the opening is arithmetic; at each change the clock
may jump into the window. A window that the clock jumps over opens a day later.

Invariant: the refusal's instant is the first at or after now at which the record may be dialed. Zones far apart may
have no common opening for months, or ever: it is looked for over a week, then the refusal is for that week. So the
instant is never later than the first opening, and the work of a step is bounded.

Source: do-not-call comes first, and alone decides: OCS pre-dial check. Windows per record with a zone each: OCS
    chains.
Ours: what `from` > `till` and `from` = `till` mean; every zone of a number counts.
"""

import enum
from bisect import bisect_right
from collections.abc import Container
from dataclasses import dataclass

from outdial.core.errors import InvariantViolated
from outdial.core.records import Record
from outdial.core.settings import CallingList, Zone
from outdial.core.units import DAY_MS, SECOND_MS, Millis

DAY_S = DAY_MS // SECOND_MS
LOOK_AHEAD_MS: Millis = 7 * DAY_MS
"""How far ahead a common opening of several zones is looked for. Unit: ms. Ours."""


class RefusalReason(enum.StrEnum):
    """Why a record may not be dialed."""

    DO_NOT_CALL = "do-not-call"
    OUTSIDE_CALLING_HOURS = "outside calling hours"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record may not be dialed now."""

    reason: RefusalReason
    text: str
    """For people: what forbids it, with its numbers."""
    not_before_utc_ms: Millis | None
    """First instant at which it may be dialed. UTC. None: it may not be dialed at all."""


def may_dial(record: Record, calling_list: CallingList, utc_ms: Millis, do_not_call: Container[str]) -> Refusal | None:
    """Say whether a record may be dialed at an instant.

    Args:
        record: the number, and its own window and zone where it has them.
        calling_list: the list of the record, for what the record leaves open.
        utc_ms: the instant. Unit: milliseconds UTC.
        do_not_call: numbers that are never dialed, spelled as records spell them.

    Returns:
        None when the record may be dialed, else why not and from when on. A window that never opens is refused for a
        day at a time, so that a corrected one is noticed.

    Raises:
        InvariantViolated: the zone's table starts after the instant; a bug where zones are read.
    """
    if record.number in do_not_call:
        return Refusal(RefusalReason.DO_NOT_CALL, f"{record.number} is on the do-not-call list", None)
    if record.do_not_call:
        return Refusal(RefusalReason.DO_NOT_CALL, f"{record.number} is on the list {record.do_not_call}", None)
    from_s = calling_list.daily_from_s if record.daily_from_s is None else record.daily_from_s
    till_s = calling_list.daily_till_s if record.daily_till_s is None else record.daily_till_s
    if from_s == 0 and till_s == DAY_S:
        return None
    zone = record.zone
    if zone is None:
        if record.zones:
            return _refusal_anywhere(record.zones, from_s, till_s, utc_ms)
        zone = calling_list.zone
    second = local_second_of_day(zone, utc_ms)
    if is_inside(second, from_s, till_s):
        return None
    return _outside(from_s, till_s, second, zone.name, next_opening(zone, from_s, till_s, utc_ms))


def _refusal_anywhere(zones: tuple[Zone, ...], from_s: int, till_s: int, utc_ms: Millis) -> Refusal | None:
    """The same for a number that may be in any of these zones."""
    for zone in zones:
        second = local_second_of_day(zone, utc_ms)
        if not is_inside(second, from_s, till_s):
            where = zone.name if len(zones) == 1 else f"{zone.name}, one of {len(zones)} zones of the number"
            return _outside(from_s, till_s, second, where, next_common_opening(zones, from_s, till_s, utc_ms))
    return None


def _outside(from_s: int, till_s: int, second: int, where: str, not_before_utc_ms: Millis) -> Refusal:
    text = f"calling hours {_clock(from_s)} to {_clock(till_s)}, now {_clock(second)} ({where})"
    return Refusal(RefusalReason.OUTSIDE_CALLING_HOURS, text, not_before_utc_ms)


def local_second_of_day(zone: Zone, utc_ms: Millis) -> int:
    """Local time of day in a zone. Unit: seconds since local midnight. Range: 0 … 86,399.

    On a day on which the clock changes this is what the clock shows, not the seconds that have passed.
    """
    return (utc_ms // SECOND_MS + offset_at(zone, utc_ms)) % DAY_S


def offset_at(zone: Zone, utc_ms: Millis) -> int:
    """The offset that holds in a zone at an instant. Unit: seconds east."""
    return zone.offsets[_offset_index(zone, utc_ms)][1]


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


def next_opening(zone: Zone, from_s: int, till_s: int, utc_ms: Millis) -> Millis:
    """First instant at or after `utc_ms` inside the window; a day later when the window never opens. UTC."""
    if from_s == till_s:
        return utc_ms + DAY_MS
    index = _offset_index(zone, utc_ms)
    while True:
        since_ms, offset_s = zone.offsets[index]
        at_ms = max(utc_ms, since_ms)
        local_ms = (at_ms + offset_s * SECOND_MS) % DAY_MS
        if is_inside(local_ms // SECOND_MS, from_s, till_s):
            return at_ms
        opening_ms = at_ms + (from_s * SECOND_MS - local_ms) % DAY_MS
        index += 1
        if index == len(zone.offsets) or opening_ms < zone.offsets[index][0]:
            return opening_ms


def next_common_opening(zones: tuple[Zone, ...], from_s: int, till_s: int, utc_ms: Millis) -> Millis:
    """First instant at or after `utc_ms` at which the window is open in all zones. UTC.

    Without one within the week, the end of the week; a day later when the window never opens. From opening to opening:
    nothing before the latest of the zones' next openings can be common. A day without a common opening and without a
    change of a clock repeats itself until a clock changes.
    """
    if len(zones) == 1 or from_s == till_s:
        return next_opening(zones[0], from_s, till_s, utc_ms)
    since_ms = at_ms = utc_ms
    last_ms = utc_ms + LOOK_AHEAD_MS
    while at_ms < last_ms:
        opening_ms = max(next_opening(zone, from_s, till_s, at_ms) for zone in zones)
        if opening_ms == at_ms:
            return at_ms
        at_ms = opening_ms
        while since_ms + DAY_MS <= at_ms < last_ms:
            since_ms = min(_next_change(zone, since_ms, last_ms) for zone in zones)
            at_ms = max(at_ms, since_ms)
    return last_ms


def _next_change(zone: Zone, utc_ms: Millis, last_ms: Millis) -> Millis:
    """When the zone's clock changes next after `utc_ms`, at most `last_ms`."""
    index = _offset_index(zone, utc_ms) + 1
    return min(last_ms, zone.offsets[index][0]) if index < len(zone.offsets) else last_ms


def _offset_index(zone: Zone, utc_ms: Millis) -> int:
    """Which entry of the zone's table holds at an instant."""
    index = bisect_right(zone.offsets, (utc_ms, DAY_S)) - 1  # no offset reaches a day, so equal instants are included
    if index < 0:
        raise InvariantViolated(f"zone {zone.name} has no offset at {utc_ms}")
    return index


def _clock(second: int) -> str:
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"
