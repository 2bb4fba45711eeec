"""Several servers on one database: they share its lists and never a record. A SQLite file serves one process only."""

import asyncio

import pytest

from outdial.store.do_not_call import CALLED_MS
from outdial.store.interface import EpochLost, StoreError
from store.contract.story import (
    DONE,
    NOW,
    READY,
    RETRIEVED,
    RETRY_IN,
    add_singles,
    begun,
    claim,
    claim_one,
    ids,
    opened,
    returned,
    settled,
    states,
    write,
)

DAY = 86_400_000


@pytest.fixture
def shared(database):
    """A database that several servers may share."""
    if hasattr(database, "path"):
        pytest.skip("a SQLite file serves one process")
    return database


async def test_a_sqlite_file_is_refused_to_a_second_store(database):
    if not hasattr(database, "path"):
        pytest.skip("PostgreSQL serves many")
    async with opened(database) as store:
        await add_singles(store, 1)
        with pytest.raises(StoreError, match="in use by another process"):
            async with opened(database, "two"):
                pass
        assert ids(await claim(store)) == [[1]]
    async with opened(database, "two") as store:
        assert store.found.returned == 1  # the file has no other process: what is claimed is nobody's


async def test_claims_at_the_same_time_never_overlap(shared):
    async with opened(shared, "one") as one, opened(shared, "two") as two:
        await add_singles(one, 400)

        async def claim_all(store) -> list[int]:
            found: list[int] = []
            for count in (7, 30, 50, 80) * 3:
                found += [record_id for [record_id] in ids(await claim(store, count))]
            return found

        first, second = await asyncio.gather(claim_all(one), claim_all(two))
        assert sorted(first + second) == list(range(1, 401))
        assert first and second


async def test_a_start_leaves_the_claims_of_other_servers_alone(shared):
    async with opened(shared, "one") as one:
        await add_singles(one, 2)
        [record] = await claim_one(one)
        await write(one, begun(1, record))
        async with opened(shared, "two") as two:
            assert (two.found.returned, two.found.stale) == (0, 0)
            assert ids(await claim(two)) == [[2]]
        await write(one, settled(1, record, RETRY_IN, not_before=NOW + 5))
    found = await states(shared)
    assert (found[1].status, found[1].attempts, found[2].status) == (READY, 1, RETRIEVED)


async def test_a_record_belongs_to_who_has_claimed_it(shared):
    async with opened(shared, "one") as one, opened(shared, "two") as two:
        await add_singles(one, 1)
        [record] = await claim_one(one)
        await write(two, settled(1, record, DONE), returned(record))
        assert (await states(shared))[1].status is RETRIEVED
        await write(one, settled(1, record, DONE))
    assert (await states(shared))[1].attempts == 1
    assert len(await shared.ask("SELECT 1 FROM attempts")) == 2


async def test_the_second_start_of_a_server_takes_its_place(shared):
    async with opened(shared, "one") as old:
        await add_singles(old, 3)
        one, two, _ = (chain.records[0] for chain in (await claim(old)).chains)
        await write(old, begun(1, one))
        async with opened(shared, "one") as new:
            assert (new.found.returned, new.found.stale) == (2, 1)
            with pytest.raises(EpochLost):
                await claim(old)
            [again] = await claim_one(new)
            assert again.record_id == two.record_id
            with pytest.raises(EpochLost):
                await write(old, settled(1, one, DONE), settled(2, two, DONE))
            await write(new, settled(1, again, DONE))
    found = await states(shared)
    assert [found[n].attempts for n in (1, 2, 3)] == [1, 1, 0]
    rows = await shared.ask("SELECT epoch, call_id FROM attempts ORDER BY 1, 2")
    assert list(map(tuple, rows)) == [(old.found.epoch, 1), (old.found.epoch, 2), (new.found.epoch, 1)]


async def test_servers_that_start_at_the_same_time_get_different_epochs(shared):
    stores = [shared.store() for _ in range(6)]
    try:
        found = await asyncio.gather(*(store.open(f"server {n}", NOW, 0) for n, store in enumerate(stores)))
        assert len({opening.epoch for opening in found}) == 6
    finally:
        for store in stores:
            await store.close()


async def test_writes_at_the_same_time_do_not_lose_or_block_each_other(shared):
    async with opened(shared, "one") as one, opened(shared, "two") as two:
        await add_singles(one, 200)

        async def work(store) -> int:
            done = 0
            while chains := (await claim(store, 10)).chains:
                records = [chain.records[0] for chain in chains]
                await write(store, *(begun(r.record_id, r) for r in records))
                await write(store, *(settled(r.record_id, r, DONE) for r in records))
                done += len(records)
            return done

        counts = await asyncio.gather(work(one), work(two))
        assert sum(counts) == 200
    assert {state.attempts for state in (await states(shared)).values()} == {1}
    assert len(await shared.ask("SELECT 1 FROM attempts")) == 200


async def test_a_server_hears_of_others_calls_to_numbers_that_it_has_claimed(shared):
    """Records 1 and 11 have one number, 1 on the one server, 11 on the other."""
    async with opened(shared, "one") as one, opened(shared, "two") as two:
        await add_singles(one, 12)
        same = "(SELECT number FROM records WHERE record_id = 1)"
        await shared.ask(f"UPDATE records SET number = {same} WHERE record_id = 11")
        mine = [chain.records[0] for chain in (await claim(one, 10)).chains]
        theirs = [chain.records[0] for chain in (await claim(two, 10)).chains]
        assert ([each.record_id for each in mine], theirs[0].record_id) == (list(range(1, 11)), 11)
        assert (await one.objections(0, NOW)).called == ()
        await write(two, *(begun(n, record) for n, record in enumerate(theirs, 5)))
        number = mine[0].number
        assert (await one.objections(0, NOW + DAY)).called == ((two.found.epoch, 5, number),), "however long it lasts"
        assert (await two.objections(0, NOW)).called == (), "its own"
        await write(two, settled(5, theirs[0], DONE))
        assert (await one.objections(0, NOW + CALLED_MS - 1)).called == ((two.found.epoch, 5, number),)
        assert (await one.objections(0, NOW + CALLED_MS)).called == ()
        await write(one, returned(mine[0]))
        assert (await one.objections(0, NOW)).called == ()
