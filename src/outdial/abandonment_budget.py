"""`outdial compliance budget`: what of each campaign's abandoned calls is spent, and what is left."""

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from outdial.campaign_rules import CampaignRules, campaign_named
from outdial.config import load
from outdial.configured_store import in_store, utc_now_ms
from outdial.core.abandonment import KEPT_MS, MILLION, Ledger, Share, bucket_of, share_of
from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.settings import Campaign, Configuration
from outdial.store.interface import Store
from outdial.store.stored import LedgerRow

WINDOW_NAMES = {
    AbandonmentWindow.DAY: "today",
    AbandonmentWindow.HOURS_24: "24 hours",
    AbandonmentWindow.DAYS_30: "30 days",
    AbandonmentWindow.LIFE: "ever",
}


class Spent(NamedTuple):
    """One window of one campaign or seller."""

    window: AbandonmentWindow
    persons: int
    share: Share
    limit_ppm: int
    is_limited: bool
    """The dialer keeps the limit in this window."""


class Budget(NamedTuple):
    """One campaign, or one seller."""

    kind: str
    name: str
    campaign: Campaign
    """Whose rules count: of a seller, those of the first of its campaigns."""
    windows: tuple[Spent, ...]


def run_budget(config: Path, campaign: str | None, *, as_json: bool) -> str:
    """Tell what is spent. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    only = None if campaign is None else frozenset((campaign_named(loaded, campaign).dbid,))
    now = utc_now_ms()

    async def work(store: Store) -> list[Budget]:
        return await budgets_in(store, loaded.configuration, only, now)

    return budgets_text([_to_json(budget) for budget in in_store(loaded, work)], as_json=as_json)


def budgets_text(budgets: Sequence[Mapping[str, Any]], *, as_json: bool) -> str:
    """What is printed of budgets. Shape of one: docs/reference/command-line.md."""
    if as_json:
        return json.dumps({"budgets": budgets}, ensure_ascii=False)
    return "\n".join(line for budget in budgets for line in _to_text(budget)) or "nobody has been called yet"


async def budgets_in(
    store: Store, configuration: Configuration, only: Collection[int] | None, utc_ms: int
) -> list[Budget]:
    """What is spent, from the ledger in a store. Arguments: see `budgets_of`."""
    return budgets_of(await store.abandonment(bucket_of(utc_ms - KEPT_MS)), CampaignRules(configuration), only, utc_ms)


def budgets_of(
    rows: Sequence[LedgerRow], rules: CampaignRules, only: Collection[int] | None, utc_ms: int
) -> list[Budget]:
    """Add the ledger up by campaign and by seller.

    Args:
        rows: the whole ledger.
        rules: how campaigns count.
        only: these campaigns. None: all, and the sellers.
        utc_ms: now.
    """
    campaigns, sellers = dict[int, Ledger](), dict[str, Ledger]()
    members: dict[str, dict[int, None]] = {}
    for row in rows:
        _add(campaigns.setdefault(row.campaign_id, Ledger()), row)
        _add(sellers.setdefault(row.seller, Ledger()), row)
        members.setdefault(row.seller, {})[row.campaign_id] = None
    if only is not None:
        campaigns = {number: campaigns.get(number, Ledger()) for number in only}
        sellers = {}
    found = [
        _budget("campaign", rules.campaign(number).name, ledger, [number], rules, utc_ms)
        for number, ledger in sorted(campaigns.items())
    ]
    return found + [
        _budget("seller", seller, ledger, list(members[seller]), rules, utc_ms)
        for seller, ledger in sorted(sellers.items())
    ]


def _add(ledger: Ledger, row: LedgerRow) -> None:
    if row.bucket_utc_ms:
        ledger.add(row.bucket_utc_ms, row.counts)
    else:
        ledger.add_earlier(row.counts)


def _budget(kind: str, name: str, ledger: Ledger, members: list[int], rules: CampaignRules, utc_ms: int) -> Budget:
    campaign, limit_ppm = rules.campaign(members[0]), min(map(rules.limit_ppm, members))
    windows = []
    for window in AbandonmentWindow:
        counts = ledger.counts(window, utc_ms, campaign.zone)
        is_limited = kind == "campaign" and window in campaign.abandonment_windows
        windows.append(Spent(window, counts.persons, share_of(counts, campaign), limit_ppm, is_limited))
    return Budget(kind, name, campaign, tuple(windows))


def percent(ppm: int) -> str:
    """Millionths as percent, such as `2.94`."""
    return f"{ppm / 10_000:.2f}"


def _to_text(budget: Mapping[str, Any]) -> list[str]:
    kind = "campaign" if "campaign" in budget else "seller"
    lines = [f"{kind} {budget[kind]}: method {budget['method']}, days of {budget['time_zone']}"]
    for spent in budget["windows"]:
        name, rate, limit = WINDOW_NAMES[spent["window"]], _percent(spent["rate"]), _percent(spent["limit"])
        line = f"  {name:<9} {spent['persons']:>9,} persons, {spent['abandoned']:>7,} abandoned, {rate:>6} %"
        lines.append(f"{line} of {limit} %: {_left(spent)}")
    return lines


def _percent(share: float) -> str:
    return percent(round(share * MILLION))


def _left(spent: Mapping[str, Any]) -> str:
    left, needed = spent["may_be_abandoned"], spent["served_needed"]
    if left > 0:
        return f"{left:,} more may be abandoned"
    if needed == 0:
        return "none may be abandoned now"
    return "too many" if needed is None else f"too many; {needed:,} persons must be served to be at the limit again"


def _zone(campaign: Campaign) -> str:
    return "UTC" if campaign.zone is None else campaign.zone.name


def _to_json(budget: Budget) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    return {
        budget.kind: budget.name,
        "method": budget.campaign.abandonment_method.value,
        "time_zone": _zone(budget.campaign),
        "windows": [
            {
                "window": spent.window.value,
                "persons": spent.persons,
                "abandoned": spent.share.abandoned,
                "calls": spent.share.calls,
                "rate": spent.share.ppm / MILLION,
                "limit": spent.limit_ppm / MILLION,
                "is_limited": spent.is_limited,
                "may_be_abandoned": max(0, spent.share.may_abandon(spent.limit_ppm)),
                "served_needed": spent.share.needed(spent.limit_ppm),
            }
            for spent in budget.windows
        ],
    }
