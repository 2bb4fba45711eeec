"""The fake Asterisk as a whole: ports, connections, and the ways in which it fails."""

import asyncio
import random
import time
from collections import Counter

from outdial.drivers.fake_asterisk.ami_actions import AmiActions
from outdial.drivers.fake_asterisk.ami_session import AmiSession, Door
from outdial.drivers.fake_asterisk.ari_server import AriServer
from outdial.drivers.fake_asterisk.channels import EventText
from outdial.drivers.fake_asterisk.exchange import Exchange
from outdial.drivers.fake_asterisk.outlet import Faults
from outdial.drivers.fake_asterisk.plan import Plan

MODERN = 20
"""From this major version on: TechCause in Hangup, cause 19 after a timeout, cause 0 when the far end hangs up."""


class FakeAsterisk:
    """A SIP server application that exists only in this process, and speaks AMI and ARI over real sockets.

    It has the dialplan that outdial ships, and a world of callees and phones (`Plan`). Use it to test an integration
    without a PBX: connect outdial, or anything else, to `ami_address` and `ari_address`.

        server = FakeAsterisk(user="outdial", password="secret")
        await server.start()
        ...
        await server.stop()

    Args:
        host: address to listen on.
        ami_port, ari_port: TCP ports; 0: any free one, see `ami_address` and `ari_address` after `start`.
        user, password: accepted by AMI and ARI alike.
        plan: what callees, phones and IVR applications do.
        version: `22.10.1`, `16.28.0`, ...: causes and events follow the major version.
        systemname: appears in every event.
        channels_max: Asterisk's `maxcalls`: a call answered beyond it is dropped. 0: no limit.
        speed: callees, phones, detection and IVR are this much faster than life. Above 0. What the client sets
            (timeouts, waiting) is not scaled.
        seed: of everything that is drawn: faults, and the order of events that race on a real server.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        ami_port: int = 0,
        ari_port: int = 0,
        *,
        user: str,
        password: str,
        plan: Plan | None = None,
        version: str = "22.10.1",
        systemname: str = "fake",
        channels_max: int = 0,
        speed: float = 1.0,
        seed: int = 0,
    ) -> None:
        major = version.partition(".")[0]
        if not major.isdecimal():
            raise ValueError(f"version is {version!r}: must begin with a number, as in 22.10.1")
        if speed <= 0:
            raise ValueError(f"speed is {speed}: must be above 0")
        self.plan = plan or Plan()
        self.faults = Faults()
        """What goes wrong with events from now on; may be changed at any time."""
        self.host = host
        self.systemname = systemname
        self._ami_port, self._ari_port = ami_port, ari_port
        self._draw = random.Random(seed)
        self._sessions: list[AmiSession] = []
        self._listener: asyncio.Server | None = None
        self._hung = False
        self._draining = False
        self._started = time.time()
        modern = int(major) >= MODERN
        self._text = EventText(systemname, tech_causes=modern)
        self._exchange = Exchange(
            self.plan,
            self._emit,
            self._text,
            self._draw,
            systemname=systemname,
            modern=modern,
            channels_max=channels_max,
            speed=speed,
        )
        ami_version = "11.0.0" if modern else "5.0.4"
        self._actions = AmiActions(self._exchange, version=version, ami_version=ami_version, started=self._started)
        self._door = Door(
            user=user,
            password=password,
            banner=f"Asterisk Call Manager/{ami_version}",
            on_login=self._logged_in,
            on_action=self._actions.carry_out,
            on_lost=self._session_lost,
            is_hung=lambda: self._hung,
            refuses_logins=lambda: self._draining,
            faults=self.faults,
            draw=self._draw,
        )
        self._ari = AriServer(self._exchange, user, password, version, self.faults, self._draw)

    # --- what tests ask ---------------------------------------------------------------------------------------

    @property
    def ami_address(self) -> tuple[str, int]:
        """Host and TCP port of the manager interface."""
        return self.host, self._ami_port

    @property
    def ari_address(self) -> tuple[str, int]:
        """Host and TCP port of the REST interface."""
        return self.host, self._ari_port

    @property
    def invites(self) -> list[tuple[float, str, str]]:
        """Every call that left this server: (time in seconds, called number or phone, channel id), oldest first."""
        return self._exchange.invites

    @property
    def invited(self) -> Counter[str]:
        """How often each number or phone was called: the far end's own count."""
        return self._exchange.invited

    @property
    def calls(self) -> tuple[str, ...]:
        """Unique ids of the channels that live now."""
        return tuple(self._exchange.channels)

    @property
    def clients(self) -> int:
        """AMI connections that are open now."""
        return len(self._sessions)

    def device_state(self, endpoint: str) -> str:
        """State of a phone or trunk, as DeviceStateList tells it."""
        return self._exchange.devices.state(endpoint)

    # --- life -------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Listen. The ports chosen stay the same over `kill` and `restart`."""
        if self._listener is not None:
            raise RuntimeError("the fake server is running already")
        loop = asyncio.get_running_loop()
        self._hung = self._draining = False
        self._started = self._actions.started = time.time()
        self._listener = await loop.create_server(self._accept, self.host, self._ami_port)
        self._ami_port = self._listener.sockets[0].getsockname()[1]
        self._ari_port = await self._ari.start(self.host, self._ari_port)

    async def stop(self) -> None:
        """End as `core stop now` does: every client is told, all calls are gone."""
        if self._listener is not None and not self._hung:
            self._emit(self._text.shut_down())
            for session in list(self._sessions):
                session.log_off()
        await self.kill()

    async def kill(self) -> None:
        """Die as after `kill -9`: connections are reset, connecting is refused, calls are gone without an event."""
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        self._reset_ami()
        self._exchange.forget_all()
        await self._ari.kill()
        self._hung = False

    async def restart(self) -> None:
        """Come back after `kill` (or `stop`), without calls."""
        await self.kill()
        await self.start()

    def drain(self) -> None:
        """As `core stop gracefully` does: calls and connections stay, new logins are refused."""
        self._draining = True

    def hang(self) -> None:
        """Stop as after SIGSTOP: connections stay and are accepted, but nothing is said or done until `wake`."""
        self._hung = True
        self._exchange.timers.frozen = True
        self._ari.hang()

    def wake(self) -> None:
        """Go on after `hang`. What was written meanwhile is carried out.

        Of a connection that was closed meanwhile at most two requests come to life, of a reset one at most one, as
        measured on a real server.
        """
        if not self._hung:
            return
        self._hung = False
        self._exchange.timers.wake()
        for session in list(self._sessions):
            session.wake()
        self._ari.wake()

    def cut(self) -> None:
        """Reset every connection; the server and its calls live on."""
        self._reset_ami()
        self._ari.cut()

    # --- phones -----------------------------------------------------------------------------------------------

    def register(self, phone: str) -> None:
        """The phone has a contact from now on."""
        self._exchange.devices.set_reachable(phone, reachable=True)

    def unregister(self, phone: str) -> None:
        """The phone has no contact any more; its call goes on."""
        self._exchange.devices.set_reachable(phone, reachable=False)

    def hang_up(self, channel_id: str) -> bool:
        """The far end of a channel hangs up (an agent on the phone, a customer). False: no such answered channel."""
        channel = self._exchange.find(channel_id)
        if channel is None:
            return False
        self._exchange.far_end_hangs_up(channel)
        return channel.gone

    # --- sessions ---------------------------------------------------------------------------------------------

    def _accept(self) -> AmiSession:
        session = AmiSession(self._door)
        self._sessions.append(session)
        return session

    def _logged_in(self, session: AmiSession) -> None:
        uptime = int(time.time() - self._started)
        session.send(
            f"Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: {uptime}\r\nLastReload: {uptime}\r\n"
            "Status: Fully Booted\r\n\r\n"
        )

    def _session_lost(self, session: AmiSession) -> None:
        if session in self._sessions:
            self._sessions.remove(session)

    def _reset_ami(self) -> None:
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.reset()

    def _emit(self, event: str) -> None:
        for session in self._sessions:
            session.send_event(event)
