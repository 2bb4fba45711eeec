"""Tokens, people and browser sessions as they are kept, and what keeps them.

A secret (of a token or of a browser's cookie) is 32 random bytes. Only its SHA-256 is kept: a secret with that much
randomness needs no slow hash, and who reads the database cannot use what it has. Passwords do need one: see
`outdial.api.passwords`.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from outdial.api.roles import Role, Scope
from outdial.core.units import DAY_MS, AgentId

SECRET_BYTES: Final = 32
SECRET_START: Final = "outdial_"
"""What every token begins with, so that tools that look for secrets in files know one when they see it."""
SECRET_CHARACTERS_MAX: Final = 128
"""What is longer is no secret of ours and is not even hashed. Unit: characters."""
ANSWER_KEPT_MS: Final = DAY_MS
"""How long the answer to a request with an `Idempotency-Key` is kept. Unit: ms. Ours (decision 0027)."""
ANSWER_PENDING_MS_MAX: Final = 60_000
"""From when on a request that was never answered counts as lost with its process. Unit: ms. Ours (decision 0027)."""

LOGIN: Final = "1 … 64 letters, digits and . _ @ -, beginning with a letter or digit"
LOGIN_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
TOKEN_NAME: Final = "1 … 64 letters, digits, blanks and . _ @ -, beginning and ending with a letter or digit"
TOKEN_NAME_PATTERN: Final = r"^[A-Za-z0-9]([A-Za-z0-9 ._@-]{0,62}[A-Za-z0-9])?$"
CAMPAIGNS_MAX: Final = 1_000
"""Campaigns that one token or person may be limited to."""


@dataclass(frozen=True, slots=True)
class Token:
    """A program's right to ask."""

    token_id: str
    name: str
    scopes: frozenset[Scope]
    campaigns: frozenset[str] | None
    """Names of the campaigns that it may see. None: all."""
    agent_id: AgentId | None
    """The agent as whom it works; None: as none."""
    created_utc_ms: int
    expires_utc_ms: int | None
    used_utc_ms: int | None = None
    """When it was last used, to the minute."""
    revoked_utc_ms: int | None = None

    def counts_at(self, utc_ms: int) -> bool:
        """Whether it may still be used."""
        return self.revoked_utc_ms is None and (self.expires_utc_ms is None or utc_ms < self.expires_utc_ms)


@dataclass(frozen=True, slots=True)
class User:
    """A person who signs in."""

    login: str
    role: Role
    campaigns: frozenset[str] | None
    """Names of the campaigns that the person may see. None: all."""
    agent_id: AgentId | None
    """The agent as whom the person works; None: as none."""
    password: str
    """See `outdial.api.passwords`; never shown."""
    created_utc_ms: int
    is_disabled: bool = False

    def shown(self) -> dict[str, Any]:
        """The person as answers and the audit tell it: everything but the password."""
        return {
            "login": self.login,
            "role": self.role.value,
            "campaigns": None if self.campaigns is None else sorted(self.campaigns),
            "agent_id": self.agent_id,
            "disabled": self.is_disabled,
            "created_utc_ms": self.created_utc_ms,
        }


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that has signed in."""

    subject: str
    """Who: `user:LOGIN`, `token:ID`, or `key:NAME`."""
    address: str
    """From where."""
    created_utc_ms: int
    seen_utc_ms: int
    """When it last asked for something, to the minute."""
    expires_utc_ms: int
    """When it ends, whatever it asks for."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that somebody has made."""

    utc_ms: int
    who: str
    how: str
    """`token`, `session`, `cli` or `signal`."""
    action: str
    subject: str
    before: str | None
    """JSON; None: there was nothing."""
    after: str | None
    """JSON; None: there is nothing."""
    address: str
    audit_id: int = 0
    """Ascending; 0: not written yet."""


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """Which request may come a second time."""

    caller: str
    key: str
    route: str
    """Method, path and query."""


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What has become of the first of such requests."""

    fingerprint: str
    status: int | None
    """None: it has not been answered yet."""
    media_type: str
    body: str


class AccessRecords(Protocol):
    """Where all this is kept. Methods raise `OutdialError` when a database cannot be reached."""

    async def add_token(self, token: Token, digest: str) -> bool:
        """Keep a new token. Returns False when another one that counts has its name."""
        ...

    async def tokens(self) -> tuple[Token, ...]:
        """All tokens, the oldest first, with those that do not count any more."""
        ...

    async def token(self, token_id: str) -> Token | None:
        """A token by its id."""
        ...

    async def token_of(self, digest: str) -> Token | None:
        """A token by the digest of its secret."""
        ...

    async def revoke_token(self, token_id: str, utc_ms: int) -> bool:
        """Let a token not count any more. Returns False when there is none that could."""
        ...

    async def add_user(self, user: User) -> bool:
        """Keep a new person. Returns False when there is one with this login."""
        ...

    async def users(self) -> tuple[User, ...]:
        """All people, by login."""
        ...

    async def user(self, login: str) -> User | None:
        """A person."""
        ...

    async def save_user(self, user: User, seen: User, *, end_sessions: bool) -> bool:
        """Put new values in the place of a person's old ones. Returns False when the person is not as seen, or gone.

        Args:
            user: `created_utc_ms` stays as it was.
            seen: what the person was when that was decided: whoever changes the same person meanwhile is not undone.
            end_sessions: whether the person has to sign in again, as after a new password.
        """
        ...

    async def remove_user(self, login: str) -> bool:
        """Forget a person, and end what sessions there are. Returns False when there is no such person."""
        ...

    async def add_session(self, digest: str, session: Session) -> None:
        """Keep a new session."""
        ...

    async def session(self, digest: str) -> Session | None:
        """A session by the digest of its cookie."""
        ...

    async def end_session(self, digest: str) -> bool:
        """Forget a session. Returns False when there is none."""
        ...

    async def seen(self, tokens: Mapping[str, int], sessions: Mapping[str, int]) -> None:
        """Note when tokens and sessions were last used. Shape: {token id: UTC ms}, {digest: UTC ms}."""
        ...

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """Write changes down, in order."""
        ...

    async def audit(
        self, before_id: int | None, count_max: int, from_utc_ms: int = 0, till_utc_ms: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """Changes, the latest first, a page at a time.

        Args:
            before_id: the last one of the page before. None: there was none.
            count_max: how many at most.
            from_utc_ms: made then or later.
            till_utc_ms: and before this. None: up to now.
        """
        ...

    async def begin_answer(self, key: AnswerKey, fingerprint: str, utc_ms: int) -> KeptAnswer | None:
        """Begin to answer a request that may come again.

        One that was begun more than `ANSWER_PENDING_MS_MAX` ago and never answered begins anew.

        Args:
            key: which.
            fingerprint: what was asked.
            utc_ms: now.

        Returns:
            What is known of the earlier request; None: this is the first one.
        """
        ...

    async def keep_answer(self, key: AnswerKey, status: int, media_type: str, body: str) -> None:
        """Keep the answer for who asks again."""
        ...

    async def drop_answer(self, key: AnswerKey) -> None:
        """Forget a request that has come to nothing, so that it may be tried again."""
        ...

    async def sweep(self, utc_ms: int, idle_ms: int) -> None:
        """Forget sessions that are over, and answers that have been kept for long enough."""
        ...

    async def has_anybody(self, utc_ms: int) -> bool:
        """Whether there is anybody at all who may ask: a token that counts or a person who is not disabled."""
        ...


def new_secret(start: str = "") -> str:
    """Draw a secret: 43 characters of A-Z a-z 0-9 - _ behind a start."""
    return start + secrets.token_urlsafe(SECRET_BYTES)


def new_token_id() -> str:
    """Draw the id of a token: a public name for it that says nothing of its secret."""
    return secrets.token_hex(6)


def digest_of(secret: str) -> str:
    """What is kept of a secret: its SHA-256. Shape: 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_login(text: str) -> bool:
    """Whether a text may be somebody's login."""
    return re.fullmatch(LOGIN_PATTERN, text) is not None


def is_token_name(text: str) -> bool:
    """Whether a text may be a token's name."""
    return re.fullmatch(TOKEN_NAME_PATTERN, text) is not None
