"""Who is let into the API of one server: where that is kept, and how the application is protected."""

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outdial.api.credentials import AccessRecords
from outdial.config.api import Api
from outdial.core.errors import OutdialError
from outdial.core.units import Millis
from outdial.serve_certificate import ApiError, Certificate
from outdial.store.steady import pause

if TYPE_CHECKING:  # an ASGI library is slow to import, and not everybody serves an API
    from outdial.api.audit_log import AuditLog
    from outdial.api.protection import Accounts, Protection

KEEP_UP_S = 60.0
"""Period of writing down who was seen, and of clearing away what is over. Unit: seconds."""


@dataclass(frozen=True, slots=True)
class Door:
    """Who is let in, and who is told."""

    api: Api
    records: AccessRecords
    tell_change: Callable[[dict[str, Any]], None]
    """Takes every change that somebody makes, for the log."""
    tell_request: Callable[[dict[str, Any]], None] = lambda line: None
    """Takes requests that change something or are refused, for the log."""
    guests: Mapping[str, str] = field(default_factory=dict)
    """One-time keys of guests who may do everything. Shape: {name: key}."""

    async def check(self) -> str:
        """Look whether the API may be served as it is configured.

        Returns:
            What the operator should know. Empty: nothing.

        Raises:
            ApiError: nobody could use it, or the certificate cannot be used.
            OutdialError: the database cannot be asked.
        """
        if self.api.tls is not None:
            Certificate(self.api.tls)
        if self.guests or await self.records.has_anybody(utc_ms()):
            return ""
        if not self.api.listen.is_loopback:
            raise ApiError(
                f"{self.api.listen}: can be reached from elsewhere, and nobody has been let in yet: make somebody "
                "first, with outdial user add or outdial token create"
            )
        if self.api.trusted_origins:
            return f"{self.api.listen}: nobody has been let in yet, so nobody can use the API: outdial user add"
        return f"{self.api.listen}: open to everybody on this machine until somebody is let in: outdial user add"

    def make(self) -> "tuple[Accounts, AuditLog, Protection]":
        """The parts of the application."""
        from outdial.api.access import ALL_SCOPES, Caller
        from outdial.api.audit_log import AuditLog
        from outdial.api.gate import Gate, GateSettings
        from outdial.api.origins import Origins
        from outdial.api.passwords import PasswordCheck
        from outdial.api.protection import Accounts, Protection
        from outdial.api.request_limits import RequestLimits
        from outdial.api.sign_in import SignIns

        origins = Origins(
            is_tls=self.api.tls is not None,
            is_loopback=self.api.listen.is_loopback,
            trusted=frozenset(self.api.trusted_origins),
        )
        settings = GateSettings(origins, self.api.session_idle_ms, self.api.session_ms_max)
        gate, passwords = Gate(self.records, settings, utc_ms), PasswordCheck()
        sign_ins = SignIns(gate, passwords, mono_ms)
        for name, key in self.guests.items():
            sign_ins.expect(key, name, Caller(f"guest {name}", ALL_SCOPES))
        audit = AuditLog(self.records, utc_ms, self.tell_change)
        protection = Protection(RequestLimits(origins), self.tell_request, mono_ms)
        return Accounts(gate, sign_ins, passwords), audit, protection


async def keep_up(accounts: "Accounts", audit: "AuditLog") -> None:
    """Write down what waits and clear away what is over, again and again."""
    while True:
        await pause(KEEP_UP_S)
        await keep_up_once(accounts, audit)


async def keep_up_once(accounts: "Accounts", audit: "AuditLog") -> None:
    """The same, once. A database that is away is asked again the next time."""
    for work in (accounts.gate.keep_up, audit.write):
        with contextlib.suppress(OutdialError):
            await work()


def utc_ms() -> int:
    """The present instant."""
    return time.time_ns() // 1_000_000


def mono_ms() -> Millis:
    """A clock that only goes forward."""
    return time.monotonic_ns() // 1_000_000
