"""The account of abandoned calls that a campaign's groups share, once the ledger of earlier calls is known.

The server tells the core what the ledger says (`AbandonmentFound`), at its start and for each campaign that a reload
brings; where several servers share a database, again and again. The core counts every settled attempt as the store
does. What both have counted is counted once: each bucket has the greater count of the two. Then

* today's account steers the thresholds of all groups of the campaign, in the place of the one that each begins with;
* when one more abandoned call would put a window of the campaign above its limit, its groups dial progressively. For
  predictive groups, which steer, a month and the campaign's life include the persons still expected today.

A campaign of which the ledger says nothing has no such account: each group has its own, as in a simulation.

Ours (decision 0018).
"""

from outdial.core.abandonment import Ledger, breaking_window, bucket_of, counts_of, share_of
from outdial.core.abandonment_events import AbandonmentFound
from outdial.core.abandonment_settings import AbandonmentWindow
from outdial.core.budget import Account
from outdial.core.commands import Reply, SettleAttempt
from outdial.core.groups import Group
from outdial.core.settings import Campaign
from outdial.core.state import State

MILLION = 1_000_000


def abandonment_found(state: State, event: AbandonmentFound) -> None:
    """A campaign goes on with the account that it had before this run, or that it has with what others have called."""
    if event.campaign_id not in state.campaigns:
        message = f"there is no campaign {event.campaign_id}"
        state.emit(Reply(event.request_id, ok=False, code="not_found", message=message))
        return
    state.ledgers.setdefault(event.campaign_id, Ledger()).raise_to(event.earlier, event.buckets)
    state.emit(Reply(event.request_id, ok=True))


def count(state: State, settled: SettleAttempt) -> None:
    """An attempt is over: into its campaign's account, if there is one."""
    ledger = state.ledgers.get(settled.campaign_id)
    if ledger is not None:
        ledger.add(
            bucket_of(settled.dialed_utc_ms),
            counts_of(
                person=settled.person,
                abandoned=settled.abandoned,
                with_agent=settled.agent_id is not None,
                verdict=settled.verdict,
                message_played=settled.message_played,
            ),
        )


def follow_account(state: State, group: Group) -> str:
    """Let the group's budget follow the campaign's account. Returns why nothing may be risked now; empty: it may."""
    campaign, ledger = state.campaigns.get(group.settings.campaign), state.ledgers.get(group.settings.campaign)
    if campaign is None or ledger is None:
        group.budget.campaign = None
        return ""
    today = share_of(ledger.counts(AbandonmentWindow.DAY, state.utc_ms, campaign.zone), campaign)
    first_utc_ms = ledger.first_of_day(state.utc_ms, campaign.zone)
    began_at_ms = None if first_utc_ms is None else state.mono_ms - (state.utc_ms - first_utc_ms)
    limit = limit_ppm(campaign, group)
    group.budget.follow(Account(today.calls, today.abandoned, began_at_ms), limit)
    expected = group.budget.expected_more(state.mono_ms) if group.settings.dialing_mode.is_predictive else 0
    window = breaking_window(ledger, campaign, limit, state.utc_ms, expected)
    return "" if window is None else f"one more abandoned call would break the campaign's limit ({window})"


def limit_ppm(campaign: Campaign | None, group: Group) -> int:
    """Largest share of abandoned persons: the campaign's, or the group's own. Unit: millionths."""
    if campaign is not None and campaign.abandonment_limit_ppm is not None:
        return campaign.abandonment_limit_ppm
    return round(MILLION * group.settings.overdial_ratio_max)
