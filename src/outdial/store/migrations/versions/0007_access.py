"""Who may use the API, what they have changed, and answers to requests that may come again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add tables. Nothing that is there changes; there is nobody in them, so nobody may use the API yet."""
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text, nullable=False),
        sa.Column("campaigns", sa.Text),
        sa.Column("agent_id", sa.Integer),
        sa.Column("created_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_utc_ms", sa.BigInteger),
        sa.Column("used_utc_ms", sa.BigInteger),
        sa.Column("revoked_utc_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("token_id", name="pk_api_tokens"),
    )
    op.create_index("ix_api_tokens_digest", "api_tokens", ["digest"], unique=True)
    counts = sa.text("revoked_utc_ms IS NULL")
    op.create_index(
        "ix_api_tokens_name", "api_tokens", ["name"], unique=True, sqlite_where=counts, postgresql_where=counts
    )
    op.create_table(
        "api_users",
        sa.Column("login", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("campaigns", sa.Text),
        sa.Column("agent_id", sa.Integer),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("created_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("login", name="pk_api_users"),
    )
    op.create_table(
        "api_sessions",
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("created_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_utc_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_api_sessions"),
    )
    op.create_index("ix_api_sessions_subject", "api_sessions", ["subject"])
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("utc_ms", sa.BigInteger, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("address", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit"),
    )
    op.create_index("ix_audit_utc_ms", "audit", ["utc_ms"])
    op.create_table(
        "api_answers",
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("begun_utc_ms", sa.BigInteger, nullable=False),
        sa.Column("status", sa.SmallInteger),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", "route", name="pk_api_answers"),
    )
    op.create_index("ix_api_answers_begun_utc_ms", "api_answers", ["begun_utc_ms"])
