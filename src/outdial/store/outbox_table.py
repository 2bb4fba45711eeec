"""The table of messages to other systems; part of `schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from outdial.store.metadata import METADATA

OUTBOX = Table(
    "outbox",
    METADATA,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), autoincrement=True, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("webhook", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_utc_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("due_utc_ms", BigInteger),
    Column("error", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("seq"),
)
"""Messages to other systems that have not been delivered: see `outdial.store.outbox`.

`due_utc_ms` is NULL of those that were given up; of one that is on its way it lies ahead. Delivered ones are deleted.
"""

_MESSAGE_WAITS = text("due_utc_ms IS NOT NULL")
Index("ix_outbox_id", OUTBOX.c.message_id, OUTBOX.c.webhook, unique=True)
Index(
    "ix_outbox_due",
    OUTBOX.c.webhook,
    OUTBOX.c.due_utc_ms,
    sqlite_where=_MESSAGE_WAITS,
    postgresql_where=_MESSAGE_WAITS,
)
Index(
    "ix_outbox_lane",
    OUTBOX.c.webhook,
    OUTBOX.c.lane,
    OUTBOX.c.seq,
    sqlite_where=_MESSAGE_WAITS,
    postgresql_where=_MESSAGE_WAITS,
)
