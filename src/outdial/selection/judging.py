"""Terms in Python: whether a record is meant, and which of several comes first."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from outdial.selection.terms import (
    NUMBER,
    NUMBER_CHARACTERS_MAX,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Empty,
    Kind,
    Like,
    Not,
    Operator,
    OrderKey,
    Term,
    Value,
)

Values = Mapping[str, str | int | None]
"""A record's values by the names of `KNOWN` and of its file's columns; what is missing is None."""

T = TypeVar("T")

_OPERATORS: dict[Operator, Callable[[Value, Value], bool]] = {
    Operator.EQUAL: operator.eq,
    Operator.UNEQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.MORE: operator.gt,
    Operator.AT_LEAST: operator.ge,
}


def is_meant(term: Term, values: Values) -> bool:
    """Whether a filter lets a record through."""
    match term:
        case AllOf(terms):
            return all(is_meant(each, values) for each in terms)
        case AnyOf(terms):
            return any(is_meant(each, values) for each in terms)
        case Not(inner):
            return not is_meant(inner, values)
        case Empty(column):
            return values.get(column.name) in (None, "")
        case Like(column, pattern):
            return re.fullmatch(_regular(pattern), _text(values, column), re.DOTALL) is not None
        case Compare(column, how, value):
            found = _text(values, column) if isinstance(value, str) else _number(values, column)
            return found is not None and _OPERATORS[how](found, value)


def ordered(items: Sequence[T], order: Sequence[OrderKey], values_of: Callable[[T], Values]) -> list[T]:
    """Items in order; equal ones stay as they are."""
    found = list(items)
    for key in reversed(order):
        column = key.column
        if column.kind in (Kind.TEXT, Kind.CUSTOM):
            found.sort(key=lambda item: _text(values_of(item), column), reverse=key.descending)
        if column.kind is not Kind.TEXT:
            found.sort(key=lambda item: _number(values_of(item), column) or 0.0, reverse=key.descending)
            found.sort(key=lambda item: _number(values_of(item), column) is None)
    return found


def _text(values: Values, column: Column) -> str:
    value = values.get(column.name)
    return "" if value is None else str(value)


def _number(values: Values, column: Column) -> float | None:
    value = values.get(column.name)
    if not isinstance(value, str):
        return value if value is None else float(value)
    return float(value) if len(value) <= NUMBER_CHARACTERS_MAX and NUMBER.fullmatch(value) else None


def _regular(pattern: str) -> str:
    return "".join(".*" if each == "%" else "." if each == "_" else re.escape(each) for each in pattern)
