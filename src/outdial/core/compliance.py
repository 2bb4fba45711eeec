"""Compliance: whether a record may be dialed now, and if not, from when on.

Every rule that can refuse, in this order:

1. a number on the do-not-call list is never dialed;
2. where a consent is needed, a record without one is not dialed, nor before the instant since when it counts;
3. the local time and day must be inside the hours, wherever the number may be: its own window, its list's, those of the
   rules by weekday, and no closed day (`openings.py`);
4. no more attempts to a number than the rules allow: ever, on one day where it may be, within a time that moves along;
5. a number is left alone after an abandoned call, an answering machine, a conversation.

A callback is a call that the customer has asked for: that is a consent, and no conversation before it forbids it.
Hours, do-not-call and the numbers of attempts hold for it like for any other.

What the record leaves open (from, till, zone), its calling list says, each on its own. A record that names no zone, but
whose number may be in several, may be dialed only while every one of them allows it.

`may_dial` is asked twice: when records arrive, and right before each call. It says yes cheaply, and otherwise gives the
refusal that lasts longest. `refusals` gives them all, for people.

Invariant: a refusal's instant is the first at or after now at which its reason is over. So the latest of several is
never later than the first instant at which the record may be dialed, and always later than now: records that are
given back until then are not given back in a circle. Openings are looked for over a week (see `openings`).

Source: do-not-call comes first: OCS pre-dial check. Windows per record with a zone each: OCS chains.
Ours: every zone of a number counts; the rest of the rules are data (`rules.py`, decision 0017).
"""

import enum
from collections.abc import Container
from dataclasses import dataclass

from outdial.core.dial_rules import DialRules, Limit
from outdial.core.openings import Hours, is_inside, local_day, local_second_of_day, next_day, next_opening, offset_at
from outdial.core.records import NumberFacts, Record
from outdial.core.rules import DAY_S
from outdial.core.settings import Zone
from outdial.core.units import DAY_MS, HOUR_MS, SECOND_MS, Millis

FACTS_WAIT_MS: Millis = SECOND_MS
"""A record whose number nobody has asked about is asked for again after this. Unit: ms. Ours."""
DAYS_MAX = 10
"""Changes of the local date that are looked at for a number that may be in several zones. Ours: bounds the work."""


class RefusalReason(enum.StrEnum):
    """Why a record may not be dialed."""

    DO_NOT_CALL = "do-not-call"
    NO_CONSENT = "no consent"
    OUTSIDE_CALLING_HOURS = "outside calling hours"
    CLOSED_DAY = "closed day"
    FACTS_UNKNOWN = "earlier calls not known"
    TOO_MANY_ATTEMPTS = "too many attempts"
    AFTER_ABANDONED = "after an abandoned call"
    AFTER_MACHINE = "after an answering machine"
    AFTER_CONVERSATION = "after a conversation"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record may not be dialed now."""

    reason: RefusalReason
    text: str
    """For people: what forbids it, with its numbers."""
    not_before_utc_ms: Millis | None
    """First instant at which this reason is over. UTC. None: it is never over."""


def may_dial(record: Record, rules: DialRules, utc_ms: Millis, do_not_call: Container[str]) -> Refusal | None:
    """Say whether a record may be dialed at an instant.

    Args:
        record: the number, its own window and zone where it has them, and what earlier calls to it have come to.
        rules: of its list and of the campaign that dials it; the list also says what the record leaves open.
        utc_ms: the instant. Unit: milliseconds UTC.
        do_not_call: numbers that are never dialed, spelled as records spell them.

    Returns:
        None when the record may be dialed, else why not and from when on: a reason that is never over before others,
        and of others the one that lasts longest. A window that never opens is refused for a day at a time, so that a
        corrected one is noticed.

    Raises:
        InvariantViolated: the zone's table starts after the instant; a bug where zones are read.
    """
    if record.do_not_call or record.number in do_not_call:
        return _do_not_call(record, do_not_call)
    if rules.is_plain:
        from_s = rules.calling_list.daily_from_s if record.daily_from_s is None else record.daily_from_s
        till_s = rules.calling_list.daily_till_s if record.daily_till_s is None else record.daily_till_s
        if from_s == 0 and till_s == DAY_S:
            return None
        for zone in zones_of(record, rules):
            if not is_inside(local_second_of_day(zone, utc_ms), from_s, till_s):
                return _outside_hours(record, rules, utc_ms)
        return None
    found = refusals(record, rules, utc_ms, do_not_call)
    return max(found, key=_lasts) if found else None


def refusals(record: Record, rules: DialRules, utc_ms: Millis, do_not_call: Container[str]) -> tuple[Refusal, ...]:
    """Every reason why a record may not be dialed at an instant; empty: it may be. Arguments: see `may_dial`."""
    found: list[Refusal] = []
    if record.do_not_call or record.number in do_not_call:
        found.append(_do_not_call(record, do_not_call))
    if rules.consent and not record.record_type.is_callback:
        found += _no_consent(record, rules, utc_ms)
    closed = _outside_hours(record, rules, utc_ms)
    if closed is not None:
        found.append(closed)
    if rules.needs_facts:
        if record.facts is None:
            text = "what earlier calls to the number have come to is not known yet"
            found.append(Refusal(RefusalReason.FACTS_UNKNOWN, text, utc_ms + FACTS_WAIT_MS))
        else:
            zones = zones_of(record, rules)
            found += _too_many(record.facts, zones, rules, utc_ms)
            found += _left_alone(record, record.facts, zones, rules, utc_ms)
    return tuple(found)


def _no_consent(record: Record, rules: DialRules, utc_ms: Millis) -> list[Refusal]:
    if not record.consent:
        text = f"no consent is known, and {rules.consent} asks for one"
        return [Refusal(RefusalReason.NO_CONSENT, text, None)]
    if record.consent_utc_ms is None or record.consent_utc_ms <= utc_ms:
        return []
    text = f"the consent does not count yet, and {rules.consent} asks for one"
    return [Refusal(RefusalReason.NO_CONSENT, text, record.consent_utc_ms)]


def _lasts(refusal: Refusal) -> tuple[bool, Millis]:
    return refusal.not_before_utc_ms is None, refusal.not_before_utc_ms or 0


def zones_of(record: Record, rules: DialRules) -> tuple[Zone, ...]:
    """Where the number may be: all of them must allow a call."""
    return record.zones or (rules.calling_list.zone,) if record.zone is None else (record.zone,)


def _do_not_call(record: Record, do_not_call: Container[str]) -> Refusal:
    where = "do-not-call list" if record.number in do_not_call else f"list {record.do_not_call}"
    return Refusal(RefusalReason.DO_NOT_CALL, f"{record.number} is on the {where}", None)


# --- hours and days ---------------------------------------------------------------------------------------------


def hours_of(record: Record, rules: DialRules) -> Hours:
    """When the record may be dialed by the clocks of its zones."""
    calling_list = rules.calling_list
    return Hours(
        calling_list.daily_from_s if record.daily_from_s is None else record.daily_from_s,
        calling_list.daily_till_s if record.daily_till_s is None else record.daily_till_s,
        rules.week,
        rules.closed,
    )


def _outside_hours(record: Record, rules: DialRules, utc_ms: Millis) -> Refusal | None:
    """The clock and the calendar, in all zones. One of them that forbids it is named."""
    hours = hours_of(record, rules)
    if hours.from_s == 0 and hours.till_s == DAY_S and not hours.week:
        return None
    zones = zones_of(record, rules)
    for zone in zones:
        day, second = divmod(utc_ms // SECOND_MS + offset_at(zone, utc_ms), DAY_S)
        if not hours.is_open(day, second):
            where = zone.name if len(zones) == 1 else f"{zone.name}, one of {len(zones)} zones of the number"
            return _closed(hours, rules, day, second, where, next_opening(zones, hours, utc_ms))
    return None


def _closed(hours: Hours, rules: DialRules, day: int, second: int, where: str, opens_utc_ms: Millis) -> Refusal:
    from_s, till_s = hours.of_day(day)
    if from_s == till_s:
        text = f"closed all day ({rules.hours_of}), now {_clock(second)} ({where})"
        return Refusal(RefusalReason.CLOSED_DAY, text, opens_utc_ms)
    by = f" ({rules.hours_of})"
    if not is_inside(second, hours.from_s, hours.till_s):
        from_s, till_s, by = hours.from_s, hours.till_s, ""
    text = f"calling hours {_clock(from_s)} to {_clock(till_s)}{by}, now {_clock(second)} ({where})"
    return Refusal(RefusalReason.OUTSIDE_CALLING_HOURS, text, opens_utc_ms)


def _clock(second: int) -> str:
    return f"{second // 3_600:02}:{second // 60 % 60:02}:{second % 60:02}"


# --- earlier calls ----------------------------------------------------------------------------------------------


def _too_many(facts: NumberFacts, zones: tuple[Zone, ...], rules: DialRules, utc_ms: Millis) -> list[Refusal]:
    found = []
    if rules.life and facts.total >= rules.life.value:
        found.append(_attempts(facts.total, "", rules.life, None))
    if rules.day and len(facts.dialed_utc_ms) >= rules.day.value:
        until_ms = _till_day_has_room(facts, zones, rules.day.value, utc_ms)
        if until_ms != utc_ms:
            count = max(attempts_on(facts, zone, local_day(zone, utc_ms)) for zone in zones)
            found.append(_attempts(count, " today", rules.day, until_ms))
    for window_ms, limit in rules.rolling:
        if len(facts.dialed_utc_ms) >= limit.value:
            until_ms = facts.dialed_utc_ms[limit.value - 1] + window_ms
            if until_ms > utc_ms:
                count = sum(dialed_utc_ms + window_ms > utc_ms for dialed_utc_ms in facts.dialed_utc_ms)
                found.append(_attempts(count, f" in {window_ms // HOUR_MS} hours", limit, until_ms))
    return found


def _attempts(count: int, when: str, limit: Limit, not_before_utc_ms: Millis | None) -> Refusal:
    attempts = "1 attempt" if count == 1 else f"{count} attempts"
    text = f"{attempts}{when} to the number, {limit.profile} allows {limit.value}"
    return Refusal(RefusalReason.TOO_MANY_ATTEMPTS, text, not_before_utc_ms)


def attempts_on(facts: NumberFacts, zone: Zone, day: int) -> int:
    """Attempts to the number on a local day."""
    return sum(local_day(zone, dialed_utc_ms) == day for dialed_utc_ms in facts.dialed_utc_ms)


def _till_day_has_room(facts: NumberFacts, zones: tuple[Zone, ...], most: int, utc_ms: Millis) -> Millis:
    """First instant at which no zone's day has too many attempts: from the end of one zone's full day to the next."""
    for _ in range(DAYS_MAX):
        full = next((zone for zone in zones if attempts_on(facts, zone, local_day(zone, utc_ms)) >= most), None)
        if full is None:
            break
        utc_ms = next_day(full, utc_ms)
    return utc_ms


def _left_alone(
    record: Record, facts: NumberFacts, zones: tuple[Zone, ...], rules: DialRules, utc_ms: Millis
) -> list[Refusal]:
    found = []
    rest = None if record.record_type.is_callback else rules.after_conversation
    for reason, limit, last_utc_ms in (
        (RefusalReason.AFTER_ABANDONED, rules.after_abandoned, facts.abandoned_utc_ms),
        (RefusalReason.AFTER_CONVERSATION, rest, facts.conversation_utc_ms),
    ):
        if limit is not None and last_utc_ms is not None and utc_ms < last_utc_ms + limit.value:
            text = f"{reason}: {limit.profile} leaves the number alone for {_duration(limit.value)}"
            found.append(Refusal(reason, text, last_utc_ms + limit.value))
    if rules.machine_day and facts.machine_utc_ms is not None:
        until_ms = _till_another_day(facts.machine_utc_ms, zones, utc_ms)
        if until_ms != utc_ms:
            text = f"after an answering machine: {rules.machine_day} leaves the number alone for the rest of the day"
            found.append(Refusal(RefusalReason.AFTER_MACHINE, text, until_ms))
    return found


def _till_another_day(last_utc_ms: Millis, zones: tuple[Zone, ...], utc_ms: Millis) -> Millis:
    """First instant at which no zone has the date that it had then."""
    for _ in range(DAYS_MAX):
        same = next((zone for zone in zones if local_day(zone, utc_ms) == local_day(zone, last_utc_ms)), None)
        if same is None:
            break
        utc_ms = next_day(same, utc_ms)
    return utc_ms


def _duration(milliseconds: Millis) -> str:
    if milliseconds % DAY_MS == 0:
        return f"{milliseconds // DAY_MS} days"
    return f"{milliseconds / HOUR_MS:g} hours"
