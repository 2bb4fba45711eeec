"""Tokens, people and the audit over the API."""

from dataclasses import replace

import httpx
import pytest

from account_samples import CHEAP, NOW, PASSWORD, TWO_CAMPAIGNS, AccountStory
from config_samples import text_with
from outdial.api.gate import RECHECK_MS
from outdial.api.passwords import is_right
from outdial.api.roles import Role, Scope


@pytest.fixture
def told() -> AccountStory:
    return AccountStory(text=text_with() + TWO_CAMPAIGNS)


WHATEVER = {"if-match": "*"}


def seen(answer: httpx.Response) -> dict[str, str]:
    """What a change is based on."""
    return {"if-match": answer.headers["etag"]}


async def admin(story: AccountStory):
    await story.add_token("outdial_admin")
    return story.client("outdial_admin")


# --- tokens ----------------------------------------------------------------------------------------------------------


async def test_a_token_is_made_shown_once_used_and_revoked(told):
    client = await admin(told)
    wanted = {"name": "crm", "scopes": ["operate", "read"], "campaigns": ["spring"], "expires_utc_ms": NOW + 9_999_999}
    made = await client.post("/tokens", json=wanted)
    assert made.status_code == 201
    token = made.json()
    assert {key: token[key] for key in wanted} == {**wanted, "scopes": ["read", "operate"]}
    listed = (await client.get("/tokens")).json()["tokens"]
    assert [one["name"] for one in listed if one["name"] == "crm"] == ["crm"]
    assert token["token"] not in str(listed) and "token" not in listed[0]
    robot = told.client(token["token"])
    assert [group["name"] for group in (await robot.get("/groups")).json()["groups"]] == ["east"]
    assert (await client.delete(f"/tokens/{token['id']}")).status_code == 204
    assert (await robot.get("/groups")).status_code == 401
    assert (await client.delete(f"/tokens/{token['id']}")).status_code == 404
    assert [change["action"] for change in told.changes] == ["token.create", "token.revoke"]
    assert token["token"] not in str(told.changes) + str(told.lines)


async def test_a_name_is_taken_until_it_is_revoked(told):
    client = await admin(told)
    wanted = {"name": "crm", "scopes": ["read"]}
    first = await client.post("/tokens", json=wanted)
    again = await client.post("/tokens", json=wanted)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    await client.delete(f"/tokens/{first.json()['id']}")
    assert (await client.post("/tokens", json=wanted)).status_code == 201


@pytest.mark.parametrize(
    "wrong, mistake",
    [
        ({"name": " x"}, "body.name"),
        ({"scopes": []}, "body.scopes"),
        ({"scopes": ["write"]}, "body.scopes.0"),
        ({"campaigns": ["winter"]}, "there is no campaign 'winter'"),
        ({"agent_id": 9_999}, "there is no agent 9999"),
        ({"agent_id": "7"}, "body.agent_id"),
        ({"agent_id": True}, "body.agent_id"),
        ({"expires_utc_ms": NOW}, "is past"),
        ({"secret": "mine"}, "body.secret"),
    ],
)
async def test_mistakes_in_a_token_are_named(told, wrong, mistake):
    client = await admin(told)
    answer = await client.post("/tokens", json={"name": "crm", "scopes": ["read"]} | wrong)
    assert answer.status_code == 422
    assert any(mistake in line for line in answer.json()["mistakes"])


async def test_who_is_bound_to_campaigns_gives_no_rights(told):
    await told.add_token("outdial_half", campaigns=frozenset({"spring"}))
    client = told.client("outdial_half")
    for method, path in (("GET", "/tokens"), ("POST", "/tokens"), ("GET", "/users"), ("GET", "/audit")):
        assert (await client.request(method, path, json={})).status_code == 403


# --- people ----------------------------------------------------------------------------------------------------------


async def test_a_person_comes_changes_and_goes(told):
    client = await admin(told)
    wanted = {"login": "anna", "password": PASSWORD, "role": "operator", "campaigns": ["autumn"]}
    made = await client.post("/users", json=wanted)
    assert made.status_code == 201
    assert made.json() == {
        "login": "anna",
        "role": "operator",
        "campaigns": ["autumn"],
        "agent_id": None,
        "disabled": False,
        "created_utc_ms": NOW,
    }
    assert (await client.post("/users", json=wanted)).status_code == 409
    anna = await told.browser(login="anna", password=PASSWORD)
    assert [group["name"] for group in (await anna.get("/groups")).json()["groups"]] == ["west"]
    changed = await client.patch("/users/anna", json={"role": "viewer", "campaigns": None}, headers=seen(made))
    assert (changed.json()["role"], changed.json()["campaigns"]) == ("viewer", None)
    assert len((await anna.get("/groups")).json()["groups"]) == 2
    assert (await anna.post("/groups/1/start")).status_code == 403
    assert (await client.post("/users/anna/password", json={"password": "quite another one"})).status_code == 204
    assert is_right("quite another one", (await told.records.user("anna")).password)
    assert [one["login"] for one in (await client.get("/users")).json()["users"]] == ["anna"]
    assert (await client.delete("/users/anna", headers=seen(changed))).status_code == 204
    for method, path in (("DELETE", "/users/anna"), ("PATCH", "/users/anna"), ("POST", "/users/anna/password")):
        answer = await client.request(method, path, json={} if method == "PATCH" else {"password": PASSWORD})
        assert answer.status_code == 404
    log = str(told.changes) + str(told.lines) + str(await told.records.audit(None, 99))
    assert PASSWORD not in log and "scrypt" not in log and "quite another one" not in log
    assert [change["action"] for change in told.changes] == [
        "user.create",
        "user.change",
        "user.password",
        "user.remove",
    ]


async def test_an_agent_works_as_one_of_the_configuration(told):
    client = await admin(told)
    wanted = {"login": "ada", "password": PASSWORD, "role": "agent"}
    assert "body.agent_id: missing" in (await client.post("/users", json=wanted)).text
    assert (await client.post("/users", json={**wanted, "agent_id": 7})).status_code == 201
    ada = await told.browser(login="ada", password=PASSWORD)
    assert (await ada.get("/session")).json()["agent_id"] == 7
    assert (await ada.get("/groups")).status_code == 403
    assert (await client.patch("/users/ada", json={"agent_id": None}, headers=WHATEVER)).status_code == 422


@pytest.mark.parametrize(
    "wrong", [{"role": "boss"}, {"password": "short"}, {"login": "-"}, {"campaigns": ["x"]}, {"x": 1}]
)
async def test_mistakes_in_a_person_are_named_and_passwords_are_not(told, wrong):
    client = await admin(told)
    answer = await client.post("/users", json={"login": "a", "password": PASSWORD, "role": "admin"} | wrong)
    assert answer.status_code == 422 and answer.json()["code"] in ("invalid_request", "impossible")
    assert "short" not in str(answer.json()["mistakes"]).replace("string_too_short", "") and PASSWORD not in answer.text


async def test_nobody_locks_oneself_out(told):
    await told.add_user("boss", Role.ADMIN)
    boss = await told.browser(login="boss", password=PASSWORD)
    for change in ({"role": "viewer"}, {"disabled": True}, {"campaigns": ["spring"]}, {"campaigns": []}):
        assert (await boss.patch("/users/boss", json=change, headers=WHATEVER)).status_code == 409
    assert (await boss.delete("/users/boss", headers=WHATEVER)).status_code == 409
    assert (await boss.patch("/users/boss", json={"agent_id": 7}, headers=WHATEVER)).status_code == 200


async def test_who_changes_a_person_says_which_version_was_seen(told):
    client = await admin(told)
    made = await client.post("/users", json={"login": "anna", "password": PASSWORD, "role": "operator"})
    assert made.headers["location"] == "/v1/users/anna"
    read = await client.get("/users/anna")
    assert (read.json(), read.headers["etag"]) == (made.json(), made.headers["etag"])
    assert (await client.get("/users/bob")).status_code == 404
    change = {"role": "viewer"}
    assert (await client.patch("/users/anna", json=change)).json()["code"] == "precondition_required"
    assert (await client.delete("/users/anna")).status_code == 428
    changed = await client.patch("/users/anna", json=change, headers=seen(read))
    assert changed.status_code == 200 and changed.headers["etag"] != read.headers["etag"]
    for late in (
        await client.patch("/users/anna", json={"role": "admin"}, headers=seen(read)),
        await client.delete("/users/anna", headers=seen(read)),
    ):
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    assert (await client.post("/users/anna/password", json={"password": "quite another one"})).status_code == 204
    assert (await client.get("/users/anna")).headers["etag"] == changed.headers["etag"]
    assert (await told.records.user("anna")).role is Role.VIEWER


async def test_nobody_undoes_what_another_admin_does_at_the_same_moment(told, monkeypatch):
    client = await admin(told)
    await told.add_user("anna", Role.OPERATOR)
    save_user = told.records.save_user

    async def after_another(user, before, *, end_sessions):
        monkeypatch.undo()
        assert await save_user(replace(before, role=Role.VIEWER), before, end_sessions=False)
        return await save_user(user, before, end_sessions=end_sessions)

    for method, path, body in (
        ("PATCH", "/users/anna", {"disabled": True}),
        ("POST", "/users/anna/password", {"password": "quite another one"}),
    ):
        await save_user(
            replace(await told.records.user("anna"), role=Role.OPERATOR),
            await told.records.user("anna"),
            end_sessions=False,
        )
        monkeypatch.setattr(told.records, "save_user", after_another)
        answer = await client.request(method, path, json=body, headers=WHATEVER)
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        anna = await told.records.user("anna")
        assert (anna.role, anna.is_disabled, anna.password) == (Role.VIEWER, False, CHEAP)


# --- the audit -------------------------------------------------------------------------------------------------------


async def test_the_audit_tells_who_changed_what_page_by_page(told):
    client = await admin(told)
    for step in ("start", "stop", "start"):
        told.utc_ms += 1_000
        assert (await client.post(f"/groups/1/{step}")).status_code == 200
    first = (await client.get("/audit", params={"limit": 2})).json()
    assert [entry["action"] for entry in first["entries"]] == ["group.start", "group.stop"]
    entry = first["entries"][0]
    assert (entry["how"], entry["address"], entry["subject"]) == ("token", "192.0.2.7", "campaign-group 1")
    assert entry["before"]["state"] != entry["after"]["state"]
    rest = (await client.get("/audit", params={"cursor": first["next_cursor"]})).json()
    assert [entry["action"] for entry in rest["entries"]] == ["group.start"] and rest["next_cursor"] is None
    period = {"from_utc_ms": NOW + 2_000, "till_utc_ms": NOW + 3_000}
    assert len((await client.get("/audit", params=period)).json()["entries"]) == 1
    for wrong in ({"limit": 0}, {"limit": 1_001}, {"cursor": "x"}, {"from_utc_ms": -1}):
        assert (await client.get("/audit", params=wrong)).status_code == 422


async def test_a_database_that_is_changed_elsewhere_is_believed_soon(told):
    await told.add_token("outdial_x", [Scope.READ])
    client = told.client("outdial_x")
    assert (await client.get("/groups")).status_code == 200
    for token in await told.records.tokens():
        await told.records.revoke_token(token.token_id, told.utc_ms)
    assert (await client.get("/groups")).status_code == 200
    told.utc_ms += RECHECK_MS
    assert (await client.get("/groups")).status_code == 401
