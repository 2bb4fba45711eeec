"""Claiming: each chain once, what is due, in order, from several lists in turn."""

from collections import Counter

from outdial.core.results import CallResult
from store.contract.story import (
    NOW,
    REDIAL,
    RETRIEVED,
    RETRY_IN,
    add,
    add_chain,
    add_singles,
    claim,
    claim_one,
    ids,
    listed,
    opened,
    returned,
    settled,
    states,
    write,
)


async def test_a_record_is_never_handed_out_twice(database):
    async with opened(database) as store:
        await add_singles(store, 10)
        assert ids(await claim(store, 4)) == [[1], [2], [3], [4]]
        assert ids(await claim(store)) == [[5], [6], [7], [8], [9], [10]]
        assert ids(await claim(store)) == []


async def test_a_claimed_record_is_marked_as_retrieved(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        await claim(store)
    state = (await states(database))[1]
    assert (state.status, state.is_claimed, state.due_utc_ms) == (RETRIEVED, True, None)


async def test_a_record_comes_with_everything_that_is_known_about_it(database):
    async with opened(database) as store:
        await add(store, listed(8, 2, hours=(28_800, 72_000), zone="Europe/Riga", custom=(("name", "Ilze"),)))
        [chain] = (await claim(store, lists=((2, 1),))).chains
        assert chain.records == (listed(8, 2, hours=(28_800, 72_000), zone="Europe/Riga").record,)
        history = ((CallResult.BUSY, 2), (CallResult.NO_ANSWER, 1))
        await write(store, settled(1, chain.records[0], REDIAL, history=history))
        [chain] = (await claim(store, lists=((2, 1),))).chains
        assert (chain.records[0].attempts, chain.records[0].history) == (1, history)
    assert list(map(tuple, await database.ask("SELECT custom FROM records"))) == [('{"name":"Ilze"}',)]


async def test_nothing_is_due_before_its_time(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, settled(1, record, RETRY_IN, not_before=NOW + 5_000))
        early = await claim(store, utc_ms=NOW + 4_999)
        assert (early.chains, early.exhausted, early.next_due_utc_ms) == ((), True, NOW + 5_000)
        assert ids(await claim(store, utc_ms=NOW + 5_000)) == [[1]]


async def test_callbacks_go_first_then_what_came_back_then_what_is_new(database):
    async with opened(database) as store:
        await add_singles(store, 6)
        await database.ask(f"UPDATE records SET priority = 2, due_utc_ms = {NOW - 10} WHERE record_id = 5")
        await database.ask(f"UPDATE records SET priority = 2, due_utc_ms = {NOW + 10} WHERE record_id = 2")
        await database.ask(f"UPDATE records SET priority = 1, due_utc_ms = {NOW - 50} WHERE record_id = 6")
        await database.ask(f"UPDATE records SET priority = 1, due_utc_ms = {NOW - 60} WHERE record_id = 4")
        assert ids(await claim(store, 2)) == [[5], [4]]
        assert ids(await claim(store)) == [[6], [1], [3]]


async def test_what_waits_longer_goes_first_and_list_order_decides_the_rest(database):
    async with opened(database) as store:
        await add_singles(store, 4)
        records = [chain.records[0] for chain in (await claim(store)).chains]
        waits = {1: 900, 2: 300, 3: 900, 4: 100}
        await write(
            store,
            *(settled(r.record_id, r, RETRY_IN, not_before=NOW + waits[r.record_id]) for r in reversed(records)),
        )
        assert ids(await claim(store, utc_ms=NOW + 1_000)) == [[4], [2], [1], [3]]


async def test_many_that_wait_do_not_hide_those_that_are_new(database):
    async with opened(database) as store:
        await add_singles(store, 50)
        await database.ask(f"UPDATE records SET priority = 1, due_utc_ms = {NOW + 1} WHERE record_id <= 40")
        claimed = await claim(store, 20)
        assert ids(claimed) == [[record_id] for record_id in range(41, 51)]
        assert (claimed.exhausted, claimed.next_due_utc_ms) == (True, NOW + 1)


async def test_lists_take_turns_by_weight(database):
    async with opened(database) as store:
        await add_singles(store, 100, 1, first=1)
        await add_singles(store, 100, 2, first=1_001)
        claimed = await claim(store, 40, lists=((1, 30), (2, 10)))
        lists = [chain.records[0].list_id for chain in claimed.chains]
        assert Counter(lists) == {1: 30, 2: 10}
        assert all(2 in lists[place : place + 4] for place in range(0, 40, 4))  # mixed, not one list after the other
        of_one = [record_id for [record_id] in ids(claimed) if record_id <= 100]
        assert of_one == list(range(1, 31))


async def test_small_claims_are_fair_to_light_lists(database):
    async with opened(database) as store:
        await add_singles(store, 20, 1, first=1)
        await add_singles(store, 20, 2, first=1_001)
        lists = [(await claim(store, 1, lists=((1, 3), (2, 1)))).chains[0].records[0].list_id for _ in range(12)]
        assert Counter(lists) == {1: 9, 2: 3}


async def test_a_list_that_runs_dry_leaves_its_turns_to_the_others(database):
    async with opened(database) as store:
        await add_singles(store, 3, 1, first=1)
        await add_singles(store, 50, 2, first=1_001)
        claimed = await claim(store, 20, lists=((1, 10), (2, 10), (3, 10)))
        assert Counter(chain.records[0].list_id for chain in claimed.chains) == {1: 3, 2: 17}
        assert (claimed.exhausted, claimed.next_due_utc_ms) == (False, None)


async def test_lists_that_nobody_has_filled_give_nothing(database):
    async with opened(database) as store:
        claimed = await claim(store, lists=((8, 1), (9, 1)))
        assert (claimed.chains, claimed.exhausted, claimed.next_due_utc_ms) == ((), True, None)


async def test_a_claim_that_takes_the_last_one_says_so(database):
    async with opened(database) as store:
        await add_singles(store, 4)
        assert not (await claim(store, 3)).exhausted
        assert (await claim(store, 1)).exhausted


async def test_what_is_due_next_is_the_earliest_of_all_lists(database):
    async with opened(database) as store:
        await add_singles(store, 1, 1, first=1)
        await add_singles(store, 1, 2, first=1_001)
        both = ((1, 1), (2, 1))
        one, two = (chain.records[0] for chain in (await claim(store, lists=both)).chains)
        await write(store, settled(1, one, RETRY_IN, not_before=NOW + 900), returned(two, NOW + 300))
        assert (await claim(store, lists=both)).next_due_utc_ms == NOW + 300
        assert (await claim(store, lists=((1, 1),))).next_due_utc_ms == NOW + 900


async def test_a_chain_comes_whole_and_in_chain_order(database):
    async with opened(database) as store:
        await add(store, listed(3, chain=(7, 0)), listed(1, chain=(7, 2)), listed(2, chain=(7, 1)), listed(4))
        assert sorted(ids(await claim(store))) == [[3, 2, 1], [4]]
        assert ids(await claim(store)) == []


async def test_chains_of_two_lists_may_have_one_number(database):
    async with opened(database) as store:
        await add(store, listed(1, chain=(7, 0)), listed(2, chain=(7, 1)))
        await add(store, listed(1_001, 2, chain=(7, 0)), listed(1_002, 2, chain=(7, 1)))
        assert ids(await claim(store, lists=((1, 1), (2, 1)))) == [[1, 2], [1_001, 1_002]]


async def test_many_chains_at_once(database):
    async with opened(database) as store:
        await add(store, *(listed(1 + 3 * n + k, chain=(n + 1, k)) for n in range(300) for k in range(3)))
        claimed = await claim(store, 250)
        assert ids(claimed) == [[1 + 3 * n, 2 + 3 * n, 3 + 3 * n] for n in range(250)]
        assert len((await claim(store, 250)).chains) == 50


async def test_credit_of_a_chain_counts_once_however_long_it_is(database):
    async with opened(database) as store:
        await add_chain(store, 5)
        await add_singles(store, 5, 2, first=1_001)
        assert ids(await claim(store, 2, lists=((1, 1), (2, 1)))) == [[1, 2, 3, 4, 5], [1_001]]
