"""Filters and orders: the database means what Python means, and a claim is as safe with them as without."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.calling_lists import ListedRecord
from outdial.core.commands import Disposition
from outdial.core.records import RecordType
from outdial.core.settings import TreatmentAction
from outdial.selection.judging import is_meant, ordered
from outdial.selection.parsing import parse_filter, parse_order
from outdial.selection.terms import (
    KNOWN,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Empty,
    Kind,
    Like,
    Not,
    Operator,
    OrderKey,
    Selection,
)
from outdial.store import fronts, windows
from store.contract.story import (
    NOW,
    RETRY_IN,
    add,
    add_chain,
    claim,
    claim_one,
    ids,
    listed,
    opened,
    returned,
    settled,
    write,
)

A, B = Column("a", Kind.CUSTOM), Column("b c", Kind.CUSTOM)
COLUMNS = [A, B, KNOWN["attempts"], KNOWN["number"], KNOWN["agent_id"], KNOWN["zone"], KNOWN["record_id"]]
WORDS = st.text(st.sampled_from("aAbz019.+-_%*?[]\\^ äß"), max_size=5)
NUMBERS = st.sampled_from([0.0, -1.0, 1.0, 5.5, 100.25, 1e14, -0.5])
LIKE_NUMBERS = st.sampled_from(
    ["0", "1", "-1", "+5.5", "5.50", "100.25", "1.", ".5", "1e3", "00012", "1.2.3", "9" * 16]
)
TEXTS = st.one_of(WORDS, LIKE_NUMBERS)
TEXT_COLUMNS = st.sampled_from([column for column in COLUMNS if column.kind in (Kind.CUSTOM, Kind.TEXT)])
NUMBER_COLUMNS = st.sampled_from([column for column in COLUMNS if column.kind in (Kind.CUSTOM, Kind.WHOLE)])
OPERATORS = st.sampled_from(Operator)
TERMS = st.recursive(
    st.one_of(
        st.builds(Compare, TEXT_COLUMNS, OPERATORS, TEXTS),
        st.builds(Compare, NUMBER_COLUMNS, OPERATORS, NUMBERS),
        st.builds(Like, TEXT_COLUMNS, WORDS),
        st.builds(Empty, st.sampled_from(COLUMNS)),
    ),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(AllOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)
ORDERS = st.lists(st.builds(OrderKey, st.sampled_from(COLUMNS), st.booleans()), max_size=3).map(tuple)
ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b c"]), TEXTS), min_size=1, max_size=8)


def selection(filter: str = "", *order: str) -> dict[int, Selection]:
    """What a campaign says of list 1."""
    return {1: Selection(parse_filter(filter) if filter else None, tuple(map(parse_order, order)))}


def test_the_database_means_what_python_means(database):
    with asyncio.Runner() as runner:
        store = database.store()
        runner.run(store.open("one", NOW, 1))
        numbers = itertools.count(1, 100)

        @settings(
            max_examples=150 if hasattr(database, "path") else 60,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(rows=ROWS, term=st.none() | TERMS, order=ORDERS)
        def agree(rows: list[dict[str, str]], term: Any, order: Any) -> None:
            runner.run(database.ask("DELETE FROM records"))
            first = next(numbers)
            zones = ["", "Europe/Riga"]
            records = [listed(first + n, zone=zones[n % 2], custom=tuple(row.items())) for n, row in enumerate(rows)]
            runner.run(add(store, *records))
            values = {
                one.record.record_id: {
                    **dict(one.custom),
                    "record_id": one.record.record_id,
                    "number": one.record.number,
                    "attempts": 0,
                    "agent_id": None,
                    "zone": one.record.zone and one.record.zone.name,
                }
                for one in records
            }
            meant = [record_id for record_id, known in values.items() if term is None or is_meant(term, known)]
            expected = ordered(meant, order, lambda record_id: values[record_id])
            found = runner.run(claim(store, selections={1: Selection(term, order)}))
            assert [record_id for [record_id] in ids(found)] == expected

        agree()
        runner.run(store.close())


async def test_what_a_filter_leaves_out_waits_and_nobody_asks_for_it_in_vain(database):
    async with opened(database) as store:
        await add(store, *(listed(n, custom=(("state", "TX" if n % 2 else "FL"),)) for n in range(1, 7)))
        texas = selection('state = "TX"')
        first = await claim(store, 2, selections=texas)
        assert (ids(first), first.exhausted) == ([[1], [3]], False)
        last = await claim(store, 2, selections=texas)
        assert (ids(last), last.exhausted, last.next_due_utc_ms) == ([[5]], True, None)
        await write(store, settled(1, last.chains[0].records[0], RETRY_IN, not_before=NOW + 5_000))
        assert (await claim(store, selections=texas)).next_due_utc_ms == NOW + 5_000
        assert ids(await claim(store)) == [[2], [4], [6]]


async def test_order_counts_within_a_priority(database):
    async with opened(database) as store:
        await add(
            store, *(listed(n, custom=(("balance", text),)) for n, text in enumerate(["9", "100", "x", "", "20"], 1))
        )
        [record] = await claim_one(store)
        await write(store, settled(1, record, RETRY_IN))
        assert ids(await claim(store, selections=selection("", "balance desc"))) == [[1], [2], [5], [3], [4]]


async def test_a_filter_looks_at_the_record_that_is_tried_next(database):
    async with opened(database) as store:
        await add_chain(store, 2)
        assert ids(await claim(store, selections=selection("chain_n > 0"))) == []
        assert ids(await claim(store, selections=selection("chain_n = 0"))) == [[1, 2]]


async def test_a_promised_callback_passes_every_filter(database):
    async with opened(database) as store:
        await add(store, listed(1))
        [record] = await claim_one(store)
        promise = Disposition(TreatmentAction.RESCHEDULE, NOW, group_id=1, record_type=RecordType.CAMPAIGN_CALLBACK)
        await write(store, replace(settled(1, record), disposition=promise))
        assert ids(await claim(store, selections=selection("attempts < 1"))) == [[1]]


async def test_two_servers_share_a_filtered_list(database):
    if hasattr(database, "path"):
        pytest.skip("one process has the file")
    async with opened(database) as store, opened(database, "two") as other:
        await add(store, *(listed(n, custom=(("n", str(n)),)) for n in range(1, 101)))
        even = selection("n > 50", "n desc")
        found = await asyncio.gather(*(claim(each, 10, selections=even) for each in [store, other] * 3))
        numbers = [record_id for claimed in found for [record_id] in ids(claimed)]
        assert len(numbers) == len(set(numbers)) and set(numbers) <= set(range(51, 101))
        for claimed in found[::2]:
            await write(store, *(returned(chain.records[0]) for chain in claimed.chains))


# --- windows -----------------------------------------------------------------------------------------------------

HEAD, ROWS_AT_ONCE = 3, 4


@pytest.fixture
def narrow(monkeypatch):
    """Claims with a filter look at few records each."""
    monkeypatch.setattr(windows, "HEAD_ROWS", HEAD)
    monkeypatch.setattr(windows, "ROWS", ROWS_AT_ONCE)


def marked(record_id: int, text: str) -> ListedRecord:
    return listed(record_id, custom=(("a", text),))


async def test_a_claim_looks_at_a_part_of_what_a_filter_leaves_out_and_goes_on_there(database, narrow):
    """Three at the head, then 4 to 7, 8 to 11, 12 to 14: the last window is not full, so the round is over."""
    async with opened(database) as store:
        await add(store, *(marked(n, "y" if n == 13 else "n") for n in range(1, 15)))
        wanted = selection('a = "y"')
        for _ in range(2):
            found = await claim(store, 5, selections=wanted)
            assert (found.chains, found.exhausted, found.next_due_utc_ms) == ((), True, NOW), "to be asked again soon"
        assert ids(await claim(store, 5, selections=wanted)) == [[13]]
        for _ in range(2):
            assert (await claim(store, 5, selections=wanted)).next_due_utc_ms == NOW
        over = await claim(store, 5, selections=wanted)
        assert (over.chains, over.exhausted, over.next_due_utc_ms) == ((), True, None)


async def test_what_comes_to_the_head_is_found_at_once_and_the_rest_in_the_next_round(database, narrow):
    async with opened(database) as store:
        await add(store, *(marked(n, "n") for n in range(1, 21)))
        wanted = selection('a = "y"')
        await claim(store, 5, selections=wanted)
        await claim(store, 5, selections=wanted)
        await database.ask('UPDATE records SET custom = \'{"a":"y"}\' WHERE record_id IN (2, 5, 19)')
        assert ids(await claim(store, 5, selections=wanted)) == [[2]]
        rounds = [ids(await claim(store, 5, selections=wanted)) for _ in range(2 * 20 // ROWS_AT_ONCE)]
        assert sorted(record_id for found in rounds for [record_id] in found) == [5, 19]


async def test_who_finds_enough_does_not_go_past_the_rest(database, narrow):
    async with opened(database) as store:
        await add(store, *(marked(n, "y" if n > 4 else "n") for n in range(1, 21)))
        wanted = selection('a = "y"')
        found = []
        while len(found) < 16:
            claimed = await claim(store, 2, selections=wanted)
            assert len(claimed.chains) == 2 and not claimed.exhausted
            found += ids(claimed)
        assert found == [[n] for n in range(5, 21)]


# --- fronts ------------------------------------------------------------------------------------------------------


async def claim_in_steps(store: Any, count: int, selections: Any, **rest: Any) -> tuple[Any, int]:
    """Claim until something comes. Returns that, and how many claims it took."""
    for number in range(1, 50):
        found = await claim(store, count, selections=selections, **rest)
        if found.chains or found.exhausted:
            return found, number
    raise AssertionError("nothing comes")


async def test_an_order_looks_at_everything_a_window_at_a_time(database, narrow):
    async with opened(database) as store:
        await add(store, *(marked(n, "y" if n == 30 else "n") for n in range(1, 31)))
        wanted = selection('a = "y"', "attempts")
        found, claims = await claim_in_steps(store, 5, wanted)
        assert (ids(found), claims) == ([[30]], 30 // ROWS_AT_ONCE + 1)
        assert (await claim_in_steps(store, 5, wanted))[0].exhausted


async def test_an_order_over_many_windows_is_that_of_the_whole_list(database, narrow):
    keys = [str(n * 7 % 31) for n in range(1, 31)]
    async with opened(database) as store:
        await add(store, *(marked(n, key) for n, key in enumerate(keys, 1)))
        found: list[list[int]] = []
        while len(found) < 30:
            found += ids((await claim_in_steps(store, 4, selection("", "a desc")))[0])
        assert found == [[n] for n in sorted(range(1, 31), key=lambda n: -int(keys[n - 1]))]


async def test_several_lists_with_orders_are_looked_at_one_after_the_other(database, narrow):
    async with opened(database) as store:
        for list_id, first in ((1, 1), (2, 101), (3, 201)):
            await add(store, *(listed(first + n, list_id, custom=(("a", str(-n)),)) for n in range(6)))
        ordered_lists = selection("", "a")
        wanted = {1: ordered_lists[1], 2: ordered_lists[1]}
        lists = ((1, 10), (2, 10), (3, 10))
        found, claims = await claim_in_steps(store, 6, wanted, lists=lists)
        assert (ids(found), claims) == ([[6], [106], [201], [5], [105], [202]], 4)


async def test_what_is_no_longer_due_at_the_end_of_the_look_is_left_out(database, narrow):
    async with opened(database) as store:
        await add(store, *(marked(n, str(n)) for n in range(1, 15)))
        wanted = selection("a < 20", "a")
        assert (await claim(store, 2, selections=wanted)).chains == ()
        await database.ask(f"UPDATE records SET due_utc_ms = {NOW + 1} WHERE record_id = 1")
        await database.ask("UPDATE records SET group_id = 7 WHERE record_id = 2")
        await database.ask('UPDATE records SET custom = \'{"a":"99"}\' WHERE record_id = 3')
        assert ids((await claim_in_steps(store, 2, wanted))[0]) == [[4]], "of a front of four"
        assert ids((await claim_in_steps(store, 2, wanted))[0]) == [[5], [6]]


async def test_a_record_that_moves_behind_the_look_is_claimed_once(database, narrow):
    async with opened(database) as store:
        await add(store, *(marked(n, str(n)) for n in range(1, 15)))
        assert (await claim(store, 3, selections=selection("", "a"))).chains == ()
        await database.ask(f"UPDATE records SET due_utc_ms = {NOW - 1} WHERE record_id = 1")
        assert ids((await claim_in_steps(store, 3, selection("", "a")))[0]) == [[1], [2], [3]]


async def test_another_wish_and_a_long_pause_begin_anew(database, narrow):
    async with opened(database) as store:
        await add(store, *(marked(n, str(n)) for n in range(1, 15)))
        for _ in range(3):
            assert (await claim(store, 1, selections=selection("", "a"))).chains == ()
        found, claims = await claim_in_steps(store, 1, selection("", "a desc"))
        assert (ids(found), claims) == ([[14]], 4)
        for _ in range(3):
            assert (await claim(store, 1, selections=selection("", "a"))).chains == ()
        found, claims = await claim_in_steps(store, 1, selection("", "a"), utc_ms=NOW + fronts.AGE_MS_MAX + 1)
        assert (ids(found), claims) == ([[1]], 4)


async def test_what_others_have_taken_out_of_a_front_is_looked_for_again(database, narrow):
    if hasattr(database, "path"):
        pytest.skip("one process has the file")
    async with opened(database) as store, opened(database, "two") as other:
        await add(store, *(marked(n, str(n)) for n in range(1, 15)))
        for _ in range(3):
            assert (await claim(store, 2, selections=selection("", "a"))).chains == ()
        assert len((await claim(other, 4)).chains) == 4
        nothing = await claim(store, 2, selections=selection("", "a"))
        assert (nothing.chains, nothing.exhausted, nothing.next_due_utc_ms) == ((), True, NOW), "and again soon"
        assert ids((await claim_in_steps(store, 2, selection("", "a")))[0]) == [[5], [6]]


MOVES = st.lists(
    st.tuples(st.sampled_from(["claim", "claim", "return", "settle", "add", "mark"]), st.integers(0, 30)), max_size=30
)


class Life:
    """A list of which a filter lets few records pass, while things happen to it."""

    wanted = selection('a = "y"')

    def __init__(self, database: Any, store: Any, first: int) -> None:
        self._database, self._store, self._first = database, store, first
        self.held: list[Any] = []
        self.count = 0

    async def add(self, text: str) -> None:
        await add(self._store, marked(self._first + self.count, text))
        self.count += 1

    async def move(self, move: str, pick: int, number: int) -> None:
        if move == "claim":
            self.held += (await claim(self._store, 1 + pick % 3, selections=self.wanted)).chains
        elif move == "add":
            await self.add("yn"[pick % 2])
        elif move == "mark":
            text = 'UPDATE records SET custom = \'{"a":"y"}\' WHERE record_id = '
            await self._database.ask(f"{text}{self._first + pick}")
        elif self.held:
            record = self.held.pop(pick % len(self.held)).records[0]
            back = NOW - pick % 2 * 50
            again = settled(self._first + number, record, RETRY_IN, not_before=back)
            await write(self._store, again if move == "settle" else returned(record, back))

    async def meant(self) -> set[int]:
        rows = await self._database.ask("SELECT record_id, custom FROM records WHERE due_utc_ms IS NOT NULL")
        return {record_id for record_id, custom in rows if '"y"' in custom}

    async def found(self) -> set[int]:
        """What a round finds, with what was begun of the one before."""
        claims = 2 * (self.count // ROWS_AT_ONCE + 1) + 2
        each = [ids(await claim(self._store, 50, selections=self.wanted)) for _ in range(claims)]
        return {record_id for found in each for [record_id] in found}


def test_nothing_is_lost_whatever_happens_between_the_claims(database, narrow):
    """Records come, change, come back earlier and later: once that is over, all of them are found."""
    first = itertools.count(1, 1_000)
    with asyncio.Runner() as runner:
        store = database.store()
        runner.run(store.open("one", NOW, 1))

        async def live(moves: list[tuple[str, int]]) -> None:
            await database.ask("DELETE FROM records")
            life = Life(database, store, next(first))
            for n in range(20):
                await life.add("y" if n % 7 == 6 else "n")
            for number, (move, pick) in enumerate(moves):
                await life.move(move, pick, number)
            meant = await life.meant()
            assert await life.found() == meant

        @settings(
            max_examples=20 if hasattr(database, "path") else 15, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @given(MOVES)
        def lives(moves: list[tuple[str, int]]) -> None:
            runner.run(live(moves))

        lives()
        runner.run(store.close())


@pytest.mark.parametrize("hostile", ["'; DROP TABLE records; --", '" OR 1=1 --', "$1", "?", "%s", "x' OR 'a'='a"])
async def test_nothing_that_is_written_becomes_sql(database, hostile):
    async with opened(database) as store:
        await add(store, listed(1, custom=(("a", "b"),)))
        column = Column(hostile.replace('"', ""), Kind.CUSTOM)
        for term in (Compare(A, Operator.EQUAL, hostile), Compare(column, Operator.EQUAL, "b"), Like(A, hostile)):
            chosen = {1: Selection(term, (OrderKey(column),))}
            assert ids(await claim(store, selections=chosen)) == []
        assert ids(await claim(store)) == [[1]]
