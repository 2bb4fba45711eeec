"""Agents who have said when they will leave: nobody is called for somebody who is gone when the person answers."""

from copy import deepcopy
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialing_history import all_talk, with_history
from dialing_story import Story, configuration, dialing_story, group
from outdial.core.commands import Dial, Engage
from outdial.core.events import AgentLeaveAnnounced
from outdial.core.leaving import SLACK_MS, available_leavers
from outdial.core.modes import DialingMode as Mode
from outdial.core.units import MINUTE_MS, SECOND_MS, AgentId, CallId, Millis

TEAM = (101, 102, 103, 104, 105)
SEIZING = [Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING]
RING_MS = 25 * SECOND_MS
"""Ring limit of the groups."""


def leave(story: Story, *agents: AgentId, in_ms: Millis | None) -> Story:
    """Agents say that they will leave, or that they stay (None)."""
    at_ms = None if in_ms is None else story.mono_ms + in_ms
    return story.tell(*(AgentLeaveAnnounced(agent_id, at_ms) for agent_id in agents))


def busy_signals(story: Story) -> list[Dial]:
    """All calls in flight end; the calls that are started in their place."""
    return story.ended(*in_flight(story), sip=486).said(Dial)


def started_anew(story: Story, keep: int = 0) -> int:
    """Calls that are started within a second after those in flight, all but `keep`, have ended."""
    before = len(story.ever(Dial))
    story.ended(*in_flight(story)[keep:], sip=486).advance(SECOND_MS)
    return len(story.ever(Dial)) - before


def in_flight(story: Story) -> list[CallId]:
    """Calls that may still bring a person."""
    return [call_id for call_id, attempt in story.state.attempts.items() if attempt.is_in_flight]


def waiting_team(mode: Mode) -> Story:
    """Five agents without anything to do, each with a call under way; the group can dial ahead if the mode does."""
    story = dialing_story(group(1, mode, agents=5, ring_ms_max=RING_MS), ports=200)
    if mode.is_seizing:
        story.engaged(*story.ever(Engage))
    if mode.is_predictive:
        busy_signals(with_history(story))
        assert "predictive" == story.advance(SECOND_MS).group().pacing
    return story


def talking_team(agents: int, mode: Mode = Mode.PREDICTIVE) -> Story:
    """Agents in conversations of up to twenty seconds, and calls in flight for those who will come free."""
    story = dialing_story(group(1, mode, agents=agents), ports=20 * agents)
    if mode.is_seizing:
        story.engaged(*story.ever(Engage))
    return all_talk(with_history(story, talk_ms=lambda n: 100 * n), agents, mode).advance(SECOND_MS)


def coming(story: Story) -> int:
    """Agents whom the last decision expected to be free in time. Unit: thousandths."""
    return story.advance(SECOND_MS).group().decisions[-1].agents_millis


# --- free agents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREDICTIVE, Mode.PROGRESSIVE_GVP])
def test_nobody_is_called_for_a_team_whose_shift_ends_in_fifteen_seconds(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=5, ring_ms_max=RING_MS), ready=[])
    leave(story.log_in(*TEAM), *TEAM, in_ms=15 * SECOND_MS)
    assert [] == story.agent_ready(*TEAM).said(Dial)
    assert 5 == story.group().agents_ready
    assert ("waiting for agents: those who are free are due to leave",) == story.group().holds
    assert 2 == len(leave(story, 101, 102, in_ms=None).said(Dial)), "two stay after all"
    assert 1 == len(leave(story, 103, in_ms=60 * SECOND_MS).said(Dial)), "somebody stays for a minute more"


@pytest.mark.parametrize("left_ms, calls", [(RING_MS + SLACK_MS, 0), (RING_MS + SLACK_MS + 1, 5)])
def test_calls_may_ring_out_before_the_agents_leave(left_ms: Millis, calls: int) -> None:
    story = leave(waiting_team(Mode.PROGRESSIVE), *TEAM, in_ms=left_ms)
    assert calls == len(busy_signals(story))


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PREDICTIVE_GVP, Mode.PREDICTIVE_SEIZING])
def test_predictive_dials_nothing_for_agents_who_leave_before_the_first_person_can_answer(mode: Mode) -> None:
    story = waiting_team(mode)
    assert len(busy_signals(deepcopy(story))) >= 5
    first_ms = story.state.groups[1].odds.horizons[0]
    leave(story, *TEAM, in_ms=first_ms)
    assert [] == busy_signals(story)
    assert [] == story.advance(first_ms + 10 * SECOND_MS).said(Dial)
    assert len(leave(story, *TEAM, in_ms=None).said(Dial)) >= 5


def test_predictive_weighs_how_likely_it_is_that_the_person_answers_in_time() -> None:
    """Nothing is certain between the first and the last horizon; after the last one a call is as good as any."""
    story = waiting_team(Mode.PREDICTIVE)
    last_ms = story.state.groups[1].odds.horizons[-1]
    calls = []
    for left_ms in (0, last_ms // 2, last_ms + 1, RING_MS + SLACK_MS + 1):
        calls.append(len(busy_signals(leave(deepcopy(story), *TEAM[:3], in_ms=left_ms))))
    assert calls == sorted(calls)
    assert calls[0] < calls[-1] == len(busy_signals(story))


def test_those_who_stay_are_called_for() -> None:
    story = leave(waiting_team(Mode.PROGRESSIVE), 101, 102, in_ms=10 * SECOND_MS)
    assert 3 == len(busy_signals(story))
    assert 2 == available_leavers(story.state, story.state.groups[1])


def test_whoever_says_nothing_new_changes_nothing() -> None:
    story = leave(waiting_team(Mode.PROGRESSIVE), 101, in_ms=10 * SECOND_MS)
    assert [] == leave(story, 101, in_ms=10 * SECOND_MS).commands
    assert [(11 * SECOND_MS, 101)] == story.state.agent_groups[1].leaving


# --- engaged agents -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SEIZING)
def test_nobody_is_called_for_engaged_agents_who_leave(mode: Mode) -> None:
    story = leave(waiting_team(mode), *TEAM, in_ms=5 * SECOND_MS)
    assert [] == busy_signals(story)
    assert 5 == story.group().agents_ready, "they are still held on the line"
    assert 1 <= len(leave(story, 101, in_ms=None).said(Dial)) < 5


@pytest.mark.parametrize("mode", SEIZING)
def test_agents_who_are_about_to_leave_are_not_engaged(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=2), ready=[])
    leave(story.log_in(101, 102), 101, in_ms=10 * SECOND_MS)
    assert [102] == [each.agent_id for each in story.agent_ready(101, 102).said(Engage)]
    assert [101] == [each.agent_id for each in leave(story, 101, in_ms=None).said(Engage)]


# --- busy agents --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PREDICTIVE_SEIZING])
def test_busy_agent_who_leaves_is_not_expected_back_later(mode: Mode) -> None:
    story = talking_team(60, mode)  # enough for a forecast each second
    expected = coming(deepcopy(story))
    assert 0 == coming(leave(deepcopy(story), *range(101, 161), in_ms=2 * SECOND_MS))
    assert 0.45 * expected < coming(leave(deepcopy(story), *range(101, 131), in_ms=2 * SECOND_MS)) < 0.55 * expected
    assert expected == coming(leave(deepcopy(story), *range(101, 161), in_ms=RING_MS))
    assert expected == coming(leave(leave(story, 101, in_ms=1), 101, in_ms=None)), "taken back"


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PREDICTIVE_SEIZING])
def test_fewer_calls_are_started_for_busy_agents_of_whom_some_leave(mode: Mode) -> None:
    story = talking_team(40, mode)
    everybody = started_anew(deepcopy(story))
    half = started_anew(leave(deepcopy(story), *range(101, 121), in_ms=3 * SECOND_MS))
    nobody = started_anew(leave(story, *range(101, 141), in_ms=3 * SECOND_MS))
    assert 0 == nobody < half < everybody


def test_when_the_instant_has_passed_the_agent_is_not_expected_back_at_all() -> None:
    story = talking_team(3)
    odds = story.state.agent_groups[1].odds
    leave(story, 101, in_ms=5 * SECOND_MS)
    assert 3 == odds.count(), "until then, yes"
    story.advance(5 * SECOND_MS)
    assert 2 == odds.count()
    leave(story, 101, in_ms=SECOND_MS)
    assert 3 == odds.count(), "stays a second longer"
    leave(story, 101, in_ms=-SECOND_MS)
    assert 2 == odds.count(), "the past is now"
    leave(story, 101, in_ms=None)
    assert 3 == odds.count()


def test_break_that_was_announced_says_nothing_about_the_others() -> None:
    story = talking_team(1)
    odds = story.state.agent_groups[1].odds
    ready = odds.ready
    leave(story, 101, in_ms=SECOND_MS)
    story.ended(story.state.agents[101].call_id).advance(2 * SECOND_MS)
    story.agent_not_ready(101)
    assert ("not ready", ready, 0) == (story.agent(101).state, odds.ready, odds.count())


def test_break_long_before_the_end_of_the_shift_is_one_that_nobody_announced() -> None:
    story = talking_team(1)
    odds = story.state.agent_groups[1].odds
    ready = odds.ready
    leave(story, 101, in_ms=60 * MINUTE_MS)
    story.ended(story.state.agents[101].call_id).agent_not_ready(101)
    assert odds.ready < ready
    assert 0 == odds.count()


# --- how long it holds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("goes", ["not ready", "logged out"])
def test_announcement_is_forgotten_when_the_agent_goes(goes: str) -> None:
    story = leave(waiting_team(Mode.PROGRESSIVE), 101, in_ms=10 * SECOND_MS)
    story.agent_not_ready(101) if goes == "not ready" else story.log_out(101)
    assert (goes, None) == (story.agent(101).state, story.state.agents[101].leaves_at_ms)
    busy_signals(story)
    assert 1 == len(story.agent_ready(101).said(Dial))


def test_announcement_outlives_a_missed_call() -> None:
    """The dialer makes the agent not ready, not the agent: they will leave all the same."""
    story = waiting_team(Mode.PROGRESSIVE)
    leave(story, 101, in_ms=10 * SECOND_MS)
    dial = story.ever(Dial)[0]
    story.person_answers(dial)
    story.agent_misses(dial)
    assert "not ready" == story.agent(101).state
    busy_signals(story)
    assert [] == story.agent_ready(101).said(Dial)


def test_word_of_an_agent_who_is_not_there_is_late() -> None:
    story = dialing_story(group(1, agents=1), ready=[])
    late = story.dialer.snapshot().late_events
    leave(story, 101, 999, in_ms=SECOND_MS)
    assert late + 2 == story.dialer.snapshot().late_events
    assert 1 == len(story.agent_ready(101).said(Dial))


def test_word_of_an_agent_who_has_signed_out_during_a_conversation_is_late() -> None:
    story = talking_team(1)
    late = story.log_out(101).dialer.snapshot().late_events
    assert late + 1 == leave(story, 101, in_ms=SECOND_MS).dialer.snapshot().late_events
    story.ended(story.state.agents[101].call_id).advance(2 * SECOND_MS)
    assert ("logged out", []) == (story.agent(101).state, story.state.agent_groups[1].leaving)


def test_agents_who_change_their_group_leave_from_there() -> None:
    settings = configuration(group(1, agents=2), group(2, agents=1))
    story = Story(settings).start(1, 2).agent_ready(101, 102, 201)
    leave(story, 101, 201, in_ms=10 * SECOND_MS)
    first, second = settings.agent_groups
    moved = (replace(first, agents=(102,)), replace(second, agents=(201, 101)))
    story.load(replace(settings, agent_groups=moved))
    assert [] == story.state.agent_groups[1].leaving
    assert [101, 201] == [agent_id for _, agent_id in story.state.agent_groups[2].leaving]


def test_agents_who_leave_need_their_ports_until_then() -> None:
    story = waiting_team(Mode.PROGRESSIVE)
    need = story.group().ports.need_millis
    assert need == leave(story, *TEAM, in_ms=1).group().ports.need_millis
    assert need == story.advance(1).group().ports.need_millis, "whoever does not go is there"
    assert story.agent_not_ready(*TEAM).group().ports.need_millis < need


# --- whatever is announced ----------------------------------------------------------------------------------------


@cache
def team(mode: Mode, *, talks: bool) -> Story:
    """A story to make copies of."""
    return talking_team(40, mode) if talks else waiting_team(mode)


@pytest.mark.slow
@given(
    mode=st.sampled_from([Mode.PROGRESSIVE, Mode.PREDICTIVE, Mode.PREDICTIVE_SEIZING]),
    talks=st.booleans(),
    leaves=st.dictionaries(st.integers(101, 140), st.integers(-1_000, 30_000)),
    keep=st.integers(0, 10),
)
def test_announcing_never_makes_for_more_calls(
    mode: Mode, talks: bool, leaves: dict[AgentId, Millis], keep: int
) -> None:
    """The same moment, with and without the announcements: some calls end, and others are started or not."""
    quiet, told = (deepcopy(team(mode, talks=talks and mode.is_predictive)) for _ in range(2))
    for agent_id, in_ms in leaves.items():
        assert [] == leave(told, agent_id, in_ms=in_ms).said(Dial)
    assert started_anew(told, keep) <= started_anew(quiet, keep)
