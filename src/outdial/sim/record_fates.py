"""What becomes of records, with the vendor's numbers."""

import enum
from dataclasses import dataclass

from outdial.core.results import CallResult
from outdial.core.units import AgentId, ListId, RecordId


class RecordStatus(enum.IntEnum):
    """What has become of a record, with the vendor's number."""

    READY = 1
    RETRIEVED = 2
    UPDATED = 3
    STALE = 4
    CANCELLED = 5
    AGENT_ERROR = 6
    CHAIN_UPDATED = 7
    MISSED_CALLBACK = 8
    CHAIN_READY = 9

    @property
    def label(self) -> str:
        """Name for files and boards: `chain updated`."""
        return self.name.lower().replace("_", " ")


DISPOSABLE = (RecordStatus.READY, RecordStatus.UPDATED, RecordStatus.AGENT_ERROR)
"""Records that an agent's word can still change."""


@dataclass(frozen=True, slots=True)
class RecordFate:
    """One line of a results file."""

    record_id: RecordId
    list_id: ListId
    number: str
    chain_id: int
    chain_n: int
    status: RecordStatus
    attempts: int
    call_result: CallResult | None
    """Result of the last attempt."""
    agent_id: AgentId | None
    """Agent of the last attempt."""
    last_attempt_utc_ms: int | None
