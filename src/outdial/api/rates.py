"""Rates of the last minutes, from the totals of campaign groups at regular instants."""

from collections import deque

from outdial.api.board import RatesView
from outdial.core.snapshot import GroupView, Snapshot
from outdial.core.units import HOUR_MS, MINUTE_MS, SECOND_MS, GroupId, Millis

WINDOW_MS: Millis = 5 * MINUTE_MS
SAMPLE_MS: Millis = 5 * SECOND_MS

Totals = tuple[int, int, int, int, int]
"""Attempts, attempts and answered calls, persons, persons connected, agents' time logged in. Unit of the last: ms."""


class Rates:
    """Keeps the totals of the last minutes."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._samples: deque[tuple[Millis, dict[GroupId, Totals]]] = deque()
        self._agent_ms: dict[GroupId, int] = {}
        self._looked_at_ms: Millis | None = None

    def look(self, snapshot: Snapshot) -> None:
        """Take the totals of one instant. Call in order of time."""
        now_ms = snapshot.mono_ms
        since_ms = 0 if self._looked_at_ms is None else now_ms - self._looked_at_ms
        self._looked_at_ms = now_ms
        self._agent_ms = {
            group.group_id: self._agent_ms.get(group.group_id, 0) + since_ms * group.agents_logged_in
            for group in snapshot.groups
        }
        if self._samples and now_ms - self._samples[-1][0] < SAMPLE_MS:
            return
        self._samples.append((now_ms, {group.group_id: self._totals(group) for group in snapshot.groups}))
        while len(self._samples) > 2 and now_ms - self._samples[1][0] >= WINDOW_MS:
            self._samples.popleft()

    def of(self, group: GroupView) -> RatesView:
        """The rates of one group, up to the last look."""
        attempts = known = persons = connected = agent_ms = window_ms = 0
        if self._samples and self._looked_at_ms is not None:
            began_ms, totals = self._samples[0]
            before = totals.get(group.group_id, (0, 0, 0, 0, 0))
            attempts, known, persons, connected, agent_ms = (
                now - then for now, then in zip(self._totals(group), before, strict=True)
            )
            window_ms = self._looked_at_ms - began_ms
        return RatesView(
            window_ms=min(WINDOW_MS, window_ms // MINUTE_MS * MINUTE_MS),
            attempts_per_hour=attempts * HOUR_MS // window_ms if window_ms else 0,
            hit_ratio=round(persons / known, 4) if known > 0 else None,
            calls_per_agent_hour=round(connected * HOUR_MS / agent_ms, 1) if agent_ms > 0 else None,
        )

    def _totals(self, group: GroupView) -> Totals:
        counts = group.counts
        known = counts.attempts + group.answered + group.waiting + group.connected  # it is known whether one answered
        return counts.attempts, known, counts.answered, counts.connected, self._agent_ms.get(group.group_id, 0)
