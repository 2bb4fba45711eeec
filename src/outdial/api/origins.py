"""Where a request comes from: which pages may ask, under which names the server may be asked, which cookie is meant.

A page of another origin can make a browser send requests here with our cookie. Three things stand against it: the
cookie is SameSite=Strict, a change needs a token that other pages cannot read, and `Origin` or `Sec-Fetch-Site` have
to say that the page is ours. A page whose own name has been pointed at this machine (DNS rebinding) says so in `Host`.

Source: OWASP, Cross-Site Request Forgery Prevention Cheat Sheet; RFC 6265bis, "__Host-"; Fetch Metadata. Ours: the rest
(decision 0027).
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection

COOKIE: Final = "outdial"
SECURE_COOKIE: Final = "__Host-outdial"
CSRF_HEADER: Final = "x-csrf-token"
FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Origins:
    """Whose pages may ask, and under which names."""

    is_tls: bool = False
    """Whether this server itself speaks TLS."""
    is_loopback: bool = True
    """Whether it listens on a loopback address only."""
    trusted: frozenset[str] = frozenset()
    """Origins beside its own, such as that of a proxy in front of it: `https://dial.example.com`."""

    @property
    def is_this_machine_only(self) -> bool:
        """Whether nobody from elsewhere is expected, not through a proxy either."""
        return self.is_loopback and not self.trusted

    def is_forwarded(self, headers: Headers) -> bool:
        """Whether a proxy says that it passes the request on for somebody else."""
        return any(name in headers for name in FORWARDED)

    def is_foreign(self, headers: Headers) -> bool:
        """Whether a page of somebody else asks. Programs, which say nothing of a page, are not foreign."""
        origin = headers.get("origin")
        if origin is not None:
            return not self._is_own(origin, headers)
        return headers.get("sec-fetch-site", "none") not in ("same-origin", "none")

    def is_own_page(self, headers: Headers) -> bool:
        """Whether a page of ours asks, for certain: a browser says so."""
        origin = headers.get("origin")
        if origin is not None:
            return self._is_own(origin, headers)
        return headers.get("sec-fetch-site") == "same-origin"

    def is_our_name(self, host: str) -> bool:
        """Whether a `Host` may mean this server. Beyond loopback every name may."""
        if not self.is_loopback:
            return True
        name = _name_of(host)
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name in {urlsplit(origin).hostname for origin in self.trusted}

    def is_secure(self, headers: Headers) -> bool:
        """Whether the browser speaks TLS, with this server or with a proxy in front of it."""
        return self.is_tls or f"https://{headers.get('host', '')}".lower() in self.trusted

    def cookie_name(self, headers: Headers) -> str:
        """The only cookie that counts for a request."""
        return SECURE_COOKIE if self.is_secure(headers) else COOKIE

    def cookie(self, headers: Headers, secret: str) -> str:
        """`Set-Cookie` for a session that has begun; with an empty secret for one that has ended."""
        is_secure = self.is_secure(headers)
        text = f"{SECURE_COOKIE if is_secure else COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict"
        return text + ("; Secure" if is_secure else "") + ("" if secret else "; Max-Age=0")

    def _is_own(self, origin: str, headers: Headers) -> bool:
        own = f"{'https' if self.is_tls else 'http'}://{headers.get('host', '')}"
        return origin.lower() == own.lower() or origin.lower() in self.trusted


def csrf_token_of(secret: str) -> str:
    """What a page of ours sends with a change: it follows from the session's secret, which pages cannot read."""
    return hmac.new(secret.encode("utf-8", "surrogatepass"), b"csrf", hashlib.sha256).hexdigest()


def has_csrf_token(headers: Mapping[str, str], secret: str) -> bool:
    """Whether a request has the token of its session."""
    given = headers.get(CSRF_HEADER, "")
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), csrf_token_of(secret).encode())


def address_of(connection: HTTPConnection) -> str:
    """The address that a request comes from; of a request without one (a test's) empty."""
    return connection.client.host if connection.client is not None else ""


def _name_of(host: str) -> str:
    """Host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()
