"""Filling lists in batches, and reading what has become of their records."""

from outdial.store.stored import Import
from store.contract.story import (
    DONE,
    NEXT_IN_CHAIN,
    NOW,
    add,
    add_singles,
    claim,
    claim_one,
    ids,
    listed,
    opened,
    settled,
    states,
    write,
)

FILE = Import(1, "a.csv", "digest")


def progress(lines: int, finished: int | None = None, list_id: int = 1) -> Import:
    return Import(list_id, "a.csv", f"digest of {list_id}", lines, lines, finished)


async def test_an_import_knows_how_far_it_has_come(database):
    async with opened(database) as store:
        await store.add_records(progress(2), [listed(1), listed(2)])
        assert await store.imports() == (progress(2),)
        await store.add_records(progress(3), [listed(3)])
        await store.add_records(progress(5, NOW, list_id=2), [listed(11, 2)])
    async with opened(database) as store:
        assert sorted(await store.imports(), key=lambda one: one.list_id) == [progress(3), progress(5, NOW, list_id=2)]


async def test_single_records_may_be_claimed_before_their_file_has_been_read_to_its_end(database):
    async with opened(database) as store:
        await store.add_records(progress(2), [listed(1), listed(2)])
        assert ids(await claim(store)) == [[1], [2]]


async def test_chains_wait_for_the_end_of_their_file(database):
    async with opened(database) as store:
        await store.add_records(progress(2), [listed(2, chain=(7, 1)), listed(5, chain=(8, 0))])
        claimed = await claim(store)
        assert (claimed.chains, claimed.exhausted, claimed.next_due_utc_ms) == ((), True, None)
        await store.add_records(progress(4), [listed(1, chain=(7, 0)), listed(3, chain=(7, 2))])
        assert (await claim(store)).chains == ()
        await store.add_records(progress(4, NOW), [])
        assert ids(await claim(store)) == [[1, 2, 3], [5]]


async def test_the_last_records_may_come_with_the_end(database):
    async with opened(database) as store:
        await store.add_records(progress(1), [listed(2, chain=(7, 1))])
        await store.add_records(progress(2, NOW), [listed(1, chain=(7, 0))])
        assert ids(await claim(store)) == [[1, 2]]


async def test_a_batch_may_be_added_twice(database):
    async with opened(database) as store:
        batch = [listed(1, chain=(7, 0)), listed(2, chain=(7, 1)), listed(3)]
        await store.add_records(progress(3, NOW), batch)
        first, _ = await claim_one(store)
        await write(store, settled(1, first, NEXT_IN_CHAIN, next_id=2))
        [chain] = (await claim(store, 1)).chains
        await write(store, settled(2, chain.records[0], DONE))
        before = await states(database)
        await store.add_records(progress(3, NOW), batch)
        assert await states(database) == before


async def test_the_end_of_one_list_releases_no_chains_of_another(database):
    async with opened(database) as store:
        await store.add_records(progress(1, list_id=2), [listed(11, 2, chain=(7, 0))])
        await store.add_records(progress(1, NOW), [listed(1, chain=(7, 0))])
        assert ids(await claim(store, lists=((1, 1), (2, 1)))) == [[1]]


async def test_chains_that_are_under_way_are_not_released_again(database):
    async with opened(database) as store:
        await store.add_records(progress(4, NOW), [listed(n, chain=(7, n)) for n in (1, 2, 3)] + [listed(9)])
        await claim(store, 1)
        before = await states(database)
        await store.add_records(Import(1, "b.csv", "another", 1, 1, NOW), [listed(20)])
        assert {n: state for n, state in (await states(database)).items() if n != 20} == before


async def test_a_number_added_to_a_waiting_chain_is_dialed_with_it(database):
    async with opened(database) as store:
        await store.add_records(progress(1, NOW), [listed(1, chain=(7, 0))])
        await store.add_records(Import(1, "b.csv", "another", 1, 1, NOW), [listed(2, chain=(7, 1))])
        assert ids(await claim(store)) == [[1, 2]]


async def test_a_number_added_to_a_finished_chain_is_dialed_alone(database):
    async with opened(database) as store:
        await store.add_records(progress(1, NOW), [listed(1, chain=(7, 0))])
        [record] = await claim_one(store)
        await write(store, settled(1, record, DONE))
        await store.add_records(Import(1, "b.csv", "another", 1, 1, NOW), [listed(2, chain=(7, 1))])
        assert ids(await claim(store)) == [[2]]


async def test_many_chains_are_released(database):
    async with opened(database) as store:
        records = [listed(1 + 2 * n + k, chain=(n + 1, k)) for n in range(6_000) for k in range(2)]
        await store.add_records(progress(len(records), NOW), records)
        assert sum(state.due_utc_ms is not None for state in (await states(database)).values()) == 6_000
        assert ids(await claim(store, 3)) == [[1, 2], [3, 4], [5, 6]]


async def test_fates_come_a_page_at_a_time(database):
    async with opened(database) as store:
        await add_singles(store, 5)
        await add_singles(store, 2, 2, first=3_000_000_001)
        await add(store, listed(9, chain=(7, 4)))
        pages = [await store.fates(1, 0, 4), await store.fates(1, 4, 4), await store.fates(1, 9, 4)]
        assert [[fate.record_id for fate in page] for page in pages] == [[1, 2, 3, 4], [5, 9], []]
        assert [fate.record_id for fate in await store.fates(2, 0, 100)] == [3_000_000_001, 3_000_000_002]
        assert await store.fates(3, 0, 100) == ()
        fate = pages[1][1]
        assert (fate.number, fate.chain_id, fate.chain_n, fate.attempts) == ("+15550000009", 7, 4, 0)
        assert (fate.call_result, fate.agent_id, fate.last_attempt_utc_ms) == (None, None, None)
        assert fate.status.label == "ready"
