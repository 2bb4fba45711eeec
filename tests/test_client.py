"""The Python client and the commands on it, against the application itself; and what goes wrong on the way."""

import asyncio
import io
import json
from collections.abc import Iterator, Mapping

import pytest
from rich.console import Console

from api_samples import ApiStory
from outdial.api.board import Board
from outdial.api.live_board import difference
from outdial.api.record_reasons import ReasonView, WhyView
from outdial.api.running_settings import ObjectSettings, SettingView
from outdial.cli import run_command_line
from outdial.client import Client, NotReached, Refused
from outdial.client.board_stream import Event, changed, events
from outdial.client.transport import Answer, Http, refusal_of
from outdial.core.errors import ConfigError
from outdial.core.modes import DialingMode
from outdial.server_commands import client_of, run_group, run_node, run_server_why, run_set, values_of
from outdial.top import draw, run_top


class ToApplication:
    """Carries requests to the application, without a socket."""

    def __init__(self, story: ApiStory) -> None:
        self._story = story
        self.streamed: list[str] = []

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = asyncio.run(self._story.client.request(method, path, content=body, headers=dict(headers or {})))
        if answer.status_code >= 400:
            raise refusal_of(answer.status_code, answer.content)
        return Answer(answer.content, answer.headers.get("etag", ""))

    def lines(self, path: str, headers: Mapping[str, str]) -> Iterator[str]:
        yield from self.streamed
        raise NotReached("the stream has ended")


class KeptSettings:
    """One setting of group 1."""

    def __init__(self) -> None:
        self.value: object = 25
        self.by: str | None = None

    async def of(self, kind, dbid):
        view = SettingView(
            name="ring_timeout_s",
            value=self.value,
            file_value=25,
            unit="seconds",
            allowed="",
            text="",
            overridden_by=self.by,
            since_utc_ms=1_700_000_000_000 if self.by else None,
        )
        return ObjectSettings(f'"{self.value}"', (view,))

    async def change(self, kind, dbid, values, by, check_tag):
        check_tag(f'"{self.value}"')
        value = values["ring_timeout_s"]
        self.value, self.by = (25, None) if value is None else (value, by)
        return await self.of(kind, dbid)


class KnownRecords:
    """Record 77."""

    async def why(self, which, campaigns):
        reason = ReasonView(code="due_later", text="it waits", ends_when="then", until_utc_ms=1_700_000_000_000)
        return [WhyView(kind="record", dbid=77, name="+15550100", state="ready", reasons=[reason])] * (which == "77")


@pytest.fixture
def story() -> ApiStory:
    return ApiStory(settings=KeptSettings(), record_reasons=KnownRecords()).all_is_well()


@pytest.fixture
def client(story) -> Client:
    return Client("http://api", transport=ToApplication(story))


# --- the client ---------------------------------------------------------------------------------------------------


def test_groups_and_nodes_by_name_or_number(client):
    assert client.start_group("east").state == "running"
    assert client.pause_group(1).holds == ("paused by operator",)
    assert client.resume_group("1").state == "running"
    assert client.change_mode("east", DialingMode.PROGRESSIVE).mode == "progressive"
    assert client.stop_group("east").state in ("stopping", "stopped")
    assert client.promote_node("south").is_prime
    assert client.drain_node(2).admin == "draining"
    assert client.enable_node("south").admin == "enabled"
    assert [pool.name for pool in client.pools()] == ["main"]
    assert (len(client.agents()), client.alarms()) == (5, [])
    assert client.board().groups[0] == client.group("east")


def test_what_the_server_refuses_is_told(client):
    with pytest.raises(Refused, match="is not running") as caught:
        client.stop_group("east")
    assert (caught.value.status, caught.value.code) == (409, "conflict")
    with pytest.raises(Refused, match="there is no campaign group north; there are: east"):
        client.start_group("north")
    with pytest.raises(Refused, match="paths of the server") as caught:
        raise refusal_of(422, b'{"code": "x", "detail": "paths of the server", "mistakes": ["a: wrong"]}')
    assert caught.value.mistakes == ("a: wrong",)
    assert str(refusal_of(502, b"<html>")) == "the server answers with status 502"


def test_settings(client):
    before = client.settings("east")
    assert (before.settings[0].value, before.tag) == (25, '"25"')
    assert client.change_settings("east", {"ring_timeout_s": 20}).settings[0].value == 20
    with pytest.raises(Refused) as caught:
        client.change_settings("east", {"ring_timeout_s": 21}, before.tag)
    assert caught.value.status == 412


def test_why(client):
    [group] = client.why(group="east")
    assert [reason.code for reason in group.reasons] == ["stopped"]
    assert client.why(record=77)[0].dbid == 77


# --- the board ----------------------------------------------------------------------------------------------------


def test_events_out_of_lines():
    lines = ["retry: 1000", "", ": still here", "", "event: change", "id: a-1", "data: {", "data:}", "", "data: x", ""]
    assert list(events(lines)) == [Event("change", "{\n}", "a-1"), Event("message", "x", "a-1")]


def test_changes_put_together_are_the_board(story):
    before = story.board.look()
    asyncio.run(story.client.post("/groups/1/start"))
    asyncio.run(story.client.post("/nodes/2/drain"))
    after = story.board.look()
    change = difference(before, after)
    assert change is not None
    assert Board.model_validate(changed(before.model_dump(mode="json"), change)) == after


def test_what_has_gone_goes():
    board = {"utc_ms": 1, "groups": [{"dbid": 1}, {"dbid": 2}], "pools": [], "nodes": [], "agents": []}
    change = {"utc_ms": 2, "removed": {"groups": [1]}, "groups": [{"dbid": 3}], "stops": ["a"]}
    after = changed(board, change)
    assert (after["groups"], after["utc_ms"], after["stops"]) == ([{"dbid": 2}, {"dbid": 3}], 2, ["a"])


def test_boards_of_a_stream(story, client):
    transport = client._transport
    first = story.board.look().model_dump_json()
    transport.streamed = ["event: change", "data: {}", "", "event: snapshot", f"data: {first}", ""]
    boards = client.boards()
    assert next(boards).groups[0].name == "east"
    with pytest.raises(NotReached):
        next(boards)


def test_the_picture(story):
    asyncio.run(story.client.post("/groups/1/start"))
    asyncio.run(story.client.post("/groups/1/pause"))
    board = story.board.look()
    console = Console(width=160, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as capture:
        console.print(draw(board, "does not answer"))
    text = capture.get()
    for part in ("east", "paused by operator", "north ★ prime", "main", "does not answer; this is how it was"):
        assert part in text


def test_without_a_terminal_one_picture_is_enough(client):
    console = Console(width=160, quiet=False, force_terminal=False)
    with console.capture() as capture:
        run_top(client, console)
    assert "outdial top" in capture.get()


def test_a_server_that_goes_away_is_asked_again(story, client):
    client._transport.streamed = ["event: snapshot", f"data: {story.board.look().model_dump_json()}", ""]
    console = Console(width=160, height=40, force_terminal=True, file=io.StringIO())
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_top(client, console, pause)
    assert "the stream has ended" in console.file.getvalue()
    client._transport.streamed = []
    with pytest.raises(NotReached):
        run_top(client, console, pause)


# --- commands -----------------------------------------------------------------------------------------------------


def test_commands_say_what_has_come_of_it(client):
    assert run_group(client, "start", "east", as_json=False).startswith("east is running, predictive")
    assert run_group(client, "pause", "east", as_json=False) == "east is paused, predictive: paused by operator"
    assert json.loads(run_group(client, "resume", "east", as_json=True))["state"] == "running"
    assert "progressive" in run_group(client, "mode", "east", "progressive", as_json=False)
    with pytest.raises(ConfigError, match="there is no such mode"):
        run_group(client, "mode", "east", "fast", as_json=False)
    assert run_node(client, "drain", "south", as_json=False) == "south is on primary, draining, 0 calls"
    assert json.loads(run_node(client, "enable", "south", as_json=True))["admin"] == "enabled"


def test_settings_by_command(client):
    assert run_set(client, "east", [], as_json=False) == "ring_timeout_s = 25"
    told = run_set(client, "east", ["ring-timeout-s=20"], as_json=False)
    assert told == "ring_timeout_s = 20  (somebody since 2023-11-14T22:13:20.000Z; in the file: 25)"
    taken_back = json.loads(run_set(client, "east", ["ring-timeout-s=default"], as_json=True))
    assert taken_back["settings"][0]["value"] == 25


@pytest.mark.parametrize(
    "text, value",
    [
        *(("a=1", 1), ("a=1.5", 1.5), ("a=true", True), ("a=predictive", "predictive"), ('a="1"', "1")),
        *(("a=default", None), ("a=", "")),
    ],
)
def test_values(text, value):
    assert values_of([text]) == {"a": value}


def test_every_wrong_assignment_is_told():
    with pytest.raises(ConfigError) as caught:
        values_of(["a=1", "a=2", "b", "=3"])
    assert len(caught.value.mistakes) == 3


def test_why_by_command(client):
    assert run_server_why(client, "east", as_json=False).startswith("group east is stopped\n  it is stopped; ends: ")
    assert run_server_why(client, "ada", as_json=False).startswith("agent ada is ready")
    assert run_server_why(client, "south", as_json=False).startswith("node south is on primary")
    assert run_server_why(client, "77", as_json=False) == (
        "record +15550100 is ready\n  it waits; ends: 2023-11-14T22:13:20.000Z"
    )
    assert json.loads(run_server_why(client, "east", as_json=True))["subjects"][0]["name"] == "east"
    with pytest.raises(Refused, match="no group, agent, node or record nobody"):
        run_server_why(client, "nobody", as_json=False)


def test_a_command_needs_a_server(capsys, monkeypatch):
    monkeypatch.delenv("OUTDIAL_SERVER", raising=False)
    for command in (["group", "start", "east"], ["node", "drain", "a"], ["top"], ["why", "east"]):
        assert run_command_line(command) == 2
        assert "outdial --server URL" in capsys.readouterr().err
    with pytest.raises(ConfigError):
        client_of("")


# --- addresses and tokens -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("server", ["", "east", "ftp://a", "http://", "http://a/b", "http://a?b=1"])
def test_addresses_that_are_none(server):
    with pytest.raises(NotReached, match="no address of a server"):
        Client(server)


def test_a_token_is_not_told_to_the_network():
    for server in ("http://10.0.0.1:8042", "http://server.example"):
        with pytest.raises(NotReached, match="https only"):
            Client(server, token="outdial_secret")
    for server in ("http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://server.example"):
        assert "secret" not in repr(Http(server, "outdial_secret"))


def test_nobody_is_there():
    with pytest.raises(NotReached, match="does not answer"):
        Client("http://127.0.0.1:1").groups()
