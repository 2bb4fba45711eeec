"""Seizing modes on one Asterisk server: agents held in bridges, customers joined to them one after the other. Pure.

An engaged agent's leg runs in the Stasis application and waits alone in a bridge of its own. A customer of a seizing
group lands in the application, too, and is put into that bridge. When the customer hangs up, the agent's leg stays: the
manager interface's own `Bridge` would hang it up. The bridge goes when the agent's leg does.

| what the server says                             | what follows                                         |
|--------------------------------------------------|------------------------------------------------------|
| StasisStart of an agent's leg                    | make the bridge, put the leg into it                 |
| ChannelEnteredBridge of the agent's leg          | AgentEngaged                                         |
| StasisStart of a customer                        | the join that waits for it, if there is one          |
| ChannelEnteredBridge of a customer               | CallConnected                                        |
| a refusal of the agent's bridge                  | the leg is hung up                                   |
| a refusal of a join                              | ConnectFailed                                        |
| StasisStart of another run's leg                 | the leg is hung up                                   |
| ChannelLeftBridge of another run's bridge        | who is alone in it is hung up                        |
| StasisEnd of another run's leg                   | the bridge is deleted that would be that agent's     |

Requests about one bridge travel in one lane, so they reach the server in order.

Another run is a process that is gone: an application belongs to one process at a time. What another outdial has in an
application of its own is left alone: its legs are neither listed nor told here, and a bridge bears the name of its
application (what `GET /applications` says of bridges is not enough: on an agent's hang-up the server may drop the empty
bridge from there or keep it). A conversation of another run is left to end by itself.

Source: ours, measured on Asterisk 16.28 and 22.10 (decision 0013).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from outdial.core.commands import Join
from outdial.core.events import AgentEngaged, CallConnected, ConnectFailed, Event
from outdial.core.units import CallId
from outdial.drivers.ami import requests
from outdial.drivers.ami.requests import Action, call_of, channel_id, is_of_other_run
from outdial.drivers.ari.wire import (
    Application,
    AriEvent,
    AriReply,
    AriRequest,
    Bridge,
    ChannelEnteredBridge,
    ChannelLeftBridge,
    StasisEnd,
    StasisStart,
    path_of,
)


class Ask(NamedTuple):
    """A request whose reply matters."""

    request: AriRequest
    on_reply: Callable[[AriReply], "Effects"]


Effects = list[Ask | Action | Event]
"""What is to be done, in order."""


@dataclass(slots=True, eq=False)
class Held:
    """A leg in the Stasis application."""

    call_id: CallId
    is_there: bool = False
    """It has entered the application, or must be taken to have after a lost connection."""
    bridge_of: CallId | None = None
    """Engaging call whose bridge it is to be in; an agent's leg names itself."""
    waiting: Join | None = None
    """A join that came before the leg did."""


class Bridges:
    """Who is held and joined on one server, for one run."""

    def __init__(self, run: str, application: str, is_live: Callable[[CallId], bool]) -> None:
        """Nobody is held yet.

        Args:
            run: tells our channels from those of other processes.
            application: name of our Stasis application; our bridges bear it.
            is_live: whether a leg has not ended; the two connections of a server may tell it in either order.
        """
        self.held: dict[CallId, Held] = {}
        self._run = run
        self._application = application
        self._is_live = is_live

    def hear(self, event: AriEvent) -> Effects:
        """Take in one event of the application."""
        if isinstance(event, StasisStart):
            return self._entered(event)
        if isinstance(event, ChannelEnteredBridge):
            return self._bridged(event)
        if isinstance(event, ChannelLeftBridge):
            return self._left(event)
        if isinstance(event, StasisEnd):
            return self._gone(event)
        return []

    def join(self, command: Join) -> Effects:
        """Carry out `Join`: at once, or as soon as the customer is in the application."""
        leg = self.held.setdefault(command.call_id, Held(command.call_id))
        leg.bridge_of = command.engaging_call_id
        if leg.is_there:
            return [self._add(leg)]
        leg.waiting = command
        return []

    def ended(self, call_id: CallId) -> Effects:
        """A leg has hung up: an agent's takes its bridge along."""
        leg = self.held.pop(call_id, None)
        if leg is None or leg.bridge_of != call_id:
            return []
        return [self._delete(self._bridge(call_id))]

    def reconnected(self, bridges: Sequence[Bridge], engaged: Sequence[CallId]) -> Effects:
        """The connection is back, and events were missed. Called before anything else is asked of the server.

        Args:
            bridges: all bridges that the server has.
            engaged: engaging calls that were answered, whether or not their legs entered the application meanwhile.

        Returns:
            Requests that give every engaged agent a bridge, and take away those whose agent is gone.
        """
        for leg in self.held.values():
            leg.is_there = True  # the server says so when it is not
            leg.waiting = None  # the core has given that join up
        inside = {bridge.id: bridge.channels for bridge in bridges}
        effects: Effects = []
        for call_id in engaged:
            bridge = self._bridge(call_id)
            leg = self.held[call_id] = Held(call_id, is_there=True, bridge_of=call_id)
            if bridge not in inside:
                effects.append(self._make_bridge(leg))
            if channel_id(self._run, call_id) not in inside.get(bridge, ()):
                effects.append(self._add(leg))
        for each in bridges:
            owner = call_of(self._run, each.id.removesuffix("-b"))
            if owner is not None and not self._is_live(owner):
                effects.append(self._delete(each.id))
        return effects

    def left_behind(self, bridges: Sequence[Bridge], application: Application) -> Effects:
        """End what another run has in our application, except conversations. Called when the connection is up.

        Args:
            bridges: all bridges that the server has.
            application: what our application has.
        """
        talking = {channel for bridge in bridges if len(bridge.channels) > 1 for channel in bridge.channels}
        strays = [channel for channel in application.channel_ids if is_of_other_run(self._run, channel)]
        effects: Effects = [_hang_up_stray(channel) for channel in strays if channel not in talking]
        for bridge in bridges:  # those with a channel follow when it ends
            if bridge.name == self._application and not bridge.channels and self._is_of_other_run(bridge):
                effects.append(self._delete(bridge.id))
        return effects

    def reported(self, in_application: Mapping[CallId, bool]) -> Effects:
        """The server has listed its channels: hold those whose coming was missed, let go of those that are gone.

        Args:
            in_application: legs that are in the application, and whether each is an agent's.
        """
        effects: Effects = []
        for call_id in [call_id for call_id in self.held if not self._is_live(call_id)]:
            effects += self.ended(call_id)
        for call_id, is_agent in in_application.items():
            if call_id in self.held and (not is_agent or self.held[call_id].bridge_of is not None):
                continue
            leg = self.held[call_id] = Held(call_id, is_there=True, bridge_of=call_id if is_agent else None)
            if is_agent:
                effects += [self._make_bridge(leg), self._add(leg)]
        return effects

    # --- events --------------------------------------------------------------------------------------------------

    def _entered(self, event: StasisStart) -> Effects:
        if is_of_other_run(self._run, event.channel.id):  # it was ringing when that run ended
            return [_hang_up_stray(event.channel.id)]
        call_id = call_of(self._run, event.channel.id)
        if call_id is None or not self._is_live(call_id):
            return []
        leg = self.held.setdefault(call_id, Held(call_id))
        leg.is_there = True
        if event.args[:1] == ("agent",):
            leg.bridge_of = call_id
            return [self._make_bridge(leg), self._add(leg)]
        if leg.waiting is None:
            return []
        leg.waiting = None
        return [self._add(leg)]

    def _bridged(self, event: ChannelEnteredBridge) -> Effects:
        call_id = call_of(self._run, event.channel.id)
        leg = self.held.get(call_id) if call_id is not None else None
        if leg is None or leg.bridge_of is None or event.bridge.id != self._bridge(leg.bridge_of):
            return []
        return [AgentEngaged(leg.call_id) if leg.bridge_of == leg.call_id else CallConnected(leg.call_id)]

    def _left(self, event: ChannelLeftBridge) -> Effects:
        bridge = event.bridge
        if not self._is_of_other_run(bridge):
            return []
        strays = [channel for channel in bridge.channels if is_of_other_run(self._run, channel)]
        return [_hang_up_stray(strays[0])] if strays and len(bridge.channels) == 1 else []

    def _gone(self, event: StasisEnd) -> Effects:
        if is_of_other_run(self._run, event.channel.id):
            return [self._delete(f"{event.channel.id}-b")]
        call_id = call_of(self._run, event.channel.id)
        if call_id is not None and call_id in self.held:
            self.held[call_id].is_there = False
        return []

    # --- requests ------------------------------------------------------------------------------------------------

    def _is_of_other_run(self, bridge: Bridge) -> bool:
        return bridge.id.endswith("-b") and is_of_other_run(self._run, bridge.id.removesuffix("-b"))

    def _bridge(self, engaging_call_id: CallId) -> str:
        return f"{channel_id(self._run, engaging_call_id)}-b"

    def _make_bridge(self, leg: Held) -> Ask:
        bridge = self._bridge(leg.call_id)
        query = (("type", "mixing"), ("name", self._application))
        request = AriRequest("POST", path_of("bridges", bridge), query, bridge)
        return Ask(request, lambda reply: self._check_agent(leg, reply))

    def _add(self, leg: Held) -> Ask:
        assert leg.bridge_of is not None
        bridge = self._bridge(leg.bridge_of)
        query = (("channel", channel_id(self._run, leg.call_id)),)
        request = AriRequest("POST", path_of("bridges", bridge, "addChannel"), query, bridge)
        if leg.bridge_of == leg.call_id:
            return Ask(request, lambda reply: self._check_agent(leg, reply))
        return Ask(request, lambda reply: self._check_customer(leg, reply))

    def _delete(self, bridge: str) -> Ask:
        return Ask(AriRequest("DELETE", path_of("bridges", bridge), (), bridge), lambda _: [])

    def _check_agent(self, leg: Held, reply: AriReply) -> Effects:
        """Without a bridge the agent's leg is of no use."""
        if reply.is_done or self.held.get(leg.call_id) is not leg:
            return []
        return [requests.hang_up(channel_id(self._run, leg.call_id), f"hangup-{leg.call_id}")]

    def _check_customer(self, leg: Held, reply: AriReply) -> Effects:
        if reply.is_done or self.held.get(leg.call_id) is not leg:
            return []
        return [ConnectFailed(leg.call_id, f"the server refused the join ({reply.status})")]


def _hang_up_stray(channel: str) -> Action:
    return requests.hang_up(channel, f"stray-{channel}")  # not `hangup-`: the answer is about no call of ours
