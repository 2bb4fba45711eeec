"""What the OpenAPI document says of all routes alike: how to show who one is, and headers of changes."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from outdial.api.access import Needs, Scope
from outdial.api.idempotency import HEADER, KEY_PATTERN, LEFT_OUT
from outdial.api.origins import COOKIE

SCHEMES: Final[dict[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token made with `outdial token create` or `POST /v1/tokens`.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser that has signed in (`POST /v1/session`); over TLS the name begins with `__Host-`. "
        "Changes need the header `X-CSRF-Token` with the session's `csrf_token`.",
    },
}
OPEN_ROUTES: Final = frozenset({("/v1/session", "post"), ("/v1/health/live", "get"), ("/v1/health/ready", "get")})
"""Routes that may be asked by anybody. Shape: (path, method)."""
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The request is carried out once; who asks again within 24 hours gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": KEY_PATTERN},
}
assert _KEY["name"].lower() == HEADER


def describe(app: FastAPI) -> None:
    """Complete the OpenAPI document of an application, when somebody first asks for it."""
    plain = app.openapi

    def complete() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(plain(), _scopes(app))
        return plain()

    app.openapi = complete  # type: ignore[method-assign]


def _complete(document: dict[str, Any], scopes: dict[tuple[str, str], tuple[Scope, ...]]) -> None:
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if (path, method) not in OPEN_ROUTES:
                wanted = [[scope.value] for scope in scopes.get((path, method), ())] or [[]]
                operation["security"] = [{scheme: each} for each in wanted for scheme in SCHEMES]
            is_left_out = any(path == route or path.startswith(f"{route}/") for route in LEFT_OUT)
            if method == "post" and not is_left_out:
                operation.setdefault("parameters", []).append(_KEY)


def _scopes(app: FastAPI) -> dict[tuple[str, str], tuple[Scope, ...]]:
    """Scopes of which each route needs one. Shape: {(path, method): scopes}."""
    found = {}
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is not None:
            for method in route.methods or ():
                found[route.path or "", method.lower()] = _wanted(dependant)
    return found


def _wanted(dependant: Dependant) -> tuple[Scope, ...]:
    for each in dependant.dependencies:
        if isinstance(each.call, Needs):
            return each.call.scopes
        if wanted := _wanted(each):
            return wanted
    return ()
