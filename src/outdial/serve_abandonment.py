"""What the database's ledger of abandoned calls says, told to the dialer: a campaign goes on with the account it had.

Told once in a run, before the campaign calls; then the dialer counts as the database does. Servers that call for one
campaign at the same time, on one database, each know what the others had called before they started.
"""

from collections.abc import Iterable

from structlog.typing import FilteringBoundLogger

from outdial.core.abandonment import KEPT_MS, NOTHING, Counts, bucket_of
from outdial.core.events import AbandonmentFound
from outdial.core.settings import Configuration
from outdial.drivers.clock import Clock
from outdial.serve_records import ServeRecords
from outdial.store.interface import LedgerRow, StoreUnavailable


class ServeLedgers:
    """The ledgers of campaigns, while the server runs."""

    def __init__(self, records: ServeRecords, clock: Clock, log: FilteringBoundLogger) -> None:
        """Nothing is read yet.

        Args:
            records: the database.
            clock: tells which calls are old.
            log: told when the database does not answer at a reload.
        """
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
