"""Webhooks while the server runs: what happens becomes messages, messages are delivered."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from outdial.alarms import Alarm
from outdial.config import Loaded
from outdial.metrics import Sample
from outdial.serve_records import ServeRecords
from outdial.webhooks.dispatcher import Dispatcher
from outdial.webhooks.messages import Announcer

if TYPE_CHECKING:  # slow to import, and not everybody serves an API
    from outdial.api.observed import Webhooks


class ServeWebhooks:
    """The webhooks of one server."""

    def __init__(self, records: ServeRecords, loaded: Loaded, log: FilteringBoundLogger) -> None:
        """From now on messages are written down; `follow` begins to deliver them.

        Args:
            records: the database.
            loaded: the configuration.
            log: told of webhooks that fail.
        """
        self._records = records
        self._dispatcher = Dispatcher(records.store.outbox, log)
        self._announcer = Announcer(
            loaded.webhooks, loaded.configuration, records.epoch, is_full=self._dispatcher.is_full
        )
        records.announce = self._announcer.messages

    def follow(self, loaded: Loaded) -> None:
        """A configuration is in effect. In the event loop.

        Raises:
            ConfigError: a secret cannot be read.
        """
        self._announcer.follow(loaded.webhooks, loaded.configuration)
        self._dispatcher.follow(loaded.webhooks)

    def alarms(self, raised: tuple[Alarm, ...], cleared: tuple[Alarm, ...]) -> None:
        """Alarms have come and gone."""
        utc_ms = time.time_ns() // 1_000_000
        for alarms, is_up in ((cleared, False), (raised, True)):
            for alarm in alarms:
                self._records.tell(self._announcer.alarm(alarm, is_up=is_up, utc_ms=utc_ms))

    def samples(self) -> dict[str, Sequence[Sample]]:
        """Metrics."""
        left_out = [((name, "left out"), float(count)) for name, count in self._announcer.left_out.items()]
        samples = self._dispatcher.samples()
        tried = samples["outdial_webhook_deliveries_total"]
        return {**samples, "outdial_webhook_deliveries_total": [*tried, *left_out]}

    def for_api(self) -> "Webhooks":
        """What the API's routes ask."""
        from outdial.api.observed import Webhooks, WebhookStatus

        def states() -> list[WebhookStatus]:
            return [
                WebhookStatus(
                    one.webhook.name,
                    one.webhook.origin,
                    tuple(event.value for event in one.webhook.events),
                    one.webhook.campaigns,
                    one.waiting,
                    one.parked,
                    one.error,
                )
                for one in self._dispatcher.states()
            ]

        return Webhooks(states, self._dispatcher.retry)

    async def close(self) -> None:
        """Deliver nothing any more; what is left goes on at the next start."""
        await self._dispatcher.close()
