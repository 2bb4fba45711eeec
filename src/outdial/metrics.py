"""Counting while the server runs, cheaply: what one step adds costs about a microsecond.

`Meter` counts steps and looks at nothing else; a `Reading` is everything that there is to tell at one instant, taken
on the event loop; `metrics_text` turns it into text, wherever there is time for that. Series live as long as the
configuration knows their objects, so their number is that of the configuration's objects.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TypeAlias

from outdial.core.commands import Command, SettleAttempt
from outdial.core.events import ConfigurationLoaded, Event
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import Configuration
from outdial.core.snapshot import Snapshot
from outdial.core.units import GroupId, Millis, NodeId, Now
from outdial.drivers.runner import Core
from outdial.metrics_table import BY_NAME
from outdial.names import Names

NS = 1_000_000_000
ANSWERED = (CallResult.ANSWER, CallResult.ABANDONED, CallResult.DROPPED)
"""Results of calls that a person has answered, whatever was heard."""

Labels: TypeAlias = tuple[str, ...]
Sample: TypeAlias = tuple[Labels, float]


class Histogram:
    """How often a value fell into each bucket.

    Attributes:
        counts: by bucket, the one without a bound last; not cumulative.
        total: sum of all values, in the unit that they come in.
    """

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, name: str, per_unit: int) -> None:
        """Empty buckets.

        Args:
            name: of a metric in the table.
            per_unit: what values are in: so many of it are one unit of the metric. Range: ≥ 1.
        """
        self._bounds = tuple(round(bound * per_unit) for bound in BY_NAME[name].buckets)
        self.counts = [0] * (len(self._bounds) + 1)
        self.total = 0

    def add(self, value: int) -> None:
        """Count one value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class HistogramSample:
    """One histogram as it is told."""

    labels: Labels
    counts: tuple[int, ...]
    """By bucket, the one without a bound last; not cumulative."""
    total: float
    """Unit: that of the metric."""


@dataclass(slots=True)
class GroupTally:
    """What one campaign group's attempts have come to."""

    results: dict[CallResult, int] = field(default_factory=dict)
    persons: int = 0
    abandoned: int = 0
    talk_ms: Millis = 0
    answer: Histogram = field(default_factory=lambda: Histogram("outdial_dial_to_answer_seconds", 1_000))
    wait: Histogram = field(default_factory=lambda: Histogram("outdial_wait_for_agent_seconds", 1_000))


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything at one instant. Values may not change after it has been taken."""

    samples: Mapping[str, Sequence[Sample]]
    """Counters and gauges by metric."""
    histograms: Mapping[str, Sequence[HistogramSample]]
    snapshot: Snapshot


class Meter:
    """Counts. An observer of the runner.

    Attributes:
        names: of the configuration in effect.
    """

    def __init__(self, names: Names) -> None:
        """Nothing has happened yet."""
        self.names = names
        self._events: dict[type, int] = {}
        self._commands: dict[type, int] = {}
        self._groups: dict[GroupId, GroupTally] = {}
        self._nodes: dict[tuple[NodeId, Fault], int] = {}
        self._step = Histogram("outdial_step_seconds", NS)
        self._store: dict[str, Histogram] = {}

    # --- steps ---------------------------------------------------------------------------------------------------

    def timed(self, core: Core) -> Core:
        """The same core, with its steps timed."""
        return _TimedCore(core, self._step)

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Take note of one step."""
        kind = type(event)
        try:
            self._events[kind] += 1
        except KeyError:
            self._events[kind] = 1
        if kind is ConfigurationLoaded:
            assert isinstance(event, ConfigurationLoaded)
            self._follow(event.configuration)
        for command in commands:
            kind_of_command = type(command)
            try:
                self._commands[kind_of_command] += 1
            except KeyError:
                self._commands[kind_of_command] = 1
            if kind_of_command is SettleAttempt:
                assert isinstance(command, SettleAttempt)
                self._settled(command)

    def store_answered(self, operation: str, seconds: float) -> None:
        """The database has answered, well or not, after so long."""
        self._store.setdefault(operation, Histogram("outdial_store_seconds", NS)).add(round(seconds * NS))

    def _settled(self, attempt: SettleAttempt) -> None:
        tally = self._groups.get(attempt.group_id)
        if tally is None:
            tally = self._groups[attempt.group_id] = GroupTally()
        result, verdict = attempt.call_result, attempt.verdict
        tally.results[result] = tally.results.get(result, 0) + 1
        blamed = (attempt.node_id, attempt.fault)
        self._nodes[blamed] = self._nodes.get(blamed, 0) + 1
        tally.talk_ms += attempt.talk_ms
        if result in ANSWERED or (verdict is not None and verdict is not Verdict.SIT):
            tally.answer.add(attempt.ring_ms)
        if attempt.person:
            tally.persons += 1
            tally.abandoned += attempt.abandoned
            if attempt.agent_id is not None and result is CallResult.ANSWER:
                tally.wait.add(attempt.wait_ms)

    def _follow(self, configuration: Configuration) -> None:
        """Series of objects that have left the configuration end."""
        self.names = Names(configuration)
        groups = {group.dbid for group in configuration.campaign_groups}
        nodes = {node.dbid for node in configuration.nodes}
        self._groups = {group_id: tally for group_id, tally in self._groups.items() if group_id in groups}
        self._nodes = {key: count for key, count in self._nodes.items() if key[0] in nodes}

    # --- readings ------------------------------------------------------------------------------------------------

    def read(self, snapshot: Snapshot, more: Mapping[str, Sequence[Sample]] | None = None) -> Reading:
        """Everything that has been counted.

        Args:
            snapshot: of now; metrics that are states are told of it.
            more: what others know, by metric.
        """
        groups = [(self.names.group(group_id), tally) for group_id, tally in self._groups.items()]
        samples: dict[str, Sequence[Sample]] = {
            "outdial_steps_total": [((kind.__name__,), count) for kind, count in self._events.items()],
            "outdial_commands_total": [((kind.__name__,), count) for kind, count in self._commands.items()],
            "outdial_attempts_total": [
                ((name, result.name.lower()), count)
                for name, tally in groups
                for result, count in tally.results.items()
            ],
            "outdial_node_attempts_total": [
                ((self.names.node(node_id), fault.value), count) for (node_id, fault), count in self._nodes.items()
            ],
            "outdial_persons_total": [((name,), tally.persons) for name, tally in groups],
            "outdial_abandoned_total": [((name,), tally.abandoned) for name, tally in groups],
            "outdial_talk_seconds_total": [((name,), tally.talk_ms / 1_000) for name, tally in groups],
            **(more or {}),
        }
        histograms = {
            "outdial_step_seconds": [_frozen((), self._step, NS)],
            "outdial_dial_to_answer_seconds": [_frozen((name,), tally.answer, 1_000) for name, tally in groups],
            "outdial_wait_for_agent_seconds": [_frozen((name,), tally.wait, 1_000) for name, tally in groups],
            "outdial_store_seconds": [_frozen((name,), histogram, NS) for name, histogram in self._store.items()],
        }
        return Reading(samples, histograms, snapshot)


def _frozen(labels: Labels, histogram: Histogram, per_unit: int) -> HistogramSample:
    return HistogramSample(labels, tuple(histogram.counts), histogram.total / per_unit)


class _TimedCore:
    """A core whose steps are timed."""

    def __init__(self, core: Core, histogram: Histogram) -> None:
        self._step = core.step
        self.next_deadline = core.next_deadline
        self._add = histogram.add

    def step(self, now: Now, event: Event) -> list[Command]:
        """One event in, commands out."""
        began_ns = perf_counter_ns()
        commands = self._step(now, event)
        self._add(perf_counter_ns() - began_ns)
        return commands
