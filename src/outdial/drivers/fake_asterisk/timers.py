"""Timers of the server: they stop with it when it hangs, and are all gone when it is killed."""

import asyncio
from collections.abc import Callable


class Timer:
    """One thing to do later. `cancel` also works when the server hung as it came due."""

    __slots__ = ("args", "call", "handle")

    def __init__(self, call: Callable[..., None], args: tuple[object, ...]) -> None:
        self.call: Callable[..., None] | None = call
        self.args = args
        self.handle: asyncio.TimerHandle | None = None

    def cancel(self) -> None:
        self.call = None
        if self.handle is not None:
            self.handle.cancel()


class Timers:
    """The server's sense of time. A hung process does nothing; what came due meanwhile it does on waking, in order."""

    def __init__(self) -> None:
        self.frozen = False
        self._waiting: list[Timer] = []
        self._generation = 0

    def after(self, ms: float, call: Callable[..., None], *args: object) -> Timer:
        timer = Timer(call, args)
        loop = asyncio.get_running_loop()
        timer.handle = loop.call_later(ms / 1_000, self._fire, timer, self._generation)
        return timer

    def wake(self) -> None:
        """Go on; what came due is done now."""
        self.frozen = False
        waiting, self._waiting = self._waiting, []
        for timer in waiting:
            self._fire(timer, self._generation)

    def forget_all(self) -> None:
        """The process has died: nothing that was set before happens any more."""
        self._generation += 1
        self._waiting.clear()
        self.frozen = False

    def _fire(self, timer: Timer, generation: int) -> None:
        if timer.call is None or generation != self._generation:
            return
        if self.frozen:
            self._waiting.append(timer)
        else:
            timer.call(*timer.args)
