"""The next record to dial: from the group's buffer, past everything that may not be dialed, never twice.

The buffer is bounded: it is filled up to the optimal record buffer when it falls below the minimum. Records that may
not be dialed now go back to their list with the instant from which they may; records that may never be are finished.
"""

from outdial.core.commands import CancelRecord, FetchRecords, ReturnRecord
from outdial.core.compliance import may_dial
from outdial.core.deadlines import Timer
from outdial.core.events import FetchFailed, RecordCancelled, RecordsFetched
from outdial.core.groups import Group
from outdial.core.records import PRIORITIES, Chain, Priority, Record
from outdial.core.results import CallResult
from outdial.core.settings import CampaignGroup
from outdial.core.state import FETCH_POLL_MS, State
from outdial.core.units import SECOND_MS, GroupId, Millis

FETCH_MS_MAX: Millis = 10 * SECOND_MS
"""Longest wait for the store before it is asked again. Unit: ms. Ours."""
FETCH_PAUSE_MS: Millis = SECOND_MS
"""Shortest pause between two looks at lists that had nothing due. Unit: ms. Ours."""
SKIPS_MAX = 200
"""Records that one look may pass over; bounds the work of a step. Ours."""
NUMBER_BUSY_MS: Millis = 60 * SECOND_MS
"""A record whose number is in another call is tried again after this. Unit: ms. Ours."""


def take_next(state: State, group: Group) -> Chain | None:
    """Take the next chain whose first record may be dialed now. None: there is none in memory."""
    buffer = group.buffer
    for _ in range(SKIPS_MAX):
        if not buffer:
            return None
        chain = buffer.popleft()
        record = chain.records[0]
        rules = state.lists.get(record.list_id)
        if rules is None:
            give_back(state, record, 0, "its calling list left the configuration")
            continue
        refusal = may_dial(record, rules.settings, state.utc_ms, state.do_not_call)
        if refusal is None:
            if record.number not in state.numbers:
                return chain
            give_back(state, record, state.utc_ms + NUMBER_BUSY_MS, "its number is in another call")
        elif refusal.not_before_utc_ms is None:
            state.emit(CancelRecord(record.list_id, record.record_id, CallResult.DO_NOT_CALL))
            if len(chain.records) > 1:
                buffer.appendleft(Chain(chain.records[1:]))
        else:
            give_back(state, record, refusal.not_before_utc_ms, refusal.text)
    state.wake_group_at(group, state.mono_ms)  # the rest is looked at in the next step
    return None


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
    if group.is_fetching or len(group.buffer) >= settings.minimum_record_buffer or not group.is_running:
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
        )
    )
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
    if event.fetch_id == group.fetch_id and group.is_fetching:
        _fetch_over(state, group)
        group.is_store_away = False
        if event.exhausted:
            group.fetch_at_ms = state.mono_ms + _pause_ms(state, event.next_due_utc_ms)
    else:
        state.late_events += 1
    room = max(0, group.settings.optimal_record_buffer - len(group.buffer))
    group.buffer.extend(event.chains[:room])
    for chain in event.chains[room:]:
        give_back(state, chain.records[0], 0, "the buffer is full")
    state.touch(group.group_id)


def _pause_ms(state: State, next_due_utc_ms: int | None) -> Millis:
    if next_due_utc_ms is None:
        return FETCH_POLL_MS
    return min(FETCH_POLL_MS, max(FETCH_PAUSE_MS, next_due_utc_ms - state.utc_ms))


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


def does_concern(state: State, group: Group, event: RecordCancelled) -> bool:
    """Whether the group's campaign heeds what forbids the record."""
    campaign = state.campaigns.get(group.settings.campaign)
    return not event.forbidden_by or campaign is None or campaign.heeds(event.forbidden_by)


def result_of(event: RecordCancelled) -> CallResult:
    """What the record ends with."""
    return CallResult.DO_NOT_CALL if event.forbidden_by else CallResult.CANCEL_RECORD
