"""Who connects to the API and says nothing, or little at a time, is let go."""

import asyncio
import contextlib
import resource
import socket
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn

from outdial import serve_connections
from outdial.serve_connections import CONNECTIONS_MAX, OTHER_FILES, connections_max, impatient

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


def with_server(story: Callable[[Any], Any], count_max: int = 100, head_s_max: float = 0.1) -> None:
    async def run() -> None:
        bound = socket.create_server(("127.0.0.1", 0))
        http = impatient(count_max, head_s_max)
        server = uvicorn.Server(uvicorn.Config(hello, http=http, lifespan="off", log_config=None))
        serving = asyncio.create_task(server._serve([bound]))
        try:
            async with asyncio.timeout(20):
                while not server.started:
                    await asyncio.sleep(0.01)
                await story(lambda: asyncio.open_connection(*bound.getsockname()))
        finally:
            server.should_exit = True
            await serving

    asyncio.run(run())


def test_whoever_says_nothing_or_not_all_is_let_go():
    async def story(connect: Any) -> None:
        for said in (b"", HEAD[:-2]):
            reader, writer = await connect()
            writer.write(said)
            assert await reader.read() == b""
            writer.close()

    with_server(story)


def test_whoever_asks_is_answered_however_long_it_takes_and_may_ask_again():
    async def story(connect: Any) -> None:
        reader, writer = await connect()
        for head in (HEAD, HEAD.replace(b"/ ", b"/slow "), HEAD):
            writer.write(head)
            assert await reader.readuntil(b"hi")
        writer.write(HEAD[:20])
        assert await reader.read() == b""
        writer.close()

    with_server(story)


def test_more_than_may_be_are_closed_at_once():
    async def story(connect: Any) -> None:
        kept = [await connect() for _ in range(3)]
        reader, writer = await connect()
        with contextlib.suppress(ConnectionError):
            assert await reader.read() == b""
        kept[0][1].write(HEAD)
        assert await kept[0][0].readuntil(b"hi")
        for _, open_one in (*kept, (reader, writer)):
            open_one.close()

    with_server(story, count_max=3, head_s_max=15)


@pytest.mark.parametrize(
    ("soft", "hard", "allowed"),
    [
        (1_024, 1_024, 624),
        (1_024, 524_288, CONNECTIONS_MAX),
        (1_024, resource.RLIM_INFINITY, CONNECTIONS_MAX),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, CONNECTIONS_MAX),
        (4_096, 4_096, 4_096 - OTHER_FILES),
        (256, 256, 128),
    ],
)
def test_files_are_left_for_the_dialer(monkeypatch, soft, hard, allowed):
    limits = [(soft, hard)]
    monkeypatch.setattr(serve_connections.resource, "getrlimit", lambda what: limits[-1])
    monkeypatch.setattr(serve_connections.resource, "setrlimit", lambda what, given: limits.append(given))
    assert connections_max() == allowed
