"""Statements that every database understands, in PostgreSQL; inside a transaction of the caller's."""

from collections.abc import Sequence

from outdial.store.postgres_link import Connection
from outdial.store.rows import Row
from outdial.store.steps import Step


async def carry_out(connection: Connection, steps: Sequence[Step]) -> list[list[Row]]:
    """Carry statements out in order."""
    answers: list[list[Row]] = []
    for step in steps:
        if step.gives_rows:
            answers.append(await connection.fetch(step.statement, *step.values))
        else:  # asyncpg says it in words: "INSERT 0 1", "DELETE 3"
            said: str = await connection.execute(step.statement, *step.values)
            answers.append([(int(said.rpartition(" ")[2]),)])
    return answers
