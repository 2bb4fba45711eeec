"""Presence over a real socket: an agent is there as long as the page's connection is, and not a moment longer."""

import asyncio
import socket

import uvicorn

from desk_api_story import ADA, DeskApiStory
from outdial.config.api import Api, Listen
from outdial.serve_api import UNHEARD_MS, _bind, _server

PATIENCE_S = 10


async def until(is_so) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_closed_page_is_noticed_at_once():
    story = DeskApiStory()
    bound = _bind(Listen("127.0.0.1", 0))
    server = _server(uvicorn, story.app, Api(Listen("127.0.0.1", 0)))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        reader, writer = await asyncio.open_connection(*bound.getsockname())
        writer.write(f"GET /v1/agents/{ADA}/stream HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE_S):
            assert b"text/event-stream" in await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"event: desk")
        [place] = story.desks._places.values()
        assert (place.watchers, place.away) == (1, None)
        writer.close()
        await until(lambda: place.watchers == 0)
        assert place.away is not None  # from now on the agent is waited for
    finally:
        story.desks.close()
        server.should_exit = True
        await serving
        bound.close()


def test_page_whose_machine_has_gone_dark_does_not_stay():
    """What is sent to it is not acknowledged. Connections inherit the limit from the socket that listens."""
    bound = _bind(Listen("127.0.0.1", 0))
    with socket.create_connection(bound.getsockname()):
        bound.setblocking(True)
        accepted, _ = bound.accept()
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == UNHEARD_MS
        accepted.close()
    bound.close()
