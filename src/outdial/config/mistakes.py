"""Mistakes in a configuration: collected, never raised one by one.

Every line has the same form, so that an editor and a script can read it:

    file: table[name].key = value: what is wrong; allowed: what may be written

A table without a name is shown by its place in the file, from 1: `switch[#2]`. Values of keys that look like secrets
are never shown.
"""

import datetime
import difflib
import json
import re
from collections.abc import Iterable

from outdial.core.errors import ConfigError

MISTAKES_MAX = 1_000
"""Lines kept; a file with more is broken as a whole. Unit: lines."""
VALUE_CHARACTERS_MAX = 60
NAMES_SHOWN_MAX = 20
SUGGESTIONS_AMONG_MAX = 2_000
"""Beyond this many known words, looking for a near one takes too long."""

_SECRET = re.compile(r"pass|secret|token|credential|pin\b", re.IGNORECASE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NOTHING = object()


class Mistakes:
    """What is wrong with one file, line by line."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[str] = []
        self._more = 0

    def __len__(self) -> int:
        return len(self._lines) + self._more

    @property
    def lines(self) -> tuple[str, ...]:
        """Every line so far."""
        rest = (f"{self._file}: and {self._more:,} more",) if self._more else ()
        return (*self._lines, *rest)

    def add(self, where: str, wrong: str, allowed: str = "", *, value: object = _NOTHING) -> None:
        """Note one mistake.

        Args:
            where: `table[name].key`, or a place in the text; empty for the file as a whole.
            wrong: what is wrong.
            allowed: what may be written instead.
            value: the offending value, when there is one.
        """
        if len(self._lines) >= MISTAKES_MAX:
            self._more += 1
            return
        place = f"{self._file}: {where}" if where else self._file
        shown = "" if value is _NOTHING else f" = {show_value(value, where)}"
        self._lines.append(f"{place}{shown}: {wrong}" + (f"; allowed: {allowed}" if allowed else ""))

    def raise_any(self) -> None:
        """Raise every mistake at once.

        Raises:
            ConfigError: there is at least one.
        """
        if self._lines:
            raise ConfigError(list(self.lines))


def show_value(value: object, where: str = "") -> str:
    """A value as it stands in the file, on one line, shortened, and hidden when its key looks like a secret."""
    if _SECRET.search(where.rpartition(".")[2]) and not isinstance(value, bool):
        return "***"
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, list):
        return "[…]" if value else "[]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(_shorten(value), ensure_ascii=not value.isprintable())
    if isinstance(value, int) and value.bit_length() > 200:
        return "a very large number"
    return _shorten(str(value))


def _shorten(text: str) -> str:
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"


def show_key(key: str) -> str:
    """A key as it would stand in the file."""
    return key if _BARE_KEY.fullmatch(key) and len(key) <= VALUE_CHARACTERS_MAX else show_value(key)


def kind_of(value: object) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a decimal number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, datetime.date | datetime.time):
        return "a date or time"
    return "nothing"


def suggest(written: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or nothing when no known word is near."""
    words = list(known)
    if len(words) > SUGGESTIONS_AMONG_MAX:
        return ""
    near = difflib.get_close_matches(written[:100], words, n=1, cutoff=0.6)
    if not near:
        folded = {word.casefold().replace("_", "-"): word for word in reversed(words)}
        near = [
            folded[match]
            for match in difflib.get_close_matches(
                written[:100].casefold().replace("_", "-"), list(folded), n=1, cutoff=0.6
            )
        ]
    return f"did you mean {show_value(near[0])}?" if near else ""


def show_names(names: Iterable[str]) -> str:
    """A list of what exists, shortened."""
    shown = list(names)
    text = ", ".join(shown[:NAMES_SHOWN_MAX])
    return text + (f" and {len(shown) - NAMES_SHOWN_MAX:,} more" if len(shown) > NAMES_SHOWN_MAX else "")
