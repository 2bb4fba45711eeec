"""Agents with a desktop: what each of them sees, who looks at it, and what follows when nobody does.

A desk is touched by the steps of the dialer that are about its agent, and by nothing else: then it has another version,
and those who wait for one draw it anew. So a thousand desks that nobody changes cost nothing, a change of one agent is
told to that agent's readers only, and a reader who is slow misses versions and nothing of what counts.

An agent whose page has been gone for a while is not ready any more: nobody else would tell the dialer that the chair is
empty. The call that is going on goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from typing import Protocol

from outdial.api.desk_view import (
    WATCHERS_MAX,
    Desk,
    DeskChoices,
    DeskName,
    DeskResult,
    TooManyWatchers,
)
from outdial.config.serve import DESKTOP_AWAY
from outdial.core.agents import Agent, AgentState
from outdial.core.commands import (
    AgentStateChanged,
    Command,
    Reply,
)
from outdial.core.dialer import Dialer
from outdial.core.events import AgentBecameNotReady, AgentLoggedOut, ConfigurationLoaded, Event, PhoneStateChanged
from outdial.core.reported_states import PhoneState
from outdial.core.settings import Configuration
from outdial.core.units import SECOND_MS, AgentId, GroupId, Millis, Now, RecordId
from outdial.core.words import AGENT_RESULTS, CALLBACK_AHEAD_MS_MAX, NOTE_MAX
from outdial.desk_memory import REMEMBERED, Memory, RecordCard, remember
from outdial.desk_picture import draw, records_on
from outdial.drivers.clock import Clock

LookUp = Callable[[RecordId], Awaitable[RecordCard | None]]
"""Finds what the database knows of a record. None: it does not answer, or has no such record."""


class Timer(Protocol):
    """Something that will happen, as `asyncio.TimerHandle`."""

    def cancel(self) -> None:
        """It will not."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Has something called after so many seconds."""


def on_the_loop(seconds: float, call: Callable[[], None]) -> Timer:
    """`Later` by the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, call)


class Place:
    """One agent's desk, and who looks at it."""

    def __init__(self, agent_id: AgentId) -> None:
        """Nobody does."""
        self.agent_id = agent_id
        self.memory = Memory({})
        self.n = 0
        """Number of the latest version."""
        self.watchers = 0
        self.is_closed = False
        self.phone_state: PhoneState | None = None
        """What the latest desk that was drawn says of the phone."""
        self.away: Timer | None = None
        """What follows when nobody comes back."""
        self.looking_up: dict[RecordId, asyncio.Task[None]] = {}
        self._changed: asyncio.Event | None = None

    def touch(self) -> None:
        """There is another version."""
        self.n += 1
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    async def change(self) -> None:
        """Wait for another version."""
        if self._changed is None:
            self._changed = asyncio.Event()
        await self._changed.wait()


class DeskAgents:
    """The desktops of all agents who have one.

    Attributes:
        away_ms: how long nobody may look at a desk whose agent is ready.
        reasons: what agents may give as their reason for being not ready.
    """

    def __init__(
        self,
        core: Dialer,
        emit: Callable[[Event], None],
        clock: Clock,
        look_up: LookUp,
        *,
        away_ms: Millis,
        reasons: Sequence[str],
        later: Later = on_the_loop,
    ) -> None:
        """Nobody has a desktop yet.

        Args:
            core: whose agents they are; only looked at, between its steps.
            emit: takes every event.
            clock: the one that the core's steps are given.
            look_up: finds what the database knows of a record.
            away_ms: see the attribute.
            reasons: see the attribute.
            later: has something called after a while.
        """
        self.away_ms = away_ms
        self.reasons = tuple(reasons)
        self._core = core
        self._emit = emit
        self._clock = clock
        self._look_up = look_up
        self._later = later
        self._start_utc_ms = clock.read().utc_ms
        self._places: dict[AgentId, Place] = {}

    # --- the configuration ---------------------------------------------------------------------------------------

    def follow(self, configuration: Configuration, with_desktop: Collection[AgentId]) -> Iterator[Event]:
        """What a configuration, which the core has been given, means for desktops.

        Args:
            configuration: who there is.
            with_desktop: who has a desktop.
        """
        known = {agent.dbid for agent in configuration.agents}
        for agent_id in sorted(with_desktop):
            if agent_id not in self._places:
                self._places[agent_id] = Place(agent_id)
        for agent_id in [agent_id for agent_id in self._places if agent_id not in with_desktop]:
            self._close(self._places.pop(agent_id))
            agent = self._core.state.agents.get(agent_id)
            # the server signs them in from now on; who has left is logged out by the core
            if agent_id in known and agent is not None and agent.is_logged_in:
                yield AgentLoggedOut(agent_id)

    def close(self) -> None:
        """The server ends: streams end, and nobody is missed any more."""
        for place in self._places.values():
            self._close(place)

    def _close(self, place: Place) -> None:
        place.is_closed = True
        if place.away is not None:
            place.away.cancel()
        for task in place.looking_up.values():
            task.cancel()
        place.touch()

    # --- what the dialer does ------------------------------------------------------------------------------------

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step of the core is done."""
        if not self._places:
            return
        if isinstance(event, ConfigurationLoaded):
            for place in self._places.values():
                place.touch()
            return
        about = self._about_event(event, commands)
        for command in commands:
            agent_id = getattr(command, "agent_id", None)
            if agent_id is None or type(command) not in REMEMBERED:
                continue
            about[agent_id] = None
            place_or_none = self._places.get(agent_id)
            if place_or_none is not None:
                remember(place_or_none.memory, now, command)
                if isinstance(command, AgentStateChanged) and command.state == AgentState.RESERVED.value:
                    self._forget_cards(place_or_none)
        for place in [self._places[agent_id] for agent_id in about if agent_id in self._places]:
            place.touch()

    def _about_event(self, event: Event, commands: Sequence[Command]) -> dict[AgentId, None]:
        """Agents whom an event is about, in their order."""
        state = self._core.state
        agent_id = getattr(event, "agent_id", None)
        if isinstance(event, PhoneStateChanged):  # which a node may say again and again of every phone
            agent_id = self._shown_otherwise(state.phones.get(event.phone))
        if agent_id is None:
            attempt = state.attempts.get(getattr(event, "call_id", 0))
            agent_id = attempt.agent_id if attempt is not None else None
        found = {} if agent_id is None else {agent_id: None}
        group_id = getattr(event, "group_id", None)
        if group_id is not None and any(isinstance(command, Reply) for command in commands):
            found |= self._agents_of(group_id)
        return found

    def _shown_otherwise(self, agent_id: AgentId | None) -> AgentId | None:
        """The agent, unless the latest version of the desk says the same of the phone."""
        place = None if agent_id is None else self._places.get(agent_id)
        if agent_id is None or place is None or place.phone_state is self._core.state.agents[agent_id].phone_state:
            return None
        return agent_id

    def _agents_of(self, group_id: GroupId) -> dict[AgentId, None]:
        """Who works for a campaign group: an operator has done something with it."""
        group = self._core.state.groups.get(group_id)
        if group is None or group.settings.agent_group is None:
            return {}
        return dict.fromkeys(self._core.state.agent_groups[group.settings.agent_group].settings.agents)

    def _forget_cards(self, place: Place) -> None:
        """What was said of a record since it was looked up is to be seen, too, when it comes again."""
        agent = self._core.state.agents[place.agent_id]
        for record_id in records_on(self._core.state, agent):
            place.memory.cards.pop(record_id, None)

    # --- what is shown -------------------------------------------------------------------------------------------

    def choices(self) -> DeskChoices:
        """What agents may choose from."""
        return DeskChoices(
            not_ready_reasons=self.reasons,
            results=tuple(
                DeskResult(name=result.name, label=result.name.replace("_", " ").capitalize())
                for result in AGENT_RESULTS
            ),
            callback_ahead_ms_max=CALLBACK_AHEAD_MS_MAX,
            note_characters_max=NOTE_MAX,
        )

    def names(self) -> tuple[DeskName, ...]:
        """Whose desks there are, by DBID."""
        agents = self._core.state.agents
        return tuple(
            DeskName(dbid=agent_id, login=agents[agent_id].settings.login, state=agents[agent_id].state.value)
            for agent_id in sorted(self._places)
            if agent_id in agents
        )

    def has(self, agent_id: AgentId) -> bool:
        """Whether the agent has a desktop, and the core knows them."""
        return agent_id in self._places and agent_id in self._core.state.agents

    def desk(self, agent_id: AgentId) -> Desk:
        """The desk as it is now."""
        return self._draw(self._places[agent_id])

    def phone_of(self, agent_id: AgentId) -> str:
        """The configured phone of an agent."""
        return self._core.state.agents[agent_id].settings.phone

    def holders(self, phone: str) -> tuple[AgentId, ...]:
        """Who is logged in with a phone."""
        agent_id = self._core.state.phones.get(phone)
        is_there = agent_id is not None and self._core.state.agents[agent_id].is_logged_in
        return (agent_id,) if agent_id is not None and is_there else ()

    def mono_ms_at(self, utc_ms: int) -> Millis:
        """What the dialer's own clock will show at an instant."""
        now = self._clock.read()
        return now.mono_ms + utc_ms - now.utc_ms

    def _draw(self, place: Place) -> Desk:
        agent = self._core.state.agents[place.agent_id]
        self._find_cards(place, agent)
        version = f"{self._start_utc_ms}-{place.n}"
        place.phone_state = agent.phone_state
        return draw(self._core.state, agent, place.memory, version, self._clock.read())

    def _find_cards(self, place: Place, agent: Agent) -> None:
        """Ask the database for the records on the desk, each once; forget the others."""
        cards = place.memory.cards
        wanted = records_on(self._core.state, agent)
        for record_id in [record_id for record_id in cards if record_id not in wanted]:
            del cards[record_id]
        for record_id in wanted:
            if record_id not in cards and record_id not in place.looking_up and not place.is_closed:
                task = asyncio.get_running_loop().create_task(self._find_card(place, record_id))
                place.looking_up[record_id] = task

    async def _find_card(self, place: Place, record_id: RecordId) -> None:
        try:
            place.memory.cards[record_id] = await self._look_up(record_id)
        finally:
            place.looking_up.pop(record_id, None)
        place.touch()

    # --- who looks -----------------------------------------------------------------------------------------------

    def watch(self, agent_id: AgentId) -> "Watch":
        """Open a stream.

        Raises:
            TooManyWatchers: so many are open already.
        """
        if self.is_crowded(agent_id):
            raise TooManyWatchers
        return Watch(self, self._places[agent_id])

    def is_crowded(self, agent_id: AgentId) -> bool:
        """Whether no further stream may be opened."""
        return self._places[agent_id].watchers >= WATCHERS_MAX

    def touch(self, agent_id: AgentId) -> None:
        """Somebody has looked at the desk, or used it: with no stream open, patience begins anew."""
        place = self._places[agent_id]
        if not place.watchers:
            self._expect_back(place)

    def came(self, place: Place) -> None:
        """A stream has been opened."""
        place.watchers += 1
        if place.away is not None:
            place.away.cancel()
            place.away = None

    def went(self, place: Place) -> None:
        """A stream has been closed."""
        place.watchers -= 1
        if not place.watchers:
            self._expect_back(place)

    def _expect_back(self, place: Place) -> None:
        if place.away is not None:
            place.away.cancel()
            place.away = None
        if not place.is_closed:
            place.away = self._later(self.away_ms / SECOND_MS, lambda: self._missed(place))

    def _missed(self, place: Place) -> None:
        place.away = None
        agent = self._core.state.agents.get(place.agent_id)
        if agent is not None and agent.is_logged_in and agent.intent is AgentState.READY:
            self._emit(AgentBecameNotReady(place.agent_id, DESKTOP_AWAY))

    def latest(self, place: Place) -> Desk | None:
        """The desk as it is now. None: there is no such desktop any more."""
        if place.is_closed or place.agent_id not in self._core.state.agents:
            return None
        return self._draw(place)

    def version(self, place: Place) -> str:
        """What the latest version is called."""
        return f"{self._start_utc_ms}-{place.n}"


class Watch:
    """One open stream."""

    def __init__(self, desks: DeskAgents, place: Place) -> None:
        """The desk counts as looked at."""
        self._desks = desks
        self._place = place
        self._is_open = True
        desks.came(place)

    async def next(self, after: str | None) -> Desk | None:
        """The desk as soon as it has another version. None: there is no such desktop any more."""
        while not self._place.is_closed and self._desks.version(self._place) == after:
            await self._place.change()
        return self._desks.latest(self._place)

    def close(self) -> None:
        """Nobody looks through this one any more."""
        if self._is_open:
            self._is_open = False
            self._desks.went(self._place)
