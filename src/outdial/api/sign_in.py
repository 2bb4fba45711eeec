"""Signing in: a password, a token or a one-time key becomes a browser's session."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from outdial.api.access import Caller
from outdial.api.credentials import Session, User, digest_of, is_login, new_secret
from outdial.api.gate import Gate, nobody
from outdial.api.passwords import PASSWORD_CHARACTERS_MAX, PasswordCheck
from outdial.api.problems import Problem
from outdial.api.sign_in_limit import SignInLimit, network_of
from outdial.core.errors import OutdialError
from outdial.core.units import HOUR_MS, SECOND_MS, Millis

KEY_MS_MAX: Final = HOUR_MS
"""How long a one-time key waits to be used. Ours."""

_Proven = TypeVar("_Proven")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session that has begun."""

    secret: str
    """For the cookie."""
    session: Session
    caller: Caller


class SignIns:
    """Makes and ends sessions."""

    def __init__(
        self, gate: Gate, passwords: PasswordCheck, mono_ms: Callable[[], Millis], limit: SignInLimit | None = None
    ) -> None:
        """Nobody has signed in.

        Args:
            gate: recognises sessions.
            passwords: checks passwords.
            mono_ms: a clock that only goes forward.
            limit: counts tries; None: one of its own.
        """
        self._gate = gate
        self._passwords = passwords
        self._mono_ms = mono_ms
        self._limit = limit or SignInLimit()
        self._keys: dict[str, tuple[str, Millis]] = {}

    async def with_password(self, login: str, password: str, address: str) -> SignedIn:
        """Let a person in.

        Raises:
            Problem: wrong, whatever of it is wrong; or too many tries.
            TooManySignIns: too many at the same moment.
        """

        if await self.prove(login, password, address) is None:
            raise nobody("the login or the password is wrong")
        return await self.begin(f"user:{login}", address)

    async def prove(self, login: str, password: str, address: str) -> User | None:
        """Whose password it is. None: wrong, whatever of it is wrong; it counts as a try to sign in.

        Raises:
            Problem: too many tries.
            TooManySignIns: too many at the same moment.
        """

        async def check() -> User | None:
            user = await self._gate.records.user(login) if is_login(login) else None
            kept = None if user is None or user.is_disabled else user.password
            is_right = await self._passwords.is_right(password[: PASSWORD_CHARACTERS_MAX + 1], kept)
            return user if is_right else None

        return await self._counted(login, address, check)

    async def with_token(self, token: str, address: str) -> SignedIn:
        """Let somebody in who has a program's token.

        Raises:
            Problem: it does not count, or too many tries.
        """

        async def check() -> str | None:
            found = await self._gate.records.token_of(digest_of(token))
            return None if found is None or not found.counts_at(self._gate.utc_ms()) else f"token:{found.token_id}"

        return await self._with(address, check, "the token is unknown, revoked or expired")

    async def with_key(self, key: str, address: str) -> SignedIn:
        """Let somebody in who has been given a one-time key.

        Raises:
            Problem: it is none, or it has been used or was not in time; or too many tries.
        """

        async def check() -> str | None:
            name, till_ms = self._keys.pop(digest_of(key), ("", 0))
            return f"key:{name}" if self._mono_ms() < till_ms else None

        return await self._with(address, check, "the key is unknown, or has been used")

    async def begin(self, subject: str, address: str) -> SignedIn:
        """Begin a session.

        Args:
            subject: whose; see `Session`.
            address: where the request comes from.
        """
        secret, utc_ms = new_secret(), self._gate.utc_ms()
        session = Session(subject, address, utc_ms, utc_ms, utc_ms + self._gate.settings.session_ms_max)
        await self._gate.records.add_session(digest_of(secret), session)
        return SignedIn(secret, session, await self._gate.caller_of_session(secret))

    async def end(self, secret: str) -> None:
        """End a session."""
        await self._gate.records.end_session(digest_of(secret))
        self._gate.forget_session(secret)

    def expect(self, key: str, name: str, caller: Caller) -> None:
        """Let a guest in who has a one-time key.

        Args:
            key: see `outdial.api.credentials.new_secret`.
            name: the guest.
            caller: what the guest may do, and its name for the audit.
        """
        self._gate.invite(name, caller)
        self._keys[digest_of(key)] = (name, self._mono_ms() + KEY_MS_MAX)

    async def _with(self, address: str, check: Callable[[], Awaitable[str | None]], wrong: str) -> SignedIn:
        """Begin a session for whom a check says; None is nobody, and `wrong` is said then."""
        subject = await self._counted("", address, check)
        if subject is None:
            raise nobody(wrong)
        return await self.begin(subject, address)

    async def _counted(
        self, login: str, address: str, check: Callable[[], Awaitable[_Proven | None]]
    ) -> _Proven | None:
        """Check something, as often as that may be tried.

        Args:
            login: whose tries are counted; empty: only those of the address are.
            address: where the request comes from.
            check: None: the try has failed.
        """
        network, now_ms = network_of(address), self._mono_ms()
        wait_ms = self._limit.wait_ms(login, network, now_ms)
        if wait_ms > 0:
            seconds = math.ceil(wait_ms / SECOND_MS)
            raise Problem(
                429, "too_many_sign_ins", "too many tries; wait a while", headers={"Retry-After": str(seconds)}
            )
        self._limit.tries(login, network, now_ms)
        try:
            proven = await check()
        except OutdialError:
            self._limit.take_back(login, network)
            raise
        if proven is not None:
            self._limit.succeeded(login, network)
        return proven
