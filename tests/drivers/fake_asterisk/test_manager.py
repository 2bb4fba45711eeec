"""The manager interface of the fake server: login, calls, their ends, lists. Expectations are those of real servers."""

import asyncio
import hashlib
import re
from importlib.resources import files

import pytest

from outdial import asterisk_files
from outdial.drivers.fake_asterisk import AskForAgent, CalleeBehaviour, FakeAsterisk, HangUp, Plan, Play
from outdial.drivers.fake_asterisk.dialplan import EXTENSIONS
from raw_manager import PASSWORD, USER, Manager, play


def test_login_with_a_challenge_and_full_boot():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server, login=False)
        assert (await manager.until(Banner="yes"))["Text"] == "Asterisk Call Manager/11.0.0\r\n"
        assert (await manager.ask("Ping"))["Message"] == "Permission denied"
        challenge = (await manager.ask("Challenge", AuthType="MD5"))["Challenge"]
        key = hashlib.md5((challenge + PASSWORD).encode()).hexdigest()
        assert (await manager.ask("Login", AuthType="MD5", Username=USER, Key=key))["Response"] == "Success"
        assert (await manager.until(Event="FullyBooted"))["Status"] == "Fully Booted"
        assert (await manager.ask("Ping"))["Ping"] == "Pong"

    play(story)


@pytest.mark.slow
def test_a_wrong_password_is_refused_after_a_second_and_the_connection_closed():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server, login=False)
        assert (await manager.ask("Login", Username=USER, Secret="wrong"))["Message"] == "Authentication failed"
        assert await manager.end() is True

    play(story)


def test_a_draining_server_refuses_logins_and_keeps_its_calls():
    async def story(server: FakeAsterisk) -> None:
        inside = await Manager.connect(server)
        await inside.answered("c1", "PJSIP/2001@trunk")
        server.drain()
        late = await Manager.connect(server, login=False)
        assert (await late.ask("Login", Username=USER, Secret=PASSWORD))["Message"] == "Asterisk is shutting down"
        assert server.calls == ("c1",)
        assert (await inside.ask("Ping"))["Ping"] == "Pong"

    play(story)


def test_an_answered_call_is_told_step_by_step_and_ends_as_ordered():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/20017@trunk")
        assert (await manager.ask("Hangup", Channel="c1", Cause="16"))["Message"] == "Channel Hungup"
        hang_up = await manager.until(Event="Hangup", Uniqueid="c1")
        assert (hang_up["Cause"], hang_up["Cause-txt"]) == ("16", "Normal Clearing")
        told = manager.story_of("c1")
        assert told[:2] == ["Newchannel", "DialBegin"]
        assert sorted(told[2:4]) == ["DialState", "Newstate"]
        assert sorted(told[4:7]) == ["DialEnd", "Newstate", "OriginateResponse"]
        assert told[7:] == ["UserEvent", "SoftHangupRequest", "Hangup"]
        assert (await manager.until(Event="OriginateResponse"))["Reason"] == "4"
        states = [m["State"] for m in manager.like(Event="DeviceStateChange", Device="PJSIP/trunk")]
        assert states == ["RINGING", "INUSE", "NOT_INUSE"]
        assert [(number, call) for _, number, call in server.invites] == [("20017", "c1")]

    play(story)


def test_waiting_ends_by_itself():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", "PJSIP/2002@trunk", OUTDIAL_HOLD_S="0.05")
        assert (await manager.until(Event="Hangup", Uniqueid="c1"))["Cause"] == "16"
        assert "DialState" not in manager.story_of("c1")  # it never rang

    play(story)


@pytest.mark.parametrize(
    "number, dial_status, cause, tech_cause",
    [
        ("2486", "BUSY", "17", "486"),
        ("2600", "BUSY", "17", "600"),
        ("2603", "NOANSWER", "21", "603"),
        ("2404", "NOANSWER", "1", "404"),
        ("2480", "NOANSWER", "19", "480"),
        ("2408", "NOANSWER", "18", "408"),
        ("2500", "NOANSWER", "38", "500"),
        ("2503", "CONGESTION", "34", "503"),
        ("2599", "CONGESTION", "34", "599"),
        ("2420", "CHANUNAVAIL", "3", "420"),
        ("2444", "NOANSWER", "127", "444"),
        ("2302", "CANCEL", "23", "302"),
        ("555", "NOANSWER", "1", "404"),
    ],
)
def test_a_refusal_has_its_cause(number: str, dial_status: str, cause: str, tech_cause: str):
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", f"PJSIP/{number}@trunk")
        hang_up = await manager.until(Event="Hangup", Uniqueid="c1")
        assert (hang_up["Cause"], hang_up["TechCause"]) == (cause, tech_cause)
        assert manager.like(Event="DialEnd")[0]["DialStatus"] == dial_status
        assert manager.like(Event="OriginateResponse")[0]["Reason"] == "0"

    play(story)


@pytest.mark.parametrize(
    "version, after_timeout, after_far_end, after_busy",
    [("22.10.1", ("19", "480"), ("0", None), ("17", "486")), ("16.28.0", ("0", None), ("16", None), ("17", None))],
)
def test_versions_differ_in_causes(version, after_timeout, after_far_end, after_busy):
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("rings", "PJSIP/2180@trunk", timeout_ms=100)
        manager.originate("leaves", "PJSIP/2000@trunk")
        manager.originate("busy", "PJSIP/2486@trunk")
        for call, expected in (("rings", after_timeout), ("leaves", after_far_end), ("busy", after_busy)):
            hang_up = await manager.until(Event="Hangup", Uniqueid=call)
            assert (hang_up["Cause"], hang_up.get("TechCause")) == expected
        assert (await manager.until(Event="OriginateResponse", Uniqueid="rings"))["Reason"] == "3"
        assert "DialEnd" not in manager.story_of("rings")
        assert "HangupRequest" in manager.story_of("leaves")

    play(story, version=version)


@pytest.mark.parametrize("channel", ["PJSIP/phone2001", "PJSIP/1@nosuch", "PJSIP/nobody", "SIP/2001"])
def test_what_cannot_be_reached_fails_without_any_channel(channel: str):
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", channel)
        response = await manager.until(Event="OriginateResponse", Uniqueid="c1")
        assert (response["Response"], response["Reason"]) == ("Failure", "0")
        assert manager.story_of("c1") == ["OriginateResponse"]
        assert server.invites == []

    play(story)


def test_a_channel_id_in_use_is_refused_and_the_first_call_lives_on():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk")
        manager.originate("c1", "PJSIP/20012@trunk")
        await manager.until(Event="OriginateResponse", Response="Failure", Uniqueid="c1")
        assert server.calls == ("c1",)
        assert server.invited == {"2001": 1}

    play(story)


def test_a_hang_up_before_the_answer():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", "PJSIP/2180@trunk")
        await manager.until(Event="DialState", DestUniqueid="c1")
        await manager.ask("Hangup", Channel="c1", Cause="16")
        assert (await manager.until(Event="Hangup", Uniqueid="c1"))["Cause"] == "16"
        assert manager.like(Event="DialEnd")[0]["DialStatus"] == "NOANSWER"
        assert manager.like(Event="OriginateResponse")[0]["Reason"] == "0"

    play(story)


@pytest.mark.parametrize(
    "number, status, cause",
    [
        ("2010", "HUMAN", "HUMAN-800-800"),
        ("2011", "MACHINE", "LONGGREETING-1500-1500"),
        ("2012", "FAX", "CNG"),
        ("2001", "NOTSURE", "TOOLONG-4900"),
    ],
)
def test_detection_tells_what_it_hears_and_the_call_waits_on(number: str, status: str, cause: str):
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", f"PJSIP/{number}@trunk", "detect")
        verdict = await manager.until(Event="UserEvent", UserEvent="OutdialVerdict", Uniqueid="c1")
        assert (verdict["Status"], verdict["Cause"]) == (status, cause)
        shown = await shown_channels(manager)
        assert [(channel["Exten"], channel["Application"]) for channel in shown] == [("wait", "Wait")]

    play(story, speed=100.0)


def test_transfer_to_an_agent_joins_both_legs_and_ends_them_together():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk")
        await transfer(manager, "c1", "PJSIP/agent1001")
        begin = await manager.until(Event="DialBegin", Uniqueid="c1")
        agent = begin["DestUniqueid"]
        await manager.until(Event="DialEnd", Uniqueid="c1", DestUniqueid=agent, DialStatus="ANSWER")
        await manager.until(Event="BridgeEnter", Uniqueid="c1", BridgeNumChannels="2")
        shown = await shown_channels(manager)
        assert [channel["Application"] for channel in shown] == ["Dial", "AppDial"]
        assert len({channel["BridgeId"] for channel in shown}) == 1 and shown[0]["BridgeId"]
        assert server.device_state("agent1001") == "INUSE"
        assert server.hang_up(agent)  # the agent puts the phone down
        assert (await manager.until(Event="Hangup", Uniqueid="c1"))["Cause"] == "16"
        assert (await manager.until(Event="Hangup", Uniqueid=agent))["Cause"] == "16"
        assert server.calls == ()
        states = [m["State"] for m in manager.like(Event="DeviceStateChange", Device="PJSIP/agent1001")]
        assert states == ["RINGING", "INUSE", "NOT_INUSE"]

    play(story)


@pytest.mark.parametrize(
    "phone, status", [("agent1801", "BUSY"), ("agent1901", "NOANSWER"), ("phone2001", "CHANUNAVAIL")]
)
def test_a_transfer_that_fails_leaves_the_customer_waiting(phone: str, status: str):
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk", OUTDIAL_RING_S="0.05")  # rounded up
        await transfer(manager, "c1", f"PJSIP/{phone}")
        told = await manager.until(Event="UserEvent", UserEvent="OutdialNotConnected", Uniqueid="c1")
        assert told["Status"] == status
        shown = await shown_channels(manager)
        assert [(channel["Uniqueid"], channel["Exten"]) for channel in shown] == [("c1", "wait")]

    play(story)


def test_the_customer_leaves_while_the_agent_s_phone_rings():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk")
        await transfer(manager, "c1", "PJSIP/agent1901")
        begin = await manager.until(Event="DialBegin", Uniqueid="c1")
        assert server.hang_up("c1")
        await manager.until(Event="DialEnd", DestUniqueid=begin["DestUniqueid"], DialStatus="CANCEL")
        assert (await manager.until(Event="Hangup", Uniqueid=begin["DestUniqueid"]))["Cause"] == "16"
        assert (await manager.until(Event="Hangup", Uniqueid="c1"))["Cause"] == "0"

    play(story)


def test_preview_calls_the_agent_then_the_customer():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", "PJSIP/agent1002", "preview", OUTDIAL_DIAL="PJSIP/2001@trunk")
        await manager.until(Event="BridgeEnter", Uniqueid="c1")
        assert [number for _, number, _ in server.invites] == ["agent1002", "2001"]
        for number, expected in (("2486", ("17", "486")), ("2603", ("21", "403"))):
            manager.originate(f"c{number}", "PJSIP/agent1003", "preview", OUTDIAL_DIAL=f"PJSIP/{number}@trunk")
            hang_up = await manager.until(Event="Hangup", Uniqueid=f"c{number}")
            assert (hang_up["Cause"], hang_up["TechCause"]) == expected

    play(story)


def test_an_ivr_application_asks_for_an_agent_or_hangs_up():
    def chooses(channel_id: str, variables):
        return [Play(20), HangUp(21) if variables["MENU"] == "2" else AskForAgent()]

    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        for call, menu in (("c1", "1"), ("c2", "2")):
            await manager.answered(call, "PJSIP/2001@trunk", MENU=menu)
            manager.send(Action="Redirect", Channel=call, Context="menu", Exten="s", Priority="1")
        await manager.until(Event="UserEvent", UserEvent="OutdialAgent", Uniqueid="c1")
        assert (await manager.until(Event="Hangup", Uniqueid="c2"))["Cause"] == "21"
        assert server.calls == ("c1",)
        manager.send(Action="Redirect", Channel="c1", Context="nosuch", Exten="s", Priority="1")
        await manager.until(Event="Hangup", Uniqueid="c1")

    play(story, plan=Plan(ivr={"menu": chooses}))


def test_lists_settings_and_errors_in_asterisk_s_words():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        server.register("phone2001")
        await manager.until(Event="DeviceStateChange", Device="PJSIP/phone2001", State="NOT_INUSE")
        await manager.ask("DeviceStateList")
        complete = await manager.until(Event="DeviceStateListComplete")
        listed = {m["Device"]: m["State"] for m in manager.like(Event="DeviceStateChange") if "ActionID" in m}
        assert len(listed) == int(complete["ListItems"])
        assert (listed["PJSIP/phone2001"], listed["PJSIP/phone2002"]) == ("NOT_INUSE", "UNAVAILABLE")
        assert (await manager.ask("CoreSettings"))["CoreMaxCalls"] == "7"
        assert (await manager.ask("ModuleCheck", Module="app_amd"))["Response"] == "Success"
        assert (await manager.ask("ModuleCheck", Module="app_x"))["Message"] == "Module not loaded"
        assert (await manager.ask("ShowDialPlan", Context="outdial"))["EventList"] == "start"
        assert int((await manager.until(Event="ShowDialPlanComplete"))["ListItems"]) > 15
        assert (await manager.ask("ShowDialPlan", Context="x"))["Message"] == "Did not find context x"
        await manager.ask("Setvar", Variable="A", Value="7")
        assert (await manager.ask("Getvar", Variable="A"))["Value"] == "7"
        for action, fields, message in (
            ("Hangup", {"Channel": "x"}, "No such channel"),
            ("Setvar", {"Channel": "x", "Variable": "A", "Value": "1"}, "No such channel"),
            ("Redirect", {"Channel": "x", "Exten": "agent"}, "Channel does not exist: x"),
            ("Originate", {"Async": "true"}, "Channel not specified"),
            ("Originate", {"Channel": "PJSIP/1@trunk", "Async": "true", "Exten": "x"}, "Extension does not exist."),
        ):
            assert await manager.ask(action, **fields) | {"ActionID": ""} == {
                "Response": "Error",
                "ActionID": "",
                "Message": message,
            }
        assert (await manager.ask("Nonsense"))["Message"].startswith("Invalid/unknown command: Nonsense.")
        assert (await manager.ask("Logoff"))["Response"] == "Goodbye"
        assert await manager.end() is True

    play(story, channels_max=7)


def test_a_call_answered_beyond_the_limit_is_dropped():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        await manager.answered("c1", "PJSIP/2001@trunk")
        await manager.answered("c2", "PJSIP/2001@trunk")
        assert (await manager.until(Event="Hangup", Uniqueid="c2"))["Cause"] == "0"
        assert server.calls == ("c1",)

    play(story, channels_max=1)


def test_callees_can_be_planned():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        manager.originate("c1", "PJSIP/2001@trunk")
        assert (await manager.until(Event="Hangup", Uniqueid="c1"))["TechCause"] == "488"

    play(story, plan=Plan(callee=lambda number: CalleeBehaviour(refuse_status=488)))
    with pytest.raises(ValueError, match="300 … 699"):
        CalleeBehaviour(refuse_status=200)


def test_events_go_to_every_session_that_wants_them():
    async def story(server: FakeAsterisk) -> None:
        first, second, deaf = [await Manager.connect(server) for _ in range(3)]
        assert (await deaf.ask("Events", EventMask="off"))["Events"] == "Off"
        await first.answered("c1", "PJSIP/2001@trunk")
        await second.until(Event="Newstate", Uniqueid="c1", ChannelStateDesc="Up")
        await deaf.ask("Ping")
        assert deaf.story_of("c1") == []

    play(story)


@pytest.mark.slow
def test_a_thousand_and_a_half_complete_calls_a_second_are_light_work():
    async def story(server: FakeAsterisk) -> None:
        manager = await Manager.connect(server)
        started = asyncio.get_running_loop().time()
        for n in range(1_500):
            manager.originate(f"c{n}", f"PJSIP/{('2486', '2002', '2503')[n % 3]}{n}@trunk", OUTDIAL_HOLD_S="0.01")
        await manager.until(count=1_500, Event="Hangup")
        assert asyncio.get_running_loop().time() - started < 5  # with the reading of a slow test client
        assert server.calls == ()

    play(story)


async def transfer(manager: Manager, call: str, phone: str) -> None:
    manager.send(Action="Setvar", Channel=call, Variable="OUTDIAL_PHONE", Value=phone)
    response = await manager.ask("Redirect", Channel=call, Context="outdial", Exten="agent", Priority="1")
    assert response["Message"] == "Redirect successful"


async def shown_channels(manager: Manager) -> list[dict[str, str]]:
    done = len(manager.like(Event="CoreShowChannelsComplete"))
    response = await manager.ask("CoreShowChannels")
    await manager.until(count=done + 1, Event="CoreShowChannelsComplete")
    return manager.like(Event="CoreShowChannel", ActionID=response["ActionID"])


def test_the_dialplan_is_the_shipped_one():
    text = (files(asterisk_files) / "templates" / "extensions-outdial.conf").read_text(encoding="utf-8")
    shipped: dict[str, list[tuple[str, str]]] = {}
    exten = ""
    for line in text.splitlines():
        if found := re.match(r"exten => ([\w-]+),1,(\w+)\((.*)\)$", line):
            exten = found[1]
            shipped[exten] = [(found[2], found[3])]
        elif found := re.match(r" same => n(?:\(\w+\))?,(\w+)\((.*)\)$", line):
            shipped[exten].append((found[1], found[2]))
    assert shipped == {exten: list(steps) for exten, steps in EXTENSIONS.items()}
