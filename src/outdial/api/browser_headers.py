"""What every answer tells browsers to refuse.

Source: OWASP, HTTP Headers Cheat Sheet; W3C, Content Security Policy Level 3; Fetch Metadata. Ours: the exact policy: a
page loads scripts, styles and data from this server alone, no script stands in a page but the import map (by its hash),
and nobody may put a page into a frame (decision 0027).
"""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_PATH: Final = "/v1"
HSTS: Final = "max-age=31536000"
"""A year, for this host alone: others of its domain may have no certificate."""


def content_security_policy(import_maps: Iterable[str] = ()) -> str:
    """The policy of pages.

    Args:
        import_maps: text of each `<script type="importmap">` in a page, letter for letter.
    """
    hashes = "".join(f" '{script_hash(text)}'" for text in import_maps)
    return (
        f"default-src 'none'; script-src 'self'{hashes}; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def script_hash(text: str) -> str:
    """Name of a script in a policy: `sha256-…`."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


class BrowserHeaders:
    """Puts the headers into every answer; what a route says itself stays."""

    def __init__(self, app: ASGIApp, *, import_maps: Iterable[str] = (), is_tls: bool = False) -> None:
        """Prepare the headers.

        Args:
            app: what answers.
            import_maps: see `content_security_policy`.
            is_tls: whether browsers are told to come back over TLS only.
        """
        self._app = app
        headers = {
            "content-security-policy": content_security_policy(import_maps),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "x-frame-options": "DENY",
        }
        if is_tls:
            headers["strict-transport-security"] = HSTS
        self._always = [(name.encode(), value.encode()) for name, value in headers.items()]
        self._of_the_api = [*self._always, (b"cache-control", b"no-store")]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        wanted = self._of_the_api if path == API_PATH or path.startswith(f"{API_PATH}/") else self._always

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                there = {bytes(name).lower() for name, _ in given}
                message = {**message, "headers": [*given, *(pair for pair in wanted if pair[0] not in there)]}
            await send(message)

        await self._app(scope, receive, with_headers)
