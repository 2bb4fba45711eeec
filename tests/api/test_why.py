"""Asking why over the API."""

from api_samples import ApiStory
from config_samples import PIECES, load_text, text_with
from outdial.api.access import Caller, Scope
from outdial.api.record_reasons import ReasonView, WhyView

TWO = load_text(
    text_with(
        campaign=PIECES["campaign"] + '[[campaign]]\ndbid = 2\nname = "autumn"\nlists = ["customers"]\n',
        group=PIECES["group"]
        + PIECES["group"].replace("dbid = 1", "dbid = 2").replace("east", "west").replace("spring", "autumn"),
    )
).configuration


class KnownRecords:
    """One record, which waits."""

    async def why(self, which, campaigns):
        if which not in ("5", "+15550100") or campaigns == frozenset({"autumn"}):
            return []
        reason = ReasonView(code="due_later", text="it waits", ends_when="then", until_utc_ms=1_800_000_000_000)
        return [WhyView(kind="record", dbid=5, name="+15550100", state="ready", reasons=[reason])]


async def test_a_group_an_agent_and_a_node_are_found_by_name_or_number(story):
    for query, kind, name in (
        ("group=east", "group", "east"),
        ("group=1", "group", "east"),
        ("agent=ada", "agent", "ada"),
        ("agent=7", "agent", "ada"),
        ("node=south", "node", "south"),
        ("node=2", "node", "south"),
    ):
        [subject] = (await story.client.get(f"/why?{query}")).json()["subjects"]
        assert (subject["kind"], subject["name"]) == (kind, name)
        assert subject["reasons"][0]["code"] in ("stopped", "not_running", "phone_unknown")
    for query in ("group=north", "agent=east", "node=9"):
        assert (await story.client.get(f"/why?{query}")).status_code == 404


async def test_records_are_asked_of_the_database():
    story = ApiStory(record_reasons=KnownRecords()).all_is_well()
    for query in ("record=5", "number=%2B15550100"):
        [subject] = (await story.client.get(f"/why?{query}")).json()["subjects"]
        assert subject["reasons"][0]["until_utc_ms"] == 1_800_000_000_000
    assert (await story.client.get("/why?record=6")).status_code == 404
    assert (await ApiStory().client.get("/why?record=5")).status_code == 409


async def test_one_question_at_a_time(story):
    for query in ("", "?group=east&agent=ada", "?number=abc", "?record=0", "?group="):
        assert (await story.client.get(f"/why{query}")).status_code == 422


async def test_other_campaigns_do_not_exist():
    story = ApiStory(TWO, record_reasons=KnownRecords()).all_is_well()
    story.access.caller = Caller("half", frozenset({Scope.READ}), frozenset({"autumn"}))
    assert (await story.client.get("/why?group=east")).status_code == 404
    assert (await story.client.get("/why?group=west")).status_code == 200
    assert (await story.client.get("/why?record=5")).status_code == 404
    [agent] = (await story.client.get("/why?agent=ada")).json()["subjects"]
    assert "east" not in str(agent)
    story.access.caller = Caller("none", frozenset({Scope.READ}), frozenset({"winter"}))
    assert (await story.client.get("/why?agent=ada")).status_code == 404
    story.access.caller = Caller("agent", frozenset({Scope.AGENT}))
    assert (await story.client.get("/why?group=west")).status_code == 403


async def test_decisions_are_told_with_what_they_rested_on(story):
    found = (await story.client.get("/groups/1/decisions")).json()
    assert found == {"mode": "predictive", "pacing": "predictive", "decisions": []}
    assert (await story.client.get("/groups/9/decisions")).status_code == 404
