"""Do-not-call lists of a running server."""

import asyncio

from outdial.api.access import Caller
from outdial.api.do_not_call import (
    AddedNumbersView,
    CheckedView,
    ChecksView,
    DoNotCallListView,
    DoNotCallView,
    EntryView,
    NewNumbers,
    RemovedNumbersView,
)
from outdial.api.problems import not_found
from outdial.config import Loaded
from outdial.core.errors import ConfigError
from outdial.core.units import SECOND_MS
from outdial.dnc_change import entries_in, list_name_mistakes, reason_mistakes
from outdial.dnc_show import age_days, checked, empty_list_notes, is_too_old
from outdial.operations.running_store import RunningStore, mistakes_of_request
from outdial.operations.visible import campaigns_for
from outdial.store.do_not_call import Addition, Forbidden, ForbiddenList

FRESH_MS = 10 * SECOND_MS
"""How old the counts of lists may be: counting reads all of them. Unit: milliseconds. Ours."""
COST_FACTOR = 20
"""Counts are kept for this many times as long as they took."""


class RunningDoNotCall:
    """See `outdial.api.do_not_call.DoNotCall`."""

    def __init__(self, running: RunningStore) -> None:
        self._running = running
        self._counting = asyncio.Lock()
        self._known: tuple[ForbiddenList, ...] = ()
        self._counted_ms = 0
        self._until_ms = 0

    async def lists(self, campaigns: frozenset[str] | None) -> DoNotCallView:
        """See `DoNotCall.lists`."""
        loaded, now = self._running.loaded, self._running.utc_now_ms()
        found = await self._counts(now)
        return DoNotCallView(
            lists=[
                DoNotCallListView(
                    name=one.name,
                    numbers=one.numbers,
                    oldest_utc_ms=one.oldest_utc_ms,
                    latest_utc_ms=one.latest_utc_ms,
                    age_days=age_days(one, now),
                    days_max=loaded.registries.get(one.name),
                    too_old=is_too_old(one, loaded.registries, now),
                )
                for one in found
                if counts_for(loaded, one.name, campaigns)
            ],
            in_configuration=len(loaded.configuration.do_not_call),
            notes=empty_list_notes(loaded, found) if campaigns is None else [],
        )

    async def check(self, numbers: list[str], campaigns: frozenset[str] | None) -> ChecksView:
        """See `DoNotCall.check`."""
        loaded, now = self._running.loaded, self._running.utc_now_ms()
        entries = self._entries(numbers)
        found = await self._running.looks.forbidden(entries)
        seen = [one for one in found if counts_for(loaded, one.list_name, campaigns)]
        return ChecksView(
            numbers=[
                CheckedView(
                    number=one.entry,
                    on_a_list=one.is_on,
                    in_configuration=one.is_configured,
                    entries=[_entry_view(entry, now) for entry in one.known],
                )
                for one in checked(loaded, entries, seen, now)
            ]
        )

    async def add(self, name: str, new: NewNumbers, caller: Caller) -> AddedNumbersView:
        """See `DoNotCall.add`."""
        now = self._running.utc_now_ms()
        mistakes = [*list_name_mistakes(name), *reason_mistakes(new.reason)]
        if new.until_utc_ms is not None and new.until_utc_ms <= now:
            mistakes.append(f"body.until_utc_ms: {new.until_utc_ms} is past")
        entries = self._entries(new.numbers, mistakes)
        if not counts_for(self._running.loaded, name, caller.campaigns):
            raise not_found(f"do-not-call list {name}")
        addition = Addition(name, caller.name, now, new.reason, new.until_utc_ms)
        added = await self._running.looks.forbid(addition, entries)
        self._until_ms = 0
        return AddedNumbersView(list_name=name, numbers=len(entries), added=added)

    async def remove(self, name: str, numbers: list[str], caller: Caller) -> RemovedNumbersView:
        """See `DoNotCall.remove`."""
        entries = self._entries(numbers, list_name_mistakes(name))
        removed = await self._running.looks.allow(name, entries, caller.name, self._running.utc_now_ms())
        self._until_ms = 0
        return RemovedNumbersView(list_name=name, numbers=len(entries), removed=removed)

    def _entries(self, numbers: list[str], mistakes: list[str] | None = None) -> list[str]:
        entries, wrong = entries_in(self._running.loaded, numbers)
        if all_mistakes := [*(mistakes or ()), *wrong]:
            with mistakes_of_request():
                raise ConfigError(all_mistakes)
        return entries

    async def _counts(self, now: int) -> tuple[ForbiddenList, ...]:
        async with self._counting:
            if not self._counted_ms <= now < self._until_ms:
                self._known = await self._running.looks.forbidden_lists(now)
                took_ms = max(0, self._running.utc_now_ms() - now)
                self._counted_ms, self._until_ms = now, now + max(FRESH_MS, COST_FACTOR * took_ms)
            return self._known


def counts_for(loaded: Loaded, name: str, campaigns: frozenset[str] | None) -> bool:
    """Whether a do-not-call list counts for any campaign that the caller may see."""
    return campaigns is None or any(one.heeds(name) for one in campaigns_for(loaded.configuration, campaigns))


def _entry_view(one: Forbidden, now: int) -> EntryView:
    return EntryView(
        list_name=one.list_name,
        on=one.counts_at(now),
        reason=one.reason,
        added_by=one.added_by,
        added_utc_ms=one.added_utc_ms,
        seen_utc_ms=one.seen_utc_ms,
        expires_utc_ms=one.expires_utc_ms,
        removed_by=one.removed_by,
        removed_utc_ms=one.removed_utc_ms,
    )
