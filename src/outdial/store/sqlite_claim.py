"""Claiming chains in SQLite, inside a transaction that the caller has begun.

The heads that are due come from the index `ix_records_due`, one priority after the other, so that a claim touches what
it takes and nothing else, however many records wait.
"""

import sqlite3

from outdial.core.units import ListId
from outdial.sim.lists import RecordStatus
from outdial.store.interface import Claimed, ClaimRequest
from outdial.store.rows import PRIORITIES, RECORD_COLUMNS, Row, chains_of, entries_in, with_rest
from outdial.store.sqlite_do_not_call import look_up
from outdial.store.turns import Claim, Credit

_RECORD = f"SELECT {', '.join(RECORD_COLUMNS)} FROM records"
_DUE = f"{_RECORD} WHERE list_id = ? AND priority = ? AND due_utc_ms <= ? ORDER BY due_utc_ms, record_id LIMIT ?"
_CLAIM = f"UPDATE records SET status = {RecordStatus.RETRIEVED}, due_utc_ms = NULL, claim_epoch = ? WHERE record_id = ?"
_REST = (
    f"{_RECORD} WHERE list_id = ? AND chain_id = ? AND likely(chain_id > 0) AND status = {RecordStatus.READY} "
    "AND (chain_n, record_id) > (?, ?)"
)
_RETRIEVE = f"UPDATE records SET status = {RecordStatus.RETRIEVED} WHERE record_id = ?"
_IS_DUE = "SELECT 1 FROM records WHERE list_id = ? AND priority = ? AND due_utc_ms <= ? LIMIT 1"
_NEXT_DUE = "SELECT min(due_utc_ms) FROM records WHERE list_id = ? AND priority = ? AND due_utc_ms IS NOT NULL"


def claim(connection: sqlite3.Connection, epoch: int, credit: Credit, request: ClaimRequest) -> Claimed:
    """Claim due chains for an epoch; `credit` is changed, so give a copy that is kept after the commit.

    Raises:
        StoreError: a record has a time zone that does not exist.
    """
    turns: Claim[Row] = Claim(credit, request.lists, request.chains_max)
    while asked := turns.asked():
        for list_id, count in asked.items():
            turns.gave(list_id, _take(connection, epoch, list_id, request.utc_ms, count))
    heads = turns.in_turn()
    rows = with_rest(heads, _take_rest(connection, heads))
    chains = chains_of(rows, look_up(connection, entries_in(rows), request.do_not_call_lists, request.utc_ms))
    if any(_is_due(connection, list_id, request.utc_ms) for list_id, _ in turns.open_lists):
        return Claimed(chains, False, None)
    waits = [_next_due_utc_ms(connection, list_id) for list_id, _ in request.lists]
    return Claimed(chains, True, min((wait for wait in waits if wait is not None), default=None))


def _take(connection: sqlite3.Connection, epoch: int, list_id: ListId, utc_ms: int, count: int) -> list[Row]:
    """Claim the next due heads of one list."""
    heads: list[Row] = []
    for priority in PRIORITIES:
        heads += connection.execute(_DUE, (list_id, priority, utc_ms, count - len(heads)))
        if len(heads) == count:
            break
    connection.executemany(_CLAIM, [(epoch, head[0]) for head in heads])
    return heads


def _take_rest(connection: sqlite3.Connection, heads: list[Row]) -> list[Row]:
    """Claim the records that follow these heads in their chains."""
    rest: list[Row] = []
    for head in heads:
        if head[3]:
            rest += connection.execute(_REST, (head[1], head[3], head[4], head[0]))
    connection.executemany(_RETRIEVE, [(row[0],) for row in rest])
    return rest


def _is_due(connection: sqlite3.Connection, list_id: ListId, utc_ms: int) -> bool:
    return any(connection.execute(_IS_DUE, (list_id, priority, utc_ms)).fetchone() for priority in PRIORITIES)


def _next_due_utc_ms(connection: sqlite3.Connection, list_id: ListId) -> int | None:
    found = [connection.execute(_NEXT_DUE, (list_id, priority)).fetchone()[0] for priority in PRIORITIES]
    return min((due_utc_ms for due_utc_ms in found if due_utc_ms is not None), default=None)
