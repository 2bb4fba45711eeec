"""Events about persons who find nobody: the drop message, and the ledger of earlier calls."""

from dataclasses import dataclass

from outdial.core.abandonment import Counts
from outdial.core.units import CallId, RequestId

# --- abandoned calls --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class MessageStarted:
    """The person hears the drop message."""

    call_id: CallId


@dataclass(frozen=True, slots=True)
class MessageEnded:
    """The drop message has been played, or could not be."""

    call_id: CallId
    played: bool = True


@dataclass(frozen=True, slots=True)
class AbandonmentFound:
    """What the ledger says of a campaign's calls. May be told again: counts are raised to it, never lowered."""

    request_id: RequestId
    campaign_id: int
    earlier: Counts
    """Calls that are older than all buckets. All zero: not told."""
    buckets: tuple[tuple[int, Counts], ...]
    """Shape: ((start of the bucket, counts), …), ascending; see `abandonment`. Unit: ms UTC."""
