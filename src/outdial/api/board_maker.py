"""Drawing the board: from the core's snapshots to the views of `board.py`."""

from collections.abc import Callable, Mapping

from outdial.api.board import (
    AbandonmentView,
    AgentBoard,
    AgentCountsView,
    AlarmView,
    Board,
    CallCountsView,
    GroupBoard,
    NamedView,
    NodeBoard,
    PoolBoard,
    PortsView,
    RatesView,
    TotalsView,
    WindowBoard,
)
from outdial.core.settings import Configuration, DialerId
from outdial.core.snapshot import AgentView, GroupView, NodeView, PoolView, Snapshot, WindowView
from outdial.core.units import Millis, Now

MILLION = 1_000_000
THOUSAND = 1_000
OFFSET_MS_MAX: Millis = 1_000
"""By how much the clocks may drift apart before instants are worked out anew. Ours."""

RatesOf = Callable[[GroupView], RatesView]


class BoardMaker:
    """Turns snapshots into boards; remembers what the configuration says."""

    def __init__(self, configuration: Configuration) -> None:
        """Read names and memberships."""
        self._campaigns = {each.dbid: NamedView(dbid=each.dbid, name=each.name) for each in configuration.campaigns}
        self._groups = {each.dbid: each for each in configuration.campaign_groups}
        self._teams: dict[int, list[int]] = {}
        for team in configuration.agent_groups:
            for agent_id in team.agents:
                self._teams.setdefault(agent_id, []).append(team.dbid)
        self._nodes = {node.dbid: node for node in configuration.nodes}
        self._offset_ms: Millis | None = None
        """UTC less monotonic time. Kept while it holds roughly, or every instant would change with each reading."""
        self._drawn: dict[int, tuple[AgentView, AgentBoard]] = {}
        """What was made of each agent the last time: most have not changed since."""

    def board(self, snapshot: Snapshot, rates_of: RatesOf, alarms: tuple[AlarmView, ...]) -> Board:
        """The board of one instant. Objects that the configuration does not have any more are left out."""
        windows = {campaign.campaign_id: campaign.windows for campaign in snapshot.campaigns}
        self.follow(Now(snapshot.mono_ms, snapshot.utc_ms))
        return Board(
            utc_ms=snapshot.utc_ms,
            groups=tuple(
                self.group(group, rates_of(group), windows)
                for group in snapshot.groups
                if group.group_id in self._groups
            ),
            pools=tuple(map(_pool, snapshot.pools)),
            nodes=tuple(self.node(node) for node in snapshot.nodes if node.node_id in self._nodes),
            agents=tuple(self.agent(agent) for agent in snapshot.agents),
            alarms=alarms,
            stops=snapshot.stops,
        )

    def follow(self, now: Now) -> None:
        """Tell instants by these clocks from now on: before anything is drawn."""
        offset_ms = now.utc_ms - now.mono_ms
        if self._offset_ms is None or abs(offset_ms - self._offset_ms) > OFFSET_MS_MAX:
            self._offset_ms = offset_ms
            self._drawn.clear()

    def group(self, group: GroupView, rates: RatesView, windows: Mapping[int, tuple[WindowView, ...]]) -> GroupBoard:
        """One campaign group, which the configuration has. Shape of `windows`: {campaign: its windows}."""
        settings = self._groups[group.group_id]
        ports = group.ports
        return GroupBoard(
            dbid=group.group_id,
            name=group.name,
            campaign=self._campaigns[settings.campaign],
            agent_group=settings.agent_group,
            state=group.state,
            mode=group.mode.value,
            pacing=group.pacing,
            dialer=dialer_text(group.dialer),
            node=group.node_id,
            ports=PortsView(
                maximum=ports.maximum_ports,
                used=ports.used_ports,
                regular=ports.regular_ports,
                engaging=ports.engaging_ports,
                engaging_maximum=ports.engaging_maximum_ports,
                need=ports.need_millis / THOUSAND,
                need_engaging=ports.need_engaging_millis / THOUSAND,
                peak=ports.peak_millis / THOUSAND,
                reserved=ports.reserved_ports,
                rule=ports.rule,
                reason=ports.reason,
                since_utc_ms=self._utc_ms(ports.since_mono_ms),
            ),
            agents=AgentCountsView(logged_in=group.agents_logged_in, ready=group.agents_ready, busy=group.agents_busy),
            calls=CallCountsView(
                dialing=group.dialing - group.ringing,
                ringing=group.ringing,
                answered=group.answered,
                waiting=group.waiting,
                connected=group.connected,
            ),
            totals=TotalsView(
                attempts=group.counts.attempts,
                answered=group.counts.answered,
                connected=group.counts.connected,
                abandoned=group.counts.abandoned,
                dropped=group.counts.dropped,
                node_faults=group.counts.node_faults,
                results=dict(group.counts.results),
            ),
            rates=rates,
            abandonment=AbandonmentView(
                limit=group.abandonment_limit_ppm / MILLION,
                recent=group.abandon_millis / THOUSAND,
                windows=tuple(
                    WindowBoard(
                        window=each.window.value,
                        abandoned=each.abandoned,
                        calls=each.calls,
                        ratio=each.ppm / MILLION,
                        is_limited=each.is_limited,
                    )
                    for each in windows.get(settings.campaign, ())
                ),
            ),
            buffered_records=group.buffered_chains,
            holds=group.holds,
        )

    def node(self, node: NodeView) -> NodeBoard:
        """One node, which the configuration has."""
        settings = self._nodes[node.node_id]
        is_backup = node.server_id is not None and node.server_id == settings.backup
        name = settings.backup_name or f"backup of {settings.name}" if is_backup else settings.name
        return NodeBoard(
            dbid=node.node_id,
            name=node.name,
            state=node.state,
            admin=node.admin,
            is_prime=node.is_prime,
            server=None if node.server_id is None else NamedView(dbid=node.server_id, name=name),
            is_backup=is_backup,
            has_backup=settings.backup is not None,
            calls=node.calls,
            requests=node.requests,
            faults=node.faults,
            note=node.note,
            since_utc_ms=self._utc_ms(node.since_mono_ms),
        )

    def agent(self, agent: AgentView) -> AgentBoard:
        """One agent."""
        drawn = self._drawn.get(agent.agent_id)
        if drawn is not None and drawn[0] == agent:
            return drawn[1]
        board = AgentBoard(
            dbid=agent.agent_id,
            login=agent.login,
            state=agent.state,
            reason=agent.reason,
            phone=agent.phone,
            phone_state=agent.phone_state,
            engaged=agent.engaged,
            group=agent.group_id,
            agent_groups=tuple(self._teams.get(agent.agent_id, ())),
            since_utc_ms=self._utc_ms(agent.since_mono_ms),
        )
        self._drawn[agent.agent_id] = (agent, board)
        return board

    def _utc_ms(self, mono_ms: Millis) -> int:
        """What the calendar says of a monotonic instant."""
        assert self._offset_ms is not None  # set by `follow`
        return mono_ms + self._offset_ms


def _pool(pool: PoolView) -> PoolBoard:
    return PoolBoard(
        dialer=dialer_text(pool.dialer),
        name=pool.name,
        ports=pool.ports,
        source=pool.source,
        used=pool.used_ports,
        reserved=pool.reserved_ports,
        dynamic=pool.dynamic,
        shortage=pool.shortage,
        note=pool.note,
    )


def dialer_text(dialer: DialerId) -> str:
    """A dialer's name in the API, for example `switch-101`."""
    return f"{dialer.kind.value}-{dialer.dbid}"
