"""What a demonstration asks of the far side, simulated or real: servers, callees, agents, calling lists."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from outdial.config import Loaded
from outdial.core.commands import Command
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.core.units import CallId, GroupId, ListId, Now, RecordId
from outdial.demo_desks import Desktops
from outdial.drivers.runner import TimedSource
from outdial.names import Names
from outdial.sim.lists import Lists


class FarSide(Protocol):
    """What the dialer plays with: servers, callees, agents and calling lists."""

    @property
    def title(self) -> str:
        """What the board is headed with."""
        ...

    @property
    def configuration(self) -> Configuration:
        """What the core is given."""
        ...

    @property
    def loaded(self) -> Loaded:
        """What it was read from, with this configuration."""
        ...

    @property
    def names(self) -> Names:
        """Names of the configuration's objects."""
        ...

    @property
    def seed(self) -> int:
        """What luck is drawn from."""
        ...

    @property
    def groups_to_start(self) -> Sequence[GroupId]:
        """Campaign groups that dial."""
        ...

    @property
    def lists(self) -> Lists:
        """The calling lists as they are to begin with; what becomes of their records is in the database."""
        ...

    @property
    def desktops(self) -> Desktops:
        """Agents whom people play."""
        ...

    @property
    def scenario(self) -> tuple[Path, str] | None:
        """The file that says all this and its text; None: nothing of it can be changed."""
        ...

    @property
    def source(self) -> TimedSource | None:
        """Where events come from that are waited for; None: they are submitted."""
        ...

    def begin(self, submit: Callable[[Event], None], say: Callable[[str, str], None]) -> None:
        """The core has been given the configuration, in a running event loop.

        Args:
            submit: gives the core a fact.
            say: adds a line to the log of the board. Arguments: its kind (see `happenings.Line`), its text.
        """
        ...

    def carry_out(self, now: Now, command: Command) -> None:
        """Carry out a command of the core that is none to the database."""
        ...

    def know_attempts(self, attempt_n: Callable[[ListId, RecordId], int]) -> None:
        """Before `begin`: how to find out which attempt of its record a call is, from 1."""
        ...

    def calm_down(self) -> None:
        """Groups are told to stop: nothing is made to fail any more."""
        ...

    def hang_up(self, calls: Sequence[CallId], engagings: Sequence[CallId]) -> None:
        """End calls to customers, and engaging calls to agents; the core hears of it as of any other end."""
        ...

    async def close(self) -> None:
        """Nothing is wanted any more."""
        ...

    def check(self) -> dict[str, Any]:
        """Compare what happened with the far side's own count.

        Returns:
            What the report says about it. Shape: docs/reference/command-line.md.

        Raises:
            InvariantViolated: they do not agree.
        """
        ...
