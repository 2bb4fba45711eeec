"""The REST interface of the fake server: applications, bridges, events. Expectations are those of real servers."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from outdial.drivers.fake_asterisk import FakeAsterisk
from raw_manager import PASSWORD, USER, Manager, play


class Ari:
    """A client with one events websocket."""

    def __init__(self, server: FakeAsterisk, *, password: str = PASSWORD) -> None:
        host, port = server.ari_address
        headers = {"Authorization": aiohttp.encode_basic_auth(USER, password)}
        self.session = aiohttp.ClientSession(f"http://{host}:{port}", headers=headers)
        self.events: list[dict[str, Any]] = []

    async def __aenter__(self) -> "Ari":
        return self

    async def __aexit__(self, *problem: object) -> None:
        await self.session.close()

    async def listen(self) -> aiohttp.ClientWebSocketResponse:
        self.websocket = await self.session.ws_connect("/ari/events?app=outdial&subscribeAll=false")
        return self.websocket

    async def ask(self, method: str, path: str) -> tuple[int, Any]:
        async with self.session.request(method, f"/ari{path}") as response:
            body = await response.read()
            return response.status, json.loads(body) if body else None

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this type."""
        while True:
            event = json.loads(await self.websocket.receive_str())
            self.events.append(event)
            if event["type"] == kind:
                return event

    async def so_far(self) -> list[str]:
        """Types of the events that are under way."""
        types = []
        while True:
            try:
                types.append(json.loads(await asyncio.wait_for(self.websocket.receive_str(), 0.05))["type"])
            except TimeoutError:
                return types


async def engage_and_join(server: FakeAsterisk, ari: Ari) -> Manager:
    """Agent `a` engaged in bridge `b`, customer `c` joined."""
    manager = await Manager.connect(server)
    manager.originate("a", "PJSIP/agent1003", "engaged")
    assert (await ari.until("StasisStart"))["args"] == ["agent"]
    manager.originate("c", "PJSIP/2001@trunk", "join")
    start = await ari.until("StasisStart")
    assert (start["args"], start["channel"]["id"], start["channel"]["state"]) == (["customer"], "c", "Up")
    assert (await ari.ask("POST", "/bridges/b?type=mixing"))[0] == 200
    assert await ari.ask("POST", "/bridges/b/addChannel?channel=a") == (204, None)
    assert await ari.ask("POST", "/bridges/b/addChannel?channel=c") == (204, None)
    await ari.until("ChannelEnteredBridge")
    assert (await ari.until("ChannelEnteredBridge"))["bridge"]["channels"] == ["a", "c"]
    return manager


def test_an_engaged_agent_outlives_the_customer():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            manager = await engage_and_join(server, ari)
            assert (await ari.ask("GET", "/applications/outdial"))[1]["channel_ids"] == ["a", "c"]
            assert (await ari.ask("GET", "/bridges"))[1][0]["channels"] == ["a", "c"]
            await manager.until(Event="BridgeEnter", BridgeUniqueid="b", BridgeNumChannels="2", BridgeType="stasis")
            manager.send(Action="Hangup", Channel="c", Cause="16")
            assert (await ari.until("ChannelLeftBridge"))["bridge"]["channels"] == ["a"]
            assert (await ari.until("StasisEnd"))["channel"]["id"] == "c"
            assert (await manager.until(Event="Hangup", Uniqueid="c"))["Cause"] == "16"
            assert server.calls == ("a",)
            assert (await ari.ask("DELETE", "/bridges/b"))[0] == 204
            assert (await ari.until("BridgeDestroyed"))["bridge"]["id"] == "b"
            assert server.calls == ("a",)  # out of the bridge, still in the application
            assert (await ari.ask("DELETE", "/channels/a"))[0] == 204
            assert (await ari.until("StasisEnd"))["channel"]["id"] == "a"

    play(story)


def test_a_customer_who_hangs_up_in_the_bridge():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            manager = await engage_and_join(server, ari)
            assert server.hang_up("c")
            assert await ari.so_far() == ["ChannelHangupRequest", "ChannelLeftBridge", "StasisEnd"]
            assert (await manager.until(Event="Hangup", Uniqueid="c"))["Cause"] == "16"

    play(story)


def test_a_redirect_takes_a_channel_out_of_bridge_and_application():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            manager = await engage_and_join(server, ari)
            await manager.ask("Redirect", Channel="c", Context="outdial", Exten="wait", Priority="1")
            assert await ari.so_far() == ["ChannelLeftBridge", "StasisEnd"]
            status, said = await ari.ask("POST", "/bridges/b/addChannel?channel=c")
            assert (status, said) == (422, {"message": "Channel not in Stasis application"})

    play(story)


@pytest.mark.parametrize("version, again", [("22.10.1", 409), ("16.28.0", 500)])
def test_errors_are_asterisk_s(version: str, again: int):
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            assert await ari.ask("GET", "/applications/outdial") == (404, {"message": "Application not found"})
            assert (await ari.ask("POST", "/bridges/b?type=mixing"))[0] == 200
            assert (await ari.ask("POST", "/bridges/b?type=mixing"))[0] == again
            assert (await ari.ask("POST", "/bridges/x?type=odd"))[0] == 500
            for method, path, status, message in (
                ("GET", "/bridges/x", 404, "Bridge not found"),
                ("DELETE", "/bridges/x", 404, "Bridge not found"),
                ("POST", "/bridges/x/addChannel?channel=a", 404, "Bridge not found"),
                ("POST", "/bridges/b/addChannel?channel=a", 400, "Channel not found"),
                ("POST", "/bridges/b/addChannel", 400, "Missing parameter channel"),
                ("GET", "/channels/x", 404, "Channel not found"),
                ("DELETE", "/channels/x", 404, "Channel not found"),
                ("GET", "/nosuch", 404, "Resource not found"),
                ("PUT", "/bridges", 405, "Invalid method"),
            ):
                assert await ari.ask(method, path) == (status, {"message": message})
            assert (await ari.session.get("/ari/events?app=outdial")).status == 426
            assert (await ari.ask("GET", "/asterisk/ping"))[1]["ping"] == "pong"
            assert (await ari.ask("GET", "/asterisk/info"))[1]["system"]["version"] == version

    play(story, version=version)


def test_a_wrong_password_opens_nothing():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server, password="wrong") as ari:
            assert (await ari.ask("GET", "/asterisk/ping"))[0] == 401
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await ari.listen()
            assert refused.value.status == 401

    play(story)


def test_without_a_websocket_an_answered_call_is_dropped():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            manager = await Manager.connect(server)
            await manager.answered("c1", "PJSIP/2001@trunk", "join")
            assert (await manager.until(Event="Hangup", Uniqueid="c1"))["Cause"] == "16"
            await ari.listen()
            assert (await ari.ask("GET", "/applications/outdial"))[0] == 200
            assert await ari.so_far() == []

    play(story)


def test_channels_stay_in_the_application_while_its_websocket_is_away():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            websocket = await ari.listen()
            manager = await engage_and_join(server, ari)
            await websocket.close()
            assert (await ari.ask("GET", "/applications/outdial"))[1]["channel_ids"] == ["a", "c"]
            await ari.listen()
            assert await ari.so_far() == []  # nothing is told again
            manager.send(Action="Hangup", Channel="a", Cause="16")
            assert (await ari.until("StasisEnd"))["channel"]["id"] == "a"

    play(story)


def test_an_application_lasts_as_long_as_a_bridge_that_a_channel_of_it_was_in():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            websocket = await ari.listen()
            await engage_and_join(server, ari)
            assert (await ari.ask("GET", "/applications/outdial"))[1]["bridge_ids"] == ["b"]
            await websocket.close()
            for channel in ("a", "c"):
                await ari.ask("DELETE", f"/channels/{channel}")
            shown = (await ari.ask("GET", "/applications/outdial"))[1]
            assert (shown["channel_ids"], shown["bridge_ids"]) == ([], ["b"])
            await ari.ask("DELETE", "/bridges/b")
            assert (await ari.ask("GET", "/applications/outdial"))[0] == 404

    play(story)


def test_a_second_websocket_takes_the_application_over():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as first, Ari(server) as second:
            await first.listen()
            await second.listen()
            assert (await first.until("ApplicationReplaced"))["application"] == "outdial"
            manager = await Manager.connect(server)
            manager.originate("a", "PJSIP/agent1001", "engaged")
            await second.until("StasisStart")
            assert await first.so_far() == []
            assert not first.websocket.closed

    play(story)


def test_a_call_with_detection_is_joined_after_its_verdict():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            manager = await Manager.connect(server)
            await manager.answered("c1", "PJSIP/2010@trunk", "detect-join")
            await ari.until("StasisStart")
            assert (await manager.until(Event="UserEvent", Uniqueid="c1"))["Status"] == "HUMAN"

    play(story, speed=100.0)


@pytest.mark.parametrize("version", ["22.10.1", "16.28.0"])
def test_a_channel_may_move_between_bridges(version: str):
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            await engage_and_join(server, ari)
            await ari.ask("POST", "/bridges/other?type=mixing")
            assert (await ari.ask("POST", "/bridges/other/addChannel?channel=c"))[0] == 204
            assert await ari.so_far() == ["ChannelLeftBridge", "ChannelEnteredBridge"]
            assert (await ari.ask("GET", "/bridges/b"))[1]["channels"] == ["a"]
            assert (await ari.ask("POST", "/bridges/b/removeChannel?channel=c"))[0] == 422
            assert (await ari.ask("POST", "/bridges/other/removeChannel?channel=c"))[0] == 204
            assert (await ari.ask("GET", "/bridges/other"))[1]["channels"] == []

    play(story, version=version)


def test_a_channel_may_be_sent_back_to_the_dialplan():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            manager = await engage_and_join(server, ari)
            assert (await ari.ask("POST", "/channels/c/continue"))[0] == 204
            assert (await manager.until(Event="Hangup", Uniqueid="c"))["Cause"] == "16"

    play(story)


def test_events_of_the_websocket_can_be_doubled():
    async def story(server: FakeAsterisk) -> None:
        async with Ari(server) as ari:
            await ari.listen()
            server.faults.duplicate_ratio = 1.0
            manager = await Manager.connect(server)
            manager.originate("a", "PJSIP/agent1001", "engaged")
            await ari.until("StasisStart")
            assert await ari.so_far() == ["StasisStart"]

    play(story)
