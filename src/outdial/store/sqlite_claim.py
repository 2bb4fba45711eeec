"""Claiming chains in SQLite, inside a transaction that the caller has begun.

The heads that are due come from the index `ix_records_due`, one level after the other (a priority, and there what only
this group may have before what anybody may), so that a claim touches what it takes and nothing else, however many
records wait.
"""

import json
import sqlite3
from collections.abc import Sequence

from outdial.core.records import Chain, Priority, RecordType
from outdial.core.units import ListId
from outdial.selection.sql import Dialect, Writer
from outdial.selection.terms import EVERYTHING, Selection, Value
from outdial.sim.lists import RecordStatus
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest
from outdial.store.facts import (
    ABANDONED,
    CONVERSATION,
    ENDED,
    MACHINE,
    NEVER_RANG,
    RECENT_MS,
    numbers_of,
    with_facts,
)
from outdial.store.rows import RECORD_COLUMNS, Row, chains_of, entries_in, with_rest
from outdial.store.sqlite_do_not_call import look_up
from outdial.store.turns import Claim, Credit

_RECORD = f"SELECT {', '.join(RECORD_COLUMNS)} FROM records"
_LEVEL = f"list_id = ? AND group_id = ? AND priority = ? AND record_type <> {RecordType.NO_CALL:d}"
_CLAIM = f"UPDATE records SET status = {RecordStatus.RETRIEVED}, due_utc_ms = NULL, claim_epoch = ? WHERE record_id = ?"
_REST = (
    f"{_RECORD} WHERE list_id = ? AND chain_id = ? AND likely(chain_id > 0) AND status = {RecordStatus.READY} "
    "AND (chain_n, record_id) > (?, ?)"
)
_RETRIEVE = f"UPDATE records SET status = {RecordStatus.RETRIEVED} WHERE record_id = ?"
_NEXT_DUE = f"SELECT min(due_utc_ms) FROM records WHERE {_LEVEL} AND due_utc_ms > ?"
_CALLBACKS = f"{_RECORD} WHERE {_LEVEL} AND due_utc_ms <= ? ORDER BY due_utc_ms, record_id"
_LEFT = (
    f"SELECT {', '.join(RECORD_COLUMNS)}, due_utc_ms FROM records "
    f"WHERE {_LEVEL} AND due_utc_ms <= ? AND coalesce(scheduled_utc_ms, due_utc_ms) <= ? "
    "ORDER BY due_utc_ms, record_id LIMIT ?"
)
_NEXT_OWNER = "SELECT min(group_id) FROM records WHERE list_id = ? AND group_id > ? AND due_utc_ms IS NOT NULL"
_AGENT, _SCHEDULED = RECORD_COLUMNS.index("callback_agent_id"), RECORD_COLUMNS.index("scheduled_utc_ms")

_OF_NUMBERS = "WHERE number IN (SELECT value FROM json_each(?1))"
_FACTS = f"""
SELECT number, sum(rang), group_concat(CASE WHEN rang AND dialed_utc_ms > ?2 THEN dialed_utc_ms END),
    max(CASE WHEN call_result IN ({ABANDONED}) THEN ended END), max(CASE WHEN call_result = {MACHINE} THEN ended END),
    max(CASE WHEN call_result = {CONVERSATION} THEN ended END)
FROM (
    SELECT number, dialed_utc_ms, call_result, call_result NOT IN ({NEVER_RANG}) AS rang, {ENDED} AS ended
    FROM attempts {_OF_NUMBERS}
    UNION ALL SELECT number, dialed_utc_ms, NULL, 1, NULL FROM open_attempts {_OF_NUMBERS}
) GROUP BY number
"""


def claim(connection: sqlite3.Connection, epoch: int, credit: Credit, request: ClaimRequest) -> Claimed:
    """Claim due chains for an epoch; `credit` is changed, so give a copy that is kept after the commit.

    Raises:
        StoreError: a record has a time zone that does not exist.
    """
    turns: Claim[Row] = Claim(credit, request.lists, request.chains_max)
    while asked := turns.asked():
        for list_id, count in asked.items():
            turns.gave(list_id, _take(connection, epoch, list_id, request, count))
    heads = turns.in_turn()
    chains = _whole_chains(connection, heads, request)
    if any(_is_due(connection, list_id, request) for list_id, _ in turns.open_lists):
        return Claimed(chains, False, None)
    waits = [
        # what a filter has left out is due and does not wait
        connection.execute(
            _NEXT_DUE, (list_id, *level, request.utc_ms if list_id in request.selections else -1)
        ).fetchone()[0]
        for list_id, _ in request.lists
        for level in _levels(request)
    ]
    return Claimed(chains, True, min((wait for wait in waits if wait is not None), default=None))


def claim_callbacks(connection: sqlite3.Connection, epoch: int, request: CallbackRequest) -> Claimed:
    """Claim due records that wait for one agent.

    Raises:
        StoreError: a record has a time zone that does not exist.
    """
    level = (request.group_id, Priority.PERSONAL)
    heads: list[Row] = []
    for list_id in request.lists:
        for head in connection.execute(_CALLBACKS, (list_id, *level, request.utc_ms)):
            is_overdue = (head[_SCHEDULED] or 0) <= request.overdue_utc_ms
            if len(heads) < request.count_max and (is_overdue or head[_AGENT] in request.agent_ids):
                heads.append(head)
    if request.left_utc_ms:
        heads += _left_by_others(connection, request, request.count_max - len(heads))
    connection.executemany(_CLAIM, [(epoch, head[0]) for head in heads])
    chains = _whole_chains(connection, heads, request)
    waits = [
        connection.execute(_NEXT_DUE, (list_id, *level, request.utc_ms)).fetchone()[0] for list_id in request.lists
    ]
    return Claimed(chains, True, min((wait for wait in waits if wait is not None), default=None))


def _left_by_others(connection: sqlite3.Connection, request: CallbackRequest, count_max: int) -> list[Row]:
    """Due callbacks whose groups leave them alone, the longest due first."""
    left: list[Row] = []
    for list_id in request.lists:
        owner = 0
        while (owner := connection.execute(_NEXT_OWNER, (list_id, owner)).fetchone()[0]) is not None:
            if owner == request.group_id or owner in request.running_ids:
                continue
            for priority in (Priority.CALLBACK, Priority.PERSONAL):
                values = (list_id, owner, priority, request.utc_ms, request.left_utc_ms, count_max)
                left += connection.execute(_LEFT, values)
    return sorted(left, key=lambda row: (row[-1], row[0]))[:count_max]


def _levels(request: ClaimRequest) -> list[tuple[int, int]]:
    """Where to look, one after the other. Shape: (group, priority)."""
    return [(group_id, priority) for priority in request.priorities for group_id in (request.group_id, 0)]


def _take(connection: sqlite3.Connection, epoch: int, list_id: ListId, request: ClaimRequest, count: int) -> list[Row]:
    """Claim the next due heads of one list."""
    heads: list[Row] = []
    where, order, values = _selected(request.selections.get(list_id, EVERYTHING))
    statement = due_statement(where, order)
    for level in _levels(request):
        heads += connection.execute(statement, (list_id, *level, request.utc_ms, *values, count - len(heads)))
        if len(heads) == count:
            break
    connection.executemany(_CLAIM, [(epoch, head[0]) for head in heads])
    return heads


def _whole_chains(
    connection: sqlite3.Connection, heads: list[Row], request: ClaimRequest | CallbackRequest
) -> tuple[Chain, ...]:
    """Claim what follows these heads, and look up what must not be called."""
    rows = with_rest(heads, _take_rest(connection, heads))
    chains = chains_of(rows, look_up(connection, entries_in(rows), request.do_not_call_lists, request.utc_ms))
    if not request.with_facts:
        return chains
    return with_facts(chains, facts(connection, numbers_of(chains), request.utc_ms), request.utc_ms)


def _take_rest(connection: sqlite3.Connection, heads: list[Row]) -> list[Row]:
    """Claim the records that follow these heads in their chains."""
    rest: list[Row] = []
    for head in heads:
        if head[3]:
            rest += connection.execute(_REST, (head[1], head[3], head[4], head[0]))
    connection.executemany(_RETRIEVE, [(row[0],) for row in rest])
    return rest


def facts(connection: sqlite3.Connection, numbers: Sequence[str], utc_ms: int) -> list[Row]:
    """What earlier calls to numbers have come to, as rows of `FACT_COLUMNS`."""
    return connection.execute(_FACTS, (json.dumps(numbers), utc_ms - RECENT_MS)).fetchall()


def due_statement(where: str = "", order: str = "") -> str:
    """What is due on one level. `where` and `order`: see `_selected`."""
    return f"{_RECORD} WHERE {_LEVEL} AND due_utc_ms <= ?{where} ORDER BY {order}due_utc_ms, record_id LIMIT ?"


def is_due_statement(where: str = "") -> str:
    """Whether anything is due on one level."""
    return f"SELECT 1 FROM records WHERE {_LEVEL} AND due_utc_ms <= ?{where} LIMIT 1"


def _is_due(connection: sqlite3.Connection, list_id: ListId, request: ClaimRequest) -> bool:
    where, _, values = _selected(Selection(request.selections.get(list_id, EVERYTHING).filter))
    statement = is_due_statement(where)
    return any(
        connection.execute(statement, (list_id, *level, request.utc_ms, *values)).fetchone()
        for level in _levels(request)
    )


def _selected(selection: Selection) -> tuple[str, str, list[Value]]:
    """What a selection adds to the condition and to the order, and its values."""
    writer = Writer(Dialect.SQLITE)
    where = ""
    if selection.filter is not None:
        where = f" AND (priority = {Priority.CALLBACK:d} OR {writer.condition(selection.filter)})"
    order = "".join(f"{key}{direction}, " for key, direction in writer.keys(selection.order))
    return where, order, writer.parameters
