"""TCP connections that end with a reset, and the words for having none."""

import asyncio
import os
import socket
import struct

# l_onoff, l_linger: closing resets the connection and throws away what is unsent.
_LINGER_RESET = struct.pack("ii", 1, 0)


async def reach(host: str, port: int) -> socket.socket:
    """Connect to the first of a host's addresses that answers.

    The socket is reset whenever it is closed, by the end of the process too.

    Raises:
        OSError: none answers; what the last one had to say.
    """
    loop = asyncio.get_running_loop()
    refusal = OSError("the host has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
            await loop.sock_connect(made, address)
        except OSError as error:
            made.close()
            refusal = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    raise refusal


def why_not(error: OSError) -> str:
    """Why there is no connection, in an operator's words."""
    return "connection refused" if isinstance(error, ConnectionRefusedError) else f"cannot connect: {words(error)}"


def words(error: Exception) -> str:
    """What the system says about an error; asyncio puts words of its own in the place of `strerror`."""
    if not isinstance(error, OSError):
        return str(error) or type(error).__name__
    if error.errno is not None and error.errno > 0:  # below 0: name resolution
        return os.strerror(error.errno)
    return error.strerror or str(error)
