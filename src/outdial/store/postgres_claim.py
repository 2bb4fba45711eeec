"""Claiming chains in PostgreSQL: what is said to the server, and in which order."""

from collections.abc import Sequence

from outdial.core.records import PRIORITIES, Chain, Priority
from outdial.selection.terms import Selection, Value
from outdial.sim.lists import RecordStatus
from outdial.store import facts, windows
from outdial.store import postgres_do_not_call as dnc
from outdial.store.between_claims import BetweenClaims
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest
from outdial.store.facts import RECENT_MS, numbers_of, with_facts
from outdial.store.postgres_fronts import look_for_fronts, take
from outdial.store.postgres_link import Connection
from outdial.store.postgres_statements import listed, transposed
from outdial.store.postgres_windows import IS_CALLABLE, condition_of, window_ends
from outdial.store.rows import (
    RECORD_COLUMNS,
    Row,
    chains_of,
    entries_in,
    with_rest,
)
from outdial.store.turns import Claim
from outdial.store.windows import END, START, Place, levels_of


def _due(name: str, level: int, before: Sequence[str], where: str) -> str:
    """The records of one level that are due, as far as those before it leave room; `%s` in `where`: the level."""
    room = " - ".join(["$3::bigint", *(f"(SELECT count(*) FROM {other})" for other in before)])
    group = 0 if level % 2 else "$5"
    return f"""{name} AS MATERIALIZED (
    SELECT {listed(RECORD_COLUMNS)}, {level} AS level, due_utc_ms FROM records
    WHERE list_id = $1 AND group_id = {group} AND priority = ${6 + level // 2} AND due_utc_ms <= $2 AND {IS_CALLABLE}
    {where.replace("%s", str(level + 1))} ORDER BY due_utc_ms, record_id LIMIT {room} FOR UPDATE SKIP LOCKED
)"""


def _statement(where: str = "") -> str:
    names = [f"due_{level}" for level in range(2 * len(PRIORITIES))]
    parts = [_due(name, level, names[:level], where) for level, name in enumerate(names)]
    every = " UNION ALL ".join(f"SELECT * FROM {name}" for name in names)
    return f"""
WITH {", ".join(parts)}, heads AS MATERIALIZED ({every}), claimed AS (
    UPDATE records SET due_utc_ms = NULL, claim_epoch = $4, status = {RecordStatus.RETRIEVED:d}
    WHERE record_id = ANY (ARRAY(SELECT record_id FROM heads))
)
SELECT {listed(RECORD_COLUMNS)} FROM heads ORDER BY level, due_utc_ms, record_id
"""


CLAIM_VALUES = 5 + len(PRIORITIES)
"""Parameters of `CLAIM`; those of a selection follow."""


def claim_selected(selection: Selection) -> tuple[str, list[Value]]:
    """`CLAIM` with a filter, and the values of that.

    It has a window on each level: arrays of where they begin and end follow the parameters of `CLAIM`, the values
    follow those.
    """
    first = CLAIM_VALUES + 1
    where, values = condition_of(selection, first + 4)
    begins, ends = ((f"(${n}::bigint[])[%s], (${n + 1}::bigint[])[%s]") for n in (first, first + 2))
    where = f"AND (due_utc_ms, record_id) > ({begins}) AND (due_utc_ms, record_id) <= ({ends}) {where}"
    return _statement(where), values


CLAIM = _statement()
"""Claim heads of a list ($1) that are due ($2), so many at most ($3), for an epoch ($4); locked rows are passed over.

Level by level: the priorities ($6 …) in their order, in each what only the group ($5) may have, then what anybody may.
Those that came back and are not due yet may be many, and would stand before others in the index.
"""
CLAIM_CALLBACKS = f"""
WITH heads AS MATERIALIZED (
    SELECT {listed(RECORD_COLUMNS)}, due_utc_ms FROM records
    WHERE list_id = ANY ($1::integer[]) AND group_id = $5 AND priority = {Priority.PERSONAL:d} AND due_utc_ms <= $2
        AND (callback_agent_id = ANY ($6::integer[]) OR coalesce(scheduled_utc_ms, 0) <= $7) AND {IS_CALLABLE}
    ORDER BY due_utc_ms, record_id LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE records SET due_utc_ms = NULL, claim_epoch = $4, status = {RecordStatus.RETRIEVED:d}
    WHERE record_id = ANY (ARRAY(SELECT record_id FROM heads))
)
SELECT {listed(RECORD_COLUMNS)} FROM heads ORDER BY due_utc_ms, record_id
"""
"""Claim heads that wait for one agent: for those who are there ($6), and those due since long ago ($7)."""
CLAIM_LEFT = f"""
WITH heads AS MATERIALIZED (
    SELECT {listed(RECORD_COLUMNS)}, due_utc_ms FROM records
    WHERE list_id = ANY ($1::integer[]) AND group_id = ANY ($5::integer[]) AND due_utc_ms <= $2
        AND priority = ANY ('{{{Priority.CALLBACK:d}, {Priority.PERSONAL:d}}}'::smallint[])
        AND coalesce(scheduled_utc_ms, due_utc_ms) <= $6 AND {IS_CALLABLE}
    ORDER BY due_utc_ms, record_id LIMIT $3 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE records SET due_utc_ms = NULL, claim_epoch = $4, status = {RecordStatus.RETRIEVED:d}
    WHERE record_id = ANY (ARRAY(SELECT record_id FROM heads))
)
SELECT {listed(RECORD_COLUMNS)} FROM heads ORDER BY due_utc_ms, record_id
"""
"""Claim callbacks that their groups ($5) have left alone since long ago ($6)."""
OWNERS = """
WITH RECURSIVE owner (list_id, group_id) AS (
    SELECT list_id, 0 FROM unnest($1::integer[]) AS list (list_id)
    UNION ALL SELECT list_id, (
        SELECT min(r.group_id) FROM records r
        WHERE r.list_id = owner.list_id AND r.group_id > owner.group_id AND r.due_utc_ms IS NOT NULL
    ) FROM owner WHERE group_id IS NOT NULL
)
SELECT DISTINCT group_id FROM owner WHERE group_id > 0 ORDER BY group_id
"""
"""Groups that something waits for. From one to the next in the index, past what waits for each."""
NEXT_CALLBACK = f"""
SELECT min(due_utc_ms) FROM records
WHERE list_id = ANY ($1::integer[]) AND group_id = $2 AND priority = {Priority.PERSONAL:d} AND due_utc_ms > $3
    AND {IS_CALLABLE}
"""
CLAIM_REST = f"""
UPDATE records r SET status = {RecordStatus.RETRIEVED:d}
FROM unnest($1::integer[], $2::bigint[], $3::integer[], $4::bigint[]) AS head (list_id, chain_id, chain_n, record_id)
WHERE r.list_id = head.list_id AND r.chain_id = head.chain_id AND r.chain_id > 0
    AND (r.chain_n, r.record_id) > (head.chain_n, head.record_id) AND r.status = {RecordStatus.READY:d}
RETURNING {listed(RECORD_COLUMNS, "r")}
"""
"""Claim the records that follow heads in their chains."""
NEXT_DUE = f"""
SELECT min(next.due_utc_ms)
FROM unnest($1::integer[]) AS list (list_id)
CROSS JOIN (VALUES {", ".join(f"({priority}::smallint)" for priority in PRIORITIES)}) AS level (priority)
CROSS JOIN (VALUES ($2::integer), (0)) AS owner (group_id)
CROSS JOIN LATERAL (
    SELECT due_utc_ms FROM records r
    WHERE r.list_id = list.list_id AND r.group_id = owner.group_id AND r.priority = level.priority
        AND r.due_utc_ms > $3 AND {IS_CALLABLE}
    ORDER BY r.due_utc_ms LIMIT 1
) AS next
"""
"""When the first record of lists is due that becomes due after an instant ($3)."""
_CALLS = f"""
SELECT number, dialed_utc_ms, call_result, call_result NOT IN ({facts.NEVER_RANG}) AS rang, {facts.ENDED} AS ended
FROM attempts WHERE number = ANY ($1::text[])
UNION ALL SELECT number, dialed_utc_ms, NULL, true, NULL FROM open_attempts WHERE number = ANY ($1::text[])
"""
FACTS = f"""
SELECT number, count(*) FILTER (WHERE rang), array_agg(dialed_utc_ms) FILTER (WHERE rang AND dialed_utc_ms > $2),
    max(ended) FILTER (WHERE call_result IN ({facts.ABANDONED})),
    max(ended) FILTER (WHERE call_result = {facts.MACHINE}),
    max(ended) FILTER (WHERE call_result = {facts.CONVERSATION})
FROM ({_CALLS}) AS calls GROUP BY number
"""
"""What calls to numbers ($1) have come to; those after an instant ($2) one by one."""


class _Look:
    """A claim's looks at the due heads of a list that a filter lets pass: first at the head of each level, then on."""

    def __init__(self, connection: Connection, epoch: int, list_id: int, request: ClaimRequest) -> None:
        selection = request.selections[list_id]
        self._connection, self._list_id, self._request = connection, list_id, request
        self._statement, self._values = claim_selected(selection)
        self._fixed = (epoch, request.group_id, *request.priorities)
        self._levels = levels_of(request)
        self._keys = [(list_id, level, selection.filter) for level in self._levels]

    async def take(self, between: BetweenClaims, count: int) -> tuple[list[Row], bool]:
        """Claim at most so many. True: there may be more that nobody has looked at."""
        at = (self._connection, self._list_id, self._request.utc_ms)
        starts: list[Place] = [START] * len(self._levels)
        ends = await window_ends(*at, zip(self._levels, starts, strict=True), windows.HEAD_ROWS)
        heads = await self._within(starts, ends, count)
        if len(heads) == count or not any(ends):
            return heads, len(heads) == count
        # what was seen to its end is not looked at again: its second window is empty
        levels = list(zip(self._keys, ends, strict=True))
        begins = [START if end is None else between.goes_on(key, end) for key, end in levels]
        tills = await window_ends(*at, zip(self._levels, begins, strict=True), windows.ROWS)
        second = [START if end is None else till for end, till in zip(ends, tills, strict=True)]
        heads += await self._within(begins, second, count - len(heads))
        if len(heads) == count:
            return heads, True
        for key, end, till in zip(self._keys, ends, tills, strict=True):
            if end is not None:
                between.stopped(key, till)
        return heads, any(end is not None and till is not None for end, till in zip(ends, tills, strict=True))

    async def _within(self, begins: Sequence[Place], ends: Sequence[Place | None], count: int) -> list[Row]:
        columns = transposed([(*begin, *(end or END)) for begin, end in zip(begins, ends, strict=True)])
        asked = (self._list_id, self._request.utc_ms, count, *self._fixed, *map(list, columns), *self._values)
        return list(await self._connection.fetch(self._statement, *asked))


async def claim(connection: Connection, epoch: int, between: BetweenClaims, request: ClaimRequest) -> Claimed:
    """Claim due chains for an epoch; `between` is changed, so give a copy that is kept after the commit.

    Raises:
        StoreError: a record has a time zone that does not exist.
    """
    fronts = await look_for_fronts(connection, between.fronts, request)
    if fronts is None:
        return Claimed((), False, None)
    turns: Claim[Row] = Claim(between.credit, request.lists, request.chains_max)
    goes_on: dict[int, bool] = {}
    while asked := turns.asked():
        for list_id, count in asked.items():
            if (front := fronts.get(list_id)) is not None:
                heads, goes_on[list_id] = await take(connection, epoch, list_id, request, front, count)
            elif list_id in request.selections:
                heads, goes_on[list_id] = await _Look(connection, epoch, list_id, request).take(between, count)
            else:
                fixed = (list_id, request.utc_ms, count, epoch, request.group_id, *request.priorities)
                heads = list(await connection.fetch(CLAIM, *fixed))
            turns.gave(list_id, heads)
    heads = turns.in_turn()
    chains = await _whole_chains(connection, heads, request)
    if any(list_id in request.selections for list_id, _ in turns.open_lists) or (any(goes_on.values()) and chains):
        return Claimed(chains, False, None)  # such a list has given all it was asked for, and may have more
    if any(goes_on.values()):
        return Claimed((), True, request.utc_ms)  # the next claim looks on from there
    # what a filter has left out is due and does not wait
    filtered = [list_id for list_id, _ in request.lists if list_id in request.selections]
    plain = [list_id for list_id, _ in request.lists if list_id not in request.selections]
    due_utc_ms = await connection.fetchval(NEXT_DUE, plain, request.group_id, -1)
    later_utc_ms = await connection.fetchval(NEXT_DUE, filtered, request.group_id, request.utc_ms)
    if due_utc_ms is not None and due_utc_ms <= request.utc_ms:
        if turns.open_lists:
            return Claimed(chains, False, None)
        due_utc_ms = request.utc_ms  # others are claiming it at this moment; if they do not, it is due
    return Claimed(chains, True, min((each for each in (due_utc_ms, later_utc_ms) if each is not None), default=None))


async def claim_callbacks(connection: Connection, epoch: int, request: CallbackRequest) -> Claimed:
    """Claim due records that wait for one agent.

    Raises:
        StoreError: a record has a time zone that does not exist.
    """
    lists = list(request.lists)
    heads = await connection.fetch(
        CLAIM_CALLBACKS,
        lists,
        request.utc_ms,
        request.count_max,
        epoch,
        request.group_id,
        list(request.agent_ids),
        request.overdue_utc_ms,
    )
    room = request.count_max - len(heads)
    if request.left_utc_ms and room:
        cared_for = (request.group_id, *request.running_ids)
        owners = [owner for (owner,) in await connection.fetch(OWNERS, lists) if owner not in cared_for]
        if owners:
            values = (lists, request.utc_ms, room, epoch, owners, request.left_utc_ms)
            heads = [*heads, *await connection.fetch(CLAIM_LEFT, *values)]
    chains = await _whole_chains(connection, heads, request)
    return Claimed(chains, True, await connection.fetchval(NEXT_CALLBACK, lists, request.group_id, request.utc_ms))


async def _whole_chains(
    connection: Connection, heads: Sequence[Row], request: ClaimRequest | CallbackRequest
) -> tuple[Chain, ...]:
    """Claim what follows these heads, and look up what must not be called."""
    chained = [(head[1], head[3], head[4], head[0]) for head in heads if head[3]]
    rest = await connection.fetch(CLAIM_REST, *transposed(chained)) if chained else []
    rows = with_rest(heads, rest)
    found = await dnc.look_up(connection, entries_in(rows), request.do_not_call_lists, request.utc_ms)
    chains = chains_of(rows, found)
    if not request.with_facts:
        return chains
    facts = await connection.fetch(FACTS, numbers_of(chains), request.utc_ms - RECENT_MS)
    return with_facts(chains, facts, request.utc_ms)
