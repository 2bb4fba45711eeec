"""Failures of servers under load: what the people who are called notice of them.

Each story runs on six fakes and on six real Asterisks (three pairs). What counts is the called side's own count. After
each: attempts settled are attempts made, every port is home, and nobody was called twice.
"""

import asyncio

import pytest

from cluster_engine import BACKUP, Engine, configuration, group
from clusters import FakeCluster, RealCluster
from outdial.core.events import ServerLost
from outdial.core.modes import DialingMode as M

pytestmark = pytest.mark.slow
PRIME, DIALER, OTHER = 1, 2, 3


@pytest.fixture(params=["fake", "real"])
def make_cluster(request):
    """Makes three pairs of servers."""
    if request.param == "fake":
        return lambda **_: FakeCluster()
    lab = request.getfixturevalue("lab")
    return lambda **how: RealCluster(lab, **how)


def play(make_cluster, story, groups, *, numbers, agents=10, ports=60, proxied=False, **ocs):
    """Run a story, and check what must be so afterwards."""

    async def run():
        async with make_cluster(proxied=proxied) as cluster:
            config = configuration(groups, agents=agents, ports=ports, **ocs)
            async with Engine(cluster, config, numbers) as engine:
                engine.start(*(each.dbid for each in groups))
                await engine.dials(20)
                await story(engine, cluster)
                await engine.stop()
                await asyncio.sleep(0.2)  # what should not be on the wire any more would be seen now
                engine.check()

    asyncio.run(run())


def customers(count, prefix="2000"):
    """Numbers of people who answer after 100 ms and talk for 300 ms."""
    return [f"{prefix}{place:06}" for place in range(count)]


def power():
    return group(1, M.POWER_GVP, maximum_queue_size=12)


def progressive():
    return group(1, M.PROGRESSIVE)


# --- one server of a pair ----------------------------------------------------------------------------------------


def test_killed_primary_is_replaced_by_its_backup(make_cluster):
    async def story(engine, cluster):
        await cluster.kill(OTHER)
        await engine.until(lambda: engine.core.state.nodes[OTHER].server_id == OTHER + BACKUP)
        before = len(engine.dialed)
        await engine.dials(30)
        by_backup = [dial for dial in engine.dialed[before:] if dial.server_id == OTHER + BACKUP]
        assert len(by_backup) >= 5
        await cluster.restart(OTHER)

    play(make_cluster, story, [progressive()], numbers=customers(2_000))


# --- a node ------------------------------------------------------------------------------------------------------


def test_others_go_on_in_turn_when_a_node_is_lost(make_cluster):
    async def story(engine, cluster):
        await cluster.kill(OTHER)
        await cluster.kill(OTHER + BACKUP)
        await engine.until(lambda: not engine.is_active(OTHER))
        before = len(engine.dialed)
        await engine.dials(40)
        nodes = [dial.node_id for dial in engine.dialed[before:]]
        assert set(nodes) == {PRIME, DIALER}
        assert abs(nodes.count(PRIME) - nodes.count(DIALER)) <= 1
        await asyncio.gather(cluster.restart(OTHER), cluster.restart(OTHER + BACKUP))
        await engine.until(lambda: engine.is_active(OTHER))
        await engine.until(lambda: engine.dialed[-1].node_id == OTHER)

    play(make_cluster, story, [progressive()], numbers=customers(3_000))


def test_nobody_is_dialed_while_the_prime_node_is_lost(make_cluster):
    async def story(engine, cluster):
        await cluster.kill(PRIME)
        await cluster.kill(PRIME + BACKUP)
        await engine.until(lambda: not engine.is_active(PRIME))
        dialed, invited = len(engine.dialed), None
        await asyncio.sleep(0.2)
        invited = cluster.invited()
        await asyncio.sleep(1)
        assert len(engine.dialed) == dialed
        assert cluster.invited() == invited
        await asyncio.gather(cluster.restart(PRIME), cluster.restart(PRIME + BACKUP))
        await engine.dials(20)

    play(make_cluster, story, [progressive()], numbers=customers(2_000))


def test_only_the_seizing_group_stops_when_its_dialer_node_is_lost(make_cluster):
    groups = [group(1, M.PROGRESSIVE), group(2, M.PROGRESSIVE_SEIZING)]

    async def story(engine, cluster):
        await engine.dials(5, group_id=2)
        await cluster.kill(DIALER)
        await cluster.kill(DIALER + BACKUP)
        await engine.until(lambda: not engine.is_active(DIALER))
        before = len(engine.dialed)
        await engine.dials(30, group_id=1)
        assert {dial.group_id for dial in engine.dialed[before:]} == {1}
        await asyncio.gather(cluster.restart(DIALER), cluster.restart(DIALER + BACKUP))
        await engine.dials(5, group_id=2)
        assert {dial.node_id for dial in engine.dialed if dial.group_id == 2} == {DIALER}

    play(make_cluster, story, groups, numbers=customers(3_000))


# --- frozen and cut ----------------------------------------------------------------------------------------------


def test_frozen_server_is_left_in_time_and_does_not_call_late(make_cluster):
    async def story(engine, cluster):
        began = asyncio.get_running_loop().time()
        cluster.hang(OTHER)
        before = len(engine.dialed)  # requests until here may have been carried out already, or nearly
        await engine.until(lambda: engine.core.state.nodes[OTHER].server_id == OTHER + BACKUP)
        lost_at = next(at for at, event in reversed(engine.events) if isinstance(event, ServerLost))
        assert lost_at - began <= 2.0  # 1.5 s, and room for a busy machine
        to_the_frozen = [dial.number for dial in engine.dialed[before:] if dial.server_id == OTHER]
        await asyncio.sleep(5 - (lost_at - began))
        cluster.wake(OTHER)
        await asyncio.sleep(1)
        late = [number for number in to_the_frozen if number in cluster.invited()]
        assert len(late) <= 1, f"{late} of {to_the_frozen}"

    play(make_cluster, story, [progressive()], numbers=customers(4_000))


def test_calls_are_taken_back_after_the_connection_was_cut(make_cluster):
    async def story(engine, cluster):
        state = engine.core.state
        await engine.until(lambda: len(state.attempts) >= 10)
        cluster.cut(OTHER)
        cluster.cut(OTHER + BACKUP)
        await engine.until(lambda: not engine.is_active(OTHER))
        theirs = [call.call_id for call in state.attempts.values() if call.node_id == OTHER]
        assert theirs
        await engine.until(lambda: engine.is_active(OTHER))
        await engine.until(
            lambda: not any(call.lost_at_ms and call.state.value == "lost" for call in state.attempts.values())
        )
        assert any(call_id in state.attempts for call_id in theirs)

    long_calls = [f"2001{place:06}" for place in range(400)]
    play(
        make_cluster,
        story,
        [group(1, M.POWER_GVP, maximum_queue_size=15, ivr_application="ivr-stay", ivr_ms_max=8_000)],
        numbers=long_calls,
        proxied=True,
    )


# --- round robin -------------------------------------------------------------------------------------------------


def test_three_thousand_calls_are_spread_evenly(make_cluster):
    async def story(engine, cluster):
        await engine.until(lambda: len(engine.settled) == 3_000, within_s=120)
        assert [event for _, event in engine.events if isinstance(event, ServerLost)] == []
        assert sum(cluster.invited().values()) == 3_000
        assert cluster.callers() == {PRIME: 1_000, DIALER: 1_000, OTHER: 1_000}

    busy = [f"2486{place:06}" for place in range(3_000)]
    play(make_cluster, story, [group(1, M.POWER_GVP, maximum_queue_size=20)], numbers=busy)


# --- seizing -----------------------------------------------------------------------------------------------------


def test_two_hundred_customers_talk_to_ten_agents_on_one_leg_each(make_cluster):
    async def story(engine, cluster):
        await engine.until(lambda: len(engine.settled) >= 200, within_s=120)
        agents = {number: count for number, count in cluster.invited().items() if number.startswith("agent")}
        assert agents == {f"agent{n}": 1 for n in range(1_001, 1_011)}
        talked = [each for each in engine.settled[:200] if each.talk_ms > 0]
        assert len(talked) >= 180  # some customers hang up, 300 ms after they answered, before there is an agent

    play(make_cluster, story, [group(1, M.PROGRESSIVE_SEIZING)], numbers=customers(400), ports=60)


# --- what a real server does not do on command -------------------------------------------------------------------


@pytest.mark.parametrize(
    "faults",
    [
        {"late_ms": 300},
        {"duplicate_ratio": 0.2},
        {"swap_ratio": 0.2},
        {"drop_ratio": 0.02},
        {"late_ms": 100, "duplicate_ratio": 0.1, "swap_ratio": 0.1, "drop_ratio": 0.01},
    ],
    ids=["late", "double", "out of order", "lost", "all at once"],
)
def test_late_doubled_swapped_and_lost_events_cost_nobody_a_second_call(faults):
    groups = [group(1, M.PROGRESSIVE), group(2, M.PROGRESSIVE_SEIZING), group(3, M.POWER_GVP, maximum_queue_size=5)]

    async def story(engine, cluster):
        for fake in cluster.fakes.values():
            for name, value in faults.items():
                setattr(fake.faults, name, value)
        await engine.dials(200)
        for fake in cluster.fakes.values():
            for name in faults:
                setattr(fake.faults, name, 0)

    play(lambda **_: FakeCluster(), story, groups, numbers=customers(4_000), audit_ms=500, accept_ms_max=2_000)
