"""Telephone numbers as they are dialed: digits, optionally a leading +."""

import re

DIGITS_MIN = 3
DIGITS_MAX = 20
NUMBER = f"{DIGITS_MIN} … {DIGITS_MAX} digits, optionally a leading +; blanks, dashes, parentheses and dots are dropped"

_DROPPED = str.maketrans("", "", " \t\u00a0\u202f-().\u2010\u2011")
_NUMBER = re.compile(rf"\+?[0-9]{{{DIGITS_MIN},{DIGITS_MAX}}}")


def normalise_number(text: str) -> str | None:
    """Bring a number into the one form in which it is compared and dialed.

    Args:
        text: as people write it: "+44 (7700) 900-123".

    Returns:
        "+447700900123"; None when the text is not a number.
    """
    number = text.translate(_DROPPED)
    return number if _NUMBER.fullmatch(number) else None
