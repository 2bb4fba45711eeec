"""Agents: one conversation at most, registries that agree with the agents, and whose turn it is.

Checkers:

* `agent`: what the dialer remembers of an agent (state, call, engaging call, offer, phone) is what desktop, phone and
  calls have shown; a reserved or talking agent has something to be reserved for; a call has one agent, and the agent
  that call; an agent's leg knows its agent and its customer; who is busy is so for a campaign group, that of the call.
* `registry`: the queues of agent groups and campaign groups hold exactly who and what belongs there.
* `longest idle`: who is given a person or a record has been free the longest; persons do not wait beside free agents,
  and the one who has waited longest is served.

Source: design section 7, item 9 of the checkers' list; OCS "longest idle first".
"""

from collections import OrderedDict
from collections.abc import Iterable

from outdial.core.attempt import PENDING, WITH_IVR, AttemptState
from outdial.core.commands import AgentStateChanged, Join, OfferRecord, Transfer
from outdial.core.deadlines import Timer
from outdial.core.engaging import EngagingState
from outdial.core.modes import DialingMode
from outdial.core.units import AgentGroupId, AgentId, CallId, GroupId, Millis, ServerId
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_seen import LOGGED_OUT, SeenAgent

_BUSY = ("reserved", "talking", "after-call work")
_Queue = OrderedDict[AgentId, Millis]
"""Agents in the order in which they came to be idle. Shape: {agent: since when}."""


class AgentChecks:
    """Watches agents."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._state = picture.state
        self._free: dict[AgentGroupId, _Queue] = {}
        self._idle: dict[GroupId, _Queue] = {}
        """Engaged agents who wait for a customer, per campaign group."""

    def load(self) -> None:
        """The configuration has changed: who left an agent group no longer stands in its queue."""
        for agent_group_id, queue in self._free.items():
            for agent_id in list(queue):
                if agent_group_id not in self._picture.groups_of.get(agent_id, ()):
                    del queue[agent_id]

    # --- whose turn it is -------------------------------------------------------------------------

    def transferred(self, command: Transfer) -> None:
        """An agent is given a person."""
        leg = self._picture.legs[command.call_id]
        if leg.agent_group_id is not None:
            self._check_turn(self._free.get(leg.agent_group_id), command.agent_id, f"call {command.call_id}")
            self._check_line(command.call_id, self._state.agent_groups[leg.agent_group_id].waiting)
        self._give(command.agent_id, command.call_id)

    def joined(self, command: Join) -> None:
        """An engaged agent is given a person."""
        leg, legs = self._picture.legs[command.call_id], self._picture.legs
        # only an agent who is held on the same server can be joined
        there = OrderedDict(
            (agent_id, since_ms)
            for agent_id, since_ms in self._idle.get(leg.group_id, OrderedDict()).items()
            if self._server_of(agent_id) == leg.server_id
        )
        self._check_turn(there, command.agent_id, f"call {command.call_id}")
        line = self._state.groups[leg.group_id].waiting
        self._check_line(command.call_id, [call_id for call_id in line if legs[call_id].server_id == leg.server_id])
        self._give(command.agent_id, command.call_id)
        self._picture.legs[command.engaging_call_id].customer_id = command.call_id

    def offered(self, command: OfferRecord) -> None:
        """An agent is given a record to look at."""
        group_id = command.group_id
        agent_group_id = self._picture.groups[group_id].agent_group
        is_anybodys = not command.record.record_type.is_personal
        if is_anybodys and self._state.groups[group_id].mode is DialingMode.PUSH_PREVIEW and agent_group_id is not None:
            what = f"record {command.record.record_id}"
            self._check_turn(self._free.get(agent_group_id), command.agent_id, what)
        self._leave(command.agent_id)
        self._picture.agents[command.agent_id].offer = command.record.record_id

    def _server_of(self, agent_id: AgentId) -> ServerId | None:
        """Server on which an agent is held."""
        leg_id = self._picture.agents[agent_id].leg_id
        return None if leg_id is None else self._picture.legs[leg_id].server_id

    def _give(self, agent_id: AgentId, call_id: CallId) -> None:
        self._leave(agent_id)
        self._picture.agents[agent_id].call_id = call_id

    def _check_turn(self, queue: _Queue | None, agent_id: AgentId, what: str) -> None:
        if not queue:
            return
        first, since_ms = next(iter(queue.items()))
        # agents who came within one millisecond have the same right
        if first != agent_id and since_ms < queue.get(agent_id, self._picture.mono_ms):
            own = f"since {queue[agent_id]} ms" if agent_id in queue else "only now"
            self._picture.fail(
                "longest idle",
                f"agent {agent_id}, idle {own}, is given {what}; agent {first} is idle since {since_ms} ms",
            )

    def _check_line(self, call_id: CallId, line: Iterable[CallId]) -> None:
        """Nobody who still waits in the same line has waited longer."""
        attempts = self._state.attempts
        own_ms = attempts[call_id].waiting_since_ms
        for other in line:
            since_ms = attempts[other].waiting_since_ms
            if own_ms is None or since_ms is None or since_ms < own_ms:
                self._picture.fail(
                    "longest idle", f"call {call_id}, waiting since {own_ms} ms, is served; {other} since {since_ms} ms"
                )

    def told(self, command: AgentStateChanged) -> None:
        """For which campaign group an agent is busy."""
        leg = self._picture.legs.get(self._picture.agents[command.agent_id].call_id or 0)
        is_wrong = (command.group_id is not None) != (command.state in _BUSY)
        if is_wrong or (command.state == "talking" and leg is not None and leg.group_id != command.group_id):
            self._picture.fail("agent", f"agent {command.agent_id} is {command.state} for group {command.group_id}")

    def changed(self, agent_id: AgentId) -> None:
        """The agent may have ceased to be idle, within a step."""
        seen = self._picture.agents[agent_id]
        if seen.state == "reserved":
            return  # what for follows
        if not seen.is_free:
            self._leave_free(agent_id)
        if not self._is_engaged_idle(seen):
            self._leave_idle(agent_id)

    def _leave(self, agent_id: AgentId) -> None:
        self._leave_free(agent_id)
        self._leave_idle(agent_id)

    def _leave_free(self, agent_id: AgentId) -> None:
        for agent_group_id in self._picture.groups_of.get(agent_id, ()):
            queue = self._free.get(agent_group_id)
            if queue:
                queue.pop(agent_id, None)

    def _leave_idle(self, agent_id: AgentId) -> None:
        for queue in self._idle.values():
            queue.pop(agent_id, None)

    def _queue(self, seen: SeenAgent) -> None:
        """After a step: the agent stands where they belong."""
        agent_id, now_ms = seen.agent_id, self._picture.mono_ms
        for agent_group_id in self._picture.groups_of.get(agent_id, ()):
            queue = self._free.setdefault(agent_group_id, OrderedDict())
            if not seen.is_free:
                queue.pop(agent_id, None)
            elif agent_id not in queue:
                queue[agent_id] = now_ms
        if seen.leg_id is None:
            for queue in self._idle.values():
                queue.pop(agent_id, None)
            return
        queue = self._idle.setdefault(self._picture.legs[seen.leg_id].group_id, OrderedDict())
        if not self._is_engaged_idle(seen):
            queue.pop(agent_id, None)
        elif agent_id not in queue:
            queue[agent_id] = now_ms

    def _is_engaged_idle(self, seen: SeenAgent) -> bool:
        leg = self._picture.legs[seen.leg_id] if seen.leg_id is not None else None
        return (
            leg is not None
            and seen.state == "ready"
            and leg.is_engaged
            and leg.customer_id is None
            and leg.released_at_ms is None
            and leg.lost_at_ms is None
        )

    # --- after every step ---------------------------------------------------------------------------

    def look(self, agent_id: AgentId) -> None:
        """One agent whom the step was about, or all of them in a sweep."""
        seen = self._picture.agents.get(agent_id)
        agent = self._state.agents.get(agent_id)
        if seen is None or agent is None:
            return
        offer = agent.offer[1].records[0].record_id if agent.offer is not None else None
        known = (agent.state.value, agent.call_id, agent.engaging_id, agent.phone_state, offer)
        if known != (seen.state, seen.call_id, seen.leg_id, seen.phone_state, seen.offer):
            self._picture.fail("agent", f"the dialer remembers {known} of agent {agent_id}, seen was {seen}")
        if seen.state in ("reserved", "talking"):
            self._check_purpose(seen)
        elif seen.call_id is not None or seen.offer is not None:
            self._picture.fail("agent", f"agent {agent_id} is {seen.state} and has a call: {seen}")
        if seen.leg_id is not None:
            self._check_leg(seen, seen.leg_id)
        self._queue(seen)
        self._check_queues(seen)

    def _check_purpose(self, seen: SeenAgent) -> None:
        """Reserved or talking: for exactly one living thing."""
        if (seen.call_id is None) == (seen.offer is None):
            self._picture.fail("agent", f"agent {seen.agent_id} is {seen.state} for nothing, or for two things: {seen}")
        if seen.offer is not None and self._state.deadlines.at((Timer.AGENT, seen.agent_id)) is None:
            self._picture.fail("agent", f"agent {seen.agent_id} has an offer without a deadline")
        if seen.call_id is not None:
            attempt = self._state.attempts.get(seen.call_id)
            if attempt is None or attempt.agent_id != seen.agent_id:
                found = "which is over" if attempt is None else f"which is for agent {attempt.agent_id}"
                self._picture.fail("agent", f"agent {seen.agent_id} is {seen.state} on call {seen.call_id}, {found}")

    def _check_leg(self, seen: SeenAgent, leg_id: CallId) -> None:
        engaging = self._state.engagings[leg_id]
        leg = self._picture.engaging[leg_id]
        if engaging.agent_id != seen.agent_id or self._state.groups[engaging.group_id].engagings.get(leg_id) is None:
            self._picture.fail("agent", f"engaging call {leg_id} of agent {seen.agent_id} is filed elsewhere")
        if engaging.customer_call_id != leg.customer_id:
            self._picture.fail("agent", f"engaging call {leg_id} has customer {engaging.customer_call_id}: {leg}")
        is_joined = engaging.state is EngagingState.JOINED
        if is_joined != (leg.customer_id is not None) and leg.lost_at_ms is None and leg.released_at_ms is None:
            self._picture.fail("agent", f"engaging call {leg_id} is {engaging.state.value}: {leg}")

    def _check_queues(self, seen: SeenAgent) -> None:
        agent_id, state = seen.agent_id, seen.state
        for agent_group_id in self._picture.groups_of.get(agent_id, ()):
            group = self._state.agent_groups[agent_group_id]
            logged_in = state != LOGGED_OUT
            filed = (agent_id in group.logged_in, agent_id in group.working, agent_id in group.busy)
            if filed != (logged_in, logged_in and state != "not ready", state in _BUSY):
                self._picture.fail("registry", f"agent group {agent_group_id} counts {seen} as {filed}")
            if (agent_id in group.free) != seen.is_free:
                self._picture.fail("registry", f"agent group {agent_group_id}: free {agent_id in group.free}, {seen}")
            if group.free and group.waiting:
                self._picture.fail(
                    "longest idle", f"calls {list(group.waiting)} wait, agents {list(group.free)} are free"
                )
        if seen.leg_id is not None:
            group_id = self._picture.legs[seen.leg_id].group_id
            campaign_group = self._state.groups[group_id]
            is_idle = agent_id in campaign_group.engaged_idle
            if is_idle != self._is_engaged_idle(seen):
                self._picture.fail("registry", f"group {group_id}: engaged and idle {is_idle}, {seen}")
            if campaign_group.engaged_idle and campaign_group.waiting:
                servers = {self._server_of(idle_id) for idle_id in campaign_group.engaged_idle}
                waiting = [each for each in campaign_group.waiting if self._picture.legs[each].server_id in servers]
                if waiting:
                    idle = list(campaign_group.engaged_idle)
                    self._picture.fail("longest idle", f"calls {waiting} wait, agents {idle} are engaged and idle")

    # --- everything -------------------------------------------------------------------------------

    def sweep(self) -> None:
        """All agents, and all registries from the other side."""
        picture, state = self._picture, self._state
        for agent_id in picture.agents:
            self.look(agent_id)
        agents = state.agents
        for agent_group_id, group in state.agent_groups.items():
            members = [agent_id for agent_id, groups in picture.groups_of.items() if agent_group_id in groups]
            for name, queue in (("logged in", group.logged_in), ("working", group.working), ("busy", group.busy)):
                self._check_known(f"agent group {agent_group_id}, {name}", queue, members)
            self._check_known(f"agent group {agent_group_id}, free", group.free, members)
            running = [group_id for group_id in picture.running if self._agent_group(group_id) == agent_group_id]
            if sorted(group.running) != sorted(running):
                picture.fail("registry", f"agent group {agent_group_id}: runs {list(group.running)}, not {running}")
            self._check_order(f"agent group {agent_group_id}", group.free, self._free.get(agent_group_id))
        for group_id, campaign_group in state.groups.items():
            self._check_order(f"group {group_id}", campaign_group.engaged_idle, self._idle.get(group_id))
            legs = [leg.call_id for leg in picture.engaging.values() if leg.group_id == group_id]
            if sorted(legs) != sorted(campaign_group.engagings):
                picture.fail(
                    "registry", f"group {group_id}: engaging calls {list(campaign_group.engagings)}, not {legs}"
                )
        for engaging in state.engagings.values():
            if agents[engaging.agent_id].engaging_id != engaging.call_id:
                picture.fail("agent", f"engaging call {engaging.call_id} is not that of its agent")
        self._check_lines()

    def _agent_group(self, group_id: GroupId) -> AgentGroupId | None:
        return self._picture.groups[group_id].agent_group

    def _check_known(self, name: str, queue: Iterable[AgentId], members: list[AgentId]) -> None:
        strangers = [agent_id for agent_id in queue if agent_id not in members]
        if strangers:
            self._picture.fail("registry", f"{name}: agents {strangers} do not belong there")

    def _check_order(self, name: str, queue: Iterable[AgentId], own: _Queue | None) -> None:
        """The dialer's queue has the longest idle first."""
        since = [own[agent_id] if own and agent_id in own else -1 for agent_id in queue]
        if since != sorted(since) or -1 in since:
            self._picture.fail("longest idle", f"{name}: {list(queue)} are idle since {since} ms")

    def _check_lines(self) -> None:
        """Persons who wait and calls in flight, by the attempts' own states."""
        state = self._state
        waiting: dict[tuple[str, int], list[CallId]] = {}
        pending: dict[AgentGroupId, list[CallId]] = {}
        for call_id, attempt in state.attempts.items():
            if attempt.state is AttemptState.WAITING:
                seizing = attempt.mode.is_seizing
                key = ("group", attempt.group_id) if seizing else ("agent group", attempt.agent_group_id or 0)
                waiting.setdefault(key, []).append(call_id)
            is_with_ivr = attempt.mode.is_gvp and attempt.agent_id is None and attempt.state in WITH_IVR
            is_with_ivr &= not attempt.is_routed
            if (attempt.state in PENDING or is_with_ivr) and attempt.agent_group_id is not None:
                pending.setdefault(attempt.agent_group_id, []).append(call_id)
        lines = {("group", group_id): group.waiting for group_id, group in state.groups.items()}
        lines |= {("agent group", group_id): group.waiting for group_id, group in state.agent_groups.items()}
        for key, line in lines.items():
            if sorted(line) != sorted(waiting.get(key, ())):
                self._picture.fail("registry", f"{key}: calls {list(line)} wait in line, not {waiting.get(key)}")
        for agent_group_id, group in state.agent_groups.items():
            if sorted(group.pending) != sorted(pending.get(agent_group_id, ())):
                self._picture.fail(
                    "registry",
                    f"agent group {agent_group_id}: in flight {list(group.pending)}, not {pending.get(agent_group_id)}",
                )
