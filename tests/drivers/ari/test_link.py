"""The ARI link against a scripted server: up, events, requests, and every way to end."""

import asyncio
import base64
import functools
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from aiohttp import WSMsgType, web

from outdial.core.errors import ConfigError
from outdial.drivers.ari import link as link_module
from outdial.drivers.ari.lanes import SIDE_BY_SIDE_MAX, WAITING_MAX
from outdial.drivers.ari.link import AriLink
from outdial.drivers.ari.session import AriAddress
from outdial.drivers.ari.wire import AriReply, AriRequest, Channel, StasisEnd
from outdial.drivers.backoff import longest_pause_s

PATIENCE_S = 5.0


class Server:
    """An ARI server that does what the test says and remembers what it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.logins: list[str] = []
        self.handshake_status = 101
        self.application_status = 200
        self.first_words: list[str] = []
        """Sent as soon as a websocket opens."""
        self.answers_pings = True
        self.pongs: asyncio.Queue[bytes] = asyncio.Queue()
        self.sockets: list[web.WebSocketResponse] = []
        self.endings: asyncio.Queue[str] = asyncio.Queue()
        self.running = 0
        self.most_running = 0
        self.answer: Callable[[web.Request], Awaitable[web.Response]] = self.fine

    async def fine(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def events(self, request: web.Request) -> web.StreamResponse:
        self.note(request)
        if self.handshake_status != 101:
            return web.Response(status=self.handshake_status)
        websocket = web.WebSocketResponse(autoping=False, autoclose=False, timeout=0.1)
        await websocket.prepare(request)
        self.sockets.append(websocket)
        for word in self.first_words:
            await websocket.send_str(word)
        while True:
            message = await websocket.receive()
            if message.type is WSMsgType.PING and self.answers_pings:
                await websocket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self.pongs.put_nowait(message.data)
            elif message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING, WSMsgType.ERROR):
                self.endings.put_nowait(message.type.name)
                return websocket

    async def application(self, request: web.Request) -> web.Response:
        self.note(request)
        return web.json_response({"name": "outdial"}, status=self.application_status)

    async def resource(self, request: web.Request) -> web.Response:
        self.note(request)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            return await self.answer(request)
        finally:
            self.running -= 1

    def note(self, request: web.Request) -> None:
        self.asked.append(f"{request.method} {request.raw_path}")
        self.logins.append(request.headers.get("Authorization", ""))


@asynccontextmanager
async def serving():
    server = Server()
    app = web.Application()
    app.router.add_get("/ari/events", server.events)
    app.router.add_get("/ari/applications/{app}", server.application)
    app.router.add_route("*", "/ari/{rest:.*}", server.resource)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        for websocket in server.sockets:
            with suppress(Exception):
                await websocket.close()
        await runner.cleanup()


class Owner:
    """Remembers what a link told, in order."""

    def __init__(self, port: int, *, password: Callable[[], str] = lambda: "secret", **options) -> None:
        self.told: list[object] = []
        self.news: asyncio.Queue[object] = asyncio.Queue()
        options = {"random": lambda: 0.0, "heartbeat_s": 0.05, "limit_s": 1.0} | options
        self.link = AriLink(
            AriAddress("127.0.0.1", port, "dialer", password, "outdial"),
            on_up=lambda: self.tell("up"),
            on_event=self.tell,
            on_down=lambda reason: self.tell(f"down: {reason}"),
            **options,
        )

    def tell(self, news: object) -> None:
        self.told.append(news)
        self.news.put_nowait(news)

    async def next(self) -> object:
        return await asyncio.wait_for(self.news.get(), PATIENCE_S)

    async def up(self) -> None:
        self.link.open()
        assert await self.next() == "up"
        assert self.link.is_up

    async def nothing_more(self) -> None:
        """What was going to be told has been told within a few pings."""
        before = len(self.told)
        await asyncio.sleep(0.15)
        assert self.told[before:] == []


@asynccontextmanager
async def linked(**options):
    """A link that is up, and its server."""
    async with serving() as server:
        owner = Owner(server.port, **options)
        await owner.up()
        try:
            yield server, owner
        finally:
            owner.link.abort()


def story(test):
    """Run an asynchronous test on a fresh event loop, failing when something escapes to the loop's handler."""

    @functools.wraps(test)
    def run(*args, **kwargs):
        async def guarded():
            loud: list[dict] = []
            asyncio.get_running_loop().set_exception_handler(lambda loop, context: loud.append(context))
            await asyncio.wait_for(test(*args, **kwargs), 30)
            assert loud == []

        asyncio.run(guarded())

    return run


def stasis_end(channel: str) -> str:
    return json.dumps({"type": "StasisEnd", "application": "outdial", "channel": {"id": channel}})


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


# --- a link that works ---------------------------------------------------------------------------------------------


@story
async def test_a_link_opens_the_websocket_of_its_application_and_sees_that_the_server_knows_it():
    async with linked() as (server, _):
        assert server.asked == ["GET /ari/events?app=outdial&subscribeAll=false", "GET /ari/applications/outdial"]


@story
async def test_the_login_is_in_a_header_and_never_in_an_address():
    async with linked(password=lambda: "geheim: ü") as (server, _):
        assert set(server.logins) == {"Basic " + base64.b64encode("dialer:geheim: ü".encode()).decode()}
        assert not any("geheim" in asked for asked in server.asked)


@story
async def test_events_are_told_in_order():
    async with linked() as (server, owner):
        for number in range(100):
            await server.sockets[0].send_str(stasis_end(f"od-{number}"))
        assert [await owner.next() for _ in range(100)] == [StasisEnd(Channel(f"od-{number}")) for number in range(100)]


@story
async def test_events_that_come_before_the_link_is_up_are_told_after_it():
    async with serving() as server:
        server.first_words = [stasis_end("early")]
        owner = Owner(server.port)
        owner.link.open()
        assert [await owner.next(), await owner.next()] == ["up", StasisEnd(Channel("early"))]
        owner.link.abort()


@story
async def test_unknown_events_are_skipped_and_garbled_messages_are_counted_and_skipped():
    async with linked() as (server, owner):
        for text in (json.dumps({"type": "ChannelVarset", "channel": None}), "{", '{"type": "StasisEnd"}', "[]"):
            await server.sockets[0].send_str(text)
        await server.sockets[0].send_bytes(b"\xff")
        await server.sockets[0].send_str(stasis_end("od-1"))
        assert await owner.next() == StasisEnd(Channel("od-1"))
        assert owner.link.garbled == 4


@story
async def test_pings_of_the_server_are_answered():
    async with linked() as (server, _):
        await server.sockets[0].ping(b"well?")
        assert await asyncio.wait_for(server.pongs.get(), PATIENCE_S) == b"well?"


@story
async def test_opening_an_open_link_changes_nothing():
    async with linked() as (server, owner):
        owner.link.open()
        await owner.nothing_more()
        assert len(server.sockets) == 1


# --- requests ------------------------------------------------------------------------------------------------------


@story
async def test_a_request_is_quoted_and_its_reply_comes_back():
    async def created(request: web.Request) -> web.Response:
        return web.json_response({"id": "b 1"}, status=200)

    async with linked() as (server, owner):
        server.answer = created
        owner.link.request(AriRequest("POST", "/bridges/b%201", (("type", "mixing"), ("name", "a b+c&d"))), owner.tell)
        assert await owner.next() == AriReply(200, b'{"id": "b 1"}')
        assert server.asked[-1] == "POST /ari/bridges/b%201?type=mixing&name=a%20b%2Bc%26d"


@story
async def test_refusals_are_replies_like_others_and_redirects_are_not_followed():
    async def refuse(request: web.Request) -> web.Response:
        status = int(request.path.rsplit("/", 1)[1])
        return web.Response(status=status, headers={"Location": "/ari/elsewhere"} if status == 302 else {})

    async with linked() as (server, owner):
        server.answer = refuse
        for status in (302, 404, 409, 422, 500):
            owner.link.request(AriRequest("GET", f"/x/{status}", lane="one"), lambda reply: owner.tell(reply.status))
        assert [await owner.next() for _ in range(5)] == [302, 404, 409, 422, 500]


@story
async def test_requests_of_one_lane_wait_for_each_other_and_other_lanes_do_not():
    gate = asyncio.Event()

    async def slow_first(request: web.Request) -> web.Response:
        if request.path.endswith("/first"):
            await gate.wait()
        return web.Response(status=204)

    async with linked() as (server, owner):
        server.answer = slow_first
        for path, lane in (("/first", "a"), ("/second", "a"), ("/third", "a"), ("/other", "b")):
            owner.link.request(AriRequest("POST", path, lane=lane), lambda reply, path=path: owner.tell(path))
        assert await owner.next() == "/other"
        assert sorted(server.asked[2:]) == ["POST /ari/first", "POST /ari/other"]
        gate.set()
        assert [await owner.next() for _ in range(3)] == ["/first", "/second", "/third"]


@story
async def test_lanes_beyond_the_places_take_turns():
    """Twice as many lanes as places, two requests each: nobody's second goes before another's first."""
    lanes = [str(number) for number in range(2 * SIDE_BY_SIDE_MAX)]

    async def slow(request: web.Request) -> web.Response:
        await asyncio.sleep(0.02)
        return web.Response(status=204)

    async with linked() as (server, owner):
        server.answer = slow
        for turn in (1, 2):
            for lane in lanes:
                owner.link.request(AriRequest("POST", f"/{turn}", lane=lane), lambda reply: owner.tell(reply.status))
        assert {await owner.next() for _ in range(2 * len(lanes))} == {204}
        assert server.most_running == SIDE_BY_SIDE_MAX
        assert server.asked[2:] == ["POST /ari/1"] * len(lanes) + ["POST /ari/2"] * len(lanes)


@story
async def test_a_reply_may_ask_for_more():
    async with linked() as (server, owner):

        def again(reply: AriReply) -> None:
            owner.link.request(AriRequest("POST", "/second", lane="a"), owner.tell)

        owner.link.request(AriRequest("POST", "/first", lane="a"), again)
        assert await owner.next() == AriReply(204)
        assert server.asked[2:] == ["POST /ari/first", "POST /ari/second"]


@story
async def test_a_link_that_is_not_up_answers_at_once_with_nothing():
    owner = Owner(1)
    owner.link.request(AriRequest("POST", "/x"), owner.tell)
    assert owner.told == [AriReply(0)]


@story
async def test_too_many_waiting_requests_are_answered_at_once_with_nothing():
    gate = asyncio.Event()

    async def wait(request: web.Request) -> web.Response:
        await gate.wait()
        return web.Response(status=204)

    async with linked() as (server, owner):
        server.answer = wait
        for _ in range(WAITING_MAX):
            owner.link.request(AriRequest("POST", "/x"), owner.tell)
        assert owner.told == ["up"]
        owner.link.request(AriRequest("POST", "/x"), owner.tell)
        assert owner.told == ["up", AriReply(0)]


@story
async def test_a_reply_that_is_too_long_counts_as_none(monkeypatch):
    monkeypatch.setattr(link_module, "MESSAGE_BYTES_MAX", 1_000)

    async def long(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * 1_001)

    async with linked() as (server, owner):
        server.answer = long
        owner.link.request(AriRequest("GET", "/bridges"), owner.tell)
        assert await owner.next() == AriReply(0)
        assert owner.link.is_up


@story
async def test_one_late_reply_is_none_and_three_in_a_row_end_the_link(monkeypatch):
    monkeypatch.setattr(link_module, "REQUEST_LIMIT_S", 0.05)

    async def late(request: web.Request) -> web.Response:
        if request.path.endswith("/late"):
            await asyncio.sleep(PATIENCE_S)
        return web.Response(status=204)

    async with linked() as (server, owner):
        server.answer = late
        for path in ("/late", "/late", "/fine", "/late", "/late", "/late", "/never"):
            owner.link.request(AriRequest("POST", path), lambda reply: owner.tell(reply.status))
        assert [await owner.next() for _ in range(7)] == [0, 0, 204, 0, 0, 0, 0]
        assert str(await owner.next()).startswith("down: 3 requests in a row without an answer")
        assert "POST /ari/never" not in server.asked


# --- losing it -----------------------------------------------------------------------------------------------------


@story
async def test_a_server_that_answers_no_ping_is_lost_in_time():
    async with linked(heartbeat_s=0.05, limit_s=0.2) as (server, owner):
        await owner.nothing_more()
        server.answers_pings = False
        frozen_at = time.monotonic()
        assert await owner.next() == "down: no answer to ping for 0.2 s"
        assert 0.1 < time.monotonic() - frozen_at < 0.5
        assert not owner.link.is_up
        await owner.nothing_more()


@story
async def test_any_word_of_the_server_is_a_sign_of_life():
    async with linked(heartbeat_s=0.05, limit_s=0.1) as (server, owner):
        server.answers_pings = False
        for number in range(8):
            await server.sockets[0].send_str(stasis_end(str(number)))
            await asyncio.sleep(0.05)
        assert owner.link.is_up


@story
async def test_our_own_sleep_is_not_taken_for_silence_of_the_server():
    async with linked(heartbeat_s=0.05, limit_s=0.1) as (_, owner):
        for _ in range(3):
            await asyncio.sleep(0.06)
            time.sleep(0.3)
        await owner.nothing_more()
        assert owner.link.is_up


@story
async def test_a_taken_over_application_ends_the_link():
    async with linked() as (server, owner):
        await server.sockets[0].send_str(json.dumps({"type": "ApplicationReplaced", "application": "outdial"}))
        await server.sockets[0].send_str(stasis_end("late"))
        assert await owner.next() == "down: another outdial took over the application 'outdial'"
        await owner.nothing_more()


@story
async def test_a_websocket_that_the_server_closes_ends_the_link():
    async with linked() as (server, owner):
        await server.sockets[0].close(code=1001)
        assert await owner.next() == "down: the server closed the websocket (code 1001)"


@story
async def test_a_websocket_that_is_cut_ends_the_link():
    async with linked() as (server, owner):
        server.sockets[0]._req.transport.abort()
        assert await owner.next() == "down: the websocket was cut off (code 1006)"


@story
async def test_a_message_beyond_the_bound_ends_the_link(monkeypatch):
    monkeypatch.setattr(link_module, "MESSAGE_BYTES_MAX", 1_000)
    async with linked() as (server, owner):
        await server.sockets[0].send_str("x" * 2_000)
        assert str(await owner.next()).startswith("down: the websocket failed: ")


@story
async def test_requests_without_an_answer_get_nothing_in_order_before_the_owner_hears_of_the_loss():
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(PATIENCE_S)
        return web.Response(status=204)

    async with linked() as (server, owner):
        server.answer = never
        for number, lane in enumerate("abab"):
            owner.link.request(
                AriRequest("POST", f"/{number}", lane=lane),
                lambda reply, number=number: owner.tell((number, reply.status, owner.link.is_up)),
            )
        await until(lambda: server.running == 2)
        server.sockets[0]._req.transport.abort()
        assert [await owner.next() for _ in range(4)] == [(number, 0, False) for number in range(4)]
        assert str(await owner.next()).startswith("down: ")
        await owner.nothing_more()
        assert len(server.asked) == 4


@story
async def test_a_lost_link_opens_again():
    async with linked() as (server, owner):
        await server.sockets[0].close()
        assert str(await owner.next()).startswith("down: ")
        await owner.up()
        owner.link.request(AriRequest("DELETE", "/bridges/b"), owner.tell)
        assert await owner.next() == AriReply(204)


# --- abort ---------------------------------------------------------------------------------------------------------


@story
async def test_after_abort_nothing_is_told_and_the_link_opens_again():
    async def never(request: web.Request) -> web.Response:
        await asyncio.sleep(PATIENCE_S)
        return web.Response(status=204)

    async with linked() as (server, owner):
        server.answer = never
        owner.link.request(AriRequest("POST", "/x"), owner.tell)
        await until(lambda: server.running == 1)
        await server.sockets[0].send_str(stasis_end("late"))
        owner.link.abort()
        assert not owner.link.is_up
        await owner.nothing_more()
        assert owner.told == ["up"]
        await owner.up()


@pytest.mark.parametrize("turns", range(0, 30, 3))
def test_abort_at_any_moment_of_opening_leaves_nothing_behind(turns):
    @story
    async def told():
        async with serving() as server:
            owner = Owner(server.port)
            owner.link.open()
            for _ in range(turns):
                await asyncio.sleep(0)
            before = list(owner.told)
            owner.link.abort()
            await owner.nothing_more()
            assert owner.told == before
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [task for task in rest if "_Connection" in repr(task)]

    told()


@story
async def test_callbacks_may_abort():
    async with serving() as server:
        server.first_words = [stasis_end("1"), stasis_end("2")]
        owner = Owner(server.port)
        owner.link.on_event = lambda event: (owner.tell(event), owner.link.abort())
        owner.link.open()
        assert [await owner.next(), await owner.next()] == ["up", StasisEnd(Channel("1"))]
        await owner.nothing_more()
        owner.link.on_up = owner.link.abort
        owner.link.open()
        await owner.nothing_more()


@story
async def test_a_lost_or_aborted_connection_is_reset_and_not_closed():
    """A reset throws away what a hanging server has not read yet."""
    ends: asyncio.Queue[str] = asyncio.Queue()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                pass
            ends.put_nowait("closed")
        except ConnectionResetError:
            ends.put_nowait("reset")
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        owner = Owner(server.sockets[0].getsockname()[1], open_s=0.1)
        owner.link.open()
        assert await owner.next() == "down: no answer from ARI within 0.1 s"
        assert await asyncio.wait_for(ends.get(), PATIENCE_S) == "reset"
        owner.link.open()
        await asyncio.sleep(0.05)
        owner.link.abort()
        assert await asyncio.wait_for(ends.get(), PATIENCE_S) == "reset"


# --- why it does not come up ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "handshake, application, reason",
    [
        (401, 200, "login refused: ARI knows no user 'dialer' with this password (ari.conf)"),
        (403, 200, "login refused: ARI user 'dialer' may not do this (ari.conf)"),
        (404, 200, "there is no ARI: load res_ari and res_ari_events and enable them (http.conf, ari.conf)"),
        (503, 200, "the server is not fully booted yet"),
        (500, 200, "the websocket was refused with HTTP 500"),
        (101, 404, "ARI refuses GET /applications/outdial with HTTP 404"),
    ],
)
def test_a_refusal_is_told_in_words(handshake, application, reason):
    @story
    async def told():
        async with serving() as server:
            server.handshake_status, server.application_status = handshake, application
            owner = Owner(server.port)
            owner.link.open()
            assert await owner.next() == f"down: {reason}"
            assert not owner.link.is_up

    told()


@story
async def test_a_closed_port_is_told_in_words():
    async with serving() as server:
        port = server.port
    owner = Owner(port)
    owner.link.open()
    assert await owner.next() == f"down: cannot connect to 127.0.0.1 port {port}: Connection refused"


@story
async def test_a_missing_password_is_told_in_words():
    def missing() -> str:
        raise ConfigError(["password.txt: holds no password"])

    owner = Owner(1, password=missing)
    owner.link.open()
    assert await owner.next() == "down: cannot open ARI: password.txt: holds no password"


@pytest.mark.parametrize("callback", ["on_up", "on_event", "on_reply"])
def test_a_callback_that_raises_is_loud_and_ends_the_link(callback):
    async def told():
        loud: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: loud.append(context["exception"]))
        bug = RuntimeError("planted")

        def planted(*args: object) -> None:
            raise bug

        async with serving() as server:
            server.first_words = [stasis_end("1")] if callback == "on_event" else []
            owner = Owner(server.port)
            if callback != "on_reply":
                setattr(owner.link, callback, planted)
            owner.link.open()
            if callback != "on_up":
                assert await owner.next() == "up"
            if callback == "on_reply":
                owner.link.request(AriRequest("POST", "/x"), planted)
            assert await owner.next() == "down: a bug in outdial: RuntimeError('planted')"
            assert loud == [bug]

    asyncio.run(told())


# --- the pause after failures --------------------------------------------------------------------------------------


@story
async def test_attempts_that_fail_in_a_row_are_further_and_further_apart():
    async with serving() as server:
        server.handshake_status = 503
        draws: list[float] = []

        def draw() -> float:
            draws.append(0.1)
            return draws[-1]

        owner = Owner(server.port, random=draw)
        for failures in range(4):
            asked_at = time.monotonic()
            owner.link.open()
            await owner.next()
            assert time.monotonic() - asked_at >= 0.1 * longest_pause_s(failures)
        assert draws == [0.1] * 4
