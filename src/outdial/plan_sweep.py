"""What `outdial plan` varies: names with their values, read from the command line, and the grid of points.

`agents=5,10,20` are three values, `agents=5:50:5` is a range with both ends, and the two may be mixed. Values are kept
as decimals, so that a point is named as it was written.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from outdial.config.mistakes import show_value, suggest

POINTS_MAX = 200
"""Points of one plan."""
AXES_MAX = 2
"""Names that are varied together."""

Point: TypeAlias = tuple[tuple[str, Decimal], ...]
"""One combination of values. Shape: ((name, value), …) in the order of the command line."""


@dataclass(frozen=True, slots=True)
class Knob:
    """Something that can be varied."""

    name: str
    unit: str
    """For headings: empty for plain counts, and where the name says it."""
    least: Decimal
    most: Decimal
    decimals: int

    @property
    def allowed(self) -> str:
        """What a value may be, in words."""
        kind = "whole numbers" if self.decimals == 0 else f"numbers with at most {self.decimals} decimals"
        return f"{kind} {self.least:,} … {self.most:,}"

    @property
    def heading(self) -> str:
        """Name and unit, in up to two lines."""
        return f"{self.name}\n{self.unit}" if self.unit else self.name


_KNOBS = (
    Knob("agents", "", Decimal(1), Decimal(10_000), 0),
    Knob("ports", "", Decimal(1), Decimal(1_000_000), 0),
    Knob("abandonment", "limit, %", Decimal(0), Decimal(100), 3),
    Knob("hit-rate", "%", Decimal("0.1"), Decimal(100), 3),
    Knob("talk-s", "", Decimal(1), Decimal(36_000), 3),
)
KNOBS = {knob.name: knob for knob in _KNOBS}


@dataclass(frozen=True, slots=True)
class Axis:
    """One name with the values that it takes."""

    knob: Knob
    values: tuple[Decimal, ...]


def read_axes(texts: Sequence[str], mistakes: list[str]) -> tuple[Axis, ...]:
    """Read every `--vary`; what is wrong goes into `mistakes`."""
    axes: list[Axis] = []
    for text in texts:
        name, equals, values = text.partition("=")
        knob = KNOBS.get(name.strip())
        if not equals or knob is None:
            near = suggest(name.strip(), KNOBS)
            wrong = "not NAME=VALUES" if not equals else "unknown name" + (f"; {near}" if near else "")
            mistakes.append(f"--vary {show_value(text)}: {wrong}; allowed: one of {', '.join(KNOBS)}, as agents=5,10")
            continue
        if any(axis.knob is knob for axis in axes):
            mistakes.append(f"--vary {show_value(text)}: {knob.name} is varied twice; allowed: once, with all values")
            continue
        axes.append(Axis(knob, tuple(_values(knob, values, f"--vary {show_value(text)}", mistakes))))
    if len(texts) > AXES_MAX:
        mistakes.append(f"--vary is given {len(texts)} times; allowed: at most {AXES_MAX} names")
    count = 1
    for axis in axes:
        count *= max(1, len(axis.values))
    if count > POINTS_MAX:
        sizes = " × ".join(str(len(axis.values)) for axis in axes)
        mistakes.append(f"--vary: {sizes} values are too many points; allowed: at most {POINTS_MAX} points")
    return tuple(axes)


def points_of(axes: Iterable[Axis]) -> tuple[Point, ...]:
    """Every combination; the last name changes fastest. Without any name: the one point that changes nothing."""
    columns = [[(axis.knob.name, value) for value in axis.values] for axis in axes]
    return tuple(itertools.product(*columns))


def point_text(point: Point) -> str:
    """A point in words."""
    return ", ".join(f"{name}={value_text(value)}" for name, value in point) or "the scenario as it is"


def value_text(value: Decimal) -> str:
    """A value without needless zeros: 2.50 is 2.5, 100 is 100."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _values(knob: Knob, text: str, where: str, mistakes: list[str]) -> list[Decimal]:
    """The values behind the equals sign, in their order; each once."""
    found: list[Decimal] = []
    for part in text.split(","):
        ends = [_number(knob, piece) for piece in part.strip().split(":")]
        numbers = [end for end in ends if end is not None]
        if len(numbers) != len(ends) or len(ends) not in (1, 3):
            example = "5:50:5" if knob.decimals == 0 else "1:3:0.5"
            mistakes.append(f"{where}: {show_value(part)} is wrong; allowed: {knob.allowed}, or a range {example}")
            continue
        if len(numbers) == 3 and (numbers[0] > numbers[1] or not numbers[2]):
            mistakes.append(f"{where}: {show_value(part)} is an empty range; allowed: FIRST:LAST:STEP, upwards")
            continue
        if len(numbers) == 3:
            first, last, step = numbers
            count = int((last - first) / step) + 1
            if count > POINTS_MAX:
                wrong = f"{show_value(part)} has {count:,} values"
                mistakes.append(f"{where}: {wrong}; allowed: at most {POINTS_MAX} points")
                continue
            numbers = [first + n * step for n in range(count)]
        outside = [number for number in numbers if not knob.least <= number <= knob.most]
        if outside:
            mistakes.append(f"{where}: {value_text(outside[0])} is out of range; allowed: {knob.allowed}")
            continue
        found += numbers
    twice = next((value for n, value in enumerate(found) if value in found[:n]), None)
    if twice is not None:
        mistakes.append(f"{where}: {value_text(twice)} is given twice; allowed: each value once")
    return found


def _number(knob: Knob, text: str) -> Decimal | None:
    """Plain digits with as many decimals as the knob has."""
    decimals = rf"(\.[0-9]{{1,{knob.decimals}}})?" if knob.decimals else ""
    return Decimal(text) if re.fullmatch(rf"[0-9]{{1,7}}{decimals}", text) else None
