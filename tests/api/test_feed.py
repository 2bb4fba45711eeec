"""Messages to many listeners: nobody is waited for, nothing is missed by who comes back in time."""

import asyncio
from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from outdial.api.event_stream import HEARTBEAT_S, silence_s
from outdial.api.feed import SLICE, Feed


def publish(feed: Feed, count: int = 1) -> None:
    for _ in range(count):
        feed.publish("change", lambda campaigns: "{}")


def test_who_comes_back_gets_what_was_missed():
    feed = Feed("abc", ring_max=3)
    publish(feed, 5)
    assert [message.number for message in feed.missed("abc-3") or ()] == [4, 5]
    assert feed.missed("abc-5") == []
    assert feed.missed("abc-2") is not None
    assert feed.missed("abc-1") is None  # 2 is not kept any more


def test_other_starts_and_nonsense_are_not_known():
    feed = Feed("abc")
    publish(feed, 2)
    for last_id in ("abd-1", "1", "", "abc-", "abc-x", "abc--1", "abc-9", "abc-" + "9" * 40, "abc-٣"):
        assert feed.missed(last_id) is None, last_id


def test_a_slow_listener_is_let_go_and_the_others_are_not():
    async def story() -> None:
        feed = Feed("abc", queue_max=2)
        with feed.listen() as slow, feed.listen() as quick:
            for number in range(1, 5):
                publish(feed)
                message = await quick.next(1)
                assert message is not None and message.number == number
            assert slow.is_dropped and await slow.next(0) is None
            assert feed.listeners == 1
        assert feed.listeners == 0

    asyncio.run(story())


def test_many_listeners_get_a_message_in_several_turns_of_the_loop_and_each_in_order():
    async def story() -> None:
        feed = Feed("abc")
        with ExitStack() as stack:
            many = [stack.enter_context(feed.listen()) for _ in range(3 * SLICE)]
            publish(feed, 2)
            waiting = [listener for listener in many if listener._messages]
            assert len(waiting) == SLICE  # the others do not hold up whoever else has something to do
            for listener in many:
                assert [getattr(await listener.next(1), "number", None) for _ in range(2)] == [1, 2]

    asyncio.run(story())


def test_who_goes_meanwhile_is_passed_over():
    async def story() -> None:
        feed = Feed("abc")
        with ExitStack() as stack:
            many = [stack.enter_context(feed.listen()) for _ in range(SLICE)]
            with feed.listen():
                publish(feed)
            publish(feed)
            for listener in many:
                assert [getattr(await listener.next(1), "number", None) for _ in range(2)] == [1, 2]
            assert feed.listeners == SLICE

    asyncio.run(story())


def test_streams_that_fell_silent_together_speak_up_one_by_one():
    due_s = sorted(silence_s(key, HEARTBEAT_S) for key in range(1, 1_001))
    assert HEARTBEAT_S * 0.75 <= due_s[0] and due_s[-1] <= HEARTBEAT_S
    in_10_ms = max(sum(start <= other < start + 0.01 for other in due_s) for start in due_s)
    assert in_10_ms <= 5  # 1,000 over 3.75 s


def test_the_end_lets_everybody_go():
    async def story() -> None:
        feed = Feed("abc")
        with feed.listen() as listener:
            waiting = asyncio.create_task(listener.next(60))
            await asyncio.sleep(0)
            feed.close()
            assert await waiting is None and listener.is_dropped

    asyncio.run(story())


@given(st.integers(1, 6), st.lists(st.integers(0, 4), max_size=12))
def test_missed_and_live_messages_are_all_of_them_or_none(ring_max, pauses):
    """Whoever comes back after any number of messages either gets each of them once or is told to begin anew."""
    feed, seen = Feed("abc", ring_max=ring_max), 0
    for count in pauses:
        publish(feed, count)
        missed = feed.missed(feed.id_of(seen))
        if seen == 0 and count == 0:
            continue
        if missed is None:
            assert feed.number - seen > ring_max
        else:
            assert [message.number for message in missed] == list(range(seen + 1, feed.number + 1))
        seen = feed.number
