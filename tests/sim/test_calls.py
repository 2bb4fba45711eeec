"""Calls from the request to the release: refusals, rings, verdicts, transfers, joins, IVR sessions, previews."""

import pytest

from outdial.core.commands import Dial, Join, PlayMessage, QueryCalls, Release, ReleaseEngaging, StartIvr, Transfer
from outdial.core.events import (
    AgentEngaged,
    CallConnected,
    CalleeAnswered,
    CallPhase,
    CallReleased,
    CallsReported,
    ConnectFailed,
    DialRejected,
    EngagingReleased,
    IvrAgentRequested,
    IvrStarted,
    MessageEnded,
    MessageStarted,
    PhoneState,
    VerdictReached,
)
from outdial.core.results import Verdict
from outdial.sim.messages import MESSAGE_MS
from outdial.sim.settings import CalleeKind, IvrSettings, NodeSettings, WorkforceSettings
from small_world import Hand, dial, engage, only, small_configuration, small_settings


def at_work(settings=None, configuration=None):
    """A world with both nodes connected and agents ready."""
    hand = Hand(settings, configuration).connect()
    hand.world.start()
    return hand.wait(800)


def phone(hand, agent_id=1):
    return hand.world.workforce.phones[str(7_000 + agent_id)]


def transfer(call_id, agent_id=1):
    return Transfer(call_id, agent_id, str(7_000 + agent_id), 8_000)


@pytest.mark.parametrize(
    "kind, status, cause",
    [(CalleeKind.BUSY, 486, 17), (CalleeKind.INVALID, 404, 1), (CalleeKind.CONGESTION, 503, 34)],
)
def test_the_network_refuses(kind, status, cause):
    hand = Hand(small_settings(only(kind))).connect(101).give(dial(1)).wait(3_000)
    assert hand.about(1) == ["DialAccepted", "CallReleased"]
    assert hand.all_of(CallReleased) == [CallReleased(1, status, cause)]


def test_the_server_itself_ends_the_ringing():
    hand = Hand(small_settings(only(CalleeKind.NO_ANSWER))).connect(101).give(dial(1, ring_ms_max=7_000)).wait(9_000)
    assert hand.about(1) == ["DialAccepted", "CalleeAlerting", "CallReleased"]
    assert hand.all_of(CallReleased) == [CallReleased(1, 480, 19)]
    assert hand.at_of(CallReleased) == 201 + 7_000


def test_a_person_is_recognised_and_waits_until_patience_ends():
    callees = only(CalleeKind.PERSON, patience_ms_mean=8_000)
    hand = Hand(small_settings(callees)).connect(101).give(dial(1)).wait(60_000)
    assert hand.about(1) == ["DialAccepted", "CalleeAlerting", "CalleeAnswered", "VerdictReached", "CallReleased"]
    assert hand.at_of(VerdictReached) == hand.at_of(CalleeAnswered) + 500
    assert hand.all_of(CallReleased)[0].sip_status is None


@pytest.mark.parametrize(
    "kind, verdict",
    [
        (CalleeKind.MACHINE, Verdict.MACHINE),
        (CalleeKind.FAX, Verdict.FAX),
        (CalleeKind.SIT, Verdict.SIT),
        (CalleeKind.SILENCE, Verdict.SILENCE),
    ],
)
def test_what_is_no_person_is_heard_for_what_it_is(kind, verdict):
    hand = Hand(small_settings(only(kind))).connect(101).give(dial(1)).wait(10_000)
    assert hand.all_of(VerdictReached) == [VerdictReached(1, verdict)]


def test_without_detection_there_is_no_verdict():
    plain = dial(1)
    request = Dial(*(getattr(plain, name) for name in plain.__slots__[:8]), False)
    hand = Hand().connect(101).give(request).wait(10_000)
    assert hand.about(1) == ["DialAccepted", "CalleeAlerting", "CalleeAnswered"]


def test_a_transfer_rings_the_agent_and_gives_the_port_back():
    hand = at_work().give(dial(1)).wait(4_500)
    server = hand.world.cluster.servers[101]
    assert server.ports_used == 1
    hand.give(transfer(1)).wait(2_000)
    assert hand.about(1)[-1] == "CallConnected"
    assert server.ports_used == 0
    assert phone(hand).state is PhoneState.BUSY
    hand.wait(12_000)
    assert hand.about(1)[-1] == "CallReleased"
    assert hand.at_of(CallReleased) - hand.at_of(CallConnected) == pytest.approx(10_000, abs=2)
    assert phone(hand).state is PhoneState.IDLE


def test_an_agent_who_does_not_answer_leaves_the_customer_on_the_line():
    hand = at_work(small_settings(workforce=WorkforceSettings(login_spread_ms=0, no_answer_ratio=1.0)))
    hand.wait(20_000).give(dial(1)).wait(4_500).give(transfer(1)).wait(9_000)
    assert hand.all_of(ConnectFailed) == [ConnectFailed(1, "no answer")]
    assert list(hand.world.live_calls) == [1]
    assert phone(hand).state is PhoneState.IDLE


def test_a_busy_phone_takes_no_second_call():
    hand = at_work().give(dial(1), dial(2, record_id=2)).wait(4_500)
    hand.give(transfer(1)).wait(2_000).give(transfer(2)).wait(100)
    assert hand.all_of(ConnectFailed) == [ConnectFailed(2, "phone busy")]


def test_a_customer_who_hangs_up_stops_the_agents_phone():
    callees = only(CalleeKind.PERSON, patience_ms_mean=1)
    workforce = WorkforceSettings(login_spread_ms=0, answer_ms_mean=1_000_000)
    hand = at_work(small_settings(callees, workforce=workforce)).wait(20_000).give(dial(1)).wait(4_000)
    assert hand.about(1)[-1] == "CallReleased"
    hand.give(transfer(1)).wait(100)
    assert hand.about(1)[-2:] == ["CallReleased", "CallReleased"]
    assert phone(hand).state is PhoneState.IDLE


def test_an_engaged_agent_talks_to_one_customer_after_the_other():
    hand = at_work().give(engage(5)).wait(2_000)
    assert hand.all_of(AgentEngaged) == [AgentEngaged(5)]
    for call_id in (6, 7):
        hand.give(dial(call_id, record_id=call_id)).wait(4_000).give(Join(call_id, 5, 1)).wait(100)
        assert hand.about(call_id)[-1] == "CallConnected"
        assert phone(hand).state is PhoneState.BUSY
        hand.wait(15_000)
        assert hand.about(call_id)[-1] == "CallReleased"
    assert hand.world.live_calls[5].phase is CallPhase.ANSWERED
    hand.give(ReleaseEngaging(5)).wait(50)
    assert hand.all_of(EngagingReleased) == [EngagingReleased(5)]
    assert phone(hand).state is PhoneState.IDLE


def test_the_end_of_the_agents_leg_ends_the_conversation():
    hand = at_work().give(engage(5)).wait(2_000).give(dial(6)).wait(4_000).give(Join(6, 5, 1)).wait(100)
    hand.give(ReleaseEngaging(5)).wait(50)
    assert hand.about(5)[-1] == "EngagingReleased"
    assert hand.about(6)[-1] == "CallReleased"
    assert hand.world.cluster.servers[101].ports_used == 0


def test_nobody_is_joined_to_an_agent_who_is_not_there():
    hand = at_work().give(dial(6), engage(5, server_id=102)).wait(4_500)
    hand.give(Join(6, 5, 1), Join(6, 99, 1)).wait(100)
    assert hand.all_of(ConnectFailed) == [ConnectFailed(6, "agent is not engaged")] * 2


def test_an_unreachable_phone_cannot_be_engaged():
    hand = at_work()
    phone(hand).state = PhoneState.UNREACHABLE
    hand.give(engage(5)).wait(100)
    assert hand.all_of(DialRejected) == [DialRejected(5, "phone unreachable")]
    assert not hand.world.live_calls


def test_an_ivr_session_ends_by_itself():
    ivr = IvrSettings(session_ms_mean=6_000, session_ms_cv=0.0, agent_ratio=0.0)
    hand = Hand(small_settings(ivr=ivr)).connect(101).give(dial(1)).wait(4_000).give(StartIvr(1, "survey")).wait(8_000)
    assert hand.at_of(CallReleased) - hand.at_of(IvrStarted) == pytest.approx(6_000, abs=2)


def test_an_ivr_session_may_ask_for_an_agent():
    ivr = IvrSettings(session_ms_mean=6_000, session_ms_cv=0.0, agent_ratio=1.0)
    hand = at_work(small_settings(ivr=ivr)).give(dial(1)).wait(4_500).give(StartIvr(1, "survey")).wait(4_000)
    assert hand.all_of(IvrAgentRequested) == [IvrAgentRequested(1)]
    hand.give(transfer(1)).wait(2_000)
    assert hand.about(1)[-1] == "CallConnected"


def test_a_callee_hears_the_drop_message_and_hangs_up_when_nobody_does():
    hand = at_work().give(dial(1)).wait(4_500).give(PlayMessage(1, "sorry")).wait(20_000)
    assert hand.about(1)[-3:] == ["MessageStarted", "MessageEnded", "CallReleased"]
    assert hand.at_of(MessageEnded) - hand.at_of(MessageStarted) == pytest.approx(MESSAGE_MS, abs=2)


def test_no_message_is_played_to_who_is_not_there():
    hand = at_work().give(PlayMessage(9, "sorry"), dial(1)).wait(1_000).give(PlayMessage(1, "sorry")).wait(100)
    assert hand.all_of(CallReleased) == [CallReleased(9)]
    assert hand.all_of(MessageEnded) == [MessageEnded(1, played=False)]


def test_a_preview_call_rings_the_agent_and_then_the_customer():
    hand = at_work()
    plain = dial(1)
    request = Dial(*(getattr(plain, name) for name in plain.__slots__[:8]), False, 1, "7001")
    hand.give(request).wait(6_000)
    assert hand.about(1) == ["DialAccepted", "CalleeAlerting", "CalleeAnswered", "CallConnected"]
    hand.wait(15_000)
    assert hand.about(1)[-1] == "CallReleased"
    assert phone(hand).state is PhoneState.IDLE


def test_commands_about_calls_that_are_gone_are_answered():
    hand = at_work().give(transfer(99), Join(98, 5, 1), StartIvr(97, "x"), Release(96), ReleaseEngaging(95)).wait(50)
    assert [event.call_id for event in hand.all_of(CallReleased)] == [99, 98, 97, 96]
    assert hand.all_of(EngagingReleased) == [EngagingReleased(95)]


def test_the_same_request_twice_is_one_call():
    hand = Hand().connect(101).give(dial(1), dial(1)).wait(500)
    assert hand.about(1) == ["DialAccepted"]
    assert hand.world.cluster.servers[101].ports_used == 1


def test_a_release_right_behind_its_request_finds_the_call():
    settings = small_settings(nodes=((101, NodeSettings(latency_ms_mean=400)),))
    hand = at_work(settings).give(engage(5), ReleaseEngaging(5)).wait(10_000)
    assert hand.about(5)[0] == "EngagingAccepted"
    assert hand.about(5)[-1] == "EngagingReleased"
    assert not hand.world.live_calls


def test_a_server_tells_how_far_its_calls_are():
    callees = only(CalleeKind.PERSON, talk_ms_mean=600_000)
    hand = at_work(small_settings(callees), small_configuration(agents=3))
    hand.give(dial(1), engage(2, 2)).wait(4_500).give(transfer(1)).wait(1_500)
    hand.give(dial(3, record_id=3)).wait(1_500).give(dial(4, record_id=4)).wait(100)
    hand.give(QueryCalls(101, 101, 1)).wait(50)
    assert dict(hand.all_of(CallsReported)[0].calls) == {
        1: CallPhase.CONNECTED,
        2: CallPhase.ANSWERED,
        3: CallPhase.ALERTING,
        4: CallPhase.DIALING,
    }


def test_dialing_a_number_that_is_in_a_call_is_noticed():
    hand = Hand().connect().give(dial(1), dial(2, server_id=102)).wait(100)
    [double] = hand.world.ground_truth().double_dials
    assert (double.number, double.older, double.newer, double.is_stale) == ("15550000000001", 1, 2, False)
