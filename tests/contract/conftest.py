"""The servers on which the contract is tried: the shipped fake as two versions, and real Asterisk 22 and 16."""

import asyncio
from typing import Any

import aiohttp
import pytest

from outdial.drivers.asterisk import AsteriskSettings
from sides import PASSWORD, USER, FakeSide, RealSide

VERSIONS = {"fake22": "22.10.1", "fake16": "16.28.0"}


@pytest.fixture(
    params=[
        "fake22",
        "fake16",
        pytest.param("asterisk22", marks=pytest.mark.slow),
        pytest.param("asterisk16", marks=pytest.mark.slow),
    ]
)
def far_side(request):
    """Makes one server, with callees and phones around it, for one story."""
    if request.param in VERSIONS:
        return lambda: FakeSide(VERSIONS[request.param])
    lab = request.getfixturevalue("lab")
    return lambda: RealSide(lab.lone_node(request.param), lab)


class Onlooker:
    """Sees all channels and ARI bridges of a server, whoever made them."""

    def __init__(self, settings: AsteriskSettings) -> None:
        headers = {"Authorization": aiohttp.encode_basic_auth(USER, PASSWORD)}
        self._session = aiohttp.ClientSession(f"http://{settings.host}:{settings.ari_port}", headers=headers)

    async def __aenter__(self) -> "Onlooker":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def channels(self) -> set[str]:
        """Ids of all channels."""
        return {channel["id"] for channel in await self._get("channels")}

    async def bridges(self) -> dict[str, set[str]]:
        """Bridges that were made over ARI, and the channels in each."""
        return {
            bridge["id"]: set(bridge["channels"])
            for bridge in await self._get("bridges")
            if bridge["bridge_class"] == "stasis"
        }

    async def hang_up(self, channel: str) -> None:
        """End a leg, as somebody else would."""
        async with self._session.delete(f"/ari/channels/{channel}") as response:
            assert response.status == 204

    async def until_there_are(self, *, channels: int, bridges: int, within_s: float = 5.0) -> None:
        """Wait until the server has so many."""
        seen: object = None
        try:
            async with asyncio.timeout(within_s):
                while (len(now := await self.channels()), len(there := await self.bridges())) != (channels, bridges):
                    seen = now, there
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"after {within_s} s there are {seen}") from None

    async def _get(self, what: str) -> list[dict[str, Any]]:
        async with self._session.get(f"/ari/{what}") as response:
            content: list[dict[str, Any]] = await response.json()
            return content


@pytest.fixture
def make_onlooker():
    """Makes an onlooker of a server, from its settings."""
    return Onlooker
