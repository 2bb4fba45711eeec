"""An agent ends a call from the desktop: in a conversation, on a held leg, on a preview call, and in none."""

import pytest

from dialing_story import Story, dialing_story, group
from outdial.core.callback_events import DispositionGiven
from outdial.core.commands import (
    Dial,
    DisposeRecord,
    Engage,
    Join,
    OfferRecord,
    Release,
    ReleaseEngaging,
    Reply,
    SettleAttempt,
    Transfer,
)
from outdial.core.events import (
    AgentEvent,
    CallPhase,
    HangUpRequested,
    PreviewAccepted,
    PreviewRequested,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.results import CallResult


def answer(story: Story, event: AgentEvent) -> tuple[bool, str]:
    """What one event is answered with."""
    story.tell(event)
    return next((reply.ok, reply.message) for reply in story.commands if isinstance(reply, Reply))


FINE = (True, "")


def test_conversation_ends_as_if_the_phone_had_been_put_down() -> None:
    story = dialing_story(group(1, agents=1))
    dial = story.the(Dial)
    story.person_answers(dial).agent_takes(dial).advance(30_000)
    assert FINE == answer(story, HangUpRequested(101, dial.call_id, 1))
    assert dial.call_id == story.the(Release).call_id
    assert ("releasing", "after-call work") == (story.call_state(dial), story.agent(101).state)

    story.advance(400)
    settled = story.ended(dial, cause=16).the(SettleAttempt)
    assert (CallResult.ANSWER, 101, 30_000) == (settled.call_result, settled.agent_id, settled.talk_ms)
    assert (False, "agent 101 is in no call") == answer(story, HangUpRequested(101, dial.call_id, 2))


def test_something_may_be_said_before_the_call_is_settled() -> None:
    """A lost node does not confirm the release for a while."""
    story = dialing_story(group(1, agents=1))
    dial = story.the(Dial)
    story.person_answers(dial).agent_takes(dial).advance(30_000)
    story.node_down(story.state.attempts[dial.call_id].node_id)
    assert FINE == answer(story, HangUpRequested(101, dial.call_id, 1))
    assert "after-call work" == story.agent(101).state
    assert FINE == answer(story, DispositionGiven(2, 101, CallResult.WRONG_NUMBER, dial.call_id, "moved"))
    assert not story.ever(SettleAttempt)
    word = story.advance(30 * 60_000).the(DisposeRecord)
    assert (dial.call_id, "moved") == (word.call_id, word.note)
    assert FINE == answer(story, DispositionGiven(3, 101, CallResult.WRONG_PARTY, None)), "and again afterwards"


def test_who_is_held_on_the_line_stays_for_the_next_customer() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=1))
    leg = story.the(Engage)
    dial = story.engaged(leg).the(Dial)
    story.person_answers(dial)
    assert leg.call_id == story.the(Join).engaging_call_id
    story.agent_takes(dial)
    assert FINE == answer(story, HangUpRequested(101, None, 1))
    assert dial.call_id == story.the(Release).call_id
    story.ended(dial, cause=16)
    assert [] == story.ever(ReleaseEngaging)
    assert story.agent_ready(101).agent(101).engaged
    assert 2 == len(story.ever(Dial)), "on the same leg"


def test_preview_call_is_given_up_while_it_rings() -> None:
    story = dialing_story(group(1, Mode.PREVIEW, agents=1))
    story.tell(PreviewRequested(101, 1)).the(OfferRecord)
    dial = story.tell(PreviewAccepted(101)).the(Dial)
    story.accepted(dial).rings(dial)
    assert FINE == answer(story, HangUpRequested(101, dial.call_id, 1))
    settled = story.ended(dial).the(SettleAttempt)
    assert (CallResult.CLEARED, 0) == (settled.call_result, settled.talk_ms)


def test_call_that_is_not_the_agents_yet_goes_on() -> None:
    story = dialing_story(group(1, agents=1))
    dial = story.the(Dial)
    story.person_answers(dial).the(Transfer)
    assert (False, "agent 101 is in no call") == answer(story, HangUpRequested(101, None, 1))
    assert [] == story.ever(Release)


@pytest.mark.parametrize("call_id", [999, 0])
def test_another_call_than_the_one_that_was_seen_goes_on(call_id: int) -> None:
    story = dialing_story(group(1, agents=1))
    dial = story.the(Dial)
    story.person_answers(dial).agent_takes(dial)
    wrong = f"call {call_id} is over; agent 101 is in another one"
    assert (False, wrong) == answer(story, HangUpRequested(101, call_id, 1))
    assert "connected" == story.call_state(dial)


def test_lost_call_is_ended_when_its_server_returns_with_it() -> None:
    story = dialing_story(group(1, Mode.PREVIEW, agents=1))
    story.tell(PreviewRequested(101, 1)).the(OfferRecord)
    dial = story.tell(PreviewAccepted(101)).the(Dial)
    story.accepted(dial).answered(dial)
    story.node_down(dial.node_id)
    assert "lost" == story.call_state(dial)
    assert FINE == answer(story, HangUpRequested(101, dial.call_id, 1))
    assert ([], "after-call work") == (story.said(Release), story.agent(101).state)
    story.server_up(dial.server_id).report(dial.server_id, (dial, CallPhase.CONNECTED))
    assert [dial.call_id] == [release.call_id for release in story.ever(Release)]
