"""Numbers without a +, read as in a region: what libphonenumber says, and as fast as a million of them need."""

import functools

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.config.national_numbers import is_region, national_numbers

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = [
    phonenumbers.PhoneNumberType.FIXED_LINE,
    phonenumbers.PhoneNumberType.MOBILE,
    phonenumbers.PhoneNumberType.TOLL_FREE,
]


@pytest.mark.parametrize(
    "region, digits, international",
    [
        ("US", "2015550123", "+12015550123"),
        ("US", "12015550123", "+12015550123"),
        ("US", "0114930123456", "+4930123456"),
        ("US", "5550123", None),
        ("US", "112", None),
        ("US", "20155501234", None),
        ("DE", "030123456", "+4930123456"),
        ("DE", "4930123456", "+4930123456"),
        ("DE", "0049 30123456".replace(" ", ""), "+4930123456"),
        ("DE", "015112345678", "+4915112345678"),
        ("GB", "07700900123", "+447700900123"),
        ("GB", "447700900123", "+447700900123"),
        ("IT", "0612345678", "+390612345678"),
        ("IT", "3123456789", "+393123456789"),
        ("BR", "011961234567", None),
        ("AR", "91123456789", "+5491123456789"),
        ("GG", "07781123456", "+447781123456"),
    ],
)
def test_numbers_as_they_are_written_in_a_region(region, digits, international):
    found = national_numbers(region).international(digits)
    assert found == national_numbers(region).asked(digits)
    if international is not None or region != "BR":
        assert found == international


@functools.cache
def digits_of(region: str) -> st.SearchStrategy[str]:
    """Digits that look like numbers of a region, more often than chance: behind its prefixes, near its lengths.

    Made once a region: to make a strategy takes longer than to draw from it.
    """
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
    examples = [phonenumbers.example_number_for_type(region, kind) for kind in KINDS]
    bodies = [st.just(phonenumbers.national_significant_number(one)) for one in examples if one is not None]
    length = max(metadata.general_desc.possible_length)
    free = st.text("0123456789", min_size=1, max_size=length + 2)
    body = st.one_of(*bodies, free)
    shorter = st.builds(lambda digits, left: digits[:left], body, st.integers(0, length))
    longer = st.builds(str.__add__, body, st.text("0123456789", max_size=3))
    code = str(metadata.country_code)
    national = metadata.national_prefix or ""
    prefixes = ["", "", code, national, code + national, national + national, "00", "00" + code, "011", "0", "1", "8"]
    parts = st.builds(str.__add__, st.sampled_from(prefixes), st.one_of(body, shorter, longer))
    return parts.filter(lambda text: 3 <= len(text) <= 20)


@pytest.mark.slow
@settings(max_examples=6_000, deadline=None)
@given(st.sampled_from(REGIONS).flatmap(lambda region: st.tuples(st.just(region), digits_of(region))))
def test_the_plain_cases_are_decided_as_libphonenumber_decides_them(case):
    region, digits = case
    numbers = national_numbers(region)
    assert numbers.international(digits) == numbers.asked(digits)


def test_regions():
    assert is_region("US") and is_region("GG")
    assert not any(map(is_region, ["us", "", "XX", "001", "USA"]))
