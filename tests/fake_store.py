"""A store without a database, whose moods a test decides; and what a writer needs around it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from outdial.core.commands import Command, Dial, Disposition, FetchRecords, ReturnRecord, SettleAttempt
from outdial.core.events import Event
from outdial.core.modes import DialingMode
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult, Fault
from outdial.core.settings import TreatmentAction
from outdial.core.units import Now
from outdial.drivers.runner import InboxFull
from outdial.store.claims import Claimed, ClaimRequest
from outdial.store.do_not_call import Objections
from outdial.store.interface import Change, EpochLost, StoreUnavailable
from outdial.store.spool import Spool
from outdial.store.stored import PortSample
from outdial.store.writer import StoreWriter

NOW = Now(5_000, 1_700_000_000_000)
WITHIN_S = 5.0
"""Longest wait for anything. Unit: seconds."""


def chain(*record_ids: int) -> Chain:
    return Chain(tuple(Record(record_id, 1, f"5550{record_id:03}") for record_id in record_ids))


def dial(call_id: int) -> Dial:
    return Dial(call_id, 1, 1, 1, 1, call_id, f"5550{call_id:03}", 20_000, True)


def settled(call_id: int) -> SettleAttempt:
    return SettleAttempt(
        call_id=call_id,
        group_id=1,
        node_id=1,
        list_id=1,
        record_id=call_id,
        number=f"5550{call_id:03}",
        mode=DialingMode.PROGRESSIVE,
        call_result=CallResult.BUSY,
        fault=Fault.CALLEE,
        verdict=None,
        sip_status=486,
        q850_cause=17,
        agent_id=None,
        attempt_n=1,
        dialed_utc_ms=NOW.utc_ms,
        ring_ms=900,
        wait_ms=0,
        talk_ms=0,
        disposition=Disposition(TreatmentAction.RETRY_IN, NOW.utc_ms + 60_000, None, ((CallResult.BUSY, 1),)),
    )


def returned(record_id: int) -> ReturnRecord:
    return ReturnRecord(1, record_id, 0, "the group was stopped")


def fetch(fetch_id: int = 1) -> FetchRecords:
    return FetchRecords(1, fetch_id, 10, ((1, 10),))


class FakeStore:
    """Takes everything, unless told otherwise.

    Attributes:
        asked: what it was asked for, in order: the changes of a write, or a request.
        made: changes of writes that went well, in order.
        sampled: samples that went well, and from when on older ones are kept.
        chains: what the next claim gives.
        objections_found: what the next look finds.
        is_down: it does not answer.
        error: what it answers to everything; it makes changes all the same when the epoch is lost.
        is_free: cleared, it thinks before it answers.
    """

    def __init__(self, *chains: Chain) -> None:
        self.asked: list[list[Change] | ClaimRequest | tuple[str, int, int]] = []
        self.made: list[Change] = []
        self.sampled: list[tuple[tuple[PortSample, ...], int]] = []
        self.chains = chains
        self.objections_found = Objections(0)
        self.is_down = False
        self.error: Exception | None = None
        self.is_free = asyncio.Event()
        self.is_free.set()

    async def write(self, changes: Sequence[Change]) -> None:
        self.asked.append(list(changes))
        await self._think()
        if self.error is not None and not isinstance(self.error, EpochLost):
            raise self.error
        self.made += changes
        if self.error is not None:
            raise self.error

    async def add_port_samples(self, samples: Sequence[PortSample], before_utc_ms: int) -> None:
        await self._think()
        if self.error is not None:
            raise self.error
        self.sampled.append((tuple(samples), before_utc_ms))

    async def claim(self, request: ClaimRequest) -> Claimed:
        self.asked.append(request)
        await self._think()
        if self.error is not None:
            raise self.error
        return Claimed(self.chains, True, None)

    async def objections(self, seq: int, utc_ms: int) -> Objections:
        self.asked.append(("objections", seq, utc_ms))
        await self._think()
        if self.error is not None:
            raise self.error
        return self.objections_found

    async def _think(self) -> None:
        await self.is_free.wait()
        if self.is_down:
            raise StoreUnavailable("connection refused")


class HeardLog:
    """A log that is listened to."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, **_: Any) -> None:
        self.events.append(event)

    warning = error = info


class Desk:
    """A writer between a fake store and everybody who would be around it.

    Attributes:
        told: what the core was told.
        passed: what the servers were told.
        failures: why no further call may be made.
    """

    def __init__(self, folder: Path, store: FakeStore, *, bytes_max: int = 1_000_000, patience_s: float = 60.0) -> None:
        self.store = store
        self.log = HeardLog()
        self.told: list[Event] = []
        self.passed: list[Command] = []
        self.failures: list[Exception] = []
        self.is_inbox_full = False
        self.spool = Spool(folder / "spool" / "outdial.jsonl", "outdial", "fake", bytes_max=bytes_max)
        self.writer = StoreWriter(
            store,  # type: ignore[arg-type]
            self.spool,
            7,
            self.log,  # type: ignore[arg-type]
            submit=self._submit,
            pass_on=self.passed.append,
            attempt_n=lambda call_id: 1,
            on_failure=self.failures.append,
            random=lambda: 0.0,
            patience_s=patience_s,
        )
        self._running = asyncio.ensure_future(self.writer.run())

    def do(self, *commands: Command) -> None:
        """Carry out commands, one right after the other."""
        for command in commands:
            assert self.writer.carry_out(NOW, command)

    def kept(self) -> list[Change]:
        """What is in the spool."""
        return [change for _, changes in self.spool.batches() for change in changes]

    async def until(self, is_so: Callable[[], object]) -> None:
        async def look() -> None:
            while not is_so():
                await asyncio.sleep(0.001)

        await asyncio.wait_for(look(), WITHIN_S)

    async def end(self, seconds: float = WITHIN_S) -> bool:
        """Close the writer. Returns whether the store has everything."""
        self.writer.close()
        await asyncio.wait_for(self._running, WITHIN_S)
        has_all = await self.writer.caught_up(seconds)
        self.spool.close()
        return has_all

    def _submit(self, event: Event) -> None:
        if self.is_inbox_full:
            raise InboxFull("full")
        self.told.append(event)
