"""Answers to agents: who asks with a number hears whether it came to anything, and why not."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialing_story import Story, dialing_story, group
from outdial.core.commands import AgentStateChanged, Dial, OfferRecord, Reply
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentEvent,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    PreviewAccepted,
    PreviewRejected,
    PreviewRequested,
)
from outdial.core.modes import DialingMode as Mode


@pytest.fixture
def story() -> Story:
    """A running group with two agents who have not signed in."""
    return dialing_story(group(1, agents=2), ready=[])


def answer(story: Story, event: AgentEvent) -> tuple[bool, str, str]:
    """What one event is answered with."""
    story.tell(event)
    replies = [command for command in story.commands if isinstance(command, Reply)]
    assert [event.request_id] == [reply.request_id for reply in replies]
    return replies[0].ok, replies[0].code, replies[0].message


FINE = (True, "", "")
ABSENT = (False, "conflict", "agent 101 is not logged in")


def test_whole_day_of_an_agent_is_answered_step_by_step(story: Story) -> None:
    assert FINE == answer(story, AgentLoggedIn(101, "7101", 1))
    assert FINE == answer(story, AgentBecameReady(101, 2))
    assert FINE == answer(story, AgentLeaveAnnounced(101, story.now.mono_ms + 60_000, 3))
    assert FINE == answer(story, AgentBecameNotReady(101, "break", 4))
    assert FINE == answer(story, AgentLoggedOut(101, 5))


def test_who_does_not_ask_hears_nothing(story: Story) -> None:
    story.tell(AgentLoggedIn(101, "7101"), AgentBecameReady(101), AgentLoggedIn(101, "7101"), AgentLoggedOut(999))
    assert not any(isinstance(command, Reply) for command in story.commands)


@pytest.mark.parametrize(
    "event",
    [
        AgentLoggedOut(101, 7),
        AgentBecameReady(101, 7),
        AgentBecameNotReady(101, "break", 7),
        AgentLeaveAnnounced(101, None, 7),
    ],
)
def test_who_is_not_logged_in_can_do_nothing(story: Story, event: AgentEvent) -> None:
    assert ABSENT == answer(story, event)


@pytest.mark.parametrize("event", [AgentLoggedIn(999, "", 7), AgentLoggedOut(999, 7), PreviewRequested(999, 1, 7)])
def test_nobody_by_that_number(story: Story, event: AgentEvent) -> None:
    assert (False, "not_found", "there is no agent 999") == answer(story, event)


def test_second_login_is_refused(story: Story) -> None:
    story.log_in(101)
    expected = (False, "conflict", "agent 101 is logged in already, with phone 7101")
    assert expected == answer(story, AgentLoggedIn(101, "900", 8))
    assert "7101" == story.agent(101).phone


def test_record_on_offer_is_asked_for_taken_and_called() -> None:
    story = dialing_story(group(1, Mode.PREVIEW, agents=1))
    assert FINE == answer(story, PreviewRequested(101, 1, 1))
    story.the(OfferRecord)
    refused = (False, "conflict", "the agent is not free")
    assert refused == answer(story, PreviewRequested(101, 1, 2))
    assert FINE == answer(story, PreviewAccepted(101, 3))
    story.the(Dial)


@pytest.mark.parametrize("event", [PreviewAccepted(101, 5), PreviewRejected(101, False, 5)])
def test_nothing_on_offer(event: AgentEvent) -> None:
    story = dialing_story(group(1, Mode.PREVIEW, agents=1))
    assert (False, "conflict", "no record is on offer") == answer(story, event)


def test_record_on_offer_is_declined() -> None:
    story = dialing_story(group(1, Mode.PREVIEW, agents=1))
    story.tell(PreviewRequested(101, 1))
    assert FINE == answer(story, PreviewRejected(101, True, 6))


def test_group_that_does_not_preview_says_so(story: Story) -> None:
    story.tell(AgentLoggedIn(101, ""), AgentBecameReady(101))
    expected = (False, "conflict", "group group 1 dials in progressive mode")
    assert expected == answer(story, PreviewRequested(101, 1, 4))
    assert (False, "conflict", "there is no campaign group 9") == answer(story, PreviewRequested(101, 9, 5))


AGENTS = st.sampled_from([101, 102, 999])
EVENTS = st.one_of(
    st.builds(AgentLoggedIn, AGENTS, st.sampled_from(["", "7101", "900"])),
    st.builds(AgentLoggedOut, AGENTS),
    st.builds(AgentBecameReady, AGENTS),
    st.builds(AgentBecameNotReady, AGENTS, st.sampled_from(["", "break"])),
    st.builds(AgentLeaveAnnounced, AGENTS, st.none() | st.integers(0, 10_000_000)),
    st.builds(PreviewRequested, AGENTS, st.sampled_from([1, 9])),
    st.builds(PreviewAccepted, AGENTS),
    st.builds(PreviewRejected, AGENTS, st.booleans()),
)


@given(st.lists(st.tuples(EVENTS, st.booleans()), max_size=25), st.sampled_from([Mode.PREVIEW, Mode.PROGRESSIVE]))
def test_who_asks_is_answered_once_and_nobody_else(events: list[tuple[AgentEvent, bool]], mode: Mode) -> None:
    """Whatever agents do, and in whatever order; a refusal always has a reason."""
    story = dialing_story(group(1, mode, agents=2), ready=[])
    for number, (event, asks) in enumerate(events):
        story.tell(replace(event, request_id=number if asks else None))
        replies = [command for command in story.commands if isinstance(command, Reply)]
        assert [number] * asks == [reply.request_id for reply in replies]
        assert all(reply.ok == (not reply.code) == (not reply.message) for reply in replies)


# --- reasons ------------------------------------------------------------------------------------------------------


def test_reason_given_during_a_call_is_told_when_it_takes_effect() -> None:
    story = dialing_story(group(1, agents=1, after_call_work_ms_max=5_000), ready=[])
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial).agent_takes(dial)
    story.tell(AgentBecameNotReady(101, "lunch"))
    story.ended(dial).advance(5_000)
    assert AgentStateChanged(101, "not ready", "lunch") in story.commands


def test_other_reason_of_who_is_not_ready_already_is_told(story: Story) -> None:
    story.log_in(101)
    story.tell(AgentBecameNotReady(101, "break"))
    assert AgentStateChanged(101, "not ready", "break") in story.commands
    story.tell(AgentBecameNotReady(101, "break"))
    assert not any(isinstance(command, AgentStateChanged) for command in story.commands)
