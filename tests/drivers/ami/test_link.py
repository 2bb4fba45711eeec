"""The AMI link against a scripted server: up, requests, and every way to end."""

import asyncio
import hashlib
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from outdial.core.errors import ConfigError
from outdial.drivers.ami import link as link_module
from outdial.drivers.ami.link import AmiAddress, AmiLink
from outdial.drivers.ami.wire import Message, WireError
from outdial.drivers.backoff import PAUSE_S

PATIENCE_S = 5.0
USER, PASSWORD = "outdial", "sésame"


class Server:
    """A manager interface that does what the test says and remembers what it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.gives_challenge = True
        self.answers_login = True
        self.is_booted = True
        self.answers_pings = True
        self.nap_s = 0.0
        self.is_draining = False
        self.knows_settings = True
        self.reads = True
        self.welcome = ""
        """Sent right behind FullyBooted."""
        self.asked: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        """Requests, without those that every login has."""
        self.logins: list[dict[str, str]] = []
        self.pings = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.endings: asyncio.Queue[str] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        ending = "end of file"
        try:
            writer.write(self.banner)
            while self.reads and (block := await reader.readuntil(b"\r\n\r\n")):
                request = dict(line.split(": ", 1) for line in block.decode().split("\r\n") if line)
                self.answer(request, writer)
            if not self.reads:
                await asyncio.Event().wait()
        except asyncio.IncompleteReadError:
            pass
        except ConnectionResetError:
            ending = "reset"
        finally:
            self.endings.put_nowait(ending)
            with suppress(OSError):
                writer.close()

    def answer(self, request: dict[str, str], writer: asyncio.StreamWriter) -> None:
        action = request["Action"]
        if self.is_draining:
            self.reply(writer, request, "Error", "Message: Asterisk is shutting down")
        elif action == "Challenge" and self.gives_challenge:
            self.reply(writer, request, "Success", "Challenge: 4711")
        elif action == "Login":
            self.logins.append(request)
            self.log_in(request, writer)
        elif action == "CoreSettings" and self.knows_settings:
            self.reply(writer, request, "Success", "AsteriskVersion: 22.10.1")
        elif action == "Ping":
            self.pings += 1
            if self.nap_s:
                time.sleep(self.nap_s)  # the loop is the link's as well: all of us are asleep
                asyncio.get_running_loop().call_later(0.03, self.reply, writer, request, "Success", "Ping: Pong")
                self.nap_s = 0.0
            elif self.answers_pings:
                self.reply(writer, request, "Success", "Ping: Pong")
        elif action in ("Challenge", "CoreSettings"):
            self.reply(writer, request, "Error", "Message: Invalid/unknown command")
        else:
            self.asked.put_nowait(request)

    def log_in(self, request: dict[str, str], writer: asyncio.StreamWriter) -> None:
        if not self.answers_login:
            return
        key = hashlib.md5(("4711" + PASSWORD).encode()).hexdigest()
        if request["Username"] != USER or (request.get("Key") != key and request.get("Secret") != PASSWORD):
            self.reply(writer, request, "Error", "Message: Authentication failed")
            return
        self.reply(writer, request, "Success", "Message: Authentication accepted")
        if self.is_booted:
            self.say("Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n" + self.welcome)

    def reply(self, writer: asyncio.StreamWriter, request: dict[str, str], response: str, line: str) -> None:
        writer.write(f"Response: {response}\r\nActionID: {request['ActionID']}\r\n{line}\r\n\r\n".encode())

    def say(self, text: str) -> None:
        """To the connection that was made last."""
        self.writers[-1].write(text.encode())


class Heard:
    """What a link said, in order."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.then: dict[str, Callable[[], None]] = {}
        """What to do inside of a callback."""

    def callback(self, name: str) -> Callable[[Any], None]:
        def called(argument: Any) -> None:
            self.said.put_nowait((name, argument))
            if name in self.then:
                self.then[name]()

        return called

    async def next(self, name: str) -> Any:
        said, argument = await asyncio.wait_for(self.said.get(), PATIENCE_S)
        assert said == name, argument
        return argument

    async def nothing_more(self, within_s: float = 0.03) -> None:
        with pytest.raises(TimeoutError):
            print(await asyncio.wait_for(self.said.get(), within_s))


class Scene:
    """A server, a link to it, and what the link said."""

    def __init__(self, server: Server, **options: Any) -> None:
        self.server = server
        self.heard = Heard()
        self.link = self.another_link(server.port, **options)

    def another_link(
        self, port: int, *, user: str = USER, password: Callable[[], str] | None = None, **options: Any
    ) -> AmiLink:
        return AmiLink(
            AmiAddress("127.0.0.1", port, user, password or (lambda: PASSWORD)),
            wanted=frozenset({"Hangup"}),
            on_up=self.heard.callback("up"),
            on_message=self.heard.callback("message"),
            on_down=self.heard.callback("down"),
            random=lambda: 0.0,
            **options,
        )

    async def up(self) -> str:
        self.link.open()
        version: str = await self.heard.next("up")
        assert self.link.is_up
        return version

    async def down(self) -> str:
        reason: str = await self.heard.next("down")
        assert not self.link.is_up
        return reason

    async def ending(self) -> str:
        return await asyncio.wait_for(self.server.endings.get(), PATIENCE_S)


@asynccontextmanager
async def scene(server: Server | None = None, **options: Any) -> AsyncIterator[Scene]:
    server = server or Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    played = Scene(server, **options)
    unexpected: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unexpected.append(context))
    try:
        yield played
    finally:
        played.link.abort()
        listener.close()
        for writer in server.writers:
            writer.transport.abort()
        await asyncio.sleep(0)
    assert [context for context in unexpected if "callback of an AMI link" not in context["message"]] == []


def play(story: Callable[[Scene], Awaitable[None]], server: Server | None = None, **options: Any) -> None:
    async def whole() -> None:
        async with scene(server, **options) as played:
            await story(played)

    asyncio.run(asyncio.wait_for(whole(), 2 * PATIENCE_S))


# --- up --------------------------------------------------------------------------------------


def test_a_link_comes_up_and_tells_the_version():
    async def story(scene: Scene) -> None:
        assert not scene.link.is_up
        assert await scene.up() == "Asterisk 22.10.1"
        await scene.heard.nothing_more()

    play(story)


def test_a_server_that_keeps_its_version_to_itself_is_known_by_its_banner():
    async def story(scene: Scene) -> None:
        scene.server.knows_settings = False
        assert await scene.up() == "Asterisk Call Manager/11.0.0"

    play(story)


def test_the_password_does_not_travel():
    async def story(scene: Scene) -> None:
        await scene.up()
        (login,) = scene.server.logins
        assert "MD5" == login["AuthType"]
        assert "Secret" not in login

    play(story)


def test_without_a_challenge_there_is_no_login():
    async def story(scene: Scene) -> None:
        scene.server.gives_challenge = False
        scene.link.open()
        assert await scene.down() == "login refused: Invalid/unknown command"
        assert scene.server.logins == []

    play(story)


def test_the_password_travels_when_somebody_wants_it_so():
    async def story(scene: Scene) -> None:
        scene.server.gives_challenge = False
        await scene.up()
        assert PASSWORD == scene.server.logins[0]["Secret"]

    play(story, plain_login=True)


def test_opening_twice_makes_one_connection():
    async def story(scene: Scene) -> None:
        scene.link.open()
        await scene.up()
        scene.link.open()
        await scene.heard.nothing_more()
        assert len(scene.server.writers) == 1

    play(story)


def test_a_server_that_boots_is_waited_for():
    async def story(scene: Scene) -> None:
        scene.server.is_booted = False
        scene.link.open()
        while not scene.server.logins:
            await asyncio.sleep(0.001)
        await scene.heard.nothing_more()
        assert not scene.link.is_up
        scene.server.say("Event: Hangup\r\nUniqueid: early\r\n\r\nEvent: FullyBooted\r\n\r\n")
        await scene.heard.next("up")
        await scene.heard.nothing_more()  # the early event was before that

    play(story)


# --- messages and requests -------------------------------------------------------------------


def test_wanted_events_arrive_and_others_do_not():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.say("Event: VarSet\r\nValue: 1\r\n\r\nEvent: Hangup\r\nCause: 16\r\n\r\n")
        message: Message = await scene.heard.next("message")
        assert ("Hangup", "16") == (message.event, message.fields["Cause"])
        await scene.heard.nothing_more()

    play(story)


def test_a_request_is_sent_and_its_response_arrives():
    async def story(scene: Scene) -> None:
        await scene.up()
        assert scene.link.send("Hangup", [("ActionID", "h"), ("Channel", "od-abcdefgh-7")])
        asked = await asyncio.wait_for(scene.server.asked.get(), PATIENCE_S)
        assert asked == {"Action": "Hangup", "ActionID": "h", "Channel": "od-abcdefgh-7"}
        scene.server.say("Response: Error\r\nActionID: h\r\nMessage: No such channel\r\n\r\n")
        message: Message = await scene.heard.next("message")
        assert ("Error", "h") == (message.response, message.fields["ActionID"])

    play(story)


def test_nothing_is_sent_when_the_link_is_not_up():
    async def story(scene: Scene) -> None:
        assert not scene.link.send("Hangup", [])
        scene.link.open()
        assert not scene.link.send("Hangup", [])
        await scene.heard.next("up")
        scene.link.abort()
        assert not scene.link.send("Hangup", [])

    play(story)


def test_a_value_that_cannot_be_sent_is_refused_and_the_link_lives():
    async def story(scene: Scene) -> None:
        await scene.up()
        with pytest.raises(WireError):
            scene.link.send("Hangup", [("Channel", "x\r\nAction: Originate")])
        assert scene.link.is_up

    play(story)


def test_messages_without_sense_are_counted():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.say("nonsense\r\n\r\nEvent: Hangup\r\n\r\n")
        await scene.heard.next("message")
        assert scene.link.garbled == 1

    play(story)


# --- ways to fail ----------------------------------------------------------------------------


def test_nobody_listens():
    async def story(scene: Scene) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            scene.link = scene.another_link(taken.getsockname()[1])
            scene.link.open()
            assert await scene.down() == "connection refused"

    play(story)


def test_a_host_that_nobody_knows():
    async def story(scene: Scene) -> None:
        scene.link = scene.another_link(1)
        scene.link.address = AmiAddress("no such host.invalid", 1, USER, lambda: PASSWORD)
        scene.link.open()
        assert (await scene.down()).startswith("cannot connect: ")

    play(story)


def test_a_frozen_server_accepts_the_connection_and_sends_no_banner():
    async def story(scene: Scene) -> None:
        with socket.create_server(("127.0.0.1", 0)) as frozen:  # the kernel accepts, nobody else does
            scene.link = scene.another_link(frozen.getsockname()[1], login_s=0.1)
            scene.link.open()
            assert await scene.down() == "no banner within 0.1 s"
            accepted, _ = frozen.accept()
            with accepted, pytest.raises(ConnectionResetError):
                accepted.recv(1)

    play(story)


@pytest.mark.parametrize(
    "attribute, reason",
    [
        ("answers_login", "no answer to the login within 0.1 s"),
        ("is_booted", "not fully booted within 0.1 s (or the manager user may not hear of it: it needs read = system)"),
    ],
)
def test_a_server_that_falls_silent_on_the_way_up(attribute: str, reason: str):
    async def story(scene: Scene) -> None:
        setattr(scene.server, attribute, False)
        scene.link.open()
        assert await scene.down() == reason
        assert await scene.ending() == "reset"

    play(story, login_s=0.1)


def test_a_wrong_password_is_refused():
    async def story(scene: Scene) -> None:
        scene.link.open()
        assert await scene.down() == "login refused: Authentication failed"

    play(story, password=lambda: "wrong")


def test_a_password_that_cannot_be_had():
    def password() -> str:
        raise ConfigError(["servers.toml: password-file: /x does not exist"])

    async def story(scene: Scene) -> None:
        scene.link.open()
        assert await scene.down() == "cannot log in: servers.toml: password-file: /x does not exist"

    play(story, password=password)


def test_a_server_that_speaks_something_else():
    async def story(scene: Scene) -> None:
        scene.server.banner = b"SSH-2.0-OpenSSH_9.2\r\n"
        scene.link.open()
        assert await scene.down() == "not a manager interface: its banner is 'SSH-2.0-OpenSSH_9.2'"

    play(story)


def test_a_server_that_closes_before_its_banner():
    async def story(scene: Scene) -> None:
        scene.server.banner = b""
        scene.link.open()
        while not scene.server.writers:
            await asyncio.sleep(0.001)
        scene.server.writers[0].close()
        assert await scene.down() == "the server closed the connection before its banner"

    play(story)


# --- ways to end -----------------------------------------------------------------------------


def test_pings_are_answered_and_the_link_stays_up():
    async def story(scene: Scene) -> None:
        await scene.up()
        while scene.server.pings < 5:
            await asyncio.sleep(0.005)
        assert scene.link.is_up
        await scene.heard.nothing_more()

    play(story, ping_s=0.01, ping_limit_s=PATIENCE_S)


def test_a_server_that_freezes_is_reset_before_the_loss_is_told():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.answers_pings = False
        began = time.monotonic()
        sockets: list[int] = []
        transport_socket = scene.server.writers[0].get_extra_info("socket")

        def look() -> None:
            state = transport_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            sockets.append(state)

        scene.heard.then["down"] = look
        assert await scene.down() == "no answer to ping for 0.2 s"
        assert 0.2 <= time.monotonic() - began < 1.0
        assert sockets == [7]  # TCP_CLOSE: the reset had arrived
        assert await scene.ending() == "reset"
        await scene.heard.nothing_more()

    play(story, ping_s=0.05, ping_limit_s=0.2)


def test_events_are_no_answer_to_a_ping():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.answers_pings = False
        while scene.link.is_up:
            scene.server.say("Event: VarSet\r\nValue: 1\r\n\r\n")
            await asyncio.sleep(0.01)
        assert await scene.down() == "no answer to ping for 0.1 s"

    play(story, ping_s=0.02, ping_limit_s=0.1)


def test_our_own_sleep_is_not_held_against_the_server():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.nap_s = 0.25  # longer than an answer may take
        pings = scene.server.pings
        while scene.link.is_up and scene.server.pings < pings + 5:
            await asyncio.sleep(0.001)
        await scene.heard.nothing_more()
        assert scene.link.is_up

    play(story, ping_s=0.01, ping_limit_s=0.1)


def test_a_server_that_goes_away():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.writers[0].close()
        assert await scene.down() == "the server closed the connection"
        await scene.heard.nothing_more()

    play(story)


def test_a_server_that_is_killed():
    async def story(scene: Scene) -> None:
        await scene.up()
        its = scene.server.writers[0].get_extra_info("socket")
        its.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        scene.server.writers[0].transport.abort()
        assert await scene.down() == "the server cut the connection off (Connection reset by peer)"

    play(story)


def test_a_server_that_says_it_is_shutting_down():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.say("Event: Shutdown\r\nShutdown: Cleanly\r\nRestart: False\r\n\r\nEvent: Hangup\r\n\r\n")
        assert await scene.down() == "server is shutting down"
        await scene.heard.nothing_more()

    play(story)


def test_a_server_that_drains_refuses_every_request_and_is_given_up():
    """Asterisk after `core stop gracefully`: connected, sends events, but does not even hang up a call for us."""

    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.is_draining = True
        assert await scene.down() == "server refuses requests: Asterisk is shutting down"

    play(story, ping_s=0.01)


def test_a_server_that_does_not_read_is_given_up():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.reads = False
        scene.link.send("Hangup", [("ActionID", "the last that is read")])
        await asyncio.wait_for(scene.server.asked.get(), PATIENCE_S)
        sent = 0
        while scene.link.send("Originate", [("Variable", "x" * 900)]):
            sent += 1
        assert sent < 20_000
        assert re.fullmatch(r"the server does not read: 26\d{4} bytes wait for it", await scene.down())
        await scene.heard.nothing_more()

    play(story)


def test_a_server_that_talks_nonsense_for_long_is_given_up():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.say("nonsense\r\n\r\n" * 100)
        assert "100 messages in a row without sense" in await scene.down()
        assert await scene.ending() == "reset"

    play(story)


@pytest.mark.parametrize("callback", ["up", "message"])
def test_a_callback_that_raises_is_reported_and_ends_the_link(callback: str):
    reported: list[dict[str, Any]] = []

    def fail() -> None:
        raise RuntimeError("planted")

    async def story(scene: Scene) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        scene.heard.then[callback] = fail
        scene.server.welcome = "Event: Hangup\r\n\r\n"
        scene.link.open()
        await scene.heard.next("up")
        if callback == "message":
            scene.server.say("Event: Hangup\r\n\r\nEvent: Hangup\r\n\r\n")
            await scene.heard.next("message")
        assert await scene.down() == "a bug in outdial: RuntimeError('planted')"
        assert ["planted"] == [str(context["exception"]) for context in reported]

    play(story)


# --- abort -----------------------------------------------------------------------------------


def test_an_abort_resets_and_nothing_is_heard_afterwards():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.say("Event: Hangup\r\n\r\n")
        scene.link.abort()
        assert not scene.link.is_up
        assert await scene.ending() == "reset"
        await scene.heard.nothing_more()

    play(story)


def test_an_abort_throws_away_what_the_server_has_not_read():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.writers[0].transport.pause_reading()  # type: ignore[attr-defined]
        scene.link.send("Originate", [("Channel", "PJSIP/1")])
        scene.link.abort()
        its = scene.server.writers[0].get_extra_info("socket")
        assert its.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7  # TCP_CLOSE, before anything is awaited

    play(story)


def test_an_abort_inside_a_callback_is_the_end():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.heard.then["message"] = scene.link.abort
        scene.server.say("Event: Hangup\r\n\r\nEvent: Hangup\r\n\r\nEvent: Shutdown\r\n\r\n")
        await scene.heard.next("message")
        await scene.heard.nothing_more()

    play(story)


@pytest.mark.parametrize("turns", range(12))
def test_an_abort_on_the_way_up_is_the_end(turns: int):
    async def story(scene: Scene) -> None:
        scene.link.open()
        for _ in range(turns):
            await asyncio.sleep(0)
        scene.link.abort()
        scene.heard.said = asyncio.Queue()  # it may have been up already
        await scene.heard.nothing_more()
        await scene.up()

    play(story)


def test_a_loss_that_is_not_told_yet_is_not_told_after_an_abort():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.server.reads = False
        while scene.link.send("Originate", [("Variable", "x" * 900)]):
            pass
        scene.link.abort()
        await scene.heard.nothing_more()

    play(story)


# --- again -----------------------------------------------------------------------------------


def test_a_link_may_be_opened_again_from_within_the_news_of_its_loss():
    async def story(scene: Scene) -> None:
        await scene.up()
        scene.heard.then["down"] = scene.link.open
        scene.server.writers[0].close()
        await scene.heard.next("down")
        await scene.heard.next("up")
        assert scene.link.is_up

    play(story)


def test_after_a_failure_there_is_a_random_pause():
    drawn: list[float] = []

    def draw() -> float:
        drawn.append(0.4)
        return drawn[-1]

    async def story(scene: Scene) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            scene.link = scene.another_link(taken.getsockname()[1])
            scene.link._random = draw
            waits = []
            for _ in range(3):
                began = time.monotonic()
                scene.link.open()
                await scene.down()
                waits.append(time.monotonic() - began)
        assert waits[0] < 0.4 * PAUSE_S <= waits[1] < waits[2]
        assert 0.4 * PAUSE_S * 2 <= waits[2]
        assert len(drawn) == 3

    play(story)


def test_a_link_that_was_up_for_long_is_opened_again_without_a_pause(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(link_module, "STEADY_S", 0.0)

    async def story(scene: Scene) -> None:
        scene.link._random = lambda: 1_000.0
        await scene.up()
        scene.server.writers[0].close()
        await scene.down()
        await scene.up()

    play(story)


def test_an_address_does_not_show_the_password():
    assert "password" not in repr(AmiAddress("h", 1, USER, lambda: PASSWORD))
