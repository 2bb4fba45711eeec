"""What a dialer that was killed leaves on a server, and what the next one does with it.

Tried on real Asterisk 22 and 16 and on the shipped fake alike. A process is a `Line`: each has a mark of its own.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from outdial.core.events import CallConnected, CalleeAnswered, ServerConnected
from server_line import SEIZING, Line


@pytest.fixture
def play(far_side, make_onlooker):
    """Runs a story with the earlier process connected and the later one ready."""

    async def run(story: Callable[..., Any]) -> None:
        async with far_side() as side, make_onlooker(side.settings) as onlooker:
            earlier, later = Line(side.settings), Line(side.settings)
            try:
                await earlier.connect()
                await story(earlier, later, onlooker)
            finally:
                earlier.close()
                later.close()

    return lambda story: asyncio.run(run(story))


def test_agents_and_customers_who_were_left_alone_are_let_go(play):
    async def story(earlier, later, onlooker):
        await earlier.engaged("agent1003")
        await earlier.answered("20010001", group_id=SEIZING)
        earlier.close()
        assert len(await onlooker.channels()) == 2 and len(await onlooker.bridges()) == 1
        await later.connect()
        await onlooker.until_there_are(channels=0, bridges=0)
        assert [type(event) for event in later.events] == [ServerConnected]

    play(story)


def test_agent_who_hung_up_between_two_processes_leaves_no_bridge(play):
    async def story(earlier, later, onlooker):
        await earlier.engaged("agent1003")
        earlier.close()
        for channel in await onlooker.channels():
            await onlooker.hang_up(channel)
        await asyncio.sleep(0.2)
        assert len(await onlooker.bridges()) == 1
        await later.connect()
        await onlooker.until_there_are(channels=0, bridges=0)

    play(story)


def test_customer_who_answers_after_the_process_that_called_has_gone_is_let_go(play):
    async def story(earlier, later, onlooker):
        earlier.dial("2004920001", group_id=SEIZING)  # rings for 2 s, talks for 8.5 s
        await asyncio.sleep(0.2)
        earlier.close()
        await later.connect()
        assert len(await onlooker.channels()) == 1
        await onlooker.until_there_are(channels=0, bridges=0)

    play(story)


@pytest.mark.parametrize("who", ["customer", "agent"])
def test_conversation_goes_on_without_its_process_and_leaves_nothing_when_it_ends(play, who):
    async def story(earlier, later, onlooker):
        engaging = await earlier.engaged("agent1003")
        [agent] = await onlooker.channels()
        customer_call = earlier.dial("20010001", group_id=SEIZING)
        await earlier.until(CalleeAnswered, customer_call)
        [customer] = await onlooker.channels() - {agent}
        earlier.join(customer_call, engaging)
        await earlier.until(CallConnected, customer_call)
        earlier.close()
        await later.connect()
        own = await later.engaged("agent1004")
        await asyncio.sleep(0.3)
        assert {agent, customer} < await onlooker.channels()
        assert {agent, customer} in (await onlooker.bridges()).values()
        await onlooker.hang_up({"customer": customer, "agent": agent}[who])
        await onlooker.until_there_are(channels=1, bridges=1)
        assert later.server.has_call(own)

    play(story)
