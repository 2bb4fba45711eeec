"""The ledger of abandoned calls, and what each attempt says to it. What they mean: `outdial.store.schema`.

Attempts of earlier versions are told by their results: who was connected counts as served in time. Their campaigns are
not known here, so the ledger begins with the calls from now on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns and the table; earlier attempts keep everything that they have."""
    for column in (
        sa.Column("campaign_id", sa.Integer),
        sa.Column("seller", sa.Text),
        sa.Column("person", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("abandoned", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("clock", sa.Text),
        sa.Column("clock_ms", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("message_played", sa.SmallInteger, nullable=False, server_default=sa.text("0")),
    ):
        op.add_column("attempts", column)
    op.execute(
        "UPDATE attempts SET person = 1, abandoned = CASE WHEN call_result = 33 THEN 0 ELSE 1 END "
        "WHERE call_result IN (21, 26, 33) AND mode NOT IN ('preview', 'push-preview')"
    )
    op.create_table(
        "abandonment",
        sa.Column("campaign_id", sa.Integer, nullable=False),
        sa.Column("seller", sa.Text, nullable=False),
        sa.Column("bucket_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("persons", sa.Integer, nullable=False),
        sa.Column("live", sa.Integer, nullable=False),
        sa.Column("lost", sa.Integer, nullable=False),
        sa.Column("machines", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "seller", "bucket_utc_ms", name="pk_abandonment"),
        sqlite_with_rowid=False,
    )
