"""Who may ask what, of every route: nobody without a token, nobody with another scope, nobody about another campaign.

The table has a row for each route of the document; a route that is missing in it fails a test, and so does a row that
does not say what becomes of other campaigns. The application has every part, and something of two campaigns in each.
"""

import asyncio
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from account_samples import NOW
from outdial.api.board import Board
from outdial.api.credentials import new_secret
from outdial.api.roles import Scope
from outdial.api.whole_document import whole_document
from outdial.operations.do_not_call import RunningDoNotCall
from outdial.operations.imports import RunningImports
from outdial.operations.lists import RunningLists
from whole_story import OF_HARVEST, WholeStory

READ, OPERATE, AGENT, ADMIN = Scope
ADA = 7
MINE: Mapping[str, Any] = {
    "dbid": 1,
    "dialer": "switch-1",
    "login": "anna",
    "token_id": "5f0c9be1a2d3",
    "name": "ring_timeout_s",
}
"""What stands for the parameters of a path: objects of campaign `spring`, or such as everybody may know."""


@dataclass(frozen=True)
class Row:
    """One route. What becomes of other campaigns is said by one of `others`, `hides`, `all_campaigns`, `everybodys`."""

    scopes: tuple[Scope, ...] = ()
    """One of these is needed. Empty: whoever is known may ask."""
    others: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that name an object of another campaign: it is not found."""
    hides: str = ""
    """What the answer names of another campaign, and leaves out for who may not know."""
    all_campaigns: bool = False
    """Refused to who is bound to some campaigns."""
    everybodys: int | None = None
    """It is about no campaign: the status that everybody gets."""
    is_open: bool = False
    """Answers anybody, and is about no campaign."""
    body: Any = None
    """JSON, or the text of a file."""
    mine: Mapping[str, Any] = field(default_factory=dict)
    """Parameters, where those of `MINE` will not do."""


DAYS = "period=2027-01-01..2027-01-31&form=uk"
GROUP, AGENT_8, LIST, PRIVATE, NATIONAL = (
    {"dbid": 2},
    {"dbid": 8},
    {"dbid": 2},
    {"name": "private"},
    {"name": "national"},
)
RECORD, JOB = {"dbid": 2, "record_id": "theirs"}, {"job_id": "theirs"}
"""`theirs`: what the store has named."""


def desk(body: Any = None) -> Row:
    """Something that an agent does, or an operator for the agent."""
    return Row((AGENT, OPERATE), AGENT_8, body=body, mine={"dbid": ADA})


ROWS: Mapping[str, Row] = {
    "GET /groups": Row((READ,), hides="west"),
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
    "GET /why?group={dbid}": Row((READ,), GROUP),
    "GET /why?agent={dbid}": Row((READ,), AGENT_8, mine={"dbid": ADA}),
    "GET /why?node={dbid}": Row((READ,), everybodys=200),
    "GET /why?record={record_id}": Row((READ,), RECORD),
    "GET /why?number=5550100": Row((READ,), hides="in strangers"),
    "GET /nodes": Row((READ,), everybodys=200),
    "GET /nodes/{dbid}": Row((READ,), everybodys=200),
    "POST /nodes/{dbid}/drain": Row((OPERATE,), all_campaigns=True),
    "POST /nodes/{dbid}/enable": Row((OPERATE,), all_campaigns=True),
    "POST /nodes/{dbid}/promote": Row((OPERATE,), all_campaigns=True),
    "GET /pools": Row((READ,), hides="cpd-server-21"),
    "GET /pools/{dialer}/history": Row((READ,), {"dialer": "cpd-server-21"}),
    "GET /agents": Row((READ,), hides="bob"),
    "GET /agents/{dbid}": Row((READ,), AGENT_8, mine={"dbid": ADA}),
    "GET /desks": Row((AGENT, OPERATE), hides="bob"),
    "GET /agents/{dbid}/desk": desk(),
    "GET /agents/{dbid}/stream": desk(),
    "POST /agents/{dbid}/login": desk(),
    "POST /agents/{dbid}/logout": desk(),
    "POST /agents/{dbid}/ready": desk(),
    "POST /agents/{dbid}/not-ready": desk({"reason": "break"}),
    "POST /agents/{dbid}/hang-up": desk(),
    "POST /agents/{dbid}/leave": desk({"at_utc_ms": None}),
    "POST /agents/{dbid}/disposition": desk({"result": "BUSY"}),
    "POST /agents/{dbid}/callback": desk({"at_utc_ms": NOW}),
    "POST /agents/{dbid}/dnc": desk(),
    "POST /agents/{dbid}/preview": desk({"group": 1}),
    "POST /agents/{dbid}/preview/accept": desk(),
    "POST /agents/{dbid}/preview/reject": desk(),
    "GET /snapshot": Row((READ,), hides="west"),
    "GET /alarms": Row((READ,), hides="trouble"),
    "GET /stream": Row((READ,), hides="west"),
    "GET /metrics": Row((READ,), all_campaigns=True),
    "GET /health/live": Row(is_open=True),
    "GET /health/ready": Row(is_open=True),
    "GET /webhooks": Row((ADMIN,), hides="wallboard"),
    "POST /webhooks/{name}/retry": Row((ADMIN,), {"name": "wallboard"}, mine={"name": "crm"}),
    "GET /session": Row(everybodys=200),
    "POST /session": Row(is_open=True, body={"key": "x"}),
    "DELETE /session": Row(everybodys=204),
    "POST /session/password": Row(everybodys=403, body={"password": "x", "new_password": "x" * 12}),
    "GET /tokens": Row((ADMIN,), all_campaigns=True),
    "POST /tokens": Row((ADMIN,), all_campaigns=True, body={"name": "new", "scopes": ["read"]}),
    "DELETE /tokens/{token_id}": Row((ADMIN,), all_campaigns=True),
    "GET /users": Row((ADMIN,), all_campaigns=True),
    "GET /users/{login}": Row((ADMIN,), all_campaigns=True),
    "POST /users": Row((ADMIN,), all_campaigns=True, body={"login": "new", "password": "x" * 12, "role": "viewer"}),
    "PATCH /users/{login}": Row((ADMIN,), all_campaigns=True, body={}),
    "DELETE /users/{login}": Row((ADMIN,), all_campaigns=True),
    "POST /users/{login}/password": Row((ADMIN,), all_campaigns=True, body={"password": "x" * 12}),
    "GET /audit": Row((ADMIN,), all_campaigns=True),
    "GET /groups/{dbid}/preflight": Row((READ,), GROUP),
    "GET /lists": Row((READ,), hides="strangers"),
    "GET /lists/{dbid}": Row((READ,), LIST),
    "GET /lists/{dbid}/export": Row((READ,), LIST),
    "POST /lists/{dbid}/reset": Row((OPERATE,), LIST, body={"sure": True, "statuses": ["cancelled"]}),
    "GET /lists/{dbid}/records": Row((READ,), LIST),
    "POST /lists/{dbid}/records": Row((OPERATE,), LIST, body={"phone": "5550111"}),
    "GET /lists/{dbid}/records/{record_id}": Row((READ,), RECORD),
    "POST /lists/{dbid}/records/{record_id}/cancel": Row((OPERATE,), RECORD),
    "POST /lists/{dbid}/records/{record_id}/consent": Row((OPERATE,), RECORD, body={"consent": "web form"}),
    "GET /records?number=5550100": Row((READ,), hides="strangers"),
    "POST /lists/{dbid}/imports": Row((OPERATE,), LIST, body="phone\n5550112\n"),
    "POST /lists/{dbid}/consents": Row((OPERATE,), LIST, body="phone,consent\n5550100,form\n"),
    "GET /imports": Row((READ,), hides="theirs.csv"),
    "GET /imports/{job_id}": Row((READ,), JOB),
    "GET /imports/{job_id}/rejects": Row((READ,), JOB),
    "POST /imports/{job_id}/cancel": Row((OPERATE,), JOB),
    "GET /dnc": Row((READ,), hides="private"),
    "GET /dnc/check?number=5550100": Row((READ,), hides="private"),
    "POST /dnc/{name}/numbers": Row((OPERATE,), PRIVATE, body={"numbers": ["5550113"]}, mine=NATIONAL),
    "DELETE /dnc/{name}/numbers?number=5550113": Row((OPERATE,), all_campaigns=True, mine=NATIONAL),
    "POST /dnc/{name}/imports": Row((OPERATE,), PRIVATE, body="phone\n5550114\n", mine=NATIONAL),
    "POST /dnc/{name}/imports?replace=true": Row((OPERATE,), all_campaigns=True, body="phone\n1\n", mine=NATIONAL),
    "GET /compliance/budget": Row((READ,), hides="harvest"),
    "GET /compliance/budget?campaign={name}": Row((READ,), {"name": "harvest"}, mine={"name": "spring"}),
    f"GET /compliance/report?{DAYS}": Row((READ,), hides="harvest"),
    f"GET /compliance/report?{DAYS}&campaign={{name}}": Row((READ,), {"name": "harvest"}, mine={"name": "spring"}),
    "GET /reports": Row((READ,), everybodys=200),
    "GET /reports/{name}?period=today&by=group": Row((READ,), hides="west", mine={"name": "attempts"}),
    "GET /reports/{name}?period=today&by=list": Row((READ,), hides="strangers", mine={"name": "lists"}),
}
"""By method, path without `/v1`, and query. A route may have several rows."""

OPERATIONS = {
    f"{method.upper()} {path.removeprefix('/v1')}": operation
    for path, methods in whole_document()["paths"].items()
    for method, operation in methods.items()
}
"""Every operation of the document."""


def route_of(row: str) -> str:
    """The operation that a row is about."""
    return row.partition("?")[0]


STREAM = "GET /stream"
"""Its answer does not end."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One application for the whole table: what a test changes in it does not change who may ask."""
    story = WholeStory(tmp_path_factory.mktemp("whole"))
    asyncio.run(story.fill())
    yield story
    asyncio.run(story.store.close())


def rows(wanted: Callable[[Row], object]) -> pytest.MarkDecorator:
    """A test for each row that is wanted."""
    return pytest.mark.parametrize("route", [route for route, row in ROWS.items() if wanted(row)])


async def who_may(
    whole: WholeStory,
    scopes: Collection[Scope] = tuple(Scope),
    campaigns: frozenset[str] | None = None,
    agent_id: int | None = None,
) -> httpx.AsyncClient:
    """A program with a token of its own."""
    secret = new_secret()
    await whole.add_token(secret, scopes, campaigns, agent_id)
    return whole.client(secret)


async def half_of(whole: WholeStory) -> httpx.AsyncClient:
    """A program that may see one campaign."""
    return await who_may(whole, campaigns=frozenset({"spring"}), agent_id=ADA)


async def ask(whole: WholeStory, client: httpx.AsyncClient, route: str, others: bool = False) -> httpx.Response:
    """Ask for a route: about what the first campaign has, or about what belongs to another one."""
    row = ROWS[route]
    values = {**MINE, **whole.values["spring"], **row.mine}
    if others:
        values |= {
            name: whole.values["harvest"][name] if given == "theirs" else given for name, given in row.others.items()
        }
    method, path = route.split(" ")
    target = re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), path)
    if route == STREAM:
        return await first_words(whole, f"/v1{target}", client.headers)
    if isinstance(row.body, str):
        return await client.request(method, target, content=row.body, headers={"content-type": "text/csv"})
    return await client.request(method, target, json=row.body)


async def first_words(whole: WholeStory, path: str, headers: httpx.Headers) -> httpx.Response:
    """What a stream begins with; then its listener goes."""
    told, heard = bytearray(), asyncio.Event()
    statuses: list[int] = []

    async def receive() -> dict[str, Any]:
        await heard.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])
        elif message.get("body"):
            told.extend(message["body"])
            heard.set()

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http"}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "headers": headers.raw}
    async with asyncio.timeout(5):
        await whole.app(scope | {"client": ("192.0.2.7", 50_000), "server": ("127.0.0.1", 8042)}, receive, send)
    return httpx.Response(statuses[0], content=bytes(told), headers={"content-type": "text/event-stream"})


def names_of_harvest(text: str) -> list[str]:
    """Names of the other campaign's objects that stand in an answer: whole words between quotes, commas or ends."""
    return [name for name in OF_HARVEST if re.search(rf'(^|["\s,]){re.escape(name)}($|["\s,])', text)]


def problem_in(answer: httpx.Response) -> str:
    """The code of a refusal."""
    code: str = answer.json()["code"]
    return code


def test_every_route_is_in_the_table():
    assert {route_of(row) for row in ROWS} == set(OPERATIONS)


def test_every_route_of_the_application_is_in_the_document(whole):
    """What is left out of the document is left out of the tests that are made from it."""
    paths = {route.path for route in iter_route_contexts(whole.app.routes)}
    assert len(paths) > 20
    assert paths - {"/v1/openapi.json"} == set(whole.app.openapi()["paths"]) == set(whole_document()["paths"])


@rows(lambda row: True)
def test_every_row_says_what_becomes_of_other_campaigns(route):
    row = ROWS[route]
    said = [bool(row.others), bool(row.hides), row.all_campaigns, row.everybodys is not None, row.is_open]
    assert sum(said) == 1, "one of others, hides, all_campaigns, everybodys, is_open"


@rows(lambda row: not row.is_open)
async def test_nobody_is_told_nothing(whole, route):
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "outdial=wrong; __Host-outdial=wrong"}):
        answer = await ask(whole, whole.client(**headers), route)
        assert (answer.status_code, problem_in(answer)) == (401, "unauthorized")
    wanted = [[scope.value] for scope in ROWS[route].scopes] or [[]]
    security = OPERATIONS[route_of(route)]["security"]
    assert security == [{scheme: each} for each in wanted for scheme in ("token", "session")]


@rows(lambda row: row.scopes)
async def test_who_has_all_other_scopes_is_refused(whole, route):
    answer = await ask(whole, await who_may(whole, set(Scope) - set(ROWS[route].scopes)), route)
    assert (answer.status_code, problem_in(answer)) == (403, "forbidden")


@rows(lambda row: row.scopes)
async def test_who_has_a_scope_is_not_refused(whole, route):
    for scope in ROWS[route].scopes:
        answer = await ask(whole, await who_may(whole, {scope}, agent_id=ADA), route)
        assert answer.status_code not in (401, 403, 422, 429, 500, 503), answer.text


@rows(lambda row: row.others)
async def test_what_belongs_to_another_campaign_does_not_exist(whole, route):
    half, none = await half_of(whole), await who_may(whole, campaigns=frozenset())
    assert (await ask(whole, half, route, others=True)).status_code == 404
    assert (await ask(whole, none, route)).status_code == 404
    for client, others in ((half, False), (await who_may(whole), True)):
        answer = await ask(whole, client, route, others)
        assert answer.status_code not in (401, 403, 404, 422, 429, 500, 503), answer.text


@rows(lambda row: row.hides)
async def test_what_belongs_to_another_campaign_is_left_out(whole, route):
    name = ROWS[route].hides
    everything = await ask(whole, await who_may(whole), route)
    assert everything.status_code == 200 and name in everything.text, everything.text
    for campaigns in ({"spring"}, ()):
        answer = await ask(whole, await who_may(whole, campaigns=frozenset(campaigns)), route)
        assert name not in answer.text and answer.status_code in (200, 404)


@pytest.mark.parametrize(
    "part, name, campaigns_at, route",
    [
        (RunningLists, "one", 2, "GET /lists/{dbid}"),
        (RunningImports, "job", 2, "GET /imports/{job_id}"),
        (RunningDoNotCall, "lists", 1, "GET /dnc"),
        (Board, "seen_by", 1, "GET /agents"),
    ],
)
async def test_a_route_that_forgets_the_campaigns_is_caught(whole, monkeypatch, part, name, campaigns_at, route):
    remembering = getattr(part, name)

    def forgetting(*arguments: Any) -> Any:
        return remembering(*arguments[:campaigns_at], None)

    monkeypatch.setattr(part, name, forgetting)
    judge = (
        test_what_belongs_to_another_campaign_does_not_exist
        if ROWS[route].others
        else test_what_belongs_to_another_campaign_is_left_out
    )
    with pytest.raises(AssertionError):
        await judge(whole, route)


@rows(lambda row: row.scopes == (AGENT, OPERATE) and row.others)
async def test_an_agent_sits_at_no_other_desk(whole, route):
    assert (await ask(whole, await who_may(whole, {AGENT}, agent_id=ADA), route, others=True)).status_code == 404
    assert (await ask(whole, await who_may(whole, {AGENT}), route)).status_code == 404


@rows(lambda row: row.all_campaigns)
async def test_what_is_about_all_campaigns_is_refused_to_who_is_bound_to_some(whole, route):
    answer = await ask(whole, await half_of(whole), route)
    assert (answer.status_code, problem_in(answer)) == (403, "forbidden")


@rows(lambda row: row.everybodys is not None)
async def test_what_is_about_no_campaign_is_the_same_for_everybody(whole, route):
    for campaigns in (None, frozenset({"spring"}), frozenset()):
        answer = await ask(whole, await who_may(whole, campaigns=campaigns), route)
        assert answer.status_code == ROWS[route].everybodys, answer.text


@pytest.mark.parametrize("route", [route for route in ROWS if route.startswith("GET ")])
async def test_no_answer_names_another_campaign(whole, route):
    answer = await ask(whole, await half_of(whole), route)
    assert not names_of_harvest(answer.text), answer.text


async def test_the_document_itself_tells_nothing_of_anybody(whole):
    answer = await whole.client().get("/openapi.json")
    assert answer.status_code == 200
    assert not [name for name in OF_HARVEST if f'"{name}"' in answer.text]
