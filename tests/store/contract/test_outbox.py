"""Messages to other systems: written with what they tell of, handed out in order, kept until they are delivered."""

import pytest

from outdial.store.outbox import Message, MessageDue, NotDelivered, OutboxCounts
from store.contract.story import NOW, add_singles, begun, claim_one, opened, settled

LEASE_MS = 60_000


def message(n: int, lane: str = "", webhook: str = "crm", utc_ms: int = NOW) -> MessageDue:
    return MessageDue(f"att_1_{n}", webhook, "attempt.settled", lane or f"record:{n}", f'{{"n":{n}}}', utc_ms)


async def take(store, utc_ms: int = NOW, count: int = 100, webhook: str = "crm") -> list[Message]:
    return list(await store.outbox.take(webhook, utc_ms, utc_ms + LEASE_MS, count))


def names(messages: list[Message]) -> list[str]:
    return [one.message_id for one in messages]


async def test_a_message_is_there_with_what_it_tells_of_and_only_then(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await store.write([begun(4, record)])
        assert [] == await take(store)
        await store.write([settled(4, record), message(4, "record:1")])
        [found] = await take(store)
        assert (
            Message(
                seq=found.seq,
                message_id="att_1_4",
                webhook="crm",
                kind="attempt.settled",
                lane="record:1",
                body='{"n":4}',
                created_utc_ms=NOW,
                tries=1,
                due_utc_ms=NOW + LEASE_MS,
                error="",
            )
            == found
        )


async def test_what_is_written_twice_is_one_message(database):
    async with opened(database) as store:
        for _ in range(2):
            await store.write([message(1), message(1, webhook="other")])
        assert {"crm": OutboxCounts(1, 0), "other": OutboxCounts(1, 0)} == await store.outbox.counts()


async def test_messages_of_a_lane_go_one_after_the_other(database):
    async with opened(database) as store:
        await store.write([message(n, f"record:{n % 2}") for n in range(1, 7)])
        first, second = await take(store)
        assert ["att_1_1", "att_1_2"] == names([first, second]), "one of each lane, in order"
        assert [] == await take(store), "they are on their way"
        await store.outbox.finish([first.seq], [])
        assert ["att_1_3"] == names(await take(store))
        await store.outbox.finish([], [NotDelivered(second.seq, NOW + 5_000, "answered 500")])
        assert [] == await take(store, NOW + 4_999), "the next of its lane waits with it"
        [again] = await take(store, NOW + 5_000)
        assert ("att_1_2", 2, "answered 500") == (again.message_id, again.tries, again.error)


async def test_one_that_was_given_up_holds_nobody_up_and_is_shown(database):
    async with opened(database) as store:
        await store.write([message(1, "record:1"), message(2, "record:1")])
        [first] = await take(store)
        await store.outbox.finish([], [NotDelivered(first.seq, None, "answered 410")])
        [second] = await take(store)
        assert "att_1_2" == second.message_id
        assert {"crm": OutboxCounts(1, 1)} == await store.outbox.counts()
        [parked, _] = await store.outbox.messages("crm", 0, 10)
        assert (None, "answered 410", 1) == (parked.due_utc_ms, parked.error, parked.tries)

        assert 0 == await store.outbox.retry("other", NOW)
        assert 1 == await store.outbox.retry(None, NOW + 7)
        [again] = await take(store, NOW + 7)
        assert ("att_1_1", 1) == (again.message_id, again.tries), "as many tries as a new one"


async def test_what_was_given_up_long_ago_is_forgotten(database):
    async with opened(database) as store:
        await store.write([message(1, utc_ms=NOW - 10), message(2), message(3, utc_ms=NOW - 10)])
        first, second, _ = await take(store)
        await store.outbox.finish([], [NotDelivered(one.seq, None, "no") for one in (first, second)])
        assert 1 == await store.outbox.forget(NOW)
        assert 0 == await store.outbox.forget(NOW)
        assert {"att_1_2", "att_1_3"} == set(names(list(await store.outbox.messages(None, 0, 10))))


async def test_after_a_crash_what_was_on_its_way_is_handed_out_again(database):
    async with opened(database) as store:
        await store.write([message(1), message(2)])
        assert 1 == len(await take(store, count=1))
    async with opened(database, utc_ms=NOW + 1) as store:
        assert ["att_1_2"] == names(await take(store, NOW + 1))
        assert [] == await take(store, NOW + LEASE_MS - 1)
        assert ["att_1_1"] == names(await take(store, NOW + LEASE_MS))


async def test_messages_of_a_start_that_was_followed_are_written_as_its_attempts_are(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
    changes = [settled(4, record), message(4)]
    async with opened(database, utc_ms=NOW + 1, left=[(1, changes)]) as store:
        assert ["att_1_4"] == names(await take(store))


async def test_pages(database):
    async with opened(database) as store:
        await store.write([message(n) for n in range(1, 6)])
        seen: list[str] = []
        after = 0
        while page := await store.outbox.messages("crm", after, 2):
            assert len(page) <= 2
            seen, after = seen + names(list(page)), page[-1].seq
        assert [f"att_1_{n}" for n in range(1, 6)] == seen


async def test_nothing_to_finish_is_no_mistake(database):
    async with opened(database) as store:
        await store.outbox.finish([], [])
        await store.outbox.finish([99], [NotDelivered(98, None, "gone")])
        assert {} == await store.outbox.counts()


async def test_two_servers_share_the_work(database):
    """Only where several may use one database: nobody delivers what another one has."""
    async with opened(database, "one") as one:
        try:
            other = opened(database, "two")
            two = await other.__aenter__()
        except Exception:
            pytest.skip("this database has one server at a time")
        try:
            await one.write([message(n, f"record:{n % 3}") for n in range(9)])
            mine, theirs = await take(one, count=2), await take(two, count=2)
            assert ["att_1_0", "att_1_1"] == names(mine) and ["att_1_2"] == names(theirs)
            await two.outbox.finish([theirs[0].seq], [])
            assert ["att_1_5"] == names(await take(one))
        finally:
            await other.__aexit__(None, None, None)


async def test_a_message_without_an_attempt_is_written_too(database):
    async with opened(database) as store:
        await store.write([message(1, "alarm:prime-lost")])
        assert ["att_1_1"] == names(await take(store))
