"""What the database's ledger of abandoned calls says, told to the dialer: a campaign goes on with the account it had.

Told before the campaign calls; then the dialer counts as the database does. Where several servers may share a database,
what the others have called is told every minute.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace

from structlog.typing import FilteringBoundLogger

from outdial.config.loaded import Database
from outdial.core.abandonment import KEPT_MS, NOTHING, Counts, bucket_of
from outdial.core.events import AbandonmentFound
from outdial.core.settings import Configuration
from outdial.core.units import DAY_MS, MINUTE_MS, Millis
from outdial.drivers.clock import Clock
from outdial.serve_records import ServeRecords
from outdial.store.interface import StoreUnavailable
from outdial.store.stored import LedgerRow

LOOK_MS: Millis = MINUTE_MS
"""Time between two looks at what other servers have called. Unit: ms. Ours."""
RECENT_MS: Millis = 2 * DAY_MS
"""How far back it is looked: an outage may have kept others' calls from the database. Unit: ms. Ours."""
NOBODY = 0
"""Number of a request whose reply nobody waits for."""


class ServeLedgers:
    """The ledgers of campaigns, while the server runs."""

    def __init__(
        self,
        records: ServeRecords,
        clock: Clock,
        log: FilteringBoundLogger,
        tell: Callable[[AbandonmentFound], None],
        database: Database,
    ) -> None:
        """Nothing is read yet.

        Args:
            records: the database.
            clock: tells which calls are old.
            log: told when the database does not answer at a reload.
            tell: gives the dialer what others have called.
            database: of the configuration; a SQLite file has no other server.
        """
        self._tell = tell
        self._is_shared = database.file is None
        self._look_at_ms = clock.read().mono_ms + LOOK_MS
        self._looking: asyncio.Task[None] | None = None
        self._records = records
        self._clock = clock
        self._log = log
        self._told: dict[int, None] = {}
        """Campaigns of which the dialer knows."""

    async def found(self, configuration: Configuration, request_id: int) -> list[AbandonmentFound]:
        """What campaigns that are new in the configuration are to go on with.

        Args:
            configuration: in effect from now on.
            request_id: of the first event; those of the others follow.

        Raises:
            StoreUnavailable: the database does not answer at the start.
        """
        new = [campaign.dbid for campaign in configuration.campaigns if campaign.dbid not in self._told]
        if not new:
            return []
        try:
            rows = await self._records.abandonment(bucket_of(self._clock.read().utc_ms - KEPT_MS))
        except StoreUnavailable as error:
            if not self._told:
                raise
            consequence = "their groups begin with accounts of their own"
            self._log.warning("ledger not read", text=str(error), campaigns=new, consequence=consequence)
            return []
        self._told.update(dict.fromkeys(new))
        return [found_of(request_id + n, campaign_id, rows) for n, campaign_id in enumerate(new)]

    def look(self) -> None:
        """Read what others have called, if it is time and the last reading is over."""
        mono_ms = self._clock.read().mono_ms
        if self._is_shared and mono_ms >= self._look_at_ms and (self._looking is None or self._looking.done()):
            self._look_at_ms = mono_ms + LOOK_MS
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            rows = await self._records.abandonment(bucket_of(self._clock.read().utc_ms - RECENT_MS))
        except StoreUnavailable:
            return  # an outage is told by those who write
        for campaign_id in self._told:
            self._tell(replace(found_of(NOBODY, campaign_id, rows), earlier=NOTHING))


def found_of(request_id: int, campaign_id: int, rows: Iterable[LedgerRow]) -> AbandonmentFound:
    """What the ledger says of one campaign, whoever it has called for."""
    earlier, buckets = NOTHING, dict[int, Counts]()
    for row in rows:
        if row.campaign_id != campaign_id:
            continue
        if row.bucket_utc_ms:
            buckets[row.bucket_utc_ms] = buckets.get(row.bucket_utc_ms, NOTHING).plus(row.counts)
        else:
            earlier = earlier.plus(row.counts)
    return AbandonmentFound(request_id, campaign_id, earlier, tuple(sorted(buckets.items())))
