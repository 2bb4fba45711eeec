"""The tables of those who use the API; see `outdial.store.schema`."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Table, Text, text

from outdial.store.metadata import METADATA

_COUNTS = text("revoked_utc_ms IS NULL")

API_TOKENS = Table(
    "api_tokens",
    METADATA,
    Column("token_id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("campaigns", Text),
    Column("agent_id", Integer),
    Column("created_utc_ms", BigInteger, nullable=False),
    Column("expires_utc_ms", BigInteger),
    Column("used_utc_ms", BigInteger),
    Column("revoked_utc_ms", BigInteger),
    PrimaryKeyConstraint("token_id"),
)
"""Tokens. Rows are never deleted. `digest`: SHA-256 of the secret. `scopes`: with blanks between. `campaigns`: a JSON
array of names; NULL: all."""

Index("ix_api_tokens_digest", API_TOKENS.c.digest, unique=True)
Index("ix_api_tokens_name", API_TOKENS.c.name, unique=True, sqlite_where=_COUNTS, postgresql_where=_COUNTS)

API_USERS = Table(
    "api_users",
    METADATA,
    Column("login", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("campaigns", Text),
    Column("agent_id", Integer),
    Column("password", Text, nullable=False),
    Column("created_utc_ms", BigInteger, nullable=False),
    Column("disabled", SmallInteger, nullable=False),
    PrimaryKeyConstraint("login"),
)
"""People who sign in. `password`: see `outdial.api.passwords`. `disabled`: 0 or 1."""

API_SESSIONS = Table(
    "api_sessions",
    METADATA,
    Column("digest", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("created_utc_ms", BigInteger, nullable=False),
    Column("seen_utc_ms", BigInteger, nullable=False),
    Column("expires_utc_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("digest"),
)
"""Browsers that have signed in, until the session is over. `subject`: `user:LOGIN`, `token:ID` or `key:NAME`."""

Index("ix_api_sessions_subject", API_SESSIONS.c.subject)

AUDIT = Table(
    "audit",
    METADATA,
    Column("audit_id", BigInteger().with_variant(Integer(), "sqlite"), nullable=False, autoincrement=True),
    Column("utc_ms", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("how", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("address", Text, nullable=False),
    PrimaryKeyConstraint("audit_id"),
)
"""Every change that somebody has made. Rows are added, never changed. `before`, `after`: JSON; NULL: nothing."""

Index("ix_audit_utc_ms", AUDIT.c.utc_ms)

API_ANSWERS = Table(
    "api_answers",
    METADATA,
    Column("caller", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("begun_utc_ms", BigInteger, nullable=False),
    Column("status", SmallInteger),
    Column("media_type", Text, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("caller", "key", "route"),
)
"""Answers to requests with an `Idempotency-Key`, for a day. `status` is NULL until there is one."""

Index("ix_api_answers_begun_utc_ms", API_ANSWERS.c.begun_utc_ms)
