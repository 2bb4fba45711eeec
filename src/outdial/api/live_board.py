"""The board as it changes: looked at a few times a second while somebody watches, and told as differences.

Looking costs a snapshot and its comparison with the last one. Both are made once for all who watch; a large
installation is looked at less often, so that looking takes a bounded share of the time. The ports of each pool are
sampled for the chart, watched or not.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from outdial.api.board import AgentBoard, AlarmView, Board, GroupBoard, NodeBoard, View
from outdial.api.board_maker import BoardMaker, dialer_text
from outdial.api.dialer import RunningDialer
from outdial.api.feed import Feed
from outdial.api.rates import Rates
from outdial.core.snapshot import Snapshot
from outdial.core.units import AgentId, GroupId, NodeId

LOOK_S = 0.25
"""Shortest time between two looks while somebody watches. Unit: seconds."""
IDLE_S = 1.0
"""The same while nobody does. Unit: seconds."""
LOOK_SHARE_MAX = 0.02
"""Largest share of the time that looking may take."""
SAMPLE_MS = 1_000
"""Time between two samples of ports. Unit: ms."""
SAMPLES_MAX = 900
"""Samples of ports that are kept: a quarter of an hour."""

AlarmsOf = Callable[[Snapshot], tuple[AlarmView, ...]]

KEYED = {"groups": "dbid", "pools": "dialer", "nodes": "dbid", "agents": "dbid"}
"""Parts of the board that are told one by one, and what names their objects."""
WHOLE = ("alarms", "stops")
"""Parts that are told as a whole when they change."""

PortSample = tuple[int, Mapping[str, tuple[int, Mapping[int, int]]]]
"""Shape: (UTC ms, {dialer: (ports, {group: used})})."""


class LiveBoard:
    """Keeps the board and its feed.

    Attributes:
        feed: messages `change`, each with the objects that have changed and the names of those that have gone.
        samples: ports in use, oldest first.
    """

    def __init__(self, dialer: RunningDialer, alarms_of: AlarmsOf, start: str) -> None:
        """Nothing has been looked at.

        Args:
            dialer: whose board it is.
            alarms_of: what an operator must know.
            start: tells this start of the server from others.
        """
        self.feed = Feed(start)
        self.samples: deque[PortSample] = deque(maxlen=SAMPLES_MAX)
        self._dialer = dialer
        self._alarms_of = alarms_of
        self._rates = Rates()
        self._configuration = dialer.configuration
        self._maker = BoardMaker(self._configuration)
        self._told: Board | None = None
        """What those who watch have been told."""

    def pause_s(self, took_s: float) -> float:
        """How long to wait before the next look. Unit: seconds.

        Args:
            took_s: how long the last one took.
        """
        return max(LOOK_S if self.feed.listeners else IDLE_S, took_s / LOOK_SHARE_MAX)

    def look(self) -> Board:
        """Look now, and tell what has changed since the last time."""
        return self.tell(self.observe())

    def observe(self) -> Snapshot:
        """The first half of a look: how things stand now."""
        snapshot = self._dialer.snapshot()
        self._rates.look(snapshot)
        self._sample(snapshot)
        return snapshot

    def tell(self, snapshot: Snapshot) -> Board:
        """The second half: tell what has changed since the last time."""
        board = self._board(snapshot)
        before, self._told = self._told, board
        if before is not None:
            encode = _encoder(before, board)
            if encode(None):
                self.feed.publish("change", encode)
        return board

    def current(self) -> Board:
        """The board of this instant; nobody else is told."""
        return self._board(self._dialer.snapshot())

    def group(self, dbid: GroupId) -> GroupBoard | None:
        """One campaign group at this instant. None: there is none."""
        maker, view = self._drawing_one(), self._dialer.views.group(dbid)
        settings = next((each for each in self._configuration.campaign_groups if each.dbid == dbid), None)
        if view is None or settings is None:
            return None
        campaign = self._dialer.views.campaign(settings.campaign)
        return maker.group(
            view, self._rates.of(view), {} if campaign is None else {settings.campaign: campaign.windows}
        )

    def node(self, dbid: NodeId) -> NodeBoard | None:
        """One node at this instant. None: there is none."""
        maker, view = self._drawing_one(), self._dialer.views.node(dbid)
        is_known = any(each.dbid == dbid for each in self._configuration.nodes)
        return maker.node(view) if view is not None and is_known else None

    def agent(self, dbid: AgentId) -> AgentBoard | None:
        """One agent at this instant. None: there is none."""
        maker, view = self._drawing_one(), self._dialer.views.agent(dbid)
        return None if view is None else maker.agent(view)

    def told(self) -> Board:
        """The board that all messages so far lead to."""
        return self._told if self._told is not None else self.look()

    def _board(self, snapshot: Snapshot) -> Board:
        return self._following().board(snapshot, self._rates.of, self._alarms_of(snapshot))

    def _following(self) -> BoardMaker:
        """Who draws, by the configuration that is in effect."""
        configuration = self._dialer.configuration
        if configuration is not self._configuration:
            self._configuration, self._maker = configuration, BoardMaker(configuration)
        return self._maker

    def _drawing_one(self) -> BoardMaker:
        """The same, for one object at this instant."""
        maker = self._following()
        maker.follow(self._dialer.views.now)
        return maker

    def _sample(self, snapshot: Snapshot) -> None:
        while self.samples and self.samples[-1][0] > snapshot.utc_ms:  # the clock was set back: oldest first it stays
            self.samples.pop()
        if self.samples and snapshot.utc_ms - self.samples[-1][0] < SAMPLE_MS:
            return
        used: dict[str, dict[int, int]] = {}
        for group in snapshot.groups:
            if group.ports.used_ports:
                used.setdefault(dialer_text(group.dialer), {})[group.group_id] = group.ports.used_ports
        ports = {
            dialer_text(pool.dialer): (pool.ports, used.get(dialer_text(pool.dialer), {})) for pool in snapshot.pools
        }
        self.samples.append((snapshot.utc_ms, ports))


def difference(before: Board, after: Board) -> dict[str, Any] | None:
    """What has changed, as JSON values. None: nothing but the time."""
    change: dict[str, Any] = {}
    removed: dict[str, list[Any]] = {}
    for part, key in KEYED.items():
        old = {getattr(each, key): each for each in getattr(before, part)}
        new: dict[Any, View] = {getattr(each, key): each for each in getattr(after, part)}
        changed = [
            each.model_dump(mode="json")
            for name, each in new.items()
            if old.get(name) is not each and old.get(name) != each
        ]
        gone = [name for name in old if name not in new]
        if changed:
            change[part] = changed
        if gone:
            removed[part] = gone
    for part in WHOLE:
        if getattr(before, part) != getattr(after, part):
            change[part] = after.model_dump(mode="json", include={part})[part]
    if removed:
        change["removed"] = removed
    return {"utc_ms": after.utc_ms, **change} if change else None


def _encoder(before: Board, after: Board) -> Callable[[frozenset[str] | None], str]:
    """Writes a change down, once for each set of campaigns that somebody watches."""
    written: dict[frozenset[str] | None, str] = {}

    def encode(campaigns: frozenset[str] | None) -> str:
        text = written.get(campaigns)
        if text is None:
            change = difference(before.seen_by(campaigns), after.seen_by(campaigns))
            text = written[campaigns] = "" if change is None else json.dumps(change, separators=(",", ":"))
        return text

    return encode
