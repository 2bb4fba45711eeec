"""How the fake server fails: hanging, dying, cut connections, and events that are late, doubled, swapped or lost."""

import asyncio

import aiohttp
import pytest

from outdial.drivers.fake_asterisk import FakeAsterisk
from outdial.drivers.fake_asterisk.ami_session import REQUEST_BYTES_MAX
from raw_manager import PASSWORD, USER, Manager, play

QUIET_S = 0.05
"""How long nothing must be heard to call it silence."""


def originate_twenty(manager: Manager) -> None:
    for n in range(20):
        manager.originate(f"c{n}", f"PJSIP/2001{n}@trunk")


async def until_read(server: FakeAsterisk) -> None:
    """What clients wrote and how they closed has reached the server's side."""
    for _ in range(20):
        await asyncio.sleep(0.002)


def test_a_hung_server_accepts_connections_and_says_nothing_until_it_wakes():
    async def story(server: FakeAsterisk) -> None:
        before = await Manager.connect(server)
        await before.answered("c1", "PJSIP/2001@trunk", OUTDIAL_HOLD_S="0.02")
        server.hang()
        heard = len(before.messages)
        before.send(Action="Ping", ActionID="unheard")
        late = await Manager.connect(server, login=False)
        await asyncio.sleep(QUIET_S)
        assert (len(before.messages), late.messages) == (heard, [])
        assert server.calls == ("c1",)  # its own timers stand still, too
        server.wake()
        await before.until(ActionID="unheard", Ping="Pong")
        await before.until(Event="Hangup", Uniqueid="c1")
        await late.until(Banner="yes")

    play(story)


def test_requests_written_to_a_hung_server_all_come_to_life_when_the_connection_stays():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        server.hang()
        originate_twenty(manager)
        await until_read(server)
        assert server.invites == []
        server.wake()
        await manager.until(count=20, Event="DialBegin")
        assert len(server.invites) == 20

    play(story)


def test_of_a_connection_closed_meanwhile_two_requests_come_to_life():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        server.hang()
        originate_twenty(manager)
        await until_read(server)
        manager.close()
        await until_read(server)
        server.wake()
        assert [call for _, _, call in server.invites] == ["c0", "c1"]
        await until_read(server)
        assert server.clients == 0

    play(story)


def test_of_a_connection_reset_meanwhile_one_request_comes_to_life():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        server.hang()
        originate_twenty(manager)
        await until_read(server)
        manager.reset()
        await until_read(server)
        server.wake()
        assert [call for _, _, call in server.invites] == ["c0"]
        assert server.clients == 0

    play(story)


def test_a_hung_server_answers_neither_requests_nor_pings_over_http():
    async def story(server: FakeAsterisk) -> None:
        async with ari_session(server) as session:
            websocket = await session.ws_connect("/ari/events?app=outdial", autoping=False)
            server.hang()
            await websocket.ping(b"there?")
            kept = asyncio.create_task(session.post("/ari/bridges/kept"))
            given_up = asyncio.create_task(session.post("/ari/bridges/given-up"))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(websocket.receive(), QUIET_S)
            assert not kept.done()
            given_up.cancel()
            await until_read(server)
            server.wake()
            assert (await kept).status == 200
            assert (await websocket.receive()).type is aiohttp.WSMsgType.PONG
            listed = await (await session.get("/ari/bridges")).json()
            assert [bridge["id"] for bridge in listed] == ["kept"]

    play(story)


def test_a_request_in_flight_on_a_connection_that_was_there_before_is_carried_out_on_waking():
    async def story(server: FakeAsterisk) -> None:
        async with ari_session(server) as session:
            await (await session.get("/ari/bridges")).read()  # the connection stays open
            server.hang()
            given_up = asyncio.create_task(session.post("/ari/bridges/orphan"))
            await until_read(server)
            given_up.cancel()
            await until_read(server)
            server.wake()
            listed = await (await session.get("/ari/bridges")).json()
            assert [bridge["id"] for bridge in listed] == ["orphan"]

    play(story)


def test_a_cut_resets_connections_and_calls_live_on():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk")
        async with ari_session(server) as session:
            websocket = await session.ws_connect("/ari/events?app=outdial")
            server.cut()
            assert isinstance(await manager.end(), ConnectionResetError)
            message = await websocket.receive()
            assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)
        again = await Manager.connect(server)
        await again.ask("CoreShowChannels")
        assert (await again.until(Event="CoreShowChannel"))["Uniqueid"] == "c1"
        await again.ask("Hangup", Channel="c1")
        await again.until(Event="Hangup", Uniqueid="c1")

    play(story)


def test_a_killed_server_refuses_connections_and_comes_back_without_calls():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk")
        addresses = server.ami_address, server.ari_address
        await server.kill()
        assert isinstance(await manager.end(), ConnectionResetError)
        assert manager.like(Event="Hangup") == []
        for address in addresses:
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*address)
        await server.restart()
        assert (server.ami_address, server.ari_address) == addresses
        again = await Manager.connect(server)
        await again.ask("CoreShowChannels")
        assert (await again.until(Event="CoreShowChannelsComplete"))["ListItems"] == "0"
        assert server.invited == {"2001": 1}  # the far ends remember
        assert server.device_state("trunk") == "NOT_INUSE"

    play(story)


def test_a_hung_server_that_is_killed_starts_afresh():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        async with ari_session(server) as session:
            await (await session.get("/ari/bridges")).read()
            await session.ws_connect("/ari/events?app=outdial")
            await (await session.get("/ari/bridges")).read()
            server.hang()
            originate_twenty(manager)
            asked = asyncio.create_task(session.post("/ari/bridges/never"))
            await until_read(server)
            await server.kill()
            with pytest.raises(aiohttp.ClientError):
                await asked
            await server.start()
            assert await (await session.get("/ari/bridges")).json() == []
        await (await Manager.connect(server)).ask("Ping")
        assert server.invites == []

    play(story)


def test_a_stopped_server_says_so():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await server.stop()
        assert (await manager.until(Event="Shutdown"))["Restart"] == "False"
        assert await manager.end() is True

    play(story)


def test_an_endless_request_ends_the_connection():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.write("Action: Ping\r\nActionID: " + "x" * (2 * REQUEST_BYTES_MAX))
        await manager.end()
        assert server.clients == 0

    play(story)


def test_doubled_events():
    async def story(server: FakeAsterisk) -> None:
        server.faults.duplicate_ratio = 1.0
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2002@trunk", OUTDIAL_HOLD_S="0.01")
        await manager.until(count=2, Event="Hangup", Uniqueid="c1")
        told = manager.story_of("c1")
        assert told[::2] == told[1::2]

    play(story)


def test_lost_events_never_touch_responses():
    async def story(server: FakeAsterisk) -> None:
        server.faults.drop_ratio = 1.0
        manager = await Manager.connect(server)
        manager.originate("c1", "PJSIP/2486@trunk")
        await manager.until(Response="Success", ActionID="o-c1")
        await asyncio.sleep(QUIET_S)
        assert manager.story_of("c1") == []
        await manager.ask("CoreShowChannels")
        assert (await manager.until(Event="CoreShowChannelsComplete"))["ListItems"] == "0"

    play(story)


def test_neighbouring_events_change_places_and_none_is_lost():
    async def told(swap_ratio: float, server: FakeAsterisk) -> list[str]:
        server.faults.swap_ratio = swap_ratio
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2002@trunk", OUTDIAL_HOLD_S="0.01")
        await manager.until(Event="Hangup", Uniqueid="c1")
        await asyncio.sleep(QUIET_S * 2)
        return manager.story_of("c1")

    async def story(server: FakeAsterisk) -> None:
        plain = await told(0.0, server)
        await server.restart()
        swapped = await told(1.0, server)
        assert sorted(swapped) == sorted(plain)
        assert swapped.index("DialBegin") < swapped.index("Newchannel")

    play(story)


def test_late_messages_keep_their_order():
    async def story(server: FakeAsterisk) -> None:
        server.faults.late_ms = 40
        manager = await Manager.connect(server)
        before = asyncio.get_running_loop().time()
        for n in range(10):
            manager.send(Action="Ping", ActionID=str(n))
        await manager.until(ActionID="9", Ping="Pong")
        assert asyncio.get_running_loop().time() - before > 0.01
        assert [m["ActionID"] for m in manager.like(Ping="Pong")] == [str(n) for n in range(10)]

    play(story)


def test_the_same_seed_commits_the_same_faults():
    stories: list[list[str]] = []

    async def story(server: FakeAsterisk) -> None:
        server.faults.duplicate_ratio = server.faults.drop_ratio = 0.3
        manager = await Manager.connect(server)
        for n in range(20):
            manager.originate(f"c{n}", f"PJSIP/2486{n}@trunk")
            await manager.until(ActionID=f"o-c{n}", Response="Success")
            while server.calls:
                await asyncio.sleep(0.001)
        await manager.ask("Ping")
        stories.append([m["Event"] for m in manager.messages if "Event" in m])

    for _ in range(2):
        play(story, seed=7)
    assert stories[0] == stories[1]


@pytest.mark.parametrize("wrong", [{"version": "latest"}, {"speed": 0}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        FakeAsterisk(user=USER, password=PASSWORD, **wrong)


def ari_session(server: FakeAsterisk) -> aiohttp.ClientSession:
    host, port = server.ari_address
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
    return aiohttp.ClientSession(f"http://{host}:{port}", headers=headers)
