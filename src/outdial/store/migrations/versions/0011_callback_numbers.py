"""Records are found by the number of their callback, too."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_HAS_ONE = sa.text("callback_number IS NOT NULL")


def upgrade() -> None:
    """Add an index, of the few records that have such a number. Reads all of them once."""
    op.create_index(
        "ix_records_callback_number",
        "records",
        ["callback_number"],
        sqlite_where=_HAS_ONE,
        postgresql_where=_HAS_ONE,
    )
