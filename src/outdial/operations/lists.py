"""Calling lists of a running server: counts that are some seconds old at most, resets, exports."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from outdial.api.lists import FileRead, FinishedStatus, ListView
from outdial.core.settings import CallingList
from outdial.core.units import SECOND_MS, ListId
from outdial.list_export import export_of
from outdial.list_reset import reset_list, statuses_of
from outdial.list_show import look_at_lists
from outdial.names import Names
from outdial.operations.running_store import RunningStore, mistakes_of_request
from outdial.operations.visible import campaigns_for, list_for, lists_for, seen_configuration
from outdial.results_files import csv_text

FRESH_MS = 5 * SECOND_MS
"""How old a count may be: counting reads the whole list. Unit: milliseconds. Ours."""
COST_FACTOR = 20
"""A count is kept for this many times as long as it took, so that counting is a twentieth of the time at most."""
PAGE = 500
"""Records of an export that are in memory at once: some milliseconds. Unit: records."""


@dataclass(slots=True)
class _Counted:
    view: ListView
    until_ms: int


class RunningLists:
    """See `outdial.api.lists.Lists`."""

    def __init__(self, running: RunningStore) -> None:
        self._running = running
        self._counted: dict[ListId, _Counted] = {}
        self._counting = asyncio.Lock()

    async def all(self, campaigns: frozenset[str] | None) -> list[ListView]:
        """See `Lists.all`."""
        found = lists_for(self._running.loaded.configuration, campaigns)
        return [await self._view(one, campaigns) for one in found]

    async def one(self, dbid: ListId, campaigns: frozenset[str] | None) -> ListView | None:
        """See `Lists.one`."""
        found = list_for(self._running.loaded.configuration, dbid, campaigns)
        return None if found is None else await self._view(found, campaigns)

    async def reset(
        self, dbid: ListId, campaigns: frozenset[str] | None, statuses: list[FinishedStatus] | None
    ) -> int | None:
        """See `Lists.reset`."""
        calling_list = list_for(self._running.loaded.configuration, dbid, campaigns)
        if calling_list is None:
            return None
        self._running.check_room()
        with mistakes_of_request():
            count = await reset_list(self._running.looks, calling_list, statuses_of(statuses or ()))
        self.changed(dbid, has_more=True)
        return count

    async def export(self, dbid: ListId, campaigns: frozenset[str] | None) -> AsyncIterator[str] | None:
        """See `Lists.export`."""
        configuration = self._running.loaded.configuration
        if list_for(configuration, dbid, campaigns) is None:
            return None
        return self._lines(dbid, Names(seen_configuration(configuration, campaigns)))

    def changed(self, dbid: ListId, *, has_more: bool = False) -> None:
        """Count anew when somebody asks. `has_more`: there may be more to dial now, and the dialer is told."""
        self._counted.pop(dbid, None)
        if has_more:
            self._running.on_records(dbid)

    async def _view(self, calling_list: CallingList, campaigns: frozenset[str] | None) -> ListView:
        seen = campaigns_for(self._running.loaded.configuration, campaigns)
        names = [one.name for one in seen if calling_list.dbid in dict(one.lists)]
        async with self._counting:  # many may ask at the same time; one counts for all
            now = self._running.utc_now_ms()
            known = self._counted.get(calling_list.dbid)
            if known is None or not known.view.counted_utc_ms <= now < known.until_ms:
                known = await self._count(calling_list, now)
                self._counted[calling_list.dbid] = known
        return known.view.model_copy(update={"name": calling_list.name, "campaigns": names})

    async def _count(self, calling_list: CallingList, now: int) -> _Counted:
        [look] = await look_at_lists(self._running.looks, [calling_list], now)
        counts = look.counts
        view = ListView(
            dbid=calling_list.dbid,
            name=calling_list.name,
            campaigns=[],
            records=sum(counts.by_status.values()),
            by_status={status.label: count for status, count in counts.by_status.items()},
            due=counts.due,
            waiting=counts.waiting,
            next_due_utc_ms=counts.next_due_utc_ms,
            claimed=counts.claimed,
            counted_utc_ms=now,
            files=[
                FileRead(file=one.file, lines=one.lines_done, records=one.records, finished_utc_ms=one.finished_utc_ms)
                for one in look.imports
            ],
        )
        took_ms = max(0, self._running.utc_now_ms() - now)
        return _Counted(view, now + max(FRESH_MS, COST_FACTOR * took_ms))

    async def _lines(self, dbid: ListId, names: Names) -> AsyncIterator[str]:
        """The lines, once the answer has begun: a list of millions is looked through for longer than that may take."""
        store = self._running.jobs  # what has begun is not turned away
        export = await export_of(store, dbid, names, PAGE)
        yield csv_text([export.columns])
        async for rows in export.pages(store):
            yield await asyncio.to_thread(csv_text, rows)
