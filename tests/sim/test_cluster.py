"""Nodes and links: how they fail, and what the core's driver sees of it."""

from outdial.core.commands import Connect, Disconnect, QueryCalls, Release, SubscribePhones
from outdial.core.events import (
    CalleeAlerting,
    CallPhase,
    CallReleased,
    CallsReported,
    DialAccepted,
    DialRejected,
    EngagingReleased,
    PhoneState,
    PhoneStateChanged,
    ServerConnected,
    ServerLost,
)
from outdial.sim.servers import Link, Noise
from outdial.sim.settings import CalleeKind, FaultSettings, NodeSettings
from small_world import Hand, dial, engage, only, small_settings


def server(hand, server_id=101):
    return hand.world.cluster.servers[server_id]


def test_a_connection_is_up_after_login():
    hand = Hand().give(Connect(101)).wait(99)
    assert hand.heard == []
    hand.wait(1)
    assert hand.heard == [(100, ServerConnected(101))]


def test_ports_are_reported_where_the_node_reports_them():
    node = NodeSettings(capacity_ports=30, reports_total_ports=True)
    hand = Hand(small_settings(nodes=((101, node),))).give(Connect(101), Connect(201), Connect(102)).wait(2_000)
    assert {event.server_id: event.total_ports for event in hand.all_of(ServerConnected)} == {
        101: 30,
        201: 30,
        102: None,
    }


def test_connecting_twice_does_no_harm():
    hand = Hand().give(Connect(101), Connect(101)).wait(500)
    assert len(hand.all_of(ServerConnected)) == 1
    hand.give(Connect(101)).wait(500)
    assert len(hand.all_of(ServerConnected)) == 2
    assert server(hand).epoch == 1


def test_a_dead_server_resets_its_connection_and_refuses_new_ones():
    hand = Hand().connect(101)
    hand.world.cluster.kill(hand.mono_ms, server(hand))
    hand.give(Connect(101)).wait(100)
    assert [event.reason for event in hand.all_of(ServerLost)] == ["connection reset", "connection refused"]
    hand.world.cluster.restart(hand.mono_ms, server(hand))
    hand.give(Connect(101)).wait(200)
    assert server(hand).link is Link.UP


def test_calls_die_with_their_server():
    hand = Hand().connect().give(dial(1), dial(2, server_id=102, record_id=2)).wait(1_500)
    hand.world.cluster.kill(hand.mono_ms, server(hand))
    assert list(hand.world.live_calls) == [2]
    hand.wait(60_000)
    assert hand.about(1) == ["DialAccepted", "CalleeAlerting"]


def test_hot_standby_carries_calls_over_to_the_backup():
    settings = small_settings(nodes=((101, NodeSettings(latency_ms_mean=1, connect_ms=100, ha_calls=True)),))
    hand = Hand(settings).connect(101, 201).give(dial(1)).wait(500)
    hand.world.cluster.kill(hand.mono_ms, server(hand))
    hand.give(QueryCalls(101, 201, 9)).wait(20)
    assert hand.all_of(CallsReported) == [CallsReported(101, 201, 9, ((1, CallPhase.DIALING),))]
    assert hand.wait(1_000).at_of(CalleeAlerting, 1) == 1_201


def test_a_hung_server_is_noticed_by_its_silence():
    hand = Hand().connect(101)
    hand.world.cluster.hang(hand.mono_ms, server(hand), hand.mono_ms + 10_000)
    hand.wait(1_600)
    assert [event.reason for event in hand.all_of(ServerLost)] == ["no answer to ping"]
    assert 500 <= hand.at_of(ServerLost) - 200 <= 1_500
    hand.give(Connect(101)).wait(3_000)
    assert hand.all_of(ServerLost)[-1].reason == "no banner"


def test_a_server_that_wakes_in_time_only_answers_late():
    hand = Hand().connect(101)
    hand.world.cluster.hang(hand.mono_ms, server(hand), hand.mono_ms + 400)
    hand.give(dial(1)).wait(399)
    assert hand.about(1) == []
    hand.world.cluster.wake(hand.mono_ms, server(hand))
    hand.wait(1_500)
    assert hand.at_of(DialAccepted) == 599
    assert hand.all_of(ServerLost) == []


def test_after_a_reset_at_most_one_queued_request_comes_to_life():
    for ratio, alive in ((0.0, []), (1.0, [1])):
        hand = Hand(small_settings(faults=FaultSettings(stale_request_ratio=ratio))).connect(101)
        hand.world.cluster.hang(hand.mono_ms, server(hand), hand.mono_ms + 5_000)
        hand.give(dial(1), dial(2, record_id=2), dial(3, record_id=3)).wait(5_000)
        assert list(hand.world.live_calls) == []
        hand.world.cluster.wake(hand.mono_ms, server(hand))
        assert list(hand.world.live_calls) == alive
        hand.give(Connect(101)).wait(200).give(QueryCalls(101, 101, 1)).wait(50)
        assert [call_id for call_id, _ in hand.all_of(CallsReported)[0].calls] == alive


def test_a_number_dialed_while_a_stale_request_rings_is_marked_as_such():
    hand = Hand(small_settings(faults=FaultSettings(stale_request_ratio=1.0))).connect()
    hand.world.cluster.hang(hand.mono_ms, server(hand), hand.mono_ms + 5_000)
    hand.give(dial(1)).wait(5_000)
    hand.world.cluster.wake(hand.mono_ms, server(hand))
    hand.give(dial(2, server_id=102)).wait(100)
    [double] = hand.world.exchange.double_dials
    assert (double.older, double.newer, double.is_stale) == (1, 2, True)


def test_calls_behind_a_partition_live_on_and_are_never_heard_of():
    hand = Hand().connect(101).give(dial(1), dial(2, record_id=2)).wait(1_500)
    hand.world.cluster.cut(hand.mono_ms, server(hand))
    hand.wait(3_000)
    assert hand.all_of(ServerLost)[0].reason == "no answer to ping"
    assert hand.about(1) == ["DialAccepted", "CalleeAlerting"]
    hand.give(Release(1)).wait(10)
    assert hand.world.cluster.undeliverable == 1
    hand.world.cluster.heal(hand.mono_ms, server(hand))
    hand.give(Connect(101)).wait(200).give(QueryCalls(101, 101, 1)).wait(50)
    assert hand.all_of(CallsReported)[0].calls == ((1, CallPhase.ANSWERED), (2, CallPhase.ANSWERED))


def test_ringing_ends_at_its_limit_even_while_the_server_hangs():
    settings = small_settings(only(CalleeKind.NO_ANSWER))
    hand = Hand(settings).connect(101).give(dial(1, ring_ms_max=8_000)).wait(2_000)
    hand.world.cluster.hang(hand.mono_ms, server(hand), hand.mono_ms + 60_000)
    hand.wait(7_000)
    assert list(hand.world.live_calls) == []


def test_requests_never_overtake_each_other():
    settings = small_settings(nodes=((101, NodeSettings(latency_ms_mean=300)),))
    hand = Hand(settings).give(Connect(101)).wait(1_000)
    for call_id in range(1, 40):
        hand.give(dial(call_id, record_id=call_id), Release(call_id))
    hand.wait(60_000)
    for call_id in range(1, 40):
        assert hand.about(call_id) == ["DialAccepted", "CallReleased"]
    assert [event.call_id for event in hand.all_of(DialAccepted)] == list(range(1, 40))


def test_late_replies_keep_their_order():
    hand = Hand().connect(101)
    hand.world.cluster.set_noise(hand.mono_ms, server(hand), Noise(late_ratio=0.5))
    for call_id in range(1, 20):
        hand.give(dial(call_id, record_id=call_id))
    hand.wait(200_000)
    for call_id in range(1, 20):
        kinds = hand.about(call_id)
        assert kinds[:3] == ["DialAccepted", "CalleeAlerting", "CalleeAnswered"]
    assert hand.at_of(DialAccepted, 19) > 300


def test_lost_and_duplicate_replies():
    hand = Hand().connect(101)
    hand.world.cluster.set_noise(hand.mono_ms, server(hand), Noise(lost_ratio=1.0))
    hand.give(dial(1)).wait(1_500)
    assert hand.about(1) == []
    hand.world.cluster.set_noise(hand.mono_ms, server(hand), Noise(duplicate_ratio=1.0))
    hand.wait(2_500)
    assert hand.about(1)[:2] == ["CalleeAnswered", "CalleeAnswered"]
    hand.world.cluster.set_noise(hand.mono_ms, server(hand), None)
    hand.give(Release(1)).wait(500)
    assert hand.about(1).count("CallReleased") == 1


def test_a_full_node_refuses_in_its_own_way():
    for by_release in (False, True):
        node = NodeSettings(capacity_ports=1, refuses_by_release=by_release, latency_ms_mean=1, connect_ms=100)
        hand = Hand(small_settings(nodes=((101, node),))).connect(101)
        hand.give(dial(1), dial(2, record_id=2)).wait(100)
        if by_release:
            assert hand.all_of(CallReleased) == [CallReleased(2, 503, 34)]
        else:
            assert hand.all_of(DialRejected) == [DialRejected(2, "no free port", congested=True)]


def test_phones_are_told_of_to_those_who_asked():
    hand = Hand().connect().give(SubscribePhones(101, 101, ("7001", "7002"))).wait(20)
    assert [(event.phone, event.state) for event in hand.all_of(PhoneStateChanged)] == [
        ("7001", PhoneState.IDLE),
        ("7002", PhoneState.IDLE),
    ]
    hand.world.start()
    hand.wait(1_000).give(engage(5, server_id=102)).wait(5_000)
    changes = [(event.node_id, event.phone, event.state) for event in hand.all_of(PhoneStateChanged)[2:]]
    assert changes == [(101, "7001", PhoneState.RINGING), (101, "7001", PhoneState.BUSY)]


def test_every_node_may_tell_of_phones_when_it_is_told_to():
    hand = Hand(small_settings(dn_events_from_all_nodes=True)).connect().give(SubscribePhones(101, 101, ("7001",)))
    hand.wait(20)
    hand.world.start()
    hand.wait(1_000).give(engage(5)).wait(1_000)
    assert {event.node_id for event in hand.all_of(PhoneStateChanged)} == {101, 102}


def test_a_release_of_an_unknown_call_is_answered():
    hand = Hand().connect(101).give(Release(77)).wait(50)
    assert hand.all_of(CallReleased) == [CallReleased(77)]


def test_disconnecting_ends_what_was_under_way():
    hand = Hand().connect(101).give(dial(1), engage(2), Disconnect(101)).wait(5_000)
    assert hand.about(1) == []
    assert hand.all_of(EngagingReleased) == []
