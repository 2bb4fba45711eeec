"""Nodes and pools over the API."""

from dataclasses import replace
from functools import partial

from outdial.api.access import ALL_SCOPES, Caller
from outdial.core.events import ServerLost


async def test_a_node_is_drained_and_enabled(story):
    drained = await story.client.post("/nodes/2/drain")
    assert (drained.status_code, drained.json()["admin"]) == (200, "draining")
    assert (await story.client.post("/nodes/2/enable")).json()["admin"] == "enabled"
    assert [note[1:4] for note in story.audit.notes] == [
        ("node.drain", "node 2", {"admin": "enabled"}),
        ("node.enable", "node 2", {"admin": "draining"}),
    ]


async def test_nodes_say_which_application_serves_them(story):
    north, south = (await story.client.get("/nodes")).json()["nodes"]
    assert (north["server"], north["is_prime"], north["has_backup"]) == ({"dbid": 1, "name": "north"}, True, True)
    assert (south["is_prime"], south["has_backup"], south["state"]) == (False, False, "on primary")
    story.dialer.tell(ServerLost(2, "gone"))
    south = (await story.client.get("/nodes/2")).json()
    assert (south["server"], south["state"]) == (None, "inactive")
    assert (await story.client.get("/nodes/3")).status_code == 404


async def test_who_may_see_some_campaigns_drains_no_node(story):
    story.access.caller = Caller("half", ALL_SCOPES, frozenset({"spring"}))
    assert (await story.client.post("/nodes/2/drain")).status_code == 403
    assert (await story.client.get("/nodes/2")).json()["admin"] == "enabled"


async def test_ports_over_time(story):
    await story.client.post("/groups/1/start")
    for _ in range(3):
        story.dialer.mono_ms += 1_000
        story.board.look()
    (pool,) = (await story.client.get("/pools")).json()["pools"]
    assert (pool["dialer"], pool["name"], pool["ports"], pool["dynamic"]) == ("switch-1", "main", 60, True)
    history = (await story.client.get("/pools/switch-1/history")).json()
    assert [sample["ports"] for sample in history["samples"]] == [60]  # the core has not moved on
    assert (await story.client.get("/pools/switch-2/history")).status_code == 404
    assert (await story.client.get("/pools/Switch_1/history")).status_code == 422


async def test_ports_are_sampled_on_when_the_clock_is_set_back(story):
    snapshot = story.dialer.snapshot()
    for second in (0, 1, 2, -3_600, -3_599):
        utc_ms = snapshot.utc_ms + second * 1_000
        story.dialer.snapshot = partial(replace, snapshot, utc_ms=utc_ms)
        story.board.look()
    assert [at - snapshot.utc_ms for at, _ in story.board.samples] == [-3_600_000, -3_599_000]


async def test_agents(story):
    agents = (await story.client.get("/agents")).json()["agents"]
    assert [agent["login"] for agent in agents] == ["ada", "agent101", "agent102", "agent103", "agent104"]
    ada = (await story.client.get("/agents/7")).json()
    assert (ada["state"], ada["phone"], ada["agent_groups"]) == ("ready", "1007", [1])
    story.access.caller = Caller("half", ALL_SCOPES, frozenset({"autumn"}))
    assert (await story.client.get("/agents")).json()["agents"] == []
    assert (await story.client.get("/agents/7")).status_code == 404
