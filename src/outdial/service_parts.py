"""What a service is made of that tests replace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from outdial.core.commands import Command
from outdial.core.dialer import Dialer
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.drivers.asterisk import AsteriskSettings
from outdial.drivers.servers import Servers


class SipSide(Protocol):
    """What the service asks of the servers: `outdial.drivers.servers.Servers` and fakes have it."""

    def configure(self, configuration: Configuration, servers: Sequence[AsteriskSettings]) -> None:
        """Take in a configuration, the first or a changed one."""
        ...

    def carry_out(self, command: Command) -> bool:
        """Carry out a command if it is one to a server. Returns whether it was."""
        ...

    async def close(self) -> None:
        """Reset every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What tests replace."""

    make_servers: Callable[[Callable[[Event], None]], SipSide] = Servers
    make_core: Callable[[], Dialer] = Dialer
