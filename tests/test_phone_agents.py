"""Agents without a desktop: who is signed in, and when they are ready again."""

import asyncio
from dataclasses import replace

from config_samples import load_text, text_with
from outdial.core.agents import AgentState
from outdial.core.commands import AgentStateChanged, OfferRecord, Release, WithdrawOffer
from outdial.core.events import AgentBecameReady, AgentLoggedIn, AgentLoggedOut, Event, PreviewAccepted
from outdial.core.records import Record
from outdial.core.settings import Agent, Configuration
from outdial.phone_agents import PhoneAgents, with_after_call_work

CONFIGURATION = load_text(text_with()).configuration
ADA = 7


def changed(state: AgentState) -> AgentStateChanged:
    return AgentStateChanged(ADA, state.value)


def with_agents(*agents: Agent) -> Configuration:
    return replace(CONFIGURATION, agents=agents)


class Story:
    """Agents of the good configuration, signed in."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.agents = PhoneAgents(self.events.append, ready_again_ms=20)
        self.events += self.agents.follow(CONFIGURATION)

    def told(self) -> list[Event]:
        """Events since the last look."""
        told, self.events[:] = list(self.events), []
        return told


def test_who_belongs_to_an_agent_group_is_signed_in_and_ready():
    told = Story().told()
    assert told[:2] == [AgentLoggedIn(ADA, "1007"), AgentBecameReady(ADA)]
    assert {event.agent_id for event in told} == {7, 101, 102, 103, 104}
    idle = with_agents(*CONFIGURATION.agents, Agent(9, "nobody", "1009"))
    assert 9 not in {event.agent_id for event in PhoneAgents(print, 1).follow(idle)}


def test_who_has_a_desktop_is_left_alone_and_signed_out_when_they_get_one():
    story = Story()
    story.told()
    assert list(story.agents.follow(CONFIGURATION, {ADA})) == [AgentLoggedOut(ADA)]
    story.agents.carry_out(changed(AgentState.LOGGED_OUT))
    assert story.agents.carry_out(OfferRecord(ADA, 1, Record(1, 1, "5550100")))
    assert story.told() == []
    assert list(story.agents.follow(CONFIGURATION)) == [AgentLoggedIn(ADA, "1007"), AgentBecameReady(ADA)]


def test_who_has_a_desktop_ends_after_call_work():
    [group] = CONFIGURATION.campaign_groups
    with_desktop = with_after_call_work(CONFIGURATION, 700, {group.agent_group})
    assert with_desktop.campaign_groups == CONFIGURATION.campaign_groups
    assert with_after_call_work(CONFIGURATION, 700, {99}).campaign_groups[0].after_call_work_ms_max == 700


def test_who_missed_a_call_is_ready_again_after_a_pause():
    async def story():
        story = Story()
        story.told()
        story.agents.carry_out(AgentStateChanged(ADA, AgentState.NOT_READY.value, "no answer"))
        assert story.told() == []
        while not story.events:
            await asyncio.sleep(0.005)
        assert story.told() == [AgentBecameReady(ADA)]

    asyncio.run(asyncio.wait_for(story(), 5))


def test_who_is_busy_again_is_left_alone():
    """Being ready would end after-call work before its time."""

    async def story():
        story = Story()
        story.told()
        for state in (AgentState.NOT_READY, AgentState.READY, AgentState.RESERVED, AgentState.AFTER_CALL_WORK):
            story.agents.carry_out(changed(state))
        await asyncio.sleep(0.05)
        assert story.told() == []

    asyncio.run(asyncio.wait_for(story(), 5))


def test_an_offered_record_is_accepted_at_once():
    story = Story()
    story.told()
    assert story.agents.carry_out(OfferRecord(ADA, 1, Record(1, 1, "5550100")))
    assert story.told() == [PreviewAccepted(ADA)]
    assert story.agents.carry_out(WithdrawOffer(ADA, "the group was stopped"))
    assert not story.agents.carry_out(Release(1))
    assert story.told() == []


def test_a_new_phone_takes_effect_when_the_call_is_over():
    story = Story()
    story.told()
    moved = with_agents(*(replace(a, phone="2007") if a.dbid == ADA else a for a in CONFIGURATION.agents))
    assert list(story.agents.follow(moved)) == [AgentLoggedOut(ADA)]
    story.agents.carry_out(changed(AgentState.LOGGED_OUT))
    assert story.told() == [AgentLoggedIn(ADA, "2007"), AgentBecameReady(ADA)]


def test_who_left_the_configuration_stays_away():
    story = Story()
    story.told()
    without = with_agents(*(agent for agent in CONFIGURATION.agents if agent.dbid != ADA))
    assert list(story.agents.follow(without)) == [AgentLoggedOut(ADA)]
    story.agents.carry_out(changed(AgentState.LOGGED_OUT))
    assert story.told() == []
    assert list(story.agents.follow(CONFIGURATION)) == [AgentLoggedIn(ADA, "1007"), AgentBecameReady(ADA)]


def test_at_the_end_nobody_is_made_ready():
    async def story():
        story = Story()
        story.told()
        story.agents.carry_out(changed(AgentState.NOT_READY))
        story.agents.close()
        story.agents.carry_out(changed(AgentState.LOGGED_OUT))
        await asyncio.sleep(0.05)
        assert story.told() == []

    asyncio.run(asyncio.wait_for(story(), 5))


def test_after_call_work_ends_by_itself_in_every_group():
    [group] = CONFIGURATION.campaign_groups
    limits = [
        with_after_call_work(replace(CONFIGURATION, campaign_groups=(replace(group, after_call_work_ms_max=ms),)), 700)
        for ms in (0, 300)
    ]
    assert [each.campaign_groups[0].after_call_work_ms_max for each in limits] == [700, 300]
