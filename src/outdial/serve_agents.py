"""The agents of a running server: those whom the server signs in, and those who have a desktop."""

from collections.abc import Callable, Iterator, Sequence

from outdial.config.loaded import Loaded
from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.core.units import Now
from outdial.desk_agents import DeskAgents
from outdial.desk_records import cards_from
from outdial.drivers.clock import Clock
from outdial.names import Names
from outdial.phone_agents import PhoneAgents
from outdial.store.interface import Store


class ServeAgents:
    """All agents.

    Attributes:
        desks: desktops of those who have one.
    """

    def __init__(self, core: Dialer, emit: Callable[[Event], None], clock: Clock, store: Store, loaded: Loaded) -> None:
        """Nobody is known yet. Arguments: see `DeskAgents` and `PhoneAgents`."""
        self._loaded = loaded
        self._names = Names(loaded.configuration)
        self._phones = PhoneAgents(emit, loaded.serve.ready_again_ms)
        self.desks = DeskAgents(
            core,
            emit,
            clock,
            cards_from(store, lambda: self._names),
            away_ms=loaded.serve.desktop_away_ms,
            reasons=loaded.serve.not_ready_reasons,
        )

    def take_in(self, loaded: Loaded) -> None:
        """A changed configuration: what it says about agents. `follow` has to come after it."""
        self._loaded = loaded
        self._names = Names(loaded.configuration)
        self._phones.ready_again_ms = loaded.serve.ready_again_ms
        self.desks.away_ms = loaded.serve.desktop_away_ms
        self.desks.reasons = loaded.serve.not_ready_reasons

    def follow(self, configuration: Configuration) -> Iterator[Event]:
        """What a configuration, which the core has already been given, means for agents. May be many events."""
        yield from self.desks.follow(configuration, self._loaded.desktop_agents)
        yield from self._phones.follow(configuration, self._loaded.desktop_agents)

    def carry_out(self, command: Command) -> bool:
        """Carry out a command if it is one to a desktop. Returns whether it was."""
        return self._phones.carry_out(command)

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step of the core is done."""
        self.desks.observe(now, event, commands)

    def let_be(self) -> None:
        """Leave those who have no desktop as they are: the server is about to end. The others go on working."""
        self._phones.close()

    def close(self) -> None:
        """Leave everybody as they are."""
        self._phones.close()
        self.desks.close()
