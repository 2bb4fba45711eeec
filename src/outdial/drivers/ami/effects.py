"""What the pure side of the manager interface wants done."""

from dataclasses import dataclass

from outdial.core.events import Event
from outdial.core.units import CallId
from outdial.drivers.ami.requests import Action


@dataclass(frozen=True, slots=True)
class Grace:
    """Call `grace_over` when this time has passed: a failed response may overtake the first signs of its call."""

    call_id: CallId
    seconds: float = 0.25
    """Origin: ours; on 22.10 the signs followed within milliseconds, in bursts of 60 requests."""


Effects = list[Action | Grace | Event]
"""What is to be done, in order."""
