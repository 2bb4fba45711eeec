"""What the server around the API knows of itself."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


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
