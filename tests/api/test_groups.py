"""Campaign groups over the API."""

from api_samples import ApiStory
from config_samples import PIECES, load_text, text_with
from outdial.api.access import Caller, Scope
from outdial.core.modes import DialingMode

TWO = load_text(
    text_with(
        campaign=PIECES["campaign"] + '[[campaign]]\ndbid = 2\nname = "autumn"\nlists = ["customers"]\n',
        group=PIECES["group"]
        + PIECES["group"].replace("dbid = 1", "dbid = 2").replace("east", "west").replace("spring", "autumn"),
    )
).configuration


async def test_a_group_is_started_changed_and_stopped(story):
    assert (await story.client.get("/groups/1")).json()["state"] == "stopped"
    started = await story.client.post("/groups/1/start")
    assert (started.status_code, started.json()["state"]) == (200, "running")
    changed = await story.client.post("/groups/1/mode", json={"mode": "progressive"})
    assert changed.json()["mode"] == "progressive"
    assert story.dialer.core.state.groups[1].mode is DialingMode.PROGRESSIVE
    await story.client.post("/groups/1/stop")
    assert (await story.client.get("/groups/1")).json()["state"] == "stopped"


async def test_every_change_is_audited_with_before_and_after(story):
    await story.client.post("/groups/1/start")
    state = {"state": "stopped", "mode": "predictive"}
    assert story.audit.notes == [
        ("somebody", "group.start", "campaign-group 1", state, {**state, "state": "running"}),
    ]


async def test_what_the_core_refuses_is_a_problem_and_not_audited(story):
    await story.client.post("/groups/1/start")
    refused = await story.client.post("/groups/1/mode", json={"mode": "power-gvp"})
    assert refused.status_code in (409, 422)
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["detail"] and refused.json()["status"] == refused.status_code
    assert [note[1] for note in story.audit.notes] == ["group.start"]


async def test_wrong_values_are_named(story):
    for body, place in (
        ({"mode": "fast"}, "body.mode"),
        ({}, "body.mode: Field required"),
        ({"mode": "predictive", "x": 1}, "body.x"),
    ):
        refused = await story.client.post("/groups/1/mode", json=body)
        assert refused.status_code == 422
        assert any(mistake.startswith(place) for mistake in refused.json()["mistakes"]), refused.json()
    assert (await story.client.get("/groups/0")).status_code == 422
    assert (await story.client.get("/groups/x")).status_code == 422


async def test_an_unknown_group_and_an_unknown_path_look_alike(story):
    for path in ("/groups/9", "/nothing"):
        answer = await story.client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await story.client.delete("/groups/1")).status_code == 405


async def test_another_campaigns_group_does_not_exist():
    story = ApiStory(TWO).all_is_well()
    story.access.caller = Caller("half", frozenset({Scope.READ, Scope.OPERATE}), frozenset({"autumn"}))
    assert [group["name"] for group in (await story.client.get("/groups")).json()["groups"]] == ["west"]
    assert (await story.client.get("/groups/1")).status_code == 404
    assert (await story.client.post("/groups/1/start")).status_code == 404
    assert not story.dialer.core.state.groups[1].is_running
    assert (await story.client.post("/groups/2/start")).status_code == 200


async def test_a_caller_without_the_scope_is_refused(story):
    story.access.caller = Caller("reader", frozenset({Scope.READ}))
    assert (await story.client.get("/groups")).status_code == 200
    refused = await story.client.post("/groups/1/start")
    assert (refused.status_code, refused.json()["detail"]) == (403, "reader lacks scope operate")
