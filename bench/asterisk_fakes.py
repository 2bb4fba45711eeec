"""Fake servers in a process of their own: their places on standard output, at the end who was called.

They end when standard input does.
"""

import asyncio
import json
import sys
from collections import Counter

from outdial.drivers.fake_asterisk import FakeAsterisk


async def serve(count: int, speed: float, password: str) -> None:
    """Serve until standard input ends."""
    fakes = [FakeAsterisk(user="outdial", password=password, speed=speed) for _ in range(count)]
    for fake in fakes:
        await fake.start()
    print(json.dumps([[*fake.ami_address, fake.ari_address[1]] for fake in fakes]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(json.dumps(sum((fake.invited for fake in fakes), Counter())), flush=True)
    for fake in fakes:
        await fake.kill()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
