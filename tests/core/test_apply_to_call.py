"""What treatments do with calls on which a machine, a fax or silence is heard: nobody is counted as reached."""

import pytest

from dialing_story import SECOND_MS, Story, chain, dialing_story, group, treatment
from outdial.core.commands import Dial, Release, SettleAttempt, StartIvr, Transfer
from outdial.core.events import CallPhase
from outdial.core.modes import DialingMode as Mode
from outdial.core.results import CallResult, Verdict
from outdial.core.settings import CallAction, TreatmentAction

R, A = CallResult, TreatmentAction
MESSAGE = {"call_action": CallAction.ROUTE, "destination": "message"}


def heard(verdict: Verdict, mode: Mode = Mode.PROGRESSIVE, result: CallResult = R.ANSWERING_MACHINE, **rest) -> Story:
    """A call on which something was heard, treated by `rest`."""
    story = dialing_story(group(1, mode), treatments=[treatment(result, A.RETRY_IN, 60_000, **rest)])
    [dial, *_] = story.ever(Dial)
    return story.picked_up(verdict, dial)


def call(story: Story) -> Dial:
    return story.ever(Dial)[0]


@pytest.mark.parametrize("rest", [{}, {"call_action": CallAction.DROP}])
def test_a_machine_is_dropped_unless_a_treatment_wants_more(rest) -> None:
    assert call(heard(Verdict.MACHINE, **rest)).call_id == heard(Verdict.MACHINE, **rest).the(Release).call_id


def test_a_machine_is_routed_to_an_application_and_stays_a_machine() -> None:
    story = heard(Verdict.MACHINE, **MESSAGE)
    assert "message" == story.the(StartIvr).application
    assert [] == story.said(Release)
    story.ivr_takes(call(story))
    assert "in ivr" == story.call_state(call(story))
    settled = story.advance(20 * SECOND_MS).ended(call(story), cause=16).the(SettleAttempt)
    assert (R.ANSWERING_MACHINE, A.RETRY_IN) == (settled.call_result, settled.disposition.action)
    totals = story.state.groups[1].totals
    assert (0, 0, 0, 0) == (totals.persons, totals.connected, totals.abandoned, totals.dropped)


def test_the_application_is_never_given_an_agent_nor_keeps_one_waiting() -> None:
    story = heard(Verdict.MACHINE, **MESSAGE)
    story.ivr_takes(call(story)).ivr_wants_agent(call(story))
    assert [] == story.said(Transfer)
    assert "in ivr" == story.call_state(call(story))


def test_a_message_has_a_limit() -> None:
    story = heard(Verdict.MACHINE, **MESSAGE)
    story.ivr_takes(call(story))
    limit_ms = story.state.groups[1].settings.ivr_ms_max
    assert call(story).call_id not in [each.call_id for each in story.advance(limit_ms - 1).said(Release)]
    assert call(story).call_id in [each.call_id for each in story.advance(1).said(Release)]


def test_an_application_that_does_not_start_ends_the_call() -> None:
    story = heard(Verdict.MACHINE, **MESSAGE)
    assert call(story).call_id in [each.call_id for each in story.advance(5 * SECOND_MS).said(Release)]


@pytest.mark.parametrize("verdict, result", [(Verdict.FAX, R.FAX), (Verdict.SILENCE, R.SILENCE)])
def test_fax_and_silence_have_treatments_of_their_own(verdict, result) -> None:
    assert 1 == len(heard(verdict, result=result, **MESSAGE).said(StartIvr))
    assert 1 == len(heard(verdict, **MESSAGE).said(Release))


def test_silence_is_connected_and_nobody_counts_as_reached() -> None:
    story = heard(Verdict.SILENCE, result=R.SILENCE, call_action=CallAction.CONNECT)
    assert call(story).call_id == story.the(Transfer).call_id
    story.agent_takes(call(story)).advance(30 * SECOND_MS)
    assert R.SILENCE is story.ended(call(story), cause=16).the(SettleAttempt).call_result
    assert 0 == story.state.groups[1].totals.persons
    assert (0, 0) == (story.state.groups[1].budget.persons, story.state.groups[1].budget.lost)


def test_a_machine_for_which_no_agent_comes_is_no_dropped_person() -> None:
    story = heard(Verdict.MACHINE, call_action=CallAction.CONNECT)
    story.agent_misses(call(story)).advance(3 * SECOND_MS)
    assert R.ANSWERING_MACHINE is story.ended(call(story), cause=16).the(SettleAttempt).call_result
    assert 0 == story.state.groups[1].totals.dropped
    assert (0, 0) == (story.state.groups[1].budget.persons, story.state.groups[1].budget.lost)


def test_in_ivr_modes_a_machine_is_connected_to_the_groups_own_application() -> None:
    story = heard(Verdict.MACHINE, Mode.PROGRESSIVE_GVP, call_action=CallAction.CONNECT)
    assert "survey" == story.the(StartIvr).application
    story = heard(Verdict.MACHINE, Mode.PROGRESSIVE_GVP, **MESSAGE)
    assert "message" == story.the(StartIvr).application


def test_the_sequence_says_how_often_a_message_is_left() -> None:
    once = treatment(R.ANSWERING_MACHINE, A.REDIAL, **MESSAGE)
    story = dialing_story(group(1), treatments=[once], has_records=False)
    story.fetched(chain(1))
    assert 1 == len(story.picked_up(Verdict.MACHINE, story.the(Dial)).said(StartIvr))
    settled = story.ivr_takes(call(story)).ended(call(story), cause=16).the(SettleAttempt)
    story.advance(60 * SECOND_MS)
    story.fetched(chain(1, history=settled.disposition.history))
    assert 1 == len(story.picked_up(Verdict.MACHINE, story.the(Dial)).said(Release))


def test_a_message_goes_on_over_a_lost_link() -> None:
    story = heard(Verdict.MACHINE, **MESSAGE)
    dial = call(story)
    story.ivr_takes(dial).server_down(dial.server_id)
    assert "lost" == story.call_state(dial)
    story.server_up(dial.server_id).report(dial.server_id, (dial, CallPhase.CONNECTED))
    assert "in ivr" == story.call_state(dial) or story.said(Release)
