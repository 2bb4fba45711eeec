"""Claiming chains in SQLite, inside a transaction that the caller has begun.

The heads that are due come from the index `ix_records_due`, one level after the other (a priority, and there what only
this group may have before what anybody may), so that a claim touches what it takes and nothing else, however many
records wait.
"""

import json
import sqlite3
from collections.abc import Sequence

from outdial.core.records import Chain, Priority
from outdial.core.units import ListId
from outdial.selection.terms import EVERYTHING, Selection
from outdial.sim.lists import RecordStatus
from outdial.store import windows
from outdial.store.between_claims import BetweenClaims
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
from outdial.store.fronts import Front
from outdial.store.rows import RECORD_COLUMNS, Row, chains_of, entries_in, with_rest
from outdial.store.sqlite_do_not_call import look_up
from outdial.store.sqlite_fronts import look_for_fronts, pick
from outdial.store.sqlite_windows import AT, LEVEL, condition_of, parts, window_end
from outdial.store.turns import Claim
from outdial.store.windows import END, START, Place, levels_of

_RECORD = f"SELECT {', '.join(RECORD_COLUMNS)} FROM records"
_CLAIM = f"UPDATE records SET status = {RecordStatus.RETRIEVED}, due_utc_ms = NULL, claim_epoch = ? WHERE record_id = ?"
_REST = (
    f"{_RECORD} WHERE list_id = ? AND chain_id = ? AND likely(chain_id > 0) AND status = {RecordStatus.READY} "
    "AND (chain_n, record_id) > (?, ?)"
)
_RETRIEVE = f"UPDATE records SET status = {RecordStatus.RETRIEVED} WHERE record_id = ?"
_NEXT_DUE = f"SELECT min(due_utc_ms) FROM records WHERE {LEVEL} AND due_utc_ms > ?"
_CALLBACKS = f"{_RECORD} WHERE {LEVEL} AND due_utc_ms <= ? ORDER BY due_utc_ms, record_id"
_LEFT = (
    f"SELECT {', '.join(RECORD_COLUMNS)}, due_utc_ms FROM records "
    f"WHERE {LEVEL} AND due_utc_ms <= ? AND coalesce(scheduled_utc_ms, due_utc_ms) <= ? "
    "ORDER BY due_utc_ms, record_id LIMIT ?"
)
_DUE = f"{_RECORD} WHERE {LEVEL} AND due_utc_ms <= ? ORDER BY due_utc_ms, record_id LIMIT ?"
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


def claim(connection: sqlite3.Connection, epoch: int, between: BetweenClaims, request: ClaimRequest) -> Claimed:
    """Claim due chains for an epoch; `between` is changed, so give a copy that is kept after the commit.

    Raises:
        StoreError: a record has a time zone that does not exist.
    """
    fronts = look_for_fronts(connection, between.fronts, request)
    if fronts is None:
        return Claimed((), False, None)
    turns: Claim[Row] = Claim(between.credit, request.lists, request.chains_max)
    goes_on: dict[int, bool] = {}
    while asked := turns.asked():
        for list_id, count in asked.items():
            heads, has_more = _take(connection, epoch, between, list_id, request, fronts.get(list_id), count)
            turns.gave(list_id, heads)
            goes_on[list_id] = has_more
    heads = turns.in_turn()
    chains = _whole_chains(connection, heads, request)
    may_go_on = any(goes_on.values())
    if any(_is_due(connection, list_id, request) for list_id, _ in turns.open_lists) or (may_go_on and chains):
        return Claimed(chains, False, None)
    if may_go_on:
        return Claimed((), True, request.utc_ms)  # the next claim looks on from there
    waits = [
        # what a filter has left out is due and does not wait
        connection.execute(
            _NEXT_DUE, (list_id, *level, request.utc_ms if list_id in request.selections else -1)
        ).fetchone()[0]
        for list_id, _ in request.lists
        for level in levels_of(request)
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


def _take(
    connection: sqlite3.Connection,
    epoch: int,
    between: BetweenClaims,
    list_id: ListId,
    request: ClaimRequest,
    front: Front | None,
    count: int,
) -> tuple[list[Row], bool]:
    """Claim the next due heads of one list: with an order those of its front. True: there may be more that nobody has
    looked at."""
    selection = request.selections.get(list_id, EVERYTHING)
    heads: list[Row] = []
    has_more = False
    if front is not None:
        heads, has_more = pick(connection, list_id, request, front, count)
    elif selection.filter is not None:
        has_more = _look(connection, between, list_id, request, selection, count, heads)
    else:
        for level in levels_of(request):
            heads += connection.execute(_DUE, (list_id, *level, request.utc_ms, count - len(heads)))
            if len(heads) == count:
                break
    connection.executemany(_CLAIM, [(epoch, head[0]) for head in heads])
    return heads, has_more


def _look(
    connection: sqlite3.Connection,
    between: BetweenClaims,
    list_id: ListId,
    request: ClaimRequest,
    selection: Selection,
    count: int,
    heads: list[Row],
) -> bool:
    """Look for due heads that a filter lets pass, and add them to `heads`. True: there may be more."""
    where, values = condition_of(selection)

    def look(level: tuple[int, int], after: Place, till: Place | None) -> None:
        for part, bounds in parts(after, till or (request.utc_ms, END[1])):
            asked = (list_id, *level, *bounds, *values, count - len(heads))
            heads.extend(connection.execute(within_statement(part, where), asked))

    ends = {}
    for level in levels_of(request):
        end = window_end(connection, (list_id, *level), START, request.utc_ms, windows.HEAD_ROWS)
        look(level, START, end)
        if len(heads) == count:
            return True
        if end is not None:
            ends[level] = end
    stopped = {}
    for level, end in ends.items():
        after = between.goes_on((list_id, level, selection.filter), end)
        stopped[level] = window_end(connection, (list_id, *level), after, request.utc_ms, windows.ROWS)
        look(level, after, stopped[level])
        if len(heads) == count:
            return True
    for level, till in stopped.items():
        between.stopped((list_id, level, selection.filter), till)
    return any(till is not None for till in stopped.values())


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


def within_statement(part: str, where: str) -> str:
    """What is due in a part of a window. No further condition on when it is due: it would win over the index."""
    order = "record_id" if part is AT else "due_utc_ms, record_id"
    return f"{_RECORD} WHERE {LEVEL} AND {part}{where} ORDER BY {order} LIMIT ?"


def is_due_statement() -> str:
    """Whether anything is due on one level."""
    return f"SELECT 1 FROM records WHERE {LEVEL} AND due_utc_ms <= ? LIMIT 1"


def _is_due(connection: sqlite3.Connection, list_id: ListId, request: ClaimRequest) -> bool:
    if list_id in request.selections:
        return True  # such a list has given all it was asked for, and may have more
    statement = is_due_statement()
    return any(
        connection.execute(statement, (list_id, *level, request.utc_ms)).fetchone() for level in levels_of(request)
    )
