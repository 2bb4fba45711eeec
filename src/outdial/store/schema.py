"""The tables of a store. Changes to them go through a migration in `store/migrations`; a test compares both.

Times are milliseconds UTC. A record waits to be claimed if, and only if, `due_utc_ms` is set: of a chain that is the
record that is tried next, the *head*. A claimed chain has `claim_epoch` set on its head.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from outdial.store.access_tables import API_ANSWERS, API_SESSIONS, API_TOKENS, API_USERS, AUDIT
from outdial.store.metadata import METADATA
from outdial.store.outbox_table import OUTBOX

__all__ = [
    "ABANDONMENT",
    "AGENT_STATES",
    "API_ANSWERS",
    "API_SESSIONS",
    "API_TOKENS",
    "API_USERS",
    "ATTEMPTS",
    "AUDIT",
    "DISPOSITIONS",
    "DO_NOT_CALL",
    "EVIDENCE",
    "IMPORTS",
    "METADATA",
    "OPEN_ATTEMPTS",
    "OUTBOX",
    "PORT_SAMPLES",
    "RECORDS",
    "SERVERS",
]

_ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite keeps a table in the order of a key that is called INTEGER, and needs a second tree for one that is not."""

SERVERS = Table(
    "servers",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("started_utc_ms", BigInteger, nullable=False),
)
"""Servers and the epoch of their latest start. Epochs are unique over all servers."""

RECORDS = Table(
    "records",
    METADATA,
    Column("record_id", _ROW_NUMBER, autoincrement=False, nullable=False),
    Column("list_id", Integer, nullable=False),
    Column("number", Text, nullable=False),
    Column("chain_id", BigInteger, nullable=False, server_default=text("0")),
    Column("chain_n", Integer, nullable=False, server_default=text("0")),
    Column("record_type", SmallInteger, nullable=False, server_default=text("2")),
    Column("status", SmallInteger, nullable=False, server_default=text("1")),
    Column("call_result", SmallInteger, nullable=False, server_default=text("28")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("priority", SmallInteger, nullable=False, server_default=text("0")),
    Column("due_utc_ms", BigInteger),
    Column("claim_epoch", BigInteger),
    Column("daily_from_s", Integer),
    Column("daily_till_s", Integer),
    Column("zone", Text),
    Column("agent_id", Integer),
    Column("last_attempt_utc_ms", BigInteger),
    Column("treatments", Text),
    Column("custom", Text),
    Column("customer_id", Text),
    Column("cancel_utc_ms", BigInteger),
    Column("group_id", Integer, nullable=False, server_default=text("0")),
    Column("scheduled_utc_ms", BigInteger),
    Column("callback_agent_id", Integer),
    Column("callback_number", Text),
    Column("consent", Text),
    Column("consent_utc_ms", BigInteger),
    PrimaryKeyConstraint("record_id"),
    CheckConstraint("due_utc_ms IS NULL OR claim_epoch IS NULL", name="waits_or_is_claimed"),
)
"""Records of all calling lists.

`record_type`, `status` and `call_result` hold the vendor's numbers; 28 is Unknown, of a record never dialed.
`priority` says among which records it waits (`outdial.core.records.Priority`); which of them go first is the claim's
affair. `treatments`: the history as JSON [[result, count], …]. `custom`: columns of the imported file as a JSON object
of texts. `group_id`: campaign group that alone may claim it, 0: any. `scheduled_utc_ms`: since when a record of a
personal type has been due, whatever `due_utc_ms` says; `callback_agent_id`: for whom. `callback_number`: dialed instead
of `number`. `customer_id`: what do-not-call lists may have instead of the number. `cancel_utc_ms`: since when
nobody wants the record any more: it is cancelled when its claim ends. `consent`: on what
ground the person may be called.
"""

Index(
    "ix_records_due",
    RECORDS.c.list_id,
    RECORDS.c.group_id,
    RECORDS.c.priority,
    RECORDS.c.due_utc_ms,
    RECORDS.c.record_id,
    sqlite_where=text("due_utc_ms IS NOT NULL"),
    postgresql_where=text("due_utc_ms IS NOT NULL"),
)
Index(
    "ix_records_claimed",
    RECORDS.c.claim_epoch,
    sqlite_where=text("claim_epoch IS NOT NULL"),
    postgresql_where=text("claim_epoch IS NOT NULL"),
)
Index(
    "ix_records_chain",
    RECORDS.c.list_id,
    RECORDS.c.chain_id,
    RECORDS.c.chain_n,
    sqlite_where=text("chain_id > 0"),
    postgresql_where=text("chain_id > 0"),
)
Index("ix_records_number", RECORDS.c.number)
Index(
    "ix_records_callback_number",
    RECORDS.c.callback_number,
    sqlite_where=text("callback_number IS NOT NULL"),
    postgresql_where=text("callback_number IS NOT NULL"),
)
Index(
    "ix_records_cancel",
    RECORDS.c.record_id,
    sqlite_where=text("cancel_utc_ms IS NOT NULL AND status = 2"),
    postgresql_where=text("cancel_utc_ms IS NOT NULL AND status = 2"),
)

OPEN_ATTEMPTS = Table(
    "open_attempts",
    METADATA,
    Column("epoch", BigInteger, nullable=False),
    Column("call_id", BigInteger, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("node_id", Integer, nullable=False),
    Column("list_id", Integer, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("attempt_n", Integer, nullable=False),
    Column("dialed_utc_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("epoch", "call_id"),
    sqlite_with_rowid=False,
)
"""Attempts that have begun and not ended: a few hundred rows, gone with the settlement."""

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("epoch", BigInteger, nullable=False),
    Column("call_id", BigInteger, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("node_id", Integer, nullable=False),
    Column("list_id", Integer, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("attempt_n", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("call_result", SmallInteger, nullable=False),
    Column("fault", Text, nullable=False),
    Column("verdict", Text),
    Column("sip_status", SmallInteger),
    Column("q850_cause", SmallInteger),
    Column("agent_id", Integer),
    Column("dialed_utc_ms", BigInteger, nullable=False),
    Column("ring_ms", BigInteger, nullable=False),
    Column("wait_ms", BigInteger, nullable=False),
    Column("talk_ms", BigInteger, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("not_before_utc_ms", BigInteger, nullable=False),
    Column("campaign_id", Integer),
    Column("seller", Text),
    Column("person", SmallInteger, nullable=False, server_default=text("0")),
    Column("abandoned", SmallInteger, nullable=False, server_default=text("0")),
    Column("clock", Text),
    Column("clock_ms", BigInteger, nullable=False, server_default=text("0")),
    Column("message_played", SmallInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("epoch", "call_id"),
    sqlite_with_rowid=False,
)
"""Every attempt ever settled. Rows are added, never changed.

`person`, `abandoned`, `message_played` are 0 or 1; `campaign_id` and `seller` are missing in rows of older versions.
"""

Index("ix_attempts_record", ATTEMPTS.c.record_id)
Index("ix_attempts_dialed", ATTEMPTS.c.dialed_utc_ms)
Index("ix_attempts_number", ATTEMPTS.c.number, ATTEMPTS.c.dialed_utc_ms)

EVIDENCE = Table(
    "evidence",
    METADATA,
    Column("epoch", BigInteger, nullable=False),
    Column("call_id", BigInteger, nullable=False),
    Column("evidence", Text, nullable=False),
    PrimaryKeyConstraint("epoch", "call_id"),
    sqlite_with_rowid=False,
)
"""What allowed each attempt, as JSON (`outdial.evidence_text`). Rows are added, never changed."""

ABANDONMENT = Table(
    "abandonment",
    METADATA,
    Column("campaign_id", Integer, nullable=False),
    Column("seller", Text, nullable=False),
    Column("bucket_utc_ms", BigInteger, nullable=False),
    Column("persons", Integer, nullable=False),
    Column("live", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("machines", Integer, nullable=False),
    Column("messages", Integer, nullable=False),
    PrimaryKeyConstraint("campaign_id", "seller", "bucket_utc_ms"),
    sqlite_with_rowid=False,
)
"""The ledger of abandoned calls: `core.abandonment.Counts` of a quarter of an hour, by the instant of the dial request.

An attempt is added to it in the transaction that adds the attempt.
"""
DISPOSITIONS = Table(
    "dispositions",
    METADATA,
    Column("epoch", BigInteger, nullable=False),
    Column("disposition_n", BigInteger, nullable=False),
    Column("call_id", BigInteger, nullable=False),
    Column("list_id", Integer, nullable=False),
    Column("record_id", BigInteger, nullable=False),
    Column("attempt_n", Integer, nullable=False),
    Column("agent_id", Integer, nullable=False),
    Column("call_result", SmallInteger, nullable=False),
    Column("disposition", Text, nullable=False),
    Column("not_before_utc_ms", BigInteger, nullable=False),
    Column("record_type", SmallInteger),
    Column("callback_number", Text),
    Column("note", Text, nullable=False),
    Column("given_utc_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("epoch", "disposition_n"),
    sqlite_with_rowid=False,
)
"""Every word of an agent on a call. Rows are added, never changed; the last one on a call is what counts."""

Index("ix_dispositions_record", DISPOSITIONS.c.record_id)

IMPORTS = Table(
    "imports",
    METADATA,
    Column("list_id", Integer, nullable=False),
    Column("file", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("lines_done", BigInteger, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("finished_utc_ms", BigInteger),
    PrimaryKeyConstraint("list_id", "digest"),
)
"""Files that were read into lists, and how far: an import that was cut off goes on behind its last full batch."""

DO_NOT_CALL = Table(
    "do_not_call",
    METADATA,
    Column("seq", _ROW_NUMBER, autoincrement=False, nullable=False),
    Column("number", Text, nullable=False),
    Column("list_name", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_utc_ms", BigInteger, nullable=False),
    Column("seen_utc_ms", BigInteger, nullable=False),
    Column("expires_utc_ms", BigInteger),
    Column("removed_by", Text),
    Column("removed_utc_ms", BigInteger),
    PrimaryKeyConstraint("seq"),
)
"""Numbers and customers that are not called. Rows are never deleted: what was removed says by whom and when.

`number`: without a leading +, or `customer:` and the customer's id. `seq`: grows in the order of the commits, so that
who has seen up to one of them has missed none before it. `seen_utc_ms`: when a file or a command had it last.
"""

_ON_LIST = text("removed_utc_ms IS NULL")
_EXPIRES = text("expires_utc_ms IS NOT NULL AND removed_utc_ms IS NULL")
_REMOVED = text("removed_utc_ms IS NOT NULL")
Index(
    "ix_do_not_call_number",
    DO_NOT_CALL.c.number,
    DO_NOT_CALL.c.list_name,
    unique=True,
    sqlite_where=_ON_LIST,
    postgresql_where=_ON_LIST,
)
Index("ix_do_not_call_expires", DO_NOT_CALL.c.expires_utc_ms, sqlite_where=_EXPIRES, postgresql_where=_EXPIRES)
Index("ix_do_not_call_removed", DO_NOT_CALL.c.number, sqlite_where=_REMOVED, postgresql_where=_REMOVED)
AGENT_STATES = Table(
    "agent_states",
    METADATA,
    Column("epoch", BigInteger, nullable=False),
    Column("change_n", BigInteger, nullable=False),
    Column("agent_id", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    Column("group_id", Integer),
    Column("from_utc_ms", BigInteger, nullable=False),
    Column("until_utc_ms", BigInteger),
    PrimaryKeyConstraint("epoch", "change_n"),
    sqlite_with_rowid=False,
)
"""What agents did while they were logged in, one row for each stretch. Rows are added; an open one gets its end, once.

`change_n` counts the changes of a start. `state` is a value of `AgentState`, but never `logged out`. `group_id`:
campaign group of the call, of an agent who is busy. `until_utc_ms` is NULL while it goes on; of a start that crashed it
becomes that start's last sign of life.
"""

Index("ix_agent_states_until", AGENT_STATES.c.until_utc_ms)
Index(
    "ix_agent_states_open",
    AGENT_STATES.c.epoch,
    AGENT_STATES.c.agent_id,
    sqlite_where=text("until_utc_ms IS NULL"),
    postgresql_where=text("until_utc_ms IS NULL"),
)

PORT_SAMPLES = Table(
    "port_samples",
    METADATA,
    Column("epoch", BigInteger, nullable=False),
    Column("utc_ms", BigInteger, nullable=False),
    Column("pool_kind", SmallInteger, nullable=False),
    Column("pool_id", Integer, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("span_ms", BigInteger, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("used_sum", Integer, nullable=False),
    Column("used_peak", Integer, nullable=False),
    Column("engaging_sum", Integer, nullable=False),
    Column("maximum_ports", Integer),
    Column("at_maximum_looks", Integer, nullable=False),
    Column("waiting_looks", Integer, nullable=False),
    Column("need_millis", BigInteger, nullable=False),
    Column("ready_agents", Integer, nullable=False),
    Column("hold", Text),
    PrimaryKeyConstraint("epoch", "utc_ms", "pool_kind", "pool_id", "group_id"),
    sqlite_with_rowid=False,
)
"""How ports were used: one row a minute for each group that runs or holds ports, one with `group_id` 0 for its pool.

`utc_ms`: the first look; `span_ms`: from there to the last. Sums are over `looks` looks, about one a second.
`pool_kind`: 1 switch, 2 CPD server. `maximum_ports`, `need_millis`, `ready_agents` and `hold` are those of the last
look; NULL: no limit but the pool, no hold. `waiting_looks`: looks at which the group waited for ports. Old rows are
deleted.
"""

Index("ix_port_samples_utc", PORT_SAMPLES.c.utc_ms)

SETTING_OVERRIDES = Table(
    "setting_overrides",
    METADATA,
    Column("server", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("dbid", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_utc_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("server", "kind", "dbid", "name"),
    sqlite_with_rowid=False,
)
"""Settings that operators of a server have changed at run time: `outdial.setting_overrides`. `value` is JSON."""
