"""Do-not-call lists; customers of records, and records that are to be cancelled."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table, and two columns that are empty in the records that are there."""
    op.add_column("records", sa.Column("customer_id", sa.Text))
    op.add_column("records", sa.Column("cancel_utc_ms", sa.BigInteger))
    _partial("ix_records_cancel", "records", ["record_id"], "cancel_utc_ms IS NOT NULL AND status = 2")
    op.create_table(
        "do_not_call",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
        sa.Column("added_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_utc_ms", sa.BigInteger),
        sa.Column("removed_by", sa.Text),
        sa.Column("removed_utc_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("seq", name="pk_do_not_call"),
    )
    _partial("ix_do_not_call_number", "do_not_call", ["number", "list_name"], "removed_utc_ms IS NULL", is_unique=True)
    _partial(
        "ix_do_not_call_expires",
        "do_not_call",
        ["expires_utc_ms"],
        "expires_utc_ms IS NOT NULL AND removed_utc_ms IS NULL",
    )
    _partial("ix_do_not_call_removed", "do_not_call", ["number"], "removed_utc_ms IS NOT NULL")


def _partial(name: str, table: str, columns: list[str], where: str, *, is_unique: bool = False) -> None:
    op.create_index(
        name, table, columns, unique=is_unique, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
    )
