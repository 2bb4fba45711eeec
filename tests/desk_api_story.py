"""Desktops over the API: the real core, stepped by hand, the real desks, and a client."""

from collections.abc import Callable
from typing import Any

import httpx

from api_samples import ApiStory, SteppedDialer
from config_samples import load_text, text_with
from outdial.api.app import make_app
from outdial.api.live_board import LiveBoard
from outdial.api.parts import ApiParts
from outdial.core.agents import AgentState
from outdial.core.commands import Command, Dial, FetchRecords, Reply, SubscribePhones, Transfer
from outdial.core.events import (
    CallConnected,
    CalleeAnswered,
    CallReleased,
    DialAccepted,
    Event,
    GroupStartRequested,
    PhoneState,
    PhoneStateChanged,
    RecordsFetched,
    ServerConnected,
    VerdictReached,
)
from outdial.core.modes import DialingMode
from outdial.core.records import Chain, Record
from outdial.core.results import Verdict
from outdial.core.settings import Configuration
from outdial.core.units import AgentId, Now, RecordId
from outdial.desk_agents import DeskAgents
from outdial.desk_memory import RecordCard

REASONS = ("break", "lunch")
ADA = 7
"""An agent of group 1, who has a desktop. Agent 101 of the same group has none."""


class Answering(SteppedDialer):
    """A core whose outside answers at once: phones are idle, the store has records, calls are taken."""

    def __init__(self, configuration: Configuration) -> None:
        self.observe: Callable[[Now, Event, list[Command]], None] = lambda now, event, commands: None
        self.ever: list[Command] = []
        self._records = 0
        super().__init__(configuration)

    @property
    def now(self) -> Now:
        """What the last step was given."""
        return Now(self.mono_ms, 1_700_000_000_000 + self.mono_ms)

    def read(self) -> Now:
        """As a clock."""
        return self.now

    def tell(self, event: Event) -> None:
        """One step, then one for each answer."""
        events = [event]
        while events:
            self.mono_ms += 10
            one = events.pop(0)
            commands = self.core.step(self.now, one)
            self.ever += commands
            self.observe(self.now, one, commands)
            for command in commands:
                events += self._answers(command)
            self.replies += [command for command in commands if isinstance(command, Reply)]

    def _answers(self, command: Command) -> list[Event]:
        if isinstance(command, SubscribePhones):
            return [PhoneStateChanged(command.node_id, phone, PhoneState.IDLE) for phone in command.phones]
        if isinstance(command, FetchRecords):
            chains = []
            for _ in range(command.chains_max):
                self._records += 1
                chains.append(Chain((Record(self._records, 1, f"+1555{self._records:07}"),)))
            return [RecordsFetched(command.group_id, command.fetch_id, tuple(chains))]
        return [DialAccepted(command.call_id)] if isinstance(command, Dial) else []

    def the(self, kind: type[Any]) -> Any:
        """The last command of a kind."""
        return [command for command in self.ever if isinstance(command, kind)][-1]


class DeskApiStory(ApiStory):
    """An API with desktops."""

    def __init__(self, mode: DialingMode = DialingMode.PROGRESSIVE, *with_desktop: AgentId, more: str = "") -> None:
        text = (text_with() + more).replace('"predictive"', f'"{mode.value}"')
        super().__init__(load_text(text).configuration)
        self.dialer = Answering(self.dialer.configuration)
        self.board = LiveBoard(self.dialer, lambda snapshot: (), "start")
        self.told: list[Event] = []
        self.desks = DeskAgents(
            self.dialer.core, self._take, self.dialer, self._look_up, away_ms=30_000, reasons=REASONS
        )
        self.dialer.observe = self.desks.observe
        self.desks_without = list(self.desks.follow(self.dialer.configuration, set(with_desktop) or {ADA}))
        self.parts = ApiParts(
            dialer=self.dialer,
            board=self.board,
            access=self.access,
            audit=self.audit,
            version="0",
            desks=self.desks,
        )
        self.app = make_app(self.parts)
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://api/v1")
        for node in self.dialer.configuration.nodes:
            self.dialer.tell(ServerConnected(node.dbid))
        self.dialer.tell(GroupStartRequested(0, 1))

    def _take(self, event: Event) -> None:
        self.told.append(event)
        self.dialer.tell(event)

    async def _look_up(self, record_id: RecordId) -> RecordCard | None:
        return RecordCard({"first_name": "Ann"}, ())

    async def post(self, act: str, body: Any = None, agent_id: AgentId = ADA) -> httpx.Response:
        """What an agent does."""
        return await self.client.post(f"/agents/{agent_id}/{act}", json=body)

    async def desk(self, agent_id: AgentId = ADA) -> dict[str, Any]:
        """What an agent sees."""
        found: dict[str, Any] = (await self.client.get(f"/agents/{agent_id}/desk")).json()["desk"]
        return found

    async def ready(self, agent_id: AgentId = ADA) -> "DeskApiStory":
        """An agent who waits for calls."""
        await self.post("login", agent_id=agent_id)
        assert (await self.post("ready", agent_id=agent_id)).json()["state"] == AgentState.READY.value
        return self

    def person(self) -> int:
        """A person answers the last call and is brought to the agent. Returns the call."""
        call_id: int = self.dialer.the(Dial).call_id
        self.dialer.tell(CalleeAnswered(call_id))
        self.dialer.tell(VerdictReached(call_id, Verdict.PERSON))
        assert self.dialer.the(Transfer).call_id == call_id
        self.dialer.tell(CallConnected(call_id))
        return call_id

    def hangs_up(self, call_id: int) -> None:
        """The call is over."""
        self.dialer.tell(CallReleased(call_id))
