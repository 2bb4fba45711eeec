"""An API with every part, over a store that has something of two campaigns: for questions about every route."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog

from account_samples import NOW, AccountStory
from config_samples import load_text, text_with
from outdial.api.board import AlarmView
from outdial.api.credentials import new_secret
from outdial.api.desk_view import DeskName
from outdial.api.live_board import AlarmsOf
from outdial.api.origins import Origins
from outdial.core.results import CallResult
from outdial.operations.side import Operations
from outdial.serve_reasons import ServeReasons
from outdial.shared_store import SharedStore
from outdial.store.sqlite import SqliteStore
from store.contract.story import DONE, STALE_MS, begun, claim, settled, write

SHARED_NUMBER = "5550100"
"""Of a record in each list."""
WITHIN_S = 10.0

SPRING = """
[[campaign]]
dbid = 1
name = "spring"
lists = ["customers"]
do-not-call-lists = ["national"]
"""
HARVEST = """
[[cpd-server]]
dbid = 21
name = "board"
driver = "sim"
ports = 25

[[agent]]
dbid = 8
login = "bob"
phone = "1008"

[[agent-group]]
dbid = 2
name = "night"
agents = ["bob"]

[[calling-list]]
dbid = 2
name = "strangers"
synthetic = 100

[[campaign]]
dbid = 2
name = "harvest"
lists = ["strangers", "customers"]
do-not-call-lists = ["private"]

[[campaign-group]]
dbid = 2
name = "west"
campaign = "harvest"
agent-group = "night"
dialing-mode = "progressive"
dialer = "board"
"""
"""A campaign with everything of its own, that also dials the list of the first one."""
OF_HARVEST = (
    "harvest",
    "west",
    "bob",
    "night",
    "strangers",
    "private",
    "cpd-server-21",
    "wallboard",
    "theirs.csv",
    "trouble",
)
"""Names that do not exist for who may see campaign `spring` only."""


class NamedDesks:
    """Two desktops that can be named."""

    def names(self) -> tuple[DeskName, ...]:
        """One of each campaign."""
        return tuple(DeskName(dbid=dbid, login=login, state="ready") for dbid, login in ((7, "ada"), (8, "bob")))

    def has(self, agent_id: int) -> bool:
        """Nobody can sit at one."""
        return False


class WholeStory(AccountStory):
    """Everything; `filled` puts something into the store."""

    def __init__(self, folder: Path) -> None:
        loaded = load_text(text_with(HARVEST, campaign=SPRING))
        self.store = SqliteStore(folder / "outdial.sqlite")
        shared = SharedStore(
            store=self.store,
            is_single=True,
            loaded=lambda: loaded,
            why_away=lambda: "",
            waiting=lambda: 0,
            folder=folder / "imports",
            log=structlog.wrap_logger(structlog.PrintLogger()),
            being_read=set(),
        )
        self.utc_ms = NOW
        self.operations = Operations(shared, lambda list_id: None, lambda: self.utc_ms)
        self.values: dict[str, dict[str, Any]] = {"spring": {}, "harvest": {}}
        """Objects of each campaign that the store has named."""
        self.reasons: Any = SimpleNamespace(setup=SimpleNamespace(loaded=loaded))
        super().__init__(Origins(is_loopback=False), loaded=loaded)

    def parts(self) -> Mapping[str, Any]:
        """See `AccountStory.parts`."""
        return {
            "store": self.operations.side,
            "desks": NamedDesks(),
            "record_reasons": ServeReasons(self.reasons, self.operations.running.looks),
        }

    def alarms_of(self) -> AlarmsOf:
        """See `AccountStory.alarms_of`."""
        alarm = AlarmView(
            key="trouble", severity="warning", text="a list is empty", since_utc_ms=NOW, campaign="harvest"
        )
        return lambda snapshot: (alarm,)

    async def fill(self) -> None:
        """Records, attempts, files and numbers of both campaigns."""
        await self.store.open("one", NOW, STALE_MS)
        secret = new_secret()
        await self.add_token(secret)
        async with self.client(secret) as client, self._reading():
            for dbid, campaign, file, name in (
                (1, "spring", "mine.csv", "national"),
                (2, "harvest", "theirs.csv", "private"),
            ):
                lines = f"phone\nx\n555019{dbid}\n"
                csv = {"content-type": "text/csv"}
                answer = await client.post(f"/lists/{dbid}/imports?name={file}", content=lines, headers=csv)
                job_id = answer.json()["id"]
                async with asyncio.timeout(WITHIN_S):
                    while (await client.get(f"/imports/{job_id}")).json()["state"] != "finished":
                        await asyncio.sleep(0.001)
                added = await client.post(f"/lists/{dbid}/records", json={"phone": SHARED_NUMBER})
                self.values[campaign] = {"job_id": job_id, "record_id": added.json()["record_id"], "list": dbid}
                numbers = {"numbers": [SHARED_NUMBER], "reason": "asked"}
                assert (await client.post(f"/dnc/{name}/numbers", json=numbers)).status_code == 200
        await self._call()
        self.utc_ms += 60_000

    async def _call(self) -> None:
        """The second campaign calls a record of each list."""
        for call_id, list_id in enumerate((1, 2), 1):
            record = (await claim(self.store, 1, lists=((list_id, 10),), group_id=2)).chains[0].records[0]
            change = settled(call_id, record, DONE, result=CallResult.ANSWER, agent_id=8)
            change = replace(change, group_id=2, campaign_id=2, person=True)
            await write(self.store, replace(begun(call_id, record), group_id=2), change)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        """Files that are sent are read within the block."""
        working = asyncio.create_task(self.operations.run())
        try:
            yield
        finally:
            working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await working
