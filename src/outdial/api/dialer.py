"""The running dialer as the API sees it: facts go in, requests are answered, snapshots come out."""

from collections.abc import Callable
from typing import Protocol

from outdial.api.problems import Problem
from outdial.core.commands import Reply
from outdial.core.events import Event
from outdial.core.settings import Configuration
from outdial.core.snapshot import Snapshot
from outdial.core.units import RequestId
from outdial.core.views import Views

STATUS_OF_REFUSALS = {"not_found": 404, "invalid_request": 422, "conflict": 409}
"""HTTP status by the code of a `Reply`."""


class RunningDialer(Protocol):
    """What is handed to the API."""

    @property
    def configuration(self) -> Configuration:
        """What is in effect."""
        ...

    def snapshot(self) -> Snapshot:
        """Everything at this instant."""
        ...

    @property
    def views(self) -> Views:
        """One object at this instant, for requests about one."""
        ...

    async def ask(self, make_event: Callable[[RequestId], Event]) -> Reply:
        """Give the core an operator's request, and wait for its answer.

        Args:
            make_event: the request, with the number that its answer will carry.

        Raises:
            OutdialError: the server takes no more requests now; retriable.
        """
        ...

    def tell(self, event: Event) -> None:
        """Give the core a fact that has no answer.

        Raises:
            OutdialError: the server takes no more facts now; retriable.
        """
        ...


async def demand(dialer: RunningDialer, make_event: Callable[[RequestId], Event]) -> None:
    """Have the core do something.

    Raises:
        Problem: it refuses, or takes no more requests.
    """
    reply = await dialer.ask(make_event)
    if not reply.ok:
        raise Problem(STATUS_OF_REFUSALS.get(reply.code, 409), reply.code or "conflict", reply.message)
