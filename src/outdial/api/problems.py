"""One shape for every refusal: problem details (RFC 9457), `application/problem+json`.

`code` is stable and for programs, `detail` is a sentence for people, `mistakes` names every wrong value at once.
"""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from outdial.core.errors import ConfigError, OutdialError

MEDIA_TYPE = "application/problem+json"
VALUE_CHARACTERS_MAX = 100
"""Longest piece of a wrong value that is shown."""
SECRETS = frozenset({"password", "new_password", "token", "key"})
"""Names of values that are never shown."""
MISTAKES_MAX = 100
"""Most mistakes that are told at once."""


class ProblemView(BaseModel):
    """What a refusal looks like (RFC 9457)."""

    type: str = Field(description="Always `about:blank`: `code` says more.", examples=["about:blank"])
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="HTTP status.", examples=[404])
    code: str = Field(description="Stable code, for programs.", examples=["not_found"])
    detail: str = Field(description="What is wrong, for people.", examples=["there is no campaign group 7"])
    mistakes: list[str] | None = Field(
        default=None, description="Every wrong value: where it is, what is wrong, what is allowed."
    )


class Problem(OutdialError):
    """A request that is refused.

    Attributes:
        status: HTTP status. Range: 400 … 599.
        code: stable code.
        mistakes: wrong values, one line each.
        headers: of the answer, for example `Retry-After`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        mistakes: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.mistakes = tuple(mistakes)
        self.headers = dict(headers or {})


def not_found(what: str) -> Problem:
    """There is no such thing, or not for this caller: both look the same."""
    return Problem(404, "not_found", f"there is no {what}")


def bug() -> Problem:
    """Something that is not the caller's fault."""
    return Problem(500, "bug", "a bug in outdial; the log of the server says more")


def impossible(mistakes: Sequence[str]) -> Problem:
    """Values that are well formed and cannot be, as things are: names of what is not there, an end that is past."""
    return Problem(422, "impossible", "the request is well formed, but cannot be carried out", mistakes=mistakes)


def answer(problem: Problem) -> JSONResponse:
    """A problem as a response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": str(problem),
    }
    if problem.mistakes:
        body["mistakes"] = list(problem.mistakes[:MISTAKES_MAX])
    return JSONResponse(body, problem.status, problem.headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every refusal of an app in this shape."""
    app.add_exception_handler(OutdialError, _operating_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    app.add_exception_handler(Exception, _bug)


async def _operating_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, Problem):
        return answer(error)
    if isinstance(error, ConfigError):
        return answer(Problem(422, "invalid_configuration", "the configuration has mistakes", mistakes=error.mistakes))
    assert isinstance(error, OutdialError)
    if error.retriable:
        return answer(Problem(503, error.code, str(error), headers={"Retry-After": "1"}))
    return answer(Problem(409, error.code, str(error)))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    mistakes = [_mistake(found) for found in error.errors()[:MISTAKES_MAX]]
    return answer(Problem(422, "invalid_request", "the request has mistakes", mistakes=mistakes))


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = HTTPStatus(error.status_code).name.lower()
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers["Allow"] = ", ".join(_methods_of(request))
    return answer(Problem(error.status_code, code, str(error.detail), headers=headers))


async def _bug(request: Request, error: Exception) -> JSONResponse:
    return answer(bug())


def _methods_of(request: Request) -> list[str]:
    """What may be done with the path of a request: of all its routes, not only of the first."""
    found = set()
    for path, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)), request.url.path):
            found |= {method.upper() for method in operations}
    return sorted(found)


def _mistake(found: Mapping[str, Any]) -> str:
    """One mistake that pydantic has found: where, what is wrong, and the value."""
    where = ".".join(str(part) for part in found["loc"])
    text = f"{where}: {found['msg']}"
    is_secret = bool(SECRETS.intersection(found["loc"]))
    if found["type"] != "missing" and not is_secret and not isinstance(found.get("input"), dict | list):
        text += f", not {str(found.get('input'))[:VALUE_CHARACTERS_MAX]!r}"
    return text
