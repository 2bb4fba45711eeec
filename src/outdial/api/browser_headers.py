"""What every answer tells browsers to refuse.

A page of ours says itself what it may load (`outdial.api.pages`). Everything else may load nothing and is in no frame.

Source: OWASP, HTTP Headers Cheat Sheet; W3C, Content Security Policy Level 3. Ours: the choice (decision 0027).
"""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

API_PATH: Final = "/v1"
CONTENT_SECURITY_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HSTS: Final = "max-age=31536000"
"""A year, for this host alone: others of its domain may have no certificate."""


class BrowserHeaders:
    """Puts the headers into every answer; what a route says itself stays."""

    def __init__(self, app: ASGIApp, *, is_tls: bool = False) -> None:
        """Prepare the headers.

        Args:
            app: what answers.
            is_tls: whether browsers are told to come back over TLS only.
        """
        self._app = app
        headers = {
            "content-security-policy": CONTENT_SECURITY_POLICY,
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
