"""Statements that every database understands alike, for tables that are small and not the dialer's own.

Values stand for `$1`, `$2`, … as PostgreSQL writes them; a value may be used twice. In SQLite they become `?`. What a
statement says has to mean the same in both: `CAST($1 AS BIGINT)` where nothing else tells the type, and
`ON CONFLICT (…) DO NOTHING` instead of asking first.
"""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

_VALUE = re.compile(r"\$([0-9]+)")


class Step(NamedTuple):
    """One statement and its values."""

    statement: str
    values: Sequence[Any] = ()

    @property
    def gives_rows(self) -> bool:
        """Whether it asks; otherwise it changes."""
        return self.statement.lstrip().startswith("SELECT")


class Steps(Protocol):
    """What a database does with them."""

    async def carry_out(self, steps: Sequence[Step]) -> list[list[Sequence[Any]]]:
        """Carry statements out in order, in one transaction: all or none, durably.

        Returns:
            The rows of each; of one that changes something: one row with one value, how many rows it has changed.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        ...


def in_sqlite(step: Step) -> tuple[str, list[Any]]:
    """A statement as SQLite reads it, and its values in the order in which they are wanted."""
    wanted = [step.values[int(place) - 1] for place in _VALUE.findall(step.statement)]
    return _VALUE.sub("?", step.statement), wanted
