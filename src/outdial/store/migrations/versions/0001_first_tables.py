"""The first tables. What they mean: `outdial.store.schema`."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them all."""
    op.create_table(
        "servers",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("started_utc_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_servers"),
    )
    _records()
    _attempts()
    op.create_table(
        "imports",
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("file", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("lines_done", sa.BigInteger, nullable=False),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("finished_utc_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("list_id", "digest", name="pk_imports"),
    )


def _records() -> None:
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "records",
        sa.Column("record_id", row_number, autoincrement=False, nullable=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("chain_id", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("chain_n", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("record_type", sa.SmallInteger, nullable=False, server_default=sa.text("2")),
        sa.Column("status", sa.SmallInteger, nullable=False, server_default=sa.text("1")),
        sa.Column("call_result", sa.SmallInteger, nullable=False, server_default=sa.text("28")),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("priority", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("due_utc_ms", sa.BigInteger),
        sa.Column("claim_epoch", sa.BigInteger),
        sa.Column("daily_from_s", sa.Integer),
        sa.Column("daily_till_s", sa.Integer),
        sa.Column("zone", sa.Text),
        sa.Column("agent_id", sa.Integer),
        sa.Column("last_attempt_utc_ms", sa.BigInteger),
        sa.Column("treatments", sa.Text),
        sa.Column("custom", sa.Text),
        sa.PrimaryKeyConstraint("record_id", name="pk_records"),
        sa.CheckConstraint("due_utc_ms IS NULL OR claim_epoch IS NULL", name=op.f("ck_records_waits_or_is_claimed")),
    )
    _partial(
        "ix_records_due", ["list_id", sa.text("priority DESC"), "due_utc_ms", "record_id"], "due_utc_ms IS NOT NULL"
    )
    _partial("ix_records_claimed", ["claim_epoch"], "claim_epoch IS NOT NULL")
    _partial("ix_records_chain", ["list_id", "chain_id", "chain_n"], "chain_id > 0")
    op.create_index("ix_records_number", "records", ["number"])


def _partial(name: str, columns: list[str | sa.TextClause], where: str) -> None:
    op.create_index(name, "records", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _attempts() -> None:
    op.create_table(
        "open_attempts",
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("node_id", sa.Integer, nullable=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("attempt_n", sa.Integer, nullable=False),
        sa.Column("dialed_utc_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "call_id", name="pk_open_attempts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempts",
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("node_id", sa.Integer, nullable=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("attempt_n", sa.Integer, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("call_result", sa.SmallInteger, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text),
        sa.Column("sip_status", sa.SmallInteger),
        sa.Column("q850_cause", sa.SmallInteger),
        sa.Column("agent_id", sa.Integer),
        sa.Column("dialed_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("ring_ms", sa.BigInteger, nullable=False),
        sa.Column("wait_ms", sa.BigInteger, nullable=False),
        sa.Column("talk_ms", sa.BigInteger, nullable=False),
        sa.Column("disposition", sa.Text, nullable=False),
        sa.Column("not_before_utc_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "call_id", name="pk_attempts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_attempts_record", "attempts", ["record_id"])
    op.create_index("ix_attempts_dialed", "attempts", ["dialed_utc_ms"])
