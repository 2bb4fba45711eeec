"""People choose their own passwords."""

from dataclasses import replace

import pytest

from account_samples import PASSWORD, AccountStory, cookie_in
from outdial.api.passwords import is_right
from outdial.api.roles import Role
from outdial.api.sign_in_limit import PAIR_TRIES_MAX

NEW = "quite another long one"
ANNA = {"login": "anna", "password": PASSWORD}
CHANGE = {"password": PASSWORD, "new_password": NEW}


@pytest.fixture
def story() -> AccountStory:
    return AccountStory()


async def test_a_person_changes_the_own_password_and_only_this_browser_stays(story):
    await story.add_user("anna", Role.OPERATOR, campaigns=frozenset({"spring"}))
    await story.add_user("bob")
    here, there, bob = [await story.browser(login=login, password=PASSWORD) for login in ("anna", "anna", "bob")]
    earlier = here.cookies.get("outdial")
    answer = await here.post("/session/password", json=CHANGE)
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["name"], view["scopes"], view["campaigns"]) == ("user anna", ["read", "operate"], ["spring"])
    assert cookie_in(answer) and cookie_in(answer) != earlier
    assert (await there.get("/groups")).status_code == 401
    assert (await bob.get("/groups")).status_code == 200
    assert (await story.client(cookie=f"outdial={earlier}").get("/groups")).status_code == 401
    assert (await here.post("/groups/1/start")).status_code == 403  # the token of the page was that of the old session
    here.headers["x-csrf-token"] = view["csrf_token"]
    assert (await here.post("/groups/1/start")).status_code == 200
    assert (await story.client().post("/session", json=ANNA)).status_code == 401
    await story.browser(login="anna", password=NEW)


async def test_it_is_audited_and_neither_password_is_told(story):
    await story.add_user("anna")
    anna = await story.browser(**ANNA)
    await anna.post("/session/password", json=CHANGE)
    [entry] = await story.records.audit(None, 9)
    assert (entry.who, entry.action, entry.subject) == ("user anna", "user.password", "user:anna")
    told = str(story.lines) + str(story.changes) + str(entry)
    assert NEW not in told and PASSWORD not in told and "scrypt" not in told


async def test_the_present_password_is_needed_and_guessing_it_waits_as_signing_in_does(story):
    await story.add_user("anna")
    anna = await story.browser(**ANNA)
    wrong = {**CHANGE, "password": "wrong"}
    for _ in range(PAIR_TRIES_MAX):
        answer = await anna.post("/session/password", json=wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    for body in (wrong, CHANGE):
        answer = await anna.post("/session/password", json=body)
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_sign_ins")
        assert int(answer.headers["retry-after"]) > 0
    assert (await story.client().post("/session", json=ANNA)).status_code == 429
    assert is_right(PASSWORD, (await story.records.user("anna")).password)
    assert (await anna.get("/groups")).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"password": PASSWORD},
        {"new_password": NEW},
        {**CHANGE, "new_password": "too short"},
        {**CHANGE, "new_password": "x" * 257},
        {**CHANGE, "password": ""},
        {**CHANGE, "login": "bob"},
    ],
)
async def test_mistakes_are_named_without_the_passwords(story, body):
    await story.add_user("anna")
    anna = await story.browser(**ANNA)
    answer = await anna.post("/session/password", json=body)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text and NEW not in answer.text and "too short" not in answer.text
    assert (await anna.get("/groups")).status_code == 200


async def test_only_a_person_who_has_signed_in_has_a_password(story):
    await story.add_user("anna")
    await story.add_token("outdial_x")
    for client in (
        story.client("outdial_x"),
        await story.browser(token="outdial_x"),
        await story.browser(key=story.guest_key()),
    ):
        answer = await client.post("/session/password", json=CHANGE)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_a_page_of_another_origin_changes_no_password(story):
    await story.add_user("anna")
    anna = await story.browser(**ANNA)
    for headers in ({"origin": "https://evil.example", "sec-fetch-site": "cross-site"}, {"x-csrf-token": "wrong"}):
        answer = await anna.post("/session/password", json=CHANGE, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forged")


async def test_rights_that_are_taken_at_the_same_moment_stay_taken(story, monkeypatch):
    await story.add_user("anna", Role.ADMIN)
    anna, hash_password = await story.browser(**ANNA), story.passwords.hash

    async def while_another_admin_acts(password: str) -> str:
        user = await story.records.user("anna")
        assert await story.records.save_user(replace(user, role=Role.VIEWER), user, end_sessions=False)
        return await hash_password(password)

    monkeypatch.setattr(story.passwords, "hash", while_another_admin_acts)
    answer = await anna.post("/session/password", json=CHANGE)
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert (await story.records.user("anna")).role is Role.VIEWER
