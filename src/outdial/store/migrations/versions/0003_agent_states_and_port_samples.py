"""What agents did and how ports were used, for reports. What the tables mean: `outdial.store.schema`."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make two tables; those that are there stay as they are."""
    _agent_states()
    _port_samples()


def _agent_states() -> None:
    op.create_table(
        "agent_states",
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("change_n", sa.BigInteger, nullable=False),
        sa.Column("agent_id", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("group_id", sa.Integer),
        sa.Column("from_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("until_utc_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("epoch", "change_n", name="pk_agent_states"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_agent_states_until", "agent_states", ["until_utc_ms"])
    op.create_index(
        "ix_agent_states_open",
        "agent_states",
        ["epoch", "agent_id"],
        sqlite_where=sa.text("until_utc_ms IS NULL"),
        postgresql_where=sa.text("until_utc_ms IS NULL"),
    )


def _port_samples() -> None:
    op.create_table(
        "port_samples",
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("utc_ms", sa.BigInteger, nullable=False),
        sa.Column("pool_kind", sa.SmallInteger, nullable=False),
        sa.Column("pool_id", sa.Integer, nullable=False),
        sa.Column("group_id", sa.Integer, nullable=False),
        sa.Column("span_ms", sa.BigInteger, nullable=False),
        sa.Column("looks", sa.Integer, nullable=False),
        sa.Column("used_sum", sa.Integer, nullable=False),
        sa.Column("used_peak", sa.Integer, nullable=False),
        sa.Column("engaging_sum", sa.Integer, nullable=False),
        sa.Column("maximum_ports", sa.Integer),
        sa.Column("at_maximum_looks", sa.Integer, nullable=False),
        sa.Column("waiting_looks", sa.Integer, nullable=False),
        sa.Column("need_millis", sa.BigInteger, nullable=False),
        sa.Column("ready_agents", sa.Integer, nullable=False),
        sa.Column("hold", sa.Text),
        sa.PrimaryKeyConstraint("epoch", "utc_ms", "pool_kind", "pool_id", "group_id", name="pk_port_samples"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_port_samples_utc", "port_samples", ["utc_ms"])
