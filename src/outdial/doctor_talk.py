"""Asking an Asterisk one question after the other, over AMI and over ARI."""

import asyncio
from dataclasses import dataclass, field

from outdial.core.errors import OutdialError
from outdial.drivers.ami.link import AmiAddress, AmiLink
from outdial.drivers.ami.wire import Message
from outdial.drivers.ari.link import AriLink
from outdial.drivers.ari.session import AriAddress
from outdial.drivers.ari.wire import AriReply, AriRequest

# Longest wait for a complete answer. Unit: s. Origin: a dialplan of 10,000 lines takes 0.2 s.
ANSWER_LIMIT_S = 5.0

# Longest list that is read. Unit: messages.
ANSWER_MESSAGES_MAX = 100_000

LISTED = frozenset({"ListDialplan", "ShowDialPlanComplete", "DeviceStateChange", "DeviceStateListComplete"})
"""Events that are answers."""


class Silent(OutdialError):
    """The server gives no answer (any more), and why."""

    code = "no_answer"
    retriable = True


@dataclass(eq=False, slots=True)
class _Question:
    until: str
    """Name of the event that ends the answer; empty: the response alone is the answer."""
    done: asyncio.Future[None]
    answer: list[Message] = field(default_factory=list)


class AmiTalk:
    """A conversation over AMI."""

    def __init__(self, address: AmiAddress) -> None:
        """Nothing is connected yet."""
        self._link = AmiLink(
            address, wanted=LISTED, on_up=self._heard_up, on_message=self._heard, on_down=self._heard_down
        )
        self._opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._questions: dict[str, _Question] = {}
        self._asked = 0
        self._lost = ""

    async def open(self) -> str:
        """Connect, log in, and wait until the server is fully booted. Returns its version.

        Raises:
            Silent: it did not come to that.
        """
        self._link.open()
        return await self._opened

    async def ask(self, action: str, *fields: tuple[str, str], until: str = "") -> list[Message]:
        """Ask one question.

        Args:
            action: name of the action; it must change nothing.
            fields: further lines.
            until: name of the event that ends a list; not waited for when the response is an error.

        Returns:
            The response, then the events of the list.

        Raises:
            Silent: no complete answer came.
        """
        self._asked += 1
        action_id = f"doctor-{self._asked}"
        question = _Question(until, asyncio.get_running_loop().create_future())
        self._questions[action_id] = question
        try:
            if not self._link.send(action, [("ActionID", action_id), *fields]):
                raise Silent(self._lost or "the connection is lost")
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await question.done
        except TimeoutError:
            raise Silent(f"no answer to {action} within {ANSWER_LIMIT_S:g} s") from None
        finally:
            del self._questions[action_id]
        return question.answer

    def close(self) -> None:
        """End the conversation."""
        self._link.abort()

    def _heard_up(self, version: str) -> None:
        self._opened.set_result(version)

    def _heard(self, message: Message) -> None:
        question = self._questions.get(message.fields.get("ActionID", ""))
        if question is None or question.done.done():
            return
        question.answer.append(message)
        is_last = message.event == question.until if message.event else message.response == "Error"
        if is_last or not question.until or len(question.answer) >= ANSWER_MESSAGES_MAX:
            question.done.set_result(None)

    def _heard_down(self, reason: str) -> None:
        self._lost = reason
        if not self._opened.done():
            self._opened.set_exception(Silent(reason))
        for question in self._questions.values():
            if not question.done.done():
                question.done.set_exception(Silent(reason))


class AriTalk:
    """A conversation over ARI."""

    def __init__(self, address: AriAddress) -> None:
        """Nothing is connected yet."""
        self._link = AriLink(
            address,
            on_up=lambda: self._opened.set_result(None),
            on_event=lambda event: None,
            on_down=self._heard_down,
        )
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def open(self) -> None:
        """Open the websocket of the application.

        Raises:
            Silent: it cannot be opened.
        """
        self._link.open()
        await self._opened

    async def ask(self, request: AriRequest) -> AriReply:
        """Ask one question; status 0 when no answer came."""
        answered: asyncio.Future[AriReply] = asyncio.get_running_loop().create_future()
        self._link.request(request, answered.set_result)
        return await answered

    def close(self) -> None:
        """End the conversation."""
        self._link.abort()

    def _heard_down(self, reason: str) -> None:
        if not self._opened.done():
            self._opened.set_exception(Silent(reason))
