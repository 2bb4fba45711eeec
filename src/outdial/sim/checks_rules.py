"""Rules: no call that a rule profile forbids, from an account of our own of every call to every number.

Checkers:

* `attempts`: no number is dialed more often than a profile allows: ever, on a day, in 24 hours, in 7 days;
* `left alone`: no number is dialed too soon after an abandoned call, a machine, a conversation;
* `calling hours`: the hours by weekday and the closed days, worked out with the calendar of the standard library.

Profiles are taken one by one from the configuration, not as the core has put them together.

Source: decision 0017.
"""

import datetime
from dataclasses import dataclass, field

from outdial.core.commands import Dial, SettleAttempt
from outdial.core.records import Record
from outdial.core.results import NEVER_DIALED, CallResult, is_abandoned
from outdial.core.rules import RuleProfile
from outdial.core.settings import CallingList, Zone
from outdial.core.units import DAY_MS, GroupId, Millis
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_seen import Leg

_EPOCH = datetime.datetime(1970, 1, 1)


@dataclass(slots=True, eq=False)
class SeenNumber:
    """Calls to one number."""

    dialed_utc_ms: list[Millis] = field(default_factory=list)
    last: dict[str, Millis] = field(default_factory=dict)
    """When the last call was dialed that came to this. Shape: {"abandoned", "machine" or "conversation": UTC}."""


class RuleChecks:
    """Watches calls by number."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._numbers: dict[str, SeenNumber] = {}

    def settled(self, command: SettleAttempt) -> None:
        """A call is over."""
        seen = self._numbers.setdefault(command.number, SeenNumber())
        result = command.call_result
        if result in NEVER_DIALED:
            seen.dialed_utc_ms.remove(command.dialed_utc_ms)
        elif is_abandoned(result):
            seen.last["abandoned"] = command.dialed_utc_ms
        elif result is CallResult.ANSWERING_MACHINE:
            seen.last["machine"] = command.dialed_utc_ms
        elif result is CallResult.ANSWER:
            seen.last["conversation"] = command.dialed_utc_ms

    def dialed(self, command: Dial, leg: Leg, record: Record, calling_list: CallingList) -> None:
        """A customer is being called."""
        picture = self._picture
        found = self.against(command.number, record, calling_list, command.group_id, has_agent=leg.mode.is_preview)
        if found is not None:
            picture.fail(*found)
        self._numbers.setdefault(command.number, SeenNumber()).dialed_utc_ms.append(picture.utc_ms)

    def against(
        self,
        number: str,
        record: Record,
        calling_list: CallingList,
        group_id: GroupId,
        *,
        has_agent: bool,
        slack_ms: Millis = 0,
    ) -> tuple[str, str] | None:
        """Which checker objects to a call now, and why; None: none does.

        Args:
            number: the number.
            record: its record.
            calling_list: the list of the record.
            group_id: who would dial.
            has_agent: an agent would be on the call from its start.
            slack_ms: pauses count for longer by this: they are counted from the dial request here.
        """
        seen = self._numbers.get(number) or SeenNumber()
        zones = (record.zone,) if record.zone else record.zones or (calling_list.zone,)
        for profile in (*calling_list.rules, *self._picture.rules_of_group(group_id)):
            found = (
                self._against_hours(profile, zones, number)
                or self._against_attempts(profile, zones, seen, number)
                or self._against_pauses(profile, zones, seen, record, has_agent=has_agent, slack_ms=slack_ms)
            )
            if found is not None:
                return found
        return None

    def _against_hours(self, profile: RuleProfile, zones: tuple[Zone, ...], number: str) -> tuple[str, str] | None:
        closed = {day for days in profile.closed_days for day in days.days}
        for zone in zones:
            local = _local(zone, self._picture.utc_ms)
            second = local.hour * 3_600 + local.minute * 60 + local.second
            from_s, till_s = profile.week[local.weekday()] if profile.week else (0, 86_400)
            if not from_s <= second < till_s or (local - _EPOCH).days in closed:
                return "calling hours", f"{number} is dialed at {local} ({zone.name}): {profile}"
        return None

    def _against_attempts(
        self, profile: RuleProfile, zones: tuple[Zone, ...], seen: SeenNumber, number: str
    ) -> tuple[str, str] | None:
        now, calls = self._picture.utc_ms, seen.dialed_utc_ms
        today = [sum(_local(zone, at).date() == _local(zone, now).date() for at in calls) for zone in zones]
        for most, count in (
            (profile.attempts_life_max, len(calls)),
            (profile.attempts_day_max, max(today)),
            (profile.attempts_24h_max, sum(at > now - DAY_MS for at in calls)),
            (profile.attempts_7d_max, sum(at > now - 7 * DAY_MS for at in calls)),
        ):
            if most and count >= most:
                return "attempts", f"{number} is dialed after {count} calls at {calls}: {profile}"
        return None

    def _against_pauses(
        self,
        profile: RuleProfile,
        zones: tuple[Zone, ...],
        seen: SeenNumber,
        record: Record,
        *,
        has_agent: bool,
        slack_ms: Millis,
    ) -> tuple[str, str] | None:
        now, lifted = self._picture.utc_ms - slack_ms, has_agent and profile.lifted_by_agent
        pauses = {}
        if not record.record_type.is_callback:  # else the customer has asked for the call
            pauses["conversation"] = profile.after_conversation_ms
        if not lifted:
            pauses["abandoned"] = profile.after_abandoned_ms
        for what, pause_ms in pauses.items():
            # No pause is none, also when the clock has been set back behind that call.
            if pause_ms and what in seen.last and now < seen.last[what] + pause_ms:
                return "left alone", f"{record.number} is dialed at {now}: {seen.last}, {profile}"
        at = seen.last.get("machine")
        if profile.machine_ends_day and not lifted and at is not None:
            if any(_local(zone, at).date() == _local(zone, now).date() for zone in zones):
                return "left alone", f"{record.number} is dialed at {now}: {seen.last}, {profile}"
        return None


def _local(zone: Zone, utc_ms: Millis) -> datetime.datetime:
    """What clock and calendar show."""
    offset_s = [offset for since_ms, offset in zone.offsets if since_ms <= utc_ms][-1]
    return _EPOCH + datetime.timedelta(milliseconds=utc_ms, seconds=offset_s)
