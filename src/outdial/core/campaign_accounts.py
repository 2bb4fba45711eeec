"""The account of abandoned calls that a campaign's groups share, once the ledger of earlier calls is known.

The server tells the core what the ledger says (`AbandonmentFound`), at its start and for each campaign that a reload
brings. From then on the core counts every settled attempt as the store does, and

* today's account steers the thresholds of all groups of the campaign, in the place of the one that each begins with;
* when one more abandoned call would put a window of the campaign above its limit, its groups dial progressively.

A campaign of which the ledger says nothing has no such account: each group has its own, as in a simulation.

Ours (decision 0018).
"""

from outdial.core.abandonment import Ledger, breaking_window, bucket_of, counts_of, share_of
from outdial.core.abandonment_events import AbandonmentFound
from outdial.core.budget import Account
from outdial.core.commands import Reply, SettleAttempt
from outdial.core.groups import Group
from outdial.core.settings import AbandonmentWindow
from outdial.core.state import State

MILLION = 1_000_000


def abandonment_found(state: State, event: AbandonmentFound) -> None:
    """A campaign goes on with the account that it had before this run."""
    campaign = state.campaigns.get(event.campaign_id)
    refusal, code = "", "conflict"
    if campaign is None:
        refusal, code = f"there is no campaign {event.campaign_id}", "not_found"
    elif event.campaign_id in state.ledgers:
        refusal = f"campaign {campaign.name} (dbid {campaign.dbid}) has its ledger already"
    elif any(_has_called(group) for group in state.groups.values() if group.settings.campaign == event.campaign_id):
        refusal = f"campaign {campaign.name} (dbid {campaign.dbid}) has called already"
    if refusal:
        state.emit(Reply(event.request_id, ok=False, code=code, message=refusal))
        return
    ledger = state.ledgers[event.campaign_id] = Ledger()
    ledger.add_earlier(event.earlier)
    for bucket_utc_ms, counts in event.buckets:
        ledger.add(bucket_utc_ms, counts)
    state.emit(Reply(event.request_id, ok=True))


def _has_called(group: Group) -> bool:
    return group.totals.attempts > 0 or group.live > 0


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
    group.budget.campaign = Account(today.calls, today.abandoned, began_at_ms)
    limit_ppm = campaign.abandonment_limit_ppm
    if limit_ppm is None:
        limit_ppm = round(MILLION * group.settings.overdial_ratio_max)
    window = breaking_window(ledger, campaign, limit_ppm, state.utc_ms)
    return "" if window is None else f"one more abandoned call would break the campaign's limit ({window})"
