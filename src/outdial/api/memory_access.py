"""Tokens, people, sessions, the audit and kept answers in memory: for the demonstration, and for tests."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from outdial.api.credentials import (
    ANSWER_KEPT_MS,
    ANSWER_PENDING_MS_MAX,
    AnswerKey,
    AuditEntry,
    KeptAnswer,
    Session,
    Token,
    User,
)

ANSWERS_MAX = 10_000
"""Answers that are kept; of more, the oldest are forgotten. Unit: answers. Ours."""
AUDIT_MAX = 10_000
"""Changes that are kept; older ones are forgotten. Unit: changes. Ours."""


class MemoryAccess:
    """`AccessRecords` that are gone with the process."""

    def __init__(self) -> None:
        """There is nobody yet."""
        self._tokens: dict[str, tuple[Token, str]] = {}
        self._users: dict[str, User] = {}
        self._sessions: dict[str, Session] = {}
        self._audit: deque[AuditEntry] = deque(maxlen=AUDIT_MAX)
        self._answers: dict[AnswerKey, tuple[KeptAnswer, int]] = {}
        self._audit_id = 0

    # --- tokens ------------------------------------------------------------------------------------------------------

    async def add_token(self, token: Token, digest: str) -> bool:
        """See `AccessRecords.add_token`."""
        named = [one for one, _ in self._tokens.values() if one.name == token.name and one.revoked_utc_ms is None]
        for one in named:
            if one.counts_at(token.created_utc_ms):
                return False
            self._put(replace(one, revoked_utc_ms=one.expires_utc_ms))
        self._tokens[token.token_id] = (token, digest)
        return True

    async def tokens(self) -> tuple[Token, ...]:
        """See `AccessRecords.tokens`."""
        return tuple(sorted((one for one, _ in self._tokens.values()), key=lambda t: (t.created_utc_ms, t.token_id)))

    async def token(self, token_id: str) -> Token | None:
        """See `AccessRecords.token`."""
        return self._tokens[token_id][0] if token_id in self._tokens else None

    async def token_of(self, digest: str) -> Token | None:
        """See `AccessRecords.token_of`."""
        return next((token for token, kept in self._tokens.values() if kept == digest), None)

    async def revoke_token(self, token_id: str, utc_ms: int) -> bool:
        """See `AccessRecords.revoke_token`."""
        token = await self.token(token_id)
        if token is None or token.revoked_utc_ms is not None:
            return False
        self._put(replace(token, revoked_utc_ms=utc_ms))
        self._end_sessions_of(f"token:{token_id}")
        return True

    # --- people ------------------------------------------------------------------------------------------------------

    async def add_user(self, user: User) -> bool:
        """See `AccessRecords.add_user`."""
        if user.login in self._users:
            return False
        self._users[user.login] = user
        return True

    async def users(self) -> tuple[User, ...]:
        """See `AccessRecords.users`."""
        return tuple(self._users[login] for login in sorted(self._users))

    async def user(self, login: str) -> User | None:
        """See `AccessRecords.user`."""
        return self._users.get(login)

    async def save_user(self, user: User, seen: User, *, end_sessions: bool) -> bool:
        """See `AccessRecords.save_user`."""
        if self._users.get(user.login) != seen:
            return False
        self._users[user.login] = replace(user, created_utc_ms=seen.created_utc_ms)
        if end_sessions:
            self._end_sessions_of(f"user:{user.login}")
        return True

    async def remove_user(self, login: str) -> bool:
        """See `AccessRecords.remove_user`."""
        self._end_sessions_of(f"user:{login}")
        return self._users.pop(login, None) is not None

    # --- sessions ----------------------------------------------------------------------------------------------------

    async def add_session(self, digest: str, session: Session) -> None:
        """See `AccessRecords.add_session`."""
        self._sessions[digest] = session

    async def session(self, digest: str) -> Session | None:
        """See `AccessRecords.session`."""
        return self._sessions.get(digest)

    async def end_session(self, digest: str) -> bool:
        """See `AccessRecords.end_session`."""
        return self._sessions.pop(digest, None) is not None

    async def seen(self, tokens: Mapping[str, int], sessions: Mapping[str, int]) -> None:
        """See `AccessRecords.seen`."""
        for token_id, utc_ms in tokens.items():
            token = await self.token(token_id)
            if token is not None and (token.used_utc_ms or 0) < utc_ms:
                self._put(replace(token, used_utc_ms=utc_ms))
        for digest, utc_ms in sessions.items():
            session = self._sessions.get(digest)
            if session is not None and session.seen_utc_ms < utc_ms:
                self._sessions[digest] = replace(session, seen_utc_ms=utc_ms)

    # --- the audit ---------------------------------------------------------------------------------------------------

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """See `AccessRecords.add_audit`."""
        for entry in entries:
            self._audit_id += 1
            self._audit.append(replace(entry, audit_id=self._audit_id))

    async def audit(
        self, before_id: int | None, count_max: int, from_utc_ms: int = 0, till_utc_ms: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """See `AccessRecords.audit`."""
        found = [
            entry
            for entry in reversed(self._audit)
            if (before_id is None or entry.audit_id < before_id)
            and entry.utc_ms >= from_utc_ms
            and (till_utc_ms is None or entry.utc_ms < till_utc_ms)
        ]
        return tuple(found[:count_max])

    # --- answers that may be wanted again ----------------------------------------------------------------------------

    async def begin_answer(self, key: AnswerKey, fingerprint: str, utc_ms: int) -> KeptAnswer | None:
        """See `AccessRecords.begin_answer`."""
        if key in self._answers:
            kept, begun_utc_ms = self._answers[key]
            kept_ms_max = ANSWER_PENDING_MS_MAX if kept.status is None else ANSWER_KEPT_MS
            if utc_ms - begun_utc_ms < kept_ms_max:
                return kept
        self._answers.pop(key, None)
        self._answers[key] = (KeptAnswer(fingerprint, None, "", ""), utc_ms)
        if len(self._answers) > ANSWERS_MAX:
            del self._answers[next(iter(self._answers))]
        return None

    async def keep_answer(self, key: AnswerKey, status: int, media_type: str, body: str) -> None:
        """See `AccessRecords.keep_answer`."""
        if key in self._answers:
            pending, begun_utc_ms = self._answers[key]
            self._answers[key] = (KeptAnswer(pending.fingerprint, status, media_type, body), begun_utc_ms)

    async def drop_answer(self, key: AnswerKey) -> None:
        """See `AccessRecords.drop_answer`."""
        self._answers.pop(key, None)

    async def sweep(self, utc_ms: int, idle_ms: int) -> None:
        """See `AccessRecords.sweep`."""
        for digest, session in list(self._sessions.items()):
            if session.expires_utc_ms <= utc_ms or session.seen_utc_ms <= utc_ms - idle_ms:
                del self._sessions[digest]
        for key, (_, begun_utc_ms) in list(self._answers.items()):
            if begun_utc_ms <= utc_ms - ANSWER_KEPT_MS:
                del self._answers[key]

    async def has_anybody(self, utc_ms: int) -> bool:
        """See `AccessRecords.has_anybody`."""
        return any(token.counts_at(utc_ms) for token, _ in self._tokens.values()) or any(
            not user.is_disabled for user in self._users.values()
        )

    # --- inside ------------------------------------------------------------------------------------------------------

    def _put(self, token: Token) -> None:
        self._tokens[token.token_id] = (token, self._tokens[token.token_id][1])

    def _end_sessions_of(self, subject: str) -> None:
        for digest, session in list(self._sessions.items()):
            if session.subject == subject:
                del self._sessions[digest]
