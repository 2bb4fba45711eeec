"""What a filter can say, as values; the columns there are; and what the texts of files mean.

A comparison is true or false, never unknown: a column without a value matches nothing but `is empty`. Columns of the
imported file hold texts. Compared with a number, such a text is read as one if it looks like one (`NUMBER`), and
matches nothing if it does not. Texts are compared code point by code point, with regard to case.

Ours (decision 0019).
"""

import enum
import re
from dataclasses import dataclass
from typing import TypeAlias

NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)
"""What a text must look like, from its beginning to its end, to be a number."""
NUMBER_CHARACTERS_MAX = 16
"""Longest text that is read as a number: up to there a double holds it exactly enough to compare alike everywhere."""


class Kind(enum.Enum):
    """What a column holds."""

    WHOLE = enum.auto()
    TEXT = enum.auto()
    RESULT = enum.auto()
    """A call result, by name or number."""
    TYPE = enum.auto()
    """A record type, by name or number."""
    CUSTOM = enum.auto()
    """A text of the imported file, or nothing."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column."""

    name: str
    kind: Kind
    stored: str = ""
    """Its name in the table `records`; of a custom one there is none."""


KNOWN = {
    column.name: column
    for column in (
        Column("record_id", Kind.WHOLE, "record_id"),
        Column("number", Kind.TEXT, "number"),
        Column("chain_id", Kind.WHOLE, "chain_id"),
        Column("chain_n", Kind.WHOLE, "chain_n"),
        Column("record_type", Kind.TYPE, "record_type"),
        Column("attempts", Kind.WHOLE, "attempts"),
        Column("last_result", Kind.RESULT, "call_result"),
        Column("agent_id", Kind.WHOLE, "agent_id"),
        Column("daily_from", Kind.WHOLE, "daily_from_s"),
        Column("daily_till", Kind.WHOLE, "daily_till_s"),
        Column("zone", Kind.TEXT, "zone"),
    )
}
"""Columns that every record has. A column of a file with one of these names cannot be asked for."""


class Operator(enum.StrEnum):
    """How a column is compared."""

    EQUAL = "="
    UNEQUAL = "<>"
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="


Value: TypeAlias = float | str


@dataclass(frozen=True, slots=True)
class Compare:
    """A column against one value: as a number if that is one."""

    column: Column
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class Like:
    """A text against a pattern: % stands for any characters, _ for one."""

    column: Column
    pattern: str


@dataclass(frozen=True, slots=True)
class Empty:
    """There is no value, or an empty text."""

    column: Column


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    term: "Term"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of these."""

    terms: tuple["Term", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of these."""

    terms: tuple["Term", ...]


Term: TypeAlias = Compare | Like | Empty | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class OrderKey:
    """What records are ordered by: numbers before texts, in either direction."""

    column: Column
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records of a list are dialed, and in which order among those of one priority."""

    filter: Term | None = None
    order: tuple[OrderKey, ...] = ()


EVERYTHING = Selection()


def columns_of(selection: Selection) -> tuple[Column, ...]:
    """Every column that is named, each once."""
    found: dict[Column, None] = {key.column: None for key in selection.order}
    waiting: list[Term] = [] if selection.filter is None else [selection.filter]
    while waiting:
        term = waiting.pop()
        if isinstance(term, AllOf | AnyOf):
            waiting += term.terms
        elif isinstance(term, Not):
            waiting.append(term.term)
        else:
            found[term.column] = None
    return tuple(found)
