"""Whatever happens to messages: those of one lane go in order, and nobody is handed what somebody has."""

import asyncio
import shutil
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.store.outbox import Message, MessageDue, NotDelivered
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import connect
from store.contract.story import NOW

LEASE_MS = 100
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "take", "take", "deliver", "fail", "give up", "retry", "wait", "crash"]),
        st.integers(0, 2),
        st.integers(1, 4),
    ),
    max_size=40,
)


class Lives:
    """One outbox, and what must be true of it."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.now = NOW
        self.added = 0
        self.open: dict[str, tuple[str, int]] = {}
        """Messages that are neither delivered nor given up. Shape: {id: (lane, number)}."""
        self.parked: dict[str, tuple[str, int]] = {}
        self.held: dict[str, tuple[Message, int]] = {}
        """What was handed out, and until when."""

    async def add(self, lane: int, count: int) -> None:
        messages = []
        for _ in range(count):
            self.added += 1
            name = f"m{self.added}"
            self.open[name] = (f"record:{lane}", self.added)
            messages.append(MessageDue(name, "crm", "attempt.settled", f"record:{lane}", "{}", self.now))
        await self.store.write(messages)

    async def take(self, count: int) -> None:
        for one in await self.store.outbox.take("crm", self.now, self.now + LEASE_MS, count):
            lane, number = self.open[one.message_id]
            _, until = self.held.get(one.message_id, (None, 0))
            assert until <= self.now, "somebody has it"
            earlier = [name for name, (of, n) in self.open.items() if of == lane and n < number]
            assert not earlier, f"{one.message_id} went before {earlier}"
            self.held[one.message_id] = (one, self.now + LEASE_MS)

    async def end(self, how: str, place: int) -> None:
        if not self.held:
            return
        name = sorted(self.held)[place % len(self.held)]
        one, _ = self.held.pop(name)
        if how == "deliver":
            del self.open[name]
            await self.store.outbox.finish([one.seq], [])
        elif how == "fail":
            await self.store.outbox.finish([], [NotDelivered(one.seq, self.now + 50 * place, "no")])
        else:
            self.parked[name] = self.open.pop(name)
            await self.store.outbox.finish([], [NotDelivered(one.seq, None, "no")])

    async def step(self, what: str, place: int, count: int) -> None:
        if what == "add":
            await self.add(place, count)
        elif what == "take":
            await self.take(count)
        elif what == "retry":
            assert len(self.parked) == await self.store.outbox.retry("crm", self.now)
            self.open |= self.parked
            self.parked = {}
        elif what == "wait":
            self.now += 40 * count
        elif what == "crash":
            self.held = {name: (one, until) for name, (one, until) in self.held.items() if until > self.now}
        else:
            await self.end(what, place)
        found = (await self.store.outbox.counts()).get("crm")
        assert (len(self.open), len(self.parked)) == ((found.waiting, found.parked) if found else (0, 0))


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    connect(path).close()
    return path


@given(steps=STEPS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@pytest.mark.slow
def test_lanes_keep_their_order_whatever_happens(steps, template, tmp_path_factory):
    path = tmp_path_factory.mktemp("lives") / "outdial.sqlite"
    shutil.copy(template, path)

    async def life() -> None:
        store = SqliteStore(path)
        await store.open("one", NOW, 1_000)
        try:
            lives = Lives(store)
            for step in steps:
                await lives.step(*step)
        finally:
            await store.close()

    asyncio.run(life())
