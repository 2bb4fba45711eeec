"""The outbox: messages to other systems, written down in the transaction that they tell of.

A message is there as soon as what it tells has been written, and stays until somebody has taken delivery or it has
been given up. Messages of one *lane* (a record, an alarm) go one after the other: only the first of a lane is handed
out, and the next one when that is delivered or given up. What is handed out is not handed out again before an instant;
should the process die in the meantime, it is then. So a message may be delivered twice, under the same id.

Source: transactional outbox (Richardson, "Microservices Patterns", 2018). Ours: lanes, leases by instant (0026).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class MessageDue:
    """A message for one webhook; written together with the changes beside it."""

    message_id: str
    """The same for the receiver however often it is delivered. Range: 1 … 100 characters."""
    webhook: str
    """Name of the webhook that it is for."""
    kind: str
    """What it tells: an event of webhooks."""
    lane: str
    """Messages of one lane go one after the other."""
    body: str
    """What is sent, as JSON."""
    utc_ms: int
    """When it came about."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that has not been delivered."""

    seq: int
    """Its place among all messages."""
    message_id: str
    webhook: str
    kind: str
    lane: str
    body: str
    created_utc_ms: int
    tries: int
    """How often it was handed out."""
    due_utc_ms: int | None
    """When it is handed out next. None: it has been given up."""
    error: str
    """Why the last try failed; empty: none has."""


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """A try that has failed."""

    seq: int
    due_utc_ms: int | None
    """When it is tried again. None: it is given up."""
    error: str


@dataclass(frozen=True, slots=True)
class OutboxCounts:
    """Messages of one webhook."""

    waiting: int
    parked: int
    """Given up."""


MESSAGE_COLUMNS = (
    *("seq", "message_id", "webhook", "kind", "lane", "body"),
    *("created_utc_ms", "tries", "due_utc_ms", "error"),
)
"""What a `Message` is made of, in its order."""
NEW_MESSAGE_COLUMNS = ("message_id", "webhook", "kind", "lane", "body", "created_utc_ms", "due_utc_ms")
"""What `new_message_values` gives, in its order."""
FORGOTTEN_AT_ONCE = 1_000
"""Messages that are deleted in one transaction. Unit: rows."""


class Outbox(Protocol):
    """The outbox of one database. All methods raise `StoreUnavailable` when it cannot be reached."""

    async def take(self, webhook: str, utc_ms: int, until_utc_ms: int, count_max: int) -> tuple[Message, ...]:
        """Hand out messages that are due, those longest due, at most one of each lane. They come by their `seq`.

        Args:
            webhook: whose.
            utc_ms: now.
            until_utc_ms: nobody else is handed them before this.
            count_max: how many at most.
        """
        ...

    async def finish(self, delivered: Sequence[int], failed: Sequence[NotDelivered]) -> None:
        """What has become of messages that were handed out. Those that were delivered are gone. By their `seq`."""
        ...

    async def counts(self) -> dict[str, OutboxCounts]:
        """How many messages there are, by webhook; one without messages is missing."""
        ...

    async def messages(self, webhook: str | None, after: int, count_max: int) -> tuple[Message, ...]:
        """Messages in their order, a page at a time: those after one. `webhook`: None: of all."""
        ...

    async def retry(self, webhook: str | None, utc_ms: int) -> int:
        """Messages that were given up are due again, with as many tries as a new one. Returns how many."""
        ...

    async def forget(self, before_utc_ms: int) -> int:
        """Delete some messages that were given up and are older than an instant. Returns how many."""
        ...


def messages_in(changes: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows of the messages among changes, in order."""
    return [
        (one.message_id, one.webhook, one.kind, one.lane, one.body, one.utc_ms, one.utc_ms)
        for one in changes
        if isinstance(one, MessageDue)
    ]
