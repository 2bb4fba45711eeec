"""Terms in SQL, for SQLite and PostgreSQL. All values are parameters; columns come from `terms.KNOWN`.

A comparison with what is not there would be unknown in SQL, and its opposite too: `coalesce` makes it false.
"""

import enum
from dataclasses import dataclass, field

from outdial.selection.terms import (
    NUMBER_CHARACTERS_MAX,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Empty,
    Kind,
    Like,
    Not,
    OrderKey,
    Term,
    Value,
)


class Dialect(enum.Enum):
    """Whose SQL it is."""

    SQLITE = enum.auto()
    POSTGRES = enum.auto()


@dataclass
class Writer:
    """Writes SQL over columns of `records`.

    Attributes:
        parameters: values of the placeholders, in the order in which they were written.
    """

    dialect: Dialect
    first: int = 1
    """Number of the first placeholder (PostgreSQL)."""
    parameters: list[Value] = field(default_factory=list)

    @property
    def _is_sqlite(self) -> bool:
        return self.dialect is Dialect.SQLITE

    def condition(self, term: Term) -> str:
        """A condition that is true or false, never null."""
        match term:
            case AllOf(terms):
                return "(" + " AND ".join(map(self.condition, terms)) + ")"
            case AnyOf(terms):
                return "(" + " OR ".join(map(self.condition, terms)) + ")"
            case Not(inner):
                return f"(NOT {self.condition(inner)})"
            case Empty(column):
                return f"({self._text(column)} = '')" if _is_text(column) else f"({column.stored} IS NULL)"
            case Like(column, pattern):
                text = self._text(column)
                if self._is_sqlite:
                    return f"({text} GLOB {self._value(_glob(pattern))})"
                return f"({text} LIKE {self._value(pattern.replace(chr(92), chr(92) * 2))})"
            case Compare(column, operator, value):
                if isinstance(value, str):
                    return f"({self._text(column)} {operator.value} {self._value(value)}{self._collation})"
                return self._numeric(column, f"{operator.value} {{}}", value)

    def keys(self, order: tuple[OrderKey, ...]) -> list[tuple[str, str]]:
        """What to order by. Shape: (expression, direction) each; what is no number comes last."""
        found: list[tuple[str, str]] = []
        for key in order:
            direction = " DESC" if key.descending else ""
            if key.column.kind is not Kind.TEXT:
                found.append((self._number(key.column), f"{direction} NULLS LAST"))
            if _is_text(key.column):
                found.append((f"{self._text(key.column)}{self._collation}", direction))
        return found

    @property
    def _collation(self) -> str:
        return "" if self._is_sqlite else ' COLLATE "C"'

    def _value(self, value: Value) -> str:
        self.parameters.append(value)
        if self._is_sqlite:
            return "?"
        kind = "text" if isinstance(value, str) else "double precision"
        return f"${self.first + len(self.parameters) - 1}::{kind}"

    def _text(self, column: Column) -> str:
        if column.kind is not Kind.CUSTOM:
            return f"coalesce({column.stored}, '')"
        if self._is_sqlite:
            return f"coalesce(json_extract(custom, {self._value(_path(column.name))}), '')"
        return f"coalesce(custom::json ->> {self._value(column.name)}, '')"

    def _numeric(self, column: Column, comparison: str, value: Value) -> str:
        if self._is_sqlite and column.kind is Kind.CUSTOM:
            # the cheap half first: whatever begins with digits is a number to SQLite
            cast = f"CAST({self._text(column)} AS REAL) {comparison.format(self._value(value))}"
            return f"({cast} AND {self._looks_like_number(column)})"
        is_so = f"{self._number(column)} {comparison.format(self._value(value))}"
        return f"coalesce({is_so}, {'0' if self._is_sqlite else 'false'})"

    def _number(self, column: Column) -> str:
        if column.kind is not Kind.CUSTOM:
            return column.stored
        if self._is_sqlite:
            looks = self._looks_like_number(column)
            return f"CASE WHEN {looks} THEN CAST({self._text(column)} AS REAL) END"
        text = self._text(column)
        looks = f"{text} ~ '^[+-]?[0-9]+([.][0-9]+)?$' AND length({text}) <= {NUMBER_CHARACTERS_MAX}"
        return f"CASE WHEN {looks} THEN ({text})::double precision END"

    def _looks_like_number(self, column: Column) -> str:
        """Without regular expressions: behind the sign, digits at both ends and at most one point between them."""
        digits_only = f"{self._text(column)} NOT GLOB '*[^0-9]*'"
        is_short = f"length({self._text(column)}) BETWEEN 1 AND {NUMBER_CHARACTERS_MAX}"
        rest = (
            "digits NOT GLOB '*[^0-9.]*' AND digits GLOB '[0-9]*' AND digits GLOB '*[0-9]' AND digits NOT GLOB '*.*.*'"
        )
        signed = "CASE WHEN substr(text, 1, 1) IN ('+', '-') THEN substr(text, 2) ELSE text END"
        as_digits = f"SELECT {signed} AS digits FROM (SELECT {self._text(column)} AS text)"
        return f"({is_short} AND ({digits_only} OR (SELECT {rest} FROM ({as_digits}))))"


def _is_text(column: Column) -> bool:
    return column.kind in (Kind.TEXT, Kind.CUSTOM)


def _path(name: str) -> str:
    return f'$."{name}"'


def _glob(pattern: str) -> str:
    """A pattern of LIKE as one of GLOB, which minds case."""
    stands_for = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
    return "".join(stands_for.get(each, each) for each in pattern)
