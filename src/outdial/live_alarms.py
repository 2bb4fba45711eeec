"""The alarms of a running server: one board that goes on from look to look, for everybody who asks."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from outdial.alarms import EMPTY, Alarm, Outside, alarms_of, changes
from outdial.api.board import AlarmView
from outdial.core.snapshot import Snapshot

if TYPE_CHECKING:  # an ASGI library is slow to import, and not everybody serves an API
    from outdial.api.dialer import RunningDialer

OnChange = Callable[[tuple[Alarm, ...], tuple[Alarm, ...]], None]
"""Told which alarms have been raised and which cleared."""


class LiveAlarms:
    """Keeps the alarms."""

    def __init__(self, dialer: "RunningDialer", outside: Callable[[], Outside], on_change: OnChange) -> None:
        """There are none yet.

        Args:
            dialer: whose names are used.
            outside: tells what no snapshot knows.
            on_change: told of changes.
        """
        self._dialer = dialer
        self._outside = outside
        self._on_change = on_change
        self._board = EMPTY

    def of(self, snapshot: Snapshot) -> tuple[AlarmView, ...]:
        """The alarms at the instant of a snapshot; not earlier than the one before."""
        before, self._board = self._board, alarms_of(snapshot, self._outside(), self._board)
        raised, cleared = changes(before, self._board)
        if raised or cleared:
            self._on_change(raised, cleared)
        return tuple(map(self._view, self._board.alarms))

    def _view(self, alarm: Alarm) -> AlarmView:
        return AlarmView(
            key=alarm.key,
            severity=alarm.severity.value,
            text=alarm.text,
            since_utc_ms=alarm.since_utc_ms,
            campaign=self._campaign(alarm),
        )

    def _campaign(self, alarm: Alarm) -> str | None:
        configuration = self._dialer.configuration
        campaign_id = alarm.campaign_id
        if alarm.group_id is not None:
            for group in configuration.campaign_groups:
                if group.dbid == alarm.group_id:
                    campaign_id = group.campaign
        return next((each.name for each in configuration.campaigns if each.dbid == campaign_id), None)
