"""Samples of ports: written once, and gone when they are old; some at a time."""

from dataclasses import replace

from outdial.core.settings import DialerId, DialerKind
from outdial.store import sample_rows
from outdial.store.stored import PortSample
from reports_asked import NOON, ask
from store.contract.story import opened

SWITCH, CPD = DialerId(DialerKind.SWITCH, 1), DialerId(DialerKind.CPD_SERVER, 4)
MINUTE = 60_000
SAMPLE = PortSample(NOON, SWITCH, 1, 59_000, 60, 600, 14, 60, 20, 6, 3, 10_500, 2, "")


def group(minute: int, mean: int, **changes: object) -> PortSample:
    """A minute of group 1 that used so many ports at every look."""
    return replace(SAMPLE, utc_ms=NOON + minute * MINUTE, used_sum=mean * 60, used_peak=mean + 2, **changes)


async def minutes(database) -> list[int]:
    rows = await database.ask("SELECT utc_ms FROM port_samples ORDER BY utc_ms")
    return [(row[0] - NOON) // MINUTE for row in rows]


async def test_ports_by_hour(database):
    async with opened(database) as store:
        pool = replace(SAMPLE, group_id=0, used_sum=1_200, used_peak=31, maximum_ports=60, at_maximum_looks=0)
        await store.add_port_samples([SAMPLE, pool, replace(SAMPLE, pool=CPD, group_id=2, maximum_ports=None)], 0)
        await store.add_port_samples([group(1, 20, maximum_ports=21, at_maximum_looks=60, hold="waiting for ports")], 0)
        await store.add_port_samples([group(60, 0, need_millis=0, ready_agents=0)], 0)
        found = await ask(store, "ports", "2026-11-21", "pool", "group", "hour")
        assert found.total is None
        assert found.rows[0] == {
            **{"pool": "main", "group": "east", "hour": "2026-11-21T12:00Z", "minutes": 2, "used_mean": 15.0},
            **{"used_p95": 20.0, "used_peak": 22, "engaging_mean": 1.0, "maximum_mean": 20.5, "at_maximum_pct": 55.0},
            **{"waiting_pct": 5.0, "need_mean": 10.5, "ready_mean": 2.0},
        }
        names = ("pool", "group", "hour", "used_mean", "maximum_mean")
        assert found.told(*names)[1:] == [
            ("main", "east", "2026-11-21T13:00Z", 0.0, 20.0),
            ("cpd-server 4", "west", "2026-11-21T12:00Z", 10.0, None),
        ]
        pools = await ask(store, "ports", "2026-11-21", "pool", "day")
        assert pools.told("pool", "minutes", "used_mean", "used_peak", "maximum_mean") == [("main", 1, 20.0, 31, 60.0)]
        assert (await ask(store, "ports", "2026-11-21", "pool", group=[2])).told("pool", "minutes") == [
            ("cpd-server 4", 1)
        ]
        assert (await ask(store, "ports", "2026-11-20", "pool")).rows == []


async def test_p95_is_over_minutes(database):
    async with opened(database) as store:
        await store.add_port_samples([group(minute, minute + 1) for minute in range(40)], 0)
        assert (await ask(store, "ports", "2026-11-21", "group")).told("used_p95", "used_peak") == [(38.0, 42)]


async def test_a_sample_is_written_once(database):
    async with opened(database) as store:
        for _ in range(2):
            await store.add_port_samples([group(0, 10), group(1, 10)], 0)
    assert await minutes(database) == [0, 1]


async def test_old_samples_go_the_oldest_first_and_some_at_a_time(database, monkeypatch):
    for module in ("sqlite_reports", "postgres_reports"):
        monkeypatch.setattr(f"outdial.store.{module}.DELETED_AT_ONCE", 2)
    async with opened(database) as store:
        await store.add_port_samples([group(minute, 1) for minute in (3, 1, 2, 0, 4)], 0)
        await store.add_port_samples([group(5, 1)], NOON + 3 * MINUTE)
        assert await minutes(database) == [2, 3, 4, 5]
        await store.add_port_samples([], NOON + 3 * MINUTE)
        await store.add_port_samples([], NOON + 3 * MINUTE)
        assert await minutes(database) == [3, 4, 5]
    assert sample_rows.DELETED_AT_ONCE > 1_000


async def test_a_sample_is_a_sign_of_life(database):
    from store.contract.story import agent, agent_states, write

    async with opened(database) as store:
        await write(store, agent(1, 7, "ready", NOON))
        await store.add_port_samples([group(5, 10)], 0)
    async with opened(database):
        rows = await database.ask("SELECT from_utc_ms, until_utc_ms FROM agent_states")
        assert [tuple(row) for row in rows] == [(NOON, NOON + 5 * MINUTE + 59_000)]
        assert len(await agent_states(database)) == 1
