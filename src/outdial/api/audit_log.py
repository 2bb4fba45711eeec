"""Keeps what everybody changes: written down at once, and when the database is away as soon as it is back."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from outdial.api.access import Caller
from outdial.api.credentials import AccessRecords, AuditEntry
from outdial.core.errors import OutdialError

WAITING_MAX: Final = 10_000
"""Changes that may wait for the database; of more, the oldest are in the log only. Unit: changes. Ours."""
AT_ONCE_MAX: Final = 100
"""Changes of one transaction. Unit: changes. Ours."""
TEXT_CHARACTERS_MAX: Final = 65_536
"""Longest before and after; what is longer is cut, as text. Unit: characters. Ours."""


class AuditLog:
    """An `outdial.api.audit.Audit`."""

    def __init__(
        self, records: AccessRecords, utc_ms: Callable[[], int], tell: Callable[[dict[str, Any]], None]
    ) -> None:
        """Nothing has been changed.

        Args:
            records: where changes are kept.
            utc_ms: the present instant.
            tell: takes every change, for the log.
        """
        self._records = records
        self._utc_ms = utc_ms
        self._tell = tell
        self._waiting: deque[AuditEntry] = deque(maxlen=WAITING_MAX)
        self._turn = asyncio.Lock()

    async def note(
        self, caller: Caller, action: str, subject: str, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> None:
        """See `Audit.note`. What is done cannot be refused: when the database fails, it is written later."""
        self._tell({"by": caller.name, "action": action, "subject": subject, "before": before, "after": after})
        entry = AuditEntry(
            self._utc_ms(), caller.name, caller.how, action, subject, _json(before), _json(after), caller.address
        )
        self._waiting.append(entry)
        with contextlib.suppress(OutdialError):
            await self.write()

    async def write(self) -> None:
        """Write down what waits.

        Raises:
            OutdialError: the database cannot be reached; everything goes on waiting.
        """
        async with self._turn:
            while self._waiting:
                some = [self._waiting[n] for n in range(min(AT_ONCE_MAX, len(self._waiting)))]
                await self._records.add_audit(some)
                for entry in some:
                    if self._waiting and self._waiting[0] is entry:
                        self._waiting.popleft()


def _json(value: dict[str, Any] | None) -> str | None:
    if value is None:
        return None
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= TEXT_CHARACTERS_MAX else json.dumps(text[:TEXT_CHARACTERS_MAX], ensure_ascii=False)
