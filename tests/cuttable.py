"""A TCP proxy that can cut its connections: a network that fails between two healthy sides."""

import asyncio
import socket
import struct

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into a reset."""


class Proxy:
    """Passes bytes on in both directions; an end or a reset of one side resets the other."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._ends: list[_End] = []
        self._listener: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen on a free port of 127.0.0.1, which is returned."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: _End(self, from_client=True), "127.0.0.1", 0)
        return int(self._listener.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Reset every connection; new ones are passed on."""
        for end in list(self._ends):
            end.reset()

    def stop(self) -> None:
        """Reset everything and listen no more."""
        if self._listener is not None:
            self._listener.close()
        self.cut()

    def join(self, end: "_End") -> None:
        """A client has come: reach the server for it."""
        self._ends.append(end)
        asyncio.get_running_loop().create_task(self._reach(end))

    async def _reach(self, end: "_End") -> None:
        loop = asyncio.get_running_loop()
        try:
            _, other = await loop.create_connection(lambda: _End(self), self._host, self._port)
        except OSError:
            end.reset()
            return
        end.pair(other)

    def leave(self, end: "_End") -> None:
        """A connection has ended."""
        if end in self._ends:
            self._ends.remove(end)


class _End(asyncio.Protocol):
    """One side of a passed-on connection."""

    def __init__(self, proxy: Proxy, *, from_client: bool = False) -> None:
        self._proxy = proxy
        self._from_client = from_client
        self._other: _End | None = None
        self._early = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._from_client:
            self._proxy.join(self)

    def pair(self, other: "_End") -> None:
        self._other, other._other = other, self
        if self._transport is None or self._transport.is_closing():
            other.reset()
        elif other._transport is not None:
            other._transport.write(self._early)

    def data_received(self, data: bytes) -> None:
        if self._other is None or self._other._transport is None:
            self._early += data
        else:
            self._other._transport.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._proxy.leave(self)
        if self._other is not None:
            other, self._other = self._other, None
            other._other = None
            other.reset()

    def reset(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()
