"""National numbers of a region, as people write them there, brought into the international form: `+` and country code.

What a number of digits without a + means in a region (prefixes, codes, lengths) is libphonenumber's knowledge (package
`phonenumbers`), and its answer counts. It takes 24 microseconds for a number, so plain cases are decided here from
the same tables, by its own rules, in one or two: a number that is dialed as it stands, behind the national prefix, or
behind the country code. Everything else is asked for. A test compares both over all regions.

A number is taken if it is *possible*: of a length that numbers of the country have. Whether its prefix is in use
(*valid*) is not asked: new ones come into use every month, and a table without them would turn people away.

Ours: possible numbers that can be dialed only within a town are refused.
"""

import functools
import re

REGION = 'a region as ISO 3166 spells it, such as "US" or "DE"'
CACHE_MAX = 250
"""Regions that are remembered: all there are."""


def is_region(name: str) -> bool:
    """Whether numbers of a region are known."""
    import phonenumbers

    return name in phonenumbers.SUPPORTED_REGIONS


@functools.lru_cache(CACHE_MAX)
def national_numbers(region: str) -> "NationalNumbers":
    """The numbers of a region, made once."""
    return NationalNumbers(region)


class NationalNumbers:
    """How numbers are read in one region."""

    def __init__(self, region: str) -> None:
        """Look the region up. It must be one; see `is_region`."""
        import phonenumbers

        own = phonenumbers.PhoneMetadata.metadata_for_region(region)
        assert own is not None and own.general_desc is not None and own.country_code is not None
        main = phonenumbers.PhoneMetadata.metadata_for_region(
            phonenumbers.region_code_for_country_code(own.country_code)
        )
        assert main is not None and main.general_desc is not None
        self._region = region
        self._code = str(own.country_code)
        self._plus_code = f"+{own.country_code}"
        self._is_abroad = re.compile(own.international_prefix or "(?!)").match
        prefix = own.national_prefix_for_parsing or ""
        self._has_prefix = re.compile(prefix or "(?!)").match
        self._plain_prefix = prefix if prefix.isdigit() and not own.national_prefix_transform_rule else None
        self._is_viable = re.compile(own.general_desc.national_number_pattern or "(?!)").fullmatch
        self._lengths_here = frozenset(own.general_desc.possible_length)
        self._length_here_max = max(own.general_desc.possible_length)
        self._lengths = frozenset(main.general_desc.possible_length)

    def international(self, digits: str) -> str | None:
        """A number in the international form.

        Args:
            digits: ASCII digits without a +.

        Returns:
            "+4930123456"; None: no number of the region, and none of abroad behind its international prefix.
        """
        number = self._plainly(digits)
        if number is None:
            return self.asked(digits)
        return f"{self._plus_code}{number}" if len(number) in self._lengths else None

    def _plainly(self, digits: str) -> str | None:
        """The number without prefix and country code, if there can be no doubt. None: there can."""
        if self._is_abroad(digits):
            return None
        if digits.startswith(self._code):
            rest = digits[len(self._code) :]
            is_longer = len(digits) > self._length_here_max
            is_behind = is_longer or (not self._is_viable(digits) and self._is_viable(rest) is not None)
            is_plain = is_behind and len(rest) in self._lengths_here and not self._has_prefix(rest)
            return rest if is_plain else None
        if not self._has_prefix(digits):
            return digits
        if self._plain_prefix is None or self._is_viable(digits):
            return None
        rest = digits.removeprefix(self._plain_prefix)
        return rest if len(rest) in self._lengths_here else None

    def asked(self, digits: str) -> str | None:
        """The same, by libphonenumber alone."""
        import phonenumbers

        try:
            number = phonenumbers.parse(digits, self._region)
        except phonenumbers.NumberParseException:
            return None
        if phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
            return None
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
