"""The cheapest possible far side for the core: nodes, callees and agents whose answers are arithmetic, not dice.

It exists to measure the core. Every attempt is complete: fetched, paced, leased, dialed, accepted, alerting, then one
of: no answer, busy, machine, person → agent → conversation → after-call work; settled with a treatment.
"""

import heapq
from collections.abc import Callable
from typing import Any

from outdial.core import commands as c
from outdial.core import events as e
from outdial.core.dialer import Dialer
from outdial.core.modes import DialingMode
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult, Verdict
from outdial.core.settings import (
    Agent,
    AgentGroup,
    CallingList,
    Campaign,
    CampaignGroup,
    Configuration,
    DialerId,
    DialerKind,
    LoadBalancing,
    Node,
    Ocs,
    Switch,
    Treatment,
    TreatmentAction,
    Zone,
)
from outdial.core.units import Millis, Now

MODES = (
    DialingMode.PREDICTIVE,
    DialingMode.PROGRESSIVE,
    DialingMode.PREDICTIVE,
    DialingMode.PROGRESSIVE,
    DialingMode.PREDICTIVE_SEIZING,
)
TALK_MS = 30_000
WORK_MS = 5_000
UTC_0_MS = 1_800_000_000_000


def configuration(*, groups: int, ports: int, agents: int) -> Configuration:
    """A cluster of four nodes, one switch, `groups` dynamic campaign groups with `agents` agents in total."""
    nodes = tuple(Node(dbid, f"node-{dbid}", 1, dbid + 100) for dbid in (1, 2, 3, 4))
    people = tuple(Agent(dbid, f"agent-{dbid}", f"{10_000 + dbid}") for dbid in range(1, agents + 1))
    teams = tuple(
        AgentGroup(dbid, f"team-{dbid}", tuple(range(dbid, agents + 1, groups)), 1 + dbid % 4)
        for dbid in range(1, groups + 1)
    )
    retry = TreatmentAction.RETRY_IN
    zone = Zone("UTC", ((0, 0),))
    calling_list = CallingList(
        1,
        "list",
        zone,
        28_800,
        28_799,
        (
            Treatment(CallResult.BUSY, 1, retry, 3, 600_000, 300_000),
            Treatment(CallResult.NO_ANSWER, 1, retry, 2, 3_600_000),
            Treatment(CallResult.ANSWERING_MACHINE, 1, retry, 1, 7_200_000),
        ),
    )
    dialer = DialerId(DialerKind.SWITCH, 1)
    return Configuration(
        ocs=Ocs((1, 2, 3, 4), LoadBalancing.ROUND_ROBIN, 1),
        switches=(Switch(1, "switch", ports, True),),
        nodes=nodes,
        agents=people,
        agent_groups=teams,
        calling_lists=(calling_list,),
        campaigns=(Campaign(1, "campaign", ((1, 10),)),),
        campaign_groups=tuple(
            CampaignGroup(dbid, f"group-{dbid}", 1, dbid, MODES[dbid % len(MODES)], dialer, asm_channel_num=0)
            for dbid in range(1, groups + 1)
        ),
    )


class FarSide:
    """Drives a dialer through virtual time and keeps the journal of what it was told."""

    def __init__(self, settings: Configuration) -> None:
        self.settings = settings
        self.dialer = Dialer()
        self.journal: list[tuple[Now, e.Event]] = []
        self.settled = 0
        self._heap: list[tuple[Millis, int, e.Event]] = []
        self._serial = 0
        self._record_id = 0
        self._agent_of: dict[int, int] = {}
        self._phones = {agent.dbid: agent.phone for agent in settings.agents}
        self._handlers: dict[type, Callable[[Millis, Any], None]] = {
            c.Connect: self._connect,
            c.QueryCalls: self._query,
            c.SubscribePhones: self._subscribe,
            c.FetchRecords: self._fetch,
            c.Dial: self._dial,
            c.Transfer: self._transfer,
            c.Engage: self._engage,
            c.Join: self._transfer,
            c.Release: self._release,
            c.ReleaseEngaging: self._release_engaging,
            c.SettleAttempt: self._settle,
        }

    def run(self, attempts: int) -> None:
        """Start everything, then go on until this many attempts are settled."""
        self._step(0, e.ConfigurationLoaded(self.settings))
        for agent in self.settings.agents:
            self._step(0, e.AgentLoggedIn(agent.dbid, agent.phone))
            self._step(0, e.AgentBecameReady(agent.dbid))
        for group in self.settings.campaign_groups:
            self._step(0, e.GroupStartRequested(1, group.dbid))
        self.go_on(attempts)

    def go_on(self, attempts: int) -> None:
        """Go on until this many attempts are settled in all."""
        now_ms = self.journal[-1][0].mono_ms
        while self.settled < attempts:
            deadline_ms = self.dialer.next_deadline()
            due_ms = self._heap[0][0] if self._heap else None
            if due_ms is None or (deadline_ms is not None and deadline_ms < due_ms):
                assert deadline_ms is not None
                now_ms = max(now_ms, deadline_ms)
                self._step(now_ms, e.DeadlineReached())
            else:
                now_ms = max(now_ms, due_ms)
                self._step(now_ms, heapq.heappop(self._heap)[2])

    def _step(self, now_ms: Millis, event: e.Event) -> None:
        now = Now(now_ms, UTC_0_MS + now_ms)
        self.journal.append((now, event))
        for command in self.dialer.step(now, event):
            handler = self._handlers.get(type(command))
            if handler is not None:
                handler(now_ms, command)

    def _later(self, at_ms: Millis, event: e.Event) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (at_ms, self._serial, event))

    def _connect(self, now_ms: Millis, command: c.Connect) -> None:
        self._later(now_ms, e.ServerConnected(command.server_id))

    def _query(self, now_ms: Millis, command: c.QueryCalls) -> None:
        phase = e.CallPhase.DIALING  # the core knows better already; it only wants to hear that they are there
        calls = self.dialer.state.nodes[command.node_id].calls
        alive = tuple((call_id, phase) for call_id in calls)
        self._later(now_ms, e.CallsReported(command.node_id, command.server_id, command.query_id, alive))

    def _subscribe(self, now_ms: Millis, command: c.SubscribePhones) -> None:
        for phone in command.phones:
            agent = self.dialer.state.agents[self.dialer.state.phones[phone]]
            if agent.phone_state is e.PhoneState.UNKNOWN:
                self._later(now_ms, e.PhoneStateChanged(command.node_id, phone, e.PhoneState.IDLE))

    def _fetch(self, now_ms: Millis, command: c.FetchRecords) -> None:
        first = self._record_id + 1
        self._record_id += command.chains_max
        chains = tuple(
            Chain((Record(record_id, 1, str(4_000_000_000 + record_id)),))
            for record_id in range(first, self._record_id + 1)
        )
        self._later(now_ms + 5, e.RecordsFetched(command.group_id, command.fetch_id, chains))

    def _dial(self, now_ms: Millis, command: c.Dial) -> None:
        call_id = command.call_id
        luck = (call_id * 2_654_435_761) % 1_000
        self._later(now_ms + 20, e.DialAccepted(call_id))
        if luck < 80:
            self._later(now_ms + 1_500, e.CallReleased(call_id, 486, 17))
            return
        alerting_ms = now_ms + 1_000 + luck
        self._later(alerting_ms, e.CalleeAlerting(call_id))
        if luck < 450:
            self._later(alerting_ms + 20_000, e.CallReleased(call_id, 480, 19))
            return
        answered_ms = alerting_ms + 4_000 + 10 * luck
        self._later(answered_ms, e.CalleeAnswered(call_id))
        verdict = Verdict.PERSON if luck > 700 else Verdict.MACHINE
        self._later(answered_ms + 1_200, e.VerdictReached(call_id, verdict))

    def _transfer(self, now_ms: Millis, command: c.Transfer | c.Join) -> None:
        self._agent_of[command.call_id] = command.agent_id
        self._later(now_ms + 300, e.CallConnected(command.call_id))
        self._later(now_ms + TALK_MS, e.CallReleased(command.call_id, None, 16))

    def _engage(self, now_ms: Millis, command: c.Engage) -> None:
        self._later(now_ms + 20, e.EngagingAccepted(command.call_id))
        self._later(now_ms + 2_000, e.AgentEngaged(command.call_id))

    def _release(self, now_ms: Millis, command: c.Release) -> None:
        self._later(now_ms + 20, e.CallReleased(command.call_id))

    def _release_engaging(self, now_ms: Millis, command: c.ReleaseEngaging) -> None:
        self._later(now_ms + 20, e.EngagingReleased(command.call_id))

    def _settle(self, now_ms: Millis, command: c.SettleAttempt) -> None:
        self.settled += 1
        agent_id = self._agent_of.pop(command.call_id, None)
        if agent_id is not None:
            self._later(now_ms + WORK_MS, e.AgentBecameReady(agent_id))
