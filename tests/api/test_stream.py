"""The board as it changes, as server-sent events."""

import asyncio
import json

import httpx

from outdial.api.access import ALL_SCOPES, Caller
from outdial.core.events import GroupStartRequested, ServerLost


def events_of(text: str) -> list[tuple[str, str, dict]]:
    """Shape: [(event, id, data), …]."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append((fields["event"], fields["id"], json.loads(fields["data"])))
    return found


async def stream(story, during=lambda: None, **headers: str) -> list[tuple[str, str, dict]]:
    """What a listener hears until the server ends."""

    async def then_end() -> None:
        while not story.board.feed.listeners:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        during()
        story.board.look()
        for _ in range(20):  # turns of the loop in which the listener gets what has been said
            await asyncio.sleep(0)
        story.board.feed.close()

    ending = asyncio.create_task(then_end())
    answer: httpx.Response = await story.client.get("/stream", headers=headers)
    await ending
    assert answer.headers["content-type"].startswith("text/event-stream")
    return events_of(answer.text)


async def test_a_snapshot_comes_first_and_then_what_changes(story):
    story.board.look()
    heard = await stream(story, lambda: story.dialer.tell(ServerLost(2, "gone")))
    (first, first_id, whole), (second, second_id, change) = heard
    assert (first, first_id, second, second_id) == ("snapshot", "start-0", "change", "start-1")
    assert [group["name"] for group in whole["groups"]] == ["east"]
    assert [node["dbid"] for node in change["nodes"]] == [2] and change["nodes"][0]["state"] == "inactive"
    assert "agents" not in change and "pools" not in change


async def test_who_comes_back_hears_only_what_was_missed(story):
    story.board.look()
    story.dialer.tell(ServerLost(2, "gone"))
    story.board.look()
    story.dialer.tell(ServerLost(1, "gone"))
    story.board.look()
    heard = await stream(story, **{"Last-Event-ID": "start-1"})
    assert [(kind, number) for kind, number, _ in heard] == [("change", "start-2")]
    assert heard[0][2]["stops"]  # the prime node is gone
    heard = await stream(story, **{"Last-Event-ID": "another-1"})
    assert [kind for kind, *_ in heard] == ["snapshot"]


async def test_other_campaigns_are_not_told(story):
    story.board.look()
    story.access.caller = Caller("half", ALL_SCOPES, frozenset({"autumn"}))
    heard = await stream(story, lambda: story.dialer.tell(GroupStartRequested(5, 1)))
    assert [kind for kind, *_ in heard] == ["snapshot"]
    assert heard[0][2]["groups"] == [] and heard[0][2]["agents"] == []


async def test_nothing_is_told_when_nothing_changes(story):
    story.board.look()
    assert [kind for kind, *_ in await stream(story)] == ["snapshot"]


async def test_the_whole_board_at_once(story):
    board = (await story.client.get("/snapshot")).json()
    assert set(board) == {"utc_ms", "groups", "pools", "nodes", "agents", "alarms", "stops"}
    assert (await story.client.get("/alarms")).json() == {"alarms": []}


async def test_who_sees_other_campaigns_than_before_begins_anew(story):
    story.board.look()
    story.access.caller = Caller("half", ALL_SCOPES, frozenset({"autumn"}))
    [(_, seen, whole)] = await stream(story)
    assert whole["groups"] == []
    [(kind, _, _)] = await stream(story, **{"Last-Event-ID": seen}) or [("nothing", "", {})]
    assert kind == "nothing"  # as before: nothing has changed
    for campaigns in (frozenset({"autumn", "spring"}), None):
        story.access.caller = Caller("half", ALL_SCOPES, campaigns)
        [(kind, _, whole)] = await stream(story, **{"Last-Event-ID": seen})
        assert (kind, [group["name"] for group in whole["groups"]]) == ("snapshot", ["east"])
