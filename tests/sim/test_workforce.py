"""Agents: they come, work, rest and go; and they keep pressing *ready*."""

from outdial.core.commands import AgentStateChanged, OfferRecord, SubscribePhones, Transfer, WithdrawOffer
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    CallConnected,
    CallReleased,
    ConnectFailed,
    EngagingReleased,
    PhoneState,
    PhoneStateChanged,
    PreviewAccepted,
    PreviewRejected,
    PreviewRequested,
)
from outdial.core.modes import DialingMode
from outdial.core.records import Record
from outdial.sim.settings import FaultKind, FaultSettings, ScriptedFault, WorkforceSettings
from small_world import Hand, dial, engage, small_configuration, small_settings

RECORD = Record(1, 1, "15550000000001")


def team(mode=DialingMode.PROGRESSIVE, agents=2, faults=None, **changes):
    """A world whose agents have the habits given."""
    habits = {
        "login_spread_ms": 0,
        "late_ready_ms_mean": 1,
        "after_call_work_ms_mean": 3_000,
        "after_call_work_ms_cv": 0.0,
        "answer_ms_mean": 1,
        "no_answer_ratio": 0.0,
        "break_ratio": 0.0,
        "drop_engaging_ratio": 0.0,
    }
    settings = small_settings(workforce=WorkforceSettings(**{**habits, **changes}), faults=faults or FaultSettings())
    hand = Hand(settings, small_configuration(agents=agents, mode=mode)).connect()
    hand.give(SubscribePhones(101, 101, tuple(hand.world.workforce.phones)))
    hand.world.start()
    return hand.wait(100)


def conversation(hand, call_id=1):
    """A customer talks to agent 1, to the end."""
    hand.give(dial(call_id, record_id=call_id)).wait(4_000).give(Transfer(call_id, 1, "7001", 8_000)).wait(100)
    assert hand.all_of(CallConnected)[-1].call_id == call_id
    return hand.wait(10_100)


def test_agents_sign_in_with_their_phones_and_become_ready():
    hand = team()
    assert hand.all_of(AgentLoggedIn) == [AgentLoggedIn(1, "7001"), AgentLoggedIn(2, "7002")]
    assert {event.agent_id for event in hand.all_of(AgentBecameReady)} == {1, 2}


def test_after_call_work_ends_with_ready():
    hand = conversation(team())
    before = len(hand.all_of(AgentBecameReady))
    hand.wait(3_000)
    assert hand.all_of(AgentBecameReady)[before:] == [AgentBecameReady(1)]


def test_a_break_follows_a_call_and_ends():
    hand = conversation(team(break_ratio=1.0, break_ms_mean=1_000)).wait(60_000)
    assert hand.all_of(AgentBecameNotReady)[0] == AgentBecameNotReady(1, "break")
    assert hand.at_of(AgentBecameNotReady) - hand.at_of(CallReleased) == 3_000
    assert hand.all_of(AgentBecameReady)[-1] == AgentBecameReady(1)


def test_a_break_may_be_announced_and_work_goes_on_until_then():
    hand = conversation(team(break_ratio=1.0, break_ms_mean=1_000, leave_announce_ms=5_000)).wait(60_000)
    told = next(event for event in hand.all_of(AgentLeaveAnnounced) if event.agent_id == 1)
    after_call_work_ends_ms = hand.at_of(CallReleased) + 3_000
    assert told.leaves_at_mono_ms == after_call_work_ends_ms + 5_000
    assert hand.at_of(AgentLeaveAnnounced) == after_call_work_ends_ms
    of_agent = [(at_ms, event) for at_ms, event in hand.heard if getattr(event, "agent_id", None) == 1]
    since = [(at_ms, type(event)) for at_ms, event in of_agent if at_ms >= after_call_work_ends_ms]
    assert since[:3] == [
        (after_call_work_ends_ms, AgentLeaveAnnounced),
        (after_call_work_ends_ms, AgentBecameReady),
        (told.leaves_at_mono_ms, AgentBecameNotReady),
    ]
    assert hand.all_of(AgentBecameReady)[-1] == AgentBecameReady(1)


def test_an_announced_break_waits_for_the_end_of_a_call():
    hand = conversation(team(break_ratio=1.0, leave_announce_ms=5_000)).wait(3_000)
    conversation(hand, 2).wait(3_000)
    [told] = hand.all_of(AgentLeaveAnnounced)
    assert hand.at_of(AgentBecameNotReady) > told.leaves_at_mono_ms


def test_the_end_of_a_shift_may_be_announced():
    hand = team(shift_end_ms=6_000, logout_spread_ms=0, leave_announce_ms=4_000).wait(10_000)
    assert hand.all_of(AgentLeaveAnnounced) == [AgentLeaveAnnounced(1, 6_000), AgentLeaveAnnounced(2, 6_000)]
    assert (hand.at_of(AgentLeaveAnnounced), hand.at_of(AgentLoggedOut)) == (2_000, 6_000)


def test_a_break_is_not_taken_after_the_end_of_the_shift_and_both_are_announced_in_order():
    hand = team(break_ratio=1.0, break_ms_mean=500, shift_end_ms=22_000, logout_spread_ms=0, leave_announce_ms=4_000)
    conversation(hand).wait(20_000)
    told = [event.leaves_at_mono_ms for event in hand.all_of(AgentLeaveAnnounced) if event.agent_id == 1]
    assert told[-1] == 22_000
    assert all(at_ms <= 22_000 for at_ms in told)


def test_a_shift_ends_after_the_call():
    hand = team(shift_end_ms=6_000, logout_spread_ms=0)
    conversation(hand).wait(5_000)
    assert [event.agent_id for event in hand.all_of(AgentLoggedOut)] == [2, 1]
    assert hand.at_of(CallReleased) < hand.heard[-1][0]


def test_an_agent_who_leaves_hangs_up_the_engaging_call():
    hand = team(shift_end_ms=6_000, logout_spread_ms=0).give(engage(5)).wait(10_000)
    kinds = [type(event) for _, event in hand.heard]
    assert kinds.index(EngagingReleased) < kinds.index(AgentLoggedOut)


def test_an_agent_who_expects_calls_presses_ready_again():
    hand = team()
    for state, presses in (("not ready", True), ("after-call work", True), ("ready", False), ("talking", False)):
        before = len(hand.all_of(AgentBecameReady))
        hand.give(AgentStateChanged(1, state)).wait(2_000)
        assert (len(hand.all_of(AgentBecameReady)) > before) is presses, state


def test_nobody_is_hurried_out_of_after_call_work():
    hand = conversation(team())
    before = len(hand.all_of(AgentBecameReady))
    hand.give(AgentStateChanged(1, "after-call work")).wait(2_000)
    assert len(hand.all_of(AgentBecameReady)) == before


def test_a_lost_phone_ends_its_call_and_comes_back():
    hand = team(phone_loss_interval_ms_mean=20_000, phone_loss_ms_mean=1_000)
    hand.give(engage(5)).wait(200_000)
    states = [event.state for event in hand.all_of(PhoneStateChanged) if event.phone == "7001"]
    assert PhoneState.UNREACHABLE in states
    assert hand.all_of(EngagingReleased) == [EngagingReleased(5)]
    lost = states.index(PhoneState.UNREACHABLE)
    assert states[lost + 1] is PhoneState.IDLE


def test_a_phone_that_rings_for_somebody_who_left_is_not_answered():
    hand = team(shift_end_ms=3_000, logout_spread_ms=0).give(dial(1)).wait(4_000)
    hand.give(Transfer(1, 1, "7001", 5_000)).wait(6_000)
    assert hand.all_of(ConnectFailed) == [ConnectFailed(1, "no answer")]


def test_half_the_agents_walk_out():
    walk_out = ScriptedFault(5_000, FaultKind.MASS_BREAK, 30_000, intensity=0.5)
    hand = team(agents=40, faults=FaultSettings(scripted=(walk_out,))).wait(6_000)
    assert 10 <= len(hand.all_of(AgentBecameNotReady)) <= 30
    hand.wait(30_000)
    assert len(hand.all_of(AgentBecameReady)) == 40 + len(hand.all_of(AgentBecameNotReady))


def test_agents_in_preview_mode_ask_until_a_record_comes():
    hand = team(DialingMode.PREVIEW, preview_ask_ms=2_000).wait(5_000)
    asked = [event for event in hand.all_of(PreviewRequested) if event.agent_id == 1]
    assert asked == [PreviewRequested(1, 1)] * 3
    hand.give(OfferRecord(1, 1, RECORD)).wait(1_000)
    before = len(hand.all_of(PreviewRequested))
    hand.wait(500)
    assert len([event for event in hand.all_of(PreviewRequested)[before:] if event.agent_id == 1]) == 0


def test_an_offered_record_is_accepted_or_declined():
    for reject, kind in ((0.0, PreviewAccepted), (1.0, PreviewRejected)):
        hand = team(DialingMode.PUSH_PREVIEW, preview_ms_mean=1_000, preview_reject_ratio=reject)
        hand.give(OfferRecord(1, 1, RECORD)).wait(30_000)
        assert len(hand.all_of(kind)) == 1
        assert hand.all_of(PreviewRequested) == []


def test_a_withdrawn_record_is_not_decided_upon():
    hand = team(DialingMode.PUSH_PREVIEW, preview_ms_mean=5_000)
    hand.give(OfferRecord(1, 1, RECORD), WithdrawOffer(1, "too late")).wait(60_000)
    assert hand.all_of(PreviewAccepted) == hand.all_of(PreviewRejected) == []
