"""What the server around the API knows of itself."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WebhookStatus:
    """How one webhook is doing, as of some seconds ago."""

    name: str
    address: str
    """Without path and query, which may hold a secret."""
    events: tuple[str, ...]
    campaigns: tuple[str, ...]
    """Empty: all."""
    waiting: int
    parked: int
    error: str
    """Why the last try failed; empty: it did not."""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The webhooks of the server."""

    states: Callable[[], Sequence[WebhookStatus]]
    retry: Callable[[str], Awaitable[int]]
    """Messages of one webhook that were given up are tried again. Returns how many."""


@dataclass(frozen=True, slots=True)
class Observability:
    """For routes that programs watch the server by."""

    metrics: Callable[[], Awaitable[bytes]]
    content_type: str
    """Of the metrics."""
    is_open: bool
    """Anybody may read the metrics."""
    database_is_there: Callable[[], bool]
    have_nodes_been_tried: Callable[[], bool]
    """Every node has been tried once; before that, none being active says nothing."""
    webhooks: Webhooks | None = None
    """None: nobody can be told."""
