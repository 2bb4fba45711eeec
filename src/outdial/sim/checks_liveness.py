"""Progress: what could go on does go on, and in the end everything is at rest.

Once a second of virtual time the checkers look whether something is possible that does not happen.

Checkers:

* `idle`: a running group has everything that an attempt (an engaging call, an offer) needs, by the dialer's own memory,
  for `IDLE_MS_MAX`, and orders none. Somebody forgot to wake it.
* `no progress`: the same by the world's own account: agents who sit and wait, due records, active nodes and free
  ports, for `PROGRESS_MS_MAX` after the faults, and nothing is dialed. The dialer's memory is wrong about the world.
* `hang`: waking is armed for everything that waits (fetches, links that are down, active nodes), and what is due now
  and then has been done (shares of pools).
* `at rest`: in the end no attempt, no engaging call, no lease, nobody reserved or talking, nobody waiting; the world
  has no call and no claimed chain either.

Source: design section 7, item 7.
"""

from outdial.core.deadlines import Timer
from outdial.core.groups import Group, GroupState
from outdial.core.leaving import SLACK_MS
from outdial.core.modes import DialingMode
from outdial.core.pacing import progressive_form
from outdial.core.placement import fixed_node
from outdial.core.ports import PortKind
from outdial.core.units import MINUTE_MS, SECOND_MS, AgentId, GroupId, Millis
from outdial.sim.checks_calls import CallChecks
from outdial.sim.checks_picture import Picture
from outdial.sim.workforce import Doing

LOOK_MS: Millis = SECOND_MS
"""Time between two looks. Unit: ms of virtual time. Ours."""
IDLE_MS_MAX: Millis = 3 * SECOND_MS
"""How long a group may leave what it could do. Unit: ms. Ours: three looks."""
PROGRESS_MS_MAX: Millis = MINUTE_MS
"""How long the dialer's memory may be wrong about the world, beyond its audits. Unit: ms. Ours."""


class LivenessChecks:
    """Watches progress."""

    def __init__(self, picture: Picture, calls: CallChecks) -> None:
        self._picture = picture
        self._state = picture.state
        self._calls = calls
        self._look_at_ms: Millis = 0
        self._could_since: dict[GroupId, Millis] = {}
        self._could_really_since: dict[GroupId, Millis] = {}

    def progressed(self, group_id: GroupId) -> None:
        """The group has ordered something."""
        self._could_since.pop(group_id, None)
        self._could_really_since.pop(group_id, None)

    def after_step(self) -> None:
        """Look once a second."""
        now_ms = self._picture.mono_ms
        if now_ms >= self._look_at_ms:
            self._look_at_ms = now_ms + LOOK_MS
            self.look()

    def look(self) -> None:
        """All groups now."""
        picture, now_ms = self._picture, self._picture.mono_ms
        for group_id, group in self._state.groups.items():
            may_dial = group_id in picture.running and group_id not in picture.paused
            could = self._could(group) if may_dial else ""
            if not could:
                self._could_since.pop(group_id, None)
            elif now_ms - self._could_since.setdefault(group_id, now_ms) >= IDLE_MS_MAX:
                since_ms = self._could_since[group_id]
                picture.fail("idle", f"group {group_id} could {could} since {since_ms} ms, and says {group.hold}")
            could = self._could_really(group) if may_dial else ""
            if not could:
                self._could_really_since.pop(group_id, None)
                continue
            since_ms = self._could_really_since.setdefault(group_id, now_ms)
            if now_ms - since_ms >= PROGRESS_MS_MAX + self._state.ocs.audit_ms:
                picture.fail("no progress", f"group {group_id} could {could} since {since_ms} ms; {group.hold}")
        self._check_armed()

    # --- by the dialer's memory -------------------------------------------------------------------

    def _could(self, group: Group) -> str:
        """What the group could order now. Empty: nothing."""
        state, group_id = self._state, group.group_id
        if state.prime_id is None:
            return ""
        node = fixed_node(state, group)
        members = [node] if node is not None else state.connections
        if not any(member.refusal(state.mono_ms) is None for member in members):
            return ""
        agents = state.agent_group_of(group)
        if group.mode.needs_agents and (agents is None or not agents.logged_in):
            return ""
        if group.mode is DialingMode.PREVIEW:
            return ""
        if group.mode is DialingMode.PUSH_PREVIEW:
            unbound = [] if agents is None else [each for each in agents.free if not state.agents[each].callbacks]
            return "offer a record" if unbound and group.buffer else ""
        pool = state.pool_of(group.settings)
        if group.mode.is_seizing and agents is not None:
            part = -(-len(agents.working) // max(1, len(agents.running)))
            unbound = [agent_id for agent_id in agents.free if not state.agents[agent_id].callbacks]
            staying = [agent_id for agent_id in unbound if not self._leaves_soon(group, agent_id)]
            is_waiting = any(state.agents[agent_id].engage_after_ms <= state.mono_ms for agent_id in staying)
            has_room = isinstance(pool.room(group_id, PortKind.ENGAGING), int)
            if is_waiting and len(group.engagings) < part and has_room:
                return "engage an agent"
        if not isinstance(pool.room(group_id, PortKind.REGULAR), int) or not group.buffer:
            return ""
        return "dial" if self._wants(group) else ""

    def _wants(self, group: Group) -> bool:
        """Whether an attempt is wanted by the most careful form of its mode."""
        settings = group.settings
        if group.mode is DialingMode.POWER_GVP:
            return group.live < settings.maximum_queue_size
        agents = self._state.agent_group_of(group)
        if agents is None:
            return False
        if group.mode.is_seizing:
            waiting, pending = len(group.waiting), group.pending
            free = [agent_id for agent_id in group.engaged_idle if self._is_held_here(group, agent_id)]
        else:
            waiting, pending = len(agents.waiting), len(agents.pending)
            free = list(agents.free)
        available = sum(not self._leaves_soon(group, agent_id) for agent_id in free)
        # predictive modes never want fewer than one call for each agent who is there
        is_progressive = group.mode is progressive_form(group.mode) or group.pacing_mode is not group.mode
        millis = settings.progressive_multiplier_millis if is_progressive else 1_000
        if settings.campaign in self._state.ledgers:
            millis = min(millis, 1_000)  # one more abandoned call might break the campaign's limit
        uncovered_millis = millis * (available - waiting) - 1_000 * pending
        # the formula rounds: with an uneven multiplier one decision may leave less than one more agent's calls
        return uncovered_millis >= (1_000 if millis == 1_000 else millis + 1_000)

    def _leaves_soon(self, group: Group, agent_id: AgentId) -> bool:
        """Whether the agent has said that they leave while a call that is started now may still ring."""
        leaves_at_ms = self._picture.agents[agent_id].leaves_at_ms
        lead_ms = group.settings.ring_ms_max + SLACK_MS
        return leaves_at_ms is not None and leaves_at_ms <= self._picture.mono_ms + lead_ms

    def _is_held_here(self, group: Group, agent_id: AgentId) -> bool:
        """Whether an engaged agent is held on the server that the group dials on."""
        node, leg_id = fixed_node(self._state, group), self._picture.agents[agent_id].leg_id
        return node is not None and leg_id is not None and self._picture.legs[leg_id].server_id == node.server_id

    # --- by the world -----------------------------------------------------------------------------

    def _could_really(self, group: Group) -> str:
        """What would be possible, if the dialer's memory were right about the world. Empty: nothing."""
        picture, state = self._picture, self._state
        settings, world = picture.groups[group.group_id], picture.world
        if not world.workforce.is_calm or group.mode.is_preview or not self._has_node(group):
            return ""
        if any(leg.agent_group_id == settings.agent_group for leg in picture.legs.values()):
            return ""
        pool = state.pools[settings.dialer]
        maximum = pool.limits[group.group_id].maximum if group.group_id in pool.limits else 0
        if len(picture.books[settings.dialer].held) >= pool.ports - pool.reserved_ports or maximum == 0:
            return ""
        if not group.buffer and not self._has_due_records(settings.campaign):
            return ""
        if not group.mode.needs_agents:
            return "dial: records are due and ports are free"
        agents = world.workforce.agents.values()
        idle = [
            agent.agent_id
            for agent in agents
            if settings.agent_group in picture.groups_of.get(agent.agent_id, ())
            and agent.doing is Doing.EXPECTING
            and agent.phone.call is None
            and not self._leaves_soon(group, agent.agent_id)
        ]
        return f"dial: agents {idle} sit and wait, records are due and ports are free" if idle else ""

    def _has_node(self, group: Group) -> bool:
        """Whether the nodes that the group needs are connected in the world."""
        state, picture = self._state, self._picture
        prime = picture.prime_id
        node = fixed_node(state, group)
        members = [node] if node is not None else state.connections
        return prime is not None and any(
            picture.in_use[member.node_id] is not None and member.node_id not in picture.draining for member in members
        )

    def _has_due_records(self, campaign_id: int) -> bool:
        campaign = self._state.campaigns[campaign_id]
        by_id = self._picture.world.lists.by_id
        utc_ms = self._picture.utc_ms
        return any(by_id[list_id].has_due(utc_ms) for list_id, _ in campaign.lists if list_id in by_id)

    # --- wakings ----------------------------------------------------------------------------------

    def _check_armed(self) -> None:
        """Everything that waits has a deadline."""
        state, at = self._state, self._state.deadlines.at
        picture = self._picture
        for group in state.groups.values():
            if group.is_fetching and at((Timer.FETCH, group.group_id)) is None:
                picture.fail("hang", f"group {group.group_id} waits for records without a deadline")
        for pool in state.pools.values():
            age_ms = picture.mono_ms - pool.recalculated_at_ms
            if pool.limits and age_ms > state.ocs.port_recalculation_ms + LOOK_MS:
                picture.fail("hang", f"ports of pool {pool.name} were shared {age_ms} ms ago")
        for link in state.links.values():
            if link.is_primary and not link.is_up and at((Timer.SERVER, link.server_id)) is None:
                picture.fail("hang", f"server {link.server_id} is not connected, and nobody will try")
        for node_id, node in state.nodes.items():
            if node.is_active and state.ocs.audit_ms and at((Timer.NODE, node_id)) is None:
                picture.fail("hang", f"node {node_id} is not going to be asked for its calls")

    # --- the end ----------------------------------------------------------------------------------

    def at_end(self) -> None:
        """Groups were stopped, and everything has had its time."""
        picture, state = self._picture, self._state
        for group in state.groups.values():
            if group.state is GroupState.RUNNING:
                continue
            if group.state is not GroupState.STOPPED or group.live or group.engagings or group.buffer or group.waiting:
                picture.fail(
                    "at rest",
                    f"group {group.group_id} is {group.state.value}: {group.live} attempts, {len(group.engagings)} "
                    f"engaging calls, {len(group.buffer)} chains, {len(group.waiting)} persons",
                )
        if any(group.is_running for group in state.groups.values()):
            return
        left = list(picture.legs)[:9]
        if left or state.attempts or state.engagings or state.numbers:
            picture.fail("at rest", f"calls {left} never ended; numbers taken: {list(state.numbers)[:9]}")
        for pool in state.pools.values():
            leases = [*pool.common, *pool.charged, *pool.stranded]
            if leases or pool.waiting:
                picture.fail("at rest", f"pool {pool.name}: leases {leases[:9]}, waiting groups {list(pool.waiting)}")
        for agent in state.agents.values():
            if agent.state.value in ("reserved", "talking") or agent.engaging_id is not None:
                picture.fail("at rest", f"agent {agent.agent_id} is {agent.state.value}, leg {agent.engaging_id}")
        for agent_group_id, agent_group in state.agent_groups.items():
            if agent_group.waiting or agent_group.pending:
                picture.fail("at rest", f"agent group {agent_group_id}: persons {list(agent_group.waiting)[:9]} wait")
        alive = list(picture.world.live_calls.values())[:9]
        if alive:
            picture.fail("at rest", f"calls are alive that nobody knows of: {alive}")
        self._calls.at_end()
