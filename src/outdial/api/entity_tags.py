"""Versions of what is read and changed: entity tags (RFC 9110, section 8.8.3)."""

from collections.abc import Callable

CheckTag = Callable[[str], None]
"""Given the tag of what is there now; raises `Problem` when it is not what the caller has seen."""


def quoted(digest: str) -> str:
    """An entity tag."""
    return f'"{digest}"'
