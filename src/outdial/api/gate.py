"""Recognises callers: by the token of a program, or by the cookie of a browser that has signed in.

What is known is remembered for some seconds, so that a thousand pages do not ask the database with every request; a
token that is revoked here is forgotten at once, one that is revoked elsewhere after `RECHECK_MS`. While the database
does not answer, who was known stays known until the session or the token ends by itself: an outage must not take the
desks away from people who talk.

Ours: the numbers (decision 0027).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from starlette.requests import HTTPConnection

from outdial.api.access import ALL_SCOPES, Caller
from outdial.api.credentials import SECRET_CHARACTERS_MAX, AccessRecords, Session, Token, digest_of
from outdial.api.origins import SAFE_METHODS, Origins, address_of, has_csrf_token
from outdial.api.problems import Problem
from outdial.api.roles import SCOPES_OF, Role
from outdial.core.errors import OutdialError
from outdial.core.units import HOUR_MS, MINUTE_MS, SECOND_MS, Millis

RECHECK_MS: Final = 10 * SECOND_MS
"""How long is believed what the database has said."""
PATIENCE_S: Final = 2.0
"""Silence that makes the database count as away. Unit: seconds."""
KNOWN_MAX: Final = 10_000
"""Callers that are remembered; of more, those that have been silent for longest are forgotten."""
STRANGERS_PER_S: Final = 50
STRANGERS_BURST: Final = 2_000
"""Secrets that nobody remembers and that the database is asked for: the dialer's own work must not wait for them."""
SESSION_IDLE_MS: Final = 30 * MINUTE_MS
SESSION_MS_MAX: Final = 12 * HOUR_MS
LOOPBACK: Final = Caller("loopback", ALL_SCOPES, how="loopback")
"""Whoever reaches the loopback address of a server that has neither tokens nor people."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How callers are recognised."""

    origins: Origins = field(default_factory=Origins)
    session_idle_ms: Millis = SESSION_IDLE_MS
    """A session ends when nothing is asked for so long. An open page asks."""
    session_ms_max: Millis = SESSION_MS_MAX
    """A session ends after so long, whatever is asked."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What the database said of a secret."""

    caller: Caller | None
    """None: nobody's."""
    token: Token | None
    session: Session | None
    checked_ms: int


class Gate:
    """Recognises callers: an `outdial.api.access.Access`.

    Attributes:
        settings: how.
        records: where tokens, people and sessions are.
    """

    def __init__(self, records: AccessRecords, settings: GateSettings, utc_ms: Callable[[], int]) -> None:
        """Nobody is known yet.

        Args:
            records: where tokens, people and sessions are.
            settings: how callers are recognised.
            utc_ms: the present instant.
        """
        self.records = records
        self.settings = settings
        self.utc_ms = utc_ms
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._seen_tokens: dict[str, int] = {}
        self._seen_sessions: dict[str, int] = {}
        self._guests: dict[str, Caller] = {}
        self._strangers = float(STRANGERS_BURST)
        self._strangers_ms = 0
        self._is_open: tuple[bool, int] | None = None
        self._away_till_ms = 0
        self._changes = 0
        """How often somebody's rights have changed here: what was asked for before may be out of date."""

    # --- recognising -------------------------------------------------------------------------------------------------

    async def identify(self, connection: HTTPConnection) -> Caller:
        """See `Access.identify`."""
        authorization = connection.headers.get("authorization")
        secret = self.cookie_of(connection)
        if authorization is not None:
            scheme, _, given = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise nobody("Authorization: allowed: Bearer and a token")
            caller, how = await self.of_token(given.strip()), "token"
        elif secret:
            caller, how = await self.caller_of_session(secret), "session"
            self._refuse_forgery(connection, secret)
        elif not self.settings.origins.is_forwarded(connection.headers) and await self.is_open():
            if self.settings.origins.is_foreign(connection.headers):
                raise forged("a page of another origin asks")
            caller, how = LOOPBACK, LOOPBACK.how
        else:
            raise nobody("neither a token nor a session")
        return replace(caller, how=how, address=address_of(connection))

    async def of_token(self, secret: str) -> Caller:
        """Whose token it is.

        Raises:
            Problem: nobody's, or it does not count any more.
        """
        known = await self._ask(secret, is_session=False)
        now = self.utc_ms()
        if known.caller is None or known.token is None or not known.token.counts_at(now):
            raise nobody("the token is unknown, revoked or expired")
        self._seen_tokens[known.token.token_id] = now
        return known.caller

    async def session_of(self, secret: str) -> Session:
        """The session that a cookie means.

        Raises:
            Problem: there is none, or it is over.
        """
        await self.caller_of_session(secret)
        session = self._known[digest_of(secret)].session
        assert session is not None
        return session

    async def is_open(self) -> bool:
        """Whether everybody on this machine may ask: nobody has been let in yet, and nobody else can reach it."""
        if not self.settings.origins.is_this_machine_only or self._guests:
            return False
        now = self.utc_ms()
        if self._is_open is None or not 0 <= now - self._is_open[1] < RECHECK_MS:
            try:
                changes, is_open = self._changes, not await self.records.has_anybody(now)
                self._is_open = (is_open, now if changes == self._changes else -RECHECK_MS)
            except OutdialError:
                if self._is_open is None:
                    raise
        return self._is_open[0]

    def cookie_of(self, connection: HTTPConnection) -> str:
        """The session's secret that a request has; empty: none."""
        return connection.cookies.get(self.settings.origins.cookie_name(connection.headers), "")

    async def caller_of_session(self, secret: str) -> Caller:
        """Whose session it is.

        Raises:
            Problem: nobody's, or it is over.
        """
        known = await self._ask(secret, is_session=True)
        now, digest = self.utc_ms(), digest_of(secret)
        if known.caller is None or known.session is None:
            raise nobody("the session is over; sign in again")
        if known.token is not None and not known.token.counts_at(now):
            raise nobody("the token of the session is revoked or expired")
        seen = max(known.session.seen_utc_ms, self._seen_sessions.get(digest, 0))
        if now >= known.session.expires_utc_ms or now - seen >= self.settings.session_idle_ms:
            raise nobody("the session is over; sign in again")
        self._seen_sessions[digest] = now
        return known.caller

    def _refuse_forgery(self, connection: HTTPConnection, secret: str) -> None:
        """Refuse what a browser was tricked into.

        Raises:
            Problem: a change whose page is not known to be ours.
        """
        if connection.scope.get("method", "GET") in SAFE_METHODS:
            return
        if not self.settings.origins.is_own_page(connection.headers):
            raise forged("Origin and Sec-Fetch-Site do not say that a page of this server asks")
        if not has_csrf_token(connection.headers, secret):
            raise forged("X-CSRF-Token is not the session's")

    # --- what is known -----------------------------------------------------------------------------------------------

    async def _ask(self, secret: str, *, is_session: bool) -> _Known:
        """What is known of a secret, from the database if that was too long ago."""
        if not 0 < len(secret) <= SECRET_CHARACTERS_MAX:
            raise nobody("no token and no session looks like this")
        now, digest = self.utc_ms(), digest_of(secret)
        known = self._known.get(digest)
        if known is not None and 0 <= now - known.checked_ms < RECHECK_MS and (known.session is not None) == is_session:
            self._known.move_to_end(digest)
            return known
        changes = self._changes
        if known is None or known.caller is None:
            self._count_stranger(now)
        elif 0 < self._away_till_ms - now <= RECHECK_MS:
            return known
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await (self._read_session(digest, now) if is_session else self._read_token(digest, now))
        except (OutdialError, TimeoutError) as error:
            if isinstance(error, OutdialError) and not error.retriable:
                raise
            self._away_till_ms = now + RECHECK_MS
            if known is None or known.caller is None:
                raise Problem(503, "away", "the database does not answer", headers={"Retry-After": "5"}) from error
            return known
        self._known[digest] = found if changes == self._changes else replace(found, checked_ms=-RECHECK_MS)
        self._known.move_to_end(digest)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        return found

    async def _read_token(self, digest: str, now: int) -> _Known:
        token = await self.records.token_of(digest)
        return _Known(None if token is None else _caller_of(token), token, None, now)

    async def _read_session(self, digest: str, now: int) -> _Known:
        session = await self.records.session(digest)
        if session is None:
            return _Known(None, None, None, now)
        kind, _, name = session.subject.partition(":")
        if kind == "token":
            token = await self.records.token(name)
            return _Known(None if token is None else _caller_of(token), token, session, now)
        if kind == "key":
            return _Known(self._guests.get(name), None, session, now)
        user = await self.records.user(name)
        if user is None or user.is_disabled:
            return _Known(None, None, session, now)
        agent_id = user.agent_id if user.role in (Role.AGENT, Role.ADMIN) else None
        return _Known(Caller(f"user {name}", SCOPES_OF[user.role], user.campaigns, agent_id), None, session, now)

    def _count_stranger(self, now: int) -> None:
        """Let through as many unknown secrets as the database can be asked for.

        Raises:
            Problem: there are too many at the moment.
        """
        earned = max(0, now - self._strangers_ms) * STRANGERS_PER_S / SECOND_MS
        self._strangers = min(float(STRANGERS_BURST), self._strangers + earned)
        self._strangers_ms = now
        if self._strangers < 1:
            raise Problem(429, "too_many_requests", "too many unknown tokens", headers={"Retry-After": "1"})
        self._strangers -= 1

    # --- what others change ------------------------------------------------------------------------------------------

    def invite(self, name: str, caller: Caller) -> None:
        """Know a guest, who signs in with a key and is in no database."""
        self._guests[name] = caller

    def forget(self) -> None:
        """Somebody's rights have changed here: ask the database again about everybody."""
        for digest, known in self._known.items():
            self._known[digest] = replace(known, checked_ms=-RECHECK_MS)
        self._is_open, self._away_till_ms = None, 0
        self._changes += 1

    def forget_session(self, secret: str) -> None:
        """A session has ended here."""
        self._known.pop(digest_of(secret), None)
        self._changes += 1

    async def keep_up(self) -> None:
        """To be called once a minute: writes down who was seen, and clears away what is over.

        Raises:
            OutdialError: the database cannot be reached; what was seen is kept for the next time.
        """
        tokens, sessions = dict(self._seen_tokens), dict(self._seen_sessions)
        await self.records.seen(tokens, sessions)
        for seen, written in ((self._seen_tokens, tokens), (self._seen_sessions, sessions)):
            for key, utc_ms in written.items():
                if seen.get(key) == utc_ms:
                    del seen[key]
        await self.records.sweep(self.utc_ms(), self.settings.session_idle_ms)


def nobody(why: str) -> Problem:
    """Nobody has been recognised."""
    return Problem(401, "unauthorized", why, headers={"WWW-Authenticate": 'Bearer realm="outdial"'})


def forged(why: str) -> Problem:
    """A browser may have been tricked into the request."""
    return Problem(403, "forged", why)


def _caller_of(token: Token) -> Caller:
    return Caller(f"token {token.name}", token.scopes, token.campaigns, token.agent_id)
