"""The next record to dial: from the group's buffer, past everything that may not be dialed, never twice.

The buffer is bounded: it is filled up to the optimal record buffer when it falls below the minimum. Records that may
not be dialed now go back to their list with the instant from which they may; records that may never be are finished.
That is looked at when records arrive, so that what is in memory may be dialed, and again right before each call.
"""

from dataclasses import replace

from outdial.core.commands import CancelRecord, FetchRecords, ReturnRecord
from outdial.core.compliance import FACTS_WAIT_MS, Refusal, RefusalReason, may_dial
from outdial.core.deadlines import Timer
from outdial.core.dial_rules import DialRules, dial_rules
from outdial.core.events import FetchFailed, NumberCalled, RecordCancelled, RecordsAdded, RecordsFetched
from outdial.core.groups import Group, Hold
from outdial.core.records import PRIORITIES, Chain, Priority, Record
from outdial.core.results import CallResult
from outdial.core.settings import CampaignGroup
from outdial.core.state import FETCH_POLL_MS, State
from outdial.core.units import SECOND_MS, GroupId, ListId, Millis

FETCH_MS_MAX: Millis = 10 * SECOND_MS
"""Longest wait for the store before it is asked again. Unit: ms. Ours."""
FETCH_PAUSE_MS: Millis = SECOND_MS
"""Shortest pause between two looks at lists that had nothing due, or nothing that may be dialed. Unit: ms. Ours."""
SKIPS_MAX = 200
"""Records that one look may pass over; bounds the work of a step. Ours."""
NUMBER_BUSY_MS: Millis = 60 * SECOND_MS
"""A record whose number is in another call is tried again after this. Unit: ms. Ours."""
BUSY = "its number is in another call"


def take_next(state: State, group: Group) -> Chain | None:
    """Take the next chain whose first record may be dialed now. None: there is none in memory."""
    buffer = group.buffer
    for _ in range(SKIPS_MAX):
        if not buffer:
            return None
        chain = _dialable(state, group, buffer.popleft())
        if chain is None:
            continue
        record = chain.records[0]
        if record.number not in state.numbers:
            return chain
        give_back(state, record, state.utc_ms + NUMBER_BUSY_MS, BUSY)
    state.wake_group_at(group, state.mono_ms)  # the rest is looked at in the next step
    return None


def rules_of(state: State, group: Group, list_id: ListId) -> DialRules | None:
    """The rules for records of a list that the group dials. None: the list has left the configuration."""
    rules = group.rules.get(list_id)
    if rules is None:
        known, campaign = state.lists.get(list_id), state.campaigns.get(group.settings.campaign)
        if known is None:
            return None
        more = () if campaign is None else campaign.rules
        rules = dial_rules(known.settings, more, agent_first=group.mode.is_preview)
        group.rules[list_id] = rules
    return rules


def needs_facts(state: State, group: Group) -> bool:
    """Whether some rule of the group asks what earlier calls to a number have come to."""
    all_rules = [rules_of(state, group, list_id) for list_id, _ in state.campaigns[group.settings.campaign].lists]
    return any(rules is not None and rules.needs_facts for rules in all_rules)


def up_to_date(state: State, record: Record, rules: DialRules) -> Record:
    """The record with all that is known of its number now; without, if what its store knew is too old."""
    facts = record.facts
    if facts is None or not rules.needs_facts:
        return record
    if state.recent.are_too_old(facts, state.mono_ms):
        return replace(record, facts=None)
    recent = state.recent.with_recent(record.number, facts)
    return record if recent is facts else replace(record, facts=recent)


def _dialable(state: State, group: Group, chain: Chain) -> Chain | None:
    """What is left of a chain whose first record may be dialed now. None: it has gone back, or is finished.

    The next record takes the place of one that may never be dialed; if the first may be later, all wait with it.
    """
    for place, listed in enumerate(chain.records):
        rules = rules_of(state, group, listed.list_id)
        if rules is None:
            give_back(state, listed, 0, "its calling list left the configuration")
            return None
        if rules.needs_facts and listed.number in state.numbers:  # what that call comes to may count
            give_back(state, listed, state.utc_ms + NUMBER_BUSY_MS, BUSY)
            return None
        record = up_to_date(state, listed, rules)
        refusal = may_dial(record, rules, state.utc_ms, state.do_not_call)
        if refusal is None:
            return chain if place == 0 and record is listed else Chain((record, *chain.records[place + 1 :]))
        if refusal.not_before_utc_ms is not None:
            give_back(state, record, refusal.not_before_utc_ms, refusal.text)
            if refusal.reason is RefusalReason.FACTS_UNKNOWN:
                group.fetch_at_ms = min(group.fetch_at_ms, state.mono_ms + FACTS_WAIT_MS)
            return None
        state.emit(CancelRecord(record.list_id, record.record_id, result_of_refusal(refusal)))
    return None


def result_of_refusal(refusal: Refusal) -> CallResult:
    """Call result of a record that may never be dialed."""
    is_listed = refusal.reason is RefusalReason.DO_NOT_CALL
    return CallResult.DO_NOT_CALL if is_listed else CallResult.CANCEL_RECORD


def why_none(group: Group) -> str:
    """Why there is no record in memory."""
    if group.is_fetching:
        return "fetching"
    return "the record store does not answer" if group.is_store_away else "the lists have nothing due"


def give_back(state: State, record: Record, not_before_utc_ms: int, reason: str) -> None:
    """Return a claimed record, with the rest of its chain, undialed."""
    state.emit(ReturnRecord(record.list_id, record.record_id, not_before_utc_ms, reason))


def finish_first(state: State, chain: Chain, call_result: CallResult) -> None:
    """Finish the first record of a claimed chain undialed and return the rest."""
    record = chain.records[0]
    state.emit(CancelRecord(record.list_id, record.record_id, call_result))
    if len(chain.records) > 1:
        give_back(state, chain.records[1], 0, "the record before it is finished")


def empty_buffer(state: State, group: Group, reason: str) -> None:
    """Return everything that the group has in memory."""
    for chain in group.buffer:
        give_back(state, chain.records[0], 0, reason)
    group.buffer.clear()


def fetch_if_low(state: State, group: Group) -> None:
    """Ask the store for more when the buffer is below its minimum."""
    settings = group.settings
    if group.is_fetching or len(group.buffer) >= settings.minimum_record_buffer:
        return
    if not group.is_running or group.is_paused:
        return
    if state.mono_ms < group.fetch_at_ms:
        state.wake_group_at(group, group.fetch_at_ms)
        return
    campaign = state.campaigns[settings.campaign]
    state.last_fetch_id += 1
    group.fetch_id = state.last_fetch_id
    group.is_fetching = True
    wanted = settings.optimal_record_buffer - len(group.buffer)
    state.emit(
        FetchRecords(
            group.group_id,
            group.fetch_id,
            wanted,
            campaign.lists,
            do_not_call_lists=campaign.do_not_call_lists,
            priorities=order_of(settings),
            with_facts=needs_facts(state, group),
        )
    )
    group.fetch_asked_ms = state.mono_ms
    state.deadlines.arm((Timer.FETCH, group.group_id), state.mono_ms + FETCH_MS_MAX)


def order_of(settings: CampaignGroup) -> tuple[Priority, ...]:
    """What the group is handed out first, to last; equal priorities in the order of `PRIORITIES`."""
    ranks = {
        Priority.CALLBACK: settings.campaign_callback_priority,
        Priority.RESCHEDULED: settings.campaign_rescheduled_priority,
    }
    return tuple(sorted(PRIORITIES, key=lambda each: -ranks.get(each, settings.general_priority)))


def fetched(state: State, event: RecordsFetched) -> None:
    """Chains arrive; those of a late answer are ours all the same and must not be lost."""
    group = state.groups.get(event.group_id)
    if group is None or not group.is_running:
        for chain in event.chains:
            give_back(state, chain.records[0], 0, "the group does not run")
        return
    asked_ms = -1  # nobody knows what a late answer was asked for
    if event.fetch_id == group.fetch_id and group.is_fetching:
        _fetch_over(state, group)
        asked_ms = group.fetch_asked_ms
        group.is_store_away = False
        if event.exhausted:
            pause_ms = FETCH_PAUSE_MS if group.lists_grew else _pause_ms(state, event.next_due_utc_ms)
            group.fetch_at_ms = state.mono_ms + pause_ms
        group.lists_grew = False
    else:
        state.late_events += 1
    room = max(0, group.settings.optimal_record_buffer - len(group.buffer))
    kept: list[Chain] = []
    for place, arrived in enumerate(event.chains[:room]):
        asked = as_asked(arrived, asked_ms)
        # the rest is looked at when it is to be dialed
        dialable = _dialable(state, group, asked) if place - len(kept) < SKIPS_MAX else asked
        if dialable is not None:
            kept.append(dialable)
    group.buffer.extend(kept)
    if event.chains and not kept and (group.hold is None or group.hold[0] is not Hold.WAITING_RECORDS):
        # a list that is closed is passed through, with haste only when somebody waits
        group.fetch_at_ms = max(group.fetch_at_ms, state.mono_ms + FETCH_PAUSE_MS)
    for surplus in event.chains[room:]:
        give_back(state, surplus.records[0], 0, "the buffer is full")
    state.touch(group.group_id)


def as_asked(chain: Chain, asked_ms: Millis) -> Chain:
    """The chain with the instant at which its facts were asked for."""
    if chain.records[0].facts is None:
        return chain
    return Chain(
        tuple(
            record if record.facts is None else replace(record, facts=replace(record.facts, asked_ms=asked_ms))
            for record in chain.records
        )
    )


def _pause_ms(state: State, next_due_utc_ms: int | None) -> Millis:
    if next_due_utc_ms is None:
        return FETCH_POLL_MS
    return min(FETCH_POLL_MS, max(FETCH_PAUSE_MS, next_due_utc_ms - state.utc_ms))


def added(state: State, event: RecordsAdded) -> None:
    """A list has more than was found in it: ask again soon, without haste when it happens again and again."""
    for group in state.groups.values():
        campaign = state.campaigns.get(group.settings.campaign)
        if campaign is None or event.list_id not in dict(campaign.lists):
            continue
        group.lists_grew = group.is_fetching  # what was asked before may not know it
        at_ms = max(state.mono_ms, group.fetch_asked_ms + FETCH_PAUSE_MS)
        if at_ms < group.fetch_at_ms:
            group.fetch_at_ms = at_ms
            state.touch(group.group_id)


def fetch_failed(state: State, event: FetchFailed) -> None:
    """The store could not answer: ask again after a pause."""
    group = state.groups.get(event.group_id)
    if group is not None and event.fetch_id == group.callbacks_fetch_id:
        group.callbacks_fetch_id = 0  # they are asked for again soon enough
        return
    if group is None or event.fetch_id != group.fetch_id or not group.is_fetching:
        state.late_events += 1
        return
    _fetch_over(state, group)
    group.is_store_away = True
    group.fetch_at_ms = state.mono_ms + FETCH_PAUSE_MS
    state.touch(group.group_id)


def deadline(state: State, group_id: GroupId) -> None:
    """The store did not answer in time."""
    group = state.groups.get(group_id)
    if group is not None and group.is_fetching:
        group.is_fetching = False
        group.is_store_away = True
        state.touch(group_id)


def _fetch_over(state: State, group: Group) -> None:
    group.is_fetching = False
    state.deadlines.disarm((Timer.FETCH, group.group_id))


def cancelled(state: State, event: RecordCancelled) -> None:
    """A record must not be dialed any more: take it out of the buffers."""
    for group in state.groups.values():
        if not does_concern(state, group, event):
            continue
        for place, chain in enumerate(group.buffer):
            rest = tuple(record for record in chain.records if record.record_id != event.record_id)
            if len(rest) == len(chain.records) or chain.records[0].list_id != event.list_id:
                continue
            state.emit(CancelRecord(event.list_id, event.record_id, result_of(event)))
            if rest:
                group.buffer[place] = Chain(rest)
            else:
                del group.buffer[place]
            return


def called_elsewhere(state: State, event: NumberCalled) -> None:
    """Whatever has this number in memory has to ask what calls to it have come to, before it is dialed."""
    for group in state.groups.values():
        for place, chain in enumerate(group.buffer):
            if _knows(chain, event.number):
                group.buffer[place] = _without_facts(chain, event.number)
        for record_id, chain in group.callbacks.items():
            group.callbacks[record_id] = _without_facts(chain, event.number)
    for agent in state.agents.values():
        if agent.offer is not None:
            agent.offer = (agent.offer[0], _without_facts(agent.offer[1], event.number))


def _knows(chain: Chain, number: str) -> bool:
    return any(record.number == number and record.facts is not None for record in chain.records)


def _without_facts(chain: Chain, number: str) -> Chain:
    records = (replace(record, facts=None) if record.number == number else record for record in chain.records)
    return Chain(tuple(records)) if _knows(chain, number) else chain


def does_concern(state: State, group: Group, event: RecordCancelled) -> bool:
    """Whether the group's campaign heeds what forbids the record."""
    campaign = state.campaigns.get(group.settings.campaign)
    return not event.forbidden_by or campaign is None or campaign.heeds(event.forbidden_by)


def result_of(event: RecordCancelled) -> CallResult:
    """What the record ends with."""
    return CallResult.DO_NOT_CALL if event.forbidden_by else CallResult.CANCEL_RECORD
