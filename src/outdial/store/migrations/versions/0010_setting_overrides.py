"""Settings that were changed at run time. What the table means: `outdial.store.schema`."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make a table; those that are there stay as they are."""
    op.create_table(
        "setting_overrides",
        sa.Column("server", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("dbid", sa.Integer, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.Column("changed_utc_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("server", "kind", "dbid", "name", name="pk_setting_overrides"),
        sqlite_with_rowid=False,
    )
