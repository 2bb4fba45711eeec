"""Messages to other systems."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table. What is there stays: nobody is told of calls that were over before."""
    row_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "outbox",
        sa.Column("seq", row_number, autoincrement=True, nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("webhook", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("due_utc_ms", sa.BigInteger),
        sa.Column("error", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
    )
    waits = sa.text("due_utc_ms IS NOT NULL")
    op.create_index("ix_outbox_id", "outbox", ["message_id", "webhook"], unique=True)
    for name, columns in (("ix_outbox_due", ["webhook", "due_utc_ms"]), ("ix_outbox_lane", ["webhook", "lane", "seq"])):
        op.create_index(name, "outbox", columns, sqlite_where=waits, postgresql_where=waits)
