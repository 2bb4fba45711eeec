"""A run's own count of attempts, kept from the commands alone and compared with the board's at the end.

Two counts that were made in different places and agree are worth more than one; a mismatch is a bug.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from outdial.core.commands import Command, Dial, Engage, SettleAttempt
from outdial.core.errors import InvariantViolated
from outdial.core.events import DialRejected, EngagingReleased, Event
from outdial.core.snapshot import GroupView, NodeView, Snapshot
from outdial.core.units import CallId, GroupId, NodeId, Now
from outdial.names import Names
from outdial.results_files import CsvFile, attempt_row


class Tally:
    """Counts what was dialed and settled, and writes one row per attempt.

    Attributes:
        attempts: attempts settled.
        dialing: customers' calls that were dialed and are not settled, in order.
        engaging: engaging calls that were asked for and are not over, in order.
    """

    def __init__(self, names: Names, attempts_file: CsvFile | None = None) -> None:
        """Nothing counted yet. The file, if there is one, has `ATTEMPT_COLUMNS`; its owner closes it."""
        self.attempts = 0
        self.dialing: dict[CallId, NodeId] = {}
        self.engaging: dict[CallId, NodeId] = {}
        self._names = names
        self._file = attempts_file
        self._results: dict[GroupId, Counter[str]] = {}

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Count one step."""
        if isinstance(event, EngagingReleased | DialRejected):
            self.engaging.pop(event.call_id, None)
        for command in commands:
            if isinstance(command, Dial):
                self.dialing[command.call_id] = command.node_id
            elif isinstance(command, Engage):
                self.engaging[command.call_id] = command.node_id
            elif isinstance(command, SettleAttempt):
                self._settle(command)

    def _settle(self, attempt: SettleAttempt) -> None:
        if self.dialing.pop(attempt.call_id, None) is None:
            raise InvariantViolated(f"an attempt was settled that is not in progress: {attempt}")
        self.attempts += 1
        results = self._results.setdefault(attempt.group_id, Counter())
        results[attempt.call_result.name.lower()] += 1
        if self._file is not None:
            self._file.add(attempt_row(attempt, self._names))

    def check(self, snapshot: Snapshot) -> None:
        """Compare with the dialer's own totals, group by group and result by result.

        Raises:
            InvariantViolated: they differ.
        """
        for group in snapshot.groups:
            counted = self._results.get(group.group_id, Counter())
            if counted != dict(group.counts.results) or counted.total() != group.counts.attempts:
                raise InvariantViolated(
                    f"{group.name}: the board says {group.counts.attempts} attempts, {dict(group.counts.results)}; "
                    f"settled were {counted.total()}, {dict(counted)}"
                )
        if self._file is not None and self._file.rows != self.attempts:
            raise InvariantViolated(f"{self._file.path}: {self._file.rows} rows for {self.attempts} attempts")


def group_totals(group: GroupView) -> dict[str, Any]:
    """A campaign group's totals as they stand in JSON reports."""
    counts = group.counts
    lost = counts.abandoned + counts.dropped
    return {
        "group_id": group.group_id,
        "name": group.name,
        "mode": group.mode.value,
        "state": group.state,
        "attempts": counts.attempts,
        "answered": counts.answered,
        "connected": counts.connected,
        "abandoned": counts.abandoned,
        "dropped": counts.dropped,
        "abandon_ratio": round(lost / counts.answered, 4) if counts.answered else 0.0,
        "node_faults": counts.node_faults,
        "maximum_ports": group.ports.maximum_ports,
        "results": dict(counts.results),
    }


def node_totals(node: NodeView) -> dict[str, Any]:
    """A node's totals as they stand in JSON reports."""
    return {
        "node_id": node.node_id,
        "name": node.name,
        "state": node.state,
        "is_prime": node.is_prime,
        "requests": node.requests,
        "faults": node.faults,
    }
