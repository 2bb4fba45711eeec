"""Tokens, people, sessions, the audit and kept answers: in every database, and in memory."""

from dataclasses import replace

import pytest

from outdial.api.credentials import (
    ANSWER_KEPT_MS,
    ANSWER_PENDING_MS_MAX,
    AnswerKey,
    AuditEntry,
    KeptAnswer,
    Session,
    Token,
    User,
    digest_of,
)
from outdial.api.memory_access import MemoryAccess
from outdial.api.roles import Role, Scope
from outdial.store.access_rows import StoredAccess
from outdial.store.steps import Step, in_sqlite
from store.contract.story import NOW

IDLE_MS = 1_800_000
ANNA = User("anna", Role.OPERATOR, frozenset({"spring", "Žolė"}), None, "scrypt:…", NOW)
ROBOT = Token("a1", "crm robot", frozenset({Scope.READ, Scope.OPERATE}), None, 1001, NOW, NOW + 1_000)
TAB = Session("user:anna", "127.0.0.1", NOW, NOW, NOW + 10 * IDLE_MS)
KEY = AnswerKey("token:a1", "42", "POST /v1/groups/1/start")


class Opened:
    """The records of a database, or those in memory."""

    def __init__(self, database) -> None:
        self._store = None if database is None else database.store()
        self._records = MemoryAccess() if self._store is None else StoredAccess(self._store)

    async def __aenter__(self):
        if self._store is not None:
            await self._store.look()
        return self._records

    async def __aexit__(self, *_):
        if self._store is not None:
            await self._store.close()


@pytest.fixture
def places(request, database):
    """Every place: the database of the test, and memory beside it."""
    return (database, None)


async def story(places, tell) -> None:
    """Tell one story in every place."""
    for place in places:
        async with Opened(place) as records:
            await tell(records)


async def test_a_token_is_known_by_its_secret_until_it_is_revoked(places):
    async def tell(records):
        assert not await records.has_anybody(NOW)
        assert await records.add_token(ROBOT, digest_of("secret"))
        assert await records.token_of(digest_of("secret")) == ROBOT == await records.token("a1")
        assert await records.token_of(digest_of("other")) is None is await records.token("b2")
        assert await records.has_anybody(NOW) and not await records.has_anybody(NOW + 1_000)
        await records.seen({"a1": NOW + 60_000, "gone": NOW}, {})
        await records.seen({"a1": NOW}, {})
        assert await records.revoke_token("a1", NOW + 5)
        assert not await records.revoke_token("a1", NOW + 6)
        assert not await records.revoke_token("b2", NOW + 6)
        assert await records.tokens() == (replace(ROBOT, used_utc_ms=NOW + 60_000, revoked_utc_ms=NOW + 5),)
        assert not await records.has_anybody(NOW)

    await story(places, tell)


async def test_two_tokens_that_count_have_two_names(places):
    async def tell(records):
        assert await records.add_token(ROBOT, "1")
        again = replace(ROBOT, token_id="a2", created_utc_ms=NOW + 999, expires_utc_ms=None)
        assert not await records.add_token(again, "2")
        assert await records.token_of("2") is None
        later = replace(again, created_utc_ms=NOW + 1_000)
        assert await records.add_token(later, "2")
        assert [(one.token_id, one.revoked_utc_ms) for one in await records.tokens()] == [
            ("a1", NOW + 1_000),
            ("a2", None),
        ]
        assert await records.revoke_token("a2", NOW + 2_000)
        assert await records.add_token(replace(later, token_id="a3"), "3")

    await story(places, tell)


async def test_people_come_change_and_go(places):
    async def tell(records):
        assert await records.add_user(ANNA)
        assert not await records.add_user(replace(ANNA, role=Role.ADMIN))
        assert await records.user("anna") == ANNA
        assert await records.user("bob") is None
        bob = User("bob", Role.AGENT, None, 1001, "scrypt:2", NOW + 1, is_disabled=True)
        assert await records.add_user(bob)
        assert await records.users() == (ANNA, bob)
        changed = replace(ANNA, role=Role.AGENT, campaigns=frozenset(), agent_id=7, password="new", is_disabled=True)
        assert await records.save_user(replace(changed, created_utc_ms=0), ANNA, end_sessions=False)
        assert await records.user("anna") == changed
        assert not await records.has_anybody(NOW)
        assert not await records.save_user(replace(ANNA, login="nobody"), ANNA, end_sessions=True)
        assert await records.remove_user("anna")
        assert not await records.remove_user("anna")
        assert await records.users() == (bob,)

    await story(places, tell)


async def test_who_decides_on_what_was_seen_undoes_nothing_that_came_since(places):
    async def tell(records):
        await records.add_user(ANNA)
        await records.add_session("tab", TAB)
        wanted = replace(ANNA, password="new", is_disabled=True)
        for other in (
            replace(ANNA, role=Role.ADMIN),
            replace(ANNA, campaigns=None),
            replace(ANNA, campaigns=frozenset()),
            replace(ANNA, agent_id=99),
            replace(ANNA, agent_id=None if ANNA.agent_id else 98),
            replace(ANNA, password="other"),
            replace(ANNA, is_disabled=True),
            replace(ANNA, created_utc_ms=ANNA.created_utc_ms + 1),
        ):
            if other != ANNA:
                assert not await records.save_user(wanted, other, end_sessions=True), other
                assert await records.user("anna") == ANNA
                assert await records.session("tab") is not None
        assert await records.save_user(wanted, ANNA, end_sessions=True)
        assert await records.user("anna") == wanted
        assert await records.session("tab") is None

    await story(places, tell)


async def test_a_session_ends_with_its_person_its_token_or_its_time(places):
    async def tell(records):
        await records.add_user(ANNA)
        await records.add_token(ROBOT, "1")
        await records.add_session("tab", TAB)
        await records.add_session("other", replace(TAB, subject="token:a1"))
        await records.seen({}, {"tab": NOW + 60_000, "gone": NOW})
        await records.seen({}, {"tab": NOW})
        assert await records.session("tab") == replace(TAB, seen_utc_ms=NOW + 60_000)
        assert await records.session("gone") is None
        await records.save_user(ANNA, ANNA, end_sessions=False)
        assert await records.session("tab") is not None
        await records.save_user(ANNA, ANNA, end_sessions=True)
        assert await records.session("tab") is None
        assert await records.session("other") is not None
        await records.revoke_token("a1", NOW)
        assert await records.session("other") is None
        await records.add_session("tab", TAB)
        assert await records.end_session("tab")
        assert not await records.end_session("tab")
        await records.add_session("tab", TAB)
        await records.remove_user("anna")
        assert await records.session("tab") is None

    await story(places, tell)


async def test_what_is_over_is_swept_away(places):
    async def tell(records):
        await records.add_session("idle", TAB)
        await records.add_session("busy", replace(TAB, seen_utc_ms=NOW + 1))
        await records.add_session("old", replace(TAB, seen_utc_ms=NOW + IDLE_MS, expires_utc_ms=NOW + IDLE_MS))
        await records.sweep(NOW + IDLE_MS, IDLE_MS)
        assert [await records.session(one) is not None for one in ("idle", "busy", "old")] == [False, True, False]

    await story(places, tell)


async def test_the_audit_is_read_backwards_page_by_page(places):
    async def tell(records):
        entries = [
            AuditEntry(NOW + n, "anna", "session", "group.start", f"group:{n}", None, '{"ports": 7}', "127.0.0.1")
            for n in range(5)
        ]
        await records.add_audit(entries[:2])
        await records.add_audit(())
        await records.add_audit(entries[2:])
        first = await records.audit(None, 2)
        assert [replace(one, audit_id=0) for one in first] == [entries[4], entries[3]]
        second = await records.audit(first[-1].audit_id, 2)
        assert [replace(one, audit_id=0) for one in second] == [entries[2], entries[1]]
        assert len({one.audit_id for one in (*first, *second)}) == 4
        period = await records.audit(None, 9, NOW + 1, NOW + 3)
        assert [one.utc_ms for one in period] == [NOW + 2, NOW + 1]

    await story(places, tell)


async def test_an_answer_is_kept_for_who_asks_again(places):
    async def tell(records):
        assert await records.begin_answer(KEY, "print", NOW) is None
        assert await records.begin_answer(KEY, "other", NOW) == KeptAnswer("print", None, "", "")
        await records.keep_answer(KEY, 200, "application/json", '{"name": "Žolė"}')
        kept = KeptAnswer("print", 200, "application/json", '{"name": "Žolė"}')
        assert await records.begin_answer(KEY, "print", NOW + ANSWER_PENDING_MS_MAX) == kept
        assert await records.begin_answer(replace(KEY, caller="user:anna"), "x", NOW) is None
        assert await records.begin_answer(replace(KEY, route="POST /v1/x"), "x", NOW) is None
        assert await records.begin_answer(KEY, "new", NOW + ANSWER_KEPT_MS) is None
        await records.sweep(NOW + 2 * ANSWER_KEPT_MS, IDLE_MS)
        assert await records.begin_answer(KEY, "new", NOW + 2 * ANSWER_KEPT_MS) is None

    await story(places, tell)


async def test_a_request_that_came_to_nothing_may_be_tried_again(places):
    async def tell(records):
        await records.begin_answer(KEY, "print", NOW)
        await records.drop_answer(KEY)
        assert await records.begin_answer(KEY, "print", NOW) is None
        assert await records.begin_answer(KEY, "print", NOW + ANSWER_PENDING_MS_MAX) is None

    await story(places, tell)


async def test_only_digests_and_hashes_are_in_the_database(database):
    async with Opened(database) as records:
        await records.add_token(ROBOT, digest_of("outdial_secret"))
    assert "outdial_secret" not in str(await database.ask("SELECT * FROM api_tokens"))


def test_a_value_may_be_used_twice_and_in_any_order():
    assert in_sqlite(Step("a = $2 AND b = $1 OR c = $2", (1, 2))) == ("a = ? AND b = ? OR c = ?", [2, 1, 2])
