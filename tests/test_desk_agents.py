"""Agents with a desktop: what they see, who is told of a change, and what follows when nobody looks."""

import asyncio
from dataclasses import replace

import pytest

from desk_story import AWAY_MS, DeskStory, in_a_loop
from dialing_story import dialing_story, group
from outdial.api.desk_view import WATCHERS_MAX, TooManyWatchers
from outdial.core.callback_events import CallbackRequested, DispositionGiven
from outdial.core.commands import Dial, Transfer
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    PhoneState,
    PreviewAccepted,
    PreviewRejected,
    PreviewRequested,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult
from outdial.core.units import HOUR_MS

ABOUT_CALLS = ("disposition", "callback", "dnc")


async def soon() -> None:
    """Let what has been started come to its end."""
    for _ in range(5):
        await asyncio.sleep(0)


# --- what is shown ------------------------------------------------------------------------------------------------


@in_a_loop
async def test_desk_of_a_day():
    story = dialing_story(group(1, agents=1), ready=[])
    desks = DeskStory(story)
    desk = desks.desk()
    assert (desk.dbid, desk.login, desk.state, desk.may) == (101, desk.login, "logged out", ("login",))
    assert [(each.name, each.state, each.mode) for each in desk.groups] == [("group 1", "running", "progressive")]

    story.tell(AgentLoggedIn(101, "7101"))
    desk = desks.desk()
    assert (desk.state, desk.phone, desk.phone_state) == ("not ready", "7101", "idle")
    assert desk.may == ("logout", "not-ready", "leave", "ready")

    story.tell(AgentBecameReady(101), AgentLeaveAnnounced(101, story.mono_ms + HOUR_MS))
    desk = desks.desk()
    assert (desk.state, desk.next_state, desk.may) == ("ready", "ready", ("logout", "not-ready", "leave"))
    assert desk.leaves_at_utc_ms == story.now.utc_ms + HOUR_MS

    story.tell(AgentBecameNotReady(101, "lunch"))
    assert (desks.desk().reason, desks.desk().next_reason) == ("lunch", "lunch")
    story.tell(AgentLoggedOut(101))
    assert desks.desk().may == ("login",)


@in_a_loop
async def test_call_from_the_reservation_to_the_word_after_it():
    story = dialing_story(group(1, agents=1), ready=[])
    desks = DeskStory(story)
    dial = story.agent_ready(101).the(Dial)
    assert desks.desk().call is None  # it may come to nothing
    story.person_answers(dial)
    story.the(Transfer)
    call = desks.desk().call
    assert call is not None and (call.phase, call.record.number, call.record.fields) == (
        "connecting",
        dial.number,
        None,
    )
    await soon()
    call = desks.desk().call
    assert call is not None and call.record.fields == {"first_name": "Ann"}
    assert [word.note for word in call.record.said] == ["earlier"]

    story.agent_takes(dial)
    desk = desks.desk()
    assert desk.call is not None and desk.call.phase == "connected"
    assert desk.call.connected_utc_ms == story.now.utc_ms
    assert (desk.state, desk.call.group.name, desk.may[-3:]) == ("talking", "group 1", ABOUT_CALLS)

    story.tell(DispositionGiven(1, 101, CallResult.WRONG_PARTY, note="her brother"))
    call = desks.desk().call
    assert call is not None and call.said is not None
    assert (call.said.call_result, call.said.note) == ("WRONG_PARTY", "her brother")

    story.advance(5_000).ended(dial)
    desk = desks.desk()
    assert (desk.state, desk.call) == ("after-call work", None)
    last = desk.last_call
    assert last is not None and last.said is not None
    assert (last.call_id, last.call_result, last.talk_ms) == (dial.call_id, "ANSWER", 5_000)
    assert (last.said.call_result, last.record.fields) == ("WRONG_PARTY", {"first_name": "Ann"})

    at_utc_ms = story.now.utc_ms + HOUR_MS
    story.tell(CallbackRequested(2, 101, at_utc_ms, True, dial.call_id, "+15559999", "after work"))
    last = desks.desk().last_call
    assert last is not None and last.said is not None
    said = last.said
    assert (said.callback_at_utc_ms, said.callback_personal, said.callback_number) == (at_utc_ms, True, "+15559999")
    assert desks.asked == [dial.record_id]


@in_a_loop
async def test_database_that_does_not_answer_leaves_the_fields_out():
    story = dialing_story(group(1, agents=1), ready=[])
    desks = DeskStory(story)
    desks.is_database_away = True
    story.person_answers(story.agent_ready(101).the(Dial))
    assert desks.desk().call is not None
    await soon()
    call = desks.desk().call
    assert call is not None and (call.record.fields, desks.asked) == (None, [call.record.record_id])


@in_a_loop
async def test_record_on_offer_and_why_it_is_gone():
    story = dialing_story(group(1, Mode.PREVIEW, agents=1, preview_ms_max=20_000))
    desks = DeskStory(story)
    assert "preview" in desks.desk().may
    story.tell(PreviewRequested(101, 1))
    desk = desks.desk()
    assert desk.offer is not None and desk.offer.until_utc_ms == story.now.utc_ms + 20_000
    assert (desk.state, desk.may[-2:]) == ("reserved", ("accept", "reject"))
    story.advance(20_000)
    desk = desks.desk()
    assert (desk.state, desk.reason, desk.offer) == ("not ready", "no decision on the offered record", None)
    assert desk.notice is not None and desk.notice.text == "no decision in time"

    story.tell(AgentBecameReady(101), PreviewRequested(101, 1), PreviewRejected(101))
    assert (desks.desk().state, desks.desk().notice) == ("ready", None)
    story.tell(PreviewRequested(101, 1), PreviewAccepted(101))
    call = desks.desk().call
    assert call is not None and call.phase == "dialing"
    await soon()


@in_a_loop
async def test_record_that_comes_again_is_looked_up_again():
    """What was said on its last call has been written down since."""
    story = dialing_story(group(1, Mode.PREVIEW, agents=1))
    desks = DeskStory(story)
    for times in (1, 2):
        story.tell(PreviewRequested(101, 1))
        desk = desks.desk()
        assert desk.offer is not None
        await soon()
        assert desks.asked == [desk.offer.record.record_id] * times
        story.tell(PreviewRejected(101))
        story.state.groups[1].buffer.appendleft(Chain((Record(desk.offer.record.record_id, 1, "+15550000001"),)))


@in_a_loop
async def test_after_call_work_shows_its_end():
    story = dialing_story(group(1, agents=1, after_call_work_ms_max=9_000), ready=[])
    desks = DeskStory(story)
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial).agent_takes(dial).ended(dial)
    assert desks.desk().ends_utc_ms == story.now.utc_ms + 9_000
    await soon()


# --- who is told --------------------------------------------------------------------------------------------------


@in_a_loop
async def test_change_of_one_of_a_thousand_agents_is_told_to_one_feed():
    story = dialing_story(group(1, Mode.PREVIEW, agents=1_000), ready=[])
    desks = DeskStory(story)
    watches = {agent_id: desks.desks.watch(agent_id) for agent_id in desks.with_desktop}
    seen = {agent_id: await watch.next(None) for agent_id, watch in watches.items()}
    told: list[int] = []

    async def read(agent_id: int) -> None:
        desk = seen[agent_id]
        assert desk is not None
        await watches[agent_id].next(desk.version)
        told.append(agent_id)

    readers = [asyncio.create_task(read(agent_id)) for agent_id in sorted(watches)]
    await soon()
    for act in (AgentLoggedIn(777, "7777"), AgentBecameReady(777), PreviewRequested(777, 1), PreviewAccepted(777)):
        before = desks.versions()
        story.tell(act)
        await soon()
        after = desks.versions()
        assert [agent_id for agent_id in before if before[agent_id] != after[agent_id]] == [777]
    assert told == [777]
    for reader in readers:
        reader.cancel()


@in_a_loop
async def test_steps_that_are_about_nobody_are_told_to_nobody():
    story = dialing_story(group(1, Mode.POWER_GVP, agents=2, maximum_queue_size=3), ready=[])
    desks = DeskStory(story)
    before = desks.versions()
    story.advance(60_000)
    assert desks.versions() == before


@in_a_loop
async def test_own_phone_and_own_groups_are_told():
    story = dialing_story(group(1, agents=1), group(2, agents=1), ready=[])
    desks = DeskStory(story)
    story.log_in(101, 201)
    for act, told in (
        (lambda: story.phone(101, PhoneState.UNREACHABLE), {101}),
        (lambda: story.phone(101, PhoneState.UNREACHABLE), set()),  # nothing new
        (lambda: story.stop(2), {201}),
        (lambda: story.change_mode(Mode.PREDICTIVE, 1), {101}),
    ):
        before = desks.versions()
        act()
        after = desks.versions()
        assert {agent_id for agent_id in before if before[agent_id] != after[agent_id]} == told
    assert desks.desk(101).phone_state == "unreachable"
    assert desks.desk(201).groups[0].state == "stopped"


@in_a_loop
async def test_slow_reader_gets_the_latest():
    story = dialing_story(group(1, agents=1), ready=[])
    desks = DeskStory(story)
    watch = desks.desks.watch(101)
    first = await watch.next(None)
    assert first is not None
    story.log_in(101)
    story.tell(AgentBecameNotReady(101, "break"), AgentBecameNotReady(101, "lunch"))
    latest = await watch.next(first.version)
    assert latest is not None and latest.reason == "lunch"
    assert latest.version == desks.desk().version


# --- who looks ----------------------------------------------------------------------------------------------------


@in_a_loop
async def test_nobody_at_the_desk_is_not_ready():
    story = dialing_story(group(1, agents=1), ready=[])
    desks = DeskStory(story)
    watch = desks.desks.watch(101)
    story.agent_ready(101)
    assert desks.patience == []
    watch.close()
    watch.close()
    [wait] = desks.patience
    assert wait.seconds * 1_000 == AWAY_MS
    wait.call()
    assert desks.told == [AgentBecameNotReady(101, "desktop away")]
    assert (desks.desk().state, desks.desk().reason) == ("not ready", "desktop away")


@in_a_loop
async def test_who_is_back_in_time_stays_ready():
    desks = DeskStory(dialing_story(group(1, agents=1)))
    desks.desks.watch(101).close()
    again = desks.desks.watch(101)
    assert desks.patience == []
    other = desks.desks.watch(101)
    again.close()
    assert desks.patience == []
    other.close()
    assert len(desks.patience) == 1
    desks.desks.touch(101)  # asked without a stream: somebody is there
    assert len(desks.patience) == 1 and len(desks.waits) == 3


@in_a_loop
async def test_call_goes_on_without_the_desk():
    story = dialing_story(group(1, agents=1), ready=[])
    desks = DeskStory(story)
    dial = story.agent_ready(101).the(Dial)
    story.person_answers(dial).agent_takes(dial)
    desks.desks.touch(101)
    desks.patience[0].call()
    desk = desks.desk()
    assert (desk.state, desk.next_state, desk.next_reason) == ("talking", "not ready", "desktop away")
    await soon()


@pytest.mark.parametrize("act", [AgentBecameNotReady(101, "lunch"), AgentLoggedOut(101)])
@in_a_loop
async def test_who_is_not_ready_is_not_missed(act):
    story = dialing_story(group(1, agents=1))
    desks = DeskStory(story)
    story.tell(act)
    desks.desks.touch(101)
    desks.patience[0].call()
    assert desks.told == []


@in_a_loop
async def test_streams_of_one_desk_are_bounded():
    desks = DeskStory(dialing_story(group(1, agents=1)))
    watches = [desks.desks.watch(101) for _ in range(WATCHERS_MAX)]
    with pytest.raises(TooManyWatchers):
        desks.desks.watch(101)
    watches[0].close()
    desks.desks.watch(101)


# --- the configuration --------------------------------------------------------------------------------------------


@in_a_loop
async def test_desk_that_is_taken_away_ends_its_streams():
    story = dialing_story(group(1, agents=2))
    desks = DeskStory(story, 101, 102)
    watch = desks.desks.watch(101)
    desk = await watch.next(None)
    assert desk is not None
    configuration = story.state.configuration
    assert configuration is not None
    assert list(desks.desks.follow(configuration, {102})) == [AgentLoggedOut(101)]
    assert await watch.next(desk.version) is None
    watch.close()
    assert (desks.desks.has(101), desks.desks.has(102), desks.patience) == (False, True, [])


@in_a_loop
async def test_agent_who_has_left_is_logged_out_by_the_dialer():
    story = dialing_story(group(1, agents=2))
    desks = DeskStory(story)
    configuration = story.state.configuration
    assert configuration is not None
    smaller = replace(
        configuration,
        agents=configuration.agents[:1],
        agent_groups=tuple(replace(each, agents=(101,)) for each in configuration.agent_groups),
    )
    story.load(smaller)
    assert list(desks.desks.follow(smaller, {101})) == []
    assert not desks.desks.has(102)


@in_a_loop
async def test_all_streams_end_with_the_server():
    desks = DeskStory(dialing_story(group(1, agents=1)))
    watch = desks.desks.watch(101)
    desk = await watch.next(None)
    assert desk is not None
    desks.desks.close()
    assert await watch.next(desk.version) is None
    watch.close()
    assert desks.patience == []


@in_a_loop
async def test_phones_and_who_holds_them():
    story = dialing_story(group(1, agents=2), ready=[])
    desks = DeskStory(story)
    assert (desks.desks.phone_of(102), desks.desks.holders("7101")) == ("7102", ())
    story.log_in(101)
    assert desks.desks.holders("7101") == (101,)
    story.log_out(101)
    assert desks.desks.holders("7101") == ()


@in_a_loop
async def test_choices_are_those_of_the_configuration_and_of_the_core():
    choices = DeskStory(dialing_story(group(1))).desks.choices()
    assert choices.not_ready_reasons == ("break", "lunch")
    assert {each.name: each.label for each in choices.results}["DO_NOT_CALL"] == "Do not call"
