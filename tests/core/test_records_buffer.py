"""Records in memory: fetched in time, given back whole, never lost and never dialed twice."""

from dataclasses import replace

import pytest

from dialing_story import (
    NOON_MS,
    UTC,
    Story,
    chain,
    configuration,
    dialing_story,
    group,
    number_of,
    treatment,
    with_group,
)
from outdial.core.callable_records import FETCH_MS_MAX, NUMBER_BUSY_MS, SKIPS_MAX
from outdial.core.commands import CancelRecord, Dial, FetchRecords, ReturnRecord, SettleAttempt
from outdial.core.events import (
    DoNotCallAdded,
    FetchFailed,
    GroupStartRequested,
    RecordCancelled,
    RecordsAdded,
    RecordsFetched,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.records import Chain
from outdial.core.results import CallResult
from outdial.core.settings import CallingList, TreatmentAction
from outdial.core.state import FETCH_POLL_MS
from outdial.core.units import MINUTE_MS, SECOND_MS

HOUR_MS = 60 * MINUTE_MS


def empty(**settings: object) -> Story:
    """A running group with a ready agent, whose store does not answer by itself."""
    return dialing_story(group(1, **settings), has_records=False)


def buffered(story: Story) -> list[int]:
    """Records in memory, first of each chain."""
    return [each.records[0].record_id for each in story.state.groups[1].buffer]


# --- fetching -----------------------------------------------------------------------------------------------------


def test_started_group_asks_for_its_optimal_number_of_chains() -> None:
    story = empty(minimum_record_buffer=10, optimal_record_buffer=40)
    fetch = story.ever(FetchRecords)[0]
    assert (1, 40, ((1, 10),)) == (fetch.group_id, fetch.chains_max, fetch.lists)
    assert ("waiting for records: fetching",) == story.group().holds


def test_group_asks_again_below_its_minimum_and_only_for_what_is_missing() -> None:
    story = dialing_story(group(1, agents=9, minimum_record_buffer=3, optimal_record_buffer=5), ready=[])
    assert 5 == story.group().buffered_chains
    story.has_records = False
    assert [] == story.agent_ready(101, 102).said(FetchRecords), "three are left"
    fetch = story.agent_ready(103).the(FetchRecords)
    assert 3 == fetch.chains_max
    assert [] == story.agent_ready(104).said(FetchRecords), "one question at a time"


def test_group_that_does_not_run_asks_for_nothing() -> None:
    story = Story(configuration(group(1)), has_records=False)
    assert [] == story.agent_ready(101).ever(FetchRecords)


def test_records_are_fetched_before_agents_sign_in() -> None:
    assert 200 == dialing_story(group(1), ready=[]).group().buffered_chains


def test_silent_store_is_asked_again() -> None:
    story = empty()
    first = story.ever(FetchRecords)[0]
    asked_ms = story.mono_ms - SECOND_MS
    assert [] == story.advance(asked_ms + FETCH_MS_MAX - story.mono_ms - 1).said(FetchRecords)
    second = story.advance(1).the(FetchRecords)
    assert second.fetch_id > first.fetch_id


def test_store_that_has_not_come_to_the_end_of_its_look_is_asked_again_at_once() -> None:
    """As with an order by columns: a part of the list for each question."""
    story = empty()
    first = story.ever(FetchRecords)[0]
    again = story.tell(RecordsFetched(1, first.fetch_id, (), exhausted=False)).the(FetchRecords)
    assert again.fetch_id > first.fetch_id


def test_late_answer_is_used_all_the_same() -> None:
    """Its records are marked as in use by this server: nobody else would ever dial them."""
    story = empty()
    first = story.ever(FetchRecords)[0]
    story.advance(FETCH_MS_MAX)
    story.tell(RecordsFetched(1, first.fetch_id, (chain(1), chain(2))))
    assert [number_of(1)] == [each.number for each in story.said(Dial)]
    story.fetched(chain(3))
    assert [2, 3] == buffered(story)


def test_answer_after_the_stop_goes_back() -> None:
    story = empty()
    fetch = story.ever(FetchRecords)[0]
    story.stop(1)
    story.tell(RecordsFetched(1, fetch.fetch_id, (chain(1, 2), chain(3))))
    assert [(1, "the group does not run"), (3, "the group does not run")] == [
        (each.record_id, each.reason) for each in story.said(ReturnRecord)
    ]


def test_answer_for_an_unknown_group_goes_back() -> None:
    story = empty()
    assert [7] == [each.record_id for each in story.tell(RecordsFetched(99, 1, (chain(7),))).said(ReturnRecord)]


def test_answer_of_the_time_before_a_restart_is_used() -> None:
    story = empty()
    fetch = story.ever(FetchRecords)[0]
    story.stop(1).start(1)
    story.tell(RecordsFetched(1, fetch.fetch_id, (chain(1),)))
    assert [1] == [each.record_id for each in story.said(Dial)]


def test_more_than_fits_goes_back() -> None:
    story = dialing_story(group(1, minimum_record_buffer=1, optimal_record_buffer=3), ready=[], has_records=False)
    story.fetched(*(chain(number) for number in range(1, 6)))
    assert [1, 2, 3] == buffered(story)
    assert [(4, "the buffer is full"), (5, "the buffer is full")] == [
        (each.record_id, each.reason) for each in story.said(ReturnRecord)
    ]


def test_smaller_buffer_gives_back_what_does_not_fit() -> None:
    story = dialing_story(group(1, minimum_record_buffer=5, optimal_record_buffer=20), ready=[], has_records=False)
    story.fetched(*(chain(number) for number in range(1, 21)))
    story.load(with_group(story.configuration, 1, minimum_record_buffer=2, optimal_record_buffer=4))
    story.fetched(*(chain(number) for number in range(31, 51)))
    assert 20 >= story.group().buffered_chains
    returned = [each.record_id for each in story.ever(ReturnRecord)]
    assert set(range(31, 51)) <= set(returned)


# --- exhausted lists ----------------------------------------------------------------------------------------------


def test_exhausted_lists_are_polled() -> None:
    story = empty()
    story.fetched(exhausted=True)
    assert ("waiting for records: the lists have nothing due",) == story.group().holds
    assert [] == story.advance(FETCH_POLL_MS - 1).said(FetchRecords)
    assert 1 == len(story.advance(1).said(FetchRecords))


@pytest.mark.parametrize(
    "due_in_ms, asked_in_ms", [(7_000, 7_000), (HOUR_MS, FETCH_POLL_MS), (0, 1_000), (-5_000, 1_000)]
)
def test_next_record_that_becomes_due_is_fetched_in_time(due_in_ms: int, asked_in_ms: int) -> None:
    story = empty()
    story.fetched(exhausted=True, next_due_utc_ms=story.utc_ms + due_in_ms)
    assert [] == story.advance(asked_in_ms - 1).said(FetchRecords)
    assert 1 == len(story.advance(1).said(FetchRecords))


def test_records_that_were_added_are_fetched_soon_and_without_haste() -> None:
    story = empty()
    story.fetched(exhausted=True)
    story.advance(5_000)
    assert [] == story.tell(RecordsAdded(99)).said(FetchRecords), "a list of others"
    assert 1 == len(story.tell(RecordsAdded(1)).said(FetchRecords))
    story.fetched(exhausted=True)
    assert [] == story.tell(*[RecordsAdded(1)] * 9).said(FetchRecords), "it was asked a moment ago"
    assert [] == story.advance(999).said(FetchRecords)
    assert 1 == len(story.advance(1).said(FetchRecords))


def test_records_that_were_added_while_the_store_was_asked_are_not_forgotten() -> None:
    story = empty()
    story.tell(RecordsAdded(1))
    story.fetched(exhausted=True)
    assert 1 == len(story.advance(1_000).said(FetchRecords))
    story.fetched(exhausted=True)
    assert [] == story.advance(FETCH_POLL_MS - 1).said(FetchRecords), "once is enough"


def test_record_to_be_tried_again_soon_is_fetched_when_it_is_due() -> None:
    retry = treatment(CallResult.BUSY, TreatmentAction.RETRY_IN, 5_000)
    story = dialing_story(group(1), treatments=[retry], has_records=False)
    dial = story.fetched(chain(1), exhausted=True).the(Dial)
    story.accepted(dial)
    story.ended(dial, sip=486)
    assert [] == story.advance(4_999).said(FetchRecords)
    assert 1 == len(story.advance(1).said(FetchRecords)), "not at the next poll"


def test_failed_store_is_asked_again_after_a_pause() -> None:
    story = empty()
    fetch = story.ever(FetchRecords)[0]
    assert [] == story.tell(FetchFailed(1, fetch.fetch_id, "down")).said(FetchRecords)
    assert ("waiting for records: the record store does not answer",) == story.group().holds
    assert [] == story.advance(999).said(FetchRecords)
    assert 1 == len(story.advance(1).said(FetchRecords))
    story.fetched(exhausted=True)
    assert ("waiting for records: the lists have nothing due",) == story.group().holds


def test_old_failures_are_late() -> None:
    story = empty()
    fetch = story.ever(FetchRecords)[0]
    story.fetched(chain(1))
    late = story.dialer.snapshot().late_events
    story.tell(FetchFailed(1, fetch.fetch_id, "down"), FetchFailed(99, 1, "down"))
    assert late + 2 == story.dialer.snapshot().late_events


def test_store_that_is_down_lets_the_group_dial_what_is_in_memory() -> None:
    story = dialing_story(group(1, agents=3), ready=[], has_records=False)
    story.fetched(chain(1), chain(2))
    assert [1, 2] == [each.record_id for each in story.agent_ready(101, 102, 103).said(Dial)]
    assert ("waiting for records: fetching",) == story.group().holds


# --- what may not be dialed ---------------------------------------------------------------------------------------


def test_do_not_call_number_is_finished_and_passed_over() -> None:
    story = dialing_story(group(1), has_records=False, do_not_call=[number_of(1)])
    story.fetched(chain(1), chain(2))
    assert [CancelRecord(1, 1, CallResult.DO_NOT_CALL)] == story.said(CancelRecord)
    assert [2] == [each.record_id for each in story.said(Dial)]


def test_do_not_call_number_may_be_added_at_any_time() -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1), chain(2)).tell(DoNotCallAdded(number_of(1)))
    assert [2] == [each.record_id for each in story.agent_ready(101).said(Dial)]


def test_rest_of_the_chain_is_tried_when_its_first_number_is_do_not_call() -> None:
    story = dialing_story(group(1), has_records=False, do_not_call=[number_of(1)])
    story.fetched(chain(1, 2))
    assert [CancelRecord(1, 1, CallResult.DO_NOT_CALL)] == story.said(CancelRecord)
    assert [2] == [each.record_id for each in story.said(Dial)]


def forbidden(record_id: int) -> Chain:
    """A chain whose record the store has found on a list."""
    [record] = chain(record_id).records
    return Chain((replace(record, do_not_call="national"),))


def test_a_record_that_the_store_has_found_on_a_list_is_finished_and_passed_over() -> None:
    story = empty()
    story.fetched(forbidden(1), chain(2))
    assert [CancelRecord(1, 1, CallResult.DO_NOT_CALL)] == story.said(CancelRecord)
    assert [2] == [each.record_id for each in story.said(Dial)]


def test_a_record_in_memory_that_comes_onto_a_list_is_finished() -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1, 2), chain(3)).tell(RecordCancelled(1, 1, "national"))
    assert [CancelRecord(1, 1, CallResult.DO_NOT_CALL)] == story.said(CancelRecord)
    assert [2, 3] == buffered(story)


@pytest.mark.parametrize("list_name, is_heeded", [("national", False), ("seller-b", True), ("internal", True)])
def test_a_campaign_heeds_the_lists_it_names_and_the_internal_one(list_name: str, is_heeded: bool) -> None:
    settings = configuration(group(1))
    [campaign] = settings.campaigns
    named = replace(settings, campaigns=(replace(campaign, do_not_call_lists=("seller-b",)),))
    story = dialing_story(group(1), ready=[], has_records=False)
    story.load(named)
    story.fetched(chain(1), chain(2)).tell(RecordCancelled(1, 1, list_name))
    assert buffered(story) == ([2] if is_heeded else [1, 2])


def test_the_store_is_told_which_lists_count() -> None:
    settings = configuration(group(1))
    named = replace(settings, campaigns=(replace(settings.campaigns[0], do_not_call_lists=("seller-b",)),))
    story = Story(named, has_records=False)
    story.tell(GroupStartRequested(1, 1))
    assert ("seller-b",) == story.ever(FetchRecords)[-1].do_not_call_lists


def test_record_outside_its_hours_goes_back_until_they_open() -> None:
    hours = CallingList(1, "list", UTC, daily_from_s=13 * 3_600, daily_till_s=17 * 3_600)
    story = dialing_story(group(1), calling_list=hours, has_records=False)
    story.fetched(chain(1, 2), chain(3, daily_from_s=8 * 3_600))
    [returned] = story.said(ReturnRecord)
    one = NOON_MS + HOUR_MS - NOON_MS % HOUR_MS
    assert (1, one) == (returned.record_id, returned.not_before_utc_ms)
    assert "calling hours 13:00:00 to 17:00:00, now 12:00:01 (UTC)" == returned.reason
    assert [3] == [each.record_id for each in story.said(Dial)], "it has hours of its own"


def test_number_in_another_call_goes_back_for_a_while() -> None:
    story = dialing_story(group(1, agents=2), has_records=False)
    story.fetched(chain(1), chain(2, number=number_of(1)), chain(3))
    [returned] = story.said(ReturnRecord)
    assert (2, story.utc_ms + NUMBER_BUSY_MS, "its number is in another call") == (
        returned.record_id,
        returned.not_before_utc_ms,
        returned.reason,
    )
    assert [1, 3] == [each.record_id for each in story.said(Dial)]


def test_number_is_free_again_when_its_call_is_settled() -> None:
    story = empty()
    first = story.fetched(chain(1)).the(Dial)
    story.accepted(first)
    story.ended(first, sip=486)
    assert [2] == [each.record_id for each in story.fetched(chain(2, number=number_of(1))).said(Dial)]


def test_one_look_passes_over_a_bounded_number_of_records() -> None:
    numbers = range(1, SKIPS_MAX + 51)
    story = dialing_story(group(1, optimal_record_buffer=400), ready=[], has_records=False)
    story.fetched(*(chain(number) for number in numbers), chain(999))
    for number in numbers:
        story.tell(DoNotCallAdded(number_of(number)))
    assert SKIPS_MAX == len(story.agent_ready(101).said(CancelRecord))
    assert [999] == [each.record_id for each in story.advance(SECOND_MS).said(Dial)], "the next look finds it soon"


def test_what_arrives_and_may_not_be_dialed_does_not_stay_in_memory() -> None:
    story = dialing_story(group(1), ready=[], has_records=False, do_not_call=[number_of(1), number_of(3)])
    story.fetched(chain(1), chain(2), chain(3, 4))
    assert [2, 4] == buffered(story)
    assert [1, 3] == [each.record_id for each in story.said(CancelRecord)]


@pytest.mark.parametrize("ready, pause_ms", [([], SECOND_MS), (None, 0)])
def test_closed_list_is_passed_through_with_haste_only_when_somebody_waits(ready, pause_ms) -> None:
    closed = CallingList(1, "list", UTC, 14 * 3_600, 20 * 3_600)
    story = dialing_story(group(1), ready=ready, has_records=False, calling_list=closed)
    fetches = story.fetched(chain(1), chain(2)).said(FetchRecords)
    assert [1, 2] == [each.record_id for each in story.said(ReturnRecord)]
    assert (pause_ms == 0) == bool(fetches)
    assert 1 == len(fetches or story.advance(pause_ms).said(FetchRecords))


def test_arrival_passes_over_a_bounded_number_of_records() -> None:
    numbers = range(1, SKIPS_MAX + 51)
    forbidden = [number_of(each) for each in numbers]
    story = dialing_story(group(1, optimal_record_buffer=400), ready=[], has_records=False, do_not_call=forbidden)
    story.fetched(*(chain(number) for number in numbers), chain(999))
    assert SKIPS_MAX == len(story.said(CancelRecord))
    assert [*numbers[SKIPS_MAX:], 999] == buffered(story), "the rest is looked at when it is to be dialed"


def test_record_of_a_list_that_left_goes_back() -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1, list_id=5), chain(2))
    assert ["its calling list left the configuration"] == [each.reason for each in story.said(ReturnRecord)]
    assert [2] == [each.record_id for each in story.agent_ready(101).said(Dial)]


@pytest.mark.parametrize(
    "cancelled, rest",
    [(1, [[2, 3], [4]]), (2, [[1, 3], [4]]), (3, [[1, 2], [4]]), (4, [[1, 2, 3]]), (9, [[1, 2, 3], [4]])],
)
def test_cancelled_record_leaves_memory(cancelled: int, rest: list[list[int]]) -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1, 2, 3), chain(4))
    story.tell(RecordCancelled(1, cancelled))
    assert rest == [[each.record_id for each in one.records] for one in story.state.groups[1].buffer]
    expected = [] if cancelled == 9 else [CancelRecord(1, cancelled, CallResult.CANCEL_RECORD)]
    assert expected == story.said(CancelRecord)


def test_record_of_another_list_with_the_same_number_is_not_cancelled() -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1)).tell(RecordCancelled(2, 1))
    assert [1] == buffered(story)


def test_record_that_is_being_dialed_is_not_cancelled() -> None:
    story = empty()
    dial = story.fetched(chain(1)).the(Dial)
    assert [] == story.tell(RecordCancelled(1, 1)).said(CancelRecord)
    assert "requested" == story.call_state(dial)


# --- chains and treatments ----------------------------------------------------------------------------------------


def test_next_number_of_the_chain_is_named_in_the_settlement() -> None:
    following = treatment(CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN)
    story = dialing_story(group(1), treatments=[following], has_records=False)
    dial = story.fetched(chain(1, 2)).the(Dial)
    story.accepted(dial)
    disposition = story.ended(dial, sip=480).the(SettleAttempt).disposition
    assert (TreatmentAction.NEXT_IN_CHAIN, 2) == (disposition.action, disposition.next_record_id)


def test_attempts_are_numbered_over_the_life_of_the_record() -> None:
    story = empty()
    dial = story.fetched(chain(1, attempts=4)).the(Dial)
    story.accepted(dial)
    assert 5 == story.ended(dial, sip=486).the(SettleAttempt).attempt_n


def test_groups_of_one_campaign_have_buffers_of_their_own() -> None:
    story = dialing_story(
        group(1), group(2, Mode.POWER_GVP, agents=0, maximum_queue_size=1), ready=[], has_records=False
    )
    story.fetched(chain(1), number=1)
    assert (1, 0) == (story.group(1).buffered_chains, story.group(2).buffered_chains)
    assert [2] == [each.group_id for each in story.fetched(chain(2), number=2).said(Dial)]
