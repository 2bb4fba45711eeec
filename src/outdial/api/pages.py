"""The dashboard's files over HTTP: pages under strict headers, and the assets they name.

A page may run the scripts of this server and nothing else. The one thing inline is its import map, which browsers do
not take from a file: the policy names the hash of just that text, computed here from the page itself. No markup can be
made out of a string either (Trusted Types), so a callee's name stays a name.

Sources: Content Security Policy Level 3; Trusted Types. Ours: decision 0023.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

PAGES = {"/": "index.html", "/agent": "agent.html"}
"""Path of each page, and its file."""
MEDIA_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
}
"""What is told under `/assets`: nothing else."""
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
    routes = [
        Route(path, _page(folder, name), methods=["GET"]) for path, name in PAGES.items() if (folder / name).is_file()
    ]
    routes.append(Route("/assets/{path:path}", _Assets(folder).tell, methods=["GET"]))
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


class _Assets:
    """Files of the folder, but its pages: those are told at their own paths, with their own headers.

    A first page is thirty small files at once. They are kept in memory and looked at again when the file is another
    one, which costs less than a thread for each.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._kept: dict[Path, tuple[tuple[int, int], Response]] = {}

    async def tell(self, request: Request) -> Response:
        """Answer with one file."""
        answer = self._answer(request.path_params["path"])
        tag = answer.headers.get("etag")
        if tag is not None and tag in _tags(request.headers.get("if-none-match", "")):
            return Response(status_code=304, headers={**HEADERS, "etag": tag})
        return answer

    def _answer(self, path: str) -> Response:
        media_type = MEDIA_TYPES.get(PurePosixPath(path).suffix)
        if media_type is None or "\0" in path:
            return _NO_FILE
        try:
            place = (self._folder / path).resolve()
            if not place.is_relative_to(self._folder):
                return _NO_FILE
            status = place.stat()
            version = (status.st_mtime_ns, status.st_size)
            kept = self._kept.get(place)
            if kept is None or kept[0] != version:
                content = place.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
                kept = (version, Response(content, headers={**HEADERS, "etag": tag}, media_type=media_type))
                self._kept[place] = kept
        except OSError:
            return _NO_FILE
        return kept[1]


_NO_FILE = Response("no such file", HTTPStatus.NOT_FOUND, HEADERS, media_type="text/plain")


def _tags(header: str) -> set[str]:
    """Entity tags of `If-None-Match`; a weak one is as good (RFC 9110, section 13.1.2)."""
    return {tag.strip().removeprefix("W/") for tag in header.split(",")}
