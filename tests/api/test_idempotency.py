"""A POST with an Idempotency-Key is carried out once, and its answer given again."""

import asyncio

import pytest

from account_samples import AccountStory
from outdial.api.credentials import ANSWER_KEPT_MS, ANSWER_PENDING_MS_MAX, AnswerKey
from outdial.api.idempotency import HEADER, REPLAYED
from outdial.api.roles import Scope

KEY = {HEADER: "5a1f"}


@pytest.fixture
def story() -> AccountStory:
    return AccountStory()


async def test_who_asks_again_gets_the_same_answer_and_nothing_more_happens(story):
    client = story.client()
    first = await client.post("/groups/1/start", headers=KEY)
    assert (first.status_code, REPLAYED in first.headers) == (200, False)
    await client.post("/groups/1/stop")
    again = await client.post("/groups/1/start", headers=KEY)
    assert (again.status_code, again.headers[REPLAYED]) == (200, "true")
    assert again.json() == first.json() and again.headers["content-type"] == first.headers["content-type"]
    assert [change["action"] for change in story.changes] == ["group.start", "group.stop"]
    assert (await client.get("/groups/1")).json()["state"] != first.json()["state"]
    story.utc_ms += ANSWER_KEPT_MS
    assert REPLAYED not in (await client.post("/groups/1/start", headers=KEY)).headers


async def test_a_key_belongs_to_its_caller_and_its_route(story):
    await story.add_token("outdial_one")
    await story.add_token("outdial_two")
    for client, path in (
        (story.client("outdial_one"), "/groups/1/start"),
        (story.client("outdial_two"), "/groups/1/start"),
        (story.client("outdial_one"), "/groups/1/stop"),
    ):
        answer = await client.post(path, headers=KEY)
        assert REPLAYED not in answer.headers


async def test_a_key_cannot_be_used_for_another_request(story):
    client = story.client()
    assert (await client.post("/groups/1/mode", json={"mode": "progressive"}, headers=KEY)).status_code == 200
    other = await client.post("/groups/1/mode", json={"mode": "predictive"}, headers=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    same = await client.post("/groups/1/mode", json={"mode": "progressive"}, headers=KEY)
    assert same.headers[REPLAYED] == "true"


async def test_what_was_refused_may_be_tried_again(story):
    client = story.client()
    assert (await client.post("/groups/1/mode", json={"mode": "power-gvp"}, headers=KEY)).status_code >= 400
    assert (await client.post("/groups/1/mode", json={"mode": "predictive"}, headers=KEY)).status_code == 200
    assert (await client.post("/groups/9/start", headers=KEY)).status_code == 404


async def test_while_the_first_is_being_answered_the_second_waits(story):
    key = AnswerKey("loopback", "5a1f", "POST /v1/groups/1/mode")
    client = story.client()
    await client.post("/groups/1/mode", json={"mode": "progressive"}, headers=KEY)
    kept = story.records._answers[key]
    await story.records.drop_answer(key)
    await story.records.begin_answer(key, kept[0].fingerprint, story.utc_ms)
    waiting = await client.post("/groups/1/mode", json={"mode": "progressive"}, headers=KEY)
    assert (waiting.status_code, waiting.json()["code"], waiting.headers["retry-after"]) == (409, "in_progress", "1")
    story.utc_ms += ANSWER_PENDING_MS_MAX
    assert (await client.post("/groups/1/mode", json={"mode": "progressive"}, headers=KEY)).status_code == 200


async def test_two_at_the_same_moment_are_one(story):
    answers = await asyncio.gather(*(story.client().post("/groups/1/start", headers=KEY) for _ in range(5)))
    assert len(story.changes) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}


@pytest.mark.parametrize("key", ["", "x" * 201, "two words"])
async def test_a_key_is_a_short_word(story, key):
    answer = await story.client().post("/groups/1/start", headers={HEADER: key})
    assert answer.status_code == 422
    assert "Idempotency-Key" in answer.json()["detail"] and story.changes == []


async def test_nothing_is_kept_of_what_has_secrets(story):
    await story.add_token("outdial_admin")
    client = story.client("outdial_admin")
    wanted = {"name": "crm", "scopes": ["read"]}
    made = await client.post("/tokens", json=wanted, headers=KEY)
    assert made.status_code == 201
    assert (await client.post("/tokens", json=wanted, headers=KEY)).status_code == 409
    await client.post("/users", json={"login": "a", "password": "x" * 12, "role": "viewer"}, headers=KEY)
    await client.post("/users/a/password", json={"password": "y" * 12}, headers=KEY)
    await client.post("/session", json={"token": "outdial_admin"}, headers=KEY)
    assert story.records._answers == {}


async def test_nobody_and_who_lacks_a_scope_keep_nothing(story):
    await story.add_token("outdial_reader", {Scope.READ})
    assert (await story.client().post("/groups/1/start", headers=KEY)).status_code == 401
    assert (await story.client("outdial_reader").post("/groups/1/start", headers=KEY)).status_code == 403
    assert story.records._answers == {}


async def test_without_its_database_a_promise_cannot_be_given(story):
    await story.add_token("outdial_x")
    client = story.client("outdial_x")
    await client.get("/groups")
    story.records.is_away = True
    refused = await client.post("/groups/1/start", headers=KEY)
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
    assert (await client.post("/groups/1/start")).status_code == 200


async def test_it_means_nothing_for_what_changes_nothing(story):
    for _ in range(2):
        assert REPLAYED not in (await story.client().get("/groups", headers=KEY)).headers
