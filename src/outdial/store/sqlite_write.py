"""Writing changes in SQLite, inside a transaction that the caller has begun.

First the attempts, which are written down whoever makes them; then the records, if the epoch is still the server's. Of
the records only the order of changes to one chain matters: all that are named are read at once, changed by `Fates` in
order, and written back at once.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from outdial.core.units import CallId, RecordId
from outdial.store.agent_rows import AGENT_STATE_COLUMNS, LAST_SIGN, rows_of
from outdial.store.attempt_rows import (
    ATTEMPT_COLUMNS,
    OPEN_ATTEMPT_COLUMNS,
    UNKNOWN_MODE,
    attempt_values,
    begun_values,
    evidence_values,
    stale_values,
)
from outdial.store.disposition_rows import DISPOSITION_COLUMNS, disposition_values
from outdial.store.do_not_call import NumberForbidden, addition_of
from outdial.store.fates import (
    CHANGED_COLUMNS,
    HELD_COLUMNS,
    Fates,
    attempts_in,
    end_left_claims,
    given_in,
    record_changes,
)
from outdial.store.interface import Change
from outdial.store.ledger_rows import LEDGER_COLUMNS, LEDGER_COUNTS, LEDGER_KEY, ledger_values
from outdial.store.rows import Row
from outdial.store.sqlite_do_not_call import forbid
from outdial.store.sqlite_outbox import add_messages

_EPOCH = "SELECT epoch FROM servers WHERE name = ?"
_HELD = f"SELECT {', '.join(HELD_COLUMNS)} FROM records"
_CHAIN = f"{_HELD} WHERE list_id = ? AND chain_id = ? AND likely(chain_id > 0)"
_CHANGE = f"UPDATE records SET {', '.join(f'{column} = ?' for column in CHANGED_COLUMNS)} WHERE record_id = ?"
_ATTEMPT = (
    f"INSERT INTO attempts ({', '.join(ATTEMPT_COLUMNS)}) VALUES ({', '.join('?' for _ in ATTEMPT_COLUMNS)}) "
    "ON CONFLICT (epoch, call_id) DO "
)
_SETTLE = (
    f"{_ATTEMPT} UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in ATTEMPT_COLUMNS)} "
    f"WHERE attempts.mode = '{UNKNOWN_MODE}'"
)
_BEGIN = (
    f"INSERT INTO open_attempts ({', '.join(OPEN_ATTEMPT_COLUMNS)}) "
    f"SELECT {', '.join(f'?{place}' for place, _ in enumerate(OPEN_ATTEMPT_COLUMNS, 1))} "
    "WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE epoch = ?1 AND call_id = ?2) "
    "ON CONFLICT (epoch, call_id) DO NOTHING"
)
_EVIDENCE = "INSERT INTO evidence (epoch, call_id, evidence) VALUES (?, ?, ?) ON CONFLICT (epoch, call_id) DO NOTHING"
_END = "DELETE FROM open_attempts WHERE epoch = ? AND call_id = ?"
_BEGIN_STATE = (
    f"INSERT INTO agent_states ({', '.join(AGENT_STATE_COLUMNS)}) "
    f"VALUES ({', '.join('?' for _ in AGENT_STATE_COLUMNS)}) "
    "ON CONFLICT (epoch, change_n) DO UPDATE SET until_utc_ms = excluded.until_utc_ms "
    "WHERE agent_states.until_utc_ms IS NULL"
)
_END_STATE = (
    "UPDATE agent_states SET until_utc_ms = max(from_utc_ms, ?4) "
    "WHERE epoch = ?1 AND agent_id = ?2 AND until_utc_ms IS NULL AND change_n < ?3"
)
_END_STATES = (
    f"UPDATE agent_states SET until_utc_ms = max(from_utc_ms, {LAST_SIGN.format(epoch='agent_states.epoch')}) "
    "WHERE until_utc_ms IS NULL AND epoch < ?"
)
_GIVE = (
    f"INSERT INTO dispositions ({', '.join(DISPOSITION_COLUMNS)}) "
    f"VALUES ({', '.join('?' for _ in DISPOSITION_COLUMNS)}) ON CONFLICT (epoch, disposition_n) DO NOTHING"
)
_WAIT = "UPDATE records SET due_utc_ms = ?1 WHERE number = ?2 AND due_utc_ms < ?1"
_CLAIMED = "SELECT record_id, claim_epoch FROM records WHERE claim_epoch < ?"
_LAST_EPOCH = (
    "SELECT max(epoch) FROM (SELECT max(epoch) AS epoch FROM servers UNION ALL SELECT max(epoch) FROM attempts "
    "UNION ALL SELECT max(epoch) FROM open_attempts UNION ALL SELECT max(epoch) FROM agent_states "
    "UNION ALL SELECT max(epoch) FROM port_samples "
    "UNION ALL SELECT max(claim_epoch) FROM records WHERE claim_epoch IS NOT NULL)"
)
_MODE = "SELECT mode FROM attempts WHERE epoch = ? AND call_id = ?"
_COUNT = (
    f"INSERT INTO abandonment ({', '.join(LEDGER_COLUMNS)}) VALUES ({', '.join('?' for _ in LEDGER_COLUMNS)}) "
    f"ON CONFLICT ({', '.join(LEDGER_KEY)}) DO "
    f"UPDATE SET {', '.join(f'{name} = {name} + excluded.{name}' for name in LEDGER_COUNTS)}"
)


def is_current(connection: sqlite3.Connection, server: str, epoch: int) -> bool:
    """Whether no later start of the server has followed."""
    row = connection.execute(_EPOCH, (server,)).fetchone()
    return row is not None and row[0] == epoch


def write(connection: sqlite3.Connection, server: str, epoch: int, changes: Sequence[Change]) -> bool:
    """Make changes of an epoch. Returns whether it is still the server's; if not, records stay as they are."""
    new = _write_attempts(connection, epoch, changes)
    for change in changes:
        if isinstance(change, NumberForbidden):
            forbid(connection, addition_of(change, server), [change.number.removeprefix("+")])
    _write_agents(connection, epoch, changes)
    add_messages(connection, changes)
    new_given = [
        given.disposition_n
        for given in given_in(changes)
        if connection.execute(_GIVE, disposition_values(epoch, given)).rowcount
    ]
    if not is_current(connection, server, epoch):
        return False
    to_make = record_changes(changes, new, new_given)
    fates = Fates(epoch, read_held(connection, dict.fromkeys(change.record_id for change in to_make)))
    for change in to_make:
        fates.make(change)
    write_changed(connection, fates)
    return True


def _write_attempts(connection: sqlite3.Connection, epoch: int, changes: Sequence[Change]) -> set[CallId]:
    """Write begun and settled attempts down. Returns the calls that have been settled for the first time."""
    settled, begun = attempts_in(changes)
    modes = {call_id: connection.execute(_MODE, (epoch, call_id)).fetchone() for call_id in settled}
    counted = [call_id for call_id, mode in modes.items() if mode is None or mode[0] == UNKNOWN_MODE]
    connection.executemany(_COUNT, ledger_values(settled[call_id] for call_id in counted))
    connection.executemany(_SETTLE, [attempt_values(epoch, attempt) for attempt in settled.values()])
    connection.executemany(_BEGIN, [begun_values(epoch, attempt) for attempt in begun])
    connection.executemany(_EVIDENCE, evidence_values(epoch, begun))
    connection.executemany(_END, [(epoch, call_id) for call_id in settled])
    return {call_id for call_id, mode in modes.items() if mode is None}


def _write_agents(connection: sqlite3.Connection, epoch: int, changes: Sequence[Change]) -> None:
    endings, rows = rows_of(epoch, changes)
    connection.executemany(_END_STATE, endings)
    connection.executemany(_BEGIN_STATE, rows)


def read_held(connection: sqlite3.Connection, record_ids: Iterable[RecordId]) -> list[Row]:
    """Rows of records and of the other records of their chains, each once."""
    rows: list[Row] = []
    chains: set[tuple[int, int]] = set()
    for record_id in record_ids:
        row = connection.execute(f"{_HELD} WHERE record_id = ?", (record_id,)).fetchone()
        if row is None:
            continue
        if not row[2]:
            rows.append(row)
        elif row[1:3] not in chains:
            chains.add(row[1:3])
            rows += connection.execute(_CHAIN, row[1:3])
    return rows


def write_changed(connection: sqlite3.Connection, fates: Fates) -> None:
    """Write back what has become of records."""
    connection.executemany(_CHANGE, fates.changed())


# --- starts ------------------------------------------------------------------------------------------------------


def take_epoch(connection: sqlite3.Connection, server: str, utc_ms: int) -> int:
    """The next number, higher than any that was ever used."""
    (last,) = connection.execute(_LAST_EPOCH).fetchone()
    epoch: int = (last or 0) + 1
    connection.execute(
        "INSERT INTO servers (name, epoch, started_utc_ms) VALUES (?, ?, ?) ON CONFLICT (name) DO "
        "UPDATE SET epoch = excluded.epoch, started_utc_ms = excluded.started_utc_ms",
        (server, epoch, utc_ms),
    )
    return epoch


def clear_up(connection: sqlite3.Connection, epoch: int, not_before_utc_ms: int) -> tuple[int, int]:
    """End what earlier starts have left open, whatever their names were: the file has no other process.

    Args:
        epoch: of this start.
        not_before_utc_ms: when records whose call may still be up may be dialed again.

    Returns:
        Chains that are ready again, and attempts that are stale.
    """
    claimed: dict[int, list[RecordId]] = {}
    for record_id, claim_epoch in connection.execute(_CLAIMED, (epoch,)):
        claimed.setdefault(claim_epoch, []).append(record_id)
    fates = {earlier: Fates(earlier, read_held(connection, heads)) for earlier, heads in claimed.items()}
    open_attempts = connection.execute(
        f"SELECT {', '.join(OPEN_ATTEMPT_COLUMNS)} FROM open_attempts WHERE epoch < ? ORDER BY epoch, call_id", (epoch,)
    ).fetchall()
    returned = end_left_claims(fates, open_attempts, not_before_utc_ms)
    connection.executemany(f"{_ATTEMPT} NOTHING", [stale_values(begun, not_before_utc_ms) for begun in open_attempts])
    connection.executemany(_END, [begun[:2] for begun in open_attempts])
    for one in fates.values():
        write_changed(connection, one)
    connection.execute(_END_STATES, (epoch,))
    connection.executemany(_WAIT, [(not_before_utc_ms, begun[6]) for begun in open_attempts])
    return returned, len(open_attempts)
