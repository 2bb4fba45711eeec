"""Figures of reports: how each is made of what the database has counted, and how it looks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from outdial.core.units import HOUR_MS, SECOND_MS

Counted: TypeAlias = Mapping[str, Any]
"""What the database has counted for one row, by name: whole numbers. Sums of nothing are 0, its percentiles None."""
Value: TypeAlias = int | float | str | None
"""A cell. None: there is nothing to tell, such as a share of nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One figure."""

    name: str
    """In CSV, JSON and Parquet. A quantity ends with its unit: `_s`, `_h`, `_pct`."""
    meaning: str
    """For the reference. Sentences."""
    value: Callable[[Counted], int | float | None]
    digits: int = 0
    """Decimals; 0: a whole number."""
    heading: str = ""
    """Above the column in tables, with the unit in parentheses; `|` begins a new line. Empty: not in tables."""
    text_digits: int | None = None
    """Decimals in tables, if they are not `digits`."""
    is_extra: bool = False
    """Not in tables that would be too wide with it."""


def counted(name: str) -> Callable[[Counted], int]:
    """A count as it is."""
    return lambda row: int(row[name])


def percent(part: str, whole: str) -> Callable[[Counted], float | None]:
    """A share, in percent. None: of nothing."""
    return lambda row: round(100 * row[part] / row[whole], 2) if row[whole] else None


def seconds(name: str) -> Callable[[Counted], float | None]:
    """Milliseconds as seconds."""
    return lambda row: None if row[name] is None else row[name] / SECOND_MS


def hours(name: str) -> Callable[[Counted], float]:
    """Milliseconds as hours."""
    return lambda row: round(row[name] / HOUR_MS, 3)


def mean(total: str, count: str, unit: int = 1, digits: int = 2) -> Callable[[Counted], float | None]:
    """A total divided by a count and by a unit. None: by nothing."""
    return lambda row: round(row[total] / row[count] / unit, digits) if row[count] else None
