"""What stands around every route: headers, names of requests, limits, streams that end."""

import asyncio
import json
import re
import threading

import pytest
from starlette.datastructures import Headers

from account_samples import HOST, PASSWORD, AccountStory
from outdial.api.browser_headers import CONTENT_SECURITY_POLICY
from outdial.api.gate import RECHECK_MS
from outdial.api.origins import Origins
from outdial.api.request_limits import LimitRequests, RequestLimits, has_more_commas
from outdial.api.roles import Scope
from outdial.api.stream_watch import LOOK_MS, StreamWatch
from outdial.api.warm_up import warm_up


@pytest.fixture
def story() -> AccountStory:
    return AccountStory()


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/groups", "/nothing", "/groups/0", "/openapi.json"])
async def test_every_answer_tells_browsers_what_to_refuse(story, path):
    headers = (await story.client().get(path)).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers and "server" not in headers


async def test_requests_have_names(story):
    answer = await story.client().get("/groups")
    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    named = await story.client(**{"x-request-id": "from-the-proxy-1"}).get("/groups")
    assert named.headers["x-request-id"] == "from-the-proxy-1"
    for wrong in ("short", "x" * 65, "with blanks in it"):
        assert (await story.client(**{"x-request-id": wrong}).get("/groups")).headers["x-request-id"] != wrong


async def test_the_log_has_changes_and_refusals_and_no_secrets(story):
    await story.add_user("anna")
    await story.add_token("outdial_secret")
    client = story.client("outdial_secret")
    await client.get("/groups?key=query-secret")
    assert story.lines == []
    await client.post("/groups/1/start")
    await client.get("/groups/99?key=query-secret")
    await story.client("outdial_wrong").get("/groups")
    await story.client().post("/session", json={"login": "anna", "password": "a wrong password"})
    await story.browser(login="anna", password=PASSWORD)
    told = [(line["method"], line["path"], line["status"], line["by"]) for line in story.lines]
    name = next(iter(await story.records.tokens())).name
    assert told == [
        ("POST", "/v1/groups/1/start", 200, f"token {name}"),
        ("GET", "/v1/groups/99", 404, f"token {name}"),
        ("GET", "/v1/groups", 401, ""),
        ("POST", "/v1/session", 401, ""),
        ("POST", "/v1/session", 200, ""),
    ]
    text = json.dumps([story.lines, story.changes])
    for secret in ("query-secret", "outdial_secret", "outdial_wrong", PASSWORD, "a wrong password"):
        assert secret not in text


async def test_a_bug_is_told_like_any_other_refusal(story, monkeypatch):
    def broken():
        raise RuntimeError("planted")

    monkeypatch.setattr(story.board, "current", broken)
    answer = await story.client().get("/groups")
    assert (answer.status_code, answer.json()["code"]) == (500, "bug")
    assert "planted" not in answer.text
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert (story.lines[-1]["request_id"], story.lines[-1]["status"]) == (answer.headers["x-request-id"], 500)


# --- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host, is_ours",
    [
        (HOST, True),
        ("localhost", True),
        ("LocalHost:8042", True),
        ("demo.localhost:8042", True),
        ("127.8.8.8:1", True),
        ("[::1]:8042", True),
        ("dial.example.com", True),
        ("dial.example.com:443", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:8042", False),
        ("192.0.2.1:8042", False),
        ("[2001:db8::1]:8042", False),
        ("", False),
        ("[", False),
    ],
)
async def test_on_loopback_the_name_has_to_mean_this_machine(host, is_ours):
    story = AccountStory(Origins(trusted=frozenset({"https://dial.example.com"})))
    await story.add_token("outdial_x")
    answer = await story.client("outdial_x", host=host).get("/groups")
    assert answer.status_code == (200 if is_ours else 421)
    if not is_ours:
        assert answer.json()["code"] == "wrong_host"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def chunks(*parts: bytes):
    for part in parts:
        yield part


async def test_a_body_has_a_limit_whether_it_says_its_length_or_not():
    story = AccountStory(limits={"body_bytes_max": 1_000, "uploads": {r"/v1/users": 2_000}})
    client = story.client(**{"content-type": "application/json"})
    said = await client.post("/tokens", content=b"x" * 1_001)
    unsaid = await client.post("/tokens", content=chunks(b"x" * 600, b"x" * 600))
    keyed = await client.post("/groups/1/mode", content=chunks(b"x" * 1_001), headers={"idempotency-key": "k"})
    for answer in (said, unsaid, keyed):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
    assert (said.json()["code"], unsaid.json()["code"] != "") == ("content_too_large", True)
    assert (await client.post("/tokens", content=b"x" * 1_000)).status_code == 422
    assert (await client.post("/users", content=b"x" * 2_000)).status_code == 422
    assert (await client.post("/users", content=b"x" * 2_001)).status_code == 413


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 100_000, "\x00", '"\\ud800"', "NaN"])
async def test_odd_json_is_refused(story, text):
    client = story.client(**{"content-type": "application/json"})
    assert (await client.post("/tokens", content=text)).status_code in (400, 422)
    assert (await client.post("/session", content=text)).status_code in (400, 422)


def members(count: int) -> str:
    return "{" + ",".join(f'"{n}":0' for n in range(count)) + "}"


async def test_a_stranger_cannot_hold_up_the_loop_with_wrong_values(story):
    client = story.client(**{"content-type": "application/json"})
    for path, allowed in (("/session", 11), ("/groups/1/mode", 1_101)):
        assert (await client.post(path, content=members(allowed + 1))).status_code == 413, path
        assert (await client.post(path, content=members(allowed))).status_code != 413, path
    answer = await client.post("/groups/1/mode", content=members(1_101))
    assert (answer.status_code, len(answer.json()["mistakes"])) == (422, 100)


@pytest.mark.parametrize(
    ("body", "has_more"),
    [
        (b"[1,2,3]", False),
        (b"[1,2,3,4]", True),
        (b'{"a": "1,2,3,4,5"}', False),
        (b'["a\\",b,c,d", 1, 2]', False),
        (b'["\\\\",1,2,3]', True),
        (b'"' + b"," * 100, False),
        (b'"' + b'\\",' * 50_000, False),
    ],
)
def test_commas_in_texts_are_no_values(body, has_more):
    assert has_more_commas(body, 2) is has_more


async def test_headers_and_addresses_have_limits(story):
    many = {f"x-{n}": "1" for n in range(100)}
    assert (await story.client(**many).get("/groups")).json()["code"] == "headers_too_large"
    assert (await story.client(big="x" * 33_000).get("/groups")).status_code == 431
    assert (await story.client().get("/groups", params={"x": "y" * 9_000})).status_code == 414
    assert (await story.client(**{"content-length": "-1"}).get("/groups")).status_code == 400
    assert (await story.client(**{"content-length": "9" * 4_000}).get("/groups")).status_code == 413


async def collect(app, path="/v1/x", method="GET"):
    """What an ASGI application answers, message by message."""
    messages: list[dict] = []

    async def send(message):
        messages.append(message)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "raw_path": b""}
    await app(scope, receive, send)
    return messages


async def test_who_does_not_answer_in_time_is_answered_for():
    async def silent(scope, receive, send):
        await asyncio.Event().wait()

    limits = RequestLimits(answer_s_max=0.01)
    start, body = await collect(LimitRequests(silent, limits=limits))
    assert (start["status"], json.loads(body["body"])["code"]) == (503, "timeout")
    assert Headers(raw=start["headers"])["retry-after"] == "1"


async def test_an_answer_that_has_begun_may_take_its_time():
    async def slow(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.05)
        await send({"type": "http.response.body", "body": b"done"})

    messages = await collect(LimitRequests(slow, limits=RequestLimits(answer_s_max=0.01)))
    assert messages[-1]["body"] == b"done"


# --- streams ---------------------------------------------------------------------------------------------------------


async def stream_of(story: AccountStory, secret: str, before_each) -> list[bytes]:
    """What a stream of five messages says to who has a token; something happens before each."""

    async def stream(scope, receive, send):
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for n in range(5):
            await before_each(n)
            await send({"type": "http.response.body", "body": b"%d" % n, "more_body": True})

    async def with_token(scope, receive, send):
        headers = [(b"authorization", f"Bearer {secret}".encode()), (b"host", HOST.encode())]
        await StreamWatch(stream, access=story.gate, mono_ms=lambda: story.utc_ms)(
            {**scope, "headers": headers}, receive, send
        )

    return [message["body"] for message in await collect(with_token) if "body" in message]


async def test_a_stream_ends_when_its_token_is_revoked(story):
    token_id = await story.add_token("outdial_x")

    async def before_each(n):
        story.utc_ms += RECHECK_MS
        if n == 1:
            await story.records.revoke_token(token_id, story.utc_ms)

    said = await stream_of(story, "outdial_x", before_each)
    assert LOOK_MS == 3 * RECHECK_MS
    assert said == [b"0", b"1", b""]


async def test_a_stream_ends_when_a_campaign_is_taken_away(story):
    await story.add_user("anna", campaigns=frozenset({"spring"}))
    await story.add_token("outdial_x", {Scope.READ})

    async def before_each(n):
        story.utc_ms += LOOK_MS
        if n == 2:
            token, digest = next(iter(story.records._tokens.values()))
            del story.records._tokens[token.token_id]
            await story.add_token("outdial_x", {Scope.READ}, frozenset())
            assert digest in {kept for _, kept in story.records._tokens.values()}

    assert await stream_of(story, "outdial_x", before_each) == [b"0", b"1", b""]


async def test_a_stream_goes_on_while_the_database_is_away_and_says_that_the_page_is_open(story):
    token_id = await story.add_token("outdial_x")

    async def before_each(n):
        story.utc_ms += LOOK_MS
        story.records.is_away = n in (1, 2, 3)

    assert await stream_of(story, "outdial_x", before_each) == [b"0", b"1", b"2", b"3", b"4"]
    await story.gate.keep_up()
    assert (await story.records.token(token_id)).used_utc_ms == story.utc_ms


# --- the first request -----------------------------------------------------------------------------------------------


async def test_what_is_put_off_until_somebody_asks_is_done_beforehand_and_beside_the_loop(story):
    threads: list[int] = []
    draw = story.app.openapi

    def drawn():
        threads.append(threading.get_ident())
        return draw()

    story.app.openapi = drawn
    assert story.app.middleware_stack is None
    await warm_up(story.app)
    assert story.app.middleware_stack is not None and story.app.openapi_schema is not None
    assert threads and threading.get_ident() not in threads
    assert story.lines == []  # nobody has asked for anything
    assert (await story.client().get("/health/live")).status_code == 200
    assert (await story.client().put("/groups")).status_code == 405
