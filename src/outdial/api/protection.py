"""What stands around every route: names for requests, headers, limits, streams that end, requests that come twice."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import FastAPI

from outdial.api.access import Access
from outdial.api.browser_headers import BrowserHeaders
from outdial.api.credentials import AccessRecords
from outdial.api.gate import Gate
from outdial.api.idempotency import Idempotency
from outdial.api.passwords import PasswordCheck
from outdial.api.request_limits import LimitRequests, RequestLimits
from outdial.api.request_log import RequestLog, Tell
from outdial.api.sign_in import SignIns
from outdial.api.stream_watch import StreamWatch
from outdial.core.units import Millis


def _mono_ms() -> Millis:
    return time.monotonic_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Accounts:
    """Tokens, people and sessions of one application."""

    gate: Gate
    sign_ins: SignIns
    passwords: PasswordCheck

    @property
    def records(self) -> AccessRecords:
        """Where they are kept."""
        return self.gate.records


@dataclass(frozen=True, slots=True)
class Protection:
    """How an application is protected."""

    limits: RequestLimits = field(default_factory=RequestLimits)
    tell: Tell | None = None
    """Takes lines for the log."""
    mono_ms: Callable[[], Millis] = _mono_ms


def protect(app: FastAPI, access: Access, accounts: Accounts | None, protection: Protection) -> None:
    """Put the protection around an application; what is added last is outermost."""
    limits = protection.limits
    if accounts is not None:
        app.add_middleware(
            Idempotency,
            access=access,
            records=accounts.records,
            utc_ms=accounts.gate.utc_ms,
            is_upload=lambda path: limits.upload_bytes_max(path) is not None,
        )
    app.add_middleware(StreamWatch, access=access, mono_ms=protection.mono_ms)
    app.add_middleware(LimitRequests, limits=limits)
    app.add_middleware(RequestLog, tell=protection.tell)
    app.add_middleware(BrowserHeaders, is_tls=limits.origins.is_tls)
