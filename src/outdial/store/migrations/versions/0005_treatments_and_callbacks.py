"""Records of one group or one agent, callbacks, and what agents say. What it means: `outdial.store.schema`."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Records keep what they are; the order in which they are claimed stays as it was."""
    op.add_column("records", sa.Column("group_id", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("records", sa.Column("scheduled_utc_ms", sa.BigInteger))
    op.add_column("records", sa.Column("callback_agent_id", sa.Integer))
    op.add_column("records", sa.Column("callback_number", sa.Text))
    op.drop_index("ix_records_due", "records")
    is_due = sa.text("due_utc_ms IS NOT NULL")
    op.create_index(
        "ix_records_due",
        "records",
        ["list_id", "group_id", "priority", "due_utc_ms", "record_id"],
        sqlite_where=is_due,
        postgresql_where=is_due,
    )
    op.create_table(
        "dispositions",
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("disposition_n", sa.BigInteger, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("list_id", sa.Integer, nullable=False),
        sa.Column("record_id", sa.BigInteger, nullable=False),
        sa.Column("attempt_n", sa.Integer, nullable=False),
        sa.Column("agent_id", sa.Integer, nullable=False),
        sa.Column("call_result", sa.SmallInteger, nullable=False),
        sa.Column("disposition", sa.Text, nullable=False),
        sa.Column("not_before_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("record_type", sa.SmallInteger),
        sa.Column("callback_number", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("given_utc_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "disposition_n", name="pk_dispositions"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_dispositions_record", "dispositions", ["record_id"])
