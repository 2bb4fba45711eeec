"""The outbox in SQLite."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
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

_ADD = (
    f"INSERT INTO outbox ({', '.join(NEW_MESSAGE_COLUMNS)}) VALUES ({', '.join('?' for _ in NEW_MESSAGE_COLUMNS)}) "
    "ON CONFLICT (message_id, webhook) DO NOTHING"
)
_DUE = """
SELECT seq FROM outbox AS m WHERE webhook = ?1 AND due_utc_ms <= ?2 AND NOT EXISTS (
    SELECT 1 FROM outbox AS e WHERE e.webhook = m.webhook AND e.lane = m.lane AND e.seq < m.seq
        AND e.due_utc_ms IS NOT NULL
) ORDER BY due_utc_ms, seq LIMIT ?3
"""
_HAND_OUT = f"UPDATE outbox SET due_utc_ms = ?, tries = tries + 1 WHERE seq = ? RETURNING {', '.join(MESSAGE_COLUMNS)}"
_COUNTS = "SELECT webhook, count(due_utc_ms), count(*) - count(due_utc_ms) FROM outbox GROUP BY webhook"
_MESSAGES = (
    f"SELECT {', '.join(MESSAGE_COLUMNS)} FROM outbox WHERE (?1 IS NULL OR webhook = ?1) AND seq > ?2 "
    "ORDER BY seq LIMIT ?3"
)
_RETRY = "UPDATE outbox SET due_utc_ms = ?2, tries = 0 WHERE due_utc_ms IS NULL AND (?1 IS NULL OR webhook = ?1)"
_FORGET = (
    "DELETE FROM outbox WHERE seq IN "
    "(SELECT seq FROM outbox WHERE due_utc_ms IS NULL AND created_utc_ms < ? ORDER BY seq LIMIT ?)"
)


def add_messages(connection: sqlite3.Connection, changes: Sequence[Any]) -> None:
    """Write down the messages among changes, in a transaction of the caller's."""
    connection.executemany(_ADD, messages_in(changes))


class SqliteOutbox:
    """The `Outbox` of a SQLite file."""

    def __init__(self, in_transaction: Callable[..., Awaitable[Any]]) -> None:
        """`in_transaction` does some work with a connection, in a transaction of its own."""
        self._do = in_transaction

    async def take(self, webhook: str, utc_ms: int, until_utc_ms: int, count_max: int) -> tuple[Message, ...]:
        """See `Outbox.take`."""
        found: tuple[Message, ...] = await self._do(_take, webhook, utc_ms, until_utc_ms, count_max)
        return found

    async def finish(self, delivered: Sequence[int], failed: Sequence[NotDelivered]) -> None:
        """See `Outbox.finish`."""
        await self._do(_finish, delivered, failed)

    async def counts(self) -> dict[str, OutboxCounts]:
        """See `Outbox.counts`."""
        rows = await self._do(_rows, _COUNTS)
        return {webhook: OutboxCounts(waiting, parked) for webhook, waiting, parked in rows}

    async def messages(self, webhook: str | None, after: int, count_max: int) -> tuple[Message, ...]:
        """See `Outbox.messages`."""
        return tuple(Message(*row) for row in await self._do(_rows, _MESSAGES, webhook, after, count_max))

    async def retry(self, webhook: str | None, utc_ms: int) -> int:
        """See `Outbox.retry`."""
        count: int = await self._do(_change, _RETRY, webhook, utc_ms)
        return count

    async def forget(self, before_utc_ms: int) -> int:
        """See `Outbox.forget`."""
        count: int = await self._do(_change, _FORGET, before_utc_ms, FORGOTTEN_AT_ONCE)
        return count


# --- in the thread -----------------------------------------------------------------------------------------------


def _take(
    connection: sqlite3.Connection, webhook: str, utc_ms: int, until_utc_ms: int, count_max: int
) -> tuple[Message, ...]:
    due = connection.execute(_DUE, (webhook, utc_ms, count_max)).fetchall()
    return tuple(Message(*connection.execute(_HAND_OUT, (until_utc_ms, seq)).fetchone()) for (seq,) in sorted(due))


def _finish(connection: sqlite3.Connection, delivered: Sequence[int], failed: Sequence[NotDelivered]) -> None:
    connection.executemany("DELETE FROM outbox WHERE seq = ?", [(seq,) for seq in delivered])
    connection.executemany(
        "UPDATE outbox SET due_utc_ms = ?, error = ? WHERE seq = ?",
        [(one.due_utc_ms, one.error, one.seq) for one in failed],
    )


def _rows(connection: sqlite3.Connection, statement: str, *values: object) -> list[Any]:
    return connection.execute(statement, values).fetchall()


def _change(connection: sqlite3.Connection, statement: str, *values: object) -> int:
    return connection.execute(statement, values).rowcount
