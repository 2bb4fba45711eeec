"""An API over the real core, without a socket: every request is answered by the application itself."""

from collections.abc import Callable
from typing import Any

import httpx

from config_samples import load_text, text_with
from outdial.api.access import ALL_SCOPES, Caller
from outdial.api.app import make_app
from outdial.api.live_board import LiveBoard
from outdial.api.parts import ApiParts
from outdial.core.commands import Reply
from outdial.core.dialer import Dialer
from outdial.core.events import AgentBecameReady, AgentLoggedIn, ConfigurationLoaded, Event, ServerConnected
from outdial.core.settings import Configuration
from outdial.core.snapshot import Snapshot
from outdial.core.units import Now
from outdial.core.views import Views

SOMEBODY = Caller("somebody", ALL_SCOPES)


class SteppedDialer:
    """The real core, stepped by hand: a request is answered in its step."""

    def __init__(self, configuration: Configuration) -> None:
        self.core = Dialer()
        self.mono_ms = 1_000
        self.configuration = configuration
        self.replies: list[Reply] = []
        self._request_id = 0
        self.tell(ConfigurationLoaded(configuration))

    def snapshot(self) -> Snapshot:
        return self.core.snapshot()

    @property
    def views(self) -> Views:
        return self.core.views

    async def ask(self, make_event: Callable[[int], Event]) -> Reply:
        self._request_id += 1
        self.tell(make_event(self._request_id))
        return self.replies.pop()

    def tell(self, event: Event) -> None:
        self.mono_ms += 10
        commands = self.core.step(Now(self.mono_ms, 1_700_000_000_000 + self.mono_ms), event)
        self.replies += [command for command in commands if isinstance(command, Reply)]


class ToldAudit:
    """Keeps changes in memory."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str, str, Any, Any]] = []

    async def note(self, caller: Caller, action: str, subject: str, before: Any, after: Any) -> None:
        self.notes.append((caller.name, action, subject, before, after))


class GivenAccess:
    """Everybody is `caller`."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    async def identify(self, connection: Any) -> Caller:
        return self.caller


class ApiStory:
    """An application with everything behind it, and a client."""

    def __init__(self, configuration: Configuration | None = None, **more: Any) -> None:
        """`more`: further parts of the API, by name."""
        self.dialer = SteppedDialer(configuration or load_text(text_with()).configuration)
        self.board = LiveBoard(self.dialer, lambda snapshot: (), "start")
        self.audit = ToldAudit()
        self.access = GivenAccess(SOMEBODY)
        self.parts = ApiParts(
            dialer=self.dialer, board=self.board, access=self.access, audit=self.audit, version="0", **more
        )
        self.app = make_app(self.parts)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api/v1")

    def all_is_well(self) -> "ApiStory":
        """Every server is up, every agent is ready."""
        configuration = self.dialer.configuration
        for node in configuration.nodes:
            self.dialer.tell(ServerConnected(node.dbid))
        for agent in configuration.agents:
            self.dialer.tell(AgentLoggedIn(agent.dbid, agent.phone))
            self.dialer.tell(AgentBecameReady(agent.dbid))
        return self
