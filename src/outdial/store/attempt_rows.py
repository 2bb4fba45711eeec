"""Rows of attempts, those under way included, and what the core calls them."""

from collections.abc import Iterable
from typing import Any

from outdial.core.commands import SettleAttempt
from outdial.core.results import CallResult, Fault
from outdial.core.settings import TreatmentAction
from outdial.store.interface import AttemptBegun
from outdial.store.rows import Row
from outdial.store.stored import StoredAttempt

OPEN_ATTEMPT_COLUMNS = (
    "epoch",
    "call_id",
    "group_id",
    "node_id",
    "list_id",
    "record_id",
    "number",
    "attempt_n",
    "dialed_utc_ms",
)
"""What `begun_values` gives, in its order."""
ATTEMPT_COLUMNS = (
    "epoch",
    "call_id",
    "group_id",
    "node_id",
    "list_id",
    "record_id",
    "number",
    "attempt_n",
    "mode",
    "call_result",
    "fault",
    "verdict",
    "sip_status",
    "q850_cause",
    "agent_id",
    "dialed_utc_ms",
    "ring_ms",
    "wait_ms",
    "talk_ms",
    "disposition",
    "not_before_utc_ms",
    "campaign_id",
    "seller",
    "person",
    "abandoned",
    "clock",
    "clock_ms",
    "message_played",
)
"""What `attempt_values` and `stale_values` give, in their order."""
STORED_OPEN_COLUMNS = ("epoch", "call_id", "group_id", "node_id", "attempt_n", "number", "dialed_utc_ms")
"""What `stored_attempt_of` reads of an open attempt, in its order."""
STORED_ATTEMPT_COLUMNS = (
    *STORED_OPEN_COLUMNS,
    "call_result",
    "mode",
    "fault",
    "verdict",
    "sip_status",
    "q850_cause",
    "agent_id",
    "ring_ms",
    "wait_ms",
    "talk_ms",
    "disposition",
    "not_before_utc_ms",
    *ATTEMPT_COLUMNS[-7:],
)
"""What it reads of one that is over: the fields of `StoredAttempt`."""
UNKNOWN_MODE = "unknown"
"""Mode of an attempt whose end nobody has seen."""


def begun_values(epoch: int, begun: AttemptBegun) -> tuple[Any, ...]:
    """A row of `open_attempts`."""
    return (
        epoch,
        begun.call_id,
        begun.group_id,
        begun.node_id,
        begun.list_id,
        begun.record_id,
        begun.number,
        begun.attempt_n,
        begun.dialed_utc_ms,
    )


def evidence_values(epoch: int, begun: Iterable[AttemptBegun]) -> list[tuple[Any, ...]]:
    """Rows of `evidence`, of attempts that have one."""
    return [(epoch, attempt.call_id, attempt.evidence) for attempt in begun if attempt.evidence]


def attempt_values(epoch: int, attempt: SettleAttempt) -> tuple[Any, ...]:
    """A row of `attempts`."""
    return (
        epoch,
        attempt.call_id,
        attempt.group_id,
        attempt.node_id,
        attempt.list_id,
        attempt.record_id,
        attempt.number,
        attempt.attempt_n,
        attempt.mode.value,
        int(attempt.call_result),
        attempt.fault.value,
        None if attempt.verdict is None else attempt.verdict.value,
        attempt.sip_status,
        attempt.q850_cause,
        attempt.agent_id,
        attempt.dialed_utc_ms,
        attempt.ring_ms,
        attempt.wait_ms,
        attempt.talk_ms,
        attempt.disposition.action.value,
        attempt.disposition.not_before_utc_ms,
        attempt.campaign_id,
        attempt.seller,
        int(attempt.person),
        int(attempt.abandoned),
        None if attempt.clock is None else attempt.clock.value,
        attempt.clock_ms,
        int(attempt.message_played),
    )


def stale_values(row: Row, not_before_utc_ms: int) -> tuple[Any, ...]:
    """A row of `attempts` from one of `open_attempts` (in the order of `OPEN_ATTEMPT_COLUMNS`): nobody saw its end."""
    *begun, dialed_utc_ms = row
    return (
        *begun,
        UNKNOWN_MODE,
        int(CallResult.STALE),
        Fault.OURS.value,
        None,
        None,
        None,
        None,
        dialed_utc_ms,
        0,
        0,
        0,
        TreatmentAction.RETRY_IN.value,
        not_before_utc_ms,
        None,
        None,
        0,
        0,
        None,
        0,
        0,
    )


def stored_attempt_of(row: Row, evidence: str | None = None) -> StoredAttempt:
    """An attempt, from the columns of `STORED_ATTEMPT_COLUMNS` or `STORED_OPEN_COLUMNS`."""
    values = dict(zip(STORED_ATTEMPT_COLUMNS, row, strict=False))
    if "call_result" in values:
        values["call_result"] = CallResult(values["call_result"])
        values |= {name: bool(values[name]) for name in ("person", "abandoned", "message_played")}
    return StoredAttempt(**values, evidence=evidence or "")
