"""Do-not-call lists: who is on one is known at the claim, and again when that changes while the record is claimed."""

import asyncio
from dataclasses import replace

import pytest

from outdial.calling_lists import ListedRecord
from outdial.core.commands import Disposition
from outdial.core.records import Record, RecordType
from outdial.core.settings import TreatmentAction
from outdial.store.claims import ClaimRequest
from outdial.store.do_not_call import Addition, NumberForbidden, entry_of
from outdial.store.interface import EpochLost
from store.contract.story import NOW, add, add_chain, add_singles, claim, claim_one, listed, opened, settled, write

DAY = 86_400_000


def number(record_id: int) -> str:
    return f"+1555{record_id:07}"


def entry(record_id: int) -> str:
    return f"1555{record_id:07}"


async def forbid(store, *entries, list_name="internal", utc_ms=NOW, expires=None, reason="asked") -> int:
    return await store.forbid(Addition(list_name, "root@here", utc_ms, reason, expires), entries)


async def marks(store, *list_names, utc_ms=NOW) -> dict[int, str]:
    """What claimed records say of do-not-call lists."""
    claimed = await store.claim(ClaimRequest(1, ((1, 10),), 100, utc_ms, list_names))
    return {record.record_id: record.do_not_call for chain in claimed.chains for record in chain.records}


# --- claims ------------------------------------------------------------------------------------------------------


async def test_a_claimed_record_says_which_list_has_it(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        assert await forbid(store, entry(2)) == 1
        assert await marks(store) == {1: "", 2: "internal", 3: ""}


async def test_records_of_a_chain_are_looked_up_each(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await forbid(store, entry(2))
        assert await marks(store) == {1: "", 2: "internal", 3: ""}


async def test_a_number_counts_with_and_without_its_plus(database):
    async with opened(database) as store:
        await add(store, ListedRecord(Record(1, 1, "15550000009"), ()), listed(9))
        await forbid(store, entry_of("+1 (555) 0000009"))
        assert await marks(store) == {1: "internal", 9: "internal"}


async def test_a_customer_is_known_by_id(database):
    async with opened(database) as store:
        await add(
            store,
            ListedRecord(listed(1).record, (), "C-77"),
            ListedRecord(listed(2).record, (), "C-78"),
            listed(3),
        )
        await forbid(store, "customer:C-77", list_name="letters")
        assert await marks(store) == {1: "letters", 2: "", 3: ""}


async def test_the_number_decides_before_the_customer(database):
    async with opened(database) as store:
        await add(store, ListedRecord(listed(1).record, (), "C-77"))
        await forbid(store, "customer:C-77", list_name="a")
        await forbid(store, entry(1), list_name="b")
        assert await marks(store) == {1: "b"}


async def test_only_the_lists_that_a_campaign_names_count_and_the_internal_one(database):
    async with opened(database) as store:
        await add_singles(store, 4)
        await forbid(store, entry(1), list_name="national")
        await forbid(store, entry(2), list_name="seller-b")
        await forbid(store, entry(3), list_name="internal")
        entries = [entry(record_id) for record_id in range(1, 5)]
        assert await store.forbidding(entries, ("national",), NOW) == {entries[0]: "national", entries[2]: "internal"}
        assert await marks(store, "national") == {1: "national", 2: "", 3: "internal", 4: ""}


async def test_what_has_expired_or_was_removed_counts_no_more(database):
    async with opened(database) as store:
        await add_singles(store, 3)
        await forbid(store, entry(1), expires=NOW + 1)
        await forbid(store, entry(2), expires=NOW + DAY)
        await forbid(store, entry(3))
        assert await store.allow("internal", [entry(3)], "root@here", NOW) == 1
        assert await store.forbidding([entry(1), entry(2), entry(3)], (), NOW + 1) == {entry(2): "internal"}
        assert await marks(store, utc_ms=NOW + 1) == {1: "", 2: "internal", 3: ""}


# --- while records are claimed -----------------------------------------------------------------------------------


async def test_what_comes_onto_a_list_later_is_told_of_claimed_records(database):
    async with opened(database) as store:
        await add_singles(store, 4)
        await claim(store, 3)
        first = await store.objections(0, NOW)
        assert first.forbidden == ()
        await forbid(store, entry(2), entry(4), "15559999999")
        second = await store.objections(first.seq, NOW)
        assert second.forbidden == ((1, 2, "internal"),)
        assert (await store.objections(second.seq, NOW)).forbidden == ()


async def test_every_record_of_a_claimed_chain_is_looked_at(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await claim(store, 1)
        await forbid(store, entry(2), entry(3), list_name="x")
        assert (await store.objections(0, NOW)).forbidden == ((1, 2, "x"), (1, 3, "x"))


async def test_of_a_callback_the_number_counts_that_it_is_dialed_at(database):
    other = Disposition(
        TreatmentAction.RESCHEDULE, NOW, None, (), 1, RecordType.CAMPAIGN_CALLBACK, number="+15559999999"
    )
    async with opened(database) as store:
        await add_singles(store, 3)
        for chain in (await claim(store)).chains:
            [record] = chain.records
            await write(store, replace(settled(record.record_id, record), disposition=other))
        await forbid(store, entry(1))
        assert await marks(store) == {1: "", 2: "", 3: ""}, "their own numbers are not dialed"
        seq = (await store.objections(0, NOW)).seq
        await forbid(store, entry(2))
        assert (await store.objections(seq, NOW)).forbidden == ()
        await forbid(store, "15559999999")
        told = await store.objections(seq, NOW)
        assert told.forbidden == ((1, 1, "internal"), (1, 2, "internal"), (1, 3, "internal"))


async def test_of_a_callback_from_a_chain_the_number_counts_that_it_is_dialed_at(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        await database.ask("UPDATE records SET callback_number = '+15559999999' WHERE record_id = 2")
        [chain] = (await claim(store)).chains
        assert [record.number for record in chain.records] == [number(1), "+15559999999", number(3)]
        await forbid(store, entry(2), "15559999999", list_name="x")
        assert (await store.objections(0, NOW)).forbidden == ((1, 2, "x"),)
        await forbid(store, entry(2), entry(3), list_name="y")
        assert (await store.objections(0, NOW)).forbidden == ((1, 2, "x"), (1, 3, "y"))


async def test_records_of_another_start_are_not_told(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        await claim(store, 1)
    async with opened(database, utc_ms=NOW + 1) as store:
        await claim_one(store)
        await forbid(store, entry(1), entry(2))
        assert (await store.objections(0, NOW)).forbidden == ((1, 1, "internal"),)


async def test_a_number_that_a_server_forbids_is_there_even_if_its_epoch_is_over(database):
    async with opened(database) as store:
        await add_singles(store, 2)
        change = NumberForbidden(number(1), "internal", "said so", NOW)
        await write(store, change, change, settled(4, (await claim_one(store))[0]))
        [found] = await store.forbidden([entry(1)])
        assert (found.list_name, found.reason, found.added_by, found.added_utc_ms) == (
            "internal",
            "said so",
            "one",
            NOW,
        )
        later = database.store()
        if await taken_over(later):
            with pytest.raises(EpochLost):
                await write(store, NumberForbidden(number(2), "internal", "said so too", NOW))
            assert len(await later.forbidden([entry(2)])) == 1
        await later.close()


async def taken_over(later) -> bool:
    """Start under the same name, where a second process may."""
    try:
        await later.open("one", NOW, 1)
    except Exception:
        return False
    return True


# --- lists -------------------------------------------------------------------------------------------------------


async def test_adding_again_adds_nothing_and_keeps_the_longer_end(database):
    async with opened(database) as store:
        assert await forbid(store, "100", "101", "100", expires=NOW + DAY) == 2
        assert await forbid(store, "100", expires=NOW + 5, utc_ms=NOW + 1) == 0
        assert await forbid(store, "101", utc_ms=NOW + 2) == 0
        one, other = await store.forbidden(["100", "101"])
        assert (one.added_utc_ms, one.seen_utc_ms, one.expires_utc_ms) == (NOW, NOW + 1, NOW + DAY)
        assert (other.added_utc_ms, other.seen_utc_ms, other.expires_utc_ms) == (NOW, NOW + 2, None)


async def test_what_was_removed_is_remembered_and_may_come_back(database):
    async with opened(database) as store:
        await forbid(store, "100", reason="first")
        await forbid(store, "100", list_name="other")
        assert await store.allow("internal", ["100", "999"], "eve@there", NOW + 5) == 1
        assert await store.allow("internal", ["100"], "eve@there", NOW + 6) == 0
        await forbid(store, "100", reason="second", utc_ms=NOW + 7)
        found = await store.forbidden(["100"])
        assert [(one.list_name, one.reason, one.removed_by, one.removed_utc_ms) for one in found] == [
            ("internal", "first", "eve@there", NOW + 5),
            ("internal", "second", None, None),
            ("other", "asked", None, None),
        ]
        assert await store.allow(None, ["100"], "eve@there", NOW + 8) == 2


async def test_what_expired_may_come_back(database):
    async with opened(database) as store:
        await forbid(store, "100", expires=NOW + 5)
        assert await forbid(store, "100", utc_ms=NOW + 9) == 1
        first, second = await store.forbidden(["100"])
        assert (first.removed_by, first.removed_utc_ms, second.removed_utc_ms) == ("expired", NOW + 5, None)


async def test_what_a_whole_list_lacks_is_taken_off(database):
    async with opened(database) as store:
        await forbid(store, "100", "101", "102", list_name="national")
        await forbid(store, "100", "103", list_name="internal")
        await forbid(store, "101", "104", list_name="national", utc_ms=NOW + 5)
        assert await store.allow_unseen("national", NOW + 5, "root@here", NOW + 6) == 2
        assert [(each.name, each.numbers) for each in await store.forbidden_lists(NOW)] == [
            ("internal", 2),
            ("national", 2),
        ]


async def test_lists_at_a_glance(database):
    async with opened(database) as store:
        assert await store.forbidden_lists(NOW) == ()
        await forbid(store, "100", "101", list_name="national")
        await forbid(store, "101", list_name="national", utc_ms=NOW + 5)
        await forbid(store, "102", list_name="old", expires=NOW + 5)
        [one, other] = await store.forbidden_lists(NOW)
        assert (one.name, one.numbers, one.oldest_utc_ms, one.latest_utc_ms) == ("national", 2, NOW, NOW + 5)
        assert (other.name, other.numbers) == ("old", 1)
        assert [each.name for each in await store.forbidden_lists(NOW + 5)] == ["national"]


async def test_a_long_list_is_gone_through_in_parts(database, monkeypatch):
    for module in ("sqlite_do_not_call", "postgres_do_not_call"):
        monkeypatch.setattr(f"outdial.store.{module}.ROWS_AT_ONCE", 7)
    monkeypatch.setattr("outdial.store.postgres_do_not_call.ADDED_AT_ONCE", 10)
    async with opened(database) as store:
        numbers = [str(1_000 + n) for n in range(40)]
        assert await forbid(store, *numbers, list_name="national") == 40
        await forbid(store, *numbers[::2], list_name="national", utc_ms=NOW + 5)
        assert await store.allow_unseen("national", NOW + 5, "root@here", NOW + 6) == 20
        found = await store.forbidden(numbers)
        assert [one.removed_utc_ms is None for one in found] == [True, False] * 20
        await forbid(store, "1", "2", list_name="internal", utc_ms=NOW + 9)
        await forbid(store, *numbers[1::2], list_name="national", utc_ms=NOW + 9)
        assert [tuple(getattr(one, name) for name in one.__slots__) for one in await store.forbidden_lists(NOW)] == [
            ("internal", 2, NOW + 9, NOW + 9),
            ("national", 40, NOW + 5, NOW + 9),
        ]


async def test_nobody_misses_an_entry_that_was_numbered_early_and_committed_late(database):
    """Two add at the same time; who looks in between must not miss one, whatever the order of the commits."""
    async with opened(database) as store:
        await add_singles(store, 60)
        await claim(store, 60)
        other = database.store()
        try:
            await other.look()
        except Exception:
            pytest.skip("one process has the file")
        seen: list[int] = []
        seq = 0
        adding = [
            asyncio.ensure_future(forbid(each, *(entry(n) for n in range(first, first + 5))))
            for first in range(1, 61, 5)
            for each in ((store, other)[first % 2],)
        ]
        while not all(task.done() for task in adding):
            found = await store.objections(seq, NOW)
            seq, seen = found.seq, seen + [record_id for _, record_id, _ in found.forbidden]
        seen += [record_id for _, record_id, _ in (await store.objections(seq, NOW)).forbidden]
        assert set(seen) == set(range(1, 61))
        await other.close()
