"""Signing in, and what browsers are protected from."""

import asyncio

import pytest

from account_samples import NOW, PAGE, PASSWORD, AccountStory, cookie_in
from outdial.api.gate import LOOPBACK, RECHECK_MS, SESSION_IDLE_MS, SESSION_MS_MAX, STRANGERS_BURST
from outdial.api.origins import Origins
from outdial.api.roles import Role, Scope
from outdial.api.sign_in import KEY_MS_MAX
from outdial.api.sign_in_limit import ADDRESS_TRIES_MAX, PAIR_TRIES_MAX, WINDOW_MS
from outdial.core.units import HOUR_MS

ANNA = {"login": "anna", "password": PASSWORD}


@pytest.fixture
def story() -> AccountStory:
    return AccountStory()


# --- who is there ----------------------------------------------------------------------------------------------------


async def test_on_loopback_everybody_may_until_somebody_is_let_in(story):
    answer = await story.client().get("/session")
    assert (answer.status_code, answer.json()["name"], answer.json()["csrf_token"]) == (200, LOOPBACK.name, None)
    assert (await story.client().post("/groups/1/start")).status_code == 200
    assert (await story.client(origin="https://evil.example").post("/groups/1/stop")).status_code == 403
    assert (await story.client(**{"sec-fetch-site": "cross-site"}).get("/groups")).status_code == 403
    await story.add_user("anna")
    story.utc_ms += RECHECK_MS
    assert (await story.client().get("/groups")).status_code == 401


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "x-real-ip", "via"])
async def test_what_a_proxy_passes_on_is_not_of_this_machine(story, name):
    assert (await story.client(**{name: "192.0.2.9"}).get("/groups")).status_code == 401
    proxied = AccountStory(Origins(trusted=frozenset({"https://dial.example.com"})))
    assert (await proxied.client().get("/groups")).status_code == 401


async def test_beyond_loopback_nobody_may_unless_let_in():
    story = AccountStory(Origins(is_loopback=False))
    refused = await story.client().get("/groups")
    assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == 'Bearer realm="outdial"'


async def test_a_person_signs_in_changes_something_and_signs_out(story):
    await story.add_user("anna", Role.OPERATOR, campaigns=frozenset({"spring"}))
    client = story.client(**PAGE)
    answer = await client.post("/session", json=ANNA)
    view = answer.json()
    assert {key: view[key] for key in ("name", "scopes", "campaigns", "agent_id", "expires_utc_ms")} == {
        "name": "user anna",
        "scopes": ["read", "operate"],
        "campaigns": ["spring"],
        "agent_id": None,
        "expires_utc_ms": NOW + SESSION_MS_MAX,
    }
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("outdial=") and "; Path=/; HttpOnly; SameSite=Strict" in cookie and "Secure" not in cookie
    assert (await client.get("/session")).json() == view
    client.headers["x-csrf-token"] = view["csrf_token"]
    assert (await client.post("/groups/1/start")).status_code == 200
    [change] = await story.records.audit(None, 10)
    assert (change.who, change.how, change.action, change.address) == (
        "user anna",
        "session",
        "group.start",
        "192.0.2.7",
    )
    out = await client.delete("/session")
    assert (out.status_code, cookie_in(out)) == (204, "")
    client.cookies.set("outdial", cookie.partition("=")[2].partition(";")[0])
    assert (await client.get("/session")).status_code == 401


async def test_behind_tls_the_cookie_is_bound_to_the_host():
    story = AccountStory(Origins(is_tls=True, is_loopback=False))
    await story.add_user("anna")
    answer = await story.client().post("/session", json=ANNA)
    assert answer.headers["set-cookie"].startswith("__Host-outdial=")
    assert answer.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")
    assert "strict-transport-security" in answer.headers
    plain = story.client(cookie=f"outdial={cookie_in(answer)}")
    assert (await plain.get("/groups")).status_code == 401
    assert (await story.client(cookie=f"__Host-outdial={cookie_in(answer)}").get("/groups")).status_code == 200


async def test_behind_a_proxy_with_tls_its_origin_is_trusted():
    story = AccountStory(Origins(trusted=frozenset({"https://dial.example.com"})))
    await story.add_user("anna")
    proxied = {"host": "dial.example.com", "origin": "https://dial.example.com"}
    answer = await story.client(**proxied).post("/session", json=ANNA)
    assert answer.headers["set-cookie"].startswith("__Host-outdial=")
    cookie = {"cookie": f"__Host-outdial={cookie_in(answer)}", "x-csrf-token": answer.json()["csrf_token"]}
    assert (await story.client(**proxied, **cookie).post("/groups/1/start")).status_code == 200


async def test_a_token_becomes_a_session_that_ends_with_it(story):
    token_id = await story.add_token("outdial_robot", [Scope.READ])
    client = await story.browser(token="outdial_robot")
    assert (await client.get("/session")).json()["name"].startswith("token of ")
    assert (await client.post("/groups/1/start")).status_code == 403
    await story.records.revoke_token(token_id, story.utc_ms)
    story.utc_ms += RECHECK_MS
    assert (await client.get("/groups")).status_code == 401


async def test_a_key_lets_one_guest_in_once_and_in_time(story):
    key = story.guest_key()
    guest = await story.browser(key=key)
    assert (await guest.get("/session")).json()["name"] == "guest demo"
    assert (await guest.get("/groups")).status_code == 200
    assert (await story.client().post("/session", json={"key": key})).status_code == 401
    assert (await story.client().get("/groups")).status_code == 401
    late = story.guest_key()
    story.utc_ms += KEY_MS_MAX
    assert (await story.client().post("/session", json={"key": late})).status_code == 401


async def test_signing_in_again_ends_the_earlier_session(story):
    await story.add_user("anna")
    client = await story.browser(**ANNA)
    earlier = client.cookies["outdial"]
    assert (await client.post("/session", json=ANNA)).status_code == 200
    assert client.cookies["outdial"] != earlier
    assert (await story.client(cookie=f"outdial={earlier}").get("/groups")).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login": "anna"},
        {"login": "anna", "password": PASSWORD, "token": "x"},
        {"login": "anna", "password": ["x"]},
        {"token": "x" * 129},
        {"key": ""},
        [],
    ],
)
async def test_credentials_are_of_one_kind(story, body):
    answer = await story.client().post("/session", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert PASSWORD not in answer.text


# --- forged requests -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 200),
        ({"x-csrf-token": ""}, 403),
        ({"x-csrf-token": "0" * 64}, 403),
        ({"origin": "http://127.0.0.1:9999"}, 403),
        ({"origin": "https://127.0.0.1:8042"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": None}, 200),
        ({"origin": None, "sec-fetch-site": "same-site"}, 403),
        ({"origin": None, "sec-fetch-site": "cross-site"}, 403),
        ({"origin": None, "sec-fetch-site": None}, 403),
    ],
)
async def test_a_change_by_a_browser_needs_its_token_and_our_page(story, headers, status):
    await story.add_user("anna")
    client = await story.browser(**ANNA)
    for name, value in headers.items():
        if value is None:
            del client.headers[name]
        else:
            client.headers[name] = value
    answer = await client.post("/groups/1/start")
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "forged"
    assert (await client.get("/groups")).status_code == 200


async def test_another_origin_cannot_sign_a_browser_in(story):
    await story.add_user("anna")
    answer = await story.client(origin="https://evil.example").post("/session", json=ANNA)
    assert (answer.status_code, cookie_in(answer)) == (403, "")


async def test_the_token_of_one_session_is_none_of_another(story):
    await story.add_user("anna")
    one, other = await story.browser(**ANNA), await story.browser(**ANNA)
    assert one.headers["x-csrf-token"] != other.headers["x-csrf-token"]
    one.headers["x-csrf-token"] = other.headers["x-csrf-token"]
    assert (await one.post("/groups/1/start")).status_code == 403


# --- how long --------------------------------------------------------------------------------------------------------


async def test_a_session_ends_when_nothing_is_asked_for_too_long(story):
    await story.add_user("anna")
    client = await story.browser(**ANNA)
    for _ in range(3):
        story.utc_ms += SESSION_IDLE_MS - 1
        assert (await client.get("/groups")).status_code == 200
    await story.gate.keep_up()
    story.utc_ms += SESSION_IDLE_MS
    assert (await client.get("/groups")).status_code == 401
    await story.gate.keep_up()
    assert not story.records._sessions


async def test_a_session_ends_whatever_is_asked(story):
    await story.add_user("anna")
    client = await story.browser(**ANNA)
    while story.utc_ms < NOW + SESSION_MS_MAX:
        assert (await client.get("/groups")).status_code == 200
        story.utc_ms += SESSION_IDLE_MS // 2
    assert (await client.get("/groups")).status_code == 401


async def test_a_token_ends_at_its_instant(story):
    await story.add_token("outdial_x", expires_utc_ms=NOW + 1_000)
    assert (await story.client("outdial_x").get("/groups")).status_code == 200
    story.utc_ms = NOW + 1_000
    assert (await story.client("outdial_x").get("/groups")).status_code == 401


async def test_what_was_seen_is_written_down(story):
    token_id = await story.add_token("outdial_x")
    story.utc_ms += 1_000
    await story.client("outdial_x").get("/groups")
    assert (await story.records.token(token_id)).used_utc_ms is None
    await story.gate.keep_up()
    assert (await story.records.token(token_id)).used_utc_ms == NOW + 1_000


@pytest.mark.parametrize("change", ["disable", "remove", "password", "revoke"])
async def test_who_loses_a_right_loses_it_at_once(story, change):
    await story.add_user("boss")
    await story.add_user("anna")
    token_id = await story.add_token("outdial_x")
    boss, anna, robot = await story.browser(login="boss", password=PASSWORD), await story.browser(**ANNA), "outdial_x"
    assert (await story.client(robot).get("/groups")).status_code == 200
    match change:
        case "disable":
            done = await boss.patch("/users/anna", json={"disabled": True}, headers={"if-match": "*"})
        case "remove":
            done = await boss.delete("/users/anna", headers={"if-match": "*"})
        case "password":
            done = await boss.post("/users/anna/password", json={"password": "a new long password"})
        case "revoke":
            done = await boss.delete(f"/tokens/{token_id}")
    assert done.status_code in (200, 204), done.text
    loser = story.client(robot) if change == "revoke" else anna
    assert (await loser.get("/groups")).status_code == 401
    if change == "disable":
        assert (await story.client().post("/session", json=ANNA)).status_code == 401


# --- guessing --------------------------------------------------------------------------------------------------------


async def test_who_guesses_waits_and_nobody_else_does(story):
    await story.add_user("anna")
    await story.add_user("bob")
    wrong = {"login": "anna", "password": "wrong"}
    for _ in range(PAIR_TRIES_MAX):
        assert (await story.client().post("/session", json=wrong)).status_code == 401
    refused = await story.client().post("/session", json=ANNA)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, str(WINDOW_MS // 1000))
    assert (await story.client().post("/session", json={**ANNA, "login": "bob"})).status_code == 200
    story.transport.client = ("198.51.100.9", 1)
    assert (await story.client().post("/session", json=ANNA)).status_code == 200
    story.transport.client = ("192.0.2.7", 1)
    story.utc_ms += WINDOW_MS
    assert (await story.client().post("/session", json=ANNA)).status_code == 200


async def test_a_try_that_nobody_could_judge_does_not_count(story):
    await story.add_user("anna")
    story.records.is_away = True
    for _ in range(2 * PAIR_TRIES_MAX):
        assert (await story.client().post("/session", json=ANNA)).status_code == 503
    story.records.is_away = False
    assert (await story.client().post("/session", json=ANNA)).status_code == 200


async def test_one_address_cannot_try_many_logins_or_keys(story):
    for n in range(ADDRESS_TRIES_MAX):
        body = {"login": f"u{n}", "password": "wrong"} if n % 2 else {"key": "wrong"}
        assert (await story.client().post("/session", json=body)).status_code == 401
    assert (await story.client().post("/session", json={"token": "wrong"})).status_code == 429


async def test_the_same_answer_for_a_wrong_password_and_for_nobody(story, monkeypatch):
    from outdial.api import passwords

    await story.add_user("anna")
    await story.add_user("off", is_disabled=True)
    checked = []
    plain = passwords.is_right
    monkeypatch.setattr("outdial.api.passwords.is_right", lambda *words: checked.append(1) or plain(*words))
    answers = [
        await story.client().post("/session", json={"login": login, "password": password})
        for login, password in (("anna", "wrong"), ("nobody", PASSWORD), ("off", PASSWORD), ("no login!", PASSWORD))
    ]
    assert [answer.status_code for answer in answers] == [401] * 4
    assert len({answer.text for answer in answers}) == 1
    assert len(checked) == 4  # each took one check of a password


async def test_a_flood_of_unknown_tokens_does_not_reach_the_database(story):
    await story.add_token("outdial_x")
    assert (await story.client("outdial_x").get("/groups")).status_code == 200
    before = story.records.asked
    statuses = [(await story.client(f"guess-{n}").get("/session")).status_code for n in range(STRANGERS_BURST + 50)]
    assert statuses.count(429) >= 50 and set(statuses) == {401, 429}
    assert story.records.asked - before <= STRANGERS_BURST
    assert (await story.client("outdial_x").get("/groups")).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"authorization": "Basic YTpi"}, {"authorization": "Bearer"}, {"authorization": "Bearer " + "x" * 200}]
)
async def test_what_is_no_token_is_refused(story, headers):
    await story.add_user("anna")
    assert (await story.client(**headers).get("/groups")).status_code == 401


async def test_a_morning_at_which_everybody_signs_in_asks_the_database_little(story):
    await story.add_user("anna")
    clients = [await story.browser(**ANNA) for _ in range(30)]
    before = story.records.asked
    for client in clients:
        assert (await client.get("/groups")).status_code == 200
    assert story.records.asked == before


# --- the database is away --------------------------------------------------------------------------------------------


async def test_who_was_known_stays_known_while_the_database_is_away(story):
    await story.add_user("anna")
    client = await story.browser(**ANNA)
    await story.add_token("outdial_x")
    story.records.is_away = True
    story.utc_ms += 10 * RECHECK_MS
    assert (await client.get("/groups")).status_code == 200
    assert (await client.post("/groups/1/start")).status_code == 200
    assert (await story.client("outdial_x").get("/groups")).status_code == 503
    story.utc_ms += SESSION_IDLE_MS
    assert (await client.get("/groups")).status_code == 401
    story.records.is_away = False
    assert [change["action"] for change in story.changes] == ["group.start"]
    again = await story.browser(**ANNA)
    await again.post("/groups/1/stop")
    assert [entry.action for entry in await story.records.audit(None, 9)] == ["group.stop", "group.start"]


# --- at the same moment ----------------------------------------------------------------------------------------------


class Pausing:
    """Has an answer of the database wait until a test lets it go."""

    def __init__(self, story: AccountStory, method: str) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        inner = getattr(story.records, method)

        async def paused(*arguments):
            found = await inner(*arguments)
            self.asked.set()
            await self.may_answer.wait()
            return found

        setattr(story.records, method, paused)


async def test_who_signs_out_while_a_request_is_recognised_is_out_at_once(story):
    await story.add_user("anna")
    browser = await story.browser(**ANNA)
    story.utc_ms += RECHECK_MS
    await browser.get("/groups")
    story.utc_ms += RECHECK_MS
    paused = Pausing(story, "session")
    request = asyncio.create_task(browser.get("/groups"))
    await paused.asked.wait()
    await story.sign_ins.end(browser.cookies["outdial"])
    paused.may_answer.set()
    await request
    assert (await browser.get("/groups")).status_code == 401


async def test_a_token_that_is_revoked_while_it_is_recognised_is_revoked_at_once(story):
    await story.add_token("outdial_x")
    paused = Pausing(story, "token_of")
    request = asyncio.create_task(story.client("outdial_x").get("/groups"))
    await paused.asked.wait()
    [token] = await story.records.tokens()
    assert await story.records.revoke_token(token.token_id, story.utc_ms)
    story.gate.forget()
    paused.may_answer.set()
    await request
    assert (await story.client("outdial_x").get("/groups")).status_code == 401


async def test_a_clock_that_is_set_back_after_an_outage_keeps_nobody_known_for_longer(story):
    await story.add_token("outdial_x")
    assert (await story.client("outdial_x").get("/groups")).status_code == 200
    story.utc_ms += RECHECK_MS
    story.records.is_away = True
    assert (await story.client("outdial_x").get("/groups")).status_code == 200
    story.records.is_away = False
    [token] = await story.records.tokens()
    await story.records.revoke_token(token.token_id, story.utc_ms)
    story.utc_ms -= HOUR_MS
    assert (await story.client("outdial_x").get("/groups")).status_code == 401
