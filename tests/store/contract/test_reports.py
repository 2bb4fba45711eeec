"""Reports over a small database, added up by hand: both databases give the same rows."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outdial.core.results import CallResult
from outdial.store.read_limit import ReadTooLong
from reports_asked import NOON, ask
from store.contract.story import agent, opened, write

HOUR = 3_600_000
ANSWER, BUSY, ABANDONED, DROPPED = CallResult.ANSWER, CallResult.BUSY, CallResult.ABANDONED, CallResult.DROPPED
MACHINE, NO_ANSWER = CallResult.ANSWERING_MACHINE, CallResult.NO_ANSWER
NUMBERS = (
    "group_id",
    "node_id",
    "list_id",
    "record_id",
    "call_result",
    "agent_id",
    "dialed_utc_ms",
    "ring_ms",
    "wait_ms",
    "talk_ms",
)


async def dialed(database: Any, *rows: tuple[Any, ...]) -> None:
    """Attempts as they stand in the table. Shape of a row: values of `NUMBERS`, then fault and SIP status."""
    values = ", ".join(
        f"(1, {call_id}, '5550100', 1, 'progressive', NULL, 'done', 0, '{fault}', {status}, NULL, "
        f"{', '.join('NULL' if value is None else str(int(value)) for value in numbers)})"
        for call_id, (*numbers, fault, status) in enumerate(rows, 1)
    )
    columns = "epoch, call_id, number, attempt_n, mode, verdict, disposition, not_before_utc_ms, fault, sip_status"
    await database.ask(f"INSERT INTO attempts ({columns}, q850_cause, {', '.join(NUMBERS)}) VALUES {values}")


def at(hours: float) -> int:
    return NOON + round(hours * HOUR)


STORY = (
    (1, 1, 1, 1, ANSWER, 7, at(0), 8_000, 0, 60_000, "none", 200),
    (1, 1, 1, 2, ANSWER, 7, at(0.5), 12_000, 1_500, 120_000, "none", 200),
    (1, 2, 1, 3, ABANDONED, None, at(0.9), 10_000, 4_000, 0, "callee", "NULL"),
    (1, 2, 1, 4, BUSY, None, at(1), 2_000, 0, 0, "callee", 486),
    (1, 1, 1, 5, NO_ANSWER, None, at(1.5), 20_000, 0, 0, "callee", 480),
    (2, 2, 2, 6, DROPPED, None, at(1.6), 6_000, 2_500, 0, "ours", "NULL"),
    (2, 2, 2, 7, MACHINE, None, at(1.7), 7_000, 0, 0, "callee", 200),
    (3, 9, 9, 8, ANSWER, 99, at(12), 5_000, 2_000, 30_000, "none", 200),
)
"""Saturday from noon on; the last one is at midnight UTC, which is Sunday."""


async def test_attempts_by_group_with_totals(database):
    await dialed(database, *STORY)
    async with opened(database) as store:
        found = await ask(store, "attempts", "2026-11-21", "campaign", "group")
        one = {"attempts": 5, "persons": 3, "persons_pct": 60.0, "connected": 2, "abandoned": 1, "dropped": 0}
        one |= {"lost_pct": 33.33, "machines": 0, "busy": 1, "no_answer": 1, "not_in_service": 0, "our_faults": 0}
        one |= {"ring_s": 10.4, "talk_s": 90.0, "talk_h": 0.05}
        assert found.rows[0] == {"campaign": "spring", "group": "east", **one}
        assert found.told("campaign", "group", "attempts", "dropped", "lost_pct", "machines", "our_faults")[1:] == [
            ("autumn", "west", 2, 1, 100.0, 1, 1)
        ]
        assert found.total is not None
        assert [found.total[name] for name in ("attempts", "persons", "lost_pct", "ring_s", "talk_s")] == [
            7,
            4,
            50.0,
            9.29,
            90.0,
        ]


async def test_attempts_by_time(database):
    await dialed(database, *STORY)
    async with opened(database) as store:
        hours = await ask(store, "attempts", "2026-11-21..2026-11-22", "hour")
        assert hours.told("hour", "attempts") == [
            ("2026-11-21T12:00Z", 3),
            ("2026-11-21T13:00Z", 4),
            ("2026-11-22T00:00Z", 1),
        ]
        days = await ask(store, "attempts", "2026-11-21..2026-11-22", "weekday", "hour-of-day", zone="America/New_York")
        assert days.told("weekday", "hour-of-day", "attempts") == [
            ("6-saturday", "07", 3),
            ("6-saturday", "08", 4),
            ("6-saturday", "19", 1),
        ]
        india = await ask(store, "attempts", "2026-11-21", "hour", zone="Asia/Kolkata", list=[1])
        assert india.told("hour", "attempts") == [
            ("2026-11-21T17:00+05:30", 1),
            ("2026-11-21T18:00+05:30", 3),
            ("2026-11-21T19:00+05:30", 1),
        ]


async def test_attempts_by_cause_and_by_what_the_configuration_no_longer_has(database):
    await dialed(database, *STORY)
    async with opened(database) as store:
        causes = await ask(store, "attempts", "2026-11-21", "result", "fault", "sip-status", "q850-cause")
        assert causes.told("result", "fault", "sip-status", "q850-cause", "attempts") == [
            ("busy", "callee", "486", "", 1),
            ("no_answer", "callee", "480", "", 1),
            ("answering_machine", "callee", "200", "", 1),
            ("abandoned", "callee", "", "", 1),
            ("dropped", "ours", "", "", 1),
            ("answer", "none", "200", "", 2),
        ]
        strange = await ask(store, "attempts", "2026-11-22", "campaign", "group", "list", "node", "agent", "mode")
        assert strange.told("campaign", "group", "list", "node", "agent", "mode") == [
            ("", "group 3", "list 9", "node 9", "agent 99", "progressive")
        ]
        assert (await ask(store, "attempts", "2026-11-21", "agent", agent=[7])).told("agent", "talk_h") == [
            ("ada", 0.05)
        ]


async def test_nothing_at_all(database):
    async with opened(database) as store:
        for kind in ("attempts", "waits", "lists"):
            found = await ask(store, kind, "2026-11-21", "list")
            assert found.rows == [] and found.total is not None
            assert not any(found.total.values())
        assert (await ask(store, "attempts", "2026-11-21", group=[])).total["attempts"] == 0


async def test_waits(database):
    await dialed(database, *STORY)
    async with opened(database) as store:
        found = await ask(store, "waits", "2026-11-21", "group", "day")
        names = ("group", "persons", "lost", "within_2s", "within_2s_pct", "mean_s", "p50_s", "p90_s", "longest_s")
        assert found.told(*names) == [
            ("east", 3, 1, 2, 66.67, 1.833, 1.5, 4.0, 4.0),
            ("west", 1, 1, 0, 0.0, 2.5, 2.5, 2.5, 2.5),
        ]
        assert found.total is not None
        assert [found.total[name] for name in names[1:]] == [4, 2, 2, 50.0, 2.0, 1.5, 4.0, 4.0]


async def test_percentiles_are_nearest_ranks(database):
    waits = [value * 10 for value in range(1, 101)]
    rows = [(1, 1, 1, 1, ANSWER, 7, at(0), 0, wait, 1, "none", 200) for wait in [*waits, *waits]]
    await dialed(database, *rows)
    async with opened(database) as store:
        [row] = (await ask(store, "waits", "2026-11-21", "group")).rows
        assert [row[name] for name in ("p50_s", "p90_s", "p95_s", "p99_s", "longest_s")] == [0.5, 0.9, 0.95, 0.99, 1.0]


async def test_lists(database):
    await dialed(database, *STORY)
    values = ", ".join(
        f"({record_id}, 1, '555{record_id:04}', {chain_id}, {record_id}, {status}, {result}, {attempts})"
        for record_id, chain_id, status, result, attempts in [
            (1, 0, 3, 33, 1),
            (2, 4, 3, 33, 2),
            (3, 4, 7, 28, 0),
            (4, 4, 3, 6, 4),
            (5, 0, 1, 28, 0),
        ]
    )
    columns = "record_id, list_id, number, chain_id, chain_n, status, call_result, attempts"
    await database.ask(f"INSERT INTO records ({columns}) VALUES {values}")
    async with opened(database) as store:
        found = await ask(store, "lists", "2026-11-21", "list")
        assert found.rows == [{"list": "customers", **found.total}]
        assert found.total == {
            "records": 5,
            "customers": 3,
            "chains": 1,
            "tried": 3,
            "tried_pct": 60.0,
            "finished": 4,
            "finished_pct": 80.0,
            "attempts_per_record": 2.33,
            "attempts": 5,
            "dialed": 5,
            "persons": 2,
            "persons_pct": 66.67,
        }
        parts = await ask(store, "lists", "2026-11-22", "status", "result", "attempts-made", list=[1])
        assert parts.told("status", "result", "attempts-made", "records", "customers", "attempts") == [
            ("ready", "unknown", "0", 1, 1, 0),
            ("updated", "busy", "4", 1, 1, 0),
            ("updated", "answer", "1", 1, 1, 0),
            ("updated", "answer", "2", 1, 1, 0),
            ("chain updated", "unknown", "0", 1, 1, 0),
        ]
        assert parts.total is not None and (parts.total["customers"], parts.total["persons"]) == (3, 0)


ATTEMPTS = st.tuples(
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(1, 5),
    st.sampled_from([ANSWER, BUSY, ABANDONED, DROPPED, NO_ANSWER, MACHINE]),
    st.none() | st.integers(7, 9),
    st.integers(at(-60), at(60)),
    st.integers(0, 20_000),
    st.integers(0, 5_000),
    st.integers(0, 100_000),
    st.sampled_from(["none", "callee", "ours"]),
    st.sampled_from([200, 486, "NULL"]),
)
COUNTS = ("attempts", "persons", "connected", "abandoned", "dropped", "machines", "busy", "no_answer", "our_faults")


@pytest.mark.slow
def test_parts_add_up_however_they_are_cut(database):
    """By whatever dimensions, in however many periods: the counts are the same."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        rows=st.lists(ATTEMPTS, min_size=1, max_size=25),
        by=st.lists(st.sampled_from(["group", "list", "hour", "day", "weekday", "result"]), max_size=3, unique=True),
        cut=st.integers(-55, 55),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]),
    )
    def check(rows, by, cut, zone):
        async def story():
            await database.ask("DELETE FROM attempts")
            await dialed(database, *rows)
            async with opened(database) as store:
                whole = await ask(store, "attempts", "2026-11-18T00:00Z..2026-11-25T00:00Z", *by, zone=zone)
                hour = f"2026-11-{21 + (12 + cut) // 24}T{(12 + cut) % 24:02}:00Z"
                parts = [
                    await ask(store, "attempts", period, *by, zone=zone)
                    for period in (f"2026-11-18T00:00Z..{hour}", f"{hour}..2026-11-25T00:00Z")
                ]
                waits = await ask(store, "waits", "2026-11-18T00:00Z..2026-11-25T00:00Z", *by, zone=zone)
            for name in COUNTS:
                assert whole.total[name] == sum(part.total[name] for part in parts)
                assert not by or whole.total[name] == sum(row[name] for row in whole.rows)
            assert whole.total["attempts"] == len(rows)
            assert waits.total["persons"] == whole.total["persons"]
            sorted_waits = sorted(row[8] for row in rows if row[4] in (ANSWER, ABANDONED, DROPPED))
            if sorted_waits:
                rank = -(-len(sorted_waits) * 90 // 100)
                assert waits.total["p90_s"] == sorted_waits[rank - 1] / 1_000

        asyncio.run(story())

    check()


# --- agents ------------------------------------------------------------------------------------------------------


async def lived(database: Any, *rows: tuple[int, str, float, float | None]) -> None:
    """What agents did. Shape of a row: (agent, state with its reason behind a colon, from, until); hours after noon."""
    values = []
    for n, (agent_id, state, since, till) in enumerate(rows, 1):
        word, _, reason = state.partition(":")
        group = 1 if word in ("talking", "reserved", "after-call work") else "NULL"
        until = "NULL" if till is None else at(till)
        values.append(f"(1, {n}, {agent_id}, '{word}', '{reason}', {group}, {at(since)}, {until})")
    columns = "epoch, change_n, agent_id, state, reason, group_id, from_utc_ms, until_utc_ms"
    await database.ask(f"INSERT INTO agent_states ({columns}) VALUES {', '.join(values)}")


DAY = (
    (7, "not ready:lunch", -0.5, 0.25),
    (7, "ready", 0.25, 0.5),
    (7, "reserved", 0.5, 0.505),
    (7, "talking", 0.505, 1.5),
    (7, "after-call work", 1.5, 1.6),
    (7, "ready", 1.6, 1.75),
    (8, "not ready", -30, 14),
    (9, "ready", 3.5, None),
    (9, "talking", 3.6, 3.6),
)
"""The last one's server has gone; its last sign of life is at 3.6."""


async def test_agents_by_hour(database):
    await lived(database, *DAY)
    async with opened(database, utc_ms=at(5)) as store:
        found = await ask(store, "agents", "2026-11-21T12:00Z..2026-11-21T14:00Z", "agent", "hour")
        assert found.rows == [
            {
                **{"agent": "ada", "hour": "2026-11-21T12:00Z", "logged_in_s": 3600.0, "ready_s": 900.0},
                **{"reserved_s": 18.0, "talking_s": 1782.0, "after_call_work_s": 0.0, "not_ready_s": 900.0},
                **{"calls": 1, "handling_s": 1782.0, "occupancy_pct": 66.67},
            },
            {
                **{"agent": "ada", "hour": "2026-11-21T13:00Z", "logged_in_s": 2700.0, "ready_s": 540.0},
                **{"reserved_s": 0.0, "talking_s": 1800.0, "after_call_work_s": 360.0, "not_ready_s": 0.0},
                **{"calls": 0, "handling_s": None, "occupancy_pct": 80.0},
            },
            *(
                {
                    **{"agent": "agent 8", "hour": f"2026-11-21T{hour}:00Z", "logged_in_s": 3600.0, "ready_s": 0.0},
                    **{"reserved_s": 0.0, "talking_s": 0.0, "after_call_work_s": 0.0, "not_ready_s": 3600.0},
                    **{"calls": 0, "handling_s": None, "occupancy_pct": None},
                }
                for hour in (12, 13)
            ),
        ]
        assert found.total is not None
        assert (found.total["logged_in_s"], found.total["calls"], found.total["handling_s"]) == (13_500.0, 1, 3_942.0)


async def test_agents_otherwise(database):
    await lived(database, *DAY)
    async with opened(database, utc_ms=at(5)) as store:
        days = await ask(store, "agents", "2026-11-20..2026-11-22", "agent", "day", agent=[8])
        assert days.told("day", "not_ready_s") == [
            ("2026-11-20", 18 * 3_600.0),
            ("2026-11-21", 24 * 3_600.0),
            ("2026-11-22", 2 * 3_600.0),
        ]
        reasons = await ask(store, "agents", "2026-11-21", "agent", "reason", agent=[7])
        assert reasons.told("reason", "not_ready_s", "talking_s") == [("", 0.0, 3_582.0), ("lunch", 2_700.0, 0.0)]
        groups = await ask(store, "agents", "2026-11-21", "campaign", "group", agent=[7])
        assert groups.told("campaign", "group", "logged_in_s", "occupancy_pct") == [
            ("", "", 4_140.0, 0.0),
            ("spring", "east", 3_960.0, 100.0),
        ]
        teams = await ask(store, "agents", "2026-11-21T12:00Z..2026-11-21T13:00Z", "agent-group")
        assert teams.told("agent-group", "logged_in_s") == [("", 3_600.0), ("sales", 3_600.0)]
        crashed = await ask(store, "agents", "2026-11-21", "agent", "hour-of-day", agent=[9])
        assert crashed.told("hour-of-day", "ready_s", "calls") == [("15", 360.0, 1)]


@pytest.mark.slow
async def test_a_year_of_hours(database):
    await lived(database, (7, "ready", -400 * 24, -1))
    async with opened(database) as store:
        found = await ask(store, "agents", "2025-10-20..2026-11-21", "hour", zone="Europe/Berlin")
        assert len(found.rows) == 397 * 24 + 13 and {row["ready_s"] for row in found.rows} == {3_600.0}
        days = await ask(store, "agents", "2025-10-20..2026-11-21", "day", zone="Europe/Berlin")
        hours = [row["ready_s"] / 3_600 for row in days.rows]
        assert len(hours) == 398 and sorted(set(hours)) == [12, 23, 24, 25]


async def test_what_goes_on_is_counted_up_to_the_last_sign_of_life(database):
    async with opened(database) as store:
        await write(store, agent(1, 7, "ready", at(0)), agent(2, 8, "ready", at(1)))
        found = await ask(store, "agents", "2026-11-21", "agent", "hour")
        assert found.told("agent", "hour", "ready_s") == [
            ("ada", "2026-11-21T12:00Z", 3_600.0),
            ("agent 8", "2026-11-21T13:00Z", 0.0),
        ]


STATES = ("ready", "reserved", "talking", "after-call work", "not ready")


@pytest.mark.slow
def test_agents_time_adds_up_however_it_is_cut(database):
    """Every hour of a day on which clocks change is full, and every part of the split is somewhere."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        steps=st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 20 * HOUR)), min_size=1, max_size=12),
        by=st.lists(st.sampled_from(["agent", "group", "hour", "day", "weekday", "reason"]), max_size=3, unique=True),
        cut=st.integers(0, 60),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"]),
    )
    def check(steps, by, cut, zone):
        begins, rows, calls = -28 * 24 * HOUR, [], 0  # in the night when clocks change in Berlin
        since = begins
        for n, (state, length) in enumerate(steps):
            rows.append((7 + n % 2, state, since / HOUR, (since + length) / HOUR))
            calls += state == "talking"
            since += length

        async def story():
            await database.ask("DELETE FROM agent_states")
            await lived(database, *rows)
            async with opened(database, utc_ms=at(24)) as store:
                first, last = "2026-10-23T00:00Z", "2026-11-22T00:00Z"
                middle = f"2026-10-{24 + cut // 24}T{cut % 24:02}:30Z"
                whole = await ask(store, "agents", f"{first}..{last}", *by, zone=zone)
                parts = [
                    await ask(store, "agents", p, *by, zone=zone) for p in (f"{first}..{middle}", f"{middle}..{last}")
                ]
            columns = ["logged_in_s", *(f"{state.replace('-', '_').replace(' ', '_')}_s" for state in STATES)]
            for name in (*columns, "calls"):
                assert whole.total[name] == pytest.approx(sum(part.total[name] for part in parts))
                assert not by or whole.total[name] == pytest.approx(sum(row[name] for row in whole.rows))
            for row in (*whole.rows, whole.total):
                assert row["logged_in_s"] == pytest.approx(sum(row[name] for name in columns[1:]))
            assert whole.total["logged_in_s"] == pytest.approx(sum(length for _, length in steps) / 1_000)
            assert whole.total["calls"] == calls

        asyncio.run(story())

    check()


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


async def test_a_query_that_may_not_take_long_is_ended_and_others_go_on(database):
    async with opened(database) as store:
        with pytest.raises(ReadTooLong, match="longer than"):
            await store.read(ENDLESS, lambda rows: None, 0.1)
        found: list[Any] = []
        await store.read("SELECT 1", found.extend, 5.0)
        assert [tuple(row) for row in found] == [(1,)]
