"""Personal callbacks: offered to their agent when both are there, in every mode; to nobody else, and never lost."""

from dataclasses import replace

import pytest

from dialing_story import UTC, Story, chain, dialing_story, group, number_of, treatment
from outdial.core.callback_events import CallbackRequested, CallbacksFetched
from outdial.core.callbacks import GROUP_GRACE_MS
from outdial.core.commands import (
    Dial,
    FetchCallbacks,
    OfferRecord,
    ReleaseEngaging,
    Reply,
    ReturnRecord,
    SettleAttempt,
    TreatRecord,
    WithdrawOffer,
)
from outdial.core.events import (
    DoNotCallAdded,
    FetchFailed,
    PhoneState,
    PreviewAccepted,
    PreviewRejected,
    RecordCancelled,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.records import Chain, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import CallingList, TreatmentAction
from outdial.core.state import FETCH_POLL_MS
from outdial.core.units import DAY_MS, MINUTE_MS, SECOND_MS

WAIT_MS = 30 * MINUTE_MS
A, R = TreatmentAction, CallResult


def personal(story: Story, record_id: int = 9, agent_id: int = 101, *rest: int, due_ms: int = 0) -> Chain:
    """A record that waits for an agent, due since `due_ms` ago."""
    first, *others = chain(record_id, *rest).records
    return Chain(
        (
            replace(
                first,
                record_type=RecordType.PERSONAL_CALLBACK,
                agent_id=agent_id,
                group_id=1,
                scheduled_utc_ms=story.utc_ms - due_ms,
            ),
            *others,
        )
    )


def left_by(story: Story, group_id: int, record_type: RecordType = RecordType.CAMPAIGN_CALLBACK) -> Chain:
    """A callback that its group has left alone for a day."""
    [record] = personal(story, due_ms=DAY_MS).records
    return Chain((replace(record, record_type=record_type, group_id=group_id),))


def due(story: Story, *chains: Chain, next_due_ms: int | None = None) -> Story:
    """The store answers the last question for callbacks."""
    fetch_id = story.state.groups[1].callbacks_fetch_id
    next_due = None if next_due_ms is None else story.utc_ms + next_due_ms
    return story.tell(CallbacksFetched(1, fetch_id, chains, next_due))


def quiet(mode: Mode = Mode.PROGRESSIVE, *, agents: int = 2, ready=None, **rest) -> Story:
    """A running group whose lists are empty."""
    story = dialing_story(group(1, mode, agents=agents), ready=ready, has_records=False, **rest)
    return story


# --- asking -------------------------------------------------------------------------------------------------------


def test_the_store_is_asked_for_those_who_are_there_and_for_what_is_overdue() -> None:
    story = quiet(agents=3, ready=[101])
    story.log_in(103)
    asked = story.advance(FETCH_POLL_MS).said(FetchCallbacks)[-1]
    assert (1, (1,), (101, 103)) == (asked.group_id, asked.lists, asked.agent_ids)
    assert 0 <= story.utc_ms - WAIT_MS - asked.overdue_utc_ms <= FETCH_POLL_MS


def test_the_store_is_asked_when_the_next_one_is_due() -> None:
    story = due(quiet(), next_due_ms=7_000)
    assert [] == story.advance(6_999).said(FetchCallbacks)
    assert 1 == len(story.advance(1).said(FetchCallbacks))


def test_the_store_is_asked_when_an_agent_comes() -> None:
    story = due(quiet(ready=[101]))
    assert 1 == len(story.log_in(102).advance(SECOND_MS).said(FetchCallbacks))


def test_the_store_is_asked_when_one_is_due_that_was_just_promised_and_not_for_others() -> None:
    story = quiet(treatments=[treatment(R.BUSY, A.REDIAL)])
    story.fetched(chain(1))
    [first] = story.said(Dial)
    assert [] == story.ended(first, sip=486).advance(5 * SECOND_MS).said(FetchCallbacks), "a redial is for anybody"
    story.fetched(chain(2))
    [second] = story.said(Dial)
    story.person_answers(second)
    story.agent_takes(second).tell(CallbackRequested(1, 101, story.utc_ms + 7_000, personal=True))
    assert story.said(Reply)[-1].ok
    story.ended(second, cause=16)
    assert [] == story.advance(6_900).said(FetchCallbacks)
    assert 1 == len(story.advance(100).said(FetchCallbacks))


def test_a_store_that_fails_is_asked_again() -> None:
    story = quiet()
    story.tell(FetchFailed(1, story.state.groups[1].callbacks_fetch_id, "away"))
    assert 1 == len(story.advance(FETCH_POLL_MS).said(FetchCallbacks))


def test_a_group_that_does_not_run_asks_nobody_and_gives_back() -> None:
    story = quiet(ready=[])
    due(story, personal(story)).log_in(101)
    due(story, personal(story, 10))
    assert [10] == [each.record_id for each in story.stop(1).said(ReturnRecord)]
    assert [] == story.advance(10 * MINUTE_MS).said(FetchCallbacks)
    late = story.tell(CallbacksFetched(1, 1, (personal(story, 11),)))
    assert [11] == [each.record_id for each in late.said(ReturnRecord)]


# --- offering -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [mode for mode in Mode if mode is not Mode.POWER_GVP and not mode.is_seizing])
def test_a_callback_is_offered_to_its_agent_and_dialed_with_the_agent_on_the_line(mode: Mode) -> None:
    story = quiet(mode)
    offer = due(story, personal(story, 9, 102)).the(OfferRecord)
    assert (102, 1, 9) == (offer.agent_id, offer.group_id, offer.record.record_id)
    dial = story.tell(PreviewAccepted(102)).the(Dial)
    assert (102, number_of(9), False) == (dial.agent_id, dial.number, dial.call_progress_detection)
    assert [] == [each for each in story.ever(Dial) if each.agent_id not in (None, 102)]
    story.accepted(dial).answered(dial).advance(SECOND_MS)
    assert R.ANSWER is story.ended(dial, cause=16).the(SettleAttempt).call_result


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING])
def test_an_agent_who_is_held_on_the_line_is_let_go_for_it(mode: Mode) -> None:
    story = quiet(mode, agents=1)
    [leg] = story.engages.values()
    story.engaged(leg)
    assert leg.call_id == due(story, personal(story)).the(ReleaseEngaging).call_id
    assert 9 == story.leg_ended(leg).the(OfferRecord).record.record_id


def test_it_waits_until_its_agent_is_free_and_nobody_else_gets_it() -> None:
    story = quiet()
    story.agent_not_ready(101)
    assert [] == due(story, personal(story)).said(OfferRecord)
    assert [] == story.advance(MINUTE_MS).said(OfferRecord)
    assert 101 == story.agent_ready(101).the(OfferRecord).agent_id


def test_one_after_the_other() -> None:
    story = quiet()
    due(story, personal(story, 8), personal(story, 9))
    assert [8] == [each.record.record_id for each in story.ever(OfferRecord)]
    dial = story.tell(PreviewAccepted(101)).the(Dial)
    story.accepted(dial).answered(dial).advance(SECOND_MS).ended(dial, cause=16)
    assert 9 == story.agent_ready(101).the(OfferRecord).record.record_id


def test_an_agent_who_does_not_decide_is_asked_again_when_ready() -> None:
    story = quiet()
    due(story, personal(story))
    story.advance(story.state.groups[1].settings.preview_ms_max)
    assert 1 == len(story.said(WithdrawOffer))
    assert [(9, 0)] == [(each.record_id, each.not_before_utc_ms) for each in story.said(ReturnRecord)]
    assert 1 == len(story.advance(5 * SECOND_MS).said(FetchCallbacks))
    assert [] == due(story, personal(story)).said(OfferRecord)
    assert 9 == story.agent_ready(101).the(OfferRecord).record.record_id


def test_an_accepted_one_that_cannot_be_dialed_is_not_offered_over_and_over() -> None:
    story = quiet()
    due(story, personal(story))
    story.drain(1).tell(PreviewAccepted(101))
    assert [9] == [each.record_id for each in story.said(ReturnRecord)]
    assert [] == story.said(OfferRecord)


def test_an_agent_who_leaves_takes_it_off_the_desk_and_it_goes_back() -> None:
    story = quiet()
    due(story, personal(story))
    assert [(9, 0)] == [(each.record_id, each.not_before_utc_ms) for each in story.log_out(101).said(ReturnRecord)]


# --- what cannot be -----------------------------------------------------------------------------------------------


def test_without_its_agent_it_becomes_the_groups() -> None:
    story = quiet(ready=[101])
    treated = due(story, personal(story, 9, 102, due_ms=WAIT_MS)).the(TreatRecord)
    assert (9, R.AGENT_CALLBACK_ERROR) == (treated.record_id, treated.call_result)
    assert (A.ASSIGN_TO_GROUP, 1) == (treated.disposition.action, treated.disposition.group_id)


def test_without_its_agent_it_is_treated_as_the_list_says() -> None:
    rules = [treatment(R.AGENT_CALLBACK_ERROR, A.RETRY_IN, 5 * MINUTE_MS)]
    story = quiet(ready=[101], treatments=rules)
    treated = due(story, personal(story, 9, 102, due_ms=WAIT_MS)).the(TreatRecord)
    assert (A.RETRY_IN, story.utc_ms + 5 * MINUTE_MS) == (
        treated.disposition.action,
        treated.disposition.not_before_utc_ms,
    )
    used_up = personal(story, 9, 102, due_ms=WAIT_MS)
    history = treated.disposition.history
    again = Chain((replace(used_up.records[0], history=history),))
    assert A.DONE is due(story, again).the(TreatRecord).disposition.action


def test_redial_waits_for_the_agent_anew() -> None:
    story = quiet(ready=[101], treatments=[treatment(R.AGENT_CALLBACK_ERROR, A.REDIAL)])
    treated = due(story, personal(story, 9, 102, due_ms=WAIT_MS)).the(TreatRecord)
    assert story.utc_ms == treated.disposition.not_before_utc_ms


def test_an_agent_on_a_break_is_waited_for_and_no_longer_than_that() -> None:
    story = quiet()
    story.agent_not_ready(101)
    due(story, personal(story))
    assert [] == story.advance(WAIT_MS - 1).said(TreatRecord)
    assert 1 == len(story.advance(SECOND_MS).said(TreatRecord))


def test_an_agent_in_a_call_is_waited_for_however_long_it_takes() -> None:
    story = quiet()
    due(story, personal(story, 8))
    dial = story.tell(PreviewAccepted(101)).the(Dial)
    story.accepted(dial).answered(dial)
    due(story, personal(story, 9))
    assert [] == story.advance(2 * WAIT_MS).said(TreatRecord)
    story.ended(dial, cause=16)
    assert 9 == story.agent_ready(101).the(OfferRecord).record.record_id


def test_who_declines_leaves_it_to_the_group() -> None:
    story = quiet()
    due(story, personal(story))
    treated = story.tell(PreviewRejected(101)).the(TreatRecord)
    assert A.ASSIGN_TO_GROUP is treated.disposition.action


# --- callbacks that their own group has left ----------------------------------------------------------------------


def test_a_group_that_has_run_for_a_while_asks_for_what_others_have_left() -> None:
    story = dialing_story(group(1), group(2), group(3), has_records=False)
    assert {(0, ())} == {(each.left_utc_ms, each.running_ids) for each in story.ever(FetchCallbacks)}
    story.stop(2).advance(GROUP_GRACE_MS)
    asked = [each for each in story.said(FetchCallbacks) if each.group_id == 1][-1]
    assert (1, 3) == asked.running_ids, "groups that run look after theirs"
    assert 0 <= story.utc_ms - DAY_MS - asked.left_utc_ms <= FETCH_POLL_MS
    story.start(2).advance(FETCH_POLL_MS)
    asked = [each for each in story.said(FetchCallbacks) if each.group_id == 2][-1]
    assert (0, ()) == (asked.left_utc_ms, asked.running_ids), "the others may be about to start, too"


@pytest.mark.parametrize("record_type", [RecordType.CAMPAIGN_CALLBACK, RecordType.PERSONAL_CALLBACK])
def test_what_another_group_has_left_is_this_groups_from_now_on(record_type: RecordType) -> None:
    story = quiet()
    left = due(story, left_by(story, 7, record_type))
    treated = left.the(TreatRecord)
    assert (9, R.GROUP_CALLBACK_ERROR) == (treated.record_id, treated.call_result)
    assert (A.ASSIGN_TO_GROUP, 1) == (treated.disposition.action, treated.disposition.group_id)
    assert [] == left.said(OfferRecord) + left.said(Dial), "it is claimed like any other of the group's"
    assert story.state.groups[1].fetch_at_ms <= story.mono_ms


def test_what_another_group_has_left_is_treated_as_the_list_says() -> None:
    story = quiet(treatments=[treatment(R.GROUP_CALLBACK_ERROR, A.REDIAL)])
    treated = due(story, left_by(story, 7)).the(TreatRecord)
    assert (A.REDIAL, story.utc_ms) == (treated.disposition.action, treated.disposition.not_before_utc_ms)
    used_up = Chain((replace(left_by(story, 7).records[0], history=treated.disposition.history),))
    assert A.DONE is due(story, used_up).the(TreatRecord).disposition.action


# --- what else cannot be ------------------------------------------------------------------------------------------


def test_outside_of_the_calling_hours_it_comes_back_when_they_begin() -> None:
    hours = CallingList(1, "list", UTC, daily_from_s=13 * 3_600, daily_till_s=20 * 3_600)
    story = quiet(calling_list=hours)
    returned = due(story, personal(story)).the(ReturnRecord)
    assert 3_600_000 - SECOND_MS == returned.not_before_utc_ms - story.utc_ms
    assert [] == story.said(OfferRecord)


def test_a_forbidden_number_is_finished_and_the_rest_of_the_chain_goes_back() -> None:
    story = quiet()
    story.tell(DoNotCallAdded(number_of(9)))
    due(story, personal(story, 9, 101, 10))
    assert [10] == [each.record_id for each in story.said(ReturnRecord)]
    assert [] == story.said(OfferRecord)


def test_a_number_in_a_call_is_tried_again_later() -> None:
    story = quiet()
    due(story, personal(story, 9), Chain((replace(personal(story, 10, 102).records[0], number=number_of(9)),)))
    assert [9] == [each.record.record_id for each in story.said(OfferRecord)]
    assert [10] == [each.record_id for each in story.advance(FETCH_POLL_MS).said(ReturnRecord)]


def test_a_cancelled_one_is_finished() -> None:
    story = quiet()
    story.agent_not_ready(101)
    due(story, personal(story))
    story.tell(RecordCancelled(1, 9))
    assert [] == story.agent_ready(101).said(OfferRecord)


def test_a_phone_that_is_gone_for_good_does_not_keep_it_for_ever() -> None:
    story = quiet()
    story.phone(101, PhoneState.UNREACHABLE)
    due(story, personal(story))
    assert 1 == len(story.advance(WAIT_MS + SECOND_MS).said(TreatRecord))
