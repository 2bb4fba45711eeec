"""Writing changes in PostgreSQL, and clearing up after earlier starts; both inside a transaction of the caller's.

First the attempts, which are written down whoever makes them; then the records, if the epoch is still the server's. Of
the records only the order of changes to one chain matters: all that are named are read and locked at once, changed by
`Fates` in order, and written back at once.
"""

from collections.abc import Iterable, Sequence

from outdial.core.units import CallId, RecordId
from outdial.store import postgres_statements as sql
from outdial.store.agent_rows import rows_of
from outdial.store.attempt_rows import attempt_values, begun_values, evidence_values, stale_values
from outdial.store.disposition_rows import disposition_values
from outdial.store.do_not_call import NumberForbidden, addition_of
from outdial.store.fates import Fates, attempts_in, end_left_claims, given_in, record_changes
from outdial.store.interface import Change
from outdial.store.ledger_rows import ledger_values
from outdial.store.postgres_do_not_call import forbid
from outdial.store.postgres_link import Connection
from outdial.store.postgres_outbox import add_messages
from outdial.store.rows import Row
from outdial.store.stored import Opened


async def write(connection: Connection, server: str, epoch: int, changes: Sequence[Change]) -> bool:
    """Make changes of an epoch. Returns whether it is still the server's; if not, records stay as they are."""
    is_ours = await connection.fetchval(sql.OWN_EPOCH, server) == epoch
    new = await _write_attempts(connection, epoch, changes)
    for change in changes:
        if isinstance(change, NumberForbidden):
            await forbid(connection, addition_of(change, server), [change.number.removeprefix("+")])
    await _write_agents(connection, epoch, changes)
    await add_messages(connection, changes)
    new_given: list[int] = []
    if given := given_in(changes):
        rows = [disposition_values(epoch, each) for each in given]
        new_given = [row[0] for row in await connection.fetch(sql.GIVE, *sql.transposed(rows))]
    if not is_ours:
        return False
    if to_make := record_changes(changes, new, new_given):
        fates = Fates(epoch, await hold(connection, dict.fromkeys(change.record_id for change in to_make)))
        for change in to_make:
            fates.make(change)
        await write_changed(connection, fates)
    return True


async def _write_attempts(connection: Connection, epoch: int, changes: Sequence[Change]) -> set[CallId]:
    """Write begun and settled attempts down. Returns the calls that have been settled for the first time."""
    settled, begun = attempts_in(changes)
    new: set[CallId] = set()
    if settled:
        rows = [attempt_values(epoch, attempt) for attempt in settled.values()]
        added = await connection.fetch(sql.ADD_ATTEMPTS, *sql.transposed(rows))
        new = {row["call_id"] for row in added if row["is_new"]}
        if counts := ledger_values(settled[row["call_id"]] for row in added):
            await connection.execute(sql.COUNT, *sql.transposed(counts))
    if begun:
        rows = [begun_values(epoch, attempt) for attempt in begun]
        await connection.execute(sql.BEGIN_ATTEMPTS, *sql.transposed(rows))
    if evidence := evidence_values(epoch, begun):
        await connection.execute(sql.ADD_EVIDENCE, *sql.transposed(evidence))
    if settled:
        await connection.execute(sql.END_ATTEMPTS, [epoch] * len(settled), list(settled))
    return new


async def _write_agents(connection: Connection, epoch: int, changes: Sequence[Change]) -> None:
    endings, rows = rows_of(epoch, changes)
    if endings:
        await connection.execute(sql.END_AGENT_STATES, *sql.transposed(endings))
    if rows:
        await connection.execute(sql.BEGIN_AGENT_STATES, *sql.transposed(rows))


async def hold(connection: Connection, record_ids: Iterable[RecordId]) -> list[Row]:
    """Rows of records and of the other records of their chains, locked."""
    return await _with_chains(connection, await connection.fetch(sql.HOLD, list(record_ids)))


async def _with_chains(connection: Connection, rows: list[Row]) -> list[Row]:
    chains = dict.fromkeys((row[1], row[2]) for row in rows if row[2])
    if not chains:
        return rows
    others = await connection.fetch(sql.HOLD_CHAINS, *sql.transposed(chains), [row[0] for row in rows if row[2]])
    return [*rows, *others]


async def write_changed(connection: Connection, fates: Fates) -> None:
    """Write back what has become of records."""
    if changed := fates.changed():
        await connection.execute(sql.CHANGE, *sql.transposed(changed))


async def start(connection: Connection, server: str, utc_ms: int, not_before_utc_ms: int) -> Opened:
    """Take the server's next epoch, and end what starts have left open that are over.

    Over is every start that another one of its server has followed. Usually that is this server's last start; of other
    servers at most what a start wrote that did not know yet that it was over.

    Args:
        connection: in a transaction.
        server: name of the server.
        utc_ms: now.
        not_before_utc_ms: when records whose call may still be up may be dialed again.
    """
    await connection.execute(sql.LOCK_SERVERS)
    epoch = await connection.fetchval(sql.NEXT_EPOCH, server, utc_ms)
    attempts = sorted(await connection.fetch(sql.TAKE_LEFT_ATTEMPTS), key=lambda row: (row["epoch"], row["call_id"]))
    heads: dict[int, list[Row]] = {}
    for head in await connection.fetch(sql.HOLD_LEFT_HEADS):
        heads.setdefault(head["claim_epoch"], []).append(head)
    fates = {earlier: Fates(earlier, await _with_chains(connection, rows)) for earlier, rows in heads.items()}
    returned = end_left_claims(fates, attempts, not_before_utc_ms)
    if attempts:
        rows = [stale_values(begun, not_before_utc_ms) for begun in attempts]
        await connection.execute(sql.ADD_ATTEMPTS, *sql.transposed(rows))
    await connection.execute(sql.END_LEFT_AGENT_STATES)
    for one in fates.values():
        await write_changed(connection, one)
    if attempts:
        await connection.execute(sql.WAIT, not_before_utc_ms, [begun["number"] for begun in attempts])
    return Opened(epoch, returned, len(attempts))
