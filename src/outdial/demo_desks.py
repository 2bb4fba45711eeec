"""Desktops in a demonstration: whoever opens the agent page takes calls beside the simulated agents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from outdial.config.loaded import Loaded
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.core.units import AgentId, Millis, RecordId
from outdial.desk_agents import DeskAgents, LookUp
from outdial.desk_memory import RecordCard
from outdial.desk_records import cards_from
from outdial.drivers.clock import Clock
from outdial.names import Names
from outdial.store.interface import Store
from outdial.world_lists import Columns


@dataclass(frozen=True, slots=True)
class Desktops:
    """Agents whom people play, and what they are given."""

    agents: frozenset[AgentId] = frozenset()
    reasons: tuple[str, ...] = ()
    away_ms: Millis = 0
    columns: Mapping[RecordId, Columns] = field(default_factory=dict)
    """Of the records' file: the database of a demonstration does not have them."""

    @classmethod
    def of(cls, loaded: Loaded, columns: Mapping[RecordId, Columns]) -> "Desktops":
        """Those of a configuration."""
        return cls(loaded.desktop_agents, loaded.serve.not_ready_reasons, loaded.serve.desktop_away_ms, columns)

    def open(
        self,
        core: Dialer,
        emit: Callable[[Event], None],
        clock: Clock,
        configuration: Configuration,
        store: Callable[[], Store | None],
    ) -> DeskAgents:
        """Put the desks up.

        Args:
            core: whose agents they are.
            emit: takes every event.
            clock: the one that the core's steps are given.
            configuration: what the core is given.
            store: where the records are. None: not open yet.
        """
        look_up = self.cards(configuration, store)
        desks = DeskAgents(core, emit, clock, look_up, away_ms=self.away_ms, reasons=self.reasons)
        for event in desks.follow(configuration, self.agents):  # nobody had a desktop before, so there are none
            emit(event)
        return desks

    def cards(self, configuration: Configuration, store: Callable[[], Store | None]) -> LookUp:
        """Look records up: in the database, and for their columns in what was read from the file."""
        names = Names(configuration)

        async def look_up(record_id: RecordId) -> RecordCard | None:
            opened = store()
            card = None if opened is None else await cards_from(opened, lambda: names)(record_id)
            return None if card is None else replace(card, fields=dict(self.columns.get(record_id, ())))

        return look_up
