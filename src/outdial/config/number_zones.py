"""Where a telephone number may be: the time zones of its prefix.

A number has the zones of the longest prefix that the table knows: a city's number one, a toll-free number those of its
whole country (+1: of 25 countries). The table's narrow prefixes are areas. A number that only looks like one of an area
(an Australian mobile, whose prefix is in the table with Sydney's zone) is nowhere in particular and has its country's
zones; so has a number that nobody can have. Zones whose clocks show the same from the beginning of the tables to their
end are one zone, with the first one's name.

It tells where a number was given out, not where the person is: a zone in the record is better.

Source: the table and what kind a number is: libphonenumber (package `phonenumbers`). Which zones count:
    `time_zones_for_number`, except that numbers it does not take for valid have their country's zones, and that in +1,
    where mobile numbers have area codes like any other, the longest prefix counts.
Ours: numbers that differ in their last five digits alone are of one kind. So a million of them take seconds.
"""

import functools
from collections.abc import Container, Mapping
from dataclasses import replace

from outdial.config.zones import load_zone
from outdial.core.records import Chain, Record
from outdial.core.settings import Zone
from outdial.core.units import ListId

BLOCK_DIGITS = 5
"""Last digits of a number that do not say what kind it is. Unit: digits."""
KIND_CHARACTERS_MIN = 7
"""First characters of a number, the + included, that may say it: of short numbers fewer than five digits do not."""
BLOCKS_MAX = 200_000
"""Blocks of numbers whose kind is remembered."""

_NORTH_AMERICA = "1"
_CODE_DIGITS_MAX = 3


def zones_of_number(number: str) -> tuple[Zone, ...]:
    """The time zones that a number may be in.

    Args:
        number: with a leading + and its country code. Without a + nobody knows where it belongs.

    Returns:
        Zones with different clocks, in the order of their names; empty when nothing is known.
    """
    if not number.startswith("+"):
        return ()
    table = _table()
    for length in range(_longest(), 0, -1):
        prefix = number[1 : length + 1]
        if prefix in table:
            narrow, wide = _zones_of_prefix(prefix)
            if narrow is wide:
                return narrow
            kind = max(KIND_CHARACTERS_MIN, len(number) - BLOCK_DIGITS)
            return narrow if _is_of_an_area(number[:kind], len(number)) else wide
    return ()


def with_zones(record: Record) -> Record:
    """The record with the zones of its number, unless it names one, beside those that it has already."""
    if record.zone is not None:
        return record
    zones = zones_of_number(record.number)
    return replace(record, zones=tuple(dict.fromkeys((*record.zones, *zones))) if record.zones else zones)


def chains_with_zones(chains: tuple[Chain, ...], lists: Container[ListId]) -> tuple[Chain, ...]:
    """The chains with the zones of their numbers, as far as they are of these lists."""
    return tuple(
        Chain(tuple(map(with_zones, chain.records))) if chain.records[0].list_id in lists else chain for chain in chains
    )


def load_all_zones() -> None:
    """Read everything that `zones_of_number` may need: seconds, which are better spent before calls are waiting."""
    for prefix in _table():
        _zones_of_prefix(prefix)


@functools.lru_cache(maxsize=10_000)
def _zones_of_prefix(prefix: str) -> tuple[tuple[Zone, ...], tuple[Zone, ...]]:
    """Zones of a number of this area, and of one of its country that is of none; one object when they are the same."""
    table = _table()
    narrow = _zones(table[prefix])
    code = next((prefix[:n] for n in range(1, _CODE_DIGITS_MAX + 1) if prefix[:n] in table), prefix)
    if code == _NORTH_AMERICA:
        return narrow, narrow
    wide = _zones(table[code])
    return narrow, narrow if _clocks(narrow) == _clocks(wide) else wide


@functools.lru_cache(maxsize=1_000)
def _zones(names: tuple[str, ...]) -> tuple[Zone, ...]:
    """One zone for each clock. A zone that the zone database does not have is left out."""
    zones: dict[tuple[tuple[int, int], ...], Zone] = {}
    for name in sorted(names):
        zone = load_zone(name)
        if zone is not None:
            zones.setdefault(zone.offsets, zone)
    return tuple(zones.values())


def _clocks(zones: tuple[Zone, ...]) -> set[tuple[tuple[int, int], ...]]:
    return {zone.offsets for zone in zones}


@functools.lru_cache(maxsize=BLOCKS_MAX)
def _is_of_an_area(block: str, characters: int) -> bool:
    """Whether the numbers of this length that begin like this belong to an area."""
    import phonenumbers

    try:
        return phonenumbers.is_number_geographical(phonenumbers.parse(block.ljust(characters, "5")))
    except phonenumbers.NumberParseException:
        return False


@functools.cache
def _table() -> Mapping[str, tuple[str, ...]]:
    """Names of zones by prefix. The package is big: whoever needs no zones of numbers does not wait for it."""
    from phonenumbers.tzdata import TIMEZONE_DATA

    return TIMEZONE_DATA


@functools.cache
def _longest() -> int:
    return max(map(len, _table()))
