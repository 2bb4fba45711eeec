"""The outbox in PostgreSQL: whichever server comes first delivers, as far as its configuration has the webhook."""

from collections.abc import Sequence
from typing import Any

from outdial.store.outbox import (
    FORGOTTEN_AT_ONCE,
    MESSAGE_COLUMNS,
    NEW_MESSAGE_COLUMNS,
    Message,
    NotDelivered,
    OutboxCounts,
    messages_in,
)
from outdial.store.postgres_link import Connection, Link
from outdial.store.postgres_statements import arrays, transposed

_ADD = f"""
INSERT INTO outbox ({", ".join(NEW_MESSAGE_COLUMNS)})
SELECT {", ".join(NEW_MESSAGE_COLUMNS)}
FROM {arrays(NEW_MESSAGE_COLUMNS)}
    WITH ORDINALITY AS new ({", ".join(NEW_MESSAGE_COLUMNS)}, n)
ORDER BY n
ON CONFLICT (message_id, webhook) DO NOTHING
"""
_TAKE = f"""
WITH due AS (
    SELECT seq FROM outbox AS m
    WHERE webhook = $1 AND due_utc_ms <= $2::bigint AND NOT EXISTS (
        SELECT 1 FROM outbox AS e WHERE e.webhook = m.webhook AND e.lane = m.lane AND e.seq < m.seq
            AND e.due_utc_ms IS NOT NULL
    )
    ORDER BY due_utc_ms, seq LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE outbox AS o SET due_utc_ms = $3, tries = tries + 1 FROM due WHERE o.seq = due.seq
RETURNING {", ".join(f"o.{name}" for name in MESSAGE_COLUMNS)}
"""
_FAIL = """
UPDATE outbox AS o SET due_utc_ms = failed.due_utc_ms, error = failed.error
FROM unnest($1::bigint[], $2::bigint[], $3::text[]) AS failed (seq, due_utc_ms, error) WHERE o.seq = failed.seq
"""
_COUNTS = "SELECT webhook, count(due_utc_ms), count(*) - count(due_utc_ms) FROM outbox GROUP BY webhook"
_MESSAGES = f"""
SELECT {", ".join(MESSAGE_COLUMNS)} FROM outbox
WHERE ($1::text IS NULL OR webhook = $1) AND seq > $2 ORDER BY seq LIMIT $3
"""
_RETRY = """
UPDATE outbox SET due_utc_ms = $2, tries = 0 WHERE due_utc_ms IS NULL AND ($1::text IS NULL OR webhook = $1)
RETURNING seq
"""
_FORGET = """
DELETE FROM outbox WHERE seq IN (
    SELECT seq FROM outbox WHERE due_utc_ms IS NULL AND created_utc_ms < $1::bigint ORDER BY seq LIMIT $2
) RETURNING seq
"""


async def add_messages(connection: Connection, changes: Sequence[Any]) -> None:
    """Write down the messages among changes, in a transaction of the caller's."""
    if rows := messages_in(changes):
        await connection.execute(_ADD, *transposed(rows))


class PostgresOutbox:
    """The `Outbox` of a PostgreSQL database."""

    def __init__(self, link: Link) -> None:
        """Asks over a link of the store's."""
        self._link = link

    async def take(self, webhook: str, utc_ms: int, until_utc_ms: int, count_max: int) -> tuple[Message, ...]:
        """See `Outbox.take`."""
        rows = await self._fetch(_TAKE, webhook, utc_ms, until_utc_ms, count_max)
        return tuple(sorted((Message(*row) for row in rows), key=lambda message: message.seq))

    async def finish(self, delivered: Sequence[int], failed: Sequence[NotDelivered]) -> None:
        """See `Outbox.finish`."""

        async def work(connection: Connection) -> None:
            if delivered:
                await connection.execute("DELETE FROM outbox WHERE seq = ANY ($1::bigint[])", list(delivered))
            if failed:
                rows = [(one.seq, one.due_utc_ms, one.error) for one in failed]
                await connection.execute(_FAIL, *transposed(rows))

        await self._link.transaction(work)

    async def counts(self) -> dict[str, OutboxCounts]:
        """See `Outbox.counts`."""
        rows = await self._fetch(_COUNTS)
        return {webhook: OutboxCounts(waiting, parked) for webhook, waiting, parked in rows}

    async def messages(self, webhook: str | None, after: int, count_max: int) -> tuple[Message, ...]:
        """See `Outbox.messages`."""
        return tuple(Message(*row) for row in await self._fetch(_MESSAGES, webhook, after, count_max))

    async def retry(self, webhook: str | None, utc_ms: int) -> int:
        """See `Outbox.retry`."""
        return len(await self._fetch(_RETRY, webhook, utc_ms))

    async def forget(self, before_utc_ms: int) -> int:
        """See `Outbox.forget`."""
        return len(await self._fetch(_FORGET, before_utc_ms, FORGOTTEN_AT_ONCE))

    async def _fetch(self, statement: str, *values: object) -> list[Any]:
        rows: list[Any] = await self._link.transaction(lambda connection: connection.fetch(statement, *values))
        return rows
