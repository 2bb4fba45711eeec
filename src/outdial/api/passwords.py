"""Passwords, hashed with scrypt.

Shape of a hash: `scrypt:N:r:p:salt:key`, the last two in hexadecimal, so that the cost of later versions may be another
and old hashes still count.

Source: RFC 7914; OWASP, Password Storage Cheat Sheet, "scrypt": N = 2^15, r = 8, p = 3 (32 MiB).
Ours: at most two at once, in threads of their own, so that a flood of sign-ins takes 64 MiB and never the event loop;
    the length of passwords (decision 0027).
"""

import asyncio
import functools
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from outdial.core.errors import OutdialError

COST: Final = 2**15
BLOCK: Final = 8
LANES: Final = 3
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
AT_ONCE_MAX: Final = 2
WAITING_MAX: Final = 32
"""Sign-ins that may wait for their turn. Unit: requests. Ours: some five seconds."""
PASSWORD_CHARACTERS_MIN: Final = 12
"""Source: OWASP asks for 8 with a second factor and 15 without; NIST SP 800-63B for 8. Ours: 12."""
PASSWORD_CHARACTERS_MAX: Final = 256
PASSWORD: Final = f"{PASSWORD_CHARACTERS_MIN} … {PASSWORD_CHARACTERS_MAX} characters"

_Answer = TypeVar("_Answer")
_Arguments = TypeVarTuple("_Arguments")


class TooManySignIns(OutdialError):
    """More people sign in at the same moment than there is time for."""

    code = "too_many_sign_ins"
    retriable = True


def hashed(password: str, *, cost: int = COST, lanes: int = LANES) -> str:
    """Hash a new password. Takes a quarter of a second."""
    salt = secrets.token_bytes(SALT_BYTES)
    key = _key(password, salt, cost, BLOCK, lanes)
    return f"scrypt:{cost}:{BLOCK}:{lanes}:{salt.hex()}:{key.hex()}"


def is_right(password: str, kept: str) -> bool:
    """Whether a password is the one that was hashed. As slow for a wrong one as for the right one."""
    _, cost, block, lanes, salt, key = kept.split(":")
    found = _key(password, bytes.fromhex(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(found, bytes.fromhex(key))


class PasswordCheck:
    """Checks passwords, a few at once."""

    def __init__(self, cost: int = COST) -> None:
        """Prepare.

        Args:
            cost: of new hashes. Range: a power of 2.
        """
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0
        self._hashed = functools.partial(hashed, cost=cost)
        self._nobody: str | None = None
        """A hash that no password has, for people who are not there."""

    async def hash(self, password: str) -> str:
        """Hash a new password.

        Raises:
            TooManySignIns: too many wait.
        """
        return await self._in_turn(self._hashed, password)

    async def is_right(self, password: str, kept: str | None) -> bool:
        """Whether a password is right. For somebody who is not there it takes as long, and is not.

        Args:
            password: what was typed.
            kept: the hash; None: there is no such person.

        Raises:
            TooManySignIns: too many wait.
        """
        if self._nobody is None:
            self._nobody = await self._in_turn(self._hashed, secrets.token_urlsafe())
        found = await self._in_turn(is_right, password, self._nobody if kept is None else kept)
        return found and kept is not None

    async def _in_turn(self, work: Callable[[*_Arguments], _Answer], *arguments: *_Arguments) -> _Answer:
        if self._waiting >= WAITING_MAX:
            raise TooManySignIns("too many people sign in at this moment; try again in some seconds")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def _key(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt,
        n=cost,
        r=block,
        p=lanes,
        maxmem=256 * cost * block,
        dklen=KEY_BYTES,
    )
