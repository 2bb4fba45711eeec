"""Time zones: rules read from disk once, handed to the core as tables of offsets.

Source: IANA time zone database, from the system or from the package `tzdata`.
Ours: the tables span 2020 … 2040; before and after, the first and the last offset hold (decision 0003). Changes are
    looked for from week to week: a clock that is changed and changed back within one is not noticed; there is none.
"""

import datetime
import functools
import zoneinfo
from typing import TypeVar

from outdial.config.mistakes import Mistakes, suggest
from outdial.config.options import Table
from outdial.config.rows import Row
from outdial.core.settings import Zone
from outdial.core.units import DAY_MS, SECOND_MS, Millis

FIRST_YEAR = 2020
LAST_YEAR = 2040
WEEK_MS = 7 * DAY_MS
NAME_CHARACTERS_MAX = 100

T = TypeVar("T", bound=Table)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@functools.lru_cache(maxsize=1_000)
def load_zone(name: str) -> Zone | None:
    """The table of a time zone.

    Args:
        name: IANA name, such as "Europe/Berlin".

    Returns:
        The offsets from 1970 on; None when there is no such zone.
    """
    if not name or len(name) > NAME_CHARACTERS_MAX:
        return None
    try:
        rules = zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
    week_ms = _utc_ms(FIRST_YEAR)
    last_ms = _utc_ms(LAST_YEAR + 1)
    offset = _offset_s(rules, week_ms)
    offsets = [(0, offset)]
    while week_ms < last_ms:
        next_ms = week_ms + WEEK_MS
        changed = _offset_s(rules, next_ms)
        if changed != offset:
            offsets.append((_first_change(rules, week_ms, next_ms, offset), changed))
            offset = changed
        week_ms = next_ms
    return Zone(name, tuple(offsets))


def near_zone(name: str) -> str:
    """`did you mean "Europe/Berlin"?`, or nothing."""
    return suggest(name, sorted(zoneinfo.available_timezones()))


def check_zone(row: Row[T], field: str, mistakes: Mistakes) -> None:
    """Note a time zone that there is not."""
    name = getattr(row.table, field, "")
    if row.has(field) and load_zone(name) is None:
        hint = near_zone(name)
        wrong = "there is no such time zone" + (f"; {hint}" if hint else "")
        mistakes.add(row.key(field), wrong, "an IANA time zone", value=row.shown(field))


def _first_change(rules: zoneinfo.ZoneInfo, before_ms: Millis, after_ms: Millis, offset_s: int) -> Millis:
    """First instant with another offset, by halving; offsets change on whole seconds."""
    low, high = before_ms // SECOND_MS, after_ms // SECOND_MS
    while high - low > 1:
        middle = (low + high) // 2
        if _offset_s(rules, middle * SECOND_MS) == offset_s:
            low = middle
        else:
            high = middle
    return high * SECOND_MS


def _offset_s(rules: zoneinfo.ZoneInfo, utc_ms: Millis) -> int:
    offset = (_EPOCH + datetime.timedelta(milliseconds=utc_ms)).astimezone(rules).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _utc_ms(year: int) -> Millis:
    return round((datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) - _EPOCH).total_seconds()) * SECOND_MS
