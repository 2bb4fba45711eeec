"""What agents say of their calls, during them and after them."""

import pytest

from dialing_story import Story, chain, dialing_story, group, number_of, treatment
from outdial.core.callback_events import CallbackRequested, DispositionGiven
from outdial.core.commands import Dial, DisposeRecord, ForbidNumber, Reply, SettleAttempt
from outdial.core.records import RecordType
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.units import DAY_MS, MINUTE_MS, SECOND_MS

A, R = TreatmentAction, CallResult
WRONG = treatment(R.WRONG_NUMBER, A.NEXT_IN_CHAIN)
AGAIN = treatment(R.ANSWER, A.RETRY_IN, 60 * MINUTE_MS)


def talking(*treatments, records: tuple[int, ...] = (1, 2)) -> Story:
    """Agent 101 talks to the customer of record 1."""
    story = dialing_story(group(1), has_records=False, treatments=treatments)
    story.fetched(chain(*records))
    dial = story.the(Dial)
    story.person_answers(dial)
    return story.agent_takes(dial).advance(30 * SECOND_MS)


def over(*treatments) -> Story:
    """The conversation has ended; agent 101 is in after-call work."""
    story = talking(*treatments)
    return story.ended(story.ever(Dial)[0], cause=16)


def said(result: CallResult, agent_id: int = 101, **rest) -> DispositionGiven:
    return DispositionGiven(7, agent_id, result, **rest)


def callback(story: Story, ahead_ms: int = 60 * MINUTE_MS, *, personal: bool = True, **rest) -> CallbackRequested:
    return CallbackRequested(7, 101, story.utc_ms + ahead_ms, personal, **rest)


# --- dispositions -------------------------------------------------------------------------------------------------


def test_during_the_call_the_settlement_follows_the_agents_word() -> None:
    story = talking(WRONG)
    assert story.tell(said(R.WRONG_NUMBER)).the(Reply).ok
    settled = story.ended(story.ever(Dial)[0], cause=16).the(SettleAttempt)
    assert (R.ANSWER, A.NEXT_IN_CHAIN, 2) == (
        settled.call_result,
        settled.disposition.action,
        settled.disposition.next_record_id,
    )
    word = story.the(DisposeRecord)
    assert (R.WRONG_NUMBER, 1, 1, 101) == (word.call_result, word.record_id, word.attempt_n, word.agent_id)
    assert settled.disposition == word.disposition


def test_in_after_call_work_the_record_is_changed_as_if_the_call_had_ended_so() -> None:
    story = over(WRONG, AGAIN)
    assert A.RETRY_IN is story.the(SettleAttempt).disposition.action
    word = story.tell(said(R.WRONG_NUMBER, note="moved away")).the(DisposeRecord)
    assert (A.NEXT_IN_CHAIN, 2, ((R.WRONG_NUMBER, 1),)) == (
        word.disposition.action,
        word.disposition.next_record_id,
        word.disposition.history,
    )
    assert ("moved away", story.utc_ms) == (word.note, word.given_utc_ms)


def test_the_last_word_counts() -> None:
    story = talking()
    story.tell(said(R.WRONG_NUMBER)).tell(said(R.WRONG_PARTY))
    assert R.WRONG_PARTY is story.ended(story.ever(Dial)[0], cause=16).the(DisposeRecord).call_result
    first = story.ever(DisposeRecord)[-1].disposition_n
    assert first + 1 == story.tell(said(R.ANSWER)).the(DisposeRecord).disposition_n


def test_do_not_call_forbids_the_number_at_once() -> None:
    story = talking(treatment(R.DO_NOT_CALL, A.REDIAL))
    assert number_of(1) == story.tell(said(R.DO_NOT_CALL)).the(ForbidNumber).number
    assert number_of(1) in story.state.do_not_call
    settled = story.ended(story.ever(Dial)[0], cause=16).the(SettleAttempt)
    assert A.DONE is settled.disposition.action, "no treatment dials it again"


@pytest.mark.parametrize("call_id", [None, 1])
def test_a_call_is_meant_by_its_number_or_as_the_agents_own(call_id) -> None:
    assert talking().tell(said(R.ANSWER, call_id=call_id)).the(Reply).ok
    assert over().tell(said(R.ANSWER, call_id=call_id)).the(Reply).ok


@pytest.mark.parametrize(
    "event, code, text",
    [
        (said(R.ABANDONED), "invalid_request", "ABANDONED is not for agents to say; allowed: ANSWER, "),
        (said(R.ANSWER, agent_id=999), "not_found", "there is no agent 999"),
        (said(R.ANSWER, call_id=77), "conflict", "the agent has no such call"),
        (said(R.ANSWER, note="x" * 1_001), "invalid_request", "a note of 1001 characters; allowed: at most 1,000"),
        (said(R.ANSWER, note="a\0b"), "invalid_request", "a note with the character U+0000; allowed: every other"),
    ],
)
def test_words_that_are_refused(event, code, text) -> None:
    for story in (talking(), over()):
        reply = story.tell(event).the(Reply)
        assert (False, code) == (reply.ok, reply.code)
        assert reply.message.startswith(text)
        assert [] == story.said(DisposeRecord)


def test_an_agent_without_a_call_has_nothing_to_say() -> None:
    story = dialing_story(group(1), has_records=False)
    assert "conflict" == story.tell(said(R.ANSWER)).the(Reply).code


def test_nothing_is_counted_differently_by_it() -> None:
    story = talking()
    story.tell(said(R.ANSWERING_MACHINE)).ended(story.ever(Dial)[0], cause=16)
    assert {R.ANSWER: 1} == story.state.groups[1].totals.results


# --- callbacks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("personal", [True, False])
def test_a_callback_during_the_call(personal: bool) -> None:
    story = talking(AGAIN)
    at_utc_ms = story.utc_ms + 60 * MINUTE_MS
    assert story.tell(callback(story, personal=personal, number="+15550199")).the(Reply).ok
    disposition = story.ended(story.ever(Dial)[0], cause=16).the(SettleAttempt).disposition
    assert (A.RESCHEDULE, at_utc_ms, 1, "+15550199") == (
        disposition.action,
        disposition.not_before_utc_ms,
        disposition.group_id,
        disposition.number,
    )
    expected = RecordType.PERSONAL_CALLBACK if personal else RecordType.CAMPAIGN_CALLBACK
    assert (expected, 101 if personal else None, ()) == (
        disposition.record_type,
        disposition.agent_id,
        disposition.history,
    )


def test_a_callback_in_after_call_work() -> None:
    story = over()
    at_utc_ms = story.utc_ms + 60 * MINUTE_MS
    word = story.tell(callback(story)).the(DisposeRecord)
    assert (R.ANSWER, RecordType.PERSONAL_CALLBACK, at_utc_ms) == (
        word.call_result,
        word.disposition.record_type,
        word.disposition.not_before_utc_ms,
    )


@pytest.mark.parametrize(
    "ahead_ms, number, text",
    [
        (-1, "", "the instant of a callback has passed"),
        (366 * DAY_MS + 1, "", "the instant of a callback is more than a year ahead"),
        (0, "12", "no telephone number: '12'"),
        (0, "5" * 500, "no telephone number: '5555"),
        (0, "+15x", "no telephone number"),
    ],
)
def test_callbacks_that_are_refused(ahead_ms, number, text) -> None:
    story = over()
    reply = story.tell(callback(story, ahead_ms, number=number)).the(Reply)
    assert (False, "invalid_request") == (reply.ok, reply.code)
    assert reply.message.startswith(text)
    assert [] == story.said(DisposeRecord)
