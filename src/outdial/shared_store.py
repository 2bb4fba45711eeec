"""The database of a running dialer as others may use it: what `outdial serve` and `outdial demo` hand to the API."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from outdial.config import Loaded
from outdial.core.units import ListId
from outdial.store.interface import Store


@dataclass(frozen=True, slots=True)
class SharedStore:
    """A store that is open as long as the dialer runs, and what has to be known of the dialer."""

    store: Store
    is_single: bool
    """It has one connection for everybody: SQLite."""
    loaded: Callable[[], Loaded]
    """The configuration that is in effect."""
    why_away: Callable[[], str]
    """Why the database counts as away; empty: it does not."""
    waiting: Callable[[], int]
    """Changes and claims of the dialer that are not in the database yet."""
    folder: Path
    """For files that were sent and are read in."""
    log: FilteringBoundLogger
    being_read: set[ListId]
    """Calling lists that a file is being read into: one at a time."""
