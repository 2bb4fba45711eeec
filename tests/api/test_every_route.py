"""Every route of an API that has every part: nobody gets past the question who may ask; the document says who may.

Behind the question there is nothing here, so a route that asked too late would be found by its failing. What callers
find of campaigns that are not theirs is in test_authorisation.py and in the tests of the routes.
"""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from outdial.api.access import ALL_SCOPES, Caller, Scope
from outdial.api.app import make_app
from outdial.api.problems import Problem
from outdial.api.whole_document import unasked_parts, whole_document

VALUES = {"dialer": "switch-1", "name": "internal", "login": "anna", "token_id": "5f0c9be1a2d3", "job_id": "1"}
OPERATIONS = {
    (method, path): operation
    for path, operations in whole_document()["paths"].items()
    for method, operation in operations.items()
}
GUARDED = {route: operation for route, operation in OPERATIONS.items() if "security" in operation}


class OneCaller:
    """Everybody is this caller, or nobody."""

    def __init__(self) -> None:
        self.caller: Caller | None = None

    async def identify(self, connection: Any) -> Caller:
        if self.caller is None:
            raise Problem(401, "unauthorized", "who asks?")
        return self.caller


ACCESS = OneCaller()
APP = make_app(replace(unasked_parts(), access=ACCESS, accounts=None))


async def ask(method: str, path: str, caller: Caller | None) -> httpx.Response:
    ACCESS.caller = caller
    for parameter in OPERATIONS[method, path].get("parameters", ()):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", VALUES.get(parameter["name"], "1"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://127.0.0.1") as client:
        return await client.request(method, path)


def scopes_of(operation: dict[str, Any]) -> set[str]:
    return {scope for demand in operation["security"] for wanted in demand.values() for scope in wanted}


def with_accounts(path: str) -> bool:
    """Routes about accounts need real ones; test_authorisation.py asks them."""
    return path.startswith(("/v1/session", "/v1/tokens", "/v1/users", "/v1/audit"))


@pytest.mark.parametrize("method, path", [route for route in GUARDED if not with_accounts(route[1])])
async def test_nobody_and_who_has_all_other_scopes_get_nothing(method, path):
    wanted = scopes_of(GUARDED[method, path])
    assert wanted, "the document names no scope"
    nobody = await ask(method, path, None)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthorized")
    others = Caller("wrong", frozenset(ALL_SCOPES - {Scope(scope) for scope in wanted}))
    refused = await ask(method, path, others)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_only_signing_in_and_health_are_open():
    open_routes = {path for (_, path), operation in OPERATIONS.items() if "security" not in operation}
    assert open_routes <= {"/v1/session", "/v1/health/live", "/v1/health/ready"}


def test_every_operation_tells_what_it_does_and_how_it_refuses():
    for (method, path), operation in OPERATIONS.items():
        assert operation["summary"] and operation["tags"], (method, path)
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert "application/problem+json" in answer.get("content", ()), (method, path, status)
