"""Tokens, people, sessions, the audit and kept answers in a database: statements, and rows as values.

The same statements serve SQLite and PostgreSQL (`outdial.store.steps`).
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

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
from outdial.api.roles import Role, Scope, in_order
from outdial.store.rows import Row
from outdial.store.steps import Step, Steps

_TOKEN: Final = (
    "SELECT token_id, name, scopes, campaigns, agent_id, created_utc_ms, expires_utc_ms, used_utc_ms, revoked_utc_ms "
    "FROM api_tokens"
)
_ADD_TOKEN: Final = """
INSERT INTO api_tokens (token_id, digest, name, scopes, campaigns, agent_id, created_utc_ms, expires_utc_ms)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) WHERE revoked_utc_ms IS NULL DO NOTHING
"""
_REVOKE_EXPIRED: Final = """
UPDATE api_tokens SET revoked_utc_ms = expires_utc_ms
WHERE name = $1 AND revoked_utc_ms IS NULL AND expires_utc_ms <= $2
"""
_REVOKE: Final = "UPDATE api_tokens SET revoked_utc_ms = $1 WHERE token_id = $2 AND revoked_utc_ms IS NULL"
_USED: Final = "UPDATE api_tokens SET used_utc_ms = $1 WHERE token_id = $2 AND coalesce(used_utc_ms, 0) < $1"
_USER: Final = "SELECT login, role, campaigns, agent_id, password, created_utc_ms, disabled FROM api_users"
_ADD_USER: Final = """
INSERT INTO api_users (login, role, campaigns, agent_id, password, created_utc_ms, disabled)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (login) DO NOTHING
"""
_SAVE_USER: Final = """
UPDATE api_users SET role = $2, campaigns = $3, agent_id = $4, password = $5, disabled = $6
WHERE login = $1 AND role = $7 AND coalesce(campaigns, '') = coalesce($8, '')
AND coalesce(agent_id, -1) = coalesce(CAST($9 AS bigint), -1) AND password = $10 AND disabled = $11
AND created_utc_ms = $12
"""
_REMOVE_USER: Final = "DELETE FROM api_users WHERE login = $1"
_SESSION: Final = (
    "SELECT subject, address, created_utc_ms, seen_utc_ms, expires_utc_ms FROM api_sessions WHERE digest = $1"
)
_ADD_SESSION: Final = """
INSERT INTO api_sessions (digest, subject, address, created_utc_ms, seen_utc_ms, expires_utc_ms)
VALUES ($1, $2, $3, $4, $5, $6)
"""
_SEEN: Final = "UPDATE api_sessions SET seen_utc_ms = $1 WHERE digest = $2 AND seen_utc_ms < $1"
_END_SESSION: Final = "DELETE FROM api_sessions WHERE digest = $1"
_END_SESSIONS_OF: Final = "DELETE FROM api_sessions WHERE subject = $1"
_END_SESSIONS_OF_SAVED: Final = """
DELETE FROM api_sessions
WHERE subject = $1 AND EXISTS (SELECT 1 FROM api_users WHERE login = $2 AND password = $3 AND disabled = $4)
"""
_SWEEP_SESSIONS: Final = "DELETE FROM api_sessions WHERE expires_utc_ms <= $1 OR seen_utc_ms <= $2"
_ADD_AUDIT: Final = """
INSERT INTO audit (utc_ms, who, how, action, subject, before, after, address) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_AUDIT: Final = """
SELECT utc_ms, who, how, action, subject, before, after, address, audit_id FROM audit
WHERE audit_id < $1 AND utc_ms >= $2 AND utc_ms < $3 ORDER BY audit_id DESC LIMIT $4
"""
_LOST_ANSWER: Final = """
DELETE FROM api_answers
WHERE caller = $1 AND key = $2 AND route = $3 AND (begun_utc_ms <= $4 OR (status IS NULL AND begun_utc_ms <= $5))
"""
_BEGIN_ANSWER: Final = """
INSERT INTO api_answers (caller, key, route, fingerprint, begun_utc_ms, media_type, body)
VALUES ($1, $2, $3, $4, $5, '', '') ON CONFLICT (caller, key, route) DO NOTHING
"""
_ANSWER: Final = (
    "SELECT fingerprint, status, media_type, body FROM api_answers WHERE caller = $1 AND key = $2 AND route = $3"
)
_KEEP_ANSWER: Final = """
UPDATE api_answers SET status = $4, media_type = $5, body = $6 WHERE caller = $1 AND key = $2 AND route = $3
"""
_DROP_ANSWER: Final = "DELETE FROM api_answers WHERE caller = $1 AND key = $2 AND route = $3"
_SWEEP_ANSWERS: Final = "DELETE FROM api_answers WHERE begun_utc_ms <= $1"
_ANY_TOKEN: Final = (
    "SELECT 1 FROM api_tokens WHERE revoked_utc_ms IS NULL AND (expires_utc_ms IS NULL OR expires_utc_ms > $1) LIMIT 1"
)
_ANY_USER: Final = "SELECT 1 FROM api_users WHERE disabled = 0 LIMIT 1"
_LAST_ID: Final = 2**63 - 1


class StoredAccess:
    """`AccessRecords` in a database."""

    def __init__(self, store: Steps) -> None:
        """Nothing is asked yet.

        Args:
            store: an open store; its owner closes it.
        """
        self._store = store

    # --- tokens ------------------------------------------------------------------------------------------------------

    async def add_token(self, token: Token, digest: str) -> bool:
        """See `AccessRecords.add_token`."""
        scopes = " ".join(in_order(token.scopes))
        values = (
            *(token.token_id, digest, token.name, scopes, _names_as_json(token.campaigns), token.agent_id),
            *(token.created_utc_ms, token.expires_utc_ms),
        )
        freed = Step(_REVOKE_EXPIRED, (token.name, token.created_utc_ms))
        return (await self._changed(freed, Step(_ADD_TOKEN, values)))[1] > 0

    async def tokens(self) -> tuple[Token, ...]:
        """See `AccessRecords.tokens`."""
        return tuple(map(_token, await self._rows(f"{_TOKEN} ORDER BY created_utc_ms, token_id")))

    async def token(self, token_id: str) -> Token | None:
        """See `AccessRecords.token`."""
        return next(map(_token, await self._rows(f"{_TOKEN} WHERE token_id = $1", token_id)), None)

    async def token_of(self, digest: str) -> Token | None:
        """See `AccessRecords.token_of`."""
        return next(map(_token, await self._rows(f"{_TOKEN} WHERE digest = $1", digest)), None)

    async def revoke_token(self, token_id: str, utc_ms: int) -> bool:
        """See `AccessRecords.revoke_token`."""
        ended = Step(_END_SESSIONS_OF, (f"token:{token_id}",))
        return (await self._changed(ended, Step(_REVOKE, (utc_ms, token_id))))[1] > 0

    # --- people ------------------------------------------------------------------------------------------------------

    async def add_user(self, user: User) -> bool:
        """See `AccessRecords.add_user`."""
        values = (
            *(user.login, user.role.value, _names_as_json(user.campaigns), user.agent_id, user.password),
            *(user.created_utc_ms, int(user.is_disabled)),
        )
        ended = Step(_END_SESSIONS_OF, (f"user:{user.login}",))  # of somebody who once had this login
        return (await self._changed(Step(_ADD_USER, values), ended))[0] > 0

    async def users(self) -> tuple[User, ...]:
        """See `AccessRecords.users`."""
        found = map(_user, await self._rows(_USER))
        return tuple(sorted(found, key=lambda user: user.login))

    async def user(self, login: str) -> User | None:
        """See `AccessRecords.user`."""
        return next(map(_user, await self._rows(f"{_USER} WHERE login = $1", login)), None)

    async def save_user(self, user: User, seen: User, *, end_sessions: bool) -> bool:
        """See `AccessRecords.save_user`."""
        values = (user.login, *_user_values(user), *_user_values(seen), seen.created_utc_ms)
        ended = Step(_END_SESSIONS_OF_SAVED, (f"user:{user.login}", user.login, user.password, int(user.is_disabled)))
        return (await self._changed(Step(_SAVE_USER, values), *([ended] if end_sessions else [])))[0] > 0

    async def remove_user(self, login: str) -> bool:
        """See `AccessRecords.remove_user`."""
        ended = Step(_END_SESSIONS_OF, (f"user:{login}",))
        return (await self._changed(Step(_REMOVE_USER, (login,)), ended))[0] > 0

    # --- sessions ----------------------------------------------------------------------------------------------------

    async def add_session(self, digest: str, session: Session) -> None:
        """See `AccessRecords.add_session`."""
        values = (session.subject, session.address, session.created_utc_ms, session.seen_utc_ms, session.expires_utc_ms)
        await self._changed(Step(_ADD_SESSION, (digest, *values)))

    async def session(self, digest: str) -> Session | None:
        """See `AccessRecords.session`."""
        return next((Session(*row) for row in await self._rows(_SESSION, digest)), None)

    async def end_session(self, digest: str) -> bool:
        """See `AccessRecords.end_session`."""
        return (await self._changed(Step(_END_SESSION, (digest,))))[0] > 0

    async def seen(self, tokens: Mapping[str, int], sessions: Mapping[str, int]) -> None:
        """See `AccessRecords.seen`."""
        steps = [Step(_USED, (utc_ms, token_id)) for token_id, utc_ms in sorted(tokens.items())]
        steps += [Step(_SEEN, (utc_ms, digest)) for digest, utc_ms in sorted(sessions.items())]
        if steps:
            await self._changed(*steps)

    # --- the audit ---------------------------------------------------------------------------------------------------

    async def add_audit(self, entries: Sequence[AuditEntry]) -> None:
        """See `AccessRecords.add_audit`."""
        if entries:
            await self._changed(*(Step(_ADD_AUDIT, _audit_values(entry)) for entry in entries))

    async def audit(
        self, before_id: int | None, count_max: int, from_utc_ms: int = 0, till_utc_ms: int | None = None
    ) -> tuple[AuditEntry, ...]:
        """See `AccessRecords.audit`."""
        last = _LAST_ID if before_id is None else before_id
        till = _LAST_ID if till_utc_ms is None else till_utc_ms
        return tuple(AuditEntry(*row) for row in await self._rows(_AUDIT, last, from_utc_ms, till, count_max))

    # --- answers that may be wanted again ----------------------------------------------------------------------------

    async def begin_answer(self, key: AnswerKey, fingerprint: str, utc_ms: int) -> KeptAnswer | None:
        """See `AccessRecords.begin_answer`."""
        place = (key.caller, key.key, key.route)
        answers = await self._store.carry_out(
            [
                Step(_LOST_ANSWER, (*place, utc_ms - ANSWER_KEPT_MS, utc_ms - ANSWER_PENDING_MS_MAX)),
                Step(_BEGIN_ANSWER, (*place, fingerprint, utc_ms)),
                Step(_ANSWER, place),
            ]
        )
        if answers[1][0][0]:
            return None
        # another server may have dropped it in this very moment
        return KeptAnswer(*answers[2][0]) if answers[2] else KeptAnswer(fingerprint, None, "", "")

    async def keep_answer(self, key: AnswerKey, status: int, media_type: str, body: str) -> None:
        """See `AccessRecords.keep_answer`."""
        await self._changed(Step(_KEEP_ANSWER, (key.caller, key.key, key.route, status, media_type, body)))

    async def drop_answer(self, key: AnswerKey) -> None:
        """See `AccessRecords.drop_answer`."""
        await self._changed(Step(_DROP_ANSWER, (key.caller, key.key, key.route)))

    async def sweep(self, utc_ms: int, idle_ms: int) -> None:
        """See `AccessRecords.sweep`."""
        await self._changed(
            Step(_SWEEP_SESSIONS, (utc_ms, utc_ms - idle_ms)), Step(_SWEEP_ANSWERS, (utc_ms - ANSWER_KEPT_MS,))
        )

    async def has_anybody(self, utc_ms: int) -> bool:
        """See `AccessRecords.has_anybody`."""
        return any(await self._store.carry_out([Step(_ANY_TOKEN, (utc_ms,)), Step(_ANY_USER)]))

    # --- asking ------------------------------------------------------------------------------------------------------

    async def _rows(self, statement: str, *values: object) -> list[Row]:
        [rows] = await self._store.carry_out([Step(statement, values)])
        return rows

    async def _changed(self, *steps: Step) -> list[int]:
        """Carry out what changes something. Returns how many rows each has changed."""
        return [rows[0][0] for rows in await self._store.carry_out(steps)]


def _token(row: Row) -> Token:
    token_id, name, scopes, campaigns, *rest = row
    return Token(token_id, name, frozenset(map(Scope, scopes.split())), _names(campaigns), *rest)


def _user(row: Row) -> User:
    login, role, campaigns, agent_id, password, created_utc_ms, disabled = row
    return User(login, Role(role), _names(campaigns), agent_id, password, created_utc_ms, bool(disabled))


def _audit_values(entry: AuditEntry) -> tuple[Any, ...]:
    return (
        *(entry.utc_ms, entry.who, entry.how, entry.action, entry.subject),
        *(entry.before, entry.after, entry.address),
    )


def _names(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))


def _user_values(user: User) -> tuple[Any, ...]:
    """What may change of a person."""
    names = _names_as_json(user.campaigns)
    return user.role.value, names, user.agent_id, user.password, int(user.is_disabled)


def _names_as_json(names: Collection[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names), ensure_ascii=False)
