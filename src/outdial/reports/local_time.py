"""Hours and days of a time zone, for Python and as expressions of SQL.

The databases do not agree on time zones, or know none. So an expression holds the offsets of the period itself: one
number, or a CASE where clocks change in between.

Keys: of an hour the UTC instant at which it begins on the clock, so that the hour which autumn brings twice is two; of
a day its number since 1970.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from outdial.core.settings import Zone
from outdial.core.units import DAY_MS, HOUR_MS, SECOND_MS, Millis

_THURSDAY = 3
"""1970 began on one."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """An hour or a day, as far as the period reaches."""

    key: int
    from_utc_ms: int
    until_utc_ms: int


class LocalTime:
    """The clock of one time zone.

    Attributes:
        zone: its rules.
    """

    def __init__(self, zone: Zone) -> None:
        """Read the rules."""
        self.zone = zone
        self._instants = [instant for instant, _ in zone.offsets]
        self._offsets_ms = [offset_s * SECOND_MS for _, offset_s in zone.offsets]

    def offset_ms(self, utc_ms: int) -> Millis:
        """By how much the clock is ahead of UTC."""
        return self._offsets_ms[max(0, bisect_right(self._instants, utc_ms) - 1)]

    def utc_ms(self, local_ms: int) -> int:
        """When the clock shows a time: the first time that it does; of a time that it skips, as if it had not."""
        offsets = (self.offset_ms(local_ms - DAY_MS), self.offset_ms(local_ms + DAY_MS))
        found = [local_ms - offset for offset in offsets if self.offset_ms(local_ms - offset) == offset]
        return min(found, default=local_ms - offsets[0])

    def day(self, utc_ms: int) -> int:
        """The day of an instant, as a key."""
        return (utc_ms + self.offset_ms(utc_ms)) // DAY_MS

    def day_begins_utc_ms(self, day: int) -> int:
        """When a day begins."""
        return self.utc_ms(day * DAY_MS)

    # --- for people ----------------------------------------------------------------------------------------------

    def hour_text(self, key: int) -> str:
        """An hour as `2026-11-20T09:00+01:00`; in UTC as `2026-11-20T09:00Z`."""
        offset_ms = self.offset_ms(key)
        local = datetime.fromtimestamp(key // SECOND_MS, timezone(timedelta(milliseconds=offset_ms)))
        return f"{local:%Y-%m-%dT%H:%M}Z" if not offset_ms else local.isoformat(timespec="minutes")

    def day_text(self, key: int) -> str:
        """A day as `2026-11-20`."""
        return f"{datetime.fromtimestamp(key * DAY_MS // SECOND_MS, UTC):%Y-%m-%d}"

    # --- for databases -------------------------------------------------------------------------------------------

    def _local(self, instant: str, from_utc_ms: int, until_utc_ms: int) -> str:
        """What the clock shows at an instant of the period, in milliseconds since 1970."""
        changes = [
            f"WHEN {instant} < {at} THEN {before}"
            for at, before in zip(self._instants[1:], self._offsets_ms, strict=False)
            if from_utc_ms < at < until_utc_ms
        ]
        offset = str(self.offset_ms(until_utc_ms - 1))
        if changes:
            offset = f"CASE {' '.join(changes)} ELSE {offset} END"
        return f"({instant} + {offset})"

    def hour_sql(self, instant: str, from_utc_ms: int, until_utc_ms: int) -> str:
        """Key of the hour of an instant of the period."""
        return f"{instant} - {self._local(instant, from_utc_ms, until_utc_ms)} % {HOUR_MS}"

    def day_sql(self, instant: str, from_utc_ms: int, until_utc_ms: int) -> str:
        """Key of its day."""
        return f"{self._local(instant, from_utc_ms, until_utc_ms)} / {DAY_MS}"

    def hour_of_day_sql(self, instant: str, from_utc_ms: int, until_utc_ms: int) -> str:
        """What hour it is: 0 … 23."""
        return f"{self._local(instant, from_utc_ms, until_utc_ms)} / {HOUR_MS} % 24"

    def weekday_sql(self, instant: str, from_utc_ms: int, until_utc_ms: int) -> str:
        """What day of the week it is: 0 (Monday) … 6."""
        return f"({self.day_sql(instant, from_utc_ms, until_utc_ms)} + {_THURSDAY}) % 7"

    # --- every hour or day of a period ---------------------------------------------------------------------------

    def hours(self, from_utc_ms: int, until_utc_ms: int) -> Iterator[Bucket]:
        """The hours of a period; the first and the last may be cut off, and one in which clocks change is two."""
        return self._buckets(from_utc_ms, until_utc_ms, HOUR_MS)

    def days(self, from_utc_ms: int, until_utc_ms: int) -> Iterator[Bucket]:
        """The days of a period; the first and the last may be cut off, and one in which clocks change is two."""
        return self._buckets(from_utc_ms, until_utc_ms, DAY_MS)

    def _buckets(self, from_utc_ms: int, until_utc_ms: int, length_ms: Millis) -> Iterator[Bucket]:
        at = from_utc_ms
        while at < until_utc_ms:
            offset_ms = self.offset_ms(at)
            passed_ms = (at + offset_ms) % length_ms
            change = bisect_right(self._instants, at)
            changes_at = self._instants[change] if change < len(self._instants) else until_utc_ms
            until = min(at - passed_ms + length_ms, changes_at, until_utc_ms)
            yield Bucket(at - passed_ms if length_ms == HOUR_MS else (at + offset_ms) // DAY_MS, at, until)
            at = until
