"""The simulated far side of a demonstration: the shipped scenario and its world."""

import importlib.resources
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from outdial.config import Loaded, loads
from outdial.config.api import Listen
from outdial.config.loading import text_of
from outdial.config.world import world_seed, world_settings
from outdial.core.commands import Command
from outdial.core.events import CallReleased, EngagingReleased, Event
from outdial.core.settings import Configuration
from outdial.core.units import CallId, GroupId, ListId, Now, RecordId
from outdial.demo_desks import Desktops
from outdial.drivers.clock import Clock
from outdial.drivers.runner import TimedSource
from outdial.names import Names
from outdial.record_shares import share_records
from outdial.sim.lists import Lists
from outdial.sim.people import hand_over
from outdial.sim.world import World
from outdial.world_lists import Columns, read_lists

SECONDS_DEFAULT = 75
# Q.850 cause of the calls that are hung up at the end: normal call clearing.
NORMAL_CLEARING = 16


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for."""

    seconds: float = SECONDS_DEFAULT
    calling_list: Path | None = None
    """CSV file whose numbers are dialed; None: the shipped ones."""
    seed: int | None = None
    """None: the scenario's."""
    journal: Path | None = None
    out: Path | None = None
    """None: a folder named after the time, in the current one."""
    listen: Listen | None = None
    """Where the dashboard is. None: nowhere."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The far side simulated: a world in this process."""

    configuration: Configuration
    world: World
    seed: int
    names: Names
    notes: tuple[str, ...]
    """What the user should know about the calling list."""
    loaded: Loaded
    """With the configuration that the core is given."""
    submit_to: list[Callable[[Event], None]] = field(default_factory=list)
    """How the core is given a fact, once it runs."""
    title: str = "outdial demo"
    desktops: Desktops = field(default_factory=Desktops)
    scenario: tuple[Path, str] | None = None
    """The shipped file and its text."""

    @property
    def groups_to_start(self) -> Sequence[GroupId]:
        """Campaign groups that dial."""
        return self.world.settings.groups_to_start or ()

    @property
    def lists(self) -> Lists:
        """The calling lists."""
        return self.world.lists

    @property
    def source(self) -> TimedSource:
        """The world itself: its events know when they are due."""
        return self.world

    def begin(self, submit: Callable[[Event], None], say: Callable[[str, str], None]) -> None:
        """Let agents come and things go wrong."""
        self.submit_to.append(submit)
        self.world.start()

    def carry_out(self, now: Now, command: Command) -> None:
        """Carry out a command in the world."""
        self.world.carry_out(now, command)

    def calm_down(self) -> None:
        """The world goes on as it was."""

    def hang_up(self, calls: Sequence[CallId], engagings: Sequence[CallId]) -> None:
        """Nobody is at the other end: it is enough to say that the calls are over."""
        submit = self.submit_to[-1]
        for call_id in calls:
            submit(CallReleased(call_id, q850_cause=NORMAL_CLEARING))
        for call_id in engagings:
            submit(EngagingReleased(call_id))

    def know_attempts(self, attempt_n: Callable[[ListId, RecordId], int]) -> None:
        """Callees who are called again may behave otherwise: the world asks how often they were."""
        self.world.exchange.attempt_n = attempt_n

    async def close(self) -> None:
        """Nothing to close."""

    def check(self) -> dict[str, Any]:
        """The world has no count of its own."""
        return {}


def load_scene(options: DemoOptions, clock: Clock) -> Scene:
    """Read the shipped scenario and build its world, with the user's calling list if there is one."""
    with importlib.resources.as_file(importlib.resources.files("outdial") / "data") as data:
        path = data / "demo.toml"
        text = text_of(path)
        loaded = loads(text, path.name, data)
        now = clock.read()
        settings = replace(world_settings(loaded), start_utc_ms=now.utc_ms - now.mono_ms)
        files = {}
        if options.calling_list is not None:
            files[loaded.configuration.calling_lists[0].dbid] = options.calling_list
        columns: dict[RecordId, Columns] = {}
        lists, notes = read_lists(loaded, settings, files, columns)
    seed = options.seed if options.seed is not None else world_seed(loaded) or 0
    records = sum(state.source.count for state in lists.by_id.values())
    configuration = share_records(loaded.configuration, records)
    world, names = World(configuration, settings, seed, lists), Names(configuration)
    hand_over(world.workforce, loaded.desktop_agents)
    desktops = Desktops.of(loaded, columns)
    whole = replace(loaded, configuration=configuration)
    return Scene(configuration, world, seed, names, notes, whole, desktops=desktops, scenario=(path, text))
