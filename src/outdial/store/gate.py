"""The gate in front of the servers: no call leaves before it is written down that it begins.

What concerns a call that still waits here waits behind it, in order; everything else passes at once.
"""

from collections.abc import Callable

from outdial.core.commands import Command, Dial, Join, PlayMessage, Release, StartIvr, Transfer
from outdial.core.units import CallId

ABOUT_A_CALL = (Transfer, Join, StartIvr, PlayMessage, Release)
"""Commands about a customer's call."""


class DialGate:
    """Calls that wait, each with what was ordered about it meanwhile."""

    def __init__(self, pass_on: Callable[[Command], object]) -> None:
        """Nothing waits.

        Args:
            pass_on: gives a command to the servers.
        """
        self._pass_on = pass_on
        self._waiting: dict[CallId, list[Command]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, dial: Dial) -> None:
        """Keep a call back."""
        self._waiting[dial.call_id] = [dial]

    def keeps(self, command: Command) -> bool:
        """Keep a command back if it is about a call that waits. Returns whether it is."""
        if not isinstance(command, ABOUT_A_CALL) or command.call_id not in self._waiting:
            return False
        self._waiting[command.call_id].append(command)
        return True

    def open(self, call_id: CallId) -> None:
        """The beginning is written down: let the call go, with what waits behind it."""
        for command in self._waiting.pop(call_id, ()):
            self._pass_on(command)

    def drop(self, call_id: CallId) -> None:
        """The call is over for the core, or must not be made: it never leaves."""
        self._waiting.pop(call_id, None)

    def drop_all(self) -> tuple[CallId, ...]:
        """No call leaves any more. Returns those that waited."""
        dropped = tuple(self._waiting)
        self._waiting.clear()
        return dropped
