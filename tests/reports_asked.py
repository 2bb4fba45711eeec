"""Reports for tests: what is asked of a database, and the rows that come back."""

from collections.abc import Sequence
from typing import Any

from config_samples import PIECES
from outdial.config import loads
from outdial.config.zones import load_zone
from outdial.names import Names
from outdial.reports.columns import Value
from outdial.reports.local_time import LocalTime
from outdial.reports.period import read_period
from outdial.reports.query import Query
from outdial.reports.report import KINDS, write_report
from outdial.store.interface import Store

SECOND_GROUP = """
[[campaign-group]]
dbid = 2
name = "west"
campaign = "autumn"
agent-group = "sales"
dialer = "main"
dialing-mode = "progressive"
"""
SECOND_CAMPAIGN = """
[[campaign]]
dbid = 2
name = "autumn"
lists = ["customers"]
"""
CONFIGURATION = loads("".join([*PIECES.values(), SECOND_CAMPAIGN, SECOND_GROUP])).configuration
NOON = 1_795_262_400_000
"""2026-11-21T12:00Z, a Saturday."""


class Heard:
    """Keeps what is written.

    Attributes:
        rows: labels and values by the names of their columns.
        total: the totals; None: there were none.
    """

    def __init__(self, query: Query) -> None:
        self.rows: list[dict[str, Value]] = []
        self.total: dict[str, Value] | None = None
        self._by = [one.name for one in query.by]
        self._columns = [column.name for column in query.kind.columns]

    def row(self, labels: Sequence[str], values: Sequence[Value]) -> None:
        self.rows.append(dict(zip([*self._by, *self._columns], [*labels, *values], strict=True)))

    def totals(self, values: Sequence[Value]) -> None:
        self.total = dict(zip(self._columns, values, strict=True))

    def told(self, *names: str) -> list[tuple[Value, ...]]:
        """Some columns of all rows."""
        return [tuple(row[name] for name in names) for row in self.rows]


def query_of(kind: str, period: str, *by: str, zone: str = "UTC", **only: Sequence[int]) -> Query:
    """A report by its arguments; `only` holds DBIDs."""
    rules = load_zone(zone)
    assert rules is not None
    clock = LocalTime(rules)
    dimensions = [KINDS[kind].dimension(name) for name in by]
    assert None not in dimensions
    return Query(
        KINDS[kind],
        read_period(period, clock, NOON),
        clock,
        CONFIGURATION,
        Names(CONFIGURATION),
        tuple(dimensions),  # type: ignore[arg-type]
        {name: tuple(ids) for name, ids in only.items()},
    )


async def ask(store: Store, kind: str, period: str, *by: str, **choices: Any) -> Heard:
    """Ask a database."""
    query = query_of(kind, period, *by, **choices)
    heard = Heard(query)
    await write_report(store, query, heard)
    return heard
