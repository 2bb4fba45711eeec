"""From TOML tables to frozen dataclasses, strictly: unknown keys, types, ranges, references, all mistakes at once.

It knows nothing of the simulator: it reads whatever a dataclass's annotations say, with the manners of the rest of the
configuration file:

* keys are the field names, `-` or `_` at will; `node_id` is also `node`;
* a time in milliseconds may be written in another unit: `talk_ms_mean` is also `talk-s-mean` (seconds), `talk-min-mean`
  (minutes) and `talk-h-mean` (hours);
* pairs such as `post-dial-s = [0.4, 1.2]` are arrays; lists of pairs are tables: `shares = { person = 0.3 }`;
* a DBID may be written as the name of the object.
"""

import dataclasses
import enum
import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from outdial.config.mistakes import Mistakes, kind_of, show_key, show_names, show_value, suggest
from outdial.core.units import DAY_MS, MINUTE_MS, SECOND_MS

MS_MAX = 366 * DAY_MS
COUNT_MAX = 1_000_000_000
ENTRIES_MAX = 10_000
CV_MAX = 10

UNITS = {"s": SECOND_MS, "min": MINUTE_MS, "h": 60 * MINUTE_MS}

Known = Mapping[str, Mapping[str, int]]
"""What may be referred to. Shape: {kind: {name: DBID}}."""

BAD = object()
"""Stands for a value with a mistake, which has been noted."""


@dataclass(frozen=True)
class Limits:
    """What a field allows beyond its type."""

    low: float
    high: float
    kind: str = ""
    """Kind of object that its numbers are DBIDs of; empty: they are just numbers."""
    scale: int = 0
    """Milliseconds per unit, when it is written in another unit; 0: as it is."""

    def words(self, what: str) -> str:
        """`a whole number 0 … 100`."""
        return f"{what} {self.low / (self.scale or 1):,g} … {self.high / (self.scale or 1):,g}"


@dataclass(frozen=True)
class Rules:
    """What the names of fields do not tell."""

    ranges: Mapping[tuple[str, str], tuple[float, float]]
    """Shape: {(class, field): (lowest, highest)}."""
    kinds: Mapping[str, str]
    """Fields that hold DBIDs. Shape: {field: kind of object}."""

    def limits(self, owner: type, name: str, scale: int) -> Limits:
        """Limits of a field, by its name."""
        low, high = self.ranges.get((owner.__name__, name), (0.0, 0.0))
        if high == 0.0:
            words = name.split("_")
            if words[-1] in ("ratio", "intensity"):
                high = 1
            elif words[-1] == "cv":
                high = CV_MAX
            else:
                high = MS_MAX if "ms" in words else COUNT_MAX
        return Limits(low, high, self.kinds.get(name, ""), scale)


@functools.cache
def keys_of(owner: type) -> dict[str, tuple[str, int]]:
    """Accepted keys of a dataclass, with `_`. Shape: {key: (field, milliseconds per unit or 0)}."""
    found: dict[str, tuple[str, int]] = {}
    for item in dataclasses.fields(owner):
        found[item.name] = (item.name, 0)
        words = item.name.split("_")
        if "ms" in words:
            for unit, scale in UNITS.items():
                found["_".join(unit if word == "ms" else word for word in words)] = (item.name, scale)
        if words[-1] == "id":
            found["_".join(words[:-1])] = (item.name, 0)
    return found


class Converter:
    """Reads tables; notes mistakes."""

    def __init__(self, rules: Rules, known: Known, mistakes: Mistakes) -> None:
        self._rules = rules
        self._known = known
        self._mistakes = mistakes

    def dataclass(self, owner: type, raw: object, where: str) -> Any:
        """Read one table.

        Args:
            owner: the dataclass.
            raw: the table as parsed.
            where: its place in the file.

        Returns:
            An instance; `BAD` when there is a mistake in it.
        """
        if not isinstance(raw, dict):
            return self.bad(where, raw, f"wrong type ({kind_of(raw)})", "a table")
        values: dict[str, Any] = {}
        hints = typing.get_type_hints(owner)
        for key, value in raw.items():
            place = f"{where}.{show_key(key)}"
            name, scale = keys_of(owner).get(key.replace("-", "_"), ("", 0))
            if not name:
                self._add_unknown_key(owner, key, value, place)
                values[key] = BAD
            elif name in values:
                values[name] = self.bad(place, value, f"given twice: {name.replace('_', '-')}", "one of them")
            else:
                limits = self._rules.limits(owner, name, scale)
                values[name] = self.value(hints[name], value, place, limits)
        for item in dataclasses.fields(owner):
            required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
            if required and item.name not in values:
                self._mistakes.add(f"{where}.{item.name.replace('_', '-')}", "missing")
                values[item.name] = BAD
        return BAD if BAD in values.values() else owner(**values)

    def bad(self, where: str, raw: object, wrong: str, allowed: str) -> object:
        """Note a mistake."""
        self._mistakes.add(where, wrong, allowed, value=raw)
        return BAD

    def value(self, hint: Any, raw: object, where: str, limits: Limits) -> Any:
        """Read one value by its annotation; `BAD` when there is a mistake in it."""
        origin = typing.get_origin(hint)
        if origin in (typing.Union, types.UnionType):
            [hint] = [inner for inner in typing.get_args(hint) if inner is not type(None)]
            return self.value(hint, raw, where, limits)
        if origin is tuple:
            return self._tuple(typing.get_args(hint), raw, where, limits)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.dataclass(hint, raw, where)
        if isinstance(hint, type) and issubclass(hint, enum.Enum):
            return self._enum(hint, raw, where)
        if hint is bool:
            return raw if isinstance(raw, bool) else self.bad(where, raw, _wrong_type(raw), "true or false")
        if hint is str:
            return raw if isinstance(raw, str) else self.bad(where, raw, _wrong_type(raw), "text")
        if limits.kind:
            return self.reference(limits.kind, raw, where)
        return self._number(hint, raw, where, limits)

    def reference(self, kind: str, raw: object, where: str) -> Any:
        """Read a reference to an object of the configuration: its DBID."""
        known = self._known.get(kind, {})
        if isinstance(raw, str) and raw in known:
            return known[raw]
        if isinstance(raw, int) and not isinstance(raw, bool) and raw in known.values():
            return raw
        hint = suggest(raw, known) if isinstance(raw, str) else ""
        names = show_names(f"{show_value(name)} ({dbid})" for name, dbid in known.items())
        wrong = f"there is no such {kind}" + (f"; {hint}" if hint else "")
        return self.bad(where, raw, wrong, names or f"none, as the file has no {kind}")

    def _number(self, hint: Any, raw: object, where: str, limits: Limits) -> Any:
        what = "a whole number" if hint is int and not limits.scale else "a number"
        is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
        if not is_number or (isinstance(raw, float) and hint is int and not limits.scale):
            return self.bad(where, raw, _wrong_type(raw), limits.words(what))
        assert isinstance(raw, int | float)
        if isinstance(raw, float) and not math.isfinite(raw):
            return self.bad(where, raw, "out of range", limits.words(what))
        value = raw * (limits.scale or 1)
        if not limits.low <= value <= limits.high:
            return self.bad(where, raw, "out of range", limits.words(what))
        return round(value) if hint is int else float(value)

    def _enum(self, hint: type[enum.Enum], raw: object, where: str) -> Any:
        names = {str(member.value): member for member in hint}
        folded = {_fold(name): member for name, member in names.items()}
        if isinstance(raw, str) and _fold(raw) in folded:
            return folded[_fold(raw)]
        near = suggest(raw, names) if isinstance(raw, str) else ""
        allowed = "one of " + ", ".join(f'"{name}"' for name in names)
        return self.bad(where, raw, "unknown value" + (f"; {near}" if near else ""), allowed)

    def _tuple(self, inner: tuple[Any, ...], raw: object, where: str, limits: Limits) -> Any:
        if len(inner) == 2 and inner[1] is Ellipsis:
            if typing.get_origin(inner[0]) is tuple and isinstance(raw, dict):
                return self._pairs(typing.get_args(inner[0]), raw, where, limits)
            return self._array(inner[0], raw, where, limits)
        if not isinstance(raw, list) or len(raw) != len(inner):
            return self.bad(where, raw, "wrong shape", f"an array of {len(inner)} values")
        values = [
            self.value(h, v, f"{where}[#{n}]", limits) for n, (h, v) in enumerate(zip(inner, raw, strict=True), 1)
        ]
        if BAD in values:
            return BAD
        if inner == (int, int) and values[0] > values[1]:
            return self.bad(where, raw, "the first value is greater than the second", "[least, most]")
        return tuple(values)

    def _array(self, hint: Any, raw: object, where: str, limits: Limits) -> Any:
        if not isinstance(raw, list) or len(raw) > ENTRIES_MAX:
            return self.bad(where, raw, _wrong_type(raw), f"an array of at most {ENTRIES_MAX:,} entries")
        values = [self.value(hint, item, f"{where}[#{n}]", limits) for n, item in enumerate(raw, 1)]
        return BAD if BAD in values else tuple(values)

    def _pairs(self, inner: tuple[Any, ...], raw: dict[str, Any], where: str, limits: Limits) -> Any:
        """`{ person = 0.3 }` as ((PERSON, 0.3),): the kind of object is the key's, range and unit are the value's."""
        pairs = []
        key_hint, value_hint = inner
        for key, item in raw.items():
            place = f"{where}.{show_key(key)}"
            of_key = dataclasses.replace(limits, scale=0)
            written: object = int(key) if key_hint is int and key.isascii() and key.isdigit() and len(key) < 18 else key
            if written not in self._known.get(limits.kind, {}).values() and limits.kind:
                written = key
            value = self.value(value_hint, item, place, dataclasses.replace(limits, kind=""))
            pairs.append((self.value(key_hint, written, place, of_key), value))
        return BAD if any(BAD in pair for pair in pairs) else tuple(pairs)

    def _add_unknown_key(self, owner: type, key: str, value: object, place: str) -> None:
        hint = suggest(key.replace("_", "-"), [name.replace("_", "-") for name in keys_of(owner)])
        names = show_names(item.name.replace("_", "-") for item in dataclasses.fields(owner))
        self._mistakes.add(place, "unknown key" + (f"; {hint}" if hint else ""), names, value=value)


def _wrong_type(raw: object) -> str:
    return f"wrong type ({kind_of(raw)})"


def _fold(text: str) -> str:
    return text.strip().casefold().replace("-", " ").replace("_", " ")
