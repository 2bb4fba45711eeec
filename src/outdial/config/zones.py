"""Time zones: rules read from disk once, handed to the core as tables of offsets.

Source: IANA time zone database, as the package `tzdata` brings it. That of the system is not read: whether a call is
    allowed does not depend on what the machine has installed, and `TZDATA_VERSION` is written down with every attempt.
Ours: the tables span 2020 … 2040; before and after, the first and the last offset hold (decision 0003). Changes are
    looked for from week to week: a clock that is changed and changed back within one is not noticed; there is none.
"""

import datetime
import functools
import importlib.resources
import re
import zoneinfo
from typing import TypeVar

import tzdata  # type: ignore[import-untyped]

from outdial.config.mistakes import Mistakes, suggest
from outdial.config.options import Table
from outdial.config.rows import Row
from outdial.core.settings import Zone
from outdial.core.units import DAY_MS, SECOND_MS, Millis

FIRST_YEAR = 2020
LAST_YEAR = 2040
WEEK_MS = 7 * DAY_MS
NAME_CHARACTERS_MAX = 100
TZDATA_VERSION: str = tzdata.IANA_VERSION
"""Version of the time zone database: `2026a`."""
_NAME = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")

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
    rules = zone_rules(name)
    if rules is None:
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


@functools.lru_cache(maxsize=1_000)
def zone_rules(name: str) -> zoneinfo.ZoneInfo | None:
    """The rules of a time zone. None: there is no such zone."""
    if len(name) > NAME_CHARACTERS_MAX or not _NAME.fullmatch(name):
        return None
    try:
        with (importlib.resources.files("tzdata") / "zoneinfo" / name).open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, key=name)
    except (ValueError, OSError):
        return None


@functools.cache
def zone_names() -> tuple[str, ...]:
    """The names of all time zones."""
    return tuple(sorted((importlib.resources.files("tzdata") / "zones").read_text(encoding="ascii").split()))


def near_zone(name: str) -> str:
    """`did you mean "Europe/Berlin"?`, or nothing."""
    return suggest(name, zone_names())


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
