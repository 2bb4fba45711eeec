"""Every webhook of a running server: one receiver each, as the configuration has them."""

import asyncio
import contextlib
import random as dice
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from structlog.typing import FilteringBoundLogger

from outdial.config.webhooks import Webhook
from outdial.core.units import DAY_MS, Millis
from outdial.metrics import Sample
from outdial.store.interface import StoreUnavailable
from outdial.store.outbox import Outbox, OutboxCounts
from outdial.webhooks.delivery import session
from outdial.webhooks.receiver import Receiver, pause

COUNT_S = 5.0
"""Pause between two counts of what waits. Unit: seconds."""
WAITING_MAX = 1_000_000
"""Messages of one webhook that may wait; further ones are left out and counted. Ours: days of a receiver's outage."""
PARKED_MS: Millis = 30 * DAY_MS
"""How long messages are kept that were given up. Unit: ms."""
CLOSE_S = 2.0
"""Longest wait at the end for messages that are on their way. Unit: seconds."""
AGAIN_S = 5.0
"""Pause after a bug. Unit: seconds."""
NOTHING = OutboxCounts(0, 0)


@dataclass(frozen=True, slots=True)
class WebhookState:
    """How one webhook is doing."""

    webhook: Webhook
    waiting: int
    parked: int
    """Messages that were given up."""
    error: str
    """Why the last try failed; empty: it did not, or there was none."""


class Dispatcher:
    """Delivers what is in the outbox, beside everything else."""

    def __init__(
        self,
        outbox: Outbox,
        log: FilteringBoundLogger,
        *,
        utc_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random: Callable[[], float] = dice.random,
    ) -> None:
        """Nobody is told yet. Arguments: see `Receiver`."""
        self._outbox = outbox
        self._log = log
        self._utc_ms = utc_ms
        self._random = random
        self._counts: Mapping[str, OutboxCounts] = {}
        self._running: dict[str, tuple[Receiver, asyncio.Task[None]]] = {}
        self._session: aiohttp.ClientSession | None = None
        self._counting: asyncio.Task[None] | None = None

    def follow(self, webhooks: Sequence[Webhook]) -> None:
        """A configuration is in effect; in the event loop. What is on its way to one that has changed is sent again.

        Raises:
            ConfigError: a secret cannot be read.
        """
        wanted = {webhook.name: webhook for webhook in webhooks}
        if wanted and self._session is None:
            self._session = session()
            self._counting = asyncio.create_task(self._again_and_again(self._count))
        for name, (receiver, task) in list(self._running.items()):
            if wanted.get(name) != receiver.webhook:
                task.cancel()
                del self._running[name]
        for name, webhook in wanted.items():
            if name not in self._running:
                assert self._session is not None
                receiver = Receiver(
                    webhook, self._outbox, self._session, self._log, utc_ms=self._utc_ms, random=self._random
                )
                self._running[name] = (receiver, asyncio.create_task(self._again_and_again(receiver.run)))

    def is_full(self, name: str) -> bool:
        """Whether so much waits for a webhook that nothing is added."""
        return self._counts.get(name, NOTHING).waiting >= WAITING_MAX

    def states(self) -> list[WebhookState]:
        """How every webhook is doing, as of some seconds ago."""
        found = []
        for name, (receiver, _) in self._running.items():
            counts = self._counts.get(name, NOTHING)
            found.append(WebhookState(receiver.webhook, counts.waiting, counts.parked, receiver.error))
        return found

    def samples(self) -> dict[str, Sequence[Sample]]:
        """Metrics."""
        running = {name: receiver for name, (receiver, _) in self._running.items()}
        return {
            "outdial_webhook_deliveries_total": [
                ((name, word), count) for name, receiver in running.items() for word, count in receiver.outcomes.items()
            ],
            "outdial_webhook_waiting": [((name,), self._counts.get(name, NOTHING).waiting) for name in running],
            "outdial_webhook_parked": [((name,), self._counts.get(name, NOTHING).parked) for name in running],
        }

    async def retry(self, name: str) -> int:
        """Messages of one webhook that were given up are tried again. Returns how many.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        return await self._outbox.retry(name, self._utc_ms())

    async def close(self) -> None:
        """Come to an end: what is on its way may arrive, for a moment; the rest stays in the outbox."""
        running, self._running = self._running, {}
        tasks = [task for _, task in running.values()] + ([self._counting] if self._counting is not None else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(receiver.finish(CLOSE_S) for receiver, _ in running.values()), return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _count(self) -> None:
        """Count what waits, and forget what was given up long ago."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                self._counts = await self._outbox.counts()
                await self._outbox.forget(self._utc_ms() - PARKED_MS)
            await pause(COUNT_S)

    async def _again_and_again(self, work: Callable[[], Awaitable[None]]) -> None:
        """A bug in a delivery must not end it: dialing goes on, and so do messages."""
        while True:
            try:
                await work()
            except Exception as error:
                self._log.error("failure", text=f"webhooks: {error!r}", exc_info=error)
            await pause(AGAIN_S)
