"""Consent of records, attempts by number, and the evidence of attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns, an index and a table. What is there stays: old records have no consent, old attempts no evidence."""
    op.add_column("records", sa.Column("consent", sa.Text))
    op.add_column("records", sa.Column("consent_utc_ms", sa.BigInteger))
    op.create_index("ix_attempts_number", "attempts", ["number", "dialed_utc_ms"])
    op.create_table(
        "evidence",
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("call_id", sa.BigInteger, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("epoch", "call_id", name="pk_evidence"),
        sqlite_with_rowid=False,
    )
