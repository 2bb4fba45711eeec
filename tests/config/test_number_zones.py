"""Where a number may be: never fewer zones than libphonenumber names, and a million numbers in seconds."""

import datetime
import random
import time

import phonenumbers
import pytest
from phonenumbers.timezone import time_zones_for_geographical_number, time_zones_for_number

from outdial.config.number_zones import chains_with_zones, with_zones, zones_of_number
from outdial.config.zones import load_zone
from outdial.core.compliance import may_dial
from outdial.core.dial_rules import dial_rules
from outdial.core.records import Chain, Record
from outdial.core.settings import CallingList
from outdial.core.units import DAY_MS, MINUTE_MS

TOLL_FREE = "+18005551234"
UTC = load_zone("UTC")


def names(number: str) -> list[str]:
    return [zone.name for zone in zones_of_number(number)]


@pytest.mark.parametrize(
    "number, expected",
    [
        ("+4930123456", ["Europe/Berlin"]),
        ("+12125551234", ["America/New_York"]),
        ("+12085551234", ["America/Boise", "America/Los_Angeles"]),
        ("+18762101234", ["America/Jamaica"]),  # a mobile number: the area code says the island
        ("+447400123456", ["Europe/Guernsey"]),  # four zones, one clock
        ("+390612345678", ["Europe/Rome"]),
        ("+61892345678", ["Australia/Adelaide", "Australia/Perth"]),
        ("+34928123456", ["Atlantic/Canary"]),
        ("+34612345678", ["Atlantic/Canary", "Europe/Madrid"]),  # mobile
        ("+88212345678", []),  # satellites
        ("4930123456", []),  # national or not: nobody knows
        ("+999123456", []),
        ("112", []),
    ],
)
def test_zones_of_a_number(number, expected):
    assert names(number) == expected


def test_a_mobile_number_has_the_zones_of_its_country_although_its_prefix_is_in_the_table():
    assert names("+61412345678") == [
        *("Australia/Adelaide", "Australia/Brisbane", "Australia/Eucla", "Australia/Lord_Howe", "Australia/Perth"),
        *("Australia/Sydney", "Indian/Christmas", "Indian/Cocos"),
    ]
    assert {"Europe/Moscow", "Asia/Anadyr"} <= set(names("+79161234567"))


def test_a_toll_free_number_has_every_clock_of_its_42_zones():
    everywhere = time_zones_for_number(phonenumbers.parse(TOLL_FREE))
    assert len(everywhere) == 42
    assert {load_zone(name).offsets for name in everywhere} == {zone.offsets for zone in zones_of_number(TOLL_FREE)}
    assert 15 <= len(zones_of_number(TOLL_FREE)) < 42


def ms(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text + "+00:00").timestamp()) * 1_000


@pytest.mark.parametrize(
    "now, opens",
    [
        ("2026-01-15T22:59:59", "2026-01-15T23:00"),  # nine in Guam
        ("2026-01-15T23:29:59", None),
        ("2026-01-15T23:30", "2026-01-16T23:00"),  # eight in Newfoundland
        ("2026-07-01T12:00", "2026-07-08T12:00"),  # in summer it closes before the other opens
        ("2026-10-30T00:00", "2026-11-01T23:00"),
        ("2028-02-28T23:30", "2028-02-29T23:00"),
    ],
)
def test_a_toll_free_number_is_dialed_while_all_of_north_america_may_be(now, opens):
    record = with_zones(Record(1, 1, TOLL_FREE))
    refusal = may_dial(record, dial_rules(CallingList(1, "list", UTC, 9 * 3_600, 20 * 3_600)), ms(now), ())
    assert (refusal and refusal.not_before_utc_ms) == (opens and ms(opens))


@pytest.mark.slow
def test_a_toll_free_number_is_never_dialed_outside_the_hours_of_one_of_its_zones():
    everywhere = [load_zone(name) for name in time_zones_for_number(phonenumbers.parse(TOLL_FREE))]
    record, rules = with_zones(Record(1, 1, TOLL_FREE)), dial_rules(CallingList(1, "list", UTC, 8 * 3_600, 21 * 3_600))
    for now in range(ms("2026-02-25"), ms("2026-02-25") + 370 * DAY_MS, 45 * MINUTE_MS):
        inside = all(may_dial(Record(1, 1, TOLL_FREE, zone=zone), rules, now, ()) is None for zone in everywhere)
        assert inside == (may_dial(record, rules, now, ()) is None)


def variations(seed: int) -> list[str]:
    """Numbers of every kind and country: libphonenumber's examples, with other last digits."""
    dice, found = random.Random(seed), []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in range(11):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is not None:
                number = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
                count = dice.randint(2, 6)
                found.append(number[:-count] + "".join(dice.choices("0123456789", k=count)))
    return found


@pytest.mark.slow
def test_no_zone_is_missing_that_libphonenumber_names(seed):
    checked = 0
    for number in variations(seed) + variations(seed + 1):
        try:
            parsed = phonenumbers.parse(number)
        except phonenumbers.NumberParseException:
            continue
        theirs = time_zones_for_number(parsed)
        if theirs == ("Etc/Unknown",):
            continue
        if number.startswith("+1"):
            theirs = time_zones_for_geographical_number(parsed)
        missing = {load_zone(name).offsets for name in theirs} - {zone.offsets for zone in zones_of_number(number)}
        assert not missing, number
        checked += 1
    assert checked > 500


def test_a_record_keeps_the_zone_that_it_names():
    record = Record(1, 1, TOLL_FREE, zone=UTC)
    assert with_zones(record) is record


def test_a_callback_at_another_number_is_made_when_both_places_allow_it():
    """The record says where the customer lives, the number where it was given out."""
    berlin, tokyo = load_zone("Europe/Berlin"), "+81312345678"
    record = Record(1, 1, "+4930123456", zone=berlin)
    assert record.called_at("") is record and record.called_at(record.number) is record
    called = with_zones(record.called_at(tokyo))
    assert (called.number, called.zone) == (tokyo, None)
    assert [zone.name for zone in called.zones] == ["Europe/Berlin", "Asia/Tokyo"]
    assert with_zones(called) == called
    rules = dial_rules(CallingList(1, "list", UTC, 9 * 3_600, 20 * 3_600, zone_by_number=True))
    assert may_dial(called, rules, ms("2026-07-01T08:00"), ()) is None, "10:00 and 17:00"
    assert may_dial(record, rules, ms("2026-07-01T12:00"), ()) is None
    assert may_dial(called, rules, ms("2026-07-01T12:00"), ()) is not None, "21:00 in Tokyo"
    [zone] = with_zones(Record(1, 1, "+4930123456").called_at(tokyo)).zones
    assert zone.name == "Asia/Tokyo"


def test_only_the_lists_that_are_named_get_zones():
    record = Record(7, 2, "+4930123456", 3, 4, 5, 6, None, 8, ())
    chains = (Chain((Record(1, 1, "+4930123456"),)), Chain((record,)))
    first, second = chains_with_zones(chains, {2})
    assert first is chains[0]
    [found] = second.records
    assert [zone.name for zone in found.zones] == ["Europe/Berlin"]
    assert with_zones(found) == found != record
    assert (found.record_id, found.chain_id, found.chain_n, found.attempts) == (7, 3, 4, 8)


@pytest.mark.slow
def test_a_hundred_thousand_numbers_take_less_than_two_seconds():
    dice = random.Random(1)
    numbers = [f"+61{dice.choice('23478')}{dice.randint(10**7, 10**8 - 1)}" for _ in range(100_000)]
    zones_of_number(TOLL_FREE)
    begin = time.process_time()
    for number in numbers:
        zones_of_number(number)
    assert time.process_time() - begin < 2.0


@pytest.mark.parametrize("number", ["+80012345678", "+881612345678", "5550100"])
@pytest.mark.parametrize("now, allowed", [("2026-07-01T07:59", True), ("2026-07-01T11:00", False)])
def test_a_number_that_belongs_to_no_country_has_the_zone_of_its_list(number, now, allowed):
    """International freephone, satellites, and numbers without a country: nobody knows where they ring."""
    tokyo = load_zone("Asia/Tokyo")
    record = with_zones(Record(1, 1, number))
    assert record.zones == ()
    rules = dial_rules(CallingList(1, "list", tokyo, 9 * 3_600, 20 * 3_600, zone_by_number=True))
    assert (may_dial(record, rules, ms(now), ()) is None) == allowed
