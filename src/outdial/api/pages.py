"""The dashboard's files over HTTP: pages under strict headers, and the assets they name.

A page may run the scripts of this server and nothing else. The one thing inline is its import map, which browsers do
not take from a file: the policy names the hash of just that text, computed here from the page itself. No markup can be
made out of a string either (Trusted Types), so a callee's name stays a name.

Sources: Content Security Policy Level 3; Trusted Types. Ours: decision 0023.
"""

import base64
import hashlib
import os
import re
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

PAGES = {"/": "index.html", "/agent": "agent.html"}
"""Path of each page, and its file."""
WITHOUT_LIBRARIES = "without-libraries.html"
LIBRARIES = ("preact/preact.mjs", "preact/hooks.mjs", "htm/htm.mjs", "uplot/uPlot.iife.min.js")
"""What the pages cannot do without, in `vendor`."""
CONTENT_SECURITY_POLICY = (
    "default-src 'none'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    # asked again each time, answered by 304: a new version shows at the next reload
    "Cache-Control": "no-cache",
}

_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)


def pages(folder: Path) -> Starlette:
    """An application that serves the dashboard.

    Args:
        folder: of the dashboard: its pages, and `css`, `js`, `vendor` for the address `/assets`.
    """
    routes: list[Route | Mount] = [
        Route(path, _page(folder, name), methods=["GET"]) for path, name in PAGES.items() if (folder / name).is_file()
    ]
    routes.append(Mount("/assets", _Assets(directory=folder)))
    return Starlette(routes=routes)


def has_libraries(folder: Path) -> bool:
    """Whether the browser libraries are there: they are fetched when outdial is built (decision 0023)."""
    return all((folder / "vendor" / name).is_file() for name in LIBRARIES)


def script_hashes(page: str) -> tuple[str, ...]:
    """What a policy has to allow for a page's import map. Shape: `'sha256-…'`, one for each map."""
    digests = (hashlib.sha256(text.encode("utf-8")).digest() for text in _IMPORT_MAP.findall(page))
    return tuple(f"'sha256-{base64.b64encode(digest).decode('ascii')}'" for digest in digests)


def page_headers(page: str) -> Mapping[str, str]:
    """Headers of an answer that is a page."""
    scripts = " ".join(("script-src 'self'", *script_hashes(page)))
    return {**HEADERS, "Content-Security-Policy": "; ".join((*CONTENT_SECURITY_POLICY, scripts))}


def _page(folder: Path, name: str) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    page, notice = ((folder / each).read_text(encoding="utf-8") for each in (name, WITHOUT_LIBRARIES))

    async def tell(request: Request) -> Response:
        """The page. Without the libraries it says so, and 503."""
        text, status = (page, 200) if has_libraries(folder) else (notice, 503)
        return Response(text, status, page_headers(text), media_type="text/html")

    return tell


class _Assets(StaticFiles):
    """Files of the folder, but its pages: those are told at their own paths, with their own headers."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return ("", None) if path.endswith(".html") else super().lookup_path(path)

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers.update(HEADERS)
        return response
