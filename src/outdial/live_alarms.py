"""The alarms of a running server: looked at with every snapshot, told when they come and go."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from outdial.alarms import EMPTY, NOTHING_ELSE, Alarm, Outside, alarms_of, changes
from outdial.core.settings import Configuration
from outdial.core.snapshot import Snapshot

if TYPE_CHECKING:  # slow to import, and not everybody serves an API
    from outdial.api.board import AlarmView

OnChange = Callable[[tuple[Alarm, ...], tuple[Alarm, ...]], None]
"""Told which alarms have been raised and which cleared."""


class LiveAlarms:
    """Keeps the alarms. Whoever has a snapshot may have it looked at; more looks change nothing but the delay."""

    def __init__(
        self,
        listeners: tuple[OnChange, ...] = (),
        outside: Callable[[], Outside] = lambda: NOTHING_ELSE,
        is_started: Callable[[], bool] = lambda: True,
    ) -> None:
        """Nothing has been looked at.

        Args:
            listeners: told of every alarm that comes or goes.
            outside: what no snapshot knows.
            is_started: whether nodes have been tried; before that nothing has been lost yet.
        """
        self._listeners = listeners
        self._outside = outside
        self._is_started = is_started
        self._board = EMPTY
        self._campaigns: dict[int, str] = {}
        """Names of campaigns."""
        self._campaign_of: dict[int, int] = {}
        """Campaigns of campaign groups."""

    @property
    def up(self) -> tuple[Alarm, ...]:
        """Alarms that are up: the worst first."""
        return self._board.alarms

    def follow(self, configuration: Configuration) -> None:
        """Another configuration is in effect."""
        self._campaigns = {campaign.dbid: campaign.name for campaign in configuration.campaigns}
        self._campaign_of = {group.dbid: group.campaign for group in configuration.campaign_groups}

    def campaign(self, alarm: Alarm) -> str | None:
        """Name of the campaign that an alarm is about. None: it concerns everybody."""
        campaign_id = alarm.campaign_id
        if alarm.group_id is not None:
            campaign_id = self._campaign_of.get(alarm.group_id, 0)
        return None if campaign_id is None else self._campaigns.get(campaign_id, f"campaign {campaign_id}")

    def look(self, snapshot: Snapshot) -> None:
        """Compare, and tell what has changed."""
        if not self._is_started():
            return
        before, self._board = self._board, alarms_of(snapshot, self._outside(), self._board)
        raised, cleared = changes(before, self._board)
        if raised or cleared:
            for listener in self._listeners:
                listener(raised, cleared)

    def of(self, snapshot: Snapshot) -> "tuple[AlarmView, ...]":
        """The alarms of a snapshot as the API shows them."""
        from outdial.api.board import AlarmView

        self.look(snapshot)
        return tuple(
            AlarmView(
                key=alarm.key,
                severity=alarm.severity.value,
                text=alarm.text,
                since_utc_ms=alarm.since_utc_ms,
                campaign=self.campaign(alarm),
            )
            for alarm in self.up
        )
