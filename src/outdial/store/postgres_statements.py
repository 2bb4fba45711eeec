"""What the PostgreSQL store says to the server.

Rows go there as one array per column, so that a statement for one row and for a thousand is the same and is prepared
once. `transposed` makes the arrays.

Records are found by number with `= ANY (array)`: for that the planner always takes the primary key. With a join against
rows that were picked in the same statement it guesses how many they are, and may read the whole table.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from outdial.core.results import CallResult
from outdial.sim.lists import RecordStatus
from outdial.store import agent_rows
from outdial.store.agent_rows import AGENT_STATE_COLUMNS
from outdial.store.attempt_rows import (
    ATTEMPT_COLUMNS,
    OPEN_ATTEMPT_COLUMNS,
    STORED_ATTEMPT_COLUMNS,
    STORED_OPEN_COLUMNS,
    UNKNOWN_MODE,
)
from outdial.store.disposition_rows import DISPOSITION_COLUMNS, WORD_COLUMNS, WORD_ORDER
from outdial.store.fates import CHANGED_COLUMNS, HELD_COLUMNS
from outdial.store.ledger_rows import LEDGER_COLUMNS, LEDGER_COUNTS, LEDGER_KEY
from outdial.store.rows import (
    ANEW as _ANEW,
)
from outdial.store.rows import FATE_COLUMNS, IMPORT_COLUMNS, NEW_RECORD_COLUMNS, STORED_COLUMNS, Row
from outdial.store.sample_rows import PORT_SAMPLE_COLUMNS

_BIGINTS: Final = (
    "change_n",
    "seq",
    "need_millis",
    "epoch",
    "claim_epoch",
    "call_id",
    "record_id",
    "chain_id",
    "lines_done",
    "records",
    "disposition_n",
)
_SMALLINTS: Final = (
    *("status", "call_result", "priority", "record_type", "sip_status", "q850_cause", "pool_kind"),
    *("person", "abandoned", "message_played"),
)
_TEXTS: Final = (
    "name",
    "number",
    "zone",
    "treatments",
    "custom",
    "consent",
    "evidence",
    "mode",
    "fault",
    "verdict",
    "disposition",
    "file",
    "digest",
    "customer_id",
    "list_name",
    "reason",
    "added_by",
    "removed_by",
    "state",
    "hold",
    "seller",
    "clock",
    "callback_number",
    "note",
    *("message_id", "webhook", "kind", "lane", "body", "error"),
)


def column_type(name: str) -> str:
    """PostgreSQL's type of a column; one name has one type in all tables. A test compares it with them."""
    if name in _BIGINTS or name.endswith("_ms"):
        return "bigint"
    if name in _SMALLINTS:
        return "smallint"
    return "text" if name in _TEXTS else "integer"


def transposed(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    """One array per column, as the statements want rows. At least one row."""
    return list(zip(*rows, strict=True))


def listed(columns: Sequence[str], table: str = "") -> str:
    return ", ".join(f"{table}.{name}" if table else name for name in columns)


def arrays(columns: Sequence[str], first: int = 1) -> str:
    """Rows out of arrays: `unnest($1::bigint[], …)`."""
    return "unnest({})".format(
        ", ".join(f"${number}::{column_type(name)}[]" for number, name in enumerate(columns, start=first))
    )


# --- servers -----------------------------------------------------------------------------------------------------

OWN_EPOCH = "SELECT epoch FROM servers WHERE name = $1 FOR SHARE"
"""The epoch of a server's latest start. It stays that until the transaction is over."""
LOCK_SERVERS = "LOCK TABLE servers IN SHARE ROW EXCLUSIVE MODE"
"""One start at a time; nobody who only looks at epochs waits."""
NEXT_EPOCH = """
INSERT INTO servers (name, epoch, started_utc_ms)
SELECT $1, 1 + greatest(
    coalesce((SELECT max(epoch) FROM servers), 0),
    coalesce((SELECT max(epoch) FROM attempts), 0),
    coalesce((SELECT max(epoch) FROM open_attempts), 0),
    coalesce((SELECT max(epoch) FROM agent_states), 0),
    coalesce((SELECT max(epoch) FROM port_samples), 0),
    coalesce((SELECT max(claim_epoch) FROM records WHERE claim_epoch IS NOT NULL), 0)
), $2
ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch, started_utc_ms = excluded.started_utc_ms
RETURNING epoch
"""
"""Beyond all epochs that have left a trace: an operator may have removed a server."""

# --- claiming ----------------------------------------------------------------------------------------------------


# --- attempts ----------------------------------------------------------------------------------------------------

ADD_ATTEMPTS = f"""
INSERT INTO attempts ({listed(ATTEMPT_COLUMNS)})
SELECT * FROM {arrays(ATTEMPT_COLUMNS)}
ON CONFLICT (epoch, call_id) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in ATTEMPT_COLUMNS[2:])}
WHERE attempts.mode = '{UNKNOWN_MODE}' AND excluded.mode <> '{UNKNOWN_MODE}'
RETURNING call_id, xmax = 0 AS is_new
"""
"""Write settlements down, one per call. What is known of a call already stays, unless nobody had seen its end.

`xmax` is 0 in a row that was added and not in one that was changed.
"""
BEGIN_ATTEMPTS = f"""
INSERT INTO open_attempts ({listed(OPEN_ATTEMPT_COLUMNS)})
SELECT * FROM {arrays(OPEN_ATTEMPT_COLUMNS)} AS begun ({listed(OPEN_ATTEMPT_COLUMNS)})
WHERE NOT EXISTS (SELECT FROM attempts a WHERE a.epoch = begun.epoch AND a.call_id = begun.call_id)
ON CONFLICT DO NOTHING
"""
ADD_EVIDENCE = f"""
INSERT INTO evidence (epoch, call_id, evidence) SELECT * FROM {arrays(("epoch", "call_id", "evidence"))}
ON CONFLICT DO NOTHING
"""
END_ATTEMPTS = """
DELETE FROM open_attempts o USING unnest($1::bigint[], $2::bigint[]) AS settled (epoch, call_id)
WHERE o.epoch = settled.epoch AND o.call_id = settled.call_id
"""

# --- agents ------------------------------------------------------------------------------------------------------

BEGIN_AGENT_STATES = f"""
INSERT INTO agent_states ({listed(AGENT_STATE_COLUMNS)})
SELECT * FROM {arrays(AGENT_STATE_COLUMNS)}
ON CONFLICT (epoch, change_n) DO UPDATE SET until_utc_ms = excluded.until_utc_ms
WHERE agent_states.until_utc_ms IS NULL
"""
END_AGENT_STATES = """
UPDATE agent_states
SET until_utc_ms = greatest(from_utc_ms, ($4::bigint[])[array_position($2::integer[], agent_id)])
WHERE epoch = ($1::bigint[])[1] AND agent_id = ANY ($2::integer[]) AND until_utc_ms IS NULL
    AND change_n < ($3::bigint[])[array_position($2::integer[], agent_id)]
"""
"""Endings as arrays in the order of `ENDING_COLUMNS`: all of one epoch, one for each agent. No join, see above."""
END_LEFT_AGENT_STATES = f"""
UPDATE agent_states SET until_utc_ms = greatest(from_utc_ms, {agent_rows.LAST_SIGN.format(epoch="agent_states.epoch")})
WHERE until_utc_ms IS NULL AND epoch NOT IN (SELECT epoch FROM servers)
"""
"""What agents did when starts ended that are over."""

# --- samples -----------------------------------------------------------------------------------------------------

ADD_PORT_SAMPLES = f"""
INSERT INTO port_samples ({listed(PORT_SAMPLE_COLUMNS)}) SELECT * FROM {arrays(PORT_SAMPLE_COLUMNS)}
ON CONFLICT DO NOTHING
"""
DELETE_PORT_SAMPLES = """
DELETE FROM port_samples WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM port_samples WHERE utc_ms < $1 ORDER BY utc_ms LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
COUNT = f"""
INSERT INTO abandonment ({listed(LEDGER_COLUMNS)}) SELECT * FROM {arrays(LEDGER_COLUMNS)}
ON CONFLICT ({listed(LEDGER_KEY)}) DO UPDATE
SET {", ".join(f"{name} = abandonment.{name} + excluded.{name}" for name in LEDGER_COUNTS)}
"""
"""Add to the ledger of abandoned calls."""
GIVE = f"""
INSERT INTO dispositions ({listed(DISPOSITION_COLUMNS)}) SELECT * FROM {arrays(DISPOSITION_COLUMNS)}
ON CONFLICT DO NOTHING RETURNING disposition_n
"""

# --- records -----------------------------------------------------------------------------------------------------

HOLD = f"SELECT {listed(HELD_COLUMNS)} FROM records WHERE record_id = ANY ($1::bigint[]) ORDER BY record_id FOR UPDATE"
HOLD_CHAINS = f"""
SELECT {listed(HELD_COLUMNS, "r")}
FROM unnest($1::integer[], $2::bigint[]) AS chain (list_id, chain_id)
JOIN records r ON r.list_id = chain.list_id AND r.chain_id = chain.chain_id AND r.chain_id > 0
WHERE r.record_id <> ALL ($3::bigint[])
ORDER BY r.record_id FOR UPDATE OF r
"""
"""All records of chains, but those that are held already."""
CHANGE = f"""
UPDATE records r SET {", ".join(f"{name} = changed.{name}" for name in CHANGED_COLUMNS)}
FROM {arrays([*CHANGED_COLUMNS, "record_id"])} AS changed ({listed([*CHANGED_COLUMNS, "record_id"])})
WHERE r.record_id = changed.record_id
"""

# --- clearing up -------------------------------------------------------------------------------------------------

TAKE_LEFT_ATTEMPTS = f"""
DELETE FROM open_attempts WHERE epoch NOT IN (SELECT epoch FROM servers)
RETURNING {listed(OPEN_ATTEMPT_COLUMNS)}
"""
"""Attempts of starts that are over: every start that another one of its server has followed."""
HOLD_LEFT_HEADS = f"""
SELECT {listed(HELD_COLUMNS)} FROM records
WHERE claim_epoch IS NOT NULL AND claim_epoch NOT IN (SELECT epoch FROM servers)
ORDER BY claim_epoch, record_id FOR UPDATE
"""
"""Heads that they have claimed. In the order of the index of claims, so that it is the one that is read."""
WAIT = """
UPDATE records r SET due_utc_ms = $1 FROM unnest($2::text[]) AS call (number)
WHERE r.number = call.number AND r.due_utc_ms < $1
"""
"""Other records with the number of a call that may still be up."""

# --- lists -------------------------------------------------------------------------------------------------------

IMPORTS = f"SELECT {listed(IMPORT_COLUMNS)} FROM imports ORDER BY list_id, file, digest"
SAVE_IMPORT = f"""
INSERT INTO imports ({listed(IMPORT_COLUMNS)}) VALUES ({", ".join(f"${n + 1}" for n in range(len(IMPORT_COLUMNS)))})
ON CONFLICT (list_id, digest) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in IMPORT_COLUMNS if name not in ("list_id", "digest"))}
"""
ADD_RECORDS = f"""
INSERT INTO records ({listed(NEW_RECORD_COLUMNS)}) SELECT * FROM {arrays(NEW_RECORD_COLUMNS)}
ON CONFLICT (record_id) DO NOTHING
"""
LAST_CHAIN = """
SELECT max(chain_id) FROM (
    SELECT chain_id FROM records WHERE list_id = $1 AND chain_id > $2 AND chain_id > 0 ORDER BY chain_id LIMIT $3
) AS following
"""
"""Where a page of chains ends. The page has at most so many records ($3), and those of its last chain."""
RELEASE_CHAINS = f"""
UPDATE records SET due_utc_ms = 0
WHERE record_id = ANY (ARRAY(
    SELECT (array_agg(record_id ORDER BY chain_n, record_id) FILTER (WHERE status = {RecordStatus.READY:d}))[1]
    FROM records WHERE list_id = $1 AND chain_id > $2 AND chain_id <= $3 AND chain_id > 0
    GROUP BY chain_id HAVING bool_and(due_utc_ms IS NULL AND claim_epoch IS NULL)
)) AND status = {RecordStatus.READY:d} AND due_utc_ms IS NULL AND claim_epoch IS NULL
"""
"""Chains of a page that neither wait nor are claimed wait from now on, from their first record that is ready.

What is said of the record twice is looked at again if another import was quicker.
"""
FATES = f"SELECT {listed(FATE_COLUMNS)} FROM records WHERE list_id = $1 AND record_id > $2 ORDER BY record_id LIMIT $3"

# --- for operators -----------------------------------------------------------------------------------------------

COUNT_LIST = """
SELECT status, count(*), count(*) FILTER (WHERE due_utc_ms <= $2), count(*) FILTER (WHERE due_utc_ms > $2),
    min(due_utc_ms) FILTER (WHERE due_utc_ms > $2), count(claim_epoch)
FROM records WHERE list_id = $1 GROUP BY status ORDER BY status
"""
RECORDS_OF_LIST = f"""
SELECT {listed(STORED_COLUMNS)} FROM records WHERE list_id = $1 AND record_id > $2 ORDER BY record_id LIMIT $3
"""
FIND_RECORDS = f"""
SELECT {listed(STORED_COLUMNS)} FROM records WHERE record_id = $1
UNION SELECT {listed(STORED_COLUMNS)} FROM records WHERE number = ANY ($2::text[])
UNION SELECT {listed(STORED_COLUMNS)} FROM records WHERE callback_number = ANY ($2::text[]) ORDER BY record_id
"""
CHAIN = f"""
SELECT {listed(STORED_COLUMNS)} FROM records WHERE list_id = $1 AND chain_id = $2 AND chain_id > 0
ORDER BY chain_n, record_id LIMIT $3
"""
_EVIDENCE = "(SELECT evidence FROM evidence e WHERE e.epoch = a.epoch AND e.call_id = a.call_id)"
ATTEMPTS_ON = f"SELECT {listed(STORED_ATTEMPT_COLUMNS)}, {_EVIDENCE} FROM attempts a WHERE record_id = $1"
OPEN_ATTEMPTS_ON = f"SELECT {listed(STORED_OPEN_COLUMNS)}, {_EVIDENCE} FROM open_attempts a WHERE record_id = $1"
WORDS = f"SELECT {listed(WORD_COLUMNS)} FROM dispositions WHERE record_id = $1 ORDER BY {WORD_ORDER}"
SETTLED = f"""
SELECT {listed(STORED_ATTEMPT_COLUMNS)} FROM attempts
WHERE dialed_utc_ms >= greatest($1::bigint, $3::bigint) AND dialed_utc_ms < $2
    AND (dialed_utc_ms, epoch, call_id) > ($3::bigint, $4::bigint, $5::bigint)
ORDER BY dialed_utc_ms, epoch, call_id LIMIT $6
"""
LEDGER = f"""
SELECT campaign_id, seller, CASE WHEN bucket_utc_ms < $1::bigint THEN 0 ELSE bucket_utc_ms END AS bucket,
    {", ".join(f"sum({name})" for name in LEDGER_COUNTS)}
FROM abandonment GROUP BY campaign_id, seller, bucket ORDER BY campaign_id, seller COLLATE "C", bucket
"""
_FINISHED = f"list_id = $1 AND status = ANY ($4::smallint[]) AND call_result <> {CallResult.DO_NOT_CALL:d}"
_READY = f"status = {RecordStatus.READY:d}, {_ANEW}"
RESET_SINGLES = f"""
UPDATE records SET {_READY}, due_utc_ms = 0
WHERE record_id = ANY (ARRAY(
    SELECT record_id FROM records WHERE {_FINISHED} AND chain_id = 0 AND record_id > $2 ORDER BY record_id LIMIT $3
)) AND {_FINISHED}
RETURNING record_id
"""
RESET_CHAINS = f"""
UPDATE records SET {_READY}
WHERE record_id = ANY (ARRAY(
    SELECT unnest(array_agg(record_id)) FROM records
    WHERE list_id = $1 AND chain_id > $2 AND chain_id <= $3 AND chain_id > 0
    GROUP BY chain_id HAVING bool_and(due_utc_ms IS NULL AND claim_epoch IS NULL)
)) AND {_FINISHED}
RETURNING record_id
"""
"""Only records of chains that neither wait nor are claimed; `RELEASE_CHAINS` lets these wait afterwards."""
