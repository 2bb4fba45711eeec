"""The runner on an event loop whose time jumps to the next timer: no test here waits."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable

import pytest

from outdial.core.commands import Command, Connect
from outdial.core.errors import InvariantViolated
from outdial.core.events import DeadlineReached, DialAccepted, DoNotCallAdded, Event
from outdial.core.units import Now
from outdial.drivers.clock import SystemClock
from outdial.drivers.journal import JournalReader, JournalWriter
from outdial.drivers.runner import TURN_STEPS, InboxFull, Runner

UTC_MS = 1_700_000_000_000


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop that does not wait: when everybody waits, its time leaps to the next timer."""

    def __init__(self) -> None:
        super().__init__(JumpingSelector(self))
        self.elapsed_s = 0.0
        self.timers_armed = 0

    def time(self) -> float:
        return self.elapsed_s

    def call_at(self, *args, **kwargs):
        self.timers_armed += 1
        return super().call_at(*args, **kwargs)


class JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout=None):
        if timeout is None:
            raise AssertionError("everybody waits for something that never comes")
        self._loop.elapsed_s += max(0.0, timeout)
        return super().select(0)


class LoopClock:
    """Reads the loop's time, so that clock and timers agree."""

    def __init__(self, loop: JumpingLoop) -> None:
        self._loop = loop

    def read(self) -> Now:
        mono_ms = int(self._loop.elapsed_s * 1_000 + 1e-6)
        return Now(mono_ms, UTC_MS + mono_ms)


class FakeCore:
    """Remembers what it was given; deadlines and commands are set by the test."""

    def __init__(self) -> None:
        self.stepped: list[tuple[int, Event]] = []
        self.deadlines: list[int] = []
        self.commands: dict[type, list[Command]] = {}

    def step(self, now: Now, event: Event) -> list[Command]:
        assert now.utc_ms == UTC_MS + now.mono_ms
        if event == DoNotCallAdded("poison"):
            raise InvariantViolated("a bug, planted")
        self.stepped.append((now.mono_ms, event))
        if isinstance(event, DeadlineReached):
            assert self.deadlines[0] <= now.mono_ms, "early"
            self.deadlines.pop(0)
        return list(self.commands.get(type(event), []))

    def next_deadline(self) -> int | None:
        return self.deadlines[0] if self.deadlines else None


class FakeSource:
    """Events at given instants; None stands for something that the core does not notice."""

    def __init__(self, due: list[tuple[int, Event | None]]) -> None:
        self.due = due
        self.carried: list[tuple[Now, Command]] = []

    def next_due(self) -> int | None:
        return self.due[0][0] if self.due else None

    def pop_due(self, mono_ms: int) -> Event | None:
        assert self.due[0][0] <= mono_ms
        return self.due.pop(0)[1]

    def carry_out(self, now: Now, command: Command) -> None:
        self.carried.append((now, command))


def run(main: Callable[[JumpingLoop, LoopClock], Awaitable[None]]) -> None:
    loop = JumpingLoop()
    try:
        loop.run_until_complete(main(loop, LoopClock(loop)))
    finally:
        loop.close()


def nobody(now: Now, command: Command) -> None:
    raise AssertionError(f"nobody carries out {command}")


def test_events_are_stepped_in_arrival_order():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        runner = Runner(core, clock, carry_out=nobody)
        runner.submit(DialAccepted(1))
        loop.call_at(0.010, runner.submit, DialAccepted(2))
        loop.call_at(0.010, runner.submit, DialAccepted(3))
        loop.call_at(0.020, runner.stop)
        await runner.run()
        assert core.stepped == [(0, DialAccepted(1)), (10, DialAccepted(2)), (10, DialAccepted(3))]
        assert runner.steps == 3

    run(main)


def test_one_timer_wakes_the_core_at_its_deadlines():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        core.deadlines = [30, 31, 31, 1_000]
        runner = Runner(core, clock, carry_out=nobody)
        loop.call_at(2, runner.stop)
        armed_before = loop.timers_armed
        await runner.run()
        assert core.stepped == [(at, DeadlineReached()) for at in (30, 31, 31, 1_000)]
        assert loop.timers_armed - armed_before == 3  # 30, 31 (two deadlines), 1,000

    run(main)


def test_a_deadline_that_comes_nearer_moves_the_timer():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        core.deadlines = [900]
        runner = Runner(core, clock, carry_out=nobody)
        loop.call_at(0.1, lambda: (core.deadlines.insert(0, 200), runner.submit(DialAccepted(1))))
        loop.call_at(1, runner.stop)
        await runner.run()
        assert core.stepped == [(100, DialAccepted(1)), (200, DeadlineReached()), (900, DeadlineReached())]

    run(main)


def test_source_and_deadlines_take_turns_by_time_and_the_source_wins_a_tie():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        core.deadlines = [10, 30]
        core.commands = {DialAccepted: [Connect(7)]}
        source = FakeSource([(5, DialAccepted(1)), (20, None), (30, DialAccepted(2))])
        runner = Runner(core, clock, source=source)
        loop.call_at(1, runner.stop)
        await runner.run()
        assert core.stepped == [
            (5, DialAccepted(1)),
            (10, DeadlineReached()),
            (30, DialAccepted(2)),
            (30, DeadlineReached()),
        ]
        assert source.carried == [(Now(5, UTC_MS + 5), Connect(7)), (Now(30, UTC_MS + 30), Connect(7))]

    run(main)


def test_after_a_stall_an_answer_goes_before_its_own_timeout():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        core.deadlines = [100]
        runner = Runner(core, clock, carry_out=nobody)

        def stall() -> None:
            loop.elapsed_s = 0.5
            runner.submit(DialAccepted(1))

        loop.call_at(0.05, stall)
        loop.call_at(1, runner.stop)
        await runner.run()
        assert core.stepped == [(500, DialAccepted(1)), (500, DeadlineReached())]

    run(main)


def test_a_step_is_written_then_carried_out_then_shown(tmp_path):
    order: list[str] = []

    class Journal(JournalWriter):
        def append(self, now, event, commands):
            order.append("journal")
            super().append(now, event, commands)

    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        core.commands = {DialAccepted: [Connect(1), Connect(2)]}
        with Journal(tmp_path / "x.journal") as journal:
            runner = Runner(
                core,
                clock,
                carry_out=lambda now, command: order.append(f"carry {command.server_id}"),
                observers=[
                    lambda now, event, commands: order.append(f"first {len(commands)}"),
                    lambda now, event, commands: order.append("second"),
                ],
                journal=journal,
            )
            runner.submit(DialAccepted(1))
            runner.stop()
            await runner.run()

    run(main)
    assert order == ["journal", "carry 1", "carry 2", "first 2", "second"]


def test_the_journal_is_on_disk_within_a_second_and_at_the_end(tmp_path):
    path = tmp_path / "x.journal"

    def lines() -> int:
        return path.read_bytes().count(b"\n")

    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        with JournalWriter(path) as journal:
            runner = Runner(FakeCore(), clock, carry_out=nobody, journal=journal)
            seen: list[int] = []
            loop.call_at(0.1, runner.submit, DialAccepted(1))
            loop.call_at(0.5, lambda: seen.append(lines()))
            loop.call_at(1.2, lambda: seen.append(lines()))
            loop.call_at(1.3, runner.submit, DialAccepted(2))
            loop.call_at(1.4, runner.stop)
            await runner.run()
            assert seen == [1, 2]
            assert lines() == 3

    run(main)


def test_a_full_inbox_refuses_and_put_waits_for_room():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        runner = Runner(core, clock, carry_out=nobody, inbox_max=2)
        runner.submit(DialAccepted(1))
        runner.submit(DialAccepted(2))
        with pytest.raises(InboxFull) as caught:
            runner.submit(DialAccepted(3))
        assert caught.value.retriable
        waiting = asyncio.ensure_future(runner.put(DialAccepted(4)))
        running = asyncio.ensure_future(runner.run())
        await waiting
        runner.stop()
        await running
        assert [event.call_id for _, event in core.stepped] == [1, 2, 4]

    run(main)


def test_a_long_queue_does_not_keep_the_loop_from_others():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        runner = Runner(core, clock, carry_out=nobody)
        for number in range(3 * TURN_STEPS):
            runner.submit(DialAccepted(number))
        seen: list[int] = []
        running = asyncio.ensure_future(runner.run())
        for _ in range(4):
            await asyncio.sleep(0)
            seen.append(runner.steps)
        runner.stop()
        await running
        assert seen == [0, TURN_STEPS, 2 * TURN_STEPS, 3 * TURN_STEPS]

    run(main)


def test_many_due_events_do_not_keep_the_inbox_waiting():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        source = FakeSource([(0, DialAccepted(number)) for number in range(3 * TURN_STEPS)])
        runner = Runner(core, clock, source=source)
        running = asyncio.ensure_future(runner.run())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        runner.submit(DoNotCallAdded("+1"))
        loop.call_at(1, runner.stop)
        await running
        assert core.stepped[TURN_STEPS] == (0, DoNotCallAdded("+1"))
        assert runner.steps == 3 * TURN_STEPS + 1

    run(main)


def test_stop_steps_what_had_arrived_and_refuses_the_rest():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        core.deadlines = [0]
        runner = Runner(core, clock, carry_out=nobody)
        for number in range(2 * TURN_STEPS):
            runner.submit(DialAccepted(number))
        runner.stop()
        with pytest.raises(InboxFull):
            runner.submit(DialAccepted(0))
        with pytest.raises(InboxFull):
            await runner.put(DialAccepted(0))
        await runner.run()
        assert [event for _, event in core.stepped] == [DialAccepted(number) for number in range(2 * TURN_STEPS)]

    run(main)


def test_a_bug_in_the_core_stops_the_runner_at_a_journal_position(tmp_path):
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        core = FakeCore()
        with JournalWriter(tmp_path / "x.journal") as journal:
            runner = Runner(core, clock, carry_out=nobody, journal=journal)
            for event in (DialAccepted(1), DoNotCallAdded("poison"), DialAccepted(2)):
                runner.submit(event)
            with pytest.raises(InvariantViolated, match="planted") as caught:
                await runner.run()
        notes = "\n".join(caught.value.__notes__)
        assert "DoNotCallAdded(number='poison')" in notes
        assert f"{tmp_path / 'x.journal'}, line 3" in notes
        assert core.stepped == [(0, DialAccepted(1))]

    run(main)
    with JournalReader(tmp_path / "x.journal") as journal:
        first, last = journal
    assert first.failed is None
    assert (last.line, last.event, last.failed) == (3, DoNotCallAdded("poison"), "a bug, planted")


def test_a_bug_without_a_journal_names_the_event():
    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        runner = Runner(FakeCore(), clock, carry_out=nobody)
        runner.submit(DoNotCallAdded("poison"))
        with pytest.raises(InvariantViolated) as caught:
            await runner.run()
        assert any("no journal" in note for note in caught.value.__notes__)

    run(main)


def test_what_an_observer_raises_reaches_the_caller():
    def observer(now, event, commands):
        raise RuntimeError("observer")

    async def main(loop: JumpingLoop, clock: LoopClock) -> None:
        runner = Runner(FakeCore(), clock, carry_out=nobody, observers=[observer])
        runner.submit(DialAccepted(1))
        with pytest.raises(RuntimeError, match="observer"):
            await runner.run()

    run(main)


def test_a_runner_needs_somebody_who_carries_out():
    with pytest.raises(ValueError, match="carry"):
        Runner(FakeCore(), SystemClock())
