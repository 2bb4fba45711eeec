"""Two seconds to find somebody: when they begin, who has found nobody, and what is said to those who have not."""

from dataclasses import replace

import pytest

from dialing_story import Story, configuration, dialing_story, group, without_group
from outdial.core.abandonment import NOTHING, Counts, bucket_of
from outdial.core.abandonment_settings import AbandonmentClock, AbandonmentWindow
from outdial.core.commands import Dial, PlayMessage, Release, Reply, SettleAttempt, Transfer
from outdial.core.events import (
    AbandonmentFound,
    CalleeAnswered,
    CallReleased,
    MessageEnded,
    MessageStarted,
    VerdictReached,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.results import CallResult, Verdict
from outdial.core.units import DAY_MS, MINUTE_MS

ANSWER, GREETING_START, GREETING_END = AbandonmentClock


def answered(verdict_ms: int = 900, *, ready: bool = False, told: tuple[int | None, int | None] = (None, None), **rest):
    """A person who has just been recognised, so long after the answer."""
    story = dialing_story(group(1, rest.pop("mode", Mode.PROGRESSIVE), **rest))
    dial = story.ever(Dial)[0]
    if not ready and not story.state.groups[1].mode.is_gvp:
        story.agent_not_ready(101)
    story.accepted(dial).tell(CalleeAnswered(dial.call_id))
    story.advance(verdict_ms)
    story.tell(VerdictReached(dial.call_id, Verdict.PERSON, *told))
    return story, dial


def fate(settled: SettleAttempt) -> tuple[bool, bool, AbandonmentClock | None, int]:
    return settled.person, settled.abandoned, settled.clock, settled.clock_ms


# --- the clock -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option, told, clock, left_ms",
    [
        (GREETING_END, (None, None), GREETING_END, 2_000),
        (GREETING_END, (None, 800), GREETING_END, 1_200),
        (GREETING_END, (None, 5_000), GREETING_END, 1_100),
        (GREETING_START, (700, 200), GREETING_START, 1_300),
        (GREETING_START, (None, 200), ANSWER, 1_100),
        (ANSWER, (700, 200), ANSWER, 1_100),
    ],
)
def test_the_clock_starts_as_the_group_says_or_at_what_is_known(option, told, clock, left_ms):
    story, dial = answered(told=told, abandonment_clock=option)
    assert [] == story.advance(left_ms - 1).said(Release)
    assert dial.call_id == story.advance(1).the(Release).call_id
    assert fate(story.ended(dial).the(SettleAttempt)) == (True, True, clock, 2_000)


def test_without_detection_the_answer_starts_the_clock():
    story = dialing_story(group(1, call_progress_detection=False))
    dial = story.ever(Dial)[0]
    story.agent_not_ready(101).accepted(dial).answered(dial).advance(2_000)
    assert fate(story.ended(dial).the(SettleAttempt)) == (True, True, ANSWER, 2_000)


def test_a_verdict_after_the_time_is_over_drops_at_once_unless_an_agent_is_free():
    story, dial = answered(2_500, abandonment_clock=ANSWER)
    story.advance(0)
    assert "releasing" == story.call_state(dial)
    story, dial = answered(2_500, ready=True, abandonment_clock=ANSWER)
    story.agent_takes(dial)
    assert fate(story.ended(dial).the(SettleAttempt)) == (True, True, ANSWER, 2_500)


# --- who is abandoned ----------------------------------------------------------------------------------------------


def test_a_person_who_is_connected_in_time_is_not_abandoned():
    story, dial = answered(ready=True)
    story.advance(2_000).agent_takes(dial).advance(MINUTE_MS)
    settled = story.ended(dial).the(SettleAttempt)
    assert fate(settled) == (True, False, GREETING_END, 2_000)
    assert (settled.campaign_id, settled.seller) == (1, "")


def test_a_person_who_is_connected_too_late_is_abandoned_though_the_result_is_an_answer():
    story, dial = answered(ready=True)
    story.advance(2_001).agent_takes(dial)
    settled = story.ended(dial).the(SettleAttempt)
    assert (settled.call_result, *fate(settled)) == (CallResult.ANSWER, True, True, GREETING_END, 2_001)
    assert 0 == story.group().abandon_millis  # pacing asks whether somebody came, not when


def test_a_person_who_hangs_up_while_waiting_is_abandoned():
    story, dial = answered()
    assert fate(story.advance(700).ended(dial).the(SettleAttempt)) == (True, True, GREETING_END, 700)


@pytest.mark.parametrize("verdict", [Verdict.MACHINE, Verdict.FAX, Verdict.SILENCE])
def test_no_person_no_clock(verdict):
    story = dialing_story(group(1))
    dial = story.ever(Dial)[0]
    story.accepted(dial).answered(dial).verdict(verdict, dial)
    assert fate(story.ended(dial).the(SettleAttempt)) == (False, False, None, 0)


def test_who_leaves_before_a_verdict_is_nobody():
    story = dialing_story(group(1))
    dial = story.ever(Dial)[0]
    assert fate(story.accepted(dial).answered(dial).advance(3_000).ended(dial).the(SettleAttempt))[:2] == (False, False)


def test_an_ivr_application_must_be_there_in_time_and_an_agent_who_was_asked_for_must_come():
    story, dial = answered(mode=Mode.PROGRESSIVE_GVP)
    story.advance(100).ivr_takes(dial).advance(MINUTE_MS)
    assert fate(story.ended(dial).the(SettleAttempt)) == (True, False, GREETING_END, 100)
    story, dial = answered(mode=Mode.PROGRESSIVE_GVP)
    story.advance(2_001).ivr_takes(dial)
    assert fate(story.ended(dial).the(SettleAttempt))[:2] == (True, True)
    story, dial = answered(mode=Mode.PROGRESSIVE_GVP)
    story.ivr_takes(dial).agent_not_ready(101).ivr_wants_agent(dial)
    assert fate(story.advance(500).ended(dial).the(SettleAttempt)) == (True, True, GREETING_END, 0)


# --- the message ---------------------------------------------------------------------------------------------------


def dropped(**settings):
    """A person who hears the drop message."""
    story, dial = answered(drop_message="sorry", **settings)
    story.advance(2_000)
    return story, dial


def test_who_finds_nobody_hears_the_message_and_is_then_released():
    story, dial = dropped()
    assert PlayMessage(dial.call_id, "sorry") in story.commands and not story.said(Release)
    assert ("playing", 1) == (story.call_state(dial), story.group().ports.used_ports)
    story.tell(MessageStarted(dial.call_id)).advance(6_000)
    assert dial.call_id == story.tell(MessageEnded(dial.call_id)).the(Release).call_id
    settled = story.ended(dial).the(SettleAttempt)
    assert (settled.call_result, settled.message_played, settled.wait_ms) == (CallResult.DROPPED, True, 2_000)
    assert fate(settled) == (True, True, GREETING_END, 2_000)
    assert (1, 0) == (story.group().counts.dropped, story.group().ports.used_ports)


def test_who_hangs_up_during_the_message_has_heard_it():
    story, dial = dropped()
    settled = story.tell(MessageStarted(dial.call_id)).advance(1_000).ended(dial).the(SettleAttempt)
    assert (settled.call_result, settled.message_played) == (CallResult.DROPPED, True)


def test_a_message_that_cannot_be_played_does_not_count_as_heard():
    story, dial = dropped()
    story.tell(MessageStarted(dial.call_id), MessageEnded(dial.call_id, played=False))
    assert "releasing" == story.call_state(dial)
    assert not story.ended(dial).the(SettleAttempt).message_played


def test_a_message_has_a_deadline():
    story, dial = dropped(drop_message_ms_max=9_000)
    assert [] == story.advance(8_999).said(Release)
    assert dial.call_id == story.advance(1).the(Release).call_id


def test_an_agent_who_comes_free_during_the_message_is_not_given_the_call():
    story, dial = dropped()
    story.agent_ready(101)
    assert not [each for each in story.said(Transfer) if each.call_id == dial.call_id]


def test_a_node_that_is_lost_during_the_message_ends_the_call_as_dropped():
    story, dial = dropped()
    story.tell(MessageStarted(dial.call_id)).node_down(dial.node_id)
    assert "lost" == story.call_state(dial)
    settled = story.advance(10 * MINUTE_MS).ever(SettleAttempt)[0]
    assert (settled.call_result, settled.message_played) == (CallResult.DROPPED, True)


def test_words_about_a_message_for_a_call_that_is_gone_are_late():
    story, dial = dropped()
    story.tell(CallReleased(dial.call_id))
    before = story.state.late_events
    story.tell(MessageStarted(dial.call_id), MessageEnded(dial.call_id))
    assert story.state.late_events == before + 2


# --- the campaign's account ----------------------------------------------------------------------------------------


def found(story: Story, *buckets: tuple[int, Counts], earlier: Counts = NOTHING, campaign: int = 1) -> Reply:
    """The ledger tells what it knows."""
    return story.tell(AbandonmentFound(9, campaign, earlier, buckets)).the(Reply)


def test_a_ledger_that_is_told_again_counts_nothing_twice():
    story = dialing_story(group(1))
    assert found(story, campaign=7).code == "not_found"
    at = bucket_of(story.utc_ms)
    assert found(story, (at, Counts(10, 9, 1)), earlier=Counts(100, 99, 1)).ok
    dial = story.ever(Dial)[0]
    story.person_answers(dial).agent_takes(dial).ended(dial)
    ledger = story.state.ledgers[1]
    assert ledger.life == Counts(111, 109, 2)
    found(story, (at, Counts(11, 10, 1)), earlier=Counts(100, 99, 1))
    assert ledger.life == Counts(111, 109, 2), "the others have called nobody; ours has been written"
    found(story, (at, Counts(14, 12, 2)))
    assert ledger.life == Counts(114, 111, 3), "the others have called three"
    assert ledger.counts(AbandonmentWindow.DAY, story.utc_ms, None) == Counts(14, 12, 2)


def test_groups_of_a_campaign_have_one_account():
    story = Story(configuration(group(1), group(2)))
    story.tell(AbandonmentFound(9, 1, Counts(), ((bucket_of(story.utc_ms), Counts(10, 9, 1)),)))
    story.start(1, 2).agent_ready(101, 201)
    story.advance(1_000)
    first, second = story.ever(Dial)
    story.person_answers(first, second).agent_takes(first).ended(first)
    story.advance(5_000).agent_takes(second).ended(second)
    ledger = story.state.ledgers[1]
    assert ledger.counts(AbandonmentWindow.DAY, story.utc_ms, None) == Counts(12, 10, 2)


def predictive(*buckets: tuple[int, Counts], **settings: object) -> Story:
    story = Story(configuration(group(1, Mode.PREDICTIVE, agents=3, history_length=1, **settings)))
    found(story, *buckets)
    story.start().agent_ready(101, 102, 103)
    return story.advance(2_000)


def test_a_campaign_beyond_its_thirty_days_dials_progressively_and_says_why():
    at = bucket_of(Story(configuration(group(1))).utc_ms) - DAY_MS
    note = "one more abandoned call would break the campaign's limit (30-days)"
    over = predictive((at, Counts(1_000, 960, 40)))
    assert over.state.groups[1].pace.note == note and len(over.ever(Dial)) == 3
    fine = predictive((at, Counts(1_000, 980, 20)))
    assert fine.state.groups[1].pace.note == "0 of 25 attempts of history"


def test_a_campaign_that_can_bear_no_more_has_one_call_for_each_free_agent():
    for mode in (Mode.PROGRESSIVE, Mode.PREDICTIVE):
        at = bucket_of(Story(configuration(group(1))).utc_ms) - DAY_MS
        dials = []
        for counts in (Counts(100, 96, 4), Counts(10_000, 10_000, 0)):
            story = Story(configuration(group(1, mode, agents=2, progressive_multiplier_millis=3_000)))
            found(story, (at, counts))
            story.start().agent_ready(101, 102).advance(1_000)
            dials.append(len(story.ever(Dial)))
        assert dials == [2, 6]
        note = "one more abandoned call would break the campaign's limit (30-days)"
        spent = Story(configuration(group(1, Mode.PROGRESSIVE, progressive_multiplier_millis=2_000)))
        found(spent)
        assert spent.start().agent_ready(101).advance(1_000).group().pacing == f"progressive: {note}"


def test_a_new_campaign_may_risk_what_its_first_day_is_expected_to_bear():
    new = predictive()
    assert new.state.groups[1].pace.note == "0 of 25 attempts of history"


def test_todays_account_goes_on_after_a_restart():
    story = predictive((bucket_of(Story(configuration(group(1))).utc_ms) - MINUTE_MS * 60, Counts(500, 490, 10)))
    account = story.state.groups[1].budget.campaign
    assert account is not None and (account.persons, account.lost) == (500, 10)
    assert account.began_at_ms is not None and story.mono_ms - account.began_at_ms >= 60 * MINUTE_MS


@pytest.mark.parametrize("limit_ppm, target", [(None, 0.03), (20_000, 0.02), (50_000, 0.03)])
def test_the_stricter_limit_is_steered_for(limit_ppm, target):
    settings = configuration(group(1, Mode.PREDICTIVE))
    [campaign] = settings.campaigns
    story = Story(replace(settings, campaigns=(replace(campaign, abandonment_limit_ppm=limit_ppm),)))
    found(story)
    story.start().agent_ready(101).advance(1_000)
    assert story.state.groups[1].budget.target == target
    story.load(story.configuration)
    assert story.advance(2_000).state.groups[1].budget.target == target


def test_without_a_ledger_a_group_has_its_own_account():
    story = dialing_story(group(1, Mode.PREDICTIVE))
    assert story.state.groups[1].budget.campaign is None and not story.state.ledgers


def test_the_last_calls_of_a_campaign_that_leaves_are_still_its_own():
    story = dialing_story(group(1), group(2))
    story.load(without_group(story.configuration, 2))
    assert list(story.state.campaigns) == [1]


def test_snapshot_shows_what_of_a_campaigns_account_is_spent():
    story = dialing_story(group(1))
    [view] = story.dialer.snapshot().campaigns
    assert () == view.windows, "nobody has told"
    found(story, (bucket_of(story.utc_ms), Counts(50, 48, 2)), earlier=Counts(100, 99, 1))
    [view] = story.dialer.snapshot().campaigns
    assert (1, 30_000) == (view.campaign_id, view.limit_ppm), "the limit of its group"
    shares = {window.window: (window.abandoned, window.calls, window.ppm) for window in view.windows}
    today = (2, 50, 40_000)
    assert {
        AbandonmentWindow.DAY: today,
        AbandonmentWindow.HOURS_24: today,
        AbandonmentWindow.DAYS_30: today,
        AbandonmentWindow.LIFE: (3, 150, 20_000),
    } == shares
    assert [AbandonmentWindow.DAYS_30] == [window.window for window in view.windows if window.is_limited]
