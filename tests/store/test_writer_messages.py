"""Messages to other systems are written in the write of what they tell of, in the database or in the spool."""

import asyncio

from fake_store import NOW, Desk, FakeStore, settled
from outdial.core.commands import SettleAttempt
from outdial.store.outbox import MessageDue
from outdial.store.writer import GROUP


def about(now, command):
    """Two messages about every attempt."""
    return [
        MessageDue(f"att_7_{command.call_id}", webhook, "attempt.settled", "record:1", "{}", now.utc_ms)
        for webhook in ("crm", "wallboard")
    ]


def announcing(folder, store) -> Desk:
    desk = Desk(folder, store)
    desk.writer._announce = about
    return desk


def alone(change) -> bool:
    return isinstance(change, SettleAttempt)


def test_messages_follow_what_they_tell_of_and_are_never_written_without_it(tmp_path):
    async def story() -> None:
        store = FakeStore()
        store.is_free.clear()
        desk = announcing(tmp_path, store)
        calls = range(1, 2 * GROUP)
        for call_id in calls:
            desk.do(settled(call_id))
        store.is_free.set()
        await desk.until(lambda: len(store.made) == 3 * len(calls))
        await desk.end()
        for write in store.asked:
            assert alone(write[0]) and len(write) <= GROUP + 2
            told = [change.message_id for change in write if isinstance(change, MessageDue)]
            assert told == [f"att_7_{change.call_id}" for change in write if alone(change) for _ in range(2)]

    asyncio.run(story())


def test_messages_survive_an_outage_in_the_spool(tmp_path):
    async def story() -> None:
        store = FakeStore()
        store.is_down = True
        desk = announcing(tmp_path, store)
        desk.do(settled(1))
        await desk.until(lambda: len(desk.kept()) == 3)
        assert [MessageDue] * 2 == [type(change) for change in desk.kept()[1:]]
        store.is_down = False
        await desk.until(lambda: len(store.made) == 3)
        assert await desk.end()
        assert about(NOW, settled(1)) == store.made[1:]

    asyncio.run(story())


def test_messages_about_no_call_are_written_too(tmp_path):
    async def story() -> None:
        desk = Desk(tmp_path, FakeStore())
        desk.writer.tell(about(NOW, settled(5)))
        await desk.until(lambda: len(desk.store.made) == 2)
        await desk.end()

    asyncio.run(story())
