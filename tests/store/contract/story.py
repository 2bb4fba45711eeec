"""Words for stories about a store: records in lists, claims, attempts and what comes of them."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, NamedTuple

from outdial.calling_lists import ListedRecord
from outdial.config.zones import load_zone
from outdial.core.commands import CancelRecord, Disposition, ReturnRecord, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.records import PRIORITIES, Priority, Record
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.selection.terms import Selection
from outdial.sim.lists import RecordStatus
from outdial.store.claims import Claimed, ClaimRequest
from outdial.store.interface import AgentStateBegun, AttemptBegun, Change, Store
from outdial.store.stored import Import

NOW = 1_800_000_000_000
STALE_MS = 3_600_000
DONE, REDIAL = TreatmentAction.DONE, TreatmentAction.REDIAL
RETRY_IN, NEXT_IN_CHAIN = TreatmentAction.RETRY_IN, TreatmentAction.NEXT_IN_CHAIN
READY, RETRIEVED, UPDATED = RecordStatus.READY, RecordStatus.RETRIEVED, RecordStatus.UPDATED
CANCELLED, CHAIN_UPDATED = RecordStatus.CANCELLED, RecordStatus.CHAIN_UPDATED


# --- records -----------------------------------------------------------------------------------------------------


def listed(
    record_id: int,
    list_id: int = 1,
    *,
    chain: tuple[int, int] = (0, 0),
    hours: tuple[int | None, int | None] = (None, None),
    zone: str = "",
    custom: tuple[tuple[str, str], ...] = (),
) -> ListedRecord:
    """A line of a calling list."""
    rules = load_zone(zone) if zone else None
    return ListedRecord(Record(record_id, list_id, f"+1555{record_id:07}", *chain, *hours, rules), custom)


async def add(store: Store, *records: ListedRecord) -> None:
    """Import records; each list has been read to its end then."""
    for list_id, part in itertools.groupby(records, key=lambda one: one.record.list_id):
        of_list = list(part)
        await store.add_records(Import(list_id, "a.csv", "digest", len(of_list), len(of_list), NOW), of_list)


async def add_singles(store: Store, count: int, list_id: int = 1, first: int = 1) -> None:
    """Import records that are alone: first, first + 1, …"""
    await add(store, *(listed(record_id, list_id) for record_id in range(first, first + count)))


async def add_chain(store: Store, length: int, chain_id: int = 7, first: int = 1) -> None:
    """Import one customer of list 1."""
    await add(store, *(listed(first + n, chain=(chain_id, n)) for n in range(length)))


class State(NamedTuple):
    """What the table says about a record."""

    status: RecordStatus
    attempts: int
    call_result: CallResult
    priority: int
    due_utc_ms: int | None
    is_claimed: bool
    """Is the head of a claimed chain."""


async def states(database: Any) -> dict[int, State]:
    """Every record, by its number."""
    rows = await database.ask(
        "SELECT record_id, status, attempts, call_result, priority, due_utc_ms, claim_epoch FROM records"
    )
    return {
        row[0]: State(RecordStatus(row[1]), row[2], CallResult(row[3]), row[4], row[5], row[6] is not None)
        for row in rows
    }


# --- starts and claims -------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def opened(database: Any, server: str = "one", utc_ms: int = NOW, left: Iterable[Any] = ()) -> AsyncIterator[Any]:
    """A store that is open within the block. At its end it is gone, as after a crash: nothing is given back."""
    store = database.store()
    store.found = await store.open(server, utc_ms, STALE_MS, left)
    try:
        yield store
    finally:
        await store.close()


async def claim(
    store: Store,
    count: int = 100,
    utc_ms: int = NOW,
    lists: tuple[tuple[int, int], ...] = ((1, 10),),
    group_id: int = 1,
    priorities: tuple[Priority, ...] = PRIORITIES,
    selections: Mapping[int, Selection] | None = None,
) -> Claimed:
    """Claim chains for a group."""
    request = ClaimRequest(group_id, lists, count, utc_ms, priorities=priorities, selections=selections or {})
    return await store.claim(request)


async def claim_one(store: Store, utc_ms: int = NOW) -> tuple[Record, ...]:
    """Claim one chain, which must be there. Returns its records."""
    [chain] = (await claim(store, 1, utc_ms)).chains
    return chain.records


def ids(claimed: Claimed) -> list[list[int]]:
    """Numbers of the claimed records, chain by chain."""
    return [[record.record_id for record in chain.records] for chain in claimed.chains]


# --- changes -----------------------------------------------------------------------------------------------------


def begun(call_id: int, record: Record, utc_ms: int = NOW) -> AttemptBegun:
    """A call is about to be requested."""
    return AttemptBegun(call_id, 1, 101, record.list_id, record.record_id, record.number, record.attempts + 1, utc_ms)


def settled(
    call_id: int,
    record: Record,
    action: TreatmentAction = DONE,
    *,
    result: CallResult = CallResult.NO_ANSWER,
    not_before: int = 0,
    next_id: int | None = None,
    history: tuple[tuple[CallResult, int], ...] = (),
    agent_id: int | None = None,
    verdict: Verdict | None = None,
    **rest: Any,
) -> SettleAttempt:
    """A call is over. `rest` is for its disposition."""
    return SettleAttempt(
        call_id=call_id,
        group_id=1,
        node_id=101,
        list_id=record.list_id,
        record_id=record.record_id,
        number=record.number,
        mode=DialingMode.PREDICTIVE,
        call_result=result,
        fault=Fault.CALLEE,
        verdict=verdict,
        sip_status=486,
        q850_cause=None,
        agent_id=agent_id,
        attempt_n=record.attempts + 1,
        dialed_utc_ms=NOW,
        ring_ms=11_000,
        wait_ms=120,
        talk_ms=0,
        disposition=Disposition(action, not_before, next_id, history, **rest),
    )


def returned(record: Record, not_before: int = 0) -> ReturnRecord:
    """A record comes back undialed, with the rest of its chain."""
    return ReturnRecord(record.list_id, record.record_id, not_before, "a reason")


def cancelled(record: Record, result: CallResult = CallResult.DO_NOT_CALL) -> CancelRecord:
    """A record is finished undialed."""
    return CancelRecord(record.list_id, record.record_id, result)


def agent(
    change_n: int, agent_id: int, state: str, utc_ms: int, reason: str = "", group_id: int | None = None
) -> Change:
    """An agent does something else from now on."""
    return AgentStateBegun(change_n, agent_id, state, reason, group_id, utc_ms)


async def agent_states(database: Any) -> list[tuple[Any, ...]]:
    """What agents did, by start and change. Shape: (change, agent, state, from, until), times after `NOW`."""
    rows = await database.ask(
        "SELECT change_n, agent_id, state, from_utc_ms, until_utc_ms FROM agent_states ORDER BY epoch, change_n"
    )
    return [(*row[:3], row[3] - NOW, None if row[4] is None else row[4] - NOW) for row in rows]


async def write(store: Store, *changes: Change) -> None:
    """Make changes in one transaction."""
    await store.write(changes)
