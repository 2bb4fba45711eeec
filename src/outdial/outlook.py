"""When stored records may be dialed, and what keeps them: the rules of the dialer, asked outside of it."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from outdial.config import Loaded
from outdial.config.mistakes import show_value, suggest
from outdial.config.number_zones import with_zones
from outdial.config.zones import load_zone
from outdial.core.compliance import may_dial
from outdial.core.dial_rules import DialRules, dial_rules
from outdial.core.errors import ConfigError
from outdial.core.records import NumberFacts, Record
from outdial.core.settings import Campaign, CampaignGroup
from outdial.core.units import Millis
from outdial.store.do_not_call import entries_for, list_that_has
from outdial.store.interface import Store
from outdial.store.stored import StoredRecord

STEPS_MAX = 20
"""Refusals after each other that are followed. Each is longer than the one before; a week may end one. Ours."""
DUE_LATER = "due later"
"""Reason of a record that waits for a retry, or was given back till then."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a record may be dialed."""

    utc_ms: Millis | None
    """First instant; now or later. None: never."""
    reason: str
    """What keeps it the longest of what keeps it now; empty: nothing."""


def group_named(loaded: Loaded, name: str) -> CampaignGroup:
    """A campaign group of the configuration.

    Raises:
        ConfigError: it has none with this name.
    """
    groups = {group.name: group for group in loaded.configuration.campaign_groups}
    if name in groups:
        return groups[name]
    hint = suggest(name, groups) or f"there are {', '.join(map(show_value, groups)) or 'none'}"
    raise ConfigError([f"{loaded.file}: there is no campaign group {show_value(name)}; {hint}"])


def campaign_of(loaded: Loaded, group: CampaignGroup) -> Campaign:
    """The campaign that a group dials."""
    return next(each for each in loaded.configuration.campaigns if each.dbid == group.campaign)


def rules_for(loaded: Loaded, group: CampaignGroup) -> dict[int, DialRules]:
    """The rules for each list that a group dials. Shape: {list: rules}."""
    configuration = loaded.configuration
    lists = {calling_list.dbid: calling_list for calling_list in configuration.calling_lists}
    campaign = campaign_of(loaded, group)
    agent_first = group.dialing_mode.is_preview
    return {
        list_id: dial_rules(lists[list_id], campaign.rules, agent_first=agent_first) for list_id, _ in campaign.lists
    }


async def records_of(
    store: Store, stored: Sequence[StoredRecord], rules: DialRules, campaign: Campaign, utc_ms: Millis
) -> list[Record]:
    """Stored records as a campaign sees them, with what its rules and its do-not-call lists have of their numbers."""
    calling_list, facts = rules.calling_list, rules.needs_facts
    entries = [entry for each in stored for entry in entries_for(each.dialed_number, each.customer_id)]
    found = await store.forbidding(entries, campaign.do_not_call_lists, utc_ms) if stored else {}
    known = await store.facts([each.dialed_number for each in stored], utc_ms) if facts and stored else {}
    records = []
    for each in stored:
        fate = each.fate
        record = Record(
            fate.record_id,
            fate.list_id,
            fate.number,
            fate.chain_id,
            fate.chain_n,
            each.daily_from_s,
            each.daily_till_s,
            None if each.zone is None else load_zone(each.zone),
            fate.attempts,
            do_not_call=list_that_has(each.dialed_number, each.customer_id, found),
            record_type=each.record_type,
            consent=each.consent,
            consent_utc_ms=each.consent_utc_ms,
            facts=known.get(each.dialed_number, NumberFacts(utc_ms)) if facts else None,
        ).called_at(each.callback_number or "")
        records.append(with_zones(record) if calling_list.zone_by_number else record)
    return records


def outlook_of(
    record: Record, due_utc_ms: Millis, rules: DialRules, utc_ms: Millis, do_not_call: Container[str]
) -> Outlook:
    """When a record may be dialed first, if nobody calls its number until then."""
    at_ms, reason = max(utc_ms, due_utc_ms), DUE_LATER if due_utc_ms > utc_ms else ""
    lasted_ms = at_ms - utc_ms
    for _ in range(STEPS_MAX):
        refusal = may_dial(record, rules, at_ms, do_not_call)
        if refusal is None:
            break
        if refusal.not_before_utc_ms is None:
            return Outlook(None, refusal.reason.value)
        if not reason or refusal.not_before_utc_ms - at_ms > lasted_ms:
            reason, lasted_ms = refusal.reason.value, refusal.not_before_utc_ms - at_ms
        at_ms = refusal.not_before_utc_ms
    return Outlook(at_ms, reason)
