"""Lists in memory and a database, side by side through the same random lives: they hand out and finish alike."""

import asyncio
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.core.commands import DisposeRecord, Disposition, FetchCallbacks, TreatRecord
from outdial.core.records import PRIORITIES, Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.sim.lists import Lists, StoredSource
from outdial.store.claims import CallbackRequest, ClaimRequest
from outdial.store.sqlite_file import connect
from store.contract.databases import SqliteDatabase
from store.contract.story import NOW, add, cancelled, listed, returned, settled

A = TreatmentAction
TYPES = (RecordType.CAMPAIGN_RESCHEDULED, RecordType.CAMPAIGN_CALLBACK, RecordType.PERSONAL_CALLBACK)


@st.composite
def dispositions(draw: Any) -> Disposition:
    """Any disposition of the core's; the next record of a chain is filled in later."""
    action = draw(st.sampled_from(A))
    due = NOW + draw(st.integers(0, 3)) * 1_000 if action.waits or action.has_date else 0
    if action is A.ASSIGN_TO_GROUP:
        return Disposition(action, 0, group_id=draw(st.integers(1, 2)))
    if action is not A.RESCHEDULE:
        return Disposition(action, due, history=((CallResult.BUSY, 1),))
    record_type = draw(st.sampled_from(TYPES))
    is_personal = record_type is RecordType.PERSONAL_CALLBACK
    group_id = draw(st.integers(1, 2)) if record_type.is_callback else None
    number = draw(st.sampled_from(["", "+15559999"])) if record_type.is_callback else ""
    return Disposition(action, due, None, (), group_id, record_type, 5 if is_personal else None, number)


OPERATIONS = ["claim"] * 2 + ["callbacks"] + ["settle"] * 3 + ["return", "cancel", "treat", "word"]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["claim", "claim", "callbacks", "settle", "settle", "settle", "return", "cancel", "treat", "word"]
        ),
        dispositions(),
        st.integers(0, 9),
        st.integers(1, 2),
        st.integers(0, 3),
    ),
    max_size=25,
)


class Both:
    """One list of five customers, twice."""

    def __init__(self, runner: asyncio.Runner, database: SqliteDatabase) -> None:
        self.runner = runner
        for table in ("records", "attempts", "open_attempts", "imports", "dispositions"):
            runner.run(database.ask(f"DELETE FROM {table}"))
        chains = [0, 1, 1, 1, 2, 2, 0]
        lines = [listed(n, chain=(chain, n if chain else 0)) for n, chain in enumerate(chains, 1)]
        self.memory = Lists([StoredSource(1, [line.record for line in lines])])
        self.store: Any = database.store()
        runner.run(self.store.open("one", NOW, 1))
        runner.run(add(self.store, *lines))
        self.held: list[tuple[Record, ...]] = []
        self.said: list[Any] = []
        self.calls = 0

    def step(self, what: str, disposition: Disposition, pick: int, group_id: int, seconds: int) -> None:
        """One step of both."""
        utc_ms = NOW + seconds * 1_000
        if what in ("claim", "callbacks"):
            self.claim(what, group_id, utc_ms)
        elif what == "word" and self.said:
            self.write(replace(self.said[pick % len(self.said)], disposition_n=self.next(), disposition=disposition))
        elif self.held:
            records = self.held.pop(pick % len(self.held))
            self.change(what, records, disposition)

    def next(self) -> int:
        self.calls += 1
        return self.calls

    def claim(self, what: str, group_id: int, utc_ms: int) -> None:
        if what == "claim":
            claimed = self.runner.run(self.store.claim(ClaimRequest(group_id, ((1, 1),), 2, utc_ms)))
            chains, exhausted, next_due = self.memory.claim(utc_ms, ((1, 1),), 2, group_id, PRIORITIES)
            assert (claimed.exhausted, claimed.next_due_utc_ms) == (exhausted, next_due)
        else:
            left = (utc_ms - 1_000, (2,)) if utc_ms % 2_000 else (0, ())
            claimed = self.runner.run(self.store.claim(CallbackRequest(group_id, (1,), (5,), 0, 2, utc_ms, *left)))
            chains, next_due = self.memory.claim_callbacks(utc_ms, FetchCallbacks(group_id, 1, 2, (1,), (5,), 0, *left))
            assert claimed.next_due_utc_ms == next_due
        assert claimed.chains == chains
        self.held += [chain.records for chain in chains]

    def change(self, what: str, records: tuple[Record, ...], disposition: Disposition) -> None:
        record = records[0]
        following = records[1].record_id if disposition.action.goes_on and len(records) > 1 else None
        disposition = replace(disposition, next_record_id=following)
        if what == "settle":
            call_id = self.next()
            self.write(replace(settled(call_id, record), disposition=disposition))
            attempt_n = record.attempts + 1
            result = CallResult.ANSWER
            self.said.append(DisposeRecord(0, call_id, 1, record.record_id, attempt_n, 5, result, disposition, "", NOW))
        elif what == "treat":
            self.write(TreatRecord(1, record.record_id, CallResult.AGENT_CALLBACK_ERROR, disposition))
        elif what == "cancel":
            self.write(cancelled(record))
            if len(records) > 1:
                self.held.append(records[1:])
        elif record.attempts:  # of records never tried, the order of coming back is the database's own
            self.write(returned(record, disposition.not_before_utc_ms))
        else:
            self.held.append(records)

    def write(self, change: Any) -> None:
        self.runner.run(self.store.write([change]))
        match change:
            case TreatRecord():
                self.memory.treat(change)
            case DisposeRecord():
                self.memory.dispose(change)
            case _ if hasattr(change, "call_id"):
                self.memory.settle(change)
            case _ if hasattr(change, "reason"):
                self.memory.put_back(1, change.record_id, change.not_before_utc_ms)
            case _:
                self.memory.cancel(1, change.record_id, change.call_result)

    def compare(self) -> None:
        """Every record has come to the same."""
        stored = self.runner.run(self.store.fates(1, 0, 100))
        assert sorted(self.memory.by_id[1].fates(), key=lambda fate: fate.record_id) == list(stored)
        assert self.memory.strays == []


def test_lists_in_memory_and_a_database_have_the_same_rules(tmp_path):
    database = SqliteDatabase(tmp_path / "outdial.sqlite")
    connect(database.path).close()
    with asyncio.Runner() as runner:

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @given(STEPS)
        def live(steps: Any) -> None:
            both = Both(runner, database)
            try:
                for step in steps:
                    both.step(*step)
                    both.compare()
            finally:
                runner.run(both.store.close())

        live()
