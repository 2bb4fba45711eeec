"""What goes wrong, and when: scripted faults and random ones, by kind.

A fault has a beginning and, except for a clock step, an end. Faults of one kind on one server may overlap; it recovers
when the last of them is over. When the run's fault time is over, `stop` puts everything right at once, and from then on
the core has to bring every call and every port home.
"""

from outdial.core.units import Millis, NodeId
from outdial.sim.clock import Agenda, Calendar
from outdial.sim.cluster import Cluster
from outdial.sim.draws import Stream
from outdial.sim.servers import Noise, Server
from outdial.sim.settings import FaultKind, FaultRate, FaultSettings, ScriptedFault
from outdial.sim.workforce import Workforce

_LOSSES = (FaultKind.LOSE_PRIMARY, FaultKind.LOSE_BACKUP, FaultKind.LOSE_BOTH)


class Faults:
    """The saboteur.

    Attributes:
        counts: faults that have begun, by kind.
        store_down_until_ms: the record store cannot answer before this instant.
    """

    def __init__(
        self,
        settings: FaultSettings,
        cluster: Cluster,
        workforce: Workforce,
        calendar: Calendar,
        agenda: Agenda,
        seed: int,
    ) -> None:
        self.counts: dict[FaultKind, int] = {}
        self.store_down_until_ms: Millis = 0
        self._settings = settings
        self._cluster = cluster
        self._workforce = workforce
        self._calendar = calendar
        self._agenda = agenda
        self._is_over = False
        self._streams = {rate.kind: Stream(seed, f"faults/{rate.kind.value}") for rate in settings.rates}
        self._targets = Stream(seed, "fault targets")
        self._ends_ms: dict[tuple[FaultKind, int], Millis] = {}
        self._node_ids = sorted(cluster.nodes)

    def start(self) -> None:
        """Note what is scripted, and the first random fault of each kind."""
        for fault in self._settings.scripted:
            self._agenda.add(fault.at_ms, self._begin_scripted, fault)
        for rate in self._settings.rates:
            self._note_next(0, rate)

    def stop(self, at_ms: Millis) -> None:
        """No more faults; everything that is broken is repaired now."""
        self._is_over = True
        self.store_down_until_ms = 0
        self._workforce.is_calm = True
        for server in self._cluster.servers.values():
            if not server.is_running:
                self._cluster.restart(at_ms, server)
            self._cluster.wake(at_ms, server)
            self._cluster.heal(at_ms, server)
            self._cluster.set_noise(at_ms, server, None)

    def _note_next(self, at_ms: Millis, rate: FaultRate) -> None:
        wait_ms = self._streams[rate.kind].exponential(rate.interval_ms_mean)
        self._agenda.add(at_ms + wait_ms, self._begin_random, rate)

    def _begin_random(self, at_ms: Millis, _serial: int, rate: FaultRate) -> None:
        if self._is_over:
            return
        stream = self._streams[rate.kind]
        duration_ms = stream.exponential(rate.duration_ms_mean)
        if rate.kind is FaultKind.CLOCK_STEP:
            duration_ms = stream.between(-rate.duration_ms_mean, rate.duration_ms_mean)
        self._begin(at_ms, ScriptedFault(at_ms, rate.kind, duration_ms, None, rate.intensity))
        self._note_next(at_ms, rate)

    def _begin_scripted(self, at_ms: Millis, _serial: int, fault: ScriptedFault) -> None:
        if not self._is_over:
            self._begin(at_ms, fault)

    def _begin(self, at_ms: Millis, fault: ScriptedFault) -> None:
        kind = fault.kind
        self.counts[kind] = self.counts.get(kind, 0) + 1
        end_ms = at_ms + fault.duration_ms
        if kind is FaultKind.CLOCK_STEP:
            self._calendar.step(fault.duration_ms)
        elif kind is FaultKind.STORE_DOWN:
            self.store_down_until_ms = max(self.store_down_until_ms, end_ms)
        elif kind is FaultKind.MASS_BREAK:
            self._workforce.send_on_break(at_ms, fault.intensity, fault.duration_ms)
        else:
            for server in self._servers(kind, fault.node_id):
                self._trouble(at_ms, kind, server, end_ms, fault.intensity)

    def _servers(self, kind: FaultKind, node_id: NodeId | None) -> tuple[Server, ...]:
        """Whom a fault of a node hits."""
        if not self._node_ids:
            return ()
        node = self._cluster.nodes[self._targets.pick(self._node_ids) if node_id is None else node_id]
        if kind is FaultKind.LOSE_PRIMARY:
            return node.servers[:1]
        if kind is FaultKind.LOSE_BACKUP:
            return node.servers[1:]
        if kind is FaultKind.HANG:
            return (node.in_use(),)
        return node.servers

    def _trouble(self, at_ms: Millis, kind: FaultKind, server: Server, end_ms: Millis, intensity: float) -> None:
        if kind in _LOSSES:
            self._cluster.kill(at_ms, server)
            key = FaultKind.LOSE_BOTH
        elif kind is FaultKind.HANG:
            self._cluster.hang(at_ms, server, end_ms)
            key = kind
        elif kind is FaultKind.PARTITION:
            self._cluster.cut(at_ms, server)
            key = kind
        else:
            self._cluster.set_noise(at_ms, server, _noise(kind, intensity))
            key = FaultKind.LATE_REPLIES
        end_ms = max(end_ms, self._ends_ms.get((key, server.server_id), 0))
        self._ends_ms[key, server.server_id] = end_ms
        self._agenda.add(end_ms, self._end, (key, server))

    def _end(self, at_ms: Millis, _serial: int, subject: tuple[FaultKind, Server]) -> None:
        key, server = subject
        if at_ms < self._ends_ms[key, server.server_id]:
            return
        if key is FaultKind.LOSE_BOTH:
            self._cluster.restart(at_ms, server)
        elif key is FaultKind.HANG:
            self._cluster.wake(at_ms, server)
        elif key is FaultKind.PARTITION:
            self._cluster.heal(at_ms, server)
        else:
            self._cluster.set_noise(at_ms, server, None)


def _noise(kind: FaultKind, intensity: float) -> Noise:
    if kind is FaultKind.LATE_REPLIES:
        return Noise(late_ratio=intensity)
    if kind is FaultKind.DUPLICATE_REPLIES:
        return Noise(duplicate_ratio=intensity)
    return Noise(lost_ratio=intensity)
