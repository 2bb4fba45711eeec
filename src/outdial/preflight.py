"""`outdial preflight`: how many customers of a campaign group may be dialed now, and when the others may be.

A customer is a chain, or a record that is alone: what counts is the record that is tried next. The list is read a page
at a time.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outdial.config import Loaded, load
from outdial.configured_store import in_store, utc_now_ms
from outdial.core.dial_rules import DialRules
from outdial.core.openings import local_day
from outdial.core.records import Record
from outdial.core.settings import Campaign, CampaignGroup, Zone
from outdial.core.units import Millis
from outdial.outlook import Outlook, campaign_of, group_named, outlook_of, records_of, rules_for
from outdial.results_files import utc_text
from outdial.store.interface import Store
from outdial.store.stored import FINISHED, StoredRecord

PAGE = 2_000
"""Records that are in memory at once. Unit: records."""
WHEN = ("now", "later today", "tomorrow", "later", "never")


@dataclass
class Forecast:
    """What becomes of a group's customers if nobody is called."""

    by_time: dict[str, Counter[str]] = field(default_factory=lambda: {when: Counter() for when in WHEN})
    """Customers by when they may be dialed first, and what keeps them till then. Shape: {time: {reason: count}}."""
    lists: int = 0
    """Lists that were looked at."""
    claimed: int = 0
    """Customers that a server has."""
    behind: int = 0
    """Records that wait behind another one of their customer."""
    finished: int = 0
    """Records that are not tried any more."""

    def add(self, outlook: Outlook, utc_ms: Millis, zone: Zone) -> None:
        """Count one customer. Days are those of the list's zone."""
        self.by_time[_when(outlook, utc_ms, zone)][outlook.reason or "nothing keeps them"] += 1


def _when(outlook: Outlook, utc_ms: Millis, zone: Zone) -> str:
    if outlook.utc_ms is None:
        return "never"
    if outlook.utc_ms <= utc_ms:
        return "now"
    days = local_day(zone, outlook.utc_ms) - local_day(zone, utc_ms)
    return ("later today", "tomorrow")[days] if days < 2 else "later"


def run_preflight(config: Path, group_name: str, *, as_json: bool) -> str:
    """Tell when the customers of a group may be dialed. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    group, utc_ms = group_named(loaded, group_name), utc_now_ms()

    async def work(store: Store) -> Forecast:
        return await forecast_of(store, loaded, group, utc_ms)

    return forecast_text(group.name, utc_ms, in_store(loaded, work), as_json=as_json)


def forecast_text(name: str, utc_ms: Millis, forecast: Forecast, *, as_json: bool) -> str:
    """What is printed of a group's forecast. `utc_ms`: when it was made."""
    if as_json:
        return json.dumps({"group": name, "at_utc": utc_text(utc_ms), **_to_json(forecast)}, ensure_ascii=False)
    return "\n".join(_to_text(name, forecast))


async def forecast_of(store: Store, loaded: Loaded, group: CampaignGroup, utc_ms: Millis, page: int = PAGE) -> Forecast:
    """Look at every record that a group may dial.

    Args:
        store: an open store.
        loaded: the configuration.
        group: of this configuration.
        utc_ms: now.
        page: records that are in memory at once.

    Raises:
        StoreUnavailable: the store does not answer.
    """
    rules, campaign = rules_for(loaded, group), campaign_of(loaded, group)
    do_not_call = frozenset(loaded.configuration.do_not_call)
    forecast = Forecast(lists=len(rules))
    for list_rules in rules.values():
        await _read(store, list_rules, campaign, do_not_call, utc_ms, forecast, page)
    return forecast


async def _read(
    store: Store,
    rules: DialRules,
    campaign: Campaign,
    do_not_call: frozenset[str],
    utc_ms: Millis,
    forecast: Forecast,
    page_size: int,
) -> None:
    calling_list, after = rules.calling_list, 0
    while page := await store.records(calling_list.dbid, after, page_size):
        after = page[-1].fate.record_id
        waiting = [each for each in page if each.due_utc_ms is not None]
        forecast.claimed += sum(each.claim_epoch is not None for each in page)
        finished = sum(each.fate.status in FINISHED for each in page)
        forecast.finished += finished
        heads = sum(each.due_utc_ms is not None or each.claim_epoch is not None for each in page)
        forecast.behind += len(page) - heads - finished
        records = await records_of(store, waiting, rules, campaign, utc_ms)
        await asyncio.to_thread(_count, waiting, records, rules, utc_ms, do_not_call, forecast)


def _count(
    waiting: Sequence[StoredRecord],
    records: Sequence[Record],
    rules: DialRules,
    utc_ms: Millis,
    do_not_call: frozenset[str],
    forecast: Forecast,
) -> None:
    """Count the customers of a page."""
    for stored, record in zip(waiting, records, strict=True):
        outlook = outlook_of(record, stored.due_utc_ms or 0, rules, utc_ms, do_not_call)
        forecast.add(outlook, utc_ms, rules.calling_list.zone)


def _to_text(name: str, forecast: Forecast) -> list[str]:
    lists = forecast.lists
    waiting = sum(counts.total() for counts in forecast.by_time.values())
    lines = [f"{name}: {waiting:,} customers wait in {lists} list{'' if lists == 1 else 's'}"]
    for when, counts in forecast.by_time.items():
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.most_common()) if when != "now" else ""
        lines.append(f"  {when:<12}{counts.total():>12,}   {reasons}".rstrip())
    behind = f"{forecast.behind:,} records wait behind others of theirs"
    lines.append(f"  {forecast.claimed:,} claimed by a server; {behind}; {forecast.finished:,} are finished")
    return lines


def _to_json(forecast: Forecast) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    times: dict[str, object] = {
        when.replace(" ", "_"): counts.total() if when == "now" else dict(counts)
        for when, counts in forecast.by_time.items()
    }
    return {**times, "claimed": forecast.claimed, "behind": forecast.behind, "finished": forecast.finished}
