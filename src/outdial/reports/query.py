"""A report that is asked for: what, of when, of whom, by what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from outdial.core.settings import Configuration
from outdial.names import Names
from outdial.reports.columns import Column
from outdial.reports.local_time import LocalTime
from outdial.reports.period import Period


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something that rows are told apart by."""

    name: str
    """In `--by`, and of the column."""
    meaning: str
    """For the reference. Sentences."""
    sql: Callable[["Query"], str]
    """Expression for the key: a number that is never NULL, or a text that is sorted by its bytes."""
    label: Callable[["Query", int], str]
    """What people call a key."""
    is_text: bool = False
    """The key is a text, and its own label."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of report."""

    name: str
    about: str
    """For the reference. Sentences."""
    dimensions: tuple[Dimension, ...]
    default_by: tuple[str, ...]
    filters: tuple[str, ...]
    """What it can be limited to: `group`, `campaign`, `list`, `node`, `agent`."""
    measures: tuple[str, ...]
    """What the database counts, in the order of the statement's columns behind the keys."""
    columns: tuple[Column, ...]
    statement: Callable[["Query"], str]
    """SELECT keys, measures … ORDER BY keys; the keys are called k0, k1, …"""
    totals: Callable[["Query"], str | None]
    """Statement for the totals; None: they are the sums of the rows. Range: without keys."""
    has_totals: bool = True
    refusal: Callable[["Query"], str] = lambda query: ""
    """Why a query cannot be answered; empty: it can."""

    def dimension(self, name: str) -> Dimension | None:
        """A dimension by its name."""
        return next((one for one in self.dimensions if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Query:
    """One report."""

    kind: Kind
    period: Period
    clock: LocalTime
    configuration: Configuration
    names: Names
    by: tuple[Dimension, ...]
    only: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Filters. Shape: {`group`, `list`, `node` or `agent`: DBIDs}; campaigns have become groups."""

    def keys(self) -> list[str]:
        """The expressions of the dimensions, named."""
        return [
            f'({one.sql(self)}) COLLATE "C" AS k{place}' if one.is_text else f"{one.sql(self)} AS k{place}"
            for place, one in enumerate(self.by)
        ]

    def grouped(self) -> str:
        """` GROUP BY … ORDER BY …` over all keys; nothing if there are none."""
        names = self.order()
        return f" GROUP BY {names} ORDER BY {names}" if names else ""

    def order(self) -> str:
        """The names of the keys, as ORDER BY wants them."""
        return ", ".join(f"k{place}" for place, _ in enumerate(self.by))

    def within(self, instant: str) -> str:
        """The condition that an instant is in the period."""
        return f"{instant} >= {self.period.from_utc_ms} AND {instant} < {self.period.until_utc_ms}"

    def limited_to(self, **columns: str) -> str:
        """` AND …` for every filter. Shape of `columns`: filter → column that it is about."""
        conditions = ""
        for name, ids in self.only.items():
            conditions += f" AND {columns[name]} IN ({', '.join(map(str, ids)) or 'NULL'})"
        return conditions
