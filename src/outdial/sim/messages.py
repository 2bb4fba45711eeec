"""Drop messages on simulated servers: the callee hears it to its end, unless out of patience before."""

from outdial.core.commands import PlayMessage
from outdial.core.events import CallPhase, CallReleased, MessageEnded, MessageStarted
from outdial.core.units import SECOND_MS, Millis
from outdial.sim.calls import Exchange
from outdial.sim.clock import Agenda
from outdial.sim.servers import Call, Server

MESSAGE_MS: Millis = 6 * SECOND_MS
"""How long a message is. Unit: ms. Ours."""
AFTER_MS: Millis = SECOND_MS
"""How long a callee stays after it. Unit: ms. Ours."""


class Messages:
    """Plays messages to callees.

    Attributes:
        heard: messages that began to play.
    """

    def __init__(self, exchange: Exchange, agenda: Agenda) -> None:
        self.heard = 0
        self._exchange = exchange
        self._add = agenda.add

    def play(self, at_ms: Millis, server: Server, command: PlayMessage) -> None:
        """Let an answered callee hear a message."""
        call = self._exchange.calls.get(command.call_id)
        if call is None:
            self._exchange.report(at_ms, server, CallReleased(command.call_id))
            return
        if call.phase not in (CallPhase.ANSWERED, CallPhase.CONNECTED) or call.with_agent or call.plan is None:
            self._exchange.report(at_ms, server, MessageEnded(command.call_id, played=False))
            return
        self.heard += 1
        self._exchange.report(at_ms, server, MessageStarted(command.call_id))
        end_ms = at_ms + MESSAGE_MS
        leave_ms = max(at_ms, call.answered_at_ms + call.plan.patience_ms)
        if call.phase is CallPhase.ANSWERED and leave_ms < end_ms:
            call.timer = self._add(leave_ms, self._exchange.leave, call)
        else:
            call.timer = self._add(end_ms, self._end, call)

    def _end(self, at_ms: Millis, serial: int, call: Call) -> None:
        if self._exchange.is_due(at_ms, serial, call, self._end):
            self._exchange.report(at_ms, call.server, MessageEnded(call.call_id))
            call.timer = self._add(at_ms + AFTER_MS, self._exchange.leave, call)
