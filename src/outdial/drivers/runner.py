"""The asyncio runner of the core: one inbox, one timer, one step at a time.

Facts arrive in the inbox and are stepped in arrival order. The core has one deadline for everything it waits for; the
runner arms a single `call_at` for the earliest of that deadline, the next event of a timed source (an embedded
simulated cluster), and the flush of the journal. Late is normal, early never.

Of each step, first the journal is written, then the commands are carried out, then the observers look at it: nothing
happens outside that the journal does not know.

A turn takes what is in the inbox now, then what is due now, each up to `TURN_STEPS`; if more is left, it comes back
after the event loop has served everybody else. Facts go before deadlines: an answer that is here already must not
lose against its own timeout.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from outdial.core.commands import Command
from outdial.core.errors import InvariantViolated, OutdialError
from outdial.core.events import DeadlineReached, Event
from outdial.core.units import Millis, Now
from outdial.drivers.clock import Clock
from outdial.drivers.journal import JournalWriter

# Steps that one turn takes from the inbox, and again from what is due, before the event loop serves others.
# Unit: steps. Range: ≥ 1. Origin: about 5 ms at 40,000 steps per second.
TURN_STEPS = 200

# Events that may wait. Unit: events. Range: ≥ 1. Origin: 2,000 ports with 8 events per attempt, all at once.
INBOX_MAX = 16_000

CarryOut = Callable[[Now, Command], None]
"""Carries out one command without waiting; failures come back as events."""

Observer = Callable[[Now, Event, Sequence[Command]], None]
"""Looks at one finished step."""


class Core(Protocol):
    """What the runner asks of a dialer: `outdial.core.dialer.Dialer` and fakes have it."""

    def step(self, now: Now, event: Event) -> list[Command]:
        """One event in, commands out."""
        ...

    def next_deadline(self) -> Millis | None:
        """When `DeadlineReached` is wanted at the latest. Unit: monotonic ms. None: never."""
        ...


class TimedSource(Protocol):
    """A source of events that know when they are due, and that commands act upon: an embedded world."""

    def next_due(self) -> Millis | None:
        """When the next event is due. Unit: monotonic ms. None: none is waiting."""
        ...

    def pop_due(self, mono_ms: Millis) -> Event | None:
        """Take the next event that is due at or before `mono_ms`. None: nothing that the core would notice."""
        ...

    def carry_out(self, now: Now, command: Command) -> None:
        """Act on a command; its answers become due later."""
        ...


class InboxFull(OutdialError):
    """More events arrived than the core could take; wait for room with `put`."""

    code = "inbox_full"
    retriable = True


class Runner:
    """Runs one core in real time.

    Attributes:
        steps: steps taken so far.
    """

    def __init__(
        self,
        core: Core,
        clock: Clock,
        *,
        carry_out: CarryOut | None = None,
        source: TimedSource | None = None,
        observers: Sequence[Observer] = (),
        journal: JournalWriter | None = None,
        inbox_max: int = INBOX_MAX,
    ) -> None:
        """Put the parts together; nothing runs yet.

        Args:
            core: the dialer.
            clock: read once per step.
            carry_out: takes every command. None: the source takes them.
            source: a source of timed events.
            observers: called after each step, in this order.
            journal: every step is written to it. The runner flushes it, its owner closes it.
            inbox_max: events that may wait. Range: ≥ 1.
        """
        if carry_out is None:
            if source is None:
                raise ValueError("commands need somebody who carries them out: pass carry_out or source")
            carry_out = source.carry_out
        self.steps = 0
        self._core = core
        self._clock = clock
        self._carry_out = carry_out
        self._source = source
        self._observers = tuple(observers)
        self._journal = journal
        self._inbox: asyncio.Queue[Event] = asyncio.Queue(inbox_max)
        self._stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Future[None] | None = None
        self._turn_handle: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Events in the inbox."""
        return self._inbox.qsize()

    # --- facts ---------------------------------------------------------------------------------------------------

    def submit(self, event: Event) -> None:
        """Give the core a fact, from the event loop's own thread; it is stepped soon.

        Raises:
            InboxFull: the inbox is full or the runner has been told to stop.
        """
        if self._stopping:
            raise InboxFull("the runner is stopping and takes no more events")
        try:
            self._inbox.put_nowait(event)
        except asyncio.QueueFull as error:
            raise InboxFull(f"{self._inbox.maxsize} events are waiting for the core already") from error
        self.wake()

    async def put(self, event: Event) -> None:
        """Give the core a fact, waiting for room: slows down a server that talks faster than the core listens."""
        if self._stopping:
            raise InboxFull("the runner is stopping and takes no more events")
        await self._inbox.put(event)
        self.wake()

    # --- running -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Step until `stop` is called, then return.

        Raises:
            InvariantViolated: a bug. Its notes name the fatal event and the journal position.
            Exception: whatever an observer or a carrier raised.
        """
        self._loop = asyncio.get_running_loop()
        self._done = self._loop.create_future()
        self.wake()
        try:
            await self._done
        finally:
            for handle in (self._turn_handle, self._timer):
                if handle is not None:
                    handle.cancel()
            self._loop = self._turn_handle = self._timer = None
            if self._journal is not None:
                self._journal.flush()

    def stop(self) -> None:
        """Let `run` return after the events that are already in the inbox have been stepped."""
        self._stopping = True
        self.wake()

    def wake(self) -> None:
        """Have a turn soon, unless one is coming already or nobody runs yet. For whoever has given the source work."""
        if self._loop is not None and self._turn_handle is None:
            self._turn_handle = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        assert self._loop is not None and self._done is not None
        self._turn_handle = None
        if self._done.done():
            return
        try:
            self._step_inbox()
            if not self._stopping:
                self._step_due()
                self._arm()
            elif self._inbox.empty():
                self._done.set_result(None)
            else:
                self.wake()
        except Exception as error:
            # Raised again by run(), where somebody awaits it; the event loop would only print it.
            if isinstance(error, InvariantViolated):
                error.add_note(self._position())
            self._done.set_exception(error)

    def _step_inbox(self) -> None:
        for _ in range(min(self._inbox.qsize(), TURN_STEPS)):
            self._step(self._clock.read(), self._inbox.get_nowait())

    def _step_due(self) -> None:
        """Step what is due: the source's events and the core's deadline, the earlier first."""
        for _ in range(TURN_STEPS):
            now = self._clock.read()
            due = self._source.next_due() if self._source is not None else None
            deadline = self._core.next_deadline()
            event: Event | None
            if due is not None and due <= now.mono_ms and (deadline is None or due <= deadline):
                assert self._source is not None
                event = self._source.pop_due(now.mono_ms)
            elif deadline is not None and deadline <= now.mono_ms:
                event = DeadlineReached()
            else:
                return
            if event is not None:
                self._step(now, event)

    def _step(self, now: Now, event: Event) -> None:
        try:
            commands = self._core.step(now, event)
        except InvariantViolated as error:
            if self._journal is not None:
                self._journal.append_failure(now, event, str(error))
            error.add_note(f"fatal event: {event}")
            raise
        self.steps += 1
        if self._journal is not None:
            self._journal.append(now, event, commands)
        for command in commands:
            self._carry_out(now, command)
        for observer in self._observers:
            observer(now, event, commands)

    def _position(self) -> str:
        if self._journal is None:
            return f"no journal was kept; steps before this one: {self.steps}"
        return f"journal: {self._journal.path}, line {self._journal.lines}"

    # --- the one timer -------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """Set the timer for whatever comes first; flush the journal when its time has come."""
        assert self._loop is not None
        mono_ms = self._clock.read().mono_ms
        waits = [self._core.next_deadline()]
        if self._source is not None:
            waits.append(self._source.next_due())
        if self._journal is not None:
            flush_due = self._journal.flush_due()
            if flush_due is not None and flush_due <= mono_ms:
                self._journal.flush()
                flush_due = None
            waits.append(flush_due)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = min((wait for wait in waits if wait is not None), default=None)
        if not self._inbox.empty() or (due is not None and due <= mono_ms):
            self.wake()
        elif due is not None:
            self._timer = self._loop.call_at(self._loop.time() + (due - mono_ms) / 1_000, self.wake)
