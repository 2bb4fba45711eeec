"""A manager client of bare sockets, to test the fake Asterisk on the wire, and a stage for such stories."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from outdial.drivers.fake_asterisk import FakeAsterisk

USER, PASSWORD = "dialer", "secret"
LIMIT_S = 10


def play(story: Callable[[FakeAsterisk], Awaitable[None]], **options) -> None:
    """Run a story with a fake server of its own, twenty times as fast as life unless it says otherwise."""

    async def run() -> None:
        server = FakeAsterisk(user=USER, password=PASSWORD, **{"speed": 20.0, **options})
        await server.start()
        try:
            async with asyncio.timeout(LIMIT_S):
                await story(server)
        finally:
            await server.kill()

    asyncio.run(run())


class Manager:
    """Keeps every message; waits for the one that matters."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.messages: list[dict[str, str]] = []
        self.ended: Exception | bool = False
        self._reader = reader
        self._writer = writer
        self._news = asyncio.Condition()
        self._task = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, server: FakeAsterisk, *, login: bool = True) -> "Manager":
        reader, writer = await asyncio.open_connection(*server.ami_address)
        manager = cls(reader, writer)
        if login:
            await manager.until(Banner="yes")
            manager.send(Action="Login", ActionID="login", Username=USER, Secret=PASSWORD)
            await manager.until(Event="FullyBooted")
        return manager

    def send(self, **fields: str | list[str]) -> None:
        lines = []
        for key, values in fields.items():
            lines += [f"{key}: {value}" for value in (values if isinstance(values, list) else [values])]
        self.write("\r\n".join(lines) + "\r\n\r\n")

    def write(self, text: str) -> None:
        self._writer.write(text.encode())

    def originate(self, call: str, channel: str, exten: str = "wait", timeout_ms: int = 3_000, **variables) -> None:
        values = {"OUTDIAL_HOLD_S": "30", "OUTDIAL_APP": "outdial", "OUTDIAL_RING_S": "1", **variables}
        self.send(
            Action="Originate",
            ActionID=f"o-{call}",
            ChannelId=call,
            Channel=channel,
            Context="outdial",
            Exten=exten,
            Priority="1",
            Timeout=str(timeout_ms),
            CallerID='"campaign" <5551000>',
            Async="true",
            Variable=[f"__{name}={value}" for name, value in values.items()],
        )

    async def answered(self, call: str, channel: str, exten: str = "wait", **variables) -> None:
        """Originate, and wait until it is answered."""
        self.originate(call, channel, exten, **variables)
        await self.until(Event="OriginateResponse", Uniqueid=call, Response="Success")

    async def until(self, count: int = 1, **fields: str) -> dict[str, str]:
        """The `count`th message with these headers, once it is there."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.like(**fields)) >= count or self.ended is not False)
        found = self.like(**fields)
        assert len(found) >= count, f"the connection ended ({self.ended!r}) without {fields}"
        return found[count - 1]

    async def end(self) -> Exception | bool:
        """Wait for the end of the connection: True for an orderly end, or the error."""
        async with self._news:
            await self._news.wait_for(lambda: self.ended is not False)
        return self.ended

    async def ask(self, action: str, **fields: str | list[str]) -> dict[str, str]:
        """One action and its response."""
        action_id = f"ask-{len(self.messages)}-{action}"
        self.send(Action=action, ActionID=action_id, **fields)
        async with self._news:
            await self._news.wait_for(lambda: self._responses(action_id) or self.ended is not False)
        return self._responses(action_id)[0]

    def like(self, **fields: str) -> list[dict[str, str]]:
        return [m for m in self.messages if all(m.get(key) == value for key, value in fields.items())]

    def story_of(self, call: str) -> list[str]:
        """Names of the events about a channel, in order."""
        return [
            m["Event"] for m in self.messages if "Event" in m and call in (m.get("Uniqueid"), m.get("DestUniqueid"))
        ]

    def close(self) -> None:
        self._writer.close()

    def reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def _responses(self, action_id: str) -> list[dict[str, str]]:
        return [m for m in self.messages if "Response" in m and "Event" not in m and m.get("ActionID") == action_id]

    async def _read(self) -> None:
        try:
            banner = (await self._reader.readline()).decode()
            if banner:
                await self._keep({"Banner": "yes", "Text": banner})
            while True:
                block = (await self._reader.readuntil(b"\r\n\r\n")).decode()
                await self._keep(dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line))
        except asyncio.IncompleteReadError:
            self.ended = True
        except OSError as problem:
            self.ended = problem
        async with self._news:
            self._news.notify_all()

    async def _keep(self, message: dict[str, str]) -> None:
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()
