"""Traces: one span for each attempt, from the dial request to the settlement, through the API of OpenTelemetry.

Who collects spans, how many of them and where they go is decided by the operator's SDK (`tracing_setup`). Instants
are those of the dialer's steps: durations follow the monotonic clock, so a clock that is set in between bends none.

Attributes have the names of the semantic conventions of OpenTelemetry where there are any (`network.protocol.name`,
`error.type`), and begin with `outdial.` otherwise. No telephone number is among them. Ours (decision 0026).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from outdial.attempt_ids import attempt_id
from outdial.core.commands import Command, Dial, Join, PlayMessage, Release, SettleAttempt, StartIvr, Transfer
from outdial.core.events import (
    CallConnected,
    CalleeAlerting,
    CalleeAnswered,
    CallReleased,
    ConfigurationLoaded,
    ConnectFailed,
    DialAccepted,
    DialRejected,
    Event,
    IvrAgentRequested,
    IvrStarted,
    MessageEnded,
    MessageStarted,
    VerdictReached,
)
from outdial.core.results import Fault
from outdial.core.units import CallId, Millis, Now
from outdial.names import Names

NS_PER_MS = 1_000_000
EVENTS: Mapping[type, str] = {
    DialAccepted: "accepted",
    DialRejected: "rejected",
    CalleeAlerting: "alerting",
    CalleeAnswered: "answered",
    VerdictReached: "verdict",
    CallConnected: "connected",
    ConnectFailed: "connect failed",
    IvrStarted: "ivr started",
    IvrAgentRequested: "agent wanted",
    MessageStarted: "message started",
    MessageEnded: "message ended",
    CallReleased: "released",
}
"""Facts about a call that become events of its span."""
ORDERS: Mapping[type, str] = {
    Transfer: "transfer ordered",
    Join: "join ordered",
    StartIvr: "ivr ordered",
    PlayMessage: "message ordered",
    Release: "release ordered",
}
"""Orders about a call that become events of its span."""
BLAMED = (Fault.NODE, Fault.OURS)
"""Faults that make an attempt an error; a callee who is busy is none."""


@dataclass(frozen=True, slots=True)
class _Open:
    """The span of an attempt that is not settled."""

    span: Span
    mono_ms: Millis
    utc_ms: int

    def ns(self, now: Now) -> int:
        """An instant as the span has it. Unit: ns since 1970."""
        return (self.utc_ms + now.mono_ms - self.mono_ms) * NS_PER_MS


class Tracing:
    """Turns steps into spans. An observer of the runner."""

    def __init__(self, tracer: Tracer, names: Names, epoch: int) -> None:
        """Nothing is being dialed yet.

        Args:
            tracer: makes the spans.
            names: of the configuration.
            epoch: number of this start, for the ids of attempts.
        """
        self._tracer = tracer
        self._names = names
        self._epoch = epoch
        self._open: dict[CallId, _Open] = {}

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Take note of one step."""
        name = EVENTS.get(type(event))
        if name is not None:
            self._add(now, cast(Any, event).call_id, name, _details(event))
        elif isinstance(event, ConfigurationLoaded):
            self._names = Names(event.configuration)
        for command in commands:
            if isinstance(command, Dial):
                self._begin(now, command)
            elif isinstance(command, SettleAttempt):
                self._end(now, command)
            elif (order := ORDERS.get(type(command))) is not None:
                self._add(now, cast(Any, command).call_id, order, {})

    def close(self, now: Now) -> None:
        """The server comes to its end: what is left open ends without a result."""
        for each in self._open.values():
            each.span.end(each.ns(now))
        self._open.clear()

    def _begin(self, now: Now, dial: Dial) -> None:
        names = self._names
        span = self._tracer.start_span(
            "attempt",
            kind=SpanKind.CLIENT,
            attributes={
                "network.protocol.name": "sip",
                "outdial.attempt.id": attempt_id(self._epoch, dial.call_id),
                "outdial.group.name": names.group(dial.group_id),
                "outdial.list.name": names.calling_list(dial.list_id),
                "outdial.record.id": dial.record_id,
                "outdial.node.name": names.node(dial.node_id),
                "outdial.server.name": names.server(dial.server_id),
            },
            start_time=now.utc_ms * NS_PER_MS,
        )
        self._open[dial.call_id] = _Open(span, *now)

    def _add(self, now: Now, call_id: CallId, name: str, details: Mapping[str, str | int]) -> None:
        there = self._open.get(call_id)
        if there is not None:
            there.span.add_event(name, dict(details), there.ns(now))

    def _end(self, now: Now, settled: SettleAttempt) -> None:
        there = self._open.pop(settled.call_id, None)
        if there is None:
            return
        result = settled.call_result.name.lower()
        found: dict[str, str | int | bool | None] = {
            "outdial.attempt.n": settled.attempt_n,
            "outdial.call.mode": settled.mode.value,
            "outdial.call.result": result,
            "outdial.call.fault": settled.fault.value,
            "outdial.call.verdict": settled.verdict,
            "outdial.call.sip_status": settled.sip_status,
            "outdial.call.q850_cause": settled.q850_cause,
            "outdial.call.ring_ms": settled.ring_ms,
            "outdial.call.wait_ms": settled.wait_ms,
            "outdial.call.talk_ms": settled.talk_ms,
            "outdial.call.abandoned": settled.abandoned,
            "outdial.agent.login": self._names.agent(settled.agent_id) or None,
            "outdial.disposition": settled.disposition.action.value,
            "error.type": result if settled.fault in BLAMED else None,
        }
        there.span.set_attributes({key: value for key, value in found.items() if value is not None})
        if settled.fault in BLAMED:
            there.span.set_status(Status(StatusCode.ERROR, f"{result} ({settled.fault})"))
        there.span.end(there.ns(now))


def _details(event: Event) -> Mapping[str, str | int]:
    """What an event of a span says besides its name."""
    match event:
        case VerdictReached():
            return {"outdial.call.verdict": event.verdict.value}
        case CallReleased():
            codes = {"outdial.call.sip_status": event.sip_status, "outdial.call.q850_cause": event.q850_cause}
            return {key: code for key, code in codes.items() if code is not None}
        case DialRejected() | ConnectFailed():
            return {"outdial.reason": event.reason}
        case _:
            return {}
