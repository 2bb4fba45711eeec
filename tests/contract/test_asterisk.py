"""What outdial relies on of a SIP server, tried on real Asterisk 22 and 16 and on the shipped fake alike.

Callees do what the called number says and phones what their name says; see `outdial.lab`.
"""

import asyncio

import pytest

from outdial.core.commands import PlayMessage, QueryCalls, Release, ReleaseEngaging, StartIvr, SubscribePhones, Transfer
from outdial.core.events import (
    CallConnected,
    CalleeAlerting,
    CalleeAnswered,
    CallPhase,
    CallReleased,
    CallsReported,
    ConnectFailed,
    DialAccepted,
    DialRejected,
    EngagingReleased,
    IvrAgentRequested,
    IvrStarted,
    MessageEnded,
    MessageStarted,
    PhoneState,
    PhoneStateChanged,
    ServerLost,
    VerdictReached,
)
from outdial.core.results import CallResult, Verdict
from server_line import IVR, REGULAR, SEIZING, Line
from sides import RealSide

RESULTS = [
    ("2486", CallResult.BUSY),
    ("2600", CallResult.BUSY),
    ("2603", CallResult.BUSY),
    ("2404", CallResult.SIT_VACANT),
    ("2410", CallResult.SIT_INTERCEPT),
    ("2480", CallResult.NO_ANSWER),
    ("2484", CallResult.SIT_INVALID_NUMBER),
    ("2503", CallResult.ALL_TRUNKS_BUSY),
    ("2180", CallResult.NO_ANSWER),
    ("2999", CallResult.NO_ANSWER),
]


def play(far_side, story):
    """Run a story against a connected server."""

    async def run():
        async with far_side() as side:
            line = Line(side.settings)
            try:
                await line.connect()
                await story(line, side)
            finally:
                line.close()

    asyncio.run(run())


# --- call results ------------------------------------------------------------------------------------------------


def test_every_ending_has_its_call_result(far_side):
    async def story(line, side):
        calls = [(line.dial(prefix + "0001", ring_ms_max=1_500), expected) for prefix, expected in RESULTS]
        results = [
            (number, await line.result(call_id)) for (call_id, _), (number, _) in zip(calls, RESULTS, strict=True)
        ]
        assert results == RESULTS

    play(far_side, story)


def test_call_rings_is_answered_and_the_callee_hangs_up(far_side):
    async def story(line, side):
        call_id = line.dial("20000001")
        released = await line.until(CallReleased, call_id)
        assert line.about(call_id) == [
            kind.__name__ for kind in (DialAccepted, CalleeAlerting, CalleeAnswered, CallReleased)
        ]
        assert (released.sip_status, released.q850_cause) == (None, 16)

    play(far_side, story)


def test_callee_who_talks_for_a_while_hangs_up_in_the_end(far_side):
    async def story(line, side):
        clock = asyncio.get_running_loop().time

        async def times(number, cpd):
            call_id, began = line.dial(number, cpd=cpd), clock()
            await line.until(CalleeAnswered, call_id)
            answered = clock()
            await line.until(CallReleased, call_id, within_s=8)
            heard = [event.verdict for event in line.all_of(VerdictReached, call_id)]
            return answered - began, clock() - answered, heard

        numbers = (("2004100001", False), ("2014000002", True), ("2015010003", True))
        silent, person, machine = await asyncio.gather(*(times(number, cpd) for number, cpd in numbers))
        late_s = 1.0  # a busy machine
        assert silent == (pytest.approx(1.0, abs=late_s), pytest.approx(4.5, abs=late_s), [])
        assert person == (pytest.approx(1.0, abs=late_s), pytest.approx(4.0, abs=late_s), [Verdict.PERSON])
        assert machine == (pytest.approx(1.5, abs=late_s), pytest.approx(4.0, abs=late_s), [Verdict.MACHINE])

    play(far_side, story)


def test_answered_call_waits_until_it_is_released(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001")
        await asyncio.sleep(0.3)
        assert line.all_of(CallReleased) == []
        await line.release(call_id)
        assert line.server.calls.legs == {}

    play(far_side, story)


def test_release_ends_a_call_in_whatever_state_it_is(far_side):
    async def story(line, side):
        at_once = line.dial("21800001")
        line.server.carry_out(Release(at_once))
        ringing = line.dial("21800002")
        await line.until(CalleeAlerting, ringing)
        line.server.carry_out(Release(ringing))
        for call_id in (at_once, ringing):
            await line.until(CallReleased, call_id)
        line.server.carry_out(Release(ringing))
        await line.until(CallReleased, ringing, nth=2)

    play(far_side, story)


def test_endpoint_that_does_not_exist_is_a_rejected_request(far_side):
    async def story(line, side):
        call_id = line.engage("nosuchphone")
        await line.until(DialRejected, call_id)

    play(far_side, story)


# --- call progress detection -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("prefix", "verdict"), [("2010", Verdict.PERSON), ("2011", Verdict.MACHINE)])
def test_detection_hears_real_audio(far_side, prefix, verdict):
    async def story(line, side):
        call_id = await line.answered(prefix + "0001", cpd=True)
        heard = await line.until(VerdictReached, call_id, within_s=8)
        assert heard.verdict is verdict
        await line.release(call_id)

    play(far_side, story)


def test_silence_without_any_packet_is_not_sure(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001", cpd=True)
        heard = await line.until(VerdictReached, call_id, within_s=8)
        assert heard.verdict in (Verdict.UNKNOWN, Verdict.SILENCE)
        await line.release(call_id)

    play(far_side, story)


# --- regular modes -----------------------------------------------------------------------------------------------


def test_answered_customer_is_connected_to_a_phone_and_both_end_together(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001")
        line.server.carry_out(Transfer(call_id, 1, "agent1001", 3_000))
        await line.until(CallConnected, call_id)
        await line.release(call_id)

    play(far_side, story)


@pytest.mark.parametrize("phone", ["agent1801", "agent1901", "phone2003", "nosuchphone"])
def test_phone_that_does_not_answer_leaves_the_customer_for_the_next(far_side, phone):
    async def story(line, side):
        call_id = await line.answered("20010001")
        line.server.carry_out(Transfer(call_id, 1, phone, 700))
        await line.until(ConnectFailed, call_id)
        line.server.carry_out(Transfer(call_id, 1, "agent1001", 3_000))
        await line.until(CallConnected, call_id)
        await line.release(call_id)

    play(far_side, story)


def test_customer_who_leaves_while_the_phone_rings_stops_the_ringing(far_side):
    async def story(line, side):
        call_id = line.dial("20000001")
        await line.until(CalleeAnswered, call_id)
        line.server.carry_out(Transfer(call_id, 1, "agent1901", 10_000))
        await line.until(CallReleased, call_id)
        assert line.all_of(CallConnected) == []

    play(far_side, story)


def test_preview_call_rings_the_agent_first(far_side):
    async def story(line, side):
        call_id = line.preview("20010001", "agent1002")
        await line.until(CalleeAnswered, call_id)
        await line.release(call_id)
        refused = line.preview("24860001", "agent1002")
        assert await line.result(refused) is CallResult.BUSY

    play(far_side, story)


def test_agent_gives_a_preview_call_up_before_the_customer_answers(far_side):
    async def story(line, side):
        call_id = line.preview("21800001", "agent1002")
        await line.until(CalleeAlerting, call_id)
        await line.release(call_id)
        again = line.preview("20010001", "agent1002")  # the phone is free again
        await line.until(CalleeAnswered, again)
        await line.release(again)
        assert line.server.calls.legs == {}

    play(far_side, story)


# --- seizing modes -----------------------------------------------------------------------------------------------


def test_engaged_agent_talks_to_one_customer_after_the_other_on_one_leg(far_side):
    async def story(line, side):
        engaging = await line.engaged("agent1003")
        for number in ("20010001", "20010002", "20010003"):
            call_id = line.dial(number, group_id=SEIZING)
            await line.until(CalleeAnswered, call_id)
            line.join(call_id, engaging)
            await line.until(CallConnected, call_id)
            await line.release(call_id)
        assert line.all_of(EngagingReleased) == []
        line.server.carry_out(ReleaseEngaging(engaging))
        await line.until(EngagingReleased, engaging)

    play(far_side, story)


def test_customer_of_a_seizing_group_is_judged_before_the_join(far_side):
    async def story(line, side):
        engaging = await line.engaged("agent1003")
        call_id = await line.answered("20100001", group_id=SEIZING, cpd=True)
        verdict = await line.until(VerdictReached, call_id, within_s=8)
        assert verdict.verdict is Verdict.PERSON and verdict.greeting_began_ms_ago is None
        assert verdict.greeting_ended_ms_ago == 800, "the silence that amd.conf asks for"
        line.join(call_id, engaging)
        await line.until(CallConnected, call_id)

    play(far_side, story)


def test_agent_who_does_not_answer_is_not_engaged(far_side):
    async def story(line, side):
        busy, silent = line.engage("agent1801"), line.engage("agent1901", ring_ms_max=700)
        await line.until(EngagingReleased, busy)
        await line.until(EngagingReleased, silent)

    play(far_side, story)


# --- phones that answer by themselves ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("version", ["asterisk22", "asterisk16"])
def test_every_call_to_an_agents_phone_asks_it_to_answer_by_itself(lab, version):
    header = "Call-Info: <sip:outdial>;answer-after=0"

    async def story(line, side):
        call_id = await line.answered("20010001")
        line.server.carry_out(Transfer(call_id, 1, "agent1011", 3_000))
        await line.until(CallConnected, call_id)
        await line.engaged("agent1012")
        await line.until(CalleeAnswered, line.preview("20010002", "agent1013"))
        told = {seen.number: seen.call_info for seen in lab.phones.calls()}
        for phone in ("agent1011", "agent1012", "agent1013"):
            assert told[phone] == header.partition(": ")[2]

    play(lambda: RealSide(lab.lone_node(version), lab, auto_answer_header=header), story)


# --- IVR applications --------------------------------------------------------------------------------------------


def test_ivr_application_takes_the_call_and_may_ask_for_an_agent(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001", group_id=IVR)
        line.server.carry_out(StartIvr(call_id, "ivr-agent"))
        await line.until(IvrStarted, call_id)
        await line.until(IvrAgentRequested, call_id)
        line.server.carry_out(Transfer(call_id, 1, "agent1004", 3_000))
        await line.until(CallConnected, call_id)
        await line.release(call_id)

    play(far_side, story)


def test_end_of_the_ivr_application_is_reported(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001", group_id=IVR)
        line.server.carry_out(StartIvr(call_id, "ivr-end"))
        await line.until(IvrStarted, call_id)
        await line.until(CallReleased, call_id)

    play(far_side, story)


# --- the drop message --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("group_id", [REGULAR, SEIZING])
def test_drop_message_is_heard_and_the_line_is_kept_until_its_end(far_side, group_id):
    async def story(line, side):
        call_id = await line.answered("20010001", group_id=group_id)
        line.server.carry_out(PlayMessage(call_id, side.message))
        await line.until(MessageStarted, call_id)
        assert (await line.until(MessageEnded, call_id)).played
        assert not line.all_of(CallReleased)
        await line.release(call_id)

    play(far_side, story)


def test_drop_message_that_is_not_there_is_told(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001")
        line.server.carry_out(PlayMessage(call_id, "custom/no-such-sound"))
        assert not (await line.until(MessageEnded, call_id)).played
        await line.release(call_id)

    play(far_side, story)


def test_a_person_may_hang_up_during_the_drop_message(far_side):
    async def story(line, side):
        call_id = await line.answered("20010001")
        line.server.carry_out(PlayMessage(call_id, side.message))
        await line.until(MessageStarted, call_id)
        await line.release(call_id)
        assert not line.all_of(MessageEnded)

    play(far_side, story)


# --- phones ------------------------------------------------------------------------------------------------------


async def phone_state(line, phone, state):
    while not any(event.phone == phone and event.state is state for event in line.all_of(PhoneStateChanged)):
        await line.until(PhoneStateChanged, nth=len(line.all_of(PhoneStateChanged)) + 1)
    line.events.clear()


def test_states_of_phones_are_told_and_followed(far_side):
    async def story(line, side):
        phones = ("agent1001", "agent1005", "phone2001", "nosuchphone")
        line.server.carry_out(SubscribePhones(side.settings.node_id, side.settings.server_id, phones))
        for _ in range(4):
            await line.until(PhoneStateChanged, nth=4)
        states = {event.phone: event.state for event in line.all_of(PhoneStateChanged)}
        assert states == {
            "agent1001": PhoneState.IDLE,
            "agent1005": PhoneState.IDLE,
            "phone2001": PhoneState.UNREACHABLE,
            "nosuchphone": PhoneState.UNREACHABLE,
        }
        engaging = await line.engaged("agent1005")
        await phone_state(line, "agent1005", PhoneState.BUSY)
        line.server.carry_out(ReleaseEngaging(engaging))
        await phone_state(line, "agent1005", PhoneState.IDLE)

    play(far_side, story)


def test_phone_that_registers_becomes_reachable_and_lost_again(far_side):
    async def story(line, side):
        phones = SubscribePhones(side.settings.node_id, side.settings.server_id, ("phone2001",))
        line.server.carry_out(phones)
        await phone_state(line, "phone2001", PhoneState.UNREACHABLE)
        await side.register("phone2001")
        await phone_state(line, "phone2001", PhoneState.IDLE)
        await side.unregister("phone2001")
        await phone_state(line, "phone2001", PhoneState.UNREACHABLE)

    play(far_side, story)


# --- lost connections --------------------------------------------------------------------------------------------


def test_calls_live_through_a_lost_connection_and_are_found_again(far_side):
    async def story(line, side):
        talking = await line.answered("20010001")
        line.server.carry_out(Transfer(talking, 1, "agent1001", 3_000))
        await line.until(CallConnected, talking)
        waiting, ringing = await line.answered("20010002"), line.dial("21800001", ring_ms_max=20_000)
        await line.until(CalleeAlerting, ringing)
        over = line.dial("20000003")
        await line.until(CalleeAnswered, over)
        line.server.abort()
        await asyncio.sleep(0.6)
        await line.connect()
        line.server.carry_out(QueryCalls(side.settings.node_id, side.settings.server_id, 5))
        report = await line.until(CallsReported)
        assert dict(report.calls) == {
            talking: CallPhase.CONNECTED,
            waiting: CallPhase.ANSWERED,
            ringing: CallPhase.ALERTING,
        }
        for call_id in (talking, waiting, ringing):
            await line.release(call_id)

    play(far_side, story)


def test_engaged_agent_lives_through_a_lost_connection(far_side):
    async def story(line, side):
        engaging = await line.engaged("agent1003")
        line.server.abort()
        await line.connect()
        line.server.carry_out(QueryCalls(side.settings.node_id, side.settings.server_id, 6))
        assert dict((await line.until(CallsReported)).calls) == {engaging: CallPhase.ANSWERED}
        call_id = line.dial("20010001", group_id=SEIZING)
        await line.until(CalleeAnswered, call_id)
        line.join(call_id, engaging)
        await line.until(CallConnected, call_id)

    play(far_side, story)


def test_killed_server_is_lost_at_once(far_side):
    async def story(line, side):
        await line.answered("20010001")
        began = asyncio.get_running_loop().time()
        await side.kill()
        await line.until(ServerLost)
        assert asyncio.get_running_loop().time() - began < 0.5
        await side.restart()
        await line.connect()
        line.server.carry_out(QueryCalls(side.settings.node_id, side.settings.server_id, 7))
        assert (await line.until(CallsReported)).calls == ()

    play(far_side, story)


def test_frozen_server_is_found_by_a_missed_ping_and_its_requests_do_not_come_to_life(far_side):
    async def story(line, side):
        began = asyncio.get_running_loop().time()
        side.hang()
        for n in range(20):
            line.dial(f"2001{n:04}")
        await line.until(ServerLost)
        assert asyncio.get_running_loop().time() - began < 2.0  # 1.5 s, and room for a busy machine
        side.wake()
        await line.connect()
        await asyncio.sleep(0.3)
        line.server.carry_out(QueryCalls(side.settings.node_id, side.settings.server_id, 8))
        report = await line.until(CallsReported)
        assert len(report.calls) <= 1

    play(far_side, story)
