"""A stand-in for the SIP side of a server: every node is up, every callee is a person, every agent answers.

Or one callee in so many is a person, and the others let it ring.

It speaks the core's vocabulary alone, so that what is tested with it is the service and nothing below it.
"""

import asyncio
from collections.abc import Callable, Sequence

from outdial.core.commands import (
    Command,
    Connect,
    Dial,
    Disconnect,
    Engage,
    Join,
    PlayMessage,
    QueryCalls,
    Release,
    ReleaseEngaging,
    StartIvr,
    SubscribePhones,
    Transfer,
)
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
    EngagingAccepted,
    EngagingReleased,
    Event,
    IvrStarted,
    MessageEnded,
    MessageStarted,
    PhoneState,
    PhoneStateChanged,
    ServerConnected,
    VerdictReached,
)
from outdial.core.results import Verdict
from outdial.core.settings import Configuration
from outdial.core.units import CallId
from outdial.drivers.asterisk import AsteriskSettings

NORMAL_CLEARING = 16
NO_ANSWER = 19
RING_S = 0.2
"""How long it rings in vain."""
COMMANDS = (
    *(Connect, Disconnect, QueryCalls, SubscribePhones, Dial, Engage),
    *(Transfer, Join, StartIvr, PlayMessage, Release, ReleaseEngaging),
)


class HealthyCluster:
    """Answers every command at once, except that conversations last a while.

    Attributes:
        carried: every command to a server, in order.
        configured: every configuration, in order.
        is_deaf: releases are not carried out.
        misses: how many transfers still fail because the agent's phone rings in vain.
    """

    def __init__(
        self, emit: Callable[[Event], None], *, talk_s: float = 0.05, is_deaf: bool = False, person_in: int = 1
    ) -> None:
        self.carried: list[Command] = []
        self.configured: list[tuple[Configuration, tuple[AsteriskSettings, ...]]] = []
        self.is_deaf = is_deaf
        self.misses = 0
        self.is_closed = False
        self._emit = emit
        self._talk_s = talk_s
        self._person_in = person_in
        self._calls: dict[CallId, CallPhase] = {}

    def configure(self, configuration: Configuration, servers: Sequence[AsteriskSettings]) -> None:
        self.configured.append((configuration, tuple(servers)))

    async def close(self) -> None:
        self.is_closed = True

    def carry_out(self, command: Command) -> bool:
        if not isinstance(command, COMMANDS):
            return False
        self.carried.append(command)
        for event in self._answer(command):
            asyncio.get_running_loop().call_soon(self._emit, event)
        return True

    def _answer(self, command: Command) -> list[Event]:
        match command:
            case Connect(server_id):
                return [ServerConnected(server_id)]
            case QueryCalls(node_id, server_id, query_id):
                return [CallsReported(node_id, server_id, query_id, tuple(self._calls.items()))]
            case SubscribePhones(node_id, _, phones):
                return [PhoneStateChanged(node_id, phone, PhoneState.IDLE) for phone in phones]
            case Dial(call_id):
                return self._dial(command, call_id)
            case Engage(call_id):
                self._calls[call_id] = CallPhase.ANSWERED
                return [EngagingAccepted(call_id), AgentEngaged(call_id)]
            case Transfer(call_id) if self.misses:
                self.misses -= 1
                return [ConnectFailed(call_id, "nobody answers")]
            case Transfer(call_id) | Join(call_id):
                return self._talk(call_id, CallConnected(call_id))
            case StartIvr(call_id):
                return self._talk(call_id, IvrStarted(call_id))
            case PlayMessage(call_id):
                return [MessageStarted(call_id), MessageEnded(call_id)]
            case Release(call_id) if not self.is_deaf:
                return self._end(call_id)
            case ReleaseEngaging(call_id) if not self.is_deaf:
                self._calls.pop(call_id, None)
                return [EngagingReleased(call_id)]
        return []

    def _dial(self, command: Dial, call_id: CallId) -> list[Event]:
        signs: list[Event] = [DialAccepted(call_id), CalleeAlerting(call_id), CalleeAnswered(call_id)]
        self._calls[call_id] = CallPhase.ANSWERED
        if call_id % self._person_in:
            self._calls[call_id] = CallPhase.ALERTING
            asyncio.get_running_loop().call_later(RING_S, self._hang_up, call_id, NO_ANSWER)
            return signs[:2]
        if command.agent_id is not None:
            return self._talk(call_id, *signs)
        return [*signs, VerdictReached(call_id, Verdict.PERSON)] if command.call_progress_detection else signs

    def _talk(self, call_id: CallId, *events: Event) -> list[Event]:
        self._calls[call_id] = CallPhase.CONNECTED
        asyncio.get_running_loop().call_later(self._talk_s, self._hang_up, call_id)
        return list(events)

    def _hang_up(self, call_id: CallId, cause: int = NORMAL_CLEARING) -> None:
        if call_id in self._calls:
            for event in self._end(call_id, cause):
                self._emit(event)

    def _end(self, call_id: CallId, cause: int = NORMAL_CLEARING) -> list[Event]:
        self._calls.pop(call_id, None)
        return [CallReleased(call_id, q850_cause=cause)]
