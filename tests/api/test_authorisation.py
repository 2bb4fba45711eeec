"""Who may ask what, of every route: nobody without a token, nobody with another scope, nobody about another campaign.

The table has a row for each route of the application; a route that is missing in it fails a test.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from account_samples import TWO_CAMPAIGNS, AccountStory
from config_samples import text_with
from outdial.api.origins import Origins
from outdial.api.roles import Scope

READ, OPERATE, AGENT, ADMIN = Scope
OTHERS = ("autumn", "west", "bob", "night", "strangers")
"""Names that do not exist for who may see campaign `spring` only."""
MINE: Mapping[str, Any] = {"dbid": 1, "dialer": "switch-1", "login": "anna", "token_id": "5f0c9be1a2d3"}
"""What stands for the parameters of a path: objects that everybody may know who may know anything."""


@dataclass(frozen=True)
class Row:
    """One route."""

    scopes: tuple[Scope, ...] = ()
    """One of these is needed. Empty: the route is everybody's who is known."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that name an object of another campaign: it is not found."""
    all_campaigns: bool = False
    """Refused to who is bound to some campaigns."""
    is_open: bool = False
    """Answers anybody."""
    body: Any = None


GROUP, AGENT_8 = {"dbid": 2}, {"dbid": 8}
ROWS: Mapping[str, Row] = {
    "GET /groups": Row((READ,)),
    "GET /groups/{dbid}": Row((READ,), GROUP),
    "POST /groups/{dbid}/start": Row((OPERATE,), GROUP),
    "POST /groups/{dbid}/stop": Row((OPERATE,), GROUP),
    "POST /groups/{dbid}/mode": Row((OPERATE,), GROUP, body={"mode": "progressive"}),
    "GET /nodes": Row((READ,)),
    "GET /nodes/{dbid}": Row((READ,)),
    "POST /nodes/{dbid}/drain": Row((OPERATE,), all_campaigns=True),
    "POST /nodes/{dbid}/enable": Row((OPERATE,), all_campaigns=True),
    "GET /pools": Row((READ,)),
    "GET /pools/{dialer}/history": Row((READ,)),
    "GET /agents": Row((READ,)),
    "GET /agents/{dbid}": Row((READ,), AGENT_8),
    "GET /snapshot": Row((READ,)),
    "GET /alarms": Row((READ,)),
    "GET /stream": Row((READ,)),
    "GET /session": Row(),
    "POST /session": Row(is_open=True, body={"key": "x"}),
    "DELETE /session": Row(),
    "GET /tokens": Row((ADMIN,), all_campaigns=True),
    "POST /tokens": Row((ADMIN,), all_campaigns=True, body={"name": "new", "scopes": ["read"]}),
    "DELETE /tokens/{token_id}": Row((ADMIN,), all_campaigns=True),
    "GET /users": Row((ADMIN,), all_campaigns=True),
    "POST /users": Row((ADMIN,), all_campaigns=True, body={"login": "new", "password": "x" * 12, "role": "viewer"}),
    "PATCH /users/{login}": Row((ADMIN,), all_campaigns=True, body={}),
    "DELETE /users/{login}": Row((ADMIN,), all_campaigns=True),
    "POST /users/{login}/password": Row((ADMIN,), all_campaigns=True, body={"password": "x" * 12}),
    "GET /audit": Row((ADMIN,), all_campaigns=True),
}


def made() -> AccountStory:
    return AccountStory(Origins(is_loopback=False), text_with() + TWO_CAMPAIGNS)


def operations() -> dict[str, dict[str, Any]]:
    """Every operation of the document, by method and path without `/v1`."""
    return {
        f"{method.upper()} {path.removeprefix('/v1')}": operation
        for path, methods in made().app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


OPERATIONS = operations()
STREAMS = [
    route for route, operation in OPERATIONS.items() if "text/event-stream" in str(operation["responses"].get("200"))
]


async def ask(client: httpx.AsyncClient, route: str, values: Mapping[str, Any], body: Any = None) -> httpx.Response:
    method, path = route.split(" ")
    target = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)
    return await client.request(method, target, json=body)


def test_every_route_is_in_the_table():
    assert sorted(ROWS) == sorted(OPERATIONS)


def test_every_route_of_the_application_is_in_the_document():
    """What is left out of the document is left out of the tests that are made from it."""
    paths = {route.path for route in made().app.routes if hasattr(route, "endpoint")}
    assert len(paths) > 20
    assert paths - {"/v1/openapi.json"} <= set(made().app.openapi()["paths"])


@pytest.mark.parametrize("route", [route for route, row in ROWS.items() if not row.is_open])
async def test_nobody_is_told_nothing(route):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "outdial=wrong; __Host-outdial=wrong"}):
        answer = await ask(made().client(**headers), route, MINE)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.parametrize("route", [route for route, row in ROWS.items() if row.scopes])
async def test_who_has_all_other_scopes_is_refused(route):
    row, story = ROWS[route], made()
    await story.add_token("outdial_wrong", set(Scope) - set(row.scopes))
    answer = await ask(story.client("outdial_wrong"), route, MINE, row.body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("route", [route for route in ROWS if route not in STREAMS])
async def test_who_has_the_scope_is_not_refused(route):
    row = ROWS[route]
    for scope in row.scopes:
        story = made()
        await story.add_token("outdial_right", {scope})
        assert (await ask(story.client("outdial_right"), route, MINE, row.body)).status_code not in (401, 403, 422, 500)


@pytest.mark.parametrize("route", [route for route, row in ROWS.items() if row.others])
async def test_what_belongs_to_another_campaign_does_not_exist(route):
    row, story = ROWS[route], made()
    await story.add_token("outdial_half", set(Scope), frozenset({"spring"}))
    await story.add_token("outdial_none", set(Scope), frozenset())
    values = {**MINE, **row.others}
    assert (await ask(story.client("outdial_half"), route, values, row.body)).status_code == 404
    assert (await ask(story.client("outdial_none"), route, MINE, row.body)).status_code == 404
    await story.add_token("outdial_all", set(Scope))
    assert (await ask(story.client("outdial_all"), route, values, row.body)).status_code not in (401, 403, 404, 422)


@pytest.mark.parametrize("route", [route for route, row in ROWS.items() if row.all_campaigns])
async def test_what_is_about_all_campaigns_is_refused_to_who_is_bound_to_some(route):
    row, story = ROWS[route], made()
    await story.add_token("outdial_half", set(Scope), frozenset({"spring"}))
    answer = await ask(story.client("outdial_half"), route, MINE, row.body)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "route", [route for route in ROWS if route.startswith("GET ") and route not in STREAMS and not ROWS[route].is_open]
)
async def test_no_answer_names_another_campaign(route):
    story = made()
    await story.add_token("outdial_half", set(Scope), frozenset({"spring"}))
    answer = await ask(story.client("outdial_half"), route, MINE)
    assert not [name for name in OTHERS if f'"{name}"' in answer.text]


@pytest.mark.parametrize("route", [route for route, row in ROWS.items() if not row.is_open])
def test_the_document_says_who_may(route):
    assert OPERATIONS[route]["security"] == [{"token": []}, {"session": []}]


async def test_the_document_itself_tells_nothing_of_anybody():
    answer = await made().client().get("/openapi.json")
    assert answer.status_code == 200
    assert not [name for name in OTHERS if f'"{name}"' in answer.text]
