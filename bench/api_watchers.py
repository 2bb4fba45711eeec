"""Those who look on, in a process of their own: each opens a stream and reads whatever comes, until a line is read.

Prints a line when everybody has heard something, and at the end how many bytes all of them were told.
"""

import asyncio
import sys
from urllib.parse import urlsplit

READ_BYTES = 1 << 16


async def watch(address: str, dashboards: int, agents: int) -> None:
    """Open all streams, read until standard input says a line."""
    host, port = urlsplit(address).hostname, urlsplit(address).port
    heard, first = 0, asyncio.Semaphore(0)

    async def listen(path: str) -> None:
        nonlocal heard
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n")[0]:
            raise SystemExit(f"{path}: {head.decode()}")
        first.release()
        while data := await reader.read(READ_BYTES):
            heard += len(data)

    paths = ["/v1/stream"] * dashboards + [f"/v1/agents/{number}/stream" for number in range(1, agents + 1)]
    tasks = [asyncio.create_task(listen(path)) for path in paths]
    for _ in paths:
        await first.acquire()
    print("all listen", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(heard)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
