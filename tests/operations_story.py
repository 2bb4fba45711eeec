"""The API over a real store that a dialer shares: two campaigns, three lists, a client, and time that a test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import structlog

from api_samples import SOMEBODY, ApiStory
from config_samples import PIECES, load_text, text_with
from outdial.api.access import Caller, Scope
from outdial.config import Loaded
from outdial.operations.side import Operations
from outdial.shared_store import SharedStore
from outdial.store.interface import Store
from outdial.store.sqlite import SqliteStore
from store.contract.story import opened

NOON = 1_763_812_800_000
"""Saturday, 22 November 2025, 12:00 UTC."""
WITHIN_S = 10.0
"""Longest wait for an import. Unit: seconds."""
LISTS = "".join(
    f'[[calling-list]]\ndbid = {dbid}\nname = "{name}"\nsynthetic = 100\n{more}'
    for dbid, name, more in ((1, "customers", ""), (2, "others", ""), (3, "germans", 'default-region = "DE"\n'))
)
CAMPAIGNS = """
[[campaign]]
dbid = 1
name = "spring"
lists = ["customers", "germans"]
do-not-call-lists = ["national"]
[[campaign]]
dbid = 2
name = "autumn"
lists = ["others"]
"""
GROUPS = PIECES["group"] + PIECES["group"].replace("dbid = 1", "dbid = 2").replace("east", "west").replace(
    "spring", "autumn"
)
SPRING_ONLY = Caller("half", frozenset({Scope.READ, Scope.OPERATE}), frozenset({"spring"}))
READER = Caller("reader", frozenset({Scope.READ}))


def configuration(**pieces: str) -> Loaded:
    return load_text(text_with(**{"list": LISTS, "campaign": CAMPAIGNS, "group": GROUPS, **pieces}))


@dataclass
class Dialer:
    """What the dialer says of its own writing."""

    why_away: str = ""
    waiting: int = 0


@dataclass
class Story:
    """Everything that a test of the API over a store needs."""

    store: Store
    api: ApiStory
    operations: Operations
    client: httpx.AsyncClient
    dialer: Dialer
    folder: Path
    clock: list[int]
    grown: list[int]
    """Lists of which the dialer was told that they have got records."""

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return answer(await self.client.get(path, params=query), status)

    async def post(self, path: str, body: Any = None, status: int = 200, **query: Any) -> Any:
        return answer(await self.client.post(path, json=body, params=query), status)

    async def send(self, path: str, content: str | bytes, status: int = 202, **query: Any) -> Any:
        headers = {"content-type": "text/csv"}
        return answer(await self.client.post(path, content=content, params=query, headers=headers), status)

    async def ended(self, job: Any) -> Any:
        """Wait for the end of an import."""
        async with asyncio.timeout(WITHIN_S):
            while True:
                seen = {one["id"]: one for one in (await self.get("/imports"))["imports"]}.get(job["id"])
                if seen is not None and seen["ended_utc_ms"] is not None:
                    return seen
                await asyncio.sleep(0.005)

    async def reads(self, content: str, path: str = "/lists/1/imports", **query: Any) -> Any:
        """Import a file, to its end."""
        return await self.ended(await self.send(path, content, **query))

    def becomes(self, caller: Caller) -> None:
        self.api.access.caller = caller


def answer(response: httpx.Response, status: int) -> Any:
    """What an answer says, which must have a status."""
    assert response.status_code == status, (response.status_code, response.text)
    if response.headers["content-type"].startswith("text/csv"):
        return response.text
    return response.json()


@contextlib.asynccontextmanager
async def telling(database: Any, folder: Path, loaded: Loaded | None = None) -> AsyncIterator[Story]:
    """An API, as long as the block lasts."""
    loaded = loaded or configuration()
    dialer, clock = Dialer(), [NOON]
    async with opened(database, utc_ms=NOON) as store:
        shared = SharedStore(
            store=store,
            is_single=isinstance(store, SqliteStore),
            loaded=lambda: loaded,
            why_away=lambda: dialer.why_away,
            waiting=lambda: dialer.waiting,
            folder=folder / "imports",
            log=structlog.wrap_logger(structlog.PrintLogger()),
            being_read=set(),
        )
        grown: list[int] = []
        operations = Operations(shared, grown.append, lambda: clock[0])
        api = ApiStory(loaded.configuration, store=operations.side)
        api.access.caller = SOMEBODY
        working = asyncio.create_task(operations.run())
        try:
            async with api.client as client:
                yield Story(store, api, operations, client, dialer, folder / "imports", clock, grown)
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
