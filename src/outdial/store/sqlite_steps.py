"""Statements that every database understands, in SQLite; inside a transaction that the caller has begun."""

import sqlite3
from collections.abc import Sequence

from outdial.store.rows import Row
from outdial.store.steps import Step, in_sqlite


def carry_out(connection: sqlite3.Connection, steps: Sequence[Step]) -> list[list[Row]]:
    """Carry statements out in order."""
    answers: list[list[Row]] = []
    for step in steps:
        cursor = connection.execute(*in_sqlite(step))
        answers.append(cursor.fetchall() if step.gives_rows else [(cursor.rowcount,)])
    return answers
