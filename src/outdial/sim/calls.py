"""Calls on simulated servers: from the request to the release, as a server and the far end live them.

A customer's call follows its callee's plan: refused, or ringing until it is answered, given up or cut off at the ring
limit; then a verdict, then whatever the dialer makes of it (transfer, join, IVR application, release), unless the
callee loses patience first. An engaging call rings an agent's phone and stays there, across customers, until somebody
hangs up.

Each call has one timer: the serial of its next act on the agenda. Whatever changes the call's course sets another one,
and the old entry finds its serial out of date. Acts that fall due on a frozen server wait until it wakes.
"""

from collections.abc import Callable
from typing import NamedTuple

from outdial.core.commands import Dial, Engage, Join, QueryCalls, Release, ReleaseEngaging, StartIvr, Transfer
from outdial.core.events import (
    AgentEngaged,
    CallConnected,
    CalleeAlerting,
    CalleeAnswered,
    CallPhase,
    CallReleased,
    CallsReported,
    ConnectFailed,
    DialAccepted,
    DialRejected,
    EngagingAccepted,
    EngagingReleased,
    Event,
    IvrAgentRequested,
    IvrStarted,
    VerdictReached,
)
from outdial.core.units import CallId, ListId, Millis, RecordId
from outdial.sim.callees import REFUSALS, Callees, Plan
from outdial.sim.clock import Action, Agenda
from outdial.sim.cluster import Cluster
from outdial.sim.lists import Lists
from outdial.sim.servers import AboutCall, Call, Link, Server
from outdial.sim.workforce import Phone, Workforce

UNKNOWN_CALL_MS: Millis = 5
"""How long it takes to hear that a call does not exist. Unit: ms. Ours: one round trip."""
PREVIEW_RING_MS_MAX: Millis = 5_000
"""How long a preview call rings the agent, who has just asked for it, before it gives up. Unit: ms. Ours."""
UNDER_WAY_MAX = 10_000
"""New calls whose servers are remembered until they act. Unit: calls. Those of lost connections are never acted on."""
UNTOLD_MAX = 1_000
"""Ended calls of lost links that are remembered before those of restored links are forgotten. Unit: calls."""
DOUBLE_DIALS_MAX = 100
"""Double dials that are remembered. Unit: calls. One is a bug already."""


class DoubleDial(NamedTuple):
    """A number that was dialed while a call to it was alive."""

    at_ms: Millis
    number: str
    older: CallId
    newer: CallId
    is_stale: bool
    """One of them was a request that a hung server acted on after its connection had been reset."""


class Exchange:
    """All calls of the world.

    Attributes:
        calls: those alive, by the core's number.
        double_dials: numbers that were dialed while a call to them was alive; bounded.
    """

    def __init__(self, agenda: Agenda, cluster: Cluster, workforce: Workforce, callees: Callees, lists: Lists) -> None:
        self.calls: dict[CallId, Call] = {}
        self.double_dials: list[DoubleDial] = []
        self._numbers: dict[str, Call] = {}
        self._under_way: dict[CallId, Server] = {}
        self._untold: dict[CallId, Server] = {}
        self._add = agenda.add
        self._emit = agenda.emit
        self._cluster = cluster
        self.report = cluster.report
        self._workforce = workforce
        self._callees = callees
        self.attempt_n: Callable[[ListId, RecordId], int] = lists.attempt_n
        cluster.drop_call = self._drop
        cluster.phone_state = workforce.phone_state
        workforce.report_phone = cluster.report_phone
        workforce.on_answer = self._phone_answered
        workforce.on_miss = self._phone_missed
        workforce.on_hang_up = self._phone_hung_up

    def send(self, now_ms: Millis, server: Server, command: Dial | Engage) -> None:
        """A new call: whatever is asked about it from now on goes the same way, behind it."""
        under_way = self._under_way
        if len(under_way) >= UNDER_WAY_MAX:
            del under_way[next(iter(under_way))]
        under_way[command.call_id] = server
        self._cluster.send(now_ms, server, self.dial if isinstance(command, Dial) else self.engage, command)

    def server_of(self, call_id: CallId) -> Server | None:
        """Where requests about a call go. None: nowhere, as the call is unknown to every server that could answer."""
        call = self.calls.get(call_id)
        if call is not None:
            return call.server
        return self._under_way.get(call_id) or self._untold.get(call_id)

    # --- requests, as they reach a server -------------------------------------------------------

    def dial(self, at_ms: Millis, server: Server, command: Dial) -> None:
        """Dial a customer; in preview modes the agent's phone first."""
        call_id = command.call_id
        self._under_way.pop(call_id, None)
        if call_id in self.calls:
            return
        if server.capacity_ports is not None and server.ports_used >= server.capacity_ports:
            if server.settings.refuses_by_release:
                self.report(at_ms, server, DialAccepted(call_id))
                self.report(at_ms, server, CallReleased(call_id, 503, 34))
            else:
                self.report(at_ms, server, DialRejected(call_id, "no free port", True))
            return
        call = Call(call_id, server, command.group_id, command.number, command.record_id)
        attempt_n = self.attempt_n(command.list_id, command.record_id)
        call.plan = self._callees.plan(at_ms, command.record_id, attempt_n, command.group_id)
        call.detects = command.call_progress_detection
        call.limit_ms = at_ms + command.ring_ms_max
        call.is_stale = self._cluster.is_waking
        self.calls[call_id] = call
        older = self._numbers.get(command.number)
        if older is not None and len(self.double_dials) < DOUBLE_DIALS_MAX:
            is_stale = older.is_stale or self._cluster.is_waking
            self.double_dials.append(DoubleDial(at_ms, command.number, older.call_id, call_id, is_stale))
        self._numbers[command.number] = call
        if command.agent_id is None:
            self.report(at_ms, server, DialAccepted(call_id))
            self._begin(at_ms, call, call.plan)
            return
        call.is_preview = True
        call.ring_ms_max = command.ring_ms_max
        refusal = self._workforce.ring(at_ms, command.phone, call, PREVIEW_RING_MS_MAX)
        if refusal:
            self._forget(at_ms, call)
            self.report(at_ms, server, DialRejected(call_id, refusal))
        else:
            self.report(at_ms, server, DialAccepted(call_id))

    def engage(self, at_ms: Millis, server: Server, command: Engage) -> None:
        """Call an agent's phone and hold the agent there."""
        call_id = command.call_id
        self._under_way.pop(call_id, None)
        if call_id in self.calls:
            return
        if server.capacity_ports is not None and server.ports_used >= server.capacity_ports:
            self.report(at_ms, server, DialRejected(call_id, "no free port", True))
            return
        call = Call(call_id, server, command.group_id, command.phone, 0)
        call.is_engaging = True
        self.calls[call_id] = call
        refusal = self._workforce.ring(at_ms, command.phone, call, command.ring_ms_max)
        if not refusal:
            call.phase = CallPhase.ALERTING
            self.report(at_ms, server, EngagingAccepted(call_id))
        elif refusal == "phone busy":
            self.report(at_ms, server, EngagingAccepted(call_id))
            self._end(at_ms, call)
        else:
            self._forget(at_ms, call)
            self.report(at_ms, server, DialRejected(call_id, refusal))

    def transfer(self, at_ms: Millis, server: Server, command: Transfer) -> None:
        """Ring an agent's phone for an answered customer."""
        call = self.calls.get(command.call_id)
        if call is None:
            self.report(at_ms, server, CallReleased(command.call_id))
        elif call.phase not in (CallPhase.ANSWERED, CallPhase.CONNECTED):
            self.report(at_ms, server, ConnectFailed(command.call_id, "not answered"))
        elif not call.with_agent and call.phone is None:
            refusal = self._workforce.ring(at_ms, command.phone, call, command.ring_ms_max)
            if refusal:
                self.report(at_ms, server, ConnectFailed(command.call_id, refusal))

    def join(self, at_ms: Millis, server: Server, command: Join) -> None:
        """Join an answered customer to an engaged agent."""
        call = self.calls.get(command.call_id)
        engaging = self.calls.get(command.engaging_call_id)
        if call is None:
            self.report(at_ms, server, CallReleased(command.call_id))
        elif call.with_agent:
            return
        elif engaging is None or engaging.phase is not CallPhase.ANSWERED or engaging.server is not call.server:
            self.report(at_ms, server, ConnectFailed(command.call_id, "agent is not engaged"))
        elif call.phase is not CallPhase.ANSWERED:
            self.report(at_ms, server, ConnectFailed(command.call_id, "not answered"))
        else:
            call.partner, engaging.partner = engaging, call
            engaging.phase = CallPhase.CONNECTED
            self._connect(at_ms, call, engaging.phone)

    def start_ivr(self, at_ms: Millis, server: Server, command: StartIvr) -> None:
        """Hand an answered customer to an IVR application."""
        call = self.calls.get(command.call_id)
        if call is None:
            self.report(at_ms, server, CallReleased(command.call_id))
        elif call.phase is CallPhase.ANSWERED and call.plan is not None:
            call.phase = CallPhase.CONNECTED
            self.report(at_ms, server, IvrStarted(command.call_id))
            if call.plan.wants_agent:
                call.timer = self._add(at_ms + call.plan.session_ms // 2, self._ask_for_agent, call)
            else:
                call.timer = self._add(at_ms + call.plan.session_ms, self.leave, call)

    def release(self, at_ms: Millis, server: Server, command: Release | ReleaseEngaging) -> None:
        """End a call, known or not."""
        call = self.calls.get(command.call_id)
        if call is not None:
            self._end(at_ms, call)
        elif isinstance(command, Release):
            self.report(at_ms, server, CallReleased(command.call_id))
        else:
            self.report(at_ms, server, EngagingReleased(command.call_id))

    def answer_unknown(self, now_ms: Millis, command: AboutCall) -> None:
        """No server has the call: the driver is told so whichever it asks."""
        kind = EngagingReleased if isinstance(command, ReleaseEngaging) else CallReleased
        self._add(now_ms + UNKNOWN_CALL_MS, self._emit_now, kind(command.call_id))

    def _emit_now(self, _at_ms: Millis, _serial: int, event: Event) -> None:
        self._emit(event)

    def query(self, at_ms: Millis, server: Server, command: QueryCalls) -> None:
        """Say which calls there are."""
        calls = tuple((call.call_id, call.phase) for call in server.calls.values())
        self.report(at_ms, server, CallsReported(command.node_id, command.server_id, command.query_id, calls))

    # --- what the callee does -------------------------------------------------------------------

    def _begin(self, at_ms: Millis, call: Call, plan: Plan) -> None:
        first_ms = at_ms + plan.first_ms
        action: Action = self._refuse if plan.kind in REFUSALS else self._alert
        if first_ms > call.limit_ms:
            first_ms, action = call.limit_ms, self._give_up
        call.timer = self._add(first_ms, action, call)

    def is_due(self, at_ms: Millis, serial: int, call: Call, action: Action) -> bool:
        """Whether this is still the call's next act, on a server that is able to act.

        A frozen server acts when it wakes. Ringing does not wait for it: the far end gives up at the ring limit.
        """
        if call.timer != serial:
            return False
        server = call.server
        if not server.is_hung:
            return True
        again_ms = server.wakes_at_ms + 1
        if call.phase in (CallPhase.DIALING, CallPhase.ALERTING) and again_ms > call.limit_ms:
            again_ms, action = max(at_ms, call.limit_ms), self._give_up
        call.timer = self._add(again_ms, action, call)
        return False

    def _alert(self, at_ms: Millis, serial: int, call: Call) -> None:
        plan = call.plan
        if plan is None or not self.is_due(at_ms, serial, call, self._alert):
            return
        call.phase = CallPhase.ALERTING
        self.report(at_ms, call.server, CalleeAlerting(call.call_id))
        answer_ms = at_ms + plan.ring_ms
        if answer_ms > call.limit_ms:
            call.timer = self._add(max(at_ms, call.limit_ms), self._give_up, call)
        else:
            call.timer = self._add(answer_ms, self._answer, call)

    def _refuse(self, at_ms: Millis, serial: int, call: Call) -> None:
        if call.plan is not None and self.is_due(at_ms, serial, call, self._refuse):
            self._end(at_ms, call, *REFUSALS[call.plan.kind])

    def _give_up(self, at_ms: Millis, serial: int, call: Call) -> None:
        """The ring limit: the server itself takes the request back."""
        if call.timer == serial:
            self._end(at_ms, call, 480 if call.call_id & 1 else 487, 19)

    def _answer(self, at_ms: Millis, serial: int, call: Call) -> None:
        plan = call.plan
        if plan is None or not self.is_due(at_ms, serial, call, self._answer):
            return
        call.phase = CallPhase.ANSWERED
        call.answered_at_ms = at_ms
        self.report(at_ms, call.server, CalleeAnswered(call.call_id))
        if call.is_preview:
            self._connect(at_ms, call, call.phone)
        elif call.detects and plan.verdict is not None and plan.verdict_ms < plan.patience_ms:
            call.timer = self._add(at_ms + plan.verdict_ms, self._judge, call)
        else:
            call.timer = self._add(at_ms + plan.patience_ms, self.leave, call)

    def _judge(self, at_ms: Millis, serial: int, call: Call) -> None:
        """Call progress detection has decided."""
        plan = call.plan
        if plan is not None and plan.verdict is not None and self.is_due(at_ms, serial, call, self._judge):
            self.report(at_ms, call.server, VerdictReached(call.call_id, plan.verdict))
            call.timer = self._add(max(at_ms, call.answered_at_ms + plan.patience_ms), self.leave, call)

    def _ask_for_agent(self, at_ms: Millis, serial: int, call: Call) -> None:
        if call.plan is not None and self.is_due(at_ms, serial, call, self._ask_for_agent):
            self.report(at_ms, call.server, IvrAgentRequested(call.call_id))
            call.timer = self._add(at_ms + call.plan.patience_ms, self.leave, call)

    def leave(self, at_ms: Millis, serial: int, call: Call) -> None:
        """The callee hangs up: out of patience, or at the end of the conversation or session."""
        if call.plan is not None and self.is_due(at_ms, serial, call, self.leave):
            self._end(at_ms, call, None, call.plan.end_cause)

    def _connect(self, at_ms: Millis, call: Call, phone: Phone | None) -> None:
        call.phase = CallPhase.CONNECTED
        call.with_agent = True
        if call.partner is None:
            call.give_port_back()
        if phone is not None:
            self._workforce.talk(at_ms, phone)
        self.report(at_ms, call.server, CallConnected(call.call_id))
        if call.plan is not None:
            call.timer = self._add(at_ms + call.plan.talk_ms, self.leave, call)

    # --- what the agent's phone does ------------------------------------------------------------

    def _phone_answered(self, at_ms: Millis, call: Call) -> None:
        if call.server.is_hung:
            self._add(call.server.wakes_at_ms + 1, self._phone_still_answered, call)
        elif call.is_engaging:
            call.phase = CallPhase.ANSWERED
            self.report(at_ms, call.server, AgentEngaged(call.call_id))
        elif call.is_preview and call.plan is not None:
            call.limit_ms = at_ms + call.ring_ms_max
            self._begin(at_ms, call, call.plan)
        else:
            self._connect(at_ms, call, call.phone)

    def _phone_still_answered(self, at_ms: Millis, _serial: int, call: Call) -> None:
        if call.phone is not None and self.calls.get(call.call_id) is call:
            self._phone_answered(at_ms, call)

    def _phone_missed(self, at_ms: Millis, call: Call) -> None:
        if call.is_engaging or call.is_preview:
            self._end(at_ms, call, 480, 19)
        else:
            self.report(at_ms, call.server, ConnectFailed(call.call_id, "no answer"))

    def _phone_hung_up(self, at_ms: Millis, call: Call) -> None:
        if call.is_engaging or call.is_preview or call.with_agent:
            self._end(at_ms, call)
        else:
            self.report(at_ms, call.server, ConnectFailed(call.call_id, "phone lost"))

    # --- the end --------------------------------------------------------------------------------

    def _end(self, at_ms: Millis, call: Call, sip_status: int | None = None, q850_cause: int = 16) -> None:
        """The call is over, and the server says so. A conversation ends on both legs if the agent's leg goes."""
        partner = call.partner
        self._forget(at_ms, call)
        server = call.server
        if server.link is not Link.UP or server.is_cut:
            self._remember_untold(call)
        if call.is_engaging:
            self.report(at_ms, server, EngagingReleased(call.call_id))
            if partner is not None:
                self._end(at_ms, partner)
        else:
            self.report(at_ms, server, CallReleased(call.call_id, sip_status, q850_cause))

    def _drop(self, at_ms: Millis, call: Call) -> None:
        """The server has died with the call on it."""
        self._forget(at_ms, call)
        self._remember_untold(call)

    def _forget(self, at_ms: Millis, call: Call) -> None:
        call.timer = 0
        self.calls.pop(call.call_id, None)
        call.server.calls.pop(call.call_id, None)
        call.give_port_back()
        if self._numbers.get(call.number) is call:
            del self._numbers[call.number]
        partner, call.partner = call.partner, None
        if partner is not None:
            partner.partner = None
            if partner.is_engaging:
                partner.phase = CallPhase.ANSWERED
                if partner.phone is not None:
                    self._workforce.end_talk(at_ms, partner.phone)
        if call.phone is not None:
            self._workforce.free(at_ms, call.phone)

    def _remember_untold(self, call: Call) -> None:
        if len(self._untold) >= UNTOLD_MAX:
            self._untold = {call_id: server for call_id, server in self._untold.items() if server.link is not Link.UP}
        self._untold[call.call_id] = call.server
