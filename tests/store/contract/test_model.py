"""A store against a plain model of it, through random lives with crashes: nothing is lost, nothing happens twice."""

import asyncio
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from sqlite3 import IntegrityError
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from outdial.core.records import PRIORITIES, Priority, Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.sim.lists import RecordStatus
from outdial.store import sqlite_write
from outdial.store.claims import ClaimRequest
from outdial.store.do_not_call import Addition
from outdial.store.fates import Fates
from outdial.store.ledger_rows import ledger_values
from outdial.store.single_records import Cancelling
from store.contract.databases import SqliteDatabase
from store.contract.story import (
    CANCELLED,
    CHAIN_UPDATED,
    NOW,
    READY,
    RETRIEVED,
    STALE_MS,
    UPDATED,
    State,
    add,
    agent,
    begun,
    cancelled,
    listed,
    returned,
    settled,
    states,
)

AGENT_ERROR = RecordStatus.AGENT_ERROR
ON = [action for action in TreatmentAction if action.goes_on]
AGAIN = [action for action in TreatmentAction if not (action.goes_on or action.is_final)]
FINAL = [action for action in TreatmentAction if action.is_final]
ACTIONS = st.sampled_from(TreatmentAction) | st.sampled_from(FINAL)
"""More of those that end a chain than chance would choose."""
ORDERS = st.sampled_from([PRIORITIES, PRIORITIES[::-1]])
FOREVER = NOW * 2
RECORD_IDS = st.integers(1_001, 1_012) | st.integers(2_001, 2_005)
TABLES = (
    *("records", "attempts", "open_attempts", "evidence", "servers", "imports"),
    *("agent_states", "do_not_call", "abandonment", "dispositions"),
)
STRAYS = 900
"""Calls from this one on are nobody's."""
WAITS = st.integers(0, 3).map(lambda minutes: minutes * 60_000)


@dataclass
class Known:
    """What the model knows about a record."""

    record_id: int
    list_id: int
    chain_id: int
    status: int = READY
    attempts: int = 0
    result: CallResult = CallResult.UNKNOWN
    priority: int = 0
    due: int | None = None
    is_claimed: bool = False
    is_unwanted: bool = False
    record_type: RecordType = RecordType.GENERAL
    group_id: int = 0

    def again(self) -> None:
        """It has been tried."""
        self.priority = {3: Priority.RESCHEDULED, 6: Priority.CALLBACK}.get(self.record_type, Priority.CAME_BACK)


@dataclass
class Held:
    """A chain that the dialer has: the records still to be tried, and the call that is up."""

    records: list[Record]
    call_id: int | None = None


@dataclass
class Model:
    """All records, as they should be."""

    records: dict[int, Known] = field(default_factory=dict)
    attempts: dict[tuple[int, int], CallResult] = field(default_factory=dict)
    open_attempts: set[tuple[int, int]] = field(default_factory=set)
    numbers: dict[tuple[int, int], str] = field(default_factory=dict)
    """Number of each attempt."""
    forbidden: set[int] = field(default_factory=set)
    """Records whose numbers are on a do-not-call list."""
    not_told: set[int] = field(default_factory=set)
    """Those of them that came onto it since the last look."""
    dialed: dict[tuple[int, int], int] = field(default_factory=dict)
    agents: dict[tuple[int, int], list[Any]] = field(default_factory=dict)
    """Shape: {(epoch, change): [agent, state, from, until]}."""

    def end_agent(self, epoch: int, agent_id: int, utc_ms: int) -> None:
        for (of, _), row in self.agents.items():
            if of == epoch and row[0] == agent_id and row[3] is None:
                row[3] = utc_ms

    def end_agents(self, epoch: int) -> None:
        """A start has crashed: what agents did ended with its last sign of life."""
        signs = [row[2] for (of, _), row in sorted(self.agents.items()) if of == epoch][-1:]
        signs += [self.dialed[key] for key in sorted(self.attempts) if key[0] == epoch][-1:]
        for (of, _), row in self.agents.items():
            if of == epoch and row[3] is None:
                row[3] = max(signs)

    def chain(self, known: Known) -> list[Known]:
        """Records of the same customer, in chain order (which is that of their numbers here)."""
        if not known.chain_id:
            return [known]
        return [r for r in self.records.values() if (r.list_id, r.chain_id) == (known.list_id, known.chain_id)]

    def due(self, list_id: int, utc_ms: int, group_id: int, order: tuple[Priority, ...]) -> list[Known]:
        """Heads that may be claimed, in the order in which they must come."""
        heads = [r for r in self.records.values() if r.list_id == list_id and r.due is not None and r.due <= utc_ms]
        heads = [r for r in heads if r.group_id in (0, group_id)]
        return sorted(heads, key=lambda r: (order.index(Priority(r.priority)), -r.group_id, r.due, r.record_id))

    def end_claim(self, known: Known) -> None:
        for record in self.chain(known):
            record.is_claimed = False

    def wait_again(self, record_id: int, due: int) -> None:
        known = self.records[record_id]
        self.end_claim(known)
        for record in self.chain(known):
            if record.status == RETRIEVED:
                record.status = READY
                if record.is_unwanted:
                    record.status, record.result = CANCELLED, CallResult.CANCEL_RECORD
        self.wait_from(known, due)

    def wait_from(self, known: Known, due: int) -> None:
        """The next record of a chain that is ready waits, from this one on."""
        for record in self.chain(known):
            if record.status == READY and record.record_id >= known.record_id:
                record.due = due
                if record.priority == Priority.NEW != known.priority:
                    record.again()
                return

    def unwanted(self, known: Known) -> Cancelling:
        """Somebody cancels a record, whoever has it."""
        if known.status == RETRIEVED:
            known.is_unwanted = True
            return Cancelling.CLAIMED
        if known.status != READY:
            return Cancelling.OVER
        known.status, known.result = CANCELLED, CallResult.CANCEL_RECORD
        due, known.due = known.due, None
        if due is not None:
            self.wait_from(known, due)
        return Cancelling.DONE

    def settle(self, held: Held, action: Any, not_before: int, result: CallResult, group_id: int) -> None:
        known = self.records[held.records[0].record_id]
        known.attempts += 1
        known.result = result
        if action in AGAIN:
            if action is TreatmentAction.RESCHEDULE:
                known.record_type = RecordType.CAMPAIGN_RESCHEDULED
            if action is TreatmentAction.ASSIGN_TO_GROUP:
                known.group_id = group_id
            known.again()
            self.wait_again(known.record_id, not_before)
            return
        known.status = AGENT_ERROR if action is TreatmentAction.MARK_AGENT_ERROR else UPDATED
        if action in ON and len(held.records) > 1:
            following = self.records[held.records[1].record_id]
            following.group_id = known.group_id
            following.again()
            self.wait_again(following.record_id, not_before)
            return
        self.end_claim(known)
        for record in self.chain(known):
            if record.status == RETRIEVED:
                record.status = CHAIN_UPDATED
                if action is TreatmentAction.MARK_CHAIN:
                    record.status, record.result = UPDATED, result

    def cancel(self, held: Held, place: int) -> None:
        known = self.records[held.records[place].record_id]
        known.status, known.result = CANCELLED, CallResult.DO_NOT_CALL
        if place == 0:
            known.is_claimed = False
            if len(held.records) > 1:
                self.records[held.records[1].record_id].is_claimed = True


class StoreLife(RuleBasedStateMachine):
    """One server's life with one database."""

    database: Any

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.model = Model()
        self.held: list[Held] = []
        self.now = NOW
        self.epoch = 0
        self.last_call = self.last_change = 0
        self.last_agents: list[Any] = []
        self.seen_seq = 0
        for table in TABLES:
            self.run(self.database.ask(f"DELETE FROM {table}"))
        self.store = self.database.store()

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    def teardown(self) -> None:
        self.run(self.store.close())
        self.runner.close()

    @initialize(
        singles=st.integers(0, 6),
        chains=st.lists(st.integers(1, 4), min_size=1, max_size=3),
        count=st.sampled_from([0, 2, 4, 8]),
    )
    def fill(self, singles: int, chains: list[int], count: int) -> None:
        """Two lists; in most lives some of it is claimed at once, so that calls and crashes come soon."""
        self.start([])
        for list_id in (1, 2):
            record_id = 1_000 * list_id
            lines = []
            for chain_id, length in enumerate([1] * singles + chains, 1):
                number = chain_id if chain_id > singles else 0
                for n in range(length):
                    record_id += 1
                    lines.append(listed(record_id, list_id, chain=(number, n if number else 0)))
                    due = 0 if n == 0 else None
                    self.model.records[record_id] = Known(record_id, list_id, number, due=due)
            self.run(add(self.store, *lines))
        if count:
            self.claim(count, ((1, 2), (2, 1)), 1, PRIORITIES, False)

    # --- claims --------------------------------------------------------------------------------------------------

    @rule(
        count=st.integers(1, 8),
        lists=st.sampled_from([((1, 1),), ((1, 2), (2, 1)), ((2, 5), (1, 5))]),
        group_id=st.integers(1, 2),
        order=ORDERS,
        with_facts=st.booleans(),
    )
    def claim(self, count: int, lists: Any, group_id: int, order: Any, with_facts: bool) -> None:
        request = ClaimRequest(group_id, lists, count, self.now, priorities=order, with_facts=with_facts)
        claimed = self.run(self.store.claim(request))
        calls = Counter(self.model.numbers.values())
        for record in (record for chain in claimed.chains for record in chain.records):
            assert (record.facts is not None) == with_facts
            assert record.facts is None or record.facts.total == calls[record.number]
        due = {list_id: self.model.due(list_id, self.now, group_id, order) for list_id, _ in lists}
        assert len(claimed.chains) == min(count, sum(map(len, due.values())))
        for list_id, heads in due.items():
            got = [chain.records[0].record_id for chain in claimed.chains if chain.records[0].list_id == list_id]
            assert got == [known.record_id for known in heads[: len(got)]]
        for chain in claimed.chains:
            head = self.model.records[chain.records[0].record_id]
            rest = [r for r in self.model.chain(head) if r.status == READY and r.record_id > head.record_id]
            assert [(r.record_id, r.attempts) for r in chain.records] == [
                (r.record_id, r.attempts) for r in [head, *rest]
            ]
            for record in chain.records:
                assert bool(record.do_not_call) == (record.record_id in self.model.forbidden)
            for known in [head, *rest]:
                known.status = RETRIEVED
            head.due, head.is_claimed = None, True
            self.held.append(Held(list(chain.records)))
        open_to = [r for r in self.model.records.values() if r.list_id in dict(lists) and r.group_id in (0, group_id)]
        left = [r.due for r in open_to if r.due is not None]
        assert claimed.exhausted == all(instant > self.now for instant in left)
        assert claimed.next_due_utc_ms == (min(left, default=None) if claimed.exhausted else None)

    @rule(minutes=st.integers(1, 4))
    def wait(self, minutes: int) -> None:
        self.now += minutes * 60_000

    # --- what others say -----------------------------------------------------------------------------------------

    @rule(record_id=RECORD_IDS)
    def somebody_cancels(self, record_id: int) -> None:
        known = self.model.records.get(record_id)
        expected = Cancelling.OVER if known is None else self.model.unwanted(known)
        assert self.run(self.store.cancel_record(record_id, self.now)) is expected

    @rule(record_id=RECORD_IDS)
    def somebody_forbids(self, record_id: int) -> None:
        number = listed(record_id).record.number.removeprefix("+")
        added = self.run(self.store.forbid(Addition("internal", "eve", self.now), [number]))
        assert added == (record_id not in self.model.forbidden)
        if added:
            self.model.forbidden.add(record_id)
            self.model.not_told.add(record_id)

    @rule(record_id=RECORD_IDS)
    def somebody_allows(self, record_id: int) -> None:
        number = listed(record_id).record.number.removeprefix("+")
        removed = self.run(self.store.allow(None, [number], "eve", self.now))
        assert removed == (record_id in self.model.forbidden)
        self.model.forbidden.discard(record_id)
        self.model.not_told.discard(record_id)

    @rule()
    def look(self) -> None:
        found = self.run(self.store.objections(self.seen_seq, self.now))
        claimed = {known.record_id for known in self.model.records.values() if known.status == RETRIEVED}
        assert {record_id for _, record_id, _ in found.forbidden} == claimed & self.model.not_told
        unwanted = {record_id for record_id in claimed if self.model.records[record_id].is_unwanted}
        assert {record_id for _, record_id in found.cancelled} == unwanted
        self.seen_seq = found.seq
        self.model.not_told.clear()

    # --- changes -------------------------------------------------------------------------------------------------

    def write(self, changes: list[Any], twice: bool) -> None:
        for _ in range(1 + twice):
            self.run(self.store.write(changes))

    def pick(self, data: Any, *, in_call: bool) -> Held:
        return data.draw(st.sampled_from([held for held in self.held if (held.call_id is not None) == in_call]))

    def has_idle(self) -> bool:
        return any(held.call_id is None for held in self.held)

    def has_call(self) -> bool:
        return any(held.call_id is not None for held in self.held)

    def begin(self, held: Held) -> Any:
        self.last_call += 1
        held.call_id = self.last_call
        self.model.open_attempts.add((self.epoch, held.call_id))
        self.model.dialed[self.epoch, held.call_id] = self.now
        return begun(held.call_id, held.records[0], self.now)

    def end(self, held: Held, action: Any, wait: int) -> Any:
        """The change that settles a call; the model has made it."""
        call_id = held.call_id
        assert call_id is not None
        not_before = self.now + wait if action.waits or action.has_date else 0
        next_id = held.records[1].record_id if action in ON and len(held.records) > 1 else None
        is_assigned = action is TreatmentAction.ASSIGN_TO_GROUP
        is_rescheduled = action is TreatmentAction.RESCHEDULE
        change = settled(
            call_id,
            held.records[0],
            action,
            not_before=not_before,
            next_id=next_id,
            group_id=1 + call_id % 2 if is_assigned else None,
            record_type=RecordType.CAMPAIGN_RESCHEDULED if is_rescheduled else None,
        )
        change = replace(change, person=call_id % 2 == 1, abandoned=call_id % 4 == 1)
        self.model.settle(held, action, not_before, change.call_result, 1 + call_id % 2)
        self.model.open_attempts.discard((self.epoch, call_id))
        self.model.attempts[self.epoch, call_id] = change.call_result
        self.model.dialed[self.epoch, call_id] = change.dialed_utc_ms
        self.model.numbers[self.epoch, call_id] = change.number
        self.held.remove(held)
        return change

    @precondition(has_idle)
    @rule(data=st.data(), twice=st.booleans())
    def dial(self, data: Any, twice: bool) -> None:
        self.write([self.begin(self.pick(data, in_call=False))], twice)

    @precondition(has_call)
    @rule(data=st.data(), action=ACTIONS, wait=WAITS, twice=st.booleans())
    def settle(self, data: Any, action: Any, wait: int, twice: bool) -> None:
        self.write([self.end(self.pick(data, in_call=True), action, wait)], twice)

    @precondition(has_idle)
    @rule(data=st.data(), action=ACTIONS, wait=WAITS)
    def call(self, data: Any, action: Any, wait: int) -> None:
        """From dialing to the result, which few lives would come to by single rules."""
        held = self.pick(data, in_call=False)
        self.write([self.begin(held)], False)
        self.write([self.end(held, action, wait)], False)

    @rule(data=st.data(), twice=st.booleans())
    def much_at_once(self, data: Any, twice: bool) -> None:
        """All that is held changes in one transaction, some of it more than once."""
        changes = []
        for held in list(self.held):
            what = data.draw(st.sampled_from(["nothing", "dial", "settle", "dial and settle", "return", "cancel"]))
            if held.call_id is None and what in ("dial", "dial and settle"):
                changes.append(self.begin(held))
            if held.call_id is not None and what in ("settle", "dial and settle"):
                changes.append(self.end(held, data.draw(ACTIONS), data.draw(WAITS)))
            elif held.call_id is None and what == "return":
                changes.append(self.back(held, data.draw(WAITS)))
            elif held.call_id is None and what == "cancel":
                changes.append(self.cancelled(held, 0))
        self.write(changes, twice)

    def back(self, held: Held, wait: int) -> Any:
        not_before = self.now + wait if wait else 0
        self.model.wait_again(held.records[0].record_id, not_before)
        self.held.remove(held)
        return returned(held.records[0], not_before)

    def cancelled(self, held: Held, place: int) -> Any:
        change = cancelled(held.records[place])
        self.model.cancel(held, place)
        del held.records[place]
        if not held.records:
            self.held.remove(held)
        return change

    @precondition(has_idle)
    @rule(data=st.data(), wait=WAITS, twice=st.booleans())
    def give_back(self, data: Any, wait: int, twice: bool) -> None:
        self.write([self.back(self.pick(data, in_call=False), wait)], twice)

    @precondition(has_idle)
    @rule(data=st.data(), twice=st.booleans())
    def cancel(self, data: Any, twice: bool) -> None:
        held = self.pick(data, in_call=False)
        self.write([self.cancelled(held, data.draw(st.integers(0, len(held.records) - 1)))], twice)

    @rule(record_id=st.sampled_from([1_001, 1_005, 2_002, 9_999]), call_id=st.integers(STRAYS, STRAYS + 3))
    def stray(self, record_id: int, call_id: int) -> None:
        """Changes to what nobody holds."""
        if any(record_id == record.record_id for held in self.held for record in held.records):
            return
        record = listed(record_id, record_id // 1_000).record
        self.write([returned(record), cancelled(record), settled(call_id, record)], False)
        self.model.attempts.setdefault((self.epoch, call_id), CallResult.NO_ANSWER)
        self.model.dialed[self.epoch, call_id] = NOW
        self.model.numbers.setdefault((self.epoch, call_id), record.number)

    # --- agents --------------------------------------------------------------------------------------------------

    @rule(
        what=st.lists(st.tuples(st.integers(7, 9), st.sampled_from(["logged out", "ready", "talking"])), max_size=4),
        twice=st.booleans(),
        with_the_last=st.booleans(),
    )
    def agents_change(self, what: Any, twice: bool, with_the_last: bool) -> None:
        """Some agents do something else; what was written last may be written once more with it."""
        changes = list(self.last_agents) if with_the_last else []
        for agent_id, state in what:
            self.last_change += 1
            changes.append(agent(self.last_change, agent_id, state, self.now))
            self.model.end_agent(self.epoch, agent_id, self.now)
            if state != "logged out":
                self.model.agents[self.epoch, self.last_change] = [agent_id, state, self.now, None]
        self.last_agents = changes
        self.write(changes, twice)

    # --- starts --------------------------------------------------------------------------------------------------

    def start(self, left: list[Any]) -> Any:
        opened = self.run(self.store.open("one", self.now, STALE_MS, left))
        assert opened.epoch > self.epoch
        self.epoch, self.last_call, self.last_change, self.last_agents = opened.epoch, 0, 0, []
        return opened

    @rule(data=st.data())
    def crash(self, data: Any) -> None:
        """The process is gone; what it could not write in its last moments comes with the next start."""
        self.run(self.store.close())
        left = [
            self.end(held, data.draw(ACTIONS), data.draw(WAITS))
            for held in list(self.held)
            if held.call_id is not None and data.draw(st.booleans())
        ]
        epoch = self.epoch
        found = self.start([(epoch, [change]) for change in left])
        stale = [held for held in self.held if held.call_id is not None]
        assert (found.returned, found.stale) == (len(self.held) - len(stale), len(stale))
        for held in self.held:
            known = self.model.records[held.records[0].record_id]
            if held.call_id is None:
                self.model.wait_again(known.record_id, 0)
                continue
            known.attempts += 1
            known.result = CallResult.STALE
            known.again()
            self.model.wait_again(known.record_id, self.now + STALE_MS)
            self.model.attempts[epoch, held.call_id] = CallResult.STALE
            self.model.numbers[epoch, held.call_id] = held.records[0].number
        self.held.clear()
        self.model.open_attempts.clear()
        self.model.end_agents(epoch)

    # --- what must hold ------------------------------------------------------------------------------------------

    @invariant()
    def the_database_is_as_the_model_says(self) -> None:
        if not self.epoch:
            return
        expected = {
            known.record_id: State(
                known.status, known.attempts, known.result, known.priority, known.due, known.is_claimed
            )
            for known in self.model.records.values()
        }
        assert self.run(states(self.database)) == expected
        rows = self.run(self.database.ask("SELECT epoch, call_id, call_result FROM attempts"))
        assert {(row[0], row[1]): row[2] for row in rows} == self.model.attempts
        seen = [call for (_, call), result in self.model.attempts.items() if result is not CallResult.STALE]
        seen = [call for call in seen if call < STRAYS]
        [counts] = self.run(self.database.ask("SELECT sum(persons), sum(lost) FROM abandonment"))
        persons, lost = sum(call % 2 == 1 for call in seen), sum(call % 4 == 1 for call in seen)
        assert (counts[0] or 0, counts[1] or 0) == (persons, lost)
        rows = self.run(self.database.ask("SELECT epoch, call_id FROM open_attempts"))
        assert set(map(tuple, rows)) == self.model.open_attempts
        rows = self.run(
            self.database.ask("SELECT epoch, change_n, agent_id, state, from_utc_ms, until_utc_ms FROM agent_states")
        )
        assert {(row[0], row[1]): list(row[2:]) for row in rows} == self.model.agents

    @invariant()
    def every_record_waits_or_is_held_or_is_finished(self) -> None:
        held = {record.record_id for chain in self.held for record in chain.records}
        waiting: set[int] = set()
        for known in self.model.records.values():
            if known.due is not None:
                waiting |= {r.record_id for r in self.model.chain(known) if r.status == READY}
        open_ones = {r.record_id for r in self.model.records.values() if r.status in (READY, RETRIEVED)}
        assert not held & waiting and held | waiting == open_ones


def live(database: Any, /, **choices: Any) -> None:
    """Lead lives with a database; `choices` are hypothesis's settings."""

    class Life(StoreLife):
        pass

    Life.database = database
    choices |= {"stateful_step_count": 30, "suppress_health_check": list(HealthCheck), "deadline": None}
    run_state_machine_as_test(Life, settings=settings(**choices))


@pytest.mark.slow
def test_a_store_is_as_a_plain_model_says(database):
    live(database, max_examples=25 if hasattr(database, "path") else 8)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method, planted",
    [
        ("_finish", lambda fates, records: None),
        ("_wait", lambda fates, records, priority, due_utc_ms: None),
        ("cancel", lambda fates, record_id: Cancelling.DONE),
        ("end_claims", lambda fates: 0),
        ("stale", lambda fates, record_id, dialed_utc_ms, not_before_utc_ms: None),
        ("_cancel", lambda fates, chain, head, record, call_result: None),
        ("ledger_values", lambda settled: ledger_values([*settled] * 2)),
    ],
)
def test_the_model_catches_a_planted_bug(sqlite_template, tmp_path, monkeypatch, method, planted):
    monkeypatch.setattr(sqlite_write if method == "ledger_values" else Fates, method, planted)
    path = Path(shutil.copy(sqlite_template, tmp_path / "outdial.sqlite"))
    with pytest.raises((AssertionError, IntegrityError)):
        live(
            SqliteDatabase(path),
            max_examples=400,  # the rarest takes 16 on average, 95 at most
            phases=[Phase.generate],
            report_multiple_bugs=False,
            derandomize=True,
            database=None,
        )
