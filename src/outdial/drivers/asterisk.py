"""One Asterisk server: its manager connection and, for seizing modes, its ARI connection, as one link of the core.

The server counts as connected only while all of its connections are up; when one of them is lost, the other is reset
before the core hears of it. So nothing is ever originated that nobody could join, and no request waits in a socket to
come to life after the core has moved on to the backup.

`calls`, `phones` and `bridges` decide what is said; this module only carries their effects to the right place.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

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
    CallReleased,
    CallsReported,
    ConnectFailed,
    EngagingReleased,
    Event,
    ServerConnected,
    ServerLost,
)
from outdial.core.settings import CampaignGroup
from outdial.core.units import CallId, GroupId, NodeId, ServerId
from outdial.drivers.ami import calls as ami_calls
from outdial.drivers.ami import phones as ami_phones
from outdial.drivers.ami.calls import Calls
from outdial.drivers.ami.effects import Grace
from outdial.drivers.ami.link import AmiAddress, AmiLink
from outdial.drivers.ami.phones import Phones
from outdial.drivers.ami.requests import Action, DialStrings
from outdial.drivers.ami.wire import Message, WireError
from outdial.drivers.ari.bridges import Ask, Bridges
from outdial.drivers.ari.link import AriLink
from outdial.drivers.ari.session import AriAddress
from outdial.drivers.ari.wire import (
    Application,
    AriEvent,
    AriGarbled,
    AriReply,
    AriRequest,
    decode_application,
    decode_bridges,
    path_of,
)

T = TypeVar("T")
Effect = Ask | Grace | Action | Event
ABOUT_ENDS = (CallReleased, EngagingReleased)
DEFAULT_STRINGS = DialStrings()
EARLY_MAX = 20_000
"""Messages that may wait for ARI to come up. Unit: messages. Ours: some seconds of a busy server."""


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """One server application, as the driver needs it."""

    server_id: ServerId
    node_id: NodeId
    host: str
    user: str
    password: Callable[[], str]
    """Fetches the password; called for each log-in. A server is connected anew when it is not equal to the old one."""
    port: int = 5038
    """TCP port of the manager interface."""
    ari_port: int | None = None
    """TCP port of ARI; None: this server takes no part in seizing modes."""
    strings: DialStrings = DEFAULT_STRINGS
    total_ports: int | None = None
    """Ports that the server is said to have; None: it reports none."""
    requests_max: int = 50
    """Dial requests that may be on their way to the server without a sign of a call. Range: ≥ 1."""


class AsteriskServer:
    """One server: commands in, events out.

    Attributes:
        settings: where it is and how it is spoken to.
        calls: the legs on it.
    """

    def __init__(self, settings: AsteriskSettings, run: str, emit: Callable[[Event], None]) -> None:
        """Nothing is connected yet.

        Args:
            settings: the application.
            run: 8 letters or digits; marks our channels.
            emit: takes every event, from the event loop's own thread.
        """
        self.settings = settings
        self._emit = emit
        self.calls = Calls(run, settings.strings, requests_max=settings.requests_max)
        self._phones = Phones(settings.strings)
        self._bridges = Bridges(run, settings.strings.stasis_app, lambda call_id: call_id in self.calls.legs)
        self._is_up = False
        self._early: list[Message] = []
        """What the manager interface said while ARI was not up yet: nobody could act on it."""
        self._ami = AmiLink(
            AmiAddress(settings.host, settings.port, settings.user, settings.password),
            wanted=ami_calls.WANTED | ami_phones.WANTED,
            on_up=self._ami_up,
            on_message=self._hear_ami,
            on_down=self._down,
        )
        self._ari: AriLink | None = None
        if settings.ari_port is not None:
            self._ari = AriLink(
                AriAddress(
                    settings.host, settings.ari_port, settings.user, settings.password, settings.strings.stasis_app
                ),
                on_up=self._ari_up,
                on_event=self._hear_ari,
                on_down=self._down,
            )
        self._handlers: dict[type, Callable[..., Iterable[Effect]]] = {
            Dial: self.calls.dial,
            Engage: self.calls.engage,
            Transfer: self.calls.transfer,
            StartIvr: self.calls.start_ivr,
            PlayMessage: self.calls.play_message,
            Release: self.calls.release,
            ReleaseEngaging: self.calls.release,
            QueryCalls: self.calls.query,
            SubscribePhones: self._phones.subscribe,
            Join: self._join,
        }

    def configure(self, groups: dict[GroupId, CampaignGroup]) -> None:
        """Learn what campaign groups want: caller id, mode, limits."""
        self.calls.groups = groups

    def carry_out(self, command: Command) -> None:
        """Carry out one command, without waiting."""
        if isinstance(command, Connect):
            self._connect()
        elif isinstance(command, Disconnect):
            self.abort()
        elif self._is_up:
            self._do(self._handlers[type(command)](command))
        elif isinstance(command, QueryCalls):  # the core takes it for connected: it missed the word of the loss
            self._emit(ServerLost(self.settings.server_id, "not connected"))
        # else: the core has been told that the server is lost, and counts on nothing

    def take_over(self, old: "AsteriskServer") -> None:
        """Go on with the legs of a server that this one replaces; what is gone shows at the first report."""
        self.calls.take_over(old.calls)
        self._bridges.held |= old._bridges.held

    def has_call(self, call_id: CallId) -> bool:
        """Whether the call has a leg here."""
        return call_id in self.calls.legs

    def abort(self) -> None:
        """Reset all connections; nobody is told."""
        self._is_up = False
        self._early.clear()
        self._ami.abort()
        if self._ari is not None:
            self._ari.abort()
        self._do(self.calls.lose_connection())
        self._phones.lose_connection()

    # --- connections ---------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        if self._is_up:
            self._emit(ServerConnected(self.settings.server_id, self.settings.total_ports))
            return
        self._ami.open()

    def _ami_up(self, _version: str) -> None:
        if self._ari is None:
            self._now_up()
        else:
            self._ari.open()  # second: Asterisk serves it later than the manager interface

    def _ari_up(self) -> None:
        assert self._ari is not None
        application = path_of("applications", self.settings.strings.stasis_app)
        self._ari.request(AriRequest("GET", application), self._application_shown)

    def _application_shown(self, reply: AriReply) -> None:
        assert self._ari is not None
        application = self._read(decode_application, reply, "what its application has")
        if application is not None:
            self._ari.request(AriRequest("GET", "/bridges"), lambda reply: self._bridges_listed(application, reply))

    def _bridges_listed(self, application: Application, reply: AriReply) -> None:
        """Put right what happened while nobody listened; only then does the server count."""
        bridges = self._read(decode_bridges, reply, "which bridges there are")
        if bridges is None:
            return
        self._do(self._bridges.left_behind(bridges, application))
        self._do(self._bridges.reconnected(bridges, self.calls.engaged()))
        self._now_up()

    def _read(self, decode: Callable[[bytes], T], reply: AriReply, what: str) -> T | None:
        """What ARI says of itself when it is up; None: the server is lost, or does not say it and is given up."""
        if not self._ami.is_up:
            return None
        try:
            if reply.is_done:
                return decode(reply.body)
        except AriGarbled:
            pass
        self._down(f"ARI does not say {what} (status {reply.status})")
        return None

    def _now_up(self) -> None:
        self._is_up = True
        self._emit(ServerConnected(self.settings.server_id, self.settings.total_ports))
        early, self._early = self._early, []
        for message in early:
            self._hear_ami(message)

    def _down(self, reason: str) -> None:
        """One connection has ended: reset the other before anybody hears of it."""
        self.abort()
        self._emit(ServerLost(self.settings.server_id, reason))

    # --- what the server says ------------------------------------------------------------------------------------

    def _hear_ami(self, message: Message) -> None:
        if not self._is_up:
            self._early.append(message)
            if len(self._early) > EARLY_MAX:
                self._down("ARI does not come up, and the server is busy")
        elif message.event in ami_phones.WANTED:
            self._do(self._phones.hear(message))
        else:
            self._do(self.calls.hear(message))

    def _hear_ari(self, event: AriEvent) -> None:
        self._do(self._bridges.hear(event))

    def _join(self, command: Join) -> Iterable[Effect]:
        if self._ari is None:
            return [ConnectFailed(command.call_id, "the server is configured without ARI")]
        if not self.has_call(command.call_id):
            return [CallReleased(command.call_id)]
        return self._bridges.join(command)

    def _do(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Action):
                self._send(effect)
            elif isinstance(effect, Ask):
                self._ask(effect)
            elif isinstance(effect, Grace):
                asyncio.get_running_loop().call_later(effect.seconds, self._grace_over, effect.call_id)
            else:
                if isinstance(effect, ABOUT_ENDS):
                    self._do(self._bridges.ended(effect.call_id))
                elif isinstance(effect, CallsReported) and self._ari is not None:
                    self._do(self._bridges.reported(self.calls.in_stasis()))
                self._emit(effect)

    def _send(self, action: Action) -> None:
        try:
            self._ami.send(action.name, action.fields)
        except WireError as error:  # a value that no server could be told: as if the server had refused it
            fields = {"ActionID": dict(action.fields).get("ActionID", ""), "Message": str(error)}
            self._do(self.calls.hear(Message("", "Error", fields, {})))

    def _grace_over(self, call_id: CallId) -> None:
        if self._is_up:  # else nobody knows, and the core asks when the server is back
            self._do(self.calls.grace_over(call_id))

    def _ask(self, ask: Ask) -> None:
        if self._ari is None:
            return

        def replied(reply: AriReply) -> None:
            self._do(ask.on_reply(reply))

        self._ari.request(ask.request, replied)
