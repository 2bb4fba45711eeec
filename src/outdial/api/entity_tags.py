"""Versions of what is read and changed: entity tags (RFC 9110, section 8.8.3)."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

CheckTag = Callable[[str], None]
"""Given the tag of what is there now; raises `Problem` when it is not what the caller has seen."""


def quoted(digest: str) -> str:
    """An entity tag."""
    return f'"{digest}"'


def tag_of(value: Any) -> str:
    """The entity tag of what is told as JSON."""
    return quoted(hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16])
