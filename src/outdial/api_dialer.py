"""The running dialer, handed to the API: requests into the runner's inbox, answers out of its steps."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from outdial.core.commands import Command, Reply
from outdial.core.dialer import Dialer
from outdial.core.errors import OutdialError
from outdial.core.events import ConfigurationLoaded, Event, RecordsAdded
from outdial.core.settings import Configuration
from outdial.core.snapshot import Snapshot
from outdial.core.units import ListId, Now, RequestId
from outdial.core.views import Views

FIRST_REQUEST_ID = 1 << 40
"""Numbers of requests from here on are the API's; the server itself counts from 1."""
ANSWER_S_MAX = 5.0
"""Longest wait for an answer. Unit: seconds. Origin: an answer is given in the step of its request."""


class NoAnswer(OutdialError):
    """The dialer has not answered in time: it is very busy, or it ends."""

    code = "no_answer"
    retriable = True


class NotReady(OutdialError):
    """The dialer has no configuration yet."""

    code = "not_ready"
    retriable = True


class ApiDialer:
    """A dialer in its runner, as `outdial.api.dialer.RunningDialer` wants it."""

    def __init__(self, core: Dialer, submit: Callable[[Event], None]) -> None:
        """Nothing has been asked.

        Args:
            core: the dialer.
            submit: takes a fact, from the event loop's own thread; raises `InboxFull`.
        """
        self._core = core
        self._submit = submit
        self._configuration: Configuration | None = None
        self._request_id = FIRST_REQUEST_ID
        self._asked: dict[RequestId, asyncio.Future[Reply]] = {}

    @property
    def configuration(self) -> Configuration:
        """What is in effect.

        Raises:
            NotReady: nothing is, yet.
        """
        if self._configuration is None:
            raise NotReady("the server is starting")
        return self._configuration

    @property
    def is_ready(self) -> bool:
        """Whether there is a configuration."""
        return self._configuration is not None

    def snapshot(self) -> Snapshot:
        """Everything at this instant."""
        return self._core.snapshot()

    @property
    def views(self) -> Views:
        """One object at a time."""
        return self._core.views

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Take note of one step: an observer of the runner."""
        if isinstance(event, ConfigurationLoaded):
            self._configuration = event.configuration
        if self._asked:
            for command in commands:
                if isinstance(command, Reply) and (future := self._asked.pop(command.request_id, None)) is not None:
                    if not future.done():
                        future.set_result(command)

    async def ask(self, make_event: Callable[[RequestId], Event]) -> Reply:
        """Give the core an operator's request, and wait for its answer.

        Raises:
            InboxFull: more waits for the core than it can take.
            NoAnswer: it does not answer.
        """
        self._request_id += 1
        number = self._request_id
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked[number] = future
        try:
            self._submit(make_event(number))
            return await asyncio.wait_for(future, ANSWER_S_MAX)
        except TimeoutError as error:
            raise NoAnswer("the dialer does not answer") from error
        finally:
            self._asked.pop(number, None)

    def records_added(self, list_id: ListId) -> None:
        """Tell the core that a list has got records. If it has no room for that, it finds them half a minute later."""
        with contextlib.suppress(OutdialError):
            self._submit(RecordsAdded(list_id))

    def tell(self, event: Event) -> None:
        """Give the core a fact that has no answer.

        Raises:
            InboxFull: more waits for the core than it can take.
        """
        self._submit(event)
