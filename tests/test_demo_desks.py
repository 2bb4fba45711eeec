"""A person among the simulated agents of a demonstration: the phone is simulated, everything else is theirs."""

import asyncio
from pathlib import Path

from outdial.calling_lists import ListedRecord
from outdial.config import load
from outdial.config.world import world_settings
from outdial.core.dialer import Dialer
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLoggedIn,
    ConfigurationLoaded,
    DeadlineReached,
    Event,
    GroupStartRequested,
)
from outdial.core.records import Record
from outdial.core.units import MINUTE_MS, Now
from outdial.demo_desks import Desktops
from outdial.names import Names
from outdial.sim.people import hand_over
from outdial.sim.world import World
from outdial.store.listing import add_records
from outdial.store.sqlite import SqliteStore
from outdial.world_lists import read_lists

DATA = Path(__file__).parents[1] / "src" / "outdial" / "data"
WELCOME, YOU = 2, 41
CONFIGURATION = load(DATA / "demo.toml").configuration


class Played:
    """The scenario of the demonstration in virtual time, with a person at one desk."""

    def __init__(self) -> None:
        loaded = load(DATA / "demo.toml")
        settings = world_settings(loaded)
        self.columns: dict = {}
        lists, _ = read_lists(loaded, settings, columns=self.columns)
        self.world = World(loaded.configuration, settings, 7, lists)
        hand_over(self.world.workforce, loaded.desktop_agents)
        self.core = Dialer()
        self.mono_ms = 0
        self.desks = Desktops.of(loaded, self.columns).open(
            self.core, self.step, self, loaded.configuration, lambda: None
        )
        self.step(ConfigurationLoaded(loaded.configuration))
        self.world.start()
        self.step(GroupStartRequested(1, WELCOME))

    def read(self) -> Now:
        return self.world.reading(self.mono_ms)

    def step(self, event: Event) -> None:
        commands = self.core.step(self.read(), event)
        self.desks.observe(self.read(), event, commands)
        for command in commands:
            self.world.carry_out(self.read(), command)

    def next(self) -> None:
        """Let the next thing happen."""
        due = [each for each in (self.world.next_due(), self.core.next_deadline()) if each is not None]
        self.mono_ms = max(self.mono_ms, min(due))
        event = self.world.pop_due(self.mono_ms)
        if event is not None:
            self.step(event)
        deadline = self.core.next_deadline()
        if deadline is not None and deadline <= self.mono_ms:
            self.step(DeadlineReached())

    def until(self, state: str) -> None:
        """Let the world go on until the person's desk shows this."""
        end_ms = self.mono_ms + 20 * MINUTE_MS
        while self.desks.desk(YOU).state != state:
            self.next()
            assert self.mono_ms < end_ms, self.desks.desk(YOU)


def test_person_takes_a_call_of_a_simulated_callee():
    async def story() -> None:
        played = Played()
        assert YOU not in played.world.workforce.agents
        played.step(AgentLoggedIn(YOU, "1041"))
        while played.desks.desk(YOU).phone_state != "idle":  # as soon as there is a prime node
            played.next()
        played.step(AgentBecameReady(YOU))
        played.until("talking")
        desk = played.desks.desk(YOU)
        assert desk.call is not None and (desk.call.phase, desk.call.group.name) == ("connected", "welcome")
        played.until("after-call work")
        end_ms = played.mono_ms + MINUTE_MS
        while played.mono_ms < end_ms:
            played.next()
        assert played.desks.desk(YOU).state == "after-call work"  # nobody has pressed anything
        played.step(AgentBecameNotReady(YOU, "break"))
        assert (played.desks.desk(YOU).state, played.desks.desk(YOU).reason) == ("not ready", "break")

    asyncio.run(story())


def test_columns_of_the_file_are_on_the_desk(tmp_path):
    async def story() -> None:
        store = SqliteStore(tmp_path / "demo.sqlite3")
        await store.open("demo", 0, 0, ())
        try:
            await add_records(store, 1, [ListedRecord(Record(1, 1, "+15550100"), ())], 0)
            desktops = Desktops(columns={1: (("name", "Ann Doe"),), 2: (("name", "nobody"),)})
            look_up = desktops.cards(CONFIGURATION, lambda: store)
            card = await look_up(1)
            assert card is not None and card.fields == {"name": "Ann Doe"}
            assert await look_up(2) is None
            assert await desktops.cards(CONFIGURATION, lambda: None)(1) is None
        finally:
            await store.close()

    asyncio.run(story())


def test_who_is_played_by_a_person_has_a_desktop_and_works_with_the_others():
    loaded = load(DATA / "demo.toml")
    assert loaded.desktop_agents == {YOU}
    assert Names(loaded.configuration).agent(YOU) == "you"
    teams = {group.dbid: group.agents for group in loaded.configuration.agent_groups}
    assert YOU in teams[WELCOME]
