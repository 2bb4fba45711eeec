"""What a pacer sees of the model, what it is told, and what it is.

Fields marked "not for pacers" are known to the model and to bounds that know all.
"""

from collections import deque
from typing import Protocol

from bench.pacing.cells import Break, Cell
from outdial.core.units import Millis


class Call:
    """One attempt."""

    __slots__ = ("dialed_at", "is_person", "picked_at", "record", "talk_ms", "verdict_at", "waiting_since", "work_ms")

    def __init__(self, record: int, dialed_at: Millis) -> None:
        self.record = record
        self.dialed_at = dialed_at
        self.picked_at: Millis | None = None
        self.verdict_at: Millis = 0
        """When its outcome will be known: not for pacers, except those that know all."""
        self.is_person = False
        """The same."""
        self.talk_ms: Millis = 0
        self.work_ms: Millis = 0
        self.waiting_since: Millis | None = None


class Agent:
    """One agent. `state`: "free", "talk", "work" or "away"."""

    __slots__ = ("leaves", "number", "since", "state", "until")

    def __init__(self, number: int) -> None:
        self.number = number
        self.state = "free"
        self.since: Millis = 0
        self.until: Millis = 0
        """End of the conversation with its after-call work: only for pacers that know all."""
        self.leaves: Break | None = None
        """Goes on this break when done."""


class Floor:
    """What a dialer sees.

    Attributes:
        free: free agents, longest idle first.
        busy: agents in conversation or after-call work.
        calls: calls in flight. Shape: {record: call}.
        waiting: persons without an agent.
        target: the abandonment that is allowed.
        persons, abandoned: so far today.
    """

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.free: deque[Agent] = deque()
        self.busy: dict[int, Agent] = {}
        self.calls: dict[int, Call] = {}
        self.waiting: deque[Call] = deque()
        self.target = cell.target
        self.day_ms = cell.day_ms
        self.persons = 0
        self.abandoned = 0


class Pacer(Protocol):
    """How many calls to start. All instants are ms since the start of the day."""

    tick_ms: Millis
    """Period of decisions that nothing happened for. 0: none."""
    by_event: bool
    """Decide at every event, too."""

    def wanted(self, now: Millis, floor: Floor) -> int:
        """Calls to start now."""
        ...

    def dialed(self, now: Millis, call: Call) -> None:
        """A call was started."""
        ...

    def picked_up(self, now: Millis, call: Call) -> None:
        """Somebody or something answered."""
        ...

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """The outcome is known."""
        ...

    def fate(self, now: Millis, abandoned: bool) -> None:
        """An answered person got an agent, or did not."""
        ...

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """An agent's state changed from `before`, which had begun at `since`."""
        ...


class Silent:
    """The part of a pacer that listens to nothing."""

    tick_ms: Millis = 0
    by_event = True

    def dialed(self, now: Millis, call: Call) -> None:
        """Nothing."""

    def picked_up(self, now: Millis, call: Call) -> None:
        """Nothing."""

    def resolved(self, now: Millis, call: Call, person: bool) -> None:
        """Nothing."""

    def fate(self, now: Millis, abandoned: bool) -> None:
        """Nothing."""

    def agent(self, now: Millis, agent: Agent, before: str, since: Millis) -> None:
        """Nothing."""
