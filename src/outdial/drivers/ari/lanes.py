"""The queue of REST requests: one lane strictly in order, many lanes side by side.

What is asked about one bridge must happen in the order in which it was asked, and nothing is gained by making another
agent's bridge wait for it. Lanes that have something to send take turns, one request each, when there are more of them
than places.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from outdial.drivers.ari.wire import AriReply, AriRequest

# Requests on their way at the same time. Unit: requests. Origin: Asterisk has a thread for each; its default
# `sessionlimit` is 100.
SIDE_BY_SIDE_MAX = 16

# Requests that may wait. Unit: requests. Origin: ten seconds of the most that one Asterisk carries out.
WAITING_MAX = 2_000

OnReply = Callable[[AriReply], None]


@dataclass(eq=False, slots=True)
class _Waiting:
    request: AriRequest
    on_reply: OnReply | None


class Lanes:
    """Sends requests and gives back their replies."""

    def __init__(
        self,
        send: Callable[[AriRequest], Coroutine[Any, Any, AriReply]],
        on_bug: Callable[[BaseException], None],
    ) -> None:
        """Nothing runs yet.

        Args:
            send: sends one request and returns what came back; never raises.
            on_bug: told what a callback raised.
        """
        self._send = send
        self._on_bug = on_bug
        self._lanes: dict[str, deque[_Waiting]] = {}
        self._ready: deque[str] = deque()
        """Lanes whose first request is not on its way yet."""
        self._running: dict[asyncio.Task[None], None] = {}
        self._open: dict[_Waiting, None] = {}
        """Everything without a reply, in order of arrival."""

    def put(self, request: AriRequest, on_reply: OnReply | None) -> bool:
        """Send a request as soon as its lane is free. False: too many wait already."""
        if len(self._open) >= WAITING_MAX:
            return False
        waiting = _Waiting(request, on_reply)
        self._open[waiting] = None
        if request.lane in self._lanes:
            self._lanes[request.lane].append(waiting)
        else:
            self._lanes[request.lane] = deque([waiting])
            self._ready.append(request.lane)
            self._start()
        return True

    def stop(self) -> list[OnReply]:
        """Send no more and forget what is on its way; returns who waited for a reply, in order of arrival."""
        for task in self._running:
            task.cancel()
        orphans = [waiting.on_reply for waiting in self._open if waiting.on_reply is not None]
        self._lanes.clear()
        self._ready.clear()
        self._open.clear()
        return orphans

    def _start(self) -> None:
        while self._ready and len(self._running) < SIDE_BY_SIDE_MAX:
            lane = self._ready.popleft()
            task = asyncio.get_running_loop().create_task(self._carry(self._lanes[lane][0]))
            self._running[task] = None
            task.add_done_callback(self._finished)

    async def _carry(self, waiting: _Waiting) -> None:
        reply = await self._send(waiting.request)
        if waiting not in self._open:
            return  # stopped meanwhile
        del self._open[waiting]
        lane = self._lanes[waiting.request.lane]
        lane.popleft()
        if lane:
            self._ready.append(waiting.request.lane)
        else:
            del self._lanes[waiting.request.lane]
        if waiting.on_reply is not None:
            waiting.on_reply(reply)

    def _finished(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_bug(error)
        self._start()
