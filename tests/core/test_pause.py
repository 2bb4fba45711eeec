"""A paused campaign group: it dials nothing new, keeps what it has, and goes on at once."""

from dataclasses import replace

import pytest

from dialing_story import Story, configuration, dialing_story, group, with_group, without_group
from outdial.core.commands import (
    Dial,
    Engage,
    FetchRecords,
    Join,
    OfferRecord,
    ReleaseEngaging,
    Reply,
    ReturnRecord,
    Transfer,
    WithdrawOffer,
)
from outdial.core.events import GroupStartRequested, PreviewAccepted, PreviewRequested
from outdial.core.modes import DialingMode as Mode
from outdial.core.units import MINUTE_MS, SECOND_MS

DIALED = [mode for mode in Mode if not mode.is_preview]


def reply(story: Story) -> Reply:
    """The answer to the last request."""
    return story.said(Reply)[-1]


@pytest.mark.parametrize("mode", DIALED)
def test_nothing_new_is_dialed(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=3))
    story.engaged(*story.ever(Engage)).pause()
    story.ended(*story.ever(Dial)).advance(MINUTE_MS)
    assert [] == story.said(Dial) == story.said(Engage)
    assert ("paused", ("paused by operator",)) == (story.group().state, story.group().holds)


@pytest.mark.parametrize("mode", DIALED)
def test_it_goes_on_at_once(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=3))
    story.engaged(*story.ever(Engage)).pause()
    story.ended(*story.ever(Dial)).advance(MINUTE_MS)
    assert story.resume().said(Dial)
    assert [] == story.said(FetchRecords), "records were still in memory"
    assert "running" == story.group().state


def test_calls_in_progress_go_on_and_persons_are_connected() -> None:
    story = dialing_story(group(1, agents=1))
    dial = story.the(Dial)
    story.pause().person_answers(dial)
    assert 101 == story.the(Transfer).agent_id
    assert 1 == story.agent_takes(dial).group().connected


def test_agents_stay_on_the_line() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=2))
    story.engaged(*story.said(Engage))
    dial = story.ever(Dial)[0]
    assert [] == story.pause().said(ReleaseEngaging)
    story.person_answers(dial)
    assert dial.call_id == story.the(Join).call_id
    assert 2 == story.group().ports.engaging_ports


def test_ports_and_records_stay() -> None:
    story = dialing_story(group(1, Mode.POWER_GVP, agents=0, number_of_cpd_ports=5))
    before = story.group()
    after = story.pause().advance(MINUTE_MS).group()
    assert before.buffered_chains == after.buffered_chains > 0
    assert before.ports.reserved_ports == after.ports.reserved_ports


def test_records_that_were_asked_for_are_kept() -> None:
    story = dialing_story(group(1, agents=1), has_records=False).pause()
    story.fetched(*story.fresh_chains(3))
    assert ([], 3) == (story.said(ReturnRecord), story.group().buffered_chains)


@pytest.mark.parametrize("mode", [Mode.PREVIEW, Mode.PUSH_PREVIEW])
def test_records_on_offer_are_taken_back(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=1))
    if mode is Mode.PREVIEW:
        story.tell(PreviewRequested(101, 1))
    record = story.ever(OfferRecord)[0].record
    story.pause()
    assert "the group was paused" == story.the(WithdrawOffer).reason
    assert record.record_id == story.the(ReturnRecord).record_id
    story.tell(PreviewAccepted(101)).advance(MINUTE_MS)
    assert [] == story.said(Dial) == story.said(OfferRecord)
    story.tell(PreviewRequested(101, 1))
    assert "paused" in story.the(WithdrawOffer).reason or mode is Mode.PUSH_PREVIEW


def test_a_pause_is_one_of_several_reasons() -> None:
    story = dialing_story(group(1)).pause().node_down(1)
    assert ("paused by operator", "prime node lost: node 1") == story.group().holds


def test_it_can_be_stopped() -> None:
    story = dialing_story(group(1, agents=1)).pause().stop()
    assert "stopping" == story.group().state
    story.ended(story.ever(Dial)[0])
    assert "stopped" == story.group().state
    assert story.start().said(Dial), "a new start has nothing of the pause"


def test_its_mode_can_change_within_the_family() -> None:
    story = dialing_story(group(1)).pause().change_mode(Mode.PREDICTIVE)
    assert (True, Mode.PREDICTIVE) == (reply(story).ok, story.group().mode)
    refused = reply(story.change_mode(Mode.POWER_GVP))
    assert not refused.ok
    assert "while it runs" in refused.message


def test_a_reload_leaves_it_paused() -> None:
    story = dialing_story(group(1, agents=2)).pause()
    story.load(with_group(story.configuration, 1, ring_ms_max=10_000)).ended(*story.ever(Dial)).advance(MINUTE_MS)
    assert [] == story.said(Dial)
    assert "paused" == story.group().state


def test_a_paused_group_that_leaves_the_configuration_ends() -> None:
    story = dialing_story(group(1, agents=1), group(2, agents=1)).pause()
    story.load(without_group(story.configuration, 1)).ended(*story.ever(Dial)).advance(SECOND_MS)
    assert [2] == [each.group_id for each in story.dialer.snapshot().groups]


def test_other_groups_go_on() -> None:
    story = dialing_story(group(1, agents=1), group(2, agents=1)).pause()
    story.ended(*story.ever(Dial))
    assert {2} == {each.group_id for each in story.said(Dial)}


def test_requests_that_make_no_sense_are_refused_with_the_reason() -> None:
    story = Story(configuration(group(1)))
    for change, part in (
        (lambda: story.pause(9), "there is no campaign group 9"),
        (lambda: story.resume(9), "there is no campaign group 9"),
        (lambda: story.pause(), "is not running"),
        (lambda: story.resume(), "is not paused"),
        (lambda: story.start().pause().pause(), "is already paused"),
        (lambda: story.tell(GroupStartRequested(1, 1)), "is paused: resume it"),
    ):
        change()
        assert not reply(story).ok
        assert part in reply(story).message


def test_learning_stands_still() -> None:
    """Agents who sit idle because of a pause say nothing about how busy they can be."""
    story = dialing_story(group(1, Mode.PREDICTIVE, agents=3, history_length=0))
    settings = replace(story.configuration.ocs, port_recalculation_ms=1_000)
    story.load(replace(story.configuration, ocs=settings)).pause().advance(SECOND_MS)
    before = story.state.groups[1].estimates.utilisation.value
    story.advance(MINUTE_MS)
    assert before == story.state.groups[1].estimates.utilisation.value
