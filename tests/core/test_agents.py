"""Agents: signing in, being ready, and what the prime node says about their phones."""

import pytest

from dialing_story import Story, configuration, dialing_story, group
from outdial.core.agents import AGENT_TABLE, Agent, AgentSignal, AgentState
from outdial.core.commands import AgentStateChanged, Dial, Engage, SubscribePhones, Transfer
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLoggedIn,
    AgentLoggedOut,
    PhoneState,
    PhoneStateChanged,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.settings import Agent as AgentSettings
from outdial.core.tables import Cell

S = AgentState

# --- the table ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signal, targets",
    [
        (AgentSignal.LOG_IN, [S.NOT_READY, None, None, None, None, None]),
        (AgentSignal.LOG_OUT, [None, S.LOGGED_OUT, S.LOGGED_OUT, S.RESERVED, S.TALKING, S.LOGGED_OUT]),
        (AgentSignal.BECOME_READY, [None, S.READY, None, S.RESERVED, S.TALKING, S.READY]),
        (AgentSignal.BECOME_NOT_READY, [None, None, S.NOT_READY, S.RESERVED, S.TALKING, S.NOT_READY]),
        (AgentSignal.FREE, [None, None, None, S.READY, None, None]),
        (AgentSignal.NO_ANSWER, [None, None, S.NOT_READY, S.NOT_READY, None, None]),
        (AgentSignal.END_TALK, [None, None, None, None, S.AFTER_CALL_WORK, None]),
    ],
)
def test_signals_in_every_state(signal: AgentSignal, targets: list[S | None]) -> None:
    """Columns: logged out, not ready, ready, reserved, talking, after-call work."""
    assert targets == [AGENT_TABLE.next_state(state, signal) for state in AgentState]


def test_only_a_ready_agent_is_reserved() -> None:
    cells = {state: AGENT_TABLE.cells[state][AgentSignal.RESERVE] for state in AgentState}
    assert S.RESERVED is cells.pop(S.READY)
    assert {Cell.NEVER} == set(cells.values())


def test_instant_of_a_state_is_that_of_its_beginning() -> None:
    agent = Agent(AgentSettings(1, "a", "100"))
    assert agent.move(AgentSignal.LOG_IN, 1_000)
    assert not agent.move(AgentSignal.LOG_IN, 2_000)
    assert 1_000 == agent.since_ms
    agent.move(AgentSignal.BECOME_READY, 3_000)
    assert (S.READY, 3_000) == (agent.state, agent.since_ms)


# --- signing in and out -------------------------------------------------------------------------------------------


@pytest.fixture
def story() -> Story:
    """A running group with two agents who have not signed in."""
    return dialing_story(group(1, agents=2), ready=[])


def test_agent_signs_in_not_ready_and_the_phone_is_followed(story: Story) -> None:
    story.log_in(101)
    assert AgentStateChanged(101, "not ready") in story.commands
    assert ("7101",) == story.the(SubscribePhones).phones
    assert ("not ready", "idle", "7101") == (
        story.agent(101).state,
        story.agent(101).phone_state,
        story.agent(101).phone,
    )


def test_login_may_name_another_phone(story: Story) -> None:
    story.tell(AgentLoggedIn(101, "900"), AgentBecameReady(101))
    assert ("900", "idle") == (story.agent(101).phone, story.agent(101).phone_state)
    story.person_answers(story.the(Dial))
    assert "900" == story.the(Transfer).phone


def test_second_login_is_late(story: Story) -> None:
    story.log_in(101)
    late = story.dialer.snapshot().late_events
    assert [] == story.tell(AgentLoggedIn(101, "900")).commands
    assert (late + 1, "7101") == (story.dialer.snapshot().late_events, story.agent(101).phone)


def test_agent_who_signs_out_is_not_called_upon(story: Story) -> None:
    story.agent_ready(101)
    story.log_out(101)
    assert "logged out" == story.agent(101).state
    story.person_answers(*story.ever(Dial))
    assert [] == story.said(Transfer)


def test_sign_out_during_a_conversation_takes_effect_at_its_end(story: Story) -> None:
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial)
    story.agent_takes(dial)
    assert "talking" == story.log_out(101).agent(101).state
    assert "logged out" == story.ended(dial).agent(101).state, "without after-call work"


def test_sign_out_while_the_phone_rings_takes_effect_when_it_stops(story: Story) -> None:
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial)
    assert "reserved" == story.log_out(101).agent(101).state
    assert "logged out" == story.ended(dial).agent(101).state


def test_break_and_its_end_during_a_conversation_leave_the_agent_ready(story: Story) -> None:
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial)
    story.agent_takes(dial)
    story.agent_not_ready(101).agent_ready(101)
    story.ended(dial)
    assert "after-call work" == story.agent(101).state
    assert "ready" == story.agent_ready(101).agent(101).state


def test_reason_of_a_break_reaches_the_desktop(story: Story) -> None:
    story.agent_ready(101)
    assert AgentStateChanged(101, "not ready", "lunch") in story.tell(AgentBecameNotReady(101, "lunch")).commands


def test_words_of_agents_who_are_not_there_are_late(story: Story) -> None:
    late = story.dialer.snapshot().late_events
    story.tell(
        AgentBecameReady(101),
        AgentBecameNotReady(101),
        AgentLoggedOut(101),
        AgentLoggedIn(999, ""),
        AgentBecameReady(999),
        AgentLoggedOut(999),
    )
    assert late + 6 == story.dialer.snapshot().late_events


# --- phones -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phone", [PhoneState.UNKNOWN, PhoneState.RINGING, PhoneState.BUSY, PhoneState.UNREACHABLE])
def test_ready_agent_whose_phone_is_not_idle_is_not_free(story: Story, phone: PhoneState) -> None:
    story.log_in(101)
    story.phone(101, phone)
    assert [] == story.agent_ready(101).said(Dial)
    assert (0, phone.value) == (story.group().agents_ready, story.agent(101).phone_state)
    assert 1 == len(story.phone(101, PhoneState.IDLE).said(Dial))


def test_waiting_person_gets_the_agent_whose_phone_becomes_idle(story: Story) -> None:
    dial = story.agent_ready(101).the(Dial)
    story.phone(101, PhoneState.BUSY)
    story.person_answers(dial)
    assert [] == story.said(Transfer)
    assert dial.call_id == story.phone(101, PhoneState.IDLE).the(Transfer).call_id


def test_repeated_word_of_a_phone_changes_nothing(story: Story) -> None:
    story.agent_ready(101)
    assert [] == story.phone(101, PhoneState.IDLE).commands


def test_unknown_phones_are_ignored_and_counted(story: Story) -> None:
    story.tell(PhoneStateChanged(1, "nobody's", PhoneState.BUSY))
    assert 1 == story.dialer.snapshot().ignored_dn_events


def test_phone_belongs_to_the_agent_who_took_it_last(story: Story) -> None:
    story.tell(AgentLoggedIn(101, "900"), AgentLoggedIn(102, "900"), AgentBecameReady(101), AgentBecameReady(102))
    assert ["unknown", "idle"] == [story.agent(number).phone_state for number in (101, 102)]
    assert 1 == story.group().agents_ready


def test_former_phone_says_nothing_about_the_agent(story: Story) -> None:
    story.tell(AgentLoggedIn(101, "900"))
    story.log_out(101)
    story.tell(AgentLoggedIn(101, "901"))
    ignored = story.dialer.snapshot().ignored_dn_events
    story.tell(PhoneStateChanged(1, "900", PhoneState.BUSY))
    assert ("idle", ignored + 1) == (story.agent(101).phone_state, story.dialer.snapshot().ignored_dn_events)


def test_phones_of_those_who_left_are_not_kept(story: Story) -> None:
    for seat in range(50):
        story.tell(AgentLoggedIn(101, f"9{seat:02}"))
        story.log_out(101)
    assert 1 >= len(story.state.phones)


def test_silent_phone_ends_a_conversation_whose_end_was_missed(story: Story) -> None:
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial)
    story.phone(101, PhoneState.BUSY)
    story.agent_takes(dial)
    story.phone(101, PhoneState.IDLE)
    assert "connected" == story.advance(4_999).call_state(dial)
    assert "releasing" == story.advance(1).call_state(dial)
    story.ended(dial)
    assert "after-call work" == story.agent(101).state


def test_phone_that_is_back_at_once_means_nothing(story: Story) -> None:
    """A held call looks like that."""
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial)
    story.phone(101, PhoneState.BUSY)
    story.agent_takes(dial)
    story.phone(101, PhoneState.IDLE)
    story.advance(1_000).phone(101, PhoneState.BUSY)
    assert "connected" == story.advance(600_000).call_state(dial)


# --- queues -------------------------------------------------------------------------------------------------------


def test_longest_idle_agent_comes_first() -> None:
    story = dialing_story(group(1, agents=3), ready=[103, 101, 102])
    for dial, agent_id in zip(story.ever(Dial), [103, 101, 102], strict=True):
        story.person_answers(dial)
        assert agent_id == story.the(Transfer).agent_id


def test_agent_who_was_away_goes_to_the_end_of_the_queue() -> None:
    story = dialing_story(group(1, agents=2))
    story.agent_not_ready(101).agent_ready(101)
    story.person_answers(story.ever(Dial)[0])
    assert 102 == story.the(Transfer).agent_id


def test_agent_of_two_groups_takes_the_longest_waiting_person_of_either() -> None:
    first = group(1, agents=1, call_wait_in_queue_ms_max=60_000)
    settings, agents = group(2, agents=1, call_wait_in_queue_ms_max=60_000)
    second = (settings, type(agents)(2, "agents 2", (101, 201)))
    story = Story(configuration(first, second))
    story.start(1, 2).agent_ready(101, 201)
    calls = {dial.group_id: dial for dial in story.ever(Dial)}
    story.agent_not_ready(101, 201)
    story.person_answers(calls[2])
    story.person_answers(calls[1])
    assert calls[2].call_id == story.agent_ready(101).the(Transfer).call_id


def test_groups_that_share_agents_share_the_calls_in_flight_for_them() -> None:
    story = dialing_story(group(1, agents=3), group(2, agents=0, agents_of=1))
    assert 3 == len(story.ever(Dial)), "and not three for each group"


@pytest.mark.parametrize("then", ["ready", "logged out"])
def test_late_word_of_a_conversation_does_not_bring_back_its_agent(then: str) -> None:
    """The conversation's node is lost, the agent's leg ends, the agent goes on; then the old call shows life."""
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING), nodes=1)
    leg = story.the(Engage)
    dial = story.engaged(leg).the(Dial)
    story.person_answers(dial)
    story.agent_takes(dial)
    story.server_down(1).report(101)
    story.leg_ended(leg)
    assert ("lost", "after-call work") == (story.call_state(dial), story.agent(101).state)
    story.agent_ready(101) if then == "ready" else story.log_out(101)
    story.agent_takes(dial)
    assert then == story.agent(101).state
    story.ended(dial)
    assert "settled" == story.call_state(dial)
