"""Who may ask what, of every route: nobody without a token, nobody with another scope, nobody about another campaign.

The table has a row for each route of the application; a route that is missing in it fails a test.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from account_samples import NOW, TWO_CAMPAIGNS, AccountStory
from config_samples import text_with
from outdial.api.credentials import new_secret
from outdial.api.origins import Origins
from outdial.api.roles import Scope

READ, OPERATE, AGENT, ADMIN = Scope
ADA = 7
OTHERS = ("autumn", "west", "bob", "night", "strangers")
"""Names that do not exist for who may see campaign `spring` only."""
MINE: Mapping[str, Any] = {
    "dbid": 1,
    "dialer": "switch-1",
    "login": "anna",
    "token_id": "5f0c9be1a2d3",
    "name": "ring_timeout_s",
}
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
    mine: Mapping[str, Any] = field(default_factory=dict)
    """Parameters, where those of `MINE` will not do."""
    query: str = ""
    """Behind the path; may have parameters, too."""


GROUP, AGENT_8 = {"dbid": 2}, {"dbid": 8}


def desk(body: Any = None) -> Row:
    """Something that an agent does, or an operator for the agent."""
    return Row((AGENT, OPERATE), AGENT_8, body=body, mine={"dbid": ADA})


ROWS: Mapping[str, Row] = {
    "GET /groups": Row((READ,)),
    "GET /groups/{dbid}": Row((READ,), GROUP),
    "POST /groups/{dbid}/start": Row((OPERATE,), GROUP),
    "POST /groups/{dbid}/stop": Row((OPERATE,), GROUP),
    "POST /groups/{dbid}/mode": Row((OPERATE,), GROUP, body={"mode": "progressive"}),
    "POST /groups/{dbid}/pause": Row((OPERATE,), GROUP),
    "POST /groups/{dbid}/resume": Row((OPERATE,), GROUP),
    "GET /groups/{dbid}/decisions": Row((READ,), GROUP),
    "GET /groups/{dbid}/settings": Row((READ,), GROUP),
    "PATCH /groups/{dbid}": Row((OPERATE,), GROUP, body={"ring_timeout_s": 20}),
    "DELETE /groups/{dbid}/settings/{name}": Row((OPERATE,), GROUP),
    "GET /campaigns/{dbid}/settings": Row((READ,), GROUP),
    "PATCH /campaigns/{dbid}": Row((OPERATE,), GROUP, body={"ring_timeout_s": 20}),
    "DELETE /campaigns/{dbid}/settings/{name}": Row((OPERATE,), GROUP),
    "GET /configuration": Row((ADMIN,), all_campaigns=True),
    "PUT /configuration": Row((ADMIN,), all_campaigns=True),
    "GET /why": Row((READ,), GROUP, query="?group={dbid}"),
    "GET /nodes": Row((READ,)),
    "GET /nodes/{dbid}": Row((READ,)),
    "POST /nodes/{dbid}/drain": Row((OPERATE,), all_campaigns=True),
    "POST /nodes/{dbid}/enable": Row((OPERATE,), all_campaigns=True),
    "POST /nodes/{dbid}/promote": Row((OPERATE,), all_campaigns=True),
    "GET /pools": Row((READ,)),
    "GET /pools/{dialer}/history": Row((READ,)),
    "GET /agents": Row((READ,)),
    "GET /agents/{dbid}": Row((READ,), AGENT_8),
    "GET /desks": Row((AGENT, OPERATE)),
    "GET /agents/{dbid}/desk": desk(),
    "GET /agents/{dbid}/stream": desk(),
    "POST /agents/{dbid}/login": desk(),
    "POST /agents/{dbid}/logout": desk(),
    "POST /agents/{dbid}/ready": desk(),
    "POST /agents/{dbid}/not-ready": desk({"reason": "break"}),
    "POST /agents/{dbid}/leave": desk({"at_utc_ms": None}),
    "POST /agents/{dbid}/disposition": desk({"result": "BUSY"}),
    "POST /agents/{dbid}/callback": desk({"at_utc_ms": NOW}),
    "POST /agents/{dbid}/dnc": desk(),
    "POST /agents/{dbid}/preview": desk({"group": 1}),
    "POST /agents/{dbid}/preview/accept": desk(),
    "POST /agents/{dbid}/preview/reject": desk(),
    "GET /snapshot": Row((READ,)),
    "GET /alarms": Row((READ,)),
    "GET /stream": Row((READ,)),
    "GET /metrics": Row((READ,), all_campaigns=True),
    "GET /health/live": Row(is_open=True),
    "GET /health/ready": Row(is_open=True),
    "GET /webhooks": Row((ADMIN,)),
    "POST /webhooks/{name}/retry": Row((ADMIN,), {"name": "wallboard"}, mine={"name": "crm"}),
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


STORY = AccountStory(Origins(is_loopback=False), text_with() + TWO_CAMPAIGNS)
"""One application for the whole table: what a test changes in it does not change who may ask."""
OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/v1')}": operation
    for path, methods in STORY.app.openapi()["paths"].items()
    for method, operation in methods.items()
}
"""Every operation of the document, by method and path without `/v1`."""
STREAMS = [
    route for route, operation in OPERATIONS.items() if "text/event-stream" in str(operation["responses"].get("200"))
]


def rows(wanted: Callable[[Row], object]) -> pytest.MarkDecorator:
    """A test for each row that is wanted."""
    return pytest.mark.parametrize("route", [route for route, row in ROWS.items() if wanted(row)])


async def who_may(
    scopes: Collection[Scope] = tuple(Scope), campaigns: frozenset[str] | None = None, agent_id: int | None = None
) -> httpx.AsyncClient:
    """A program with a token of its own."""
    secret = new_secret()
    await STORY.add_token(secret, scopes, campaigns, agent_id)
    return STORY.client(secret)


async def ask(client: httpx.AsyncClient, route: str, others: bool = False) -> httpx.Response:
    """Ask for a route: about what everybody may know, or about what belongs to another campaign."""
    row = ROWS[route]
    values = {**MINE, **row.mine, **(row.others if others else {})}
    method, path = route.split(" ")
    target = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path + row.query)
    return await client.request(method, target, json=row.body)


def test_every_route_is_in_the_table():
    assert sorted(ROWS) == sorted(OPERATIONS)


def test_every_route_of_the_application_is_in_the_document():
    """What is left out of the document is left out of the tests that are made from it."""
    paths = {route.path for route in iter_route_contexts(STORY.app.routes)}
    assert len(paths) > 20
    assert paths - {"/v1/openapi.json"} == set(STORY.app.openapi()["paths"])


@rows(lambda row: not row.is_open)
async def test_nobody_is_told_nothing(route):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "outdial=wrong; __Host-outdial=wrong"}):
        answer = await ask(STORY.client(**headers), route)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    wanted = [[scope.value] for scope in ROWS[route].scopes] or [[]]
    assert OPERATIONS[route]["security"] == [{scheme: each} for each in wanted for scheme in ("token", "session")]


@rows(lambda row: row.scopes)
async def test_who_has_all_other_scopes_is_refused(route):
    answer = await ask(await who_may(set(Scope) - set(ROWS[route].scopes)), route)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@rows(lambda row: True)
async def test_who_has_a_scope_is_not_refused(route):
    for scope in () if route in STREAMS else ROWS[route].scopes:
        answer = await ask(await who_may({scope}, agent_id=ADA), route)
        assert answer.status_code not in (401, 403, 422, 500), answer.text


@rows(lambda row: row.others)
async def test_what_belongs_to_another_campaign_does_not_exist(route):
    half, none = await who_may(campaigns=frozenset({"spring"})), await who_may(campaigns=frozenset())
    assert (await ask(half, route, others=True)).status_code == 404
    assert (await ask(none, route)).status_code == 404
    if route not in STREAMS:
        assert (await ask(await who_may(), route, others=True)).status_code not in (401, 403, 404, 422)


@rows(lambda row: row.scopes == (AGENT, OPERATE) and row.others)
async def test_an_agent_sits_at_no_other_desk(route):
    assert (await ask(await who_may({AGENT}, agent_id=ADA), route, others=True)).status_code == 404
    assert (await ask(await who_may({AGENT}), route)).status_code == 404


@rows(lambda row: row.all_campaigns)
async def test_what_is_about_all_campaigns_is_refused_to_who_is_bound_to_some(route):
    answer = await ask(await who_may(campaigns=frozenset({"spring"})), route)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("route", [route for route in ROWS if route.startswith("GET ") and route not in STREAMS])
async def test_no_answer_names_another_campaign(route):
    answer = await ask(await who_may(campaigns=frozenset({"spring"})), route)
    assert not [name for name in OTHERS if f'"{name}"' in answer.text]


async def test_the_document_itself_tells_nothing_of_anybody():
    answer = await STORY.client().get("/openapi.json")
    assert answer.status_code == 200
    assert not [name for name in OTHERS if f'"{name}"' in answer.text]
