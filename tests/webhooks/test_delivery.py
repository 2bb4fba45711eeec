"""Messages get where they belong: signed, in order, again after failures and restarts, in nobody's way."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fake_store import HeardLog
from outdial.core.errors import ConfigError
from outdial.store.outbox import Message, OutboxCounts
from outdial.store.sqlite import SqliteStore
from outdial.store.sqlite_file import connect
from outdial.webhooks import dispatcher, receiver
from outdial.webhooks.dispatcher import Dispatcher
from webhooks.receiving import NOW, WITHIN_S, Receiving, message, receiving

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    connect(path).close()
    return path


class Story:
    """A store, a dispatcher and a receiver; time passes as the test says."""

    def __init__(self, path: Path, there: Receiving) -> None:
        self.there = there
        self.store = SqliteStore(path)
        self.log = HeardLog()
        self.now = NOW
        self.dispatcher: Dispatcher | None = None

    async def begin(self, *webhooks) -> Dispatcher:
        await self.store.open("one", self.now, 1_000)
        self.dispatcher = Dispatcher(self.store.outbox, self.log, utc_ms=lambda: self.now, random=lambda: 0.0)
        self.dispatcher.follow(webhooks or [self.there.webhook()])
        return self.dispatcher

    async def end(self) -> None:
        if self.dispatcher is not None:
            await self.dispatcher.close()
        await self.store.close()

    async def add(self, *messages) -> None:
        await self.store.write(list(messages))

    async def counts(self) -> OutboxCounts:
        return (await self.store.outbox.counts()).get("crm", OutboxCounts(0, 0))

    async def until_counts(self, waiting: int, parked: int = 0) -> None:
        async def look() -> None:
            while await self.counts() != OutboxCounts(waiting, parked):
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), WITHIN_S)

    async def failed(self, why: str) -> Message:
        """The first message, once it is written down that it failed, and why."""

        async def look() -> Message:
            while True:
                first, *_ = await self.store.outbox.messages("crm", 0, 100)
                if first.error.startswith(why):
                    return first
                await asyncio.sleep(0.01)

        return await asyncio.wait_for(look(), WITHIN_S)


@pytest.fixture
def play(tmp_path, template, monkeypatch):
    """Runs a story."""
    monkeypatch.setattr(receiver, "LOOK_S", 0.01)
    monkeypatch.setattr(dispatcher, "COUNT_S", 0.01)
    path = Path(shutil.copy(template, tmp_path / "outdial.sqlite"))

    def run(story: Callable[[Story], Awaitable[None]]) -> None:
        async def course() -> None:
            async with receiving() as there:
                one = Story(path, there)
                try:
                    await story(one)
                finally:
                    await one.end()

        asyncio.run(course())

    return run


def test_a_message_arrives_signed_and_is_gone_then(play):
    async def story(one: Story) -> None:
        await one.begin()
        await one.add(message(1), message(2, webhook="other"))
        await one.until_counts(0)
        assert [("att_1-1", {"n": 1})] == one.there.came
        assert OutboxCounts(1, 0) == (await one.store.outbox.counts())["other"], "nobody asks for its messages"

    play(story)


def test_a_failure_is_tried_again_later_and_later(play):
    async def story(one: Story) -> None:
        one.there.answers = [500, 503, 404]
        await one.begin()
        await one.add(message(1))
        for tries, status, pause_ms in ((1, 500, 2_500), (2, 503, 7_500), (3, 404, 22_500)):
            waiting = await one.failed(f"answered {status}")
            assert tries == waiting.tries == len(one.there.came)
            assert one.now + pause_ms == waiting.due_utc_ms
            one.now += pause_ms
        await one.until_counts(0)
        assert ["att_1-1"] * 4 == one.there.ids, "always under the same id"
        assert ["webhook fails", "webhook answers again"] == one.log.events

    play(story)


def test_later_events_of_a_record_wait_for_the_earlier_and_others_do_not(play):
    async def story(one: Story) -> None:
        one.there.answers = [500]
        await one.begin()
        await one.add(message(1, "record:7"))
        await one.failed("answered 500")
        await one.add(message(2, "record:7"), message(3, "record:8"))
        await one.there.until(lambda: one.there.accepted)
        await asyncio.sleep(0.1)
        assert ["att_1-3"] == one.there.accepted
        one.now += 2_500
        await one.until_counts(0)
        assert ["att_1-3", "att_1-1", "att_1-2"] == one.there.accepted

    play(story)


def test_what_nobody_takes_is_given_up_shown_and_tried_again_when_asked(play):
    async def story(one: Story) -> None:
        one.there.answers = [410]
        running = await one.begin()
        await one.add(message(1, "record:7"), message(2, "record:7"))
        await one.until_counts(0, 1)
        assert ["att_1-2"] == one.there.accepted
        await one.there.until(lambda: running.states()[0].parked == 1)
        assert "message given up" in one.log.events
        await one.store.outbox.retry("crm", one.now)
        await one.until_counts(0)
        assert ["att_1-2", "att_1-1"] == one.there.accepted

    play(story)


def test_tries_come_to_an_end(play, monkeypatch):
    async def story(one: Story) -> None:
        await one.there.stop()
        await one.begin()
        await one.add(message(1))
        for _ in range(200):
            await asyncio.sleep(0.05)
            one.now += 48 * 3_600_000
            if (await one.counts()).parked:
                break
        [parked] = await one.store.outbox.messages("crm", 0, 10)
        assert (None, 3) == (parked.due_utc_ms, parked.tries)

    monkeypatch.setattr("outdial.webhooks.delivery.TRIES_MAX", 3)
    monkeypatch.setattr(receiver, "ALONE_S_MAX", 0.01)
    play(story)


def test_a_slow_receiver_holds_only_so_many_and_its_silence_has_an_end(play):
    async def story(one: Story) -> None:
        one.there.is_free.clear()
        await one.begin(one.there.webhook(timeout_ms=2_000))
        await one.add(*(message(n) for n in range(40)))
        await one.there.until(lambda: len(one.there.came) == receiver.IN_FLIGHT_MAX)
        await asyncio.sleep(0.1)
        assert receiver.IN_FLIGHT_MAX == len(one.there.came)
        assert 40 == (await one.counts()).waiting
        await one.failed("no answer within 2 s")
        assert len(one.there.came) <= receiver.IN_FLIGHT_MAX + 1, "and then it is left alone"

    play(story)


def test_after_a_restart_of_the_receiver_everything_arrives(play):
    async def story(one: Story) -> None:
        await one.begin()
        await one.add(message(1))
        await one.until_counts(0)
        await one.there.stop()
        await one.add(*(message(n, f"record:{n % 4}") for n in range(2, 22)))
        await one.there.until(lambda: "webhook fails" in one.log.events)
        await one.there.start()
        for _ in range(200):
            one.now += 10_000
            await asyncio.sleep(0.05)
            if (await one.counts()).waiting == 0:
                break
        assert sorted(one.there.accepted, key=lambda name: int(name[6:])) == [f"att_1-{n}" for n in range(1, 22)]
        for lane in range(4):
            of_lane = [int(name[6:]) for name in one.there.accepted[1:] if int(name[6:]) % 4 == lane]
            assert of_lane == sorted(of_lane)

    play(story)


def test_after_a_restart_of_the_server_undelivered_ones_go_on(play):
    async def story(one: Story) -> None:
        one.there.is_free.clear()
        await one.begin(one.there.webhook(timeout_ms=5_000))
        await one.add(message(1), message(2))
        await one.there.until(lambda: len(one.there.came) == 2)
        # as a crash: nobody waits for what is on its way
        for _, task in one.dispatcher._running.values():
            task.cancel()
        for running, _ in one.dispatcher._running.values():
            for task in running._flying:
                task.cancel()
        await one.store.close()
        one.there.is_free.set()
        one.store = SqliteStore(one.store.path)
        one.now += 1_000
        await one.begin()
        await one.add(message(3))
        await one.until_counts(2)
        assert ["att_1-1", "att_1-2", "att_1-3"] == sorted(one.there.ids), "what was on its way may still arrive"
        one.now += 5_000 + receiver.GRACE_MS
        await one.until_counts(0)
        assert ["att_1-1", "att_1-2"] == sorted(one.there.ids[3:])

    play(story)


def test_redirects_are_not_followed(play):
    async def story(one: Story) -> None:
        one.there.answers, one.there.headers = [307], {"Location": "/elsewhere"}
        await one.begin()
        await one.add(message(1))
        await one.failed("answered 307, and redirects are not followed")
        assert 1 == len(one.there.came)

    play(story)


def test_a_receiver_that_asks_for_time_gets_it(play):
    async def story(one: Story) -> None:
        one.there.answers, one.there.headers = [429], {"Retry-After": "600"}
        await one.begin()
        await one.add(message(1))
        waiting = await one.failed("answered 429")
        assert one.now + 600_000 == waiting.due_utc_ms

    play(story)


def test_webhooks_follow_the_configuration(play):
    async def story(one: Story) -> None:
        running = await one.begin()
        running.follow([one.there.webhook(name="wallboard")])
        await one.add(message(1), message(2, webhook="wallboard"))
        await one.there.until(lambda: one.there.accepted)
        assert ["wallboard"] == [state.webhook.name for state in running.states()]
        running.follow([one.there.webhook(), one.there.webhook(name="wallboard")])
        await one.until_counts(0)
        assert ["att_1-2", "att_1-1"] == one.there.accepted
        samples = running.samples()["outdial_webhook_deliveries_total"]
        assert [(("wallboard", "delivered"), 1), (("crm", "delivered"), 1)] == samples

    play(story)


def test_a_bug_ends_no_delivery(play, monkeypatch):
    async def story(one: Story) -> None:
        plain, bugs = one.store.outbox.take, ["planted"]

        async def take(*arguments):
            if bugs:
                raise RuntimeError(bugs.pop())
            return await plain(*arguments)

        monkeypatch.setattr(one.store.outbox, "take", take)
        await one.begin()
        await one.add(message(1))
        await one.until_counts(0)
        assert "failure" in one.log.events

    monkeypatch.setattr(dispatcher, "AGAIN_S", 0.01)
    play(story)


def test_too_many_are_too_many(play, monkeypatch):
    async def story(one: Story) -> None:
        await one.there.stop()
        running = await one.begin()
        await one.add(*(message(n) for n in range(6)))
        await one.there.until(lambda: running.is_full("crm"))
        assert not running.is_full("other")

    monkeypatch.setattr(dispatcher, "WAITING_MAX", 5)
    play(story)


def test_without_webhooks_nothing_is_asked(play):
    async def story(one: Story) -> None:
        await one.store.open("one", one.now, 1_000)
        one.dispatcher = Dispatcher(one.store.outbox, one.log)
        one.dispatcher.follow([])
        assert [] == one.dispatcher.states() and {} != one.dispatcher.samples()

    play(story)


def test_a_secret_that_cannot_be_read_is_a_mistake(tmp_path):
    from dataclasses import replace

    from outdial.config.secrets import Secret

    async def story() -> None:
        async with receiving() as there:
            hook = replace(there.webhook(), secret=Secret(file=tmp_path / "none"))
            one = Dispatcher(None, HeardLog())  # type: ignore[arg-type]
            with pytest.raises(ConfigError):
                one.follow([hook])
            await one.close()

    asyncio.run(story())
