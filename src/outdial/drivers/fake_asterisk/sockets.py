"""Ending a TCP connection as a dying process or a broken path does."""

import asyncio
import socket
import struct


def reset(transport: asyncio.Transport) -> None:
    """Close with RST: what was not sent yet is lost, and the peer gets an error instead of an end of file."""
    raw = transport.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
