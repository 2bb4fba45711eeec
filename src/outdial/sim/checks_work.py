"""Bounded work: no step does more than what it is about, and nothing grows without limit.

Checkers:

* `work`: commands per step. Orders that start something are bounded by ports, agents and buffers; everything else by
  what the event is about: one call or agent, or all that a node, a group or a configuration touches. Deadlines do not
  keep a moment from passing.
* `growth`: the deadline heap stays within a constant factor of what was ever armed at once, buffers within their
  optimum, registries within the objects that they are about.

Source: design section 7, item 8.
"""

from collections.abc import Sequence

from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import (
    CancelRecord,
    Command,
    Dial,
    Engage,
    FetchCallbacks,
    FetchRecords,
    OfferRecord,
    ReturnRecord,
    TreatRecord,
)
from outdial.core.deadlines import STALE_SLACK
from outdial.core.dialer import DEADLINES_PER_STEP_MAX
from outdial.core.events import (
    CallsReported,
    ConfigurationLoaded,
    DeadlineReached,
    Event,
    GroupPauseRequested,
    GroupStopRequested,
    NodePromoteRequested,
    RecordsFetched,
    ServerConnected,
    ServerLost,
)
from outdial.core.recent_calls import NUMBERS_MAX
from outdial.core.units import GroupId, Millis
from outdial.sim.checks_picture import Picture

REACTIONS_MAX = 16
"""Commands that a step about one call or agent may give besides those that start something. Ours."""
REACTIONS_PER_OBJECT_MAX = 4
"""The same for each object of a step about many: release, settlement, the agent's new state, one more. Ours."""
STEPS_PER_INSTANT_MAX = 50
"""Deadline steps within one millisecond, beyond one for each `DEADLINES_PER_STEP_MAX` armed ones. Ours."""
_MANY = (
    *(CallsReported, ConfigurationLoaded, DeadlineReached, ServerConnected, ServerLost),
    *(GroupPauseRequested, GroupStopRequested, NodePromoteRequested),
)


class WorkChecks:
    """Watches the size of steps and of memory.

    Attributes:
        commands_max: commands of the largest step so far.
    """

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._state = picture.state
        self.commands_max = 0
        self._armed_max = 0
        self._optima: dict[GroupId, int] = {}
        """Largest optimum that each group has had: what its buffer may hold."""
        self._longest_chain = 1
        self._deadline_ms: Millis = -1
        self._deadline_steps = 0

    def load(self) -> None:
        """The configuration has changed."""
        for group_id, settings in self._picture.groups.items():
            self._optima[group_id] = max(self._optima.get(group_id, 0), settings.optimal_record_buffer)

    def after_step(self, event: Event, commands: Sequence[Command]) -> None:
        """The commands of one step."""
        if type(event) is RecordsFetched:
            self._longest_chain = max([self._longest_chain, *(len(chain.records) for chain in event.chains)])
        if len(commands) > self.commands_max:
            self.commands_max = len(commands)
        if len(commands) > REACTIONS_MAX:
            self._check_commands(event, commands)
        armed = len(self._state.deadlines)
        if armed > self._armed_max:
            self._armed_max = armed
        if type(event) is DeadlineReached:
            self._check_deadlines(armed)

    def _check_commands(self, event: Event, commands: Sequence[Command]) -> None:
        state, picture = self._state, self._picture
        dials = sum(isinstance(command, Dial | Engage) for command in commands)
        offers = sum(isinstance(command, OfferRecord) for command in commands)
        records = sum(isinstance(command, ReturnRecord | CancelRecord | TreatRecord) for command in commands)
        fetches = sum(isinstance(command, FetchRecords | FetchCallbacks) for command in commands)
        ports = sum(pool.ports for pool in state.pools.values())
        buffers = sum(self._optima.values())
        chains = len(event.chains) if isinstance(event, RecordsFetched | CallbacksFetched) else 0
        objects = 0
        if isinstance(event, _MANY):
            objects = len(state.agents) + len(picture.legs) + len(state.nodes) + len(state.groups)
            objects += DEADLINES_PER_STEP_MAX + (len(event.calls) if isinstance(event, CallsReported) else 0)
        for what, count, most in (
            ("calls are ordered", dials, ports + 1),
            ("records are offered", offers, len(state.agents)),
            ("records go back", records, (buffers + chains + len(state.agents)) * self._longest_chain),
            ("fetches are ordered", fetches, 2 * len(state.groups)),
            (
                "other commands are given",
                len(commands) - dials - 2 * offers - records - fetches,
                REACTIONS_MAX + REACTIONS_PER_OBJECT_MAX * objects,
            ),
        ):
            if count > most:
                picture.fail("work", f"{count} {what} in one step, at most {most}")

    def _check_deadlines(self, armed: int) -> None:
        now_ms = self._picture.mono_ms
        if now_ms != self._deadline_ms:
            self._deadline_ms, self._deadline_steps = now_ms, 0
        self._deadline_steps += 1
        if self._deadline_steps > STEPS_PER_INSTANT_MAX + armed // DEADLINES_PER_STEP_MAX:
            self._picture.fail("work", f"{self._deadline_steps} deadline steps in one millisecond, {armed} armed")

    def sweep(self) -> None:
        """Sizes of everything that is kept."""
        state, picture = self._state, self._picture
        heap = len(state.deadlines._heap)
        most = 2 * self._armed_max + STALE_SLACK + 1
        if heap > most:
            picture.fail("growth", f"the deadline heap has {heap} entries, at most {self._armed_max} were ever armed")
        for group in state.groups.values():
            # an optimum that was made smaller is reached by dialing
            if len(group.buffer) > self._optima[group.group_id]:
                picture.fail(
                    "growth",
                    f"group {group.group_id} has {len(group.buffer)} chains, its optimum never was above "
                    f"{self._optima[group.group_id]}",
                )
        # an agent has a state that ends and a leave, a group a look, a fetch and its callbacks
        keys = len(state.attempts) + len(state.engagings) + 2 * len(state.agents) + 3 * len(state.groups)
        keys += len(state.links) + len(state.nodes) + len(state.pools)
        for what, count, most in (
            ("deadlines", len(state.deadlines), keys),
            ("recent numbers", len(state.recent), NUMBERS_MAX if state.recent.is_kept else 0),
            ("phones", len(state.phones), len(state.agents)),
            ("links", len(state.links), 2 * len(state.nodes)),
            ("ledgers by group", sum(len(pool.held) for pool in state.pools.values()), 2 * len(state.groups)),
            ("waiting groups", sum(len(pool.waiting) for pool in state.pools.values()), len(state.groups)),
            ("groups to look at after the step", len(state.dirty) + len(state.freed_pools), 0),
        ):
            if count > most:
                picture.fail("growth", f"{count} {what}, at most {most}")
