"""Who changed what: told by every route that changes something, after it has."""

from typing import Any, Protocol

from outdial.api.access import Caller


class Audit(Protocol):
    """Keeps changes on record."""

    async def note(
        self, caller: Caller, action: str, subject: str, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> None:
        """Write one change down.

        Args:
            caller: who.
            action: what was done, for example `group.start`.
            subject: to what, for example `campaign-group 7`.
            before: how it was, in the shape of the API. None: it was not there.
            after: how it is. None: it is gone.
        """
        ...
