"""Delivering the messages of one webhook: some at once, those of one record or alarm one after the other.

A turn hands back what has become of messages, then takes as many as may be on their way. The outbox sees to the order:
it hands out nothing of a lane of which something is on its way. A receiver that fails again and again is left alone for
a while, and then asked with one message: a dead one costs little, and its messages keep their tries for when it lives.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

import aiohttp
from structlog.typing import FilteringBoundLogger

from outdial.config.webhooks import Webhook
from outdial.core.units import SECOND_MS, Millis
from outdial.log_lines import Rate
from outdial.store.interface import StoreUnavailable
from outdial.store.outbox import Message, NotDelivered, Outbox
from outdial.webhooks.delivery import Outcome, pause_ms, post
from outdial.webhooks.signing import headers_of

IN_FLIGHT_MAX = 16
"""Messages of one webhook that are on their way at once."""
LOOK_S = 0.5
"""Pause between two looks into an outbox that had nothing due. Unit: seconds."""
GRACE_MS: Millis = 30 * SECOND_MS
"""How long after its timeout a message is handed out again whose fate nobody has written down. Unit: ms."""
FAILURES_MAX = 3
"""Failures in a row from which on the receiver is left alone."""
ALONE_S_MAX = 60.0
"""Longest time that it is. Unit: seconds. Begins with one second and doubles."""
LINES_PER_S, LINES_BURST = 1, 20
"""Lines about messages that were given up."""


class Receiver:
    """One webhook, as long as it is in the configuration.

    Attributes:
        outcomes: tries so far, by how they ended.
        error: why the last try failed; empty: it did not.
    """

    def __init__(
        self,
        webhook: Webhook,
        outbox: Outbox,
        session: aiohttp.ClientSession,
        log: FilteringBoundLogger,
        *,
        utc_ms: Callable[[], int],
        random: Callable[[], float],
    ) -> None:
        """Nothing is delivered yet; `run` does that.

        Args:
            webhook: who is told.
            outbox: where its messages are.
            session: connections.
            log: told when it fails and when it is back.
            utc_ms: the calendar.
            random: draws from 0 up to 1.

        Raises:
            ConfigError: its secret cannot be read.
        """
        self.webhook = webhook
        self.outcomes: Counter[str] = Counter()
        self.error = ""
        self._secret = webhook.secret.read()
        self._outbox = outbox
        self._session = session
        self._log = log
        self._utc_ms = utc_ms
        self._random = random
        self._flying: set[asyncio.Task[None]] = set()
        self._delivered: list[int] = []
        self._failed: list[NotDelivered] = []
        self._failures = 0
        """In a row."""
        self._alone_until_s = 0.0
        self._landed = asyncio.Event()
        self._lines = Rate(LINES_PER_S, LINES_BURST)

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            self._landed.clear()
            try:
                has_more = await self._turn()
            except StoreUnavailable:
                has_more = False  # an outage is told by those who write
            if not has_more or self._room() <= 0:
                await pause(LOOK_S, self._landed)

    async def finish(self, seconds: float) -> None:
        """Wait for what is on its way, at most so long, and write down what has become of it. `run` is over."""
        if self._flying:
            await asyncio.wait(self._flying, timeout=seconds)
        for task in self._flying:
            task.cancel()
        with contextlib.suppress(StoreUnavailable):
            await self._hand_back()

    async def _turn(self) -> bool:
        """One turn. Returns whether there may be more to deliver at once."""
        await self._hand_back()
        room = self._room()
        if room <= 0:
            return False
        now = self._utc_ms()
        lease_ms = self.webhook.timeout_ms + GRACE_MS
        messages = await self._outbox.take(self.webhook.name, now, now + lease_ms, room)
        for message in messages:
            task = asyncio.create_task(self._deliver(message))
            self._flying.add(task)
            task.add_done_callback(self._flying.discard)
        return len(messages) == room

    def _room(self) -> int:
        """How many messages may be sent off now."""
        if self._failures < FAILURES_MAX:
            return IN_FLIGHT_MAX - len(self._flying)
        is_alone = asyncio.get_running_loop().time() < self._alone_until_s
        return 0 if is_alone or self._flying else 1

    async def _hand_back(self) -> None:
        """Tell the outbox what has become of messages."""
        delivered, failed = self._delivered, self._failed
        if delivered or failed:
            self._delivered, self._failed = [], []
            try:
                await self._outbox.finish(delivered, failed)
            except BaseException:
                self._delivered, self._failed = delivered + self._delivered, failed + self._failed
                raise

    async def _deliver(self, message: Message) -> None:
        body = message.body.encode()
        headers = headers_of(self._secret, message.message_id, self._utc_ms() // SECOND_MS, body)
        outcome = await post(self._session, self.webhook.url, headers, body, self.webhook.timeout_ms)
        self.outcomes[outcome.word] += 1
        if outcome.is_delivered:
            self._delivered.append(message.seq)
        else:
            wait_ms = pause_ms(message.tries, outcome, self._random)
            due_utc_ms = None if wait_ms is None else self._utc_ms() + wait_ms
            self._failed.append(NotDelivered(message.seq, due_utc_ms, outcome.error))
            if due_utc_ms is None:
                self._given_up(message, outcome)
        self._take_note(outcome)
        self._landed.set()

    def _take_note(self, outcome: Outcome) -> None:
        """Whether the receiver lives."""
        if outcome.is_delivered:
            if self.error:
                self._log.info("webhook answers again", webhook=self.webhook.name)
            self.error, self._failures = "", 0
            return
        if not self.error:
            name, origin = self.webhook.name, self.webhook.origin
            self._log.warning("webhook fails", webhook=name, address=origin, why=outcome.error)
        self.error = outcome.error
        self._failures += 1
        if self._failures >= FAILURES_MAX:
            alone_s = min(ALONE_S_MAX, 2.0 ** min(self._failures - FAILURES_MAX, 10))
            self._alone_until_s = asyncio.get_running_loop().time() + alone_s

    def _given_up(self, message: Message, outcome: Outcome) -> None:
        if self._lines.allows(int(asyncio.get_running_loop().time() * SECOND_MS)):
            self._log.error(
                "message given up",
                webhook=self.webhook.name,
                id=message.message_id,
                tries=message.tries,
                why=outcome.error,
                left_out=self._lines.take_left_out(),
            )


async def pause(seconds: float, woken: asyncio.Event | None = None) -> None:
    """Wait for time, or for somebody who sets the event."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # unlike `wait_for`, it never takes a cancellation for its own
            await (woken or asyncio.Event()).wait()
