"""What agents do, as it is written down: stretches that follow each other, also after a crash."""

from store.contract.story import NOW, add_singles, agent, agent_states, begun, claim_one, opened, write


async def test_stretches_follow_each_other_until_the_agent_logs_out(database):
    async with opened(database) as store:
        await write(store, agent(1, 7, "not ready", NOW, "lunch"), agent(2, 8, "ready", NOW + 10))
        await write(store, agent(3, 7, "ready", NOW + 50), agent(4, 7, "talking", NOW + 70, group_id=1))
        assert await agent_states(database) == [
            (1, 7, "not ready", 0, 50),
            (2, 8, "ready", 10, None),
            (3, 7, "ready", 50, 70),
            (4, 7, "talking", 70, None),
        ]
        await write(store, agent(5, 7, "logged out", NOW + 90))
        assert [row[4] for row in await agent_states(database)] == [50, None, 70, 90]
    rows = await database.ask("SELECT reason, group_id FROM agent_states ORDER BY change_n")
    assert list(map(tuple, rows)) == [("lunch", None), (None, None), (None, None), (None, 1)]


async def test_what_is_written_twice_in_other_groups_is_the_same(database):
    changes = [
        agent(1, 7, "ready", NOW),
        agent(2, 7, "reserved", NOW + 5),
        agent(3, 7, "talking", NOW + 5),
        agent(4, 8, "ready", NOW + 6),
        agent(5, 7, "logged out", NOW + 9),
        agent(6, 7, "not ready", NOW + 20),
    ]
    async with opened(database) as store:
        await write(store, *changes[:2])
        await write(store, *changes[:4])
        await write(store, *changes[2:])
        await write(store, *changes)
    assert await agent_states(database) == [
        (1, 7, "ready", 0, 5),
        (2, 7, "reserved", 5, 5),
        (3, 7, "talking", 5, 9),
        (4, 8, "ready", 6, None),
        (6, 7, "not ready", 20, None),
    ]


async def test_a_clock_that_steps_back_makes_no_negative_time(database):
    async with opened(database) as store:
        await write(store, agent(1, 7, "ready", NOW + 100))
        await write(store, agent(2, 7, "talking", NOW + 40), agent(3, 7, "ready", NOW + 30))
    assert [row[3:] for row in await agent_states(database)] == [(100, 100), (40, 40), (30, None)]


async def test_after_a_crash_states_end_with_the_last_sign_of_life(database):
    async with opened(database) as store:
        await add_singles(store, 1)
        [record] = await claim_one(store)
        await write(store, agent(1, 7, "ready", NOW), agent(2, 8, "ready", NOW + 10))
        await write(store, begun(1, record, NOW + 5_000))
    async with opened(database, utc_ms=NOW + 3_600_000):
        assert await agent_states(database) == [(1, 7, "ready", 0, 5_000), (2, 8, "ready", 10, 5_000)]


async def test_every_start_has_last_signs_of_its_own(database):
    async with opened(database) as store:
        await write(store, *(agent(n, 7, "ready", NOW + n) for n in range(1, 6)))
    async with opened(database, utc_ms=NOW + 1_000) as store:
        await write(store, agent(1, 7, "ready", NOW + 1_000), agent(2, 8, "ready", NOW + 2_000))
    async with opened(database, utc_ms=NOW + 5_000):
        assert (await agent_states(database))[-3:] == [
            (5, 7, "ready", 5, 5),
            (1, 7, "ready", 1_000, 2_000),
            (2, 8, "ready", 2_000, 2_000),
        ]


async def test_the_last_change_is_a_sign_of_life_too_and_so_is_what_comes_out_of_the_spool(database):
    async with opened(database) as store:
        await write(store, agent(1, 7, "ready", NOW), agent(2, 8, "ready", NOW + 10))
        epoch = store.found.epoch
    async with opened(database, utc_ms=NOW + 3_600_000, left=[(epoch, [agent(3, 8, "talking", NOW + 90)])]):
        assert await agent_states(database) == [
            (1, 7, "ready", 0, 90),
            (2, 8, "ready", 10, 90),
            (3, 8, "talking", 90, 90),
        ]


async def test_another_server_s_agents_go_on(database):
    async with opened(database, "one") as one:
        await write(one, agent(1, 7, "ready", NOW))
        if hasattr(database, "path"):
            return  # a SQLite file has one server
        async with opened(database, "two") as two:
            await write(two, agent(1, 9, "ready", NOW))
        async with opened(database, "two"):
            assert [row[4] for row in await agent_states(database)] == [None, 0]
