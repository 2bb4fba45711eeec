"""Desktops in a nutshell for tests: a dialing story whose agents have desks, a clock, and patience that tests end."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from dialing_story import Story
from outdial.api.desk_view import Desk, DeskWord
from outdial.core.commands import Command
from outdial.core.events import Event
from outdial.core.units import AgentId, Now, RecordId
from outdial.desk_agents import DeskAgents
from outdial.desk_memory import RecordCard

REASONS = ("break", "lunch")
AWAY_MS = 30_000


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a test that is a coroutine in a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class Wait:
    """Something that happens when the test says so."""

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self.seconds = seconds
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        """It will not."""
        self.is_cancelled = True


class StoryClock:
    """The clock of a story."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def read(self) -> Now:
        """What the story's next step is given."""
        return self._story.now


class DeskStory:
    """A story and the desks of some of its agents.

    Attributes:
        story: the dialer.
        desks: what is tested.
        told: events that the desks gave the core; they are stepped at once.
        asked: records that were looked up.
        waits: patience, the ended and cancelled included.
    """

    def __init__(self, story: Story, *agents: AgentId) -> None:
        """Give these agents a desktop; without any, all have one."""
        self.story = story
        self.told: list[Event] = []
        self.asked: list[RecordId] = []
        self.waits: list[Wait] = []
        self.is_database_away = False
        self.desks = DeskAgents(
            story.dialer,
            self._take,
            StoryClock(story),
            self._look_up,
            away_ms=AWAY_MS,
            reasons=REASONS,
            later=self._later,
        )
        self._observe(story.dialer)
        configuration = story.state.configuration
        assert configuration is not None
        self.with_desktop = set(agents) or {agent.dbid for agent in configuration.agents}
        assert list(self.desks.follow(configuration, self.with_desktop)) == []

    def _observe(self, dialer: Any) -> None:
        step = dialer.step

        def observed(now: Now, event: Event) -> list[Command]:
            commands: list[Command] = step(now, event)
            self.desks.observe(now, event, commands)
            return commands

        dialer.step = observed

    def _take(self, event: Event) -> None:
        self.told.append(event)
        self.story.tell(event)

    def _later(self, seconds: float, call: Callable[[], None]) -> Wait:
        self.waits.append(Wait(seconds, call))
        return self.waits[-1]

    async def _look_up(self, record_id: RecordId) -> RecordCard | None:
        self.asked.append(record_id)
        if self.is_database_away:
            return None
        return RecordCard({"first_name": "Ann"}, (DeskWord(call_result="ANSWER", note="earlier"),))

    def desk(self, agent_id: AgentId = 101) -> Desk:
        """What an agent sees now."""
        return self.desks.desk(agent_id)

    def versions(self) -> dict[AgentId, str]:
        """What the latest version of every desk is called."""
        return {agent_id: self.desks.desk(agent_id).version for agent_id in self.with_desktop}

    @property
    def patience(self) -> list[Wait]:
        """What is being waited for."""
        return [wait for wait in self.waits if not wait.is_cancelled]
