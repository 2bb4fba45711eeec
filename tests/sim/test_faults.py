"""Faults: scripted ones at their instant, random ones by rate, and an end to all of them."""

import pytest

from outdial.core.commands import Connect, FetchRecords
from outdial.core.events import DialAccepted, FetchFailed, RecordsFetched, ServerConnected, ServerLost
from outdial.sim.settings import FaultKind, FaultRate, FaultSettings, ScriptedFault
from small_world import Hand, dial, small_settings


def world(*scripted, rates=()):
    """Everything connected, and the faults given."""
    hand = Hand(small_settings(faults=FaultSettings(scripted=scripted, rates=rates, late_ms_mean=500)))
    hand.world.start()
    return hand.connect(101, 201, 102)


def lost(hand):
    return [event.server_id for event in hand.all_of(ServerLost)]


@pytest.mark.parametrize(
    "kind, servers",
    [
        (FaultKind.LOSE_PRIMARY, [101]),
        (FaultKind.LOSE_BACKUP, [201]),
        (FaultKind.LOSE_BOTH, [101, 201]),
        (FaultKind.HANG, [101]),
        (FaultKind.PARTITION, [101, 201]),
    ],
)
def test_each_kind_of_loss_hits_its_servers(kind, servers):
    hand = world(ScriptedFault(1_000, kind, 5_000, 101)).wait(4_000)
    assert sorted(lost(hand)) == servers
    hand.wait(2_000).give(*(Connect(server_id) for server_id in servers)).wait(500)
    assert [event.server_id for event in hand.all_of(ServerConnected)][3:] == servers


def test_overlapping_losses_end_with_the_last_of_them():
    hand = world(
        ScriptedFault(1_000, FaultKind.LOSE_PRIMARY, 3_000, 101), ScriptedFault(2_000, FaultKind.LOSE_BOTH, 6_000, 101)
    )
    hand.wait(4_800)
    assert not hand.world.cluster.servers[101].is_running
    hand.wait(4_000)
    assert hand.world.cluster.servers[101].is_running


def test_a_store_that_is_down_says_so_after_a_while():
    hand = world(ScriptedFault(300, FaultKind.STORE_DOWN, 5_000))
    fetch = FetchRecords(1, 1, 10, ((1, 10),))
    hand.wait(500).give(fetch).wait(2_000)
    assert hand.all_of(FetchFailed)[0].fetch_id == 1
    hand.wait(5_000).give(fetch).wait(100)
    assert len(hand.all_of(RecordsFetched)[0].chains) == 10


def test_the_clock_can_be_put_back():
    hand = world(ScriptedFault(1_000, FaultKind.CLOCK_STEP, -3_600_000))
    before = hand.world.utc_ms(0)
    hand.wait(2_000)
    assert hand.world.utc_ms(0) == before - 3_600_000


def test_noise_ends_with_its_fault():
    hand = world(ScriptedFault(300, FaultKind.LOST_REPLIES, 2_000, 101, intensity=1.0)).wait(500)
    hand.give(dial(1)).wait(2_000).give(dial(2, record_id=2)).wait(100)
    assert [event.call_id for event in hand.all_of(DialAccepted)] == [2]


def test_random_faults_come_at_their_rate():
    rates = (FaultRate(FaultKind.CLOCK_STEP, 10_000, 5), FaultRate(FaultKind.STORE_DOWN, 50_000, 5))
    hand = world(rates=rates).wait(1_000_000)
    assert hand.world.faults.counts[FaultKind.CLOCK_STEP] == pytest.approx(100, abs=30)
    assert hand.world.faults.counts[FaultKind.STORE_DOWN] == pytest.approx(20, abs=12)


def test_when_faults_stop_everything_is_repaired():
    kinds = (FaultKind.LOSE_BOTH, FaultKind.HANG, FaultKind.PARTITION, FaultKind.LOST_REPLIES, FaultKind.STORE_DOWN)
    rates = tuple(FaultRate(kind, 2_000, 100_000) for kind in kinds)
    hand = world(rates=rates).wait(20_000)
    hand.world.stop_faults(hand.mono_ms)
    begun = dict(hand.world.faults.counts)
    hand.give(Connect(101), Connect(201), Connect(102)).wait(200_000)
    servers = hand.world.cluster.servers.values()
    assert all(server.is_running and server.is_plain for server in servers)
    assert hand.world.faults.counts == begun
