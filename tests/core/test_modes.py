"""The nine dialing modes: when they dial, what a live answer leads to, and when a port is taken and given back."""

from dataclasses import replace
from itertools import pairwise

import pytest

from dialing_history import all_talk, with_history
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
)
from outdial.core.agent_odds import SLOT_MS
from outdial.core.budget import WINDOW_MS
from outdial.core.commands import (
    AgentStateChanged,
    CancelRecord,
    Dial,
    Engage,
    FetchRecords,
    Join,
    OfferRecord,
    Release,
    ReleaseEngaging,
    Reply,
    ReturnRecord,
    SettleAttempt,
    StartIvr,
    Transfer,
    WithdrawOffer,
)
from outdial.core.events import (
    DoNotCallAdded,
    EngagingAccepted,
    GroupStopRequested,
    PhoneState,
    PreviewAccepted,
    PreviewRejected,
    PreviewRequested,
    RecordCancelled,
)
from outdial.core.groups import IVR_DELAY_BIN_MS
from outdial.core.modes import DialingMode as Mode
from outdial.core.pacing import DECISIONS_KEPT, TICK_MS
from outdial.core.predictive import PILOT_SLACK_MS, RESOLVED_MIN, UPDATE_MS
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import CallingList, TreatmentAction
from outdial.core.units import MINUTE_MS, SECOND_MS

REGULAR = [Mode.PROGRESSIVE, Mode.PREDICTIVE]
SEIZING = [Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING]
GVP = [Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP, Mode.POWER_GVP]
PREVIEW = [Mode.PREVIEW, Mode.PUSH_PREVIEW]
DIALED = [*REGULAR, *SEIZING, *GVP]
"""Modes in which the dialer decides when to call."""


def dialed(mode: Mode, *, agents: int = 1, **settings: object) -> tuple[Story, Dial]:
    """A group and its first call; in seizing modes its agents are engaged."""
    story = dialing_story(group(1, mode, agents=agents, **settings))
    if mode.is_seizing:
        story.engaged(*story.said(Engage))
    return story, story.ever(Dial)[0]


def talking(mode: Mode) -> tuple[Story, Dial]:
    """A call whose agent (or IVR application) has it."""
    story, dial = dialed(mode)
    story.person_answers(dial)
    if mode.is_gvp:
        story.ivr_takes(dial)
    else:
        story.agent_takes(dial)
    return story, dial


# --- when they dial -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.PROGRESSIVE, Mode.PREDICTIVE, Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP])
def test_one_call_for_each_ready_agent(mode: Mode) -> None:
    """Progressive modes always, predictive ones until there is history."""
    story = dialing_story(group(1, mode, agents=3), ready=[])
    assert [] == story.log_in(101, 102, 103).said(Dial)
    assert 1 == len(story.agent_ready(101).said(Dial))
    assert 2 == len(story.agent_ready(102, 103).said(Dial))
    assert [] == story.advance(4 * SECOND_MS).said(Dial)


@pytest.mark.parametrize("mode", SEIZING)
def test_seizing_modes_engage_agents_first(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=2))
    assert [101, 102] == [each.agent_id for each in story.said(Engage)]
    assert [] == story.said(Dial)
    first, second = story.said(Engage)
    assert 1 == len(story.engaged(first).said(Dial)), "the first agent who waits on the line"
    assert 1 == len(story.engaged(second).said(Dial))


@pytest.mark.parametrize(
    "multiplier_millis, calls", [(1_000, 4), (1_500, 6), (700, 2), (500, 2), (100, 0), (2_500, 10), (15_000, 60)]
)
def test_progressive_multiplier_sets_the_calls_per_agent(multiplier_millis: int, calls: int) -> None:
    story = Story(configuration(group(1, agents=4, progressive_multiplier_millis=multiplier_millis)))
    story.agent_ready(101, 102, 103, 104).start(1)
    assert calls == len(story.said(Dial))


@pytest.mark.parametrize("mode", [Mode.PREDICTIVE, Mode.PREDICTIVE_GVP])
def test_predictive_modes_dial_ahead_of_agents(mode: Mode) -> None:
    story = all_talk(with_history(dialing_story(group(1, mode, agents=40), ports=200)), 40, mode)
    assert "predictive" == story.group().pacing
    view = story.advance(SECOND_MS).group()
    assert 0 == view.agents_ready
    assert view.dialing > 5, "calls for agents who will come free while it rings"


def test_predictive_with_seizing_dials_more_calls_than_agents_wait() -> None:
    story = with_history(dialing_story(group(1, Mode.PREDICTIVE_SEIZING, agents=30), ports=200))
    story.engaged(*story.ever(Engage)).advance(SECOND_MS)
    assert story.group().dialing > story.group().agents_ready == 30


def test_predictive_group_looks_again_though_nothing_happens() -> None:
    """Conversations last a minute, nearly to the second: near their end there are calls for the agents."""
    story = dialing_story(group(1, Mode.PREDICTIVE, agents=20, history_length=0), ports=200)
    all_talk(with_history(story, talk_ms=lambda n: 58_000 + 20 * n), 20)
    assert [] == story.advance(25 * SECOND_MS).said(Dial)
    assert 0 == story.group().dialing
    dials = story.advance(45 * SECOND_MS).said(Dial)
    assert 0 < len(dials)
    assert {"talking"} == {agent.state for agent in story.dialer.snapshot().agents}


@pytest.mark.parametrize("agents, shortest_ms", [(20, 160), (40, 640), (100, 1_000)])
def test_forecasts_are_farther_apart_the_more_agents_there_are(agents: int, shortest_ms: int) -> None:
    """A busy signal every tenth of a second: small groups make up for it at once."""
    story = all_talk(with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=agents), ports=400)), agents)
    decisions = story.advance(SECOND_MS).state.groups[1].pace.decisions
    decisions.clear()
    for _ in range(30):
        flying = [call_id for call_id, attempt in story.state.attempts.items() if attempt.is_in_flight]
        story.ended(*flying[:1], sip=486).advance(100)
    gaps = [after.at_mono_ms - before.at_mono_ms for before, after in pairwise(decisions)]
    assert len(gaps) >= 2
    assert shortest_ms == min(gaps)


def test_decisions_are_remembered_with_their_reasons() -> None:
    story = all_talk(with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=40), ports=200)), 40)
    decisions = story.state.groups[1].pace.decisions
    story.advance(3 * TICK_MS)
    last = decisions[-1]
    assert story.mono_ms - TICK_MS <= last.at_mono_ms <= story.mono_ms
    assert ("risk of the next call", 0, 40) == (last.why, last.available, last.busy)
    assert last.pending == story.group().dialing - last.started
    assert last.risk_ppm > last.threshold_ppm > 0
    assert last.persons_millis > 0 < last.agents_millis
    assert 5_000 < last.horizon_ms < 15_000
    story.advance(2 * DECISIONS_KEPT * TICK_MS)
    assert DECISIONS_KEPT == len(decisions)


def test_calls_per_agent_have_a_limit() -> None:
    story = with_history(dialing_story(group(1, agents=30, calls_per_agent_max_millis=1_200), ports=200))
    story.change_mode(Mode.PREDICTIVE)
    assert 36 == story.group().dialing
    assert "limit of calls in flight" == story.state.groups[1].pace.decisions[-1].why


def expected(story: Story, number: int = 101) -> str:
    """What an agent is expected back from."""
    agent = story.state.agents[number]
    return agent.expected[0].value if agent.expected is not None else ""


def test_agent_is_expected_back_through_conversation_and_after_call_work() -> None:
    story, dial = dialed(Mode.PREDICTIVE)
    odds = story.state.agent_groups[1].odds
    story.person_answers(dial)
    assert ("", 0) == (expected(story), odds.count()), "the phone rings"
    story.agent_takes(dial).advance(MINUTE_MS)
    assert ("talking", {story.state.agents[101].since_ms // SLOT_MS: 1}) == (expected(story), odds.talk.running)
    story.ended(dial)
    assert ("after-call work", {}, 1) == (expected(story), odds.talk.running, odds.count())
    story.advance(10 * SECOND_MS).agent_ready(101)
    assert ("", 0) == (expected(story), odds.count())
    odds.update(story.mono_ms)
    assert (1.0, 1.0, 1.0) == pytest.approx((sum(odds.talk.left), sum(odds.work.left), odds.ready), abs=0.01)


def test_announced_break_is_not_counted_on() -> None:
    story, dial = talking(Mode.PREDICTIVE)
    odds = story.state.agent_groups[1].odds
    story.agent_not_ready(101)
    assert ("", 0) == (expected(story), odds.count())
    story.agent_ready(101)
    assert ("talking", 1) == (expected(story), odds.count()), "changed their mind"
    story.agent_not_ready(101).ended(dial)
    story.agent_not_ready(101)
    assert (0, 1.0, 0.0) == (odds.count(), odds.ready, sum(odds.talk.left)), "said so, so nobody was disappointed"


@pytest.mark.parametrize("goes", ["not ready", "logged out"])
def test_break_that_nobody_announced_lowers_the_share_of_those_who_come_back(goes: str) -> None:
    story, dial = talking(Mode.PREDICTIVE)
    odds = story.state.agent_groups[1].odds
    story.ended(dial)
    story.agent_not_ready(101) if goes == "not ready" else story.log_out(101)
    assert goes == story.agent(101).state
    assert 0 == odds.count()
    assert odds.ready < 1.0


def test_agent_who_is_held_on_the_line_comes_back_to_the_group_that_holds_them() -> None:
    story, dial = talking(Mode.PREDICTIVE_SEIZING)
    group_, agents = story.state.groups[1], story.state.agent_groups[1]
    assert (1, 0) == (group_.held_odds.count(), agents.odds.count())
    story.ended(dial)
    assert ("after-call work", 1, 0) == (expected(story), group_.held_odds.count(), agents.odds.count())
    story.agent_ready(101)
    assert (0, 0) == (group_.held_odds.count(), agents.odds.count())


def test_agent_who_leaves_the_line_comes_back_to_all_groups() -> None:
    story, _ = talking(Mode.PREDICTIVE_SEIZING)
    story.leg_ended(story.ever(Engage)[0])
    assert ("after-call work", 0, 1) == (
        expected(story),
        story.state.groups[1].held_odds.count(),
        story.state.agent_groups[1].odds.count(),
    )


def test_lost_nodes_calls_vanish_from_the_forecast() -> None:
    story = with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=30), ports=200))
    odds, estimates = story.state.groups[1].odds, story.state.groups[1].estimates
    story.accepted(*story.state.attempts)
    resolved, in_flight, finished = odds.resolved, odds.in_flight, estimates.finished
    lost = [attempt for attempt in story.state.attempts.values() if attempt.node_id == 2]
    story.has_records = False
    story.state.groups[1].buffer.clear()
    story.node_down(2)
    assert lost and not any(attempt.is_in_flight for attempt in lost)
    assert (in_flight - len(lost), resolved) == (odds.in_flight, odds.resolved)
    kept = [call_id for call_id, attempt in story.state.attempts.items() if attempt not in lost]
    story.ended(*story.state.attempts)
    story.stop(1).advance(MINUTE_MS)
    assert ({}, 0, []) == (story.state.attempts, odds.in_flight, odds.flights(story.mono_ms))
    assert (finished + len(kept), {}) == (estimates.finished, estimates.turns._waiting), "lost calls say nothing"


@pytest.mark.slow
@pytest.mark.parametrize("other_mode", [Mode.PREDICTIVE, Mode.PROGRESSIVE])
def test_groups_that_share_agents_count_each_others_calls(other_mode: Mode) -> None:
    """Also those of a group that does not dial ahead itself."""

    def dials_ahead(calls_of_other: int) -> int:
        story = dialing_story(
            group(1, Mode.PREDICTIVE, agents=120, history_length=0, overdial_ratio_max=0.2),
            group(2, other_mode, agents=0, agents_of=1),
            ports=400,
        )
        all_talk(story, 120)
        story.stop(2)
        with_history(with_history(story, 1), 2)
        other = story.start(2).state.groups[2]
        story.check = False  # these calls are nobody's
        for _ in range(calls_of_other):
            other.odds.dialed(story.mono_ms)
        return story.advance(2 * TICK_MS).group(1).dialing

    assert 10 < dials_ahead(0)
    assert dials_ahead(10) <= dials_ahead(0) - 8


def test_call_lands_in_gvp_modes_when_the_caller_asks_for_an_agent() -> None:
    story, dial = dialed(Mode.PREDICTIVE_GVP)
    odds, budget = story.state.groups[1].odds, story.state.groups[1].budget
    story.person_answers(dial).ivr_takes(dial)
    assert (1, 0, 0) == (odds.in_flight, odds.resolved, budget.persons), "who talks to a machine needs nobody yet"
    story.advance(20 * SECOND_MS).ivr_wants_agent(dial)
    assert (0, 1, 1) == (odds.in_flight, odds.resolved, odds.persons_seen)
    assert 1.0 <= odds.person_delays[20 * SECOND_MS // IVR_DELAY_BIN_MS] < 2.0
    story.agent_takes(dial)
    assert (1, 0) == (budget.persons, budget.lost)
    story.ended(dial)
    assert (1, 0, 1) == (budget.persons, budget.lost, odds.resolved), "once"


def test_caller_who_leaves_the_ivr_application_was_nobody_who_needs_an_agent() -> None:
    story, dial = talking(Mode.PREDICTIVE_GVP)
    odds, budget = story.state.groups[1].odds, story.state.groups[1].budget
    story.ended(dial)
    assert (1, 0, 0) == (odds.resolved, odds.persons_seen, budget.persons)


@pytest.mark.parametrize("how", ["hangs up", "waits too long"])
def test_caller_who_asked_and_found_no_agent_counts_in_the_budget(how: str) -> None:
    story, dial = talking(Mode.PREDICTIVE_GVP)
    budget = story.state.groups[1].budget
    story.agent_not_ready(101).ivr_wants_agent(dial)
    assert "waiting" == story.call_state(dial)
    if how == "waits too long":
        story.advance(MINUTE_MS)
    story.ended(dial)
    assert (1, 1, 1_000) == (budget.persons, budget.lost, story.group().abandon_millis)


@pytest.mark.parametrize("mode", [*REGULAR, *SEIZING])
def test_every_person_is_in_the_account_once(mode: Mode) -> None:
    story, dial = talking(mode)
    budget = story.state.groups[1].budget
    assert (1, 0) == (budget.persons, budget.lost)
    story.ended(dial)
    assert (1, 0) == (budget.persons, budget.lost)
    story, dial = nobody_free(Mode.PROGRESSIVE)
    story.ended(dial)
    assert (1, 1) == (story.state.groups[1].budget.persons, story.state.groups[1].budget.lost)


@pytest.mark.parametrize("has_records", [True, False])
def test_budget_learns_nothing_while_something_else_holds_the_group_back(has_records: bool) -> None:
    story = with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=2), has_records=has_records))
    assert has_records != story.state.groups[1].budget.is_held_back


def test_preview_calls_are_not_forecast() -> None:
    story, _ = offered(Mode.PREVIEW)
    dial = story.tell(PreviewAccepted(101)).the(Dial)
    odds = story.state.groups[1].odds
    assert 0 == odds.in_flight
    story.accepted(dial)
    story.answered(dial).ended(dial)
    assert (0, 0) == (odds.resolved, story.state.groups[1].budget.persons)


def test_groups_that_share_agents_take_turns() -> None:
    story = dialing_story(group(1, agents=1), group(2, agents=0, agents_of=1))
    for _ in range(6):
        [call_id] = story.state.attempts
        story.accepted(call_id)
        story.ended(call_id, sip=486)
    assert {1: 4, 2: 3} == {n: sum(dial.group_id == n for dial in story.ever(Dial)) for n in (1, 2)}


def test_power_keeps_its_number_of_calls_in_progress() -> None:
    story = dialing_story(group(1, Mode.POWER_GVP, agents=0, maximum_queue_size=3))
    first, second, third = story.said(Dial)
    story.person_answers(first)
    story.ivr_takes(first)
    assert [] == story.said(Dial), "a session is a call in progress"
    assert 1 == len(story.ended(first).said(Dial))
    story.picked_up(Verdict.MACHINE, second)
    assert 1 == len(story.ended(second).said(Dial))
    story.rejected(third)
    assert 3 == story.group().ports.used_ports


@pytest.mark.parametrize("mode", [*REGULAR, *SEIZING, Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP, *PREVIEW])
def test_nothing_is_dialed_without_agents(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=2), ready=[])
    assert [] == story.advance(MINUTE_MS).ever(Dial)
    assert ("no agent logged in",) == story.group().holds


# --- who answers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", DIALED)
def test_person_is_connected(mode: Mode) -> None:
    story, dial = dialed(mode)
    story.person_answers(dial)
    if mode.is_gvp:
        assert (dial.call_id, "survey") == (story.the(StartIvr).call_id, story.the(StartIvr).application)
    elif mode.is_seizing:
        leg = story.ever(Engage)[0]
        assert Join(dial.call_id, leg.call_id, 101) == story.the(Join)
    else:
        assert Transfer(dial.call_id, 101, "7101", 20_000) == story.the(Transfer)


@pytest.mark.parametrize("mode", DIALED)
@pytest.mark.parametrize(
    "verdict, result",
    [
        (Verdict.MACHINE, CallResult.ANSWERING_MACHINE),
        (Verdict.FAX, CallResult.FAX),
        (Verdict.SILENCE, CallResult.SILENCE),
        (Verdict.SIT, CallResult.SIT_DETECTED),
    ],
)
def test_whatever_is_no_person_is_released(mode: Mode, verdict: Verdict, result: CallResult) -> None:
    story, dial = dialed(mode)
    assert dial.call_id == story.picked_up(verdict, dial).the(Release).call_id
    assert [] == [each for each in story.commands if isinstance(each, Transfer | Join | StartIvr)]
    settled = story.ended(dial).said(SettleAttempt)[0]
    assert (result, Fault.CALLEE) == (settled.call_result, settled.fault)
    assert 0 == story.group().counts.answered


@pytest.mark.parametrize("mode", DIALED)
def test_answer_without_a_verdict_counts_as_a_person(mode: Mode) -> None:
    story, dial = dialed(mode, cpd_ms_max=4_000)
    story.accepted(dial)
    story.answered(dial)
    assert "answered" == story.advance(3_999).call_state(dial)
    story.advance(1)
    assert 1 == len([each for each in story.commands if isinstance(each, Transfer | Join | StartIvr)])
    assert 1 == story.group().counts.answered


@pytest.mark.parametrize("mode", DIALED)
def test_without_detection_every_answer_is_a_person(mode: Mode) -> None:
    story, dial = dialed(mode, call_progress_detection=False)
    assert not dial.call_progress_detection
    story.accepted(dial)
    story.answered(dial)
    assert 1 == len([each for each in story.commands if isinstance(each, Transfer | Join | StartIvr)])


def test_second_verdict_is_late() -> None:
    story, dial = dialed(Mode.PROGRESSIVE)
    story.person_answers(dial)
    late = story.dialer.snapshot().late_events
    assert [] == story.verdict(Verdict.MACHINE, dial).commands
    assert late + 1 == story.dialer.snapshot().late_events


# --- ports --------------------------------------------------------------------------------------------------------


def ports(story: Story) -> tuple[int, int]:
    """Regular and engaging ports that group 1 holds."""
    view = story.group().ports
    return view.regular_ports, view.engaging_ports


@pytest.mark.parametrize("mode", REGULAR)
def test_regular_modes_hold_a_port_until_the_agent_has_the_call(mode: Mode) -> None:
    story, dial = dialed(mode)
    assert (1, 0) == ports(story)
    assert (1, 0) == ports(story.person_answers(dial))
    assert (0, 0) == ports(story.agent_takes(dial))
    assert (0, 0) == ports(story.ended(dial))


@pytest.mark.parametrize("mode", SEIZING)
def test_seizing_modes_hold_both_ports_through_the_conversation_and_one_across_conversations(mode: Mode) -> None:
    story = dialing_story(group(1, mode), has_records=False)
    leg = story.the(Engage)
    assert (0, 1) == ports(story), "from the request on"
    story.engaged(leg).fetched(chain(1), chain(2))
    dial = story.the(Dial)
    assert (1, 1) == ports(story)
    story.person_answers(dial)
    assert (1, 1) == ports(story.agent_takes(dial))
    assert (0, 1) == ports(story.ended(dial)), "the agent stays on the line"
    story.agent_ready(101)
    assert (1, 1) == ports(story)
    assert [leg] == story.ever(Engage)
    story.ended(story.the(Dial), sip=486)
    story.agent_not_ready(101)
    assert leg.call_id == story.the(ReleaseEngaging).call_id
    assert (0, 1) == ports(story)
    assert (0, 0) == ports(story.leg_ended(leg))


@pytest.mark.parametrize("mode", GVP)
def test_gvp_modes_hold_a_port_to_the_end(mode: Mode) -> None:
    story, dial = dialed(mode, agents=1, **({"maximum_queue_size": 1} if mode is Mode.POWER_GVP else {}))
    assert (1, 0) == ports(story.person_answers(dial))
    assert (1, 0) == ports(story.ivr_takes(dial))
    story.ivr_wants_agent(dial)
    assert (1, 0) == ports(story.agent_takes(dial))
    story.stop(1)
    assert (0, 0) == ports(story.ended(dial))


@pytest.mark.parametrize("mode", DIALED)
@pytest.mark.parametrize("how", ["busy", "rejected", "machine"])
def test_port_comes_home_with_the_end_of_a_call_that_reached_nobody(mode: Mode, how: str) -> None:
    story, dial = dialed(mode)
    held = ports(story)[0]
    story.stop(1)
    if how == "rejected":
        story.rejected(dial)
    else:
        story.accepted(dial)
        if how == "machine":
            story.answered(dial)
            story.verdict(Verdict.MACHINE, dial)
        assert held == ports(story)[0]
        story.ended(dial, sip=486 if how == "busy" else None)
    assert held - 1 == ports(story)[0]


# --- agents and persons -------------------------------------------------------------------------------------------


def nobody_free(mode: Mode = Mode.PROGRESSIVE, **settings: object) -> tuple[Story, Dial]:
    """A person who has just answered, and an agent on a break."""
    story, dial = dialed(mode, **settings)
    if not mode.is_seizing:
        story.agent_not_ready(101)
    story.person_answers(dial)
    return story, dial


def test_person_who_waits_too_long_is_dropped() -> None:
    story, dial = nobody_free(call_wait_in_queue_ms_max=2_000)
    assert ("waiting", 1) == (story.call_state(dial), story.group().waiting)
    assert [] == story.advance(1_999).said(Release)
    assert dial.call_id == story.advance(1).the(Release).call_id
    settled = story.ended(dial).the(SettleAttempt)
    assert (CallResult.DROPPED, Fault.OURS, 2_000) == (settled.call_result, settled.fault, settled.wait_ms)
    assert (1, 0) == (story.group().counts.dropped, story.group().counts.abandoned)
    assert 1_000 == story.group().abandon_millis


def test_person_who_hangs_up_while_waiting_has_abandoned() -> None:
    story, dial = nobody_free()
    settled = story.advance(1_500).ended(dial).the(SettleAttempt)
    assert (CallResult.ABANDONED, Fault.CALLEE, 1_500) == (settled.call_result, settled.fault, settled.wait_ms)
    assert (0, 1) == (story.group().counts.dropped, story.group().counts.abandoned)


def test_agent_who_becomes_ready_gets_the_person_who_waits() -> None:
    story, dial = nobody_free()
    transfer = story.advance(1_000).agent_ready(101).the(Transfer)
    assert (dial.call_id, 101) == (transfer.call_id, transfer.agent_id)
    story.agent_takes(dial)
    assert 1_000 == story.ended(dial).the(SettleAttempt).wait_ms


def test_longest_waiting_person_meets_the_longest_idle_agent() -> None:
    story = dialing_story(group(1, agents=3))
    first, second, third = story.said(Dial)
    story.agent_not_ready(101, 102, 103)
    story.person_answers(second)
    story.person_answers(first)
    story.agent_ready(103)
    assert [(second.call_id, 103)] == [(each.call_id, each.agent_id) for each in story.said(Transfer)]
    story.agent_ready(102)
    assert [(first.call_id, 102)] == [(each.call_id, each.agent_id) for each in story.said(Transfer)]
    story.agent_ready(101)
    story.person_answers(third)
    assert 101 == story.the(Transfer).agent_id


def test_agent_who_does_not_answer_is_taken_out_and_the_next_one_asked() -> None:
    story, dial = dialed(Mode.PROGRESSIVE, agents=2)
    story.person_answers(dial)
    assert 101 == story.the(Transfer).agent_id
    story.agent_misses(dial)
    assert 102 == story.the(Transfer).agent_id
    assert AgentStateChanged(101, "not ready", "no answer") in story.commands


def test_silent_server_counts_as_an_agent_who_does_not_answer() -> None:
    story, dial = dialed(Mode.PROGRESSIVE, agents=2, call_wait_agent_connected_ms_max=10_000)
    story.person_answers(dial)
    assert [] == story.advance(14_999).said(Transfer)
    assert 102 == story.advance(1).the(Transfer).agent_id
    assert "not ready" == story.agent(101).state


def test_person_whose_agent_did_not_answer_keeps_their_place_in_line() -> None:
    story, first = dialed(Mode.PROGRESSIVE, agents=2, call_wait_in_queue_ms_max=60_000)
    second = story.ever(Dial)[1]
    story.person_answers(first)
    story.agent_not_ready(102)
    story.advance(SECOND_MS)
    story.person_answers(second)
    story.agent_misses(first)
    assert ["waiting", "waiting"] == [story.call_state(first), story.call_state(second)]
    assert first.call_id == story.agent_ready(102).the(Transfer).call_id


def test_person_whose_agent_did_not_answer_has_waited_since_the_beginning() -> None:
    story, dial = dialed(Mode.PROGRESSIVE, call_wait_in_queue_ms_max=5_000)
    story.person_answers(dial)
    story.advance(4_000).agent_misses(dial)
    assert [] == story.advance(999).said(Release)
    assert dial.call_id == story.advance(1).the(Release).call_id


def test_end_of_a_conversation_leads_to_after_call_work_and_then_to_the_next_call() -> None:
    story, dial = talking(Mode.PROGRESSIVE)
    assert "after-call work" == story.ended(dial).agent(101).state
    assert [] == story.advance(10 * MINUTE_MS).said(Dial)
    assert 1 == len(story.agent_ready(101).said(Dial))


def test_after_call_work_may_end_by_itself() -> None:
    story, dial = dialed(Mode.PROGRESSIVE, after_call_work_ms_max=15_000)
    story.person_answers(dial)
    story.agent_takes(dial)
    story.ended(dial)
    assert [] == story.advance(14_999).said(Dial)
    assert 1 == len(story.advance(1).said(Dial))


def test_break_asked_for_during_a_conversation_begins_after_it() -> None:
    story, dial = talking(Mode.PROGRESSIVE)
    assert "talking" == story.agent_not_ready(101).agent(101).state
    story.ended(dial)
    assert "after-call work" == story.agent(101).state
    assert "not ready" == story.agent_not_ready(101).agent(101).state


# --- seizing ------------------------------------------------------------------------------------------------------


def test_engaged_agent_who_does_not_answer_is_taken_out() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING))
    leg = story.the(Engage)
    story.leg_ended(leg)
    assert ("not ready", 0) == (story.agent(101).state, story.group().ports.engaging_ports)
    assert AgentStateChanged(101, "not ready", "did not answer the engaging call") in story.commands


def test_engaging_call_that_rings_too_long_is_given_up() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, call_wait_agent_connected_ms_max=10_000))
    leg = story.the(Engage)
    story.tell(EngagingAccepted(leg.call_id))
    asked_ms = story.state.engagings[leg.call_id].requested_at_ms
    assert [] == story.advance(asked_ms + 14_999 - story.mono_ms).said(ReleaseEngaging)
    assert leg.call_id == story.advance(1).the(ReleaseEngaging).call_id
    assert "not ready" == story.agent(101).state


def test_engaging_call_that_the_server_refuses_is_tried_again_after_a_pause() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING))
    assert [] == story.rejected(story.the(Engage), congested=True).said(Engage)
    assert "ready" == story.agent(101).state, "not the agent's fault"
    assert [] == story.advance(4_999).said(Engage)
    assert 101 == story.advance(1).the(Engage).agent_id


def test_engaging_call_that_comes_to_life_too_late_is_released() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING))
    leg = story.the(Engage)
    story.agent_not_ready(101)
    story.advance(20 * SECOND_MS)
    assert {} == story.state.engagings
    assert leg.call_id == story.engaged(leg).the(ReleaseEngaging).call_id


def test_agent_who_leaves_the_line_ends_the_conversation() -> None:
    story, dial = talking(Mode.PROGRESSIVE_SEIZING)
    leg = story.ever(Engage)[0]
    assert dial.call_id == story.leg_ended(leg).the(Release).call_id
    assert CallResult.ANSWER is story.ended(dial).the(SettleAttempt).call_result
    assert "after-call work" == story.agent(101).state
    assert [] == story.advance(SECOND_MS).said(Engage)
    assert 101 == story.agent_ready(101).the(Engage).agent_id, "engaged anew when ready"


def test_failed_join_gives_the_person_back_to_the_line() -> None:
    story, dial = dialed(Mode.PROGRESSIVE_SEIZING, agents=2)
    story.person_answers(dial)
    assert 101 == story.the(Join).agent_id
    leg = story.ever(Engage)[0]
    assert leg.call_id == story.agent_misses(dial).the(ReleaseEngaging).call_id
    assert 102 == story.the(Join).agent_id
    assert "ready" == story.agent(101).state, "who waited on the line has done nothing wrong"
    assert [] == story.leg_ended(leg).said(Engage)
    assert 101 == story.advance(5 * SECOND_MS).the(Engage).agent_id, "called anew after a pause"


def test_person_who_cannot_be_joined_does_not_cost_a_team_its_legs() -> None:
    story, dial = dialed(Mode.PROGRESSIVE_SEIZING, agents=3)
    story.person_answers(dial)
    story.agent_misses(dial)
    assert dial.call_id == story.agent_misses(dial).the(Release).call_id
    assert 2 == len(story.ever(ReleaseEngaging))
    assert ["ready"] * 3 == [story.agent(agent_id).state for agent_id in (101, 102, 103)]
    assert CallResult.DROPPED is story.ended(dial).said(SettleAttempt)[0].call_result


def test_join_without_a_word_of_the_server_is_not_the_agents_fault_either() -> None:
    story, dial = dialed(Mode.PROGRESSIVE_SEIZING)
    story.person_answers(dial)
    story.advance(5 * SECOND_MS)
    assert [story.ever(Engage)[0].call_id] == [each.call_id for each in story.ever(ReleaseEngaging)]
    assert "ready" == story.agent(101).state


def test_groups_that_share_agents_engage_no_more_than_their_part() -> None:
    story = dialing_story(
        group(1, Mode.PROGRESSIVE_SEIZING, agents=4), group(2, Mode.PROGRESSIVE_SEIZING, agents=0, agents_of=1)
    )
    assert {1: 2, 2: 2} == {number: sum(each.group_id == number for each in story.ever(Engage)) for number in (1, 2)}


def test_stop_lets_idle_engaged_agents_go_and_conversations_end_by_themselves() -> None:
    story, dial = dialed(Mode.PROGRESSIVE_SEIZING, agents=2)
    story.person_answers(dial)
    story.agent_takes(dial)
    busy, idle = story.ever(Engage)
    assert [idle.call_id] == [each.call_id for each in story.stop(1).said(ReleaseEngaging)]
    story.leg_ended(idle)
    assert ("stopping", "connected") == (story.group().state, story.call_state(dial))
    assert [busy.call_id] == [each.call_id for each in story.ended(dial).said(ReleaseEngaging)]
    story.leg_ended(busy)
    for other in story.ever(Dial)[1:]:
        story.ended(other)
    assert "stopped" == story.group().state


# --- IVR applications ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", GVP)
def test_ivr_session_may_end_without_an_agent(mode: Mode) -> None:
    story, dial = talking(mode)
    assert ("in ivr", 1) == (story.call_state(dial), story.group().connected)
    settled = story.advance(30_000).ended(dial).the(SettleAttempt)
    assert (CallResult.ANSWER, 30_000, None) == (settled.call_result, settled.talk_ms, settled.agent_id)


def test_ivr_application_may_ask_for_an_agent() -> None:
    story, dial = talking(Mode.PROGRESSIVE_GVP)
    transfer = story.ivr_wants_agent(dial).the(Transfer)
    assert (dial.call_id, 101) == (transfer.call_id, transfer.agent_id)
    story.agent_takes(dial)
    assert ("connected", "talking") == (story.call_state(dial), story.agent(101).state)
    assert 101 == story.ended(dial).the(SettleAttempt).agent_id
    assert "after-call work" == story.agent(101).state


def test_ivr_application_of_a_group_without_agents_keeps_the_caller() -> None:
    story, dial = dialed(Mode.POWER_GVP, agents=0)
    story.person_answers(dial)
    story.ivr_takes(dial)
    assert [] == story.ivr_wants_agent(dial).commands
    assert "in ivr" == story.call_state(dial)


def test_repeated_ivr_start_does_not_disturb_the_transfer_to_an_agent() -> None:
    story, dial = talking(Mode.PROGRESSIVE_GVP)
    story.ivr_wants_agent(dial)
    story.ivr_takes(dial)
    assert "connecting" == story.call_state(dial)
    story.agent_takes(dial)
    assert ("connected", "talking") == (story.call_state(dial), story.agent(101).state)


def test_ivr_start_means_nothing_to_a_group_without_ivr() -> None:
    story, dial = dialed(Mode.PROGRESSIVE)
    story.person_answers(dial)
    story.ivr_takes(dial)
    assert "connecting" == story.call_state(dial)


def test_ivr_session_that_lasts_too_long_is_released() -> None:
    story, dial = dialed(Mode.POWER_GVP, agents=0, maximum_queue_size=1, ivr_ms_max=60_000)
    story.person_answers(dial)
    story.ivr_takes(dial)
    assert [] == story.advance(59_999).said(Release)
    assert dial.call_id == story.advance(1).the(Release).call_id


def test_ivr_application_that_never_starts_counts_as_a_drop() -> None:
    story, dial = dialed(Mode.PROGRESSIVE_GVP)
    story.person_answers(dial)
    assert dial.call_id == story.advance(5 * SECOND_MS).the(Release).call_id
    assert CallResult.DROPPED is story.ended(dial).the(SettleAttempt).call_result


# --- preview ------------------------------------------------------------------------------------------------------


def offered(mode: Mode = Mode.PUSH_PREVIEW, **settings: object) -> tuple[Story, OfferRecord]:
    """A record on offer to agent 101."""
    story = dialing_story(group(1, mode, **settings))
    if mode is Mode.PREVIEW:
        story.tell(PreviewRequested(101, 1))
    return story, story.ever(OfferRecord)[-1]


def test_preview_waits_until_the_agent_asks() -> None:
    story = dialing_story(group(1, Mode.PREVIEW))
    assert [] == story.advance(MINUTE_MS).ever(OfferRecord)
    assert ("waiting for agents: agents decide when to call",) == story.group().holds
    offer = story.tell(PreviewRequested(101, 1)).the(OfferRecord)
    assert (101, 1, number_of(1)) == (offer.agent_id, offer.group_id, offer.record.number)
    assert "reserved" == story.agent(101).state


def test_push_preview_offers_a_record_to_every_free_agent() -> None:
    story = dialing_story(group(1, Mode.PUSH_PREVIEW, agents=3))
    assert [101, 102, 103] == [each.agent_id for each in story.said(OfferRecord)]
    assert 3 == len({each.record.record_id for each in story.said(OfferRecord)})


@pytest.mark.parametrize("mode", PREVIEW)
def test_accepted_record_is_called_with_the_agent_on_the_call(mode: Mode) -> None:
    story, offer = offered(mode)
    dial = story.tell(PreviewAccepted(101)).the(Dial)
    assert (offer.record.number, 101, "7101") == (dial.number, dial.agent_id, dial.phone)
    assert (1, False) == (dial.node_id, dial.call_progress_detection)
    assert ("talking", 0) == (story.agent(101).state, story.group().ports.used_ports)
    story.accepted(dial)
    story.rings(dial)
    story.answered(dial)
    assert "connected" == story.call_state(dial)
    settled = story.advance(60_000).ended(dial).the(SettleAttempt)
    assert (CallResult.ANSWER, 101, 60_000) == (settled.call_result, settled.agent_id, settled.talk_ms)
    assert "after-call work" == story.agent(101).state
    assert 0 == story.pool().used_ports


@pytest.mark.parametrize("mode", PREVIEW)
def test_rejected_record_goes_back_for_somebody_else(mode: Mode) -> None:
    story, offer = offered(mode)
    story.tell(PreviewRejected(101))
    assert [(offer.record.record_id, 0, "declined by the agent")] == [
        (each.record_id, each.not_before_utc_ms, each.reason) for each in story.said(ReturnRecord)
    ]
    assert (1 if mode is Mode.PUSH_PREVIEW else 0) == len(story.said(OfferRecord))


@pytest.mark.parametrize("mode", PREVIEW)
def test_cancelled_record_is_finished(mode: Mode) -> None:
    story, offer = offered(mode)
    story.tell(PreviewRejected(101, cancel_record=True))
    assert [CancelRecord(1, offer.record.record_id, CallResult.CANCEL_RECORD)] == story.said(CancelRecord)
    assert [] == story.said(ReturnRecord)


def test_rest_of_the_chain_survives_a_cancelled_record() -> None:
    story = dialing_story(group(1, Mode.PUSH_PREVIEW), has_records=False)
    story.fetched(chain(1, 2))
    story.tell(PreviewRejected(101, cancel_record=True))
    assert [2] == [each.record_id for each in story.said(ReturnRecord)]


@pytest.mark.parametrize("mode", PREVIEW)
def test_agent_who_does_not_decide_is_taken_out(mode: Mode) -> None:
    story, offer = offered(mode, preview_ms_max=30_000)
    assert [] == story.advance(30_000 - story.mono_ms + story.state.agents[101].since_ms - 1).said(WithdrawOffer)
    story.advance(1)
    assert WithdrawOffer(101, "no decision in time") == story.the(WithdrawOffer)
    assert [offer.record.record_id] == [each.record_id for each in story.said(ReturnRecord)]
    assert "not ready" == story.agent(101).state


@pytest.mark.parametrize("mode", PREVIEW)
def test_stop_takes_back_what_is_on_offer(mode: Mode) -> None:
    story, offer = offered(mode)
    story.stop(1)
    assert WithdrawOffer(101, "the group was stopped") == story.the(WithdrawOffer)
    assert offer.record.record_id in [each.record_id for each in story.said(ReturnRecord)]
    assert ("ready", "stopped") == (story.agent(101).state, story.group().state)
    assert [] == story.tell(PreviewAccepted(101)).said(Dial)


@pytest.mark.parametrize("goes", ["not ready", "logged out"])
def test_agent_who_goes_gives_the_record_back(goes: str) -> None:
    story, offer = offered()
    story.agent_not_ready(101) if goes == "not ready" else story.log_out(101)
    assert [offer.record.record_id] == [each.record_id for each in story.said(ReturnRecord)]
    assert goes == story.agent(101).state


@pytest.mark.parametrize(
    "prepare, reason",
    [
        (lambda story: story.stop(1), "group group 1 is not running"),
        (lambda story: story.agent_not_ready(101), "the agent is not free"),
        (lambda story: story.phone(101, PhoneState.BUSY), "the agent is not free"),
        (lambda story: story.node_down(1), "the prime node is lost"),
        (lambda story: story.state.groups[1].buffer.clear(), "no record is due"),
        (lambda story: story.change_mode(Mode.PROGRESSIVE), None),
    ],
    ids=["stopped", "on a break", "phone busy", "prime node lost", "no records", "mode change is refused"],
)
def test_request_for_a_record_is_refused_with_its_reason(prepare, reason: str | None) -> None:
    story = dialing_story(group(1, Mode.PREVIEW))
    story.has_records = False
    prepare(story)
    story.tell(PreviewRequested(101, 1))
    assert ([WithdrawOffer(101, reason)] if reason else []) == story.said(WithdrawOffer)


def test_request_for_a_record_of_another_group_or_mode_is_refused() -> None:
    story = dialing_story(group(1, Mode.PREVIEW), group(2, Mode.PREVIEW), group(3), ready=[101, 201])
    for number, reason in [
        (2, "agent agent101 does not work for group group 2"),
        (3, "group group 3 dials in progressive mode"),
    ]:
        assert [WithdrawOffer(101, reason)] == story.tell(PreviewRequested(101, number)).said(WithdrawOffer)
    late = story.dialer.snapshot().late_events
    story.tell(PreviewRequested(999, 1), PreviewRequested(101, 999), PreviewAccepted(999), PreviewRejected(101))
    assert late + 4 == story.dialer.snapshot().late_events


def test_offered_number_is_not_dialed_by_another_group() -> None:
    story = dialing_story(group(1, Mode.PUSH_PREVIEW), group(2), has_records=False)
    story.fetched(chain(1), number=1).fetched(chain(2, number=number_of(1)), number=2)
    assert [] == story.said(Dial)
    assert ["its number is in another call"] == [each.reason for each in story.said(ReturnRecord)]


def test_offered_record_is_not_dialed_after_its_number_became_do_not_call() -> None:
    story, offer = offered()
    story.tell(DoNotCallAdded(offer.record.number))
    story.tell(PreviewAccepted(101))
    assert [] == story.said(Dial)
    assert f"{offer.record.number} is on the do-not-call list" == story.the(WithdrawOffer).reason
    story.agent_not_ready(101).agent_ready(101)
    assert offer.record.record_id not in [each.record.record_id for each in story.said(OfferRecord)]


def test_offered_record_is_not_dialed_outside_its_hours() -> None:
    noon_s = NOON_MS // SECOND_MS % 86_400
    hours = CallingList(1, "list", UTC, daily_till_s=noon_s + 60)
    story = dialing_story(group(1, Mode.PUSH_PREVIEW), calling_list=hours)
    offer = story.the(OfferRecord)
    story.has_records = False
    story.advance(70 * SECOND_MS)
    story.tell(PreviewAccepted(101))
    assert [] == story.said(Dial)
    assert "calling hours 00:00:00 to 12:01:00, now 12:01:11 (UTC)" == story.the(WithdrawOffer).reason
    assert offer.record.record_id in [each.record_id for each in story.said(ReturnRecord)]


def test_offered_record_that_is_cancelled_is_withdrawn() -> None:
    story, offer = offered()
    story.tell(RecordCancelled(1, offer.record.record_id))
    assert 1 == len(story.said(WithdrawOffer))
    assert [offer.record.record_id] == [each.record_id for each in story.said(CancelRecord)]
    assert [] == [each for each in story.said(ReturnRecord) if each.record_id == offer.record.record_id]


def test_offered_record_that_comes_onto_a_do_not_call_list_is_finished() -> None:
    story, offer = offered()
    story.tell(RecordCancelled(1, offer.record.record_id, "national"))
    assert 1 == len(story.said(WithdrawOffer))
    assert [CallResult.DO_NOT_CALL] == [each.call_result for each in story.said(CancelRecord)]


def test_lost_prime_node_takes_back_the_accepted_record() -> None:
    story, offer = offered()
    story.node_down(1)
    story.tell(PreviewAccepted(101))
    assert [] == story.said(Dial)
    assert offer.record.record_id in [each.record_id for each in story.ever(ReturnRecord)]


# --- changing the mode --------------------------------------------------------------------------------------------

FAMILIES = [
    (Mode.PROGRESSIVE, Mode.PREDICTIVE),
    (Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING),
    (Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP),
]
WITHIN = [*FAMILIES, *((after, before) for before, after in FAMILIES)]
ACROSS = [(before, after) for before in Mode for after in Mode if before is not after and (before, after) not in WITHIN]


@pytest.mark.parametrize("before, after", WITHIN)
def test_running_group_may_change_within_its_family(before: Mode, after: Mode) -> None:
    story = dialing_story(group(1, before))
    calls = len(story.state.attempts)
    assert story.change_mode(after).the(Reply).ok
    assert (after, "running") == (story.group().mode, story.group().state)
    assert calls == len(story.state.attempts)


@pytest.mark.parametrize("before, after", ACROSS)
def test_running_group_may_not_leave_its_family(before: Mode, after: Mode) -> None:
    story = dialing_story(group(1, before, maximum_queue_size=2))
    reply = story.change_mode(after).the(Reply)
    assert (False, "conflict") == (reply.ok, reply.code)
    assert (
        f"campaign group group 1 cannot change from {before.value} to {after.value} while it runs: stop it first; a "
        "running group may change between the progressive and predictive form of its family"
    ) == reply.message
    assert before is story.group().mode


@pytest.mark.parametrize("before, after", ACROSS)
def test_stopped_group_may_change_to_any_mode(before: Mode, after: Mode) -> None:
    story = Story(configuration(group(1, before, maximum_queue_size=2)))
    assert story.change_mode(after).the(Reply).ok
    assert after is story.group().mode


def test_stopping_group_is_not_stopped_yet() -> None:
    story, _ = talking(Mode.PROGRESSIVE)
    assert "stopping" == story.stop(1).group().state
    assert not story.change_mode(Mode.POWER_GVP).the(Reply).ok


def test_change_to_the_same_mode_changes_nothing() -> None:
    assert dialing_story(group(1)).change_mode(Mode.PROGRESSIVE).the(Reply).ok


def test_mode_must_have_what_it_needs() -> None:
    story = Story(configuration(group(1, Mode.POWER_GVP, agents=0), group(2)))
    assert Reply(
        1, ok=False, code="conflict", message="campaign group group 1 has no agent group, which predictive needs"
    ) == story.change_mode(Mode.PREDICTIVE).the(Reply)
    assert Reply(
        2,
        ok=False,
        code="conflict",
        message="campaign group group 2 has no maximum-queue-size, which power-gvp needs",
    ) == story.change_mode(Mode.POWER_GVP, 2).the(Reply)
    assert "not_found" == story.change_mode(Mode.POWER_GVP, 9).the(Reply).code


def test_predictive_takes_effect_when_history_is_there() -> None:
    story = dialing_story(group(1, agents=30, history_length=40, ring_ms_max=20_000), ports=200)
    story.change_mode(Mode.PREDICTIVE)
    assert "progressive: 0 of 40 attempts of history" == story.group().pacing
    story.advance(15_000)
    for _ in range(2):
        for call_id in list(story.state.attempts):
            story.accepted(call_id)
            assert [] == story.said(Dial)
            story.ended(call_id, sip=486)
    story.advance(7_000)
    assert "progressive: nobody has answered yet" == story.group().pacing
    assert 30 == story.group().dialing, "no call is made ahead of an agent"
    dial = story.ever(Dial)[-1]
    story.person_answers(dial)
    story.agent_takes(dial)
    assert "predictive" == story.advance(TICK_MS).group().pacing


def test_predictive_takes_effect_at_once_when_history_is_there_already() -> None:
    story = with_history(dialing_story(group(1, agents=30), ports=200))
    assert 30 == story.group().dialing
    assert 0 < len(story.change_mode(Mode.PREDICTIVE).said(Dial))
    assert "predictive" == story.group().pacing


def test_spent_budget_risks_nearly_nothing_more() -> None:
    story = all_talk(with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=40), ports=200)), 40)
    budget = story.state.groups[1].budget
    budget.persons, budget.lost, budget.began_at_ms = 400, 12, story.mono_ms - WINDOW_MS + 5 * TICK_MS
    last = story.advance(2 * TICK_MS).state.groups[1].pace.decisions[-1]
    note = "the budget of abandoned calls is spent, nearly nothing is risked"
    assert f"predictive: {note}" == story.group().pacing
    assert (1_250, 0) == (last.threshold_ppm, last.started), "half a call on 400 persons"


def test_overrun_budget_brings_back_progressive_dialing() -> None:
    story = with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=2)))
    story.ended(*story.state.attempts, sip=486)
    assert "predictive" == story.group().pacing
    budget = story.state.groups[1].budget
    budget.lost = 100 * budget.persons
    story.advance(2 * SECOND_MS)
    assert "progressive: the budget of abandoned calls is overrun" == story.group().pacing
    budget.lost = 0
    assert "predictive" == story.advance(2 * SECOND_MS).group().pacing, "without any event"


def test_nothing_is_predicted_before_the_first_calls_have_rung_out() -> None:
    """Busy tones and quick answers come back first."""
    story = dialing_story(group(1, Mode.PREDICTIVE, agents=30, history_length=10, ring_ms_max=30_000), ports=200)
    for _ in range(2):
        story.ended(*story.state.attempts, sip=486)
    assert "progressive: the first calls have not rung out yet" == story.group().pacing
    story.advance(30_000 + PILOT_SLACK_MS)
    assert "progressive: nobody has answered yet" == story.group().pacing
    dial = story.ever(Dial)[-1]
    story.person_answers(dial)
    story.agent_takes(dial)
    assert "predictive" == story.advance(UPDATE_MS).group().pacing


def test_few_calls_are_no_history_whatever_is_configured() -> None:
    story = dialing_story(group(1, Mode.PREDICTIVE, agents=2, history_length=0))
    story.ended(*story.state.attempts, sip=486)
    assert f"progressive: 2 of {RESOLVED_MIN} attempts of history" == story.group().pacing


# --- starting and stopping ----------------------------------------------------------------------------------------


def test_second_start_of_a_running_group_is_refused() -> None:
    story = dialing_story(group(1))
    dials = len(story.ever(Dial))
    message = "campaign group group 1 (dbid 1) is already running"
    assert Reply(2, ok=False, code="conflict", message=message) == story.start(1).the(Reply)
    assert dials == len(story.ever(Dial))


def test_stop_of_a_stopped_group_is_refused() -> None:
    story = Story(configuration(group(1)))
    message = "campaign group group 1 (dbid 1) is not running"
    assert Reply(1, ok=False, code="conflict", message=message) == story.stop(1).the(Reply)


def test_second_stop_of_a_stopping_group_is_refused() -> None:
    story, _ = talking(Mode.PROGRESSIVE)
    assert story.stop(1).the(Reply).ok
    assert "conflict" == story.stop(1).the(Reply).code


def test_unknown_groups_are_not_found() -> None:
    story = Story(configuration(group(1)))
    for request in (story.start, story.stop):
        reply = request(9).the(Reply)
        assert ("not_found", "there is no campaign group 9") == (reply.code, reply.message)


@pytest.mark.parametrize("mode", DIALED)
def test_stopped_group_dials_no_more_and_its_calls_end_by_themselves(mode: Mode) -> None:
    story, _ = talking(mode)
    assert story.stop(1).the(Reply).ok
    assert "stopping" == story.group().state
    assert [] == story.said(Release)
    story.ended(*[call_id for call_id in story.state.attempts])
    assert CallResult.ANSWER in [each.call_result for each in story.said(SettleAttempt)]
    story.leg_ended(*story.state.engagings)
    assert ("stopped", 0) == (story.group().state, story.group().ports.used_ports)
    assert [] == story.agent_ready(101).said(Dial)


def test_stop_returns_the_records_in_memory() -> None:
    story = dialing_story(group(1), has_records=False)
    story.fetched(chain(1), chain(2), chain(3))
    assert [(2, "the group was stopped"), (3, "the group was stopped")] == [
        (each.record_id, each.reason) for each in story.stop(1).said(ReturnRecord)
    ]


def test_group_may_be_started_again_while_its_last_calls_end() -> None:
    story, _ = talking(Mode.PROGRESSIVE)
    story.stop(1)
    assert story.start(1).the(Reply).ok
    assert "running" == story.group().state
    assert 1 == len(story.said(FetchRecords))


def test_waiting_person_is_served_though_the_group_was_stopped() -> None:
    story, dial = nobody_free(call_wait_in_queue_ms_max=60_000)
    story.stop(1)
    assert dial.call_id == story.agent_ready(101).the(Transfer).call_id


def test_redial_at_once_is_fetched_at_once() -> None:
    busy = treatment(CallResult.BUSY, TreatmentAction.REDIAL)
    story = dialing_story(group(1), treatments=[busy], has_records=False)
    dial = story.fetched(chain(1), exhausted=True).the(Dial)
    story.accepted(dial)
    story.ended(dial, sip=486)
    assert TreatmentAction.REDIAL is story.the(SettleAttempt).disposition.action
    assert 1 == len(story.said(FetchRecords)), "not at the next poll"


def test_operator_stop_reaches_the_right_group() -> None:
    story = dialing_story(group(1), group(2))
    story.tell(GroupStopRequested(77, 2))
    assert Reply(77, ok=True) == story.the(Reply)
    assert ("running", "stopping") == (story.group(1).state, story.group(2).state)


def test_mode_of_a_running_group_may_be_changed_in_the_configuration() -> None:
    story = dialing_story(group(1))
    settings = replace(story.configuration.campaign_groups[0], dialing_mode=Mode.PREDICTIVE)
    story.load(replace(story.configuration, campaign_groups=(settings,)))
    assert Mode.PREDICTIVE is story.group().mode
